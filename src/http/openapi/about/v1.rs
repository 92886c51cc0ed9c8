//! `/v1`, as the clients of 2017 know it.

use super::super::Operation;
use super::super::resource::{Part, part};
use super::word;
use crate::auth::policy::{self, Verb};
use crate::resource::Kind;
use serde_json::{Value, json};

const CHAPTER: &str = "v1";

/// Parameters come as JSON or as a form.
const MEDIA: &[&str] = &["application/json", "application/x-www-form-urlencoded"];

/// How a write can fail beside what is wrong with it.
const WRITES: &[u16] = &[409, 503, 507];

pub fn login(kind: &Kind) -> Option<Operation> {
    kind.login_field()?;
    let body = json!({
        "type": "object",
        "required": ["user", "password"],
        "properties": {"user": {"type": "string"}, "password": {"type": "string", "format": "password"}},
    });
    let token = json!({
        "type": "object",
        "required": ["token"],
        "properties": {"token": {"type": "string", "description": "A JWT."}},
    });
    let login = Operation::new(CHAPTER, id(kind, "login"), format!("Sign in with {}", kind.name()))
        .on_v1()
        .body(MEDIA, &body)
        .refuses(&[401, 429, 503]);
    Some(success(login, "A token.", &token, &[]))
}

pub fn list(kind: &Kind) -> Operation {
    let list = Operation::new(CHAPTER, id(kind, "list"), format!("List {}", kind.name()))
        .on_v1()
        .refuses(&[400])
        .roles(kind, Verb::Read);
    success(list, "All that the role may read, by uuid.", &by_uuid(kind), &[])
}

pub fn read(kind: &Kind) -> Operation {
    let read = Operation::new(CHAPTER, id(kind, "read"), format!("Read one of {}", kind.name()))
        .on_v1()
        .refuses(&[400, 404])
        .roles(kind, Verb::Read);
    success(read, "The entry, by uuid.", &one(kind), &[])
}

pub fn create(kind: &Kind) -> Operation {
    let uuid = json!({
        "type": "object",
        "required": ["uuid"],
        "properties": {"uuid": {"type": "string", "format": "uuid"}},
    });
    let create = Operation::new(CHAPTER, id(kind, "create"), format!("Add one to {}", kind.name()))
        .about("Fields that are not known are ignored.")
        .on_v1()
        .body(MEDIA, &data(kind, Part::V1New))
        .refuses(WRITES)
        .roles(kind, Verb::Create);
    success(create, "Its uuid.", &uuid, &["Karana-Revision"])
}

pub fn put(kind: &Kind) -> Operation {
    let put =
        Operation::new(CHAPTER, id(kind, "put"), format!("Change several fields of one of {}", kind.name()))
            .about("At least two fields. Nested objects are merged.");
    success(change(put, kind), "The entry as it is now, by uuid.", &one(kind), &["Karana-Revision"])
}

pub fn patch(kind: &Kind) -> Operation {
    let patch =
        Operation::new(CHAPTER, id(kind, "patch"), format!("Change one field of one of {}", kind.name()))
            .about("Exactly one field. Nested objects are merged.");
    success(change(patch, kind), "The entry as it is now, by uuid.", &one(kind), &["Karana-Revision"])
}

pub fn delete(kind: &Kind) -> Operation {
    let delete = Operation::new(CHAPTER, id(kind, "delete"), format!("Delete one of {}", kind.name()))
        .on_v1()
        .query(
            "dependents",
            "What becomes of entries that refer to this one; without it a device is released, and else there must be none.",
            json!({"type": "string", "enum": ["release", "delete"]}),
        )
        .refuses(&[400, 404])
        .refuses(WRITES)
        .roles(kind, Verb::Delete);
    success(delete, "The entry as it was, by uuid.", &one(kind), &["Karana-Revision"])
}

pub fn sync(id: &str) -> Operation {
    let counts = || {
        json!({
            "type": "object",
            "required": ["synced", "failed"],
            "properties": {"synced": {"type": "integer"}, "failed": {"type": "integer"}},
        })
    };
    let summary = json!({
        "type": "object",
        "required": ["users", "karanas", "failures", "influxdb", "grafana"],
        "properties": {
            "users": counts(),
            "karanas": counts(),
            "failures": {"type": "array"},
            "influxdb": {"type": "string"},
            "grafana": {"type": "string"},
        },
    });
    let sync = Operation::new(CHAPTER, id, "Bring the records to the back ends, now")
        .about("Waits for the end of it.")
        .on_v1()
        .refuses(&[400, 503])
        .only_for(policy::MAY_SYNC);
    success(sync, "What was done.", &summary, &[])
}

fn change(operation: Operation, kind: &Kind) -> Operation {
    operation
        .on_v1()
        .body(MEDIA, &data(kind, Part::V1Change))
        .refuses(&[404])
        .refuses(WRITES)
        .roles(kind, Verb::Update)
}

/// ONE JSON string that holds JSON.
fn success(operation: Operation, about: &str, result: &Value, headers: &[&str]) -> Operation {
    let text = json!({
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {
            "type": "object",
            "required": ["results"],
            "additionalProperties": false,
            "properties": {"results": {"type": "array", "minItems": 1, "maxItems": 1, "items": result}},
        },
    });
    operation.json(200, &format!("{about} One JSON string that holds JSON: decode twice."), &text, headers)
}

/// The one parameter, as an object or as a string that holds one; others are ignored.
fn data(kind: &Kind, of: Part) -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "anyOf": [
                    part(kind, of),
                    {"type": "string", "contentMediaType": "application/json", "contentSchema": part(kind, of)},
                ],
            },
        },
    })
}

fn by_uuid(kind: &Kind) -> Value {
    json!({"type": "object", "additionalProperties": part(kind, Part::V1Entry)})
}

fn one(kind: &Kind) -> Value {
    let mut one = by_uuid(kind);
    one["minProperties"] = 1.into();
    one["maxProperties"] = 1.into();
    one
}

fn id(kind: &Kind, verb: &str) -> String {
    format!("v1_{}_{verb}", word(kind))
}
