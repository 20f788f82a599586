//! What a record must be to match a standing query, in a form that takes little memory.

use super::item::{Item, below_token, text_token, value_token};
use crate::query::filter::{Filter, Inclusive, Literal};
use crate::query::{Query, Selection, TokenField};
use crate::record::kind::{Catalog, Facet};
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
pub struct Condition(Node);

#[derive(Clone, Debug)]
enum Node {
    Everything,
    Nothing,
    /// Holds the token; beside it how many records do, at the time when the condition was made.
    Token(u64, u32),
    /// Holds the tokens at these distances; the first is filed.
    Phrase(Box<[(usize, u64)]>, u32),
    All(Box<[Node]>),
    AtLeast(usize, Box<[Node]>),
    Without(Box<Node>, Box<[Node]>),
    Filter(Box<Filter>),
    Selection(Box<Chosen>),
}

/// What is chosen in one facet.
#[derive(Clone, Debug)]
enum Chosen {
    Values {
        path: Box<str>,
        values: Box<[String]>,
    },
    /// Ends of the chosen buckets: `low` ≤ value < `high`, in days from today when `relative`.
    Ranges {
        path: Box<str>,
        relative: bool,
        ranges: Box<[(f64, f64)]>,
    },
}

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
        let queries: Box<[Node]> = queries.iter().map(|query| node(query, frequencies)).collect();
        let mut all = vec![match queries.len() {
            1 => queries.into_vec().remove(0),
            _ => Node::AtLeast(1, queries),
        }];
        // Several conditions rather than one: each can be filed.
        match filter {
            Some(Filter::And(filters)) => {
                all.extend(filters.iter().map(|filter| Node::Filter(Box::new(filter.clone()))));
            }
            Some(filter) => all.push(Node::Filter(Box::new(filter.clone()))),
            None => {}
        }
        all.extend(selections.iter().map(|selection| chosen(selection, catalog)));
        Self(Node::All(all.into()))
    }

    /// Tells whether `item` matches. `today` is in days since 1970-01-01.
    pub fn holds(&self, item: &Item, today: i32) -> bool {
        self.0.holds(item, today)
    }

    pub(super) fn anchors(&self, frequencies: &dyn Frequencies) -> Anchors {
        self.0.anchors(frequencies.num_records()).0
    }
}

fn node(query: &Query, frequencies: &dyn Frequencies) -> Node {
    let frequency = |field: TokenField, token: &str| {
        u32::try_from(frequencies.with_token(field, token)).unwrap_or(u32::MAX)
    };
    let nodes = |queries: &[Query]| -> Box<[Node]> {
        queries.iter().map(|query| node(query, frequencies)).collect()
    };
    match query {
        Query::All => Node::Everything,
        Query::Nothing => Node::Nothing,
        Query::Term { field, token, .. } => {
            Node::Token(text_token(*field, token), frequency(*field, token))
        }
        Query::Phrase { field, tokens } => match tokens.as_slice() {
            [] => Node::Nothing,
            tokens => {
                let all = tokens.iter().map(|(at, token)| (*at, text_token(*field, token)));
                Node::Phrase(all.collect(), frequency(*field, &tokens[0].1))
            }
        },
        Query::And(queries) if queries.is_empty() => Node::Everything,
        Query::And(queries) => Node::All(nodes(queries)),
        Query::Or { clauses, minimum } => Node::AtLeast((*minimum).max(1), nodes(clauses)),
        Query::Best(clauses) => Node::AtLeast(1, nodes(clauses)),
        Query::Filter(filter) => Node::Filter(Box::new(filter.clone())),
        Query::Prefer { keep, .. } => node(keep, frequencies),
        Query::Without { keep, drop } => {
            Node::Without(Box::new(node(keep, frequencies)), nodes(drop))
        }
    }
}

