//! The bytes of journal segments, checkpoints and backups.
//!
//! A file is one [`Header`] and then frames: `len u32 | crc32c u32 | payload`, little-endian, the checksum over `len`
//! and the payload. A payload begins with its version, then its kind. Everything here is a function of its input:
//! any bytes may be given, none make it panic or reserve more memory than they fill.

use std::io::{self, Read};

use crate::record::{RecordId, Revision};
use crate::store::{Change, StoredRecord};

/// Length of a frame without its payload.
pub(super) const FRAME_HEADER: usize = 8;
/// The longest payload that is written or read.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

const PAYLOAD_VERSION: u8 = 1;
const GROUP: u8 = 1;
const RECORDS: u8 = 2;
const END: u8 = 3;

const PUT: u8 = 1;
const WITHDRAW: u8 = 2;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Journal,
    Checkpoint,
    Backup,
}

impl FileKind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            FileKind::Journal => b"KCJOURNL",
            FileKind::Checkpoint => b"KCCHECKP",
            FileKind::Backup => b"KCBACKUP",
        }
    }
}

/// The beginning of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: FileKind,
    /// Journal: of the first change. Checkpoint: up to which it reaches. Backup: up to which its records reach.
    pub revision: Revision,
}

impl Header {
    pub const LEN: usize = 24;
    pub const VERSION: u32 = 1;

    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(self.kind.magic());
        bytes[8..12].copy_from_slice(&Self::VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.revision.0.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..20]);
        bytes[20..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub fn decode(kind: FileKind, bytes: &[u8]) -> Result<Self, String> {
        let mut input = Input(bytes);
        if input.take(8)? != kind.magic() {
            return Err(format!("does not begin as a {kind:?} file does").to_lowercase());
        }
        let (version, revision, crc) = (input.u32()?, input.u64()?, input.u32()?);
        if crc != crc32c::crc32c(&bytes[..20]) {
            return Err("the header's checksum does not hold".to_owned());
        }
        if version != Self::VERSION {
            return Err(format!("has version {version}; this program reads {}", Self::VERSION));
        }
        Ok(Self { kind, revision: Revision(revision) })
    }
}

/// What stands where a frame may begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A payload whose checksum holds.
    Whole(Vec<u8>),
    /// The input ends here.
    End,
    /// Bytes that are no frame: torn, zeroed or changed.
    Broken(&'static str),
}

/// Reads one frame. Memory grows with the bytes that arrive, not with the length they claim.
pub(super) fn read_frame(input: &mut impl Read) -> io::Result<Frame> {
    let mut head = Vec::with_capacity(FRAME_HEADER);
    input.take(FRAME_HEADER as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(Frame::End);
    }
    let Ok(head) = <[u8; FRAME_HEADER]>::try_from(head) else {
        return Ok(Frame::Broken("ends within a frame's header"));
    };
    let (len, crc) = frame_header(&head);
    if len == 0 || len > MAX_PAYLOAD {
        return Ok(Frame::Broken("no frame has this length"));
    }
    let mut payload = Vec::with_capacity(len.min(64 << 10));
    input.take(len as u64).read_to_end(&mut payload)?;
    if payload.len() < len {
        return Ok(Frame::Broken("ends within a frame"));
    }
    if frame_crc(&payload) != crc {
        return Ok(Frame::Broken("the checksum does not hold"));
    }
    Ok(Frame::Whole(payload))
}

/// Reads the length of the payload and the checksum.
pub(super) fn frame_header(head: &[u8; FRAME_HEADER]) -> (usize, u32) {
    let [a, b, c, d, e, f, g, h] = *head;
    (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]))
}

fn frame_crc(payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&(payload.len() as u32).to_le_bytes()), payload)
}

/// Finds a whole group of changes after `last` anywhere in `bytes`.
///
/// What follows the broken bytes at a journal's end tells a torn write (nothing does) from damage.
pub(super) fn find_group(bytes: &[u8], last: Revision) -> Option<usize> {
    (0..bytes.len().saturating_sub(FRAME_HEADER + GROUP_START)).find(|&at| {
        let frame = &bytes[at..];
        let head = frame[..FRAME_HEADER].try_into().expect("eight bytes");
        let (len, crc) = frame_header(head);
        let rest = &frame[FRAME_HEADER..];
        len <= rest.len()
            && group_first(rest).is_some_and(|first| first > last)
            && frame_crc(&rest[..len]) == crc
    })
}

/// Bytes of a group's payload up to and with its first revision.
pub(super) const GROUP_START: usize = 10;

/// Reads the first revision of a group from the beginning of its payload.
pub(super) fn group_first(payload: &[u8]) -> Option<Revision> {
    let mut input = Input(payload);
    let start = (input.u8().ok()?, input.u8().ok()?);
    (start == (PAYLOAD_VERSION, GROUP)).then(|| input.u64().ok().map(Revision)).flatten()
}

/// Changes that were committed together, in batches; revisions are consecutive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub first: Revision,
    pub batches: Vec<Vec<Change>>,
}

impl Group {
    pub fn last(&self) -> Revision {
        let num_changes: usize = self.batches.iter().map(Vec::len).sum();
        Revision((self.first.0 + num_changes as u64).saturating_sub(1))
    }

    /// Gives the group's frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = FrameWriter::group(self.first);
        self.batches.iter().for_each(|batch| frame.push_batch(batch));
        frame.seal()
    }

    pub fn into_changes(self) -> impl Iterator<Item = Change> {
        self.batches.into_iter().flatten()
    }
}

/// What a file claims to hold, at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Of the last change, or of the checkpoint.
    pub last: Revision,
    pub num_puts: u64,
    pub num_withdrawals: u64,
}

