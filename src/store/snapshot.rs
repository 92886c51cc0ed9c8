//! All tables at one revision: immutable, cheap to clone, shared by every reader.

use super::journal::Revision;
use super::receipts::Receipts;
use super::record::Record;
use super::seal::{Keyring, key_of};
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, Kinds, Reference, uuid_at};
use imbl::{OrdMap, OrdSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// All tables at one revision.
#[derive(Debug, Clone)]
pub struct Snapshot {
    kinds: Kinds,
    keys: Arc<Keyring>,
    revision: Revision,
    /// What writes of the last day were answered.
    receipts: Receipts,
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
    pub(super) fn empty(kinds: Kinds, keys: Arc<Keyring>) -> Self {
        let tables = kinds.iter().map(|_| Table::default()).collect();
        Self {
            kinds,
            keys,
            revision: Revision::default(),
            receipts: Receipts::default(),
            tables,
            referrers: OrdSet::new(),
        }
    }

    /// The keys that the secrets of new records are sealed with.
    pub(super) fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    pub(super) fn set_keys(&mut self, keys: Arc<Keyring>) {
        self.keys = keys;
    }

    /// The resources in force.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The revision these tables stand at.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What writes of the last day were answered.
    pub fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    pub(super) fn receipts_mut(&mut self) -> &mut Receipts {
        &mut self.receipts
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

    /// The records of a resource whose uuid comes after this one.
    pub(super) fn records_after(&self, kind: &Kind, uuid: Option<Uuid>) -> impl Iterator<Item = &Record> {
        self.tables[kind.index()].records.range(super::selection::after(uuid)).map(|(_, record)| record)
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

    /// The entries of a resource that refer to `uuid` with the reference of this number.
    pub(super) fn referring(&self, kind: &Kind, reference: usize, uuid: Uuid) -> impl Iterator<Item = Uuid> {
        let of = |end: Uuid| (uuid, kind.index(), reference, end);
        self.referrers.range(of(Uuid::nil())..=of(Uuid::max())).map(|(_, _, _, uuid)| *uuid)
    }

    /// The entries of a resource that belong to a user; see [`Snapshot::owner`].
    pub fn belonging_to(&self, kind: &Kind, owner: Uuid) -> BTreeSet<Uuid> {
        if kind.login_field().is_some() {
            return self.get(kind, owner).map(Record::uuid).into_iter().collect();
        }
        let through = kind.definition().belongs_through.as_deref();
        let references = || kind.references().iter().enumerate();
        let Some((number, reference)) = references().find(|(_, to)| Some(to.field.as_str()) == through)
        else {
            return BTreeSet::new();
        };
        match self.kinds.get(&reference.to) {
            None => BTreeSet::new(),
            Some(target) if target.login_field().is_some() => self.referring(kind, number, owner).collect(),
            Some(target) => {
                let targets = self.belonging_to(target, owner);
                targets.into_iter().flat_map(|to| self.referring(kind, number, to)).collect()
            }
        }
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

    /// The same of a stored record, of which no more is read than that takes.
    pub fn owner_of(&self, kind: &Kind, record: &Record) -> Option<Uuid> {
        if kind.login_field().is_some() {
            return Some(record.uuid());
        }
        let through = kind.definition().belongs_through.as_deref()?;
        let reference = kind.references().iter().find(|reference| reference.field == through)?;
        let target = self.kinds.get(&reference.to)?;
        let uuid = record.value_at(through)?.trim_matches('"').parse().ok()?;
        if target.login_field().is_some() {
            return Some(uuid);
        }
        self.owner_of(target, self.get(target, uuid)?)
    }

    /// Whether every secret is sealed with this key.
    pub(super) fn all_sealed_with(&self, key: &str) -> bool {
        let mut records = self.tables.iter().flat_map(|table| table.records.values());
        records.all(|record| {
            record.seals().iter().all(|sealed| sealed.is_empty() || key_of(sealed) == Some(key))
        })
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

    /// Puts an entry in the place of the one with its uuid, if any, and seals its secrets. Uniqueness is checked,
    /// references are not.
    pub(super) fn put(&mut self, kind: &Kind, uuid: Uuid, entry: &Entry) -> Result<(), Vec<Finding>> {
        let before = self.get(kind, uuid).map(|record| (record.entry(), record.seals().clone()));
        let before = before.as_ref().map(|(entry, seals)| (entry, &**seals));
        let seals = self.keys.seal(kind, uuid, entry, before);
        self.put_record(kind, Record::new(uuid, entry, seals), Links::of(kind, entry))
    }

    /// Puts a record in the place of the one with its uuid.
    pub(super) fn put_record(
        &mut self,
        kind: &Kind,
        record: Record,
        links: Links,
    ) -> Result<(), Vec<Finding>> {
        let uuid = record.uuid();
        let table = &self.tables[kind.index()];
        let taken: Vec<_> = links
            .unique
            .iter()
            .filter(|key| table.unique.get(*key).is_some_and(|holder| *holder != uuid))
            .filter_map(|(number, _)| kind.unique().find(|(known, _)| known == number))
            .map(|(_, rule)| {
                Finding::new(&rule.field, "unique", format!("is taken by another entry of {}", kind.name()))
            })
            .collect();
        if !taken.is_empty() {
            return Err(taken);
        }
        self.remove(kind, uuid);
        let table = &mut self.tables[kind.index()];
        table.unique.extend(links.unique.into_iter().map(|key| (key, uuid)));
        table.records.insert(uuid, record);
        for (number, target) in links.targets {
            self.referrers.insert((target, kind.index(), number, uuid));
        }
        Ok(())
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, kind: &Kind, uuid: Uuid) -> Option<Record> {
        let table = &mut self.tables[kind.index()];
        let record = table.records.remove(&uuid)?;
        let links = Links::of(kind, &record.entry());
        for key in &links.unique {
            table.unique.remove(key);
        }
        for (number, target) in links.targets {
            self.referrers.remove(&(target, kind.index(), number, uuid));
        }
        Some(record)
    }

    /// References that lead nowhere.
    pub(super) fn dangling(&self, kind: &Kind, links: &Links) -> Vec<Finding> {
        links
            .targets
            .iter()
            .filter_map(|&(number, target)| {
                let reference = &kind.references()[number];
                let exists = self.kinds.get(&reference.to).is_some_and(|to| self.get(to, target).is_some());
                let message = || format!("refers to an entry of {} that does not exist", reference.to);
                (!exists).then(|| Finding::new(&reference.field, "reference", message()))
            })
            .collect()
    }
}

/// What of an entry the indexes hold.
#[derive(Clone)]
pub(super) struct Links {
    /// (number of the rule, the text that is unique)
    unique: Vec<(usize, String)>,
    /// (number of the reference, the entry referred to)
    targets: Vec<(usize, Uuid)>,
}

impl Links {
    pub fn of(kind: &Kind, entry: &Entry) -> Self {
        let unique = kind.unique().filter_map(|(number, rule)| Some((number, rule.key(entry)?)));
        let references = kind.references().iter().enumerate();
        let targets = references.filter_map(|(number, to)| Some((number, uuid_at(entry, &to.field)?)));
        Self { unique: unique.collect(), targets: targets.collect() }
    }
}
