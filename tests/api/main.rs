//! The HTTP API, through the real router over a real store and index in a temporary folder.

mod analysis;
mod applicability;
mod bulk;
mod correction;
mod feedback;
mod filling;
mod health;
mod kinds;
mod matches;
mod meilisearch;
mod openapi;
mod overload;
mod problems;
mod records;
mod search;
mod subscriptions;
mod suggest;
mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use kechuang::app::{App, Follower};
use kechuang::config::Config;
use kechuang::http::{AppState, router};
use kechuang::service::keys::Role;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A server of its own, with keys of every role.
pub struct TestServer {
    router: Router,
    pub state: AppState,
    pub app: Arc<App>,
    pub admin: String,
    pub contributor: String,
    pub other_contributor: String,
    pub reviewer: String,
    pub widget: String,
    _follower: Option<Follower>,
    _dir: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", self.text()),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem of that status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        problem
    }
}

/// A request under way.
pub struct Call<'a> {
    server: &'a TestServer,
    request: axum::http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).expect("a request that can be sent");
        let response = self.server.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl TestServer {
    fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::open(tempfile::tempdir().unwrap(), true, change)
    }

    /// A server on the data folder in `dir`; its index stays as it is unless it `follows` the store.
    pub fn open(dir: tempfile::TempDir, follows: bool, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { data: dir.path().join("data"), ..Config::default() };
        change(&mut config);
        let app = Arc::new(App::open(&config).unwrap());
        let follower = follows.then(|| app.follow());
        let progress = match &follower {
            Some(follower) => follower.progress.clone(),
            None => app.indexing().follow(Arc::new(AtomicBool::new(true))).0,
        };
        let state = AppState::new(app.clone(), progress, &config);
        let key = |role, owner: &str| {
            app.keys.create(role, Some(owner.to_owned()), app.clock.now()).unwrap()
        };
        Self {
            router: router(state.clone()),
            admin: key(Role::Administrator, "admin"),
            contributor: key(Role::Contributor, "one"),
            other_contributor: key(Role::Contributor, "two"),
            reviewer: key(Role::Reviewer, "reviewer"),
            widget: key(Role::Widget, "widget"),
            state,
            app,
            _follower: follower,
            _dir: dir,
        }
    }

    /// Ends it; the data folder is left.
    pub fn close(self) -> tempfile::TempDir {
        self._dir
    }

    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        Call { server: self, request, body: Body::empty() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    /// Searches by pairs of names and values; expects an answer.
    #[track_caller]
    pub fn search(&self, pairs: &[(&str, &str)]) -> impl Future<Output = Value> {
        let path = search_path(pairs);
        async move {
            let answer = self.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            answer.json()
        }
    }

    pub async fn put(&self, kind: &str, id: &str, record: Value) -> Answer {
        let path = format!("/v1/records/{kind}/{id}");
        self.call("PUT", &path).key(&self.admin).json(&record).send().await
    }

    /// Writes records and waits until they can be found.
    pub async fn fill(&self, records: &[Value]) {
        let body: String = records.iter().map(|record| format!("{record}\n")).collect();
        let answer = self
            .call("POST", "/v1/bulk?refresh=wait")
            .key(&self.admin)
            .header("content-type", "application/x-ndjson")
            .body(body)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for line in answer.lines() {
            assert!(line["status"] == 201 || line["status"] == 200, "{line}");
        }
        self.caught_up().await;
    }

    /// Waits until everything written can be found.
    pub async fn caught_up(&self) {
        let started = Instant::now();
        while self.state.progress.visible() < self.app.store.head() || !self.state.is_ready() {
            assert!(started.elapsed() < Duration::from_secs(30), "the index does not catch up");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn search_path(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/v1/search?{}", pairs.join("&"))
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A server with [`sample`] in it, shared by tests that only read.
pub static SHARED: LazyLock<TestServer> = LazyLock::new(|| {
    let server = TestServer::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(server.fill(&sample()));
        });
    });
    server
});

/// Ids of a page.
pub fn ids(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// 40 demands and two achievements. Demand `d-N` (N from 0) has the budget (N + 1) × 10,000, and is published on the
/// day N + 1 of two months; every second one is in 崂山区, every third one of the others in 市北区, the rest in 北京市;
/// every fourth one is being negotiated. `d-0` to `d-4` want sensors for the sea.
pub fn sample() -> Vec<Value> {
    let mut records: Vec<Value> = (0..40)
        .map(|n| {
            let title = match n {
                0..5 => format!("海洋传感器防腐技术第{n}号"),
                _ => format!("轴承振动监测需求第{n}号"),
            };
            let division = match n {
                n if n % 2 == 0 => "370212",
                n if n % 3 == 0 => "370203",
                _ => "110000",
            };
            let day = n % 28 + 1;
            let month = 1 + n / 28;
            json!({
                "kind": "demand", "id": format!("d-{n}"), "title": title,
                "summary": "在高温高湿环境下长期稳定工作，寻求合作研发。",
                "division_code": division,
                "budget_yuan": (n + 1) * 10_000,
                "progress": if n % 4 == 0 { "negotiating" } else { "seeking" },
                "cooperation_modes": ["joint_development"],
                "published_on": format!("2026-{month:02}-{day:02}"),
                "contact": { "name": "王工", "phone": "0532-00000000" },
            })
        })
        .collect();
    records.push(json!({
        "kind": "achievement", "id": "a-0", "title": "海洋传感器封装工艺",
        "summary": "深海压力传感器的封装。", "division_code": "370212", "published_on": "2026-03-01",
    }));
    records.push(json!({
        "kind": "achievement", "id": "a-1", "title": "光伏组件回收方法",
        "summary": "退役组件的回收。", "division_code": "110000", "published_on": "2026-03-02",
    }));
    records
}
