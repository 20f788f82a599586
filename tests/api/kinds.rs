//! `/v1/kinds` and `/v1/vocabularies`.

use serde_json::Value;

use crate::SHARED;

fn field<'a>(kind: &'a Value, name: &str) -> Option<&'a Value> {
    kind["fields"].as_array().unwrap().iter().find(|field| field["name"] == name)
}

#[tokio::test]
async fn lists_every_kind_with_its_fields() {
    let list = SHARED.get("/v1/kinds").await.json();
    let kinds = list["items"].as_array().unwrap();
    assert_eq!(kinds.len(), SHARED.app.catalog.kinds.len());
    for kind in kinds {
        assert!(kind["label"].is_string() && kind["labels"]["en"].is_string(), "{kind}");
        assert!(field(kind, "title").unwrap()["required"] == true);
        for field in kind["fields"].as_array().unwrap() {
            for member in
                ["name", "type", "label", "required", "facet", "sortable", "multiple", "vocabulary"]
            {
                assert!(field.get(member).is_some(), "{member} is missing: {field}");
            }
        }
        let one = SHARED.get(&format!("/v1/kinds/{}", kind["kind"].as_str().unwrap())).await;
        assert_eq!(&one.json(), kind);
    }
    SHARED.get("/v1/kinds/nothing").await.is_problem(404, "kind_not_found");
}

#[tokio::test]
async fn one_kind_whole() {
    let kind = SHARED.get("/v1/kinds/demand").await.json();
    let progress = field(&kind, "progress").unwrap();
    insta::assert_json_snapshot!("field_with_a_small_vocabulary", progress);
    let budget = field(&kind, "budget_yuan").unwrap();
    insta::assert_json_snapshot!("field_with_buckets", budget);
}

#[tokio::test]
async fn fields_say_who_sees_their_values() {
    let kind = SHARED.get("/v1/kinds/demand").await.json();
    assert_eq!(field(&kind, "contact").unwrap()["visibility"], "registered");
    assert_eq!(field(&kind, "title").unwrap()["visibility"], "public");
}

#[tokio::test]
async fn large_vocabularies_have_an_address() {
    let kind = SHARED.get("/v1/kinds/demand").await.json();
    let division = &field(&kind, "division_code").unwrap()["vocabulary"];
    assert!(division.get("entries").is_none());
    let vocabulary = SHARED.get(division["url"].as_str().unwrap()).await.json();
    let entries = vocabulary["entries"].as_array().unwrap();
    assert_eq!(entries.len() as u64, division["size"].as_u64().unwrap());
    let city = entries.iter().find(|entry| entry["code"] == "370200").unwrap();
    assert_eq!((city["label"].as_str(), city["parent"].as_str()), (Some("青岛市"), Some("370000")));
    SHARED.get("/v1/vocabularies/nothing").await.is_problem(404, "not_found");
}
