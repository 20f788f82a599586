//! `GET` and `POST /v1/search`.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{SHARED, TestServer, ids, search_path};

fn counts(page: &Value, facet: &str) -> Vec<(String, u64)> {
    page["facets"][facet]
        .as_array()
        .unwrap_or_else(|| panic!("no facet {facet}: {page}"))
        .iter()
        .map(|value| {
            (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_whole_page() {
    let page = SHARED
        .search(&[
            ("q", "海洋传感器"),
            ("kind", "achievement"),
            ("facets", "kind,division_code"),
            ("limit", "1"),
        ])
        .await;
    insta::assert_json_snapshot!(page, {
        ".items[].score" => "[score]",
        ".revision" => "[revision]",
        ".took_ms" => "[ms]",
    });
}

#[tokio::test]
async fn finds_marks_and_orders() {
    let page = SHARED.search(&[("q", "海洋传感器"), ("limit", "10")]).await;
    let found: HashSet<String> = ids(&page).into_iter().collect();
    let expected = ["a-0", "d-0", "d-1", "d-2", "d-3", "d-4"];
    for id in expected {
        assert!(found.contains(id), "{id} is missing: {page}");
    }
    let scores: Vec<f64> =
        page["items"].as_array().unwrap().iter().map(|i| i["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for item in page["items"].as_array().unwrap() {
        let title: String = item["highlights"]["title"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fragment| fragment["text"].as_str().unwrap())
            .collect();
        assert_eq!(item["record"]["title"], title, "fragments join to the title");
    }
    let first = &page["items"][0]["highlights"]["title"];
    let marked: Vec<&str> = first
        .as_array()
        .unwrap()
        .iter()
        .filter(|fragment| fragment["hit"] == true)
        .map(|fragment| fragment["text"].as_str().unwrap())
        .collect();
    assert!(marked.concat().contains("传感器"), "{first}");
}

#[tokio::test]
async fn an_empty_query_lists_everything_newest_first() {
    let page = SHARED.search(&[("limit", "100")]).await;
    assert_eq!(page["total"], 42);
    let dates: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["record"]["published_on"].as_str().unwrap())
        .collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "{dates:?}");
}

#[tokio::test]
async fn facets_are_disjunctive_and_trees_roll_up() {
    let all = SHARED.search(&[("kind", "demand"), ("facets", "progress,division_code")]).await;
    assert_eq!(
        counts(&all, "progress"),
        [("seeking".to_owned(), 30), ("negotiating".to_owned(), 10)]
    );
    let selected = SHARED
        .search(&[
            ("kind", "demand"),
            ("facets", "progress,division_code"),
            ("select", "progress:negotiating"),
        ])
        .await;
    assert_eq!(selected["total"], 10);
    assert_eq!(counts(&selected, "progress"), counts(&all, "progress"), "its own counts stay");
    let marked: Vec<&Value> = selected["facets"]["progress"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|value| value["selected"] == true)
        .collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0]["value"], "negotiating");
    assert_eq!(marked[0]["label"], "洽谈中");
    // 山东省 holds 青岛市, which holds its districts.
    let tree = all["facets"]["division_code"].to_string();
    let province =
        find(&all["facets"]["division_code"], "370000").unwrap_or_else(|| panic!("{tree}"));
    let city = find(&province["children"], "370200").unwrap_or_else(|| panic!("{tree}"));
    let districts: u64 =
        city["children"].as_array().unwrap().iter().map(|d| d["count"].as_u64().unwrap()).sum();
    assert_eq!(province["count"], city["count"]);
    assert_eq!(city["count"].as_u64(), Some(districts));
    let within = SHARED.search(&[("kind", "demand"), ("select", "division_code:370200")]).await;
    assert_eq!(within["total"], city["count"], "a selected region holds what is below it");
    let either = SHARED
        .search(&[
            ("kind", "demand"),
            ("select", "division_code:370212"),
            ("select", "division_code:110000"),
        ])
        .await;
    let beijing = find(&all["facets"]["division_code"], "110000").unwrap()["count"].as_u64();
    assert_eq!(either["total"].as_u64(), beijing.map(|count| count + 20), "OR within a field");
}

fn find<'a>(values: &'a Value, wanted: &str) -> Option<&'a Value> {
    values.as_array()?.iter().find_map(|value| {
        if value["value"] == wanted { Some(value) } else { find(&value["children"], wanted) }
    })
}

/// Paths of all fields of a kind, with whether it says that they can be filtered.
fn paths(fields: &Value, paths: &mut Vec<(String, bool)>) {
    for field in fields.as_array().unwrap() {
        let can_be_filtered = field["filterable"].as_bool().unwrap();
        paths.push((field["path"].as_str().unwrap().to_owned(), can_be_filtered));
        self::paths(&field["fields"], paths);
    }
}

