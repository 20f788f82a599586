//! Tests that look into the folder. What every store promises is in `tests/conformance/store.rs`.

mod backups;
mod faults;
mod folders;
mod frames;
mod recovery;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{EmbeddedOptions, EmbeddedStore};
use crate::record::{RecordId, Revision};
use crate::store::{Batch, Change, Cursor, Expected, Store, Write};

/// Segments and checkpoints so small that a few writes fill several.
fn small() -> EmbeddedOptions {
    EmbeddedOptions {
        cache_bytes: 4 << 20,
        segment_bytes: 600,
        checkpoint_bytes: u64::MAX,
        retention: Duration::from_secs(3600),
        ballast_bytes: 0,
    }
}

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, small()).expect("the store opens")
}

fn put(id: &str, body: &str) -> Write {
    let body = Some(body.as_bytes().to_vec());
    Write { id: RecordId::new("policy", id), expected: Expected::Any, body }
}

fn withdraw(id: &str) -> Write {
    Write { body: None, ..put(id, "") }
}

/// Writes one batch that must be accepted; gives its last revision.
fn write(store: &dyn Store, batch: Batch) -> Revision {
    let mut answers = store.append(vec![batch]).expect("the store takes writes");
    *answers.remove(0).expect("no conflict").last().expect("a write")
}

/// Writes `num_writes` records in batches of one and two, overwriting and withdrawing some.
fn fill(store: &dyn Store, num_writes: usize) {
    for nth in 0..num_writes {
        let body = format!("{{\"title\":\"政策 {nth}\",\"body\":\"{}\"}}", "文".repeat(nth % 40));
        let id = format!("p{}", nth % 17);
        match nth % 7 {
            3 => write(store, vec![withdraw(&id)]),
            5 => write(store, vec![put(&id, &body), put("hot", &body)]),
            _ => write(store, vec![put(&id, &body)]),
        };
    }
}

type State = BTreeMap<RecordId, (Revision, Vec<u8>)>;

/// Reads the live records.
fn state(store: &dyn Store) -> State {
    let records = store.scan("policy", None, usize::MAX).expect("the store scans").into_iter();
    records.map(|record| (record.id, (record.revision, record.json))).collect()
}

/// Reads the log from the beginning, `limit` changes at a time.
fn log(store: &dyn Store, limit: usize) -> Vec<Change> {
    let mut cursor = Cursor::default();
    let mut log = Vec::new();
    loop {
        let (changes, next) = store.changes(&cursor, limit).expect("the log can be read");
        if changes.is_empty() {
            return log;
        }
        log.extend(changes);
        cursor = next;
    }
}

/// Applies a log to nothing.
fn replay(log: &[Change]) -> State {
    let mut state = State::new();
    for change in log {
        match change {
            Change::Put(record) => {
                state.insert(record.id.clone(), (record.revision, record.json.clone()));
            }
            Change::Withdraw { id, .. } => drop(state.remove(id)),
        }
    }
    state
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Gives the names that were moved or copied aside, without their time.
fn aside(dir: &Path) -> Vec<String> {
    let names = files(&dir.join("aside"));
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    names.iter().map(|path| name(path).splitn(3, '-').nth(2).unwrap().to_owned()).collect()
}

fn assert_sound(store: &dyn Store) {
    assert_eq!(store.verify().expect("the store can be verified"), Vec::<String>::new());
    assert_eq!(replay(&log(store, 3)), state(store));
}

/// Changes one byte of a file.
fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("the file is there");
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).expect("the file is ours");
}
