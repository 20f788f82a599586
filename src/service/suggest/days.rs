//! How much is searched, day by day: numbers alone, no text and nobody.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::record::RecordId;
use crate::record::value::{date_text, days};
use crate::store::{Expected, Store, StoreError, Write};

/// Internal kind of the records that keep the days; their ids are dates.
const KIND: &str = "_day";
/// Days that are kept.
const KEPT: i32 = 800;

/// Counts of one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Searches that somebody typed, first pages alone.
    pub searches: u64,
    /// Those that found nothing.
    pub none: u64,
    /// Those that found no record with every word.
    pub loose: u64,
    /// Results that were opened, as far as pages tell.
    pub clicks: u64,
    /// Sum of 1 / position over the clicks.
    pub reciprocal: f64,
}

#[derive(Default)]
struct Counts {
    days: BTreeMap<i32, Day>,
    unsaved: HashSet<i32>,
}

/// The days.
pub(super) struct Days {
    store: Arc<dyn Store>,
    counts: Mutex<Counts>,
}

impl Days {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, counts: Mutex::default() }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what was kept; what was counted meanwhile is added to it.
    pub fn load(&self) -> Result<(), StoreError> {
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.store.scan(KIND, after.as_deref(), 1_000)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.id.clone());
            let mut counts = self.counts();
            for stored in &page {
                let kept = serde_json::from_slice::<Day>(&stored.json);
                let (Some(day), Ok(kept)) = (days(&stored.id.id), kept) else { continue };
                // After a failure it is read again: what is known then holds it already.
                let known = counts.days.entry(day).or_default();
                if known.day.is_empty() || known.searches < kept.searches {
                    *known = kept;
                }
            }
        }
    }

    /// Counts something on a day, in days since 1970-01-01.
    pub fn note(&self, day: i32, change: impl FnOnce(&mut Day)) {
        let mut counts = self.counts();
        let counted = counts.days.entry(day).or_default();
        if counted.day.is_empty() {
            counted.day = date_text(day).unwrap_or_default();
        }
        change(counted);
        counts.unsaved.insert(day);
    }

    /// The last `length` days up to `today`, the oldest first.
    pub fn last(&self, today: i32, length: u16) -> Vec<Day> {
        let counts = self.counts();
        let first = today - i32::from(length) + 1;
        let empty = |day| Day { day: date_text(day).unwrap_or_default(), ..Day::default() };
        let of = |day| counts.days.get(&day).cloned().unwrap_or_else(|| empty(day));
        (first..=today).map(of).collect()
    }

    /// Writes down the days that have changed, and forgets those too long ago.
    pub fn save(&self) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        {
            let mut counts = self.counts();
            let unsaved = std::mem::take(&mut counts.unsaved);
            let Some(&newest) = counts.days.keys().next_back() else { return Ok(()) };
            let old: Vec<i32> = counts.days.range(..newest - KEPT).map(|(day, _)| *day).collect();
            for day in old {
                counts.days.remove(&day);
                writes.extend(date_text(day).map(|id| vec![write(&id, None)]));
            }
            for day in unsaved {
                let Some(counted) = counts.days.get(&day) else { continue };
                let body = serde_json::to_vec(counted).expect("a day has only string keys");
                writes.push(vec![write(&counted.day, Some(body))]);
            }
        }
        if !writes.is_empty() {
            self.store.append(writes)?;
        }
        Ok(())
    }
}

fn write(id: &str, body: Option<Vec<u8>>) -> Write {
    Write { id: RecordId::new(KIND, id), expected: Expected::Any, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};

    #[test]
    fn days_are_counted_kept_and_forgotten() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = EmbeddedStore::open(dir.path(), EmbeddedOptions::default()).expect("opens");
        let store: Arc<dyn Store> = Arc::new(store);
        let first = Days::new(store.clone());
        let today = days("2026-11-23").expect("a date");
        first.note(today - KEPT - 1, |day| day.searches += 1);
        (0..3).for_each(|_| first.note(today, |day| day.searches += 1));
        first.note(today - 1, |day| day.none += 1);
        first.save().expect("saved");
        let again = Days::new(store.clone());
        again.load().expect("loaded");
        let last = again.last(today, 3);
        let told: Vec<(&str, u64, u64)> =
            last.iter().map(|day| (&*day.day, day.searches, day.none)).collect();
        assert_eq!(told, [("2026-11-21", 0, 0), ("2026-11-22", 0, 1), ("2026-11-23", 3, 0)]);
        assert_eq!(store.scan(KIND, None, 10).expect("read").len(), 2, "the oldest is forgotten");
    }
}
