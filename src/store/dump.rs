//! The dump format of the 2017 server: `{"users": {"<uuid>": {entry}, …}, "karanas": {…}}`.
//!
//! Real ones hold mistakes of the old server. Each is named; nothing is guessed.

use super::open::Fault;
use super::snapshot::Snapshot;
use super::transaction::Transaction;
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, MASK};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A dump that has been read and checked by itself; whether it fits a store shows when it is put in.
pub struct Import {
    entries: Vec<(usize, Entry)>,
    notes: Vec<String>,
}

impl Import {
    /// Reads a dump and names everything in it that breaks a rule.
    pub fn read(kinds: &Kinds, text: &str) -> Result<Self, Vec<Fault>> {
        let whole =
            |message: String| vec![Fault { path: "dump".into(), finding: Finding::new("", "json", message) }];
        if text.trim().is_empty() {
            return Err(whole(
                "is empty (the old server leaves such a file when it is stopped while it writes)".into(),
            ));
        }
        let tables: Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| whole(format!("is not a JSON object (line {}, column {})", e.line(), e.column())))?;
        let mut import = Self { entries: vec![], notes: vec![] };
        let mut faults = Vec::new();
        for (resource, table) in &tables {
            match (kinds.get(resource), table.as_object()) {
                (Some(kind), Some(table)) => import.read_table(kind, table, &mut faults),
                (None, Some(table)) if table.is_empty() => {}
                (None, _) => faults.push(fault(
                    resource,
                    "",
                    "resource",
                    "is not a resource that is enabled ([resources] enabled)",
                )),
                (_, None) => faults.push(fault(resource, "", "type", "must be an object of entries by uuid")),
            }
        }
        import.check_owners(kinds, &tables);
        if faults.is_empty() { Ok(import) } else { Err(faults) }
    }

    fn read_table(&mut self, kind: &Kind, table: &Map<String, Value>, faults: &mut Vec<Fault>) {
        for (key, value) in table {
            let path = format!("{}/{key}", kind.name());
            let Some(entry) = value.as_object() else {
                faults.push(fault(&path, "", "type", "must be an object"));
                continue;
            };
            let entry = kind.completed(entry);
            if entry.get("uuid").and_then(Value::as_str) != Some(key) {
                faults.push(fault(&path, "uuid", "uuid", "must be the uuid the entry is filed under"));
            }
            faults.extend(kind.check(&entry).into_iter().map(|mut finding| {
                if finding.field == crate::resource::PASSWORD && finding.code == "format" {
                    finding
                        .message
                        .push_str("; what stands there may be the password itself (a bug of the old server)");
                }
                Fault { path: path.clone(), finding }
            }));
            self.entries.push((kind.index(), entry));
        }
    }

    /// The old server kept lists of karanas in users and lost entries of them; the karanas' own `owner` counts.
    fn check_owners(&mut self, kinds: &Kinds, tables: &Map<String, Value>) {
        for kind in kinds.iter() {
            for (list, resource, reference) in &kind.definition().back_references {
                let entries = |name: &str| tables.get(name).and_then(Value::as_object).into_iter().flatten();
                for (uuid, entry) in entries(kind.name()) {
                    let listed: BTreeSet<_> =
                        entry[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    let referring: BTreeSet<_> = entries(resource)
                        .filter(|(_, other)| other[reference] == **uuid)
                        .map(|(uuid, _)| uuid.as_str())
                        .collect();
                    if listed != referring {
                        self.notes.push(format!(
                            "{}/{uuid}: {list}: differs from the entries of {resource} that name it as {reference}; those count",
                            kind.name()
                        ));
                    }
                }
            }
        }
    }

    /// What is not wrong, but should be known.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Puts all entries in, or fails; answers with how many there were.
    pub fn put(&self, transaction: &mut Transaction) -> Result<usize, Error> {
        let kinds = transaction.kinds();
        let mut findings = Vec::new();
        for (index, entry) in &self.entries {
            let kind = kinds.at(*index);
            match transaction.insert(kind, entry) {
                Err(Error::Conflict(conflicts) | Error::Invalid(conflicts)) => {
                    let path = format!(
                        "{}/{}",
                        kind.name(),
                        entry.get("uuid").and_then(Value::as_str).unwrap_or_default()
                    );
                    findings.extend(
                        conflicts
                            .into_iter()
                            .map(|c| Finding::new(format!("{path}: {}", c.field), c.code, c.message)),
                    );
                }
                other => other?,
            }
        }
        findings.extend(self.dangling(&kinds, transaction.tables()));
        if findings.is_empty() { Ok(self.entries.len()) } else { Err(Error::Conflict(findings)) }
    }

    /// References that lead nowhere, with the entry that holds them: the store's own check names only the field.
    fn dangling(&self, kinds: &Kinds, tables: &Snapshot) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, entry) in &self.entries {
            let kind = kinds.at(*index);
            let Some(uuid) = entry.get("uuid").and_then(Value::as_str).and_then(super::open::key) else {
                continue;
            };
            let Some(record) = tables.get(kind, uuid) else { continue };
            for finding in tables.dangling(kind, record) {
                findings.push(Finding::new(
                    format!("{}/{uuid}: {}", kind.name(), finding.field),
                    finding.code,
                    finding.message,
                ));
            }
        }
        findings
    }
}

/// The tables as a dump. Without `secrets` they are masked, and the dump is for reading only.
pub fn export(tables: &Snapshot, secrets: bool) -> Value {
    let table = |kind: &Kind| -> Value {
        let entry = |uuid: Uuid, mut entry: Entry| {
            tables.add_back_references(kind, uuid, &mut entry);
            if !secrets {
                kind.redact(&mut entry, false, Some(MASK));
            }
            (uuid.to_string(), Value::Object(entry))
        };
        Value::Object(tables.records(kind).map(|record| entry(record.uuid(), record.entry())).collect())
    };
    Value::Object(tables.kinds().iter().map(|kind| (kind.name().to_owned(), table(kind))).collect())
}

/// What the old server keeps in `tablestate_db.json` beside the dump.
pub fn tablestate(kinds: &Kinds) -> Value {
    let metadata = |kind: &Kind| {
        let definition = kind.definition();
        json!({"metadata": {
            "res_table_id": kind.index() + 1,
            "schema": {
                "entry_create_schema": kind.create_schema().title(),
                "entry_import_schema": kind.import_schema().title(),
            },
            "name": definition.name,
            "unique_schema_fields": definition.unique_schema_fields,
            "credentials_login_field": definition.credentials_login_field,
        }})
    };
    Value::Object(kinds.iter().map(|kind| (kind.name().to_owned(), metadata(kind))).collect())
}

fn fault(path: &str, field: &str, code: &str, message: &str) -> Fault {
    Fault { path: path.to_owned(), finding: Finding::new(field, code, message) }
}
