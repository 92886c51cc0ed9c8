//! `[sync] suspend_unpaid`: whoever does not pay any more is suspended, with a real InfluxDB.

use crate::support::influx::RealInflux;
use crate::support::{Home, PATIENCE, Server, Session, user};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Instant;

/// A server that looks every second, with an owner and two karanas.
struct Scene {
    influx: RealInflux,
    admin: Session,
    owner: Value,
    roof: Value,
    barn: Value,
    _server: Server,
    _home: Home,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Scene {
    async fn with(setting: &str) -> Self {
        let influx = RealInflux::start().await;
        let to = influx.settings();
        let home = Home::new(&format!(
            "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n[sync]\ninterval = 1s\n{setting}\n",
            to.host, to.port, to.user, to.pass
        ));
        let server = home.serve();
        let admin = server.admin().await;
        let owner = admin.made("users", &user("ada")).await;
        let karana = async |name: &str| {
            admin.made("karanas", &json!({"name": name, "owner": owner["uuid"], "config": {}})).await
        };
        let (roof, barn) = (karana("Roof").await, karana("Barn").await);
        Self { influx, owner, roof, barn, _server: server, _home: home, admin }
    }

    async fn paid(&self, karana: &Value, amount: i64, until: TimeDelta) -> String {
        let time = |shift: TimeDelta| (Utc::now() + shift).to_rfc3339_opts(SecondsFormat::Micros, true);
        let payment = json!({"owner": self.owner["uuid"], "karana": karana["uuid"], "amount": amount,
            "currency": "EUR", "paid_at": time(TimeDelta::days(-40)), "valid_until": time(until)});
        text(&self.admin.made("payments", &payment).await["valid_until"]).to_owned()
    }

    /// Whether a karana may write, and its owner may read.
    async fn rights(&self, karana: &Value) -> (bool, bool) {
        let database = text(&self.owner["uuid"]);
        let (device, password) = (text(&karana["uuid"]), text(&karana["config"]["password"]));
        let writes = self.influx.write(device, password, database, "data v=1i").await;
        let password = text(&self.owner["password_influx"]);
        let (_, read) = self.influx.query(database, password, database, "SELECT * FROM data").await;
        (writes == 204, read.get("error").is_none() && read["results"][0].get("error").is_none())
    }

    async fn until(&self, karana: &Value, rights: (bool, bool)) {
        let deadline = Instant::now() + PATIENCE;
        while self.rights(karana).await != rights {
            assert!(Instant::now() < deadline, "{rights:?} of {karana}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn unpaid_since(&self, resource: &str, record: &Value) -> Value {
        let uuid = text(&record["uuid"]);
        let status = self.admin.found(&format!("/v2/{resource}/{uuid}/status")).await;
        let all = self.admin.found("/v2/sync").await;
        let item = all["items"].as_array().unwrap().iter().find(|item| item["uuid"] == *uuid).unwrap();
        let since = status["sync"]["unpaid_since"].clone();
        assert_eq!(item["unpaid_since"], since, "both say the same");
        assert_eq!(self.admin.found(&format!("/v2/{resource}/{uuid}")).await["state"], "active");
        since
    }
}

#[tokio::test]
async fn a_karana_that_is_not_paid_for_any_more_loses_its_right_until_it_is() {
    let scene = Scene::with("suspend_unpaid = true").await;
    scene.until(&scene.roof, (true, true)).await;
    assert_eq!(scene.unpaid_since("karanas", &scene.roof).await, Value::Null, "nothing was ever paid");

    scene.paid(&scene.barn, 500, TimeDelta::days(30)).await;
    let until = scene.paid(&scene.roof, 500, TimeDelta::days(-2)).await;
    // Paid back for a longer time.
    scene.paid(&scene.roof, -500, TimeDelta::days(30)).await;
    scene.until(&scene.roof, (false, true)).await;
    scene.until(&scene.barn, (true, true)).await;
    let since = scene.unpaid_since("karanas", &scene.roof).await;
    let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(time(text(&since)), time(&until));
    for (resource, record) in [("karanas", &scene.barn), ("users", &scene.owner)] {
        assert_eq!(scene.unpaid_since(resource, record).await, Value::Null, "{resource}");
    }

    scene.paid(&scene.roof, 500, TimeDelta::days(30)).await;
    scene.until(&scene.roof, (true, true)).await;
    assert_eq!(scene.unpaid_since("karanas", &scene.roof).await, Value::Null);
}

#[tokio::test]
async fn an_owner_loses_its_right_when_the_time_is_over_without_a_change_to_any_record() {
    let scene = Scene::with("suspend_unpaid = true").await;
    scene.paid(&scene.roof, 500, TimeDelta::seconds(4)).await;
    scene.until(&scene.barn, (true, true)).await;
    // The barn is its owner's, and nothing is paid for it by itself.
    scene.until(&scene.barn, (false, false)).await;
    for (resource, record) in [("karanas", &scene.barn), ("karanas", &scene.roof), ("users", &scene.owner)] {
        assert_ne!(scene.unpaid_since(resource, record).await, Value::Null, "{resource}");
    }
    scene.paid(&scene.roof, 500, TimeDelta::days(1)).await;
    scene.until(&scene.barn, (true, true)).await;
}

#[tokio::test]
async fn without_the_setting_payments_change_nothing() {
    let scene = Scene::with("").await;
    scene.paid(&scene.roof, 500, TimeDelta::days(-2)).await;
    scene.admin.send("POST", "/v2/sync", &Value::Null, &[]).await.json(200);
    assert_eq!(scene.rights(&scene.roof).await, (true, true));
    assert_eq!(scene.unpaid_since("karanas", &scene.roof).await, Value::Null);
}
