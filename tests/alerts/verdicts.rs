//! The law of verdicts: whatever changes — a record, what ends it, a profile, the day —, a subscriber is told of every
//! record whose verdict is another than before, once, and of nothing else.
//!
//! What happens is made up at random.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

use kechuang::app::App;
use kechuang::applicability::{Level, Verdict};
use kechuang::config::Config;
use kechuang::record::RecordId;
use kechuang::record::value::days;
use kechuang::service::alerts::SubscriptionDraft;
use kechuang::service::alerts::subscription::{Event, Subscription, Target};
use kechuang::service::applicability::CheckRequest;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Key;
use serde_json::{Map, Value, json};

use crate::Random;

const KIND: &str = "policy";
const PROFILES: usize = 5;
const STEPS: usize = 60;

/// Verdicts by subscription and record; what fails is left out.
type Standings = BTreeMap<(String, String), Level>;

struct World {
    app: App,
    day: Arc<AtomicI32>,
    profiles: BTreeMap<String, Map<String, Value>>,
    subscriptions: Vec<(String, Subscription)>,
    /// Alerts of verdicts that were seen already.
    seen: BTreeSet<String>,
    syncs: usize,
}

#[test]
fn every_change_of_a_verdict_is_told_once_and_nothing_else() {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config { data: folder.path().join("data"), ..Config::default() };
    let app = App::open(&config).expect("the data folder opens");
    let day = Arc::new(AtomicI32::new(days("2026-03-01").expect("a date")));
    let stop = Arc::new(AtomicBool::new(false));
    let (_, indexing) = app.indexing().follow(stop.clone());
    let clock = day.clone();
    let mut threads = app.alerts.follow(move || clock.load(Ordering::SeqCst), stop.clone());
    threads.push(indexing);
    let mut world = World {
        app,
        day,
        profiles: BTreeMap::new(),
        subscriptions: Vec::new(),
        seen: BTreeSet::new(),
        syncs: 0,
    };
    for at in 0..12 {
        world.write(&format!("p{at}"), &mut random);
    }
    world.sync();
    for at in 0..PROFILES {
        let id = format!("firm-{at}");
        world.keep(&id, firm(&mut random));
        let target = Target::Verdicts { profile_id: id.clone(), to: None };
        world.subscribe(&id, target);
    }
    world.sync();
    let mut before = world.standings();
    let (mut told, mut changed) = (0, 0);
    let mut step = 0;
    // As long as hardly anything has happened, it goes on.
    while step < STEPS || told < STEPS || changed * 4 < step {
        assert!(step < 4 * STEPS, "hardly anything happened: {told}, {changed}");
        step += 1;
        let what = match random.below(6) {
            0 => world.pass_days(1 + random.below(40) as i32),
            1 => {
                let id = format!("firm-{}", random.below(PROFILES));
                let mut profile = world.profiles[&id].clone();
                let other = firm(&mut random);
                for name in ["staff", "quals", "registered_on"] {
                    match other.get(name).filter(|_| random.below(3) > 0) {
                        Some(value) => drop(profile.insert(name.into(), value.clone())),
                        None => drop(profile.remove(name)),
                    }
                }
                world.keep(&id, profile);
                format!("{id} is another")
            }
            2 => {
                let id = format!("p{}", random.below(16));
                world.withdraw(&id);
                format!("{id} is withdrawn")
            }
            _ => {
                let id = format!("p{}", random.below(16));
                world.write(&id, &mut random);
                format!("{id} is written")
            }
        };
        world.sync();
        let after = world.standings();
        let expected = differences(&before, &after);
        let found = world.new_alerts();
        assert_eq!(found, expected, "step {step}: {what}");
        told += found.len();
        changed += usize::from(!found.is_empty());
        before = after;
    }
    println!("{told} alerts in {changed} of {step} steps");
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
}

fn differences(before: &Standings, after: &Standings) -> Vec<(String, String, Level, Level)> {
    let keys: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let level =
        |of: &Standings, key: &(String, String)| of.get(key).copied().unwrap_or(Level::Fail);
    keys.into_iter()
        .map(|key| (key.0.clone(), key.1.clone(), level(before, key), level(after, key)))
        .filter(|(_, _, was, now)| was != now)
        .collect()
}

impl World {
    fn today(&self) -> i32 {
        self.day.load(Ordering::SeqCst)
    }

    fn key(&self) -> Key {
        Key::local("somebody", &self.app.clock.now())
    }

    fn write(&self, id: &str, random: &mut Random) {
        let object = policy(id, random);
        let draft = Draft::from_object(object, None, None).expect("a good record");
        let written = self.app.ingest.put(vec![draft], &self.key(), &self.app.clock.now());
        written.expect("the store writes").remove(0).expect("a good record");
    }

    fn withdraw(&self, id: &str) {
        // It may not be there.
        let id = RecordId::new(KIND, id);
        let _ = self.app.ingest.withdraw(&id, Default::default(), &self.key());
    }

    fn keep(&mut self, id: &str, profile: Map<String, Value>) {
        let body =
            json!({ "name": id, "profile": profile }).as_object().expect("an object").clone();
        let now = self.app.clock.now();
        let kept = self.app.profiles.put(Some(id.into()), body, &self.key(), &now, self.today());
        kept.expect("the store writes").expect("a good profile");
        self.profiles.insert(id.to_owned(), profile);
    }

