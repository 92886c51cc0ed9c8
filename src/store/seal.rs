//! Secrets at rest: in the repository and its log they are sealed, so that a copy of it reveals none.
//!
//! A sealed value is `sealed:<key>:<base64url>`: the name of the key, then nonce, ciphertext and tag of
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). Resource, entry, field and key are authenticated with it, so that a
//! value cannot be passed off as another one's. A secret that does not change keeps its bytes.

use crate::durable;
use crate::error::Finding;
use crate::resource::{Entry, Kind, field, field_mut};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::Rng;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What a sealed value begins with.
const MARK: &str = "sealed:";

const NONCE: usize = 24;

/// Where the keys are kept.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// A line for each key, the one in force last.
    pub path: PathBuf,
    /// Whether it is ours to write, or handed in by the service manager.
    pub is_ours: bool,
}

/// Why there are no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line in it makes no sense.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// The secrets are sealed with a key that is not there.
    #[error(
        "the store's secrets are sealed with the key {key}, which is not in {path}; put back the copy of that file that you have kept"
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The name of the key.
        key: String,
    },
    /// There is nothing to change to.
    #[error(
        "{path} is not the server's to write: add a line to it (`karana key new` makes one), restart, and try again"
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Clone)]
struct Key {
    /// The first eight hexadecimal digits of a digest of the key.
    name: String,
    cipher: XChaCha20Poly1305,
    line: String,
}

/// The keys, oldest first: the last one seals, all of them open.
pub struct Keyring(Vec<Key>);

impl std::fmt::Debug for Keyring {
    // Their names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update("karana seal key\n").chain_update(key).finalize();
        let name: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{name} {}", BASE64.encode(key));
        Self { name, cipher: XChaCha20Poly1305::new(key.into()), line }
    }

    fn random() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self::new(&key)
    }

    fn parse(line: &str) -> Result<Self, &'static str> {
        let (name, key) = line.split_once(' ').ok_or("must be the name of a key, a space, and the key")?;
        let key = BASE64.decode(key.trim()).ok().and_then(|key| key.try_into().ok());
        let key = Self::new(&key.ok_or("the key must be 32 bytes in base64url without padding")?);
        if key.name == name {
            Ok(key)
        } else {
            Err("the key does not belong to its name: a character is wrong")
        }
    }
}

impl Keyring {
    /// A line with a new key, for a file that is not ours to write.
    pub fn new_line() -> String {
        Key::random().line
    }

    /// Reads the keys. When there is no file and `sealed_with` says that nothing was sealed yet, one is made.
    pub fn open(file: &KeyFile, sealed_with: Option<&str>) -> Result<Self, KeyringError> {
        let missing = |key: &str| KeyringError::Missing { path: file.path.clone(), key: key.to_owned() };
        let failed = |source| KeyringError::File { path: file.path.clone(), source };
        let keyring = match fs::read_to_string(&file.path) {
            Ok(text) => Self::parse(&file.path, &text)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => match sealed_with {
                Some(key) => return Err(missing(key)),
                None if !file.is_ours => return Err(failed(e)),
                None => {
                    let keyring = Self(vec![Key::random()]);
                    keyring.write(file)?;
                    tracing::warn!(
                        file = %file.path.display(),
                        "made the key that secrets are sealed with. Keep a copy of this file, apart from the backup: \
                         without it nobody can read the secrets in the store, not even you"
                    );
                    keyring
                }
            },
            Err(e) => return Err(failed(e)),
        };
        match sealed_with.filter(|key| keyring.find(key).is_none()) {
            Some(key) => Err(missing(key)),
            None => Ok(keyring),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeyringError> {
        let broken = |line, reason| KeyringError::Line { path: path.to_owned(), line, reason };
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|(number, line)| Key::parse(line).map_err(|reason| broken(number, reason)));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(broken(1, "there must be at least one key")) } else { Ok(Self(keys)) }
    }

    fn write(&self, file: &KeyFile) -> Result<(), KeyringError> {
        let failed = |source| KeyringError::File { path: file.path.clone(), source };
        let mut text = String::from(
            "# The keys that the secrets in the store are sealed with; the last one is in force, the others open what is older.\n\
             # Keep a copy of this file, apart from the backup of the store. Take no line out.\n",
        );
        self.0.iter().for_each(|key| text.extend([&key.line, "\n"]));
        durable::write(&file.path, text.as_bytes()).map_err(failed)
    }

