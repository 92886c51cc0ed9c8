//! What it costs to look at a whole fleet. The long form has 1,000 owners and 4,000 karanas, and prints what it measures.

use super::{World, begin, eventually};
use crate::support::{long_form, times, user};
use chrono::{DateTime, TimeDelta, Utc};
use karana::auth::Passwords;
use karana::resource::{Entry, Kinds};
use karana::store::{self, Author, KeyFile, Store};
use karana::sync::presence::{Connection, Presence, Roster, Settings, Stats};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// Karanas of each owner.
const EACH: usize = 4;

/// Looks that are measured.
const LOOKS: u64 = 20;

/// A store with so many owners.
async fn store(folder: &TempDir, owners: usize) -> Store {
    let path = folder.path().join("storage");
    let kinds = Kinds::enabled(&["users", "karanas"].map(String::from)).unwrap();
    let keys = KeyFile { path: path.join("keys/seal.keys"), is_ours: true };
    let clock: store::Clock = Arc::new(Utc::now);
    let tenant = (String::new(), String::new());
    let settings = store::Settings { path, tenant, kinds, keys, clock, log_size: 64 << 20 };
    let store = Store::open(settings).unwrap();
    let hash = Passwords::new(1000).hash("password").await.unwrap();
    let kinds = store.kinds().clone();
    let written = store.write(Author::program("test"), move |transaction| {
        let [users, karanas] = ["users", "karanas"].map(|name| kinds.get(name).unwrap());
        let entry = |value: Value| -> Entry { serde_json::from_value(value).unwrap() };
        for n in 0..owners {
            let owner = Uuid::new_v4();
            let mut new = users.new_entry(&entry(user(&format!("u{n}")))).unwrap();
            new["credentials"]["password"] = hash.as_str().into();
            users.complete(&mut new, owner, begin());
            transaction.insert(users, &new)?;
            for k in 0..EACH {
                let mut new = karanas
                    .new_entry(&entry(json!({"name": format!("k{k}"), "owner": owner, "config": {}})))
                    .unwrap();
                karanas.complete(&mut new, Uuid::new_v4(), begin());
                transaction.insert(karanas, &new)?;
            }
        }
        Ok(())
    });
    written.await.unwrap();
    store
}

/// Six hours of data of each device, three values every two minutes; a tenth of them has been silent for three days since, and one in
/// a hundred has a clock that is ahead.
async fn fill(world: &World, roster: &Roster, now: DateTime<Utc>) {
    let mut owners: Vec<_> = roster.devices.iter().collect();
    owners.sort_by_key(|device| device.owner);
    for (number, devices) in owners.chunks(EACH).enumerate() {
        let owner = devices[0].owner.unwrap();
        world.influx.admin(&format!("CREATE DATABASE \"{owner}\"")).await;
        let mut lines = String::new();
        for (k, device) in devices.iter().enumerate() {
            let n = number * EACH + k;
            let shift = if n % 10 == 3 { -TimeDelta::days(3) } else { TimeDelta::zero() };
            let shift = if n % 100 == 7 { TimeDelta::minutes(20) } else { shift };
            for step in 0..180 {
                let time = (now + shift - TimeDelta::minutes(2) * step).timestamp();
                lines +=
                    &format!("data,KID={} voltage=231i,power=1200i,current={step}.5 {time}\n", device.uuid);
            }
        }
        world.post_line(owner, &lines).await;
    }
}

/// Seconds of processors that this process has had.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn requests(stats: &Stats) -> u64 {
    stats.requests.iter().flat_map(|of| &of.outcomes).map(|(_, count)| count).sum()
}

#[tokio::test]
async fn a_look_at_the_whole_fleet_takes_few_requests() {
    let owners = times(60, 1000);
    let world = World::with(&[]).await;
    let store = store(&world.folder, owners).await;
    let roster = Roster::of(&store.read());
    assert_eq!(roster.devices.len(), owners * EACH);
    fill(&world, &roster, Utc::now()).await;
    let settings = Settings {
        influx: Some(world.influx.settings()),
        post_int_unit: Duration::from_secs(60),
        interval: Duration::from_millis(200),
        state_file: world.state_file(),
    };
    let tables = store.clone();
    let (processors, begin) = (cpu(), Instant::now());
    let presence =
        Presence::start(settings, Arc::new(move || Roster::of(&tables.read())), Arc::new(Utc::now));
    let looks = |presence: &Presence| presence.stats().unwrap().looks_done;
    eventually("the first look", || looks(&presence) >= 1).await;
    let (of_first, first_took) = (cpu() - processors, begin.elapsed());
    let stats = presence.stats().unwrap();
    let first = requests(&stats);
    let all = owners * EACH;
    let of = |connection| stats.devices.iter().find(|(one, _)| *one == connection).unwrap().1;
    assert_eq!((of(Connection::Offline), of(Connection::Unknown)), (all / 10, 0), "{:?}", stats.devices);

    let (processors, begin, done) = (cpu(), Instant::now(), looks(&presence));
    eventually("the looks", || looks(&presence) >= done + LOOKS).await;
    let (processors, took, done) = (cpu() - processors, begin.elapsed(), looks(&presence) - done);
    let after = presence.stats().unwrap();
    let each = (requests(&after) - first) as f64 / done as f64;
    assert!(first <= 20 && each <= 20.0, "{first} requests at first, {each} at each look");
    if long_form() {
        let pause = Duration::from_millis(200).as_secs_f64();
        println!("{owners} owners, {all} karanas, {done} looks");
        println!(
            "requests: {first} in the first look, which counts the silent ones, {each:.1} in each after it"
        );
        println!(
            "the first look takes {:.3} s and {of_first:.2} s of a processor of ours",
            first_took.as_secs_f64()
        );
        println!("a look takes {:.3} s", took.as_secs_f64() / done as f64 - pause);
        let seconds = processors / done as f64;
        println!(
            "processor time of ours: {seconds:.4} s a look, {:.2} % of a core at one a minute",
            seconds / 0.6
        );
    }
    presence.stop().await;
    if long_form() {
        let file = std::fs::metadata(world.state_file()).unwrap().len();
        println!("state file: {} kB", file / 1000);
    }
    store.close().await;
}
