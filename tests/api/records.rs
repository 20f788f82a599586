//! `/v1/records/…`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::TestServer;

fn record(title: &str) -> Value {
    json!({
        "title": title,
        "budget_yuan": 200_000,
        "contact": { "name": "李工", "phone": "0532-11111111" },
    })
}

#[tokio::test]
async fn lives_from_creation_to_withdrawal() {
    let server = TestServer::new();
    let created = server.put("demand", "x-1", record("水下焊接")).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.header("location"), "/v1/records/demand/x-1");
    let body = created.json();
    insta::assert_json_snapshot!("created_record", body, {
        "._revision" => "[revision]",
        "._created_at" => "[instant]",
        "._updated_at" => "[instant]",
    });
    let etag = created.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", body["_revision"]));

    let path = "/v1/records/demand/x-1";
    let read = server.get(path).await;
    assert_eq!((read.status, read.header("etag")), (200, &*etag));
    let unchanged = server.call("GET", path).header("if-none-match", &etag).send().await;
    assert_eq!(unchanged.status, 304);
    assert!(unchanged.body.is_empty());

    // What was read with every scope can be written back.
    let whole = server.call("GET", path).key(&server.admin).send().await.json();
    let mut changed = whole.clone();
    changed["title"] = json!("水下湿法焊接");
    let updated = server.put("demand", "x-1", changed).await;
    assert_eq!(updated.status, 200, "{}", updated.text());
    assert_ne!(updated.header("etag"), etag);
    assert_eq!(updated.json()["_created_at"], whole["_created_at"]);

    let deleted = server.call("DELETE", path).key(&server.admin).send().await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    server.get(path).await.is_problem(404, "not_found");
    let again = server.call("DELETE", path).key(&server.admin).send().await;
    again.is_problem(404, "not_found");
    assert_eq!(server.put("demand", "x-1", record("又来")).await.status, 201);
}

#[tokio::test]
async fn preconditions_guard_writes() {
    let server = TestServer::new();
    let put = |name: &'static str, value: String| {
        let call = server.call("PUT", "/v1/records/demand/p").key(&server.admin);
        call.header(name, &value).json(&record("甲")).send()
    };
    put("if-match", "\"1\"".into()).await.is_problem(412, "precondition_failed");
    put("if-match", "*".into()).await.is_problem(412, "precondition_failed");
    let created = put("if-none-match", "*".into()).await;
    assert_eq!(created.status, 201);
    let first = created.header("etag").to_owned();
    put("if-none-match", "*".into()).await.is_problem(412, "precondition_failed");
    let second = put("if-match", first.clone()).await;
    assert_eq!(second.status, 200);
    let stale = put("if-match", first.clone()).await.is_problem(412, "precondition_failed");
    let current = second.header("etag").trim_matches('"').to_owned();
    assert!(stale["detail"].as_str().unwrap().contains(&current), "{stale}");
    put("if-match", "7".into()).await.is_problem(400, "bad_header");
    put("if-none-match", "\"7\"".into()).await.is_problem(400, "bad_header");

    let delete = |tag: String| {
        let call = server.call("DELETE", "/v1/records/demand/p").key(&server.admin);
        call.header("if-match", &tag).send()
    };
    delete(first).await.is_problem(412, "precondition_failed");
    assert_eq!(delete(second.header("etag").to_owned()).await.status, 204);
}

#[tokio::test]
async fn an_idempotency_key_writes_once() {
    let server = TestServer::new();
    let post = |key: &str, name: &str, title: &str| {
        let call = server.call("POST", "/v1/records/demand").key(key);
        call.header("idempotency-key", name).json(&record(title)).send()
    };
    let first = post(&server.admin, "k-1", "一次").await;
    assert_eq!(first.status, 201, "{}", first.text());
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("/v1/records/demand/{id}"));
    // Also after the record has moved on, the first answer comes again.
    assert_eq!(server.put("demand", &id, record("改了")).await.status, 200);
    let again = post(&server.admin, "k-1", "一次").await;
    assert_eq!(again.status, 201);
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("etag"), first.header("etag"));
    post(&server.admin, "k-1", "另一次").await.is_problem(422, "idempotency_key_reused");
    // Another name, or another key's same name, is another write.
    for (key, name) in [(&server.admin, "k-2"), (&server.contributor, "k-1")] {
        let other = post(key, name, "一次").await;
        assert_eq!(other.status, 201);
        assert_ne!(other.json()["id"].as_str(), Some(&*id));
    }
    // A refused write leaves its name free.
    post(&server.admin, "k-3", "").await.is_problem(422, "invalid_record");
    assert_eq!(post(&server.admin, "k-3", "好了").await.status, 201);
    server.get("/v1/records/_idempotency/x").await.is_problem(404, "kind_not_found");
}

