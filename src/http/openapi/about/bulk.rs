//! Many records at once.

use super::super::Operation;
use super::super::resource;
use super::{v2, word};
use crate::auth::policy::Verb;
use crate::http::bulk::{CSV, JSON_LINES, MOST_ROWS};
use crate::resource::Kind;
use serde_json::json;

pub fn import(kind: &Kind) -> Operation {
    let about = format!(
        "CSV with a column for each field, named by its path (`config.post_int`), or a JSON object a line as POST takes one; at \
         most {MOST_ROWS} rows, 16 MiB. All of them or none, in one commit; what is refused is named by its line in `rows` \
         of the problem (422). With `partial=true` the others are made. With `Accept: text/event-stream` it tells meanwhile \
         how far it is: events `progress` with `done` and `total`, and at last `report` or `error`."
    );
    let row = json!({
        "type": "object",
        "required": ["line", "status"],
        "properties": {
            "line": {"type": "integer", "minimum": 1},
            "status": {"type": "integer", "description": "201, or as a POST of the row would be refused."},
            "uuid": {"type": "string", "format": "uuid"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    });
    let report = json!({
        "type": "object",
        "required": ["created", "refused", "dry_run", "rows"],
        "additionalProperties": false,
        "properties": {
            "created": {"type": "integer", "minimum": 0},
            "refused": {"type": "integer", "minimum": 0},
            "dry_run": {"type": "boolean"},
            "rows": {"type": "array", "items": row},
        },
    });
    let content = json!({"application/json": report, "text/event-stream": {"type": "string"}});
    let text = json!({"type": "string"});
    let media: Vec<&str> = [CSV].into_iter().chain(JSON_LINES.iter().copied()).collect();
    let truth = || json!({"type": "boolean", "default": false});
    let id = format!("{}_import", word(kind));
    Operation::new(kind.name(), id, format!("Add many to {}", kind.name()))
        .about(about)
        .query("partial", "Make the rows that can be made, and leave the others.", truth())
        .query("dry_run", "Only say what would become of each row.", truth())
        .body(&media, &text)
        .answers(200, "What became of each row.", &content, &["Cache-Control"])
        .refuses(&[422, 503, 507])
        .roles(kind, Verb::Create)
}

pub fn export(kind: &Kind) -> Operation {
    let id = format!("{}_export", word(kind));
    let export = Operation::new(kind.name(), id, format!("Download {} as a table", kind.name()))
        .about(
            "CSV (RFC 4180), a column for each field that the role may see. A text that a spreadsheet would take for a formula \
             has an apostrophe in front; an import takes it off. Filters and order as in the list.",
        )
        .parameter(v2::sort(kind))
        .parameter(v2::fields(kind));
    resource::filters(kind)
        .into_iter()
        .fold(export, Operation::parameter)
        .answers(200, "All that fit.", &json!({"text/csv": {"type": "string"}}), &["Cache-Control"])
        .refuses(&[400])
        .roles(kind, Verb::Read)
}
