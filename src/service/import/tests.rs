use serde_json::{Value, json};

use super::map::content_id;
use super::*;
use crate::record::Catalog;

fn catalog() -> Catalog {
    Catalog::open(None).expect("the kinds of this repository are sound")
}

/// Maps one row; what was not known is listed as `field value`. The id that a row without one gets is left out.
fn mapped(map: &str, row: Value) -> (Value, Vec<String>) {
    let catalog = catalog();
    let kind = catalog.kind("achievement").unwrap();
    let map = ImportMap::parse(map, "map.toml", kind).unwrap_or_else(|error| panic!("{error}"));
    let mut tally = Tally::default();
    let row = row.as_object().unwrap();
    let mut fields = map.apply(row, &mut tally);
    let id = fields["id"].as_str().unwrap();
    if id == content_id(row) {
        fields.remove("id");
    }
    let unknown = tally.unknown();
    let unknown = unknown.iter().map(|(field, value, _)| format!("{field} {value}")).collect();
    (Value::Object(fields), unknown)
}

#[test]
fn values_become_those_of_the_field() {
    let check = |map: &str, row: Value, expected: Value| {
        let (found, unknown) = mapped(map, row.clone());
        assert_eq!(found, expected, "{map}\n{row}");
        assert_eq!(unknown, [""; 0], "{map}\n{row}");
    };
    check("title = \"name\"", json!({"name": " 泵 ", "id": 7}), json!({"id": "7", "title": "泵"}));
    check(
        "id = \"no\"\ntitle = \"a.b\"",
        json!({"no": "x-1", "a": {"b": "泵"}}),
        json!({"id": "x-1", "title": "泵"}),
    );
    check("source_name = { value = \"网\" }", json!({}), json!({"source_name": "网"}));
    check("title = { from = [\"a\", \"b\"] }", json!({"a": "", "b": "泵"}), json!({"title": "泵"}));
    check(
        "organization = { default = \"某院\" }",
        json!({"organization": null}),
        json!({"organization": "某院"}),
    );
    check(
        "maturity = { from = \"m\", vocabulary = true }",
        json!({"m": "已有样品"}),
        json!({"maturity": "prototype"}),
    );
    check(
        "transfer_modes = { from = \"c\", run_together = true, values = { \"许可转让\" = \"license\" } }",
        json!({"c": "完全转让许可转让技术入股"}),
        json!({"transfer_modes": ["assignment", "license", "equity"]}),
    );
    check(
        "keywords = { from = \"k\", split = [\";\", \"、\"] }",
        json!({"k": "泵; 阀、泵;"}),
        json!({"keywords": ["泵", "阀"]}),
    );
    check("keywords = \"k\"", json!({"k": ["泵", "阀"]}), json!({"keywords": ["泵", "阀"]}));
    check("source_name = \"s\"", json!({"s": ["甲", "乙"]}), json!({"source_name": "甲、乙"}));
    check(
        "industry_codes = { from = \"i\", vocabulary = true, levels = \"——\" }",
        json!({"i": "农、林、牧、渔业——农业"}),
        json!({"industry_codes": ["A01"]}),
    );
    check(
        "published_on = { from = \"d\", date = \"%Y年%m月%d日\" }",
        json!({"d": "2020年3月1日"}),
        json!({"published_on": "2020-03-01"}),
    );
    check(
        "published_on = \"d\"",
        json!({"d": "2020-03-01T08:00:00Z"}),
        json!({"published_on": "2020-03-01"}),
    );
    check(
        "contact = { phone = \"tel\" }",
        json!({"tel": "123"}),
        json!({"contact": {"phone": "123"}}),
    );
}

#[test]
fn a_row_without_an_id_keeps_the_one_it_gets() {
    let id = |row: Value| content_id(row.as_object().unwrap());
    assert_eq!(id(json!({"name": "泵", "price": 1})), id(json!({"name": "泵", "price": 1})));
    assert_ne!(id(json!({"name": "泵", "price": 1})), id(json!({"name": "泵", "price": 2})));
}

#[test]
fn money_is_yuan() {
    let map = r#"
        price_low_yuan = { from = "price", amount = "first", drop_if = "面议" }
        price_high_yuan = { from = "price", amount = "last", drop_if = "面议" }
    "#;
    let check = |price: &str, expected: Value| {
        assert_eq!(mapped(map, json!({ "price": price })), (expected, Vec::new()), "{price}");
    };
    check(
        "100.0万元-200.0万元",
        json!({"price_low_yuan": 1_000_000, "price_high_yuan": 2_000_000}),
    );
    check("1-2.5亿元", json!({"price_low_yuan": 100_000_000, "price_high_yuan": 250_000_000}));
    check("500元", json!({"price_low_yuan": 500, "price_high_yuan": 500}));
    check("面议", json!({}));
    let times = "price_yuan = { from = \"p\", times = 10000 }";
    assert_eq!(mapped(times, json!({"p": 1.5})).0, json!({"price_yuan": 15_000}));
    assert_eq!(mapped(times, json!({"p": "1,200"})).0, json!({"price_yuan": 12_000_000}));
}

