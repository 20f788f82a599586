//! A kind of record is a TOML file: import, search, facets, the API's description and the pages come from it alone.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use kechuang::app::App;
use kechuang::config::Config;
use kechuang::http::AppState;
use serde_json::Value;
use tower::ServiceExt;

const KIND: &str = r#"
version = 1
kind = "training"
label = { zh = "技术培训", en = "Training" }
description = { zh = "面向技术经理人与科研人员的课程。", en = "Courses for technology managers and researchers." }
order = 90

[card]
fields = ["format", "fee_yuan"]
badge = "format"

[[section]]
label = { zh = "课程", en = "Course" }
fields = ["format", "fee_yuan", "starts_on", "syllabus"]

[[sort]]
field = "starts_on"
order = "asc"
label = { zh = "最近开课", en = "Starting soon" }

[[field]]
name = "format"
type = "term"
label = { zh = "授课方式", en = "Format" }
vocabulary = "training_format"
required = true
role = "keywords"
facet = { kind = "terms" }

[[field]]
name = "fee_yuan"
type = "money"
label = { zh = "学费", en = "Fee" }
sortable = true
facet = { kind = "ranges", buckets = [
  { key = "free_or_low", label = { zh = "1000元以下", en = "below 1,000" }, to = 1000 },
  { key = "more", label = { zh = "1000元以上", en = "1,000 and more" }, from = 1000 },
] }

[[field]]
name = "starts_on"
type = "date"
label = { zh = "开课日期", en = "Starts" }
sortable = true
deadline = true

[[field]]
name = "syllabus"
type = "text"
role = "body"
label = { zh = "大纲", en = "Syllabus" }
"#;

const FORMATS: &str = "# Source: written for this test. Licence: that of this project. Date: 2026-11-23.\n\
code\tparent\tzh\ten\taliases\nonline\t\t线上直播\tonline\t\nclassroom\t\t集中面授\tclassroom\t面授\n";

const COURSES: &str = r#"{"id":"t1","title":"技术经理人初级班","format":"classroom","fee_yuan":2800,"starts_on":"2027-01-10","syllabus":"技术合同认定登记实务","division_code":"370212"}
{"id":"t2","title":"专利转化实务公开课","format":"online","fee_yuan":0,"starts_on":"2026-12-20","syllabus":"职务科技成果单列管理","division_code":"370211"}
{"id":"t3","title":"没有授课方式的一行"}
"#;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a readable folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

const PAIR: &str = r#"
[[pair]]
id = "training-service"
from = "training"
to = "service"
title = { zh = "与课程有关的服务", en = "Services for a course" }

[[pair.feature]]
id = "text"
kind = "text"
label = { zh = "内容相关", en = "Text" }
weight = 1.0

[[pair.feature]]
id = "region"
kind = "region_near"
label = { zh = "地区", en = "Region" }
from = "division_code"
to = "division_code"
weight = 0.1

[pair.reverse]
id = "service-training"
title = { zh = "与服务有关的课程", en = "Courses for a service" }
"#;

