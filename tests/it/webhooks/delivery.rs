//! How events get to a destination, and what becomes of them when they do not.

use super::*;

#[tokio::test]
async fn an_event_is_signed_and_taken_once() {
    let (world, receiver) = (World::bare(), Receiver::start().await);
    let server = world.start(&[&receiver]);
    let id = server.webhooks.test().unwrap();
    eventually("it is taken", || !server.deliveries(State::Delivered).is_empty()).await;
    a_while().await;
    let [arrival] = &receiver.arrivals()[..] else { panic!("{:?}", receiver.arrivals()) };
    assert_eq!((&arrival.id, arrival.kind()), (&id, "webhook.test"));
    assert_eq!(arrival.body["data"], json!({}));
    let [delivery] = &server.deliveries(State::Delivered)[..] else { panic!() };
    assert_eq!((&delivery.id, delivery.attempts, delivery.status), (&id, 1, Some(204)));
    let [destination] = &server.webhooks.destinations()[..] else { panic!() };
    assert_eq!((destination.queue_length, destination.counts.delivered), (0, 1));
    assert_eq!(destination.last_delivery.as_ref().unwrap().status, 204);
    assert_eq!(destination.id, delivery.destination);
    assert!(!format!("{destination:?}").contains("t0ken"), "{destination:?}");
    server.stop().await;
}

#[tokio::test]
async fn whatever_a_destination_answers_it_gets_all_once_it_is_back() {
    let (mut world, receiver) = (World::bare(), Receiver::start().await);
    // Hang as long as is waited for, and be tried often.
    world.limit = Duration::from_millis(300);
    world.waits = vec![Duration::from_millis(50); 100];
    let server = world.start(&[&receiver]);
    for (manner, reason) in [
        (Manner::Answer(500), "HTTP 500 Internal Server Error"),
        (Manner::Answer(401), "HTTP 401 Unauthorized"),
        (Manner::Answer(302), "HTTP 302 Found; redirects are not followed"),
        (Manner::Hang, "no answer in 0 seconds"),
    ] {
        receiver.does(manner);
        let begin = receiver.arrivals().len();
        let ids = [server.webhooks.test().unwrap(), server.webhooks.test().unwrap()];
        eventually("it is tried again", || receiver.arrivals().len() >= begin + 4).await;
        eventually("the reason is told", || {
            server.deliveries(State::Pending).iter().any(|one| one.reason.as_deref() == Some(reason))
        })
        .await;
        assert_eq!(server.deliveries(State::Pending).len(), 2);
        receiver.does(Manner::Answer(200));
        eventually("both are taken", || server.deliveries(State::Pending).is_empty()).await;
        let taken: Vec<_> = receiver.taken().iter().map(|one| one.id.clone()).collect();
        assert!(ids.iter().all(|id| taken.iter().filter(|one| *one == id).count() == 1), "{manner:?}");
    }
    assert_eq!(receiver.taken().len(), 8);
    assert!(receiver.most_at_a_time() <= 2, "one, and one that was left hanging");
    server.stop().await;
}

#[tokio::test]
async fn a_destination_that_is_away_is_told_all_when_it_is_back() {
    let (mut world, receiver) = (World::bare(), Receiver::start().await);
    world.waits = vec![Duration::from_millis(100); 100];
    receiver.go_away().await;
    let server = world.start(&[&receiver]);
    let ids: Vec<_> = (0..20).map(|_| server.webhooks.test().unwrap()).collect();
    eventually("it is tried", || server.webhooks.destinations()[0].counts.failed >= 4).await;
    let failure = server.webhooks.destinations()[0].last_failure.clone().unwrap();
    assert!(failure.reason.starts_with("cannot be reached ("), "{}", failure.reason);
    assert!(!failure.reason.contains("t0ken"));
    // One that is away is asked now and then, however much waits.
    assert!(server.webhooks.destinations()[0].counts.failed < 10);
    receiver.come_back().await;
    eventually("all are taken", || server.deliveries(State::Pending).is_empty()).await;
    let mut taken: Vec<_> = receiver.taken().into_iter().map(|one| one.id).collect();
    assert_eq!(taken.len(), 20);
    taken.sort();
    let mut ids = ids;
    ids.sort();
    assert_eq!(taken, ids);
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_is_never_taken_is_given_up_and_gone_is_at_once() {
    let (mut world, receiver) = (World::bare(), Receiver::start().await);
    world.waits = vec![Duration::from_millis(20); 3];
    let server = world.start(&[&receiver]);
    receiver.does(Manner::Answer(503));
    let refused = server.webhooks.test().unwrap();
    eventually("it is given up", || !server.deliveries(State::GivenUp).is_empty()).await;
    assert!((2..=4).contains(&receiver.arrivals().len()), "{:?}", receiver.arrivals());
    receiver.does(Manner::Answer(410));
    let gone = server.webhooks.test().unwrap();
    eventually("it is given up", || server.deliveries(State::GivenUp).len() == 2).await;
    let given_up = server.deliveries(State::GivenUp);
    let of = |id: &str| given_up.iter().find(|one| one.id == id).unwrap();
    assert_eq!((of(&gone).attempts, of(&gone).status), (1, Some(410)));
    assert_eq!(of(&refused).status, Some(503));
    assert_eq!(server.webhooks.destinations()[0].counts.given_up, 2);
    a_while().await;
    assert_eq!(receiver.arrivals().iter().filter(|one| one.id == gone).count(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_dead_destination_holds_up_no_other_and_no_stop() {
    let mut world = World::bare();
    world.limit = Duration::from_secs(30);
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let [alive, away, hanging] = &receivers;
    away.go_away().await;
    hanging.does(Manner::Hang);
    let server = world.start(&[away, hanging, alive]);
    for _ in 0..50 {
        server.webhooks.test().unwrap();
    }
    eventually("the one that is there has all", || alive.taken().len() == 50).await;
    assert_eq!((alive.most_at_a_time(), hanging.arrivals().len()), (1, 1));
    let waiting: Vec<_> = server.webhooks.destinations().iter().map(|one| one.queue_length).collect();
    assert_eq!((waiting[1], waiting[2]), (50, 0));
    let begin = Instant::now();
    server.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    // What waited is tried again after the restart, and what was taken is not sent again.
    hanging.does(Manner::Answer(200));
    let server = world.start(&[hanging, alive]);
    eventually("the other one has all", || hanging.taken().len() == 50).await;
    a_while().await;
    assert_eq!((hanging.taken().len(), alive.arrivals().len()), (50, 50));
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_events_wait_and_the_oldest_give_way_to_more() {
    let (mut world, receiver) = (World::bare(), Receiver::start().await);
    world.waits = vec![Duration::from_millis(500); 100];
    receiver.go_away().await;
    let server = world.start(&[&receiver]);
    let ids: Vec<_> = (0..1010).map(|_| server.webhooks.test().unwrap()).collect();
    let [destination] = &server.webhooks.destinations()[..] else { panic!() };
    assert_eq!((destination.queue_length, destination.counts.dropped), (1000, 10));
    let dropped = server.webhooks.latest(2000);
    let dropped = dropped.iter().filter(|one| one.state == State::GivenUp);
    assert!(dropped.clone().all(|one| one.reason.as_deref().unwrap().starts_with("dropped")));
    assert_eq!(dropped.count(), 10);
    receiver.come_back().await;
    eventually("the others are taken", || server.deliveries(State::Pending).is_empty()).await;
    assert_eq!(receiver.taken().len(), 1000);
    assert!(receiver.taken().iter().any(|one| one.id == ids[1009]));
    server.stop().await;
}
