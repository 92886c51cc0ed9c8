//! The plan: what to do so that Grafana holds what the records ask for. No I/O; applying a plan and planning again gives
//! an empty one.

mod alerts;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::actual::{Found, Listing};
use super::applied::{Applied, OwnerTraces};
use super::change::{Action, Change, Doomed, Facet, Plan, Stage};
use super::client::User;
use super::dashboard::{device_of, uid_of_device};
use super::desired::{Board, Desired, Wish};
use crate::sync::plan::Change as _;
use crate::sync::record::Record;

/// The owners that must be looked at before they can be planned, when all others may be trusted to be as they were left:
/// those that changed since, that were never settled, or that miss something visible; and so of their devices.
pub fn doubtful(desired: &Desired, listing: &Listing, applied: &Applied) -> BTreeSet<Uuid> {
    let in_doubt = |(owner, wish): &(&Uuid, &Wish)| {
        let traces = applied.owner(**owner);
        let organization = listing.organization(**owner);
        organization.is_none()
            || organization != traces.and_then(|traces| traces.organization)
            || applied.user(**owner, desired, listing).is_none_or(|user| !is_as_wished(user, wish))
            || !applied.has_settled(**owner, wish)
    };
    let owners = desired.owners.iter().filter(in_doubt).map(|(owner, _)| *owner);
    let boards = desired.devices.iter().filter_map(|(device, board)| Some((device, board.as_ref()?)));
    let boards = boards.filter(|(device, board)| {
        applied.dashboard(**device, board.owner) != Some(board.dashboard.content.as_str())
    });
    owners.chain(boards.map(|(_, board)| board.owner)).collect()
}

/// Whether a user is, as far as the list of all users tells, what an owner asks for.
fn is_as_wished(user: &User, wish: &Wish) -> bool {
    has_account(user, wish) && !user.is_admin && user.is_disabled == wish.suspended
}

fn has_account(user: &User, wish: &Wish) -> bool {
    let same = |text: &str| text.to_lowercase() == wish.account.login.to_lowercase();
    same(&user.login) && same(&user.email) && user.name == wish.account.name
}

/// Plans for every owner that was looked at and its devices, and for those that should not be there.
///
/// Only what a record names, or `applied` knows as ours, is ever touched.
pub fn plan(desired: &Desired, listing: &Listing, found: &BTreeMap<Uuid, Found>, applied: &Applied) -> Plan {
    let mut plan = Plan::default();
    for (owner, traces) in applied.owners().filter(|(owner, _)| !desired.knows_owner(*owner)) {
        plan_deleted_owner(&mut plan, owner, traces, (desired, listing, applied));
    }
    let wanted: BTreeMap<String, Uuid> =
        desired.owners.iter().map(|(owner, wish)| (wish.account.login.to_lowercase(), *owner)).collect();
    for (owner, wish) in &desired.owners {
        let Some(found) = found.get(owner) else { continue };
        let record = Record::owner(*owner);
        let exists = listing.organization(*owner).is_some();
        let mut organization = Draft::of(record);
        match exists {
            false => organization.add(Change::CreateOrganization, "it is missing"),
            true if !found.joined => organization.add(Change::Join, "it is not one"),
            true => {}
        }
        organization.file(Stage::Organizations, &mut plan);

        let user = applied.user(*owner, desired, listing);
        if let Some(user) = user
            && !has_account(user, wish)
            && wanted.get(&user.login.to_lowercase()).is_some_and(|other| other != owner)
        {
            let mut park = Draft::of(record);
            park.add(Change::ParkUser, "another owner has its login now");
            park.file(Stage::Withdrawals, &mut plan);
        }
        let draft = plan_user(record, wish, user, found, (listing, applied));
        let only_ends = draft.actions.iter().all(|action| action.change.ends_access());
        draft.file(if only_ends { Stage::Withdrawals } else { Stage::Contents }, &mut plan);
        plan_contents(&mut plan, record, wish, found, (desired, applied));
    }
    plan_dashboards(&mut plan, desired, listing, found, applied);
    for action in plan.actions_mut() {
        let facets = action.change.facets(action.record);
        let is_known = |facet: &Facet| applied.holds(action.record, desired, *facet);
        action.drift = !facets.is_empty() && facets.iter().all(is_known);
    }
    plan
}

