//! Subscriptions: making, finding, sending; over a real webhook receiver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::{TestServer, sample};

/// A server whose webhooks may stand on this machine and are tried again at once.
fn server() -> TestServer {
    TestServer::with(|config| {
        config.alerts.allow_private_addresses = true;
        config.alerts.timeout_seconds = 1;
        config.alerts.retry_seconds = vec![0, 0];
        config.site.url = Some("https://example.com".into());
    })
}

impl TestServer {
    async fn subscribe(&self, body: Value) -> Value {
        let call = self.call("POST", "/v1/subscriptions").key(&self.contributor).json(&body);
        let answer = call.send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Alerts of a subscription, when there are `count`; panics after ten seconds.
    async fn alerts(&self, id: &Value, count: usize) -> Vec<Value> {
        let path = format!("/v1/subscriptions/{}/alerts", id.as_str().unwrap());
        let started = Instant::now();
        loop {
            let answer = self.call("GET", &path).key(&self.contributor).send().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let items = answer.json()["items"].as_array().unwrap().clone();
            if items.len() == count {
                return items;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{count} expected: {items:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the alerts are behind nothing.
    async fn settled(&self) {
        self.caught_up().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

fn sensor(id: &str) -> Value {
    json!({ "kind": "demand", "id": id, "title": "海洋传感器防腐涂层", "progress": "seeking" })
}

#[tokio::test]
async fn a_saved_search_alerts_once_of_what_is_new_and_among_the_first() {
    let server = server();
    server.fill(&sample()).await;
    let made = server
        .subscribe(json!({ "search": { "q": "海洋传感器", "kind": ["demand"] }, "first": 10 }))
        .await;
    assert_eq!(made["search"], json!({ "q": "海洋传感器", "kind": ["demand"] }));
    assert_eq!(made["title"], "海洋传感器");
    assert_eq!((&made["first"], &made["webhook"]), (&json!(10), &Value::Null));
    server.fill(&[sensor("new")]).await;
    let alerts = server.alerts(&made["id"], 1).await;
    assert_eq!(
        (&alerts[0]["event"], &alerts[0]["kind"], &alerts[0]["item"]),
        (&json!("match"), &json!("demand"), &json!("new"))
    );
    assert_eq!(alerts[0]["title"], "海洋传感器防腐涂层");
    // Changed, unpublished or unrelated records are no news, nor is another kind.
    server.fill(&[sensor("new"), sample()[0].clone(), sample()[10].clone()]).await;
    server.fill(&[json!({ "kind": "report", "id": "r", "title": "海洋传感器" })]).await;
    let mut hidden = sensor("hidden");
    hidden["_state"] = json!("draft");
    server.fill(&[hidden]).await;
    server.settled().await;
    server.alerts(&made["id"], 1).await;
}

#[tokio::test]
async fn only_the_first_alert() {
    let server = server();
    server.fill(&[sensor("a")]).await;
    let made = server.subscribe(json!({ "search": { "q": "海洋传感器" }, "first": 1 })).await;
    let mut worse = sensor("worse");
    worse["title"] = json!("轴承振动监测");
    worse["body"] =
        json!("监测船舶轴承的振动，也可以接入海洋传感器的数据，详情见附件中的说明。".repeat(5));
    server.fill(&[worse]).await;
    let mut better = sensor("better");
    better["title"] = json!("海洋传感器");
    server.fill(&[better]).await;
    let alerts = server.alerts(&made["id"], 1).await;
    assert_eq!((&alerts[0]["item"], &alerts[0]["rank"]), (&json!("better"), &json!(1)));
}

#[tokio::test]
async fn subscriptions_belong_to_their_owner() {
    let server = server();
    let made = server.subscribe(json!({ "search": {} })).await;
    assert_eq!(made["title"], "全部");
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/alerts")),
        ("GET", format!("{path}/dead-letters")),
    ] {
        let call = |key: &str| server.call(method, &path).key(key).send();
        assert_eq!(call(&server.other_contributor).await.status, 404, "{method} {path}");
        assert_eq!(call(&server.admin).await.status, 404, "{method} {path}");
        assert_eq!(call(&server.widget).await.status, 403, "{method} {path}");
        assert_eq!(server.call(method, &path).send().await.status, 401, "{method} {path}");
    }
    let list = |key: &str| server.call("GET", "/v1/subscriptions").key(key).send();
    assert_eq!(list(&server.contributor).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(list(&server.other_contributor).await.json(), json!({ "items": [] }));
    let delete = server.call("DELETE", &path).key(&server.contributor).send().await;
    assert_eq!(delete.status, 204);
    assert_eq!(list(&server.contributor).await.json(), json!({ "items": [] }));
    let gone = server.call("GET", &path).key(&server.contributor).send().await;
    assert_eq!((gone.status, &gone.json()["code"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn bad_subscriptions_are_refused_by_name() {
    let server = TestServer::with(|config| config.alerts.per_owner = 1);
    let check = async |body: Value, pointer: &str| {
        let call = server.call("POST", "/v1/subscriptions").key(&server.contributor);
        let answer = call.json(&body).send().await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["code"], "invalid_subscription", "{body}");
        let pointers: Vec<&str> = problem["violations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|violation| violation["pointer"].as_str().unwrap())
            .collect();
        assert!(pointers.contains(&pointer), "{body}: {pointers:?}");
    };
    check(json!({}), "/search").await;
    check(json!({ "search": "海洋" }), "/search").await;
    check(json!({ "search": { "q": 1 } }), "/search/q").await;
    check(json!({ "search": { "offset": 1 } }), "/search/offset").await;
    check(json!({ "search": { "kind": ["nothing"] } }), "/search/kind").await;
    check(json!({ "search": { "filter": "x >" } }), "/search/filter").await;
    check(json!({ "search": {}, "query": "a" }), "/query").await;
    check(json!({ "search": {}, "first": 0 }), "/first").await;
    check(json!({ "search": {}, "first": "a" }), "/first").await;
    check(json!({ "search": {}, "title": " " }), "/title").await;
    check(json!({ "search": {}, "events": ["never"] }), "/events").await;
    check(json!({ "search": {}, "webhook": "https://example.com" }), "/webhook").await;
    check(json!({ "search": {}, "webhook": {} }), "/webhook/url").await;
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://10.0.0.8:8443/",
    ] {
        check(json!({ "search": {}, "webhook": { "url": url } }), "/webhook").await;
    }
    server.subscribe(json!({ "search": {} })).await;
    check(json!({ "search": {} }), "").await;
    let call = server.call("POST", "/v1/subscriptions").json(&json!({ "search": {} }));
    assert_eq!(call.send().await.status, 401);
}

#[tokio::test]
async fn feed_and_calendar_need_their_address_alone() {
    let server = server();
    let made = server
        .subscribe(json!({ "search": { "q": "海洋传感器" }, "title": "海洋 <传感器>" }))
        .await;
    let mut record = sensor("a");
    record["expires_on"] = json!("2099-03-01");
    server.fill(&[record]).await;
    server.alerts(&made["id"], 1).await;
    let local = |name: &str| {
        let url = made[name].as_str().unwrap();
        url.strip_prefix("https://example.com").expect("the public address").to_owned()
    };
    let feed = server.get(&local("feed_url")).await;
    assert_eq!(feed.status, 200);
    assert_eq!(feed.headers["content-type"], "application/atom+xml; charset=utf-8");
    assert!(feed.text().contains("【新结果】海洋传感器防腐涂层"), "{}", feed.text());
    assert!(feed.text().contains("https://example.com/records/demand/a"), "{}", feed.text());
    let calendar = server.get(&local("calendar_url")).await;
    assert_eq!(calendar.status, 200);
    assert_eq!(calendar.headers["content-type"], "text/calendar; charset=utf-8");
    assert!(calendar.text().contains("DTSTART;VALUE=DATE:20990301"), "{}", calendar.text());
    let forged = local("feed_url").replace("/alerts.atom", "0/alerts.atom");
    assert_eq!(server.get(&forged).await.status, 404);
    assert_eq!(server.get("/v1/feeds/x/alerts.atom").await.status, 404);
    assert_eq!(server.get("/v1/feeds/x/deadlines.ics").await.status, 404);
}

#[tokio::test]
async fn the_calendar_speaks_on_its_days() {
    let server = server();
    let today = server.app.clock.today();
    let day = |shift: i32| kechuang::record::validate::date_text(today + shift).unwrap();
    let record = |id: &str, shift: i32| {
        let mut record = sensor(id);
        record["expires_on"] = json!(day(shift));
        record
    };
    let made = server
        .subscribe(
            json!({ "search": { "q": "海洋传感器" }, "events": ["opening", "closing", "expired"] }),
        )
        .await;
    let mut opening = sensor("opens");
    opening["valid_from"] = json!(day(0));
    let mut records: Vec<Value> =
        [-2, -1, 0, 1, 2, 3, 4, 6, 7, 8].map(|shift| record(&format!("d{shift}"), shift)).into();
    records.push(opening);
    server.fill(&records).await;
    let alerts = server.alerts(&made["id"], 5).await;
    let mut found: Vec<(&str, &str, Option<i64>)> = alerts
        .iter()
        .map(|alert| {
            let text = |name: &str| alert[name].as_str().unwrap();
            (text("item"), text("event"), alert["days_left"].as_i64())
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("d-1", "expired", Some(-1)),
            ("d1", "closing", Some(1)),
            ("d3", "closing", Some(3)),
            ("d7", "closing", Some(7)),
            ("opens", "opening", Some(0)),
        ]
    );
}

/// Headers and body.
type Request = (Vec<(String, String)>, Vec<u8>);

/// A receiver of webhooks on this machine.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Request>>>,
    status: Arc<AtomicU16>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    fn new(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            got: Arc::default(),
            status: Arc::new(AtomicU16::new(status)),
            stop: Arc::default(),
        };
        let (got, status, stop) =
            (receiver.got.clone(), receiver.status.clone(), receiver.stop.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let status = status.load(Ordering::Relaxed);
                if let Some(request) = stream.ok().and_then(|stream| receive(stream, status)) {
                    got.lock().unwrap().push(request);
                }
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What was received, when there is so much of it; panics after ten seconds.
    async fn wait(&self, count: usize) -> Vec<Request> {
        let started = Instant::now();
        loop {
            let got = self.got.lock().unwrap().clone();
            if got.len() >= count {
                return got;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{count} expected");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn receive(stream: TcpStream, status: u16) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if let Some((name, value)) = text.split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    // 0: no answer at all. A redirect leads to this machine too.
    if status > 0 {
        let answer = format!(
            "HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        reader.into_inner().write_all(answer.as_bytes()).ok()?;
    } else {
        std::thread::sleep(Duration::from_millis(1_200));
    }
    Some((headers, body))
}

#[tokio::test]
async fn a_webhook_gets_signed_events() {
    let server = server();
    let receiver = Receiver::new(204);
    let made = server
        .subscribe(json!({ "search": { "q": "海洋传感器" }, "webhook": { "url": receiver.url() } }))
        .await;
    let secret = made["webhook"]["secret"].as_str().unwrap();
    server.fill(&[sensor("a")]).await;
    let (headers, body) = receiver.wait(1).await.remove(0);
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name} in {headers:?}")).1.clone()
    };
    assert_eq!(header("content-type"), "application/cloudevents+json");
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&event["specversion"], &event["type"]),
        (&json!("1.0"), &json!("kechuang.alert.match"))
    );
    assert_eq!(
        (&event["id"], &event["subject"]),
        (&json!(header("webhook-id")), &json!("demand/a"))
    );
    assert_eq!(event["source"], format!("/v1/subscriptions/{}", made["id"].as_str().unwrap()));
    assert_eq!(event["data"]["title"], "海洋传感器防腐涂层");
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header("webhook-signature"), signature);
    // The secret is said once.
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let again = server.call("GET", &path).key(&server.contributor).send().await.json();
    assert_eq!(again["webhook"], json!({ "url": receiver.url(), "stopped": null }));
}

#[tokio::test]
async fn what_cannot_be_sent_is_tried_again_kept_and_sent_on_demand() {
    let server = server();
    for status in [500, 302, 0] {
        let receiver = Receiver::new(status);
        let made = server
            .subscribe(
                json!({ "search": { "q": "海洋传感器" }, "webhook": { "url": receiver.url() } }),
            )
            .await;
        server.fill(&[sensor(&format!("a{status}"))]).await;
        let path = format!("/v1/subscriptions/{}/dead-letters", made["id"].as_str().unwrap());
        let dead = async || {
            let answer = server.call("GET", &path).key(&server.contributor).send().await;
            answer.json()["items"].as_array().unwrap().clone()
        };
        let started = Instant::now();
        while dead().await.is_empty() {
            assert!(started.elapsed() < Duration::from_secs(60), "{status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let letters = dead().await;
        assert_eq!((letters.len(), &letters[0]["attempts"]), (1, &json!(3)), "{letters:?}");
        let got = receiver.wait(3).await;
        assert_eq!(got.len(), 3, "no redirect is followed, and there are three attempts");
        let bodies: Vec<&Vec<u8>> = got.iter().map(|(_, body)| body).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "every attempt says the same");
        receiver.status.store(200, Ordering::Relaxed);
        let replay = path.replace("dead-letters", "replay");
        let call = server.call("POST", &replay).key(&server.contributor);
        let answer = call.json(&json!({ "dead": true })).send().await;
        assert_eq!((answer.status, answer.json()), (202, json!({ "queued": 1 })));
        receiver.wait(4).await;
        let started = Instant::now();
        while !dead().await.is_empty() {
            assert!(started.elapsed() < Duration::from_secs(60), "{status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let call = server.call("POST", &replay).key(&server.contributor);
        let answer = call.json(&json!({ "since": "2026-01-01T00:00:00Z" })).send().await;
        assert_eq!((answer.status, answer.json()), (202, json!({ "queued": 1 })));
        receiver.wait(5).await;
        let call = server.call("DELETE", path.trim_end_matches("/dead-letters"));
        assert_eq!(call.key(&server.contributor).send().await.status, 204);
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more() {
    let server = server();
    let receiver = Receiver::new(410);
    let made = server
        .subscribe(json!({ "search": { "q": "海洋传感器" }, "webhook": { "url": receiver.url() } }))
        .await;
    server.fill(&[sensor("a")]).await;
    receiver.wait(1).await;
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let started = Instant::now();
    loop {
        let answer = server.call("GET", &path).key(&server.contributor).send().await.json();
        if answer["webhook"]["stopped"] == "it answered 410" {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.fill(&[sensor("b")]).await;
    server.alerts(&made["id"], 2).await;
    server.settled().await;
    assert_eq!(receiver.got.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_record_is_matched_with_what_is_new() {
    let server = server();
    server.fill(&sample()).await;
    let subscribe = async |body: Value| server.subscribe(body).await;
    let demand =
        subscribe(json!({ "record": { "kind": "demand", "id": "d-0" }, "to": "achievement" }))
            .await;
    assert_eq!(demand["title"], "海洋传感器防腐技术第0号");
    assert_eq!((&demand["to"], &demand["record"]["id"]), (&json!("achievement"), &json!("d-0")));
    let new = json!({
        "kind": "achievement", "id": "fits", "title": "海洋传感器防腐涂层技术",
        "summary": "高温高湿环境下海洋传感器长期稳定工作的防腐涂层。",
    });
    server.fill(&[new]).await;
    let alerts = server.alerts(&demand["id"], 1).await;
    assert_eq!((&alerts[0]["item"], &alerts[0]["kind"]), (&json!("fits"), &json!("achievement")));
    let check = async |body: Value, pointer: &str| {
        let call = server.call("POST", "/v1/subscriptions").key(&server.contributor);
        let problem = call.json(&body).send().await.is_problem(422, "invalid_subscription");
        assert_eq!(problem["violations"][0]["pointer"], pointer, "{problem}");
    };
    let record = |id: &str| json!({ "kind": "demand", "id": id });
    check(json!({ "record": record("nothing"), "to": "achievement" }), "/record").await;
    check(json!({ "record": record("d-0"), "to": "nothing" }), "/to").await;
    check(json!({ "record": record("d-0") }), "/to").await;
    check(json!({ "record": { "id": "d-0" }, "to": "achievement" }), "/record/kind").await;
    check(json!({ "record": record("d-0"), "search": {}, "to": "a" }), "/to").await;
    check(json!({ "profile": "me", "to": "incubator" }), "/search").await;
}

/// A record of a few words is matched by words of records like it, whenever those came.
#[tokio::test]
async fn what_fits_the_like_of_a_short_record_alerts() {
    let server = server();
    let called =
        |kind: &str, id: &str, title: &str| json!({ "kind": kind, "id": id, "title": title });
    server.fill(&[called("achievement", "short", "苦咸水脱盐装置")]).await;
    let record = json!({ "kind": "achievement", "id": "short" });
    let made = server.subscribe(json!({ "record": record, "to": "demand" })).await;
    server.settled().await;
    server.fill(&[called("achievement", "like", "苦咸水脱盐用反渗透膜组件")]).await;
    server.settled().await;
    server
        .fill(&[
            called("demand", "other", "污泥低温干化机国产替代"),
            called("demand", "fits", "寻求反渗透膜组件国产替代"),
        ])
        .await;
    let alerts = server.alerts(&made["id"], 1).await;
    assert_eq!(alerts[0]["item"], "fits");
}

#[tokio::test]
async fn verdicts_of_a_kept_profile_are_told() {
    let server = server();
    let call = |method: &'static str, path: &str, body: Value| {
        server.call(method, path).key(&server.contributor).json(&body)
    };
    let staff = |least: i64| {
        json!([{ "id": "c1", "text": "t", "clause": "第一条", "all": [
            { "attr": "staff", "op": "ge", "value": least },
        ] }])
    };
    let policy = |least: i64| json!({ "kind": "policy", "id": "p", "title": "用工补贴", "conditions": staff(least) });
    let body = json!({ "name": "我们公司", "profile": { "staff": 20 } });
    assert_eq!(call("PUT", "/v1/profiles/firm", body).send().await.status, 201);
    let made = server.subscribe(json!({ "profile_id": "firm" })).await;
    assert_eq!((&made["title"], &made["profile_id"]), (&json!("我们公司"), &json!("firm")));
    assert_eq!(made["events"], json!(["verdict", "opening", "closing", "expired"]));
    assert!(made.get("first").is_none(), "{made}");
    // A new policy applies; then it asks for more than there is; then there is more.
    server.fill(&[policy(10)]).await;
    let alerts = server.alerts(&made["id"], 1).await;
    assert_eq!(
        (&alerts[0]["event"], &alerts[0]["was"], &alerts[0]["verdict"], &alerts[0]["title"]),
        (&json!("verdict"), &json!("fail"), &json!("pass"), &json!("用工补贴"))
    );
    assert!(alerts[0].get("rank").is_none(), "{alerts:?}");
    assert!(alerts[0]["say"].as_str().unwrap().contains("符合"), "{alerts:?}");
    server.fill(&[policy(500)]).await;
    server.alerts(&made["id"], 2).await;
    let body = json!({ "profile": { "staff": 600 } });
    assert_eq!(call("PUT", "/v1/profiles/firm", body).send().await.status, 200);
    server.alerts(&made["id"], 3).await;
    // What changes no verdict is no news.
    server.fill(&[policy(510)]).await;
    server.settled().await;
    server.alerts(&made["id"], 3).await;
    // Withdrawn, it is told by its name.
    let answer = server.call("DELETE", "/v1/records/policy/p").key(&server.admin).send().await;
    assert_eq!(answer.status, 204);
    let alerts = server.alerts(&made["id"], 4).await;
    let gone = alerts.iter().find(|alert| alert["say"] == "已撤下").expect("it is told");
    assert_eq!((&gone["title"], &gone["verdict"]), (&json!("用工补贴"), &json!("fail")));
    let feed = made["feed_url"].as_str().unwrap().trim_start_matches("https://example.com");
    let feed = server.call("GET", feed).send().await.text();
    assert!(feed.contains("由“不适用”变为“符合”"), "{feed}");
    // With the profile its subscriptions go.
    assert_eq!(call("DELETE", "/v1/profiles/firm", json!(null)).send().await.status, 204);
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let started = Instant::now();
    while server.call("GET", &path).key(&server.contributor).send().await.status == 200 {
        assert!(started.elapsed() < Duration::from_secs(60), "the subscription stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn subscriptions_to_verdicts_are_checked() {
    let server = server();
    let refused = async |body: Value| {
        let call = server.call("POST", "/v1/subscriptions").key(&server.contributor).json(&body);
        let answer = call.send().await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        answer.json()["violations"][0]["pointer"].clone()
    };
    assert_eq!(refused(json!({ "profile_id": "nobody" })).await, "/profile_id");
    assert_eq!(refused(json!({ "profile_id": 7 })).await, "/profile_id");
    assert_eq!(refused(json!({ "profile_id": "x", "first": 3 })).await, "/first");
    assert_eq!(refused(json!({ "profile_id": "x", "to": "demand" })).await, "/to");
    assert_eq!(refused(json!({ "profile_id": "x", "search": {} })).await, "/search");
    // Somebody else's profile is not there.
    let body = json!({ "profile": { "staff": 20 } });
    let call = server.call("PUT", "/v1/profiles/theirs").key(&server.admin).json(&body);
    assert_eq!(call.send().await.status, 201);
    assert_eq!(refused(json!({ "profile_id": "theirs" })).await, "/profile_id");
}
