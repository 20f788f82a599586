//! Errors as answers: `application/problem+json` (RFC 9457). The only place that makes them.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::pool::PoolError;
use crate::engine::EngineError;
use crate::query::request::BadRequest;
use crate::record::validate::Violation;
use crate::service::alerts::AlertError;
use crate::service::alerts::forward::ForwardError;
use crate::service::applicability::CheckError;
use crate::service::ingest::Rejection;
use crate::service::matches::MatchError;
use crate::service::search::SearchError;
use crate::store::StoreError;

pub const CONTENT_TYPE: &str = "application/problem+json";

/// Declares the codes: their name in the API, status, title and meaning.
macro_rules! codes {
    ($($variant:ident $name:literal $status:ident $title:literal $meaning:literal;)*) => {
        /// What is wrong, for programs. Every code of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($variant),* }

        impl Code {
            /// In the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status),* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }

            /// What it means and what to do, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning),* }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" BAD_REQUEST "The request cannot be read" "What came is no request of HTTP/1.1.";
    BadPath "bad_path" BAD_REQUEST "The path cannot be read" "A part of the path is not UTF-8 or holds a control character.";
    BadParameter "bad_parameter" BAD_REQUEST "A query parameter cannot be read" "A parameter is not UTF-8, holds a NUL character, has the wrong type or is given twice.";
    UnknownParameter "unknown_parameter" BAD_REQUEST "Unknown parameter" "The call has no parameter of that name; the answer lists those it has.";
    BadHeader "bad_header" BAD_REQUEST "A header cannot be read" "A header of the request has a form that the call does not take.";
    BadJson "bad_json" BAD_REQUEST "The body is not JSON" "The body is not JSON in UTF-8; the answer names line and column.";
    DuplicateMember "duplicate_member" BAD_REQUEST "A member is given twice" "An object of the body names a member more than once; the violation points to it.";
    BadBody "bad_body" BAD_REQUEST "The body has the wrong shape" "The body is JSON, but not of the shape that the call takes.";
    UnknownKind "unknown_kind" BAD_REQUEST "Unknown kind" "No record kind of that name is declared; see /v1/kinds.";
    NoPair "no_pair" BAD_REQUEST "The kinds are not matched" "No rule of matching.toml leads from the one kind to the other; the answer lists those there are.";
    UnknownFacet "unknown_facet" BAD_REQUEST "Unknown facet" "No field of that name has a facet; see /v1/kinds.";
    UnknownSort "unknown_sort" BAD_REQUEST "Unknown sort" "No field of that name can be sorted by; see /v1/kinds.";
    BadSort "bad_sort" BAD_REQUEST "The sort cannot be read" "A sort is FIELD:asc, FIELD:desc, relevance or newest.";
    BadSelect "bad_select" BAD_REQUEST "The selection cannot be read" "A selection is FIELD:VALUE.";
    BadFilter "bad_filter" BAD_REQUEST "The filter cannot be read" "The filter expression is wrong; the answer names the character, counted from 0.";
    BadLimit "bad_limit" BAD_REQUEST "The limit is out of range" "The limit is a whole number from 1 to 100.";
    OffsetTooDeep "offset_too_deep" BAD_REQUEST "The offset is out of range" "The offset is a whole number up to 1,000; go deeper with the cursor.";
    BadCursor "bad_cursor" BAD_REQUEST "The cursor does not fit" "The cursor is not one of ours, or belongs to another request.";
    CursorExpired "cursor_expired" BAD_REQUEST "The cursor has expired" "Begin again from the first page.";
    QueryTooLong "query_too_long" BAD_REQUEST "The query is too long" "A query has up to 512 characters.";
    TooManyFacets "too_many_facets" BAD_REQUEST "Too many facets" "Ask for fewer facets in one request.";
    TooManySelected "too_many_selected" BAD_REQUEST "Too many selections" "Select fewer values in one request.";
    BadId "bad_id" BAD_REQUEST "The id cannot be used" "An id has up to 128 letters, digits and . _ : - and does not begin with a dot.";
    Unauthorized "unauthorized" UNAUTHORIZED "A key is needed" "The call needs Authorization: Bearer KEY.";
    UnknownKey "unknown_key" UNAUTHORIZED "The key is not valid" "The key is unknown or was revoked.";
    Forbidden "forbidden" FORBIDDEN "The key does not allow this" "The key's role or owner does not allow the call.";
    NotFound "not_found" NOT_FOUND "Not found" "There is nothing at this path, or nothing that the caller may see.";
    KindNotFound "kind_not_found" NOT_FOUND "There is no such kind" "No record kind of that name is declared; see /v1/kinds.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "The method is not allowed" "The path exists, but not for this method; the header Allow names those it has.";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT "The request came too slowly" "The body did not arrive in time.";
    AlreadyExists "already_exists" CONFLICT "The record exists" "A record of that id exists; PUT changes it.";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED "The precondition does not hold" "The record is not at the revision of If-Match, or exists in spite of If-None-Match: *; read it again.";
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "The body is too large" "A body has up to 1 MiB; POST /v1/bulk takes up to 64 MiB, and up to 1 MiB a line.";
    UriTooLong "uri_too_long" URI_TOO_LONG "The URL is too long" "A URL has up to 64 KiB; send what is longer with POST.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The content type is not supported" "JSON calls take application/json, POST /v1/bulk takes application/x-ndjson.";
    InvalidRecord "invalid_record" UNPROCESSABLE_ENTITY "The record is not valid" "The violations name every place that is wrong, what was expected and what was found.";
    InvalidSubscription "invalid_subscription" UNPROCESSABLE_ENTITY "The subscription is not valid" "The violations name every place that is wrong, what was expected and what was found.";
    BadProfile "bad_profile" UNPROCESSABLE_ENTITY "The profile cannot be read" "An attribute is not known, or its value is of another type; see /v1/attributes.";
    InvalidFeedback "invalid_feedback" UNPROCESSABLE_ENTITY "The feedback is not valid" "The violations name every place that is wrong, what was expected and what was found.";
    KeyReused "idempotency_key_reused" UNPROCESSABLE_ENTITY "The idempotency key was used before" "The Idempotency-Key belongs to another body; use a new one.";
    HeadersTooLarge "headers_too_large" REQUEST_HEADER_FIELDS_TOO_LARGE "The headers are too large" "Send fewer or shorter headers.";
    Internal "internal" INTERNAL_SERVER_ERROR "Something went wrong" "The fault is ours and is in the log under the request id.";
    Overloaded "overloaded" SERVICE_UNAVAILABLE "Too much to do" "Too many requests are waiting; try again after a second.";
    TimedOut "timed_out" SERVICE_UNAVAILABLE "It took too long" "The answer was not ready in time; try again.";
    NotReady "not_ready" SERVICE_UNAVAILABLE "Not ready" "The index does not hold everything yet, or the server is stopping; records can be read by id and written all the same.";
    WritesStopped "writes_stopped" SERVICE_UNAVAILABLE "Writing has stopped" "The disk refused a write; nothing can be written until the server is started again.";
    Unavailable "unavailable" SERVICE_UNAVAILABLE "Not available" "The index cannot be read at the moment; try again.";
}

impl Code {
    /// The code of that name, if it is one of the API's.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// An error as the caller sees it.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    /// What was expected and what was found.
    pub detail: String,
    pub violations: Vec<Violation>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The members of a problem, as they are sent.
#[derive(Serialize)]
pub struct ProblemBody<'a> {
    #[serde(rename = "type")]
    pub problem_type: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: &'a str,
    pub code: &'static str,
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    pub violations: &'a [Violation],
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), violations: Vec::new(), headers: Vec::new() }
    }

    /// A problem with the code's own meaning as its detail.
    pub fn plain(code: Code) -> Self {
        let problem = Self::new(code, code.meaning());
        match code {
            Code::Overloaded => problem.with(header::RETRY_AFTER, "1"),
            Code::NotReady | Code::Unavailable | Code::TimedOut => {
                problem.with(header::RETRY_AFTER, "2")
            }
            _ => problem,
        }
    }

    /// A problem of which every place that is wrong is known; the detail says the first one in words.
    pub fn of(code: Code, violations: Vec<Violation>) -> Self {
        let detail = match violations.as_slice() {
            [] => code.meaning().to_owned(),
            [only] => say(only),
            [first, rest @ ..] => format!("{} ({} more in `violations`)", say(first), rest.len()),
        };
        Self { code, detail, violations, headers: Vec::new() }
    }

    /// A fault of ours: fixed text for the caller, the cause once in the log, under the request's span.
    pub fn fault(code: Code, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(code = code.name(), %cause, "a request failed");
        Self::plain(code)
    }

    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub fn body(&self) -> ProblemBody<'_> {
        ProblemBody {
            problem_type: type_of(self.code),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.name(),
            violations: &self.violations,
        }
    }
}

