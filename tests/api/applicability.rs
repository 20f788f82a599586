//! `/v1/applicability`, `/v1/profiles` and the versions of records.

use serde_json::{Value, json};

use crate::{SHARED, TestServer};

/// A city's measure with two conditions, and the one that it replaced in 2024.
async fn server() -> TestServer {
    let server = TestServer::new();
    let staff = |bound: i64| json!([{ "attr": "staff", "op": "ge", "value": bound }]);
    for record in [
        json!({
            "kind": "policy", "id": "new", "title": "新办法", "applies_to": ["370200"], "effective_on": "2024-01-01",
            "fidelity": "full", "relations": [{ "type": "replaces", "id": "old" }],
            "windows": [{ "kind": "batch", "opens": "2026-01-01", "closes": "2026-12-31", "rules_as_of": "2026-06-30" }],
            "conditions": [
                { "id": "c1", "text": "职工10人以上", "clause": "第一条", "all": staff(10) },
                { "id": "c2", "text": "上年度研发费用100万元以上", "clause": "第二条", "all": [
                    { "attr": "rd_expense", "period": "Y-1", "op": "ge", "value": 100, "unit": "万元" },
                ] },
            ],
            "amounts": [{ "id": "a1", "kind": "rate", "rate": 0.1, "base": "rd_expense[Y-1]", "cap": 50, "unit": "万元", "clause": "第三条" }],
            "stacking": [{ "rule": "exclusive", "group": "g", "clause": "第九条", "text": "不重复享受" }],
        }),
        json!({
            "kind": "policy", "id": "old", "title": "旧办法", "applies_to": ["370200"], "effective_on": "2020-01-01",
            "conditions": [{ "id": "c1", "text": "职工5人以上", "clause": "第一条", "all": staff(5) }],
        }),
        json!({
            "kind": "policy", "id": "other", "title": "另一办法", "applies_to": ["370200"],
            "conditions": [{ "id": "c1", "text": "职工1人以上", "clause": "第一条", "all": staff(1) }],
            "amounts": [{ "id": "a1", "kind": "fixed", "value": 50000, "clause": "第二条" }],
            "stacking": [{ "rule": "exclusive", "group": "g", "clause": "第八条", "text": "只享受一项" }],
        }),
        json!({ "kind": "policy", "id": "jinan", "title": "济南办法", "applies_to": ["370100"] }),
        json!({ "kind": "policy", "id": "words", "title": "只有文字", "applies_to": ["370000"], "audience": ["enterprise"] }),
    ] {
        let path = format!("/v1/records/policy/{}", record["id"].as_str().unwrap());
        let answer = server.call("PUT", &path).key(&server.admin).json(&record).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    server
}

async fn check(server: &TestServer, body: Value) -> Value {
    let answer = server.call("POST", "/v1/applicability").json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn item<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let items = answer["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id}: {answer}"))
}

