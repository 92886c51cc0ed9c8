//! A FAKE of InfluxDB 2: none can be installed where these tests run. It holds organizations, buckets, mappings of databases and
//! legacy authorizations with their passwords, and answers the calls that sync makes, and those of 1.x clients.
//!
//! Where the facts are from: paths, bodies and statuses from InfluxDB's own description of its interface (2.x, `legacy.yml`) and the
//! sources of 2.7 (`tenant/http_server_bucket.go`, `v1/authorization/`, `dbrp/`, `http/legacy/`): what one may not reach is not
//! found, one who may read and not write is forbidden to, an inactive one is unauthorized; names of authorizations are unique in
//! the server, and what they may do cannot be changed.
//!
//! Points go to a real InfluxDB 1.x behind it, with a database for each bucket, so that its InfluxQL is the real one.

mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::influx::RealInflux;
use world::{Effect, World};

/// The first organization, and an all-access token of it.
pub const ORGANIZATION: (&str, &str) = ("Bintumani e.V.", "t0ken-c4nary==");

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// The request with this number, from one, is done and never answered; nothing after it is done.
    DieAfter(usize),
    /// 500 for all calls that change something at a path that holds this.
    Broken(&'static str),
}

pub struct Fake {
    pub port: u16,
    version: String,
    token: String,
    world: Mutex<World>,
    points: RealInflux,
    fault: Mutex<Fault>,
    /// `METHOD path` of each request.
    log: Mutex<Vec<String>>,
    died: Notify,
}

type Answer = (u16, Value);

fn problem(status: u16, code: &str, message: &str) -> Answer {
    (status, json!({"code": code, "message": message}))
}

fn unauthorized() -> Answer {
    problem(401, "unauthorized", "unauthorized access")
}

impl Fake {
    pub async fn start(version: &str) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, version, ORGANIZATION).await
    }

    /// Answers there, with a first organization of this name and an all-access token of it.
    pub async fn serve(
        listener: tokio::net::TcpListener,
        version: &str,
        (organization, token): (&str, &str),
    ) -> Arc<Self> {
        let minor: u32 = version.trim_start_matches('v').split('.').nth(1).unwrap().parse().unwrap();
        let fake = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            version: version.into(),
            token: token.into(),
            world: Mutex::new(World::new(minor, organization)),
            points: RealInflux::start().await,
            fault: Mutex::new(Fault::None),
            log: Mutex::default(),
            died: Notify::new(),
        });
        let router = axum::Router::new().fallback(serve).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// From now on it fails like this; requests are counted anew.
    pub fn fail(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
        self.log.lock().unwrap().clear();
    }

    /// `METHOD path` of each request since it was last counted anew.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Resolves when it has died ([`Fault::DieAfter`]).
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Another organization, that the token sees, too.
    pub fn add_organization(&self, name: &str) {
        self.world.lock().unwrap().add_organization(name);
    }

    /// How many buckets, authorizations and mappings there are.
    pub fn sizes(&self) -> [usize; 3] {
        self.world.lock().unwrap().sizes()
    }

    /// Does what a change of the world means for the points.
    async fn follow(&self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Created(name) => _ = self.points.admin(&format!("CREATE DATABASE \"{name}\"")).await,
            Effect::Dropped(name) => _ = self.points.admin(&format!("DROP DATABASE \"{name}\"")).await,
        }
    }

    /// Who a 1.x client is: by `u` and `p`, by HTTP Basic, or by token.
    fn who(&self, query: &BTreeMap<String, String>, headers: &HeaderMap) -> Result<Who, Answer> {
        if let (Some(user), Some(pass)) = (query.get("u"), query.get("p")) {
            return self.world.lock().unwrap().sign_in(user, pass).ok_or_else(unauthorized);
        }
        let header =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header.strip_prefix("Token ") == Some(&self.token) {
            return Ok(Who::Operator);
        }
        let basic = header.strip_prefix("Basic ").ok_or_else(unauthorized)?;
        let text = String::from_utf8(BASE64_STANDARD.decode(basic).unwrap()).unwrap();
        let (user, pass) = text.split_once(':').unwrap();
        self.world.lock().unwrap().sign_in(user, pass).ok_or_else(unauthorized)
    }

    async fn write(&self, query: &BTreeMap<String, String>, headers: &HeaderMap, body: &str) -> Answer {
        let who = match self.who(query, headers) {
            Ok(who) => who,
            Err(refusal) => return refusal,
        };
        let database = query.get("db").cloned().unwrap_or_default();
        let (reads, writes) = self.world.lock().unwrap().may(&who, &database);
        match (reads, writes) {
            (false, false) => return problem(404, "not found", "no dbrp mapping found"),
            (true, false) => return problem(403, "forbidden", "insufficient permissions for write"),
            (_, true) => {}
        }
        let precision = query.get("precision").map_or("ns", String::as_str);
        let (status, answer) = self.points.pass_on(&database, precision, body).await;
        match status {
            204 => (204, Value::Null),
            status => problem(status, "invalid", answer["error"].as_str().unwrap_or_default()),
        }
    }

    async fn query(&self, query: &BTreeMap<String, String>, headers: &HeaderMap, body: &str) -> Answer {
        let who = match self.who(query, headers) {
            Ok(who) => who,
            Err(refusal) => return refusal,
        };
        let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let of = |name: &str| form.get(name).or_else(|| query.get(name)).cloned().unwrap_or_default();
        let (text, database) = (of("q"), of("db"));
        let failed = |error: String| (200, json!({"results": [{"statement_id": 0, "error": error}]}));
        let verb = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        let what = text.split_whitespace().nth(1).unwrap_or_default().to_uppercase();
        match (verb.as_str(), what.as_str()) {
            ("SHOW", "DATABASES") => {
                let names = self.world.lock().unwrap().databases(&who);
                let rows: Vec<Value> = names.into_iter().map(|name| json!([name])).collect();
                let series = json!([{"name": "databases", "columns": ["name"], "values": rows}]);
                return (200, json!({"results": [{"statement_id": 0, "series": series}]}));
            }
            ("SHOW", "USERS" | "GRANTS") | ("CREATE" | "DROP" | "ALTER" | "GRANT" | "REVOKE" | "SET", _) => {
                return failed(format!("not implemented: {verb} {what}"));
            }
            _ => {}
        }
        let mut named = databases_in(&text);
        if named.is_empty() {
            named.push(database.clone());
        }
        for name in named {
            if !self.world.lock().unwrap().may(&who, &name).0 {
                return failed(format!("database not found: {name}"));
            }
        }
        self.points.ask(&database, &of("epoch"), &text).await
    }
}