#[test]
fn what_nobody_knows_is_counted_and_left_out() {
    let check = |map: &str, row: Value, fields: Value, unknown: &[&str]| {
        let unknown: Vec<String> = unknown.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(mapped(map, row), (fields, unknown), "{map}");
    };
    let maturity = "maturity = { from = \"m\", vocabulary = true }";
    check(maturity, json!({"m": "很成熟"}), json!({}), &["maturity 很成熟"]);
    let date = "published_on = \"d\"";
    check(date, json!({"d": "2020-02-30"}), json!({}), &["published_on 2020-02-30"]);
    let modes = "transfer_modes = { from = \"c\", run_together = true }";
    check(
        modes,
        json!({"c": "完全转让白送合作生产"}),
        json!({"transfer_modes": ["assignment", "joint_production"]}),
        &["transfer_modes 白送"],
    );
    let industry = "industry_codes = { from = \"i\", vocabulary = true, levels = \"-\" }";
    check(
        industry,
        json!({"i": "制造业-造梦业"}),
        json!({"industry_codes": ["C"]}),
        &["industry_codes 制造业-造梦业"],
    );
    let dropped = "maturity = { from = \"m\", vocabulary = true, values = { \"无\" = \"\" } }";
    check(dropped, json!({"m": "无"}), json!({}), &[]);
    check("price_yuan = \"p\"", json!({"p": "1万-2万"}), json!({}), &["price_yuan 1万-2万"]);
}

#[test]
fn a_missing_title_is_the_first_words() {
    let map = "title = { first_words_of = \"abstract\" }";
    let text = "甲".repeat(50);
    assert_eq!(mapped(map, json!({"abstract": text})).0["title"], "甲".repeat(30));
    assert_eq!(mapped(map, json!({"abstract": text, "title": "乙"})).0["title"], "乙");
    assert_eq!(mapped(map, json!({"abstract": "一种新的泵。它很好。"})).0["title"], "一种新的泵");
    let short = "title = { from = \"name\", first_words_of = \"abstract\", chars = 5 }";
    assert_eq!(mapped(short, json!({"abstract": text, "name": null})).0["title"], "甲".repeat(5));
}

#[test]
fn a_bad_map_names_line_and_allowed() {
    let check = |map: &str, expected: &[&str]| {
        let catalog = catalog();
        let kind = catalog.kind("achievement").unwrap();
        let error = ImportMap::parse(map, "map.toml", kind).expect_err(map).to_string();
        for part in expected {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    };
    check("\ntitel = \"name\"", &["map.toml:2:", "titel", "did you mean \"title\""]);
    check(
        "title = { form = \"name\" }",
        &["map.toml:1:", "form", "allowed: from, ", "did you mean"],
    );
    check("title = 3", &["map.toml:1:", "a number"]);
    check("title = ", &["map.toml:1:", "TOML"]);
    check("title = { vocabulary = true }", &["no vocabulary"]);
    check("maturity = { value = \"prototyp\" }", &["prototyp", "prototype"]);
    check("maturity = { split = \",\" }", &["one value"]);
    check("published_on = { date = \"%Q\" }", &["%Y-%m-%d"]);
    check("price_yuan = { amount = \"low\" }", &["\"first\" or \"last\""]);
    check("a = 1\nb = 2", &["map.toml:1:", "map.toml:2:"]);
}

#[test]
fn members_that_nothing_uses_are_named() {
    let catalog = catalog();
    let kind = catalog.kind("achievement").unwrap();
    let map = ImportMap::parse("title = \"name\"\nbody = \"txet\"", "m", kind).unwrap();
    let mut tally = Tally::default();
    map.apply(json!({"id": "1", "name": "泵", "text": "…"}).as_object().unwrap(), &mut tally);
    assert_eq!(map.unused(&tally), (vec!["text".to_owned()], vec!["txet".to_owned()]));
}

/// Reads every row: line, and the fields or the reason.
fn read(bytes: &[u8], format: Format) -> Vec<(u64, Result<Value, String>)> {
    let mut rows = Rows::new(unpacked(bytes).unwrap(), format).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        found.push((row.line, row.fields.map(Value::Object).map_err(|error| error.reason)));
    }
    found
}

