//! What holds for any rules and any profile: made up at random, and compared with the definition itself.

use std::sync::{Arc, LazyLock};

use kechuang::applicability::explain::{Explanation, explain};
use kechuang::applicability::portfolio::{Candidate, Form, Stack, solve};
use kechuang::applicability::table::{Among, Standing, Table};
use kechuang::applicability::{Dictionary, Level, Profile, Rules, Verdict};
use kechuang::record::value::days;
use kechuang::record::{Catalog, Fields, Lang, RecordId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

pub static DICTIONARY: LazyLock<Arc<Dictionary>> = LazyLock::new(|| {
    let catalog = Catalog::open(None).expect("the embedded configuration");
    Arc::new(Dictionary::new(Arc::new(catalog)).expect("its attributes"))
});

pub fn today() -> i32 {
    days("2026-11-23").unwrap()
}

fn object(value: Value) -> Fields {
    let Value::Object(object) = value else { panic!("{value}") };
    object
}

/// The first kind that is checked by default.
pub fn kind() -> Arc<kechuang::record::RecordKind> {
    let kinds = &DICTIONARY.catalog().kinds;
    let declared = |kind: &&Arc<kechuang::record::RecordKind>| {
        kind.applicability.as_ref().is_some_and(|rules| rules.default)
    };
    kinds.iter().find(declared).expect("a kind with rules").clone()
}

fn rules(fields: Value) -> Rules {
    let (rules, violations) = Rules::read(&kind(), &object(fields), &DICTIONARY).unwrap();
    assert_eq!(violations, []);
    rules
}

fn profile(value: &Value) -> Profile {
    let (profile, _) =
        Profile::read(value.as_object().unwrap(), &DICTIONARY, today(), today()).unwrap();
    profile
}

fn judge(rules: &Rules, profile: &Profile) -> Explanation {
    explain(rules, profile, today(), None, &DICTIONARY, Lang::Zh)
}

fn one_condition(tree: &Value) -> Rules {
    let mut condition = tree.clone();
    for (key, value) in [("id", "c1"), ("text", "条件"), ("clause", "第一条")] {
        condition[key] = json!(value);
    }
    rules(json!({ "conditions": [condition] }))
}

/// What may be said of each attribute: few values, so that every combination can be tried.
fn domain() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("staff", vec![json!(5), json!(20)]),
        ("rd_staff", vec![json!(1), json!(4)]),
        ("revenue", vec![json!({ "2025": 4_000_000 }), json!({ "2025": 90_000_000 })]),
        ("rd_expense", vec![json!({ "2025": 300_000 }), json!({ "2025": 6_000_000 })]),
        ("incubated", vec![json!(true), json!(false)]),
        ("dishonest_listed", vec![json!(true), json!(false)]),
        ("size", vec![json!("micro"), json!("large")]),
        ("reg_region", vec![json!("370212"), json!("370102")]),
        (
            "quals",
            vec![
                json!({ "complete": true, "items": [] }),
                json!({ "complete": true, "items": ["gaoxin"] }),
                json!({ "complete": true, "items": [{ "code": "gaoxin", "to": "2020-01-01" }, "zjtx"] }),
            ],
        ),
        // In the year of the figures at the latest: facts do not contradict each other.
        ("registered_on", vec![json!("2015-03-01"), json!("2025-06-01")]),
    ]
}

