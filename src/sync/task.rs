//! The background task of a back end: when a round is due, and what is told about it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Clock;
use super::backend::{BackEnd, Depth, Round, Setback};
use super::outlook::{Orphan, Outlook};
use super::report::{Away, Ended, Failure, OpenFailure, Progress, State, Status};
use super::scope::Scope;
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
    Run(Scope, oneshot::Sender<Result<Round, Setback>>),
    /// [`Sync::plan`](super::Sync::plan)
    Plan(Scope, oneshot::Sender<Result<Outlook, Setback>>),
    /// [`Sync::drop_orphan`](super::Sync::drop_orphan)
    Drop(Orphan, oneshot::Sender<Result<(), Setback>>),
}

/// Requests that came before a round begins; they share it.
#[derive(Default)]
struct Asked {
    runs: Vec<(Scope, oneshot::Sender<Result<Round, Setback>>)>,
    others: Vec<Request>,
}

/// What ended the wait.
enum Due {
    Stop,
    Asked(Request),
    Changed,
    Time,
}

/// The task's own: everything that outlives a round.
pub struct Task<B, T> {
    /// Does the work.
    pub back_end: B,
    /// What callers ask for.
    pub requests: mpsc::Receiver<Request>,
    /// Sees each write to the store, unless those are to be synced by the interval alone.
    pub changed: Option<watch::Receiver<T>>,
    /// Becomes true when the task shall stop.
    pub stopping: watch::Receiver<bool>,
    /// Where callers read how sync stands.
    pub status: Arc<Mutex<Status>>,
    /// Where callers read how far the round is.
    pub progress: watch::Sender<Progress>,
    /// Where it is told how the last round has ended.
    pub ended: watch::Sender<Ended>,
    /// Where rounds are counted.
    pub counts: Arc<Counts>,
    /// From one round that went through to the next.
    pub interval: Duration,
    /// The time.
    pub clock: Clock,
    /// A number between 0 and 1.
    pub random: fn() -> f64,
}

impl<B: BackEnd, T: Send + std::marker::Sync> Task<B, T> {
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
            for request in std::mem::take(&mut asked.others) {
                self.answer(request).await;
            }
            let scope = asked.runs.iter().map(|(scope, _)| *scope).reduce(Scope::or);
            let (depth, scope) = match scope {
                // What is due by itself is about all records; another round brings it in a moment.
                Some(scope) => {
                    backoff.reset();
                    (Depth::Full, scope)
                }
                None if round_is_due => (Depth::Quick, Scope::All),
                None => continue,
            };

            let result = self.round(depth, scope).await;
            let wait = match &result {
                Err(Setback::Stopping) => break,
                Ok(round) if !round.retry => {
                    backoff.reset();
                    self.interval
                }
                // What fails for one record must not delay what the interval brings for the others.
                Ok(_) => backoff.next((self.random)()).min(self.interval),
                Err(Setback::Denied(_)) => Backoff::longest((self.random)()),
                Err(_) => backoff.next((self.random)()),
            };
            locked_out = matches!(result, Err(Setback::Denied(_)));
            next_round = match &result {
                Ok(_) if scope != Scope::All && round_is_due => Instant::now(),
                Ok(_) if scope != Scope::All => next_round.min(Instant::now() + wait),
                _ => Instant::now() + wait,
            };
            self.publish(scope, &result, next_round.saturating_duration_since(Instant::now()));
            // An asker that has gone away needs no answer.
            for (_, asker) in asked.runs {
                let _ = asker.send(result.clone());
            }
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

    async fn round(&mut self, depth: Depth, scope: Scope) -> Result<Round, Setback> {
        self.lock_status().state = State::Running;
        self.progress.send_replace(Progress::default());
        // The round reads the fleet after this: it sees what was written until here.
        if let Some(changed) = self.changed.as_mut().filter(|_| scope == Scope::All) {
            changed.mark_unchanged();
        }
        // A full round has someone waiting for its report: it goes on to its end.
        let changed = self.changed.as_ref().filter(|_| depth == Depth::Quick);
        let newer = || changed.is_some_and(|changed| changed.has_changed().unwrap_or(false));
        survive(self.back_end.round(depth, scope, &newer, &self.progress)).await
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::Plan(scope, asker) => _ = asker.send(survive(self.back_end.outlook(scope)).await),
            Request::Drop(orphan, asker) => {
                let _ = asker.send(survive(self.back_end.drop_orphan(&orphan)).await);
            }
            Request::Run(..) => unreachable!("kept apart"),
        }
    }

    fn publish(&self, scope: Scope, result: &Result<Round, Setback>, wait: Duration) {
        let now: DateTime<Utc> = (self.clock)();
        let next_try = now + wait;
        self.counts.round(result);
        let mut status = self.lock_status();
        match result {
            Ok(round) => {
                let about =
                    |failure: &Failure| scope == Scope::All || round.records.contains(&failure.record());
                status.failures.retain(|open| !about(&open.failure));
                let failures = round.failures.iter().cloned();
                status.failures.extend(failures.map(|failure| OpenFailure { failure, next_try }));
                if scope == Scope::All {
                    status.last_round = Some(now);
                }
                status.state = State::Idle;
            }
            Err(Setback::Fault(reason)) => {
                tracing::error!(%reason, ?wait, "sync with {} failed", B::NAME);
                status.state = State::Faulty { reason: reason.clone(), next_try };
            }
            Err(setback) => {
                tracing::warn!(reason = %setback, ?wait, "sync with {} failed", B::NAME);
                status.state = State::Unreachable { reason: setback.to_string(), next_try };
            }
        }
        let failures = status.failures.iter().map(|open| open.failure.clone()).collect();
        drop(status);
        self.ended.send_modify(|ended| {
            ended.rounds += 1;
            ended.failures = failures;
            // One that gave way to newer records has left some out.
            let gave_way =
                self.changed.as_ref().is_some_and(|changed| changed.has_changed().unwrap_or(false));
            ended.is_whole = scope == Scope::All && result.is_ok() && !gave_way;
            let tries = ended.away.as_ref().map_or(1, |away| away.tries.saturating_add(1));
            ended.away = result.as_ref().err().map(|setback| Away {
                reason: told(setback),
                tries,
                is_final: matches!(setback, Setback::Denied(_)),
            });
        });
    }

    fn lock_status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn add(&mut self, request: Request) {
        match request {
            Request::Run(scope, asker) => self.runs.push((scope, asker)),
            other => self.others.push(other),
        }
    }
}

impl From<Setback> for Error {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Fault(reason) => Self::internal("sync", reason),
            Setback::Refused(reason) => Self::NotFound(reason),
            setback => Self::Unavailable(setback.to_string()),
        }
    }
}

/// A panic in a round is that round's failure: the task lives on.
async fn survive<T>(round: impl Future<Output = Result<T, Setback>>) -> Result<T, Setback> {
    let result = AssertUnwindSafe(round).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(Setback::Fault(message(&*panic))))
}

/// What others are told of a setback: faults of ours are for the log.
fn told(setback: &Setback) -> String {
    match setback {
        Setback::Fault(_) => "sync has failed; the log says why".to_owned(),
        setback => setback.to_string(),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a round panicked: {}", text.unwrap_or("without a message"))
}
