//! The journal: segments of frames, each frame one group of writers, each synced before the next is written.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::disk::{Disk, DiskFile};
use super::folder::{Folder, io_error};
use super::frame::{
    FRAME_HEADER, FileKind, Frame, GROUP_START, Group, Header, MAX_PAYLOAD, Payload, find_group,
    frame_header, group_first, read_frame,
};
use crate::record::Revision;
use crate::store::StoreError;

/// Segments by their first revision, in order.
pub(super) type Segments = Vec<(Revision, PathBuf)>;

/// A file of frames, read from the front.
pub(super) struct FrameFile {
    path: PathBuf,
    input: BufReader<File>,
    offset: u64,
}

impl FrameFile {
    /// Opens a file and checks its header.
    pub fn open(path: &Path, kind: FileKind) -> Result<(Self, Header), StoreError> {
        let file = File::open(path).map_err(io_error("opening", path))?;
        let mut input = BufReader::with_capacity(256 << 10, file);
        let mut bytes = Vec::with_capacity(Header::LEN);
        (&mut input)
            .take(Header::LEN as u64)
            .read_to_end(&mut bytes)
            .map_err(io_error("reading", path))?;
        let header = Header::decode(kind, &bytes).map_err(|why| corrupt(path, 0, &why))?;
        Ok((Self { path: path.to_owned(), input, offset: Header::LEN as u64 }, header))
    }

    /// Gives where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn seek(&mut self, offset: u64) -> Result<(), StoreError> {
        self.input.seek(SeekFrom::Start(offset)).map_err(io_error("reading", &self.path))?;
        self.offset = offset;
        Ok(())
    }

    /// Reads what stands at the offset, and passes it when it is whole.
    pub fn next_frame(&mut self) -> Result<Frame, StoreError> {
        let frame = read_frame(&mut self.input).map_err(io_error("reading", &self.path))?;
        if let Frame::Whole(payload) = &frame {
            self.offset += (FRAME_HEADER + payload.len()) as u64;
        }
        Ok(frame)
    }

    /// Reads a frame where anything but a whole frame or the end of the file is damage.
    pub fn next_payload(&mut self) -> Result<Option<Payload>, StoreError> {
        let at = self.offset;
        match self.next_frame()? {
            Frame::End => Ok(None),
            Frame::Broken(why) => Err(corrupt(&self.path, at, why)),
            Frame::Whole(payload) => self.decode(at, &payload).map(Some),
        }
    }

    pub fn decode(&self, at: u64, payload: &[u8]) -> Result<Payload, StoreError> {
        Payload::decode(payload).map_err(|why| corrupt(&self.path, at, &why))
    }

    pub fn corrupt(&self, at: u64, why: &str) -> StoreError {
        corrupt(&self.path, at, why)
    }

    /// Goes to the group that holds `revision`, or behind the last one, without reading bodies.
    pub fn seek_group(&mut self, revision: Revision) -> Result<(), StoreError> {
        let mut found = self.offset;
        let mut at = self.offset;
        loop {
            let mut head = [0; FRAME_HEADER + GROUP_START];
            match self.input.read_exact(&mut head) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(io_error("reading", &self.path)(error)),
            }
            let (head, payload) = head.split_first_chunk().expect("longer than a frame's header");
            let (len, _) = frame_header(head);
            let holds = group_first(payload).is_some_and(|first| first <= revision);
            if !holds || !(GROUP_START..=MAX_PAYLOAD).contains(&len) {
                break;
            }
            found = at;
            at += (FRAME_HEADER + len) as u64;
            self.input
                .seek_relative((len - GROUP_START) as i64)
                .map_err(io_error("reading", &self.path))?;
        }
        self.seek(found)
    }
}

fn corrupt(path: &Path, at: u64, why: &str) -> StoreError {
    StoreError::Corrupt(format!(
        "{} at byte {at}: {why}. Restore the last backup into an empty folder",
        path.display()
    ))
}

/// Names the segment that holds `revision`; `None` when it is gone.
pub(super) fn segment_of(segments: &Segments, revision: Revision) -> Option<usize> {
    segments.partition_point(|(first, _)| *first <= revision).checked_sub(1)
}

/// Reads the groups with changes after `after`, up to the one that ends at `until`.
///
/// Fails when one of them is missing or damaged. Bytes behind `until` are not looked at.
pub(super) fn read_groups(
    segments: &Segments,
    after: Revision,
    until: Revision,
    mut each: impl FnMut(Group) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut done = after;
    while done < until {
        let next = Revision(done.0 + 1);
        let Some(at) = segment_of(segments, next) else {
            return Err(StoreError::Corrupt(format!(
                "the journal's segment with revision {next} is missing. Restore the last backup \
                 into an empty folder"
            )));
        };
        let (first, path) = &segments[at];
        let (mut file, header) = FrameFile::open(path, FileKind::Journal)?;
        if header.revision != *first {
            return Err(file.corrupt(0, "the header and the name disagree"));
        }
        if next > *first {
            file.seek_group(next)?;
        }
        let entered_at = done;
        while done < until {
            let at = file.offset();
            let group = match file.next_payload()? {
                None => break,
                Some(Payload::Group(group)) => group,
                Some(_) => return Err(file.corrupt(at, "a frame that no journal holds")),
            };
            // The first one may begin before `after`.
            let follows = group.first.0 == done.0 + 1;
            let holds_next = done == after && group.first.0 <= next.0 && group.last() >= next;
            if !follows && !holds_next {
                let why = format!("revision {} was expected, {} found", done.0 + 1, group.first);
                return Err(file.corrupt(at, &why));
            }
            done = group.last();
            each(group)?;
        }
        if done == entered_at {
            let why = format!("ends before revision {next}");
            return Err(file.corrupt(file.offset(), &why));
        }
    }
    Ok(())
}

