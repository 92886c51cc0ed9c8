//! The dump format of the 2017 server: `{"users": {"<uuid>": {entry}, …}, "karanas": {…}}`.
//!
//! Real ones hold mistakes of the old server. Each is named; nothing is guessed.

use super::open::Fault;
use super::snapshot::Snapshot;
use super::transaction::Transaction;
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, MASK, uuid_at};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A dump that has been read and checked.
pub struct Import {
    /// Each with its resource and its path in the dump.
    entries: Vec<(usize, String, Entry)>,
    notes: Vec<String>,
}

impl Import {
    /// Reads a dump that is to go into `tables`, and names everything in it that breaks a rule.
    pub fn read(tables: &Snapshot, text: &str, now: DateTime<Utc>) -> Result<Self, Vec<Fault>> {
        let whole =
            |message: String| vec![Fault { path: "dump".into(), finding: Finding::new("", "json", message) }];
        if text.trim().is_empty() {
            return Err(whole(
                "is empty (the old server leaves such a file when it is stopped while it writes)".into(),
            ));
        }
        let dump: Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| whole(format!("is not a JSON object (line {}, column {})", e.line(), e.column())))?;
        let kinds = tables.kinds();
        let mut import = Self { entries: vec![], notes: vec![] };
        let mut faults = Vec::new();
        for (resource, table) in &dump {
            match (kinds.public().find(|kind| kind.name() == resource), table.as_object()) {
                (Some(kind), Some(table)) => import.read_table(kind, table, &mut faults),
                (None, Some(table)) if table.is_empty() => {}
                (None, _) => {
                    let message = "is not a resource that is in force ([resources] enabled, dir)";
                    faults.push(fault(resource, "", "resource", message));
                }
                (_, None) => faults.push(fault(resource, "", "type", "must be an object of entries by uuid")),
            }
        }
        faults.extend(import.taken(tables));
        faults.extend(import.dangling(tables, &dump));
        import.compare_lists(kinds, &dump);
        import.look_at_times(now);
        if faults.is_empty() { Ok(import) } else { Err(faults) }
    }

    fn read_table(&mut self, kind: &Kind, table: &Map<String, Value>, faults: &mut Vec<Fault>) {
        for (key, value) in table {
            let path = format!("{}/{key}", kind.name());
            let Some(entry) = value.as_object() else {
                faults.push(fault(&path, "", "type", "must be an object"));
                continue;
            };
            let mut entry = kind.completed(entry);
            kind.make_missing_secrets(&mut entry);
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
            self.entries.push((kind.index(), path, entry));
        }
    }

    /// Values that must be unique and are not, in the dump or with what is there.
    fn taken(&self, tables: &Snapshot) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, path, entry) in &self.entries {
            let kind = tables.kinds().at(*index);
            let message = format!("is taken by another entry of {}", kind.name());
            if uuid_at(entry, "uuid").is_some_and(|uuid| tables.get(kind, uuid).is_some()) {
                faults.push(fault(path, "uuid", "unique", &message));
            }
            for (number, rule) in kind.unique() {
                let Some(key) = rule.key(entry) else { continue };
                if tables.has_unique(kind, number, &key) || !seen.insert((*index, number, key)) {
                    faults.push(fault(path, &rule.field, "unique", &message));
                }
            }
        }
        faults
    }

    /// References to entries that are neither in the dump nor there already.
    fn dangling(&self, tables: &Snapshot, dump: &Map<String, Value>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, path, entry) in &self.entries {
            for reference in tables.kinds().at(*index).references() {
                let Some(uuid) = uuid_at(entry, &reference.field) else { continue };
                let comes =
                    dump.get(&reference.to).is_some_and(|table| table.get(uuid.to_string()).is_some());
                let is_there =
                    || tables.kinds().get(&reference.to).is_some_and(|to| tables.get(to, uuid).is_some());
                if !comes && !is_there() {
                    let message = format!("refers to an entry of {} that does not exist", reference.to);
                    faults.push(fault(path, &reference.field, "reference", &message));
                }
            }
        }
        faults
    }

    /// The old server kept lists of karanas in users and lost entries of them; the karanas' own `owner` counts.
    fn compare_lists(&mut self, kinds: &Kinds, dump: &Map<String, Value>) {
        for kind in kinds.iter() {
            for (list, resource, reference) in &kind.definition().back_references {
                let entries = |name: &str| dump.get(name).and_then(Value::as_object).into_iter().flatten();
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

    /// The old server labelled local times as UTC. East of Greenwich the latest ones give it away.
    fn look_at_times(&mut self, now: DateTime<Utc>) {
        for (_, path, entry) in &self.entries {
            let created = entry.get("created_at").and_then(Value::as_str);
            if created.and_then(|time| DateTime::parse_from_rfc3339(time).ok()).is_some_and(|time| time > now)
            {
                let note = "lies in the future: a local time labelled as UTC? It is taken as it is";
                self.notes.push(format!("{path}: created_at: {note}"));
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
        for (index, _, entry) in &self.entries {
            transaction.insert(kinds.at(*index), entry)?;
        }
        Ok(self.entries.len())
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
    Value::Object(tables.kinds().public().map(|kind| (kind.name().to_owned(), table(kind))).collect())
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
    Value::Object(kinds.public().map(|kind| (kind.name().to_owned(), metadata(kind))).collect())
}

fn fault(path: &str, field: &str, code: &str, message: &str) -> Fault {
    Fault { path: path.to_owned(), finding: Finding::new(field, code, message) }
}
