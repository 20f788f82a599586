//! `/v1/subscriptions/…`: what a key's owner wants to hear about, and `/v1/feeds/…`, where it can be read without a key.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{AppState, Code, Problem, auth, input, search};
use crate::record::Fields;
use crate::record::validate::Violation;
use crate::service::alerts::subscription::{Event, Subscription, Target};
use crate::service::alerts::{AlertError, Replay, SubscriptionDraft, feed};
use crate::service::keys::{Key, Role};

/// Members of a subscription.
const MEMBERS: [&str; 9] =
    ["search", "record", "profile", "profile_id", "to", "title", "first", "events", "webhook"];
/// Members of a saved search: what decides which records there are, and their order.
const SEARCH: [&str; 7] = ["q", "in", "kind", "filter", "select", "sort", "raw"];
/// Alerts of one page.
const MAX_LIMIT: usize = 100;

type IdPath = Result<Path<String>, PathRejection>;

/// Subscribes the owner of the key.
///
/// What stands among the first now is no news. The webhook's secret is said only here.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions")]
pub async fn post_subscription(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let key = subscriber(&state, &headers).await?;
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let draft = draft(input::json_object(&bytes)?)?;
    let app = state.app.clone();
    let created = state
        .writes
        .run(move || {
            let (now, today) = (app.clock.now(), app.clock.today());
            app.alerts.create(draft, key.owner(), &now, today)
        })
        .await??;
    let created = created.map_err(|wrong| Problem::of(Code::InvalidSubscription, wrong))?;
    let mut body = describe(&state, &created);
    if let Some(webhook) = &created.webhook {
        body["webhook"]["secret"] = json!(webhook.secret);
    }
    let mut response = (StatusCode::CREATED, answer(&body)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/subscriptions/{}", created.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Lists the subscriptions of the key's owner.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions")]
pub async fn list_subscriptions(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let key = subscriber(&state, &headers).await?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let found = state.searches.run(move || app.alerts.list(key.owner())).await??;
    let items: Vec<Value> = found.iter().map(|found| describe(&state, found)).collect();
    Ok(answer(&json!({ "items": items })))
}

/// Reads a subscription of the key's owner.
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "subscriptions", params(
    ("id" = String, Path, description = "The subscription's id"),
))]
pub async fn get_subscription(
    State(state): State<AppState>,
    path: IdPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = owned(&state, path, &headers).await?;
    input::no_parameters(&uri)?;
    Ok(answer(&describe(&state, &found)))
}

/// Ends a subscription, with its alerts and what was still to be sent.
#[utoipa::path(delete, path = "/v1/subscriptions/{id}", tag = "subscriptions", params(
    ("id" = String, Path, description = "The subscription's id"),
))]
pub async fn delete_subscription(
    State(state): State<AppState>,
    path: IdPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = owned(&state, path, &headers).await?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    state.writes.run(move || app.alerts.delete(&found.owner, &found.id)).await??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Lists the alerts of a subscription, newest first.
#[utoipa::path(get, path = "/v1/subscriptions/{id}/alerts", tag = "subscriptions", params(
    ("id" = String, Path, description = "The subscription's id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 by default"),
    ("offset" = Option<u32>, Query, maximum = 1000, description = "0 by default"),
))]
pub async fn list_alerts(
    State(state): State<AppState>,
    path: IdPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = owned(&state, path, &headers).await?;
    let (limit, offset) = page(&uri)?;
    let app = state.app.clone();
    let alerts = state.searches.run(move || app.alerts.alerts(&found.id)).await??;
    let items: Vec<_> = alerts.iter().skip(offset).take(limit).collect();
    Ok(answer(&json!({ "items": items, "total": alerts.len() })))
}

/// Lists the alerts that could not be sent to the webhook.
#[utoipa::path(get, path = "/v1/subscriptions/{id}/dead-letters", tag = "subscriptions", params(
    ("id" = String, Path, description = "The subscription's id"),
))]
pub async fn list_dead_letters(
    State(state): State<AppState>,
    path: IdPath,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = owned(&state, path, &headers).await?;
    input::no_parameters(&uri)?;
    let app = state.app.clone();
    let letters = state.searches.run(move || app.alerts.dead_letters(&found.id)).await??;
    let items: Vec<Value> = letters
        .iter()
        .map(|letter| {
            json!({
                "alert": letter.alert, "attempts": letter.attempts, "error": letter.error,
                "given_up_at": letter.at,
            })
        })
        .collect();
    Ok(answer(&json!({ "items": items })))
}

