//! A FAKE of Grafana: no Grafana can be installed where these tests run. It holds organizations, users, data sources,
//! dashboards and preferences, and answers the calls that sync makes, and those that show what a user can reach.
//!
//! Where the facts are from: paths, bodies and statuses from Grafana's own description of its interface
//! (`public/api-merged.json`, 11.4) and its documentation (`developers/http_api`, 9 to 13); that organizations are what
//! isolates, that Viewers may query every data source of theirs, and that secrets never come back, too. What a member of no
//! organization is told (403), and that a title may be taken (412 `name-exists`, until 10), is what older sources do.
//!
//! Of alerting: paths, bodies and statuses are from the description, such as that removing a rule is answered without a body
//! (204). What is assumed, to be the stricter of what it could be: that the folder, the data source and the contact point of a rule
//! must be there, that its title is its alone, that a contact point which a rule names is not removed; and that versions before 11
//! leave `notification_settings` out.
//!
//! `POST /api/ds/query` does for an `influxdb` data source what Grafana does: it asks that InfluxDB, as the data source says.

mod alerting;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The first server administrator.
pub const ADMIN: (&str, &str) = ("karanaadmin", "raw: \"pass\" ü");

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// No answer.
    Hang,
    /// 500, for all paths that hold this.
    Broken(&'static str),
    /// 503, also for `/api/health`.
    Away,
    /// 200 with what is no JSON.
    Garbage,
    /// Half of the answer to paths that hold this, and the end of the connection.
    Half(&'static str),
    /// The request with this number, from one, is done and never answered; nothing after it is done.
    DieAfter(usize),
}

struct Organization {
    name: String,
    members: BTreeMap<i64, String>,
    datasources: BTreeMap<String, Value>,
    dashboards: BTreeMap<String, Value>,
    preferences: Value,
    folders: BTreeMap<String, Value>,
    contacts: BTreeMap<String, Value>,
    rules: BTreeMap<String, Value>,
}

impl Organization {
    fn new(name: &str, administrator: i64) -> Self {
        Self {
            name: name.into(),
            members: [(administrator, "Admin".into())].into(),
            datasources: BTreeMap::new(),
            dashboards: BTreeMap::new(),
            preferences: json!({}),
            folders: BTreeMap::new(),
            contacts: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }
}

#[derive(Clone)]
struct User {
    login: String,
    email: String,
    name: String,
    password: String,
    admin: bool,
    disabled: bool,
    /// The organization it is in unless a request says otherwise.
    current: i64,
}

#[derive(Default)]
struct World {
    organizations: BTreeMap<i64, Organization>,
    users: BTreeMap<i64, User>,
    last_id: i64,
    fault: Option<Fault>,
    /// Whether a title is one dashboard's alone, as it was until 10.
    unique_titles: bool,
    /// Whether a rule cannot name its contact point, as until 10.
    no_receivers: bool,
    /// `[users] auto_assign_org_role`
    new_role: String,
    /// `METHOD path` of each request.
    log: Vec<String>,
}

pub struct Fake {
    pub port: u16,
    world: Mutex<World>,
    under_way: AtomicUsize,
    most_at_a_time: AtomicUsize,
    died: Notify,
}

type Answer = (u16, Value);

fn message(status: u16, text: &str) -> Answer {
    (status, json!({"message": text}))
}

impl Fake {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, ADMIN)
    }

    /// Answers there, with a first server administrator of this login and password.
    pub fn serve(listener: tokio::net::TcpListener, (login, password): (&str, &str)) -> Arc<Self> {
        let main = Organization::new("Main Org.", 1);
        let admin = User {
            login: login.into(),
            email: "root@localhost".into(),
            name: String::new(),
            password: password.into(),
            admin: true,
            disabled: false,
            current: 1,
        };
        let world = World {
            organizations: [(1, main)].into(),
            users: [(1, admin)].into(),
            last_id: 1,
            unique_titles: true,
            new_role: "Viewer".into(),
            ..World::default()
        };
        let fake = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            world: Mutex::new(world),
            under_way: AtomicUsize::new(0),
            most_at_a_time: AtomicUsize::new(0),
            died: Notify::new(),
        });
        let router = axum::Router::new().fallback(take).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// From now on it fails like this; requests are counted anew.
    pub fn fail(&self, fault: Fault) {
        let mut world = self.world.lock().unwrap();
        world.fault = (fault != Fault::None).then_some(fault);
        world.log.clear();
    }

    /// `[users] auto_assign_org_role` of its configuration.
    pub fn set_new_role(&self, role: &str) {
        self.world.lock().unwrap().new_role = role.into();
    }

    /// As `grafana cli admin reset-admin-password` does.
    #[allow(dead_code, reason = "asked by the program that stands in for Grafana's alone")]
    pub fn set_admin_password(&self, password: &str) {
        self.world.lock().unwrap().users.get_mut(&1).unwrap().password = password.into();
    }

    /// As versions before 11: no rule names its contact point.
    pub fn forget_receivers(&self) {
        self.world.lock().unwrap().no_receivers = true;
    }

    pub fn requests(&self) -> usize {
        self.world.lock().unwrap().log.len()
    }

    /// `METHOD path` of each request since it was last counted anew.
    pub fn log(&self) -> Vec<String> {
        self.world.lock().unwrap().log.clone()
    }

    pub fn most_at_a_time(&self) -> usize {
        self.most_at_a_time.load(Ordering::SeqCst)
    }

    /// Resolves when it has died ([`Fault::DieAfter`]).
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// How many organizations, users, data sources and dashboards there are.
    pub fn sizes(&self) -> [usize; 4] {
        let world = self.world.lock().unwrap();
        let each = |of: fn(&Organization) -> usize| world.organizations.values().map(of).sum();
        [
            world.organizations.len(),
            world.users.len(),
            each(|one| one.datasources.len()),
            each(|one| one.dashboards.len()),
        ]
    }
}

