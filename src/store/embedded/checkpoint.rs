//! Checkpoints: the latest change of every record up to a revision, so that older segments may go.
//!
//! A checkpoint is made from the one before and the journal, never from sled, and does not touch what writers use.
//! Its entries are in the order of revisions: it reads as a journal with the overwritten changes left out.
//! Withdrawals stay, because a reader that fell behind must learn of them; those of the service's own kinds do not.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::disk::{Disk, DiskFile};
use super::folder::{Folder, io_error};
use super::frame::{FileKind, FrameWriter, Header, Payload, Totals};
use super::journal::{FrameFile, Segments, read_groups};
use super::view::record_digest;
use crate::record::Revision;
use crate::store::{Change, StoreError};

/// Entries are written in frames of about this length.
const FRAME_BYTES: usize = 1 << 20;

/// Reads the entries of a checkpoint. Fails when one is damaged or missing.
pub(super) fn read_checkpoint(
    path: &Path,
    mut each: impl FnMut(Change) -> Result<(), StoreError>,
) -> Result<Totals, StoreError> {
    let (mut file, header) = FrameFile::open(path, FileKind::Checkpoint)?;
    let mut counted = Totals { last: header.revision, ..Totals::default() };
    let mut before = Revision(0);
    loop {
        let at = file.offset();
        match file.next_payload()? {
            Some(Payload::Records(changes)) => {
                for change in changes {
                    let revision = change.revision();
                    if revision <= before || revision > header.revision {
                        return Err(file.corrupt(at, "the entries are out of order"));
                    }
                    before = revision;
                    counted.count(&change);
                    each(change)?;
                }
            }
            Some(Payload::End(stated)) if stated == counted => return Ok(counted),
            Some(_) => return Err(file.corrupt(at, "the frame does not belong here")),
            None => return Err(file.corrupt(at, "the end is missing")),
        }
    }
}

/// A file of entries that is being written.
pub(super) struct EntryFile<'d> {
    file: Box<dyn DiskFile + 'd>,
    len: u64,
    frame: FrameWriter,
    totals: Totals,
}

impl<'d> EntryFile<'d> {
    pub fn create(disk: &'d dyn Disk, path: &Path, header: Header) -> std::io::Result<Self> {
        let mut file = disk.create(path)?;
        file.write_at(0, &header.encode())?;
        let totals = Totals { last: header.revision, ..Totals::default() };
        Ok(Self { file, len: Header::LEN as u64, frame: FrameWriter::records(), totals })
    }

    pub fn push(&mut self, change: &Change) -> std::io::Result<()> {
        self.frame.push_record(change);
        self.totals.count(change);
        if self.frame.len() >= FRAME_BYTES { self.write_records() } else { Ok(()) }
    }

    pub fn write_records(&mut self) -> std::io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let frame = std::mem::replace(&mut self.frame, FrameWriter::records()).seal();
        self.write_frame(&frame)
    }

    pub fn write_frame(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.file.write_at(self.len, frame)?;
        self.len += frame.len() as u64;
        Ok(())
    }

    /// Writes the end and syncs.
    pub fn finish(mut self, totals: Option<Totals>) -> std::io::Result<Totals> {
        self.write_records()?;
        let totals = totals.unwrap_or(self.totals);
        self.write_frame(&FrameWriter::end(&totals))?;
        self.file.sync()?;
        Ok(totals)
    }
}

