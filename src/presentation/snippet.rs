//! Marks what was searched for in the text that is shown, and crops it to where most of it stands.
//!
//! What is marked is literal: the words, phrases and codes of the query as they stand in the text, not what an engine
//! happened to match. Texts keep their own script and spelling; only the comparison is normalized.

use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Serialize;

use crate::text::{Analyzer, is_bounded, is_han};

/// Stands where text was left out.
const ELLIPSIS: &str = "…";

/// Finds the needles of one request in any number of texts.
pub struct Highlighter {
    analyzer: Analyzer,
    /// Nothing without needles.
    automaton: Option<AhoCorasick>,
    needles: Vec<Needle>,
    /// None reaches over the end of a sentence, so that sentences can be looked at one after another.
    parts_at_sentences: bool,
}

struct Needle {
    /// In characters.
    len: usize,
    /// Without 汉字: stands for whole words and numbers only.
    is_word: bool,
}

/// A piece of a shown text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    pub text: String,
    /// Whether it was searched for.
    pub hit: bool,
}

/// An occurrence of a needle, in bytes of the original text.
struct Occurrence {
    needle: usize,
    range: Range<usize>,
}

impl Highlighter {
    /// Builds the automaton of the needles, which are normalized here; empty ones are left out.
    ///
    /// A needle without 汉字 is found only where neither a letter nor a digit continues it: `c` not in `c++`, `202`
    /// not in `2025`.
    pub fn new(analyzer: &Analyzer, needles: impl IntoIterator<Item = String>) -> Highlighter {
        let mut texts: Vec<String> =
            needles.into_iter().map(|needle| analyzer.normalize(&needle).text).collect();
        texts.retain(|text| !text.is_empty());
        texts.sort_unstable();
        texts.dedup();
        let needles = texts
            .iter()
            .map(|text| Needle { len: text.chars().count(), is_word: !text.contains(is_han) })
            .collect();
        // The size of an automaton has no bound but memory; should it ever be refused, nothing is marked.
        let automaton = if texts.is_empty() {
            None
        } else {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                // Built for one page of results: a table of all states would take longer to make than it saves.
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&texts)
                .ok()
        };
        let parts_at_sentences = texts.iter().all(|text| text.chars().all(char::is_alphanumeric));
        Highlighter { analyzer: analyzer.clone(), automaton, needles, parts_at_sentences }
    }

    /// Lists the byte ranges of the original text to mark: sorted, disjoint, not touching, on character boundaries.
    ///
    /// Where needles overlap, all that they cover is marked: the longest where one lies in another.
    pub fn mark(&self, text: &str) -> Vec<Range<usize>> {
        merge(self.find(text).into_iter().map(|occurrence| occurrence.range))
    }

    /// Cuts the whole text into marked and other pieces; joined, they are the text.
    pub fn highlight(&self, text: &str) -> Vec<Fragment> {
        fragments(text, 0..text.len(), &self.mark(text))
    }

    /// Cuts the part of the text that shows the most of what was searched for into pieces.
    ///
    /// It is the part that [`excerpt`](Self::excerpt) finds, and a `…` stands as a piece of its own where text was left
    /// out. With them it has at most `max_chars` characters; below three there is no room for them. `None` if nothing is
    /// marked.
    pub fn crop(&self, text: &str, max_chars: usize) -> Option<Vec<Fragment>> {
        let budget = budget(max_chars);
        let occurrences = self.find_for(text, budget);
        self.crop_at(text, occurrences, max_chars, budget)
    }

    fn crop_at(
        &self,
        text: &str,
        occurrences: Vec<Occurrence>,
        max_chars: usize,
        budget: usize,
    ) -> Option<Vec<Fragment>> {
        let window = self.window(text, &occurrences, max_chars, budget)?;
        let marks = merge(occurrences.into_iter().map(|occurrence| occurrence.range));
        let mut cropped = fragments(text, window.clone(), &marks);
        let ellipsis = || Fragment { text: ELLIPSIS.to_owned(), hit: false };
        if max_chars >= 3 && window.start > 0 {
            cropped.insert(0, ellipsis());
        }
        if max_chars >= 3 && window.end < text.len() {
            cropped.push(ellipsis());
        }
        Some(cropped)
    }

    /// Finds the part of the text of at most `max_chars` characters that shows the most of what was searched for.
    ///
    /// It has the most distinct needles, then the longest, then comes first. It begins and ends at the end of a sentence,
    /// or at another punctuation mark, where one is near. `None` if nothing is marked.
    pub fn excerpt(&self, text: &str, max_chars: usize) -> Option<Range<usize>> {
        self.window(text, &self.find_for(text, max_chars), max_chars, max_chars)
    }

    /// The whole text where it has at most `max_chars` characters, else the best `budget` of them.
    fn window(
        &self,
        text: &str,
        occurrences: &[Occurrence],
        max_chars: usize,
        budget: usize,
    ) -> Option<Range<usize>> {
        if occurrences.is_empty() {
            return None;
        }
        Some(match text.char_indices().nth(max_chars) {
            None => 0..text.len(),
            Some(_) => fit(text, self.best_cluster(text, occurrences, budget).1, budget),
        })
    }

    /// Lists occurrences as [`find`](Self::find) does, without those that no window of `budget` characters needs.
    ///
    /// Nothing is better than the first place that has everything, so what comes after it is not read. The text is read
    /// in pieces that grow, so that one which never has everything is looked through a few times and no more.
    fn find_for(&self, text: &str, budget: usize) -> Vec<Occurrence> {
        if !self.parts_at_sentences {
            return self.find(text);
        }
        // Room for a window and for what its end depends on.
        let room = 2 * budget + 4;
        let mut occurrences = Vec::new();
        let mut seen = vec![false; self.needles.len()];
        let (mut read, mut piece) = (0, room);
        while read < text.len() {
            let end = sentences_end(text, read, piece);
            for Occurrence { needle, range } in self.find(&text[read..end]) {
                seen[needle] = true;
                occurrences
                    .push(Occurrence { needle, range: range.start + read..range.end + read });
            }
            (read, piece) = (end, 2 * piece);
            if seen.iter().all(|&seen| seen) {
                let (distinct, cluster) = self.best_cluster(text, &occurrences, budget);
                let is_clear = text[cluster.start..read].chars().nth(room - 1).is_some();
                if distinct == self.needles.len() && is_clear {
                    break;
                }
            }
        }
        occurrences
    }

    /// Lists all occurrences, overlapping ones too, by where they begin, the longest first.
    fn find(&self, text: &str) -> Vec<Occurrence> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let normalized = self.analyzer.normalize(text);
        let mut occurrences: Vec<Occurrence> = automaton
            .find_overlapping_iter(&normalized.text)
            .filter(|found| {
                !self.needles[found.pattern().as_usize()].is_word
                    || is_bounded(&normalized.text, &found.range())
            })
            .map(|found| Occurrence {
                needle: found.pattern().as_usize(),
                range: normalized.original(found.range()),
            })
            .collect();
        occurrences.sort_unstable_by_key(|found| {
            (found.range.start, Reverse(found.range.end), found.needle)
        });
        occurrences
    }

    /// Finds the stretch of at most `budget` characters with the most needles, from the first to the end of the last,
    /// and how many different ones it has.
    fn best_cluster(
        &self,
        text: &str,
        occurrences: &[Occurrence],
        budget: usize,
    ) -> (usize, Range<usize>) {
        // Begin and end of each occurrence in characters.
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(occurrences.len());
        let (mut at, mut chars) = (0, 0);
        for Occurrence { range, .. } in occurrences {
            chars += text[at..range.start].chars().count();
            at = range.start;
            spans.push(chars..chars + text[range.clone()].chars().count());
        }
        let mut counts = vec![0usize; self.needles.len()];
        let (mut distinct, mut weight) = (0, 0);
        let mut best = (0, 0, 0..0);
        let mut end = 0;
        for (start, span) in spans.iter().enumerate() {
            // The first is always in, even where it is longer than the budget.
            while end < spans.len() && (end <= start || spans[end].end <= span.start + budget) {
                let needle = occurrences[end].needle;
                if counts[needle] == 0 {
                    distinct += 1;
                    weight += self.needles[needle].len;
                }
                counts[needle] += 1;
                end += 1;
            }
            if (distinct, weight) > (best.0, best.1) {
                best = (distinct, weight, start..end);
            }
            let needle = occurrences[start].needle;
            counts[needle] -= 1;
            if counts[needle] == 0 {
                distinct -= 1;
                weight -= self.needles[needle].len;
            }
        }
        let cluster = &occurrences[best.2];
        let start = cluster.first().map_or(0, |first| first.range.start);
        let end = cluster.iter().map(|occurrence| occurrence.range.end).max().unwrap_or(start);
        (best.0, start..end)
    }
}

