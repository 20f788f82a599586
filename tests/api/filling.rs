//! An index that does not hold everything, or is damaged: nothing is answered from it, and it comes back by itself.

use std::path::Path;

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::record::RecordId;
use kechuang::store::embedded::{History, backup, restore};
use kechuang::store::{Expected, Write};
use serde_json::json;

use crate::{TestServer, sample};

/// A data folder with the sample in it, and a whole index.
async fn filled() -> tempfile::TempDir {
    let server = TestServer::new();
    server.fill(&sample()).await;
    server.close()
}

fn index(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("data/index")
}

#[tokio::test]
async fn an_index_that_is_being_filled_is_not_asked() {
    let dir = filled().await;
    std::fs::remove_dir_all(index(&dir)).unwrap();
    let server = TestServer::open(dir, false, |_| {});
    for path in [
        "/v1/search",
        "/v1/search?q=%E4%BC%A0%E6%84%9F%E5%99%A8",
        "/v1/search?q=%22x%22&facets=division_code",
        "/v1/suggest?q=hai",
        "/v1/records/demand/d-1/similar",
        "/v1/records/demand/d-1/matches?to=achievement",
        "/v1/gaps?from=demand&to=expert",
        "/readyz",
    ] {
        let answer = server.get(path).await;
        answer.is_problem(503, "not_ready");
        assert_ne!(answer.header("retry-after"), "", "{path}");
    }
    for (path, body) in [
        ("/v1/search", json!({ "q": "x" })),
        (
            "/v1/match",
            json!({ "record": { "kind": "demand", "title": "传感器" }, "to": "achievement" }),
        ),
        ("/v1/applicability", json!({ "profile": {}, "filter": "level = municipal" })),
    ] {
        let answer = server.call("POST", path).json(&body).send().await;
        answer.is_problem(503, "not_ready");
    }
    for path in ["/indexes/demand/search?q=x", "/indexes/demand/documents", "/stats"] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (503, Some("not_ready")),
            "{path}"
        );
        assert_ne!(answer.header("retry-after"), "", "{path}");
    }
    let days = server.app.suggest.days(server.app.clock.today(), 1);
    assert_eq!((days[0].searches, days[0].none), (0, 0), "nothing was searched, nothing missed");

    // What does not need the index goes on.
    assert_eq!(server.get("/v1/records/demand/d-1").await.status, 200);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/v1/search?limit=0").await.status, 400);
    let written = server.put("demand", "d-new", json!({ "title": "新的需求" })).await;
    assert_eq!(written.status, 201, "{}", written.text());

    server.app.catch_up(&mut |_| {}).unwrap();
    assert_eq!(server.search(&[]).await["total"], sample().len() + 1);
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn what_is_written_meanwhile_does_not_hold_up_an_index_that_is_whole() {
    let server = TestServer::open(filled().await, false, |_| {});
    assert_eq!(server.put("demand", "d-new", json!({ "title": "新的需求" })).await.status, 201);
    assert_eq!(server.search(&[]).await["total"], sample().len());
}

/// A checkpoint leaves out that something of the service's own was withdrawn, though it was the last change.
#[tokio::test]
async fn an_index_is_whole_although_the_last_change_is_in_no_checkpoint() {
    let server = TestServer::new();
    server.fill(&sample()).await;
    for body in [Some(b"{}".to_vec()), None] {
        let write = Write { id: RecordId::new("_note", "x"), expected: Expected::Any, body };
        server.app.store.append(vec![vec![write]]).unwrap();
    }
    let dir = server.close();
    let (file, data) = (dir.path().join("file"), dir.path().join("restored"));
    backup(&dir.path().join("data"), &file, History::SinceCheckpoint).unwrap();
    restore(&file, &data, None).unwrap();
    let app = App::open(&Config { data, ..Config::default() }).unwrap();
    app.catch_up(&mut |_| {}).unwrap();
    assert_eq!(app.engine.num_records().unwrap(), sample().len() as u64);
}

/// Turns a bit in the middle of every file with that extension; tells how many there were.
fn damage(dir: &Path, extension: &str) -> usize {
    let mut damaged = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damaged += damage(&path, extension);
        } else if path.extension().is_some_and(|found| found == extension) {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 3;
            bytes[middle] ^= 0x10;
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    damaged
}

#[tokio::test]
async fn a_damaged_index_is_moved_aside_and_made_anew() {
    let server = TestServer::new();
    server.fill(&sample()).await;
    let query = [("q", "传感器"), ("facets", "division_code")];
    let before = server.search(&query).await;
    let mut dir = server.close();
    for extension in ["fast", "idx", "pos", "term", "store"] {
        assert!(damage(&index(&dir), extension) > 0, "{extension}");
        let server = TestServer::open(dir, true, |_| {});
        server.caught_up().await;
        let found = server.search(&query).await;
        for member in ["total", "facets", "items"] {
            assert_eq!(found[member], before[member], "{extension}");
        }
        assert_eq!(server.search(&[]).await["total"], sample().len());
        dir = server.close();
        let is_aside = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            name.contains(".unreadable-").then_some(path)
        };
        let aside: Vec<_> = std::fs::read_dir(index(&dir)).unwrap().filter_map(is_aside).collect();
        assert_eq!(aside.len(), 1, "{extension}: kept, not deleted");
        std::fs::remove_dir_all(&aside[0]).unwrap();
    }
}
