//! Changes as they are committed.

use super::super::Operation;
use crate::resource::Kinds;
use serde_json::json;

pub fn events(kinds: &Kinds) -> Operation {
    let names: Vec<_> = kinds.public().map(|kind| kind.name().to_owned()).collect();
    let about = "Server-sent events: `change` with the revision and what became of each record that the role may see, `reset` \
                 where that is too much to tell; the event's id is the revision. A stream ends with the token; one that does not \
                 keep up is cut off. Resume with `Last-Event-ID`.";
    Operation::new("events", "events", "Follow the changes")
        .about(about)
        .parameter(json!({
            "name": "resource",
            "in": "query",
            "description": "Only those of these resources.",
            "style": "form",
            "explode": true,
            "schema": {"type": "array", "items": {"type": "string", "enum": names}},
        }))
        .header(
            "Last-Event-ID",
            false,
            "The last event that was seen.",
            json!({"type": "string", "format": "revision"}),
        )
        .answers(
            200,
            "Events, for as long as it is read.",
            &json!({"text/event-stream": {"type": "string"}}),
            &["Cache-Control"],
        )
        .refuses(&[400, 403, 410, 503])
}
