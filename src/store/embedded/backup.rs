//! Backups: one file with a checkpoint, if the journal no longer begins at 1, and the journal behind it.

use std::fs;
use std::io;
use std::path::Path;

use super::checkpoint::{EntryFile, read_checkpoint};
use super::disk::{Disk, DiskFile, RealDisk};
use super::folder::{Folder, io_error};
use super::frame::{FileKind, Frame, Group, Header, Payload, Totals, find_group};
use super::journal::{FrameFile, create_segment, read_range};
use crate::record::Revision;
use crate::store::{Change, StoreError};

/// Length at which a restored segment is closed.
const SEGMENT_BYTES: u64 = 64 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// A restore can reach any revision from here on; 0: all that ever were.
    pub first: Revision,
    pub last: Revision,
    pub num_puts: u64,
    pub num_withdrawals: u64,
    pub num_bytes: u64,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// The last revision; before the one that was asked for when that one is inside a batch.
    pub revision: Revision,
    pub num_puts: u64,
    pub num_withdrawals: u64,
}

/// How much of the past a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// As much as there is.
    All,
    /// None before the newest sound checkpoint: what is damaged there does no harm.
    SinceCheckpoint,
}

/// Writes all that the data folder `dir` holds to the new file `to`. A server may have the folder open.
///
/// Everything acknowledged before the call is in it. Fails when `to` exists.
pub fn backup(dir: &Path, to: &Path, history: History) -> Result<BackupReport, StoreError> {
    backup_on(&RealDisk, dir, to, history)
}

pub(super) fn backup_on(
    disk: &dyn Disk,
    dir: &Path,
    to: &Path,
    history: History,
) -> Result<BackupReport, StoreError> {
    let folder = Folder::new(dir);
    folder.check_format()?;
    if !folder.format().exists() {
        return Err(StoreError::Foreign(format!(
            "{} is no kechuang data folder: it has no FORMAT file",
            dir.display()
        )));
    }
    if to.exists() {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(io_error("backing up to", to)(exists));
    }
    let mut tries = 1;
    loop {
        match write_backup(disk, &folder, to, history) {
            // The server removed a file that a newer checkpoint covers.
            Err(StoreError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && tries < 5 =>
            {
                tries += 1;
            }
            done => return done,
        }
    }
}

fn write_backup(
    disk: &dyn Disk,
    folder: &Folder,
    to: &Path,
    history: History,
) -> Result<BackupReport, StoreError> {
    let segments = folder.list_segments()?;
    let Some((first, _)) = segments.first() else {
        return Err(StoreError::Corrupt(format!(
            "{} holds no segment",
            folder.journal().display()
        )));
    };
    let base = find_base(folder, *first, history)?;
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".tmp");
    let unfinished = Path::new(&unfinished);
    let write_error = || io_error("writing", unfinished);

    let header = Header { kind: FileKind::Backup, revision: base.unwrap_or_default() };
    let mut file = EntryFile::create(disk, unfinished, header).map_err(write_error())?;
    let mut totals = Totals { last: header.revision, ..Totals::default() };
    if let Some(base) = base {
        read_checkpoint(&folder.checkpoint(base), |change| {
            totals.count(&change);
            file.push(&change).map_err(write_error())
        })?;
        file.write_records().map_err(write_error())?;
    }
    for (at, (_, path)) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        let next = Revision(totals.last.0 + 1);
        if segments.get(at + 1).is_some_and(|(behind, _)| *behind <= next) {
            continue;
        }
        let (mut segment, _) = FrameFile::open(path, FileKind::Journal)?;
        // What the checkpoint stands for is passed over unread.
        segment.seek_group(next)?;
        loop {
            let at = segment.offset();
            let payload = match segment.next_frame()? {
                Frame::Whole(payload) => payload,
                Frame::End => break,
                Frame::Broken(why) => {
                    match find_group(&read_range(path, at, None)?, totals.last) {
                        Some(behind) => whole_frame(&mut segment, at, behind, why)?,
                        // The server is writing it.
                        None if is_last => break,
                        None => return Err(segment.corrupt(at, why)),
                    }
                }
            };
            let Payload::Group(group) = segment.decode(at, &payload)? else {
                return Err(segment.corrupt(at, "a frame that no journal holds"));
            };
            // A segment may begin before the checkpoint that stands for the ones before it.
            if group.last() <= totals.last {
                continue;
            }
            if group.first.0 != totals.last.0 + 1 {
                let why = format!("revision {} should follow {}", group.first, totals.last);
                return Err(segment.corrupt(at, &why));
            }
            totals.last = group.last();
            group.batches.iter().flatten().for_each(|change| totals.count(change));
            file.write_frame(&group.encode()).map_err(write_error())?;
        }
    }
    file.finish(Some(totals)).map_err(write_error())?;
    disk.rename(unfinished, to).map_err(io_error("renaming", unfinished))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    disk.sync_dir(parent).map_err(io_error("syncing", parent))?;
    let num_bytes = fs::metadata(to).map_err(io_error("reading", to))?.len();
    let Totals { last, num_puts, num_withdrawals } = totals;
    Ok(BackupReport { first: header.revision, last, num_puts, num_withdrawals, num_bytes })
}

