//! Live state: what is known of a record beside its fields. It is no part of the record: neither of its entity tag nor of its
//! history.

use super::App;
use super::context::Context;
use super::path::Path;
use super::query::Query;
use super::reply::Failure;
use super::v2;
use crate::auth::Actor;
use crate::error::Error;
use crate::resource::Kind;
use crate::sync::Resource;
use crate::sync::presence::{Connection, Presence, Seen};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What is known of one record. What a resource has no state of is left out.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// Whether it posts.
    #[serde(flatten)]
    pub connection: Option<Seen>,
}

/// The state of many records at one moment.
pub struct Statuses {
    devices: Option<Arc<HashMap<Uuid, Seen>>>,
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
    /// Of the records of a resource, now.
    pub fn of(app: &App, kind: &Kind) -> Self {
        Self { devices: is_about_devices(kind).then(|| app.presence.all()) }
    }

    /// Of one record.
    pub fn status(&self, uuid: Uuid) -> Status {
        let connection = self.devices.as_ref().map(|devices| devices.get(&uuid).cloned().unwrap_or_default());
        Status { connection }
    }

    /// How one device stands.
    pub fn connection(&self, uuid: Uuid) -> Connection {
        let seen = self.devices.as_ref().and_then(|devices| devices.get(&uuid));
        seen.map_or(Connection::Unknown, |seen| seen.connection)
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
    Ok(v2::json(StatusCode::OK, text(&Statuses::of(&app, kind).status(uuid))?, false))
}

fn text(status: &Status) -> Result<String, Error> {
    serde_json::to_string(status).map_err(|e| Error::internal("writing a status", e))
}
