//! From typed text to queries, the strictest first: a rung that finds too little is followed by the next.
//!
//! A record matches a word when it holds the word's characters next to each other: all adjacent pairs (grams) of the
//! word. How the dictionary happens to cut the record does not matter, so no record is lost to segmentation. Words,
//! single characters, title and keywords then decide the order.

use serde::{Deserialize, Serialize};

use super::typed::Typed;
use super::{Part, Query, Signal, TokenField, WeightedTerm};
use crate::record::kind::Scoring;
use crate::text::{Analyzer, chars, code_key, grams};

/// What a list of results holds, from the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relaxation {
    /// Every result holds what was typed, literally.
    Exact,
    /// Every result holds every word.
    AllWords,
    /// Every result holds three words in four.
    MostWords,
    /// Results share at least a pair of characters.
    Grams,
}

/// A way to answer, strict or lenient.
#[derive(Clone, Debug)]
pub struct Rung {
    pub relaxation: Relaxation,
    pub query: Query,
    pub parts: Vec<Part>,
}

/// All ways to answer one typed query, and what to mark in the results.
#[derive(Clone, Debug)]
pub struct Ladder {
    pub rungs: Vec<Rung>,
    /// Normalized strings to mark.
    pub needles: Vec<String>,
    /// Words as they were understood, in order.
    pub words: Vec<String>,
    /// A rung that finds fewer is followed by the next.
    pub enough: u64,
}

/// A piece of the query that a record has or lacks.
struct Leaf {
    text: String,
    /// Holds no 汉字: matched at word boundaries first.
    latin: bool,
}

impl Ladder {
    pub fn new(typed: &Typed, analyzer: &Analyzer, scoring: &Scoring) -> Self {
        let normalized = analyzer.normalize(&typed.plain).text;
        let words = analyzer.words(&normalized);
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut units: Vec<(String, u32)> = Vec::new();
        for word in &words {
            for unit in &word.units {
                count(&mut units, unit);
            }
            for leaf in &word.leaves {
                if !leaves.iter().any(|known| known.text == *leaf) {
                    leaves.push(Leaf { text: leaf.clone(), latin: is_latin(leaf) });
                }
            }
        }
        // 的, 与 and the like say nothing beside real words.
        if leaves.iter().any(|leaf| leaf.text.chars().nth(1).is_some()) {
            leaves.retain(|leaf| leaf.latin || leaf.text.chars().nth(1).is_some());
        } else if leaves.len() > 1 && leaves.iter().all(|leaf| !leaf.latin) {
            // A name that the dictionary does not know: its characters mean something only together.
            leaves = vec![Leaf { text: normalized.clone(), latin: false }];
        }
        let tokens = Tokens::new(&normalized, units, &leaves, typed, analyzer);
        let mut rungs = Vec::new();
        let required: Vec<Query> = typed
            .phrases
            .iter()
            .map(|phrase| literal(&analyzer.normalize(phrase).text, scoring))
            .collect();
        let excluded: Vec<Query> = typed
            .excluded
            .iter()
            .map(|word| literal(&analyzer.normalize(word).text, scoring))
            .collect();
        let codes = codes(&typed.plain);
        let mut add = |relaxation, main: Option<Query>, in_base: InBase| {
            let main = match main {
                Some(main) if codes.is_empty() => Some(main),
                Some(main) => {
                    Some(any_of(std::iter::once(main).chain(codes.iter().map(|key| Query::Term {
                        field: TokenField::Code,
                        token: key.clone(),
                        boost: scoring.roles.code,
                    }))))
                }
                None => None,
            };
            let all: Vec<Query> = required.iter().cloned().chain(main).collect();
            let keep = if all.is_empty() { Query::All } else { Query::And(all) };
            let query = match excluded.is_empty() {
                true => keep,
                false => Query::Without { keep: Box::new(keep), drop: excluded.clone() },
            };
            rungs.push(Rung { relaxation, query, parts: tokens.parts(scoring, in_base) });
        };
        if leaves.is_empty() {
            // Only phrases and exclusions, or nothing that is a letter or digit.
            let main =
                (!typed.plain.is_empty() && typed.phrases.is_empty()).then_some(Query::Nothing);
            add(Relaxation::Exact, main, InBase::Leaves);
        } else {
            let clauses: Vec<Query> =
                leaves.iter().map(|leaf| requirement(leaf, scoring)).collect();
            let label = if leaves.len() == 1 { Relaxation::Exact } else { Relaxation::AllWords };
            add(label, Some(Query::And(clauses.clone())), InBase::Leaves);
            if typed.phrases.is_empty() {
                if clauses.len() > 1 {
                    let minimum = (clauses.len() * 3).div_ceil(4).min(clauses.len() - 1).max(1);
                    add(
                        Relaxation::MostWords,
                        Some(Query::Or { clauses, minimum }),
                        InBase::Leaves,
                    );
                }
                add(Relaxation::Grams, Some(tokens.any(scoring)), InBase::AllGrams);
            }
        }
        let needles = tokens.needles(&leaves, typed, analyzer);
        let words = words.into_iter().map(|word| word.text).collect();
        // A sentence is not a list of conditions: the record that answers it rarely holds all its words.
        let enough = if leaves.len() <= 3 { 10 } else { 100 };
        Self { rungs, needles, words, enough }
    }
}

