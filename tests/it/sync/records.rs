//! What becomes of records, as devices and owners meet it.

use std::collections::BTreeSet;

use karana::sync::{Device, Fleet, State, Step};
use uuid::Uuid;

use super::*;

const CONFIG: &str = "SELECT last(v), data FROM config GROUP BY id";

#[tokio::test]
async fn each_karana_works_in_its_owners_database_and_nowhere_else() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let sync = world.start();
    let report = settle(&sync).await;
    assert_eq!((report.users, report.karanas), (count(2, 0), count(4, 0)));
    let [one, two] = &fleet.owners[..] else { panic!() };
    works(&influx, &fleet.devices[0], one, two).await;
    works(&influx, &fleet.devices[3], two, one).await;
    let again = settle(&sync).await;
    assert_eq!(again.actions_done, 0);
    assert_eq!(sync.status()[INFLUXDB].state, State::Idle);
    sync.stop().await;
}

#[tokio::test]
async fn a_change_is_applied_by_itself() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let mut world = World::new(influx.settings(), fleet.clone());
    world.settings.on_change = true;
    let sync = world.start();
    let [one, two] = &fleet.owners[..] else { panic!() };
    settle(&sync).await;
    let old = fleet.devices[0].clone();
    let new = Device { password: password(), series: "other".into(), ..old.clone() };
    world.change(|fleet| fleet.devices[0] = new.clone());
    let (user, database) = (old.uuid.to_string(), one.uuid.to_string());
    // Not the old one: InfluxDB remembers a password that it was checking while it was changed.
    eventually("the new password works", || async {
        influx.query(&user, &new.password, &database, "SELECT * FROM data").await.0 == 200
    })
    .await;
    assert_eq!(influx.query(&user, &old.password, &database, "SELECT * FROM data").await.0, 401);
    eventually("the round ends", || async { sync.status()[INFLUXDB].state == State::Idle }).await;
    works(&influx, &new, one, two).await;
    settle(&sync).await;
    sync.stop().await;
}

#[tokio::test]
async fn a_wiped_server_and_a_dropped_database_are_filled_again() {
    let mut influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    sync.stop().await;

    influx.wipe().await;
    // The quick round at start is enough.
    let sync = world.start();
    eventually("the round ends", || async { sync.status()[INFLUXDB].last_round.is_some() }).await;
    works(&influx, &fleet.devices[0], one, two).await;
    assert_eq!(sync.plan(Scope::All).await.unwrap().steps, []);
    sync.stop().await;

    influx.admin(&format!("DROP DATABASE \"{}\"", one.uuid)).await;
    let sync = world.start();
    eventually("the round ends", || async { sync.status()[INFLUXDB].last_round.is_some() }).await;
    works(&influx, &fleet.devices[1], one, two).await;
    assert_eq!(sync.plan(Scope::All).await.unwrap().steps, []);
    sync.stop().await;
}

#[tokio::test]
async fn a_karana_moves_with_its_rights() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    let moved = Device { owner: Some(two.uuid), password: password(), ..fleet.devices[0].clone() };
    world.change(|fleet| fleet.devices[0] = moved.clone());
    settle(&sync).await;
    works(&influx, &moved, two, one).await;
    assert_eq!(grants(&influx, moved.uuid).await, all(two.uuid));

    world.change(|fleet| fleet.devices[0].owner = None);
    settle(&sync).await;
    assert!(!names(&influx, "SHOW USERS").await.contains(&moved.uuid.to_string()), "in stock");
    // Back where it was first, under the line that stands there since.
    world.change(|live| live.devices[0] = fleet.devices[0].clone());
    settle(&sync).await;
    works(&influx, &fleet.devices[0], one, two).await;
    sync.stop().await;
}

#[tokio::test]
async fn what_is_suspended_has_no_grants_until_it_is_active_again() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    world.change(|fleet| {
        fleet.owners[0].suspended = true;
        fleet.devices[2].suspended = true;
    });
    settle(&sync).await;
    for user in [one.uuid, fleet.devices[0].uuid, fleet.devices[1].uuid, fleet.devices[2].uuid] {
        assert_eq!(grants(&influx, user).await, BTreeSet::new());
        assert!(names(&influx, "SHOW USERS").await.contains(&user.to_string()));
    }
    assert_eq!(grants(&influx, fleet.devices[3].uuid).await, all(two.uuid));
    world.change(|live| *live = fleet.clone());
    let report = settle(&sync).await;
    assert_eq!(report.actions_done, 4, "grants, and nothing else");
    works(&influx, &fleet.devices[0], one, two).await;
    works(&influx, &fleet.devices[2], two, one).await;
    sync.stop().await;
}

#[tokio::test]
async fn deleted_records_lose_their_users_and_their_data_only_when_asked() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let mut world = World::new(influx.settings(), fleet.clone());
    let stranger = Uuid::new_v4().to_string();
    influx.admin(&format!("CREATE USER \"{stranger}\" WITH PASSWORD 'x'")).await;
    influx.admin(&format!("CREATE DATABASE \"{stranger}\"")).await;
    let [one, two] = &fleet.owners[..] else { panic!() };

    let sync = world.start();
    settle(&sync).await;
    world.change(|fleet| {
        fleet.owners.remove(0);
        fleet.devices.drain(..2);
    });
    settle(&sync).await;
    let users = [two.uuid, fleet.devices[2].uuid, fleet.devices[3].uuid].map(|uuid| uuid.to_string());
    let users: BTreeSet<_> = users.into_iter().chain(["admin".into(), stranger.clone()]).collect();
    assert_eq!(names(&influx, "SHOW USERS").await, users);
    assert!(names(&influx, "SHOW DATABASES").await.contains(&one.uuid.to_string()), "data stay");
    sync.stop().await;

    world.settings.drop_data = true;
    let sync = world.start();
    world.change(|fleet| *fleet = Fleet::default());
    settle(&sync).await;
    assert_eq!(names(&influx, "SHOW USERS").await, ["admin".into(), stranger.clone()].into());
    let databases = names(&influx, "SHOW DATABASES").await;
    assert_eq!(databases, [one.uuid.to_string(), stranger].into(), "only what was deleted since is dropped");
    sync.stop().await;
}

