//! The key that signs tokens: made at the first start, kept in `storage/keys/`, never in the repository.

use rand::Rng;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// RFC 7518, 3.2: a key for HS256 has at least 256 bits.
const LEAST: usize = 32;

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is too short to be safe.
    #[error(
        "{path} holds {length} bytes; a signing key has at least {LEAST}. Move it away, and a new one is made (all must sign in again)"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Its size.
        length: usize,
    },
}

/// Reads `<folder>/token.key`, made when there is none.
pub fn signing_key(folder: &Path) -> Result<Vec<u8>, KeyError> {
    let path = folder.join("token.key");
    let failed = |source| KeyError::File { path: path.clone(), source };
    match File::open(&path) {
        Ok(mut file) => {
            let mut key = Vec::new();
            file.read_to_end(&mut key).map_err(failed)?;
            if key.len() < LEAST { Err(KeyError::Short { length: key.len(), path }) } else { Ok(key) }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => create(folder, &path).map_err(failed),
        Err(e) => Err(failed(e)),
    }
}

fn create(folder: &Path, path: &Path) -> io::Result<Vec<u8>> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut key = vec![0; 64];
    rand::rng().fill_bytes(&mut key);
    // Under another name first: a crash must not leave half a key.
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let key = signing_key(&keys).unwrap();
        assert!(key.len() >= LEAST);
        assert_eq!(signing_key(&keys).unwrap(), key);
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(keys.join("token.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(keys.join("token.key"), "short").unwrap();
        assert!(signing_key(&keys).unwrap_err().to_string().contains("holds 5 bytes"));
    }
}
