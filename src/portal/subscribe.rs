//! Subscribing without an account: whoever asks gets addresses of their own, and one to stop with.

use std::time::Instant;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::assets::TASKS_STYLE;
use super::error::Failure;
use super::form::{Pairs, refuse_foreign};
use super::links::{SearchPlace, address};
use super::text::FormTexts;
use super::visitor::{Frame, Visitor};
use super::{answer, page};
use crate::app::App;
use crate::http::AppState;
use crate::query::request::SearchRequest;
use crate::service::alerts::forward::ForwardError;
use crate::service::alerts::subscription::Target;
use crate::service::alerts::{AlertError, SubscriptionDraft};
use crate::service::keys::random_hex;
use crate::service::search::SearchError;

/// Owners that subscribe on the page: nobody's key has such a name.
const OWNER: &str = "@reader-";

#[derive(Template)]
#[template(path = "subscribe.html")]
struct SubscribePage {
    frame: Frame,
    t: &'static FormTexts,
    tasks_style: &'static str,
    action: String,
    q: String,
    kind: String,
    place: SearchPlace,
    /// The feed of the results themselves.
    feed: String,
    made: Option<Made>,
    stopped: bool,
}

/// A subscription that stands.
struct Made {
    title: String,
    atom: String,
    calendar: String,
    id: String,
    owner: String,
}

impl From<AlertError> for Failure {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Forward(ForwardError::Search(error)) => error.into(),
            AlertError::Forward(ForwardError::Engine(error)) => SearchError::from(error).into(),
            error => {
                tracing::error!(%error, "a page about subscriptions could not be made");
                Failure::Internal
            }
        }
    }
}

pub async fn get_subscribe(State(state): State<AppState>, visitor: Visitor) -> Response {
    answer(&state, visitor, make).await
}

fn make(app: &App, visitor: &Visitor) -> Result<Response, Failure> {
    let place =
        SearchPlace::read(&visitor.pairs).map_err(|violation| Failure::Bad(vec![violation]))?;
    let made = match (visitor.param("id"), visitor.param("owner")) {
        (Some(id), Some(owner)) if owner.starts_with(OWNER) => {
            let found = app.alerts.get(owner, id)?.ok_or(Failure::NotFound)?;
            let token = app.alerts.token(&found.id);
            let feed = |file: &str| format!("{}/v1/feeds/{token}/{file}", visitor.origin);
            Some(Made {
                title: found.title.clone(),
                atom: feed("alerts.atom"),
                calendar: feed("deadlines.ics"),
                id: found.id,
                owner: owner.to_owned(),
            })
        }
        _ => None,
    };
    let mut frame = visitor.frame(visitor.texts().subscribe);
    frame.indexed = made.is_none() && place == visitor.anywhere();
    let template = SubscribePage {
        frame,
        t: FormTexts::of(visitor.lang),
        tasks_style: &TASKS_STYLE,
        action: visitor.link("/subscriptions/new"),
        q: place.q.clone(),
        kind: place.kinds.join(","),
        feed: format!("{}{}", visitor.origin, place.feed()),
        place,
        made,
        stopped: visitor.param("stopped").is_some(),
    };
    Ok(page(StatusCode::OK, &template))
}

pub async fn post_subscribe(
    State(state): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    if let Some(refused) = refuse_foreign(&visitor, &headers) {
        return refused;
    }
    let Ok(Form(pairs)) = form else { return Failure::Bad(Vec::new()).page(&visitor) };
    if !state.app.guests.take("", Instant::now()) {
        return Failure::TooMany.page(&visitor);
    }
    let app = state.app.clone();
    let job_visitor = visitor.clone();
    let done = state.writes.run(move || change(&app, &job_visitor, &pairs));
    match done.await {
        Ok(Ok(to)) => Redirect::to(&to).into_response(),
        Ok(Err(failure)) => failure.page(&visitor),
        Err(error) => Failure::from(error).page(&visitor),
    }
}

/// Makes or ends a subscription; returns the address that shows how it stands.
fn change(app: &App, visitor: &Visitor, pairs: &Pairs) -> Result<String, Failure> {
    let one = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
    let lang = visitor.chosen.map(|lang| ("lang", lang.name()));
    let path = "/subscriptions/new";
    if let (Some("stop"), Some(id), Some(owner)) = (one("do"), one("id"), one("owner")) {
        if !owner.starts_with(OWNER) || !app.alerts.delete(owner, id)? {
            return Err(Failure::NotFound);
        }
        return Ok(address(path, [("stopped", "1")].into_iter().chain(lang)));
    }
    let place = SearchPlace::read(pairs).map_err(|violation| Failure::Bad(vec![violation]))?;
    let search = SearchRequest {
        q: place.q.clone(),
        scope: place.scope,
        kind: place.kinds.clone(),
        select: place.select.clone(),
        filter: place.filter.clone(),
        sort: Some("newest".to_owned()),
        ..SearchRequest::default()
    };
    let labels = place.kinds.iter().filter_map(|name| visitor.catalog.kind(name));
    let labels = labels.map(|kind| visitor.lang.pick(&kind.label).to_owned());
    let words = Some(place.q.clone()).filter(|q| !q.is_empty());
    let title: Vec<String> = words.into_iter().chain(labels).collect();
    let title = match title.is_empty() {
        true => visitor.texts().all_records.to_owned(),
        false => title.join(" · "),
    };
    let owner = format!("{OWNER}{}", random_hex::<12>());
    let draft = SubscriptionDraft {
        target: Target::Search(Box::new(search)),
        title: Some(title.chars().take(80).collect()),
        first: None,
        events: Vec::new(),
        webhook: None,
    };
    let made = app.alerts.create(draft, &owner, &app.clock.now(), app.clock.today())?;
    let made = made.map_err(Failure::Bad)?;
    Ok(address(path, [("id", &*made.id), ("owner", &*owner)].into_iter().chain(lang)))
}
