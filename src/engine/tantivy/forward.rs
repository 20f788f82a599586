//! Columns laid out for reading, kept beside a view of the index.
//!
//! A column on disk is packed bit by bit, its values are numbers into a compressed dictionary of the segment's own, and
//! opening it is a search in the segment's list of columns. A search with facets reads every value of every match and
//! the key of every hit, so what it reads is unpacked once a segment, on first use, into plain arrays: the different
//! lists of values that records have, the number of each record's list in two bytes, and the keys themselves. Values
//! have the same number in all segments: counts add up without a look at a text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use tantivy::columnar::{Column, StrColumn};
use tantivy::index::SegmentId;
use tantivy::{DocId, Searcher, SegmentOrdinal, SegmentReader};

use super::schema;

/// The columns of one view that were read so far.
#[derive(Default)]
pub struct Columns {
    facets: Mutex<HashMap<String, Arc<FacetColumn>>>,
    keys: OnceLock<Vec<Arc<Keys>>>,
    /// Small columns that every search opens.
    revisions: OnceLock<Arc<[Column<u64>]>>,
    days: OnceLock<Vec<Column<i64>>>,
}

impl Columns {
    /// Lays out for `searcher` what was read in an older view. Only segments that are new cost anything.
    pub fn renew(&self, searcher: &Searcher) -> tantivy::Result<Self> {
        let renewed = Self::default();
        let known: Vec<(String, Arc<FacetColumn>)> = {
            let facets = self.facets.lock().unwrap_or_else(PoisonError::into_inner);
            facets.iter().map(|(name, column)| (name.clone(), column.clone())).collect()
        };
        for (name, column) in known {
            let column = Arc::new(FacetColumn::open(&name, searcher, Some(&column))?);
            renewed.facets.lock().unwrap_or_else(PoisonError::into_inner).insert(name, column);
        }
        if let Some(known) = self.keys.get() {
            // A new cell is empty.
            let _ = renewed.keys.set(open_keys(searcher, known)?);
        }
        Ok(renewed)
    }

    /// Returns a column of texts, unpacking it on first use.
    pub fn facet(&self, name: &str, searcher: &Searcher) -> tantivy::Result<Arc<FacetColumn>> {
        let known = |facets: &Mutex<HashMap<String, Arc<FacetColumn>>>| {
            facets.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
        };
        if let Some(column) = known(&self.facets) {
            return Ok(column);
        }
        let column = Arc::new(FacetColumn::open(name, searcher, None)?);
        let mut facets = self.facets.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(facets.entry(name.to_owned()).or_insert(column).clone())
    }

    /// Returns the revisions of the records, a segment each.
    pub fn revisions(&self, searcher: &Searcher) -> tantivy::Result<&Arc<[Column<u64>]>> {
        read_once(&self.revisions, || {
            let open = |reader: &SegmentReader| reader.fast_fields().u64(schema::REVISION);
            searcher.segment_readers().iter().map(open).collect()
        })
    }

    /// Returns the days that decide which records are the newest, a segment each.
    pub fn days(&self, searcher: &Searcher) -> tantivy::Result<&[Column<i64>]> {
        let days = read_once(&self.days, || {
            let open = |reader: &SegmentReader| reader.fast_fields().i64(schema::NEWEST);
            searcher.segment_readers().iter().map(open).collect()
        });
        days.map(|days| &days[..])
    }

    /// Returns the keys of the records, a segment each, unpacking them on first use.
    pub fn keys(&self, searcher: &Searcher) -> tantivy::Result<&[Arc<Keys>]> {
        read_once(&self.keys, || open_keys(searcher, &[])).map(|keys| &keys[..])
    }
}

/// Reads on first use. Two at once may both read, and both get what the first one found.
fn read_once<T>(
    cell: &OnceLock<T>,
    read: impl FnOnce() -> tantivy::Result<T>,
) -> tantivy::Result<&T> {
    if let Some(known) = cell.get() {
        return Ok(known);
    }
    let new = read()?;
    Ok(cell.get_or_init(|| new))
}

