//! Batches, and requests that are sent again.

use super::findings;
use crate::support::{Home, Server, Session, user};
use serde_json::{Value, json};

async fn batch(session: &Session, operations: Value) -> crate::support::Answer {
    session.send("POST", "/v2/batch", &json!({"operations": operations}), &[]).await
}

fn device(name: &str, owner: &str) -> Value {
    json!({"op": "create", "resource": "karanas", "data": {"name": name, "owner": owner, "config": {}}})
}

#[tokio::test]
async fn an_owner_and_its_devices_are_made_in_one_commit() {
    let server = Server::start();
    let admin = server.admin().await;
    let commits = server.home().commits();
    let mut operations =
        vec![json!({"op": "create", "resource": "users", "local_id": "anna", "data": user("anna")})];
    operations.extend((0..5).map(|number| device(&format!("K{number}"), "$anna")));
    let answer = batch(&admin, operations.into()).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let results = answer.json(200)["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 6);
    let owner = results[0]["uuid"].clone();
    for result in &results[1..] {
        assert_eq!((&result["status"], &result["record"]["owner"]), (&201.into(), &owner));
        let path = format!("/v2/karanas/{}", result["uuid"].as_str().unwrap());
        let read = admin.send("GET", &path, &Value::Null, &[]).await;
        assert_eq!(
            (read.json(200), read.header("etag")),
            (result["record"].clone(), result["etag"].as_str().unwrap())
        );
    }
    assert_eq!(server.home().commits(), commits + 1);
    let message = server.home().git(&["log", "-1", "--format=%B", answer.header("karana-revision")]);
    assert!(results.iter().all(|result| message.contains(result["uuid"].as_str().unwrap())), "{message}");
    server.nobody.login("anna@example.com", "password of anna").await;
}

#[tokio::test]
async fn records_are_changed_replaced_and_deleted_together() {
    let server = Server::start();
    let admin = server.admin().await;
    let made = batch(&admin, json!([device("K1", "x")])).await.problem(422, "batch_refused");
    assert_eq!(findings(&made["operations"][0]), [("data.owner".into(), "format".into())]);
    let [one, two, three] = ["K1", "K2", "K3"].map(|name| json!({"name": name, "owner": null, "config": {}}));
    let [one, two, three] = [
        admin.made("karanas", &one).await,
        admin.made("karanas", &two).await,
        admin.made("karanas", &three).await,
    ];
    let mut whole = two.clone();
    whole["name"] = "K2b".into();
    let etag =
        admin.send("GET", &format!("/v2/karanas/{}", two["uuid"].as_str().unwrap()), &Value::Null, &[]).await;
    let answer = batch(&admin, json!([
        {"op": "update", "resource": "karanas", "uuid": one["uuid"], "data": {"note": "new"}},
        {"op": "replace", "resource": "karanas", "uuid": two["uuid"], "data": whole, "if_match": etag.header("etag")},
        {"op": "delete", "resource": "karanas", "uuid": three["uuid"], "if_match": "*"},
    ])).await.json(200);
    assert_eq!(answer["results"][0]["record"]["note"], "new");
    assert_eq!(answer["results"][1]["record"]["name"], "K2b");
    assert_eq!(answer["results"][2], json!({"status": 204, "resource": "karanas", "uuid": three["uuid"]}));
    assert_eq!(admin.found("/v2/karanas").await["total"], 2);
}

#[tokio::test]
async fn one_that_is_refused_refuses_all_and_all_are_named() {
    let server = Server::start();
    let admin = server.admin().await;
    let one = admin.made("karanas", &json!({"name": "K1", "owner": null, "config": {}})).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let commits = server.home().commits();
    let revision = admin.found("/v2/history?limit=1").await["items"][0]["revision"].clone();
    let operations = json!([
        device("Fine", "$nobody"),
        {"op": "create", "resource": "karanas", "data": {"name": "K", "owner": null, "config": {}}},
        device("Lost", nobody),
        {"op": "update", "resource": "karanas", "uuid": one["uuid"], "data": {"note": "fine"}},
        {"op": "update", "resource": "karanas", "uuid": one["uuid"], "data": {"note": 1}, "if_match": "\"x\""},
        {"op": "delete", "resource": "karanas", "uuid": one["uuid"]},
        {"op": "delete", "resource": "karanas", "uuid": nobody, "if_match": "*"},
        {"op": "create", "resource": "nothing", "data": {}},
        {"op": "create", "resource": "users", "uuid": nobody, "data": {}},
        {"op": "update", "resource": "karanas", "data": {}},
    ]);
    let problem = batch(&admin, operations).await.problem(422, "batch_refused");
    let refused: Vec<_> = problem["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["status"].as_u64().unwrap(), findings(one)))
        .collect();
    let at = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    assert_eq!(
        refused,
        [
            (0, 400, at("data.owner", "local_id")),
            (1, 400, at("data.name", "min_length")),
            (2, 400, at("data.owner", "reference")),
            (4, 412, vec![]),
            (5, 400, at("if_match", "required")),
            (6, 404, vec![]),
            (7, 404, vec![]),
            (8, 400, at("uuid", "server_owned")),
            (9, 400, at("uuid", "required")),
        ]
    );
    assert_eq!(server.home().commits(), commits);
    assert_eq!(admin.found("/v2/history?limit=1").await["items"][0]["revision"], revision);

    let client = admin.person("client", "client").await.session;
    let problem = batch(&client, json!([device("Mine", nobody)])).await.problem(422, "batch_refused");
    assert_eq!(problem["operations"][0]["status"], 403);
    for (body, field, code) in [
        (json!({}), "operations", "required"),
        (json!({"operations": []}), "operations", "min_items"),
        (
            json!({"operations": vec![json!({"op": "delete", "resource": "users"}); 1001]}),
            "operations",
            "max_items",
        ),
        (json!({"operations": [{"op": "make", "resource": "users"}]}), "operations.0.op", "enum"),
    ] {
        let problem = admin.send("POST", "/v2/batch", &body, &[]).await.problem(400, "invalid");
        assert_eq!(findings(&problem), at(field, code));
    }
}

/// What a load balancer does that has not heard an answer: also across a crash and a restart.
#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once() {
    let home = Home::new("");
    let mut server = home.serve();
    let karana = json!({"name": "K1", "owner": null, "config": {}});
    let operations = json!({"operations": [{"op": "create", "resource": "users", "local_id": "a", "data": user("anna")}, device("K2", "$a")]});
    let admin = server.admin().await;
    let old = admin.made("karanas", &json!({"name": "Old", "owner": null, "config": {}})).await;
    let restore = format!("/v2/karanas/{}", old["uuid"].as_str().unwrap());
    let revision = admin.found(&format!("{restore}/history")).await["items"][0]["revision"].clone();
    admin.send("PATCH", &restore, &json!({"name": "New"}), &[]).await.json(200);
    let restore = format!("{restore}/restore");
    let revision = json!({"revision": revision});
    let requests = [
        ("/v2/karanas", &karana, 201, "one"),
        ("/v2/batch", &operations, 200, "\"two\""),
        (&restore, &revision, 200, "three"),
    ];
    let mut first = Vec::new();
    for (path, body, status, key) in requests {
        let answer = admin.send("POST", path, body, &[("idempotency-key", key)]).await;
        answer.json(status);
        assert_eq!(answer.header("idempotency-replayed"), "");
        first.push(answer);
    }
    let made = first[0].json(201);
    admin.send("PATCH", first[0].header("location"), &json!({"name": "Changed"}), &[]).await.json(200);
    let commits = home.commits();
    // Once as it is, once after a crash, once after a clean restart.
    for round in 0..3 {
        let admin = server.admin().await;
        for ((path, body, status, key), first) in requests.into_iter().zip(&first) {
            let again = admin.send("POST", path, body, &[("idempotency-key", key)]).await;
            assert_eq!(again.json(status), first.json(status), "round {round}, {path}");
            assert_eq!(again.header("idempotency-replayed"), "true");
            for name in ["karana-revision", "etag", "location", "cache-control"] {
                assert_eq!(again.header(name), first.header(name), "round {round}, {path}: {name}");
            }
        }
        let other = [("idempotency-key", "another")];
        admin.send("POST", "/v2/batch", &operations, &other).await.problem(422, "batch_refused");
        let different = json!({"name": "K9", "owner": null, "config": {}});
        let answer = admin.send("POST", "/v2/karanas", &different, &[("idempotency-key", "one")]).await;
        answer.problem(422, "idempotency_key_reused");
        // Somebody else's key is another one.
        if round == 0 {
            let manager = admin.person("manager", "manager").await.session;
            let other = manager.send("POST", "/v2/karanas", &karana, &[("idempotency-key", "one")]).await;
            assert_ne!(other.json(201)["uuid"], made["uuid"]);
            server.kill();
        } else {
            assert_eq!(server.stop().code, Some(0));
        }
        server = home.serve();
    }
    // The manager and its karana.
    assert_eq!(home.commits(), commits + 2);
    for key in ["", &"x".repeat(256)] {
        let admin = server.admin().await;
        let answer = admin.send("POST", "/v2/karanas", &karana, &[("idempotency-key", key)]).await;
        assert_eq!(findings(&answer.problem(400, "invalid"))[0].0, "Idempotency-Key");
    }
    assert!(
        !std::fs::read(home.path("storage/state/idempotency"))
            .unwrap()
            .windows(8)
            .any(|bytes| bytes == b"password")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_with_one_key_make_one_record() {
    let server = Server::start();
    let admin = server.admin().await;
    let sent = (0..16).map(|_| {
        let admin = admin.clone();
        tokio::spawn(async move {
            let karana = json!({"name": "K1", "owner": null, "config": {}});
            let answer = admin.send("POST", "/v2/karanas", &karana, &[("idempotency-key", "k")]).await;
            (answer.json(201), answer.header("karana-revision").to_owned())
        })
    });
    let mut answers = Vec::new();
    for sent in sent.collect::<Vec<_>>() {
        answers.push(sent.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(admin.found("/v2/karanas").await["total"], 1);
}
