//! The promises of [`Store`], kept by every backend.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kechuang::record::{RecordId, Revision};
use kechuang::store::embedded::{EmbeddedOptions, EmbeddedStore};
use kechuang::store::{Batch, Change, Conflict, Cursor, Expected, Store, StoredRecord, Write};

/// A place where stores can be opened, closed and opened again.
trait Backend {
    fn open(&self) -> Box<dyn Store>;
}

struct Embedded {
    dir: tempfile::TempDir,
    options: EmbeddedOptions,
}

impl Backend for Embedded {
    fn open(&self) -> Box<dyn Store> {
        let store = EmbeddedStore::open(self.dir.path(), self.options.clone());
        Box::new(store.expect("the embedded store opens"))
    }
}

/// Every backend, new and empty.
fn backends() -> Vec<Box<dyn Backend>> {
    let dir = || tempfile::tempdir().expect("a temporary folder");
    let small = EmbeddedOptions {
        cache_bytes: 4 << 20,
        segment_bytes: 4096,
        checkpoint_bytes: 32 << 10,
        retention: Duration::ZERO,
        ..EmbeddedOptions::default()
    };
    vec![
        Box::new(Embedded { dir: dir(), options: EmbeddedOptions::default() }),
        // The same with segments and checkpoints that come and go all the time.
        Box::new(Embedded { dir: dir(), options: small }),
    ]
}

/// Runs a promise on every backend.
fn for_each_store(promise: impl Fn(&dyn Store)) {
    for backend in backends() {
        promise(&*backend.open());
    }
}

fn id(name: &str) -> RecordId {
    RecordId::new("policy", name)
}

fn put(name: &str, body: impl AsRef<[u8]>) -> Write {
    Write { id: id(name), expected: Expected::Any, body: Some(body.as_ref().to_vec()) }
}

fn withdraw(name: &str) -> Write {
    Write { id: id(name), expected: Expected::Any, body: None }
}

fn expecting(expected: Expected, write: Write) -> Write {
    Write { expected, ..write }
}

fn append(store: &dyn Store, batch: Batch) -> Result<Vec<Revision>, Conflict> {
    store.append(vec![batch]).expect("the store takes writes").remove(0)
}

/// Writes one record that must not conflict.
fn write(store: &dyn Store, write: Write) -> Revision {
    append(store, vec![write]).expect("no conflict")[0]
}

fn get(store: &dyn Store, id: &RecordId) -> Option<StoredRecord> {
    store.get(id).expect("the store reads")
}

/// Reads all changes after `cursor`, `limit` at a time.
fn changes_after(store: &dyn Store, mut cursor: Cursor, limit: usize) -> (Vec<Change>, Cursor) {
    let mut all = Vec::new();
    loop {
        let (changes, next) = store.changes(&cursor, limit).expect("the log can be read");
        assert!(changes.len() <= limit);
        if changes.is_empty() {
            return (all, cursor);
        }
        all.extend(changes);
        cursor = next;
    }
}

/// Gives what a reader of the log ends up with.
fn replay(log: impl IntoIterator<Item = Change>) -> BTreeMap<RecordId, StoredRecord> {
    let mut state = BTreeMap::new();
    for change in log {
        match change {
            Change::Put(record) => drop(state.insert(record.id.clone(), record)),
            Change::Withdraw { id, .. } => drop(state.remove(&id)),
        }
    }
    state
}

fn scan_all(store: &dyn Store, kind: &str) -> Vec<StoredRecord> {
    store.scan(kind, None, usize::MAX).expect("the store scans")
}

#[test]
fn a_write_is_read_back() {
    for_each_store(|store| {
        assert_eq!(get(store, &id("a")), None);
        let revision = write(store, put("a", "一"));
        let expected = StoredRecord { id: id("a"), revision, json: "一".into() };
        assert_eq!(get(store, &id("a")), Some(expected));
        let revision = write(store, put("a", "二"));
        assert_eq!(get(store, &id("a")).map(|found| found.revision), Some(revision));
        assert_eq!(get(store, &id("a")).map(|found| found.json), Some("二".into()));
        write(store, withdraw("a"));
        assert_eq!(get(store, &id("a")), None);
    });
}

