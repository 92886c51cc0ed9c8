use super::*;

const INTERVAL: TimeDelta = TimeDelta::minutes(30);

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

fn asked() -> Asked {
    Asked { database: Uuid::from_u128(7), alone: false, kid: None }
}

fn newest(time: DateTime<Utc>) -> Found {
    Found { newest: Some((time, "data".into())), ahead: None }
}

/// A device that was found at `start`, and posted then.
fn known() -> Known {
    Known::first(asked(), &newest(start()), start())
}

fn stands(known: &Known) -> Connection {
    known.judge(INTERVAL).connection
}

#[test]
fn a_device_is_late_after_three_intervals_and_offline_after_ten_or_a_day() {
    let at = |silent: TimeDelta, interval| connection(Some(start()), interval, start() + silent);
    assert_eq!(at(minutes(0), INTERVAL), Connection::Online);
    assert_eq!(at(minutes(90), INTERVAL), Connection::Online);
    assert_eq!(at(minutes(91), INTERVAL), Connection::Late);
    // Ten intervals are five hours, so it is the day that counts.
    assert_eq!(at(TimeDelta::days(1), INTERVAL), Connection::Late);
    assert_eq!(at(TimeDelta::days(1) + minutes(1), INTERVAL), Connection::Offline);
    let slow = TimeDelta::hours(6);
    assert_eq!(at(TimeDelta::hours(18), slow), Connection::Online);
    assert_eq!(at(TimeDelta::hours(60), slow), Connection::Late);
    assert_eq!(at(TimeDelta::hours(61), slow), Connection::Offline);
    assert_eq!(connection(None, INTERVAL, start()), Connection::Unknown);
    // A clock of ours that was set back.
    assert_eq!(at(minutes(-600), INTERVAL), Connection::Online);
}

#[test]
fn while_influxdb_is_away_a_device_stands_as_of_the_last_look() {
    let mut known = known();
    known.note(&newest(start()), start() + minutes(89));
    assert_eq!(stands(&known), Connection::Online);
    let seen = known.judge(INTERVAL);
    assert_eq!((seen.last_seen, seen.checked_at), (Some(start()), Some(start() + minutes(89))));
}

#[test]
fn a_newer_point_is_seen_at_its_time_and_one_from_before_the_last_look_at_the_time_of_this_one() {
    let mut known = known();
    known.note(&newest(start()), start() + minutes(100));
    assert_eq!(stands(&known), Connection::Late);
    known.note(&newest(start() + minutes(101)), start() + minutes(102));
    assert_eq!(known.seen, Some(start() + minutes(101)));
    // From the buffer: it was not there at the look before.
    known.note(&newest(start() + minutes(101) + TimeDelta::seconds(1)), start() + minutes(300));
    assert_eq!(known.seen, Some(start() + minutes(300)));
    assert_eq!(stands(&known), Connection::Online);
}

#[test]
fn what_was_found_at_first_counts_from_its_own_time() {
    let old = Known::first(asked(), &newest(start() - TimeDelta::days(3)), start());
    assert_eq!((old.seen, stands(&old)), (Some(start() - TimeDelta::days(3)), Connection::Offline));
    let none = Known::first(asked(), &Found::default(), start());
    assert_eq!((none.seen, stands(&none)), (None, Connection::Unknown));
    let mut searched = none.clone();
    searched.search(&newest(start() - TimeDelta::days(300)), start());
    assert_eq!((searched.searched, stands(&searched)), (true, Connection::Offline));
}

