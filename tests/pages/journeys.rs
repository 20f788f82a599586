//! What happens before and after a page: drafts, receipts, calendars, ways out of nothing and out of errors.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kechuang::record::RecordId;
use kechuang::service::ingest::Precondition;
use serde_json::json;

use crate::sample;
use crate::site::{Site, day, hrefs, today};

#[tokio::test]
async fn a_draft_is_an_address() {
    let site = sample();
    let draft = [
        ("title", "海水淡化膜元件，硼脱除率不低于九成"),
        ("problem", "第一行\n第二行 & <b>"),
        ("quantities.0.name", "脱盐率"),
        ("quantities.0.operator", "ge"),
        ("quantities.0.value", "99.8"),
        ("quantities.0.unit", "%"),
        ("budget_yuan", ""),
    ];
    let kept = site.post("/demands/new?lang=zh", &[&draft[..], &[("do", "draft")]].concat()).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.html);
    let address = kept.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = site.page(&address).await;
    for part in [
        "草稿就在本页网址里",
        "value=\"海水淡化膜元件，硼脱除率不低于九成\"",
        "第一行\n第二行 &#38; &#60;b&#62;",
        "value=\"99.8\"",
        "<meta name=\"robots\" content=\"noindex",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!address.contains("budget_yuan") && !address.contains("do="), "{address}");
    // Nothing is on the server: the address alone holds it.
    assert!(!site.page("/demands/new").await.contains("海水淡化膜元件"));
    let long = "很".repeat(2_000);
    let long = [("title", "海水淡化"), ("problem", &long), ("do", "draft")];
    let refused = site.post("/demands/new?lang=zh", &long).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert!(refused.html.contains("无法保存为草稿") && refused.html.contains("很很很"));
}

#[tokio::test]
async fn a_receipt_leads_back_to_itself() {
    let site = sample();
    let sent =
        site.post("/demands/new", &[("title", "寻求防腐涂层检测方法"), ("do", "send")]).await;
    let to = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let receipt = site.page(&to).await;
    let progress = hrefs(&receipt).into_iter().find(|href| href.contains("?sent=")).unwrap();
    assert_eq!(progress, format!("http://localhost{to}"));
    assert!(receipt.contains("class=\"qr\"") && receipt.contains("三个工作日"), "{receipt}");
}

#[tokio::test]
async fn what_closes_soon_goes_to_a_calendar() {
    let site = sample();
    let home = site.page("/").await;
    let links = hrefs(&home);
    assert!(links.contains(&"/deadlines.ics".to_owned()), "{links:#?}");
    let all = links.iter().find(|href| href.contains("sort=") && href.contains("kind=policy"));
    assert!(site.page(all.expect("everything that closes")).await.contains("records/policy/p1"));
    let file = site.get("/deadlines.ics").await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    assert_eq!(file.html.matches("BEGIN:VEVENT").count(), 2, "{}", file.html);
    for ahead in [0, 12] {
        let day = day(today(), ahead).replace('-', "");
        assert!(file.html.contains(&format!("DTSTART;VALUE=DATE:{day}")), "{day}\n{}", file.html);
    }
}

#[tokio::test]
async fn nothing_found_offers_what_finds_something_and_how_much() {
    let site = sample();
    let html = site
        .page("/search?q=%E6%B7%A1%E5%8C%96&kind=policy&select=level:municipal&select=theme:ip")
        .await;
    let tries = &html[html.find("可以试试").unwrap()..];
    // Without the theme there is one; without the level there is none, and that is not offered.
    assert!(tries.contains("主题：") && !tries.contains("去掉“政策层级"), "{tries}");
    let without = tries.split("<li>").find(|line| line.contains("去掉“")).unwrap();
    assert!(without.contains("<span class=\"count\">1</span>"), "{without}");
    let all = tries.split("<li>").find(|line| line.contains("去掉筛选条件")).unwrap();
    assert!(all.contains("<span class=\"count\">1</span>"), "{all}");
    assert!(tries.contains("反馈“没有找到”"));
}

#[tokio::test]
async fn other_words_that_were_looked_for_are_told_and_can_be_left_out() {
    let records = vec![
        json!({"kind": "policy", "id": "p1", "title": "高新技术企业认定奖励"}),
        json!({"kind": "policy", "id": "p2", "title": "高企培育库入库通知"}),
    ];
    let site = Site::new(records);
    let html = site.page("/search?q=%E9%AB%98%E4%BC%81&lang=zh").await;
    assert!(html.contains("“高企”也按“"), "{html}");
    let raw = hrefs(&html).into_iter().find(|href| href.contains("raw=true")).unwrap();
    let html = site.page(&raw).await;
    assert!(!html.contains("也按“") && !html.contains("records/policy/p1"), "{html}");
}