impl Totals {
    pub fn count(&mut self, change: &Change) {
        match change {
            Change::Put(_) => self.num_puts += 1,
            Change::Withdraw { .. } => self.num_withdrawals += 1,
        }
    }
}

/// A decoded payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Group(Group),
    /// The latest change of each record, in the order of revisions.
    Records(Vec<Change>),
    End(Totals),
}

impl Payload {
    pub fn decode(payload: &[u8]) -> Result<Self, String> {
        let mut input = Input(payload);
        let version = input.u8()?;
        if version != PAYLOAD_VERSION {
            return Err(format!(
                "has a payload of version {version}; this program reads {PAYLOAD_VERSION}"
            ));
        }
        let decoded = match input.u8()? {
            GROUP => Payload::Group(decode_group(&mut input)?),
            RECORDS => {
                let mut changes = Vec::new();
                while !input.0.is_empty() {
                    let revision = Revision(input.u64()?);
                    changes.push(input.change(revision)?);
                }
                Payload::Records(changes)
            }
            END => Payload::End(Totals {
                last: Revision(input.u64()?),
                num_puts: input.u64()?,
                num_withdrawals: input.u64()?,
            }),
            kind => return Err(format!("has a payload of unknown kind {kind}")),
        };
        if !input.0.is_empty() {
            return Err("has bytes behind its payload".to_owned());
        }
        Ok(decoded)
    }
}

fn decode_group(input: &mut Input) -> Result<Group, String> {
    let first = Revision(input.u64()?);
    let mut next = first.0;
    let mut batches = Vec::new();
    for _ in 0..input.u32()? {
        let mut batch = Vec::new();
        for _ in 0..input.u32()? {
            batch.push(input.change(Revision(next))?);
            next = next.checked_add(1).ok_or("counts past the last revision")?;
        }
        if batch.is_empty() {
            return Err("has an empty batch".to_owned());
        }
        batches.push(batch);
    }
    if first.0 == 0 || batches.is_empty() {
        return Err("has an empty group".to_owned());
    }
    Ok(Group { first, batches })
}

/// Bytes that are still to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or("ends within its payload")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were asked for"))
    }

    fn u8(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let len = self.u32()? as usize;
        self.take(len)
    }

    fn text(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "has a name that is not UTF-8".to_owned())
    }

    fn change(&mut self, revision: Revision) -> Result<Change, String> {
        let operation = self.u8()?;
        let id = RecordId::new(self.text()?, self.text()?);
        match operation {
            PUT => Ok(Change::Put(StoredRecord { id, revision, json: self.bytes()?.to_vec() })),
            WITHDRAW => Ok(Change::Withdraw { id, revision }),
            _ => Err(format!("has a change of unknown kind {operation}")),
        }
    }
}

/// Writes one frame in memory; [`Self::seal`] gives its bytes.
pub(super) struct FrameWriter {
    bytes: Vec<u8>,
    num_batches: u32,
}

impl FrameWriter {
    /// Begins a group whose first change is `first`.
    pub fn group(first: Revision) -> Self {
        let mut writer = Self::start(GROUP);
        writer.bytes.extend(first.0.to_le_bytes());
        writer.bytes.extend(0_u32.to_le_bytes());
        writer
    }

    /// Begins a frame of the latest changes of records.
    pub fn records() -> Self {
        Self::start(RECORDS)
    }

    /// Gives the last frame of a file.
    pub fn end(totals: &Totals) -> Vec<u8> {
        let mut writer = Self::start(END);
        for number in [totals.last.0, totals.num_puts, totals.num_withdrawals] {
            writer.bytes.extend(number.to_le_bytes());
        }
        writer.seal()
    }

    fn start(kind: u8) -> Self {
        let mut bytes = vec![0; FRAME_HEADER];
        bytes.extend([PAYLOAD_VERSION, kind]);
        Self { bytes, num_batches: 0 }
    }

    /// Adds a batch to a group. Its changes follow those before in their revisions.
    pub fn push_batch(&mut self, changes: &[Change]) {
        debug_assert!(!changes.is_empty(), "an empty batch has no revision");
        self.num_batches += 1;
        self.bytes.extend((changes.len() as u32).to_le_bytes());
        changes.iter().for_each(|change| self.change(change));
    }

    /// Adds a change to a frame of records.
    pub fn push_record(&mut self, change: &Change) {
        self.bytes.extend(change.revision().0.to_le_bytes());
        self.change(change);
    }

    fn change(&mut self, change: &Change) {
        let (operation, body) = match change {
            Change::Put(record) => (PUT, Some(&record.json)),
            Change::Withdraw { .. } => (WITHDRAW, None),
        };
        self.bytes.push(operation);
        let id = change.id();
        for part in [id.kind.as_bytes(), id.id.as_bytes()].into_iter().chain(body.map(|b| &b[..])) {
            self.bytes.extend((part.len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(part);
        }
    }

    /// Length of the frame so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.len() == FRAME_HEADER + 2
    }

    /// Completes the frame.
    pub fn seal(mut self) -> Vec<u8> {
        if self.num_batches > 0 {
            let at = FRAME_HEADER + GROUP_START;
            self.bytes[at..at + 4].copy_from_slice(&self.num_batches.to_le_bytes());
        }
        let payload = &self.bytes[FRAME_HEADER..];
        let (len, crc) = (payload.len() as u32, frame_crc(payload));
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
        self.bytes[4..FRAME_HEADER].copy_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// Length that a change of this size takes in a frame, at most.
pub(super) fn change_len(id: &RecordId, body_len: usize) -> usize {
    id.kind.len() + id.id.len() + body_len + 21
}
