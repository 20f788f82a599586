//! The description of the API: OpenAPI 3.1, from the routes, the kinds and the table of problems.

mod analysis;
mod applicability;
mod feedback;
mod matches;
mod meilisearch;
mod subscriptions;

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::problem::{self, Code, Problem};
use super::{AppState, input, kinds, routes};
use crate::record::Catalog;
use crate::record::schema::json_schema;

/// Describes the API.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "operation")]
pub async fn show_openapi(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    let mut response = kinds::openapi_bytes(&state).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    Ok(response)
}

/// Media type and schema.
type Content = (&'static str, &'static str);

/// What goes in and out of an operation, beside its parameters.
struct Shape {
    /// Name of the handler.
    operation: &'static str,
    /// Media type and schema of the body.
    request: Option<Content>,
    /// Status, meaning, media type and schema of the answers; no schema: no body.
    answers: &'static [(u16, &'static str, Option<Content>)],
    /// Statuses of the problems, beside 401, 500 and 503.
    problems: &'static [u16],
    access: Access,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// No key is looked at.
    Open,
    /// With a key more is seen.
    Read,
    Write,
}

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const TEXT: &str = "text/plain";

/// Every operation.
fn shapes() -> impl Iterator<Item = &'static Shape> {
    let more = matches::SHAPES.iter().chain(subscriptions::SHAPES);
    let more = more.chain(applicability::SHAPES).chain(feedback::SHAPES);
    SHAPES.iter().chain(more).chain(analysis::SHAPES).chain(meilisearch::SHAPES)
}

const SHAPES: &[Shape] = &[
    Shape {
        operation: "check_health",
        request: None,
        answers: &[(200, "The process answers", Some((JSON, "Health")))],
        problems: &[],
        access: Access::Open,
    },
    Shape {
        operation: "check_readiness",
        request: None,
        answers: &[(200, "The index holds everything", Some((JSON, "Health")))],
        problems: &[],
        access: Access::Open,
    },
    Shape {
        operation: "show_metrics",
        request: None,
        answers: &[(200, "Counters, gauges and histograms", Some((TEXT, "Text")))],
        problems: &[],
        access: Access::Open,
    },
    Shape {
        operation: "show_openapi",
        request: None,
        answers: &[(200, "This document", Some((JSON, "Object")))],
        problems: &[400],
        access: Access::Open,
    },
    Shape {
        operation: "list_kinds",
        request: None,
        answers: &[(200, "Every kind", Some((JSON, "Kinds")))],
        problems: &[400],
        access: Access::Read,
    },
    Shape {
        operation: "get_kind",
        request: None,
        answers: &[(200, "The kind", Some((JSON, "Kind")))],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "get_vocabulary",
        request: None,
        answers: &[(200, "The vocabulary", Some((JSON, "Vocabulary")))],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "search_records",
        request: None,
        answers: &[(200, "A page of results", Some((JSON, "SearchPage")))],
        problems: &[400],
        access: Access::Read,
    },
    Shape {
        operation: "post_search",
        request: Some((JSON, "SearchRequest")),
        answers: &[(200, "A page of results", Some((JSON, "SearchPage")))],
        problems: &[400, 408, 413, 415],
        access: Access::Read,
    },
    Shape {
        operation: "list_suggestions",
        request: None,
        answers: &[(200, "Completions, best first", Some((JSON, "SuggestPage")))],
        problems: &[400],
        access: Access::Read,
    },
    Shape {
        operation: "get_record",
        request: None,
        answers: &[
            (200, "The record; `ETag` is its revision", Some((JSON, "Record"))),
            (304, "The caller's revision still holds", None),
        ],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "put_record",
        request: Some((JSON, "Record")),
        answers: &[
            (200, "The record in its new state", Some((JSON, "Record"))),
            (201, "The record is new; `Location` is its address", Some((JSON, "Record"))),
        ],
        problems: &[400, 403, 404, 408, 412, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "delete_record",
        request: None,
        answers: &[(204, "The record is withdrawn", None)],
        problems: &[400, 403, 404, 412],
        access: Access::Write,
    },
    Shape {
        operation: "post_record",
        request: Some((JSON, "Record")),
        answers: &[(
            201,
            "The record is written; `Location` is its address",
            Some((JSON, "Record")),
        )],
        problems: &[400, 403, 404, 408, 409, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "write_bulk",
        request: Some((NDJSON, "Record")),
        answers: &[(200, "One result a line, in order", Some((NDJSON, "BulkResult")))],
        problems: &[400, 403, 408, 413, 415],
        access: Access::Write,
    },
];

/// Schemas of what is only sent: `null` is as if a member were left out.
const REQUESTS: [&str; 9] = [
    "SearchRequest",
    "MatchRequest",
    "ApplicabilityRequest",
    "SubscriptionDraft",
    "Feedback",
    "MeilisearchSearch",
    "MeilisearchQuery",
    "MeilisearchFacetSearch",
    "MeilisearchFetch",
];

/// Lets optional members be `null`.
fn allow_null(schema: &mut Value) {
    let required = schema["required"].clone();
    let is_required =
        |name: &str| required.as_array().is_some_and(|all| all.contains(&json!(name)));
    let null = || json!("null");
    for (name, member) in schema["properties"].as_object_mut().into_iter().flatten() {
        if is_required(name) {
            continue;
        }
        let Some(member) = member.as_object_mut() else { continue };
        if let Some(kind) = member.get_mut("type") {
            match kind {
                Value::Array(kinds) if kinds.contains(&null()) => {}
                Value::Array(kinds) => kinds.push(null()),
                kind => *kind = json!([kind, "null"]),
            }
        } else if let Some(Value::Array(values)) = member.get_mut("enum") {
            values.push(Value::Null);
        } else if let Some(Value::Array(choices)) = member.get_mut("oneOf") {
            choices.push(json!({ "type": "null" }));
        } else if let Some(reference) = member.remove("$ref") {
            member.insert("oneOf".into(), json!([{ "$ref": reference }, { "type": "null" }]));
        }
    }
}

/// Composes the OpenAPI document.
pub fn document(catalog: &Catalog) -> Value {
    let declared = routes().into_openapi();
    let mut document = serde_json::to_value(declared).expect("a description has only string keys");
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "kechuang 科创",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Search and recommendation for science-and-technology policy and the technology market. \
            JSON in UTF-8; dates `YYYY-MM-DD`, instants RFC 3339, money in whole yuan, places GB/T 2260, industries \
            GB/T 4754. Errors are `application/problem+json` (RFC 9457).",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["components"] = json!({
        "securitySchemes": {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "A key that `kechuang key create --role ROLE` printed",
            },
        },
        "schemas": schemas(catalog),
        "responses": problem_responses(),
    });
    let names = kinds::names(catalog);
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            for operation in item.values_mut().filter_map(Value::as_object_mut) {
                complete(operation, &names);
            }
        }
    }
    document
}

