//! `GET …/matches`, `GET …/similar` and `POST /v1/match`.

use serde_json::{Value, json};

use crate::TestServer;

fn demand() -> Value {
    json!({
        "kind": "demand", "id": "d-1", "title": "海水淡化反渗透膜元件国产替代",
        "body": "寻求高脱盐率的海水反渗透膜元件，硼脱除率不低于93%，单支产水量≥34 m³/d，连续运行后衰减小。",
        "organization": "澜汐海水淡化公司", "budget_yuan": 6_000_000,
        "tech_fields": ["0701"], "division_code": "370211",
    })
}

async fn filled() -> TestServer {
    let server = TestServer::new();
    let achievement = |id: &str, title: &str, body: &str, organization: &str| {
        json!({
            "kind": "achievement", "id": id, "title": title, "body": body,
            "organization": organization, "tech_fields": ["0701"], "price_yuan": 2_000_000,
        })
    };
    let body = "超薄聚酰胺选择层的界面聚合工艺，海水淡化反渗透膜元件脱盐率达到99.8%，硼脱除率90%～92%，单支产水量1.5立方米/小时。";
    server
        .fill(&[
            demand(),
            achievement("a-1", "高脱盐率海水反渗透膜元件", body, "膜材料研究院"),
            achievement("a-2", "高脱盐率海水反渗透膜元件", body, "另一家研究院"),
            achievement("a-3", "污泥低温干化装备", "热泵干化，能耗低。", "环保研究院"),
            achievement("a-4", "海水淡化反渗透膜清洗剂", "反渗透膜的化学清洗。", "澜汐海水淡化公司"),
            json!({
                "kind": "expert", "id": "e-1", "title": "宋临渊", "research_fields": ["反渗透膜材料"],
            }),
            json!({
                "kind": "finance_product", "id": "f-1", "title": "研发贷", "applies_to": ["370200"],
                "max_amount_yuan": 10_000_000, "institution": "某银行",
            }),
        ])
        .await;
    server
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

/// Every item's reasons add up to its score, and scores fall along the list.
fn holds(page: &Value) {
    let mut before = 1.0;
    for item in page["items"].as_array().expect("items") {
        let score = item["score"].as_f64().expect("a score");
        let reasons = item["reasons"].as_array().expect("reasons");
        let sum: f64 = reasons.iter().map(|reason| reason["value"].as_f64().unwrap()).sum();
        assert!((sum - score).abs() < 0.01, "{item}");
        assert!((0.0..=before).contains(&score), "{item}");
        assert!(item["record"]["title"].is_string(), "{item}");
        before = score;
    }
}

#[tokio::test]
async fn a_stored_demand_finds_what_fits_with_reasons() {
    let server = filled().await;
    let answer = server.get("/v1/records/demand/d-1/matches?to=achievement").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    holds(&page);
    // a-2 says the same as a-1, and a-4 is the demander's own.
    assert_eq!(ids(&page)[0], "a-1", "{page}");
    assert!(!ids(&page).contains(&"a-2") && !ids(&page).contains(&"a-4"), "{page}");
    let first = &page["items"][0];
    assert_eq!(first["duplicates"], 1);
    let text = &first["reasons"][0];
    assert_eq!(text["signal"], "text");
    let terms: Vec<&str> = text["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|term| term["term"].as_str().unwrap())
        .collect();
    assert!(terms.iter().any(|term| "反渗透膜元件".contains(term)), "{terms:?}");
    assert!(text["evidence"]["to"].as_str().unwrap().contains("反渗透膜"), "{text}");
    let budget = first["reasons"].as_array().unwrap().iter().find(|r| r["signal"] == "budget");
    assert_eq!(budget.unwrap()["evidence"], json!({ "from": "600万元", "to": "200万元" }));
    let all = server.get("/v1/records/demand/d-1/matches?to=achievement&diversity=false").await;
    assert!(ids(&all.json()).contains(&"a-2"));
}

/// What became of the quantities of an item, by name.
fn proofs(item: &Value) -> Vec<(&str, &str, &str)> {
    let reasons = item["reasons"].as_array().expect("reasons").iter();
    let proofs = reasons.filter_map(|reason| reason["quantities"].as_array()).flatten();
    let text = |proof: &'_ Value, key: &str| proof[key].as_str().unwrap().to_owned();
    proofs
        .map(|proof| {
            assert_eq!(text(proof, "to").is_empty(), text(proof, "verdict") == "not_stated");
            let part = |key: &str| proof[key].as_str().expect("text");
            (part("from"), part("verdict"), part("to"))
        })
        .collect()
}

#[tokio::test]
async fn what_is_asked_is_proven_in_both_directions() {
    let server = filled().await;
    let expected = [
        ("硼脱除率不低于93%", "not_met", "硼脱除率90%～92%"),
        ("单支产水量≥34 m³/d", "met", "单支产水量1.5立方米/小时"),
    ];
    let page = server.get("/v1/records/demand/d-1/matches?to=achievement").await.json();
    assert_eq!(proofs(&page["items"][0]), expected);
    let item = page["items"].as_array().unwrap().iter().find(|item| item["id"] == "a-3").unwrap();
    assert!(proofs(item).iter().all(|(_, verdict, _)| *verdict == "not_stated"), "{item}");
    let page = server.get("/v1/records/achievement/a-1/matches?to=demand").await.json();
    holds(&page);
    assert_eq!(proofs(&page["items"][0]), expected, "the demand asks, whoever looks");
    let reasons = page["items"][0]["reasons"].as_array().unwrap();
    let missing = reasons.iter().find(|reason| reason["signal"] == "not_mentioned").unwrap();
    let words = missing["evidence"]["from"].as_str().unwrap();
    assert!(words.contains("替代") && !words.contains("界面聚合"), "{words}");
}

#[tokio::test]
async fn a_record_of_a_few_words_looks_with_words_of_its_like() {
    let server = TestServer::new();
    let called =
        |kind: &str, id: &str, title: &str| json!({ "kind": kind, "id": id, "title": title });
    let body = "蒸馏与结晶联用的中试线，处理高硬度、高氟、高砷地下原水，能耗、回收率、结垢倾向、清洗周期、药剂用量、\
                浓液去向、占地、投资、运维人工、寿命、噪声、自控程度均有第三方检测报告，供村镇集中供水站选用。";
    server
        .fill(&[
            called("achievement", "short", "苦咸水脱盐装置"),
            json!({ "kind": "achievement", "id": "long", "title": "苦咸水脱盐装置", "body": body }),
            called("achievement", "like", "苦咸水脱盐用反渗透膜组件"),
            called("achievement", "other", "污泥低温干化机"),
            called("demand", "d", "寻求反渗透膜组件国产替代"),
        ])
        .await;
    let page = server.get("/v1/records/achievement/short/matches?to=demand").await.json();
    holds(&page);
    assert_eq!(ids(&page), ["d"]);
    let reasons = page["items"][0]["reasons"].as_array().unwrap();
    let borrowed = reasons.iter().find(|reason| reason["signal"] == "borrowed").unwrap();
    assert!(borrowed["value"].as_f64().unwrap() > 0.0, "{borrowed}");
    assert_eq!(borrowed["evidence"]["from"], "苦咸水脱盐用反渗透膜组件");
    assert!(borrowed["evidence"]["to"].as_str().unwrap().contains("反渗透"), "{borrowed}");
    let text = reasons.iter().find(|reason| reason["signal"] == "text").unwrap();
    assert_eq!((&text["value"], text.get("terms")), (&json!(0.0), None), "shares nothing itself");
    let basis = page["basis"].as_array().unwrap();
    assert!(!basis.contains(&json!("反渗透")) && !basis.contains(&json!("组件")), "{basis:?}");
    // It says enough itself.
    let page = server.get("/v1/records/achievement/long/matches?to=demand").await.text();
    assert!(!page.contains("borrowed"), "{page}");
}

#[tokio::test]
async fn a_draft_finds_the_same_as_its_stored_twin() {
    let server = filled().await;
    let stored = server.get("/v1/records/demand/d-1/matches?to=achievement").await.json();
    let body = json!({ "record": demand(), "to": "achievement" });
    let draft = server.call("POST", "/v1/match").json(&body).send().await;
    assert_eq!(draft.status, 200, "{}", draft.text());
    assert_eq!(draft.json()["items"], stored["items"]);
}

#[tokio::test]
async fn every_direction_answers() {
    let server = filled().await;
    for path in [
        "/v1/records/demand/d-1/matches?to=expert",
        "/v1/records/demand/d-1/matches?to=service",
        "/v1/records/demand/d-1/matches?to=finance_product",
        "/v1/records/demand/d-1/matches?to=policy",
        "/v1/records/achievement/a-1/matches?to=demand",
        "/v1/records/achievement/a-1/matches?to=policy",
        "/v1/records/achievement/a-1/similar",
        "/v1/records/finance_product/f-1/similar",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        holds(&answer.json());
    }
    let reverse = server.get("/v1/records/achievement/a-1/matches?to=demand").await.json();
    assert_eq!(ids(&reverse), ["d-1"]);
    let profile = json!({ "reg_region": "370211", "industry": "D4630" });
    let body = json!({ "profile": profile, "to": "finance_product" });
    let answer = server.call("POST", "/v1/match").json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ids(&answer.json()), ["f-1"]);
    holds(&answer.json());
}

#[tokio::test]
async fn too_little_to_go_by_is_said() {
    let server = filled().await;
    let body = json!({ "record": { "kind": "demand", "title": "解决问题" }, "to": "achievement" });
    let page = server.call("POST", "/v1/match").json(&body).send().await.json();
    assert_eq!(page["items"], json!([]));
    assert_eq!(page["note"]["code"], "too_vague");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_name() {
    let server = filled().await;
    server.get("/v1/records/demand/d-1/matches").await.is_problem(400, "bad_parameter");
    server.get("/v1/records/demand/d-1/matches?to=x").await.is_problem(400, "unknown_kind");
    let problem = server.get("/v1/records/report/r/matches?to=demand").await;
    problem.is_problem(404, "not_found");
    let problem = server.get("/v1/records/expert/e-1/matches?to=policy").await;
    problem.is_problem(400, "no_pair");
    server.get("/v1/records/demand/none/matches?to=expert").await.is_problem(404, "not_found");
    server.get("/v1/records/demand/d-1/similar?limit=0").await.is_problem(400, "bad_limit");
    server.get("/v1/records/demand/d-1/similar?to=x").await.is_problem(400, "unknown_parameter");
    let body = json!({ "record": { "kind": "demand", "price": 1 }, "to": "achievement" });
    let answer = server.call("POST", "/v1/match").json(&body).send().await;
    answer.is_problem(422, "invalid_record");
    // A profile is held to its attributes.
    let profile = json!({ "staf": 20, "industry": "D4630", "staff": [] });
    let body = json!({ "profile": profile, "to": "finance_product" });
    let answer = server.call("POST", "/v1/match").json(&body).send().await;
    answer.is_problem(422, "bad_profile");
    let pointers: Vec<Value> = answer.json()["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| violation["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/profile/staf", "/profile/staff"]);
    assert!(answer.text().contains("did you mean \\\"staff\\\""), "{}", answer.text());
}

#[tokio::test]
async fn conditions_are_evaluated_for_a_profile() {
    let server = TestServer::new();
    let product = |id: &str, staff: i64| {
        json!({
            "kind": "finance_product", "id": id, "title": format!("信用贷 {id}"),
            "conditions": [{ "id": "c1", "text": "职工人数要求", "clause": "申请条件", "all": [
                { "attr": "staff", "op": "ge", "value": staff },
                { "attr": "quals", "op": "has", "value": "gaoxin" },
            ] }],
        })
    };
    let silent = json!({ "kind": "finance_product", "id": "silent", "title": "信用贷" });
    server.fill(&[product("meets", 10), product("fails", 500), silent]).await;
    server.caught_up().await;
    let matches = async |profile: Value| {
        let body = json!({ "profile": profile, "to": "finance_product", "diversity": false });
        let answer = server.call("POST", "/v1/match").json(&body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let reason = |page: &Value, id: &str| -> Option<Value> {
        let items = page["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["id"] == id).expect("it is listed");
        let reasons = item["reasons"].as_array().unwrap();
        reasons.iter().find(|reason| reason["signal"] == "conditions").cloned()
    };
    let page = matches(json!({ "staff": 20, "quals": ["高新技术企业"] })).await;
    assert_eq!(ids(&page), ["meets", "silent", "fails"], "{page}");
    let (meets, fails) = (reason(&page, "meets").unwrap(), reason(&page, "fails").unwrap());
    assert_eq!((&meets["verdict"], &fails["verdict"]), (&json!("pass"), &json!("fail")));
    assert!(meets["value"].as_f64().unwrap() > 0.0 && fails["value"] == 0.0, "{meets} {fails}");
    assert!(fails["evidence"]["from"].as_str().unwrap().contains("500"), "{fails}");
    assert!(reason(&page, "silent").is_none(), "what states nothing is not judged");
    let page = matches(json!({ "staff": 20 })).await;
    assert_eq!(reason(&page, "meets").unwrap()["verdict"], "unknown");
    holds(&page);
}
