use serde_json::{Value, json};

use super::*;
use crate::applicability::Dictionary;
use crate::record::{Catalog, RecordKind};

fn dictionary() -> Arc<Dictionary> {
    let catalog = Arc::new(Catalog::open(None).expect("the embedded configuration"));
    Arc::new(Dictionary::new(catalog).expect("its attributes"))
}

fn kind(dictionary: &Dictionary) -> &RecordKind {
    let mut kinds = dictionary.catalog().kinds.iter();
    kinds.find(|kind| kind.applicability.is_some()).expect("a kind with rules")
}

fn rules(fields: &Value, dictionary: &Dictionary) -> Rules {
    let fields = fields.as_object().expect("an object");
    let (rules, violations) =
        Rules::read(kind(dictionary), fields, dictionary).expect("a kind with rules");
    assert!(violations.is_empty(), "{violations:?}");
    rules
}

fn profile(said: &Value, dictionary: &Dictionary) -> Profile {
    let said = said.as_object().expect("an object");
    Profile::read(said, dictionary, 20_000, 20_000).expect("a sound profile").0
}

/// A record for a place that asks for so many people, of two forms of organization or a group of checks.
fn record(place: &str, staff: usize, dictionary: &Dictionary) -> Rules {
    let staff = json!({ "attr": "staff", "op": "ge", "value": staff });
    let kind = json!({ "attr": "entity_type", "op": "in", "value": ["company"] });
    let conditions = json!([
        { "id": "c1", "text": "t", "clause": "一", "all": [staff.clone()] },
        { "id": "c2", "text": "t", "clause": "二", "any": [kind, { "all": [staff] }] },
    ]);
    rules(&json!({ "applies_to": [place], "conditions": conditions }), dictionary)
}

const PLACES: [&str; 6] = ["000000", "370000", "370200", "370212", "370100", "110105"];

#[test]
fn what_nobody_states_any_more_goes() {
    let dictionary = dictionary();
    let (mut changed, mut fresh) = (Table::new(dictionary.clone()), Table::new(dictionary.clone()));
    let id = |at: usize| RecordId::new("k", format!("r{at}"));
    for version in 1..=20 {
        for at in 0..50 {
            let rules = record(PLACES[(at + version) % 6], 100 * version + at, &dictionary);
            changed.put(id(at), &rules);
        }
    }
    for at in 0..40 {
        fresh.put(id(at), &record(PLACES[(at + 20) % 6], 2_000 + at, &dictionary));
    }
    (40..50).for_each(|at| changed.remove(&id(at)));
    changed.sort();
    fresh.sort();
    let sizes = |table: &Table| {
        let by_hash = table.checks_by_hash.len() + table.conditions_by_hash.len();
        (
            (table.checks.len(), table.conditions.len(), table.code.len()),
            (table.regions.len(), table.regions_by_condition.len(), by_hash),
            (table.rows.len(), table.links.len()),
        )
    };
    assert_eq!(sizes(&changed), sizes(&fresh));
    // And what is left says the same.
    let said = [
        json!({ "reg_region": "370212", "staff": 2_010, "entity_type": "company" }),
        json!({ "reg_region": "370200", "staff": 2_030 }),
        json!({}),
    ];
    for said in &said {
        let profile = profile(said, &dictionary);
        let judged = |table: &Table| {
            let mut judged = Vec::new();
            let elsewhere = table.judge(&profile, 20_000, Among::Everything, |standing| {
                let id = table.id(standing.row).id.clone();
                judged.push((id, standing.verdict, standing.near, standing.missing));
            });
            judged.sort_by(|left, right| left.0.cmp(&right.0));
            (elsewhere, judged)
        };
        assert_eq!(judged(&changed), judged(&fresh), "{said}");
    }
    // What comes later finds what was kept.
    let before = sizes(&changed);
    changed.put(id(0), &record(PLACES[20 % 6], 2_000, &dictionary));
    changed.sort();
    assert_eq!(sizes(&changed), before);
}

#[test]
fn every_region_is_decided_as_its_condition_is() {
    let dictionary = dictionary();
    let mut table = Table::new(dictionary.clone());
    let mut all: Vec<Rules> = Vec::new();
    for left in PLACES {
        for right in PLACES {
            let places = if left == right { vec![left] } else { vec![left, right] };
            all.push(rules(&json!({ "applies_to": places }), &dictionary));
        }
    }
    all.push(rules(&json!({}), &dictionary));
    for (at, rules) in all.iter().enumerate() {
        table.put(RecordId::new("k", format!("r{at}")), rules);
    }
    for said in PLACES.map(|place| json!({ "reg_region": place })).iter().chain([&json!({})]) {
        let profile = profile(said, &dictionary);
        let judge = Judge::new(&table, &profile, 20_000);
        for (at, rules) in all.iter().enumerate() {
            let node = explain::region_node(rules, &dictionary);
            let expected =
                node.map_or(Verdict::Pass, |node| node.verdict(&profile, rules.moment_on(20_000)));
            let found = judge.region(table.rows[at].region);
            assert_eq!(found, expected, "{said} {:?}", rules.regions);
        }
    }
}

#[test]
fn those_taken_out_are_not_elsewhere() {
    let dictionary = dictionary();
    let mut table = Table::new(dictionary.clone());
    let id = |at: usize| {
        RecordId::new(if at.is_multiple_of(2) { "k" } else { "other" }, format!("r{at}"))
    };
    for at in 0..60 {
        table.put(id(at), &record(PLACES[at % 6], at, &dictionary));
    }
    table.sort();
    let profile = profile(&json!({ "reg_region": "440305" }), &dictionary);
    let elsewhere = |table: &Table, among| table.judge(&profile, 20_000, among, |_| {});
    // Ten of the sixty are for everywhere.
    assert_eq!(elsewhere(&table, Among::Everything), 50);
    assert_eq!(elsewhere(&table, Among::Kinds(&[true, false])), 20);
    for at in 0..30 {
        table.remove(&id(at));
    }
    table.put(id(1), &record("370212", 1, &dictionary));
    assert_eq!(elsewhere(&table, Among::Everything), 26);
    let mut counted = 0;
    table.elsewhere(&profile, 20_000, &[false, true], |row| {
        assert_eq!(&*table.id(row).kind, "other");
        counted += 1;
    });
    assert_eq!(elsewhere(&table, Among::Kinds(&[false, true])), counted);
    table.sort();
    assert_eq!(elsewhere(&table, Among::Everything), 26);
}
