//! Another password for those who have forgotten theirs: a link, made by somebody who may, and what it leads to.

use super::App;
use super::body::{Json, inputs};
use super::context::Context;
use super::path::Path;
use super::query::Query;
use super::reply::{self, Failure};
use super::session::login_field;
use crate::auth::Actor;
use crate::auth::policy::{self, Subject};
use crate::error::Error;
use crate::resource::{Entry, Kind, PASSWORD, Patch};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

/// What sets another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Of the link.
    #[schemars(length(max = 128))]
    token: String,
    #[schemars(length(max = 512))]
    password: String,
}

inputs!(NewPassword);

/// `POST /v2/{resource}/{id}/password-link`
pub async fn link(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    Query::new(query.as_deref())?.end()?;
    let kind = app.kind(&resource)?;
    login_field(kind)?;
    let user = {
        let tables = app.store.read();
        let none = || Error::NotFound(format!("there is no such entry in {}", kind.name()));
        let uuid = Uuid::try_parse(&id).map_err(|_| none())?;
        let record = tables.get(kind, uuid).ok_or_else(none)?;
        policy::may_make_password_link(&actor, kind, &Subject::of(&tables, kind, record))?;
        Actor::of(kind, record).map_err(|error| match error {
            Error::BadCredentials(_) => {
                Error::conflict("state", "suspended", "is suspended: nobody can sign in")
            }
            other => other,
        })?
    };
    let (token, expires_at) = app.credentials.password_links.make(&user).await?;
    tracing::info!(
        request_id = %context.id,
        actor = actor.path(),
        user = user.path(),
        "made a link for another password"
    );
    // Behind the `#`: a browser sends it to nobody.
    let url = format!("{}/#/password?token={token}", app.public_url.as_deref().unwrap_or_default());
    Ok(axum::Json(json!({"token": token, "url": url, "expires_at": expires_at})).into_response())
}

/// `POST /v2/password`: as a change by the user that the link was made for.
pub async fn set(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    RawQuery(query): RawQuery,
    Json(new): Json<NewPassword>,
) -> Answer {
    Query::new(query.as_deref())?.end()?;
    let user = match app.credentials.password_links.user(&app.store.read(), &new.token) {
        // As with refresh tokens: who has the link is not held back by what others at the address have tried.
        Err(Error::BadCredentials(wrong)) => {
            app.limiter.check(None, context.client)?;
            app.limiter.failed(None, context.client);
            return Err(Error::BadCredentials(wrong).into());
        }
        user => user?,
    };
    let kind = app.kind(&user.resource)?;
    let mut patch = password_patch(kind, &new.password)?;
    patch.set_password_hash(app.passwords.hash(&new.password).await?);
    let (kinds, index, author) = (app.store.kinds().clone(), kind.index(), context.author(&user));
    let changing = user.clone();
    let written = app.store.write(author, move |transaction| {
        let kind = kinds.at(index);
        // Fails for the second of two who use the link: the first change has moved the user on.
        changing.still_stands(transaction.tables())?;
        let old = transaction.tables().find(kind, changing.uuid)?.entry();
        transaction.replace(kind, &kind.apply(&old, &old, &patch)?)
    });
    let revision = written.await?.revision;
    // Both are over by that change; this only puts them away.
    let links = app.credentials.password_links.forget(&user).await;
    let sessions = app.credentials.sessions.end_all(user.uuid).await;
    if let Err(reason) = links.and(sessions) {
        tracing::warn!(request_id = %context.id, %reason, "a used link or ended sessions were not put away");
    }
    Ok(reply::written(revision, StatusCode::NO_CONTENT.into_response()))
}

/// The change that sets a password, if it is one that users may have.
fn password_patch(kind: &Kind, password: &str) -> Result<Patch, Error> {
    let mut input = Entry::new();
    crate::resource::set_field(&mut input, PASSWORD, password.into());
    let patch = kind.read_patch(&input).map_err(|error| match error {
        Error::Invalid(mut findings) => {
            findings
                .iter_mut()
                .filter(|one| one.field == PASSWORD)
                .for_each(|one| one.field = "password".into());
            Error::Invalid(findings)
        }
        other => other,
    })?;
    // What stands for a password that is not shown is none.
    if patch.password(kind).is_none() {
        return Err(Error::invalid("password", "mask", "is the mask that stands for a password, not one"));
    }
    Ok(patch)
}
