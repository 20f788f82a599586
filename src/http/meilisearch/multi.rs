//! `/multi-search`: several queries at once, each answered by itself or all merged into one list.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::facets::distribution;
use super::members::Members;
use super::parameters::{SearchParameters, Window};
use super::refusal::Refusal;
use super::search::{Hit, Results, millis, page, perform, window};
use super::{answer, named_index, object};
use crate::app::App;
use crate::engine::FacetCounts;
use crate::http::{AppState, auth, input};
use crate::record::{Fields, RecordKind};
use crate::service::keys::Principal;

const MAX_QUERIES: usize = 50;

/// One of the queries.
struct Query {
    kind: Arc<RecordKind>,
    search: SearchParameters,
    /// What its scores are multiplied by in a merged list.
    weight: f64,
}

/// One list of everything.
struct Federation {
    window: Window,
    /// Facets to count, by index.
    facets: BTreeMap<String, Vec<String>>,
    /// Adds up the counts of all indexes.
    merges_facets: bool,
}

/// Answers several queries at once.
///
/// With `federation` their hits are merged by `_rankingScore` times `federationOptions.weight`; scores of different indexes
/// are comparable, since all kinds share one index.
#[utoipa::path(post, path = "/multi-search", tag = "meilisearch")]
pub async fn post_multi_search(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Refusal> {
    let mut object = object(&state, &headers, &uri, body).await?;
    let federation = match object.remove("federation") {
        None | Some(Value::Null) => None,
        Some(Value::Object(federation)) => Some(Federation::read(federation)?),
        Some(other) => {
            let found = input::name_of(&other);
            let message =
                format!("Invalid value at `.federation`: expected an object; found {found}");
            return Err(Refusal::bad("invalid_multi_search_federation", message));
        }
    };
    let queries = queries(&state, object, federation.as_ref())?;
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let found = state.searches.run(move || match &federation {
        None => each(&app, &queries, &principal),
        Some(federation) => federation.answer(&app, &queries, &principal),
    });
    Ok(answer(&found.await??))
}

fn queries(
    state: &AppState,
    mut object: Fields,
    federation: Option<&Federation>,
) -> Result<Vec<Query>, Refusal> {
    let bad = |message: String| Refusal::bad("bad_request", message);
    let Some(Value::Array(queries)) = object.remove("queries") else {
        return Err(bad("Missing field `queries`: expected an array of queries".into()));
    };
    if let Some(name) = object.keys().next() {
        let name: String = name.chars().take(80).collect();
        return Err(bad(format!(
            "Unknown field `{name}`: expected one of `queries`, `federation`"
        )));
    }
    if queries.len() > MAX_QUERIES {
        let found = queries.len();
        return Err(bad(format!(
            "Invalid value at `.queries`: expected at most {MAX_QUERIES}; found {found}"
        )));
    }
    let read = queries.into_iter().enumerate().map(|(at, query)| match query {
        Value::Object(query) => {
            Query::read(state, query, federation).map_err(|refusal| refusal.inside(at))
        }
        other => Err(bad(format!(
            "Invalid value at `.queries[{at}]`: expected an object; found {}",
            input::name_of(&other)
        ))),
    });
    read.collect()
}

impl Query {
    fn read(
        state: &AppState,
        mut query: Fields,
        federation: Option<&Federation>,
    ) -> Result<Self, Refusal> {
        let kind = match query.remove("indexUid") {
            Some(Value::String(uid)) => named_index(state, &uid)?,
            None => {
                let message = "Missing field `indexUid`: expected the name of an index";
                return Err(Refusal::bad("missing_index_uid", message));
            }
            Some(other) => {
                let message = format!(
                    "Invalid value at `.indexUid`: expected a string; found {}",
                    input::name_of(&other)
                );
                return Err(Refusal::bad("invalid_index_uid", message));
            }
        };
        let options = query.remove("federationOptions").filter(|options| !options.is_null());
        let weight = match (options, federation) {
            (None, _) => 1.0,
            (Some(Value::Object(options)), Some(_)) => weight(options)?,
            (Some(_), _) => {
                let message = "Invalid value at `.federationOptions`: expected an object, and only with `federation`";
                return Err(Refusal::bad("invalid_multi_search_federation_options", message));
            }
        };
        if let Some(federation) = federation {
            federation.allows(&query)?;
        }
        let mut search = SearchParameters::from_object(query)?;
        if let Some(federation) = federation {
            search.facets = federation.facets.get(&*kind.name).cloned();
            if !search.sort.is_empty() {
                let message = "Invalid value at `.sort`: expected none in a federated search, since hits are merged by their scores";
                return Err(Refusal::bad("invalid_search_sort", message));
            }
        }
        Ok(Self { kind, search, weight })
    }
}

fn weight(options: Fields) -> Result<f64, Refusal> {
    let mut options = Members::new(options, "invalid_multi_search");
    options.not_served("remote", "there are no other instances")?;
    options.not_served("queryPosition", "there are no other instances")?;
    let weight = options.take("weight", "a number, 0 or greater", |value| {
        value.as_f64().filter(|weight| *weight >= 0.0)
    })?;
    options.finish(&["weight"])?;
    Ok(weight.unwrap_or(1.0))
}

fn each(app: &App, queries: &[Query], principal: &Principal) -> Result<Value, Refusal> {
    let mut answers = Vec::with_capacity(queries.len());
    for (at, query) in queries.iter().enumerate() {
        let started = Instant::now();
        let hits = query.search.window.hits();
        let results = perform(app, &query.kind, &query.search, hits, principal)
            .map_err(|refusal| refusal.inside(at))?;
        let mut answer = Fields::new();
        answer.insert("indexUid".into(), Value::from(&*query.kind.name));
        answer.extend(page(&query.search, results, started));
        answers.push(answer);
    }
    Ok(json!({ "results": answers }))
}

impl Federation {
    fn read(federation: Fields) -> Result<Self, Refusal> {
        let mut members = Members::new(federation, "invalid_multi_search");
        members.not_served("distinct", "documents are not grouped by a value")?;
        members.not_served("showPerformanceDetails", "the server's metrics are at /metrics")?;
        let window = Window::take(&mut members)?;
        let facets = members.take("facetsByIndex", "lists of facets by index", |value| {
            let by_index = value.as_object()?.iter();
            let by_index = by_index.filter(|(_, names)| !names.is_null()).map(|(uid, names)| {
                let names = names.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
                Some((uid.clone(), names.collect::<Option<_>>()?))
            });
            by_index.collect::<Option<BTreeMap<String, Vec<String>>>>()
        })?;
        let merges_facets = match members.value("mergeFacets") {
            None => false,
            Some(Value::Object(merge)) => {
                let mut merge = Members::new(merge, "invalid_multi_search");
                merge.not_served("maxValuesPerFacet", "a facet gives up to 200 values")?;
                merge.finish(&["maxValuesPerFacet"])?;
                true
            }
            Some(other) => return Err(members.wrong("mergeFacets", "an object", &other)),
        };
        let known = ["limit", "offset", "page", "hitsPerPage", "facetsByIndex", "mergeFacets"];
        members.finish(&known)?;
        Ok(Self { window, facets: facets.unwrap_or_default(), merges_facets })
    }

    /// Refuses members that the federation has in place of its queries.
    fn allows(&self, query: &Fields) -> Result<(), Refusal> {
        let given = |name: &&&str| query.get(**name).is_some_and(|value| !value.is_null());
        if let Some(name) = ["limit", "offset", "page", "hitsPerPage"].iter().find(given) {
            let message = format!("`{name}` belongs to `federation` in a federated search");
            return Err(Refusal::bad("invalid_multi_search_query_pagination", message));
        }
        if given(&&"facets") {
            let message = "`facets` belong to `federation.facetsByIndex` in a federated search";
            return Err(Refusal::bad("invalid_multi_search_query_facets", message));
        }
        Ok(())
    }

    fn answer(
        &self,
        app: &App,
        queries: &[Query],
        principal: &Principal,
    ) -> Result<Value, Refusal> {
        let started = Instant::now();
        self.check_facets(queries)?;
        let (offset, limit) = self.window.hits();
        let mut merged: Vec<(f64, usize, Hit)> = Vec::new();
        let mut total = 0;
        let mut facets = Vec::new();
        for (at, query) in queries.iter().enumerate() {
            let wanted = (0, offset + limit);
            let Results { hits, total: found, facets: counted } =
                perform(app, &query.kind, &query.search, wanted, principal)
                    .map_err(|refusal| refusal.inside(at))?;
            total += found;
            merged.extend(hits.into_iter().map(|hit| (hit.ranking_score * query.weight, at, hit)));
            facets.extend(counted.map(|counted| (&query.kind.name, counted)));
        }
        merged.sort_by(|(a, first, _), (b, second, _)| {
            b.total_cmp(a).then_with(|| first.cmp(second))
        });
        let mut seen = HashSet::new();
        // Two queries may find one document: the better one shows it.
        merged.retain(|(_, _, hit)| seen.insert(hit.id.clone()));
        let hits = merged.into_iter().skip(offset).take(limit).map(|(score, at, mut hit)| {
            let federation = json!({
                "indexUid": &*queries[at].kind.name,
                "queriesPosition": at,
                "weightedRankingScore": score,
            });
            hit.document.insert("_federation".into(), federation);
            Value::Object(hit.document)
        });
        let mut answer = Fields::new();
        answer.insert("hits".into(), hits.collect());
        answer.insert("processingTimeMs".into(), millis(started));
        answer.extend(window(self.window, total));
        if self.merges_facets {
            let all = facets.iter().flat_map(|(_, facets)| &facets.counts);
            answer.insert("facetDistribution".into(), distribution(&added_up(all)));
            let bounds = facets.iter().flat_map(|(_, facets)| &facets.bounds);
            answer.insert("facetStats".into(), merged_bounds(bounds));
        } else if !self.facets.is_empty() {
            let by_index = facets.iter().map(|(uid, facets)| {
                let counted =
                    json!({ "distribution": facets.distribution(), "stats": facets.stats() });
                (uid.to_string(), counted)
            });
            answer.insert("facetsByIndex".into(), Value::Object(by_index.collect()));
        }
        Ok(answer.into())
    }

    /// Facets are those of one query: what several find together is not counted.
    fn check_facets(&self, queries: &[Query]) -> Result<(), Refusal> {
        for uid in self.facets.keys() {
            let num_queries = queries.iter().filter(|query| *query.kind.name == **uid).count();
            if num_queries != 1 {
                let uid: String = uid.chars().take(80).collect();
                return Err(Refusal::bad(
                    "invalid_multi_search_facets_by_index",
                    format!(
                        "Invalid value at `.federation.facetsByIndex`: expected indexes with one query; found {num_queries} of `{uid}`"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn added_up<'a>(all: impl Iterator<Item = &'a FacetCounts>) -> Vec<FacetCounts> {
    let mut sums: BTreeMap<&Arc<str>, BTreeMap<&Arc<str>, u64>> = BTreeMap::new();
    for facet in all {
        let sums = sums.entry(&facet.path).or_default();
        for (value, count) in &facet.counts {
            *sums.entry(value).or_default() += count;
        }
    }
    let sums = sums.into_iter().map(|(path, values)| FacetCounts {
        path: path.clone(),
        counts: values.into_iter().map(|(value, count)| (value.clone(), count)).collect(),
    });
    sums.collect()
}

fn merged_bounds<'a>(all: impl Iterator<Item = &'a (Arc<str>, f64, f64)>) -> Value {
    let mut merged: BTreeMap<&Arc<str>, (f64, f64)> = BTreeMap::new();
    for (path, least, greatest) in all {
        let bounds = merged.entry(path).or_insert((*least, *greatest));
        *bounds = (bounds.0.min(*least), bounds.1.max(*greatest));
    }
    let merged = merged.into_iter().map(|(path, (least, greatest))| {
        (path.to_string(), json!({ "min": least, "max": greatest }))
    });
    Value::Object(merged.collect())
}
