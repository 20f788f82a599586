//! Finds what is like a weighted bag of terms.
//!
//! A record as a query has a hundred terms and more, most of them in few records. So the lists of all terms are read
//! one after the other into one score a record, which costs about the sum of their lengths; nothing is pruned, and
//! every score is exact.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, TermInfo};
use tantivy::query::{Bm25Weight, EnableScoring, Query as _, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocAddress, DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term,
};

use super::lower;
use super::schema::{self, IndexSchema};
use crate::engine::{EngineError, Liked, LikedRecord, LikedTerm, Shares};
use crate::query::TokenField;
use crate::query::like::Like;
use crate::record::{RecordId, Revision};

/// A term that was kept, ready to score with.
struct Chosen<'a> {
    field: TokenField,
    token: &'a str,
    idf: f32,
    weight: f32,
    /// One a field that the term is looked for in.
    places: Vec<Place>,
}

struct Place {
    /// Position in [`Readers`].
    field: usize,
    bm25: Bm25Weight,
    /// By segment.
    infos: Vec<Option<TermInfo>>,
}

/// What the terms of the fields are looked up in.
struct Readers {
    fields: Vec<(TokenField, FieldReaders)>,
}

struct FieldReaders {
    segments: Vec<(Arc<InvertedIndexReader>, FieldNormReader)>,
    num_tokens: u64,
}

impl Readers {
    fn open(searcher: &Searcher, schema: &IndexSchema, like: &Like) -> tantivy::Result<Self> {
        let mut fields: Vec<(TokenField, FieldReaders)> = Vec::new();
        for (wanted, _) in like.groups.iter().flat_map(|group| &group.fields) {
            if fields.iter().any(|(field, _)| field == wanted) {
                continue;
            }
            let field = schema.token_field(*wanted);
            let segments: Vec<_> = searcher
                .segment_readers()
                .iter()
                .map(|reader| {
                    Ok((reader.inverted_index(field)?, reader.get_fieldnorms_reader(field)?))
                })
                .collect::<tantivy::Result<_>>()?;
            let num_tokens = segments.iter().map(|(index, _)| index.total_num_tokens()).sum();
            fields.push((*wanted, FieldReaders { segments, num_tokens }));
        }
        Ok(Self { fields })
    }

    fn position(&self, wanted: TokenField) -> usize {
        let at = self.fields.iter().position(|(field, _)| *field == wanted);
        at.expect("every field of the query is opened")
    }
}

/// Looks every term up, and keeps the best of each group.
fn choose<'a>(
    searcher: &Searcher,
    schema: &IndexSchema,
    readers: &Readers,
    like: &'a Like,
) -> tantivy::Result<Vec<Chosen<'a>>> {
    let num_docs: u64 =
        searcher.segment_readers().iter().map(|reader| u64::from(reader.max_doc())).sum();
    let look_up = |at: usize, token: &str| -> tantivy::Result<(u64, Vec<Option<TermInfo>>)> {
        let (field, readers) = &readers.fields[at];
        let term = Term::from_field_text(schema.token_field(*field), token);
        let infos = readers
            .segments
            .iter()
            .map(|(index, _)| index.get_term_info(&term))
            .collect::<Result<Vec<_>, _>>()?;
        let doc_freq = infos.iter().flatten().map(|info| u64::from(info.doc_freq)).sum();
        Ok((doc_freq, infos))
    };
    let mut chosen = Vec::new();
    for group in &like.groups {
        let Some(&(main, _)) = group.fields.first() else { continue };
        let main_at = readers.position(main);
        let mut found = Vec::with_capacity(group.terms.len());
        for (token, weight) in &group.terms {
            let (doc_freq, infos) = look_up(main_at, token)?;
            if doc_freq > 0 {
                found.push((token, *weight, idf(doc_freq, num_docs), doc_freq, infos));
            }
        }
        // The terms are ordered by weight and token, and the sort is stable: the choice does not depend on chance.
        found.sort_by(|a, b| (b.1 * b.2).total_cmp(&(a.1 * a.2)));
        found.truncate(group.keep);
        for (token, weight, idf, doc_freq, infos) in found {
            let mut places = Vec::with_capacity(group.fields.len());
            let mut known = Some((doc_freq, infos));
            for &(field, boost) in &group.fields {
                let at = readers.position(field);
                let (doc_freq, infos) = match known.take() {
                    Some(known) => known,
                    None => look_up(at, token)?,
                };
                if doc_freq == 0 || boost == 0.0 {
                    continue;
                }
                let average = readers.fields[at].1.num_tokens as f32 / num_docs as f32;
                let bm25 = Bm25Weight::for_one_term_without_explain(doc_freq, num_docs, average)
                    .boost_by(weight * boost);
                places.push(Place { field: at, bm25, infos });
            }
            chosen.push(Chosen { field: main, token, idf, weight, places });
        }
    }
    Ok(chosen)
}