/// The `type` of a code: where it is explained.
pub fn type_of(code: Code) -> String {
    format!("/developers#{}", code.name())
}

fn say(violation: &Violation) -> String {
    let place = violation.pointer.trim_start_matches('/');
    // A filter's place is within the text.
    let within = violation.expected.strip_prefix("at character ");
    let (place, expected) = match within.and_then(|within| within.split_once(": ")) {
        Some((position, expected)) => (format!("{place}, at character {position}: "), expected),
        None if place.is_empty() => (String::new(), &*violation.expected),
        None => (format!("{place}: "), &*violation.expected),
    };
    format!("{place}expected {expected}; found {}", violation.found)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).expect("a problem has only string keys");
        let mut response = (self.code.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.code.status() == StatusCode::UNAUTHORIZED {
            let challenge = match self.code {
                Code::UnknownKey => "Bearer realm=\"kechuang\", error=\"invalid_token\"",
                _ => "Bearer realm=\"kechuang\"",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Overloaded => Problem::plain(Code::Overloaded),
            PoolError::Panicked => Problem::fault(Code::Internal, &error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Problem::plain(Code::Overloaded),
            StoreError::Stopped(_) => Problem::fault(Code::WritesStopped, &error),
            StoreError::InUse(_)
            | StoreError::Foreign(_)
            | StoreError::Corrupt(_)
            | StoreError::Io { .. } => Problem::fault(Code::Internal, &error),
        }
    }
}

impl From<BadRequest> for Problem {
    fn from(bad: BadRequest) -> Self {
        Problem::of(Code::named(bad.code).unwrap_or(Code::BadParameter), bad.violations)
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Bad(bad) => bad.into(),
            SearchError::Store(error) => error.into(),
            SearchError::Engine(EngineError::Expired) => Problem::plain(Code::CursorExpired),
            SearchError::Engine(EngineError::Unsupported(detail)) => {
                Problem::new(Code::BadParameter, detail)
            }
            SearchError::Engine(EngineError::Filling) => Problem::plain(Code::NotReady),
            SearchError::Engine(error @ (EngineError::Unavailable(_) | EngineError::Damaged)) => {
                Problem::fault(Code::Unavailable, &error)
            }
        }
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Store(error) | AlertError::Forward(ForwardError::Store(error)) => {
                error.into()
            }
            AlertError::Forward(ForwardError::Search(error)) => error.into(),
            AlertError::Forward(ForwardError::Match(MatchError::Engine(error))) => {
                SearchError::from(error).into()
            }
            AlertError::Forward(ForwardError::Match(MatchError::Store(error))) => error.into(),
            // What the subscriber asked for is gone or never was.
            AlertError::Forward(ForwardError::Match(_)) => Problem::plain(Code::NotFound),
            AlertError::Forward(ForwardError::Engine(error)) => SearchError::from(error).into(),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Bad(bad) => bad.into(),
            CheckError::Profile(violations) => Problem::of(Code::BadProfile, violations),
            CheckError::Store(error) => error.into(),
            CheckError::Engine(error) => SearchError::Engine(error).into(),
        }
    }
}

