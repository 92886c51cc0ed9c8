//! Sync with an InfluxDB 2: against a fake, or a real one where `TEST_INFLUX2_URL` names it (see docs/influxdb.md).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use karana::sync::{
    BackEnd, Depth, Device, Fleet, InfluxReconciler, InfluxSettings, Owner, Progress, Round, Scope, Setback,
    Step,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::influx2::{Fault, Influx2, Seen};
use crate::sync::{device, fleet, line, owner, password};

mod changes;
mod crashes;
mod retention;
mod seen;
mod trouble;

/// An InfluxDB, and a fleet that can be changed.
struct World {
    folder: TempDir,
    influx: Influx2,
    settings: InfluxSettings,
    drop_data: bool,
    fleet: Arc<Mutex<Fleet>>,
    stop: watch::Sender<bool>,
}

impl World {
    async fn new(fleet: Fleet) -> Self {
        Self::with(Influx2::start().await, fleet)
    }

    /// With a fake, whatever there is.
    async fn faked(fleet: Fleet) -> Self {
        Self::with(Influx2::fake("v2.7.1").await, fleet)
    }

    fn with(influx: Influx2, fleet: Fleet) -> Self {
        let (folder, settings) = (tempfile::tempdir().unwrap(), influx.settings());
        let (fleet, stop) = (Arc::new(Mutex::new(fleet)), watch::channel(false).0);
        Self { folder, influx, settings, drop_data: false, fleet, stop }
    }

    /// One that knows what the state file holds, as after a start.
    fn reconciler(&self) -> InfluxReconciler {
        self.reconciler_at(Utc::now)
    }

    fn reconciler_at(&self, clock: fn() -> DateTime<Utc>) -> InfluxReconciler {
        let fleet = self.fleet.clone();
        InfluxReconciler::new(
            self.settings.clone(),
            self.drop_data,
            self.state_file(),
            Arc::new(move || fleet.lock().unwrap().clone()),
            clock,
            self.stop.subscribe(),
        )
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state/sync.json")
    }

    fn change(&self, edit: impl FnOnce(&mut Fleet)) {
        edit(&mut self.fleet.lock().unwrap());
    }

    fn fleet(&self) -> Fleet {
        self.fleet.lock().unwrap().clone()
    }

    /// Everything about `device` as it meets the server: it posts to its own owner's database and finds its line there, by the
    /// firmware's own requests, and has no part in that of `stranger`; its owner reads, and reads nothing else.
    async fn works(&self, device: &Device, owner: &Owner, stranger: &Owner) {
        let (influx, pass) = (&self.influx, device.password.as_str());
        let point = format!("data,KID={} t=1i {}", device.uuid, Utc::now().timestamp());
        assert_eq!(influx.write(device.uuid, pass, owner.uuid, &point).await, 204);
        assert_ne!(influx.write(device.uuid, pass, stranger.uuid, &point).await, 204);
        let poll = format!("select last(v),data from config where id='{}'", device.uuid);
        let (status, answer) = influx.query(device.uuid, pass, owner.uuid, &poll).await;
        assert_eq!(status, 200, "{answer}");
        let last = &answer["results"][0]["series"][0]["values"][0][2];
        assert_eq!(*last, line(device, owner), "{answer}");
        let (of_owner, pass) = (owner.uuid, owner.password.as_str());
        for (status, answer) in [
            influx.query(of_owner, pass, of_owner, "SELECT * FROM data").await,
            influx.query_basic(of_owner, pass, of_owner, "SELECT * FROM data").await,
        ] {
            assert_eq!(status, 200);
            assert!(answer["results"][0]["series"][0]["values"].is_array(), "the owner reads: {answer}");
        }
        assert_ne!(influx.write(of_owner, pass, of_owner, &point).await, 204, "and does not write");
        for (user, pass) in [(device.uuid, &device.password), (owner.uuid, &owner.password)] {
            let foreign = format!("SELECT * FROM \"{}\"..config", stranger.uuid);
            for query in ["SELECT * FROM config", foreign.as_str()] {
                let (_, answer) = influx.query(user, pass, stranger.uuid, query).await;
                assert_eq!(answer["results"][0]["series"], Value::Null, "{answer}");
            }
        }
    }

    /// Whether somebody gets at the database of an owner.
    async fn lets_in(&self, user: Uuid, pass: &str, database: Uuid) -> bool {
        let (status, answer) = self.influx.query(user, pass, database, "SELECT * FROM config").await;
        status == 200 && answer["results"][0]["error"].is_null()
    }
}

/// A round without failures, after which there is nothing left to do; how many actions it took.
async fn settle(reconciler: &mut InfluxReconciler, depth: Depth) -> usize {
    let round = round(reconciler, depth).await.unwrap();
    assert_eq!((&round.failures[..], round.retry), (&[][..], false));
    assert_eq!(planned(reconciler).await, [""; 0]);
    round.actions_done
}

