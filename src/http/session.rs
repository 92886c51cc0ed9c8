//! Signing in and out: tokens for `/v1`, sessions for `/v2`.

use super::App;
use super::body::{Json, Parameters, inputs};
use super::context::{self, Context};
use super::path::Path;
use super::query::Query;
use super::reply::{self, Failure};
use super::server;
use crate::auth::{Account, Actor, Grant, Origin, Pass, Session, Verdict, policy};
use crate::error::Error;
use crate::resource::{Kind, PASSWORD, set_field};
use crate::store::{Author, Record};
use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, IntoResponseParts, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

type Answer = Result<Response, Failure>;

/// The cookie that holds a refresh token, where a page must not get at it.
pub const COOKIE: &str = "karana_refresh";

/// The cookie beside it that a page can read: there is a session to go on with. It holds nothing else.
const SIGN: &str = "karana_signed_in";

/// What one signs in with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The e-mail address.
    #[schemars(length(max = 254))]
    user: String,
    #[schemars(length(max = 512))]
    password: String,
    /// The refresh token comes as a cookie, and not in the answer.
    #[serde(default)]
    cookie: bool,
}

/// What a session is refreshed with; without a token in it, with the cookie.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[schemars(length(max = 2048))]
    refresh_token: Option<String>,
}

inputs!(Login, Refresh);

/// `POST /v1/{resource}/login` with `user` and `password`.
pub async fn login_v1(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    parameters: Parameters,
) -> Answer {
    let (user, password) = (parameters.text("user")?, parameters.text("password")?);
    let token = sign_in(&app, &context, &resource, user, password)
        .await
        .and_then(|actor| app.credentials.tokens.issue(actor));
    // The old server reported it like any failed POST.
    let token = token.map_err(|error| Failure::from(error).titled("Create Resource Error"))?;
    Ok(reply::v1(json!({"token": token})))
}

