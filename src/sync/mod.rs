//! Sync makes the back ends, an InfluxDB 1.x and a Grafana, hold exactly what the records ask for. Of each there is a task, so
//! that neither waits for the other.
//!
//! ```text
//! Fleet ──── desired ───► Desired ─┐
//! back end ─ actual ────► Actual ──┼─ plan ──► Plan ── apply ──► back end
//! state file ─ Ledger ──► Applied ─┘                        └──► Ledger
//! ```
//!
//! Planning does no I/O; planning again after a plan was applied gives an empty plan. The task of a back end compares at two
//! depths: quickly, what changed or is visibly missing, at start, after changes and from time to time; and fully, all that
//! there is of every record, when asked to. `influx/` and `grafana/` know what is compared and changed; what they have in
//! common lies beside them.

mod apply;
mod backend;
mod fleet;
pub mod grafana;
pub mod handover;
mod influx;
mod ledger;
mod link;
mod outlook;
mod plan;
pub mod presence;
pub mod readings;
mod record;
mod report;
mod scope;
mod secret;
mod site;
mod stats;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

pub use backend::{BackEnd, Depth, Round, Setback};
pub use fleet::{Device, Fleet, Handover, Owner, Terms};
pub use grafana::GrafanaSettings;
pub use outlook::{Orphan, Outlook, Step};
pub use record::{Record, Resource};
pub use report::{BackEndResult, Count, Failure, OpenFailure, Progress, Report, Standing, State, Status};
pub use scope::Scope;
pub use secret::Secret;
pub use stats::{Requests, Stats};

use crate::error::Error;
use backend::Settled;
use stats::Counts;
use task::{Request, Task};

/// Gives what the records ask for now.
type FleetSource = Arc<dyn Fn() -> Fleet + Send + std::marker::Sync>;

/// Tells the time, for the points that are written and for the status.
type Clock = fn() -> DateTime<Utc>;

/// The time.
const CLOCK: Clock = Utc::now;

/// The name of a back end.
pub const INFLUXDB: &str = "influxdb";

/// The name of a back end.
pub const GRAFANA: &str = "grafana";

/// Longer than any request takes, so that the action under way can end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How to sync.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The InfluxDB to sync with; without one, nothing is done there, and that is said.
    pub influx: Option<InfluxSettings>,
    /// The Grafana to sync with.
    pub grafana: Option<GrafanaSettings>,
    /// Whether a change to the records is synced at once.
    pub on_change: bool,
    /// How long after a round the next one begins.
    pub interval: Duration,
    /// Whether the database of a deleted owner is dropped with all its data.
    pub drop_data: bool,
    /// Where sync remembers what it applied to InfluxDB. Missing or damaged: everything is applied again.
    pub state_file: PathBuf,
    /// The same for Grafana.
    pub grafana_state_file: PathBuf,
}

/// An InfluxDB 1.x and its administrator.
#[derive(Clone)]
pub struct InfluxSettings {
    /// Name or address.
    pub host: String,
    /// Port of its HTTP interface.
    pub port: u16,
    /// An administrator.
    pub user: String,
    /// The administrator's password.
    pub pass: String,
    /// Whether to speak HTTPS.
    pub ssl: bool,
    /// Where devices reach this InfluxDB: named in their config lines.
    pub device_host: String,
    /// The port to `device_host`.
    pub device_port: u16,
}

impl InfluxSettings {
    /// Scheme, host and port, as a URL begins.
    fn address(&self) -> String {
        let scheme = if self.ssl { "https" } else { "http" };
        let Self { host, port, .. } = self;
        // An IPv6 address may be configured with or without its brackets.
        if host.contains(':') && !host.starts_with('[') {
            format!("{scheme}://[{host}]:{port}")
        } else {
            format!("{scheme}://{host}:{port}")
        }
    }
}

impl fmt::Debug for InfluxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InfluxSettings")
            .field("address", &self.address())
            .field("user", &self.user)
            .field("pass", &"********")
            .field("device_host", &self.device_host)
            .field("device_port", &self.device_port)
            .finish()
    }
}

/// A handle to the tasks of the back ends. They end when it is stopped, or when the last handle is dropped.
#[derive(Clone)]
pub struct Sync(Vec<BackEndHandle>);

/// One back end, if it is configured.
#[derive(Clone)]
struct BackEndHandle {
    /// As reports and the API call it.
    name: &'static str,
    task: Option<Handle>,
}

