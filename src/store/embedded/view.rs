//! The readable state: the live records in one sled tree.
//!
//! sled is never the only copy. Nothing here is synced; what a crash took is replayed from the journal. That the tree
//! holds exactly the state of one revision is checked when it is opened: each value has a checksum over its key and
//! revision, and the `applied` entry, written in the same sled batch as the changes it counts, holds the number of
//! live records and a sum over their keys and revisions. A lost, stale or foreign entry shows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::folder::io_error;
use crate::record::{RecordId, Revision};
use crate::store::{Change, StoreError, StoredRecord};

/// No kind begins with a byte that UTF-8 does not have.
const APPLIED: &[u8] = b"\xffapplied";
const VALUE_VERSION: u8 = 2;
/// version u8, revision u64, length u32, crc32c u32
const VALUE_HEADER: usize = 17;
/// Shorter bodies gain nothing.
const COMPRESSED_FROM: usize = 256;
/// Of zstd: higher ones make Chinese text hardly smaller and writing much slower.
const COMPRESSION: i32 = 1;
/// More than any record may have; a damaged length must not ask for all memory.
const MAX_BODY: usize = 64 << 20;
const PLAIN: u8 = 0;
/// Followed by the length of the body, u32, and a zstd frame.
const ZSTD: u8 = 1;

/// What a tree has taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub revision: Revision,
    pub num_records: u64,
    /// Sum of [`entry_digest`] over the live records, wrapping.
    digest_sum: u64,
}

impl Applied {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VALUE_VERSION];
        for number in [self.revision.0, self.num_records, self.digest_sum] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if body.len() != 25
            || body[0] != VALUE_VERSION
            || crc32c::crc32c(body).to_le_bytes() != *crc
        {
            return None;
        }
        let mut numbers = body[1..]
            .chunks_exact(8)
            .map(|number| u64::from_le_bytes(number.try_into().expect("eight bytes")));
        Some(Self {
            revision: Revision(numbers.next()?),
            num_records: numbers.next()?,
            digest_sum: numbers.next()?,
        })
    }
}

/// Why a tree was not opened.
#[derive(Debug)]
pub(super) enum ViewError {
    /// It is to be made anew. Says why.
    Unsound(String),
    /// A new one would fail as well.
    Io(StoreError),
}

pub(super) struct View {
    db: sled::Db,
    applied: Mutex<Applied>,
}

