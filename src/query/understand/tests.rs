use super::*;
use crate::record::validate::days;
use crate::text::{DictionaryError, test_analyzer};
use std::sync::LazyLock;

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::open(None).expect("the embedded configuration is good"));
static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    Lexicon::open(None, test_analyzer(), &CATALOG).expect("the dictionaries are sound")
});

fn reader(kinds: &[Arc<str>]) -> Reader<'_> {
    Reader {
        analyzer: test_analyzer(),
        lexicon: &LEXICON,
        catalog: &CATALOG,
        kinds,
        today: days("2026-11-23").expect("a day"),
    }
}

fn read(text: &str) -> Understanding {
    reader(&[]).understand(text)
}

/// The offers of a text: the words and what they would apply.
fn offers(text: &str) -> Vec<(String, String)> {
    let offers = read(text).offers.into_iter();
    offers.map(|offer| (offer.text, offer.filter.or(offer.select).unwrap_or_default())).collect()
}

fn check(text: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(text, says)| (text.to_string(), says.to_string())).collect();
    assert_eq!(offers(text), expected, "{text}");
}

/// What else is looked for instead of a word.
fn also(text: &str, word: &str) -> Vec<String> {
    let read = read(text);
    let span = read.spans.iter().find(|span| read.normalized[span.range.clone()] == *word);
    let alternatives = span.map(|span| span.alternatives.as_slice()).unwrap_or_default();
    alternatives.iter().map(|other| other.text.clone()).collect()
}

#[test]
fn dates_ask_for_the_field_that_is_spoken_of() {
    check("本月截止的申报", &[("本月", "windows.closes 2026-11-23 TO 2026-11-30")]);
    check(
        "近三个月新出台",
        &[(
            "近三个月",
            "(published_on 2026-08-23 TO 2026-11-23 OR issued_on 2026-08-23 TO 2026-11-23)",
        )],
    );
    check("本月到期", &[("本月", "expires_on 2026-11-23 TO 2026-11-30")]);
}

#[test]
fn spans_and_parts_of_years_are_read_whole() {
    check(
        "2024年至2026年",
        &[(
            "2024年至2026年",
            "(published_on 2024-01-01 TO 2026-12-31 OR issued_on 2024-01-01 TO 2026-12-31)",
        )],
    );
    check(
        "2025年第三季度发布",
        &[(
            "2025年第三季度",
            "(published_on 2025-07-01 TO 2025-09-30 OR issued_on 2025-07-01 TO 2025-09-30)",
        )],
    );
    check("十月份截止", &[("十月份", "windows.closes 2027-10-01 TO 2027-10-31")]);
}

#[test]
fn a_variant_offers_once_and_whole() {
    let offers = offers("首台(套)");
    assert_eq!(offers.len(), 1, "{offers:?}");
    assert_eq!(offers[0].0, "首台(套)");
    assert_eq!(offers[0].1, self::offers("首台（套）")[0].1);
}

#[test]
fn other_forms_are_told_as_the_dictionary_spells_them() {
    let shown = |text: &str| -> Vec<String> {
        let spans = read(text).spans;
        spans.into_iter().flat_map(|span| span.alternatives).map(|other| other.shown).collect()
    };
    assert!(shown("首台套").contains(&"首台（套）".to_owned()));
    assert!(shown("专精特新").contains(&"专业化、精细化、特色化、新颖化".to_owned()));
    assert!(shown("AI").contains(&"人工智能".to_owned()));
}

#[test]
fn amounts_ask_for_the_field_that_is_spoken_of() {
    check("悬赏100万以上", &[("100万以上", "budget_yuan >= 1000000")]);
    check("補助１００萬元以上", &[("１００萬元以上", "max_amount_yuan >= 1000000")]);
    check("年收入3000万以下", &[]);
    check("补助50万左右", &[("50万左右", "max_amount_yuan 400000 TO 600000")]);
}

#[test]
fn places_by_every_name() {
    let huangdao = "(division_code WITHIN 370211 OR applies_to COVERS 370211)";
    for name in ["黄岛", "黄岛区", "西海岸新区", "青岛西海岸新区", "黃島"] {
        check(name, &[(name, huangdao)]);
    }
    let qingdao = "(division_code WITHIN 370200 OR applies_to COVERS 370200)";
    check("青岛", &[("青岛", qingdao)]);
    check("青岛市", &[("青岛市", qingdao)]);
    check(
        "青岛市崂山区",
        &[("崂山区", "(division_code WITHIN 370212 OR applies_to COVERS 370212)")],
    );
    check("市南", &[("市南", "(division_code WITHIN 370202 OR applies_to COVERS 370202)")]);
    check("即墨市", &[("即墨市", "(division_code WITHIN 370215 OR applies_to COVERS 370215)")]);
    check("全国", &[("全国", "(division_code COVERS 000000 OR applies_to COVERS 000000)")]);
    check("青岛大学", &[]);
    check("鼓楼区", &[]);
    assert!(also("黄岛 奖励", "黄岛").contains(&"西海岸新区".to_owned()));
    assert_eq!(also("青岛", "青岛"), Vec::<String>::new(), "who looks for a part finds the whole");
}

