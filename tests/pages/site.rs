//! A service with its pages, asked without a network.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use kechuang::app::{App, Follower};
use kechuang::config::Config;
use kechuang::http::AppState;
use kechuang::portal;
use kechuang::service::ingest::Draft;
use kechuang::service::keys::{Key, Role};
use serde_json::Value;
use tower::ServiceExt;

/// A service with records, and its pages.
pub struct Site {
    pub app: Arc<App>,
    pub key: Key,
    pub state: AppState,
    pub router: Router,
    _follower: Option<Follower>,
    _dir: tempfile::TempDir,
}

pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl Site {
    pub fn new(records: Vec<Value>) -> Self {
        Self::with(records, |_| ())
    }

    /// A service that is configured in another way.
    pub fn with(records: Vec<Value>, change: impl FnOnce(&mut Config)) -> Self {
        Self::made(records, true, change)
    }

    /// A service that was started again without its index, and has not made it yet.
    pub fn unfilled(records: Vec<Value>) -> Self {
        Self::made(records, false, |_| ())
    }

    fn made(records: Vec<Value>, is_filled: bool, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data: dir.path().join("data"), ..Config::default() };
        change(&mut config);
        let mut app = Arc::new(App::open(&config).unwrap());
        let key = app.keys.create(Role::Administrator, None, app.clock.now()).unwrap();
        let key = app.keys.find(&key).unwrap().unwrap();
        let drafts = records.into_iter().map(|record| {
            let Value::Object(record) = record else { panic!("a record is an object") };
            Draft::from_object(record, None, None).unwrap()
        });
        for outcome in app.ingest.put(drafts.collect(), &key, &app.clock.now()).unwrap() {
            outcome.unwrap();
        }
        let follower = is_filled.then(|| {
            app.catch_up(&mut |_| ()).unwrap();
            app.follow()
        });
        if !is_filled {
            drop(app);
            app = Arc::new(App::open(&config).unwrap());
        }
        let progress = match &follower {
            Some(follower) => follower.progress.clone(),
            None => app.indexing().follow(Arc::new(AtomicBool::new(true))).0,
        };
        let state = AppState::new(app.clone(), progress, &config);
        let router = portal::router(state.clone());
        Self { app, key, state, router, _follower: follower, _dir: dir }
    }

    pub async fn ask(&self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        let html = String::from_utf8(bytes.to_vec()).expect("pages are UTF-8");
        Page { status: parts.status, headers: parts.headers, html }
    }

    pub async fn get(&self, uri: &str) -> Page {
        self.ask(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    /// A page that must be there.
    pub async fn page(&self, uri: &str) -> String {
        let page = self.get(uri).await;
        assert_eq!(page.status, StatusCode::OK, "{uri}");
        page.check(uri);
        page.html
    }
}

impl Page {
    /// What holds for every page.
    pub fn check(&self, uri: &str) {
        let header = |name| self.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header(header::CONTENT_TYPE), Some("text/html; charset=utf-8"), "{uri}");
        let policy = header(header::CONTENT_SECURITY_POLICY).expect("a policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{uri}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{uri}: {policy}");
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{uri}");
        // Marks of a drawing have titles of their own.
        let parts = self.html.split("<svg").enumerate();
        let html: String = parts
            .map(|(at, part)| match at {
                0 => part,
                _ => part.split_once("</svg>").map_or("", |(_, rest)| rest),
            })
            .collect();
        let html = &html;
        for (part, times) in [
            ("<!doctype html>", 1),
            ("<html lang=\"", 1),
            ("<title>", 1),
            ("<h1", 1),
            ("<main id=\"main\"", 1),
            ("<header class=\"top\"", 1),
            ("<footer class=\"foot\"", 1),
            ("class=\"skip\" href=\"#main\"", 1),
            ("role=\"search\"", 1),
            ("for=\"q\"", 1),
            ("name=\"viewport\"", 1),
            ("name=\"SiteName\"", 1),
            ("name=\"description\"", 1),
            ("rel=\"canonical\"", 1),
            ("javascript:", 0),
            (" style=\"", 0),
            (" onclick", 0),
        ] {
            assert_eq!(html.matches(part).count(), times, "{uri}: {part}\n{html}");
        }
        assert!(html.matches("<script defer src=\"/").count() >= 2, "{uri}");
        // What is not loaded from us is data.
        for script in html.split("<script").skip(1) {
            let known = [" defer src=\"/", " type=\"application/ld+json\">"];
            assert!(known.iter().any(|start| script.starts_with(start)), "{uri}: {script}");
        }
    }
}

/// The addresses of all links.
pub fn hrefs(html: &str) -> Vec<String> {
    let parts = html.split(" href=\"").skip(1);
    parts.map(|rest| unescape(rest.split('"').next().unwrap())).collect()
}

pub fn unescape(text: &str) -> String {
    let text = text.replace("&#38;", "&").replace("&#x26;", "&").replace("&amp;", "&");
    text.replace("&#39;", "'").replace("&#34;", "\"")
}

pub fn day(app_today: i32, ahead: i32) -> String {
    let date = jiff::civil::date(1970, 1, 1);
    date.checked_add(jiff::Span::new().days(app_today + ahead)).unwrap().to_string()
}

pub fn today() -> i32 {
    kechuang::app::Clock::new(8).today()
}

impl Site {
    pub async fn post(&self, uri: &str, pairs: &[(&str, &str)]) -> Page {
        let encode = |text: &str| {
            let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
            bytes.collect::<String>()
        };
        let body: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let request = Request::post(uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.ask(request.body(Body::from(body.join("&"))).unwrap()).await
    }
}
