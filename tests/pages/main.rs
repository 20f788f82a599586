//! The pages: what they hold, that they are safe, and that every state is a URL.

mod admin;
mod journeys;
mod results;
mod site;
mod texts;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kechuang::record::kind::Field;
use kechuang::record::{FieldType, Fields};
use kechuang::service::ingest::Draft;
use serde_json::{Map, Value, json};
use site::{Site, day, hrefs, today};

const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

pub fn sample() -> Site {
    let mut records = vec![
        json!({"kind": "policy", "id": "p1", "title": "青岛市海水淡化产业扶持办法", "document_number": "青政发〔2026〕1号",
            "summary": "支持海水淡化关键设备研发。", "body": "第一条 支持反渗透膜。\n第二条 最高600万元。",
            "applies_to": ["370212"], "division_code": "370200", "validity": "in_force", "level": "municipal",
            "audience": ["enterprise"], "max_amount_yuan": 6_000_000, "published_on": "2026-03-01",
            "windows": [{"kind": "batch", "opens": "2026-01-05", "closes": day(today(), 12)}],
            "conditions": [{"id": "c1", "text": "注册成立满一年", "clause": "第三条",
                "all": [{"attr": "registered_on", "op": "months_since_ge", "value": 12}]}],
            "amounts": [{"id": "a1", "kind": "fixed", "label": "首次奖励", "value": 100_000, "unit": "元", "clause": "四"}],
            "relations": [{"type": "basis", "id": "p2"}, {"type": "basis", "id": "nowhere"}],
            "source_url": "https://example.org/p1", "contact": {"name": "王工", "phone": "0532-0000"}, "example": true}),
        json!({"kind": "policy", "id": "p2", "title": "山东省科技型企业研发补助", "applies_to": ["370000"],
            "audience": ["unlimited"], "level": "provincial", "published_on": "2026-05-01"}),
        json!({"kind": "demand", "id": "d1", "title": "海水淡化膜元件国产替代", "problem": "硼脱除率偏低。",
            "budget_yuan": 50_000, "quantities": [{"name": "脱盐率", "operator": "ge", "value": 99.8, "unit": "%"}],
            "expires_on": day(today(), 0), "published_on": "2026-06-01"}),
    ];
    for at in 0..45 {
        records.push(
            json!({"kind": "achievement", "id": format!("a{at}"), "title": format!("淡化装置{at}"),
            "published_on": "2025-01-01"}),
        );
    }
    Site::new(records)
}

#[tokio::test]
async fn every_page_stands() {
    let site = sample();
    for uri in [
        "/",
        "/?lang=en",
        "/search",
        "/search?q=%E6%B7%A1%E5%8C%96",
        "/search?q=%E6%B7%A1%E5%8C%96&lang=en",
        "/search?kind=policy",
        "/search?kind=policy,demand&sort=newest",
        "/search?q=zzzz%20qqqq",
        "/search?q=%01%EF%BF%BD&utm_source=x",
        "/search?q=%3Cscript%3E",
        "/search?q=&kind=&select=&sort=&offset=",
        "/records/policy/p1",
        "/records/policy/p1?lang=en",
        "/records/demand/d1",
        "/developers",
        "/developers?lang=en",
    ] {
        site.page(uri).await;
    }
    let home = site.page("/").await;
    for part in [
        "<html lang=\"zh-CN\">",
        "技术需求",
        "海水淡化膜元件国产替代",
        "即将截止",
        "今天截止",
        "还有 12 天",
        "48 条记录",
    ] {
        assert!(home.contains(part), "{part}\n{home}");
    }
    assert!(home.contains("action=\"/search\" method=\"get\""));
    let english = site.page("/?lang=en").await;
    assert!(english.contains("<html lang=\"en\">") && english.contains("Closing soon"));
    assert!(hrefs(&english).iter().any(|href| href == "/search?kind=policy&lang=en"));
}

