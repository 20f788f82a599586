//! Feedback, as the description shows it.

use serde_json::{Value, json};

use super::{Access, JSON, NDJSON, Shape};

const TSV: &str = "text/tab-separated-values";

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        operation: "post_feedback",
        request: Some((JSON, "Feedback")),
        answers: &[(201, "What is kept", Some((JSON, "KeptFeedback")))],
        problems: &[400, 403, 408, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "list_feedback",
        request: None,
        answers: &[(200, "One object a line", Some((NDJSON, "KeptFeedback")))],
        problems: &[400, 403],
        access: Access::Write,
    },
    Shape {
        operation: "list_judgements",
        request: None,
        answers: &[(200, "id, id and grade, a pair a line", Some((TSV, "Text")))],
        problems: &[400, 403],
        access: Access::Write,
    },
];

pub(super) fn schemas() -> [(&'static str, Value); 2] {
    let named = json!({
        "type": "object",
        "properties": { "kind": { "type": "string" }, "id": { "type": "string" } },
        "required": ["kind", "id"],
    });
    let feedback = json!({
        "type": "object",
        "properties": {
            "from": named.clone(),
            "item": named,
            "action": { "enum": ["click", "accept", "contact", "deal", "decline"] },
            "reason": {
                "enum": [
                    "not_wanted", "solved", "immature", "price", "region", "no_response", "expired", "other",
                ],
                "description": "With `decline`, and only there",
            },
            "list": {
                "type": "string", "maxLength": 64,
                "description": "Which list it was: `pair.rules` of the answer, or a name of the caller's",
            },
            "rank": { "type": "integer", "minimum": 1, "maximum": 1000 },
        },
        "required": ["from", "item", "action", "list"],
    });
    let mut kept = feedback.clone();
    kept["properties"]["owner"] = json!({ "type": "string" });
    kept["properties"]["at"] = json!({ "type": "string", "format": "date-time" });
    [("Feedback", feedback), ("KeptFeedback", kept)]
}
