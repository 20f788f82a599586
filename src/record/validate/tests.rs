use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::format::{is_https, is_media_type};
use super::*;
use crate::record::kind_toml::sample;

static KIND: LazyLock<std::sync::Arc<RecordKind>> = LazyLock::new(sample::kind);

/// Validates members beside a title.
fn validated(members: Value) -> Result<Value, Vec<Violation>> {
    let Value::Object(mut fields) = members else { panic!("{members}") };
    fields.entry("title").or_insert_with(|| "题".into());
    validate(&KIND, fields).map(Value::Object)
}

/// Checks what is kept of one field; null when it is dropped.
fn keeps(name: &str, given: Value, expected: Value) {
    let kept = validated(json!({ name: given })).unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!(kept.get(name).unwrap_or(&Value::Null), &expected, "{name}: {given}");
}

/// Checks the pointers and codes of everything that is wrong with one field.
fn refuses(name: &str, given: Value, expected: &[(&str, &str)]) {
    let violations = validated(json!({ name: given })).expect_err("must be refused");
    let found: Vec<(&str, &str)> =
        violations.iter().map(|violation| (&*violation.pointer, violation.code)).collect();
    assert_eq!(found, expected, "{name}: {given}\n{violations:?}");
}

/// Checks the words about one wrong value.
fn says(name: &str, given: Value, expected: &str, found: &str) {
    let violations = validated(json!({ name: given })).expect_err("must be refused");
    let [violation] = violations.as_slice() else { panic!("{violations:?}") };
    assert_eq!((&*violation.expected, &*violation.found), (expected, found));
}

#[test]
fn strings_become_canonical() {
    keeps("title", json!(" \u{3000}题\r\n目\r二 "), json!("题\n目\n二"));
    keeps("owner", json!("  青岛 大学\n"), json!("青岛 大学"));
    keeps("owner", json!(" "), Value::Null);
    keeps("owner", Value::Null, Value::Null);
    keeps("keywords", json!([" a", "", null, "b", "a "]), json!(["a", "b"]));
    keeps("keywords", json!([]), Value::Null);
    keeps("keywords", json!(["", null]), Value::Null);
    keeps("contact", json!({ "phone": " " }), Value::Null);
    keeps("title", json!("一二三四五六七八九十"), json!("一二三四五六七八九十"));
}

#[test]
fn strings_are_checked() {
    refuses("title", json!("一二三四五六七八九十百"), &[("/title", "too_long")]);
    says("title", json!("一二三四五六七八九十百"), "at most 10 characters", "11 characters");
    refuses("title", json!("a\u{0}b"), &[("/title", "bad_text")]);
    says(
        "title",
        json!("题\u{7}"),
        "no control characters but line feed and tab",
        "U+0007 as character 2",
    );
    refuses("owner", json!("a\nb"), &[("/owner", "bad_text")]);
    refuses("number", json!("a\tb"), &[("/number", "bad_text")]);
    refuses("owner", json!(3), &[("/owner", "wrong_type")]);
    refuses("keywords", json!("a"), &[("/keywords", "wrong_type")]);
    says(
        "keywords",
        json!("a"),
        "an array, each value a string, also for a single one",
        "the string \"a\"",
    );
    refuses("owner", json!(["a"]), &[("/owner", "wrong_type")]);
    refuses(
        "keywords",
        json!(["a", ["b"], 1]),
        &[("/keywords/1", "wrong_type"), ("/keywords/2", "wrong_type")],
    );
    refuses("keywords", json!(vec!["a"; 1_001]), &[("/keywords", "too_many")]);
}

#[test]
fn what_is_required_must_be_there() {
    refuses("title", json!(" "), &[("/title", "required")]);
    refuses("title", Value::Null, &[("/title", "required")]);
    // A wrong value is one mistake, not two.
    refuses("title", json!(1), &[("/title", "wrong_type")]);
    refuses("windows", json!([{ "note": "x" }]), &[("/windows/0/closes", "required")]);
    let missing = validate(&KIND, Fields::new()).unwrap_err();
    assert_eq!((&*missing[0].pointer, missing[0].code), ("/title", "required"));
}

