//! `/indexes`, and what the server says of itself.

use std::collections::HashMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::members::{Members, Shape};
use super::refusal::Refusal;
use super::{API_VERSION, answer, index};
use crate::app::App;
use crate::http::{AppState, auth, input};
use crate::query::request::{CheckedRequest, SearchRequest};
use crate::record::{Fields, RecordKind};

/// Tells whether the server answers.
#[utoipa::path(get, path = "/health", tag = "meilisearch")]
pub async fn show_health(uri: Uri) -> Result<Response, Refusal> {
    input::no_parameters(&uri)?;
    Ok(answer(&json!({ "status": "available" })))
}

/// Says whose API this follows: `pkgVersion` is a version of Meilisearch, `server` is this one.
#[utoipa::path(get, path = "/version", tag = "meilisearch")]
pub async fn show_version(uri: Uri) -> Result<Response, Refusal> {
    input::no_parameters(&uri)?;
    Ok(answer(&json!({
        "commitSha": "unknown",
        "commitDate": "unknown",
        "pkgVersion": API_VERSION,
        "server": concat!("kechuang ", env!("CARGO_PKG_VERSION")),
    })))
}

/// Counts the documents of every index.
#[utoipa::path(get, path = "/stats", tag = "meilisearch")]
pub async fn show_stats(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let (app, is_indexing) = (state.app.clone(), !state.progress.is_ready());
    let counted = state.searches.run(move || {
        let counts = counts(&app)?;
        let indexes = app.catalog.kinds.iter().map(|kind| {
            (kind.name.to_string(), stats(counts.get(&*kind.name).copied(), is_indexing))
        });
        Ok::<Fields, Refusal>(indexes.collect())
    });
    Ok(answer(&json!({
        "databaseSize": 0, "usedDatabaseSize": 0, "lastUpdate": null, "indexes": counted.await??,
    })))
}

/// Counts the documents of an index.
#[utoipa::path(get, path = "/indexes/{index}/stats", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn show_index_stats(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let (app, is_indexing) = (state.app.clone(), !state.progress.is_ready());
    let counts = state.searches.run(move || counts(&app)).await??;
    Ok(answer(&stats(counts.get(&*kind.name).copied(), is_indexing)))
}

/// Lists the indexes: the kinds.
#[utoipa::path(get, path = "/indexes", tag = "meilisearch", params(
    ("offset" = Option<u64>, Query, description = "0 by default"),
    ("limit" = Option<u64>, Query, description = "20 by default"),
))]
pub async fn list_indexes(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let shapes = [("offset", Shape::Number), ("limit", Shape::Number)];
    let pairs = input::query_pairs(&uri)?;
    let mut members = Members::from_pairs(pairs, &shapes, "invalid_index")?;
    let offset = members.number("offset", usize::MAX)?.unwrap_or(0);
    let limit = members.number("limit", usize::MAX)?.unwrap_or(20);
    auth::principal(&state, &headers).await?;
    let kinds = &state.app.catalog.kinds;
    let results: Vec<Value> =
        kinds.iter().skip(offset).take(limit).map(|kind| about(&state, kind)).collect();
    Ok(answer(&json!({
        "results": results, "offset": offset, "limit": limit, "total": kinds.len(),
    })))
}

/// Describes an index.
#[utoipa::path(get, path = "/indexes/{index}", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn get_index(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    Ok(answer(&about(&state, &kind)))
}

fn about(state: &AppState, kind: &RecordKind) -> Value {
    // Kinds are files and have no dates: both are when this process opened them.
    json!({
        "uid": &*kind.name,
        "createdAt": &*state.started_at,
        "updatedAt": &*state.started_at,
        "primaryKey": "id",
    })
}

fn stats(num_documents: Option<u64>, is_indexing: bool) -> Value {
    json!({
        "numberOfDocuments": num_documents.unwrap_or(0),
        "isIndexing": is_indexing,
        "numberOfEmbeddings": 0,
        "numberOfEmbeddedDocuments": 0,
        "fieldDistribution": {},
    })
}

fn counts(app: &App) -> Result<HashMap<String, u64>, Refusal> {
    let everything = SearchRequest { facets: vec!["kind".into()], ..SearchRequest::default() };
    let request = CheckedRequest { limit: 0, ..everything.check(&app.catalog)? };
    let found = app.search.find(&request, app.clock.today())?.found;
    let counts = found.facets.into_iter().flat_map(|facet| facet.counts);
    Ok(counts.map(|(kind, count)| (kind.to_string(), count)).collect())
}
