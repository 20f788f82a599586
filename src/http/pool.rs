//! Threads for work that blocks: searches, reads and writes never run on the threads that serve connections.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::oneshot;

/// A fixed number of threads behind a queue of bounded length.
///
/// The threads end when the pool is dropped, after the jobs that were taken.
pub struct Pool {
    name: &'static str,
    jobs: Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The queue is full; the job did not run.
    #[error("the queue is full")]
    Overloaded,
    /// The job panicked; the panic is in the log.
    #[error("the job panicked")]
    Panicked,
}

impl Pool {
    /// Starts `threads` threads (at least one) with room for `queue` jobs that wait.
    ///
    /// With a queue of 0 a job is only taken when a thread is idle. `name` is the threads' and the metrics'.
    pub fn new(name: &'static str, threads: usize, queue: usize) -> Self {
        let (jobs, queued) = bounded::<Job>(queue);
        for _ in 0..threads.max(1) {
            let queued = queued.clone();
            std::thread::Builder::new()
                .name(name.into())
                .spawn(move || {
                    for job in queued {
                        // The panic hook has written the message; the caller sees that no result came.
                        if catch_unwind(AssertUnwindSafe(job)).is_err() {
                            tracing::error!(pool = name, "a job panicked");
                        }
                    }
                })
                .expect("the system gives a thread");
        }
        Self { name, jobs }
    }

    /// Runs `job` on a thread of the pool and waits for its result; refused at once when the queue is full.
    ///
    /// A job whose caller has gone before its turn does not run.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        self.submit(job)?.await.map_err(|_| PoolError::Panicked)
    }

    fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, PoolError> {
        let (answer, answered) = oneshot::channel();
        let span = tracing::Span::current();
        let job = Box::new(move || {
            if !answer.is_closed() {
                let result = span.in_scope(job);
                // A caller that has gone needs no answer.
                let _ = answer.send(result);
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                metrics::counter!("kechuang_queue_refusals_total", "queue" => self.name)
                    .increment(1);
                Err(PoolError::Overloaded)
            }
        }
    }

    /// Jobs that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn answers_and_survives_a_panic() {
        let pool = Pool::new("test", 1, 4);
        assert_eq!(pool.run(|| 1 + 1).await, Ok(2));
        assert_eq!(pool.run(|| panic!("on purpose")).await, Err::<(), _>(PoolError::Panicked));
        assert_eq!(pool.run(|| 3).await, Ok(3), "the thread is still there");
    }

    #[tokio::test]
    async fn refuses_when_thread_and_queue_are_taken() {
        let pool = Pool::new("test", 1, 1);
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let busy = pool
            .submit(move || {
                started.send(()).unwrap();
                released.recv().unwrap();
                "first"
            })
            .unwrap();
        has_started.recv().unwrap();
        let queued = pool.submit(|| "second").unwrap();
        assert_eq!(pool.run(|| ()).await, Err(PoolError::Overloaded));
        release.send(()).unwrap();
        assert_eq!((busy.await.unwrap(), queued.await.unwrap()), ("first", "second"));
        assert_eq!(pool.run(|| "fourth").await, Ok("fourth"));
    }
}
