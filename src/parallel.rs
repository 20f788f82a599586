//! One piece of work on several cores.

use std::sync::LazyLock;
use std::thread;

/// More threads than this gain an answer of some milliseconds nothing.
const MAX_THREADS: usize = 4;

static THREADS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS));

/// Number of threads that work is spread over.
pub fn threads() -> usize {
    *THREADS
}

/// Applies `f` to every item and keeps their order. Each thread has `least` items or more: a smaller share is done
/// sooner than a thread begins.
pub fn map<T: Sync, R: Send>(items: &[T], least: usize, f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = (items.len() / least.max(1)).clamp(1, threads());
    let mut parts = items.chunks(items.len().div_ceil(threads).max(1));
    let first = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        let f = &f;
        let others: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(f).collect::<Vec<R>>())).collect();
        let mut all: Vec<R> = first.iter().map(f).collect();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        for count in [0, 1, 2, 3, 5, 64, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            for least in [0, 1, 7, 2_000] {
                assert_eq!(map(&items, least, |item| item + 1), (1..=count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    #[should_panic(expected = "the last one")]
    fn a_panic_is_that_of_the_caller() {
        map(&[1, 2, 3, 4], 1, |item| assert!(*item < 4, "the last one"));
    }
}
