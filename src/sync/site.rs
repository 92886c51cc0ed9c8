//! What a reconciler works with, whatever its back end, and how it works a plan off.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::apply::{Executor, Outcome, apply};
use super::backend::{Halt, Setback};
use super::fleet::Fleet;
use super::ledger::Ledger;
use super::plan::{Change, Plan};
use super::report::{Failure, Progress};
use super::stats::Counts;
use super::{Clock, FleetSource};

/// How long what was applied may go unsaved. A crash costs no more than doing that much again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// How long a round applies its plan before it gives way to a newer one: several times what it takes to look at some thousand
/// records, so that the work goes on however often the records change.
const HEAD_START: Duration = Duration::from_secs(2);

/// What a reconciler works with; `A` is what it knows to have applied.
pub struct Site<A> {
    /// Gives what the records ask for now.
    pub fleet: FleetSource,
    /// The time.
    pub clock: Clock,
    /// When it becomes true no further action is begun.
    pub stopping: watch::Receiver<bool>,
    /// What is known to have been applied.
    pub ledger: Arc<Ledger<A>>,
    /// Where requests and actions are counted.
    pub counts: Arc<Counts>,
}

/// What working a plan off has brought.
#[derive(Default)]
pub struct Work {
    /// How many actions were done.
    pub done: usize,
    /// What failed.
    pub failures: Vec<Failure>,
}

impl<A> Site<A>
where
    A: Clone + Default + PartialEq + Send + Serialize + DeserializeOwned + 'static,
{
    /// Reads what is known of the server at `address` from `state_file`.
    pub fn open(
        state_file: PathBuf,
        address: String,
        fleet: FleetSource,
        clock: Clock,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let ledger = Arc::new(Ledger::open(state_file, address));
        Self { fleet, clock, stopping, ledger, counts: Arc::default() }
    }

    /// What the records ask for now.
    pub fn fleet(&self) -> Fleet {
        (self.fleet)()
    }

    /// Whether the server shall stop.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// What `look` brings, which changes nothing, so that it may be left at any point when the task shall stop.
    pub async fn unless_stopping<T>(
        &self,
        look: impl Future<Output = Result<T, Setback>>,
    ) -> Result<T, Setback> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            seen = look => seen,
            _ = stopping.wait_for(|stop| *stop) => Err(Setback::Stopping),
        }
    }

    /// Works a plan off, and has `learn` take note of each outcome. The ledger must know what is in doubt by now: it is saved
    /// before anything is made, so that a crash from here on leaves nothing that we would not know as ours.
    ///
    /// A round that has had its time begins nothing more once `newer` tells that the records have changed again; what it leaves
    /// is in doubt, so that the next round, planned with the change in view, takes it up.
    pub async fn work_off<C: Change>(
        &self,
        plan: Plan<C>,
        executor: &impl Executor<C>,
        newer: &Halt<'_>,
        progress: &watch::Sender<Progress>,
        learn: impl FnMut(&Outcome<C>),
    ) -> Result<Work, Setback> {
        self.ledger.save().await?;
        let work = self.work(plan, executor, newer, progress, learn).await;
        self.ledger.save().await?;
        let work = work?;
        if self.is_stopping() {
            return Err(Setback::Stopping);
        }
        Ok(work)
    }

    async fn work<C: Change>(
        &self,
        plan: Plan<C>,
        executor: &impl Executor<C>,
        newer: &Halt<'_>,
        progress: &watch::Sender<Progress>,
        mut learn: impl FnMut(&Outcome<C>),
    ) -> Result<Work, Setback> {
        let begin = Instant::now();
        let halt = || self.is_stopping() || (begin.elapsed() >= HEAD_START && newer());
        progress.send_replace(Progress { done: 0, total: plan.actions().count(), item: None });
        let mut outcomes = pin!(apply(executor, plan, &halt));
        let mut work = Work::default();
        let mut last_save = begin;
        while let Some(outcome) = outcomes.next().await {
            let outcome = outcome?;
            let (record, done) = (outcome.record, outcome.done.len());
            work.done += done;
            self.counts.actions(done);
            progress.send_modify(|progress| progress.advance(done + outcome.undone.len(), record));
            learn(&outcome);
            for (action, reason) in outcome.undone {
                if let Some(reason) = reason {
                    tracing::warn!(%action, %reason, "not applied to {}", C::BACK_END);
                    work.failures.push(Failure::new(record, reason));
                }
            }
            if last_save.elapsed() >= SAVE_EVERY {
                self.ledger.save().await?;
                last_save = Instant::now();
            }
        }
        Ok(work)
    }
}
