//! Normalized text to words.
//!
//! The dictionary cuts runs of 汉字 only. Runs of other letters and digits are words of their own, whole and in the
//! parts that their joiners hold together.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use jieba_rs::Jieba;

use super::normalize::{self, Normalizer, is_han, is_letter};

/// Longest token, in bytes; the rest of a longer one is left out on both sides.
const MAX_TOKEN_BYTES: usize = 255;
/// A word of more characters is not searched for words of four and more inside it.
const MAX_NESTED_CHARS: usize = 32;

/// A word of a query, with the tokens it stands for in [`Units::words`](super::Units::words).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryWord {
    pub text: String,
    /// Bytes in the normalized query.
    pub start: usize,
    pub end: usize,
    /// All word tokens that the analysis gives for this word: itself first, then the words inside it.
    pub units: Vec<String>,
    /// The shortest of them that together make up the word; the word itself if they do not. A code or number that
    /// joiners hold together stays one.
    pub leaves: Vec<String>,
}

pub(super) struct Segmenter {
    jieba: Jieba,
    /// User words that are not 汉字 alone, which the dictionary cannot hold.
    mixed: Option<AhoCorasick>,
}

impl Segmenter {
    /// Takes the embedded dictionary and adds user words, as they are written in texts.
    pub fn new(normalizer: &Normalizer, words: &[String]) -> Self {
        let mut jieba = Jieba::new();
        let mut mixed = Vec::new();
        for word in words {
            let word = normalizer.normalize_text(word);
            if word.chars().all(is_han) {
                // Without a frequency of its own it gets the one that keeps it whole.
                jieba.add_word(&word, None, None);
            } else {
                mixed.push(word);
            }
        }
        // The words added have doubled the room of the tables; a copy has the room that it needs (8 MB less).
        let jieba = jieba.clone();
        let mixed = (!mixed.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&mixed)
                .expect("a few thousand short words fit an automaton")
        });
        Self { jieba, mixed }
    }

    /// Appends every word, each ended with a space.
    pub fn write(&self, normalized: &str, words: &mut String) {
        words.reserve(normalized.len() * 2);
        let mut year = None;
        for run in runs(normalized) {
            let text = &normalized[run.range.clone()];
            if run.is_han {
                let tokens = self.jieba.cut_for_search(text, false);
                for token in &tokens {
                    self.nested(token.word, |word| push(words, word));
                    push(words, token.word);
                }
                if let Some(year) = year
                    && tokens.first().is_some_and(|first| first.word == "年")
                {
                    words.push_str(year);
                    words.push_str("年 ");
                }
                year = None;
            } else {
                parts(text, 0, &mut |part| push(words, part));
                year = is_year(text).then_some(text);
            }
        }
        for range in self.mixed(normalized) {
            push(words, &normalized[range]);
        }
    }

    pub fn words(&self, normalized: &str) -> Vec<QueryWord> {
        let mut words: Vec<QueryWord> = Vec::new();
        for run in runs(normalized) {
            let text = &normalized[run.range.clone()];
            let start = run.range.start;
            if !run.is_han {
                words.push(joined_word(text, run.range));
                continue;
            }
            let tokens = self.jieba.cut_for_search(text, false);
            for word in self.jieba.cut(text, false) {
                let inside = tokens.iter().filter(|token| {
                    token.byte_start >= word.byte_start && token.byte_end <= word.byte_end
                });
                let mut ranges: Vec<Range<usize>> = inside
                    .map(|token| {
                        token.byte_start - word.byte_start..token.byte_end - word.byte_start
                    })
                    .collect();
                self.nested(word.word, |nested| {
                    let start = nested.as_ptr() as usize - word.word.as_ptr() as usize;
                    ranges.push(start..start + nested.len());
                });
                let range = start + word.byte_start..start + word.byte_end;
                let word = han_word(word.word, range, &ranges);
                match words.last_mut() {
                    Some(before)
                        if word.text == "年"
                            && before.end == word.start
                            && is_year(&before.text) =>
                    {
                        *before = merge(normalized, std::slice::from_ref(before), word);
                    }
                    _ => words.push(word),
                }
            }
        }
        for range in self.mixed(normalized) {
            let first = words.iter().position(|word| word.start == range.start);
            let last = words.iter().position(|word| word.end == range.end);
            if let (Some(first), Some(last)) = (first, last)
                && first < last
            {
                let end = words.remove(last);
                let word = merge(normalized, &words[first..last], end);
                words.splice(first..last, [word]);
            }
        }
        words
    }

    /// Finds the dictionary words of four characters and more inside a longer one, which search mode leaves out.
    fn nested<'a>(&self, word: &'a str, mut emit: impl FnMut(&'a str)) {
        // Five characters of a 汉字 run; most words end here.
        if word.len() < 15 {
            return;
        }
        let mut ends: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
        ends.push(word.len());
        let len = ends.len() - 1;
        if len > MAX_NESTED_CHARS {
            return;
        }
        for chars in 4..len {
            for first in 0..=len - chars {
                let nested = &word[ends[first]..ends[first + chars]];
                if self.jieba.has_word(nested) {
                    emit(nested);
                }
            }
        }
    }

    /// Finds the user words that are not 汉字 alone, not inside another Latin word or number.
    fn mixed(&self, normalized: &str) -> impl Iterator<Item = Range<usize>> {
        let found = self.mixed.iter().flat_map(move |mixed| mixed.find_iter(normalized));
        found.map(|found| found.range()).filter(move |range| is_bounded(normalized, range))
    }
}