/// A column of texts in all segments of a view.
pub struct FacetColumn {
    values: Arc<Values>,
    num_values: usize,
    segments: Vec<Arc<Forward>>,
}

/// The different texts of a column, numbered in the order of their first sight.
#[derive(Default)]
struct Values(RwLock<Numbered>);

#[derive(Default)]
struct Numbered {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

/// One segment's part of a column.
pub struct Forward {
    segment: SegmentId,
    /// Number of each record's list.
    lists: Lists,
    /// Where each list begins, and one more.
    starts: Vec<u32>,
    /// Numbers of the values, list by list.
    numbers: Vec<u32>,
    num_different: usize,
}

/// Records of few different lists take half the memory, and half the time to read.
enum Lists {
    Few(Vec<u16>),
    Many(Vec<u32>),
}

impl FacetColumn {
    fn open(
        name: &str,
        searcher: &Searcher,
        before: Option<&FacetColumn>,
    ) -> tantivy::Result<Self> {
        let readers = searcher.segment_readers();
        let reused = |reader: &SegmentReader| {
            let segments = before.map_or(&[][..], |column| &column.segments);
            segments.iter().find(|forward| forward.segment == reader.segment_id()).cloned()
        };
        let values = before.map(|column| column.values.clone()).unwrap_or_default();
        let mut segments = Vec::with_capacity(readers.len());
        for reader in readers {
            segments.push(match reused(reader) {
                Some(forward) => forward,
                None => Arc::new(Forward::unpack(name, reader, &values)?),
            });
        }
        let num_values = values.0.read().unwrap_or_else(PoisonError::into_inner).texts.len();
        // Values that no record has any more go when they are the greater part.
        let alive: usize = segments.iter().map(|forward| forward.num_different).sum();
        if before.is_some() && num_values > 1_024 + 2 * alive {
            return Self::open(name, searcher, None);
        }
        Ok(Self { values, num_values, segments })
    }

    /// Numbers are below it.
    pub fn num_values(&self) -> usize {
        self.num_values
    }

    pub fn segment(&self, segment: SegmentOrdinal) -> &Arc<Forward> {
        &self.segments[segment as usize]
    }

    pub fn number(&self, value: &str) -> Option<u32> {
        let values = self.values.0.read().unwrap_or_else(PoisonError::into_inner);
        values.numbers.get(value).copied().filter(|&number| (number as usize) < self.num_values)
    }

    /// Lists the values that were counted; `counts` is by number.
    pub fn counted(&self, counts: &[u32]) -> Vec<(Arc<str>, u64)> {
        let values = self.values.0.read().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.iter().zip(&values.texts).filter(|(count, _)| **count > 0);
        counted.map(|(count, text)| (text.clone(), u64::from(*count))).collect()
    }
}

impl Forward {
    fn unpack(name: &str, reader: &SegmentReader, values: &Values) -> tantivy::Result<Self> {
        let segment = reader.segment_id();
        let num_docs = reader.max_doc();
        let Some(column) = reader.fast_fields().str(name)? else {
            let lists = Lists::Few(vec![0; num_docs as usize]);
            let starts = vec![0, 0];
            return Ok(Self { segment, lists, starts, numbers: Vec::new(), num_different: 0 });
        };
        let numbers_of: Vec<u32> = {
            let mut values = values.0.write().unwrap_or_else(PoisonError::into_inner);
            terms(&column)?.iter().map(|text| values.number(text)).collect()
        };
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let (mut starts, mut numbers) = (vec![0], Vec::new());
        let mut lists = Vec::with_capacity(num_docs as usize);
        let mut list = Vec::new();
        for doc in 0..num_docs {
            list.clear();
            list.extend(column.ords().values_for_doc(doc).map(|ord| numbers_of[ord as usize]));
            let number = match known.get(&list) {
                Some(&number) => number,
                None => {
                    let number = known.len() as u32;
                    known.insert(list.clone(), number);
                    numbers.extend(&list);
                    starts.push(numbers.len() as u32);
                    number
                }
            };
            lists.push(number);
        }
        let lists = match known.len() <= usize::from(u16::MAX) {
            // From a borrowed list: an owned one would be reused, with twice the room.
            true => Lists::Few(lists.iter().map(|&list| list as u16).collect()),
            false => Lists::Many(lists),
        };
        starts.shrink_to_fit();
        numbers.shrink_to_fit();
        Ok(Self { segment, lists, starts, numbers, num_different: numbers_of.len() })
    }

