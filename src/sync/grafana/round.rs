//! One round with a Grafana: read what is there, plan, apply, remember.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use super::GrafanaSettings;
use super::actual::{self, Found, Listing};
use super::applied::Applied;
use super::apply::{Executor, Numbers};
use super::change::{Action, Change, Facet, Plan};
use super::client::Client;
use super::desired::{Desired, organization_name, organization_owner};
use super::plan::{doubtful, plan};
use crate::sync::apply::Outcome;
use crate::sync::backend::{BackEnd, Depth, Halt, Round, Setback, Settled};
use crate::sync::fleet::Fleet;
use crate::sync::ledger::Ledger;
use crate::sync::outlook::{Orphan, Outlook};
use crate::sync::record::{Record, Resource};
use crate::sync::report::{Failure, Progress};
use crate::sync::scope::{Covered, Scope};
use crate::sync::site::Site;
use crate::sync::stats::Counts;
use crate::sync::{Clock, FleetSource, GRAFANA};

/// What one Grafana should hold, and how it gets there.
pub struct Reconciler {
    client: Result<Arc<Client>, String>,
    knowledge: Arc<Knowledge>,
    site: Site<Applied>,
}

/// What is known of a Grafana, also for those who ask how a record stands.
pub struct Knowledge {
    settings: GrafanaSettings,
    ledger: Arc<Ledger<Applied>>,
}

impl Knowledge {
    fn desired(&self, fleet: &Fleet) -> Desired {
        Desired::of(fleet, &self.settings.influx_url, self.settings.alerts.as_ref())
    }
}

impl Settled for Knowledge {
    fn settled(&self, fleet: &Fleet) -> BTreeMap<Record, Option<Option<DateTime<Utc>>>> {
        let desired = self.desired(fleet);
        let applied = self.ledger.lock();
        let mut settled = BTreeMap::new();
        let mut note = |record: Record, is_settled: bool| {
            settled.insert(record, is_settled.then(|| applied.since(record)));
        };
        for (owner, wish) in &desired.owners {
            note(Record::owner(*owner), applied.has_settled(*owner, wish));
        }
        for (device, board) in &desired.devices {
            note(Record::device(*device), applied.has_written(*device, board.as_ref()));
        }
        desired.refused.keys().for_each(|owner| note(Record::owner(*owner), false));
        settled
    }

    fn touched(&self) -> BTreeSet<Record> {
        let applied = self.ledger.lock();
        let owners = applied.owners().map(|(owner, _)| Record::owner(owner));
        owners.chain(applied.devices().map(Record::device)).collect()
    }
}

struct Comparison {
    covered: Covered,
    desired: Desired,
    listing: Listing,
    found: BTreeMap<Uuid, Found>,
    unread: Vec<Failure>,
    plan: Plan,
}

impl Reconciler {
    /// Makes no connection yet. When `stopping` becomes true no further action is begun.
    pub fn new(
        settings: GrafanaSettings,
        state_file: PathBuf,
        fleet: FleetSource,
        clock: Clock,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let site = Site::open(state_file, settings.address(), fleet, clock, stopping);
        let client = Client::new(&settings, site.counts.clone()).map(Arc::new);
        let knowledge = Arc::new(Knowledge { settings, ledger: site.ledger.clone() });
        Self { client, knowledge, site }
    }

    /// What is known, for others to read.
    pub fn knowledge(&self) -> Arc<Knowledge> {
        self.knowledge.clone()
    }

    /// What it counts.
    pub fn counts(&self) -> Arc<Counts> {
        self.site.counts.clone()
    }

    async fn compare(&self, depth: Depth, scope: Scope) -> Result<Comparison, Setback> {
        self.site.unless_stopping(self.read(depth, scope)).await
    }

    async fn read(&self, depth: Depth, scope: Scope) -> Result<Comparison, Setback> {
        let client = self.client()?;
        client.ping().await?;
        let listing = actual::list(&client).await?;
        let fleet = self.site.fleet();
        let (covered, desired) = (scope.of(&fleet), self.knowledge.desired(&fleet));
        let applied = self.without_lost_contents(&desired, &listing);
        let owners = match depth {
            Depth::Full => desired.owners.keys().copied().collect(),
            Depth::Quick => doubtful(&desired, &listing, &applied),
        };
        // What a device asks for is its owner's as well.
        let owners = match &covered {
            Covered::These(_) => {
                owners.into_iter().filter(|owner| covered.has(Record::owner(*owner))).collect()
            }
            _ => owners,
        };
        let (found, unread) = actual::look(&client, &listing, &desired, &applied, &owners).await?;
        let mut plan = plan(&desired, &listing, &found, &applied);
        plan.retain(|record| covered.has(record));
        let failure = |(owner, reason)| Failure::new(Record::owner(owner), reason);
        let unread = unread.into_iter().map(failure).collect();
        Ok(Comparison { covered, desired, listing, found, unread, plan })
    }

