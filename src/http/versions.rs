//! `/v1/records/{kind}/{id}/versions` and `…/diff`: how a record that states rules came to say what it says.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::{AppState, Code, Problem, auth, input, search};
use crate::record::RecordId;
use crate::record::validate::Violation;
use crate::service::versions::Which;

type RecordPath = Result<Path<(String, String)>, PathRejection>;

/// Lists the versions of a record that states rules, the latest first, and what other records do to it.
#[utoipa::path(get, path = "/v1/records/{kind}/{id}/versions", tag = "applicability", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
))]
pub async fn list_versions(
    State(state): State<AppState>,
    path: RecordPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (kind, id) = input::path(path)?;
    input::no_parameters(&uri)?;
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let wanted = RecordId::new(kind, id);
    let missing = nothing_at(&wanted);
    let found = state.searches.run(move || app.applicability.versions(&wanted, &principal));
    let found = found.await??.ok_or(missing)?;
    Ok(search::json(serde_json::to_vec(&found).expect("an answer has only string keys")))
}

/// Compares two versions of a record, clause by clause.
#[utoipa::path(get, path = "/v1/records/{kind}/{id}/diff", tag = "applicability", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
    ("from" = String, Query, min_length = 1, description = "A revision of …/versions, a date (the rules that hold on it), or the id of another record"),
    ("to" = Option<String>, Query, description = "The same; the present version when absent"),
))]
pub async fn compare_versions(
    State(state): State<AppState>,
    path: RecordPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (kind, id) = input::path(path)?;
    let principal = auth::principal(&state, &headers).await?;
    let wanted = RecordId::new(kind, id);
    let (mut from, mut to) = (None, None);
    let expected = "a revision, a date as YYYY-MM-DD or the id of another record";
    let mut wrong = Vec::new();
    for (name, value) in input::query_pairs(&uri)? {
        let place = match name.as_str() {
            "from" => &mut from,
            "to" => &mut to,
            _ => {
                wrong.push(input::unknown_parameter(&name, &["from", "to"]));
                continue;
            }
        };
        let which = Which::parse(&value);
        if which.is_none() || place.is_some() {
            wrong.push(Violation {
                pointer: format!("/{name}"),
                code: "bad_parameter",
                expected: format!("{expected}, once"),
                found: value.chars().take(80).collect(),
            });
        }
        *place = which;
    }
    if from.is_none() && wrong.is_empty() {
        wrong.push(Violation {
            pointer: "/from".into(),
            code: "bad_parameter",
            expected: expected.into(),
            found: "nothing".into(),
        });
    }
    if let Some(first) = wrong.first() {
        return Err(Problem::of(Code::named(first.code).unwrap_or(Code::BadParameter), wrong));
    }
    let missing = nothing_at(&wanted);
    let app = state.app.clone();
    let found = state.searches.run(move || {
        let from = from.expect("seen to be there");
        let to = match to {
            Some(to) => to,
            None => Which::Other(wanted.id.to_string()),
        };
        app.applicability.compare(&wanted, &from, &to, &principal)
    });
    let found = found.await??.ok_or(missing)?;
    Ok(search::json(serde_json::to_vec(&found).expect("an answer has only string keys")))
}

fn nothing_at(id: &RecordId) -> Problem {
    let id: String = id.to_string().chars().take(200).collect();
    Problem::new(
        Code::NotFound,
        format!(
            "expected a record that the caller may see, of a kind with conditions, and versions of it; found none at {id}"
        ),
    )
}