/// Characters of a crop without what stands for text left out.
fn budget(max_chars: usize) -> usize {
    if max_chars < 3 { max_chars } else { max_chars - 2 }
}

/// Finds the end of the sentence that is there `chars` characters behind `from`; the end of the text when it is near.
fn sentences_end(text: &str, from: usize, chars: usize) -> usize {
    let mut rest = text[from..].char_indices().skip(chars);
    let parts = |c: char| matches!(c, '。' | '；' | '！' | '？' | '\n');
    rest.find(|&(_, c)| parts(c)).map_or(text.len(), |(at, c)| from + at + c.len_utf8())
}

/// Widens or cuts a cluster to a window of at most `budget` characters that reads well.
fn fit(text: &str, cluster: Range<usize>, budget: usize) -> Range<usize> {
    let len = text[cluster.clone()].chars().count();
    let Some(slack) = budget.checked_sub(len) else {
        let end = text[cluster.start..]
            .char_indices()
            .nth(budget)
            .map_or(text.len(), |(at, _)| cluster.start + at);
        return cluster.start..end;
    };
    // Most of what is read after a hit explains it, so the text before it gets the smaller share.
    let mut start = left_edge(text, cluster.start, slack / 2);
    let before = text[start..cluster.start].chars().count();
    let (mut end, after) = right_edge(text, cluster.end, slack - before);
    if end == text.len() && before + after < slack {
        start = left_edge(text, cluster.start, slack - after);
    }
    while let Some(c) = text[start..cluster.start].chars().next()
        && c.is_whitespace()
    {
        start += c.len_utf8();
    }
    while let Some(c) = text[cluster.end..end].chars().next_back()
        && c.is_whitespace()
    {
        end -= c.len_utf8();
    }
    start..end
}

