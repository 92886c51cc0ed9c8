//! Bringing the records to the back ends: how they stand, what would be done, and doing it.

use super::App;
use super::body;
use super::context::Context;
use super::progress;
use super::query::{MAX_LIMIT, Query};
use super::reply::{self, Failure};
use super::v2;
use crate::auth::{Actor, policy};
use crate::error::Error;
use crate::sync::{BackEndResult, Orphan, Progress, Record, Report, Resource, Scope, Standing, Sync};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// The states that a record can be in.
pub const STATES: &[&str] = &["failed", "pending", "synced"];

/// `POST /v1/sync/all/db` and `/v1/sync/db/all`: a full comparison now; waits for the result.
pub async fn all(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
) -> Result<Response, Failure> {
    policy::may_sync(&actor)?;
    let report = app.sync.run(Scope::All).await?;
    Ok(reply::v1(summary(&report)))
}

/// The counts that the clients of 2017 were promised, and what an operator wants to know beside them.
fn summary(report: &Report) -> Value {
    let mut summary = json!({
        "users": report.users,
        "karanas": report.karanas,
        "failures": report.failures,
    });
    for (name, result) in &report.backends {
        summary[*name] = match result {
            BackEndResult::NotConfigured => "not configured".into(),
            BackEndResult::Synced if report.failures.is_empty() => "synced".into(),
            BackEndResult::Synced => "partly synced".into(),
            BackEndResult::Failed { reason } => format!("failed: {reason}").into(),
        };
    }
    summary
}

/// How each back end stands, for the details of readiness.
pub fn status(app: &App) -> Result<Value, Error> {
    serde_json::to_value(app.sync.status()).map_err(|e| Error::internal("writing the state of sync", e))
}

/// How many records of each resource stand how. Not for a thread that serves others: it reads all records.
pub fn counts(app: &App) -> BTreeMap<Resource, BTreeMap<&'static str, usize>> {
    let stands = Stands::read(app);
    stands.counts()
}

/// How all records stand, those that are gone and have left something included.
struct Stands {
    records: BTreeMap<Record, BTreeMap<&'static str, Standing>>,
    unpaid: BTreeMap<Record, DateTime<Utc>>,
}

impl Stands {
    fn read(app: &App) -> Self {
        let fleet = app.terms.fleet(&app.store.read());
        let mut records = app.sync.standings(&fleet);
        let leftovers = app.sync.leftovers(&fleet);
        records.extend(leftovers.into_iter().map(|record| (record, BTreeMap::new())));
        Self { records, unpaid: fleet.unpaid() }
    }

    fn counts(&self) -> BTreeMap<Resource, BTreeMap<&'static str, usize>> {
        let none = || STATES.iter().map(|state| (*state, 0)).collect::<BTreeMap<_, _>>();
        let mut counts: BTreeMap<_, _> =
            [Resource::Users, Resource::Karanas].map(|resource| (resource, none())).into();
        for (record, standings) in &self.records {
            let counts = counts.entry(record.resource).or_default();
            *counts.entry(Standing::of_all(standings).name()).or_default() += 1;
        }
        counts
    }
}

/// A record, how it stands with all back ends together, and with each.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    record: Record,
    #[serde(flatten)]
    standing: Standing,
    /// It is suspended for want of a payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpaid_since: Option<DateTime<Utc>>,
    backends: &'a BTreeMap<&'static str, Standing>,
}

/// `GET /v2/sync`
pub async fn overview(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_sync(&actor)?;
    let mut parameters = Query::new(query.as_deref())?;
    let (limit, after) = (parameters.limit()?, cursor(&mut parameters)?);
    let state = parameters.one_of("state", STATES)?;
    let resource = resource(&mut parameters)?;
    parameters.end()?;
    let backends: serde_json::Map<_, _> = app
        .sync
        .status()
        .into_iter()
        .map(|(name, status)| {
            let progress = app.sync.progress().into_iter().find(|(of, _)| *of == name);
            let mut shown = json!(status);
            // They are among the records below.
            shown.as_object_mut().map(|shown| shown.remove("failures"));
            shown["progress"] = json!(progress.map(|(_, progress)| progress.borrow().clone()));
            (name.to_owned(), shown)
        })
        .collect();
    let read = move || {
        let stands = Stands::read(&app);
        let counts = stands.counts();
        let wanted: Vec<_> = stands
            .records
            .iter()
            .map(|(record, backends)| Item {
                record: *record,
                standing: Standing::of_all(backends),
                unpaid_since: stands.unpaid.get(record).copied(),
                backends,
            })
            .filter(|item| resource.is_none_or(|resource| item.record.resource == resource))
            .filter(|item| state.as_ref().is_none_or(|state| item.standing.name() == state))
            .collect();
        let total = wanted.len();
        let mut rest = wanted.into_iter().filter(|item| after.is_none_or(|after| item.record > after));
        let items: Vec<_> = rest.by_ref().take(limit.min(MAX_LIMIT)).collect();
        let next = items.last().filter(|_| rest.next().is_some()).map(|item| item.record.to_string());
        json!({"backends": backends, "counts": counts, "items": items, "next": next, "total": total})
    };
    let body = tokio::task::spawn_blocking(read).await;
    let body = body.map_err(|e| Error::internal("reading how the records stand", e))?;
    Ok(v2::json(StatusCode::OK, body.to_string(), false))
}

