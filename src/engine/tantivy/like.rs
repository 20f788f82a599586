//! Finds what is like a weighted bag of terms.
//!
//! A record as a query has a hundred terms and more, most of them in few records. So the lists of all terms are read
//! one after the other into one score a record, which costs about the sum of their lengths; nothing is pruned, and
//! every score is exact. Only entries of the kind that the filter asks for are read ([`Entries`]), what a field's length
//! makes of a score is multiplied in once a record, and the records are divided among the cores.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::{EnableScoring, Query as _, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocAddress, DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term,
};

use super::lists::{Entries, Lists, TermLists, ViewLists};
use super::schema::{self, IndexSchema};
use super::{Visible, lower};
use crate::engine::{EngineError, LikeTerms, Liked, LikedRecord, LikedTerm, Shares};
use crate::query::TokenField;
use crate::query::filter::{Filter, Literal};
use crate::query::like::{Like, TermGroup, presence, rarity};
use crate::record::{RecordId, Revision};

/// Presence of a term that occurs once in a field, by the code of the field's length.
static BY_LENGTH: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| presence(1, FieldNormReader::id_to_fieldnorm(code as u8)))
});
/// By how much presence grows with the count.
static BY_COUNT: LazyLock<[f32; 256]> =
    LazyLock::new(|| std::array::from_fn(|count| presence(count as u32, 1)));

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
    /// Of the group's first field.
    lists: Arc<TermLists>,
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
    lists: Arc<TermLists>,
}

/// Records of one kind in one segment, and the entries of every place of every term.
struct Unit {
    segment: usize,
    kind: usize,
    /// In the order of the terms and their places; `None` where the term is not held.
    entries: Vec<Option<Arc<Entries>>>,
}

/// Where a record is: its segment, its kind, and its place among the segment's records of the kind.
type Whereabouts = (usize, usize, u32);

