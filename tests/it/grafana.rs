//! Sync with Grafana: against a fake, or a real one where `TEST_GRAFANA_URL` names it (see docs/grafana.md).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use karana::sync::GrafanaSettings;
use karana::sync::grafana::Reconciler;
use karana::sync::grafana::alerts::{AlertSettings, Webhook};
use karana::sync::{BackEnd, Depth, Device, Fleet, Owner, Progress, Round, Scope, Setback, Step};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::grafana::{Fault, Grafana};

mod alerts;
mod changes;
mod crashes;
mod isolation;
mod trouble;

/// A Grafana, and a fleet that can be changed.
struct World {
    folder: TempDir,
    grafana: Grafana,
    fleet: Arc<Mutex<Fleet>>,
    alerts: Mutex<Option<AlertSettings>>,
    stop: watch::Sender<bool>,
}

impl World {
    async fn new(fleet: Fleet) -> Self {
        Self::with(Grafana::start("http://influx.test:8086").await, fleet)
    }

    /// With a fake, whatever there is.
    async fn faked(fleet: Fleet) -> Self {
        Self::with(Grafana::fake("http://influx.test:8086").await, fleet)
    }

    fn with(grafana: Grafana, fleet: Fleet) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            grafana,
            fleet: Arc::new(Mutex::new(fleet)),
            alerts: Mutex::default(),
            stop: watch::channel(false).0,
        }
    }

    /// One that knows what the state file holds, as after a start.
    fn reconciler(&self) -> Reconciler {
        let fleet = self.fleet.clone();
        Reconciler::new(
            GrafanaSettings { alerts: self.alerts.lock().unwrap().clone(), ..self.grafana.settings() },
            self.state_file(),
            Arc::new(move || fleet.lock().unwrap().clone()),
            chrono::Utc::now,
            self.stop.subscribe(),
        )
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state/grafana.json")
    }

    /// Whether and whom the next reconciler has told: nobody, the owner, or a URL.
    fn set_alerts(&self, told: Option<Option<&str>>) {
        let post_int_unit = std::time::Duration::from_secs(60);
        let settings = |url: Option<&str>| AlertSettings { webhook: url.map(Webhook::new), post_int_unit };
        *self.alerts.lock().unwrap() = told.map(settings);
    }

    fn change(&self, edit: impl FnOnce(&mut Fleet)) {
        edit(&mut self.fleet.lock().unwrap());
    }

    fn fleet(&self) -> Fleet {
        self.fleet.lock().unwrap().clone()
    }

    /// What an owner's organization holds.
    async fn seen(&self, owner: &Owner) -> crate::support::grafana::Seen {
        self.grafana.seen(owner.uuid).await.unwrap()
    }

    /// Whether an owner gets into Grafana.
    async fn lets_in(&self, owner: &Owner) -> bool {
        let who = (owner.email.as_str(), owner.password_grafana.as_str());
        self.grafana.send(who, "GET", "/api/user", None, None).await.0 == 200
    }
}

/// A round without failures, after which there is nothing left to do; how many actions it took.
async fn settle(reconciler: &mut Reconciler, depth: Depth) -> usize {
    let round = round(reconciler, depth).await.unwrap();
    assert_eq!((&round.failures[..], round.retry), (&[][..], false));
    assert_eq!(planned(reconciler).await, [""; 0]);
    round.actions_done
}

async fn round(reconciler: &mut Reconciler, depth: Depth) -> Result<Round, Setback> {
    reconciler.round(depth, Scope::All, &|| false, &watch::Sender::new(Progress::default())).await
}

async fn planned(reconciler: &Reconciler) -> Vec<String> {
    reconciler.outlook(Scope::All).await.unwrap().steps.iter().map(Step::to_string).collect()
}

fn owner() -> Owner {
    let uuid = Uuid::new_v4();
    Owner {
        uuid,
        password: password(),
        suspended: false,
        unpaid_since: None,
        email: format!("{}@example.com", uuid.simple()),
        name: "Ada".into(),
        password_grafana: password(),
    }
}

fn device(owner: &Owner, name: &str) -> Device {
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
        name: name.into(),
        kid: None,
        handover: None,
    }
}

fn password() -> String {
    Uuid::new_v4().simple().to_string()[..16].to_uppercase()
}

/// Two owners: one with two devices, one with one.
fn fleet() -> Fleet {
    let owners = vec![owner(), owner()];
    let devices = vec![device(&owners[0], "Roof"), device(&owners[0], "Barn"), device(&owners[1], "Roof")];
    Fleet { owners, devices }
}

fn board(device: &Device) -> String {
    format!("k-{}", device.uuid.simple())
}

fn home(owner: &Owner) -> String {
    format!("h-{}", owner.uuid.simple())
}

