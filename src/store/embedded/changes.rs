//! Reading the change log from a cursor, which is a revision in decimal.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use super::Shared;
use super::frame::{FileKind, Payload};
use super::journal::{FrameFile, segment_of};
use crate::record::Revision;
use crate::store::{Change, Cursor, StoreError};

/// Where a frame begins.
#[derive(Clone, Debug)]
struct Place {
    kind: FileKind,
    path: PathBuf,
    offset: u64,
}

/// The places behind the last few answers, so that following the log costs what is new, not what is there.
#[derive(Default)]
pub(super) struct Places(VecDeque<(Revision, Place)>);

impl Places {
    const MAX: usize = 16;

    fn find(&self, after: Revision) -> Option<Place> {
        self.0.iter().find(|(revision, _)| *revision == after).map(|(_, place)| place.clone())
    }

    fn forget(&mut self, after: Revision) {
        self.0.retain(|(revision, _)| *revision != after);
    }

    fn remember(&mut self, after: Revision, place: Place) {
        self.forget(after);
        self.0.push_front((after, place));
        self.0.truncate(Self::MAX);
    }
}

/// Reads up to `limit` acknowledged changes; see [`crate::store::Store::changes`].
pub(super) fn read_changes(
    shared: &Shared,
    cursor: &Cursor,
    limit: usize,
) -> Result<(Vec<Change>, Cursor), StoreError> {
    let start = read_cursor(cursor)?;
    let until = shared.head();
    let mut found = Found { changes: Vec::new(), after: start, limit };
    let mut num_missing = 0;
    while found.after < until && !found.is_full() {
        let places = || shared.places.lock().unwrap_or_else(PoisonError::into_inner);
        let before = found.after;
        let known = places().find(before);
        let is_known = known.is_some();
        let read = known
            .map_or_else(|| locate(shared, before), Ok)
            .and_then(|place| found.read_file(place, until));
        match read {
            Ok(Some(place)) => places().remember(found.after, place),
            // The file has no more. A place that was remembered may have been the end of its segment.
            Ok(None) if found.after > before || is_known => places().forget(before),
            Ok(None) => {
                return Err(StoreError::Corrupt(format!(
                    "the journal has no revision {}. Restore the last backup into an empty folder",
                    before.0 + 1
                )));
            }
            // The file went between finding and opening it: what it held is in a newer checkpoint.
            Err(StoreError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && num_missing < 3 =>
            {
                num_missing += 1;
                std::thread::sleep(Duration::from_millis(1));
                places().forget(before);
            }
            Err(error) => return Err(error),
        }
    }
    let cursor = match found.after == start {
        true => cursor.clone(),
        false => Cursor(found.after.to_string()),
    };
    Ok((found.changes, cursor))
}

fn read_cursor(cursor: &Cursor) -> Result<Revision, StoreError> {
    match cursor.0.as_str() {
        "" => Ok(Revision(0)),
        text => text.parse().map(Revision).map_err(|_| {
            StoreError::Corrupt(format!("the cursor {text:?} is not one of this store"))
        }),
    }
}

/// Finds where the change after `after` is: in its segment or, when that is gone, in the newest checkpoint.
fn locate(shared: &Shared, after: Revision) -> Result<Place, StoreError> {
    let next = Revision(after.0 + 1);
    let segments = shared.segments();
    if let Some(at) = segment_of(&segments, next) {
        let path = segments[at].1.clone();
        let (mut file, _) = FrameFile::open(&path, FileKind::Journal)?;
        file.seek_group(next)?;
        return Ok(Place { kind: FileKind::Journal, path, offset: file.offset() });
    }
    match shared.folder.list_checkpoints()?.pop() {
        Some((revision, path)) if revision > after => {
            let (file, _) = FrameFile::open(&path, FileKind::Checkpoint)?;
            Ok(Place { kind: FileKind::Checkpoint, path, offset: file.offset() })
        }
        _ => Err(StoreError::Corrupt(format!(
            "neither the journal nor a checkpoint has the changes after revision {after}. Restore \
             the last backup into an empty folder"
        ))),
    }
}

/// What a call has read so far.
struct Found {
    changes: Vec<Change>,
    /// Everything up to here is in `changes` or was before them.
    after: Revision,
    limit: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.changes.len() >= self.limit
    }

    /// Reads on from `place` in that file; gives the place behind what was read, `None` at the file's end.
    fn read_file(&mut self, place: Place, until: Revision) -> Result<Option<Place>, StoreError> {
        let (mut file, header) = FrameFile::open(&place.path, place.kind)?;
        file.seek(place.offset)?;
        loop {
            let at = file.offset();
            match file.next_payload()? {
                Some(Payload::Group(group)) => self.take(group.into_changes()),
                Some(Payload::Records(changes)) => self.take(changes),
                Some(Payload::End(_)) => {
                    self.after = self.after.max(header.revision);
                    return Ok(None);
                }
                None => return Ok(None),
            }
            if self.is_full() {
                // Of this frame, some may be left.
                return Ok(Some(Place { offset: at, ..place }));
            }
            if self.after >= until {
                return Ok(Some(Place { offset: file.offset(), ..place }));
            }
        }
    }

    fn take(&mut self, changes: impl IntoIterator<Item = Change>) {
        let after = self.after;
        for change in changes.into_iter().filter(|change| change.revision() > after) {
            if self.is_full() {
                break;
            }
            self.after = change.revision();
            self.changes.push(change);
        }
    }
}
