//! What surrounds a handler: the request's id and line in the log, the client's address, who is signed in.

use super::App;
use super::body::refuse_query;
use super::reply::{self, Failure};
use crate::auth::{Actor, policy};
use crate::config::Network;
use crate::error::Error;
use axum::Extension;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{NaiveDate, NaiveTime};
use futures::FutureExt;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Carries the request's id, in both directions.
pub const REQUEST_ID: &str = "x-request-id";

/// Which addresses are whose.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    /// Proxies whose `X-Forwarded-For`, `-Host` and `-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Who sees metrics and the details of readiness, beside this machine itself.
    pub metrics_from: Vec<Network>,
}

impl Networks {
    /// Whether details about the inside are for this client.
    pub fn shows_details_to(&self, client: Option<IpAddr>) -> bool {
        client.is_some_and(|ip| ip.to_canonical().is_loopback() || contains(&self.metrics_from, ip))
    }

    /// Whether what this peer says of a request is believed.
    pub fn is_proxy(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| contains(&self.trusted_proxies, peer))
    }

    /// The client behind trusted proxies: the right-most address in `X-Forwarded-For` that is not one of them.
    fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?;
        if !contains(&self.trusted_proxies, peer) {
            return Some(peer);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let addresses: Vec<_> =
            forwarded.flat_map(|value| value.split(',')).map(|part| part.trim().parse::<IpAddr>()).collect();
        for address in addresses.iter().rev() {
            match address {
                Ok(ip) if contains(&self.trusted_proxies, *ip) => {}
                Ok(ip) => return Some(*ip),
                // What stands left of nonsense is not to be believed either.
                Err(_) => return None,
            }
        }
        Some(peer)
    }
}

fn contains(networks: &[Network], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(ip))
}

/// What is known of a request beside what it asks for.
#[derive(Clone)]
pub struct Context {
    /// In the log, in the commit and in the answer.
    pub id: Arc<str>,
    /// Where it comes from.
    pub client: Option<IpAddr>,
    actor: Arc<OnceLock<Arc<Actor>>>,
}

/// All that is the same for every request: its id, its line in the log (never a query, a body or a token), the body of a
/// failure, and the headers that do not depend on the handler. One function, for each layer of its own would cost a
/// request several allocations.
pub async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    // Until it has been answered, or the client has gone.
    let _in_flight = app.traffic().in_flight.enter();
    let context = Context::of(&app, &request);
    request.extensions_mut().insert(context.clone());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);

    // The panic hook has logged it.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| reply::panicked());
    reply::render(&mut response, &method, &uri, &context.id);
    if method == Method::OPTIONS {
        no_content(&mut response);
    }
    if reply::is_v1(uri.path()) || uri.path().starts_with("/v2/") {
        // Tokens, device passwords: nothing for a cache on the way, unless the handler knows better.
        let headers = response.headers_mut();
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("authorization"));
    }
    harden(&mut response);
    if let Some(since) = app.v1_deprecated.filter(|_| reply::is_v1(uri.path())) {
        deprecate(&mut response, since);
    }
    if let Ok(id) = HeaderValue::from_str(&context.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let took = start.elapsed();
    app.traffic().answered(route, &method, response.status(), took);
    tracing::info!(
        request_id = %context.id,
        actor = context.actor.get().map_or_else(|| "-".into(), |actor| actor.path()),
        client = context.client.map(|ip| ip.to_string()).unwrap_or_default(),
        %method,
        path = uri.path().chars().take(200).collect::<String>(),
        route = route.unwrap_or_default(),
        status = response.status().as_u16(),
        duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3,
        "request"
    );
    response
}

/// Whatever an answer holds, a browser takes it for nothing but what it is called, runs nothing of it and shows it in nobody's
/// frame. A page that needs more has a policy of its own.
fn harden(response: &mut Response) {
    const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
}

/// What OPTIONS is answered with is in the headers. The clients of 2017 know 204 for that; tower-http says 200.
fn no_content(response: &mut Response) {
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
}

/// Tells the clients of `/v1`, where the operator wants that, since when they should be those of `/v2` (RFC 9745).
fn deprecate(response: &mut Response, since: NaiveDate) {
    let seconds = since.and_time(NaiveTime::MIN).and_utc().timestamp();
    if let Ok(since) = HeaderValue::try_from(format!("@{seconds}")) {
        response.headers_mut().insert(HeaderName::from_static("deprecation"), since);
        let successor = HeaderValue::from_static("</docs>; rel=\"deprecation\"; type=\"text/html\"");
        response.headers_mut().append(header::LINK, successor);
    }
}

