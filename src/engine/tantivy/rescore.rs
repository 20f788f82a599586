//! Adds the parts of a score to hits that are already found, and puts them in their new order.
//!
//! Scoring every match by every token is the dearest way to order a list of which a person sees the first page. So
//! the query finds and orders by a few tokens, and the best of its hits are then scored by all: the rarest tokens
//! first, and a hit is let go once what is left cannot lift it into the part of the list that is wanted. The common
//! tokens, which are the dearest to look up and count the least, are looked up for few.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{InvertedIndexReader, Searcher, SegmentReader, Term};

use super::collect::Kept;
use super::schema::IndexSchema;
use super::signals::Measured;
use crate::query::{Part, Signal, TokenField};
use crate::record::kind::Bm25;

/// Tokens looked up between two looks at what may be let go.
const STEP: usize = 3;
/// Sums of rounded numbers may differ from their bounds by this share.
const SLACK: f32 = 1e-3;

/// What the scores of re-scored hits are made of, in the new order.
#[derive(Default)]
pub struct Rescored {
    table: Table,
    measured: Measured,
    /// The best score by text.
    best: f32,
    /// Where each hit stood before.
    before: Vec<usize>,
}

impl Rescored {
    /// Returns what each part of the text adds to a hit; empty for one that was not re-scored.
    pub fn parts(&self, at: usize) -> Vec<(Signal, f32)> {
        let Some(&before) = self.before.get(at) else { return Vec::new() };
        self.table.columns.iter().copied().zip(self.table.row(before).iter().copied()).collect()
    }

    /// Returns what each declared signal adds to a hit; empty for one that was not re-scored.
    pub fn signals(&self, at: usize) -> Vec<(usize, f32)> {
        let Some(&before) = self.before.get(at) else { return Vec::new() };
        self.measured.points(before, self.table.sum(before), self.best)
    }
}

/// A number for each part of each hit.
#[derive(Default)]
struct Table {
    columns: Vec<Signal>,
    values: Vec<f32>,
}

impl Table {
    fn row(&self, hit: usize) -> &[f32] {
        &self.values[hit * self.columns.len()..][..self.columns.len()]
    }

    fn sum(&self, hit: usize) -> f32 {
        self.row(hit).iter().sum()
    }
}

/// Scores `kept` by `parts` and `measured` and orders it anew. The first `wanted` are as if all were scored whole;
/// the scores of those behind are bounds.
///
/// Cost: a look-up a token and segment, and a seek a token and hit that is still in question.
pub fn rescore(
    searcher: &Searcher,
    schema: &IndexSchema,
    parts: &[Part],
    measured: Measured,
    kept: &mut [Kept],
    wanted: usize,
    bm25: &Bm25,
) -> tantivy::Result<Rescored> {
    let mut columns: Vec<Signal> = parts.iter().map(|part| part.signal).collect();
    // What the hits were found by.
    let base = columns.iter().position(|&signal| signal == Signal::Grams).unwrap_or_else(|| {
        columns.insert(0, Signal::Grams);
        0
    });
    let width = columns.len();
    let segments = searcher.segment_readers();
    let (mut fields, tokens) = tokens(segments, schema, parts, width - parts.len(), bm25)?;
    let mut table = Table { columns, values: vec![0.0; kept.len() * width] };
    for (at, hit) in kept.iter().enumerate() {
        table.values[at * width + base] = hit.score - measured.base(at);
    }

    let mut left: f32 = tokens.iter().map(|token| token.weight).sum();
    let mut alive: Vec<usize> = (0..kept.len()).collect();
    alive.sort_unstable_by_key(|&at| (kept[at].address.segment_ord, kept[at].address.doc_id));
    for (at, token) in tokens.iter().enumerate() {
        if at % STEP == 0 && alive.len() > wanted {
            let_go(&mut alive, &table, &measured, left, wanted);
        }
        left = (left - token.weight).max(0.0);
        let field = &mut fields[token.field];
        let segment_of = |&hit: &usize| kept[hit].address.segment_ord;
        for run in alive.chunk_by(|a, b| segment_of(a) == segment_of(b)) {
            let segment = segment_of(&run[0]) as usize;
            let Some(info) = &token.infos[segment] else { continue };
            let (index, lengths) = &field.segments[segment];
            let postings = match &mut field.postings {
                Some(postings) => {
                    index.reset_block_postings_from_terminfo(info, postings)?;
                    postings
                }
                empty => empty.insert(
                    index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?,
                ),
            };
            for &hit in run {
                let doc = kept[hit].address.doc_id;
                let place = postings.seek(doc);
                if postings.doc(place) == doc {
                    let times = postings.freq(place) as f32;
                    let norm = field.norms[usize::from(lengths.fieldnorm_id(doc))];
                    table.values[hit * width + token.column] +=
                        token.weight * times / (times + norm);
                }
            }
        }
    }
    Ok(reorder(kept, &alive, table, measured))
}

/// A token of the query.
struct Token {
    /// Its part.
    column: usize,
    field: usize,
    /// More than it can add to any hit.
    weight: f32,
    /// Of each segment.
    infos: Vec<Option<TermInfo>>,
}

