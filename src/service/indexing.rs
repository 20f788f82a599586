//! Keeps the index behind the store: the same function at start-up, for live writes and for a rebuild.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tokio::sync::watch;

use crate::engine::document::index_record;
use crate::engine::{Engine, EngineError, IndexChange};
use crate::record::{Catalog, Record, Revision};
use crate::store::{Change, Cursor, Store, StoreError, StoredRecord};
use crate::text::Analyzer;

/// Changes read at a time.
const BATCH: usize = 500;
/// Most changes between commits while far behind.
const COMMIT_EVERY: usize = 20_000;
/// Changes that are worth a thread.
const ANALYZED: usize = 32;
/// Records cut again between two looks at live writes.
const RECUT: usize = 500;
/// Least time between commits of live writes.
const COMMIT_INTERVAL: Duration = Duration::from_millis(400);

/// Reads the change log into the engine.
pub struct Indexing {
    pub catalog: Arc<Catalog>,
    pub analyzer: Arc<Analyzer>,
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
}

/// How far the index is; cheap to ask.
#[derive(Clone)]
pub struct Progress {
    visible: watch::Receiver<Revision>,
    engine: Arc<dyn Engine>,
}

impl Progress {
    /// The last change that can be found.
    pub fn visible(&self) -> Revision {
        *self.visible.borrow()
    }

    /// Tells whether the index has held everything at least once since the start, and can be read.
    pub fn is_ready(&self) -> bool {
        self.engine.is_whole()
    }