/// Adds bodies, problems, security and the known kinds to an operation.
fn complete(operation: &mut Map<String, Value>, kinds: &[&str]) {
    let name = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let Some(shape) = shapes().find(|shape| shape.operation == name) else { return };
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let content = |media: &str, schema: &str| {
        let mut described = json!({ "schema": reference(schema) });
        if let Some(example) = example(schema, media) {
            described["example"] = example;
        }
        json!({ media: described })
    };
    if let Some((media, schema)) = shape.request {
        operation.insert(
            "requestBody".into(),
            // No line at all is a list too.
            json!({ "required": media != NDJSON, "content": content(media, schema) }),
        );
    }
    let mut responses = Map::new();
    for (status, meaning, body) in shape.answers {
        let mut response = json!({ "description": meaning });
        if let Some((media, schema)) = body {
            response["content"] = content(media, schema);
        }
        if schema_is_record(*body) {
            response["headers"] = json!({
                "ETag": { "description": "The revision in quotes", "schema": { "type": "string" } },
            });
        }
        responses.insert(status.to_string(), response);
    }
    let always: &[u16] = match shape.access {
        Access::Open => &[500, 503],
        Access::Read | Access::Write => &[401, 500, 503],
    };
    let has_other_errors = operation["tags"][0] == meilisearch::TAG;
    for status in shape.problems.iter().chain(always) {
        let name = match has_other_errors {
            true => meilisearch::response_name(*status),
            false => format!("Problem{status}"),
        };
        let status = name.trim_start_matches(char::is_alphabetic);
        let reference = format!("#/components/responses/{name}");
        responses.insert(status.to_owned(), json!({ "$ref": reference }));
    }
    operation.insert("responses".into(), responses.into());
    match shape.access {
        Access::Open => {}
        // Either without a key, or with one.
        Access::Read => drop(operation.insert("security".into(), json!([{}, { "key": [] }]))),
        Access::Write => drop(operation.insert("security".into(), json!([{ "key": [] }]))),
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if ["kind", "index"].iter().any(|name| parameter["name"] == *name)
            && parameter["in"] == "path"
        {
            parameter["schema"] = json!({ "type": "string", "enum": kinds });
        }
        if parameter["name"] == "select" {
            parameter["explode"] = json!(true);
        }
        // What stands in an address or a header is text: it may be absent, and never null. Numbers have the bounds that
        // are named, not those of the types of a language.
        let Some(schema) = parameter["schema"].as_object_mut() else { continue };
        if let Some(Value::Array(types)) = schema.get("type") {
            let types: Vec<Value> = types.iter().filter(|each| *each != "null").cloned().collect();
            if let [only] = types.as_slice() {
                schema.insert("type".into(), only.clone());
            }
        }
        schema.remove("format");
    }
}

