//! The HTTP interface of Grafana. Nothing else in the server sends requests to it.

use std::sync::Arc;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::GrafanaSettings;
use crate::sync::link::{self, CHANGE, Link, PING, READ, Trouble};
use crate::sync::stats::{Counts, Kind};

/// Of Grafana's own words no more than this many characters are passed on.
const LONGEST_REASON: usize = 200;

/// The oldest version whose calls are these.
const OLDEST: u32 = 9;

/// Entries of a list in one answer; Grafana's own default.
const PAGE: usize = 1000;

/// Which organization a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// None: it is a server administrator's.
    Server,
    /// The one with this number, as its administrator.
    Organization(i64),
}

/// What Grafana answers, where that is not trouble: a success, or one of the statuses that a caller can make something of.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    /// What a success holds; anything else is trouble.
    pub fn done(self) -> Result<Value, Trouble> {
        if self.status.is_success() { Ok(self.body) } else { Err(Trouble::Rejected(self.reason())) }
    }

    /// The same where what is not there need not be.
    pub fn done_or_missing(self) -> Result<Option<Value>, Trouble> {
        if self.is_missing() { Ok(None) } else { self.done().map(Some) }
    }

    /// Whether there is no such thing (404).
    pub fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// Whether the name is taken: 409, for users 412.
    pub fn is_taken(&self) -> bool {
        [StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED].contains(&self.status)
    }

    /// Whether another dashboard has the title (412 with this status, in versions that want it unique).
    pub fn is_name_taken(&self) -> bool {
        self.status == StatusCode::PRECONDITION_FAILED && self.body["status"] == "name-exists"
    }

    fn reason(&self) -> String {
        reason(self.status, &self.body)
    }
}

/// An organization. `GET /api/orgs`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// Its number.
    pub id: i64,
    /// Its name, which no other one has.
    pub name: String,
}

/// A user of the server. `GET /api/users`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its number.
    pub id: i64,
    /// Newer versions write it in lower case.
    pub login: String,
    /// As `login`.
    #[serde(default)]
    pub email: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Whether it is a server administrator. A single user is told of with another name than those in the list.
    #[serde(default, alias = "isGrafanaAdmin")]
    pub is_admin: bool,
    /// Whether it is kept out.
    #[serde(default)]
    pub is_disabled: bool,
}

/// Where a user is a member. `GET /api/users/:id/orgs`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The organization's number.
    pub org_id: i64,
    /// The organization's name.
    #[serde(default)]
    pub name: String,
    /// `Viewer`, `Editor`, `Admin` or `None`.
    pub role: String,
}

/// One Grafana, signed in as its administrator.
pub struct Client {
    link: Link,
    user: String,
    pass: String,
}

impl Client {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn new(settings: &GrafanaSettings, counts: Arc<Counts>) -> Result<Self, String> {
        Ok(Self {
            link: Link::new("Grafana", settings.address(), counts)?,
            user: settings.user.clone(),
            pass: settings.pass.clone(),
        })
    }

    /// The login that we come with.
    pub fn administrator(&self) -> &str {
        &self.user
    }

    /// Whether a Grafana that we can work with is there. Needs no credentials. `GET /api/health`
    pub async fn ping(&self) -> Result<(), Trouble> {
        self.link.counted(Kind::Ping, self.greet()).await
    }

