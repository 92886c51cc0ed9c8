//! Who is asking, and what they may do.

mod key;
mod password;
pub mod policy;
mod token;

pub use key::{KeyError, signing_key};
pub use password::{Passwords, Verdict};
pub use token::Tokens;

use crate::resource::Role;
use crate::store::Author;
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
}

impl Actor {
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
