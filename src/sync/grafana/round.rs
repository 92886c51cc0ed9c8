//! One round: read what is there, plan, apply, remember.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use super::action::{Change, Facet};
use super::actual::{self, Found, Listing};
use super::applied::{Applied, StateFile};
use super::apply::{Applier, Numbers, Outcome};
use super::client::Client;
use super::desired::Desired;
use super::plan::{Plan, doubtful, plan};
use super::{Depth, GrafanaSettings, Setback};
use crate::sync::FleetSource;
use crate::sync::action::{Record, Resource};
use crate::sync::influx::apply::Halt;
use crate::sync::report::{Count, Failure};
use crate::sync::stats::{Counts, Records};

/// How long what was applied may go unsaved. A crash costs no more than looking at that much again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How long a round applies its plan before it gives way to a newer one.
const HEAD_START: Duration = Duration::from_secs(2);

/// What one Grafana should hold, and how it gets there.
pub struct Reconciler {
    client: Result<Arc<Client>, String>,
    settings: GrafanaSettings,
    fleet: FleetSource,
    stopping: watch::Receiver<bool>,
    state: StateFile,
    applied: Applied,
    saved: Applied,
    counts: Arc<Counts>,
}

/// What came of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Owners.
    pub users: Count,
    /// Devices.
    pub karanas: Count,
    /// Every failure; a record may have several.
    pub failures: Vec<Failure>,
    /// How many actions were done; none when all was as it should be.
    pub actions_done: usize,
}

