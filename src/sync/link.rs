//! The HTTP connections to a back end, and what can go wrong with a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode, redirect};

use super::stats::{Counts, Kind};

/// How long to wait for a connection, for an answer to a ping, for a change, and for an answer to a look.
const CONNECT: Duration = Duration::from_secs(3);
pub const PING: Duration = Duration::from_secs(5);
pub const CHANGE: Duration = Duration::from_secs(15);
pub const READ: Duration = Duration::from_secs(30);

/// An answer beyond this many bytes is refused, so that no server can fill our memory.
const LARGEST_ANSWER: usize = 64 << 20;

/// Why a request did not do what it should. The texts hold no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no back end that answers: the next request will fare no better.
    #[error("{0}")]
    Unreachable(String),
    /// The back end does not let our administrator in: the next request will fare no better.
    #[error("{0}")]
    Denied(String),
    /// The back end refuses this request; others may pass.
    #[error("{0}")]
    Rejected(String),
}

/// An answer, whatever its status.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: Vec<u8>,
}

/// A pool of connections to one server.
pub struct Link {
    http: reqwest::Client,
    /// What the server is, for people.
    what: &'static str,
    /// Scheme, host and port.
    address: String,
    counts: Arc<Counts>,
}

impl Link {
    /// Makes no connection yet. `what` is the product's name; `address` begins with `http:` or `https:`.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn new(what: &'static str, address: String, counts: Arc<Counts>) -> Result<Self, String> {
        let mut http = reqwest::Client::builder();
        if !address.starts_with("https:") {
            // Plain HTTP needs no certificates; without this, a machine that has none could not even begin.
            http = http.tls_certs_only([]);
        }
        let http = http
            // What goes there are passwords: only ever to the address that is configured.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| format!("HTTP client: {}", innermost(&error)))?;
        Ok(Self { http, what, address, counts })
    }

    /// Scheme, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A request to be sent with [`Link::send`]. `path` begins with `/`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address))
    }

    /// Sends a request, and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let mut answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                let limit = LARGEST_ANSWER >> 20;
                return Err(Trouble::Rejected(format!("the answer is larger than {limit} MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// Counts what a request comes to.
    pub async fn counted<T>(
        &self,
        kind: Kind,
        request: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let begin = Instant::now();
        let result = request.await;
        self.counts.request(kind, begin.elapsed(), &result);
        result
    }

    /// What a refusal that others would give as well comes to, if this is one: `reason` is the server's.
    pub fn useless(&self, status: StatusCode, reason: &str) -> Option<Trouble> {
        match status {
            // Of a gateway before a server that is away.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Some(self.unfit(&format!("cannot serve now ({reason})")))
            }
            status if status.is_redirection() => {
                Some(self.unfit(&format!("is no {} (HTTP {status})", self.what)))
            }
            _ => None,
        }
    }

    /// Our administrator, `user`, is not let in.
    pub fn denied(&self, user: &str, what: &str) -> Trouble {
        Trouble::Denied(format!("{} user {user:?}: the server at {} {what}", self.what, self.address))
    }

    /// What answers is not what we can work with.
    pub fn unfit(&self, what: &str) -> Trouble {
        Trouble::Unreachable(format!("the server at {} {what}", self.address))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let what = if error.is_timeout() {
            "does not answer in time".to_owned()
        } else {
            format!("cannot be reached ({})", innermost(error))
        };
        Trouble::Unreachable(format!("{} at {} {what}", self.what, self.address))
    }
}

/// The innermost source tells what happened; those around it only where in the client.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
