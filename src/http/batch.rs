//! `POST /v2/batch`: many changes as one, all of them or none.

use super::App;
use super::body::{Json, inputs};
use super::condition;
use super::context::Context;
use super::crud::{self, Change, Condition};
use super::once::{self, Done, IdempotencyKey, once};
use super::query::Query;
use super::reply::{self, Failure};
use super::v2::{self, Kept, Seen};
use crate::auth::{Actor, NO_HASH};
use crate::error::{Error, Finding};
use crate::resource::{Draft, Entry, Kind, Kinds, PASSWORD, field, set_field};
use crate::store::{Dependents, Receipt, Transaction};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What `POST /v2/batch` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// In the order in which they are done.
    #[schemars(length(min = 1, max = 1000))]
    operations: Vec<Operation>,
}

inputs!(Batch);

/// One change.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What is done.
    op: Op,
    /// Plural, as in the path.
    resource: String,
    /// Which record, unless it is created: its uuid, or `$` and the `local_id` of an operation before.
    uuid: Option<String>,
    /// What later operations call the record that this one creates.
    #[schemars(length(min = 1, max = 64))]
    local_id: Option<String>,
    /// The record (create, replace) or a merge patch (update). A field that refers to a record may hold `$` and a
    /// `local_id`.
    data: Option<Entry>,
    /// The record's ETag, or `*`; needed to replace and to delete.
    if_match: Option<String>,
    /// What becomes of those that refer to a record that is deleted.
    dependents: Option<DependentsOf>,
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// As POST.
    Create,
    /// As PUT.
    Replace,
    /// As PATCH.
    Update,
    /// As DELETE.
    Delete,
}

/// What becomes of those that refer to a record that is deleted.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DependentsOf {
    /// They refer to nothing.
    Release,
    /// They are deleted too.
    Delete,
}

/// An operation that has been read: whether it is possible is for the tables to say.
#[derive(Clone)]
struct Step {
    /// The resource's place in the list.
    kind: usize,
    uuid: Uuid,
    deed: Deed,
    condition: Condition,
    /// Of the new password, if there is one.
    hash: Option<String>,
}

#[derive(Clone)]
enum Deed {
    Create(Entry),
    Change(Change),
    Delete(Dependents),
}

/// Operations that are refused, by their place.
type Refusals = Vec<(usize, Error)>;

/// What is kept of the answer: which record each operation was about, and its version afterwards.
type Outcome = Vec<(Uuid, Option<Kept>)>;

/// `POST /v2/batch`
pub async fn batch(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    RawQuery(query): RawQuery,
    key: IdempotencyKey,
    Json(Batch { operations }): Json<Batch>,
) -> Result<Response, Failure> {
    Query::new(query.as_deref())?.end()?;
    let claim = key.claim(&app, &actor, &("batch", &operations))?;
    let before = claim.as_ref().map(|claim| claim.before(&app.store.read())).transpose()?.flatten();
    if let Some(receipt) = before {
        // What was done before would be refused now.
        return answer_again(&app, &actor, &operations, &receipt).await;
    }
    let (mut steps, refusals) = read(&app, &operations);
    let kinds = app.store.kinds().clone();
    let has_passwords = steps.iter().flatten().any(|step| step.password(&kinds).is_some());
    if has_passwords || !refusals.is_empty() {
        // Hashes take long to make: not for a batch that is refused anyway. And all that is wrong is said at once.
        app.store.rehearse(|transaction| carry_out(transaction, &actor, &steps, refusals))?;
    }
    for step in steps.iter_mut().flatten() {
        if let Some(password) = step.password(&kinds) {
            step.hash = Some(app.passwords.hash(password).await?);
        }
    }
    let doer = actor.clone();
    let written = app.store.write(context.author(&actor), move |transaction| {
        doer.still_stands(transaction.tables())?;
        once(transaction, claim, |transaction| {
            let done = carry_out(transaction, &doer, &steps, vec![])?;
            let kinds = transaction.kinds();
            let kept = done.iter().zip(steps.iter().flatten()).map(|((uuid, seen), step)| {
                (*uuid, seen.as_ref().map(|seen| Kept::of(kinds.at(step.kind), seen)))
            });
            let kept: Outcome = kept.collect();
            Ok((done, kept))
        })
    });
    let written = written.await?;
    let done = match written.value {
        Done::Now(done) => done,
        Done::Before(receipt) => return answer_again(&app, &actor, &operations, &receipt).await,
    };
    let mut results = Vec::with_capacity(done.len());
    for (operation, (uuid, seen)) in operations.iter().zip(done) {
        let kind = app.kind(&operation.resource)?;
        let shown = seen.map(|seen| {
            let mut text = String::new();
            seen.show(kind, None, &mut text);
            (Kept::of(kind, &seen).etag, text)
        });
        results.push(result(operation, uuid, shown)?);
    }
    Ok(reply::written(written.revision, answer(&results)))
}

