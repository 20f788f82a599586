//! A draft's fields -> checked and canonical fields, or every violation.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::kind::{Field, FieldType, RecordKind};
use super::kind_toml::MAX_URL;
use super::nearest::{did_you_mean, nearest};
pub use super::schema::json_schema;
pub use super::value::{ColumnValue, days, visible};
use super::{Fields, Vocabulary};

/// Values of one array.
pub const MAX_VALUES: usize = 1_000;
/// Arrays and objects within an open object, itself included.
pub const MAX_DEPTH: usize = 8;
/// Bytes of an open object as JSON.
pub const MAX_OPEN_BYTES: usize = 64 * 1024;
/// Characters of a name: of a quantity, a file.
pub const MAX_NAME: usize = 200;
/// Operators of a quantity.
pub const OPERATORS: [&str; 7] = ["eq", "ge", "gt", "le", "lt", "between", "approx"];

/// Characters of a refused value that are repeated to the caller.
const MAX_FOUND: usize = 80;
/// Names that are listed rather than counted.
const MAX_LISTED: usize = 12;
/// Violations of one draft that look for the nearest code: the search is the dearest part of a check.
const MAX_HINTS: usize = 20;

/// One thing that is wrong with a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON pointer to the value: `/windows/0/closes`.
    pub pointer: String,
    /// One of `unknown_field`, `wrong_type`, `required`, `not_in_vocabulary`, `too_long`, `too_many`, `too_deep`,
    /// `too_small`, `too_large`, `bad_text`, `bad_date`, `bad_url`, `bad_quantity`, `bad_file`.
    pub code: &'static str,
    pub expected: String,
    /// What was found, at most 80 characters of it.
    pub found: String,
}

/// Checks a draft's fields and returns their canonical form, or everything that is wrong.
///
/// Strings are trimmed, line ends become `\n`, empty strings, arrays, objects and nulls are dropped, repeated values
/// of one array are dropped after the first. Open objects are kept as they are. What was returned once is returned
/// unchanged when checked again.
pub fn validate(kind: &RecordKind, fields: Fields) -> Result<Fields, Vec<Violation>> {
    let mut checker = Checker {
        violations: Vec::new(),
        pointer: String::new(),
        hints: MAX_HINTS,
    };
    let fields = checker.fields(&kind.fields, fields);
    if checker.violations.is_empty() {
        Ok(fields)
    } else {
        Err(checker.violations)
    }
}

struct Checker {
    violations: Vec<Violation>,
    /// Where the value that is being checked stands.
    pointer: String,
    /// Violations that may still look for the nearest code.
    hints: usize,
}

impl Checker {
    fn refuse<T>(
        &mut self,
        code: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Option<T> {
        self.violations.push(Violation {
            pointer: self.pointer.clone(),
            code,
            expected: expected.into(),
            found: shortened(&found.into()),
        });
        None
    }

    /// Calls `check` with the pointer one step deeper.
    fn inside<T>(&mut self, step: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer
            .push_str(&step.replace('~', "~0").replace('/', "~1"));
        let checked = check(self);
        self.pointer.truncate(length);
        checked
    }

    /// Checks the members of a record or of an object.
    fn fields(&mut self, declared: &[Field], mut given: Fields) -> Fields {
        let mut kept = Fields::new();
        for field in declared {
            let value = given.remove(&field.name).unwrap_or(Value::Null);
            let value = self.inside(&field.name, |checker| {
                let before = checker.violations.len();
                let value = checker.field(field, value);
                if value.is_none() && field.required && checker.violations.len() == before {
                    checker.refuse::<()>("required", wanted(field), "nothing");
                }
                value
            });
            if let Some(value) = value {
                kept.insert(field.name.clone(), value);
            }
        }
        self.refuse_others(&given, declared.iter().map(|field| &*field.name));
        kept
    }

    /// Refuses every member of `given`: none is one of `names`.
    fn refuse_others<'a>(&mut self, given: &Fields, names: impl Iterator<Item = &'a str> + Clone) {
        for (name, value) in given {
            let expected = if name.starts_with('_') {
                "no name that begins with _: the service sets those".to_owned()
            } else {
                match (
                    nearest(name, names.clone()).as_slice(),
                    names.clone().count(),
                ) {
                    ([], 0..=MAX_LISTED) => {
                        format!("one of {}", names.clone().collect::<Vec<_>>().join(", "))
                    }
                    ([], count) => format!("one of the {count} declared fields"),
                    _ => format!("a declared field{}", did_you_mean(name, names.clone())),
                }
            };
            self.inside(&brief_text(name), |checker| {
                checker.refuse::<()>("unknown_field", expected, described(value));
            });
        }
    }

