//! One round with an InfluxDB: read what is there, plan, apply, remember.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::sync::watch;

use super::action::Record;
use super::applied::{Applied, Facet, StateFile, Traces};
use super::backend::{BackEnd, Depth, Halt, Round, Setback, Settled};
use super::desired::Desired;
use super::fleet::Fleet;
use super::influx::actual;
use super::influx::apply::apply;
use super::influx::client::{Client, Trouble};
use super::influx::server::Server;
use super::outlook::{Orphan, Outlook};
use super::plan::{Found, Plan, doubtful, orphans, plan};
use super::report::{Failure, Progress};
use super::scope::{Covered, Scope};
use super::stats::Counts;
use super::{Clock, FleetSource, InfluxSettings, Settings};

/// How long what was applied may go unsaved. A crash costs no more than doing that much again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How long a round applies its plan before it gives way to a newer one: several times what it takes to look
/// at some thousand records, so that the work goes on however often the records change.
const HEAD_START: Duration = Duration::from_secs(2);

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
    knowledge: Arc<Knowledge>,
    fleet: FleetSource,
    clock: Clock,
    stopping: watch::Receiver<bool>,
    state: StateFile,
    saved: Applied,
    counts: Arc<Counts>,
}

/// What is known of an InfluxDB, also for those who ask how a record stands.
pub struct Knowledge {
    influx: InfluxSettings,
    drop_data: bool,
    applied: Mutex<Applied>,
}

impl Knowledge {
    fn desired(&self, fleet: &Fleet) -> Desired {
        Desired::of(fleet, &self.influx, self.drop_data)
    }

    fn applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settled for Knowledge {
    fn settled(&self, fleet: &Fleet) -> BTreeMap<Record, Option<Option<DateTime<Utc>>>> {
        let desired = self.desired(fleet);
        let applied = self.applied();
        let settled = |(record, wish): (&Record, &_)| {
            let traces = applied.traces(*record);
            let is_settled = match traces {
                Some(traces) => traces.are(&Traces::of(*record, wish)),
                // Of a record that asks for no user nothing need be known.
                None => wish.password.is_none(),
            };
            (*record, is_settled.then(|| traces.and_then(Traces::since)))
        };
        desired.wishes.iter().map(settled).collect()
    }

    fn touched(&self) -> BTreeSet<Record> {
        self.applied().records().collect()
    }
}

struct Comparison {
    server: Server,
    covered: Covered,
    desired: Desired,
    found: BTreeMap<Record, Found>,
    unread: Vec<Failure>,
    orphans: Vec<Orphan>,
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
            fleet,
            clock,
            stopping,
            state,
            saved: applied.clone(),
            knowledge: Arc::new(Knowledge {
                influx,
                drop_data: settings.drop_data,
                applied: Mutex::new(applied),
            }),
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
        let (server, listing) = Server::meet(self.client()?).await?;
        let fleet = (self.fleet)();
        let (covered, desired) = (scope.of(&fleet), self.knowledge.desired(&fleet));
        let desired = if server.is_two() { desired.of_two() } else { desired };
        let now = (self.clock)();
        let records = match depth {
            Depth::Full => desired.wishes.keys().copied().collect(),
            Depth::Quick => doubtful(&desired, &listing, &self.knowledge.applied(), now),
        };
        let records = records.into_iter().filter(|record| covered.has(*record)).collect();
        let (actual, unread) = actual::look(server.client(), listing, &desired, &records).await?;
        let applied = self.knowledge.applied();
        let orphans = orphans(&desired, &actual.listing, &applied);
        let mut plan = plan(&desired, &actual, &applied, now);
        drop(applied);
        plan.retain(|record| covered.has(record));
        Ok(Comparison {
            server,
            covered,
            desired,
            found: actual.found,
            unread: unread.into_iter().map(|(record, reason)| Failure::new(record, reason)).collect(),
            orphans,
            plan,
        })
    }

    /// Forgets what the plan is about to change, and learns what was looked at and found right.
    fn doubt(&self, desired: &Desired, found: &BTreeMap<Record, Found>, plan: &Plan, covered: &Covered) {
        let to_do: BTreeSet<Record> = plan.sequences().map(|sequence| sequence.record).collect();
        let mut applied = self.knowledge.applied();
        // The listing shows all there is to those that ask for no user.
        let asks_for_no_user = |record: &Record| {
            covered.has(*record) && desired.wishes.get(record).is_none_or(|wish| wish.password.is_none())
        };
        let without: Vec<Record> = applied.records().filter(asks_for_no_user).collect();
        for record in found.keys().copied().chain(without).filter(|record| !to_do.contains(record)) {
            applied.settle(record, desired.wishes.get(&record), &[], (self.clock)());
        }
        for action in plan.actions() {
            applied.doubt(action.record, action.change.facet());
        }
        for (record, point) in found.iter().filter_map(|(record, found)| Some((*record, found.point.as_ref()?))) {
            let line = desired.wishes.get(&record).and_then(|wish| wish.line.as_ref());
            if line.is_some_and(|line| point.line.as_deref() == Some(line.text.expose())) {
                applied.wrote(record, DateTime::from_timestamp_nanos(point.time));
            }
        }
    }

