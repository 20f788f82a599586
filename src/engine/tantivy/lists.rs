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

/// Terms of one segment that are kept; the next one begins anew.
const MAX_KEPT: usize = 50_000;
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
    terms: Mutex<HashMap<TokenField, Tokens>>,
}

type Tokens = HashMap<Box<str>, Arc<List>>;

/// A term of one segment.
#[derive(Default)]
pub struct List {
    /// Where its list is; `None` when no record holds it.
    pub info: Option<TermInfo>,
    /// Records of every kind in its list; empty when they were not asked for, or are none.
    num_of: Box<[u32]>,
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

    /// Number of records of a kind, or of all without one. As in the lists, those that were removed lately count.
    pub fn num_records(&self, kind: Option<&str>) -> u64 {
        match kind {
            Some(kind) => self.at(kind).map_or(0, |at| self.num_of[at].into()),
            None => self.kind_of.len() as u64,
        }
    }

    /// Number of records of a kind, or of all without one, in a list that was looked up with counts.
    pub fn num_in(&self, list: &List, kind: Option<&str>) -> u64 {
        match kind {
            Some(kind) => {
                self.at(kind).and_then(|at| list.num_of.get(at)).map_or(0, |&num| num.into())
            }
            None => list.info.as_ref().map_or(0, |info| info.doc_freq.into()),
        }
    }

    fn at(&self, kind: &str) -> Option<usize> {
        self.kinds.iter().position(|known| known == kind)
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
            let terms = self.terms.lock().unwrap_or_else(PoisonError::into_inner);
            terms.get(&field).and_then(|terms| terms.get(token)).cloned()
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
        let terms = terms.entry(field).or_default();
        if terms.len() >= MAX_KEPT {
            terms.clear();
        }
        terms.insert(token.into(), list.clone());
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
