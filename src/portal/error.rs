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

/// Seconds after which something that was too much may work.
const RETRY: &str = "5";
/// Characters of an address that are offered as a search.
const MAX_SLUG: usize = 60;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    NotFound,
    /// It was here and was withdrawn.
    Gone,
    /// More than is taken at once from people without a key.
    TooMany,
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
    /// The index does not hold everything yet.
    Filling,
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Bad(BadRequest { violations, .. }) => Failure::Bad(violations),
            SearchError::Engine(EngineError::Filling) => Failure::Filling,
            SearchError::Engine(cause @ (EngineError::Unavailable(_) | EngineError::Damaged)) => {
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
    /// Words of the address that may be searched, with where to.
    instead: Option<(String, String)>,
    /// What the log calls the request.
    trace: Option<String>,
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
            Failure::Gone => (StatusCode::GONE, t.gone, t.gone_text),
            Failure::TooMany => (StatusCode::TOO_MANY_REQUESTS, t.too_many, t.too_many_text),
            Failure::Bad(_) => (StatusCode::BAD_REQUEST, t.bad_request, t.bad_request_text),
            Failure::Refused { heading, text } => (StatusCode::FORBIDDEN, heading, text),
            Failure::Internal => (StatusCode::INTERNAL_SERVER_ERROR, t.internal, t.internal_text),
            Failure::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, t.unavailable, t.unavailable_text)
            }
            Failure::Filling if visitor.only_looks => {
                (StatusCode::SERVICE_UNAVAILABLE, t.filling, t.filling_text)
            }
            Failure::Filling => (StatusCode::SERVICE_UNAVAILABLE, t.filling, t.filling_send_text),
        };
        let reloads = visitor.only_looks && matches!(self, Failure::Filling);
        let violations = match self {
            Failure::Bad(violations) => violations,
            _ => Vec::new(),
        };
        let mut response = error_page(visitor, status, heading, text, violations);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY));
        }
        if reloads {
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static(RETRY));
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
    let words =
        slug(&visitor.path).filter(|_| status == StatusCode::NOT_FOUND && frame.q.is_empty());
    let instead = words.map(|words| {
        frame.q.clone_from(&words);
        let place = visitor.anywhere().with(|place| place.q.clone_from(&words));
        ((visitor.texts().search_for)(&words), place.href())
    });
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
        instead,
        trace: visitor.request_id.clone(),
        all: visitor.anywhere().href(),
    };
    page(status, &template)
}

/// The words of the last part of an address: what whoever wrote it may have meant.
fn slug(path: &str) -> Option<String> {
    let last = path.rsplit('/').find(|part| !part.is_empty())?;
    let text = percent_decode(last)?;
    let text = text.rsplit_once('.').map_or(text.as_str(), |(before, _)| before);
    let words: Vec<&str> =
        text.split(|ch: char| !ch.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let words: String = words.join(" ").chars().take(MAX_SLUG).collect();
    words.chars().any(char::is_alphabetic).then_some(words)
}

fn percent_decode(text: &str) -> Option<String> {
    let pairs = format!("x={}", text.replace('+', "%2B"));
    let (_, text) = url::form_urlencoded::parse(pairs.as_bytes()).next()?;
    (!text.contains(char::REPLACEMENT_CHARACTER)).then(|| text.into_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_nowhere_is_read_for_its_words() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(slug(path).as_deref(), expected, "{path}");
        };
        check("/zcwj/%E7%A0%94%E5%8F%91-%E8%B4%B9%E7%94%A8.html", Some("研发 费用"));
        check("/records/kind/sea-water_7/", Some("sea water 7"));
        check("/records/kind/2026", None);
        check("/%FF", None);
        check("/", None);
    }
}
