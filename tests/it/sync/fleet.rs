//! What sync costs with many owners: in requests always, in time in the long form.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use karana::sync::{Fleet, INFLUXDB, Scope};

use super::*;
use crate::support::{long_form, times};

/// Statements at a time, as sync has them.
const AT_A_TIME: usize = 8;

/// Owners with four devices each.
fn many(owners: usize) -> Fleet {
    let owners: Vec<_> = (0..owners).map(|_| owner()).collect();
    let devices = owners.iter().flat_map(|owner| [(); 4].map(|()| device(owner))).collect();
    Fleet { owners, devices }
}

/// The statements that make the databases, users and grants of a fleet, and nothing else.
async fn bare_loop(influx: &RealInflux, fleet: &Fleet) -> Duration {
    let begin = Instant::now();
    let all = |statements: Vec<Vec<String>>| {
        stream::iter(statements).for_each_concurrent(AT_A_TIME, |statements| async move {
            for statement in statements {
                influx.admin(&statement).await;
            }
        })
    };
    let owners = fleet.owners.iter().map(|owner| {
        let (uuid, password) = (owner.uuid, &owner.password);
        vec![
            format!("CREATE DATABASE \"{uuid}\""),
            format!("CREATE USER \"{uuid}\" WITH PASSWORD '{password}'"),
            format!("GRANT READ ON \"{uuid}\" TO \"{uuid}\""),
        ]
    });
    all(owners.collect()).await;
    let devices = fleet.devices.iter().map(|device| {
        let (uuid, owner, password) = (device.uuid, device.owner.unwrap(), &device.password);
        vec![
            format!("CREATE USER \"{uuid}\" WITH PASSWORD '{password}'"),
            format!("GRANT ALL ON \"{owner}\" TO \"{uuid}\""),
        ]
    });
    all(devices.collect()).await;
    begin.elapsed()
}

/// Requests of each kind so far.
fn requests(sync: &Sync) -> Vec<(&'static str, u64)> {
    let (_, stats) = sync.stats().into_iter().find(|(name, _)| *name == INFLUXDB).unwrap();
    let count = |outcomes: &[(&str, u64)]| outcomes.iter().map(|(_, count)| count).sum();
    stats.requests.iter().map(|of| (of.kind, count(&of.outcomes))).collect()
}

fn since(before: &[(&'static str, u64)], after: Vec<(&'static str, u64)>) -> Vec<(&'static str, u64)> {
    let made = after.into_iter().zip(before).map(|((kind, after), (_, before))| (kind, after - before));
    made.filter(|(_, count)| *count > 0).collect()
}

fn sum(requests: &[(&'static str, u64)]) -> u64 {
    requests.iter().map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_costs_what_its_statements_cost_and_nothing_changed_costs_nothing() {
    // FLEET_OWNERS: another number than the long form's, as for a figure in less time.
    let named = std::env::var("FLEET_OWNERS").ok().map(|number| number.parse().unwrap());
    let fleet = many(named.unwrap_or_else(|| times(6, 1000)));
    let bare = bare_loop(&RealInflux::start().await, &fleet).await;
    let influx = RealInflux::start().await;

    let world = World::new(influx.settings(), fleet.clone());
    let begin = Instant::now();
    let sync = world.start();
    let patience = Duration::from_secs(1800);
    while sync.status()[INFLUXDB].last_round.is_none() && begin.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let first = begin.elapsed();
    assert_eq!(sync.status()[INFLUXDB].failures, []);
    sync.stop().await;
    eprintln!(
        "first provisioning: {first:.1?}, {:.2} of a bare loop's {bare:.1?}",
        first.div_duration_f64(bare)
    );

    // A start with nothing changed.
    let begin = Instant::now();
    let sync = world.start();
    while sync.status()[INFLUXDB].last_round.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let nothing = begin.elapsed();
    let of_nothing = since(&[("ping", 0), ("query", 0), ("change", 0), ("write", 0)], requests(&sync));
    assert_eq!(of_nothing, [("ping", 1), ("query", 1)], "SHOW DATABASES; SHOW USERS");
    eprintln!("nothing changed: {nothing:.1?}, {of_nothing:?}");

    let (before, begin) = (requests(&sync), Instant::now());
    settle(&sync).await;
    let drift = begin.elapsed() / 2;
    // It plans once more after the run.
    let of_drift = sum(&since(&before, requests(&sync))) / 2;
    let users = (fleet.owners.len() + fleet.devices.len()) as u64;
    assert!(of_drift <= users + 10, "{of_drift} requests for {users} users");
    eprintln!("drift check: {drift:.1?}, {of_drift} requests for {users} users");

    let one = fleet.devices[0].uuid;
    influx.admin(&format!("SET PASSWORD FOR \"{one}\" = 'by hand'")).await;
    world.change(|fleet| fleet.owners[0].password = password());
    let before = requests(&sync);
    let report = sync.run(Scope::Record(karana::sync::Record::owner(fleet.owners[0].uuid))).await.unwrap();
    assert_eq!((report.actions_done, report.failures.len()), (1, 0));
    let of_one = since(&before, requests(&sync));
    eprintln!("one changed password: {of_one:?}");
    assert!(of_one.iter().any(|(kind, count)| *kind == "change" && *count == 1), "{of_one:?}");
    assert!(sum(&of_one) <= 4, "{of_one:?}");
    if long_form() {
        assert!(first <= bare.mul_f64(1.3), "{first:?} against {bare:?}");
        // Of the program as it is shipped: without optimisation it takes some seven times as long.
        let at_most = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });
        assert!(nothing <= at_most, "{nothing:?}");
        assert!(drift <= Duration::from_secs(5), "{drift:?}");
    }
    sync.stop().await;
}
