//! Plans compared as values, and their properties against a model of an InfluxDB.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::sync::fleet::tests::{device, influx, owner};
use crate::sync::fleet::{Device, Fleet, Handover, Owner};
use crate::sync::influx::desired::Grant;
use crate::sync::secret::Secret;

/// When it all happens.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// An InfluxDB 1.x as far as sync goes.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    databases: BTreeSet<String>,
    users: BTreeMap<String, User>,
    points: BTreeMap<(String, Uuid), Point>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct User {
    password: String,
    admin: bool,
    grants: BTreeMap<String, Privilege>,
}

impl Model {
    fn listing(&self) -> Listing {
        Listing {
            databases: self.databases.clone(),
            users: self.users.iter().map(|(name, user)| (name.clone(), user.admin)).collect(),
            ..Listing::default()
        }
    }

    fn look(&self, desired: &Desired, records: &BTreeSet<Record>) -> Actual {
        let found = records.iter().map(|record| {
            let points = desired.wishes[record].lines.iter().filter_map(|line| {
                let point = self.points.get(&(line.database.to_string(), record.uuid))?;
                Some((line.database, point.clone()))
            });
            let points = points.collect();
            let grants = self.users.get(&record.user()).map(|user| user.grants.clone()).unwrap_or_default();
            (*record, Found { grants, points, policy: None })
        });
        Actual { listing: self.listing(), found: found.collect() }
    }

    /// Does one action as InfluxDB would; an error where it would answer with one.
    fn apply(&mut self, Action { record, change, .. }: &Action) -> Result<(), String> {
        match change {
            Change::CreateDatabase { database, .. } => _ = self.databases.insert(database.to_string()),
            Change::DropDatabase(database) => {
                let database = database.to_string();
                self.databases.remove(&database);
                self.users.values_mut().for_each(|user| _ = user.grants.remove(&database));
                self.points.retain(|(of, _), _| *of != database);
            }
            Change::CreateUser(password) => {
                let user = User { password: password.expose().into(), ..User::default() };
                if self.users.insert(record.user(), user).is_some() {
                    return Err("user already exists".into());
                }
            }
            Change::DropUser => _ = self.users.remove(&record.user()).ok_or("user not found")?,
            Change::SetPassword(password) => self.user(record)?.password = password.expose().into(),
            Change::RevokeAdmin => self.user(record)?.admin = false,
            Change::Grant(Grant { database, privilege }) => {
                self.database(&database.to_string())?;
                self.user(record)?.grants.insert(database.to_string(), *privilege);
            }
            // On a database that this plan dropped just before it is an error, which is passed over. To leave
            // it out of the plan would leave the right in place should the drop fail.
            Change::Revoke(database) => {
                self.user(record)?.grants.remove(database);
            }
            Change::WriteConfigLine { line, after } => {
                self.database(&line.database.to_string())?;
                let point =
                    Point { line: Some(line.text.expose().into()), time: after.map_or(1, |time| time + 1) };
                self.points.insert((line.database.to_string(), record.uuid), point);
            }
            Change::SetRetention { .. } | Change::Authorize { .. } | Change::Activate(_) => {
                return Err("unknown to this model".into());
            }
        }
        Ok(())
    }

    fn user(&mut self, record: &Record) -> Result<&mut User, String> {
        self.users.get_mut(&record.user()).ok_or("user not found".into())
    }

    fn database(&self, name: &str) -> Result<(), String> {
        if self.databases.contains(name) { Ok(()) } else { Err(format!("database not found: {name}")) }
    }
}

/// One round: plans for all records, or for the doubtful ones, and applies the first `actions` of the plan.
fn round(model: &mut Model, desired: &Desired, applied: &mut Applied, full: bool, actions: usize) -> Plan {
    let records = match full {
        true => desired.wishes.keys().copied().collect(),
        false => doubtful(desired, &model.listing(), applied, NOW),
    };
    let plan = plan(desired, &model.look(desired, &records), applied, NOW);
    for action in plan.actions() {
        applied.doubt(action.record, action.change.facet());
    }
    for action in plan.actions().take(actions) {
        model.apply(action).unwrap();
    }
    if plan.actions().count() > actions {
        return plan;
    }
    let gone: Vec<_> =
        applied.records().filter(|record| !desired.wishes.contains_key(record)).chain(records).collect();
    for record in gone {
        applied.settle(record, desired.wishes.get(&record), &[], chrono::DateTime::UNIX_EPOCH);
    }
    plan
}

