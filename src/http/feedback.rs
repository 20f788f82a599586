//! `/v1/feedback`: what people made of the records that they were shown.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{AppState, Code, Problem, auth, input, search};
use crate::record::validate::Violation;
use crate::service::feedback::{Action, Feedback};
use crate::service::keys::Role;

/// Says what was made of a record of a list.
///
/// An owner has one opinion about a pair: the last one. It changes no ranking.
#[utoipa::path(post, path = "/v1/feedback", tag = "feedback")]
pub async fn post_feedback(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let Some(key) = auth::principal(&state, &headers).await?.key else {
        return Err(Problem::plain(Code::Unauthorized));
    };
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let object = input::json_object(&bytes)?;
    let feedback: Feedback = serde_json::from_value(object.into()).map_err(|error| {
        Problem::of(
            Code::InvalidFeedback,
            vec![Violation {
                pointer: String::new(),
                code: "wrong_type",
                expected: "from, item (each with kind and id), action, list, and reason or rank"
                    .into(),
                found: error.to_string().chars().take(200).collect(),
            }],
        )
    })?;
    if key.role == Role::Widget && feedback.action != Action::Click {
        return Err(Problem::new(
            Code::Forbidden,
            "expected a key of any role but widget, whose pages tell of clicks alone; found a widget's",
        ));
    }
    let app = state.app.clone();
    let kept = state.writes.run(move || {
        let now = app.clock.now();
        app.feedback.put(feedback, key.owner(), &now)
    });
    let kept = kept.await??.map_err(|wrong| Problem::of(Code::InvalidFeedback, wrong))?;
    let body = serde_json::to_vec(&kept).expect("feedback has only string keys");
    Ok((StatusCode::CREATED, search::json(body)).into_response())
}

/// Lists everything that was said, a line each; for reviewers, operators, auditors and administrators.
#[utoipa::path(get, path = "/v1/feedback", tag = "feedback")]
pub async fn list_feedback(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    auth::reader(&state, &headers).await?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let lines = state.searches.run(move || {
        let mut lines = Vec::new();
        app.feedback.each(|kept| {
            lines.extend(serde_json::to_vec(&kept).expect("feedback has only string keys"));
            lines.push(b'\n');
        })?;
        Ok::<_, crate::store::StoreError>(lines)
    });
    Ok(document(lines.await??, "application/x-ndjson"))
}

/// Judgements of pairs of two kinds, as `kechuang evaluate --task match --judgements FILE` reads them.
#[utoipa::path(get, path = "/v1/feedback/judgements", tag = "feedback", params(
    ("from" = String, Query, description = "Kind of the records that lists were made for"),
    ("to" = String, Query, description = "Kind of the records in the lists"),
))]
pub async fn list_judgements(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    auth::reader(&state, &headers).await?;
    let (mut from, mut to) = (None, None);
    for (name, value) in input::query_pairs(&uri)? {
        match name.as_str() {
            "from" => from = Some(value),
            "to" => to = Some(value),
            _ => {
                let violation = input::unknown_parameter(&name, &["from", "to"]);
                return Err(Problem::of(Code::UnknownParameter, vec![violation]));
            }
        }
    }
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Problem::new(
            Code::BadParameter,
            "expected from=KIND and to=KIND; found one or none",
        ));
    };
    let app = state.app.clone();
    let lines = state.searches.run(move || app.feedback.judgements(&from, &to)).await??;
    Ok(document(lines.into_bytes(), "text/tab-separated-values; charset=utf-8"))
}

fn document(body: Vec<u8>, media: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