#[tokio::test]
async fn an_owner_gets_an_organization_with_all_that_it_needs() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    assert!(!planned(&reconciler).await.is_empty());
    assert_eq!(world.grafana.seen(world.fleet().owners[0].uuid).await, None, "a plan changes nothing");
    settle(&mut reconciler, Depth::Full).await;

    let Fleet { owners, devices } = world.fleet();
    for owner in &owners {
        let seen = world.seen(owner).await;
        assert_eq!(seen.members, [(owner.email.clone(), "Viewer".to_owned())]);
        let [source] = &seen.datasources[..] else { panic!("{:?}", seen.datasources) };
        for (name, value) in [
            ("uid", format!("k-{}", owner.uuid.simple())),
            ("type", "influxdb".into()),
            ("access", "proxy".into()),
            ("url", "http://influx.test:8086".into()),
            ("user", owner.uuid.to_string()),
            ("database", owner.uuid.to_string()),
        ] {
            assert_eq!(source[name], value, "{name}");
        }
        assert_eq!(source["jsonData"]["dbName"], owner.uuid.to_string());
        assert!(!source.to_string().contains(&owner.password));
        let of_it = devices.iter().filter(|device| device.owner == Some(owner.uuid));
        let mut boards: Vec<_> = of_it.map(board).chain([home(owner)]).collect();
        boards.sort();
        assert_eq!(seen.dashboards.keys().cloned().collect::<Vec<_>>(), boards);
        assert_eq!(seen.home, home(owner));
        assert!(world.lets_in(owner).await);
        let orgs = world.grafana.user(&owner.email).await.unwrap();
        let path = format!("/api/users/{}/orgs", orgs["id"]);
        let orgs = world.grafana.admin("GET", &path, None, None).await;
        assert_eq!(orgs.as_array().unwrap().len(), 1, "in its own organization alone: {orgs}");
    }
    let state = std::fs::read_to_string(world.state_file()).unwrap();
    for owner in &owners {
        assert!(!state.contains(&owner.password) && !state.contains(&owner.password_grafana));
    }
}

#[tokio::test]
async fn a_round_with_nothing_to_do_is_cheap_and_writes_nothing() {
    let owners: Vec<_> = (0..20).map(|_| owner()).collect();
    let devices = owners.iter().map(|owner| device(owner, "Roof")).collect();
    let world = World::faked(Fleet { owners, devices }).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let fake = world.grafana.faked();
    assert!((2..=8).contains(&fake.most_at_a_time()), "{} at a time", fake.most_at_a_time());
    for mut reconciler in [reconciler, world.reconciler()] {
        fake.fail(Fault::None);
        assert_eq!(round(&mut reconciler, Depth::Quick).await.unwrap().actions_done, 0);
        assert_eq!(
            fake.log(),
            ["GET /api/health", "GET /api/orgs?perpage=1000&page=0", "GET /api/users?perpage=1000&page=1"]
        );
        fake.fail(Fault::None);
        assert_eq!(round(&mut reconciler, Depth::Full).await.unwrap().actions_done, 0);
        assert!(fake.log().iter().all(|request| request.starts_with("GET ")));
    }
    // One change looks at one organization.
    world.change(|fleet| fleet.devices[3].name = "Barn".into());
    let mut reconciler = world.reconciler();
    fake.fail(Fault::None);
    assert_eq!(round(&mut reconciler, Depth::Quick).await.unwrap().actions_done, 2, "its own, and the home");
    assert!(fake.requests() <= 13, "{:?}", fake.log());
}

#[tokio::test]
async fn more_organizations_than_fit_in_one_page_are_all_seen() {
    let world = World::faked(fleet()).await;
    for n in 0..1100 {
        world.grafana.admin("POST", "/api/orgs", None, Some(json!({"name": format!("other {n}")}))).await;
    }
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    // Of another server's time: its state is gone, and what is there is found to be there.
    std::fs::remove_file(world.state_file()).unwrap();
    let sizes = world.grafana.faked().sizes();
    settle(&mut world.reconciler(), Depth::Full).await;
    assert_eq!(world.grafana.faked().sizes(), sizes);
}

#[tokio::test]
async fn what_the_server_never_made_is_left_alone() {
    let world = World::new(fleet()).await;
    let name = format!("stranger-{}", Uuid::new_v4());
    let grafana = &world.grafana;
    let id = grafana.admin("POST", "/api/orgs", None, Some(json!({"name": name}))).await["orgId"].as_i64();
    let body = json!({"login": name, "email": format!("{name}@example.com"), "name": "x", "password": "abcdef", "OrgId": id});
    grafana.admin("POST", "/api/admin/users", None, Some(body)).await;
    let dashboard = json!({"uid": format!("k-{}", Uuid::new_v4().simple()), "title": "Mine", "tags": ["karana"], "panels": []});
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    // In an organization of ours, too.
    let one = world.seen(&world.fleet().owners[0]).await.id;
    let body = json!({"dashboard": dashboard, "overwrite": false});
    grafana.admin("POST", "/api/dashboards/db", Some(one), Some(body)).await;
    settle(&mut reconciler, Depth::Full).await;
    let seen = world.seen(&world.fleet().owners[0]).await;
    assert!(seen.dashboards.contains_key(dashboard["uid"].as_str().unwrap()));
    assert!(grafana.user(&name).await.is_some());
    assert_eq!(grafana.ask("GET", &format!("/api/orgs/name/{name}"), None, None).await.0, 200);
}

/// A value of JSON that is a text.
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
