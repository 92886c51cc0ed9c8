//! What is news, and what was told before. Pure: what others have found out is passed in, and the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::event::{Event, Kind};
use crate::store::{Snapshot, string};
use crate::sync::presence::{Connection, Seen};
use crate::sync::report::Ended;

/// So many rounds in a row that do not reach a back end are news: one that restarts is none.
const TRIES: u32 = 3;

/// What events say of a device beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Its name, for people.
    pub name: Option<String>,
    /// Whose it is.
    pub owner: Option<Uuid>,
}

impl About {
    /// What the records say of a device.
    pub fn device(tables: &Snapshot, uuid: Uuid) -> Self {
        let record = tables.kinds().get("karanas").and_then(|kind| tables.find(kind, uuid).ok());
        let Some(record) = record else { return Self::default() };
        let [name, owner] =
            record.values_at(["name", "owner"]).map(|raw| raw.filter(|raw| *raw != "null").map(string));
        Self { name: name.map(Into::into), owner: owner.and_then(|owner| owner.parse().ok()) }
    }
}

/// What was last told, so that it is not told again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whether there was ever a look: how devices stand at the first one is no news.
    looked: bool,
    devices: BTreeMap<Uuid, Connection>,
    /// Back ends that are away.
    away: BTreeSet<String>,
    /// Of each back end the records that something failed for, with each reason.
    failures: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Told {
    /// What is news after a look at all devices.
    pub fn look(
        &mut self,
        devices: &HashMap<Uuid, Seen>,
        about: impl Fn(Uuid) -> About,
        now: DateTime<Utc>,
    ) -> Vec<Event> {
        self.devices.retain(|uuid, _| devices.contains_key(uuid));
        let mut news = Vec::new();
        // In an order of their own, so that it is the same at every look.
        for (uuid, seen) in devices.iter().collect::<BTreeMap<_, _>>() {
            // One that could not be looked for, or has another owner now, stands as before until more is known.
            let Some(kind) = Kind::of(seen.connection) else { continue };
            let before = self.devices.insert(*uuid, seen.connection);
            let is_news = match before {
                Some(before) => before != seen.connection,
                // That a new one is silent is what new ones are.
                None => self.looked && kind == Kind::Online,
            };
            if is_news {
                let About { name, owner } = about(*uuid);
                let data = json!({
                    "uuid": uuid,
                    "name": name,
                    "owner": owner,
                    "connection": seen.connection,
                    "before": before.unwrap_or_default(),
                    "last_seen": seen.last_seen,
                });
                news.push(Event::new(kind, Some(format!("karanas/{uuid}")), data, now));
            }
        }
        self.looked = true;
        news
    }

    /// What is news after a round with a back end.
    pub fn round(&mut self, backend: &str, ended: &Ended, now: DateTime<Utc>) -> Vec<Event> {
        let mut news = Vec::new();
        let mut tell = |kind, record: Option<&str>, reason: Option<&str>| {
            let data = json!({"record": record, "backend": backend, "reason": reason});
            news.push(Event::new(kind, record.map(str::to_owned), data, now));
        };
        if let Some(away) = &ended.away {
            if (away.tries >= TRIES || away.is_final) && self.away.insert(backend.to_owned()) {
                tell(Kind::Failed, None, Some(&away.reason));
            }
            return news;
        }
        if ended.rounds == 0 {
            return news;
        }
        if self.away.remove(backend) {
            tell(Kind::Recovered, None, None);
        }
        let told = self.failures.entry(backend.to_owned()).or_default();
        let mut open: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for failure in &ended.failures {
            open.entry(failure.record().to_string()).or_default().insert(failure.reason.clone());
        }
        if ended.is_whole {
            let over: Vec<String> =
                told.keys().filter(|record| !open.contains_key(*record)).cloned().collect();
            for record in over {
                told.remove(&record);
                tell(Kind::Recovered, Some(&record), None);
            }
        }
        for (record, reasons) in open {
            let told = told.entry(record.clone()).or_default();
            for reason in reasons.difference(told) {
                tell(Kind::Failed, Some(&record), Some(reason));
            }
            // One that is not among them any more is news when it comes back.
            *told = reasons;
        }
        news
    }
}

#[cfg(test)]
mod tests;
