//! The readable state: the live records in one sled tree.
//!
//! sled is never the only copy. Nothing here is synced; what a crash took is replayed from the journal. That the tree
//! holds exactly the state of one revision is checked when it is opened: each value has a checksum over its key and
//! revision, and the `applied` entry, written in the same sled batch as the changes it counts, holds the number of
//! live records and a sum over their keys and revisions. A lost, stale or foreign entry shows.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::folder::io_error;
use super::packing::{Packing, needs_dictionary};
use crate::record::{RecordId, Revision};
use crate::store::{Change, StoreError, StoredRecord};

/// No kind begins with a byte that UTF-8 does not have.
const APPLIED: &[u8] = b"\xffapplied";
/// What bodies are packed with: its checksum, u32, and the dictionary.
const DICTIONARY: &[u8] = b"\xffdictionary";
const VALUE_VERSION: u8 = 2;
/// version u8, revision u64, length u32, crc32c u32
const VALUE_HEADER: usize = 17;

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
    packing: Packing,
}

impl View {
    /// Opens or creates the tree and reads all of it against its checksums.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, ViewError> {
        // sled panics on some damaged files.
        catch_unwind(AssertUnwindSafe(|| Self::open_or_panic(path, cache_bytes)))
            .unwrap_or_else(|panic| Err(ViewError::Unsound(panic_text(&*panic))))
    }

    fn open_or_panic(path: &Path, cache_bytes: u64) -> Result<Self, ViewError> {
        let (applied, dictionary) =
            sweep(&Self::open_db(path, cache_bytes)?).map_err(ViewError::Unsound)?;
        // Reading all of it left sled with several times its cache in memory, and it gives none of that back.
        let db = Self::open_db(path, cache_bytes)?;
        Ok(Self { db, applied: Mutex::new(applied), packing: Packing::new(dictionary) })
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
            let (revision, json) = self.unpacked(&key, &value)?;
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
                let id = record_id(&key).ok_or_else(|| damaged(&key))?;
                let (revision, json) = self.unpacked(&key, &value)?;
                records.push(StoredRecord { id, revision, json });
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
            self.learn(changes)?;
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
                        let packed = self.packing.pack(&record.json);
                        batch.insert(&key[..], encode_value(&key, record.revision, &packed));
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

    /// Takes a value apart after its checksum.
    fn unpacked(&self, key: &[u8], value: &[u8]) -> Result<(Revision, Vec<u8>), StoreError> {
        let (revision, body) = checked_value(key, value)?;
        Ok((revision, self.packing.unpack(body).ok_or_else(|| damaged(key))?))
    }

    /// Learns the dictionary from the first records, which takes about half a second, once in the life of a tree. It is in sled before any value that needs it.
    fn learn(&self, changes: &[Change]) -> Result<(), StoreError> {
        let bodies = changes.iter().filter_map(|change| match change {
            Change::Put(record) => Some(&record.json[..]),
            Change::Withdraw { .. } => None,
        });
        if let Some(dictionary) = self.packing.learn(bodies) {
            let crc = crc32c::crc32c(&dictionary).to_le_bytes();
            let value = [&crc[..], &dictionary].concat();
            self.db.insert(DICTIONARY, value).map_err(sled_error)?;
            self.packing.adopt(dictionary);
        }
        Ok(())
    }

    /// Reads every entry and hands on its [`record_digest`], revision and [`record_crc`]; gives what is wrong in words.
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
                if key == DICTIONARY {
                    if dictionary(&value).is_none() {
                        problems.push("sled: the dictionary is damaged".to_owned());
                    }
                    continue;
                }
                match self.unpacked(&key, &value) {
                    Ok((revision, body)) => {
                        entry(key_digest(&key), revision, crc32c::crc32c(&body));
                    }
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

/// Reads the whole tree; gives what it has applied and its dictionary, or why it is not the state of any revision.
fn sweep(db: &sled::Db) -> Result<(Applied, Option<Vec<u8>>), String> {
    let (mut stated, mut learned, mut is_needed) = (None, None, false);
    let mut found = Applied::default();
    for entry in db.iter() {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        if key == APPLIED {
            stated = Some(Applied::decode(&value).ok_or("`applied` is damaged")?);
            continue;
        }
        if key == DICTIONARY {
            learned = Some(dictionary(&value).ok_or("the dictionary is damaged")?);
            continue;
        }
        let (revision, body) = checked_value(&key, &value).map_err(|error| error.to_string())?;
        is_needed |= needs_dictionary(body);
        found.num_records += 1;
        found.digest_sum = found.digest_sum.wrapping_add(entry_digest(&key, revision));
    }
    found.revision = stated.map_or(Revision(0), |stated| stated.revision);
    if is_needed && learned.is_none() {
        return Err("its dictionary is missing".to_owned());
    }
    match stated.unwrap_or_default() == found {
        true => Ok((found, learned)),
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

fn encode_value(key: &[u8], revision: Revision, packed: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(VALUE_HEADER + packed.len());
    value.push(VALUE_VERSION);
    value.extend(revision.0.to_le_bytes());
    value.extend((packed.len() as u32).to_le_bytes());
    let crc = [key, &value, packed].iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    value.extend(crc.to_le_bytes());
    value.extend_from_slice(packed);
    value
}

/// Gives the checksum that [`View::check`] reports for this record: of its body, however it is packed.
pub(super) fn record_crc(record: &StoredRecord) -> u32 {
    crc32c::crc32c(&record.json)
}

fn dictionary(value: &[u8]) -> Option<Vec<u8>> {
    let (crc, dictionary) = value.split_first_chunk::<4>()?;
    (crc32c::crc32c(dictionary).to_le_bytes() == *crc).then(|| dictionary.to_vec())
}

/// Takes a value apart after its checksum; the body is packed.
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
