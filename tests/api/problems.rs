//! Bad requests: each is refused by name, and none is ours to answer for.

use serde_json::{Value, json};

use crate::{Answer, SHARED, TestServer, encode, search_path};

#[tokio::test]
async fn bad_searches() {
    let long = "长".repeat(513);
    let many = "kind,".repeat(21);
    let cursor = {
        let page = SHARED.search(&[("q", "需求"), ("limit", "5")]).await;
        page["next"].as_str().unwrap().to_owned()
    };
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("query", "x")], "unknown_parameter"),
        (&[("q", "a"), ("q", "b")], "bad_parameter"),
        (&[("q", "\0")], "bad_parameter"),
        (&[("q", &long)], "query_too_long"),
        (&[("kind", "nothing")], "unknown_kind"),
        (&[("kind", "demand,nothing")], "unknown_kind"),
        (&[("filter", "budget_yuan >")], "bad_filter"),
        (&[("filter", "nothing = 1")], "bad_filter"),
        (&[("filter", "contact.name = 王工")], "bad_filter"),
        (&[("filter", "budget_yuan = many")], "bad_filter"),
        (&[("filter", "published_on > 2026-02-30")], "bad_filter"),
        (&[("filter", "title = ")], "bad_filter"),
        (&[("filter", "((((")], "bad_filter"),
        (&[("filter", "progress = 'open")], "bad_filter"),
        (&[("select", "progress")], "bad_select"),
        (&[("select", "nothing:1")], "unknown_facet"),
        (&[("facets", "nothing")], "unknown_facet"),
        (&[("facets", "contact.name")], "unknown_facet"),
        (&[("facets", &many)], "too_many_facets"),
        (&[("sort", "nothing:asc")], "unknown_sort"),
        (&[("sort", "budget_yuan")], "bad_sort"),
        (&[("sort", "budget_yuan:up")], "bad_sort"),
        (&[("limit", "0")], "bad_limit"),
        (&[("limit", "101")], "bad_limit"),
        (&[("limit", "-1")], "bad_limit"),
        (&[("limit", "ten")], "bad_limit"),
        (&[("limit", "99999999999999999999999")], "bad_limit"),
        (&[("offset", "1001")], "offset_too_deep"),
        (&[("offset", "-1")], "offset_too_deep"),
        (&[("cursor", "zz")], "bad_cursor"),
        (&[("cursor", "7b7d")], "bad_cursor"),
        (&[("cursor", &cursor), ("q", "传感器")], "bad_cursor"),
        (&[("cursor", &cursor), ("q", "需求"), ("offset", "5")], "bad_cursor"),
        (&[("raw", "yes")], "bad_parameter"),
        (&[("in", "body")], "bad_parameter"),
        (&[("explain", "1")], "bad_parameter"),
    ];
    for (pairs, code) in cases {
        let path = search_path(pairs);
        let problem = SHARED.get(&path).await.is_problem(400, code);
        assert!(!problem["detail"].as_str().unwrap().contains('\0'), "{problem}");
    }
    let problem = SHARED.get("/v1/search?query=x").await.json();
    assert!(
        problem["detail"].as_str().unwrap().contains("one of q, in, kind, filter"),
        "{problem}"
    );
    let path = search_path(&[("filter", "progress = seeking AND budget_yuan ~ 5")]);
    let problem = SHARED.get(&path).await.json();
    insta::assert_json_snapshot!("bad_filter", problem);
}

/// Method, path, content type, body; status and code. Comes with an administrator's key.
type BadCall<'a> = (&'a str, &'a str, &'a str, &'a [u8], u16, &'a str);

