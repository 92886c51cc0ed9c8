//! Many at once, and the end of the server: what was answered is kept, once, and readable in git.

use crate::health::{metric, metrics};
use crate::operator::fine;
use crate::support::{Answer, Home, Server, user};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn of_many_with_one_email_exactly_one_is_made() {
    let server = Server::start();
    let admin = server.admin().await;
    let commits = server.home().commits();
    let answers = join_all((0..64).map(|i| {
        let mut data = user("micha");
        if i % 2 == 1 {
            data["email"] = "MICHA@example.com".into();
        }
        let admin = admin.clone();
        async move { admin.post("/v1/users/new", &data).await }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 63));
    for answer in refused {
        assert!(answer.refused(409, "Create Resource Error").contains("email"));
    }
    assert_eq!(server.home().commits(), commits + 1);
    assert_eq!(admin.get("/v1/users").await.results().as_object().unwrap().len(), 2);
    server.home().git(&["fsck", "--full", "--strict"]);
}

#[tokio::test]
async fn each_change_is_one_commit_however_many_there_are_at_once() {
    let server = Server::start();
    let admin = server.admin().await;
    let commits = server.home().commits();
    let mut uuids = join_all((0..40).map(|i| {
        let admin = admin.clone();
        async move { admin.create("users", &user(&format!("user-{i}"))).await }
    }))
    .await;
    assert_eq!(server.home().commits(), commits + 40);
    join_all(uuids.iter().map(|uuid| {
        let (admin, one) = (admin.clone(), format!("/v1/users/{uuid}"));
        async move {
            for name in ["a", "b"] {
                assert_eq!(admin.patch(&one, &json!({"name": name})).await.entry(uuid)["name"], name);
            }
        }
    }))
    .await;
    assert_eq!(server.home().commits(), commits + 120);
    server.home().git(&["fsck", "--full", "--strict"]);

    let results = admin.get("/v1/users").await.results();
    let mut listed: Vec<_> = results.as_object().unwrap().keys().cloned().collect();
    uuids.retain(|uuid| listed.contains(uuid));
    assert_eq!(uuids.len(), 40);
    let sorted: BTreeSet<_> = listed.iter().cloned().collect();
    listed.sort();
    assert_eq!(listed, sorted.into_iter().collect::<Vec<_>>());
}

/// Whoever deletes an admin is another admin, who is still there: so there always is one.
#[tokio::test]
async fn of_two_admins_who_delete_each_other_one_is_left() {
    let server = Server::start();
    let root = server.admin().await;
    let (ada, eve) = (root.person("admin", "ada").await, root.person("admin", "eve").await);
    let (of_ada, of_eve) = (format!("/v1/users/{}", ada.uuid), format!("/v1/users/{}", eve.uuid));
    let answers = futures::join!(ada.session.delete(&of_eve), eve.session.delete(&of_ada));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(root.get("/v1/users").await.results().as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn the_history_reads_well() {
    let server = Server::start();
    let admin = server.admin().await;
    let ada = admin.person("manager", "ada").await;
    let one = |uuid: &str| format!("/v1/users/{uuid}");

    let request = ada.session.request("POST", "/v1/users/new").header("x-request-id", "my-request.1");
    let created = Answer::to(request.json(&json!({"data": user("micha").to_string()}))).await;
    let uuid = created.results()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(created.header("x-request-id"), "my-request.1");
    let updated = ada.session.patch(&one(&uuid), &json!({"name": "Micha ü"})).await;
    let deleted = ada.session.delete(&one(&uuid)).await;

    let log = server.home().git(&["log", "-3", "--reverse", "--format=%an|%ae|%cn|%s|%(trailers:key=Actor,valueonly,separator=,)|%(trailers:key=Request-Id,valueonly,separator=,)", "main"]);
    let lines: Vec<_> = log.lines().collect();
    for (line, (deed, answer)) in
        lines.iter().zip([("create", created), ("update", updated), ("delete", deleted)])
    {
        let id = answer.header("x-request-id");
        assert!(!id.is_empty());
        assert_eq!(*line, format!("ada|ada@example.com|ada|users: {deed} {uuid}|users/{}|{id}", ada.uuid));
    }
    // The record itself, with a line for each field.
    let patch = server.home().git(&["show", "main~1"]);
    assert!(patch.contains("-  \"name\": \"micha\",\n+  \"name\": \"Micha ü\",\n"), "{patch}");
}

/// What is not a good id, or could forge a trailer, is replaced.
#[tokio::test]
async fn a_request_id_from_outside_cannot_harm_the_history() {
    let server = Server::start();
    let admin = server.admin().await;
    for (i, id) in ["a b", "x\tActor: users/evil", &"x".repeat(1000), "ü", "\"", ""].iter().enumerate() {
        let request = admin.request("POST", "/v1/users/new").header("x-request-id", id.as_bytes());
        let answer = Answer::to(request.json(&json!({"data": user(&format!("u{i}")).to_string()}))).await;
        answer.results();
        let given = answer.header("x-request-id");
        assert!(!given.is_empty() && given.len() <= 64 && given != *id, "{given}");
        let trailers = server.home().git(&["log", "-1", "--format=%(trailers)", "main"]);
        assert_eq!(trailers.trim().lines().count(), 2, "{trailers}");
        assert!(trailers.contains(given));
    }
}

/// A name is text; in a commit it is one line without angle brackets. Those that no client may give come with an old dump.
#[tokio::test]
async fn a_name_cannot_harm_the_history() {
    let names = [
        "a\nActor: users/evil",
        "<evil@example.com>",
        "a\0b",
        " ",
        "'",
        "\"",
        ",;:\\",
        "...",
        "\u{202e}x",
        "ü😀",
    ];
    let server = Server::start();
    let admin = server.admin().await;
    let mut uuids = Vec::new();
    for i in 0..names.len() {
        let mut data = user(&format!("user-{i}"));
        data["role"] = "admin".into();
        uuids.push(admin.create("users", &data).await);
    }
    fine(server.home().run(&["export", "--secrets", "dump.json"]));
    let mut dump: Value =
        serde_json::from_slice(&std::fs::read(server.home().path("dump.json")).unwrap()).unwrap();
    for (uuid, name) in uuids.iter().zip(names) {
        dump["users"][uuid]["name"] = name.into();
    }
    let home = Home::new("");
    home.write("dump.json", dump.to_string());
    fine(home.run(&["import", "dump.json"]));
    let server = home.serve();
    for i in 0..names.len() {
        let (email, password) = (format!("user-{i}@example.com"), format!("password of user-{i}"));
        let session = server.nobody.login(&email, &password).await;
        session.create("users", &user(&format!("by-{i}"))).await;
        let author = server.home().git(&["log", "-1", "--format=%ae", "main"]);
        assert_eq!(author.trim(), email);
        let trailers = server.home().git(&["log", "-1", "--format=%(trailers)", "main"]);
        assert!(!trailers.contains("evil"), "{trailers}");
    }
    server.home().git(&["fsck", "--full", "--strict"]);
}

/// A request with a body, written in one go on a connection of its own.
async fn send(server: &Server, path: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.socket()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn what_is_in_flight_is_answered_before_the_server_stops() {
    // Signing in takes about as long as it may: about half a second.
    let server = Home::new("").env("KARANA_AUTH_HASH_ROUNDS", "1000000").serve();
    let body = json!({"user": "admin@example.com", "password": "admin"}).to_string();
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(send(&server, "/v1/users/login", &body).await);
    }
    // Those four, and the one that asks.
    for _ in 0..60 {
        if metric(&metrics(&server).await, "karana_http_requests_in_flight") >= 5.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.terminate();
    let address = server.socket().to_owned();
    let ended = tokio::task::spawn_blocking(move || server.stop());
    for mut socket in sockets {
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("token"), "{answer}");
    }
    let ended = ended.await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(TcpStream::connect(address).await.is_err());
}

/// Idle connections do not hold up the end.
#[tokio::test]
async fn the_server_stops_at_once_when_there_is_nothing_to_do() {
    let server = Server::start();
    let _idle = TcpStream::connect(server.socket()).await.unwrap();
    server.admin().await;
    let begin = std::time::Instant::now();
    let home = server.home().clone();
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    assert_eq!(ended.stdout.lines().count(), 0, "one line of readiness, and no other");
    assert!(!home.storage().join("control.sock").exists());
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let server = Server::start();
    let admin = server.admin().await;
    for i in 0..5 {
        let uuid = admin.create("users", &user(&format!("u{i}"))).await;
        admin.create("karanas", &json!({"name": "K1", "owner": uuid, "config": {}})).await;
    }
    let before = [admin.get("/v1/users").await, admin.get("/v1/karanas").await].map(|answer| answer.text());
    let (home, commits) = (server.home().clone(), server.home().commits());
    assert_eq!(server.stop().code, Some(0));
    let server = home.serve();
    let admin = server.admin().await;
    let after = [admin.get("/v1/users").await, admin.get("/v1/karanas").await].map(|answer| answer.text());
    assert_eq!(before, after);
    assert_eq!(home.commits(), commits, "a start changes nothing");
}

#[tokio::test]
async fn what_was_answered_outlives_a_kill() {
    let mut server = Server::start();
    let mut kept = Vec::new();
    for i in 0..4 {
        let admin = server.admin().await;
        let uuid = admin.create("users", &user(&format!("u{i}"))).await;
        kept.push((uuid.clone(), format!("name {i}")));
        admin.patch(&format!("/v1/users/{uuid}"), &json!({"name": format!("name {i}")})).await.entry(&uuid);
        let home = server.home().clone();
        server.kill();
        home.git(&["fsck", "--full"]);
        // Its socket is still there, and nobody listens.
        assert!(home.run(&["user", "list"]).stdout.contains(&uuid));
        server = home.serve();
        let admin = server.admin().await;
        for (uuid, name) in &kept {
            assert_eq!(admin.read("users", uuid).await["name"], name.as_str());
        }
    }
}