struct Comparison {
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
        stopping: watch::Receiver<bool>,
        counts: Arc<Counts>,
    ) -> Self {
        let state = StateFile::new(state_file, settings.address());
        let applied = state.load();
        Self {
            client: Client::new(&settings, counts.clone()).map(Arc::new),
            settings,
            fleet,
            stopping,
            state,
            saved: applied.clone(),
            applied,
            counts,
        }
    }

    /// What a full round would do now.
    ///
    /// # Errors
    /// Grafana is away, or does not let us in; or the task shall stop.
    pub async fn plan(&self) -> Result<Plan, Setback> {
        Ok(self.compare(Depth::Full).await?.plan)
    }

    /// Makes Grafana hold what the fleet, as it is now, asks for. The flag says whether some of the failures may pass
    /// when tried again. A round that has had its time begins nothing more once `newer` tells that the records have
    /// changed again; what it leaves is in doubt, so that the next round takes it up.
    ///
    /// # Errors
    /// Grafana is away or does not let us in, what is known cannot be saved, or the task shall stop.
    pub async fn round(&mut self, depth: Depth, newer: &Halt<'_>) -> Result<(Report, bool), Setback> {
        let comparison = match self.compare(depth).await {
            Ok(comparison) => comparison,
            Err(setback) => {
                // What waits for it grows meanwhile.
                self.count_records(&self.desired(), &BTreeSet::new());
                return Err(setback);
            }
        };
        let Comparison { desired, listing, found, unread: mut failures, plan } = comparison;
        self.learn_from_look(&desired, &listing, &found, &plan);
        for failure in &failures {
            // To be looked at again by the next round, however quick.
            self.applied.doubt(failure.record(), Facet::Account);
        }
        // Before anything is made: a crash from here on leaves nothing that we would not know as ours.
        self.save().await?;
        self.count_records(&desired, &records(&failures));

        let numbers = self.numbers(&desired, &listing);
        let applied = self.apply(&desired, plan, numbers, newer, &mut failures).await;
        self.save().await?;
        let actions_done = applied?;
        if *self.stopping.borrow() {
            return Err(Setback::Stopping);
        }

        let retry = !failures.is_empty();
        let refused =
            desired.refused.iter().map(|(owner, reason)| Failure::new(Record::owner(*owner), *reason));
        failures.extend(refused);
        failures.sort();
        self.count_records(&desired, &records(&failures));
        let [users, karanas] = [Resource::Users, Resource::Karanas].map(|of| count(of, &desired, &failures));
        Ok((Report { users, karanas, failures, actions_done }, retry))
    }

    /// Changes nothing, so that it may be left at any point when the task shall stop.
    async fn compare(&self, depth: Depth) -> Result<Comparison, Setback> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            comparison = self.read(depth) => comparison,
            _ = stopping.wait_for(|stop| *stop) => Err(Setback::Stopping),
        }
    }

    async fn read(&self, depth: Depth) -> Result<Comparison, Setback> {
        let client = self.client()?;
        client.ping().await?;
        let listing = actual::list(&client).await?;
        let desired = self.desired();
        let applied = self.without_lost_contents(&desired, &listing);
        let owners = match depth {
            Depth::Full => desired.owners.keys().copied().collect(),
            Depth::Quick => doubtful(&desired, &listing, &applied),
        };
        let (found, unread) = actual::look(&client, &listing, &desired, &applied, &owners).await?;
        let plan = plan(&desired, &listing, &found, &applied);
        let failure = |(owner, reason)| Failure::new(Record::owner(owner), reason);
        Ok(Comparison { unread: unread.into_iter().map(failure).collect(), desired, listing, found, plan })
    }

    /// An organization with another number is another one, and holds nothing that we wrote into the old one.
    fn without_lost_contents(&self, desired: &Desired, listing: &Listing) -> Applied {
        let mut applied = self.applied.clone();
        for owner in desired.owners.keys() {
            let known = self.applied.owner(*owner).and_then(|traces| traces.organization);
            if known.is_some() && known != listing.organization(*owner) {
                applied.forget_contents(*owner);
            }
        }
        applied
    }

    fn desired(&self) -> Desired {
        Desired::of(&(self.fleet)(), &self.settings.influx_url)
    }

    /// Forgets what the plan is about to change, and learns what was looked at and found right.
    fn learn_from_look(
        &mut self,
        desired: &Desired,
        listing: &Listing,
        found: &BTreeMap<Uuid, Found>,
        plan: &Plan,
    ) {
        self.applied = self.without_lost_contents(desired, listing);
        let to_do: BTreeSet<(Record, Facet)> = plan
            .actions()
            .flat_map(|action| {
                action.change.facets(action.record).into_iter().map(|facet| (action.record, facet))
            })
            .collect();
        let mut right = Vec::new();
        for owner in found.keys() {
            let facets = [Facet::Account, Facet::Password, Facet::Datasource, Facet::Home];
            right.extend(facets.map(|facet| (Record::owner(*owner), facet)));
            if let Some(id) = listing.organization(*owner) {
                self.applied.set_organization(*owner, id);
            }
        }
        for (device, board) in &desired.devices {
            let board = board.as_ref().filter(|board| found.contains_key(&board.owner));
            right.extend(board.map(|board| (Record::device(*device), Facet::Dashboard(board.owner))));
        }
        // What went with its organization.
        let devices: Vec<Uuid> = self.applied.devices().collect();
        for device in devices {
            let places: Vec<Uuid> = self.applied.dashboards_of(device).collect();
            for owner in places.into_iter().filter(|owner| listing.organization(*owner).is_none()) {
                let wanted = desired.devices.get(&device).and_then(Option::as_ref);
                if wanted.is_none_or(|board| board.owner != owner) {
                    self.applied.settle(Record::device(device), desired, Facet::Dashboard(owner));
                }
            }
        }
        for (record, facet) in right.into_iter().filter(|one| !to_do.contains(one)) {
            self.applied.settle(record, desired, facet);
        }
        for (record, facet) in to_do {
            self.applied.doubt(record, facet);
        }
        for action in plan.actions() {
            match &action.change {
                Change::CreateUser { account, .. } | Change::UpdateUser(account) => {
                    self.applied.expect_login(action.record.uuid, &account.login);
                }
                _ => {}
            }
        }
        let busy: BTreeSet<Record> = plan.sequences().map(|sequence| sequence.record).collect();
        let deleted: Vec<Uuid> = self.applied.owners().map(|(owner, _)| owner).collect();
        for owner in deleted.into_iter().filter(|owner| !desired.knows_owner(*owner)) {
            if !busy.contains(&Record::owner(owner)) {
                self.applied.forget_owner(owner);
            }
        }
    }

    /// The numbers that are known before anything is done.
    fn numbers(&self, desired: &Desired, listing: &Listing) -> Arc<Mutex<Numbers>> {
        let known = self.applied.owners().map(|(owner, _)| owner);
        let owners: BTreeSet<Uuid> = known.chain(desired.owners.keys().copied()).collect();
        let mut numbers = Numbers::default();
        for owner in owners {
            numbers.organizations.extend(listing.organization(owner).map(|id| (owner, id)));
            numbers.users.extend(self.applied.user(owner, desired, listing).map(|user| (owner, user.id)));
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
    ) -> Result<usize, Setback> {
        let (client, stopping) = (self.client()?, self.stopping.clone());
        let begin = Instant::now();
        let halt = || *stopping.borrow() || (begin.elapsed() >= HEAD_START && newer());
        let mut open: BTreeMap<Record, usize> = BTreeMap::new();
        for sequence in plan.sequences() {
            *open.entry(sequence.record).or_default() += 1;
        }
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
            self.counts.actions(outcome.done.len());
            if desired.owners.contains_key(&outcome.record.uuid) {
                self.keep_numbers(outcome.record.uuid, &numbers);
            }
            self.learn_from_outcome(desired, &outcome);
            if let Some(open) = open.get_mut(&outcome.record).filter(|_| outcome.undone.is_empty()) {
                *open -= 1;
                let record = outcome.record;
                if *open == 0 && record.resource == Resource::Users && !desired.knows_owner(record.uuid) {
                    self.applied.forget_owner(record.uuid);
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
                self.count_records(desired, &records(failures));
                last_save = Instant::now();
            }
        }
        Ok(done)
    }

    fn keep_numbers(&mut self, owner: Uuid, numbers: &Mutex<Numbers>) {
        let numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was never tried is not ours, whatever its number.
        if self.applied.owner(owner).is_none() {
            return;
        }
        if let Some(id) = numbers.organizations.get(&owner) {
            self.applied.set_organization(owner, *id);
        }
        if let Some(id) = numbers.users.get(&owner) {
            self.applied.set_user(owner, *id);
        }
    }

    fn learn_from_outcome(&mut self, desired: &Desired, outcome: &Outcome) {
        let record = outcome.record;
        let undone: BTreeSet<Facet> =
            outcome.undone.iter().flat_map(|(action, _)| action.change.facets(record)).collect();
        for action in &outcome.done {
            for facet in action.change.facets(record) {
                if !undone.contains(&facet) {
                    self.applied.settle(record, desired, facet);
                }
            }
            if matches!(action.change, Change::DeleteUser(_)) {
                self.applied.forget_user(record.uuid);
            }
        }
    }

    fn count_records(&self, desired: &Desired, failed: &BTreeSet<Record>) {
        self.counts.stand(stand(desired, &self.applied, failed));
    }

    async fn save(&mut self) -> Result<(), Setback> {
        if self.applied == self.saved {
            return Ok(());
        }
        let (state, applied) = (self.state.clone(), self.applied.clone());
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

fn records(failures: &[Failure]) -> BTreeSet<Record> {
    failures.iter().map(Failure::record).collect()
}

fn count(resource: Resource, desired: &Desired, failures: &[Failure]) -> Count {
    let of_resource = |record: &Record| record.resource == resource;
    let failed: BTreeSet<Record> = failures.iter().map(Failure::record).filter(of_resource).collect();
    let wished = desired.records().filter(of_resource);
    Count { synced: wished.filter(|record| !failed.contains(record)).count(), failed: failed.len() }
}

/// Owners, then devices.
fn stand(desired: &Desired, applied: &Applied, failed: &BTreeSet<Record>) -> [Records; 2] {
    let mut stand = [Records::default(); 2];
    let is_refused =
        |record: Record| record.resource == Resource::Users && desired.refused.contains_key(&record.uuid);
    let mut note = |record: Record, is_settled: bool| {
        let counts = &mut stand[usize::from(record.resource == Resource::Karanas)];
        match is_settled {
            _ if failed.contains(&record) || is_refused(record) => counts.failed += 1,
            true => counts.synced += 1,
            false => counts.pending += 1,
        }
    };
    for (owner, wish) in &desired.owners {
        let facets = [Facet::Account, Facet::Password, Facet::Datasource, Facet::Home];
        let is_settled = facets.into_iter().all(|facet| applied.is_settled(*owner, wish, facet));
        note(Record::owner(*owner), is_settled);
    }
    for (device, board) in &desired.devices {
        let is_written = board.as_ref().is_none_or(|board| {
            applied.dashboard(*device, board.owner) == Some(board.dashboard.content.as_str())
        });
        let is_elsewhere = applied
            .dashboards_of(*device)
            .any(|place| board.as_ref().is_none_or(|board| board.owner != place));
        note(Record::device(*device), is_written && !is_elsewhere);
    }
    desired.refused.keys().for_each(|owner| note(Record::owner(*owner), false));
    // Deleted ones count until nothing of them is left.
    let owners = applied.owners().map(|(owner, _)| owner).filter(|owner| !desired.knows_owner(*owner));
    owners.for_each(|owner| note(Record::owner(owner), false));
    let devices = applied.devices().filter(|device| !desired.devices.contains_key(device));
    devices.for_each(|device| note(Record::device(device), false));
    stand
}
