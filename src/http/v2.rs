//! `/v2`: plain JSON, entity tags, problem details.

use super::App;
use super::body::Object;
use super::condition;
use super::context::Context;
use super::crud::{self, Call, Change, Condition};
use super::handover;
use super::history;
use super::once::{self, Done, IdempotencyKey};
use super::path::Path;
use super::query::{self, Query};
use super::reply::{self, Failure};
use super::status::{self, Statuses};
use crate::auth::Actor;
use crate::auth::policy::{self, Subject};
use crate::error::Error;
use crate::resource::{Draft, Kind};
use crate::store::{Record, Revision, Shown, Snapshot, Transaction, Written};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

/// A record, and whether its secrets are for this reader.
pub struct Seen {
    record: Record,
    secrets: bool,
}

/// `GET /v2/{resource}`
pub async fn list(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let kind = app.kind(&resource)?;
    let mut parameters = Query::new(query.as_deref())?;
    let mut wanted = parameters.selection(kind)?;
    let fields = parameters.fields(kind)?;
    let at = parameters.take("at");
    let include = status::included(kind, &mut parameters)?;
    let connection = status::connection(kind, &mut parameters)?;
    parameters.end()?;
    let live = [(include, "include"), (connection.is_some(), "connection")];
    let live = live.into_iter().find_map(|(asked, name)| asked.then_some(name));
    if let (Some(_), Some(parameter)) = (&at, live) {
        return Err(status::not_of_the_past(parameter).into());
    }
    let tables = match &at {
        None => app.store.read(),
        Some(at) => history::tables_at(&app, at).await?,
    };
    // Whoever has the page of this revision has this page; but what is live changes without a revision.
    let tag = tables.revision().to_string();
    if live.is_none() && condition::is_known(&headers, &tag)? {
        return Ok(not_modified(&tag, Tag::Weak));
    }
    let sort = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "sort")
        .map(|(_, sort)| sort.into_owned())
        .unwrap_or_default();
    wanted.look_up(&tables, kind);
    let scans = wanted.scans() || connection.is_some();
    let list = move || -> Answer {
        let kind = app.kind(&resource)?;
        if let Some(connection) = connection {
            wanted.narrow(status::connected(&app, connection, tables.records(kind).map(Record::uuid)));
        }
        let (page, mut seen) = call(&app, &actor, &context, &resource).page(&tables, wanted)?;
        let shown = page.records.iter().map(Record::uuid);
        let statuses = include.then(|| Statuses::of(&app, &actor, kind, shown));
        if at.is_some() {
            seen.iter_mut().for_each(|seen| seen.secrets = false);
        }
        let mut body = String::with_capacity(64 + seen.len() * 512);
        body.push_str("{\"items\":[");
        for (number, seen) in seen.iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            seen.show(kind, fields.as_deref(), &mut body);
            if let Some(statuses) = &statuses {
                statuses.append(seen.record.uuid(), &mut body)?;
            }
        }
        let next = Value::from(page.next.map(|after| query::cursor(&sort, after)).transpose()?);
        body.push_str(&format!("],\"next\":{next},\"total\":{}}}", page.total));
        let mut answer = json(StatusCode::OK, body, seen.iter().any(|seen| seen.shows_secrets(kind)));
        if live.is_none() {
            set_tag(&mut answer, &tag, Tag::Weak);
        }
        Ok(answer)
    };
    if !scans {
        return list();
    }
    // A long table takes its time: not on a thread that serves others.
    tokio::task::spawn_blocking(list).await.map_err(|e| Error::internal("listing", e))?
}

