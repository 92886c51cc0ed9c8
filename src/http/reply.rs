//! Answers: the domain's errors as statuses, and the envelope of each version of the API.
//!
//! Failures are problem details (RFC 9457), but for `/v1`, whose clients know the envelope of 2017.

use crate::error::{self, Error, Finding};
use crate::store::Revision;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Names the revision that holds a change: a commit.
pub const REVISION: HeaderName = HeaderName::from_static("karana-revision");

/// Tells what somebody has to do, or to wait for, after a change.
pub const NOTICE: HeaderName = HeaderName::from_static("karana-notice");

/// An answer that is not a success. Its body is made in [`render`], in the manner of the API's version.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    /// For programs, where the status does not say it all; not on `/v1`.
    code: Option<&'static str>,
    /// For people; never the inner text of a fault.
    reason: String,
    /// Each broken rule by itself; not on `/v1`.
    findings: Vec<Finding>,
    /// Each refused part of a request, by its place.
    parts: Option<Box<Parts>>,
    /// The title in the envelope of `/v1`, where it is not the one of the method.
    title: Option<&'static str>,
    /// After how many seconds to try again.
    retry_after: Option<NonZeroU32>,
    /// For the log only.
    inner: Option<Box<str>>,
}

/// The parts of a request that are refused.
#[derive(Debug, Clone)]
struct Parts {
    /// What a problem calls them, and their places.
    called: (&'static str, &'static str),
    refused: Vec<(usize, Failure)>,
}

impl Parts {
    fn new(called: (&'static str, &'static str), refused: Vec<(usize, Error)>) -> Option<Box<Self>> {
        let refused = refused.into_iter().map(|(place, error)| (place, error.into())).collect();
        Some(Box::new(Self { called, refused }))
    }
}

impl Failure {
    /// A failure of the request as such, before the domain sees it.
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        let retry_after = match status {
            StatusCode::SERVICE_UNAVAILABLE => NonZeroU32::new(5),
            _ => None,
        };
        Self {
            status,
            code: None,
            reason: reason.into(),
            findings: vec![],
            parts: None,
            title: None,
            retry_after,
            inner: None,
        }
    }

    /// With a word for programs.
    pub fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }

    /// Rows of an import that are refused, by their lines; none was made.
    pub fn of_rows(rows: Vec<(usize, Error)>) -> Self {
        let reason = format!("{} of the rows are refused; nothing was changed", rows.len());
        let refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason).coded("import_refused");
        Self { parts: Parts::new(("rows", "line"), rows), ..refused }
    }

    /// The old server's answer when a parameter is not in the body.
    pub fn missing_parameter(name: &'static str) -> Self {
        let reason = format!("Required parameter '{name}' not supplied");
        Self { title: Some(name), ..Self::new(StatusCode::BAD_REQUEST, reason) }
    }

    /// Whether the failure is that nobody is signed in.
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// With another title than the method's, on `/v1`.
    pub fn titled(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = error.to_string();
        match error {
            Error::Invalid(findings) => {
                Self::new(StatusCode::BAD_REQUEST, reason).coded("invalid").with_findings(findings)
            }
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, reason),
            Error::Conflict(findings) => Self::new(StatusCode::CONFLICT, reason).with_findings(findings),
            Error::NoCredentials => {
                Self::new(StatusCode::UNAUTHORIZED, reason).titled("Authentication Required")
            }
            Error::BadCredentials(_) => Self::new(StatusCode::UNAUTHORIZED, reason)
                .titled("Invalid Authentication")
                .coded("bad_credentials"),
            Error::Denied(_) => Self::new(StatusCode::FORBIDDEN, reason),
            Error::Changed => Self::new(StatusCode::PRECONDITION_FAILED, reason),
            Error::KeyReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason).coded("idempotency_key_reused")
            }
            Error::Refused(operations) => {
                let parts = Parts::new(("operations", "index"), operations);
                let refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason).coded("batch_refused");
                Self { parts, ..refused }
            }
            Error::OutcomeUnknown => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, reason).coded("outcome_unknown")
            }
            Error::TooMany(wait) => {
                let seconds = u32::try_from(error::seconds(&wait)).unwrap_or(u32::MAX);
                let retry_after = NonZeroU32::new(seconds);
                Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, reason) }
            }
            Error::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, reason),
            Error::StorageFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, reason).coded("storage_full"),
            Error::Internal(inner) => Self {
                inner: Some(inner.into()),
                ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
            },
        }
    }
}

impl From<Vec<Finding>> for Failure {
    fn from(findings: Vec<Finding>) -> Self {
        Error::Invalid(findings).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Gives a failure its body, in one place for handlers, middleware, unknown paths and panics.
pub fn render(response: &mut Response, method: &Method, uri: &Uri, id: &str) {
    let Some(failure) = response.extensions_mut().remove::<Arc<Failure>>() else { return };
    if let Some(inner) = &failure.inner {
        tracing::error!(request_id = id, reason = inner, "internal error");
    }
    let reason = match failure.status {
        StatusCode::INTERNAL_SERVER_ERROR => {
            format!("{}; the server's log has it under the request id {id}", failure.reason)
        }
        _ => failure.reason.clone(),
    };
    let (media_type, body) = if is_v1(uri.path()) {
        let title = failure.title.unwrap_or_else(|| old_title(method, uri));
        ("application/json", python_json(&json!({"errors": {title: reason}})))
    } else {
        ("application/problem+json", problem(&failure, &reason, id).to_string())
    };
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    match failure.status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        // So that what is left of a refused body does not pass for the next request.
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"))
        }
        _ => None,
    };
    if let Some(seconds) = failure.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.get().into());
    }
}

