//! One look at all devices: a few requests, each about many databases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::known::{Asked, Found, Known, TOLERANCE, WINDOW};
use super::memory::{All, Memory};
use super::roster::{Group, Roster, Watched};
use super::strikes::Strikes;
use super::{RosterSource, Seen, Settings};
use crate::store::Clock;
use crate::sync::InfluxSettings;
use crate::sync::influx::client::Client;
use crate::sync::influx::sightings::{self, Answer, Place, Question, Sighting};
use crate::sync::link::Trouble;
use crate::sync::stats::Counts;

/// Groups in one request: a tenth of all, so that there are ten requests or so, whatever the size of the fleet.
const BATCHES: usize = 10;
const SMALLEST: usize = 100;
const LARGEST: usize = 500;

/// In one round: groups that are searched back to the beginning, which takes InfluxDB 10 ms each when there is a year of data;
/// and devices whose points are counted, which takes it a millisecond or so. The others have their turn in the next.
const SEARCHED: usize = 50;
const COUNTED: usize = 400;

/// Batches that may come to nothing in one round before InfluxDB counts as away.
const FAILURES: usize = 2;

/// Why a look came to nothing.
#[derive(Debug)]
pub enum Setback {
    /// InfluxDB is away, or does not let us in.
    Away(Trouble),
    /// A fault on our side.
    Fault(String),
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        Self::Away(trouble)
    }
}

/// Looks, and remembers.
pub struct Lookout {
    client: Result<Client, String>,
    roster: RosterSource,
    /// As of the last look.
    devices: Roster,
    unit: TimeDelta,
    clock: Clock,
    memory: Memory,
    known: All,
    strikes: Strikes,
    /// Whether InfluxDB was found to be one that we can work with.
    greeted: bool,
}

impl Lookout {
    /// Reads the state file; makes no connection yet.
    pub fn new(
        settings: &Settings,
        influx: &InfluxSettings,
        roster: RosterSource,
        clock: Clock,
        counts: Arc<Counts>,
    ) -> Self {
        let memory = Memory::new(settings.state_file.clone(), influx.address());
        let devices = roster();
        Self {
            client: Client::new(influx, counts),
            roster,
            devices,
            unit: TimeDelta::from_std(settings.post_int_unit).unwrap_or(TimeDelta::MAX),
            clock,
            known: memory.load(),
            memory,
            strikes: Strikes::default(),
            greeted: false,
        }
    }

    /// Looks at every device that can be looked at now.
    pub async fn look(&mut self) -> Result<(), Setback> {
        let looked = self.look_around().await;
        self.greeted = looked.is_ok();
        looked
    }

    async fn look_around(&mut self) -> Result<(), Setback> {
        let roster = (self.roster)();
        self.devices.clone_from(&roster);
        if !self.greeted {
            self.client()?.ping().await?;
        }
        let databases = sightings::databases(self.client()?).await?;
        let owners = roster.by_owner();
        self.forget(&owners);
        let known = &self.known;
        let before = |device| known.get(&device).and_then(|known| known.series.clone());
        let groups: Vec<Group> = owners
            .iter()
            .filter(|(owner, _)| databases.contains(&owner.to_string()))
            .flat_map(|(owner, devices)| Group::all(*owner, devices, before))
            .collect();
        let groups: Vec<&Group> = groups.iter().collect();
        let now = (self.clock)();

        for (device, group, found) in self.newest(&groups, now).await? {
            match self.known.get_mut(&device.uuid) {
                Some(known) => known.note(&found, now),
                None => {
                    self.known.insert(device.uuid, Known::first(asked(group, device), &found, now));
                }
            }
        }
        self.search(&groups, now).await?;
        self.count(&groups, now).await
    }

    /// What was found of devices that are not asked for any more, or in another way, is nothing that is known of them.
    fn forget(&mut self, owners: &BTreeMap<Uuid, Vec<&Watched>>) {
        let mut asked_for: HashMap<Uuid, Asked> = HashMap::new();
        for (owner, devices) in owners {
            for device in devices {
                let alone = devices.len() == 1;
                asked_for.insert(device.uuid, Asked { database: *owner, alone, kid: device.kid.clone() });
            }
        }
        self.known.retain(|device, known| asked_for.get(device) == Some(&known.asked));
    }

