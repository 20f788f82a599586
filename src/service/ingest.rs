//! The write path: validate -> append. What it acknowledges is on disk.

pub mod receipts;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::keys::{Key, Principal, random_hex};
use super::{indexing, versions};
use crate::applicability::{Dictionary, Rules};
use crate::record::validate::{self, Violation};
use crate::record::{Catalog, Fields, Record, RecordId, Revision, State};
use crate::store::{Expected, Store, StoreError, StoredRecord, Write};

/// Longest id, in characters.
const MAX_ID: usize = 128;
/// How often a write is tried again when others write the same record.
const RETRIES: usize = 16;

/// Checks and stores records.
pub struct IngestService {
    pub catalog: Arc<Catalog>,
    /// What the rules of records are checked against.
    pub dictionary: Arc<Dictionary>,
    pub store: Arc<dyn Store>,
}

/// A record that somebody wants to write.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: String,
    /// `None`: the server gives one.
    pub id: Option<String>,
    pub fields: Fields,
    /// What the writer expects to be there.
    pub precondition: Precondition,
    pub source: Option<String>,
}

/// `If-Match` and `If-None-Match`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    #[default]
    None,
    /// The record exists at this revision.
    Matches(Revision),
    /// The record exists.
    Exists,
    /// There is no such record.
    Absent,
}

/// A record that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub record: Record,
    pub created: bool,
}

/// What would become of a draft: its record, and whether it would be new.
pub type Rehearsed = Result<(RecordId, bool), Rejection>;

/// Why one record was not written.
#[derive(Debug, Clone, PartialEq)]
pub enum Rejection {
    UnknownKind {
        found: String,
        known: String,
    },
    BadId {
        found: String,
    },
    Invalid(Vec<Violation>),
    /// The precondition does not hold.
    Precondition {
        found: Option<Revision>,
    },
    Forbidden {
        detail: String,
    },
    NotFound,
}

/// A checked draft.
struct Checked {
    id: RecordId,
    fields: Fields,
    state: Option<State>,
    precondition: Precondition,
    source: Option<String>,
}

impl Draft {
    /// Takes `kind`, `id` and the members the server adds out of a flat JSON object.
    ///
    /// `kind` and `id` of the path win; a member that differs from them is a violation. Members that only the server
    /// writes are ignored, so that a record that was read can be written back.
    pub fn from_object(
        mut object: Fields,
        kind: Option<&str>,
        id: Option<&str>,
    ) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut take = |name: &str, path: Option<&str>| -> Option<String> {
            let found = object.remove(name);
            let wrong = |expected: String, found: &Value| Violation {
                pointer: format!("/{name}"),
                code: "mismatch",
                expected,
                found: found.to_string().chars().take(80).collect(),
            };
            match (found, path) {
                (Some(Value::String(found)), Some(path)) if found != path => {
                    violations
                        .push(wrong(format!("`{path}` as in the path, or nothing"), &found.into()));
                    None
                }
                (Some(Value::String(found)), _) => Some(found),
                (Some(other), _) if !other.is_null() => {
                    violations.push(wrong("a string".into(), &other));
                    None
                }
                _ => path.map(str::to_owned),
            }
        };
        let kind = take("kind", kind);
        let id = take("id", id);
        let given = object.keys().filter(|name| SERVER_MEMBERS.contains(&name.as_str()));
        for name in given.cloned().collect::<Vec<_>>() {
            object.remove(&name);
        }
        if kind.is_none() && violations.is_empty() {
            violations.push(Violation {
                pointer: "/kind".into(),
                code: "required",
                expected: "the record's kind".into(),
                found: "nothing".into(),
            });
        }
        match kind {
            Some(kind) if violations.is_empty() => Ok(Self {
                kind,
                id,
                fields: object,
                precondition: Precondition::None,
                source: None,
            }),
            _ => Err(violations),
        }
    }
}

/// Members of a record that only the server writes; `_state` is read from those who may publish.
const SERVER_MEMBERS: [&str; 5] = ["_revision", "_owner", "_created_at", "_updated_at", "_source"];

