//! `search.toml` -> [`Scoring`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::ConfigFiles;
use super::problem::Problems;
use super::reader::{Document, Node, Table};
use crate::record::kind::{
    Bm25, Column, FieldType, RankSignal, RoleBoosts, Scoring, SignalRule, UnitWeights,
};

use crate::record::understanding::Said;

/// Greatest weight: beyond it one part of a score drowns all others.
const MOST: f64 = 100.0;
/// Weight of synonyms in a file that does not say.
const SYNONYMS: f32 = 0.3;
/// That of the books, in a file that does not say.
const BM25: [f32; 3] = [1.2, 0.75, 1.0];
/// Greatest weight of a signal, which is a share of a score by text.
const MOST_SIGNAL: f64 = 2.0;

/// Reads how text is scored; `None` when something is wrong, which is reported.
///
/// Without `columns`, because kinds are not sound, fields are not looked up.
pub(super) fn read_scoring(
    files: &ConfigFiles,
    columns: Option<&BTreeMap<Arc<str>, Column>>,
    problems: &Problems,
) -> Option<Scoring> {
    let text = files.text(super::SCORING, problems)?;
    let document = Document::parse(files.path(super::SCORING), text, problems)?;
    let root = document.root();
    root.allow(&["version", "units", "roles", "bm25", "signal"]);
    root.version();
    let units = weights(&root, "units", ["words", "grams", "chars"], &["synonyms"]);
    let roles = weights(&root, "roles", ["title", "keywords", "code"], &[]);
    let bm25 = match root.get("bm25") {
        Some(_) => weights(&root, "bm25", ["saturation", "length", "rarity"], &[])?.0,
        None => BM25,
    };
    let mut signals: Vec<RankSignal> = Vec::new();
    for item in root.items("signal") {
        let Some(signal) = item.table().and_then(|table| read_signal(&table, columns)) else {
            continue;
        };
        if signals.iter().any(|known| known.name == signal.name) {
            item.report(format_args!("name {:?} is already that of another signal", signal.name));
        }
        signals.push(signal);
    }
    let (([words, grams, chars], synonyms), ([title, keywords, code], _)) = (units?, roles?);
    let synonyms = synonyms.unwrap_or(SYNONYMS);
    let [saturation, length, rarity] = bm25;
    Some(Scoring {
        version: 1,
        units: UnitWeights { words, grams, chars, synonyms },
        roles: RoleBoosts { title, keywords, code },
        bm25: Bm25 { saturation, length, rarity },
        signals,
    })
}

/// Reads the weights of a table: those that must be there, and the first of those that may.
fn weights(
    root: &Table<'_>,
    key: &str,
    keys: [&str; 3],
    more: &[&str],
) -> Option<([f32; 3], Option<f32>)> {
    let table = root.need(key)?.table()?;
    table.allow(&[&keys, more].concat());
    let [first, second, third] = keys.map(|key| within(&table.need(key)?, MOST));
    let more = more.iter().find_map(|key| table.get(key)).and_then(|node| within(&node, MOST));
    Some(([first?, second?, third?], more))
}

/// Reads a number from 0 to `most`; one beyond is reported.
fn within(node: &Node<'_>, most: f64) -> Option<f32> {
    let number = node.number()?;
    if !(0.0..=most).contains(&number) {
        node.report(format_args!("must be 0 to {most}, found {number}"));
    }
    Some(number as f32)
}

#[derive(Clone, Copy)]
enum Shape {
    Code,
    Title,
    Understood,
    Coverage,
    Value,
    Recency,
}

impl Shape {
    const NAMES: [(&'static str, Self); 6] = [
        ("code", Self::Code),
        ("title", Self::Title),
        ("understood", Self::Understood),
        ("coverage", Self::Coverage),
        ("value", Self::Value),
        ("recency", Self::Recency),
    ];
}

fn read_signal(
    table: &Table<'_>,
    columns: Option<&BTreeMap<Arc<str>, Column>>,
) -> Option<RankSignal> {
    let shape = table.need("kind").and_then(|node| node.choice(&Shape::NAMES));
    let name = table.need("name").and_then(|node| node.text());
    let label = table.need("label").and_then(|node| node.label());
    let weight = table.need("weight").and_then(|node| within(&node, MOST_SIGNAL));
    let mut allowed = vec!["name", "label", "kind", "weight"];
    let rule = match shape? {
        Shape::Code => Some(SignalRule::Code),
        Shape::Title => Some(SignalRule::Title),
        Shape::Understood => {
            allowed.push("of");
            let of = table.need("of")?.items();
            let of = of.iter().filter_map(|node| node.choice(&Said::NAMES)).collect();
            Some(SignalRule::Understood { of })
        }
        Shape::Coverage => Some(SignalRule::Coverage),
        Shape::Value => {
            allowed.extend(["field", "values", "absent"]);
            read_value(table, columns)
        }
        Shape::Recency => {
            allowed.push("half_life_days");
            let node = table.need("half_life_days")?;
            let half_life_days = node.number()? as f32;
            if half_life_days < 1.0 {
                node.report("must be 1 or more");
            }
            Some(SignalRule::Recency { half_life_days })
        }
    };
    table.allow(&allowed);
    Some(RankSignal { name: name?.into(), label: label?, rule: rule?, weight: weight? })
}

fn read_value(
    table: &Table<'_>,
    columns: Option<&BTreeMap<Arc<str>, Column>>,
) -> Option<SignalRule> {
    let field = table.need("field")?;
    let path = field.text()?;
    let values = table.need("values")?.table()?;
    let absent = within(&table.need("absent")?, 1.0)?;
    let mut worth = Vec::new();
    for key in values.keys() {
        worth.push((key.to_owned(), within(&values.need(key)?, 1.0)?));
    }
    if let Some(columns) = columns {
        let is_listed = |column: &Column| {
            matches!(column.field_type, FieldType::Term | FieldType::Tree | FieldType::Bool)
        };
        let column = column(&field, columns, is_listed, "a `term`, `tree` or `bool`")?;
        let vocabulary = column.vocabulary.as_deref();
        for (value, _) in &worth {
            if let Some(vocabulary) = vocabulary.filter(|known| known.get(value).is_none()) {
                table.report(format_args!(
                    "values: {value:?} is not a code of the vocabulary \"{}\"",
                    vocabulary.name
                ));
            }
        }
    }
    Some(SignalRule::Value { path: path.into(), worth: worth.into(), absent })
}

/// Finds the column that a node names, and reports one that does not exist or does not fit.
pub(super) fn column<'c>(
    node: &Node<'_>,
    columns: &'c BTreeMap<Arc<str>, Column>,
    fits: impl Fn(&Column) -> bool,
    expected: &str,
) -> Option<&'c Column> {
    let path = node.text()?;
    match columns.get(path) {
        Some(column) if fits(column) => return Some(column),
        Some(column) => node.report(format_args!(
            "{path:?} is a `{}`; expected {expected}",
            column.field_type.name()
        )),
        None => {
            let hint = crate::record::nearest::did_you_mean(path, columns.keys().map(|p| &**p));
            node.report(format_args!("{path:?} is no column of any kind{hint}"));
        }
    }
    None
}
