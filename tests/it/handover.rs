//! Devices in the field are handed over to a new password or owner: a real InfluxDB, and a device that does what the firmware
//! does.

use crate::support::influx::RealInflux;
use crate::support::{Home, Server, Session};
use crate::v2::findings;
use chrono::Utc;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A step is some looks and three missed posts; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(150);

/// A device in the field: it goes by what it was flashed with, and by what it has polled since. What is refused it keeps, and
/// sends again.
struct Firmware {
    uuid: String,
    /// The database and the password.
    knows: Mutex<(String, String)>,
    /// Without a connection it measures all the same.
    connected: AtomicBool,
    polls: AtomicBool,
    measured: AtomicUsize,
    buffer: Mutex<Vec<String>>,
}

impl Firmware {
    /// Flashed with what the record of a karana says; posts each second, from now on.
    fn start(influx: &Arc<RealInflux>, karana: &Value) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let knows = (text(&karana["owner"]), text(&karana["config"]["password"]));
        let firmware = Arc::new(Self {
            uuid: text(&karana["uuid"]),
            knows: Mutex::new(knows),
            connected: AtomicBool::new(true),
            polls: AtomicBool::new(true),
            measured: AtomicUsize::new(0),
            buffer: Mutex::default(),
        });
        let (influx, device) = (influx.clone(), firmware.clone());
        let task = tokio::spawn(async move {
            loop {
                device.measure();
                if device.connected.load(SeqCst) {
                    device.post(&influx).await;
                    device.poll(&influx).await;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        (firmware, task)
    }

    fn knows(&self) -> (String, String) {
        self.knows.lock().unwrap().clone()
    }

    fn measure(&self) {
        let number = self.measured.fetch_add(1, SeqCst);
        let line = format!("data,KID={} number={number}i {}", self.uuid, Utc::now().timestamp());
        self.buffer.lock().unwrap().push(line);
    }

    async fn post(&self, influx: &RealInflux) {
        let (database, password) = self.knows();
        let lines = self.buffer.lock().unwrap().clone();
        if influx.write(&self.uuid, &password, &database, &lines.join("\n")).await == 204 {
            self.buffer.lock().unwrap().drain(..lines.len());
        }
    }

    async fn poll(&self, influx: &RealInflux) {
        if !self.polls.load(SeqCst) {
            return;
        }
        let (database, password) = self.knows();
        let query = format!("select last(v),data from config where id='{}'", self.uuid);
        let (_, answer) = influx.query(&self.uuid, &password, &database, &query).await;
        let line = answer["results"][0]["series"][0]["values"][0][2].as_str();
        if let Some(line) = line {
            let parts: Vec<&str> = line.split('%').collect();
            *self.knows.lock().unwrap() = (parts[3].to_owned(), parts[4].to_owned());
        }
    }
}

struct World {
    influx: Arc<RealInflux>,
    server: Option<Server>,
    home: Home,
}

impl World {
    /// A server whose units are seconds, so that it looks every five of them.
    async fn start() -> (Self, Session) {
        let influx = Arc::new(RealInflux::start().await);
        let to = influx.settings();
        let home = Home::new(&format!(
            "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n[fleet]\npost_int_unit = 1s\n",
            to.host, to.port, to.user, to.pass
        ));
        let mut world = Self { influx, server: None, home };
        let admin = world.serve().await;
        (world, admin)
    }

    async fn serve(&mut self) -> Session {
        self.server = None;
        let server = self.server.insert(self.home.serve());
        server.admin().await
    }

    /// Ends the server without a word, and starts it anew.
    async fn crash(&mut self) -> Session {
        self.server.take().unwrap().kill();
        self.serve().await
    }

    /// A karana that posts every two seconds, provisioned.
    async fn karana(&self, admin: &Session, owner: &str) -> Value {
        let body = json!({"name": "Roof", "owner": owner, "config": {"post_int": 2}});
        let karana = admin.made("karanas", &body).await;
        admin.post("/v1/sync/all/db", &Value::Null).await.results();
        karana
    }

    /// How many different measurements have arrived in the databases of owners.
    async fn arrived(&self, owners: &[&str]) -> usize {
        let mut numbers = std::collections::BTreeSet::new();
        for owner in owners {
            let rows = self.influx.rows(&format!("SELECT number FROM \"{owner}\"..data")).await;
            numbers.extend(rows.iter().map(|row| row[1].as_i64().unwrap()));
        }
        numbers.len()
    }
}

async fn status(admin: &Session, karana: &Value) -> Value {
    admin.found(&format!("/v2/karanas/{}/status", text(&karana["uuid"]))).await
}

async fn until(what: &str, admin: &Session, karana: &Value, done: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let status = status(admin, karana).await;
        if done(&status) {
            return status;
        }
        assert!(begin.elapsed() < PATIENCE, "never came true: {what}: {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_seen(admin: &Session, karana: &Value) {
    until("it is seen", admin, karana, |status| status["connection"] == "online").await;
}

async fn until_over(admin: &Session, karana: &Value) {
    until("it is over", admin, karana, |status| status.get("handover").is_none()).await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn path(karana: &Value) -> String {
    format!("/v2/karanas/{}", text(&karana["uuid"]))
}

async fn rotate(admin: &Session, karana: &Value) -> Value {
    let rotated =
        admin.send("POST", &format!("{}/rotate?handover=remote", path(karana)), &Value::Null, &[]).await;
    assert!(rotated.header("karana-notice").contains("keeps its password"), "{rotated:?}");
    rotated.json(200)
}

#[tokio::test]
async fn a_device_learns_its_new_password_and_loses_no_point_over_a_crash_either() {
    let (mut world, admin) = World::start().await;
    let owner = admin.person("client", "owner").await;
    let karana = world.karana(&admin, &owner.uuid).await;
    let (firmware, field) = Firmware::start(&world.influx, &karana);
    until_seen(&admin, &karana).await;
    let rotated = rotate(&admin, &karana).await;
    assert_ne!(rotated["config"]["password"], karana["config"]["password"]);
    let again =
        admin.send("POST", &format!("{}/rotate?handover=remote", path(&karana)), &Value::Null, &[]).await;
    assert_eq!(findings(&again.problem(409, "conflict")), [("handover".into(), "under_way".into())]);
    let handover = status(&admin, &karana).await["handover"].clone();
    assert_eq!((&handover["step"], &handover["tries"]), (&json!("offered"), &json!(0)));
    let admin = world.crash().await;
    let tried = until("it is tried", &admin, &karana, |status| status["handover"]["step"] == "tried").await;
    assert_eq!(tried["handover"]["tries"], 1);
    let admin = world.crash().await;
    until_over(&admin, &karana).await;
    let owner = text(&karana["owner"]);
    assert_eq!(firmware.knows(), (owner.clone(), text(&rotated["config"]["password"])));
    let old = text(&karana["config"]["password"]);
    assert_eq!(world.influx.write(&firmware.uuid, &old, &owner, "data number=0i").await, 401);
    field.abort();
    firmware.post(&world.influx).await;
    assert_eq!(world.arrived(&[&owner]).await, firmware.measured.load(SeqCst), "nothing is lost");
}

#[tokio::test]
async fn a_pause_that_had_another_reason_has_the_old_password_put_back() {
    let (world, admin) = World::start().await;
    let owner = admin.person("client", "owner").await;
    let karana = world.karana(&admin, &owner.uuid).await;
    let (firmware, _field) = Firmware::start(&world.influx, &karana);
    until_seen(&admin, &karana).await;
    firmware.polls.store(false, SeqCst);
    firmware.connected.store(false, SeqCst);
    let rotated = rotate(&admin, &karana).await;
    until("it is tried", &admin, &karana, |status| status["handover"]["step"] == "tried").await;
    let back = |status: &Value| status["handover"]["step"] == "offered" && status["handover"]["tries"] == 1;
    until("it is put back", &admin, &karana, back).await;
    firmware.connected.store(true, SeqCst);
    until("it posts with the old one", &admin, &karana, |status| status["connection"] == "online").await;
    assert_eq!(firmware.knows().1, text(&karana["config"]["password"]));
    firmware.polls.store(true, SeqCst);
    until_over(&admin, &karana).await;
    assert_eq!(firmware.knows().1, text(&rotated["config"]["password"]));
}

#[tokio::test]
async fn a_device_that_moves_posts_to_its_new_owner_before_it_loses_the_old_one() {
    let (world, admin) = World::start().await;
    let (old, new) = (admin.person("client", "old").await, admin.person("client", "new").await);
    let karana = world.karana(&admin, &old.uuid).await;
    let (firmware, field) = Firmware::start(&world.influx, &karana);
    until_seen(&admin, &karana).await;
    let moved = admin
        .send("PATCH", &format!("{}?handover=remote", path(&karana)), &json!({"owner": new.uuid}), &[])
        .await;
    assert!(moved.header("karana-notice").contains("stays with the former owner"), "{moved:?}");
    let moved = moved.json(200);
    assert_eq!(status(&admin, &karana).await["handover"]["step"], "moving");
    until_over(&admin, &karana).await;
    assert_eq!(firmware.knows(), (new.uuid.clone(), text(&moved["config"]["password"])));
    let grants = world.influx.rows(&format!("SHOW GRANTS FOR \"{}\"", firmware.uuid)).await;
    let granted: Vec<&Value> = grants.iter().filter(|row| row[1] != "NO PRIVILEGES").collect();
    assert_eq!(granted, [&json!([new.uuid, "ALL PRIVILEGES"])]);
    field.abort();
    firmware.post(&world.influx).await;
    assert_eq!(world.arrived(&[&old.uuid, &new.uuid]).await, firmware.measured.load(SeqCst));
    assert!(world.arrived(&[&old.uuid]).await > 0, "what it had posted stays");
}

#[tokio::test]
async fn by_hand_it_goes_at_once_and_ends_what_is_under_way() {
    let (world, admin) = World::start().await;
    let (old, new) = (admin.person("client", "old").await, admin.person("client", "new").await);
    let karana = world.karana(&admin, &old.uuid).await;
    rotate(&admin, &karana).await;
    let by_hand = admin.send("POST", &format!("{}/rotate", path(&karana)), &Value::Null, &[]).await;
    assert!(by_hand.header("karana-notice").contains("flashed"), "{by_hand:?}");
    let password = text(&by_hand.json(200)["config"]["password"]);
    assert_eq!(status(&admin, &karana).await.get("handover"), None);
    admin.post("/v1/sync/all/db", &Value::Null).await.results();
    let uuid = text(&karana["uuid"]);
    assert_eq!(world.influx.write(&uuid, &password, &old.uuid, "data number=0i").await, 204);
    let moved = admin.send("PATCH", &path(&karana), &json!({"owner": new.uuid}), &[]).await;
    assert!(moved.header("karana-notice").contains("former owner"), "{moved:?}");
    let renamed = admin.send("PATCH", &path(&karana), &json!({"name": "Barn"}), &[]).await;
    assert_eq!(renamed.header("karana-notice"), "", "that is nothing to a device");
}

#[tokio::test]
async fn a_batch_that_changes_the_owner_ends_it_and_another_one_may_begin() {
    let (world, admin) = World::start().await;
    let (old, new) = (admin.person("client", "old").await, admin.person("client", "new").await);
    let karana = world.karana(&admin, &old.uuid).await;
    rotate(&admin, &karana).await;
    assert_eq!(status(&admin, &karana).await["handover"]["step"], "offered");
    let uuid = text(&karana["uuid"]);
    let operation = json!({"op": "update", "resource": "karanas", "uuid": uuid, "data": {"owner": new.uuid}});
    admin.send("POST", "/v2/batch", &json!({"operations": [operation]}), &[]).await.json(200);
    assert_eq!(status(&admin, &karana).await.get("handover"), None);
    rotate(&admin, &karana).await;
    assert_eq!(status(&admin, &karana).await["handover"]["step"], "offered");
}

#[tokio::test]
async fn a_device_whose_clock_is_ahead_is_not_handed_over() {
    let (world, admin) = World::start().await;
    let owner = admin.person("client", "owner").await;
    let karana = world.karana(&admin, &owner.uuid).await;
    let (uuid, password) = (text(&karana["uuid"]), text(&karana["config"]["password"]));
    let ahead = format!("data,KID={uuid} number=0i {}", Utc::now().timestamp() + 7200);
    assert_eq!(world.influx.write(&uuid, &password, &owner.uuid, &ahead).await, 204);
    until("it is seen", &admin, &karana, |status| status["clock_ahead"] == true).await;
    let call = format!("{}/rotate?handover=remote", path(&karana));
    let refused = admin.send("POST", &call, &Value::Null, &[]).await;
    assert_eq!(findings(&refused.problem(409, "conflict")), [("handover".into(), "clock_ahead".into())]);
    assert_eq!(admin.found(&path(&karana)).await, karana);
    assert_eq!(status(&admin, &karana).await.get("handover"), None);
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_refused_and_changes_nothing() {
    let (world, admin) = World::start().await;
    let owner = admin.person("client", "owner").await;
    let karana = world.karana(&admin, &owner.uuid).await;
    let stock = admin.made("karanas", &json!({"name": "Stock", "owner": null, "config": {}})).await;
    let useless = [("handover".to_owned(), "useless".to_owned())];
    for (path, body) in [
        (path(&karana), json!({"name": "Barn"})),
        (path(&karana), json!({"owner": null})),
        (path(&stock), json!({"owner": owner.uuid})),
    ] {
        let refused = admin.send("PATCH", &format!("{path}?handover=remote"), &body, &[]).await;
        assert_eq!(findings(&refused.problem(409, "conflict")), useless, "{path} {body}");
    }
    let refused =
        admin.send("POST", &format!("{}/rotate?handover=remote", path(&stock)), &Value::Null, &[]).await;
    assert_eq!(findings(&refused.problem(409, "conflict")), useless);
    let refused =
        admin.send("POST", &format!("{}/rotate?handover=van", path(&karana)), &Value::Null, &[]).await;
    assert_eq!(findings(&refused.problem(400, "invalid")), [("handover".into(), "enum".into())]);
    let in_body = json!({"handover": "remote"});
    let refused = admin.send("POST", &format!("{}/rotate", path(&karana)), &in_body, &[]).await;
    assert!(text(&refused.problem(400, "bad_request")["detail"]).contains("query"), "it would go by hand");
    assert_eq!(admin.found(&path(&karana)).await, karana);
    assert_eq!(status(&admin, &karana).await.get("handover"), None);

    let alone = Server::start();
    let admin = alone.admin().await;
    let owner = admin.person("client", "owner").await;
    let karana = admin.made("karanas", &json!({"name": "Roof", "owner": owner.uuid, "config": {}})).await;
    let refused =
        admin.send("POST", &format!("{}/rotate?handover=remote", path(&karana)), &Value::Null, &[]).await;
    assert_eq!(findings(&refused.problem(409, "conflict")), [("handover".into(), "no_back_end".into())]);
}
