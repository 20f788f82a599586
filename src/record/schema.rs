//! A kind as JSON Schema, for the description of the API.

use serde_json::{Map, Value, json};

use super::kind::{Field, FieldType, Label, RecordKind, Visibility};
use super::validate::{MAX_NAME, MAX_VALUES, OPERATORS};

/// Codes of a vocabulary that are listed.
const MAX_LISTED: usize = 60;

/// Returns the JSON Schema (2020-12) of a record of the kind, as it is written and as it is returned.
///
/// Members that the service sets are `readOnly`; `kind` and `id` may be absent in a body whose address names them.
pub fn json_schema(kind: &RecordKind) -> Value {
    let mut properties = Map::new();
    properties.insert("kind".to_owned(), json!({ "const": &*kind.name }));
    properties.insert(
        "id".to_owned(),
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_:-][A-Za-z0-9._:-]{0,127}$" }),
    );
    let required = describe_fields(&kind.fields, &mut properties);
    let instant = json!({ "type": "string", "format": "date-time", "readOnly": true });
    let text = json!({ "type": "string", "readOnly": true });
    properties.insert("_revision".to_owned(), json!({ "type": "integer", "readOnly": true }));
    let states = ["draft", "pending", "published", "rejected"];
    properties
        .insert("_state".to_owned(), json!({ "type": "string", "enum": states, "readOnly": true }));
    properties.insert("_owner".to_owned(), text.clone());
    properties.insert("_created_at".to_owned(), instant.clone());
    properties.insert("_updated_at".to_owned(), instant);
    properties.insert("_source".to_owned(), text);
    let mut schema = object(properties, required);
    schema.insert("title".to_owned(), kind.label.zh.clone().into());
    let description = format!("{} {}", bilingual(&kind.label), bilingual(&kind.description));
    schema.insert("description".to_owned(), description.trim().into());
    Value::Object(schema)
}

/// Adds the schema of every field, and returns the names of those that are required.
fn describe_fields(fields: &[Field], properties: &mut Map<String, Value>) -> Vec<Value> {
    for field in fields {
        properties.insert(field.name.clone(), describe(field));
    }
    fields.iter().filter(|field| field.required).map(|field| field.name.clone().into()).collect()
}

