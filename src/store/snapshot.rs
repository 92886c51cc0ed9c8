//! All tables at one revision: immutable, cheap to clone, shared by every reader.

use super::journal::Revision;
use super::record::Record;
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, Reference, uuid_at};
use imbl::{OrdMap, OrdSet};
use uuid::Uuid;

/// All tables at one revision.
#[derive(Debug, Clone)]
pub struct Snapshot {
    kinds: Kinds,
    revision: Revision,
    tables: Vec<Table>,
    /// Who refers to an entry: (entry referred to, resource and reference that refer, entry that refers).
    referrers: OrdSet<(Uuid, usize, usize, Uuid)>,
}

#[derive(Debug, Clone, Default)]
struct Table {
    records: OrdMap<Uuid, Record>,
    /// (number of the rule, the text that is unique) → who has it.
    unique: OrdMap<(usize, String), Uuid>,
}

/// An entry that refers to another one.
#[derive(Debug, Clone)]
pub struct Referrer<'a> {
    /// The resource of the entry that refers.
    pub kind: &'a Kind,
    /// The field it refers with.
    pub reference: &'a Reference,
    /// The entry that refers.
    pub uuid: Uuid,
}

impl Snapshot {
    pub(super) fn empty(kinds: Kinds) -> Self {
        let tables = kinds.iter().map(|_| Table::default()).collect();
        Self { kinds, revision: Revision::default(), tables, referrers: OrdSet::new() }
    }

    /// The resources in force.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The revision these tables stand at.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    pub(super) fn set_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// One record.
    pub fn get(&self, kind: &Kind, uuid: Uuid) -> Option<&Record> {
        self.tables[kind.index()].records.get(&uuid)
    }

    /// One record, or the error that says which one there is not.
    pub fn find(&self, kind: &Kind, uuid: Uuid) -> Result<&Record, Error> {
        self.get(kind, uuid)
            .ok_or_else(|| Error::NotFound(format!("there is no entry {uuid} in {}", kind.name())))
    }

    /// All records of a resource, ordered by uuid.
    pub fn records(&self, kind: &Kind) -> impl Iterator<Item = &Record> {
        self.tables[kind.index()].records.values()
    }

    /// How many records a resource has.
    pub fn len(&self, kind: &Kind) -> usize {
        self.tables[kind.index()].records.len()
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.records.is_empty())
    }

    /// The record that has `value` in a field that is unique in the whole resource.
    pub fn by_unique(&self, kind: &Kind, field: &str, value: &str) -> Option<&Record> {
        let (number, rule) = kind.unique().find(|(_, rule)| rule.field == field && rule.within.is_none())?;
        let table = &self.tables[kind.index()];
        table.records.get(table.unique.get(&(number, rule.fold(value)))?)
    }

    /// Whether an entry has this text under the rule of uniqueness with this number.
    pub(super) fn has_unique(&self, kind: &Kind, rule: usize, key: &str) -> bool {
        self.tables[kind.index()].unique.contains_key(&(rule, key.to_owned()))
    }

    /// The entries that refer to `uuid`, ordered by resource, reference and uuid.
    pub fn referrers(&self, uuid: Uuid) -> impl Iterator<Item = Referrer<'_>> {
        self.referrers.range((uuid, 0, 0, Uuid::nil())..=(uuid, usize::MAX, usize::MAX, Uuid::max())).map(
            |(_, kind, reference, uuid)| {
                let kind = self.kinds.at(*kind);
                Referrer { kind, reference: &kind.references()[*reference], uuid: *uuid }
            },
        )
    }

    /// The user an entry belongs to: itself when it can sign in, otherwise whoever its references lead to.
    pub fn owner(&self, kind: &Kind, entry: &Entry) -> Option<Uuid> {
        if kind.login_field().is_some() {
            return uuid_at(entry, "uuid");
        }
        let through = kind.definition().belongs_through.as_deref()?;
        let reference = kind.references().iter().find(|reference| reference.field == through)?;
        let target = self.kinds.get(&reference.to)?;
        let uuid = uuid_at(entry, through)?;
        if target.login_field().is_some() {
            return Some(uuid);
        }
        self.owner(target, &self.get(target, uuid)?.entry())
    }

    /// Adds the lists that `/v1` derives from those who refer to the entry.
    pub fn add_back_references(&self, kind: &Kind, uuid: Uuid, entry: &mut Entry) {
        for (name, resource, reference) in &kind.definition().back_references {
            let uuids = self
                .referrers(uuid)
                .filter(|referrer| referrer.kind.name() == resource && referrer.reference.field == *reference)
                .map(|referrer| referrer.uuid.to_string().into());
            entry.insert(name.clone(), uuids.collect::<Vec<serde_json::Value>>().into());
        }
    }

    /// Puts a record in the place of the one with its uuid, if any. Uniqueness is checked, references are not.
    pub(super) fn put(&mut self, kind: &Kind, record: Record) -> Result<(), Vec<Finding>> {
        let entry = record.entry();
        let uuid = record.uuid();
        let table = &self.tables[kind.index()];
        let keys: Vec<_> =
            kind.unique().filter_map(|(number, rule)| Some((rule, (number, rule.key(&entry)?)))).collect();
        let taken: Vec<_> = keys
            .iter()
            .filter(|(_, key)| table.unique.get(key).is_some_and(|holder| *holder != uuid))
            .map(|(rule, _)| {
                Finding::new(&rule.field, "unique", format!("is taken by another entry of {}", kind.name()))
            })
            .collect();
        if !taken.is_empty() {
            return Err(taken);
        }
        self.remove(kind, uuid);
        let table = &mut self.tables[kind.index()];
        table.unique.extend(keys.into_iter().map(|(_, key)| (key, uuid)));
        table.records.insert(uuid, record);
        for (number, target) in targets(kind, &entry) {
            self.referrers.insert((target, kind.index(), number, uuid));
        }
        Ok(())
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, kind: &Kind, uuid: Uuid) -> Option<Record> {
        let table = &mut self.tables[kind.index()];
        let record = table.records.remove(&uuid)?;
        let entry = record.entry();
        for (number, rule) in kind.unique() {
            if let Some(key) = rule.key(&entry) {
                table.unique.remove(&(number, key));
            }
        }
        for (number, target) in targets(kind, &entry) {
            self.referrers.remove(&(target, kind.index(), number, uuid));
        }
        Some(record)
    }

    /// References of a record that lead nowhere.
    pub(super) fn dangling(&self, kind: &Kind, record: &Record) -> Vec<Finding> {
        targets(kind, &record.entry())
            .filter_map(|(number, target)| {
                let reference = &kind.references()[number];
                let exists = self.kinds.get(&reference.to).is_some_and(|to| self.get(to, target).is_some());
                let message = || format!("refers to an entry of {} that does not exist", reference.to);
                (!exists).then(|| Finding::new(&reference.field, "reference", message()))
            })
            .collect()
    }
}

fn targets(kind: &Kind, entry: &Entry) -> impl Iterator<Item = (usize, Uuid)> {
    kind.references()
        .iter()
        .enumerate()
        .filter_map(|(number, reference)| Some((number, uuid_at(entry, &reference.field)?)))
}
