//! One round with an InfluxDB: read what is there, plan, apply, remember.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::actual;
use super::applied::{Applied, Facet, Traces};
use super::apply::Executor;
use super::change::{Action, Change, Plan};
use super::client::Client;
use super::desired::Desired;
use super::plan::{Found, doubtful, orphans, plan};
use super::server::Server;
use crate::sync::apply::Outcome;
use crate::sync::backend::{BackEnd, Depth, Halt, Round, Setback, Settled};
use crate::sync::fleet::Fleet;
use crate::sync::ledger::Ledger;
use crate::sync::outlook::{Orphan, Outlook};
use crate::sync::record::Record;
use crate::sync::report::{Failure, Progress};
use crate::sync::scope::{Covered, Scope};
use crate::sync::site::Site;
use crate::sync::stats::Counts;
use crate::sync::{Clock, FleetSource, InfluxSettings};

/// What one InfluxDB should hold, and how it gets there.
pub struct Reconciler {
    client: Result<Arc<Client>, String>,
    knowledge: Arc<Knowledge>,
    site: Site<Applied>,
}

/// What is known of an InfluxDB, also for those who ask how a record stands.
pub struct Knowledge {
    influx: InfluxSettings,
    drop_data: bool,
    ledger: Arc<Ledger<Applied>>,
}

impl Knowledge {
    fn desired(&self, fleet: &Fleet) -> Desired {
        Desired::of(fleet, &self.influx, self.drop_data)
    }
}

impl Settled for Knowledge {
    fn settled(&self, fleet: &Fleet) -> BTreeMap<Record, Option<Option<DateTime<Utc>>>> {
        let desired = self.desired(fleet);
        let applied = self.ledger.lock();
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
        self.ledger.lock().records().collect()
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
    /// Makes no connection yet. `drop_data`: whether the database of a deleted owner is dropped. When `stopping` becomes true
    /// no further action is begun.
    pub fn new(
        influx: InfluxSettings,
        drop_data: bool,
        state_file: PathBuf,
        fleet: FleetSource,
        clock: Clock,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let site = Site::open(state_file, influx.address(), fleet, clock, stopping);
        let client = Client::new(&influx, site.counts.clone()).map(Arc::new);
        let knowledge = Arc::new(Knowledge { influx, drop_data, ledger: site.ledger.clone() });
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
        let (server, listing) = Server::meet(self.client()?).await?;
        let fleet = self.site.fleet();
        let (covered, desired) = (scope.of(&fleet), self.knowledge.desired(&fleet));
        let desired = if server.is_two() { desired.of_two() } else { desired };
        let now = (self.site.clock)();
        let records = match depth {
            Depth::Full => desired.wishes.keys().copied().collect(),
            Depth::Quick => doubtful(&desired, &listing, &self.site.ledger.lock(), now),
        };
        let records = records.into_iter().filter(|record| covered.has(*record)).collect();
        let (actual, unread) = actual::look(server.client(), listing, &desired, &records).await?;
        let applied = self.site.ledger.lock();
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
        let mut applied = self.site.ledger.lock();
        // The listing shows all there is to those that ask for no user.
        let asks_for_no_user = |record: &Record| {
            covered.has(*record) && desired.wishes.get(record).is_none_or(|wish| wish.password.is_none())
        };
        let without: Vec<Record> = applied.records().filter(asks_for_no_user).collect();
        for record in found.keys().copied().chain(without).filter(|record| !to_do.contains(record)) {
            applied.settle(record, desired.wishes.get(&record), &[], (self.site.clock)());
        }
        for action in plan.actions() {
            applied.doubt(action.record, action.change.facet());
        }
        for (record, found) in found {
            for line in desired.wishes.get(record).into_iter().flat_map(|wish| &wish.lines) {
                if let Some(point) = found.points.get(&line.database)
                    && point.line.as_deref() == Some(line.text.expose())
                {
                    applied.wrote(*record, line.database, DateTime::from_timestamp_nanos(point.time));
                }
            }
        }
    }

    /// Takes note of what became of one sequence.
    fn learn(&self, desired: &Desired, outcome: &Outcome<Change>) {
        let unsettled: Vec<Facet> = outcome.undone.iter().map(|(action, _)| action.change.facet()).collect();
        let wish = desired.wishes.get(&outcome.record);
        let (mut applied, now) = (self.site.ledger.lock(), (self.site.clock)());
        applied.settle(outcome.record, wish, &unsettled, now);
        for action in &outcome.done {
            if let Change::WriteConfigLine { line, .. } = &action.change {
                applied.wrote(outcome.record, line.database, now);
            }
        }
    }

    fn client(&self) -> Result<Arc<Client>, Setback> {
        self.client.clone().map_err(Setback::Fault)
    }
}

impl BackEnd for Reconciler {
    const NAME: &'static str = "InfluxDB";

    async fn outlook(&self, scope: Scope) -> Result<Outlook, Setback> {
        let Comparison { plan, orphans, .. } = self.compare(Depth::Full, scope).await?;
        Ok(Outlook { steps: plan.actions().map(Action::step).collect(), orphans })
    }

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
            self.site.ledger.lock().doubt(failure.record(), Facet::Access);
        }
        let executor = Executor { server, clock: self.site.clock };
        let learn = |outcome: &Outcome<Change>| self.learn(&desired, outcome);
        let work = self.site.work_off(plan, &executor, newer, progress, learn).await?;

        failures.extend(work.failures);
        let refused = desired.refusals().filter(|(record, _)| covered.has(*record));
        let records = desired.wishes.keys().copied().filter(|record| covered.has(*record));
        Ok(Round::of(records.collect(), work.done, failures, refused))
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
