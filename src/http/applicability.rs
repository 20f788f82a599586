//! `/v1/applicability`, `/v1/attributes` and `/v1/profiles`: which records apply to an organization.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{AppState, Code, Problem, auth, input, language, search};
use crate::applicability::profile::NoteView;
use crate::record::Lang;
use crate::record::attribute::Attributes;
use crate::record::validate::Violation;
use crate::record::value::days;
use crate::service::applicability::{CheckRequest, MEMBERS};
use crate::service::keys::Key;
use crate::service::profiles::{Kept, ProfileRejection, StoredProfile};

/// Checks an organization against every record that states conditions; nothing of the profile is kept.
#[utoipa::path(post, path = "/v1/applicability", tag = "applicability")]
pub async fn check_applicability(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    let principal = auth::principal(&state, &headers).await?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let today = state.app.clock.today();
    let lang = language::accepted(&headers);
    let (mut request, profile_id) = request(input::json_object(&bytes)?, today, lang)?;
    let lang = request.lang;
    let key = match (&profile_id, principal.key) {
        (None, _) => None,
        (Some(_), Some(key)) => Some(key),
        (Some(_), None) => return Err(Problem::plain(Code::Unauthorized)),
    };
    let app = state.app.clone();
    let answered = state.searches.run(move || {
        if let (Some(id), Some(key)) = (&profile_id, &key) {
            let Some(kept) = app.profiles.get(id, key)? else { return Err(no_profile(id)) };
            // What the request says of the organization goes before what is kept.
            let said = std::mem::replace(&mut request.profile, kept.profile);
            request.profile.extend(said);
        }
        let answer = app.applicability.check(&request)?;
        Ok(serde_json::to_vec(&answer).expect("an answer has only string keys"))
    });
    let mut response = search::json(answered.await??);
    // A profile is nobody else's business, and so is what follows from it.
    let own = response.headers_mut();
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    own.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    Ok(response)
}

/// Lists what may be said of an organization, and what is asked together.
#[utoipa::path(get, path = "/v1/attributes", tag = "applicability")]
pub async fn list_attributes(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    input::no_parameters(&uri)?;
    auth::principal(&state, &headers).await?;
    let body = describe(&state.app.catalog.attributes);
    Ok(search::json(serde_json::to_vec(&body).expect("a description has only string keys")))
}

fn describe(attributes: &Attributes) -> Value {
    let id = |at: &usize| attributes.list[*at].id.to_string();
    let items: Vec<Value> = attributes
        .list
        .iter()
        .map(|attribute| {
            json!({
                "id": &*attribute.id,
                "label": attribute.label.zh,
                "label_en": attribute.label.en,
                "type": attribute.attribute_type.name(),
                "period": attribute.period.name(),
                "unit": attribute.unit,
                "vocabulary": attribute.vocabulary.as_ref().map(|known| &known.name),
                "source": attribute.source.name(),
                "sensitive": attribute.sensitive,
                "min": attribute.min,
                "max": attribute.max,
            })
        })
        .collect();
    let questions: Vec<Value> = attributes
        .questions
        .iter()
        .map(|question| {
            json!({
                "id": &*question.id,
                "label": question.label.zh,
                "label_en": question.label.en,
                "attributes": question.attributes.iter().map(id).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "items": items, "questions": questions })
}

/// Keeps a profile of the caller's; the server gives the id.
#[utoipa::path(post, path = "/v1/profiles", tag = "applicability")]
pub async fn post_profile(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    write(state, headers, uri, body, None).await
}

/// Lists the caller's profiles.
#[utoipa::path(get, path = "/v1/profiles", tag = "applicability")]
pub async fn list_profiles(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let profiles = state.searches.run(move || app.profiles.list(&key)).await??;
    private(StatusCode::OK, &json!({ "items": profiles }))
}

/// Reads a profile of the caller's.
#[utoipa::path(get, path = "/v1/profiles/{id}", tag = "applicability", params(
    ("id" = String, Path, description = "The profile's id"),
))]
pub async fn get_profile(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let id = input::path(path)?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let wanted = id.clone();
    let found = state.searches.run(move || app.profiles.get(&wanted, &key)).await??;
    private(StatusCode::OK, &found.ok_or_else(|| no_profile(&id))?)
}

/// Keeps a profile of the caller's at an id, in place of what is there.
#[utoipa::path(put, path = "/v1/profiles/{id}", tag = "applicability", params(
    ("id" = String, Path, description = "Up to 128 ASCII letters, digits and . _ -"),
))]
pub async fn put_profile(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let id = input::path(path)?;
    write(state, headers, uri, body, Some(id)).await
}

