//! Corrects what was typed when no record holds it and the index has a word that sounds or looks alike.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::{Engine, EngineError};
use crate::query::typed::Typed;
use crate::query::{Order, Query, Search, TokenField};
use crate::record::Catalog;
use crate::suggest::spelling::Spelling;
use crate::text::{Analyzer, chars, grams};

/// Most words of one query that are corrected; a text with more mistakes is none of ours.
const MAX_CORRECTED: usize = 3;
/// Most parts that are looked up in the index for one query.
const MAX_LOOKED_UP: usize = 12;

/// Corrects queries by the words of the index.
pub struct Corrector {
    analyzer: Arc<Analyzer>,
    engine: Arc<dyn Engine>,
    /// Names of places, normalized.
    places: Vec<String>,
    spelling: ArcSwap<Spelling>,
}

/// What somebody may have meant by what they typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// No record holds what was typed: this is searched for instead.
    Instead(String),
    /// Records hold the Latin letters that were typed, and they spell this term, which is searched for too.
    Also(String),
}

impl Corrector {
    /// Knows no word, and corrects nothing, until [`refresh`](Self::refresh).
    pub fn new(analyzer: Arc<Analyzer>, engine: Arc<dyn Engine>, catalog: &Catalog) -> Self {
        let region = catalog.understanding.region.iter();
        let entries = region.flat_map(|rule| &rule.vocabulary.entries);
        let names =
            entries.flat_map(|entry| std::iter::once(&entry.label.zh).chain(&entry.aliases));
        let places = names.map(|name| analyzer.normalize(name).text).collect();
        Self { analyzer, engine, places, spelling: ArcSwap::default() }
    }

    /// Reads the words that the index holds now; about 0.1 s for 100,000 words.
    pub fn refresh(&self) -> Result<(), EngineError> {
        let spelling = Spelling::new(self.engine.words()?, &self.places, &self.analyzer);
        self.spelling.store(Arc::new(spelling));
        Ok(())
    }

    /// Returns what was meant, or `None` when what was typed may stand.
    ///
    /// Latin letters become the words whose pinyin, or the term whose first letters, they are. A query with quotes,
    /// exclusions or alternatives is left alone.
    pub fn correct(&self, q: &str) -> Result<Option<Meant>, EngineError> {
        let typed = Typed::parse(q);
        // Signs say that somebody knows what they type.
        let is_plain =
            typed.branches.len() == 1 && typed.phrases.is_empty() && typed.excluded.is_empty();
        if !is_plain {
            return Ok(None);
        }
        let spelling = self.spelling.load();
        let normalized = self.analyzer.normalize(&typed.plain).text;
        if normalized.is_ascii() {
            let Some(read) = spelling.read_pinyin(&normalized) else { return Ok(None) };
            return Ok(match self.holds_any(&normalized)? {
                false => Some(Meant::Instead(read.text)),
                true => read.is_term.then_some(Meant::Also(read.text)),
            });
        }
        let words = self.analyzer.words(&normalized);
        let mut accepted: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        let candidates = spelling.corrections(&normalized, &words, &self.analyzer);
        for candidate in candidates.into_iter().take(MAX_LOOKED_UP) {
            let apart = |(range, _): &(std::ops::Range<usize>, String)| {
                range.end <= candidate.range.start || candidate.range.end <= range.start
            };
            if accepted.len() < MAX_CORRECTED
                && accepted.iter().all(apart)
                && !self.holds(&normalized[candidate.range.clone()])?
            {
                accepted.push((candidate.range, candidate.to));
            }
        }
        if accepted.is_empty() {
            return Ok(None);
        }
        accepted.sort_by_key(|(range, _)| range.start);
        let mut corrected = String::with_capacity(normalized.len());
        let mut at = 0;
        for (range, to) in accepted {
            corrected.push_str(&normalized[at..range.start]);
            corrected.push_str(&to);
            at = range.end;
        }
        corrected.push_str(&normalized[at..]);
        Ok(Some(Meant::Instead(corrected.replace('\n', " "))))
    }

    /// Tells whether a record holds any of the words that spaces part.
    fn holds_any(&self, normalized: &str) -> Result<bool, EngineError> {
        for word in normalized.split([' ', '\n']).filter(|word| !word.is_empty()) {
            if self.holds(word)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether a record holds the text literally.
    fn holds(&self, normalized: &str) -> Result<bool, EngineError> {
        let tokens = chars(normalized);
        let tokens = tokens.into_iter().map(|token| (token.position, token.text)).collect();
        let mut clauses: Vec<Query> = grams(normalized)
            .into_iter()
            .filter(|gram| gram.chars().nth(1).is_some())
            .map(|token| Query::Term { field: TokenField::Grams, token, boost: 0.0 })
            .collect();
        clauses.push(Query::Phrase { field: TokenField::Chars, tokens });
        let found = self.engine.search(&Search {
            query: Query::And(clauses),
            parts: Vec::new(),
            rankers: Vec::new(),
            filter: None,
            selections: Vec::new(),
            facets: Vec::new(),
            order: Order::Newest,
            limit: 1,
            offset: 0,
            after: None,
            least: 0,
            today: 0,
        })?;
        Ok(found.total > 0)
    }
}
