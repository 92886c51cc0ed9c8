//! Health, metrics, and the description itself.

use super::super::Operation;
use serde_json::{Value, json};

const CHAPTER: &str = "server";

pub fn live() -> Operation {
    let schema = json!({
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": "ok"}},
        "additionalProperties": false,
    });
    Operation::new(CHAPTER, "live", "Whether the process answers").json(200, "It does.", &schema, &[])
}

pub fn ready() -> Operation {
    let schema = |status: &str| {
        let object = || json!({"type": "object"});
        json!({
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": {"const": status},
                "store": object(),
                "sync": object(),
                "backup": {"type": ["object", "string"]},
            },
            "additionalProperties": false,
        })
    };
    Operation::new(CHAPTER, "ready", "Whether reads and writes are possible")
        .about("Details are for this machine and the networks of `[api] metrics_from`; others see the bare state.")
        .json(200, "They are.", &schema("ready"), &[])
        .json(503, "Writes are not.", &schema("not ready"), &[])
}

pub fn metrics() -> Operation {
    Operation::new(CHAPTER, "metrics", "The state of the server, for Prometheus")
        .about("For this machine and the networks of `[api] metrics_from`.")
        .answers(200, "Text format 0.0.4.", &json!({"text/plain": {"type": "string"}}), &[])
}

pub fn openapi() -> Operation {
    let schema = json!({"type": "object", "required": ["openapi", "info", "paths", "components"]});
    Operation::new(CHAPTER, "openapi", "This document")
        .header("If-None-Match", false, "Of a version that is known.", super::v2::tags())
        .json(200, "OpenAPI 3.1.", &schema, &["ETag", "Cache-Control"])
        .answers(304, "That version is still the right one.", &json!(null), &["ETag", "Cache-Control"])
        .refuses(&[400])
}

pub fn page() -> Operation {
    Operation::new(CHAPTER, "docs", "This document as a page").answers(
        200,
        "A page that asks no other host.",
        &json!({"text/html": {"type": "string"}}),
        &["Cache-Control"],
    )
}

pub fn page_file() -> Operation {
    let content = json!({"text/javascript": {"type": "string"}, "text/css": {"type": "string"}});
    Operation::new(CHAPTER, "docs_file", "A file of that page")
        .answers(200, "It.", &content, &["Cache-Control"])
        .refuses(&[404])
}

pub fn about() -> Operation {
    Operation::new(CHAPTER, "about", "Which server this is, and what one can do here")
        .json(200, "It.", &described(), &[])
        .refuses(&[400])
}

/// What it says.
pub fn described() -> Value {
    json!({
        "type": "object",
        "required": ["version", "tenant", "influxdb", "grafana", "resources", "sync"],
        "additionalProperties": false,
        "properties": {
            "version": {"type": "string"},
            "tenant": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
            },
            "influxdb": {
                "type": ["object", "null"],
                "description": "Where devices write.",
                "required": ["host", "port"],
                "properties": {"host": {"type": "string"}, "port": {"type": "integer"}},
            },
            "grafana": {
                "type": ["object", "null"],
                "description": "Where owners find Grafana.",
                "required": ["url"],
                "properties": {"url": {"type": "string"}},
            },
            "resources": {
                "type": "array",
                "description": "Those that one may read, and what one may do there with some records at least.",
                "items": {
                    "type": "object",
                    "required": ["name", "create", "update", "delete"],
                    "properties": {
                        "name": {"type": "string"},
                        "create": {"type": "boolean"},
                        "update": {
                            "anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}],
                            "description": "Whether at all, or which fields.",
                        },
                        "delete": {"type": "boolean"},
                    },
                },
            },
            "sync": {"type": "boolean", "description": "Whether one may see and start it."},
            "health": {
                "type": "object",
                "description": "For admins and managers who are signed in themselves: the details of `/health/ready`.",
            },
        },
    })
}

pub fn start() -> Operation {
    Operation::new(CHAPTER, "start", "The web page").answers(
        200,
        "A page that asks no other host; where the program was built without it, one that says how to build it.",
        &json!({"text/html": {"type": "string"}}),
        &["Cache-Control"],
    )
}

pub fn worker() -> Operation {
    Operation::new(CHAPTER, "worker", "The web page's service worker")
        .about("It keeps the page in a browser, and nothing of the API.")
        .answers(200, "It.", &json!({"text/javascript": {"type": "string"}}), &["Cache-Control"])
        .refuses(&[404])
}

pub fn asset() -> Operation {
    let content = json!({
        "text/javascript": {"type": "string"},
        "text/css": {"type": "string"},
        "image/svg+xml": {"type": "string"},
    });
    Operation::new(CHAPTER, "asset", "A file of the web page")
        .about("Its name holds a hash of its content.")
        .answers(200, "It.", &content, &["Cache-Control"])
        .refuses(&[404])
}
