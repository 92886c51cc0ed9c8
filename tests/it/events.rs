//! `/v2/events`: every change, to those who may see it.

mod ends;
mod sight;

use crate::support::{Home, PATIENCE, Server, Session, user};
use serde_json::{Value, json};
use std::time::Duration;

/// A client of the event stream.
pub struct Events {
    response: reqwest::Response,
    /// What has come and is not a whole message yet.
    rest: String,
    /// Where the client would resume.
    pub last: String,
}

/// One message.
#[derive(Debug)]
pub enum Message {
    /// An event: its name and its data.
    Event(String, Value),
    /// There is nothing, and the server is there.
    Heartbeat,
    /// The server has ended the stream.
    End,
}

impl Events {
    /// Follows from now on, and has been told so.
    pub async fn of(session: &Session, path: &str) -> Self {
        Self::after(session, path, None).await
    }

    /// Follows after an event, and has been told so.
    pub async fn after(session: &Session, path: &str, last: Option<&str>) -> Self {
        let mut request = session.request("GET", path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        let header =
            |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(response.status(), 200);
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        let mut events = Self { response, rest: String::new(), last: String::new() };
        let greeting = events.block().await.expect("a greeting");
        assert!(greeting.starts_with("retry: 3000\nid: "), "{greeting}");
        assert_eq!(events.last, last.unwrap_or(&events.last));
        events
    }

    /// The text up to the next empty line; none at the end.
    async fn block(&mut self) -> Option<String> {
        let more = async {
            loop {
                if let Some((block, rest)) = self.rest.split_once("\n\n") {
                    let (block, rest) = (block.to_owned(), rest.to_owned());
                    self.rest = rest;
                    return Some(block);
                }
                match self.response.chunk().await {
                    Ok(Some(bytes)) => self.rest.push_str(std::str::from_utf8(&bytes).unwrap()),
                    Ok(None) | Err(_) => return None,
                }
            }
        };
        let block = tokio::time::timeout(PATIENCE, more).await.expect("something comes")?;
        assert!(!block.contains("$6$"), "a password's hash was sent: {block}");
        if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
            self.last = id.to_owned();
        }
        Some(block)
    }

    pub async fn message(&mut self) -> Message {
        let Some(block) = self.block().await else { return Message::End };
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        match (field("event"), field("data")) {
            (Some(event), Some(data)) => {
                Message::Event(event.to_owned(), serde_json::from_str(data).unwrap())
            }
            _ => {
                assert!(block.starts_with(':'), "{block}");
                Message::Heartbeat
            }
        }
    }

    /// The data of the next event, which must be a change.
    pub async fn change(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Event(name, data) => {
                    assert_eq!((name.as_str(), &data["revision"]), ("change", &self.last.as_str().into()));
                    return data;
                }
                Message::Heartbeat => {}
                Message::End => panic!("the stream has ended"),
            }
        }
    }

    /// What the next event is about, in short: `create karanas/… by users/…`.
    pub async fn next(&mut self) -> Vec<String> {
        deeds(&self.change().await)
    }

    /// The stream ends, with nothing more said.
    pub async fn ends(mut self) {
        loop {
            match self.message().await {
                Message::Heartbeat => {}
                Message::End => return,
                Message::Event(_, data) => panic!("told before the end: {data}"),
            }
        }
    }
}

/// What an event is about: `create karanas/0b8a4f6c-…`.
pub fn deeds(data: &Value) -> Vec<String> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
    let changes = data["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| {
            format!("{} {}/{}", text(change, "action"), text(change, "resource"), text(change, "uuid"))
        })
        .collect()
}

pub fn uuid(entry: &Value) -> String {
    entry["uuid"].as_str().unwrap().to_owned()
}

/// Makes a karana; answers with its uuid.
pub async fn karana(admin: &Session, name: &str, owner: Option<&str>) -> String {
    uuid(&admin.made("karanas", &json!({"name": name, "owner": owner, "config": {}})).await)
}

async fn patch(session: &Session, path: &str, body: Value) -> String {
    let answer = session.send("PATCH", path, &body, &[]).await;
    answer.json(200);
    answer.header("karana-revision").to_owned()
}

