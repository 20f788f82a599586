//! `GET /v1/suggest`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{TestServer, encode};

async fn suggest(server: &TestServer, q: &str, rest: &str) -> Value {
    let answer = server.get(&format!("/v1/suggest?q={}{rest}", encode(q))).await;
    assert_eq!(answer.status, 200, "{q}: {}", answer.text());
    answer.json()
}

fn texts(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["text"].as_str().expect("a text").to_owned()).collect()
}

/// Asks until the answer is as expected; suggestions follow writes within a second or so.
async fn until(server: &TestServer, q: &str, rest: &str, is: impl Fn(&[String]) -> bool) {
    let started = Instant::now();
    loop {
        let found = texts(&suggest(server, q, rest).await);
        if is(&found) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{q}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn policy(id: &str, title: &str) -> Value {
    json!({ "kind": "policy", "id": id, "title": title })
}

async fn filled() -> TestServer {
    let server = TestServer::new();
    server
        .fill(&[
            policy("p-1", "新能源汽车推广应用财政补贴办法"),
            policy("p-2", "重庆市科技创新券管理办法"),
            json!({
                "kind": "policy", "id": "p-3", "title": "银行支持专精特新企业的若干措施",
                "document_number": "国科发火〔2016〕32号", "issuing_bodies": ["科学技术部"],
            }),
            json!({
                "kind": "achievement", "id": "a-1", "title": "5G NB-IoT 智能水表",
                "organization": "海洋传感器研究院", "keywords": ["窄带物联网"],
                "people": [{ "name": "沈砚秋" }], "contact": { "name": "王某某" },
            }),
            json!({
                "kind": "demand", "id": "d-1", "title": "动力电池回收与新能源储能",
                "organization": "海洋传感器研究院",
            }),
        ])
        .await;
    until(&server, "动力", "", |found| !found.is_empty()).await;
    server
}

#[tokio::test]
async fn every_way_of_typing_completes() {
    let server = filled().await;
    for (typed, expected) in [
        ("新", "新能源汽车推广应用财政补贴办法"),
        ("新能源储", "动力电池回收与新能源储能"),
        ("xinnengyuan", "新能源汽车推广应用财政补贴办法"),
        ("xny", "新能源汽车推广应用财政补贴办法"),
        ("xinneng汽车", "新能源汽车推广应用财政补贴办法"),
        ("XNYQC", "新能源汽车推广应用财政补贴办法"),
        ("chongqing", "重庆市科技创新券管理办法"),
        ("yinhang", "银行支持专精特新企业的若干措施"),
        ("國科發火 2016", "国科发火〔2016〕32号"),
        ("gkfh2016", "国科发火〔2016〕32号"),
        ("科学技", "科学技术部"),
        ("hycgq", "海洋传感器研究院"),
        ("shenyan", "沈砚秋"),
        ("zhaidai", "窄带物联网"),
        ("nbiot", "5G NB-IoT 智能水表"),
        ("5g nb", "5G NB-IoT 智能水表"),
    ] {
        let found = texts(&suggest(&server, typed, "").await);
        assert!(found.contains(&expected.to_owned()), "{typed}: {found:?}");
    }
    let found = suggest(&server, "zhongqing", "").await;
    assert_eq!(texts(&found), [""; 0], "重庆 is not read zhong");
}

#[tokio::test]
async fn shows_what_was_meant_and_where_it_is_from() {
    let server = filled().await;
    let page = suggest(&server, "cgq", "").await;
    let item = &page["items"][0];
    assert_eq!(item["text"], "海洋传感器研究院");
    assert_eq!(item["source"], "name");
    assert_eq!(item["kind"], Value::Null, "an achievement's and a demand's");
    assert_eq!(item["id"], Value::Null);
    let marks: Vec<(&str, bool)> = item["highlights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| (piece["text"].as_str().unwrap(), piece["hit"].as_bool().unwrap()))
        .collect();
    assert_eq!(marks, [("海洋", false), ("传感器", true), ("研究院", false)]);
    let title = &suggest(&server, "xnyqc", "&kind=policy").await["items"][0];
    assert_eq!((&title["kind"], &title["id"]), (&json!("policy"), &json!("p-1")));
    assert_eq!(title["source"], "title");
    assert_eq!(title["label"], json!({ "zh": "政策", "en": "Policy" }));
    assert_eq!(item["label"], Value::Null, "of no kind");
}

#[tokio::test]
async fn kinds_and_limits_are_kept() {
    let server = filled().await;
    let found = texts(&suggest(&server, "新能源", "&kind=demand").await);
    assert_eq!(found.iter().filter(|text| text.contains("推广应用")).count(), 0, "{found:?}");
    assert!(found.contains(&"动力电池回收与新能源储能".to_owned()));
    assert_eq!(texts(&suggest(&server, "新能源", "&limit=1").await).len(), 1);
    assert_eq!(texts(&suggest(&server, "", "").await), [""; 0]);
    assert_eq!(texts(&suggest(&server, "？！", "").await), [""; 0]);
}

#[tokio::test]
async fn nobody_is_offered_what_is_not_public() {
    let server = filled().await;
    for typed in ["王某", "wangmou"] {
        assert_eq!(texts(&suggest(&server, typed, "").await), [""; 0], "{typed}");
    }
    let draft = json!({ "kind": "demand", "title": "尚未审核的需求" });
    server.call("POST", "/v1/records/demand").key(&server.contributor).json(&draft).send().await;
    server.fill(&[policy("p-9", "尚在征求意见的办法")]).await;
    until(&server, "尚在", "", |found| !found.is_empty()).await;
    assert_eq!(texts(&suggest(&server, "尚未", "").await), [""; 0]);
}

#[tokio::test]
async fn follows_changes_and_forgets_what_is_withdrawn() {
    let server = filled().await;
    server.fill(&[policy("p-1", "氢能产业发展规划")]).await;
    until(&server, "qingneng", "", |found| found == ["氢能产业发展规划"]).await;
    until(&server, "推广应用", "", |found| found.is_empty()).await;
    let answer = server.call("DELETE", "/v1/records/achievement/a-1").key(&server.admin).send();
    assert_eq!(answer.await.status, 204);
    until(&server, "沈砚", "", |found| found.is_empty()).await;
    let left = suggest(&server, "海洋传感器", "").await;
    assert_eq!(left["items"][0]["kind"], "demand", "the other record still has the name");
}

#[tokio::test]
async fn terms_are_offered_that_some_record_holds() {
    let server = filled().await;
    until(&server, "zhuanjing", "", |found| found.contains(&"专精特新".to_owned())).await;
    let page = suggest(&server, "zjtx", "").await;
    assert_eq!(page["items"][0]["text"], "专精特新");
    assert_eq!(page["items"][0]["source"], "term");
    let found = texts(&suggest(&server, "dongshuxisuan", "").await);
    assert_eq!(found, [""; 0], "东数西算 is in the dictionary, and in no record");
}

#[tokio::test]
async fn what_is_asked_often_is_offered() {
    let server = TestServer::with(|config| config.search.popular_min_count = 1);
    server.fill(&[policy("p-1", "科技创新券使用办法")]).await;
    for q in ["创新券 使用", "13800138000 创新券", "没有这样的记录"] {
        server.get(&format!("/v1/search?q={}", encode(q))).await;
    }
    until(&server, "cxq sy", "", |found| found.contains(&"创新券 使用".to_owned())).await;
    let page = suggest(&server, "13800", "").await;
    assert_eq!(texts(&page), [""; 0], "somebody's number");
    assert_eq!(texts(&suggest(&server, "meiyou", "").await), [""; 0], "finds nothing");
}

#[tokio::test]
async fn refuses_by_name() {
    let server = TestServer::new();
    let problem = |path: &'static str| server.get(path);
    problem("/v1/suggest?q=a&query=b").await.is_problem(400, "unknown_parameter");
    problem("/v1/suggest?q=a&limit=51").await.is_problem(400, "bad_limit");
    problem("/v1/suggest?q=a&limit=x").await.is_problem(400, "bad_limit");
    problem("/v1/suggest?q=a&q=b").await.is_problem(400, "bad_parameter");
    problem("/v1/suggest?q=a&kind=law").await.is_problem(400, "unknown_kind");
    let long = "长".repeat(513);
    let answer = server.get(&format!("/v1/suggest?q={}", encode(&long))).await;
    answer.is_problem(400, "query_too_long");
}
