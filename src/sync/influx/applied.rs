//! What is known to have been applied. InfluxDB tells neither passwords nor who made a user, so the server
//! remembers both: a fingerprint of what it applied for each record, and by that which users are its own.
//!
//! Knowledge is dropped before a change is tried and gained when it has succeeded. A crash in between
//! leaves a record that is known as ours and otherwise in doubt: it is looked at and applied again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::desired::{Grant, Line, Wish};
use crate::sync::record::{Key, Record};

/// SHA-256, as lower-case hexadecimal digits.
type Fingerprint = String;

/// The parts of a record's wish that are known apart from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The user and its password.
    Password,
    /// The user's rights.
    Access,
    /// The config line.
    Line,
    /// How long the database keeps points, where we have set it.
    Retention,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::Access, Self::Line, Self::Retention];
}

/// A retention that was tried: it is ours to take back, though it is not known what it is.
const IN_DOUBT: &str = "?";

/// What was applied for one record, as far as it is known. All `None`: ours, but in doubt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<Fingerprint>,
    /// Of when the points are that carry the line, as far as is known, by database.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    written: BTreeMap<Uuid, DateTime<Utc>>,
    /// What was set, in seconds; [`IN_DOUBT`] once it was tried. None: we have set nothing that would have to be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention: Option<String>,
    /// Since when all of it has been so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
}

impl Traces {
    /// The traces that `wish` leaves once all of it has been applied for `record`.
    pub fn of(record: Record, wish: &Wish) -> Self {
        // The uuid goes in, so that equal passwords of two records do not show as equal.
        let fingerprint = |parts: &[String]| {
            let mut hash = Sha256::new();
            for part in [record.uuid.to_string()].iter().chain(parts) {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
            let digest: [u8; 32] = hash.finalize().into();
            digest
                .chunks_exact(8)
                .map(|word| format!("{:016x}", word.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))))
                .collect()
        };
        let granted = |Grant { database, privilege }: &Grant| format!("{privilege} on {database}");
        let access: Vec<String> = wish.grants.iter().map(granted).collect();
        let told = |line: &Line| [line.database.to_string(), line.text.expose().to_owned()];
        let lines: Vec<String> = wish.lines.iter().flat_map(told).collect();
        let password: Vec<String> =
            wish.password.iter().map(|password| password.expose().to_owned()).collect();
        Self {
            password: (!password.is_empty()).then(|| fingerprint(&password)),
            access: Some(fingerprint(&access)),
            line: (!lines.is_empty()).then(|| fingerprint(&lines)),
            written: BTreeMap::new(),
            retention: wish.retention.map(|lasts| format!("{}s", lasts.as_secs())),
            since: None,
        }
    }

    /// Whether all that is in `wanted` is known to be so.
    pub fn are(&self, wanted: &Self) -> bool {
        Facet::ALL.into_iter().all(|facet| self.get(facet) == wanted.get(facet))
    }

    /// Whether this part of `wanted` is known to have been applied.
    pub fn hold(&self, wanted: &Self, facet: Facet) -> bool {
        self.get(facet).is_some() && self.get(facet) == wanted.get(facet)
    }

    /// Whether a config line must be written again, as far as is known: `now` half of the life of its point is over.
    pub fn is_due(&self, line: &Line, now: DateTime<Utc>) -> bool {
        let written = self.written.get(&line.database);
        line.lasts.is_some() && written.is_none_or(|written| line.is_due(*written, now))
    }

    /// Whether how long the database keeps points was set by us.
    pub fn have_set_retention(&self) -> bool {
        self.retention.is_some()
    }

    /// Since when all of it has been so.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    fn get(&self, facet: Facet) -> Option<&Fingerprint> {
        match facet {
            Facet::Password => self.password.as_ref(),
            Facet::Access => self.access.as_ref(),
            Facet::Line => self.line.as_ref(),
            Facet::Retention => self.retention.as_ref(),
        }
    }

    fn facet(&mut self, facet: Facet) -> &mut Option<Fingerprint> {
        match facet {
            Facet::Password => &mut self.password,
            Facet::Access => &mut self.access,
            Facet::Line => &mut self.line,
            Facet::Retention => &mut self.retention,
        }
    }
}

/// The records that have been applied to one InfluxDB, or tried. Those and no others are ours to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Applied {
    records: BTreeMap<Key, Traces>,
}

