//! `/v2/keys`: what programs sign in with.

use super::App;
use super::body::{Json, inputs};
use super::context::Context;
use super::path::Path;
use super::query::{self, Query};
use super::reply::{self, Failure};
use crate::auth::policy::{self, On, Subject, Verb};
use crate::auth::{Actor, SCOPE_PATTERN, Scopes, keys};
use crate::error::{Error, Finding};
use crate::resource::{Key, Kind};
use crate::store::{Dependents, Record, Snapshot};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

/// Keys that one user has at most.
const OF_ONE_USER: usize = 100;

/// What makes a key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people.
    #[schemars(length(min = 1, max = 128), extend("format" = "line"))]
    name: String,
    /// What it is for: `karanas:read:own`, `*:*:all`, `sync`, `metrics`.
    #[schemars(length(min = 1, max = 100), inner(regex(pattern = SCOPE_PATTERN)))]
    scopes: Vec<String>,
    /// When it ends.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    expires_at: Option<String>,
}

inputs!(NewKey);

/// `POST /v2/keys`: the answer is the only one that shows the key.
pub async fn create(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    RawQuery(query): RawQuery,
    Json(new): Json<NewKey>,
) -> Answer {
    Query::new(query.as_deref())?.end()?;
    let kind = kind(&app)?;
    let now = (app.clock)();
    let expires_at = expiry(new.expires_at.as_deref(), now)?;
    check_scopes(&app, &new.scopes)?;
    let wish = keys::Wish { name: new.name, owner: actor.uuid, scopes: new.scopes, expires_at };
    let (key, text) = keys::make(wish, now);
    let entry = match serde_json::to_value(&key) {
        Ok(Value::Object(entry)) => entry,
        other => return Err(Error::Internal(format!("a key is written as {other:?}")).into()),
    };
    let (kinds, index) = (app.store.kinds().clone(), kind.index());
    let written = app.store.write(context.author(&actor), move |transaction| {
        let kind = kinds.at(index);
        actor.still_stands(transaction.tables())?;
        let tables = transaction.tables();
        policy::may_create(&actor, kind, &Subject::new(tables, kind, &entry))?;
        if tables.referrers(actor.uuid).filter(|one| one.kind.index() == index).count() >= OF_ONE_USER {
            let message = format!("there are {OF_ONE_USER} keys of this user, and no more; delete one first");
            return Err(Error::conflict("", "too_many", message));
        }
        transaction.insert(kind, &entry)
    });
    let revision = written.await?.revision;
    let mut shown = shown(&app, &key);
    shown["key"] = text.into();
    let mut answer = (StatusCode::CREATED, axum::Json(shown)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/v2/keys/{}", key.uuid)) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(reply::written(revision, answer))
}

/// `GET /v2/keys`: one's own; an admin's, all. Pages, filters and order as in other lists.
pub async fn list(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let kind = kind(&app)?;
    let sort = Query::new(query.as_deref())?.take("sort").unwrap_or_default();
    let mut parameters = Query::new(query.as_deref())?;
    let mut wanted = parameters.selection(kind)?;
    parameters.end()?;
    let tables = app.store.read();
    if policy::sight(&actor, kind)?.records != On::All {
        wanted.narrow(tables.belonging_to(kind, actor.uuid));
    }
    let page = tables.select(kind, &wanted);
    let items = page.records.iter().map(|record| Ok(shown(&app, &parse(record)?)));
    let items = items.collect::<Result<Vec<_>, Error>>()?;
    let next = page.next.map(|after| query::cursor(&sort, after)).transpose()?;
    Ok(axum::Json(json!({"items": items, "next": next, "total": page.total})).into_response())
}

/// `GET /v2/keys/{id}`
pub async fn read(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Path(id): Path<String>,
) -> Answer {
    let kind = kind(&app)?;
    let tables = app.store.read();
    let record = find(&tables, kind, &actor, &id)?;
    Ok(axum::Json(shown(&app, &parse(record)?)).into_response())
}

/// `DELETE /v2/keys/{id}`: whoever comes with it is let in no more.
pub async fn delete(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Answer {
    let (kinds, index) = (app.store.kinds().clone(), kind(&app)?.index());
    let written = app.store.write(context.author(&actor), move |transaction| {
        let kind = kinds.at(index);
        actor.still_stands(transaction.tables())?;
        let record = find(transaction.tables(), kind, &actor, &id)?;
        let (uuid, subject) = (record.uuid(), Subject::of(transaction.tables(), kind, record));
        policy::may_delete(&actor, kind, &subject)?;
        transaction.delete(kind, uuid, Dependents::Refuse).map(|_| uuid)
    });
    let deleted = written.await?;
    app.credentials.key_uses.forget(deleted.value);
    Ok(reply::written(deleted.revision, StatusCode::NO_CONTENT.into_response()))
}

/// What whoever comes with a key is told of it.
pub fn about(tables: &Snapshot, uuid: Uuid) -> Result<Value, Error> {
    let kind = tables.kinds().get(crate::resource::keys::NAME);
    let key = kind.ok_or_else(|| Error::Internal("there are no keys".into()))?;
    let key = parse(tables.find(key, uuid)?)?;
    Ok(json!({
        "type": "key",
        "key": key.uuid,
        "name": key.name,
        "scopes": key.scopes,
        "expires_at": key.expires_at,
    }))
}

fn kind(app: &App) -> Result<&Kind, Error> {
    let kind = app.store.kinds().get(crate::resource::keys::NAME);
    kind.ok_or_else(|| Error::NotFound("there are no keys here".into()))
}

/// A key, if there is one that the actor may see. Of those of others it is not said that they are there.
fn find<'t>(tables: &'t Snapshot, kind: &Kind, actor: &Actor, id: &str) -> Result<&'t Record, Error> {
    policy::may(actor, Verb::Read, kind)?;
    let record = Uuid::try_parse(id).ok().and_then(|uuid| tables.get(kind, uuid));
    let may_read =
        |record: &&Record| policy::may_read(actor, kind, &Subject::of(tables, kind, record)).is_ok();
    record.filter(may_read).ok_or_else(|| Error::NotFound("there is no such key".into()))
}

fn parse(record: &Record) -> Result<Key, Error> {
    record.parse().map_err(|e| Error::internal("reading a key", e))
}

fn shown(app: &App, key: &Key) -> Value {
    json!({
        "uuid": key.uuid,
        "name": key.name,
        "owner": key.owner,
        "hint": key.hint,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "used_at": app.credentials.key_uses.last(key.uuid),
    })
}

fn expiry(text: Option<&str>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(text) = text else { return Ok(None) };
    let invalid = |rule: &str| Error::invalid("expires_at", "date-time", rule);
    let time =
        DateTime::parse_from_rfc3339(text).map_err(|_| invalid("must be a time as RFC 3339 writes it"))?;
    if time <= now { Err(invalid("must be in the future")) } else { Ok(Some(time.to_utc())) }
}

fn check_scopes(app: &App, texts: &[String]) -> Result<(), Error> {
    let scopes = Scopes::parse(texts);
    let scopes =
        scopes.ok_or_else(|| Error::invalid("scopes", "pattern", "holds one that is not understood"))?;
    let unknown = scopes.resources().find(|name| app.kind(name).is_err());
    match unknown {
        None => Ok(()),
        Some(_) => Err(Error::Invalid(vec![Finding::new(
            "scopes",
            "resource",
            "names a resource that there is not",
        )])),
    }
}
