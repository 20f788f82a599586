//! Counts and bounds of facets, and `/indexes/{index}/facet-search`.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::members::Members;
use super::parameters::SearchParameters;
use super::refusal::Refusal;
use super::search::{check, millis};
use super::{MAX_FACET_VALUES, answer, index, object};
use crate::app::App;
use crate::engine::{FacetCounts, Found};
use crate::http::{AppState, auth};
use crate::query::request::{CheckedRequest, facetable};
use crate::query::{Order, SortKey};
use crate::record::kind::{Column, Direction};
use crate::record::{Catalog, Fields, RecordKind};
use crate::text::Analyzer;

/// Values that a search in a facet gives.
const MAX_FOUND: usize = 100;

/// What was counted over everything that matches.
pub struct Facets {
    pub counts: Vec<FacetCounts>,
    /// Least and greatest value of the facets that hold numbers.
    pub bounds: Vec<(Arc<str>, f64, f64)>,
}

impl Facets {
    /// Takes the counts of an answer, and asks for the bounds of what holds numbers.
    pub fn new(
        app: &App,
        request: &CheckedRequest,
        found: &Found,
        today: i32,
    ) -> Result<Self, Refusal> {
        let mut bounds = Vec::new();
        for path in &request.facets {
            let column = app.catalog.column(path);
            if !column.is_some_and(|column| column.sortable && column.field_type.is_number()) {
                continue;
            }
            let end = |direction| -> Result<Option<f64>, Refusal> {
                let first = CheckedRequest {
                    facets: Vec::new(),
                    order: Some(Order::Field { path: path.clone(), direction }),
                    offset: 0,
                    limit: 1,
                    ..request.clone()
                };
                let found = app.search.find(&first, today)?.found;
                Ok(found.hits.first().and_then(|hit| match &hit.key {
                    Some(SortKey::Integer(number)) => Some(*number as f64),
                    Some(SortKey::Decimal(number)) => Some(*number),
                    Some(SortKey::Text(_)) | None => None,
                }))
            };
            if let (Some(least), Some(greatest)) =
                (end(Direction::Ascending)?, end(Direction::Descending)?)
            {
                bounds.push((path.clone(), least, greatest));
            }
        }
        Ok(Self { counts: found.facets.clone(), bounds })
    }

    /// Writes what each value counts: of many values those that most have, by name.
    pub fn distribution(&self) -> Value {
        distribution(&self.counts)
    }

    pub fn stats(&self) -> Value {
        let stats = self.bounds.iter().map(|(path, least, greatest)| {
            (path.to_string(), json!({ "min": number(*least), "max": number(*greatest) }))
        });
        Value::Object(stats.collect())
    }
}

/// Writes a whole number as one.
fn number(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => Value::from(number as i64),
        false => Value::from(number),
    }
}

pub fn distribution(counts: &[FacetCounts]) -> Value {
    let counts = counts.iter().map(|facet| {
        let values = in_order(facet).into_iter().take(MAX_FACET_VALUES);
        let values = values.map(|(value, count)| (value.to_string(), Value::from(count)));
        (facet.path.to_string(), Value::Object(values.collect()))
    });
    Value::Object(counts.collect())
}

/// The values that something has, what most have first.
fn in_order(facet: &FacetCounts) -> Vec<(&str, u64)> {
    let values = facet.counts.iter().filter(|(_, count)| *count > 0);
    let mut values: Vec<(&str, u64)> = values.map(|(value, count)| (&**value, *count)).collect();
    values.sort_by_key(|(value, count)| (Reverse(*count), *value));
    values
}

/// Reads the names of facets of an index; `*` is all of them.
pub fn named(
    names: &[String],
    kind: &RecordKind,
    catalog: &Catalog,
) -> Result<Vec<Arc<str>>, Refusal> {
    let mut paths: Vec<Arc<str>> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if name == "*" {
            return Ok(all(kind, catalog));
        }
        match facet(name, kind, catalog) {
            Some(path) if !paths.contains(&path) => paths.push(path),
            Some(_) => {}
            None => {
                let place = format!("facets[{at}]");
                return Err(unknown("invalid_search_facets", &place, name, kind, catalog));
            }
        }
    }
    Ok(paths)
}

