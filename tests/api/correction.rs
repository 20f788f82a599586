//! `corrected` in an answer of `/v1/search`: what was typed, and what was searched for instead.

use std::io::BufRead;
use std::path::Path;

use serde_json::{Value, json};

use crate::{TestServer, ids};

async fn filled() -> TestServer {
    let server = TestServer::new();
    let mut records: Vec<Value> = [
        "高新技术企业认定管理办法",
        "高新技术企业奖励补助细则",
        "高薪人才引进办法",
        "专精特新中小企业培育方案",
        "科技型中小企业评价入库",
        "新能源汽车推广应用",
        "芯源微电子招聘启事",
        "高企认定奖励",
        "NB-IoT 与 rust 语言",
        "黎明时分",
    ]
    .iter()
    .enumerate()
    .map(|(at, title)| json!({ "kind": "policy", "id": format!("p-{at}"), "title": title }))
    .collect();
    for at in 0..3 {
        let title = format!("新能源汽车与高新技术第{at}号");
        records.push(json!({ "kind": "achievement", "id": format!("a-{at}"), "title": title }));
    }
    server.fill(&records).await;
    server.app.corrector.refresh().expect("the words can be read");
    server
}

#[tokio::test]
async fn what_no_record_holds_is_corrected() {
    let server = filled().await;
    for (typed, to, first) in [
        ("专精特心", "专精特新", "p-3"),
        ("高薪技术企业认定", "高新技术企业认定", "p-0"),
        ("科枝型中小企业", "科技型中小企业", "p-4"),
        ("新能园汽车推广", "新能源汽车推广", "p-5"),
        ("gaoxinjishuqiye renDing", "高新技术企业认定", "p-0"),
        ("zjtx", "专精特新", "p-3"),
        ("gaoqi rending", "高企认定", "p-7"),
    ] {
        let page = server.search(&[("q", typed)]).await;
        assert_eq!(page["corrected"], json!({ "from": typed, "to": to }), "{typed}");
        assert_eq!(ids(&page)[0], first, "{typed}: {page}");
        let right = server.search(&[("q", to)]).await;
        assert_eq!(ids(&page), ids(&right), "{typed} finds what {to} finds");
        assert_eq!(right["corrected"], Value::Null);
        let raw = server.search(&[("q", typed), ("raw", "true")]).await;
        assert_eq!(raw["corrected"], Value::Null, "{typed}");
    }
}

#[tokio::test]
async fn what_is_there_or_meant_literally_stays() {
    let server = filled().await;
    for typed in [
        "高薪",
        "高薪人才",
        "芯源微",
        "\"专精特心\"",
        "rust",
        "nb-iot",
        "李明",
        "黎明",
        "专精特心 -汽车",
        "",
    ] {
        let page = server.search(&[("q", typed)]).await;
        assert_eq!(page["corrected"], Value::Null, "{typed}");
    }
    let quoted = server.search(&[("q", "\"专精特心\"")]).await;
    assert_eq!(quoted["total"], 0);
}

/// Letters that records hold are looked for as they are, and as the term that they spell.
#[tokio::test]
async fn letters_that_spell_a_term_find_the_term_too() {
    let server = filled().await;
    server.fill(&[json!({ "kind": "policy", "id": "l", "title": "zjtx 平台" })]).await;
    let page = server.search(&[("q", "zjtx")]).await;
    assert_eq!(page["corrected"], Value::Null);
    assert_eq!(page["understood"]["synonyms"], json!([{ "text": "zjtx", "also": ["专精特新"] }]));
    let mut found = ids(&page);
    found.sort();
    assert_eq!(found, ["l", "p-3"]);
    let raw = server.search(&[("q", "zjtx"), ("raw", "true")]).await;
    assert_eq!(ids(&raw), ["l"]);
}

#[tokio::test]
async fn a_walk_stays_corrected() {
    let server = filled().await;
    let mut seen = Vec::new();
    let mut page = server.search(&[("q", "新能园汽车"), ("limit", "1")]).await;
    loop {
        assert_eq!(page["corrected"]["to"], "新能源汽车");
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str().map(str::to_owned) else { break };
        // A record that holds what was typed would end the correction of a new search.
        server.fill(&[json!({ "kind": "demand", "id": "d-1", "title": "新能园" })]).await;
        page = server.search(&[("q", "新能园汽车"), ("limit", "1"), ("cursor", &next)]).await;
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() >= 4, "{seen:?}");
}

/// Terms of each list that are asked.
const OF_EACH: usize = 800;

/// Terms that people use, thousands of several lists, typed against an index that lacks nearly all of them.
#[tokio::test]
async fn real_terms_are_never_changed() {
    let Some(shared) = std::env::var_os("KECHUANG_SHARED_DATA") else {
        eprintln!("SKIPPED: KECHUANG_SHARED_DATA names no folder of real data");
        return;
    };
    let server = TestServer::new();
    let mut lines = Vec::new();
    for kind in ["policy", "achievement", "demand"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sample-corpus/{kind}.jsonl"));
        let file = std::io::BufReader::new(std::fs::File::open(path).expect("the sample"));
        for line in file.lines() {
            let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let mut texts = json!({ "kind": kind, "id": record["id"] });
            for field in ["title", "summary", "body", "keywords"] {
                if !record[field].is_null() {
                    texts[field] = record[field].clone();
                }
            }
            lines.push(texts);
        }
    }
    server.fill(&lines).await;
    server.app.corrector.refresh().expect("the words can be read");
    // `KECHUANG_ALL_TERMS=1` asks all of them.
    let all = std::env::var_os("KECHUANG_ALL_TERMS").is_some();
    let mut random = 2026u64;
    let mut changed = Vec::new();
    let mut asked = 0;
    for name in [
        "thuocl_it.tsv",
        "thuocl_caijing.tsv",
        "thuocl_law.tsv",
        "thuocl_medical.tsv",
        "thuocl_car.tsv",
        "products.txt",
    ] {
        let path = Path::new(&shared).join("vocab").join(name);
        let text = std::fs::read_to_string(&path).expect("a list of terms");
        let terms = text.lines().skip(1).filter_map(|line| line.split('\t').next());
        let mut terms: Vec<&str> = terms.filter(|term| !term.is_empty()).collect();
        if !all {
            // The first of them in an order that the seed decides.
            terms.sort_by_cached_key(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                random >> 20
            });
            terms.truncate(OF_EACH);
        }
        for term in terms {
            asked += 1;
            if let Some(meant) = server.app.corrector.correct(term).expect("an answer") {
                changed.push(format!("{term}→{meant:?}"));
            }
        }
    }
    assert!(asked >= 2_000, "{asked} terms");
    assert!(changed.is_empty(), "{} of {asked}: {changed:?}", changed.len());
}
