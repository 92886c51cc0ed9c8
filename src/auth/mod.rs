//! Who is asking, and what they may do.

mod key;
mod password;
pub mod policy;
mod token;

pub use key::{KeyError, signing_key};
pub use password::{NO_HASH, Passwords, Verdict};
pub use token::Tokens;

use crate::error::Error;
use crate::resource::{Entry, Kind, Role, TOKEN_EPOCH};
use crate::store::{Author, Snapshot};
use serde::Deserialize;
use serde_json::Value;
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
    /// Moves on when its tokens end.
    epoch: u64,
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

    /// Fails when the actor has been deleted, demoted or suspended since the request began.
    pub fn still_stands(&self, tables: &Snapshot) -> Result<(), Error> {
        Self::find(tables, &self.resource, self.uuid, self.epoch).map(|_| ())
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