fn facet(name: &str, kind: &RecordKind, catalog: &Catalog) -> Option<Arc<str>> {
    let path = facetable(name, catalog)?;
    let column = catalog.column(&path);
    column.is_none_or(|column| column.kinds.contains(&kind.name)).then_some(path)
}

/// The paths that documents of a kind are counted by.
pub fn all(kind: &RecordKind, catalog: &Catalog) -> Vec<Arc<str>> {
    catalog.columns.keys().filter_map(|path| facet(path, kind, catalog)).collect()
}

fn unknown(
    code: &'static str,
    place: &str,
    name: &str,
    kind: &RecordKind,
    catalog: &Catalog,
) -> Refusal {
    let name: String = name.chars().take(80).collect();
    let known = all(kind, catalog).join(", ");
    Refusal::bad(
        code,
        format!("Invalid value at `.{place}`: expected a facet, one of {known}; found `{name}`"),
    )
}

/// Finds values of a facet.
///
/// A value is found by a part of itself or of its label; every parameter that shapes hits is taken and shapes nothing.
#[utoipa::path(post, path = "/indexes/{index}/facet-search", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn post_facet_search(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    let object = object(&state, &headers, &uri, body).await?;
    // Counts are the same for everybody, and a key that is given must hold.
    auth::principal(&state, &headers).await?;
    let wanted = FacetSearch::read(object, &kind, &state.app.catalog)?;
    let app = state.app.clone();
    let found = state.searches.run(move || wanted.answer(&app, &kind));
    Ok(answer(&found.await??))
}

struct FacetSearch {
    name: Arc<str>,
    query: Option<String>,
    search: SearchParameters,
}

impl FacetSearch {
    fn read(mut object: Fields, kind: &RecordKind, catalog: &Catalog) -> Result<Self, Refusal> {
        let own = ["facetName", "facetQuery", "exhaustiveFacetCount"];
        let own = own.iter().filter_map(|name| object.remove_entry(*name)).collect();
        let mut own = Members::new(own, "invalid_facet_search");
        let Some(name) = own.text("facetName")? else {
            let message = "Missing field `facetName`: expected the name of a facet";
            return Err(Refusal::bad("missing_facet_search_facet_name", message));
        };
        let query = own.text("facetQuery")?;
        // Counts are exact either way.
        own.flag("exhaustiveFacetCount")?;
        let Some(path) = facet(&name, kind, catalog) else {
            let code = "invalid_facet_search_facet_name";
            return Err(unknown(code, "facetName", &name, kind, catalog));
        };
        Ok(Self { name: path, query, search: SearchParameters::from_object(object)? })
    }

    fn answer(&self, app: &App, kind: &RecordKind) -> Result<Value, Refusal> {
        let started = Instant::now();
        let today = app.clock.today();
        let request = check(app, kind, &self.search, (0, 0), today)?;
        let request = CheckedRequest { facets: vec![self.name.clone()], ..request };
        let found = app.search.find(&request, today)?.found;
        let column = app.catalog.column(&self.name);
        let query = app.analyzer.normalize(self.query.as_deref().unwrap_or_default()).text;
        let values = found.facets.iter().flat_map(in_order);
        let hits: Vec<Value> = values
            .filter(|(value, _)| is_like(value, &query, column, &app.analyzer))
            .take(MAX_FOUND)
            .map(|(value, count)| json!({ "value": value, "count": count }))
            .collect();
        Ok(json!({
            "facetHits": hits, "facetQuery": self.query, "processingTimeMs": millis(started),
        }))
    }
}

/// Tells whether a value, or the label of its code, holds the normalized query.
fn is_like(value: &str, query: &str, column: Option<&Column>, analyzer: &Analyzer) -> bool {
    let holds = |text: &str| analyzer.normalize(text).text.contains(query);
    let vocabulary = column.and_then(|column| column.vocabulary.as_deref());
    let entry = vocabulary.and_then(|vocabulary| vocabulary.get(value));
    query.is_empty()
        || holds(value)
        || entry.is_some_and(|entry| holds(&entry.label.zh) || holds(&entry.label.en))
}
