//! The HTTP interface: every route, and the order of the middleware, are in this file.

mod batch;
mod body;
mod bulk;
mod condition;
mod context;
mod crud;
mod docs;
mod events;
mod foreign;
mod handover;
mod health;
mod history;
mod keys;
mod listen;
mod metrics;
mod once;
mod openapi;
mod page;
mod passwords;
mod path;
mod progress;
mod query;
mod reply;
mod rotation;
mod route;
mod series;
mod server;
mod session;
mod status;
mod sync;
mod traffic;
mod v1;
mod v2;
mod webhooks;

pub use context::Networks;
pub use listen::{Door, Limits, serve};
pub use openapi::document;
pub use server::About;

use crate::auth::{Credentials, Limiter, Passwords};
use crate::error::Error;
use crate::resource::Kind;
use crate::resource::keys::NAME as KEYS;
use crate::store::{Backup, Clock, Store};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use chrono::NaiveDate;
use events::Events;
use openapi::{Document, about};
use route::{Methods, all, delete, get, of, post};
use std::sync::{Arc, OnceLock};
use tower::{Layer, ServiceBuilder};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use traffic::Traffic;

/// What the handlers work with; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: Parts,
    traffic: Traffic,
    events: Events,
    /// Tables of the past.
    past: history::Kept,
    description: OnceLock<Document>,
}

/// The parts an [`App`] is put together from.
pub struct Parts {
    /// The records.
    pub store: Store,
    /// Lets people and programs in.
    pub credentials: Credentials,
    /// Counts those who failed to get in.
    pub limiter: Limiter,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Brings the records to InfluxDB.
    pub sync: crate::sync::Sync,
    /// By which terms it reads them.
    pub terms: crate::sync::Terms,
    /// Tells whether devices post.
    pub presence: crate::sync::presence::Presence,
    /// Reads what devices have measured.
    pub readings: crate::sync::readings::Readings,
    /// Tells other servers what happens.
    pub webhooks: crate::sync::webhooks::Webhooks,
    /// Brings the store to another place.
    pub backup: Backup,
    /// What hashes of requests are made with, so that nobody else can make them.
    pub salt: [u8; 32],
    /// Where the time comes from.
    pub clock: Clock,
    /// What clients are told of this server.
    pub about: About,
    /// Where clients reach us.
    pub public_url: Option<String>,
    /// Origins whose pages may call us (CORS).
    pub cors_origins: Vec<String>,
    /// Which proxies are believed, and who sees details.
    pub networks: Networks,
    /// Since when clients are told to leave `/v1`.
    pub v1_deprecated: Option<NaiveDate>,
    /// Time-outs and sizes.
    pub limits: Limits,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let traffic = Traffic::new(routes().into_iter().map(|(_, path, _)| path));
        let events = Events::new(parts.limits.event_streams);
        Self(Arc::new(Inner {
            parts,
            traffic,
            events,
            past: history::Kept::default(),
            description: OnceLock::new(),
        }))
    }

    /// Who follows the changes.
    fn events(&self) -> &Events {
        &self.0.events
    }

    /// What passes through.
    fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// Tables of the past.
    fn past(&self) -> &history::Kept {
        &self.0.past
    }

    /// What this server serves; made when it is first asked for.
    fn description(&self) -> &Document {
        self.0.description.get_or_init(|| Document::new(self.store.kinds()))
    }

    fn kind(&self, name: &str) -> Result<&Kind, Error> {
        self.store.kinds().public().find(|kind| kind.name() == name).ok_or_else(|| {
            let name: String = name.chars().take(100).collect();
            Error::NotFound(format!("there is no resource `{name}`"))
        })
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// Who gets to a route's handler at all. What they may do with which record is decided by `auth::policy`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Everybody,
    /// This machine, those of `[api] metrics_from`, and an admin's key made for that.
    Trusted,
    SignedIn,
    /// Signed in, and not with a key.
    Person,
}

/// The route of the event streams.
const EVENTS: &str = "/v2/events";

