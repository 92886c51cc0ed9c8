//! `GET /openapi.json`: what this program serves, in the words of OpenAPI 3.1.
//!
//! It is made from the code, at run time, because the resources are values at run time: paths and methods from
//! `routes()`, schemas from each [`Kind`](crate::resource::Kind) and from the structs that handlers read, roles from the
//! table in `auth::policy`.
//!
//! To describe a route, give each of its methods an [`Operation`] in `routes()`, beside the handler; without one it does not
//! compile. What is said of it stands in [`about`], one file a part:
//!
//! * a path without `{resource}` takes a value: `get(session::me, about::session::me())`;
//! * a path with `{resource}` takes a function of the [`Kind`](crate::resource::Kind), and is described once for each resource, or not at all where
//!   that answers `None`: `post(session::login, about::session::login)`;
//! * a path that is about all of them is described with `all(…)`;
//! * a path of one resource that has routes of its own making is described with `of(name, …)`.
//!
//! An operation states the statuses that it can end with, those apart that follow from the route: see [`Operation`]. The test
//! `tests/it/openapi.rs` holds the document against the router, and real answers against the document; `tests/contract.sh`
//! looks for requests whose answers are not described.

pub mod about;
mod formats;
mod operation;
mod properties;
mod resource;
mod scale;

pub use operation::{Envelope, Operation};

use super::reply::Failure;
use super::route::About;
use super::{App, condition, routes, session};
use crate::resource::Kinds;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// What the whole of it needs to be said, before the calls.
const INTRODUCTION: &str = include_str!("openapi/introduction.md");

/// Every status that a call can fail with, and what it means here.
const FAILURES: &[(u16, &str)] = &[
    (400, "The request breaks a rule: `errors` names each field and each rule."),
    (401, "Nobody is signed in, or the token has ended."),
    (
        403,
        "The role does not allow it; or a web page of another origin has a browser send what may change something.",
    ),
    (404, "There is no such record."),
    (408, "The body took too long."),
    (409, "The change contradicts what is stored: `errors` says where."),
    (410, "What came after that event is not known any more: read the lists, and follow without it."),
    (412, "The record is not the one that `If-Match` names."),
    (413, "The body is too large."),
    (415, "The body is not of a media type that is understood here."),
    (
        422,
        "The key was used for another request; or operations of a batch are refused, which `operations` names.",
    ),
    (428, "`If-Match` is missing."),
    (429, "Too many, too fast."),
    (500, "A fault of the server; its log has it under the request's id."),
    (503, "Not now: a back end is away, or the store takes no changes."),
    (507, "The server's disk is full; nothing was changed."),
];

/// The description of one server.
pub struct Document {
    text: String,
    tag: String,
}

impl Document {
    /// What a server of these resources serves.
    pub fn new(kinds: &Kinds) -> Self {
        let text = document(kinds).to_string();
        let tag = Sha256::digest(&text)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, tag }
    }
}

/// `GET /openapi.json`
pub async fn serve(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let document = app.description();
    let tag = format!("\"{}\"", document.tag);
    let caching = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if condition::is_known(&headers, &document.tag)? {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/json")], document.text.clone()).into_response())
}

/// The document itself.
pub fn document(kinds: &Kinds) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for (access, path, methods) in routes() {
        for (method, about) in methods.into_parts().1 {
            let described: Vec<_> = match about {
                About::One(operation) => vec![(path.to_owned(), *operation)],
                About::All(about) => vec![(path.to_owned(), about(kinds))],
                About::Of(name, about) => {
                    kinds.get(name).map(|kind| (path.to_owned(), about(kind))).into_iter().collect()
                }
                About::Each(about) => kinds
                    .public()
                    .filter_map(|kind| Some((path.replace("{resource}", kind.name()), about(kind)?)))
                    .collect(),
            };
            for (path, operation) in described {
                let (path, variables) = template(&path);
                let item = paths.entry(path).or_insert_with(|| json!({}));
                item[method.as_str().to_ascii_lowercase()] = operation.to_json(access, &method, &variables);
            }
        }
    }
    let mut tags: Vec<Value> = kinds.public().map(|kind| json!({"name": kind.name()})).collect();
    tags.extend(about::CHAPTERS.iter().map(|(name, about)| json!({"name": name, "description": about})));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Karana",
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": INTRODUCTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        // Relative to where the document lies: right behind a proxy that serves us below a path of its own, too.
        "servers": [{"url": ".", "description": "Where this document comes from"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas(kinds),
            "responses": failures(),
            "headers": headers(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "What signing in answers with.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": session::COOKIE,
                    "description": "The refresh token, as signing in with `cookie` sets it.",
                },
                "key": {"type": "http", "scheme": "bearer", "description": "A key, as /v2/keys makes it: for programs."},
            },
        },
    })
}

/// A path of the router as OpenAPI writes it, and its variable parts.
fn template(path: &str) -> (String, Vec<String>) {
    let path = path.replace("{*", "{");
    let variables =
        path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
    (path, variables)
}

fn schemas(kinds: &Kinds) -> Map<String, Value> {
    let mut schemas = Map::new();
    schemas.insert("Problem".into(), problem());
    schemas.insert("V1Error".into(), v1_error());
    schemas.extend(scale::Scale::all().map(|scale| (scale.name(), scale.schema())));
    schemas.extend(kinds.public().flat_map(resource::schemas));
    schemas
}