/// The answer of then, made anew.
async fn answer_again(
    app: &App,
    actor: &Actor,
    operations: &[Operation],
    receipt: &Receipt,
) -> Result<Response, Failure> {
    let (revision, kept) = once::settled::<Outcome>(app, receipt)?;
    let mut results = Vec::with_capacity(kept.len());
    for (operation, (uuid, kept)) in operations.iter().zip(kept) {
        let mut text = String::new();
        if let Some(kept) = &kept {
            kept.show(app, actor, app.kind(&operation.resource)?, &revision, &mut text).await?;
        }
        results.push(result(operation, uuid, kept.map(|kept| (kept.etag, text)))?);
    }
    Ok(once::replayed(reply::written(revision, answer(&results))))
}

/// Whoever makes devices is told their passwords.
fn answer(results: &[Value]) -> Response {
    v2::json(StatusCode::OK, json!({"results": results}).to_string(), true)
}

/// What one operation is answered: the record with its version, unless it is gone.
fn result(operation: &Operation, uuid: Uuid, seen: Option<(String, String)>) -> Result<Value, Error> {
    let status = match operation.op {
        Op::Create => 201,
        Op::Replace | Op::Update => 200,
        Op::Delete => 204,
    };
    let mut result = json!({"status": status, "resource": operation.resource, "uuid": uuid});
    if let Some((etag, text)) = seen {
        result["etag"] = format!("\"{etag}\"").into();
        result["record"] = serde_json::from_str(&text).map_err(|e| Error::internal("showing a record", e))?;
    }
    Ok(result)
}

/// Reads the operations, as far as they can be.
fn read(app: &App, operations: &[Operation]) -> (Vec<Option<Step>>, Refusals) {
    let mut steps = Vec::with_capacity(operations.len());
    let (mut refusals, mut names) = (Refusals::new(), Names::new());
    for (index, operation) in operations.iter().enumerate() {
        match operation.read(app, &mut names) {
            Ok(step) => steps.push(Some(step)),
            Err(error) => {
                steps.push(None);
                refusals.push((index, error));
            }
        }
    }
    (steps, refusals)
}

/// What operations before have called the records they create.
type Names = HashMap<String, Uuid>;

impl Operation {
    fn read(&self, app: &App, names: &mut Names) -> Result<Step, Error> {
        let kind = app.kind(&self.resource)?;
        let mut step = Step {
            kind: kind.index(),
            uuid: Uuid::new_v4(),
            deed: Deed::Delete(Dependents::Refuse),
            condition: Condition::None,
            hash: None,
        };
        let is_new = self.op == Op::Create;
        if let Some(name) = &self.local_id {
            if !is_new {
                return Err(Error::invalid("local_id", "unexpected", "is for records that are created"));
            }
            if names.insert(name.clone(), step.uuid).is_some() {
                return Err(Error::invalid("local_id", "unique", "is that of an operation before"));
            }
        }
        match &self.uuid {
            None if is_new => {}
            Some(_) if is_new => {
                return Err(Error::invalid("uuid", "server_owned", "is set by the server alone"));
            }
            None => return Err(Error::invalid("uuid", "required", "is required")),
            Some(text) => {
                let uuid =
                    resolve(names, text).map_err(|message| Error::invalid("uuid", "local_id", message))?;
                step.uuid = v2::uuid(kind, &uuid)?;
            }
        }
        step.condition = match &self.if_match {
            None if matches!(self.op, Op::Replace | Op::Delete) => {
                return Err(Error::invalid("if_match", "required", "is required: the record's ETag, or `*`"));
            }
            None => Condition::None,
            Some(tags) => condition::parse("if_match", tags)?,
        };
        if self.dependents.is_some() && self.op != Op::Delete {
            return Err(Error::invalid("dependents", "unexpected", "is for records that are deleted"));
        }
        step.deed = match self.op {
            Op::Create => {
                let mut entry = kind.new_from_draft(&self.data(kind, names)?).map_err(below_data)?;
                kind.complete(&mut entry, step.uuid, (app.clock)());
                Deed::Create(entry)
            }
            Op::Replace => Deed::Change(Change::Draft(Draft::Whole(self.data(kind, names)?))),
            Op::Update => Deed::Change(Change::Draft(Draft::Merge(self.data(kind, names)?))),
            Op::Delete if self.data.is_some() => {
                return Err(Error::invalid("data", "unexpected", "is not for records that are deleted"));
            }
            Op::Delete => Deed::Delete(match self.dependents {
                None => Dependents::Refuse,
                Some(DependentsOf::Release) => Dependents::Release,
                Some(DependentsOf::Delete) => Dependents::Delete,
            }),
        };
        Ok(step)
    }

