//! `facet = { … }` -> [`Facet`].

use std::collections::HashSet;

use super::reader::{Node, Table};
use crate::record::kind::{DateBucket, Facet, FieldType, Label, RangeBucket};

#[derive(Clone, Copy)]
enum Shape {
    Terms,
    Tree,
    Ranges,
    RelativeDates,
}

impl Shape {
    const NAMES: [(&'static str, Self); 4] = [
        ("terms", Self::Terms),
        ("tree", Self::Tree),
        ("ranges", Self::Ranges),
        ("relative_dates", Self::RelativeDates),
    ];

    /// The types that can be counted so.
    fn types(self) -> &'static [FieldType] {
        match self {
            Self::Terms => &[FieldType::Term, FieldType::Code, FieldType::Bool],
            Self::Tree => &[FieldType::Tree],
            Self::Ranges => &[FieldType::Integer, FieldType::Decimal, FieldType::Money],
            Self::RelativeDates => &[FieldType::Date],
        }
    }
}

/// Reads a facet of a field of that type; `None` for one that cannot be used, which is reported.
pub(super) fn read_facet(node: &Node<'_>, field_type: Option<FieldType>) -> Option<Facet> {
    let table = node.table()?;
    let kind = table.need("kind")?;
    let shape = kind.choice(&Shape::NAMES)?;
    if let Some(field_type) = field_type
        && !shape.types().contains(&field_type)
    {
        let fitting: Vec<&str> = Shape::NAMES
            .iter()
            .filter(|(_, shape)| shape.types().contains(&field_type))
            .map(|(name, _)| *name)
            .collect();
        let allowed = if fitting.is_empty() { "no facet".to_owned() } else { fitting.join(", ") };
        kind.report(format_args!(
            "{:?} does not fit type \"{}\"; allowed: {allowed}",
            kind.text()?,
            field_type.name()
        ));
        return None;
    }
    match shape {
        Shape::Terms => {
            table.allow(&["kind"]);
            Some(Facet::Terms {})
        }
        Shape::Tree => {
            table.allow(&["kind"]);
            Some(Facet::Tree {})
        }
        Shape::Ranges => {
            table.allow(&["kind", "buckets"]);
            let buckets = read_buckets(&table, ["from", "to"], Node::number);
            check_order(&buckets, |from, to| from < to, "must be less than");
            let buckets = buckets.into_iter().map(|bucket| RangeBucket {
                key: bucket.key,
                label: bucket.label,
                from: bucket.from,
                to: bucket.to,
            });
            Some(Facet::Ranges { buckets: buckets.collect() })
        }
        Shape::RelativeDates => {
            table.allow(&["kind", "buckets"]);
            let buckets = read_buckets(&table, ["from_days", "to_days"], days);
            check_order(&buckets, |from, to| from <= to, "must not be greater than");
            let buckets = buckets.into_iter().map(|bucket| DateBucket {
                key: bucket.key,
                label: bucket.label,
                from_days: bucket.from,
                to_days: bucket.to,
            });
            Some(Facet::RelativeDates { buckets: buckets.collect() })
        }
    }
}

/// A number of days, at most a thousand years.
fn days(node: &Node<'_>) -> Option<i32> {
    const MOST: i64 = 366_000;
    let days = node.whole()?;
    if !(-MOST..=MOST).contains(&days) {
        node.report(format_args!("must be -{MOST} to {MOST}, found {days}"));
    }
    i32::try_from(days).ok()
}

struct Bucket<'d, T> {
    table: Table<'d>,
    key: String,
    label: Label,
    from: Option<T>,
    to: Option<T>,
}

fn read_buckets<'d, T: Copy>(
    facet: &Table<'d>,
    [from, to]: [&str; 2],
    read: impl Fn(&Node<'d>) -> Option<T>,
) -> Vec<Bucket<'d, T>> {
    let Some(node) = facet.need("buckets") else {
        return Vec::new();
    };
    let items = node.items();
    if items.is_empty() {
        node.report("must hold at least one bucket");
    }
    let mut keys = HashSet::new();
    let mut buckets = Vec::new();
    for table in items.iter().filter_map(Node::table) {
        table.allow(&["key", "label", from, to]);
        if table.get(from).is_none() && table.get(to).is_none() {
            table.report(format_args!("needs {from}, {to} or both"));
        }
        let key = table.need("key").and_then(|node| {
            let key = node.text()?;
            if !key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                node.report(format_args!("{key:?} must be lower-case letters, digits and _"));
            } else if !keys.insert(key) {
                node.report(format_args!("{key:?} is the key of an earlier bucket"));
            }
            Some(key.to_owned())
        });
        buckets.push(Bucket {
            key: key.unwrap_or_default(),
            label: table.need("label").and_then(|node| node.label()).unwrap_or_default(),
            from: table.get(from).and_then(|node| read(&node)),
            to: table.get(to).and_then(|node| read(&node)),
            table,
        });
    }
    buckets
}

fn check_order<T: Copy + std::fmt::Display>(
    buckets: &[Bucket<'_, T>],
    right: fn(T, T) -> bool,
    rule: &str,
) {
    for bucket in buckets {
        if let (Some(from), Some(to)) = (bucket.from, bucket.to)
            && !right(from, to)
        {
            bucket.table.report(format_args!("begins at {from}, which {rule} its end {to}"));
        }
    }
}
