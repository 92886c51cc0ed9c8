//! The HTTP interface of InfluxDB 1.x. Nothing else in the server sends requests to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::statement::Statement;
use super::version::{Met, THREE, Version};
use crate::sync::InfluxSettings;
use crate::sync::link::{self, CHANGE, Link, PING, READ, Trouble};
use crate::sync::stats::{Counts, Kind};

/// Rows that share a measurement and tags.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Series {
    /// The measurement.
    #[serde(default)]
    pub name: String,
    /// The tags that the query groups by.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Names of the columns.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Rows; InfluxDB leaves the key out when there are none.
    #[serde(default)]
    pub values: Vec<Vec<Value>>,
    #[serde(default)]
    partial: bool,
}

impl Series {
    /// The value of `column` in each row; null where the server left it out.
    pub fn column<'a>(&'a self, column: &str) -> impl Iterator<Item = &'a Value> {
        let at = self.columns.iter().position(|name| name == column);
        self.values.iter().map(move |row| at.and_then(|at| row.get(at)).unwrap_or(&Value::Null))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Outcome>,
    error: Option<String>,
    /// How 2.x calls it.
    message: Option<String>,
}

#[derive(Default, Deserialize)]
struct Outcome {
    #[serde(default)]
    series: Vec<Series>,
    #[serde(default)]
    partial: bool,
    error: Option<String>,
}

impl Outcome {
    fn into_series(self) -> Result<Vec<Series>, Trouble> {
        if let Some(error) = self.error {
            return Err(Trouble::Rejected(error));
        }
        // What is missing from a list that was cut short would look as if it had been deleted.
        if self.partial || self.series.iter().any(|series| series.partial) {
            return Err(Trouble::Rejected("the answer is cut short: raise max-row-limit in InfluxDB".into()));
        }
        Ok(self.series)
    }
}

/// One InfluxDB, signed in as its administrator: by name and password, or with a token.
pub struct Client {
    pub(super) link: Link,
    user: String,
    pass: String,
    token: Option<String>,
    /// The name of the organization (2.x).
    pub(super) org: Option<String>,
    met: Met,
    /// Whether it has been asked if it lets everybody in.
    asked_openness: AtomicBool,
}

impl Client {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn new(settings: &InfluxSettings, counts: Arc<Counts>) -> Result<Self, String> {
        Ok(Self {
            link: Link::new("InfluxDB", settings.address(), counts)?,
            user: settings.user.clone(),
            pass: settings.pass.clone(),
            token: settings.token.clone(),
            org: settings.org.clone(),
            met: Met::default(),
            asked_openness: AtomicBool::new(false),
        })
    }

    /// Which InfluxDB is there, if it is one that we can work with and have the credentials for. Needs none itself.
    pub async fn ping(&self) -> Result<Version, Trouble> {
        self.link.counted(Kind::Ping, self.greet()).await
    }

    async fn greet(&self) -> Result<Version, Trouble> {
        let link::Answer { status, headers, .. } =
            self.link.send(self.link.request(Method::GET, "/ping").timeout(PING)).await?;
        let version = headers.get("X-Influxdb-Version").and_then(|version| version.to_str().ok());
        let version = match (version, status) {
            (Some(version), _) => Version::read(version).map_err(|reason| self.link.unfit(&reason))?,
            (None, StatusCode::UNAUTHORIZED) => {
                return Err(self.link.unfit(&format!("asks for a token. {THREE}")));
            }
            (None, status) => return Err(self.link.unfit(&format!("is no InfluxDB (HTTP {status})"))),
        };
        let missing = match version {
            Version::One if self.user.is_empty() => {
                "1.x, where a token is of no use: set [influxdb] user and pass"
            }
            Version::Two(_) if self.token.is_none() => {
                "2.x, where a password is of no use: set [influxdb] token"
            }
            Version::One => {
                self.warn_if_open().await;
                ""
            }
            Version::Two(_) => "",
        };
        if !missing.is_empty() {
            return Err(Trouble::Denied(format!(
                "the server at {} is InfluxDB {missing}",
                self.link.address()
            )));
        }
        self.met.set(version);
        Ok(version)
    }

    /// Who a request is of. A server that was not met yet is asked what it is.
    async fn signed(&self, request: RequestBuilder) -> Result<RequestBuilder, Trouble> {
        let version = match self.met.get() {
            Some(version) => version,
            None => self.greet().await?,
        };
        Ok(match (version, &self.token) {
            (Version::Two(_), Some(token)) => request.header("Authorization", format!("Token {token}")),
            _ => request.basic_auth(&self.user, Some(&self.pass)),
        })
    }

