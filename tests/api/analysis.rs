//! `/v1/gaps`, `/v1/statistics` and `/v1/clicks`.

use serde_json::{Value, json};

use super::{TestServer, sample};

#[tokio::test]
async fn gaps_are_counts_of_searches() {
    let server = TestServer::with(|_| {});
    server.fill(&sample()).await;
    let table = server.get("/v1/gaps?by=industry_codes&place=000000").await;
    assert_eq!(table.status, 200, "{}", table.text());
    let table = table.json();
    assert_eq!(
        (&table["from"]["value"], &table["to"]["value"]),
        (&json!("demand"), &json!("achievement"))
    );
    assert_eq!(table["total"], json!({ "from": 40, "to": 2 }));
    // Nothing of the sample has an industry: one row, of what has none, over the places.
    let rows = table["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["value"]), (1, &json!("")));
    assert_eq!(rows[0]["total"], table["total"]);
    let columns: Vec<&str> =
        table["columns"].as_array().unwrap().iter().map(|c| c["value"].as_str().unwrap()).collect();
    assert_eq!(columns, ["110000", "370000", ""]);
    for (column, cell) in columns.iter().zip(rows[0]["cells"].as_array().unwrap()).take(2) {
        let select = format!("division_code:{column}");
        for (kind, side) in [("demand", "from"), ("achievement", "to")] {
            let found = server.search(&[("kind", kind), ("select", &select)]).await;
            assert_eq!(cell[side], found["total"], "{kind} {column}");
        }
    }
    // Below a place its parts are counted; what cannot be counted is named.
    let below = server.get("/v1/gaps?place=370200").await.json();
    assert_eq!(below["place"].as_array().unwrap().len(), 3, "全国, 山东省, 青岛市");
    let reverse = server.get("/v1/gaps?from=demand&to=expert").await.json();
    assert_eq!(reverse["to"]["value"], "expert");
    for (query, code) in [
        ("from=nothing", "unknown_kind"),
        ("by=title", "bad_parameter"),
        ("within=zz", "bad_parameter"),
        ("place=999999", "bad_parameter"),
        ("region=370000", "unknown_parameter"),
    ] {
        server.get(&format!("/v1/gaps?{query}")).await.is_problem(400, code);
    }
}

#[tokio::test]
async fn searches_and_clicks_are_counted_and_told_to_those_who_may_know() {
    let server = TestServer::with(|config| config.search.popular_min_count = 1);
    server.fill(&sample()).await;
    for q in ["海洋传感器", "量子纠缠", "王工 13800138000", ""] {
        server.search(&[("q", q)]).await;
    }
    let click = async |body: &str| {
        let call =
            server.call("POST", "/v1/clicks").header("content-type", "text/plain;charset=UTF-8");
        call.body(body.to_owned()).send().await
    };
    assert_eq!(click(r#"{"kind":"demand","id":"d-0","position":2}"#).await.status, 204);
    for bad in [
        r#"{"kind":"demand","id":"none","position":1}"#,
        r#"{"kind":"_key","id":"x","position":1}"#,
        r#"{"kind":"demand","id":"d-0","position":0}"#,
        r#"{"kind":"demand","id":"d-0","position":101}"#,
        r#"{"kind":"demand","id":"d-0"}"#,
    ] {
        click(bad).await.is_problem(422, "invalid_feedback");
    }
    click(&format!("{{\"kind\":\"{}\"}}", "x".repeat(2_000)))
        .await
        .is_problem(413, "body_too_large");
    let told = server.call("GET", "/v1/statistics?days=2").key(&server.reviewer).send().await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    let today = &told["days"][1];
    assert_eq!((&today["searches"], &today["clicks"]), (&json!(3), &json!(1)));
    assert_eq!(today["reciprocal"], json!(0.5));
    let texts = |name: &str| -> Vec<String> {
        let counted = told[name].as_array().unwrap().iter();
        counted.map(|each: &Value| each["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (texts("asked"), texts("missed")),
        (vec!["海洋传感器".to_owned()], vec!["量子纠缠".to_owned()])
    );
    server.get("/v1/statistics").await.is_problem(401, "unauthorized");
    let weak = server.call("GET", "/v1/statistics").key(&server.contributor).send().await;
    weak.is_problem(403, "forbidden");
    let long = server.call("GET", "/v1/statistics?days=367").key(&server.admin).send().await;
    long.is_problem(400, "bad_parameter");
}
