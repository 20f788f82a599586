//! Shapes of `/v1/applicability`, `/v1/attributes`, `/v1/profiles` and of a record's versions.

use serde_json::{Value, json};

use super::{Access, JSON, Shape};
use crate::service::profiles::MAX_NAME;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        operation: "check_applicability",
        request: Some((JSON, "ApplicabilityRequest")),
        answers: &[(200, "How every record stands to the profile", Some((JSON, "Applicability")))],
        problems: &[400, 404, 408, 413, 415, 422],
        access: Access::Read,
    },
    Shape {
        operation: "list_attributes",
        request: None,
        answers: &[(200, "Every attribute of a profile", Some((JSON, "Attributes")))],
        problems: &[400],
        access: Access::Read,
    },
    Shape {
        operation: "post_profile",
        request: Some((JSON, "Profile")),
        answers: &[(201, "The profile as it is kept", Some((JSON, "Profile")))],
        problems: &[400, 403, 404, 408, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "list_profiles",
        request: None,
        answers: &[(200, "The caller's profiles", Some((JSON, "Profiles")))],
        problems: &[400, 403],
        access: Access::Write,
    },
    Shape {
        operation: "get_profile",
        request: None,
        answers: &[(200, "The profile", Some((JSON, "Profile")))],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "put_profile",
        request: Some((JSON, "Profile")),
        answers: &[
            (200, "The profile in its new state", Some((JSON, "Profile"))),
            (201, "The profile is new", Some((JSON, "Profile"))),
        ],
        problems: &[400, 403, 404, 408, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "delete_profile",
        request: None,
        answers: &[(204, "The profile is deleted", None)],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "list_versions",
        request: None,
        answers: &[(200, "The record's versions, the latest first", Some((JSON, "Versions")))],
        problems: &[400, 404],
        access: Access::Read,
    },
    Shape {
        operation: "compare_versions",
        request: None,
        answers: &[(200, "What differs, clause by clause", Some((JSON, "Difference")))],
        problems: &[400, 404],
        access: Access::Read,
    },
];

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let string = || json!({ "type": "string" });
    let date = || json!({ "type": ["string", "null"], "format": "date" });
    let yuan = || json!({ "type": ["integer", "null"], "description": "Whole yuan" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let list = |item: Value, meaning: &str| {
        let several = json!({ "type": "array", "items": item });
        let joined = json!({ "type": "string", "description": "separated by commas" });
        json!({ "oneOf": [several, joined], "description": meaning })
    };
    let objects = || json!({ "type": "array", "items": { "type": "object" } });
    let many = |name: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } });
    let verdict = || json!({ "enum": ["pass", "unknown", "fail"] });
    let reasons = || {
        let names = crate::applicability::window::Exclusion::NAMES;
        json!({ "enum": names.iter().map(|(name, _)| *name).collect::<Vec<_>>() })
    };
    vec![
        (
            "ApplicabilityRequest",
            json!({
                "type": "object",
                "description": "`profile` or `profile_id` is needed",
                "properties": {
                    "profile": { "type": "object", "description": "By attribute of /v1/attributes" },
                    "profile_id": { "type": "string", "description": "A stored profile of the caller's; `profile` goes before it" },
                    "assume": { "type": "object", "description": "What to go on with where the profile does not say" },
                    "as_of": { "type": "string", "format": "date", "description": "Today when absent" },
                    "kind": list(string(), "Kinds with conditions"),
                    "ids": list(string(), "Only these, also when they are left out otherwise"),
                    "filter": { "type": "string", "description": "As in /v1/search" },
                    "include": list(reasons(), "Show what is left out for these reasons"),
                    "limit": { "type": "integer", "minimum": 1, "maximum": 1000, "description": "Everything when absent" },
                    "offset": { "type": "integer", "minimum": 0, "maximum": 100_000 },
                    "questions": { "type": "integer", "minimum": 0, "maximum": 20, "default": 3 },
                    "lang": { "enum": ["zh", "en"], "description": "Of what is said; as Accept-Language prefers when absent" },
                },
                "additionalProperties": false,
            }),
        ),
        (
            "Applicability",
            json!({
                "type": "object",
                "properties": {
                    "as_of": { "type": "string", "format": "date" },
                    "summary": {
                        "type": "object",
                        "properties": {
                            "pass": { "type": "integer" },
                            "near": { "type": "integer", "description": "Fail within reach; not counted in `fail`" },
                            "unknown": { "type": "integer" },
                            "fail": { "type": "integer" },
                        },
                        "required": ["pass", "near", "unknown", "fail"],
                    },
                    "items": many("ApplicabilityItem"),
                    "total": { "type": "integer" },
                    "excluded": { "type": "array", "items": {
                        "type": "object",
                        "properties": { "reason": reasons(), "label": string(), "count": { "type": "integer" } },
                        "required": ["reason", "label", "count"],
                    } },
                    "questions": { "type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "attribute": string(),
                            "label": string(),
                            "why": string(),
                            "decides": { "type": "integer", "description": "Records that wait for the answer" },
                            "attributes": texts(),
                        },
                        "required": ["attribute", "label", "why", "decides"],
                    } },
                    "portfolio": {
                        "type": "object",
                        "properties": {
                            "items": objects(),
                            "low": { "type": "integer" },
                            "high": yuan(),
                            "exclusions": objects(),
                            "caps": objects(),
                            "approximate": { "type": "boolean" },
                            "say": string(),
                        },
                        "required": ["items", "low", "high", "exclusions"],
                    },
                    "notes": objects(),
                    "profile_digest": { "type": "string", "description": "Names what was said of the organization: with the same one, the same versions of the records and the same `as_of`, the verdicts are the same" },
                    "revision": { "type": "integer" },
                    "took_ms": { "type": "number" },
                },
                "required": ["as_of", "summary", "items", "total", "excluded", "questions", "portfolio", "notes", "profile_digest"],
            }),
        ),
        (
            "ApplicabilityItem",
            json!({
                "type": "object",
                "properties": {
                    "kind": string(),
                    "id": string(),
                    "title": string(),
                    "verdict": verdict(),
                    "near": { "type": "boolean" },
                    "say": string(),
                    "excluded": reasons(),
                    "version": {
                        "type": "object",
                        "description": "The version of the record's rules that decided, and the days around `as_of` on which they hold",
                        "properties": { "revision": { "type": "integer" }, "valid_from": date(), "valid_to": date() },
                        "required": ["revision", "valid_from", "valid_to"],
                    },
                    "successor": { "type": "object" },
                    "conditions": many("ApplicabilityCondition"),
                    "judge": objects(),
                    "amount": {
                        "type": "object",
                        "properties": {
                            "status": { "enum": ["exact", "ceiling", "range", "not_stated", "none"] },
                            "low": yuan(),
                            "high": yuan(),
                            "yuan": yuan(),
                            "parts": objects(),
                            "depends_on": texts(),
                            "say": string(),
                        },
                        "required": ["status", "low", "high", "yuan"],
                    },
                    "window": {
                        "type": "object",
                        "properties": {
                            "state": { "enum": ["open", "upcoming", "closed", "rolling", "not_stated"] },
                            "opens": date(),
                            "closes": date(),
                            "days_left": { "type": ["integer", "null"] },
                        },
                        "required": ["state", "opens", "closes", "days_left"],
                    },
                    "rules": {
                        "type": "object",
                        "properties": {
                            "fidelity": { "type": ["string", "null"] },
                            "checked_on": date(),
                            "as_of": { "type": "string", "format": "date" },
                            "year": { "type": "integer" },
                            "modelled": { "type": "boolean" },
                        },
                        "required": ["fidelity", "checked_on", "as_of"],
                    },
                },
                "required": ["kind", "id", "title", "verdict", "near", "say", "conditions", "judge", "amount", "window", "rules", "version"],
            }),
        ),
        (
            "ApplicabilityCondition",
            json!({
                "type": "object",
                "properties": {
                    "id": string(),
                    "clause": string(),
                    "text": string(),
                    "verdict": verdict(),
                    "have": { "type": "array", "description": "What the profile has, check by check; money in yuan" },
                    "need": { "type": "array", "description": "What is asked for, check by check" },
                    "need_data": texts(),
                    "missing": { "type": "array", "items": { "type": "string" }, "description": "`need_data` in words" },
                    "margin": { "type": ["string", "null"] },
                    "checks": objects(),
                    "gaps": objects(),
                    "assumed": { "type": "boolean" },
                },
                "required": ["id", "clause", "text", "verdict", "have", "need", "need_data", "margin"],
            }),
        ),
        (
            "Attributes",
            json!({
                "type": "object",
                "properties": { "items": objects(), "questions": objects() },
                "required": ["items", "questions"],
            }),
        ),
        (
            "Profile",
            json!({
                "type": "object",
                "properties": {
                    "id": { "type": "string", "readOnly": true },
                    "name": { "type": ["string", "null"], "maxLength": MAX_NAME },
                    "profile": { "type": "object", "description": "By attribute of /v1/attributes" },
                    "notes": { "type": "array", "items": { "type": "object" }, "readOnly": true },
                    "_revision": { "type": "integer", "readOnly": true },
                    "_owner": { "type": "string", "readOnly": true },
                    "_created_at": { "type": "string", "format": "date-time", "readOnly": true },
                    "_updated_at": { "type": "string", "format": "date-time", "readOnly": true },
                },
                "required": ["profile"],
            }),
        ),
        (
            "Profiles",
            json!({ "type": "object", "properties": { "items": many("Profile") }, "required": ["items"] }),
        ),
        (
            "Versions",
            json!({
                "type": "object",
                "properties": {
                    "items": objects(),
                    "relations": objects(),
                    "successor": { "type": ["object", "null"] },
                    "withdrawn": { "type": "boolean", "description": "The record is there no more" },
                },
                "required": ["items", "relations", "successor"],
            }),
        ),
        (
            "Difference",
            json!({
                "type": "object",
                "properties": { "from": { "type": "object" }, "to": { "type": "object" }, "fields": objects(), "rules": objects(), "text": objects() },
                "required": ["from", "to", "fields", "rules", "text"],
            }),
        ),
    ]
}

/// A request that answers something on the sample.
pub(super) fn example(schema: &str) -> Option<Value> {
    match schema {
        "ApplicabilityRequest" => Some(json!({
            "profile": {
                "reg_region": "370212",
                "entity_type": "company",
                "registered_on": "2020-05-01",
                "revenue": { "2025": 26_000_000 },
                "rd_expense": { "2025": 1_196_000 },
                "quals": [{ "code": "kejixing_sme", "from": "2026-04-20", "to": "2027-03-31" }],
            },
            "limit": 5,
        })),
        "Profile" => {
            Some(json!({ "name": "…", "profile": { "reg_region": "370212", "staff": 40 } }))
        }
        _ => None,
    }
}