    /// Without authentication InfluxDB takes every user and grant, and then lets everybody read everything.
    async fn warn_if_open(&self) {
        if self.asked_openness.swap(true, Ordering::Relaxed) {
            return;
        }
        let request = self.link.request(Method::GET, "/query?q=SHOW+DATABASES").timeout(PING);
        if self.link.send(request).await.is_ok_and(|answer| answer.status.is_success()) {
            tracing::warn!(
                "InfluxDB at {} asks nobody for a password: everybody who reaches it sees all data; \
                 set auth-enabled = true in the [http] section of its configuration",
                self.link.address()
            );
        }
    }

    /// The series that a query answers with. Times are in nanoseconds.
    pub async fn query(&self, query: &str) -> Result<Vec<Series>, Trouble> {
        let outcomes = self.outcomes(query, Kind::Query).await?;
        outcomes.into_iter().next().unwrap_or_default().into_series()
    }

    /// What each of several queries answers, in one request that ends within `limit`, whatever becomes of it.
    ///
    /// One that fails hides why, and those behind it are not carried out: they are errors, or missing.
    pub async fn query_together(
        &self,
        queries: &[String],
        limit: Duration,
    ) -> Result<Vec<Result<Vec<Series>, Trouble>>, Trouble> {
        let outcomes = self.outcomes_within(&queries.join(";"), Kind::Query, limit).await?;
        Ok(outcomes.into_iter().map(Outcome::into_series).collect())
    }

    /// What each of several queries answers, in one request where possible.
    ///
    /// # Errors
    /// Only what the next request will meet too; each query has a result of its own.
    pub async fn query_each(&self, queries: &[String]) -> Result<Vec<Result<Vec<Series>, Trouble>>, Trouble> {
        let together = match self.outcomes(&queries.join(";"), Kind::Query).await {
            Err(Trouble::Rejected(_)) => None,
            outcomes => outcomes?.into_iter().map(Outcome::into_series).collect::<Result<Vec<_>, _>>().ok(),
        };
        if let Some(series) = together.filter(|series| series.len() == queries.len()) {
            return Ok(series.into_iter().map(Ok).collect());
        }
        // InfluxDB stops at the first statement that fails and hides why ("not executed").
        let mut results = Vec::new();
        for query in queries {
            results.push(match self.query(query).await {
                Err(Trouble::Rejected(reason)) => Err(Trouble::Rejected(reason)),
                series => Ok(series?),
            });
        }
        Ok(results)
    }

    /// Carries out one statement.
    pub async fn execute(&self, statement: &Statement) -> Result<(), Trouble> {
        let outcomes = self.outcomes(statement.expose(), Kind::Change).await;
        let result =
            outcomes.and_then(|outcomes| outcomes.into_iter().next().unwrap_or_default().into_series());
        result.map(drop).map_err(|trouble| match trouble {
            // A server may quote what it refuses.
            Trouble::Rejected(reason) if statement.shows_in(&reason) => {
                Trouble::Rejected(format!("InfluxDB refuses the statement {statement}"))
            }
            trouble => trouble,
        })
    }

    /// Writes points in line protocol, with times in nanoseconds.
    pub async fn write(&self, database: Uuid, points: String) -> Result<(), Trouble> {
        let request = self
            .link
            .request(Method::POST, "/write")
            .query(&[("db", &*database.to_string()), ("precision", "ns")])
            .body(points)
            .timeout(CHANGE);
        let written = async {
            match self.send(request).await?.0 {
                // Whatever else says that all is well has stored nothing: a proxy, or its page to sign in at.
                StatusCode::NO_CONTENT => Ok(()),
                status => Err(self.link.unfit(&format!("answers a write with HTTP {status}"))),
            }
        };
        self.link.counted(Kind::Write, written).await.map_err(|trouble| match trouble {
            Trouble::Rejected(reason) => Trouble::Rejected(without_quotation(&reason)),
            trouble => trouble,
        })
    }

    /// `POST` with the query in the body: GET would work too, but put passwords into the server's log.
    async fn outcomes(&self, query: &str, kind: Kind) -> Result<Vec<Outcome>, Trouble> {
        let limit = if matches!(kind, Kind::Query) { READ } else { CHANGE };
        self.outcomes_within(query, kind, limit).await
    }