/// Looks the tokens up; the weightiest come first. The first part has the number `first_column`.
fn tokens(
    segments: &[SegmentReader],
    schema: &IndexSchema,
    parts: &[Part],
    first_column: usize,
    bm25: &Bm25,
) -> tantivy::Result<(Vec<FieldReaders>, Vec<Token>)> {
    let num_docs: u64 = segments.iter().map(|reader| u64::from(reader.max_doc())).sum();
    let mut fields: Vec<FieldReaders> = Vec::new();
    let mut tokens = Vec::new();
    for (column, part) in (first_column..).zip(parts) {
        for weighted in &part.terms {
            let known = fields.iter().position(|field| field.name == weighted.field);
            let field = match known {
                Some(known) => known,
                None => {
                    let field = schema.token_field(weighted.field);
                    fields.push(FieldReaders::open(weighted.field, segments, field, bm25)?);
                    fields.len() - 1
                }
            };
            let term = Term::from_field_text(fields[field].field, &weighted.token);
            let infos: Vec<Option<TermInfo>> = fields[field]
                .segments
                .iter()
                .map(|(index, _)| index.get_term_info(&term))
                .collect::<std::io::Result<_>>()?;
            let doc_freq: u64 = infos.iter().flatten().map(|info| u64::from(info.doc_freq)).sum();
            if doc_freq > 0 {
                let weight = weighted.weight * bm25.weight(doc_freq, num_docs);
                tokens.push(Token { column, field, weight, infos });
            }
        }
    }
    tokens.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Ok((fields, tokens))
}

/// Drops the hits that cannot be among the first `wanted` any more, were they to get all that is `left`.
fn let_go(alive: &mut Vec<usize>, table: &Table, measured: &Measured, left: f32, wanted: usize) {
    if wanted == 0 {
        return;
    }
    let best = alive.iter().map(|&hit| table.sum(hit)).fold(0.0, f32::max);
    let score = |hit: usize, more: f32| {
        let own = table.sum(hit) + more;
        own + measured.sum(hit, own, best + more)
    };
    let mut sure: Vec<f32> = alive.iter().map(|&hit| score(hit, 0.0)).collect();
    let (_, &mut needed, _) = sure.select_nth_unstable_by(wanted - 1, |a, b| b.total_cmp(a));
    let slack = SLACK * needed.abs().max(1.0);
    // Signals are shares of the best score by text, so whoever may have it stays too.
    alive
        .retain(|&hit| score(hit, left) + slack >= needed || table.sum(hit) + left + slack >= best);
}

/// Orders the hits that are whole by score, then the others.
fn reorder(kept: &mut [Kept], alive: &[usize], table: Table, measured: Measured) -> Rescored {
    let best = alive.iter().map(|&hit| table.sum(hit)).fold(0.0, f32::max);
    let mut is_whole = vec![false; kept.len()];
    for &hit in alive {
        let own = table.sum(hit);
        kept[hit].score = own + measured.sum(hit, own, best);
        is_whole[hit] = true;
    }
    let lowest = alive.iter().map(|&hit| kept[hit].score).fold(f32::MAX, f32::min);
    let mut before: Vec<usize> = (0..kept.len()).collect();
    for &hit in before.iter().filter(|&&hit| !is_whole[hit]) {
        kept[hit].score = kept[hit].score.min(lowest);
    }
    before.sort_by(|&a, &b| {
        is_whole[b]
            .cmp(&is_whole[a])
            .then(kept[b].score.total_cmp(&kept[a].score))
            .then(kept[a].revision.cmp(&kept[b].revision))
    });
    let ordered: Vec<Kept> = before.iter().map(|&hit| kept[hit].clone()).collect();
    kept.clone_from_slice(&ordered);
    Rescored { table, measured, best, before }
}

/// What a field's terms are looked up in, a segment each.
struct FieldReaders {
    name: TokenField,
    field: Field,
    segments: Vec<(Arc<InvertedIndexReader>, FieldNormReader)>,
    /// What a text's length adds to the occurrences that it takes, by the code of its length.
    norms: Vec<f32>,
    /// Used for one list after another: making one costs as much as some seeks.
    postings: Option<BlockSegmentPostings>,
}

impl FieldReaders {
    fn open(
        name: TokenField,
        segments: &[SegmentReader],
        field: Field,
        bm25: &Bm25,
    ) -> tantivy::Result<Self> {
        let segments: Vec<_> = segments
            .iter()
            .map(|reader| Ok((reader.inverted_index(field)?, reader.get_fieldnorms_reader(field)?)))
            .collect::<tantivy::Result<_>>()?;
        let num_tokens: u64 = segments.iter().map(|(index, _)| index.total_num_tokens()).sum();
        let num_docs: u64 = segments.iter().map(|(_, norms)| u64::from(norms.num_docs())).sum();
        let average = num_tokens as f32 / num_docs.max(1) as f32;
        let norms = (0..=u8::MAX)
            .map(|code| bm25.norm(FieldNormReader::id_to_fieldnorm(code) as f32, average))
            .collect();
        Ok(Self { name, field, segments, norms, postings: None })
    }
}