/// Sends alerts to the webhook again: those that were given up, or those since an instant.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/replay", tag = "subscriptions", params(
    ("id" = String, Path, description = "The subscription's id"),
))]
pub async fn replay_alerts(
    State(state): State<AppState>,
    path: IdPath,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let found = owned(&state, path, &headers).await?;
    input::no_parameters(&uri)?;
    input::media_type(&headers, &["application/json"])?;
    let bytes = input::body(&state, &headers, body, state.limits.body_bytes).await?;
    let which = which(&input::json_object(&bytes)?)?;
    if found.webhook.is_none() {
        return Err(Problem::of(
            Code::InvalidSubscription,
            vec![violation("/webhook", "required", "a subscription with a webhook", "none")],
        ));
    }
    let app = state.app.clone();
    let queued = state.writes.run(move || app.alerts.replay(found, which)).await??;
    Ok((StatusCode::ACCEPTED, answer(&json!({ "queued": queued }))).into_response())
}

/// Alerts as an Atom feed.
#[utoipa::path(get, path = "/v1/feeds/{token}/alerts.atom", tag = "subscriptions", params(
    ("token" = String, Path, description = "From `feed_url` of the subscription"),
))]
pub async fn get_feed(
    State(state): State<AppState>,
    path: IdPath,
    uri: Uri,
) -> Result<Response, Problem> {
    let token = input::path(path)?;
    input::no_parameters(&uri)?;
    let own = format!("{}{}", state.base, uri.path());
    let (app, site) = (state.app.clone(), state.base.clone());
    let text = state.searches.run(move || {
        let Some(found) = app.alerts.by_token(&token)? else { return Ok(None) };
        let alerts = app.alerts.alerts(&found.id)?;
        Ok::<_, AlertError>(Some(feed::atom(&found, &alerts, &site, &own)))
    });
    document(text.await??, "application/atom+xml; charset=utf-8")
}

/// Dates of the records in the list, as a calendar.
#[utoipa::path(get, path = "/v1/feeds/{token}/deadlines.ics", tag = "subscriptions", params(
    ("token" = String, Path, description = "From `calendar_url` of the subscription"),
))]
pub async fn get_calendar(
    State(state): State<AppState>,
    path: IdPath,
    uri: Uri,
) -> Result<Response, Problem> {
    let token = input::path(path)?;
    input::no_parameters(&uri)?;
    let (app, site) = (state.app.clone(), state.base.clone());
    let text = state.searches.run(move || {
        let Some(found) = app.alerts.by_token(&token)? else { return Ok(None) };
        let dates = app.alerts.dates(&found, app.clock.today())?;
        Ok::<_, AlertError>(Some(feed::calendar(&found, &dates, &site)))
    });
    document(text.await??, "text/calendar; charset=utf-8")
}

fn document(text: Option<String>, media: &'static str) -> Result<Response, Problem> {
    let text = text.ok_or_else(|| Problem::plain(Code::NotFound))?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    Ok(response)
}

/// The key of a request about subscriptions: any but one that stands in the source of a page.
async fn subscriber(state: &AppState, headers: &HeaderMap) -> Result<Arc<Key>, Problem> {
    let Some(key) = auth::principal(state, headers).await?.key else {
        return Err(Problem::new(
            Code::Unauthorized,
            "expected Authorization: Bearer KEY; found no key. Subscriptions belong to the owner of a key",
        ));
    };
    match key.role {
        Role::Widget => Err(Problem::new(
            Code::Forbidden,
            "expected a key of any role but widget; found a widget's",
        )),
        _ => Ok(key),
    }
}

/// The subscription that the path names; one of another owner is not there.
async fn owned(
    state: &AppState,
    path: IdPath,
    headers: &HeaderMap,
) -> Result<Subscription, Problem> {
    let key = subscriber(state, headers).await?;
    let id = input::path(path)?;
    let app = state.app.clone();
    let found = state.searches.run(move || app.alerts.get(key.owner(), &id)).await??;
    found.ok_or_else(|| {
        Problem::new(Code::NotFound, "expected a subscription of the key's owner; found none")
    })
}

