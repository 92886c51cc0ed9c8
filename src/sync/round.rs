//! One round: read what is there, plan, apply, remember.

use std::collections::BTreeSet;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::watch;

use super::action::{Record, Resource};
use super::applied::{Applied, Facet, StateFile};
use super::desired::Desired;
use super::influx::actual;
use super::influx::apply::{Halt, apply};
use super::influx::client::{Client, Trouble};
use super::plan::{Plan, doubtful, plan};
use super::report::{BackEnd, Count, Failure, Report};
use super::stats::Counts;
use super::{Clock, FleetSource, InfluxSettings, Settings};

/// How long what was applied may go unsaved. A crash costs no more than doing that much again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How long a round applies its plan before it gives way to a newer one: several times what it takes to look
/// at some thousand records, so that the work goes on however often the records change.
const HEAD_START: Duration = Duration::from_secs(2);

/// How closely a round looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// At the databases and users that are there, and at records that changed or were left undone.
    Quick,
    /// At the rights and the config line of every record too.
    Full,
}

/// Why a round failed as a whole.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Setback {
    /// InfluxDB is away.
    #[error("{0}")]
    Unreachable(String),
    /// InfluxDB does not let us in, which no number of tries will change.
    #[error("{0}")]
    Denied(String),
    /// A fault on our side.
    #[error("{0}")]
    Fault(String),
    /// The server is shutting down.
    #[error("sync is stopping")]
    Stopping,
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Denied(reason) => Self::Denied(reason),
            // Of a single request it would be a record's failure; here it stood for the whole.
            Trouble::Unreachable(reason) | Trouble::Rejected(reason) => Self::Unreachable(reason),
        }
    }
}

/// What one InfluxDB should hold, and how it gets there.
pub struct Reconciler {
    client: Result<Arc<Client>, String>,
    influx: InfluxSettings,
    drop_data: bool,
    fleet: FleetSource,
    clock: Clock,
    stopping: watch::Receiver<bool>,
    state: StateFile,
    applied: Applied,
    saved: Applied,
    counts: Arc<Counts>,
}

struct Comparison {
    desired: Desired,
    looked_at: BTreeSet<Record>,
    unread: Vec<Failure>,
    plan: Plan,
}

impl Reconciler {
    /// Reads the state file; makes no connection yet. When `stopping` becomes true no further action is begun.
    pub fn new(
        settings: &Settings,
        influx: InfluxSettings,
        fleet: FleetSource,
        clock: Clock,
        stopping: watch::Receiver<bool>,
        counts: Arc<Counts>,
    ) -> Self {
        let state = StateFile::new(settings.state_file.clone(), influx.address());
        let applied = state.load();
        Self {
            client: Client::new(&influx, counts.clone()).map(Arc::new),
            influx,
            drop_data: settings.drop_data,
            fleet,
            clock,
            stopping,
            state,
            saved: applied.clone(),
            applied,
            counts,
        }
    }

    /// What a full round would do now.
    pub async fn plan(&self) -> Result<Plan, Setback> {
        Ok(self.compare(Depth::Full).await?.plan)
    }

