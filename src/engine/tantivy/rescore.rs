//! Adds the parts of a score to hits that are already found.
//!
//! Scoring every match by every token is the dearest way to order a list of which a person sees the first page. So
//! the query finds and orders by a few tokens, and the best of its hits are then scored by all.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term};

use super::collect::Kept;
use super::schema::IndexSchema;
use crate::query::{Part, Signal, TokenField};
use crate::record::kind::Bm25;

/// Returns what each part adds to each of `kept`, in their order.
///
/// Cost: a look-up a term and segment, and a seek a term and hit.
pub fn parts(
    searcher: &Searcher,
    schema: &IndexSchema,
    parts: &[Part],
    kept: &[Kept],
    bm25: &Bm25,
) -> tantivy::Result<Vec<Vec<(Signal, f32)>>> {
    let blank: Vec<(Signal, f32)> = parts.iter().map(|part| (part.signal, 0.0)).collect();
    let mut scores = vec![blank; kept.len()];
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_unstable_by_key(|&at| (kept[at].address.segment_ord, kept[at].address.doc_id));
    let runs: Vec<&[usize]> = order
        .chunk_by(|&a, &b| kept[a].address.segment_ord == kept[b].address.segment_ord)
        .collect();
    let segments = searcher.segment_readers();
    let num_docs: u64 = segments.iter().map(|reader| u64::from(reader.max_doc())).sum();
    let mut opened: Vec<(TokenField, FieldReaders)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        for weighted in &part.terms {
            let known = opened.iter().position(|(field, _)| *field == weighted.field);
            let known = match known {
                Some(known) => known,
                None => {
                    let field = schema.token_field(weighted.field);
                    opened.push((weighted.field, FieldReaders::open(segments, field, bm25)?));
                    opened.len() - 1
                }
            };
            let readers = &opened[known].1;
            let term = Term::from_field_text(readers.field, &weighted.token);
            let mut doc_freq = 0;
            let mut infos = Vec::with_capacity(segments.len());
            for (index, _) in &readers.segments {
                let info = index.get_term_info(&term)?;
                doc_freq += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
                infos.push(info);
            }
            if doc_freq == 0 {
                continue;
            }
            let weight = weighted.weight * bm25.weight(doc_freq, num_docs);
            for run in &runs {
                let segment = kept[run[0]].address.segment_ord as usize;
                let Some(info) = &infos[segment] else { continue };
                let (index, norms) = &readers.segments[segment];
                let mut postings =
                    index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
                for &hit in *run {
                    let doc = kept[hit].address.doc_id;
                    let mut found = postings.doc();
                    if found < doc {
                        found = postings.seek(doc);
                    }
                    if found == TERMINATED {
                        break;
                    }
                    if found == doc {
                        let times = postings.term_freq() as f32;
                        let norm = readers.norms[usize::from(norms.fieldnorm_id(doc))];
                        scores[hit][at].1 += weight * times / (times + norm);
                    }
                }
            }
        }
    }
    Ok(scores)
}

/// What a field's terms are looked up in, a segment each.
struct FieldReaders {
    field: Field,
    segments: Vec<(Arc<InvertedIndexReader>, FieldNormReader)>,
    /// What a text's length adds to the occurrences that it takes, by the code of its length.
    norms: Vec<f32>,
}

impl FieldReaders {
    fn open(segments: &[SegmentReader], field: Field, bm25: &Bm25) -> tantivy::Result<Self> {
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
        Ok(Self { field, segments, norms })
    }
}
