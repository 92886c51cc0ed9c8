//! Live state: what is known of a record beside its fields. It is no part of the record: neither of its entity tag nor of its
//! history.

use super::App;
use super::context::Context;
use super::path::Path;
use super::query::Query;
use super::reply::Failure;
use super::v2;
use crate::auth::{Actor, policy};
use crate::error::Error;
use crate::resource::Kind;
use crate::sync::handover;
use crate::sync::presence::{Connection, Presence, Seen};
use crate::sync::{Record, Resource, Standing};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// What is known of one record. What a resource has no state of is left out.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// Whether it posts.
    #[serde(flatten)]
    pub connection: Option<Seen>,
    /// How far its handover is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<handover::Shown>,
    /// How it stands with the back ends.
    pub sync: Option<Sync>,
}

/// How a record stands with the back ends: with all of them together, and with each. Why something failed is for those who
/// may sync.
#[derive(Debug, Serialize)]
pub struct Sync {
    #[serde(flatten)]
    all: Shown,
    /// It is suspended for want of a payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpaid_since: Option<DateTime<Utc>>,
    backends: BTreeMap<&'static str, Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<DateTime<Utc>>,
}

impl Shown {
    fn of(standing: Standing, with_reason: bool) -> Self {
        let state = standing.name();
        match standing {
            Standing::Pending => Self { state, at: None, reason: None, next_try: None },
            Standing::Synced { at } => Self { state, at, reason: None, next_try: None },
            Standing::Failed { reason, next_try } => {
                Self { state, at: None, reason: with_reason.then_some(reason), next_try: Some(next_try) }
            }
        }
    }
}

/// The state of many records at one moment.
pub struct Statuses {
    devices: Option<Arc<HashMap<Uuid, Seen>>>,
    /// None when there is no back end.
    standings: Option<HashMap<Uuid, BTreeMap<&'static str, Standing>>>,
    unpaid: HashMap<Uuid, DateTime<Utc>>,
    handovers: HashMap<Uuid, handover::Shown>,
    with_reasons: bool,
}

/// Whether the records of a resource have any live state.
pub fn exists(kind: &Kind) -> bool {
    Resource::named(kind.name()).is_some()
}

/// Whether the records of a resource are devices.
pub fn is_about_devices(kind: &Kind) -> bool {
    Presence::watches(kind.name())
}

impl Statuses {
    /// Of these records of a resource, now.
    pub fn of(app: &App, actor: &Actor, kind: &Kind, records: impl Iterator<Item = Uuid>) -> Self {
        let (mut unpaid, mut handovers) = (HashMap::new(), HashMap::new());
        let standings = Resource::named(kind.name()).filter(|_| app.sync.is_configured()).map(|resource| {
            let tables = app.store.read();
            let fleet = app.terms.around(&tables, resource, records);
            if is_about_devices(kind) {
                handovers = app.terms.handovers.of(&fleet);
            }
            let of_resource = |record: &Record| record.resource == resource;
            let since = fleet.unpaid().into_iter().filter(|(record, _)| of_resource(record));
            unpaid.extend(since.map(|(record, since)| (record.uuid, since)));
            let standings = app.sync.standings(&fleet).into_iter();
            let standings = standings.filter(|(record, _)| of_resource(record));
            standings.map(|(record, standings)| (record.uuid, standings)).collect()
        });
        Self {
            devices: is_about_devices(kind).then(|| app.presence.all()),
            standings,
            unpaid,
            handovers,
            with_reasons: policy::may_sync(actor).is_ok(),
        }
    }

    /// Of one record.
    pub fn status(&self, uuid: Uuid) -> Status {
        let connection = self.devices.as_ref().map(|devices| devices.get(&uuid).cloned().unwrap_or_default());
        let sync = self.standings.as_ref().map(|standings| {
            let none = BTreeMap::new();
            let standings = standings.get(&uuid).unwrap_or(&none);
            let shown = |standing: &Standing| Shown::of(standing.clone(), self.with_reasons);
            Sync {
                all: Shown::of(Standing::of_all(standings), self.with_reasons),
                unpaid_since: self.unpaid.get(&uuid).copied(),
                backends: standings.iter().map(|(name, standing)| (*name, shown(standing))).collect(),
            }
        });
        let handover = self.handovers.get(&uuid).cloned();
        Status { connection, handover, sync }
    }

    /// Puts the state of a record into its JSON, which `shown` ends with.
    pub fn append(&self, uuid: Uuid, shown: &mut String) -> Result<(), Error> {
        let status = text(&self.status(uuid))?;
        if shown.pop() != Some('}') {
            return Err(Error::Internal("a record is shown as an object".into()));
        }
        if !shown.ends_with('{') {
            shown.push(',');
        }
        shown.push_str(&format!("\"status\":{status}}}"));
        Ok(())
    }
}

/// Those of some devices that are so connected.
pub fn connected(app: &App, wanted: Connection, devices: impl Iterator<Item = Uuid>) -> BTreeSet<Uuid> {
    let all = app.presence.all();
    let of = |uuid: &Uuid| all.get(uuid).map_or(Connection::Unknown, |seen| seen.connection);
    devices.filter(|uuid| of(uuid) == wanted).collect()
}

/// `include`, for resources whose records have any live state.
pub fn included(kind: &Kind, parameters: &mut Query) -> Result<bool, Failure> {
    if !exists(kind) {
        return Ok(false);
    }
    Ok(parameters.one_of("include", &["status"])?.is_some())
}

/// `connection`, for devices.
pub fn connection(kind: &Kind, parameters: &mut Query) -> Result<Option<Connection>, Failure> {
    if !is_about_devices(kind) {
        return Ok(None);
    }
    let wanted = parameters.one_of("connection", &Connection::ALL.map(Connection::name))?;
    Ok(wanted.and_then(|name| Connection::ALL.into_iter().find(|one| one.name() == name)))
}

/// Live state is of now.
pub fn not_of_the_past(parameter: &str) -> Error {
    Error::invalid(parameter, "at", "is of now: it does not go with `at`")
}

/// `GET /v2/{resource}/{id}/status`
pub async fn of_record(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let kind = app.kind(&resource)?;
    if !exists(kind) {
        return Err(Error::NotFound(format!("{resource} have no live state, only fields")).into());
    }
    Query::new(query.as_deref())?.end()?;
    let uuid = v2::uuid(kind, &id)?;
    // Whoever may read the record.
    v2::call(&app, &actor, &context, &resource).read(uuid)?;
    let statuses = Statuses::of(&app, &actor, kind, std::iter::once(uuid));
    Ok(v2::json(StatusCode::OK, text(&statuses.status(uuid))?, false))
}

fn text(status: &Status) -> Result<String, Error> {
    serde_json::to_string(status).map_err(|e| Error::internal("writing a status", e))
}
