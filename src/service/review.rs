//! What others have written and nobody has decided on, and the decisions: each with its reason, who and when.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::ingest::{IngestService, Rejection};
use super::keys::{Key, Role};
use crate::record::{RecordId, Revision, State};
use crate::store::{Change, Cursor, Expected, Store, StoreError, StoredRecord, Write};

/// Kind of the records that hold decisions; their ids are `kind/id/revision`.
const KIND: &str = "_decision";
/// Changes read at a time.
const BATCH: usize = 2_000;
/// Decisions that are kept at hand.
const RECENT: usize = 200;
/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Everybody sees the record from now on.
    Publish,
    /// The writer is told why not.
    SendBack,
    /// Nobody sees the record any more; it can be published again.
    TakeDown,
    /// The record is gone.
    Remove,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Publish, Self::SendBack, Self::TakeDown, Self::Remove];

    pub fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::SendBack => "send_back",
            Self::TakeDown => "take_down",
            Self::Remove => "remove",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether it can be done to a record of that state.
    pub fn fits(self, state: State) -> bool {
        match self {
            Self::Publish | Self::Remove => state != State::Published,
            Self::SendBack => matches!(state, State::Draft | State::Pending),
            Self::TakeDown => state == State::Published,
        }
    }

    pub fn allows(self, role: Role) -> bool {
        match self {
            Self::Publish | Self::SendBack => role.may_review(),
            Self::TakeDown | Self::Remove => role.may_publish(),
        }
    }

    /// Whether the writer must be told why.
    pub fn needs_reason(self) -> bool {
        self != Self::Publish
    }
}

/// What somebody decides.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    pub id: &'a RecordId,
    /// The revision that was looked at.
    pub seen: Revision,
    pub action: Action,
    /// For the writer.
    pub reason: &'a str,
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub kind: String,
    pub id: String,
    pub title: String,
    pub action: Action,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Owner and id of the key.
    pub by: String,
    pub key: String,
    /// RFC 3339.
    pub at: String,
    pub from: State,
}

/// A record that is not public.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub id: RecordId,
    pub revision: Revision,
    pub state: State,
    pub title: String,
    pub owner: Option<String>,
    pub source: Option<String>,
    /// When it was last written, RFC 3339.
    pub since: String,
}

/// Part of what waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// Longest waiting first.
    pub items: Vec<Waiting>,
    pub total: usize,
}

/// What is known of records that are not public, and the last decisions: as far as the change log was read.
#[derive(Default)]
struct Desk {
    cursor: Cursor,
    read: Revision,
    waiting: BTreeMap<RecordId, Waiting>,
    /// The newest first.
    recent: VecDeque<Decision>,
}

/// Lists what waits and decides.
pub struct ReviewService {
    store: Arc<dyn Store>,
    desk: Mutex<Desk>,
}

/// The members of a record that tell whether it waits.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "_state", default)]
    state: State,
    #[serde(borrow, default)]
    title: std::borrow::Cow<'a, str>,
    #[serde(rename = "_owner", default)]
    owner: Option<String>,
    #[serde(rename = "_source", default)]
    source: Option<String>,
    #[serde(rename = "_updated_at", default)]
    updated_at: String,
}