impl View {
    /// Opens or creates the tree and reads all of it against its checksums.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, ViewError> {
        // sled panics on some damaged files.
        catch_unwind(AssertUnwindSafe(|| Self::open_or_panic(path, cache_bytes)))
            .unwrap_or_else(|panic| Err(ViewError::Unsound(panic_text(&*panic))))
    }

    fn open_or_panic(path: &Path, cache_bytes: u64) -> Result<Self, ViewError> {
        let applied = sweep(&Self::open_db(path, cache_bytes)?).map_err(ViewError::Unsound)?;
        // Reading all of it left sled with several times its cache in memory, and it gives none of that back.
        let db = Self::open_db(path, cache_bytes)?;
        Ok(Self { db, applied: Mutex::new(applied) })
    }

    fn open_db(path: &Path, cache_bytes: u64) -> Result<sled::Db, ViewError> {
        let started = Instant::now();
        loop {
            match sled::Config::new().path(path).cache_capacity(cache_bytes).open() {
                Ok(db) => return Ok(db),
                // Threads of a tree that this process has just closed may hold sled's own lock a little longer.
                Err(sled::Error::Io(error))
                    if error.to_string().contains("could not acquire lock")
                        && started.elapsed() < Duration::from_secs(10) =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(sled::Error::Io(error)) if is_environment(&error) => {
                    return Err(ViewError::Io(io_error("opening", path)(error)));
                }
                Err(error) => return Err(ViewError::Unsound(error.to_string())),
            }
        }
    }

    pub fn applied(&self) -> Applied {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, id: &RecordId) -> Result<Option<StoredRecord>, StoreError> {
        guarded(|| {
            let key = key(id);
            let Some(value) = self.db.get(&key).map_err(sled_error)? else { return Ok(None) };
            let (revision, body) = checked_value(&key, &value)?;
            let json = unpacked(&key, body)?;
            Ok(Some(StoredRecord { id: id.clone(), revision, json }))
        })
    }

    /// Reads the revision of a live record.
    pub fn revision(&self, id: &RecordId) -> Result<Option<Revision>, StoreError> {
        guarded(|| {
            let key = key(id);
            let value = self.db.get(&key).map_err(sled_error)?;
            value.map(|value| Ok(checked_value(&key, &value)?.0)).transpose()
        })
    }

    pub fn scan(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        guarded(|| {
            let prefix = [kind.as_bytes(), b"\0"].concat();
            // The least key behind an id is the id and one zero byte.
            let from = match after {
                None => prefix.clone(),
                Some(id) => [&prefix, id.as_bytes(), b"\0"].concat(),
            };
            let mut records = Vec::new();
            for entry in self.db.range(from..).take(limit) {
                let (key, value) = entry.map_err(sled_error)?;
                if !key.starts_with(&prefix) {
                    break;
                }
                let (revision, body) = checked_value(&key, &value)?;
                let id = record_id(&key).ok_or_else(|| damaged(&key))?;
                records.push(StoredRecord { id, revision, json: unpacked(&key, body)? });
            }
            Ok(records)
        })
    }

    /// Applies changes in order, in one sled batch, together with the revision that they lead to.
    pub fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let Some(last) = changes.last() else { return Ok(()) };
        guarded(|| {
            let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
            let mut next = Applied { revision: last.revision(), ..*applied };
            let mut batch = sled::Batch::default();
            let mut pending: HashMap<Vec<u8>, Option<Revision>> = HashMap::new();
            for change in changes {
                let key = key(change.id());
                let before = match pending.get(&key) {
                    Some(&before) => before,
                    None => match self.db.get(&key).map_err(sled_error)? {
                        Some(value) => Some(checked_value(&key, &value)?.0),
                        None => None,
                    },
                };
                if let Some(before) = before {
                    next.num_records -= 1;
                    next.digest_sum = next.digest_sum.wrapping_sub(entry_digest(&key, before));
                }
                let after = match change {
                    Change::Put(record) => {
                        next.num_records += 1;
                        next.digest_sum =
                            next.digest_sum.wrapping_add(entry_digest(&key, record.revision));
                        batch.insert(&key[..], encode_value(&key, record.revision, &record.json));
                        Some(record.revision)
                    }
                    Change::Withdraw { .. } => {
                        batch.remove(&key[..]);
                        None
                    }
                };
                pending.insert(key, after);
            }
            batch.insert(APPLIED, next.encode());
            self.db.apply_batch(batch).map_err(sled_error)?;
            *applied = next;
            Ok(())
        })
    }

    /// Reads every entry and hands on its [`record_digest`], revision and value checksum; gives what is wrong in words.
    pub fn check(&self, mut entry: impl FnMut(u128, Revision, u32)) -> Vec<String> {
        let mut problems = Vec::new();
        let swept = guarded(|| {
            for item in self.db.iter() {
                let (key, value) = item.map_err(sled_error)?;
                if key == APPLIED {
                    if Applied::decode(&value).is_none() {
                        problems.push("sled: the checksum of `applied` does not hold".to_owned());
                    }
                    continue;
                }
                match checked_value(&key, &value) {
                    Ok((revision, _)) => entry(key_digest(&key), revision, value_crc(&value)),
                    Err(error) => problems.push(error.to_string()),
                }
            }
            Ok(())
        });
        problems.extend(swept.err().map(|error| error.to_string()));
        problems
    }

    /// Loses a record as a bug in sled might.
    #[cfg(test)]
    pub fn forget(&self, id: &RecordId) {
        self.db.remove(key(id)).expect("sled can be written");
    }

    /// Writes out what sled holds in memory. A convenience for the next start, no promise.
    pub fn flush(&self) {
        if let Err(error) = guarded(|| self.db.flush().map_err(sled_error)) {
            tracing::warn!(%error, "sled was not flushed; the next start replays the journal");
        }
    }
}

/// Reads the whole tree; gives what it has applied, or why it is not the state of any revision.
fn sweep(db: &sled::Db) -> Result<Applied, String> {
    let mut stated = None;
    let mut found = Applied::default();
    for entry in db.iter() {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        if key == APPLIED {
            stated = Some(Applied::decode(&value).ok_or("`applied` is damaged")?);
            continue;
        }
        let (revision, _) = checked_value(&key, &value).map_err(|error| error.to_string())?;
        found.num_records += 1;
        found.digest_sum = found.digest_sum.wrapping_add(entry_digest(&key, revision));
    }
    found.revision = stated.map_or(Revision(0), |stated| stated.revision);
    match stated.unwrap_or_default() == found {
        true => Ok(found),
        false => Err(format!(
            "its entries are not those of revision {}: {} found, {} stated",
            found.revision,
            found.num_records,
            stated.unwrap_or_default().num_records
        )),
    }
}

fn key(id: &RecordId) -> Vec<u8> {
    [id.kind.as_bytes(), b"\0", id.id.as_bytes()].concat()
}

fn record_id(key: &[u8]) -> Option<RecordId> {
    let (kind, id) = std::str::from_utf8(key).ok()?.split_once('\0')?;
    Some(RecordId::new(kind, id))
}

/// Identifies a record in 16 bytes; two records share one with negligible probability.
pub(super) fn record_digest(id: &RecordId) -> u128 {
    key_digest(&key(id))
}

fn key_digest(key: &[u8]) -> u128 {
    let digest = Sha256::digest(key);
    u128::from_le_bytes(digest[..16].try_into().expect("a digest has 32 bytes"))
}

