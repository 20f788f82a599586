//! The read side of Meilisearch's API, as the description shows it.

use serde_json::{Map, Value, json};

use super::{Access, JSON, Shape};
use crate::http::meilisearch::LOCALES;

/// The tag of these operations: their errors have a shape of their own.
pub(super) const TAG: &str = "meilisearch";

/// Operation, access, what comes back, the problems beside the usual ones, and the schema of the body, if there is one.
macro_rules! shape {
    ($operation:literal $access:ident $meaning:literal $schema:literal [$($problem:literal),*] $($body:literal)?) => {{
        #[allow(unused_mut, unused_assignments)]
        const REQUEST: Option<(&str, &str)> = {
            let mut request = None;
            $(request = Some((JSON, $body));)?
            request
        };
        Shape {
            operation: $operation,
            request: REQUEST,
            answers: &[(200, $meaning, Some((JSON, $schema)))],
            problems: &[$($problem),*],
            access: Access::$access,
        }
    }};
}

pub(super) const SHAPES: &[Shape] = &[
    shape!("show_health" Open "The server answers" "Object" [400]),
    shape!("show_version" Open "The version" "Object" [400]),
    shape!("show_stats" Read "Documents of every index" "Object" [400]),
    shape!("list_indexes" Read "The indexes" "MeilisearchList" [400]),
    shape!("get_index" Read "The index" "Object" [400, 404]),
    shape!("show_index_stats" Read "Its documents" "Object" [400, 404]),
    shape!("list_settings" Read "The settings" "Object" [400, 404]),
    shape!("get_setting" Read "The setting" "Any" [400, 404]),
    shape!("search_index" Read "Hits" "MeilisearchPage" [400, 404]),
    shape!("post_index_search" Read "Hits" "MeilisearchPage" [400, 404, 408, 413, 415] "MeilisearchSearch"),
    shape!("post_multi_search" Read "An answer to each query, or one merged list" "Object" [400, 404, 408, 413, 415] "MeilisearchQueries"),
    shape!("post_facet_search" Read "Values with their counts" "MeilisearchFacetHits" [400, 404, 408, 413, 415] "MeilisearchFacetSearch"),
    shape!("list_documents" Read "Documents" "MeilisearchList" [400, 404]),
    shape!("fetch_documents" Read "Documents" "MeilisearchList" [400, 404, 408, 413, 415] "MeilisearchFetch"),
    shape!("get_document" Read "The document" "Object" [400, 404]),
];

/// The name of the response of that status.
pub(super) fn response_name(status: u16) -> String {
    // A key that does not hold is a 403 here.
    format!("MeilisearchError{}", if status == 401 { 403 } else { status })
}

/// One response a status.
pub(super) fn responses() -> Map<String, Value> {
    const MEANINGS: [(u16, &str); 8] = [
        (400, "`bad_request`, `malformed_payload`, or `invalid_…` with the name of the parameter"),
        (403, "`invalid_api_key`"),
        (404, "`index_not_found`, `document_not_found`"),
        (408, "`request_timeout`"),
        (413, "`payload_too_large`"),
        (415, "`invalid_content_type`"),
        (500, "`internal`"),
        (503, "`too_many_search_requests`, `timed_out`, `not_ready`, `unavailable`"),
    ];
    let response = |(status, meaning): (u16, &str)| {
        let schema = json!({ "$ref": "#/components/schemas/MeilisearchError" });
        let response = json!({ "description": meaning, "content": { JSON: { "schema": schema } } });
        (response_name(status), response)
    };
    MEANINGS.into_iter().map(response).collect()
}