    /// An organization with another number is another one, and holds nothing that we wrote into the old one.
    fn without_lost_contents(&self, desired: &Desired, listing: &Listing) -> Applied {
        let mut applied = self.site.ledger.lock().clone();
        for owner in desired.owners.keys() {
            let known = applied.owner(*owner).and_then(|traces| traces.organization);
            if known.is_some() && known != listing.organization(*owner) {
                applied.forget_contents(*owner);
            }
        }
        applied
    }

    /// Forgets what the plan is about to change, and learns what was looked at and found right.
    fn learn_from_look(
        &self,
        desired: &Desired,
        listing: &Listing,
        found: &BTreeMap<Uuid, Found>,
        plan: &Plan,
    ) {
        let mut applied = self.without_lost_contents(desired, listing);
        let to_do: BTreeSet<(Record, Facet)> = plan
            .actions()
            .flat_map(|action| {
                action.change.facets(action.record).into_iter().map(|facet| (action.record, facet))
            })
            .collect();
        let now = (self.site.clock)();
        let mut right = Vec::new();
        for owner in found.keys() {
            let Some(wish) = desired.owners.get(owner) else { continue };
            let facets = applied.facets(*owner, wish);
            right.extend(facets.into_iter().map(|facet| (Record::owner(*owner), facet)));
            if let Some(id) = listing.organization(*owner) {
                applied.set_organization(*owner, id);
            }
        }
        for (device, board) in &desired.devices {
            let board = board.as_ref().filter(|board| found.contains_key(&board.owner));
            right.extend(board.map(|board| (Record::device(*device), Facet::Dashboard(board.owner))));
        }
        // What went with its organization.
        let devices: Vec<Uuid> = applied.devices().collect();
        for device in devices {
            let places: Vec<Uuid> = applied.dashboards_of(device).collect();
            for owner in places.into_iter().filter(|owner| listing.organization(*owner).is_none()) {
                let wanted = desired.devices.get(&device).and_then(Option::as_ref);
                if wanted.is_none_or(|board| board.owner != owner) {
                    applied.settle(Record::device(device), desired, Facet::Dashboard(owner), now);
                }
            }
        }
        for (record, facet) in right.into_iter().filter(|one| !to_do.contains(one)) {
            applied.settle(record, desired, facet, now);
        }
        for (record, facet) in to_do {
            applied.doubt(record, facet);
        }
        for action in plan.actions() {
            match &action.change {
                Change::CreateUser { account, .. } | Change::UpdateUser(account) => {
                    applied.expect_login(action.record.uuid, &account.login);
                }
                _ => {}
            }
        }
        let busy: BTreeSet<Record> = plan.sequences().map(|sequence| sequence.record).collect();
        let deleted: Vec<Uuid> = applied.owners().map(|(owner, _)| owner).collect();
        for owner in deleted.into_iter().filter(|owner| !desired.knows_owner(*owner)) {
            if !busy.contains(&Record::owner(owner)) {
                applied.forget_owner(owner);
            }
        }
        *self.site.ledger.lock() = applied;
    }

    /// The numbers that are known before anything is done.
    fn numbers(&self, desired: &Desired, listing: &Listing) -> Arc<Mutex<Numbers>> {
        let applied = self.site.ledger.lock();
        let known = applied.owners().map(|(owner, _)| owner);
        let owners: BTreeSet<Uuid> = known.chain(desired.owners.keys().copied()).collect();
        let mut numbers = Numbers::default();
        for owner in owners {
            numbers.organizations.extend(listing.organization(owner).map(|id| (owner, id)));
            numbers.users.extend(applied.user(owner, desired, listing).map(|user| (owner, user.id)));
        }
        Arc::new(Mutex::new(numbers))
    }

    fn keep_numbers(&self, owner: Uuid, numbers: &Mutex<Numbers>) {
        let numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut applied = self.site.ledger.lock();
        // One that was never tried is not ours, whatever its number.
        if applied.owner(owner).is_none() {
            return;
        }
        if let Some(id) = numbers.organizations.get(&owner) {
            applied.set_organization(owner, *id);
        }
        if let Some(id) = numbers.users.get(&owner) {
            applied.set_user(owner, *id);
        }
    }