#[test]
fn points_of_the_future_do_not_count_and_are_told() {
    let ahead = |newest: Option<DateTime<Utc>>, ahead| Found {
        newest: newest.map(|time| (time, "data".into())),
        ahead: Some(ahead),
    };
    let future = start() + minutes(60);
    let mut known = Known::first(asked(), &ahead(None, future), start());
    assert_eq!((stands(&known), known.judge(INTERVAL).clock_ahead), (Connection::Unknown, true));
    // Their time comes: they were there before.
    known.note(&newest(future), start() + minutes(61));
    assert_eq!((known.seen, known.judge(INTERVAL).clock_ahead), (None, false));
    // A point after that is a new one.
    known.note(&newest(future + minutes(5)), future + minutes(6));
    assert_eq!(known.seen, Some(future + minutes(5)));

    // A clock that is an hour ahead all the time: each look finds points whose time has come, and new ones of the future.
    let mut known = Known::first(asked(), &ahead(None, start() + minutes(60)), start());
    for minute in 1..300 {
        let now = start() + minutes(minute);
        let come = (minute >= 60).then_some(now);
        known.note(&ahead(come, now + minutes(60)), now);
        if let Some(from) = known.count_from(INTERVAL, now) {
            known.count(from, minute as u64, now);
        }
    }
    assert_eq!(known.seen, None);
}

#[test]
fn a_clock_that_was_put_right_is_seen_though_points_of_the_future_are_still_there() {
    let future = start() + TimeDelta::days(1);
    let found = |time| Found { newest: Some((time, "data".into())), ahead: Some(future) };
    let mut known = Known::first(asked(), &found(start() - minutes(1)), start());
    for minute in 1..120 {
        let now = start() + minutes(minute);
        // It posts every half hour, and is right.
        let posts = minute / 30;
        known.note(&found(start() + minutes(posts * 30)), now);
        if let Some(from) = known.count_from(INTERVAL, now) {
            known.count(from, 100 + posts as u64, now);
        }
    }
    let seen = known.judge(INTERVAL);
    assert_eq!((seen.connection, seen.clock_ahead), (Connection::Online, true));
    assert!(seen.last_seen.unwrap() > start() + minutes(89));
}

#[test]
fn a_silent_device_is_seen_by_the_number_of_its_points() {
    let mut known = known();
    let mut now = start() + minutes(40);
    known.note(&newest(start()), now);
    assert_eq!(known.count_from(INTERVAL, now), None, "not before it could have posted");
    now = start() + TimeDelta::days(2);
    known.note(&newest(start()), now);
    assert_eq!(stands(&known), Connection::Offline);
    let from = known.count_from(INTERVAL, now).unwrap();
    assert_eq!(from, start() - TimeDelta::hours(5));
    known.count(from, 50, now);
    assert_eq!(known.count_from(INTERVAL, now + minutes(1)), None, "not every minute");
    now += minutes(10);
    assert_eq!(known.count_from(INTERVAL, now), Some(from), "the window does not move");
    known.count(from, 50, now);
    assert_eq!(stands(&known), Connection::Offline);
    now += minutes(10);
    known.note(&newest(start()), now);
    known.count(from, 51, now);
    assert_eq!((known.seen, stands(&known)), (Some(now), Connection::Online));
    // Some were deleted, and others came.
    known.count(from, 20, now + minutes(10));
    assert_eq!(known.seen, Some(now));
    known.count(from, 21, now + minutes(20));
    assert_eq!(known.seen, Some(now + minutes(20)));
}

#[test]
fn posts_are_the_minutes_of_the_last_hour_in_which_points_arrived() {
    let mut known = known();
    for minute in 1..=180 {
        let posts = minute / 30;
        let now = start() + minutes(minute);
        known.note(&newest(start() + minutes(posts * 30)), now);
    }
    assert_eq!(known.judge(INTERVAL).posts_per_hour, Some(2));
    known.note(&newest(start()), start() + TimeDelta::days(400));
    assert_eq!(known.judge(INTERVAL).posts_per_hour, Some(0));
    for minute in 0..120 {
        let now = start() + TimeDelta::days(401) + minutes(minute);
        known.note(&newest(now), now);
    }
    assert_eq!(known.judge(INTERVAL).posts_per_hour, Some(60));
}
