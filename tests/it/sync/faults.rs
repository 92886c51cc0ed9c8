//! The server dies, or an answer is a bad one, at any single request to InfluxDB: what is there in the end is what is wanted.

use std::collections::BTreeMap;

use karana::sync::presence::{self, Presence, Roster, Watched};
use karana::sync::{State, Status};

use super::*;
use crate::support::long_form;
use crate::support::proxy::{Fault, Proxy};

/// A sync on a runtime of its own, so that it can die as a process does: at once, wherever it is.
struct Mortal {
    runtime: tokio::runtime::Runtime,
    sync: Sync,
}

impl Mortal {
    fn start(world: &World) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sync = {
            let _inside = runtime.enter();
            world.start()
        };
        Self { runtime, sync }
    }

    async fn die(self) {
        // What is being written to the disk is written: that files are whole or not there is tested elsewhere.
        let ended =
            tokio::task::spawn_blocking(move || self.runtime.shutdown_timeout(Duration::from_secs(10)));
        ended.await.unwrap();
        drop(self.sync);
    }
}

fn status(sync: &Sync) -> Status {
    sync.status().remove(INFLUXDB).unwrap()
}

/// One with two karanas, one with one.
fn small_fleet() -> Fleet {
    let owners = vec![owner(), owner()];
    let devices = vec![device(&owners[0]), device(&owners[0]), device(&owners[1])];
    Fleet { owners, devices }
}

/// Of everything something: one moves, one is suspended, one goes, as does its owner; passwords change, and there are new ones.
fn changed(fleet: &Fleet) -> Fleet {
    let mut fleet = fleet.clone();
    fleet.owners.remove(1);
    fleet.devices.remove(2);
    let new = owner();
    fleet.devices[0].owner = Some(new.uuid);
    fleet.devices[0].password = password();
    fleet.devices[1].suspended = true;
    fleet.owners[0].password = password();
    fleet.owners.push(new);
    fleet
}

/// That InfluxDB holds what the fleet asks for and nothing else.
async fn holds(influx: &RealInflux, fleet: &Fleet, when: &str) {
    let owners: BTreeSet<String> = fleet.owners.iter().map(|owner| owner.uuid.to_string()).collect();
    let mut databases = names(influx, "SHOW DATABASES").await;
    databases.remove("_internal");
    assert_eq!(databases, owners, "databases, {when}");
    let devices = fleet.devices.iter().map(|device| device.uuid.to_string());
    let mut users = names(influx, "SHOW USERS").await;
    users.remove("admin");
    assert_eq!(users, owners.iter().cloned().chain(devices).collect(), "users, {when}");
    for owner in &fleet.owners {
        let read = [(owner.uuid.to_string(), "READ".to_owned())].into();
        assert_eq!(grants(influx, owner.uuid).await, read, "{when}");
        assert_ne!(sign_in(influx, owner.uuid, &owner.password).await, 401, "{when}");
    }
    for device in &fleet.devices {
        let database = device.owner.unwrap();
        let wanted = if device.suspended { BTreeSet::new() } else { all(database) };
        assert_eq!(grants(influx, device.uuid).await, wanted, "{when}");
        assert_ne!(sign_in(influx, device.uuid, &device.password).await, 401, "{when}");
        if !device.suspended {
            let owner = fleet.owners.iter().find(|owner| owner.uuid == database).unwrap();
            let poll =
                format!("SELECT last(v), data FROM \"{database}\"..config WHERE id = '{}'", device.uuid);
            assert_eq!(influx.rows(&poll).await[0][2], line(device, owner), "{when}");
        }
    }
}

async fn sign_in(influx: &RealInflux, user: Uuid, password: &str) -> u16 {
    influx.query(&user.to_string(), password, "", "SHOW DATABASES").await.0
}

/// As it is after a start: a quick round is enough, and a full look finds nothing left to do.
async fn converged(world: &World, influx: &RealInflux, when: &str) {
    let sync = world.start();
    eventually("a round goes through", || async {
        let status = status(&sync);
        status.state == State::Idle && status.last_round.is_some() && status.failures.is_empty()
    })
    .await;
    let plan = sync.plan(Scope::All).await.unwrap();
    assert_eq!((plan.steps, plan.orphans), (vec![], vec![]), "{when}");
    holds(influx, &small(world), when).await;
    sync.stop().await;
}