fn changes(plan: &Plan) -> Vec<Change> {
    plan.actions().map(|action| action.change.clone()).collect()
}

fn desired(owners: Vec<Owner>, devices: Vec<Device>) -> Desired {
    Desired::of(&Fleet { owners, devices }, &influx(), false)
}

fn settled(desired: &Desired) -> (Model, Applied) {
    let (mut model, mut applied) = Default::default();
    round(&mut model, desired, &mut applied, true, usize::MAX);
    (model, applied)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn an_empty_server_is_filled_database_first() {
    let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let (mut model, mut applied) = Default::default();
    let plan = round(&mut model, &desired, &mut applied, false, usize::MAX);
    let line = desired.wishes[&Record::device(id(9))].lines[0].clone();
    assert_eq!(
        changes(&plan),
        [
            Change::CreateDatabase { database: id(1), retention: None },
            Change::CreateUser(Secret::new("P1")),
            Change::Grant(Grant { database: id(1), privilege: Privilege::Read }),
            Change::CreateUser(Secret::new("P9")),
            Change::Grant(Grant { database: id(1), privilege: Privilege::All }),
            Change::WriteConfigLine { line, after: None },
        ]
    );
}

#[test]
fn a_device_that_moves_gets_its_password_and_new_right_before_the_old_one_goes() {
    let owners = vec![owner(1), owner(2)];
    let (mut model, mut applied) = settled(&desired(owners.clone(), vec![device(9, Some(1))]));
    let moved = Device { password: "NEW".into(), ..device(9, Some(2)) };
    let desired = desired(owners, vec![moved]);
    let plan = round(&mut model, &desired, &mut applied, false, usize::MAX);
    let line = desired.wishes[&Record::device(id(9))].lines[0].clone();
    assert_eq!(
        changes(&plan),
        [
            Change::SetPassword(Secret::new("NEW")),
            Change::Grant(Grant { database: id(2), privilege: Privilege::All }),
            Change::Revoke(id(1).to_string()),
            Change::WriteConfigLine { line, after: None },
        ]
    );
}

#[test]
fn a_database_that_is_gone_takes_grants_and_lines_along() {
    let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let (mut model, mut applied) = settled(&desired);
    let drop = Action {
        record: Record::owner(id(1)),
        change: Change::DropDatabase(id(1)),
        reason: String::new(),
        drift: false,
    };
    model.apply(&drop).unwrap();
    let plan = round(&mut model, &desired, &mut applied, false, usize::MAX);
    let line = desired.wishes[&Record::device(id(9))].lines[0].clone();
    assert_eq!(
        changes(&plan),
        [
            Change::CreateDatabase { database: id(1), retention: None },
            Change::Grant(Grant { database: id(1), privilege: Privilege::Read }),
            Change::Grant(Grant { database: id(1), privilege: Privilege::All }),
            Change::WriteConfigLine { line, after: None },
        ]
    );
}

#[test]
fn suspending_revokes_and_keeps_the_user_and_resuming_only_grants() {
    let active = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let (mut model, mut applied) = settled(&active);
    let suspended = Owner { suspended: true, ..owner(1) };
    let suspended = desired(vec![suspended], vec![device(9, Some(1))]);
    let plan = round(&mut model, &suspended, &mut applied, false, usize::MAX);
    let revoke = Change::Revoke(id(1).to_string());
    assert_eq!(changes(&plan), [revoke.clone(), revoke]);
    let plan = round(&mut model, &active, &mut applied, false, usize::MAX);
    assert!(plan.actions().all(|action| matches!(action.change, Change::Grant(_))), "{plan:?}");
    assert_eq!(plan.actions().count(), 2);
}

#[test]
fn only_what_is_ours_is_removed_and_data_only_when_asked() {
    let (model, applied) = settled(&desired(vec![owner(1)], vec![device(9, Some(1))]));
    let strangers = |model: &mut Model| {
        for name in ["admin", &id(77).to_string()] {
            model.users.insert(name.into(), User { admin: true, ..User::default() });
            model.databases.insert(name.into());
        }
    };
    for drop_data in [false, true] {
        let (mut model, mut applied) = (model.clone(), applied.clone());
        strangers(&mut model);
        let nothing = Desired { drop_data, ..Desired::default() };
        let plan = round(&mut model, &nothing, &mut applied, true, usize::MAX);
        let mut expected = vec![Change::DropUser];
        expected.extend(drop_data.then_some(Change::DropDatabase(id(1))));
        expected.push(Change::DropUser);
        assert_eq!(changes(&plan), expected);
        assert_eq!(applied, Applied::default());
        // What was left stays left, even when the operator changes their mind about data later on.
        let all = Desired { drop_data: true, ..Desired::default() };
        assert_eq!(round(&mut model, &all, &mut applied, true, usize::MAX), Plan::default());
    }
}

#[test]
fn a_device_put_in_stock_loses_its_user_even_when_the_state_was_lost() {
    let (mut model, _) = settled(&desired(vec![owner(1)], vec![device(9, Some(1))]));
    let desired = desired(vec![owner(1)], vec![device(9, None)]);
    let plan = round(&mut model, &desired, &mut Applied::default(), false, usize::MAX);
    assert_eq!(changes(&plan), [Change::DropUser, Change::SetPassword(Secret::new("P1"))]);
}

#[test]
fn rights_that_no_record_asks_for_are_put_right() {
    let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let (mut model, mut applied) = settled(&desired);
    let user = model.users.get_mut(&id(9).to_string()).unwrap();
    user.grants.insert(id(1).to_string(), Privilege::Write);
    user.grants.insert("elsewhere".into(), Privilege::Read);
    model.databases.insert("elsewhere".into());
    model.users.get_mut(&id(1).to_string()).unwrap().admin = true;
    let plan = round(&mut model, &desired, &mut applied, true, usize::MAX);
    assert_eq!(
        changes(&plan),
        [
            Change::RevokeAdmin,
            Change::Grant(Grant { database: id(1), privilege: Privilege::All }),
            Change::Revoke("elsewhere".into()),
        ]
    );
}

#[test]
fn a_line_that_comes_back_is_written_later_than_what_stands() {
    let lines =
        |series: &str| desired(vec![owner(1)], vec![Device { series: series.into(), ..device(9, Some(1)) }]);
    let (mut model, mut applied) = settled(&lines("a"));
    for (series, last) in [("b", 1), ("a", 2)] {
        let plan = round(&mut model, &lines(series), &mut applied, false, usize::MAX);
        let line = lines(series).wishes[&Record::device(id(9))].lines[0].clone();
        assert_eq!(changes(&plan), [Change::WriteConfigLine { line, after: Some(last) }]);
    }
}

/// A small fleet in any state: few names, so that fleets drawn after each other overlap.
fn fleets() -> impl Strategy<Value = Desired> {
    let owners = prop::collection::btree_map(1..4_u128, (any::<bool>(), 0..2_usize), 0..3);
    let handovers = prop::option::of(prop::option::of(1..5_u128));
    let details = (prop::option::of(1..5_u128), any::<bool>(), 0..2_usize, 0..2_usize, handovers);
    let devices = prop::collection::btree_map(10..15_u128, details, 0..5);
    (owners, devices, any::<bool>()).prop_map(|(owners, devices, drop_data)| {
        let owners = owners.into_iter().map(|(n, (suspended, password))| Owner {
            suspended,
            password: format!("P{password}"),
            ..owner(n)
        });
        let devices = devices.into_iter().map(|(n, (of, suspended, password, series, handover))| Device {
            suspended,
            password: format!("P{password}"),
            series: ["a", "b"][series].into(),
            handover: handover.map(|from| Handover { password: "OLD".into(), from: from.map(id) }),
            ..device(n, of)
        });
        let fleet = Fleet { owners: owners.collect(), devices: devices.collect() };
        Desired::of(&fleet, &influx(), drop_data)
    })
}

/// Everything `desired` asks for is in `model`, and no user has a right beyond it.
fn holds(model: &Model, desired: &Desired) {
    for (record, wish) in &desired.wishes {
        let user = model.users.get(&record.user());
        assert_eq!(user.map(|user| &*user.password), wish.password.as_ref().map(Secret::expose));
        let grants = wish.grants.iter().map(|grant| (grant.database.to_string(), grant.privilege));
        assert!(user.is_none_or(|user| !user.admin && user.grants == grants.collect()));
        assert!(wish.databases().iter().all(|database| model.databases.contains(&database.to_string())));
        for line in &wish.lines {
            let point = &model.points[&(line.database.to_string(), record.uuid)];
            assert_eq!(point.line.as_deref(), Some(line.text.expose()));
        }
    }
    let asked: BTreeSet<_> = desired.wishes.keys().map(Record::user).collect();
    assert!(model.users.keys().all(|name| asked.contains(name)), "users of deleted records are gone");
}

/// What someone may do to a server behind our back.
#[derive(Debug, Clone)]
enum Drift {
    DropUser(usize),
    DropDatabase(usize),
    MakeAdmin(usize),
    Grant(usize, usize, Privilege),
    Overwrite(usize),
}

fn drifts() -> impl Strategy<Value = Drift> {
    let privilege = prop_oneof![Just(Privilege::Read), Just(Privilege::Write), Just(Privilege::All)];
    prop_oneof![
        (0..8_usize).prop_map(Drift::DropUser),
        (0..8_usize).prop_map(Drift::DropDatabase),
        (0..8_usize).prop_map(Drift::MakeAdmin),
        (0..8_usize, 0..8_usize, privilege).prop_map(|(user, on, what)| Drift::Grant(user, on, what)),
        (0..8_usize).prop_map(Drift::Overwrite),
    ]
}

impl Model {
    /// Returns whether it shows in the lists of users and databases.
    fn drift(&mut self, drift: &Drift) -> bool {
        let user = |n: &usize| self.users.keys().nth(*n).cloned();
        let database = |n: &usize| self.databases.iter().nth(*n).cloned();
        match drift {
            Drift::DropUser(n) => _ = user(n).map(|name| self.users.remove(&name)),
            Drift::DropDatabase(n) => {
                if let Some(name) = database(n) {
                    let database = Uuid::parse_str(&name).unwrap();
                    let change = Change::DropDatabase(database);
                    let record = Record::owner(database);
                    self.apply(&Action { record, change, reason: String::new(), drift: false }).unwrap();
                }
            }
            Drift::MakeAdmin(n) => _ = self.users.values_mut().nth(*n).map(|user| user.admin = true),
            Drift::Grant(n, on, privilege) => {
                if let (Some(user), Some(database)) = (user(n), database(on)) {
                    self.users.get_mut(&user).unwrap().grants.insert(database, *privilege);
                }
            }
            Drift::Overwrite(n) => _ = self.points.values_mut().nth(*n).map(|point| point.line = None),
        }
        !matches!(drift, Drift::Grant(..) | Drift::Overwrite(_))
    }
}

proptest! {
    #[test]
    fn planning_again_gives_nothing(fleets in prop::collection::vec((fleets(), any::<bool>()), 1..5)) {
        let (mut model, mut applied) = Default::default();
        for (desired, full) in fleets {
            round(&mut model, &desired, &mut applied, full, usize::MAX);
            holds(&model, &desired);
            for full in [true, false] {
                let again = round(&mut model, &desired, &mut applied, full, usize::MAX);
                prop_assert_eq!(again, Plan::default());
            }
        }
    }

    #[test]
    fn a_round_cut_short_is_made_up_for_by_a_quick_one(
        fleets in prop::collection::vec((fleets(), 0..12_usize), 1..5),
        last in fleets(),
    ) {
        let (mut model, mut applied) = Default::default();
        for (desired, actions) in fleets {
            round(&mut model, &desired, &mut applied, false, actions);
        }
        round(&mut model, &last, &mut applied, false, usize::MAX);
        holds(&model, &last);
    }

    #[test]
    fn whatever_was_changed_by_hand_is_put_right(
        desired in fleets(),
        drifts in prop::collection::vec(drifts(), 0..6),
    ) {
        let (mut model, mut applied) = settled(&desired);
        let hidden = drifts.iter().filter(|drift| !model.drift(drift)).count();
        // What shows in the lists needs no full round.
        round(&mut model, &desired, &mut applied, hidden > 0, usize::MAX);
        holds(&model, &desired);
        prop_assert_eq!(round(&mut model, &desired, &mut applied, true, usize::MAX), Plan::default());
    }
}
