//! What goes over the wire: requests that no handler sees, and methods that every path has.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use kechuang::http::serve;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::{SHARED, TestServer};

/// Sends bytes and reads what comes until the connection is closed.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_explained() {
    let server = TestServer::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = serve(listener, server.router.clone(), server.state.clone(), async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);
    let asked = tokio::task::spawn_blocking(move || {
        let long = "x".repeat(100_000);
        let host = "host: localhost\r\nconnection: close\r\n";
        let cases = [
            (format!("GET /v1/search?q={long} HTTP/1.1\r\n{host}\r\n"), 414, "uri_too_long"),
            ("nonsense\r\n\r\n".to_owned(), 400, "bad_request"),
            (format!("GET /v1/se arch HTTP/1.1\r\n{host}\r\n"), 400, "bad_request"),
            (
                format!("GET / HTTP/1.1\r\n{host}x: {}\r\n\r\n", long.repeat(8)),
                431,
                "headers_too_large",
            ),
        ];
        for (request, status, code) in cases {
            let answer = exchange(address, request.as_bytes());
            let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains("content-type: application/problem+json"), "{head}");
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
            let problem: Value = serde_json::from_str(body).unwrap();
            assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()));
        }
        // Answers of handlers pass as they are, and a HEAD has none.
        let get = exchange(address, format!("GET /v1/nothing HTTP/1.1\r\n{host}\r\n").as_bytes());
        assert!(get.starts_with("HTTP/1.1 404 ") && get.contains("\"not_found\""), "{get}");
        let head = exchange(address, format!("HEAD /v1/kinds HTTP/1.1\r\n{host}\r\n").as_bytes());
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
        let head = exchange(address, format!("HEAD /v1/nothing HTTP/1.1\r\n{host}\r\n").as_bytes());
        assert!(head.starts_with("HTTP/1.1 404 ") && head.ends_with("\r\n\r\n"), "{head}");
    });
    asked.await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn every_path_says_what_it_takes() {
    for (path, allowed) in [
        ("/v1/search", "GET,HEAD,POST"),
        ("/v1/records/demand/d-0", "DELETE,GET,HEAD,PUT"),
        ("/indexes/demand/search", "GET,HEAD,POST"),
    ] {
        let answer = SHARED.call("OPTIONS", path).send().await;
        assert_eq!(answer.status, 204, "{path}: {}", answer.text());
        let mut methods: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allowed, "{path}");
    }
    SHARED.call("OPTIONS", "/v1/nothing").send().await.is_problem(404, "not_found");
    for path in ["/v1/search?q=海洋", "/v1/records/demand/d-0", "/v1/openapi.json", "/indexes"] {
        let path = path.replace("海洋", "%E6%B5%B7%E6%B4%8B");
        let head = SHARED.call("HEAD", &path).send().await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
    }
}