fn schema_is_record(body: Option<(&str, &str)>) -> bool {
    body.is_some_and(|(_, schema)| schema == "Record")
}

/// One response a status: which codes it has, with an example of each.
fn problem_responses() -> Value {
    let mut responses = Map::new();
    for code in Code::ALL {
        let status = code.status();
        let response =
            responses.entry(format!("Problem{}", status.as_u16())).or_insert_with(|| {
                json!({
                    "description": "",
                    "content": { problem::CONTENT_TYPE: {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                        "examples": {},
                    } },
                })
            });
        let example = Problem::plain(*code);
        response["content"][problem::CONTENT_TYPE]["examples"][code.name()] =
            json!({ "summary": code.title(), "value": example.body() });
        let description = response["description"].as_str().unwrap_or_default();
        let separator = if description.is_empty() { "" } else { "\n" };
        response["description"] =
            json!(format!("{description}{separator}- `{}`: {}", code.name(), code.meaning()));
    }
    responses.extend(meilisearch::responses());
    Value::Object(responses)
}

fn schemas(catalog: &Catalog) -> Value {
    let mut schemas = fixed_schemas();
    let mut references = Vec::new();
    let mut mapping = Map::new();
    for kind in &catalog.kinds {
        let name = format!("record_{}", kind.name);
        let reference = format!("#/components/schemas/{name}");
        references.push(json!({ "$ref": reference }));
        mapping.insert(kind.name.to_string(), json!(reference));
        schemas[&name] = json_schema(kind);
    }
    let more = matches::schemas().into_iter().chain(subscriptions::schemas());
    let more = more.chain(applicability::schemas()).chain(feedback::schemas());
    for (name, schema) in more.chain(analysis::schemas()).chain(meilisearch::schemas()) {
        schemas[name] = schema;
    }
    for name in REQUESTS {
        allow_null(&mut schemas[name]);
    }
    schemas["Record"] = json!({
        "description": "A flat object: `kind`, `id`, the kind's fields, and what the server adds",
        "oneOf": references,
        "discriminator": { "propertyName": "kind", "mapping": mapping },
    });
    schemas
}