pub(super) fn schemas() -> [(&'static str, Value); 10] {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let count = json!({ "type": "integer", "minimum": 0 });
    let number = json!({ "type": ["integer", "null"], "minimum": 0 });
    let flag = json!({ "type": "boolean" });
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let filter = json!({
        "description": "An expression, or an array of expressions that all hold; of an inner array one does",
        "oneOf": [text.clone(), { "type": "array", "items": { "oneOf": [text.clone(), texts.clone()] } }],
    });
    let search = json!({
        "q": { "type": ["string", "null"], "maxLength": 512 },
        "offset": count.clone(), "limit": count.clone(),
        "page": count.clone(), "hitsPerPage": count.clone(),
        "filter": filter.clone(), "facets": texts.clone(),
        "sort": { "type": "array", "items": text.clone(), "maxItems": 1 },
        "attributesToRetrieve": texts.clone(),
        "attributesToHighlight": texts.clone(), "highlightPreTag": text.clone(), "highlightPostTag": text.clone(),
        "attributesToCrop": texts.clone(), "cropLength": count.clone(), "cropMarker": text.clone(),
        "showMatchesPosition": flag.clone(), "showRankingScore": flag.clone(),
        "matchingStrategy": { "enum": ["last", "frequency", "all"] },
        "locales": { "type": "array", "items": { "enum": LOCALES } },
    });
    let with = |more: Value| {
        let mut properties = search.clone();
        for (name, schema) in more.as_object().into_iter().flatten() {
            properties[name] = schema.clone();
        }
        properties
    };
    let object = |properties: Value, required: &[&str]| {
        json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        })
    };
    let query = with(json!({
        "indexUid": text.clone(),
        "federationOptions": { "type": "object", "properties": { "weight": { "type": "number", "minimum": 0 } } },
    }));
    let federation = json!({
        "type": ["object", "null"],
        "properties": {
            "offset": number.clone(), "limit": number.clone(),
            "page": number.clone(), "hitsPerPage": number.clone(),
            "facetsByIndex": { "type": ["object", "null"], "additionalProperties": texts.clone() },
            "mergeFacets": { "type": ["object", "null"] },
        },
        "additionalProperties": false,
    });
    let facet_search = with(json!({
        "facetName": text.clone(),
        "facetQuery": { "type": ["string", "null"] },
        "exhaustiveFacetCount": flag.clone(),
    }));
    let fetch = json!({
        "offset": { "type": "integer", "minimum": 0, "maximum": 100_000 },
        "limit": { "type": "integer", "minimum": 0, "maximum": 1_000 },
        "fields": texts.clone(), "filter": filter,
        "ids": { "type": "array", "items": { "type": ["string", "number"] }, "maxItems": 1_000 },
        "sort": { "type": "array", "items": text.clone(), "maxItems": 1 },
    });
    let page = json!({
        "type": "object",
        "description": "With `page` or `hitsPerPage`: `page hitsPerPage totalPages totalHits`, else `offset limit estimatedTotalHits`",
        "properties": {
            "hits": objects.clone(), "query": text.clone(), "processingTimeMs": count.clone(),
            "offset": count.clone(), "limit": count.clone(), "estimatedTotalHits": count.clone(),
            "page": count.clone(), "hitsPerPage": count.clone(),
            "totalPages": count.clone(), "totalHits": count.clone(),
            "facetDistribution": {
                "type": "object",
                "additionalProperties": { "type": "object", "additionalProperties": count.clone() },
            },
            "facetStats": { "type": "object" },
        },
        "required": ["hits", "query", "processingTimeMs"],
    });
    let list = json!({
        "type": "object",
        "properties": {
            "results": objects.clone(), "offset": count.clone(), "limit": count.clone(), "total": count.clone(),
        },
        "required": ["results", "offset", "limit", "total"],
    });
    let facet_hits = json!({
        "type": "object",
        "properties": {
            "facetHits": objects, "facetQuery": { "type": ["string", "null"] }, "processingTimeMs": count,
        },
        "required": ["facetHits", "facetQuery", "processingTimeMs"],
    });
    let error = json!({
        "type": "object",
        "properties": {
            "message": { "type": "string", "description": "What was expected and what was found" },
            "code": text.clone(),
            "type": { "enum": ["invalid_request", "auth", "internal", "system"] },
            "link": text,
        },
        "required": ["message", "code", "type", "link"],
    });
    let queries = json!({
        "queries": {
            "type": "array", "maxItems": 50,
            "items": { "$ref": "#/components/schemas/MeilisearchQuery" },
        },
        "federation": federation,
    });
    [
        ("Any", json!({})),
        ("MeilisearchSearch", object(search, &[])),
        ("MeilisearchQuery", object(query, &["indexUid"])),
        ("MeilisearchQueries", object(queries, &["queries"])),
        ("MeilisearchFacetSearch", object(facet_search, &["facetName"])),
        ("MeilisearchFetch", object(fetch, &[])),
        ("MeilisearchPage", page),
        ("MeilisearchList", list),
        ("MeilisearchFacetHits", facet_hits),
        ("MeilisearchError", error),
    ]
}

pub(super) fn example(schema: &str) -> Option<Value> {
    Some(match schema {
        "MeilisearchSearch" => {
            json!({ "q": "传感器", "limit": 3, "facets": ["*"], "attributesToHighlight": ["title"] })
        }
        "MeilisearchQueries" => json!({
            "queries": [{ "indexUid": "KIND", "q": "传感器", "limit": 3 }],
        }),
        "MeilisearchFacetSearch" => json!({ "facetName": "division_code", "facetQuery": "崂山" }),
        "MeilisearchFetch" => json!({ "limit": 3, "fields": ["id", "title"] }),
        _ => return None,
    })
}
