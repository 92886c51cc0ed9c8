//! Presence against a real InfluxDB 1.x: the clock is moved, the looks follow each other fast.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use karana::sync::InfluxSettings;
use karana::sync::presence::{Connection, Presence, Roster, Seen, Settings, Watched};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::influx::RealInflux;

mod fleet;
mod served;

/// A fleet that can be changed, a clock that can be moved, and a presence that follows both.
struct World {
    folder: TempDir,
    influx: RealInflux,
    roster: Arc<Mutex<Roster>>,
    clock: Arc<Mutex<DateTime<Utc>>>,
}

impl World {
    async fn with(devices: &[Watched]) -> Self {
        let influx = RealInflux::start().await;
        let roster = Arc::new(Mutex::new(Roster { devices: devices.to_vec() }));
        let clock = Arc::new(Mutex::new(begin()));
        let world = Self { folder: tempfile::tempdir().unwrap(), influx, roster, clock };
        for owner in devices.iter().filter_map(|device| device.owner) {
            world.influx.admin(&format!("CREATE DATABASE \"{owner}\"")).await;
        }
        world
    }

    fn start(&self) -> Presence {
        self.start_on(self.influx.settings())
    }

    fn start_on(&self, influx: InfluxSettings) -> Presence {
        let settings = Settings {
            influx: Some(influx),
            post_int_unit: Duration::from_secs(60),
            interval: Duration::from_millis(20),
            state_file: self.state_file(),
        };
        let (roster, clock) = (self.roster.clone(), self.clock.clone());
        let roster = Arc::new(move || roster.lock().unwrap().clone());
        Presence::start(settings, roster, Arc::new(move || *clock.lock().unwrap()))
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("state/presence.json")
    }

    fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().unwrap()
    }

    fn wait(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    /// Waits, and then for looks that have begun since.
    async fn look_after(&self, presence: &Presence, time: TimeDelta) {
        self.wait(time);
        let before = presence.stats().unwrap().looks_done;
        eventually("two more looks", || presence.stats().unwrap().looks_done >= before + 2).await;
    }

    async fn post(&self, device: &Watched, kid: &str, time: DateTime<Utc>) {
        let line = format!("data,KID={kid} voltage=231i,power=1200i {}", time.timestamp());
        self.post_line(device.owner.unwrap(), &line).await;
    }

    async fn post_line(&self, database: Uuid, line: &str) {
        let to = self.influx.settings();
        assert_eq!(self.influx.write(&to.user, &to.pass, &database.to_string(), line).await, 204);
    }
}

fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn device(owner: Uuid) -> Watched {
    Watched { uuid: Uuid::new_v4(), owner: Some(owner), kid: None, series: "data".into(), post_int: 30 }
}

fn two(owner: Uuid) -> [Watched; 2] {
    [device(owner), device(owner)]
}

async fn eventually(what: &str, check: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !check() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn seen(presence: &Presence, device: &Watched) -> Seen {
    presence.of(device.uuid).unwrap()
}

fn stands(presence: &Presence, device: &Watched) -> Connection {
    seen(presence, device).connection
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);

#[tokio::test]
async fn a_device_goes_from_online_to_late_to_offline_and_comes_back() {
    let [one, other] = two(Uuid::new_v4());
    let world = World::with(&[one.clone(), other.clone()]).await;
    world.post(&one, &one.uuid.to_string(), world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &one), Connection::Online);
    assert_eq!(seen(&presence, &one).last_seen, Some(begin()));
    assert_eq!(seen(&presence, &one).posts_per_hour, Some(1));
    assert_eq!(stands(&presence, &other), Connection::Unknown, "it has never posted");
    assert!(seen(&presence, &other).checked_at.is_some());
    world.look_after(&presence, MINUTE * 90).await;
    assert_eq!(stands(&presence, &one), Connection::Late);
    world.look_after(&presence, TimeDelta::days(1)).await;
    assert_eq!(stands(&presence, &one), Connection::Offline);
    world.look_after(&presence, TimeDelta::days(20)).await;
    assert_eq!(
        (stands(&presence, &one), seen(&presence, &one).last_seen),
        (Connection::Offline, Some(begin()))
    );
    world.wait(MINUTE);
    let posted = world.now();
    world.post(&one, &one.uuid.to_string(), posted).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(
        (stands(&presence, &one), seen(&presence, &one).last_seen),
        (Connection::Online, Some(posted))
    );
    let counts = presence.stats().unwrap().devices;
    assert!(
        counts.contains(&(Connection::Online, 1)) && counts.contains(&(Connection::Unknown, 1)),
        "{counts:?}"
    );
    presence.stop().await;
}

