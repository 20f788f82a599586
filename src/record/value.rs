//! What the layers above take of a record's fields: its texts, its values, and what a reader may see.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::kind::{Field, FieldType, RecordKind, Role, Suggested, Visibility};
use super::{Fields, Vocabulary};

/// Years that a date may be in.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// One value of a field that can be filtered, counted or sorted.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValue {
    Term(String),
    Tree(String),
    Code(String),
    Bool(bool),
    /// Whole numbers, and money in yuan.
    Integer(i64),
    Decimal(f64),
    /// Days since 1970-01-01.
    Date(i32),
}

/// Reads a `YYYY-MM-DD` as days since 1970-01-01; `None` for what is no date in [`YEARS`].
pub fn days(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    let has_form = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !has_form {
        return None;
    }
    let year = text[..4].parse().ok().filter(|year| YEARS.contains(year))?;
    let date = Date::new(year, text[5..7].parse().ok()?, text[8..].parse().ok()?).ok()?;
    let epoch = Date::constant(1970, 1, 1);
    i32::try_from(date.duration_since(epoch).as_hours() / 24).ok()
}

/// Writes days since 1970-01-01 as `YYYY-MM-DD`; `None` for what is no date in [`YEARS`].
pub fn date_text(days: i32) -> Option<String> {
    let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?);
    date.ok().filter(|date| YEARS.contains(&date.year())).map(|date| date.to_string())
}

impl RecordKind {
    /// Returns every text of a record that is searched, with its role, in the order of the declaration.
    ///
    /// Fields that have a role give their text, those with a vocabulary the labels and aliases of their codes.
    /// Fields of objects are included, fields that are not public left out.
    pub fn texts<'a>(&'a self, fields: &'a Fields) -> impl Iterator<Item = (Role, &'a str)> {
        let mut texts = Vec::new();
        visit(&self.fields, fields, &mut |field, value| {
            if let (Some(role), Value::String(text)) = (field.role, value) {
                push_texts(field.vocabulary.as_deref(), text, |text| texts.push((role, text)));
            }
        });
        texts.into_iter()
    }

    /// Returns what a record's public fields offer while somebody types, in the order of the declaration.
    pub fn suggestions<'a>(&'a self, fields: &'a Fields) -> Vec<(Suggested, &'a str)> {
        let mut offered = Vec::new();
        visit(&self.fields, fields, &mut |field, value| {
            if let (Some(suggested), Value::String(text)) = (field.suggest, value) {
                push_texts(field.vocabulary.as_deref(), text, |text| {
                    offered.push((suggested, text))
                });
            }
        });
        offered
    }

    /// Returns the values of every column of a record with the column's path, each value of a path once.
    ///
    /// Fields of objects and arrays are flattened, fields that are not public left out.
    pub fn values(&self, fields: &Fields) -> Vec<(Arc<str>, ColumnValue)> {
        let mut values = Vec::new();
        let mut seen = HashSet::new();
        visit(&self.fields, fields, &mut |field, value| {
            if field.is_column() && seen.insert((&field.path, value)) {
                let value = column_value(field.field_type, value);
                values.extend(value.map(|value| (field.path.clone(), value)));
            }
        });
        values
    }
}

impl Field {
    /// Tells whether the index has a column for the field.
    pub fn is_column(&self) -> bool {
        self.visibility == Visibility::Public
            && (self.filterable || self.sortable || self.facet.is_some())
    }
}