/// Lets the server die behind the request with that number; whether it came to that.
async fn die_at(world: &World, proxy: &Proxy, request: usize) -> bool {
    proxy.plan(Some((request, Fault::DieAfter)));
    let server = Mortal::start(world);
    let mut made = false;
    let died = loop {
        tokio::select! {
            () = proxy.died() => break true,
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        let status = status(&server.sync);
        made |= status.state == State::Idle && status.last_round.is_some();
        if made {
            break false;
        }
    };
    server.die().await;
    proxy.plan(None);
    died
}

#[tokio::test]
async fn after_a_crash_at_any_request_the_next_start_ends_where_it_should() {
    let influx = RealInflux::start().await;
    let proxy = Proxy::before(influx.settings()).await;
    let mut most = BTreeMap::new();
    for request in 1.. {
        let fleet = small_fleet();
        let mut world = World::new(proxy.settings(), fleet.clone());
        world.settings.drop_data = true;
        let mut died = false;
        for (step, fleet) in
            [("made", fleet.clone()), ("changed", changed(&fleet)), ("deleted", Fleet::default())]
        {
            *world.fleet.lock().unwrap() = fleet;
            if die_at(&world, &proxy, request).await {
                most.insert(step, request);
                died = true;
            }
            converged(&world, &influx, &format!("{step}, died at request {request}")).await;
        }
        if !died {
            break;
        }
    }
    println!("died at so many requests: {most:?}");
    assert!(most["made"] >= 18 && most["changed"] >= 15 && most["deleted"] >= 8, "{most:?}");
}

/// What was made before the server knew it, and deleted before it came back.
#[tokio::test]
async fn what_was_made_before_a_crash_and_deleted_during_it_goes() {
    let influx = RealInflux::start().await;
    let proxy = Proxy::before(influx.settings()).await;
    for request in (1..).step_by(if long_form() { 1 } else { 3 }) {
        let mut world = World::new(proxy.settings(), small_fleet());
        world.settings.drop_data = true;
        let died = die_at(&world, &proxy, request).await;
        *world.fleet.lock().unwrap() = Fleet::default();
        converged(&world, &influx, &format!("deleted, died at request {request}")).await;
        if !died {
            break;
        }
    }
}

/// Lets one request after the other go wrong so, each in the first round of a new server.
async fn each_request_goes_wrong(fault: Fault) {
    let influx = RealInflux::start().await;
    let proxy = Proxy::before(influx.settings()).await;
    let (mut told, mut tried) = (0, 0);
    // The short form leaves out every other one: not the same with each fault.
    let begin = if long_form() { 1 } else { 1 + fault as usize % 2 };
    for request in (begin..).step_by(if long_form() { 1 } else { 2 }) {
        tried += 1;
        let one = owner();
        let fleet = Fleet { devices: vec![device(&one), device(&one)], owners: vec![one] };
        let mut world = World::new(proxy.settings(), fleet.clone());
        world.settings.drop_data = true;
        proxy.plan(Some((request, fault)));
        let sync = world.start();
        // What the round with the bad answer has to say, before the next one.
        let mut reasons: Vec<(Option<Uuid>, String)> = Vec::new();
        eventually("a round ends", || {
            let status = status(&sync);
            reasons.extend(
                status.failures.iter().map(|one| (Some(one.failure.uuid), one.failure.reason.clone())),
            );
            let is_away = match &status.state {
                State::Unreachable { reason, .. } => {
                    reasons.push((None, reason.clone()));
                    true
                }
                State::Faulty { reason, .. } => panic!("{fault:?} at {request}: {reason}"),
                _ => false,
            };
            let ended = is_away || (status.state == State::Idle && status.last_round.is_some());
            async move { ended }
        })
        .await;
        let (reached, seen) = (proxy.requests() >= request, proxy.seen());
        // Nor does it go wrong in what is asked from here on.
        proxy.plan(None);
        let what = format!("{fault:?} at request {request}: {seen:?}: {reasons:?}");
        let shown = format!("{reasons:?} {:?}", status(&sync));
        let secrets = fleet.devices.iter().map(|one| &one.password).chain([&fleet.owners[0].password]);
        for secret in secrets.chain([&influx.settings().pass]) {
            assert!(!shown.contains(secret.as_str()), "{what}");
        }
        for (record, reason) in &reasons {
            assert!(!reason.is_empty(), "{what}");
            let known = |uuid: Uuid| {
                fleet.owners[0].uuid == uuid || fleet.devices.iter().any(|device| device.uuid == uuid)
            };
            assert!(record.is_none_or(known), "{what}");
        }
        told += usize::from(!reasons.is_empty());
        // By itself, and soon.
        eventually("it is in order", || {
            let status = status(&sync);
            let in_order =
                status.state == State::Idle && status.last_round.is_some() && status.failures.is_empty();
            async move { in_order }
        })
        .await;
        let plan = sync.plan(Scope::All).await.unwrap();
        assert_eq!((plan.steps, plan.orphans), (vec![], vec![]), "{what}");
        holds(&influx, &fleet, &what).await;
        world.change(|fleet| *fleet = Fleet::default());
        settle(&sync).await;
        holds(&influx, &Fleet::default(), &what).await;
        sync.stop().await;
        if !reached {
            // Some are looked past: a statement is sent again, alone, and then goes through.
            println!("{fault:?}: {tried} of {request} requests, {told} were told");
            assert!(request > 10 && told * 2 > tried, "{fault:?}: {told} of {tried} were told");
            break;
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_before_any_request_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::CutBefore).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_behind_any_request_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::CutAfter).await;
}

#[tokio::test]
async fn half_an_answer_to_any_request_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::Half).await;
}

