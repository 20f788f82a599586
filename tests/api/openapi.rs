//! `/v1/openapi.json`.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::SHARED;

async fn document() -> Value {
    SHARED.get("/v1/openapi.json").await.json()
}

#[tokio::test]
async fn every_documented_call_exists() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut num_calls = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = path
            .replace("{kind}", "demand")
            .replace("{index}", "demand")
            .replace("{id}", "d-0")
            .replace("{setting}", "pagination")
            .replace("{name}", "progress");
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let answer = SHARED.call(&method, &filled).send().await;
            let is_routed = answer.status != 405 && !answer.text().contains("a path of the API");
            assert!(is_routed, "{method} {filled}: {}", answer.status);
            num_calls += 1;
        }
        // Methods that are not documented are not there.
        let answer = SHARED.call("PATCH", &filled).send().await;
        assert_eq!((answer.status, &answer.json()["code"]), (405, &json!("method_not_allowed")));
        let allowed: HashSet<String> =
            answer.header("allow").split(',').map(|method| method.trim().to_lowercase()).collect();
        let documented: HashSet<String> = item.as_object().unwrap().keys().cloned().collect();
        assert!(documented.is_subset(&allowed), "{path}: {allowed:?}");
        let extra: Vec<&String> =
            allowed.difference(&documented).filter(|method| *method != "head").collect();
        assert!(extra.is_empty(), "{path}: {extra:?} is not documented");
    }
    assert!(num_calls >= 15, "{num_calls} calls");
}

#[tokio::test]
async fn references_lead_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    found.push(reference.clone());
                }
                object.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_call_documents_its_errors_and_its_key() {
    let document = document().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let has = |first: char| responses.keys().any(|status| status.starts_with(first));
            assert!(has('2') && has('5'), "{method} {path}: {responses:?}");
            let writes = ["put", "delete"].contains(&method.as_str())
                || (method == "post"
                    && operation["tags"][0] != "meilisearch"
                    && !["/v1/search", "/v1/match", "/v1/applicability", "/v1/clicks"]
                        .contains(&path.as_str()))
                || path.starts_with("/v1/subscriptions")
                || path.starts_with("/v1/profiles")
                || path.starts_with("/v1/feedback")
                || path == "/v1/statistics";
            assert_eq!(operation["security"] == json!([{ "key": [] }]), writes, "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
    let unauthorized = &document["components"]["responses"]["Problem401"];
    let examples = &unauthorized["content"]["application/problem+json"]["examples"];
    assert_eq!(examples["unauthorized"]["value"]["status"], 401);
}

#[tokio::test]
async fn every_kind_has_its_schema() {
    let document = document().await;
    for kind in &SHARED.app.catalog.kinds {
        let schema = &document["components"]["schemas"][format!("record_{}", kind.name)];
        assert_eq!(schema["properties"]["title"]["type"], "string", "{}", kind.name);
        for field in &kind.fields {
            assert!(
                schema["properties"].get(&field.name).is_some(),
                "{} {}",
                kind.name,
                field.name
            );
        }
    }
}

/// The answers have the members that their schemas name, and no others.
#[tokio::test]
async fn answers_are_as_documented() {
    let document = document().await;
    let schemas = &document["components"]["schemas"];
    let check = |schema: &str, value: &Value| {
        let known: HashSet<&String> =
            schemas[schema]["properties"].as_object().unwrap().keys().collect();
        let found: HashSet<&String> = value.as_object().unwrap().keys().collect();
        let required = schemas[schema]["required"].as_array().unwrap();
        assert!(found.is_subset(&known), "{schema}: {:?}", found.difference(&known));
        for name in required {
            assert!(found.contains(&name.as_str().unwrap().to_owned()), "{schema}: {name}");
        }
    };
    let page = SHARED
        .search(&[("q", "海洋传感器"), ("explain", "true"), ("facets", "division_code")])
        .await;
    check("SearchPage", &page);
    check("Result", &page["items"][0]);
    check("Fragment", &page["items"][0]["highlights"]["title"][0]);
    check("FacetValue", &page["facets"]["division_code"][0]);
    check("Problem", &SHARED.get("/v1/nothing").await.json());
    let record = SHARED.call("GET", "/v1/records/demand/d-0").key(&SHARED.admin).send().await;
    let known = schemas["record_demand"]["properties"].as_object().unwrap();
    for member in record.json().as_object().unwrap().keys() {
        assert!(known.contains_key(member), "{member}");
    }
}
