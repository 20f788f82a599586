use std::collections::BTreeMap;
use std::fs;

use super::files::Embedded;
use super::*;
use crate::record::kind::{Facet, FieldType, RecordKind, Visibility};

const SEARCH: &str = r#"
version = 1
units = { words = 1.0, grams = 0.5, chars = 0 }
roles = { title = 0.3, keywords = 0.3, code = 2.0 }
"#;

const COMMON: &str = r#"
version = 1
field = [
  { name = "title", type = "text", role = "title", required = true, label = { zh = "标题", en = "Title" } },
  { name = "published_on", type = "date", sortable = true, label = { zh = "发布日期", en = "Published" } },
]
"#;

const VOCABULARY: &str = "# levels\ncode\tparent\tzh\ten\taliases\na\t\t甲\tA\t\nb\ta\t乙\tB\t\n";

const HEAD: &str = r#"version = 1
kind = "offer"
order = 1
label = { zh = "供给", en = "Offer" }
description = { zh = "供给。", en = "Offers." }
"#;

/// Makes a configuration with one kind; `changes` add or replace files.
fn open(kind: &str, changes: &[(&str, &str)]) -> Result<Catalog, ConfigError> {
    let mut files = BTreeMap::from([
        ("search.toml", SEARCH),
        ("common.toml", COMMON),
        ("kinds/offer.toml", kind),
        ("vocabularies/level.tsv", VOCABULARY),
    ]);
    files.extend(changes.iter().copied());
    Catalog::from_files(&ConfigFiles::of(files))
}

/// Makes the tables of a kind after its head; the first line of `tables` is line 6 of the file.
fn offer(tables: &str) -> String {
    format!("{HEAD}{}", tables.trim_start_matches('\n'))
}

/// Checks the problems of one kind, without the folder's name.
fn check(kind: &str, expected: &[&str]) {
    check_files(kind, &[], expected);
}

fn check_files(kind: &str, changes: &[(&str, &str)], expected: &[&str]) {
    let found = match open(kind, changes) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .to_string()
            .lines()
            .map(|line| line.strip_prefix("index-config/").unwrap_or(line).to_owned())
            .collect(),
    };
    assert_eq!(found, expected, "\n{kind}");
}