fn fixed_schemas() -> Value {
    let string = json!({ "type": "string" });
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let list = json!({ "oneOf": [strings.clone(), { "type": "string", "description": "separated by commas" }] });
    let flag = json!({ "type": "boolean" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let many = |name: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } });
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let labels = json!({
        "type": "object",
        "properties": { "zh": string.clone(), "en": string.clone() },
        "required": ["zh", "en"],
    });
    json!({
        "Object": { "type": "object" },
        "Text": string.clone(),
        "Health": {
            "type": "object",
            "properties": { "status": { "enum": ["ok", "ready"] }, "revision": count.clone() },
            "required": ["status"],
        },
        "Violation": {
            "type": "object",
            "description": "One place that is wrong",
            "properties": {
                "pointer": { "type": "string", "description": "JSON pointer to the value; a parameter's name after a slash" },
                "code": string.clone(),
                "expected": string.clone(),
                "found": string.clone(),
            },
            "required": ["pointer", "code", "expected", "found"],
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": { "type": "string", "format": "uri-reference" },
                "title": string.clone(),
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                "detail": { "type": "string", "description": "What was expected and what was found" },
                "code": { "enum": codes },
                "violations": many("Violation"),
            },
            "required": ["type", "title", "status", "detail", "code"],
        },
        "Labels": labels,
        "SearchRequest": {
            "type": "object",
            "properties": {
                "q": { "type": "string", "maxLength": 512 },
                "in": { "enum": ["all", "title", "code"], "default": "all" },
                "kind": list.clone(),
                "filter": string.clone(),
                "select": list.clone(),
                "facets": list,
                "sort": string.clone(),
                "limit": { "type": "integer", "minimum": 1, "maximum": 100, "default": 20 },
                "offset": { "type": "integer", "minimum": 0, "maximum": 1000 },
                "cursor": string.clone(),
                "raw": flag.clone(),
                "explain": flag.clone(),
            },
            "additionalProperties": false,
        },
        "SearchPage": {
            "type": "object",
            "properties": {
                "items": many("Result"),
                "total": count.clone(),
                "total_exact": flag.clone(),
                "facets": { "type": "object", "additionalProperties": many("FacetValue") },
                "relaxation": { "enum": ["exact", "all_words", "most_words", "grams"] },
                "understood": of("Understood"),
                "corrected": {
                    "type": ["object", "null"],
                    "properties": { "from": string.clone(), "to": string.clone() },
                },
                "next": { "type": ["string", "null"], "description": "Cursor of the next page" },
                "revision": { "type": "integer", "description": "The last change that the answer takes into account" },
                "took_ms": { "type": "number" },
            },
            "required": [
                "items", "total", "total_exact", "facets", "relaxation", "understood", "corrected", "next", "revision",
                "took_ms",
            ],
        },
        "Understood": {
            "type": "object",
            "description": "How the query was read. No filter is applied",
            "properties": {
                "words": strings.clone(),
                "phrases": strings.clone(),
                "excluded": strings.clone(),
                "filters": many("Offer"),
                "synonyms": { "type": "array", "items": {
                    "type": "object",
                    "properties": { "text": string.clone(), "also": strings.clone() },
                    "required": ["text", "also"],
                } },
            },
            "required": ["words", "phrases", "excluded", "filters", "synonyms"],
        },
        "Offer": {
            "type": "object",
            "description": "A filter that words of the query suggest: `filter` or `select`, for the parameter of that name",
            "properties": {
                "type": { "enum": ["date", "amount", "region", "term", "kind"] },
                "text": { "type": "string", "description": "The words as they were typed" },
                "start": { "type": "integer", "description": "Characters in the query, from 0" },
                "end": { "type": "integer", "description": "Behind the last character" },
                "label": { "type": "string", "description": "What it says, in Chinese" },
                "filter": string.clone(),
                "select": string.clone(),
            },
            "required": ["type", "text", "start", "end", "label"],
        },
        "Result": {
            "type": "object",
            "properties": {
                "kind": string.clone(),
                "id": string.clone(),
                "score": { "type": "number" },
                "record": { "type": "object", "description": "The fields of the card; always with `title`" },
                "highlights": { "type": "object", "additionalProperties": many("Fragment") },
                "explanation": { "type": "array", "items": {
                    "type": "object",
                    "properties": { "signal": string.clone(), "label": string.clone(), "value": { "type": "number" } },
                } },
            },
            "required": ["kind", "id", "score", "record", "highlights"],
        },
        "SuggestPage": {
            "type": "object",
            "properties": { "items": many("Suggestion"), "took_ms": { "type": "number" } },
            "required": ["items", "took_ms"],
        },
        "Suggestion": {
            "type": "object",
            "properties": {
                "text": string.clone(),
                "kind": { "type": ["string", "null"], "description": "null for what belongs to no kind, or to several" },
                "label": {
                    "type": "object",
                    "description": "What the kind is called; absent without one",
                    "properties": { "zh": string.clone(), "en": string.clone() },
                    "required": ["zh", "en"],
                },
                "source": { "enum": ["title", "code", "name", "term", "query"] },
                "id": { "type": "string", "description": "Titles only: the record" },
                "highlights": many("Fragment"),
            },
            "required": ["text", "kind", "source", "highlights"],
        },
        "Fragment": {
            "type": "object",
            "properties": { "text": string.clone(), "hit": flag.clone() },
            "required": ["text", "hit"],
        },
        "FacetValue": {
            "type": "object",
            "properties": {
                "value": string.clone(),
                "label": string.clone(),
                "count": count.clone(),
                "selected": flag.clone(),
                "children": many("FacetValue"),
            },
            "required": ["value", "label", "count", "selected"],
        },
        "Kinds": {
            "type": "object",
            "properties": { "items": many("Kind") },
            "required": ["items"],
        },
        "Kind": {
            "type": "object",
            "properties": {
                "kind": string.clone(),
                "label": string.clone(),
                "labels": of("Labels"),
                "description": string.clone(),
                "fields": many("Field"),
                "card": { "type": "object" },
                "sections": { "type": "array", "items": { "type": "object" } },
                "sorts": { "type": "array", "items": { "type": "object" } },
            },
            "required": ["kind", "label", "fields"],
        },
        "Field": {
            "type": "object",
            "properties": {
                "name": string.clone(),
                "path": string.clone(),
                "type": string.clone(),
                "label": string.clone(),
                "labels": of("Labels"),
                "required": flag.clone(),
                "multiple": flag.clone(),
                "facet": { "type": ["object", "null"] },
                "sortable": flag.clone(),
                "filterable": flag,
                "visibility": { "enum": ["public", "registered", "owner"] },
                "vocabulary": { "oneOf": [of("Vocabulary"), { "type": "null" }] },
                "fields": many("Field"),
            },
            "required": ["name", "type", "label", "required", "facet", "sortable", "multiple", "vocabulary"],
        },
        "Vocabulary": {
            "type": "object",
            "description": "Without `entries` in a field when it is large; `url` lists them",
            "properties": {
                "name": string.clone(),
                "size": count,
                "url": string.clone(),
                "entries": { "type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "code": string.clone(),
                        "label": string.clone(),
                        "labels": of("Labels"),
                        "parent": { "type": ["string", "null"] },
                    },
                    "required": ["code", "label", "parent"],
                } },
            },
            "required": ["name"],
        },
        "BulkResult": {
            "description": "The members of a problem where the line was refused",
            "type": "object",
            "properties": {
                "line": { "type": "integer", "minimum": 1 },
                "status": { "type": "integer" },
                "kind": string.clone(),
                "id": string,
                "revision": { "type": "integer" },
            },
            "required": ["line", "status"],
        },
    })
}

