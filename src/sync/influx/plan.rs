//! The plan: what to do so that InfluxDB holds what the records ask for. No I/O; applying a plan and
//! planning again gives an empty one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::applied::{Applied, Facet, Traces};
use super::change::{Action, Change, Plan, Stage, span};
use super::desired::{Desired, Grant, Privilege, Wish};
use crate::sync::INFLUXDB;
use crate::sync::outlook::Orphan;
use crate::sync::plan::Change as _;
use crate::sync::record::{Record, Resource};

/// What an InfluxDB holds, as far as it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actual {
    /// Its databases and users.
    pub listing: Listing,
    /// What was found about the records that were looked at.
    pub found: BTreeMap<Record, Found>,
}

/// The databases and users of an InfluxDB: cheap to read, however many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names of all databases.
    pub databases: BTreeSet<String>,
    /// Names of all users, and whether each is an administrator.
    pub users: BTreeMap<String, bool>,
    /// The databases that lack what makes them reachable (2.x, before 2.4).
    pub unmapped: BTreeSet<String>,
    /// How long databases keep points, where that is told at once (2.x); none: for ever.
    pub retentions: BTreeMap<String, Option<Duration>>,
    /// What users may do, by their names, where that is told at once (2.x).
    pub authorizations: Option<BTreeMap<String, Authorization>>,
}

/// A user of a 2.x. What it may do cannot be changed, but whether it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Whether it may.
    pub active: bool,
    /// Its rights, by database; none where there are others than such.
    pub grants: Option<BTreeMap<String, Privilege>>,
}

impl Authorization {
    /// Whether it may what it should. One that may nothing is inactive: it cannot be without any right.
    fn is_for(&self, grants: &BTreeSet<Grant>) -> bool {
        let named = |grant: &Grant| (grant.database.to_string(), grant.privilege);
        grants.is_empty() || self.grants == Some(grants.iter().map(named).collect())
    }
}

impl Listing {
    fn is_ready(&self, database: Uuid) -> bool {
        let name = database.to_string();
        self.databases.contains(&name) && !self.unmapped.contains(&name)
    }

    /// Whether what it tells of one record, beside the names, is what that asks for.
    fn agrees(&self, record: Record, wish: &Wish) -> bool {
        let lasts = wish.database.and_then(|database| self.retentions.get(&database.to_string()));
        let authorized = self.authorizations.as_ref().is_none_or(|all| {
            let one = all.get(&record.user());
            one.is_some_and(|one| one.is_for(&wish.grants) && one.active != wish.grants.is_empty())
        });
        authorized && (wish.retention.is_none() || lasts.is_none_or(|lasts| *lasts == wish.retention))
    }
}

/// What an InfluxDB holds about one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The rights of its user, by database; `NO PRIVILEGES` is none.
    pub grants: BTreeMap<String, Privilege>,
    /// The points that answer its device when it polls, by database.
    pub points: BTreeMap<Uuid, Point>,
    /// What decides how long its database keeps points.
    pub policy: Option<Policy>,
}

/// The retention policy that a database has by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// How long points are kept; none: for ever.
    pub lasts: Option<Duration>,
}

/// A point of series `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The config line it carries; a point written by someone else may carry none.
    pub line: Option<String>,
    /// Nanoseconds since 1970.
    pub time: i64,
}

/// The records that must be looked at before they can be planned, when all others may be trusted to be as
/// they were left: those that changed since, that were never settled, that miss something visible, or whose config line expires.
pub fn doubtful(
    desired: &Desired,
    listing: &Listing,
    applied: &Applied,
    now: DateTime<Utc>,
) -> BTreeSet<Record> {
    let in_doubt = |(record, wish): &(&Record, &Wish)| {
        wish.password.is_some()
            && (listing.users.get(&record.user()) != Some(&false)
                || wish.databases().iter().any(|database| !listing.is_ready(*database))
                || !listing.agrees(**record, wish)
                || !applied.traces(**record).is_some_and(|traces| {
                    traces.are(&Traces::of(**record, wish))
                        && !wish.lines.iter().any(|line| traces.is_due(line, now))
                }))
    };
    desired.wishes.iter().filter(in_doubt).map(|(record, _)| *record).collect()
}