#[tokio::test]
async fn language_follows_the_browser_unless_it_was_chosen() {
    let site = sample();
    let ask = |uri: &str| {
        let request = Request::get(uri).header(header::ACCEPT_LANGUAGE, "en-US,en;q=0.9");
        site.ask(request.body(Body::empty()).unwrap())
    };
    assert!(ask("/").await.html.contains("<html lang=\"en\">"));
    assert!(ask("/?lang=zh").await.html.contains("<html lang=\"zh-CN\">"));
    assert_eq!(ask("/").await.headers[header::VARY], "accept-language, cookie");
}

#[tokio::test]
async fn large_letters_are_kept_until_they_are_switched_off() {
    let site = sample();
    let usual = site.get("/").await;
    assert!(usual.html.contains("长者模式") && !usual.html.contains("class=\"large\""));
    assert!(usual.headers.get(header::SET_COOKIE).is_none());
    let on = hrefs(&usual.html).into_iter().find(|href| href.contains("view=large")).unwrap();
    let large = site.get(&on).await;
    assert!(large.html.contains("<html lang=\"zh-CN\" class=\"large\">"));
    let cookie = large.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("view=large; Path=/; Max-Age="), "{cookie}");
    let kept = Request::get("/search").header(header::COOKIE, "a=b; view=large");
    let kept = site.ask(kept.body(Body::empty()).unwrap()).await;
    assert!(kept.html.contains("class=\"large\"") && kept.html.contains("退出长者模式"));
    let off = site.get("/search?view=usual&q=x").await;
    assert!(!off.html.contains("class=\"large\""));
    assert!(off.headers[header::SET_COOKIE].to_str().unwrap().starts_with("view=usual;"));
}

