//! The sample's own promises: it quotes what it models, and it uses everything that rules can say.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::file;

pub fn policies() -> Vec<Map<String, Value>> {
    lines("sample-corpus/policy.jsonl")
}

pub fn profiles() -> Vec<Map<String, Value>> {
    lines("sample-corpus/profiles/profiles.jsonl")
}

fn lines(path: &str) -> Vec<Map<String, Value>> {
    file(path).lines().map(|line| serde_json::from_str(line).expect(path)).collect()
}

fn entries<'a>(record: &'a Map<String, Value>, field: &str) -> impl Iterator<Item = &'a Value> {
    record.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Adds every operator and group of a condition tree.
fn operators(node: &Value, found: &mut BTreeSet<String>) {
    found.extend(node["op"].as_str().map(str::to_owned));
    for group in ["all", "any", "none", "at_least"] {
        if node.get(group).is_some() {
            found.insert(group.to_owned());
        }
    }
    for group in ["all", "any", "none", "of"] {
        node[group].as_array().into_iter().flatten().for_each(|node| operators(node, found));
    }
}

/// Adds the arithmetic of an expression.
fn arithmetic(expression: &str, found: &mut BTreeSet<String>) {
    let functions = ["sum(", "avg(", "min(", "max("];
    found.extend(
        functions
            .iter()
            .filter(|name| expression.contains(**name))
            .map(|name| name.replace('(', "")),
    );
    let outside_years: String = expression
        .split('[')
        .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
        .collect();
    found.extend(outside_years.chars().filter(|sign| "+-*/".contains(*sign)).map(String::from));
}

fn expressions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if ["expr", "base", "cap_expr"].contains(&key.as_str()) => {
                        arithmetic(text, found);
                    }
                    value => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[track_caller]
fn covers(what: &str, found: &BTreeSet<String>, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(*found, expected, "{what}");
}

#[test]
fn every_form_of_rule_is_used() {
    let (mut used, mut signs) = (BTreeSet::new(), BTreeSet::new());
    let [mut kinds, mut rules, mut windows] = [const { BTreeSet::<String>::new() }; 3];
    let mut sets = 0;
    for policy in policies() {
        let conditions: Vec<&Value> = entries(&policy, "conditions").collect();
        sets += usize::from(!conditions.is_empty());
        conditions.iter().for_each(|condition| operators(condition, &mut used));
        policy.values().for_each(|value| expressions(value, &mut signs));
        kinds.extend(entries(&policy, "amounts").map(|amount| text(amount, "kind").to_owned()));
        rules.extend(entries(&policy, "stacking").map(|rule| text(rule, "rule").to_owned()));
        windows.extend(entries(&policy, "windows").map(|window| text(window, "kind").to_owned()));
    }
    assert!(sets >= 120, "{sets} policies have conditions");
    let operators = [
        "in",
        "within",
        "has",
        "has_any",
        "has_all",
        "ge",
        "gt",
        "le",
        "lt",
        "between",
        "before",
        "after",
        "months_since_ge",
        "is",
        "all",
        "any",
        "none",
        "at_least",
    ];
    covers("operators", &used, &operators);
    covers("arithmetic", &signs, &["+", "-", "*", "/", "sum", "avg", "min", "max"]);
    covers("amounts", &kinds, &["fixed", "rate", "tiers", "per_unit", "in_kind", "discretionary"]);
    covers("stacking", &rules, &["exclusive", "not_with", "requires", "share_of", "group_cap"]);
    covers("windows", &windows, &["batch", "rolling", "once"]);
}

#[test]
fn rules_quote_the_text_they_stand_for() {
    let ids: BTreeSet<String> =
        policies().iter().map(|policy| policy["id"].as_str().unwrap().to_owned()).collect();
    for policy in policies() {
        let id = policy["id"].as_str().unwrap();
        let body = policy["body"].as_str().unwrap();
        for field in ["conditions", "judgements", "stacking"] {
            for entry in entries(&policy, field) {
                let quoted = text(entry, "text").trim_end_matches(['。', '；']);
                assert!(!quoted.is_empty() && body.contains(quoted), "{id} {field}: {quoted}");
            }
        }
        for field in ["conditions", "judgements", "amounts", "stacking"] {
            for entry in entries(&policy, field) {
                // 第三条第（一）项 stands in the text as 第三条.
                let clause = text(entry, "clause");
                let article =
                    clause.find('条').map_or(clause, |at| &clause[..at + '条'.len_utf8()]);
                let article = article.split(['、', '（', ' ']).next().unwrap();
                assert!(
                    !article.is_empty() && body.contains(article),
                    "{id} {field}: clause {clause}"
                );
            }
        }
        for entry in entries(&policy, "stacking") {
            for other in entry["with"].as_array().into_iter().flatten() {
                assert!(ids.contains(other.as_str().unwrap()), "{id}: no policy {other}");
            }
        }
        let is_full = policy["fidelity"] == "full";
        assert!(
            !is_full || policy.get("judgements").is_none(),
            "{id} is full and leaves something to people"
        );
    }
}

#[test]
fn related_policies_agree_about_dates() {
    let policies = policies();
    for policy in &policies {
        for relation in entries(policy, "relations") {
            let Some(other) = policies.iter().find(|other| other["id"] == relation["id"]) else {
                panic!("{}: no policy {}", policy["id"], relation["id"]);
            };
            if !["replaces", "repeals"].contains(&text(relation, "type")) {
                continue;
            }
            let begins =
                policy.get("effective_on").unwrap_or(&policy["issued_on"]).as_str().unwrap();
            let ends = other.get("expires_on").and_then(Value::as_str).unwrap_or_default();
            assert!(
                !ends.is_empty() && ends <= begins,
                "{} ends {ends}, {} begins {begins}",
                other["id"],
                policy["id"]
            );
        }
    }
}

#[test]
fn there_are_forty_profiles() {
    let profiles = profiles();
    assert_eq!(profiles.len(), 40);
    for (at, profile) in profiles.iter().enumerate() {
        assert_eq!(profile["id"], format!("profile-{:02}", at + 1));
        assert!(profile["name"].as_str().unwrap().ends_with("（示例）"));
        assert!(profile["profile"].is_object());
    }
}
