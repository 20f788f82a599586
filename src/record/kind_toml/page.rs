//! `[page]`, `[closed]` and `[form]` of a kind file: what its pages show, what is over, and how people send one in.

use std::collections::HashSet;

use super::files::ConfigFiles;
use super::kind::{ReadKind, References};
use super::problem::Problems;
use super::reader::{Node, Table};
use crate::record::Vocabulary;
use crate::record::kind::{Advice, Closed, Field, FieldType, Form, Page};
use crate::record::nearest::did_you_mean;

/// First segments of addresses that are taken.
const TAKEN: [&str; 15] = [
    "admin",
    "assets",
    "check",
    "data",
    "developers",
    "embed",
    "help",
    "indexes",
    "records",
    "search",
    "sitemap",
    "statistics",
    "subscriptions",
    "v1",
    "widget",
];

/// Reads a list of codes of a vocabulary.
fn codes(table: &Table<'_>, key: &str, vocabulary: Option<&Vocabulary>) -> Vec<String> {
    let mut codes = Vec::new();
    for node in table.items(key) {
        let Some(code) = node.text() else { continue };
        if let Some(vocabulary) = vocabulary.filter(|vocabulary| vocabulary.get(code).is_none()) {
            let hint = did_you_mean(code, vocabulary.entries.iter().map(|entry| &*entry.code));
            node.report(format_args!("{code:?} is not a code of {:?}{hint}", vocabulary.name));
        }
        codes.push(code.to_owned());
    }
    codes
}

impl References<'_> {
    pub(super) fn page(&self, root: &Table<'_>) -> Page {
        let Some(table) = root.get("page").and_then(|node| node.table()) else {
            return Page::default();
        };
        table.allow(&["stamp", "good", "warn", "table", "key", "schema"]);
        let stamp = table.get("stamp").and_then(|node| self.status(&node));
        let vocabulary =
            stamp.as_ref().and_then(|(_, field)| field.as_ref()?.vocabulary.as_deref());
        let (schema_type, schema) = self.schema(&table);
        Page {
            good: codes(&table, "good", vocabulary),
            warn: codes(&table, "warn", vocabulary),
            table: self.paths(table.get("table"), &mut HashSet::new()),
            key: self.paths(table.get("key"), &mut HashSet::new()),
            schema_type,
            schema,
            stamp: stamp.map(|(path, _)| path),
        }
    }

    /// Reads `[closed]`: which codes of which field say that a record is over.
    pub(super) fn closed(&self, root: &Table<'_>) -> Option<Closed> {
        let table = root.get("closed")?.table()?;
        table.allow(&["field", "codes"]);
        let node = table.need("field")?;
        let (path, field) = self.status(&node)?;
        if field.is_some_and(|field| !field.filterable) {
            node.report(format_args!("{path:?} must be `filterable`"));
        }
        table.need("codes")?;
        let vocabulary = field.and_then(|field| field.vocabulary.as_deref());
        Some(Closed { codes: codes(&table, "codes", vocabulary), field: path })
    }

    /// Reads the path of a single term; the field is `None` when it is not known, or is none.
    fn status(&self, node: &Node<'_>) -> Option<(String, Option<&Field>)> {
        let (path, field) = self.field(node)?;
        let is_term = |field: &&Field| field.field_type == FieldType::Term && !field.multiple;
        if field.is_some_and(|field| !is_term(&field)) {
            node.report(format_args!("{path:?} must be a single term"));
        }
        Some((path.to_owned(), field.filter(is_term)))
    }

    /// Reads `schema = { type = "…", property = "field" }`.
    fn schema(&self, page: &Table<'_>) -> (Option<String>, Vec<(String, String)>) {
        let Some(table) = page.get("schema").and_then(|node| node.table()) else {
            return (None, Vec::new());
        };
        let kind = table.need("type").and_then(|node| node.text().map(str::to_owned));
        let properties = table.keys().filter(|key| *key != "type");
        let properties = properties.filter_map(|key| {
            let (path, _) = self.field(&table.get(key)?)?;
            Some((key.to_owned(), path.to_owned()))
        });
        (kind, properties.collect())
    }

    pub(super) fn form(&self, root: &Table<'_>) -> Option<Form> {
        let table = root.get("form")?.table()?;
        table.allow(&["path", "label", "lead", "fieldset", "recommend", "advice"]);
        let path = table.need("path").and_then(|node| {
            let path = node.text()?;
            let plain = path.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            if path.is_empty() || !plain || TAKEN.contains(&path) {
                node.report(format_args!(
                    "{path:?} must be lower-case letters and `-`, and none of {}",
                    TAKEN.join(", ")
                ));
            }
            Some(path.to_owned())
        });
        let label = |key: &str| table.need(key).and_then(|node| node.label()).unwrap_or_default();
        let recommend = table.items("recommend");
        let recommend = recommend.iter().filter_map(|node| node.text().map(str::to_owned));
        Some(Form {
            path: path.unwrap_or_default(),
            label: label("label"),
            lead: label("lead"),
            fieldsets: self.groups(&table, "fieldset"),
            recommend: recommend.collect(),
            advice: self.advice(&table),
        })
    }

    fn advice(&self, form: &Table<'_>) -> Vec<Advice> {
        let mut advice = Vec::new();
        let mut total = 0;
        for table in form.items("advice").iter().filter_map(Node::table) {
            table.allow(&["field", "least", "points", "text"]);
            let field = table.need("field").and_then(|node| Some(self.field(&node)?.0.to_owned()));
            let whole = |key: &str, most: i64| {
                let node = table.need(key)?;
                let number = node.whole()?;
                if !(1..=most).contains(&number) {
                    node.report(format_args!("must be 1 to {most}, found {number}"));
                }
                Some(number)
            };
            let (least, points) = (whole("least", 10_000), whole("points", 100));
            let text = table.need("text").and_then(|node| node.label());
            let (Some(field), Some(least), Some(points), Some(text)) = (field, least, points, text)
            else {
                continue;
            };
            total += points;
            advice.push(Advice {
                field,
                least: usize::try_from(least).unwrap_or(1),
                points: u32::try_from(points).unwrap_or(1),
                text,
            });
        }
        if !advice.is_empty() && total != 100 {
            form.report(format_args!("the points of [[form.advice]] must be 100, found {total}"));
        }
        advice
    }
}

/// Checks what only all kinds together tell: addresses that differ, and recommended kinds that exist.
pub(super) fn check_forms(kinds: &[ReadKind], files: &ConfigFiles, problems: &Problems) {
    let names: Vec<&str> = kinds.iter().map(|kind| &*kind.kind.name).collect();
    let mut paths = HashSet::new();
    for read in kinds {
        let Some(form) = &read.kind.form else { continue };
        let file = files.path(&format!("{}{}.toml", super::KINDS, read.kind.name));
        if !paths.insert(form.path.as_str()) {
            let path = &form.path;
            problems.add_to_file(&file, format!("form.path: {path:?} is another kind's"));
        }
        for kind in form.recommend.iter().filter(|kind| !names.contains(&kind.as_str())) {
            let hint = did_you_mean(kind, names.iter().copied());
            problems.add_to_file(&file, format!("form.recommend: {kind:?} is not a kind{hint}"));
        }
    }
}
