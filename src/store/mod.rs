//! The tenant's records: in memory as immutable [`Snapshot`]s, on disk in a [`Journal`].
//!
//! All changes go through [`Store::write`]: one writer thread decides each mutation against the newest tables, makes
//! a batch of them durable, publishes the tables, and only then answers. Readers never wait for it.

mod backup;
mod dump;
mod earlier;
mod feed;
mod journal;
mod load;
mod lock;
mod meta;
mod open;
mod pulse;
mod receipts;
mod record;
mod restore;
mod seal;
mod selection;
mod snapshot;
mod stats;
mod text;
mod transaction;
mod writer;

pub use backup::{Backup, Status as BackupStatus};
pub use dump::{Import, export, tablestate};
pub use feed::{Alteration, Commit, Follower, Side, TooOld};
pub use journal::{Author, JournalError, Moment, Receipt, Revision};
pub use open::{Fault, OpenError, check, repair};
pub use pulse::Vigil;
pub use record::Record;
pub use restore::{RestoreError, restore};
pub use seal::{KeyFile, Keyring, KeyringError};
pub use selection::{Filter, OPERATORS, Order, Page, Position, Selection};
pub use snapshot::{Referrer, Snapshot};
pub use stats::Stats;
pub use text::{Shown, canonical, string};
pub use transaction::{Dependents, Transaction};

use crate::error::Error;
use crate::resource::{Entry, Kind, Kinds};
use chrono::{DateTime, Utc};
use journal::{Journal, Look, StoredVersion, record_path};
use serde::Serialize;
use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{OnceCell, mpsc, oneshot, watch};
use uuid::Uuid;

/// The name of the repository in the storage folder.
const REPOSITORY: &str = "tables.git";

/// The size of each file of the write-ahead log: room for some ten thousand mutations.
pub const LOG_SIZE: u64 = 8 << 20;

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
    /// The keys that secrets are sealed with.
    pub keys: KeyFile,
    /// Where the time of a commit comes from.
    pub clock: Clock,
    /// The size of each of the log's two files ([`LOG_SIZE`]). A storage keeps the one it was made with.
    pub log_size: u64,
}

/// A handle on the open store; cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    settings: Settings,
    tables: watch::Receiver<Arc<Snapshot>>,
    queue: mpsc::Sender<writer::Order>,
    journal: Arc<dyn Journal>,
    counts: Arc<stats::Counts>,
    pulse: Arc<pulse::Pulse>,
    feed: feed::Feed,
    /// Whether the feed has been told what came before the start.
    recalled: OnceCell<()>,
    past: watch::Receiver<Past>,
}

/// What is known of the history before what is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Past {
    /// It is being read, in the background.
    BeingVerified,
    /// All of it can be read, and is what was written.
    Verified {
        /// How many revisions there were when that was known.
        revisions: u64,
    },
    /// Some of it cannot.
    Damaged {
        /// What, and where.
        reason: String,
    },
}

/// One version of a record.
#[derive(Debug, Clone)]
pub struct Version {
    /// The revision that made it.
    pub revision: Revision,
    /// When, to the second.
    pub time: DateTime<Utc>,
    /// Name and e-mail address of who did it, as they were then.
    pub author: String,
    /// Who that was for certain: [`Author::actor`].
    pub actor: String,
    /// What happened, in one line.
    pub summary: String,
    /// The request it came with.
    pub request_id: Option<String>,
    /// What it held, secrets in plain text; none when it was deleted.
    pub entry: Option<Entry>,
}

/// A mutation of the past, looked at.
pub struct Mutation<'a> {
    store: &'a Store,
    look: &'a mut dyn Look,
}

