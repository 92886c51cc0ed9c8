//! The tables as plain maps, and the rules of the store in as few words as they can be said.

use crate::resource::{Entry, TOKEN_EPOCH, field};
use crate::store::{Dependents, Revision, canonical};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Users,
    Karanas,
    Maintenances,
    Payments,
}

pub const RESOURCES: [Resource; 4] =
    [Resource::Users, Resource::Karanas, Resource::Maintenances, Resource::Payments];

impl Resource {
    pub fn name(self) -> &'static str {
        ["users", "karanas", "maintenances", "payments"][self as usize]
    }

    fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["credentials.password", "password_influx", "password_grafana"],
            Self::Karanas => &["config.password"],
            Self::Maintenances | Self::Payments => &[],
        }
    }

    /// `(field, resource referred to, whether the entry lives on when that one goes)`
    pub fn references(self) -> &'static [(&'static str, Self, bool)] {
        match self {
            Self::Users => &[],
            Self::Karanas => &[("owner", Self::Users, true)],
            Self::Maintenances => &[("karana", Self::Karanas, false)],
            Self::Payments => &[("owner", Self::Users, false), ("karana", Self::Karanas, false)],
        }
    }
}

pub type Key = (Resource, Uuid);

/// A record: its text, and a number for each of its secrets that changes when that is sealed anew.
#[derive(Debug, PartialEq)]
pub struct Held {
    pub entry: Entry,
    pub text: String,
    seals: Vec<u64>,
}

pub type Tables = BTreeMap<Key, Arc<Held>>;

/// What one write does, step by step.
#[derive(Debug, Clone)]
pub enum Deed {
    Insert(Key, Entry),
    Replace(Key, Entry),
    Delete(Key, Dependents),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Invalid,
    NotFound,
    Conflict,
}

/// A revision that was answered.
#[derive(Debug, Clone)]
pub struct Kept {
    pub revision: Revision,
    /// Seconds since 1970.
    pub time: i64,
    pub tables: Tables,
}

/// Everything that was answered, in its order.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub kept: Vec<Kept>,
    seals: u64,
}

impl Model {
    pub fn newest(&self) -> &Kept {
        self.kept.last().expect("a store begins with a revision")
    }

    pub fn keep(&mut self, revision: Revision, time: i64, tables: Tables) {
        let known = self.kept.iter().any(|kept| kept.revision == revision);
        assert!(!known, "{revision} was answered for two changes");
        self.kept.push(Kept { revision, time, tables });
    }

    /// What a write makes of the newest tables; none when it changes nothing.
    pub fn decide(&mut self, deeds: &[Deed]) -> Result<Option<Tables>, Refusal> {
        let mut tables = self.newest().tables.clone();
        let mut touched = BTreeSet::new();
        for deed in deeds {
            match deed {
                Deed::Insert(key, _) if tables.contains_key(key) => return Err(Refusal::Conflict),
                Deed::Insert(key, entry) => self.put(&mut tables, &mut touched, *key, entry)?,
                Deed::Replace(key, entry) => {
                    let held = tables.get(key).ok_or(Refusal::NotFound)?;
                    if held.entry != *entry {
                        self.put(&mut tables, &mut touched, *key, entry)?;
                    }
                }
                Deed::Delete(key, dependents) => self.delete(&mut tables, &mut touched, *key, *dependents)?,
            }
        }
        for key in &touched {
            let Some(held) = tables.get(key) else { continue };
            for (name, to, _) in key.0.references() {
                if target(&held.entry, name).is_some_and(|uuid| !tables.contains_key(&(*to, uuid))) {
                    return Err(Refusal::Invalid);
                }
            }
        }
        Ok((!touched.is_empty()).then_some(tables))
    }

    fn put(
        &mut self,
        tables: &mut Tables,
        touched: &mut BTreeSet<Key>,
        key: Key,
        entry: &Entry,
    ) -> Result<(), Refusal> {
        if is_broken(entry) {
            return Err(Refusal::Invalid);
        }
        let unique = |entry: &Entry| match key.0 {
            Resource::Users => Some(folded(entry["email"].as_str().unwrap())),
            Resource::Karanas => Some(format!("{} {}", entry["owner"].as_str()?, entry["kid"].as_str()?)),
            Resource::Maintenances | Resource::Payments => None,
        };
        let wanted = unique(entry);
        let mut others = tables.iter().filter(|(other, _)| other.0 == key.0 && **other != key);
        if wanted.is_some() && others.any(|(_, held)| unique(&held.entry) == wanted) {
            return Err(Refusal::Conflict);
        }
        let before = tables.get(&key);
        let seals = key.0.secrets().iter().enumerate().map(|(number, path)| {
            let same = before.filter(|before| field(&before.entry, path) == field(entry, path));
            same.map_or_else(|| self.new_seal(), |before| before.seals[number])
        });
        let seals = seals.collect();
        tables.insert(key, Arc::new(Held { entry: entry.clone(), text: canonical(entry), seals }));
        touched.insert(key);
        Ok(())
    }

