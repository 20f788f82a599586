//! `/v1/kinds` and `/v1/vocabularies`: what a client needs to draw itself.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{AppState, Code, Problem, auth, input};
use crate::record::kind::{Catalog, Facet, Label};
use crate::record::vocabulary::Entry;
use crate::record::{Field, FieldType, RecordKind, Vocabulary};

/// Vocabularies up to this size are listed with the field.
const MAX_INLINE: usize = 200;

/// Answers that stay the same while the catalog does, made when first asked for.
#[derive(Default)]
pub struct Documents {
    kinds: OnceLock<Bytes>,
    pub openapi: OnceLock<Bytes>,
}

/// Lists the kinds with their fields, facets, sorts and sections.
#[utoipa::path(get, path = "/v1/kinds", tag = "kinds")]
pub async fn list_kinds(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let body = state.documents.kinds.get_or_init(|| {
        let kinds: Vec<Value> =
            state.app.catalog.kinds.iter().map(|kind| describe_kind(kind)).collect();
        bytes(&json!({ "items": kinds }))
    });
    Ok(cached(body.clone()))
}

/// Describes one kind.
#[utoipa::path(get, path = "/v1/kinds/{kind}", tag = "kinds", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
))]
pub async fn get_kind(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let name = input::path(path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    match state.app.catalog.kind(&name) {
        Some(kind) => Ok(cached(bytes(&describe_kind(kind)))),
        None => Err(Problem::plain(Code::KindNotFound)),
    }
}

/// Lists the codes of a vocabulary; a code's parent comes before it.
#[utoipa::path(get, path = "/v1/vocabularies/{name}", tag = "kinds", params(
    ("name" = String, Path, pattern = "^[a-z0-9_]+$", description = "The name that a field of /v1/kinds gives"),
))]
pub async fn get_vocabulary(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let name = input::path(path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let Some(vocabulary) = state.app.catalog.vocabularies.get(&name) else {
        let mut known: Vec<&str> =
            state.app.catalog.vocabularies.keys().map(String::as_str).collect();
        known.sort_unstable();
        let found: String = name.chars().take(80).collect();
        return Err(Problem::new(
            Code::NotFound,
            format!("expected a vocabulary: {}; found `{found}`", known.join(", ")),
        ));
    };
    let body = json!({ "name": vocabulary.name, "entries": entries(vocabulary) });
    Ok(cached(bytes(&body)))
}

fn bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).expect("a value has only string keys").into()
}

fn cached(body: Bytes) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    response
}

/// Describes a kind, also the fields of which not everybody sees the values.
fn describe_kind(kind: &RecordKind) -> Value {
    let sections: Vec<Value> = kind
        .sections
        .iter()
        .map(|section| labelled(&section.label, [("fields", json!(section.fields))]))
        .collect();
    let sorts: Vec<Value> = kind
        .sorts
        .iter()
        .map(|sort| {
            labelled(&sort.label, [("field", json!(sort.field)), ("order", json!(sort.order))])
        })
        .collect();
    labelled(
        &kind.label,
        [
            ("kind", json!(&*kind.name)),
            ("description", json!(kind.description.zh)),
            ("descriptions", json!(kind.description)),
            ("fields", describe_fields(&kind.fields)),
            ("card", json!({ "fields": kind.card.fields, "badge": kind.card.badge })),
            ("sections", json!(sections)),
            ("sorts", json!(sorts)),
        ],
    )
}

/// An object with `label` (Chinese) and `labels` (both languages).
fn labelled<const N: usize>(label: &Label, members: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    for (name, value) in members {
        object.insert(name.to_owned(), value);
    }
    object.insert("label".to_owned(), json!(label.zh));
    object.insert("labels".to_owned(), json!(label));
    Value::Object(object)
}

fn describe_fields(fields: &[Field]) -> Value {
    fields.iter().map(describe_field).collect()
}

fn describe_field(field: &Field) -> Value {
    labelled(
        &field.label,
        [
            ("name", json!(field.name)),
            ("path", json!(&*field.path)),
            ("type", json!(field.field_type)),
            ("help", json!(field.help)),
            ("role", json!(field.role)),
            ("required", json!(field.required)),
            ("multiple", json!(field.multiple)),
            ("facet", describe_facet(field)),
            ("sortable", json!(field.sortable)),
            ("filterable", json!(field.filterable)),
            ("deadline", json!(field.deadline)),
            ("opening", json!(field.opening)),
            ("visibility", json!(field.visibility)),
            ("unit", json!(field.unit)),
            ("max_length", json!(field.max_length)),
            ("min", json!(field.min)),
            ("max", json!(field.max)),
            ("vocabulary", field.vocabulary.as_deref().map_or(Value::Null, describe_vocabulary)),
            ("fields", describe_fields(&field.fields)),
        ],
    )
}

fn describe_facet(field: &Field) -> Value {
    let bucket = |key: &str, label: &Label| labelled(label, [("key", json!(key))]);
    match &field.facet {
        None if field.field_type == FieldType::Bool => json!({ "kind": "terms" }),
        None => Value::Null,
        Some(Facet::Terms { .. }) => json!({ "kind": "terms" }),
        Some(Facet::Tree {}) => json!({ "kind": "tree" }),
        Some(Facet::Ranges { buckets }) => {
            let buckets: Vec<Value> =
                buckets.iter().map(|each| bucket(&each.key, &each.label)).collect();
            json!({ "kind": "ranges", "buckets": buckets })
        }
        Some(Facet::RelativeDates { buckets }) => {
            let buckets: Vec<Value> =
                buckets.iter().map(|each| bucket(&each.key, &each.label)).collect();
            json!({ "kind": "relative_dates", "buckets": buckets })
        }
    }
}

/// A small vocabulary with its codes, a large one with the address of its codes.
fn describe_vocabulary(vocabulary: &Vocabulary) -> Value {
    let mut described = json!({
        "name": vocabulary.name,
        "size": vocabulary.entries.len(),
        "url": format!("/v1/vocabularies/{}", vocabulary.name),
    });
    if vocabulary.entries.len() <= MAX_INLINE {
        described["entries"] = entries(vocabulary);
    }
    described
}

fn entries(vocabulary: &Vocabulary) -> Value {
    let parent = |entry: &Entry| Some(&vocabulary.entries.get(entry.parent?)?.code);
    vocabulary
        .entries
        .iter()
        .map(|entry| {
            labelled(&entry.label, [("code", json!(entry.code)), ("parent", json!(parent(entry)))])
        })
        .collect()
}

/// Every kind's name, in the order of the tabs.
pub fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.kinds.iter().map(|kind| &*kind.name).collect()
}

/// The description of the API, as bytes.
pub fn openapi_bytes(state: &AppState) -> Bytes {
    let document = || bytes(&super::openapi::document(&state.app.catalog));
    state.documents.openapi.get_or_init(document).clone()
}
