//! Requests that a foreign web page makes a browser send (CSRF).
//!
//! A browser sends what any page asks it to, with what it knows of us: the cookie, the usual address, a place in the
//! operator's network. It also says whose page that is, in `Sec-Fetch-Site` (to https and to this machine) and, with all that
//! may change something, in `Origin`; neither can be set or taken away by a page (Fetch Metadata; OWASP, Cross-Site Request
//! Forgery Prevention, "Fetch Metadata headers" and "Verifying Origin With Standard Headers"). Who sends neither is no
//! browser: curl, programs, devices.
//!
//! It is looked at before anything else is, so that a foreign page cannot use up the limit of failures of the address either.

use super::App;
use super::context::Networks;
use super::reply::Failure;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whose pages may have a browser change something here.
#[derive(Clone)]
pub struct Guard {
    app: App,
    /// Origins that the operator has named, as browsers send them.
    named: Arc<[String]>,
}

impl Guard {
    pub fn new(app: App) -> Self {
        let own = app.public_url.as_deref().and_then(|url| Url::parse(url).ok());
        let own = own.map(|url| url.origin().ascii_serialization());
        let named = app.cors_origins.iter().cloned().chain(own).collect();
        Self { app, named }
    }
}

/// Refuses what a foreign page has a browser send, if it may change something.
pub async fn refuse(State(guard): State<Guard>, request: Request, next: Next) -> Result<Response, Failure> {
    // GET, HEAD, OPTIONS and TRACE change nothing (RFC 9110, 9.2.1).
    if !request.method().is_safe() && is_foreign(&guard.named, &guard.app.networks, &request) {
        let reason = "a web page of another origin has the browser send this; its origin must be named in [api] cors_origins";
        return Err(Failure::new(StatusCode::FORBIDDEN, reason).coded("foreign_origin"));
    }
    Ok(next.run(request).await)
}

fn is_foreign(named: &[String], networks: &Networks, request: &Request) -> bool {
    let headers = request.headers();
    let origins = || headers.get_all(header::ORIGIN).iter();
    if headers.contains_key(header::ORIGIN) && origins().all(|origin| named.iter().any(|one| one == origin)) {
        return false;
    }
    // The browser's own word comes first: a proxy on the way may have given the request another `Host`.
    for site in headers.get_all(SITE) {
        match site.as_bytes() {
            b"same-origin" => return false,
            // From the address bar, say. There is no page to be foreign.
            b"none" => {}
            // Another host, or only another port or sub-domain: not ours.
            _ => return true,
        }
    }
    let sent_to = SentTo::of(networks, request);
    !origins().all(|origin| sent_to.is_named_by(origin))
}

/// Where a request was sent to, as its sender calls it.
struct SentTo<'a> {
    host: Option<&'a str>,
    /// Only a proxy knows that.
    scheme: Option<&'a str>,
}

impl<'a> SentTo<'a> {
    fn of(networks: &Networks, request: &'a Request) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<SocketAddr>().map(SocketAddr::ip);
        let proxy = |name| if networks.is_proxy(peer) { last(headers, &name) } else { None };
        let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let addressed = request.uri().authority().map(|authority| authority.as_str()).or_else(host);
        Self { host: proxy(FORWARDED_HOST).or(addressed), scheme: proxy(FORWARDED_PROTO) }
    }

    fn is_named_by(&self, origin: &HeaderValue) -> bool {
        // `null` is none: a sandbox, a file, a redirect from elsewhere.
        let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else {
            return false;
        };
        let scheme = origin.scheme();
        let is_web = matches!(scheme, "http" | "https");
        let as_forwarded = self.scheme.is_none_or(|forwarded| forwarded.eq_ignore_ascii_case(scheme));
        let here = self.host.and_then(|host| Url::parse(&format!("{scheme}://{host}")).ok());
        is_web && as_forwarded && here.is_some_and(|here| here.origin() == origin.origin())
    }
}

