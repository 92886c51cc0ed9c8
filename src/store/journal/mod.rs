//! The seam to what makes writes durable. Git is the embedded journal; another one (PostgreSQL, for tenants that
//! outgrow a machine) implements [`Journal`] and changes nothing above the store.

pub mod git;

use crate::histogram;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use uuid::Uuid;

/// Names a state of all tables: with git, the id of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// Reads the whole history, as long as `goes_on` says so. Answers with the number of revisions; none when it was told
    /// to stop.
    fn verify(&self, goes_on: &dyn Fn() -> bool) -> Result<Option<u64>, JournalError>;

    /// Waits until what was appended is where other programs read it, so that it can be copied.
    fn flush(&self) -> Result<(), JournalError>;

    /// Brings everything to its final place and takes no more: what a clean exit ends with.
    fn close(&self) -> Result<(), JournalError>;

    /// Everything as it was then.
    fn at(&self, moment: &Moment) -> Result<Loaded, JournalError>;

    /// The mutations that touched one record, the newest first: at most `limit`, from the one after `after` on.
    fn history(
        &self,
        resource: &str,
        uuid: Uuid,
        after: Option<&Revision>,
        limit: usize,
    ) -> Result<Vec<StoredVersion>, JournalError>;

    /// Goes back through all mutations, the newest first, from the one before `before` on, until `each` has had enough.
    fn look_back(&self, before: Option<&Revision>, each: &mut Looker<'_>) -> Result<(), JournalError>;

    /// The revision of that moment.
    fn revision_at(&self, moment: &Moment) -> Result<Revision, JournalError>;

    /// The text of one record as it was then; none when it was not there.
    fn record_at(&self, resource: &str, uuid: Uuid, moment: &Moment) -> Result<Option<String>, JournalError>;

    /// How long it took to bring each batch to the disk, as far as that was the disk's doing.
    fn syncs(&self) -> histogram::Reading;

    /// Calls `alarm` when it turns out, outside of [`Journal::append`], that nothing can be written any more.
    fn on_failure(&self, alarm: Box<dyn FnOnce() + Send>);
}

/// A mutation of the past, looked at.
pub trait Look {
    /// What is known without reading what it changed.
    fn version(&self) -> &StoredVersion;

    /// The records it changed.
    fn records(&mut self) -> Result<Vec<(String, Uuid)>, JournalError>;

    /// The text of a record before it and after it.
    fn texts(&mut self, resource: &str, uuid: Uuid) -> Result<[Option<String>; 2], JournalError>;
}

/// Says of each mutation whether to look further back.
pub type Looker<'a> = dyn FnMut(&mut dyn Look) -> Result<ControlFlow<()>, JournalError> + 'a;

/// A state of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The one that a revision, or a unique beginning of one, names.
    Revision(String),
    /// The newest one that was made no later.
    Time(DateTime<Utc>),
}

impl From<&str> for Moment {
    /// A time as RFC 3339 writes it, or else a revision.
    fn from(text: &str) -> Self {
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Self::Time(time.to_utc()),
            Err(_) => Self::Revision(text.to_owned()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revision(revision) => f.write_str(revision),
            Self::Time(time) => write!(f, "{}", time.to_rfc3339()),
        }
    }
}

/// Where a record lies: in messages, and in git.
pub fn record_path(resource: &str, uuid: Uuid) -> String {
    let name = uuid.hyphenated().to_string();
    let [a, b, c] = [0, 1, 2].map(|i| &name[i..=i]);
    format!("tables/{resource}/{a}/{b}/{c}/{name}.json")
}

/// The id under which a record with this text is kept: equal texts have equal ids.
pub fn content_id(text: &str) -> String {
    git::blob_id(text)
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
    /// The newest receipts, oldest first.
    pub receipts: Vec<Receipt>,
}

/// A record as the journal holds it, unchecked.
pub struct Stored {
    /// The resource whose table it lies in.
    pub resource: Arc<str>,
    /// The uuid in its name.
    pub uuid: Uuid,
    /// Its text; none where it is not UTF-8.
    pub text: Option<Box<str>>,
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
    /// What it was answered, for a client that asks for it again. Not in git.
    pub receipt: Option<Receipt>,
}

/// What a write was answered. See [`super::receipts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// A hash of who asked, and of the key they gave to it.
    pub key: [u8; 32],
    /// A hash of what was asked for.
    pub request: [u8; 32],
    /// When.
    pub time: DateTime<Utc>,
    /// What the answer is made of, in the words of the caller. No secrets.
    pub outcome: String,
    /// The revision that holds it; empty until there is one.
    pub revision: Revision,
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

/// One version of a record, as the journal holds it.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// The revision that made it.
    pub revision: Revision,
    /// When.
    pub time: DateTime<Utc>,
    /// Name and e-mail address of who did it, as they were then.
    pub author: String,
    /// Who that was for certain: [`Author::actor`].
    pub actor: String,
    /// What happened, in one line.
    pub summary: String,
    /// The request it came with.
    pub request_id: Option<String>,
    /// Its text; none when it was deleted.
    pub text: Option<String>,
}

/// What can go wrong below the store.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Nothing was there then, or no revision has that name.
    #[error("there is no revision `{0}`")]
    NoSuchRevision(Moment),
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

fn failed<E: fmt::Display>(step: &str) -> impl FnOnce(E) -> JournalError + use<E> {
    let step = step.to_owned();
    move |reason| JournalError::Failed { step, reason: reason.to_string() }
}