#[tokio::test]
async fn results_mark_hits_and_keep_the_query() {
    let site = sample();
    let html = site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96&kind=policy").await;
    assert!(html.contains("value=\"海水淡化\""), "{html}");
    assert!(html.contains("name=\"kind\" value=\"policy\""));
    assert!(
        html.contains("<a href=\"/records/policy/p1\">青岛市<mark>海水淡化</mark>产业扶持办法</a>"),
        "{html}"
    );
    for part in ["600万元", "现行有效", "示例", "还有 12 天", "青岛市 › 崂山区", "企业"]
    {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(!html.contains("王工") && !html.contains("0532"));
    let sorts = site.page("/search?kind=policy&sort=max_amount_yuan:desc").await;
    let (high, low) = (sorts.find("records/policy/p1"), sorts.find("records/policy/p2"));
    assert!(high.unwrap() < low.unwrap());
}

#[tokio::test]
async fn facets_add_and_remove_selections() {
    let site = sample();
    let html = site.page("/search?kind=policy").await;
    let add = "/search?kind=policy&select=level:municipal";
    assert!(hrefs(&html).iter().any(|href| href == add), "{:#?}", hrefs(&html));
    let chosen = site.page(add).await;
    assert!(chosen.contains("records/policy/p1") && !chosen.contains("records/policy/p2"));
    assert!(chosen.contains("移除条件：政策层级：市级"), "{chosen}");
    assert!(chosen.contains("清除全部") && chosen.contains("筛选（已选 1）"));
    let links = hrefs(&chosen);
    assert!(links.iter().filter(|href| *href == "/search?kind=policy").count() >= 3, "{links:#?}");
    let both = "/search?kind=policy&select=level:municipal&select=level:provincial";
    assert!(
        links.iter().any(|href| href == both),
        "the other values of the field can be added: {links:#?}"
    );
    let both = site.page(both).await;
    assert!(both.contains("records/policy/p1") && both.contains("records/policy/p2"));
    // A tree goes down a level at a time.
    let tree = site.page("/search?kind=policy&select=applies_to:370200").await;
    assert!(tree.contains("select=applies_to:370212"), "{tree}");
    assert!(tree.contains("records/policy/p1") && !tree.contains("records/policy/p2"));
}

#[tokio::test]
async fn tabs_count_every_kind_and_drop_what_another_kind_lacks() {
    let site = sample();
    let html = site
        .page("/search?q=%E6%B7%A1%E5%8C%96&kind=policy&select=level:municipal&sort=issued_on:desc")
        .await;
    let q = "q=%E6%B7%A1%E5%8C%96";
    let links = hrefs(&html);
    assert!(links.contains(&format!("/search?{q}&kind=demand")), "{links:#?}");
    assert!(links.contains(&format!("/search?{q}")), "{links:#?}");
    // What another tab leads to is what it counts, in spite of a selection that only this kind has.
    assert!(html.contains("科技成果 <span class=\"count\">45</span>"), "{html}");
    assert!(html.contains("全部 <span class=\"count\">47</span>"), "{html}");
    let html = site.page(&format!("/search?{q}&kind=policy")).await;
    let tabs = &html[html.find("class=\"tabs\"").unwrap()..html.find("class=\"results\"").unwrap()];
    for (label, count) in
        [("全部", 47), ("政策", 1), ("技术需求", 1), ("科技成果", 45), ("智库报告", 0)]
    {
        let expected = format!("{label} <span class=\"count\">{count}</span>");
        assert!(tabs.contains(&expected), "{expected}\n{tabs}");
    }
    assert_eq!(tabs.matches("aria-current=\"page\"").count(), 1);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let site = sample();
    let first = site.page("/search?kind=achievement").await;
    assert!(first.contains("找到 45 条结果"));
    assert!(
        !first.contains("上一页")
            && first.contains("href=\"/search?kind=achievement&#38;offset=20\""),
        "{first}"
    );
    let last = site.page("/search?kind=achievement&offset=40").await;
    assert!(last.contains("上一页") && !last.contains("下一页"));
    assert_eq!(last.matches("<article").count(), 5);
    let beyond = site.page("/search?kind=achievement&offset=1000").await;
    assert!(beyond.contains("超出结果的末尾") && beyond.contains("回到第一页"));
}

#[tokio::test]
async fn relaxation_is_said_in_words() {
    let site = sample();
    // 海水淡化 and 航天发动机 never stand together.
    let html = site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96%20%E8%88%AA%E5%A4%A9%E5%8F%91%E5%8A%A8%E6%9C%BA").await;
    assert!(html.contains("没有足够的结果"), "{html}");
}

#[tokio::test]
async fn a_page_without_results_helps() {
    let site = sample();
    let html = site
        .page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96&kind=policy&select=level:national")
        .await;
    for part in [
        "没有找到“海水淡化”",
        "去掉筛选条件再搜",
        "不加条件时，各类别的结果",
        "检索时的理解",
        "浏览全部记录",
        "发布需求",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    let post =
        hrefs(&html).into_iter().find(|href| href.starts_with("/demands/new?title=")).unwrap();
    assert!(
        site.page(&post).await.contains("value=\"海水淡化\""),
        "what was looked for stands in the form"
    );
    // Without its quotes 淡化海水 finds something, and 化淡水海 does not.
    let quoted = site.page("/search?q=%22%E6%B7%A1%E5%8C%96%E6%B5%B7%E6%B0%B4%22").await;
    assert!(quoted.contains("去掉引号再搜</a> <span class=\"count\">"), "{quoted}");
    let quoted = site.page("/search?q=%22%E5%8C%96%E6%B7%A1%E6%B0%B4%E6%B5%B7%22").await;
    assert!(!quoted.contains("去掉引号再搜"), "{quoted}");
}

#[tokio::test]
async fn a_record_is_told_in_words() {
    let site = sample();
    let html = site.page("/records/policy/p1").await;
    for part in [
        "<h1>青岛市海水淡化产业扶持办法</h1>",
        "<span class=\"stamp good\">现行有效</span>",
        "<dt>发文字号</dt><dd>",
        "山东省 › 青岛市 › 崂山区",
        "600万元",
        "<p>第二条 最高600万元。</p>",
        "<th scope=\"col\">申报截止</th>",
        "注册成立满一年",
        "第三条",
        "10万元",
        "如有联系方式，仅向登记用户显示。",
        "href=\"/records/policy/p2\">山东省科技型企业研发补助</a>",
        "nowhere",
        "还有 12 天",
        "href=\"/v1/records/policy/p1\"",
        "href=\"https://example.org/p1\" rel=\"noopener nofollow\"",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    let data = "<script type=\"application/ld+json\">";
    let (before, rest) = html.split_once(data).unwrap();
    let (json, after) = rest.split_once("</script>").unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["pubDate"], "2026-03-01T00:00:00");
    assert_eq!(json["@graph"][1]["@type"], "Legislation");
    assert_eq!(json["@graph"][1]["legislationIdentifier"], "青政发〔2026〕1号");
    let html = format!("{before}{after}");
    for part in ["王工", "0532-0000", "months_since_ge", "registered_on", "{&#34;", "[{"] {
        assert!(!html.contains(part), "{part}\n{html}");
    }
    assert!(hrefs(&html).contains(&"/search?kind=policy&select=level:municipal".to_owned()));
    let demand = site.page("/records/demand/d1?lang=en").await;
    assert!(
        demand.contains("脱盐率 ≥ 99.8 %")
            && demand.contains("¥50,000")
            && demand.contains(">today<")
    );
}

#[tokio::test]
async fn mistakes_are_explained() {
    let site = sample();
    for (uri, status, part) in [
        ("/records/policy/none", 404, "没有这个页面"),
        ("/records/none/p1", 404, "没有这个页面"),
        ("/records/_key/x", 404, "没有这个页面"),
        ("/records/policy/%FF", 404, "没有这个页面"),
        ("/records/policy/%00", 404, "没有这个页面"),
        ("/nowhere", 404, "没有这个页面"),
        ("/assets/style.css", 404, "没有这个页面"),
        ("/assets/%2e%2e%2fCargo.toml", 404, "没有这个页面"),
        ("/search?filter=level%20%3D", 400, "filter"),
        ("/search?sort=nothing:asc", 400, "sort"),
        ("/search?sort=%3Cb%3E", 400, "&#60;b&#62;"),
        ("/search?kind=none", 400, "policy"),
        ("/search?select=level", 400, "FIELD:VALUE"),
        ("/search?select=none:1", 400, "select"),
        ("/search?offset=1001", 400, "1000"),
        ("/search?offset=x", 400, "1000"),
        ("/search?page=100000", 400, "offset"),
        ("/search?q=a%00b", 400, "a NUL character"),
        ("/search?q=%FF&lang=zh", 400, "other bytes"),
        ("/?%FF=1", 400, "parameter names in UTF-8"),
        ("/records/policy/p1?x=%00", 400, "这个请求无法理解"),
    ] {
        let page = site.get(uri).await;
        assert_eq!(page.status.as_u16(), status, "{uri}");
        page.check(uri);
        assert!(page.html.contains(part), "{uri}: {part}\n{}", page.html);
        assert!(!page.html.contains(['\0', '\u{fffd}']), "{uri}");
    }
    let long = site.get(&format!("/search?q={}", "a".repeat(600))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    let posted = site.ask(Request::post("/search").body(Body::empty()).unwrap()).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    posted.check("POST /search");
}

#[tokio::test]
async fn pages_with_lists_wait_for_the_index_and_load_themselves_again() {
    let record = json!({"kind": "demand", "id": "d1", "title": "海水淡化膜元件国产替代"});
    let site = Site::unfilled(vec![record]);
    for (uri, part) in [
        ("/", "正在建立索引，请稍后再试"),
        ("/search?q=x", "正在建立索引，请稍后再试"),
        ("/search?q=x&lang=en", "The index is being built"),
        ("/data", "每 5 秒自动重新载入一次"),
        ("/developers", "正在建立索引"),
        ("/search.atom", "正在建立索引"),
        ("/search.csv", "正在建立索引"),
        ("/deadlines.ics", "正在建立索引"),
    ] {
        let page = site.get(uri).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{uri}");
        page.check(uri);
        assert!(page.html.contains(part), "{uri}: {part}\n{}", page.html);
        assert_eq!(
            (&page.headers["retry-after"], &page.headers["refresh"]),
            (&"5".parse().unwrap(), &"5".parse().unwrap())
        );
    }
    let record = site.page("/records/demand/d1").await;
    assert!(record.contains("海水淡化膜元件国产替代"));
    for uri in ["/check", "/help", "/demands/new", "/subscriptions/new"] {
        site.page(uri).await;
    }
    let form = Request::post("/subscriptions/new")
        .header("content-type", "application/x-www-form-urlencoded");
    let posted = site.ask(form.body(Body::from("q=x")).unwrap()).await;
    assert_eq!(posted.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(posted.html.contains("返回上一页再提交") && !posted.headers.contains_key("refresh"));

    site.app.catch_up(&mut |_| ()).unwrap();
    assert!(site.page("/").await.contains("海水淡化膜元件国产替代"));
}

#[tokio::test]
async fn style_is_kept_under_a_name_of_its_own() {
    let site = sample();
    let help = site.page("/help").await;
    let assets: Vec<String> =
        hrefs(&help).into_iter().filter(|href| href.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 2, "{assets:?}");
    for (asset, media_type) in assets.iter().zip(["text/css; charset=utf-8", "image/svg+xml"]) {
        let file = site.get(asset).await;
        assert_eq!(file.status, StatusCode::OK, "{asset}");
        assert_eq!(file.headers[header::CONTENT_TYPE], media_type);
        assert!(file.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(
            !file.html.contains("http://") || media_type == "image/svg+xml",
            "loads nothing from elsewhere"
        );
        assert!(!file.html.contains("@import") && !file.html.contains("url("));
    }
}

/// Puts hostile text wherever the field takes text.
fn hostile(field: &Field) -> Option<Value> {
    let text: String = HOSTILE.chars().take(field.max_length).collect();
    let value = match field.field_type {
        FieldType::Text | FieldType::Code => json!(text),
        FieldType::Term if field.vocabulary.is_none() => json!(text),
        FieldType::Quantity => json!({"name": text, "operator": "ge", "value": 1, "unit": text}),
        FieldType::File => json!({"name": text, "url": "https://example.org/%3Cimg%3E"}),
        // Of what machines read, this alone may hold any text; the others are refused when they make no sense.
        FieldType::Object if field.open && field.name == "judgements" => {
            json!({"id": "j1", "text": HOSTILE, "clause": HOSTILE, "who": HOSTILE})
        }
        FieldType::Object if field.open => return None,
        FieldType::Object => {
            let members =
                field.fields.iter().filter_map(|inner| Some((inner.name.clone(), hostile(inner)?)));
            let members: Map<String, Value> = members.collect();
            (!members.is_empty()).then_some(Value::Object(members))?
        }
        _ => return None,
    };
    Some(if field.multiple { json!([value]) } else { value })
}

#[tokio::test]
async fn hostile_text_is_text() {
    let site = Site::new(Vec::new());
    let mut drafts = Vec::new();
    for kind in &site.app.catalog.kinds {
        let fields: Fields = kind
            .fields
            .iter()
            .filter_map(|field| Some((field.name.clone(), hostile(field)?)))
            .collect();
        let mut draft = Draft::from_object(fields, Some(&kind.name), Some("h")).unwrap();
        draft.source = Some(HOSTILE.into());
        drafts.push(draft);
    }
    for outcome in site.app.ingest.put(drafts, &site.key, &site.app.clock.now()).unwrap() {
        outcome.unwrap();
    }
    site.app.catch_up(&mut |_| ()).unwrap();
    let mut pages = vec![
        "/".to_owned(),
        "/search".into(),
        "/developers".into(),
        "/search?q=onerror".into(),
        "/search?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%22%27".into(),
        "/?lang=en&x=%22%3E%3Cimg%20src%3Dx%3E".into(),
    ];
    for kind in &site.app.catalog.kinds {
        pages.push(format!("/records/{}/h", kind.name));
        pages.push(format!("/search?kind={}&q=onerror", kind.name));
        pages.push(format!("/search?kind={}&select=organization:%3Cimg%20src%3Dx%3E", kind.name));
    }
    for uri in pages {
        let html = site.page(&uri).await;
        let images: Vec<&str> = html.split("<img").skip(1).map(|rest| &rest[..20]).collect();
        assert!(
            images.iter().all(|image| image.starts_with(" src=\"/assets/icon.")),
            "{uri}: {images:?}"
        );
        assert!(!html.contains("onerror=\""), "{uri}");
    }
    let record = site.page(&format!("/records/{}/h", site.app.catalog.kinds[0].name)).await;
    assert!(record.matches("&#60;img src=x onerror").count() > 10, "{record}");
}

#[tokio::test]
async fn an_empty_service_has_pages_too() {
    let site = Site::new(Vec::new());
    for uri in ["/", "/search", "/developers", "/search?q=x&kind=policy"] {
        site.page(uri).await;
    }
}

#[tokio::test]
async fn pages_for_integrators_stand() {
    let site = sample();
    for uri in ["/data", "/help", "/sitemap", "/embed", "/subscriptions/new", "/demands/new"] {
        site.page(uri).await;
        site.page(&format!("{uri}?lang=en")).await;
    }
    for mode in ["form", "frame", "element", "matches"] {
        let html = site.page(&format!("/embed?mode={mode}&kind=policy&division=370200")).await;
        assert!(html.contains("id=\"embed-csp\""), "{mode}");
    }
    let reference = site.page("/developers").await;
    for bounds in ["query, 1 to 100</small>", "query, up to 1,000</small>"] {
        assert!(reference.contains(bounds), "{bounds}");
    }
    let light = site.page("/embed?color=%23ffcc00").await;
    assert!(light.contains("4.5 : 1"), "{light}");
    let frame = site.get("/embed/search?kind=policy").await;
    let policy = frame.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors *"), "{policy}");
}

#[tokio::test]
async fn records_can_be_taken_away() {
    let site = sample();
    let lines = site.get("/data/policy.jsonl").await;
    assert_eq!(lines.headers[header::CONTENT_TYPE], "application/x-ndjson");
    let records: Vec<Value> =
        lines.html.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.get("contact").is_none()));
    let table = site.get("/data/demand.csv").await.html;
    assert!(table.starts_with("\u{feff}id,title,"), "{table}");
    assert!(table.contains("d1,海水淡化膜元件国产替代") && table.contains("脱盐率 ≥ 99.8 %"));
    let etag = lines.headers[header::ETAG].clone();
    let again = Request::get("/data/policy.jsonl").header(header::IF_NONE_MATCH, etag);
    let again = site.ask(again.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    for missing in ["/data/none.csv", "/data/policy.xml", "/data/_key.jsonl"] {
        assert_eq!(site.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let catalog: Value = serde_json::from_str(&site.get("/catalog.jsonld").await.html).unwrap();
    assert_eq!(catalog["@type"], "dcat:Catalog");
}

#[tokio::test]
async fn programs_find_the_feeds_and_maps() {
    let site = sample();
    let feed = site.get("/search.atom?kind=policy&q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96").await;
    assert_eq!(feed.headers[header::CONTENT_TYPE], "application/atom+xml; charset=utf-8");
    assert_eq!(feed.html.matches("<entry>").count(), 1, "{}", feed.html);
    assert!(feed.html.contains("<link rel=\"self\""));
    let map = site.get("/sitemap.xml").await.html;
    assert!(map.contains("<sitemapindex") && map.contains("/sitemap/policy-1.xml"), "{map}");
    let part = site.get("/sitemap/policy-1.xml").await.html;
    assert!(part.contains("/records/policy/p1</loc>") && part.contains("<lastmod>"), "{part}");
    assert!(site.get("/sitemap/pages.xml").await.html.contains("/demands/new"));
    for missing in ["/sitemap/none-1.xml", "/sitemap/policy-0.xml", "/sitemap/x"] {
        assert_eq!(site.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
    let box_of = site.get("/opensearch.xml").await.html;
    assert!(box_of.contains("template=\"http://localhost/search?q={searchTerms}\""), "{box_of}");
    assert!(site.get("/robots.txt").await.html.contains("Sitemap: "));
}

#[tokio::test]
async fn a_demand_is_posted_for_review() {
    let site = sample();
    let title = ("title", "海水淡化膜元件，硼脱除率不低于九成");
    let draft = [
        title,
        ("budget_yuan", "60"),
        ("quantities.0.name", "脱盐率"),
        ("quantities.0.operator", "ge"),
        ("quantities.0.value", "99.8"),
        ("quantities.0.unit", "%"),
    ];
    // Without script a button asks for advice, and for one more row.
    let preview = [&draft[..], &[("do", "preview")]].concat();
    let page = site.post("/demands/new", &preview).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in
        ["value=\"海水淡化膜元件，硼脱除率不低于九成\"", "填写质量", "缺少应用场景", "50 分"]
    {
        assert!(page.html.contains(part), "{part}\n{}", page.html);
    }
    let more = [&draft[..], &[("do", "row")]].concat();
    let more = site.post("/demands/new", &more).await;
    assert!(more.html.contains("quantities.2.name"));
    let piece = site.post("/demands/new/live", &draft).await;
    assert!(piece.html.contains("填写质量") && !piece.html.contains("<html"));
    // What is wrong is named, linked and kept.
    let wrong = [&draft[1..], &[("expires_on", "soon"), ("do", "send")]].concat();
    let wrong = site.post("/demands/new", &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["href=\"#i-title\"", "这一项必填", "value=\"soon\"", "aria-invalid"] {
        assert!(wrong.html.contains(part), "{part}\n{}", wrong.html);
    }
    let sent = [&draft[..], &[("do", "send")]].concat();
    let sent = site.post("/demands/new", &sent).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let to = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let receipt = site.page(&to).await;
    assert!(receipt.contains("等待审核"), "{receipt}");
    let id = to.rsplit('=').next().unwrap();
    assert_eq!(site.get(&format!("/records/demand/{id}")).await.status, StatusCode::NOT_FOUND);
    // Nobody else's record is told of.
    assert_eq!(site.get("/demands/new?sent=d1").await.status, StatusCode::NOT_FOUND);
    let foreign = Request::post("/demands/new").header("sec-fetch-site", "cross-site");
    let foreign = site.ask(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(site.get("/nothing/new").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn anybody_subscribes_and_stops() {
    let site = sample();
    let made = site.post("/subscriptions/new", &[("q", "海水淡化"), ("kind", "policy")]).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.html);
    let to = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = site.page(&to).await;
    assert!(page.contains("alerts.atom") && page.contains("deadlines.ics"), "{page}");
    let of = |name: &str| {
        let rest = to.split(&format!("{name}=")).nth(1).unwrap();
        rest.split('&').next().unwrap().replace("%40", "@")
    };
    let (id, owner) = (of("id"), of("owner"));
    let stop = [("do", "stop"), ("id", &*id), ("owner", &*owner)];
    let stopped = site.post("/subscriptions/new", &stop).await;
    assert_eq!(stopped.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get(&to).await.status, StatusCode::NOT_FOUND);
    let other = [("do", "stop"), ("id", "x"), ("owner", "somebody")];
    assert_eq!(site.post("/subscriptions/new", &other).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_first_of_each_verdict_are_shown_and_the_others_counted() {
    let records = (0..80).map(|at| {
        // Half of them ask for people, half for what the firm has; seven are for elsewhere.
        let check = match at % 2 {
            0 => json!({"attr": "staff", "op": "ge", "value": 10 + at}),
            _ => json!({"attr": "entity_type", "op": "in", "value": ["company"]}),
        };
        let place = if at < 7 { "110105" } else { "370200" };
        json!({"kind": "policy", "id": format!("p{at}"), "title": format!("办法{at}"), "applies_to": [place],
            "conditions": [{"id": "c1", "text": "条件", "clause": "第一条", "all": [check]}]})
    });
    let site = Site::new(records.collect());
    let facts = [("reg_region", "370212"), ("entity_type", "company"), ("include", "region")];
    let page = site.post("/check", &facts).await;
    page.check("/check");
    // 37 pass, 36 lack the people, seven were opened.
    assert_eq!(page.html.matches("<article").count(), 30 + 30 + 7, "{}", page.html);
    for part in ["另有 7 项未展开", "另有 6 项未展开", "<strong>37</strong>", "<strong>36</strong>"]
    {
        assert!(page.html.contains(part), "{part}\n{}", page.html);
    }
}

#[tokio::test]
async fn a_policy_is_checked_and_nothing_is_kept() {
    let site = sample();
    let form = site.page("/check").await;
    for part in
        ["name=\"reg_region\"", "name=\"registered_on\"", "name=\"revenue.", "type=\"date\""]
    {
        assert!(form.contains(part), "{part}\n{form}");
    }
    let facts =
        [("reg_region", "崂山区"), ("registered_on", "2015-03-01"), ("entity_type", "company")];
    let met = site.post("/check", &facts).await;
    assert_eq!(met.status, StatusCode::OK);
    met.check("/check");
    for part in [
        "青岛市海水淡化产业扶持办法",
        "第三条",
        "✓ 符合",
        "10万元",
        "value=\"崂山区\"",
        "以主管部门认定为准",
    ] {
        assert!(met.html.contains(part), "{part}\n{}", met.html);
    }
    assert!(met.html.contains("规则版本 "), "{}", met.html);
    // What was left out can be looked at, and says why.
    let elsewhere = [("reg_region", "370202"), ("registered_on", "2015-03-01")];
    let closed = site.post("/check", &elsewhere).await;
    let open = "name=\"include\" value=\"region\"";
    assert!(closed.html.contains(open) && !closed.html.contains("海水淡化"), "{}", closed.html);
    let opened = [&elsewhere[..], &[("include", "region")]].concat();
    let opened = site.post("/check", &opened).await;
    opened.check("/check, opened");
    assert!(!opened.html.contains(open), "{}", opened.html);
    for part in ["青岛市海水淡化产业扶持办法", "注册地不在适用地区"] {
        assert!(opened.html.contains(part), "{part}\n{}", opened.html);
    }
    // Any day can be asked for; what was filled in for other years stays.
    let past = [("as_of", "2001-06-30"), ("reg_region", "崂山区"), ("revenue.2025", "2,600")];
    let past = site.post("/check", &past).await;
    past.check("/check, in the past");
    for part in ["按 2001-06-30 的规则计算", "name=\"revenue.2000\"", "value=\"2,600\""] {
        assert!(past.html.contains(part), "{part}\n{}", past.html);
    }
    let never = site.post("/check", &[("as_of", "2001-02-30"), ("reg_region", "崂山区")]).await;
    assert_eq!(never.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(never.html.contains("如 2026-11-23"), "{}", never.html);
    // What is not said is asked for by its name.
    let little = site.post("/check", &[("reg_region", "崂山区")]).await;
    assert!(little.html.contains("还缺："), "{}", little.html);
    let one = [("id", "p2"), ("reg_region", "370202")];
    let one = site.post("/check", &one).await;
    assert!(one.html.contains("只对照这一项") && !one.html.contains("海水淡化产业扶持办法"));
    let wrong = site.post("/check", &[("reg_region", "火星"), ("staff", "many")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("value=\"火星\"") && wrong.html.contains("role=\"alert\""));
    assert!(wrong.html.contains("注册地"), "{}", wrong.html);
    // All that is said of a place counts: there is no such district in that city.
    for (place, status) in
        [("青岛市崂山区", StatusCode::OK), ("济南市崂山区", StatusCode::UNPROCESSABLE_ENTITY)]
    {
        assert_eq!(site.post("/check", &[("reg_region", place)]).await.status, status, "{place}");
    }
}