#[tokio::test]
async fn a_profile_is_checked() {
    let server = server().await;
    let profile = json!({
        "reg_region": "370212", "entity_type": "company", "staff": 20, "rd_expense": { "2025": 3_000_000 },
    });
    let answer = check(&server, json!({ "profile": profile, "as_of": "2026-11-23" })).await;
    assert_eq!(answer["summary"], json!({ "pass": 2, "near": 0, "unknown": 1, "fail": 0 }));
    assert_eq!(
        answer["excluded"],
        json!([
            { "reason": "region", "label": "注册地不在适用地区", "count": 1 },
            { "reason": "no_longer_in_force", "label": "当日已失效、废止或被替代", "count": 1 },
        ])
    );
    let new = item(&answer, "new");
    assert_eq!(
        (&new["verdict"], &new["near"], &new["say"]),
        (&json!("pass"), &json!(false), &json!("符合"))
    );
    assert_eq!(new["conditions"][1]["have"], json!([3_000_000]));
    assert_eq!(new["conditions"][1]["need"], json!([1_000_000]));
    assert_eq!(new["conditions"][1]["clause"], "第二条");
    assert_eq!(new["conditions"][1]["need_data"], json!([]));
    assert_eq!(new["amount"]["status"], "exact");
    assert_eq!(new["amount"]["yuan"], 300_000);
    assert_eq!(
        new["window"],
        json!({ "state": "open", "opens": "2026-01-01", "closes": "2026-12-31", "days_left": 38 })
    );
    assert_eq!(new["rules"]["as_of"], "2026-06-30");
    assert_eq!(new["rules"]["year"], 2026);
    let words = item(&answer, "words");
    assert_eq!(words["verdict"], "unknown");
    assert!(words["say"].as_str().unwrap().contains("条件未结构化"), "{words}");
    // One of the two that exclude each other, and why not the other one.
    let portfolio = &answer["portfolio"];
    assert_eq!(portfolio["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&portfolio["items"][0]["id"], &portfolio["high"]),
        (&json!("new"), &json!(300_000))
    );
    assert_eq!(portfolio["exclusions"][0]["id"], "other");
    assert_eq!(portfolio["exclusions"][0]["because_of"], "new");
}

#[tokio::test]
async fn an_answer_names_the_version_that_decided() {
    let server = server().await;
    let staff = |bound: i64| json!([{ "attr": "staff", "op": "ge", "value": bound }]);
    let mut record = json!({
        "kind": "policy", "id": "turned", "title": "改过门槛", "applies_to": ["370200"], "effective_on": "2020-01-01",
        "expires_on": "2027-12-31",
        "conditions": [
            { "id": "c1", "text": "职工5人以上", "clause": "第一条", "all": staff(5), "valid_to": "2024-12-31" },
            { "id": "c2", "text": "职工50人以上", "clause": "第一条", "all": staff(50), "valid_from": "2025-01-01" },
        ],
    });
    let write = |record: Value| {
        let call = server.call("PUT", "/v1/records/policy/turned").key(&server.admin);
        async move { call.json(&record).send().await.json()["_revision"].clone() }
    };
    let version = |as_of: &'static str| {
        let body = json!({
            "profile": { "reg_region": "370212", "staff": 20 }, "as_of": as_of, "ids": ["turned"],
        });
        let server = &server;
        async move {
            let answer = check(server, body).await;
            let item = item(&answer, "turned");
            (item["verdict"].clone(), item["version"].clone(), answer["profile_digest"].clone())
        }
    };
    let revision = write(record.clone()).await;
    let (verdict, before, digest) = version("2023-06-30").await;
    assert_eq!(verdict, "pass");
    let expected =
        json!({ "revision": revision, "valid_from": "2020-01-01", "valid_to": "2024-12-31" });
    assert_eq!(before, expected);
    let (verdict, after, same) = version("2026-11-23").await;
    assert_eq!(verdict, "fail");
    let expected =
        json!({ "revision": revision, "valid_from": "2025-01-01", "valid_to": "2027-12-31" });
    assert_eq!(after, expected);
    // What was said is named by the same digest on every day, and by another one when it is something else.
    assert_eq!(digest, same);
    let other = check(&server, json!({ "profile": { "reg_region": "370212", "staff": 21 } })).await;
    assert_ne!(other["profile_digest"], digest);
    record["title"] = json!("又改过");
    let again = write(record).await;
    assert_ne!(again, revision);
    assert_eq!(version("2026-11-23").await.1["revision"], again);
    // What another one ended holds up to the day before.
    let body = json!({ "profile": {}, "as_of": "2026-11-23", "ids": ["old"] });
    let old = check(&server, body).await;
    assert_eq!(item(&old, "old")["version"]["valid_to"], "2023-12-31");
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let server = server().await;
    let answer =
        check(&server, json!({ "profile": { "reg_region": "370212", "staff": 20 } })).await;
    let new = item(&answer, "new");
    assert_eq!(new["verdict"], "unknown");
    assert_eq!(new["conditions"][1]["need_data"], json!(["rd_expense[Y-1]"]));
    assert_eq!(new["amount"]["status"], "range");
    assert_eq!((&new["amount"]["low"], &new["amount"]["high"]), (&json!(0), &json!(500_000)));
    let question = &answer["questions"][0];
    assert_eq!(question["attribute"], "rd_expense");
    assert!(question["decides"].as_u64().unwrap() >= 1, "{question}");
    let body = json!({
        "profile": { "reg_region": "370212", "staff": 20 }, "assume": { "rd_expense": { "2025": 900_000 } },
    });
    let answer = check(&server, body).await;
    let new = item(&answer, "new");
    assert_eq!((&new["verdict"], &new["near"]), (&json!("fail"), &json!(true)));
    assert_eq!(new["conditions"][1]["assumed"], true);
    assert!(new["say"].as_str().unwrap().contains("再投入10万元"), "{}", new["say"]);
    assert!(new["say"].as_str().unwrap().contains("按您的假设"), "{}", new["say"]);
    assert_eq!(answer["summary"]["near"], 1);
    assert_eq!(answer["summary"]["fail"], 0);
    // Somebody who closes the gap should know that there is more to come.
    let profile = json!({ "reg_region": "370212", "rd_expense": { "2025": 900_000 } });
    let answer = check(&server, json!({ "profile": profile })).await;
    let new = item(&answer, "new");
    assert_eq!(new["near"], true);
    assert_eq!(new["conditions"][0]["missing"], json!(["职工总数"]));
    let expected = "1项不符合；差一点：研发费用再投入10万元；还差1项数据";
    assert_eq!(new["say"], expected);
    // And nobody is told that nothing is met.
    let answer = check(&server, json!({ "profile": { "reg_region": "370212" } })).await;
    assert_eq!(item(&answer, "new")["say"], "还差2项数据");
}

