//! A store from its backup: the repository from a remote, the key of its secrets from wherever that is kept.

use super::journal::git::remote::{Remote, RemoteError};
use super::lock::lock;
use super::open::{OpenError, folder, open_locked};
use super::{REPOSITORY, Settings, Snapshot};
use crate::durable;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The repository until it is whole. A crash may leave it; it is the next restore's to remove.
const UNFINISHED: &str = "tables.git.unfinished";

/// What an empty storage folder may hold: what is shipped in it, the lock that stays, what a file system comes with.
const NOT_A_STORE: [&str; 4] = ["README.md", "lock", "lost+found", UNFINISHED];

/// What a restore makes, and takes away again when it fails.
const MADE: [&str; 5] = [UNFINISHED, REPOSITORY, "wal", "state", "keys"];

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is something in the storage already.
    #[error(
        "{path} is not empty: it holds {}. Nothing was changed; move that away, or set another folder ([storage] path)",
        .found.join(", ")
    )]
    NotEmpty {
        /// The storage folder.
        path: PathBuf,
        /// What lies there.
        found: Vec<String>,
    },
    /// The key cannot be read, or is none.
    #[error("{path} is to be the key (--key): {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The remote does not give the store.
    #[error("{remote} cannot be restored from: {source}")]
    Remote {
        /// Which, without a password.
        remote: String,
        /// What went wrong.
        source: RemoteError,
    },
    /// What was fetched does not open, or the folder cannot be written.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Fills an empty storage folder from a remote and with the key in a file, and opens it as a server does: everything in
/// it is checked. Whatever goes wrong, and when this is dropped, the folder is left as it was.
pub async fn restore(settings: Settings, from: &str, key: &Path) -> Result<Arc<Snapshot>, RestoreError> {
    let storage = settings.path.clone();
    let key_of = |source| RestoreError::Key { path: key.to_owned(), source };
    let key = fs::read(key).map_err(key_of)?;
    if key.is_empty() {
        return Err(key_of(io::Error::new(io::ErrorKind::InvalidData, "it is empty")));
    }
    // Before the lock is made, and again when nobody else can fill it.
    refuse_what_is_there(&storage)?;
    let mut undo = Undo::new(&storage);
    let lock = lock(&storage)?;
    refuse_what_is_there(&storage)?;
    undo.lock = Some(lock.try_clone().map_err(folder(&storage, "keeping the storage's lock"))?);

    let (unfinished, repository) = (storage.join(UNFINISHED), storage.join(REPOSITORY));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(folder(&unfinished, "removing what a crash left behind"))?;
    }
    // The storage folder may be open to others; what comes into it is not.
    let closed = DirBuilder::new().mode(0o700).create(&unfinished);
    closed.map_err(folder(&unfinished, "making the folder of the repository"))?;
    let remote = Remote::new(from);
    remote
        .clone_to(&unfinished)
        .await
        .map_err(|source| RestoreError::Remote { remote: remote.to_string(), source })?;
    // How much of it git has synced depends on its version and its settings.
    durable::sync_folder(&unfinished)
        .and_then(|()| fs::rename(&unfinished, &repository))
        .and_then(|()| File::open(&storage)?.sync_all())
        .map_err(folder(&repository, "putting the repository in its place"))?;
    // Where systemd hands the key in, that is its place; opening the store tells whether it is the right one.
    if settings.keys.is_ours {
        let path = &settings.keys.path;
        durable::write(path, &key).map_err(folder(path, "writing the key"))?;
    }

    let store = open_locked(settings, lock)?;
    let tables = store.read();
    store.close().await;
    undo.lock = None;
    Ok(tables)
}

fn refuse_what_is_there(storage: &Path) -> Result<(), RestoreError> {
    let mut found = Vec::new();
    match fs::read_dir(storage) {
        Ok(files) => {
            for file in files {
                let name = file.map_err(folder(storage, "listing the storage folder"))?.file_name();
                found.push(name.to_string_lossy().into_owned());
            }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(folder(storage, "listing the storage folder")(e).into()),
    }
    found.retain(|name| !NOT_A_STORE.contains(&name.as_str()));
    found.sort();
    if found.is_empty() { Ok(()) } else { Err(RestoreError::NotEmpty { path: storage.to_owned(), found }) }
}

/// Takes away what a restore has made.
struct Undo<'a> {
    storage: &'a Path,
    was_there: bool,
    lock_was_there: bool,
    /// There while there is something to take away: from when the folder is known to be empty and ours. Nobody else gets
    /// in before that is done.
    lock: Option<File>,
}

impl<'a> Undo<'a> {
    fn new(storage: &'a Path) -> Self {
        let lock_was_there = storage.join("lock").exists();
        Self { storage, was_there: storage.exists(), lock_was_there, lock: None }
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.lock.is_none() {
            return;
        }
        let mut removed = Ok(());
        for name in MADE.map(|name| self.storage.join(name)).iter().filter(|path| path.exists()) {
            removed = removed.and(fs::remove_dir_all(name));
        }
        if !self.lock_was_there {
            removed = removed.and(fs::remove_file(self.storage.join("lock")));
        }
        if !self.was_there {
            removed = removed.and(fs::remove_dir(self.storage));
        }
        if let Err(reason) = removed {
            let storage = self.storage.display();
            tracing::error!(%reason, %storage, "what the restore had begun could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_store_may_lie_there() {
        let folder = tempfile::tempdir().unwrap();
        let storage = folder.path().join("storage");
        refuse_what_is_there(&storage).unwrap();
        fs::create_dir(&storage).unwrap();
        NOT_A_STORE.iter().for_each(|name| fs::write(storage.join(name), "").unwrap());
        refuse_what_is_there(&storage).unwrap();
        fs::create_dir(storage.join("wal")).unwrap();
        fs::write(storage.join("table_db.json"), "").unwrap();
        let refused = refuse_what_is_there(&storage).unwrap_err().to_string();
        assert!(refused.contains("it holds table_db.json, wal."), "{refused}");
    }

    #[test]
    fn what_was_made_is_taken_away_again() {
        let folder = tempfile::tempdir().unwrap();
        for (there, lock_there) in [(false, false), (true, false), (true, true)] {
            let storage = folder.path().join("storage");
            if there {
                fs::create_dir_all(&storage).unwrap();
            }
            if lock_there {
                fs::write(storage.join("lock"), "").unwrap();
            }
            let mut undo = Undo::new(&storage);
            MADE.iter().for_each(|name| fs::create_dir_all(storage.join(name).join("below")).unwrap());
            undo.lock = Some(lock(&storage).unwrap());
            drop(undo);
            assert_eq!(storage.exists(), there);
            assert_eq!(storage.join("lock").exists(), lock_there);
            assert!(MADE.iter().all(|name| !storage.join(name).exists()));
        }
    }
}