impl ReviewService {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, desk: Mutex::default() }
    }

    /// Reads what was written since the last time; the first time that is everything.
    fn desk(&self) -> Result<MutexGuard<'_, Desk>, StoreError> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        while desk.read < self.store.head() {
            let (changes, next) = self.store.changes(&desk.cursor, BATCH)?;
            let Some(last) = changes.last().map(Change::revision) else { break };
            changes.iter().for_each(|change| desk.apply(change));
            (desk.cursor, desk.read) = (next, last);
        }
        Ok(desk)
    }

    /// Lists records of a state, of one kind or of all.
    pub fn queue(
        &self,
        state: State,
        kind: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<Queue, StoreError> {
        let desk = self.desk()?;
        let mut found: Vec<&Waiting> = desk
            .waiting
            .values()
            .filter(|waiting| waiting.state == state)
            .filter(|waiting| kind.is_none_or(|kind| *waiting.id.kind == *kind))
            .collect();
        found.sort_by(|a, b| (&a.since, &a.id).cmp(&(&b.since, &b.id)));
        let total = found.len();
        let items = found.into_iter().skip(offset).take(limit).cloned().collect();
        Ok(Queue { items, total })
    }

    /// Counts what waits, by state and kind.
    pub fn counts(&self) -> Result<Vec<(State, Arc<str>, usize)>, StoreError> {
        let desk = self.desk()?;
        let mut counts: Vec<(State, Arc<str>, usize)> = Vec::new();
        for waiting in desk.waiting.values() {
            let of = |(state, kind, _): &&mut (State, Arc<str>, usize)| {
                *state == waiting.state && *kind == waiting.id.kind
            };
            match counts.iter_mut().find(of) {
                Some((.., count)) => *count += 1,
                None => counts.push((waiting.state, waiting.id.kind.clone(), 1)),
            }
        }
        Ok(counts)
    }

    /// Lists the last decisions, the newest first.
    pub fn recent(&self, limit: usize) -> Result<Vec<Decision>, StoreError> {
        Ok(self.desk()?.recent.iter().take(limit).cloned().collect())
    }

    /// Lists the decisions on one record, the newest first.
    pub fn decisions(&self, id: &RecordId) -> Result<Vec<Decision>, StoreError> {
        let start = format!("{id}/");
        let mut found = Vec::new();
        let mut after: Option<Arc<str>> = Some(start.as_str().into());
        loop {
            let page = self.store.scan(KIND, after.as_deref(), 200)?;
            let mine = page.iter().take_while(|stored| stored.id.id.starts_with(&start));
            let before = found.len();
            found.extend(mine.filter_map(|stored| serde_json::from_slice(&stored.json).ok()));
            after = page.last().map(|stored| stored.id.id.clone());
            if found.len() - before < page.len() || page.is_empty() {
                found.reverse();
                return Ok(found);
            }
        }
    }

    /// Decides on a record that is still as it was seen. `now` is an instant in RFC 3339.
    pub fn decide(
        &self,
        ingest: &IngestService,
        verdict: &Verdict<'_>,
        by: &Key,
        now: &str,
    ) -> Result<Result<Revision, Rejection>, StoreError> {
        let &Verdict { id, seen, action, reason } = verdict;
        if !action.allows(by.role) {
            let roles = match action {
                Action::Publish | Action::SendBack => "reviewer, operator or administrator",
                Action::TakeDown | Action::Remove => "operator or administrator",
            };
            return Ok(Err(Rejection::Forbidden { detail: format!("a key of the role {roles}") }));
        }
        let Some(stored) = self.store.get(id)?.filter(|_| !id.is_internal()) else {
            return Ok(Err(Rejection::NotFound));
        };
        let Ok(head) = serde_json::from_slice::<Head<'_>>(&stored.json) else {
            return Ok(Err(Rejection::NotFound));
        };
        if stored.revision != seen || !action.fits(head.state) {
            return Ok(Err(Rejection::Precondition { found: Some(stored.revision) }));
        }
        let decision = Decision {
            kind: id.kind.to_string(),
            id: id.id.to_string(),
            title: head.title.chars().take(200).collect(),
            action,
            reason: reason.trim().chars().take(MAX_REASON).collect(),
            by: by.owner().to_owned(),
            key: by.id.clone(),
            at: now.to_owned(),
            from: head.state,
        };
        let body = serde_json::to_vec(&decision).expect("a decision has only string keys");
        let place = RecordId::new(KIND, format!("{id}/{:020}", stored.revision.0));
        let kept = Write { id: place, expected: Expected::Any, body: Some(body) };
        match action {
            Action::Publish => ingest.move_to(&stored, State::Published, kept, now),
            Action::SendBack => ingest.move_to(&stored, State::Rejected, kept, now),
            Action::TakeDown => ingest.move_to(&stored, State::Draft, kept, now),
            Action::Remove => self.remove(&stored, kept),
        }
    }

    fn remove(
        &self,
        stored: &StoredRecord,
        kept: Write,
    ) -> Result<Result<Revision, Rejection>, StoreError> {
        let expected = Expected::At(stored.revision);
        let gone = Write { id: stored.id.clone(), expected, body: None };
        Ok(match self.store.append(vec![vec![gone, kept]])?.remove(0) {
            Ok(revisions) => Ok(revisions[0]),
            Err(conflict) => Err(Rejection::Precondition { found: conflict.found }),
        })
    }
}

impl Desk {
    fn apply(&mut self, change: &Change) {
        let id = change.id();
        let stored = match change {
            Change::Withdraw { .. } => {
                self.waiting.remove(id);
                return;
            }
            Change::Put(stored) => stored,
        };
        if id.is_internal() {
            if &*id.kind == KIND
                && let Ok(decision) = serde_json::from_slice(&stored.json)
            {
                self.recent.push_front(decision);
                self.recent.truncate(RECENT);
            }
            return;
        }
        match serde_json::from_slice::<Head<'_>>(&stored.json) {
            Ok(head) if head.state != State::Published => {
                let waiting = Waiting {
                    id: id.clone(),
                    revision: stored.revision,
                    state: head.state,
                    title: head.title.into_owned(),
                    owner: head.owner,
                    source: head.source,
                    since: head.updated_at,
                };
                self.waiting.insert(id.clone(), waiting);
            }
            _ => drop(self.waiting.remove(id)),
        }
    }
}
