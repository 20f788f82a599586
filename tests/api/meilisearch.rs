//! The read side of Meilisearch's API: shapes of answers and errors. `tests/clients` asks it with the real clients.

use serde_json::{Value, json};

use crate::{Answer, SHARED, encode};

async fn post(path: &str, body: &Value) -> Answer {
    SHARED.call("POST", path).json(body).send().await
}

async fn search(body: Value) -> Value {
    let answer = post("/indexes/demand/search", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Asserts that this is an error of that status and code, in Meilisearch's shape.
#[track_caller]
fn is_refused(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let error = answer.json();
    assert_eq!(error["code"], code, "{error}");
    let members: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 4, "{error}");
    for member in ["message", "type", "link"] {
        assert!(error[member].as_str().is_some_and(|text| !text.is_empty()), "{error}");
    }
    error
}

#[tokio::test]
async fn a_hit_looks_as_clients_expect() {
    let mut page = search(json!({
        "q": "海洋传感器", "limit": 1, "facets": ["progress", "budget_yuan"],
        "filter": "budget_yuan <= 50000",
        "attributesToRetrieve": ["id", "title", "budget_yuan", "summary"],
        "attributesToHighlight": ["title"], "attributesToCrop": ["summary"], "cropLength": 4,
        "showMatchesPosition": true,
    }))
    .await;
    page["processingTimeMs"] = json!(0);
    insta::assert_json_snapshot!("meilisearch_page", page);
}

#[tokio::test]
async fn bad_requests_are_refused_in_its_shape() {
    let cases: &[(&str, Value, u16, &str)] = &[
        ("/indexes/nothing/search", json!({}), 404, "index_not_found"),
        ("/indexes/demand/search", json!({ "query": "a" }), 400, "bad_request"),
        ("/indexes/demand/search", json!({ "q": 1 }), 400, "invalid_search_q"),
        ("/indexes/demand/search", json!({ "q": "a\0" }), 400, "invalid_search_q"),
        ("/indexes/demand/search", json!({ "q": "长".repeat(513) }), 400, "invalid_search_q"),
        ("/indexes/demand/search", json!({ "limit": -1 }), 400, "invalid_search_limit"),
        ("/indexes/demand/search", json!({ "sort": ["title:asc"] }), 400, "invalid_search_sort"),
        ("/indexes/demand/search", json!({ "facets": ["x"] }), 400, "invalid_search_facets"),
        ("/indexes/demand/search", json!({ "filter": 1 }), 400, "invalid_search_filter"),
        ("/indexes/demand/search", json!({ "filter": "a = 1" }), 400, "invalid_search_filter"),
        ("/indexes/demand/search", json!([]), 400, "malformed_payload"),
        ("/indexes/demand/facet-search", json!({}), 400, "missing_facet_search_facet_name"),
        (
            "/indexes/demand/documents/fetch",
            json!({ "limit": 1001 }),
            400,
            "invalid_document_limit",
        ),
        (
            "/indexes/demand/documents/fetch",
            json!({ "offset": 1e9 }),
            400,
            "invalid_document_offset",
        ),
        ("/indexes/demand/documents", json!([]), 405, "method_not_allowed"),
        ("/indexes/demand/nothing", json!([]), 404, "not_found"),
        ("/multi-search", json!({}), 400, "bad_request"),
        ("/multi-search", json!({ "queries": [1] }), 400, "bad_request"),
        ("/multi-search", json!({ "queries": [{}] }), 400, "missing_index_uid"),
        (
            "/multi-search",
            json!({ "queries": vec![json!({ "indexUid": "demand" }); 51] }),
            400,
            "bad_request",
        ),
        (
            "/multi-search",
            json!({ "queries": [], "federation": 1 }),
            400,
            "invalid_multi_search_federation",
        ),
    ];
    for (path, body, status, code) in cases {
        is_refused(&post(path, body).await, *status, code);
    }
    let call = || SHARED.call("POST", "/indexes/demand/search");
    let twice = call().body("{\"q\":\"a\",\"q\":\"b\"}").send().await;
    let error = is_refused(&twice, 400, "malformed_payload");
    assert!(error["message"].as_str().unwrap().starts_with("q: expected each member once"));
    is_refused(&call().body("{").send().await, 400, "malformed_payload");
    is_refused(
        &call().header("content-type", "text/csv").send().await,
        415,
        "invalid_content_type",
    );
    is_refused(&call().body("x".repeat(2 << 20)).send().await, 413, "payload_too_large");
    is_refused(&call().key("nobody").body("{}").send().await, 403, "invalid_api_key");
    let second =
        json!({ "queries": [{ "indexUid": "demand" }, { "indexUid": "demand", "page": "x" }] });
    let error = is_refused(&post("/multi-search", &second).await, 400, "invalid_search_page");
    assert!(error["message"].as_str().unwrap().starts_with("Inside `.queries[1]`: "), "{error}");
    for path in ["/indexes/demand/search?limit=x", "/indexes/demand/search?limit=1&limit=2"] {
        is_refused(&SHARED.get(path).await, 400, "invalid_search_limit");
    }
    is_refused(&SHARED.get("/indexes/demand/settings/nothing").await, 404, "not_found");
    is_refused(&SHARED.get("/indexes/demand/documents/%FF").await, 400, "bad_request");
    is_refused(&SHARED.get("/indexes/_key/documents").await, 404, "index_not_found");
    is_refused(&SHARED.call("PUT", "/multi-search").send().await, 405, "method_not_allowed");
}

#[tokio::test]
async fn what_only_some_may_see_stays_with_them() {
    let path = "/indexes/demand/documents/d-0";
    let open = SHARED.get(path).await.json();
    assert_eq!(open["contact"], Value::Null);
    let known = SHARED.call("GET", path).key(&SHARED.admin).send().await.json();
    assert_eq!(known["contact"]["name"], "王工");
    let hit = search(json!({ "q": "海洋", "attributesToRetrieve": ["contact.name", "id"] })).await;
    assert_eq!(hit["hits"][0].as_object().unwrap().len(), 1, "{hit}");
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let ask = |method: &'static str, path: &'static str| {
        SHARED
            .call("OPTIONS", path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "content-type,x-meilisearch-client")
            .send()
    };
    for path in ["/multi-search", "/indexes/demand/search", "/indexes/demand/facet-search"] {
        let allowed = ask("POST", path).await;
        assert_eq!(allowed.header("access-control-allow-methods"), "POST", "{path}");
        assert!(allowed.header("access-control-allow-headers").contains("x-meilisearch-client"));
    }
    assert_eq!(
        ask("POST", "/indexes/demand/documents").await.header("access-control-allow-methods"),
        ""
    );
    let answer = post("/multi-search", &json!({ "queries": [] })).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn more_hits_than_a_page_of_ours_are_given() {
    let page = search(json!({ "limit": 1000 })).await;
    assert_eq!(page["hits"].as_array().unwrap().len(), 40);
    assert_eq!(page["estimatedTotalHits"], 40);
    let deep = search(json!({ "offset": 1_000_000 })).await;
    assert_eq!(deep["hits"], json!([]));
    let path = format!("/indexes/demand/search?q={}&hitsPerPage=3&page=2", encode("海洋传感器"));
    let second = SHARED.get(&path).await.json();
    assert_eq!(second["totalHits"], 5);
    assert_eq!(second["totalPages"], 2);
    assert_eq!(second["hits"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn odd_requests_are_never_our_fault() {
    let odd = [
        json!(null),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("*"),
        json!("a:b"),
        json!("\u{0}"),
        json!([]),
        json!(["*"]),
        json!([[[]]]),
        json!({}),
        json!({ "a": 1 }),
        json!(true),
        json!(["budget_yuan > 1", ["progress = x"]]),
        json!("budget_yuan:asc"),
    ];
    let names = [
        "q",
        "offset",
        "limit",
        "page",
        "hitsPerPage",
        "filter",
        "facets",
        "sort",
        "attributesToRetrieve",
        "attributesToHighlight",
        "attributesToCrop",
        "cropLength",
        "cropMarker",
        "highlightPreTag",
        "locales",
        "showMatchesPosition",
        "showRankingScore",
        "matchingStrategy",
        "distinct",
        "vector",
        "facetName",
        "facetQuery",
        "ids",
        "fields",
        "indexUid",
        "federationOptions",
    ];
    for name in names {
        for value in &odd {
            let query = json!({ name: value, "attributesToHighlight": ["*"] });
            let one = json!({ "indexUid": "demand", name: value });
            for (path, body) in [
                ("/indexes/demand/search", query.clone()),
                ("/indexes/demand/facet-search", json!({ "facetName": "progress", name: value })),
                ("/indexes/demand/documents/fetch", json!({ name: value })),
                ("/multi-search", json!({ "queries": [one.clone()] })),
                ("/multi-search", json!({ "queries": [one], "federation": { name: value } })),
            ] {
                let answer = post(path, &body).await;
                assert!(answer.status < 500, "{path} {body}: {}", answer.text());
                if answer.status != 200 {
                    assert!(answer.json()["code"].is_string(), "{path} {body}: {}", answer.text());
                }
            }
        }
    }
}
