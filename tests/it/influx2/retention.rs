//! How long points are kept, in a 2.x and in a 1.x alike, and that no config line is lost by it.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::support::influx::RealInflux;
use crate::support::influx2::DAY;

/// Either kind of server.
enum Server {
    One(RealInflux),
    Two(Influx2),
}

impl Server {
    fn settings(&self) -> InfluxSettings {
        match self {
            Self::One(influx) => influx.settings(),
            Self::Two(influx) => influx.settings(),
        }
    }

    /// How many seconds an owner's database keeps points; 0: for ever.
    async fn retention(&self, owner: &Owner) -> u64 {
        match self {
            Self::One(influx) => {
                let rows = influx.rows(&format!("SHOW RETENTION POLICIES ON \"{}\"", owner.uuid)).await;
                let [policy] = &rows[..] else { panic!("{rows:?}") };
                assert_eq!(policy[4], true);
                let lasts = policy[1].as_str().unwrap();
                lasts.split_once('h').map_or(0, |(hours, _)| hours.parse::<u64>().unwrap() * 3600)
            }
            Self::Two(influx) => influx.retention(owner.uuid).await,
        }
    }

    /// As somebody who sees to the server by hand.
    async fn set_retention(&self, owner: &Owner, lasts: u64) {
        match self {
            Self::One(influx) => {
                let name = owner.uuid;
                let statement = format!(
                    "ALTER RETENTION POLICY \"autogen\" ON \"{name}\" DURATION {lasts}s SHARD DURATION 1h"
                );
                influx.admin(&statement).await;
            }
            Self::Two(influx) => {
                let id = influx.bucket(owner.uuid).await.unwrap()["id"].as_str().unwrap().to_owned();
                let body = json!({"retentionRules": [{"type": "expire", "everySeconds": lasts}]});
                influx.call(reqwest::Method::PATCH, &format!("/api/v2/buckets/{id}"), Some(body)).await;
            }
        }
    }

    /// How many config points of a device there are.
    async fn lines(&self, device: &Device) -> usize {
        let (user, database) = (device.uuid, device.owner.unwrap());
        let query = format!("SELECT v FROM config WHERE id = '{user}'");
        let (_, answer) = match self {
            Self::One(influx) => {
                influx.query(&user.to_string(), &device.password, &database.to_string(), &query).await
            }
            Self::Two(influx) => influx.query(user, &device.password, database, &query).await,
        };
        answer["results"][0]["series"][0]["values"].as_array().map_or(0, Vec::len)
    }
}

/// A world on a server of either kind.
async fn worlds() -> Vec<(World, Server)> {
    let mut worlds = Vec::new();
    for server in [
        Server::One(RealInflux::start().await),
        Server::Two(Influx2::start().await),
        Server::Two(Influx2::fake("2.0.9").await),
    ] {
        // What else it holds is of no use here.
        let mut world = World::with(Influx2::fake("v2.7.1").await, fleet());
        world.settings = server.settings();
        worlds.push((world, server));
    }
    worlds
}

fn days(lasts: u32) -> Option<Duration> {
    Some(DAY * lasts)
}

#[tokio::test]
async fn databases_keep_points_as_long_as_is_configured_and_no_longer_than_that_is_set() {
    for (mut world, server) in worlds().await {
        let [one, two] = &world.fleet().owners[..] else { panic!() };
        // None is configured: for ever, and what somebody sets by hand stays.
        settle(&mut world.reconciler(), Depth::Full).await;
        assert_eq!(server.retention(one).await, 0);
        server.set_retention(one, 30 * 86_400).await;
        assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0);
        assert_eq!(server.retention(one).await, 30 * 86_400);

        // One is: all databases get it by the next quick round, and new ones are made with it.
        world.settings.retention = days(90);
        let new = owner();
        world.change(|fleet| fleet.owners.push(new.clone()));
        assert_eq!(
            settle(&mut world.reconciler(), Depth::Quick).await,
            2 + 2 + usize::from(matches!(server, Server::One(_)))
        );
        for owner in [one, two, &new] {
            assert_eq!(server.retention(owner).await, 90 * 86_400);
        }
        // Shorter than the shards that there were, and changed by hand.
        world.settings.retention = Some(Duration::from_secs(3600));
        settle(&mut world.reconciler(), Depth::Quick).await;
        assert_eq!(server.retention(two).await, 3600);
        server.set_retention(two, 7 * 86_400).await;
        assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 1);
        assert_eq!(server.retention(two).await, 3600);

        // None any more: what was set is taken back, once.
        world.settings.retention = None;
        settle(&mut world.reconciler(), Depth::Quick).await;
        for owner in [one, two, &new] {
            assert_eq!(server.retention(owner).await, 0);
        }
        server.set_retention(two, 7 * 86_400).await;
        assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0);
    }
}

