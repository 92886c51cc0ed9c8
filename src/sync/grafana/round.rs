//! One round: read what is there, plan, apply, remember.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::sync::watch;
use uuid::Uuid;

use super::GrafanaSettings;
use super::action::{Action, Change, Facet};
use super::actual::{self, Found, Listing};
use super::applied::{Applied, StateFile};
use super::apply::{Applier, Numbers, Outcome};
use super::client::Client;
use super::desired::{Desired, organization_name, organization_owner};
use super::plan::{Plan, doubtful, plan};
use crate::sync::action::{Record, Resource};
use crate::sync::backend::{BackEnd, Depth, Halt, Round, Setback, Settled};
use crate::sync::fleet::Fleet;
use crate::sync::outlook::{Orphan, Outlook};
use crate::sync::report::{Failure, Progress};
use crate::sync::scope::{Covered, Scope};
use crate::sync::stats::Counts;
use crate::sync::{Clock, FleetSource, GRAFANA};

/// How long what was applied may go unsaved. A crash costs no more than looking at that much again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How long a round applies its plan before it gives way to a newer one.
const HEAD_START: Duration = Duration::from_secs(2);

/// What one Grafana should hold, and how it gets there.
pub struct Reconciler {
    client: Result<Arc<Client>, String>,
    knowledge: Arc<Knowledge>,
    fleet: FleetSource,
    clock: Clock,
    stopping: watch::Receiver<bool>,
    state: StateFile,
    saved: Applied,
    counts: Arc<Counts>,
}

/// What is known of a Grafana, also for those who ask how a record stands.
pub struct Knowledge {
    influx_url: String,
    applied: Mutex<Applied>,
}

impl Knowledge {
    fn desired(&self, fleet: &Fleet) -> Desired {
        Desired::of(fleet, &self.influx_url)
    }

    fn applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settled for Knowledge {
    fn settled(&self, fleet: &Fleet) -> BTreeMap<Record, Option<Option<DateTime<Utc>>>> {
        let desired = self.desired(fleet);
        let applied = self.applied();
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
        let applied = self.applied();
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
    /// Reads the state file; makes no connection yet. When `stopping` becomes true no further action is begun.
    pub fn new(
        settings: GrafanaSettings,
        state_file: PathBuf,
        fleet: FleetSource,
        clock: Clock,
        stopping: watch::Receiver<bool>,
        counts: Arc<Counts>,
    ) -> Self {
        let state = StateFile::new(state_file, settings.address());
        let applied = state.load();
        Self {
            client: Client::new(&settings, counts.clone()).map(Arc::new),
            fleet,
            clock,
            stopping,
            state,
            saved: applied.clone(),
            knowledge: Arc::new(Knowledge { influx_url: settings.influx_url, applied: Mutex::new(applied) }),
            counts,
        }
    }

    /// What is known, for others to read.
    pub fn knowledge(&self) -> Arc<Knowledge> {
        self.knowledge.clone()
    }

    /// Changes nothing, so that it may be left at any point when the task shall stop.
    async fn compare(&self, depth: Depth, scope: Scope) -> Result<Comparison, Setback> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            comparison = self.read(depth, scope) => comparison,
            _ = stopping.wait_for(|stop| *stop) => Err(Setback::Stopping),
        }
    }

