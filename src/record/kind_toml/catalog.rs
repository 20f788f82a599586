//! What all kinds together must keep to, and the columns that they make together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::kind::ReadKind;
use super::problem::Problems;
use crate::record::kind::{Column, Field};

/// Reports kinds that want the same place among the tabs.
pub(super) fn check_orders(kinds: &[ReadKind], problems: &Problems) {
    for pair in kinds.windows(2) {
        if let [first, second] = pair
            && let (Some(_), Some(place)) = (&first.order_place, &second.order_place)
            && first.kind.order == second.kind.order
        {
            let (order, name) = (first.kind.order, &first.kind.name);
            place.report(problems, format_args!("{order} is already that of \"{name}\""));
        }
    }
}

/// What kinds that share a field must agree on.
struct Shared<'a> {
    kind: &'a ReadKind,
    field: &'a Field,
    /// Whether a record may have several values: the field or an object around it is `multiple`.
    multiple: bool,
}

/// Makes the columns of all kinds, and reports fields that differ between them.
///
/// `kinds` are in their order: a column takes its label from the first that has it, its facet from the first that
/// counts it.
pub(super) fn unite(kinds: &[ReadKind], problems: &Problems) -> BTreeMap<Arc<str>, Column> {
    let mut shared: BTreeMap<&str, Shared<'_>> = BTreeMap::new();
    let mut columns: BTreeMap<Arc<str>, Column> = BTreeMap::new();
    for kind in kinds {
        let mut found = Vec::new();
        flatten(&kind.kind.fields, false, &mut found);
        for (field, multiple) in found {
            if kind.fields.broken.contains(&field.path) {
                continue;
            }
            let here = Shared { kind, field, multiple };
            match shared.get(&*field.path) {
                Some(first) => compare(first, &here, problems),
                None => drop(shared.insert(&field.path, here)),
            }
            if field.is_column() {
                add(&mut columns, &kind.kind.name, field, multiple);
            }
        }
    }
    columns
}

fn flatten<'a>(fields: &'a [Field], multiple: bool, found: &mut Vec<(&'a Field, bool)>) {
    for field in fields {
        let multiple = multiple || field.multiple;
        found.push((field, multiple));
        flatten(&field.fields, multiple, found);
    }
}

fn compare(first: &Shared<'_>, second: &Shared<'_>, problems: &Problems) {
    let Some(place) = second.kind.fields.places.get(&second.field.path) else {
        return;
    };
    let type_of = |shared: &Shared<'_>| shared.field.field_type.name();
    let vocabulary = |shared: &Shared<'_>| match &shared.field.vocabulary {
        Some(vocabulary) => format!("\"{}\"", vocabulary.name),
        None => "none".to_owned(),
    };
    let differences = [
        ("type", format!("\"{}\"", type_of(first)), format!("\"{}\"", type_of(second))),
        ("vocabulary", vocabulary(first), vocabulary(second)),
        ("multiple", first.multiple.to_string(), second.multiple.to_string()),
    ];
    for (key, expected, found) in differences {
        if expected != found {
            let name = &first.kind.kind.name;
            place.report(
                problems,
                format_args!(
                    "{key} is {found}, but {expected} in the kind \"{name}\"; a name that kinds share means the same"
                ),
            );
            return;
        }
    }
}

fn add(columns: &mut BTreeMap<Arc<str>, Column>, kind: &Arc<str>, field: &Field, multiple: bool) {
    match columns.entry(field.path.clone()) {
        Entry::Vacant(entry) => {
            entry.insert(Column {
                path: field.path.clone(),
                field_type: field.field_type,
                label: field.label.clone(),
                vocabulary: field.vocabulary.clone(),
                facet: field.facet.clone(),
                sortable: field.sortable,
                filterable: field.filterable,
                deadline: field.deadline,
                opening: field.opening,
                multiple,
                kinds: vec![kind.clone()],
            });
        }
        Entry::Occupied(entry) => {
            let column = entry.into_mut();
            column.facet = column.facet.take().or_else(|| field.facet.clone());
            column.sortable |= field.sortable;
            column.filterable |= field.filterable;
            column.deadline |= field.deadline;
            column.opening |= field.opening;
            column.kinds.push(kind.clone());
        }
    }
}
