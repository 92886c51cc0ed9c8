//! Bringing the records to the back ends.

use super::super::Operation;
use super::v2;
use crate::auth::policy::MAY_SYNC;
use crate::http::sync::STATES;
use crate::resource::Role;
use serde_json::{Value, json};

const CHAPTER: &str = "sync";

pub fn overview() -> Operation {
    let counts = json!({
        "type": "object",
        "required": STATES,
        "additionalProperties": {"type": "integer", "minimum": 0},
    });
    let mut item = standing();
    item["required"] = json!(["resource", "uuid", "state", "backends"]);
    item["properties"]["resource"] = resource();
    item["properties"]["uuid"] = json!({"type": "string", "format": "uuid"});
    item["properties"]["unpaid_since"] = unpaid_since();
    item["properties"]["backends"] = json!({"type": "object", "additionalProperties": standing()});
    let page = json!({
        "type": "object",
        "required": ["backends", "counts", "items", "next", "total"],
        "additionalProperties": false,
        "properties": {
            "backends": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["state", "last_round", "progress"],
                    "properties": {
                        "state": {"enum": ["not_configured", "idle", "running", "unreachable", "faulty"]},
                        "reason": {"type": "string"},
                        "next_try": {"type": "string", "format": "date-time"},
                        "last_round": {"type": ["string", "null"], "format": "date-time"},
                        "progress": {"anyOf": [progress(), {"type": "null"}]},
                    },
                },
            },
            "counts": {"type": "object", "additionalProperties": counts},
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "`after` of the next page."},
            "total": {"type": "integer", "minimum": 0},
        },
    });
    let overview = Operation::new(CHAPTER, "sync_overview", "See how the records stand with the back ends")
        .about(
            "Every record that a back end is to know of, and each deleted one of which something is left.",
        );
    v2::pages(overview)
        .query("state", "Only those that stand so.", json!({"type": "string", "enum": STATES}))
        .query("resource", "Only those of this resource.", resource())
        .json(200, "A page.", &page, &["Cache-Control"])
        .refuses(&[400])
        .only_for(MAY_SYNC)
}

/// Why a record is suspended, beside its own `state`.
pub fn unpaid_since() -> Value {
    json!({
        "type": "string",
        "format": "date-time",
        "description": "It is suspended because nothing is paid for it any more (`[sync] suspend_unpaid`), since then.",
    })
}

pub fn plan() -> Operation {
    let text = || json!({"type": "string"});
    let step = json!({
        "type": "object",
        "required": ["backend", "resource", "uuid", "action", "reason"],
        "properties": {
            "backend": text(),
            "resource": resource(),
            "uuid": {"type": "string", "format": "uuid"},
            "action": text(),
            "reason": text(),
        },
    });
    let orphan = json!({
        "type": "object",
        "required": ["backend", "kind", "name"],
        "properties": {"backend": text(), "kind": text(), "name": text()},
    });
    let plan = json!({
        "type": "object",
        "required": ["actions", "drift", "orphans"],
        "additionalProperties": false,
        "properties": {
            "actions": {
                "type": "array",
                "items": step,
                "description": "What a sync would do because of what the records ask for, in order.",
            },
            "drift": {
                "type": "array",
                "items": step,
                "description": "What it would put right that somebody has changed by hand.",
            },
            "orphans": {
                "type": "array",
                "items": orphan,
                "description": "What bears a name as we give them, and belongs to no record. A sync leaves it alone.",
            },
        },
    });
    let about = "Everything is looked at, and nothing changed. A password that was changed by hand shows in no comparison: \
                 InfluxDB tells none.";
    scoped(Operation::new(CHAPTER, "sync_plan", "See what a sync would do").about(about))
        .json(200, "The plan.", &plan, &["Cache-Control"])
        .refuses(&[400, 503])
        .only_for(MAY_SYNC)
}

pub fn run() -> Operation {
    let count = || {
        json!({
            "type": "object",
            "required": ["synced", "failed"],
            "properties": {"synced": {"type": "integer"}, "failed": {"type": "integer"}},
        })
    };
    let report = json!({
        "type": "object",
        "required": ["counts", "failures", "backends", "actions_done"],
        "additionalProperties": false,
        "properties": {
            "counts": {"type": "object", "additionalProperties": count()},
            "failures": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["resource", "uuid", "reason"],
                    "properties": {
                        "resource": resource(),
                        "uuid": {"type": "string", "format": "uuid"},
                        "reason": {"type": "string"},
                    },
                },
            },
            "backends": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {
                        "result": {"enum": ["not_configured", "synced", "failed"]},
                        "reason": {"type": "string"},
                    },
                },
            },
            "actions_done": {"type": "integer", "minimum": 0},
        },
    });
    let about = "Looks at everything, puts it right, and waits for the end of it. With `Accept: text/event-stream` it tells \
                 meanwhile how far it is: events `progress` with `backend`, `done`, `total` and `item`, and at last `report` \
                 or `error`.";
    let content = json!({"application/json": report, "text/event-stream": {"type": "string"}});
    scoped(Operation::new(CHAPTER, "sync_run", "Bring the records to the back ends, now").about(about))
        .answers(200, "What was done.", &content, &["Cache-Control"])
        .refuses(&[400, 503])
        .only_for(MAY_SYNC)
}

pub fn drop_orphan() -> Operation {
    let text = || json!({"type": "string", "minLength": 1});
    let required = |name: &str, about: &str| json!({"name": name, "in": "query", "required": true, "description": about, "schema": text()});
    Operation::new(CHAPTER, "sync_drop_orphan", "Drop what belongs to no record")
        .about("With all that is in it, for good. As the plan names it; what belongs to a record is not dropped.")
        .parameter(required("backend", "Where it is."))
        .parameter(required("kind", "What it is."))
        .parameter(required("name", "What it is called."))
        .answers(204, "It is gone.", &json!(null), &[])
        .refuses(&[400, 404, 503])
        .only_for(&[Role::Admin])
}

fn scoped(operation: Operation) -> Operation {
    operation.query("resource", "Only the records of this resource.", resource()).query(
        "id",
        "Only this record of the resource; for a karana its owner as well.",
        json!({"type": "string", "format": "uuid"}),
    )
}

fn resource() -> Value {
    json!({"type": "string", "enum": ["users", "karanas"]})
}

fn progress() -> Value {
    json!({
        "type": "object",
        "required": ["done", "total", "item"],
        "properties": {
            "done": {"type": "integer"},
            "total": {"type": "integer"},
            "item": {"type": ["string", "null"], "description": "What was worked on last."},
        },
    })
}

/// How a record stands.
fn standing() -> Value {
    json!({
        "type": "object",
        "required": ["state"],
        "properties": {
            "state": {"enum": STATES},
            "at": {"type": ["string", "null"], "format": "date-time", "description": "Since when it is synced."},
            "reason": {"type": "string", "description": "Why it failed."},
            "next_try": {"type": "string", "format": "date-time"},
        },
    })
}
