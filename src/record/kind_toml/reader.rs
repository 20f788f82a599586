//! TOML values that know where they stand, and report what is wrong with them instead of failing.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problems};
use crate::record::kind::Label;
use crate::record::nearest::did_you_mean;

/// A file of TOML.
pub(crate) struct Document<'a> {
    file: Arc<str>,
    root: DeTable<'a>,
    /// Where each line begins.
    lines: Vec<usize>,
    problems: &'a Problems,
}

impl<'a> Document<'a> {
    /// Reads a file; `None` when it is no TOML, and then every such problem is reported.
    pub fn parse(file: Arc<str>, text: &'a str, problems: &'a Problems) -> Option<Self> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let document = Self { file, root: root.into_inner(), lines, problems };
        for error in &errors {
            let line = document.line(&error.span().unwrap_or_default());
            // The message of the parser may go over several lines.
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            Place::at_line(document.file.clone(), line)
                .report(problems, format_args!("is not TOML here: {message}"));
        }
        errors.is_empty().then_some(document)
    }

    pub fn root(&self) -> Table<'_> {
        let place = Place::at_line(self.file.clone(), 1);
        Table { document: self, table: &self.root, place }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|&start| start <= span.start)
    }
}

/// A table, with what reading its keys needs.
#[derive(Clone)]
pub(crate) struct Table<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    pub place: Place,
}

impl<'d> Table<'d> {
    pub fn called(self, subject: String) -> Self {
        Self { place: self.place.called(subject), ..self }
    }

    pub fn report(&self, message: impl fmt::Display) {
        self.place.report(self.document.problems, message);
    }

    /// Reports every key that is not one of `keys`.
    pub fn allow(&self, keys: &[&str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let hint = did_you_mean(name, keys.iter().copied());
                let place = self.place.member(name, self.document.line(&key.span()));
                place.report(
                    self.document.problems,
                    format_args!("is not a key here; allowed: {}{hint}", keys.join(", ")),
                );
            }
        }
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        self.table.keys().map(|key| -> &'d str { key.get_ref() })
    }

    pub fn get(&self, key: &str) -> Option<Node<'d>> {
        let (name, value) = self.table.get_key_value(key)?;
        // A table's own span may begin anywhere; its key is where people look.
        let line = self.document.line(&match value.get_ref() {
            DeValue::Table(_) | DeValue::Array(_) => name.span(),
            _ => value.span(),
        });
        Some(Node { document: self.document, value, place: self.place.member(key, line) })
    }

    /// Returns the value of a key, or reports that it is missing.
    pub fn need(&self, key: &str) -> Option<Node<'d>> {
        let value = self.get(key);
        if value.is_none() {
            let place = self.place.member(key, self.place.line.unwrap_or(1));
            place.report(self.document.problems, "is missing");
        }
        value
    }

    /// Reads a table of any form as JSON.
    pub fn json(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        let keys = self.table.keys().map(|key| key.get_ref().as_ref());
        keys.map(|key| Some((key.to_owned(), self.get(key)?.json()?))).collect()
    }

    /// Reads the words of an array, none when absent.
    pub fn words(&self, key: &str) -> Vec<String> {
        self.items(key).iter().filter_map(|node| node.text().map(str::to_owned)).collect()
    }

    /// Reads a flag that is false when absent.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|node| node.flag()).unwrap_or(false)
    }

    /// Reads the items of an array, none when absent.
    pub fn items(&self, key: &str) -> Vec<Node<'d>> {
        self.get(key).map(|node| node.items()).unwrap_or_default()
    }

    /// Checks that the file is of a version that this program reads.
    pub fn version(&self) {
        if let Some(node) = self.need("version")
            && let Some(found) = node.whole()
            && found != 1
        {
            node.report(format_args!("{found} is not known; allowed: 1"));
        }
    }
}

/// A value.
#[derive(Clone)]
pub(crate) struct Node<'d> {
    document: &'d Document<'d>,
    value: &'d Spanned<DeValue<'d>>,
    pub place: Place,
}

impl<'d> Node<'d> {
    pub fn report(&self, message: impl fmt::Display) {
        self.place.report(self.document.problems, message);
    }

    fn expected<T>(&self, what: &str) -> Option<T> {
        let found = match self.value.get_ref() {
            DeValue::String(text) => {
                let text: String = text.chars().take(80).collect();
                format!("the string {text:?}")
            }
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {number}"),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(date) => format!("the date {date}"),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.report(format_args!("must be {what}, found {found}"));
        None
    }

    /// Reads a string that says something.
    pub fn text(&self) -> Option<&'d str> {
        match self.value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.report("must not be empty");
                None
            }
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.expected("a string"),
        }
    }

    pub fn flag(&self) -> Option<bool> {
        match *self.value.get_ref() {
            DeValue::Boolean(flag) => Some(flag),
            _ => self.expected("true or false"),
        }
    }

    pub fn whole(&self) -> Option<i64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.or_else(|| self.expected("a whole number"))
    }

    pub fn number(&self) -> Option<f64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(_) => return self.whole().map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite()).or_else(|| self.expected("a number"))
    }

    pub fn table(&self) -> Option<Table<'d>> {
        match self.value.get_ref() {
            DeValue::Table(table) => {
                Some(Table { document: self.document, table, place: self.place.clone() })
            }
            _ => self.expected("a table"),
        }
    }

    /// Reads a value of any form as JSON; dates become strings.
    pub fn json(&self) -> Option<serde_json::Value> {
        use serde_json::Value;
        Some(match self.value.get_ref() {
            DeValue::String(text) => Value::String(text.as_ref().to_owned()),
            DeValue::Integer(_) => self.whole()?.into(),
            DeValue::Float(_) => self.number()?.into(),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(date) => Value::String(date.to_string()),
            DeValue::Array(_) => self.items().iter().map(Self::json).collect::<Option<_>>()?,
            DeValue::Table(_) => Value::Object(self.table()?.json()?),
        })
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    pub fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub fn items(&self) -> Vec<Node<'d>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.expected::<()>("an array");
            return Vec::new();
        };
        let item = |(at, value): (usize, &'d Spanned<DeValue<'d>>)| {
            let place = self.place.item(at, self.document.line(&value.span()));
            Node { document: self.document, value, place }
        };
        items.iter().enumerate().map(item).collect()
    }

    /// Reads a text in both languages.
    pub fn label(&self) -> Option<Label> {
        let table = self.table()?;
        table.allow(&["zh", "en"]);
        let [zh, en] =
            ["zh", "en"].map(|key| table.need(key).and_then(|node| node.text().map(str::to_owned)));
        Some(Label { zh: zh?, en: en? })
    }

    /// Reads one of the names of `names`.
    pub fn choice<T: Copy>(&self, names: &[(&'static str, T)]) -> Option<T> {
        let found = self.text()?;
        let chosen = names.iter().find(|(name, _)| *name == found);
        if chosen.is_none() {
            let allowed: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            let hint = did_you_mean(found, allowed.iter().copied());
            self.report(format_args!(
                "{found:?} is not known; allowed: {}{hint}",
                allowed.join(", ")
            ));
        }
        chosen.map(|&(_, value)| value)
    }
}