/// An id from outside goes into commits and the log: short and plain, or not at all.
fn acceptable_id(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Finds out who is signed in, and puts the [`Actor`] where handlers find it.
pub async fn authenticate(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let actor = actor(&app, &request)?;
    request.extensions_mut().insert(actor);
    Ok(next.run(request).await)
}

/// The same, and lets no program in.
pub async fn only_people(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let actor = person(&app, &request)?;
    request.extensions_mut().insert(actor);
    Ok(next.run(request).await)
}

/// Who is signed in, unless it is a program.
pub fn person(app: &App, request: &Request) -> Result<Arc<Actor>, Failure> {
    let actor = actor(app, request)?;
    actor.is_a_person()?;
    Ok(actor)
}

fn actor(app: &App, request: &Request) -> Result<Arc<Actor>, Failure> {
    let token = bearer(request.headers())?;
    if reply::is_v1(request.uri().path()) {
        refuse_query(request.uri().query())?;
    }
    let actor = app.credentials.actor(&app.store.read(), token)?;
    if let Some(context) = request.extensions().get::<Context>() {
        let _ = context.actor.set(actor.clone());
    }
    Ok(actor)
}

/// Whether details of the inside are for this client: for where it is, or for its key.
pub fn sees_inside(app: &App, context: &Context, headers: &HeaderMap) -> bool {
    let by_key = || {
        let actor = bearer(headers).and_then(|key| app.credentials.actor(&app.store.read(), key));
        actor.is_ok_and(|actor| policy::sees_inside(&actor))
    };
    app.networks.shows_details_to(context.client) || by_key()
}

/// Lets only those in who may see the inside of the server.
pub async fn only_trusted(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    if !sees_inside(&app, &context, request.headers()) {
        let reason =
            "this is for the networks of [api] metrics_from, and for an admin's key with the scope metrics";
        return Err(Error::Denied(reason.into()).into());
    }
    Ok(next.run(request).await)
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, 2.1); the word in any case, as the old clients write it.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let value = headers.get(header::AUTHORIZATION).ok_or(Error::NoCredentials)?;
    let wrong = || Error::BadCredentials("the header must read `Authorization: Bearer <token>`".into());
    let (scheme, token) = value.to_str().map_err(|_| wrong())?.trim().split_once(' ').ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(wrong()) }
}

impl Context {
    fn of(app: &App, request: &Request) -> Self {
        let id = request.headers().get(REQUEST_ID).and_then(acceptable_id);
        let id = id.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
        let peer = request.extensions().get::<SocketAddr>().map(SocketAddr::ip);
        let client = app.networks.client(peer, request.headers());
        Self { id: id.into(), client, actor: Arc::default() }
    }

    /// Who is answerable for a commit that this request makes.
    pub fn author(&self, actor: &Actor) -> crate::store::Author {
        actor.author(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_about_the_client() {
        let networks =
            Networks { trusted_proxies: vec!["10.0.12.0/24".parse().unwrap()], metrics_from: vec![] };
        let client = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
            }
            networks
                .client(Some(peer.parse().unwrap()), &headers)
                .map_or("unknown".to_owned(), |ip| ip.to_string())
        };
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.12.3", &["198.51.100.1, 203.0.113.9, 10.0.12.4"]), "203.0.113.9");
        assert_eq!(client("10.0.12.3", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.12.3", &["198.51.100.1, nonsense"]), "unknown");
        assert_eq!(client("10.0.12.3", &[]), "10.0.12.3");
        assert!(networks.shows_details_to(Some("::1".parse().unwrap())));
        assert!(!networks.shows_details_to(Some("10.0.12.3".parse().unwrap())));
    }

    #[test]
    fn an_id_from_outside_is_taken_only_when_it_is_harmless() {
        for (id, ok) in
            [("a-B_3.x", true), ("", false), ("a b", false), ("a\u{7f}", false), (&"x".repeat(65), false)]
        {
            assert_eq!(
                HeaderValue::from_bytes(id.as_bytes()).ok().and_then(|v| acceptable_id(&v)).is_some(),
                ok,
                "{id}"
            );
        }
    }
}
