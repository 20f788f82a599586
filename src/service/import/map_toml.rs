//! Import maps as people write them: `our_field = "their field"`, or a table that says more.

use std::collections::HashMap;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::map::{MappedField, Problems, has_members};
use super::rule::{End, FIRST_WORDS, Rule};
use crate::record::kind_toml::ConfigError;
use crate::record::nearest::did_you_mean;
use crate::record::{Field, FieldType, RecordKind};

/// Keys of a rule.
const KEYS: [&str; 14] = [
    "from",
    "value",
    "values",
    "drop_if",
    "split",
    "run_together",
    "levels",
    "vocabulary",
    "date",
    "amount",
    "times",
    "default",
    "first_words_of",
    "chars",
];

/// Reads the rule of the id and those of the fields.
pub fn read(
    text: &str,
    file: &str,
    kind: &RecordKind,
) -> Result<(Rule, Vec<MappedField>), ConfigError> {
    let mut problems = Problems::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().unwrap_or_default().start;
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        problems.add(at, "", format!("is not TOML here: {message}"));
    }
    if !errors.is_empty() {
        return problems.into_result((Rule::default(), Vec::new()));
    }
    let mut reader = Reader { problems: &mut problems };
    let mut id = Rule::from_field("id");
    let mut fields = Vec::new();
    for (name, value) in sorted(root.get_ref()) {
        if name.get_ref() == "id" {
            id = reader.id(name, value);
        } else {
            let known = &kind.fields;
            let also = ["id"];
            fields.extend(reader.field(name, value, known, &also, &kind.name));
        }
    }
    problems.into_result((id, fields))
}

type Name<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Node<'a> = Spanned<DeValue<'a>>;

/// Entries of a table in the order of the file.
fn sorted<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Name<'a>, &'t Node<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

struct Reader<'p, 't> {
    problems: &'p mut Problems<'t>,
}

impl Reader<'_, '_> {
    fn id(&mut self, name: &Name<'_>, value: &Node<'_>) -> Rule {
        match value.get_ref() {
            DeValue::String(from) => Rule::from_field(from),
            _ => {
                let message = "id: the name of their member is expected, such as id = \"编号\"";
                self.problems.add(name.span().start, "id", message);
                Rule::default()
            }
        }
    }

