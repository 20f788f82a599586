//! Finds what is like a weighted bag of terms.
//!
//! A record as a query has a hundred terms and more, most of them in few records. So the lists of all terms are read
//! one after the other into one score a record, which costs about the sum of their lengths; nothing is pruned, and
//! every score is exact. The records are divided among the cores.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::{EnableScoring, Query as _, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocAddress, DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term,
};

use super::lists::{List, Lists, SegmentLists};
use super::schema::{self, IndexSchema};
use super::{Visible, lower};
use crate::engine::{EngineError, LikeTerms, Liked, LikedRecord, LikedTerm, Shares};
use crate::query::TokenField;
use crate::query::like::{Like, TermGroup, presence, rarity};
use crate::record::{RecordId, Revision};

/// Presence in a field, by the code of its length; counts are multiplied in.
static BY_LENGTH: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| presence(1, FieldNormReader::id_to_fieldnorm(code as u8)))
});
/// Square roots of small counts.
static ROOTS: LazyLock<[f32; 256]> = LazyLock::new(|| std::array::from_fn(|n| (n as f32).sqrt()));

/// Records below which more threads take longer than one.
const FEW: usize = 10_000;
/// Terms that a thread takes the shares of.
const TERMS: usize = 40;

/// A term that is looked for, and what it is worth.
struct Weighed<'a> {
    token: &'a str,
    /// On the side that looks.
    weight: f32,
    /// On the side that is found.
    idf: f32,
    /// Whether a record to be found holds it.
    is_held: bool,
    /// By segment, of the group's first field.
    lists: Vec<Arc<List>>,
}

impl Weighed<'_> {
    fn worth(&self) -> f32 {
        self.weight * self.idf
    }
}

/// Keeps the best of a group's terms.
fn best(mut weighed: Vec<Weighed<'_>>, keep: usize) -> Vec<Weighed<'_>> {
    weighed.retain(|term| term.is_held);
    // The terms are ordered by weight and token, and the sort is stable: the choice does not depend on chance.
    weighed.sort_by(|a, b| b.worth().total_cmp(&a.worth()));
    weighed.truncate(keep);
    weighed
}

/// Which records are counted.
struct Among {
    /// Number of the kind, by segment; all records without it.
    kind: Option<Vec<usize>>,
}

impl Among {
    /// Number of these records in a term's lists.
    fn num_in(&self, lists: &[Arc<List>]) -> u64 {
        match &self.kind {
            None => lists.iter().map(|list| list.num_records()).sum(),
            Some(kind) => lists.iter().zip(kind).map(|(list, kind)| list.num_of(*kind)).sum(),
        }
    }
}

/// A term that was kept, ready to score with.
struct Chosen<'a> {
    field: TokenField,
    token: &'a str,
    weight: f32,
    idf: f32,
    /// One a field that the term is looked for in.
    places: Vec<Place>,
}

struct Place {
    /// Position in [`View::fields`].
    field: usize,
    /// Of a record in which the term's presence is 1.
    score: f32,
    /// By segment.
    lists: Vec<Arc<List>>,
}

impl Place {
    #[inline]
    fn score(&self, length: u8, count: u32) -> f32 {
        let root = match ROOTS.get(count as usize) {
            Some(root) => *root,
            None => (count as f32).sqrt(),
        };
        self.score * BY_LENGTH[usize::from(length)] * root
    }
}

/// The fields of a view in which terms are looked for.
pub struct View<'a> {
    visible: &'a Visible,
    schema: &'a IndexSchema,
    segments: Vec<Arc<SegmentLists>>,
}

/// One field in every segment.
struct FieldReaders {
    field: TokenField,
    segments: Vec<(Arc<InvertedIndexReader>, FieldNormReader)>,
}

type Fields = Vec<FieldReaders>;

fn position(fields: &Fields, wanted: TokenField) -> usize {
    let at = fields.iter().position(|readers| readers.field == wanted);
    at.expect("every field of the query is opened")
}

impl<'a> View<'a> {
    pub fn new(
        visible: &'a Visible,
        schema: &'a IndexSchema,
        lists: &Lists,
    ) -> Result<Self, EngineError> {
        Ok(Self { visible, schema, segments: lists.of(&visible.searcher)? })
    }

