//! Whom the server tells what happens, and what has become of it.

use super::App;
use super::query::Query;
use super::reply::Failure;
use super::v2;
use crate::auth::{Actor, policy};
use crate::error::Error;
use crate::sync::webhooks::Kind;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// `GET /v2/webhooks`
pub async fn overview(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_see_webhooks(&actor)?;
    Query::new(query.as_deref())?.end()?;
    let events: Vec<_> = app.webhooks.events().into_iter().map(Kind::name).collect();
    let body = json!({"destinations": app.webhooks.destinations(), "events": events});
    Ok(v2::json(StatusCode::OK, body.to_string(), false))
}

/// `GET /v2/webhooks/deliveries`
pub async fn deliveries(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_see_webhooks(&actor)?;
    let mut parameters = Query::new(query.as_deref())?;
    let limit = parameters.limit()?;
    parameters.end()?;
    let body = json!({"items": app.webhooks.latest(limit)});
    Ok(v2::json(StatusCode::OK, body.to_string(), false))
}

/// `POST /v2/webhooks/test`: does not wait for the deliveries.
pub async fn test(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_test_webhooks(&actor)?;
    Query::new(query.as_deref())?.end()?;
    let none = || Error::conflict("", "required", "no destination is configured: [webhooks] url");
    let id = app.webhooks.test().ok_or_else(none)?;
    Ok(v2::json(StatusCode::ACCEPTED, json!({"id": id}).to_string(), false))
}