    async fn outcomes_within(
        &self,
        query: &str,
        kind: Kind,
        limit: Duration,
    ) -> Result<Vec<Outcome>, Trouble> {
        let request = self.link.request(Method::POST, "/query?epoch=ns").form(&[("q", query)]).timeout(limit);
        let (_, body) = self.link.counted(kind, self.send(request)).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
            self.link.unfit(&format!("answers with what is no JSON of InfluxDB ({error})"))
        })?;
        match answer.error.or(answer.message) {
            Some(error) => Err(Trouble::Rejected(error)),
            // Each statement has one. Without this it would look as if there were no user and no database.
            None if answer.results.is_empty() => Err(self.link.unfit("answers without any result")),
            None => Ok(answer.results),
        }
    }

    /// Sends a request as the administrator, and gives the status and body of an answer that is a success.
    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let (status, body) = self.answer(request).await?;
        if status.is_success() { Ok((status, body)) } else { Err(self.refusal(status, &body)) }
    }

    /// Sends a request as the administrator, and gives what it is answered with.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let answer = self.link.send(self.signed(request).await?).await?;
        Ok((answer.status, answer.body))
    }

    /// What an answer means that is no success.
    pub(super) fn refusal(&self, status: StatusCode, body: &[u8]) -> Trouble {
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        let reason = answer.and_then(|answer| answer.error.or(answer.message));
        let reason = reason.unwrap_or_else(|| format!("HTTP {status}"));
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return self.link.useless(status, &reason).unwrap_or(Trouble::Rejected(reason));
        }
        let met = self.met.get();
        // Another InfluxDB may have taken its place, with other credentials.
        self.met.forget();
        match status {
            _ if matches!(met, Some(Version::Two(_))) => self.denied_token(&format!(
                "refuses it ({reason}): it must have all rights in its organization (an all-access token)"
            )),
            StatusCode::UNAUTHORIZED => self.denied(&format!("refuses its name or password ({reason})")),
            _ if reason.contains("create admin user") => {
                self.denied("has no administrator yet: create this one first, WITH ALL PRIVILEGES")
            }
            _ => self.denied("does not let it do this: it must be an administrator"),
        }
    }

    fn denied(&self, what: &str) -> Trouble {
        self.link.denied(&self.user, what)
    }

    /// What is wrong with the token, or with where it belongs.
    pub(super) fn denied_token(&self, what: &str) -> Trouble {
        Trouble::Denied(format!("InfluxDB token: the server at {} {what}", self.link.address()))
    }
}

/// InfluxDB quotes a point that it cannot parse, and a config line, between its percent signs, holds the device's password.
fn without_quotation(reason: &str) -> String {
    ['\'', '%'].into_iter().fold(reason.to_owned(), |reason, mark| {
        match (reason.find(mark), reason.rfind(mark)) {
            (Some(first), Some(last)) if first < last => {
                format!("{}{mark}…{mark}{}", &reason[..first], &reason[last + 1..])
            }
            _ => reason,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_quoted_in_an_error_is_cut_out() {
        let reason = "unable to parse 'config,data=%h:1%S3'C'RET%,id=k v=0 xx': bad timestamp";
        assert_eq!(without_quotation(reason), "unable to parse '…': bad timestamp");
        assert_eq!(without_quotation("timeout"), "timeout");
        let reason = "unable to parse: config,data=%h:1%SECRET%,id=k v=0: bad timestamp";
        assert_eq!(without_quotation(reason), "unable to parse: config,data=%…%,id=k v=0: bad timestamp");
    }

    #[test]
    fn a_statement_that_failed_and_an_answer_cut_short_are_errors() {
        let outcomes = |json: &str| {
            let answer: Answer = serde_json::from_str(json).unwrap();
            answer.results.into_iter().map(Outcome::into_series).collect::<Result<Vec<_>, _>>()
        };
        let failed = r#"{"results":[{"statement_id":0,"error":"user not found"}]}"#;
        assert_eq!(outcomes(failed), Err(Trouble::Rejected("user not found".into())));
        let empty = r#"{"results":[{"statement_id":0,"series":[{"columns":["database","privilege"]}]}]}"#;
        assert!(outcomes(empty).unwrap()[0][0].values.is_empty());
        let series = r#"{"results":[{"series":[{"columns":["a"],"values":[[1]],"partial":true}]}]}"#;
        assert!(outcomes(series).is_err());
        assert!(outcomes(r#"{"results":[{"series":[],"partial":true}]}"#).is_err());
    }
}
