//! The past: what a record was, who changed what, and how it comes back. Secrets never appear in it.

use super::App;
use super::body::{Json, inputs};
use super::condition;
use super::context::Context;
use super::once::IdempotencyKey;
use super::path::Path;
use super::query::Query;
use super::reply::Failure;
use super::v2;
use crate::auth::Actor;
use crate::auth::policy::{self, On, Subject, Verb};
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, field, remove_field};
use crate::store::{JournalError, Moment, Mutation, Revision, Snapshot, Version};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

/// Mutations that one request looks at; the page is then shorter, and its cursor leads further.
const LOOKED_AT: usize = 20_000;

/// Records of one mutation that are shown: an import touches all there are.
const RECORDS_SHOWN: usize = 100;

/// How long tables of the past are kept for the next page.
const TABLES_KEPT: Duration = Duration::from_secs(60);

/// What `POST /v2/{resource}/{id}/restore` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The revision that the record is to be as at.
    #[schemars(length(min = 4, max = 40), regex(pattern = "^[0-9a-f]+$"))]
    revision: String,
}

inputs!(Restore);

/// `GET /v2/{resource}/{id}/history`
pub async fn of_record(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let kind = app.kind(&resource)?;
    let mut parameters = Query::new(query.as_deref())?;
    let limit = parameters.limit()?;
    let after = parameters.take("after").map(Revision);
    parameters.end()?;
    policy::may(&actor, Verb::Read, kind)?;
    let uuid = v2::uuid(kind, &id)?;
    reading(move || {
        let kind = app.kind(&resource)?;
        // One more, which the last one is compared with.
        let versions =
            app.store.versions(kind, uuid, after.as_ref(), limit + 1).map_err(|e| past(e, "after"))?;
        let tables = app.store.read();
        if versions.is_empty() && after.is_none() {
            return Err(tables.find(kind, uuid).err().unwrap_or_else(|| gone(kind, uuid)).into());
        }
        let mut items = Vec::new();
        for (number, version) in versions.iter().enumerate().take(limit) {
            let entries =
                [versions.get(number + 1).and_then(|before| before.entry.as_ref()), version.entry.as_ref()];
            if let Some(change) = change(&tables, &actor, kind, uuid, entries) {
                let mut item = about(version);
                merge(&mut item, change);
                items.push(item);
            }
        }
        if items.is_empty() && after.is_none() {
            // All of it belonged to others.
            return Err(policy::refusal(&actor, Verb::Read, kind).into());
        }
        let next = versions.get(limit).and_then(|_| versions.get(limit - 1));
        Ok(v2::page(items, next.map(|version| version.revision.to_string())))
    })
    .await
}