#[tokio::test]
async fn any_day_can_be_asked_for() {
    let server = server().await;
    let profile = json!({ "reg_region": "370212", "staff": 6 });
    let past = check(&server, json!({ "profile": profile, "as_of": "2023-06-30" })).await;
    assert_eq!(item(&past, "old")["verdict"], "pass");
    assert!(past["items"].as_array().unwrap().iter().all(|item| item["id"] != "new"), "{past}");
    let body = json!({ "profile": profile, "as_of": "2026-11-23", "ids": ["old", "jinan"] });
    let now = check(&server, body).await;
    let old = item(&now, "old");
    assert_eq!(old["excluded"], "no_longer_in_force");
    assert_eq!(old["successor"]["id"], "new");
    assert_eq!(old["successor"]["from"], "2024-01-01");
    assert_eq!(item(&now, "jinan")["excluded"], "region");
    let opened = check(&server, json!({ "profile": profile, "include": ["region"] })).await;
    assert_eq!(item(&opened, "jinan")["excluded"], "region");
    let filtered = json!({ "profile": profile, "limit": 1 });
    let page = check(&server, filtered).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["total"], 3);
}

#[tokio::test]
async fn requests_are_refused_by_name() {
    let post =
        async |body: Value| SHARED.call("POST", "/v1/applicability").json(&body).send().await;
    post(json!({})).await.is_problem(400, "bad_parameter");
    post(json!({ "profil": {} })).await.is_problem(400, "unknown_parameter");
    post(json!({ "profile": [] })).await.is_problem(400, "bad_parameter");
    post(json!({ "profile": {}, "as_of": "today" })).await.is_problem(400, "bad_parameter");
    post(json!({ "profile": {}, "limit": 0 })).await.is_problem(400, "bad_parameter");
    post(json!({ "profile": {}, "kind": ["demand"] })).await.is_problem(400, "bad_parameter");
    post(json!({ "profile": {}, "filter": "theme =" })).await.is_problem(400, "bad_filter");
    let problem = post(json!({ "profile": { "staf": 1 } })).await.is_problem(422, "bad_profile");
    assert_eq!(problem["violations"][0]["pointer"], "/profile/staf");
    assert!(problem["detail"].as_str().unwrap().contains("\"staff\""), "{problem}");
    post(json!({ "profile": { "staff": [1] } })).await.is_problem(422, "bad_profile");
    post(json!({ "profile_id": "x" })).await.is_problem(401, "unauthorized");
    // What cannot be right is left out, and said.
    let answer = check(
        &SHARED,
        json!({ "profile": { "rd_staff_ratio": 1.5, "registered_on": "2190-01-01" } }),
    )
    .await;
    assert_eq!(answer["notes"].as_array().unwrap().len(), 2, "{}", answer["notes"]);
}

