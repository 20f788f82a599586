//! The embedded store: a journal that is the truth, and sled as the state that is read.
//!
//! ```text
//! FORMAT                       whose folder this is, and of which version
//! LOCK                         held by the process that has it open
//! BALLAST                      space that is given back when the disk is full
//! journal/<revision>.log       what was acknowledged, in segments named by their first revision
//! checkpoint/<revision>.ckpt   the latest change of each record up to a revision
//! sled/                        the live records; made anew from the others when missing or unsound
//! aside/                       what could not be used, kept for a person to look at
//! ```
//!
//! **Write**: [`append`](Store::append) hands batches to one thread. It checks their expectations, writes the waiting
//! ones as one frame, syncs once, applies them to sled, and answers. sled is not synced at all: its `flush` does not
//! survive a power cut on Linux, and it need not. An I/O error while committing ends writing until a restart, because
//! a second sync may succeed without having written what the first one failed to.
//!
//! **Open**: the journal's torn end, never acknowledged, is cut off; sled is read whole against its checksums, and
//! made anew from the newest checkpoint and the journal when it is not exactly the state of one revision; the
//! journal's later changes are applied to it.
//!
//! **Space**: a checkpoint lets older segments go, once it is older than the retention time.

mod backup;
mod changes;
mod checkpoint;
mod committer;
mod disk;
mod folder;
mod frame;
mod journal;
mod packing;
mod verify;
mod view;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError, bounded};

pub use backup::{BackupReport, History, RestoreReport, backup, restore};

use self::changes::Places;
use self::committer::{Answer, Committer, Job, batch_len};
use self::disk::{Disk, RealDisk};
use self::folder::{Folder, io_error};
use self::journal::{JournalWriter, Segments, Tail};
use self::view::{View, ViewError};
use super::{Batch, Change, Cursor, Store, StoreError, StoredRecord};
use crate::record::{RecordId, Revision};

/// Calls of `append` that may wait before others are refused.
const MAX_WAITING: usize = 4096;
/// The longest batch, as it takes place in the journal.
const MAX_BATCH_BYTES: usize = 60 << 20;

/// Settings of an [`EmbeddedStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Memory for sled's cache. Default 64 MiB.
    pub cache_bytes: u64,
    /// Length at which a journal segment is closed and the next begun. Default 64 MiB.
    pub segment_bytes: u64,
    /// Journal written since the last checkpoint that makes the next one due. Default 256 MiB; a checkpoint that is
    /// more than four times this long waits for a quarter of its own length.
    pub checkpoint_bytes: u64,
    /// How far back a restore can reach; older segments go. Default 30 days.
    pub retention: Duration,
    /// Space kept in reserve for recovering from a full disk. Default 0: none.
    pub ballast_bytes: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            segment_bytes: 64 << 20,
            checkpoint_bytes: 256 << 20,
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            ballast_bytes: 0,
        }
    }
}

/// A [`Store`] in a folder of this machine. Dropping it closes it.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    /// `None` once closed.
    jobs: Option<Sender<Job>>,
    /// The committer, then the writer of checkpoints, which ends after it.
    threads: Vec<JoinHandle<()>>,
    /// Last, so that the folder is free only when nothing writes to it any more.
    _lock: File,
}

/// What the threads of one store share.
struct Shared {
    folder: Folder,
    disk: Arc<dyn Disk>,
    options: EmbeddedOptions,
    view: View,
    segments: Arc<RwLock<Segments>>,
    /// The last acknowledged revision; every frame up to it is whole and on disk.
    head: AtomicU64,
    head_moved: (Mutex<()>, Condvar),
    /// Why writing has stopped.
    stopped: OnceLock<String>,
    /// Held while a checkpoint is written.
    checkpointing: Mutex<()>,
    /// Bytes of journal since the last checkpoint.
    since_checkpoint: AtomicU64,
    /// Length of the last checkpoint.
    checkpoint_len: AtomicU64,
    places: Mutex<Places>,
}

impl Shared {
    fn head(&self) -> Revision {
        Revision(self.head.load(Ordering::Acquire))
    }

    /// Makes everything up to `head` visible to readers of the log.
    fn advance(&self, head: Revision) {
        let (lock, moved) = &self.head_moved;
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.head.store(head.0, Ordering::Release);
        moved.notify_all();
    }

    fn stopped(&self) -> Option<StoreError> {
        self.stopped.get().cloned().map(StoreError::Stopped)
    }

    /// Ends writing for good. Gives the first reason there was.
    fn stop(&self, error: &StoreError) -> String {
        self.stopped
            .get_or_init(|| {
                let reason = match error {
                    StoreError::Stopped(reason) => reason.clone(),
                    error => error.to_string(),
                };
                tracing::error!(reason, "writing has stopped until a restart");
                reason
            })
            .clone()
    }

