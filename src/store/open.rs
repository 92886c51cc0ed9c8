//! From a folder on the disk to a store that serves: lock, load, check.

use super::dump;
use super::journal::git::GitJournal;
use super::journal::{Author, Journal, JournalError, Loaded, Mutation, Stored};
use super::record::Record;
use super::snapshot::Snapshot;
use super::transaction::Transaction;
use super::writer::{QUEUE, Writer};
use super::{Inner, Settings, Store};
use crate::error::Finding;
use crate::resource::{Entry, Kind, Kinds};
use serde_json::{Value, json};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// The layout of the repository. A store of a newer one is refused.
const FORMAT: u64 = 1;

const META: &str = "meta.json";
const RESOURCES: &str = "resources.json";

/// How many faults are listed before the rest is only counted.
const FAULTS_SHOWN: usize = 100;

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
    /// The store is of another tenant or a newer program.
    #[error("{0}")]
    NotOurs(String),
    /// Entries break the rules of their resource.
    #[error("{}", Faults(.0))]
    Faults(Vec<Fault>),
}

struct Faults<'a>(&'a [Fault]);

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
        Ok(())
    }
}

pub(super) fn open(settings: Settings) -> Result<Store, OpenError> {
    let lock = lock(&settings.path)?;
    open_locked(settings, lock)
}

/// Opens the store whose lock the caller has taken.
pub(super) fn open_locked(settings: Settings, lock: File) -> Result<Store, OpenError> {
    let journal = journal(&settings.path)?;
    let mut loaded = load(&journal, &settings)?;
    let documents = std::mem::take(&mut loaded.documents);
    let mut tables = checked(loaded, &settings)?;
    describe(&journal, &settings, &documents, &mut tables)?;
    import_old_dump(&journal, &settings, &mut tables)?;

    let journal: Arc<dyn Journal> = Arc::new(journal);
    let (publish, tables) = watch::channel(Arc::new(tables));
    let (queue, jobs) = mpsc::channel(QUEUE);
    let writer = Writer {
        journal: journal.clone(),
        tables: publish,
        queue: jobs,
        clock: settings.clock.clone(),
        _lock: lock,
    };
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.run())
        .map_err(folder(&settings.path, "starting the writer"))?;
    Ok(Store(Arc::new(Inner { settings, tables, queue, journal })))
}

/// Checks everything in the storage and changes nothing; the tables that were checked, when nothing is wrong.
pub fn check(settings: &Settings) -> Result<Snapshot, OpenError> {
    let repository = settings.path.join("tables.git");
    if !repository.exists() {
        return Ok(Snapshot::empty(settings.kinds.clone()));
    }
    let _lock = lock(&settings.path)?;
    check_journal(&journal(&settings.path)?, settings)
}

pub(super) fn tables_at(
    journal: &dyn Journal,
    kinds: &Kinds,
    revision: &str,
) -> Result<Snapshot, JournalError> {
    let (tables, faults) = tables(journal.at(revision)?, kinds);
    // What was right then may break a rule of today. To leave it out in silence would be a wrong picture of the past.
    match faults.as_slice() {
        [] => Ok(tables),
        [first, ..] => {
            let count = faults.len();
            Err(JournalError::Damaged(format!(
                "{revision} breaks {count} of today's rules, the first: {first}"
            )))
        }
    }
}

/// One process at a time: the lock goes with the process, however it ends.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    // Other users of the machine have no business with credentials.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(folder(path, "creating the storage folder"))?;
    let name = path.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(folder(&name, "opening the storage's lock"))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder =
                holder.trim().parse::<u32>().map(|pid| format!(" (process {pid})")).unwrap_or_default();
            return Err(OpenError::Locked { path: path.to_owned(), holder });
        }
        Err(e) => return Err(folder(&name, "locking the storage")(e.into())),
    }
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(folder(&name, "writing the storage's lock"))?;
    Ok(file)
}

fn journal(path: &Path) -> Result<GitJournal, OpenError> {
    // The storage folder itself may be the operator's, and open to others; what holds credentials is not.
    for name in ["tables.git", "wal"] {
        let folder_of_ours = path.join(name);
        let made = fs::DirBuilder::new().recursive(true).create(&folder_of_ours);
        made.and_then(|()| fs::set_permissions(&folder_of_ours, fs::Permissions::from_mode(0o700)))
            .map_err(folder(&folder_of_ours, "closing the folder to other users"))?;
    }
    let repository = path.join("tables.git");
    GitJournal::open(&repository, &path.join("wal"))
        .map_err(|source| OpenError::Journal { path: repository, source })
}

/// Loads the newest revision, if it is one of ours.
fn load(journal: &dyn Journal, settings: &Settings) -> Result<Loaded, OpenError> {
    let loaded = journal.load().map_err(failed(settings))?;
    check_meta(&loaded, settings)?;
    Ok(loaded)
}

fn checked(loaded: Loaded, settings: &Settings) -> Result<Snapshot, OpenError> {
    let (tables, faults) = tables(loaded, &settings.kinds);
    if faults.is_empty() { Ok(tables) } else { Err(OpenError::Faults(faults)) }
}

/// Checks everything at the newest revision.
pub(super) fn check_journal(journal: &dyn Journal, settings: &Settings) -> Result<Snapshot, OpenError> {
    checked(load(journal, settings)?, settings)
}