#[test]
fn unknown_fields_are_refused() {
    refuses("tilte", json!("x"), &[("/tilte", "unknown_field")]);
    says("keyword", json!(1), "a declared field; did you mean \"keywords\"?", "the number 1");
    says("zzzzzz", json!([]), "one of the 18 declared fields", "an array of 0");
    says(
        "_state",
        json!({}),
        "no name that begins with _: the service sets those",
        "an object of 0",
    );
    says(
        "windows",
        json!([{ "closes": "2026-01-01", "x/~y": true }]),
        "one of closes, note, secret",
        "true",
    );
    refuses(
        "windows",
        json!([{ "closes": "2026-01-01", "x/~y": 1 }]),
        &[("/windows/0/x~1~0y", "unknown_field")],
    );
}

#[test]
fn codes_are_of_their_vocabulary() {
    keeps("stage", json!(" pilot "), json!("pilot"));
    keeps("places", json!(["37", "00", "37"]), json!(["37", "00"]));
    refuses("places", json!(["37", "38x"]), &[("/places/1", "not_in_vocabulary")]);
    says("stage", json!("pilto"), "one of idea, pilot; did you mean \"pilot\"?", "\"pilto\"");
    says("stage", json!("通过中试"), "one of idea, pilot; did you mean \"pilot\"?", "\"通过中试\"");
    says(
        "places",
        json!(["青岛"]),
        "one of the 13 codes of the vocabulary \"place\"; did you mean \"3702\"?",
        "\"青岛\"",
    );
    says(
        "places",
        json!(["x".repeat(500)]),
        "one of the 13 codes of the vocabulary \"place\"",
        &format!("\"{}…", "x".repeat(78)),
    );
}

#[test]
fn dates_are_of_the_calendar() {
    keeps("opens", json!(" 2024-02-29 "), json!("2024-02-29"));
    for date in ["2023-02-29", "2024-13-01", "24-01-01", "2024/01/01", "1899-12-31", "2200-01-01"] {
        refuses("opens", json!(date), &[("/opens", "bad_date")]);
    }
    refuses("opens", json!(20240101), &[("/opens", "wrong_type")]);
}

#[test]
fn numbers_are_checked() {
    keeps("level", json!(9), json!(9));
    refuses("level", json!(10), &[("/level", "too_large")]);
    refuses("level", json!(0), &[("/level", "too_small")]);
    refuses("level", json!(3.0), &[("/level", "wrong_type")]);
    refuses("level", json!("3"), &[("/level", "wrong_type")]);
    refuses("level", json!(u64::MAX), &[("/level", "too_large")]);
    keeps("price", json!(0), json!(0));
    keeps("price", json!(i64::MAX), json!(i64::MAX));
    refuses("price", json!(-1), &[("/price", "too_small")]);
    refuses("price", json!(0.5), &[("/price", "wrong_type")]);
    keeps("share", json!(-3), json!(-3));
    keeps("share", json!(0.5), json!(0.5));
    refuses("share", json!(0.51), &[("/share", "too_large")]);
    says("level", json!(3.0), "a whole number without a decimal point", "the number 3.0");
    keeps("active", json!(false), json!(false));
    refuses("active", json!("true"), &[("/active", "wrong_type")]);
}

