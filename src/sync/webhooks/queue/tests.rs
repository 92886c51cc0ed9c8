use serde_json::Value;

use super::*;

const WAITS: &[Duration] =
    &[Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1800)];

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn event(time: DateTime<Utc>) -> Arc<Event> {
    Arc::new(Event::new(Kind::Offline, None, Value::Null, time))
}

fn trouble(status: Option<u16>) -> Trouble {
    Trouble { status, reason: "no".into() }
}

fn sent(queue: &mut Queue, now: DateTime<Utc>) -> String {
    match queue.next(now) {
        Next::Send(event) => event.id.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_is_tried_at_growing_intervals_and_then_given_up() {
    let mut queue = Queue::default();
    let one = event(at(0));
    assert_eq!(queue.push(one.clone(), "d", at(0)), None);
    let mut now = 0;
    for wait in [5, 60, 300, 1800] {
        assert_eq!(sent(&mut queue, at(now)), one.id);
        assert_eq!(queue.failed(&one.id, &trouble(None), "d", WAITS, at(now)), []);
        assert_eq!(queue.next(at(now)), Next::At(at(now + wait)));
        now += wait;
    }
    assert_eq!(sent(&mut queue, at(now)), one.id);
    let given_up = queue.failed(&one.id, &trouble(Some(500)), "d", WAITS, at(now));
    assert_eq!((given_up[0].state, given_up[0].attempts, given_up[0].status), (State::GivenUp, 5, Some(500)));
    assert_eq!(queue.next(at(now)), Next::Nothing);
    assert_eq!(queue.counts, Counts { failed: 5, given_up: 1, ..Counts::default() });
}

#[test]
fn gone_is_given_up_at_once() {
    let mut queue = Queue::default();
    let one = event(at(0));
    queue.push(one.clone(), "d", at(0));
    sent(&mut queue, at(0));
    let [given_up] = &queue.failed(&one.id, &trouble(Some(410)), "d", WAITS, at(0))[..] else { panic!() };
    assert_eq!((given_up.state, given_up.attempts), (State::GivenUp, 1));
    assert_eq!(queue.len(), 0);
}

#[test]
fn one_that_is_refused_holds_up_no_other() {
    let mut queue = Queue::default();
    let (bad, good) = (event(at(0)), event(at(0)));
    queue.push(bad.clone(), "d", at(0));
    queue.push(good.clone(), "d", at(0));
    assert_eq!(sent(&mut queue, at(0)), bad.id);
    queue.failed(&bad.id, &trouble(Some(400)), "d", WAITS, at(0));
    assert_eq!(queue.next(at(4)), Next::At(at(5)));
    assert_eq!(sent(&mut queue, at(5)), good.id);
    queue.delivered(&good.id, 200, "d", at(5));
    assert_eq!(sent(&mut queue, at(5)), bad.id);
    queue.failed(&bad.id, &trouble(Some(400)), "d", WAITS, at(5));
    assert_eq!(queue.next(at(6)), Next::At(at(65)));
}

#[test]
fn a_destination_that_is_back_gets_all_that_waits() {
    let mut queue = Queue::default();
    let events: Vec<_> = (0..5).map(|_| event(at(0))).collect();
    events.iter().for_each(|event| _ = queue.push(event.clone(), "d", at(0)));
    let mut now = at(0);
    for _ in 0..6 {
        let id = sent(&mut queue, now);
        queue.failed(&id, &trouble(None), "d", WAITS, now);
        let Next::At(next) = queue.next(now) else { panic!() };
        assert!(next - now <= TimeDelta::minutes(5), "it is asked often enough to see that it is back");
        now = next;
    }
    for n in 0..5 {
        let id = sent(&mut queue, now);
        assert_eq!(queue.delivered(&id, 200, "d", now).unwrap().state, State::Delivered, "{n}");
    }
    assert_eq!(queue.next(now), Next::Nothing);
}

#[test]
fn what_is_too_old_is_given_up_with_the_next_failure() {
    let mut queue = Queue::default();
    let (old, new) = (event(at(0)), event(at(10_000)));
    queue.push(old.clone(), "d", at(0));
    queue.push(new.clone(), "d", at(10_000));
    // Whatever the state file says of when.
    queue.wake(WAITS, at(10_000));
    let id = sent(&mut queue, at(10_000));
    let given_up = queue.failed(&id, &trouble(None), "d", WAITS, at(10_000));
    assert_eq!(given_up.iter().map(|one| &one.id).collect::<Vec<_>>(), [&old.id]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn the_oldest_is_dropped_when_too_many_wait_but_not_the_one_on_its_way() {
    let mut queue = Queue::default();
    let events: Vec<_> = (0..MOST + 2).map(|_| event(at(0))).collect();
    for event in &events[..MOST] {
        assert_eq!(queue.push(event.clone(), "d", at(0)), None);
    }
    assert_eq!(sent(&mut queue, at(0)), events[0].id);
    let dropped = queue.push(events[MOST].clone(), "d", at(0)).unwrap();
    assert_eq!((&dropped.id, dropped.state), (&events[1].id, State::GivenUp));
    assert!(queue.delivered(&events[0].id, 204, "d", at(0)).is_some());
    assert_eq!(queue.push(events[MOST + 1].clone(), "d", at(0)), None);
    assert_eq!((queue.len(), queue.counts.dropped), (MOST, 1));
}

#[test]
fn a_clock_that_was_wrong_keeps_nothing_waiting() {
    let mut queue = Queue::default();
    let one = event(at(90_000_000));
    queue.push(one.clone(), "d", at(90_000_000));
    let text = serde_json::to_string(&queue).unwrap();
    let mut queue: Queue = serde_json::from_str(&text).unwrap();
    queue.wake(WAITS, at(0));
    assert_eq!(queue.next(at(0)), Next::At(at(1800)));
    assert_eq!(sent(&mut queue, at(1800)), one.id);
}
