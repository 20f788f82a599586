//! Terms and popular queries that are offered: those that some record holds, with how many do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::popular::Popular;
use crate::engine::{Engine, EngineError};
use crate::query::filter::{Filter, Literal};
use crate::query::ladder::Ladder;
use crate::query::typed::Typed;
use crate::query::{Order, Query, Search, understand};
use crate::record::kind::{Column, Facet, Scoring};
use crate::record::{Catalog, Revision};
use crate::suggest::{Offer, Source, SuggestIndex, is_unit};
use crate::text::Analyzer;

/// Least time between two counts.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// A count that took a while is followed by so many times as long a pause.
const PAUSE_FACTOR: u32 = 20;
/// Longest term, in characters: a vocabulary's long labels are sentences.
const MAX_TERM: usize = 24;

/// Column of the record's kind.
const KIND: &str = "kind";

/// The terms, and when they were counted.
pub(super) struct Lexicon<'a> {
    catalog: &'a Catalog,
    analyzer: &'a Analyzer,
    /// The dictionary that the terms are of.
    words: u64,
    /// As written, each once.
    terms: Vec<String>,
    /// The last change of a record, and of what is popular, that is counted in.
    counted: Option<(Revision, u64)>,
    /// What was counted at that change of a record: it is only counted again after another one.
    holders: HashMap<String, Vec<(u8, u64)>>,
    labels: Vec<(u8, Vec<(String, u64)>)>,
    next: Instant,
}

impl<'a> Lexicon<'a> {
    /// Lists the dictionary's words; the vocabularies' labels are counted with the facets.
    pub fn new(catalog: &'a Catalog, analyzer: &'a Analyzer) -> Self {
        let words = analyzer.words_fingerprint();
        let mut terms: Vec<String> =
            analyzer.user_words().iter().filter(|term| is_term(term)).cloned().collect();
        terms.sort_unstable();
        terms.dedup();
        let (counted, holders, labels) = Default::default();
        Self { catalog, analyzer, words, terms, counted, holders, labels, next: Instant::now() }
    }

    /// Tells whether the terms are those of this dictionary.
    pub fn is_of(&self, words: u64) -> bool {
        self.words == words
    }

    /// Tells whether records have changed since the last count.
    pub fn is_outdated(&self, changed: Revision) -> bool {
        self.counted.is_none_or(|(counted, _)| counted != changed)
    }

    /// Tells whether something has changed since the last count, and enough time has gone by.
    ///
    /// `changed` is the last change of a record, `asked` the last of what is popular.
    pub fn is_due(&self, changed: Revision, asked: u64) -> bool {
        self.counted != Some((changed, asked)) && Instant::now() >= self.next
    }

    /// Counts every term, about 0.1 ms each; when no record has changed, only what has come to be popular.
    pub fn refresh(
        &mut self,
        engine: &dyn Engine,
        popular: &Popular,
        changed: Revision,
    ) -> Result<SuggestIndex, EngineError> {
        let started = Instant::now();
        let counted = (changed, popular.changes());
        let top = popular.top();
        if self.is_outdated(changed) {
            self.holders.clear();
            self.labels.clear();
            for (at, kind) in self.catalog.kinds.iter().enumerate() {
                self.labels.push((super::number(at), self.labels(engine, &kind.name)?));
            }
        }
        for text in self.terms.iter().chain(top.iter().map(|(text, _)| text)) {
            if !self.holders.contains_key(text) {
                let holders = self.holders(engine, text)?;
                self.holders.insert(text.clone(), holders);
            }
        }
        let mut index = SuggestIndex::default();
        let mut add = |source: Source, text: &str, kind: u8, uses: u64| {
            let normalized = self.analyzer.normalize(text).text;
            let offer = Offer { source, text, normalized: &normalized };
            let uses = u32::try_from(uses).unwrap_or(u32::MAX);
            index.add(Some(kind), &offer, uses, self.analyzer.pinyin());
        };
        for term in &self.terms {
            for &(kind, count) in &self.holders[term] {
                add(Source::Term, term, kind, count);
            }
        }
        for (text, asked) in &top {
            for &(kind, _) in &self.holders[text] {
                add(Source::Query, text, kind, (*asked).into());
            }
        }
        for (kind, labels) in &self.labels {
            for (label, count) in labels {
                add(Source::Term, label, *kind, *count);
            }
        }
        if let Some(merge) = index.merge_due(true) {
            let sorted = merge.sort();
            index.merged(&merge, sorted);
        }
        self.counted = Some(counted);
        self.next = Instant::now() + MIN_PAUSE.max(started.elapsed() * PAUSE_FACTOR);
        Ok(index)
    }