#[tokio::test]
async fn bad_rules_are_refused_at_every_write() {
    let server = TestServer::new();
    let record = json!({
        "title": "x", "conditions": [{ "id": "c1", "text": "t", "clause": "第四条", "all": [{ "attr": "staff", "op": "has", "value": 1 }] }],
    });
    let put =
        server.call("PUT", "/v1/records/policy/x").key(&server.admin).json(&record).send().await;
    let problem = put.is_problem(422, "invalid_record");
    assert_eq!(problem["violations"][0]["pointer"], "/conditions/0/all/0/op");
    assert!(problem["detail"].as_str().unwrap().contains("第四条"), "{problem}");
}

#[tokio::test]
async fn profiles_belong_to_their_key() {
    let server = server().await;
    let body = json!({ "name": "示例", "profile": { "reg_region": "370212", "staff": 20 } });
    let path = "/v1/profiles/mine";
    server.call("PUT", path).json(&body).send().await.is_problem(401, "unauthorized");
    server
        .call("PUT", path)
        .key(&server.widget)
        .json(&body)
        .send()
        .await
        .is_problem(403, "forbidden");
    let put = server.call("PUT", path).key(&server.contributor).json(&body).send().await;
    assert_eq!(put.status, 201, "{}", put.text());
    let put = server.call("PUT", path).key(&server.contributor).json(&body).send().await;
    assert_eq!(put.status, 200);
    let get = async |key: &str| server.call("GET", path).key(key).send().await;
    assert_eq!(get(&server.contributor).await.json()["profile"], body["profile"]);
    get(&server.other_contributor).await.is_problem(404, "not_found");
    get(&server.admin).await.is_problem(404, "not_found");
    let ask = json!({ "profile_id": "mine", "profile": { "rd_expense": { "2025": 3_000_000 } } });
    let ask =
        async |key: &str| server.call("POST", "/v1/applicability").key(key).json(&ask).send().await;
    let answer = ask(&server.contributor).await;
    assert_eq!(item(&answer.json(), "new")["verdict"], "pass");
    ask(&server.other_contributor).await.is_problem(404, "not_found");
    let wrong = json!({ "profile": { "staf": 1 } });
    let post =
        server.call("POST", "/v1/profiles").key(&server.contributor).json(&wrong).send().await;
    post.is_problem(422, "bad_profile");
    let delete = async |key: &str| server.call("DELETE", path).key(key).send().await;
    delete(&server.other_contributor).await.is_problem(404, "not_found");
    assert_eq!(delete(&server.contributor).await.status, 204);
    get(&server.contributor).await.is_problem(404, "not_found");
    // Nothing of it is found by searching.
    let page = server.search(&[("q", "示例")]).await;
    assert_eq!(page["total"], 0);
}

