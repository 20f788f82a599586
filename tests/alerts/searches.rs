//! The law of alerts: a changed record alerts a standing search if and only if a fresh answer has it among the first.
//!
//! Searches are made at random from the sample corpus.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::config::Config;
use kechuang::engine::document::index_record;
use kechuang::engine::reverse::{Condition, Item, ReverseIndex};
use kechuang::query::request::SearchRequest;
use kechuang::query::{Order, Search};
use kechuang::record::RecordId;
use kechuang::service::alerts::SubscriptionDraft;
use kechuang::service::alerts::subscription::{Event, Subscription, Target};
use kechuang::service::indexing;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use serde_json::{Map, Value};

use crate::Random;

const STANDING: usize = 210;
const BATCHES: usize = 10;
const LISTINGS: usize = 5;
/// Merging segments forgets what deleted records weighed, at any moment: between an alert and the answer that it is held
/// to, neighbours may change places. Ranks so near to the last of the first are not compared.
const BORDER: usize = 2;

#[test]
fn an_alert_fires_if_and_only_if_a_fresh_search_has_the_record_among_the_first() {
    let mut random = Random::seeded();
    let (app, _folder, mut records) = open(&mut random);
    let listings = records.split_off(records.len() - BATCHES * LISTINGS);
    write(&app, &records);
    let follower = app.follow();
    // A subscription asks for what there is already, which is not answered before the index holds it.
    let started = Instant::now();
    while !follower.progress.is_ready() {
        assert!(started.elapsed() < Duration::from_secs(60), "the index is not filled");
        std::thread::sleep(Duration::from_millis(10));
    }
    let today = app.clock.today();
    let searches = Searches::new(&records);
    let mut standing = HashMap::new();
    while standing.len() < STANDING {
        // A third of them are records that are matched.
        let target = match random.below(3) {
            0 => (0..20).find_map(|_| matched(&app, random.pick(&records).clone(), &mut random)),
            _ => None,
        };
        let search = || Target::Search(Box::new(searches.random(&mut random)));
        let draft = SubscriptionDraft {
            title: None,
            target: target.unwrap_or_else(search),
            first: Some(1 + random.below(30)),
            events: vec![Event::Match],
            webhook: None,
        };
        let made = app.alerts.create(draft, "somebody", &app.clock.now(), today);
        let made = made.expect("the store writes").expect("a good subscription");
        standing.insert(made.id.clone(), made);
    }
    let (mut pairs, mut fired) = (0, 0);
    for batch in listings.chunks(LISTINGS) {
        // Old records change and go while others come.
        let mut written = batch.to_vec();
        written.push(records[random.below(records.len())].clone());
        let gone = gone(&mut records, &standing, &mut random);
        let key = Key::local("somebody", &app.clock.now());
        let gone = RecordId::new(text(&gone, "kind"), text(&gone, "id"));
        app.ingest
            .withdraw(&gone, Default::default(), &key)
            .expect("the store writes")
            .expect("it was there");
        write(&app, &written);
        let head = app.store.head();
        let started = Instant::now();
        while app.alerts.seen() < head {
            assert!(started.elapsed() < Duration::from_secs(600), "the alerts do not catch up");
            std::thread::sleep(Duration::from_millis(5));
        }
        for subscription in standing.values() {
            let first = app
                .alerts
                .forward
                .first(&subscription.target, subscription.first + BORDER + 1, today)
                .expect("an answer")
                .items;
            let alerts = app.alerts.alerts(&subscription.id).expect("the store reads");
            let alerts: HashSet<RecordId> =
                alerts.iter().map(|alert| RecordId::new(&*alert.kind, &*alert.item)).collect();
            for listing in batch {
                let id = RecordId::new(text(listing, "kind"), text(listing, "id"));
                let rank = first.iter().position(|item| *item == id);
                let expected = rank.is_some_and(|rank| rank < subscription.first);
                pairs += 1;
                fired += usize::from(expected);
                if rank.is_some_and(|rank| rank.abs_diff(subscription.first) <= BORDER) {
                    continue;
                }
                assert_eq!(
                    alerts.contains(&id),
                    expected,
                    "{id} among the first {} of {:?}",
                    subscription.first,
                    subscription.target
                );
            }
        }
    }
    drop(follower);
    println!("{pairs} pairs, {fired} alerts");
    assert!(pairs >= 10_000 && fired >= 100, "{pairs} pairs, {fired} alerts");
}

