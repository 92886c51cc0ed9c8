//! What InfluxDB should hold, worked out of the fleet. Names are the contract's: a database is called by
//! its owner's uuid, a user by its record's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::line::config_line;
use crate::sync::InfluxSettings;
use crate::sync::fleet::{Device, Fleet, Owner};
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// What every record asks of InfluxDB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// One wish a record, owners first.
    pub wishes: BTreeMap<Record, Wish>,
    /// Whether the database of a deleted owner is to be dropped.
    pub drop_data: bool,
}

/// What one record asks of InfluxDB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The database that must be there for this record.
    pub database: Option<Uuid>,
    /// How long that database keeps points; none: as it does.
    pub retention: Option<Duration>,
    /// The password of its user; without one it has no user.
    pub password: Option<Secret>,
    /// The rights that its user has, and no others.
    pub grants: BTreeSet<Grant>,
    /// The right that its user has when nothing is suspended: to name one of 2.x by, which cannot be without any.
    pub place: Option<Grant>,
    /// The configuration its device polls: one line in its owner's database, and while it moves also one in the database that
    /// it comes from.
    pub lines: Vec<Line>,
    /// What the record asks for and cannot be given until the record changes.
    pub refusal: Option<String>,
}

/// A right on a database. A user has one at most on each: InfluxDB's `GRANT` replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The database.
    pub database: Uuid,
    /// The right.
    pub privilege: Privilege,
}

/// The rights that InfluxDB 1.x knows on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// Reads only.
    Read,
    /// Writes only.
    Write,
    /// Reads and writes; InfluxDB cannot grant the two together in another way.
    All,
}

/// The line a device polls its configuration from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it is written.
    pub database: Uuid,
    /// The line; it names the device's password.
    pub text: Secret,
    /// How long the database keeps its point; none: for ever, as far as is known.
    pub lasts: Option<Duration>,
}

impl Line {
    /// Whether a point of `written` has only half of its life left, and is to be written again.
    pub fn is_due(&self, written: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let age = (now - written).to_std().unwrap_or_default();
        self.lasts.is_some_and(|lasts| age >= lasts / 2)
    }
}

/// How long the passwords are that InfluxDB 2 takes, in bytes: bcrypt reads no more.
const PASSWORDS_OF_TWO: std::ops::RangeInclusive<usize> = 8..=72;

impl Desired {
    /// What `fleet` asks for. `influx` names the address that the config lines tell the devices.
    pub fn of(fleet: &Fleet, influx: &InfluxSettings, drop_data: bool) -> Self {
        let owners: BTreeMap<Uuid, &Owner> = fleet.owners.iter().map(|owner| (owner.uuid, owner)).collect();
        let of_owners =
            owners.values().map(|owner| (Record::owner(owner.uuid), Wish::of_owner(owner, influx)));
        let of_devices = fleet
            .devices
            .iter()
            .map(|device| (Record::device(device.uuid), Wish::of_device(device, &owners, influx)));
        Self { wishes: of_owners.chain(of_devices).collect(), drop_data }
    }

    /// The same of an InfluxDB 2, which does not take every password: who has such a one gets no user.
    pub fn of_two(mut self) -> Self {
        for wish in self.wishes.values_mut() {
            let fits = |password: &Secret| PASSWORDS_OF_TWO.contains(&password.expose().len());
            if !wish.password.as_ref().is_none_or(fits) {
                (wish.password, wish.grants) = (None, BTreeSet::new());
                wish.refusal = Some(
                    "InfluxDB 2 takes passwords of 8 to 72 characters, and that of the record is none: no user is made".into(),
                );
            }
        }
        self
    }

    /// The records that cannot be given what they ask for, whatever InfluxDB holds, and why.
    pub fn refusals(&self) -> impl Iterator<Item = (Record, &str)> {
        self.wishes.iter().filter_map(|(record, wish)| Some((*record, wish.refusal.as_deref()?)))
    }
}

impl Wish {
    fn of_owner(owner: &Owner, influx: &InfluxSettings) -> Self {
        let grant = Grant { database: owner.uuid, privilege: Privilege::Read };
        let grants = (!owner.suspended).then_some(grant).into_iter().collect();
        let (database, retention, place) = (Some(owner.uuid), influx.retention, Some(grant));
        Self { database, retention, grants, place, ..Self::default() }.with_user(&owner.password)
    }

