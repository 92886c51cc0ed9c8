//! From a folder on the disk to a store that serves: lock, load, check.

use super::earlier::Earlier;
use super::feed::Feed;
use super::journal::git::{GitJournal, Repair};
use super::journal::{Author, Journal, JournalError, Loaded, Moment};
use super::lock::lock;
use super::meta::{self, Meta};
use super::pulse::Pulse;
use super::seal::{Keyring, KeyringError};
use super::snapshot::Snapshot;
use super::stats::Counts;
use super::transaction::Transaction;
use super::writer::{Order, QUEUE, Writer};
use super::{Inner, Past, Settings, Store};
use super::{dump, load};
use crate::error::Finding;
use crate::resource::Kinds;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::{OnceCell, mpsc, watch};

/// How many faults are listed before the rest is only counted.
const FAULTS_SHOWN: usize = 20;

/// A rule that something in the store breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it lies in the repository, or the name of the dump.
    pub path: String,
    /// The rule.
    pub finding: Finding,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.finding)
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{path} is in use by another process{holder}")]
    Locked {
        /// The storage folder.
        path: PathBuf,
        /// ` (process 123)`, where it can be told.
        holder: String,
    },
    /// The folder cannot be made, read or written.
    #[error("{path}: {step}: {source}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be read or written.
    #[error("{path}: {source}")]
    Journal {
        /// The repository.
        path: PathBuf,
        /// What went wrong.
        source: JournalError,
    },
    /// There are no keys to open the secrets with.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The store is of another tenant or a newer program.
    #[error("{0}")]
    NotOurs(String),
    /// Entries break the rules of their resource.
    #[error("{}", Faults(.faults, .advice))]
    Faults {
        /// Which, and where.
        faults: Vec<Fault>,
        /// What can be done about it.
        advice: Vec<String>,
    },
}

impl OpenError {
    pub(super) fn fault(path: &str, finding: Finding) -> Self {
        Self::Faults { faults: vec![Fault { path: path.into(), finding }], advice: vec![] }
    }
}

struct Faults<'a>(&'a [Fault], &'a [String]);

impl fmt::Display for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.len();
        write!(f, "the store breaks {all} rule{}; nothing was changed:", if all == 1 { "" } else { "s" })?;
        for fault in self.0.iter().take(FAULTS_SHOWN) {
            write!(f, "\n  {fault}")?;
        }
        if all > FAULTS_SHOWN {
            write!(f, "\n  … and {} more", all - FAULTS_SHOWN)?;
        }
        self.1.iter().try_for_each(|advice| write!(f, "\n{advice}"))
    }
}

pub(super) fn open(settings: Settings) -> Result<Store, OpenError> {
    let lock = lock(&settings.path)?;
    open_locked(settings, lock)
}

/// Opens the store whose lock the caller has taken.
pub(super) fn open_locked(settings: Settings, lock: File) -> Result<Store, OpenError> {
    let begin = Instant::now();
    let journal = journal(&settings)?;
    let opened = begin.elapsed();
    let loaded = journal.load().map_err(failed(&settings))?;
    let read = begin.elapsed();
    let meta = Meta::read(&loaded, &settings)?;
    let (documents, earlier) = (loaded.documents.clone(), Earlier::read(&loaded, &meta));
    let mut tables = checked(loaded, &meta, &earlier, &settings, &settings.kinds)?;
    tracing::debug!(?opened, ?read, checked = ?begin.elapsed(), "loaded the store");
    bring_up_to_date(&journal, &settings, (&meta, &earlier), &documents, &mut tables)?;
    import_old_dump(&journal, &settings, &mut tables)?;

    let journal: Arc<dyn Journal> = Arc::new(journal);
    let (publish, tables) = watch::channel(Arc::new(tables));
    let (queue, jobs) = mpsc::channel(QUEUE);
    let writers = queue.downgrade();
    journal.on_failure(Box::new(move || {
        // A queue that is full needs no waking: its next write learns it from the journal.
        let _ = writers.upgrade().map(|queue| queue.try_send(Order::Failed));
    }));
    let closing = Arc::new(AtomicBool::new(false));
    let counts = Arc::<Counts>::default();
    let pulse = Arc::<Pulse>::default();
    let feed = Feed::after(tables.borrow().revision().clone());
    let writer = Writer {
        journal: journal.clone(),
        tables: publish,
        queue: jobs,
        clock: settings.clock.clone(),
        counts: counts.clone(),
        pulse: pulse.clone(),
        feed: feed.clone(),
        closing: closing.clone(),
        lock,
    };
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.run())
        .map_err(folder(&settings.path, "starting the writer"))?;
    let past = verify_in_background(journal.clone(), closing);
    Ok(Store(Arc::new(Inner {
        settings,
        tables,
        queue,
        journal,
        counts,
        pulse,
        feed,
        recalled: OnceCell::new(),
        past,
    })))
}