    fn segments(&self) -> Segments {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the bytes of journal that make a checkpoint due.
    fn checkpoint_due(&self) -> u64 {
        self.options.checkpoint_bytes.max(self.checkpoint_len.load(Ordering::Relaxed) / 4)
    }

    /// Writes a checkpoint of what is acknowledged now, and removes what it makes needless.
    fn checkpoint(&self) -> Result<(), StoreError> {
        let _alone = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.since_checkpoint.swap(0, Ordering::Relaxed);
        let head = self.head();
        let done = checkpoint::write_checkpoint(&*self.disk, &self.folder, &self.segments(), head)
            .and_then(|()| {
                let retention = self.options.retention;
                checkpoint::apply_retention(
                    &*self.disk,
                    &self.folder,
                    &self.segments(),
                    retention,
                    |gone| {
                        let mut segments =
                            self.segments.write().unwrap_or_else(PoisonError::into_inner);
                        segments.retain(|(first, _)| *first != gone);
                    },
                )
            });
        match &done {
            Ok(()) => self.note_checkpoint_len(),
            // The journal has it all; the next one is due after another interval.
            Err(error) => tracing::error!(%error, bytes = written, "no checkpoint was written"),
        }
        done
    }

    fn note_checkpoint_len(&self) {
        let newest = self.folder.list_checkpoints().ok().and_then(|mut found| found.pop());
        let len = newest.and_then(|(_, path)| path.metadata().ok()).map_or(0, |found| found.len());
        self.checkpoint_len.store(len, Ordering::Relaxed);
    }
}

impl EmbeddedStore {
    /// Opens the store in `dir`, which is created when missing, and recovers it.
    ///
    /// Reads all of sled: about a second for each 150,000 records of 1 KB. Fails with `InUse` when another process has the
    /// folder, `Foreign` when it is not ours or of a newer version, and `Corrupt` when acknowledged writes cannot be
    /// read back.
    pub fn open(dir: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(RealDisk), dir, options)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: EmbeddedOptions,
    ) -> Result<Self, StoreError> {
        let folder = Folder::new(dir);
        folder.check_format()?;
        disk.create_dir(dir).map_err(io_error("creating", dir))?;
        let lock = folder.lock()?;
        // Once more: another process may have made the folder its own in the meantime.
        folder.check_format()?;
        let (segments, tail, view) = recover(&*disk, &folder, options.cache_bytes)
            .map_err(|error| with_way_out(&folder, error))?;
        folder.reserve_ballast(&*disk, options.ballast_bytes);

        let newest_checkpoint = folder.list_checkpoints()?.pop().map(|(revision, _)| revision);
        let since_checkpoint =
            journal::bytes_after(&segments, newest_checkpoint.unwrap_or_default());
        let segments = Arc::new(RwLock::new(segments));
        let shared = Arc::new(Shared {
            folder: folder.clone(),
            disk: disk.clone(),
            view,
            segments: segments.clone(),
            head: AtomicU64::new(tail.last.0),
            head_moved: (Mutex::new(()), Condvar::new()),
            stopped: OnceLock::new(),
            checkpointing: Mutex::new(()),
            since_checkpoint: AtomicU64::new(since_checkpoint),
            checkpoint_len: AtomicU64::new(0),
            places: Mutex::default(),
            options,
        });
        shared.note_checkpoint_len();
        let segment_bytes = shared.options.segment_bytes;
        let journal = JournalWriter::open(disk, folder, segment_bytes, segments, &tail)?;
        let (jobs, taken) = bounded(MAX_WAITING);
        let (checkpoints, due) = bounded(1);
        let committer = Committer { shared: shared.clone(), journal, jobs: taken, checkpoints };
        let threads = vec![
            spawn("store-commit", move || committer.run())?,
            spawn("store-checkpoint", {
                let shared = shared.clone();
                move || due.iter().for_each(|()| drop(shared.checkpoint()))
            })?,
        ];
        Ok(Self { shared, jobs: Some(jobs), threads, _lock: lock })
    }

