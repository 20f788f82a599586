//! Reads the members of a request one by one; what is left at the end is unknown, and refused.

use serde_json::{Number, Value};

use super::refusal::Refusal;
use crate::http::input;
use crate::record::Fields;

/// The members of a body, or a query string's parameters.
pub struct Members {
    object: Fields,
    /// Codes of errors begin with it: `invalid_search`.
    prefix: &'static str,
}

/// How a parameter of a query string is written.
#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    Number,
    Flag,
    /// Comma list.
    Texts,
}

impl Members {
    pub fn new(object: Fields, prefix: &'static str) -> Self {
        Self { object, prefix }
    }

    /// Reads a query string's parameters as the members that they stand for.
    pub fn from_pairs(
        pairs: Vec<(String, String)>,
        shapes: &[(&str, Shape)],
        prefix: &'static str,
    ) -> Result<Self, Refusal> {
        let mut members = Self::new(Fields::new(), prefix);
        for (name, value) in pairs {
            let shape = shapes.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape);
            let Some(shape) = shape else {
                let known: Vec<&str> = shapes.iter().map(|(name, _)| *name).collect();
                return Err(unknown(&name, &known));
            };
            let found = Value::String(value.clone());
            let wrong = |expected| Err(members.wrong(&name, expected, &found));
            if members.object.contains_key(&name) {
                return wrong("the parameter once");
            }
            let value = match shape {
                Shape::Text => found,
                Shape::Texts => value.split(',').map(str::trim).map(Value::from).collect(),
                Shape::Number => match value.parse::<Number>() {
                    Ok(number) => Value::Number(number),
                    Err(_) => return wrong("a number"),
                },
                Shape::Flag => match value.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => return wrong("true or false"),
                },
            };
            members.object.insert(name, value);
        }
        Ok(members)
    }

    /// Takes a member out as it is; null is absent.
    pub fn value(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a member out and reads it; null is absent.
    pub fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.value(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| self.wrong(name, expected, &value))
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        self.take(name, "text without NUL characters", |value| {
            value.as_str().filter(|text| !text.contains('\0')).map(str::to_owned)
        })
    }

    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        self.take(name, "true or false", Value::as_bool)
    }

    pub fn number(&mut self, name: &str, most: usize) -> Result<Option<usize>, Refusal> {
        self.take(name, &format!("a whole number from 0 to {most}"), |value| {
            usize::try_from(value.as_u64()?).ok().filter(|number| *number <= most)
        })
    }

    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.take(name, "an array of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    /// Refuses a member that asks for something, with the reason why it is not served.
    pub fn not_served(&mut self, name: &str, reason: &str) -> Result<(), Refusal> {
        let asks = self.value(name).filter(|value| !asks_nothing(value));
        match asks {
            None => Ok(()),
            Some(_) => {
                Err(Refusal::bad(self.code(name), format!("`{name}` is not served: {reason}.")))
            }
        }
    }

    /// Refuses what was not taken out. `known` is what may be given.
    pub fn finish(self, known: &[&str]) -> Result<(), Refusal> {
        match self.object.keys().next() {
            None => Ok(()),
            Some(name) => Err(unknown(name, known)),
        }
    }

    /// The code of an error in this member.
    pub fn code(&self, name: &str) -> String {
        let mut code = format!("{}_", self.prefix);
        for ch in name.chars() {
            if ch.is_ascii_uppercase() {
                code.push('_');
            }
            code.push(ch.to_ascii_lowercase());
        }
        code
    }

    pub fn wrong(&self, name: &str, expected: &str, found: &Value) -> Refusal {
        let shown: String = found.to_string().chars().take(80).collect();
        let message = match found {
            Value::Array(_) | Value::Object(_) => {
                format!(
                    "Invalid value at `.{name}`: expected {expected}; found {}",
                    input::name_of(found)
                )
            }
            _ => format!("Invalid value at `.{name}`: expected {expected}; found `{shown}`"),
        };
        Refusal::bad(self.code(name), message)
    }
}

fn unknown(name: &str, known: &[&str]) -> Refusal {
    let name: String = name.chars().take(80).collect();
    let known = known.join("`, `");
    Refusal::bad("bad_request", format!("Unknown field `{name}`: expected one of `{known}`"))
}

/// Tells whether a value asks for what is the case anyway.
fn asks_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(asked) => !asked,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "*",
        Value::Array(items) => items.iter().all(|item| item == "*"),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        let Value::Object(object) = value else { panic!("an object") };
        Members::new(object, "invalid_search")
    }

    #[test]
    fn names_what_is_wrong() {
        let mut wrong = members(json!({ "hitsPerPage": -1, "q": "a\0", "facets": ["a", 1] }));
        let refusal = wrong.number("hitsPerPage", 10).unwrap_err();
        assert_eq!(refusal.code, "invalid_search_hits_per_page");
        assert!(refusal.message.contains("from 0 to 10; found `-1`"), "{}", refusal.message);
        assert_eq!(wrong.text("q").unwrap_err().code, "invalid_search_q");
        assert_eq!(wrong.texts("facets").unwrap_err().code, "invalid_search_facets");
        let left = members(json!({ "limits": 1 })).finish(&["limit"]).unwrap_err();
        assert_eq!((&*left.code, left.message.contains("`limits`")), ("bad_request", true));
    }

    #[test]
    fn refuses_only_what_asks_for_something() {
        for nothing in [json!(null), json!(false), json!([]), json!(["*"]), json!(0.0)] {
            assert!(members(json!({ "x": nothing })).not_served("x", "because").is_ok());
        }
        for asked in [json!(true), json!(["a"]), json!({ "a": 1 }), json!(0.5), json!("a")] {
            let refusal = members(json!({ "x": asked })).not_served("x", "because").unwrap_err();
            assert_eq!(refusal.message, "`x` is not served: because.");
        }
    }
}
