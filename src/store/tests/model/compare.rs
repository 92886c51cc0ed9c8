//! What is compared of a store and its model: the tables of now and of then, and the way from one to the other.

use super::operation::{UUIDS, uuid};
use super::tables::{Kept, Key, RESOURCES, Resource, Tables, folded, owner, referrers};
use super::{Tried, kinds};
use crate::store::{JournalError, Moment, Past, Snapshot};
use chrono::DateTime;

impl Tried {
    /// What is served is what the model holds.
    pub(super) fn compare(&self) {
        let served = self.store.read();
        let newest = self.model.newest();
        assert_eq!(*served.revision(), newest.revision);
        compare_records(&served, &newest.tables);
        let kinds = kinds();
        let users = kinds.get("users").unwrap();
        for number in 0..8 {
            let address = format!("U{number}@Example.Com");
            let held = newest.tables.iter().find(|((resource, _), held)| {
                *resource == Resource::Users
                    && folded(held.entry["email"].as_str().unwrap()) == folded(&address)
            });
            let found = served.by_unique(users, "email", &address).map(|record| record.uuid());
            assert_eq!(found, held.map(|(key, _)| key.1), "{address}");
        }
        for uuid in (0..UUIDS).map(uuid) {
            let expected = RESOURCES.iter().flat_map(|resource| referrers(&newest.tables, (*resource, uuid)));
            let mut expected: Vec<_> =
                expected.map(|((from, by), field)| (from.name(), field.to_owned(), by)).collect();
            let mut found: Vec<_> =
                served.referrers(uuid).map(|r| (r.kind.name(), r.reference.field.clone(), r.uuid)).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "who refers to {uuid}");
        }
        for (key, held) in &newest.tables {
            let kind = kinds.get(key.0.name()).unwrap();
            assert_eq!(served.owner(kind, &held.entry), owner(&newest.tables, *key, &held.entry), "{key:?}");
        }
        let past = self.store.past();
        assert!(!matches!(past, Past::Damaged { .. }), "{past:?}");
    }

    pub(super) fn at(&self, kept: &Kept) {
        let digits = if kept.time % 2 == 0 { 40 } else { 12 };
        let then = self.store.at(&Moment::Revision(kept.revision.0[..digits].into()));
        let then = then.unwrap_or_else(|e| panic!("at {}: {e}", kept.revision));
        assert_eq!(*then.revision(), kept.revision);
        compare_records(&then, &kept.tables);
    }

    /// The newest revision that was made no later than in this second.
    pub(super) fn at_time(&self, time: i64) {
        let moment = Moment::Time(DateTime::from_timestamp(time, 999_999_999).unwrap());
        match (self.store.at(&moment), self.model.at(time)) {
            (Ok(then), Some(kept)) => {
                assert_eq!(*then.revision(), kept.revision, "at {moment}");
                compare_records(&then, &kept.tables);
            }
            (Err(JournalError::NoSuchRevision(_)), None) => {}
            (Err(e), _) => panic!("at {moment}: {e}"),
            (Ok(then), None) => panic!("at {moment} there was no {}", then.revision()),
        }
    }

    pub(super) fn history(&self, key: Key) {
        let kinds = kinds();
        let history = self.store.history(kinds.get(key.0.name()).unwrap(), key.1).unwrap();
        let found: Vec<_> = history
            .iter()
            .map(|version| (&version.revision, version.time.timestamp(), version.entry.as_ref()))
            .collect();
        let expected = self.model.history(key);
        let expected: Vec<_> =
            expected.iter().map(|(kept, entry)| (&kept.revision, kept.time, *entry)).collect();
        assert_eq!(found, expected, "the history of {key:?}");
    }

    /// Compares a record of the past; says whether there was one.
    pub(super) fn record_at(&self, key: Key, then: u16) -> bool {
        let kept = self.kept(then);
        let kinds = kinds();
        let moment = Moment::Revision(kept.revision.0.clone());
        let found = self.store.record_at(kinds.get(key.0.name()).unwrap(), key.1, &moment).unwrap();
        let expected = kept.tables.get(&key).map(|held| &held.entry);
        assert_eq!(found.as_ref(), expected, "{key:?} at {}", kept.revision);
        found.is_some()
    }
}

pub fn compare_records(found: &Snapshot, expected: &Tables) {
    for resource in RESOURCES {
        let kinds = kinds();
        let kind = kinds.get(resource.name()).unwrap();
        let found: Vec<_> = found.records(kind).map(|record| (record.uuid(), &**record.text())).collect();
        let expected = expected.iter().filter(|(key, _)| key.0 == resource);
        let expected: Vec<_> = expected.map(|(key, held)| (key.1, held.text.as_str())).collect();
        assert_eq!(found, expected, "{}", resource.name());
    }
}
