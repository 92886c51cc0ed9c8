//! The key that signs tokens: made at the first start, kept in `storage/keys/`, never in the repository.

use crate::durable;
use rand::Rng;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// RFC 7518, 3.2: a key for HS256 has at least 256 bits.
const LEAST: usize = 32;

/// What its file is called, also as a credential of systemd's.
pub const TOKEN_KEY: &str = "token.key";

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

/// Reads the `token.key` that was handed in, or `<folder>/token.key`, which is made when there is none.
pub fn signing_key(handed: Option<PathBuf>, folder: &Path) -> Result<Vec<u8>, KeyError> {
    let path = handed.unwrap_or_else(|| folder.join(TOKEN_KEY));
    let failed = |source| KeyError::File { path: path.clone(), source };
    match File::open(&path) {
        Ok(mut file) => {
            let mut key = Vec::new();
            file.read_to_end(&mut key).map_err(failed)?;
            if key.len() < LEAST { Err(KeyError::Short { length: key.len(), path }) } else { Ok(key) }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => create(&path).map_err(failed),
        Err(e) => Err(failed(e)),
    }
}

fn create(path: &Path) -> io::Result<Vec<u8>> {
    let mut key = vec![0; 64];
    rand::rng().fill_bytes(&mut key);
    durable::write(path, &key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let key = signing_key(None, &keys).unwrap();
        assert!(key.len() >= LEAST);
        assert_eq!(signing_key(None, &keys).unwrap(), key);
        let handed = folder.path().join("handed");
        fs::write(&handed, [7; 64]).unwrap();
        assert_eq!(signing_key(Some(handed), &keys).unwrap(), [7; 64]);
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(keys.join("token.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(keys.join("token.key"), "short").unwrap();
        assert!(signing_key(None, &keys).unwrap_err().to_string().contains("holds 5 bytes"));
    }
}
