//! When a stream ends, and that it does.

use super::{Events, Message, karana, patch};
use crate::health::{metric, metrics};
use crate::sessions::sign_in;
use crate::sockets::InProcess;
use crate::support::{Answer, PATIENCE, Server, Session};
use karana::http::Limits;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_stream_ends_with_the_rights_of_its_reader() {
    let server = Server::start();
    let admin = server.admin().await;
    let changes = [
        ("role", json!({"role": "manager"})),
        ("password", json!({"credentials": {"password": "another one"}})),
        ("state", json!({"state": "suspended"})),
    ];
    for (name, change) in changes {
        let person = admin.person("viewer", name).await;
        let mut events = Events::of(&person.session, "/v2/events").await;
        // About somebody else, and about the reader without an end of its rights.
        let roof = karana(&admin, name, None).await;
        assert_eq!(events.next().await, [format!("create karanas/{roof}")]);
        let one = format!("/v2/users/{}", person.uuid);
        patch(&admin, &one, json!({"name": "still in"})).await;
        assert_eq!(events.next().await, [format!("update users/{}", person.uuid)]);
        patch(&admin, &one, change).await;
        // Nor is what comes after that told.
        karana(&admin, "after", None).await;
        events.ends().await;
    }
    let person = admin.person("viewer", "deleted").await;
    let events = Events::of(&person.session, "/v2/events").await;
    let one = format!("/v2/users/{}", person.uuid);
    assert_eq!(admin.send("DELETE", &one, &Value::Null, &[("if-match", "*")]).await.status, 204);
    events.ends().await;
    until(&server, |streams| streams == 0.0).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let server = Server::start_with("[auth]\ntoken_ttl = 2s\n", &[]);
    let begin = Instant::now();
    let admin = server.admin().await;
    let events = Events::of(&admin, "/v2/events").await;
    events.ends().await;
    let life = begin.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(10)).contains(&life), "{life:?}");
    admin.send("GET", "/v2/events", &Value::Null, &[]).await.problem(401, "bad_credentials");
}

#[tokio::test]
async fn a_stream_ends_with_its_session_or_key() {
    let server = Server::start();
    let admin = server.admin().await;
    let person = admin.person("viewer", "vic").await;
    let other = sign_in(&server.nobody, &person.email, &person.password).await.session;
    let signed_in = sign_in(&server.nobody, &person.email, &person.password).await.session;
    let events = Events::of(&signed_in, "/v2/events").await;
    let mut others = Events::of(&other, "/v2/events").await;
    let begin = Instant::now();
    assert_eq!(signed_in.send("POST", "/v2/logout", &Value::Null, &[]).await.status, 204);
    events.ends().await;
    assert!(begin.elapsed() < Duration::from_secs(10), "not before the heartbeat");

    let made = json!({"name": "a key", "scopes": ["karanas:read:all"]});
    let key = other.send("POST", "/v2/keys", &made, &[]).await.json(201);
    let by_key = other.with_token(key["key"].as_str().unwrap());
    let mut keys = Events::of(&by_key, "/v2/events").await;
    by_key.send("GET", "/v2/events?resource=users", &Value::Null, &[]).await.problem(403, "forbidden");
    // Neither of the key, nor of users to one whose key reads none.
    admin.person("client", "ada").await;
    let roof = karana(&admin, "Roof", None).await;
    assert_eq!(keys.next().await, [format!("create karanas/{roof}")]);
    assert!(others.next().await[0].starts_with("create users/"));
    assert_eq!(others.next().await, [format!("create karanas/{roof}")]);
    let own = format!("/v2/keys/{}", key["uuid"].as_str().unwrap());
    assert_eq!(other.send("DELETE", &own, &Value::Null, &[]).await.status, 204);
    keys.ends().await;
    let last = karana(&admin, "Last", None).await;
    assert_eq!(others.next().await, [format!("create karanas/{last}")]);
    other.send("GET", "/v2/events?resource=keys", &Value::Null, &[]).await.problem(400, "invalid");
}

