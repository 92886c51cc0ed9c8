//! What becomes of sync when the server, the network or the state does not play along.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use karana::error::Error;
use karana::sync::{BackEndResult, Device, InfluxSettings, State, Sync};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn without_an_influxdb_there_is_nothing_to_do() {
    let mut world = World::new(no_server(), fleet());
    world.settings.influx = None;
    let sync = world.start();
    let report = sync.run(Scope::All).await.unwrap();
    assert!(report.backends.iter().all(|(_, result)| *result == BackEndResult::NotConfigured));
    assert_eq!(report.users, count(0, 0));
    assert_eq!(sync.plan(Scope::All).await.unwrap().steps, []);
    assert_eq!(sync.status()[INFLUXDB].state, State::NotConfigured);
    sync.stop().await;
}

#[tokio::test]
async fn a_server_that_was_away_is_caught_up_with() {
    let mut influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    influx.stop();
    let moved = Device { owner: Some(two.uuid), ..fleet.devices[0].clone() };
    world.change(|fleet| fleet.devices[0] = moved.clone());
    let reason = reason(sync.run(Scope::All).await);
    assert!(reason.contains("cannot be reached"), "{reason}");
    assert!(!reason.contains(&influx.settings().pass));
    assert!(matches!(sync.status()[INFLUXDB].state, State::Unreachable { .. }));
    influx.resume().await;
    eventually("it is tried again by itself", || async { sync.status()[INFLUXDB].state == State::Idle })
        .await;
    works(&influx, &moved, two, one).await;
    settle(&sync).await;
    sync.stop().await;
}

#[tokio::test]
async fn a_lost_or_damaged_state_file_has_everything_applied_again() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    sync.stop().await;
    // A password that was changed by hand is one of the things that only this mends.
    influx.admin(&format!("SET PASSWORD FOR \"{}\" = 'by hand'", fleet.devices[0].uuid)).await;
    std::fs::write(world.state_file(), "{ half").unwrap();
    let sync = world.start();
    let plan = sync.plan(Scope::All).await.unwrap().steps;
    assert!(plan.iter().all(|action| action.action == "set the user's password"), "{plan:?}");
    settle(&sync).await;
    works(&influx, &fleet.devices[0], one, two).await;
    sync.stop().await;
}