    fn of_device(device: &Device, owners: &BTreeMap<Uuid, &Owner>, influx: &InfluxSettings) -> Self {
        // An owner that is not on record has no database to grant anything on: same as none.
        let on_record = |owner: Option<Uuid>| owner.and_then(|owner| owners.get(&owner).copied());
        let Some(owner) = on_record(device.owner) else { return Self::default() };
        let from = device.handover.as_ref().and_then(|handover| on_record(handover.from));
        let databases = [Some(owner), from.filter(|from| from.uuid != owner.uuid)].into_iter().flatten();
        let is_suspended = |of: &&Owner| device.suspended || owner.suspended || of.suspended;
        let granted = databases.clone().filter(|of| !is_suspended(of));
        let grant = |of: &Owner| Grant { database: of.uuid, privilege: Privilege::All };
        let held = device.handover.as_ref().map(|handover| &handover.password);
        // The device is told its new password only once it posts where it moves to.
        let told = held.filter(|_| from.is_some()).unwrap_or(&device.password);
        // The line is kept while suspended: nobody can read it, and resuming then is a grant and no more.
        let (lines, refusal) = match config_line(device, owner.uuid, told, influx) {
            Ok(text) => {
                let lasts = influx.retention;
                let line = |of: &Owner| Line { database: of.uuid, text: Secret::new(text.clone()), lasts };
                (databases.map(line).collect(), None)
            }
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Self {
            grants: granted.map(grant).collect(),
            place: Some(grant(owner)),
            lines,
            refusal,
            ..Self::default()
        }
        .with_user(held.unwrap_or(&device.password))
    }

    /// InfluxDB takes an empty password, and anyone could then sign in: such a record gets no user at all.
    fn with_user(self, password: &str) -> Self {
        if password.is_empty() {
            let refusal = Some("the record has no password: no user is made".into());
            return Self { refusal, grants: BTreeSet::new(), ..self };
        }
        Self { password: Some(Secret::new(password)), ..self }
    }

    /// Whether it asks for nothing, as a device in stock.
    pub(super) fn is_nothing(&self) -> bool {
        self.database.is_none() && self.password.is_none()
    }

    /// Every database that this wish needs on the server.
    pub(super) fn databases(&self) -> BTreeSet<Uuid> {
        let granted = self.grants.iter().map(|grant| grant.database);
        self.database.into_iter().chain(granted).chain(self.lines.iter().map(|line| line.database)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::Handover;
    use crate::sync::fleet::tests::{device, influx, owner};

    fn wish(fleet: Fleet, record: Record) -> Wish {
        Desired::of(&fleet, &influx(), false).wishes[&record].clone()
    }

    #[test]
    fn an_owner_reads_its_own_database() {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![] };
        let database = Uuid::from_u128(1);
        let expected = Wish {
            database: Some(database),
            password: Some(Secret::new("P1")),
            grants: [Grant { database, privilege: Privilege::Read }].into(),
            place: Some(Grant { database, privilege: Privilege::Read }),
            ..Wish::default()
        };
        assert_eq!(wish(fleet, Record::owner(database)), expected);
    }

    #[test]
    fn a_device_has_all_rights_on_its_owners_database_and_a_line_in_it() {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![device(9, Some(1))] };
        let wish = wish(fleet, Record::device(Uuid::from_u128(9)));
        let database = Uuid::from_u128(1);
        assert_eq!(wish.grants, [Grant { database, privilege: Privilege::All }].into());
        assert_eq!(wish.database, None, "the owner's record asks for the database");
        assert_eq!(
            wish.lines[0].text.expose(),
            "%influx.test:8086%data%00000000-0000-0000-0000-000000000001%P9%10%30%6%"
        );
    }

    #[test]
    fn a_suspended_owner_takes_the_grants_of_its_devices_along() {
        let suspended = Owner { suspended: true, ..owner(1) };
        let fleet = Fleet { owners: vec![suspended], devices: vec![device(9, Some(1))] };
        for record in [Record::owner(Uuid::from_u128(1)), Record::device(Uuid::from_u128(9))] {
            let wish = wish(fleet.clone(), record);
            assert_eq!(wish.grants, [].into());
            assert!(wish.password.is_some(), "the user stays");
        }
    }

    #[test]
    fn a_device_in_stock_or_of_an_unknown_owner_asks_for_nothing() {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![device(8, None), device(9, Some(2))] };
        assert_eq!(wish(fleet.clone(), Record::device(Uuid::from_u128(8))), Wish::default());
        assert_eq!(wish(fleet, Record::device(Uuid::from_u128(9))), Wish::default());
    }