/// A reader that always has a next event to take is seen to as well.
#[tokio::test]
async fn a_stream_ends_in_the_middle_of_many_changes() {
    let server = Server::start();
    let admin = server.admin().await;
    let person = admin.person("viewer", "vic").await;
    let signed_in = sign_in(&server.nobody, &person.email, &person.password).await.session;
    let mut events = Events::of(&signed_in, "/v2/events").await;
    let writing = tokio::spawn(async move {
        loop {
            futures::future::join_all((0..32).map(|_| karana(&admin, "Roof", None))).await;
        }
    });
    for _ in 0..100 {
        events.next().await;
    }
    assert_eq!(signed_in.send("POST", "/v2/logout", &Value::Null, &[]).await.status, 204);
    let begin = Instant::now();
    while !matches!(events.message().await, Message::End) {
        assert!(begin.elapsed() < Duration::from_secs(10), "it goes on");
    }
    assert!(!writing.is_finished());
    writing.abort();
}

#[tokio::test]
async fn streams_end_at_once_when_the_server_stops() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(Events::of(&admin, "/v2/events").await);
    }
    assert_eq!(metric(&metrics(&server).await, "karana_http_event_streams"), 20.0);
    let begin = Instant::now();
    assert_eq!(server.stop().code, Some(0));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    for mut events in all {
        assert!(matches!(events.message().await, Message::End));
    }
}

#[tokio::test]
async fn there_are_no_more_streams_than_may_be() {
    let server = InProcess::serve(Limits { event_streams: 2, ..Limits::default() }).await;
    let admin = Session::new(&format!("http://{}", server.address)).login("admin@example.com", "admin").await;
    let first = Events::of(&admin, "/v2/events").await;
    let second = Events::of(&admin, "/v2/events").await;
    let ask = async || Answer::to(admin.request("HEAD", "/v2/events")).await.status;
    assert_eq!(ask().await, 503);
    let refused = admin.send("GET", "/v2/events", &Value::Null, &[]).await;
    refused.problem(503, "service_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    // Others are served as ever.
    admin.found("/v2/users").await;
    drop(first);
    let begin = Instant::now();
    while ask().await != 200 {
        assert!(begin.elapsed() < PATIENCE, "the place of one who has left is not free");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(second);
    server.ends_well().await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_off_and_holds_up_nobody() {
    let short = Duration::from_millis(400);
    let server = InProcess::serve(Limits { write_time: short, ..Limits::default() }).await;
    let admin = Session::new(&format!("http://{}", server.address)).login("admin@example.com", "admin").await;
    // With a small buffer, so that it is soon full.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut lazy = socket.connect(server.address).await.unwrap();
    let token = admin.token.clone().unwrap();
    let ask = format!("GET /v2/events HTTP/1.1\r\nhost: x\r\nauthorization: bearer {token}\r\n\r\n");
    lazy.write_all(ask.as_bytes()).await.unwrap();
    let mut byte = [0; 64];
    lazy.read_exact(&mut byte).await.unwrap();
    let mut eager = Events::of(&admin, "/v2/events").await;
    let streams = async || {
        let text = Answer::to(admin.request("GET", "/metrics")).await.text();
        metric(&text, "karana_http_event_streams")
    };
    assert_eq!(streams().await, 2.0);

    let (roof, begin) = (karana(&admin, "Roof", None).await, Instant::now());
    assert_eq!(eager.next().await, [format!("create karanas/{roof}")]);
    let mut n = 0;
    while streams().await == 2.0 {
        let took = Instant::now();
        let note = format!("{n:04}{}", "x".repeat(4000));
        patch(&admin, &format!("/v2/karanas/{roof}"), json!({"note": note})).await;
        assert_eq!(eager.next().await, [format!("update karanas/{roof}")]);
        assert!(took.elapsed() < PATIENCE / 4, "a change waits for a reader: {:?}", took.elapsed());
        n += 1;
        assert!(begin.elapsed() < PATIENCE, "it was not cut off, after {n} changes");
    }
    drop(eager);
    server.ends_well().await;
}

async fn until(server: &Server, done: impl Fn(f64) -> bool) {
    let begin = Instant::now();
    while !done(metric(&metrics(server).await, "karana_http_event_streams")) {
        assert!(begin.elapsed() < PATIENCE, "there are still streams");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
