//! Sync against a real InfluxDB 1.x.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use karana::error::Error;
use karana::sync::{Count, Device, Fleet, INFLUXDB, InfluxSettings, Owner, Report, Scope, Settings, Sync};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::influx::RealInflux;

mod faults;
mod fleet;
mod records;
mod trouble;

/// A fleet that can be changed, and a sync that follows it.
struct World {
    folder: TempDir,
    fleet: Arc<Mutex<Fleet>>,
    changes: watch::Sender<u64>,
    settings: Settings,
}

impl World {
    fn new(influx: InfluxSettings, fleet: Fleet) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            influx: Some(influx),
            on_change: false,
            interval: Duration::from_secs(3600),
            drop_data: false,
            state_file: folder.path().join("state/sync.json"),
            grafana: None,
            grafana_state_file: folder.path().join("state/grafana.json"),
        };
        Self { folder, fleet: Arc::new(Mutex::new(fleet)), changes: watch::channel(0).0, settings }
    }

    fn start(&self) -> Sync {
        let fleet = self.fleet.clone();
        let fleet = Arc::new(move || fleet.lock().unwrap().clone());
        Sync::start(self.settings.clone(), fleet, self.changes.subscribe())
    }

    fn change(&self, edit: impl FnOnce(&mut Fleet)) {
        edit(&mut self.fleet.lock().unwrap());
        self.changes.send_modify(|revision| *revision += 1);
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state/sync.json")
    }
}

pub fn owner() -> Owner {
    let uuid = Uuid::new_v4();
    Owner {
        uuid,
        password: password(),
        suspended: false,
        unpaid_since: None,
        email: format!("{uuid}@example.com"),
        name: "Ada".into(),
        password_grafana: password(),
    }
}

pub fn device(owner: &Owner) -> Device {
    Device {
        uuid: Uuid::new_v4(),
        owner: Some(owner.uuid),
        password: password(),
        series: "data".into(),
        signal: 10,
        post_int: 30,
        get_int: 6,
        suspended: false,
        unpaid_since: None,
        name: "Roof".into(),
        kid: None,
        handover: None,
    }
}

pub fn password() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_uppercase()
}

/// Two owners with two devices each.
pub fn fleet() -> Fleet {
    let owners = vec![owner(), owner()];
    let devices = owners.iter().flat_map(|owner| [device(owner), device(owner)]).collect();
    Fleet { owners, devices }
}

pub fn line(device: &Device, owner: &Owner) -> String {
    let Device { series, password, .. } = device;
    format!("%influx.test:8086%{series}%{}%{password}%10%30%6%", owner.uuid)
}

/// Everything about `device` as it meets the server: it signs in, writes and reads its own owner's database,
/// finds its line there, and is refused by the database of `stranger`.
async fn works(influx: &RealInflux, device: &Device, owner: &Owner, stranger: &Owner) {
    let (user, own, foreign) = (device.uuid.to_string(), owner.uuid.to_string(), stranger.uuid.to_string());
    let point = format!("data,KID={user} t=1i {}", 1_500_000_000);
    assert_eq!(influx.write(&user, &device.password, &own, &point).await, 204);
    assert_eq!(influx.write(&user, &device.password, &foreign, &point).await, 403);
    assert_eq!(influx.query(&user, &device.password, &foreign, "SELECT * FROM data").await.0, 403);
    let poll = format!("SELECT last(v), data FROM config WHERE id = '{user}'");
    let (status, answer) = influx.query(&user, &device.password, &own, &poll).await;
    assert_eq!(status, 200);
    assert_eq!(answer["results"][0]["series"][0]["values"][0][2], line(device, owner), "{answer}");
    let (status, answer) = influx.query(&own, &owner.password, &own, "SELECT * FROM data").await;
    assert_eq!((status, &answer["results"][0]["error"]), (200, &Value::Null), "the owner reads");
    assert_eq!(influx.write(&own, &owner.password, &own, &point).await, 403, "and does not write");
    assert_eq!(influx.query(&own, &owner.password, &foreign, "SELECT * FROM data").await.0, 403);
}

async fn grants(influx: &RealInflux, user: Uuid) -> BTreeSet<(String, String)> {
    let rows = influx.rows(&format!("SHOW GRANTS FOR \"{user}\"")).await;
    let rows = rows.iter().map(|row| (row[0].as_str().unwrap().into(), row[1].as_str().unwrap().into()));
    rows.filter(|(_, privilege): &(String, String)| privilege != "NO PRIVILEGES").collect()
}

async fn names(influx: &RealInflux, statement: &str) -> BTreeSet<String> {
    influx.rows(statement).await.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

fn all(database: Uuid) -> BTreeSet<(String, String)> {
    [(database.to_string(), "ALL PRIVILEGES".to_owned())].into()
}

fn count(synced: usize, failed: usize) -> Count {
    Count { synced, failed }
}

/// A full run without failures; a plan right after it is empty.
async fn settle(sync: &Sync) -> Report {
    let report = sync.run(Scope::All).await.unwrap();
    assert_eq!(report.failures, []);
    assert_eq!(sync.plan(Scope::All).await.unwrap().steps, []);
    report
}

fn reason(result: Result<Report, Error>) -> String {
    match result {
        Err(Error::Unavailable(reason)) => reason,
        other => panic!("expected Unavailable: {other:?}"),
    }
}

/// Waits for what the background task is to bring about.
async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !check().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Settings for a server that is not there.
fn no_server() -> InfluxSettings {
    InfluxSettings {
        host: "127.0.0.1".into(),
        port: 1,
        user: "admin".into(),
        pass: "secret".into(),
        token: None,
        org: None,
        ssl: false,
        device_host: "influx.test".into(),
        device_port: 8086,
        retention: None,
    }
}
