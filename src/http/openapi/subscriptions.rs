//! Subscriptions, as the description shows them.

use serde_json::{Value, json};

use super::{Access, JSON, Shape};
use crate::service::alerts::subscription::{DEFAULT_FIRST, Event, MAX_FIRST, MAX_TITLE};

const ATOM: &str = "application/atom+xml";
const CALENDAR: &str = "text/calendar";

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        operation: "list_subscriptions",
        request: None,
        answers: &[(200, "The subscriptions of the key's owner", Some((JSON, "Subscriptions")))],
        problems: &[400, 403],
        access: Access::Write,
    },
    Shape {
        operation: "post_subscription",
        request: Some((JSON, "SubscriptionDraft")),
        answers: &[(
            201,
            "The subscription; `Location` is its address",
            Some((JSON, "Subscription")),
        )],
        problems: &[400, 403, 408, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "get_subscription",
        request: None,
        answers: &[(200, "The subscription", Some((JSON, "Subscription")))],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "delete_subscription",
        request: None,
        answers: &[(204, "The subscription has ended", None)],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "list_alerts",
        request: None,
        answers: &[(200, "Alerts, newest first", Some((JSON, "Alerts")))],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "list_dead_letters",
        request: None,
        answers: &[(200, "Alerts that could not be sent", Some((JSON, "DeadLetters")))],
        problems: &[400, 403, 404],
        access: Access::Write,
    },
    Shape {
        operation: "replay_alerts",
        request: Some((JSON, "Replay")),
        answers: &[(202, "They are in the outbox again", Some((JSON, "Queued")))],
        problems: &[400, 403, 404, 408, 413, 415, 422],
        access: Access::Write,
    },
    Shape {
        operation: "get_feed",
        request: None,
        answers: &[(200, "The newest hundred alerts", Some((ATOM, "Text")))],
        problems: &[400, 404],
        access: Access::Open,
    },
    Shape {
        operation: "get_calendar",
        request: None,
        answers: &[(200, "An event of a whole day for each date", Some((CALENDAR, "Text")))],
        problems: &[400, 404],
        access: Access::Open,
    },
];

pub(super) fn schemas() -> [(&'static str, Value); 8] {
    let string = json!({ "type": "string" });
    let instant = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let event = json!({ "enum": Event::ALL.map(Event::name) });
    let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let many = |name: &str| {
        json!({
            "type": "object",
            "properties": { "items": { "type": "array", "items": of(name) } },
            "required": ["items"],
        })
    };
    let first = json!({
        "type": "integer", "minimum": 1, "maximum": MAX_FIRST, "default": DEFAULT_FIRST,
        "description": "A record alerts when it stands among so many first of a fresh answer",
    });
    let events = json!({ "type": "array", "items": event.clone() });
    let search = json!({
        "type": "object",
        "description": "Members of a search: q, in, kind, filter, select, sort, raw",
    });
    let record = json!({
        "type": "object",
        "properties": { "kind": string.clone(), "id": string.clone() },
        "required": ["kind", "id"],
        "additionalProperties": false,
    });
    let profile =
        json!({ "type": "object", "description": "An enterprise's profile, by attribute" });
    let profile_id = json!({
        "type": "string",
        "description": "A stored profile of the caller's: changes of the verdicts of what it may apply for",
    });
    let to = json!({
        "type": ["string", "null"],
        "description": "Kind of the records that are to fit; with `profile_id` one with conditions, policies when absent",
    });
    let draft = json!({
        "type": "object",
        "properties": {
            "search": search.clone(),
            "record": record.clone(),
            "profile": profile.clone(),
            "profile_id": profile_id.clone(),
            "to": to.clone(),
            "title": { "type": "string", "maxLength": MAX_TITLE },
            "first": first.clone(),
            "events": events.clone(),
            "webhook": {
                "type": "object",
                "properties": { "url": { "type": "string", "format": "uri" } },
                "required": ["url"],
                "additionalProperties": false,
            },
        },
        "description": "One of `search`, `record` with `to`, `profile` with `to`, `profile_id` with or without `to`",
        "additionalProperties": false,
    });
    let webhook = json!({
        "type": ["object", "null"],
        "properties": {
            "url": string.clone(),
            "stopped": { "type": ["string", "null"], "description": "Why nothing is sent any more" },
            "secret": { "type": "string", "description": "Only where the subscription is made" },
        },
        "required": ["url", "stopped"],
    });
    let subscription = json!({
        "type": "object",
        "properties": {
            "id": string.clone(),
            "title": string.clone(),
            "search": search,
            "record": record,
            "profile": profile,
            "profile_id": profile_id,
            "to": to,
            "first": first,
            "events": events,
            "webhook": webhook,
            "created_at": instant.clone(),
            "feed_url": { "type": "string", "format": "uri", "description": "Atom; needs no key" },
            "calendar_url": { "type": "string", "format": "uri", "description": "iCalendar; needs no key" },
        },
        "required": [
            "id", "title", "events", "webhook", "created_at", "feed_url", "calendar_url",
        ],
    });
    let verdict = json!({
        "enum": ["fail", "unknown", "near", "pass"],
        "description": "`fail`: it does not apply, also for being elsewhere, not in force or withdrawn",
    });
    let alert = json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "description": "The same for the same news, however often it is sent" },
            "subscription": string.clone(),
            "event": event,
            "at": instant.clone(),
            "kind": string.clone(),
            "item": string.clone(),
            "revision": count.clone(),
            "title": string.clone(),
            "rank": { "type": "integer", "minimum": 1, "description": "Absent for verdicts" },
            "verdict": verdict.clone(),
            "was": verdict,
            "say": { "type": "string", "description": "The verdict in a sentence" },
            "date": { "type": "string", "format": "date" },
            "days_left": { "type": "integer" },
        },
        "required": ["id", "subscription", "event", "at", "kind", "item", "revision", "title"],
    });
    let letter = json!({
        "type": "object",
        "properties": {
            "alert": string.clone(), "attempts": count.clone(), "error": string, "given_up_at": instant.clone(),
        },
        "required": ["alert", "attempts", "error", "given_up_at"],
    });
    let mut alerts = many("Alert");
    alerts["properties"]["total"] = count.clone();
    [
        ("SubscriptionDraft", draft),
        ("Subscription", subscription),
        ("Subscriptions", many("Subscription")),
        ("Alert", alert),
        ("Alerts", alerts),
        (
            "DeadLetters",
            json!({
                "type": "object",
                "properties": { "items": { "type": "array", "items": letter } },
                "required": ["items"],
            }),
        ),
        (
            "Replay",
            json!({
                "type": "object",
                "description": "Either `dead`: true, or `since`",
                "properties": { "dead": { "type": "boolean" }, "since": instant },
                "additionalProperties": false,
            }),
        ),
        (
            "Queued",
            json!({
                "type": "object", "properties": { "queued": count }, "required": ["queued"],
            }),
        ),
    ]
}
