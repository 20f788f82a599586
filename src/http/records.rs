//! `/v1/records/…`: one record at a time.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::{AppState, Code, Problem, auth, input, search};
use crate::record::{Record, RecordId, Revision};
use crate::service::ingest::receipts::Once;
use crate::service::ingest::{Draft, Precondition, Rejection, Written};

type RecordPath = Result<Path<(String, String)>, PathRejection>;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says whether a write that asked for `refresh=wait` can be found: `done`, or `pending` when time ran out.
static REFRESH: HeaderName = HeaderName::from_static("kechuang-refresh");
/// Where records come from that are written here.
pub const SOURCE: &str = "api";

/// Reads a record. Fields that the caller may not see are absent.
#[utoipa::path(get, path = "/v1/records/{kind}/{id}", tag = "records", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
    ("If-None-Match" = Option<String>, Header, description = "The revision that the caller has: 304 when it still holds"),
))]
pub async fn get_record(
    State(state): State<AppState>,
    path: RecordPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = record_id(&state, path)?;
    input::no_parameters(&uri)?;
    let principal = auth::principal(&state, &headers).await?;
    let known = input::header(&headers, &header::IF_NONE_MATCH)?.map(str::to_owned);
    let app = state.app.clone();
    let wanted = id.clone();
    let found = state.searches.run(move || app.ingest.get(&wanted, &principal)).await??;
    let Some(record) = found else { return Err(nothing_at(&id)) };
    if known.is_some_and(|known| lists(&known, record.revision)) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::ETAG, etag(record.revision));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("authorization"));
        return Ok(response);
    }
    Ok(show(&record))
}

/// Writes a record at its id, in place of what is there.
#[utoipa::path(put, path = "/v1/records/{kind}/{id}", tag = "records", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, pattern = "^[A-Za-z0-9_:-][A-Za-z0-9._:-]{0,127}$", description = "Up to 128 letters, digits and . _ : -"),
    ("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[^",]*")$"#, description = "The revision that must still hold, or *"),
    ("If-None-Match" = Option<String>, Header, pattern = r"^\*$", description = "`*`: there must be no such record"),
    ("refresh" = Option<String>, Query, pattern = "^(wait|false)?$", description = "`wait`: answer when the record can be found, at most ten seconds later"),
))]
pub async fn put_record(
    State(state): State<AppState>,
    path: RecordPath,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let id = record_id(&state, path)?;
    let wait = input::refresh(&uri)?;
    let precondition = precondition(&headers)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let mut draft = draft(&bytes, &id.kind, Some(&id.id))?;
    draft.precondition = precondition;
    let app = state.app.clone();
    let written = state
        .writes
        .run(move || {
            let now = app.clock.now();
            app.ingest.put(vec![draft], &key, &now).map(|mut answers| answers.remove(0))
        })
        .await???;
    acknowledge(&state, written, wait).await
}

/// Withdraws a record.
#[utoipa::path(delete, path = "/v1/records/{kind}/{id}", tag = "records", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("id" = String, Path, description = "The record's id"),
    ("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[^",]*")$"#, description = "The revision that must still hold, or *"),
    ("refresh" = Option<String>, Query, pattern = "^(wait|false)?$", description = "`wait`: answer when the record can no longer be found, at most ten seconds later"),
))]
pub async fn delete_record(
    State(state): State<AppState>,
    path: RecordPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let id = record_id(&state, path)?;
    let wait = input::refresh(&uri)?;
    let precondition = precondition(&headers)?;
    let app = state.app.clone();
    let withdrawn = state.writes.run(move || app.ingest.withdraw(&id, precondition, &key));
    let revision = withdrawn.await???;
    let mut response = StatusCode::NO_CONTENT.into_response();
    refreshed(&state, &mut response, revision, wait).await;
    Ok(response)
}

/// Writes a new record; the server gives the id where the body names none.
///
/// With `Idempotency-Key` a repeated request is answered as the first one was, for 24 hours.
#[utoipa::path(post, path = "/v1/records/{kind}", tag = "records", params(
    ("kind" = String, Path, description = "A kind of /v1/kinds"),
    ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description = "Up to 255 characters that the caller chose for this write"),
    ("refresh" = Option<String>, Query, pattern = "^(wait|false)?$", description = "`wait`: answer when the record can be found, at most ten seconds later"),
))]
pub async fn post_record(
    State(state): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let key = auth::writer(&state, &headers).await?;
    let kind = input::path(path)?;
    known_kind(&state, &kind)?;
    let wait = input::refresh(&uri)?;
    let name = idempotency_key(&headers)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let mut draft = draft(&bytes, &kind, None)?;
    draft.precondition = Precondition::Absent;
    let app = state.app.clone();
    let once = state
        .writes
        .run(move || {
            let now = app.clock.now();
            match name {
                Some(name) => {
                    let digest = digest(&kind, &bytes);
                    app.ingest.put_once(draft, &name, &digest, &key, &now)
                }
                None => app
                    .ingest
                    .put(vec![draft], &key, &now)
                    .map(|mut answers| answers.remove(0).map(Once::Written)),
            }
        })
        .await??;
    let written = match once {
        Ok(Once::Written(written) | Once::Again(written)) => written,
        Ok(Once::OtherBody) => return Err(Problem::plain(Code::KeyReused)),
        Err(Rejection::Precondition { .. }) => {
            return Err(Problem::plain(Code::AlreadyExists));
        }
        Err(rejection) => return Err(rejection.into()),
    };
    acknowledge(&state, written, wait).await
}