/// `GET /v2/sync/plan`
pub async fn plan(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_sync(&actor)?;
    let mut parameters = Query::new(query.as_deref())?;
    let scope = scope(&mut parameters)?;
    parameters.end()?;
    let outlook = app.sync.plan(scope).await?;
    let (drift, actions): (Vec<_>, Vec<_>) = outlook.steps.into_iter().partition(|step| step.drift);
    let body = json!({"actions": actions, "drift": drift, "orphans": outlook.orphans});
    Ok(v2::json(StatusCode::OK, body.to_string(), false))
}

/// `POST /v2/sync`: waits for the result; or tells how far it is, to those who accept events.
pub async fn run(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    policy::may_sync(&actor)?;
    body::refuse(&headers)?;
    let mut parameters = Query::new(query.as_deref())?;
    let scope = scope(&mut parameters)?;
    parameters.end()?;
    if progress::is_wanted(&headers) {
        return Ok(told_as_events(app.sync.clone(), scope, context.id));
    }
    let report = app.sync.run(scope).await?;
    Ok(v2::json(StatusCode::OK, shown(&report).to_string(), false))
}

fn shown(report: &Report) -> Value {
    let backends: BTreeMap<_, _> = report.backends.iter().cloned().collect();
    json!({
        "counts": {"users": report.users, "karanas": report.karanas},
        "failures": report.failures,
        "backends": backends,
        "actions_done": report.actions_done,
    })
}

/// Tells how far the back ends are until the report is there.
fn told_as_events(sync: Sync, scope: Scope, request_id: Arc<str>) -> Response {
    let progress = Arc::new(Mutex::new(sync.progress()));
    let work = async move { Ok(shown(&sync.run(scope).await?)) };
    progress::told(work, request_id, move || {
        let progress = progress.clone();
        async move {
            let (name, now) = moved(&mut progress.lock().await).await;
            json!({"backend": name, "done": now.done, "total": now.total, "item": now.item})
        }
    })
}

/// Waits until a back end has something new to tell.
async fn moved(progress: &mut [(&'static str, watch::Receiver<Progress>)]) -> (&'static str, Progress) {
    let waits = progress.iter_mut().map(|(name, progress)| {
        Box::pin(async move {
            if progress.changed().await.is_err() {
                pending::<()>().await;
            }
            (*name, progress.borrow_and_update().clone())
        })
    });
    let waits: Vec<_> = waits.collect();
    if waits.is_empty() {
        return pending().await;
    }
    futures::future::select_all(waits).await.0
}

/// `DELETE /v2/sync/orphans?backend=&kind=&name=`: drops one, with all that is in it.
pub async fn drop_orphan(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    policy::may_drop_orphans(&actor)?;
    let mut parameters = Query::new(query.as_deref())?;
    let mut required = |name: &str| {
        parameters.take(name).ok_or_else(|| Error::invalid(name, "required", "is missing; the plan names it"))
    };
    let orphan = Orphan { backend: required("backend")?, kind: required("kind")?, name: required("name")? };
    parameters.end()?;
    app.sync.drop_orphan(orphan).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `resource` and `id`; without them all records.
fn scope(parameters: &mut Query) -> Result<Scope, Failure> {
    Ok(match (resource(parameters)?, parameters.uuid("id")?) {
        (None, None) => Scope::All,
        (Some(resource), None) => Scope::Resource(resource),
        (Some(resource), Some(uuid)) => Scope::Record(Record { resource, uuid }),
        (None, Some(_)) => {
            return Err(Error::invalid("resource", "required", "must be given together with `id`").into());
        }
    })
}

fn resource(parameters: &mut Query) -> Result<Option<Resource>, Failure> {
    let name = parameters.one_of("resource", &["users", "karanas"])?;
    Ok(name.map(|name| if name == "users" { Resource::Users } else { Resource::Karanas }))
}

/// A page begins after the record that its cursor names.
fn cursor(parameters: &mut Query) -> Result<Option<Record>, Failure> {
    let wrong = || Error::invalid("after", "cursor", "must be the `next` of a page");
    let after = parameters.take("after").map(|text| text.parse().map_err(|_| wrong()));
    Ok(after.transpose()?)
}
