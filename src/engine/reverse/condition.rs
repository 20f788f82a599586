//! What a record must be to match a standing query: mostly to hold tokens.

use super::item::{Item, below_token, code_token, text_token, value_token};
use crate::query::filter::{Filter, Inclusive, Literal};
use crate::query::{Query, Selection, TokenField};
use crate::record::FieldType;
use crate::record::kind::{Catalog, Column, Facet};
use crate::record::validate::ColumnValue;
use crate::text::code_key;

/// How often tokens occur.
pub trait Frequencies {
    /// Number of records that hold the token.
    fn with_token(&self, field: TokenField, token: &str) -> u64;

    /// Number of all records.
    fn num_records(&self) -> u64;
}

/// A condition on one record; what a search with the same query, filter and selections finds.
#[derive(Clone, Debug)]
pub struct Condition(pub(super) Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Holds the token of a text; beside it how many records do, at the time when the condition was made.
    Token(u64, u32),
    /// Holds the token of a value.
    Value(u64),
    Test(Test),
    All(Vec<Node>),
    AtLeast(usize, Vec<Node>),
    NoneOf(Vec<Node>),
}

/// What no token tells.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Holds the tokens at these distances.
    Phrase(Box<[(usize, u64)]>),
    Exists(Box<str>),
    Between {
        path: Box<str>,
        low: End,
        high: End,
    },
    /// Ends of the chosen buckets of a facet: `low` ≤ value < `high`, in days from today when `relative`.
    Buckets {
        path: Box<str>,
        relative: bool,
        ranges: Box<[(f64, f64)]>,
    },
}

type End = Option<(Literal, Inclusive)>;

/// Where a condition is filed.
pub(super) enum Anchors {
    Never,
    /// A record that matches may have any tokens.
    Always,
    /// A record that matches has one of these.
    Any(Vec<u64>),
}

impl Condition {
    /// The records that match any of `queries`, and `filter`, and every selection.
    pub fn new(
        queries: &[&Query],
        filter: Option<&Filter>,
        selections: &[Selection],
        catalog: &Catalog,
        frequencies: &dyn Frequencies,
    ) -> Self {
        // The most lenient first: it is the one that most records meet.
        let queries = queries.iter().rev().map(|query| node(query, frequencies)).collect();
        let mut all = vec![Node::AtLeast(1, queries)];
        all.extend(filter.map(of_filter));
        all.extend(selections.iter().map(|selection| chosen(selection, catalog)));
        Self(Node::All(all))
    }

    pub(super) fn anchors(&self, frequencies: &dyn Frequencies) -> Anchors {
        self.0.anchors(frequencies.num_records()).0
    }
}

fn node(query: &Query, frequencies: &dyn Frequencies) -> Node {
    let token = |field: TokenField, token: &str| {
        let frequency = frequencies.with_token(field, token);
        Node::Token(text_token(field, token), u32::try_from(frequency).unwrap_or(u32::MAX))
    };
    let nodes = |queries: &[Query]| -> Vec<Node> {
        queries.iter().map(|query| node(query, frequencies)).collect()
    };
    match query {
        Query::All => Node::All(Vec::new()),
        Query::Nothing => Node::AtLeast(1, Vec::new()),
        Query::Term { field, token: text, .. } => token(*field, text),
        Query::Phrase { tokens, .. } if tokens.is_empty() => Node::AtLeast(1, Vec::new()),
        Query::Phrase { field, tokens } => {
            let mut all: Vec<Node> = tokens.iter().map(|(_, text)| token(*field, text)).collect();
            if tokens.len() > 1 {
                let placed = tokens.iter().map(|(at, text)| (*at, text_token(*field, text)));
                all.push(Node::Test(Test::Phrase(placed.collect())));
            }
            Node::All(all)
        }
        Query::And(queries) => Node::All(nodes(queries)),
        Query::Or { clauses, minimum } => Node::AtLeast((*minimum).max(1), nodes(clauses)),
        Query::Best(clauses) => Node::AtLeast(1, nodes(clauses)),
        Query::Filter(filter) => of_filter(filter),
        Query::Prefer { keep, .. } => node(keep, frequencies),
        Query::Without { keep, drop } => {
            Node::All(vec![node(keep, frequencies), Node::NoneOf(nodes(drop))])
        }
    }
}