impl IngestService {
    /// Writes drafts in order, each on its own: one that is refused does not hold up the others.
    ///
    /// `now` is an instant in RFC 3339. Blocks until everything is on disk.
    pub fn put(
        &self,
        drafts: Vec<Draft>,
        by: &Key,
        now: &str,
    ) -> Result<Vec<Result<Written, Rejection>>, StoreError> {
        let mut answers: Vec<Option<Result<Written, Rejection>>> =
            drafts.iter().map(|_| None).collect();
        let mut waiting: Vec<(usize, Checked)> = Vec::new();
        for (at, draft) in drafts.into_iter().enumerate() {
            match self.check(draft, by) {
                Ok(checked) => waiting.push((at, checked)),
                Err(rejection) => answers[at] = Some(Err(rejection)),
            }
        }
        for _ in 0..RETRIES {
            if waiting.is_empty() {
                break;
            }
            waiting = self.write(waiting, &mut answers, by, now)?;
        }
        for (at, _) in waiting {
            answers[at] = Some(Err(Rejection::Precondition { found: None }));
        }
        Ok(answers.into_iter().map(|answer| answer.expect("every draft is answered")).collect())
    }

    /// Writes what it can; returns what must be tried again, since somebody else wrote the same record meanwhile.
    fn write(
        &self,
        waiting: Vec<(usize, Checked)>,
        answers: &mut [Option<Result<Written, Rejection>>],
        by: &Key,
        now: &str,
    ) -> Result<Vec<(usize, Checked)>, StoreError> {
        let mut batches = Vec::new();
        let mut written = Vec::new();
        let mut again = Vec::new();
        let mut in_batch: HashMap<RecordId, ()> = HashMap::new();
        for (at, checked) in waiting {
            // A second write of a record must see the first one's.
            if in_batch.insert(checked.id.clone(), ()).is_some() {
                again.push((at, checked));
                continue;
            }
            let existing = self.store.get(&checked.id)?;
            match record_of(&checked, existing.as_ref(), by, now) {
                Err(rejection) => answers[at] = Some(Err(rejection)),
                Ok(record) => {
                    let body = serde_json::to_vec(&Stored::from(&record))
                        .expect("a record has only string keys");
                    let expected = match &existing {
                        Some(stored) => Expected::At(stored.revision),
                        None => Expected::Absent,
                    };
                    let mut batch =
                        vec![Write { id: checked.id.clone(), expected, body: Some(body) }];
                    batch.extend(self.earlier_version(&record, existing.as_ref()));
                    batches.push(batch);
                    written.push((at, checked, record, existing.is_none()));
                }
            }
        }
        if batches.is_empty() {
            return Ok(again);
        }
        for ((at, checked, mut record, created), outcome) in
            written.into_iter().zip(self.store.append(batches)?)
        {
            match outcome {
                Ok(revisions) => {
                    record.revision = revisions[0];
                    answers[at] = Some(Ok(Written { record, created }));
                }
                Err(_) => again.push((at, checked)),
            }
        }
        again.sort_by_key(|(at, _)| *at);
        Ok(again)
    }

    /// Composes the write that keeps the version that `record` replaces, where its kind states rules and they differ.
    fn earlier_version(&self, record: &Record, existing: Option<&StoredRecord>) -> Option<Write> {
        let existing = existing?;
        self.catalog.kind(&record.kind)?.applicability.as_ref()?;
        let before = indexing::read(existing)?;
        let differs = before.fields != record.fields || before.state != record.state;
        differs.then(|| versions::keep(existing)).flatten()
    }

