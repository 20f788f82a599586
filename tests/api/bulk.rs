//! `POST /v1/bulk`.

use axum::body::Body;
use futures_util::stream;
use serde_json::{Value, json};

use crate::{Answer, TestServer};

async fn bulk(server: &TestServer, body: impl Into<Body>) -> Answer {
    let call = server.call("POST", "/v1/bulk").key(&server.admin);
    call.header("content-type", "application/x-ndjson").body(body).send().await
}

fn line(id: &str) -> String {
    json!({ "kind": "demand", "id": id, "title": format!("批量{id}") }).to_string()
}

#[tokio::test]
async fn one_result_a_line_in_order() {
    let server = TestServer::new();
    let body = [
        line("b-1").into_bytes(),
        b"{not json".to_vec(),
        Vec::new(),
        b"{\"kind\":\"demand\",\"title\":\"\xff\xfe\"}".to_vec(),
        json!({ "kind": "demand", "id": "b-2" }).to_string().into_bytes(),
        json!({ "kind": "nothing", "title": "x" }).to_string().into_bytes(),
        json!({ "title": "没有类别" }).to_string().into_bytes(),
        json!({ "kind": "demand", "id": "a/b", "title": "x" }).to_string().into_bytes(),
        b"[1,2]".to_vec(),
        line("b-1").into_bytes(),
        line("b-3").into_bytes(),
    ]
    .join(&b"\r\n"[..]);
    let answer = bulk(&server, body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"));
    let results: Vec<(u64, u64, String)> = answer
        .lines()
        .iter()
        .map(|result| {
            let code = result["code"].as_str().or(result["id"].as_str()).unwrap();
            (result["line"].as_u64().unwrap(), result["status"].as_u64().unwrap(), code.to_owned())
        })
        .collect();
    let expected = [
        (1, 201, "b-1"),
        (2, 400, "bad_json"),
        (4, 400, "bad_json"),
        (5, 422, "invalid_record"),
        (6, 422, "invalid_record"),
        (7, 422, "invalid_record"),
        (8, 422, "invalid_record"),
        (9, 400, "bad_body"),
        (10, 200, "b-1"),
        (11, 201, "b-3"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(line, status, code)| (*line, *status, code.to_string())).collect();
    assert_eq!(results, expected);
    assert_eq!(server.get("/v1/records/demand/b-3").await.status, 200);
    let refused = &answer.lines()[3];
    assert_eq!(refused["violations"][0]["pointer"], "/title", "{refused}");
}

#[tokio::test]
async fn ten_thousand_lines_in_pieces() {
    let server = TestServer::new();
    let body: String = (0..10_000).map(|n| format!("{}\n", line(&format!("m-{n}")))).collect();
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        body.as_bytes().chunks(7_001).map(|chunk| Ok(chunk.to_vec())).collect();
    let answer = bulk(&server, Body::from_stream(stream::iter(chunks))).await;
    let results = answer.lines();
    assert_eq!(results.len(), 10_000);
    let mut last = 0;
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["line"].as_u64(), Some(at as u64 + 1));
        assert_eq!(result["status"], 201, "{result}");
        assert_eq!(result["id"], format!("m-{at}"));
        let revision = result["revision"].as_u64().unwrap();
        assert!(revision > last);
        last = revision;
    }
    assert_eq!(server.get("/v1/records/demand/m-9999").await.status, 200);
}

#[tokio::test]
async fn a_line_over_its_bound_is_refused_alone() {
    let server = TestServer::new();
    let long = format!("{{\"kind\":\"demand\",\"title\":\"{}\"}}", "长".repeat(400_000));
    let answer = bulk(&server, format!("{}\n{long}\n{}", line("l-1"), line("l-2"))).await;
    let statuses: Vec<Value> =
        answer.lines().iter().map(|result| result["status"].clone()).collect();
    assert_eq!(statuses, [201, 413, 201]);
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused_whole() {
    let mut server = TestServer::new();
    server.state.limits.bulk_bytes = 2_000;
    server.router = kechuang::http::router(server.state.clone());
    let body = "x".repeat(2_001);
    bulk(&server, body).await.is_problem(413, "body_too_large");
}

#[tokio::test]
async fn nothing_to_write_and_nobody_to_write_it() {
    let server = TestServer::new();
    for empty in ["", "\n\r\n  \n"] {
        let answer = bulk(&server, empty).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }
    let call = server.call("POST", "/v1/bulk").body(line("n-1"));
    let answer = call.header("content-type", "application/x-ndjson").send().await;
    answer.is_problem(401, "unauthorized");
    server.get("/v1/records/demand/n-1").await.is_problem(404, "not_found");
    let call = server.call("POST", "/v1/bulk").key(&server.widget).body(line("n-1"));
    call.send().await.is_problem(403, "forbidden");
}