    /// Makes InfluxDB hold what the fleet, as it is now, asks for. The flag says whether some of the
    /// failures may pass when tried again.
    ///
    /// Making users takes InfluxDB long. A round that has had its time begins nothing more once `newer` tells
    /// that the records have changed again; what it leaves is in doubt, so that the next round, planned with
    /// the change in view, takes it up.
    pub async fn round(&mut self, depth: Depth, newer: &Halt<'_>) -> Result<(Report, bool), Setback> {
        let comparison = match self.compare(depth).await {
            Ok(comparison) => comparison,
            Err(setback) => {
                // What waits for it grows meanwhile.
                let desired = Desired::of(&(self.fleet)(), &self.influx, self.drop_data);
                self.counts.records(&desired, &self.applied, &BTreeSet::new());
                return Err(setback);
            }
        };
        let Comparison { desired, looked_at, unread: mut failures, plan } = comparison;
        self.doubt(&desired, &looked_at, &plan);
        for failure in &failures {
            // To be looked at again by the next round, however quick.
            self.applied.doubt(failure.record(), Facet::Access);
        }
        // Before anything is made: a crash from here on leaves no user that we would not know as ours.
        self.save().await?;
        self.count_records(&desired, &failures);

        let applied = self.apply(&desired, plan, newer, &mut failures).await;
        self.save().await?;
        let actions_done = applied?;
        if *self.stopping.borrow() {
            return Err(Setback::Stopping);
        }

        let retry = !failures.is_empty();
        failures.extend(desired.refusals().map(|(record, reason)| Failure::new(record, reason)));
        failures.sort();
        self.count_records(&desired, &failures);
        let [users, karanas] = [Resource::Users, Resource::Karanas].map(|of| count(of, &desired, &failures));
        Ok((Report { users, karanas, failures, influxdb: BackEnd::Synced, actions_done }, retry))
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
        let desired = Desired::of(&(self.fleet)(), &self.influx, self.drop_data);
        let records = match depth {
            Depth::Full => desired.wishes.keys().copied().collect(),
            Depth::Quick => doubtful(&desired, &listing, &self.applied),
        };
        let (actual, unread) = actual::look(&client, listing, &desired, &records).await?;
        let plan = plan(&desired, &actual, &self.applied);
        Ok(Comparison {
            desired,
            looked_at: actual.found.into_keys().collect(),
            unread: unread.into_iter().map(|(record, reason)| Failure::new(record, reason)).collect(),
            plan,
        })
    }

    /// Forgets what the plan is about to change, and learns what was looked at and found right.
    fn doubt(&mut self, desired: &Desired, looked_at: &BTreeSet<Record>, plan: &Plan) {
        let to_do: BTreeSet<Record> = plan.sequences().map(|sequence| sequence.record).collect();
        // The listing shows all there is to those that ask for no user.
        let asks_for_no_user =
            |record: &Record| desired.wishes.get(record).is_none_or(|wish| wish.password.is_none());
        let without: Vec<Record> = self.applied.records().filter(asks_for_no_user).collect();
        for record in looked_at.iter().copied().chain(without).filter(|record| !to_do.contains(record)) {
            self.applied.settle(record, desired.wishes.get(&record), &[]);
        }
        for action in plan.actions() {
            self.applied.doubt(action.record, action.change.facet());
        }
    }

    /// Applies the plan and learns from each outcome. Returns how many actions were done.
    async fn apply(
        &mut self,
        desired: &Desired,
        plan: Plan,
        newer: &Halt<'_>,
        failures: &mut Vec<Failure>,
    ) -> Result<usize, Setback> {
        let (client, stopping) = (self.client()?, self.stopping.clone());
        let begin = Instant::now();
        let halt = || *stopping.borrow() || (begin.elapsed() >= HEAD_START && newer());
        let mut outcomes = pin!(apply(&client, plan, self.clock, &halt));
        let mut done = 0;
        let mut last_save = begin;
        while let Some(outcome) = outcomes.next().await {
            let outcome = outcome?;
            let record = outcome.record;
            done += outcome.done;
            self.counts.actions(outcome.done);
            let unsettled: Vec<Facet> =
                outcome.undone.iter().map(|(action, _)| action.change.facet()).collect();
            self.applied.settle(record, desired.wishes.get(&record), &unsettled);
            for (action, reason) in outcome.undone {
                if let Some(reason) = reason {
                    tracing::warn!(%action, %reason, "not applied to InfluxDB");
                    failures.push(Failure::new(record, reason));
                }
            }
            if last_save.elapsed() >= SAVE_EVERY {
                self.save().await?;
                self.count_records(desired, failures);
                last_save = Instant::now();
            }
        }
        Ok(done)
    }

    fn count_records(&self, desired: &Desired, failures: &[Failure]) {
        let failed = failures.iter().map(Failure::record).collect();
        self.counts.records(desired, &self.applied, &failed);
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

fn count(resource: Resource, desired: &Desired, failures: &[Failure]) -> Count {
    let of_resource = |record: &Record| record.resource == resource;
    let failed: BTreeSet<Record> = failures.iter().map(Failure::record).filter(of_resource).collect();
    let wished = desired.wishes.keys().filter(|record| of_resource(record));
    Count { synced: wished.filter(|record| !failed.contains(record)).count(), failed: failed.len() }
}
