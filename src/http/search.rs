//! `/v1/search`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{AppState, Code, Problem, auth, input};
use crate::query::ladder::Relaxation;
use crate::query::request::SearchRequest;
use crate::query::scope::Scope;
use crate::record::Fields;
use crate::record::validate::Violation;
use crate::service::search::SearchError;

/// The names of everything that a search takes.
pub const PARAMETERS: [&str; 12] = [
    "q", "in", "kind", "filter", "select", "facets", "sort", "limit", "offset", "cursor", "raw",
    "explain",
];

/// Finds records.
#[utoipa::path(get, path = "/v1/search", tag = "search", params(
    ("q" = Option<String>, Query, description = "What a person typed, up to 512 characters. Quotes ask for the literal text, `-` excludes. Empty: everything, newest first"),
    ("in" = Option<String>, Query, description = "Where `q` is looked for: `all` (by default), `title`: titles alone, `code`: numbers of documents, patents and the like"),
    ("kind" = Option<String>, Query, description = "Kinds, separated by commas; none: all"),
    ("filter" = Option<String>, Query, description = "A filter expression: `= != > >= < <= TO`, `IN [..]`, `NOT IN`, `EXISTS`, `IS NULL`, `WITHIN`, `COVERS`, `AND OR NOT`, brackets"),
    ("select" = Option<Vec<String>>, Query, description = "FIELD:VALUE, repeatable: OR within a field, AND between fields; a field's own counts ignore its selection"),
    ("facets" = Option<String>, Query, description = "Fields to count, separated by commas"),
    ("sort" = Option<String>, Query, description = "FIELD:asc, FIELD:desc, relevance or newest"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 by default"),
    ("offset" = Option<u32>, Query, maximum = 1000, description = "Go deeper with the cursor"),
    ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
    ("raw" = Option<bool>, Query, description = "No correction and no synonyms"),
    ("explain" = Option<bool>, Query, description = "Adds what each score is made of"),
))]
pub async fn search_records(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let request = from_pairs(input::query_pairs(&uri)?)?;
    answer(state, headers, request).await
}

/// Finds records; the parameters as members of a JSON object.
#[utoipa::path(post, path = "/v1/search", tag = "search")]
pub async fn post_search(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let request = from_object(input::json_object(&bytes)?)?;
    answer(state, headers, request).await
}

async fn answer(
    state: AppState,
    headers: HeaderMap,
    request: SearchRequest,
) -> Result<Response, Problem> {
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let today = app.clock.today();
    let found = state.searches.run(move || {
        let page = app.search.search(&request, principal.scope(), today)?;
        app.suggest.note_search(&request, &page, today);
        let body = serde_json::to_vec(&page).expect("a page has only string keys");
        Ok::<_, SearchError>((body, page.relaxation))
    });
    let (body, relaxation) = found.await??;
    metrics::counter!("kechuang_searches_total", "rung" => rung(relaxation)).increment(1);
    Ok(json(body))
}

fn rung(relaxation: Relaxation) -> &'static str {
    match relaxation {
        Relaxation::Exact => "exact",
        Relaxation::AllWords => "all_words",
        Relaxation::MostWords => "most_words",
        Relaxation::Grams => "grams",
    }
}

/// An answer of JSON that depends on who asks.
pub fn json(body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    response
}

/// Reads a query string's pairs. An empty value is an absent one.
fn from_pairs(pairs: Vec<(String, String)>) -> Result<SearchRequest, Problem> {
    let mut request = SearchRequest::default();
    let mut wrong = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in pairs {
        let mut violation = |code: &'static str, expected: &str| {
            wrong.push(Violation {
                pointer: format!("/{name}"),
                code,
                expected: expected.to_owned(),
                found: value.chars().take(80).collect(),
            });
        };
        let repeatable = matches!(name.as_str(), "select" | "kind" | "facets");
        if !PARAMETERS.contains(&name.as_str()) {
            wrong.push(input::unknown_parameter(&name, &PARAMETERS));
            continue;
        }
        if !repeatable && seen.contains(&name) {
            violation("bad_parameter", "the parameter once");
            continue;
        }
        seen.push(name.clone());
        if value.contains('\0') {
            violation("bad_parameter", "text without NUL characters");
            continue;
        }
        if value.is_empty() {
            continue;
        }
        let list = || value.split(',').map(str::trim).filter(|item| !item.is_empty());
        let flag = || match value.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        match name.as_str() {
            "q" => request.q = value,
            "in" => match Scope::named(&value) {
                Some(scope) => request.scope = scope,
                None => violation("bad_parameter", "all, title or code"),
            },
            "kind" => request.kind.extend(list().map(str::to_owned)),
            "facets" => request.facets.extend(list().map(str::to_owned)),
            "select" => request.select.push(value),
            "filter" => request.filter = Some(value),
            "sort" => request.sort = Some(value),
            "cursor" => request.cursor = Some(value),
            "limit" => match value.parse() {
                Ok(limit) => request.limit = Some(limit),
                Err(_) => violation("bad_limit", "a whole number from 1 to 100"),
            },
            "offset" => match value.parse() {
                Ok(offset) => request.offset = Some(offset),
                Err(_) => violation("offset_too_deep", "a whole number from 0 to 1000"),
            },
            "raw" => match flag() {
                Some(raw) => request.raw = raw,
                None => violation("bad_parameter", "true or false"),
            },
            "explain" => match flag() {
                Some(explain) => request.explain = explain,
                None => violation("bad_parameter", "true or false"),
            },
            other => unreachable!("`{other}` is in the list of parameters"),
        }
    }
    refuse(wrong)?;
    Ok(request)
}

