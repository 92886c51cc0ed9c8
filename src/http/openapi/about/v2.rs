//! Records on `/v2`.

use super::super::Operation;
use super::super::resource::{self, Part, part};
use super::{status, word};
use crate::auth::policy::Verb;
use crate::http::batch::Batch;
use crate::http::query::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::resource::Kind;
use crate::sync::handover::Handovers;
use serde_json::{Value, json};

/// What a changed record is answered with.
pub const FRESH: &[&str] = &["ETag", "Karana-Revision", "Cache-Control"];

/// How a write can fail beside what is wrong with it.
const WRITES: &[u16] = &[503, 507];

pub fn list(kind: &Kind) -> Operation {
    let list = Operation::new(kind.name(), id(kind, "list"), format!("List {}", kind.name()))
        .about(
            "Each filter is an object of conditions, all of which must hold: `filter[name][prefix]=Roof`; `filter[name]=Roof` \
             is short for `eq`. Texts compare without regard to case for order, `contains` and `prefix`. `in` takes several values with \
             commas between, and `null` stands for no value. Lists are neither filtered nor sorted by secrets. At most 128 conditions.",
        )
        .parameter(sort(kind))
        .parameter(fields(kind))
        .parameter(at());
    // What is live changes without another tag.
    let tag = if status::schema(kind).is_some() { "ETagIfAny" } else { "ETag" };
    let list = status::connection(kind, status::included(kind, pages(list)));
    resource::filters(kind)
        .into_iter()
        .fold(list, Operation::parameter)
        .header("If-None-Match", false, "The `ETag` of a page that is known.", tags())
        .json(200, "A page.", &part(kind, Part::Page), &[tag, "Cache-Control"])
        .link(200, "first", &id(kind, "read"), json!({"id": "$response.body#/items/0/uuid"}))
        .answers(304, "The page has not changed.", &Value::Null, &["ETag"])
        .refuses(&[400])
        .roles(kind, Verb::Read)
}

pub fn read(kind: &Kind) -> Operation {
    let record = json!({"anyOf": [part(kind, Part::Record), part(kind, Part::Fields)]});
    let read = Operation::new(kind.name(), id(kind, "read"), format!("Read one of {}", kind.name()));
    status::included(kind, read)
        .parameter(fields(kind))
        .parameter(at())
        .header("If-None-Match", false, "The `ETag` of a version that is known.", tags())
        .json(200, "The record, or the fields that were asked for.", &record, &["ETagIfAny", "Cache-Control"])
        .answers(304, "The record has not changed.", &Value::Null, &["ETag"])
        .refuses(&[400, 404])
        .roles(kind, Verb::Read)
}

pub fn create(kind: &Kind) -> Operation {
    let create = Operation::new(kind.name(), id(kind, "create"), format!("Add one to {}", kind.name()))
        .body(&["application/json"], &part(kind, Part::New))
        .json(
            201,
            "The new record.",
            &part(kind, Part::Record),
            &["Location", "ETag", "Karana-Revision", "Cache-Control"],
        )
        .refuses(&[409])
        .refuses(WRITES)
        .roles(kind, Verb::Create);
    ["read", "replace", "patch", "delete"].into_iter().fold(once(create), |create, verb| {
        create.link(201, verb, &id(kind, verb), json!({"id": "$response.body#/uuid"}))
    })
}

/// With the parameter that says how the device in the field learns of a change.
fn handed_over(kind: &Kind, operation: Operation) -> Operation {
    if !Handovers::are_of(kind.name()) {
        return operation;
    }
    operation.query(
        "handover",
        "`remote`: the device learns its new password, and its new owner, from the line that it polls. Until it has, InfluxDB takes \
         the old password, and the record's `status` tells how far it is. Without: the new one at once, and somebody flashes the \
         device. Only where there is an InfluxDB and the device has an owner, before and after, and gets a new password; and not while \
         it is under way (409).",
        json!({"enum": ["remote"]}),
    )
}

/// The headers of an answer to a change that may concern a device in the field.
fn fresh(kind: &Kind) -> Vec<&'static str> {
    let notice = Handovers::are_of(kind.name()).then_some("Karana-NoticeIfAny");
    FRESH.iter().copied().chain(notice).collect()
}

pub fn replace(kind: &Kind) -> Operation {
    let replace = Operation::new(kind.name(), id(kind, "replace"), format!("Replace one of {}", kind.name()))
        .about(with_password(
            kind,
            "What is left out gets its default; read-only fields may be sent back as they were read.",
        ))
        .header("If-Match", true, "The record's `ETag`, or `*`.", tags())
        .body(&["application/json"], &part(kind, Part::Replacement))
        .json(200, "The record as it is now.", &part(kind, Part::Record), &fresh(kind))
        .refuses(&[404, 409, 412, 428])
        .refuses(WRITES)
        .roles(kind, Verb::Update);
    handed_over(kind, replace)
}

