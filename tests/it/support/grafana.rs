//! A Grafana for tests: a fake of our own, or a real one that `TEST_GRAFANA_URL=http://user:pass@host:3000` names. What is
//! asked of it goes by its HTTP interface, so that it holds for both.

mod fake;

use std::sync::Arc;

use karana::sync::GrafanaSettings;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub use fake::{Fake, Fault};

pub struct Grafana {
    settings: GrafanaSettings,
    /// None when the server is a real one.
    fake: Option<Arc<Fake>>,
    client: reqwest::Client,
}

/// What an owner's organization holds, as a server administrator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub id: i64,
    /// Login and role, our administrator left out.
    pub members: Vec<(String, String)>,
    pub datasources: Vec<Value>,
    /// By uid: version, title.
    pub dashboards: std::collections::BTreeMap<String, (i64, String)>,
    pub home: String,
}

impl Grafana {
    /// The real one, where there is one, or a fake.
    pub async fn start(influx_url: &str) -> Self {
        let Ok(url) = std::env::var("TEST_GRAFANA_URL") else { return Self::fake(influx_url).await };
        let url = url::Url::parse(&url).unwrap();
        let settings = GrafanaSettings {
            host: url.host_str().unwrap().into(),
            port: url.port_or_known_default().unwrap(),
            user: url.username().into(),
            pass: url.password().unwrap().into(),
            ssl: url.scheme() == "https",
            influx_url: influx_url.into(),
            alerts: None,
        };
        Self { settings, fake: None, client: client() }
    }

    /// A fake, for tests that have it fail.
    pub async fn fake(influx_url: &str) -> Self {
        let fake = Fake::start().await;
        let settings = GrafanaSettings {
            host: "127.0.0.1".into(),
            port: fake.port,
            user: fake::ADMIN.0.into(),
            pass: fake::ADMIN.1.into(),
            ssl: false,
            influx_url: influx_url.into(),
            alerts: None,
        };
        Self { settings, fake: Some(fake), client: client() }
    }

    pub fn settings(&self) -> GrafanaSettings {
        self.settings.clone()
    }

    /// The fake; panics when this is a real one.
    pub fn faked(&self) -> &Fake {
        self.fake.as_ref().unwrap()
    }

    /// How many requests there were, where that can be told.
    pub fn requests(&self) -> Option<usize> {
        self.fake.as_ref().map(|fake| fake.requests())
    }

    /// One request as somebody, in an organization or in the one they are in by themselves: the status and the answer.
    pub async fn send(
        &self,
        (login, password): (&str, &str),
        method: &str,
        path: &str,
        organization: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let GrafanaSettings { host, port, ssl, .. } = &self.settings;
        let scheme = if *ssl { "https" } else { "http" };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{scheme}://{host}:{port}{path}"));
        request = request.basic_auth(login, Some(password));
        if let Some(id) = organization {
            request = request.header("X-Grafana-Org-Id", id.to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// A request of the server administrator, which must succeed.
    pub async fn admin(
        &self,
        method: &str,
        path: &str,
        organization: Option<i64>,
        body: Option<Value>,
    ) -> Value {
        let (status, answer) = self.ask(method, path, organization, body).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// A request of the server administrator.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        organization: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let administrator = (self.settings.user.as_str(), self.settings.pass.as_str());
        self.send(administrator, method, path, organization, body).await
    }

    /// What there is of an owner; none without an organization of that name.
    pub async fn seen(&self, owner: Uuid) -> Option<Seen> {
        let (status, organization) =
            self.ask("GET", &format!("/api/orgs/name/karana-{owner}"), None, None).await;
        if status == 404 {
            return None;
        }
        let id = organization["id"].as_i64().unwrap();
        let members = self.admin("GET", &format!("/api/orgs/{id}/users"), None, None).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let members = members.as_array().unwrap().iter();
        let members = members.map(|member| (text(&member["login"]), text(&member["role"])));
        let members = members.filter(|(login, _)| *login != self.settings.user).collect();
        let datasources = self.admin("GET", "/api/datasources", Some(id), None).await;
        let mut dashboards = std::collections::BTreeMap::new();
        for hit in self.admin("GET", "/api/search?type=dash-db", Some(id), None).await.as_array().unwrap() {
            let uid = text(&hit["uid"]);
            let found = self.admin("GET", &format!("/api/dashboards/uid/{uid}"), Some(id), None).await;
            let version = found["dashboard"]["version"].as_i64().unwrap();
            dashboards.insert(uid, (version, text(&found["dashboard"]["title"])));
        }
        let preferences = self.admin("GET", "/api/org/preferences", Some(id), None).await;
        Some(Seen {
            id,
            members,
            datasources: datasources.as_array().unwrap().clone(),
            dashboards,
            home: preferences["homeDashboardUID"].as_str().unwrap_or_default().into(),
        })
    }

    /// The user that has a login or an address.
    pub async fn user(&self, login: &str) -> Option<Value> {
        let (status, user) =
            self.ask("GET", &format!("/api/users/lookup?loginOrEmail={login}"), None, None).await;
        (status == 200).then_some(user)
    }

    /// A query of somebody to a data source of the organization they are in, as a panel makes it.
    pub async fn query(&self, who: (&str, &str), uid: &str, query: &str) -> (u16, Value) {
        let body = json!({
            "from": "0", "to": "2000000000000",
            "queries": [{"refId": "A", "rawQuery": true, "resultFormat": "table", "query": query,
                "datasource": {"type": "influxdb", "uid": uid}}],
        });
        self.send(who, "POST", "/api/ds/query", None, Some(body)).await
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
