use super::*;

fn read(text: &str) -> Result<Matching, ConfigError> {
    let mut files = ConfigFiles::read(None).expect("the embedded files can be read");
    let catalog = Catalog::from_files(&files).expect("the embedded kinds are sound");
    files.insert(FILE, text.as_bytes().to_vec());
    Matching::from_files(&files, &catalog)
}

const PAIR: &str = r#"
    version = 1
    [[pair]]
    id = "report-service"
    from = "report"
    to = "service"
    title = { zh = "与报告有关的服务", en = "Services for a report" }
    [[pair.feature]]
    id = "text"
    kind = "text"
    label = { zh = "内容", en = "Text" }
    weight = 1.0
    [[pair.feature]]
    id = "field"
    kind = "tree_near"
    label = { zh = "技术领域", en = "Field" }
    from = "tech_fields"
    to = "tech_fields"
    weight = 0.1
    [pair.reverse]
    id = "service-report"
    title = { zh = "与服务有关的报告", en = "Reports for a service" }
"#;

#[test]
fn a_new_pairing_needs_no_code() {
    let rules = read(PAIR).unwrap();
    let pair = rules.pair("report", "service").unwrap();
    assert_eq!((pair.features.len(), pair.flipped), (2, false));
    assert!(pair.query.fields.contains(&("title".into(), 10.0)), "{:?}", pair.query.fields);
    assert!(rules.pair("service", "report").unwrap().flipped);
    assert!(rules.pair("service", "service").is_some(), "similar records, undeclared");
    assert!(rules.pair("policy", "service").is_none());
}

#[test]
fn the_shipped_rules_are_sound_and_go_both_ways() {
    let files = ConfigFiles::read(None).unwrap();
    let catalog = Catalog::from_files(&files).unwrap();
    let rules = Matching::from_files(&files, &catalog).unwrap();
    for pair in rules.pairs.iter().filter(|pair| &*pair.from != profile::NAME) {
        assert!(rules.pair(&pair.to, &pair.from).is_some(), "{} has no reverse", pair.id);
    }
    for kind in &catalog.kinds {
        assert!(rules.pair(&kind.name, &kind.name).is_some(), "{}", kind.name);
    }
    assert_eq!(rules.targets(profile::NAME).len(), 2);
}

#[test]
fn a_bad_rule_is_refused_by_file_key_and_nearest_name() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(PAIR.contains(from), "{from}");
        let refused = read(&PAIR.replacen(from, to, 1)).map(|_| ()).unwrap_err().to_string();
        assert!(refused.starts_with("index-config/matching.toml:"), "{refused}");
        assert!(refused.contains(expected), "{expected} is not in {refused}");
    };
    check("from = \"tech_fields\"", "from = \"tech_field\"", "did you mean \"tech_fields\"?");
    check("\"tree_near\"", "\"tree_ner\"", "did you mean \"tree_near\"?");
    check("to = \"service\"", "to = \"servce\"", "did you mean \"service\"?");
    check("weight = 0.1", "weight = -1", "must be 0 to 100, found -1");
    check("weight = 0.1", "wieght = 0.1", "did you mean \"weight\"?");
    check("from = \"tech_fields\"", "from = \"published_on\"", "must be tree, found date");
    check("from = \"tech_fields\"", "from = \"industry_codes\"", "must have one vocabulary");
    check("[pair.reverse]", "filter = \"x = 1\"\n[pair.reverse]", "is not a key here");
    let borrow = |table: &str| format!("[pair.reverse]\n    query.borrow = {table}");
    check("[pair.reverse]", &borrow("{ share = -1 }"), "must be 0 to 100, found -1");
    check("[pair.reverse]", &borrow("{ shares = 1 }"), "did you mean \"share\"?");
    check("kind = \"text\"", "kind = \"dense\"", "exactly one feature of kind \"text\"");
    let filtered =
        PAIR.replacen("[[pair.feature]]", "filter = \"nothing = 1\"\n[[pair.feature]]", 1);
    let refused = read(&filtered).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("cannot be read at character 0"), "{refused}");
    // A field of other kinds, and one that not everybody may see.
    check(
        "[[pair.feature]]",
        "filter = \"budget_yuan = 1\"\n[[pair.feature]]",
        "is not a field of",
    );
    check("from = \"tech_fields\"", "from = \"contact.name\"", "is not public");
    let via = |lines: &str| format!("kind = \"via\"\n{lines}\nlabel");
    let votes = "via = \"achievement\"\nlink = \"people.id\"";
    let feature = "kind = \"tree_near\"\n    label";
    check(feature, &via(votes), "needs a pair from \"report\" to \"achievement\"");
    check(feature, &via("via = \"achievment\""), "did you mean \"achievement\"?");
    check(feature, &via("via = \"report\"\nlink = \"title\""), "goes round in a circle");
    check(feature, "kind = \"conditions\"\n    label", "is for pairs from \"profile\"");
}
