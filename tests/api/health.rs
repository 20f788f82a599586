//! `/healthz`, `/readyz`, `/metrics`, and what every answer has.

use crate::{SHARED, TestServer};

#[tokio::test]
async fn alive_and_ready() {
    assert_eq!(SHARED.get("/healthz").await.json()["status"], "ok");
    SHARED.caught_up().await;
    let ready = SHARED.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ready")));
}

#[tokio::test]
async fn not_ready_when_stopping() {
    let server = TestServer::new();
    server.caught_up().await;
    assert_eq!(server.get("/readyz").await.status, 200);
    server.state.stop();
    let answer = server.get("/readyz").await;
    answer.is_problem(503, "not_ready");
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn counts_what_happens() {
    SHARED.get("/v1/search?q=metrics").await;
    SHARED.get("/nowhere/at/all").await;
    let answer = SHARED.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    let text = answer.text();
    for expected in [
        "kechuang_http_requests_total{route=\"/v1/search\",method=\"GET\",status=\"200\"}",
        "kechuang_http_request_seconds_bucket{route=\"/v1/search\",method=\"GET\",le=\"0.1\"}",
        "kechuang_http_requests_total{route=\"other\",method=\"GET\",status=\"404\"}",
        "kechuang_searches_total{rung=",
        "kechuang_index_lag_changes",
        "kechuang_records",
    ] {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
    assert!(!text.contains("/nowhere"), "paths that callers invent make no series");
}

#[tokio::test]
async fn every_answer_has_its_request_id() {
    let answer = SHARED.get("/healthz").await;
    assert_eq!(answer.header("x-request-id").len(), 16);
    let answer = SHARED.call("GET", "/nothing").header("x-request-id", "mine-1").send().await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    let answer = SHARED.call("GET", "/nothing").header("x-request-id", "not fit").send().await;
    assert_ne!(answer.header("x-request-id"), "not fit");
}

#[tokio::test]
async fn reads_are_open_to_other_origins_and_writes_are_not() {
    let preflight = |method: &'static str| {
        let call =
            SHARED.call("OPTIONS", "/v1/records/demand/x").header("origin", "https://a.example");
        call.header("access-control-request-method", method).send()
    };
    let read = preflight("GET").await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (204, "*"));
    assert_eq!(read.header("access-control-allow-credentials"), "");
    let write = preflight("PUT").await;
    assert_eq!(write.header("access-control-allow-origin"), "");
    let call = SHARED.call("PUT", "/v1/records/demand/x").header("origin", "https://a.example");
    assert_eq!(call.send().await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn serves_and_stops() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(kechuang::http::serve(
        listener,
        kechuang::http::router(server.state.clone()),
        server.state.clone(),
        async {
            let _ = stopped.await;
        },
    ));
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(9), serving).await;
    ended.expect("it stops at once when nothing is open").unwrap().unwrap();
    assert!(!server.state.is_ready());
}
