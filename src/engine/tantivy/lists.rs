//! Where the lists of terms are, and which records of each kind stand in them.
//!
//! A record as a query asks for some hundred terms in every segment, and for each how many records of two kinds hold
//! it. A segment never changes, so what was looked up once holds for as long as the segment is there. The lists that
//! records were scored by are kept as well, each divided by kinds: records of one kind are found, and most of a list is
//! of others.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentId;
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, InvertedIndexReader, Searcher, SegmentReader, Term};

use super::schema;
use crate::query::TokenField;

/// Terms of one field after which those go that were not asked for meanwhile.
const MAX_KEPT: usize = 30_000;
/// Terms that a thread looks up.
const LOOKED_UP: usize = 40;
/// Bytes of lists for each record of a segment after which those go that were not asked for meanwhile.
const LIST_BYTES: usize = 300;
/// The same for segments of few records.
const LIST_BYTES_LEAST: usize = 30_000;
/// What a short list takes beside its entries.
const OVERHEAD: usize = 128;

/// What was looked up.
#[derive(Default)]
pub struct Lists {
    known: Mutex<Known>,
    terms: Mutex<HashMap<TokenField, Terms>>,
}

#[derive(Default)]
struct Known {
    segments: HashMap<SegmentId, Arc<SegmentLists>>,
    /// Of all records, in the order of their numbers.
    kinds: Vec<String>,
    latest: Option<Arc<ViewLists>>,
}

/// The segments of a view.
pub struct ViewLists {
    ids: Arc<[SegmentId]>,
    pub segments: Vec<Arc<SegmentLists>>,
    kinds: Vec<String>,
}

impl ViewLists {
    /// Number of a kind; that of none when no record is of it.
    pub fn kind(&self, name: &str) -> usize {
        self.kinds.iter().position(|known| known == name).unwrap_or(usize::MAX)
    }

    /// Numbers of all kinds.
    pub fn kinds(&self) -> Range<usize> {
        0..self.kinds.len()
    }

    /// Number of the records of a kind, or of all. As in the lists, those that were removed lately count.
    pub fn num(&self, kind: Option<usize>) -> u64 {
        let num = |segment: &Arc<SegmentLists>| match kind {
            None => segment.kind_of.len(),
            Some(kind) => segment.docs_of(kind).len(),
        };
        self.segments.iter().map(|segment| num(segment) as u64).sum()
    }
}

/// Terms of one field.
type Terms = Kept<Box<str>, Arc<TermLists>>;

/// Codes of the lengths of a field, one a record.
type Lengths = Arc<[u8]>;

/// A term in all segments of a view.
pub struct TermLists {
    ids: Arc<[SegmentId]>,
    /// By segment.
    lists: Box<[List]>,
    num_records: u64,
    /// Records of every kind that hold the term, when they were counted.
    num_of: Option<Box<[u32]>>,
}

impl TermLists {
    /// Where the list of a segment is; `None` when no record holds the term.
    pub fn info(&self, segment: usize) -> Option<&TermInfo> {
        self.lists[segment].info.as_ref()
    }

    /// Number of records of a kind that hold the term, or of all. Those of a kind were counted, or are none.
    pub fn num(&self, kind: Option<usize>) -> u64 {
        match kind {
            None => self.num_records,
            Some(kind) => {
                let counted = self.num_of.as_ref().and_then(|num_of| num_of.get(kind));
                counted.map_or(0, |&num| num.into())
            }
        }
    }

    /// Tells whether the answer is that of a view, and records are counted if they are to be.
    fn serves(&self, view: &ViewLists, counted: bool) -> bool {
        Arc::ptr_eq(&self.ids, &view.ids) && (!counted || self.num_of.is_some())
    }

    /// Returns what was found out of a segment, if anything was.
    fn of(&self, id: SegmentId, counted: bool) -> Option<&List> {
        let list = &self.lists[self.ids.iter().position(|known| *known == id)?];
        (!counted || list.info.is_none() || !list.num_of.is_empty()).then_some(list)
    }
}

impl Lists {
    /// Returns what is known of each segment of a view; what is known of segments that are gone is dropped.
    pub fn of(&self, searcher: &Searcher) -> tantivy::Result<Arc<ViewLists>> {
        let readers = searcher.segment_readers();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = || readers.iter().map(SegmentReader::segment_id);
        if let Some(latest) = &known.latest
            && ids().eq(latest.ids.iter().copied())
        {
            return Ok(latest.clone());
        }
        let Known { segments, kinds, latest } = &mut *known;
        // Views differ by a segment or two, and older ones are in use for a while.
        if segments.len() > 2 * readers.len() + 8 {
            segments.retain(|id, _| ids().any(|other| other == *id));
        }
        let mut of_view = Vec::with_capacity(readers.len());
        for reader in readers {
            of_view.push(match segments.get(&reader.segment_id()) {
                Some(lists) => lists.clone(),
                None => {
                    let lists = Arc::new(SegmentLists::open(reader, kinds)?);
                    segments.insert(reader.segment_id(), lists.clone());
                    lists
                }
            });
        }
        let view =
            Arc::new(ViewLists { ids: ids().collect(), segments: of_view, kinds: kinds.clone() });
        *latest = Some(view.clone());
        Ok(view)
    }

