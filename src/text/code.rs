//! Document numbers, standards, patents and models: one key for every spelling.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::normalize::is_han;

/// A code of more segments than this is searched whole only.
const MAX_SEGMENTS: usize = 8;

/// Brings a code to the form in which codes are compared.
///
/// NFKC, lower case, letters and digits only, with `-` where two numbers would touch: `国办发〔2023〕15号`,
/// `国办发[2023]15号` and `国办发2023 15` are `国办发2023-15`; `GB/T 19001-2016` is `gbt19001-2016`. The 年, 第 and 号
/// around numbers are left out, and the check digit of a patent number belongs to it: `zl2014108484811`. Empty if the
/// text has neither letters nor digits. Raw and normalized text give the same key.
pub fn code_key(text: &str) -> String {
    let segments = segments(text);
    join(&segments, 0..segments.len())
}

/// Lists the keys under which a code may be looked up: its own first, then those of its parts.
///
/// A part is a stretch between separators of at least three characters with a digit, or of at least three Latin
/// letters: `gbt19001`, `19001`, `19001-2016`; `2023-15` for 2023年15号. A year alone is none.
pub fn code_parts(text: &str) -> Vec<String> {
    let segments = segments(text);
    let key = join(&segments, 0..segments.len());
    if key.is_empty() {
        return Vec::new();
    }
    let mut keys = vec![key];
    if segments.len() > MAX_SEGMENTS {
        return keys;
    }
    for start in 0..segments.len() {
        for end in start + 1..=segments.len() {
            let part = join(&segments, start..end);
            if stands_alone(&part) && !keys.contains(&part) {
                keys.push(part);
            }
        }
    }
    let patent: Option<String> =
        keys[0].strip_prefix("zl").or(keys[0].strip_prefix("cn")).map(str::to_owned);
    keys.extend(
        patent.filter(|number| {
            stands_alone(number) && number.starts_with(|c: char| c.is_ascii_digit())
        }),
    );
    let mut seen = std::collections::HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

fn stands_alone(part: &str) -> bool {
    let chars = part.chars().count();
    let is_year = chars == 4 && part.parse().is_ok_and(|year: u16| (1900..2100).contains(&year));
    let has_digit = part.contains(|c: char| c.is_ascii_digit());
    let is_latin = part.bytes().all(|byte| byte.is_ascii_lowercase());
    chars >= 3 && !is_year && (has_digit || is_latin)
}

/// Lists what may be codes in a text that is not one: the stretches of Latin letters, digits and what joins them, that
/// hold both a letter and a number of three digits or more.
pub fn codes_in(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_./—– ".contains(c)));
    parts.map(str::trim).filter(|part| {
        let digits = part.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        digits >= Some(3) && part.contains(|c: char| c.is_ascii_alphabetic())
    })
}

/// Splits a code at everything that is neither letter nor digit.
fn segments(text: &str) -> Vec<String> {
    let chars: Vec<char> =
        text.nfkc().flat_map(char::to_lowercase).filter(|&c| !is_invisible(c)).collect();
    let digit_after = |at: usize| {
        let mut rest = chars[at + 1..].iter().skip_while(|c| !c.is_alphanumeric());
        rest.next().is_some_and(|c| c.is_ascii_digit())
    };
    let mut segments: Vec<String> = Vec::new();
    let mut parted = true;
    for (at, &c) in chars.iter().enumerate() {
        let after_digit =
            segments.last().is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
        let is_filler = match c {
            '第' => digit_after(at),
            '号' | '號' => after_digit,
            '年' => {
                let next = chars[at + 1..].iter().find(|c| c.is_alphanumeric());
                after_digit && next.is_none_or(|&c| c == '第' || c.is_ascii_digit())
            }
            _ => !c.is_alphanumeric(),
        };
        if is_filler {
            parted = true;
            continue;
        }
        match segments.last_mut() {
            Some(segment) if !parted => segment.push(c),
            _ => segments.push(c.to_string()),
        }
        parted = false;
    }
    join_patent(segments)
}

/// Makes one segment of the digits of a patent number: `zl 2014 1 0848481.1`, `201410848481.1`.
fn join_patent(segments: Vec<String>) -> Vec<String> {
    let whole = segments.concat();
    let digits = whole.strip_prefix("zl").or(whole.strip_prefix("cn")).unwrap_or(&whole);
    let Some(check) = digits.chars().next_back() else { return segments };
    let number = &digits[..digits.len() - check.len_utf8()];
    let is_number =
        matches!(number.len(), 8 | 12) && number.bytes().all(|byte| byte.is_ascii_digit());
    let has_check = check == 'x' || check.is_ascii_digit();
    let ends_in_check = segments.last().is_some_and(|last| last.chars().count() == 1);
    let is_marked = digits.len() < whole.len();
    if is_number && has_check && (is_marked || segments.len() == 2 && ends_in_check) {
        vec![whole]
    } else {
        segments
    }
}

fn join(segments: &[String], range: Range<usize>) -> String {
    let mut key = String::new();
    for segment in &segments[range] {
        let digits_touch = key.ends_with(|c: char| c.is_ascii_digit())
            && segment.starts_with(|c: char| c.is_ascii_digit());
        if digits_touch {
            key.push('-');
        }
        key.push_str(segment);
    }
    key
}

fn is_invisible(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}') && !is_han(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_have_one_key() {
        let check = |key: &str, spellings: &[&str]| {
            for text in spellings {
                assert_eq!(code_key(text), key, "{text}");
            }
        };
        check(
            "国办发2023-15",
            &[
                "国办发〔2023〕15号",
                "国办发[2023]15号",
                "国办发(2023)15号",
                "国办发（２０２３）第15号",
                "国办发2023 15",
                "国办发2023年15号",
                "国办发\n2023\n15号",
            ],
        );
        check("2023-15", &["2023年15号", "〔2023〕15号", "2023年第15号", "2023 15"]);
        check(
            "gbt19001-2016",
            &["GB/T 19001-2016", "GBT19001-2016", "gb/t 19001—2016", "GB/T19001－2016"],
        );
        check("zl2014108484811", &["ZL201410848481.1", "ZL 2014 1 0848481.1", "zl 201410848481.1"]);
        check("2014108484811", &["201410848481.1"]);
        check("cn102345678a", &["CN102345678A", "CN 102345678 A"]);
        check("pd1728a1", &["PD1728_A_1"]);
        check("", &["", "〔〕", " "]);
    }

    #[test]
    fn parts_can_be_searched_alone() {
        let check = |text: &str, present: &[&str], absent: &[&str]| {
            let parts = code_parts(text);
            for query in present {
                assert!(parts.contains(&code_key(query)), "{query} of {text} in {parts:?}");
            }
            for query in absent {
                assert!(!parts.contains(&code_key(query)), "{query} of {text} in {parts:?}");
            }
        };
        check(
            "国办发〔2023〕15号",
            &["国办发〔2023〕15号", "2023年15号"],
            &["2023", "15", "国办发〔2015〕23号"],
        );
        check("GB/T 19001-2016", &["GBT19001", "GB/T19001", "19001", "19001-2016"], &["2016"]);
        check("ZL201410848481.1", &["201410848481.1", "ZL 2014 1 0848481.1"], &[]);
        check("PD1728_A_1", &["PD1728", "pd1728-a"], &["a"]);
        check("WES-5.4.5", &["wes", "5.4.5"], &[]);
        check("", &[], &[""]);
    }

    #[test]
    fn codes_stand_within_titles() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(codes_in(text).collect::<Vec<_>>(), expected, "{text}");
        };
        check("按GB/T 19001-2016、ISO 9001 的要求", &["GB/T 19001-2016", "ISO 9001"]);
        check("GB/T 19001 应用", &["GB/T 19001"]);
        check("2026年3D打印和5G", &[]);
        check("", &[]);
    }

    #[test]
    fn a_long_code_is_whole() {
        assert_eq!(code_parts(&"1.".repeat(100)).len(), 1);
    }
}
