//! Which records apply to an organization: keeps the rules of every record compiled, and answers profiles.

mod answer;
mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::indexing;
use crate::applicability::table::Table;
use crate::applicability::{Dictionary, Profile, Rules, Verdict};
use crate::engine::{Engine, EngineError};
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::record::{Catalog, RecordId, Revision, State};
use crate::store::{Change, Cursor, Store, StoreError, StoredRecord};
pub use answer::{Answer, Item};
pub use request::{CheckRequest, MEMBERS};

/// Changes read at a time.
const BATCH: usize = 1_000;
/// Rules that are kept readable, beside the compiled ones.
const KEPT: usize = 2_048;

/// Checks profiles against records.
pub struct ApplicabilityService {
    pub catalog: Arc<Catalog>,
    pub dictionary: Arc<Dictionary>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    table: RwLock<Table>,
    /// How far the change log is compiled. Held while compiling.
    read: Mutex<(Cursor, Revision)>,
    kept: Mutex<HashMap<RecordId, Arc<Loaded>>>,
}

/// A record's rules and what is shown of it.
#[derive(Debug)]
pub struct Loaded {
    pub id: RecordId,
    pub revision: Revision,
    pub title: String,
    pub rules: Rules,
}

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("the request was refused")]
    Bad(BadRequest),
    #[error("the profile was refused")]
    Profile(Vec<Violation>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// How a record stands to a profile, for those who watch it change.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictOf {
    pub id: RecordId,
    pub verdict: Verdict,
    pub near: bool,
    /// Whether it is out of question: elsewhere, not in force, for others. Then the verdict is not shown.
    pub excluded: bool,
}

impl ApplicabilityService {
    pub fn new(
        catalog: Arc<Catalog>,
        dictionary: Arc<Dictionary>,
        store: Arc<dyn Store>,
        engine: Arc<dyn Engine>,
    ) -> Self {
        Self {
            table: RwLock::new(Table::new(dictionary.clone())),
            read: Mutex::default(),
            kept: Mutex::default(),
            catalog,
            dictionary,
            store,
            engine,
        }
    }

    /// Compiles what was written since the last time; cheap when nothing was.
    ///
    /// Returns the last change that is taken into account.
    pub fn catch_up(&self) -> Result<Revision, StoreError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        while read.1 < self.store.head() {
            let (changes, next) = self.store.changes(&read.0, BATCH)?;
            let Some(last) = changes.last().map(Change::revision) else { break };
            self.apply(changes);
            *read = (next, last);
        }
        Ok(read.1)
    }

    /// Follows the store on a thread of its own until `stop` is set, so that answers need not wait for it.
    pub fn follow(self: &Arc<Self>, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let service = self.clone();
        let follow = move || {
            while !stop.load(Ordering::Relaxed) {
                match service.catch_up() {
                    Ok(revision) => {
                        service.store.wait_for_changes(revision, Duration::from_millis(250));
                    }
                    Err(error) => {
                        tracing::error!(%error, "rules cannot be read; again in a second");
                        std::thread::sleep(Duration::from_secs(1));
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("applicability".into())
            .spawn(follow)
            .expect("the system gives a thread")
    }

    fn apply(&self, changes: Vec<Change>) {
        let has_rules = |id: &RecordId| {
            self.catalog.kind(&id.kind).is_some_and(|kind| kind.applicability.is_some())
        };
        let changes = changes.into_iter().filter(|change| has_rules(change.id()));
        // Reading is the slow part, and needs no lock.
        let read: Vec<(RecordId, Option<Rules>)> = changes
            .map(|change| {
                let id = change.id().clone();
                let rules = match change {
                    Change::Put(stored) => self.load(&stored).map(|loaded| loaded.rules),
                    Change::Withdraw { .. } => None,
                };
                (id, rules)
            })
            .collect();
        if read.is_empty() {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().for_each(|(id, _)| drop(kept.remove(id)));
        drop(kept);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for (id, rules) in read {
            match rules {
                Some(rules) => table.put(id, &rules),
                None => table.remove(&id),
            }
        }
    }

    /// The compiled rules, as far as they were read.
    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a record's rules; `None` for one that is not published or has none.
    fn load(&self, stored: &StoredRecord) -> Option<Loaded> {
        let kind = self.catalog.kind(&stored.id.kind)?;
        let record = indexing::read(stored)?;
        if record.state != State::Published {
            return None;
        }
        let (rules, violations) = Rules::read(kind, &record.fields, &self.dictionary)?;
        if let Some(first) = violations.first() {
            // Written under other attributes: what can be read counts, the rest is not known.
            tracing::warn!(id = %stored.id, place = %first.pointer, "rules cannot all be read");
        }
        let title = record.fields.get("title").and_then(Value::as_str).unwrap_or_default();
        Some(Loaded {
            id: stored.id.clone(),
            revision: stored.revision,
            title: title.to_owned(),
            rules,
        })
    }

    /// Reads a record's rules, from memory where they are kept.
    pub fn loaded(&self, id: &RecordId) -> Result<Option<Arc<Loaded>>, StoreError> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = kept().get(id) {
            return Ok(Some(loaded.clone()));
        }
        let Some(loaded) = self.store.get(id)?.and_then(|stored| self.load(&stored)) else {
            return Ok(None);
        };
        let loaded = Arc::new(loaded);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(id.clone(), loaded.clone());
        Ok(Some(loaded))
    }

    /// How every record of some kinds stands to a profile; of none named, of those that are checked by default.
    pub fn verdicts(
        &self,
        profile: &Profile,
        kinds: &[Arc<str>],
        as_of: i32,
    ) -> Result<Vec<VerdictOf>, StoreError> {
        self.catch_up()?;
        let table = self.table();
        let mut verdicts = Vec::new();
        table.judge(profile, as_of, None, |standing| {
            let id = table.id(standing.row);
            if self.is_asked(&id.kind, kinds) {
                verdicts.push(VerdictOf {
                    id: id.clone(),
                    verdict: standing.verdict,
                    near: standing.near,
                    excluded: standing.excluded.is_some(),
                });
            }
        });
        Ok(verdicts)
    }

    /// How one record stands to many profiles; `None` when it is not there.
    pub fn verdicts_of<'a>(
        &self,
        id: &RecordId,
        profiles: impl Iterator<Item = &'a Profile>,
        as_of: i32,
    ) -> Result<Option<Vec<Verdict>>, StoreError> {
        self.catch_up()?;
        let table = self.table();
        Ok(table.row(id).map(|row| table.judge_each(row, profiles, as_of)))
    }

    fn is_asked(&self, kind: &str, kinds: &[Arc<str>]) -> bool {
        if !kinds.is_empty() {
            return kinds.iter().any(|asked| **asked == *kind);
        }
        let declared = self.catalog.kind(kind).and_then(|kind| kind.applicability.as_ref());
        declared.is_some_and(|rules| rules.default)
    }
}
