//! What is said of one method of one path.

use super::formats;
use crate::auth::policy::{self, Verb};
use crate::http::Access;
use crate::http::body::Input;
use crate::resource::{Kind, Role};
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One method of one path, in the words of OpenAPI.
///
/// What follows from the route itself is added by the document: path parameters, the bearer's token and its 401, the 403 for
/// foreign pages, and the 500 that every call can end with.
#[derive(Clone)]
pub struct Operation {
    id: String,
    tag: String,
    summary: String,
    about: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    refusals: Vec<StatusCode>,
    roles: Vec<(Role, String)>,
    security: Option<Value>,
    envelope: Envelope,
}

/// How failures are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// RFC 9457.
    Problem,
    /// As the clients of 2017 know them.
    V1,
}

/// A schema among the components.
pub fn component(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A schema as a part of the document, whose dialect it has anyway.
pub fn bare(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
    }
    schema
}

impl Operation {
    /// `id` is its name in generated clients, `tag` the chapter it stands in.
    pub fn new(tag: impl Into<String>, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            tag: tag.into(),
            summary: summary.into(),
            about: String::new(),
            parameters: vec![],
            body: None,
            answers: BTreeMap::new(),
            refusals: vec![],
            roles: vec![],
            security: None,
            envelope: Envelope::Problem,
        }
    }

    /// More than the summary says (Markdown).
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// The same, with failures as the clients of 2017 know them.
    pub fn on_v1(mut self) -> Self {
        self.envelope = Envelope::V1;
        self
    }

    /// A parameter object: `name`, `in`, `schema`, …
    pub fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A parameter in the query.
    pub fn query(self, name: &str, about: &str, schema: Value) -> Self {
        self.parameter(json!({"name": name, "in": "query", "description": about, "schema": schema}))
    }

    /// A header of the request.
    pub fn header(self, name: &str, required: bool, about: &str, schema: Value) -> Self {
        let header = json!({"name": name, "in": "header", "required": required, "description": about, "schema": schema});
        self.parameter(header)
    }

    /// A body of one of these media types.
    pub fn body(mut self, media: &[&str], schema: &Value) -> Self {
        let content: Map<_, _> =
            media.iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect();
        self.body = Some(json!({"required": true, "content": content}));
        self.refuses(&[400, 408, 413, 415])
    }

    /// A body that the handler takes as [`Json`](crate::http::body::Json).
    pub fn takes<T: Input>(self) -> Self {
        let mut schema = bare(T::schema().json());
        formats::explain(&mut schema);
        self.body(&["application/json"], &schema)
    }

    /// An answer that is not a failure; without content where `content` is null, else by media type.
    pub fn answers(mut self, status: u16, about: &str, content: &Value, headers: &[&str]) -> Self {
        let headers: Map<_, _> = headers
            .iter()
            .map(|name| {
                let header = json!({"$ref": format!("#/components/headers/{name}")});
                (name.trim_end_matches("IfAny").to_owned(), header)
            })
            .collect();
        let mut answer = json!({"description": about, "headers": headers});
        if let Some(content) = content.as_object() {
            let content: Map<_, _> =
                content.iter().map(|(media, schema)| (media.clone(), json!({"schema": schema}))).collect();
            answer["content"] = content.into();
        }
        self.answers.insert(status, answer);
        self
    }

    /// An answer of JSON.
    pub fn json(self, status: u16, about: &str, schema: &Value, headers: &[&str]) -> Self {
        self.answers(status, about, &json!({"application/json": schema}), headers)
    }

    /// What may be done next with what the answer holds: an operation's id, and where its parameters come from.
    pub fn link(mut self, status: u16, name: &str, operation: &str, parameters: Value) -> Self {
        if let Some(answer) = self.answers.get_mut(&status) {
            answer["links"][name] = json!({"operationId": operation, "parameters": parameters});
        }
        self
    }

    /// Failures that it can end with.
    pub fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses.iter().filter_map(|status| StatusCode::from_u16(*status).ok()));
        self
    }

    /// What the policy says of a verb on a resource, and that others are refused.
    pub fn roles(mut self, kind: &Kind, verb: Verb) -> Self {
        self.roles = policy::in_words(kind, verb);
        self.refuses(&[403])
    }

    /// Roles that may do it, and that others are refused.
    pub fn only_for(mut self, roles: &[Role]) -> Self {
        self.roles = roles.iter().map(|role| (*role, "yes".to_owned())).collect();
        self.refuses(&[403])
    }

    /// What lets one in, where that does not follow from the route.
    pub fn let_in_by(mut self, security: &Value) -> Self {
        self.security = Some(security.clone());
        self
    }

    /// Its OpenAPI, on a path with these variable parts.
    pub fn to_json(&self, access: Access, method: &Method, path_parameters: &[String]) -> Value {
        let mut parameters: Vec<Value> = path_parameters.iter().map(|name| path_parameter(name)).collect();
        parameters.extend(self.parameters.iter().cloned());
        let mut refusals = self.refusals.clone();
        refusals.push(StatusCode::INTERNAL_SERVER_ERROR);
        match access {
            Access::SignedIn => refusals.push(StatusCode::UNAUTHORIZED),
            Access::Person => refusals.extend([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]),
            Access::Trusted => refusals.push(StatusCode::FORBIDDEN),
            Access::Everybody => {}
        }
        // What a foreign page has a browser send.
        if !method.is_safe() {
            refusals.push(StatusCode::FORBIDDEN);
        }
        let mut responses: Map<String, Value> =
            self.answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
        for status in refusals {
            let failure =
                json!({"$ref": format!("#/components/responses/{}", self.envelope.component(status))});
            responses.entry(status.as_str()).or_insert(failure);
        }
        for answer in responses.values_mut().filter(|answer| answer.get("$ref").is_none()) {
            answer["headers"]["X-Request-Id"] = json!({"$ref": "#/components/headers/X-Request-Id"});
        }
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "security": self.security.clone().unwrap_or_else(|| match access {
                Access::SignedIn => json!([{"token": []}, {"key": []}]),
                Access::Person => json!([{"token": []}]),
                Access::Everybody | Access::Trusted => json!([]),
            }),
            "responses": responses,
        });
        let about = [self.about.as_str(), &self.roles_in_a_sentence()];
        let about: Vec<_> = about.into_iter().filter(|text| !text.is_empty()).collect();
        if !about.is_empty() {
            operation["description"] = about.join("\n\n").into();
        }
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        if !self.roles.is_empty() {
            let roles =
                self.roles.iter().map(|(role, on)| (policy::name(*role).to_owned(), on.clone().into()));
            operation["x-roles"] = Value::Object(roles.collect());
        }
        operation
    }

    fn roles_in_a_sentence(&self) -> String {
        if self.roles.is_empty() {
            return String::new();
        }
        let roles = self.roles.iter().map(|(role, on)| match on.as_str() {
            "yes" => policy::name(*role).to_owned(),
            on => format!("{}: {on}", policy::name(*role)),
        });
        format!("**Roles.** {}.", roles.collect::<Vec<_>>().join("; "))
    }
}

impl Envelope {
    /// The name of a failure among the components.
    pub fn component(self, status: StatusCode) -> String {
        match self {
            Self::Problem => format!("Problem{}", status.as_u16()),
            Self::V1 => format!("V1Error{}", status.as_u16()),
        }
    }
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "id" => json!({"type": "string", "format": "uuid"}),
        _ => json!({"type": "string"}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}