impl Applied {
    /// What is known of `record`; `None` when it was never tried.
    pub fn traces(&self, record: Record) -> Option<&Traces> {
        self.records.get(&Key(record))
    }

    /// Every record that has been tried.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.records.keys().map(|Key(record)| *record)
    }

    /// Puts `facet` of `record` in doubt, and the record among those that are ours. To be saved before the
    /// change is tried.
    pub fn doubt(&mut self, record: Record, facet: Facet) {
        let traces = self.records.entry(Key(record)).or_default();
        *traces.facet(facet) = (facet == Facet::Retention).then(|| IN_DOUBT.to_owned());
        traces.since = None;
    }

    /// Takes note of when the point is of that carries the config line of `record` in a database.
    pub fn wrote(&mut self, record: Record, database: Uuid, time: DateTime<Utc>) {
        if let Some(traces) = self.records.get_mut(&Key(record)) {
            traces.written.insert(database, time);
        }
    }

    /// Takes note that at `now` InfluxDB holds what `wish` asks for `record`, all but `unsettled`.
    /// Of a record that asks for nothing (any more) there is nothing left to know then.
    pub fn settle(&mut self, record: Record, wish: Option<&Wish>, unsettled: &[Facet], now: DateTime<Utc>) {
        let Some(wish) = wish.filter(|wish| !wish.is_nothing()) else {
            if unsettled.is_empty() {
                self.records.remove(&Key(record));
            }
            return;
        };
        let mut wanted = Traces::of(record, wish);
        let traces = self.records.entry(Key(record)).or_default();
        if !traces.are(&wanted) {
            traces.since = None;
        }
        traces.written.retain(|database, _| wish.lines.iter().any(|line| line.database == *database));
        for facet in Facet::ALL.into_iter().filter(|facet| !unsettled.contains(facet)) {
            *traces.facet(facet) = wanted.facet(facet).take();
        }
        if unsettled.is_empty() {
            traces.since.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::Fleet;
    use crate::sync::fleet::tests::{device, influx, owner};
    use crate::sync::influx::desired::Desired;

    fn desired() -> Desired {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![device(9, Some(1))] };
        Desired::of(&fleet, &influx(), false)
    }

    fn settled() -> Applied {
        let mut applied = Applied::default();
        for (record, wish) in &desired().wishes {
            applied.settle(*record, Some(wish), &[], DateTime::UNIX_EPOCH);
        }
        applied
    }

    #[test]
    fn it_is_kept_by_record_and_names_no_password() {
        let kept = serde_json::to_value(settled()).unwrap();
        let keys: Vec<&String> = kept.as_object().unwrap().keys().collect();
        let expected =
            ["karanas/00000000-0000-0000-0000-000000000009", "users/00000000-0000-0000-0000-000000000001"];
        assert_eq!(keys, expected);
        assert!(!kept.to_string().contains("P9"), "fingerprints, never passwords: {kept}");
        assert_eq!(serde_json::from_value::<Applied>(kept).unwrap(), settled());
    }

    #[test]
    fn a_record_in_doubt_is_known_as_ours_and_differs_from_its_wish() {
        let (record, wish) = desired().wishes.pop_last().unwrap();
        let mut applied = Applied::default();
        applied.doubt(record, Facet::Password);
        assert_eq!(applied.records().collect::<Vec<_>>(), [record]);
        applied.settle(record, Some(&wish), &[Facet::Line], DateTime::UNIX_EPOCH);
        let wanted = Traces::of(record, &wish);
        assert!(applied.traces(record).unwrap().hold(&wanted, Facet::Password));
        assert!(!applied.traces(record).unwrap().are(&wanted));
        assert_eq!(applied.traces(record).unwrap().since(), None);
        applied.settle(record, Some(&wish), &[], DateTime::UNIX_EPOCH);
        assert!(applied.traces(record).unwrap().are(&wanted));
        assert_eq!(applied.traces(record).unwrap().since(), Some(DateTime::UNIX_EPOCH));
        applied.settle(record, None, &[Facet::Password], DateTime::UNIX_EPOCH);
        assert!(applied.traces(record).is_some(), "not removed from the server: still ours");
        applied.settle(record, None, &[], DateTime::UNIX_EPOCH);
        assert_eq!(applied, Applied::default());
    }
}
