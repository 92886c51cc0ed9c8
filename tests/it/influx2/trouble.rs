//! The server is another one, does not let us in, or refuses: what fails is named, and does not stop what can be done.

use super::*;
use crate::support::influx::RealInflux;

async fn setback(world: &World) -> Setback {
    round(&mut world.reconciler(), Depth::Full).await.map(drop).unwrap_err()
}

fn denied(setback: Setback) -> String {
    let Setback::Denied(reason) = setback else { panic!("{setback:?}") };
    reason
}

#[tokio::test]
async fn the_credentials_must_be_those_that_its_version_takes() {
    let mut world = World::faked(fleet()).await;
    let right = world.settings.clone();
    let password = InfluxSettings { user: "admin".into(), pass: "p".into(), token: None, ..right.clone() };
    world.settings = password;
    let reason = denied(setback(&world).await);
    assert!(reason.contains("is InfluxDB 2.x") && reason.contains("set [influxdb] token"), "{reason}");

    world.settings = InfluxSettings { token: Some("wrong-canary".into()), ..right.clone() };
    let reason = denied(setback(&world).await);
    assert!(reason.contains("token") && reason.contains("all-access"), "{reason}");
    assert!(!reason.contains("canary"));

    // With both, either may be met.
    world.settings = InfluxSettings { user: "admin".into(), pass: "p".into(), ..right };
    settle(&mut world.reconciler(), Depth::Full).await;

    let one = RealInflux::start().await;
    world.settings = InfluxSettings { token: Some("canary".into()), user: String::new(), ..one.settings() };
    let reason = denied(setback(&world).await);
    assert!(
        reason.contains("is InfluxDB 1.x") && reason.contains("set [influxdb] user and pass"),
        "{reason}"
    );
    assert!(!reason.contains("canary"));
}

#[tokio::test]
async fn the_organization_is_the_only_one_or_the_one_that_is_named() {
    let mut world = World::faked(fleet()).await;
    world.influx.faked().add_organization("Other");
    let reason = denied(setback(&world).await);
    assert!(reason.contains("several organizations") && reason.contains("[influxdb] org"), "{reason}");
    world.settings.org = Some("Nobody".into());
    let reason = denied(setback(&world).await);
    assert!(reason.contains("no organization \"Nobody\""), "{reason}");
    world.settings.org = Some("Bintumani e.V.".into());
    settle(&mut world.reconciler(), Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    world.works(&devices[0], &owners[0], &owners[1]).await;
}

#[tokio::test]
async fn a_password_that_influxdb_2_does_not_take_is_that_records_failure() {
    let mut fleet = fleet();
    fleet.devices[0].password = "short".into();
    let world = World::new(fleet).await;
    let mut reconciler = world.reconciler();
    let refused = round(&mut reconciler, Depth::Full).await.unwrap();
    let Fleet { owners, devices } = world.fleet();
    let [failure] = &refused.failures[..] else { panic!("{:?}", refused.failures) };
    assert!(failure.reason.contains("8 to 72 characters"), "{failure:?}");
    assert_eq!((failure.record().uuid, refused.retry), (devices[0].uuid, false));
    assert_eq!(world.influx.seen(devices[0].uuid).await, None);
    world.works(&devices[1], &owners[0], &owners[1]).await;
    world.change(|fleet| fleet.devices[0].password = password());
    settle(&mut reconciler, Depth::Quick).await;
    world.works(&world.fleet().devices[0], &owners[0], &owners[1]).await;
    // Nor does one who had a user keep it, and the password that everybody knows by now.
    world.change(|fleet| fleet.devices[0].password = "x".repeat(73));
    assert_eq!(round(&mut reconciler, Depth::Quick).await.unwrap().failures.len(), 1);
    assert_eq!(world.influx.seen(devices[0].uuid).await, None);
}

#[tokio::test]
async fn access_ends_even_where_nothing_can_be_made() {
    let world = World::faked(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    world.change(|fleet| {
        // Moves to an owner whose bucket cannot be made, and one is suspended.
        let new = owner();
        fleet.devices[0].owner = Some(new.uuid);
        fleet.owners.push(new);
        fleet.devices[1].suspended = true;
    });
    world.influx.faked().fail(Fault::Broken("/api/v2/buckets"));
    let round = round(&mut reconciler, Depth::Quick).await.unwrap();
    assert!(round.retry && !round.failures.is_empty());
    for device in &devices[..2] {
        assert!(!world.lets_in(device.uuid, &device.password, owners[0].uuid).await);
    }
    world.works(&devices[2], &owners[1], &owners[0]).await;
    world.influx.faked().fail(Fault::None);
    settle(&mut reconciler, Depth::Quick).await;
    let live = world.fleet();
    world.works(&live.devices[0], &live.owners[2], &owners[0]).await;
}