/// Finds where to begin, at most `room` characters before `at`.
fn left_edge(text: &str, at: usize, room: usize) -> usize {
    let mut clause = None;
    let mut edge = at;
    // What follows the position that is looked at.
    let mut following = text[at..].chars().next();
    for (chars, (start, c)) in text[..at].char_indices().rev().enumerate() {
        if ends_sentence(c, following) {
            return edge;
        }
        if chars == room {
            return clause.unwrap_or_else(|| word_start(text, edge, at));
        }
        if ends_clause(c) {
            clause = Some(edge);
        }
        edge = start;
        following = Some(c);
    }
    0
}

/// Finds where to end, at most `room` characters after `at`, and how many characters lie between.
fn right_edge(text: &str, at: usize, room: usize) -> (usize, usize) {
    let (mut sentence, mut clause) = (None, None);
    let mut chars = text[at..].char_indices().peekable();
    let mut count = 0;
    while let Some((offset, c)) = chars.next() {
        if count == room {
            let edge = at + offset;
            let raw = || {
                let end = word_end(text, at, edge);
                (end, text[at..end].chars().count())
            };
            return sentence.filter(|&(_, count)| count * 3 >= room).or(clause).unwrap_or_else(raw);
        }
        count += 1;
        let end = at + offset + c.len_utf8();
        if ends_sentence(c, chars.peek().map(|&(_, c)| c)) {
            sentence = Some((end, count));
        }
        if ends_clause(c) && count * 2 >= room {
            clause = Some((end, count));
        }
    }
    (text.len(), count)
}

fn ends_sentence(c: char, following: Option<char>) -> bool {
    match c {
        '。' | '！' | '？' | '；' | '!' | '?' | ';' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
            !following.is_some_and(closes)
        }
        '.' => following.is_none_or(char::is_whitespace),
        _ => false,
    }
}

fn ends_clause(c: char) -> bool {
    matches!(
        c,
        '，' | '、'
            | '：'
            | ','
            | ':'
            | '”'
            | '’'
            | '）'
            | ')'
            | '》'
            | '】'
            | '」'
            | '』'
            | '—'
            | '…'
    ) || c.is_whitespace()
}

/// Tells whether the mark belongs to the sentence that ended before it.
fn closes(c: char) -> bool {
    matches!(c, '”' | '’' | '」' | '』' | '）' | ')' | '》' | '】' | '。' | '！' | '？' | '!' | '?')
}

/// Moves a beginning out of a Latin word or number that it would cut, forward to `limit` at most.
fn word_start(text: &str, edge: usize, limit: usize) -> usize {
    let cuts = |c: char| c.is_alphanumeric() && !is_han(c);
    if !text[..edge].chars().next_back().is_some_and(cuts) {
        return edge;
    }
    text[edge..limit].find(|c| !cuts(c)).map_or(edge, |offset| edge + offset)
}

/// Moves an end out of a Latin word or number that it would cut, back to `limit` at least.
fn word_end(text: &str, limit: usize, edge: usize) -> usize {
    let cuts = |c: char| c.is_alphanumeric() && !is_han(c);
    if !text[edge..].chars().next().is_some_and(cuts) {
        return edge;
    }
    let kept = text[limit..edge].trim_end_matches(cuts);
    if kept.is_empty() { edge } else { limit + kept.len() }
}

