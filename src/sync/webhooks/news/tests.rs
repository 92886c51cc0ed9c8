use chrono::TimeDelta;

use super::*;
use crate::sync::Record;
use crate::sync::report::{Away, Failure};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn about(uuid: Uuid) -> About {
    About { name: Some(format!("karana {}", uuid.as_u128())), owner: None }
}

fn devices(all: &[(u128, Connection)]) -> HashMap<Uuid, Seen> {
    let seen = |connection| Seen { connection, last_seen: Some(now()), ..Seen::default() };
    all.iter().map(|(n, connection)| (Uuid::from_u128(*n), seen(*connection))).collect()
}

fn look(told: &mut Told, all: &[(u128, Connection)]) -> Vec<(Kind, u128)> {
    let news = told.look(&devices(all), about, now() + TimeDelta::minutes(1));
    news.iter()
        .map(|event| (event.kind, event.data["uuid"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128()))
        .collect()
}

/// As a restart does.
fn restarted(told: &Told) -> Told {
    serde_json::from_str(&serde_json::to_string(told).unwrap()).unwrap()
}

use Connection::{Late, Offline, Online, Unknown};

#[test]
fn how_devices_stand_at_the_first_look_of_all_is_no_news() {
    let mut told = Told::default();
    assert_eq!(look(&mut told, &[(1, Online), (2, Offline), (3, Unknown)]), []);
    assert_eq!(
        look(&mut told, &[(1, Offline), (2, Online), (3, Unknown)]),
        [(Kind::Offline, 1), (Kind::Online, 2)]
    );
}

#[test]
fn a_restart_repeats_nothing_and_loses_nothing() {
    let mut told = Told::default();
    look(&mut told, &[(1, Online), (2, Online)]);
    assert_eq!(look(&mut told, &[(1, Late), (2, Online)]), [(Kind::Late, 1)]);
    let mut told = restarted(&told);
    assert_eq!(look(&mut told, &[(1, Late), (2, Online)]), []);
    assert_eq!(
        look(&mut restarted(&told), &[(1, Offline), (2, Offline)]),
        [(Kind::Offline, 1), (Kind::Offline, 2)]
    );
}

#[test]
fn a_new_device_is_news_when_it_first_posts_and_what_is_not_known_is_none() {
    let mut told = Told::default();
    look(&mut told, &[(1, Online)]);
    assert_eq!(look(&mut told, &[(1, Online), (2, Unknown), (3, Offline)]), []);
    assert_eq!(look(&mut told, &[(1, Unknown), (2, Online), (3, Offline)]), [(Kind::Online, 2)]);
    assert_eq!(look(&mut told, &[(1, Online), (2, Online), (3, Online)]), [(Kind::Online, 3)]);
    // One that was deleted, and is restored, is a new one.
    assert_eq!(look(&mut told, &[(1, Online), (2, Online)]), []);
    assert_eq!(look(&mut told, &[(1, Online), (2, Online), (3, Online)]), [(Kind::Online, 3)]);
}

#[test]
fn an_event_says_what_it_is_about() {
    let mut told = Told::default();
    look(&mut told, &[(1, Online)]);
    let news = told.look(&devices(&[(1, Offline)]), about, now());
    let uuid = Uuid::from_u128(1);
    assert_eq!(news[0].record, Some(format!("karanas/{uuid}")));
    assert_eq!(
        news[0].data,
        json!({"uuid": uuid, "name": "karana 1", "owner": null, "connection": "offline", "before": "online",
            "last_seen": now()})
    );
}

fn round(told: &mut Told, ended: &Ended) -> Vec<(Kind, Option<String>, Option<String>)> {
    let told = told.round("influxdb", ended, now());
    told.iter()
        .map(|event| {
            assert_eq!(event.data["backend"], "influxdb");
            (event.kind, event.record.clone(), event.data["reason"].as_str().map(str::to_owned))
        })
        .collect()
}

fn away(tries: u32, is_final: bool) -> Ended {
    let away = Some(Away { reason: "it is away".into(), tries, is_final });
    Ended { rounds: 9, away, ..Ended::default() }
}

fn went(failures: &[(u128, &str)]) -> Ended {
    let failures = failures
        .iter()
        .map(|(n, reason)| Failure::new(Record::device(Uuid::from_u128(*n)), *reason))
        .collect();
    Ended { rounds: 9, failures, is_whole: true, away: None }
}

#[test]
fn a_back_end_that_is_away_is_one_event_and_one_when_it_is_back() {
    let mut told = Told::default();
    assert_eq!(round(&mut told, &went(&[])), []);
    for tries in [1, 2] {
        assert_eq!(round(&mut told, &away(tries, false)), []);
    }
    let reason = Some("it is away".to_owned());
    assert_eq!(round(&mut told, &away(3, false)), [(Kind::Failed, None, reason.clone())]);
    assert_eq!(round(&mut told, &away(4, false)), []);
    let mut told = restarted(&told);
    assert_eq!(round(&mut told, &away(3, false)), []);
    assert_eq!(round(&mut told, &went(&[])), [(Kind::Recovered, None, None)]);
    assert_eq!(round(&mut told, &went(&[])), []);
    assert_eq!(round(&mut told, &away(1, true)), [(Kind::Failed, None, reason)], "no try will change it");
}

#[test]
fn a_failure_is_an_event_for_each_record_and_reason_until_it_is_over() {
    let mut told = Told::default();
    let record = |n| Some(format!("karanas/{}", Uuid::from_u128(n)));
    let failed = |n, reason: &str| (Kind::Failed, record(n), Some(reason.to_owned()));
    assert_eq!(round(&mut told, &went(&[(1, "a")])), [failed(1, "a")]);
    assert_eq!(round(&mut restarted(&told), &went(&[(1, "a")])), []);
    assert_eq!(round(&mut told, &went(&[(1, "a"), (1, "b"), (2, "a")])), [failed(1, "b"), failed(2, "a")]);
    // Away in between, nothing is known of them.
    round(&mut told, &away(1, false));
    // A round that was cut short says nothing of those that it did not come to.
    let cut = Ended { is_whole: false, ..went(&[(2, "a")]) };
    assert_eq!(round(&mut told, &cut), []);
    assert_eq!(round(&mut told, &went(&[(2, "a")])), [(Kind::Recovered, record(1), None)]);
    assert_eq!(round(&mut told, &Ended::default()), [], "before the first round nothing is known");
    assert_eq!(round(&mut told, &went(&[(1, "a"), (2, "a")])), [failed(1, "a")]);
}