fn describe(state: &AppState, subscription: &Subscription) -> Value {
    let token = state.app.alerts.token(&subscription.id);
    let webhook = subscription
        .webhook
        .as_ref()
        .map(|webhook| json!({ "url": webhook.url, "stopped": webhook.stopped }));
    let mut described = json!({
        "id": subscription.id,
        "title": subscription.title,
        "first": subscription.first,
        "events": subscription.events,
        "webhook": webhook,
        "created_at": subscription.created_at,
        "feed_url": format!("{}/v1/feeds/{token}/alerts.atom", state.base),
        "calendar_url": format!("{}/v1/feeds/{token}/deadlines.ics", state.base),
    });
    match &subscription.target {
        Target::Search(request) => {
            let whole = serde_json::to_value(request).unwrap_or_default();
            let members = whole.as_object().into_iter().flatten();
            described["search"] = members
                .filter(|(name, value)| SEARCH.contains(&name.as_str()) && !is_blank(value))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<Map<_, _>>()
                .into();
        }
        Target::Record { kind, id, to } => {
            described["record"] = json!({ "kind": kind, "id": id });
            described["to"] = json!(to);
        }
        Target::Profile { profile, to } => {
            described["profile"] = json!(profile);
            described["to"] = json!(to);
        }
        Target::Verdicts { profile_id, to } => {
            described["profile_id"] = json!(profile_id);
            described["to"] = json!(to);
            if let Some(members) = described.as_object_mut() {
                members.remove("first");
            }
        }
    }
    described
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn answer(body: &Value) -> Response {
    let mut response = search::json(body.to_string().into_bytes());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn draft(mut body: Fields) -> Result<SubscriptionDraft, Problem> {
    let mut wrong = unknown(&body, "", &MEMBERS);
    body.retain(|_, value| !value.is_null());
    let (search, record, profile) =
        (body.remove("search"), body.remove("record"), body.remove("profile"));
    let (profile_id, to) = (body.remove("profile_id"), body.remove("to"));
    if profile_id.is_some() && body.contains_key("first") {
        wrong.push(violation(
            "/first",
            "unknown_field",
            "nothing: verdicts have no order",
            "first",
        ));
    }
    if search.is_some() && to.is_some() {
        wrong.push(violation("/to", "unknown_field", "`kind` within `search`", "to"));
    }
    let target = match (search, record, profile, profile_id) {
        (None, None, None, Some(profile_id)) => {
            let profile_id = text(Some(profile_id), "/profile_id", &mut wrong);
            let to = to.map(|to| text(Some(to), "/to", &mut wrong));
            profile_id.map(|profile_id| Target::Verdicts { profile_id, to: to.flatten() })
        }
        (None, Some(Value::Object(mut members)), None, None) => {
            wrong.extend(unknown(&members, "/record", &["kind", "id"]));
            let kind = text(members.remove("kind"), "/record/kind", &mut wrong);
            let id = text(members.remove("id"), "/record/id", &mut wrong);
            match (kind, id, text(to, "/to", &mut wrong)) {
                (Some(kind), Some(id), Some(to)) => Some(Target::Record { kind, id, to }),
                _ => None,
            }
        }
        (None, None, Some(Value::Object(profile)), None) => {
            text(to, "/to", &mut wrong).map(|to| Target::Profile { profile, to })
        }
        (Some(Value::Object(members)), None, None, None) => {
            wrong.extend(unknown(&members, "/search", &SEARCH));
            let known: Fields =
                members.into_iter().filter(|(name, _)| SEARCH.contains(&name.as_str())).collect();
            let request = search::from_object(known).map_err(within_search)?;
            Some(Target::Search(Box::new(request)))
        }
        _ => {
            let message = "one of `search`, `record` and `profile`, an object, or `profile_id`";
            wrong.push(violation("/search", "required", message, "none, several or no object"));
            None
        }
    };
    let title = match body.remove("title") {
        None | Some(Value::Null) => None,
        Some(Value::String(title)) if !title.trim().is_empty() => Some(title.trim().to_owned()),
        found => {
            wrong.push(expected("/title", "a text", found));
            None
        }
    };
    let first = match body.remove("first") {
        None | Some(Value::Null) => None,
        Some(found) => {
            let first = found.as_u64().and_then(|first| usize::try_from(first).ok());
            if first.is_none() {
                wrong.push(expected("/first", "a whole number from 1 to 100", Some(found)));
            }
            first
        }
    };
    let events = match body.remove("events") {
        None | Some(Value::Null) => Vec::new(),
        Some(found) => {
            let names = Event::ALL.map(Event::name).join(", ");
            serde_json::from_value(found.clone()).unwrap_or_else(|_| {
                let message = format!("an array of {names}");
                wrong.push(expected("/events", &message, Some(found)));
                Vec::new()
            })
        }
    };
    let webhook = match body.remove("webhook") {
        None | Some(Value::Null) => None,
        Some(Value::Object(mut members)) => {
            wrong.extend(unknown(&members, "/webhook", &["url"]));
            match members.remove("url") {
                Some(Value::String(url)) => Some(url),
                found => {
                    wrong.push(expected("/webhook/url", "a URL", found));
                    None
                }
            }
        }
        found => {
            wrong.push(expected("/webhook", "an object with `url`", found));
            None
        }
    };
    match target {
        Some(target) if wrong.is_empty() => {
            Ok(SubscriptionDraft { title, target, first, events, webhook })
        }
        _ => Err(Problem::of(Code::InvalidSubscription, wrong)),
    }
}

/// Says where in the body a member of the search is.
fn within_search(mut problem: Problem) -> Problem {
    for violation in &mut problem.violations {
        violation.pointer.insert_str(0, "/search");
    }
    Problem::of(Code::InvalidSubscription, problem.violations)
}

fn which(body: &Fields) -> Result<Replay, Problem> {
    let mut wrong = unknown(body, "", &["dead", "since"]);
    let which = match (body.get("dead"), body.get("since")) {
        (Some(Value::Bool(true)), None) => Some(Replay::Dead),
        (None, Some(Value::String(since))) => match since.parse() {
            Ok(since) => Some(Replay::Since(since)),
            Err(_) => {
                let message = "an instant such as 2026-11-23T08:00:00Z";
                wrong.push(violation("/since", "bad_date", message, since));
                None
            }
        },
        _ => {
            wrong.push(violation("", "required", "`dead`: true, or `since`", "neither, or both"));
            None
        }
    };
    which.filter(|_| wrong.is_empty()).ok_or_else(|| Problem::of(Code::InvalidSubscription, wrong))
}

fn page(uri: &Uri) -> Result<(usize, usize), Problem> {
    let (mut limit, mut offset) = (20, 0);
    for (name, value) in input::query_pairs(uri)? {
        let number = value.parse::<usize>();
        let bad = |code: Code, expected: &str| {
            let pointer = format!("/{name}");
            Problem::of(code, vec![violation(&pointer, code.name(), expected, &value)])
        };
        match (name.as_str(), number) {
            ("limit", Ok(number)) if (1..=MAX_LIMIT).contains(&number) => limit = number,
            ("limit", _) => return Err(bad(Code::BadLimit, "a whole number from 1 to 100")),
            ("offset", Ok(number)) if number <= 1_000 => offset = number,
            ("offset", _) => {
                return Err(bad(Code::OffsetTooDeep, "a whole number from 0 to 1000"));
            }
            _ => {
                let violation = input::unknown_parameter(&name, &["limit", "offset"]);
                return Err(Problem::of(Code::UnknownParameter, vec![violation]));
            }
        }
    }
    Ok((limit, offset))
}

fn text(found: Option<Value>, pointer: &str, wrong: &mut Vec<Violation>) -> Option<String> {
    match found {
        Some(Value::String(text)) => Some(text),
        found => {
            wrong.push(expected(pointer, "a text", found));
            None
        }
    }
}

fn unknown(members: &Fields, place: &str, known: &[&str]) -> Vec<Violation> {
    members
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| Violation {
            pointer: format!("{place}/{}", name.chars().take(80).collect::<String>()),
            code: "unknown_field",
            expected: format!("one of {}", known.join(", ")),
            found: name.chars().take(80).collect(),
        })
        .collect()
}

fn expected(pointer: &str, expected: &str, found: Option<Value>) -> Violation {
    match found {
        None => violation(pointer, "required", expected, "nothing"),
        Some(found) => violation(pointer, "wrong_type", expected, &found.to_string()),
    }
}

fn violation(pointer: &str, code: &'static str, expected: &str, found: &str) -> Violation {
    Violation {
        pointer: pointer.to_owned(),
        code,
        expected: expected.to_owned(),
        found: found.chars().take(80).collect(),
    }
}