#[tokio::test]
async fn an_administrator_that_is_not_let_in_is_told_clearly() {
    let influx = RealInflux::start().await;
    let world = World::new(InfluxSettings { pass: "wrong".into(), ..influx.settings() }, fleet());
    let sync = world.start();
    let wrong = reason(sync.run(Scope::All).await);
    assert!(wrong.contains("refuses its name or password") && !wrong.contains("wrong"), "{wrong}");
    let State::Unreachable { next_try, .. } = sync.status()[INFLUXDB].state else { panic!() };
    assert!(next_try > chrono::Utc::now() + Duration::from_secs(200), "a person must mend it");
    sync.stop().await;

    influx.admin("CREATE USER \"small\" WITH PASSWORD 'small'").await;
    let small = InfluxSettings { user: "small".into(), pass: "small".into(), ..influx.settings() };
    let sync = World::new(small, fleet()).start();
    assert!(reason(sync.run(Scope::All).await).contains("must be an administrator"));
    sync.stop().await;

    let fresh = RealInflux::start_without_admin().await;
    let sync = World::new(fresh.settings(), fleet()).start();
    assert!(reason(sync.run(Scope::All).await).contains("no administrator yet"));
    sync.stop().await;
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let world = World::new(InfluxSettings { port, ..no_server() }, fleet());
    let sync = world.start();
    let begin = Instant::now();
    let reason = reason(sync.run(Scope::All).await);
    assert!(reason.contains("does not answer in time"), "{reason}");
    assert!(begin.elapsed() < Duration::from_secs(15));
    // Stopping does not wait for the answer either.
    let (asker, begin) = (sync.clone(), Instant::now());
    let asked = tokio::spawn(async move { asker.run(Scope::All).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    sync.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_of_another_version_is_named() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (head, expected) in [
        (
            "204 No Content\r\nX-Influxdb-Version: v2.7.1",
            "is InfluxDB 2.x, where a password is of no use: set [influxdb] token",
        ),
        (
            "204 No Content\r\nX-Influxdb-Version: 3.0.1",
            "InfluxDB 3 is not supported: its Core has five databases",
        ),
        ("204 No Content\r\nX-Influxdb-Version: 0.9.6", "only 1.x and 2.x are"),
        ("401 Unauthorized", "InfluxDB 3 is not supported"),
        ("200 OK", "is no InfluxDB"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", "is no InfluxDB"),
    ] {
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = other.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            loop {
                let (mut stream, _) = other.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await;
                let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let sync = World::new(InfluxSettings { port, ..no_server() }, fleet()).start();
        let reason = reason(sync.run(Scope::All).await);
        assert!(reason.contains(expected), "{reason}");
        sync.stop().await;
        serving.abort();
    }
}

#[tokio::test]
async fn a_panic_in_a_round_is_that_rounds_failure() {
    let influx = RealInflux::start().await;
    let world = World::new(influx.settings(), fleet());
    let panics = Arc::new(Mutex::new(true));
    let (source, armed) = (world.fleet.clone(), panics.clone());
    let fleet = move || {
        assert!(!*armed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()), "cannot tell the fleet");
        source.lock().unwrap().clone()
    };
    let sync = Sync::start(world.settings.clone(), Arc::new(fleet), world.changes.subscribe());
    let error = sync.run(Scope::All).await.unwrap_err();
    assert!(matches!(&error, Error::Internal(reason) if reason.contains("cannot tell")), "{error:?}");
    assert!(matches!(sync.status()[INFLUXDB].state, State::Faulty { .. }));
    *panics.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = false;
    settle(&sync).await;
    sync.stop().await;
}

#[tokio::test]
async fn runs_asked_for_together_share_a_round_and_fail_together_after_a_stop() {
    let influx = RealInflux::start().await;
    let world = World::new(influx.settings(), fleet());
    let (source, rounds) = (world.fleet.clone(), Arc::new(Mutex::new(0)));
    let counted = rounds.clone();
    let fleet = move || {
        *counted.lock().unwrap() += 1;
        source.lock().unwrap().clone()
    };
    let sync = Sync::start(world.settings.clone(), Arc::new(fleet), world.changes.subscribe());
    for report in futures::future::join_all((0..20).map(|_| sync.run(Scope::All))).await {
        assert_eq!(report.unwrap().failures, []);
    }
    let rounds = *rounds.lock().unwrap();
    assert!(rounds <= 2, "the round at start, and one for all: {rounds}");
    let kept = sync.clone();
    sync.stop().await;
    assert!(reason(kept.run(Scope::All).await).contains("stopping"));
}

/// A first fill takes a while: InfluxDB makes some 17 users a second.
async fn large_fleet(devices: usize) -> (RealInflux, World) {
    let influx = RealInflux::start().await;
    let owner = owner();
    let devices = (0..devices).map(|_| device(&owner)).collect();
    let world = World::new(influx.settings(), Fleet { owners: vec![owner], devices });
    (influx, world)
}

async fn users(influx: &RealInflux) -> usize {
    names(influx, "SHOW USERS").await.len()
}

#[tokio::test]
async fn a_server_that_goes_in_the_middle_of_a_round_ends_it() {
    let (mut influx, world) = large_fleet(60).await;
    let sync = world.start();
    eventually("the fill is under way", || async { users(&influx).await > 10 }).await;
    let (asker, begin) = (sync.clone(), Instant::now());
    influx.stop();
    let reason = reason(asker.run(Scope::All).await);
    assert!(reason.contains("cannot be reached"), "{reason}");
    assert!(begin.elapsed() < Duration::from_secs(10));
    influx.resume().await;
    let before = users(&influx).await;
    let report = settle(&sync).await;
    assert_eq!((report.users, report.karanas), (count(1, 0), count(60, 0)));
    assert!((10..61).contains(&before), "{before}");
    sync.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_in_the_middle_of_a_round_ends_it_once_for_all() {
    let (influx, world) = large_fleet(60).await;
    let sync = world.start();
    eventually("the fill is under way", || async { users(&influx).await > 10 }).await;
    influx.freeze(true);
    let begin = Instant::now();
    let reason = reason(sync.run(Scope::All).await);
    assert!(reason.contains("does not answer in time"), "{reason}");
    // One time-out for the requests under way, one to see that the server is gone, and one for this run.
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    influx.freeze(false);
    settle(&sync).await;
    sync.stop().await;
}

#[tokio::test]
async fn neither_a_stop_nor_a_crash_in_the_middle_of_a_round_loses_a_user() {
    let (influx, world) = large_fleet(60).await;
    let sync = world.start();
    eventually("the fill is under way", || async { users(&influx).await > 10 }).await;
    let left_by_a_crash = std::fs::read(world.state_file()).unwrap();
    let begin = Instant::now();
    sync.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(10));
    let before = users(&influx).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(users(&influx).await, before, "nothing goes on after the stop");
    assert!(before < 60);
    // Deleted before they were ever settled: they are known as ours all the same.
    std::fs::write(world.state_file(), left_by_a_crash).unwrap();
    world.change(|fleet| *fleet = Fleet::default());
    let sync = world.start();
    settle(&sync).await;
    assert_eq!(users(&influx).await, 1, "the administrator");
    sync.stop().await;
}

#[tokio::test]
async fn access_ends_without_waiting_for_a_long_fill() {
    let (influx, mut world) = large_fleet(150).await;
    world.settings.on_change = true;
    // Records are taken by their uuid: this device is among the first.
    world.fleet.lock().unwrap().devices.sort_by_key(|device| device.uuid);
    let device = world.fleet.lock().unwrap().devices[0].uuid;
    let sync = world.start();
    eventually("the fill is under way", || async { users(&influx).await > 30 }).await;
    assert_ne!(grants(&influx, device).await, BTreeSet::new());
    world.change(|fleet| fleet.devices[0].suspended = true);
    eventually("the grant is gone", || async { grants(&influx, device).await.is_empty() }).await;
    let before = users(&influx).await;
    assert!(before < 120, "{before}");
    // What gave way is taken up again by itself.
    eventually("the fill is done", || async { users(&influx).await == 152 }).await;
    settle(&sync).await;
    sync.stop().await;
}

#[tokio::test]
async fn one_record_that_fails_holds_up_no_other() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    // A field of another type in series config, so that no config point can be written.
    let database = one.uuid.to_string();
    influx.admin(&format!("CREATE DATABASE \"{database}\"")).await;
    let settings = influx.settings();
    let point = "config,id=x v=\"text\"";
    assert_eq!(influx.write(&settings.user, &settings.pass, &database, point).await, 204);

    let sync = world.start();
    let report = sync.run(Scope::All).await.unwrap();
    assert_eq!((report.users, report.karanas), (count(2, 0), count(2, 2)), "{report:?}");
    assert!(report.failures.iter().all(|failure| failure.reason.contains("field type conflict")));
    let status = serde_json::to_value(&sync.status()[INFLUXDB]).unwrap();
    assert_eq!(status["failures"][0]["resource"], json!("karanas"));
    assert!(status["failures"][0]["next_try"].is_string());
    works(&influx, &fleet.devices[2], two, one).await;

    influx.admin(&format!("DROP DATABASE \"{database}\"")).await;
    eventually("it is tried again by itself", || async {
        sync.status()[INFLUXDB].failures.is_empty() && sync.status()[INFLUXDB].state == State::Idle
    })
    .await;
    works(&influx, &fleet.devices[0], one, two).await;
    sync.stop().await;
}