#[test]
fn revisions_grow_by_one_a_write() {
    for_each_store(|store| {
        assert_eq!(store.head(), Revision(0));
        let batches = vec![
            vec![put("a", "1"), put("b", "1")],
            vec![],
            vec![expecting(Expected::Absent, put("a", "2"))],
            vec![withdraw("a"), withdraw("never-there"), put("c", "1")],
        ];
        let answers = store.append(batches).unwrap();
        let revisions = |numbers: &[u64]| Ok(numbers.iter().copied().map(Revision).collect());
        let conflict = Err(Conflict { at: 0, found: Some(Revision(1)) });
        assert_eq!(answers, [revisions(&[1, 2]), revisions(&[]), conflict, revisions(&[3, 4, 5])]);
        assert_eq!(store.head(), Revision(5));
        assert_eq!(store.append(vec![]).unwrap(), []);
    });
}

#[test]
fn a_batch_is_written_whole_or_not_at_all() {
    for_each_store(|store| {
        write(store, put("there", "1"));
        let head = store.head();
        let batch = vec![
            put("a", "1"),
            withdraw("there"),
            expecting(Expected::Absent, put("there", "2")),
            expecting(Expected::At(Revision(77)), put("b", "1")),
        ];
        // The third write sees the second; the fourth expects what is not there.
        assert_eq!(append(store, batch), Err(Conflict { at: 3, found: None }));
        assert_eq!((get(store, &id("a")), store.head()), (None, head));
        assert!(get(store, &id("there")).is_some());
        let (log, _) = changes_after(store, Cursor::default(), 10);
        assert_eq!(log.len(), 1);
    });
}

#[test]
fn expectations_are_checked() {
    for_each_store(|store| {
        let check = |expected, expected_answer: Result<(), Option<Revision>>| {
            let answer = append(store, vec![expecting(expected, put("a", "x"))]);
            assert_eq!(
                answer.map(drop),
                expected_answer.map_err(|found| Conflict { at: 0, found })
            );
        };
        check(Expected::At(Revision(1)), Err(None));
        check(Expected::Absent, Ok(()));
        check(Expected::Absent, Err(Some(Revision(1))));
        check(Expected::At(Revision(1)), Ok(()));
        check(Expected::At(Revision(1)), Err(Some(Revision(2))));
        check(Expected::Any, Ok(()));
        let withdrawal = |expected| append(store, vec![expecting(expected, withdraw("a"))]);
        let found = Some(Revision(3));
        assert_eq!(withdrawal(Expected::At(Revision(2))), Err(Conflict { at: 0, found }));
        assert_eq!(withdrawal(Expected::At(Revision(3))), Ok(vec![Revision(4)]));
        check(Expected::At(Revision(4)), Err(None));
        check(Expected::Absent, Ok(()));
    });
}

#[test]
fn a_batch_sees_those_before_it() {
    for_each_store(|store| {
        let first = || expecting(Expected::Absent, put("a", "1"));
        let answers =
            store.append(vec![vec![first()], vec![first()], vec![withdraw("a")], vec![first()]]);
        let found: Vec<bool> = answers.unwrap().iter().map(Result::is_ok).collect();
        assert_eq!(found, [true, false, true, true]);
        assert_eq!(get(store, &id("a")).unwrap().revision, Revision(3));
    });
}

#[test]
fn scans_go_by_id_within_a_kind() {
    for_each_store(|store| {
        let names = ["", "a", "a\0", "a0", "aa", "b", "政策", "文", "文件"];
        let mut batch: Batch = names.iter().rev().map(|name| put(name, name)).collect();
        for kind in ["polic", "policyx", "policy ", "_policy"] {
            let id = RecordId::new(kind, "other");
            batch.push(Write { id, expected: Expected::Any, body: Some(b"{}".to_vec()) });
        }
        append(store, batch).unwrap();
        let ids = |records: Vec<StoredRecord>| -> Vec<String> {
            records.iter().map(|record| record.id.id.to_string()).collect()
        };
        let mut sorted = names;
        sorted.sort();
        assert_eq!(ids(scan_all(store, "policy")), sorted);
        for limit in 1..=names.len() + 1 {
            let mut paged = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = ids(store.scan("policy", after.as_deref(), limit).unwrap());
                assert!(page.len() <= limit);
                let Some(last) = page.last() else { break };
                after = Some(last.clone());
                paged.extend(page);
            }
            assert_eq!(paged, sorted);
        }
        // The id that is asked for need not be there.
        assert_eq!(ids(store.scan("policy", Some("a1"), 1).unwrap()), ["aa"]);
        assert_eq!(ids(store.scan("policy", None, 0).unwrap()), [""; 0]);
        assert_eq!(ids(scan_all(store, "policyx")), ["other"]);
        assert_eq!(ids(scan_all(store, "none")), [""; 0]);
    });
}