/// The reverse index reads queries, filters and selections as the engine does.
#[test]
fn standing_queries_match_what_the_engine_finds() {
    let mut random = Random::seeded();
    let (app, _folder, records) = open(&mut random);
    write(&app, &records);
    app.catch_up(&mut |_| {}).expect("the index is written");
    let today = app.clock.today();
    let items: Vec<Item> = records
        .iter()
        .map(|record| {
            let id = RecordId::new(text(record, "kind"), text(record, "id"));
            let stored = app.store.get(&id).expect("the store reads").expect("it was written");
            let record = indexing::read(&stored).expect("a record");
            let kind = app.catalog.kind(&record.kind).expect("a kind");
            let indexed = index_record(kind, &record, &app.analyzer).expect("published");
            Item::new(&indexed, &app.catalog)
        })
        .collect();
    let searches = Searches::new(&records);
    let mut index = ReverseIndex::default();
    let mut expected: Vec<(String, BTreeSet<RecordId>)> = Vec::new();
    for _ in 0..400 {
        let request = searches.random(&mut random);
        let standing = app.search.standing(&request).expect("a good request");
        for rung in &standing.rungs {
            let search = Search {
                query: rung.query.clone(),
                parts: Vec::new(),
                rankers: Vec::new(),
                filter: standing.filter.clone(),
                selections: standing.selections.clone(),
                facets: Vec::new(),
                order: Order::Newest,
                limit: 10_000,
                offset: 0,
                after: None,
                least: 0,
                today,
            };
            let found = app.engine.search(&search).expect("an answer");
            let found: BTreeSet<RecordId> = found.hits.into_iter().map(|hit| hit.id).collect();
            let condition = Condition::new(
                &[&rung.query],
                standing.filter.as_ref(),
                &standing.selections,
                &app.catalog,
                &app.alerts.forward,
            );
            let slot = expected.len() as u32;
            // What was in a place leaves nothing behind there.
            index.insert(slot, condition.clone(), &app.alerts.forward);
            index.insert(slot + 1, condition.clone(), &app.alerts.forward);
            index.insert(slot, condition, &app.alerts.forward);
            expected.push((format!("{request:?} {:?}", rung.relaxation), found));
        }
    }
    index.remove(expected.len() as u32);
    let mut held = vec![BTreeSet::new(); expected.len()];
    for item in &items {
        for slot in index.matches(item, today, |_| 1.0) {
            held[slot as usize].insert(item.id().clone());
        }
    }
    for ((request, expected), held) in expected.iter().zip(&held) {
        assert_eq!(held, expected, "{request}");
    }
    let (compared, matching) = (expected.len(), held.iter().map(BTreeSet::len).sum::<usize>());
    assert!(compared > 600 && matching > 2_000, "{compared} queries, {matching} matches");
}

/// A service in a temporary folder, and the sample corpus in random order.
fn open(random: &mut Random) -> (App, tempfile::TempDir, Vec<Value>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { data: folder.path().join("data"), ..Config::default() };
    let app = App::open(&config).expect("the data folder opens");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-corpus");
    let mut records: Vec<Value> = app
        .catalog
        .kinds
        .iter()
        .flat_map(|kind| {
            let path = corpus.join(format!("{}.jsonl", kind.name));
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<_>>()
        })
        .collect();
    for at in (1..records.len()).rev() {
        records.swap(at, random.below(at + 1));
    }
    (app, folder, records)
}

/// Takes out a record that is not matched itself.
fn gone(
    records: &mut Vec<Value>,
    standing: &HashMap<String, Subscription>,
    random: &mut Random,
) -> Value {
    loop {
        let at = random.below(records.len());
        let is_subject = standing.values().any(|subscription| {
            matches!(&subscription.target, Target::Record { kind, id, .. }
                if kind == text(&records[at], "kind") && id == text(&records[at], "id"))
        });
        if !is_subject {
            return records.swap_remove(at);
        }
    }
}

/// A record, and a kind that records of its kind are matched with.
fn matched(app: &App, record: Value, random: &mut Random) -> Option<Target> {
    let record = &record;
    let targets = app.matches.rules.targets(text(record, "kind"));
    let pair = targets.get(random.below(targets.len().max(1)))?;
    Some(Target::Record {
        kind: text(record, "kind").to_owned(),
        id: text(record, "id").to_owned(),
        to: pair.to.to_string(),
    })
}

