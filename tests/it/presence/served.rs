//! Live state and series over HTTP, with a real InfluxDB.

use crate::health::{metric, metrics};
use crate::support::influx::RealInflux;
use crate::support::{PATIENCE, Server, Session, user};
use crate::v2::findings;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A server whose units are seconds, so that it looks every five of them.
fn serve(influx: &RealInflux) -> Server {
    let to = influx.settings();
    let config = format!(
        "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n[fleet]\npost_int_unit = 1s\n",
        to.host, to.port, to.user, to.pass
    );
    Server::start_with(&config, &[])
}

fn id(record: &Value) -> &str {
    record["uuid"].as_str().unwrap()
}

async fn karana(admin: &Session, name: &str, owner: &Value) -> Value {
    admin.made("karanas", &json!({"name": name, "owner": owner, "config": {"post_int": 60}})).await
}

/// Posts as the device itself does.
async fn post(influx: &RealInflux, karana: &Value, fields: &str, time: DateTime<Utc>) -> u16 {
    let (uuid, owner) = (id(karana), karana["owner"].as_str().unwrap());
    let password = karana["config"]["password"].as_str().unwrap();
    influx.write(uuid, password, owner, &format!("data,KID={uuid} {fields} {}", time.timestamp())).await
}

async fn until(what: &str, session: &Session, path: &str, done: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let answer = session.found(path).await;
        if done(&answer) {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "never came true: {what}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn names(page: &Value) -> BTreeSet<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_state_of_each_karana_is_shown_listed_and_counted() {
    let influx = RealInflux::start().await;
    let server = serve(&influx);
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let stranger = admin.person("client", "stranger").await;
    let mut karanas = Vec::new();
    for name in ["online", "late", "offline", "never"] {
        karanas.push(karana(&admin, name, &json!(owner.uuid)).await);
    }
    karanas.push(admin.made("karanas", &json!({"name": "stock", "owner": null, "config": {}})).await);
    admin.post("/v1/sync/all/db", &Value::Null).await.results();
    let now = Utc::now();
    for (karana, age) in karanas.iter().zip([0, 240, 2 * 86_400]) {
        assert_eq!(post(&influx, karana, "voltage=231i", now - TimeDelta::seconds(age)).await, 204);
    }
    let path = |karana: &Value| format!("/v2/karanas/{}", id(karana));
    let status = format!("{}/status", path(&karanas[2]));
    let offline = until("offline", &admin, &status, |status| status["connection"] == "offline").await;
    let seen: DateTime<Utc> = offline["last_seen"].as_str().unwrap().parse().unwrap();
    assert_eq!(seen.timestamp(), (now - TimeDelta::days(2)).timestamp());
    assert_eq!((&offline["clock_ahead"], &offline["posts_per_hour"]), (&json!(false), &json!(0)));
    assert!(offline["checked_at"].is_string());

    let all = admin.found("/v2/karanas?include=status&sort=name").await;
    for item in all["items"].as_array().unwrap() {
        let expected = match item["name"].as_str().unwrap() {
            "never" | "stock" => "unknown",
            name => name,
        };
        assert_eq!(item["status"]["connection"], expected, "{item}");
    }
    for (wanted, expected) in [
        ("online", &["online"][..]),
        ("late", &["late"]),
        ("offline", &["offline"]),
        ("unknown", &["never", "stock"]),
    ] {
        let page = admin.found(&format!("/v2/karanas?connection={wanted}")).await;
        assert_eq!(
            (names(&page), &page["total"]),
            (expected.iter().copied().collect(), &json!(expected.len()))
        );
    }
    // Together with a filter, page by page.
    let first = admin.found("/v2/karanas?connection=unknown&sort=-name&limit=1&fields=name").await;
    assert_eq!((names(&first), &first["total"]), (["stock"].into(), &json!(2)));
    let next = first["next"].as_str().unwrap();
    let rest = admin
        .found(&format!(
            "/v2/karanas?connection=unknown&sort=-name&limit=1&fields=name&after={next}&include=status"
        ))
        .await;
    assert_eq!((names(&rest), &rest["next"]), (["never"].into(), &Value::Null));
    assert_eq!(rest["items"][0].as_object().unwrap().len(), 2, "{rest}");
    let filtered = admin.found("/v2/karanas?connection=unknown&filter[owner]=null").await;
    assert_eq!((names(&filtered), &filtered["total"]), (["stock"].into(), &json!(1)));

    // Who may read the record sees its state, nobody else, and counts it.
    let own = owner.session.found("/v2/karanas?connection=unknown&include=status").await;
    assert_eq!((names(&own), &own["total"]), (["never"].into(), &json!(1)));
    assert_eq!(stranger.session.found("/v2/karanas?connection=offline").await["total"], 0);
    owner.session.found(&status).await;
    stranger.session.send("GET", &status, &Value::Null, &[]).await.problem(403, "forbidden");

    // The tag is the record's; what is live has none.
    let one = admin.send("GET", &path(&karanas[0]), &Value::Null, &[]).await;
    let with = format!("{}?include=status", path(&karanas[0]));
    let known = [("if-none-match", one.header("etag"))];
    let live = admin.send("GET", &with, &Value::Null, &known).await;
    assert_eq!((live.status, live.header("etag")), (200, one.header("etag")));
    assert_eq!(live.json(200)["status"]["connection"], "online");
    assert!(one.json(200).get("status").is_none());
    let list = admin.send("GET", "/v2/karanas?include=status", &Value::Null, &[("if-none-match", "*")]).await;
    assert_eq!((list.status, list.header("etag")), (200, ""));
    admin.send("GET", "/v2/karanas", &Value::Null, &[("if-none-match", "*")]).await;

    let shown = metrics(&server).await;
    for (connection, count) in [("online", 1.0), ("late", 1.0), ("offline", 1.0), ("unknown", 2.0)] {
        assert_eq!(metric(&shown, &format!("karana_devices{{connection=\"{connection}\"}}")), count);
    }

    // Suspended, it stands as its points say; deleted, it is not there.
    admin.send("PATCH", &path(&karanas[0]), &json!({"state": "suspended"}), &[]).await.json(200);
    assert_eq!(admin.found(&with).await["status"]["connection"], "online");
    admin.send("DELETE", &path(&karanas[2]), &Value::Null, &[("if-match", "*")]).await;
    admin.send("GET", &status, &Value::Null, &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_has_no_state_says_so_and_parameters_are_strict() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.made("users", &user("owner")).await;
    let karana = admin.made("karanas", &json!({"name": "K1", "owner": id(&owner), "config": {}})).await;
    let state = admin.found(&format!("/v2/users/{}/status", id(&owner))).await;
    assert_eq!(state, json!({"sync": null}));
    assert_eq!(admin.found("/v2/users?include=status").await["items"][0]["status"], json!({"sync": null}));
    let path = format!("/v2/karanas/{}", id(&karana));
    let unknown = admin.found(&format!("{path}/status")).await;
    let nothing = json!({"connection": "unknown", "last_seen": null, "posts_per_hour": null, "clock_ahead": false, "checked_at": null, "sync": null});
    assert_eq!(unknown, nothing);
    let body = json!({"karana": id(&karana), "date": "2026-02-28", "technician": "Ada"});
    let maintenance = admin.made("maintenances", &body).await;
    for path in [
        format!("/v2/maintenances/{}/status", id(&maintenance)),
        format!("/v2/maintenances/{}/series", id(&maintenance)),
        format!("/v2/users/{}/series", id(&owner)),
        "/v2/keys/00000000-0000-4000-8000-000000000000/status".to_owned(),
        "/v2/karanas/00000000-0000-4000-8000-000000000000/status".to_owned(),
        "/v2/karanas/nothing/series".to_owned(),
    ] {
        admin.send("GET", &path, &Value::Null, &[]).await.problem(404, "not_found");
    }
    for (path, field) in [
        ("/v2/karanas?include=everything", "include"),
        ("/v2/karanas?connection=gone", "connection"),
        ("/v2/users?connection=online", "connection"),
        ("/v2/maintenances?include=status", "include"),
        ("/v2/karanas?connection=online&at=2999-01-01T00:00:00Z", "connection"),
        ("/v2/karanas?include=status&at=2999-01-01T00:00:00Z", "include"),
        (&format!("{path}?include=status&at=2999-01-01T00:00:00Z"), "include"),
        (&format!("{path}?connection=online"), "connection"),
        (&format!("{path}/status?fields=name"), "fields"),
        (&format!("{path}/series?step=5m"), "step"),
        (&format!("{path}/series?every=5"), "every"),
        (&format!("{path}/series?every=1s"), "every"),
        (&format!("{path}/series?aggregate=median"), "aggregate"),
        (&format!("{path}/series?from=yesterday"), "from"),
        (&format!("{path}/series?from=2999-01-01T00:00:00Z"), "from"),
        (&format!("{path}/series?field="), "field"),
    ] {
        let problem = admin.send("GET", path, &Value::Null, &[]).await.problem(400, "invalid");
        assert_eq!(findings(&problem)[0].0, field, "{path}: {problem}");
    }
    server
        .nobody
        .send("GET", &format!("{path}/status"), &Value::Null, &[])
        .await
        .problem(401, "unauthorized");
    // No InfluxDB; and in stock there is nothing to be read.
    let series = format!("{path}/series");
    let reason = admin.send("GET", &series, &Value::Null, &[]).await.problem(404, "not_found");
    assert!(reason["detail"].as_str().unwrap().contains("no InfluxDB"), "{reason}");
    admin.send("PATCH", &path, &json!({"owner": null}), &[]).await.json(200);
    let refused = admin.send("GET", &series, &Value::Null, &[]).await.problem(409, "conflict");
    assert_eq!(findings(&refused), [("owner".into(), "required".into())]);
}

#[tokio::test]
async fn a_series_holds_the_points_of_its_karana_alone() {
    let mut influx = RealInflux::start().await;
    let server = serve(&influx);
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let stranger = admin.person("client", "stranger").await;
    let one = karana(&admin, "one", &json!(owner.uuid)).await;
    let other = karana(&admin, "other", &json!(owner.uuid)).await;
    let foreign = karana(&admin, "foreign", &json!(stranger.uuid)).await;
    admin.post("/v1/sync/all/db", &Value::Null).await.results();
    let begin: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    for minute in 0..60 {
        let at = begin + TimeDelta::minutes(minute);
        let fields = format!("voltage={}i,power={}.5,label=\"x\",on=true", minute, minute * 10);
        assert_eq!(post(&influx, &one, &fields, at).await, 204);
        assert_eq!(post(&influx, &other, "voltage=100000i,secret=1i", at).await, 204);
    }
    // One who takes its name.
    let password = foreign["config"]["password"].as_str().unwrap();
    let lie = format!("data,KID={} voltage=-5i {}", id(&one), begin.timestamp());
    assert_eq!(influx.write(id(&foreign), password, &stranger.uuid, &lie).await, 204);

    let path = format!("/v2/karanas/{}/series", id(&one));
    let hour = "from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z";
    let series = owner.session.found(&format!("{path}?{hour}&every=30m&field=voltage")).await;
    assert_eq!(
        series,
        json!({
            "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "every": "30m", "aggregate": "mean",
            "series": [{"field": "voltage", "points": [["2026-01-01T00:00:00Z", 14.5], ["2026-01-01T00:30:00Z", 44.5]]}],
        })
    );
    for (aggregate, expected) in [
        ("min", json!([0, 30])),
        ("max", json!([29, 59])),
        ("sum", json!([435, 1335])),
        ("count", json!([30, 30])),
        ("last", json!([29, 59])),
    ] {
        let series =
            admin.found(&format!("{path}?{hour}&every=30m&field=voltage&aggregate={aggregate}")).await;
        let points = series["series"][0]["points"].as_array().unwrap();
        let values: Vec<_> = points.iter().map(|point| point[1].clone()).collect();
        assert_eq!(json!(values), expected, "{aggregate}");
    }
    // All that are numbers; where this one has none, there are no points.
    let all = admin.found(&format!("{path}?{hour}&every=1h")).await;
    let fields: Vec<_> = all["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["field"].clone(), s["points"].as_array().unwrap().len()))
        .collect();
    assert_eq!(fields, [(json!("power"), 1), (json!("secret"), 0), (json!("voltage"), 1)]);
    let steps = admin.found(&format!("{path}?{hour}")).await;
    assert_eq!(steps["every"], "30s");
    assert_eq!(steps["series"][2]["points"].as_array().unwrap().len(), 60);
    for field in ["label", "nothing", "voltage\") FROM \"x\"..\"y\" --"] {
        let field = form_urlencoded::byte_serialize(field.as_bytes()).collect::<String>();
        let nothing = admin.found(&format!("{path}?{hour}&field={field}")).await;
        assert_eq!(nothing["series"][0]["points"], json!([]));
    }
    assert_eq!(admin.found(&path).await["series"][0]["points"], json!([]), "the last day");
    stranger.session.send("GET", &path, &Value::Null, &[]).await.problem(403, "forbidden");

    influx.freeze(true);
    let begin = Instant::now();
    admin.send("GET", &path, &Value::Null, &[]).await.problem(503, "service_unavailable");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    influx.freeze(false);
    influx.stop();
    admin.send("GET", &path, &Value::Null, &[]).await.problem(503, "service_unavailable");
    assert!(!server.log().contains("panicked"));
}
