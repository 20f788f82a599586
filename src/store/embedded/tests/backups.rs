use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{assert_sound, damage, fill, log, open, put, replay, small, state, write};
use crate::record::Revision;
use crate::store::embedded::{EmbeddedOptions, EmbeddedStore, History, backup, restore};
use crate::store::{Store, StoreError};

#[test]
fn a_restored_store_is_the_same() {
    for retention in [Duration::ZERO, Duration::from_secs(3600)] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("all.backup");
        let options = EmbeddedOptions { retention, ..small() };
        let store = EmbeddedStore::open(&dir.path().join("a"), options).unwrap();
        fill(&store, 40);
        store.checkpoint().unwrap();
        fill(&store, 15);

        let report = backup(&dir.path().join("a"), &file, History::All).unwrap();
        let restored = restore(&file, &dir.path().join("b"), None).unwrap();
        assert_eq!((report.last, restored.revision), (store.head(), store.head()));
        assert_eq!(report.first.0 == 0, !retention.is_zero());
        assert_eq!(report.num_bytes, fs::metadata(&file).unwrap().len());
        let counts = (report.num_puts, report.num_withdrawals);
        assert_eq!(counts, (restored.num_puts, restored.num_withdrawals));

        let copy = open(&dir.path().join("b"));
        assert_eq!(copy.head(), store.head());
        assert_eq!(state(&copy), state(&store));
        assert_eq!(log(&copy, 1000).len() as u64, counts.0 + counts.1);
        assert_sound(&copy);
        assert_eq!(write(&copy, vec![put("more", "{}")]), Revision(store.head().0 + 1));
    }
}

#[test]
fn any_revision_can_be_restored() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.backup");
    let store = open(&dir.path().join("a"));
    fill(&store, 25);
    backup(&dir.path().join("a"), &file, History::All).unwrap();
    let log = log(&store, 1000);
    for until in 0..=store.head().0 {
        let to = dir.path().join(until.to_string());
        let report = restore(&file, &to, Some(Revision(until))).unwrap();
        // Batches are whole: the one that writes two records is in or out.
        assert!((until - 1.min(until)..=until).contains(&report.revision.0));
        let expected = replay(&log[..report.revision.0 as usize]);
        let copy = open(&to);
        assert_eq!((copy.head(), state(&copy)), (report.revision, expected));
    }
    let error = restore(&file, &dir.path().join("x"), Some(Revision(999))).unwrap_err();
    assert!(error.to_string().contains("reaches from revision 0 to 28, not 999"), "{error}");
    assert!(!dir.path().join("x").exists());
}

#[test]
fn a_backup_beside_writers_is_a_state_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { retention: Duration::ZERO, segment_bytes: 20_000, ..small() };
    let store = EmbeddedStore::open(&dir.path().join("a"), options).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fill(&store, 20);
                store.checkpoint().unwrap();
            }
        });
        for nth in 0..5 {
            let file = dir.path().join(format!("{nth}.backup"));
            let acknowledged = store.head();
            let report = backup(&dir.path().join("a"), &file, History::All).unwrap();
            assert!(report.last >= acknowledged);
            let to = dir.path().join(format!("copy-{nth}"));
            restore(&file, &to, None).unwrap();
            let copy = open(&to);
            assert_eq!(copy.head(), report.last);
            assert_sound(&copy);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.backup");
    let store = open(&dir.path().join("a"));
    fill(&store, 5);
    backup(&dir.path().join("a"), &file, History::All).unwrap();
    let StoreError::Io { source, .. } =
        backup(&dir.path().join("a"), &file, History::All).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::AlreadyExists);
    let error = restore(&file, &dir.path().join("a"), None).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    let error = backup(&dir.path().join("none"), &dir.path().join("b"), History::All).unwrap_err();
    assert!(matches!(error, StoreError::Foreign(_)), "{error}");
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.backup");
    let store = open(&dir.path().join("a"));
    fill(&store, 12);
    backup(&dir.path().join("a"), &file, History::All).unwrap();
    let whole = fs::read(&file).unwrap();
    let to = dir.path().join("b");
    let check = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let StoreError::Corrupt(text) = restore(&file, &to, None).unwrap_err() else {
            panic!("another error");
        };
        assert!(text.contains("cannot be used") && text.contains("all.backup at byte"), "{text}");
        assert!(!to.exists());
    };
    for at in (0..whole.len()).step_by(13) {
        check(&whole[..at]);
        fs::write(&file, &whole).unwrap();
        damage(&file, at);
        check(&fs::read(&file).unwrap());
    }
    check(&[&whole[..], b"more"].concat());
}

#[test]
fn what_is_damaged_before_a_checkpoint_can_be_left_behind() {
    let (parent, options) = (tempfile::tempdir().unwrap(), EmbeddedOptions::default());
    let (dir, file) = (parent.path().join("a"), parent.path().join("a.backup"));
    let store = EmbeddedStore::open(&dir, options.clone()).unwrap();
    fill(&store, 20);
    store.checkpoint().unwrap();
    let covered = store.head();
    let journal = dir.join("journal/00000000000000000001.log");
    let behind = fs::metadata(&journal).unwrap().len() as usize;
    fill(&store, 10);
    let (before, head) = (state(&store), store.head());
    drop(store);
    fs::remove_file(dir.join(format!("checkpoint/{:020}.ckpt", head.0))).unwrap_or_default();
    let whole = fs::read(&journal).unwrap();

    // The length, the checksum and the body of the first frame, and a frame in the middle.
    for (nth, at) in [24, 28, 40, behind / 2].into_iter().enumerate() {
        fs::write(&journal, &whole).unwrap();
        damage(&journal, at);
        let Err(StoreError::Corrupt(text)) = EmbeddedStore::open(&dir, options.clone()) else {
            panic!("a damaged journal is refused");
        };
        for part in ["at byte", "--since-checkpoint", &format!("up to revision {covered}"), ".ckpt"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(matches!(backup(&dir, &file, History::All), Err(StoreError::Corrupt(_))), "{at}");
        let report = backup(&dir, &file, History::SinceCheckpoint).unwrap();
        assert_eq!((report.first, report.last), (covered, head), "{at}");
        let to = parent.path().join(nth.to_string());
        restore(&file, &to, None).unwrap();
        let copy = open(&to);
        assert_eq!((copy.head(), state(&copy)), (head, before.clone()), "{at}");
        fs::remove_file(&file).unwrap();
    }

    // Damage behind the checkpoint is never passed over in silence.
    fs::write(&journal, &whole).unwrap();
    damage(&journal, behind + 30);
    for history in [History::All, History::SinceCheckpoint] {
        assert!(matches!(backup(&dir, &file, history), Err(StoreError::Corrupt(_))), "{history:?}");
        assert!(!file.exists());
    }
}
