//! The HTTP interface of InfluxDB: `/ping`, `/query` and `/write`, which 2.x has, too (its API for 1.x clients). Nothing else in
//! the server sends requests to it, but for what only 2.x has ([`two::api`](super::two::api)).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, StatusCode, redirect};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::statement::Statement;
use super::version::{Met, THREE, Version};
use crate::sync::InfluxSettings;
use crate::sync::stats::{Counts, Kind};

/// How long to wait for a connection, for an answer to `/ping`, for a change, and for an answer to a query.
const CONNECT: Duration = Duration::from_secs(3);
const PING: Duration = Duration::from_secs(5);
pub(super) const CHANGE: Duration = Duration::from_secs(15);
pub(super) const READ: Duration = Duration::from_secs(30);

/// An answer beyond this many bytes is refused, so that no server can fill our memory.
const LARGEST_ANSWER: usize = 64 << 20;

/// Why a request did not do what it should. The texts hold no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no InfluxDB that answers, or none that we can work with: the next request will fare no better.
    #[error("{0}")]
    Unreachable(String),
    /// InfluxDB does not let our administrator or our token in: the next request will fare no better.
    #[error("{0}")]
    Denied(String),
    /// InfluxDB refuses this request; others may pass.
    #[error("{0}")]
    Rejected(String),
}

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

/// A connection pool to one InfluxDB, signed in as its administrator: by name and password, or with a token.
pub struct Client {
    pub(super) http: reqwest::Client,
    /// Scheme, host and port.
    pub(super) address: String,
    user: String,
    pass: String,
    token: Option<String>,
    /// The name of the organization, of 2.x.
    pub(super) org: Option<String>,
    met: Met,
    /// Whether it has been asked if it lets everybody in.
    asked_openness: AtomicBool,
    counts: Arc<Counts>,
}

impl Client {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn new(settings: &InfluxSettings, counts: Arc<Counts>) -> Result<Self, String> {
        let mut http = reqwest::Client::builder();
        if !settings.ssl {
            // Plain HTTP needs no certificates; without this, a machine that has none could not even begin.
            http = http.tls_certs_only([]);
        }
        let http = http
            // What goes to InfluxDB are passwords: only ever to the address that is configured.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| format!("HTTP client: {}", innermost(&error)))?;
        Ok(Self {
            http,
            address: settings.address(),
            user: settings.user.clone(),
            pass: settings.pass.clone(),
            token: settings.token.clone(),
            org: settings.org.clone(),
            met: Met::default(),
            asked_openness: AtomicBool::new(false),
            counts,
        })
    }

    /// Whether an InfluxDB that we can work with is there, and which. Needs no credentials, but tells whether there are any that fit.
    pub async fn ping(&self) -> Result<Version, Trouble> {
        self.counted(Kind::Ping, self.greet()).await
    }

    async fn greet(&self) -> Result<Version, Trouble> {
        let request = self.http.get(format!("{}/ping", self.address)).timeout(PING);
        let answer = request.send().await.map_err(|error| self.unreachable(error))?;
        let version = answer.headers().get("X-Influxdb-Version").and_then(|version| version.to_str().ok());
        let version = match (version, answer.status()) {
            (Some(version), _) => Version::read(version).map_err(|reason| self.unfit(&reason))?,
            (None, StatusCode::UNAUTHORIZED) => return Err(self.unfit(&format!("asks for a token. {THREE}"))),
            (None, status) => return Err(self.unfit(&format!("is no InfluxDB (HTTP {status})"))),
        };
        match version {
            Version::One if self.user.is_empty() => {
                return Err(self.unequipped("1.x: set [influxdb] user and pass, a token is of no use there"));
            }
            Version::One => self.warn_if_open().await,
            Version::Two(_) if self.token.is_none() => {
                return Err(self.unequipped("2.x: set [influxdb] token (and org), user and pass are of no use there"));
            }
            Version::Two(_) => {}
        }
        self.met.set(version);
        Ok(version)
    }

