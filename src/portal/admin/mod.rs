//! The console: pages for those who review, import and look at what is missing. Everything works without a script.

mod desk;
mod gaps;
mod import;
mod record;
mod review;
mod searches;
mod session;

use std::convert::Infallible;

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::error::Failure;
use super::form::{Pairs, refuse_foreign};
use super::links::address;
use super::text::AdminTexts;
use super::visitor::{Frame, NavLink, Visitor, cookie};
use crate::app::App;
use crate::http::{AppState, Pool};
use crate::service::keys::Key;
use session::COOKIE;

/// Every page of the console.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/admin", get(desk::get_desk))
        .route("/admin/sign-in", get(session::get_sign_in).post(session::post_sign_in))
        .route("/admin/sign-out", post(session::post_sign_out))
        .route("/admin/review", get(review::get_review))
        .route("/admin/records/{kind}/{id}", get(record::get_record).post(record::post_record))
        .route("/admin/import", get(import::get_import).post(import::post_import))
        .route("/admin/import/{id}", get(import::get_job).post(import::post_job))
        .route("/admin/import/{id}/{file}", get(import::get_rejected))
        .route("/admin/gaps", get(gaps::get_gaps))
        .route("/admin/gaps.csv", get(gaps::get_gaps_csv))
        .route("/admin/searches", get(searches::get_searches))
        .route("/admin/searches/{file}", get(searches::get_csv))
        .layer(axum::middleware::from_fn(keep_nothing))
}

/// Nothing of the console stays in a cache.
async fn keep_nothing(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// A request to the console, before it is known whose it is.
pub struct Door {
    pub visitor: Visitor,
    pub headers: HeaderMap,
}

impl FromRequestParts<AppState> for Door {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        Ok(Self { visitor, headers: parts.headers.clone() })
    }
}

/// Who is signed in.
pub struct Operator {
    pub key: Key,
    /// What forms carry.
    pub token: String,
}

impl Door {
    fn operator(&self, app: &App) -> Result<Option<Operator>, Failure> {
        let Some(session) = cookie(&self.headers, COOKIE) else { return Ok(None) };
        let key = app.keys.session(session, app.clock.seconds())?;
        let key = key.filter(|key| key.role.sees_everything());
        Ok(key.map(|key| Operator { key, token: app.keys.form_token(session) }))
    }

    /// Where somebody signs in who wanted to come here.
    fn sign_in(&self) -> Response {
        let pairs = self.visitor.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let to = address(&self.visitor.path, pairs);
        let lang = self.visitor.chosen.map(|lang| ("lang", lang.name()));
        let to = [("to", to.as_str())].into_iter().chain(lang);
        Redirect::to(&address("/admin/sign-in", to)).into_response()
    }
}

/// Makes a page for somebody who is signed in; everybody else is led to signing in.
async fn answer<F>(state: &AppState, door: Door, make: F) -> Response
where
    F: FnOnce(&App, &Visitor, &Operator) -> Result<Response, Failure> + Send + 'static,
{
    run(state, &state.searches, door, make).await
}

/// Does what a form asks for; refused when it is not one of the operator's own.
async fn act<F>(state: &AppState, door: Door, token: Option<String>, make: F) -> Response
where
    F: FnOnce(&App, &Visitor, &Operator) -> Result<Response, Failure> + Send + 'static,
{
    if let Some(refused) = refuse_foreign(&door.visitor, &door.headers) {
        return refused;
    }
    run(state, &state.writes, door, move |app, visitor, operator| {
        if token.as_deref() != Some(operator.token.as_str()) {
            let t = AdminTexts::of(visitor.lang);
            return Err(Failure::Refused { heading: t.stale, text: t.stale_text });
        }
        make(app, visitor, operator)
    })
    .await
}

async fn run<F>(state: &AppState, pool: &Pool, door: Door, make: F) -> Response
where
    F: FnOnce(&App, &Visitor, &Operator) -> Result<Response, Failure> + Send + 'static,
{
    let app = state.app.clone();
    let visitor = door.visitor.clone();
    let made = pool.run(move || match door.operator(&app) {
        Ok(Some(operator)) => make(&app, &door.visitor, &operator),
        Ok(None) => Ok(door.sign_in()),
        Err(failure) => Err(failure),
    });
    match made.await {
        Ok(Ok(page)) => page,
        Ok(Err(failure)) => failure.page(&visitor),
        Err(error) => Failure::from(error).page(&visitor),
    }
}

/// What somebody may not do whose key is weaker.
fn forbidden(visitor: &Visitor) -> Failure {
    let t = AdminTexts::of(visitor.lang);
    Failure::Refused { heading: t.forbidden, text: t.forbidden_text }
}

/// The value of a field of a form.
fn one<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.trim())
}

/// What stands around every page of the console.
pub struct Console {
    pub t: &'static AdminTexts,
    pub style: &'static str,
    pub tasks_style: &'static str,
    pub menu: Vec<NavLink>,
    pub who: String,
    pub token: String,
    pub sign_out: String,
}

impl Console {
    fn new(visitor: &Visitor, operator: &Operator) -> Self {
        let t = AdminTexts::of(visitor.lang);
        let pages = [
            ("/admin", t.overview),
            ("/admin/review", t.review),
            ("/admin/import", t.import),
            ("/admin/gaps", t.gaps),
            ("/admin/searches", t.searches),
        ];
        let is_current = |path: &str| match path {
            "/admin" => visitor.path == path,
            "/admin/review" => {
                visitor.path.starts_with(path) || visitor.path.starts_with("/admin/records/")
            }
            path => visitor.path.starts_with(path),
        };
        let menu = pages.map(|(path, label)| NavLink {
            href: visitor.link(path),
            label: label.to_owned(),
            current: is_current(path),
        });
        Self {
            t,
            style: &super::assets::ADMIN_STYLE,
            tasks_style: &super::assets::TASKS_STYLE,
            menu: menu.into(),
            who: (t.signed_in)(operator.key.owner()),
            token: operator.token.clone(),
            sign_out: visitor.link("/admin/sign-out"),
        }
    }
}

/// The frame of a page that search engines do not see.
fn frame(visitor: &Visitor, title: &str) -> Frame {
    let t = AdminTexts::of(visitor.lang);
    let title =
        if title == t.console { title.to_owned() } else { format!("{title} - {}", t.console) };
    let mut frame = visitor.frame(&title);
    frame.indexed = false;
    frame
}

/// A file that a page offers.
fn file(name: &str, media_type: &'static str, body: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).expect("names of files are ASCII"),
        ),
    ];
    (headers, body).into_response()
}

const CSV: &str = "text/csv; charset=utf-8";
