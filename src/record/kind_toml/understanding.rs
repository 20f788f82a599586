//! `understanding.toml` -> [`UnderstandingRules`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::ConfigFiles;
use super::problem::Problems;
use super::reader::{Document, Node, Table};
use super::scoring::column;
use crate::record::RecordKind;
use crate::record::kind::{Column, FieldType};
use crate::record::nearest::did_you_mean;
use crate::record::understanding::{
    Bare, KindRule, RangeRule, RegionRule, TermRule, UnderstandingRules,
};

/// Where fields and kinds are looked up.
#[derive(Clone, Copy)]
pub(super) struct Declared<'a> {
    pub columns: &'a BTreeMap<Arc<str>, Column>,
    pub kinds: &'a [Arc<RecordKind>],
}

/// Reads the rules; none when there is no such file. What is wrong is reported and left out.
pub(super) fn read_understanding(
    files: &ConfigFiles,
    declared: Declared<'_>,
    problems: &Problems,
) -> UnderstandingRules {
    if files.get(super::UNDERSTANDING).is_none() {
        return UnderstandingRules::default();
    }
    let read = || {
        let text = files.text(super::UNDERSTANDING, problems)?;
        let document = Document::parse(files.path(super::UNDERSTANDING), text, problems)?;
        Some(read_root(&document.root(), declared))
    };
    read().unwrap_or_default()
}

fn read_root(root: &Table<'_>, declared: Declared<'_>) -> UnderstandingRules {
    root.allow(&["version", "date", "amount", "region", "term", "kind"]);
    root.version();
    let each = |key: &str| -> Vec<Table<'_>> {
        root.items(key).iter().filter_map(|item| item.table()).collect()
    };
    let columns = declared.columns;
    UnderstandingRules {
        dates: each("date")
            .iter()
            .filter_map(|table| read_range(table, columns, &[FieldType::Date], "a `date`"))
            .collect(),
        amounts: each("amount")
            .iter()
            .filter_map(|table| read_range(table, columns, &[FieldType::Money], "`money`"))
            .collect(),
        region: root.get("region").and_then(|node| read_region(&node.table()?, columns)),
        terms: each("term").iter().filter_map(|table| read_term(table, columns)).collect(),
        kinds: each("kind").iter().filter_map(|table| read_kind(table, declared.kinds)).collect(),
    }
}

fn read_range(
    table: &Table<'_>,
    columns: &BTreeMap<Arc<str>, Column>,
    types: &[FieldType],
    expected: &str,
) -> Option<RangeRule> {
    table.allow(&["label", "cues", "implied", "fields", "bare"]);
    let fits = |column: &Column| column.filterable && types.contains(&column.field_type);
    let fields = read_columns(table, "fields", columns, fits, expected);
    let bare = match table.get("bare") {
        Some(node) => node.choice(&Bare::NAMES)?,
        None => Bare::AtLeast,
    };
    Some(RangeRule {
        label: table.need("label")?.label()?,
        cues: read_texts(table, "cues"),
        implied: read_texts(table, "implied"),
        deadline: fields.iter().any(|column| column.deadline),
        fields: fields.into_iter().map(|column| column.path.clone()).collect(),
        bare,
    })
}

fn read_region(table: &Table<'_>, columns: &BTreeMap<Arc<str>, Column>) -> Option<RegionRule> {
    table.allow(&["label", "home", "within", "covers", "not_before"]);
    let fits =
        |column: &Column| column.field_type == FieldType::Tree && column.vocabulary.is_some();
    let within = read_columns(table, "within", columns, fits, "a `tree`");
    let covers = read_columns(table, "covers", columns, fits, "a `tree`");
    let vocabulary = within.first().or(covers.first())?.vocabulary.clone()?;
    for other in within.iter().chain(&covers) {
        if other.vocabulary.as_ref().is_some_and(|known| known.name != vocabulary.name) {
            table.report(format_args!("{:?} has another vocabulary", other.path));
        }
    }
    let home = table.need("home")?;
    let code = home.text()?;
    if vocabulary.get(code).is_none() {
        home.report(format_args!("{code:?} is not a code of \"{}\"", vocabulary.name));
    }
    let paths = |all: Vec<&Column>| all.into_iter().map(|column| column.path.clone()).collect();
    Some(RegionRule {
        label: table.need("label")?.label()?,
        home: code.to_owned(),
        within: paths(within),
        covers: paths(covers),
        not_before: read_texts(table, "not_before"),
        vocabulary,
    })
}

fn read_term(table: &Table<'_>, columns: &BTreeMap<Arc<str>, Column>) -> Option<TermRule> {
    table.allow(&["field", "prefer"]);
    let fits = |column: &Column| column.facet.is_some() && column.vocabulary.is_some();
    let column =
        column(&table.need("field")?, columns, fits, "a field with a facet and a vocabulary")?;
    Some(TermRule {
        field: column.path.clone(),
        label: column.label.clone(),
        vocabulary: column.vocabulary.clone()?,
        is_tree: column.field_type == FieldType::Tree,
        prefer: table.get("prefer").is_none_or(|node| node.flag().unwrap_or(true)),
    })
}

fn read_kind(table: &Table<'_>, kinds: &[Arc<RecordKind>]) -> Option<KindRule> {
    table.allow(&["kind", "words"]);
    let node = table.need("kind")?;
    let name = node.text()?;
    let Some(kind) = kinds.iter().find(|kind| &*kind.name == name) else {
        let hint = did_you_mean(name, kinds.iter().map(|kind| &*kind.name));
        node.report(format_args!("{name:?} is no kind{hint}"));
        return None;
    };
    Some(KindRule {
        kind: kind.name.clone(),
        label: kind.label.clone(),
        words: read_texts(table, "words"),
    })
}

fn read_texts(table: &Table<'_>, key: &str) -> Vec<String> {
    table.items(key).iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn read_columns<'c>(
    table: &Table<'_>,
    key: &str,
    columns: &'c BTreeMap<Arc<str>, Column>,
    fits: impl Fn(&Column) -> bool + Copy,
    expected: &str,
) -> Vec<&'c Column> {
    let items = table.items(key);
    items.iter().filter_map(|node| column(node, columns, fits, expected)).collect()
}