    /// Waits until `revision` can be found, at most `timeout`; tells whether it can.
    pub async fn wait_for(&self, revision: Revision, timeout: Duration) -> bool {
        let mut visible = self.visible.clone();
        let reached = visible.wait_for(|visible| *visible >= revision);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Indexing {
    /// Brings the index up to the store's head and commits. Calls `report` with the revision reached.
    pub fn catch_up(&self, report: &mut dyn FnMut(Revision)) -> Result<Revision, IndexingError> {
        self.catch_up_unless(&AtomicBool::new(false), report)
    }

    /// As [`Self::catch_up`], but keeps what it has and returns early once `stop` is set.
    fn catch_up_unless(
        &self,
        stop: &AtomicBool,
        report: &mut dyn FnMut(Revision),
    ) -> Result<Revision, IndexingError> {
        let (mut cursor, mut revision) = self.engine.applied().unwrap_or_default();
        let mut uncommitted = 0;
        loop {
            let head = self.store.head();
            let taken = self.take(&mut cursor, &mut revision)?;
            if taken == 0 {
                // A checkpoint leaves out what no reader needs, and that may be the last there was.
                revision = revision.max(head);
            }
            uncommitted += taken;
            report(revision);
            let is_over = taken == 0 || stop.load(Ordering::Relaxed);
            let is_behind = self.engine.applied().is_none_or(|(_, applied)| applied < revision);
            if is_over && is_behind || uncommitted >= COMMIT_EVERY {
                self.engine.commit(&cursor, revision, self.words())?;
                uncommitted = 0;
            }
            if is_over {
                return Ok(revision);
            }
        }
    }

    /// The dictionary that all records of the index were cut with.
    fn words(&self) -> u64 {
        self.engine.words_fingerprint().unwrap_or_else(|| self.analyzer.words_fingerprint())
    }

    /// Cuts the next records again; returns how many there were, none when all are.
    ///
    /// Changes since are behind the cursor of the change log, and come afterwards.
    fn cut_again(&self, recut: &mut Recut) -> Result<usize, IndexingError> {
        while let Some(kind) = self.catalog.kinds.get(recut.kind) {
            let records = self.store.scan(&kind.name, recut.after.as_deref(), RECUT)?;
            let Some(last) = records.last() else {
                *recut = Recut { kind: recut.kind + 1, after: None, ..*recut };
                continue;
            };
            recut.after = Some(last.id.id.clone());
            let taken = records.len();
            self.engine.apply(self.analyze(records.into_iter().map(Change::Put).collect()))?;
            return Ok(taken);
        }
        Ok(0)
    }

    /// Applies one batch of changes; returns how many there were.
    fn take(&self, cursor: &mut Cursor, revision: &mut Revision) -> Result<usize, IndexingError> {
        let (changes, next) = self.store.changes(cursor, BATCH)?;
        let taken = changes.len();
        if let Some(last) = changes.last() {
            *revision = last.revision();
            let changes = self.analyze(changes);
            self.engine.apply(changes)?;
        }
        *cursor = next;
        Ok(taken)
    }

    /// Analyzes on all cores; the order stays.
    fn analyze(&self, changes: Vec<Change>) -> Vec<IndexChange> {
        let changes = changes.into_par_iter().with_min_len(ANALYZED);
        changes.filter_map(|change| self.index_change(change)).collect()
    }

    fn index_change(&self, change: Change) -> Option<IndexChange> {
        if change.id().is_internal() {
            return None;
        }
        let stored = match change {
            Change::Withdraw { id, .. } => return Some(IndexChange::Remove(id)),
            Change::Put(stored) => stored,
        };
        let kind = self.catalog.kind(&stored.id.kind);
        let record = read(&stored);
        let indexed =
            kind.zip(record).and_then(|(kind, record)| index_record(kind, &record, &self.analyzer));
        Some(match indexed {
            Some(record) => IndexChange::Put(Box::new(record)),
            None => IndexChange::Remove(stored.id),
        })
    }

    /// Follows the store on a thread of its own until `stop` is set.
    pub fn follow(self, stop: Arc<AtomicBool>) -> (Progress, std::thread::JoinHandle<()>) {
        let (seen, visible) =
            watch::channel(self.engine.applied().map(|(_, revision)| revision).unwrap_or_default());
        let progress = Progress { visible, engine: self.engine.clone() };
        let thread = std::thread::Builder::new()
            .name("indexing".into())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match self.follow_once(&seen, &stop) {
                        Ok(()) => continue,
                        // That was said when it was found.
                        Err(IndexingError::Engine(EngineError::Damaged)) => {}
                        Err(error) => {
                            tracing::error!(%error, "indexing failed and begins again in a second");
                        }
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
            })
            .expect("the system gives a thread");
        (progress, thread)
    }

    /// Follows until `stop` is set or something fails.
    fn follow_once(
        &self,
        seen: &watch::Sender<Revision>,
        stop: &AtomicBool,
    ) -> Result<(), IndexingError> {
        let mut revision = self.catch_up_unless(stop, &mut |_| {})?;
        seen.send_replace(revision);
        let (mut cursor, _) = self.engine.applied().unwrap_or_default();
        let mut uncommitted = 0;
        // Whether live writes are among them, which somebody may be waiting for.
        let mut is_live = false;
        let mut committed = Instant::now() - COMMIT_INTERVAL;
        // A dictionary of words that has changed is used at once; the records follow, a few between live writes.
        let mut recut: Option<Recut> = None;
        while !stop.load(Ordering::Relaxed) {
            let words = self.analyzer.words_fingerprint();
            if self.words() == words {
                recut = None;
            } else if recut.as_ref().is_none_or(|recut| recut.words != words) {
                tracing::info!("the words have changed: every record is cut again");
                recut = Some(Recut { words, kind: 0, after: None });
            }
            let mut is_cut = false;
            if let Some(recut) = &mut recut {
                let cut = self.cut_again(recut)?;
                uncommitted += cut;
                is_cut = cut == 0;
            } else if !is_live {
                self.store.wait_for_changes(revision, Duration::from_millis(250));
            } else if let due = COMMIT_INTERVAL.saturating_sub(committed.elapsed())
                && !due.is_zero()
            {
                self.store.wait_for_changes(revision, due);
            }
            let taken = self.take(&mut cursor, &mut revision)?;
            uncommitted += taken;
            is_live |= taken > 0;
            if is_cut
                || is_live && committed.elapsed() >= COMMIT_INTERVAL
                || uncommitted >= COMMIT_EVERY
            {
                let words = if is_cut { words } else { self.words() };
                self.engine.commit(&cursor, revision, words)?;
                seen.send_replace(revision);
                (uncommitted, is_live) = (0, false);
                committed = Instant::now();
            }
        }
        if uncommitted > 0 {
            self.engine.commit(&cursor, revision, self.words())?;
        }
        Ok(())
    }
}

/// How far the records are cut again.
struct Recut {
    /// What they are cut with.
    words: u64,
    /// Number of the kind, and the last record of it that is done.
    kind: usize,
    after: Option<Arc<str>>,
}

/// Reads a stored record's JSON; `None` (and a line in the log) when it cannot be read.
pub fn read(stored: &StoredRecord) -> Option<Record> {
    match serde_json::from_slice::<Record>(&stored.json) {
        Ok(record) => Some(Record { revision: stored.revision, ..record }),
        Err(error) => {
            tracing::error!(id = %stored.id, %error, "a stored record cannot be read");
            None
        }
    }
}