    /// Looks terms of a field up, in their order; with `counted`, counts the records of every kind that hold each.
    ///
    /// `indexes` are those of the field, one a segment.
    pub fn look_up(
        &self,
        view: &ViewLists,
        (field, schema): (TokenField, Field),
        tokens: &[&str],
        indexes: &[&InvertedIndexReader],
        counted: bool,
    ) -> tantivy::Result<Vec<Arc<TermLists>>> {
        let known = || self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<Option<Arc<TermLists>>> = {
            let mut known = known();
            let terms = known.entry(field).or_default();
            tokens.iter().map(|token| terms.get(*token, |_| 1, MAX_KEPT)).collect()
        };
        let looked_up = found.into_par_iter().zip(tokens).with_min_len(LOOKED_UP);
        let looked_up = looked_up.map(|(before, token)| {
            if let Some(before) = before.as_ref().filter(|term| term.serves(view, counted)) {
                return Ok((before.clone(), false));
            }
            let term = Term::from_field_text(schema, token);
            let mut lists = Vec::with_capacity(indexes.len());
            for ((id, segment), index) in view.ids.iter().zip(&view.segments).zip(indexes) {
                let known = before.as_ref().and_then(|before| before.of(*id, counted));
                lists.push(match known {
                    Some(list) => list.clone(),
                    None => segment.list(&term, index, counted)?,
                });
            }
            let mut num_of = vec![0; view.kinds.len()];
            for list in &lists {
                num_of.iter_mut().zip(&list.num_of).for_each(|(sum, num)| *sum += num);
            }
            let term = TermLists {
                ids: view.ids.clone(),
                num_records: lists.iter().map(List::num_records).sum(),
                lists: lists.into(),
                num_of: counted.then(|| num_of.into()),
            };
            Ok((Arc::new(term), true))
        });
        let looked_up = looked_up.collect::<tantivy::Result<Vec<_>>>()?;
        if looked_up.iter().any(|(_, is_new)| *is_new) {
            let mut known = known();
            let terms = known.entry(field).or_default();
            for (token, (term, _)) in tokens.iter().zip(&looked_up).filter(|(_, (_, new))| *new) {
                terms.put((*token).into(), term.clone(), 1, MAX_KEPT);
            }
        }
        Ok(looked_up.into_iter().map(|(term, _)| term).collect())
    }
}

/// One segment: the kinds of its records, and the lists that were read.
pub struct SegmentLists {
    /// Records of every kind, by its number, rising.
    docs_of: Vec<Box<[DocId]>>,
    /// Number of the kind of every record.
    kind_of: Vec<u16>,
    /// Place of every record among those of its kind.
    place_of: Vec<u32>,
    /// By field, kind, and where the list begins.
    entries: Mutex<Kept<(TokenField, usize, usize), Arc<Entries>>>,
    lengths: Mutex<HashMap<(TokenField, usize), Lengths>>,
}

/// What is kept in two halves: when the newer is full, the older goes.
struct Kept<K, V> {
    new: HashMap<K, V>,
    /// What was there before, as long as nobody asks for it.
    old: HashMap<K, V>,
    /// Size of what is in the newer half.
    size: usize,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { new: HashMap::new(), old: HashMap::new(), size: 0 }
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    fn get<Q>(&mut self, key: &Q, size: impl Fn(&V) -> usize, room: usize) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(value) = self.new.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone(), size(&value), room);
        Some(value)
    }

    fn put(&mut self, key: K, value: V, size: usize, room: usize) {
        if self.size + size > room {
            self.old = std::mem::take(&mut self.new);
            self.size = 0;
        }
        self.size += size;
        self.new.insert(key, value);
    }
}

/// A term of one segment.
#[derive(Clone, Default)]
struct List {
    /// Where its list is; `None` when no record holds it.
    info: Option<TermInfo>,
    /// Records of every kind in its list; empty when they were not counted, or are none.
    num_of: Box<[u32]>,
}

impl List {
    /// Number of records in it.
    fn num_records(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.doc_freq.into())
    }
}

/// The records of one kind that hold a term.
#[derive(Default)]
pub struct Entries {
    /// Places among the records of the kind, rising.
    places: Box<[u32]>,
    /// How often each holds the term, as far as one byte says.
    counts: Box<[u8]>,
}

impl Entries {
    fn bytes(&self) -> usize {
        5 * self.places.len() + OVERHEAD
    }