#[derive(Clone)]
struct Handle {
    requests: mpsc::Sender<Request>,
    stop: watch::Sender<bool>,
    status: Arc<Mutex<Status>>,
    progress: watch::Receiver<Progress>,
    settled: Arc<dyn Settled>,
    counts: Arc<Counts>,
    abort: AbortHandle,
}

impl Sync {
    /// Starts the tasks on the current tokio runtime; a first, quick round begins at once. `changed` is to
    /// change with each write to the records, after which `fleet` shows it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<T: Send + std::marker::Sync + 'static>(
        settings: Settings,
        fleet: Arc<dyn Fn() -> Fleet + Send + std::marker::Sync>,
        changed: watch::Receiver<T>,
    ) -> Self {
        let influxdb = settings.influx.clone().map(|influx| {
            let (stop, stopping) = watch::channel(false);
            let (file, drop_data) = (settings.state_file.clone(), settings.drop_data);
            let reconciler = influx::Reconciler::new(influx, drop_data, file, fleet.clone(), CLOCK, stopping);
            let (settled, counts) = (reconciler.knowledge(), reconciler.counts());
            Handle::start(reconciler, settled, &settings, changed.clone(), counts, stop)
        });
        let grafana = settings.grafana.clone().map(|grafana| {
            let (stop, stopping) = watch::channel(false);
            let file = settings.grafana_state_file.clone();
            let reconciler = grafana::Reconciler::new(grafana, file, fleet, CLOCK, stopping);
            let (settled, counts) = (reconciler.knowledge(), reconciler.counts());
            Handle::start(reconciler, settled, &settings, changed, counts, stop)
        });
        Self(vec![
            BackEndHandle { name: INFLUXDB, task: influxdb },
            BackEndHandle { name: GRAFANA, task: grafana },
        ])
    }

    /// Compares everything in `scope` now, puts it right, and tells what came of it. Calls made before a round begins
    /// share that round; one that has begun is not joined, since it may not see what the caller just wrote.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no back end could be worked with, or when sync is stopping. What fails for one of
    /// several back ends, or for single records, is in the report instead.
    pub async fn run(&self, scope: Scope) -> Result<Report, Error> {
        let rounds = self.0.iter().map(|back_end| async move {
            let Some(task) = &back_end.task else {
                return Ok((back_end.name, BackEndResult::NotConfigured, Round::default()));
            };
            match task.ask(|asker| Request::Run(scope, asker)).await {
                Ok(round) => Ok((back_end.name, BackEndResult::Synced, round)),
                Err(setback) => Err((back_end.name, setback)),
            }
        });
        let rounds = futures::future::join_all(rounds).await;
        let worked =
            |round: &Result<(_, BackEndResult, _), _>| matches!(round, Ok((_, BackEndResult::Synced, _)));
        let any_worked = rounds.iter().any(worked);
        let rounds = rounds.into_iter().map(|round| match round {
            Err((name, setback)) if any_worked => {
                Ok((name, BackEndResult::Failed { reason: setback.to_string() }, Round::default()))
            }
            Err((_, setback)) => Err(Error::from(setback)),
            Ok(round) => Ok(round),
        });
        Ok(Report::of(rounds.collect::<Result<_, _>>()?))
    }

    /// What [`Sync::run`] would do now, in order. Changes nothing; empty when no back end is configured.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a back end cannot be looked at.
    pub async fn plan(&self, scope: Scope) -> Result<Outlook, Error> {
        let outlooks = self.tasks().map(|(_, task)| task.ask(move |asker| Request::Plan(scope, asker)));
        let mut all = Outlook::default();
        for outlook in futures::future::join_all(outlooks).await {
            all.add(outlook?);
        }
        Ok(all)
    }

    /// Drops what bears a name of ours and belongs to no record, with all that is in it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is no orphan (any more); otherwise as [`Sync::plan`].
    pub async fn drop_orphan(&self, orphan: Orphan) -> Result<(), Error> {
        let of = self.tasks().find(|(name, _)| *name == orphan.backend);
        let (_, task) = of.ok_or_else(|| Error::NotFound(format!("{orphan}: there is no such back end")))?;
        Ok(task.ask(|asker| Request::Drop(orphan, asker)).await?)
    }

    /// How each back end stands. Never waits.
    pub fn status(&self) -> BTreeMap<&'static str, Status> {
        let status = |back_end: &BackEndHandle| match &back_end.task {
            Some(task) => task.status().clone(),
            None => Status { state: State::NotConfigured, last_round: None, failures: Vec::new() },
        };
        self.0.iter().map(|back_end| (back_end.name, status(back_end))).collect()
    }

    /// Whether there is a back end at all.
    pub fn is_configured(&self) -> bool {
        self.tasks().next().is_some()
    }

    /// Whether there is an InfluxDB.
    pub fn has_influxdb(&self) -> bool {
        self.tasks().any(|(name, _)| name == INFLUXDB)
    }

    /// How the records of a fleet stand, with each back end. Never waits.
    pub fn standings(&self, fleet: &Fleet) -> BTreeMap<Record, BTreeMap<&'static str, Standing>> {
        let mut standings: BTreeMap<Record, BTreeMap<_, _>> = BTreeMap::new();
        for (name, task) in self.tasks() {
            for (record, standing) in task.standings(fleet) {
                standings.entry(record).or_default().insert(name, standing);
            }
        }
        standings
    }

    /// Records that are in no fleet any more, and have left something. Never waits.
    pub fn leftovers(&self, fleet: &Fleet) -> BTreeSet<Record> {
        let touched = self.tasks().flat_map(|(_, task)| task.settled.touched());
        let known: BTreeSet<Record> = fleet.records().collect();
        touched.filter(|record| !known.contains(record)).collect()
    }

    /// How far each back end's round is; the receiver is told of every step.
    pub fn progress(&self) -> Vec<(&'static str, watch::Receiver<Progress>)> {
        self.tasks().map(|(name, task)| (name, task.progress.clone())).collect()
    }

    /// How each back end has been doing since the start. Never waits.
    pub fn stats(&self) -> Vec<(&'static str, Stats)> {
        self.tasks().map(|(name, task)| (name, task.counts.read())).collect()
    }

    /// Lets the actions under way end, saves what is known, and stops; after 20 seconds without that.
    pub async fn stop(self) {
        futures::future::join_all(self.0.into_iter().filter_map(|back_end| back_end.task).map(Handle::stop))
            .await;
    }

    fn tasks(&self) -> impl Iterator<Item = (&'static str, &Handle)> {
        self.0.iter().filter_map(|back_end| Some((back_end.name, back_end.task.as_ref()?)))
    }
}

