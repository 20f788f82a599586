//! One new record against many standing searches: how long it takes to say which of them it may concern, and how long
//! from the acknowledged write until its alerts can be read.
//!
//! ```text
//! cargo bench --bench alerts                                  # 100,000 searches made from the sample corpus
//! KECHUANG_BENCH_STANDING=20000 cargo bench --bench alerts
//! cargo bench --bench alerts -- visible                       # one part: concerned or visible
//! ```
//!
//! A search asks for two to four pieces of two or three characters of one record, a third of them within a kind.
//! Prints wall time and the time that the thread had the processor; asserts only that the work was done.

use std::path::Path;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::engine::document::index_record;
use kechuang::engine::reverse::{Item, ReverseIndex};
use kechuang::query::request::SearchRequest;
use kechuang::record::Record;
use kechuang::service::alerts::SubscriptionDraft;
use kechuang::service::alerts::forward::Reach;
use kechuang::service::alerts::subscription::{Event, Target};
use kechuang::service::indexing;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use serde_json::{Value, json};

/// What the service runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Subscriptions to searches, and a quarter as many to verdicts, that wait while records are written.
const LIVE: usize = 1_000;
const WRITES: usize = 30;

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

    let parts: Vec<String> =
        std::env::args().skip(1).filter(|part| !part.starts_with('-')).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if is_wanted("visible") {
        visible(&app, &records, &mut random);
    }
    if !is_wanted("concerned") {
        return;
    }
    let searches: Vec<Target> =
        (0..standing).map(|_| Target::Search(Box::new(search(&records, &mut random)))).collect();
    // Before anything is known of a list, and when its strictest reading finds enough.
    measure(&app, &records, &searches, "every reading", Reach::Open);
    let strict = Reach::Rungs { rungs: 1, bears: 0 };
    measure(&app, &records, &searches, "the strictest reading", strict);
}

fn measure(
    app: &App,
    records: &[(Record, Vec<char>)],
    searches: &[Target],
    name: &str,
    reach: Reach,
) {
    let started = Instant::now();
    let mut index = ReverseIndex::default();
    for (slot, target) in (0..).zip(searches) {
        app.alerts.forward.file(target, reach, &mut index, slot).expect("a good search");
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{} searches filed under {name} in {seconds:.1} s", searches.len());

    let today = app.clock.today();
    let mut times: Vec<[Duration; 2]> = Vec::new();
    let mut concerned = 0;
    for (record, _) in records.iter().cycle().take(2 * records.len()) {
        let kind = app.catalog.kind(&record.kind).expect("a kind");
        let indexed = index_record(kind, record, &app.analyzer).expect("published");
        let (started, had) = (Instant::now(), processor());
        let item = Item::new(&indexed, &app.catalog);
        concerned += index.matches(&item, today, |_| 1.0).len();
        times.push([started.elapsed(), processor() - had]);
    }
    assert!(concerned > records.len(), "hardly anything concerns anybody: {concerned}");
    let share = concerned as f64 / times.len() as f64;
    println!("one record may concern {share:.0} searches on average");
    for (at, name) in ["wall", "processor"].into_iter().enumerate() {
        show(name, times.iter().map(|times| times[at]).collect());
    }
}

/// Records written one after the other, each of which alerts subscriptions to searches and to verdicts.
fn visible(app: &App, records: &[(Record, Vec<char>)], random: &mut Random) {
    let (now, today) = (app.clock.now(), app.clock.today());
    let follower = app.follow();
    let key = Key::local("bench", &now);
    let subscribe = |target: Target, owner: String| {
        let draft = SubscriptionDraft {
            title: None,
            target,
            first: Some(100),
            events: vec![],
            webhook: None,
        };
        let made = app.alerts.create(draft, &owner, &now, today).expect("the store writes");
        made.expect("a good subscription")
    };
    for at in 0..LIVE {
        let target = Target::Search(Box::new(search(records, random)));
        subscribe(target, format!("owner {at}"));
    }
    let newest =
        SearchRequest { q: "基准".into(), sort: Some("newest".into()), ..Default::default() };
    let to_search = subscribe(Target::Search(Box::new(newest)), "bench".into());
    let mut to_verdicts = Vec::new();
    for at in 0..LIVE / 4 {
        let body = json!({ "profile": { "staff": 10 + at } }).as_object().expect("one").clone();
        let id = format!("firm-{at}");
        let kept = app.profiles.put(Some(id.clone()), body, &key, &now, today);
        kept.expect("the store writes").expect("a good profile");
        to_verdicts.push(subscribe(Target::Verdicts { profile_id: id, to: None }, "bench".into()));
    }
    let head = app.store.head();
    while app.alerts.seen() < head {
        std::thread::sleep(Duration::from_millis(5));
    }
    let with_rules = app
        .catalog
        .kinds
        .iter()
        .find(|kind| kind.applicability.as_ref().is_some_and(|rules| rules.default));
    let kind = with_rules.expect("a kind with rules").name.clone();
    let staff = json!([{ "attr": "staff", "op": "ge", "value": 1 }]);
    let conditions = json!([{ "id": "c1", "text": "t", "clause": "一", "all": staff }]);
    let (mut searched, mut judged) = (Vec::new(), Vec::new());
    for at in 1..=WRITES {
        let record = json!({
            "kind": &*kind, "id": format!("bench-{at}"), "title": format!("基准 {at}"), "conditions": conditions,
        });
        let draft = Draft::from_object(record.as_object().expect("one").clone(), None, None);
        let written = app.ingest.put(vec![draft.expect("good")], &key, &app.clock.now());
        written.expect("the store writes").remove(0).expect("a good record");
        let started = Instant::now();
        let (mut search_told, mut verdict_told) = (None, None);
        let count = |id: &str, event: Event| {
            let alerts = app.alerts.alerts(id).expect("the store reads");
            alerts.iter().filter(|alert| alert.event == event).count()
        };
        while search_told.is_none() || verdict_told.is_none() {
            let last = to_verdicts.last().expect("there are some");
            if search_told.is_none() && count(&to_search.id, Event::Match) >= at {
                search_told = Some(started.elapsed());
            }
            if verdict_told.is_none() && count(&last.id, Event::Verdict) >= at {
                verdict_told = Some(started.elapsed());
            }
            assert!(started.elapsed() < Duration::from_secs(60), "an alert does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
        searched.extend(search_told);
        judged.extend(verdict_told);
    }
    println!("{LIVE} searches and {} verdicts subscribed to, {WRITES} writes", LIVE / 4);
    show("from the write to the alert of a search", searched);
    show("from the write to the alert of the last verdict", judged);
    drop(follower);
}

/// What the thread has had of the processor; nothing where the system does not say.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("  {what}: p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));
}

/// Writes the sample corpus; returns its records with their text.
fn fill(app: &App) -> Vec<(Record, Vec<char>)> {
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

fn search(records: &[(Record, Vec<char>)], random: &mut Random) -> SearchRequest {
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
