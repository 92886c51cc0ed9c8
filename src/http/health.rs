//! Whether the server is alive, and whether it can do its work.

use super::App;
use super::context::{self, Context};
use super::reply::Failure;
use crate::error::Error;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

/// `GET /health/live`: the process answers.
pub async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /health/ready`: reads and writes are possible. Back ends that are away do not make it unready: devices and
/// owners are kept, and brought to them when they come back. Nor does a backup that fails.
pub async fn ready(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let status = if app.store.takes_writes() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = if context::sees_inside(&app, &context, &headers) {
        details(&app)?
    } else {
        json!({"status": word(&app)})
    };
    Ok((status, Json(body)).into_response())
}

fn word(app: &App) -> &'static str {
    if app.store.takes_writes() { "ready" } else { "not ready" }
}

/// Whether it can do its work, and why, for whoever may see the inside.
pub fn details(app: &App) -> Result<Value, Error> {
    let tables = app.store.read();
    let records: serde_json::Map<_, _> =
        tables.kinds().iter().map(|kind| (kind.name().to_owned(), tables.len(kind).into())).collect();
    Ok(json!({
        "status": word(app),
        "store": {
            "takes_writes": app.store.takes_writes(),
            "revision": tables.revision().to_string(),
            "records": records,
            "history": app.store.past(),
        },
        "sync": super::sync::status(app)?,
        "backup": backup(app),
    }))
}

/// How the backup stands.
fn backup(app: &App) -> Value {
    let Some(status) = app.backup.status() else { return "not configured".into() };
    json!({
        "remote": status.remote,
        "pushed": status.pushed.as_ref().map(|(revision, at)| json!({"revision": revision.0, "at": at})),
        "behind_since": status.behind_since,
        "behind_seconds": status.behind((app.clock)()).as_secs(),
        "error": status.failure.as_ref().map(|failure| {
            json!({"reason": failure.reason, "at": failure.at, "next_try": failure.next_try})
        }),
        "failures": status.failures,
    })
}
