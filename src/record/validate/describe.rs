//! What was expected and what was found, in words.

use serde_json::Value;

use crate::record::kind::{Field, FieldType};

/// Characters of a refused value that are repeated to the caller.
const MAX_FOUND: usize = 80;

/// Describes what a field takes: one value, or an array.
pub(super) fn wanted(field: &Field) -> String {
    let value = wanted_value(field);
    if field.multiple { format!("an array, each value {value}") } else { value }
}

/// Describes one value of a field.
pub(super) fn wanted_value(field: &Field) -> String {
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
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(values) => format!("an array of {}", values.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", brief_text(text))
}

/// Returns the beginning of a text, without control characters.
pub(super) fn brief_text(text: &str) -> String {
    let brief = shortened(text);
    brief.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Cuts a text to the characters that are repeated to callers.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_FOUND) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_FOUND - 1).chain(['…']).collect(),
    }
}
