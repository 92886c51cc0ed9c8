//! `GET /docs`: the description of the API as a page, which is in the program and asks no other host.

use super::path::Path;
use super::reply::Failure;
use crate::error::Error;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Nothing inline, and nothing from elsewhere. The style sheet has its icons in itself.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; script-src 'self'; style-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The files of the page: name, media type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("start.js", "text/javascript", include_str!("docs/start.js")),
    ("swagger-ui-bundle.js", "text/javascript", include_str!("../../assets/swagger-ui/swagger-ui-bundle.js")),
    ("swagger-ui.css", "text/css", include_str!("../../assets/swagger-ui/swagger-ui.css")),
];

/// `GET /docs`
pub async fn page() -> Response {
    let mut page = content("text/html", include_str!("docs/index.html"), "no-cache");
    let headers = page.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    page
}

/// `GET /docs/{file}`. Only the last part of the path counts: from `/docs/` a browser asks for `/docs/docs/…`.
pub async fn file(Path(path): Path<String>) -> Result<Response, Failure> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let file = FILES.iter().find(|(known, ..)| *known == name);
    let (_, media, text) = file.ok_or_else(|| Error::NotFound("the page has no such file".into()))?;
    Ok(content(media, text, "max-age=3600"))
}

fn content(media: &str, text: &'static str, cache: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, format!("{media}; charset=utf-8")),
        (header::CACHE_CONTROL, cache.to_owned()),
    ];
    (headers, text).into_response()
}