/// Who asks.
pub enum Who {
    /// With our token.
    Operator,
    /// With an authorization: action and bucket id.
    Client(Vec<(String, String)>),
}

/// The databases that statements name: `"name".` before a measurement, and `ON "name"`.
fn databases_in(text: &str) -> Vec<String> {
    let (mut names, mut word) = (Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '"' && c != '\'' {
            if c.is_whitespace() {
                word.push(' ')
            } else {
                word.push(c.to_ascii_uppercase())
            }
            continue;
        }
        let mut content = String::new();
        while let Some(inner) = chars.next().filter(|inner| *inner != c) {
            content.push(if inner == '\\' { chars.next().unwrap_or_default() } else { inner });
        }
        // Behind a dot it is a retention policy or a measurement.
        let is_on = word.trim_end().ends_with(" ON");
        let is_first = !word.ends_with('.') && chars.peek() == Some(&'.');
        if c == '"' && (is_on || is_first) {
            names.push(content);
        }
        word.clear();
    }
    names
}

async fn serve(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 24).await.unwrap().to_vec()).unwrap();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let (fault, number) = {
        let mut log = fake.log.lock().unwrap();
        log.push(format!("{method} {path}"));
        (*fake.fault.lock().unwrap(), log.len())
    };
    match fault {
        Fault::DieAfter(last) if number > last => std::future::pending().await,
        Fault::Broken(part) if method != "GET" && path.contains(part) => {
            return whole(&fake, problem(500, "internal error", "An internal error has occurred"));
        }
        _ => {}
    }
    let answer = match path {
        "/ping" => (204, Value::Null),
        "/write" => fake.write(&query, &parts.headers, &body).await,
        "/query" => fake.query(&query, &parts.headers, &body).await,
        _ if parts
            .headers
            .get(header::AUTHORIZATION)
            .is_none_or(|value| value != &format!("Token {}", fake.token)) =>
        {
            unauthorized()
        }
        _ => {
            let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
            let (answer, effect) = fake.world.lock().unwrap().respond(method, path, &query, &body);
            fake.follow(effect).await;
            answer
        }
    };
    if fault == Fault::DieAfter(number) {
        fake.died.notify_one();
        std::future::pending::<()>().await;
    }
    whole(&fake, answer)
}

fn whole(fake: &Fake, (status, body): Answer) -> Response {
    let response = Response::builder().status(status).header("X-Influxdb-Version", &fake.version);
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    response.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
}

#[test]
fn the_fake_finds_the_databases_that_statements_name() {
    let text = r#"SELECT last(v), "data" FROM "a"..config WHERE id = 'x"y".' ; SELECT * FROM "b"."autogen"."m","c".."m" ; SHOW FIELD KEYS ON "d" FROM "m""#;
    assert_eq!(databases_in(text), ["a", "b", "c", "d"]);
    assert!(databases_in("select last(v),data from config where id='k'").is_empty());
}