    fn searcher(&self) -> &'a Searcher {
        &self.visible.searcher
    }

    fn open(&self, like: &Like) -> tantivy::Result<Fields> {
        let mut fields: Fields = Vec::new();
        for &(field, _) in like.groups.iter().flat_map(|group| &group.fields) {
            if fields.iter().any(|readers| readers.field == field) {
                continue;
            }
            let name = self.schema.token_field(field);
            let readers = self.searcher().segment_readers().iter();
            let segments = readers.map(|reader| {
                Ok((reader.inverted_index(name)?, reader.get_fieldnorms_reader(name)?))
            });
            fields
                .push(FieldReaders { field, segments: segments.collect::<tantivy::Result<_>>()? });
        }
        Ok(fields)
    }

    fn look_up(
        &self,
        readers: &FieldReaders,
        token: &str,
        counted: bool,
    ) -> tantivy::Result<Vec<Arc<List>>> {
        let term = Term::from_field_text(self.schema.token_field(readers.field), token);
        let segments = self.segments.iter().zip(&readers.segments);
        segments
            .map(|(lists, (index, _))| lists.list(readers.field, &term, token, index, counted))
            .collect()
    }

    /// The records of a kind, or all without one.
    fn among(&self, kind: Option<&str>) -> Among {
        let number = |kind| self.segments.iter().map(|segment| segment.kind(kind)).collect();
        Among { kind: kind.map(number) }
    }

    /// Number of these records.
    fn num(&self, among: &Among) -> u64 {
        match &among.kind {
            None => self.segments.iter().map(|segment| segment.num_records()).sum(),
            Some(kind) => {
                self.segments.iter().zip(kind).map(|(segment, kind)| segment.num_of(*kind)).sum()
            }
        }
    }

    /// Weighs the terms of a group, in their order, whether or not a record to be found holds them.
    fn weigh<'t>(
        &self,
        fields: &Fields,
        like: &Like,
        group: &'t TermGroup,
    ) -> tantivy::Result<Vec<Weighed<'t>>> {
        let Some(&(main, _)) = group.fields.first() else { return Ok(Vec::new()) };
        let readers = &fields[position(fields, main)];
        let kinds = like.kinds.as_ref();
        let to = self.among(kinds.map(|kinds| &*kinds.to));
        let among = self.num(&to).max(1);
        let own = kinds.filter(|kinds| kinds.own > 0.0).map(|kinds| {
            let from = self.among(Some(&kinds.from));
            let among = self.num(&from);
            (from, kinds.own, among, rarity(1, among))
        });
        let own = own.filter(|(_, _, among, _)| *among > 0);
        let mut weighed = Vec::with_capacity(group.terms.len());
        for (token, weight) in &group.terms {
            let lists = self.look_up(readers, token, kinds.is_some())?;
            let with = to.num_in(&lists);
            let mut weight = *weight;
            if let Some((from, own, among, most)) = &own {
                weight *= (rarity(from.num_in(&lists).max(1), *among) / most).powf(*own);
            }
            let idf = rarity(with.max(1), among);
            weighed.push(Weighed { token, weight, idf, is_held: with > 0, lists });
        }
        Ok(weighed)
    }

    /// Looks every term up, and keeps the best of each group.
    fn choose<'t>(&self, fields: &Fields, like: &'t Like) -> tantivy::Result<Vec<Chosen<'t>>> {
        let mut chosen = Vec::new();
        for group in &like.groups {
            for Weighed { token, weight, idf, lists, .. } in
                best(self.weigh(fields, like, group)?, group.keep)
            {
                let mut places = Vec::with_capacity(group.fields.len());
                let mut known = Some(lists);
                for &(field, boost) in &group.fields {
                    let at = position(fields, field);
                    let lists = match known.take() {
                        Some(known) => known,
                        None => self.look_up(&fields[at], token, false)?,
                    };
                    places.push(Place { field: at, score: weight * idf * boost, lists });
                }
                chosen.push(Chosen { field: group.fields[0].0, token, weight, idf, places });
            }
        }
        Ok(chosen)
    }

    /// What tells whether a record may be found; `None` when every record may.
    fn filter(&self, like: &Like) -> Result<Option<Box<dyn Weight>>, EngineError> {
        let Some(filter) = &like.filter else { return Ok(None) };
        let filter = lower::filter(filter, self.schema)?;
        Ok(Some(filter.weight(EnableScoring::disabled_from_searcher(self.searcher()))?))
    }

    fn liked(records: Vec<LikedRecord>, chosen: &[Chosen<'_>]) -> Liked {
        let describe = |term: &Chosen<'_>| LikedTerm {
            field: term.field,
            token: term.token.to_owned(),
            weight: term.weight,
            idf: term.idf,
        };
        let worths = chosen.iter().map(|term| term.weight * term.idf);
        Liked { records, terms: chosen.iter().map(describe).collect(), norm: norm(worths) }
    }

    /// Finds the `limit` best records, the best first; ties in the order of their revisions.
    pub fn find(&self, like: &Like, limit: usize) -> Result<Liked, EngineError> {
        let all = self.num(&self.among(None)) as usize;
        self.find_in(like, limit, (all / FEW).clamp(1, rayon::current_num_threads()))
    }

    /// Finds them in so many parts of the records at the same time.
    fn find_in(&self, like: &Like, limit: usize, parts: usize) -> Result<Liked, EngineError> {
        let fields = self.open(like)?;
        let chosen = self.choose(&fields, like)?;
        let filter = self.filter(like)?;
        let found = self
            .stretches(parts)
            .into_par_iter()
            .map(|stretch| self.best(&stretch, &fields, &chosen, filter.as_deref(), limit));
        let mut best = found.collect::<tantivy::Result<Vec<_>>>()?.concat();
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(limit);
        let keys = self.visible.columns.keys(self.searcher())?;
        let record = |(score, revision, address): (f32, u64, DocAddress)| {
            let key = keys[address.segment_ord as usize].get(address.doc_id);
            let id = RecordId::parse(key).ok_or_else(|| {
                EngineError::Unavailable("a record of the index has no key".into())
            })?;
            Ok(LikedRecord { id, revision: Revision(revision), score })
        };
        let records = best.into_iter().map(record).collect::<Result<_, EngineError>>()?;
        Ok(Self::liked(records, &chosen))
    }

    /// Divides the records into stretches of segments, none longer than one of so many equal parts.
    fn stretches(&self, parts: usize) -> Vec<(usize, Range<DocId>)> {
        let segments = self.searcher().segment_readers();
        let all: usize = segments.iter().map(|reader| reader.max_doc() as usize).sum();
        let share = all.div_ceil(parts).max(1);
        let of = |(ord, reader): (usize, &SegmentReader)| {
            let end = reader.max_doc();
            let starts = (0..end).step_by(share);
            starts.map(move |start| (ord, start..end.min(start + share as DocId)))
        };
        segments.iter().enumerate().flat_map(of).collect()
    }

    /// Finds the best records of a stretch, in any order, with scores and revisions.
    fn best(
        &self,
        (ord, stretch): &(usize, Range<DocId>),
        fields: &Fields,
        chosen: &[Chosen<'_>],
        filter: Option<&dyn Weight>,
        limit: usize,
    ) -> tantivy::Result<Vec<(f32, u64, DocAddress)>> {
        let reader = self.searcher().segment_reader(*ord as u32);
        let scores = scores(*ord, stretch, fields, chosen)?;
        let mut keep = Best { reader, limit, threshold: 0.0, kept: Vec::new() };
        match filter {
            None => {
                for (doc, &score) in stretch.clone().zip(&scores) {
                    keep.push(doc, score);
                }
            }
            Some(filter) => {
                let mut passing = filter.scorer(reader, 1.0)?;
                let mut doc = passing.doc();
                if doc < stretch.start {
                    doc = passing.seek(stretch.start);
                }
                while doc < stretch.end {
                    keep.push(doc, scores[(doc - stretch.start) as usize]);
                    doc = passing.advance();
                }
            }
        }
        let revisions = reader.fast_fields().u64(schema::REVISION)?;
        let found = keep.kept.into_iter().map(|(score, doc)| {
            let revision = revisions.first(doc).unwrap_or_default();
            (score, revision, DocAddress::new(*ord as u32, doc))
        });
        Ok(found.collect())
    }

    /// Computes what each kept term adds to the scores of given records, in the order of [`Liked::terms`].
    ///
    /// The answer holds the records that are in the index and pass the filter. Their sums are the scores that
    /// [`find`](Self::find) gives, bit by bit.
    pub fn shares(
        &self,
        like: &Like,
        ids: &[RecordId],
    ) -> Result<(Liked, Vec<Shares>), EngineError> {
        let fields = self.open(like)?;
        let chosen = self.choose(&fields, like)?;
        let filter = self.filter(like)?;
        let mut records = Vec::with_capacity(ids.len());
        // In the order of their places, so that a list is read once for all of them.
        let mut places: Vec<(DocAddress, usize)> = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(address) = address(self.searcher(), self.schema, id)? else { continue };
            let reader = self.searcher().segment_reader(address.segment_ord);
            if let Some(filter) = &filter
                && !holds(&mut *filter.scorer(reader, 1.0)?, address.doc_id)
            {
                continue;
            }
            let revision = reader.fast_fields().u64(schema::REVISION)?.first(address.doc_id);
            let revision = Revision(revision.unwrap_or_default());
            places.push((address, records.len()));
            records.push(LikedRecord { id: id.clone(), revision, score: 0.0 });
        }
        places.sort_unstable();
        let mut shares = vec![vec![0.0; chosen.len()]; records.len()];
        let terms = chosen.par_iter().with_min_len(TERMS);
        let taken = terms.map(|term| parts(term, &fields, &places));
        for (at, parts) in taken.collect::<tantivy::Result<Vec<_>>>()?.into_iter().enumerate() {
            // In the order in which finding adds them up.
            for (record, part) in parts {
                shares[record][at] += part;
                records[record].score += part;
            }
        }
        Ok((Self::liked(records, &chosen), shares))
    }

    /// Weighs every term, kept or not.
    pub fn terms(&self, like: &Like) -> Result<LikeTerms, EngineError> {
        let fields = self.open(like)?;
        let (mut terms, mut worths) = (Vec::new(), Vec::new());
        for group in &like.groups {
            let Some(&(field, _)) = group.fields.first() else { continue };
            let weighed = self.weigh(&fields, like, group)?;
            let all = weighed.iter();
            terms.extend(all.map(|term| (field, term.token.to_owned(), term.worth())));
            worths.extend(best(weighed, group.keep).iter().map(Weighed::worth));
        }
        let to = self.num(&self.among(like.kinds.as_ref().map(|kinds| &*kinds.to)));
        let among = match &like.kinds {
            Some(kinds) if kinds.own > 0.0 => to.min(self.num(&self.among(Some(&kinds.from)))),
            _ => to,
        };
        let norm = norm(worths);
        Ok(LikeTerms { terms, norm, among })
    }
}

