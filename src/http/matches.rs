//! `…/matches`, `…/similar` and `/v1/match`: records that fit a record.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::Value;

use super::records::record_id;
use super::search::json;
use super::{AppState, Code, Problem, auth, input};
use crate::matching::Subject;
use crate::record::Fields;
use crate::record::validate::Violation;
use crate::service::ingest::Draft;
use crate::service::matches::{DEFAULT_LIMIT, MAX_LIMIT, MatchError, MatchRequest};

const MATCHES: [&str; 3] = ["to", "limit", "diversity"];
const SIMILAR: [&str; 2] = ["limit", "diversity"];
const MEMBERS: [&str; 5] = ["record", "profile", "to", "limit", "diversity"];

/// What a caller wants, beside the record.
#[derive(Debug, PartialEq)]
struct Wanted {
    to: Option<String>,
    limit: usize,
    diverse: bool,
}

/// Finds the records of another kind that fit a stored record, with reasons.
#[utoipa::path(get, path = "/v1/records/{kind}/{id}/matches", tag = "matching", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
    ("to" = String, Query, description = "Kind of the records to find"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "10 by default"),
    ("diversity" = Option<bool>, Query, description = "`false`: everything, however alike; `true` by default"),
))]
pub async fn list_matches(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = record_id(&state, path)?;
    let wanted = wanted(input::query_pairs(&uri)?, &MATCHES)?;
    answer(state, headers, Subject::Stored(id), wanted).await
}

/// Finds records of the same kind that are like a stored record.
#[utoipa::path(get, path = "/v1/records/{kind}/{id}/similar", tag = "matching", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "10 by default"),
    ("diversity" = Option<bool>, Query, description = "`false`: everything, however alike; `true` by default"),
))]
pub async fn list_similar(
    State(state): State<AppState>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = record_id(&state, path)?;
    let mut wanted = wanted(input::query_pairs(&uri)?, &SIMILAR)?;
    wanted.to = Some(id.kind.to_string());
    answer(state, headers, Subject::Stored(id), wanted).await
}

/// Finds records that fit a record that is not stored, or an enterprise's profile.
#[utoipa::path(post, path = "/v1/match", tag = "matching")]
pub async fn post_match(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let (subject, wanted) = from_object(input::json_object(&bytes)?)?;
    answer(state, headers, subject, wanted).await
}

async fn answer(
    state: AppState,
    headers: HeaderMap,
    subject: Subject,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let principal = auth::principal(&state, &headers).await?;
    let app = state.app.clone();
    let today = app.clock.today();
    let Some(to) = wanted.to else {
        return Err(Problem::of(
            Code::BadParameter,
            vec![violation("to", "bad_parameter", "the kind of the records to find", "nothing")],
        ));
    };
    let request = MatchRequest { subject, to, limit: wanted.limit, diverse: wanted.diverse };
    let found = state.searches.run(move || {
        let page = app.matches.matches(&request, principal.scope(), today)?;
        Ok::<_, MatchError>(serde_json::to_vec(&page).expect("a page has only string keys"))
    });
    Ok(json(found.await??))
}

fn violation(name: &str, code: &'static str, expected: &str, found: &str) -> Violation {
    Violation {
        pointer: format!("/{name}"),
        code,
        expected: expected.to_owned(),
        found: found.chars().take(80).collect(),
    }
}

/// Reads a query string's pairs. An empty value is an absent one.
fn wanted(pairs: Vec<(String, String)>, allowed: &[&str]) -> Result<Wanted, Problem> {
    let mut wanted = Wanted { to: None, limit: DEFAULT_LIMIT, diverse: true };
    let mut wrong = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in pairs {
        if !allowed.contains(&name.as_str()) {
            wrong.push(input::unknown_parameter(&name, allowed));
            continue;
        }
        if seen.contains(&name) {
            wrong.push(violation(&name, "bad_parameter", "the parameter once", &value));
            continue;
        }
        match (name.as_str(), value.as_str()) {
            (_, "") => {}
            ("to", _) => wanted.to = Some(value),
            ("limit", _) => match value.parse() {
                Ok(limit @ 1..=MAX_LIMIT) => wanted.limit = limit,
                _ => wrong.push(violation(
                    &name,
                    "bad_limit",
                    "a whole number from 1 to 100",
                    &value,
                )),
            },
            (_, "true") => wanted.diverse = true,
            (_, "false") => wanted.diverse = false,
            _ => wrong.push(violation(&name, "bad_parameter", "true or false", &value)),
        }
        seen.push(name);
    }
    refuse(wrong)?;
    Ok(wanted)
}