    /// Returns the numbers of a record's values.
    #[inline]
    pub fn numbers(&self, doc: DocId) -> &[u32] {
        let list = match &self.lists {
            Lists::Few(lists) => usize::from(lists[doc as usize]),
            Lists::Many(lists) => lists[doc as usize] as usize,
        };
        self.list(list)
    }

    fn list(&self, list: usize) -> &[u32] {
        &self.numbers[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    pub fn num_lists(&self) -> usize {
        self.starts.len() - 1
    }

    /// Adds the records `docs` to the counts of their lists.
    pub fn count(&self, docs: &[DocId], counts: &mut [u32]) {
        match &self.lists {
            Lists::Few(lists) => {
                docs.iter().for_each(|&doc| counts[usize::from(lists[doc as usize])] += 1);
            }
            Lists::Many(lists) => {
                docs.iter().for_each(|&doc| counts[lists[doc as usize] as usize] += 1);
            }
        }
    }

    /// Turns the counts of lists into counts of their values, of which there are `num_values` in all segments.
    pub fn by_value(&self, counts: &[u32], num_values: usize) -> Vec<u32> {
        let mut by_value = vec![0; num_values];
        for (list, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.list(list).iter().for_each(|&number| by_value[number as usize] += count);
        }
        by_value
    }
}

impl Numbered {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.numbers.insert(text.clone(), number);
        self.texts.push(text);
        number
    }
}

/// The keys of one segment's records, end to end.
pub struct Keys {
    segment: SegmentId,
    ends: Vec<u32>,
    text: String,
}

impl Keys {
    fn unpack(reader: &SegmentReader) -> tantivy::Result<Self> {
        let mut keys = Self { segment: reader.segment_id(), ends: Vec::new(), text: String::new() };
        let Some(column) = reader.fast_fields().str(schema::KEY)? else { return Ok(keys) };
        let terms = terms(&column)?;
        for doc in 0..reader.max_doc() {
            let ord = column.ords().first(doc);
            keys.text.push_str(ord.map_or("", |ord| &terms[ord as usize]));
            keys.ends.push(keys.text.len() as u32);
        }
        keys.text.shrink_to_fit();
        Ok(keys)
    }

    /// Returns a record's key; empty when it has none.
    pub fn get(&self, doc: DocId) -> &str {
        let doc = doc as usize;
        let start = if doc == 0 { 0 } else { self.ends.get(doc - 1).copied().unwrap_or(0) };
        let end = self.ends.get(doc).copied().unwrap_or(start);
        &self.text[start as usize..end as usize]
    }
}

fn open_keys(searcher: &Searcher, known: &[Arc<Keys>]) -> tantivy::Result<Vec<Arc<Keys>>> {
    let open = |reader: &SegmentReader| match known
        .iter()
        .find(|keys| keys.segment == reader.segment_id())
    {
        Some(keys) => Ok(keys.clone()),
        None => Keys::unpack(reader).map(Arc::new),
    };
    searcher.segment_readers().iter().map(open).collect()
}

/// Reads a column's dictionary whole, in the order of its ordinals.
fn terms(column: &StrColumn) -> tantivy::Result<Vec<String>> {
    let mut terms = Vec::with_capacity(column.dictionary().num_terms());
    let mut stream = column.dictionary().stream()?;
    while stream.advance() {
        terms.push(String::from_utf8_lossy(stream.key()).into_owned());
    }
    Ok(terms)
}
