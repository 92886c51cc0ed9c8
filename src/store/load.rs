//! From records as the journal holds them to tables: opened, checked, sorted in.

use super::earlier::Earlier;
use super::journal::{Loaded, Stored, record_path};
use super::open::Fault;
use super::record::Record;
use super::seal::Keyring;
use super::snapshot::{Links, Snapshot};
use crate::error::Finding;
use crate::resource::{Entry, Kind, Kinds};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// A record that keeps the rules of its resource, ready to be put into the tables.
type Placed<'k> = (&'k Kind, Record, Links);

/// Sorts what was loaded into tables, and names everything that breaks a rule.
pub fn tables(
    mut loaded: Loaded,
    kinds: &Kinds,
    keys: &Arc<Keyring>,
    earlier: &Earlier,
) -> (Snapshot, Vec<Fault>) {
    let mut tables = Snapshot::empty(kinds.clone(), keys.clone());
    let mut faults = Vec::new();
    for (path, reason) in loaded.strangers {
        faults.push(Fault { path, finding: Finding::new("", "stranger", reason) });
    }
    let one_half = |records: Vec<Stored>| {
        let mut placed = Vec::with_capacity(records.len());
        let mut faults = Vec::new();
        for stored in records {
            let (resource, uuid) = (stored.resource.clone(), stored.uuid);
            match place(stored, kinds, keys, earlier) {
                Ok(record) => placed.push(record),
                Err(findings) => faults.extend(faults_of(&resource, uuid, findings)),
            }
        }
        (placed, faults)
    };
    // Reading JSON and checking it against the schemas is most of the work of a start.
    let other_half = loaded.records.split_off(loaded.records.len() / 2);
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| one_half(other_half));
        (one_half(loaded.records), other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut placed: Vec<Placed<'_>> = first.0.into_iter().chain(second.0).collect();
    faults.extend(first.1.into_iter().chain(second.1));
    // In the order of the tables, where neighbours are at hand.
    placed.sort_unstable_by_key(|(kind, record, _)| (kind.index(), record.uuid()));
    let mut references = Vec::with_capacity(placed.len());
    for (kind, record, links) in placed {
        let uuid = record.uuid();
        match tables.put_record(kind, record, links.clone()) {
            Ok(()) if kind.references().is_empty() => {}
            Ok(()) => references.push((kind, uuid, links)),
            Err(findings) => faults.extend(faults_of(kind.name(), uuid, findings)),
        }
    }
    // Only now are all there that may be referred to.
    for (kind, uuid, links) in references {
        faults.extend(faults_of(kind.name(), uuid, tables.dangling(kind, &links)));
    }
    for kind in kinds.iter().filter(|kind| tables.len(kind) > 0) {
        faults.extend(earlier.uncovered(kind));
    }
    if let Some(revision) = loaded.revision {
        tables.set_revision(revision);
    }
    for receipt in loaded.receipts {
        tables.receipts_mut().put(receipt);
    }
    (tables, faults)
}

fn faults_of(resource: &str, uuid: Uuid, findings: Vec<Finding>) -> impl Iterator<Item = Fault> {
    let path = record_path(resource, uuid);
    findings.into_iter().map(move |finding| Fault { path: path.clone(), finding })
}

/// Reads one stored record, if it keeps the rules of its resource.
fn place<'k>(
    stored: Stored,
    kinds: &'k Kinds,
    keys: &Keyring,
    earlier: &Earlier,
) -> Result<Placed<'k>, Vec<Finding>> {
    let one = |field: &str, code: &str, message: String| vec![Finding::new(field, code, message)];
    let kind = kinds.get(&stored.resource).ok_or_else(|| {
        let name = &stored.resource;
        one(
            "",
            "resource",
            format!("the resource `{name}` is not in force ([resources] enabled, dir), but has entries"),
        )
    })?;
    let text = stored.text.ok_or_else(|| one("", "utf8", "is not UTF-8".into()))?;
    // The place only: serde_json may quote values.
    let place =
        |e: serde_json::Error| format!("is not a JSON object (line {}, column {})", e.line(), e.column());
    let entry: Entry = serde_json::from_str(&text).map_err(|e| one("", "json", place(e)))?;
    if entry.get("uuid").and_then(Value::as_str) != Some(stored.uuid.to_string().as_str()) {
        return Err(one("uuid", "uuid", "must be the uuid in the file's name".into()));
    }
    let mut value = Value::Object(entry);
    let Value::Object(entry) = &mut value else { unreachable!("it was made so") };
    let seals = keys.open_entry(kind, stored.uuid, entry, |secret| earlier.lies_open(kind, secret));
    // Entries of an earlier version lack the fields that have come since; those have defaults.
    kind.complete_stored(entry);
    let findings = kind.import_schema().check_value(&value);
    let Value::Object(entry) = value else { unreachable!("it was made so") };
    match seals {
        Ok(seals) if findings.is_empty() => {
            Ok((kind, Record::new(stored.uuid, &entry, seals), Links::of(kind, &entry)))
        }
        Ok(_) => Err(findings),
        // What could not be opened cannot be checked.
        Err(mut sealed) => {
            sealed.extend(
                findings.into_iter().filter(|finding| kind.secrets().all(|path| path != finding.field)),
            );
            Err(sealed)
        }
    }
}