#[test]
fn the_log_tells_every_change_in_order() {
    for_each_store(|store| {
        append(store, vec![put("a", "1"), put("b", "1"), put("c", "1")]).unwrap();
        write(store, withdraw("b"));
        write(store, put("a", "2"));
        let (changes, cursor) = changes_after(store, Cursor::default(), 2);
        let told: Vec<(u64, &str, Option<&[u8]>)> = changes
            .iter()
            .map(|change| match change {
                Change::Put(record) => (record.revision.0, &*record.id.id, Some(&record.json[..])),
                Change::Withdraw { id, revision } => (revision.0, &*id.id, None),
            })
            .collect();
        let one = Some(&b"1"[..]);
        let expected =
            [(1, "a", one), (2, "b", one), (3, "c", one), (4, "b", None), (5, "a", Some(b"2"))];
        assert_eq!(told, expected);

        let (none, same) = store.changes(&cursor, 10).unwrap();
        assert_eq!((none, &same), (vec![], &cursor));
        let revision = write(store, withdraw("c"));
        let (more, _) = store.changes(&cursor, 10).unwrap();
        assert_eq!(more, [Change::Withdraw { id: id("c"), revision }]);
        assert_eq!(store.changes(&cursor, 0).unwrap(), (vec![], cursor));
    });
}

#[test]
fn a_reader_of_the_log_ends_at_the_state() {
    for_each_store(|store| {
        let mut known = BTreeMap::new();
        let mut cursor = Cursor::default();
        for round in 0_usize..30 {
            for nth in 0..20 {
                let name = format!("p{}", (round * 7 + nth * 3) % 50);
                match (round + nth) % 5 {
                    0 => write(store, withdraw(&name)),
                    _ => write(store, put(&name, format!("{round}.{nth} {}", "x".repeat(nth * 9)))),
                };
            }
            if round % 7 == 0 {
                let (changes, next) = changes_after(store, cursor, 1 + round);
                for change in changes {
                    match change {
                        Change::Put(record) => drop(known.insert(record.id.clone(), record)),
                        Change::Withdraw { id, .. } => drop(known.remove(&id)),
                    }
                }
                cursor = next;
                let state: Vec<_> = known.values().cloned().collect();
                assert_eq!(state, scan_all(store, "policy"));
            }
        }
        let (log, _) = changes_after(store, Cursor::default(), 37);
        assert!(log.windows(2).all(|pair| pair[0].revision() < pair[1].revision()));
        let state: Vec<_> = replay(log).into_values().collect();
        assert_eq!(state, scan_all(store, "policy"));
    });
}

#[test]
fn many_writers_do_not_lose_or_repeat_a_revision() {
    const NUM_WRITERS: usize = 8;
    const NUM_WRITES: usize = 150;
    for_each_store(|store| {
        let is_done = AtomicBool::new(false);
        let (revisions, followed) = std::thread::scope(|scope| {
            let follower = scope.spawn(|| {
                let mut followed = Vec::new();
                let mut cursor = Cursor::default();
                loop {
                    // Before the read, so that the last round sees everything.
                    let is_last = is_done.load(Ordering::Acquire);
                    let (changes, next) = changes_after(store, cursor, 100);
                    followed.extend(changes);
                    cursor = next;
                    if is_last {
                        return followed;
                    }
                }
            });
            let writers: Vec<_> = (0..NUM_WRITERS)
                .map(|writer| {
                    scope.spawn(move || {
                        let mut revisions = Vec::new();
                        for nth in 0..NUM_WRITES {
                            let own = put(&format!("{writer}-{nth}"), format!("{nth}"));
                            let batch = vec![own, put("hot", format!("{writer}-{nth}"))];
                            revisions.extend(append(store, batch).unwrap());
                        }
                        assert!(revisions.is_sorted());
                        revisions
                    })
                })
                .collect();
            let revisions: Vec<_> =
                writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
            is_done.store(true, Ordering::Release);
            (revisions, follower.join().unwrap())
        });
        let last = (NUM_WRITERS * NUM_WRITES * 2) as u64;
        let distinct: BTreeSet<_> = revisions.iter().collect();
        assert_eq!((revisions.len(), distinct.len()), (last as usize, last as usize));
        assert_eq!(store.head(), Revision(last));
        assert!(followed.windows(2).all(|pair| pair[0].revision() < pair[1].revision()));
        let state: Vec<_> = replay(followed).into_values().collect();
        assert_eq!(state, scan_all(store, "policy"));
        assert_eq!(state.len(), NUM_WRITERS * NUM_WRITES + 1);
        assert_eq!(store.verify().unwrap(), [""; 0]);
    });
}