    /// Counts the records of each kind that hold what `text` asks for in the strictest way.
    fn holders(&self, engine: &dyn Engine, text: &str) -> Result<Vec<(u8, u64)>, EngineError> {
        let typed = Typed::plain(text);
        let query = strictest(&typed, self.analyzer, &self.catalog.scoring);
        let found = engine.search(&counting(query, None, vec![KIND.into()]))?;
        let counts = found.facets.into_iter().flat_map(|facet| facet.counts);
        Ok(counts
            .filter_map(|(name, count)| {
                let at = self.catalog.kinds.iter().position(|kind| *kind.name == *name)?;
                Some((super::number(at), count))
            })
            .filter(|(_, count)| *count > 0)
            .collect())
    }

    /// Counts the labels and aliases of the codes that records of a kind have in their facets.
    fn labels(&self, engine: &dyn Engine, kind: &str) -> Result<Vec<(String, u64)>, EngineError> {
        let has_labels = |column: &&Column| {
            let is_counted = matches!(column.facet, Some(Facet::Terms {} | Facet::Tree {}));
            is_counted && column.vocabulary.is_some() && column.kinds.iter().any(|k| **k == *kind)
        };
        let columns = self.catalog.columns.values().filter(has_labels);
        let facets: Vec<Arc<str>> = columns.map(|column| column.path.clone()).collect();
        let only = Filter::Equal { path: KIND.into(), value: Literal::Text(kind.to_owned()) };
        let found = engine.search(&counting(Query::All, Some(only), facets))?;
        let mut labels = Vec::new();
        for facet in &found.facets {
            let column = self.catalog.column(&facet.path);
            let Some(vocabulary) = column.and_then(|column| column.vocabulary.as_deref()) else {
                continue;
            };
            for (code, count) in facet.counts.iter().filter(|(_, count)| *count > 0) {
                let Some(entry) = vocabulary.get(code) else { continue };
                let names = std::iter::once(&entry.label.zh).chain(&entry.aliases);
                labels
                    .extend(names.filter(|name| is_term(name)).map(|name| (name.clone(), *count)));
            }
        }
        Ok(labels)
    }
}

/// Counts, and reads no more than one record.
fn counting(query: Query, filter: Option<Filter>, facets: Vec<Arc<str>>) -> Search {
    Search {
        query,
        parts: Vec::new(),
        rankers: Vec::new(),
        filter,
        selections: Vec::new(),
        facets,
        order: Order::Newest,
        limit: 1,
        offset: 0,
        after: None,
        least: 0,
        today: 0,
    }
}

/// Tells whether somebody may type it as a word.
fn is_term(text: &str) -> bool {
    let letters = text.chars().filter(|ch| is_unit(*ch)).count();
    letters >= 2 && text.chars().count() <= MAX_TERM
}

fn strictest(typed: &Typed, analyzer: &Analyzer, scoring: &Scoring) -> Query {
    let branches: Vec<_> =
        typed.branches.iter().map(|branch| understand::literal(branch, analyzer)).collect();
    let rungs = Ladder::new(typed, &branches, analyzer, scoring).rungs;
    rungs.into_iter().next().map_or(Query::Nothing, |rung| rung.query)
}