/// Reads the frame at `at` once more, which the server may have been writing, else the whole one that stands `behind`
/// bytes on: what is damaged between may be what the checkpoint stands for.
fn whole_frame(
    segment: &mut FrameFile,
    at: u64,
    behind: usize,
    why: &'static str,
) -> Result<Vec<u8>, StoreError> {
    for at in [at, at + behind as u64] {
        segment.seek(at)?;
        if let Frame::Whole(payload) = segment.next_frame()? {
            return Ok(payload);
        }
    }
    Err(segment.corrupt(at, why))
}

/// Chooses the oldest sound checkpoint from which the journal goes on, or the newest; `None` when the journal begins
/// at 1 and all of it is wanted.
fn find_base(
    folder: &Folder,
    first: Revision,
    history: History,
) -> Result<Option<Revision>, StoreError> {
    let mut checkpoints = folder.list_checkpoints()?;
    match history {
        History::All if first == Revision(1) => return Ok(None),
        History::All => {}
        History::SinceCheckpoint => checkpoints.reverse(),
    }
    for (revision, path) in checkpoints {
        if revision.0 + 1 < first.0 {
            continue;
        }
        match read_checkpoint(&path, |_| Ok(())) {
            Ok(_) => return Ok(Some(revision)),
            Err(StoreError::Corrupt(why)) => tracing::warn!(why, "a checkpoint was passed over"),
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Corrupt(format!(
        "the journal begins at revision {first} and no checkpoint leads up to it"
    )))
}

/// One part of a backup, in order.
enum Part {
    Record(Change),
    Group(Group),
}

/// Reads a backup from end to end against its checksums and counts.
fn read_backup(
    from: &Path,
    mut each: impl FnMut(Part) -> Result<(), StoreError>,
) -> Result<(Revision, Totals), StoreError> {
    let (mut file, header) = FrameFile::open(from, FileKind::Backup).map_err(unusable)?;
    let mut totals = Totals { last: header.revision, ..Totals::default() };
    loop {
        let at = file.offset();
        match file.next_payload().map_err(unusable)? {
            Some(Payload::Records(changes)) => {
                for change in changes {
                    totals.count(&change);
                    each(Part::Record(change))?;
                }
            }
            Some(Payload::Group(group)) if group.first.0 == totals.last.0 + 1 => {
                totals.last = group.last();
                group.batches.iter().flatten().for_each(|change| totals.count(change));
                each(Part::Group(group))?;
            }
            Some(Payload::End(stated)) if stated == totals => break,
            Some(_) => return Err(unusable(file.corrupt(at, "a frame that does not fit"))),
            None => return Err(unusable(file.corrupt(at, "the end is missing"))),
        }
    }
    let at = file.offset();
    match file.next_frame()? {
        Frame::End => Ok((header.revision, totals)),
        _ => Err(unusable(file.corrupt(at, "something follows the end"))),
    }
}

/// Says of a damaged backup what can be done about it.
fn unusable(error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(why) => {
            let why = why.split(". Restore").next().unwrap_or_default();
            StoreError::Corrupt(format!("the backup cannot be used: {why}. Take another one"))
        }
        error => error,
    }
}

/// Makes the empty or missing folder `dir` a data folder with what the backup `from` holds.
///
/// With `to_revision`, as it was at that revision. The whole backup is read against its checksums first, and the
/// folder counts as a data folder only once all is in it.
pub fn restore(
    from: &Path,
    dir: &Path,
    to_revision: Option<Revision>,
) -> Result<RestoreReport, StoreError> {
    restore_on(&RealDisk, from, dir, to_revision)
}

