//! Anything at all in place of rules and profiles: it is read or refused, in bounds, and never panics.
//!
//! What is tried is the sample, spoiled at random places, and JSON of the words that rules are made of. More than the few
//! hundred of an ordinary run:
//!
//! ```text
//! PROPTEST_CASES=100000 cargo test --release --test applicability fuzz
//! ```

use std::collections::HashSet;
use std::sync::LazyLock;

use kechuang::applicability::condition::{MAX_DEPTH, MAX_NODES, Node};
use kechuang::applicability::diff::{Version, compare};
use kechuang::applicability::explain::explain;
use kechuang::applicability::expression::Expression;
use kechuang::applicability::table::{Among, Table};
use kechuang::applicability::{Profile, Rules};
use kechuang::record::{Fields, Lang, RecordId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::laws::{DICTIONARY, kind, today};
use crate::sample;

/// Levels of groups, the checks in them counted.
fn depth(node: &Node) -> usize {
    match node {
        Node::Check(_) => 1,
        Node::Group { of, .. } => 1 + of.iter().map(depth).max().unwrap_or_default(),
    }
}

/// Reads a record and a profile, whatever they are, and asks everything that can be asked of them.
fn try_everything(fields: &Fields, given: &Map<String, Value>, as_of: i32) {
    let kind = kind();
    let (rules, violations) = Rules::read(&kind, fields, &DICTIONARY).expect("a kind with rules");
    for violation in &violations {
        assert!(violation.pointer.starts_with('/'), "{violation:?}");
        assert!(!violation.expected.is_empty(), "{violation:?}");
    }
    let trees = || rules.conditions.iter().filter_map(|condition| condition.tree.as_ref());
    assert!(trees().map(Node::size).sum::<usize>() <= MAX_NODES);
    assert!(trees().all(|tree| depth(tree) <= MAX_DEPTH + 1));

    let profile = match Profile::read(given, &DICTIONARY, as_of, today()) {
        Ok((profile, _)) => profile,
        Err(violations) => {
            assert!(violations.iter().all(|wrong| wrong.pointer.starts_with("/profile/")));
            Profile::default()
        }
    };
    let answer = explain(&rules, &profile, as_of, None, &DICTIONARY, Lang::En);
    for condition in &answer.conditions {
        let is_open = rules.conditions.iter().any(|known| known.tree.is_none());
        if !is_open && answer.rules.modelled {
            assert_eq!(condition.need_data.is_empty(), condition.verdict.is_decided());
        }
        assert!(condition.checks.len() <= MAX_NODES);
    }
    if let (Some(low), Some(high)) = (answer.amount.low, answer.amount.high) {
        assert!(0 <= low && low <= high, "{:?}", answer.amount);
    }
    serde_json::to_string(&answer).expect("an answer is JSON");

    // Every other way to ask says the same.
    let mut table = Table::new(DICTIONARY.clone());
    let id = RecordId::new(kind.name.clone(), "a");
    table.put(id.clone(), &rules);
    let row = table.row(&id).expect("it was put");
    let mut level = None;
    let elsewhere = table.judge(&profile, as_of, Among::Everything, |standing| {
        assert_eq!((standing.verdict, standing.near), (answer.verdict, answer.near));
        assert_eq!(standing.excluded, answer.excluded);
        level = Some(standing.level());
    });
    assert_eq!(level.is_none(), elsewhere == 1);
    let each = table.judge_each(row, &[&profile].into_iter().collect(), as_of);
    assert_eq!(each, [level.unwrap_or(kechuang::applicability::Level::Fail)]);
}

/// What happens to one value.
#[derive(Clone, Debug)]
enum Spoil {
    Drop,
    Put(Value),
    /// What stands at another place comes here.
    Copy(prop::sample::Index),
    /// It goes into so many groups.
    Wrap(u8),
    /// Its list gets so many of it.
    Repeat(u16),
    /// It gets another name.
    Rename(&'static str),
}

fn spoil() -> impl Strategy<Value = (prop::sample::Index, Spoil)> {
    let what = prop_oneof![
        Just(Spoil::Drop),
        leaf().prop_map(Spoil::Put),
        anything().prop_map(Spoil::Put),
        any::<prop::sample::Index>().prop_map(Spoil::Copy),
        (1..20_u8).prop_map(Spoil::Wrap),
        (1..300_u16).prop_map(Spoil::Repeat),
        word().prop_map(Spoil::Rename),
    ];
    (any::<prop::sample::Index>(), what)
}

/// Every place of a value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{place}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn apply(root: &mut Value, at: prop::sample::Index, spoil: &Spoil) {
    let mut found = Vec::new();
    places(root, "", &mut found);
    // The root stays an object.
    let found = &found[1..];
    if found.is_empty() {
        return;
    }
    let place = at.get(found);
    let (parent, name) = place.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/").replace("~0", "~");
    let own = root.pointer(place).expect("it is there").clone();
    let other = match spoil {
        Spoil::Copy(other) => {
            root.pointer(&found[other.index(found.len())]).expect("it is there").clone()
        }
        _ => Value::Null,
    };
    let put = |value: Value, root: &mut Value| {
        *root.pointer_mut(place).expect("it is there") = value;
    };
    match spoil {
        Spoil::Put(value) => put(value.clone(), root),
        Spoil::Copy(_) => put(other, root),
        Spoil::Wrap(levels) => {
            let groups = ["all", "any", "none"];
            let wrap = |inner: Value, level: u8| json!({ groups[usize::from(level) % 3]: [inner] });
            put((0..*levels).fold(own, wrap), root);
        }
        Spoil::Drop | Spoil::Repeat(_) | Spoil::Rename(_) => {
            match (root.pointer_mut(parent).expect("it is there"), spoil) {
                (Value::Object(members), Spoil::Drop) => drop(members.remove(&name)),
                (Value::Object(members), Spoil::Rename(to)) => {
                    members.remove(&name);
                    members.insert((*to).to_owned(), own);
                }
                (Value::Array(items), Spoil::Drop) => {
                    drop(items.remove(name.parse().expect("a place")));
                }
                (Value::Array(items), Spoil::Repeat(count)) => {
                    items.extend(std::iter::repeat_n(own, usize::from(*count)));
                }
                _ => {}
            }
        }
    }
}

/// Leaves lists of plain values as the kind's own validation does, which comes before rules are read: each value once.
fn once(fields: &mut Value) {
    let members = fields.as_object_mut().expect("the root stays an object");
    for list in members.values_mut().filter_map(Value::as_array_mut) {
        let mut seen = HashSet::new();
        list.retain(|value| !value.is_string() || seen.insert(value.clone()));
    }
}

static POLICIES: LazyLock<Vec<Fields>> = LazyLock::new(sample::policies);
static PROFILES: LazyLock<Vec<Value>> =
    LazyLock::new(|| sample::profiles().iter().map(|line| line["profile"].clone()).collect());

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_good_and_is_spoiled_is_read_or_refused(
        policy in any::<prop::sample::Index>(),
        firm in any::<prop::sample::Index>(),
        in_policy in prop::collection::vec(spoil(), 0..8),
        in_firm in prop::collection::vec(spoil(), 0..4),
        days in -50_000..50_000,
    ) {
        let original = policy.get(&POLICIES);
        let rules = original.iter().filter(|(name, _)| *name != "body" && *name != "title");
        let mut fields = Value::Object(rules.map(|(k, v)| (k.clone(), v.clone())).collect());
        in_policy.iter().for_each(|(at, spoil)| apply(&mut fields, *at, spoil));
        once(&mut fields);
        let mut given = firm.get(&PROFILES).clone();
        in_firm.iter().for_each(|(at, spoil)| apply(&mut given, *at, spoil));
        let fields = fields.as_object().expect("the root stays an object");
        let given = given.as_object().expect("the root stays an object");
        try_everything(fields, given, today());
        try_everything(fields, given, today() + days);
        let version = |fields| Version { fields, day: Some(today()) };
        let difference = compare(&kind(), version(original), version(fields));
        serde_json::to_string(&difference).expect("a difference is JSON");
    }

    #[test]
    fn anything_is_read_or_refused(conditions in anything(), amounts in anything(), given in anything()) {
        let fields = json!({
            "conditions": [conditions], "amounts": [amounts.clone()], "stacking": [amounts.clone()],
            "windows": [amounts.clone()], "judgements": [amounts],
        });
        let given = given.as_object().cloned().unwrap_or_default();
        try_everything(fields.as_object().expect("an object"), &given, today());
    }

    #[test]
    fn any_expression_is_read_or_refused(
        text in prop_oneof![
            "[-+*/()0-9Y\\[\\]., ]{0,40}",
            "(sum|min|avg|months_since|revenue|rd_expense|\\[Y-[0-9]{1,3}(\\.\\.Y)?\\]|[-+*/(),×÷]){0,24}",
            "[-(]{0,600}1",
        ],
    ) {
        match Expression::parse(&text, &DICTIONARY) {
            Ok((expression, _)) => {
                let mut read = Vec::new();
                expression.attributes(&mut read);
                let moment = kechuang::applicability::Moment::on(today());
                let _ = expression.value(&Profile::default(), moment);
            }
            Err(refused) => prop_assert!(!refused.expected.is_empty() && !refused.found.is_empty()),
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec![
        "all",
        "any",
        "none",
        "at_least",
        "of",
        "attr",
        "expr",
        "op",
        "value",
        "unit",
        "period",
        "valid_on",
        "id",
        "text",
        "clause",
        "kind",
        "base",
        "rate",
        "tiers",
        "when",
        "cap",
        "floor",
        "rule",
        "group",
        "with",
        "opens",
        "closes",
        "valid_from",
        "staff",
        "revenue",
        "quals",
        "reg_region",
        "registered_on",
        "code",
        "items",
        "min",
    ])
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "revenue",
            "staff",
            "ge",
            "within",
            "has",
            "gaoxin",
            "370200",
            "Y-1",
            "Y-3..Y",
            "Y--1",
            "万元",
            "2026-02-30",
            "revenue[Y-1] / staff",
            "sum(revenue[Y-20..Y])",
            "((((((",
            "1e999",
            "months_since(registered_on)",
            "fixed",
            "rate",
            "per_unit",
            "exclusive",
            "share_of",
            "2026-01-01",
            "rd_ratio[Y]",
            "－５000万",
            "max(1, 2, -3)",
            "0/0",
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ]
}

/// JSON that looks a little like rules.
fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(10, 64, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}
