use proptest::prelude::*;

use super::character::chinese_digit;
use super::placer::groups_digits;
use super::*;
use crate::text::test_analyzer;

/// Texts of what is delicate: characters that combine, expand, convert, vanish or part others, and any others.
pub fn text() -> impl Strategy<Value = String> {
    let delicate = "科技成果转化一二三八九〇零○年月日头頭髮發展乾坤淨瞭解不覆鍾書著裡后後龍龙⻰⻔㑮䥕\
        aAbBzZéÉßİςΣ019+#.,-_/&':@–’…™①㎡ⅠＡ１，．＋＃（）；！？。、《》〔〕\u{3000} \t\n\r\
        \u{200b}\u{200d}\u{feff}\u{0}\u{ad}\u{301}\u{308}\u{331}\u{345}\u{3099}\u{fe0f}\u{115f}\u{202e}\
        각가ﾊﾞｶﾟがקּ\u{5d9}\u{5b4}\u{e38}𨨏𠀀👩🚀豈\u{2f800}";
    let delicate: Vec<char> = delicate.chars().collect();
    let chars = prop_oneof![8 => prop::sample::select(delicate), 1 => any::<char>()];
    let words = prop::sample::select(vec![
        "科技成果",
        "乾坤",
        "乾淨",
        "不瞭解",
        "頭髮",
        "二〇二五年",
        "二零2五年",
        "5,000",
        "12,345,678",
        ".NET",
        "C++",
        "GB/T 19001",
        "５,０００",
        "一目瞭然",
        "乾乾淨淨",
        "藉寇兵",
    ]);
    let pieces = prop_oneof![6 => chars.prop_map(String::from), 1 => words.prop_map(str::to_owned)];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn normalize(text: &str) -> Normalized {
    test_analyzer().normalize(text)
}

/// What normalization means, without tables, spans or maps.
fn defined(text: &str) -> String {
    let normalizer = &test_analyzer().inner.normalizer;
    // Commas count as written, so they go first.
    let grouped: String = text
        .char_indices()
        .filter(|&(at, c)| c != ',' || !groups_digits(text, at))
        .map(|(_, c)| c)
        .collect();
    let folded: Vec<char> = fold(&grouped).chars().collect();
    let converted: Vec<char> = folded.iter().map(|&c| normalizer.simplify(c)).collect();
    let mut parted: Vec<char> = Vec::new();
    let mut rest = &converted[..];
    let mut waiting: Vec<char> = Vec::new();
    while let [c, after @ ..] = rest {
        rest = after;
        let before = parted.last().copied();
        let is_word = |c: char| is_letter(c) && !is_han(c) && c != '+' && c != '#';
        let follows_digit =
            waiting.is_empty() && before.is_some_and(|c| chinese_digit(c).is_some());
        let names = waiting.is_empty() && before.is_some_and(|c| c.is_ascii_lowercase());
        let c = if *c == '○' && follows_digit { '〇' } else { *c };
        if names && c == '+' && rest.first() == Some(&'+') {
            parted.extend(['+', '+']);
            rest = &rest[1..];
        } else if names && c == '#' {
            parted.push('#');
        } else if is_word(c) || is_han(c) {
            let point = c.is_ascii_lowercase() && waiting.last() == Some(&'.');
            let white = waiting.iter().all(|c| classify(*c) == Class::White);
            match (before, &waiting[..]) {
                (_, []) => {}
                (Some(b), [joiner])
                    if is_word(c)
                        && !is_han(b)
                        && matches!(classify(*joiner), Class::Joiner | Class::Dot) =>
                {
                    parted.push(*joiner);
                }
                (Some(b), _) if white && (is_han(b) || is_han(c)) => {}
                (Some(_), _) if white => parted.push(' '),
                (None, _) if white => {}
                (before, _) => {
                    parted.extend(before.map(|_| '\n'));
                    parted.extend(point.then_some('.'));
                }
            }
            waiting.clear();
            parted.push(c);
            if c == '年' {
                write_year(&mut parted);
            }
        } else {
            waiting.push(c);
        }
    }
    parted.into_iter().collect()
}

fn write_year(parted: &mut [char]) {
    let Some(start) = parted.len().checked_sub(5) else { return };
    let digit = |c: char| chinese_digit(c).or(matches!(c, '0' | 'o').then_some('0'));
    let year: Option<Vec<char>> = parted[start..start + 4].iter().map(|&c| digit(c)).collect();
    let Some(year) = year else { return };
    let begins = matches!(parted[start], '一' | '二')
        && matches!(year[..2], ['1', '8' | '9'] | ['2', '0' | '1']);
    let continues = start > 0
        && (chinese_digit(parted[start - 1]).is_some()
            || is_letter(parted[start - 1]) && !is_han(parted[start - 1]));
    if begins && !continues {
        parted[start..start + 4].copy_from_slice(&year);
    }
}

#[test]
fn spellings_meet() {
    let check = |text: &str, expected: &str| assert_eq!(normalize(text).text, expected, "{text:?}");
    check("科技 成果", "科技成果");
    check(" 科技\u{3000}成果 ", "科技成果");
    check("（科技）", "科技");
    check("标题：科技", "标题\n科技");
    check("第一行\r\n\r\n第二行", "第一行\n第二行");
    check("Open  Source 软件 v2", "open source软件v2");
    check("ＡＢＣ１２３", "abc123");
    check("5,000万元", "5000万元");
    check("1,234,567 元", "1234567元");
    check("2021,2022,2023", "2021\n2022\n2023");
    check("5000 万", "5000万");
    check("C++、C#、.NET 开发", "c++\nc#\n.net开发");
    check("AI+制造", "ai\n制造");
    check("互联网+政务", "互联网\n政务");
    check("R&D", "r&d");
    check("PD1728_A_1", "pd1728_a_1");
    check("GB/T 19001—2016", "gb/t 19001\n2016");
    check("19001–2016", "19001-2016");
    check("国办发〔2023〕15号", "国办发\n2023\n15号");
    check("二〇二五年", "2025年");
    check("二○二五年三月", "2025年三月");
    check("一九九八 年", "1998年");
    check("二〇二五", "二〇二五");
    check("一二三四五年", "一二三四五年");
    check("零\u{200b}宽\u{feff}", "零宽");
    check("Cafe\u{301}", "café");
    check("⻓三⻆", "长三角");
    check("𨨏", "𬭛");
    check("𠀀", "𠀀");
    check("👩\u{200d}🚀科技", "科技");
    check("\u{301}\u{308}", "");
    check("\0", "");
    check("", "");
}

#[test]
fn traditional_meets_simplified() {
    let check = |text: &str, expected: &str| assert_eq!(normalize(text).text, expected, "{text:?}");
    check("國際論壇", "国际论坛");
    check("頭髮", "头发");
    check("發展", "发展");
    check("乾淨", "干净");
    check("不瞭解", "不了解");
    check("藉由", "借由");
    check("祇有", "只有");
    // What is not converted in one text is not in another either.
    check("乾坤", "干坤");
    check("破坏土地", "破坏土地");
    check("二噁英", "二恶英");
    check("技術", "技术");
    check("䥕", "𬭯");
}

#[test]
fn ranges_lead_back() {
    let check = |text: &str, needle: &str, expected: &str| {
        let normalized = normalize(text);
        let at = normalized.text.find(needle).expect("the needle is there");
        assert_eq!(
            &text[normalized.original(at..at + needle.len())],
            expected,
            "{needle} in {text:?}"
        );
    };
    check("前，科技 成果。", "科技成果", "科技 成果");
    check("前，科技 成果。", "成果", "成果");
    check("前，科技 成果。", "科技", "科技");
    check("见ＡＢＣ１２３号", "abc123", "ＡＢＣ１２３");
    check("在二〇二五年底", "2025年", "二〇二五年");
    check("在二〇二五年底", "底", "底");
    check("每100㎡收", "m", "㎡");
    check("每100㎡收", "收", "收");
    check("䥕發展", "发展", "發展");
    check("用.NET写", ".net", ".NET");
    check("共5,000万元", "5000万", "5,000万");
    check("Cafe\u{301} Noir", "café noir", "Cafe\u{301} Noir");
    check("\u{feff}头", "头", "头");
    check("C++好", "c++", "C++");
}

#[test]
fn every_character_is_normalized_as_defined() {
    let mut failed = Vec::new();
    for c in '\0'..=char::MAX {
        let text = format!("a{c}1 {c}科{c}\u{301}b");
        if !matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{E000}'..='\u{F8FF}' | '\u{20000}'..)
        {
            let normalized = normalize(&text).text;
            if normalized != defined(&text) || normalize(&normalized).text != normalized {
                failed.push(c);
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} characters, {:?} …",
        failed.len(),
        &failed[..failed.len().min(20)]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_fast_path_does_what_is_defined(text in text()) {
        prop_assert_eq!(normalize(&text).text, defined(&text), "{:?}", text);
    }

    #[test]
    fn a_part_of_a_text_is_found_in_the_whole(
        before in "[\\u{3400}-\\u{9fff}]{0,6}", part in "[\\u{3400}-\\u{9fff}]{1,6}", after in "[\\u{3400}-\\u{9fff}]{0,6}") {
        prop_assume!(![&before, &part, &after].iter().any(|text| text.contains('年')));
        let whole = normalize(&[before, part.clone(), after].concat()).text;
        prop_assert!(whole.contains(&normalize(&part).text), "{:?} in {:?}", part, whole);
    }

    #[test]
    fn normalizing_twice_changes_nothing(text in text()) {
        let once = normalize(&text).text;
        prop_assert_eq!(&normalize(&once).text, &once, "{:?}", text);
        prop_assert_eq!(&test_analyzer().inner.normalizer.normalize_text(&text), &once);
    }

    #[test]
    fn originals_stand_in_order(text in text()) {
        let normalized = normalize(&text);
        let mut before = 0;
        for (at, c) in normalized.text.char_indices() {
            let original = normalized.original(at..at + c.len_utf8());
            prop_assert!(original.start <= original.end && original.end <= text.len());
            prop_assert!(text.is_char_boundary(original.start) && text.is_char_boundary(original.end));
            prop_assert!(original.start >= before);
            before = original.start;
            if is_letter(c) {
                prop_assert!(!original.is_empty());
                let again = normalize(&text[original.clone()]).text;
                prop_assert!(c.is_ascii() || is_han(c) || again.contains(c), "{:?} of {:?}", c, &text[original]);
            }
        }
        let all = normalized.original(0..normalized.text.len());
        prop_assert!(all.end <= text.len());
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        let normalized = normalize(&text).text;
        prop_assert_eq!(&normalize(&normalized).text, &normalized);
    }
}