    /// Writes a checkpoint of what is acknowledged now. Does not hold up writers.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.shared.checkpoint()
    }

    /// Finishes the waiting writes and closes the folder.
    ///
    /// Writes a checkpoint when the journal behind the last one is a tenth of its length or more.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        if self.jobs.take().is_none() {
            return Ok(());
        }
        for thread in self.threads.drain(..) {
            // A panic has been turned into `Stopped`.
            let _ = thread.join();
        }
        self.shared.view.flush();
        if let Some(stopped) = self.shared.stopped() {
            return Err(stopped);
        }
        let since = self.shared.since_checkpoint.load(Ordering::Relaxed);
        let is_worth_it =
            since.saturating_mul(10) >= self.shared.checkpoint_len.load(Ordering::Relaxed);
        if since > 0 && is_worth_it { self.shared.checkpoint() } else { Ok(()) }
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!(%error, "the store did not close cleanly; the next start recovers");
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|source| StoreError::Io { context: format!("starting {name}"), source })
}

/// Reads back what was acknowledged.
fn recover(
    disk: &dyn Disk,
    folder: &Folder,
    cache_bytes: u64,
) -> Result<(Segments, Tail, View), StoreError> {
    let segments = prepare(disk, folder)?;
    let newest = segments.last().expect("a prepared folder has a segment");
    let tail = journal::recover_tail(disk, folder, newest)?;
    let view = open_view(disk, folder, &segments, tail.last, cache_bytes)?;
    Ok((segments, tail, view))
}

/// Says of a damaged folder that has a sound checkpoint how to go on from that.
fn with_way_out(folder: &Folder, error: StoreError) -> StoreError {
    let StoreError::Corrupt(why) = error else { return error };
    let checkpoints = folder.list_checkpoints().unwrap_or_default();
    let is_sound = |path: &Path| checkpoint::read_checkpoint(path, |_| Ok(())).is_ok();
    let newest = checkpoints.into_iter().rev().find(|(_, path)| is_sound(path));
    let Some((revision, path)) = newest else { return StoreError::Corrupt(why) };
    StoreError::Corrupt(format!(
        "{why}. Or go on from {}, which is sound and holds everything up to revision {revision}: \
         `kechuang backup FILE --since-checkpoint` takes it and the journal behind it, unless that \
         is damaged too, and `kechuang restore FILE --data NEW` makes a folder of it. Nothing was \
         changed",
        path.display()
    ))
}

/// Brings the folder into the shape that the rest expects; gives the journal's segments, at least one.
fn prepare(disk: &dyn Disk, folder: &Folder) -> Result<Segments, StoreError> {
    if !folder.format().exists() {
        folder.write_format(disk)?;
    }
    for made in [folder.journal(), folder.checkpoints()] {
        disk.create_dir(&made).map_err(io_error("creating", &made))?;
    }
    disk.sync_dir(&folder.root).map_err(io_error("syncing", &folder.root))?;
    if let Some(parent) = folder.root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_dir(parent).map_err(io_error("syncing", parent))?;
    }
    folder.remove_unfinished(disk)?;
    let segments = folder.list_segments()?;
    if !segments.is_empty() {
        return Ok(segments);
    }
    if folder.sled().exists() || !folder.list_checkpoints()?.is_empty() {
        return Err(StoreError::Corrupt(format!(
            "{} holds no segment although there are records. Put the journal back, or restore the \
             last backup into an empty folder",
            folder.journal().display()
        )));
    }
    let first = Revision(1);
    let (_, path) = journal::create_segment(disk, folder, first)?;
    Ok(vec![(first, path)])
}

/// Opens sled as the state of `last`, from the journal's end or from scratch.
fn open_view(
    disk: &dyn Disk,
    folder: &Folder,
    segments: &Segments,
    last: Revision,
    cache_bytes: u64,
) -> Result<View, StoreError> {
    let path = folder.sled();
    set_half_written_snapshots_aside(disk, folder, &path)?;
    let opened = match View::open(&path, cache_bytes) {
        // sled needs some room to open.
        Err(ViewError::Io(_)) if folder.release_ballast(disk) => View::open(&path, cache_bytes),
        opened => opened,
    };
    let view = match opened {
        Ok(view) => {
            let applied = view.applied().revision;
            let has_next = segments.first().is_some_and(|(first, _)| first.0 <= applied.0 + 1);
            if applied.0 == 0 || applied <= last && has_next {
                Ok(view)
            } else {
                Err(format!("it is at revision {applied} and the journal ends at {last}"))
            }
        }
        Err(ViewError::Io(error)) => return Err(error),
        Err(ViewError::Unsound(why)) => Err(why),
    };
    let view = view.or_else(|unsound| {
        if path.exists() {
            folder.set_aside(disk, &path, &unsound)?;
        }
        View::open(&path, cache_bytes).map_err(|error| match error {
            ViewError::Io(error) => error,
            ViewError::Unsound(why) => StoreError::Corrupt(format!("a new sled tree: {why}")),
        })
    })?;
    let mut after = view.applied().revision;
    if after < last && after.0 == 0 {
        let started = Instant::now();
        after = load_checkpoint(disk, folder, &view)?;
        catch_up(&view, segments, after, last)?;
        let num_records = view.applied().num_records;
        tracing::warn!(num_records, seconds = started.elapsed().as_secs(), "made sled anew");
    } else {
        catch_up(&view, segments, after, last)?;
    }
    Ok(view)
}

