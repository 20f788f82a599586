//! Finds what is like a weighted bag of terms.
//!
//! A record as a query has a hundred terms and more, most of them in few records. So the lists of all terms are read
//! one after the other into one score a record, which costs about the sum of their lengths; nothing is pruned, and
//! every score is exact.

use std::sync::{Arc, LazyLock};

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

/// A term that is looked for, and what it is worth.
struct Weighed<'a> {
    token: &'a str,
    /// On the side that looks.
    weight: f32,
    /// On the side that is found.
    idf: f32,
    /// By segment, of the group's first field.
    lists: Vec<Arc<List>>,
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

    /// Number of records of a kind, or of all without one; with `lists`, of those in them.
    fn num(&self, lists: Option<&[Arc<List>]>, kind: Option<&str>) -> u64 {
        match lists {
            None => self.segments.iter().map(|segment| segment.num_records(kind)).sum(),
            Some(lists) => {
                let segments = self.segments.iter().zip(lists);
                segments.map(|(segment, list)| segment.num_in(list, kind)).sum()
            }
        }
    }

    /// Weighs the terms of a group, in their order; those that no record to be found holds as well with `all`.
    fn weigh<'t>(
        &self,
        fields: &Fields,
        like: &Like,
        group: &'t TermGroup,
        all: bool,
    ) -> tantivy::Result<Vec<Weighed<'t>>> {
        let Some(&(main, _)) = group.fields.first() else { return Ok(Vec::new()) };
        let readers = &fields[position(fields, main)];
        let kinds = like.kinds.as_ref();
        let to = kinds.map(|kinds| &*kinds.to);
        let among = self.num(None, to);
        let own = kinds.filter(|kinds| kinds.own > 0.0);
        let own = own.map(|kinds| (&*kinds.from, kinds.own, self.num(None, Some(&kinds.from))));
        let mut weighed = Vec::with_capacity(group.terms.len());
        for (token, weight) in &group.terms {
            let lists = self.look_up(readers, token, kinds.is_some())?;
            let with = self.num(Some(&lists), to);
            if with == 0 && !all {
                continue;
            }
            let mut weight = *weight;
            if let Some((from, own, among)) = own.filter(|(_, _, among)| *among > 0) {
                let with = self.num(Some(&lists), Some(from)).max(1);
                weight *= (rarity(with, among) / rarity(1, among)).powf(own);
            }
            let idf = rarity(with.max(1), among.max(1));
            weighed.push(Weighed { token, weight, idf, lists });
        }
        Ok(weighed)
    }

    /// Looks every term up, and keeps the best of each group.
    fn choose<'t>(&self, fields: &Fields, like: &'t Like) -> tantivy::Result<Vec<Chosen<'t>>> {
        let mut chosen = Vec::new();
        for group in &like.groups {
            let mut weighed = self.weigh(fields, like, group, false)?;
            // The terms are ordered by weight and token, and the sort is stable: the choice does not depend on chance.
            weighed.sort_by(|a, b| (b.weight * b.idf).total_cmp(&(a.weight * a.idf)));
            weighed.truncate(group.keep);
            for Weighed { token, weight, idf, lists } in weighed {
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
        Liked { records, terms: chosen.iter().map(describe).collect(), norm: norm(chosen) }
    }

    /// Finds the `limit` best records, the best first; ties in the order of their revisions.
    pub fn find(&self, like: &Like, limit: usize) -> Result<Liked, EngineError> {
        let fields = self.open(like)?;
        let chosen = self.choose(&fields, like)?;
        let filter = self.filter(like)?;
        let mut best: Vec<(f32, u64, DocAddress)> = Vec::new();
        for (ord, reader) in self.searcher().segment_readers().iter().enumerate() {
            let scores = scores(reader, ord, &fields, &chosen)?;
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
        let mut shares = Vec::with_capacity(ids.len());
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(address) = address(self.searcher(), self.schema, id)? else { continue };
            let segment = address.segment_ord as usize;
            let reader = self.searcher().segment_reader(address.segment_ord);
            if let Some(filter) = &filter {
                let mut passing = filter.scorer(reader, 1.0)?;
                let passes = passing.doc() == address.doc_id
                    || passing.doc() < address.doc_id
                        && passing.seek(address.doc_id) == address.doc_id;
                if !passes {
                    continue;
                }
            }
            let mut terms = Vec::with_capacity(chosen.len());
            let mut score = 0.0;
            for term in &chosen {
                let mut sum = 0.0;
                for place in &term.places {
                    let Some(info) = &place.lists[segment].info else { continue };
                    let (index, norms) = &fields[place.field].segments[segment];
                    let mut postings = index
                        .read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)
                        .map_err(tantivy::TantivyError::from)?;
                    let found = postings.doc() == address.doc_id
                        || postings.doc() < address.doc_id
                            && postings.seek(address.doc_id) == address.doc_id;
                    if found {
                        let length = norms.fieldnorm_id(address.doc_id);
                        let part = place.score(length, postings.term_freq());
                        sum += part;
                        score += part;
                    }
                }
                terms.push(sum);
            }
            let revision = reader.fast_fields().u64(schema::REVISION)?.first(address.doc_id);
            let revision = Revision(revision.unwrap_or_default());
            records.push(LikedRecord { id: id.clone(), revision, score });
            shares.push(terms);
        }
        Ok((Self::liked(records, &chosen), shares))
    }

    /// Weighs every term, kept or not.
    pub fn terms(&self, like: &Like) -> Result<LikeTerms, EngineError> {
        let fields = self.open(like)?;
        let norm = norm(&self.choose(&fields, like)?);
        let mut terms = Vec::new();
        for group in &like.groups {
            let Some(&(field, _)) = group.fields.first() else { continue };
            let weighed = self.weigh(&fields, like, group, true)?.into_iter();
            terms.extend(weighed.map(|t| (field, t.token.to_owned(), t.weight * t.idf)));
        }
        let among = match &like.kinds {
            Some(kinds) if kinds.own > 0.0 => {
                self.num(None, Some(&kinds.to)).min(self.num(None, Some(&kinds.from)))
            }
            kinds => self.num(None, kinds.as_ref().map(|kinds| &*kinds.to)),
        };
        Ok(LikeTerms { terms, norm, among })
    }
}

/// Length of the query as a vector of weight times inverse document frequency.
fn norm(chosen: &[Chosen<'_>]) -> f32 {
    chosen.iter().map(|term| (term.weight * term.idf).powi(2)).sum::<f32>().sqrt()
}

/// Sums up the scores of all records of a segment.
fn scores(
    reader: &SegmentReader,
    segment: usize,
    fields: &Fields,
    chosen: &[Chosen<'_>],
) -> tantivy::Result<Vec<f32>> {
    let mut scores = vec![0.0; reader.max_doc() as usize];
    for place in chosen.iter().flat_map(|term| &term.places) {
        let Some(info) = &place.lists[segment].info else { continue };
        let (index, norms) = &fields[place.field].segments[segment];
        let mut block =
            index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        while !block.docs().is_empty() {
            for (&doc, &count) in block.docs().iter().zip(block.freqs()) {
                scores[doc as usize] += place.score(norms.fieldnorm_id(doc), count);
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
