//! Import maps: how somebody else's row becomes a record of a kind. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::map_toml;
use super::rule::Rule;
use crate::record::kind_toml::{ConfigError, Problem};
use crate::record::{Field, FieldType, Fields, RecordKind};

/// Most different unknown values that are remembered.
const MAX_UNKNOWN: usize = 1_000;

/// A checked map: for each of our fields, where its value comes from and how it is changed.
#[derive(Debug)]
pub struct ImportMap {
    id: Rule,
    fields: Vec<MappedField>,
    /// Members that no rule names stay, and what cannot be read stays as it is: checking the record then says what is
    /// wrong with it.
    is_plain: bool,
}

#[derive(Debug)]
pub(super) struct MappedField {
    field: Field,
    rule: Rule,
    /// Of an object; then `rule` is empty.
    members: Vec<MappedField>,
}

/// What a run of rows met that did not fit.
#[derive(Debug, Default)]
pub struct Tally {
    unknown: BTreeMap<(String, String), u64>,
    num_more: u64,
    seen: BTreeSet<String>,
}

impl Tally {
    /// Counts a value that was left out.
    pub fn add(&mut self, field: &str, value: &str) {
        let value: String = value.chars().take(60).collect();
        let key = (field.to_owned(), value);
        if let Some(count) = self.unknown.get_mut(&key) {
            *count += 1;
        } else if self.unknown.len() < MAX_UNKNOWN {
            self.unknown.insert(key, 1);
        } else {
            self.num_more += 1;
        }
    }

    /// Field, value, and how often, the most frequent first.
    pub fn unknown(&self) -> Vec<(&str, &str, u64)> {
        let mut unknown: Vec<(&str, &str, u64)> = self
            .unknown
            .iter()
            .map(|((field, value), count)| (field.as_str(), value.as_str(), *count))
            .collect();
        unknown.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.cmp(b)));
        unknown
    }

    /// Values beyond those that are remembered one by one.
    pub fn num_more(&self) -> u64 {
        self.num_more
    }

    fn see(&mut self, row: &Fields) {
        for name in row.keys() {
            if self.seen.len() < MAX_UNKNOWN && !self.seen.contains(name) {
                self.seen.insert(name.clone());
            }
        }
    }
}

impl ImportMap {
    /// Reads a map for records of `kind`; `file` is named in problems.
    pub fn parse(text: &str, file: &str, kind: &RecordKind) -> Result<Self, ConfigError> {
        map_toml::read(text, file, kind).map(|(id, fields)| Self { id, fields, is_plain: false })
    }

    /// The map of cells whose columns have our own names: texts become values of the declared types, and cells of
    /// fields with several values are split at each of `separators`.
    pub fn of_cells(kind: &RecordKind, separators: &[String]) -> Self {
        let mapped = |field: &Field| MappedField {
            rule: Rule::of_cell(field, separators),
            field: field.clone(),
            members: Vec::new(),
        };
        let fields = kind.fields.iter().map(mapped).collect();
        Self { id: Rule::from_field("id"), fields, is_plain: true }
    }

    /// Makes the fields of a record, `id` among them, from a row.
    ///
    /// Values that cannot be read are counted in `tally` and left out.
    pub fn apply(&self, row: &Fields, tally: &mut Tally) -> Fields {
        tally.see(row);
        let mut fields = Fields::new();
        let id = self.id.text(row).unwrap_or_else(|| content_id(row));
        fields.insert("id".into(), Value::String(id));
        for mapped in &self.fields {
            if let Some(value) = mapped.value(row, self.is_plain, tally) {
                fields.insert(mapped.field.name.clone(), value);
            }
        }
        if self.is_plain {
            let ours = |name: &str| self.fields.iter().any(|mapped| mapped.field.name == name);
            for (name, value) in row {
                let is_empty = value.as_str().is_some_and(|text| text.trim().is_empty());
                if name != "id" && !ours(name) && !is_empty && !value.is_null() {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        fields
    }

    /// Members of the rows that the map does not use, and names in the map that no row has.
    pub fn unused(&self, tally: &Tally) -> (Vec<String>, Vec<String>) {
        if self.is_plain || tally.seen.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let mut named = BTreeSet::new();
        named.extend(self.id.sources());
        let mut waiting: Vec<&MappedField> = self.fields.iter().collect();
        while let Some(mapped) = waiting.pop() {
            named.extend(mapped.rule.sources());
            waiting.extend(&mapped.members);
        }
        let root = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        let is_named = |seen: &String| named.iter().any(|name| name == seen || root(name) == *seen);
        let ignored = tally.seen.iter().filter(|seen| !is_named(seen)).cloned().collect();
        let is_seen = |name: &String| tally.seen.contains(name) || tally.seen.contains(&root(name));
        let absent = named.iter().filter(|name| !is_seen(name)).cloned().collect();
        (ignored, absent)
    }
}

impl MappedField {
    pub fn new(field: Field, rule: Rule, members: Vec<Self>) -> Self {
        Self { field, rule, members }
    }

    fn value(&self, row: &Fields, is_plain: bool, tally: &mut Tally) -> Option<Value> {
        if self.members.is_empty() {
            return self.rule.value(row, &self.field, is_plain, tally);
        }
        let members: Fields = self
            .members
            .iter()
            .filter_map(|member| {
                Some((member.field.name.clone(), member.value(row, is_plain, tally)?))
            })
            .collect();
        if members.is_empty() {
            return None;
        }
        let object = Value::Object(members);
        Some(if self.field.multiple { Value::Array(vec![object]) } else { object })
    }
}

/// Collects what is wrong with a map.
pub(super) struct Problems<'a> {
    file: Arc<str>,
    text: &'a str,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub fn new(file: &str, text: &'a str) -> Self {
        Self { file: file.into(), text, found: Vec::new() }
    }

    /// Adds a problem with the key at byte `at`.
    pub fn add(&mut self, at: usize, key: &str, message: impl Into<String>) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.found.push(Problem {
            file: self.file.clone(),
            line: Some(line),
            key: key.to_owned(),
            message: message.into(),
        });
    }

    pub fn into_result<T>(mut self, value: T) -> Result<T, ConfigError> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort();
        Err(ConfigError { problems: self.found })
    }
}

/// Tells whether the members of an object may be mapped one by one.
pub(super) fn has_members(field: &Field) -> bool {
    field.field_type == FieldType::Object && !field.open
}

/// An id for a row that has none: the same row gets the same id, so that a second import updates.
pub(super) fn content_id(row: &Fields) -> String {
    let json = serde_json::to_vec(row).expect("a row has only string keys");
    Sha256::digest(json)[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