/// The end of the journal as it was found.
pub(super) struct Tail {
    pub last: Revision,
    pub len: u64,
}

/// Reads the last segment, cuts off a write that a crash tore, and makes the rest durable.
pub(super) fn recover_tail(
    disk: &dyn Disk,
    folder: &Folder,
    (first, path): &(Revision, PathBuf),
) -> Result<Tail, StoreError> {
    let (mut file, header) = FrameFile::open(path, FileKind::Journal)?;
    if header.revision != *first || first.0 == 0 {
        return Err(file.corrupt(0, "the header and the name disagree"));
    }
    let mut last = Revision(first.0 - 1);
    let mut last_frame = None;
    let broken = loop {
        let at = file.offset();
        match file.next_frame()? {
            Frame::End => break None,
            Frame::Broken(why) => break Some(why),
            Frame::Whole(payload) => match file.decode(at, &payload)? {
                Payload::Group(group) if group.first.0 == last.0 + 1 => {
                    last = group.last();
                    last_frame = Some(at);
                }
                _ => return Err(file.corrupt(at, "a frame that does not follow the one before")),
            },
        }
    };
    let len = file.offset();
    let mut writer = disk.open(path).map_err(io_error("opening", path))?;
    if let Some(why) = broken {
        let rest = read_range(path, len, None)?;
        if let Some(behind) = find_group(&rest, last) {
            let why = format!("{why}, and a whole frame follows at byte {}", len + behind as u64);
            return Err(file.corrupt(len, &why));
        }
        if rest.iter().any(|&byte| byte != 0) {
            folder.keep_aside(
                disk,
                path,
                &rest,
                "the torn end of the journal, not acknowledged",
            )?;
        }
        writer.truncate(len).map_err(io_error("truncating", path))?;
    }
    if let Some(at) = last_frame {
        // Every frame but the last was synced before the next was written. The last may sit in memory only, even
        // marked as written when a sync has failed: written again, the sync below is about it.
        let frame = read_range(path, at, Some(len))?;
        writer.write_at(at, &frame).map_err(io_error("writing", path))?;
    }
    writer.sync().map_err(io_error("syncing", path))?;
    // The process that created the segment may have died before this.
    disk.sync_dir(&folder.journal()).map_err(io_error("syncing", &folder.journal()))?;
    Ok(Tail { last, len })
}

pub(super) fn read_range(path: &Path, from: u64, to: Option<u64>) -> Result<Vec<u8>, StoreError> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(to.map_or(u64::MAX, |to| to - from)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(io_error("reading", path))
}

/// The end of the journal, where frames are added.
pub(super) struct JournalWriter {
    disk: Arc<dyn Disk>,
    folder: Folder,
    segment_bytes: u64,
    segments: Arc<RwLock<Segments>>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    len: u64,
}

impl JournalWriter {
    /// Opens the last of `segments` behind its recovered tail.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: Folder,
        segment_bytes: u64,
        segments: Arc<RwLock<Segments>>,
        tail: &Tail,
    ) -> Result<Self, StoreError> {
        let (_, path) = {
            let segments = segments.read().unwrap_or_else(PoisonError::into_inner);
            segments.last().cloned().expect("a journal has a segment")
        };
        let file = disk.open(&path).map_err(io_error("opening", &path))?;
        Ok(Self { disk, folder, segment_bytes, segments, path, file, len: tail.len })
    }

    /// Writes a frame whose first change is `first`, and returns when it is on disk.
    ///
    /// After an error nothing may be appended: what is on disk is not known, and a second sync would not tell.
    pub fn append(&mut self, frame: &[u8], first: Revision) -> Result<(), StoreError> {
        let is_full = self.len + frame.len() as u64 > self.segment_bytes;
        if is_full && self.len > Header::LEN as u64 {
            (self.file, self.path) = create_segment(&*self.disk, &self.folder, first)?;
            self.len = Header::LEN as u64;
            self.segments
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .push((first, self.path.clone()));
        }
        self.file.write_at(self.len, frame).map_err(io_error("writing", &self.path))?;
        self.file.sync().map_err(io_error("syncing", &self.path))?;
        self.len += frame.len() as u64;
        Ok(())
    }
}

/// Creates an empty segment, durable under its name.
pub(super) fn create_segment(
    disk: &dyn Disk,
    folder: &Folder,
    first: Revision,
) -> Result<(Box<dyn DiskFile>, PathBuf), StoreError> {
    let path = folder.segment(first);
    let unfinished = path.with_extension("tmp");
    let create = || {
        let mut file = disk.create(&unfinished)?;
        file.write_at(0, &Header { kind: FileKind::Journal, revision: first }.encode())?;
        file.sync()?;
        disk.rename(&unfinished, &path)?;
        disk.sync_dir(&folder.journal())?;
        Ok(file)
    };
    let file = create().map_err(io_error("creating", &path))?;
    Ok((file, path))
}

/// Adds up the lengths of segments that begin after `revision`.
pub(super) fn bytes_after(segments: &Segments, revision: Revision) -> u64 {
    segments
        .iter()
        .filter(|(first, _)| *first > revision)
        .filter_map(|(_, path)| fs::metadata(path).ok())
        .map(|metadata| metadata.len())
        .sum()
}