/// Which tokens the base query already scores.
#[derive(Clone, Copy, PartialEq)]
enum InBase {
    /// The grams of the leaves.
    Leaves,
    /// All grams, and Latin words.
    AllGrams,
}

/// The distinct tokens of a query, with how often each occurs in it.
struct Tokens {
    units: Vec<(String, u32)>,
    grams: Vec<(String, u32)>,
    chars: Vec<(String, u32)>,
    latin: Vec<(String, u32)>,
    /// Those that a record must hold to have a leaf.
    leaf_grams: Vec<String>,
}

impl Tokens {
    fn new(
        normalized: &str,
        mut units: Vec<(String, u32)>,
        leaves: &[Leaf],
        typed: &Typed,
        analyzer: &Analyzer,
    ) -> Self {
        let (mut all_grams, mut leaf_grams, mut all_chars) = (Vec::new(), Vec::new(), Vec::new());
        let phrases: Vec<String> =
            typed.phrases.iter().map(|phrase| analyzer.normalize(phrase).text).collect();
        for phrase in &phrases {
            for word in analyzer.words(phrase) {
                for unit in &word.units {
                    count(&mut units, unit);
                }
            }
            for gram in grams(phrase) {
                push_new(&mut leaf_grams, &gram);
            }
        }
        for text in std::iter::once(normalized).chain(phrases.iter().map(String::as_str)) {
            for gram in grams(text) {
                // Pairs of Latin letters say little: words stand for them.
                if !is_latin(&gram) {
                    count(&mut all_grams, &gram);
                }
            }
            for ch in text.chars().filter(|ch| ch.is_alphanumeric() && !ch.is_ascii()) {
                count(&mut all_chars, ch.encode_utf8(&mut [0; 4]));
            }
        }
        for leaf in leaves.iter().filter(|leaf| !leaf.latin) {
            for gram in grams(&leaf.text) {
                push_new(&mut leaf_grams, &gram);
            }
        }
        let latin = units.iter().filter(|(unit, _)| is_latin(unit)).cloned().collect();
        Self { units, grams: all_grams, leaf_grams, chars: all_chars, latin }
    }

    /// Any gram or Latin word.
    fn any(&self, scoring: &Scoring) -> Query {
        let term = |field, boost: f32| {
            move |(token, times): &(String, u32)| Query::Term {
                field,
                token: token.clone(),
                boost: boost * tf(*times),
            }
        };
        let grams = self.grams.iter().map(term(TokenField::Grams, scoring.units.grams));
        let latin = self.latin.iter().map(term(TokenField::Words, scoring.units.words));
        any_of(grams.chain(latin))
    }

    fn parts(&self, scoring: &Scoring, in_base: InBase) -> Vec<Part> {
        let weigh = |field, tokens: &[(String, u32)], weight: f32, skip: &[&str]| {
            tokens
                .iter()
                .filter(|(token, _)| weight > 0.0 && !skip.contains(&token.as_str()))
                .map(|(token, times)| WeightedTerm {
                    field,
                    token: token.clone(),
                    weight: weight * tf(*times),
                })
                .collect::<Vec<_>>()
        };
        let (units, roles) = (&scoring.units, &scoring.roles);
        let (skip_words, skip_grams) = match in_base {
            InBase::Leaves => (Vec::new(), self.leaf_grams.iter().map(String::as_str).collect()),
            InBase::AllGrams => (names(&self.latin), names(&self.grams)),
        };
        let mut title = weigh(TokenField::TitleWords, &self.units, roles.title * units.words, &[]);
        title.extend(weigh(TokenField::TitleGrams, &self.grams, roles.title * units.grams, &[]));
        [
            (Signal::Words, weigh(TokenField::Words, &self.units, units.words, &skip_words)),
            (Signal::Grams, weigh(TokenField::Grams, &self.grams, units.grams, &skip_grams)),
            (Signal::Chars, weigh(TokenField::Chars, &self.chars, units.chars, &[])),
            (Signal::Title, title),
            (
                Signal::Keywords,
                weigh(TokenField::KeywordWords, &self.units, roles.keywords * units.words, &[]),
            ),
        ]
        .into_iter()
        .filter(|(_, terms)| !terms.is_empty())
        .map(|(signal, terms)| Part { signal, terms })
        .collect()
    }