#[test]
fn terms_and_kinds_are_selections() {
    assert!(offers("石墨烯 中试").contains(&("中试".into(), "maturity:pilot".into())));
    assert!(offers("专家").contains(&("专家".into(), "kind:expert".into())));
    let kinds = ["policy".into()];
    let read = reader(&kinds).understand("中试 专家 悬赏100万以上");
    assert_eq!(read.offers, [], "what no kind searched has is not offered");
}

#[test]
fn offers_stand_where_they_were_typed() {
    let offer = read("ＡＢＣ 近三個月 政策").offers.remove(0);
    assert_eq!((offer.text.as_str(), offer.start, offer.end), ("近三個月", 4, 8));
}

#[test]
fn offers_are_filters() {
    for text in ["本月截止 100万以上 崂山区 中试", "2025年 50-200万 青岛", "6月30日前 悬赏50万以内"]
    {
        for offer in read(text).offers {
            let parsed = offer.filter.map(|text| crate::query::filter::parse(&text, &CATALOG));
            assert!(parsed.is_none_or(|parsed| parsed.is_ok()), "{text}");
        }
    }
}

#[test]
fn other_ways_to_say_a_word() {
    assert!(also("高企认定", "高企").contains(&"高新技术企业".to_owned()));
    assert!(also("国家发展和改革委员会", "国家发展和改革委员会").contains(&"发改委".to_owned()));
    assert!(also("发改委 文件", "发改委").contains(&"国家发展和改革委员会".to_owned()));
    assert!(also("青政 文件", "青政").contains(&"青岛市人民政府".to_owned()));
    assert!(also("十四五规划", "十四五规划").contains(&"第十四个五年规划".to_owned()));
    assert!(
        also("high-tech enterprise", "high-tech enterprise").contains(&"高新技术企业".to_owned())
    );
    assert!(also("32号文 高企", "32号文").contains(&"32号".to_owned()));
}

#[test]
fn a_form_is_not_found_across_words() {
    assert_eq!(also("提高企业研发投入", "高企"), Vec::<String>::new());
    assert_eq!(offers("今年轻人才"), []);
}

#[test]
fn raw_text_means_nothing_else() {
    let read = literal("高企 青岛 100万以上", test_analyzer());
    assert!(read.spans.is_empty() && read.offers.is_empty());
}

#[test]
fn code_keys_of_every_spelling() {
    for text in
        ["青政发〔2016〕12号", "青政发[2016]12号 全文", "请看青政发【2016】第12号", "青政发2016 12"]
    {
        assert!(read(text).codes.iter().any(|key| key == "青政发2016-12"), "{text}");
    }
}

#[test]
fn malformed_dictionaries_are_refused_by_file_and_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("the folder can be written");
    };
    for (name, _) in FILES {
        write(name, "高企, 高新技术企业\n");
    }
    write(STOP_WORDS, "怎么\n");
    let open = || Lexicon::open(Some(folder.path()), test_analyzer(), &CATALOG);
    assert_eq!(open().expect("sound").num_entries, 4);
    for (text, line) in [
        ("# 说明\n\n高企\n", 3),
        ("高企, 高 企\n", 1),
        ("高企, 企\n", 1),
        ("高企, 高新技术企业\t2\n", 1),
        ("高企 => \n", 1),
        ("高企, 高新技术企业, \n", 1),
    ] {
        write("synonyms.txt", text);
        match open() {
            Err(DictionaryError::Malformed { file, line: found, .. }) => {
                assert!(file.ends_with("synonyms.txt"));
                assert_eq!(found, line, "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn one_way_and_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, _) in FILES {
        std::fs::write(folder.path().join(name), "").expect("the folder can be written");
    }
    std::fs::write(folder.path().join(STOP_WORDS), "").expect("the folder can be written");
    std::fs::write(folder.path().join("synonyms.txt"), "甲乙 => 丙丁\t0.5\n戊己，庚辛\n")
        .expect("the folder can be written");
    let lexicon =
        Lexicon::open(Some(folder.path()), test_analyzer(), &CATALOG).expect("sound files");
    let also = |text: &str| -> Vec<(String, f32)> {
        let found = lexicon.find(text);
        let found = found.iter().flat_map(|(_, meaning)| &meaning.alternatives);
        found.map(|other| (other.text.clone(), other.weight)).collect()
    };
    assert_eq!(also("甲乙"), [("丙丁".to_owned(), 0.5)]);
    assert_eq!(also("丙丁"), []);
    assert_eq!(also("戊己"), [("庚辛".to_owned(), 0.7)]);
    assert_eq!(also("庚辛"), [("戊己".to_owned(), 0.7)]);
}

#[test]
fn the_entries_are_many_and_find_each_other() {
    assert!(LEXICON.num_entries >= 600, "{}", LEXICON.num_entries);
}

proptest::proptest! {
    #[test]
    fn spans_stand_in_order_on_words(text in "[高企认定青岛市崂山区0-9万元以上本月近三个年，OR -]{0,24}") {
        let read = read(&text);
        let mut end = 0;
        for span in &read.spans {
            proptest::prop_assert!(end <= span.range.start && span.range.start < span.range.end);
            let _ = &read.normalized[span.range.clone()];
            end = span.range.end;
        }
        for offer in &read.offers {
            let typed: String = text.chars().skip(offer.start).take(offer.end - offer.start).collect();
            proptest::prop_assert_eq!(&typed, &offer.text);
        }
    }
}
