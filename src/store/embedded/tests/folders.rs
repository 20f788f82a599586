use std::fs;
use std::process::Command;

use super::{open, put, small, state, write};
use crate::record::RecordId;
use crate::store::embedded::EmbeddedStore;
use crate::store::{Cursor, Store, StoreError, Write};

fn refusal(dir: &std::path::Path) -> StoreError {
    EmbeddedStore::open(dir, small()).err().expect("the folder is refused")
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.doc"), "年度报告").unwrap();
    let StoreError::Foreign(text) = refusal(dir.path()) else { panic!("not foreign") };
    assert!(text.contains("thesis.doc") && text.contains("Choose an empty folder"), "{text}");
    assert_eq!(super::files(dir.path()).len(), 1);
}

#[test]
fn a_format_of_something_else_is_refused() {
    let check = |format: &[u8], expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("FORMAT"), format).unwrap();
        let StoreError::Foreign(text) = refusal(dir.path()) else { panic!("not foreign") };
        assert!(text.contains(expected), "{text}");
        assert_eq!(super::files(dir.path()).len(), 1);
    };
    check(b"kechuang store\nversion 2\n", "format is version 2 and this program reads version 1");
    check(b"kechuang store\nversion 2\n", "Run the newer kechuang");
    check(b"", "Choose an empty folder");
    check(b"RIFF\xff\xfe", "not text");
}

#[test]
fn an_empty_folder_and_a_mount_point_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    let store = open(dir.path());
    write(&store, vec![put("a", "{}")]);
    assert_eq!(state(&store).len(), 1);
    let format = fs::read_to_string(dir.path().join("FORMAT")).unwrap();
    assert_eq!(format, "kechuang store\nversion 1\n");
}

#[test]
fn the_folder_is_held_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let StoreError::InUse(text) = refusal(dir.path()) else { panic!("not in use") };
    assert!(text.contains(&dir.path().display().to_string()), "{text}");
    drop(store);
    open(dir.path());
}

/// Runs in a child of the test below.
#[test]
fn second_process() {
    let Some(dir) = std::env::var_os("KECHUANG_SECOND_PROCESS") else { return };
    let StoreError::InUse(text) = refusal(dir.as_ref()) else { panic!("not in use") };
    println!("refused: {text}");
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(dir.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["store::embedded::tests::folders::second_process", "--exact", "--nocapture"])
        .env("KECHUANG_SECOND_PROCESS", dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let expected = format!(
        "the data folder {} is in use by another process (process {})",
        dir.path().display(),
        std::process::id()
    );
    assert!(output.status.success() && text.contains(&expected), "{text}");
}

#[test]
fn the_ballast_is_there_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let options = super::EmbeddedOptions { ballast_bytes: 3_000_000, ..small() };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    assert_eq!(fs::metadata(dir.path().join("BALLAST")).unwrap().len(), 3_000_000);
    drop(store);
}

#[test]
fn what_the_journal_cannot_hold_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let check = |batch: Vec<Write>, expected: &str| {
        let error = store.append(vec![vec![put("fine", "{}")], batch]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(state(&store).is_empty());
    };
    let of_kind = |kind: &str| Write { id: RecordId::new(kind, "a"), ..put("a", "{}") };
    check(vec![of_kind("")], r#""" is no name of a kind"#);
    check(vec![of_kind("a\0b")], r#""a\0b" is no name of a kind"#);
    let long = || Write { body: Some(vec![0; 31 << 20]), ..put("a", "") };
    check(vec![long(), long()], "62914560 are the most");
    write(&store, vec![long()]);
    drop(store);
    assert_eq!(state(&open(dir.path())).len(), 1);
}

#[test]
fn a_cursor_of_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let error = store.changes(&Cursor("(7,1)".to_owned()), 1).unwrap_err();
    assert_eq!(error.to_string(), r#"the cursor "(7,1)" is not one of this store"#);
}
