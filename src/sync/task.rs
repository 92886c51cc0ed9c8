//! The background task: when a round is due, and what is told about it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Clock;
use super::action::Action;
use super::report::{OpenFailure, Report, State, Status};
use super::round::{Depth, Reconciler, Setback};
use super::stats::Counts;
use crate::backoff::Backoff;
use crate::error::Error;

/// Changes that come within this time of the first share a round.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// The wait after a first failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What a caller wants of the task, and where the answer goes.
pub enum Request {
    /// [`Sync::run`](super::Sync::run)
    Run(oneshot::Sender<Result<Report, Error>>),
    /// [`Sync::plan`](super::Sync::plan)
    Plan(oneshot::Sender<Result<Vec<Action>, Error>>),
}

/// Requests that came before a round begins; they share it.
#[derive(Default)]
struct Asked {
    runs: Vec<oneshot::Sender<Result<Report, Error>>>,
    plans: Vec<oneshot::Sender<Result<Vec<Action>, Error>>>,
}

/// What ended the wait.
enum Due {
    Stop,
    Asked(Request),
    Changed,
    Time,
}

/// The task's own: everything that outlives a round.
pub struct Task<T> {
    /// Does the work.
    pub reconciler: Reconciler,
    /// What callers ask for.
    pub requests: mpsc::Receiver<Request>,
    /// Sees each write to the store, unless those are to be synced by the interval alone.
    pub changed: Option<watch::Receiver<T>>,
    /// Becomes true when the task shall stop.
    pub stopping: watch::Receiver<bool>,
    /// Where callers read how sync stands.
    pub status: Arc<Mutex<Status>>,
    /// Where rounds are counted.
    pub counts: Arc<Counts>,
    /// From one round that went through to the next.
    pub interval: Duration,
    /// The time.
    pub clock: Clock,
    /// A number between 0 and 1.
    pub random: fn() -> f64,
}

impl<T: Send + std::marker::Sync> Task<T> {
    /// Runs until told to stop, or until nobody is left who could.
    pub async fn run(mut self) {
        let mut backoff = Backoff::from(FIRST_WAIT);
        let mut next_round = Instant::now();
        // While InfluxDB locks our administrator out, changes do not hurry: each try costs it a bcrypt.
        let mut locked_out = false;
        loop {
            let mut asked = Asked::default();
            let round_is_due = match self.wait(next_round, !locked_out).await {
                Due::Stop => break,
                Due::Asked(request) => {
                    asked.add(request);
                    false
                }
                Due::Changed => {
                    backoff.reset();
                    sleep(DEBOUNCE).await;
                    true
                }
                Due::Time => true,
            };
            while let Ok(request) = self.requests.try_recv() {
                asked.add(request);
            }
            if !asked.plans.is_empty() {
                asked.answer_plans(self.plan().await);
            }
            let depth = match (asked.runs.is_empty(), round_is_due) {
                (false, _) => {
                    backoff.reset();
                    Depth::Full
                }
                (true, true) => Depth::Quick,
                (true, false) => continue,
            };

            let result = self.round(depth).await;
            let wait = match &result {
                Err(Setback::Stopping) => break,
                Ok((_, false)) => {
                    backoff.reset();
                    self.interval
                }
                // What fails for one record must not delay what the interval brings for the others.
                Ok((_, true)) => backoff.next((self.random)()).min(self.interval),
                Err(Setback::Denied(_)) => Backoff::longest((self.random)()),
                Err(_) => backoff.next((self.random)()),
            };
            locked_out = matches!(result, Err(Setback::Denied(_)));
            next_round = Instant::now() + wait;
            self.publish(&result, wait);
            asked.answer_runs(result.map(|(report, _)| report));
        }
        self.lock_status().state = State::Idle;
        // Whoever still waits for an answer learns it by the closing of the channel.
    }

    async fn wait(&mut self, next_round: Instant, hurry: bool) -> Due {
        let changed = async {
            let alive = match self.changed.as_mut().filter(|_| hurry) {
                Some(changed) => changed.changed().await.is_ok(),
                None => false,
            };
            if !alive {
                // No writer is left, or none counts: there is nothing to wait for.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            // An error means that every handle is gone, so that nobody can ask for anything any more.
            _ = self.stopping.wait_for(|stop| *stop) => Due::Stop,
            request = self.requests.recv() => request.map_or(Due::Stop, Due::Asked),
            () = changed => Due::Changed,
            () = sleep_until(next_round) => Due::Time,
        }
    }

    async fn round(&mut self, depth: Depth) -> Result<(Report, bool), Setback> {
        self.lock_status().state = State::Running;
        // The round reads the fleet after this: it sees what was written until here.
        if let Some(changed) = &mut self.changed {
            changed.mark_unchanged();
        }
        // A full round has someone waiting for its report: it goes on to its end.
        let changed = self.changed.as_ref().filter(|_| depth == Depth::Quick);
        let newer = || changed.is_some_and(|changed| changed.has_changed().unwrap_or(false));
        survive(self.reconciler.round(depth, &newer)).await
    }

    async fn plan(&mut self) -> Result<Vec<Action>, Setback> {
        let plan = survive(self.reconciler.plan()).await?;
        Ok(plan.actions().cloned().collect())
    }

    fn publish(&self, result: &Result<(Report, bool), Setback>, wait: Duration) {
        let now: DateTime<Utc> = (self.clock)();
        let next_try = now + wait;
        self.counts.round(result);
        let mut status = self.lock_status();
        match result {
            Ok((report, _)) => {
                let failures = report.failures.iter().cloned();
                status.failures = failures.map(|failure| OpenFailure { failure, next_try }).collect();
                status.last_round = Some(now);
                status.state = State::Idle;
            }
            Err(Setback::Fault(reason)) => {
                tracing::error!(%reason, ?wait, "sync with InfluxDB failed");
                status.state = State::Faulty { reason: reason.clone(), next_try };
            }
            Err(setback) => {
                tracing::warn!(reason = %setback, ?wait, "sync with InfluxDB failed");
                status.state = State::Unreachable { reason: setback.to_string(), next_try };
            }
        }
    }

    fn lock_status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn add(&mut self, request: Request) {
        match request {
            Request::Run(asker) => self.runs.push(asker),
            Request::Plan(asker) => self.plans.push(asker),
        }
    }

    // An asker that has gone away needs no answer.

    fn answer_plans(&mut self, result: Result<Vec<Action>, Setback>) {
        for asker in self.plans.drain(..) {
            let _ = asker.send(result.clone().map_err(Error::from));
        }
    }

    fn answer_runs(&mut self, result: Result<Report, Setback>) {
        for asker in self.runs.drain(..) {
            let _ = asker.send(result.clone().map_err(Error::from));
        }
    }
}

impl From<Setback> for Error {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Fault(reason) => Self::internal("sync", reason),
            setback => Self::Unavailable(setback.to_string()),
        }
    }
}

/// A panic in a round is that round's failure: the task lives on.
async fn survive<T>(round: impl Future<Output = Result<T, Setback>>) -> Result<T, Setback> {
    let result = AssertUnwindSafe(round).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(Setback::Fault(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a round panicked: {}", text.unwrap_or("without a message"))
}
