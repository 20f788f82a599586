//! `/indexes/{index}/search`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::document::document;
use super::facets::{self, Facets};
use super::filter;
use super::parameters::{SearchParameters, Window};
use super::refusal::Refusal;
use super::{MAX_TOTAL_HITS, answer, index, object};
use crate::app::App;
use crate::http::{AppState, auth, input};
use crate::query::ladder::Relaxation;
use crate::query::request::{CheckedRequest, SearchRequest};
use crate::record::{Catalog, Fields, RecordId, RecordKind};
use crate::service::keys::Principal;

/// The score that half of the way to 1 stands for.
const HALF_SCORE: f64 = 20.0;

/// What one query found.
pub struct Results {
    pub hits: Vec<Hit>,
    pub total: u64,
    pub facets: Option<Facets>,
}

pub struct Hit {
    pub id: RecordId,
    /// Without what a federated search adds.
    pub document: Fields,
    /// In \[0, 1\], falling along the hits; for their order alone. 1 where they are not ordered by relevance.
    pub ranking_score: f64,
}

/// Finds documents of an index.
#[utoipa::path(get, path = "/indexes/{index}/search", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
    ("q" = Option<String>, Query, description = "What a person typed; empty: everything, newest first"),
    ("offset" = Option<u64>, Query, description = "0 by default"),
    ("limit" = Option<u64>, Query, description = "20 by default; at most 1,000 hits can be paged through"),
    ("page" = Option<u64>, Query, description = "From 1; with it the total is exact"),
    ("hitsPerPage" = Option<u64>, Query, description = "20 by default"),
    ("filter" = Option<String>, Query, description = "A filter expression"),
    ("facets" = Option<String>, Query, description = "Attributes to count, separated by commas; `*`: all"),
    ("sort" = Option<String>, Query, description = "`attribute:asc` or `attribute:desc`, one"),
    ("attributesToRetrieve" = Option<String>, Query, description = "Separated by commas; all by default"),
    ("attributesToHighlight" = Option<String>, Query, description = "Marked in `_formatted`"),
    ("highlightPreTag" = Option<String>, Query, description = "`<em>` by default"),
    ("highlightPostTag" = Option<String>, Query, description = "`</em>` by default"),
    ("attributesToCrop" = Option<String>, Query, description = "Cropped in `_formatted`; `attribute:LENGTH` for a length of its own"),
    ("cropLength" = Option<u64>, Query, description = "Words, 10 by default; two 汉字 are one"),
    ("cropMarker" = Option<String>, Query, description = "`…` by default"),
    ("showMatchesPosition" = Option<bool>, Query, description = "Adds `_matchesPosition`, in bytes"),
    ("showRankingScore" = Option<bool>, Query, description = "Adds `_rankingScore`"),
    ("matchingStrategy" = Option<String>, Query, description = "`last` and `frequency`: most words when all find too little; `all`: every word"),
    ("locales" = Option<String>, Query, description = "Chinese and English, which is what texts are analyzed for"),
))]
pub async fn search_index(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    let wanted = SearchParameters::from_pairs(input::query_pairs(&uri)?)?;
    respond(state, headers, kind, wanted).await
}

/// Finds documents of an index; the parameters as members of a JSON object.
#[utoipa::path(post, path = "/indexes/{index}/search", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn post_index_search(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    let wanted = SearchParameters::from_object(object(&state, &headers, &uri, body).await?)?;
    respond(state, headers, kind, wanted).await
}

async fn respond(
    state: AppState,
    headers: HeaderMap,
    kind: Arc<RecordKind>,
    wanted: SearchParameters,
) -> Result<Response, Refusal> {
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let found = state.searches.run(move || {
        let started = Instant::now();
        let results = perform(&app, &kind, &wanted, wanted.window.hits(), &principal)?;
        Ok::<_, Refusal>(page(&wanted, results, started))
    });
    Ok(answer(&found.await??.into()))
}

/// Answers one query: `hits` are the first hit and how many are wanted.
pub fn perform(
    app: &App,
    kind: &RecordKind,
    wanted: &SearchParameters,
    hits: (usize, usize),
    principal: &Principal,
) -> Result<Results, Refusal> {
    let today = app.clock.today();
    let request = check(app, kind, wanted, hits, today)?;
    let found = app.search.find(&request, today)?;
    let ranked = request.order.is_none() && !request.q.trim().is_empty();
    let mut hits = Vec::with_capacity(found.found.hits.len());
    for hit in &found.found.hits {
        // A record withdrawn a moment ago may still be in the index.
        let Some(record) = app.ingest.get(&hit.id, principal)? else { continue };
        let score = f64::from(hit.score);
        let ranking_score = if ranked { score / (score + HALF_SCORE) } else { 1.0 };
        let mut document = wanted.look.hit(&document(record), &found.highlighter);
        if wanted.shows_score {
            document.insert("_rankingScore".into(), ranking_score.into());
        }
        hits.push(Hit { id: hit.id.clone(), document, ranking_score });
    }
    let facets = match wanted.facets {
        None => None,
        Some(_) => Some(Facets::new(app, &request, &found.found, today)?),
    };
    Ok(Results { hits, total: found.found.total, facets })
}