#[tokio::test]
async fn what_was_changed_by_hand_is_put_right_by_a_full_run() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    let [first, second, third, _] = &fleet.devices[..] else { panic!() };
    influx.admin(&format!("GRANT READ ON \"{}\" TO \"{}\"", one.uuid, first.uuid)).await;
    influx.admin(&format!("GRANT ALL ON \"{}\" TO \"{}\"", two.uuid, second.uuid)).await;
    influx.admin(&format!("REVOKE ALL ON \"{}\" FROM \"{}\"", two.uuid, third.uuid)).await;
    influx.admin(&format!("GRANT ALL PRIVILEGES TO \"{}\"", one.uuid)).await;
    influx.admin("CREATE DATABASE \"a\\\"; b\"").await;
    influx.admin(&format!("GRANT READ ON \"a\\\"; b\" TO \"{}\"", two.uuid)).await;

    let plan = sync.plan(Scope::All).await.unwrap().steps;
    let changes: BTreeSet<String> = plan.iter().map(Step::to_string).collect();
    assert_eq!(changes.len(), 5, "{changes:?}");
    assert_eq!(settle(&sync).await.actions_done, 5);
    works(&influx, first, one, two).await;
    works(&influx, second, one, two).await;
    works(&influx, third, two, one).await;
    assert_eq!(grants(&influx, two.uuid).await, [(two.uuid.to_string(), "READ".into())].into());
    sync.stop().await;
}

#[tokio::test]
async fn the_line_that_is_written_is_the_last_one() {
    let influx = RealInflux::start().await;
    let fleet = fleet();
    let world = World::new(influx.settings(), fleet.clone());
    let [one, two] = &fleet.owners[..] else { panic!() };
    let sync = world.start();
    settle(&sync).await;
    let first = &fleet.devices[0];
    for series in ["b", "data", "b", "data"] {
        world.change(|fleet| fleet.devices[0].series = series.into());
        settle(&sync).await;
        works(&influx, &Device { series: series.into(), ..first.clone() }, one, two).await;
    }
    // A point written by someone ahead of time does not hide ours.
    let user = first.uuid.to_string();
    let point = format!("config,data=forged,id={user} v=0 4000000000");
    assert_eq!(influx.write(&user, &first.password, &one.uuid.to_string(), &point).await, 204);
    assert_eq!(settle(&sync).await.actions_done, 1);
    works(&influx, first, one, two).await;
    // What a device writes into its own owner's database says nothing about another one's.
    let point = format!("config,data=forged,id={} v=0 4000000000", fleet.devices[2].uuid);
    assert_eq!(influx.write(&user, &first.password, &one.uuid.to_string(), &point).await, 204);
    assert_eq!(settle(&sync).await.actions_done, 0);
    sync.stop().await;
}

#[tokio::test]
async fn hostile_names_do_no_harm() {
    let influx = RealInflux::start().await;
    let owner = owner();
    let hostile = [
        r#"a"; DROP DATABASE "x"#,
        r"it's \' -- \",
        "a,id=other v=1",
        " = , \\, \\= \\  ü 漢字 ",
        "; DROP USER admin",
        "",
    ];
    let refused = ["a%b", "a\nconfig,id=x v=1"];
    let devices = hostile.iter().chain(&refused);
    let devices: Vec<_> =
        devices.map(|series| Device { series: (*series).into(), ..device(&owner) }).collect();
    let fleet = Fleet { owners: vec![owner.clone()], devices: devices.clone() };
    let world = World::new(influx.settings(), fleet);
    let sync = world.start();
    let report = sync.run(Scope::All).await.unwrap();
    assert_eq!(report.karanas, count(hostile.len(), refused.len()));
    assert!(report.failures.iter().all(|failure| failure.reason.contains("config.series")), "{report:?}");
    assert_eq!(sync.plan(Scope::All).await.unwrap().steps, []);
    let stranger = self::owner();
    influx.admin(&format!("CREATE DATABASE \"{}\"", stranger.uuid)).await;
    for device in &devices[..hostile.len()] {
        works(&influx, device, &owner, &stranger).await;
    }
    let (_, answer) =
        influx.query(&owner.uuid.to_string(), &owner.password, &owner.uuid.to_string(), CONFIG).await;
    assert_eq!(answer["results"][0]["series"].as_array().unwrap().len(), hostile.len());

    // Passwords are the server's own, but imported ones may be anything.
    let odd = r#"it's "a\n\' % ü"#;
    world.change(|fleet| fleet.owners[0].password = odd.into());
    assert_eq!(sync.run(Scope::All).await.unwrap().users, count(1, 0));
    let database = owner.uuid.to_string();
    assert_eq!(influx.query(&database, odd, &database, CONFIG).await.0, 200);
    sync.stop().await;
}