    fn delete(
        &mut self,
        tables: &mut Tables,
        touched: &mut BTreeSet<Key>,
        key: Key,
        dependents: Dependents,
    ) -> Result<(), Refusal> {
        if !tables.contains_key(&key) {
            return Err(Refusal::NotFound);
        }
        let mut blocked = false;
        for (referrer, name) in referrers(tables, key) {
            let lives_on =
                referrer.0.references().iter().any(|(field, _, lives_on)| *field == name && *lives_on);
            match (dependents, tables.get(&referrer)) {
                (_, None) => {}
                (Dependents::Delete, Some(_)) => self.delete(tables, touched, referrer, dependents)?,
                (_, Some(held)) if lives_on => {
                    let mut entry = held.entry.clone();
                    entry.insert(name.into(), Value::Null);
                    self.put(tables, touched, referrer, &entry)?;
                }
                _ => blocked = true,
            }
        }
        if blocked {
            return Err(Refusal::Conflict);
        }
        tables.remove(&key);
        touched.insert(key);
        Ok(())
    }

    /// The newest tables with every secret sealed anew.
    pub fn sealed_anew(&mut self) -> Tables {
        let tables = self.newest().tables.clone();
        let sealed = tables.into_iter().map(|(key, held)| {
            let seals = held.seals.iter().map(|_| self.new_seal()).collect();
            (key, Arc::new(Held { entry: held.entry.clone(), text: held.text.clone(), seals }))
        });
        sealed.collect()
    }

    fn new_seal(&mut self) -> u64 {
        self.seals += 1;
        self.seals
    }

    /// The entry of an earlier revision as it comes back: tokens that have ended stay ended.
    pub fn restored(&self, key: Key, then: &Kept) -> Option<Deed> {
        let past = &then.tables.get(&key)?.entry;
        let Some(now) = self.newest().tables.get(&key) else {
            let mut entry = past.clone();
            if let Some(epoch) = past.get(TOKEN_EPOCH).and_then(Value::as_u64) {
                entry.insert(TOKEN_EPOCH.into(), (epoch + 1).into());
            }
            return Some(Deed::Insert(key, entry));
        };
        let mut entry = past.clone();
        if now.entry != *past
            && let (Some(past), Some(now)) = (past.get(TOKEN_EPOCH), now.entry.get(TOKEN_EPOCH))
        {
            let newest = past.as_u64().max(now.as_u64()).unwrap();
            entry.insert(TOKEN_EPOCH.into(), (newest + 1).into());
        }
        Some(Deed::Replace(key, entry))
    }

    /// The revisions that changed a record, newest first, with what they made of it.
    pub fn history(&self, key: Key) -> Vec<(&Kept, Option<&Entry>)> {
        let at = |kept: &'_ Kept| kept.tables.get(&key).cloned();
        let mut changes = Vec::new();
        let mut before = None;
        for kept in &self.kept {
            let now = at(kept);
            if now != before {
                changes.push((kept, kept.tables.get(&key).map(|held| &held.entry)));
            }
            before = now;
        }
        changes.reverse();
        changes
    }

    /// The newest revision that was made no later; clocks that jump make one before it later than it.
    pub fn at(&self, time: i64) -> Option<&Kept> {
        self.kept.iter().rev().find(|kept| kept.time <= time)
    }
}

/// Who refers to an entry, and with which field; in the order of the resources.
pub fn referrers(tables: &Tables, key: Key) -> Vec<(Key, &'static str)> {
    let mut found = Vec::new();
    for resource in RESOURCES {
        for (name, _, _) in resource.references().iter().filter(|(_, to, _)| *to == key.0) {
            let of_resource = tables.iter().filter(|(referrer, _)| referrer.0 == resource);
            let referring = of_resource.filter(|(_, held)| target(&held.entry, name) == Some(key.1));
            found.extend(referring.map(|(referrer, _)| (*referrer, *name)));
        }
    }
    found
}

/// The user an entry belongs to.
pub fn owner(tables: &Tables, key: Key, entry: &Entry) -> Option<Uuid> {
    match key.0 {
        Resource::Users => Some(key.1),
        Resource::Karanas => target(entry, "owner"),
        Resource::Payments => target(entry, "owner"),
        Resource::Maintenances => {
            let karana = tables.get(&(Resource::Karanas, target(entry, "karana")?))?;
            target(&karana.entry, "owner")
        }
    }
}

pub fn target(entry: &Entry, name: &str) -> Option<Uuid> {
    entry[name].as_str().map(|text| text.parse().unwrap())
}

/// Every way in which entries are broken here.
fn is_broken(entry: &Entry) -> bool {
    !entry.contains_key("created_at")
}

/// An address as it is compared: what is written here differs in its case alone.
pub fn folded(address: &str) -> String {
    address.to_lowercase()
}