#[tokio::test]
async fn bad_paths_methods_and_bodies() {
    let big = json!({ "q": "x".repeat(1 << 20) }).to_string();
    let deep = format!("{{\"q\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let ok = json!({ "title": "好" }).to_string();
    let record = "/v1/records/demand/r";
    let cases: &[BadCall] = &[
        ("GET", "/v1", "", b"", 404, "not_found"),
        ("GET", "/v1/nothing", "", b"", 404, "not_found"),
        ("GET", "/v1/search/", "", b"", 404, "not_found"),
        ("GET", "/v1/records/demand/none", "", b"", 404, "not_found"),
        ("GET", "/v1/records/nothing/x", "", b"", 404, "kind_not_found"),
        ("GET", "/v1/records/_key/x", "", b"", 404, "kind_not_found"),
        ("GET", "/v1/records/_secret/keys", "", b"", 404, "kind_not_found"),
        ("GET", "/v1/records/demand/%FF", "", b"", 400, "bad_path"),
        ("GET", "/v1/records/demand/a%00b", "", b"", 400, "bad_path"),
        ("GET", "/v1/records/demand/x?y=1", "", b"", 400, "unknown_parameter"),
        ("GET", "/v1/search?q=%FF", "", b"", 400, "bad_parameter"),
        ("GET", "/v1/search?%C3%28=1", "", b"", 400, "bad_parameter"),
        ("DELETE", "/v1/search", "", b"", 405, "method_not_allowed"),
        ("PATCH", record, "", b"", 405, "method_not_allowed"),
        ("PUT", "/v1/kinds", "", b"", 405, "method_not_allowed"),
        ("BREW", "/v1/search", "", b"", 405, "method_not_allowed"),
        ("POST", "/v1/search", "application/json", b"{\"q\": }", 400, "bad_json"),
        ("POST", "/v1/search", "application/json", b"", 400, "bad_json"),
        ("POST", "/v1/search", "application/json", b"{\"q\":\"\xff\"}", 400, "bad_json"),
        ("POST", "/v1/search", "application/json", deep.as_bytes(), 400, "bad_json"),
        ("POST", "/v1/search", "application/json", b"{\"q\":1,\"q\":2}", 400, "duplicate_member"),
        ("POST", "/v1/search", "application/json", b"[]", 400, "bad_body"),
        ("POST", "/v1/search", "application/json", b"null", 400, "bad_body"),
        ("POST", "/v1/search", "application/json", b"{\"nothing\":1}", 400, "unknown_parameter"),
        ("POST", "/v1/search", "application/json", b"{\"limit\":\"5\"}", 400, "bad_parameter"),
        ("POST", "/v1/search", "application/json", b"{\"limit\":101}", 400, "bad_limit"),
        ("POST", "/v1/search", "application/json", b"{\"q\":\"\\u0000\"}", 400, "bad_parameter"),
        ("POST", "/v1/search", "application/json", big.as_bytes(), 413, "body_too_large"),
        ("POST", "/v1/search", "text/plain", b"{}", 415, "unsupported_media_type"),
        ("POST", "/v1/search?q=1", "application/json", b"{}", 400, "unknown_parameter"),
        ("PUT", record, "text/csv", ok.as_bytes(), 415, "unsupported_media_type"),
        ("PUT", record, "application/json; charset=gbk", b"{}", 415, "unsupported_media_type"),
        ("PUT", record, "application/json", b"{", 400, "bad_json"),
        ("PUT", record, "application/json", b"\"x\"", 400, "bad_body"),
        (
            "PUT",
            record,
            "application/json",
            b"{\"title\":\"a\",\"contact\":{\"name\":\"b\",\"name\":\"c\"}}",
            400,
            "duplicate_member",
        ),
        ("PUT", record, "application/json", b"{}", 422, "invalid_record"),
        ("PUT", record, "application/json", b"{\"title\":1}", 422, "invalid_record"),
        ("PUT", record, "application/json", b"{\"title\":\"x\",\"y\":1}", 422, "invalid_record"),
        (
            "PUT",
            record,
            "application/json",
            b"{\"title\":\"x\",\"id\":\"y\"}",
            422,
            "invalid_record",
        ),
        ("PUT", record, "application/json", b"{\"title\":\"a\\u0000\"}", 422, "invalid_record"),
        ("PUT", "/v1/records/nothing/x", "application/json", b"{}", 404, "kind_not_found"),
        ("PUT", "/v1/records/_key/x", "application/json", b"{}", 404, "kind_not_found"),
        ("PUT", "/v1/records/demand/.x", "application/json", ok.as_bytes(), 400, "bad_id"),
        ("PUT", "/v1/records/demand/a%2Fb", "application/json", ok.as_bytes(), 400, "bad_id"),
        ("PUT", "/v1/records/demand/x?refresh=now", "", ok.as_bytes(), 400, "bad_parameter"),
        ("PUT", "/v1/records/demand/x?wait=1", "", ok.as_bytes(), 400, "unknown_parameter"),
        ("POST", "/v1/records/nothing", "application/json", b"{}", 404, "kind_not_found"),
        ("DELETE", "/v1/records/demand/none", "", b"", 404, "not_found"),
        ("POST", "/v1/bulk", "text/plain", b"{}", 415, "unsupported_media_type"),
    ];
    for (method, path, content_type, body, status, code) in cases {
        let mut call = SHARED.call(method, path).key(&SHARED.admin).body(body.to_vec());
        if !content_type.is_empty() {
            call = call.header("content-type", content_type);
        }
        let answer = call.send().await;
        assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text());
        answer.is_problem(*status, code);
        if *status == 405 {
            assert_ne!(answer.header("allow"), "", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn keys_are_checked_wherever_they_are_given() {
    let unknown = "kc_00000000_0123456789abcdef";
    let path = "/v1/records/demand/k";
    let body = json!({ "title": "x" });
    let write = |value: Option<String>| {
        let call = SHARED.call("PUT", path).json(&body);
        match value {
            Some(value) => call.header("authorization", &value),
            None => call,
        }
    };
    let answer = write(None).send().await;
    answer.is_problem(401, "unauthorized");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    for bad in [
        format!("Bearer {unknown}"),
        "Bearer".into(),
        "Basic a2M6".into(),
        "Bearer kc__".into(),
        "Bearer ../../etc".into(),
        format!("Bearer {}x", SHARED.admin),
    ] {
        let answer = write(Some(bad.clone())).send().await;
        answer.is_problem(401, "unknown_key");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        // A key that is given must be valid, also where none is needed.
        let read = SHARED.call("GET", "/v1/search").header("authorization", &bad).send().await;
        read.is_problem(401, "unknown_key");
    }
    for key in [&SHARED.widget, &SHARED.reviewer] {
        write(Some(format!("Bearer {key}"))).send().await.is_problem(403, "forbidden");
        assert_eq!(SHARED.call("GET", "/v1/search").key(key).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_key_is_unknown() {
    let server = TestServer::new();
    let id = server.contributor.split('_').nth(1).unwrap().to_owned();
    assert!(server.app.keys.revoke(&id).unwrap());
    let answer = server.call("GET", "/v1/search").key(&server.contributor).send().await;
    answer.is_problem(401, "unknown_key");
}

#[tokio::test]
async fn every_violation_is_named() {
    let record = json!({
        "title": "", "budget_yuan": -1, "published_on": "soon", "source_url": "http://a.example",
        "progress": "sometimes", "nothing": 1,
    });
    let call = SHARED.call("PUT", "/v1/records/demand/v").key(&SHARED.admin);
    let problem = call.json(&record).send().await.is_problem(422, "invalid_record");
    let mut places: Vec<&str> = problem["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| violation["pointer"].as_str().unwrap())
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        ["/budget_yuan", "/nothing", "/progress", "/published_on", "/source_url", "/title"]
    );
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.next(items.len())]
    }
}

const PIECES: &[&str] = &[
    "海洋",
    "传感器",
    "2026",
    "-",
    "\"",
    "'",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "=",
    "!=",
    ">=",
    "<",
    " ",
    "　",
    "%",
    "AND",
    "OR",
    "NOT",
    "IN",
    "TO",
    "EXISTS",
    "IS NULL",
    "WITHIN",
    "COVERS",
    "budget_yuan",
    "division_code",
    "370200",
    "progress",
    "kind",
    "demand",
    "\u{200b}",
    "\u{0301}",
    "𠮷",
    "👩‍🔬",
    "é",
    "ﬁ",
    "\u{feff}",
    "\\",
    "/",
    "a",
    "Z",
    "9",
    "99999999999999999999",
    "1e400",
    "NaN",
    "*",
    "?",
    "~",
    "^",
    "&",
    "#",
    "+",
    "\n",
    "\t",
    "asc",
];

fn nonsense(numbers: &mut Numbers) -> String {
    (0..numbers.next(12)).map(|_| numbers.pick(PIECES)).collect()
}

fn nobody_is_to_blame(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    }
    assert!(serde_json::from_slice::<Value>(&answer.body).is_ok(), "{what}: {}", answer.text());
}

#[tokio::test]
async fn nonsense_in_query_strings_is_never_our_fault() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let names = [
        "q", "in", "kind", "filter", "select", "facets", "sort", "limit", "offset", "cursor",
        "raw", "explain", "other",
    ];
    for _ in 0..300 {
        let pairs: Vec<String> = (0..1 + numbers.next(4))
            .map(|_| {
                // Most of the time something that might be right, so that more than the first check is reached.
                let name = match numbers.next(3) {
                    0 => numbers.pick(&names),
                    1 => "q",
                    _ => "filter",
                };
                format!("{name}={}", encode(&nonsense(&mut numbers)))
            })
            .collect();
        let path = format!("/v1/search?{}", pairs.join("&"));
        nobody_is_to_blame(&SHARED.get(&path).await, &path);
    }
    for q in (0..300).map(|_| nonsense(&mut numbers)) {
        let path = search_path(&[("q", &q)]);
        let answer = SHARED.get(&path).await;
        assert_eq!(answer.status, 200, "{q:?} is a query like any other: {}", answer.text());
    }
}

#[tokio::test]
async fn nonsense_in_bodies_is_never_our_fault() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    fn value(numbers: &mut Numbers, depth: usize) -> Value {
        match numbers.next(if depth > 3 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(numbers.next(2) == 0),
            2 => json!(numbers.next(1 << 40) as f64 / 7.0),
            3 => json!(-(numbers.next(1 << 40) as i64)),
            4 => json!(nonsense(numbers)),
            5 => (0..numbers.next(4)).map(|_| value(numbers, depth + 1)).collect(),
            _ => {
                let names = ["q", "kind", "limit", "title", "contact", "quantities", "name", "id"];
                let members: serde_json::Map<String, Value> = (0..numbers.next(5))
                    .map(|_| (numbers.pick(&names).to_owned(), value(numbers, depth + 1)))
                    .collect();
                members.into()
            }
        }
    }
    let server = TestServer::new();
    for _ in 0..300 {
        let body = value(&mut numbers, 0);
        for (method, path) in
            [("POST", "/v1/search"), ("PUT", "/v1/records/demand/n"), ("POST", "/v1/bulk")]
        {
            let answer = server.call(method, path).key(&server.admin).json(&body).send().await;
            nobody_is_to_blame(&answer, &format!("{method} {path} {body}"));
        }
        let mut cut = body.to_string().into_bytes();
        cut.truncate(numbers.next(cut.len() + 1));
        cut.push(numbers.next(256) as u8);
        let call = server.call("POST", "/v1/search").header("content-type", "application/json");
        nobody_is_to_blame(&call.body(cut).send().await, "a broken body");
    }
}
