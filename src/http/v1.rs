//! `/v1`: the calls of the clients of 2017.

use super::App;
use super::body::{Parameters, refuse_query};
use super::context::Context;
use super::crud::{Call, Change, Condition};
use super::once::Done;
use super::path::Path;
use super::reply::{self, Failure};
use crate::auth::Actor;
use crate::error::Error;
use crate::resource::{Entry, Kind, MASK};
use crate::store::{Dependents, Record, Snapshot};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

pub async fn list(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
) -> Answer {
    // A long table takes its time: not on a thread that serves others.
    let list = move || -> Answer {
        let entries = call(&app, &actor, &context, &resource).list()?;
        let entries = entries.into_iter().map(|(uuid, entry)| (uuid.to_string(), entry.into()));
        Ok(reply::v1(Value::Object(entries.collect())))
    };
    tokio::task::spawn_blocking(list).await.map_err(|e| Error::internal("listing", e))?
}

pub async fn read(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
) -> Answer {
    let call = call(&app, &actor, &context, &resource);
    app.kind(&resource)?;
    let uuid = parse_id(&id)?;
    Ok(one(uuid, call.read(uuid)?))
}

pub async fn create(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    parameters: Parameters,
) -> Answer {
    let mut input = parameters.data()?;
    forget_what_v1_does_not_know(app.kind(&resource)?, &mut input);
    let call = call(&app, &actor, &context, &resource);
    let made = call.create(call.read_new(&input)?, None, |_, _| ()).await?;
    let Done::Now(entry) = made.value else {
        return Err(Error::Internal("nothing was claimed".into()).into());
    };
    Ok(reply::written(made.revision, reply::v1(json!({"uuid": entry["uuid"]}))))
}

pub async fn put(
    state: State<App>,
    actor: Extension<Arc<Actor>>,
    context: Extension<Context>,
    path: Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let rule = |named| {
        if named < 2 { Err("needs at least two fields of the resource; PATCH changes one") } else { Ok(()) }
    };
    update(state, actor, context, path, parameters, rule).await
}

pub async fn patch(
    state: State<App>,
    actor: Extension<Arc<Actor>>,
    context: Extension<Context>,
    path: Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let rule = |named| {
        if named == 1 { Ok(()) } else { Err("needs exactly one field of the resource; PUT changes several") }
    };
    update(state, actor, context, path, parameters, rule).await
}

async fn update(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    parameters: Parameters,
    rule: impl Fn(usize) -> Result<(), &'static str>,
) -> Answer {
    let call = call(&app, &actor, &context, &resource);
    app.kind(&resource)?;
    let uuid = parse_id(&id)?;
    let mut input = parameters.data()?;
    forget_what_v1_does_not_know(app.kind(&resource)?, &mut input);
    let patch = call.read_patch(&input)?;
    rule(patch.named).map_err(|reason| Error::invalid("data", "fields", reason))?;
    let changed = call.update(uuid, Change::Patch(patch), Condition::None).await?;
    Ok(reply::written(changed.revision, one(uuid, changed.value)))
}

pub async fn delete(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    refuse_query(query.as_deref())?;
    app.kind(&resource)?;
    let uuid = parse_id(&id)?;
    let dependents = dependents(query.as_deref())?;
    let deleted = call(&app, &actor, &context, &resource).delete(uuid, dependents, Condition::None).await?;
    Ok(reply::written(deleted.revision, one(uuid, deleted.value)))
}

fn call<'a>(app: &'a App, actor: &'a Actor, context: &'a Context, resource: &'a str) -> Call<'a, Entry> {
    Call { app, actor, context, resource, view }
}

/// An entry as the clients of 2017 know it: secrets masked, so that the keys stay; lists of who refers to it; nothing
/// that has come since.
fn view(tables: &Snapshot, kind: &Kind, record: &Record, secrets: bool) -> Entry {
    let mut entry = record.entry();
    tables.add_back_references(kind, record.uuid(), &mut entry);
    kind.redact(&mut entry, secrets, Some(MASK));
    forget_what_v1_does_not_know(kind, &mut entry);
    entry
}

fn forget_what_v1_does_not_know(kind: &Kind, entry: &mut Entry) {
    for name in &kind.definition().not_on_v1 {
        entry.remove(name);
    }
}

fn one(uuid: Uuid, entry: Entry) -> Response {
    reply::v1(json!({uuid.to_string(): entry}))
}

fn parse_id(id: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(id).map_err(|_| Error::invalid("id", "uuid", "must be a UUID"))
}

fn dependents(query: Option<&str>) -> Result<Dependents, Error> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.find(|(name, _)| name == "dependents").as_ref().map(|(_, value)| value.as_ref()) {
        None => Ok(Dependents::AsDeclared),
        Some("release") => Ok(Dependents::Release),
        Some("delete") => Ok(Dependents::Delete),
        Some(_) => Err(Error::invalid("dependents", "enum", "must be one of: release, delete")),
    }
}
