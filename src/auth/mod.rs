//! Who is asking, and what they may do.

mod credentials;
mod key;
pub mod keys;
mod limiter;
mod links;
mod password;
pub mod policy;
mod refresh;
mod scopes;
mod sessions;
mod token;

pub use credentials::{Credentials, Lives};
pub use key::{KeyError, signing_key};
pub use keys::KeyUses;
pub use limiter::{Account, Limiter, Rate, Rates};
pub use links::PasswordLinks;
pub use password::{NO_HASH, Passwords, Verdict};
pub use scopes::{PATTERN as SCOPE_PATTERN, Scopes};
pub use sessions::{Grant, Origin, Session, Sessions};
pub use token::Tokens;

use crate::error::Error;
use crate::resource::{Entry, Kind, Role, TOKEN_EPOCH};
use crate::store::{Author, Snapshot};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// The signed-in entry a request acts for. Made from the store on every request, never from the token alone.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The resource it signed in with.
    pub resource: String,
    /// Its key.
    pub uuid: Uuid,
    /// What it may do.
    pub role: Role,
    /// For the commits it makes.
    pub name: String,
    /// For the commits it makes.
    pub email: String,
    /// What let it in.
    pub pass: Pass,
    /// Moves on when its tokens end.
    epoch: u64,
}

/// What lets a request in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// A token of `/v1`: good for its time, unless the user changes.
    Token,
    /// A token of `/v2`: good for as long as the session goes on.
    Session(Uuid),
    /// An API key.
    Key {
        /// Its record.
        uuid: Uuid,
        /// What it is for.
        scopes: Arc<Scopes>,
    },
}

impl Actor {
    /// The actor that an entry is, unless the entry may not sign in now.
    pub fn of(kind: &Kind, entry: &Entry) -> Result<Self, Error> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let broken =
            |what: &str| Error::Internal(format!("an entry of {} has no usable {what}", kind.name()));
        if text("state") == "suspended" {
            return Err(ended());
        }
        Ok(Self {
            resource: kind.name().to_owned(),
            uuid: text("uuid").parse().map_err(|_| broken("uuid"))?,
            role: entry
                .get("role")
                .and_then(|role| Role::deserialize(role).ok())
                .ok_or_else(|| broken("role"))?,
            name: text("name"),
            email: text(kind.login_field().unwrap_or("email")),
            pass: Pass::Token,
            epoch: entry.get(TOKEN_EPOCH).and_then(Value::as_u64).unwrap_or_default(),
        })
    }

    /// Finds the actor that signed in as `uuid` when its epoch was `epoch`, if nothing has ended that since.
    fn find(tables: &Snapshot, resource: &str, uuid: Uuid, epoch: u64) -> Result<Self, Error> {
        let kind =
            tables.kinds().get(resource).filter(|kind| kind.login_field().is_some()).ok_or_else(ended)?;
        let actor = Self::of(kind, &tables.get(kind, uuid).ok_or_else(ended)?.entry())?;
        // It moves on when the password, the role or the state changes.
        if actor.epoch == epoch { Ok(actor) } else { Err(ended()) }
    }

    /// Fails when the actor has been deleted, demoted or suspended since the request began, or its key is gone.
    pub fn still_stands(&self, tables: &Snapshot) -> Result<(), Error> {
        match self.pass {
            Pass::Key { uuid, .. } if !keys::stands(tables, uuid) => Err(ended()),
            _ => Self::find(tables, &self.resource, self.uuid, self.epoch).map(|_| ()),
        }
    }

    /// Fails for a program: what is about passwords, sessions and keys themselves is for who has signed in.
    pub fn is_a_person(&self) -> Result<(), Error> {
        match self.pass {
            Pass::Key { .. } => Err(Error::Denied("this cannot be done with a key; sign in".into())),
            _ => Ok(()),
        }
    }

    /// The author of this actor's commits.
    pub fn author(&self, request_id: &str) -> Author {
        Author {
            name: self.name.clone(),
            email: self.email.clone(),
            actor: format!("{}/{}", self.resource, self.uuid),
            request_id: Some(request_id.to_owned()),
        }
    }
}

fn ended() -> Error {
    Error::BadCredentials("the token has ended; sign in again".into())
}

#[cfg(test)]
mod tests;