#[tokio::test]
async fn what_is_said_to_be_filterable_can_be_filtered_and_nothing_else() {
    let kinds = SHARED.get("/v1/kinds").await.json();
    let mut all = Vec::new();
    for kind in kinds["items"].as_array().unwrap() {
        paths(&kind["fields"], &mut all);
    }
    assert!(all.contains(&("location".to_owned(), false)));
    let can = |path: &str| all.iter().any(|(other, can)| other == path && *can);
    for (path, _) in &all {
        let filter = format!("{path} EXISTS OR {path} IS NULL");
        let answer = SHARED.get(&search_path(&[("filter", &filter), ("limit", "1")])).await;
        if can(path) {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        } else {
            let problem = answer.is_problem(400, "bad_filter");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with("filter, at character 0: expected a field"), "{detail}");
        }
    }
}

#[tokio::test]
async fn filters() {
    for (filter, expected) in [
        ("budget_yuan >= 390000", 2),
        ("budget_yuan > 390000", 1),
        ("budget_yuan 10000 TO 30000", 3),
        ("NOT progress = seeking AND kind = demand", 10),
        ("progress IN [seeking, negotiating]", 40),
        ("progress IS NULL", 2),
        ("division_code WITHIN 370200 AND kind = achievement", 1),
        ("published_on = 2026-03-02", 1),
        ("(budget_yuan = 10000 OR budget_yuan = 20000) AND progress = negotiating", 1),
    ] {
        let page = SHARED.search(&[("filter", filter)]).await;
        assert_eq!(page["total"], expected, "{filter}");
    }
}

#[tokio::test]
async fn sorts_by_a_field() {
    let page =
        SHARED.search(&[("kind", "demand"), ("sort", "budget_yuan:asc"), ("limit", "3")]).await;
    assert_eq!(ids(&page), ["d-0", "d-1", "d-2"]);
    let page =
        SHARED.search(&[("kind", "demand"), ("sort", "budget_yuan:desc"), ("limit", "3")]).await;
    assert_eq!(ids(&page), ["d-39", "d-38", "d-37"]);
}

#[tokio::test]
async fn explanations_add_up() {
    let page = SHARED.search(&[("q", "海洋传感器"), ("explain", "true")]).await;
    for item in page["items"].as_array().unwrap() {
        let parts = item["explanation"].as_array().unwrap_or_else(|| panic!("{item}"));
        let sum: f64 = parts.iter().map(|part| part["value"].as_f64().unwrap()).sum();
        assert!((sum - item["score"].as_f64().unwrap()).abs() < 0.01, "{item}");
        assert!(parts.iter().all(|part| part["label"].is_string()));
    }
    let plain = SHARED.search(&[("q", "海洋传感器")]).await;
    assert!(plain["items"][0].get("explanation").is_none());
}

#[tokio::test]
async fn a_body_answers_as_a_query_string() {
    let by_query = SHARED
        .search(&[("q", "监测"), ("kind", "demand"), ("facets", "progress"), ("limit", "7")])
        .await;
    let body = json!({ "q": "监测", "kind": ["demand"], "facets": ["progress"], "limit": 7 });
    let by_body = SHARED.call("POST", "/v1/search").json(&body).send().await;
    assert_eq!(by_body.status, 200, "{}", by_body.text());
    let by_body = by_body.json();
    assert_eq!(ids(&by_query), ids(&by_body));
    assert_eq!(by_query["facets"], by_body["facets"]);
    assert_eq!(by_query["total"], by_body["total"]);
}