fn failures() -> Map<String, Value> {
    let mut failures = Map::new();
    for (status, meaning) in FAILURES {
        let Ok(status) = StatusCode::from_u16(*status) else { continue };
        for (envelope, media, schema) in [
            (Envelope::Problem, "application/problem+json", "Problem"),
            (Envelope::V1, "application/json", "V1Error"),
        ] {
            let mut names = vec!["X-Request-Id"];
            names.extend(match status {
                StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some("Retry-After"),
                _ => None,
            });
            let headers: Map<_, _> = names
                .into_iter()
                .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
                .collect();
            let failure = json!({
                "description": meaning,
                "headers": headers,
                "content": {media: {"schema": operation::component(schema)}},
            });
            failures.insert(envelope.component(status), failure);
        }
    }
    failures
}

/// As `reply` writes it.
fn problem() -> Value {
    json!({
        "title": "Problem",
        "description": "Problem details (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string", "description": "What HTTP calls the status."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {
                "type": "string",
                "description": "The same as one word, for programs; more exact than the status where that does not say it all.",
                "examples": ["invalid", "not_found", "conflict", "precondition_failed"],
            },
            "detail": {"type": "string", "description": "A sentence for people. It never holds what was sent."},
            "request_id": {"type": "string", "description": "Under it the server's log says more."},
            "operations": {
                "type": "array",
                "description": "Each refused operation of a batch, by its place: `index`, and a problem of its own.",
                "items": {"type": "object", "required": ["index", "status", "code", "detail"]},
            },
            "errors": {
                "type": "array",
                "description": "Each broken rule by itself.",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["field", "code", "message"],
                    "properties": {
                        "field": {
                            "type": "string",
                            "description": "Its path, dots between levels; empty for the record as a whole.",
                        },
                        "code": {"type": "string", "examples": ["required", "type", "format", "unique", "reference"]},
                        "message": {"type": "string"},
                    },
                },
            },
        },
    })
}

fn v1_error() -> Value {
    json!({
        "title": "V1Error",
        "description": "A failure on /v1, encoded once: `{\"errors\": {\"<title>\": \"<reason>\"}}`.",
        "type": "object",
        "required": ["errors"],
        "additionalProperties": false,
        "properties": {
            "errors": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": {"type": "string"},
            },
        },
    })
}

fn headers() -> Value {
    let header =
        |about: &str, schema: Value| json!({"description": about, "required": true, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "ETag": header(
            "Names this version of the answer: for `If-Match` and `If-None-Match`.",
            json!({"type": "string", "pattern": "^(W/)?\"[0-9a-f]+\"$"}),
        ),
        "Karana-Revision": header(
            "The commit that holds the change.",
            json!({"type": "string", "pattern": "^[0-9a-f]{40}$"}),
        ),
        "Karana-NoticeIfAny": {
            "description": "What somebody has to do with the device now, or what it does by itself.",
            "schema": text(),
        },
        "ETagIfAny": {
            "description": "Names this version of the record or list; of the past, and of a list with what is live, there is none.",
            "schema": {"type": "string", "pattern": "^(W/)?\"[0-9a-f]+\"$"},
        },
        "Set-Cookie": {"description": "The refresh token, where it was asked for so; and, for scripts to see, that there is one.", "schema": text()},
        "Set-CookieIfAny": {"description": "Takes both back.", "schema": text()},
        "Location": header("Path of the new record.", json!({"type": "string", "format": "uri-reference"})),
        "Cache-Control": header("`no-store` for what holds secrets.", text()),
        "Retry-After": header("Seconds after which it may be tried again.", json!({"type": "integer", "minimum": 0})),
        "WWW-Authenticate": header("How to sign in.", text()),
        "X-Request-Id": header(
            "The one that was sent, if it is 1 to 64 of `A-Z a-z 0-9 - _ .`; or a new one. The log and the commit have it.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn whole() -> Value {
        let enabled = ["users", "karanas", "maintenances", "payments"].map(String::from);
        document(&Kinds::enabled(&enabled).unwrap())
    }

    fn visit(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                see(object);
                object.values().for_each(|inner| visit(inner, see));
            }
            Value::Array(items) => items.iter().for_each(|inner| visit(inner, see)),
            _ => {}
        }
    }

    #[test]
    fn a_path_is_described_once_for_each_resource_if_and_only_if_it_names_one() {
        for (_, path, methods) in routes() {
            for (method, about) in methods.into_parts().1 {
                let each = matches!(about, About::Each(_));
                assert_eq!(each, path.contains("{resource}"), "{method} {path}");
            }
        }
    }

    #[test]
    fn what_is_referred_to_is_there_and_names_are_given_once() {
        let document = whole();
        let mut ids = BTreeSet::new();
        visit(&document, &mut |object| {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
            }
            // A link has the id of another one.
            let id = object.get("operationId").filter(|_| object.contains_key("responses"));
            if let Some(id) = id.and_then(Value::as_str) {
                assert!(ids.insert(id.to_owned()), "{id} is given twice");
            }
        });
        visit(&document, &mut |object| {
            if let Some(id) = object.get("operationId").filter(|_| !object.contains_key("responses")) {
                assert!(ids.contains(id.as_str().unwrap()), "a link leads to {id}");
            }
        });
    }

    #[test]
    fn every_schema_is_one() {
        visit(&whole(), &mut |object| {
            for schema in object.get("schema").into_iter().chain(object.get("schemas")) {
                assert!(jsonschema::meta::is_valid(schema), "{schema}");
            }
        });
    }
}
