//! Adds the parts of a score to hits that are already found.
//!
//! Scoring every match by every token is the dearest way to order a list of which a person sees the first page. So
//! the query finds and orders by a few tokens, and the best of its hits are then scored by all.

use tantivy::postings::Postings;
use tantivy::query::Bm25Weight;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, TERMINATED, Term};

use super::collect::Kept;
use super::schema::IndexSchema;
use crate::query::{Part, Signal};

/// Returns what each part adds to each of `kept`, in their order.
///
/// Cost: a look-up a term and segment, and a seek a term and hit.
pub fn parts(
    searcher: &Searcher,
    schema: &IndexSchema,
    parts: &[Part],
    kept: &[Kept],
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
    for (at, part) in parts.iter().enumerate() {
        for weighted in &part.terms {
            let field = schema.token_field(weighted.field);
            let term = Term::from_field_text(field, &weighted.token);
            let mut doc_freq = 0;
            let mut num_tokens = 0;
            let mut infos = Vec::with_capacity(segments.len());
            for reader in segments {
                let index = reader.inverted_index(field)?;
                num_tokens += index.total_num_tokens();
                let info = index.get_term_info(&term)?;
                doc_freq += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
                infos.push((index, info));
            }
            if doc_freq == 0 {
                continue;
            }
            let bm25 = Bm25Weight::for_one_term_without_explain(
                doc_freq,
                num_docs,
                num_tokens as f32 / num_docs as f32,
            )
            .boost_by(weighted.weight);
            for run in &runs {
                let segment = kept[run[0]].address.segment_ord;
                let (index, Some(info)) = &infos[segment as usize] else { continue };
                let norms = segments[segment as usize].get_fieldnorms_reader(field)?;
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
                        scores[hit][at].1 +=
                            bm25.score(norms.fieldnorm_id(doc), postings.term_freq());
                    }
                }
            }
        }
    }
    Ok(scores)
}