fn entry_digest(key: &[u8], revision: Revision) -> u64 {
    let digest = Sha256::new().chain_update(revision.0.to_le_bytes()).chain_update(key).finalize();
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

fn encode_value(key: &[u8], revision: Revision, body: &[u8]) -> Vec<u8> {
    let packed = packed(body);
    let mut value = Vec::with_capacity(VALUE_HEADER + packed.len());
    value.push(VALUE_VERSION);
    value.extend(revision.0.to_le_bytes());
    value.extend((packed.len() as u32).to_le_bytes());
    let crc = [key, &value, &packed].iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    value.extend(crc.to_le_bytes());
    value.extend_from_slice(&packed);
    value
}

/// sled keeps in memory what was read lately, sixteen records a page and far more pages than its cache is to hold, so
/// at a hundred thousand records most of them: half as large is half the memory.
fn packed(body: &[u8]) -> Vec<u8> {
    let frame = match body.len() >= COMPRESSED_FROM {
        true => zstd::bulk::compress(body, COMPRESSION).ok(),
        false => None,
    };
    match frame {
        Some(frame) if frame.len() + 5 < body.len() => {
            [&[ZSTD][..], &(body.len() as u32).to_le_bytes(), &frame].concat()
        }
        _ => [&[PLAIN], body].concat(),
    }
}

/// Undoes [`packed`].
fn unpacked(key: &[u8], packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            RefCell::new(zstd::bulk::Decompressor::new().ok());
    }
    match packed.split_first() {
        Some((&PLAIN, body)) => Ok(body.to_vec()),
        Some((&ZSTD, rest)) => {
            let (len, frame) = rest.split_first_chunk::<4>().ok_or_else(|| damaged(key))?;
            let len = u32::from_le_bytes(*len) as usize;
            if len > MAX_BODY {
                return Err(damaged(key));
            }
            DECOMPRESSOR.with_borrow_mut(|decompressor| match decompressor {
                Some(decompressor) => decompressor.decompress(frame, len).map_err(|_| damaged(key)),
                None => zstd::bulk::decompress(frame, len).map_err(|_| damaged(key)),
            })
        }
        _ => Err(damaged(key)),
    }
}

/// Gives the checksum that [`View::check`] reports for this record.
pub(super) fn record_crc(record: &StoredRecord) -> u32 {
    value_crc(&encode_value(&key(&record.id), record.revision, &record.json))
}

fn value_crc(value: &[u8]) -> u32 {
    value
        .get(13..VALUE_HEADER)
        .map_or(0, |crc| u32::from_le_bytes(crc.try_into().expect("four bytes")))
}

/// Takes a value apart after its checksum; the body is as [`packed`] left it.
fn checked_value<'v>(key: &[u8], value: &'v [u8]) -> Result<(Revision, &'v [u8]), StoreError> {
    let (head, body) = value.split_at_checked(VALUE_HEADER).ok_or_else(|| damaged(key))?;
    let crc = [key, &head[..13], body].iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    if head[0] != VALUE_VERSION
        || head[9..13] != (body.len() as u32).to_le_bytes()
        || head[13..] != crc.to_le_bytes()
    {
        return Err(damaged(key));
    }
    let revision = u64::from_le_bytes(head[1..9].try_into().expect("eight bytes"));
    Ok((Revision(revision), body))
}

fn damaged(key: &[u8]) -> StoreError {
    let name = String::from_utf8_lossy(key).replace('\0', "/");
    StoreError::Corrupt(format!(
        "sled: the value of {name} is damaged; a restart rebuilds it from the journal"
    ))
}

fn sled_error(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(source) => StoreError::Io { context: "sled".to_owned(), source },
        error => {
            StoreError::Corrupt(format!("sled: {error}; a restart rebuilds it from the journal"))
        }
    }
}

/// Tells errors that another tree in the same place would meet too.
fn is_environment(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// Turns sled's panics on damaged pages into errors.
fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(StoreError::Corrupt(format!("sled: {}", panic_text(&*panic)))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("sled panicked").to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(body in proptest::collection::vec(any::<u8>(), 0..2_000), times in 1..4usize) {
            let body = body.repeat(times);
            let packed = packed(&body);
            prop_assert!(packed.len() <= body.len() + 1);
            prop_assert_eq!(unpacked(b"key", &packed).expect("it was packed a moment ago"), body);
        }

        #[test]
        fn damage_is_an_error(packed in proptest::collection::vec(any::<u8>(), 0..64)) {
            // Whatever it says; it must not panic, nor take more memory than it may.
            let _ = unpacked(b"key", &packed);
        }
    }

    #[test]
    fn chinese_text_is_stored_in_about_half() {
        let body =
            include_str!("../../../sample-corpus/policy.jsonl").lines().next().expect("a record");
        assert!(packed(body.as_bytes()).len() * 3 < body.len() * 2);
    }
}