/// Which mutations of the tenant's history are wanted.
struct Wanted {
    actor: Option<String>,
    resource: Option<String>,
    uuid: Option<Uuid>,
    action: Option<String>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// `GET /v2/history`
pub async fn of_tenant(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let mut parameters = Query::new(query.as_deref())?;
    let limit = parameters.limit()?;
    let after = parameters.take("after").map(Revision);
    let wanted = Wanted {
        actor: parameters.take("actor"),
        resource: parameters.take("resource"),
        uuid: parameters.uuid("uuid")?,
        action: parameters.one_of("action", &["create", "update", "delete"])?,
        since: parameters.time("since")?,
        until: parameters.time("until")?,
    };
    parameters.end()?;
    if let Some(resource) = &wanted.resource {
        app.kind(resource)?;
    }
    reading(move || {
        let tables = app.store.read();
        let mut items = Vec::new();
        let (mut looked_at, mut last, mut more) = (0, None, false);
        let looked = app.store.look_back(after.as_ref(), |mut mutation| {
            let version = mutation.version();
            if wanted.since.is_some_and(|since| version.time < since) {
                return Ok(ControlFlow::Break(()));
            }
            if items.len() == limit || looked_at == LOOKED_AT {
                more = true;
                return Ok(ControlFlow::Break(()));
            }
            looked_at += 1;
            last = Some(version.revision.to_string());
            let by_head = wanted.until.is_none_or(|until| version.time <= until)
                && wanted.actor.as_ref().is_none_or(|actor| version.actor == *actor);
            if by_head {
                items.extend(shown(&tables, &actor, &wanted, &mut mutation)?);
            }
            Ok(ControlFlow::Continue(()))
        });
        looked.map_err(|e| past(e, "after"))?;
        Ok(v2::page(items, last.filter(|_| more)))
    })
    .await
}

/// A mutation as far as the actor may see it, and it is wanted.
fn shown(
    tables: &Snapshot,
    actor: &Actor,
    wanted: &Wanted,
    mutation: &mut Mutation<'_>,
) -> Result<Option<Value>, JournalError> {
    let records = mutation.records()?;
    let total = records.len();
    let (mut changes, mut left) = (Vec::new(), RECORDS_SHOWN);
    for (resource, uuid) in records {
        let Some(kind) = tables.kinds().get(&resource) else { continue };
        let is_wanted = wanted.resource.as_ref().is_none_or(|wanted| *wanted == resource)
            && wanted.uuid.is_none_or(|wanted| wanted == uuid);
        if !is_wanted || !may_concern(tables, actor, kind, uuid) {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        let [before, after] = mutation.entries(kind, uuid)?;
        let Some(change) = change(tables, actor, kind, uuid, [before.as_ref(), after.as_ref()]) else {
            continue;
        };
        if wanted.action.as_ref().is_none_or(|action| change["action"] == *action) {
            changes.push(change);
        }
    }
    let all_is_seen = tables.kinds().public().all(|kind| sees_all(actor, kind));
    let any = wanted.resource.is_none() && wanted.uuid.is_none() && wanted.action.is_none();
    if changes.is_empty() && !(any && all_is_seen) {
        return Ok(None);
    }
    let mut item = about(&mutation.version());
    item["changes"] = changes.into();
    if all_is_seen {
        item["summary"] = mutation.version().summary.into();
        item["records"] = total.into();
    }
    Ok(Some(item))
}

fn sees_all(actor: &Actor, kind: &Kind) -> bool {
    policy::sight(actor, kind).is_ok_and(|sight| sight.records == On::All)
}

/// Whether it is worth reading what a record was: somebody who sees only its own sees the past of what is its own now.
fn may_concern(tables: &Snapshot, actor: &Actor, kind: &Kind, uuid: Uuid) -> bool {
    match policy::sight(actor, kind) {
        Err(_) => false,
        Ok(sight) if sight.records == On::All => true,
        Ok(_) => tables.get(kind, uuid).is_none_or(|record| {
            let subject = Subject::of(tables, kind, record);
            policy::may_read(actor, kind, &subject).is_ok()
        }),
    }
}

/// What became of a record, as far as the actor may see it: as a JSON Patch (RFC 6902), and the names of the secrets that
/// have changed. None where there is nothing to be seen.
fn change(
    tables: &Snapshot,
    actor: &Actor,
    kind: &Kind,
    uuid: Uuid,
    entries: [Option<&Entry>; 2],
) -> Option<Value> {
    let sees = |entry: &&Entry| policy::may_read(actor, kind, &Subject::new(tables, kind, entry)).is_ok();
    // What belonged to somebody else before, or after, is for this reader as if it had not been.
    let [before, after] = entries.map(|entry| entry.filter(sees));
    let open = |entry: &Entry| {
        let mut open = entry.clone();
        kind.hidden(false).iter().for_each(|path| remove_field(&mut open, path));
        Value::Object(open)
    };
    let (action, patch) = match (before, after) {
        (None, None) => return None,
        (None, Some(after)) => ("create", json!([{"op": "add", "path": "", "value": open(after)}])),
        (Some(_), None) => ("delete", json!([{"op": "remove", "path": ""}])),
        (Some(before), Some(after)) => {
            let patch = json_patch::diff(&open(before), &open(after));
            ("update", serde_json::to_value(patch).unwrap_or_default())
        }
    };
    let mut change = json!({"resource": kind.name(), "uuid": uuid, "action": action, "patch": patch});
    if let (Some(before), Some(after)) = (before, after) {
        let secrets: BTreeSet<_> =
            kind.secrets().filter(|path| field(before, path) != field(after, path)).collect();
        change["secrets"] = json!(secrets);
    }
    Some(change)
}

fn about(version: &Version) -> Value {
    // The name for people; where they are reached is in the record of the actor, for those who may read that.
    let author = version.author.rsplit_once(" <").map_or(version.author.as_str(), |(name, _)| name);
    json!({
        "revision": version.revision.0,
        "time": version.time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "actor": version.actor,
        "author": author,
        "request_id": version.request_id,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

/// `POST /v2/{resource}/{id}/restore`
pub async fn restore(
    State(app): State<App>,
    (Extension(actor), Extension(context)): (Extension<Arc<Actor>>, Extension<Context>),
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    key: IdempotencyKey,
    Json(input): Json<Restore>,
) -> Answer {
    let kind = app.kind(&resource)?;
    Query::new(query.as_deref())?.end()?;
    let condition = condition::given(&headers)?;
    policy::may(&actor, Verb::Update, kind)?;
    let uuid = v2::uuid(kind, &id)?;
    let claim = key.claim(&app, &actor, &("restore", kind.name(), uuid, &input.revision))?;
    let moment = Moment::Revision(input.revision);
    let entry = entry_at(&app, kind, uuid, moment, "revision").await?;
    let call = v2::call(&app, &actor, &context, &resource);
    let restored = call.restore(uuid, entry, condition, claim, v2::Kept::of).await?;
    v2::answer(&app, &actor, kind, StatusCode::OK, restored).await
}

/// `GET /v2/{resource}/{id}?at=`
pub async fn record_at(
    app: &App,
    actor: &Actor,
    kind: &Kind,
    uuid: Uuid,
    at: &str,
) -> Result<Entry, Failure> {
    policy::may(actor, Verb::Read, kind)?;
    let entry = entry_at(app, kind, uuid, moment(at), "at").await?;
    policy::may_read(actor, kind, &Subject::new(&app.store.read(), kind, &entry))?;
    Ok(entry)
}

async fn entry_at(
    app: &App,
    kind: &Kind,
    uuid: Uuid,
    moment: Moment,
    parameter: &'static str,
) -> Result<Entry, Failure> {
    let (store, index) = (app.store.clone(), kind.index());
    let entry = reading(move || {
        let kind = store.kinds().at(index);
        store.record_at(kind, uuid, &moment).map_err(|e| past(e, parameter).into())
    });
    entry.await?.ok_or_else(|| gone(kind, uuid).into())
}

/// `GET /v2/{resource}?at=`: the tables of then, which are read whole, by one request at a time.
pub async fn tables_at(app: &App, at: &str) -> Result<Arc<Snapshot>, Failure> {
    let moment = moment(at);
    let store = app.store.clone();
    let revision = reading(move || store.revision_at(&moment).map_err(|e| past(e, "at").into())).await?;
    let mut kept = app.past().clone().lock_owned().await;
    if let Some(tables) = kept.as_ref().filter(|tables| *tables.revision() == revision) {
        return Ok(tables.clone());
    }
    let store = app.store.clone();
    let tables = reading(move || {
        let tables = store.at(&Moment::Revision(revision.0)).map_err(|e| past(e, "at"))?;
        Ok(Arc::new(tables))
    });
    let tables = tables.await?;
    *kept = Some(tables.clone());
    let (all_kept, this) = (app.past().clone(), Arc::downgrade(&tables));
    tokio::spawn(async move {
        tokio::time::sleep(TABLES_KEPT).await;
        let mut kept = all_kept.lock().await;
        if kept.as_ref().is_some_and(|kept| std::ptr::eq(Arc::as_ptr(kept), this.as_ptr())) {
            *kept = None;
        }
    });
    Ok(tables)
}

/// Tables of the past, kept for the next page.
pub type Kept = Arc<Mutex<Option<Arc<Snapshot>>>>;

/// A moment in a query, where a `+` that was not written as `%2B` is a space.
fn moment(text: &str) -> Moment {
    Moment::from(text.replace(' ', "+").as_str())
}

fn gone(kind: &Kind, uuid: Uuid) -> Error {
    Error::NotFound(format!("there was no entry {uuid} in {} then", kind.name()))
}

fn past(error: JournalError, parameter: &str) -> Error {
    match error {
        JournalError::NoSuchRevision(_) => {
            let message = "is neither a revision nor a time at which there was something";
            Error::Invalid(vec![Finding::new(parameter, "revision", message)])
        }
        other => Error::internal("reading the past", other),
    }
}

/// It reads the disk: not on a thread that serves others.
async fn reading<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("reading the past", e))?
}