async fn take(State(fake): State<Arc<Fake>>, request: Request) -> Response {
    let now = fake.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    fake.most_at_a_time.fetch_max(now, Ordering::SeqCst);
    let answer = answer(&fake, request).await;
    fake.under_way.fetch_sub(1, Ordering::SeqCst);
    answer
}

async fn answer(fake: &Fake, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let (fault, number) = {
        let mut world = fake.world.lock().unwrap();
        world.log.push(format!("{} {path}", parts.method));
        (world.fault.unwrap_or(Fault::None), world.log.len())
    };
    let whole = |(status, body): Answer| {
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        response.body(body).unwrap()
    };
    match fault {
        Fault::Hang => std::future::pending().await,
        Fault::DieAfter(last) if number > last => std::future::pending().await,
        Fault::Away => return whole((503, json!({"database": "failing"}))),
        Fault::Garbage => return Response::new(Body::from("<html>hello</html>")),
        Fault::Broken(part) if path.contains(part) => return whole(message(500, "Internal Server Error")),
        _ => {}
    }
    // So that requests that may be under way together are.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let method = parts.method.as_str().to_owned();
    let done = match path.as_str() {
        "/api/ds/query" => query(fake, &parts.headers, &body).await,
        _ => fake.world.lock().unwrap().respond(&method, &path, &parts.headers, &body),
    };
    match fault {
        Fault::DieAfter(last) if number == last => {
            fake.died.notify_one();
            std::future::pending().await
        }
        Fault::Half(part) if path.contains(part) => {
            let text = done.1.to_string();
            let half = Bytes::from(text[..text.len() / 2].to_owned());
            let cut = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
            Response::builder().status(done.0).body(Body::from_stream(cut)).unwrap()
        }
        _ => whole(done),
    }
}

/// Asks the InfluxDB of a data source, as Grafana's back end does for every member of the organization.
async fn query(fake: &Fake, headers: &HeaderMap, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked = &body["queries"][0];
    let source = {
        let world = fake.world.lock().unwrap();
        let (id, user) = match world.sign_in(headers) {
            Ok(who) => who,
            Err(refusal) => return refusal,
        };
        let Some((organization, _)) = world.place(id, user, headers) else {
            return message(403, "Permission denied");
        };
        let uid = asked["datasource"]["uid"].as_str().unwrap_or_default();
        let Some(source) = world.organizations[&organization].datasources.get(uid) else {
            return message(404, "Data source not found");
        };
        source.clone()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/query", text(&source["url"])))
        .query(&[("db", text(&source["jsonData"]["dbName"]))])
        .basic_auth(text(&source["user"]), Some(text(&source["secureJsonData"]["password"])))
        .form(&[("q", text(&asked["query"]))]);
    match request.send().await {
        Ok(answer) if answer.status().is_success() => {
            let result: Value = answer.json().await.unwrap();
            match result["results"][0]["error"].as_str() {
                Some(error) => (400, json!({"results": {"A": {"error": error, "status": 400}}})),
                None => (200, json!({"results": {"A": {"status": 200, "frames": result["results"]}}})),
            }
        }
        Ok(answer) => (400, json!({"results": {"A": {"error": answer.status().to_string(), "status": 400}}})),
        Err(error) => (500, json!({"message": error.to_string()})),
    }
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake").field("port", &self.port).finish_non_exhaustive()
    }
}