    /// As who a request is sent. A server that was not met yet is asked what it is.
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
        let request = self.http.get(format!("{}/query?q=SHOW+DATABASES", self.address)).timeout(PING);
        if request.send().await.is_ok_and(|answer| answer.status().is_success()) {
            tracing::warn!(
                "InfluxDB at {} asks nobody for a password: everybody who reaches it sees all data; \
                 set auth-enabled = true in the [http] section of its configuration",
                self.address
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
        let outcomes =
            self.outcomes(statement.expose(), Kind::Change).await.map_err(|trouble| match trouble {
                // A statement that is refused as a whole may be quoted in the error.
                Trouble::Rejected(_) if statement.holds_password() => {
                    Trouble::Rejected(format!("InfluxDB refuses the statement {statement}"))
                }
                trouble => trouble,
            })?;
        outcomes.into_iter().next().unwrap_or_default().into_series().map(drop)
    }

    /// Writes points in line protocol, with times in nanoseconds.
    pub async fn write(&self, database: Uuid, points: String) -> Result<(), Trouble> {
        let request = self
            .http
            .post(format!("{}/write", self.address))
            .query(&[("db", &*database.to_string()), ("precision", "ns")])
            .body(points)
            .timeout(CHANGE);
        self.counted(Kind::Write, self.send(request)).await.map(drop).map_err(|trouble| match trouble {
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
        let url = format!("{}/query?epoch=ns", self.address);
        let request = self.http.post(url).form(&[("q", query)]).timeout(limit);
        let body = self.counted(kind, self.send(request)).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| self.unfit(&format!("answers with what is no JSON of InfluxDB ({error})")))?;
        match answer.error.or(answer.message) {
            Some(error) => Err(Trouble::Rejected(error)),
            None => Ok(answer.results),
        }
    }

    pub(super) async fn counted<T>(
        &self,
        kind: Kind,
        request: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let begin = Instant::now();
        let result = request.await;
        self.counts.request(kind, begin.elapsed(), &result);
        result
    }

    /// Sends a request as the administrator, and gives the body of an answer that is a success.
    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Trouble> {
        let (status, body) = self.answer(request).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refusal(status, &body))
    }

    /// Sends a request as the administrator, and gives what it is answered with.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let request = self.signed(request).await?;
        let mut answer = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                let limit = LARGEST_ANSWER >> 20;
                return Err(Trouble::Rejected(format!("the answer is larger than {limit} MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    /// What an answer means that is no success.
    pub(super) fn refusal(&self, status: StatusCode, body: &[u8]) -> Trouble {
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        let reason = answer.and_then(|answer| answer.error.or(answer.message));
        let reason = reason.unwrap_or_else(|| format!("HTTP {status}"));
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return self.denial(status, &reason);
        }
        match status {
            // Of a gateway before an InfluxDB that is away.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                self.unfit(&format!("cannot serve now ({reason})"))
            }
            status if status.is_redirection() => self.unfit(&format!("is no InfluxDB (HTTP {status})")),
            _ => Trouble::Rejected(reason),
        }
    }

    fn denial(&self, status: StatusCode, reason: &str) -> Trouble {
        let met = self.met.get();
        // Another InfluxDB may have taken its place, with other credentials.
        self.met.forget();
        if matches!(met, Some(Version::Two(_))) {
            return self.denied_token(&format!(
                "refuses it ({reason}): it must have all rights in its organization (an all-access token)"
            ));
        }
        match status {
            StatusCode::UNAUTHORIZED => self.denied(&format!("refuses its name or password ({reason})")),
            _ if reason.contains("create admin user") => {
                self.denied("has no administrator yet: create this one first, WITH ALL PRIVILEGES")
            }
            _ => self.denied("does not let it do this: it must be an administrator"),
        }
    }

    fn denied(&self, what: &str) -> Trouble {
        Trouble::Denied(format!("InfluxDB user {:?}: the server at {} {what}", self.user, self.address))
    }

    /// What is wrong with the token, or with where it belongs to.
    pub(super) fn denied_token(&self, what: &str) -> Trouble {
        Trouble::Denied(format!("InfluxDB token: the server at {} {what}", self.address))
    }

    fn unequipped(&self, what: &str) -> Trouble {
        Trouble::Denied(format!("the server at {} is InfluxDB {what}", self.address))
    }

    pub(super) fn unfit(&self, what: &str) -> Trouble {
        Trouble::Unreachable(format!("the server at {} {what}", self.address))
    }

    fn unreachable(&self, error: reqwest::Error) -> Trouble {
        let what = if error.is_timeout() {
            "does not answer in time".to_owned()
        } else {
            format!("cannot be reached ({})", innermost(&error))
        };
        Trouble::Unreachable(format!("InfluxDB at {} {what}", self.address))
    }
}

/// The innermost source tells what happened; those around it only where in the client.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// InfluxDB quotes a point that it cannot parse, and a config point holds the device's password.
fn without_quotation(reason: &str) -> String {
    match (reason.find('\''), reason.rfind('\'')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}'…'{}", &reason[..first], &reason[last + 1..])
        }
        _ => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_quoted_in_an_error_is_cut_out() {
        let reason = "unable to parse 'config,data=%h:1%S3'C'RET%,id=k v=0 xx': bad timestamp";
        assert_eq!(without_quotation(reason), "unable to parse '…': bad timestamp");
        assert_eq!(without_quotation("timeout"), "timeout");
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
