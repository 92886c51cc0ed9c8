//! `GET /`: the web page, as `frontend/` builds it into the program.

use super::path::Path;
use super::reply::Failure;
use crate::error::Error;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` has left. A debug build reads it when it is asked for.
#[derive(RustEmbed)]
#[folder = "frontend/dist"]
#[allow_missing = true]
struct Built;

/// What stands in the built page where the nonce of each answer belongs; vite.config.ts puts it there.
const PLACE: &str = "NONCE-OF-THE-ANSWER";

/// For a program without its page.
const UNBUILT: &str = include_str!("page/unbuilt.html");

/// The names hold hashes of what is in the files.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// `GET /`
pub async fn page() -> Response {
    let built = Built::get("index.html").map(|file| String::from_utf8_lossy(&file.data).into_owned());
    let nonce = format!("{:032x}", rand::random::<u128>());
    let text = built.map_or_else(|| UNBUILT.to_owned(), |text| text.replace(PLACE, &nonce));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy(&nonce)),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
        // A link for a forgotten password holds a token.
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, text).into_response()
}

/// Nothing from elsewhere, and nothing inline but the styles that the page's own script makes, which knows the nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What keeps the page in browsers (`frontend/worker/`) may ask this server, and nothing else.
const WORKERS: &str = "default-src 'none'; connect-src 'self'";

/// `GET /worker.js`. Browsers ask for it again and again: a new one takes the old one's place.
pub async fn worker() -> Result<Response, Failure> {
    let built = Built::get("worker.js").ok_or_else(|| Error::NotFound("the page has no such file".into()))?;
    let mut worker = content(built, "text/javascript; charset=utf-8", "no-cache");
    worker.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKERS));
    Ok(worker)
}

/// `GET /assets/{file}`. Packed as the build has packed it, for those who take that; else as all answers are.
pub async fn asset(Path(name): Path<String>, request: HeaderMap) -> Result<Response, Failure> {
    let nothing = || Error::NotFound("the page has no such file".into());
    let media = media(&name).ok_or_else(nothing)?;
    let file = |name: &str| Built::get(&format!("assets/{name}"));
    // Files that are not worth packing are not packed.
    let packed = if takes_brotli(&request) { file(&format!("{name}.br")) } else { None };
    Ok(match packed {
        Some(packed) => {
            let how = [(header::CONTENT_ENCODING, "br"), (header::VARY, "accept-encoding")];
            (how, content(packed, media, FOREVER)).into_response()
        }
        None => content(file(&name).ok_or_else(nothing)?, media, FOREVER),
    })
}

fn content(file: EmbeddedFile, media: &'static str, kept: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, kept)];
    (headers, file.data).into_response()
}

/// Of what the build makes; nothing else is shown, so that a packed file has no address of its own.
fn media(name: &str) -> Option<&'static str> {
    let (_, kind) = name.rsplit_once('.')?;
    match kind {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Whether brotli is among what is accepted (RFC 9110, 12.5.3), and not with the weight 0.
fn takes_brotli(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>().unwrap_or(0.0);
        coding.trim().eq_ignore_ascii_case("br") && weight > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_files_are_for_those_who_take_them() {
        let takes = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, text.parse().unwrap());
            takes_brotli(&headers)
        };
        for text in ["br", "gzip, deflate, br, zstd", "gzip;q=1.0, BR;q=0.5", "br ; q=1"] {
            assert!(takes(text), "{text}");
        }
        for text in ["", "gzip", "br;q=0", "br;q=0.0, gzip", "brotli", "identity", "br;level=4"] {
            assert!(!takes(text), "{text}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }

    #[test]
    fn only_what_the_page_asks_for_has_an_address() {
        assert_eq!(media("index-DZ0e.js"), Some("text/javascript; charset=utf-8"));
        for name in ["index-DZ0e.js.br", "index-DZ0e.js.map", "index.html", "js", ""] {
            assert_eq!(media(name), None, "{name}");
        }
    }
}