fn check() -> impl Strategy<Value = Value> {
    let number = |attr: &'static str, bounds: Vec<f64>| {
        (prop::sample::select(vec!["ge", "gt", "le", "lt"]), prop::sample::select(bounds))
            .prop_map(move |(op, value)| json!({ "attr": attr, "op": op, "value": value }))
    };
    prop_oneof![
        number("staff", vec![0.0, 5.0, 10.0, 20.0]),
        number("rd_staff", vec![1.0, 3.0]),
        (prop::sample::select(vec!["ge", "lt"]), prop::sample::select(vec![400, 2_000, 9_000]))
            .prop_map(|(op, value)| json!({ "attr": "revenue", "period": "Y-1", "op": op, "value": value, "unit": "万元" })),
        prop::sample::select(vec![0.05, 0.075, 0.1]).prop_map(|value| json!({
            "expr": "rd_expense[Y-1] / revenue[Y-1]", "op": "ge", "value": value
        })),
        prop::sample::select(vec![0.05, 0.2]).prop_map(
            |value| json!({ "attr": "rd_ratio", "period": "Y-1", "op": "ge", "value": value })
        ),
        prop::sample::select(vec![0.1, 0.2, 0.8]).prop_map(
            |value| json!({ "attr": "rd_staff_ratio", "op": "between", "value": [0.05, value] })
        ),
        any::<bool>().prop_map(|value| json!({ "attr": "incubated", "op": "is", "value": value })),
        Just(json!({ "attr": "dishonest_listed", "period": "Y-3..Y", "op": "is", "value": true })),
        Just(json!({ "attr": "size", "op": "in", "value": ["micro", "small"] })),
        prop::sample::select(vec!["370200", "370212", "000000", "110000"])
            .prop_map(|place| json!({ "attr": "reg_region", "op": "within", "value": place })),
        Just(json!({ "attr": "quals", "op": "has", "value": "gaoxin" })),
        Just(json!({ "attr": "quals", "op": "has", "value": "gaoxin", "valid_on": "ever" })),
        Just(json!({ "attr": "quals", "op": "has_any", "value": ["gaoxin", "zjtx"] })),
        Just(json!({ "attr": "quals", "op": "has_all", "value": ["gaoxin", "zjtx"] })),
        (0..240i64).prop_map(
            |months| json!({ "attr": "registered_on", "op": "months_since_ge", "value": months })
        ),
        Just(json!({ "attr": "registered_on", "op": "after", "value": "2020-12-31" })),
    ]
}

/// A group of checks and groups, at most four deep. Groups without `any` are in no danger of being always true.
fn tree() -> impl Strategy<Value = Value> {
    let group = |inner: BoxedStrategy<Value>| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|of| json!({ "all": of })),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|of| json!({ "any": of })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|of| json!({ "none": of })),
            (prop::collection::vec(inner, 1..4), any::<prop::sample::Index>()).prop_map(
                |(of, wanted)| json!({ "at_least": wanted.index(of.len()) + 1, "of": of })
            ),
        ]
        .boxed()
    };
    group(check().prop_recursive(3, 24, 3, move |inner| group(inner.boxed())).boxed())
}

/// Everything about an organization; and of each attribute whether it is said.
fn facts() -> impl Strategy<Value = (Map<String, Value>, Vec<bool>)> {
    let values: Vec<_> = domain()
        .into_iter()
        .map(|(name, values)| prop::sample::select(values).prop_map(move |value| (name, value)))
        .collect();
    let count = values.len();
    (values, prop::collection::vec(any::<bool>(), count)).prop_map(|(values, said)| {
        (values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), said)
    })
}

