//! `GET /metrics`: the state of the server in the text format of Prometheus, version 0.0.4.
//!
//! What the parts know of themselves is asked of them at each scrape, so that nothing has to be kept up to date.

use super::App;
use super::reply::Failure;
use crate::error::Error;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{Encoder, Gauge, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use std::time::Duration;

/// `GET /metrics`
pub async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let text = text(&app).map_err(|e| Error::internal("gathering the metrics", e))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

fn text(app: &App) -> prometheus::Result<Vec<u8>> {
    let registry = Registry::new_custom(Some("karana".into()), None)?;
    build(&registry)?;
    store(&registry, app)?;
    backup(&registry, app)?;
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(text)
}

fn build(registry: &Registry) -> prometheus::Result<()> {
    let about = Opts::new("build_info", "Always 1; the labels say what runs.")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    let info = IntGauge::with_opts(about)?;
    info.set(1);
    registry.register(Box::new(info))
}

fn store(registry: &Registry, app: &App) -> prometheus::Result<()> {
    let about = Opts::new("records", "Records in the store.");
    let records = IntGaugeVec::new(about, &["resource"])?;
    let tables = app.store.read();
    for kind in tables.kinds().iter() {
        let count = i64::try_from(tables.len(kind)).unwrap_or(i64::MAX);
        records.with_label_values(&[kind.name()]).set(count);
    }
    registry.register(Box::new(records))?;
    let takes_writes = "1 while the store takes changes, 0 after the disk has failed.";
    flag(registry, "store_takes_writes", takes_writes, app.store.takes_writes())
}

/// Without a remote there is only that there is none.
fn backup(registry: &Registry, app: &App) -> prometheus::Result<()> {
    let status = app.backup.status();
    flag(registry, "backup_configured", "1 when the store is pushed to a remote.", status.is_some())?;
    let Some(status) = status else { return Ok(()) };
    gauge(
        registry,
        "backup_last_success_timestamp_seconds",
        "When the store was last pushed; 0 when that was not since the start.",
        status.pushed.as_ref().map_or(0.0, |(_, at)| at.timestamp_millis() as f64 / 1e3),
    )?;
    let behind: Duration = status.behind((app.clock)());
    gauge(
        registry,
        "backup_behind_seconds",
        "Age of the oldest change that the remote is not known to hold; 0 when it holds all.",
        behind.as_secs_f64(),
    )?;
    let failures = IntCounter::new("backup_failures_total", "Pushes that have failed since the start.")?;
    failures.inc_by(status.failures);
    registry.register(Box::new(failures))
}

fn gauge(registry: &Registry, name: &str, about: &str, value: f64) -> prometheus::Result<()> {
    let gauge = Gauge::new(name, about)?;
    gauge.set(value);
    registry.register(Box::new(gauge))
}

fn flag(registry: &Registry, name: &str, about: &str, value: bool) -> prometheus::Result<()> {
    gauge(registry, name, about, if value { 1.0 } else { 0.0 })
}
