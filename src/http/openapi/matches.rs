//! Matching, as the description shows it.

use serde_json::{Value, json};

use super::{Access, JSON, Shape};
use crate::service::matches::{DEFAULT_LIMIT, MAX_LIMIT};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        operation: "list_matches",
        request: None,
        answers: &[(200, "Records that fit, best first", Some((JSON, "MatchPage")))],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "list_similar",
        request: None,
        answers: &[(200, "Records like it, best first", Some((JSON, "MatchPage")))],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "post_match",
        request: Some((JSON, "MatchRequest")),
        answers: &[(200, "Records that fit, best first", Some((JSON, "MatchPage")))],
        problems: &[400, 408, 413, 415, 422],
        access: Access::Read,
    },
];

pub(super) fn schemas() -> [(&'static str, Value); 4] {
    let string = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let request = json!({
        "type": "object",
        "description": "Either `record`, or `profile`: an enterprise's attributes",
        "properties": {
            "record": of("Record"),
            "profile": { "type": "object" },
            "to": { "type": "string", "description": "Kind of the records to find" },
            "limit": {
                "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT,
            },
            "diversity": { "type": "boolean", "default": true },
        },
        "required": ["to"],
        "additionalProperties": false,
    });
    let evidence = json!({
        "type": "object",
        "properties": { "from": string.clone(), "to": string.clone() },
        "required": ["from", "to"],
    });
    let reason = json!({
        "type": "object",
        "properties": {
            "signal": string.clone(),
            "label": string.clone(),
            "value": { "type": "number", "description": "Its part of the score; the parts add up to it" },
            "evidence": evidence,
            "verdict": { "enum": ["pass", "near", "unknown", "fail"], "description": "Of `conditions` alone" },
            "terms": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "term": string.clone(), "share": share.clone() },
                    "required": ["term", "share"],
                },
            },
            "quantities": {
                "type": "array",
                "description": "Every quantity that one side asks for, and what the other states of it",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": string.clone(),
                        "verdict": { "enum": ["met", "not_met", "not_stated"] },
                        "label": string.clone(),
                        "from": string.clone(),
                        "to": string.clone(),
                    },
                    "required": ["name", "verdict", "label", "from", "to"],
                },
            },
        },
        "required": ["signal", "label", "value", "evidence"],
    });
    let item = json!({
        "type": "object",
        "properties": {
            "kind": string.clone(),
            "id": string.clone(),
            "score": share,
            "record": { "type": "object", "description": "The fields of its card" },
            "reasons": { "type": "array", "items": of("Reason") },
            "duplicates": count.clone(),
            "more_of_owner": count,
        },
        "required": ["kind", "id", "score", "record", "reasons"],
    });
    let page = json!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": of("Match") },
            "pair": { "type": "object" },
            "basis": { "type": "array", "items": string.clone(), "description": "Words that the list goes by" },
            "note": {
                "type": "object",
                "properties": { "code": string.clone(), "message": string },
            },
            "dense": { "enum": ["off", "used", "unavailable"] },
            "took_ms": { "type": "number" },
        },
        "required": ["items", "pair", "basis", "dense", "took_ms"],
    });
    [("MatchRequest", request), ("Reason", reason), ("Match", item), ("MatchPage", page)]
}
