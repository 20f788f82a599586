//! A draft's fields -> checked and canonical fields, or every violation.

mod compound;
mod describe;
mod format;

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::kind::{Field, FieldType, RecordKind};
use super::nearest::did_you_mean;
pub use super::schema::json_schema;
pub use super::value::{ColumnValue, date_text, days, visible};
use super::{Fields, Vocabulary};
use describe::{brief_text, described, quoted, shortened, wanted, wanted_value};
use format::is_https;

/// Values of one array.
pub const MAX_VALUES: usize = 1_000;
/// Arrays and objects within an open object, itself included.
///
/// A condition tree of eight groups takes two for each, and two for what it begins and ends with.
pub const MAX_DEPTH: usize = 18;
/// Bytes of an open object as JSON.
pub const MAX_OPEN_BYTES: usize = 64 * 1024;
/// Characters of a name: of a quantity, a file.
pub const MAX_NAME: usize = 200;
/// Operators of a quantity.
pub const OPERATORS: [&str; 7] = ["eq", "ge", "gt", "le", "lt", "between", "approx"];

/// Names that are listed rather than counted.
const MAX_LISTED: usize = 12;
/// Violations of one draft that look for the nearest name or code: the search is the dearest part of a check.
const MAX_HINTS: usize = 20;

/// One thing that is wrong with a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON pointer to the value: `/windows/0/closes`.
    pub pointer: String,
    /// One of `unknown_field`, `wrong_type`, `required`, `not_in_vocabulary`, `too_long`, `too_many`, `too_deep`,
    /// `too_small`, `too_large`, `bad_text`, `bad_date`, `bad_url`, `bad_quantity`, `bad_file`; in rules
    /// `bad_condition`, `bad_judgement`, `bad_amount`, `bad_stacking`, `bad_window`.
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
    let mut checker = Checker { violations: Vec::new(), pointer: String::new(), hints: MAX_HINTS };
    let fields = checker.fields(&kind.fields, fields);
    if checker.violations.is_empty() { Ok(fields) } else { Err(checker.violations) }
}

struct Checker {
    violations: Vec<Violation>,
    /// Where the value that is being checked stands.
    pointer: String,
    /// Violations that may still look for the nearest name or code.
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
        self.pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
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
                self.wanted_name(name, names.clone())
            };
            self.inside(&brief_text(name), |checker| {
                checker.refuse::<()>("unknown_field", expected, described(value));
            });
        }
    }

    /// Describes what a name may be, and which one was likely meant.
    fn wanted_name<'a>(
        &mut self,
        found: &str,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> String {
        let hint = self.hint(|| did_you_mean(found, names.clone()));
        match names.clone().count() {
            _ if !hint.is_empty() => format!("a declared field{hint}"),
            0..=MAX_LISTED => format!("one of {}", names.collect::<Vec<_>>().join(", ")),
            count => format!("one of the {count} declared fields"),
        }
    }

    /// Looks for what was meant, unless that was done often enough.
    fn hint(&mut self, look: impl FnOnce() -> String) -> String {
        match self.hints.checked_sub(1) {
            Some(left) => {
                self.hints = left;
                look()
            }
            None => String::new(),
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
            (FieldType::Text, Value::String(text)) => {
                self.text(text, field.max_length, Lines::Many).map(Value::String)
            }
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
        let text =
            if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
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
            return self.text(text, field.max_length, Lines::One).map(Value::String);
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
        let expected = match vocabulary.entries.len() {
            0..=MAX_LISTED => {
                let codes: Vec<&str> =
                    vocabulary.entries.iter().map(|entry| &*entry.code).collect();
                format!("one of {}", codes.join(", "))
            }
            count => format!("one of the {count} codes of the vocabulary \"{name}\""),
        };
        expected + &self.hint(|| vocabulary.hint(found))
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
}

/// How many lines a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

fn object(members: Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests;
