//! One stored entry and its canonical text.

use super::seal::Seals;
use crate::resource::{Entry, Kind, set_field};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// A stored entry. Kept as its text, which is a quarter of the size of the parsed tree; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    uuid: Uuid,
    text: Arc<str>,
    seals: Seals,
}

impl std::fmt::Debug for Record {
    // Not the text: it holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Record").field(&self.uuid).finish()
    }
}

impl Record {
    /// The record of a complete entry, with its secrets in plain text, and how they are sealed.
    pub(super) fn new(uuid: Uuid, entry: &Entry, seals: Seals) -> Self {
        Self { uuid, text: canonical(entry).into(), seals }
    }

    /// How its secrets are sealed.
    pub(super) fn seals(&self) -> &Seals {
        &self.seals
    }

    /// The text that the journal keeps of `entry`, which is its content: the secrets are sealed.
    pub(super) fn sealed(&self, kind: &Kind, mut entry: Entry) -> Arc<str> {
        for (path, sealed) in kind.secrets().zip(self.seals.iter()).filter(|(_, sealed)| !sealed.is_empty()) {
            set_field(&mut entry, path, (**sealed).into());
        }
        canonical(&entry).into()
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

/// JSON with sorted keys, two spaces of indent and a newline at the end: equal entries have equal bytes,
/// and `git log -p` reads well.
pub fn canonical(entry: &Entry) -> String {
    let mut text = Vec::with_capacity(512);
    let mut writer = serde_json::Serializer::pretty(&mut text);
    SortedEntry(entry).serialize(&mut writer).unwrap_or_else(|e| unreachable!("a map of values: {e}"));
    text.push(b'\n');
    String::from_utf8(text).unwrap_or_else(|e| unreachable!("JSON is UTF-8: {e}"))
}

/// serde_json's map is sorted by itself unless some crate in the build turns its `preserve_order` on.
struct SortedEntry<'a>(&'a Entry);

impl Serialize for SortedEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = || self.0.iter().map(|(name, value)| (name, Sorted(value)));
        if self.0.keys().is_sorted() {
            return serializer.collect_map(fields());
        }
        let mut fields: Vec<_> = fields().collect();
        fields.sort_by_key(|(name, _)| *name);
        serializer.collect_map(fields)
    }
}

struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => SortedEntry(fields).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_entries_have_equal_text() {
        let one: Entry =
            serde_json::from_str(r#"{"b": {"z": 1, "a": [{"y": 1, "x": 2}]}, "a": "ü\n"}"#).unwrap();
        let two: Entry =
            serde_json::from_str(r#"{"a": "ü\n", "b": {"a": [{"x": 2, "y": 1}], "z": 1}}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(
            canonical(&one),
            "{\n  \"a\": \"ü\\n\",\n  \"b\": {\n    \"a\": [\n      {\n        \"x\": 2,\n        \"y\": 1\n      }\n    ],\n    \"z\": 1\n  }\n}\n"
        );
        let uuid = Uuid::from_u128(1);
        assert_eq!(Record::new(uuid, &one, Seals::default()).entry(), two);
    }
}
