//! Which records apply to an organization: keeps the rules of every record compiled, and answers profiles.

mod answer;
mod plan;
mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::indexing;
use crate::applicability::columns::Columns;
use crate::applicability::explain::explain;
use crate::applicability::table::{Among, Table};
use crate::applicability::{Dictionary, Level, Profile, Rules};
use crate::engine::{Engine, EngineError};
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::record::{Catalog, Lang, RecordId, Revision, State};
use crate::store::{Change, Cursor, Store, StoreError, StoredRecord};
pub use answer::{Answer, Item, VersionView};
pub use plan::PortfolioView;
pub use request::{CheckRequest, MEMBERS};

/// Changes read at a time.
const BATCH: usize = 1_000;
/// Changes made to the compiled rules while nobody can read them.
const WRITTEN: usize = 64;
/// Rules that are kept readable, beside the compiled ones.
const KEPT: usize = 8_192;

/// Checks profiles against records.
pub struct ApplicabilityService {
    pub catalog: Arc<Catalog>,
    pub dictionary: Arc<Dictionary>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    table: RwLock<Table>,
    /// How far the change log is compiled. Held while compiling and sorting.
    read: Mutex<(Cursor, Revision)>,
    /// The last change that is compiled.
    compiled: AtomicU64,
    kept: Mutex<Kept>,
}

/// Rules that were read lately. Half of them goes when there are too many, those that were not asked for the longest.
#[derive(Default)]
struct Kept {
    young: HashMap<RecordId, Arc<Loaded>>,
    old: HashMap<RecordId, Arc<Loaded>>,
}

impl Kept {
    fn get(&mut self, id: &RecordId) -> Option<Arc<Loaded>> {
        if let Some(loaded) = self.young.get(id) {
            return Some(loaded.clone());
        }
        let loaded = self.old.remove(id)?;
        self.put(loaded.clone());
        Some(loaded)
    }

    fn put(&mut self, loaded: Arc<Loaded>) {
        if self.young.len() >= KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(loaded.id.clone(), loaded);
    }

    fn remove(&mut self, id: &RecordId) {
        self.young.remove(id);
        self.old.remove(id);
    }
}

/// A record's rules and what is shown of it.
#[derive(Debug)]
pub struct Loaded {
    pub id: RecordId,
    pub revision: Revision,
    pub rules: Rules,
}

impl Loaded {
    pub fn title(&self) -> &str {
        &self.rules.offer.title
    }
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
            compiled: AtomicU64::default(),
            kept: Mutex::default(),
            catalog,
            dictionary,
            store,
            engine,
        }
    }

    /// Compiles what had been written when it was called; waits for nobody when nothing was.
    ///
    /// Returns the last change that is taken into account.
    pub fn catch_up(&self) -> Result<Revision, StoreError> {
        // Not what comes meanwhile: there may be no end to it.
        let head = self.store.head();
        let compiled = Revision(self.compiled.load(Ordering::Acquire));
        if compiled >= head {
            return Ok(compiled);
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        while read.1 < head {
            let (changes, next) = self.store.changes(&read.0, BATCH)?;
            let Some(last) = changes.last().map(Change::revision) else { break };
            self.apply(changes);
            *read = (next, last);
            self.compiled.store(last.0, Ordering::Release);
        }
        Ok(read.1)
    }

    /// Sorts the compiled rules in a copy, when they have grown or shrunk enough.
    ///
    /// It takes a while: whoever asks meanwhile goes on with the table as it is, unless there is something to compile.
    fn sort(&self) {
        let _nobody_compiles = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.table().is_unsorted() {
            return;
        }
        let mut table = self.table().clone();
        table.sort();
        // What was there is dropped when nobody waits for it any more.
        std::mem::swap(
            &mut *self.table.write().unwrap_or_else(PoisonError::into_inner),
            &mut table,
        );
    }

    /// Follows the store on a thread of its own until `stop` is set, so that answers need not wait for it.
    pub fn follow(self: &Arc<Self>, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let service = self.clone();
        let follow = move || {
            while !stop.load(Ordering::Relaxed) {
                match service.catch_up() {
                    Ok(revision) => {
                        service.sort();
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
        read.iter().for_each(|(id, _)| kept.remove(id));
        drop(kept);
        let mut read = read.into_iter().peekable();
        while read.peek().is_some() {
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            for (id, rules) in read.by_ref().take(WRITTEN) {
                match rules {
                    Some(rules) => table.put(id, &rules),
                    None => table.remove(&id),
                }
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
        Some(Loaded { id: stored.id.clone(), revision: stored.revision, rules })
    }

    /// Reads a record's rules, from memory where they are kept.
    pub fn loaded(&self, id: &RecordId) -> Result<Option<Arc<Loaded>>, StoreError> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = kept().get(id) {
            return Ok(Some(loaded));
        }
        let Some(loaded) = self.store.get(id)?.and_then(|stored| self.load(&stored)) else {
            return Ok(None);
        };
        let loaded = Arc::new(loaded);
        kept().put(loaded.clone());
        Ok(Some(loaded))
    }

    /// Lists the records of some kinds that do not fail for a profile, by their digests; of no kind named, of those
    /// that are checked by default.
    ///
    /// As far as the change log is compiled: see [`catch_up`](Self::catch_up).
    pub fn levels(&self, profile: &Profile, kinds: &[Arc<str>], as_of: i32) -> Vec<(u64, Level)> {
        let table = self.table();
        let asked = self.kinds_asked(&table, kinds);
        let mut levels = Vec::new();
        table.judge(profile, as_of, Among::Kinds(&asked), |standing| {
            let level = standing.level();
            if level > Level::Fail {
                levels.push((table.digest(standing.row), level));
            }
        });
        levels
    }

    /// Tells how a record stands to many profiles; `None` when it has no rules, or is not there.
    pub fn levels_of(&self, id: &RecordId, profiles: &Columns, as_of: i32) -> Option<Vec<Level>> {
        let table = self.table();
        table.row(id).map(|row| table.judge_each(row, profiles, as_of))
    }

    /// How a record stands to a profile, in a sentence.
    pub(super) fn say(&self, loaded: &Loaded, profile: &Profile, as_of: i32) -> String {
        let ended = self.table().ended_by(&loaded.id).map(|link| link.day);
        explain(&loaded.rules, profile, as_of, ended, &self.dictionary, Lang::Zh).say
    }

    /// For each kind of a table, by its number, whether it is asked for.
    pub(super) fn kinds_asked(&self, table: &Table, kinds: &[Arc<str>]) -> Vec<bool> {
        table.kinds().iter().map(|kind| self.is_asked(kind, kinds)).collect()
    }

    pub(super) fn is_asked(&self, kind: &str, kinds: &[Arc<str>]) -> bool {
        if !kinds.is_empty() {
            return kinds.iter().any(|asked| **asked == *kind);
        }
        let declared = self.catalog.kind(kind).and_then(|kind| kind.applicability.as_ref());
        declared.is_some_and(|rules| rules.default)
    }
}
