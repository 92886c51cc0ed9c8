//! What is told of devices and of back ends, with a real InfluxDB.

use super::*;
use crate::support::influx::RealInflux;
use karana::sync::{Device, Owner, Scope};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A device of an owner with a database.
async fn device(influx: &RealInflux, world: &World) -> Watched {
    let owner = Uuid::new_v4();
    influx.admin(&format!("CREATE DATABASE \"{owner}\"")).await;
    let device =
        Watched { uuid: Uuid::new_v4(), owner: Some(owner), kid: None, series: "data".into(), post_int: 30 };
    world.roster.lock().unwrap().devices.push(device.clone());
    device
}

async fn post(influx: &RealInflux, world: &World, device: &Watched) {
    let to = influx.settings();
    let time = world.clock.lock().unwrap().timestamp();
    let line = format!("data,KID={} voltage=231i {time}", device.uuid);
    let database = device.owner.unwrap().to_string();
    assert_eq!(influx.write(&to.user, &to.pass, &database, &line).await, 204);
}

#[tokio::test]
async fn a_device_that_falls_silent_and_comes_back_is_told_once_each_over_restarts() {
    let (influx, receiver) = (RealInflux::start().await, Receiver::start().await);
    let world = World::new(Some(influx.settings()));
    let one = device(&influx, &world).await;
    post(&influx, &world, &one).await;
    let server = world.start(&[&receiver]);
    server.look_after(&world, MINUTE).await;
    server.look_after(&world, MINUTE).await;
    a_while().await;
    assert_eq!(receiver.kinds(), [""; 0], "how it stands at first is no news");
    server.look_after(&world, MINUTE * 90).await;
    eventually("late", || receiver.kinds() == ["karana.late"]).await;
    let data = &receiver.taken()[0].body["data"];
    assert_eq!(
        (&data["uuid"], &data["connection"], &data["before"], &data["name"]),
        (&json!(one.uuid), &json!("late"), &json!("online"), &json!("Roof"))
    );
    assert_eq!(data["last_seen"], json!(DateTime::from_timestamp(1_700_000_000, 0).unwrap()));
    server.stop().await;

    // Nothing has changed, and then something has.
    let server = world.start(&[&receiver]);
    server.look_after(&world, MINUTE).await;
    a_while().await;
    assert_eq!(receiver.kinds(), ["karana.late"]);
    receiver.does(Manner::Answer(500));
    server.look_after(&world, TimeDelta::days(1)).await;
    eventually("it is tried", || receiver.arrivals().len() >= 2).await;
    let id = receiver.arrivals()[1].id.clone();
    server.stop().await;

    // It posts while the server is down; what was not taken is brought, under the same name.
    *world.clock.lock().unwrap() += MINUTE;
    post(&influx, &world, &one).await;
    receiver.does(Manner::Answer(200));
    let server = world.start(&[&receiver]);
    eventually("both", || receiver.kinds() == ["karana.late", "karana.offline", "karana.online"]).await;
    assert_eq!(receiver.taken()[1].id, id);
    server.look_after(&world, MINUTE).await;
    a_while().await;
    assert_eq!(receiver.kinds().len(), 3);
    server.stop().await;
}

/// As after a crash: what was known of deliveries within the last second is lost, of news nothing.
#[tokio::test]
async fn after_a_crash_nothing_is_lost_and_what_comes_twice_has_the_same_name() {
    let (influx, receiver) = (RealInflux::start().await, Receiver::start().await);
    let world = World::new(Some(influx.settings()));
    let one = device(&influx, &world).await;
    post(&influx, &world, &one).await;
    let state = world.folder.path().join("webhooks.json");
    receiver.does(Manner::Hang);
    let server = world.start(&[&receiver]);
    server.look_after(&world, MINUTE).await;
    server.look_after(&world, MINUTE * 90).await;
    eventually("it is on its way", || !receiver.arrivals().is_empty()).await;
    let at_the_crash = std::fs::read(&state).unwrap();
    server.stop().await;
    std::fs::write(&state, at_the_crash).unwrap();
    receiver.does(Manner::Answer(200));
    let server = world.start(&[&receiver]);
    eventually("it is taken", || receiver.kinds() == ["karana.late"]).await;
    assert_eq!(receiver.taken()[0].id, receiver.arrivals()[0].id);
    server.stop().await;
}