fn a_third_later() -> DateTime<Utc> {
    Utc::now() + TimeDelta::days(30)
}

fn half_later() -> DateTime<Utc> {
    Utc::now() + TimeDelta::days(46)
}

fn much_later() -> DateTime<Utc> {
    Utc::now() + TimeDelta::days(92)
}

#[tokio::test]
async fn a_config_line_is_written_again_when_half_of_its_life_is_over() {
    for (mut world, server) in worlds().await {
        world.settings.retention = days(90);
        let one = world.fleet().devices[0].clone();
        settle(&mut world.reconciler(), Depth::Quick).await;
        assert_eq!(server.lines(&one).await, 1);
        for clock in [Utc::now as fn() -> DateTime<Utc>, a_third_later] {
            for depth in [Depth::Quick, Depth::Full] {
                assert_eq!(round(&mut world.reconciler_at(clock), depth).await.unwrap().actions_done, 0);
            }
        }
        // By a quick round, after a restart, and not again before half of the new one's life is over.
        let steps = planned(&world.reconciler_at(half_later)).await;
        assert!(
            steps.len() == 4 && steps.iter().all(|step| step.contains("half of its life is over")),
            "{steps:?}"
        );
        assert_eq!(round(&mut world.reconciler_at(half_later), Depth::Quick).await.unwrap().actions_done, 4);
        assert_eq!(server.lines(&one).await, 2);
        assert_eq!(round(&mut world.reconciler_at(half_later), Depth::Quick).await.unwrap().actions_done, 0);
        assert_eq!(round(&mut world.reconciler_at(much_later), Depth::Quick).await.unwrap().actions_done, 4);
        // Without a state file, too: the point tells its time.
        std::fs::remove_file(world.state_file()).unwrap();
        let steps = planned(&world.reconciler_at(much_later)).await;
        assert!(steps.iter().all(|step| step.contains("set the user's password")), "{steps:?}");
        assert!(round(&mut world.reconciler_at(much_later), Depth::Full).await.unwrap().failures.is_empty());

        // Once it is kept for ever nothing is written again.
        world.settings.retention = None;
        settle(&mut world.reconciler_at(much_later), Depth::Quick).await;
        let later = || Utc::now() + TimeDelta::days(10_000);
        assert_eq!(round(&mut world.reconciler_at(later), Depth::Full).await.unwrap().actions_done, 0);
    }
}

#[tokio::test]
async fn with_nothing_due_a_quick_round_asks_about_no_record() {
    let mut world = World::faked(fleet()).await;
    world.settings.retention = days(90);
    settle(&mut world.reconciler(), Depth::Quick).await;
    world.influx.faked().fail(Fault::None);
    assert_eq!(round(&mut world.reconciler_at(a_third_later), Depth::Quick).await.unwrap().actions_done, 0);
    assert_eq!(world.influx.faked().log().len(), 4, "{:?}", world.influx.faked().log());

    let influx = RealInflux::start().await;
    let mut world = World::faked(fleet()).await;
    world.settings = InfluxSettings { retention: days(90), ..influx.settings() };
    settle(&mut world.reconciler(), Depth::Quick).await;
    let mut reconciler = world.reconciler_at(a_third_later);
    let counts = reconciler.counts();
    assert_eq!(round(&mut reconciler, Depth::Quick).await.unwrap().actions_done, 0);
    let made =
        counts.read().requests.into_iter().map(|of| of.outcomes.iter().map(|(_, count)| count).sum::<u64>());
    assert_eq!(made.collect::<Vec<_>>(), [1, 1, 0, 0], "a ping, and SHOW DATABASES; SHOW USERS");
}

/// What a device has measured goes when its time is over; the line that it polls does not.
#[tokio::test]
async fn a_line_of_before_the_retention_was_set_is_written_again_at_once() {
    for (mut world, server) in worlds().await {
        let long_ago = || Utc::now() - TimeDelta::days(365);
        assert!(round(&mut world.reconciler_at(long_ago), Depth::Quick).await.unwrap().failures.is_empty());
        world.settings.retention = days(90);
        let steps = settle(&mut world.reconciler(), Depth::Quick).await;
        assert_eq!(steps, 2 + 4, "each database, and each line");
        assert_eq!(server.lines(&world.fleet().devices[0]).await, 2);
    }
}