impl Handle {
    fn start<B: BackEnd, T: Send + std::marker::Sync + 'static>(
        back_end: B,
        settled: Arc<dyn Settled>,
        settings: &Settings,
        changed: watch::Receiver<T>,
        counts: Arc<Counts>,
        stop: watch::Sender<bool>,
    ) -> Self {
        let (requests, incoming) = mpsc::channel(64);
        let idle = Status { state: State::Idle, last_round: None, failures: Vec::new() };
        let status = Arc::new(Mutex::new(idle));
        let progress = watch::Sender::new(Progress::default());
        let (shown, told) = (status.clone(), progress.subscribe());
        let task = Task {
            back_end,
            requests: incoming,
            changed: settings.on_change.then_some(changed),
            stopping: stop.subscribe(),
            status,
            progress,
            counts: counts.clone(),
            // A zero would leave no time for anything else.
            interval: settings.interval.max(Duration::from_secs(1)),
            clock: CLOCK,
            random: rand::random,
        };
        let running = tokio::spawn(task.run());
        let abort = running.abort_handle();
        Self { requests, stop, status: shown, progress: told, settled, counts, abort }
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Setback>>) -> Request,
    ) -> Result<T, Setback> {
        let (asker, answer) = oneshot::channel();
        self.requests.send(request(asker)).await.map_err(|_| Setback::Stopping)?;
        answer.await.map_err(|_| Setback::Stopping)?
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn standings(&self, fleet: &Fleet) -> BTreeMap<Record, Standing> {
        let failures = self.status().failures.clone();
        let mut standings: BTreeMap<_, _> = self
            .settled
            .settled(fleet)
            .into_iter()
            .map(|(record, since)| (record, since.map_or(Standing::Pending, |at| Standing::Synced { at })))
            .collect();
        for OpenFailure { failure, next_try } in failures {
            if let Some(standing) = standings.get_mut(&failure.record()) {
                *standing = Standing::Failed { reason: failure.reason, next_try };
            }
        }
        standings
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        // The task holds the receiving end for as long as it lives.
        if tokio::time::timeout(STOP_WITHIN, self.requests.closed()).await.is_err() {
            self.abort.abort();
        }
    }
}