pub(super) fn restore_on(
    disk: &dyn Disk,
    from: &Path,
    dir: &Path,
    to_revision: Option<Revision>,
) -> Result<RestoreReport, StoreError> {
    let (base, totals) = read_backup(from, |_| Ok(()))?;
    let until = to_revision.unwrap_or(totals.last);
    if !(base..=totals.last).contains(&until) {
        let source = io::Error::from(io::ErrorKind::InvalidInput);
        let context =
            format!("the backup reaches from revision {base} to {}, not {until}", totals.last);
        return Err(StoreError::Io { context, source });
    }
    let folder = Folder::new(dir);
    refuse_filled(&folder)?;
    disk.create_dir(dir).map_err(io_error("creating", dir))?;
    let _lock = folder.lock()?;
    refuse_filled(&folder)?;
    for made in [folder.journal(), folder.checkpoints()] {
        disk.create_dir(&made).map_err(io_error("creating", &made))?;
    }

    let mut report = RestoreReport { revision: base, num_puts: 0, num_withdrawals: 0 };
    let mut restored = Totals::default();
    let checkpoint = folder.checkpoint(base);
    let write_error = || io_error("writing", &checkpoint);
    let header = Header { kind: FileKind::Checkpoint, revision: base };
    let mut records = match base.0 {
        0 => None,
        _ => Some(EntryFile::create(disk, &checkpoint, header).map_err(write_error())?),
    };
    let mut segments = SegmentFiles::create(disk, &folder, Revision(base.0 + 1))?;
    let (read_base, read_totals) = read_backup(from, |part| match part {
        Part::Record(change) => {
            restored.count(&change);
            let records = records.as_mut().ok_or_else(|| changed_meanwhile(from))?;
            records.push(&change).map_err(write_error())
        }
        Part::Group(mut group) => {
            let mut last = group.first.0 - 1;
            group.batches.retain(|batch| {
                last += batch.len() as u64;
                last <= until.0
            });
            if group.batches.is_empty() {
                return Ok(());
            }
            group.batches.iter().flatten().for_each(|change| restored.count(change));
            report.revision = group.last();
            segments.push(&group)
        }
    })?;
    if (read_base, read_totals) != (base, totals) {
        return Err(changed_meanwhile(from));
    }
    if let Some(records) = records {
        records.finish(None).map_err(write_error())?;
    }
    segments.sync()?;
    for made in [folder.checkpoints(), folder.journal(), folder.root.clone()] {
        disk.sync_dir(&made).map_err(io_error("syncing", &made))?;
    }
    folder.write_format(disk)?;
    report.num_puts = restored.num_puts;
    report.num_withdrawals = restored.num_withdrawals;
    Ok(report)
}

fn refuse_filled(folder: &Folder) -> Result<(), StoreError> {
    match folder.foreign_entry()? {
        None => Ok(()),
        Some(name) => Err(StoreError::Foreign(format!(
            "{} is not empty: it holds {name:?}. Choose an empty folder. Nothing was changed.",
            folder.root.display()
        ))),
    }
}

fn changed_meanwhile(from: &Path) -> StoreError {
    StoreError::Corrupt(format!("{} changed while it was read", from.display()))
}

/// Segments that are written in one go.
struct SegmentFiles<'d> {
    disk: &'d dyn Disk,
    folder: &'d Folder,
    file: Box<dyn DiskFile>,
    len: u64,
}

impl<'d> SegmentFiles<'d> {
    fn create(disk: &'d dyn Disk, folder: &'d Folder, first: Revision) -> Result<Self, StoreError> {
        let (file, _) = create_segment(disk, folder, first)?;
        Ok(Self { disk, folder, file, len: Header::LEN as u64 })
    }

    fn push(&mut self, group: &Group) -> Result<(), StoreError> {
        let frame = group.encode();
        if self.len > Header::LEN as u64 && self.len + frame.len() as u64 > SEGMENT_BYTES {
            self.sync()?;
            *self = Self::create(self.disk, self.folder, group.first)?;
        }
        let journal = self.folder.journal();
        self.file.write_at(self.len, &frame).map_err(io_error("writing to", &journal))?;
        self.len += frame.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync().map_err(io_error("syncing", &self.folder.journal()))
    }
}