pub fn patch(kind: &Kind) -> Operation {
    let patch = Operation::new(kind.name(), id(kind, "patch"), format!("Change fields of one of {}", kind.name()))
        .about(
            "A merge patch (RFC 7396). `null` is the value where the field can have it, and else brings the default back.",
        )
        .header("If-Match", false, "The record's `ETag`, or `*`.", tags())
        .body(&["application/merge-patch+json", "application/json"], &part(kind, Part::Patch))
        .json(200, "The record as it is now.", &part(kind, Part::Record), &fresh(kind))
        .refuses(&[404, 409, 412])
        .refuses(WRITES)
        .roles(kind, Verb::Update);
    handed_over(kind, patch)
}

pub fn rotate(kind: &Kind) -> Option<Operation> {
    let secrets: Vec<_> = kind.generated_secrets().map(|path| format!("`{path}`")).collect();
    if secrets.is_empty() {
        return None;
    }
    let about = format!(
        "The server makes {} anew, in one commit; the next sync brings them to InfluxDB and Grafana, and from then on the old ones \
         are refused. Whoever has an old one must be given the new one: a device is flashed anew by hand.",
        secrets.join(" and ")
    );
    let rotate =
        Operation::new(kind.name(), id(kind, "rotate"), format!("Give one of {} new secrets", kind.name()))
            .about(about)
            .header("If-Match", false, "The record's `ETag`, or `*`.", tags())
            .json(200, "The record as it is now.", &part(kind, Part::Record), &fresh(kind))
            .refuses(&[400, 404, 409, 412])
            .refuses(WRITES)
            .roles(kind, Verb::Update);
    Some(handed_over(kind, rotate))
}

pub fn delete(kind: &Kind) -> Operation {
    Operation::new(kind.name(), id(kind, "delete"), format!("Delete one of {}", kind.name()))
        .query(
            "dependents",
            "What becomes of records that refer to this one; without it there must be none (409). All of it is one commit.",
            json!({"type": "string", "enum": ["release", "delete"]}),
        )
        .header("If-Match", true, "The record's `ETag`, or `*`.", tags())
        .answers(204, "It is deleted.", &Value::Null, &["Karana-Revision"])
        .refuses(&[400, 404, 409, 412, 428])
        .refuses(WRITES)
        .roles(kind, Verb::Delete)
}

/// `*`, or a list of entity tags; as RFC 9110 has it, that may be empty.
pub fn tags() -> Value {
    json!({
        "type": "string",
        "pattern": r#"^(\*|((W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*)?)$"#,
        "examples": ["\"5f3a9c0e\"", "*"],
    })
}

fn id(kind: &Kind, verb: &str) -> String {
    format!("{}_{verb}", word(kind))
}

/// With the parameters of a page.
pub fn pages(operation: Operation) -> Operation {
    operation
        .query(
            "limit",
            "Entries on the page.",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
        )
        .query(
            "after",
            "`next` of the page before, which was asked for in the same way.",
            json!({"type": "string", "format": "cursor"}),
        )
}

/// In which order a list comes.
pub fn sort(kind: &Kind) -> Value {
    json!({
        "name": "sort",
        "in": "query",
        "description": "Fields by which the records are ordered, each at most once, `-` before one for the other direction; last by `uuid`.",
        "style": "form",
        "explode": false,
        "schema": {"type": "array", "items": {"type": "string", "enum": resource::sortable(kind)}, "minItems": 1},
    })
}

/// A request that may be sent again.
pub fn once(operation: Operation) -> Operation {
    let about = "Any text, such as a UUID: the same request with the same key is done once, and answered as it was then.";
    operation
        .header("Idempotency-Key", false, about, json!({"type": "string", "pattern": "^[!#-~]{1,255}$"}))
        .refuses(&[422])
}

/// Many changes as one.
pub fn batch() -> Operation {
    let result = json!({
        "type": "object",
        "required": ["status", "resource", "uuid"],
        "properties": {
            "status": {"enum": [200, 201, 204]},
            "resource": {"type": "string"},
            "uuid": {"type": "string", "format": "uuid"},
            "etag": {"type": "string"},
            "record": {"type": "object", "description": "As it is now; absent when it is deleted."},
        },
    });
    let results = json!({
        "type": "object",
        "required": ["results"],
        "properties": {"results": {"type": "array", "items": result}},
    });
    let batch = Operation::new("batch", "batch", "Do up to 1,000 changes as one")
        .about(
            "All of them or none, in one commit, each as the role may do it by itself. What is refused is named by its place in \
             `operations` of the problem (422).",
        )
        .takes::<Batch>()
        .json(200, "What each operation is answered.", &results, &["Karana-Revision", "Cache-Control"])
        // Of a repeated one, whose records are not for this reader any more.
        .refuses(&[403, 404])
        .refuses(WRITES);
    once(batch)
}

fn at() -> Value {
    json!({
        "name": "at",
        "in": "query",
        "description": "As it was at this revision, or time (RFC 3339). Without secrets.",
        "schema": {"type": "string", "format": "moment"},
    })
}

/// Which fields are shown.
pub fn fields(kind: &Kind) -> Value {
    json!({
        "name": "fields",
        "in": "query",
        "description": "Only these fields.",
        "style": "form",
        "explode": false,
        "schema": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": resource::readable(kind)}},
    })
}

fn with_password(kind: &Kind, about: &str) -> String {
    match kind.login_field() {
        Some(_) => format!("{about} A password that is left out stays."),
        None => about.to_owned(),
    }
}
