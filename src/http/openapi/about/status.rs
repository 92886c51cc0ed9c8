//! Live state of records, and what devices have measured.

use super::super::Operation;
use super::word;
use crate::auth::policy::Verb;
use crate::http::series::MOST_STEPS;
use crate::http::status;
use crate::resource::Kind;
use crate::sync::handover::Step;
use crate::sync::presence::Connection;
use crate::sync::readings::Aggregate;
use serde_json::{Value, json};

/// The live state of a record; none where its resource has none.
pub fn schema(kind: &Kind) -> Option<Value> {
    if !status::exists(kind) {
        return None;
    }
    let mut properties = json!({});
    let mut required = Vec::new();
    if status::is_about_devices(kind) {
        properties = json!({
            "connection": {
                "enum": names(),
                "description": "`late`: it has missed three posts; `offline`: ten, and has posted nothing for a day; `unknown`: \
                     it has never posted, has no owner, or could not be looked for.",
            },
            "last_seen": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When points of it last arrived, whatever their timestamps. Points of the future do not count.",
            },
            "posts_per_hour": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 60,
                "description": "In how many minutes of the last hour points arrived.",
            },
            "clock_ahead": {"type": "boolean", "description": "Whether it has points that are dated in the future."},
            "checked_at": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When it was last looked for: the state is as of then. Older than some minutes: InfluxDB is away.",
            },
        });
        properties["handover"] = json!({
            "type": "object",
            "description": "How far it has been handed over to its new password or owner; not there when nothing is under way.",
            "properties": {
                "step": {
                    "enum": Step::NAMES,
                    "description": "`moving`: it is told where to post now, and has not posted there yet; `offered`: it is told its new \
                         password, and its posts have not paused yet, as they do once it has it; `tried`: InfluxDB takes the new \
                         password, and it has not posted yet: if it goes on so, the old one is put back, and it is `offered` again.",
                },
                "since": {"type": "string", "format": "date-time", "description": "Since when it is so far."},
                "begun": {"type": "string", "format": "date-time", "description": "When it was asked for."},
                "tries": {"type": "integer", "minimum": 0, "description": "How often the new password was set."},
            },
            "required": ["step", "since", "begun", "tries"],
        });
        required = vec!["connection", "last_seen", "posts_per_hour", "clock_ahead", "checked_at"];
    }
    let standing = || {
        json!({
            "state": {"enum": crate::http::sync::STATES},
            "at": {"type": "string", "format": "date-time", "description": "Since when it is synced."},
            "reason": {"type": "string", "description": "Why it failed; for those who may sync."},
            "next_try": {"type": "string", "format": "date-time"},
        })
    };
    let mut sync = json!({
        "type": ["object", "null"],
        "description": "Whether InfluxDB and Grafana hold what the record asks for; null where there are none.",
        "properties": standing(),
        "required": ["state", "backends"],
    });
    sync["properties"]["unpaid_since"] = super::sync::unpaid_since();
    sync["properties"]["backends"] = json!({
        "type": "object",
        "additionalProperties": {"type": "object", "properties": standing(), "required": ["state"]},
    });
    properties["sync"] = sync;
    required.push("sync");
    Some(json!({
        "type": "object",
        "description": "Live state: no part of the record.",
        "properties": properties,
        "required": required,
    }))
}

pub fn of_record(kind: &Kind) -> Option<Operation> {
    let schema = schema(kind)?;
    let operation = Operation::new(
        kind.name(),
        format!("{}_status", word(kind)),
        format!("How one of {} stands", kind.name()),
    );
    let operation =
        operation.about("Live state. Never waits: what is not known now is told as of when it was.");
    let operation = operation.json(200, "Its state.", &schema, &["Cache-Control"]).refuses(&[400, 404]);
    Some(operation.roles(kind, Verb::Read))
}

pub fn series(kind: &Kind) -> Option<Operation> {
    if !status::is_about_devices(kind) {
        return None;
    }
    let time = || json!({"type": "string", "format": "date-time"});
    let series = json!({
        "type": "object",
        "required": ["from", "to", "every", "aggregate", "series"],
        "properties": {
            "from": time(),
            "to": time(),
            "every": {"type": "string", "description": "Length of a step."},
            "aggregate": {"enum": aggregates()},
            "series": {
                "type": "array",
                "description": "One for each field.",
                "items": {
                    "type": "object",
                    "required": ["field", "points"],
                    "properties": {
                        "field": {"type": "string"},
                        "points": {
                            "type": "array",
                            "maxItems": MOST_STEPS,
                            "items": {
                                "type": "array",
                                "prefixItems": [time(), {"type": "number"}],
                                "minItems": 2,
                                "maxItems": 2,
                                "description": "When the step begins, and the value. A step without points is left out.",
                            },
                        },
                    },
                },
            },
        },
    });
    let operation = Operation::new(
        kind.name(),
        format!("{}_series", word(kind)),
        format!("What one of {} has measured", kind.name()),
    );
    let operation = operation
        .about(
            "For charts: the points of each step become one. Steps begin at whole multiples of their length since 1970, so that the \
             first may begin before `from`.",
        )
        .query("field", "Only this field; without it, all that are numbers.", json!({"type": "string", "minLength": 1, "maxLength": 255}))
        .query("from", "A day before `to`, if nothing is said.", time())
        .query("to", "Now, if nothing is said.", time())
        .query(
            "every",
            "Length of a step. If nothing is said there are about 200; at most 1,000 are answered.",
            json!({"type": "string", "pattern": "^[0-9]+[smhd]$", "examples": ["5m"]}),
        )
        .query(
            "aggregate",
            "How the points of a step become one.",
            json!({"enum": aggregates(), "default": Aggregate::Mean.name()}),
        )
        .json(200, "The series.", &series, &["Cache-Control"])
        .refuses(&[400, 404, 409, 503]);
    Some(operation.roles(kind, Verb::Read))
}

/// With the parameters that ask for live state, on a list or on one record.
pub fn included(kind: &Kind, operation: Operation) -> Operation {
    if !status::exists(kind) {
        return operation;
    }
    operation.query(
        "include",
        "With the live state, as `status`. It is of now, and does not go with `at`.",
        json!({"enum": ["status"]}),
    )
}

/// With the parameter that chooses devices by their state.
pub fn connection(kind: &Kind, operation: Operation) -> Operation {
    if !status::is_about_devices(kind) {
        return operation;
    }
    operation.query(
        "connection",
        "Only those that stand so. It does not go with `at`.",
        json!({"enum": names()}),
    )
}

fn names() -> Vec<&'static str> {
    Connection::ALL.map(Connection::name).to_vec()
}

fn aggregates() -> Vec<&'static str> {
    Aggregate::ALL.map(Aggregate::name).to_vec()
}
