//! What holds whatever is written, asked or changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::body::Body;
use kechuang::config::Config;
use kechuang::presentation::snippet::Highlighter;
use kechuang::query::{Query, TokenField};
use kechuang::text::Analyzer;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::ranked::plain;
use super::{Server, encode, hold, ids, records};

/// A configuration with dictionaries of its own, which may change, and their folder.
fn own_dictionaries(folder: &Path) -> (Config, PathBuf) {
    let dictionaries = folder.join("dictionaries");
    std::fs::create_dir(&dictionaries).expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries");
    for file in std::fs::read_dir(shipped).expect("dictionaries").flatten() {
        std::fs::copy(file.path(), dictionaries.join(file.file_name())).expect("copied");
    }
    let config = Config {
        data: folder.join("data"),
        dictionaries: Some(dictionaries.clone()),
        ..Config::default()
    };
    (config, dictionaries)
}

/// 31: a word that is added while the service runs is one unit for the next query, and costs no record that was there
/// before it, neither while the records are cut again nor afterwards; without it everything is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_is_added_loses_no_record() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (config, dictionaries) = own_dictionaries(folder.path());
    let file = dictionaries.join("words.txt");
    let shipped = std::fs::read_to_string(&file).expect("words");
    let server = Server::open(&config);
    let (analyzer, engine) = (&server.app.analyzer, &server.app.engine);
    server.write(&records(&["量子磁力计校准", "磁力计", "量子通信"])).await;
    let cut = || -> Vec<String> {
        analyzer.words("量子磁力计").into_iter().map(|word| word.text).collect()
    };
    let all = async || {
        assert_eq!(server.find("量子磁力计").await[0], "0");
        assert_eq!(server.set("\"量子磁力计\"").await, ["0"]);
        assert_eq!(server.set("磁力").await, ["0", "1"]);
    };
    // Records that the index holds under the word itself.
    let with_word = || {
        let token = "量子磁力计".to_owned();
        let query = Query::Term { field: TokenField::Words, token, boost: 1.0 };
        engine.search(&plain(query)).expect("an answer").total
    };
    let change = async |text: &str| {
        std::fs::write(&file, text).expect("written");
        let before = analyzer.words_fingerprint();
        let started = Instant::now();
        let changed = || analyzer.words_fingerprint() != before;
        while !changed() || engine.words_fingerprint() != Some(analyzer.words_fingerprint()) {
            assert!(started.elapsed() < Duration::from_secs(60), "the index does not follow");
            all().await;
        }
        all().await;
    };
    let before = cut();
    assert!(before.len() > 1, "{before:?}");
    assert_eq!(with_word(), 0);
    change(&format!("{shipped}\n量子磁力计\n")).await;
    assert_eq!((cut(), with_word()), (vec!["量子磁力计".to_owned()], 1));
    // Written since, cut as the others.
    server.write(&[json!({ "kind": "policy", "id": "3", "title": "量子磁力计" })]).await;
    assert_eq!(with_word(), 2);
    let (status, _) = server.send("DELETE", "/v1/records/policy/3", "").await;
    assert_eq!(status, 204);

    std::fs::write(&file, format!("{shipped}\n碳\n")).expect("written");
    let refused = server.app.search.dictionaries.refresh();
    let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
    let line = shipped.lines().count() + 2;
    // The thread that watches the folder may have been told before.
    let names = told.contains("words.txt") && told.contains(&format!("line {line}"));
    assert!(told.is_empty() || names, "{told}");
    assert_eq!(cut(), ["量子磁力计"], "the old one stays");

    change(&shipped).await;
    assert_eq!((cut(), with_word()), (before, 0));
    drop(server);
    std::fs::write(&file, format!("{shipped}\n碳\n")).expect("written");
    let error = kechuang::app::App::open(&config).err().expect("refused").to_string();
    assert!(error.contains("words.txt") && error.contains(&line.to_string()), "{error}");
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[科技成果转化新能源汽车的a1 ]{1,6}",
        1 => "[國際論壇ＡＢ１🚗\u{200d}\u{301}\u{202e}，。<>&\"'\0]{1,4}",
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// 32
#[test]
fn marks_are_whole_characters_of_the_record_s_own_text() {
    let analyzer = Analyzer::open(None).expect("the dictionaries are sound");
    let mut runner = TestRunner::default();
    let cases = (texts(), prop::collection::vec(texts(), 0..4), 1..60usize);
    let held = runner.run(&cases, |(text, needles, max_chars)| {
        let needles = needles.iter().map(|needle| analyzer.normalize(needle).text);
        let highlighter = Highlighter::new(&analyzer, needles);
        let ranges = highlighter.mark(&text);
        prop_assert!(ranges.is_sorted_by(|a, b| a.end <= b.start), "sorted and apart: {ranges:?}");
        let inside = |at| at <= text.len() && text.is_char_boundary(at);
        prop_assert!(ranges.iter().all(|range| inside(range.start) && inside(range.end)));
        let joined: String =
            highlighter.highlight(&text).into_iter().map(|piece| piece.text).collect();
        prop_assert_eq!(&joined, &text);
        if let Some(pieces) = highlighter.crop(&text, max_chars) {
            let cropped: String = pieces.into_iter().map(|piece| piece.text).collect();
            prop_assert!(cropped.chars().count() <= max_chars + 2, "and an ellipsis at each end");
        }
        Ok(())
    });
    held.expect("every text can be marked");
}