    fn field(&mut self, field: &Field, value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::Array(values) if field.multiple => self.values(field, values),
            value if field.multiple => {
                let expected = format!("{}, also for a single one", wanted(field));
                self.refuse("wrong_type", expected, described(&value))
            }
            value => self.value(field, value),
        }
    }

    fn values(&mut self, field: &Field, values: Vec<Value>) -> Option<Value> {
        if values.len() > MAX_VALUES {
            let found = format!("{} values", values.len());
            return self.refuse("too_many", format!("at most {MAX_VALUES} values"), found);
        }
        let mut kept = Vec::with_capacity(values.len());
        let mut seen = HashSet::new();
        for (at, value) in values.into_iter().enumerate() {
            let value = self.inside(&at.to_string(), |checker| checker.value(field, value));
            if let Some(value) = value
                && seen.insert(value.clone())
            {
                kept.push(value);
            }
        }
        (!kept.is_empty()).then_some(Value::Array(kept))
    }

    /// Checks one value; `None` when it is refused or says nothing.
    fn value(&mut self, field: &Field, value: Value) -> Option<Value> {
        match (field.field_type, value) {
            (_, Value::Null) => None,
            (FieldType::Text, Value::String(text)) => self
                .text(text, field.max_length, Lines::Many)
                .map(Value::String),
            (FieldType::Code | FieldType::Term | FieldType::Tree, Value::String(text)) => {
                self.term(field, text)
            }
            (FieldType::Date, Value::String(text)) => self.date(text),
            (FieldType::Url, Value::String(text)) => self.url(text, field.max_length),
            (FieldType::Bool, value @ Value::Bool(_)) => Some(value),
            (FieldType::Integer | FieldType::Money, Value::Number(number)) => {
                self.integer(field, number)
            }
            (FieldType::Decimal, Value::Number(number)) => {
                let value = self.number(&number)?;
                self.bounds(value, field.min, field.max)?;
                Some(Value::Number(number))
            }
            (FieldType::Quantity, Value::Object(members)) => self.quantity(members),
            (FieldType::Geo, Value::Object(members)) => self.geo(members),
            (FieldType::File, Value::Object(members)) => self.file(members),
            (FieldType::Object, Value::Object(members)) if field.open => self.open(members),
            (FieldType::Object, Value::Object(members)) => {
                object(self.fields(&field.fields, members))
            }
            (_, value) => self.refuse("wrong_type", wanted_value(field), described(&value)),
        }
    }

    /// Brings a text into its canonical form; `None` when it is empty or refused.
    fn text(&mut self, text: String, max_length: usize, lines: Lines) -> Option<String> {
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text
        };
        let trimmed = text.trim();
        let refused =
            |c: &char| c.is_control() && (lines == Lines::One || !matches!(c, '\n' | '\t'));
        if let Some((at, c)) = trimmed.chars().enumerate().find(|(_, c)| refused(c)) {
            let expected = match lines {
                Lines::Many => "no control characters but line feed and tab",
                Lines::One => "one line without control characters",
            };
            let found = format!("U+{:04X} as character {}", u32::from(c), at + 1);
            return self.refuse("bad_text", expected, found);
        }
        let length = trimmed.chars().count();
        if length > max_length {
            let expected = format!("at most {max_length} characters");
            return self.refuse("too_long", expected, format!("{length} characters"));
        }
        match (trimmed.is_empty(), trimmed.len() == text.len()) {
            (true, _) => None,
            (_, true) => Some(text),
            (_, false) => Some(trimmed.to_owned()),
        }
    }

    fn term(&mut self, field: &Field, text: String) -> Option<Value> {
        let Some(vocabulary) = &field.vocabulary else {
            return self
                .text(text, field.max_length, Lines::One)
                .map(Value::String);
        };
        let code = text.trim();
        if code.is_empty() {
            return None;
        }
        if vocabulary.get(code).is_none() {
            let expected = self.wanted_code(vocabulary, code);
            return self.refuse("not_in_vocabulary", expected, quoted(code));
        }
        Some(Value::String(code.to_owned()))
    }

    /// Describes what a code of the vocabulary is, and which one was likely meant.
    fn wanted_code(&mut self, vocabulary: &Vocabulary, found: &str) -> String {
        let name = &vocabulary.name;
        let codes = || vocabulary.entries.iter().map(|entry| &*entry.code);
        let mut expected = match vocabulary.entries.len() {
            0..=MAX_LISTED => format!("one of {}", codes().collect::<Vec<_>>().join(", ")),
            count => format!("one of the {count} codes of the vocabulary \"{name}\""),
        };
        if self.hints > 0 {
            self.hints -= 1;
            match vocabulary.by_label(found) {
                Some(code) => expected.push_str(&format!("; did you mean \"{code}\"?")),
                None => expected.push_str(&did_you_mean(found, codes())),
            }
        }
        expected
    }

    fn date(&mut self, text: String) -> Option<Value> {
        let date = text.trim();
        if date.is_empty() {
            return None;
        }
        if days(date).is_none() {
            let expected = "a date of the calendar as YYYY-MM-DD, 1900 to 2199";
            return self.refuse("bad_date", expected, quoted(date));
        }
        Some(Value::String(date.to_owned()))
    }

    fn url(&mut self, text: String, max_length: usize) -> Option<Value> {
        let text = self.text(text, max_length, Lines::One)?;
        if !is_https(&text) {
            return self.refuse("bad_url", "a URL that begins with https://", quoted(&text));
        }
        Some(Value::String(text))
    }

    fn integer(&mut self, field: &Field, number: Number) -> Option<Value> {
        let Some(value) = number.as_i64() else {
            if number.is_u64() {
                return self.refuse(
                    "too_large",
                    format!("at most {}", i64::MAX),
                    number.to_string(),
                );
            }
            return self.refuse("wrong_type", wanted_value(field), described(&number.into()));
        };
        let min = match field.field_type {
            FieldType::Money => Some(field.min.unwrap_or(0.0).max(0.0)),
            _ => field.min,
        };
        self.bounds(value as f64, min, field.max)?;
        Some(Value::Number(number))
    }

    fn number(&mut self, number: &Number) -> Option<f64> {
        match number.as_f64().filter(|value| value.is_finite()) {
            Some(value) => Some(value),
            None => self.refuse("too_large", "a number", number.to_string()),
        }
    }

    fn bounds(&mut self, value: f64, min: Option<f64>, max: Option<f64>) -> Option<()> {
        if let Some(min) = min.filter(|&min| value < min) {
            return self.refuse("too_small", format!("at least {min}"), value.to_string());
        }
        if let Some(max) = max.filter(|&max| value > max) {
            return self.refuse("too_large", format!("at most {max}"), value.to_string());
        }
        Some(())
    }

    /// Takes a member that is a text of one line.
    fn name(&mut self, members: &mut Fields, key: &str) -> Option<String> {
        self.member(members, key, "a string", |checker, value| match value {
            Value::String(text) => Ok(checker.text(text, MAX_NAME, Lines::One)),
            other => Err(other),
        })
    }

    /// Takes a member that is a number.
    fn numeric(&mut self, members: &mut Fields, key: &str) -> Option<Number> {
        self.member(members, key, "a number", |checker, value| match value {
            Value::Number(number) => Ok(checker.number(&number).map(|_| number)),
            other => Err(other),
        })
    }

    /// Takes a member out of an object and checks it; `check` gives back what is of the wrong type.
    fn member<T>(
        &mut self,
        members: &mut Fields,
        key: &str,
        wanted: &str,
        check: impl FnOnce(&mut Self, Value) -> Result<Option<T>, Value>,
    ) -> Option<T> {
        let value = members.remove(key).filter(|value| !value.is_null())?;
        self.inside(key, |checker| match check(checker, value) {
            Ok(checked) => checked,
            Err(value) => checker.refuse("wrong_type", wanted, described(&value)),
        })
    }

    /// Reports a member that must be there, unless something was already wrong with it.
    fn need(&mut self, key: &str, before: usize, expected: &str) {
        self.inside(key, |checker| {
            let at = &checker.pointer;
            if !checker.violations[before..]
                .iter()
                .any(|violation| violation.pointer == *at)
            {
                checker.refuse::<()>("required", expected, "nothing");
            }
        });
    }

    fn quantity(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let name = self.name(&mut members, "name");
        let operator = self.name(&mut members, "operator");
        let value = self.numeric(&mut members, "value");
        let value_to = self.numeric(&mut members, "value_to");
        let unit = self.name(&mut members, "unit");
        self.refuse_others(
            &members,
            ["name", "operator", "value", "value_to", "unit"].into_iter(),
        );
        match operator.as_deref() {
            None => self.need(
                "operator",
                before,
                &format!("one of {}", OPERATORS.join(", ")),
            ),
            Some("between") if value_to.is_none() => {
                self.need("value_to", before, "the upper end, a number");
            }
            Some("between") => {}
            Some(found) if !OPERATORS.contains(&found) => {
                let hint = did_you_mean(found, OPERATORS);
                let expected = format!("one of {}{hint}", OPERATORS.join(", "));
                self.inside("operator", |checker| {
                    checker.refuse::<()>("bad_quantity", expected, quoted(found));
                });
            }
            Some(found) if value_to.is_some() => {
                let expected = "value_to with the operator \"between\" alone";
                self.inside("value_to", |checker| {
                    checker.refuse::<()>("bad_quantity", expected, quoted(found));
                });
            }
            Some(_) => {}
        }
        if value.is_none() {
            self.need("value", before, "a number");
        }
        if let (Some(from), Some(to)) = (&value, &value_to)
            && from.as_f64() > to.as_f64()
        {
            let expected = format!("at least value, {from}");
            self.inside("value_to", |checker| {
                checker.refuse::<()>("bad_quantity", expected, to.to_string());
            });
        }
        let members = [
            ("name", name.map(Value::String)),
            ("operator", operator.map(Value::String)),
            ("value", value.map(Value::Number)),
            ("value_to", value_to.map(Value::Number)),
            ("unit", unit.map(Value::String)),
        ];
        (self.violations.len() == before).then(|| present(members))
    }

    fn geo(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let mut degrees = |key: &'static str, most: f64| {
            let number = self.numeric(&mut members, key);
            match number.as_ref().and_then(Number::as_f64) {
                Some(value) => drop(self.inside(key, |checker| {
                    checker.bounds(value, Some(-most), Some(most))
                })),
                None => self.need(key, before, "degrees, a number"),
            }
            (key, number.map(Value::Number))
        };
        let members_of_geo = [degrees("lat", 90.0), degrees("lon", 180.0)];
        self.refuse_others(&members, ["lat", "lon"].into_iter());
        (self.violations.len() == before).then(|| present(members_of_geo))
    }

    fn file(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let name = self.name(&mut members, "name");
        let url = self.member(
            &mut members,
            "url",
            "a string",
            |checker, value| match value {
                Value::String(text) => Ok(checker.url(text, MAX_URL)),
                other => Err(other),
            },
        );
        let media_type = self.name(&mut members, "media_type");
        let bytes =
            self.member(
                &mut members,
                "bytes",
                "a whole number",
                |checker, value| match value.as_i64() {
                    Some(bytes) => Ok(checker
                        .bounds(bytes as f64, Some(0.0), None)
                        .map(|()| value)),
                    None => Err(value),
                },
            );
        self.refuse_others(&members, ["name", "url", "media_type", "bytes"].into_iter());
        if name.is_none() {
            self.need("name", before, "the name of the file");
        }
        if url.is_none() {
            self.need("url", before, "a URL that begins with https://");
        }
        if let Some(found) = &media_type
            && !is_media_type(found)
        {
            self.inside("media_type", |checker| {
                checker.refuse::<()>("bad_file", "a type such as application/pdf", quoted(found));
            });
        }
        let members = [
            ("name", name.map(Value::String)),
            ("url", url),
            ("media_type", media_type.map(Value::String)),
            ("bytes", bytes),
        ];
        (self.violations.len() == before).then(|| present(members))
    }

    /// Checks an object that holds any JSON.
    fn open(&mut self, members: Fields) -> Option<Value> {
        if members.is_empty() {
            return None;
        }
        let value = Value::Object(members);
        // First the depth: what follows goes as deep as the value.
        if !is_shallow(&value, MAX_DEPTH) {
            let expected = format!("arrays and objects at most {MAX_DEPTH} deep");
            return self.refuse("too_deep", expected, "more");
        }
        let bytes = value.to_string().len();
        if bytes > MAX_OPEN_BYTES {
            let expected = format!("at most {MAX_OPEN_BYTES} bytes of JSON");
            return self.refuse("too_long", expected, format!("{bytes} bytes"));
        }
        let before = self.violations.len();
        self.open_texts(&value);
        (self.violations.len() == before).then_some(value)
    }

    /// Refuses control characters anywhere in an open object.
    fn open_texts(&mut self, value: &Value) {
        let refused = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        match value {
            Value::String(text) if text.contains(refused) => {
                let expected = "no control characters but line ends and tab";
                self.refuse::<()>("bad_text", expected, quoted(text));
            }
            Value::Array(values) => {
                for (at, value) in values.iter().enumerate() {
                    self.inside(&at.to_string(), |checker| checker.open_texts(value));
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    self.inside(&brief_text(name), |checker| {
                        if name.contains(char::is_control) {
                            let expected = "a name without control characters";
                            checker.refuse::<()>("bad_text", expected, quoted(name));
                        }
                        checker.open_texts(value);
                    });
                }
            }
            _ => {}
        }
    }
}