/// What is served has been read and hashed; the rest of the history is, beside the serving.
fn verify_in_background(journal: Arc<dyn Journal>, closing: Arc<AtomicBool>) -> watch::Receiver<Past> {
    let (tell, past) = watch::channel(Past::BeingVerified);
    let verify = move || {
        // For this thread alone, on Linux: it can wait.
        let _ = rustix::process::setpriority_process(None, 19);
        match journal.verify(&|| !closing.load(Ordering::Relaxed)) {
            Ok(None) => {}
            Ok(Some(revisions)) => {
                tracing::debug!(revisions, "the whole history can be read");
                tell.send_replace(Past::Verified { revisions });
            }
            Err(reason) => {
                tracing::error!(%reason, "the history is damaged; what is served is not");
                tell.send_replace(Past::Damaged { reason: reason.to_string() });
            }
        }
    };
    if let Err(reason) = std::thread::Builder::new().name("verify".into()).spawn(verify) {
        tracing::warn!(%reason, "the history is not verified");
    }
    past
}

/// Checks everything in the storage and changes nothing; the tables that were checked, when nothing is wrong.
pub fn check(settings: &Settings) -> Result<Option<Snapshot>, OpenError> {
    let repository = settings.path.join("tables.git");
    if !repository.exists() {
        return Ok(None);
    }
    let _lock = lock(&settings.path)?;
    check_journal(&journal(settings)?, settings, &settings.kinds).map(Some)
}

/// Checks everything at the newest revision against these resources, and whether all before it can be read.
pub(super) fn check_journal(
    journal: &dyn Journal,
    settings: &Settings,
    kinds: &Kinds,
) -> Result<Snapshot, OpenError> {
    let loaded = journal.load().map_err(failed(settings))?;
    let meta = Meta::read(&loaded, settings)?;
    let earlier = Earlier::read(&loaded, &meta);
    let tables = checked(loaded, &meta, &earlier, settings, kinds)?;
    journal.verify(&|| true).map_err(failed(settings))?;
    Ok(tables)
}

/// Looks for damage that a start does not mend; does something about it only when told to, and then looks again. Answers
/// with what there is to do, or was done.
pub fn repair(settings: &Settings, apply: bool) -> Result<Vec<String>, OpenError> {
    /// A damage behind a damage behind a damage.
    const ROUNDS: usize = 8;
    let _lock = lock(&settings.path)?;
    let path = settings.path.join("tables.git");
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let repair =
            Repair::plan(&path, &settings.path.join("wal"), settings.log_size).map_err(failed(settings))?;
        let steps = repair.steps();
        let done = steps.is_empty();
        all.extend(steps);
        if done || !apply {
            break;
        }
        repair.apply((settings.clock)()).map_err(failed(settings))?;
    }
    Ok(all)
}

fn checked(
    loaded: Loaded,
    meta: &Meta,
    earlier: &Earlier,
    settings: &Settings,
    kinds: &Kinds,
) -> Result<Snapshot, OpenError> {
    let keys = Keyring::open(&settings.keys, meta.sealed_with.as_deref())?;
    let (tables, mut faults) = load::tables(loaded, kinds, &Arc::new(keys), earlier);
    if faults.is_empty() {
        return Ok(tables);
    }
    faults.sort_by(|one, other| one.path.cmp(&other.path));
    let advice = earlier.advice(kinds, &faults);
    Err(OpenError::Faults { faults, advice })
}

pub(super) fn tables_at(
    journal: &dyn Journal,
    kinds: &Kinds,
    keys: &Arc<Keyring>,
    moment: &Moment,
) -> Result<Snapshot, JournalError> {
    let loaded = journal.at(moment)?;
    let damaged = |e: serde_json::Error| {
        JournalError::Damaged(format!("meta.json at {moment} is not JSON (line {})", e.line()))
    };
    let earlier = Earlier::read(&loaded, &Meta::parse(&loaded).map_err(damaged)?);
    let (tables, faults) = load::tables(loaded, kinds, keys, &earlier);
    // What was right then may break a rule of today. To leave it out in silence would be a wrong picture of the past.
    match faults.as_slice() {
        [] => Ok(tables),
        [first, ..] => {
            let count = faults.len();
            Err(JournalError::Damaged(format!(
                "{moment} breaks {count} of today's rules, the first: {first}"
            )))
        }
    }
}