#[test]
fn quantities_are_checked() {
    let quantity = |value: Value| json!([value]);
    let whole = json!({ "name": " 强度 ", "operator": "ge", "value": 1.38, "unit": "MPa" });
    keeps(
        "quantities",
        quantity(whole),
        json!([{ "name": "强度", "operator": "ge", "value": 1.38, "unit": "MPa" }]),
    );
    keeps(
        "quantities",
        json!([{ "operator": "between", "value": 1, "value_to": 2, "unit": "" }, {}]),
        json!([{ "operator": "between", "value": 1, "value_to": 2 }]),
    );
    let refuses = |value: Value, expected: &[(&str, &str)]| {
        refuses("quantities", quantity(value), expected);
    };
    refuses(
        json!({ "name": "x" }),
        &[("/quantities/0/operator", "required"), ("/quantities/0/value", "required")],
    );
    refuses(json!({ "operator": "=", "value": 1 }), &[("/quantities/0/operator", "bad_quantity")]);
    refuses(json!({ "operator": 1, "value": 1 }), &[("/quantities/0/operator", "wrong_type")]);
    refuses(json!({ "operator": "eq", "value": "1" }), &[("/quantities/0/value", "wrong_type")]);
    refuses(
        json!({ "operator": "between", "value": 1 }),
        &[("/quantities/0/value_to", "required")],
    );
    refuses(
        json!({ "operator": "eq", "value": 1, "value_to": 2 }),
        &[("/quantities/0/value_to", "bad_quantity")],
    );
    refuses(
        json!({ "operator": "between", "value": 3, "value_to": 2 }),
        &[("/quantities/0/value_to", "bad_quantity")],
    );
    refuses(
        json!({ "operator": "eq", "value": 1, "units": "m" }),
        &[("/quantities/0/units", "unknown_field")],
    );
    refuses(json!("≥ 3 MPa"), &[("/quantities/0", "wrong_type")]);
}

#[test]
fn places_and_files_are_checked() {
    keeps("location", json!({ "lat": 36.07, "lon": -180 }), json!({ "lat": 36.07, "lon": -180 }));
    keeps("location", json!({}), Value::Null);
    refuses(
        "location",
        json!({ "lat": 91 }),
        &[("/location/lat", "too_large"), ("/location/lon", "required")],
    );
    refuses("location", json!({ "lat": "1", "lon": 1 }), &[("/location/lat", "wrong_type")]);
    refuses("location", json!([36.07, 120.38]), &[("/location", "wrong_type")]);
    let file = json!({
        "name": "指南.pdf", "url": "https://example.cn/指南.pdf", "media_type": "application/pdf", "bytes": 3,
    });
    keeps("files", json!([file]), json!([file]));
    refuses("files", json!([{ "name": "a" }]), &[("/files/0/url", "required")]);
    refuses(
        "files",
        json!([{ "name": "a", "url": "http://a", "media_type": "pdf", "bytes": -1 }]),
        &[
            ("/files/0/url", "bad_url"),
            ("/files/0/bytes", "too_small"),
            ("/files/0/media_type", "bad_file"),
        ],
    );
    refuses(
        "files",
        json!([{ "name": "a", "url": "https://a", "bytes": 1.5 }]),
        &[("/files/0/bytes", "wrong_type")],
    );
}

#[test]
fn urls_are_https() {
    let check = |url: &str, expected: bool| assert_eq!(is_https(url), expected, "{url}");
    check("https://kjj.qingdao.gov.cn/a/b.html?x=1#y", true);
    check("HTTPS://例子.中国:8443/指南.pdf", true);
    check("https://[::1]/", true);
    check("https://10.0.0.1", true);
    check("http://example.cn", false);
    check("https://", false);
    check("https:///path", false);
    check("https://user@example.cn", false);
    check("https://example.cn:port/", false);
    check("https://example.cn:0/", false);
    check("https://[::g]/", false);
    check("https://[", false);
    check("https://]", false);
    check("https://exa mple.cn", false);
    check("https://example.cn/\"><script>", false);
    check("javascript:alert(1)//https://", false);
    check("https:/中", false);
    check("", false);
    let long = format!("https://example.cn/{}", "a".repeat(2_000));
    refuses("link", json!(long), &[("/link", "too_long")]);
    refuses("link", json!("example.cn"), &[("/link", "bad_url")]);
}

