//! Counts keys that were wrong, so that nobody can try many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Wrong keys at once, and seconds until one more is taken.
const MOST: f64 = 10.0;
const SECONDS: f64 = 30.0;
/// Ids that are counted at a time: as many as there are keys with failures.
const MAX_IDS: usize = 10_000;

/// What is left to try: of every key that exists, and of all others together. Whoever does not know the id of
/// somebody's key cannot lock them out.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<String, (Instant, f64)>>);

impl Attempts {
    /// Tells whether one more key may be tried; `id` is that of an existing key, or empty.
    pub fn admits(&self, id: &str, now: Instant) -> bool {
        self.left(id, now) >= 1.0
    }

    /// Notes that a key was wrong.
    pub fn fail(&self, id: &str, now: Instant) {
        let left = (self.left(id, now) - 1.0).max(0.0);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_IDS {
            buckets.retain(|_, (then, left)| refilled(*then, *left, now) < MOST);
        }
        buckets.insert(id.to_owned(), (now, left));
    }

    fn left(&self, id: &str, now: Instant) -> f64 {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(id).map_or(MOST, |&(then, left)| refilled(then, left, now))
    }
}

fn refilled(then: Instant, left: f64, now: Instant) -> f64 {
    (left + now.saturating_duration_since(then).as_secs_f64() / SECONDS).min(MOST)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn many_wrong_keys_are_refused_and_time_forgives() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..10 {
            assert!(attempts.admits("", now));
            attempts.fail("", now);
        }
        assert!(!attempts.admits("", now));
        assert!(attempts.admits("known", now), "others are not locked out");
        assert!(!attempts.admits("", now + Duration::from_secs(29)));
        assert!(attempts.admits("", now + Duration::from_secs(31)));
    }
}