/// Tells whether a range of normalized text neither begins nor ends inside a Latin word or a number.
pub(crate) fn is_bounded(text: &str, range: &Range<usize>) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| is_letter(c) && !is_han(c));
    let found = &text[range.clone()];
    let cuts_start =
        is_word(found.chars().next()) && is_word(text[..range.start].chars().next_back());
    let cuts_end = is_word(found.chars().next_back()) && is_word(text[range.end..].chars().next());
    !cuts_start && !cuts_end
}

fn push(words: &mut String, word: &str) {
    words.push_str(clip(word));
    words.push(' ');
}

fn clip(word: &str) -> &str {
    normalize::clip(word, MAX_TOKEN_BYTES)
}

/// A stretch of normalized text without separators, of 汉字 alone or without any.
struct Run {
    range: Range<usize>,
    is_han: bool,
}

fn runs(normalized: &str) -> impl Iterator<Item = Run> {
    let mut chars = normalized.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, c) = chars.next()?;
            let run_is_han = is_han(c);
            if !run_is_han && !is_letter(c) && c != '.' {
                continue;
            }
            let mut end = start + c.len_utf8();
            while let Some(&(at, c)) = chars.peek()
                && (if run_is_han {
                    is_han(c)
                } else {
                    is_letter(c) && !is_han(c) || joiner_level(c).is_some()
                })
            {
                end = at + c.len_utf8();
                chars.next();
            }
            return Some(Run { range: start..end, is_han: run_is_han });
        }
    })
}

/// How loosely a joiner holds: the lower, the sooner a word is split at it.
fn joiner_level(c: char) -> Option<u8> {
    match c {
        '/' | '&' | '@' | ':' => Some(0),
        '-' => Some(1),
        '_' | '\'' => Some(2),
        '.' => Some(3),
        _ => None,
    }
}

/// Gives a joined word, then its parts: `wes-5.4.5`, `wes`, `5.4.5`, `5`, `4`, `5`.
///
/// `level` is the loosest joiner that `text` may still hold.
fn parts<'a>(text: &'a str, level: u8, emit: &mut impl FnMut(&'a str)) {
    emit(text);
    split(text, level, &mut |part, level| parts(part, level, emit));
}