    /// Takes note of what became of one sequence. `open`: how many sequences there are to come for each record.
    fn learn_from_outcome(
        &self,
        desired: &Desired,
        outcome: &Outcome<Change>,
        open: &mut BTreeMap<Record, usize>,
    ) {
        let (record, now) = (outcome.record, (self.site.clock)());
        let mut applied = self.site.ledger.lock();
        let undone: BTreeSet<Facet> =
            outcome.undone.iter().flat_map(|(action, _)| action.change.facets(record)).collect();
        for action in &outcome.done {
            for facet in action.change.facets(record) {
                if !undone.contains(&facet) {
                    applied.settle(record, desired, facet, now);
                }
            }
            if matches!(action.change, Change::DeleteUser(_)) {
                applied.forget_user(record.uuid);
            }
        }
        if let Some(open) = open.get_mut(&record).filter(|_| outcome.undone.is_empty()) {
            *open -= 1;
            if *open == 0 && record.resource == Resource::Users && !desired.knows_owner(record.uuid) {
                applied.forget_owner(record.uuid);
            }
        }
    }

    fn client(&self) -> Result<Arc<Client>, Setback> {
        self.client.clone().map_err(Setback::Fault)
    }
}

impl BackEnd for Reconciler {
    const NAME: &'static str = "Grafana";

    async fn outlook(&self, scope: Scope) -> Result<Outlook, Setback> {
        let Comparison { desired, listing, plan, .. } = self.compare(Depth::Full, scope).await?;
        let steps = plan.actions().map(Action::step).collect();
        let orphans = orphans(&desired, &listing, &self.site.ledger.lock());
        Ok(Outlook { steps, orphans })
    }

    async fn round(
        &mut self,
        depth: Depth,
        scope: Scope,
        newer: &Halt<'_>,
        progress: &watch::Sender<Progress>,
    ) -> Result<Round, Setback> {
        let comparison = self.compare(depth, scope).await?;
        let Comparison { covered, desired, listing, found, unread: mut failures, plan } = comparison;
        self.learn_from_look(&desired, &listing, &found, &plan);
        for failure in &failures {
            // To be looked at again by the next round, however quick.
            self.site.ledger.lock().doubt(failure.record(), Facet::Account);
        }
        let numbers = self.numbers(&desired, &listing);
        let mut open: BTreeMap<Record, usize> = BTreeMap::new();
        for sequence in plan.sequences() {
            *open.entry(sequence.record).or_default() += 1;
        }
        let executor = Executor::new(self.client()?, numbers.clone());
        let learn = |outcome: &Outcome<Change>| {
            if desired.owners.contains_key(&outcome.record.uuid) {
                self.keep_numbers(outcome.record.uuid, &numbers);
            }
            self.learn_from_outcome(&desired, outcome, &mut open);
        };
        let work = self.site.work_off(plan, &executor, newer, progress, learn).await;
        if work.is_err() {
            // Of what was under way the numbers are worth keeping.
            desired.owners.keys().for_each(|owner| self.keep_numbers(*owner, &numbers));
            self.site.ledger.save().await?;
        }
        let work = work?;

        failures.extend(work.failures);
        let refused = desired.refused.iter().map(|(owner, reason)| (Record::owner(*owner), *reason));
        let refused = refused.filter(|(record, _)| covered.has(*record));
        let records = desired.records().filter(|record| covered.has(*record)).collect();
        Ok(Round::of(records, work.done, failures, refused))
    }

    async fn drop_orphan(&mut self, orphan: &Orphan) -> Result<(), Setback> {
        let Comparison { desired, listing, .. } = self.compare(Depth::Quick, Scope::All).await?;
        let is_one = orphans(&desired, &listing, &self.site.ledger.lock()).contains(orphan);
        let organization = listing.organizations.get(&orphan.name).filter(|_| is_one);
        let Some(organization) = organization else {
            return Err(Setback::Refused(format!("{orphan} is no orphan, or is gone")));
        };
        self.client()?.delete_organization(*organization).await?;
        tracing::info!(%orphan, "dropped");
        Ok(())
    }
}

/// Organizations that bear a name as we give them, and belong to no record.
fn orphans(desired: &Desired, listing: &Listing, applied: &Applied) -> Vec<Orphan> {
    let known: BTreeSet<String> = applied
        .owners()
        .map(|(owner, _)| owner)
        .chain(desired.records().map(|record| record.uuid))
        .map(organization_name)
        .collect();
    let is_ours = |name: &&String| organization_owner(name).is_some() && !known.contains(*name);
    let orphan =
        |name: &String| Orphan { backend: GRAFANA.into(), kind: "organization".into(), name: name.clone() };
    listing.organizations.keys().filter(is_ours).map(orphan).collect()
}