    /// Applies the plan and learns from each outcome. Returns how many actions were done.
    async fn apply(
        &mut self,
        server: &Server,
        desired: &Desired,
        plan: Plan,
        newer: &Halt<'_>,
        failures: &mut Vec<Failure>,
        progress: &watch::Sender<Progress>,
    ) -> Result<usize, Setback> {
        let stopping = self.stopping.clone();
        let begin = Instant::now();
        let halt = || *stopping.borrow() || (begin.elapsed() >= HEAD_START && newer());
        progress.send_replace(Progress { done: 0, total: plan.actions().count(), item: None });
        let mut outcomes = pin!(apply(server, plan, self.clock, &halt));
        let mut done = 0;
        let mut last_save = begin;
        while let Some(outcome) = outcomes.next().await {
            let outcome = outcome?;
            let record = outcome.record;
            done += outcome.done;
            progress.send_modify(|progress| progress.advance(outcome.done + outcome.undone.len(), record));
            self.counts.actions(outcome.done);
            let unsettled: Vec<Facet> =
                outcome.undone.iter().map(|(action, _)| action.change.facet()).collect();
            let wish = desired.wishes.get(&record);
            {
                let mut applied = self.knowledge.applied();
                applied.settle(record, wish, &unsettled, (self.clock)());
                if let Some(written) = outcome.written {
                    applied.wrote(record, written);
                }
            }
            for (action, reason) in outcome.undone {
                if let Some(reason) = reason {
                    tracing::warn!(%action, %reason, "not applied to InfluxDB");
                    failures.push(Failure::new(record, reason));
                }
            }
            if last_save.elapsed() >= SAVE_EVERY {
                self.save().await?;
                last_save = Instant::now();
            }
        }
        Ok(done)
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
    const NAME: &'static str = "InfluxDB";

    async fn outlook(&self, scope: Scope) -> Result<Outlook, Setback> {
        let Comparison { plan, orphans, .. } = self.compare(Depth::Full, scope).await?;
        Ok(Outlook { steps: plan.actions().map(super::Action::step).collect(), orphans })
    }

    /// Making users takes InfluxDB long. A round that has had its time begins nothing more once `newer` tells
    /// that the records have changed again; what it leaves is in doubt, so that the next round, planned with
    /// the change in view, takes it up.
    async fn round(
        &mut self,
        depth: Depth,
        scope: Scope,
        newer: &Halt<'_>,
        progress: &watch::Sender<Progress>,
    ) -> Result<Round, Setback> {
        let comparison = self.compare(depth, scope).await?;
        let Comparison { server, covered, desired, found, unread: mut failures, plan, .. } = comparison;
        self.doubt(&desired, &found, &plan, &covered);
        for failure in &failures {
            // To be looked at again by the next round, however quick.
            self.knowledge.applied().doubt(failure.record(), Facet::Access);
        }
        // Before anything is made: a crash from here on leaves no user that we would not know as ours.
        self.save().await?;

        let applied = self.apply(&server, &desired, plan, newer, &mut failures, progress).await;
        self.save().await?;
        let actions_done = applied?;
        if *self.stopping.borrow() {
            return Err(Setback::Stopping);
        }

        let retry = !failures.is_empty();
        let refusals = desired.refusals().filter(|(record, _)| covered.has(*record));
        failures.extend(refusals.map(|(record, reason)| Failure::new(record, reason)));
        failures.sort();
        let records = desired.wishes.keys().copied().filter(|record| covered.has(*record));
        Ok(Round { records: records.collect(), failures, actions_done, retry })
    }

    async fn drop_orphan(&mut self, orphan: &Orphan) -> Result<(), Setback> {
        let Comparison { server, orphans, .. } = self.compare(Depth::Quick, Scope::All).await?;
        if !orphans.contains(orphan) {
            return Err(Setback::Refused(format!("{orphan} is no orphan, or is gone")));
        }
        server.drop_orphan(orphan).await?;
        tracing::info!(%orphan, "dropped");
        Ok(())
    }
}