/// 33
#[tokio::test]
async fn any_text_is_taken_or_refused_alone() {
    hold(&[], async |server| {
        let run = "中".repeat(100_000);
        let texts = [
            "黎明前的黑暗", "得饶人处且饶人", "贝尔法斯特号", "𨨏元素", "家庭👨\u{200d}👩\u{200d}👧医疗", &run, "含\0空字符",
            "e\u{301}\u{301}\u{301}重音", "\u{202e}从右到左", "邻居",
        ];
        let written: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| json!({ "kind": "policy", "id": at.to_string(), "title": format!("第{at}条"), "body": text }))
            .collect();
        let statuses = server.write(&written).await;
        assert_eq!(statuses.len(), texts.len());
        assert!(statuses.iter().all(|status| [201, 422].contains(status)), "{statuses:?}");
        assert_eq!(statuses[9], 201, "the neighbour");
        for (at, typed) in [(0, "黎明前"), (1, "饶人处"), (2, "法斯特"), (3, "𨨏"), (4, "医疗"), (9, "邻居")] {
            assert_eq!(server.find(typed).await, [at.to_string()], "{typed}");
        }
    })
    .await;
}

/// 34
#[tokio::test]
async fn nothing_typed_breaks_the_service() {
    hold(&["科技成果转化", "新能源汽车"], async |server| {
        let pieces = [
            "\"",
            "“",
            "”",
            "「",
            "-",
            "－",
            "OR",
            "|",
            "(",
            ")",
            "（",
            "*",
            "?",
            ":",
            "~",
            "^",
            "\\",
            "/",
            "AND",
            "NOT",
            "新能源",
            "科技",
            "a",
            "1",
            " ",
            "\u{3000}",
            "\u{200d}",
            "++",
            "{",
            "}",
            "[",
            "'",
            "=",
            ">",
            "<",
            "TO",
            "…",
        ];
        // The same sequence every time, so that a failure can be seen again.
        let mut state = 42u64;
        let mut random = move |bound: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        for _ in 0..10_000 {
            let typed: String = (0..1 + random(12)).map(|_| pieces[random(pieces.len())]).collect();
            let path = match random(3) {
                0 => format!("/v1/suggest?q={}", encode(&typed)),
                1 => format!("/v1/search?q=a&filter={}", encode(&typed)),
                _ => format!("/v1/search?q={}", encode(&typed)),
            };
            let (status, _) = server.send("GET", &path, "").await;
            assert!([200, 400].contains(&status), "{typed}: {status}");
        }
        for path in
            ["/v1/search?q=%", "/v1/search?q=%zz", "/v1/search?q=%ff%fe", "/v1/suggest?q=%e7%a7"]
        {
            let (status, _) = server.send("GET", path, "").await;
            assert!([200, 400].contains(&status), "{path}: {status}");
        }
        let long = encode(&"汉".repeat(4_096));
        assert_eq!(server.send("GET", &format!("/v1/search?q={long}"), "").await.0, 400);
        let nested = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        let body = json!({ "filter": nested }).to_string();
        assert_eq!(server.send("POST", "/v1/search", body).await.0, 400);
        server.get(&format!("/v1/search?q={}", encode(&"((((新能源".repeat(50)))).await;
    })
    .await;
}

fn counts(page: &Value, facet: &str) -> Vec<(String, u64)> {
    let values = page["facets"][facet].as_array().expect("a facet");
    let pair = |value: &Value| {
        (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap())
    };
    values.iter().map(pair).collect()
}

/// 36
#[tokio::test]
async fn counts_are_exact_and_what_is_selected_leaves_its_own_facet_alone() {
    hold(&[], async |server| {
        let record = |at: usize, progress: &str| {
            json!({
                "kind": "demand", "id": at.to_string(), "title": format!("轴承需求{at}"), "progress": progress,
                "cooperation_modes": ["joint_development", "commissioned_development"],
                "division_code": if at.is_multiple_of(3) { "370212" } else { "110000" },
            })
        };
        // Several commits, and one record in ten withdrawn: many segments with deleted records.
        for part in 0..4 {
            let part: Vec<Value> = (part * 15..part * 15 + 15).map(|at| record(at, "seeking")).collect();
            let statuses = server.write(&part).await;
            assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
        }
        for at in (0..60).step_by(10) {
            server.send("DELETE", &format!("/v1/records/demand/{at}"), "").await;
        }
        server.write(&[record(1, "closed"), record(2, "closed")]).await;
        let facets = "facets=progress,division_code,cooperation_modes&limit=1";
        let all = server.get(&format!("/v1/search?q={}&{facets}", encode("轴承"))).await;
        assert_eq!(all["total"], 54);
        let progress = counts(&all, "progress");
        assert_eq!(progress.iter().map(|(_, count)| count).sum::<u64>(), 54, "one value each");
        assert_eq!(progress, [("seeking".to_owned(), 52), ("closed".to_owned(), 2)]);
        for (_, count) in counts(&all, "cooperation_modes") {
            assert_eq!(count, 54, "a record with two values counts once for each");
        }
        let chosen = format!("/v1/search?q={}&{facets}&select=progress:closed", encode("轴承"));
        let chosen = server.get(&chosen).await;
        assert_eq!(counts(&chosen, "progress"), progress, "its own counts stay");
        let places: u64 = counts(&chosen, "division_code").iter().map(|(_, count)| count).sum();
        assert_eq!(places, 2, "the others shrink");
    })
    .await;
}

