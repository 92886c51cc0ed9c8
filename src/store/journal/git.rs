//! The journal as a bare git repository: branch `main`, one commit a mutation.
//!
//! Layout of the tree: documents at the top, `tables/<resource>/<a>/<b>/<c>/<uuid>.json` with the uuid's first three
//! hexadecimal digits, so that a mutation rewrites a few small trees however many records there are.

use super::{Author, Change, Journal, JournalError, Loaded, Mutation, Revision, Stored, Version};
use chrono::{DateTime, Utc};
use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Time, Tree};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use uuid::Uuid;

const BRANCH: &str = "refs/heads/main";

/// A bare git repository.
pub struct GitJournal {
    path: PathBuf,
    /// The writer's handle, and the commit the branch must still point at.
    writer: Mutex<Writer>,
}

struct Writer {
    repository: Repository,
    head: Option<Oid>,
}

impl GitJournal {
    /// Opens the repository, made anew when there is none. The caller holds the storage's lock.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        sync_what_git_writes();
        let repository = if path.join("HEAD").exists() {
            remove_stale_locks(path)?;
            Repository::open_bare(path).map_err(failed("opening the repository"))?
        } else {
            create(path)?
        };
        let head = match repository.refname_to_id(BRANCH) {
            Ok(id) => Some(id),
            Err(e) if e.code() == git2::ErrorCode::NotFound => None,
            Err(e) => return Err(failed("reading the branch")(e)),
        };
        Ok(Self { path: path.to_owned(), writer: Mutex::new(Writer { repository, head }) })
    }

    /// Readers get a handle of their own: libgit2's is not for two threads at a time.
    fn reader(&self) -> Result<Repository, JournalError> {
        Repository::open_bare(&self.path).map_err(failed("opening the repository"))
    }
}

impl Journal for GitJournal {
    fn load(&self) -> Result<Loaded, JournalError> {
        let repository = self.reader()?;
        match repository.refname_to_id(BRANCH) {
            Ok(id) => load(&repository, id),
            Err(e) if e.code() == git2::ErrorCode::NotFound => {
                Ok(Loaded { revision: None, records: vec![], documents: vec![], strangers: vec![] })
            }
            Err(e) => Err(failed("reading the branch")(e)),
        }
    }

    fn at(&self, revision: &str) -> Result<Loaded, JournalError> {
        let repository = self.reader()?;
        let unknown = || JournalError::NoSuchRevision(revision.to_owned());
        if revision.len() < 4 || !revision.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let object = repository.revparse_single(revision).map_err(|_| unknown())?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        load(&repository, commit.id())
    }

    fn append(&self, batch: &[Mutation]) -> Result<Vec<Revision>, JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { repository, head } = &mut *writer;
        let mut tip =
            head.map(|id| repository.find_commit(id)).transpose().map_err(failed("reading the branch"))?;
        let mut ids = Vec::with_capacity(batch.len());
        for mutation in batch {
            let commit = commit(repository, tip.as_ref(), mutation).map_err(failed("writing a commit"))?;
            ids.push(Revision(commit.id().to_string()));
            tip = Some(commit);
        }
        // Only now that every object is on the disk may the branch name them.
        let Some(new) = tip.map(|commit| commit.id()) else { return Ok(ids) };
        let log = "karana";
        match head {
            Some(old) => repository.reference_matching(BRANCH, new, true, *old, log),
            None => repository.reference(BRANCH, new, false, log),
        }
        .map_err(|e| match e.code() {
            git2::ErrorCode::Modified | git2::ErrorCode::Exists => {
                JournalError::Foreign(self.path.display().to_string())
            }
            _ => failed("moving the branch")(e),
        })?;
        *head = Some(new);
        Ok(ids)
    }

    fn history(&self, resource: &str, uuid: Uuid) -> Result<Vec<Version>, JournalError> {
        let repository = self.reader()?;
        history(&repository, &record_path(resource, uuid)).map_err(failed("walking the history"))
    }
}

/// The path of a record in the tree.
fn record_path(resource: &str, uuid: Uuid) -> String {
    let name = uuid.hyphenated().to_string();
    let [a, b, c] = [0, 1, 2].map(|i| &name[i..=i]);
    format!("tables/{resource}/{a}/{b}/{c}/{name}.json")
}

fn commit<'r>(
    repository: &'r Repository,
    parent: Option<&Commit<'_>>,
    mutation: &Mutation,
) -> Result<Commit<'r>, git2::Error> {
    let base = match parent {
        Some(commit) => commit.tree()?,
        // An update needs a tree to start from; the first commit is the one that brings the documents.
        None => {
            let mut builder = repository.treebuilder(None)?;
            for (name, text) in &mutation.documents {
                builder.insert(name, repository.blob(text.as_bytes())?, FileMode::Blob.into())?;
            }
            repository.find_tree(builder.write()?)?
        }
    };
    let mut update = TreeUpdateBuilder::new();
    for Change { resource, uuid, text } in &mutation.changes {
        let path = record_path(resource, *uuid);
        match text {
            Some(text) => update.upsert(path, repository.blob(text.as_bytes())?, FileMode::Blob),
            None => update.remove(path),
        };
    }
    for (name, text) in &mutation.documents {
        update.upsert(name.as_str(), repository.blob(text.as_bytes())?, FileMode::Blob);
    }
    let tree = repository.find_tree(update.create_updated(repository, &base)?)?;
    let signature = signature(&mutation.author, mutation.time)?;
    let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
    let id = repository.commit(None, &signature, &signature, &message(mutation), &tree, &parents)?;
    repository.find_commit(id)
}

