//! Brings events to one destination, one after the other.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Url, redirect};
use tokio::sync::watch;

use super::Shared;
use super::event::Event;
use super::key::Key;
use super::queue::{Next, Trouble};
use crate::sync::link::innermost;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest sleep: the clock of the system may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Sends what waits for the destination with that number, until it is stopped. What is on its way then waits for the next start,
/// and may come twice.
pub async fn run(shared: Arc<Shared>, place: usize, client: Client, mut stopping: watch::Receiver<bool>) {
    let work = async {
        loop {
            let now = (shared.clock)();
            let next = shared.book().queue(place).next(now);
            match next {
                Next::Nothing => shared.wake[place].notified().await,
                Next::At(time) => {
                    let sleep = (time - now).to_std().unwrap_or_default().min(LONGEST_SLEEP);
                    // Those that wait are not all that may come.
                    let _ = tokio::time::timeout(sleep, shared.wake[place].notified()).await;
                }
                Next::Send(event) => {
                    let result = client.send(&event, (shared.clock)()).await;
                    shared.ended(place, &event, result);
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        // An error means that every handle is gone.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

/// A way to one destination.
pub struct Client {
    http: Result<reqwest::Client, String>,
    url: Url,
    key: Key,
    limit: Duration,
}

impl Client {
    /// Makes no connection yet. No request takes longer than `limit`.
    pub fn new(url: Url, key: Key, limit: Duration) -> Self {
        let mut http = reqwest::Client::builder();
        if url.scheme() == "http" {
            // Plain HTTP needs no certificates; without this, a machine that has none could not even begin.
            http = http.tls_certs_only([]);
        }
        let http = http
            // Only ever to the address that is configured.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(limit)
            .user_agent(concat!("karana/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("HTTP client: {}", innermost(&error)));
        Self { http, url, key, limit }
    }

    /// Sends an event, and answers with the status when that says that it was taken.
    async fn send(&self, event: &Event, now: DateTime<Utc>) -> Result<u16, Trouble> {
        let http = self.http.as_ref().map_err(|reason| Trouble { status: None, reason: reason.clone() })?;
        let body = event.body();
        let timestamp = now.timestamp();
        let request = http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.key.sign(&event.id, timestamp, &body))
            .body(body);
        // The body of the answer is nobody's concern, and not read.
        let answer = request.send().await.map_err(|error| self.no_answer(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(status.as_u16());
        }
        let more = if status.is_redirection() { "; redirects are not followed" } else { "" };
        Err(Trouble { status: Some(status.as_u16()), reason: format!("HTTP {status}{more}") })
    }

    /// Without the address, which may hold a secret.
    fn no_answer(&self, error: &reqwest::Error) -> Trouble {
        let reason = if error.is_timeout() {
            format!("no answer in {} seconds", self.limit.as_secs())
        } else {
            format!("cannot be reached ({})", innermost(error))
        };
        Trouble { status: None, reason }
    }
}