#[tokio::test]
async fn an_error_has_a_number_and_ways_out() {
    let site = sample();
    let ask = |uri: &str| {
        let request = Request::get(uri).header("x-request-id", "abc-123").body(Body::empty());
        site.ask(request.unwrap())
    };
    let nowhere = ask("/zcwj/%E6%B5%B7%E6%B0%B4-%E6%B7%A1%E5%8C%96.html").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    nowhere.check("404");
    assert!(nowhere.html.contains("<code translate=\"no\">abc-123</code>"), "{}", nowhere.html);
    assert!(nowhere.html.contains("value=\"海水 淡化\""), "the box holds the words of the address");
    let search =
        hrefs(&nowhere.html).into_iter().find(|href| href.starts_with("/search?q=")).unwrap();
    assert!(site.page(&search).await.contains("records/policy/p1"));
    let wrong = ask("/search?sort=nothing:asc").await;
    assert!(wrong.html.contains("abc-123") && !site.page("/").await.contains("请求编号"));
    // What was here says so; what never was, or was never public, does not.
    let id = RecordId::new("policy", "p2");
    site.app.ingest.withdraw(&id, Precondition::default(), &site.key).unwrap().unwrap();
    let gone = ask("/records/policy/p2").await;
    assert_eq!(gone.status, StatusCode::GONE);
    gone.check("410");
    assert!(gone.html.contains("这条记录已撤回") && !gone.html.contains("科技型企业研发补助"));
    assert_eq!(ask("/records/policy/p3").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_that_takes_too_long_is_told_with_a_page() {
    let mut site = Site::with(Vec::new(), |config| config.search.threads = 1);
    site.state.limits.read = std::time::Duration::from_millis(20);
    site.router = kechuang::portal::site(site.state.clone());
    // The only thread that makes pages is held until all is asked.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let pool = site.state.searches.clone();
    let held = tokio::spawn(async move {
        let job = move || {
            started.send(()).unwrap();
            released.recv().unwrap();
        };
        pool.run(job).await
    });
    has_started.await.unwrap();
    let ask = |uri: &str, accept: &str| {
        let request = Request::get(uri).header("accept", accept).header("x-request-id", "abc-123");
        site.ask(request.body(Body::empty()).unwrap())
    };
    let late = ask("/search?q=1&lang=zh", "text/html,*/*;q=0.8").await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
    late.check("503");
    assert!(late.html.contains("请过几秒再试") && late.html.contains("abc-123"), "{}", late.html);
    assert_eq!(late.headers["x-request-id"], "abc-123");
    assert_eq!(late.headers["retry-after"], "5");
    for (uri, accept) in [("/v1/search", "text/html"), ("/search", "*/*")] {
        let late = ask(uri, accept).await;
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(late.headers["content-type"], "application/problem+json", "{uri}");
    }
    release.send(()).unwrap();
    assert_eq!(held.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn more_than_is_taken_at_once_is_refused_with_a_page() {
    let site = Site::new(Vec::new());
    let mut refused = None;
    // One a second is taken again, so the sixty-first is not always the one.
    for _ in 0..200 {
        let page = site.post("/demands/new?lang=zh", &[("do", "send")]).await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(page);
            break;
        }
    }
    let refused = refused.expect("there is an end");
    refused.check("429");
    assert!(refused.html.contains("提交太频繁") && refused.html.contains("没有保存"));
    assert_eq!(refused.headers[header::RETRY_AFTER], "5");
    assert_eq!(site.post("/subscriptions/new", &[("q", "海水")]).await.status, 429);
}

#[tokio::test]
async fn forms_keep_the_language_that_was_chosen() {
    let site = sample();
    for uri in ["/check", "/demands/new", "/subscriptions/new"] {
        let html = site.page(&format!("{uri}?lang=en")).await;
        let action = format!("action=\"{uri}?lang=en\" method=\"post\"");
        assert!(html.contains(&action), "{action}\n{html}");
    }
    let made = site.post("/subscriptions/new?lang=en", &[("q", "海水")]).await;
    let to = made.headers[header::LOCATION].to_str().unwrap();
    let page = site.page(to).await;
    assert!(page.contains("<html lang=\"en\"") && to.ends_with("lang=en"), "{to}");
}