#[tokio::test]
async fn versions_are_kept_and_compared() {
    let server = server().await;
    let path = "/v1/records/policy/new";
    let read = server.call("GET", path).send().await.json();
    let first = read["_revision"].as_u64().unwrap();
    let mut changed = read.clone();
    changed["conditions"][0]["all"][0]["value"] = json!(30);
    changed["body"] = json!("第一条 甲。\n第二条 乙。");
    let put = server.call("PUT", path).key(&server.admin).json(&changed).send().await;
    assert_eq!(put.status, 200, "{}", put.text());
    changed["body"] = json!("第一条 甲。\n第二条 丙。");
    server.call("PUT", path).key(&server.admin).json(&changed).send().await;
    let versions = server.get(&format!("{path}/versions")).await.json();
    let revisions: Vec<u64> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(revisions.len(), 3, "{versions}");
    assert_eq!(revisions[2], first);
    assert!(versions["items"][0]["current"].as_bool().unwrap());
    assert_eq!(versions["relations"][0]["id"], "old");
    let old = server.get("/v1/records/policy/old/versions").await.json();
    assert_eq!(old["successor"]["id"], "new");
    assert_eq!(old["items"][0]["valid_to"], "2023-12-31");
    let diff = server.get(&format!("{path}/diff?from={first}&to={}", revisions[0])).await.json();
    assert_eq!(diff["rules"][0]["id"], "c1");
    assert_eq!(diff["rules"][0]["change"], "changed");
    assert_eq!(diff["rules"][0]["after"]["all"][0]["value"], 30);
    let diff = server.get(&format!("{path}/diff?from={}", revisions[1])).await.json();
    assert_eq!(diff["text"].as_array().unwrap().len(), 1, "{diff}");
    assert_eq!(diff["text"][0]["clause"], "第二条");
    assert_eq!(diff["text"][0]["after"], "第二条 丙。");
    let diff = server.get("/v1/records/policy/old/diff?from=old&to=new").await.json();
    assert!(
        diff["rules"].as_array().unwrap().iter().any(|rule| rule["change"] == "added"),
        "{diff}"
    );
    server.get(&format!("{path}/diff?from=999999")).await.is_problem(404, "not_found");
    server.get(&format!("{path}/diff")).await.is_problem(400, "bad_parameter");
    server.get("/v1/records/demand/x/versions").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn what_was_withdrawn_is_kept_for_those_who_published_it() {
    let server = server().await;
    let path = "/v1/records/policy/new";
    assert_eq!(server.call("DELETE", path).key(&server.admin).send().await.status, 204);
    server.get(&format!("{path}/versions")).await.is_problem(404, "not_found");
    let answer = server.call("GET", &format!("{path}/versions")).key(&server.admin).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let versions = answer.json();
    assert_eq!(
        (&versions["withdrawn"], &versions["items"][0]["current"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(versions["items"][0]["title"], "新办法");
    let revision = versions["items"][0]["revision"].as_u64().unwrap();
    let diff = format!("{path}/diff?from=other&to={revision}");
    let answer = server.call("GET", &diff).key(&server.admin).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What it ended is in force again.
    let answer =
        check(&server, json!({ "profile": { "reg_region": "370212", "staff": 20 } })).await;
    assert_eq!(item(&answer, "old")["verdict"], "pass");
    // Unpublished, it stays among the versions of those who see the draft.
    let mut draft = server.call("GET", "/v1/records/policy/other").send().await.json();
    draft["_state"] = json!("draft");
    let put = server.call("PUT", "/v1/records/policy/other").key(&server.admin).json(&draft);
    assert_eq!(put.send().await.status, 200);
    let path = "/v1/records/policy/other/versions";
    server.get(path).await.is_problem(404, "not_found");
    let versions = server.call("GET", path).key(&server.admin).send().await.json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2, "{versions}");
}

#[tokio::test]
async fn reasons_are_given_in_english_when_asked() {
    let server = server().await;
    let profile = json!({
        "reg_region": "370212", "entity_type": "company", "industry": "I6513", "staff": 9, "rd_expense": "80万",
    });
    let body = json!({ "profile": profile, "as_of": "2026-11-23", "ids": ["new", "old", "words"] });
    let call = server.call("POST", "/v1/applicability").json(&body);
    let answer = call.header("accept-language", "en-GB, zh;q=0.5").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-language"), "en");
    let answer = answer.json();
    let new = item(&answer, "new");
    assert_eq!(
        new["say"],
        "2 conditions are not met; nearly: Staff: hire another 1; R&D expense: spend another ¥200,000"
    );
    assert_eq!(
        new["conditions"][1]["margin"],
        "R&D expense 2025: ¥800,000, at least ¥1,000,000 wanted, short by ¥200,000; R&D expense: spend another ¥200,000"
    );
    assert_eq!(item(&answer, "old")["say"], "Expired, repealed or replaced on the day");
    assert_eq!(
        item(&answer, "words")["say"],
        "Its conditions are only in the text: please read it"
    );
    let notes: Vec<&str> = answer["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note["say"].as_str().unwrap())
        .collect();
    assert!(notes.contains(&"\"80万\" is read as ¥800,000"), "{notes:?}");
    // Nine people: whatever the revenue, it is a micro enterprise, and the answer says that it was derived.
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("Size is not stated") && note.ends_with("it is Micro")),
        "{notes:?}"
    );
    // Nothing of ours is left in Chinese; what the record says stays.
    let ours = [&answer["questions"], &answer["excluded"], &answer["portfolio"]["say"]];
    let is_chinese = |text: String| text.chars().any(|ch| ('\u{4e00}'..='\u{9fff}').contains(&ch));
    assert!(ours.iter().all(|value| !is_chinese(value.to_string())), "{ours:?}");
}
