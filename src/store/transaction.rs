//! One mutation in the making: decided against the newest tables, committed as a whole or not at all.

use super::journal::{Author, Change, Mutation, Receipt};
use super::record::Record;
use super::seal::Keyring;
use super::snapshot::{Links, Snapshot};
use super::text::canonical;
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, OnDelete};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// One mutation in the making. It sees its own changes at once; nobody else does before it is durable.
pub struct Transaction {
    tables: Snapshot,
    /// What has changed: (resource, uuid) → what was done to it.
    touched: BTreeMap<(usize, Uuid), Deed>,
    /// In the order of the first deed on each record, for the commit's message.
    order: Vec<(usize, Uuid)>,
    /// What it is about, where that is not what it does to each record.
    subject: Option<String>,
    documents: Vec<(String, String)>,
    receipt: Option<Receipt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    Update,
    Delete,
}

/// What is to happen to the entries that refer to one that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dependents {
    /// What each reference declares ([`OnDelete`]).
    #[default]
    AsDeclared,
    /// There must be none.
    Refuse,
    /// They are released; refused where a reference cannot be empty.
    Release,
    /// They are deleted too.
    Delete,
}

impl Transaction {
    pub(super) fn new(tables: Snapshot) -> Self {
        Self {
            tables,
            touched: BTreeMap::new(),
            order: Vec::new(),
            subject: None,
            documents: Vec::new(),
            receipt: None,
        }
    }

    /// The tables as they stand with this mutation's changes so far.
    pub fn tables(&self) -> &Snapshot {
        &self.tables
    }

    /// The resources in force.
    pub fn kinds(&self) -> Kinds {
        self.tables.kinds().clone()
    }

    /// Adds a complete entry.
    pub fn insert(&mut self, kind: &Kind, entry: &Entry) -> Result<(), Error> {
        let uuid = checked_uuid(kind, entry)?;
        if self.tables.get(kind, uuid).is_some() {
            return Err(Error::conflict(
                "uuid",
                "unique",
                format!("is taken by another entry of {}", kind.name()),
            ));
        }
        self.put(kind, uuid, entry, Deed::Create)
    }

    /// Puts a complete entry in the place of the one with its uuid. An equal one changes nothing.
    pub fn replace(&mut self, kind: &Kind, entry: &Entry) -> Result<(), Error> {
        let uuid = checked_uuid(kind, entry)?;
        if **self.tables.find(kind, uuid)?.text() == canonical(entry) {
            return Ok(());
        }
        self.put(kind, uuid, entry, Deed::Update)
    }

    /// Keeps what this mutation is answered, if it changes anything.
    pub fn keep(&mut self, receipt: Receipt) {
        self.tables.receipts_mut().put(receipt.clone());
        self.receipt = Some(receipt);
    }

    /// Whether the references of an entry lead somewhere, as it stands now. At the end that must be true of all.
    pub fn check_references(&self, kind: &Kind, uuid: Uuid) -> Result<(), Error> {
        self.check_references_of(kind, &self.tables.find(kind, uuid)?.entry())
    }

    /// The same of an entry that is not in the tables yet.
    pub fn check_references_of(&self, kind: &Kind, entry: &Entry) -> Result<(), Error> {
        let findings = self.tables.dangling(kind, &Links::of(kind, entry));
        if findings.is_empty() { Ok(()) } else { Err(Error::Invalid(findings)) }
    }

    /// Says what this mutation is about, where that is not what it does to each record; and sets documents.
    pub(super) fn describe(&mut self, subject: String, documents: Vec<(String, String)>) {
        self.subject = Some(subject);
        self.documents = documents;
    }

    /// Seals every secret anew with the newest of `keys`; from here on they are in force.
    pub(super) fn seal_anew(&mut self, keys: Arc<Keyring>) -> Result<(), Error> {
        self.tables.set_keys(keys);
        for kind in self.kinds().iter().filter(|kind| kind.secrets().next().is_some()) {
            self.seal(kind, false)?;
        }
        Ok(())
    }

    /// Seals those secrets of a resource that lie open.
    pub(super) fn seal_open_ones(&mut self, kind: &Kind) -> Result<(), Error> {
        self.seal(kind, true)
    }