    fn field(
        &mut self,
        name: &Name<'_>,
        value: &Node<'_>,
        known: &[Field],
        also: &[&str],
        whose: &str,
    ) -> Option<MappedField> {
        let at = name.span().start;
        let name: &str = name.get_ref();
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let names: Vec<&str> =
                also.iter().copied().chain(known.iter().map(|field| &*field.name)).collect();
            let hint = did_you_mean(name, names.iter().copied());
            let message = format!(
                "\"{name}\" is not a field of {whose}; allowed: {}{hint}",
                names.join(", ")
            );
            self.problems.add(at, name, message);
            return None;
        };
        let table = match value.get_ref() {
            DeValue::String(from) => {
                return Some(MappedField::new(field.clone(), Rule::from_field(from), Vec::new()));
            }
            DeValue::Table(table) => table,
            other => {
                let message = format!(
                    "{}: a name or a table is expected, found {}; a constant is {{ value = … }}",
                    field.path,
                    type_of(other)
                );
                self.problems.add(at, &field.path, message);
                return None;
            }
        };
        let has = |key: &&str| field.fields.iter().any(|member| member.name == *key);
        if has_members(field) && table.keys().all(|key| has(&&**key.get_ref()) || !is_key(key)) {
            let members = sorted(table)
                .into_iter()
                .filter_map(|(name, value)| {
                    self.field(name, value, &field.fields, &[], &field.path)
                })
                .collect();
            return Some(MappedField::new(field.clone(), Rule::default(), members));
        }
        let rule = self.rule(at, table, field);
        Some(MappedField::new(field.clone(), rule, Vec::new()))
    }

    fn rule(&mut self, at: usize, table: &DeTable<'_>, field: &Field) -> Rule {
        let mut rule = Rule::default();
        let mut chars = None;
        for (name, node) in sorted(table) {
            let key: &str = name.get_ref();
            let value = plain(node.get_ref());
            let place = name.span().start;
            let read = match key {
                "from" => texts(&value).map(|from| rule.from = from),
                "value" => {
                    rule.constant = Some(value);
                    Some(())
                }
                "default" => {
                    rule.default = Some(value);
                    Some(())
                }
                "values" => self.values(node, field).map(|values| rule.values = values),
                "drop_if" => texts(&value).map(|texts| rule.drop_if = texts),
                "split" => texts(&value).map(|texts| rule.split = texts),
                "run_together" => value.as_bool().map(|flag| rule.run_together = flag),
                "vocabulary" => value.as_bool().map(|flag| rule.vocabulary = flag),
                "levels" => value.as_str().map(|text| rule.levels = Some(text.to_owned())),
                "date" => texts(&value).map(|formats| rule.date = formats),
                "times" => value
                    .as_f64()
                    .filter(|times| *times > 0.0)
                    .map(|times| rule.times = Some(times)),
                "first_words_of" => value
                    .as_str()
                    .map(|name| rule.first_words_of = Some((name.to_owned(), FIRST_WORDS))),
                "chars" => {
                    value.as_u64().filter(|count| (1..=1_000).contains(count)).map(|count| {
                        chars = Some(count as usize);
                    })
                }
                "amount" => {
                    rule.amount = match value.as_str() {
                        Some("first") => Some(End::First),
                        Some("last") => Some(End::Last),
                        _ => None,
                    };
                    rule.amount.map(drop)
                }
                _ => {
                    let hint = did_you_mean(key, KEYS);
                    let allowed = KEYS.join(", ");
                    let message = format!(
                        "{}: \"{key}\" is not a key here; allowed: {allowed}{hint}",
                        field.path
                    );
                    self.problems.add(place, key, message);
                    continue;
                }
            };
            if read.is_none() {
                let message = format!("{}: {key}: {} is expected", field.path, expected(key));
                self.problems.add(place, key, message);
            }
        }
        if let (Some(chars), Some((_, length))) = (chars, &mut rule.first_words_of) {
            *length = chars;
        } else if chars.is_some() {
            let message = format!("{}: chars goes with first_words_of", field.path);
            self.problems.add(at, "chars", message);
        }
        if rule.from.is_empty() && rule.constant.is_none() {
            rule.from = vec![field.name.clone()];
        }
        self.check(at, &mut rule, field);
        rule
    }

    /// Checks what the keys say together, and against the field.
    fn check(&mut self, at: usize, rule: &mut Rule, field: &Field) {
        let mut wrong = |key: &str, message: &str| {
            self.problems.add(at, key, format!("{}: {key}: {message}", field.path));
        };
        if rule.vocabulary && field.vocabulary.is_none() {
            wrong("vocabulary", "the field has no vocabulary");
        }
        if !rule.date.is_empty() && field.field_type != FieldType::Date {
            wrong("date", "the field is no date");
        }
        for format in &rule.date {
            let day = jiff::civil::date(2026, 11, 23);
            if jiff::fmt::strtime::format(format, day).is_err() {
                wrong("date", "formats are written as in %Y-%m-%d or %Y年%m月%d日");
            }
        }
        let is_number =
            matches!(field.field_type, FieldType::Money | FieldType::Integer | FieldType::Decimal);
        if rule.times.is_some() && !is_number {
            wrong("times", "the field is no number");
        }
        if rule.amount.is_some() && field.field_type != FieldType::Money {
            wrong("amount", "the field is no money");
        }
        if (!rule.split.is_empty() || rule.run_together) && !field.multiple {
            wrong("split", "the field takes one value");
        }
        if rule.levels.is_some() && !rule.vocabulary {
            wrong("levels", "needs vocabulary = true");
        }
        if rule.run_together && !rule.split.is_empty() {
            wrong("run_together", "either split or run_together");
        }
        if rule.run_together && field.vocabulary.is_none() && rule.values.is_empty() {
            wrong("run_together", "needs a vocabulary or values to recognize");
        }
        if let Some(vocabulary) = &field.vocabulary {
            let constants = rule.constant.iter().chain(&rule.default).chain(rule.values.values());
            for constant in constants {
                let codes = match constant {
                    Value::Array(codes) => codes.as_slice(),
                    one => std::slice::from_ref(one),
                };
                for code in codes.iter().filter_map(Value::as_str) {
                    if !code.is_empty() && vocabulary.get(code).is_none() {
                        let near = did_you_mean(code, vocabulary.entries.iter().map(|e| &*e.code));
                        let message = format!(
                            "{}: \"{code}\" is not a code of the vocabulary {}{near}",
                            field.path, vocabulary.name
                        );
                        self.problems.add(at, &field.path, message);
                    }
                }
            }
            if rule.run_together {
                rule.labels = HashMap::new();
                for entry in &vocabulary.entries {
                    let labels = std::iter::once(&entry.label.zh).chain(&entry.aliases);
                    for label in labels {
                        rule.labels.entry(label.clone()).or_insert_with(|| entry.code.clone());
                    }
                }
            }
        }
        for constant in rule.constant.iter_mut().chain(&mut rule.default) {
            if field.multiple && !constant.is_array() {
                *constant = Value::Array(vec![constant.take()]);
            }
        }
    }

    fn values(
        &mut self,
        node: &Node<'_>,
        field: &Field,
    ) -> Option<std::collections::BTreeMap<String, Value>> {
        let DeValue::Table(table) = node.get_ref() else { return None };
        let mut values = std::collections::BTreeMap::new();
        for (name, value) in sorted(table) {
            let value = plain(value.get_ref());
            if value.is_object() || (value.is_array() && !field.multiple) {
                let message = format!("{}: values: one value of ours is expected", field.path);
                self.problems.add(name.span().start, name.get_ref(), message);
            }
            values.insert(name.get_ref().clone().into_owned(), value);
        }
        Some(values)
    }
}

fn is_key(name: &Name<'_>) -> bool {
    KEYS.contains(&&**name.get_ref())
}

fn expected(key: &str) -> &'static str {
    match key {
        "run_together" | "vocabulary" => "true or false",
        "values" => "a table: \"theirs\" = \"ours\"",
        "amount" => "\"first\" or \"last\"",
        "times" => "a number above 0",
        "chars" => "a whole number from 1 to 1000",
        "levels" | "first_words_of" => "a text",
        _ => "a text, or an array of texts,",
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A text or an array of texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// TOML as JSON; a date is its text.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(instant) => instant.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let members = table.iter();
            let members =
                members.map(|(name, value)| (name.get_ref().to_string(), plain(value.get_ref())));
            Value::Object(members.collect::<Map<String, Value>>())
        }
    }
}
