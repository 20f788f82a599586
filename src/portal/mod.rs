//! The pages that people see: rendered on the server from the same services and kind files as the API.
//!
//! No page needs a script, and every state of every page is a URL. No kind is named here: pages of a new kind come from
//! its file alone.

mod assets;
mod card;
mod developers;
mod error;
mod facets;
mod home;
mod links;
mod record;
mod search;
mod text;
mod value;

use std::convert::Infallible;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::http::AppState;
use error::Failure;
use links::{SearchPlace, address};
use text::{Lang, Texts};

pub use error::not_found;

/// Nothing but our own style and pictures; forms lead to us; no script at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'self'";

/// The whole service: the API, and the pages for everything else.
pub fn site(state: AppState) -> Router {
    crate::http::with_pages(state.clone(), router(state).fallback(not_found))
}

/// Every page.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(home::get_home))
        .route("/search", get(search::get_results))
        .route("/records/{kind}/{id}", get(record::get_record))
        .route("/developers", get(developers::get_developers))
        .route("/assets/{name}", get(assets::get_asset))
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(state)
}

/// Who looks, and at what.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    pub lang: Lang,
    /// The language that the address asks for.
    pub chosen: Option<Lang>,
    pub path: String,
    pub pairs: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = pairs.map(|query| query.0).unwrap_or_default();
        let chosen =
            pairs.iter().find(|(name, _)| name == "lang").and_then(|(_, lang)| Lang::named(lang));
        Ok(Self {
            lang: chosen.unwrap_or_else(|| Lang::accepted(&parts.headers)),
            chosen,
            path: parts.uri.path().to_owned(),
            pairs,
        })
    }
}

impl Visitor {
    pub fn texts(&self) -> &'static Texts {
        self.lang.texts()
    }

    /// Address of another page, in the language that was chosen.
    pub fn link(&self, path: &str) -> String {
        address(path, self.chosen.map(|lang| ("lang", lang.name())))
    }

    /// A search page's address to build on: nothing but the language.
    pub fn anywhere(&self) -> SearchPlace {
        SearchPlace { lang: self.chosen, ..SearchPlace::default() }
    }

    /// The same page in the other language.
    fn switched(&self) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| name != "lang");
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        address(&self.path, kept.chain([("lang", self.lang.other().name())]))
    }

    /// What stands around the content of a page. `title` is the page's own.
    fn frame(&self, title: &str) -> Frame {
        let t = self.texts();
        Frame {
            lang: self.lang,
            chosen: self.chosen,
            t,
            title: match title {
                "" => format!("{} · {}", t.name, t.tagline),
                title => format!("{title} - {}", t.name),
            },
            style: &assets::STYLE,
            icon: &assets::ICON,
            home: self.link("/"),
            developers: self.link("/developers"),
            switch: self.switched(),
            q: String::new(),
            kinds: String::new(),
            box_in_header: true,
        }
    }
}

/// What every template shows around its content.
struct Frame {
    lang: Lang,
    chosen: Option<Lang>,
    t: &'static Texts,
    title: String,
    style: &'static str,
    icon: &'static str,
    home: String,
    developers: String,
    switch: String,
    /// What the search box holds.
    q: String,
    /// The kinds that a new search stays in; empty for all.
    kinds: String,
    box_in_header: bool,
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
        (header::VARY, "accept-language"),
    ];
    (status, headers.map(|(name, value)| (name, HeaderValue::from_static(value))), html)
        .into_response()
}
