//! The sentence of a text that shows best why it was found.

use crate::text::Analyzer;

/// Characters of a sentence that is shown.
const MAX_CHARS: usize = 120;
/// Sentences that are looked at.
const MAX_SENTENCES: usize = 200;

/// Returns the sentence that holds the most of `terms` by their shares; `None` when none holds any.
///
/// Terms are normalized. A long sentence is cut around the first term in it, with `…` where it goes on.
pub fn best_sentence<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    terms: &[(String, f32)],
    analyzer: &Analyzer,
) -> Option<String> {
    let mut best: Option<(f32, &str)> = None;
    for sentence in texts.into_iter().flat_map(sentences).take(MAX_SENTENCES) {
        let normalized = analyzer.normalize(sentence).text;
        let held: f32 = terms
            .iter()
            .filter(|(term, _)| normalized.contains(term.as_str()))
            .map(|(_, share)| share)
            .sum();
        if held > best.map_or(0.0, |(most, _)| most) {
            best = Some((held, sentence));
        }
    }
    best.map(|(_, sentence)| cropped(sentence, terms, analyzer))
}

/// Cuts a text into sentences.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['。', '！', '？', '；', '!', '?', ';', '\n'])
        .map(|sentence| sentence.trim().trim_end_matches(['。', '；', ';', '\n']))
        .filter(|sentence| !sentence.is_empty())
}

fn cropped(sentence: &str, terms: &[(String, f32)], analyzer: &Analyzer) -> String {
    let chars: Vec<char> = sentence.chars().collect();
    if chars.len() <= MAX_CHARS {
        return sentence.to_owned();
    }
    // Of the windows that begin at a comma, the first with the most in it.
    let starts = std::iter::once(0).chain(
        chars
            .iter()
            .enumerate()
            .filter(|(_, ch)| matches!(ch, '，' | ',' | '、' | '：'))
            .map(|(at, _)| at + 1),
    );
    let mut best = (0.0, 0);
    for start in starts {
        let part: String = chars[start..].iter().take(MAX_CHARS).collect();
        let normalized = analyzer.normalize(&part).text;
        let held: f32 = terms
            .iter()
            .filter(|(term, _)| normalized.contains(term.as_str()))
            .map(|(_, share)| share)
            .sum();
        if held > best.0 {
            best = (held, start);
        }
    }
    let start = best.1;
    let end = (start + MAX_CHARS).min(chars.len());
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
    }
    shown.extend(&chars[start..end]);
    if end < chars.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::test_analyzer;

    #[test]
    fn the_sentence_with_most_of_the_terms() {
        let terms = [("脱盐".to_owned(), 0.6), ("反渗透".to_owned(), 0.3)];
        let found = |text: &str| best_sentence([text], &terms, test_analyzer());
        let text = "公司位于青岛。反渗透膜元件的脱盐率不低于99.8%；批量采购。";
        assert_eq!(found(text).as_deref(), Some("反渗透膜元件的脱盐率不低于99.8%"));
        assert_eq!(found("公司位于青岛。"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn a_long_sentence_is_cut_around_what_it_shows() {
        let terms = [("脱盐".to_owned(), 1.0)];
        let text = format!("{}，脱盐率高，{}", "甲".repeat(200), "乙".repeat(200));
        let found = best_sentence([&*text], &terms, test_analyzer()).unwrap();
        assert!(found.starts_with("…脱盐率高，乙") && found.ends_with("乙…"), "{found}");
        assert!(found.chars().count() <= MAX_CHARS + 2);
    }
}
