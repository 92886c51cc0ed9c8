//! One stored entry and its canonical text.

use super::seal::Seals;
use crate::resource::{Entry, Kind, set_field};
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

    /// The text that the journal keeps: its secrets are sealed.
    pub(super) fn sealed(&self, kind: &Kind) -> Arc<str> {
        let mut entry = self.entry();
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
    let mut text =
        serde_json::to_string_pretty(&sorted(entry)).unwrap_or_else(|e| unreachable!("a map of values: {e}"));
    text.push('\n');
    text
}

/// serde_json's map is sorted by itself unless some crate in the build turns its `preserve_order` on.
fn sorted(entry: &Entry) -> std::collections::BTreeMap<&str, Value> {
    fn value(of: &Value) -> Value {
        match of {
            Value::Object(fields) => {
                let mut pairs: Vec<_> = fields.iter().collect();
                pairs.sort_by_key(|(name, _)| *name);
                Value::Object(pairs.into_iter().map(|(name, inner)| (name.clone(), value(inner))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(value).collect()),
            other => other.clone(),
        }
    }
    entry.iter().map(|(name, inner)| (name.as_str(), value(inner))).collect()
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