    async fn read(&self, depth: Depth, scope: Scope) -> Result<Comparison, Setback> {
        let client = self.client()?;
        client.ping().await?;
        let listing = actual::list(&client).await?;
        let fleet = (self.fleet)();
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
        let mut applied = self.knowledge.applied().clone();
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
        let now = (self.clock)();
        let mut right = Vec::new();
        for owner in found.keys() {
            let facets = [Facet::Account, Facet::Password, Facet::Datasource, Facet::Home];
            right.extend(facets.map(|facet| (Record::owner(*owner), facet)));
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
        *self.knowledge.applied() = applied;
    }

    /// The numbers that are known before anything is done.
    fn numbers(&self, desired: &Desired, listing: &Listing) -> Arc<Mutex<Numbers>> {
        let applied = self.knowledge.applied();
        let known = applied.owners().map(|(owner, _)| owner);
        let owners: BTreeSet<Uuid> = known.chain(desired.owners.keys().copied()).collect();
        let mut numbers = Numbers::default();
        for owner in owners {
            numbers.organizations.extend(listing.organization(owner).map(|id| (owner, id)));
            numbers.users.extend(applied.user(owner, desired, listing).map(|user| (owner, user.id)));
        }
        Arc::new(Mutex::new(numbers))
    }

    /// Applies the plan and learns from each outcome. Returns how many actions were done.
    async fn apply(
        &mut self,
        desired: &Desired,
        plan: Plan,
        numbers: Arc<Mutex<Numbers>>,
        newer: &Halt<'_>,
        failures: &mut Vec<Failure>,
        progress: &watch::Sender<Progress>,
    ) -> Result<usize, Setback> {
        let (client, stopping) = (self.client()?, self.stopping.clone());
        let begin = Instant::now();
        let halt = || *stopping.borrow() || (begin.elapsed() >= HEAD_START && newer());
        let mut open: BTreeMap<Record, usize> = BTreeMap::new();
        for sequence in plan.sequences() {
            *open.entry(sequence.record).or_default() += 1;
        }
        progress.send_replace(Progress { done: 0, total: plan.actions().count(), item: None });
        let applier = Applier::new(&client, numbers.clone(), &halt);
        let mut outcomes = pin!(applier.apply(plan));
        let mut done = 0;
        let mut last_save = begin;
        while let Some(outcome) = outcomes.next().await {
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(trouble) => {
                    // Of what was under way the numbers are worth keeping.
                    desired.owners.keys().for_each(|owner| self.keep_numbers(*owner, &numbers));
                    return Err(trouble.into());
                }
            };
            done += outcome.done.len();
            let dealt_with = outcome.done.len() + outcome.undone.len();
            progress.send_modify(|progress| progress.advance(dealt_with, outcome.record));
            self.counts.actions(outcome.done.len());
            if desired.owners.contains_key(&outcome.record.uuid) {
                self.keep_numbers(outcome.record.uuid, &numbers);
            }
            self.learn_from_outcome(desired, &outcome);
            if let Some(open) = open.get_mut(&outcome.record).filter(|_| outcome.undone.is_empty()) {
                *open -= 1;
                let record = outcome.record;
                if *open == 0 && record.resource == Resource::Users && !desired.knows_owner(record.uuid) {
                    self.knowledge.applied().forget_owner(record.uuid);
                }
            }
            for (action, reason) in outcome.undone {
                if let Some(reason) = reason {
                    tracing::warn!(%action, %reason, "not applied to Grafana");
                    failures.push(Failure::new(action.record, reason));
                }
            }
            if last_save.elapsed() >= SAVE_EVERY {
                self.save().await?;
                last_save = Instant::now();
            }
        }
        Ok(done)
    }

    fn keep_numbers(&self, owner: Uuid, numbers: &Mutex<Numbers>) {
        let numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut applied = self.knowledge.applied();
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

    fn learn_from_outcome(&self, desired: &Desired, outcome: &Outcome) {
        let (record, now) = (outcome.record, (self.clock)());
        let mut applied = self.knowledge.applied();
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
    }

    async fn save(&mut self) -> Result<(), Setback> {
        let applied = self.knowledge.applied().clone();
        if applied == self.saved {
            return Ok(());
        }
        let state = self.state.clone();
        let saved = tokio::task::spawn_blocking(move || state.save(&applied).map(|()| applied)).await;
        self.saved = saved
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|error| Setback::Fault(format!("sync state cannot be saved: {error}")))?;
        Ok(())
    }

    fn client(&self) -> Result<Arc<Client>, Setback> {
        self.client.clone().map_err(Setback::Fault)
    }
}

impl BackEnd for Reconciler {
    const NAME: &'static str = "Grafana";

    async fn outlook(&self, scope: Scope) -> Result<Outlook, Setback> {
        let Comparison { desired, listing, plan, .. } = self.compare(Depth::Full, scope).await?;
        let applied = self.knowledge.applied();
        // What had been done before, and was undone by hand since.
        let drifted = |action: &Action| {
            let facets = action.change.facets(action.record);
            !facets.is_empty() && facets.iter().all(|facet| applied.holds(action.record, &desired, *facet))
        };
        let steps = plan.actions().map(|action| action.step(drifted(action))).collect();
        let orphans = orphans(&desired, &listing, &applied);
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
            self.knowledge.applied().doubt(failure.record(), Facet::Account);
        }
        // Before anything is made: a crash from here on leaves nothing that we would not know as ours.
        self.save().await?;

        let numbers = self.numbers(&desired, &listing);
        let applied = self.apply(&desired, plan, numbers, newer, &mut failures, progress).await;
        self.save().await?;
        let actions_done = applied?;
        if *self.stopping.borrow() {
            return Err(Setback::Stopping);
        }

        let retry = !failures.is_empty();
        let refused = desired.refused.iter().map(|(owner, reason)| (Record::owner(*owner), *reason));
        let refused = refused.filter(|(record, _)| covered.has(*record));
        failures.extend(refused.map(|(record, reason)| Failure::new(record, reason)));
        failures.sort();
        let records = desired.records().filter(|record| covered.has(*record)).collect();
        Ok(Round { records, failures, actions_done, retry })
    }

    async fn drop_orphan(&mut self, orphan: &Orphan) -> Result<(), Setback> {
        let Comparison { desired, listing, .. } = self.compare(Depth::Quick, Scope::All).await?;
        let is_one = orphans(&desired, &listing, &self.knowledge.applied()).contains(orphan);
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