fn example(schema: &str, media: &str) -> Option<Value> {
    match (schema, media) {
        ("SearchRequest", _) => Some(json!({ "q": "传感器", "limit": 5, "facets": ["kind"] })),
        ("SubscriptionDraft", _) => Some(json!({
            "search": { "q": "传感器" }, "title": "传感器", "first": 20,
            // A name that nobody has: copied as it stands, it sends nothing to anybody.
            "webhook": { "url": "https://receiver.example/alerts" },
        })),
        ("MatchRequest", _) => Some(json!({
            "record": { "kind": "KIND", "title": "海洋传感器的耐压封装与防腐涂层，工作水深 6000 m" },
            "to": "OTHER_KIND", "limit": 3,
        })),
        ("Feedback", _) => Some(json!({
            "from": { "kind": "KIND", "id": "ID" }, "item": { "kind": "OTHER_KIND", "id": "OTHER_ID" },
            "action": "accept", "list": "example",
        })),
        ("Replay", _) => Some(json!({ "dead": true })),
        ("Health", _) => Some(json!({ "status": "ok" })),
        ("Record", NDJSON) => Some(json!(
            "{\"kind\":\"KIND\",\"id\":\"a-1\",\"title\":\"…\"}\n{\"kind\":\"KIND\",\"id\":\"a-2\",\"title\":\"…\"}\n"
        )),
        ("BulkResult", _) => Some(json!(
            "{\"line\":1,\"status\":201,\"kind\":\"KIND\",\"id\":\"a-1\",\"revision\":7}\n"
        )),
        ("Click", _) => Some(json!({ "kind": "KIND", "id": "ID", "position": 1 })),
        _ => applicability::example(schema).or_else(|| meilisearch::example(schema)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_shape_and_every_shape_its_route() {
        let declared = serde_json::to_value(routes().into_openapi()).unwrap();
        let mut operations: Vec<String> = declared["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        let mut shapes: Vec<String> = shapes().map(|shape| shape.operation.to_owned()).collect();
        operations.sort();
        shapes.sort();
        assert_eq!(operations, shapes);
    }

    #[test]
    fn every_status_of_a_shape_is_one_of_the_table() {
        let responses = problem_responses();
        for shape in shapes() {
            for status in shape.problems.iter().chain(&[401, 500, 503]) {
                assert!(
                    responses.get(format!("Problem{status}")).is_some(),
                    "{} {status}",
                    shape.operation
                );
            }
        }
    }
}