fn of_filter(filter: &Filter) -> Node {
    let all = |filters: &[Filter]| filters.iter().map(of_filter).collect();
    match filter {
        Filter::Equal { path, value } => equal(path, value),
        Filter::In { path, values } => {
            Node::AtLeast(1, values.iter().map(|value| equal(path, value)).collect())
        }
        Filter::Range { path, low, high } => {
            let (path, low, high) = ((**path).into(), low.clone(), high.clone());
            Node::Test(Test::Between { path, low, high })
        }
        // Every record has a kind.
        Filter::Exists { path } if &**path == "kind" => Node::All(Vec::new()),
        Filter::Exists { path } => Node::Test(Test::Exists((**path).into())),
        Filter::Within { path, code } => Node::Value(below_token(path, code)),
        Filter::Covers { path, codes } => {
            let values = codes.iter().map(|code| Node::Value(value_token(path, code)));
            Node::AtLeast(1, values.collect())
        }
        Filter::And(filters) => Node::All(all(filters)),
        Filter::Or(filters) => Node::AtLeast(1, all(filters)),
        Filter::Not(filter) => Node::NoneOf(vec![of_filter(filter)]),
    }
}

fn equal(path: &str, value: &Literal) -> Node {
    match value {
        Literal::Text(text) => {
            let ways = [value_token(path, text), code_token(path, &code_key(text))];
            Node::AtLeast(1, ways.map(Node::Value).into())
        }
        number => {
            let end = Some((number.clone(), true));
            Node::Test(Test::Between { path: path.into(), low: end.clone(), high: end })
        }
    }
}

fn chosen(selection: &Selection, catalog: &Catalog) -> Node {
    let column = catalog.column(&selection.path);
    let path = &*selection.path;
    let has = |key: &str| selection.values.iter().any(|value| value == key);
    let buckets = |relative: bool, ranges: Vec<(f64, f64)>| {
        Node::Test(Test::Buckets { path: path.into(), relative, ranges: ranges.into() })
    };
    match column.and_then(|column| column.facet.as_ref()) {
        Some(Facet::Ranges { buckets: declared }) => {
            let chosen = declared.iter().filter(|bucket| has(&bucket.key));
            let ends = chosen
                .map(|b| (b.from.unwrap_or(f64::NEG_INFINITY), b.to.unwrap_or(f64::INFINITY)));
            buckets(false, ends.collect())
        }
        Some(Facet::RelativeDates { buckets: declared }) => {
            let chosen = declared.iter().filter(|bucket| has(&bucket.key));
            let ends = chosen.map(|bucket| {
                let low = bucket.from_days.map_or(f64::NEG_INFINITY, f64::from);
                (low, bucket.to_days.map_or(f64::INFINITY, |days| f64::from(days) + 1.0))
            });
            buckets(true, ends.collect())
        }
        _ => {
            // A code of a tree is chosen with everything below it.
            let is_tree = |column: &Column| column.field_type == FieldType::Tree;
            let token = if column.is_some_and(is_tree) { below_token } else { value_token };
            let values = selection.values.iter().map(|value| Node::Value(token(path, value)));
            Node::AtLeast(1, values.collect())
        }
    }
}

