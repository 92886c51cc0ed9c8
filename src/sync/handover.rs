//! Handing devices in the field over to a new password, or to a new owner, without anybody going there.
//!
//! The record says at once what shall be. What the device still goes by is held here, in `storage/state`, and makes sync ask
//! InfluxDB for that instead, until the device shows that it has learned the new: see [`held`]. Every step is remembered
//! before it is taken, so that after a crash it is taken (again).

mod held;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use held::Step;

use super::fleet::{Device, Fleet};
use super::ledger::Ledger;
use super::presence::{Presence, interval_of};
use super::record::{Record, Resource};
use super::report::Standing;
use super::scope::Scope;
use super::{INFLUXDB, Sync};
use crate::error::Error;
use crate::store::Clock;
use held::{Held, Next, Sight};

/// The devices that are being handed over.
#[derive(Clone)]
pub struct Handovers {
    ledger: Arc<Ledger<Open>>,
    clock: Clock,
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Open(BTreeMap<Uuid, Held>);

/// How far the handover of a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The step.
    pub step: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it was asked for.
    pub begun: DateTime<Utc>,
    /// How often the new password has been set.
    pub tries: u32,
}

impl Handovers {
    /// Reads which there are. Without the file there are none: what its devices were to learn is asked for at once.
    pub fn open(state_file: PathBuf, clock: Clock) -> Self {
        // A device goes by the same password, whatever address its InfluxDB is reached at.
        Self { ledger: Arc::new(Ledger::open(state_file, INFLUXDB.to_owned())), clock }
    }

    /// Whether records of this resource can be handed over.
    pub fn are_of(resource: &str) -> bool {
        Resource::named(resource) == Some(Resource::Karanas)
    }

    /// Holds what a device goes by, before its record, which says `before`, says something else. It is on the disk when this
    /// answers. `from` is the owner that it is moved from to `to`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is being handed over already.
    pub async fn hold(&self, before: Device, from: Option<Uuid>, to: Uuid) -> Result<(), Error> {
        let (uuid, now) = (before.uuid, (self.clock)());
        {
            let mut open = self.ledger.lock();
            if let Some(held) = open.0.get(&uuid).filter(|held| !held.is_over(&before)) {
                let begun = held.begun().format("%Y-%m-%d %H:%M UTC");
                return Err(Error::conflict(
                    "handover",
                    "under_way",
                    format!("is under way since {begun}: wait for it, or go without, which ends it"),
                ));
            }
            open.0.insert(uuid, Held::new(before.password, from, to, now));
        }
        let saved = self.save().await;
        if saved.is_err() {
            // The record stays as it is, so there is nothing to hold: the next one may be tried at once.
            self.ledger.lock().0.remove(&uuid);
        }
        saved
    }

    /// The record says now what the device shall learn; or it does not, and nothing was to be held.
    pub async fn settle(&self, uuid: Uuid, device: Option<&Device>) -> Result<(), Error> {
        match device {
            Some(device) => _ = self.ledger.lock().0.get_mut(&uuid).map(|held| held.want(device)),
            None => _ = self.ledger.lock().0.remove(&uuid),
        }
        self.save().await
    }

    /// Has the devices of a fleet go by what is held of them.
    pub fn overlay(&self, mut fleet: Fleet) -> Fleet {
        let open = self.ledger.lock();
        if !open.0.is_empty() {
            for device in &mut fleet.devices {
                let held = open.0.get(&device.uuid).filter(|held| held.is_of(device));
                device.handover = held.and_then(Held::in_force);
            }
        }
        fleet
    }

    /// The owner in whose database a device polls its configuration still, if it is not its own.
    pub fn former_owner(&self, device: Uuid) -> Option<Uuid> {
        self.ledger.lock().0.get(&device).and_then(Held::in_force)?.from
    }

