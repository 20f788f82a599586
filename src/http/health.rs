//! Alive, ready, and what can be measured.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;

use super::{AppState, Code, Problem};

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The process's metrics; `None` when another recorder was there first.
static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to count. Does nothing the second time.
pub fn install_metrics() {
    METRICS.get_or_init(|| {
        let installed = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .map(PrometheusBuilder::build_recorder)
            .map_err(|error| error.to_string())
            .and_then(|recorder| {
                let handle = recorder.handle();
                metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
                Ok(handle)
            });
        match installed {
            Ok(handle) => {
                describe();
                Some(handle)
            }
            Err(error) => {
                tracing::warn!(%error, "there will be no metrics");
                None
            }
        }
    });
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("kechuang_http_requests_total", "Requests by route, method and status");
    describe_histogram!("kechuang_http_request_seconds", "Time until the answer");
    describe_counter!("kechuang_searches_total", "Searches by the rung that answered");
    describe_counter!("kechuang_queue_refusals_total", "Jobs refused since a queue was full");
    describe_gauge!("kechuang_queue_waiting", "Jobs that wait for a thread");
    describe_gauge!("kechuang_index_lag_changes", "Changes that cannot be found yet");
    describe_gauge!("kechuang_store_revision", "Number of the last acknowledged change");
    describe_gauge!("kechuang_records", "Records that can be found");
}

/// Regular work while the server runs: folds measurements, and forgets idempotency keys that are over.
pub async fn keep_up(state: AppState) {
    let mut seconds: u32 = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        if let Some(Some(metrics)) = METRICS.get() {
            metrics.run_upkeep();
        }
        seconds += 5;
        if seconds.is_multiple_of(3_600) {
            let app = state.app.clone();
            let swept = state.writes.run(move || app.ingest.sweep_receipts(&app.clock.now())).await;
            match swept {
                Ok(Ok(0)) => {}
                Ok(Ok(count)) => tracing::info!(count, "idempotency keys are over"),
                Ok(Err(error)) => tracing::warn!(%error, "idempotency keys could not be swept"),
                Err(error) => tracing::warn!(%error, "idempotency keys could not be swept"),
            }
        }
    }
}

/// Tells that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "operation")]
pub async fn check_health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Tells whether the index holds everything that was written before the start.
#[utoipa::path(get, path = "/readyz", tag = "operation")]
pub async fn check_readiness(State(state): State<AppState>) -> Result<Response, Problem> {
    if !state.is_ready() {
        return Err(Problem::plain(Code::NotReady));
    }
    let revision = state.progress.visible();
    Ok(Json(json!({ "status": "ready", "revision": revision })).into_response())
}

/// Shows what was counted, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation")]
pub async fn show_metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let engine = state.app.engine.clone();
    // Measuring must not fail under load: what cannot be asked now is left as it was.
    if let Ok(Ok(records)) = state.searches.run(move || engine.num_records()).await {
        metrics::gauge!("kechuang_records").set(records as f64);
    }
    let head = state.app.store.head().0;
    let visible = state.progress.visible().0;
    metrics::gauge!("kechuang_store_revision").set(head as f64);
    metrics::gauge!("kechuang_index_lag_changes").set(head.saturating_sub(visible) as f64);
    for (name, pool) in [("search", &state.searches), ("write", &state.writes)] {
        metrics::gauge!("kechuang_queue_waiting", "queue" => name).set(pool.waiting() as f64);
    }
    let text = METRICS.get().and_then(Option::as_ref).map(PrometheusHandle::render);
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content_type, text.unwrap_or_default()).into_response())
}
