//! Two owners never reach each other's data; each reaches its own, through Grafana and a real InfluxDB.

use karana::sync::{Settings, Sync};
use std::time::Duration;

use super::*;
use crate::support::influx::RealInflux;

/// The InfluxQL of every panel of a dashboard, as Grafana sends it on for the last years.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets
        .map(|target| {
            let query = text(&target["query"]);
            query
                .replace("$timeFilter", "time > 1400000000s AND time < 1400086400s")
                .replace("$__interval", "10m")
        })
        .collect()
}

#[tokio::test]
async fn two_owners_see_their_own_data_and_nothing_of_each_other() {
    let influx = RealInflux::start().await;
    let mut fleet = fleet();
    fleet.devices[0].kid = Some("roof".into());
    fleet.devices[0].series = r#"a "series" \o/"#.into();
    let settings = influx.settings();
    let url = format!("http://{}:{}", settings.host, settings.port);
    let world = World::with(Grafana::start(&url).await, fleet);
    let Fleet { owners, devices } = world.fleet();
    // InfluxDB as the other half of sync leaves it.
    let (changes, source) = (watch::channel(0).0, world.fleet.clone());
    let sync = Sync::start(
        Settings {
            influx: Some(settings),
            on_change: false,
            interval: Duration::from_secs(3600),
            drop_data: false,
            state_file: world.folder.path().join("sync.json"),
            grafana: None,
            grafana_state_file: world.folder.path().join("unused.json"),
        },
        Arc::new(move || source.lock().unwrap().clone()),
        changes.subscribe(),
    );
    assert_eq!(sync.run(Scope::All).await.unwrap().failures, []);
    settle(&mut world.reconciler(), Depth::Full).await;

    // The first names itself by its kid, the others by their uuids; each has a value of its own.
    let values = [4711, 4712, 4713];
    for (device, value) in devices.iter().zip(values) {
        let kid = device.kid.clone().unwrap_or_else(|| device.uuid.to_string());
        let series = device.series.replace(' ', "\\ ");
        let point = format!("{series},KID={kid} power={value}i,rssi=-70i,note=\"x\" 1400000600");
        let (user, database) = (device.uuid.to_string(), device.owner.unwrap().to_string());
        assert_eq!(influx.write(&user, &device.password, &database, &point).await, 204);
    }

    for (at, me) in owners.iter().enumerate() {
        let other = &owners[1 - at];
        let who = (me.email.as_str(), me.password_grafana.as_str());
        let grafana = &world.grafana;
        let (status, _) =
            grafana.query(who, &format!("k-{}", other.uuid.simple()), "SELECT * FROM data").await;
        assert_eq!(status, 404, "another's data source is not there");
        let path = format!("/api/dashboards/uid/{}", home(other));
        assert_eq!(grafana.send(who, "GET", &path, None, None).await.0, 404);
        let foreign = Some(world.seen(other).await.id);
        for path in ["/api/search", &path] {
            let (status, answer) = grafana.send(who, "GET", path, foreign, None).await;
            assert!([401, 403].contains(&status), "{path}: {status} {answer}");
        }
        for (method, path) in [("GET", "/api/orgs"), ("GET", "/api/users"), ("POST", "/api/datasources")] {
            assert_eq!(grafana.send(who, method, path, None, Some(json!({}))).await.0, 403, "{path}");
        }
        let (_, hits) = grafana.send(who, "GET", "/api/search?type=dash-db", None, None).await;
        let mine = devices.iter().filter(|device| device.owner == Some(me.uuid)).count();
        assert_eq!(hits.as_array().unwrap().len(), mine + 1);
        let (_, first) = grafana.send(who, "GET", "/api/dashboards/home", None, None).await;
        assert!(text(&first["redirectUri"]).contains(&home(me)), "{first}");

        let uid = format!("k-{}", me.uuid.simple());
        for (device, value) in devices.iter().zip(values).filter(|(device, _)| device.owner == Some(me.uuid))
        {
            let path = format!("/api/dashboards/uid/{}", board(device));
            let (status, found) = grafana.send(who, "GET", &path, None, None).await;
            assert_eq!(status, 200, "{found}");
            let queries = queries(&found["dashboard"]);
            assert_eq!(queries.len(), 5);
            let mut shown = String::new();
            for query in queries {
                let (status, answer) = grafana.query(who, &uid, &query).await;
                assert_eq!(status, 200, "{query}: {answer}");
                shown += &answer.to_string();
            }
            let seen: Vec<_> =
                values.into_iter().filter(|value| shown.contains(&value.to_string())).collect();
            assert_eq!(seen, [value], "its own value, and no other: {shown}");
            assert!(shown.contains("-70"), "the signal: {shown}");
        }
        // Not even by naming the other's database.
        for query in [
            format!("SELECT * FROM \"{}\"..data", other.uuid),
            "SHOW USERS".to_owned(),
            format!("DROP DATABASE \"{}\"", me.uuid),
        ] {
            let (status, answer) = grafana.query(who, &uid, &query).await;
            assert_ne!(status, 200, "{query}: {answer}");
        }
    }
    sync.stop().await;
}
