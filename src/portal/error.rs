//! Pages for what did not work.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::page;
use super::visitor::{Frame, Visitor};
use crate::engine::EngineError;
use crate::http::PoolError;
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::service::search::SearchError;
use crate::store::StoreError;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    NotFound,
    Bad(Vec<Violation>),
    /// Whoever looks may not do it, or not in this way.
    Refused {
        heading: &'static str,
        text: &'static str,
    },
    /// Ours; the cause is in the log.
    Internal,
    /// It may work in a moment.
    Unavailable,
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Bad(BadRequest { violations, .. }) => Failure::Bad(violations),
            SearchError::Engine(EngineError::Unavailable(cause)) => {
                tracing::error!(%cause, "a page could not be made");
                Failure::Unavailable
            }
            SearchError::Store(error) => error.into(),
            error => internal(&error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        internal(&error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Overloaded => Failure::Unavailable,
            PoolError::Panicked => Failure::Internal,
        }
    }
}

fn internal(cause: &dyn std::fmt::Display) -> Failure {
    tracing::error!(%cause, "a page could not be made");
    Failure::Internal
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    heading: &'static str,
    text: &'static str,
    violations: Vec<Wrong>,
    all: String,
}

/// One thing in the address that is wrong.
struct Wrong {
    parameter: String,
    expected: String,
    found: String,
}

impl Failure {
    pub fn page(self, visitor: &Visitor) -> Response {
        let t = visitor.texts();
        let (status, heading, text) = match self {
            Failure::NotFound => (StatusCode::NOT_FOUND, t.not_found, t.not_found_text),
            Failure::Bad(_) => (StatusCode::BAD_REQUEST, t.bad_request, t.bad_request_text),
            Failure::Refused { heading, text } => (StatusCode::FORBIDDEN, heading, text),
            Failure::Internal => (StatusCode::INTERNAL_SERVER_ERROR, t.internal, t.internal_text),
            Failure::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, t.unavailable, t.unavailable_text)
            }
        };
        let violations = match self {
            Failure::Bad(violations) => violations,
            _ => Vec::new(),
        };
        let mut response = error_page(visitor, status, heading, text, violations);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

pub fn error_page(
    visitor: &Visitor,
    status: StatusCode,
    heading: &'static str,
    text: &'static str,
    violations: Vec<Violation>,
) -> Response {
    let mut frame = visitor.frame(heading);
    frame.indexed = false;
    let typed = visitor.pairs.iter().find(|(name, _)| name == "q");
    frame.q = typed.map(|(_, q)| q.chars().take(512).collect()).unwrap_or_default();
    let violations = violations.into_iter().map(|violation| Wrong {
        parameter: violation.pointer.trim_start_matches('/').to_owned(),
        expected: violation.expected,
        found: violation.found,
    });
    let template = ErrorPage {
        frame,
        heading,
        text,
        violations: violations.collect(),
        all: visitor.anywhere().href(),
    };
    page(status, &template)
}

/// Answers for every path that is no page.
pub async fn not_found(visitor: Visitor) -> Response {
    not_found_page(&visitor)
}

pub fn not_found_page(visitor: &Visitor) -> Response {
    Failure::NotFound.page(visitor)
}

pub async fn method_not_allowed(visitor: Visitor) -> Response {
    let t = visitor.texts();
    let (heading, text) = (t.method_not_allowed, t.method_not_allowed_text);
    error_page(&visitor, StatusCode::METHOD_NOT_ALLOWED, heading, text, Vec::new())
}