    /// The data, with uuids in the place of names.
    fn data(&self, kind: &Kind, names: &Names) -> Result<Entry, Error> {
        let mut data = self.data.clone().ok_or_else(|| Error::invalid("data", "required", "is required"))?;
        for reference in kind.references() {
            let Some(text) = field(&data, &reference.field).and_then(Value::as_str) else { continue };
            let uuid = resolve(names, text).map_err(|message| {
                Error::invalid(&format!("data.{}", reference.field), "local_id", message)
            })?;
            set_field(&mut data, &reference.field, uuid.into());
        }
        Ok(data)
    }
}

/// `$name` as the uuid of what an operation before creates.
fn resolve(names: &Names, text: &str) -> Result<String, &'static str> {
    let Some(name) = text.strip_prefix('$') else { return Ok(text.to_owned()) };
    names.get(name).map(Uuid::to_string).ok_or("names no `local_id` of an operation before")
}

fn below_data(error: Error) -> Error {
    let below = |findings: Vec<Finding>| {
        let below = |finding: Finding| Finding { field: format!("data.{}", finding.field), ..finding };
        findings.into_iter().map(below).collect()
    };
    match error {
        Error::Invalid(findings) => Error::Invalid(below(findings)),
        Error::Conflict(findings) => Error::Conflict(below(findings)),
        other => other,
    }
}

impl Step {
    /// The new password in plain text, if there is one.
    fn password<'a>(&'a self, kinds: &Kinds) -> Option<&'a str> {
        match &self.deed {
            Deed::Create(entry) => kinds.at(self.kind).password(entry),
            Deed::Change(change) => change.password(kinds.at(self.kind)),
            Deed::Delete(_) => None,
        }
    }

    fn carry_out(&self, transaction: &mut Transaction, actor: &Actor) -> Result<Option<Seen>, Error> {
        let kinds = transaction.kinds();
        let kind = kinds.at(self.kind);
        match &self.deed {
            Deed::Create(entry) => {
                let mut entry = entry.clone();
                if kind.password(&entry).is_some() {
                    let hash = self.hash.as_deref().unwrap_or(NO_HASH);
                    set_field(&mut entry, PASSWORD, hash.into());
                }
                crud::create(transaction, actor, kind, &entry).map_err(below_data)?;
            }
            Deed::Change(change) => {
                let hash = self.hash.as_deref();
                crud::update(transaction, actor, kind, self.uuid, change, hash, &self.condition)
                    .map_err(below_data)?;
            }
            Deed::Delete(dependents) => {
                crud::delete(transaction, actor, kind, self.uuid, *dependents, &self.condition)?;
                return Ok(None);
            }
        }
        // At the end of the mutation they are checked again; but then nobody could say which operation it was.
        transaction.check_references(kind, self.uuid).map_err(below_data)?;
        crud::seen(transaction.tables(), actor, kind, self.uuid, v2::view).map(Some)
    }
}

/// Carries out all that could be read. Fails with all that is refused, or has been before.
fn carry_out(
    transaction: &mut Transaction,
    actor: &Actor,
    steps: &[Option<Step>],
    mut refusals: Refusals,
) -> Result<Vec<(Uuid, Option<Seen>)>, Error> {
    let mut done = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let Some(step) = step else { continue };
        match step.carry_out(transaction, actor) {
            Ok(seen) => done.push((step.uuid, seen)),
            Err(error) => refusals.push((index, error)),
        }
    }
    if refusals.is_empty() {
        return Ok(done);
    }
    refusals.sort_by_key(|(index, _)| *index);
    Err(Error::Refused(refusals))
}
