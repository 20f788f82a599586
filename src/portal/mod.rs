//! The pages that people see: rendered on the server from the same services and kind files as the API.
//!
//! No page needs a script, and every state of every page is a URL. No kind is named here: pages of a new kind come from
//! its file alone.

mod admin;
mod assets;
mod card;
mod chart;
mod check;
mod closing;
mod csv;
mod data;
mod developers;
mod embed;
mod embed_reference;
mod error;
mod export;
mod facets;
mod feeds;
mod form;
mod help;
mod home;
mod links;
mod overview;
mod proofs;
mod record;
mod search;
mod share;
mod subscribe;
mod text;
mod value;
mod visitor;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::http::{AppState, PageFault, REQUEST_ID, readable_pairs};
use error::Failure;
use visitor::{View, Visitor};

/// Nothing but our own files; forms lead to us; text becomes part of a page only through one named policy.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types kechuang";

/// The whole service: the API, and the pages for everything else.
pub fn site(state: AppState) -> Router {
    crate::http::with_pages(state.clone(), router(state.clone()))
        .layer(axum::middleware::from_fn_with_state(state, faults_as_pages))
}

/// Makes a page of what is answered for a page that was not made.
async fn faults_as_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(mut visitor) = Visitor::from_request_parts(&mut parts, &state).await;
    let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_page = accept.is_some_and(|accept| accept.contains("text/html"));
    let response = next.run(Request::from_parts(parts, body)).await;
    if !wants_page || response.extensions().get::<PageFault>().is_none() {
        return response;
    }
    let id = response.headers().get(&REQUEST_ID).cloned();
    visitor.request_id = id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
    let failure = match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => Failure::Unavailable,
        _ => Failure::Internal,
    };
    let mut page = failure.page(&visitor);
    page.headers_mut().extend(id.map(|id| (REQUEST_ID.clone(), id)));
    page
}

/// Every page.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(home::get_home))
        .route("/search", get(search::get_results))
        .route("/search/unfound", post(search::post_unfound))
        .route("/records/{kind}/{id}", get(record::get_record))
        .route("/records/{kind}/{id}/deadline.ics", get(share::get_calendar))
        .route("/deadlines.ics", get(closing::get_calendar))
        .route("/search.csv", get(export::get_results))
        .route("/statistics/{name}", get(overview::get_csv))
        .route("/embed", get(embed::get_embed))
        .route("/embed/search", get(embed::get_frame))
        .route("/developers", get(developers::get_developers))
        .route("/data", get(data::get_data))
        .route("/data/{name}", get(data::get_file))
        .route("/catalog.jsonld", get(data::get_catalog))
        .route("/search.atom", get(feeds::get_feed))
        .route("/opensearch.xml", get(feeds::get_description))
        .route("/sitemap", get(help::get_site_map))
        .route("/sitemap.xml", get(feeds::get_site_map))
        .route("/sitemap/{name}", get(feeds::get_site_map_part))
        .route("/robots.txt", get(feeds::get_robots))
        .route("/help", get(help::get_help))
        .route("/check", get(check::get_check).post(check::post_check))
        .route("/subscriptions/new", get(subscribe::get_subscribe).post(subscribe::post_subscribe))
        .merge(admin::router())
        .route("/{form}/new", get(form::get_form).post(form::post_form))
        .route("/{form}/new/live", post(form::post_live))
        .route("/assets/{name}", get(assets::get_asset))
        .route("/widget/{version}/{name}", get(assets::get_widget))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(state.clone(), refuse_unreadable))
        .layer(axum::middleware::from_fn(keep_view))
        .with_state(state)
}

/// Refuses addresses that hold what is no text, as the API does.
async fn refuse_unreadable(visitor: Visitor, request: Request, next: Next) -> Response {
    match readable_pairs(request.uri()) {
        Ok(_) => next.run(request).await,
        // Nothing of the address is put into the page.
        Err(wrong) => Failure::Bad(vec![wrong]).page(&Visitor { pairs: Vec::new(), ..visitor }),
    }
}

/// Keeps the size of letters that the address asks for.
async fn keep_view(request: Request, next: Next) -> Response {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let view = pairs.ok().and_then(|query| View::asked(&query.0));
    let mut response = next.run(request).await;
    if let Some(view) = view {
        let cookie = format!("view={}; Path=/; Max-Age=31536000; SameSite=Lax", view.name());
        let cookie = HeaderValue::from_str(&cookie).expect("the names of views are ASCII");
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Makes a page on a thread where it may block, or says why there is none.
async fn answer<F>(state: &AppState, visitor: Visitor, make: F) -> Response
where
    F: FnOnce(&App, &Visitor) -> Result<Response, Failure> + Send + 'static,
{
    let app = state.app.clone();
    let job_visitor = visitor.clone();
    let made = state.searches.run(move || make(&app, &job_visitor)).await;
    match made {
        Ok(Ok(page)) => page,
        Ok(Err(failure)) => failure.page(&visitor),
        Err(error) => Failure::from(error).page(&visitor),
    }
}

/// Prints JSON so that it can stand in a script element.
fn script_json(value: &serde_json::Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Answers with a page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-language, cookie"),
    ];
    (status, headers.map(|(name, value)| (name, HeaderValue::from_static(value))), html)
        .into_response()
}
