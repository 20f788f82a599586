//! Tells the declared signals of hits that are already found.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::EnableScoring;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocId, DocSet, Searcher, SegmentOrdinal, SegmentReader, TERMINATED, TantivyError, Term,
};

use super::collect::Kept;
use super::forward::Columns;
use super::lower;
use super::schema::{ColumnType, IndexSchema};
use crate::engine::EngineError;
use crate::query::{Measure, Query, Ranker, Search, ShareOf, TokenField};

/// What a title is worth that begins with what was typed: who types a beginning may mean the whole.
const BEGINS: f32 = 0.9;

/// The signals of the hits that are re-scored.
#[derive(Default)]
pub struct Measured {
    rankers: Vec<(f32, ShareOf)>,
    /// A signal in [0, 1] for every ranker, hit after hit.
    values: Vec<f32>,
    /// What the wishes have already added to each hit's score; empty without wishes.
    base: Vec<f32>,
}

impl Measured {
    /// What wishes added to the score that the hit was found by.
    pub fn base(&self, hit: usize) -> f32 {
        self.base.get(hit).copied().unwrap_or_default()
    }

    /// Points that each signal adds to a hit of that score by text; `best` is the best of all hits.
    pub fn points(&self, hit: usize, own: f32, best: f32) -> Vec<(usize, f32)> {
        self.each(hit, own, best).enumerate().filter(|(_, points)| *points > 0.0).collect()
    }

    /// Points that all signals add to a hit; they do not fall when a score rises.
    pub fn sum(&self, hit: usize, own: f32, best: f32) -> f32 {
        self.each(hit, own, best).sum()
    }

    fn each(&self, hit: usize, own: f32, best: f32) -> impl Iterator<Item = f32> {
        let values = &self.values[hit * self.rankers.len()..][..self.rankers.len()];
        self.rankers.iter().zip(values).map(move |((weight, share_of), value)| {
            let whole = match share_of {
                ShareOf::Own => own,
                // Hits that nothing but a condition found have no score by text.
                ShareOf::Best => best.max(1.0),
            };
            weight * value * whole
        })
    }
}

/// Measures the rankers of a search for each of `kept`.
///
/// Cost: a look-up a ranker and segment, and a seek a ranker and hit.
pub fn measure(
    searcher: &Searcher,
    schema: &IndexSchema,
    columns: &Columns,
    search: &Search,
    kept: &[Kept],
) -> Result<Measured, EngineError> {
    let rankers: Vec<&Ranker> = search.rankers.iter().collect();
    let mut measured = Measured {
        rankers: rankers.iter().map(|ranker| (ranker.weight, ranker.share_of)).collect(),
        values: vec![0.0; rankers.len() * kept.len()],
        base: Vec::new(),
    };
    if rankers.is_empty() || kept.is_empty() {
        return Ok(measured);
    }
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_unstable_by_key(|&at| (kept[at].address.segment_ord, kept[at].address.doc_id));
    for run in order.chunk_by(|&a, &b| kept[a].address.segment_ord == kept[b].address.segment_ord) {
        let ordinal = kept[run[0]].address.segment_ord;
        let segment = Segment {
            searcher,
            schema,
            columns,
            ordinal,
            reader: searcher.segment_reader(ordinal),
            docs: run.iter().map(|&at| kept[at].address.doc_id).collect(),
        };
        for (column, ranker) in rankers.iter().enumerate() {
            let values = segment.values(&ranker.measure, search.today)?;
            for (&hit, value) in run.iter().zip(values) {
                measured.values[hit * rankers.len() + column] = value.clamp(0.0, 1.0);
            }
        }
    }
    for (column, ranker) in rankers.iter().enumerate() {
        if let Measure::Matches { queries, base } = &ranker.measure
            && *base > 0.0
        {
            measured.base.resize(kept.len(), 0.0);
            for (hit, added) in measured.base.iter_mut().enumerate() {
                let share = measured.values[hit * rankers.len() + column];
                *added += base * (share * queries.len() as f32).round();
            }
        }
    }
    Ok(measured)
}

/// The hits of one segment, in the order of their ids.
struct Segment<'a> {
    searcher: &'a Searcher,
    schema: &'a IndexSchema,
    columns: &'a Columns,
    ordinal: SegmentOrdinal,
    reader: &'a SegmentReader,
    docs: Vec<DocId>,
}

