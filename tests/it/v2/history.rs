//! The past on `/v2`.

use super::findings;
use crate::support::{Server, Session, user};
use serde_json::{Value, json};

fn path(resource: &str, entry: &Value) -> String {
    format!("/v2/{resource}/{}", entry["uuid"].as_str().unwrap())
}

async fn change(session: &Session, path: &str, patch: &Value) -> String {
    let answer = session.send("PATCH", path, patch, &[]).await;
    answer.json(200);
    answer.header("karana-revision").to_owned()
}

#[tokio::test]
async fn a_record_tells_what_became_of_it() {
    let server = Server::start();
    let admin = server.admin().await;
    let made =
        admin.send("POST", "/v2/karanas", &json!({"name": "K1", "owner": null, "config": {}}), &[]).await;
    let (created, entry) = (made.header("karana-revision").to_owned(), made.json(201));
    let path = path("karanas", &entry);
    let renamed = change(&admin, &path, &json!({"name": "K2", "config": {"get_int": 12}})).await;
    let gone =
        admin.send("DELETE", &path, &Value::Null, &[("if-match", "*"), ("x-request-id", "the-end")]).await;
    let deleted = gone.header("karana-revision").to_owned();

    let history = admin.found(&format!("{path}/history")).await;
    let items = history["items"].as_array().unwrap();
    let of = |name: &str| items.iter().map(|item| item[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("revision"), [deleted.as_str(), &renamed, &created]);
    assert_eq!(of("action"), ["delete", "update", "create"]);
    let mut open = entry.clone();
    open["config"].as_object_mut().unwrap().remove("password");
    assert_eq!(items[2]["patch"], json!([{"op": "add", "path": "", "value": open}]));
    assert_eq!(
        items[1]["patch"],
        json!([{"op": "replace", "path": "/config/get_int", "value": 12}, {"op": "replace", "path": "/name", "value": "K2"}])
    );
    assert_eq!(
        (&items[0]["patch"], &items[0]["request_id"]),
        (&json!([{"op": "remove", "path": ""}]), &"the-end".into())
    );
    assert!(
        items
            .iter()
            .all(|item| item["author"] == "Admin" && item["actor"].as_str().unwrap().starts_with("users/"))
    );
    assert_eq!(history["next"], Value::Null);

    // The same by pages of one.
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = admin.found(&format!("{path}/history?limit=1{after}")).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, *items);
    admin
        .send("GET", &format!("{path}/history?after=ffffffff"), &Value::Null, &[])
        .await
        .problem(400, "invalid");
    let nobody = "/v2/karanas/00000000-0000-4000-8000-000000000000/history";
    admin.send("GET", nobody, &Value::Null, &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_record_and_a_list_are_shown_as_they_were() {
    let server = Server::start();
    let admin = server.admin().await;
    let made =
        admin.send("POST", "/v2/karanas", &json!({"name": "K1", "owner": null, "config": {}}), &[]).await;
    let (created, entry) = (made.header("karana-revision").to_owned(), made.json(201));
    let path = path("karanas", &entry);
    change(&admin, &path, &json!({"name": "K2"})).await;
    let mut open = entry.clone();
    open["config"].as_object_mut().unwrap().remove("password");
    for at in [created.as_str(), &created[..12]] {
        assert_eq!(admin.found(&format!("{path}?at={at}")).await, open);
        let list = admin.found(&format!("/v2/karanas?at={at}&sort=name&fields=name")).await;
        assert_eq!(list, json!({"items": [{"name": "K1"}], "next": null, "total": 1}));
        let list = admin.found(&format!("/v2/karanas?at={at}")).await;
        assert_eq!(list["items"], json!([open]));
    }
    let now = (chrono::Utc::now() + chrono::TimeDelta::seconds(2)).to_rfc3339();
    assert_eq!(admin.found(&format!("{path}?at={now}")).await["name"], "K2");
    for at in ["ffffffff", "nonsense", "1999-01-01T00:00:00Z", &"f".repeat(40)] {
        for path in [&path, "/v2/karanas"] {
            let answer = admin.send("GET", &format!("{path}?at={at}"), &Value::Null, &[]).await;
            assert_eq!(findings(&answer.problem(400, "invalid")), [("at".into(), "revision".into())]);
        }
    }
    let first = &admin.found("/v2/history?limit=500").await["items"];
    let first = first.as_array().unwrap().last().unwrap()["revision"].as_str().unwrap().to_owned();
    admin.send("GET", &format!("{path}?at={first}"), &Value::Null, &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_was_comes_back_and_secrets_stay() {
    let server = Server::start();
    let admin = server.admin().await;
    let [anna, berta] = ["anna", "berta"].map(user);
    let [anna, berta] = [admin.made("users", &anna).await, admin.made("users", &berta).await];
    let body = json!({"name": "K1", "owner": anna["uuid"], "config": {}});
    let made = admin.send("POST", "/v2/karanas", &body, &[]).await;
    let (created, entry) = (made.header("karana-revision").to_owned(), made.json(201));
    let one = path("karanas", &entry);
    let restore = format!("{one}/restore");
    change(&admin, &one, &json!({"name": "K2"})).await;
    let before = admin.send("GET", &one, &Value::Null, &[]).await;
    let stale = admin.send("POST", &restore, &json!({"revision": created}), &[("if-match", "\"x\"")]).await;
    stale.problem(412, "precondition_failed");
    let known = [("if-match", before.header("etag"))];
    let restored = admin.send("POST", &restore, &json!({"revision": created[..10]}), &known).await;
    assert_eq!(restored.json(200), entry);
    assert_eq!(restored.header("karana-revision").len(), 40);

    // A device that has moved on does not get its old password back with its old owner.
    change(&admin, &one, &json!({"owner": berta["uuid"]})).await;
    let moved = admin.found(&one).await;
    let back = admin.send("POST", &restore, &json!({"revision": created}), &[]).await.json(200);
    assert_eq!(back["owner"], anna["uuid"]);
    assert!(
        back["config"]["password"] != moved["config"]["password"]
            && back["config"]["password"] != entry["config"]["password"]
    );

    // Nor a user an old password.
    let one = path("users", &anna);
    let created = admin.found(&format!("{one}/history")).await["items"][0]["revision"].clone();
    change(&admin, &one, &json!({"name": "Anna", "credentials": {"password": "another one"}})).await;
    let restored = admin.send("POST", &format!("{one}/restore"), &json!({"revision": created}), &[]).await;
    assert_eq!(restored.json(200)["name"], "anna");
    server.nobody.login("anna@example.com", "another one").await;

    // What is deleted comes back whole.
    let gone = format!("{one}?dependents=release");
    admin.send("DELETE", &gone, &Value::Null, &[("if-match", "*")]).await;
    let history = admin.found("/v2/history?resource=users&action=delete").await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    admin.send("POST", &format!("{one}/restore"), &json!({"revision": created}), &[]).await.json(200);
    assert_eq!(admin.found(&one).await, anna);
    server.nobody.login("anna@example.com", "password of anna").await;
    for (body, code) in [
        (json!({}), "required"),
        (json!({"revision": "x"}), "min_length"),
        (json!({"revision": "xxxxxxxx"}), "pattern"),
        (json!({"revision": "ffffffff"}), "revision"),
    ] {
        let answer = admin.send("POST", &format!("{one}/restore"), &body, &[]).await;
        assert_eq!(findings(&answer.problem(400, "invalid")), [("revision".into(), code.into())]);
    }
}

#[tokio::test]
async fn the_history_of_the_tenant_is_searched() {
    let server = Server::start();
    let admin = server.admin().await;
    let manager = admin.person("manager", "manager").await;
    let owner = manager.session.made("users", &user("owner")).await;
    let karana =
        manager.session.made("karanas", &json!({"name": "K1", "owner": owner["uuid"], "config": {}})).await;
    admin
        .send(
            "DELETE",
            &format!("{}?dependents=release", path("users", &owner)),
            &Value::Null,
            &[("if-match", "*")],
        )
        .await;
    let count = async |query: &str| {
        admin.found(&format!("/v2/history?{query}")).await["items"].as_array().unwrap().len()
    };
    let all = count("").await;
    assert!(all >= 6, "{all}");
    assert_eq!(count(&format!("actor=users/{}", manager.uuid)).await, 2);
    assert_eq!(count("resource=karanas").await, 2);
    assert_eq!(count("resource=karanas&action=create").await, 1);
    assert_eq!(count(&format!("uuid={}", karana["uuid"].as_str().unwrap())).await, 2);
    assert_eq!(count("since=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=1999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("since=1999-01-01T00:00:00+01:00&until=2999-01-01T00:00:00Z").await, all);
    // One mutation that changed two records.
    let newest = &admin.found("/v2/history?limit=1").await["items"][0];
    let actions: Vec<_> =
        newest["changes"].as_array().unwrap().iter().map(|change| change["action"].clone()).collect();
    assert_eq!((actions, &newest["records"]), (vec!["update".into(), "delete".into()], &2.into()));
    let (mut seen, mut after) = (0, String::new());
    loop {
        let page = admin.found(&format!("/v2/history?limit=2{after}")).await;
        seen += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    for query in
        ["resource=nothing", "action=make", "since=yesterday", "uuid=x", "after=ffffffff", "limit=0", "who=x"]
    {
        let answer = admin.send("GET", &format!("/v2/history?{query}"), &Value::Null, &[]).await;
        assert!(matches!(answer.status, 400 | 404), "{query}: {}", answer.text());
    }
}

/// A device that has changed hands: each owner sees its own time, and nobody a secret.
#[tokio::test]
async fn nobody_sees_the_past_of_others_or_a_secret() {
    let server = Server::start();
    let admin = server.admin().await;
    let [anna, berta] = [admin.person("client", "anna").await, admin.person("client", "berta").await];
    let viewer = admin.person("viewer", "viewer").await.session;
    let body = json!({"name": "Of Anna", "note": "secret of Anna", "owner": anna.uuid, "config": {}});
    let karana = admin.made("karanas", &body).await;
    let one = path("karanas", &karana);
    let with_anna =
        admin.found(&format!("{one}/history")).await["items"][0]["revision"].as_str().unwrap().to_owned();
    change(&admin, &one, &json!({"owner": berta.uuid, "name": "Of Berta", "note": ""})).await;
    change(&admin, &one, &json!({"note": "by Berta"})).await;

    let of_berta = berta.session.found(&format!("{one}/history")).await;
    let actions: Vec<_> =
        of_berta["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
    assert_eq!(actions, ["update", "create"]);
    assert!(!of_berta.to_string().contains("Anna"), "{of_berta}");
    let of_anna = anna.session.found(&format!("{one}/history")).await;
    let actions: Vec<_> =
        of_anna["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
    assert_eq!(actions, ["delete", "create"]);
    assert!(!of_anna.to_string().contains("Berta"), "{of_anna}");
    berta
        .session
        .send("GET", &format!("{one}?at={with_anna}"), &Value::Null, &[])
        .await
        .problem(403, "forbidden");
    let list = berta.session.found(&format!("/v2/karanas?at={with_anna}")).await;
    assert_eq!(list["items"], json!([]));
    let tenant = berta.session.found("/v2/history").await;
    assert!(tenant["items"].as_array().unwrap().iter().all(|item| item.get("summary").is_none()));
    assert!(!tenant.to_string().contains("Anna") && !tenant.to_string().contains(&anna.uuid), "{tenant}");
    admin
        .person("client", "carla")
        .await
        .session
        .send("GET", &format!("{one}/history"), &Value::Null, &[])
        .await
        .problem(403, "forbidden");

    let secrets = [
        karana["config"]["password"].as_str().unwrap().to_owned(),
        admin.found(&one).await["config"]["password"].as_str().unwrap().to_owned(),
        admin.found(&format!("/v2/users/{}", anna.uuid)).await["password_influx"]
            .as_str()
            .unwrap()
            .to_owned(),
    ];
    for session in [&admin, &viewer, &anna.session, &berta.session] {
        for path in [
            format!("{one}/history"),
            "/v2/history".into(),
            format!("{one}?at={with_anna}"),
            format!("/v2/karanas?at={with_anna}"),
            format!("/v2/users?at={with_anna}"),
        ] {
            let text = session.send("GET", &path, &Value::Null, &[]).await.text();
            assert!(
                secrets.iter().all(|secret| !text.contains(secret)) && !text.contains("sealed:"),
                "{path}: {text}"
            );
        }
    }
    let moved = &admin.found(&format!("{one}/history")).await["items"][1];
    assert_eq!(moved["secrets"], json!(["config.password"]), "that it was renewed is told");
}
