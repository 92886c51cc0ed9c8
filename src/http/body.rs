//! The body of a request: on `/v1` parameters as JSON or as a form, on `/v2` JSON.

use super::reply::Failure;
use super::{App, bulk};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::resource::{Entry, Schema};

/// Parameters that clients of 2017 may have sent in the query string, where every log on the way keeps them.
const NOT_IN_QUERY: &[&str] = &["data", "user", "password"];

/// The parameters in a body, unread.
pub struct Parameters(Map<String, Value>);

impl FromRequest<App> for Parameters {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        refuse_query(request.uri().query())?;
        let (parts, body) = request.into_parts();
        let bytes = read(body, &parts.headers, app, app.limits.body_size).await?;
        parse(&bytes, content_type(&parts.headers)).map(Self)
    }
}

impl Parameters {
    /// The object that `data` holds: as a string of JSON, as the old clients send it, or as it is.
    pub fn data(&self) -> Result<Entry, Failure> {
        let not_an_object =
            || Error::invalid("data", "type", "must be a JSON object, or a string that holds one");
        match self.0.get("data").ok_or_else(|| Failure::missing_parameter("data"))? {
            Value::Object(fields) => Ok(fields.clone()),
            Value::String(text) => match serde_json::from_str(text) {
                Ok(Value::Object(fields)) => Ok(fields),
                Ok(_) => Err(not_an_object().into()),
                Err(e) => {
                    let place = format!("is not JSON (line {}, column {})", e.line(), e.column());
                    Err(Error::invalid("data", "json", place).into())
                }
            },
            _ => Err(not_an_object().into()),
        }
    }

    /// A parameter that is a text.
    pub fn text(&self, name: &'static str) -> Result<&str, Failure> {
        match self.0.get(name) {
            None => Err(Failure::missing_parameter(name)),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Error::invalid(name, "type", "must be a string").into()),
        }
    }
}

/// The JSON object in the body of a `/v2` request, unchecked.
pub struct Object(pub Entry);

impl FromRequest<App> for Object {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let announced = content_type(&parts.headers);
        let json = ["", "application/json", "application/merge-patch+json"];
        if !json.iter().any(|name| announced.eq_ignore_ascii_case(name)) {
            let reason = "the body must be JSON; send the header `Content-Type: application/json`";
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        parse_json(&read(body, &parts.headers, app, app.limits.body_size).await?).map(Self)
    }
}

/// Refuses a body where there are parameters in the query alone: whoever writes them into it would be taken to ask for nothing.
/// `null` and `{}` hold none.
pub fn refuse(headers: &HeaderMap) -> Result<(), Failure> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > "null".len() as u64) {
        let reason = "has parameters in the query alone, as in `?name=value`: send no body";
        return Err(Failure::new(StatusCode::BAD_REQUEST, reason));
    }
    Ok(())
}

/// The rows of an import, unread: as CSV, or a JSON object a line.
pub struct Lines {
    pub media: String,
    pub text: Vec<u8>,
}

impl FromRequest<App> for Lines {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let media = content_type(&parts.headers).to_ascii_lowercase();
        if media != bulk::CSV && !bulk::JSON_LINES.contains(&media.as_str()) {
            let reason = "send the header `Content-Type: text/csv`, or `application/x-ndjson` for a JSON object a line";
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        let text = read(body, &parts.headers, app, app.limits.import_size).await?;
        Ok(Self { media, text })
    }
}

/// What a route of `/v2` takes in its body. Its schema checks it, and describes it in the documentation.
pub trait Input: DeserializeOwned + JsonSchema {
    /// Derived from the struct, compiled once.
    fn schema() -> &'static Schema;
}

/// Makes structs [`Input`]s.
macro_rules! inputs {
    ($($name:ty),+) => {$(
        impl $crate::http::body::Input for $name {
            fn schema() -> &'static $crate::resource::Schema {
                static SCHEMA: std::sync::LazyLock<$crate::resource::Schema> =
                    std::sync::LazyLock::new($crate::resource::Schema::of::<$name>);
                &SCHEMA
            }
        }
    )+};
}
pub(super) use inputs;

/// The body of a `/v2` request, checked by the schema of `T`.
pub struct Json<T>(pub T);

impl<T: Input> FromRequest<App> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let Object(object) = Object::from_request(request, app).await?;
        let value = Value::Object(object);
        let findings = T::schema().check_value(&value);
        if !findings.is_empty() {
            return Err(findings.into());
        }
        // Not serde's own words: they quote what was sent.
        serde_json::from_value(value)
            .map(Self)
            .map_err(|_| Error::invalid("", "type", "is not understood").into())
    }
}

/// Refuses parameters in the query string that belong into the body.
pub fn refuse_query(query: Option<&str>) -> Result<(), Failure> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.find(|(name, _)| NOT_IN_QUERY.contains(&name.as_ref())) {
        Some((name, _)) => Err(Error::invalid(
            &name,
            "query",
            "must be sent in the body, not in the query string: that ends up in access logs",
        )
        .into()),
        None => Ok(()),
    }
}

async fn read(body: Body, headers: &HeaderMap, app: &App, limit: usize) -> Result<Vec<u8>, Failure> {
    let too_large =
        || Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"));
    // What is packed would be refused as no JSON, which is no help.
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.is_empty() && encoding != "identity")
    {
        let reason = "the body must come as it is, without `Content-Encoding`";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let slow = Failure::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body took longer than {} seconds", app.limits.body_time.as_secs()),
    );
    match tokio::time::timeout(app.limits.body_time, Limited::new(body, limit).collect()).await {
        Err(_) => Err(slow),
        Ok(Ok(collected)) => Ok(collected.to_bytes().into()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Failure::new(StatusCode::BAD_REQUEST, "the body broke off")),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn parse(bytes: &[u8], content_type: &str) -> Result<Map<String, Value>, Failure> {
    if content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        // `curl -d '{…}'` calls JSON a form.
        if bytes.first() == Some(&b'{') {
            let reason = "the body looks like JSON but is announced as a form; send the header `Content-Type: application/json`";
            return Err(Failure::new(StatusCode::BAD_REQUEST, reason));
        }
        return Ok(form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect());
    }
    if !content_type.is_empty() && !content_type.eq_ignore_ascii_case("application/json") {
        let reason = "the body must be application/json or application/x-www-form-urlencoded";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    // An empty body has no parameters; which one is missing is said by whoever asks for it.
    parse_json(bytes)
}

fn parse_json(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(Failure::new(StatusCode::BAD_REQUEST, "the body must be a JSON object")),
        Err(e) => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not JSON (line {}, column {})", e.line(), e.column()),
        )),
    }
}