impl Segment<'_> {
    fn values(&self, measure: &Measure, today: i32) -> Result<Vec<f32>, EngineError> {
        Ok(match measure {
            Measure::Matches { queries, .. } => {
                let mut values = vec![0.0; self.docs.len()];
                for query in queries {
                    for (value, matches) in values.iter_mut().zip(self.matches(query)?) {
                        *value += f32::from(u8::from(matches)) / queries.len() as f32;
                    }
                }
                values
            }
            Measure::TitleShare { phrases } => {
                let mut values = vec![0.0; self.docs.len()];
                for (phrase, length) in phrases {
                    for (value, share) in values.iter_mut().zip(self.title(phrase, *length)?) {
                        *value = f32::max(*value, share);
                    }
                }
                values
            }
            Measure::Value { path, worth, absent } => self.worth(path, worth, *absent)?,
            Measure::Recency { half_life_days } => {
                let days = &self.columns.days(self.searcher)?[self.ordinal as usize];
                let half = |doc: DocId| {
                    let age = i64::from(today) - days.first(doc).unwrap_or_default();
                    (-(age.max(0) as f32) / half_life_days).exp2()
                };
                self.docs.iter().map(|&doc| half(doc)).collect()
            }
        })
    }

    /// Tells how much of each hit's title a phrase is.
    fn title(&self, phrase: &Query, length: usize) -> Result<Vec<f32>, EngineError> {
        let field = self.schema.token_field(TokenField::TitleChars);
        let norms: FieldNormReader = self.reader.get_fieldnorms_reader(field)?;
        let matches = self.matches(phrase)?;
        let mut starts = matches.clone();
        if let Query::Phrase { tokens, .. } = phrase {
            self.begins(field, tokens, &mut starts)?;
        }
        let share = |at: usize| {
            let share = length as f32 / norms.fieldnorm(self.docs[at]).max(1) as f32;
            match (matches[at], starts[at]) {
                (false, _) => 0.0,
                (true, false) => share,
                (true, true) => share.max(BEGINS),
            }
        };
        Ok((0..self.docs.len()).map(share).collect())
    }

    /// Leaves those hits that have each token at its place, counted from the beginning of the field.
    fn begins(
        &self,
        field: Field,
        tokens: &[(usize, String)],
        starts: &mut [bool],
    ) -> Result<(), EngineError> {
        let index = self.reader.inverted_index(field)?;
        let first = tokens.first().map_or(0, |(at, _)| *at);
        let mut places = Vec::new();
        for (at, token) in tokens {
            if !starts.contains(&true) {
                break;
            }
            let term = Term::from_field_text(field, token);
            let option = IndexRecordOption::WithFreqsAndPositions;
            let postings = index.read_postings(&term, option).map_err(TantivyError::from)?;
            let Some(mut postings) = postings else {
                starts.fill(false);
                break;
            };
            for (start, &doc) in starts.iter_mut().zip(&self.docs).filter(|(start, _)| **start) {
                let found = if postings.doc() < doc { postings.seek(doc) } else { postings.doc() };
                *start = found == doc && {
                    postings.positions(&mut places);
                    places.contains(&((at - first) as u32))
                };
            }
        }
        Ok(())
    }

    /// Tells which of the hits match.
    fn matches(&self, query: &Query) -> Result<Vec<bool>, EngineError> {
        let lowered = lower::query(query, self.schema)?;
        let weight = lowered.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
        let mut scorer = weight.scorer(self.reader, 1.0)?;
        let mut matches = Vec::with_capacity(self.docs.len());
        for &doc in &self.docs {
            let mut found = scorer.doc();
            if found < doc && found != TERMINATED {
                found = scorer.seek(doc);
            }
            matches.push(found == doc);
        }
        Ok(matches)
    }

    fn worth(
        &self,
        path: &str,
        worth: &[(String, f32)],
        absent: f32,
    ) -> Result<Vec<f32>, EngineError> {
        let column = lower::column(path, self.schema)?;
        if !matches!(column.column_type, ColumnType::Text | ColumnType::Tree) {
            return Err(EngineError::Unsupported(format!("`{path}` has no listed values")));
        }
        let values = self.columns.facet(&column.name, self.searcher)?;
        let mut by_number = vec![0.0; values.num_values()];
        for (value, worth) in worth {
            if let Some(number) = values.number(value) {
                by_number[number as usize] = *worth;
            }
        }
        let segment = values.segment(self.ordinal);
        let worth = |number: &u32| by_number[*number as usize];
        let of = |&doc: &DocId| segment.numbers(doc).iter().map(worth).reduce(f32::max);
        Ok(self.docs.iter().map(|doc| of(doc).unwrap_or(absent)).collect())
    }
}