    /// The entries of a stretch of places, each with its count.
    pub fn within(&self, places: &Range<u32>) -> impl Iterator<Item = (u32, u8)> {
        let first = self.places.partition_point(|place| *place < places.start);
        let end = first + self.places[first..].partition_point(|place| *place < places.end);
        self.places[first..end].iter().copied().zip(self.counts[first..end].iter().copied())
    }

    /// How often the record at a place holds the term; 0 when it does not.
    pub fn count(&self, place: u32) -> u8 {
        self.places.binary_search(&place).map_or(0, |at| self.counts[at])
    }
}

impl SegmentLists {
    /// Reads which record is of which kind; numbers the kinds that are new.
    fn open(reader: &SegmentReader, kinds: &mut Vec<String>) -> tantivy::Result<Self> {
        let mut number = |name: &str| {
            kinds.iter().position(|known| known == name).unwrap_or_else(|| {
                kinds.push(name.to_owned());
                kinds.len() - 1
            })
        };
        // Every record has a kind; one that had none would be of the empty one.
        let none = number("") as u16;
        let mut kind_of = vec![none; reader.max_doc() as usize];
        if let Some(column) = reader.fast_fields().str(schema::KIND)? {
            let mut numbers = Vec::new();
            let mut names = column.dictionary().stream()?;
            while names.advance() {
                numbers.push(number(&String::from_utf8_lossy(names.key())) as u16);
            }
            for (doc, kind) in (0..).zip(&mut kind_of) {
                let ord = column.ords().first(doc);
                *kind = ord.and_then(|ord| numbers.get(ord as usize).copied()).unwrap_or(none);
            }
        }
        let mut docs_of = vec![Vec::new(); kinds.len()];
        let mut place = |(doc, kind): (DocId, &u16)| {
            let docs = &mut docs_of[usize::from(*kind)];
            docs.push(doc);
            docs.len() as u32 - 1
        };
        let place_of = (0..).zip(&kind_of).map(&mut place).collect();
        Ok(Self {
            docs_of: docs_of.into_iter().map(Vec::into_boxed_slice).collect(),
            kind_of,
            place_of,
            entries: Mutex::default(),
            lengths: Mutex::default(),
        })
    }

    /// The records of a kind, rising.
    pub fn docs_of(&self, kind: usize) -> &[DocId] {
        self.docs_of.get(kind).map_or(&[], |docs| docs)
    }

    /// The kind of a record, and its place among the records of the kind.
    pub fn place_of(&self, doc: DocId) -> (usize, u32) {
        (usize::from(self.kind_of[doc as usize]), self.place_of[doc as usize])
    }

    /// Looks a term up; with `counted`, counts the records of every kind that hold it.
    fn list(
        &self,
        term: &Term,
        index: &InvertedIndexReader,
        counted: bool,
    ) -> tantivy::Result<List> {
        let mut list = List { info: index.get_term_info(term)?, ..List::default() };
        if let (true, Some(info)) = (counted, &list.info) {
            let mut num_of = vec![0; self.docs_of.len()];
            let mut block =
                index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            while !block.docs().is_empty() {
                for &doc in block.docs() {
                    num_of[usize::from(self.kind_of[doc as usize])] += 1;
                }
                block.advance();
            }
            list.num_of = num_of.into();
        }
        Ok(list)
    }

    /// Reads which records of a kind hold a term, whose list is at `info`.
    pub fn entries(
        &self,
        field: TokenField,
        kind: usize,
        info: &TermInfo,
        index: &InvertedIndexReader,
    ) -> tantivy::Result<Arc<Entries>> {
        let key = (field, kind, info.postings_range.start);
        let room = LIST_BYTES * self.kind_of.len() + LIST_BYTES_LEAST;
        let kept = || self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = kept().get(&key, |entries| entries.bytes(), room) {
            return Ok(entries);
        }
        let (mut places, mut counts) = (Vec::new(), Vec::new());
        let mut block =
            index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
        while !block.docs().is_empty() {
            for (&doc, &count) in block.docs().iter().zip(block.freqs()) {
                if usize::from(self.kind_of[doc as usize]) == kind {
                    places.push(self.place_of[doc as usize]);
                    counts.push(u8::try_from(count).unwrap_or(u8::MAX));
                }
            }
            block.advance();
        }
        let entries = Arc::new(Entries { places: places.into(), counts: counts.into() });
        kept().put(key, entries.clone(), entries.bytes(), room);
        Ok(entries)
    }

    /// The codes of the lengths that the records of a kind have in a field.
    pub fn lengths(&self, field: TokenField, kind: usize, norms: &FieldNormReader) -> Lengths {
        let mut lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = || self.docs_of(kind).iter().map(|doc| norms.fieldnorm_id(*doc)).collect();
        lengths.entry((field, kind)).or_insert_with(of_kind).clone()
    }
}