    fn subscribe(&mut self, profile: &str, target: Target) {
        let draft =
            SubscriptionDraft { title: None, target, first: None, events: vec![], webhook: None };
        let made = self.app.alerts.create(draft, "somebody", &self.app.clock.now(), self.today());
        let made = made.expect("the store writes").expect("a good subscription");
        assert_eq!(made.title, profile);
        self.subscriptions.push((profile.to_owned(), made));
    }

    fn pass_days(&self, count: i32) -> String {
        let today = self.day.fetch_add(count, Ordering::SeqCst) + count;
        format!("{count} days pass, to {today}")
    }

    /// Waits until everything that was written has been looked at, on the day that it is now.
    fn sync(&mut self) {
        // A first write may be read by somebody who still thinks of yesterday.
        for _ in 0..2 {
            self.syncs += 1;
            let object =
                json!({ "kind": "report", "id": "sync", "title": format!("{}", self.syncs) });
            let draft = Draft::from_object(object.as_object().expect("one").clone(), None, None);
            let draft = draft.expect("a good record");
            let written = self.app.ingest.put(vec![draft], &self.key(), &self.app.clock.now());
            written.expect("the store writes").remove(0).expect("a good record");
            let head = self.app.store.head();
            let started = Instant::now();
            while self.app.alerts.seen() < head {
                assert!(started.elapsed() < Duration::from_secs(120), "alerts do not catch up");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// What fresh checks say.
    fn standings(&self) -> Standings {
        let mut standings = Standings::new();
        for (profile, subscription) in &self.subscriptions {
            let request = CheckRequest {
                profile: self.profiles[profile].clone(),
                as_of: self.today(),
                today: self.today(),
                ..CheckRequest::default()
            };
            let answer = self.app.applicability.check(&request).expect("an answer");
            for item in &answer.items {
                let about = &item.explanation;
                let level = match about.verdict {
                    Verdict::Pass => Level::Pass,
                    Verdict::Unknown => Level::Unknown,
                    Verdict::Fail if about.near => Level::Near,
                    Verdict::Fail => continue,
                };
                standings.insert((subscription.id.clone(), item.id.to_string()), level);
            }
        }
        standings
    }

    /// Alerts that were not there when this was asked last, in order.
    fn new_alerts(&mut self) -> Vec<(String, String, Level, Level)> {
        let mut found = Vec::new();
        for (_, subscription) in &self.subscriptions {
            for alert in self.app.alerts.alerts(&subscription.id).expect("the store reads") {
                if alert.event != Event::Verdict || !self.seen.insert(alert.id.clone()) {
                    continue;
                }
                assert_ne!((alert.title.as_str(), alert.say.as_deref()), ("", Some("")));
                let (was, now) = alert.was.zip(alert.verdict).expect("a verdict says which");
                found.push((subscription.id.clone(), alert.item, was, now));
            }
        }
        found.sort();
        found
    }
}

/// A policy with some conditions; it may hold for some time only, and end another one.
fn policy(id: &str, random: &mut Random) -> Map<String, Value> {
    let mut conditions = vec![json!({
        "id": "c1", "text": "t", "clause": "一",
        "all": [{ "attr": "staff", "op": "ge", "value": random.pick(&[5, 20, 26, 100]) }],
    })];
    if random.below(2) == 0 {
        conditions.push(json!({
            "id": "c2", "text": "t", "clause": "二",
            "any": [{ "attr": "quals", "op": "has", "value": "gaoxin" },
                    { "attr": "registered_on", "op": "months_since_ge", "value": 12 * random.below(8) }],
        }));
    }
    let mut object = json!({
        "kind": KIND, "id": id, "title": format!("办法 {id}"),
        "applies_to": [random.pick(&["000000", "370200", "370100"])],
        "conditions": conditions,
    });
    let date = |random: &mut Random| {
        format!("2026-{:02}-{:02}", 1 + random.below(12), 1 + random.below(28))
    };
    if random.below(3) == 0 {
        object["effective_on"] = json!(date(random));
    }
    if random.below(4) == 0 {
        object["expires_on"] = json!(date(random));
    }
    if random.below(3) == 0 {
        let other = format!("p{}", random.below(16));
        if other != id {
            object["relations"] = json!([{ "type": "replaces", "id": other }]);
        }
    }
    if random.below(12) == 0 {
        object["_state"] = json!("draft");
    }
    object.as_object().expect("an object").clone()
}

fn firm(random: &mut Random) -> Map<String, Value> {
    let quals = [
        json!([]),
        json!(["gaoxin"]),
        json!([{ "code": "gaoxin", "from": "2023-06-15", "to": "2026-06-14" }]),
        json!({ "complete": true, "items": [] }),
    ];
    let firm = json!({
        "reg_region": random.pick(&["370212", "370102"]),
        "staff": random.pick(&[4, 19, 25, 120]),
        "registered_on": format!("20{:02}-03-15", 18 + random.below(8)),
        "quals": random.pick(&quals),
    });
    let firm = firm.as_object().expect("an object").clone();
    firm.into_iter().filter(|(name, _)| name == "reg_region" || random.below(4) > 0).collect()
}