    /// The newest point of each device of the groups that could be looked at.
    async fn newest<'g>(
        &mut self,
        groups: &[&'g Group<'g>],
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'g Watched, &'g Group<'g>, Found)>, Setback> {
        let from = Some(nanoseconds(now - WINDOW));
        let present = nanoseconds(now + TOLERANCE);
        let found = self.ask(groups, |_| Question::Newest { from, to: None }, now).await?;
        let is_ahead = |sightings: &Vec<Sighting>| sightings.iter().any(|sighting| sighting.time >= present);
        let ahead: Vec<&Group> =
            found.iter().filter(|(_, sightings)| is_ahead(sightings)).map(|(group, _)| *group).collect();
        // The newest point of these hides the one that counts.
        let behind = self.ask(&ahead, |_| Question::Newest { from, to: Some(present) }, now).await?;
        let mut looked = Vec::new();
        for (group, sightings) in found {
            let present_ones = if is_ahead(&sightings) {
                // Not answered: known of this group is only half, so it was not looked at.
                let Some((_, sightings)) = behind.iter().find(|(one, _)| std::ptr::eq(*one, group)) else {
                    continue;
                };
                sightings
            } else {
                &sightings
            };
            for device in &group.devices {
                let mut found = Found::default();
                let of_device = |sighting: &&Sighting| {
                    group.device(&sighting.kid).is_some_and(|one| one.uuid == device.uuid)
                };
                found.newest = newest_of(present_ones.iter().filter(of_device));
                let ahead = sightings.iter().filter(of_device).filter(|sighting| sighting.time >= present);
                found.ahead = newest_of(ahead).map(|(time, _)| time);
                looked.push((*device, group, found));
            }
        }
        Ok(looked)
    }

    /// Finds the newest point of devices that have none of late, once for each.
    async fn search(&mut self, groups: &[&Group<'_>], now: DateTime<Utc>) -> Result<(), Setback> {
        let groups: Vec<Group> =
            groups.iter().filter_map(|group| unsearched(group, &self.known)).take(SEARCHED).collect();
        let groups: Vec<&Group> = groups.iter().collect();
        let to = Some(nanoseconds(now + TOLERANCE));
        for (group, sightings) in self.ask(&groups, |_| Question::Newest { from: None, to }, now).await? {
            for device in &group.devices {
                let of_device = sightings.iter().filter(|sighting| {
                    group.device(&sighting.kid).is_some_and(|one| one.uuid == device.uuid)
                });
                let found = Found { newest: newest_of(of_device), ahead: None };
                if let Some(known) = self.known.get_mut(&device.uuid) {
                    known.search(&found, now);
                }
            }
        }
        Ok(())
    }

    /// Counts the points of those devices whose newest point does not tell whether they are there.
    async fn count(&mut self, groups: &[&Group<'_>], now: DateTime<Utc>) -> Result<(), Setback> {
        let mut due = Vec::new();
        for group in groups {
            for device in &group.devices {
                let Some(known) = self.known.get_mut(&device.uuid) else { continue };
                if let Some(from) = known.count_from(device.interval(self.unit), now) {
                    due.push((known.counted(), from, *device, *group));
                }
            }
        }
        // Never counted, or longest ago.
        due.sort_by_key(|(counted, ..)| *counted);
        due.truncate(COUNTED);
        let known = &self.known;
        let before = |device| known.get(&device).and_then(|known| known.series.clone());
        let alone = |group: &Group| group.place.kids.is_none();
        let groups: Vec<(Group, DateTime<Utc>)> = due
            .iter()
            .map(|(_, from, device, group)| {
                (Group::new(group.place.database, vec![*device], alone(group), before), *from)
            })
            .collect();
        let since: HashMap<Uuid, DateTime<Utc>> =
            groups.iter().map(|(group, from)| (group.devices[0].uuid, *from)).collect();
        let groups: Vec<&Group> = groups.iter().map(|(group, _)| group).collect();
        let from = |group: &Group| since.get(&group.devices[0].uuid).copied().unwrap_or(now);
        let found = self.ask(&groups, |group| Question::Count(nanoseconds(from(group))), now).await?;
        for (group, sightings) in found {
            let count = sightings.iter().map(|sighting| sighting.values).sum();
            if let Some(known) = self.known.get_mut(&group.devices[0].uuid) {
                known.count(from(group), count, now);
            }
        }
        Ok(())
    }

    /// Asks a question about each group. Those without an answer are left out: they were not looked at this time.
    async fn ask<'g>(
        &mut self,
        groups: &[&'g Group<'g>],
        question: impl Fn(&Group) -> Question,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'g Group<'g>, Vec<Sighting>)>, Setback> {
        let size = (groups.len() / BATCHES).clamp(SMALLEST, LARGEST);
        let mut found = Vec::with_capacity(groups.len());
        let mut failures = 0;
        for batch in self.strikes.batches(groups, |group| group.place.database, size, now) {
            let asked: Vec<_> = batch.iter().map(|group| (&group.place, question(group))).collect();
            let answers = match sightings::look(self.client()?, &asked).await {
                Ok(answers) => answers,
                Err(sightings::Setback::Away(trouble)) => return Err(trouble.into()),
                Err(sightings::Setback::TooMuch(reason)) => {
                    let databases: Vec<Uuid> = batch.iter().map(|group| group.place.database).collect();
                    tracing::warn!(%reason, databases = databases.len(), first = %databases[0], "devices cannot be looked for together");
                    self.strikes.strike(&databases, now);
                    failures += 1;
                    if failures == FAILURES {
                        return Err(Setback::Away(Trouble::Unreachable(reason)));
                    }
                    continue;
                }
            };
            for (group, answer) in batch.into_iter().zip(answers) {
                match answer {
                    Answer::Found(sightings) => {
                        self.strikes.clear(group.place.database);
                        found.push((group, sightings));
                    }
                    Answer::Refused => {
                        let database = group.place.database;
                        tracing::warn!(%database, "devices cannot be looked for in this database");
                        self.strikes.strike(&[database], now);
                    }
                    Answer::Missed => {}
                }
            }
        }
        Ok(found)
    }

    /// How each device on record stands, as far as is known.
    pub fn judge(&self) -> HashMap<Uuid, Seen> {
        let judged = self.devices.devices.iter().map(|device| {
            let seen =
                self.known.get(&device.uuid).filter(|known| Some(known.asked.database) == device.owner);
            let seen = seen.map(|known| known.judge(device.interval(self.unit)));
            (device.uuid, seen.unwrap_or_default())
        });
        judged.collect()
    }

    /// Writes what is known to the disk. What cannot be written is found again after the next start, but for late arrivals.
    pub async fn save(&self) {
        let (memory, known) = (self.memory.clone(), self.known.clone());
        let saved = tokio::task::spawn_blocking(move || memory.save(&known)).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the state of devices cannot be saved"),
            Err(error) => tracing::error!(%error, "the state of devices cannot be saved"),
        }
    }

    fn client(&self) -> Result<&Client, Setback> {
        self.client.as_ref().map_err(|reason| Setback::Fault(reason.clone()))
    }
}