/// Joins sorted ranges that overlap or touch.
fn merge(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ if range.is_empty() => {}
            _ => merged.push(range),
        }
    }
    merged
}

/// Cuts `window` of the text at the marks, which are those of [`Highlighter::mark`].
pub fn fragments(text: &str, window: Range<usize>, marks: &[Range<usize>]) -> Vec<Fragment> {
    let mut fragments = Vec::new();
    let mut add = |range: Range<usize>, hit: bool| {
        if !range.is_empty() {
            fragments.push(Fragment { text: text[range].to_owned(), hit });
        }
    };
    let mut at = window.start;
    for mark in marks {
        let mark = mark.start.max(window.start)..mark.end.min(window.end);
        if mark.is_empty() {
            continue;
        }
        add(at..mark.start, false);
        at = mark.end;
        add(mark, true);
    }
    add(at..window.end, false);
    fragments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::test_analyzer;

    fn highlighter(needles: &[&str]) -> Highlighter {
        Highlighter::new(test_analyzer(), needles.iter().map(|&needle| needle.to_owned()))
    }

    /// Writes fragments with the hits in brackets.
    fn show(fragments: &[Fragment]) -> String {
        let show = |fragment: &Fragment| match fragment.hit {
            true => format!("[{}]", fragment.text),
            false => fragment.text.clone(),
        };
        fragments.iter().map(show).collect()
    }

    #[test]
    fn needles_are_marked_literally() {
        let check = |needles: &[&str], text: &str, expected: &str| {
            assert_eq!(show(&highlighter(needles).highlight(text)), expected, "{needles:?}");
        };
        check(&["简单"], "安装简单，没有复杂的配置", "安装[简单]，没有复杂的配置");
        check(&["研究生"], "研究生命起源", "[研究生]命起源");
        check(&["科技", "科技成果", "转化"], "科技成果转化，科技", "[科技成果转化]，[科技]");
        check(&["智能网联", "网联汽车"], "智能网联汽车", "[智能网联汽车]");
        check(&["科技", "成果"], "科技 成果", "[科技] [成果]");
        check(&["科技成果"], "见《科技\u{3000}成果》", "见《[科技\u{3000}成果]》");
        check(&["abc123"], "见ＡＢＣ１２３。", "见[ＡＢＣ１２３]。");
        check(&["国际论坛"], "國際論壇", "[國際論壇]");
        check(&["國際論壇"], "国际论坛", "[国际论坛]");
        check(&["2025年"], "自二〇二五年起", "自[二〇二五年]起");
        check(&["国办发[2023]15号"], "据国办发〔2023〕15号文", "据[国办发〔2023〕15号]文");
        check(&["5000万"], "共5,000 万元", "共[5,000 万]元");
        check(&["café"], "Cafe\u{301}!", "[Cafe\u{301}]!");
        check(&["<b>"], "<b>", "<[b]>");
        check(&[], "科技", "科技");
        check(&["", "。"], "科技。", "科技。");
        check(&["科技"], "", "");
    }

    #[test]
    fn latin_needles_are_whole_words() {
        let check = |needles: &[&str], text: &str, expected: &str| {
            assert_eq!(show(&highlighter(needles).highlight(text)), expected, "{needles:?}");
        };
        check(&["c"], "C、C++、C#和ABC", "[C]、C++、C#和ABC");
        check(&["c++"], "C、C++和C++17", "C、[C++]和C++17");
        check(&["202"], "2025年202号", "2025年[202]号");
        check(&["2025"], "2025年", "[2025]年");
        check(&["rust"], "学Rust语言，Trust", "学[Rust]语言，Trust");
        check(&["5.4.5"], "WES-5.4.5", "WES-[5.4.5]");
        check(&["pd1728"], "PD1728_A_1", "[PD1728]_A_1");
        check(&["5年"], "2025年", "202[5年]");
    }

    #[test]
    fn crops_show_the_best_part() {
        let check = |needles: &[&str], text: &str, max: usize, expected: &str| {
            let crop = highlighter(needles).crop(text, max).map(|fragments| show(&fragments));
            assert_eq!(crop.as_deref(), Some(expected), "{needles:?}");
        };
        check(&["科技"], "全文很短，有科技。", 20, "全文很短，有[科技]。");
        // The whole sentence.
        check(
            &["成果"],
            "第一句说的是别的事情。第二句讲成果转化。第三句又是别的事情，很长很长。",
            16,
            "…第二句讲[成果]转化。…",
        );
        // Two needles close to one another beat one that comes first.
        check(
            &["科技", "金融"],
            "科技在这里。这一句什么也没有，这一句什么也没有。这里有金融和科技。完。",
            14,
            "…这里有[金融]和[科技]。完。",
        );
        // A clause where no sentence is near.
        check(
            &["目标"],
            "一二三四五六七八九十一二三四五六七八九十，这是目标，一二三四，五六七八九十一二三四五六七八九十",
            13,
            "…这是[目标]，一二三四，…",
        );
        // No boundary at all.
        check(
            &["目标"],
            &format!("{}目标{}", "甲".repeat(50), "乙".repeat(50)),
            12,
            "…甲甲甲甲[目标]乙乙乙乙…",
        );
        // At the ends of the text.
        check(&["头"], &format!("头{}", "乙".repeat(50)), 10, "[头]乙乙乙乙乙乙乙…");
        check(&["尾"], &format!("{}尾", "甲".repeat(50)), 10, "…甲甲甲甲甲甲甲[尾]");
        // Longer than the window.
        check(&["一二三四五六七八九十"], "〇一二三四五六七八九十〇", 6, "…[一二三四]…");
        check(&["二三"], "一二三四", 2, "[二三]");
        check(&["二三"], "一二三四", 0, "");
    }

    #[test]
    fn a_crop_without_a_hit_is_none() {
        assert_eq!(highlighter(&["科技"]).crop("成果", 10), None);
        assert_eq!(highlighter(&[]).crop("成果", 10), None);
    }

    #[test]
    fn latin_words_are_not_cut() {
        let text = format!("{} hit {}", "abcdefgh ".repeat(20), "abcdefgh ".repeat(20));
        let crop = highlighter(&["hit"]).crop(&text, 40).expect("it is there");
        let shown: String = crop.iter().map(|fragment| fragment.text.as_str()).collect();
        for word in shown.trim_matches('…').split_whitespace() {
            assert!(word == "hit" || word == "abcdefgh", "{shown}");
        }
    }

    fn needles() -> impl Strategy<Value = Vec<String>> {
        let needle = prop::sample::select(vec![
            "科技",
            "科技成果",
            "技成",
            "成",
            "a",
            "5000",
            "2025年",
            "c++",
            "1",
            "发",
            "乾坤",
            "b a",
            "gb/t",
            "年",
        ]);
        prop::collection::vec(needle.prop_map(str::to_owned), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn marks_are_sound(text in crate::text::tests::text(), needles in needles()) {
            let highlighter = Highlighter::new(test_analyzer(), needles);
            let mut end = None;
            for mark in highlighter.mark(&text) {
                prop_assert!(mark.start < mark.end && mark.end <= text.len());
                prop_assert!(end.is_none_or(|end| end < mark.start));
                prop_assert!(text.is_char_boundary(mark.start) && text.is_char_boundary(mark.end));
                end = Some(mark.end);
            }
            let joined: String = highlighter.highlight(&text).into_iter().map(|fragment| fragment.text).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn what_is_not_read_changes_no_crop(
            sentences in prop::collection::vec(crate::text::tests::text(), 0..12),
            needles in needles(),
            max in 0..20usize,
        ) {
            let text = sentences.join("。");
            let highlighter = Highlighter::new(test_analyzer(), needles);
            let whole = highlighter.window(&text, &highlighter.find(&text), max, max);
            prop_assert_eq!(highlighter.excerpt(&text, max), whole);
            let whole = highlighter.crop_at(&text, highlighter.find(&text), max, budget(max));
            prop_assert_eq!(highlighter.crop(&text, max), whole);
        }

        #[test]
        fn crops_are_sound(text in crate::text::tests::text(), needles in needles(), max in 0..40usize) {
            let text = text.replace('…', "。");
            let highlighter = Highlighter::new(test_analyzer(), needles);
            let Some(crop) = highlighter.crop(&text, max) else {
                prop_assert!(highlighter.mark(&text).is_empty());
                return Ok(());
            };
            let shown: String = crop.iter().map(|fragment| fragment.text.as_str()).collect();
            prop_assert!(shown.chars().count() <= max, "{shown:?}");
            prop_assert!(max == 0 || crop.iter().any(|fragment| fragment.hit), "{crop:?}");
            prop_assert!(text.contains(shown.trim_matches('…')), "{shown:?}");
            prop_assert_eq!(shown.starts_with('…'), max >= 3 && !text.starts_with(shown.trim_matches('…')));
        }
    }
}
