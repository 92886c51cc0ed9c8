//! An InfluxDB 2 for tests: a fake of our own, or a real one that `TEST_INFLUX2_URL` and `TEST_INFLUX2_TOKEN` name (an all-access
//! token of the only organization it sees). What is asked of it goes by its HTTP interface, so that it holds for both.

mod fake;

use std::sync::Arc;
use std::time::Duration;

use karana::sync::InfluxSettings;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

pub use fake::{Fake, Fault};

pub struct Influx2 {
    settings: InfluxSettings,
    /// None when the server is a real one.
    fake: Option<Arc<Fake>>,
    client: reqwest::Client,
}

/// An authorization that bears the name of a record of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub active: bool,
    /// Action and bucket, sorted.
    pub permissions: Vec<(String, String)>,
}

impl Influx2 {
    /// The real one, where there is one, or a fake.
    pub async fn start() -> Self {
        let Ok(url) = std::env::var("TEST_INFLUX2_URL") else { return Self::fake("v2.7.1").await };
        let url = url::Url::parse(&url).unwrap();
        let token = std::env::var("TEST_INFLUX2_TOKEN").unwrap();
        let (host, port) = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let ssl = url.scheme() == "https";
        Self { settings: settings(host, port, ssl, &token), fake: None, client: client() }
    }

    /// A fake of this version, for tests that have it fail or look into it.
    pub async fn fake(version: &str) -> Self {
        let fake = Fake::start(version).await;
        let settings = settings("127.0.0.1", fake.port, false, fake::ORGANIZATION.1);
        Self { settings, fake: Some(fake), client: client() }
    }

    pub fn settings(&self) -> InfluxSettings {
        self.settings.clone()
    }

    /// The fake; panics when this is a real one.
    pub fn faked(&self) -> &Fake {
        self.fake.as_ref().unwrap()
    }

    /// A call with our token: the status and the answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = self.settings.token.clone().unwrap();
        let mut request = self.client.request(method, self.url(path));
        request = request.header("Authorization", format!("Token {token}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// Id of the organization.
    pub async fn org(&self) -> String {
        text(&self.get("/api/v2/orgs").await["orgs"][0]["id"])
    }

    /// The bucket of that name.
    pub async fn bucket(&self, name: Uuid) -> Option<Value> {
        let (status, answer) = self.call(Method::GET, &format!("/api/v2/buckets?name={name}"), None).await;
        let buckets = answer["buckets"].as_array().cloned().unwrap_or_default();
        (status == 200).then(|| buckets.into_iter().next()).flatten()
    }

    /// How many seconds a bucket keeps points; 0: for ever.
    pub async fn retention(&self, name: Uuid) -> u64 {
        let bucket = self.bucket(name).await.unwrap();
        bucket["retentionRules"][0]["everySeconds"].as_u64().unwrap_or_default()
    }

    /// The authorization of that name, as it is told.
    pub async fn authorization(&self, name: Uuid) -> Option<Value> {
        let all = self.get("/private/legacy/authorizations").await["authorizations"].as_array().cloned();
        all.unwrap_or_default().into_iter().find(|one| one["token"] == name.to_string())
    }

    pub async fn seen(&self, name: Uuid) -> Option<Seen> {
        let one = self.authorization(name).await?;
        let buckets = self.get("/api/v2/buckets?limit=100").await["buckets"].as_array().cloned().unwrap();
        let bucket = |id: &Value| {
            let found = buckets.iter().find(|bucket| bucket["id"] == *id);
            found.map_or_else(|| "?".to_owned(), |bucket| text(&bucket["name"]))
        };
        let permissions = one["permissions"].as_array().unwrap().iter();
        let mut permissions: Vec<_> = permissions
            .map(|permission| (text(&permission["action"]), bucket(&permission["resource"]["id"])))
            .collect();
        permissions.sort();
        Some(Seen { active: one["status"] == "active", permissions })
    }

    /// Writes a point as the firmware does: the status.
    pub async fn write(&self, user: Uuid, pass: &str, database: Uuid, point: &str) -> u16 {
        let (user, database) = (user.to_string(), database.to_string());
        let query = [("db", database.as_str()), ("u", &user), ("p", pass), ("precision", "s")];
        let request = self.client.post(self.url("/write")).query(&query).body(point.to_owned());
        request.send().await.unwrap().status().as_u16()
    }

    /// Polls or reads with the credentials in the URL, as the firmware does: the status and the answer.
    pub async fn query(&self, user: Uuid, pass: &str, database: Uuid, query: &str) -> (u16, Value) {
        let (user, database) = (user.to_string(), database.to_string());
        let query = [("db", database.as_str()), ("u", &user), ("p", pass), ("q", query)];
        let answer = self.client.get(self.url("/query")).query(&query).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// The same with HTTP Basic, as Grafana does.
    pub async fn query_basic(&self, user: Uuid, pass: &str, database: Uuid, query: &str) -> (u16, Value) {
        let request = self.client.post(self.url("/query")).query(&[("db", database.to_string())]);
        let request = request.basic_auth(user.to_string(), Some(pass)).form(&[("q", query)]);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    fn url(&self, path: &str) -> String {
        let InfluxSettings { host, port, ssl, .. } = &self.settings;
        format!("{}://{host}:{port}{path}", if *ssl { "https" } else { "http" })
    }
}

fn settings(host: &str, port: u16, ssl: bool, token: &str) -> InfluxSettings {
    InfluxSettings {
        host: host.into(),
        port,
        user: String::new(),
        pass: String::new(),
        token: Some(token.into()),
        org: None,
        ssl,
        device_host: "influx.test".into(),
        device_port: 8086,
        retention: None,
    }
}

pub const DAY: Duration = Duration::from_secs(86_400);

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