/// `GET /v2/{resource}/{id}`
pub async fn read(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let kind = app.kind(&resource)?;
    let mut parameters = Query::new(query.as_deref())?;
    let fields = parameters.fields(kind)?;
    let at = parameters.take("at");
    let include = status::included(kind, &mut parameters)?;
    parameters.end()?;
    if let Some(at) = at {
        if include {
            return Err(status::not_of_the_past("include").into());
        }
        let uuid = uuid(kind, &id)?;
        let entry = history::record_at(&app, &actor, kind, uuid, &at).await?;
        let mut body = String::new();
        Shown { hidden: kind.hidden(false), only: fields.as_deref() }.part_of(&entry, &mut body);
        return Ok(json(StatusCode::OK, body, false));
    }
    let view = |tables: &Snapshot, kind: &Kind, record: &Record, secrets| {
        // So that it is worked out once for the record in the tables, and not for each copy.
        record.content_id(kind);
        view(tables, kind, record, secrets)
    };
    let call = Call { view, ..call(&app, &actor, &context, &resource) };
    let seen = call.read(uuid(kind, &id)?)?;
    let tag = seen.record.content_id(kind);
    if include {
        // The tag is the record's: that it has not changed says nothing of its state.
        let mut body = String::with_capacity(1024);
        seen.show(kind, fields.as_deref(), &mut body);
        let uuid = seen.record.uuid();
        Statuses::of(&app, &actor, kind, std::iter::once(uuid)).append(uuid, &mut body)?;
        let mut answer = json(StatusCode::OK, body, seen.shows_secrets(kind));
        set_tag(&mut answer, tag, Tag::Strong);
        return Ok(answer);
    }
    if condition::is_known(&headers, tag)? {
        return Ok(not_modified(tag, Tag::Strong));
    }
    Ok(seen.answer(StatusCode::OK, kind, fields.as_deref()))
}

/// `POST /v2/{resource}`
pub async fn create(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    RawQuery(query): RawQuery,
    key: IdempotencyKey,
    Object(input): Object,
) -> Answer {
    let kind = app.kind(&resource)?;
    Query::new(query.as_deref())?.end()?;
    let call = call(&app, &actor, &context, &resource);
    let claim = key.claim(&app, &actor, &("create", kind.name(), &input))?;
    let made = call.create(call.read_new_draft(&input)?, claim, Kept::of).await?;
    answer(&app, &actor, kind, StatusCode::CREATED, made).await
}

