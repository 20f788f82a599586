//! Where the lists of terms are, and how many records of each kind stand in them.
//!
//! A record as a query asks for some hundred terms in every segment, and for each how many records of two kinds hold
//! it. A segment never changes, so what was looked up once is kept with it and goes with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentId;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, InvertedIndexReader, Searcher, SegmentReader, Term};

use super::schema;
use crate::query::TokenField;

/// Terms of one field and segment after which those go that were not asked for meanwhile.
const MAX_KEPT: usize = 30_000;
/// The number of a record without a kind.
const NO_KIND: u16 = u16::MAX;

/// What was looked up, by segment.
#[derive(Default)]
pub struct Lists(Mutex<HashMap<SegmentId, Arc<SegmentLists>>>);

impl Lists {
    /// Returns what is known of each segment of a view; what is known of segments that are gone is dropped.
    pub fn of(&self, searcher: &Searcher) -> tantivy::Result<Vec<Arc<SegmentLists>>> {
        let readers = searcher.segment_readers();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Views differ by a segment or two, and older ones are in use for a while.
        if known.len() > 2 * readers.len() + 8 {
            known.retain(|id, _| readers.iter().any(|reader| reader.segment_id() == *id));
        }
        readers
            .iter()
            .map(|reader| match known.get(&reader.segment_id()) {
                Some(lists) => Ok(lists.clone()),
                None => {
                    let lists = Arc::new(SegmentLists::open(reader)?);
                    known.insert(reader.segment_id(), lists.clone());
                    Ok(lists)
                }
            })
            .collect()
    }
}

/// One segment: the kinds of its records, and the terms that were looked up.
pub struct SegmentLists {
    /// In the order of their numbers.
    kinds: Vec<String>,
    /// Number of the kind of every record.
    kind_of: Vec<u16>,
    /// Records of every kind.
    num_of: Vec<u32>,
    terms: Mutex<HashMap<TokenField, Kept>>,
}

/// Terms of one field that were looked up.
#[derive(Default)]
struct Kept {
    new: HashMap<Box<str>, Arc<List>>,
    /// Those of before, as long as nobody asks for them.
    old: HashMap<Box<str>, Arc<List>>,
}

impl Kept {
    fn get(&mut self, token: &str) -> Option<Arc<List>> {
        if let Some(list) = self.new.get(token) {
            return Some(list.clone());
        }
        let (token, list) = self.old.remove_entry(token)?;
        self.put(token, list.clone());
        Some(list)
    }

    fn put(&mut self, token: Box<str>, list: Arc<List>) {
        if self.new.len() >= MAX_KEPT {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(token, list);
    }
}

/// A term of one segment.
#[derive(Default)]
pub struct List {
    /// Where its list is; `None` when no record holds it.
    pub info: Option<TermInfo>,
    /// Records of every kind in its list; empty when they were not asked for, or are none.
    num_of: Box<[u32]>,
}

impl List {
    /// Number of records in it.
    pub fn num_records(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.doc_freq.into())
    }

    /// Number of records of a [`kind`](SegmentLists::kind) in it, when it was looked up with counts.
    pub fn num_of(&self, kind: usize) -> u64 {
        self.num_of.get(kind).map_or(0, |&num| num.into())
    }
}

impl SegmentLists {
    fn open(reader: &SegmentReader) -> tantivy::Result<Self> {
        let mut kinds = Vec::new();
        let mut kind_of = vec![NO_KIND; reader.max_doc() as usize];
        if let Some(column) = reader.fast_fields().str(schema::KIND)? {
            let mut names = column.dictionary().stream()?;
            while names.advance() {
                kinds.push(String::from_utf8_lossy(names.key()).into_owned());
            }
            for (doc, kind) in (0..).zip(&mut kind_of) {
                *kind = column.ords().first(doc).map_or(NO_KIND, |ord| ord as u16);
            }
        }
        let mut num_of = vec![0; kinds.len()];
        count(&kind_of, 0..reader.max_doc(), &mut num_of);
        Ok(Self { kinds, kind_of, num_of, terms: Mutex::default() })
    }

    /// Number of a kind in this segment; that of none when no record is of it.
    pub fn kind(&self, name: &str) -> usize {
        self.kinds.iter().position(|known| known == name).unwrap_or(usize::MAX)
    }

    /// Number of all records. As in the lists, those that were removed lately count.
    pub fn num_records(&self) -> u64 {
        self.kind_of.len() as u64
    }

    /// Number of records of a [`kind`](Self::kind).
    pub fn num_of(&self, kind: usize) -> u64 {
        self.num_of.get(kind).map_or(0, |&num| num.into())
    }

    /// Looks a term up; with `counted`, counts the records of every kind that hold it.
    pub fn list(
        &self,
        field: TokenField,
        term: &Term,
        token: &str,
        index: &InvertedIndexReader,
        counted: bool,
    ) -> tantivy::Result<Arc<List>> {
        let known = {
            let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
            terms.entry(field).or_default().get(token)
        };
        let enough = |list: &List| !counted || list.info.is_none() || !list.num_of.is_empty();
        if let Some(list) = known.filter(|list| enough(list)) {
            return Ok(list);
        }
        let mut list = List { info: index.get_term_info(term)?, ..List::default() };
        if let (true, Some(info)) = (counted, &list.info) {
            let mut num_of = vec![0; self.kinds.len()];
            let mut block =
                index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            while !block.docs().is_empty() {
                count(&self.kind_of, block.docs().iter().copied(), &mut num_of);
                block.advance();
            }
            list.num_of = num_of.into();
        }
        let list = Arc::new(list);
        let mut terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
        terms.entry(field).or_default().put(token.into(), list.clone());
        Ok(list)
    }
}

fn count(kind_of: &[u16], docs: impl Iterator<Item = DocId>, num_of: &mut [u32]) {
    for doc in docs {
        if let Some(num) = num_of.get_mut(usize::from(kind_of[doc as usize])) {
            *num += 1;
        }
    }
}