/// Inverse document frequency as BM25 has it.
fn idf(doc_freq: u64, num_docs: u64) -> f32 {
    let (doc_freq, num_docs) = (doc_freq as f32, num_docs as f32);
    (1.0 + (num_docs - doc_freq + 0.5).max(0.0) / (doc_freq + 0.5)).ln()
}

/// Length of the query as a vector of weight times inverse document frequency.
fn norm(chosen: &[Chosen<'_>]) -> f32 {
    chosen.iter().map(|term| (term.weight * term.idf).powi(2)).sum::<f32>().sqrt()
}

/// What tells whether a record may be found; `None` when every record may.
fn filter_of(
    searcher: &Searcher,
    schema: &IndexSchema,
    like: &Like,
) -> Result<Option<Box<dyn Weight>>, EngineError> {
    let Some(filter) = &like.filter else { return Ok(None) };
    let filter = lower::filter(filter, schema)?;
    Ok(Some(filter.weight(EnableScoring::disabled_from_searcher(searcher))?))
}

/// Finds the `limit` best records, the best first; ties in the order of their revisions.
pub fn find(
    searcher: &Searcher,
    schema: &IndexSchema,
    like: &Like,
    limit: usize,
) -> Result<Liked, EngineError> {
    let readers = Readers::open(searcher, schema, like)?;
    let chosen = choose(searcher, schema, &readers, like)?;
    let filter = filter_of(searcher, schema, like)?;
    let mut best: Vec<(f32, u64, DocAddress)> = Vec::new();
    for (ord, reader) in searcher.segment_readers().iter().enumerate() {
        let scores = scores(reader, ord, &readers, &chosen)?;
        let mut keep = Best { reader, limit, threshold: 0.0, kept: Vec::new() };
        match &filter {
            None => {
                for (doc, &score) in (0..).zip(&scores) {
                    keep.push(doc, score);
                }
            }
            Some(filter) => {
                let mut passing = filter.scorer(reader, 1.0)?;
                let mut doc = passing.doc();
                while doc != TERMINATED {
                    keep.push(doc, scores[doc as usize]);
                    doc = passing.advance();
                }
            }
        }
        let revisions = reader.fast_fields().u64(schema::REVISION)?;
        best.extend(keep.kept.into_iter().map(|(score, doc)| {
            let revision = revisions.first(doc).unwrap_or_default();
            (score, revision, DocAddress::new(ord as u32, doc))
        }));
    }
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.truncate(limit);
    let mut records = Vec::with_capacity(best.len());
    for (score, revision, address) in best {
        let reader = searcher.segment_reader(address.segment_ord);
        let id = key(reader, address.doc_id)?;
        records.push(LikedRecord { id, revision: Revision(revision), score });
    }
    Ok(Liked { records, terms: describe(&chosen), norm: norm(&chosen) })
}

/// Computes what each kept term adds to the scores of given records, in the order of [`Liked::terms`].
///
/// The answer holds the records that are in the index and pass the filter. Their sums are the scores that [`find`] gives, bit by bit.
pub fn shares(
    searcher: &Searcher,
    schema: &IndexSchema,
    like: &Like,
    ids: &[RecordId],
) -> Result<(Liked, Vec<Shares>), EngineError> {
    let readers = Readers::open(searcher, schema, like)?;
    let chosen = choose(searcher, schema, &readers, like)?;
    let filter = filter_of(searcher, schema, like)?;
    let mut shares = Vec::with_capacity(ids.len());
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(address) = address(searcher, schema, id)? else { continue };
        let segment = address.segment_ord as usize;
        if let Some(filter) = &filter {
            let mut passing = filter.scorer(searcher.segment_reader(address.segment_ord), 1.0)?;
            let passes = passing.doc() == address.doc_id
                || passing.doc() < address.doc_id && passing.seek(address.doc_id) == address.doc_id;
            if !passes {
                continue;
            }
        }
        let mut terms = Vec::with_capacity(chosen.len());
        let mut score = 0.0;
        for term in &chosen {
            let mut sum = 0.0;
            for place in &term.places {
                let Some(info) = &place.infos[segment] else { continue };
                let (index, norms) = &readers.fields[place.field].1.segments[segment];
                let mut postings = index
                    .read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)
                    .map_err(tantivy::TantivyError::from)?;
                let found = postings.doc() == address.doc_id
                    || postings.doc() < address.doc_id
                        && postings.seek(address.doc_id) == address.doc_id;
                if found {
                    let norm = norms.fieldnorm_id(address.doc_id);
                    let part = place.bm25.score(norm, postings.term_freq());
                    sum += part;
                    score += part;
                }
            }
            terms.push(sum);
        }
        let reader = searcher.segment_reader(address.segment_ord);
        let revision = reader.fast_fields().u64(schema::REVISION)?.first(address.doc_id);
        let revision = Revision(revision.unwrap_or_default());
        records.push(LikedRecord { id: id.clone(), revision, score });
        shares.push(terms);
    }
    Ok((Liked { records, terms: describe(&chosen), norm: norm(&chosen) }, shares))
}

