//! How the records stand with the back ends, over HTTP: with a real InfluxDB.

use crate::support::grafana::Grafana;
use crate::support::influx::RealInflux;
use crate::support::{Home, Server, Session, user};
use serde_json::{Value, json};

async fn server_with(influx: &RealInflux) -> (Home, Server, Session) {
    let to = influx.settings();
    let home = Home::new(&format!(
        "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n[sync]\non_change = false\n",
        to.host, to.port, to.user, to.pass
    ));
    let server = home.serve();
    let admin = server.admin().await;
    (home, server, admin)
}

async fn owner_with_karana(admin: &Session) -> (String, String) {
    let login = json!({"login": "a@example.com", "password": "12345"});
    let user = json!({"name": "Ada", "email": "a@example.com", "credentials": login});
    let user = admin.made("users", &user).await;
    let karana = json!({"name": "Roof", "owner": user["uuid"], "config": {}});
    let karana = admin.made("karanas", &karana).await;
    (text(&user["uuid"]), text(&karana["uuid"]))
}

/// A run that could look; answers with its report.
async fn run(admin: &Session, query: &str) -> Value {
    admin.send("POST", &format!("/v2/sync{query}"), &Value::Null, &[]).await.json(200)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plan_names_each_action_and_its_reason_and_does_nothing() {
    let influx = RealInflux::start().await;
    let (_home, _server, admin) = server_with(&influx).await;
    run(&admin, "").await;
    let (user, karana) = owner_with_karana(&admin).await;
    let plan = admin.get("/v2/sync/plan").await.json(200);
    let words = |step: &Value| {
        format!(
            "{}/{}: {} ({})",
            step["resource"].as_str().unwrap(),
            step["uuid"].as_str().unwrap(),
            step["action"].as_str().unwrap(),
            step["reason"].as_str().unwrap()
        )
    };
    let steps: Vec<String> = plan["actions"].as_array().unwrap().iter().map(words).collect();
    assert_eq!(
        steps,
        [
            format!("users/{user}: create database {user} (it is missing)"),
            format!("users/{user}: create the user (it is missing)"),
            format!("users/{user}: grant the user READ on {user} (it is missing)"),
            format!("karanas/{karana}: create the user (it is missing)"),
            format!("karanas/{karana}: grant the user ALL on {user} (it is missing)"),
            format!("karanas/{karana}: write the config line into {user} (it is missing)"),
        ]
    );
    assert_eq!((&plan["drift"], &plan["orphans"]), (&json!([]), &json!([])));
    assert_eq!(admin.get("/v2/sync/plan").await.json(200), plan, "nothing was done");
}

#[tokio::test]
async fn a_record_is_pending_then_synced_and_says_since_when() {
    let influx = RealInflux::start().await;
    let (home, server, admin) = server_with(&influx).await;
    let (user, karana) = owner_with_karana(&admin).await;
    let state = async |uuid: &str| {
        let all = admin.get("/v2/sync").await.json(200);
        let items = all["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["uuid"] == *uuid).unwrap()
    };
    assert_eq!(state(&user).await["state"], "pending");
    let pending = admin.get("/v2/sync?state=pending&resource=karanas").await.json(200);
    assert_eq!((&pending["total"], &pending["items"][0]["uuid"]), (&json!(1), &json!(karana)));

    // One record alone; its owner's database comes with it.
    let report = run(&admin, &format!("?resource=karanas&id={karana}")).await;
    assert_eq!(report["counts"]["karanas"], json!({"synced": 1, "failed": 0}), "{report}");
    let synced = state(&karana).await;
    assert_eq!(
        (&synced["state"], &synced["backends"]["influxdb"]["state"]),
        (&json!("synced"), &json!("synced"))
    );
    let since = text(&synced["at"]);

    run(&admin, "").await;
    let all = admin.get("/v2/sync").await.json(200);
    assert_eq!(all["counts"]["users"], json!({"failed": 0, "pending": 0, "synced": 2}), "{all}");
    assert_eq!(state(&karana).await["at"], since.as_str(), "found right, not made so again");

    // Beside the record, too.
    let status = admin.found(&format!("/v2/karanas/{karana}/status")).await;
    assert_eq!(
        (&status["sync"]["state"], &status["sync"]["at"]),
        (&json!("synced"), &json!(since)),
        "{status}"
    );
    let listed = admin.found("/v2/users?include=status&filter[name]=Ada").await;
    assert_eq!(listed["items"][0]["status"]["sync"]["backends"]["influxdb"]["state"], "synced", "{listed}");

    // Known after a restart, without a look at any record.
    server.stop();
    let server = home.serve();
    let admin = server.admin().await;
    let all = admin.get("/v2/sync?resource=karanas").await.json(200);
    assert_eq!((&all["items"][0]["state"], &all["items"][0]["at"]), (&json!("synced"), &json!(since)));

    // Whoever changes a record sees that it is not there yet.
    let change = json!({"config": {"post_int": 7}});
    admin.send("PATCH", &format!("/v2/karanas/{karana}"), &change, &[]).await.json(200);
    let all = admin.get("/v2/sync?resource=karanas").await.json(200);
    assert_eq!(all["items"][0]["state"], "pending");
    assert_eq!(
        admin.found(&format!("/v2/karanas/{karana}/status")).await["sync"],
        json!({"state": "pending", "backends": {"influxdb": {"state": "pending"}}})
    );
}

#[tokio::test]
async fn what_was_changed_by_hand_is_told_apart_and_put_right() {
    let influx = RealInflux::start().await;
    let (_home, _server, admin) = server_with(&influx).await;
    let (user, karana) = owner_with_karana(&admin).await;
    run(&admin, "").await;
    influx.admin(&format!("REVOKE ALL ON \"{user}\" FROM \"{karana}\"")).await;
    let stranger = uuid::Uuid::new_v4();
    influx.admin(&format!("CREATE DATABASE \"{stranger}\"")).await;
    influx.admin(&format!("CREATE USER \"{stranger}\" WITH PASSWORD 'x'")).await;
    influx.admin("CREATE DATABASE \"of somebody else\"").await;

    let plan = admin.get("/v2/sync/plan").await.json(200);
    assert_eq!(plan["actions"], json!([]));
    assert_eq!(plan["drift"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!(plan["drift"][0]["action"], format!("grant the user ALL on {user}"));
    let orphan = |kind: &str| json!({"backend": "influxdb", "kind": kind, "name": stranger});
    assert_eq!(plan["orphans"], json!([orphan("user"), orphan("database")]));

    let report = run(&admin, "").await;
    assert_eq!(report["actions_done"], 1);
    let drop = |kind: &str, name: &str| {
        let path = format!("/v2/sync/orphans?backend=influxdb&kind={kind}&name={name}");
        let admin = admin.clone();
        async move { admin.delete(&path).await }
    };
    assert_eq!(drop("database", &user).await.status, 404, "it belongs to a record");
    assert_eq!(drop("database", "of%20somebody%20else").await.status, 404);
    for kind in ["user", "database"] {
        assert_eq!(drop(kind, &stranger.to_string()).await.status, 204);
    }
    let plan = admin.get("/v2/sync/plan").await.json(200);
    assert_eq!(plan, json!({"actions": [], "drift": [], "orphans": []}));
}

#[tokio::test]
async fn a_run_tells_how_far_it_is_to_those_who_accept_events() {
    let influx = RealInflux::start().await;
    let (_home, _server, admin) = server_with(&influx).await;
    owner_with_karana(&admin).await;
    let request = admin.request("POST", "/v2/sync").header("accept", "text/event-stream");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let events = answer.text().await.unwrap();
    let last = events.trim_end().rsplit("\n\n").next().unwrap();
    let report: Value = serde_json::from_str(last.strip_prefix("event: report\ndata: ").unwrap()).unwrap();
    assert_eq!(report["backends"]["influxdb"]["result"], "synced", "{events}");
    assert!(events.starts_with("event: progress\ndata: {"), "{events}");
}

#[tokio::test]
async fn sync_is_for_admins_and_managers_and_orphans_for_admins() {
    let server = Home::new("").serve();
    let admin = server.admin().await;
    for (role, sees) in [("manager", true), ("viewer", false), ("client", false)] {
        let session = admin.person(role, role).await.session;
        let expected = if sees { 200 } else { 403 };
        assert_eq!(session.get("/v2/sync").await.status, expected, "{role}");
        assert_eq!(session.get("/v2/sync/plan").await.status, expected, "{role}");
        assert_eq!(session.send("POST", "/v2/sync", &Value::Null, &[]).await.status, expected, "{role}");
        let path = "/v2/sync/orphans?backend=influxdb&kind=user&name=x";
        assert_eq!(session.delete(path).await.status, 403, "{role}");
    }
    let answer = admin.get("/v2/sync?id=1").await;
    assert_eq!(answer.status, 400);
    assert_eq!(admin.get("/v2/sync/plan?id=4e1fcc06-0a0e-4b0e-8f0a-3a1f0a3a1f0a").await.status, 400);
    // Without a back end there is nothing to wait for, and nothing to do.
    let report = run(&admin, "").await;
    assert_eq!(report["backends"]["influxdb"]["result"], "not_configured");
}

#[tokio::test]
async fn an_owner_gets_its_place_in_grafana_too_and_the_plan_names_both() {
    let influx = RealInflux::start().await;
    let to = influx.settings();
    let grafana = Grafana::fake(&format!("http://{}:{}", to.host, to.port)).await;
    let at = grafana.settings();
    let home = Home::new(&format!(
        "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n[grafana]\nhost = {}\nport = {}\nuser = {}\npass = {}\n\
         [sync]\non_change = false\n",
        to.host, to.port, to.user, to.pass, at.host, at.port, at.user, at.pass
    ));
    let server = home.serve();
    let admin = server.admin().await;
    run(&admin, "").await;
    let (user, karana) = owner_with_karana(&admin).await;
    let plan = admin.get("/v2/sync/plan").await.json(200);
    let of = |backend: &str| {
        plan["actions"].as_array().unwrap().iter().filter(|step| step["backend"] == backend).count()
    };
    assert_eq!((of("influxdb"), of("grafana") > 4), (6, true), "{plan}");

    let report = run(&admin, "").await;
    assert_eq!(report["failures"], json!([]));
    assert_eq!(report["backends"]["grafana"]["result"], "synced");
    let all = admin.get("/v2/sync?resource=karanas").await.json(200);
    let item = &all["items"][0];
    assert_eq!((&item["uuid"], &item["state"]), (&json!(karana), &json!("synced")), "{all}");
    assert!(item["backends"]["grafana"]["at"].is_string() && item["backends"]["influxdb"]["at"].is_string());
    let seen = grafana.seen(user.parse().unwrap()).await.unwrap();
    assert_eq!(seen.members, [("a@example.com".to_owned(), "Viewer".to_owned())]);
    let shown = admin.found(&format!("/v2/users/{user}")).await;
    let who = ("a@example.com", shown["password_grafana"].as_str().unwrap());
    assert_eq!(grafana.send(who, "GET", "/api/user", None, None).await.0, 200);

    // Drift and orphans of both are told alike.
    let (org, stranger) = (seen.id, uuid::Uuid::new_v4());
    let uid = format!("k-{}", user.replace('-', ""));
    grafana.admin("DELETE", &format!("/api/datasources/uid/{uid}"), Some(org), None).await;
    grafana.admin("POST", "/api/orgs", None, Some(json!({"name": format!("karana-{stranger}")}))).await;
    let plan = admin.get("/v2/sync/plan").await.json(200);
    assert_eq!((&plan["actions"], plan["drift"].as_array().unwrap().len()), (&json!([]), 1), "{plan}");
    let orphan = json!({"backend": "grafana", "kind": "organization", "name": format!("karana-{stranger}")});
    assert_eq!(plan["orphans"], json!([orphan]));
    let path = format!("/v2/sync/orphans?backend=grafana&kind=organization&name=karana-{stranger}");
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(run(&admin, "").await["actions_done"], 1);
    assert_eq!(
        admin.get("/v2/sync/plan").await.json(200),
        json!({"actions": [], "drift": [], "orphans": []})
    );

    // Grafana being away holds nothing else up.
    grafana.faked().fail(crate::support::grafana::Fault::Away);
    let change = json!({"config": {"post_int": 7}});
    admin.send("PATCH", &format!("/v2/karanas/{karana}"), &change, &[]).await.json(200);
    let report = run(&admin, "").await;
    assert_eq!(report["backends"]["influxdb"]["result"], "synced");
    assert_eq!(report["backends"]["grafana"]["result"], "failed");
    let all = admin.get("/v2/sync?resource=karanas").await.json(200);
    assert_eq!(all["items"][0]["backends"]["influxdb"]["state"], "synced");
}

/// Whatever becomes of InfluxDB: who speaks to the server does not notice.
#[tokio::test]
async fn the_api_answers_as_fast_as_ever_while_influxdb_hangs_and_fails() {
    use crate::support::proxy::{Fault, Proxy};
    use std::time::{Duration, Instant};
    let influx = RealInflux::start().await;
    for fault in [Fault::Hang, Fault::Broken, Fault::CutBefore, Fault::Garbage] {
        let proxy = Proxy::before(influx.settings()).await;
        let to = proxy.settings();
        let config = format!(
            "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n",
            to.host, to.port, to.user, to.pass
        );
        let server = Server::start_with(&config, &[]);
        let admin = server.admin().await;
        proxy.always(fault);
        let mut slowest = Duration::ZERO;
        for n in 0..20 {
            let begin = Instant::now();
            let owner = admin.create("users", &user(&format!("u{n}"))).await;
            let karana = json!({"name": "Roof", "owner": owner, "config": {}});
            let karana = admin.create("karanas", &karana).await;
            for path in
                [format!("/v2/karanas/{karana}?include=status"), "/v2/sync".into(), "/health/ready".into()]
            {
                assert_eq!(admin.get(&path).await.status, 200, "{path}");
            }
            slowest = slowest.max(begin.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{fault:?}: five calls took at most {slowest:?}, {} requests", proxy.requests());
        // Hashing a password takes most of it; a request that hangs would take seconds.
        assert!(slowest < Duration::from_secs(2), "{fault:?}: {slowest:?}");
        // One for each change at most, and the looks.
        assert!((1..=80).contains(&proxy.requests()), "{fault:?}: {:?}", proxy.seen());
        let begin = Instant::now();
        server.stop();
        assert!(begin.elapsed() < Duration::from_secs(10), "{fault:?}");
    }
}