/// Length of the query as a vector of weight times inverse document frequency.
fn norm(worths: impl IntoIterator<Item = f32>) -> f32 {
    worths.into_iter().map(|worth| worth.powi(2)).sum::<f32>().sqrt()
}

/// Computes what a term adds to each record in each of its fields. `addresses` are in order, each with the number of
/// its record.
fn parts(
    term: &Chosen<'_>,
    fields: &Fields,
    addresses: &[(DocAddress, usize)],
) -> tantivy::Result<Vec<(usize, f32)>> {
    let mut parts = Vec::new();
    for place in &term.places {
        for stretch in addresses.chunk_by(|(a, _), (b, _)| a.segment_ord == b.segment_ord) {
            let segment = stretch[0].0.segment_ord as usize;
            let Some(info) = &place.lists[segment].info else { continue };
            let (index, norms) = &fields[place.field].segments[segment];
            let mut postings =
                index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
            for &(DocAddress { doc_id, .. }, record) in stretch {
                if holds(&mut postings, doc_id) {
                    let part = place.score(norms.fieldnorm_id(doc_id), postings.term_freq());
                    parts.push((record, part));
                }
            }
        }
    }
    Ok(parts)
}

/// Sums up the scores of all records of a stretch of a segment.
fn scores(
    segment: usize,
    stretch: &Range<DocId>,
    fields: &Fields,
    chosen: &[Chosen<'_>],
) -> tantivy::Result<Vec<f32>> {
    let mut scores = vec![0.0; stretch.len()];
    for place in chosen.iter().flat_map(|term| &term.places) {
        let Some(info) = &place.lists[segment].info else { continue };
        let (index, norms) = &fields[place.field].segments[segment];
        let mut block =
            index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        if stretch.start > 0 {
            block.seek(stretch.start);
        }
        while block.docs().first().is_some_and(|doc| *doc < stretch.end) {
            // The first and the last block may reach beyond the stretch.
            for (&doc, &count) in block.docs().iter().zip(block.freqs()) {
                if let Some(score) = scores.get_mut(doc.wrapping_sub(stretch.start) as usize) {
                    *score += place.score(norms.fieldnorm_id(doc), count);
                }
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

/// Moves on to a record, and tells whether it is there.
fn holds<S: DocSet + ?Sized>(docs: &mut S, doc: DocId) -> bool {
    docs.doc() == doc || docs.doc() < doc && docs.seek(doc) == doc
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

#[cfg(test)]
mod tests;
