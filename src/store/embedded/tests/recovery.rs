use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{aside, assert_sound, damage, files, fill, log, open, put, small, state, write};
use crate::record::{RecordId, Revision};
use crate::store::embedded::{EmbeddedOptions, EmbeddedStore};
use crate::store::{Cursor, Store, StoreError};

fn segments(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("journal"))
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("checkpoint"))
}

/// Fills a store and leaves no checkpoint behind.
fn filled(dir: &Path, num_writes: usize) -> super::State {
    let store = open(dir);
    fill(&store, num_writes);
    let state = state(&store);
    drop(store);
    checkpoints(dir).iter().for_each(|path| fs::remove_file(path).unwrap());
    state
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn corruption(dir: &Path) -> String {
    match EmbeddedStore::open(dir, small()) {
        Err(StoreError::Corrupt(text)) => text,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("the damage was not seen"),
    }
}

#[test]
fn reopening_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 60);
    assert!(segments(dir.path()).len() > 3);
    for _ in 0..2 {
        let store = open(dir.path());
        assert_eq!(state(&store), before);
        assert_sound(&store);
    }
    assert_eq!(aside(dir.path()), Vec::<String>::new());
}

#[test]
fn a_torn_end_is_cut_off_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 10);
    let last = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    for torn in [&[9][..], &[40, 0, 0, 0, 1, 2, 3, 4, 1, 1], &[0; 5000], &[255; 300]] {
        append(&last, torn);
        let store = open(dir.path());
        assert_eq!(fs::read(&last).unwrap(), whole);
        assert_eq!(state(&store), before);
    }
    // The zeros tell nothing.
    assert_eq!(aside(dir.path()).len(), 3);
    let store = open(dir.path());
    let head = store.head();
    assert_eq!(write(&store, vec![put("next", "{}")]), Revision(head.0 + 1));
    assert_sound(&store);
}

#[test]
fn damage_within_the_last_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { segment_bytes: 1 << 20, ..small() };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    fill(&store, 3);
    drop(store);
    let last = segments(dir.path()).pop().unwrap();
    // Into the first of its frames.
    damage(&last, 40);
    let text = corruption(dir.path());
    assert!(text.contains(&format!("{} at byte 24", last.display())), "{text}");
    assert!(text.contains("a whole frame follows"), "{text}");
}

#[test]
fn damage_within_an_earlier_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 60);
    // An earlier segment is read when sled is made anew, and by `verify`.
    let earlier = segments(dir.path())[1].clone();
    damage(&earlier, 50);
    let store = open(dir.path());
    let problems = store.verify().unwrap();
    assert!(problems[0].contains(&earlier.display().to_string()), "{problems:?}");
    drop(store);
    checkpoints(dir.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let text = corruption(dir.path());
    assert!(text.contains(&earlier.display().to_string()), "{text}");
}

#[test]
fn a_missing_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    segments(dir.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
    assert!(corruption(dir.path()).contains("Put the journal back"));
}

#[test]
fn sled_is_made_anew_when_missing() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 80);
    for with_checkpoint in [false, true] {
        fs::remove_dir_all(dir.path().join("sled")).unwrap();
        let store = open(dir.path());
        assert_eq!(state(&store), before);
        assert_sound(&store);
        if !with_checkpoint {
            store.checkpoint().unwrap();
        }
    }
    assert_eq!(checkpoints(dir.path()).len(), 1);
}

/// sled itself takes some damage for the end of its log; then it is behind, or empty, and catches up.
#[test]
fn damage_to_any_file_of_sled_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 80);
    let mut num_aside = 0;
    for round in 0..10 {
        let mut names: Vec<_> = files(&dir.path().join("sled"));
        names.retain(|path| path.is_file() && fs::metadata(path).unwrap().len() > 0);
        assert!(names.len() >= 2, "{names:?}");
        for path in names {
            let bytes = fs::read(&path).unwrap();
            let used: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
            // One place in the part in use, then ever more.
            for at in used.iter().skip(round).step_by(1 + used.len() / (1 << round)) {
                damage(&path, *at);
            }
            let store = open(dir.path());
            assert_eq!(state(&store), before, "damage to {} in round {round}", path.display());
            assert_sound(&store);
            drop(store);
            num_aside += aside(dir.path()).iter().filter(|name| *name == "sled").count();
            let _ = fs::remove_dir_all(dir.path().join("aside"));
            if !path.exists() {
                break;
            }
        }
    }
    assert!(num_aside > 0, "no damage was noticed");
}

#[test]
fn sled_of_another_state_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 30);
    // An entry that was lost, one that is stale, one that nobody wrote.
    let changes: [fn(&sled::Db); 3] = [
        |db| drop(db.remove(b"policy\0p1").unwrap().expect("p1 is there")),
        |db| {
            let value = db.get(b"policy\0p1").unwrap().expect("p1 is there");
            db.insert(b"policy\0p2", value).unwrap();
        },
        |db| drop(db.insert(b"policy\0p99", b"?").unwrap()),
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        let db = sled::open(dir.path().join("sled")).unwrap();
        change(&db);
        db.flush().unwrap();
        drop(db);
        let store = open(dir.path());
        assert_eq!(state(&store), before);
        assert_sound(&store);
        assert_eq!(aside(dir.path()).len(), nth + 1);
    }
}

#[test]
fn sled_ahead_of_the_journal_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = || EmbeddedOptions { segment_bytes: 1 << 20, ..small() };
    let store = EmbeddedStore::open(dir.path(), options()).unwrap();
    write(&store, vec![put("a", "1")]);
    let before = state(&store);
    let journal = segments(dir.path()).pop().unwrap();
    let len = fs::metadata(&journal).unwrap().len();
    write(&store, vec![put("a", "2"), put("b", "1")]);
    drop(store);
    checkpoints(dir.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
    OpenOptions::new().write(true).open(&journal).unwrap().set_len(len).unwrap();
    let store = open(dir.path());
    assert_eq!((state(&store), store.head()), (before, Revision(1)));
    assert_eq!(aside(dir.path()), ["sled"]);
}