#[tokio::test]
async fn each_commit_is_one_event_in_order() {
    let server = Server::start();
    let admin = server.admin().await;
    let me = uuid(&admin.found("/v2/users").await["items"][0]);
    let mut events = Events::of(&admin, "/v2/events").await;
    assert_eq!(events.last, server.home().git(&["rev-parse", "main"]).trim());

    let ada = uuid(&admin.made("users", &user("ada")).await);
    let data = events.change().await;
    assert_eq!(data["actor"], format!("users/{me}"));
    assert!(data["time"].as_str().unwrap().ends_with('Z'), "{data}");
    assert_eq!(deeds(&data), [format!("create users/{ada}")]);
    let record = &data["changes"][0]["record"];
    assert_eq!((&record["uuid"], &record["email"]), (&ada.as_str().into(), &"ada@example.com".into()));

    let roof = karana(&admin, "Roof", Some(&ada)).await;
    assert_eq!(events.next().await, [format!("create karanas/{roof}")]);
    let revision =
        patch(&admin, &format!("/v2/karanas/{roof}"), json!({"note": "line\nof two\r\u{2028}"})).await;
    let data = events.change().await;
    assert_eq!((&data["revision"], deeds(&data)), (&revision.into(), vec![format!("update karanas/{roof}")]));
    assert_eq!(data["changes"][0]["record"]["note"], "line\nof two\r\u{2028}");
    // One commit that touches two records.
    admin.delete(&format!("/v1/users/{ada}")).await.entry(&ada);
    let mut both = events.next().await;
    both.sort();
    assert_eq!(both, [format!("delete users/{ada}"), format!("update karanas/{roof}")]);
    // A change that changes nothing is no commit; the next event is the one after.
    patch(&admin, &format!("/v2/karanas/{roof}"), json!({"name": "Roof"})).await;
    admin.send("DELETE", &format!("/v2/karanas/{roof}"), &Value::Null, &[("if-match", "*")]).await;
    let data = events.change().await;
    assert_eq!(deeds(&data), [format!("delete karanas/{roof}")]);
    assert_eq!(data["changes"][0]["record"], Value::Null);

    // Many at a time share batches, and come one by one as they were committed.
    let before = server.home().git(&["rev-parse", "main"]).trim().to_owned();
    futures::future::join_all((0..200).map(|n| {
        let admin = &admin;
        async move { karana(admin, &format!("K{n}"), None).await }
    }))
    .await;
    let mut told = Vec::new();
    for _ in 0..200 {
        told.push(events.change().await["revision"].as_str().unwrap().to_owned());
    }
    let range = format!("{before}..main");
    let committed = server.home().git(&["rev-list", "--reverse", &range]);
    assert_eq!(told, committed.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_resumes_where_it_was() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut events = Events::of(&admin, "/v2/events").await;
    let mut made = Vec::new();
    for n in 0..30 {
        made.push(format!("create karanas/{}", karana(&admin, &format!("K{n}"), None).await));
    }
    let mut told = Vec::new();
    // Each connection is told five, and goes away.
    for connection in 0..6 {
        for _ in 0..5 {
            told.extend(events.next().await);
        }
        let last = events.last.clone();
        drop(events);
        events = Events::after(&admin, "/v2/events", Some(&last)).await;
        assert_eq!(events.last, last, "connection {connection}");
    }
    assert_eq!(told, made);
    // What the client itself has just written is known at once, and comes not again.
    let answer =
        admin.send("POST", "/v2/karanas", &json!({"name": "X1", "owner": null, "config": {}}), &[]).await;
    let mut after = Events::after(&admin, "/v2/events", Some(answer.header("karana-revision"))).await;
    let last = karana(&admin, "Last", None).await;
    assert_eq!(after.next().await, [format!("create karanas/{last}")]);
}

#[tokio::test]
async fn a_reader_resumes_after_a_restart_of_the_server() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let old = karana(&admin, "Old", None).await;
    let mut events = Events::of(&admin, "/v2/events").await;
    patch(&admin, &format!("/v2/karanas/{old}"), json!({"note": "told"})).await;
    assert_eq!(events.next().await, [format!("update karanas/{old}")]);
    let last = events.last.clone();
    server.stop();

    let server = home.serve();
    let admin = server.admin().await;
    let mut events = Events::after(&admin, "/v2/events", Some(&last)).await;
    let new = karana(&admin, "New", None).await;
    assert_eq!(events.next().await, [format!("create karanas/{new}")]);
    // Nobody is told of these before the server goes.
    let last = events.last.clone();
    drop(events);
    let missed = [karana(&admin, "M1", None).await, karana(&admin, "M2", None).await];
    server.kill();

    // As after a crash.
    let server = home.serve();
    let admin = server.admin().await;
    let mut events = Events::after(&admin, "/v2/events", Some(&last)).await;
    let newest = karana(&admin, "Newest", None).await;
    for uuid in missed {
        assert_eq!(events.next().await, [format!("create karanas/{uuid}")]);
    }
    assert_eq!(events.next().await, [format!("create karanas/{newest}")]);
}

