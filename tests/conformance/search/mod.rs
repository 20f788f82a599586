//! What a search promises to people who write Chinese, one function a promise.
//!
//! The promises are held over the HTTP interface, for every engine that a configuration can name: a second engine is
//! one line in [`ENGINES`]. The cases come from complaints about other engines.

mod literal;
mod ranked;
mod recall;
mod service;
mod typing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kechuang::app::{App, Follower};
use kechuang::config::Config;
use kechuang::http::{AppState, router};
use kechuang::service::keys::Role;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Every engine, as a configuration names it.
const ENGINES: [fn(&mut Config); 1] = [|_| {}];

/// A service over an empty store.
pub struct Server {
    router: Router,
    pub state: AppState,
    pub app: Arc<App>,
    key: String,
    _follower: Follower,
}

impl Server {
    pub fn open(config: &Config) -> Self {
        let app = Arc::new(App::open(config).expect("the service opens"));
        let follower = app.follow();
        let state = AppState::new(app.clone(), follower.progress.clone(), config);
        let key = app.keys.create(Role::Administrator, None, app.clock.now()).expect("a key");
        Self { router: router(state.clone()), state, app, key, _follower: follower }
    }

    /// Sends a request; returns status and body.
    pub async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header(
                "content-type",
                if path.contains("bulk") { "application/x-ndjson" } else { "application/json" },
            )
            .body(body.into())
            .expect("a request that can be sent");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, body.to_vec())
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, Body::empty()).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Writes records and waits until they can be found; returns the status of each.
    pub async fn write(&self, records: &[Value]) -> Vec<u64> {
        let body: String = records.iter().map(|record| format!("{record}\n")).collect();
        let (status, body) = self.send("POST", "/v1/bulk", body).await;
        assert_eq!(status, 200);
        let started = Instant::now();
        while self.state.progress.visible() < self.app.store.head() || !self.state.is_ready() {
            assert!(started.elapsed() < Duration::from_secs(60), "the index does not catch up");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let lines = String::from_utf8(body).expect("UTF-8");
        let status = |line: &str| serde_json::from_str::<Value>(line).unwrap()["status"].as_u64();
        lines.lines().map(|line| status(line).expect("a status")).collect()
    }

    /// Searches `q`, without correction, for up to a hundred records.
    pub async fn page(&self, q: &str) -> Value {
        self.get(&format!("/v1/search?limit=100&q={}", encode(q))).await
    }

    /// Ids in the order found.
    pub async fn find(&self, q: &str) -> Vec<String> {
        ids(&self.page(q).await)
    }

    /// Ids in the order of the alphabet.
    pub async fn set(&self, q: &str) -> Vec<String> {
        let mut found = self.find(q).await;
        found.sort();
        found
    }
}

/// Holds a promise on every engine, over records with these titles; a record's id is its place from `0`.
pub async fn hold<F: Future<Output = ()>>(titles: &[&str], promise: impl Fn(Server) -> F) {
    each_engine(async |server| {
        let statuses = server.write(&records(titles)).await;
        assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
        server.app.corrector.refresh().expect("the words can be read");
        promise(server).await;
    })
    .await;
}

/// Holds a promise on every engine, over an empty store.
pub async fn each_engine(promise: impl AsyncFn(Server)) {
    for choose in ENGINES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config { data: folder.path().join("data"), ..Config::default() };
        choose(&mut config);
        promise(Server::open(&config)).await;
    }
}

pub fn records(titles: &[&str]) -> Vec<Value> {
    let record = |(at, title): (usize, &&str)| json!({ "kind": "policy", "id": at.to_string(), "title": title });
    titles.iter().enumerate().map(record).collect()
}

pub fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// What is marked in the title of the record `id`.
pub fn marked(page: &Value, id: &str) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    let item = items.iter().find(|item| item["id"] == id).expect("the record is found");
    let pieces = item["highlights"]["title"].as_array().expect("a title");
    let hits = pieces.iter().filter(|piece| piece["hit"] == true);
    hits.map(|piece| piece["text"].as_str().unwrap().to_owned()).collect()
}

pub fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
