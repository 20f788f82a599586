//! The read side of Meilisearch's API over the same services: its clients and InstantSearch front ends work unchanged.
//!
//! A kind is an index, a record a document with `id` as its primary key. What cannot be served as Meilisearch serves it
//! is refused by name, in the shape of its errors; nothing is ignored in silence. `docs/API.md` lists both.

mod document;
mod documents;
mod facets;
mod filter;
mod indexes;
mod members;
mod multi;
mod parameters;
mod refusal;
mod search;
mod settings;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AppState, Code, Problem, input};
use crate::record::{Fields, RecordKind};
pub use parameters::LOCALES;
pub use refusal::Refusal;

/// The version of Meilisearch whose API this follows; `/version` says so to clients that ask.
pub const API_VERSION: &str = "1.13.0";
/// Hits that a search can page through.
pub const MAX_TOTAL_HITS: usize = 1_000;
/// Values of one facet in an answer.
const MAX_FACET_VALUES: usize = 200;

/// The roots of the paths below which answers have Meilisearch's shape.
const ROOTS: [&str; 5] = ["indexes", "multi-search", "health", "version", "stats"];

/// Every route.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(indexes::show_health))
        .routes(routes!(indexes::show_version))
        .routes(routes!(indexes::show_stats))
        .routes(routes!(indexes::list_indexes))
        .routes(routes!(indexes::get_index))
        .routes(routes!(indexes::show_index_stats))
        .routes(routes!(settings::list_settings))
        .routes(routes!(settings::get_setting))
        .routes(routes!(search::search_index, search::post_index_search))
        .routes(routes!(multi::post_multi_search))
        .routes(routes!(facets::post_facet_search))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::fetch_documents))
        .routes(routes!(documents::get_document))
}

/// Tells whether answers at `path` have Meilisearch's shape.
pub fn is_ours(path: &str) -> bool {
    let root = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    path.starts_with('/') && ROOTS.contains(&root)
}

/// Questions that come in a body: they change nothing, so pages of any origin may ask them.
pub fn asks_only(method: &Method, path: &str) -> bool {
    const ENDS: [&str; 3] = ["/search", "/facet-search", "/documents/fetch"];
    let is_question = path.starts_with("/indexes/") && ENDS.iter().any(|end| path.ends_with(end));
    *method == Method::POST && (path == "/multi-search" || is_question)
}

/// What there is nothing at.
pub async fn not_found(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(200).collect();
    let detail = format!(
        "expected a path of the read side of the API (see /v1/openapi.json); found `{path}`"
    );
    Problem::new(Code::NotFound, detail).into()
}

/// Reads the index that a path names.
fn index(
    state: &AppState,
    path: Result<Path<String>, PathRejection>,
) -> Result<Arc<RecordKind>, Refusal> {
    named_index(state, &input::path(path)?)
}

fn named_index(state: &AppState, uid: &str) -> Result<Arc<RecordKind>, Refusal> {
    state.app.catalog.kind(uid).cloned().ok_or_else(|| {
        let known: Vec<&str> = state.app.catalog.kinds.iter().map(|kind| &*kind.name).collect();
        Refusal::no_index(uid, &known)
    })
}

/// Reads a path of an index and something in it.
fn index_and(
    state: &AppState,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(Arc<RecordKind>, String), Refusal> {
    let (uid, rest) = input::path(path)?;
    Ok((named_index(state, &uid)?, rest))
}

/// Reads a body of one JSON object.
async fn object(
    state: &AppState,
    headers: &HeaderMap,
    uri: &Uri,
    body: Body,
) -> Result<Fields, Refusal> {
    input::no_parameters(uri)?;
    input::media_type(headers, &["application/json"])?;
    let bytes = input::body(state, headers, body, state.limits.body_bytes).await?;
    Ok(input::json_object(&bytes)?)
}

fn answer(value: &Value) -> Response {
    let mut response = value.to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_paths() {
        for path in ["/indexes", "/indexes/a/search", "/multi-search", "/health", "/indexes/a/b"] {
            assert!(is_ours(path), "{path}");
        }
        for path in ["/", "/healthz", "/v1/search", "/indexed", "indexes", "/x/indexes"] {
            assert!(!is_ours(path), "{path}");
        }
        assert!(asks_only(&Method::POST, "/indexes/a/facet-search"));
        assert!(!asks_only(&Method::POST, "/indexes/a/documents"));
        assert!(!asks_only(&Method::PUT, "/multi-search"));
    }
}