    /// Tells what would become of drafts, in order: whether each would be new, or why it would be refused. Writes
    /// nothing.
    pub fn rehearse(&self, drafts: Vec<Draft>, by: &Key) -> Result<Vec<Rehearsed>, StoreError> {
        let mut answers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            answers.push(match self.check(draft, by) {
                Err(rejection) => Err(rejection),
                Ok(checked) => {
                    let existing = self.store.get(&checked.id)?;
                    record_of(&checked, existing.as_ref(), by, "")
                        .map(|_| (checked.id, existing.is_none()))
                }
            });
        }
        Ok(answers)
    }

    /// Moves a record to another state and writes `beside` with it, if it is still what `stored` says.
    pub(super) fn move_to(
        &self,
        stored: &StoredRecord,
        state: State,
        beside: Write,
        now: &str,
    ) -> Result<Result<Revision, Rejection>, StoreError> {
        let Some(before) = indexing::read(stored) else { return Ok(Err(Rejection::NotFound)) };
        let record = Record { state, updated_at: now.to_owned(), ..before };
        let body =
            serde_json::to_vec(&Stored::from(&record)).expect("a record has only string keys");
        let expected = Expected::At(stored.revision);
        let mut batch = vec![Write { id: stored.id.clone(), expected, body: Some(body) }, beside];
        batch.extend(self.earlier_version(&record, Some(stored)));
        Ok(match self.store.append(vec![batch])?.remove(0) {
            Ok(revisions) => Ok(revisions[0]),
            Err(conflict) => Err(Rejection::Precondition { found: conflict.found }),
        })
    }

    /// Withdraws a record.
    pub fn withdraw(
        &self,
        id: &RecordId,
        precondition: Precondition,
        by: &Key,
    ) -> Result<Result<Revision, Rejection>, StoreError> {
        for _ in 0..RETRIES {
            let Some(stored) = self.store.get(id)? else { return Ok(Err(Rejection::NotFound)) };
            if let Err(rejection) =
                precondition.check(Some(stored.revision)).and_then(|()| owned(&stored, by))
            {
                return Ok(Err(rejection));
            }
            let write =
                Write { id: id.clone(), expected: Expected::At(stored.revision), body: None };
            let states_rules =
                self.catalog.kind(&id.kind).is_some_and(|kind| kind.applicability.is_some());
            let last = states_rules.then(|| versions::keep(&stored)).flatten();
            let batch = std::iter::once(write).chain(last).collect();
            if let Ok(revisions) = self.store.append(vec![batch])?.remove(0) {
                return Ok(Ok(revisions[0]));
            }
        }
        Ok(Err(Rejection::Precondition { found: None }))
    }

    /// Reads a record; `None` when there is none, or none that `principal` may see.
    pub fn get(&self, id: &RecordId, principal: &Principal) -> Result<Option<Record>, StoreError> {
        let (Some(kind), false) = (self.catalog.kind(&id.kind), id.is_internal()) else {
            return Ok(None);
        };
        let Some(mut record) = self.store.get(id)?.as_ref().and_then(indexing::read) else {
            return Ok(None);
        };
        let scope = principal.scope_of(&record);
        if record.state != State::Published && scope != crate::record::Visibility::Owner {
            return Ok(None);
        }
        record.fields = validate::visible(kind, &record.fields, scope);
        if scope == crate::record::Visibility::Public {
            record.owner = None;
        }
        Ok(Some(record))
    }

    fn check(&self, mut draft: Draft, by: &Key) -> Result<Checked, Rejection> {
        if !by.role.may_write() {
            return Err(Rejection::Forbidden {
                detail: "a key of the role contributor, operator or administrator".into(),
            });
        }
        let kind = self.catalog.kind(&draft.kind).ok_or_else(|| Rejection::UnknownKind {
            found: draft.kind.chars().take(80).collect(),
            known: self.catalog.kinds.iter().map(|k| &*k.name).collect::<Vec<_>>().join(", "),
        })?;
        let id = draft.id.unwrap_or_else(random_hex::<12>);
        if !is_good_id(&id) {
            return Err(Rejection::BadId { found: id.chars().take(80).collect() });
        }
        let state = match draft.fields.remove("_state") {
            Some(state) if by.role.may_publish() => match serde_json::from_value(state.clone()) {
                Ok(state) => Some(state),
                Err(_) => {
                    return Err(Rejection::Invalid(vec![Violation {
                        pointer: "/_state".into(),
                        code: "not_in_vocabulary",
                        expected: "draft, pending, published or rejected".into(),
                        found: state.to_string().chars().take(80).collect(),
                    }]));
                }
            },
            _ => None,
        };
        let fields = validate::validate(kind, draft.fields).map_err(Rejection::Invalid)?;
        match Rules::read(kind, &fields, &self.dictionary) {
            Some((_, violations)) if !violations.is_empty() => {
                return Err(Rejection::Invalid(violations));
            }
            _ => {}
        }
        Ok(Checked {
            id: RecordId::new(kind.name.clone(), id),
            fields,
            state,
            precondition: draft.precondition,
            source: draft.source,
        })
    }
}

