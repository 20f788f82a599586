//! The HTTP side: every route on one page, and the server that carries them.

mod analysis;
mod applicability;
pub mod auth;
mod bare;
mod bulk;
mod feedback;
mod health;
mod input;
mod kinds;
pub mod language;
mod matches;
pub mod meilisearch;
mod middleware;
pub mod openapi;
pub mod pool;
pub mod problem;
mod records;
mod search;
mod server;
mod subscriptions;
mod suggest;
mod unique;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, cores};
use crate::config::{Config, SiteConfig};
use crate::service::indexing::Progress;
pub use input::readable_pairs;
pub use middleware::{PageFault, REQUEST_ID};
pub use pool::{Pool, PoolError};
pub use problem::{Code, Problem};
pub use server::{serve, stop_signal};

/// Threads that write, and writes that may wait for one. Writers share a disk flush, so more threads than cores pay.
const WRITERS: usize = 8;
const WRITE_QUEUE: usize = 128;

/// What every handler has. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub app: Arc<App>,
    /// How far the index is.
    pub progress: Progress,
    /// For searches and reads.
    pub searches: Arc<Pool>,
    /// For writes.
    pub writes: Arc<Pool>,
    pub limits: Limits,
    /// Whose pages are served.
    pub site: Arc<SiteConfig>,
    /// Where people reach the service, for links that leave it; without a slash at the end.
    pub base: Arc<str>,
    /// When the service was opened, in RFC 3339.
    pub started_at: Arc<str>,
    stopping: Arc<AtomicBool>,
    documents: Arc<kinds::Documents>,
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body, and of one line of a bulk.
    pub body_bytes: usize,
    pub bulk_bytes: usize,
    /// Until a body has arrived.
    pub receive: Duration,
    /// Until a read is answered.
    pub read: Duration,
    /// Until a bulk is answered; lines that come later are not read.
    pub bulk: Duration,
    /// Until `refresh=wait` is answered all the same.
    pub refresh: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            bulk_bytes: 64 << 20,
            receive: Duration::from_secs(10),
            read: Duration::from_secs(10),
            bulk: Duration::from_secs(60),
            refresh: Duration::from_secs(10),
        }
    }
}

impl AppState {
    pub fn new(app: Arc<App>, progress: Progress, config: &Config) -> Self {
        health::install_metrics();
        let threads = match config.search.threads {
            0 => cores(),
            threads => threads,
        };
        let base = match &config.site.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", config.listen),
        };
        Self {
            started_at: app.clock.now().into(),
            app,
            progress,
            base: base.into(),
            searches: Arc::new(Pool::new("search", threads, config.search.queue)),
            writes: Arc::new(Pool::new("write", WRITERS, WRITE_QUEUE)),
            limits: Limits::default(),
            site: Arc::new(config.site.clone()),
            stopping: Arc::new(AtomicBool::new(false)),
            documents: Arc::default(),
        }
    }

    /// Tells whether the index holds everything and the server is not stopping.
    pub fn is_ready(&self) -> bool {
        self.progress.is_ready() && !self.stopping.load(Ordering::Relaxed)
    }

    /// Makes the server say that it is not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// Every route of the API. What is declared here is also what the OpenAPI document says.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::check_health))
        .routes(routes!(health::check_readiness))
        .routes(routes!(health::show_metrics))
        .routes(routes!(openapi::show_openapi))
        .routes(routes!(kinds::list_kinds))
        .routes(routes!(kinds::get_kind))
        .routes(routes!(kinds::get_vocabulary))
        .routes(routes!(search::search_records, search::post_search))
        .routes(routes!(suggest::list_suggestions))
        .routes(routes!(applicability::check_applicability))
        .routes(routes!(versions::list_versions))
        .routes(routes!(versions::compare_versions))
        .routes(routes!(applicability::list_attributes))
        .routes(routes!(applicability::list_profiles, applicability::post_profile))
        .routes(routes!(
            applicability::get_profile,
            applicability::put_profile,
            applicability::delete_profile
        ))
        .routes(routes!(records::get_record, records::put_record, records::delete_record))
        .routes(routes!(records::post_record))
        .routes(routes!(bulk::write_bulk))
        .routes(routes!(matches::list_matches))
        .routes(routes!(matches::list_similar))
        .routes(routes!(matches::post_match))
        .routes(routes!(subscriptions::list_subscriptions, subscriptions::post_subscription))
        .routes(routes!(subscriptions::get_subscription, subscriptions::delete_subscription))
        .routes(routes!(subscriptions::list_alerts))
        .routes(routes!(subscriptions::list_dead_letters))
        .routes(routes!(subscriptions::replay_alerts))
        .routes(routes!(subscriptions::get_feed))
        .routes(routes!(subscriptions::get_calendar))
        .routes(routes!(feedback::list_feedback, feedback::post_feedback))
        .routes(routes!(feedback::list_judgements))
        .routes(routes!(analysis::list_gaps))
        .routes(routes!(analysis::list_statistics))
        .routes(routes!(analysis::post_click))
        .merge(meilisearch::routes())
}

/// The API alone.
pub fn router(state: AppState) -> Router {
    with_pages(state, Router::new().fallback(not_found))
}

/// The API, and `pages` for every path that is not the API's.
pub fn with_pages(state: AppState, pages: Router) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .method_not_allowed_fallback(method_not_allowed)
        .route("/v1", any(not_found))
        .route("/v1/", any(not_found))
        .route("/v1/{*rest}", any(not_found))
        .route("/indexes/{index}/{*rest}", any(meilisearch::not_found))
        .route("/multi-search/{*rest}", any(meilisearch::not_found))
        .with_state(state.clone())
        .merge(pages)
        .layer(axum::middleware::from_fn_with_state(state, middleware::observe))
        .layer(CompressionLayer::new())
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(
        Code::NotFound,
        format!("expected a path of the API (see /v1/openapi.json); found `{path}`"),
    )
}

async fn method_not_allowed(uri: Uri) -> Response {
    in_shape(uri.path(), Problem::plain(Code::MethodNotAllowed))
}

/// Answers with a problem, in the shape that errors have at that path.
fn in_shape(path: &str, problem: Problem) -> Response {
    match meilisearch::is_ours(path) {
        true => meilisearch::Refusal::from(problem).into_response(),
        false => problem.into_response(),
    }
}