impl From<MatchError> for Problem {
    fn from(error: MatchError) -> Self {
        let kinds = |expected: &str, known: &[String], found: &str| {
            let found: String = found.chars().take(80).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            format!("expected {expected} {known}; found `{found}`")
        };
        match error {
            MatchError::NotFound(id) => {
                let id: String = id.to_string().chars().take(200).collect();
                let detail = format!("expected a published record; found none at {id}");
                Problem::new(Code::NotFound, detail)
            }
            MatchError::UnknownKind { found, known } => {
                Problem::new(Code::UnknownKind, kinds("one of", &known, &found))
            }
            MatchError::NoPair { from, to, known } => {
                let expected = format!("a kind that `{from}` is matched with, one of");
                Problem::new(Code::NoPair, kinds(&expected, &known, &to))
            }
            MatchError::Invalid(violations) => Problem::of(Code::InvalidRecord, violations),
            MatchError::Profile(violations) => Problem::of(Code::BadProfile, violations),
            MatchError::Store(error) => error.into(),
            MatchError::Engine(error) => SearchError::from(error).into(),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::UnknownKind { found, known } => Problem::new(
                Code::KindNotFound,
                format!("expected one of {known}; found `{found}`"),
            ),
            Rejection::BadId { found } => Problem::new(
                Code::BadId,
                format!(
                    "expected 1 to 128 letters, digits and . _ : - without a dot in front; found `{found}`"
                ),
            ),
            Rejection::Invalid(violations) => Problem::of(Code::InvalidRecord, violations),
            Rejection::Precondition { found } => {
                let found = match found {
                    Some(revision) => format!("the record at revision \"{revision}\""),
                    None => "no such record, or one that others are writing".into(),
                };
                Problem::new(
                    Code::PreconditionFailed,
                    format!("expected what If-Match or If-None-Match says; found {found}"),
                )
            }
            Rejection::Forbidden { detail } => Problem::new(
                Code::Forbidden,
                format!("expected {detail}; found a key that does not allow it"),
            ),
            Rejection::NotFound => Problem::plain(Code::NotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::named(code.name()), Some(*code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.meaning().ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn says_what_was_expected_and_found() {
        let violation = |pointer: &str| Violation {
            pointer: pointer.into(),
            code: "bad_date",
            expected: "a date as YYYY-MM-DD".into(),
            found: "\"soon\"".into(),
        };
        let one = Problem::of(Code::InvalidRecord, vec![violation("/windows/0/closes")]);
        assert_eq!(one.detail, "windows/0/closes: expected a date as YYYY-MM-DD; found \"soon\"");
        let filter = Violation { expected: "at character 3: `]`".into(), ..violation("/filter") };
        let filter = Problem::of(Code::BadFilter, vec![filter]);
        assert_eq!(filter.detail, "filter, at character 3: expected `]`; found \"soon\"");
        let two = Problem::of(Code::InvalidRecord, vec![violation(""), violation("/x")]);
        assert_eq!(
            two.detail,
            "expected a date as YYYY-MM-DD; found \"soon\" (1 more in `violations`)"
        );
    }
}
