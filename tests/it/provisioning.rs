//! The main job, from the API to the device: a record is made over HTTP, and a real InfluxDB lets the device in.

use crate::support::influx::RealInflux;
use crate::support::{Server, Session};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn server_with(influx: &RealInflux) -> (Server, Session) {
    let to = influx.settings();
    let config = format!(
        "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\ndevice_host = influx.example.org\ndevice_port = 80\n",
        to.host, to.port, to.user, to.pass
    );
    let server = Server::start_with(&config, &[]);
    let admin = server.admin().await;
    (server, admin)
}

async fn owner(admin: &Session, name: &str) -> (String, String) {
    let email = format!("{name}@example.com");
    let input = json!({"name": name, "email": email, "credentials": {"login": email, "password": "12345"}});
    let uuid = admin.create("users", &input).await;
    let password = text(&admin.read("users", &uuid).await["password_influx"]);
    (uuid, password)
}

async fn karana(admin: &Session, name: &str, owner: &str) -> (String, String) {
    let uuid =
        admin.create("karanas", &json!({"name": name, "owner": owner, "config": {"post_int": "15"}})).await;
    let password = text(&admin.read("karanas", &uuid).await["config"]["password"]);
    (uuid, password)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Sync runs by itself a moment after a change.
async fn soon(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !done().await {
        assert!(begin.elapsed() < Duration::from_secs(20), "not within 20 seconds: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sync(admin: &Session) -> Value {
    admin.post("/v1/sync/all/db", &Value::Null).await.results()
}

#[tokio::test]
async fn a_new_device_can_send_and_only_its_owner_can_read() {
    let influx = RealInflux::start().await;
    let (_server, admin) = server_with(&influx).await;
    let ((ada, ada_password), (bob, bob_password)) = (owner(&admin, "ada").await, owner(&admin, "bob").await);
    let (device, password) = karana(&admin, "Roof", &ada).await;

    // By itself, as the device does it.
    soon("the device can send", async || {
        influx.write(&device, &password, &ada, "data,KID=1 power=7i 1500000000").await == 204
    })
    .await;
    let (status, read) = influx.query(&ada, &ada_password, &ada, "SELECT power FROM data").await;
    assert_eq!((status, &read["results"][0]["series"][0]["values"][0][1]), (200, &json!(7)));
    let polls = format!("select last(v),data from config where id='{device}'");
    let mut line = Value::Null;
    soon("the device finds its configuration", async || {
        line = influx.query(&device, &password, &ada, &polls).await.1["results"][0]["series"][0]["values"][0]
            [2]
        .clone();
        line.is_string()
    })
    .await;
    assert_eq!(line, format!("%influx.example.org:80%data%{ada}%{password}%10%15%6%"));

    // And nobody else.
    sync(&admin).await;
    assert_eq!(influx.query(&bob, &bob_password, &ada, "SELECT power FROM data").await.0, 403);
    assert_eq!(influx.write(&device, &password, &bob, "data v=1i").await, 403);
    assert_eq!(influx.write(&ada, &ada_password, &ada, "data v=1i").await, 403, "an owner only reads");
    assert_eq!(influx.write(&device, "WRONGWRONGWRONG1", &ada, "data v=1i").await, 401);

    // The page's button and the old path of it say what was done.
    let report = admin.post("/v1/sync/db/all", &Value::Null).await.results();
    assert_eq!(
        (&report["users"], &report["karanas"]),
        (&json!({"synced": 3, "failed": 0}), &json!({"synced": 1, "failed": 0}))
    );
    assert_eq!((&report["influxdb"], &report["failures"]), (&json!("synced"), &json!([])));
}

#[tokio::test]
async fn a_second_sync_has_nothing_to_do() {
    let influx = RealInflux::start().await;
    let (server, admin) = server_with(&influx).await;
    let (ada, _) = owner(&admin, "ada").await;
    karana(&admin, "Roof", &ada).await;
    sync(&admin).await;
    let plan = server.home().run(&["plan"]);
    assert_eq!((plan.code, plan.stdout.trim()), (Some(0), "0 actions, 0 orphans"), "{}", plan.stderr);
    let done = server.home().run(&["sync"]);
    assert_eq!(done.stdout.trim(), "users: 2 synced, 0 failed\nkaranas: 1 synced, 0 failed");
}

#[tokio::test]
async fn a_device_that_moves_leaves_the_old_owner_and_is_released_with_the_new_one() {
    let influx = RealInflux::start().await;
    let (_server, admin) = server_with(&influx).await;
    let ((ada, _), (bob, _)) = (owner(&admin, "ada").await, owner(&admin, "bob").await);
    let (device, old_password) = karana(&admin, "Roof", &ada).await;
    sync(&admin).await;

    let moved = admin.patch(&format!("/v1/karanas/{device}"), &json!({"owner": bob})).await.entry(&device);
    let password = text(&moved["config"]["password"]);
    assert_ne!(password, old_password);
    sync(&admin).await;
    assert_eq!(influx.write(&device, &password, &bob, "data v=1i").await, 204);
    assert_eq!(influx.write(&device, &password, &ada, "data v=1i").await, 403);
    assert_eq!(influx.write(&device, &old_password, &bob, "data v=1i").await, 401);

    // The clients of 2017 delete the user first, then its karanas.
    admin.delete(&format!("/v1/users/{bob}")).await.entry(&bob);
    sync(&admin).await;
    assert_eq!(
        influx.write(&device, &password, &bob, "data v=1i").await,
        401,
        "a device in stock has no user"
    );
    let databases = influx.rows("SHOW DATABASES").await;
    assert!(databases.iter().any(|row| row[0] == bob), "data is dropped only when that is configured");
    admin.delete(&format!("/v1/karanas/{device}")).await.entry(&device);
    assert_eq!(sync(&admin).await["failures"], json!([]));
}

#[tokio::test]
async fn names_that_mean_harm_do_none() {
    let influx = RealInflux::start().await;
    let (_server, admin) = server_with(&influx).await;
    let name = "x\"; DROP DATABASE \"a\"; --\\'";
    let email = "o'brien\"@example.com";
    let input = json!({"name": name, "email": "obrien@example.com", "credentials": {"login": "obrien@example.com", "password": name}});
    let uuid = admin.create("users", &input).await;
    let bad = json!({"name": name, "email": email, "credentials": {"login": email, "password": "12345"}});
    admin.post("/v1/users/new", &bad).await.refused(400, "Create Resource Error");
    let series = "a b,c=\"d\" 'e'; DROP DATABASE x";
    let note = format!("{name}\n\t{name}");
    let input = json!({"name": name, "owner": uuid, "note": note, "config": {"series": series}});
    let device = admin.create("karanas", &input).await;
    let password = text(&admin.read("karanas", &device).await["config"]["password"]);
    assert_eq!(sync(&admin).await["failures"], json!([]));
    let polls = format!("select last(v),data from config where id='{device}'");
    let answer = influx.query(&device, &password, &uuid, &polls).await.1;
    let line = format!("%influx.example.org:80%{series}%{uuid}%{password}%10%30%6%");
    assert_eq!(answer["results"][0]["series"][0]["values"][0][2], line);
    assert_eq!(sync(&admin).await["users"], json!({"synced": 2, "failed": 0}));
}

#[tokio::test]
async fn an_influxdb_that_is_away_is_reported_and_caught_up_with() {
    let mut influx = RealInflux::start().await;
    let (server, admin) = server_with(&influx).await;
    sync(&admin).await;
    influx.stop();
    let begin = Instant::now();
    let (ada, ada_password) = owner(&admin, "ada").await;
    assert!(begin.elapsed() < Duration::from_secs(5), "the API does not wait for InfluxDB");
    let refused = admin.post("/v1/sync/all/db", &Value::Null).await.refused(503, "Sync DB error");
    assert!(refused.contains("cannot be reached"), "{refused}");
    assert!(server.nobody.get("/health/ready").await.text().contains("unreachable"));
    influx.resume().await;
    soon("the owner can read", async || {
        influx.query(&ada, &ada_password, &ada, "SHOW SERIES").await.0 == 200
    })
    .await;
}

/// Each as a device would write it, with commas and spaces escaped. InfluxDB answers 204 to all of them.
#[tokio::test]
async fn a_series_is_taken_if_and_only_if_its_points_arrive_under_its_name() {
    let influx = RealInflux::start().await;
    let (_server, admin) = server_with(&influx).await;
    let (ada, ada_password) = owner(&admin, "ada").await;
    for (series, arrives) in [
        ("wind", true),
        ("x#", true),
        ("a b, \"c\" = 'd'", true),
        (" =,", true),
        ("ü/{}", true),
        ("#x", false),
        ("\\", false),
        ("a\\", false),
        ("a\\\\", false),
        ("a\\,b", false),
        ("a\\ b", false),
        ("a\\=b", false),
        ("\\\"a", false),
    ] {
        let input = json!({"name": "K1", "owner": ada, "config": {"series": series}});
        let answer = admin.post("/v1/karanas/new", &input).await;
        if arrives {
            answer.results();
        } else {
            let reason = answer.refused(400, "Create Resource Error");
            assert!(
                reason.contains("config.series") && reason.contains("`\\`") && reason.contains("`#`"),
                "{reason}"
            );
        }
        sync(&admin).await;
        // What was refused is told to none of ours.
        let (device, password) = karana(&admin, "K2", &ada).await;
        sync(&admin).await;
        let escaped = series.replace(',', "\\,").replace(' ', "\\ ");
        let point = format!("{escaped},KID={device} test=1");
        assert_eq!(influx.write(&device, &password, &ada, &point).await, 204, "{series}");
        let quoted = series.replace('\\', "\\\\").replace('"', "\\\"");
        let query = format!("SELECT test FROM \"{quoted}\" WHERE \"KID\" = '{device}'");
        let found = influx.query(&ada, &ada_password, &ada, &query).await.1;
        assert_eq!(found["results"][0]["series"].is_array(), arrives, "{series}: {found}");
    }
}
