//! Facet columns laid out for counting.
//!
//! A column on disk is packed bit by bit and read value by value. Counting reads every value of every match, which is
//! most of the time of a search with facets. So a facet's column is unpacked once a segment, on first use, into plain
//! arrays: about two bytes a value and four a record.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::columnar::StrColumn;
use tantivy::index::SegmentId;
use tantivy::{DocId, Searcher, SegmentReader};

/// Ordinals of one column in one segment.
pub struct Forward {
    /// Where each record's values begin, and one more; `None` when every record has exactly one.
    starts: Option<Vec<u32>>,
    ords: Vec<u16>,
}

impl Forward {
    /// Unpacks a column; `None` when it has more different values than fit.
    fn unpack(column: &StrColumn, num_docs: DocId) -> Option<Self> {
        if column.dictionary().num_terms() > usize::from(u16::MAX) {
            return None;
        }
        let mut starts = Vec::with_capacity(num_docs as usize + 1);
        let mut ords = Vec::with_capacity(num_docs as usize);
        for doc in 0..num_docs {
            starts.push(ords.len() as u32);
            ords.extend(column.ords().values_for_doc(doc).map(|ord| ord as u16));
        }
        starts.push(ords.len() as u32);
        let one_each = starts.iter().zip(0..).all(|(start, at)| *start == at);
        Some(Self { starts: (!one_each).then_some(starts), ords })
    }

    /// Returns the ordinals of a record's values.
    #[inline]
    pub fn ords(&self, doc: DocId) -> &[u16] {
        let doc = doc as usize;
        match &self.starts {
            None => &self.ords[doc..=doc],
            Some(starts) => &self.ords[starts[doc] as usize..starts[doc + 1] as usize],
        }
    }

    /// Adds the values of `docs` to the counts of their ordinals.
    pub fn count(&self, docs: &[DocId], counts: &mut [u32]) {
        match &self.starts {
            None => {
                for &doc in docs {
                    counts[usize::from(self.ords[doc as usize])] += 1;
                }
            }
            Some(_) => {
                for &doc in docs {
                    for &ord in self.ords(doc) {
                        counts[usize::from(ord)] += 1;
                    }
                }
            }
        }
    }
}

/// A segment and the name of a column in it.
type ColumnKey = (SegmentId, String);

/// The unpacked columns of the segments in use.
#[derive(Default)]
pub struct Forwards {
    columns: Mutex<HashMap<ColumnKey, Option<Arc<Forward>>>>,
}

impl Forwards {
    /// Returns the column in plain arrays, unpacking it on first use; `None` when it has too many different values.
    pub fn get(
        &self,
        reader: &SegmentReader,
        name: &str,
        column: &StrColumn,
    ) -> Option<Arc<Forward>> {
        let key = (reader.segment_id(), name.to_owned());
        let known = self.columns.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let forward = Forward::unpack(column, reader.max_doc()).map(Arc::new);
            let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
            columns.insert(key, forward.clone());
            forward
        })
    }

    /// Forgets the columns of segments that `searcher` no longer has.
    pub fn keep_only(&self, searcher: &Searcher) {
        let live: HashSet<SegmentId> =
            searcher.segment_readers().iter().map(SegmentReader::segment_id).collect();
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        columns.retain(|(segment, _), _| live.contains(segment));
    }
}