/// Checks what is wrong with one field, beside its name and label.
fn check_field(keys: &str, expected: &[&str]) {
    let kind = offer(&format!(
        "[[field]]\nname = \"x\"\nlabel = {{ zh = \"x\", en = \"x\" }}\n{}",
        keys.trim_start()
    ));
    let expected: Vec<String> =
        expected.iter().map(|text| format!("kinds/offer.toml:{text}")).collect();
    check(&kind, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_embedded_copy_is_valid() {
    let catalog = Catalog::open(None).unwrap_or_else(|error| panic!("{error}"));
    assert!(!catalog.kinds.is_empty());
    assert!(catalog.kinds.iter().all(|kind| kind.fields[0].name == "title"));
}

#[test]
fn a_folder_is_read_like_the_embedded_copy() {
    let dir = tempfile::tempdir().unwrap();
    for name in Embedded::iter() {
        let path = dir.path().join(&*name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = String::from_utf8(Embedded::get(&name).unwrap().data.into_owned()).unwrap();
        // Line ends of another platform.
        fs::write(path, text.replace('\n', "\r\n")).unwrap();
    }
    fs::write(dir.path().join("kinds/.hidden.swp"), "x").unwrap();
    fs::write(dir.path().join("kinds/policy.toml~"), "x").unwrap();
    let embedded = Catalog::open(None).unwrap();
    let read = Catalog::open(Some(dir.path())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.fingerprint, embedded.fingerprint);
    assert!(read.columns.keys().eq(embedded.columns.keys()));

    fs::remove_dir_all(dir.path().join("vocabularies")).unwrap();
    let error = Catalog::open(Some(dir.path())).unwrap_err();
    let [problem] = error.problems.as_slice() else { panic!("{error}") };
    assert!(problem.file.ends_with("/vocabularies/"), "{error}");
    assert!(problem.message.starts_with("cannot be read: "), "{error}");
}

#[test]
fn kinds_are_in_their_order_with_the_common_fields_first() {
    let field = r#"
[[field]]
name = "level"
type = "tree"
label = { zh = "级别", en = "Level" }
vocabulary = "level"
facet = { kind = "tree" }
"#;
    let first = offer(field);
    let second = first.replace("\"offer\"", "\"need\"").replace("order = 1", "order = -1");
    let second = second.replace("级别", "层级").replace("facet", "filterable = false\n#");
    let catalog = open(&first, &[("kinds/need.toml", &second)]).unwrap();
    let names =
        |kind: &RecordKind| kind.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    assert_eq!(catalog.kinds.iter().map(|kind| &*kind.name).collect::<Vec<_>>(), ["need", "offer"]);
    assert_eq!(names(&catalog.kinds[0]), ["title", "published_on", "level"]);

    let paths: Vec<&str> = catalog.columns.keys().map(|path| &**path).collect();
    assert_eq!(paths, ["level", "published_on"]);
    // The first kind has no column for it, so the second one makes it.
    let level = catalog.column("level").unwrap();
    assert_eq!(level.label.zh, "级别");
    assert_eq!(level.facet, Some(Facet::Tree {}));
    assert_eq!(level.kinds, ["offer".into()]);
    assert_eq!(catalog.column("published_on").unwrap().kinds, ["need".into(), "offer".into()]);
}

#[test]
fn defaults_follow_type_role_and_object() {
    let kind = offer(
        r#"
[[field]]
name = "body"
type = "text"
role = "body"
label = { zh = "x", en = "x" }
[[field]]
name = "contact"
type = "object"
visibility = "registered"
multiple = true
label = { zh = "x", en = "x" }
[[field.field]]
name = "id"
type = "code"
label = { zh = "x", en = "x" }
[[field.field]]
name = "link"
type = "url"
visibility = "owner"
label = { zh = "x", en = "x" }
"#,
    );
    let catalog = open(&kind, &[]).unwrap();
    let kind = &catalog.kinds[0];
    let lengths = ["title", "body", "contact.id", "contact.link"]
        .map(|path| kind.field_at(path).unwrap().max_length);
    assert_eq!(lengths, [5_000, 200_000, 200, 2_000]);
    let id = kind.field_at("contact.id").unwrap();
    assert_eq!(id.visibility, Visibility::Registered);
    assert!(!id.filterable);
    assert_eq!(kind.field_at("contact.link").unwrap().visibility, Visibility::Owner);
    assert!(kind.field_at("published_on").unwrap().filterable);
    assert!(kind.field_at("contact.nothing").is_none());
    assert!(kind.field_at("published_on.").is_none());
    assert!(catalog.column("contact.id").is_none());
    assert_eq!(kind.boost, 1.0);
}

#[test]
fn the_fingerprint_follows_what_is_indexed() {
    let of = |kind: &str, changes: &[(&str, &str)]| open(kind, changes).unwrap().fingerprint;
    let before = of(HEAD, &[]);
    // The number is kept with indexes: another one makes every index anew.
    assert_eq!(before, 0x1ff3_2dcd_822c_3c37, "{before:#x}");
    assert_eq!(of(&HEAD.replace('\n', "\r\n"), &[]), before);
    assert_eq!(of(HEAD, &[("search.toml", &SEARCH.replace("0.5", "0.6"))]), before);
    assert_eq!(of(HEAD, &[("attributes.toml", "version = 1")]), before);
    assert_eq!(of(HEAD, &[("understanding.toml", "version = 1")]), before);
    assert_ne!(of(&format!("{HEAD}#"), &[]), before);
    assert_ne!(of(HEAD, &[("vocabularies/other.tsv", VOCABULARY)]), before);
}

#[test]
fn problems_of_all_files_come_at_once() {
    let kind = offer("order = 2\n");
    check_files(
        &kind.replace("order = 1\n", "ordr = 1\n"),
        &[
            ("common.toml", &COMMON.replace("\"date\"", "\"dat\"")),
            ("search.toml", "version = 2\nunits = { words = -1, grams = \"x\" }\n"),
            ("vocabularies/level.tsv", "code\n"),
            ("kinds/readme.txt", ""),
        ],
        &[
            "common.toml:5: field \"published_on\": type \"dat\" is not known; allowed: text, code, term, tree, date, integer, decimal, money, quantity, bool, geo, url, file, object; did you mean \"date\"?",
            "kinds/offer.toml:3: ordr is not a key here; allowed: version, kind, label, description, order, boost, applicability, card, section, sort, page, closed, form, field; did you mean \"order\"?",
            "kinds/readme.txt: does not belong here: files of kinds/ end in .toml",
            "search.toml:1: roles is missing",
            "search.toml:1: version 2 is not known; allowed: 1",
            "search.toml:2: units.chars is missing",
            "search.toml:2: units.grams must be a number, found the string \"x\"",
            "search.toml:2: units.words must be 0 to 100, found -1",
            "vocabularies/level.tsv:1: the header must be \"code\\tparent\\tzh\\ten\\taliases\", found \"code\"",
        ],
    );
}

#[test]
fn a_problem_names_its_key() {
    let kind = offer(
        r#"
[[field]]
name = "x"
type = "integer"
label = { zh = "x", en = "" }
facet = { kind = "rangs" }
"#,
    );
    let error = open(&kind, &[]).unwrap_err();
    let keys: Vec<&str> = error.problems.iter().map(|problem| &*problem.key).collect();
    assert_eq!(keys, ["field[0].label.en", "field[0].facet.kind"]);
}

#[test]
fn what_is_no_toml_is_said_so() {
    let error = open("version = \nkind = \"offer\n", &[]).unwrap_err();
    let lines: Vec<Option<usize>> = error.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(1), Some(2)], "{error}");
    assert!(error.problems[0].message.starts_with("is not TOML here: "), "{error}");
    // Fields that were not read are not missed where they are named.
    let kind = offer("[card]\nfields = [\"level\"]\n");
    let error = open(&kind, &[("common.toml", "version = [")]).unwrap_err();
    assert!(error.problems.iter().all(|problem| problem.file.ends_with("common.toml")), "{error}");
}

#[test]
fn a_missing_file_is_said_so() {
    let files = ConfigFiles::of([("kinds/offer.toml", HEAD)]);
    assert_eq!(
        Catalog::from_files(&files).unwrap_err().to_string(),
        "index-config/common.toml: the file is missing\nindex-config/search.toml: the file is missing"
    );
    let files = ConfigFiles::of([("common.toml", COMMON), ("search.toml", SEARCH)]);
    assert_eq!(
        Catalog::from_files(&files).unwrap_err().to_string(),
        "index-config/kinds/: holds no kind; expected a file <kind>.toml"
    );
}

#[test]
fn the_head_of_a_kind_is_checked() {
    check(HEAD, &[]);
    check(
        "kind = \"Offer\"\norder = 1.5\nboost = 11\nlabel = \"x\"\n",
        &[
            "kinds/offer.toml:1: description is missing",
            "kinds/offer.toml:1: kind \"Offer\" must be lower-case letters, digits and _, beginning with a letter, at most 64",
            "kinds/offer.toml:1: version is missing",
            "kinds/offer.toml:2: order must be a whole number, found the number 1.5",
            "kinds/offer.toml:3: boost must be 0.1 to 10, found 11",
            "kinds/offer.toml:4: label must be a table, found the string \"x\"",
        ],
    );
    check(
        &HEAD.replace("\"offer\"", "\"offers\""),
        &["kinds/offer.toml:2: kind \"offers\" must be the name of the file, \"offer\""],
    );
    check_files(
        HEAD,
        &[("kinds/zoo.toml", &HEAD.replace("\"offer\"", "\"zoo\""))],
        &["kinds/zoo.toml:3: order 1 is already that of \"offer\""],
    );
}

#[test]
fn names_are_checked() {
    let kind = |name: &str| {
        offer(&format!(
            "[[field]]\nname = \"{name}\"\ntype = \"bool\"\nlabel = {{ zh = \"x\", en = \"x\" }}\n"
        ))
    };
    let form = "must be lower-case letters, digits and _, beginning with a letter, at most 64";
    check(&kind("a1_b"), &[]);
    check(
        &kind("kind"),
        &["kinds/offer.toml:7: field[0].name \"kind\" is reserved for the service"],
    );
    for name in ["_x", "X", "a.b", "1a", "ä"] {
        check(&kind(name), &[&format!("kinds/offer.toml:7: field[0].name {name:?} {form}")]);
    }
    check(
        &offer(&format!("{}{}", kind("a").replace(HEAD, ""), kind("a").replace(HEAD, ""))),
        &["kinds/offer.toml:10: field \"a\": is already declared on line 6"],
    );
}

#[test]
fn keys_must_fit_the_type() {
    check_field(
        "type = \"terms\"\n",
        &[
            "9: field \"x\": type \"terms\" is not known; allowed: text, code, term, tree, date, integer, decimal, money, quantity, bool, geo, url, file, object; did you mean \"term\"?",
        ],
    );
    check_field(
        "type = \"text\"\n",
        &["6: field \"x\": a text needs a role; allowed: title, keywords, summary, body"],
    );
    check_field("type = \"tree\"\n", &["6: field \"x\": vocabulary is missing"]);
    check_field(
        "type = \"term\"\nvocabulary = \"levl\"\n",
        &[
            "10: field \"x\": vocabulary \"levl\" is not a file vocabularies/levl.tsv; did you mean \"level\"?",
        ],
    );
    check_field(
        "type = \"date\"\nunit = \"d\"\nmin = 1\nmax_length = 3\nopen = true\nrole = \"body\"\nvocabulary = \"level\"\n",
        &[
            "10: field \"x\": unit does not fit type \"date\"; allowed for: integer, decimal, money",
            "11: field \"x\": min does not fit type \"date\"; allowed for: integer, decimal, money",
            "12: field \"x\": max_length does not fit type \"date\"; allowed for: text, code, term, url",
            "13: field \"x\": open does not fit type \"date\"; allowed for: object",
            "14: field \"x\": role does not fit type \"date\"; allowed for: text, term, tree, code",
            "15: field \"x\": vocabulary does not fit type \"date\"; allowed for: tree, term",
        ],
    );
    check_field(
        "type = \"bool\"\nsortable = true\ndeadline = true\n",
        &[
            "10: field \"x\": sortable does not fit type \"bool\"; allowed for: term, date, integer, decimal, money",
            "11: field \"x\": deadline does not fit type \"bool\"; allowed for: date",
        ],
    );
    check_field(
        "type = \"url\"\nfilterable = true\nmax_length = 2001\n",
        &[
            "10: field \"x\": filterable does not fit type \"url\"; allowed for: code, term, tree, date, integer, decimal, money, bool",
            "11: field \"x\": max_length must be 1 to 2000, found 2001",
        ],
    );
    check_field(
        "type = \"integer\"\nmin = 2\nmax = 1\n",
        &["6: field \"x\": min 2 is greater than max 1"],
    );
    check_field(
        "type = \"money\"\nmin = 0.5\n",
        &["10: field \"x\": min must be a whole number, found the number 0.5"],
    );
    check_field(
        "type = \"bool\"\nvisibility = \"owner\"\nfilterable = true\nfacet = { kind = \"terms\" }\n",
        &[
            "11: field \"x\": filterable needs visibility \"public\", found \"owner\"",
            "12: field \"x\": facet needs visibility \"public\", found \"owner\"",
        ],
    );
}

#[test]
fn objects_are_checked() {
    check_field(
        "type = \"object\"\n",
        &["6: field \"x\": an object needs [[field.field]] tables, or open = true"],
    );
    check_field("type = \"object\"\nopen = true\n", &[]);
    let nested = |depth: usize| {
        (0..depth).fold("type = \"bool\"".to_owned(), |inner, _| {
            format!(
                "type = \"object\", field = [{{ name = \"a\", label = {{ zh = \"x\", en = \"x\" }}, {inner} }}]"
            )
        })
    };
    check_field(&nested(3).replacen(", ", "\n", 1), &[]);
    check_field(
        &nested(4).replacen(", ", "\n", 1),
        &["10: field \"x.a.a.a\": objects may be at most 3 deep"],
    );
    let inner =
        "[[field.field]]\nname = \"id\"\ntype = \"bool\"\nlabel = { zh = \"x\", en = \"x\" }\n";
    check_field(&format!("type = \"object\"\n{inner}"), &[]);
    check_field(
        &format!("type = \"object\"\n{inner}{inner}"),
        &["14: field \"x.id\": is declared twice"],
    );
    check_field(
        &format!("type = \"object\"\nopen = true\n{inner}"),
        &["6: field \"x\": an open object has no [[field.field]] tables"],
    );
    check_field(
        &format!("type = \"object\"\nvisibility = \"owner\"\n{inner}visibility = \"public\"\n"),
        &[
            "15: field \"x.id\": visibility \"public\" shows more than the object that holds it, which is \"owner\"",
        ],
    );
}

#[test]
fn facets_are_checked() {
    check_field(
        "type = \"tree\"\nvocabulary = \"level\"\nfacet = { kind = \"terms\" }\n",
        &["11: field \"x\": facet.kind \"terms\" does not fit type \"tree\"; allowed: tree"],
    );
    check_field(
        "type = \"geo\"\nfacet = { kind = \"terms\" }\n",
        &["10: field \"x\": facet.kind \"terms\" does not fit type \"geo\"; allowed: no facet"],
    );
    check_field(
        "type = \"term\"\nvocabulary = \"level\"\nfacet = { kind = \"terms\", x = 1 }\n",
        &["11: field \"x\": facet.x is not a key here; allowed: kind"],
    );
    check_field(
        "type = \"integer\"\nfacet = { kind = \"ranges\", buckets = [] }\n",
        &["10: field \"x\": facet.buckets must hold at least one bucket"],
    );
    check_field(
        r#"
type = "integer"
facet = { kind = "ranges", buckets = [
  { key = "a", label = { zh = "x", en = "x" }, from = 1, to = 1 },
  { key = "a", label = { zh = "x", en = "x" }, to = 1 },
  { key = "b", label = { zh = "x" } },
] }
"#,
        &[
            "11: field \"x\": facet.buckets[0] begins at 1, which must be less than its end 1",
            "12: field \"x\": facet.buckets[1].key \"a\" is the key of an earlier bucket",
            "13: field \"x\": facet.buckets[2] needs from, to or both",
            "13: field \"x\": facet.buckets[2].label.en is missing",
        ],
    );
    check_field(
        r#"
type = "date"
facet = { kind = "relative_dates", buckets = [
  { key = "today", label = { zh = "x", en = "x" }, from_days = 0, to_days = 0 },
  { key = "A", label = { zh = "x", en = "x" }, from_days = 2, to_days = 1 },
  { key = "far", label = { zh = "x", en = "x" }, to_days = 99999999999 },
] }
"#,
        &[
            "12: field \"x\": facet.buckets[1] begins at 2, which must not be greater than its end 1",
            "12: field \"x\": facet.buckets[1].key \"A\" must be lower-case letters, digits and _",
            "13: field \"x\": facet.buckets[2].to_days must be -366000 to 366000, found 99999999999",
        ],
    );
}

#[test]
fn references_are_checked() {
    let kind = offer(
        r#"
[card]
fields = ["title", "titel", "contact.phone", "title"]
badge = "title"
[[section]]
label = { zh = "x", en = "x" }
fields = ["contact.phon"]
[[section]]
label = { zh = "x", en = "x" }
fields = []
[[sort]]
field = "contact.phone"
order = "up"
label = { zh = "x", en = "x" }
[[sort]]
field = "published_on"
order = "asc"
label = { zh = "x", en = "x" }
[[field]]
name = "contact"
type = "object"
label = { zh = "x", en = "x" }
field = [{ name = "phone", type = "term", label = { zh = "x", en = "x" } }]
"#,
    );
    check(
        &kind,
        &[
            "kinds/offer.toml:7: card.fields[1] \"titel\" is not a field of the kind; did you mean \"title\"?",
            "kinds/offer.toml:7: card.fields[3] \"title\" is named twice",
            "kinds/offer.toml:8: card.badge \"title\" must be a single term, found text",
            "kinds/offer.toml:11: section[0].fields[0] \"contact.phon\" is not a field of the kind; did you mean \"contact.phone\"?",
            "kinds/offer.toml:14: section[1].fields must name at least one field",
            "kinds/offer.toml:16: sort[0].field \"contact.phone\" needs sortable = true",
            "kinds/offer.toml:17: sort[0].order \"up\" is not known; allowed: asc, desc",
        ],
    );
}

#[test]
fn what_says_that_a_record_is_over_is_checked() {
    let states = r#"
[[field]]
name = "state"
type = "term"
label = { zh = "x", en = "x" }
vocabulary = "level"
"#;
    let closed = |keys: &str| offer(&format!("[closed]\n{keys}\n{states}"));
    check(&closed("field = \"state\"\ncodes = [\"a\"]"), &[]);
    check(
        &closed("field = \"title\"\ncodes = [\"a\"]"),
        &["kinds/offer.toml:7: closed.field \"title\" must be a single term"],
    );
    check(
        &closed("field = \"state\"\ncodes = [\"zzz\"]"),
        &["kinds/offer.toml:8: closed.codes[0] \"zzz\" is not a code of \"level\""],
    );
}

#[test]
fn a_broken_field_is_reported_once() {
    let kind = offer(
        r#"
[card]
fields = ["level.name"]
[[sort]]
field = "level"
order = "asc"
label = { zh = "x", en = "x" }
[[field]]
name = "level"
type = "dat"
facet = { kind = "relative_dates", buckets = [{ key = "a", label = { zh = "x", en = "x" }, to_days = 1 }] }
sortable = true
label = { zh = "x", en = "x" }
"#,
    );
    assert_eq!(open(&kind, &[]).unwrap_err().problems.len(), 1);
}

#[test]
fn common_fields_may_be_worded_anew() {
    let kind = |keys: &str| offer(&format!("[[field]]\nname = \"published_on\"\n{keys}"));
    let catalog = open(&kind("label = { zh = \"上架\", en = \"Listed\" }\nrequired = true\n"), &[]);
    let catalog = catalog.unwrap();
    let field = catalog.kinds[0].field("published_on").unwrap();
    assert_eq!((&*field.label.zh, field.required), ("上架", true));
    assert_eq!((field.field_type, field.sortable), (FieldType::Date, true));
    check(
        &kind("type = \"term\"\nsortable = false\n"),
        &[
            "kinds/offer.toml:8: field \"published_on\": type \"term\" must stay \"date\", as every kind has it",
            "kinds/offer.toml:9: field \"published_on\": sortable is not a key here; allowed: name, type, label, help, facet, required",
        ],
    );
}

#[test]
fn kinds_that_share_a_name_mean_the_same() {
    let kind = |name: &str, order: &str, keys: &str| {
        offer(&format!(
            "[[field]]\nname = \"x\"\nlabel = {{ zh = \"{name}\", en = \"x\" }}\n{keys}"
        ))
        .replace("\"offer\"", &format!("{name:?}"))
        .replace("order = 1", order)
    };
    let first = kind("offer", "order = 1", "type = \"term\"\nvocabulary = \"level\"\n");
    let compare = |keys: &str, expected: &[&str]| {
        check_files(&first, &[("kinds/zoo.toml", &kind("zoo", "order = 2", keys))], expected);
    };
    compare("type = \"term\"\nvocabulary = \"level\"\nrole = \"body\"\n", &[]);
    compare(
        "type = \"code\"\n",
        &[
            "kinds/zoo.toml:6: field \"x\": type is \"code\", but \"term\" in the kind \"offer\"; a name that kinds share means the same",
        ],
    );
    compare(
        "type = \"term\"\n",
        &[
            "kinds/zoo.toml:6: field \"x\": vocabulary is none, but \"level\" in the kind \"offer\"; a name that kinds share means the same",
        ],
    );
    compare(
        "type = \"term\"\nvocabulary = \"level\"\nmultiple = true\n",
        &[
            "kinds/zoo.toml:6: field \"x\": multiple is true, but false in the kind \"offer\"; a name that kinds share means the same",
        ],
    );
}

#[test]
fn every_kind_needs_its_title() {
    let rule = "every kind needs a field \"title\": a public, required text with the role title";
    check_files(
        HEAD,
        &[("common.toml", "version = 1\n")],
        &[&format!("kinds/offer.toml:1: {rule}")],
    );
    let optional = COMMON.replace("required = true, ", "");
    check_files(HEAD, &[("common.toml", &optional)], &[&format!("kinds/offer.toml:1: {rule}")]);
}

#[test]
fn a_file_that_is_no_utf8_is_said_so() {
    let mut files = ConfigFiles::of([("common.toml", COMMON), ("search.toml", SEARCH)]);
    files.insert("kinds/offer.toml", b"# \xff".to_vec());
    assert_eq!(
        Catalog::from_files(&files).unwrap_err().to_string(),
        "index-config/kinds/offer.toml: is not UTF-8 at byte 2"
    );
}

#[test]
fn signals_are_checked() {
    let signals = r#"
[[signal]]
name = "a"
label = { zh = "甲", en = "A" }
kind = "value"
weight = 3
field = "publshed_on"
values = { x = 2 }
absent = 0

[[signal]]
name = "a"
label = { zh = "甲", en = "A" }
kind = "code"
weight = 0.1
half_life_days = 3

[[signal]]
name = "b"
label = { zh = "乙", en = "B" }
kind = "recncy"
weight = 0.1
"#;
    check_files(
        HEAD,
        &[("search.toml", &format!("{}{signals}", SEARCH.trim_start()))],
        &[
            "search.toml:9: signal[0].weight must be 0 to 2, found 3",
            "search.toml:10: signal[0].field \"publshed_on\" is no column of any kind; did you mean \"published_on\"?",
            "search.toml:11: signal[0].values.x must be 0 to 1, found 2",
            "search.toml:19: signal[1].half_life_days is not a key here; allowed: name, label, kind, weight",
            "search.toml:24: signal[2].kind \"recncy\" is not known; allowed: code, title, understood, coverage, value, recency; did you mean \"recency\"?",
        ],
    );
}

#[test]
fn understanding_is_checked() {
    let rules = r#"version = 1
[[date]]
label = { zh = "发布", en = "Published" }
fields = ["published_on", "title"]
[[amount]]
label = { zh = "金额", en = "Amount" }
fields = ["published_on"]
[[term]]
field = "published_on"
[[kind]]
kind = "offr"
words = ["供给"]
[[place]]
"#;
    check_files(
        HEAD,
        &[("understanding.toml", rules)],
        &[
            "understanding.toml:4: date[0].fields[1] \"title\" is no column of any kind",
            "understanding.toml:7: amount[0].fields[0] \"published_on\" is a `date`; expected `money`",
            "understanding.toml:9: term[0].field \"published_on\" is a `date`; expected a field with a facet and a vocabulary",
            "understanding.toml:11: kind[0].kind \"offr\" is no kind; did you mean \"offer\"?",
            "understanding.toml:13: place is not a key here; allowed: version, date, amount, region, term, kind",
        ],
    );
}