    /// The keys with a new one in force, which is on the disk when this answers; where the file is not ours, the keys that
    /// were added to it.
    pub fn renewed(&self, file: &KeyFile, all_sealed_with_newest: bool) -> Result<Self, KeyringError> {
        let mut keys = self.0.clone();
        if file.is_ours {
            keys.push(Key::random());
            let keyring = Self(keys);
            keyring.write(file)?;
            return Ok(keyring);
        }
        if all_sealed_with_newest {
            return Err(KeyringError::NotOurs { path: file.path.clone() });
        }
        Ok(Self(keys))
    }

    /// The names of the keys, oldest first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(|key| key.name.as_str())
    }

    /// The name of the key in force.
    pub fn newest(&self) -> &str {
        self.names().next_back().unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.name == name)
    }

    /// Seals the secrets of an entry, in the order of [`Kind::secrets`]. One that is as it was `before` keeps its bytes.
    pub fn seal(
        &self,
        kind: &Kind,
        uuid: Uuid,
        entry: &Entry,
        before: Option<(&Entry, &[Box<str>])>,
    ) -> Seals {
        let secrets = kind.secrets().enumerate().map(|(number, path)| {
            let Some(secret) = field(entry, path).and_then(|value| value.as_str()) else { return "".into() };
            let kept = before.filter(|(before, _)| field(before, path).is_some_and(|value| value == secret));
            let kept = kept.and_then(|(_, seals)| seals.get(number)).filter(|sealed| !sealed.is_empty());
            kept.cloned().unwrap_or_else(|| self.seal_one(kind.name(), uuid, path, secret).into())
        });
        secrets.collect()
    }

    fn seal_one(&self, resource: &str, uuid: Uuid, path: &str, secret: &str) -> String {
        let Some(key) = self.0.last() else { unreachable!("a keyring has a key") };
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let place = place(resource, uuid, path, &key.name);
        let payload = Payload { msg: secret.as_bytes(), aad: place.as_bytes() };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed =
            sealed.unwrap_or_else(|_| unreachable!("a secret is far from being too long to be sealed"));
        format!("{MARK}{}:{}", key.name, BASE64.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens the sealed secrets of an entry from the repository; answers with how they were sealed. `lies_open`: those
    /// that may not be sealed.
    pub fn open_entry(
        &self,
        kind: &Kind,
        uuid: Uuid,
        entry: &mut Entry,
        lies_open: impl Fn(&str) -> bool,
    ) -> Result<Seals, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut seals = Vec::new();
        for path in kind.secrets() {
            let Some(value) = field_mut(entry, path).filter(|value| !value.is_null()) else {
                seals.push("".into());
                continue;
            };
            let sealed = value.as_str().unwrap_or_default().to_owned();
            match self.open_one(kind.name(), uuid, path, &sealed) {
                Ok(secret) => {
                    *value = secret.into();
                    seals.push(sealed.into());
                }
                Err(finding) if finding.code == "unsealed" && lies_open(path) => seals.push("".into()),
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(seals.into()) } else { Err(findings) }
    }

    fn open_one(&self, resource: &str, uuid: Uuid, path: &str, sealed: &str) -> Result<String, Finding> {
        let wrong = |code: &str, message: String| Finding::new(path, code, message);
        let broken =
            || wrong("sealed", "is not what was sealed here: it was damaged, or moved from elsewhere".into());
        let sealed = sealed.strip_prefix(MARK).ok_or_else(|| wrong("unsealed", "is not sealed".into()))?;
        let (name, sealed) = sealed.split_once(':').ok_or_else(broken)?;
        let key = self.find(name).ok_or_else(|| {
            let name: String = name.chars().take(16).collect();
            wrong("key", format!("is sealed with the key {name:?}, which is not there"))
        })?;
        let sealed = BASE64.decode(sealed).map_err(|_| broken())?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let place = place(resource, uuid, path, name);
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let secret = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| broken())?;
        String::from_utf8(secret).map_err(|_| broken())
    }
}

/// How the secrets of an entry are sealed, in the order of [`Kind::secrets`]; empty where there is none.
pub type Seals = std::sync::Arc<[Box<str>]>;

