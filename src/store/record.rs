//! One stored entry.

use super::journal::content_id;
use super::seal::Seals;
use super::text::{self, Shown, canonical};
use crate::resource::{Entry, Kind};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// A stored entry. Kept as its text, which is a quarter of the size of the parsed tree; cheap to clone.
#[derive(Clone)]
pub struct Record {
    uuid: Uuid,
    text: Arc<str>,
    seals: Seals,
    /// Worked out when it is first asked for.
    content_id: OnceLock<Box<str>>,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        (self.uuid, &self.text, &self.seals) == (other.uuid, &other.text, &other.seals)
    }
}

impl Eq for Record {}

impl std::fmt::Debug for Record {
    // Not the text: it holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Record").field(&self.uuid).finish()
    }
}

impl Record {
    /// The record of a complete entry, with its secrets in plain text, and how they are sealed.
    pub(super) fn new(uuid: Uuid, entry: &Entry, seals: Seals) -> Self {
        Self { uuid, text: canonical(entry).into(), seals, content_id: OnceLock::new() }
    }

    /// How its secrets are sealed.
    pub(super) fn seals(&self) -> &Seals {
        &self.seals
    }

    /// The text that the journal keeps of it: the secrets are sealed.
    pub(super) fn sealed(&self, kind: &Kind) -> Arc<str> {
        let sealed = kind.secrets().zip(self.seals.iter()).filter(|(_, sealed)| !sealed.is_empty());
        let sealed: Vec<_> = sealed.map(|(path, sealed)| (path, &**sealed)).collect();
        if sealed.is_empty() { self.text.clone() } else { text::with_values(&self.text, &sealed).into() }
    }

    /// Names this version of it, and no other: the id under which the journal keeps its text.
    pub fn content_id(&self, kind: &Kind) -> &str {
        self.content_id.get_or_init(|| content_id(&self.sealed(kind)).into())
    }

    /// Appends the shown part of it, as compact JSON.
    pub fn show(&self, shown: Shown<'_>, out: &mut String) {
        text::show(&self.text, shown, out);
    }

    /// The JSON of the value at a path; none where there is none, or an object.
    pub fn value_at(&self, path: &str) -> Option<&str> {
        text::value_at(&self.text, path)
    }

    /// The same for several paths at once.
    pub fn values_at<const N: usize>(&self, paths: [&str; N]) -> [Option<&str>; N] {
        text::values_at(&self.text, paths)
    }

    /// Its key.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Its canonical text, with its secrets in plain text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Its fields.
    pub fn entry(&self) -> Entry {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|e| unreachable!("a record's text is written by us: {e}"))
    }

    /// Its fields as the struct of its resource.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.text)
    }
}