/// Deletes a profile of the caller's.
#[utoipa::path(delete, path = "/v1/profiles/{id}", tag = "applicability", params(
    ("id" = String, Path, description = "The profile's id"),
))]
pub async fn delete_profile(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let id = input::path(path)?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let wanted = id.clone();
    match state.writes.run(move || app.profiles.delete(&wanted, &key)).await?? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_profile(&id)),
    }
}

async fn write(
    state: AppState,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
    id: Option<String>,
) -> Result<Response, Problem> {
    let key: Arc<Key> = auth::writer(&state, &headers).await?;
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let object = input::json_object(&bytes)?;
    let app = state.app.clone();
    let today = app.clock.today();
    let wanted = id.clone().unwrap_or_default();
    let written = state.writes.run(move || {
        let now = app.clock.now();
        app.profiles.put(id, object, &key, &now, today)
    });
    match written.await?? {
        Ok(Kept { profile, is_new, notes }) => {
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            let lang = language::accepted(&headers);
            let notes = notes.iter().map(|note| note.view(lang)).collect();
            private(status, &Noted { profile, notes })
        }
        Err(ProfileRejection::Invalid(violations)) => {
            Err(Problem::of(Code::BadProfile, violations))
        }
        Err(ProfileRejection::TooMany { most }) => Err(Problem::new(
            Code::BadProfile,
            format!("expected at most {most} profiles of one owner; found as many already"),
        )),
        Err(ProfileRejection::NotFound) => Err(no_profile(&wanted)),
    }
}

/// A profile as it was kept, and what should be known about its values.
#[derive(serde::Serialize)]
struct Noted {
    #[serde(flatten)]
    profile: StoredProfile,
    notes: Vec<NoteView>,
}

fn private(status: StatusCode, body: &impl serde::Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(body).expect("an answer has only string keys");
    let mut response = search::json(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn no_profile(id: &str) -> Problem {
    let id: String = id.chars().take(80).collect();
    Problem::new(
        Code::NotFound,
        format!("expected a profile of the caller's; found none of id {id}"),
    )
}

/// Reads the members of a request, and the id of a stored profile that it names; `lang` is the language of the answer
/// where it names none.
fn request(
    object: Map<String, Value>,
    today: i32,
    lang: Lang,
) -> Result<(CheckRequest, Option<String>), Problem> {
    let mut request = CheckRequest { as_of: today, today, lang, ..CheckRequest::default() };
    let mut profile_id = None;
    let mut wrong = Vec::new();
    let mut has_profile = false;
    for (name, value) in object {
        if !MEMBERS.contains(&name.as_str()) {
            wrong.push(input::unknown_parameter(&name, &MEMBERS));
            continue;
        }
        let mut refuse = |expected: &str, found: &Value| {
            wrong.push(Violation {
                pointer: format!("/{name}"),
                code: "bad_parameter",
                expected: expected.to_owned(),
                found: found.to_string().chars().take(80).collect(),
            });
        };
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("profile", Value::Object(profile)) => {
                has_profile = true;
                request.profile = profile;
            }
            ("assume", Value::Object(assume)) => request.assume = assume,
            ("profile" | "assume", other) => refuse("an object by attribute", &other),
            ("profile_id", Value::String(id)) => profile_id = Some(id),
            ("filter", Value::String(filter)) => request.filter = Some(filter),
            ("profile_id" | "filter", other) => refuse("a string", &other),
            ("lang", other) => match other.as_str().and_then(Lang::named) {
                Some(lang) => request.lang = lang,
                None => refuse("zh or en", &other),
            },
            ("as_of", other) => match other.as_str().and_then(days) {
                Some(day) => request.as_of = day,
                None => refuse("a date as YYYY-MM-DD, 1900 to 2199", &other),
            },
            ("kind" | "ids" | "include", other) => match texts(&other) {
                Some(texts) => match name.as_str() {
                    "kind" => request.kinds = texts,
                    "ids" => request.ids = texts,
                    _ => request.include = texts,
                },
                None => refuse("an array of strings", &other),
            },
            (_, other) => match other.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number) => match name.as_str() {
                    "limit" => request.limit = Some(number),
                    "offset" => request.offset = number,
                    _ => request.questions = Some(number),
                },
                None => refuse("a whole number", &other),
            },
        }
    }
    if !has_profile && profile_id.is_none() && wrong.is_empty() {
        wrong.push(Violation {
            pointer: "/profile".to_owned(),
            code: "bad_parameter",
            expected: "the profile, an object by attribute, or profile_id".to_owned(),
            found: "neither".to_owned(),
        });
    }
    match wrong.first().map(|first| Code::named(first.code)) {
        None => Ok((request, profile_id)),
        Some(code) => Err(Problem::of(code.unwrap_or(Code::BadParameter), wrong)),
    }
}

/// Reads an array of strings, or strings separated by commas.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