fn journal(settings: &Settings) -> Result<GitJournal, OpenError> {
    let path = &settings.path;
    // The storage folder itself may be the operator's, and open to others; what holds credentials is not.
    for name in ["tables.git", "wal"] {
        let folder_of_ours = path.join(name);
        let made = fs::DirBuilder::new().recursive(true).create(&folder_of_ours);
        made.and_then(|()| fs::set_permissions(&folder_of_ours, fs::Permissions::from_mode(0o700)))
            .map_err(folder(&folder_of_ours, "closing the folder to other users"))?;
    }
    let repository = path.join("tables.git");
    GitJournal::open(&repository, &path.join("wal"), settings.log_size)
        .map_err(|source| OpenError::Journal { path: repository, source })
}

/// Keeps the format, the tenant and the definitions in force in the repository, where a reader of it finds them; and
/// brings an older format to this one, all in one commit.
fn bring_up_to_date(
    journal: &dyn Journal,
    settings: &Settings,
    (meta, earlier): (&Meta, &Earlier),
    present: &[(String, String)],
    tables: &mut Snapshot,
) -> Result<(), OpenError> {
    let wanted = meta::documents(settings, tables.keys());
    let documents: Vec<_> = wanted.into_iter().filter(|document| !present.contains(document)).collect();
    if documents.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = documents.iter().map(|(name, _)| name.as_str()).collect();
    let mut subject = format!("store: describe ({})", names.join(", "));
    let mut transaction = Transaction::new(tables.clone());
    if !meta.is_sealed() {
        subject = format!("store: {}: secrets are sealed", meta.migration());
        tracing::warn!("{subject}. What was written before lies open in the history of the repository");
    }
    for index in earlier.to_be_sealed(&settings.kinds) {
        let kind = settings.kinds.at(index);
        if meta.is_sealed() && tables.len(kind) > 0 {
            let name = kind.name();
            tracing::warn!(
                "secrets of {name} that lay open are sealed. What was written before lies open in the history of the repository"
            );
        }
        transaction.seal_open_ones(kind).map_err(|e| OpenError::NotOurs(e.to_string()))?;
    }
    for kind in settings.kinds.iter() {
        transaction.make_missing_secrets(kind).map_err(|e| OpenError::NotOurs(e.to_string()))?;
    }
    transaction.describe(subject, documents);
    commit(journal, settings, transaction, "server", tables)
}

/// Makes a mutation durable before the store is open.
fn commit(
    journal: &dyn Journal,
    settings: &Settings,
    transaction: Transaction,
    part: &str,
    tables: &mut Snapshot,
) -> Result<(), OpenError> {
    let outcome = transaction.finish().map_err(|e| OpenError::NotOurs(e.to_string()))?;
    let Some(outcome) = outcome else { return Ok(()) };
    let (after, mutation) = outcome.mutation(Author::program(part), (settings.clock)());
    let revision = journal.append(&[mutation]).map_err(failed(settings))?.pop();
    *tables = after;
    tables.set_revision(revision.unwrap_or_default());
    Ok(())
}

/// A storage folder of the 2017 server holds `table_db.json`: taken over as one commit into an empty store.
fn import_old_dump(
    journal: &dyn Journal,
    settings: &Settings,
    tables: &mut Snapshot,
) -> Result<(), OpenError> {
    let path = settings.path.join("table_db.json");
    if !tables.is_empty() || !path.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).map_err(folder(&path, "reading the old dump"))?;
    let import = dump::Import::read(tables, &text, (settings.clock)()).map_err(|faults| {
        let in_file = |fault: Fault| Fault { path: format!("table_db.json: {}", fault.path), ..fault };
        OpenError::Faults { faults: faults.into_iter().map(in_file).collect(), advice: vec![] }
    })?;
    for note in import.notes() {
        tracing::warn!(file = "table_db.json", "{note}");
    }
    let mut transaction = Transaction::new(tables.clone());
    let count = import
        .put(&mut transaction)
        .map_err(|e| OpenError::fault("table_db.json", Finding::new("", "import", e.to_string())))?;
    transaction.describe(format!("import of {count} entries from table_db.json"), vec![]);
    commit(journal, settings, transaction, "import", tables)?;
    tracing::info!(count, "imported the old server's table_db.json");
    Ok(())
}

fn failed(settings: &Settings) -> impl FnOnce(JournalError) -> OpenError {
    let path = settings.path.join("tables.git");
    move |source| OpenError::Journal { path, source }
}

pub(super) fn folder(path: &Path, step: &'static str) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Folder { path, step, source }
}