fn message(mutation: &Mutation) -> String {
    let mut message = format!("{}\n\nActor: {}\n", mutation.summary, mutation.author.actor);
    if let Some(id) = &mutation.author.request_id {
        message.push_str(&format!("Request-Id: {id}\n"));
    }
    message
}

fn signature(author: &Author, time: DateTime<Utc>) -> Result<Signature<'static>, git2::Error> {
    // Git allows neither angle brackets nor line breaks here, and no empty name.
    let plain =
        |text: &str| text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect::<String>();
    let (name, email) = (plain(&author.name), plain(&author.email));
    let name = if name.trim().is_empty() { &email } else { &name };
    Signature::new(name, &email, &Time::new(time.timestamp(), 0))
}

fn load(repository: &Repository, id: Oid) -> Result<Loaded, JournalError> {
    let mut loaded = Loaded {
        revision: Some(Revision(id.to_string())),
        records: vec![],
        documents: vec![],
        strangers: vec![],
    };
    let tree = repository
        .find_commit(id)
        .and_then(|commit| commit.tree())
        .map_err(failed("reading the newest commit"))?;
    read_tree(repository, &tree, "", &mut loaded)?;
    Ok(loaded)
}

fn read_tree(
    repository: &Repository,
    tree: &Tree<'_>,
    above: &str,
    loaded: &mut Loaded,
) -> Result<(), JournalError> {
    for item in tree {
        let path = format!("{above}{}", String::from_utf8_lossy(item.name_bytes()));
        let reading = |e| failed(&format!("reading {path}"))(e);
        match item.kind() {
            Some(ObjectType::Tree) => {
                let inner = repository.find_tree(item.id()).map_err(reading)?;
                read_tree(repository, &inner, &format!("{path}/"), loaded)?;
            }
            Some(ObjectType::Blob) => {
                let blob = repository.find_blob(item.id()).map_err(reading)?;
                let text = String::from_utf8(blob.content().to_vec()).ok();
                sort_in(path, text, loaded);
            }
            _ => loaded.strangers.push((path, "is neither a file nor a folder".into())),
        }
    }
    Ok(())
}

fn sort_in(path: String, text: Option<String>, loaded: &mut Loaded) {
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        [_] => match text {
            Some(text) => loaded.documents.push((path, text)),
            None => loaded.strangers.push((path, "is not UTF-8".into())),
        },
        ["tables", resource, _, _, _, name] => {
            let uuid = name.strip_suffix(".json").and_then(|name| Uuid::try_parse(name).ok());
            match uuid.filter(|uuid| record_path(resource, *uuid) == path) {
                Some(uuid) => {
                    let resource = resource.to_owned();
                    loaded.records.push(Stored { path, resource, uuid, text });
                }
                None => loaded.strangers.push((path, "is not where a record with this name belongs".into())),
            }
        }
        _ => loaded.strangers.push((path, "does not belong here".into())),
    }
}

fn history(repository: &Repository, path: &str) -> Result<Vec<Version>, git2::Error> {
    let blob_at =
        |commit: &Commit<'_>| commit.tree().ok()?.get_path(Path::new(path)).ok().map(|item| item.id());
    let mut versions = Vec::new();
    let mut walk = repository.revwalk()?;
    walk.push_ref(BRANCH)?;
    for id in walk {
        let commit = repository.find_commit(id?)?;
        let (now, before) = (blob_at(&commit), commit.parent(0).ok().and_then(|parent| blob_at(&parent)));
        if now == before {
            continue;
        }
        let text = now.map(|id| repository.find_blob(id)).transpose()?;
        versions.push(Version {
            revision: Revision(commit.id().to_string()),
            time: DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default(),
            author: commit.author().to_string(),
            summary: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
            text: text.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()),
        });
    }
    Ok(versions)
}

fn create(path: &Path) -> Result<Repository, JournalError> {
    let mut options = RepositoryInitOptions::new();
    options
        .bare(true)
        .initial_head("main")
        .external_template(false)
        .description("The tables of a Karana server");
    let repository = Repository::init_opts(path, &options).map_err(failed("creating the repository"))?;
    let configure = || {
        let mut config = repository.config()?;
        // A collection beside a live writer can drop objects it has not yet named.
        config.set_i32("gc.auto", 0)?;
        config.set_bool("gc.packRefs", false)?;
        config.set_bool("core.logAllRefUpdates", false)
    };
    configure().map_err(failed("configuring the repository"))?;
    Ok(repository)
}

/// A power cut leaves lock files behind. The storage's own lock says that nobody holds them.
fn remove_stale_locks(path: &Path) -> Result<(), JournalError> {
    for name in ["HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/main.lock"] {
        match std::fs::remove_file(path.join(name)) {
            Ok(()) => tracing::warn!(file = name, "removed a lock file that a crash left behind"),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(&format!("removing {name}"))(e)),
        }
    }
    Ok(())
}

/// libgit2 does not sync to the disk by itself, and git2 has no switch for it.
fn sync_what_git_writes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[expect(
            unsafe_code,
            reason = "the only way to the option; it sets a process-wide flag before the first use"
        )]
        let code = unsafe { libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR as _, 1) };
        assert!(code == 0, "libgit2 refuses to sync to the disk");
    });
}

fn failed<E: std::fmt::Display>(step: &str) -> impl FnOnce(E) -> JournalError {
    let step = step.to_owned();
    move |reason| JournalError::Failed { step, reason: reason.to_string() }
}