/// Splits at the loosest joiner in `text`, if any, and tells the level for the parts.
fn split<'a>(text: &'a str, level: u8, emit: &mut dyn FnMut(&'a str, u8)) {
    // `.net` keeps its point, and `c++` its signs before what follows.
    for level in level..=3 {
        if text.chars().skip(1).any(|c| joiner_level(c) == Some(level)) {
            let split = text.split(|c| joiner_level(c) == Some(level));
            split.filter(|part| !part.is_empty()).for_each(|part| emit(part, level + 1));
            return;
        }
    }
    if let Some(rest) = text.strip_prefix('.') {
        return emit(rest, 4);
    }
    let signs = text
        .find(['+', '#'])
        .map(|at| at + text[at..].len() - text[at..].trim_start_matches(['+', '#']).len());
    if let Some(end) = signs
        && end < text.len()
    {
        emit(&text[..end], 4);
        emit(&text[end..], 4);
    }
}

/// The parts of a joined word that mean something alone: `cmos` and `ccd` of `cmos/ccd`, but not `gb` and `t`, and
/// not the numbers of `5.4.5`.
fn leaves(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split(|c| joiner_level(c) == Some(0)).collect();
    if parts.iter().all(|part| part.chars().count() > 1) { parts } else { vec![text] }
}

fn joined_word(text: &str, range: Range<usize>) -> QueryWord {
    let mut units = Vec::new();
    parts(text, 0, &mut |part| add(&mut units, clip(part)));
    let leaves = leaves(text).into_iter().map(|leaf| clip(leaf).to_owned()).collect();
    QueryWord { text: text.to_owned(), start: range.start, end: range.end, units, leaves }
}

/// Makes the word at `range` of the query, with the words at `inside` of it.
fn han_word(text: &str, range: Range<usize>, inside: &[Range<usize>]) -> QueryWord {
    let mut units = Vec::new();
    add(&mut units, clip(text));
    for part in inside {
        add(&mut units, clip(&text[part.clone()]));
    }
    QueryWord {
        text: text.to_owned(),
        start: range.start,
        end: range.end,
        units,
        leaves: tiling(text, inside).unwrap_or_else(|| vec![clip(text).to_owned()]),
    }
}

/// Finds the most words of `inside` that make up `text` one after the other.
fn tiling(text: &str, inside: &[Range<usize>]) -> Option<Vec<String>> {
    // For each end that can be reached: number of words, and where the last of them begins.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; text.len() + 1];
    best[0] = Some((0, 0));
    let mut inside: Vec<&Range<usize>> =
        inside.iter().filter(|range| range.len() < text.len()).collect();
    inside.sort_by_key(|range| (range.start, range.end));
    for range in inside {
        if let Some((count, _)) = best[range.start]
            && best[range.end].is_none_or(|(before, _)| count + 1 > before)
        {
            best[range.end] = Some((count + 1, range.start));
        }
    }
    let mut end = text.len();
    best[end]?;
    let mut tiles = Vec::new();
    while end > 0 {
        let (_, start) = best[end]?;
        tiles.push(text[start..end].to_owned());
        end = start;
    }
    tiles.reverse();
    Some(tiles)
}

/// Makes one word of adjacent ones.
fn merge(normalized: &str, first: &[QueryWord], last: QueryWord) -> QueryWord {
    let start = first.first().map_or(last.start, |word| word.start);
    let text = normalized[start..last.end].to_owned();
    let mut units = vec![clip(&text).to_owned()];
    let mut leaves = Vec::new();
    for word in first.iter().chain([&last]) {
        word.units.iter().for_each(|unit| add(&mut units, unit));
        leaves.extend(word.leaves.iter().cloned());
    }
    QueryWord { text, start, end: last.end, units, leaves }
}

fn add(units: &mut Vec<String>, unit: &str) {
    if !units.iter().any(|present| present == unit) {
        units.push(unit.to_owned());
    }
}

