//! Counts what may be done only so often: keys that are wrong, so that nobody can try many, and what guests write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Ids that are counted at a time.
const MAX_IDS: usize = 10_000;

/// What is left to do: so much at once, and then one more whenever its time has passed, of every id for itself.
#[derive(Debug)]
pub struct Attempts {
    most: f64,
    /// Until one more is taken.
    seconds: f64,
    buckets: Mutex<HashMap<String, (Instant, f64)>>,
}

impl Attempts {
    fn new(most: f64, seconds: f64) -> Self {
        Self { most, seconds, buckets: Mutex::default() }
    }

    /// Wrong keys: by the id of the key that exists, and of all others together, under the empty id. Whoever does not
    /// know the id of somebody's key cannot lock them out.
    pub fn of_keys() -> Self {
        Self::new(10.0, 30.0)
    }

    /// Writes of people without a key.
    pub fn of_guests() -> Self {
        Self::new(60.0, 1.0)
    }

    /// Tells whether one more is taken.
    pub fn admits(&self, id: &str, now: Instant) -> bool {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        self.left(buckets.get(id), now) >= 1.0
    }

    /// Takes one, if there is one.
    pub fn take(&self, id: &str, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.left(buckets.get(id), now);
        if left < 1.0 {
            return false;
        }
        if buckets.len() >= MAX_IDS {
            buckets.retain(|_, bucket| self.left(Some(bucket), now) < self.most);
        }
        buckets.insert(id.to_owned(), (now, left - 1.0));
        true
    }

    fn left(&self, bucket: Option<&(Instant, f64)>, now: Instant) -> f64 {
        bucket.map_or(self.most, |&(then, left)| {
            let passed = now.saturating_duration_since(then).as_secs_f64();
            (left + passed / self.seconds).min(self.most)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn many_wrong_keys_are_refused_and_time_forgives() {
        let attempts = Attempts::of_keys();
        let now = Instant::now();
        for _ in 0..10 {
            assert!(attempts.admits("", now));
            assert!(attempts.take("", now));
        }
        assert!(!attempts.admits("", now) && !attempts.take("", now));
        assert!(attempts.admits("known", now), "others are not locked out");
        assert!(!attempts.admits("", now + Duration::from_secs(29)));
        assert!(attempts.admits("", now + Duration::from_secs(31)));
    }
}
