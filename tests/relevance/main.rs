//! Sixty queries that people type, on the sample corpus: what each of them wants is on the first page.
//!
//! The day is 2026-11-23, around which the dates of the corpus are placed.

mod queries;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::presentation::page::SearchPage;
use kechuang::query::request::SearchRequest;
use kechuang::record::Visibility;
use kechuang::record::validate::days;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use queries::{QUERIES, Row};

const TODAY: &str = "2026-11-23";
/// Results that people look at.
const PAGE: usize = 10;

struct Corpus {
    app: App,
    _dir: tempfile::TempDir,
}

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The files themselves, so that a change of theirs is tried without building anything.
    let config = Config {
        data: dir.path().join("data"),
        index_config: Some(root.join("index-config")),
        dictionaries: Some(root.join("dictionaries")),
        ..Config::default()
    };
    let app = App::open(&config).expect("an empty folder opens");
    let by = Key::local("relevance", &app.clock.now());
    let mut drafts = Vec::new();
    for file in fs::read_dir(root.join("sample-corpus")).expect("the sample corpus").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(file.path()).expect("UTF-8");
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let object = serde_json::from_str(line).expect("an object a line");
            drafts.push(Draft::from_object(object, None, None).expect("a draft"));
        }
    }
    for answer in app.ingest.put(drafts, &by, &app.clock.now()).expect("a store") {
        if let Err(rejection) = answer {
            eprintln!("left out: {rejection:?}");
        }
    }
    app.catch_up(&mut |_| {}).expect("an index");
    app.corrector.refresh().expect("the words of the index");
    Corpus { app, _dir: dir }
});

fn search(request: SearchRequest) -> SearchPage {
    let today = days(TODAY).expect("a day");
    CORPUS.app.search.search(&request, Visibility::Public, today).expect("an answer")
}

fn page(q: &str) -> SearchPage {
    search(SearchRequest { q: q.into(), limit: Some(PAGE), explain: true, ..Default::default() })
}

fn ids(page: &SearchPage) -> Vec<&str> {
    page.items.iter().map(|item| &*item.id).collect()
}

/// Every record that a filter keeps.
fn all(filter: &str) -> HashSet<String> {
    let mut kept = HashSet::new();
    for offset in (0..=1_000).step_by(100) {
        let found = search(SearchRequest {
            filter: Some(filter.to_owned()),
            offset: Some(offset),
            limit: Some(100),
            ..Default::default()
        });
        kept.extend(found.items.iter().map(|item| item.id.to_string()));
    }
    kept
}

/// What is wrong with the answer to a row; empty when nothing is.
fn check(row: &Row) -> String {
    let found = page(row.q);
    let ids = ids(&found);
    let mut wrong = String::new();
    if !row.first.is_empty() && !ids.first().is_some_and(|id| row.first.contains(id)) {
        let _ = writeln!(wrong, "  first should be one of {:?}", row.first);
    }
    for wanted in row.page {
        if !wanted.split('|').any(|id| ids.contains(&id)) {
            let _ = writeln!(wrong, "  {wanted} is not on the page");
        }
    }
    for (text, says) in row.offers {
        let offered = &found.understood.filters;
        let is_offered = offered.iter().any(|offer| {
            let condition = offer.filter.as_ref().or(offer.select.as_ref());
            offer.text == *text && condition.is_some_and(|condition| condition.contains(says))
        });
        if !is_offered {
            let _ = writeln!(wrong, "  {text} should offer {says}: {offered:?}");
        }
    }
    let filters = found.understood.filters.iter().filter_map(|offer| offer.filter.clone());
    for filter in filters.filter(|_| row.offered_first) {
        // Who applies the offer sees nothing that the first page did not begin with.
        let kept = all(&filter);
        let others: Vec<&&str> = ids.iter().filter(|id| !kept.contains(**id)).collect();
        if !others.is_empty() {
            let _ = writeln!(wrong, "  {others:?} do not satisfy {filter}");
        }
    }
    if !wrong.is_empty() {
        let _ = writeln!(wrong, "  {:?}, {} found:", found.relaxation, found.total);
        for item in &found.items {
            let title = item.record.get("title").map_or("", |title| title.get());
            let parts = item.explanation.iter().flatten();
            let parts: Vec<String> =
                parts.map(|part| format!("{}{:.1}", part.label, part.value)).collect();
            let _ =
                writeln!(wrong, "    {} {title} {:.1} = {}", item.id, item.score, parts.join(" "));
        }
    }
    wrong
}

#[test]
fn each_query_finds_what_its_user_wants() {
    let mut wrong = String::new();
    for row in QUERIES {
        let found = check(row);
        if !found.is_empty() {
            let _ = writeln!(wrong, "#{} {}\n{found}", row.number, row.q);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Pinyin, other words of the same sound and traditional characters find what the words themselves find.
#[test]
fn words_by_sound_have_the_same_first_policies() {
    let policies = |q: &str| -> Vec<String> {
        let kind = vec!["policy".to_owned()];
        let found =
            search(SearchRequest { q: q.into(), kind, limit: Some(3), ..Default::default() });
        found.items.iter().map(|item| item.id.to_string()).collect()
    };
    let mut wrong = String::new();
    for (q, like) in [
        ("gaoxinjishuqiye", "高企认定条件"),
        ("zjtx", "专精特新小巨人 补贴多少"),
        ("gaoqi rending", "高企认定条件"),
        ("专精特心", "专精特新小巨人 补贴多少"),
        ("高薪技术企业认定", "高企认定条件"),
        ("科枝型中小企业", "科小入库"),
        ("高新技術企業認定", "高企认定条件"),
    ] {
        let (found, wanted) = (policies(q), policies(like));
        if !found.contains(&wanted[0]) {
            let _ = writeln!(wrong, "{q}: {found:?} has not the first of {wanted:?}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn all_sixty_are_asked() {
    let numbers: Vec<u32> = QUERIES.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<u32>>());
}

#[test]
fn spellings_of_one_document_number_have_one_first_result() {
    for q in [
        "青政发〔2016〕12号",
        "青政发[2016]12号",
        "青政发2016 12",
        "青政发（2016）12号",
        "青政发【2016】第12号",
    ] {
        assert_eq!(ids(&page(q)).first(), Some(&"policy-025"), "{q}");
    }
}

#[test]
fn offers_can_be_applied() {
    for row in QUERIES {
        let found = page(row.q);
        for offer in found.understood.filters {
            let q = found.corrected.as_ref().map_or(row.q, |corrected| &corrected.to);
            let typed: String = q.chars().skip(offer.start).take(offer.end - offer.start).collect();
            assert_eq!(typed, offer.text, "{}: where the words stand", row.q);
            search(SearchRequest {
                q: row.q.into(),
                filter: offer.filter.clone(),
                select: offer.select.clone().into_iter().collect(),
                ..Default::default()
            });
        }
    }
}

#[test]
fn nothing_literal_is_lost_to_what_is_understood() {
    for q in ["本月", "100万", "崂山区", "2025年", "中试", "专家", "高企"] {
        let quoted =
            search(SearchRequest { q: format!("\"{q}\""), limit: Some(100), ..Default::default() });
        let found = search(SearchRequest { q: q.into(), limit: Some(100), ..Default::default() });
        assert!(found.total >= quoted.total, "{q}: {} < {}", found.total, quoted.total);
    }
}
