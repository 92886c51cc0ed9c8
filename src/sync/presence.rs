//! Presence tells of each device whether it posts: when it was last seen, and whether it is online, late or offline.
//!
//! ```text
//! Roster ── groups ──► InfluxDB ── sightings ──► Known ── judge ──► Seen
//! state file ──────────────────────────────────► Known ──► state file
//! ```
//!
//! A task looks once a minute, at all owners' databases with a few requests, and publishes what it judges: whoever asks never
//! waits. InfluxDB being away changes no device's state: it stays as of the last look, whose time is told with it.

mod known;
mod memory;
mod roster;
mod round;
mod strikes;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use roster::{Roster, Watched, interval_of, place_of};

use super::InfluxSettings;
use super::link::Trouble;
use super::stats::{Counts, Requests};
use crate::backoff::Backoff;
use crate::store::Clock;
use round::{Lookout, Setback};

/// Gives the devices on record now.
type RosterSource = Arc<dyn Fn() -> Roster + Send + Sync>;

/// The wait after a first failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How long what is known may go unsaved. A crash costs no more than what arrived late meanwhile.
const SAVE_EVERY: Duration = Duration::from_secs(5 * 60);

/// How to watch.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The InfluxDB that devices post to; without one nothing is known of any device.
    pub influx: Option<InfluxSettings>,
    /// What one unit of `config.post_int` is.
    pub post_int_unit: Duration,
    /// How long after a look the next one begins.
    pub interval: Duration,
    /// Where is kept what a new start could not find out again. Missing or damaged: it begins anew.
    pub state_file: PathBuf,
}

/// Whether a device posts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// Within three times its interval.
    Online,
    /// It has missed three posts.
    Late,
    /// It has missed ten, and has posted nothing for a day.
    Offline,
    /// It has never posted, is in stock, or could not be looked for.
    #[default]
    Unknown,
}

impl Connection {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Online, Self::Late, Self::Offline, Self::Unknown];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Late => "late",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }
}

/// How a device stands, as of [`checked_at`](Self::checked_at).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Whether it posts.
    pub connection: Connection,
    /// When points of it last arrived, whatever their timestamps; never those of the future.
    pub last_seen: Option<DateTime<Utc>>,
    /// In how many minutes of the last hour points arrived.
    pub posts_per_hour: Option<u32>,
    /// Whether it has points that are dated in the future.
    pub clock_ahead: bool,
    /// When it was last looked for. Older than some minutes: InfluxDB is away.
    pub checked_at: Option<DateTime<Utc>>,
}

/// How the looking goes.
#[derive(Debug, Clone)]
pub struct Stats {
    /// How many devices stand how.
    pub devices: Vec<(Connection, usize)>,
    /// When the last look that reached InfluxDB ended; none since the start.
    pub last_look: Option<DateTime<Utc>>,
    /// Looks that reached InfluxDB.
    pub looks_done: u64,
    /// Looks that did not.
    pub looks_failed: u64,
    /// The requests to InfluxDB.
    pub requests: Vec<Requests>,
}

/// A handle to the task. The task ends when it is stopped, or when the last handle is dropped.
#[derive(Clone)]
pub struct Presence {
    published: Arc<Published>,
    /// `None` when no InfluxDB is configured.
    task: Option<Handle>,
}

#[derive(Clone)]
struct Handle {
    stop: watch::Sender<bool>,
    running: Arc<Mutex<Option<JoinHandle<()>>>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Published(Mutex<Findings>);

/// What one look after the other has found.
#[derive(Clone, Default)]
struct Findings {
    devices: Arc<HashMap<Uuid, Seen>>,
    last_look: Option<DateTime<Utc>>,
    looks_done: u64,
    looks_failed: u64,
}

impl Published {
    fn change(&self, change: impl FnOnce(&mut Findings)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> Findings {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Presence {
    /// Starts the task on the current tokio runtime; a first look begins at once. What is known from before is told until it
    /// has ended.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(settings: Settings, roster: Arc<dyn Fn() -> Roster + Send + Sync>, clock: Clock) -> Self {
        let published = Arc::<Published>::default();
        let Some(influx) = settings.influx.clone() else { return Self { published, task: None } };
        let (stop, stopping) = watch::channel(false);
        let counts = Arc::<Counts>::default();
        let task = Task {
            lookout: Lookout::new(&settings, &influx, roster, clock.clone(), counts.clone()),
            published: published.clone(),
            stopping,
            interval: settings.interval,
            clock,
        };
        task.publish();
        let running = tokio::spawn(task.run());
        Self { published, task: Some(Handle { stop, running: Arc::new(Mutex::new(Some(running))), counts }) }
    }

    /// Whether the records of this resource have such a state.
    pub fn watches(resource: &str) -> bool {
        resource == roster::RESOURCE
    }

    /// How a device stands; none when nothing is known of such a record. Never waits.
    pub fn of(&self, uuid: Uuid) -> Option<Seen> {
        self.published.read().devices.get(&uuid).cloned()
    }

    /// How all devices stand, at one moment. Never waits.
    pub fn all(&self) -> Arc<HashMap<Uuid, Seen>> {
        self.published.read().devices
    }

    /// How the looking goes; none when no InfluxDB is configured. Never waits.
    pub fn stats(&self) -> Option<Stats> {
        let task = self.task.as_ref()?;
        let Findings { devices, last_look, looks_done, looks_failed } = self.published.read();
        let count = |connection| devices.values().filter(|seen| seen.connection == connection).count();
        Some(Stats {
            devices: Connection::ALL.map(|connection| (connection, count(connection))).to_vec(),
            last_look,
            looks_done,
            looks_failed,
            requests: task.counts.read().requests,
        })
    }

    /// Leaves the look under way, saves what is known, and stops.
    pub async fn stop(self) {
        let Some(task) = self.task else { return };
        task.stop.send_replace(true);
        let running = task.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            let _ = running.await;
        }
    }
}

struct Task {
    lookout: Lookout,
    published: Arc<Published>,
    stopping: watch::Receiver<bool>,
    interval: Duration,
    clock: Clock,
}

impl Task {
    async fn run(mut self) {
        let mut backoff = Backoff::from(FIRST_WAIT);
        let mut saved = tokio::time::Instant::now();
        loop {
            let mut stopping = self.stopping.clone();
            let result = tokio::select! {
                result = self.lookout.look() => result,
                // An error means that every handle is gone.
                _ = stopping.wait_for(|stop| *stop) => break,
            };
            let wait = match &result {
                Ok(()) => {
                    backoff.reset();
                    self.interval
                }
                Err(Setback::Away(Trouble::Denied(_))) => Backoff::longest(rand::random()),
                Err(_) => backoff.next(rand::random()),
            };
            match &result {
                Ok(()) => {}
                Err(Setback::Away(reason)) => tracing::warn!(%reason, ?wait, "devices cannot be looked for"),
                Err(Setback::Fault(reason)) => {
                    tracing::error!(%reason, ?wait, "devices cannot be looked for")
                }
            }
            self.publish();
            let now = (self.clock)();
            self.published.change(|findings| match &result {
                Ok(()) => (findings.looks_done, findings.last_look) = (findings.looks_done + 1, Some(now)),
                Err(_) => findings.looks_failed += 1,
            });
            if saved.elapsed() >= SAVE_EVERY {
                self.lookout.save().await;
                saved = tokio::time::Instant::now();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        }
        self.lookout.save().await;
    }

    fn publish(&self) {
        let devices = Arc::new(self.lookout.judge());
        self.published.change(|findings| findings.devices = devices);
    }
}