/// Finds the newest checkpoint that reads well; those that do not are moved aside.
pub(super) fn newest_sound(
    disk: &dyn Disk,
    folder: &Folder,
) -> Result<Option<Revision>, StoreError> {
    for (revision, path) in folder.list_checkpoints()?.into_iter().rev() {
        match read_checkpoint(&path, |_| Ok(())) {
            Ok(totals) if totals.last == revision => return Ok(Some(revision)),
            Ok(_) => folder.set_aside(disk, &path, "its header and its name disagree")?,
            Err(StoreError::Corrupt(why)) => folder.set_aside(disk, &path, &why)?,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Hands on the newest sound checkpoint's entries and the journal's changes behind it, up to `until`.
pub(super) fn read_state(
    folder: &Folder,
    segments: &Segments,
    base: Option<Revision>,
    until: Revision,
    mut each: impl FnMut(Change) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if let Some(base) = base {
        read_checkpoint(&folder.checkpoint(base), &mut each)?;
    }
    read_groups(segments, base.unwrap_or_default(), until, |group| {
        group.into_changes().try_for_each(&mut each)
    })
}

/// Writes the checkpoint of `until`, unless there is one.
///
/// Reads its input twice: first which change of each record is the latest, then those. Takes 32 bytes of memory a
/// record.
pub(super) fn write_checkpoint(
    disk: &dyn Disk,
    folder: &Folder,
    segments: &Segments,
    until: Revision,
) -> Result<(), StoreError> {
    let path = folder.checkpoint(until);
    if until.0 == 0 || path.exists() {
        return Ok(());
    }
    let base = newest_sound(disk, folder)?;
    let mut latest: HashMap<u128, Revision> = HashMap::new();
    read_state(folder, segments, base, until, |change| {
        latest.insert(record_digest(change.id()), change.revision());
        Ok(())
    })?;
    let unfinished = path.with_extension("tmp");
    let write_error = || io_error("writing", &unfinished);
    let header = Header { kind: FileKind::Checkpoint, revision: until };
    let mut file = EntryFile::create(disk, &unfinished, header).map_err(write_error())?;
    read_state(folder, segments, base, until, |change| {
        let is_latest = latest.get(&record_digest(change.id())) == Some(&change.revision());
        let is_needed = matches!(change, Change::Put(_)) || !change.id().is_internal();
        if is_latest && is_needed { file.push(&change).map_err(write_error()) } else { Ok(()) }
    })?;
    let totals = file.finish(None).map_err(write_error())?;
    disk.rename(&unfinished, &path).map_err(io_error("renaming", &unfinished))?;
    disk.sync_dir(&folder.checkpoints()).map_err(io_error("syncing", &folder.checkpoints()))?;
    tracing::info!(revision = until.0, records = totals.num_puts, "wrote a checkpoint");
    Ok(())
}

/// Removes segments and checkpoints that neither recovery nor a restore within `retention` needs.
///
/// Kept are the newest checkpoint, the newest one older than `retention` with every segment behind it (any revision
/// from there on can be restored), and the oldest younger one, which takes its place in time. `forget` is told the
/// first revision of each segment that went.
pub(super) fn apply_retention(
    disk: &dyn Disk,
    folder: &Folder,
    segments: &Segments,
    retention: Duration,
    mut forget: impl FnMut(Revision),
) -> Result<(), StoreError> {
    let checkpoints = folder.list_checkpoints()?;
    let now = SystemTime::now();
    let is_old = |path: &Path| {
        let written = fs::metadata(path).and_then(|metadata| metadata.modified());
        // A clock that was set back makes things younger, never older.
        written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age >= retention))
    };
    let num_old = checkpoints.iter().take_while(|(_, path)| is_old(path)).count();
    let Some(base) = num_old.checked_sub(1) else {
        return remove_between(disk, folder, &checkpoints, 1);
    };
    let base_revision = checkpoints[base].0;
    for (at, (first, path)) in segments.iter().enumerate() {
        // The last segment is the one that is written.
        let Some((behind, _)) = segments.get(at + 1) else { break };
        if behind.0 - 1 > base_revision.0 {
            break;
        }
        // In order and one by one: whatever stops this, the segments that are left follow one another.
        disk.remove(path).map_err(io_error("removing", path))?;
        forget(*first);
        disk.sync_dir(&folder.journal()).map_err(io_error("syncing", &folder.journal()))?;
        tracing::info!(path = %path.display(), "removed a segment that a checkpoint covers");
    }
    for (_, path) in &checkpoints[..base] {
        disk.remove(path).map_err(io_error("removing", path))?;
    }
    remove_between(disk, folder, &checkpoints[base..], 2)
}

/// Removes all but the first `num_kept` and the last of `checkpoints`.
fn remove_between(
    disk: &dyn Disk,
    folder: &Folder,
    checkpoints: &[(Revision, std::path::PathBuf)],
    num_kept: usize,
) -> Result<(), StoreError> {
    let Some((_, others)) = checkpoints.split_last() else { return Ok(()) };
    for (_, path) in others.iter().skip(num_kept) {
        disk.remove(path).map_err(io_error("removing", path))?;
    }
    disk.sync_dir(&folder.checkpoints()).map_err(io_error("syncing", &folder.checkpoints()))
}
