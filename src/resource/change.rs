//! How an entry comes into being and how it changes: from what a client sends to what is stored.

use super::{Entry, Kind, MASK, PASSWORD, TOKEN_EPOCH, field, field_mut, remove_field, set_field};
use crate::error::{Error, Finding};
use chrono::{DateTime, Utc};
use rand::RngExt;
use serde_json::Value;
use uuid::Uuid;

/// A checked change of an entry, not yet merged into it.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The fields to set, nested objects to be merged.
    fields: Entry,
    /// Server-owned fields that the client sent along: fine when they are what is stored.
    echoed: Vec<(String, Value)>,
    /// How many of the resource's fields the client named, at the first level.
    pub named: usize,
}

impl Kind {
    /// Reads what a client sent to create an entry: shaped, completed with defaults and checked by the create
    /// schema. A password in it is still in plain text.
    pub fn new_entry(&self, input: &Entry) -> Result<Entry, Error> {
        // `uuid` and `created_at` are left out by the create schema; the others would look as if they were obeyed.
        let refused: Vec<_> = self
            .server_owned()
            .filter(|path| !matches!(*path, "uuid" | "created_at") && field(input, path).is_some())
            .map(|path| Finding::new(path, "server_owned", "is set by the server alone"))
            .collect();
        if !refused.is_empty() {
            return Err(Error::Invalid(refused));
        }
        let entry = self.create.shape(input);
        let mut findings = self.create.check(&entry);
        if self.password(&entry) == Some(MASK) {
            findings.push(Finding::new(PASSWORD, "mask", "is the mask that stands for a password, not one"));
        }
        let masked = self.definition.secret_fields.iter().filter(|path| is_mask(&entry, path));
        findings.extend(
            masked.map(|path| Finding::new(path, "mask", "is the mask that stands for a secret, not one")),
        );
        if findings.is_empty() { Ok(entry) } else { Err(Error::Invalid(findings)) }
    }

    /// Adds what the server makes: uuid, time of creation, generated secrets.
    pub fn complete(&self, entry: &mut Entry, uuid: Uuid, now: DateTime<Utc>) {
        entry.insert("uuid".into(), uuid.to_string().into());
        entry.insert("created_at".into(), timestamp(now).into());
        self.rotate(entry);
        if self.login_field().is_some() {
            entry.insert(TOKEN_EPOCH.into(), 0.into());
        }
    }

    /// Makes the secrets anew that the server makes.
    pub fn rotate(&self, entry: &mut Entry) {
        for secret in &self.definition.generated_secrets {
            set_field(entry, &secret.field, device_password().into());
        }
    }

    /// The secrets that the server makes.
    pub fn generated_secrets(&self) -> impl Iterator<Item = &str> {
        self.definition.generated_secrets.iter().map(|secret| secret.field.as_str())
    }

    /// An entry from outside the API (an old dump, the repository) with the defaults of the fields it lacks. Fields
    /// that nobody knows stay, so that checking it names them; derived lists go, they are never stored, and so do
    /// fields that have been dropped.
    pub fn completed(&self, entry: &Entry) -> Entry {
        let mut completed = entry.clone();
        self.complete_stored(&mut completed);
        completed
    }

    /// The same, in place.
    pub fn complete_stored(&self, entry: &mut Entry) {
        for (name, _, _) in &self.definition.back_references {
            entry.remove(name);
        }
        for path in &self.definition.dropped_fields {
            remove_field(entry, path);
        }
        // As nearly always: what we have written is complete.
        if !self.import.is_shaped(entry) {
            let shaped = self.import.shape(entry);
            merge(entry, &shaped);
        }
    }

    /// Makes the generated secrets that an entry lacks and may lack: those that have come since it was written. One that
    /// it must have is not made up: what a device or a back end knows would be another one.
    pub fn make_missing_secrets(&self, entry: &mut Entry) -> bool {
        let missing: Vec<_> =
            self.generated_secrets_of_late().filter(|path| field(entry, path).is_none()).collect();
        for path in &missing {
            set_field(entry, path, device_password().into());
        }
        !missing.is_empty()
    }

    /// The generated secrets that older entries may lack.
    pub fn generated_secrets_of_late(&self) -> impl Iterator<Item = &str> {
        let generated = self.definition.generated_secrets.iter().map(|secret| secret.field.as_str());
        generated.filter(|path| !self.import.requires(path))
    }

    /// Reads what a client sent to change an entry. A password in it is still in plain text.
    pub fn read_patch(&self, input: &Entry) -> Result<Patch, Error> {
        let is_known = |name: &str| self.create.property(name).is_some() || self.is_server_owned(name);
        let named = input.keys().filter(|name| is_known(name)).count();
        let echoed = self
            .server_owned()
            .filter_map(|path| Some((path.to_owned(), field(input, path)?.clone())))
            .collect();
        let mut fields = self.patch.shape(input);
        if self.password(&fields) == Some(MASK) {
            remove_field(&mut fields, PASSWORD);
        }
        for path in &self.definition.secret_fields {
            if is_mask(&fields, path) {
                remove_field(&mut fields, path);
            }
        }
        let findings = self.patch.check(&fields);
        if findings.is_empty() { Ok(Patch { fields, echoed, named }) } else { Err(Error::Invalid(findings)) }
    }

