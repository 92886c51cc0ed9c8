//! One mutation in the making: decided against the newest tables, committed as a whole or not at all.

use super::journal::{Author, Change, Mutation};
use super::record::Record;
use super::seal::Keyring;
use super::snapshot::{Links, Snapshot};
use super::text::canonical;
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, OnDelete};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
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
        Self { tables, touched: BTreeMap::new(), order: Vec::new(), subject: None, documents: Vec::new() }
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

    /// Says what this mutation is about, where that is not what it does to each record; and sets documents.
    pub(super) fn describe(&mut self, subject: String, documents: Vec<(String, String)>) {
        self.subject = Some(subject);
        self.documents = documents;
    }

    /// Seals every secret anew with the newest of `keys`; from here on they are in force.
    pub(super) fn seal_anew(&mut self, keys: Arc<Keyring>) -> Result<(), Error> {
        self.tables.set_keys(keys.clone());
        for kind in self.kinds().iter().filter(|kind| kind.secrets().next().is_some()) {
            let records: Vec<_> = self.tables.records(kind).cloned().collect();
            for record in records {
                let (uuid, entry) = (record.uuid(), record.entry());
                let sealed = Record::new(uuid, &entry, keys.seal(kind, uuid, &entry, None));
                self.tables.put_record(kind, sealed, Links::of(kind, &entry)).map_err(Error::Conflict)?;
                self.touch(kind, uuid, Deed::Update);
            }
        }
        Ok(())
    }

    /// Deletes an entry and does to its dependents what is asked for; answers with the deleted record.
    pub fn delete(&mut self, kind: &Kind, uuid: Uuid, dependents: Dependents) -> Result<Record, Error> {
        self.tables.find(kind, uuid)?;
        let kinds = self.kinds();
        // An entry of another resource may have the same uuid: those that refer to that one are no business of this.
        let referrers = self.tables.referrers(uuid).filter(|referrer| referrer.reference.to == kind.name());
        let referrers: Vec<_> = referrers.map(|r| (r.kind.index(), r.reference.clone(), r.uuid)).collect();
        let mut blocking: BTreeMap<usize, usize> = BTreeMap::new();
        let mut releasable = dependents == Dependents::Refuse;
        for (index, reference, referrer) in referrers {
            let referring = kinds.at(index);
            let nullable = referring
                .import_schema()
                .property(&reference.field)
                .is_some_and(|schema| schema["type"].is_array());
            match (dependents, reference.on_delete) {
                // One that was reached on another way, through a dependent of its own, is gone by now.
                (Dependents::Delete, _) if self.tables.get(referring, referrer).is_none() => {}
                (Dependents::Delete, _) => {
                    self.delete(referring, referrer, dependents)?;
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
        let record = self
            .tables
            .remove(kind, uuid)
            .ok_or_else(|| Error::Internal(format!("{uuid} vanished while it was deleted")))?;
        self.touch(kind, uuid, Deed::Delete);
        Ok(record)
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
        Ok(Some(Outcome { summary, tables: self.tables, changes, documents: self.documents }))
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
}

impl Outcome {
    /// What the journal is to keep of it.
    pub fn mutation(self, author: Author, time: DateTime<Utc>) -> (Snapshot, Mutation) {
        let Self { tables, changes, documents, summary } = self;
        (tables, Mutation { author, time, summary, changes, documents })
    }
}

fn checked_uuid(kind: &Kind, entry: &Entry) -> Result<Uuid, Error> {
    entry
        .get("uuid")
        .and_then(Value::as_str)
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(|| Error::Invalid(kind.check(entry)))
}
