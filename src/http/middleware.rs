//! What happens around every request: its id, its span, its time limit, its metrics, and headers of the answer.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{AppState, Code, Problem, in_shape, meilisearch};
use crate::service::keys::random_hex;

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What pages of other origins may read of an answer.
const EXPOSED: &str = "etag, retry-after, x-request-id";
/// Time that a handler has to answer for itself after its own limit.
const SLACK: Duration = Duration::from_secs(5);

/// Wraps a request. No body, query or key goes to the log.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = method_name(request.method());
    let may_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (asked, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = HeaderValue::from_str(&id).expect("a request id is ASCII");
    request.headers_mut().insert(REQUEST_ID.clone(), id.clone());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or(""), method, route);
    let limit = limit(&state, &route, may_read);
    let mut response = async {
        let response = match preflight(&request) {
            Some(response) => response,
            None => options(&asked, run(&path, request, next, limit).await),
        };
        let status = response.status().as_u16();
        let ms = (started.elapsed().as_secs_f64() * 1e5).round() / 1e2;
        tracing::info!(status, ms, "answered");
        response
    }
    .instrument(span)
    .await;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID.clone(), id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if may_read || asks_only(&asked, &path) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "kechuang_http_requests_total",
        "route" => route.clone(), "method" => method, "status" => status
    )
    .increment(1);
    metrics::histogram!("kechuang_http_request_seconds", "route" => route, "method" => method)
        .record(started.elapsed().as_secs_f64());
    response
}

/// Marks an answer that stands for a page which was not made: it took too long, or broke off.
#[derive(Clone, Copy, Debug)]
pub struct PageFault;

async fn run(path: &str, request: Request, next: Next, limit: Duration) -> Response {
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let fault = match tokio::time::timeout(limit, handler).await {
        Ok(Ok(response)) => return response,
        Ok(Err(_)) => Problem::fault(Code::Internal, &"a handler panicked"),
        Err(_) => Problem::fault(Code::TimedOut, &"a handler took too long"),
    };
    let mut response = in_shape(path, fault);
    if !path.starts_with("/v1/") && !meilisearch::is_ours(path) {
        response.extensions_mut().insert(PageFault);
    }
    response
}

fn limit(state: &AppState, route: &str, may_read: bool) -> Duration {
    let limits = &state.limits;
    match route {
        "/v1/bulk" | "/admin/import" => limits.bulk + limits.refresh + SLACK,
        _ if may_read => limits.read,
        "/v1/search" => limits.receive + limits.read,
        _ => limits.receive + limits.read + limits.refresh,
    }
}

/// Takes over the caller's id when it is fit for a log, else gives one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=64).contains(&id.len()))
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)))
        .map_or_else(random_hex::<8>, str::to_owned)
}

/// A path that is asked what it takes says so: the header `Allow`, which the router adds, is the answer and no error.
fn options(method: &Method, response: Response) -> Response {
    match *method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        true => StatusCode::NO_CONTENT.into_response(),
        false => response,
    }
}

/// Answers what a browser asks before it lets a page of another origin read: reads are open, writes are not.
fn preflight(request: &Request) -> Option<Response> {
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let methods = match wanted.as_bytes() {
        b"GET" | b"HEAD" => Some("GET, HEAD"),
        b"POST" if asks_only(&Method::POST, request.uri().path()) => Some("POST"),
        _ => None,
    };
    if let Some(methods) = methods {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, if-none-match, x-meilisearch-client, x-request-id",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    Some(response)
}

/// Questions that are too long for an address, and what is only counted: pages of any origin may send them.
fn asks_only(method: &Method, path: &str) -> bool {
    const QUESTIONS: [&str; 4] = ["/v1/search", "/v1/match", "/v1/applicability", "/v1/clicks"];
    (*method == Method::POST && QUESTIONS.contains(&path)) || meilisearch::asks_only(method, path)
}

/// A label for metrics and the log: methods that callers invent must not make new series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_ids_that_are_fit_for_a_log() {
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(&REQUEST_ID, value.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(id("abc-1.2_3"), "abc-1.2_3");
        for bad in ["", "a b", "{\"x\":1}", &"a".repeat(65)] {
            let given = id(bad);
            assert_eq!(given.len(), 16);
            assert_ne!(given, bad);
        }
    }
}