const SERVICES: &str = r#"{"id":"s1","title":"技术合同认定登记代办","service_type":"tech_transfer","summary":"代办技术合同认定登记","division_code":"370212"}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_toml_file_alone_brings_a_kind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index_config = folder.path().join("index-config");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("index-config"), &index_config);
    fs::write(index_config.join("kinds/training.toml"), KIND).expect("the kind is written");
    fs::write(index_config.join("vocabularies/training_format.tsv"), FORMATS)
        .expect("the vocabulary is written");
    let matching = index_config.join("matching.toml");
    let rules = fs::read_to_string(&matching).expect("the rules are read");
    fs::write(&matching, rules + PAIR).expect("the rules are written");
    let courses = folder.path().join("courses.jsonl");
    fs::write(&courses, COURSES).expect("the rows are written");
    let data = folder.path().join("data");

    // Import, by the command that people use: the row without the required field is set aside.
    let output = Command::new(env!("CARGO_BIN_EXE_kechuang"))
        .args(["import", "--kind", "training", "--data"])
        .arg(&data)
        .arg(&courses)
        .env("KECHUANG_INDEX_CONFIG", &index_config)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let rejected = fs::read_to_string(folder.path().join("courses.jsonl.rejected.jsonl"))
        .expect("the rejected row is written");
    assert!(rejected.contains("\"line\":3") && rejected.contains("format"), "{rejected}");

    let services = folder.path().join("services.jsonl");
    fs::write(&services, SERVICES).expect("the rows are written");
    let output = Command::new(env!("CARGO_BIN_EXE_kechuang"))
        .args(["import", "--kind", "service", "--data"])
        .arg(&data)
        .arg(&services)
        .env("KECHUANG_INDEX_CONFIG", &index_config)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let config = Config { data, index_config: Some(index_config), ..Config::default() };
    let app = Arc::new(App::open(&config).expect("the data folder opens"));
    let follower = app.follow();
    let state = AppState::new(app.clone(), follower.progress.clone(), &config);
    let router = kechuang::portal::site(state);
    let get = async |path: &str| -> String {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("text");
        assert!(status.is_success(), "{path}: {status}: {body}");
        body
    };
    let json =
        async |path: &str| -> Value { serde_json::from_str(&get(path).await).expect("JSON") };

    // Search: text, vocabulary labels, filter, disjunctive facets, sort.
    let found = json(
        "/v1/search?kind=training&q=%E5%AE%9E%E5%8A%A1&facets=format,fee_yuan,division_code\
         &select=format:online&sort=starts_on:asc",
    )
    .await;
    assert_eq!(found["total"], 1, "{found}");
    assert_eq!(found["items"][0]["id"], "t2");
    assert_eq!(found["items"][0]["record"]["fee_yuan"], 0);
    let formats = found["facets"]["format"].as_array().expect("a facet");
    assert_eq!(formats.len(), 2, "the facet ignores its own selection: {formats:?}");
    assert!(formats.iter().any(|value| value["label"] == "集中面授" && value["selected"] == false));
    assert_eq!(found["facets"]["fee_yuan"][0]["count"], 1);
    assert_eq!(json("/v1/search?kind=training&q=%E9%9D%A2%E6%8E%88").await["items"][0]["id"], "t1");
    let filtered = json("/v1/search?kind=training&filter=fee_yuan%20%3E%201000").await;
    assert_eq!((&filtered["total"], &filtered["items"][0]["id"]), (&1.into(), &"t1".into()));

    // The description from which clients are drawn.
    let kind = json("/v1/kinds/training").await;
    assert_eq!(kind["label"], "技术培训");
    assert!(
        kind["fields"].as_array().expect("fields").iter().any(|field| field["name"] == "syllabus")
    );
    assert!(json("/v1/openapi.json").await.to_string().contains("授课方式"));

    // Matching, both ways: the pair is a few lines of matching.toml.
    let matches = json("/v1/records/training/t1/matches?to=service").await;
    assert_eq!(matches["items"][0]["id"], "s1", "{matches}");
    assert_eq!(matches["pair"]["label"], "与课程有关的服务");
    let signals = matches["items"][0]["reasons"].to_string();
    assert!(signals.contains("认定") && signals.contains("region"), "{signals}");
    let matches = json("/v1/records/service/s1/matches?to=training").await;
    assert_eq!(matches["items"][0]["id"], "t1", "{matches}");

    // The pages.
    let page = get("/search?q=%E5%AE%9E%E5%8A%A1&kind=training").await;
    assert!(page.contains("技术培训") && page.contains("授课方式") && page.contains("<mark>"));
    let page = get("/records/training/t1").await;
    for text in ["技术经理人初级班", "集中面授", "2,800", "大纲", "技术合同认定登记实务"]
    {
        assert!(page.contains(text), "{text} is missing: {page}");
    }
}
