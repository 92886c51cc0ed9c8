//! `GET /metrics`: the state of the server in the text format of Prometheus, version 0.0.4.
//!
//! What the parts know of themselves is asked of them at each scrape: below this file nobody knows Prometheus.

mod page;
mod process;

use super::App;
use super::reply::Failure;
use crate::error::Error;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use page::{NANOSECONDS, Page};
use std::time::Duration;

/// `GET /metrics`
pub async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let mut page = Page::default();
    page.gauges("karana_build_info", "Always 1; the labels say what runs.")
        .add(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    requests(&mut page, &app);
    store(&mut page, &app);
    backup(&mut page, &app);
    sync(&mut page, &app).await?;
    presence(&mut page, &app);
    webhooks(&mut page, &app);
    process::process(&mut page);
    let text = page.text().map_err(|e| Error::internal("gathering the metrics", e))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

fn requests(page: &mut Page, app: &App) {
    let traffic = app.traffic();
    let read = traffic.read();
    let mut answered = page.counters("karana_http_requests_total", "Requests that were answered.");
    for calls in &read {
        for (status, count) in &calls.statuses {
            let status = status.to_string();
            let labels = [("method", calls.method), ("route", calls.route), ("status", status.as_str())];
            answered.add(&labels, *count as f64);
        }
    }
    let about = "From the head of a request to the beginning of its answer.";
    let mut durations = page.histograms("karana_http_request_duration_seconds", about, NANOSECONDS);
    for calls in &read {
        durations.add_histogram(&[("method", calls.method), ("route", calls.route)], &calls.durations);
    }
    let sessions = app.credentials.sessions.len() as f64;
    page.gauge("karana_sessions", "Sessions of people who have signed in.", sessions);
    let in_flight = traffic.in_flight.now() as f64;
    page.gauge("karana_http_requests_in_flight", "Requests that are being worked on.", in_flight);
    page.gauge("karana_http_connections", "Open connections.", traffic.connections.now() as f64);
    let most = app.limits.connections as f64;
    let events = app.events();
    page.gauge("karana_http_event_streams", "Open event streams.", events.readers() as f64);
    let about = "Beyond so many, event streams are refused.";
    page.gauge("karana_http_event_streams_limit", about, events.limit() as f64);
    page.gauge("karana_http_connections_limit", "Beyond so many, connections wait to be accepted.", most);
}

fn store(page: &mut Page, app: &App) {
    let mut records = page.gauges("karana_records", "Records in the store.");
    let tables = app.store.read();
    for kind in tables.kinds().iter() {
        records.add(&[("resource", kind.name())], tables.len(kind) as f64);
    }
    let takes_writes = "1 while the store takes changes, 0 after the disk has failed.";
    page.flag("karana_store_takes_writes", takes_writes, app.store.takes_writes());
    let stats = app.store.stats();
    page.counter("karana_store_commits_total", "Commits since the start.", stats.batches.sum);
    let about = "Commits that one sync brought to the disk.";
    page.histograms("karana_store_batch_size", about, 1.0).add_histogram(&[], &stats.batches);
    let about = "How long the disk took to sync the write-ahead log.";
    page.histograms("karana_store_sync_duration_seconds", about, NANOSECONDS)
        .add_histogram(&[], &stats.syncs);
    page.gauge("karana_store_queue_length", "Writes that wait for the writer.", stats.queued as f64);
    let about = "Writes that were refused because the disk was full.";
    page.counter("karana_store_full_total", about, stats.refused_when_full);
}

/// Without a remote there is only that there is none.
fn backup(page: &mut Page, app: &App) {
    let status = app.backup.status();
    page.flag("karana_backup_configured", "1 when the store is pushed to a remote.", status.is_some());
    let Some(status) = status else { return };
    page.gauge(
        "karana_backup_last_success_timestamp_seconds",
        "When the store was last pushed; 0 when that was not since the start.",
        status.pushed.as_ref().map_or(0.0, |(_, at)| at.timestamp_millis() as f64 / 1e3),
    );
    let behind: Duration = status.behind((app.clock)());
    page.gauge(
        "karana_backup_behind_seconds",
        "Age of the oldest change that the remote is not known to hold; 0 when it holds all.",
        behind.as_secs_f64(),
    );
    let about = "Pushes that have failed since the start.";
    page.counter("karana_backup_failures_total", about, status.failures);
}

/// Only with a back end that devices post to.
fn presence(page: &mut Page, app: &App) {
    let Some(stats) = app.presence.stats() else { return };
    let about = "Devices by whether they post, as of the last look.";
    let mut devices = page.gauges("karana_devices", about);
    for (connection, count) in &stats.devices {
        devices.add(&[("connection", connection.name())], *count as f64);
    }
    let about = "Looks at the devices; failed are those that did not reach InfluxDB.";
    let mut looks = page.counters("karana_presence_looks_total", about);
    looks.add(&[("outcome", "done")], stats.looks_done as f64);
    looks.add(&[("outcome", "failed")], stats.looks_failed as f64);
    page.gauge(
        "karana_presence_last_look_timestamp_seconds",
        "When the last look that reached InfluxDB ended; 0 when that was not since the start.",
        stats.last_look.map_or(0.0, |at| at.timestamp_millis() as f64 / 1e3),
    );
    let mut requests = page.counters("karana_presence_requests_total", "Requests to look at the devices.");
    for of in stats.requests.iter().filter(|of| matches!(of.kind, "ping" | "query")) {
        for (outcome, count) in &of.outcomes {
            requests.add(&[("kind", of.kind), ("outcome", outcome)], *count as f64);
        }
    }
}

/// Only with a destination.
fn webhooks(page: &mut Page, app: &App) {
    let destinations = app.webhooks.destinations();
    let about = "What has become of events for other servers.";
    let mut deliveries = page.counters("karana_webhook_deliveries_total", about);
    for one in &destinations {
        let counts = one.counts;
        for (outcome, count) in
            [("delivered", counts.delivered), ("given_up", counts.given_up), ("dropped", counts.dropped)]
        {
            deliveries.add(&[("destination", &one.id), ("outcome", outcome)], count as f64);
        }
    }
    let mut failures =
        page.counters("karana_webhook_failures_total", "Tries to deliver an event that failed.");
    for one in &destinations {
        failures.add(&[("destination", &one.id)], one.counts.failed as f64);
    }
    let mut lengths = page.gauges("karana_webhook_queue_length", "Events that wait to be delivered.");
    for one in &destinations {
        lengths.add(&[("destination", &one.id)], one.queue_length as f64);
    }
}

/// Without a back end there is only that there is none.
async fn sync(page: &mut Page, app: &App) -> Result<(), Error> {
    let stats = app.sync.stats();
    page.flag("karana_sync_configured", "1 when there is a back end to sync with.", !stats.is_empty());
    if stats.is_empty() {
        return Ok(());
    }
    let asker = app.clone();
    let counts = tokio::task::spawn_blocking(move || super::sync::counts(&asker)).await;
    let about = "Records by how far the back ends hold what they ask for.";
    let mut records = page.gauges("karana_sync_records", about);
    for (resource, of) in counts.map_err(|e| Error::internal("counting the records", e))? {
        for (state, count) in of {
            records.add(&[("resource", &resource.to_string()), ("state", state)], count as f64);
        }
    }
    let mut rounds =
        page.counters("karana_sync_rounds_total", "Rounds; failed are those that could not look.");
    for (name, stats) in &stats {
        rounds.add(&[("backend", name), ("outcome", "done")], stats.rounds_done as f64);
        rounds.add(&[("backend", name), ("outcome", "failed")], stats.rounds_failed as f64);
    }
    let about = "When the last round that could look ended; 0 when that was not since the start.";
    let mut last_rounds = page.gauges("karana_sync_last_round_timestamp_seconds", about);
    for (name, status) in app.sync.status().iter().filter(|(_, status)| status.is_configured()) {
        let at = status.last_round.map_or(0.0, |at| at.timestamp_millis() as f64 / 1e3);
        last_rounds.add(&[("backend", name)], at);
    }
    let mut actions = page.counters("karana_sync_actions_total", "Changes that were made to back ends.");
    for (name, stats) in &stats {
        actions.add(&[("backend", name)], stats.actions as f64);
    }
    let mut requests = page.counters("karana_backend_requests_total", "Requests to back ends.");
    for (name, of) in stats.iter().flat_map(|(name, stats)| stats.requests.iter().map(move |of| (name, of))) {
        for (outcome, count) in &of.outcomes {
            requests.add(&[("backend", name), ("kind", of.kind), ("outcome", outcome)], *count as f64);
        }
    }
    let about = "How long back ends took to answer, or not to.";
    let mut durations = page.histograms("karana_backend_request_duration_seconds", about, NANOSECONDS);
    for (name, of) in stats.iter().flat_map(|(name, stats)| stats.requests.iter().map(move |of| (name, of))) {
        durations.add_histogram(&[("backend", name), ("kind", of.kind)], &of.durations);
    }
    Ok(())
}
