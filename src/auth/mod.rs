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
pub use key::{KeyError, TOKEN_KEY, signing_key};
pub use keys::KeyUses;
pub use limiter::{Account, Limiter, Rate, Rates};
pub use links::PasswordLinks;
pub use password::{NO_HASH, Passwords, Verdict};
pub use scopes::{PATTERN as SCOPE_PATTERN, Scopes};
pub use sessions::{Grant, Origin, Session, Sessions};
pub use token::Tokens;

use crate::error::Error;
use crate::resource::{Kind, Role, TOKEN_EPOCH};
use crate::store::{Author, Record, Snapshot, string};
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
    /// The actor that a record is, unless it may not sign in now.
    pub fn of(kind: &Kind, record: &Record) -> Result<Self, Error> {
        let login = kind.login_field().unwrap_or("email");
        // Not the whole of it is parsed: this is done for every request.
        let [state, role, name, email, epoch] =
            record.values_at(["state", "role", "name", login, TOKEN_EPOCH]);
        let text = |raw: Option<&str>| raw.map(string).unwrap_or_default().into_owned();
        if state.map(string).as_deref() == Some("suspended") {
            return Err(ended());
        }
        let role = role
            .and_then(|role| serde_json::from_str(role).ok())
            .ok_or_else(|| Error::Internal(format!("an entry of {} has no usable role", kind.name())))?;
        Ok(Self {
            resource: kind.name().to_owned(),
            uuid: record.uuid(),
            role,
            name: text(name),
            email: text(email),
            pass: Pass::Token,
            epoch: epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or_default(),
        })
    }

    /// Finds the actor that signed in as `uuid` when its epoch was `epoch`, if nothing has ended that since.
    fn find(tables: &Snapshot, resource: &str, uuid: Uuid, epoch: u64) -> Result<Self, Error> {
        let (kind, record) = Self::record(tables, resource, uuid)?;
        let actor = Self::of(kind, record)?;
        // It moves on when the password, the role or the state changes.
        if actor.epoch == epoch { Ok(actor) } else { Err(ended()) }
    }

    /// The record that one signs in as, if it is there still.
    fn record<'a>(tables: &'a Snapshot, resource: &str, uuid: Uuid) -> Result<(&'a Kind, &'a Record), Error> {
        let kind = tables.kinds().get(resource).filter(|kind| kind.login_field().is_some());
        let kind = kind.ok_or_else(ended)?;
        Ok((kind, tables.get(kind, uuid).ok_or_else(ended)?))
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

    /// Its record, as the log and commits name it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.resource, self.uuid)
    }

    /// The author of this actor's commits.
    pub fn author(&self, request_id: &str) -> Author {
        Author {
            name: self.name.clone(),
            email: self.email.clone(),
            actor: self.path(),
            request_id: Some(request_id.to_owned()),
        }
    }
}

fn ended() -> Error {
    Error::BadCredentials("the token has ended; sign in again".into())
}

#[cfg(test)]
mod tests;