    /// The entry after the change. Equal to `old` when nothing changes. `shown` is `old` as a client that sees
    /// all reads it, derived lists included: what a client read it may send back.
    pub fn apply(&self, old: &Entry, shown: &Entry, patch: &Patch) -> Result<Entry, Error> {
        let refused: Vec<_> = patch
            .echoed
            .iter()
            .filter(|(path, sent)| sent != MASK && Some(sent) != field(shown, path))
            .map(|(path, _)| Finding::new(path, "server_owned", "is set by the server alone"))
            .collect();
        if !refused.is_empty() {
            return Err(Error::Invalid(refused));
        }
        let mut new = old.clone();
        merge(&mut new, &patch.fields);
        self.settle(old, &mut new);
        Ok(new)
    }

    /// Sets what follows from a change: secrets that are renewed with a field, and the end of tokens.
    pub(super) fn settle(&self, old: &Entry, new: &mut Entry) {
        for secret in &self.definition.generated_secrets {
            let moved =
                secret.renewed_with.as_deref().is_some_and(|with| field(old, with) != field(new, with));
            if moved {
                set_field(new, &secret.field, device_password().into());
            }
        }
        if self.login_field().is_some()
            && ["role", "state", PASSWORD].iter().any(|path| field(old, path) != field(new, path))
        {
            self.end_tokens(new);
        }
    }

    /// Ends all tokens of an entry that can sign in.
    pub fn end_tokens(&self, entry: &mut Entry) {
        let epoch = field(entry, TOKEN_EPOCH).and_then(Value::as_u64).unwrap_or_default();
        entry.insert(TOKEN_EPOCH.into(), ((epoch + 1) % (1 << 31)).into());
    }

    /// An entry of the past as it is to come back. Tokens that have ended since stay ended.
    pub fn restored(&self, past: &Entry, now: Option<&Entry>) -> Entry {
        let mut entry = self.completed(past);
        for path in self.generated_secrets_of_late() {
            if let (None, Some(value)) = (field(&entry, path), now.and_then(|now| field(now, path))) {
                let value = value.clone();
                set_field(&mut entry, path, value);
            }
        }
        self.make_missing_secrets(&mut entry);
        if Some(&entry) == now {
            return entry;
        }
        if self.login_field().is_some() {
            let epoch = |entry: &Entry| field(entry, TOKEN_EPOCH).and_then(Value::as_u64).unwrap_or_default();
            let newest = epoch(past).max(now.map(epoch).unwrap_or_default());
            entry.insert(TOKEN_EPOCH.into(), ((newest + 1) % (1 << 31)).into());
        }
        entry
    }

    /// What `now` becomes when it is brought back to what it was. Its password and secrets stay: they have been changed for
    /// a reason, and a device may know only the new one.
    pub fn restored_over(&self, past: &Entry, now: &Entry) -> Entry {
        let mut entry = self.completed(past);
        for path in self.secrets().chain([TOKEN_EPOCH]) {
            match field(now, path) {
                Some(value) => set_field(&mut entry, path, value.clone()),
                None => remove_field(&mut entry, path),
            }
        }
        self.settle(now, &mut entry);
        entry
    }

    /// The password in an entry or patch of a resource whose entries can sign in.
    pub fn password<'a>(&self, entry: &'a Entry) -> Option<&'a str> {
        self.login_field()?;
        field(entry, PASSWORD)?.as_str()
    }

    /// Fields that differ, as paths: whole at the first level, parts for nested objects.
    pub fn changed(&self, old: &Entry, new: &Entry) -> Vec<String> {
        let mut paths = Vec::new();
        for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
            match (old.get(name), new.get(name)) {
                (before, after) if before == after => {}
                (Some(Value::Object(before)), Some(Value::Object(after))) => {
                    let inner = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
                    paths.extend(
                        inner
                            .filter(|key| before.get(*key) != after.get(*key))
                            .map(|key| format!("{name}.{key}")),
                    );
                }
                _ => paths.push(name.clone()),
            }
        }
        paths
    }

    /// The paths of the fields that the server alone sets.
    pub fn server_owned(&self) -> impl Iterator<Item = &str> {
        ["uuid", "created_at"]
            .into_iter()
            .chain(self.definition.generated_secrets.iter().map(|secret| secret.field.as_str()))
            .chain(self.definition.back_references.iter().map(|(name, _, _)| name.as_str()))
    }
}

impl Patch {
    /// The password to be hashed, if the patch sets one.
    pub fn password(&self, kind: &Kind) -> Option<&str> {
        kind.password(&self.fields)
    }

    /// Puts the hash in the place of the password.
    pub fn set_password_hash(&mut self, hash: String) {
        if let Some(value) = field_mut(&mut self.fields, PASSWORD) {
            *value = hash.into();
        }
    }
}

/// Whether the mask stands in the place of a secret: whoever read it so sends it back.
pub(super) fn is_mask(entry: &Entry, path: &str) -> bool {
    field(entry, path).is_some_and(|value| value == MASK)
}

/// Merges nested objects; everything else replaces what was there.
fn merge(into: &mut Entry, from: &Entry) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(changes)) => merge(inner, changes),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Sixteen characters of A-Z and 0-9: about 82 bits, what the firmware's line has room for.
pub fn device_password() -> String {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut random = rand::rng();
    (0..16).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

/// A time as the clients of 2017 know it: `2017-03-02T15:26:11.767166+00:00`.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
