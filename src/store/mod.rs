//! The tenant's records: in memory as immutable [`Snapshot`]s, on disk in a [`Journal`].
//!
//! All changes go through [`Store::write`]: one writer thread decides each mutation against the newest tables, makes
//! a batch of them durable, publishes the tables, and only then answers. Readers never wait for it.

mod backup;
mod dump;
mod journal;
mod open;
mod record;
mod restore;
mod snapshot;
mod transaction;
mod writer;

pub use backup::{Backup, Status as BackupStatus};
pub use dump::{Import, export, tablestate};
pub use journal::{Author, JournalError, Revision, Version};
pub use open::{Fault, OpenError, check};
pub use record::{Record, canonical};
pub use restore::{RestoreError, restore};
pub use snapshot::{Referrer, Snapshot};
pub use transaction::{Dependents, Transaction};

use crate::error::Error;
use crate::resource::{Kind, Kinds};
use chrono::{DateTime, Utc};
use journal::Journal;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// The name of the repository in the storage folder.
const REPOSITORY: &str = "tables.git";

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What a store is opened with.
pub struct Settings {
    /// The storage folder.
    pub path: PathBuf,
    /// The tenant it belongs to: `(id, name)`.
    pub tenant: (String, String),
    /// The resources in force.
    pub kinds: Kinds,
    /// Where the time of a commit comes from.
    pub clock: Clock,
}

/// A handle on the open store; cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    settings: Settings,
    tables: watch::Receiver<Arc<Snapshot>>,
    queue: mpsc::Sender<writer::Order>,
    journal: Arc<dyn Journal>,
}

/// The outcome of a write.
#[derive(Debug)]
pub struct Written<T> {
    /// What the decision answered with.
    pub value: T,
    /// The revision that holds it.
    pub revision: Revision,
}

impl Store {
    /// Locks the storage, loads and checks everything in it, and starts the writer.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        open::open(settings)
    }

    /// The resources in force.
    pub fn kinds(&self) -> &Kinds {
        &self.0.settings.kinds
    }

    /// The tables as they are now. Take them once for a request.
    pub fn read(&self) -> Arc<Snapshot> {
        self.0.tables.borrow().clone()
    }

    /// Sees each new state of the tables; a slow subscriber sees the newest one.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.tables.clone()
    }

    /// Whether writes are possible: not after the disk has failed one.
    pub fn takes_writes(&self) -> bool {
        !self.0.queue.is_closed()
    }

    /// Resolves when writes have become impossible.
    pub async fn failed(&self) {
        self.0.queue.closed().await;
    }

    /// Takes no more writes, brings everything to its final place, and lets go of the storage.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.queue.send(writer::Order::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// Runs `decide` as [`Store::write`] would, and keeps nothing of it.
    pub fn rehearse<T>(&self, decide: impl FnOnce(&mut Transaction) -> Result<T, Error>) -> Result<T, Error> {
        let mut transaction = Transaction::new((*self.read()).clone());
        let value = decide(&mut transaction)?;
        transaction.finish().map(|_| value)
    }

    /// Checks everything in the journal again, as at the start. Reads the disk: not for an async thread.
    pub fn check(&self) -> Result<(), OpenError> {
        open::check_journal(&*self.0.journal, &self.0.settings).map(|_| ())
    }

    /// Runs `decide` against the newest tables, on the writer's thread: it must be quick and must not block. What it
    /// changed is one commit, durable when this answers; when it fails or changes nothing, there is none.
    pub async fn write<T, F>(&self, author: Author, decide: F) -> Result<Written<T>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(writer::Write::new(author, decide, answer));
        self.0.queue.send(writer::Order::Write(job)).await.map_err(|_| writer::refusal())?;
        answered.await.map_err(|_| writer::refusal())?
    }

    /// All versions of one record, the newest first. Reads the disk: not for an async thread.
    pub fn history(&self, kind: &Kind, uuid: Uuid) -> Result<Vec<Version>, JournalError> {
        self.0.journal.history(kind.name(), uuid)
    }

    /// The tables as they were at a revision, all of them or an error. Reads the disk: not for an async thread.
    pub fn at(&self, revision: &str) -> Result<Snapshot, JournalError> {
        open::tables_at(&*self.0.journal, self.kinds(), revision)
    }
}

#[cfg(test)]
mod tests;