/// Calls `f` with every single value of a public field that is not an object.
fn visit<'a>(
    declared: &'a [Field],
    fields: &'a Map<String, Value>,
    f: &mut impl FnMut(&'a Field, &'a Value),
) {
    for field in declared.iter().filter(|field| field.visibility == Visibility::Public) {
        let values = match fields.get(&field.name) {
            None => continue,
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        for value in values {
            match value {
                Value::Object(inner) if field.field_type == FieldType::Object => {
                    visit(&field.fields, inner, f);
                }
                _ => f(field, value),
            }
        }
    }
}

fn push_texts<'a>(
    vocabulary: Option<&'a Vocabulary>,
    text: &'a str,
    mut push: impl FnMut(&'a str),
) {
    // A code that the vocabulary no longer has stands for itself.
    let Some(entry) = vocabulary.and_then(|vocabulary| vocabulary.get(text)) else {
        return push(text);
    };
    push(&entry.label.zh);
    if entry.label.en != entry.label.zh {
        push(&entry.label.en);
    }
    entry.aliases.iter().for_each(|alias| push(alias));
}

fn column_value(field_type: FieldType, value: &Value) -> Option<ColumnValue> {
    let text = || value.as_str().map(str::to_owned);
    match field_type {
        FieldType::Term => text().map(ColumnValue::Term),
        FieldType::Tree => text().map(ColumnValue::Tree),
        FieldType::Code => text().map(ColumnValue::Code),
        FieldType::Bool => value.as_bool().map(ColumnValue::Bool),
        FieldType::Integer | FieldType::Money => value.as_i64().map(ColumnValue::Integer),
        FieldType::Decimal => value.as_f64().map(ColumnValue::Decimal),
        FieldType::Date => value.as_str().and_then(days).map(ColumnValue::Date),
        FieldType::Text
        | FieldType::Quantity
        | FieldType::Geo
        | FieldType::Url
        | FieldType::File
        | FieldType::Object => None,
    }
}

/// Puts a comma between groups of three of the digits before the point.
pub fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the fields that a reader may see; the others are absent, also inside objects.
///
/// A member that the kind does not declare (any more) is shown to owners alone: nothing tells who else may see it.
pub fn visible(kind: &RecordKind, fields: &Fields, scope: Visibility) -> Fields {
    visible_among(&kind.fields, fields, scope)
}

fn visible_among(
    declared: &[Field],
    fields: &Map<String, Value>,
    scope: Visibility,
) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fields {
        let value = match declared.iter().find(|field| field.name == *name) {
            None if scope == Visibility::Owner => Some(value.clone()),
            None => None,
            Some(field) if field.visibility > scope => None,
            Some(field) if field.fields.is_empty() => Some(value.clone()),
            Some(field) => visible_object(&field.fields, value, scope),
        };
        if let Some(value) = value {
            shown.insert(name.clone(), value);
        }
    }
    shown
}

