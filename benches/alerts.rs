//! One new record against many standing searches: how long it takes to say which of them it may concern.
//!
//! ```text
//! cargo bench --bench alerts                                  # 100,000 searches made from the sample corpus
//! KECHUANG_BENCH_STANDING=20000 cargo bench --bench alerts
//! ```
//!
//! A search asks for two to four pieces of two or three characters of one record, a third of them within a kind.
//! Prints figures; asserts only that the work was done.

use std::path::Path;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::engine::document::index_record;
use kechuang::engine::reverse::{Item, ReverseIndex};
use kechuang::query::request::SearchRequest;
use kechuang::service::alerts::forward::Reach;
use kechuang::service::alerts::subscription::Target;
use kechuang::service::indexing;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use serde_json::Value;

fn main() {
    // `cargo test` runs benches with `--test`: nothing to do then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let standing: u32 = std::env::var("KECHUANG_BENCH_STANDING")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { data: folder.path().join("data"), ..Config::default() };
    let app = App::open(&config).expect("the data folder opens");
    let records = fill(&app);
    let mut random = Random(7);

    let started = Instant::now();
    let mut index = ReverseIndex::default();
    for slot in 0..standing {
        let target = Target::Search(Box::new(search(&records, &mut random)));
        app.alerts.forward.file(&target, Reach::Open, &mut index, slot).expect("a good search");
    }
    println!("{standing} standing searches filed in {:.1} s", started.elapsed().as_secs_f64());

    let today = app.clock.today();
    let mut times: Vec<Duration> = Vec::new();
    let mut concerned = 0;
    for (record, _) in records.iter().cycle().take(2 * records.len()) {
        let kind = app.catalog.kind(&record.kind).expect("a kind");
        let indexed = index_record(kind, record, &app.analyzer).expect("published");
        let started = Instant::now();
        let item = Item::new(&indexed, &app.catalog);
        concerned += index.matches(&item, today, |_| 1.0).len();
        times.push(started.elapsed());
    }
    assert!(concerned > records.len(), "hardly anything concerns anybody: {concerned}");
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "one record: p50 {:.2} ms, p99 {:.2} ms; it concerns {:.0} searches on average",
        at(0.5),
        at(0.99),
        concerned as f64 / times.len() as f64
    );
}

/// Writes the sample corpus; returns its records with their text.
fn fill(app: &App) -> Vec<(kechuang::record::Record, Vec<char>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-corpus");
    let now = app.clock.now();
    let key = Key::local("bench", &now);
    let mut records = Vec::new();
    for kind in &app.catalog.kinds {
        let path = corpus.join(format!("{}.jsonl", kind.name));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let drafts = text
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).expect("JSON");
                let object = record.as_object().expect("an object").clone();
                Draft::from_object(object, None, None).expect("a good record")
            })
            .collect();
        for written in app.ingest.put(drafts, &key, &now).expect("the store writes") {
            let id = written.expect("a good record").record.record_id();
            let stored = app.store.get(&id).expect("the store reads").expect("it was written");
            let record = indexing::read(&stored).expect("a record");
            let text = kind.texts(&record.fields).map(|(_, text)| text).collect::<String>();
            records.push((record, text.chars().filter(|ch| ch.is_alphabetic()).collect()));
        }
    }
    app.catch_up(&mut |_| {}).expect("the index is written");
    records
}

fn search(records: &[(kechuang::record::Record, Vec<char>)], random: &mut Random) -> SearchRequest {
    let (record, text) = &records[random.below(records.len())];
    let pieces: Vec<String> = (0..2 + random.below(3))
        .map(|_| {
            let length = 2 + random.below(2);
            let start = random.below(text.len().saturating_sub(length) + 1);
            text[start..].iter().take(length).collect()
        })
        .collect();
    let kind = if random.below(3) == 0 { vec![record.kind.to_string()] } else { Vec::new() };
    SearchRequest { q: pieces.join(" "), kind, ..SearchRequest::default() }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}
