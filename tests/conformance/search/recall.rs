//! Literal recall: any run of characters of a record finds the record.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::{Server, encode, hold};

/// Substrings tried of each set of records; `KECHUANG_RECALL` says another number.
const TRIED: usize = 150;

/// Another sequence every time: a failure names what was typed and the record.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
        Self(now.as_nanos() as u64)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Runs of two to twelve characters of a text, each with a letter or digit at both ends.
fn substring(text: &str, random: &mut Random) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let from = random.below(chars.len().saturating_sub(1));
    let to = (from + 2 + random.below(11)).min(chars.len());
    let part: String = chars.get(from..to)?.iter().collect();
    let part = part.trim_matches(|ch: char| !ch.is_alphanumeric());
    let letters = part.chars().filter(|ch| ch.is_alphanumeric()).count();
    // Quotes and signs are operators: what is asked here is what a person types.
    let plain = !part.contains(['"', '＂', '“', '”', '「', '」', '-', '－', '−', '|', '\n', '\0']);
    (letters >= 2 && plain).then(|| part.to_owned())
}

/// Asks, with nothing but the record itself left by the filter, whether it is found: as typed and in quotes.
async fn check(server: &Server, record: &Value, typed: &str) {
    let kind = record["kind"].as_str().expect("a kind");
    let mark = record["published_on"].as_str().expect("a day of its own");
    for q in [typed.to_owned(), format!("\"{typed}\"")] {
        let filter = encode(&format!("published_on = {mark}"));
        let path =
            format!("/v1/search?raw=true&limit=100&kind={kind}&filter={filter}&q={}", encode(&q));
        let page = server.get(&path).await;
        let found = super::ids(&page).iter().any(|id| record["id"] == **id);
        assert!(found, "{q:?} does not find {}: {}", record["id"], page["total"]);
    }
}

/// Writes texts as records, each with a day of its own, and asks for substrings of random ones.
async fn hold_recall(texts: Vec<(String, String)>) {
    let days =
        |at: usize| format!("{:04}-{:02}-{:02}", 1900 + at / 336, 1 + at / 28 % 12, 1 + at % 28);
    let records: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(at, (title, body))| {
            let title: String = title.chars().take(200).collect();
            json!({ "kind": "policy", "id": at.to_string(), "title": title, "body": body, "published_on": days(at) })
        })
        .collect();
    hold(&[], async |server| {
        for part in records.chunks(500) {
            let statuses = server.write(part).await;
            assert!(statuses.iter().all(|status| [200, 201].contains(status)), "{statuses:?}");
        }
        let mut random = Random::new();
        let wanted = std::env::var("KECHUANG_RECALL").ok().and_then(|number| number.parse().ok());
        let mut tried = 0;
        while tried < wanted.unwrap_or(TRIED) {
            let record = &records[random.below(records.len())];
            let field = if random.below(4) == 0 { "title" } else { "body" };
            let text = record[field].as_str().expect("a text");
            if let Some(typed) = substring(text, &mut random) {
                check(&server, record, &typed).await;
                tried += 1;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn any_part_of_a_sample_record_finds_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-corpus");
    let mut texts = Vec::new();
    for kind in ["policy", "achievement", "demand", "expert", "service", "report"] {
        let lines =
            std::fs::read_to_string(folder.join(format!("{kind}.jsonl"))).expect("the sample");
        for line in lines.lines() {
            let record: Value = serde_json::from_str(line).expect("a record");
            let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
            let body = format!("{}\n{}", text("summary"), text("body"));
            texts.push((text("title"), body));
        }
    }
    hold_recall(texts).await;
}

#[tokio::test]
async fn any_part_of_a_real_record_finds_it() {
    let Some(shared) = std::env::var_os("KECHUANG_SHARED_DATA") else {
        eprintln!("SKIPPED: KECHUANG_SHARED_DATA names no folder of real data");
        return;
    };
    let mut texts = Vec::new();
    for (name, most) in [
        ("tech/achievements.jsonl", 500),
        ("tech/demands.jsonl", 300),
        ("policy/ncp_policies.jsonl.gz", 200),
    ] {
        let bytes = std::fs::read(Path::new(&shared).join(name)).expect("a file of records");
        let mut text = String::new();
        match name.ends_with(".gz") {
            true => flate2::read::MultiGzDecoder::new(&*bytes).read_to_string(&mut text).map(drop),
            false => (&*bytes).read_to_string(&mut text).map(drop),
        }
        .expect("UTF-8");
        for line in text.lines().take(most) {
            let record: Value = serde_json::from_str(line).expect("a record");
            let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
            let (title, body) = (text("title"), text("text"));
            if !title.trim().is_empty() && !body.is_empty() && body.chars().count() < 100_000 {
                texts.push((title, body));
            }
        }
    }
    hold_recall(texts).await;
}
