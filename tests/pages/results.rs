//! What comes with results and records: reasons, other searches, files, charts, codes and calendars.

use axum::http::{StatusCode, header};
use serde_json::json;

use crate::sample;
use crate::site::{Site, day, hrefs, today};

#[tokio::test]
async fn what_others_ask_with_the_same_words_is_offered() {
    let site = Site::with(
        vec![json!({"kind": "policy", "id": "p1", "title": "海水淡化装备补贴办法"})],
        |config| config.search.popular_min_count = 1,
    );
    site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96").await;
    let html =
        site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96%20%E8%A1%A5%E8%B4%B4").await;
    let related = &html[html.find("相关搜索").expect("there are some")..];
    assert!(related.contains(">海水淡化</a>"), "{related}");
    let first = site.page("/search?q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96").await;
    assert!(!first.contains(">海水淡化</a>"), "not what was asked itself");
}

#[tokio::test]
async fn results_say_why_and_can_be_taken_away() {
    let site = sample();
    let q = "q=%E6%B5%B7%E6%B0%B4%E6%B7%A1%E5%8C%96";
    let html = site.page(&format!("/search?{q}&kind=policy")).await;
    let why =
        html.split("为什么在这里").nth(1).expect("a reason").split("</details>").next().unwrap();
    assert!(
        why.contains("<dd>海水淡化</dd>") && why.contains("得分构成") && why.contains(" %"),
        "{why}"
    );
    assert!(!site.page("/search").await.contains("为什么在这里"), "a list by date has no reasons");
    let file = site.get(&format!("/search.csv?{q}&kind=policy")).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let mut rows = csv::Reader::from_reader(file.html.as_bytes());
    let head = rows.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let column = |label: &str| {
        head.iter().position(|name| name == label).unwrap_or_else(|| panic!("{head:?}"))
    };
    assert_eq!(rows.len(), 1);
    assert_eq!(&rows[0][column("标题")], "青岛市海水淡化产业扶持办法");
    assert_eq!(&rows[0][column("时效性")], "现行有效");
    assert!(rows[0][column("网址")].ends_with("/records/policy/p1"));
    assert!(!file.html.contains("王工"), "what is not public stays");
    // A thousand at most, in the order of the page; several kinds share what they all have.
    let all = site.get("/search.csv").await.html;
    assert_eq!(csv::Reader::from_reader(all.as_bytes()).into_records().count(), 48);
    assert_eq!(site.get("/search.csv?sort=nothing:asc").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_record_goes_to_a_phone_and_a_calendar_and_to_what_replaces_it() {
    let records = vec![
        json!({"kind": "policy", "id": "old", "title": "旧办法", "validity": "repealed"}),
        json!({"kind": "policy", "id": "new", "title": "新办法", "validity": "in_force", "effective_on": "2026-01-01",
            "relations": [{"type": "repeals", "id": "old"}],
            "windows": [{"kind": "batch", "opens": "2026-01-05", "closes": day(today(), 9)}]}),
    ];
    let site = Site::new(records);
    let old = site.page("/records/policy/old").await;
    let banner = old.split("class=\"banner bad\"").nth(1).unwrap().split("</div>").next().unwrap();
    assert!(
        banner.contains("href=\"/records/policy/new\">新办法</a>") && banner.contains("2026-01-01"),
        "{banner}"
    );
    assert!(!old.contains("deadline.ics"), "nothing closes");
    let new = site.page("/records/policy/new").await;
    assert!(new.contains("本页地址的二维码") && !new.contains("banner bad"));
    let calendar = hrefs(&new).into_iter().find(|href| href.ends_with("/deadline.ics")).unwrap();
    let file = site.get(&calendar).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    let closes = day(today(), 9).replace('-', "");
    assert!(file.html.contains(&format!("DTSTART;VALUE=DATE:{closes}")), "{}", file.html);
    assert_eq!(site.get("/records/policy/old/deadline.ics").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn public_charts_say_the_same_as_their_files() {
    let site = sample();
    let html = site.page("/data").await;
    for (id, total) in [("kinds", 48), ("months", 0), ("deadlines", 2)] {
        let figure =
            html.split(&format!("id=\"{id}\">")).nth(1).unwrap().split("</figure>").next().unwrap();
        let cells = figure.split("<td class=\"num\">").skip(1);
        let listed: Vec<u64> =
            cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap()).collect();
        let file = site.get(&format!("/statistics/{id}.csv")).await.html;
        let rows = csv::Reader::from_reader(file.as_bytes()).into_records();
        let written: Vec<u64> = rows.map(|row| row.unwrap()[1].parse().unwrap()).collect();
        assert_eq!(listed, written, "{id}");
        if id != "months" {
            assert_eq!(listed.iter().sum::<u64>(), total, "{id}");
        }
    }
    assert!(site.page("/").await.contains("数据一览"));
    assert_eq!(site.get("/statistics/none.csv").await.status, StatusCode::NOT_FOUND);
}

/// What the words say is a line of conditions, each of which can be asked for alone or left out.
#[tokio::test]
async fn what_the_words_say_is_shown_and_can_be_chosen_and_dropped() {
    let site = Site::with(
        vec![
            json!({"kind": "policy", "id": "p1", "title": "人才补助办法", "division_code": "370212"}),
            json!({"kind": "policy", "id": "p2", "title": "人才补助办法 崂山区参照执行"}),
        ],
        |_| {},
    );
    // 人才补助 崂山区
    let q = "%E4%BA%BA%E6%89%8D%E8%A1%A5%E5%8A%A9%20%E5%B4%82%E5%B1%B1%E5%8C%BA";
    let html = site.page(&format!("/search?q={q}")).await;
    let line = html.split("class=\"readings\"").nth(1).expect("a line of readings");
    let line = line.split("</section>").next().unwrap();
    assert!(line.contains("崂山区</span>") && line.contains("地区：崂山区"), "{line}");
    let found = hrefs(line);
    let [only, without] = found.as_slice() else { panic!("{line}") };
    let narrowed = site.page(only).await;
    assert!(narrowed.contains("/records/policy/p1") && !narrowed.contains("/records/policy/p2"));
    assert!(!narrowed.contains("class=\"readings\""), "it is chosen");
    assert!(narrowed.contains("移除条件：地区：崂山区"), "and can be chosen no more");
    let wider = site.page(without).await;
    assert!(!wider.contains("class=\"readings\"") && wider.contains("/records/policy/p2"));
    let english = site.page(&format!("/search?q={q}&lang=en")).await;
    assert!(english.contains("Laoshan District") && english.contains("Only these"));
    let raw = site.page(&format!("/search?q={q}&raw=true")).await;
    assert!(!raw.contains("class=\"readings\""));
}
