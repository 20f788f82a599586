//! Errors in the shape that Meilisearch's clients read: `message`, `code`, `type`, `link`.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::pool::PoolError;
use crate::http::{Code, Problem};
use crate::query::request::BadRequest;
use crate::service::search::SearchError;
use crate::store::StoreError;

/// Where the errors are explained.
const LINK: &str = "/developers#tag-meilisearch";

/// Why a request is not answered.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: Cow<'static, str>,
    pub class: Class,
    /// What was expected and what was found.
    pub message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The `type` of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    InvalidRequest,
    Auth,
    Internal,
    System,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    code: &'a str,
    #[serde(rename = "type")]
    class: Class,
    link: &'static str,
}

impl Refusal {
    /// A request that is wrong.
    pub fn bad(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.into(),
            class: Class::InvalidRequest,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    pub fn no_index(uid: &str, known: &[&str]) -> Self {
        let uid: String = uid.chars().take(80).collect();
        let message =
            format!("Index `{uid}` not found: expected a kind, one of {}.", known.join(", "));
        Self::nothing("index_not_found", message)
    }

    pub fn no_document(id: &str) -> Self {
        let id: String = id.chars().take(200).collect();
        Self::nothing("document_not_found", format!("Document `{id}` not found."))
    }

    /// A request for something that is not there.
    pub fn nothing(code: &'static str, message: String) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::bad(code, message) }
    }

    /// Says in which of several queries it is.
    pub fn inside(mut self, at: usize) -> Self {
        self.message = format!("Inside `.queries[{at}]`: {}", self.message);
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = problem.code.status();
        let (status, code, class) = match problem.code {
            Code::Unauthorized | Code::UnknownKey | Code::Forbidden => {
                (StatusCode::FORBIDDEN, "invalid_api_key", Class::Auth)
            }
            Code::BadJson | Code::BadBody | Code::DuplicateMember => {
                (status, "malformed_payload", Class::InvalidRequest)
            }
            Code::BodyTooLarge => (status, "payload_too_large", Class::InvalidRequest),
            Code::UnsupportedMediaType => (status, "invalid_content_type", Class::InvalidRequest),
            Code::QueryTooLong => (status, "invalid_search_q", Class::InvalidRequest),
            Code::Overloaded => (status, "too_many_search_requests", Class::System),
            Code::Internal => (status, "internal", Class::Internal),
            code if status.is_server_error() => (status, code.name(), Class::System),
            _ if status == StatusCode::BAD_REQUEST => {
                (status, "bad_request", Class::InvalidRequest)
            }
            code => (status, code.name(), Class::InvalidRequest),
        };
        Self { status, code: code.into(), class, message: problem.detail, headers: problem.headers }
    }
}

impl From<PoolError> for Refusal {
    fn from(error: PoolError) -> Self {
        Problem::from(error).into()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl From<SearchError> for Refusal {
    fn from(error: SearchError) -> Self {
        Problem::from(error).into()
    }
}

impl From<BadRequest> for Refusal {
    fn from(bad: BadRequest) -> Self {
        Problem::from(bad).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (message, code, class) = (&*self.message, &*self.code, self.class);
        let body = serde_json::to_vec(&Body { message, code, class, link: LINK })
            .expect("an error has only string keys");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