    /// How far the handovers of the devices of a fleet are, of those that there are. Never waits.
    pub fn of(&self, fleet: &Fleet) -> HashMap<Uuid, Shown> {
        let open = self.ledger.lock();
        let shown = |device: &Device| {
            let held = open.0.get(&device.uuid).filter(|held| held.is_of(device))?;
            let (step, since, tries) = held.step();
            Some((device.uuid, Shown { step: step.name(), since, begun: held.begun(), tries }))
        };
        fleet.devices.iter().filter_map(shown).collect()
    }

    /// Goes through all of them. Returns those that have taken a step, and should be synced.
    fn go_on(&self, fleet: &Fleet, sight: impl Fn(&Device) -> Option<Sight>) -> Vec<Record> {
        let now = (self.clock)();
        let mut steps = Vec::new();
        let devices: BTreeMap<Uuid, &Device> =
            fleet.devices.iter().map(|device| (device.uuid, device)).collect();
        self.ledger.lock().0.retain(|uuid, held| {
            let record = Record::device(*uuid);
            let Some(device) = devices.get(uuid).filter(|device| held.is_of(device)) else {
                // Not just now, when its record may be about to change.
                let is_over = now - held.begun() > TimeDelta::seconds(60);
                if is_over {
                    tracing::info!(%record, "not handed over: the record has changed since");
                }
                return !is_over;
            };
            held.want(device);
            let next = sight(device).map_or(Next::Wait, |sight| held.go_on(&sight, now));
            if next == Next::Step {
                tracing::info!(%record, step = held.step().0.name(), "handing over");
                steps.push(record);
            }
            if next == Next::Over {
                tracing::info!(%record, "handed over");
            }
            next != Next::Over
        });
        steps
    }

    async fn save(&self) -> Result<(), Error> {
        Ok(self.ledger.save().await?)
    }
}

/// Takes the steps of handovers whose time has come, until it is dropped.
pub struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Looks after `handovers` each `interval`. `around` gives the fleet around some devices; `unit` is what one unit of
    /// `config.post_int` is.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        handovers: Handovers,
        sync: Sync,
        presence: Presence,
        around: impl Fn(Vec<Uuid>) -> Fleet + Send + 'static,
        unit: Duration,
        interval: Duration,
    ) -> Self {
        let unit = TimeDelta::from_std(unit).unwrap_or(TimeDelta::MAX);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let open: Vec<Uuid> = handovers.ledger.lock().0.keys().copied().collect();
                if open.is_empty() {
                    continue;
                }
                let fleet = around(open);
                let standings = sync.standings(&fleet);
                let suspended: BTreeMap<Uuid, bool> =
                    fleet.owners.iter().map(|owner| (owner.uuid, owner.suspended)).collect();
                let steps = handovers.go_on(&fleet, |device| {
                    let owner_is_suspended = suspended.get(&device.owner?).copied().unwrap_or(true);
                    // It cannot post: that it does not says nothing.
                    if device.suspended || owner_is_suspended {
                        return None;
                    }
                    let standing = standings.get(&Record::device(device.uuid))?.get(INFLUXDB)?;
                    let Standing::Synced { at } = standing else { return None };
                    let interval = interval_of(device.post_int, unit);
                    Some(Sight { settled: *at, seen: presence.of(device.uuid)?, interval })
                });
                if let Err(error) = handovers.save().await {
                    tracing::error!(%error, "handovers cannot be remembered");
                }
                for record in steps {
                    // What fails is tried again by the rounds to come, and shows in the record's standing.
                    let _ = sync.run(Scope::Record(record)).await;
                }
            }
        }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::tests::device;

    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_held() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        std::fs::write(&state, "no folder").unwrap();
        let handovers = Handovers::open(state.join("handovers.json"), Arc::new(|| DateTime::UNIX_EPOCH));
        let hold = || handovers.hold(device(9, Some(1)), None, Uuid::from_u128(1));
        assert!(matches!(hold().await, Err(Error::Internal(_))));
        std::fs::remove_file(&state).unwrap();
        hold().await.unwrap();
        assert!(matches!(hold().await, Err(Error::Conflict(_))));
    }
}
