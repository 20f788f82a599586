//! `/v1/feedback`.

use serde_json::{Value, json};

use super::{TestServer, sample};

fn said(action: &str, item: &str) -> Value {
    json!({
        "from": { "kind": "demand", "id": "d-0" }, "item": { "kind": "achievement", "id": item },
        "action": action, "list": "0123456789abcdef", "rank": 1,
    })
}

#[tokio::test]
async fn opinions_are_kept_once_an_owner_and_read_back_as_judgements() {
    let server = TestServer::with(|_| {});
    server.fill(&sample()).await;
    let post = async |key: &str, body: &Value| {
        server.call("POST", "/v1/feedback").key(key).json(body).send().await
    };
    let before = server.search(&[("q", "传感器")]).await["items"].clone();
    let mut declined = said("decline", "a-1");
    declined["reason"] = json!("not_wanted");
    for (key, body) in [
        (&server.contributor, said("contact", "a-0")),
        (&server.contributor, said("click", "a-0")),
        (&server.contributor, said("deal", "a-0")),
        (&server.other_contributor, said("contact", "a-0")),
        (&server.contributor, declined),
        (&server.widget, said("click", "a-1")),
    ] {
        let answer = post(key, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.json()["list"], "0123456789abcdef");
    }
    let get = |path: &'static str, key: &str| server.call("GET", path).key(key).send();
    let all = get("/v1/feedback", &server.reviewer).await;
    assert_eq!((all.status, all.lines().len()), (200, 5), "{}", all.text());
    let judged = get("/v1/feedback/judgements?from=demand&to=achievement", &server.admin).await;
    assert_eq!(judged.text(), "d-0\ta-0\t3\nd-0\ta-1\t0\n");
    let other = get("/v1/feedback/judgements?from=achievement&to=demand", &server.admin).await;
    assert_eq!((other.status, other.text()), (200, String::new()));
    let after = server.search(&[("q", "传感器")]).await["items"].clone();
    assert_eq!(before, after, "no ranking changes");
    get("/v1/feedback", &server.contributor).await.is_problem(403, "forbidden");
    server.get("/v1/feedback").await.is_problem(401, "unauthorized");
    get("/v1/feedback/judgements?from=demand", &server.admin)
        .await
        .is_problem(400, "bad_parameter");
}

#[tokio::test]
async fn bad_feedback_is_refused() {
    let server = TestServer::with(|_| {});
    server.fill(&sample()).await;
    let check = async |change: &dyn Fn(&mut Value), pointer: &str| {
        let mut body = said("accept", "a-0");
        change(&mut body);
        let call = server.call("POST", "/v1/feedback").key(&server.contributor);
        let problem = call.json(&body).send().await.is_problem(422, "invalid_feedback");
        assert_eq!(problem["violations"][0]["pointer"], pointer, "{problem}");
    };
    check(&|body| body["action"] = json!("hate"), "").await;
    check(&|body| body["extra"] = json!(1), "").await;
    check(&|body| body["action"] = json!("decline"), "/reason").await;
    check(&|body| body["reason"] = json!("price"), "/reason").await;
    check(&|body| body["item"]["id"] = json!("nothing"), "/item").await;
    check(&|body| body["from"]["kind"] = json!("_key"), "/from").await;
    check(&|body| body["list"] = json!(""), "/list").await;
    check(&|body| body["list"] = json!("清单"), "/list").await;
    check(&|body| body["rank"] = json!(0), "/rank").await;
    let call = server.call("POST", "/v1/feedback").json(&said("accept", "a-0"));
    call.send().await.is_problem(401, "unauthorized");
    let call = server.call("POST", "/v1/feedback").key(&server.widget).json(&said("deal", "a-0"));
    call.send().await.is_problem(403, "forbidden");
}
