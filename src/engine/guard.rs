//! An index that is asked only while its answers can be right.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Engine, EngineError, Found, IndexChange, LikeTerms, Liked, Shares};
use crate::query::like::Like;
use crate::query::{Search, TokenField};
use crate::record::{RecordId, Revision};
use crate::store::Cursor;

/// Least time between two checks of the files.
const CHECK_PAUSE: Duration = Duration::from_secs(60);

/// Stands before an engine: nothing is answered from an index that is still being filled, or that is damaged.
///
/// An index that holds a part answers "nothing" to what is in the rest, and looks as sure of it as a whole one. One that
/// fails where it should not has its files checked in the background; a fault of the program leaves it in use.
pub struct Guard {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Box<dyn Engine>,
    /// The change up to which the index must have read.
    needed: AtomicU64,
    /// It has.
    is_filled: AtomicBool,
    is_damaged: AtomicBool,
    /// When the files were checked last.
    checked: Mutex<Option<Instant>>,
}

impl Guard {
    /// Answers once the change log is searchable up to `needed`.
    pub fn new(engine: Box<dyn Engine>, needed: Revision) -> Self {
        let inner = Inner {
            engine,
            needed: AtomicU64::new(needed.0),
            is_filled: AtomicBool::new(false),
            is_damaged: AtomicBool::new(false),
            checked: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Begins again to wait, until the change log is searchable up to `needed`.
    pub fn require(&self, needed: Revision) {
        self.inner.needed.store(needed.0, Ordering::Release);
        self.inner.is_filled.store(false, Ordering::Release);
    }

    fn read<T>(
        &self,
        ask: impl FnOnce(&dyn Engine) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.whole()?;
        match self.watched(ask) {
            Ok(answer) => answer,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A panic must not end the thread that follows the change log.
    fn write(
        &self,
        work: impl FnOnce(&dyn Engine) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        if self.inner.is_damaged.load(Ordering::Relaxed) {
            return Err(EngineError::Damaged);
        }
        let worked = self.watched(work);
        worked.unwrap_or_else(|_| Err(EngineError::Unavailable("writing it panicked".into())))
    }

    fn watched<T>(
        &self,
        work: impl FnOnce(&dyn Engine) -> Result<T, EngineError>,
    ) -> std::thread::Result<Result<T, EngineError>> {
        let worked = catch_unwind(AssertUnwindSafe(|| work(&*self.inner.engine)));
        if matches!(worked, Err(_) | Ok(Err(EngineError::Unavailable(_)))) {
            self.check();
        }
        worked
    }

    fn is_filled(&self) -> bool {
        if self.inner.is_filled.load(Ordering::Acquire) {
            return true;
        }
        let applied = self.inner.engine.applied().map_or(0, |(_, revision)| revision.0);
        let is_filled = applied >= self.inner.needed.load(Ordering::Acquire);
        if is_filled {
            self.inner.is_filled.store(true, Ordering::Release);
        }
        is_filled
    }

    /// Checks the files on a thread of its own, unless that was done a moment ago.
    fn check(&self) {
        let mut checked = self.inner.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.is_some_and(|checked| checked.elapsed() < CHECK_PAUSE) {
            return;
        }
        *checked = Some(Instant::now());
        let inner = self.inner.clone();
        let checking = std::thread::Builder::new().name("index-check".into()).spawn(move || {
            // A file that went in a merge meanwhile is looked for once more.
            let damaged = match inner.engine.verify().or_else(|_| inner.engine.verify()) {
                Ok(damaged) => damaged.join(", "),
                Err(error) => error.to_string(),
            };
            if !damaged.is_empty() {
                inner.is_damaged.store(true, Ordering::Relaxed);
                tracing::error!(
                    damaged,
                    "the index is damaged and no longer asked; start again: it is moved aside and made anew"
                );
            }
        });
        if let Err(error) = checking {
            tracing::warn!(%error, "the index cannot be checked");
        }
    }
}

impl Engine for Guard {
    fn whole(&self) -> Result<(), EngineError> {
        if self.inner.is_damaged.load(Ordering::Relaxed) {
            return Err(EngineError::Damaged);
        }
        if !self.is_filled() {
            return Err(EngineError::Filling);
        }
        Ok(())
    }

    fn apply(&self, changes: Vec<IndexChange>) -> Result<(), EngineError> {
        self.write(|engine| engine.apply(changes))
    }

    fn commit(&self, applied: &Cursor, revision: Revision, words: u64) -> Result<(), EngineError> {
        self.write(|engine| engine.commit(applied, revision, words))
    }

    fn applied(&self) -> Option<(Cursor, Revision)> {
        self.inner.engine.applied()
    }

    fn words_fingerprint(&self) -> Option<u64> {
        self.inner.engine.words_fingerprint()
    }

    fn search(&self, search: &Search) -> Result<Found, EngineError> {
        self.read(|engine| engine.search(search))
    }

    fn like(&self, like: &Like, limit: usize) -> Result<Liked, EngineError> {
        self.read(|engine| engine.like(like, limit))
    }

    fn like_shares(
        &self,
        like: &Like,
        ids: &[RecordId],
    ) -> Result<(Liked, Vec<Shares>), EngineError> {
        self.read(|engine| engine.like_shares(like, ids))
    }

    fn like_terms(&self, like: &Like) -> Result<LikeTerms, EngineError> {
        self.read(|engine| engine.like_terms(like))
    }

    fn words(&self) -> Result<Vec<(String, u64)>, EngineError> {
        self.read(|engine| engine.words())
    }

    fn num_records(&self) -> Result<u64, EngineError> {
        self.read(|engine| engine.num_records())
    }

    fn num_with(&self, field: TokenField, token: &str) -> Result<u64, EngineError> {
        self.read(|engine| engine.num_with(field, token))
    }

    fn verify(&self) -> Result<Vec<String>, EngineError> {
        self.inner.engine.verify()
    }
}

#[cfg(test)]
mod tests;