    /// Makes the secrets of a resource that have come since its entries were written.
    pub(super) fn make_missing_secrets(&mut self, kind: &Kind) -> Result<(), Error> {
        if kind.generated_secrets_of_late().next().is_none() {
            return Ok(());
        }
        let mut entries: Vec<_> = self.tables.records(kind).map(|record| record.entry()).collect();
        for entry in &mut entries {
            if kind.make_missing_secrets(entry) {
                self.replace(kind, entry)?;
            }
        }
        Ok(())
    }

    fn seal(&mut self, kind: &Kind, keep: bool) -> Result<(), Error> {
        let keys = self.tables.keys().clone();
        let records: Vec<_> = self.tables.records(kind).cloned().collect();
        for record in records {
            let (uuid, entry) = (record.uuid(), record.entry());
            let before = keep.then(|| (&entry, &**record.seals()));
            let sealed = Record::new(uuid, &entry, keys.seal(kind, uuid, &entry, before));
            if keep && sealed == record {
                continue;
            }
            self.tables.put_record(kind, sealed, Links::of(kind, &entry)).map_err(Error::Conflict)?;
            self.touch(kind, uuid, Deed::Update);
        }
        Ok(())
    }

    /// Deletes an entry and does to its dependents what is asked for; answers with the deleted record.
    pub fn delete(&mut self, kind: &Kind, uuid: Uuid, dependents: Dependents) -> Result<Record, Error> {
        let record = self.tables.find(kind, uuid)?.clone();
        self.delete_all(vec![(kind.index(), uuid)], dependents)?;
        Ok(record)
    }

    /// Deletes every entry of a resource, unless entries of another one refer to it; answers with how many there were.
    pub fn clear(&mut self, kind: &Kind) -> Result<usize, Error> {
        let doomed: Vec<_> = self.tables.records(kind).map(|record| (kind.index(), record.uuid())).collect();
        let count = doomed.len();
        self.delete_all(doomed, Dependents::AsDeclared)?;
        Ok(count)
    }

    /// Entries may refer to each other in a circle, and in long chains: what is to go is known before it goes.
    fn delete_all(&mut self, mut doomed: Vec<(usize, Uuid)>, dependents: Dependents) -> Result<(), Error> {
        let kinds = self.kinds();
        let mut known: BTreeSet<_> = doomed.iter().copied().collect();
        let mut blocking: BTreeMap<usize, usize> = BTreeMap::new();
        let mut releasable = dependents == Dependents::Refuse;
        let mut next = 0;
        while let Some((index, uuid)) = doomed.get(next).copied() {
            next += 1;
            // An entry of another resource may have the same uuid: those that refer to that one are no business of this.
            let name = kinds.at(index).name();
            let referrers = self.tables.referrers(uuid).filter(|referrer| referrer.reference.to == name);
            let referrers: Vec<_> =
                referrers.map(|r| (r.kind.index(), r.reference.clone(), r.uuid)).collect();
            for (index, reference, referrer) in referrers {
                if known.contains(&(index, referrer)) {
                    continue;
                }
                let referring = kinds.at(index);
                let property = referring.import_schema().property(&reference.field);
                let nullable = property.is_some_and(|schema| schema["type"].is_array());
                match (dependents, reference.on_delete) {
                    (Dependents::Delete, _) | (_, OnDelete::Delete) => {
                        known.insert((index, referrer));
                        doomed.push((index, referrer));
                    }
                    (Dependents::AsDeclared, OnDelete::Release) | (Dependents::Release, _) if nullable => {
                        let mut entry = self.tables.find(referring, referrer)?.entry();
                        entry.insert(reference.field.clone(), Value::Null);
                        self.replace(referring, &entry)?;
                    }
                    _ => {
                        releasable &= nullable;
                        *blocking.entry(index).or_default() += 1;
                    }
                }
            }
        }
        if !blocking.is_empty() {
            let counts: Vec<_> =
                blocking.iter().map(|(index, n)| format!("{n} in {}", kinds.at(*index).name())).collect();
            let release = if releasable { "dependents=release or " } else { "" };
            let message = format!(
                "{} refer to it; delete them first, or ask for {release}dependents=delete",
                counts.join(" and ")
            );
            return Err(Error::Conflict(vec![Finding::new("", "dependents", message)]));
        }
        // What was asked for last: that is what the commit is about.
        for (index, uuid) in doomed.into_iter().rev() {
            self.tables
                .remove(kinds.at(index), uuid)
                .ok_or_else(|| Error::Internal(format!("{uuid} vanished while it was deleted")))?;
            self.touch(kinds.at(index), uuid, Deed::Delete);
        }
        Ok(())
    }