#[tokio::test]
async fn points_of_the_future_raise_the_flag_and_are_never_seen() {
    let devices = two(Uuid::new_v4());
    let [wrong, right] = &devices;
    let world = World::with(&devices).await;
    for minute in [120, 150, 180] {
        world.post(wrong, &wrong.uuid.to_string(), world.now() + MINUTE * minute).await;
    }
    world.post(right, &right.uuid.to_string(), world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    let ahead = seen(&presence, wrong);
    assert_eq!((ahead.clock_ahead, ahead.connection, ahead.last_seen), (true, Connection::Unknown, None));
    assert_eq!((seen(&presence, right).clock_ahead, stands(&presence, right)), (false, Connection::Online));
    // Their time comes, one after the other.
    for _ in 0..20 {
        world.look_after(&presence, MINUTE * 10).await;
        assert_eq!(seen(&presence, wrong).last_seen, None);
    }
    assert!(!seen(&presence, wrong).clock_ahead);
    world.post(wrong, &wrong.uuid.to_string(), world.now()).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, wrong), Connection::Online);
    presence.stop().await;
}

#[tokio::test]
async fn points_that_arrive_late_are_seen_when_they_arrive() {
    let devices = two(Uuid::new_v4());
    let [one, lost] = &devices;
    let world = World::with(&devices).await;
    for (device, kid) in [(one, one.uuid.to_string()), (lost, lost.uuid.to_string())] {
        world.post(device, &kid, world.now()).await;
    }
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    world.look_after(&presence, TimeDelta::days(3)).await;
    assert_eq!(stands(&presence, one), Connection::Offline);
    let posted = world.now();
    // From its buffer: after what it was last seen with, but long ago.
    world.post(one, &one.uuid.to_string(), begin() + MINUTE * 30).await;
    // And before that; and by a clock that has lost the time.
    world.post(lost, &lost.uuid.to_string(), begin() - MINUTE * 30).await;
    world.look_after(&presence, MINUTE * 10).await;
    for device in [one, lost] {
        assert!(seen(&presence, device).last_seen >= Some(posted), "{:?}", seen(&presence, device));
        assert_eq!(stands(&presence, device), Connection::Online);
    }
    world.look_after(&presence, TimeDelta::days(2)).await;
    assert_eq!(stands(&presence, lost), Connection::Offline);
    world.post(lost, &lost.uuid.to_string(), DateTime::from_timestamp(946_684_900, 0).unwrap()).await;
    world.look_after(&presence, MINUTE * 10).await;
    assert_eq!(stands(&presence, lost), Connection::Online);
    presence.stop().await;
}

#[tokio::test]
async fn another_owners_device_cannot_pass_for_one() {
    let (anna, berta) = (Uuid::new_v4(), Uuid::new_v4());
    let devices = [two(anna), two(berta)].concat();
    let (victim, thief) = (&devices[0], &devices[2]);
    let world = World::with(&devices).await;
    let old = world.now() - TimeDelta::days(2);
    world.post(victim, &victim.uuid.to_string(), old).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    let before = seen(&presence, victim);
    assert_eq!(before.connection, Connection::Offline);
    for time in [world.now(), world.now() + TimeDelta::days(9), old - MINUTE] {
        world.post(thief, &victim.uuid.to_string(), time).await;
    }
    world.look_after(&presence, MINUTE * 20).await;
    let after = seen(&presence, victim);
    assert_eq!(
        (after.connection, after.last_seen, after.clock_ahead),
        (Connection::Offline, Some(old), false)
    );
    assert_eq!(stands(&presence, thief), Connection::Unknown);
    // Nor does a database full of tags and fields keep the others from being looked at.
    let mut lines = String::new();
    for n in 0..3000 {
        lines += &format!("data,KID={n} f{n}=1i {}\n", world.now().timestamp());
    }
    world.post_line(berta, &lines).await;
    world.post(victim, &victim.uuid.to_string(), world.now()).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, victim), Connection::Online);
    presence.stop().await;
}

#[tokio::test]
async fn a_device_is_known_by_its_short_name_and_the_only_one_of_an_owner_by_all_points() {
    let (anna, berta) = (Uuid::new_v4(), Uuid::new_v4());
    let [named, nameless] = two(anna);
    let named = Watched { kid: Some("roof".into()), ..named };
    let only = device(berta);
    let stock = Watched { owner: None, ..device(berta) };
    let world = World::with(&[named.clone(), nameless.clone(), only.clone()]).await;
    world.roster.lock().unwrap().devices.push(stock.clone());
    world.post(&named, "roof", world.now()).await;
    world.post_line(anna, &format!("data voltage=1i {}", world.now().timestamp())).await;
    world.post_line(berta, &format!("data voltage=1i {}", world.now().timestamp())).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &named), Connection::Online);
    assert_eq!(stands(&presence, &nameless), Connection::Unknown, "whose point that was nobody knows");
    assert_eq!(stands(&presence, &only), Connection::Online);
    assert_eq!(seen(&presence, &stock), Seen::default());
    // What is not the device's series is not its points: its configuration, for one.
    world.look_after(&presence, TimeDelta::days(2)).await;
    world.post_line(berta, &format!("config,id={},data=x v=0 {}", only.uuid, world.now().timestamp())).await;
    world.look_after(&presence, MINUTE * 20).await;
    assert_eq!(stands(&presence, &only), Connection::Offline);
    // A second one comes: from then on only what has its tag is the device's.
    world.roster.lock().unwrap().devices.push(device(berta));
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &only), Connection::Unknown);
    presence.stop().await;
}