/// How many lines a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// Makes an object of the members that are there.
fn present<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect(),
    )
}

fn object(members: Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then_some(Value::Object(members))
}

/// Describes what a field takes: one value, or an array.
fn wanted(field: &Field) -> String {
    let value = wanted_value(field);
    if field.multiple {
        format!("an array, each value {value}")
    } else {
        value
    }
}

/// Describes one value of a field.
fn wanted_value(field: &Field) -> String {
    let wanted = match field.field_type {
        FieldType::Text | FieldType::Code => "a string",
        FieldType::Term | FieldType::Tree => match &field.vocabulary {
            Some(vocabulary) => return format!("a code of the vocabulary \"{}\"", vocabulary.name),
            None => "a string",
        },
        FieldType::Date => "a date, \"YYYY-MM-DD\"",
        FieldType::Integer => "a whole number without a decimal point",
        FieldType::Decimal => "a number",
        FieldType::Money => "whole yuan without a decimal point, 0 or more",
        FieldType::Quantity => "an object {name, operator, value, value_to, unit}",
        FieldType::Bool => "true or false",
        FieldType::Geo => "an object {lat, lon}",
        FieldType::Url => "a URL that begins with https://",
        FieldType::File => "an object {name, url, media_type, bytes}",
        FieldType::Object => "an object",
    };
    wanted.to_owned()
}

