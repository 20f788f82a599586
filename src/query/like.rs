//! A text as a query: its terms, weighted, to find records that are about the same.
//!
//! Measured on demands and achievements that experts had graded: square roots of counts, a title that counts twice,
//! and pairs of characters at half the weight of words order better than the plain text by a third. Terms beyond the
//! best fifty change nothing but the time it takes.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::TokenField;
use super::filter::Filter;
use crate::text::{Analyzer, Units, is_han};

/// Characters of one text that are read; what follows is left out.
const MAX_CHARS: usize = 6_000;

/// A weighted bag of terms, and which records may be found with it.
///
/// The score of a record is the sum over the kept terms of all groups: weight of the term, times the sum over the
/// group's fields of boost times BM25 of the term in that field.
#[derive(Clone, Debug, Default)]
pub struct Like {
    pub groups: Vec<TermGroup>,
    pub filter: Option<Filter>,
}

/// Terms of one unit of text.
#[derive(Clone, Debug, PartialEq)]
pub struct TermGroup {
    /// Where the terms are looked for, and how much each place counts. The first decides how rare a term is.
    pub fields: Vec<(TokenField, f32)>,
    /// Terms and their weights, by weight, then in the order of the tokens; no term twice.
    pub terms: Vec<(String, f32)>,
    /// How many terms are kept: those with the greatest product of weight and inverse document frequency.
    pub keep: usize,
}

impl Like {
    /// Tells whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.terms.is_empty())
    }
}

/// How often a term counts that occurs several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// As often as it occurs.
    Raw,
    /// The square root of that.
    #[default]
    Sqrt,
    /// Once.
    Binary,
}

impl Counting {
    /// Every way, by the name that files give it.
    pub const NAMES: [(&'static str, Self); 3] =
        [("raw", Self::Raw), ("sqrt", Self::Sqrt), ("binary", Self::Binary)];

    fn of(self, count: f32) -> f32 {
        match self {
            Self::Raw => count,
            Self::Sqrt => count.sqrt(),
            Self::Binary => 1.0,
        }
    }
}

/// How texts become terms.
#[derive(Clone, Debug, PartialEq)]
pub struct LikeRules {
    pub counting: Counting,
    pub max_words: usize,
    pub max_grams: usize,
    /// Shorter words are left out.
    pub min_word_chars: usize,
    /// Words that say nothing about what a text is about, normalized.
    pub stop_words: HashSet<String>,
    /// Weight of words, of pairs of characters, and of both once more where they stand in a title.
    pub words: f32,
    pub grams: f32,
    pub title: f32,
}

impl LikeRules {
    /// Cuts weighted texts into terms.
    ///
    /// Numbers, stop words and pairs with anything but 汉字 in them are left out; a text that is the same thing said
    /// twice counts once. The order of `texts` does not matter.
    pub fn like<'a>(
        &self,
        texts: impl IntoIterator<Item = (f32, &'a str)>,
        analyzer: &Analyzer,
    ) -> Like {
        let (mut words, mut grams) = (HashMap::new(), HashMap::new());
        for (weight, text) in texts {
            let mut units = Units::default();
            analyzer.analyze(once(shortened(text)), &mut units);
            for word in units.words.split(' ').filter(|word| self.says_something(word)) {
                *words.entry(word.to_owned()).or_insert(0.0) += weight;
            }
            for gram in units.grams.split(' ').filter(|gram| is_pair(gram)) {
                *grams.entry(gram.to_owned()).or_insert(0.0) += weight;
            }
        }
        let group = |unit, title, unit_weight: f32, counts: HashMap<String, f32>, keep| {
            let weigh = |(token, count)| (token, unit_weight * self.counting.of(count));
            let mut terms: Vec<(String, f32)> = counts.into_iter().map(weigh).collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let mut fields = vec![(unit, 1.0)];
            if self.title > 0.0 {
                fields.push((title, self.title));
            }
            TermGroup { fields, terms, keep }
        };
        let mut groups = Vec::new();
        if self.words > 0.0 {
            let fields = (TokenField::Words, TokenField::TitleWords);
            groups.push(group(fields.0, fields.1, self.words, words, self.max_words));
        }
        if self.grams > 0.0 {
            let fields = (TokenField::Grams, TokenField::TitleGrams);
            groups.push(group(fields.0, fields.1, self.grams, grams, self.max_grams));
        }
        Like { groups, filter: None }
    }

    fn says_something(&self, word: &str) -> bool {
        word.chars().nth(self.min_word_chars.saturating_sub(1)).is_some()
            && word.chars().any(char::is_alphabetic)
            && !self.stop_words.contains(word)
    }
}

fn is_pair(gram: &str) -> bool {
    gram.chars().count() == 2 && gram.chars().all(is_han)
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// Returns one half of a text that was pasted twice.
fn once(text: &str) -> &str {
    let text = text.trim();
    let Some((first, second)) = text.split_at_checked(text.len() / 2) else { return text };
    if !first.is_empty() && first.trim() == second.trim() {
        return first.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::test_analyzer;

    fn rules() -> LikeRules {
        LikeRules {
            counting: Counting::Sqrt,
            max_words: 50,
            max_grams: 120,
            min_word_chars: 2,
            stop_words: HashSet::from(["技术".to_owned()]),
            words: 1.0,
            grams: 0.5,
            title: 0.0,
        }
    }

    fn terms(like: &Like, group: usize) -> Vec<(&str, f32)> {
        like.groups[group].terms.iter().map(|(token, weight)| (&**token, *weight)).collect()
    }

    #[test]
    fn weights_are_roots_of_weighted_counts() {
        let texts = [(2.0, "海水淡化"), (1.0, "海水淡化技术 12 MPa 的")];
        let like = rules().like(texts, test_analyzer());
        let words = terms(&like, 0);
        let root = 3f32.sqrt();
        assert!(words.contains(&("海水", root)) && words.contains(&("淡化", root)), "{words:?}");
        assert!(words.contains(&("mpa", 1.0)), "{words:?}");
        let left_out = |word: &str| !words.iter().any(|(token, _)| *token == word);
        assert!(left_out("技术") && left_out("12") && left_out("的"), "{words:?}");
        let grams = terms(&like, 1);
        assert!(grams.contains(&("水淡", 0.5 * root)), "{grams:?}");
        assert!(grams.iter().all(|(gram, _)| gram.chars().all(is_han)), "{grams:?}");
    }

    #[test]
    fn what_was_pasted_twice_counts_once() {
        let once = rules().like([(1.0, "耐腐蚀涂层")], test_analyzer());
        for text in ["耐腐蚀涂层耐腐蚀涂层", "耐腐蚀涂层\n耐腐蚀涂层", " 耐腐蚀涂层 "]
        {
            assert_eq!(
                rules().like([(1.0, text)], test_analyzer()).groups,
                once.groups,
                "{text:?}"
            );
        }
    }

    #[test]
    fn nothing_comes_of_nothing() {
        for text in ["", "。", "12.5", "的", "N"] {
            assert!(rules().like([(1.0, text)], test_analyzer()).is_empty(), "{text:?}");
        }
    }
}
