//! `/v1/suggest`.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::search::json;
use super::{AppState, Code, Problem, auth, input};
use crate::record::validate::Violation;
use crate::service::search::SearchError;
use crate::service::suggest::SuggestRequest;

const PARAMETERS: [&str; 3] = ["q", "kind", "limit"];

/// Completes what was typed so far.
#[utoipa::path(get, path = "/v1/suggest", tag = "search", params(
    ("q" = Option<String>, Query, description = "What was typed so far, up to 512 characters: 汉字, Latin letters, full pinyin, first letters, in any mixture"),
    ("kind" = Option<String>, Query, description = "Kinds, separated by commas; none: all"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 50, description = "10 by default"),
))]
pub async fn list_suggestions(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let request = from_pairs(input::query_pairs(&uri)?)?;
    auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let found = state.searches.run(move || {
        let page = app.suggest.suggest(&request)?;
        Ok::<_, SearchError>(serde_json::to_vec(&page).expect("a page has only string keys"))
    });
    Ok(json(found.await??))
}

/// Reads a query string's pairs. An empty value is an absent one.
fn from_pairs(pairs: Vec<(String, String)>) -> Result<SuggestRequest, Problem> {
    let mut request = SuggestRequest::default();
    let mut wrong = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in pairs {
        if !PARAMETERS.contains(&name.as_str()) {
            wrong.push(input::unknown_parameter(&name, &PARAMETERS));
            continue;
        }
        let mut violation = |code: &'static str, expected: &str| {
            wrong.push(Violation {
                pointer: format!("/{name}"),
                code,
                expected: expected.to_owned(),
                found: value.chars().take(80).collect(),
            });
        };
        if name != "kind" && seen.contains(&name) {
            violation("bad_parameter", "the parameter once");
            continue;
        }
        seen.push(name.clone());
        match name.as_str() {
            _ if value.is_empty() => {}
            "q" => request.q = value,
            "kind" => {
                let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                request.kind.extend(names.map(str::to_owned));
            }
            _ => match value.parse() {
                Ok(limit) => request.limit = Some(limit),
                Err(_) => violation("bad_limit", "a whole number from 1 to 50"),
            },
        }
    }
    match wrong.first().map(|first| Code::named(first.code)) {
        None => Ok(request),
        Some(code) => Err(Problem::of(code.unwrap_or(Code::BadParameter), wrong)),
    }
}