impl Node {
    /// Where to file the node, and how many of `num_records` records that brings up.
    fn anchors(&self, num_records: u64) -> (Anchors, u64) {
        let always = || (Anchors::Always, u64::MAX);
        match self {
            Node::Token(token, frequency) => {
                (Anchors::Any(vec![*token]), u64::from(*frequency) + 1)
            }
            // What a column holds is not counted: a guess that prefers rare words.
            Node::Value(token) => (Anchors::Any(vec![*token]), num_records / 8),
            Node::Test(_) | Node::NoneOf(_) => always(),
            Node::All(nodes) => {
                let parts = nodes.iter().map(|node| node.anchors(num_records));
                parts.min_by_key(|(_, cost)| *cost).unwrap_or_else(always)
            }
            Node::AtLeast(minimum, nodes) => {
                if *minimum > nodes.len() {
                    return (Anchors::Never, 0);
                }
                // A record that lacks all of these has too few of the others.
                let mut parts: Vec<_> =
                    nodes.iter().map(|node| node.anchors(num_records)).collect();
                parts.sort_by_key(|(_, cost)| *cost);
                parts.truncate(nodes.len() + 1 - minimum);
                union(parts)
            }
        }
    }
}

fn union(parts: Vec<(Anchors, u64)>) -> (Anchors, u64) {
    let mut tokens = Vec::new();
    let mut total: u64 = 0;
    for (anchors, cost) in parts {
        total = total.saturating_add(cost);
        match anchors {
            Anchors::Never => {}
            Anchors::Always => return (Anchors::Always, u64::MAX),
            Anchors::Any(more) => tokens.extend(more),
        }
    }
    match tokens.is_empty() {
        true => (Anchors::Never, 0),
        false => (Anchors::Any(tokens), total),
    }
}

impl Test {
    /// Tells whether `item` passes. `today` is in days since 1970-01-01.
    pub fn passes(&self, item: &Item, today: i32) -> bool {
        match self {
            Test::Phrase(tokens) => holds_phrase(tokens, item),
            Test::Exists(path) => item.values(path).next().is_some(),
            Test::Between { path, low, high } => {
                item.values(path).any(|value| above(value, low) && below(value, high))
            }
            Test::Buckets { path, relative, ranges } => {
                let shift = if *relative { f64::from(today) } else { 0.0 };
                item.values(path).filter_map(number).any(|value| {
                    ranges.iter().any(|(low, high)| *low + shift <= value && value < *high + shift)
                })
            }
        }
    }
}

fn holds_phrase(tokens: &[(usize, u64)], item: &Item) -> bool {
    let (first, token) = tokens[0];
    item.positions(token).iter().any(|&at| {
        tokens[1..].iter().all(|&(offset, token)| {
            let wanted = (at + offset).checked_sub(first);
            wanted.is_some_and(|wanted| item.positions(token).binary_search(&wanted).is_ok())
        })
    })
}

fn number(value: &ColumnValue) -> Option<f64> {
    match value {
        ColumnValue::Integer(number) => Some(*number as f64),
        ColumnValue::Date(days) => Some(f64::from(*days)),
        ColumnValue::Decimal(number) => Some(*number),
        _ => None,
    }
}

fn above(value: &ColumnValue, low: &End) -> bool {
    let Some((low, inclusive)) = low else {
        return true;
    };
    order(value, low).is_some_and(|order| order.is_gt() || (*inclusive && order.is_eq()))
}

fn below(value: &ColumnValue, high: &End) -> bool {
    let Some((high, inclusive)) = high else {
        return true;
    };
    order(value, high).is_some_and(|order| order.is_lt() || (*inclusive && order.is_eq()))
}

fn order(value: &ColumnValue, literal: &Literal) -> Option<std::cmp::Ordering> {
    match (value, literal) {
        (ColumnValue::Integer(value), Literal::Integer(literal)) => Some(value.cmp(literal)),
        (ColumnValue::Date(value), Literal::Integer(literal)) => {
            Some(i64::from(*value).cmp(literal))
        }
        (ColumnValue::Decimal(value), Literal::Decimal(literal)) => value.partial_cmp(literal),
        _ => None,
    }
}
