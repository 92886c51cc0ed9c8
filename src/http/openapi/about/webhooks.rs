//! Whom the server tells what happens.

use super::super::Operation;
use crate::auth::policy::MAY_SYNC;
use crate::http::query::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::resource::Role;
use crate::sync::webhooks::Kind;
use serde_json::{Value, json};

const CHAPTER: &str = "webhooks";

pub fn overview() -> Operation {
    let success = json!({
        "type": ["object", "null"],
        "required": ["at", "status"],
        "properties": {"at": time(), "status": {"type": "integer"}},
    });
    let failure = json!({
        "type": ["object", "null"],
        "required": ["at", "reason"],
        "properties": {"at": time(), "reason": {"type": "string"}},
    });
    let count = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    let destination = json!({
        "type": "object",
        "required": ["id", "url", "queue_length", "last_delivery", "last_failure", "next_try", "counts"],
        "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "description": "By which deliveries name it."},
            "url": {
                "type": "string",
                "description": "Scheme, host and port. Path and query, which may be secrets, are left out.",
            },
            "queue_length": count("Events that wait."),
            "last_delivery": success,
            "last_failure": failure,
            "next_try": optional_time(),
            "counts": {
                "type": "object",
                "required": ["delivered", "failed", "given_up", "dropped"],
                "description": "Since the start.",
                "properties": {
                    "delivered": count("Events that were taken."),
                    "failed": count("Tries that failed."),
                    "given_up": count("Events that are not tried again."),
                    "dropped": count("Events that were dropped because too many waited."),
                },
            },
        },
    });
    let body = json!({
        "type": "object",
        "required": ["destinations", "events"],
        "additionalProperties": false,
        "properties": {
            "destinations": {"type": "array", "items": destination},
            "events": {"type": "array", "items": {"enum": Kind::ALL.map(Kind::name)}},
        },
    });
    Operation::new(CHAPTER, "webhooks", "See how each destination has been doing")
        .json(200, "The destinations, and which events go there.", &body, &["Cache-Control"])
        .refuses(&[400])
        .only_for(MAY_SYNC)
}

pub fn deliveries() -> Operation {
    let kinds: Vec<_> = Kind::ALL.into_iter().chain([Kind::Test]).map(Kind::name).collect();
    let delivery = json!({
        "type": "object",
        "required": [
            "id", "type", "record", "destination", "state", "attempts", "created_at", "last_try", "status", "reason", "next_try",
        ],
        "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "description": "The event's, as in `webhook-id`."},
            "type": {"enum": kinds},
            "record": {"type": ["string", "null"], "description": "`karanas/<uuid>` or `users/<uuid>`."},
            "destination": {"type": "string"},
            "state": {"enum": ["pending", "delivered", "given_up"]},
            "attempts": {"type": "integer", "minimum": 0},
            "created_at": time(),
            "last_try": optional_time(),
            "status": {"type": ["integer", "null"], "description": "What it was last answered with."},
            "reason": {"type": ["string", "null"], "description": "Why it last failed."},
            "next_try": optional_time(),
        },
    });
    let body = json!({
        "type": "object",
        "required": ["items"],
        "additionalProperties": false,
        "properties": {"items": {"type": "array", "items": delivery}},
    });
    let limit = json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT});
    Operation::new(CHAPTER, "webhooks_deliveries", "List the latest deliveries")
        .about("Those of the newest events first: all that wait, and the last 200 that have ended.")
        .query("limit", "So many at most.", limit)
        .json(200, "The deliveries.", &body, &["Cache-Control"])
        .refuses(&[400])
        .only_for(MAY_SYNC)
}

pub fn test() -> Operation {
    let body = json!({
        "type": "object",
        "required": ["id"],
        "additionalProperties": false,
        "properties": {"id": {"type": "string", "description": "The event's, as in `webhook-id`."}},
    });
    Operation::new(CHAPTER, "webhooks_test", "Send an event to every destination")
        .about("Of the type `webhook.test`. Does not wait for the deliveries: they are listed.")
        .json(202, "It is on its way.", &body, &["Cache-Control"])
        .refuses(&[400, 409])
        .only_for(&[Role::Admin])
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn optional_time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}
