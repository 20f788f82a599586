//! The console: who gets in, what they decide, what they import, and that every number is the same everywhere.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use encoding_rs::GB18030;
use kechuang::service::keys::Role;
use serde_json::{Value, json};

use crate::site::{Page, Site, day, hrefs, today, unescape};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

/// A browser that is signed in.
struct Console<'a> {
    site: &'a Site,
    cookie: String,
}

impl<'a> Console<'a> {
    async fn enter(site: &'a Site, role: Role) -> Self {
        let owner = Some("审核员".to_owned());
        let key = site.app.keys.create(role, owner, site.app.clock.now()).unwrap();
        let page = site.post("/admin/sign-in", &[("key", &key), ("to", "/admin/review")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(page.headers[header::LOCATION], "/admin/review");
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
        for part in ["; Path=/admin;", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains(&key), "the key itself stays out of the browser");
        Self { site, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn request(&self, method: &str, uri: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(uri)
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", "same-origin")
    }

    async fn get(&self, uri: &str) -> Page {
        self.site.ask(self.request("GET", uri).body(Body::empty()).unwrap()).await
    }

    async fn page(&self, uri: &str) -> String {
        let page = self.get(uri).await;
        assert_eq!(page.status, StatusCode::OK, "{uri}\n{}", page.html);
        page.check(uri);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store", "{uri}");
        assert!(page.html.contains("noindex"), "{uri}");
        page.html
    }

    async fn post(&self, uri: &str, pairs: &[(&str, &str)]) -> Page {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let request = self
            .request("POST", uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.site.ask(request.body(Body::from(body.finish())).unwrap()).await
    }

    /// Fills in the form of a record's page and presses a button.
    async fn decide(&self, uri: &str, action: &str, reason: &str) -> Page {
        let html = self.page(uri).await;
        let (token, at) = (input(&html, "token"), input(&html, "at"));
        let pairs = [("token", &*token), ("at", &*at), ("do", action), ("reason", reason)];
        self.post(uri, &pairs).await
    }

    async fn upload(&self, fields: &[(&str, Option<&str>, &[u8])]) -> Page {
        let mut body = Vec::new();
        for (name, file, bytes) in fields {
            let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            body.extend_from_slice(
                format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
                    .as_bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        let request = self
            .request("POST", "/admin/import")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX");
        self.site.ask(request.body(Body::from(body)).unwrap()).await
    }
}

/// The value of a hidden input.
fn input(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let found = html.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {html}"));
    unescape(found.split('"').next().unwrap())
}

/// Numbers between two marks.
fn numbers(html: &str, start: &str, end: &str) -> Vec<u64> {
    let parts = html.split(start).skip(1).filter_map(|rest| rest.split(end).next());
    let digits = parts.map(|part| part.chars().filter(char::is_ascii_digit).collect::<String>());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

/// The numbers of a chart as it is drawn, as its table, and as its file.
async fn numbers_of(console: &Console<'_>, html: &str, id: &str) -> [Vec<u64>; 3] {
    let figure = html.split(&format!("id=\"{id}\">")).nth(1).expect("the chart");
    let figure = figure.split("</figure>").next().unwrap();
    let svg = figure.split("<svg").nth(1).map_or("", |svg| svg.split("</svg>").next().unwrap());
    let mut drawn: Vec<u64> = svg
        .split("<title>")
        .skip(1)
        .flat_map(|rest| numbers(rest.split("</title>").next().unwrap(), "：", "\u{0}"))
        .collect();
    let mut listed = numbers(figure, "<td class=\"num\">", "</td>");
    let csv = hrefs(figure).into_iter().find(|href| href.contains(".csv")).expect("a file");
    let file = console.get(&csv).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let rows = csv::Reader::from_reader(file.html.as_bytes()).into_records().map(Result::unwrap);
    let mut written: Vec<u64> = rows
        .flat_map(|row| row.iter().skip(1).map(|n| n.parse().unwrap()).collect::<Vec<u64>>())
        .collect();
    [&mut drawn, &mut listed, &mut written].into_iter().for_each(|list| list.sort_unstable());
    [drawn, listed, written]
}

fn demand(id: &str, fields: Value) -> Value {
    let mut record = json!({"kind": "demand", "id": id, "title": format!("需求{id}")});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

#[tokio::test]
async fn only_those_with_a_key_get_in() {
    let site = Site::new(Vec::new());
    for uri in ["/admin", "/admin/review?state=draft", "/admin/import", "/admin/gaps.csv"] {
        let page = site.get(uri).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{uri}");
        let to = page.headers[header::LOCATION].to_str().unwrap();
        assert!(to.starts_with("/admin/sign-in?to=%2Fadmin"), "{uri}: {to}");
    }
    site.page("/admin/sign-in?to=%2Fadmin%2Freview").await;
    for role in [Role::Contributor, Role::Widget] {
        let key = site.app.keys.create(role, None, site.app.clock.now()).unwrap();
        let page = site.post("/admin/sign-in", &[("key", &key), ("to", "")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.headers.get(header::SET_COOKIE).is_none());
    }
    let console = Console::enter(&site, Role::Reviewer).await;
    for uri in ["/admin", "/admin/review", "/admin/import", "/admin/gaps", "/admin/searches"] {
        console.page(uri).await;
        console.page(&format!("{uri}?lang=en")).await;
    }
    let forged = Console { site: &site, cookie: format!("{}0", console.cookie) };
    assert_eq!(forged.get("/admin").await.status, StatusCode::SEE_OTHER);
    // Signing out ends it in the browser; revoking the key ends it everywhere.
    let html = console.page("/admin").await;
    let out = console.post("/admin/sign-out", &[("token", &input(&html, "token"))]).await;
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let id = console.cookie.split(['=', '.']).nth(1).unwrap().to_owned();
    assert!(site.app.keys.revoke(&id).unwrap());
    assert_eq!(console.get("/admin").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_in_leads_nowhere_else_and_cannot_be_tried_for_ever() {
    let site = Site::new(Vec::new());
    let key = site.app.keys.create(Role::Operator, None, site.app.clock.now()).unwrap();
    let page = site.post("/admin/sign-in", &[("key", &key), ("to", "//evil.example")]).await;
    assert_eq!(page.headers[header::LOCATION], "/admin");
    let foreign = Request::post("/admin/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    let foreign = site.ask(foreign.body(Body::from(format!("key={key}"))).unwrap()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    for _ in 0..10 {
        let page = site.post("/admin/sign-in", &[("key", "kc_nobody_x"), ("to", "")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(!page.html.contains("kc_nobody_x"), "what was typed is not shown again");
    }
    let page = site.post("/admin/sign-in", &[("key", "kc_nobody_x"), ("to", "")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    let page = site.post("/admin/sign-in", &[("key", &key), ("to", "")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "whoever has a key is not locked out");
}

/// Hands in a demand as a visitor; returns the address of its progress and its id.
async fn hand_in(site: &Site, title: &str) -> (String, String) {
    let pairs = [("do", "send"), ("title", title), ("contact.phone", "0532-12345678")];
    let sent = site.post("/demands/new", &pairs).await;
    let to = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let id = to.split("sent=").nth(1).unwrap().to_owned();
    (to, id)
}

#[tokio::test]
async fn what_is_handed_in_is_decided_on() {
    let site = Site::new(Vec::new());
    let (progress, id) = hand_in(&site, "寻求海水淡化膜元件国产替代").await;
    let console = Console::enter(&site, Role::Operator).await;
    let queue = console.page("/admin/review").await;
    let record = format!("/admin/records/demand/{id}");
    assert!(hrefs(&queue).contains(&record), "{queue}");
    assert!(console.page("/admin").await.contains("<strong>1</strong>"));
    let html = console.page(&record).await;
    assert!(html.contains("0532-12345678") && html.contains("网站访客"), "{html}");
    assert!(html.contains("缺少可量化指标"), "what advice is missing is said");
    // Sending back needs a reason, which its writer reads.
    let refused = console.decide(&record, "send_back", " ").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let back = console.decide(&record, "send_back", "请补充指标 <b>").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let told = console.page(back.headers[header::LOCATION].to_str().unwrap()).await;
    assert!(told.contains("已退回：寻求海水淡化膜元件国产替代"), "{told}");
    let seen = site.page(&progress).await;
    assert!(seen.contains("未通过") && seen.contains("请补充指标 &#60;b&#62;"), "{seen}");
    assert_eq!(site.get(&format!("/records/demand/{id}")).await.status, StatusCode::NOT_FOUND);
    // Published, it is public; taken down, it is not; the log says who and why.
    let done = console.decide(&record, "publish", "").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let public = site.page(&format!("/records/demand/{id}")).await;
    assert!(!public.contains("0532"), "contacts stay where they are");
    assert_eq!(
        console.decide(&record, "take_down", "已过有效期").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(site.get(&format!("/records/demand/{id}")).await.status, StatusCode::NOT_FOUND);
    let html = console.page(&record).await;
    let log = &html[html.find("审核记录").unwrap()..];
    for part in ["已过有效期", "请补充指标", "审核员", "通过并公开"] {
        assert!(log.contains(part), "{part}\n{log}");
    }
    assert!(hrefs(&console.page("/admin/review?state=draft").await).contains(&record));
    assert_eq!(console.decide(&record, "remove", "重复").await.status, StatusCode::SEE_OTHER);
    assert_eq!(console.get(&record).await.status, StatusCode::NOT_FOUND);
    assert!(console.page("/admin").await.contains("重复"), "the last decisions stay");
}

#[tokio::test]
async fn nobody_decides_on_what_they_have_not_seen_or_may_not() {
    let site = Site::new(Vec::new());
    let (_, id) = hand_in(&site, HOSTILE).await;
    let record = format!("/admin/records/demand/{id}");
    let console = Console::enter(&site, Role::Reviewer).await;
    for uri in ["/admin/review", &record] {
        assert!(!console.page(uri).await.contains("<img src=x"), "text is text");
    }
    let html = console.page(&record).await;
    let (token, at) = (input(&html, "token"), input(&html, "at"));
    let decide = |token: &str, at: &str, action: &str| {
        let pairs: Vec<(String, String)> =
            [("token", token), ("at", at), ("do", action), ("reason", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        let (console, record) = (&console, &record);
        async move {
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            console.post(record, &pairs).await.status
        }
    };
    assert_eq!(decide("", &at, "publish").await, StatusCode::FORBIDDEN, "without the token");
    assert_eq!(decide("0".repeat(32).as_str(), &at, "publish").await, StatusCode::FORBIDDEN);
    assert_eq!(
        decide(&token, "1", "publish").await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "out of date"
    );
    assert_eq!(decide(&token, &at, "remove").await, StatusCode::FORBIDDEN, "not a reviewer's");
    assert_eq!(decide(&token, &at, "explode").await, StatusCode::BAD_REQUEST);
    assert!(!html.contains("value=\"remove\""), "and not offered");
    let auditor = Console::enter(&site, Role::Auditor).await;
    let html = auditor.page(&record).await;
    assert!(!html.contains("name=\"do\""), "auditors look");
    let pairs = [("token", &*input(&html, "token")), ("at", &*at), ("do", "publish")];
    assert_eq!(auditor.post(&record, &pairs).await.status, StatusCode::FORBIDDEN);
    assert_eq!(decide(&token, &at, "publish").await, StatusCode::SEE_OTHER);
    assert_eq!(decide(&token, &at, "publish").await, StatusCode::UNPROCESSABLE_ENTITY, "twice");
    for uri in ["/admin/review?state=none", "/admin/review?kind=none", "/admin/review?offset=-1"] {
        assert_eq!(console.get(uri).await.status, StatusCode::BAD_REQUEST, "{uri}");
    }
    assert!(console.page("/admin/review?state=published&q=onerror").await.contains(&record));
}

#[tokio::test]
async fn a_file_is_looked_at_before_it_is_taken_in() {
    let site = Site::new(vec![demand("d1", json!({"title": "旧标题"}))]);
    let console = Console::enter(&site, Role::Operator).await;
    let token = input(&console.page("/admin/import").await, "token");
    let table = "id,title,budget_yuan\nd1,新标题,50000\nd2,第二条,10万\nd3,,3\nd4,第四条,很多\n";
    let (gbk, ..) = GB18030.encode(table);
    let fields = |token: &str| {
        let token = token.as_bytes().to_vec();
        (token, gbk.to_vec())
    };
    let (good, rows) = fields(&token);
    let refused = console
        .upload(&[("token", None, b"x"), ("kind", None, b"demand"), ("file", Some("a.csv"), &rows)])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "without the token");
    let sent = console
        .upload(&[
            ("token", None, &good),
            ("kind", None, b"demand"),
            ("file", Some("需求.csv"), &rows),
        ])
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let job = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let html = console.page(&job).await;
    assert!(html.contains("试运行结果（未写入）") && html.contains("GB 18030"), "{html}");
    assert_eq!(numbers(&html, "<strong>", "</strong>"), [4, 1, 1, 2], "{html}");
    assert!(
        site.app
            .search
            .store
            .get(&kechuang::record::RecordId::new("demand", "d2"))
            .unwrap()
            .is_none()
    );
    let csv = hrefs(&html).into_iter().find(|href| href.ends_with(".csv")).unwrap();
    let rejected = console.get(&csv).await.html;
    let rejected: Vec<csv::StringRecord> =
        csv::Reader::from_reader(rejected.as_bytes()).into_records().map(Result::unwrap).collect();
    assert_eq!(rejected.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>(), ["4", "5"]);
    assert!(rejected[0][1].contains("title") && rejected[1][1].contains("budget_yuan"));
    assert!(rejected[1][2].contains("很多"), "the row as it came");
    let jsonl = console.get(&csv.replace(".csv", ".jsonl")).await.html;
    assert_eq!(jsonl.lines().count(), 2);
    assert_eq!(serde_json::from_str::<Value>(jsonl.lines().next().unwrap()).unwrap()["line"], 4);
    // Confirmed, it is in; the page keeps its address.
    let done = console.post(&job, &[("token", &token)]).await;
    assert_eq!(done.headers[header::LOCATION], job.as_str());
    let html = console.page(&job).await;
    assert!(html.contains("导入结果"), "{html}");
    assert_eq!(numbers(&html, "<strong>", "</strong>"), [4, 1, 1, 2]);
    let record = site.page("/records/demand/d1").await;
    assert!(record.contains("新标题") && record.contains("5万元"));
    assert!(console.page("/admin/import").await.contains("需求.csv"));
}

#[tokio::test]
async fn files_of_every_sort_and_none_are_answered() {
    let site = Site::new(Vec::new());
    let console = Console::enter(&site, Role::Administrator).await;
    let token = input(&console.page("/admin/import").await, "token").into_bytes();
    let upload = |name: &'static str, rows: &'static [u8], map: &'static [u8]| {
        let (token, console) = (token.clone(), &console);
        async move {
            let fields: [(&str, Option<&str>, &[u8]); 4] = [
                ("token", None, &token),
                ("kind", None, b"demand"),
                ("file", Some(name), rows),
                ("map", Some("map.toml"), map),
            ];
            let sent = console.upload(&fields).await;
            match sent.headers.get(header::LOCATION) {
                Some(to) => console.page(to.to_str().unwrap()).await,
                None => {
                    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
                    sent.html
                }
            }
        }
    };
    let tally = |html: &str| numbers(html, "<strong>", "</strong>");
    let json = b"[\n {\"id\": \"a\", \"title\": \"one\"},\n {\"id\": \"b\"},\n 7]";
    let html = upload("a.json", json, b"").await;
    assert_eq!(tally(&html), [3, 1, 0, 2], "{html}");
    assert!(html.contains("<td class=\"num\">3</td>") && html.contains("<td class=\"num\">4</td>"));
    let html = upload("a.jsonl", b"{\"id\":\"a\",\"title\":\"one\"}\nnonsense\n", b"").await;
    assert_eq!(tally(&html), [2, 1, 0, 1]);
    let map = "title = \"名称\"\n[id]\nfrom = \"编号\"\n";
    let html = upload("a.csv", "编号,名称,备注\n1,海水淡化,x\n".as_bytes(), b"nonsense = [").await;
    assert!(html.contains("对照表不能用"), "{html} {map}");
    assert!(upload("a.csv", b"", b"").await.contains("请选择一个文件"));
    let html = upload("a.csv", b"a,a\n1,2\n", b"").await;
    assert!(html.contains("没有读完"), "{html}");
    let auditor = Console::enter(&site, Role::Auditor).await;
    assert!(!auditor.page("/admin/import").await.contains("type=\"file\""));
    assert_eq!(console.get("/admin/import/0123456789abcdef").await.status, StatusCode::NOT_FOUND);
    assert_eq!(console.get("/admin/import/..%2f..%2fetc").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn gaps_are_the_same_drawn_listed_written_and_searched() {
    let fields = |field: &str, place: &str| json!({"tech_fields": [field], "division_code": place});
    let mut records = vec![
        demand("d1", fields("01", "370200")),
        demand("d2", fields("01", "370200")),
        demand("d3", fields("02", "110000")),
        demand("d4", json!({"division_code": "370200"})),
        demand(
            "d5",
            json!({"tech_fields": ["01"], "division_code": "370200", "expires_on": day(today(), -1)}),
        ),
        demand(
            "d6",
            json!({"tech_fields": ["01"], "division_code": "370200", "progress": "signed"}),
        ),
        demand(
            "d7",
            json!({"tech_fields": ["03"], "division_code": "370200", "progress": "negotiating"}),
        ),
    ];
    for (id, field, place) in
        [("a1", "02", "110000"), ("a2", "02", "370200"), ("a3", "01", "310000")]
    {
        let mut record = demand(id, fields(field, place));
        record["kind"] = json!("achievement");
        records.push(record);
    }
    let codes: Vec<String> = {
        let catalog = kechuang::record::Catalog::open(None).unwrap();
        let vocabulary = catalog.column("tech_fields").unwrap().vocabulary.clone().unwrap();
        vocabulary.roots().map(|entry| entry.code.clone()).collect()
    };
    for record in &mut records {
        if let Some(field) = record["tech_fields"][0].as_str() {
            let at: usize = field.parse().unwrap();
            record["tech_fields"] = json!([codes[at]]);
        }
    }
    let site = Site::new(records);
    let console = Console::enter(&site, Role::Auditor).await;
    let html = console.page("/admin/gaps").await;
    let [drawn, listed, written] = numbers_of(&console, &html, "gaps").await;
    assert_eq!(drawn, listed);
    assert_eq!(written, listed);
    // Two demands in 山东 in a field that only 上海 offers; one demand without a field; what has expired or was signed
    // is out, what is negotiated is not.
    assert_eq!(listed.iter().sum::<u64>(), 5 + 3);
    let unmet = &html[html.find("<h2>有需无供").unwrap()..];
    let first = unmet.split("<tr><td>").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(first.contains("山东省") && first.contains(">2</a>"), "{first}");
    for href in hrefs(first) {
        let found = site.page(&href).await;
        let expected = if href.contains("kind=demand") { 2 } else { 1 };
        assert!(found.contains(&format!("找到 {expected} 条")), "{href}");
    }
    let api = site.get("/v1/gaps").await;
    assert_eq!(api.status, StatusCode::NOT_FOUND, "the API is another router's");
    let shandong =
        console.page("/admin/gaps?pair=demand,achievement&by=tech_fields&place=370000").await;
    assert!(shandong.contains("青岛市"), "{shandong}");
    for bad in ["pair=a,b", "by=title", "within=zz", "place=zz"] {
        let page = console.get(&format!("/admin/gaps?{bad}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn what_is_asked_and_not_found_is_told() {
    let site = Site::with(vec![demand("d1", json!({"title": "海水淡化膜元件"}))], |config| {
        config.search.popular_min_count = 1;
    });
    site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96").await;
    site.page("/search?q=%E9%87%8F%E5%AD%90%E8%AE%A1%E7%AE%97").await;
    site.page("/search?q=13800138000").await;
    site.page("/search?kind=demand").await;
    for (q, told) in [("%E9%87%8F%E5%AD%90%E9%99%80%E8%9E%BA%E4%BB%AA", '1'), ("13900139000", '0')]
    {
        let page = site.page(&format!("/search?q={q}&kind=demand&lang=zh")).await;
        let action = unescape(
            page.split("class=\"unfound\" action=\"").nth(1).unwrap().split('"').next().unwrap(),
        );
        let noted = site.post(&action, &[]).await;
        assert_eq!(noted.status, StatusCode::SEE_OTHER);
        let back = noted.headers[header::LOCATION].to_str().unwrap();
        assert_eq!(back, format!("/search?q={q}&kind=demand&lang=zh&told={told}"));
        let back = site.page(back).await;
        assert!(
            back.contains("已记录，谢谢") == (told == '1') && !back.contains("class=\"unfound\"")
        );
    }
    let console = Console::enter(&site, Role::Operator).await;
    let html = console.page("/admin/searches").await;
    for id in ["days", "asked", "missed", "reported"] {
        let [drawn, listed, written] = numbers_of(&console, &html, id).await;
        assert_eq!((&drawn, &written), (&listed, &listed), "{id}");
    }
    let part = |from: &str, to: &str| {
        let start = html.find(from).unwrap();
        html[start..start + html[start..].find(to).unwrap()].to_owned()
    };
    assert!(part("id=\"asked\"", "</figure>").contains("海水淡化"));
    assert!(part("id=\"missed\"", "</figure>").contains("量子计算"));
    assert!(part("id=\"reported\"", "</figure>").contains("量子陀螺仪"));
    assert!(
        !html.contains("13800138000") && !html.contains("13900139000"),
        "what may be somebody's number is nowhere"
    );
    let days = console.get("/admin/searches/days.csv").await.html;
    let last = days.lines().last().unwrap().to_owned();
    assert!(last.ends_with(",5,4,0"), "{last}: five were typed, four found nothing");
    assert_eq!(console.get("/admin/searches/other.csv").await.status, StatusCode::NOT_FOUND);
}
