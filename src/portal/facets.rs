//! What can be selected beside a list of results.

use std::sync::Arc;

use super::links::SearchPlace;
use super::text::{Lang, grouped};
use super::value::facet_label;
use crate::presentation::facet::FacetValue;
use crate::record::RecordKind;
use crate::record::kind::{Catalog, Column, Field};

/// Most groups of one page, beside those that something is selected in.
const MAX_GROUPS: usize = 12;
/// Groups that begin open.
const OPEN_GROUPS: usize = 5;
/// Values that a group shows at once; the others are behind "more".
const SHOWN: usize = 6;
/// Most values of a group, and of one branch of a tree.
const MAX_VALUES: usize = 40;

/// The values of one field.
pub struct Group {
    pub label: String,
    pub open: bool,
    pub rows: Vec<Row>,
    pub more: Vec<Row>,
    pub more_label: String,
}

/// A value that can be selected, or selected no more.
pub struct Row {
    pub label: String,
    pub count: String,
    pub href: String,
    pub selected: bool,
    /// Depth below the rows of the group, for the style.
    pub depth: usize,
    /// Rows of a branch, flat and in order.
    pub below: Vec<Row>,
    pub below_label: String,
    pub below_open: bool,
}

/// A selection that holds, and the address without it.
pub struct Chip {
    pub label: String,
    pub href: String,
    pub hint: String,
}

/// Chooses which columns to count: those of the kind's card first, then in the order of its page; of several kinds only
/// what they share.
pub fn paths(catalog: &Catalog, place: &SearchPlace) -> Vec<Arc<str>> {
    let kinds: Vec<&Arc<RecordKind>> = match place.kinds.as_slice() {
        [] => catalog.kinds.iter().collect(),
        names => names.iter().filter_map(|name| catalog.kind(name)).collect(),
    };
    let Some(first) = kinds.first() else {
        return Vec::new();
    };
    let mut paths: Vec<Arc<str>> = Vec::new();
    let mut add = |path: &str| {
        let Some(column) = catalog.column(path) else {
            return;
        };
        let shared = kinds.iter().all(|kind| column.kinds.contains(&kind.name));
        let counted = column.facet.is_some();
        if shared && counted && paths.len() < MAX_GROUPS && !paths.contains(&column.path) {
            paths.push(column.path.clone());
        }
    };
    if kinds.len() == 1 {
        first.card.fields.iter().for_each(|path| add(path));
        let sections = first.sections.iter().flat_map(|section| &section.fields);
        for field in sections.filter_map(|path| first.field_at(path)) {
            each_path(field, &mut add);
        }
    }
    for field in &first.fields {
        each_path(field, &mut add);
    }
    for selected in &place.select {
        let column = selected.split_once(':').and_then(|(path, _)| catalog.column(path));
        if let Some(column) = column
            && paths.len() < MAX_GROUPS + 6
            && !paths.contains(&column.path)
        {
            paths.push(column.path.clone());
        }
    }
    paths
}

fn each_path(field: &Field, add: &mut impl FnMut(&str)) {
    add(&field.path);
    for inner in &field.fields {
        each_path(inner, add);
    }
}

/// Makes the group of one column; `None` when nothing can be chosen.
pub fn group(
    catalog: &Catalog,
    column: &Column,
    values: &[FacetValue],
    at: usize,
    place: &SearchPlace,
    lang: Lang,
) -> Option<Group> {
    let maker = Maker { column, place, lang };
    // A single root that everything is below chooses nothing.
    let values = match values {
        [root] if !root.children.is_empty() && !root.selected => root.children.as_slice(),
        values => values,
    };
    let mut rows: Vec<Row> = values
        .iter()
        .filter(|value| value.count > 0 || value.selected)
        .take(MAX_VALUES)
        .map(|value| maker.branch(value))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let chosen = rows.iter().any(|row| row.selected || row.below_open);
    if let [only] = rows.as_mut_slice() {
        only.below_open = true;
    }
    // Two more than there is room for are shown after all: "more" takes a line itself.
    let more = if rows.len() > SHOWN + 2 { rows.split_off(SHOWN) } else { Vec::new() };
    Some(Group {
        label: label_of(catalog, column, lang),
        open: chosen || at < OPEN_GROUPS,
        rows,
        more_label: (lang.texts().more_values)(more.len() as u64),
        more,
    })
}

/// Makes rows of one column.
struct Maker<'a> {
    column: &'a Column,
    place: &'a SearchPlace,
    lang: Lang,
}

impl Maker<'_> {
    fn row(&self, value: &FacetValue, depth: usize) -> Row {
        let label = facet_label(
            self.column.facet.as_ref(),
            self.column.vocabulary.as_deref(),
            &value.value,
        );
        Row {
            label: label.map_or(&*value.label, |label| self.lang.pick(label)).to_owned(),
            count: grouped(value.count),
            href: self.place.toggled(&format!("{}:{}", self.column.path, value.value)).href(),
            selected: value.selected,
            depth,
            below: Vec::new(),
            below_label: String::new(),
            below_open: false,
        }
    }

    /// A row of the first level, with its branch.
    fn branch(&self, value: &FacetValue) -> Row {
        let mut below = Vec::new();
        self.descend(value, 1, &mut below);
        Row {
            below_label: (self.lang.texts().below)(value.children.len() as u64),
            below_open: holds_selected(value),
            below,
            ..self.row(value, 0)
        }
    }

    /// Adds what is below `value`; below the second level only along what is selected.
    fn descend(&self, value: &FacetValue, depth: usize, rows: &mut Vec<Row>) {
        for child in value.children.iter().take(MAX_VALUES) {
            rows.push(self.row(child, depth));
            if holds_selected(child) {
                self.descend(child, depth + 1, rows);
            }
        }
    }
}

/// Tells whether the value or anything below it is selected.
fn holds_selected(value: &FacetValue) -> bool {
    value.selected || value.children.iter().any(holds_selected)
}

/// The column's label; of a field inside an object with the object's label before it.
fn label_of(catalog: &Catalog, column: &Column, lang: Lang) -> String {
    let label = lang.pick(&column.label);
    let above = column.path.rsplit_once('.').and_then(|(above, _)| {
        let kind = catalog.kind(column.kinds.first()?)?;
        Some(lang.pick(&kind.field_at(above)?.label))
    });
    match above {
        Some(above) => format!("{above} · {label}"),
        None => label.to_owned(),
    }
}

/// What was selected, in words.
pub fn selected(catalog: &Catalog, place: &SearchPlace, lang: Lang) -> Vec<Chip> {
    let t = lang.texts();
    let chip = |label: String, href: String| Chip { hint: (t.remove)(&label), label, href };
    let selected = place.select.iter().map(|selected| {
        let (path, value) = selected.split_once(':').unwrap_or((selected, ""));
        let label = match catalog.column(path) {
            None => selected.clone(),
            Some(column) => {
                let value_label =
                    facet_label(column.facet.as_ref(), column.vocabulary.as_deref(), value)
                        .map_or(value, |label| lang.pick(label));
                format!("{}{}{value_label}", label_of(catalog, column, lang), t.colon)
            }
        };
        chip(label, place.toggled(selected).href())
    });
    selected.collect()
}