/// What the nearest proxy says: it stands at the end.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let values = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    values.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn is_foreign_from(peer: &str, headers: &[(&str, &str)]) -> bool {
        let networks =
            Networks { trusted_proxies: vec!["10.0.12.0/24".parse().unwrap()], metrics_from: vec![] };
        let named = ["https://page.example".to_owned()];
        let mut request = Request::builder().uri("/v2/refresh");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(SocketAddr::new(peer.parse().unwrap(), 1));
        is_foreign(&named, &networks, &request)
    }

    #[test]
    fn an_origin_names_the_host_that_the_request_was_sent_to() {
        for (origin, host, foreign) in [
            ("http://127.0.0.1:8000", "127.0.0.1:8000", false),
            ("http://Karana.example", "karana.example", false),
            ("https://karana.example", "karana.example", false),
            ("https://karana.example", "karana.example:443", false),
            ("http://[::1]:8000", "[::1]:8000", false),
            ("http://127.0.0.1:19000", "127.0.0.1:8000", true),
            ("http://localhost:8000", "127.0.0.1:8000", true),
            ("https://karana.example", "karana.example:80", true),
            ("https://karana.example:8443", "karana.example", true),
            ("https://evil.example", "karana.example", true),
            ("https://karana.example.evil.example", "karana.example", true),
            ("null", "karana.example", true),
            ("", "karana.example", true),
            ("chrome-extension://karana.example", "karana.example", true),
            ("file://karana.example", "karana.example", true),
            ("https://page.example", "karana.example", false),
            ("http://page.example", "karana.example", true),
        ] {
            let headers = [("origin", origin), ("host", host)];
            assert_eq!(is_foreign_from("203.0.113.9", &headers), foreign, "{origin} at {host}");
        }
        assert!(is_foreign_from("203.0.113.9", &[("origin", "http://127.0.0.1:8000")]), "without a host");
        let twice = [("origin", "https://page.example"), ("origin", "https://evil.example"), ("host", "x")];
        assert!(is_foreign_from("203.0.113.9", &twice));
        assert!(!is_foreign_from("203.0.113.9", &[("host", "karana.example")]), "no browser");
    }

    #[test]
    fn what_the_browser_says_of_the_page_comes_first() {
        let said = |site: &str, origin: Option<&str>| {
            let mut headers = vec![("sec-fetch-site", site), ("host", "127.0.0.1:8000")];
            headers.extend(origin.map(|origin| ("origin", origin)));
            is_foreign_from("203.0.113.9", &headers)
        };
        for site in ["cross-site", "same-site", "", "same-origin-ish"] {
            assert!(said(site, None), "{site}");
            assert!(said(site, Some("null")), "{site}");
            // The same host by http, which anybody on the way may have written.
            assert!(said(site, Some("http://127.0.0.1:8000")), "{site}");
            assert!(!said(site, Some("https://page.example")), "{site}");
        }
        // Behind a proxy that calls us by another name.
        assert!(!said("same-origin", Some("https://karana.example")));
        assert!(!said("none", None));
        assert!(said("none", Some("https://evil.example")));
    }

    #[test]
    fn only_trusted_proxies_are_believed_about_the_host() {
        let forwarded = |peer: &str, origin: &str, host: &str, scheme: &str| {
            let headers = [
                ("origin", origin),
                ("host", "127.0.0.1:8000"),
                ("x-forwarded-host", host),
                ("x-forwarded-proto", scheme),
            ];
            is_foreign_from(peer, &headers)
        };
        let (proxy, other) = ("10.0.12.3", "203.0.113.9");
        assert!(!forwarded(proxy, "https://karana.example", "karana.example", "https"));
        assert!(!forwarded(proxy, "https://karana.example", "made.up, karana.example", "https"));
        assert!(forwarded(proxy, "http://karana.example", "karana.example", "https"));
        assert!(forwarded(proxy, "https://made.up", "made.up, karana.example", "https"));
        assert!(forwarded(proxy, "http://127.0.0.1:8000", "karana.example", "http"));
        assert!(forwarded(other, "https://karana.example", "karana.example", "https"));
        assert!(!forwarded(other, "http://127.0.0.1:8000", "karana.example", "https"));
    }
}