/// Every route: who gets to it, and for each method its handler and what the description of the API says of it.
fn routes() -> Vec<(Access, &'static str, Methods)> {
    use Access::{Everybody, Person, SignedIn, Trusted};
    vec![
        (Everybody, "/health/live", get(health::live, about::server::live())),
        (Everybody, "/health/ready", get(health::ready, about::server::ready())),
        (Trusted, "/metrics", get(metrics::metrics, about::server::metrics())),
        (Everybody, "/openapi.json", get(openapi::serve, about::server::openapi())),
        (Everybody, "/", get(page::page, about::server::start())),
        (Everybody, "/worker.js", get(page::worker, about::server::worker())),
        (Everybody, "/assets/{file}", get(page::asset, about::server::asset())),
        (Everybody, "/docs", get(docs::page, about::server::page())),
        (Everybody, "/docs/{*file}", get(docs::file, about::server::page_file())),
        (Everybody, "/v1/{resource}/login", post(session::login_v1, about::v1::login)),
        (SignedIn, "/v1/{resource}", get(v1::list, about::v1::list)),
        (SignedIn, "/v1/{resource}/new", post(v1::create, about::v1::create)),
        (
            SignedIn,
            "/v1/{resource}/{id}",
            get(v1::read, about::v1::read)
                .put(v1::put, about::v1::put)
                .patch(v1::patch, about::v1::patch)
                .delete(v1::delete, about::v1::delete),
        ),
        // The 2017 document writes the path one way, the code and the front end of then the other.
        (SignedIn, "/v1/sync/all/db", post(sync::all, about::v1::sync("v1_sync"))),
        (SignedIn, "/v1/sync/db/all", post(sync::all, about::v1::sync("v1_sync_db_all"))),
        (Everybody, "/v2/{resource}/login", post(session::login, about::session::login)),
        (Everybody, "/v2/refresh", post(session::refresh, about::session::refresh())),
        (Everybody, "/v2/password", post(passwords::set, about::session::set_password())),
        (Person, "/v2/{resource}/{id}/password-link", post(passwords::link, about::session::password_link)),
        (Everybody, "/v2/logout", post(session::logout, about::session::logout())),
        (Person, "/v2/logout-all", post(session::logout_all, about::session::logout_all())),
        (Person, "/v2/sessions", get(session::list, about::session::list())),
        (Person, "/v2/sessions/{id}", delete(session::end, about::session::end())),
        (
            Person,
            "/v2/keys",
            get(keys::list, of(KEYS, about::keys::list)).post(keys::create, of(KEYS, about::keys::create)),
        ),
        (
            Person,
            "/v2/keys/{id}",
            get(keys::read, of(KEYS, about::keys::read)).delete(keys::delete, of(KEYS, about::keys::delete)),
        ),
        (SignedIn, "/v2/me", get(session::me, about::session::me())),
        (SignedIn, "/v2/about", get(server::about, about::server::about())),
        (SignedIn, EVENTS, get(events::events, all(about::events::events))),
        (SignedIn, "/v2/history", get(history::of_tenant, about::history::of_tenant())),
        (SignedIn, "/v2/batch", post(batch::batch, about::v2::batch())),
        (
            SignedIn,
            "/v2/sync",
            get(sync::overview, about::sync::overview()).post(sync::run, about::sync::run()),
        ),
        (SignedIn, "/v2/sync/plan", get(sync::plan, about::sync::plan())),
        (SignedIn, "/v2/sync/orphans", delete(sync::drop_orphan, about::sync::drop_orphan())),
        (SignedIn, "/v2/webhooks", get(webhooks::overview, about::webhooks::overview())),
        (SignedIn, "/v2/webhooks/deliveries", get(webhooks::deliveries, about::webhooks::deliveries())),
        (SignedIn, "/v2/webhooks/test", post(webhooks::test, about::webhooks::test())),
        (SignedIn, "/v2/{resource}", get(v2::list, about::v2::list).post(v2::create, about::v2::create)),
        (
            SignedIn,
            "/v2/{resource}/{id}",
            get(v2::read, about::v2::read)
                .put(v2::replace, about::v2::replace)
                .patch(v2::patch, about::v2::patch)
                .delete(v2::delete, about::v2::delete),
        ),
        (SignedIn, "/v2/{resource}/import", post(bulk::import, about::bulk::import)),
        (SignedIn, "/v2/{resource}/export.csv", get(bulk::export, about::bulk::export)),
        (SignedIn, "/v2/{resource}/{id}/rotate", post(rotation::rotate, about::v2::rotate)),
        (SignedIn, "/v2/{resource}/{id}/status", get(status::of_record, about::status::of_record)),
        (SignedIn, "/v2/{resource}/{id}/series", get(series::of_record, about::status::series)),
        (SignedIn, "/v2/{resource}/{id}/history", get(history::of_record, about::history::of_record)),
        (SignedIn, "/v2/{resource}/{id}/restore", post(history::restore, about::history::restore)),
    ]
}

/// The whole interface as one service. From outside to inside: trailing slashes, what surrounds every request, CORS, foreign
/// pages, compression, who gets in, handler.
pub fn router(app: App) -> NormalizePath<Router> {
    let mut router = Router::new();
    for (access, path, methods) in routes() {
        let (methods, _) = methods.into_parts();
        // Before the body is read.
        let methods = match access {
            Access::Everybody => methods,
            Access::Trusted => methods.route_layer(from_fn_with_state(app.clone(), context::only_trusted)),
            Access::SignedIn => methods.route_layer(from_fn_with_state(app.clone(), context::authenticate)),
            Access::Person => methods.route_layer(from_fn_with_state(app.clone(), context::only_people)),
        };
        // What never ends is not compressed; and room for a compressor is more than all else a stream takes.
        let methods = if path == EVENTS { methods } else { methods.layer(compression()) };
        router = router.route(path, methods);
    }
    // As one layer: what each layer of the router has inside is copied for every request.
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), context::surround))
        .layer(cors(&app.cors_origins))
        .layer(from_fn_with_state(foreign::Guard::new(app.clone()), foreign::refuse));
    let router = router
        .fallback(reply::unknown_path)
        .method_not_allowed_fallback(reply::unknown_method)
        .layer(around)
        .with_state(app);
    NormalizePathLayer::trim_trailing_slash().layer(router)
}

/// For clients that ask for it, and answers that are worth it; level 4 of both takes little more time than none.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(4))
        .compress_when(SizeAbove::new(1024).and(NotForContentType::SSE))
}

fn cors(origins: &[String]) -> CorsLayer {
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::POST, Method::PUT, Method::GET, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            HeaderName::from_static(context::REQUEST_ID),
            reply::REVISION,
            reply::NOTICE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
        ])
}