/// Plans for every record that was looked at, and for those that should not be there.
///
/// Only users and databases that a record names, or that `applied` knows as ours, are ever touched.
pub fn plan(desired: &Desired, actual: &Actual, applied: &Applied, now: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    for record in applied.records().filter(|record| !desired.wishes.contains_key(record)) {
        let mut draft = Draft::new(record, &actual.listing, Known::default());
        draft.drop_user("the record is deleted");
        if record.resource == Resource::Users && desired.drop_data {
            draft.drop_database();
        }
        draft.file(&mut plan);
    }
    for (record, wish) in &desired.wishes {
        let found = actual.found.get(record);
        // What was not looked at is as it was left; most are, and to know what of them is known takes its time.
        if wish.password.is_some() && found.is_none() {
            continue;
        }
        let mut draft = Draft::new(*record, &actual.listing, Known::of(*record, wish, applied));
        draft.create_database(wish);
        if wish.password.is_none() {
            // The name is a record's own, so the user is ours even where we do not remember making it.
            draft.drop_user("the record asks for no user");
        } else if let Some(found) = found {
            draft.retention(wish, found);
            if let Some(authorizations) = &actual.listing.authorizations {
                draft.authorization(wish, authorizations);
            } else {
                draft.user(wish);
                draft.access(wish, found);
            }
            draft.config_lines(wish, found, now);
        }
        draft.file(&mut plan);
    }
    plan
}

/// Users and databases that bear a name as we give them, and belong to no record: those of a deleted owner whose
/// data is kept among them. What is planned to go is none.
pub fn orphans(desired: &Desired, listing: &Listing, applied: &Applied) -> Vec<Orphan> {
    let records: BTreeSet<Uuid> =
        desired.wishes.keys().copied().chain(applied.records()).map(|record| record.uuid).collect();
    // As we write them, and in no other of the ways that a UUID can be written.
    let is_ours = |name: &str| Uuid::try_parse(name).is_ok_and(|uuid| uuid.to_string() == name);
    let is_orphan =
        |name: &&String| is_ours(name) && Uuid::try_parse(name).is_ok_and(|uuid| !records.contains(&uuid));
    let orphan = |kind: &str, name: &String| Orphan {
        backend: INFLUXDB.into(),
        kind: kind.into(),
        name: name.clone(),
    };
    let users = listing.users.keys().filter(is_orphan).map(|name| orphan("user", name));
    let databases = listing.databases.iter().filter(is_orphan).map(|name| orphan("database", name));
    users.chain(databases).collect()
}

/// What is known to have been applied of a wish: if it is not so, somebody has changed it.
#[derive(Default)]
struct Known {
    facets: Vec<Facet>,
    /// Whether how long the database keeps points is our doing.
    retention_is_ours: bool,
}

impl Known {
    fn of(record: Record, wish: &Wish, applied: &Applied) -> Self {
        let Some(traces) = applied.traces(record) else { return Self::default() };
        let wanted = Traces::of(record, wish);
        Self {
            facets: Facet::ALL.into_iter().filter(|facet| traces.hold(&wanted, *facet)).collect(),
            retention_is_ours: traces.have_set_retention(),
        }
    }
}

/// The sequence for one record while it is being planned. The order of the calls is the order of work.
struct Draft<'a> {
    record: Record,
    listing: &'a Listing,
    known: Known,
    actions: Vec<Action>,
}

impl<'a> Draft<'a> {
    fn new(record: Record, listing: &'a Listing, known: Known) -> Self {
        Self { record, listing, known, actions: Vec::new() }
    }

    fn add(&mut self, change: Change, reason: impl Into<String>) {
        let drift = self.known.facets.contains(&change.facet());
        self.actions.push(Action { record: self.record, change, reason: reason.into(), drift });
    }

    fn file(self, plan: &mut Plan) {
        let takes_away = |change: &Change| change.ends_access() || matches!(change, Change::DropDatabase(_));
        let stage = match self.record.resource {
            _ if self.actions.iter().all(|action| takes_away(&action.change)) => Stage::Withdrawals,
            Resource::Users => Stage::Owners,
            Resource::Karanas => Stage::Devices,
        };
        plan.file(stage, self.record, self.actions);
    }

    fn drop_user(&mut self, reason: &str) {
        if self.listing.users.contains_key(&self.record.user()) {
            self.add(Change::DropUser, reason);
        }
    }