#[test]
fn a_bad_line_spoils_only_itself() {
    let rows =
        read(b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"a\":\xff}\n[1]\n{\"a\":}\n{\"a\":2}", Format::Jsonl);
    let lines: Vec<u64> = rows.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6]);
    assert_eq!(rows[0].1, Ok(json!({"a": 1})));
    assert!(rows[1].1.as_ref().is_err_and(|reason| reason.contains("not UTF-8 at byte 5")));
    assert!(rows[2].1.as_ref().is_err_and(|reason| reason.contains("object")));
    assert!(rows[3].1.as_ref().is_err_and(|reason| reason.contains("not JSON")));
    assert_eq!(rows[4].1, Ok(json!({"a": 2})));
}

#[test]
fn a_line_without_end_is_refused_alone() {
    let mut bytes = vec![b'x'; 9 << 20];
    bytes.extend(b"\n{\"a\":1}\n");
    let rows = read(&bytes, Format::Jsonl);
    assert!(rows[0].1.as_ref().is_err_and(|reason| reason.contains("bytes")));
    assert_eq!(rows[1], (2, Ok(json!({"a": 1}))));
}

#[test]
fn cells_have_the_lines_and_names_of_the_file() {
    let rows = read("\u{feff}id,title\n1,\"一\n二\"\n\n2,三,四\n3,五\n".as_bytes(), Format::Csv);
    assert_eq!(rows[0], (2, Ok(json!({"id": "1", "title": "一\n二"}))));
    assert_eq!((rows[1].0, rows[1].1.is_err()), (5, true));
    assert_eq!(rows[2], (6, Ok(json!({"id": "3", "title": "五"}))));
    let twice = unpacked(&b"a,a\n1,2\n"[..]).unwrap();
    assert!(Rows::new(twice, Format::Csv).is_err());
}

#[test]
fn tables_of_a_kind_are_records_of_it() {
    let text = "\u{feff}# rules\n[[policy]]\nid = \"a\"\nissued_on = 2026-03-01\n\n[[policy.conditions]]\nid = \"c1\"\nall = [\n  { attr = \"staff\", op = \"ge\", value = 10 },\n]\n\n[[policy]]\nid = \"b\"\nrate = 0.5\nis = true\n";
    let staff = json!({"attr": "staff", "op": "ge", "value": 10});
    let first = json!({
        "kind": "policy", "id": "a", "issued_on": "2026-03-01", "conditions": [{"id": "c1", "all": [staff]}],
    });
    let second = json!({"kind": "policy", "id": "b", "rate": 0.5, "is": true});
    assert_eq!(read(text.as_bytes(), Format::Toml), [(2, Ok(first)), (12, Ok(second.clone()))]);
    let one = "[policy]\nid = \"b\"\nrate = 0.5\nis = true\n";
    assert_eq!(read(one.as_bytes(), Format::Toml), [(1, Ok(second))]);
    // Anything else at the top: the file is the record.
    let plain = "kind = \"policy\"\nid = \"c\"\n[contact]\nname = \"王\"\n";
    let expected = json!({"kind": "policy", "id": "c", "contact": {"name": "王"}});
    assert_eq!(read(plain.as_bytes(), Format::Toml), [(1, Ok(expected))]);
    let broken = unpacked(&b"[policy]\nid = \n"[..]).unwrap();
    let error = Rows::new(broken, Format::Toml).err().unwrap().to_string();
    assert!(error.contains("line 2: is not TOML here"), "{error}");
    assert_eq!(Format::of_name("Rules.TOML"), Format::Toml);
}

#[test]
fn cells_become_values_and_unknown_columns_stay() {
    let catalog = catalog();
    let kind = catalog.kind("achievement").unwrap();
    let map = ImportMap::of_cells(kind, &[";".to_owned()]);
    let row = json!({
        "id": "1", "title": "泵", "keywords": "泵;阀", "price_yuan": "5万元", "readiness_level": "4",
        "maturity": "已有样品", "example": "true", "organization": "", "colour": "red",
        "published_on": "soon",
    });
    let mut tally = Tally::default();
    let fields = map.apply(row.as_object().unwrap(), &mut tally);
    assert_eq!(
        Value::Object(fields),
        json!({
            "id": "1", "title": "泵", "keywords": ["泵", "阀"], "price_yuan": 50_000, "readiness_level": 4,
            "maturity": "prototype", "example": true, "colour": "red", "published_on": "soon",
        })
    );
}