/// Reads a body's members; lists may be arrays or comma lists.
pub fn from_object(object: Fields) -> Result<SearchRequest, Problem> {
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    for (name, value) in object {
        if !PARAMETERS.contains(&name.as_str()) {
            wrong.push(input::unknown_parameter(&name, &PARAMETERS));
            continue;
        }
        let expected = match (name.as_str(), value) {
            (_, Value::Null) => continue,
            ("limit" | "offset", Value::Number(number)) => {
                pairs.push((name, number.to_string()));
                continue;
            }
            ("raw" | "explain", Value::Bool(flag)) => {
                pairs.push((name, flag.to_string()));
                continue;
            }
            ("limit" | "offset", _) => "a whole number",
            ("raw" | "explain", _) => "true or false",
            (_, Value::String(text)) => {
                pairs.push((name, text));
                continue;
            }
            ("kind" | "facets" | "select", Value::Array(items)) => {
                if items.iter().all(Value::is_string) {
                    for item in items {
                        if let Value::String(text) = item {
                            pairs.push((name.clone(), text));
                        }
                    }
                    continue;
                }
                "an array of strings"
            }
            ("kind" | "facets" | "select", _) => "an array of strings",
            _ => "a string",
        };
        wrong.push(Violation {
            pointer: format!("/{name}"),
            code: "bad_parameter",
            expected: expected.to_owned(),
            found: "another type".to_owned(),
        });
    }
    refuse(wrong)?;
    from_pairs(pairs)
}

fn refuse(wrong: Vec<Violation>) -> Result<(), Problem> {
    match wrong.first().map(|first| Code::named(first.code)) {
        None => Ok(()),
        Some(code) => Err(Problem::of(code.unwrap_or(Code::BadParameter), wrong)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Result<SearchRequest, Code> {
        let uri: Uri = format!("/v1/search?{query}").parse().unwrap();
        let pairs = input::query_pairs(&uri).map_err(|problem| problem.code)?;
        from_pairs(pairs).map_err(|problem| problem.code)
    }

    fn object(json: &str) -> Result<SearchRequest, Code> {
        from_object(serde_json::from_str(json).unwrap()).map_err(|problem| problem.code)
    }

    #[test]
    fn a_query_string_and_a_body_say_the_same() {
        let expected = SearchRequest {
            q: "科创".into(),
            kind: vec!["a".into(), "b".into()],
            select: vec!["x:1,2".into(), "x:3".into()],
            facets: vec!["x".into(), "y".into()],
            limit: Some(5),
            raw: true,
            ..SearchRequest::default()
        };
        let query = "q=%E7%A7%91%E5%88%9B&kind=a,b&select=x:1,2&select=x:3&facets=x,%20y&limit=5&raw=true&sort=";
        assert_eq!(pairs(query), Ok(expected.clone()));
        let json = r#"{"q":"科创","kind":["a","b"],"select":["x:1,2","x:3"],"facets":"x,y","limit":5,"raw":true,"sort":null}"#;
        assert_eq!(object(json), Ok(expected));
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(pairs("query=a"), Err(Code::UnknownParameter));
        assert_eq!(pairs("q=a&q=b"), Err(Code::BadParameter));
        assert_eq!(pairs("limit=-1"), Err(Code::BadLimit));
        assert_eq!(pairs("limit=1.5"), Err(Code::BadLimit));
        assert_eq!(pairs("offset=x"), Err(Code::OffsetTooDeep));
        assert_eq!(pairs("raw=1"), Err(Code::BadParameter));
        assert_eq!(object(r#"{"q":1}"#), Err(Code::BadParameter));
        assert_eq!(object(r#"{"limit":"5"}"#), Err(Code::BadParameter));
        assert_eq!(object(r#"{"limit":1.5}"#), Err(Code::BadLimit));
        assert_eq!(object(r#"{"kind":["a",1]}"#), Err(Code::BadParameter));
        assert_eq!(object(r#"{"q":"a\u0000"}"#), Err(Code::BadParameter));
        assert_eq!(object(r#"{"query":"a"}"#), Err(Code::UnknownParameter));
    }
}