/// Puts the newest checkpoint into an empty tree; gives the revision that it reaches, 0 without one.
fn load_checkpoint(disk: &dyn Disk, folder: &Folder, view: &View) -> Result<Revision, StoreError> {
    let Some(base) = checkpoint::newest_sound(disk, folder)? else { return Ok(Revision(0)) };
    let mut chunk = Chunk::new(view);
    checkpoint::read_checkpoint(&folder.checkpoint(base), |change| chunk.push(change))?;
    chunk.apply()?;
    Ok(base)
}

/// Moves away what makes sled refuse to open for ever: a snapshot that a crash left without its rename.
fn set_half_written_snapshots_aside(
    disk: &dyn Disk,
    folder: &Folder,
    sled: &Path,
) -> Result<(), StoreError> {
    let Ok(entries) = std::fs::read_dir(sled) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(io_error("reading", sled))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            folder.set_aside(disk, &path, "sled had not finished writing it")?;
        }
    }
    Ok(())
}

/// Applies the journal's changes after `after`.
fn catch_up(
    view: &View,
    segments: &Segments,
    after: Revision,
    last: Revision,
) -> Result<(), StoreError> {
    let mut chunk = Chunk::new(view);
    journal::read_groups(segments, after, last, |group| {
        let changes = group.into_changes().filter(|change| change.revision() > after);
        changes.into_iter().try_for_each(|change| chunk.push(change))
    })?;
    chunk.apply()
}

/// Changes that go to sled in one batch.
struct Chunk<'v> {
    view: &'v View,
    changes: Vec<Change>,
    bytes: usize,
}

impl<'v> Chunk<'v> {
    fn new(view: &'v View) -> Self {
        Self { view, changes: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, change: Change) -> Result<(), StoreError> {
        if let Change::Put(record) = &change {
            self.bytes += record.json.len();
        }
        self.changes.push(change);
        if self.changes.len() < 2048 && self.bytes < 4 << 20 { Ok(()) } else { self.apply() }
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.bytes = 0;
        let changes = std::mem::take(&mut self.changes);
        self.view.apply(&changes)
    }
}

impl Store for EmbeddedStore {
    fn append(&self, batches: Vec<Batch>) -> Result<Vec<Answer>, StoreError> {
        if let Some(stopped) = self.shared.stopped() {
            return Err(stopped);
        }
        batches.iter().try_for_each(check_batch)?;
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answers) = bounded(1);
        let job = Job { batches: batches.into(), answers: Vec::new(), reply };
        let gone = || StoreError::Stopped("the committing thread has ended".to_owned());
        match self.jobs.as_ref().ok_or_else(gone)?.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(gone()),
        }
        answers.recv().map_err(|_| self.shared.stopped().unwrap_or_else(gone))?
    }

    fn get(&self, id: &RecordId) -> Result<Option<StoredRecord>, StoreError> {
        self.shared.view.get(id)
    }

    fn scan(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        self.shared.view.scan(kind, after, limit)
    }

    fn changes(&self, cursor: &Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), StoreError> {
        changes::read_changes(&self.shared, cursor, limit)
    }

    fn wait_for_changes(&self, revision: Revision, timeout: Duration) {
        let (lock, moved) = &self.shared.head_moved;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(moved.wait_timeout_while(guard, timeout, |()| self.shared.head() <= revision));
    }

    fn head(&self) -> Revision {
        self.shared.head()
    }

    fn verify(&self) -> Result<Vec<String>, StoreError> {
        verify::verify(&self.shared)
    }
}

/// Refuses what the journal cannot hold.
fn check_batch(batch: &Batch) -> Result<(), StoreError> {
    let invalid = |context: String| {
        let source = std::io::Error::from(std::io::ErrorKind::InvalidInput);
        Err(StoreError::Io { context, source })
    };
    let len = batch_len(batch);
    if len > MAX_BATCH_BYTES {
        return invalid(format!("a batch of {len} bytes; {MAX_BATCH_BYTES} are the most"));
    }
    for write in batch {
        // The zero byte ends the kind in sled's keys.
        if write.id.kind.is_empty() || write.id.kind.contains('\0') {
            return invalid(format!("{:?} is no name of a kind", write.id.kind));
        }
    }
    Ok(())
}