/// The answer to a request that may have been done before. What was created has a place.
pub async fn answer(
    app: &App,
    actor: &Actor,
    kind: &Kind,
    status: StatusCode,
    written: Written<Done<Seen>>,
) -> Answer {
    let (uuid, mut answer) = match written.value {
        Done::Now(seen) => (seen.record.uuid(), reply::written(written.revision, seen.fresh(status, kind))),
        Done::Before(receipt) => {
            let (revision, kept) = once::settled::<Kept>(app, &receipt)?;
            let mut body = String::new();
            let secrets = kept.show(app, actor, kind, &revision, &mut body).await?;
            let mut answer = json(status, body, secrets);
            set_tag(&mut answer, &kept.etag, Tag::Strong);
            (kept.uuid, once::replayed(reply::written(revision, answer)))
        }
    };
    let location = HeaderValue::try_from(format!("/v2/{}/{uuid}", kind.name()));
    if let (StatusCode::CREATED, Ok(location)) = (status, location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// What is kept of an answer that shows a record.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub uuid: Uuid,
    pub etag: String,
}

impl Kept {
    pub fn of(kind: &Kind, seen: &Seen) -> Self {
        Self { uuid: seen.record.uuid(), etag: seen.record.content_id(kind).to_owned() }
    }

    /// Appends the record as it was then. Answers whether its secrets are in it.
    pub async fn show(
        &self,
        app: &App,
        actor: &Actor,
        kind: &Kind,
        revision: &Revision,
        out: &mut String,
    ) -> Result<bool, Failure> {
        let entry = history::record_at(app, actor, kind, self.uuid, &revision.0).await?;
        let secrets = policy::sees_secrets(actor, kind, &Subject::new(&app.store.read(), kind, &entry));
        Shown { hidden: kind.hidden(secrets), only: None }.part_of(&entry, out);
        Ok(secrets && kind.has_secrets())
    }
}

/// `PUT /v2/{resource}/{id}`
pub async fn replace(
    state: State<App>,
    actor: Extension<Arc<Actor>>,
    context: Extension<Context>,
    path: Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let condition = condition::required(&headers)?;
    update(state, actor, context, path, query, (Draft::Whole(input), condition)).await
}

/// `PATCH /v2/{resource}/{id}`
pub async fn patch(
    state: State<App>,
    actor: Extension<Arc<Actor>>,
    context: Extension<Context>,
    path: Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Object(input): Object,
) -> Answer {
    let condition = condition::given(&headers)?;
    update(state, actor, context, path, query, (Draft::Merge(input), condition)).await
}

async fn update(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    query: Option<String>,
    (draft, condition): (Draft, Condition),
) -> Answer {
    let kind = app.kind(&resource)?;
    let mut parameters = Query::new(query.as_deref())?;
    let way = handover::way(kind, &mut parameters)?;
    parameters.end()?;
    let uuid = uuid(kind, &id)?;
    let (call, change) = (call(&app, &actor, &context, &resource), Change::Draft(draft));
    let attempt = |transaction: &mut Transaction, condition: &Condition| {
        crud::update(transaction, &actor, kind, uuid, &change, None, condition)
    };
    let update = |condition| call.update(uuid, change.clone(), condition);
    let (changed, notice) = handover::change(&app, kind, uuid, (way, condition), attempt, update).await?;
    let answer = changed.value.fresh(StatusCode::OK, kind);
    Ok(handover::noticed(reply::written(changed.revision, answer), notice))
}

/// `DELETE /v2/{resource}/{id}`
pub async fn delete(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let kind = app.kind(&resource)?;
    let mut parameters = Query::new(query.as_deref())?;
    let dependents = parameters.dependents()?;
    parameters.end()?;
    let condition = condition::required(&headers)?;
    let uuid = uuid(kind, &id)?;
    let deleted = call(&app, &actor, &context, &resource).delete(uuid, dependents, condition).await?;
    Ok(reply::written(deleted.revision, StatusCode::NO_CONTENT.into_response()))
}

pub fn call<'a>(app: &'a App, actor: &'a Actor, context: &'a Context, resource: &'a str) -> Call<'a, Seen> {
    Call { app, actor, context, resource, view }
}

/// Shown is what a request asks for, later.
pub fn view(_: &Snapshot, _: &Kind, record: &Record, secrets: bool) -> Seen {
    Seen { record: record.clone(), secrets }
}

/// On `/v2` what is not a uuid is the name of no record.
pub fn uuid(kind: &Kind, id: &str) -> Result<Uuid, Error> {
    let id: String = id.chars().take(64).collect();
    Uuid::try_parse(&id).map_err(|_| Error::NotFound(format!("there is no entry {id} in {}", kind.name())))
}

/// A page whose size is not known.
pub fn page(items: Vec<Value>, next: Option<String>) -> Response {
    json(StatusCode::OK, json!({"items": items, "next": next}).to_string(), false)
}

impl Seen {
    pub fn show(&self, kind: &Kind, only: Option<&[String]>, out: &mut String) {
        self.record.show(Shown { hidden: kind.hidden(self.secrets), only }, out);
    }

    fn shows_secrets(&self, kind: &Kind) -> bool {
        self.secrets && kind.has_secrets()
    }

    fn answer(&self, status: StatusCode, kind: &Kind, only: Option<&[String]>) -> Response {
        let mut body = String::with_capacity(512);
        self.show(kind, only, &mut body);
        let mut answer = json(status, body, self.shows_secrets(kind));
        set_tag(&mut answer, self.record.content_id(kind), Tag::Strong);
        answer
    }

    pub fn fresh(&self, status: StatusCode, kind: &Kind) -> Response {
        self.answer(status, kind, None)
    }
}

/// What holds secrets is stored nowhere; the rest by the client alone, and it asks whether that is still so.
pub fn json(status: StatusCode, body: String, secrets: bool) -> Response {
    let cache = if secrets { "no-store" } else { "private, no-cache" };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, cache)];
    (status, headers, body).into_response()
}

enum Tag {
    Strong,
    /// Of an answer that is put together.
    Weak,
}

fn set_tag(answer: &mut Response, tag: &str, strength: Tag) {
    let tag = match strength {
        Tag::Strong => format!("\"{tag}\""),
        Tag::Weak => format!("W/\"{tag}\""),
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
}

fn not_modified(tag: &str, strength: Tag) -> Response {
    let mut answer = StatusCode::NOT_MODIFIED.into_response();
    set_tag(&mut answer, tag, strength);
    answer
}
