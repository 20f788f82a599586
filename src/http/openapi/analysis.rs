//! Gaps, statistics and clicks, as the description shows them.

use serde_json::{Value, json};

use super::{Access, JSON, Shape, TEXT};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        operation: "list_gaps",
        request: None,
        answers: &[(200, "Counts of two kinds by field and place", Some((JSON, "GapTable")))],
        problems: &[400],
        access: Access::Read,
    },
    Shape {
        operation: "list_statistics",
        request: None,
        answers: &[(200, "Counts of searches", Some((JSON, "Statistics")))],
        problems: &[400, 403],
        access: Access::Write,
    },
    Shape {
        operation: "post_click",
        request: Some((TEXT, "Click")),
        answers: &[(204, "It is counted", None)],
        problems: &[400, 408, 413, 415, 422],
        access: Access::Open,
    },
];

pub(super) fn schemas() -> [(&'static str, Value); 3] {
    let label = json!({
        "type": "object",
        "properties": { "zh": { "type": "string" }, "en": { "type": "string" } },
        "required": ["zh", "en"],
    });
    let named = json!({
        "type": "object",
        "properties": { "value": { "type": "string" }, "label": label },
        "required": ["value", "label"],
    });
    let count = json!({ "type": "integer", "minimum": 0 });
    let cell = json!({
        "type": "object",
        "properties": { "from": count, "to": count },
        "required": ["from", "to"],
    });
    let path = json!({ "type": "array", "items": named });
    let gaps = json!({
        "type": "object",
        "properties": {
            "from": named, "to": named, "by": named, "within": path, "place": path,
            "columns": {
                "type": "array", "items": named,
                "description": "Places; the last one, without a value, is everything else",
            },
            "rows": {
                "type": "array",
                "description": "The last one, without a value, has no code of the field; absent below a code",
                "items": {
                    "type": "object",
                    "properties": {
                        "value": { "type": "string" }, "label": label,
                        "cells": { "type": "array", "items": cell },
                        "total": cell,
                    },
                    "required": ["value", "label", "cells", "total"],
                },
            },
            "total": cell,
            "as_of": { "type": "string", "format": "date" },
        },
        "required": ["from", "to", "by", "within", "place", "columns", "rows", "total", "as_of"],
    });
    let texts = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": { "text": { "type": "string" }, "count": count },
            "required": ["text", "count"],
        },
    });
    let statistics = json!({
        "type": "object",
        "properties": {
            "days": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "day": { "type": "string", "format": "date" },
                        "searches": count, "none": count, "loose": count, "clicks": count,
                        "reciprocal": { "type": "number", "description": "Sum of 1 / position over the clicks" },
                    },
                    "required": ["day", "searches", "none", "loose", "clicks", "reciprocal"],
                },
            },
            "asked": texts,
            "missed": texts,
            "reported": texts,
            "least": { "type": "integer", "description": "Texts asked less often are not listed" },
        },
        "required": ["days", "asked", "missed", "reported", "least"],
    });
    let click = json!({
        "type": "object",
        "description": "JSON, sent as plain text",
        "properties": {
            "kind": { "type": "string" },
            "id": { "type": "string" },
            "position": { "type": "integer", "minimum": 1, "maximum": 100 },
        },
        "required": ["kind", "id", "position"],
    });
    [("GapTable", gaps), ("Statistics", statistics), ("Click", click)]
}
