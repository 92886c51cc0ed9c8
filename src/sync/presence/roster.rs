//! Which devices are watched, and where their points lie.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::error::Error;
use crate::store::{Record, Snapshot, string};
use crate::sync::influx::sightings::Place;

/// The resource whose records have a state of this kind.
pub(super) const RESOURCE: &str = "karanas";

/// Devices in one question.
const DEVICES: usize = 100;

/// Every device on record, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// In any order.
    pub devices: Vec<Watched>,
}

/// A device, as far as its points are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its record, and a value of the tag `KID` of its points.
    pub uuid: Uuid,
    /// Names the database; none: in stock.
    pub owner: Option<Uuid>,
    /// Another value of the tag `KID`.
    pub kid: Option<String>,
    /// The measurement that it is told to write to.
    pub series: String,
    /// `config.post_int`, in the unit that the firmware takes it for.
    pub post_int: i64,
}

impl Roster {
    /// The devices on record.
    pub fn of(tables: &Snapshot) -> Self {
        let records = tables.kinds().get(RESOURCE).into_iter().flat_map(|kind| tables.records(kind));
        Self { devices: records.map(Watched::of).collect() }
    }

    /// The devices that have an owner, by owner.
    pub(super) fn by_owner(&self) -> BTreeMap<Uuid, Vec<&Watched>> {
        let mut owners: BTreeMap<Uuid, Vec<&Watched>> = BTreeMap::new();
        for device in &self.devices {
            if let Some(owner) = device.owner {
                owners.entry(owner).or_default().push(device);
            }
        }
        owners
    }
}

/// How long so many units of `config.post_int` are.
pub fn interval_of(post_int: i64, unit: TimeDelta) -> TimeDelta {
    const LONGEST: i64 = 100 * 365 * 24 * 3600;
    let seconds = post_int.max(1).saturating_mul(unit.num_seconds().max(1));
    TimeDelta::seconds(seconds.min(LONGEST))
}

impl Watched {
    fn of(record: &Record) -> Self {
        let paths = ["owner", "kid", "config.series", "config.post_int"];
        let [owner, kid, series, post_int] =
            record.values_at(paths).map(|raw| raw.filter(|raw| *raw != "null"));
        Self {
            uuid: record.uuid(),
            owner: owner.and_then(|raw| string(raw).parse().ok()),
            kid: kid.map(|raw| string(raw).into_owned()),
            series: series.map(|raw| string(raw).into_owned()).unwrap_or_default(),
            post_int: post_int.and_then(|raw| raw.parse().ok()).unwrap_or_default(),
        }
    }

    /// How long it may take from one post to the next, if one unit is so long.
    pub(super) fn interval(&self, unit: TimeDelta) -> TimeDelta {
        interval_of(self.post_int, unit)
    }

    fn kids(&self) -> impl Iterator<Item = String> {
        [self.uuid.to_string()].into_iter().chain(self.kid.clone())
    }

    /// Whether its points have this tag.
    pub(super) fn is_called(&self, kid: &str) -> bool {
        self.kid.as_deref() == Some(kid) || self.uuid.to_string() == kid
    }
}

/// Some devices of one owner, and where their points lie.
#[derive(Debug, Clone)]
pub(super) struct Group<'a> {
    pub place: Place,
    pub devices: Vec<&'a Watched>,
}

impl<'a> Group<'a> {
    /// `devices` are some of the owner's. The only device of an owner has all points that are there. Beside the series that a
    /// device is told to write to now, it may still write to the one that it was seen in: `before` tells which that was.
    pub fn new(
        owner: Uuid,
        devices: Vec<&'a Watched>,
        alone: bool,
        before: impl Fn(Uuid) -> Option<String>,
    ) -> Self {
        let mut series: Vec<String> = devices
            .iter()
            .flat_map(|device| [Some(device.series.clone()), before(device.uuid)])
            .flatten()
            .collect();
        series.sort_unstable();
        series.dedup();
        let kids = (!alone).then(|| devices.iter().flat_map(|device| device.kids()).collect());
        Self { place: Place { database: owner, series, kids }, devices }
    }

    /// All devices of one owner, in groups of a size that one statement can ask for.
    pub fn all(
        owner: Uuid,
        devices: &[&'a Watched],
        before: impl Fn(Uuid) -> Option<String> + Copy,
    ) -> Vec<Self> {
        let alone = devices.len() == 1;
        devices.chunks(DEVICES).map(|some| Self::new(owner, some.to_vec(), alone, before)).collect()
    }

    /// Whose points have this tag.
    pub fn device(&self, kid: &str) -> Option<&'a Watched> {
        match &self.place.kids {
            None => self.devices.first().copied(),
            Some(_) => self.devices.iter().copied().find(|device| device.is_called(kid)),
        }
    }
}

/// Where the points of one device lie.
///
/// # Errors
/// There is no such record, or it is in stock.
pub fn place_of(tables: &Snapshot, uuid: Uuid) -> Result<Place, Error> {
    let kind = tables.kinds().get(RESOURCE);
    let kind = kind.ok_or_else(|| Error::NotFound(format!("there is no resource {RESOURCE}")))?;
    let device = Watched::of(tables.find(kind, uuid)?);
    let Some(owner) = device.owner else {
        return Err(Error::conflict("owner", "required", "has no owner, and so no points: it is in stock"));
    };
    let alone = tables.belonging_to(kind, owner).len() == 1;
    Ok(Group::new(owner, vec![&device], alone, |_| None).place)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn watched(n: u128, owner: Option<u128>) -> Watched {
        Watched {
            uuid: Uuid::from_u128(n),
            owner: owner.map(Uuid::from_u128),
            kid: None,
            series: "data".into(),
            post_int: 30,
        }
    }

    #[test]
    fn the_only_device_of_an_owner_has_all_points_and_others_those_with_their_tags() {
        let devices = [
            watched(1, Some(7)),
            watched(2, Some(8)),
            Watched { kid: Some("roof".into()), ..watched(3, Some(8)) },
        ];
        let roster = Roster { devices: devices.to_vec() };
        let owners = roster.by_owner();
        let groups: Vec<_> =
            owners.iter().flat_map(|(owner, devices)| Group::all(*owner, devices, |_| None)).collect();
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].place.kids, None);
        assert_eq!(groups[0].device("anything"), Some(&devices[0]));
        let kids = [Uuid::from_u128(2).to_string(), Uuid::from_u128(3).to_string(), "roof".into()];
        assert_eq!(groups[1].place.kids.as_deref(), Some(&kids[..]));
        assert_eq!(groups[1].device("roof"), Some(&devices[2]));
        assert_eq!(groups[1].device(&kids[0]), Some(&devices[1]));
        assert_eq!(groups[1].device(""), None);
    }

    #[test]
    fn a_series_it_was_seen_in_is_asked_for_beside_the_one_it_is_told() {
        let device = watched(1, Some(7));
        let group = Group::new(Uuid::from_u128(7), vec![&device], true, |_| Some("before".into()));
        assert_eq!(group.place.series, ["before", "data"]);
    }

    #[test]
    fn the_longest_interval_is_still_one() {
        let slow = Watched { post_int: i64::from(i32::MAX), ..watched(1, None) };
        assert_eq!(slow.interval(TimeDelta::days(36_500)), TimeDelta::days(36_500));
        assert_eq!(watched(1, None).interval(TimeDelta::minutes(1)), TimeDelta::minutes(30));
    }
}
