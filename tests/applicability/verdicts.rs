//! Verdicts and sums: the tables beside this file are right, or say why not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sample::policies;
use crate::service::{ANSWERS, Answer, SERVICE, TODAY, answer, letter, profile};
use crate::table;

/// Says what each condition of an item came to.
fn told(answer: &Answer, policy: &str) -> String {
    let Some(item) = answer.items.get(policy) else { return "excluded".into() };
    let conditions = item["conditions"].as_array().into_iter().flatten();
    let told = conditions.map(|condition| {
        format!("{}{}", condition["id"].as_str().unwrap_or(""), letter(&condition["verdict"]))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[test]
fn verdicts_are_the_golden_ones() {
    let golden = table::<5>("golden.tsv");
    let ids: Vec<&str> = golden.iter().map(|[id, ..]| id.as_str()).collect();
    for policy in policies() {
        assert!(
            ids.contains(&policy["id"].as_str().unwrap()),
            "{} has no line in golden.tsv",
            policy["id"]
        );
    }
    let mut wrong = Vec::new();
    for [id, groups @ ..] in &golden {
        let expected: String = groups.concat();
        assert_eq!(expected.len(), ANSWERS.len(), "{id}: a letter a profile");
        for (at, (expected, answer)) in expected.chars().zip(&*ANSWERS).enumerate() {
            let found = answer.letter(id);
            if found != expected {
                wrong.push(format!(
                    "{id} profile-{:02}: {expected} expected, {found}: {}",
                    at + 1,
                    told(answer, id)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} verdicts differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hard_cases_come_out_as_worked_out_by_hand() {
    let mut wrong = Vec::new();
    for [policy, number, condition, expected, because] in table::<5>("cases.tsv") {
        let answer = answer(&number);
        let found = match condition.as_str() {
            "*" => answer.letter(&policy),
            id => {
                answer.condition(&policy, id).map_or('x', |condition| letter(&condition["verdict"]))
            }
        };
        if found.to_string() != expected {
            wrong.push(format!(
                "{policy} profile-{number} {condition}: {expected} expected, {found}: {because}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rules_of_the_day_apply() {
    let mut wrong = Vec::new();
    for [day, policy, number, expected, because] in table::<5>("as_of.tsv") {
        let found = SERVICE.check(&profile(&number), &day).letter(&policy);
        if found.to_string() != expected {
            wrong.push(format!(
                "{day} {policy} profile-{number}: {expected} expected, {found}: {because}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn amounts_come_out_as_worked_out_by_hand() {
    let mut wrong = Vec::new();
    for [policy, number, status, low, high, because] in table::<6>("amounts.tsv") {
        let answer = answer(&number);
        let Some(item) = answer.items.get(&policy) else {
            panic!("{policy} profile-{number} is excluded")
        };
        let amount = &item["amount"];
        let money = |text: &str| -> Option<f64> {
            text.parse().ok().map(|ten_thousands: f64| ten_thousands * 10_000.0)
        };
        let agrees = amount["status"] == *status
            && amount["low"].as_f64() == money(&low)
            && amount["high"].as_f64() == money(&high);
        if !agrees {
            wrong.push(format!(
                "{policy} profile-{number}: {status} {low}–{high} expected, {amount}: {because}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} amounts differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Writes whole amounts of money as people do: `4800万元`, in full width, or as a band of one number.
fn as_people_write(value: &Value, form: usize) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), as_people_write(value, form)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Number(number) => match number.as_i64() {
            Some(yuan) if yuan >= 100_000 => match form {
                0 => Value::from(format!("{}万元", yuan as f64 / 10_000.0)),
                1 => {
                    let digits = yuan.to_string();
                    let wide =
                        digits.chars().map(|digit| char::from_u32(digit as u32 + 0xFEE0).unwrap());
                    Value::from(wide.collect::<String>())
                }
                _ => serde_json::json!({ "min": yuan, "max": yuan }),
            },
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

#[test]
fn the_way_numbers_are_written_changes_nothing() {
    for number in ["02", "05", "08", "10", "40"] {
        let plain = profile(number);
        let expected = answer(number);
        for form in 0..3 {
            let written = as_people_write(&plain, form);
            assert_ne!(written, plain);
            let found = SERVICE.check(&written, TODAY);
            for id in expected.items.keys() {
                assert_eq!(
                    found.letter(id),
                    expected.letter(id),
                    "profile-{number} {id}, form {form}"
                );
                assert_eq!(
                    found.items[id]["amount"], expected.items[id]["amount"],
                    "profile-{number} {id}, form {form}"
                );
            }
        }
    }
}

#[test]
fn gaps_are_in_the_firms_own_numbers() {
    for [policy, number, condition, by, because] in table::<5>("gaps.tsv") {
        let answer = answer(&number);
        let found =
            answer.condition(&policy, &condition).unwrap_or_else(|| panic!("{policy} {condition}"));
        let gaps: Vec<f64> = found["gaps"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|gap| gap["by"].as_f64())
            .collect();
        let expected = by.parse::<f64>().unwrap() * 10_000.0;
        assert!(
            gaps.iter().any(|gap| (gap - expected).abs() < 1.0),
            "{policy} profile-{number} {condition}: {expected} expected, {found}: {because}"
        );
        assert!(because.contains('-') || because.contains('，'), "{policy}: say how");
    }
}

/// Stacking entries of the sample, by policy.
fn stacking() -> BTreeMap<String, Vec<Value>> {
    let of = |policy: serde_json::Map<String, Value>| {
        let entries = policy.get("stacking").and_then(Value::as_array).cloned().unwrap_or_default();
        (policy["id"].as_str().unwrap().to_owned(), entries)
    };
    policies().into_iter().map(of).collect()
}

fn names(entry: &Value, id: &str) -> bool {
    entry["with"].as_array().is_some_and(|with| with.iter().any(|other| other == id))
}

#[test]
fn portfolios_keep_the_rules_they_quote() {
    let stacking = stacking();
    let member =
        |id: &str, group: &Value| stacking[id].iter().any(|entry| entry["group"] == *group);
    let (mut totals, mut exclusions) = (0, 0);
    for (at, answer) in ANSWERS.iter().enumerate() {
        let portfolio = &answer.body["portfolio"];
        let chosen: Vec<&str> = portfolio["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["id"].as_str().expect("an item has an id"))
            .collect();
        for &id in &chosen {
            assert_eq!(
                answer.letter(id),
                'p',
                "profile-{:02} {id}: only what applies is counted",
                at + 1
            );
            for entry in &stacking[id] {
                let others = chosen.iter().filter(|other| **other != id);
                match entry["rule"].as_str().unwrap() {
                    "exclusive" => others.for_each(|other| {
                        assert!(
                            !member(other, &entry["group"]),
                            "profile-{:02}: {id} and {other}: {entry}",
                            at + 1
                        );
                    }),
                    "not_with" => others.for_each(|other| {
                        assert!(
                            !names(entry, other),
                            "profile-{:02}: {id} and {other}: {entry}",
                            at + 1
                        );
                    }),
                    "requires" => {
                        let with = entry["with"].as_array().unwrap();
                        assert!(
                            with.iter().all(|other| chosen.contains(&other.as_str().unwrap())),
                            "profile-{:02}: {id} without what it needs: {entry}",
                            at + 1
                        );
                    }
                    _ => {}
                }
            }
        }
        // No high: something in it has no upper bound.
        let low = portfolio["low"].as_f64().unwrap();
        let high = portfolio["high"].as_f64().unwrap_or(f64::INFINITY);
        assert!(low <= high, "profile-{:02}: {low} to {high}", at + 1);
        totals += usize::from(high > 0.0);
        for exclusion in portfolio["exclusions"].as_array().expect("exclusions") {
            assert!(
                exclusion["clause"].as_str().is_some_and(|clause| !clause.is_empty()),
                "{exclusion}"
            );
            exclusions += 1;
        }
    }
    assert!(
        totals >= 25 && exclusions >= 60,
        "{totals} portfolios give something, {exclusions} exclusions are told"
    );
}

#[test]
fn answers_quote_the_clause() {
    let bodies: BTreeMap<String, String> = policies()
        .into_iter()
        .map(|policy| {
            (policy["id"].as_str().unwrap().to_owned(), policy["body"].as_str().unwrap().to_owned())
        })
        .collect();
    let answer = answer("05");
    let mut told = 0;
    for (id, item) in &answer.items {
        for condition in item["conditions"].as_array().unwrap() {
            let text = condition["text"].as_str().unwrap();
            // What follows from the fields of the record stands in no clause.
            let is_implied =
                ["region", "audience", "industry"].contains(&condition["id"].as_str().unwrap());
            assert!(
                is_implied || bodies[id].contains(text.trim_end_matches('。')),
                "{id}: {condition}"
            );
            assert!(
                condition["clause"].as_str().is_some_and(|clause| !clause.is_empty()),
                "{id}: {condition}"
            );
            let is_decided = letter(&condition["verdict"]) != 'u';
            assert_eq!(
                condition["need_data"].as_array().unwrap().is_empty(),
                is_decided,
                "{id}: {condition}"
            );
            told += 1;
        }
    }
    assert!(told > 150, "{told} conditions are told");
}

/// What a typical firm of the city should get out of a check: something to apply for now with an amount, something it
/// just misses, and what excludes what.
#[test]
fn typical_firms_get_something_to_act_on() {
    for number in ["02", "03", "05", "08", "09", "12"] {
        let answer = answer(number);
        let now = |item: &&Value| {
            ["open", "rolling"].contains(&item["window"]["state"].as_str().unwrap_or(""))
                && item["verdict"] == "pass"
                && item["amount"]["high"].as_f64().is_some_and(|high| high > 0.0)
        };
        let open = answer.items.values().filter(now).count();
        let near = answer.items.values().filter(|item| item["near"] == true).count();
        let judged = answer
            .items
            .values()
            .filter(|item| item["judge"].as_array().is_some_and(|judge| !judge.is_empty()));
        assert!(open >= 5, "profile-{number}: {open} to apply for now");
        assert!(near >= 1, "profile-{number}: {near} near misses");
        assert!(judged.count() >= 10, "profile-{number}");
        assert!(
            !answer.body["portfolio"]["exclusions"].as_array().unwrap().is_empty(),
            "profile-{number}"
        );
        assert!(answer.body["questions"].as_array().unwrap().len() <= 3, "profile-{number}");
    }
}