    fn drop_database(&mut self) {
        if self.listing.databases.contains(&self.record.uuid.to_string()) {
            self.add(Change::DropDatabase(self.record.uuid), "the owner is deleted, and drop_data is set");
        }
    }

    fn create_database(&mut self, wish: &Wish) {
        if let Some(database) = wish.database
            && !self.listing.is_ready(database)
        {
            self.add(Change::CreateDatabase { database, retention: wish.retention }, "it is missing");
        }
    }

    /// Where none is wanted, what somebody else has set stays.
    fn retention(&mut self, wish: &Wish, found: &Found) {
        let (Some(database), Some(policy)) = (wish.database, &found.policy) else { return };
        let reason = match (wish.retention, policy.lasts) {
            (wanted, lasts) if wanted == lasts => return,
            (Some(_), None) => "it keeps all".to_owned(),
            (Some(_), Some(lasts)) => format!("it keeps them for {}", span(lasts)),
            (None, _) if self.known.retention_is_ours => "no retention is configured any more".to_owned(),
            (None, _) => return,
        };
        let change = Change::SetRetention { database, policy: policy.name.clone(), lasts: wish.retention };
        self.add(change, reason);
    }

    /// The old rights go first: they cannot be changed, and a name is one user's alone.
    fn authorization(&mut self, wish: &Wish, authorizations: &BTreeMap<String, Authorization>) {
        let (Some(password), Some(place)) = (wish.password.clone(), wish.place) else { return };
        let active = !wish.grants.is_empty();
        let found = authorizations.get(&self.record.user());
        let Some(one) = found.filter(|one| one.is_for(&wish.grants)) else {
            if found.is_some() {
                self.add(Change::DropUser, "it has other rights, which cannot be changed");
            }
            let reason =
                if found.is_some() { "with the rights that the record asks for" } else { "it is missing" };
            let grants = if active { wish.grants.clone() } else { [place].into() };
            return self.add(Change::Authorize { password, grants, active }, reason);
        };
        if one.active && !active {
            self.add(Change::Activate(false), "it is suspended");
        }
        if !self.known.facets.contains(&Facet::Password) {
            self.add(Change::SetPassword(password), "it is not known to be the one on record");
        }
        if !one.active && active {
            self.add(Change::Activate(true), "it is not suspended");
        }
    }

    fn user(&mut self, wish: &Wish) {
        let Some(password) = wish.password.clone() else { return };
        match self.listing.users.get(&self.record.user()) {
            None => self.add(Change::CreateUser(password), "it is missing"),
            Some(_) if !self.known.facets.contains(&Facet::Password) => {
                self.add(Change::SetPassword(password), "it is not known to be the one on record");
            }
            Some(_) => {}
        }
        if self.listing.users.get(&self.record.user()) == Some(&true) {
            self.add(Change::RevokeAdmin, "no record asks for an administrator");
        }
    }

    /// The new right before the old one goes, so that a device that moves is never without; and after the
    /// password, so that its old owner, who knows the old one, never reaches the new database.
    fn access(&mut self, wish: &Wish, found: &Found) {
        let wanted: BTreeSet<String> = wish.grants.iter().map(|grant| grant.database.to_string()).collect();
        for grant in &wish.grants {
            match found.grants.get(&grant.database.to_string()) {
                Some(privilege) if *privilege == grant.privilege => {}
                Some(privilege) => self.add(Change::Grant(*grant), format!("it is {privilege}")),
                None => self.add(Change::Grant(*grant), "it is missing"),
            }
        }
        for (database, privilege) in found.grants.iter().filter(|(name, _)| !wanted.contains(*name)) {
            self.add(Change::Revoke(database.clone()), format!("no record asks for {privilege} there"));
        }
    }

    fn config_lines(&mut self, wish: &Wish, found: &Found, now: DateTime<Utc>) {
        for line in &wish.lines {
            let point = found.points.get(&line.database);
            let is_due = |point: &Point| line.is_due(DateTime::from_timestamp_nanos(point.time), now);
            let reason = match point {
                None => "it is missing",
                Some(point) if point.line.as_deref() != Some(line.text.expose()) => {
                    "the device reads another one"
                }
                Some(point) if is_due(point) => "half of its life is over",
                Some(_) => continue,
            };
            let after = point.map(|point| point.time);
            self.add(Change::WriteConfigLine { line: line.clone(), after }, reason);
        }
    }
}

#[cfg(test)]
mod tests;