#[tokio::test]
async fn a_fault_of_influxdb_at_any_request_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::Broken).await;
}

#[tokio::test]
async fn an_answer_that_is_none_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::Garbage).await;
}

#[tokio::test]
async fn an_answer_without_a_result_costs_no_more_than_a_round() {
    each_request_goes_wrong(Fault::Empty).await;
}

#[tokio::test]
async fn a_refusal_that_quotes_any_request_shows_no_password() {
    each_request_goes_wrong(Fault::Refused).await;
}

#[tokio::test]
async fn an_error_that_quotes_any_request_shows_no_password() {
    each_request_goes_wrong(Fault::Quoted).await;
}

/// A ping, a look and a change that are done and never answered, each its own world: what they wait for is a time-out.
#[tokio::test]
async fn an_answer_that_never_comes_costs_no_more_than_its_time_out() {
    let one_at = |request: usize| async move {
        let influx = RealInflux::start().await;
        let proxy = Proxy::before(influx.settings()).await;
        let world = World::new(proxy.settings(), small_fleet());
        proxy.plan(Some((request, Fault::Hang)));
        let sync = world.start();
        eventually("it hangs", || async { proxy.requests() >= request }).await;
        let begin = Instant::now();
        eventually("it is in order", || async {
            let status = status(&sync);
            status.state == State::Idle && status.last_round.is_some() && status.failures.is_empty()
        })
        .await;
        assert!(begin.elapsed() < Duration::from_secs(40), "request {request}: {:?}", begin.elapsed());
        assert_eq!(sync.plan(Scope::All).await.unwrap().steps, [], "request {request}");
        holds(&influx, &small(&world), &format!("request {request} hung")).await;
        sync.stop().await;
    };
    futures::future::join_all([1, 3, 9].map(one_at)).await;
}

fn small(world: &World) -> Fleet {
    world.fleet.lock().unwrap().clone()
}

#[tokio::test]
async fn a_password_of_the_administrator_that_was_changed_is_told_and_brings_no_storm() {
    let influx = RealInflux::start().await;
    let proxy = Proxy::before(influx.settings()).await;
    let fleet = small_fleet();
    let mut world = World::new(proxy.settings(), fleet.clone());
    world.settings.on_change = true;
    let sync = world.start();
    settle(&sync).await;
    let devices = fleet.devices.iter().map(|device| Watched {
        uuid: device.uuid,
        owner: device.owner,
        kid: None,
        series: "data".into(),
        post_int: 30,
    });
    let roster = Roster { devices: devices.collect() };
    // A proxy of its own, so that each has its count.
    let other = Proxy::before(influx.settings()).await;
    let presence = Presence::start(
        presence::Settings {
            influx: Some(other.settings()),
            post_int_unit: Duration::from_secs(60),
            interval: Duration::from_millis(20),
            state_file: world.folder.path().join("state/presence.json"),
        },
        Arc::new(move || roster.clone()),
        Arc::new(chrono::Utc::now),
    );
    eventually("a look", || async { presence.stats().unwrap().looks_done > 0 }).await;

    let ours = influx.settings();
    influx.admin("SET PASSWORD FOR admin = 'another'").await;
    // What InfluxDB remembers of the old one goes with the first request that brings a wrong one.
    let failed = presence.stats().unwrap().looks_failed;
    eventually("no look", || async { presence.stats().unwrap().looks_failed > failed }).await;
    proxy.plan(None);
    other.plan(None);
    for n in 0..6 {
        world.change(|fleet| fleet.devices[0].series = format!("series{n}"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let State::Unreachable { reason, next_try } = status(&sync).state else { panic!("{:?}", status(&sync)) };
    assert!(reason.contains("InfluxDB user \"admin\"") && reason.contains("refuses its name or password"));
    assert!(!reason.contains(&ours.pass) && next_try > chrono::Utc::now() + Duration::from_secs(200));
    assert!(proxy.requests() <= 4, "{:?}", proxy.seen());
    assert!(other.requests() <= 1, "{:?}", other.seen());
    // Somebody has mended it, and asks for a round.
    let quoted = ours.pass.replace('\\', r"\\").replace('\'', r"\'");
    let mended = influx.query("admin", "another", "", &format!("SET PASSWORD FOR admin = '{quoted}'")).await;
    assert_eq!(mended.0, 200);
    settle(&sync).await;
    holds(&influx, &small(&world), "mended").await;
    sync.stop().await;
    presence.stop().await;
}