/// Describes a value without repeating more than its beginning.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(values) => format!("an array of {}", values.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", brief_text(text))
}

/// Returns the beginning of a text, without control characters.
fn brief_text(text: &str) -> String {
    let brief = shortened(text);
    brief
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Cuts a text to the characters that are repeated to callers.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_FOUND) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_FOUND - 1).chain(['…']).collect(),
    }
}

/// Tells whether a text is an `https` URL with a host, and without user name, spaces and quotes.
fn is_https(url: &str) -> bool {
    let Some(scheme) = url.get(..8) else {
        return false;
    };
    if !scheme.eq_ignore_ascii_case("https://")
        || url.contains(|c: char| c.is_whitespace() || "\"<>\\^`{|}".contains(c))
    {
        return false;
    }
    let rest = &url[8..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, "443"),
    };
    let is_address = host.starts_with('[')
        && host.ends_with(']')
        && host[1..host.len() - 1]
            .parse::<std::net::Ipv6Addr>()
            .is_ok();
    let is_name = host.starts_with(char::is_alphanumeric)
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (is_address || is_name) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence
        .split_once('/')
        .is_some_and(|(main, sub)| part(main) && part(sub))
}

/// Tells whether arrays and objects are at most `depth` deep.
fn is_shallow(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(values) => {
            depth > 0 && values.iter().all(|value| is_shallow(value, depth - 1))
        }
        Value::Object(members) => {
            depth > 0 && members.values().all(|value| is_shallow(value, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
