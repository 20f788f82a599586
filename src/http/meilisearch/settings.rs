//! `/indexes/{index}/settings…`: what a kind's file declares, as settings. They are read here and changed in the file.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::search::sortable;
use super::{MAX_FACET_VALUES, MAX_TOTAL_HITS, answer, filter, index, index_and};
use crate::http::{AppState, auth, input};
use crate::record::{Catalog, FieldType, Fields, RecordKind, Visibility};

/// Lists the settings of an index.
#[utoipa::path(get, path = "/indexes/{index}/settings", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
))]
pub async fn list_settings(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let kind = index(&state, path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    Ok(answer(&settings(&kind, &state.app.catalog).into()))
}

/// Reads one setting of an index.
#[utoipa::path(get, path = "/indexes/{index}/settings/{setting}", tag = "meilisearch", params(
    ("index" = String, Path, description = "A kind"),
    ("setting" = String, Path, description = "Its name with hyphens", example = "filterable-attributes"),
))]
pub async fn get_setting(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refusal> {
    let (kind, name) = index_and(&state, path)?;
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let mut settings = settings(&kind, &state.app.catalog);
    match settings.keys().find(|key| hyphened(key) == name).cloned() {
        Some(key) => Ok(answer(&settings.remove(&key).unwrap_or_default())),
        None => {
            let known: Vec<String> = settings.keys().map(|key| hyphened(key)).collect();
            let found: String = name.chars().take(80).collect();
            let message =
                format!("expected a setting, one of {}; found `{found}`", known.join(", "));
            Err(Refusal::nothing("not_found", message))
        }
    }
}

/// The name of a setting in paths: `sortableAttributes` is `sortable-attributes`.
fn hyphened(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 2);
    for ch in key.chars() {
        if ch.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(ch.to_ascii_lowercase());
    }
    name
}

fn settings(kind: &RecordKind, catalog: &Catalog) -> Fields {
    let texts = kind.fields.iter().filter(|field| {
        let is_text = matches!(field.field_type, FieldType::Text | FieldType::Code);
        is_text && field.visibility == Visibility::Public
    });
    let searchable: Vec<&str> = texts.map(|field| field.name.as_str()).collect();
    let settings = json!({
        "displayedAttributes": ["*"],
        "searchableAttributes": searchable,
        "filterableAttributes": filter::filterable(kind, catalog),
        "sortableAttributes": sortable(kind, catalog),
        "rankingRules": ["sort", "words", "exactness"],
        "stopWords": [],
        "nonSeparatorTokens": [],
        "separatorTokens": [],
        "dictionary": [],
        "synonyms": {},
        "distinctAttribute": null,
        "proximityPrecision": "byWord",
        "typoTolerance": {
            "enabled": true,
            "minWordSizeForTypos": { "oneTypo": 2, "twoTypos": 255 },
            "disableOnWords": [],
            "disableOnAttributes": [],
            "disableOnNumbers": true,
        },
        "faceting": {
            "maxValuesPerFacet": MAX_FACET_VALUES,
            "sortFacetValuesBy": { "*": "alpha" },
        },
        "pagination": { "maxTotalHits": MAX_TOTAL_HITS },
        "embedders": {},
        "searchCutoffMs": null,
        "localizedAttributes": null,
        "facetSearch": true,
        "prefixSearch": "indexingTime",
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Fields::new(),
    }
}