#[tokio::test]
async fn concurrent_requests_with_one_idempotency_key_write_once() {
    let server = TestServer::new();
    let posts = (0..8).map(|_| {
        let call = server.call("POST", "/v1/records/demand").key(&server.admin);
        call.header("idempotency-key", "same").json(&record("同时")).send()
    });
    let mut ids = std::collections::HashSet::new();
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.status, 201, "{}", answer.text());
        ids.insert(answer.json()["id"].to_string());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn created_records_get_an_id() {
    let server = TestServer::new();
    let post = |body: Value| {
        server.call("POST", "/v1/records/demand").key(&server.admin).json(&body).send()
    };
    let (one, two) = (post(record("一")).await, post(record("一")).await);
    assert_eq!((one.status, two.status), (201, 201));
    assert_ne!(one.json()["id"], two.json()["id"]);
    let found = server.get(one.header("location")).await;
    assert_eq!(found.json()["title"], "一");
    let mut named = record("名");
    named["id"] = json!("mine");
    assert_eq!(post(named.clone()).await.json()["id"], "mine");
    post(named).await.is_problem(409, "already_exists");
}

#[tokio::test]
async fn who_sees_what() {
    let server = TestServer::new();
    server.put("demand", "v", record("保密测试")).await;
    let path = "/v1/records/demand/v";
    let public = server.get(path).await.json();
    assert!(public.get("contact").is_none(), "absent, not null: {public}");
    assert!(public.get("_owner").is_none());
    for (key, sees) in [
        (&server.widget, false),
        (&server.contributor, true),
        (&server.reviewer, true),
        (&server.admin, true),
    ] {
        let answer = server.call("GET", path).key(key).send().await.json();
        assert_eq!(answer.get("contact").is_some(), sees, "{answer}");
    }
    assert_eq!(server.get(path).await.header("vary"), "authorization");
}

#[tokio::test]
async fn a_contribution_waits_for_its_reviewer() {
    let server = TestServer::new();
    let path = "/v1/records/demand/mine";
    let put =
        |key: &str, title: &str| server.call("PUT", path).key(key).json(&record(title)).send();
    let created = put(&server.contributor, "企业自报").await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["_state"], "pending");
    assert!(created.json().get("contact").is_some(), "its writer sees all of it");
    server.get(path).await.is_problem(404, "not_found");
    let others = server.call("GET", path).key(&server.other_contributor).send().await;
    others.is_problem(404, "not_found");
    for key in [&server.contributor, &server.reviewer, &server.admin] {
        assert_eq!(server.call("GET", path).key(key).send().await.status, 200);
    }
    put(&server.other_contributor, "别人的").await.is_problem(403, "forbidden");
    server.caught_up().await;
    assert_eq!(server.search(&[("q", "企业自报")]).await["total"], 0);

    let mut published = record("企业自报");
    published["_state"] = json!("published");
    let answer = server.put("demand", "mine", published).await;
    assert_eq!(answer.json()["_state"], "published");
    assert_eq!(answer.json()["_owner"], "one", "the owner stays");
    server.caught_up().await;
    assert_eq!(server.search(&[("q", "企业自报")]).await["total"], 1);
}

#[tokio::test]
async fn writes_are_found_soon() {
    let server = TestServer::new();
    for n in 0..5 {
        let title = format!("第{n}项石墨烯散热膜");
        let path = format!("/v1/records/demand/w-{n}?refresh=wait");
        let written =
            server.call("PUT", &path).key(&server.admin).json(&record(&title)).send().await;
        assert_eq!((written.status, written.header("kechuang-refresh")), (201, "done"));
        let page = server.search(&[("q", "石墨烯散热膜")]).await;
        assert_eq!(page["total"], n + 1, "found as soon as it is answered");
    }
    server.put("demand", "w-5", record("氮化硼散热膜")).await;
    let written = Instant::now();
    while server.search(&[("q", "\"氮化硼散热膜\"")]).await["total"] == 0 {
        assert!(written.elapsed() < Duration::from_secs(60), "never found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = "/v1/records/demand/w-5?refresh=wait";
    let deleted = server.call("DELETE", path).key(&server.admin).send().await;
    assert_eq!(deleted.status, 204);
    assert_eq!(server.search(&[("q", "\"氮化硼散热膜\"")]).await["total"], 0);
}

#[tokio::test]
async fn everything_acknowledged_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = TestServer::with(|config| config.data = data.clone());
    let written = server.put("demand", "kept", record("重启不丢")).await.json();
    let key = server.admin.clone();
    drop(server);
    let server = TestServer::with(|config| config.data = data);
    let read = server.call("GET", "/v1/records/demand/kept").key(&key).send().await;
    assert_eq!(read.json(), written);
}