fn object(properties: Map<String, Value>, required: Vec<Value>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

fn describe(field: &Field) -> Value {
    let mut schema = one_value(field);
    if field.multiple {
        let items = Value::Object(schema);
        schema = Map::new();
        schema.insert("type".to_owned(), "array".into());
        schema.insert("items".to_owned(), items);
        schema.insert("maxItems".to_owned(), MAX_VALUES.into());
    }
    schema.insert("title".to_owned(), field.label.zh.clone().into());
    schema.insert("description".to_owned(), description(field).into());
    Value::Object(schema)
}

fn description(field: &Field) -> String {
    let mut text = bilingual(&field.label);
    if let Some(help) = &field.help {
        text = format!("{text}: {}", bilingual(help));
    }
    if let Some(unit) = &field.unit {
        text = format!("{text} [{unit}]");
    }
    if let Some(vocabulary) = &field.vocabulary {
        text = format!("{text} (vocabulary {})", vocabulary.name);
    }
    if field.visibility != Visibility::Public {
        text = format!("{text} (visible to: {})", field.visibility.name());
    }
    text
}

fn bilingual(label: &Label) -> String {
    if label.zh == label.en { label.zh.clone() } else { format!("{} / {}", label.zh, label.en) }
}

fn one_value(field: &Field) -> Map<String, Value> {
    let name = json!({ "type": "string", "maxLength": MAX_NAME });
    let url = json!({ "type": "string", "format": "uri", "pattern": "^https://" });
    let schema = match field.field_type {
        FieldType::Text | FieldType::Code => {
            json!({ "type": "string", "maxLength": field.max_length })
        }
        FieldType::Term | FieldType::Tree => match &field.vocabulary {
            Some(vocabulary) if vocabulary.entries.len() <= MAX_LISTED => {
                let codes: Vec<&str> =
                    vocabulary.entries.iter().map(|entry| &*entry.code).collect();
                json!({ "type": "string", "enum": codes })
            }
            Some(_) => json!({ "type": "string" }),
            None => json!({ "type": "string", "maxLength": field.max_length }),
        },
        FieldType::Date => json!({ "type": "string", "format": "date" }),
        FieldType::Integer => json!({ "type": "integer", "format": "int64" }),
        FieldType::Money => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        FieldType::Decimal => json!({ "type": "number" }),
        FieldType::Bool => json!({ "type": "boolean" }),
        FieldType::Url => {
            json!({
                "type": "string", "format": "uri", "pattern": "^https://",
                "maxLength": field.max_length,
            })
        }
        FieldType::Quantity => json!({
            "type": "object",
            "properties": {
                "name": name,
                "operator": { "type": "string", "enum": OPERATORS },
                "value": { "type": "number" },
                "value_to": { "type": "number" },
                "unit": name,
            },
            "required": ["operator", "value"],
            "additionalProperties": false,
        }),
        FieldType::Geo => json!({
            "type": "object",
            "properties": {
                "lat": { "type": "number", "minimum": -90, "maximum": 90 },
                "lon": { "type": "number", "minimum": -180, "maximum": 180 },
            },
            "required": ["lat", "lon"],
            "additionalProperties": false,
        }),
        FieldType::File => json!({
            "type": "object",
            "properties": {
                "name": name,
                "url": url,
                "media_type": name,
                "bytes": { "type": "integer", "minimum": 0 },
            },
            "required": ["name", "url"],
            "additionalProperties": false,
        }),
        FieldType::Object if field.open => json!({ "type": "object" }),
        FieldType::Object => {
            let mut properties = Map::new();
            let required = describe_fields(&field.fields, &mut properties);
            return object(properties, required);
        }
    };
    match schema {
        Value::Object(schema) => with_bounds(schema, field),
        _ => Map::new(),
    }
}

fn with_bounds(mut schema: Map<String, Value>, field: &Field) -> Map<String, Value> {
    for (key, bound) in [("minimum", field.min), ("maximum", field.max)] {
        if let Some(bound) = bound {
            // A whole bound is written without a fraction.
            let bound = match bound as i64 {
                whole if whole as f64 == bound => Value::from(whole),
                _ => Value::from(bound),
            };
            schema.insert(key.to_owned(), bound);
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::kind_toml::sample;

    #[test]
    fn fields_are_described() {
        let schema = json_schema(&sample::kind());
        let check = |pointer: &str, expected: Value| {
            assert_eq!(schema.pointer(pointer), Some(&expected), "{pointer}");
        };
        check("/required", json!(["title"]));
        check("/additionalProperties", json!(false));
        check("/description", json!("物 / Thing 任何物。 / Anything."));
        check("/properties/kind", json!({ "const": "thing" }));
        check(
            "/properties/title",
            json!({
                "type": "string", "maxLength": 10, "title": "标题", "description": "标题 / Title",
            }),
        );
        check("/properties/stage/enum", json!(["idea", "pilot"]));
        check(
            "/properties/level",
            json!({
                "type": "integer", "format": "int64", "minimum": 1, "maximum": 9, "title": "等级",
                "description": "等级 / Level: 一到九 / One to nine [级]",
            }),
        );
        check("/properties/share/maximum", json!(0.5));
        check("/properties/price/minimum", json!(0));
        check("/properties/keywords/items", json!({ "type": "string", "maxLength": 5_000 }));
        check("/properties/keywords/maxItems", json!(1_000));
        check("/properties/windows/items/required", json!(["closes"]));
        check("/properties/rules/type", json!("object"));
        check("/properties/contact/description", json!("联系 / Contact (visible to: registered)"));
        check("/properties/_revision/readOnly", json!(true));
    }

    #[test]
    fn every_member_of_a_kind_is_there() {
        let kind = sample::kind();
        let schema = json_schema(&kind);
        for field in &kind.fields {
            assert!(schema["properties"].get(&field.name).is_some(), "{}", field.name);
        }
    }
}
