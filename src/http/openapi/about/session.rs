//! Signing in and out, and another password.

use super::super::Operation;
use super::{server, word};
use crate::http::passwords::NewPassword;
use crate::http::session::{Login, Refresh};
use crate::resource::{Kind, Role};
use serde_json::{Value, json};

const CHAPTER: &str = "sign-in";

pub fn login(kind: &Kind) -> Option<Operation> {
    kind.login_field()?;
    let login = Operation::new(CHAPTER, format!("{}_login", word(kind)), format!("Sign in with {}", kind.name()))
        .about("Begins a session. With `cookie` the refresh token comes as an HttpOnly cookie, and not in the answer.")
        .takes::<Login>();
    Some(granted(login))
}

pub fn refresh() -> Operation {
    let refresh = Operation::new(CHAPTER, "refresh", "Go on with a session")
        .about("A refresh token is for one use; the answer holds the next one. Without one in the body the cookie counts.")
        .takes::<Refresh>();
    granted(refresh)
}

pub fn logout() -> Operation {
    Operation::new(CHAPTER, "logout", "End this session")
        .about(
            "That of the access token, and that of the refresh cookie; one of them is enough. The cookie is taken back. Where there \
             is nothing to end the answer is the same. A token of `/v1` is of no session (409).",
        )
        .let_in_by(&json!([{"token": []}, {"cookie": []}, {}]))
        .answers(204, "It has ended.", &Value::Null, &["Set-CookieIfAny"])
        .refuses(&[401, 409, 503, 507])
}

pub fn logout_all() -> Operation {
    Operation::new(CHAPTER, "logout_all", "End all sessions and tokens of this user")
        .about("Those of `/v1`, too; not its keys.")
        .answers(204, "They have ended.", &Value::Null, &["Karana-Revision"])
        .refuses(&[503, 507])
}

pub fn list() -> Operation {
    let session = json!({
        "type": "object",
        "required": ["id", "started_at", "used_at", "expires_at", "user_agent", "address", "current"],
        "properties": {
            "id": uuid(),
            "started_at": time(),
            "used_at": time(),
            "expires_at": time(),
            "user_agent": {"type": "string"},
            "address": {"type": ["string", "null"]},
            "current": {"type": "boolean", "description": "The one that asks."},
        },
    });
    let page = json!({
        "type": "object",
        "required": ["items", "next", "total"],
        "properties": {
            "items": {"type": "array", "items": session},
            "next": {"type": "null"},
            "total": {"type": "integer"},
        },
    });
    Operation::new(CHAPTER, "sessions_list", "List the sessions of this user")
        .query("user", "Those of another user: for admins.", uuid())
        .json(200, "All of them.", &page, &[])
        .refuses(&[400])
}

pub fn end() -> Operation {
    Operation::new(CHAPTER, "sessions_end", "End a session")
        .about("One's own; an admin ends any.")
        .answers(204, "It has ended.", &Value::Null, &[])
        .refuses(&[404, 503, 507])
}

pub fn me() -> Operation {
    Operation::new(CHAPTER, "me", "Who is signed in, and by what").json(200, "You.", &person(), &[])
}

fn person() -> Value {
    json!({
        "type": "object",
        "required": ["uuid", "resource", "name", "email", "role", "state", "credentials"],
        "properties": {
            "uuid": uuid(),
            "resource": {"type": "string"},
            "name": {"type": "string"},
            "email": {"type": "string"},
            "role": {"enum": ["admin", "manager", "viewer", "client"]},
            "state": {"type": ["string", "null"]},
            "credentials": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"enum": ["token", "session", "key"]},
                    "session": uuid(),
                    "key": uuid(),
                    "name": {"type": "string"},
                    "scopes": {"type": "array", "items": {"type": "string"}},
                    "expires_at": {"type": ["string", "null"], "format": "date-time"},
                },
            },
        },
    })
}

pub fn password_link(kind: &Kind) -> Option<Operation> {
    kind.login_field()?;
    let link = json!({
        "type": "object",
        "required": ["token", "url", "expires_at"],
        "properties": {"token": {"type": "string"}, "url": {"type": "string"}, "expires_at": time()},
    });
    let about = "Good for an hour and for one use; a new one replaces it. Managers make them for clients.";
    let id = format!("{}_password_link", word(kind));
    let operation = Operation::new(
        CHAPTER,
        id,
        format!("Make a link by which one of {} sets another password", kind.name()),
    )
    .about(about)
    .json(200, "The link.", &link, &[])
    .only_for(&[Role::Admin, Role::Manager])
    .refuses(&[400, 404, 409, 503, 507]);
    Some(operation)
}

pub fn set_password() -> Operation {
    Operation::new(CHAPTER, "set_password", "Set another password with the token of a link")
        .about("All tokens and sessions of the user end.")
        .takes::<NewPassword>()
        .answers(204, "It is set.", &Value::Null, &["Karana-Revision"])
        .refuses(&[401, 429, 503, 507])
}

/// Tokens, and how a sign-in fails.
fn granted(operation: Operation) -> Operation {
    let grant = json!({
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "me", "about"],
        "additionalProperties": false,
        "properties": {
            "access_token": {"type": "string", "description": "A JWT."},
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "description": "Seconds."},
            "refresh_token": {"type": "string", "description": "Absent where it comes as a cookie."},
            "me": person(),
            "about": server::described(),
        },
    });
    operation.json(200, "Tokens (RFC 6749, 5.1).", &grant, &["Set-Cookie"]).refuses(&[401, 429, 503, 507])
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}