fn chosen(selection: &Selection, catalog: &Catalog) -> Node {
    let column = catalog.column(&selection.path);
    let path: Box<str> = (*selection.path).into();
    let has = |key: &str| selection.values.iter().any(|value| value == key);
    let chosen = match column.and_then(|column| column.facet.as_ref()) {
        Some(Facet::Ranges { buckets }) => Chosen::Ranges {
            path,
            relative: false,
            ranges: buckets
                .iter()
                .filter(|bucket| has(&bucket.key))
                .map(|b| (b.from.unwrap_or(f64::NEG_INFINITY), b.to.unwrap_or(f64::INFINITY)))
                .collect(),
        },
        Some(Facet::RelativeDates { buckets }) => Chosen::Ranges {
            path,
            relative: true,
            ranges: buckets
                .iter()
                .filter(|bucket| has(&bucket.key))
                .map(|bucket| {
                    let low = bucket.from_days.map_or(f64::NEG_INFINITY, f64::from);
                    (low, bucket.to_days.map_or(f64::INFINITY, |days| f64::from(days) + 1.0))
                })
                .collect(),
        },
        _ => Chosen::Values { path, values: selection.values.clone().into() },
    };
    Node::Selection(Box::new(chosen))
}

impl Node {
    fn holds(&self, item: &Item, today: i32) -> bool {
        match self {
            Node::Everything => true,
            Node::Nothing => false,
            Node::Token(token, _) => item.has(*token),
            Node::Phrase(tokens, _) => holds_phrase(tokens, item),
            Node::All(nodes) => nodes.iter().all(|node| node.holds(item, today)),
            Node::AtLeast(minimum, nodes) => {
                let holding = nodes.iter().filter(|node| node.holds(item, today));
                holding.take(*minimum).count() == *minimum
            }
            Node::Without(keep, drop) => {
                keep.holds(item, today) && !drop.iter().any(|node| node.holds(item, today))
            }
            Node::Filter(filter) => passes(filter, item),
            Node::Selection(chosen) => chosen.holds(item, today),
        }
    }

