//! Telling other servers what happens: real receivers, and a real InfluxDB where devices post or records fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use karana::sync::presence::{self, Presence, Roster, Watched};
use karana::sync::webhooks::{About, Delivery, Key, Kind, Settings, State, Webhooks};
use karana::sync::{self, Fleet, InfluxSettings, Sync};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::receiver::{KEY, Manner, Receiver};

mod delivery;
mod news;
mod served;

/// A folder, a clock that can be moved, and what webhooks hear of.
struct World {
    folder: TempDir,
    influx: Option<InfluxSettings>,
    roster: Arc<Mutex<Roster>>,
    fleet: Arc<Mutex<Fleet>>,
    clock: Arc<Mutex<DateTime<Utc>>>,
    /// From one try to the next.
    waits: Vec<Duration>,
    limit: Duration,
    /// Never changes.
    changes: watch::Sender<u64>,
}

/// What a server has running.
struct Started {
    presence: Presence,
    sync: Sync,
    webhooks: Webhooks,
}

impl World {
    fn new(influx: Option<InfluxSettings>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            influx,
            roster: Arc::default(),
            fleet: Arc::default(),
            clock: Arc::new(Mutex::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap())),
            waits: [50, 100, 200, 400, 800].map(Duration::from_millis).to_vec(),
            limit: Duration::from_secs(1),
            changes: watch::channel(0).0,
        }
    }

    /// Without a back end, at the true time: for deliveries.
    fn bare() -> Self {
        let world = Self::new(None);
        world.set(Utc::now());
        world
    }

    fn set(&self, time: DateTime<Utc>) {
        *self.clock.lock().unwrap() = time;
    }

    fn start(&self, receivers: &[&Receiver]) -> Started {
        let is_moved = self.influx.is_some();
        let clock = self.clock.clone();
        let clock: karana::store::Clock =
            Arc::new(move || if is_moved { *clock.lock().unwrap() } else { Utc::now() });
        let roster = self.roster.clone();
        let presence = Presence::start(
            presence::Settings {
                influx: self.influx.clone().filter(|_| !self.roster.lock().unwrap().devices.is_empty()),
                post_int_unit: Duration::from_secs(60),
                interval: Duration::from_millis(20),
                state_file: self.folder.path().join("presence.json"),
            },
            Arc::new(move || roster.lock().unwrap().clone()),
            clock.clone(),
        );
        let fleet = self.fleet.clone();
        let sync = Sync::start(
            sync::Settings {
                influx: self.influx.clone().filter(|_| !self.fleet.lock().unwrap().owners.is_empty()),
                grafana: None,
                on_change: false,
                interval: Duration::from_secs(3600),
                drop_data: false,
                state_file: self.folder.path().join("sync.json"),
                grafana_state_file: self.folder.path().join("grafana.json"),
            },
            Arc::new(move || fleet.lock().unwrap().clone()),
            self.changes.subscribe(),
        );
        let settings = Settings {
            destinations: receivers.iter().map(|receiver| receiver.url()).collect(),
            key: Key::new(KEY.to_vec()),
            events: Kind::ALL.to_vec(),
            state_file: self.folder.path().join("webhooks.json"),
            waits: self.waits.clone(),
            limit: self.limit,
        };
        let describe = |_| About { name: Some("Roof".into()), owner: None };
        let webhooks = Webhooks::start(settings, &presence, &sync, Arc::new(describe), clock);
        Started { presence, sync, webhooks }
    }
}

impl Started {
    async fn stop(self) {
        tokio::join!(self.webhooks.stop(), self.presence.stop(), self.sync.stop());
    }

    /// Waits, and then for looks that have begun since.
    async fn look_after(&self, world: &World, time: TimeDelta) {
        *world.clock.lock().unwrap() += time;
        let before = self.presence.stats().unwrap().looks_done;
        eventually("two more looks", || self.presence.stats().unwrap().looks_done >= before + 2).await;
    }

    fn deliveries(&self, state: State) -> Vec<Delivery> {
        self.webhooks.latest(500).into_iter().filter(|one| one.state == state).collect()
    }
}

async fn eventually(what: &str, check: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !check() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Long enough for what must not come.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