/// Returns what may be seen of an object or an array of objects; `None` when nothing may.
fn visible_object(declared: &[Field], value: &Value, scope: Visibility) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let shown = visible_among(declared, fields, scope);
            (!shown.is_empty()).then_some(Value::Object(shown))
        }
        Value::Array(items) => {
            let shown: Vec<Value> =
                items.iter().filter_map(|item| visible_object(declared, item, scope)).collect();
            (!shown.is_empty()).then_some(Value::Array(shown))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::kind_toml::sample;

    fn fields(value: Value) -> Fields {
        let Value::Object(fields) = value else { panic!("{value}") };
        fields
    }

    #[test]
    fn a_date_is_written_as_it_is_read() {
        for text in ["1970-01-01", "1969-12-31", "2026-11-23", "2024-02-29"] {
            assert_eq!(days(text).and_then(date_text).as_deref(), Some(text));
        }
        assert_eq!(date_text(i32::MAX), None);
        assert_eq!(date_text(i32::MIN), None);
    }

    #[test]
    fn days_are_counted_from_1970() {
        let check = |text: &str, expected: Option<i32>| assert_eq!(days(text), expected, "{text}");
        check("1970-01-01", Some(0));
        check("1969-12-31", Some(-1));
        check("2000-02-29", Some(11_016));
        check("2026-11-23", Some(20_780));
        check("1900-01-01", Some(-25_567));
        check("2199-12-31", Some(84_005));
        check("1900-02-29", None);
        check("2026-02-30", None);
        check("2026-00-01", None);
        check("1899-12-31", None);
        check("2200-01-01", None);
        check("2026-1-1", None);
        check("2026-01-01T00:00:00Z", None);
        check("20260101", None);
        check("+026-01-01", None);
        check("２０２６-01-01", None);
        check("年-01", None);
        check("", None);
    }

    #[test]
    fn texts_are_those_with_a_role_that_everyone_may_see() {
        let kind = sample::kind();
        let fields = fields(json!({
            "title": "题",
            "keywords": ["一", "二"],
            "number": "A-1",
            "stage": "pilot",
            "owner": "无角色",
            "places": ["37"],
            "windows": [{ "closes": "2026-01-01", "note": "说明", "secret": "内部" }],
            "contact": { "phone": "123" },
            "rules": { "note": "规则" },
            "unknown": "x",
        }));
        let texts: Vec<(Role, &str)> = kind.texts(&fields).collect();
        let expected = [
            (Role::Title, "题"),
            (Role::Keywords, "一"),
            (Role::Keywords, "二"),
            (Role::Keywords, "A-1"),
            (Role::Body, "中试"),
            (Role::Body, "Pilot"),
            (Role::Body, "通过中试"),
            (Role::Summary, "说明"),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_code_that_the_vocabulary_lost_stands_for_itself() {
        let kind = sample::kind();
        let fields = fields(json!({ "stage": "gone" }));
        assert_eq!(kind.texts(&fields).collect::<Vec<_>>(), [(Role::Body, "gone")]);
    }

    #[test]
    fn values_are_flat_and_each_comes_once() {
        use ColumnValue::*;
        let kind = sample::kind();
        let fields = fields(json!({
            "title": "题",
            "number": "A-1",
            "stage": "pilot",
            "places": ["37", "11"],
            "opens": "1970-01-02",
            "level": 3,
            "share": 1,
            "price": 100,
            "active": true,
            "location": { "lat": 36.0, "lon": 120.5 },
            "windows": [{ "closes": "1970-01-01" }, { "closes": "1970-01-03" }, { "closes": "1970-01-01" }],
            "contact": { "phone": "123" },
        }));
        let values = kind.values(&fields);
        let values: Vec<(&str, ColumnValue)> =
            values.iter().map(|(path, value)| (&**path, value.clone())).collect();
        let expected = [
            ("number", Code("A-1".into())),
            ("stage", Term("pilot".into())),
            ("places", Tree("37".into())),
            ("places", Tree("11".into())),
            ("opens", Date(1)),
            ("level", Integer(3)),
            ("share", Decimal(1.0)),
            ("price", Integer(100)),
            ("active", Bool(true)),
            ("windows.closes", Date(0)),
            ("windows.closes", Date(2)),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn values_of_the_wrong_type_are_passed_over() {
        let kind = sample::kind();
        let fields =
            fields(json!({ "level": "x", "opens": 3, "stage": [["pilot"]], "windows": 1 }));
        assert_eq!(kind.values(&fields), []);
    }

    #[test]
    fn readers_see_their_share() {
        let kind = sample::kind();
        let whole = json!({
            "title": "题",
            "windows": [{ "closes": "2026-01-01", "secret": "内部" }, { "secret": "内部" }],
            "contact": { "phone": "123" },
            "rules": { "a": { "b": null } },
            "gone": 1,
        });
        let check = |scope: Visibility, expected: Value| {
            let shown = visible(&kind, &fields(whole.clone()), scope);
            assert_eq!(Value::Object(shown), expected, "{scope:?}");
        };
        let windows = json!([{ "closes": "2026-01-01" }]);
        let rules = json!({ "a": { "b": null } });
        check(Visibility::Public, json!({ "title": "题", "windows": windows, "rules": rules }));
        check(
            Visibility::Registered,
            json!({
                "title": "题", "windows": windows, "rules": rules, "contact": { "phone": "123" },
            }),
        );
        check(Visibility::Owner, whole.clone());
    }
}
