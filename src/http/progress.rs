//! Requests that take their time, and tell meanwhile how far they are: as server-sent events, to those who accept them.

use super::reply::{self, Failure};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The least time between two events.
const BETWEEN_EVENTS: Duration = Duration::from_millis(100);

/// Whether the client wants to be told.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|media| media.trim().starts_with("text/event-stream"))
}

/// Events `progress` with what `moved` resolves to, again and again, until `work` ends; then `report` with what it
/// answers, or `error` with the problem. When nobody listens any more the work goes on all the same.
pub fn told<W, M>(work: W, request_id: Arc<str>, mut moved: impl FnMut() -> M + Send + 'static) -> Response
where
    W: Future<Output = Result<Value, Failure>> + Send + 'static,
    M: Future<Output = Value> + Send,
{
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut work = Box::pin(work);
        let mut listens = true;
        let ended = loop {
            let now = tokio::select! {
                ended = &mut work => break ended,
                now = moved(), if listens => now,
            };
            listens = sender.send(event("progress", &now)).await.is_ok();
            tokio::select! {
                ended = &mut work => break ended,
                () = tokio::time::sleep(BETWEEN_EVENTS) => {}
            }
        };
        let last = match ended {
            Ok(report) => event("report", &report),
            Err(failure) => event("error", &reply::problem_of(&failure, &request_id)),
        };
        let _ = sender.send(last).await;
    });
    let events = futures::stream::unfold(receiver, |mut receiver| async move {
        let event = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(events)).into_response()
}

fn event(name: &str, data: &Value) -> Bytes {
    // JSON in one line: a newline in a text is written `\n`.
    format!("event: {name}\ndata: {data}\n\n").into()
}