async fn round(reconciler: &mut InfluxReconciler, depth: Depth) -> Result<Round, Setback> {
    reconciler.round(depth, Scope::All, &|| false, &watch::Sender::new(Progress::default())).await
}

async fn planned(reconciler: &InfluxReconciler) -> Vec<String> {
    reconciler.outlook(Scope::All).await.unwrap().steps.iter().map(Step::to_string).collect()
}

fn may(active: bool, actions: &[&str], database: Uuid) -> Seen {
    let permissions = actions.iter().map(|action| ((*action).to_owned(), database.to_string())).collect();
    Seen { active, permissions }
}

#[tokio::test]
async fn each_karana_works_in_its_owners_bucket_and_nowhere_else() {
    for version in ["v2.7.1", "2.3.0", "2.0.9"] {
        let world = World::with(Influx2::fake(version).await, fleet());
        let mut reconciler = world.reconciler();
        assert_eq!(planned(&reconciler).await.len(), 2 * 2 + 4 * 2, "{version}");
        assert_eq!(world.influx.faked().sizes(), [0, 0, 0], "a plan changes nothing");
        settle(&mut reconciler, Depth::Quick).await;
        let Fleet { owners, devices } = world.fleet();
        world.works(&devices[0], &owners[0], &owners[1]).await;
        world.works(&devices[3], &owners[1], &owners[0]).await;
        let mappings = if version == "v2.7.1" { 0 } else { 2 };
        assert_eq!(world.influx.faked().sizes(), [2, 6, mappings], "{version}");
        assert_eq!(settle(&mut reconciler, Depth::Full).await, 0);
        let state = std::fs::read_to_string(world.state_file()).unwrap();
        assert!(!state.contains(&owners[0].password) && !state.contains(&devices[0].password));
    }
}

#[tokio::test]
async fn what_is_made_is_seen_in_influxdb_as_it_was_meant() {
    let world = World::new(fleet()).await;
    settle(&mut world.reconciler(), Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    world.works(&devices[1], &owners[0], &owners[1]).await;
    let [one, _] = &owners[..] else { panic!() };
    assert_eq!(world.influx.seen(one.uuid).await, Some(may(true, &["read"], one.uuid)));
    assert_eq!(world.influx.seen(devices[0].uuid).await, Some(may(true, &["read", "write"], one.uuid)));
    assert_eq!(world.influx.retention(one.uuid).await, 0);
}

#[tokio::test]
async fn a_round_with_nothing_to_do_costs_a_fixed_number_of_requests() {
    for (owners, version, expected) in [(3, "v2.7.1", 4), (30, "v2.7.1", 4), (3, "v2.1.1", 5)] {
        let owners: Vec<_> = (0..owners).map(|_| owner()).collect();
        let devices = owners.iter().flat_map(|owner| [device(owner), device(owner)]).collect();
        let world = World::with(Influx2::fake(version).await, Fleet { owners, devices });
        settle(&mut world.reconciler(), Depth::Quick).await;
        let fake = world.influx.faked();
        fake.fail(Fault::None);
        assert_eq!(round(&mut world.reconciler(), Depth::Quick).await.unwrap().actions_done, 0);
        let log = fake.log();
        assert_eq!(log.len(), expected, "{log:?}");
        assert!(log.iter().all(|request| request.starts_with("GET ")), "{log:?}");
        // A full look reads the config points, many at a time; the rights are listed.
        fake.fail(Fault::None);
        assert_eq!(round(&mut world.reconciler(), Depth::Full).await.unwrap().actions_done, 0);
        assert_eq!(fake.log().len(), expected + 1, "{:?}", fake.log());
        // One change looks at one record.
        world.change(|fleet| fleet.devices[2].password = password());
        fake.fail(Fault::None);
        assert_eq!(round(&mut world.reconciler(), Depth::Quick).await.unwrap().actions_done, 2);
        assert_eq!(
            fake.log().len(),
            expected + 3,
            "its config point, its password, its line: {:?}",
            fake.log()
        );
    }
}

#[tokio::test]
async fn more_buckets_than_fit_in_one_page_are_all_seen() {
    let world = World::faked(fleet()).await;
    let org = world.influx.org().await;
    for n in 0..120 {
        let body = json!({"orgID": org, "name": format!("0-{n}"), "retentionRules": []});
        world.influx.call(reqwest::Method::POST, "/api/v2/buckets", Some(body)).await;
    }
    settle(&mut world.reconciler(), Depth::Full).await;
    // Of another server's time: its state is gone, and what is there is found to be there.
    std::fs::remove_file(world.state_file()).unwrap();
    let sizes = world.influx.faked().sizes();
    let planned = planned(&world.reconciler()).await;
    assert!(planned.iter().all(|step| step.contains("set the user's password")), "{planned:?}");
    settle(&mut world.reconciler(), Depth::Full).await;
    assert_eq!(world.influx.faked().sizes(), sizes);
}
