//! Tells the declared signals of hits that are already found.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::EnableScoring;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED};

use super::collect::Kept;
use super::lower;
use super::schema::{ColumnType, IndexSchema, NEWEST};
use crate::engine::EngineError;
use crate::query::{Measure, Query, Ranker, Search, ShareOf, TokenField};

/// The signals of the hits that are re-scored.
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

    /// Points that each signal adds to a hit of that score by text.
    pub fn points(&self, hit: usize, own: f32, best: f32) -> Vec<(usize, f32)> {
        let values = &self.values[hit * self.rankers.len()..][..self.rankers.len()];
        self.rankers
            .iter()
            .zip(values)
            .enumerate()
            .filter(|(_, (_, value))| **value > 0.0)
            .map(|(at, ((weight, share_of), value))| {
                let whole = match share_of {
                    ShareOf::Own => own,
                    // Hits that nothing but a condition found have no score by text.
                    ShareOf::Best => best.max(1.0),
                };
                (at, weight * value * whole)
            })
            .collect()
    }
}

/// Measures the rankers of a search for each of `kept`.
///
/// Cost: a look-up a ranker and segment, and a seek a ranker and hit.
pub fn measure(
    searcher: &Searcher,
    schema: &IndexSchema,
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
        let segment = Segment {
            searcher,
            schema,
            reader: searcher.segment_reader(kept[run[0]].address.segment_ord),
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
            Measure::TitleShare { phrase, length } => {
                let field = self.schema.token_field(TokenField::TitleChars);
                let norms: FieldNormReader = self.reader.get_fieldnorms_reader(field)?;
                let share = |doc: DocId| *length as f32 / norms.fieldnorm(doc).max(1) as f32;
                let matches = self.matches(phrase)?;
                self.docs
                    .iter()
                    .zip(matches)
                    .map(|(&doc, matches)| if matches { share(doc) } else { 0.0 })
                    .collect()
            }
            Measure::Value { path, worth, absent } => self.worth(path, worth, *absent)?,
            Measure::Recency { half_life_days } => {
                let days = self.reader.fast_fields().i64(NEWEST)?;
                let half = |doc: DocId| {
                    let age = i64::from(today) - days.first(doc).unwrap_or_default();
                    (-(age.max(0) as f32) / half_life_days).exp2()
                };
                self.docs.iter().map(|&doc| half(doc)).collect()
            }
        })
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
        let Some(values) = self.reader.fast_fields().str(&column.name)? else {
            return Ok(vec![absent; self.docs.len()]);
        };
        let mut by_ord: Vec<(u64, f32)> = Vec::with_capacity(worth.len());
        for (value, worth) in worth {
            let ord = values.dictionary().term_ord(value.as_bytes());
            if let Some(ord) = ord.map_err(tantivy::TantivyError::from)? {
                by_ord.push((ord, *worth));
            }
        }
        let of = |ord: u64| by_ord.iter().find(|(known, _)| *known == ord).map_or(0.0, |w| w.1);
        Ok(self
            .docs
            .iter()
            .map(|&doc| {
                values.ords().values_for_doc(doc).map(of).reduce(f32::max).unwrap_or(absent)
            })
            .collect())
    }
}