#[tokio::test]
async fn a_cursor_walk_sees_everything_once_while_others_write() {
    for sort in ["", "budget_yuan:asc", "newest"] {
        let server = TestServer::new();
        server.fill(&crate::sample()).await;
        let mut seen = Vec::new();
        let mut cursor = String::new();
        let mut pages = 0;
        loop {
            let mut pairs = vec![("q", "需求"), ("kind", "demand"), ("limit", "6")];
            if !sort.is_empty() {
                pairs.push(("sort", sort));
            }
            if !cursor.is_empty() {
                pairs.push(("cursor", &cursor));
            }
            let page = server.search(&pairs).await;
            seen.extend(ids(&page));
            // New records appear between the pages.
            let record = json!({
                "kind": "demand", "id": format!("new-{pages}"), "title": format!("新需求{pages}"),
                "budget_yuan": 5_000_000, "published_on": "2026-10-01",
            });
            server.fill(&[record]).await;
            pages += 1;
            match page["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
            assert!(pages < 30, "the walk does not end");
        }
        let unique: HashSet<&String> = seen.iter().collect();
        assert_eq!(unique.len(), seen.len(), "{sort}: nothing comes twice: {seen:?}");
        for n in 5..40 {
            assert!(unique.contains(&format!("d-{n}")), "{sort}: d-{n} is missing: {seen:?}");
        }
    }
}

#[tokio::test]
async fn offsets_page_without_gaps() {
    let whole = ids(&SHARED
        .search(&[("sort", "budget_yuan:asc"), ("limit", "40"), ("kind", "demand")])
        .await);
    let mut paged = Vec::new();
    for offset in ["0", "15", "30"] {
        let pairs =
            [("sort", "budget_yuan:asc"), ("limit", "15"), ("kind", "demand"), ("offset", offset)];
        paged.extend(ids(&SHARED.search(&pairs).await));
    }
    assert_eq!(paged, whole);
    assert_eq!(ids(&SHARED.search(&[("offset", "1000")]).await), Vec::<String>::new());
}

#[tokio::test]
async fn quotes_are_literal_and_spaces_do_not_matter() {
    let none = SHARED.search(&[("q", "\"传感器海洋\"")]).await;
    assert_eq!(none["total"], 0);
    let some = SHARED.search(&[("q", "\"传感器封装\"")]).await;
    assert_eq!(ids(&some), ["a-0"]);
    let mut sets = Vec::new();
    for q in ["海洋 传感器", "海洋传感器", "海洋　传感器"] {
        let mut found = ids(&SHARED.search(&[("q", q), ("limit", "100")]).await);
        found.sort();
        sets.push(found);
    }
    assert_eq!(sets[0], sets[1]);
    assert_eq!(sets[1], sets[2]);
}

#[tokio::test]
async fn words_are_looked_for_where_they_are_asked_for() {
    let server = TestServer::new();
    server
        .fill(&[
            json!({ "kind": "policy", "id": "p1", "title": "海水淡化产业办法", "document_number": "青政发〔2016〕12号" }),
            json!({ "kind": "policy", "id": "p2", "title": "膜产业办法", "body": "支持海水淡化，依据青政发〔2016〕12号。" }),
            json!({ "kind": "policy", "id": "p3", "title": "淡化海水用膜", "keywords": ["海水淡化"] }),
        ])
        .await;
    let check = async |q: &str, place: &str, expected: &[&str]| {
        let mut found = ids(&server.search(&[("q", q), ("in", place)]).await);
        found.sort();
        assert_eq!(found, expected, "{q} in {place}");
    };
    check("海水淡化", "all", &["p1", "p2", "p3"]).await;
    check("\"海水淡化\"", "title", &["p1"]).await;
    check("产业 -海水", "title", &["p2"]).await;
    check("产业 -海水", "all", &[]).await;
    // A title that has other pairs of the words is found when no title has all.
    check("海水淡化", "title", &["p1", "p3"]).await;
    check("青政发〔2016〕12号", "all", &["p1", "p2"]).await;
    for q in ["青政发〔2016〕12号", "青政发 2016 12", "2016年12号", "\"青政发〔2016〕12号\""]
    {
        check(q, "code", &["p1"]).await;
    }
    check("海水淡化", "code", &[]).await;
    check("2016年12号 -膜", "code", &["p1"]).await;
    check("2016年12号 -海水", "code", &[]).await;
    check("", "code", &["p1", "p2", "p3"]).await;
    let explained = server.search(&[("q", "海水淡化"), ("in", "title"), ("explain", "true")]).await;
    for item in explained["items"].as_array().unwrap() {
        let parts = item["explanation"].as_array().unwrap().iter();
        let sum: f64 = parts.map(|part| part["value"].as_f64().unwrap()).sum();
        assert!((sum - item["score"].as_f64().unwrap()).abs() < 1e-2, "{item}");
    }
}

#[tokio::test]
async fn exclusion_takes_records_out() {
    for (q, expected) in
        [("海洋 -封装", 5), ("海洋传感器 -防腐", 1), ("-海洋 -轴承", 1), ("海洋 -海洋", 0)]
    {
        assert_eq!(SHARED.search(&[("q", q)]).await["total"], expected, "{q}");
    }
}

#[tokio::test]
async fn contacts_never_leave_with_a_result() {
    for key in ["", &SHARED.widget] {
        let path = search_path(&[("q", "海洋传感器"), ("limit", "100")]);
        let mut call = SHARED.call("GET", &path);
        if !key.is_empty() {
            call = call.key(key);
        }
        let text = call.send().await.text();
        assert!(!text.contains("王工") && !text.contains("0532-00000000"), "{text}");
    }
    assert_eq!(
        SHARED.search(&[("q", "\"王工\"")]).await["total"],
        0,
        "nor can they be searched for"
    );
}

#[tokio::test]
async fn answers_may_be_compressed_and_read_from_other_origins() {
    let path = search_path(&[("limit", "100")]);
    let plain = SHARED.get(&path).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("access-control-allow-origin"), "*");
    let zipped = SHARED.call("GET", &path).header("accept-encoding", "gzip").send().await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert!(zipped.body.len() < plain.body.len() / 2);
}
