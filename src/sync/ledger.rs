//! What is known to have been applied to one server: in memory for everybody who asks, in a file for the next start.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::backend::Setback;
use crate::durable;

/// Holds what is known, an `A`, and keeps it in a file.
pub struct Ledger<A> {
    path: PathBuf,
    /// Which server: what was applied to one says nothing about another.
    server: String,
    current: Mutex<A>,
    /// Whoever saves has it meanwhile, so that the file never goes back to what was known before.
    saved: tokio::sync::Mutex<A>,
}

#[derive(Serialize, Deserialize)]
struct Content<A> {
    servers: BTreeMap<String, A>,
}

impl<A> Ledger<A>
where
    A: Clone + Default + PartialEq + Send + Serialize + DeserializeOwned + 'static,
{
    /// Reads the part of the file at `path` that is about the server at the address `server`.
    ///
    /// A file that is missing or damaged means that nothing is known: all will be looked at or applied again, which does no
    /// harm, so it is never an error.
    pub fn open(path: PathBuf, server: String) -> Self {
        let known = content::<A>(&path).servers.remove(&server).unwrap_or_default();
        Self { path, server, current: Mutex::new(known.clone()), saved: tokio::sync::Mutex::new(known) }
    }

    /// What is known now.
    pub fn lock(&self) -> MutexGuard<'_, A> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is known, to be found whole or not at all after a power cut. Readable by its owner only.
    pub async fn save(&self) -> Result<(), Setback> {
        let mut saved = self.saved.lock().await;
        let known = self.lock().clone();
        if known == *saved {
            return Ok(());
        }
        let (path, server) = (self.path.clone(), self.server.clone());
        let saving = tokio::task::spawn_blocking(move || write(&path, server, &known).map(|()| known)).await;
        let written = saving.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        *saved = written.map_err(|error| Setback::Fault(format!("sync state cannot be saved: {error}")))?;
        Ok(())
    }
}

fn write<A>(path: &PathBuf, server: String, known: &A) -> io::Result<()>
where
    A: Clone + Serialize + DeserializeOwned,
{
    let mut content = content::<A>(path);
    content.servers.insert(server, known.clone());
    durable::write(path, &serde_json::to_vec(&content).map_err(io::Error::other)?)
}

fn content<A: DeserializeOwned>(path: &PathBuf) -> Content<A> {
    let nothing = Content { servers: BTreeMap::new() };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return nothing,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "what sync knew cannot be read, and begins anew");
            return nothing;
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "what sync knew is damaged, and begins anew");
        nothing
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    type Known = BTreeMap<String, u32>;

    fn open(path: &std::path::Path, server: &str) -> Ledger<Known> {
        Ledger::open(path.to_owned(), server.to_owned())
    }

    fn some() -> Known {
        [("users/…".to_owned(), 7)].into()
    }

    #[tokio::test]
    async fn what_is_saved_is_found_for_the_same_server_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/sync.json");
        let one = open(&path, "http://one:8086");
        assert_eq!(*one.lock(), Known::new(), "missing");
        *one.lock() = some();
        one.save().await.unwrap();
        assert_eq!(*open(&path, "http://one:8086").lock(), some());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let two = open(&path, "http://two:8086");
        assert_eq!(*two.lock(), Known::new());
        two.lock().insert("other".into(), 1);
        two.save().await.unwrap();
        assert_eq!(*open(&path, "http://one:8086").lock(), some(), "kept beside the other");
    }

    #[tokio::test]
    async fn a_damaged_file_means_that_nothing_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.json");
        for damage in ["", "{", "[]", r#"{"servers":{"http://one:8086":{"users/x":{}}}}"#, "\u{0}\u{1}"] {
            fs::write(&path, damage).unwrap();
            let ledger = open(&path, "http://one:8086");
            assert_eq!(*ledger.lock(), Known::new());
            *ledger.lock() = some();
            ledger.save().await.unwrap();
            assert_eq!(*open(&path, "http://one:8086").lock(), some());
        }
    }
}
