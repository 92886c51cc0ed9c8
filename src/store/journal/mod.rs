//! The seam to what makes writes durable. Git is the embedded journal; another one (PostgreSQL, for tenants that
//! outgrow a machine) implements [`Journal`] and changes nothing above the store.

pub mod git;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Names a state of all tables: with git, the id of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Revision(pub String);

impl Revision {
    /// Enough of it to tell it from others, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What keeps the history of all tables.
pub trait Journal: Send + Sync {
    /// Everything at the newest revision.
    fn load(&self) -> Result<Loaded, JournalError>;

    /// Makes the mutations durable, in their order, one revision each, whole or not at all. After
    /// [`JournalError::Full`] nothing was written; after any other error nobody knows, and the caller must stop writing.
    fn append(&self, batch: &[Mutation]) -> Result<Vec<Revision>, JournalError>;

    /// Waits until what was appended is where other programs read it, so that it can be copied.
    fn flush(&self) -> Result<(), JournalError>;

    /// Brings everything to its final place and takes no more: what a clean exit ends with.
    fn close(&self) -> Result<(), JournalError>;

    /// Everything as it was at a revision (an abbreviation will do).
    fn at(&self, revision: &str) -> Result<Loaded, JournalError>;

    /// All mutations that touched one record, the newest first.
    fn history(&self, resource: &str, uuid: Uuid) -> Result<Vec<Version>, JournalError>;
}

/// The content of a journal at one revision.
pub struct Loaded {
    /// None while nothing has been written.
    pub revision: Option<Revision>,
    /// The records, in no particular order.
    pub records: Vec<Stored>,
    /// The text of each document, by its name (`meta.json`, `resources.json`).
    pub documents: Vec<(String, String)>,
    /// Files that do not belong there, with the reason.
    pub strangers: Vec<(String, String)>,
}

/// A record as the journal holds it, unchecked.
pub struct Stored {
    /// Where it lies, for messages.
    pub path: String,
    /// The resource whose table it lies in.
    pub resource: String,
    /// The uuid in its name.
    pub uuid: Uuid,
    /// Its text; none where it is not UTF-8.
    pub text: Option<String>,
}

/// One mutation: what one commit holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mutation {
    /// Who did it.
    pub author: Author,
    /// When, to the second.
    pub time: DateTime<Utc>,
    /// What happened: `users: create 4e1fcc06-…`.
    pub summary: String,
    /// Records set or removed.
    pub changes: Vec<Change>,
    /// Documents set.
    pub documents: Vec<(String, String)>,
}

/// One record set (`Some`) or removed (`None`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// Its resource.
    pub resource: String,
    /// Its key.
    pub uuid: Uuid,
    /// Its new text.
    pub text: Option<Arc<str>>,
}

/// Who is answerable for a mutation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Author {
    /// Name for people.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// `users/<uuid>`, or the part of the program that did it.
    pub actor: String,
    /// The request it came with.
    pub request_id: Option<String>,
}

impl Author {
    /// The program itself, or the operator at its command line.
    pub fn program(part: &str) -> Self {
        Self {
            name: format!("Karana {part}"),
            email: "karana@localhost".into(),
            actor: part.into(),
            request_id: None,
        }
    }
}

/// One version of a record.
#[derive(Debug, Clone)]
pub struct Version {
    /// The revision that made it.
    pub revision: Revision,
    /// When.
    pub time: DateTime<Utc>,
    /// Name and e-mail address of who did it.
    pub author: String,
    /// What happened, in one line.
    pub summary: String,
    /// Its text; none when it was deleted.
    pub text: Option<String>,
}

/// What can go wrong below the store.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No revision of that name.
    #[error("there is no revision `{0}`")]
    NoSuchRevision(String),
    /// Somebody else has written to it.
    #[error("{0} has been changed by another program; restart to load what it holds now")]
    Foreign(String),
    /// The disk is full. Nothing of the batch was written; it may be tried again.
    #[error("the disk is full")]
    Full,
    /// What was written is not what is there.
    #[error("{0}")]
    Damaged(String),
    /// Reading or writing failed.
    #[error("{step}: {reason}")]
    Failed {
        /// What was being done.
        step: String,
        /// What the system said.
        reason: String,
    },
}

fn failed<E: fmt::Display>(step: &str) -> impl FnOnce(E) -> JournalError {
    let step = step.to_owned();
    move |reason| JournalError::Failed { step, reason: reason.to_string() }
}
