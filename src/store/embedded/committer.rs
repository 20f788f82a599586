//! The one thread that writes: it takes what waits, commits it as one frame with one sync, and answers.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::{Receiver, Sender};

use super::Shared;
use super::frame::{FrameWriter, change_len};
use super::journal::JournalWriter;
use crate::record::{RecordId, Revision};
use crate::store::{Batch, Change, Conflict, Expected, StoreError, StoredRecord, Write};

/// A group takes at most this many batches, and no more once it has this many bytes.
const MAX_GROUP_BATCHES: usize = 256;
const MAX_GROUP_BYTES: usize = 8 << 20;

/// What became of one batch.
pub(super) type Answer = Result<Vec<Revision>, Conflict>;

/// One call of `append` that waits for its answers.
pub(super) struct Job {
    pub batches: VecDeque<Batch>,
    pub answers: Vec<Answer>,
    pub reply: Sender<Result<Vec<Answer>, StoreError>>,
}

pub(super) struct Committer {
    pub shared: Arc<Shared>,
    pub journal: JournalWriter,
    pub jobs: Receiver<Job>,
    /// Wakes the thread that writes checkpoints.
    pub checkpoints: Sender<()>,
}

impl Committer {
    /// Commits until every sender of jobs is gone.
    pub fn run(mut self) {
        // A panic here must not leave the store looking as if it took writes.
        let shared = self.shared.clone();
        let _stop = StopOnDrop(&shared);
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match self.jobs.recv() {
                    Ok(job) => waiting.push_back(job),
                    Err(_) => return,
                }
            }
            let committed = match self.shared.stopped() {
                Some(stopped) => Err(stopped),
                None => self.commit_group(&mut waiting),
            };
            match committed {
                Ok(()) => {
                    while waiting.front().is_some_and(|job| job.batches.is_empty()) {
                        let job = waiting.pop_front().expect("there is a front");
                        // The caller may have gone.
                        let _ = job.reply.send(Ok(job.answers));
                    }
                }
                Err(error) => {
                    let stopped = self.shared.stop(&error);
                    for job in waiting.drain(..) {
                        let _ = job.reply.send(Err(StoreError::Stopped(stopped.clone())));
                    }
                }
            }
        }
    }

    /// Takes batches from the front, journals those without a conflict, and applies them.
    fn commit_group(&mut self, waiting: &mut VecDeque<Job>) -> Result<(), StoreError> {
        let mut group = Group::new(self.shared.head());
        let mut at = 0;
        while group.num_batches < MAX_GROUP_BATCHES {
            if at == waiting.len() {
                match self.jobs.try_recv() {
                    Ok(job) => waiting.push_back(job),
                    Err(_) => break,
                }
            }
            let job = &mut waiting[at];
            let Some(batch) = job.batches.front() else {
                at += 1;
                continue;
            };
            if group.num_batches > 0 && group.bytes + batch_len(batch) > MAX_GROUP_BYTES {
                break;
            }
            let batch = job.batches.pop_front().expect("there is a front");
            let answer =
                group.take(batch, |id| self.shared.view.revision(id)).map_err(restart_rebuilds)?;
            job.answers.push(answer);
        }
        if group.changes.is_empty() {
            return Ok(());
        }
        let frame = group.frame.seal();
        if let Err(error) = self.journal.append(&frame, group.first) {
            if matches!(&error, StoreError::Io { source, .. } if is_full(source)) {
                self.shared.folder.release_ballast(&*self.shared.disk);
            }
            return Err(error);
        }
        // From here on the changes outlive a crash; a reader may see them a moment before their writer is told.
        self.shared.view.apply(&group.changes)?;
        self.shared.advance(Revision(group.next - 1));
        let len = frame.len() as u64;
        let since = self.shared.since_checkpoint.fetch_add(len, Ordering::Relaxed) + len;
        if since >= self.shared.checkpoint_due() {
            // A full channel means that the thread has been woken already.
            let _ = self.checkpoints.try_send(());
        }
        Ok(())
    }
}

struct StopOnDrop<'s>(&'s Shared);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(&StoreError::Corrupt("the committing thread panicked".to_owned()));
        }
    }
}

fn restart_rebuilds(error: StoreError) -> StoreError {
    tracing::error!(%error, "sled cannot be read");
    error
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Gives the length that a batch takes in a frame, at most.
pub(super) fn batch_len(batch: &[Write]) -> usize {
    let writes = batch.iter();
    8 + writes
        .map(|write| change_len(&write.id, write.body.as_ref().map_or(0, Vec::len)))
        .sum::<usize>()
}

/// Batches that are committed together.
struct Group {
    first: Revision,
    next: u64,
    num_batches: usize,
    bytes: usize,
    frame: FrameWriter,
    changes: Vec<Change>,
    /// What the batches taken so far leave behind.
    written: HashMap<RecordId, Option<Revision>>,
}

impl Group {
    fn new(head: Revision) -> Self {
        let first = Revision(head.0 + 1);
        Self {
            first,
            next: first.0,
            num_batches: 0,
            bytes: 0,
            frame: FrameWriter::group(first),
            changes: Vec::new(),
            written: HashMap::new(),
        }
    }

    /// Adds a batch, or nothing of it when one of its expectations does not hold.
    ///
    /// `stored` reads the revision from before the group.
    fn take(
        &mut self,
        batch: Batch,
        stored: impl Fn(&RecordId) -> Result<Option<Revision>, StoreError>,
    ) -> Result<Answer, StoreError> {
        self.num_batches += 1;
        self.bytes += batch_len(&batch);
        let first = self.next;
        let mut written: HashMap<&RecordId, Option<Revision>> = HashMap::new();
        for ((at, write), revision) in batch.iter().enumerate().zip(first..) {
            if write.expected != Expected::Any {
                let before = written.get(&write.id).or_else(|| self.written.get(&write.id));
                let found = match before {
                    Some(&found) => found,
                    None => stored(&write.id)?,
                };
                let holds = match write.expected {
                    Expected::Any => true,
                    Expected::Absent => found.is_none(),
                    Expected::At(revision) => found == Some(revision),
                };
                if !holds {
                    return Ok(Err(Conflict { at, found }));
                }
            }
            written.insert(&write.id, write.body.as_ref().map(|_| Revision(revision)));
        }
        let written = written.into_iter().map(|(id, found)| (id.clone(), found));
        self.written.extend(written.collect::<Vec<_>>());
        let start = self.changes.len();
        for (write, revision) in batch.into_iter().zip((first..).map(Revision)) {
            let Write { id, body, .. } = write;
            self.changes.push(match body {
                Some(json) => Change::Put(StoredRecord { id, revision, json }),
                None => Change::Withdraw { id, revision },
            });
        }
        let changes = &self.changes[start..];
        if !changes.is_empty() {
            self.frame.push_batch(changes);
        }
        self.next += changes.len() as u64;
        Ok(Ok((first..self.next).map(Revision).collect()))
    }
}