/// Reads a body's members.
fn from_object(mut object: Fields) -> Result<(Subject, Wanted), Problem> {
    let mut wrong = Vec::new();
    for name in object.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
        wrong.push(input::unknown_parameter(name, &MEMBERS));
    }
    let mut wanted = Wanted { to: None, limit: DEFAULT_LIMIT, diverse: true };
    match object.remove("to") {
        Some(Value::String(to)) => wanted.to = Some(to),
        None | Some(Value::Null) => {}
        Some(other) => wrong.push(violation("to", "bad_parameter", "a kind", &other.to_string())),
    }
    match object.remove("limit") {
        None | Some(Value::Null) => {}
        Some(limit) => match limit.as_u64() {
            Some(limit) if (1..=MAX_LIMIT as u64).contains(&limit) => wanted.limit = limit as usize,
            _ => wrong.push(violation(
                "limit",
                "bad_limit",
                "a whole number from 1 to 100",
                &limit.to_string(),
            )),
        },
    }
    match object.remove("diversity") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(diverse)) => wanted.diverse = diverse,
        Some(other) => {
            wrong.push(violation("diversity", "bad_parameter", "true or false", &other.to_string()))
        }
    }
    let mut given = |name| object.remove(name).filter(|value| !value.is_null());
    let subject = match (given("record"), given("profile")) {
        (Some(Value::Object(record)), None) => Some(draft(record)?),
        (None, Some(Value::Object(profile))) => Some(Subject::Profile(profile)),
        (Some(_), Some(_)) => {
            wrong.push(violation("record", "bad_body", "a record or a profile", "both"));
            None
        }
        (None, None) => {
            wrong.push(violation("record", "bad_body", "a record or a profile", "nothing"));
            None
        }
        (Some(other), None) => {
            wrong.push(violation("record", "bad_body", "an object", &other.to_string()));
            None
        }
        (None, Some(other)) => {
            wrong.push(violation("profile", "bad_body", "an object", &other.to_string()));
            None
        }
    };
    refuse(wrong)?;
    let subject = subject.ok_or_else(|| Problem::plain(Code::BadBody))?;
    Ok((subject, wanted))
}

fn draft(record: Fields) -> Result<Subject, Problem> {
    let draft = Draft::from_object(record, None, None)
        .map_err(|violations| Problem::of(Code::InvalidRecord, violations))?;
    Ok(Subject::Draft { kind: draft.kind, fields: draft.fields })
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

    fn object(json: &str) -> Result<(Subject, Wanted), Code> {
        from_object(serde_json::from_str(json).unwrap()).map_err(|problem| problem.code)
    }

    #[test]
    fn reads_what_is_wanted() {
        let pairs = |query: &str| {
            let uri: Uri = format!("/v1/records/a/b/matches?{query}").parse().unwrap();
            let pairs = input::query_pairs(&uri).map_err(|problem| problem.code)?;
            wanted(pairs, &MATCHES).map_err(|problem| problem.code)
        };
        let expected = Wanted { to: Some("x".into()), limit: 5, diverse: false };
        assert_eq!(pairs("to=x&limit=5&diversity=false"), Ok(expected));
        assert_eq!(pairs("limit=0"), Err(Code::BadLimit));
        assert_eq!(pairs("limit=101"), Err(Code::BadLimit));
        assert_eq!(pairs("to=x&to=y"), Err(Code::BadParameter));
        assert_eq!(pairs("diversity=no"), Err(Code::BadParameter));
        assert_eq!(pairs("kind=x"), Err(Code::UnknownParameter));
    }

    #[test]
    fn refuses_bodies_by_name() {
        assert!(matches!(
            object(r#"{"record":{"kind":"x","title":"a"},"to":"y","limit":3}"#),
            Ok((Subject::Draft { .. }, Wanted { limit: 3, diverse: true, .. }))
        ));
        assert!(matches!(object(r#"{"profile":{},"to":"y"}"#), Ok((Subject::Profile(_), _))));
        let refused = |json: &str| object(json).map(|_| ()).unwrap_err();
        assert_eq!(refused(r#"{"to":"y"}"#), Code::BadBody);
        assert_eq!(refused(r#"{"record":{},"profile":{}}"#), Code::BadBody);
        assert_eq!(refused(r#"{"record":null,"profile":null}"#), Code::BadBody);
        assert!(object(r#"{"record":null,"profile":{},"to":"y"}"#).is_ok());
        assert_eq!(refused(r#"{"record":1}"#), Code::BadBody);
        assert_eq!(refused(r#"{"record":{"title":"a"},"to":"y"}"#), Code::InvalidRecord);
        assert_eq!(refused(r#"{"profile":{},"limit":"3"}"#), Code::BadLimit);
        assert_eq!(refused(r#"{"profile":{},"top":3}"#), Code::UnknownParameter);
    }
}
