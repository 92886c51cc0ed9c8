//! A receiver of webhooks: it checks each signature, keeps what it is sent, and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What events are signed with, and how it is written in a configuration.
pub const KEY: &[u8; 32] = b"a key of thirty-two bytes, no se";

/// What a receiver does with an event.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Answers so.
    Answer(u16),
    /// Does not answer.
    Hang,
}

/// An event that has arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub id: String,
    pub body: Value,
    /// How it was answered; none when it was not.
    pub status: Option<u16>,
}

impl Arrival {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }
}

pub struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    manner: Mutex<Manner>,
    arrivals: Mutex<Vec<Arrival>>,
    /// Requests that are being answered, and the most there were at a time.
    at_a_time: Mutex<(usize, usize)>,
}

/// Counts a request that is being answered, until it is dropped.
struct Underway(Arc<Inner>);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.at_a_time.lock().unwrap().0 -= 1;
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Arc::new(Inner {
            manner: Mutex::new(Manner::Answer(204)),
            arrivals: Mutex::default(),
            at_a_time: Mutex::default(),
        });
        let receiver = Self { address: listener.local_addr().unwrap(), inner, serving: Mutex::default() };
        receiver.serve(listener);
        receiver
    }

    fn serve(&self, listener: TcpListener) {
        let router = axum::Router::new().fallback(receive).with_state(self.inner.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        *self.serving.lock().unwrap() = Some(serving);
    }

    /// Takes no more connections.
    pub async fn go_away(&self) {
        let serving = self.serving.lock().unwrap().take().expect("it is there");
        serving.abort();
        let _ = serving.await;
    }

    /// Takes connections again, at the same port.
    pub async fn come_back(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    /// How a configuration names it, with what is a secret in many addresses.
    pub fn url(&self) -> String {
        format!("http://{}/hook/t0ken-in-the-path", self.address)
    }

    pub fn does(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// All that has arrived, whatever it was answered.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.inner.arrivals.lock().unwrap().clone()
    }

    /// What was taken.
    pub fn taken(&self) -> Vec<Arrival> {
        self.arrivals().into_iter().filter(|one| one.status.is_some_and(|status| status / 100 == 2)).collect()
    }

    /// What the events that were taken are about.
    pub fn kinds(&self) -> Vec<String> {
        self.taken().iter().map(|one| one.kind().to_owned()).collect()
    }

    /// The most requests at a time.
    pub fn most_at_a_time(&self) -> usize {
        self.inner.at_a_time.lock().unwrap().1
    }

    pub fn secret() -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(KEY))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().unwrap().take() {
            serving.abort();
        }
    }
}

async fn receive(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let manner = *inner.manner.lock().unwrap();
    let underway = Underway(inner.clone());
    {
        let mut at_a_time = inner.at_a_time.lock().unwrap();
        at_a_time.0 += 1;
        at_a_time.1 = at_a_time.1.max(at_a_time.0);
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!((head.method.as_str(), header("content-type").as_str()), ("POST", "application/json"));
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &body].concat();
    assert_eq!(header("webhook-signature"), format!("v1,{}", signature(&signed)));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body["timestamp"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    let keep = |status| inner.arrivals.lock().unwrap().push(Arrival { id, body, status });
    match manner {
        Manner::Answer(status) => {
            keep(Some(status));
            // So that the answer does not come before the request counts as done.
            drop(underway);
            let location = [("location", "http://127.0.0.1:1/")];
            (StatusCode::from_u16(status).unwrap(), location, "no more than this").into_response()
        }
        Manner::Hang => {
            keep(None);
            tokio::time::sleep(Duration::from_secs(600)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// HMAC-SHA256, by another hand than the server's.
fn signature(message: &[u8]) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(KEY);
    let signed = jsonwebtoken::crypto::sign(message, &key, jsonwebtoken::Algorithm::HS256).unwrap();
    BASE64_STANDARD.encode(BASE64_URL_SAFE_NO_PAD.decode(signed).unwrap())
}