/// The fields of a view in which terms are looked for.
pub struct View<'a> {
    visible: &'a Visible,
    schema: &'a IndexSchema,
    lists: &'a Lists,
    known: Arc<ViewLists>,
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
        lists: &'a Lists,
    ) -> Result<Self, EngineError> {
        Ok(Self { visible, schema, lists, known: lists.of(&visible.searcher)? })
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

    /// Looks terms up in a field, in their order.
    fn look_up(
        &self,
        readers: &FieldReaders,
        tokens: &[&str],
        counted: bool,
    ) -> tantivy::Result<Vec<Arc<TermLists>>> {
        let field = (readers.field, self.schema.token_field(readers.field));
        let indexes: Vec<_> = readers.segments.iter().map(|(index, _)| &**index).collect();
        self.lists.look_up(&self.known, field, tokens, &indexes, counted)
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
        let to = kinds.map(|kinds| self.known.kind(&kinds.to));
        let among = self.known.num(to).max(1);
        let own = kinds.filter(|kinds| kinds.own > 0.0).map(|kinds| {
            let from = Some(self.known.kind(&kinds.from));
            let among = self.known.num(from);
            (from, kinds.own, among, rarity(1, among))
        });
        let own = own.filter(|(_, _, among, _)| *among > 0);
        let tokens: Vec<&str> = group.terms.iter().map(|(token, _)| &**token).collect();
        let lists = self.look_up(readers, &tokens, kinds.is_some())?;
        let weighed = group.terms.iter().zip(lists).map(|((token, weight), lists)| {
            let with = lists.num(to);
            let mut weight = *weight;
            if let Some((from, own, among, most)) = &own {
                weight *= (rarity(lists.num(*from).max(1), *among) / most).powf(*own);
            }
            let idf = rarity(with.max(1), among);
            Weighed { token, weight, idf, is_held: with > 0, lists }
        });
        Ok(weighed.collect())
    }

    /// Looks every term up, and keeps the best of each group.
    fn choose<'t>(&self, fields: &Fields, like: &'t Like) -> tantivy::Result<Vec<Chosen<'t>>> {
        let mut chosen = Vec::new();
        for group in &like.groups {
            let Some(&(main, _)) = group.fields.first() else { continue };
            let best = best(self.weigh(fields, like, group)?, group.keep);
            let tokens: Vec<&str> = best.iter().map(|term| term.token).collect();
            let start = chosen.len();
            chosen.extend(best.iter().map(|&Weighed { token, weight, idf, .. }| {
                let places = Vec::with_capacity(group.fields.len());
                Chosen { field: main, token, weight, idf, places }
            }));
            let mut known = Some(best.into_iter().map(|term| term.lists).collect::<Vec<_>>());
            for &(field, boost) in &group.fields {
                let at = position(fields, field);
                let lists = match known.take() {
                    Some(known) => known,
                    None => self.look_up(&fields[at], &tokens, false)?,
                };
                for (term, lists) in chosen[start..].iter_mut().zip(lists) {
                    let score = term.weight * term.idf * boost;
                    term.places.push(Place { field: at, score, lists });
                }
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
        let kind = only_kind(like.filter.as_ref()).map(|kind| self.known.kind(kind));
        let all = self.known.num(kind) as usize;
        self.find_in(like, limit, (all / FEW).clamp(1, rayon::current_num_threads()))
    }

    /// Finds them in so many parts of the records at the same time.
    fn find_in(&self, like: &Like, limit: usize, parts: usize) -> Result<Liked, EngineError> {
        let fields = self.open(like)?;
        let chosen = self.choose(&fields, like)?;
        let filter = self.filter(like)?;
        let units = self.units(only_kind(like.filter.as_ref()), &fields, &chosen)?;
        let found = self.stretches(&units, parts).into_par_iter().map(|(unit, stretch)| {
            let scores = self.scores(unit, &stretch, &fields, &chosen);
            self.best(unit, &stretch, &scores, filter.as_deref(), limit)
        });
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

    /// The records that can be found, and what is read to score them. `kind` is the only one that can be, if given.
    fn units(
        &self,
        kind: Option<&str>,
        fields: &Fields,
        chosen: &[Chosen<'_>],
    ) -> tantivy::Result<Vec<Unit>> {
        let kinds = match kind.map(|kind| self.known.kind(kind)) {
            Some(kind) => kind..kind.saturating_add(1),
            None => self.known.kinds(),
        };
        let mut units = Vec::new();
        for (segment, lists) in self.known.segments.iter().enumerate() {
            for kind in kinds.clone().filter(|kind| !lists.docs_of(*kind).is_empty()) {
                let terms = chosen.par_iter().with_min_len(TERMS);
                let read = terms.flat_map_iter(|term| {
                    term.places.iter().map(|place| self.entries(segment, kind, place, fields))
                });
                let entries = read.collect::<tantivy::Result<_>>()?;
                units.push(Unit { segment, kind, entries });
            }
        }
        Ok(units)
    }

    fn entries(
        &self,
        segment: usize,
        kind: usize,
        place: &Place,
        fields: &Fields,
    ) -> tantivy::Result<Option<Arc<Entries>>> {
        let Some(info) = place.lists.info(segment) else { return Ok(None) };
        let readers = &fields[place.field];
        let (index, _) = &readers.segments[segment];
        self.known.segments[segment].entries(readers.field, kind, info, index).map(Some)
    }

    /// Divides the records into stretches of units, none longer than one of so many equal parts.
    fn stretches<'u>(&self, units: &'u [Unit], parts: usize) -> Vec<(&'u Unit, Range<u32>)> {
        let len = |unit: &Unit| self.known.segments[unit.segment].docs_of(unit.kind).len();
        let share = units.iter().map(len).sum::<usize>().div_ceil(parts).max(1);
        let of = |unit| {
            let end = len(unit) as u32;
            let starts = (0..end).step_by(share);
            starts.map(move |start| (unit, start..end.min(start.saturating_add(share as u32))))
        };
        units.iter().flat_map(of).collect()
    }

    /// Sums up the scores of a stretch of a unit's records.
    fn scores(
        &self,
        unit: &Unit,
        stretch: &Range<u32>,
        fields: &Fields,
        chosen: &[Chosen<'_>],
    ) -> Vec<f32> {
        let mut scores = vec![0.0; stretch.len()];
        let mut of_field = vec![0.0; stretch.len()];
        for field in 0..fields.len() {
            let places = chosen.iter().flat_map(|term| &term.places).zip(&unit.entries);
            for (place, entries) in places.filter(|(place, _)| place.field == field) {
                for (at, count) in entries.iter().flat_map(|entries| entries.within(stretch)) {
                    let sum = &mut of_field[(at - stretch.start) as usize];
                    *sum += place.score * BY_COUNT[usize::from(count)];
                }
            }
            let lengths = self.lengths(fields, field, unit.segment, unit.kind);
            let lengths = &lengths[stretch.start as usize..];
            for ((score, sum), length) in scores.iter_mut().zip(&mut of_field).zip(lengths) {
                *score += std::mem::take(sum) * BY_LENGTH[usize::from(*length)];
            }
        }
        scores
    }

    fn lengths(&self, fields: &Fields, field: usize, segment: usize, kind: usize) -> Arc<[u8]> {
        let (_, norms) = &fields[field].segments[segment];
        self.known.segments[segment].lengths(fields[field].field, kind, norms)
    }

    /// Finds the best records of a stretch, in any order, with scores and revisions.
    fn best(
        &self,
        unit: &Unit,
        stretch: &Range<u32>,
        scores: &[f32],
        filter: Option<&dyn Weight>,
        limit: usize,
    ) -> tantivy::Result<Vec<(f32, u64, DocAddress)>> {
        let segment = unit.segment as u32;
        let reader = self.searcher().segment_reader(segment);
        let lists = &self.known.segments[unit.segment];
        let docs = &lists.docs_of(unit.kind)[stretch.start as usize..stretch.end as usize];
        let mut keep = Best { reader, limit, threshold: 0.0, kept: Vec::new() };
        match (filter, docs) {
            (Some(filter), [first, ..]) => {
                let mut passing = filter.scorer(reader, 1.0)?;
                let mut doc = passing.doc();
                if doc < *first {
                    doc = passing.seek(*first);
                }
                while doc <= docs[docs.len() - 1] {
                    let (kind, place) = lists.place_of(doc);
                    if kind == unit.kind {
                        keep.push(doc, scores[(place - stretch.start) as usize]);
                    }
                    doc = passing.advance();
                }
            }
            _ => docs.iter().zip(scores).for_each(|(doc, score)| keep.push(*doc, *score)),
        }
        let revisions = reader.fast_fields().u64(schema::REVISION)?;
        let found = keep.kept.into_iter().map(|(score, doc)| {
            let revision = revisions.first(doc).unwrap_or_default();
            (score, revision, DocAddress::new(segment, doc))
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
        let mut whereabouts: Vec<Whereabouts> = Vec::with_capacity(ids.len());
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
            let segment = address.segment_ord as usize;
            let (kind, place) = self.known.segments[segment].place_of(address.doc_id);
            whereabouts.push((segment, kind, place));
            records.push(LikedRecord { id: id.clone(), revision, score: 0.0 });
        }
        let mut shares = vec![vec![0.0; chosen.len()]; records.len()];
        let terms = chosen.par_iter().with_min_len(TERMS);
        let taken = terms.map(|term| self.counted(term, &fields, &whereabouts));
        let mut of_fields = vec![vec![0.0; fields.len()]; records.len()];
        for (at, parts) in taken.collect::<tantivy::Result<Vec<_>>>()?.into_iter().enumerate() {
            for (record, field, part, by_length) in parts {
                of_fields[record][field] += part;
                shares[record][at] += part * by_length;
            }
        }
        let sums = of_fields.iter().zip(&whereabouts);
        for (record, (of_fields, &(segment, kind, place))) in records.iter_mut().zip(sums) {
            // In the order in which finding adds them up.
            for (field, sum) in of_fields.iter().enumerate() {
                let length = self.lengths(&fields, field, segment, kind)[place as usize];
                record.score += sum * BY_LENGTH[usize::from(length)];
            }
        }
        Ok((Self::liked(records, &chosen), shares))
    }

    /// Lists what a term adds to each record in each of its fields: the record, the field, what it adds for a field of
    /// one token, and what the field's length makes of it.
    fn counted(
        &self,
        term: &Chosen<'_>,
        fields: &Fields,
        whereabouts: &[Whereabouts],
    ) -> tantivy::Result<Vec<(usize, usize, f32, f32)>> {
        let mut parts = Vec::new();
        for place in &term.places {
            for (record, &(segment, kind, at)) in whereabouts.iter().enumerate() {
                let entries = self.entries(segment, kind, place, fields)?;
                let count = entries.map_or(0, |entries| entries.count(at));
                if count > 0 {
                    let length = self.lengths(fields, place.field, segment, kind)[at as usize];
                    let part = place.score * BY_COUNT[usize::from(count)];
                    parts.push((record, place.field, part, BY_LENGTH[usize::from(length)]));
                }
            }
        }
        Ok(parts)
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
        let num = |kind: &str| self.known.num(Some(self.known.kind(kind)));
        let among = match &like.kinds {
            Some(kinds) if kinds.own > 0.0 => num(&kinds.to).min(num(&kinds.from)),
            Some(kinds) => num(&kinds.to),
            None => self.known.num(None),
        };
        let norm = norm(worths);
        Ok(LikeTerms { terms, norm, among })
    }
}

/// Length of the query as a vector of weight times inverse document frequency.
fn norm(worths: impl IntoIterator<Item = f32>) -> f32 {
    worths.into_iter().map(|worth| worth.powi(2)).sum::<f32>().sqrt()
}

/// The kind that everything that passes a filter is of, where the filter says so.
fn only_kind(filter: Option<&Filter>) -> Option<&str> {
    match filter? {
        Filter::Equal { path, value: Literal::Text(kind) } if &**path == schema::KIND => Some(kind),
        Filter::And(filters) => filters.iter().find_map(|filter| only_kind(Some(filter))),
        _ => None,
    }
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
