//! Facet counts with labels, in the shape the API gives.

use std::collections::HashMap;

use serde::Serialize;

use crate::engine::FacetCounts;
use crate::query::Selection;
use crate::record::Vocabulary;
use crate::record::kind::{Catalog, Facet, FieldType, Label};
use crate::record::vocabulary::Entry;

/// Most values of a flat facet.
const MAX_VALUES: usize = 200;

/// One counted value. `children` only in hierarchical facets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    pub value: String,
    pub label: String,
    pub count: u64,
    pub selected: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<FacetValue>,
}

/// Labels counts: in falling order of count, then by value. Buckets keep their declared order and their zeros.
pub fn label(counts: &FacetCounts, selections: &[Selection], catalog: &Catalog) -> Vec<FacetValue> {
    let selected = |value: &str| {
        selections.iter().any(|selection| {
            selection.path == counts.path && selection.values.iter().any(|other| other == value)
        })
    };
    let value = |value: &str, label: &Label, count: u64| FacetValue {
        value: value.to_owned(),
        label: label.zh.clone(),
        count,
        selected: selected(value),
        children: Vec::new(),
    };
    if &*counts.path == "kind" {
        let mut values: Vec<FacetValue> = counts
            .counts
            .iter()
            .filter_map(|(name, count)| Some(value(name, &catalog.kind(name)?.label, *count)))
            .collect();
        by_count(&mut values);
        return values;
    }
    let Some(column) = catalog.column(&counts.path) else { return Vec::new() };
    let count_of: HashMap<&str, u64> =
        counts.counts.iter().map(|(value, count)| (&**value, *count)).collect();
    match &column.facet {
        Some(Facet::Ranges { buckets }) => buckets
            .iter()
            .map(|bucket| {
                value(&bucket.key, &bucket.label, *count_of.get(&*bucket.key).unwrap_or(&0))
            })
            .collect(),
        Some(Facet::RelativeDates { buckets }) => buckets
            .iter()
            .map(|bucket| {
                value(&bucket.key, &bucket.label, *count_of.get(&*bucket.key).unwrap_or(&0))
            })
            .collect(),
        _ => {
            let vocabulary = column.vocabulary.as_deref();
            if let (FieldType::Tree, Some(vocabulary)) = (column.field_type, vocabulary) {
                return tree(&count_of, vocabulary, &value);
            }
            let mut values: Vec<FacetValue> = counts
                .counts
                .iter()
                .map(|(code, count)| {
                    value(code, &label_of(code, column.field_type, vocabulary), *count)
                })
                .collect();
            by_count(&mut values);
            let mut at = 0;
            values.retain(|value| {
                at += 1;
                at <= MAX_VALUES || value.selected
            });
            values
        }
    }
}

fn label_of(code: &str, field_type: FieldType, vocabulary: Option<&Vocabulary>) -> Label {
    if let Some(entry) = vocabulary.and_then(|vocabulary| vocabulary.get(code)) {
        return entry.label.clone();
    }
    let (zh, en) = match (field_type, code) {
        (FieldType::Bool, "true") => ("是", "yes"),
        (FieldType::Bool, "false") => ("否", "no"),
        _ => (code, code),
    };
    Label { zh: zh.into(), en: en.into() }
}

/// Codes below a code that were counted; those without a parent are below `None`.
type Below<'a> = HashMap<Option<&'a str>, Vec<&'a Entry>>;

fn tree(
    count_of: &HashMap<&str, u64>,
    vocabulary: &Vocabulary,
    value: &dyn Fn(&str, &Label, u64) -> FacetValue,
) -> Vec<FacetValue> {
    let mut below = Below::new();
    for entry in count_of.keys().filter_map(|code| vocabulary.get(code)) {
        let parent = entry.parent.map(|at| vocabulary.entries[at].code.as_str());
        below.entry(parent).or_default().push(entry);
    }
    level(None, &below, &|entry| value(&entry.code, &entry.label, count_of[entry.code.as_str()]))
}

fn level(
    parent: Option<&str>,
    below: &Below<'_>,
    value: &dyn Fn(&Entry) -> FacetValue,
) -> Vec<FacetValue> {
    let entries = below.get(&parent).map_or(&[][..], Vec::as_slice);
    let mut values: Vec<FacetValue> = entries
        .iter()
        .map(|entry| FacetValue {
            children: level(Some(&entry.code), below, value),
            ..value(entry)
        })
        .collect();
    by_count(&mut values);
    values
}

fn by_count(values: &mut [FacetValue]) {
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
}