/// Tells whether a number may be a year.
fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Units, test_analyzer};
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut units = Units::default();
        test_analyzer().analyze(text, &mut units);
        units.words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn query(text: &str) -> Vec<QueryWord> {
        let analyzer = test_analyzer();
        analyzer.words(&analyzer.normalize(text).text)
    }

    #[test]
    fn texts_hold_words_and_the_words_inside() {
        let check = |text: &str, expected: &[&str]| {
            let words = words(text);
            for word in expected {
                assert!(
                    words.iter().any(|present| present == word),
                    "{word} of {text} in {words:?}"
                );
            }
        };
        check("我从2025年开始学Rust语言", &["2025", "2025年", "年", "rust", "语言"]);
        check("PD1728_A_1", &["pd1728_a_1", "pd1728", "a", "1"]);
        check("WES-5.4.5", &["wes-5.4.5", "wes", "5.4.5", "5", "4"]);
        check("GB/T 19001-2016", &["gb/t", "gb", "t", "19001-2016", "19001", "2016"]);
        check("C++、C#、.NET 开发，C++17", &["c++", "c#", ".net", "net", "开发", "c++17", "17"]);
        check("AI+制造", &["ai", "制造"]);
        check("中国农业发展银行", &["中国", "农业", "发展", "银行", "农业发展银行"]);
        check("二〇二五年", &["2025", "2025年"]);
        check("專精特新", &["专精特新"]);
        check("智能网联汽车", &["网联汽车"]);
    }

    #[test]
    fn signs_keep_names_apart() {
        let check = |text: &str, absent: &str| {
            let words = words(text);
            assert!(!words.iter().any(|word| word == absent), "{absent} of {text} in {words:?}");
        };
        check("C++ 开发", "c");
        check("C# 开发", "c");
        check("m123", "123");
    }

    #[test]
    fn queries_are_cut_coarsely() {
        let check = |text: &str, expected: &[&str]| {
            let words: Vec<String> = query(text).into_iter().map(|word| word.text).collect();
            assert_eq!(words, expected, "{text}");
        };
        check("专精特新企业", &["专精特新", "企业"]);
        check("2025年政策", &["2025年", "政策"]);
        check("科技 成果", &["科技成果"]);
        check("Rust 语言", &["rust", "语言"]);
        check("《科技》", &["科技"]);
        check("5.4.5", &["5.4.5"]);
        check("5G网络", &["5g网络"]);
        check("", &[]);
        check("！？", &[]);
    }

    #[test]
    fn leaves_make_up_their_word() {
        let check = |text: &str, expected: &[&str]| {
            let leaves: Vec<String> =
                query(text).into_iter().flat_map(|word| word.leaves).collect();
            assert_eq!(leaves, expected, "{text}");
        };
        check("中国农业发展银行", &["中国", "农业", "发展", "银行"]);
        check("计算机", &["计算机"]);
        check("2025年", &["2025", "年"]);
        check("GB/T 19001-2016", &["gb/t", "19001-2016"]);
        check("CMOS/CCD", &["cmos", "ccd"]);
    }

    #[test]
    fn long_tokens_are_clipped_alike() {
        let text = "a".repeat(1000);
        assert_eq!(words(&text), ["a".repeat(255)]);
        assert_eq!(query(&text)[0].units, ["a".repeat(255)]);
    }

    proptest! {
        #[test]
        fn what_a_query_gives_its_text_holds(text in super::super::normalize::tests::text()) {
            let held = words(&text);
            for word in query(&text) {
                for unit in word.units.iter().chain(&word.leaves) {
                    prop_assert!(held.contains(unit), "{unit:?} of {word:?} in {held:?}");
                }
                prop_assert!(!word.units.is_empty() && !word.leaves.is_empty());
            }
        }

        #[test]
        fn query_words_stand_in_order(text in super::super::normalize::tests::text()) {
            let normalized = test_analyzer().normalize(&text).text;
            let mut end = 0;
            for word in test_analyzer().words(&normalized) {
                prop_assert!(end <= word.start && word.start < word.end);
                prop_assert_eq!(&normalized[word.start..word.end], word.text);
                prop_assert!(!normalized[end..word.start].contains(is_letter));
                end = word.end;
            }
            prop_assert!(!normalized[end..].contains(is_letter));
        }
    }
}