type Known<'a> = (&'a Desired, &'a Listing, &'a Applied);

fn plan_deleted_owner(
    plan: &mut Plan,
    owner: Uuid,
    traces: &OwnerTraces,
    (desired, listing, applied): Known<'_>,
) {
    const REASON: &str = "the record is deleted";
    let mut user = Draft::of(Record::owner(owner));
    if let Some(user_of_it) = applied.user(owner, desired, listing) {
        user.add(Change::DeleteUser(Doomed { id: user_of_it.id, known: true }), REASON);
    } else if traces.user.is_none() {
        // It was to be made, and we never learned whether it was.
        let holder = traces.logins.iter().find_map(|login| listing.holder(login));
        let of_another = |user: &User| applied.owners().any(|(_, traces)| traces.user == Some(user.id));
        if let Some(holder) = holder.filter(|holder| !holder.is_admin && !of_another(holder)) {
            user.add(Change::DeleteUser(Doomed { id: holder.id, known: false }), REASON);
        }
    }
    user.file(Stage::Withdrawals, plan);
    let mut organization = Draft::of(Record::owner(owner));
    if listing.organization(owner).is_some() {
        organization.add(Change::DeleteOrganization, REASON);
    }
    organization.file(Stage::Removals, plan);
}

/// The password before anything else that lets in: who knew the old one should not get further.
fn plan_user(
    record: Record,
    wish: &Wish,
    user: Option<&User>,
    found: &Found,
    (listing, applied): (&Listing, &Applied),
) -> Draft {
    let mut draft = Draft::of(record);
    let (account, password) = (wish.account.clone(), wish.password.clone());
    let Some(user) = user else {
        let reason = match listing.holder(&account.login) {
            Some(_) => "one with its e-mail address is there, and not known to be its own",
            None => "it is missing",
        };
        draft.add(Change::CreateUser { account, password }, reason);
        draft.add(Change::Confine, "Grafana gives a new user a role of its own choice");
        if wish.suspended {
            draft.add(Change::DisableUser, "the owner is suspended");
        }
        return draft;
    };
    if user.is_admin {
        draft.add(Change::RevokeAdmin, "no record asks for an administrator");
    }
    if wish.suspended && !user.is_disabled {
        draft.add(Change::DisableUser, "the owner is suspended");
    }
    if !applied.is_settled(record.uuid, wish, Facet::Password) {
        draft.add(Change::SetPassword(password), "it is not known to be the one on record");
    }
    if !has_account(user, wish) {
        draft.add(Change::UpdateUser(account), "the record has others");
    }
    let organization = listing.organization(record.uuid);
    let only_here = matches!(
        found.memberships.as_deref(),
        Some([one]) if Some(one.org_id) == organization && one.role == "Viewer"
    );
    if !only_here {
        draft.add(Change::Confine, "it is not that, or more");
    }
    if !wish.suspended && user.is_disabled {
        draft.add(Change::EnableUser, "the owner is active");
    }
    draft
}