#[tokio::test]
async fn what_is_not_known_cannot_be_resumed_from() {
    let server = Server::start();
    let admin = server.admin().await;
    let first = server.home().git(&["rev-list", "--max-parents=0", "main"]).trim().to_owned();
    karana(&admin, "K1", None).await;
    for last in [&first[..12], &"0".repeat(40), "nonsense", "HEAD"] {
        let answer = admin.send("GET", "/v2/events", &Value::Null, &[("last-event-id", last)]).await;
        assert!(answer.problem(410, "gone")["detail"].as_str().unwrap().contains("read the lists"), "{last}");
    }
    // A client that has seen none yet sends none, or an empty one.
    Events::after(&admin, "/v2/events", None).await;
    let empty = admin.request("GET", "/v2/events").header("last-event-id", "").send().await.unwrap();
    assert_eq!(empty.status(), 200);
}

#[tokio::test]
async fn a_reader_chooses_resources() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut karanas = Events::of(&admin, "/v2/events?resource=karanas").await;
    let mut both = Events::of(&admin, "/v2/events?resource=users&resource=karanas&resource=users").await;
    let mut users = Events::of(&admin, "/v2/events?resource=users").await;
    let ada = uuid(&admin.made("users", &user("ada")).await);
    let roof = karana(&admin, "Roof", Some(&ada)).await;
    admin.delete(&format!("/v1/users/{ada}")).await.entry(&ada);
    let (user, device) = (format!("create users/{ada}"), format!("create karanas/{roof}"));
    assert_eq!(users.next().await, [user.as_str()]);
    assert_eq!(users.next().await, [format!("delete users/{ada}")]);
    assert_eq!(karanas.next().await, [device.as_str()]);
    assert_eq!(karanas.next().await, [format!("update karanas/{roof}")]);
    assert_eq!([both.next().await, both.next().await], [[user], [device]]);
    assert_eq!(both.next().await.len(), 2);

    for (query, field) in [("resource=nonsense", "resource"), ("resource=", "resource"), ("since=1", "since")]
    {
        let answer = admin.send("GET", &format!("/v2/events?{query}"), &Value::Null, &[]).await;
        let problem = answer.problem(400, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    server.nobody.send("GET", "/v2/events", &Value::Null, &[]).await.problem(401, "unauthorized");
    let posted = admin.send("POST", "/v2/events", &json!({}), &[]).await;
    posted.problem(405, "method_not_allowed");
}

/// Nobody waits for what is not to be told; but the place moves on.
#[tokio::test]
async fn what_is_not_told_moves_the_place_on_with_the_heartbeat() {
    use crate::sockets::InProcess;
    use karana::http::Limits;
    let limits = Limits { heartbeat: Duration::from_millis(300), ..Limits::default() };
    let server = InProcess::serve(limits).await;
    let admin = Session::new(&format!("http://{}", server.address)).login("admin@example.com", "admin").await;
    let mut events = Events::of(&admin, "/v2/events?resource=users").await;
    let begin = events.last.clone();
    let answer =
        admin.send("POST", "/v2/karanas", &json!({"name": "X1", "owner": null, "config": {}}), &[]).await;
    let revision = answer.header("karana-revision").to_owned();
    assert_ne!(begin, revision);
    while events.last != revision {
        assert!(matches!(events.message().await, Message::Heartbeat));
    }
    let mut resumed = Events::after(&admin, "/v2/events?resource=users", Some(&revision)).await;
    assert!(matches!(resumed.message().await, Message::Heartbeat));
    drop((events, resumed));
    server.ends_well().await;
}