/// Those of a group that have no points of late, and were not searched for.
fn unsearched<'a>(group: &Group<'a>, known: &All) -> Option<Group<'a>> {
    let is_one = |uuid: Uuid| known.get(&uuid).is_some_and(|known| known.last.is_none() && !known.searched);
    let devices: Vec<&Watched> = group.devices.iter().copied().filter(|device| is_one(device.uuid)).collect();
    let before = |device| known.get(&device).and_then(|known| known.series.clone());
    let Place { database, kids, .. } = &group.place;
    (!devices.is_empty()).then(|| Group::new(*database, devices, kids.is_none(), before))
}

fn asked(group: &Group, device: &Watched) -> Asked {
    let Group { place, .. } = group;
    Asked { database: place.database, alone: place.kids.is_none(), kid: device.kid.clone() }
}

fn newest_of<'s>(sightings: impl Iterator<Item = &'s Sighting>) -> Option<(DateTime<Utc>, String)> {
    let newest = sightings.max_by_key(|sighting| sighting.time)?;
    Some((DateTime::from_timestamp_nanos(newest.time), newest.series.clone()))
}

/// Since 1970; at the ends of what InfluxDB knows for what is beyond them.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    let end = if time.timestamp() < 0 { i64::MIN / 2 } else { i64::MAX / 2 };
    time.timestamp_nanos_opt().unwrap_or(end)
}