/// Only what is said.
fn partial(whole: &Map<String, Value>, said: &[bool]) -> Value {
    let names: Vec<&str> = domain().into_iter().map(|(name, _)| name).collect();
    let is_said = |name: &str| said[names.iter().position(|known| *known == name).unwrap()];
    Value::Object(
        whole
            .iter()
            .filter(|(name, _)| is_said(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

/// Reads a tree that the linter may refuse for being always true.
fn read(tree: &Value) -> Option<Rules> {
    let mut condition = tree.clone();
    for (key, value) in [("id", "c1"), ("text", "条件"), ("clause", "第一条")] {
        condition[key] = json!(value);
    }
    let fields = object(json!({ "conditions": [condition] }));
    let (rules, violations) = Rules::read(&kind(), &fields, &DICTIONARY).unwrap();
    violations.is_empty().then_some(rules)
}

/// Decides a tree by the letter of the definition, from the JSON alone and for a profile that says everything.
fn by_definition(node: &Value, facts: &Map<String, Value>) -> bool {
    if let Some(of) = node.get("all") {
        return of.as_array().unwrap().iter().all(|node| by_definition(node, facts));
    }
    if let Some(of) = node.get("any") {
        return of.as_array().unwrap().iter().any(|node| by_definition(node, facts));
    }
    if let Some(of) = node.get("none") {
        return !of.as_array().unwrap().iter().any(|node| by_definition(node, facts));
    }
    if let Some(wanted) = node.get("at_least") {
        let of = node["of"].as_array().unwrap();
        let passed = of.iter().filter(|node| by_definition(node, facts)).count();
        return passed as u64 >= wanted.as_u64().unwrap();
    }
    let last_year = |name: &str| facts[name]["2025"].as_f64().unwrap();
    let plain = |name: &str| facts[name].as_f64().unwrap();
    let (op, value) = (node["op"].as_str().unwrap(), &node["value"]);
    let compared = |have: f64| {
        let scale = if node["unit"] == "万元" { 10_000.0 } else { 1.0 };
        match op {
            "ge" => have >= value.as_f64().unwrap() * scale,
            "gt" => have > value.as_f64().unwrap() * scale,
            "le" => have <= value.as_f64().unwrap() * scale,
            "lt" => have < value.as_f64().unwrap() * scale,
            "between" => have >= value[0].as_f64().unwrap() && have <= value[1].as_f64().unwrap(),
            other => panic!("{other}"),
        }
    };
    if node.get("expr").is_some() {
        return compared(last_year("rd_expense") / last_year("revenue"));
    }
    let held = |code: &str| {
        let items = facts["quals"]["items"].as_array().unwrap();
        items.iter().any(|item| {
            item == code
                || (item["code"] == code
                    && (node["valid_on"] == "ever" || item["to"].as_str().unwrap() >= "2026-11-23"))
        })
    };
    match node["attr"].as_str().unwrap() {
        name @ ("staff" | "rd_staff") => compared(plain(name)),
        "revenue" => compared(last_year("revenue")),
        "rd_ratio" => compared(last_year("rd_expense") / last_year("revenue")),
        "rd_staff_ratio" => compared(plain("rd_staff") / plain("staff")),
        name @ ("incubated" | "dishonest_listed") => facts[name] == *value,
        "size" => value.as_array().unwrap().contains(&facts["size"]),
        "reg_region" => {
            let own = facts["reg_region"].as_str().unwrap();
            own.starts_with(value.as_str().unwrap().trim_end_matches('0'))
        }
        "quals" => match op {
            "has" => held(value.as_str().unwrap()),
            "has_any" => value.as_array().unwrap().iter().any(|code| held(code.as_str().unwrap())),
            _ => value.as_array().unwrap().iter().all(|code| held(code.as_str().unwrap())),
        },
        "registered_on" => {
            let date = facts["registered_on"].as_str().unwrap();
            match op {
                "after" => date > value.as_str().unwrap(),
                // To 2026-11-23 from the first of a month.
                _ => {
                    let (year, month): (i64, i64) =
                        (date[..4].parse().unwrap(), date[5..7].parse().unwrap());
                    (2026 - year) * 12 + 11 - month >= value.as_i64().unwrap()
                }
            }
        }
        other => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn brute_force_agrees(tree in tree(), (whole, _) in facts()) {
        let Some(rules) = read(&tree) else { return Ok(()) };
        let verdict = judge(&rules, &profile(&Value::Object(whole.clone()))).verdict;
        prop_assert_eq!(verdict, Verdict::from(by_definition(&tree, &whole)), "{} {:?}", tree, whole);
    }

    #[test]
    fn knowing_more_never_turns_a_verdict((whole, said) in facts(), tree in tree()) {
        let Some(rules) = read(&tree) else { return Ok(()) };
        let less = judge(&rules, &profile(&partial(&whole, &said)));
        let more = judge(&rules, &profile(&Value::Object(whole.clone())));
        prop_assert!(more.verdict.is_decided());
        if less.verdict.is_decided() {
            prop_assert_eq!(less.verdict, more.verdict);
        }
    }

    #[test]
    fn what_is_needed_decides((whole, said) in facts(), tree in tree()) {
        let Some(rules) = read(&tree) else { return Ok(()) };
        let known = partial(&whole, &said);
        let answer = judge(&rules, &profile(&known));
        for condition in &answer.conditions {
            prop_assert_eq!(condition.need_data.is_empty(), condition.verdict.is_decided());
        }
        // Exactly what is asked for, and nothing else.
        let mut filled = known.as_object().unwrap().clone();
        for need in answer.conditions.iter().flat_map(|condition| &condition.need_data) {
            let attribute = need.split('[').next().unwrap();
            filled.insert(attribute.to_owned(), whole[attribute].clone());
        }
        let decided = judge(&rules, &profile(&Value::Object(filled)));
        prop_assert!(decided.verdict.is_decided(), "{:?}", decided);
    }

    #[test]
    fn conditions_recombine_to_the_verdict(trees in prop::collection::vec(tree(), 1..5), (whole, said) in facts()) {
        let conditions: Vec<Value> = trees
            .into_iter()
            .enumerate()
            .map(|(at, mut tree)| {
                tree["id"] = json!(format!("c{at}"));
                tree["text"] = json!("条件");
                tree["clause"] = json!("第一条");
                tree
            })
            .collect();
        let fields = object(json!({ "conditions": conditions, "applies_to": ["370200"] }));
        let (rules, violations) = Rules::read(&kind(), &fields, &DICTIONARY).unwrap();
        if !violations.is_empty() { return Ok(()) }
        let facts = profile(&partial(&whole, &said));
        let answer = judge(&rules, &facts);
        let least = answer.conditions.iter().map(|condition| condition.verdict).min();
        prop_assert_eq!(Some(answer.verdict), least.or(Some(Verdict::Pass)));

        // The compiled form says the same of everything.
        let mut table = Table::new(DICTIONARY.clone());
        let id = RecordId::new("k", "a");
        table.put(RecordId::new("k", "b"), &rules);
        table.put(id.clone(), &rules);
        let mut standings: Vec<Standing> = Vec::new();
        let elsewhere = table.judge(&facts, today(), Among::Everything, |standing| standings.push(standing));
        let level = match answer.verdict {
            _ if answer.excluded.is_some() => Level::Fail,
            Verdict::Fail if answer.near => Level::Near,
            verdict => verdict.into(),
        };
        let each = table.judge_each(table.row(&id).unwrap(), &[&facts].into_iter().collect(), today());
        prop_assert_eq!(each, vec![level]);
        if elsewhere > 0 {
            prop_assert_eq!(elsewhere, 2);
            prop_assert_eq!(serde_json::to_value(answer.excluded).unwrap(), json!("region"));
        } else {
            let row = table.row(&id).unwrap();
            let standing = standings.iter().find(|standing| standing.row == row).unwrap();
            prop_assert_eq!(standing.verdict, answer.verdict);
            prop_assert_eq!(standing.near, answer.near);
            prop_assert_eq!(standing.excluded, answer.excluded);
            let needs: usize = answer.conditions.iter().map(|condition| condition.need_data.len()).sum();
            if standing.excluded.is_none() && answer.verdict == Verdict::Unknown {
                prop_assert_eq!(standing.missing == 0, needs == 0);
            }
            prop_assert_eq!(standing.level(), level);
        }
    }

    #[test]
    fn the_best_set_is_the_best(candidates in candidates()) {
        let solved = solve(&candidates);
        prop_assert!(!solved.approximate);
        let best = best_by_trying(&candidates);
        prop_assert!((solved.high - best).abs() < 1e-6, "{} {best} {candidates:?}", solved.high);
        for left_out in &solved.excluded {
            prop_assert!(!solved.chosen.contains(&left_out.candidate));
            prop_assert!(!left_out.clause.is_empty());
        }
    }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let group = || prop::sample::select(vec!["g", "h"]).prop_map(str::to_owned);
    let id = || (0..7usize).prop_map(|at| format!("p{at}"));
    let form = prop_oneof![
        group().prop_map(|group| Form::Exclusive { group }),
        prop::collection::vec(id(), 1..3).prop_map(|ids| Form::NotWith { ids }),
        id().prop_map(|id| Form::Requires { ids: vec![id] }),
        (group(), prop::option::of(0..500u32)).prop_map(|(group, cap)| Form::GroupCap {
            group,
            ids: Vec::new(),
            cap: cap.map(f64::from)
        }),
        group().prop_map(|group| Form::ShareOf { group: Some(group), ids: vec![], share: None }),
    ];
    let rule = form.prop_map(|form| Stack {
        form,
        clause: "第九条".into(),
        text: None,
        rule: "exclusive",
    });
    prop::collection::vec((0..400u32, prop::collection::vec(rule, 0..3)), 1..8).prop_map(|list| {
        list.into_iter()
            .enumerate()
            .map(|(at, (high, rules))| Candidate {
                id: format!("p{at}"),
                low: 0.0,
                high: f64::from(high),
                rules,
            })
            .collect()
    })
}

/// The most that any legal set gives, by trying all of them one by one, each as the only choice there is.
fn best_by_trying(candidates: &[Candidate]) -> f64 {
    let count = candidates.len();
    let groups_of = |at: usize| {
        candidates[at].rules.iter().filter_map(|rule| match &rule.form {
            Form::Exclusive { group } | Form::GroupCap { group, .. } => Some(group.as_str()),
            Form::ShareOf { group, .. } => group.as_deref(),
            _ => None,
        })
    };
    let excludes = |at: usize, other: usize| {
        candidates[at].rules.iter().any(|rule| match &rule.form {
            Form::Exclusive { group } => groups_of(other).any(|of| of == group),
            Form::NotWith { ids } => ids.contains(&candidates[other].id),
            _ => false,
        })
    };
    let mut best: f64 = 0.0;
    for set in 0..1u32 << count {
        let has = |at: usize| set >> at & 1 == 1;
        let members: Vec<usize> = (0..count).filter(|&at| has(at)).collect();
        let is_legal = members.iter().all(|&at| {
            members.iter().all(|&other| at == other || !excludes(at, other))
                && candidates[at].rules.iter().all(|rule| match &rule.form {
                    Form::Requires { ids } => ids
                        .iter()
                        .all(|id| members.iter().any(|&other| candidates[other].id == *id)),
                    _ => true,
                })
        });
        if is_legal {
            let alone: Vec<Candidate> = candidates
                .iter()
                .enumerate()
                .map(|(at, known)| Candidate {
                    high: if has(at) { known.high } else { 0.0 },
                    rules: known
                        .rules
                        .iter()
                        .filter(|rule| {
                            // What is needed stays needed: nothing is left out to be rid of what it brings.
                            !matches!(rule.form, Form::Exclusive { .. } | Form::NotWith { .. })
                                || has(at) && matches!(rule.form, Form::Exclusive { .. })
                        })
                        .cloned()
                        .map(|mut rule| {
                            // Membership stays, the exclusion is settled.
                            if let Form::Exclusive { group } = &rule.form {
                                rule.form = Form::GroupCap {
                                    group: group.clone(),
                                    ids: Vec::new(),
                                    cap: None,
                                };
                            }
                            rule
                        })
                        .filter(|_| has(at))
                        .collect(),
                    ..known.clone()
                })
                .collect();
            best = best.max(solve(&alone).high);
        }
    }
    best
}

#[test]
fn units_and_formats_do_not_matter() {
    let check = |value: Value, unit: Value, said: Value| {
        let mut check = json!({ "attr": "revenue", "period": "Y-1", "op": "ge", "value": value });
        if !unit.is_null() {
            check["unit"] = unit;
        }
        let rules = one_condition(&json!({ "all": [check] }));
        judge(&rules, &profile(&json!({ "revenue": said }))).verdict
    };
    for (value, unit) in [
        (json!(5000), json!("万元")),
        (json!(50_000_000), Value::Null),
        (json!(0.5), json!("亿元")),
        (json!(50_000_000), json!("元")),
    ] {
        for said in [
            json!({ "2025": 50_000_000 }),
            json!({ "2025": "5000万" }),
            json!({ "2025": "约0.5亿元" }),
            json!({ "2025": "５,０００ 万元" }),
            json!("5000万"),
            json!(50_000_000),
            json!({ "min": 50_000_000, "max": 90_000_000 }),
            json!("5000万以上"),
        ] {
            assert_eq!(check(value.clone(), unit.clone(), said.clone()), Verdict::Pass, "{said}");
        }
        assert_eq!(check(value.clone(), unit.clone(), json!("2000万–4亿")), Verdict::Unknown);
        assert_eq!(check(value, unit, json!("4999万")), Verdict::Fail);
    }
}

#[test]
fn places_apply_from_above_and_never_from_the_side() {
    let verdict = |applies_to: Value, said: Value| {
        let rules = rules(json!({
            "applies_to": applies_to,
            // Who issued it, and where it is, says nothing about where it applies.
            "division_code": "370000",
            "issuing_bodies": ["山东省科学技术厅"],
            "conditions": [{ "id": "c1", "text": "t", "clause": "一", "all": [{ "attr": "staff", "op": "ge", "value": 1 }] }],
        }));
        let answer = judge(&rules, &profile(&json!({ "staff": 5, "reg_region": said })));
        (answer.verdict, answer.excluded.is_some())
    };
    let (pass, open, out) =
        ((Verdict::Pass, false), (Verdict::Unknown, false), (Verdict::Fail, true));
    assert_eq!(verdict(json!(["370212"]), json!("370212")), pass, "the place itself");
    assert_eq!(verdict(json!(["370200"]), json!("370212")), pass, "above");
    assert_eq!(verdict(json!(["370000"]), json!("370212")), pass, "further above");
    assert_eq!(verdict(json!(["000000"]), json!("370212")), pass, "everywhere");
    assert_eq!(verdict(json!(["000000"]), Value::Null), pass, "everywhere, wherever that is");
    assert_eq!(verdict(json!(["370211"]), json!("370212")), out, "beside");
    assert_eq!(verdict(json!(["370211", "370212"]), json!("370212")), pass, "one of several");
    assert_eq!(verdict(json!(["370212"]), json!("370200")), open, "somewhere in the city");
    assert_eq!(verdict(json!(["370212"]), json!("370100")), out, "another city");
    assert_eq!(verdict(json!(["370212"]), Value::Null), open, "not said");
    assert_eq!(verdict(Value::Null, json!("370212")), pass, "no place stated");
}

#[test]
fn a_negative_condition_needs_positive_evidence() {
    let rules = one_condition(&json!({
        "none": [{ "attr": "dishonest_listed", "period": "Y-3..Y", "op": "is", "value": true }],
    }));
    let verdict =
        |said: Value| judge(&rules, &profile(&json!({ "dishonest_listed": said }))).verdict;
    assert_eq!(verdict(Value::Null), Verdict::Unknown);
    assert_eq!(verdict(json!(false)), Verdict::Pass);
    assert_eq!(verdict(json!(true)), Verdict::Fail);
    assert_eq!(verdict(json!({ "2025": false })), Verdict::Unknown);
    let all = json!({ "2023": false, "2024": false, "2025": false, "2026": false });
    assert_eq!(verdict(all), Verdict::Pass);
    assert_eq!(verdict(json!({ "2024": true })), Verdict::Fail);
    assert_eq!(verdict(json!({ "2020": true })), Verdict::Unknown);
}

#[test]
fn what_must_not_be_is_said_as_people_say_it() {
    let rules = one_condition(&json!({ "none": [
        { "attr": "dishonest_listed", "period": "Y", "op": "is", "value": true },
        { "attr": "size", "op": "in", "value": "large" },
    ] }));
    let answer = judge(&rules, &profile(&json!({ "dishonest_listed": false, "size": "large" })));
    let [listed, size] = &answer.conditions[0].checks[..] else { panic!("two checks") };
    assert_eq!((&listed.have, &listed.need), (&json!(false), &json!(false)));
    assert_eq!((listed.verdict, listed.must_not), (Verdict::Pass, false));
    assert_eq!(listed.say.as_deref(), Some("否"));
    assert_eq!((&size.have, &size.need), (&json!("large"), &json!("large")));
    assert_eq!((size.verdict, size.must_not), (Verdict::Fail, true));
    assert_eq!(size.say.as_deref(), Some("大型"));
}

/// What a check that fails, or holds, says of the distance.
fn margin(check: &Value, given: &Value) -> String {
    let answer = judge(&one_condition(&json!({ "all": [check] })), &profile(given));
    answer.conditions[0].margin.clone().expect("a distance")
}

#[test]
fn distances_are_said_as_the_rule_has_them() {
    let revenue = |op: &str| json!({ "attr": "revenue", "period": "Y-1", "op": op, "value": 5000, "unit": "万元" });
    let given = json!({ "revenue": { "2025": 48_000_000 } });
    for (op, expected) in [
        ("ge", "2025年营业收入4,800万元，要求不低于5,000万元，还差200万元；营业收入再增加200万元"),
        ("gt", "2025年营业收入4,800万元，要求高于5,000万元，还差200万元；营业收入再增加200万元"),
        ("le", "2025年营业收入4,800万元，要求不高于5,000万元，低200万元"),
        ("lt", "2025年营业收入4,800万元，要求低于5,000万元，低200万元"),
    ] {
        assert_eq!(margin(&revenue(op), &given), expected, "{op}");
    }
    let given = json!({ "revenue": { "2025": { "min": 60_000_000 } } });
    assert_eq!(
        margin(&revenue("ge"), &given),
        "2025年营业收入6,000万元以上，要求不低于5,000万元，高出1,000万元"
    );
    // What is divided by is named with its years where it is that of several.
    let ratio = json!({ "expr": "sum(rd_expense[Y-2..Y-1]) / sum(revenue[Y-2..Y-1])", "op": "ge", "value": 0.05, "show": "占比" });
    let years = json!({
        "revenue": { "2024": 10_000_000, "2025": 10_000_000 },
        "rd_expense": { "2024": 400_000, "2025": 560_000 },
    });
    assert_eq!(
        margin(&ratio, &years),
        "占比4.8%，要求不低于5%，还差0.2个百分点；按2024—2025年营业收入2,000万元计，研发费用再投入4万元"
    );
    let age = json!({ "attr": "age_months", "op": "le", "value": 180 });
    assert_eq!(
        margin(&age, &json!({ "registered_on": "2019-05-06" })),
        "成立月数90个月，要求不高于180个月，低90个月"
    );
}

#[test]
fn what_is_doubtful_or_read_is_said_in_its_unit() {
    let given = object(json!({ "revenue": { "2025": 4800 }, "staff": "约50" }));
    let (_, notes) = Profile::read(&given, &DICTIONARY, today(), today()).unwrap();
    let said = |code: &str, lang: Lang| -> Vec<&str> {
        notes.iter().filter(|note| note.code == code).map(|note| lang.pick(&note.say)).collect()
    };
    assert_eq!(said("doubtful", Lang::Zh), ["营业收入是否为4,800元？如以万元计，请换算为元"]);
    assert_eq!(
        said("doubtful", Lang::En),
        ["Revenue of ¥4,800? It is wanted in yuan, not in 万元"]
    );
    assert_eq!(said("read_as", Lang::Zh), ["“约50”按50人理解，可修改"]);
}

#[test]
fn places_are_read_as_people_write_them() {
    let place = |text: &str| {
        Profile::read(&object(json!({ "reg_region": text })), &DICTIONARY, today(), today())
    };
    let (expected, _) = place("370212").unwrap();
    for text in ["崂山区", "青岛市崂山区", "山东省青岛市崂山区", "山东省 崂山区", "山东青岛崂山"]
    {
        let (read, _) = place(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        assert_eq!(read, expected, "{text}");
    }
    // A district of another city, what nobody knows, the wrong way round, and one of several cities' districts.
    for text in ["济南市崂山区", "青岛市某某区", "崂山区青岛市", "山东省市中区"]
    {
        assert!(place(text).is_err(), "{text}");
    }
    let wrong = place("Laoshan Distrikt").unwrap_err();
    assert!(wrong[0].expected.contains("did you mean \"Laoshan District\""), "{wrong:?}");
}

#[test]
fn rules_that_cannot_be_right_are_refused_by_clause() {
    let refused = |fields: Value| {
        let (_, violations) = Rules::read(&kind(), &object(fields), &DICTIONARY).unwrap();
        let found: Vec<String> = violations
            .iter()
            .map(|wrong| format!("{} {} / {}", wrong.pointer, wrong.expected, wrong.found))
            .collect();
        found.join("\n")
    };
    let condition = |check: Value| {
        refused(
            json!({ "conditions": [{ "id": "c1", "text": "t", "clause": "第四条", "all": [check] }] }),
        )
    };
    let says = |found: String, parts: &[&str]| {
        for part in parts {
            assert!(found.contains(part), "{part} in {found}");
        }
    };
    says(
        condition(json!({ "attr": "staf", "op": "ge", "value": 1 })),
        &["/conditions/0/all/0/attr", "\"staff\"", "第四条"],
    );
    says(
        condition(json!({ "attr": "staff", "op": "has", "value": 1 })),
        &["/op", "ge, gt, le, lt, between"],
    );
    says(
        condition(json!({ "attr": "staff", "op": "ge", "value": 1, "unit": "万元" })),
        &["/unit", "人"],
    );
    says(
        condition(json!({ "attr": "quals", "op": "has", "value": "高企" })),
        &["/value", "\"gaoxin\""],
    );
    says(
        condition(json!({ "attr": "rd_staff_ratio", "op": "ge", "value": 10 })),
        &["/value", "0 to 1"],
    );
    says(condition(json!({ "attr": "revenue", "op": "ge", "value": 10 })), &["/period", "by year"]);
    says(
        condition(json!({ "expr": "revenue[Y-1] + staff", "op": "ge", "value": 1 })),
        &["/expr", "money with money"],
    );
    says(condition(json!({ "expr": "sum(revenue[Y-1)", "op": "ge", "value": 1 })), &["/expr"]);
    says(
        refused(json!({ "conditions": [{ "id": "c1", "text": "t", "all": [] }] })),
        &["/clause", "/all"],
    );
    says(
        refused(json!({ "windows": [{ "opens": "2026-05-01", "closes": "2026-04-01" }] })),
        &["/windows/0/closes", "not before it opens"],
    );
    says(refused(json!({ "fidelity": "full" })), &["/fidelity"]);
    says(
        refused(json!({ "conditions": [{ "id": "c1", "text": "t", "clause": "一", "any": [
            { "attr": "staff", "op": "ge", "value": 5 }, { "attr": "staff", "op": "lt", "value": 5 },
        ] }] })),
        &["can all fail", "staff"],
    );
    says(
        refused(json!({ "conditions": [
            { "id": "c1", "text": "t", "clause": "一", "all": [{ "attr": "staff", "op": "ge", "value": 50 }] },
            { "id": "c2", "text": "t", "clause": "二", "all": [{ "attr": "staff", "op": "lt", "value": 50 }] },
        ] })),
        &["leave no value", "二"],
    );
    let both = |first: Value, second: Value| {
        refused(json!({ "conditions": [
            { "id": "c1", "text": "t", "clause": "一", "all": [first] },
            { "id": "c2", "text": "t", "clause": "二", "all": [second] },
        ] }))
    };
    let incubated = |value: bool| json!({ "attr": "incubated", "op": "is", "value": value });
    says(both(incubated(true), incubated(false)), &["leave no value", "incubated", "二"]);
    assert_eq!(both(incubated(true), incubated(true)), "");
    let size = |codes: Value| json!({ "attr": "size", "op": "in", "value": codes });
    says(
        both(size(json!(["micro", "small"])), size(json!(["large"]))),
        &["leave no value", "size", "二"],
    );
    assert_eq!(both(size(json!(["micro", "small"])), size(json!(["small", "medium"]))), "");
    let deep = (0..9).fold(
        json!({ "attr": "staff", "op": "ge", "value": 1 }),
        |inner, _| json!({ "all": [inner] }),
    );
    let mut deep = deep;
    for key in ["id", "text", "clause"] {
        deep[key] = json!("x");
    }
    says(refused(json!({ "conditions": [deep] })), &["at most 8 deep"]);
    let wide: Vec<Value> =
        (0..300).map(|_| json!({ "attr": "staff", "op": "ge", "value": 1 })).collect();
    says(
        refused(json!({ "conditions": [{ "id": "c", "text": "t", "clause": "一", "all": wide }] })),
        &["at most 256"],
    );
}

#[test]
fn gaps_are_in_the_firms_own_numbers() {
    let rules = one_condition(&json!({ "all": [
        { "expr": "rd_expense[Y-1] / revenue[Y-1]", "op": "ge", "value": 0.05, "show": "研发费用占比" },
    ] }));
    let said = json!({ "revenue": { "2025": 48_000_000 }, "rd_expense": { "2025": 2_208_000 } });
    let answer = judge(&rules, &profile(&said));
    assert!(answer.near, "{answer:?}");
    assert!(answer.say.contains("再投入19.2万元"), "{}", answer.say);
    let condition = &answer.conditions[0];
    assert_eq!(condition.have, [json!(0.046)]);
    assert_eq!(condition.need, [json!(0.05)]);
    let margin = condition.margin.as_deref().unwrap();
    assert!(margin.contains("4.6%") && margin.contains("0.4个百分点"), "{margin}");
}