    fn needles(&self, leaves: &[Leaf], typed: &Typed, analyzer: &Analyzer) -> Vec<String> {
        let single = leaves.iter().all(|leaf| leaf.text.chars().nth(1).is_none());
        let mut needles: Vec<String> = self
            .units
            .iter()
            .map(|(unit, _)| unit)
            .chain(leaves.iter().map(|leaf| &leaf.text))
            .filter(|word| single || word.chars().nth(1).is_some())
            .cloned()
            .collect();
        needles.extend(typed.phrases.iter().map(|phrase| analyzer.normalize(phrase).text));
        needles.sort_unstable();
        needles.dedup();
        needles
    }
}

/// What a record must hold to have the leaf.
fn requirement(leaf: &Leaf, scoring: &Scoring) -> Query {
    if leaf.latin {
        return literal_with(&leaf.text, 0.0);
    }
    let mut grams: Vec<Query> = Vec::new();
    for gram in crate::text::grams(&leaf.text) {
        let term = gram_or_char(&gram, scoring);
        if !grams.contains(&term) {
            grams.push(term);
        }
    }
    Query::And(grams)
}

/// Matches records that hold `normalized` as it stands.
fn literal(normalized: &str, scoring: &Scoring) -> Query {
    literal_with(normalized, scoring.units.grams)
}

fn literal_with(normalized: &str, boost: f32) -> Query {
    let tokens: Vec<(usize, String)> =
        chars(normalized).into_iter().map(|token| (token.position, token.text)).collect();
    if tokens.is_empty() {
        return Query::Nothing;
    }
    // The pairs are rarer than the characters: they leave few records for the phrase to look at.
    let mut clauses: Vec<Query> = Vec::new();
    for gram in grams(normalized).into_iter().filter(|gram| gram.chars().nth(1).is_some()) {
        let clause = Query::Term { field: TokenField::Grams, token: gram, boost };
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    }
    clauses.push(Query::Phrase { field: TokenField::Chars, tokens });
    Query::And(clauses)
}

fn gram_term(gram: &str, scoring: &Scoring) -> Query {
    Query::Term { field: TokenField::Grams, token: gram.to_owned(), boost: scoring.units.grams }
}

/// A single character is looked up among the characters: the grams hold it only where it stands alone.
fn gram_or_char(gram: &str, scoring: &Scoring) -> Query {
    if gram.chars().nth(1).is_some() {
        gram_term(gram, scoring)
    } else {
        Query::Term { field: TokenField::Chars, token: gram.to_owned(), boost: scoring.units.chars }
    }
}

fn any_of(clauses: impl Iterator<Item = Query>) -> Query {
    let clauses: Vec<Query> = clauses.collect();
    match clauses.len() {
        0 => Query::Nothing,
        _ => Query::Or { clauses, minimum: 1 },
    }
}

/// Canonical forms of what may be a code: the whole text, and each word that holds a digit.
fn codes(plain: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for text in std::iter::once(plain).chain(plain.split_whitespace()) {
        let key = code_key(text);
        if key.chars().any(|ch| ch.is_ascii_digit()) && key.chars().nth(3).is_some() {
            push_new(&mut keys, &key);
        }
    }
    keys
}

fn is_latin(text: &str) -> bool {
    text.is_ascii()
}

fn names(tokens: &[(String, u32)]) -> Vec<&str> {
    tokens.iter().map(|(token, _)| token.as_str()).collect()
}

/// What a token counts that occurs `times` times in the query: a repeated word matters more, but not twice as much.
fn tf(times: u32) -> f32 {
    (times as f32).sqrt()
}

fn count(list: &mut Vec<(String, u32)>, token: &str) {
    match list.iter_mut().find(|(known, _)| known == token) {
        Some((_, times)) => *times += 1,
        None => list.push((token.to_owned(), 1)),
    }
}

fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}
