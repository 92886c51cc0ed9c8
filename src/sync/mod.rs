//! Sync makes an InfluxDB 1.x hold exactly what the records ask for.
//!
//! ```text
//! Fleet ── desired ──► Desired ─┐
//! InfluxDB ─ actual ─► Actual ──┼─ plan ──► Plan ── apply ──► InfluxDB
//! state file ────────► Applied ─┘                        └──► Applied
//! ```
//!
//! `plan` does no I/O; planning again after a plan was applied gives an empty plan. The task compares at two
//! depths: quickly, what changed or is visibly missing, at start, after changes and from time to time; and
//! fully, rights and config lines of every record, when asked to.
//!
//! What neither depth shows is a password that was changed by hand in InfluxDB: it tells no passwords, and
//! trying each would cost a bcrypt. Deleting the state file has every password set again.

mod action;
mod applied;
mod desired;
mod fleet;
mod influx;
mod plan;
pub mod presence;
pub mod readings;
mod records;
mod report;
mod round;
mod secret;
mod stats;
mod task;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

pub use action::{Action, Change, Record, Resource};
pub use desired::{Grant, Line, Privilege};
pub use fleet::{Device, Fleet, Owner};
pub use report::{BackEnd, Count, Failure, OpenFailure, Report, State, Status};
pub use secret::Secret;
pub use stats::{Records, Requests, Stats};

use crate::error::Error;
use round::Reconciler;
use stats::Counts;
use task::{Request, Task};

/// Gives what the records ask for now.
type FleetSource = Arc<dyn Fn() -> Fleet + Send + std::marker::Sync>;

/// Tells the time, for the points that are written and for the status.
type Clock = fn() -> DateTime<Utc>;

/// Longer than any request takes, so that the action under way can end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How to sync.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The InfluxDB to sync with; without one, sync does nothing and says so.
    pub influx: Option<InfluxSettings>,
    /// Whether a change to the records is synced at once.
    pub on_change: bool,
    /// How long after a round the next one begins.
    pub interval: Duration,
    /// Whether the database of a deleted owner is dropped with all its data.
    pub drop_data: bool,
    /// Where sync remembers what it applied. Missing or damaged: everything is applied again.
    pub state_file: PathBuf,
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

/// A handle to the sync task. The task ends when it is stopped, or when the last handle is dropped.
#[derive(Clone)]
pub struct Sync {
    /// `None` when no InfluxDB is configured.
    task: Option<Handle>,
}

#[derive(Clone)]
struct Handle {
    requests: mpsc::Sender<Request>,
    stop: watch::Sender<bool>,
    status: Arc<Mutex<Status>>,
    counts: Arc<Counts>,
    abort: AbortHandle,
}

impl Sync {
    /// Starts the task on the current tokio runtime; a first, quick round begins at once. `changed` is to
    /// change with each write to the records, after which `fleet` shows it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<T: Send + std::marker::Sync + 'static>(
        settings: Settings,
        fleet: Arc<dyn Fn() -> Fleet + Send + std::marker::Sync>,
        changed: watch::Receiver<T>,
    ) -> Self {
        let Some(influx) = settings.influx.clone() else { return Self { task: None } };
        let (requests, incoming) = mpsc::channel(64);
        let (stop, stopping) = watch::channel(false);
        let idle = Status { state: State::Idle, last_round: None, failures: Vec::new() };
        let status = Arc::new(Mutex::new(idle));
        let counts = Arc::<Counts>::default();
        let clock: Clock = Utc::now;
        let task = Task {
            reconciler: Reconciler::new(&settings, influx, fleet, clock, stopping.clone(), counts.clone()),
            requests: incoming,
            changed: settings.on_change.then_some(changed),
            stopping,
            status: status.clone(),
            counts: counts.clone(),
            // A zero would leave no time for anything else.
            interval: settings.interval.max(Duration::from_secs(1)),
            clock,
            random: rand::random,
        };
        let running = tokio::spawn(task.run());
        Self { task: Some(Handle { requests, stop, status, counts, abort: running.abort_handle() }) }
    }

    /// Compares everything now, puts it right, and tells what came of it. Calls made before a round begins
    /// share that round; one that has begun is not joined, since it may not see what the caller just wrote.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when InfluxDB is away, not of version 1.x or does not let us in, or when sync
    /// is stopping. What fails for single records is in the report instead.
    pub async fn run(&self) -> Result<Report, Error> {
        match &self.task {
            Some(task) => task.ask(Request::Run).await,
            None => Ok(Report {
                users: Count::default(),
                karanas: Count::default(),
                failures: Vec::new(),
                influxdb: BackEnd::NotConfigured,
                actions_done: 0,
            }),
        }
    }

    /// What [`Sync::run`] would do now, in order. Changes nothing; empty when no InfluxDB is configured.
    ///
    /// # Errors
    /// As [`Sync::run`].
    pub async fn plan(&self) -> Result<Vec<Action>, Error> {
        match &self.task {
            Some(task) => task.ask(Request::Plan).await,
            None => Ok(Vec::new()),
        }
    }

    /// How sync stands. Never waits.
    pub fn status(&self) -> Status {
        match &self.task {
            Some(task) => task.status.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            None => Status { state: State::NotConfigured, last_round: None, failures: Vec::new() },
        }
    }

    /// How it has been doing since the start; none when no InfluxDB is configured. Never waits.
    pub fn stats(&self) -> Option<Stats> {
        self.task.as_ref().map(|task| task.counts.read())
    }

    /// Lets the actions under way end, saves what is known, and stops; after 20 seconds without that.
    pub async fn stop(self) {
        let Some(task) = self.task else { return };
        task.stop.send_replace(true);
        // The task holds the receiving end for as long as it lives.
        if tokio::time::timeout(STOP_WITHIN, task.requests.closed()).await.is_err() {
            task.abort.abort();
        }
    }
}

impl Handle {
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Request,
    ) -> Result<T, Error> {
        let stopped = || Error::Unavailable("sync has stopped".into());
        let (asker, answer) = oneshot::channel();
        self.requests.send(request(asker)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}
