//! Bringing the records to the back ends, on demand.

use super::App;
use super::reply::{self, Failure};
use crate::auth::{Actor, policy};
use crate::error::Error;
use crate::sync::{BackEnd, Report};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /v1/sync/all/db` and `/v1/sync/db/all`: a full comparison now; waits for the result.
pub async fn all(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
) -> Result<Response, Failure> {
    policy::may_sync(&actor)?;
    let report = app.sync.run().await?;
    Ok(reply::v1(summary(&report)))
}

/// The counts that the clients of 2017 were promised, and what an operator wants to know beside them.
fn summary(report: &Report) -> Value {
    let influxdb = match report.influxdb {
        BackEnd::NotConfigured => "not configured",
        BackEnd::Synced if report.failures.is_empty() => "synced",
        BackEnd::Synced => "partly synced",
    };
    json!({
        "users": report.users,
        "karanas": report.karanas,
        "failures": report.failures,
        "influxdb": influxdb,
        "grafana": "not configured",
    })
}

/// How sync stands, for the details of readiness.
pub fn status(app: &App) -> Result<Value, Error> {
    serde_json::to_value(app.sync.status()).map_err(|e| Error::internal("writing the state of sync", e))
}