impl Mutation<'_> {
    /// When, by whom, and what it was about; without an entry.
    pub fn version(&self) -> Version {
        let StoredVersion { revision, time, author, actor, summary, request_id, .. } =
            self.look.version().clone();
        Version { revision, time, author, actor, summary, request_id, entry: None }
    }

    /// The records it changed.
    pub fn records(&mut self) -> Result<Vec<(String, Uuid)>, JournalError> {
        self.look.records()
    }

    /// A record before it and after it, secrets in plain text.
    pub fn entries(&mut self, kind: &Kind, uuid: Uuid) -> Result<[Option<Entry>; 2], JournalError> {
        let revision = self.look.version().revision.clone();
        let [before, after] = self.look.texts(kind.name(), uuid)?;
        let open = |text: Option<String>| {
            text.map(|text| self.store.opened(kind, uuid, &text, &revision)).transpose()
        };
        Ok([open(before)?, open(after)?])
    }
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

    /// Follows every commit after a revision, or from now on; answers with the revision that the follower begins after,
    /// too. Nothing waits for a follower.
    pub async fn follow(&self, after: Option<&str>) -> Result<(Follower, Revision), TooOld> {
        let feed = &self.0.feed;
        if let Ok(following) = feed.follow(after) {
            return Ok(following);
        }
        // Somebody from before the start, most likely: what came before it is brought in, once.
        let recall = async || {
            let store = self.clone();
            let recalled = tokio::task::spawn_blocking(move || feed::recall(&store, &store.0.feed)).await;
            if let Ok(Err(reason)) = recalled {
                tracing::warn!(%reason, "the commits before the start are not all known to the event stream");
            }
        };
        self.0.recalled.get_or_init(recall).await;
        feed.follow(after)
    }

    /// What is known of the history before what is served.
    pub fn past(&self) -> Past {
        self.0.past.borrow().clone()
    }

    /// How it has been doing since it was opened.
    pub fn stats(&self) -> Stats {
        let Inner { queue, journal, counts, .. } = &*self.0;
        Stats {
            batches: counts.batches.read(),
            syncs: journal.syncs(),
            queued: queue.max_capacity() - queue.capacity(),
            refused_when_full: counts.refused_when_full.load(Ordering::Relaxed),
        }
    }

    /// Watches whether the writer is alive.
    pub fn vigil(&self) -> Vigil {
        Vigil::new(self.0.pulse.clone(), self.0.queue.clone())
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
        self.check_with(self.kinds())
    }

    /// The same, as a start with other resources would.
    pub fn check_with(&self, kinds: &Kinds) -> Result<(), OpenError> {
        open::check_journal(&*self.0.journal, &self.0.settings, kinds).map(|_| ())
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
        self.versions(kind, uuid, None, usize::MAX)
    }

    /// The same, but at most `limit` of them, from the one after `after` on.
    pub fn versions(
        &self,
        kind: &Kind,
        uuid: Uuid,
        after: Option<&Revision>,
        limit: usize,
    ) -> Result<Vec<Version>, JournalError> {
        let versions = self.0.journal.history(kind.name(), uuid, after, limit)?;
        versions.into_iter().map(|stored| self.version(kind, uuid, stored)).collect()
    }

    /// Goes back through all mutations, the newest first, from the one before `before` on, until `each` has had enough.
    /// Reads the disk: not for an async thread.
    pub fn look_back(
        &self,
        before: Option<&Revision>,
        mut each: impl FnMut(Mutation<'_>) -> Result<ControlFlow<()>, JournalError>,
    ) -> Result<(), JournalError> {
        self.0.journal.look_back(before, &mut |look| each(Mutation { store: self, look }))
    }

    /// The revision of that moment. Reads the disk: not for an async thread.
    pub fn revision_at(&self, moment: &Moment) -> Result<Revision, JournalError> {
        self.0.journal.revision_at(moment)
    }

    /// One record as it was then; none when it was not there. Reads the disk: not for an async thread.
    pub fn record_at(&self, kind: &Kind, uuid: Uuid, moment: &Moment) -> Result<Option<Entry>, JournalError> {
        let text = self.0.journal.record_at(kind.name(), uuid, moment)?;
        text.map(|text| self.opened(kind, uuid, &text, moment)).transpose()
    }

    fn version(&self, kind: &Kind, uuid: Uuid, stored: StoredVersion) -> Result<Version, JournalError> {
        let StoredVersion { revision, time, author, actor, summary, request_id, text } = stored;
        let entry = text.map(|text| self.opened(kind, uuid, &text, &revision)).transpose()?;
        Ok(Version { revision, time, author, actor, summary, request_id, entry })
    }

    /// A stored entry of the past. It may break rules of today, and its secrets may lie open.
    fn opened(
        &self,
        kind: &Kind,
        uuid: Uuid,
        text: &str,
        when: &impl fmt::Display,
    ) -> Result<Entry, JournalError> {
        let broken = |finding: &dyn fmt::Display| {
            JournalError::Damaged(format!("{} at {when}: {finding}", record_path(kind.name(), uuid)))
        };
        let mut entry: Entry = serde_json::from_str(text).map_err(|_| broken(&"is not a JSON object"))?;
        match self.read().keys().open_entry(kind, uuid, &mut entry, |_| true) {
            Err(findings) if !findings.is_empty() => Err(broken(&findings[0])),
            _ => Ok(entry),
        }
    }

    /// Seals every secret anew, with a new key or, where the key file is not ours to write, with the newest in it. Answers
    /// with the name of the key in force.
    pub async fn rotate_key(&self, author: Author) -> Result<Written<String>, Error> {
        let inner = self.0.clone();
        // On the writer's thread, although it writes a file: one at a time, or a key could be lost.
        self.write(author, move |transaction| {
            let tables = transaction.tables();
            let done = tables.all_sealed_with(tables.keys().newest());
            let keys = tables.keys().renewed(&inner.settings.keys, done);
            let keys = Arc::new(keys.map_err(|e| Error::conflict("", "key", e.to_string()))?);
            let name = keys.newest().to_owned();
            let meta = meta::document(&inner.settings, &keys);
            transaction.seal_anew(keys)?;
            transaction.describe(format!("store: seal with the key {name}"), vec![meta]);
            Ok(name)
        })
        .await
    }

    /// The names of the keys that secrets are sealed with, the one in force last.
    pub fn keys(&self) -> Vec<String> {
        self.read().keys().names().map(str::to_owned).collect()
    }

    /// The tables as they were then, all of them or an error. Reads the disk: not for an async thread.
    pub fn at(&self, moment: &Moment) -> Result<Snapshot, JournalError> {
        open::tables_at(&*self.0.journal, self.kinds(), self.read().keys(), moment)
    }
}

#[cfg(test)]
mod tests;
