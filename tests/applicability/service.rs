//! A server with the sample policies in it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kechuang::app::{App, Follower};
use kechuang::config::Config;
use kechuang::http::{AppState, router};
use kechuang::service::ingest::Draft;
use kechuang::service::keys::Role;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::sample::{policies, profiles};

/// The day that the sample is made for.
pub const TODAY: &str = "2026-11-23";

pub struct Service {
    router: Router,
    runtime: tokio::runtime::Runtime,
    _follower: Follower,
    _dir: tempfile::TempDir,
}

/// The answer to one check: items by id.
pub struct Answer {
    pub body: Value,
    pub items: BTreeMap<String, Value>,
}

pub static SERVICE: LazyLock<Service> = LazyLock::new(Service::new);

/// Answers to every profile on [`TODAY`], in their order.
pub static ANSWERS: LazyLock<Vec<Answer>> = LazyLock::new(|| {
    profiles().iter().map(|profile| SERVICE.check(&profile["profile"], TODAY)).collect()
});

/// The answer to the profile with a two-digit number.
pub fn answer(number: &str) -> &'static Answer {
    &ANSWERS[number.parse::<usize>().unwrap() - 1]
}

impl Service {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let guard = runtime.enter();
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data: dir.path().join("data"), ..Config::default() };
        let app = Arc::new(App::open(&config).unwrap());
        let key = app.keys.create(Role::Administrator, None, app.clock.now()).unwrap();
        let key = app.keys.find(&key).unwrap().unwrap();
        let drafts =
            policies().into_iter().map(|record| Draft::from_object(record, None, None).unwrap());
        for (policy, outcome) in
            policies().iter().zip(app.ingest.put(drafts.collect(), &key, &app.clock.now()).unwrap())
        {
            if let Err(rejection) = outcome {
                panic!("{}: {rejection:?}", policy["id"]);
            }
        }
        app.catch_up(&mut |_| ()).unwrap();
        let follower = app.follow();
        let state = AppState::new(app.clone(), follower.progress.clone(), &config);
        let router = router(state);
        drop(guard);
        Self { router, runtime, _follower: follower, _dir: dir }
    }

    /// Asks `POST /v1/applicability`; anything but 200 fails the test.
    #[track_caller]
    pub fn check(&self, profile: &Value, as_of: &str) -> Answer {
        let body = json!({ "profile": profile, "as_of": as_of });
        let request = Request::post("/v1/applicability")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, bytes) = self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            (status, axum::body::to_bytes(response.into_body(), 1 << 26).await.unwrap())
        });
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(status, 200, "{text}");
        let body: Value = serde_json::from_slice(&bytes).expect("the answer is JSON");
        let items = body["items"].as_array().expect("items");
        let items =
            items.iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone()));
        Answer { items: items.collect(), body }
    }
}

impl Answer {
    /// p pass, f fail, u unknown; x for a policy that is not among the items.
    pub fn letter(&self, policy: &str) -> char {
        self.items.get(policy).map_or('x', |item| letter(&item["verdict"]))
    }

    pub fn condition(&self, policy: &str, id: &str) -> Option<&Value> {
        self.items.get(policy)?["conditions"]
            .as_array()?
            .iter()
            .find(|condition| condition["id"] == id)
    }
}

pub fn letter(verdict: &Value) -> char {
    match verdict.as_str() {
        Some("pass") => 'p',
        Some("fail") => 'f',
        Some("unknown") => 'u',
        other => panic!("no verdict: {other:?}"),
    }
}

/// The profile with a two-digit number.
pub fn profile(number: &str) -> Value {
    profiles()[number.parse::<usize>().unwrap() - 1]["profile"].clone()
}
