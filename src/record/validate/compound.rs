//! Values that are objects of a fixed form, and objects of any form.

use serde_json::{Number, Value};

use super::describe::{brief_text, described, quoted};
use super::format::{is_media_type, is_shallow};
use super::{Checker, Lines, MAX_DEPTH, MAX_NAME, MAX_OPEN_BYTES, OPERATORS};
use crate::record::Fields;
use crate::record::kind_toml::MAX_URL;
use crate::record::nearest::did_you_mean;

impl Checker {
    pub(super) fn quantity(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let name = self.name(&mut members, "name");
        let operator = self.name(&mut members, "operator");
        let value = self.numeric(&mut members, "value");
        let value_to = self.numeric(&mut members, "value_to");
        let unit = self.name(&mut members, "unit");
        self.refuse_others(&members, ["name", "operator", "value", "value_to", "unit"].into_iter());
        match operator.as_deref() {
            None => self.need("operator", before, &format!("one of {}", OPERATORS.join(", "))),
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

    pub(super) fn geo(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let members_of_geo = [("lat", 90.0), ("lon", 180.0)].map(|(key, most)| {
            let number = self.numeric(&mut members, key);
            match number.as_ref().and_then(Number::as_f64) {
                Some(degrees) => {
                    self.inside(key, |checker| checker.bounds(degrees, Some(-most), Some(most)));
                }
                None => self.need(key, before, "degrees, a number"),
            }
            (key, number.map(Value::Number))
        });
        self.refuse_others(&members, ["lat", "lon"].into_iter());
        (self.violations.len() == before).then(|| present(members_of_geo))
    }

    pub(super) fn file(&mut self, mut members: Fields) -> Option<Value> {
        if members.values().all(Value::is_null) {
            return None;
        }
        let before = self.violations.len();
        let name = self.name(&mut members, "name");
        let url = self.member(&mut members, "url", "a string", |checker, value| match value {
            Value::String(text) => Ok(checker.url(text, MAX_URL)),
            other => Err(other),
        });
        let media_type = self.name(&mut members, "media_type");
        let bytes = self.member(&mut members, "bytes", "a whole number", |checker, value| {
            match value.as_i64() {
                Some(bytes) => Ok(checker.bounds(bytes as f64, Some(0.0), None).map(|()| value)),
                None => Err(value),
            }
        });
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
    pub(super) fn open(&mut self, members: Fields) -> Option<Value> {
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
            if !checker.violations[before..].iter().any(|violation| violation.pointer == *at) {
                checker.refuse::<()>("required", expected, "nothing");
            }
        });
    }
}

/// Makes an object of the members that are there.
fn present<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter();
    Value::Object(members.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}