    async fn greet(&self) -> Result<(), Trouble> {
        let request = self.link.request(Method::GET, "/api/health").timeout(PING);
        let link::Answer { status, body, .. } = self.link.send(request).await?;
        let health: Value = serde_json::from_slice(&body).unwrap_or_default();
        if health.get("database").is_none() {
            return Err(self.link.unfit(&format!("is no Grafana (HTTP {status})")));
        }
        if !status.is_success() {
            return Err(self.link.unfit("says that its database does not work"));
        }
        // It can be configured to be kept from strangers.
        let version: String = health["version"].as_str().unwrap_or_default().chars().take(20).collect();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major < OLDEST) {
            return Err(self
                .link
                .unfit(&format!("is Grafana {version}, which is not supported: {OLDEST} and later are")));
        }
        Ok(())
    }

    /// Every organization.
    pub async fn organizations(&self) -> Result<Vec<Organization>, Trouble> {
        // Grafana counts these pages from zero.
        self.pages("/api/orgs", 0).await
    }

    /// Every user of the server.
    pub async fn users(&self) -> Result<Vec<User>, Trouble> {
        self.pages("/api/users", 1).await
    }

    async fn pages<T: DeserializeOwned>(&self, path: &str, first: usize) -> Result<Vec<T>, Trouble> {
        let mut all = Vec::new();
        for page in first.. {
            let path = format!("{path}?perpage={PAGE}&page={page}");
            let some: Vec<T> =
                self.read(&path, Scope::Server).await?.ok_or_else(|| self.no_such_call(&path))?;
            let count = some.len();
            all.extend(some);
            if count < PAGE {
                break;
            }
        }
        Ok(all)
    }

    /// Looks at something; none when it is not there.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, scope: Scope) -> Result<Option<T>, Trouble> {
        let answer = self.call(Method::GET, path, scope, None).await?;
        let Some(body) = answer.done_or_missing()? else { return Ok(None) };
        let read = serde_json::from_value(body);
        // Not the error's text: it quotes values.
        read.map(Some).map_err(|_| self.link.unfit("answers with what is no JSON of Grafana"))
    }

    /// Removes an organization with all that is in it; fine when it is gone already. `DELETE /api/orgs/:id`
    pub async fn delete_organization(&self, id: i64) -> Result<(), Trouble> {
        let answer = self.call(Method::DELETE, &format!("/api/orgs/{id}"), Scope::Server, None).await?;
        answer.done_or_missing().map(drop)
    }

    /// Makes one request. `path` begins with `/api/`.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        scope: Scope,
        body: Option<&Value>,
    ) -> Result<Answer, Trouble> {
        let is_look = method == Method::GET;
        let (kind, timeout) = if is_look { (Kind::Query, READ) } else { (Kind::Change, CHANGE) };
        let mut request = self.link.request(method, path).timeout(timeout);
        if let Scope::Organization(id) = scope {
            request = request.header("X-Grafana-Org-Id", id.to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        // So that what it makes may be changed in its pages, too.
        if path.starts_with("/api/v1/provisioning/") {
            request = request.header("X-Disable-Provenance", "true");
        }
        self.link.counted(kind, self.send(request, scope)).await
    }

    async fn send(&self, request: RequestBuilder, scope: Scope) -> Result<Answer, Trouble> {
        let request = request.basic_auth(&self.user, Some(&self.pass));
        let link::Answer { status, body, .. } = self.link.send(request).await?;
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            let nothing = (status == StatusCode::NO_CONTENT).then_some(Value::Null);
            let body = body.or(nothing);
            let body = body.ok_or_else(|| self.link.unfit("answers with what is no JSON of Grafana"))?;
            return Ok(Answer { status, body });
        }
        let is_from_grafana = body.as_ref().is_some_and(|body| body.get("message").is_some());
        let body = body.unwrap_or_default();
        let reason = reason(status, &body);
        match status {
            StatusCode::UNAUTHORIZED => Err(self.denied(&format!("refuses its name or password ({reason})"))),
            StatusCode::FORBIDDEN if scope == Scope::Server => {
                Err(self.denied("does not let it do this: it must be a server administrator"))
            }
            StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED
                if is_from_grafana =>
            {
                Ok(Answer { status, body })
            }
            StatusCode::NOT_FOUND => Err(self.link.unfit("is no Grafana (HTTP 404)")),
            status => Err(self.link.useless(status, &reason).unwrap_or(Trouble::Rejected(reason))),
        }
    }

    fn denied(&self, what: &str) -> Trouble {
        self.link.denied(&self.user, what)
    }

    fn no_such_call(&self, path: &str) -> Trouble {
        self.link.unfit(&format!("does not know {path}"))
    }
}

/// Why Grafana did not do something, in its own words where it has any.
fn reason(status: StatusCode, body: &Value) -> String {
    match body["message"].as_str().filter(|message| !message.is_empty()) {
        Some(message) => message.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect(),
        None => format!("HTTP {status}"),
    }
}
