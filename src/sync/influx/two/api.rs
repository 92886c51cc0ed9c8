//! The API of InfluxDB 2.x, as far as it is needed here.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sync::influx::client::Client;
use crate::sync::link::{CHANGE, READ, Trouble};
use crate::sync::stats::Kind;

/// What became of a call that was let in.
pub enum Answer<T> {
    /// It was done.
    Done(T),
    /// What it is about is not there (404).
    Missing(String),
    /// The name is taken, or the body is not fit (422): the API tells them apart by their text alone.
    Unfit(String),
}

impl<T> Answer<T> {
    /// The result, where all else is a refusal.
    pub fn done(self) -> Result<T, Trouble> {
        match self {
            Self::Done(result) => Ok(result),
            Self::Missing(reason) | Self::Unfit(reason) => Err(Trouble::Rejected(reason)),
        }
    }
}

/// One call.
pub struct Call<'a> {
    /// `GET` reads, all else changes.
    pub method: Method,
    /// Begins with a `/`.
    pub path: String,
    /// Parameters.
    pub query: &'a [(&'a str, &'a str)],
    /// Sent as JSON, unless null. May hold a password; errors of the server never quote it.
    pub body: Value,
}

impl Call<'_> {
    /// Reads.
    pub fn get<'a>(path: &str, query: &'a [(&'a str, &'a str)]) -> Call<'a> {
        Call { method: Method::GET, path: path.into(), query, body: Value::Null }
    }

    /// Changes.
    pub fn change(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), query: &[], body }
    }
}

/// An answer whose body does not matter; there may be none.
#[derive(Deserialize)]
pub struct Nothing {}

impl Client {
    /// Makes a call and reads what it answers.
    ///
    /// # Errors
    /// As of [`Client::query`].
    pub async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<Answer<T>, Trouble> {
        let kind = if call.method == Method::GET { Kind::Query } else { Kind::Change };
        self.link.counted(kind, self.called(call)).await
    }

    async fn called<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<Answer<T>, Trouble> {
        let limit = if call.method == Method::GET { READ } else { CHANGE };
        let mut request = self.link.request(call.method, &call.path).query(call.query).timeout(limit);
        if !call.body.is_null() {
            request = request.json(&call.body);
        }
        let (status, body) = self.answer(request).await?;
        if status.is_success() {
            let body = if body.is_empty() { b"{}".as_slice() } else { &body };
            return serde_json::from_slice(body).map(Answer::Done).map_err(|error| {
                self.link.unfit(&format!("answers with what is no JSON of InfluxDB 2 ({error})"))
            });
        }
        match (status, self.refusal(status, &body)) {
            (StatusCode::NOT_FOUND, Trouble::Rejected(reason)) => Ok(Answer::Missing(reason)),
            (StatusCode::UNPROCESSABLE_ENTITY, Trouble::Rejected(reason)) => Ok(Answer::Unfit(reason)),
            (_, trouble) => Err(trouble),
        }
    }
}
