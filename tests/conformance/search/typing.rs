//! What happens while somebody types, and when they type it wrong.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Server, encode, hold, ids};

async fn completions(server: &Server, typed: &str) -> Vec<String> {
    let page = server.get(&format!("/v1/suggest?limit=50&q={}", encode(typed))).await;
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["text"].as_str().expect("a text").to_owned()).collect()
}

/// Asks until some completion is `expected`: completions follow writes within a second or so.
async fn completes(server: &Server, typed: &str, expected: &str) {
    let started = Instant::now();
    loop {
        let found = completions(server, typed).await;
        if found.iter().any(|text| text.contains(expected)) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{typed}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// 14
#[tokio::test]
async fn every_character_more_narrows_what_is_found_and_offered() {
    let titles = ["新能源汽车推广应用", "新能源发电并网", "新材料首批次应用", "能源管理"];
    hold(&titles, async |server| {
        completes(&server, "能源管理", "能源管理").await;
        let mut before: Option<Vec<String>> = None;
        for (typed, holding) in [("新", 3), ("新能", 2), ("新能源", 2), ("新能源汽车", 1)]
        {
            let found = server.find(typed).await;
            // Those that hold what is typed come first; what a wider reading adds comes behind.
            for id in &found[..holding] {
                let title = titles[id.parse::<usize>().expect("a place")];
                assert!(title.contains(typed), "{typed}: {found:?}");
            }
            let offered = completions(&server, typed).await;
            assert!(!offered.is_empty(), "{typed}");
            if let Some(before) = before {
                assert!(offered.iter().all(|text| before.contains(text)), "{typed}: {offered:?}");
            }
            before = Some(offered);
        }
    })
    .await;
}

/// 15, 16
#[tokio::test]
async fn pinyin_first_letters_and_mixtures_complete_by_the_reading_of_the_word() {
    let titles =
        ["新能源汽车推广应用", "重庆市创新券", "中庆食品", "银行信贷支持", "中华人民共和国专利法"];
    hold(&titles, async |server| {
        completes(&server, "zhonghua", "中华人民").await;
        for (typed, expected) in [
            ("xinnengyuan", "新能源汽车"),
            ("xny", "新能源汽车"),
            ("xinneng汽车", "新能源汽车"),
            ("XNYQC", "新能源汽车"),
            ("chongqing", "重庆"),
            ("yinhang", "银行"),
            ("zhrm", "中华人民"),
        ] {
            completes(&server, typed, expected).await;
        }
        let found = completions(&server, "chongqing").await;
        assert!(found.iter().all(|text| !text.contains("中庆")), "{found:?}");
    })
    .await;
}

/// 18
#[tokio::test]
async fn a_word_that_no_record_holds_is_corrected_and_the_way_back_is_open() {
    hold(
        &["新能源汽车推广应用", "新能源汽车动力电池", "园区管理"],
        async |server| {
            let page = server.page("新能园汽车").await;
            assert_eq!(page["corrected"]["from"], "新能园汽车");
            assert_eq!(page["corrected"]["to"], "新能源汽车");
            let mut found = ids(&page);
            found.sort();
            assert_eq!(found, ["0", "1"]);
            let raw = server.get(&format!("/v1/search?raw=true&q={}", encode("新能园汽车"))).await;
            assert_eq!(raw["corrected"], Value::Null);
        },
    )
    .await;
}

/// 19
#[tokio::test]
async fn what_exists_is_not_corrected() {
    hold(
        &["芯源微发布新品", "芯片产业", "芯片设计", "新源微电网", "新源微电网二期"],
        async |server| {
            let page = server.page("芯源微").await;
            assert_eq!(page["corrected"], Value::Null);
            assert_eq!(ids(&page)[0], "0");
        },
    )
    .await;
}

/// 37: values of facets by pinyin, first letters and any character.
#[tokio::test]
async fn values_of_facets_are_offered_by_how_they_are_typed() {
    hold(&[], async |server| {
        let place = |id: &str, code: &str| {
            serde_json::json!({ "kind": "policy", "id": id, "title": "通知", "division_code": code })
        };
        server.write(&[place("a", "440000"), place("b", "370000")]).await;
        for typed in ["gd", "guangd", "东"] {
            completes(&server, typed, "广东").await;
        }
    })
    .await;
}