fn owner() -> Owner {
    let uuid = Uuid::new_v4();
    Owner {
        uuid,
        password: "OWNERPASSWORD".into(),
        suspended: false,
        email: format!("{uuid}@example.com"),
        name: "Ada".into(),
        password_grafana: "GRAFANAPASSWORD".into(),
        unpaid_since: None,
    }
}

fn karana(owner: &Owner) -> Device {
    Device {
        uuid: Uuid::new_v4(),
        owner: Some(owner.uuid),
        password: "DEVICEPASSWORD".into(),
        series: "data".into(),
        signal: 10,
        post_int: 30,
        get_int: 6,
        suspended: false,
        name: "Roof".into(),
        kid: None,
        handover: None,
        unpaid_since: None,
    }
}

#[tokio::test]
async fn a_back_end_that_is_away_is_told_once_and_that_it_is_back() {
    let (mut influx, receiver) = (RealInflux::start().await, Receiver::start().await);
    let world = World::new(Some(influx.settings()));
    world.fleet.lock().unwrap().owners.push(owner());
    let server = world.start(&[&receiver]);
    server.sync.run(Scope::All).await.unwrap();
    influx.stop();
    assert!(server.sync.run(Scope::All).await.is_err());
    a_while().await;
    assert_eq!(receiver.kinds(), [""; 0], "one try that fails is no news");
    eventually("it is told", || !receiver.kinds().is_empty()).await;
    let told = receiver.taken()[0].clone();
    assert_eq!(told.kind(), "sync.failed");
    assert_eq!(
        (&told.body["data"]["backend"], &told.body["data"]["record"]),
        (&json!("influxdb"), &Value::Null)
    );
    let reason = told.body["data"]["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be reached") && !reason.contains(&influx.settings().pass), "{reason}");
    for _ in 0..3 {
        assert!(server.sync.run(Scope::All).await.is_err());
    }
    server.stop().await;
    let server = world.start(&[&receiver]);
    for _ in 0..4 {
        assert!(server.sync.run(Scope::All).await.is_err());
    }
    a_while().await;
    assert_eq!(receiver.kinds(), ["sync.failed"]);
    influx.resume().await;
    eventually("it is back", || receiver.kinds() == ["sync.failed", "sync.recovered"]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_record_that_fails_is_told_with_its_reason_and_when_it_is_over() {
    let (influx, receiver) = (RealInflux::start().await, Receiver::start().await);
    let world = World::new(Some(influx.settings()));
    let owner = owner();
    let karana = karana(&owner);
    // A field of another type in series config, so that no config point can be written.
    let database = owner.uuid.to_string();
    influx.admin(&format!("CREATE DATABASE \"{database}\"")).await;
    let to = influx.settings();
    assert_eq!(influx.write(&to.user, &to.pass, &database, "config,id=x v=\"text\"").await, 204);
    *world.fleet.lock().unwrap() = Fleet { owners: vec![owner], devices: vec![karana.clone()] };
    let server = world.start(&[&receiver]);
    eventually("it is told", || !receiver.kinds().is_empty()).await;
    let told = receiver.taken()[0].clone();
    let data = &told.body["data"];
    assert_eq!((told.kind(), &data["record"]), ("sync.failed", &json!(format!("karanas/{}", karana.uuid))));
    let reason = data["reason"].as_str().unwrap();
    assert!(reason.contains("field type conflict") && !reason.contains("PASSWORD"), "{reason}");
    server.stop().await;
    let server = world.start(&[&receiver]);
    server.sync.run(Scope::All).await.unwrap();
    server.sync.run(Scope::All).await.unwrap();
    a_while().await;
    assert_eq!(receiver.kinds(), ["sync.failed"], "neither another try nor a restart is news");
    influx.admin(&format!("DROP DATABASE \"{database}\"")).await;
    eventually("it is over", || receiver.kinds() == ["sync.failed", "sync.recovered"]).await;
    assert_eq!(receiver.taken()[1].body["data"]["record"], data["record"]);
    server.stop().await;
    let state = std::fs::read_to_string(world.folder.path().join("webhooks.json")).unwrap();
    assert!(!state.contains("PASSWORD") && !state.contains("t0ken"), "{state}");
}