/// Records of a walk.
const NUM_WALKED: usize = 10_000;

/// 38
#[tokio::test]
async fn a_walk_misses_and_repeats_nothing_while_records_change() {
    hold(&[], async |server| {
        let record = |at: usize, title: &str| {
            json!({ "kind": "policy", "id": format!("{at:05}"), "title": format!("{title}{at}"), "published_on": "2026-01-01" })
        };
        let all: Vec<Value> = (0..NUM_WALKED).map(|at| record(at, "科技通知")).collect();
        for part in all.chunks(2_500) {
            server.write(part).await;
        }
        for sort in ["relevance", "newest"] {
            let mut seen: Vec<String> = Vec::new();
            let first = format!("/v1/search?limit=100&sort={sort}&q={}", encode("科技通知"));
            let mut page = server.get(&first).await;
            let mut round = 0;
            loop {
                seen.extend(ids(&page));
                let Some(next) = page["next"].as_str() else { break };
                let path = format!("{first}&cursor={}", encode(next));
                // Every tenth page, some records are written anew and some come, each time in a commit of its own, so
                // that segments are merged meanwhile. Among records of one day a record that is written anew goes to
                // the end, and a walk by date meets it there again.
                let touched: Vec<Value> =
                    (0..5).map(|at| record(round * 7 + at, "科技通知")).collect();
                if sort == "relevance" && round.is_multiple_of(10) {
                    server.write(&touched).await;
                }
                if round.is_multiple_of(10) {
                    server.write(&[record(2 * NUM_WALKED + round, "科技通知")]).await;
                }
                round += 1;
                page = server.get(&path).await;
            }
            let distinct: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(distinct.len(), seen.len(), "{sort}: nothing twice");
            // Those that were written anew are among the first.
            for at in NUM_WALKED / 10..NUM_WALKED {
                assert!(distinct.contains(&format!("{at:05}")), "{sort}: {at} is missing");
            }
        }
        let (status, body) = server.send("GET", "/v1/search?offset=1001", "").await;
        assert_eq!(status, 400);
        assert!(String::from_utf8_lossy(&body).contains("cursor"), "names the way on");
    })
    .await;
}

/// 39; `tests/service_kill.rs` kills the process between the write and the commit.
#[tokio::test]
async fn what_is_written_is_found_and_the_last_of_one_id_stays() {
    hold(&[], async |server| {
        let record = |title: &str| json!({ "kind": "policy", "id": "a", "title": title });
        server.write(&[record("第一稿"), record("第二稿"), record("定稿")]).await;
        assert_eq!(server.page("").await["total"], 1);
        assert_eq!(server.find("定稿").await, ["a"]);
        assert_eq!(server.find("第一稿").await, [""; 0]);
        let path = "/v1/records/policy/b?refresh=wait";
        let body = json!({ "title": "等到能找到" }).to_string();
        assert_eq!(server.send("PUT", path, body).await.0, 201);
        assert_eq!(server.find("等到能找到").await, ["b"], "when the answer says so, at once");
    })
    .await;
}

/// 40, as far as one process goes: a changed configuration makes a new index from the store, and answers never come
/// from a mixture.
#[tokio::test]
async fn a_changed_dictionary_makes_a_new_index_with_every_record() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (config, dictionaries) = own_dictionaries(folder.path());
    let titles: Vec<String> = (0..200).map(|at| format!("揭榜挂帅榜单第{at}项")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    {
        let server = Server::open(&config);
        server.write(&records(&titles)).await;
    }
    let table = dictionaries.join("t2s_chars.txt");
    let text = std::fs::read_to_string(&table).expect("a table");
    std::fs::write(&table, format!("{text}\n㐀\t丘\n")).expect("written");
    let server = Server::open(&config);
    // Nothing is answered before the new index holds everything, and the answer says so.
    let path = format!("/v1/search?limit=100&q={}", encode("挂帅榜单"));
    let started = Instant::now();
    loop {
        let (status, body) = server.send("GET", &path, Body::empty()).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        if status == 200 {
            assert_eq!(answer["total"], 200, "{answer}");
            break;
        }
        assert_eq!((status, &answer["code"]), (503, &"not_ready".into()), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(60), "the index is not filled");
    }
}
