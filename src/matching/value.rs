//! Reads the values of a record's fields by path.

use serde_json::Value;

use super::Side;
use crate::record::FieldType;
use crate::record::kind::Field;
use crate::record::validate::days;

impl<'a> Side<'a> {
    /// Returns the declared field at a dotted path.
    pub fn field(&self, path: &str) -> Option<&'a Field> {
        self.kind.field_at(path)
    }

    /// Returns every single value at a dotted path, arrays and objects on the way taken apart.
    pub fn values(&self, path: &str) -> Vec<&'a Value> {
        let mut level: Vec<&Value> = Vec::new();
        for (at, name) in path.split('.').enumerate() {
            let next: Vec<&Value> = if at == 0 {
                self.fields.get(name).into_iter().collect()
            } else {
                level.iter().filter_map(|value| value.get(name)).collect()
            };
            level = next.into_iter().flat_map(each).collect();
        }
        level
    }

    /// Returns the strings at the first of `paths` that has any.
    pub fn texts<S: AsRef<str>>(&self, paths: &[S]) -> Vec<&'a str> {
        self.first_of(paths, |value| value.as_str())
    }

    /// Returns the numbers at the first of `paths` that has any; of a value by year, the latest.
    pub fn numbers<S: AsRef<str>>(&self, paths: &[S]) -> Vec<f64> {
        self.first_of(paths, number)
    }

    /// Returns the dates at the first of `paths` that has any, in days since 1970-01-01.
    pub fn dates<S: AsRef<str>>(&self, paths: &[S]) -> Vec<i32> {
        self.first_of(paths, |value| days(value.as_str()?))
    }

    fn first_of<S: AsRef<str>, T>(
        &self,
        paths: &[S],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Vec<T> {
        let values = |path: &S| -> Vec<T> {
            self.values(path.as_ref()).into_iter().filter_map(&read).collect()
        };
        paths.iter().map(values).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Returns how people call a value of the field at `path`: a code's label, else the value itself.
    pub fn label(&self, path: &str, value: &'a str) -> &'a str {
        let vocabulary = self.field(path).and_then(|field| field.vocabulary.as_deref());
        vocabulary
            .and_then(|vocabulary| vocabulary.get(value))
            .map_or(value, |entry| &entry.label.zh)
    }

    /// Returns the labels of the values at the first of `paths` that has any, `、` between them.
    pub fn labels<S: AsRef<str>>(&self, paths: &[S]) -> String {
        let Some(path) = paths.iter().find(|path| !self.values(path.as_ref()).is_empty()) else {
            return String::new();
        };
        let path = path.as_ref();
        let values = self.values(path);
        let shown: Vec<String> = values
            .into_iter()
            .take(MAX_SHOWN)
            .map(|value| match value {
                Value::String(text) => self.label(path, text).to_owned(),
                Value::Bool(true) => "是".to_owned(),
                Value::Bool(false) => "否".to_owned(),
                value => match (number(value), self.field(path).map(|field| field.field_type)) {
                    (Some(number), Some(FieldType::Money)) => yuan(number),
                    (Some(number), _) => number.to_string(),
                    (None, _) => String::new(),
                },
            })
            .collect();
        shown.join("、")
    }
}

/// Values of one field that are shown.
const MAX_SHOWN: usize = 4;

/// Prints money as people say it: `300万元`.
pub fn yuan(amount: f64) -> String {
    let scaled = |scale: f64, unit: &str| {
        let text = format!("{:.2}", amount / scale);
        format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match amount.abs() {
        a if a >= 1e8 => scaled(1e8, "亿元"),
        a if a >= 1e4 => scaled(1e4, "万元"),
        _ => scaled(1.0, "元"),
    }
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

/// Reads a number, or the latest of `{"2025": 48000000}`.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Object(by_year) => by_year
            .iter()
            .filter(|(year, _)| year.len() == 4)
            .max_by_key(|(year, _)| *year)?
            .1
            .as_f64(),
        value => value.as_f64(),
    }
}
