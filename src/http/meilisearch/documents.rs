//! `/indexes/{index}/documents…`: documents without a search.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::document::{document, retrieve};
use super::members::{Members, Shape};
use super::refusal::Refusal;
use super::search::sort;
use super::{answer, filter, index, index_and, object};
use crate::app::App;
use crate::http::{AppState, auth, input};
use crate::query::request::{CheckedRequest, SearchRequest};
use crate::record::{Fields, RecordId, RecordKind};
use crate::service::keys::Principal;

const PREFIX: &str = "invalid_document";
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 1_000;
/// Every document before the first one that is wanted is counted off.
const MAX_OFFSET: usize = 100_000;
const MAX_IDS: usize = 1_000;

const SHAPES: [(&str, Shape); 7] = [
    ("offset", Shape::Number),
    ("limit", Shape::Number),
    ("fields", Shape::Texts),
    ("filter", Shape::Text),
    ("ids", Shape::Texts),
    ("sort", Shape::Texts),
    ("retrieveVectors", Shape::Flag),
];

/// Which documents are wanted, and what of them.
struct Wanted {
    offset: usize,
    limit: usize,
    fields: Option<Vec<String>>,
    filter: Option<Value>,
    ids: Option<Vec<String>>,
    sort: Vec<String>,
}

/// Lists documents, newest first.
#[utoipa::path(get, path = "/indexes/{index}/documents", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
    ("offset" = Option<u32>, Query, maximum = 100_000, description = "0 by default; everything is in /data"),
    ("limit" = Option<u32>, Query, maximum = 1000, description = "20 by default"),
    ("fields" = Option<String>, Query, description = "Separated by commas; all by default"),
    ("filter" = Option<String>, Query, description = "A filter expression"),
    ("ids" = Option<String>, Query, description = "Only these documents"),
    ("sort" = Option<String>, Query, description = "`attribute:asc` or `attribute:desc`, one"),
))]
pub async fn list_documents(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    let members = Members::from_pairs(input::query_pairs(&uri)?, &SHAPES, PREFIX)?;
    respond(state, headers, kind, members).await
}

/// Lists documents; the parameters as members of a JSON object.
#[utoipa::path(post, path = "/indexes/{index}/documents/fetch", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn fetch_documents(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    let members = Members::new(object(&state, &headers, &uri, body).await?, PREFIX);
    respond(state, headers, kind, members).await
}

async fn respond(
    state: AppState,
    headers: HeaderMap,
    kind: Arc<RecordKind>,
    members: Members,
) -> Result<Response, Refusal> {
    let principal = auth::principal(&state, &headers).await?;
    let (app, wanted) = (state.app.clone(), Wanted::read(members)?);
    let found = state.searches.run(move || wanted.answer(&app, &kind, &principal));
    Ok(answer(&found.await??))
}

/// Reads a document.
#[utoipa::path(get, path = "/indexes/{index}/documents/{id}", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
    ("id" = String, Path, description = "The document's id"),
    ("fields" = Option<String>, Query, description = "Separated by commas; all by default"),
))]
pub async fn get_document(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let (kind, id) = index_and(&state, path)?;
    let shapes = [("fields", Shape::Texts), ("retrieveVectors", Shape::Flag)];
    let mut members = Members::from_pairs(input::query_pairs(&uri)?, &shapes, PREFIX)?;
    members.not_served("retrieveVectors", "documents have no vectors")?;
    let fields = members.texts("fields")?;
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let wanted = RecordId::new(kind.name.clone(), id.as_str());
    let found = state.searches.run(move || app.ingest.get(&wanted, &principal)).await??;
    let Some(record) = found else { return Err(Refusal::no_document(&id)) };
    Ok(answer(&retrieve(&document(record), fields.as_deref()).into()))
}

impl Wanted {
    fn read(mut members: Members) -> Result<Self, Refusal> {
        members.not_served("retrieveVectors", "documents have no vectors")?;
        let ids = members.take("ids", &format!("an array of up to {MAX_IDS} ids"), |value| {
            let ids = value.as_array().filter(|ids| ids.len() <= MAX_IDS)?;
            let id = |id: &Value| match id {
                Value::String(id) => Some(id.clone()),
                Value::Number(id) => Some(id.to_string()),
                _ => None,
            };
            ids.iter().map(id).collect()
        })?;
        let wanted = Self {
            offset: members.number("offset", MAX_OFFSET)?.unwrap_or(0),
            limit: members.number("limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
            fields: members.texts("fields")?,
            filter: members.value("filter"),
            ids,
            sort: members.texts("sort")?.unwrap_or_default(),
        };
        let known: Vec<&str> = SHAPES.iter().map(|(name, _)| *name).collect();
        members.finish(&known)?;
        if wanted.ids.is_some() && (wanted.filter.is_some() || !wanted.sort.is_empty()) {
            let message = "`ids` are given as they are: expected no `filter` and no `sort` beside";
            return Err(Refusal::bad("invalid_document_ids", message));
        }
        Ok(wanted)
    }

    fn answer(
        &self,
        app: &App,
        kind: &RecordKind,
        principal: &Principal,
    ) -> Result<Value, Refusal> {
        let (documents, total) = match &self.ids {
            Some(ids) => self.of_ids(app, kind, ids, principal)?,
            None => self.in_order(app, kind, principal)?,
        };
        let fields = self.fields.as_deref();
        let results: Vec<Fields> =
            documents.iter().map(|document| retrieve(document, fields)).collect();
        Ok(json!({
            "results": results, "offset": self.offset, "limit": self.limit, "total": total,
        }))
    }

    fn of_ids(
        &self,
        app: &App,
        kind: &RecordKind,
        ids: &[String],
        principal: &Principal,
    ) -> Result<(Vec<Fields>, u64), Refusal> {
        let mut found = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            if ids[..at].contains(id) {
                continue;
            }
            let id = RecordId::new(kind.name.clone(), id.as_str());
            found.extend(app.ingest.get(&id, principal)?.map(document));
        }
        let total = found.len() as u64;
        Ok((found.into_iter().skip(self.offset).take(self.limit).collect(), total))
    }

    fn in_order(
        &self,
        app: &App,
        kind: &RecordKind,
        principal: &Principal,
    ) -> Result<(Vec<Fields>, u64), Refusal> {
        let today = app.clock.today();
        let filter = match &self.filter {
            None => None,
            Some(value) => {
                filter::read(value, kind, &app.catalog, today, "invalid_document_filter")?
            }
        };
        let request = SearchRequest {
            kind: vec![kind.name.to_string()],
            sort: sort(&self.sort, kind, app, "invalid_document_sort")?,
            ..SearchRequest::default()
        };
        let request = CheckedRequest {
            filter,
            offset: self.offset,
            limit: self.limit,
            ..request.check(&app.catalog)?
        };
        let found = app.search.find(&request, today)?.found;
        let mut documents = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            documents.extend(app.ingest.get(&hit.id, principal)?.map(document));
        }
        Ok((documents, found.total))
    }
}