/// Refused parts that are listed: a batch that is wrong throughout is wrong in the same way.
const REFUSALS_SHOWN: usize = 100;

/// Whether the clients of 2017 know the path.
pub fn is_v1(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Problem details (RFC 9457). What the statuses mean is HTTP's; `code` is the word for programs.
fn problem(failure: &Failure, reason: &str, request_id: &str) -> Value {
    let mut problem = bare_problem(failure, reason);
    problem["request_id"] = request_id.into();
    if let Some(Parts { called: (member, place), refused }) = failure.parts.as_deref() {
        let shown = refused.iter().take(REFUSALS_SHOWN).map(|(number, failure)| {
            let mut problem = bare_problem(failure, &failure.reason);
            problem[*place] = (*number).into();
            problem
        });
        problem[*member] = shown.collect();
    }
    problem
}

/// The problem that a failure is, where the answer has begun already.
pub fn problem_of(failure: &Failure, request_id: &str) -> Value {
    problem(failure, &failure.reason, request_id)
}

/// The problem with a row of an import, whose other rows are made.
pub fn problem_of_row(line: usize, error: Error) -> Value {
    let failure = Failure::from(error);
    let mut problem = bare_problem(&failure, &failure.reason);
    problem["line"] = line.into();
    problem
}

fn bare_problem(failure: &Failure, reason: &str) -> Value {
    let title = failure.status.canonical_reason().unwrap_or("Error");
    let code =
        failure.code.map_or_else(|| title.to_ascii_lowercase().replace([' ', '-'], "_"), str::to_owned);
    let mut problem = json!({
        "type": "about:blank",
        "title": title,
        "status": failure.status.as_u16(),
        "code": code,
        "detail": reason,
    });
    if !failure.findings.is_empty() {
        problem["errors"] = failure.findings.iter().map(finding).collect();
    }
    problem
}

fn finding(finding: &Finding) -> Value {
    json!({"field": finding.field, "code": finding.code, "message": finding.message})
}

/// The title under which the server of 2017 reported the failure of a call.
fn old_title(method: &Method, uri: &Uri) -> &'static str {
    match *method {
        _ if uri.path().starts_with("/v1/sync/") => "Sync DB error",
        Method::POST => "Create Resource Error",
        Method::PUT => "Update Resource Error",
        Method::PATCH => "Modify Resource Error",
        Method::DELETE => "Delete Resource Error",
        _ => "Get Resource Error",
    }
}

/// The fallback for paths that are not ours.
pub async fn unknown_path(uri: Uri) -> Failure {
    let path: String = uri.path().chars().take(100).collect();
    Failure::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {path}; the API is at /v2, described at /docs"),
    )
}

/// The fallback for methods that a path does not have.
pub async fn unknown_method(method: Method) -> Response {
    // The router adds `Allow`.
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here")).into_response()
}

/// A handler's panic is answered like any other fault of ours.
pub fn panicked() -> Response {
    Failure::from(Error::Internal("a handler panicked".into())).into_response()
}

/// A success on `/v1`: ONE JSON string whose text is JSON, as Python's `json.dumps` writes it.
pub fn v1(results: Value) -> Response {
    let inner = python_json(&json!({"results": [results]}));
    let body = Value::String(inner).to_string();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The answer to a change: with the revision that holds it.
pub fn written(revision: Revision, mut answer: Response) -> Response {
    if let Ok(revision) = HeaderValue::try_from(revision.0) {
        answer.headers_mut().insert(REVISION, revision);
    }
    answer
}

/// JSON as Python's `json.dumps` writes it: `", "` and `": "` between, everything beyond ASCII as `\uXXXX`.
pub fn python_json(value: &Value) -> String {
    let mut bytes = Vec::with_capacity(256);
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Python));
    written.unwrap_or_else(|e| unreachable!("a JSON value into memory: {e}"));
    String::from_utf8(bytes).unwrap_or_else(|e| unreachable!("only ASCII is written: {e}"))
}

struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(ascii(fragment).as_bytes())
    }
}

fn ascii(text: &str) -> Cow<'_, str> {
    // Python leaves only what prints as it is; control characters have been escaped before, all but this one.
    let plain = |c: char| (' '..='~').contains(&c);
    if text.chars().all(plain) {
        return text.into();
    }
    let mut units = [0; 2];
    let mut escaped = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            c if plain(c) => escaped.push(c),
            c => {
                c.encode_utf16(&mut units).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")))
            }
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        // Python: json.dumps({"a": [1, "Bintumani e.V. ü😀\n\"\\\x1f\x7f"], "b": {}, "c": None})
        let value = json!({"a": [1, "Bintumani e.V. ü😀\n\"\\\u{1f}\u{7f}"], "b": {}, "c": null});
        assert_eq!(
            python_json(&value),
            "{\"a\": [1, \"Bintumani e.V. \\u00fc\\ud83d\\ude00\\n\\\"\\\\\\u001f\\u007f\"], \"b\": {}, \"c\": null}"
        );
    }
}