    fn put(&mut self, kind: &Kind, uuid: Uuid, entry: &Entry, deed: Deed) -> Result<(), Error> {
        let findings = kind.check(entry);
        if !findings.is_empty() {
            return Err(Error::Invalid(findings));
        }
        self.tables.put(kind, uuid, entry).map_err(Error::Conflict)?;
        self.touch(kind, uuid, deed);
        Ok(())
    }

    fn touch(&mut self, kind: &Kind, uuid: Uuid, deed: Deed) {
        let key = (kind.index(), uuid);
        match self.touched.get(&key) {
            None => self.order.push(key),
            // What this mutation itself created is still created when it changes it again.
            Some(Deed::Create) if deed == Deed::Update => return,
            Some(_) => {}
        }
        self.touched.insert(key, deed);
    }

    /// The end of the decision: references must lead somewhere. None when nothing changed.
    pub(super) fn finish(self) -> Result<Option<Outcome>, Error> {
        let kinds = self.kinds();
        let mut findings = Vec::new();
        let mut changes = Vec::with_capacity(self.order.len());
        for (index, uuid) in &self.order {
            let kind = kinds.at(*index);
            let text = self.tables.get(kind, *uuid).map(|record| {
                let entry = record.entry();
                findings.extend(self.tables.dangling(kind, &Links::of(kind, &entry)));
                record.sealed(kind)
            });
            changes.push(Change { resource: kind.name().to_owned(), uuid: *uuid, text });
        }
        if !findings.is_empty() {
            return Err(Error::Invalid(findings));
        }
        if changes.is_empty() && self.documents.is_empty() {
            return Ok(None);
        }
        let summary = self.summary(&kinds);
        let Self { tables, documents, receipt, .. } = self;
        Ok(Some(Outcome { summary, tables, changes, documents, receipt }))
    }

    /// The commit's message: what happened to the first record, then a line for each further one.
    fn summary(&self, kinds: &Kinds) -> String {
        if let Some(subject) = &self.subject {
            return subject.clone();
        }
        let line = |(index, uuid): &(usize, Uuid)| {
            let deed = match self.touched[&(*index, *uuid)] {
                Deed::Create => "create",
                Deed::Update => "update",
                Deed::Delete => "delete",
            };
            format!("{}: {deed} {uuid}", kinds.at(*index).name())
        };
        // A deletion comes after what it did to the dependents; it is what the commit is about.
        let mut order: Vec<_> = self.order.iter().collect();
        if let Some(deletion) = order.iter().rposition(|key| self.touched[key] == Deed::Delete) {
            order[..=deletion].rotate_right(1);
        }
        let mut lines: Vec<_> = order.into_iter().map(line).collect();
        if lines.len() > 1 {
            lines[0] = format!("{} (and {} more)", lines[0], lines.len() - 1);
            lines.insert(1, String::new());
        }
        lines.join("\n")
    }
}

/// A decided mutation: what to write, and the tables after it.
pub(super) struct Outcome {
    pub tables: Snapshot,
    pub changes: Vec<Change>,
    pub documents: Vec<(String, String)>,
    pub summary: String,
    pub receipt: Option<Receipt>,
}

impl Outcome {
    /// What the journal is to keep of it.
    pub fn mutation(self, author: Author, time: DateTime<Utc>) -> (Snapshot, Mutation) {
        let Self { tables, changes, documents, summary, receipt } = self;
        (tables, Mutation { author, time, summary, changes, documents, receipt })
    }
}

fn checked_uuid(kind: &Kind, entry: &Entry) -> Result<Uuid, Error> {
    entry
        .get("uuid")
        .and_then(Value::as_str)
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(|| Error::Invalid(kind.check(entry)))
}