    /// Where to file the node, and how many of `num_records` records that brings up.
    fn anchors(&self, num_records: u64) -> (Anchors, u64) {
        // What a column holds is not counted: a guess that prefers rare words.
        let by_value = num_records / 8;
        match self {
            Node::Nothing => (Anchors::Never, 0),
            Node::Everything => (Anchors::Always, u64::MAX),
            Node::Token(token, frequency) => {
                (Anchors::Any(vec![*token]), u64::from(*frequency) + 1)
            }
            Node::Phrase(tokens, frequency) => {
                (Anchors::Any(vec![tokens[0].1]), u64::from(*frequency) + 1)
            }
            Node::All(nodes) => nodes
                .iter()
                .map(|node| node.anchors(num_records))
                .min_by_key(|(_, cost)| *cost)
                .unwrap_or((Anchors::Always, u64::MAX)),
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
            Node::Without(keep, _) => keep.anchors(num_records),
            Node::Filter(filter) => match filter_anchors(filter) {
                Some(tokens) => {
                    let cost = by_value.saturating_mul(tokens.len() as u64);
                    (Anchors::Any(tokens), cost)
                }
                None => (Anchors::Always, u64::MAX),
            },
            Node::Selection(chosen) => match &**chosen {
                Chosen::Values { path, values } => {
                    let below = values.iter().map(|value| below_token(path, value));
                    let tokens = values.iter().flat_map(|value| written(path, value)).chain(below);
                    let tokens = tokens.collect();
                    (Anchors::Any(tokens), by_value.saturating_mul(values.len() as u64))
                }
                Chosen::Ranges { .. } => (Anchors::Always, u64::MAX),
            },
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

/// Tokens of which a record that passes has one; `None` when the filter names none.
fn filter_anchors(filter: &Filter) -> Option<Vec<u64>> {
    let text = |path: &str, value: &Literal| match value {
        Literal::Text(text) => Some(written(path, text)),
        Literal::Integer(_) | Literal::Decimal(_) => None,
    };
    let all = |lists: Option<Vec<[u64; 2]>>| lists.map(|lists| lists.concat());
    match filter {
        Filter::Equal { path, value } => text(path, value).map(Vec::from),
        Filter::In { path, values } => all(values.iter().map(|value| text(path, value)).collect()),
        Filter::Within { path, code } => Some(vec![below_token(path, code)]),
        Filter::Covers { path, codes } => {
            Some(codes.iter().map(|code| value_token(path, code)).collect())
        }
        Filter::And(filters) => filters.iter().filter_map(filter_anchors).min_by_key(Vec::len),
        Filter::Or(filters) => {
            let lists: Option<Vec<Vec<u64>>> = filters.iter().map(filter_anchors).collect();
            lists.map(|lists| lists.concat())
        }
        Filter::Range { .. } | Filter::Exists { .. } | Filter::Not(_) => None,
    }
}

/// A value as it is written, and in the form in which codes are compared.
fn written(path: &str, text: &str) -> [u64; 2] {
    [value_token(path, text), value_token(path, &code_key(text))]
}

fn holds_phrase(tokens: &[(usize, u64)], item: &Item) -> bool {
    let (first, token) = tokens[0];
    if tokens.len() == 1 {
        return item.has(token);
    }
    item.positions(token).iter().any(|&at| {
        tokens[1..].iter().all(|&(offset, token)| {
            let wanted = (at + offset).checked_sub(first);
            wanted.is_some_and(|wanted| item.positions(token).binary_search(&wanted).is_ok())
        })
    })
}

impl Chosen {
    fn holds(&self, item: &Item, today: i32) -> bool {
        match self {
            Chosen::Values { path, values } => {
                let is_chosen = |text: &str| values.iter().any(|value| value == text);
                if &**path == "kind" {
                    return is_chosen(&item.id().kind);
                }
                item.values(path).any(|value| match value {
                    // A tree is chosen with everything below it.
                    ColumnValue::Tree(_) => false,
                    ColumnValue::Term(text) | ColumnValue::Code(text) => is_chosen(text),
                    ColumnValue::Bool(flag) => is_chosen(&flag.to_string()),
                    _ => false,
                }) || item.above(path).iter().any(|code| is_chosen(code))
            }
            Chosen::Ranges { path, relative, ranges } => {
                let shift = if *relative { f64::from(today) } else { 0.0 };
                item.values(path).filter_map(number).any(|value| {
                    ranges.iter().any(|(low, high)| *low + shift <= value && value < *high + shift)
                })
            }
        }
    }
}

fn number(value: &ColumnValue) -> Option<f64> {
    match value {
        ColumnValue::Integer(number) => Some(*number as f64),
        ColumnValue::Date(days) => Some(f64::from(*days)),
        ColumnValue::Decimal(number) => Some(*number),
        _ => None,
    }
}

fn passes(filter: &Filter, item: &Item) -> bool {
    match filter {
        Filter::Equal { path, value } => equals(path, value, item),
        Filter::In { path, values } => values.iter().any(|value| equals(path, value, item)),
        Filter::Range { path, low, high } => {
            item.values(path).any(|value| above(value, low) && below(value, high))
        }
        Filter::Exists { path } => &**path == "kind" || item.values(path).next().is_some(),
        Filter::Within { path, code } => item.above(path).iter().any(|above| above == code),
        Filter::Covers { path, codes } => item
            .values(path)
            .any(|value| matches!(value, ColumnValue::Tree(found) if codes.contains(found))),
        Filter::And(filters) => filters.iter().all(|filter| passes(filter, item)),
        Filter::Or(filters) => filters.iter().any(|filter| passes(filter, item)),
        Filter::Not(filter) => !passes(filter, item),
    }
}

fn equals(path: &str, literal: &Literal, item: &Item) -> bool {
    if path == "kind" {
        return matches!(literal, Literal::Text(text) if **text == *item.id().kind);
    }
    item.values(path).any(|value| match (value, literal) {
        (ColumnValue::Code(code), Literal::Text(text)) => code_key(code) == code_key(text),
        (ColumnValue::Term(found) | ColumnValue::Tree(found), Literal::Text(text)) => found == text,
        (ColumnValue::Bool(flag), Literal::Text(text)) => flag.to_string() == *text,
        (ColumnValue::Integer(found), Literal::Integer(number)) => found == number,
        (ColumnValue::Date(found), Literal::Integer(number)) => i64::from(*found) == *number,
        (ColumnValue::Decimal(found), Literal::Decimal(number)) => found == number,
        _ => false,
    })
}

type End = Option<(Literal, Inclusive)>;

fn above(value: &ColumnValue, low: &End) -> bool {
    let Some((low, inclusive)) = low else { return true };
    order(value, low).is_some_and(|order| order.is_gt() || (*inclusive && order.is_eq()))
}

fn below(value: &ColumnValue, high: &End) -> bool {
    let Some((high, inclusive)) = high else { return true };
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