fn describe(chosen: &[Chosen<'_>]) -> Vec<LikedTerm> {
    chosen
        .iter()
        .map(|term| LikedTerm {
            field: term.field,
            token: term.token.to_owned(),
            weight: term.weight,
            idf: term.idf,
        })
        .collect()
}

/// Sums up the scores of all records of a segment.
fn scores(
    reader: &SegmentReader,
    segment: usize,
    readers: &Readers,
    chosen: &[Chosen<'_>],
) -> tantivy::Result<Vec<f32>> {
    let mut scores = vec![0.0; reader.max_doc() as usize];
    for place in chosen.iter().flat_map(|term| &term.places) {
        let Some(info) = &place.infos[segment] else { continue };
        let (index, norms) = &readers.fields[place.field].1.segments[segment];
        let mut block =
            index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        while !block.docs().is_empty() {
            for (&doc, &freq) in block.docs().iter().zip(block.freqs()) {
                scores[doc as usize] += place.bm25.score(norms.fieldnorm_id(doc), freq);
            }
            block.advance();
        }
    }
    Ok(scores)
}

/// The best records of a segment.
struct Best<'a> {
    reader: &'a SegmentReader,
    limit: usize,
    /// Only what is above can be among the best.
    threshold: f32,
    kept: Vec<(f32, DocId)>,
}

impl Best<'_> {
    #[inline]
    fn push(&mut self, doc: DocId, score: f32) {
        if score <= 0.0 || score < self.threshold || self.reader.is_deleted(doc) {
            return;
        }
        self.kept.push((score, doc));
        if self.kept.len() >= 4 * self.limit.max(64) {
            let keep = 2 * self.limit.max(64);
            self.kept.select_nth_unstable_by(keep - 1, |a, b| b.0.total_cmp(&a.0));
            self.kept.truncate(keep);
            self.threshold = self.kept[keep - 1].0;
        }
    }
}

fn key(reader: &SegmentReader, doc: DocId) -> Result<RecordId, EngineError> {
    let mut key = String::new();
    if let Some(column) = reader.fast_fields().str(schema::KEY)?
        && let Some(ord) = column.ords().first(doc)
    {
        column.ord_to_str(ord, &mut key).map_err(tantivy::TantivyError::from)?;
    }
    RecordId::parse(&key)
        .ok_or_else(|| EngineError::Unavailable("a record of the index has no key".into()))
}

/// Finds the place of a record; `None` when it is not in the index.
fn address(
    searcher: &Searcher,
    schema: &IndexSchema,
    id: &RecordId,
) -> tantivy::Result<Option<DocAddress>> {
    let term = Term::from_field_text(schema.key, &id.to_string());
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
    for (ord, reader) in searcher.segment_readers().iter().enumerate() {
        let mut scorer = weight.scorer(reader, 1.0)?;
        let mut doc = scorer.doc();
        while doc != TERMINATED {
            if !reader.is_deleted(doc) {
                return Ok(Some(DocAddress::new(ord as u32, doc)));
            }
            doc = scorer.advance();
        }
    }
    Ok(None)
}