fn write(app: &App, records: &[Value]) {
    let now = app.clock.now();
    let key = Key::local("somebody", &now);
    let drafts = records
        .iter()
        .map(|record| {
            let object = record.as_object().expect("an object").clone();
            Draft::from_object(object, None, None).expect("a good record")
        })
        .collect();
    for answer in app.ingest.put(drafts, &key, &now).expect("the store writes") {
        answer.expect("a good record");
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().expect("a text")
}

/// What searches are made of.
struct Searches {
    kinds: Vec<String>,
    titles: Vec<Vec<char>>,
    codes: Vec<String>,
    places: Vec<String>,
    fields: Vec<String>,
}

impl Searches {
    fn new(records: &[Value]) -> Self {
        let texts = |name: &str| -> Vec<String> {
            let value = |value: &Value| value.as_str().map(str::to_owned);
            let mut texts: Vec<String> = records
                .iter()
                .flat_map(|record| match &record[name] {
                    Value::Array(items) => items.iter().filter_map(value).collect(),
                    one => value(one).into_iter().collect::<Vec<_>>(),
                })
                .collect();
            texts.sort();
            texts.dedup();
            texts
        };
        Self {
            kinds: texts("kind"),
            titles: texts("title").iter().map(|title| title.chars().collect()).collect(),
            codes: texts("document_number"),
            places: texts("division_code"),
            fields: texts("tech_fields"),
        }
    }

    fn random(&self, random: &mut Random) -> SearchRequest {
        let mut object = Map::new();
        let q = match random.below(10) {
            0 => String::new(),
            1 => format!("\"{}\"", self.words(random, 4)),
            2 => format!("{} -{}", self.words(random, 2), self.words(random, 2)),
            3 => random.pick(&self.codes).clone(),
            4 => format!("{} \"{}\"", self.words(random, 3), self.words(random, 2)),
            5 => self.words(random, 1),
            6 => self.words(random, 12),
            _ => format!("{} {}", self.words(random, 3), self.words(random, 2)),
        };
        object.insert("q".into(), q.into());
        match random.below(8) {
            0 => drop(object.insert("in".into(), "title".into())),
            1 => drop(object.insert("in".into(), "code".into())),
            _ => {}
        }
        if random.below(3) == 0 {
            object.insert("kind".into(), vec![random.pick(&self.kinds).clone()].into());
        }
        let filter = match random.below(12) {
            0 => format!("division_code WITHIN {}", random.pick(&self.places)),
            1 => format!("division_code COVERS {}", random.pick(&self.places)),
            2 => format!("kind IN [{}, {}]", random.pick(&self.kinds), random.pick(&self.kinds)),
            3 => format!("published_on >= 2026-{:02}-01", 1 + random.below(12)),
            4 => format!("NOT tech_fields = {}", random.pick(&self.fields)),
            5 => format!(
                "tech_fields EXISTS AND (tech_fields = {} OR expires_on IS NULL)",
                random.pick(&self.fields)
            ),
            6 => format!("document_number = \"{}\"", random.pick(&self.codes)),
            7 => "budget_yuan 100000 TO 5000000 OR price_yuan > 10000".into(),
            _ => String::new(),
        };
        if !filter.is_empty() {
            object.insert("filter".into(), filter.into());
        }
        let select = match random.below(8) {
            0 => format!("kind:{}", random.pick(&self.kinds)),
            1 => format!("division_code:{}", random.pick(&self.places)),
            2 => "windows.closes:next_90d".into(),
            _ => String::new(),
        };
        if !select.is_empty() {
            object.insert("select".into(), vec![select].into());
        }
        match random.below(8) {
            0 => drop(object.insert("sort".into(), "newest".into())),
            1 => drop(object.insert("sort".into(), "expires_on:asc".into())),
            _ => {}
        }
        serde_json::from_value(object.into()).expect("a request")
    }

    /// A piece of a title.
    fn words(&self, random: &mut Random, length: usize) -> String {
        let title = random.pick(&self.titles);
        let start = random.below(title.len().saturating_sub(length) + 1);
        title[start..].iter().take(length).filter(|ch| **ch != '"').collect()
    }
}
