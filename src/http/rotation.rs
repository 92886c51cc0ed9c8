//! New secrets in the place of those that the server has made.

use super::App;
use super::body;
use super::condition;
use super::context::Context;
use super::crud::{self, Condition};
use super::handover;
use super::path::Path;
use super::query::Query;
use super::reply::{self, Failure};
use super::v2;
use crate::auth::Actor;
use crate::error::Error;
use crate::store::Transaction;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;

/// `POST /v2/{resource}/{id}/rotate`: in one commit; the back ends get them as they get every change.
pub async fn rotate(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let kind = app.kind(&resource)?;
    if kind.generated_secrets().next().is_none() {
        return Err(Error::NotFound(format!("{resource} have no secrets that the server makes")).into());
    }
    body::refuse(&headers)?;
    let mut parameters = Query::new(query.as_deref())?;
    let way = handover::way(kind, &mut parameters)?;
    parameters.end()?;
    let asked = (way, condition::given(&headers)?);
    let uuid = v2::uuid(kind, &id)?;
    let attempt = |transaction: &mut Transaction, condition: &Condition| {
        crud::rotate(transaction, &actor, kind, uuid, condition)
    };
    let call = v2::call(&app, &actor, &context, &resource);
    let rotate = |condition| call.rotate(uuid, condition);
    let (rotated, notice) = handover::change(&app, kind, uuid, asked, attempt, rotate).await?;
    let answer = rotated.value.fresh(StatusCode::OK, kind);
    Ok(handover::noticed(reply::written(rotated.revision, answer), notice))
}