/// What a sealed value is bound to.
fn place(resource: &str, uuid: Uuid, path: &str, key: &str) -> String {
    format!("{resource}|{uuid}|{path}|{key}")
}

/// The name of the key that a value is sealed with.
pub fn key_of(sealed: &str) -> Option<&str> {
    Some(sealed.strip_prefix(MARK)?.split_once(':')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kinds;
    use serde_json::json;

    fn entry(secret: &str) -> Entry {
        let entry =
            json!({"password_influx": secret, "password_grafana": "PW", "credentials": {"password": "hash"}});
        entry.as_object().unwrap().clone()
    }

    fn text(entry: &Entry, seals: &Seals, kind: &Kind) -> Entry {
        let mut sealed = entry.clone();
        for (path, seal) in kind.secrets().zip(seals.iter()) {
            *field_mut(&mut sealed, path).unwrap() = (**seal).into();
        }
        sealed
    }

    #[test]
    fn a_sealed_secret_opens_in_its_place_alone() {
        let kinds = Kinds::enabled(&[]).unwrap();
        let (kind, other) = (kinds.get("users").unwrap(), kinds.get("karanas").unwrap());
        let keys = Keyring(vec![Key::random()]);
        let (uuid, plain) = (Uuid::from_u128(1), entry("secret"));
        let seals = keys.seal(kind, uuid, &plain, None);
        let sealed = text(&plain, &seals, kind);
        assert!(!format!("{sealed:?}").contains("secret"));
        let open = |keys: &Keyring, kind: &Kind, uuid, mut entry: Entry| {
            keys.open_entry(kind, uuid, &mut entry, |_| false).map(|_| entry)
        };
        assert_eq!(open(&keys, kind, uuid, sealed.clone()).unwrap(), plain);
        // Of another entry, of another field, with another key, in plain text.
        let codes = |result: Result<Entry, Vec<Finding>>| -> Vec<String> {
            result.unwrap_err().into_iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes(open(&keys, kind, Uuid::from_u128(2), sealed.clone())), ["sealed"; 3]);
        let mut moved = sealed.clone();
        moved["password_influx"] = sealed["credentials"]["password"].clone();
        assert_eq!(codes(open(&keys, kind, uuid, moved)), ["sealed"]);
        assert_eq!(codes(open(&Keyring(vec![Key::random()]), kind, uuid, sealed)), ["key"; 3]);
        assert_eq!(codes(open(&keys, kind, uuid, plain)), ["unsealed"; 3]);
        let device = json!({"config": {"password": "sealed:x"}}).as_object().unwrap().clone();
        assert_eq!(codes(open(&keys, other, uuid, device)), ["sealed"]);
    }

    #[test]
    fn what_stays_keeps_its_bytes_and_what_does_not_gets_others() {
        let kinds = Kinds::enabled(&[]).unwrap();
        let (kind, uuid) = (kinds.get("users").unwrap(), Uuid::from_u128(1));
        let keys = Keyring(vec![Key::random()]);
        let (one, other) = (entry("secret"), entry("another"));
        let before = keys.seal(kind, uuid, &one, None);
        assert_eq!(keys.seal(kind, uuid, &one, Some((&one, &before))), before);
        let after = keys.seal(kind, uuid, &other, Some((&one, &before)));
        let changed: Vec<_> = before.iter().zip(after.iter()).map(|(old, new)| old != new).collect();
        let is_influx: Vec<_> = kind.secrets().map(|path| path == "password_influx").collect();
        assert_eq!(changed, is_influx);
        assert_ne!(keys.seal(kind, uuid, &one, None), before, "a fresh nonce each time");
    }

    #[test]
    fn a_key_line_with_a_wrong_character_is_told() {
        let line = Keyring::new_line();
        let (name, key) = line.split_once(' ').unwrap();
        let path = Path::new("seal.keys");
        let keyring = Keyring::parse(path, &format!("# kept in the safe\n\n{line}\n")).unwrap();
        assert_eq!(keyring.newest(), name);
        let other = if key.starts_with('A') { 'B' } else { 'A' };
        for wrong in
            [format!("{name} {other}{}", &key[1..]), name.to_owned(), format!("{name} short"), "#".into()]
        {
            assert!(Keyring::parse(path, &wrong).is_err(), "{wrong}");
        }
    }
}