/// `POST /v2/{resource}/login`
pub async fn login(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Answer {
    Query::new(query.as_deref())?.end()?;
    let actor = sign_in(&app, &context, &resource, &login.user, &login.password).await?;
    let grant = app.credentials.sessions.begin(actor, origin(&context, &headers)).await?;
    granted(&app, grant, login.cookie)
}

/// `POST /v2/refresh`
pub async fn refresh(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Json(refresh): Json<Refresh>,
) -> Answer {
    Query::new(query.as_deref())?.end()?;
    let by_cookie = refresh.refresh_token.is_none();
    let token = refresh.refresh_token.or_else(|| cookie(&headers));
    let token = token.ok_or_else(|| {
        Error::invalid("refresh_token", "required", "is required, here or in the cookie of the sign-in")
    })?;
    // Nobody guesses a token that holds 256 random bits: who has one is not held back by what others at the address have tried.
    if !app.credentials.sessions.knows(&token) {
        app.limiter.check(None, context.client)?;
    }
    let refreshed =
        app.credentials.sessions.refresh(app.store.read(), token, origin(&context, &headers)).await;
    let grant = refreshed.inspect_err(|error| {
        if matches!(error, Error::BadCredentials(_)) {
            app.limiter.failed(None, context.client);
        }
    })?;
    granted(&app, grant, by_cookie)
}

/// `POST /v2/logout`: the session of the access token, and that of the cookie, which the answer takes back. With the cookie
/// alone, too: a page that has been loaded anew, or whose access token has ended, has nothing else. Whoever has nothing left to
/// end is told the same, so that it can be asked for until it has been answered.
pub async fn logout(State(app): State<App>, request: Request) -> Answer {
    let sessions = &app.credentials.sessions;
    let by_cookie = cookie(request.headers());
    let is_named = request.headers().contains_key(header::AUTHORIZATION);
    match context::person(&app, &request) {
        Ok(actor) => {
            let Pass::Session(id) = actor.pass else {
                let reason = "a token of /v1 is of no session; /v2/logout-all ends it, with all others";
                return Err(Error::conflict("", "no_session", reason).into());
            };
            sessions.end(id).await?;
        }
        Err(failure) if is_named && (by_cookie.is_none() || !failure.is_unauthorized()) => {
            return Err(failure);
        }
        Err(_) => {}
    }
    if let Some(token) = &by_cookie {
        sessions.end_by(token).await?;
    }
    let takes_back = by_cookie.is_some() || !is_named;
    Ok((takes_back.then(|| no_cookies(&app)), StatusCode::NO_CONTENT).into_response())
}

/// `POST /v2/logout-all`: all sessions and tokens of this user; not its keys.
pub async fn logout_all(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
) -> Answer {
    let (user, kinds) = (actor.uuid, app.store.kinds().clone());
    let index = app.kind(&actor.resource)?.index();
    let ended = app.store.write(context.author(&actor), move |transaction| {
        let kind = kinds.at(index);
        actor.still_stands(transaction.tables())?;
        let mut entry = transaction.tables().find(kind, actor.uuid)?.entry();
        kind.end_tokens(&mut entry);
        transaction.replace(kind, &entry)
    });
    let revision = ended.await?.revision;
    app.credentials.sessions.end_all(user).await?;
    let answer = (cookie(&headers).map(|_| no_cookies(&app)), StatusCode::NO_CONTENT);
    Ok(reply::written(revision, answer.into_response()))
}

/// `GET /v2/sessions`: one's own; for an admin `?user=<uuid>`.
pub async fn list(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
) -> Answer {
    let mut parameters = Query::new(query.as_deref())?;
    let user = match parameters.take("user") {
        None => actor.uuid,
        Some(text) => Uuid::try_parse(&text).map_err(|_| Error::invalid("user", "uuid", "must be a UUID"))?,
    };
    parameters.end()?;
    policy::may_end_sessions(&actor, user)?;
    let sessions = app.credentials.sessions.of(user, &app.store.read());
    let shown = |session: &Session| {
        json!({
            "id": session.id,
            "started_at": session.started_at,
            "used_at": session.used_at,
            "expires_at": session.expires_at,
            "user_agent": session.user_agent,
            "address": session.address,
            "current": actor.pass == Pass::Session(session.id),
        })
    };
    let items: Vec<_> = sessions.iter().map(shown).collect();
    let total = items.len();
    Ok(axum::Json(json!({"items": items, "next": null, "total": total})).into_response())
}

/// `DELETE /v2/sessions/{id}`: one's own; an admin's, any.
pub async fn end(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Path(id): Path<String>,
) -> Answer {
    let sessions = &app.credentials.sessions;
    let session = Uuid::try_parse(&id).ok().and_then(|id| sessions.get(id));
    let session = session.filter(|session| policy::may_end_sessions(&actor, session.user).is_ok());
    let session = session.ok_or_else(|| Error::NotFound("there is no such session".into()))?;
    sessions.end(session.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v2/me`: who one is, and by what.
pub async fn me(State(app): State<App>, Extension(actor): Extension<Arc<Actor>>) -> Answer {
    Ok(axum::Json(person(&app, &actor)?).into_response())
}

fn person(app: &App, actor: &Actor) -> Result<Value, Error> {
    let tables = app.store.read();
    let kind = app.kind(&actor.resource)?;
    let entry = tables.find(kind, actor.uuid)?.entry();
    let credentials = match &actor.pass {
        Pass::Token => json!({"type": "token"}),
        Pass::Session(id) => json!({"type": "session", "session": id}),
        Pass::Key { uuid, .. } => super::keys::about(&tables, *uuid)?,
    };
    Ok(json!({
        "uuid": actor.uuid,
        "resource": actor.resource,
        "name": entry.get("name"),
        "email": entry.get("email"),
        "role": entry.get("role"),
        "state": entry.get("state"),
        "credentials": credentials,
    }))
}

async fn sign_in(
    app: &App,
    context: &Context,
    resource: &str,
    user: &str,
    password: &str,
) -> Result<Actor, Error> {
    let kind = app.kind(resource)?;
    let field = login_field(kind)?;
    let account = Account::named(kind, user);
    app.limiter.check(Some(account), context.client)?;
    let signed_in = verify(app, context, kind, field, user, password).await;
    match &signed_in {
        Ok(_) => app.limiter.right(account, context.client),
        Err(Error::BadCredentials(_)) => app.limiter.failed(Some(account), context.client),
        Err(_) => {}
    }
    signed_in
}

async fn verify(
    app: &App,
    context: &Context,
    kind: &Kind,
    field: &str,
    user: &str,
    password: &str,
) -> Result<Actor, Error> {
    // One text for an unknown user, a wrong password and a suspended user.
    let wrong = || Error::BadCredentials("user or password is wrong".into());
    let record = app.store.read().by_unique(kind, field, user).cloned();
    let mut entry = record.as_ref().map(Record::entry).unwrap_or_default();
    let verdict = app.passwords.verify(password, kind.password(&entry)).await?;
    let (Some(record), Verdict::Right { outdated }) = (record, verdict) else { return Err(wrong()) };
    let actor = Actor::of(kind, &record)
        .map_err(|error| if matches!(error, Error::BadCredentials(_)) { wrong() } else { error })?;
    if outdated {
        let hash = app.passwords.hash(password).await?;
        set_field(&mut entry, PASSWORD, hash.into());
        renew_hash(app, context, kind, record, entry).await;
    }
    Ok(actor)
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

/// The field that one signs in with.
pub fn login_field(kind: &Kind) -> Result<&str, Error> {
    let nobody = || Error::NotFound(format!("one does not sign in with {}", kind.name()));
    kind.login_field().ok_or_else(nobody)
}

fn origin(context: &Context, headers: &HeaderMap) -> Origin {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Origin { user_agent: user_agent.unwrap_or_default().to_owned(), address: context.client }
}

/// An access token and the next refresh token (RFC 6749, 5.1), and what clients ask first: each request after another is felt
/// on a slow line.
fn granted(app: &App, grant: Grant, by_cookie: bool) -> Answer {
    let tokens = &app.credentials.tokens;
    let mut body = json!({
        "me": person(app, &grant.actor)?,
        "about": server::tell(app, &grant.actor)?,
        "access_token": tokens.issue(grant.actor)?,
        "token_type": "Bearer",
        "expires_in": tokens.access_life().as_secs(),
    });
    if !by_cookie {
        body["refresh_token"] = grant.refresh_token.into();
        return Ok(axum::Json(body).into_response());
    }
    let life = app.credentials.sessions.life().as_secs();
    Ok((set_cookies(app, &grant.refresh_token, "1", life), axum::Json(body)).into_response())
}

/// The refresh token, out of scripts' reach; and, within it, that there is one.
fn set_cookies(app: &App, token: &str, sign: &str, life: u64) -> impl IntoResponseParts {
    let secure = match &app.public_url {
        Some(url) if url.starts_with("https:") => "; Secure",
        _ => "",
    };
    let cookie = |pair: String, more: &str| {
        // Nothing of it comes from outside: a token of ours is of letters, digits, `-`, `_` and `.`.
        let text = format!("{pair}; {more}; Max-Age={life}; SameSite=Strict{secure}");
        let value =
            HeaderValue::try_from(text).unwrap_or_else(|e| unreachable!("a token is plain text: {e}"));
        (header::SET_COOKIE, value)
    };
    AppendHeaders([
        cookie(format!("{COOKIE}={token}"), "Path=/v2/; HttpOnly"),
        cookie(format!("{SIGN}={sign}"), "Path=/"),
    ])
}

/// Takes them back.
fn no_cookies(app: &App) -> impl IntoResponseParts {
    set_cookies(app, "", "", 0)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE && !value.is_empty()).map(|(_, value)| value.to_owned())
}