impl Precondition {
    fn check(self, found: Option<Revision>) -> Result<(), Rejection> {
        let holds = match self {
            Precondition::None => true,
            Precondition::Matches(revision) => found == Some(revision),
            Precondition::Exists => found.is_some(),
            Precondition::Absent => found.is_none(),
        };
        if holds { Ok(()) } else { Err(Rejection::Precondition { found }) }
    }
}

/// Composes the record that a checked draft becomes on top of what is there.
fn record_of(
    checked: &Checked,
    existing: Option<&StoredRecord>,
    by: &Key,
    now: &str,
) -> Result<Record, Rejection> {
    checked.precondition.check(existing.map(|stored| stored.revision))?;
    let before = match existing {
        Some(stored) => {
            owned(stored, by)?;
            indexing::read(stored)
        }
        None => None,
    };
    let state = match (checked.state, by.role.may_publish()) {
        (Some(state), _) => state,
        (None, true) => State::Published,
        (None, false) => State::Pending,
    };
    let (owner, created_at, source) = match before {
        Some(before) => (before.owner, before.created_at, before.source),
        None => (Some(by.owner().to_owned()), now.to_owned(), None),
    };
    Ok(Record {
        kind: checked.id.kind.clone(),
        id: checked.id.id.clone(),
        revision: Revision::default(),
        state,
        owner,
        created_at,
        updated_at: now.to_owned(),
        source: checked.source.clone().or(source),
        fields: checked.fields.clone(),
    })
}

/// Only those who may publish change other owners' records.
fn owned(stored: &StoredRecord, by: &Key) -> Result<(), Rejection> {
    if by.role.may_publish() {
        return Ok(());
    }
    match indexing::read(stored) {
        Some(record) if by.role.may_write() && record.owner.as_deref() == Some(by.owner()) => {
            Ok(())
        }
        _ => Err(Rejection::Forbidden {
            detail:
                "the key that the record belongs to, or one of the role operator or administrator"
                    .into(),
        }),
    }
}

/// Letters and digits of any script and `. _ : -`; does not begin with `.`.
fn is_good_id(id: &str) -> bool {
    let length = id.chars().count();
    (1..=MAX_ID).contains(&length)
        && !id.starts_with('.')
        && id.chars().all(|ch| ch.is_alphanumeric() || "._:-".contains(ch))
}

/// A record's JSON as it is stored: without the revision, which the store keeps beside it.
#[derive(serde::Serialize)]
struct Stored<'a> {
    kind: &'a str,
    id: &'a str,
    #[serde(rename = "_state")]
    state: State,
    #[serde(rename = "_owner", skip_serializing_if = "Option::is_none")]
    owner: &'a Option<String>,
    #[serde(rename = "_created_at")]
    created_at: &'a str,
    #[serde(rename = "_updated_at")]
    updated_at: &'a str,
    #[serde(rename = "_source", skip_serializing_if = "Option::is_none")]
    source: &'a Option<String>,
    #[serde(flatten)]
    fields: &'a Fields,
}

impl<'a> From<&'a Record> for Stored<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            kind: &record.kind,
            id: &record.id,
            state: record.state,
            owner: &record.owner,
            created_at: &record.created_at,
            updated_at: &record.updated_at,
            source: &record.source,
            fields: &record.fields,
        }
    }
}