fn plan_contents(
    plan: &mut Plan,
    record: Record,
    wish: &Wish,
    found: &Found,
    (desired, applied): (&Desired, &Applied),
) {
    let mut source = Draft::of(record);
    let put = Change::PutDatasource(wish.datasource.clone());
    match &found.datasource {
        None => source.add(put, "it is missing"),
        Some(found) if !found.is(&wish.datasource) => source.add(put, "it is another one"),
        Some(_) if !applied.is_settled(record.uuid, wish, Facet::Datasource) => {
            source.add(put, "its password is not known to be the one on record");
        }
        Some(_) => {}
    }
    // Behind the data source that the rules ask.
    alerts::plan(&mut source, desired, wish, &found.alerts, applied);
    source.file(Stage::Contents, plan);

    let mut home = Draft::of(record);
    let tags = found.dashboards.get(&wish.home.uid);
    let dashboard = wish.home.clone();
    let (tag, known) = (dashboard.tag(), applied.home(record.uuid));
    let put = Change::PutDashboard { owner: record.uuid, dashboard };
    if let Some(reason) = why_write(tags, &tag, known, &wish.home.content) {
        home.add(put, reason);
    }
    if found.home.as_ref() != Some(&wish.home.uid) {
        home.add(Change::SetHome(wish.home.uid.clone()), "it is not");
    }
    home.file(Stage::Contents, plan);
}

/// Why a dashboard must be written, if it must: it is missing, or what it was made with has changed. Both the dashboard
/// itself and our memory may know what that was; either will do, so that what was changed by hand since stays.
fn why_write(
    tags: Option<&Vec<String>>,
    tag: &String,
    known: Option<&str>,
    content: &str,
) -> Option<&'static str> {
    match tags {
        None => Some("it is missing"),
        Some(tags) if tags.contains(tag) || known == Some(content) => None,
        Some(_) => Some("its record or our template has changed"),
    }
}

fn plan_dashboards(
    plan: &mut Plan,
    desired: &Desired,
    listing: &Listing,
    found: &BTreeMap<Uuid, Found>,
    applied: &Applied,
) {
    // Where a device has a dashboard that it should not have there: as we know, and as we see.
    let mut astray: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for device in applied.devices() {
        astray.insert(device, applied.dashboards_of(device).collect());
    }
    for (owner, found) in found {
        let devices = found.dashboards.keys().filter_map(|uid| device_of(uid));
        // Of a device that we do not know it may be anybody's.
        for device in devices.filter(|device| desired.devices.contains_key(device)) {
            astray.entry(device).or_default().insert(*owner);
        }
    }
    let devices: BTreeSet<Uuid> = desired.devices.keys().chain(astray.keys()).copied().collect();
    for device in devices {
        let board = desired.devices.get(&device).and_then(Option::as_ref);
        let mut draft = Draft::of(Record::device(device));
        if let Some(Board { owner, dashboard }) = board
            && let Some(found) = found.get(owner)
        {
            let tags = found.dashboards.get(&dashboard.uid);
            let known = applied.dashboard(device, *owner);
            if let Some(reason) = why_write(tags, &dashboard.tag(), known, &dashboard.content) {
                draft.add(Change::PutDashboard { owner: *owner, dashboard: dashboard.clone() }, reason);
            }
        }
        let places = astray.remove(&device).unwrap_or_default();
        for owner in places {
            let is_home = board.is_some_and(|board| board.owner == owner);
            let is_gone = listing.organization(owner).is_none();
            if is_home || is_gone || desired.refused.contains_key(&owner) {
                continue;
            }
            let reason = if desired.devices.contains_key(&device) {
                "the karana belongs elsewhere"
            } else {
                "the record is deleted"
            };
            draft.add(Change::DeleteDashboard { owner, uid: uid_of_device(device) }, reason);
        }
        let only_ends = draft.actions.iter().all(|action| action.change.ends_access());
        draft.file(if only_ends { Stage::Withdrawals } else { Stage::Contents }, plan);
    }
}

/// A sequence for one record while it is being planned. The order of the calls is the order of work.
struct Draft {
    record: Record,
    actions: Vec<Action>,
}

impl Draft {
    fn of(record: Record) -> Self {
        Self { record, actions: Vec::new() }
    }

    fn add(&mut self, change: Change, reason: impl Into<String>) {
        self.actions.push(Action { record: self.record, change, reason: reason.into(), drift: false });
    }

    fn file(self, stage: Stage, plan: &mut Plan) {
        plan.file(stage, self.record, self.actions);
    }
}

#[cfg(test)]
mod tests;