#[tokio::test]
async fn what_a_moved_device_left_at_its_old_owner_is_not_its_any_more() {
    let (anna, berta) = (Uuid::new_v4(), Uuid::new_v4());
    let devices = [two(anna), two(berta)].concat();
    let moved = &devices[0];
    let world = World::with(&devices).await;
    world.post(moved, &moved.uuid.to_string(), world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, moved), Connection::Online);
    world.roster.lock().unwrap().devices[0].owner = Some(berta);
    world.look_after(&presence, MINUTE).await;
    assert_eq!((stands(&presence, moved), seen(&presence, moved).last_seen), (Connection::Unknown, None));
    let moved = Watched { owner: Some(berta), ..moved.clone() };
    world.post(&moved, &moved.uuid.to_string(), world.now()).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &moved), Connection::Online);
    // Back to stock.
    world.roster.lock().unwrap().devices[0].owner = None;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &moved), Connection::Unknown);
    presence.stop().await;
}

#[tokio::test]
async fn a_device_that_still_writes_to_the_series_of_before_is_seen() {
    let only = device(Uuid::new_v4());
    let world = World::with(std::slice::from_ref(&only)).await;
    world.post(&only, "x", world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    world.roster.lock().unwrap().devices[0].series = "other \"name\"".into();
    world.look_after(&presence, MINUTE * 100).await;
    world.post(&only, "x", world.now()).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &only), Connection::Online);
    world.look_after(&presence, MINUTE * 100).await;
    assert_eq!(stands(&presence, &only), Connection::Late);
    let line = format!("other\\ \"name\" v=1 {}", world.now().timestamp());
    world.post_line(only.owner.unwrap(), &line).await;
    world.look_after(&presence, MINUTE).await;
    assert_eq!(stands(&presence, &only), Connection::Online);
    presence.stop().await;
}

#[tokio::test]
async fn while_influxdb_is_away_all_stays_as_it_was_and_is_told_of_when() {
    let only = device(Uuid::new_v4());
    let mut world = World::with(std::slice::from_ref(&only)).await;
    world.post(&only, "x", world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    let before = seen(&presence, &only);
    world.influx.stop();
    eventually("a look fails", || presence.stats().unwrap().looks_failed > 0).await;
    let checked = seen(&presence, &only).checked_at;
    world.wait(TimeDelta::days(2));
    let tries = |presence: &Presence| presence.stats().unwrap().looks_failed;
    let failed = tries(&presence);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(tries(&presence) - failed <= 3, "no storm");
    let away = seen(&presence, &only);
    assert_eq!((away.connection, away.last_seen), (before.connection, before.last_seen));
    assert_eq!(away.checked_at, checked);
    world.influx.resume().await;
    eventually("it is looked for again", || stands(&presence, &only) == Connection::Offline).await;
    assert_eq!(seen(&presence, &only).checked_at, Some(world.now()));
    presence.stop().await;
}

#[tokio::test]
async fn what_is_known_outlives_a_restart() {
    let only = device(Uuid::new_v4());
    let mut world = World::with(std::slice::from_ref(&only)).await;
    let old = world.now() - TimeDelta::days(2);
    world.post(&only, "x", old).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    let posted = world.now();
    world.post(&only, "x", old - MINUTE).await;
    world.look_after(&presence, MINUTE * 10).await;
    let before = seen(&presence, &only);
    assert!(before.connection == Connection::Online && before.last_seen >= Some(posted), "{before:?}");
    presence.stop().await;
    world.influx.stop();
    let presence = world.start();
    assert_eq!(seen(&presence, &only), before, "at once, and without InfluxDB");
    // What arrived meanwhile is noticed.
    presence.stop().await;
    world.influx.resume().await;
    world.wait(TimeDelta::days(3));
    world.post(&only, "x", old - MINUTE * 2).await;
    let presence = world.start();
    eventually("it is seen", || seen(&presence, &only).last_seen == Some(world.now())).await;
    presence.stop().await;
}

#[tokio::test]
async fn an_owner_without_a_database_keeps_nobody_from_being_looked_for() {
    let (early, there) = (device(Uuid::new_v4()), device(Uuid::new_v4()));
    let world = World::with(std::slice::from_ref(&there)).await;
    world.roster.lock().unwrap().devices.insert(0, early.clone());
    world.post(&there, "x", world.now()).await;
    let presence = world.start();
    world.look_after(&presence, MINUTE).await;
    assert_eq!(
        (stands(&presence, &early), stands(&presence, &there)),
        (Connection::Unknown, Connection::Online)
    );
    assert_eq!(seen(&presence, &early).checked_at, None);
    presence.stop().await;
}

#[tokio::test]
async fn without_an_influxdb_nothing_is_known() {
    let settings = Settings {
        influx: None,
        post_int_unit: Duration::from_secs(60),
        interval: Duration::from_secs(60),
        state_file: "nowhere".into(),
    };
    let presence = Presence::start(settings, Arc::new(Roster::default), Arc::new(Utc::now));
    assert_eq!(presence.of(Uuid::new_v4()), None);
    assert!(presence.stats().is_none());
    presence.stop().await;
}
