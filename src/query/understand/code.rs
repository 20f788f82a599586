//! Document, patent and model numbers in a query.

use std::ops::Range;

use super::numeral::digits;
use crate::text::{QueryWord, code_key, is_han};

/// Longest name of an issuer before a document's year, in characters: 国科发火, 青西新工信规.
const MAX_ISSUER: usize = 10;

/// A code at a place of the text.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Keys under which it may be known.
    Keys(Vec<String>),
    /// Another spelling of the same words.
    Spelled(String),
}

/// Lists the canonical forms of what may be a code: the whole text, and each word that holds a digit.
pub fn whole(text: &str, words: &[QueryWord]) -> Vec<String> {
    let mut keys = Vec::new();
    let words = words.iter().map(|word| word.text.as_str()).filter(|word| word.is_ascii());
    for text in std::iter::once(text).chain(text.split_whitespace()).chain(words) {
        let key = code_key(text);
        if key.chars().any(|ch| ch.is_ascii_digit()) && key.chars().nth(3).is_some() {
            super::super::ladder::push_new(&mut keys, &key);
        }
    }
    keys
}

/// Finds document numbers in normalized text: `青政发〔2016〕12号` in any spelling, and `32号文`.
pub fn find(text: &str, words: &[QueryWord]) -> Vec<(Range<usize>, Found)> {
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        let is_start = c.is_ascii_digit()
            && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if !is_start {
            continue;
        }
        if let Some(end) = year_and_number(&text[at..]) {
            let (start, keys) = with_issuer(text, at, at + end, words);
            if !keys.is_empty() {
                found.push((start..at + end, Found::Keys(keys)));
            }
        } else if let Some((_, length)) = digits(&text[at..], 4)
            && let number = at + length + '号'.len_utf8()
            && text[at + length..].starts_with("号文")
            && !text[number..].starts_with("文件")
        {
            let range = at..number + '文'.len_utf8();
            found.push((range, Found::Spelled(text[at..number].to_owned())));
        }
    }
    found
}

/// Reads `2016〕12号`, `2016 12`, `2016年第12号`; returns its length.
fn year_and_number(text: &str) -> Option<usize> {
    let (_, length) = digits(text, 4).filter(|(year, _)| (1949..2100).contains(year))?;
    let mut end = length;
    let separator = ["年第", "年", "\n第", "\n", " ", "第"]
        .into_iter()
        .find(|separator| text[end..].starts_with(separator))?;
    end += separator.len();
    let (_, length) = digits(&text[end..], 4)?;
    end += length;
    if text[end..].starts_with('号') {
        return Some(end + '号'.len_utf8());
    }
    let ends = text[end..].chars().next().is_none_or(|c| matches!(c, ' ' | '\n'));
    // 2025 300 and 2025年12 are numbers of something else, unless they end there.
    ends.then_some(end)
}

/// Finds the issuer before a year, and the keys of the whole number for each place where the issuer may begin.
fn with_issuer(text: &str, year: usize, end: usize, words: &[QueryWord]) -> (usize, Vec<String>) {
    let before = text[..year].trim_end_matches(['\n', ' ']);
    let issuer = before
        .char_indices()
        .rev()
        .take(MAX_ISSUER)
        .take_while(|&(_, c)| is_han(c))
        .map(|(at, _)| at)
        .last();
    let Some(first) = issuer else {
        let key = code_key(&text[year..end]);
        return (year, vec![key]);
    };
    let starts = words.iter().map(|word| word.start).filter(|&at| first <= at && at < before.len());
    let mut keys: Vec<String> = Vec::new();
    let mut start = before.len();
    for at in starts.chain([first]) {
        if text[at..before.len()].chars().count() > 1 {
            start = start.min(at);
            super::super::ladder::push_new(&mut keys, &code_key(&text[at..end]));
        }
    }
    (start, keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::test_analyzer;

    fn check(text: &str, place: &str, key: &str) {
        let normalized = test_analyzer().normalize(text).text;
        let words = test_analyzer().words(&normalized);
        let found = find(&normalized, &words);
        let Some((range, Found::Keys(keys))) = found.first() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(&normalized[range.clone()], place, "{text}");
        assert!(keys.iter().any(|known| known == key), "{text}: {keys:?}");
    }

    #[test]
    fn document_numbers_in_any_spelling() {
        check("青政发〔2016〕12号", "青政发\n2016\n12号", "青政发2016-12");
        check("青政发[2016]12号 全文", "青政发\n2016\n12号", "青政发2016-12");
        check("青政发2016 12", "青政发2016 12", "青政发2016-12");
        check("青政发【2016】第12号", "青政发\n2016\n第12号", "青政发2016-12");
        check("查国科发火（2016）32号", "查国科发火\n2016\n32号", "国科发火2016-32");
        check("2016年12号", "2016年12号", "2016-12");
    }

    #[test]
    fn a_spoken_number_is_spelled_out() {
        let found = find("32号文高企", &[]);
        assert_eq!(found, [(0..8, Found::Spelled("32号".into()))]);
    }

    #[test]
    fn other_numbers_are_no_documents() {
        for text in ["2025年300万", "2016年", "揭榜挂帅 2025 榜单", "12号线", "2025年12月"]
        {
            let normalized = test_analyzer().normalize(text).text;
            let words = test_analyzer().words(&normalized);
            assert_eq!(find(&normalized, &words), [], "{text}");
        }
    }
}