fn check_meta(loaded: &Loaded, settings: &Settings) -> Result<(), OpenError> {
    let Some((_, text)) = loaded.documents.iter().find(|(name, _)| name == META) else { return Ok(()) };
    let meta: Value = serde_json::from_str(text).map_err(|e| {
        OpenError::Faults(vec![Fault {
            path: META.into(),
            finding: Finding::new("", "json", format!("is not JSON: {e}")),
        }])
    })?;
    let format = meta["format"].as_u64().unwrap_or(FORMAT);
    if format > FORMAT {
        let path = settings.path.display();
        return Err(OpenError::NotOurs(format!(
            "{path} is in format {format}, made by a newer karana; this one knows {FORMAT}"
        )));
    }
    match meta["tenant"]["id"].as_str() {
        Some(id) if id != settings.tenant.0 => Err(OpenError::NotOurs(format!(
            "{} belongs to the tenant `{id}`, but the configuration says `{}` ([tenant] id)",
            settings.path.display(),
            settings.tenant.0
        ))),
        _ => Ok(()),
    }
}

/// Sorts what was loaded into tables, and names everything that breaks a rule.
fn tables(loaded: Loaded, kinds: &Kinds) -> (Snapshot, Vec<Fault>) {
    let mut tables = Snapshot::empty(kinds.clone());
    let mut faults = Vec::new();
    for (path, reason) in loaded.strangers {
        faults.push(Fault { path, finding: Finding::new("", "stranger", reason) });
    }
    let mut placed = Vec::with_capacity(loaded.records.len());
    for stored in loaded.records {
        let path = stored.path.clone();
        match place(stored, kinds, &mut tables) {
            Ok((kind, uuid)) => placed.push((path, kind, uuid)),
            Err(findings) => {
                faults.extend(findings.into_iter().map(|finding| Fault { path: path.clone(), finding }))
            }
        }
    }
    // Only now are all there that may be referred to.
    for (path, kind, uuid) in placed {
        let findings = tables.get(kind, uuid).map(|record| tables.dangling(kind, record)).unwrap_or_default();
        faults.extend(findings.into_iter().map(|finding| Fault { path: path.clone(), finding }));
    }
    if let Some(revision) = loaded.revision {
        tables.set_revision(revision);
    }
    (tables, faults)
}

/// Puts one stored record where it belongs, if it keeps the rules of its resource.
fn place<'k>(
    stored: Stored,
    kinds: &'k Kinds,
    tables: &mut Snapshot,
) -> Result<(&'k Kind, Uuid), Vec<Finding>> {
    let one = |field: &str, code: &str, message: String| vec![Finding::new(field, code, message)];
    let kind = kinds.get(&stored.resource).ok_or_else(|| {
        let name = &stored.resource;
        one(
            "",
            "resource",
            format!("the resource `{name}` is not enabled ([resources] enabled), but has entries"),
        )
    })?;
    let text = stored.text.ok_or_else(|| one("", "utf8", "is not UTF-8".into()))?;
    // The place only: serde_json may quote values.
    let entry: Entry = serde_json::from_str(&text).map_err(|e| {
        one("", "json", format!("is not a JSON object (line {}, column {})", e.line(), e.column()))
    })?;
    if entry.get("uuid").and_then(Value::as_str) != Some(stored.uuid.to_string().as_str()) {
        return Err(one("uuid", "uuid", "must be the uuid in the file's name".into()));
    }
    // Entries of an earlier version lack the fields that have come since; those have defaults.
    let entry = kind.completed(&entry);
    let findings = kind.check(&entry);
    if !findings.is_empty() {
        return Err(findings);
    }
    tables.put(kind, Record::new(stored.uuid, &entry))?;
    Ok((kind, stored.uuid))
}

/// Keeps the format, the tenant and the definitions in force in the repository, where a reader of it finds them.
fn describe(
    journal: &dyn Journal,
    settings: &Settings,
    present: &[(String, String)],
    tables: &mut Snapshot,
) -> Result<(), OpenError> {
    let (id, name) = &settings.tenant;
    let meta = json!({"format": FORMAT, "tenant": {"id": id, "name": name}});
    let resources = json!({"resources": settings.kinds.definitions()});
    let text = |value: Value| value.as_object().map(super::canonical).unwrap_or_default();
    let wanted = [(META.to_owned(), text(meta)), (RESOURCES.to_owned(), text(resources))];
    let documents: Vec<_> = wanted.into_iter().filter(|document| !present.contains(document)).collect();
    if documents.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = documents.iter().map(|(name, _)| name.as_str()).collect();
    let mutation = Mutation {
        author: Author::program("server"),
        time: (settings.clock)(),
        summary: format!("store: describe ({})", names.join(", ")),
        changes: vec![],
        documents,
    };
    if let Some(revision) = journal.append(&[mutation]).map_err(failed(settings))?.pop() {
        tables.set_revision(revision);
    }
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
        OpenError::Faults(faults.into_iter().map(in_file).collect())
    })?;
    for note in import.notes() {
        tracing::warn!(file = "table_db.json", "{note}");
    }
    let mut transaction = Transaction::new(tables.clone());
    let put = import.put(&mut transaction).and_then(|count| Ok((count, transaction.finish()?)));
    let (count, outcome) = put.map_err(|e| {
        let finding = Finding::new("", "import", e.to_string());
        OpenError::Faults(vec![Fault { path: "table_db.json".into(), finding }])
    })?;
    let Some(outcome) = outcome else { return Ok(()) };
    let mutation = Mutation {
        author: Author::program("import"),
        time: (settings.clock)(),
        summary: format!("import of {count} entries from table_db.json"),
        changes: outcome.changes,
        documents: vec![],
    };
    let revision = journal.append(&[mutation]).map_err(failed(settings))?.pop();
    *tables = outcome.tables;
    tables.set_revision(revision.unwrap_or_default());
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