#[test]
fn of_writers_with_the_same_expectation_one_wins() {
    for_each_store(|store| {
        for round in 0..20 {
            let name = format!("p{round}");
            let num_won = std::thread::scope(|scope| {
                let write = || append(store, vec![expecting(Expected::Absent, put(&name, "x"))]);
                let writers: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
                let answers = writers.into_iter().map(|writer| writer.join().unwrap());
                answers.filter(Result::is_ok).count()
            });
            assert_eq!(num_won, 1);
        }
    });
}

#[test]
fn a_long_call_is_answered_in_order() {
    for_each_store(|store| {
        let batches = (0..10_000).map(|nth| vec![put(&format!("p{nth}"), "{}")]).collect();
        let answers = store.append(batches).unwrap();
        let revisions: Vec<_> = answers.into_iter().flat_map(Result::unwrap).collect();
        assert!(revisions.into_iter().eq((1..=10_000).map(Revision)));
        let (log, _) = changes_after(store, Cursor::default(), 3000);
        assert_eq!(log.len(), 10_000);
    });
}

#[test]
fn a_reopened_store_is_the_same() {
    for backend in backends() {
        let store = backend.open();
        for nth in 0..200 {
            write(&*store, put(&format!("p{}", nth % 60), format!("{nth}")));
            if nth % 9 == 0 {
                write(&*store, withdraw(&format!("p{}", nth % 50)));
            }
        }
        let before = (scan_all(&*store, "policy"), store.head());
        let (_, cursor) = store.changes(&Cursor::default(), 5).unwrap();
        let (rest, _) = changes_after(&*store, cursor.clone(), 50);
        drop(store);
        let store = backend.open();
        assert_eq!((scan_all(&*store, "policy"), store.head()), before);
        // A cursor outlives the process, though changes may have been left out since.
        let (rest_after, _) = changes_after(&*store, cursor, 50);
        assert!(rest_after.iter().all(|change| rest.contains(change)));
        assert_eq!(rest_after.last(), rest.last());
        assert_eq!(write(&*store, put("next", "{}")), Revision(before.1.0 + 1));
        assert_eq!(store.verify().unwrap(), [""; 0]);
    }
}

#[test]
fn kinds_of_the_service_are_kept_alike() {
    for backend in backends() {
        let store = backend.open();
        let key = RecordId::new("_key", "kc_1");
        let revision = write(
            &*store,
            Write { id: key.clone(), expected: Expected::Absent, body: Some(b"{}".to_vec()) },
        );
        let kept = StoredRecord { id: key.clone(), revision, json: b"{}".to_vec() };
        assert_eq!(scan_all(&*store, "_key"), std::slice::from_ref(&kept));
        assert_eq!(store.changes(&Cursor::default(), 9).unwrap().0, [Change::Put(kept.clone())]);
        drop(store);
        assert_eq!(get(&*backend.open(), &key), Some(kept));
    }
}

#[test]
fn bodies_are_bytes_of_any_value_and_length() {
    for backend in backends() {
        let bodies = [
            Vec::new(),
            vec![0],
            (0..=255).cycle().take(70_000).collect::<Vec<u8>>(),
            vec![0xff; 1 << 20],
            (0..1 << 20).map(|nth: u32| (nth.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
        ];
        let store = backend.open();
        for (nth, body) in bodies.iter().enumerate() {
            write(&*store, put(&nth.to_string(), body));
        }
        let check = |store: &dyn Store| {
            let found: Vec<_> =
                scan_all(store, "policy").into_iter().map(|record| record.json).collect();
            assert!(found == bodies);
            let (log, _) = changes_after(store, Cursor::default(), 2);
            let told = replay(log).into_values().map(|record| record.json).collect::<Vec<_>>();
            assert!(told == bodies);
        };
        check(&*store);
        drop(store);
        check(&*backend.open());
    }
}

#[test]
fn a_waiting_reader_is_woken() {
    for_each_store(|store| {
        let started = Instant::now();
        store.wait_for_changes(store.head(), Duration::from_millis(30));
        assert!(started.elapsed() >= Duration::from_millis(30));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let started = Instant::now();
                store.wait_for_changes(Revision(0), Duration::from_secs(60));
                assert!(started.elapsed() < Duration::from_secs(30) && store.head() > Revision(0));
            });
            std::thread::sleep(Duration::from_millis(20));
            write(store, put("a", "{}"));
            waiting.join().unwrap();
        });
        // What has been written is not waited for.
        store.wait_for_changes(Revision(0), Duration::from_secs(60));
    });
}
