//! The past.

use super::super::Operation;
use super::super::resource::{Part, part};
use super::{v2, word};
use crate::auth::policy::Verb;
use crate::http::history::Restore;
use crate::resource::Kind;
use serde_json::{Value, json};

const CHAPTER: &str = "history";

pub fn of_record(kind: &Kind) -> Operation {
    let mut item = commit();
    add(&mut item, &change());
    let id = format!("{}_history", word(kind));
    let history = Operation::new(kind.name(), id, format!("List what has become of one of {}", kind.name()))
        .about(
            "The newest first, deleted records included. Secrets are not in it; that they have changed is.",
        );
    v2::pages(history)
        .json(200, "A page.", &page(&item), &["Cache-Control"])
        .refuses(&[400, 404])
        .roles(kind, Verb::Read)
}

pub fn of_tenant() -> Operation {
    let mut item = commit();
    item["properties"]["changes"] = json!({"type": "array", "items": change()});
    item["properties"]["summary"] = json!({"type": "string", "description": "For those who see everything."});
    item["properties"]["records"] =
        json!({"type": "integer", "description": "Touched in all; at most 100 are shown."});
    let time = || json!({"type": "string", "format": "date-time"});
    let text = || json!({"type": "string"});
    let history = Operation::new(CHAPTER, "history", "List all changes").about(
        "The newest first; as far as the role may see them. A page may be short, and have a next one.",
    );
    v2::pages(history)
        .query("actor", "By whom: `<resource>/<uuid>`, or the name of a part of the program.", text())
        .query("resource", "Of this resource.", text())
        .query("uuid", "Of this record.", json!({"type": "string", "format": "uuid"}))
        .query("action", "What was done.", json!({"type": "string", "enum": ["create", "update", "delete"]}))
        .query("since", "Not before.", time())
        .query("until", "Not after.", time())
        .json(200, "A page.", &page(&item), &["Cache-Control"])
        .refuses(&[400, 404])
}

pub fn restore(kind: &Kind) -> Operation {
    let id = format!("{}_restore", word(kind));
    let restore =
        Operation::new(kind.name(), id, format!("Bring one of {} back to what it was", kind.name()))
            .about("A deleted one, too. A change like any other.")
            .header("If-Match", false, "The record's `ETag`, or `*`.", v2::tags())
            .takes::<Restore>()
            .json(200, "The record as it is now.", &part(kind, Part::Record), v2::FRESH)
            .refuses(&[404, 409, 412, 503, 507])
            .roles(kind, Verb::Update);
    v2::once(restore)
}

fn commit() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["revision", "time", "actor", "author", "request_id"],
        "properties": {
            "revision": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
            "time": {"type": "string", "format": "date-time"},
            "actor": text(),
            "author": {"type": "string", "description": "The name of then."},
            "request_id": {"type": ["string", "null"]},
        },
    })
}

fn change() -> Value {
    json!({
        "type": "object",
        "required": ["resource", "uuid", "action", "patch"],
        "properties": {
            "resource": {"type": "string"},
            "uuid": {"type": "string", "format": "uuid"},
            "action": {"enum": ["create", "update", "delete"]},
            "patch": {
                "type": "array",
                "description": "A JSON Patch (RFC 6902).",
                "items": {
                    "type": "object",
                    "required": ["op", "path"],
                    "properties": {"op": {"type": "string"}, "path": {"type": "string"}},
                },
            },
            "secrets": {
                "type": "array",
                "description": "The paths of the secrets that have changed.",
                "items": {"type": "string"},
            },
        },
    })
}

fn add(to: &mut Value, from: &Value) {
    for (name, schema) in from["properties"].as_object().into_iter().flatten() {
        to["properties"][name] = schema.clone();
    }
    if let (Some(to), Some(from)) = (to["required"].as_array_mut(), from["required"].as_array()) {
        to.extend(from.iter().cloned());
    }
}

fn page(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "additionalProperties": false,
        "properties": {"items": {"type": "array", "items": item}, "next": {"type": ["string", "null"]}},
    })
}