/// Turns the parameters into a search of this service.
pub fn check(
    app: &App,
    kind: &RecordKind,
    wanted: &SearchParameters,
    (offset, limit): (usize, usize),
    today: i32,
) -> Result<CheckedRequest, Refusal> {
    let request = SearchRequest {
        q: wanted.q.clone(),
        scope: wanted.scope,
        kind: vec![kind.name.to_string()],
        sort: sort(&wanted.sort, kind, app, "invalid_search_sort")?,
        ..SearchRequest::default()
    };
    let filter = match &wanted.filter {
        None => None,
        Some(value) => filter::read(value, kind, &app.catalog, today, "invalid_search_filter")?,
    };
    let facets = facets::named(wanted.facets.as_deref().unwrap_or_default(), kind, &app.catalog)?;
    let loosest = if wanted.all_words { Relaxation::AllWords } else { Relaxation::Grams };
    let checked = request.check(&app.catalog)?;
    Ok(CheckedRequest { filter, facets, offset, limit, loosest, ..checked })
}

/// Attributes that documents of a kind can be ordered by.
pub fn sortable<'c>(kind: &RecordKind, catalog: &'c Catalog) -> Vec<&'c str> {
    let columns = catalog.columns.values().filter(|column| column.sortable);
    let columns = columns.filter(|column| column.kinds.contains(&kind.name));
    columns.map(|column| &*column.path).collect()
}

/// Reads the one attribute that documents may be ordered by.
pub fn sort(
    rules: &[String],
    kind: &RecordKind,
    app: &App,
    code: &'static str,
) -> Result<Option<String>, Refusal> {
    let sortable = sortable(kind, &app.catalog);
    match rules {
        [] => Ok(None),
        [rule] => {
            let rule = rule.trim();
            let known_rule = rule.rsplit_once(':').is_some_and(|(path, direction)| {
                ["asc", "desc"].contains(&direction) && sortable.contains(&path)
            });
            if known_rule {
                return Ok(Some(rule.to_owned()));
            }
            let found: String = rule.chars().take(80).collect();
            Err(Refusal::bad(
                code,
                format!(
                    "Invalid value at `.sort[0]`: expected ATTRIBUTE:asc or ATTRIBUTE:desc with one of {}; found `{found}`",
                    sortable.join(", ")
                ),
            ))
        }
        several => Err(Refusal::bad(
            code,
            format!(
                "Invalid value at `.sort`: expected one rule, since documents are ordered by one attribute; found {}",
                several.len()
            ),
        )),
    }
}

/// Writes the answer to one query.
pub fn page(wanted: &SearchParameters, results: Results, started: Instant) -> Fields {
    let mut page = Fields::new();
    let hits: Vec<Value> = results.hits.into_iter().map(|hit| hit.document.into()).collect();
    page.insert("hits".into(), hits.into());
    page.insert("query".into(), wanted.q.as_str().into());
    page.insert("processingTimeMs".into(), millis(started));
    page.extend(window(wanted.window, results.total));
    if let Some(facets) = results.facets {
        page.insert("facetDistribution".into(), facets.distribution());
        page.insert("facetStats".into(), facets.stats());
    }
    page
}

/// The members that say which hits these are, of how many.
pub fn window(window: Window, total: u64) -> Fields {
    let members = match window {
        Window::Offset { offset, limit } => {
            json!({ "limit": limit, "offset": offset, "estimatedTotalHits": total })
        }
        Window::Page { page, hits_per_page } => {
            let total = total.min(MAX_TOTAL_HITS as u64);
            let pages = total.checked_div(hits_per_page as u64).unwrap_or(0);
            let rest = u64::from(hits_per_page > 0 && !total.is_multiple_of(hits_per_page as u64));
            json!({
                "hitsPerPage": hits_per_page, "page": page,
                "totalPages": pages + rest, "totalHits": total,
            })
        }
    };
    match members {
        Value::Object(members) => members,
        _ => Fields::new(),
    }
}

/// Whole milliseconds since a search began.
pub fn millis(started: Instant) -> Value {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).into()
}