#[test]
fn media_types_have_two_parts() {
    let check = |text: &str, expected: bool| assert_eq!(is_media_type(text), expected, "{text}");
    check("application/vnd.ms-excel", true);
    check("text/html; charset=utf-8", true);
    check("pdf", false);
    check("a/", false);
    check("a/b/c", false);
}

#[test]
fn open_objects_are_kept_as_they_are() {
    let rules = json!({ "all": [{ "x": null, "y": " z\r\n" }], "n": [] });
    keeps("rules", rules.clone(), rules);
    keeps("rules", json!({}), Value::Null);
    refuses("rules", json!([1]), &[("/rules", "wrong_type")]);
    refuses("rules", json!({ "a": { "b": ["\u{0}"] } }), &[("/rules/a/b/0", "bad_text")]);
    refuses("rules", json!({ "a": "x".repeat(65_536) }), &[("/rules", "too_long")]);
    let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "a": inner }));
    keeps("rules", nested(18), nested(18));
    refuses("rules", nested(19), &[("/rules", "too_deep")]);
}

#[test]
fn every_violation_is_reported() {
    let violations = validated(json!({
        "title": 1, "level": 0, "windows": [{}, { "closes": "x" }, { "closes": "2026-01-01" }, 5], "no": 1,
    }))
    .unwrap_err();
    let found: Vec<String> = violations
        .iter()
        .map(|violation| format!("{} {}", violation.pointer, violation.code))
        .collect();
    let expected = [
        "/title wrong_type",
        "/level too_small",
        "/windows/0/closes required",
        "/windows/1/closes bad_date",
        "/windows/3 wrong_type",
        "/no unknown_field",
    ];
    assert_eq!(found, expected);
}

#[test]
fn answers_stay_short() {
    let long = "长".repeat(10_000);
    let violations =
        validated(json!({ "level": long, "opens": long, &*long: long, "stage": long }))
            .unwrap_err();
    assert_eq!(violations.len(), 4);
    for violation in violations {
        assert!(violation.found.chars().count() <= 80, "{violation:?}");
        assert!(violation.pointer.chars().count() <= 81, "{violation:?}");
        assert!(violation.expected.chars().count() <= 200, "{violation:?}");
    }
}

/// Any JSON, with names and values that often nearly fit.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..12i64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "(https://[a-z.:\\[\\]@]{0,9}|[0-9]{4}-[0-9]{2}-[0-9]{2}|pilot|37|between|ge| *\r?\n?)"
            .prop_map(Value::from),
    ];
    let name = prop_oneof![
        4 => "(lat|lon|name|operator|value|value_to|unit|url|bytes|closes|note|secret|phone)",
        1 => any::<String>(),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_fields() -> impl Strategy<Value = Fields> {
    let names: Vec<String> = KIND.fields.iter().map(|field| field.name.clone()).collect();
    let name = prop_oneof![9 => prop::sample::select(names), 1 => any::<String>()];
    prop::collection::btree_map(name, any_json(), 0..8)
        .prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn any_draft_is_answered(fields in any_fields()) {
        let _ = validate(&KIND, fields.clone());
        // What is stored may be older than its kind: reading it must not panic either.
        let _ = KIND.texts(&fields).count();
        let _ = KIND.values(&fields);
        let _ = visible(&KIND, &fields, crate::record::Visibility::Public);
    }

    /// Validating again changes nothing. One field at a time, so that many drafts are valid.
    #[test]
    fn canonical_stays_canonical(name in 1..18usize, value in any_json()) {
        let field = &KIND.fields[name].name;
        let title = Value::from("题");
        let mut draft = Fields::from_iter([("title".to_owned(), title), (field.clone(), value.clone())]);
        if validate(&KIND, draft.clone()).is_err() {
            draft.insert(field.clone(), Value::Array(vec![value]));
        }
        if let Ok(once) = validate(&KIND, draft) {
            prop_assert_eq!(validate(&KIND, once.clone()), Ok(once));
        }
    }
}
