//! Signing in.

use super::App;
use super::body::Parameters;
use super::context::Context;
use super::path::Path;
use super::reply::{self, Failure};
use crate::auth::{Actor, Verdict};
use crate::error::Error;
use crate::resource::{Kind, PASSWORD, set_field};
use crate::store::{Author, Record};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

/// `POST /v1/{resource}/login` with `user` and `password`.
pub async fn login(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let (user, password) = (parameters.text("user")?, parameters.text("password")?);
    let token = sign_in(&app, &context, &resource, user, password).await;
    // The old server reported it like any failed POST.
    let token = token.map_err(|error| Failure::from(error).titled("Create Resource Error"))?;
    Ok(reply::v1(json!({"token": token})))
}

async fn sign_in(
    app: &App,
    context: &Context,
    resource: &str,
    user: &str,
    password: &str,
) -> Result<String, Error> {
    let kind = app.kind(resource)?;
    let field =
        kind.login_field().ok_or_else(|| Error::NotFound(format!("one does not sign in with {resource}")))?;
    // One text for an unknown user, a wrong password and a suspended user.
    let wrong = || Error::BadCredentials("user or password is wrong".into());
    let record = app.store.read().by_unique(kind, field, user).cloned();
    let mut entry = record.as_ref().map(Record::entry).unwrap_or_default();
    let verdict = app.passwords.verify(password, kind.password(&entry)).await?;
    let (Some(record), Verdict::Right { outdated }) = (record, verdict) else { return Err(wrong()) };
    let actor = Actor::of(kind, &entry)
        .map_err(|error| if matches!(error, Error::BadCredentials(_)) { wrong() } else { error })?;
    if outdated {
        let hash = app.passwords.hash(password).await?;
        set_field(&mut entry, PASSWORD, hash.into());
        renew_hash(app, context, kind, record, entry.clone()).await;
    }
    app.credentials.tokens.issue(actor)
}

/// Stores a hash of today's cost. Not the client's business when it fails: the old one is as right.
async fn renew_hash(app: &App, context: &Context, kind: &Kind, seen: Record, entry: crate::resource::Entry) {
    let author = Author { request_id: Some(context.id.to_string()), ..Author::program("sign-in") };
    let (kinds, index) = (app.store.kinds().clone(), kind.index());
    let written = app.store.write(author, move |transaction| {
        let kind = kinds.at(index);
        // Only if nobody has changed the record meanwhile, the password above all.
        match transaction.tables().get(kind, seen.uuid()) {
            Some(now) if *now == seen => transaction.replace(kind, &entry),
            _ => Ok(()),
        }
    });
    if let Err(reason) = written.await {
        tracing::warn!(request_id = %context.id, %reason, "a password's hash was not renewed");
    }
}
