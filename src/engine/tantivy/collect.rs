//! One pass over the matches: the best of them, the exact total, and the facets.
//!
//! A facet that something is selected in counts as if nothing were selected in it ("drill sideways"): a record that
//! fails exactly one selection still counts in that selection's own facet.

use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn, TermOrdHit};
use tantivy::{DocAddress, DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::forward::{Columns, FacetColumn, Forward};
use super::lower;
use super::schema::{ColumnFields, ColumnType, IndexSchema, KIND, NEWEST};
use crate::engine::{EngineError, FacetCounts};
use crate::query::{After, Order, Search, SortKey};
use crate::record::Catalog;
use crate::record::kind::{Direction, Facet};

/// What to gather; shared by the segments of one search.
pub struct Plan {
    facets: Vec<FacetPlan>,
    selections: Vec<SelectionPlan>,
    order: OrderPlan,
    /// Records to keep in order.
    keep: usize,
    after: Option<(Option<SortKey>, u64)>,
    /// The column of kinds with the multiplier of each; `None` when no kind has one.
    boosts: Option<(Arc<FacetColumn>, Vec<f32>)>,
    revisions: Arc<[Column<u64>]>,
    today: i64,
}

struct FacetPlan {
    path: Arc<str>,
    source: Source,
    /// The selection in the same column.
    selection: Option<usize>,
}

struct SelectionPlan {
    source: Source,
    /// Numbers of the chosen values, or places of the chosen buckets.
    wanted: Vec<bool>,
}

enum Source {
    Terms(Arc<FacetColumn>),
    Buckets { name: String, decimal: bool, buckets: Arc<[Bucket]> },
}

/// `low` ≤ value < `high`.
struct Bucket {
    key: String,
    low: f64,
    high: f64,
}

enum OrderPlan {
    Score,
    Text { name: String, rising: bool },
    Number { name: String, decimal: bool, rising: bool, deadline: bool },
}

/// A record kept in order.
#[derive(Clone, Debug)]
pub struct Kept {
    pub address: DocAddress,
    pub score: f32,
    pub revision: u64,
    pub key: Option<SortKey>,
}

/// What one segment gave; `counts` are by number, a facet each.
pub struct SegmentGathered {
    kept: Vec<Kept>,
    total: u64,
    matched: u64,
    counts: Vec<Vec<u32>>,
}

#[derive(Debug, Default)]
pub struct Gathered {
    /// In order, at most as many as asked for.
    pub kept: Vec<Kept>,
    pub total: u64,
    /// Matches before the selections.
    pub matched: u64,
    pub facets: Vec<FacetCounts>,
}

impl Plan {
    pub fn new(
        search: &Search,
        keep: usize,
        schema: &IndexSchema,
        catalog: &Catalog,
        searcher: &Searcher,
        columns: &Columns,
    ) -> Result<Self, EngineError> {
        let open = |name: &str| Ok::<_, EngineError>(columns.facet(name, searcher)?);
        let selections = search
            .selections
            .iter()
            .map(|selection| {
                let source = source(&selection.path, search, schema, catalog, &open)?;
                let wanted = source.wanted(&selection.values);
                Ok(SelectionPlan { source, wanted })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let facets = search
            .facets
            .iter()
            .map(|path| {
                Ok(FacetPlan {
                    path: path.clone(),
                    source: source(path, search, schema, catalog, &open)?,
                    selection: search.selections.iter().position(|other| other.path == *path),
                })
            })
            .collect::<Result<_, EngineError>>()?;
        let order = match &search.order {
            Order::Score => OrderPlan::Score,
            Order::Newest => OrderPlan::Number {
                name: NEWEST.into(),
                decimal: false,
                rising: false,
                deadline: false,
            },
            Order::Field { path, direction } => {
                let column = lower::column(path, schema)?;
                let rising = *direction == Direction::Ascending;
                let name = column.name.clone();
                match column.column_type {
                    ColumnType::Text | ColumnType::Tree => OrderPlan::Text { name, rising },
                    number => OrderPlan::Number {
                        name,
                        decimal: number == ColumnType::Decimal,
                        rising,
                        deadline: column.deadline,
                    },
                }
            }
        };
        let after = match &search.after {
            Some(After::Key { key, revision }) => Some((key.clone(), *revision)),
            _ => None,
        };
        let mut boosts = None;
        if catalog.kinds.iter().any(|kind| kind.boost != 1.0) {
            let kinds = open(KIND)?;
            let mut by_number = vec![1.0; kinds.num_values()];
            for kind in &catalog.kinds {
                if let Some(number) = kinds.number(&kind.name) {
                    by_number[number as usize] = kind.boost;
                }
            }
            boosts = Some((kinds, by_number));
        }
        let revisions = columns.revisions(searcher)?.clone();
        let today = search.today.into();
        Ok(Self { facets, selections, order, keep, after, boosts, revisions, today })
    }

    pub fn by_score(&self) -> bool {
        matches!(self.order, OrderPlan::Score)
    }
}

fn source(
    path: &str,
    search: &Search,
    schema: &IndexSchema,
    catalog: &Catalog,
    open: &dyn Fn(&str) -> Result<Arc<FacetColumn>, EngineError>,
) -> Result<Source, EngineError> {
    let column: &ColumnFields = lower::column(path, schema)?;
    let name = column.name.clone();
    let buckets: Vec<Bucket> = match catalog.column(path).and_then(|column| column.facet.as_ref()) {
        Some(Facet::Ranges { buckets }) => buckets
            .iter()
            .map(|bucket| Bucket {
                key: bucket.key.clone(),
                low: bucket.from.unwrap_or(f64::NEG_INFINITY),
                high: bucket.to.unwrap_or(f64::INFINITY),
            })
            .collect(),
        Some(Facet::RelativeDates { buckets }) => buckets
            .iter()
            .map(|bucket| Bucket {
                key: bucket.key.clone(),
                low: bucket
                    .from_days
                    .map_or(f64::NEG_INFINITY, |days| f64::from(search.today) + f64::from(days)),
                high: bucket
                    .to_days
                    .map_or(f64::INFINITY, |days| f64::from(search.today) + f64::from(days) + 1.0),
            })
            .collect(),
        _ => {
            return match column.column_type {
                ColumnType::Text => Ok(Source::Terms(open(&name)?)),
                ColumnType::Tree => Ok(Source::Terms(open(
                    column.above.as_ref().map_or(&name, |(_, above)| above),
                )?)),
                _ => Err(EngineError::Unsupported(format!("`{path}` has no facet"))),
            };
        }
    };
    let decimal = column.column_type == ColumnType::Decimal;
    Ok(Source::Buckets { name, decimal, buckets: buckets.into() })
}

impl Source {
    /// Names what was counted: every bucket, but only the values that some record has.
    fn counted(&self, counts: &[u32]) -> Vec<(Arc<str>, u64)> {
        match self {
            Source::Terms(column) => column.counted(counts),
            Source::Buckets { buckets, .. } => buckets
                .iter()
                .zip(counts)
                .map(|(bucket, count)| (bucket.key.as_str().into(), u64::from(*count)))
                .collect(),
        }
    }

    fn wanted(&self, values: &[String]) -> Vec<bool> {
        match self {
            Source::Terms(column) => {
                let mut wanted = vec![false; column.num_values()];
                for number in values.iter().filter_map(|value| column.number(value)) {
                    wanted[number as usize] = true;
                }
                wanted
            }
            Source::Buckets { buckets, .. } => {
                buckets.iter().map(|bucket| values.contains(&bucket.key)).collect()
            }
        }
    }
}

/// The collector of one search.
pub struct Gather {
    pub plan: Arc<Plan>,
}

impl Collector for Gather {
    type Fruit = Gathered;
    type Child = SegmentGather;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentGather> {
        let fast = reader.fast_fields();
        let plan = &self.plan;
        let counters = plan
            .facets
            .iter()
            .map(|facet| Counter::open(&facet.source, segment, reader))
            .collect::<tantivy::Result<_>>()?;
        let selections = plan
            .selections
            .iter()
            .enumerate()
            .map(|(at, selection)| {
                let reads = Reads::open(&selection.source, segment, reader)?;
                Ok(Choice { reads, plan: plan.clone(), at })
            })
            .collect::<tantivy::Result<_>>()?;
        let ranks = match &plan.order {
            OrderPlan::Score => Ranks::Score,
            OrderPlan::Text { name, .. } => Ranks::Text(fast.str(name)?),
            OrderPlan::Number { name, decimal: false, .. } => {
                Ranks::Integer(fast.column_opt::<i64>(name)?)
            }
            OrderPlan::Number { name, .. } => Ranks::Decimal(fast.column_opt::<f64>(name)?),
        };
        let kinds = plan.boosts.as_ref().map(|(kinds, _)| kinds.segment(segment).clone());
        let mut child = SegmentGather {
            plan: plan.clone(),
            segment,
            counters,
            selections,
            ranks,
            kinds,
            revisions: plan.revisions[segment as usize].clone(),
            best: Vec::new(),
            uncounted: Vec::with_capacity(BLOCK),
            threshold: 0,
            ceiling: None,
            total: 0,
            matched: 0,
        };
        child.ceiling = child.ceiling()?;
        Ok(child)
    }

    fn requires_scoring(&self) -> bool {
        self.plan.by_score()
    }

    fn merge_fruits(
        &self,
        segments: Vec<tantivy::Result<SegmentGathered>>,
    ) -> tantivy::Result<Gathered> {
        let mut merged = Gathered::default();
        let mut counts: Vec<Vec<u32>> = Vec::new();
        for gathered in segments {
            let gathered = gathered?;
            merged.total += gathered.total;
            merged.matched += gathered.matched;
            merged.kept.extend(gathered.kept);
            if counts.is_empty() {
                counts = gathered.counts;
                continue;
            }
            for (merged, counts) in counts.iter_mut().zip(gathered.counts) {
                merged.iter_mut().zip(counts).for_each(|(merged, count)| *merged += count);
            }
        }
        merged.kept.sort_by(|a, b| self.compare(a, b));
        merged.kept.truncate(self.plan.keep);
        counts.resize_with(self.plan.facets.len(), Vec::new);
        merged.facets = self
            .plan
            .facets
            .iter()
            .zip(counts)
            .map(|(facet, counts)| FacetCounts {
                path: facet.path.clone(),
                counts: facet.source.counted(&counts),
            })
            .collect();
        Ok(merged)
    }
}

impl Gather {
    /// Better first; records without the key last; ties by revision.
    fn compare(&self, a: &Kept, b: &Kept) -> std::cmp::Ordering {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let rising = match &self.plan.order {
            OrderPlan::Score => {
                return b.score.total_cmp(&a.score).then(a.revision.cmp(&b.revision));
            }
            OrderPlan::Text { rising, .. } | OrderPlan::Number { rising, .. } => *rising,
        };
        match (&a.key, &b.key) {
            (Some(left), Some(right)) => {
                let order = left.partial_cmp(right).unwrap_or(Equal);
                if rising { order } else { order.reverse() }
            }
            (Some(_), None) => Less,
            (None, Some(_)) => Greater,
            (None, None) => Equal,
        }
        .then(a.revision.cmp(&b.revision))
    }
}

/// Where a segment's sort keys come from.
enum Ranks {
    Score,
    Text(Option<StrColumn>),
    Integer(Option<Column<i64>>),
    Decimal(Option<Column<f64>>),
}

/// Matches counted at a time.
const BLOCK: usize = 1_024;

pub struct SegmentGather {
    plan: Arc<Plan>,
    segment: SegmentOrdinal,
    counters: Vec<Counter>,
    selections: Vec<Choice>,
    ranks: Ranks,
    /// Only where kinds have multipliers.
    kinds: Option<Arc<Forward>>,
    revisions: Column<u64>,
    /// Rank and revision in one number, greater is better; unordered, cut down when twice as long as needed.
    best: Vec<(u128, DocId)>,
    threshold: u128,
    /// Matches that the facets have yet to count: column by column is faster than match by match.
    uncounted: Vec<DocId>,
    /// Only what is below it comes after the cursor.
    ceiling: Option<u128>,
    total: u64,
    matched: u64,
}

impl SegmentCollector for SegmentGather {
    type Fruit = tantivy::Result<SegmentGathered>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.matched += 1;
        let mut failed = None;
        for (at, selection) in self.selections.iter().enumerate() {
            if !selection.matches(doc) {
                if failed.is_some() {
                    return;
                }
                failed = Some(at);
            }
        }
        if let Some(failed) = failed {
            for (counter, facet) in self.counters.iter_mut().zip(&self.plan.facets) {
                if facet.selection == Some(failed) {
                    counter.count(&[doc]);
                }
            }
            return;
        }
        self.total += 1;
        if !self.counters.is_empty() {
            self.uncounted.push(doc);
            if self.uncounted.len() == BLOCK {
                self.count();
            }
        }
        self.keep(doc, score);
    }

    fn harvest(mut self) -> tantivy::Result<SegmentGathered> {
        self.count();
        self.cut();
        let best = std::mem::take(&mut self.best);
        let kept = best
            .into_iter()
            .map(|(rank, doc)| {
                Ok(Kept {
                    address: DocAddress::new(self.segment, doc),
                    score: match self.ranks {
                        Ranks::Score => f32::from_bits((rank >> 64) as u32),
                        _ => 0.0,
                    },
                    revision: !(rank as u64),
                    key: self.key(doc)?,
                })
            })
            .collect::<tantivy::Result<_>>()?;
        let counts = self.counters.into_iter().map(Counter::by_value).collect();
        Ok(SegmentGathered { kept, total: self.total, matched: self.matched, counts })
    }
}

impl SegmentGather {
    #[inline]
    fn keep(&mut self, doc: DocId, score: Score) {
        let rank = match self.ranks {
            Ranks::Score => {
                let boost = match (&self.kinds, &self.plan.boosts) {
                    (Some(kinds), Some((_, boosts))) => {
                        kinds.numbers(doc).first().map_or(1.0, |&kind| boosts[kind as usize])
                    }
                    _ => 1.0,
                };
                // The bits of numbers that are not negative are ordered like the numbers.
                u64::from((score * boost).max(0.0).to_bits())
            }
            _ => self.rank(doc),
        };
        if rank < (self.threshold >> 64) as u64 || self.plan.keep == 0 {
            return;
        }
        let revision = self.revisions.first(doc).unwrap_or_default();
        let composite = composite(rank, revision);
        if composite <= self.threshold || self.ceiling.is_some_and(|ceiling| composite >= ceiling) {
            return;
        }
        self.best.push((composite, doc));
        if self.best.len() >= 2 * self.plan.keep.max(64) {
            self.cut();
        }
    }

    fn count(&mut self) {
        for counter in &mut self.counters {
            counter.count(&self.uncounted);
        }
        self.uncounted.clear();
    }

    fn cut(&mut self) {
        let keep = self.plan.keep;
        if self.best.len() > keep {
            self.best.select_nth_unstable_by(keep - 1, |a, b| b.0.cmp(&a.0));
            self.best.truncate(keep);
            self.threshold = self.best[keep - 1].0;
        }
    }

    /// Greater is better; 0 is a record without the value.
    fn rank(&self, doc: DocId) -> u64 {
        match (&self.ranks, &self.plan.order) {
            (Ranks::Text(Some(column)), OrderPlan::Text { rising, .. }) => {
                let ords = column.ords().values_for_doc(doc);
                if *rising {
                    ords.min().map_or(0, |ord| text_rank(ord, true))
                } else {
                    ords.max().map_or(0, |ord| text_rank(ord, false))
                }
            }
            (Ranks::Integer(Some(_)), OrderPlan::Number { rising, .. }) => {
                self.integer(doc).map_or(0, |value| number_rank(monotonic_i64(value), *rising))
            }
            (Ranks::Decimal(Some(_)), OrderPlan::Number { rising, .. }) => {
                self.decimal(doc).map_or(0, |value| number_rank(monotonic_f64(value), *rising))
            }
            _ => 0,
        }
    }

    fn integer(&self, doc: DocId) -> Option<i64> {
        let (Ranks::Integer(Some(column)), OrderPlan::Number { rising, deadline, .. }) =
            (&self.ranks, &self.plan.order)
        else {
            return None;
        };
        let values = column.values_for_doc(doc);
        match (*rising, *deadline) {
            (true, true) => values.map(|value| self.days_left(value)).min(),
            (true, false) => values.min(),
            (false, _) => values.max(),
        }
    }

    /// What is still to come counts from today; what is past comes behind all of it, the latest first.
    fn days_left(&self, day: i64) -> i64 {
        const PAST: i64 = 1 << 32;
        let left = day - self.plan.today;
        if left >= 0 { left } else { PAST - left }
    }

    fn decimal(&self, doc: DocId) -> Option<f64> {
        let (Ranks::Decimal(Some(column)), OrderPlan::Number { rising, .. }) =
            (&self.ranks, &self.plan.order)
        else {
            return None;
        };
        let values = column.values_for_doc(doc);
        if *rising { values.min_by(f64::total_cmp) } else { values.max_by(f64::total_cmp) }
    }

    fn key(&self, doc: DocId) -> tantivy::Result<Option<SortKey>> {
        Ok(match (&self.ranks, &self.plan.order) {
            (Ranks::Score, _) => None,
            (Ranks::Text(column), OrderPlan::Text { rising, .. }) => {
                let Some(column) = column else { return Ok(None) };
                let ords = column.ords().values_for_doc(doc);
                match if *rising { ords.min() } else { ords.max() } {
                    None => None,
                    Some(ord) => {
                        let mut text = String::new();
                        column.ord_to_str(ord, &mut text)?;
                        Some(SortKey::Text(text))
                    }
                }
            }
            (Ranks::Decimal(_), _) => self.decimal(doc).map(SortKey::Decimal),
            _ => self.integer(doc).map(SortKey::Integer),
        })
    }

    /// Turns the cursor's key into this segment's ranks.
    fn ceiling(&self) -> tantivy::Result<Option<u128>> {
        let Some((key, revision)) = &self.plan.after else { return Ok(None) };
        let rank = match (key, &self.ranks, &self.plan.order) {
            (None, ..) => 0,
            (
                Some(SortKey::Text(text)),
                Ranks::Text(Some(column)),
                OrderPlan::Text { rising, .. },
            ) => {
                match column.dictionary().term_ord_or_next(text.as_bytes())? {
                    TermOrdHit::Exact(ord) => text_rank(ord, *rising),
                    // Everything from `ord` on is greater than the key, everything before it less.
                    TermOrdHit::Next(ord) => {
                        let above = if *rising {
                            u128::from(text_rank(ord, true)) + 1
                        } else {
                            u128::from(text_rank(ord, false))
                        };
                        return Ok(Some(above << 64));
                    }
                }
            }
            (
                Some(SortKey::Integer(value)),
                Ranks::Integer(_),
                OrderPlan::Number { rising, .. },
            ) => number_rank(monotonic_i64(*value), *rising),
            (Some(SortKey::Integer(value)), _, OrderPlan::Number { rising, .. }) => {
                number_rank(monotonic_f64(*value as f64), *rising)
            }
            (Some(SortKey::Decimal(value)), _, OrderPlan::Number { rising, .. }) => {
                number_rank(monotonic_f64(*value), *rising)
            }
            _ => 0,
        };
        Ok(Some(composite(rank, *revision)))
    }
}

fn composite(rank: u64, revision: u64) -> u128 {
    u128::from(rank) << 64 | u128::from(!revision)
}

fn text_rank(ord: u64, rising: bool) -> u64 {
    if rising { u64::MAX - 1 - ord } else { ord + 1 }
}

fn number_rank(monotonic: u64, rising: bool) -> u64 {
    (if rising { !monotonic } else { monotonic }).max(1)
}

fn monotonic_i64(value: i64) -> u64 {
    (value as u64) ^ (1 << 63)
}

fn monotonic_f64(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits ^ (1 << 63) } else { !bits }
}

/// Counts one facet in one segment.
struct Counter {
    reads: Reads,
    /// By number of the list of values, or place of the bucket.
    counts: Vec<u32>,
    /// Different values in all segments.
    num_values: usize,
}

/// What a facet or a selection reads of a segment.
enum Reads {
    Terms(Arc<Forward>),
    /// `None` where no record of the segment has a number.
    Buckets(Option<Numbers>, Arc<[Bucket]>),
}

impl Reads {
    fn open(
        source: &Source,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<Self> {
        Ok(match source {
            Source::Terms(column) => Reads::Terms(column.segment(segment).clone()),
            Source::Buckets { name, decimal, buckets } => {
                Reads::Buckets(Numbers::open(name, *decimal, reader)?, buckets.clone())
            }
        })
    }
}

impl Counter {
    fn open(
        source: &Source,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let (different, num_values) = match source {
            Source::Terms(column) => (column.segment(segment).num_lists(), column.num_values()),
            Source::Buckets { buckets, .. } => (buckets.len(), buckets.len()),
        };
        let counts = vec![0; different];
        Ok(Self { reads: Reads::open(source, segment, reader)?, counts, num_values })
    }

    /// Returns the counts by number of the value, or place of the bucket.
    fn by_value(self) -> Vec<u32> {
        match &self.reads {
            Reads::Terms(forward) => forward.by_value(&self.counts, self.num_values),
            Reads::Buckets(..) => self.counts,
        }
    }

    /// A record's values are distinct, so each counts it once.
    fn count(&mut self, docs: &[DocId]) {
        match &self.reads {
            Reads::Terms(forward) => forward.count(docs, &mut self.counts),
            Reads::Buckets(Some(numbers), buckets) => {
                for &doc in docs {
                    for (bucket, count) in buckets.iter().zip(&mut self.counts) {
                        *count += u32::from(numbers.any_in(doc, bucket));
                    }
                }
            }
            Reads::Buckets(None, _) => {}
        }
    }
}

/// Tells whether a record has one of the chosen values.
struct Choice {
    reads: Reads,
    plan: Arc<Plan>,
    at: usize,
}

impl Choice {
    #[inline]
    fn matches(&self, doc: DocId) -> bool {
        let wanted = &self.plan.selections[self.at].wanted;
        match &self.reads {
            Reads::Terms(forward) => {
                forward.numbers(doc).iter().any(|&number| wanted[number as usize])
            }
            Reads::Buckets(Some(numbers), buckets) => buckets
                .iter()
                .zip(wanted)
                .any(|(bucket, wanted)| *wanted && numbers.any_in(doc, bucket)),
            Reads::Buckets(None, _) => false,
        }
    }
}

enum Numbers {
    Integer(Column<i64>),
    Decimal(Column<f64>),
}

impl Numbers {
    fn open(name: &str, decimal: bool, reader: &SegmentReader) -> tantivy::Result<Option<Self>> {
        let fast = reader.fast_fields();
        Ok(if decimal {
            fast.column_opt::<f64>(name)?.map(Numbers::Decimal)
        } else {
            fast.column_opt::<i64>(name)?.map(Numbers::Integer)
        })
    }

    #[inline]
    fn any_in(&self, doc: DocId, bucket: &Bucket) -> bool {
        match self {
            Numbers::Integer(column) => column
                .values_for_doc(doc)
                .any(|value| bucket.low <= value as f64 && (value as f64) < bucket.high),
            Numbers::Decimal(column) => {
                column.values_for_doc(doc).any(|value| bucket.low <= value && value < bucket.high)
            }
        }
    }
}
