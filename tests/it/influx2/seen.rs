//! What is read for people: whether devices post, what they have measured, and what Grafana asks as an owner.

use std::time::{Duration, Instant};

use karana::sync::presence::{Connection, Presence, Roster, Settings, Watched};
use karana::sync::readings::{Aggregate, Place, Readings, Wanted};

use super::*;

#[tokio::test]
async fn devices_are_seen_and_their_series_read() {
    let world = World::new(fleet()).await;
    settle(&mut world.reconciler(), Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    let one = &devices[0];
    let now = Utc::now();
    for (ago, value) in [(120, 10), (60, 20)] {
        let point = format!("data,KID={} voltage={value}i {}", one.uuid, now.timestamp() - ago);
        assert_eq!(world.influx.write(one.uuid, &one.password, owners[0].uuid, &point).await, 204);
    }
    let watched = |device: &Device| Watched {
        uuid: device.uuid,
        owner: device.owner,
        kid: None,
        series: "data".into(),
        post_int: 30,
    };
    let roster = Roster { devices: devices.iter().map(watched).collect() };
    let settings = Settings {
        influx: Some(world.settings.clone()),
        post_int_unit: Duration::from_secs(60),
        interval: Duration::from_millis(20),
        state_file: world.folder.path().join("presence.json"),
    };
    let presence = Presence::start(settings, Arc::new(move || roster.clone()), Arc::new(Utc::now));
    let deadline = Instant::now() + Duration::from_secs(30);
    while presence.stats().unwrap().looks_done < 2 {
        assert!(Instant::now() < deadline, "it never looked: {:?}", presence.stats());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(presence.of(one.uuid).unwrap().connection, Connection::Online);
    assert_eq!(presence.of(devices[1].uuid).unwrap().connection, Connection::Unknown);
    presence.stop().await;

    let readings = Readings::new(Some(&world.settings));
    let place = Place {
        database: owners[0].uuid,
        series: vec!["data".into()],
        kids: Some(vec![one.uuid.to_string()]),
    };
    let wanted = Wanted {
        field: None,
        from: now - chrono::TimeDelta::hours(1),
        to: now,
        every: 3600 * 24 * 365,
        aggregate: Aggregate::Sum,
    };
    let read = readings.read(&place, &wanted).await.unwrap();
    let [voltage] = &read[..] else { panic!("{read:?}") };
    assert_eq!(voltage.field, "voltage");
    assert_eq!(voltage.points.iter().filter_map(|(_, value)| value.as_f64()).sum::<f64>(), 30.0);
}
