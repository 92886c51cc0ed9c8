//! `GET /v2/about`: what a client asks first: which server this is, and what whoever is signed in can do here.

use super::App;
use super::query::Query;
use super::reply::Failure;
use super::{health, v2};
use crate::auth::{Actor, policy};
use crate::error::Error;
use crate::resource::Kind;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the settings say of this server, for its clients.
pub struct About {
    /// The tenant's id and name.
    pub tenant: (String, String),
    /// Where devices write, as their config lines say it: host and port.
    pub influxdb: Option<(String, u16)>,
    /// Where owners find Grafana.
    pub grafana: Option<String>,
}

/// `GET /v2/about`
pub async fn about(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    Query::new(query.as_deref())?.end()?;
    Ok(v2::json(StatusCode::OK, tell(&app, &actor)?.to_string(), false))
}

/// The same, for who has just signed in.
pub fn tell(app: &App, actor: &Actor) -> Result<Value, Error> {
    let About { tenant: (id, name), influxdb, grafana } = &app.about;
    let readable =
        app.store.kinds().public().filter(|kind| policy::may(actor, policy::Verb::Read, kind).is_ok());
    let resources: Vec<_> = readable.map(|kind| abilities(actor, kind)).collect();
    let mut body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "tenant": {"id": id, "name": name},
        "influxdb": influxdb.as_ref().map(|(host, port)| json!({"host": host, "port": port})),
        "grafana": grafana.as_ref().map(|url| json!({"url": url})),
        "resources": resources,
        "sync": policy::may_sync(actor).is_ok(),
    });
    if policy::may_see_health(actor).is_ok() {
        body["health"] = health::details(app)?;
    }
    Ok(body)
}

fn abilities(actor: &Actor, kind: &Kind) -> Value {
    let may = |verb| policy::may(actor, verb, kind).is_ok();
    json!({
        "name": kind.name(),
        "create": may(policy::Verb::Create),
        "update": policy::changeable(actor, kind),
        "delete": may(policy::Verb::Delete),
    })
}