    #[test]
    fn a_record_without_password_gets_no_user_and_says_so() {
        let bare = Owner { password: String::new(), ..owner(1) };
        let wish = wish(Fleet { owners: vec![bare], devices: vec![] }, Record::owner(Uuid::from_u128(1)));
        assert_eq!((wish.password, wish.grants), (None, [].into()));
        assert!(wish.refusal.is_some());
    }

    #[test]
    fn a_password_that_influxdb_2_does_not_take_gets_no_user_there() {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![device(9, Some(1))] };
        let [short, long, fit] = ["P".repeat(7), "ä".repeat(37), "P".repeat(72)];
        for (password, fits) in [(short, false), (long, false), (fit, true)] {
            let mut fleet = fleet.clone();
            fleet.devices[0].password = password;
            let desired = Desired::of(&fleet, &influx(), false).of_two();
            let wish = &desired.wishes[&Record::device(Uuid::from_u128(9))];
            assert_eq!((wish.password.is_some(), wish.refusal.is_none()), (fits, fits));
        }
    }

    #[test]
    fn a_line_is_due_when_half_of_its_life_is_over() {
        let lasts = Some(Duration::from_secs(3600));
        let line = |lasts| Line { database: Uuid::nil(), text: Secret::new(""), lasts };
        let written = DateTime::UNIX_EPOCH;
        let after = |seconds| written + chrono::TimeDelta::seconds(seconds);
        assert!(!line(lasts).is_due(written, after(1799)) && line(lasts).is_due(written, after(1800)));
        assert!(!line(lasts).is_due(written, after(-9999)), "written ahead of time");
        assert!(!line(None).is_due(written, after(1_000_000_000)), "kept for ever");
    }

    #[test]
    fn a_device_that_is_handed_over_keeps_its_password_and_is_told_the_new_one() {
        let handover = Some(Handover { password: "OLD".into(), from: None });
        let fleet =
            Fleet { owners: vec![owner(1)], devices: vec![Device { handover, ..device(9, Some(1)) }] };
        let wish = wish(fleet, Record::device(Uuid::from_u128(9)));
        assert_eq!(wish.password, Some(Secret::new("OLD")));
        assert!(wish.lines[0].text.expose().contains("%P9%"));
    }

    #[test]
    fn a_device_that_moves_and_is_handed_over_is_told_so_where_it_comes_from() {
        let handover = Some(Handover { password: "OLD".into(), from: Some(Uuid::from_u128(2)) });
        let moving = Device { handover, ..device(9, Some(1)) };
        let fleet = |owners: Vec<Owner>| Fleet { owners, devices: vec![moving.clone()] };
        let of = |owners| wish(fleet(owners), Record::device(Uuid::from_u128(9)));
        let both = of(vec![owner(1), owner(2)]);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let all = |database| Grant { database, privilege: Privilege::All };
        assert_eq!(both.grants, [all(one), all(two)].into());
        assert_eq!(both.lines.iter().map(|line| line.database).collect::<Vec<_>>(), [one, two]);
        for line in &both.lines {
            let text = line.text.expose();
            assert!(
                text.contains(&format!("%{one}%OLD%")),
                "it posts to the new database with the password it has"
            );
        }
        let suspended = of(vec![owner(1), Owner { suspended: true, ..owner(2) }]);
        assert_eq!(suspended.grants, [all(one)].into());
        assert_eq!(
            of(vec![owner(1)]).lines.len(),
            1,
            "the old owner is deleted: there is nowhere else to tell it"
        );
    }
}