#[test]
fn sled_behind_the_journal_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    let old = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        let status = std::process::Command::new("cp").arg("-r").args([from, to]).status();
        assert!(status.unwrap().success());
    };
    copy(&dir.path().join("sled"), &old.path().join("sled"));
    let store = open(dir.path());
    fill(&store, 30);
    let before = state(&store);
    drop(store);
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    copy(&old.path().join("sled"), &dir.path().join("sled"));
    let store = open(dir.path());
    assert_eq!(state(&store), before);
    assert_sound(&store);
    assert_eq!(aside(dir.path()), Vec::<String>::new());
}

#[test]
fn a_half_written_snapshot_of_sled_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    let before = filled(dir.path(), 20);
    fs::write(dir.path().join("sled").join("snap.0000000000000042.generating"), "half").unwrap();
    fs::write(dir.path().join("journal").join("00000000000000000099.tmp"), "half").unwrap();
    assert_eq!(state(&open(dir.path())), before);
    assert_eq!(aside(dir.path()), ["snap.0000000000000042.generating"]);
}

#[test]
fn a_checkpoint_takes_the_place_of_old_segments() {
    let dir = tempfile::tempdir().unwrap();
    let options = || EmbeddedOptions { retention: Duration::ZERO, ..small() };
    let store = EmbeddedStore::open(dir.path(), options()).unwrap();
    fill(&store, 40);
    let internal = RecordId::new("_key", "k");
    for body in [Some(b"{}".to_vec()), None] {
        let expected = crate::store::Expected::Any;
        write(&store, vec![crate::store::Write { id: internal.clone(), expected, body }]);
    }
    let whole_log = log(&store, 7);
    let num_segments = segments(dir.path()).len();
    store.checkpoint().unwrap();
    assert_eq!((segments(dir.path()).len(), checkpoints(dir.path()).len()), (1, 1));
    assert!(num_segments > 3);

    // The latest change of each record is still told, in order, whatever the page.
    fill(&store, 5);
    for limit in [1, 2, 3, 1000] {
        let short_log = log(&store, limit);
        assert!(short_log.len() < whole_log.len());
        assert!(short_log.windows(2).all(|pair| pair[0].revision() < pair[1].revision()));
        assert_eq!(super::replay(&short_log), state(&store));
    }
    // Also to a reader that knew records which were withdrawn since.
    let cursor = Cursor(whole_log[19].revision().to_string());
    let (later, _) = store.changes(&cursor, 1000).unwrap();
    assert_eq!(super::replay(&[&whole_log[..20], &later].concat()), state(&store));

    let before = state(&store);
    drop(store);
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let store = EmbeddedStore::open(dir.path(), options()).unwrap();
    assert_eq!(state(&store), before);
    assert_eq!(store.get(&internal).unwrap(), None);
    assert_sound(&store);
    fill(&store, 30);
    store.checkpoint().unwrap();
    assert_eq!((segments(dir.path()).len(), checkpoints(dir.path()).len()), (1, 1));
    assert_sound(&store);
}

#[test]
fn segments_within_the_retention_time_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for _ in 0..4 {
        fill(&store, 20);
        store.checkpoint().unwrap();
    }
    assert!(segments(dir.path()).len() > 8);
    assert!(segments(dir.path())[0].ends_with("00000000000000000001.log"));
    // The oldest and the newest; those between serve nobody.
    assert_eq!(checkpoints(dir.path()).len(), 2);
    assert_sound(&store);
}

#[test]
fn a_damaged_checkpoint_is_moved_aside_when_needed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    fill(&store, 20);
    store.checkpoint().unwrap();
    fill(&store, 20);
    store.checkpoint().unwrap();
    let before = state(&store);
    drop(store);
    let newest = checkpoints(dir.path()).pop().unwrap();
    damage(&newest, 70);
    let store = open(dir.path());
    assert!(store.verify().unwrap()[0].contains(&newest.display().to_string()));
    drop(store);
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let store = open(dir.path());
    assert_eq!(state(&store), before);
    assert_eq!(aside(dir.path()).len(), 1);
    assert_sound(&store);
}

#[test]
fn checkpoints_are_written_when_due() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { checkpoint_bytes: 2_000, ..small() };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    fill(&store, 100);
    for _ in 0..200 {
        if !checkpoints(dir.path()).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!checkpoints(dir.path()).is_empty());
    let before = state(&store);
    store.close().unwrap();
    // The latest one and what the journal has behind it are everything.
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    assert_eq!(state(&open(dir.path())), before);
}

#[test]
fn verify_names_a_record_that_sled_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    fill(&store, 10);
    store.shared.view.forget(&RecordId::new("policy", "p1"));
    assert_eq!(store.verify().unwrap(), ["sled: 1 records are missing; a restart makes it anew"]);
}

#[test]
fn a_tailing_reader_follows_through_segments() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut cursor = Cursor::default();
    let mut followed = Vec::new();
    for nth in 0..50 {
        write(&store, vec![put("a", &nth.to_string()), put("b", "文".repeat(nth).as_str())]);
        let (changes, next) = store.changes(&cursor, 1 + nth % 3).unwrap();
        followed.extend(changes);
        cursor = next;
    }
    let (changes, _) = store.changes(&cursor, 1000).unwrap();
    followed.extend(changes);
    assert_eq!(followed, log(&store, 1000));
    assert_eq!(followed.len(), 100);
}