/// Reads `kind` and `id` from the path; a kind that is not declared holds nothing.
pub fn record_id(state: &AppState, path: RecordPath) -> Result<RecordId, Problem> {
    let (kind, id) = input::path(path)?;
    known_kind(state, &kind)?;
    Ok(RecordId::new(kind, id))
}

fn known_kind(state: &AppState, kind: &str) -> Result<(), Problem> {
    if state.app.catalog.kind(kind).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = state.app.catalog.kinds.iter().map(|kind| &*kind.name).collect();
    let found: String = kind.chars().take(80).collect();
    Err(Problem::new(
        Code::KindNotFound,
        format!("expected one of {}; found `{found}`", known.join(", ")),
    ))
}

fn nothing_at(id: &RecordId) -> Problem {
    let id: String = id.to_string().chars().take(200).collect();
    Problem::new(
        Code::NotFound,
        format!("expected a record that the caller may see; found none at {id}"),
    )
}

fn draft(bytes: &[u8], kind: &str, id: Option<&str>) -> Result<Draft, Problem> {
    let object = input::json_object(bytes)?;
    let mut draft = Draft::from_object(object, Some(kind), id)
        .map_err(|violations| Problem::of(Code::InvalidRecord, violations))?;
    draft.source = Some(SOURCE.into());
    Ok(draft)
}

/// Reads `If-Match` and `If-None-Match` of a write.
fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let bad = |detail: &str| Err(Problem::new(Code::BadHeader, detail));
    let matches = input::header(headers, &header::IF_MATCH)?;
    let none_match = input::header(headers, &header::IF_NONE_MATCH)?;
    match (matches, none_match) {
        (None, None) => Ok(Precondition::None),
        (Some(_), Some(_)) => bad("expected If-Match or If-None-Match; found both"),
        (None, Some("*")) => Ok(Precondition::Absent),
        (None, Some(_)) => bad("If-None-Match: expected * on a write"),
        (Some("*"), None) => Ok(Precondition::Exists),
        (Some(tag), None) => {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            match inner {
                None => bad("If-Match: expected one entity tag in quotes, as ETag gives it, or *"),
                Some(inner) if inner.contains('"') => {
                    bad("If-Match: expected one entity tag; found several")
                }
                // A tag that was never given, or a weak one, matches nothing.
                Some(inner) => Ok(Precondition::Matches(
                    (strong == tag)
                        .then(|| inner.parse().ok())
                        .flatten()
                        .map_or(Revision(u64::MAX), Revision),
                )),
            }
        }
    }
}

/// Tells whether a list of entity tags names `revision`.
fn lists(tags: &str, revision: Revision) -> bool {
    let current = format!("\"{revision}\"");
    tags.split(',')
        .map(|tag| tag.trim())
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match input::header(headers, &IDEMPOTENCY_KEY)? {
        Some(name) if name.is_empty() || name.len() > 255 => {
            Err(Problem::new(Code::BadHeader, "Idempotency-Key: expected 1 to 255 characters"))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

fn digest(kind: &str, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(kind.as_bytes());
    hasher.update([0]);
    hasher.update(body);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn etag(revision: Revision) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes")
}

fn show(record: &Record) -> Response {
    let mut response =
        search::json(serde_json::to_vec(record).expect("a record has only string keys"));
    response.headers_mut().insert(header::ETAG, etag(record.revision));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

async fn acknowledge(state: &AppState, written: Written, wait: bool) -> Result<Response, Problem> {
    let Written { record, created } = written;
    let mut response = show(&record);
    if created {
        *response.status_mut() = StatusCode::CREATED;
        let location = format!("/v1/records/{}/{}", record.kind, percent_encode(&record.id));
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    refreshed(state, &mut response, record.revision, wait).await;
    Ok(response)
}

/// Waits, if `wait`, until the change can be found, and says whether it can.
pub async fn refreshed(state: &AppState, response: &mut Response, revision: Revision, wait: bool) {
    if wait {
        let done = state.progress.wait_for(revision, state.limits.refresh).await;
        let done = if done { "done" } else { "pending" };
        response.headers_mut().insert(REFRESH.clone(), HeaderValue::from_static(done));
    }
}

/// Encodes a text as one segment of a path.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_preconditions() {
        let check = |name: HeaderName, value: &str, expected: Option<Precondition>| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(precondition(&headers).ok(), expected, "{value}");
        };
        check(header::IF_MATCH, "\"7\"", Some(Precondition::Matches(Revision(7))));
        check(header::IF_MATCH, "*", Some(Precondition::Exists));
        check(header::IF_MATCH, "\"other\"", Some(Precondition::Matches(Revision(u64::MAX))));
        check(header::IF_MATCH, "W/\"7\"", Some(Precondition::Matches(Revision(u64::MAX))));
        check(header::IF_MATCH, "7", None);
        check(header::IF_MATCH, "\"7\", \"8\"", None);
        check(header::IF_NONE_MATCH, "*", Some(Precondition::Absent));
        check(header::IF_NONE_MATCH, "\"7\"", None);
    }

    #[test]
    fn finds_a_tag_in_a_list() {
        assert!(lists("\"7\"", Revision(7)));
        assert!(lists("\"1\", W/\"7\"", Revision(7)));
        assert!(lists("*", Revision(7)));
        assert!(!lists("\"77\"", Revision(7)));
    }

    #[test]
    fn encodes_a_segment() {
        assert_eq!(percent_encode("a:b-科"), "a:b-%E7%A7%91");
    }
}
