//! What programs sign in with.

use super::super::Operation;
use super::super::resource;
use super::v2;
use crate::auth::policy::Verb;
use crate::http::keys::NewKey;
use crate::resource::Kind;
use serde_json::{Value, json};

const CHAPTER: &str = "keys";

pub fn list(kind: &Kind) -> Operation {
    let page = json!({
        "type": "object",
        "required": ["items", "next", "total"],
        "properties": {
            "items": {"type": "array", "items": shown()},
            "next": {"type": ["string", "null"]},
            "total": {"type": "integer", "minimum": 0},
        },
    });
    let list =
        Operation::new(CHAPTER, "keys_list", "List keys").about("Pages, filters and order as in every list.");
    let list = v2::pages(list).parameter(v2::sort(kind));
    resource::filters(kind)
        .into_iter()
        .fold(list, Operation::parameter)
        .json(200, "A page.", &page, &[])
        .link(200, "first", "keys_read", json!({"id": "$response.body#/items/0/uuid"}))
        .refuses(&[400])
        .roles(kind, Verb::Read)
}

pub fn create(kind: &Kind) -> Operation {
    let mut made = shown();
    made["properties"]["key"] =
        json!({"type": "string", "description": "The key. No other answer shows it."});
    made["required"] = json!(["uuid", "key", "name", "owner", "hint", "scopes", "created_at"]);
    let about = "For the one who asks. Scopes are `<resource>:<verb>:<own|all>` (`*` for any), `sync`, and `metrics`; the key \
                 does what the role of its user allows, narrowed to them.";
    Operation::new(CHAPTER, "keys_create", "Make a key")
        .about(about)
        .takes::<NewKey>()
        .json(201, "The key.", &made, &["Location", "Karana-Revision"])
        .link(201, "read", "keys_read", json!({"id": "$response.body#/uuid"}))
        .link(201, "delete", "keys_delete", json!({"id": "$response.body#/uuid"}))
        .refuses(&[409, 503, 507])
        .roles(kind, Verb::Create)
}

pub fn read(kind: &Kind) -> Operation {
    Operation::new(CHAPTER, "keys_read", "Read what is known of a key")
        .json(200, "Not the key itself.", &shown(), &[])
        .refuses(&[404])
        .roles(kind, Verb::Read)
}

pub fn delete(kind: &Kind) -> Operation {
    Operation::new(CHAPTER, "keys_delete", "Delete a key")
        .about("Whoever comes with it is let in no more.")
        .answers(204, "It is deleted.", &Value::Null, &["Karana-Revision"])
        .refuses(&[404, 503, 507])
        .roles(kind, Verb::Delete)
}

fn shown() -> Value {
    let text = || json!({"type": "string"});
    let time = || json!({"type": ["string", "null"], "format": "date-time"});
    json!({
        "type": "object",
        "required": ["uuid", "name", "owner", "hint", "scopes", "created_at", "expires_at", "used_at"],
        "properties": {
            "uuid": {"type": "string", "format": "uuid"},
            "name": text(),
            "owner": {"type": "string", "format": "uuid"},
            "hint": {"type": "string", "description": "How the key begins."},
            "scopes": {"type": "array", "items": text()},
            "created_at": {"type": "string", "format": "date-time"},
            "expires_at": time(),
            "used_at": time(),
        },
    })
}
