//! Connections: accepted, bounded in number and time, and finished before the server stops.

use super::App;
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use tower_http::normalize_path::NormalizePath;

/// Time-outs and sizes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers; also how long a connection may be idle.
    pub header_time: Duration,
    /// For the whole of a body.
    pub body_time: Duration,
    /// How long a client may take nothing of its answer.
    pub write_time: Duration,
    /// The largest body, in bytes.
    pub body_size: usize,
    /// The largest import, in bytes.
    pub import_size: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Event streams at a time; more are refused.
    pub event_streams: usize,
    /// How long a stream is silent at most.
    pub heartbeat: Duration,
    /// How long requests in flight may go on when the server stops.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let connections = connections();
        Self {
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            body_size: 1 << 20,
            import_size: 16 << 20,
            connections,
            // They stay, and others must get in as well.
            event_streams: connections * 3 / 4,
            heartbeat: Duration::from_secs(15),
            shutdown_time: Duration::from_secs(10),
        }
    }
}

/// As many connections as the system lets us have open, with room for the store and for InfluxDB: whoever opens idle
/// ones must not leave the store without files.
fn connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const MOST: u64 = 16384;
    const FOR_OURSELVES: u64 = 256;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(MOST + FOR_OURSELVES);
    if limit.current.is_some_and(|current| current < wanted) {
        // The soft limit is for programs that use select(2); this one does not.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = files.saturating_sub(FOR_OURSELVES).min(MOST).max(files / 4).max(1);
    usize::try_from(most).unwrap_or(1)
}

/// Serves until `stop` resolves, then finishes what is in flight.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) {
    let (router, limits) = (super::router(app.clone()), &app.limits);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = room.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            biased;
            () = &mut stop => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => (place, stream),
                Err(reason) => {
                    // Too many open files, most likely: do not spin while others finish.
                    tracing::warn!(%reason, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let connection = graceful.watch(connection(stream, router.clone(), limits));
        let app = app.clone();
        tokio::spawn(async move {
            let _open = app.traffic().connections.enter();
            // Broken connections are the network's daily business, not ours.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    // They would never end by themselves.
    app.events().stop();
    if tokio::time::timeout(limits.shutdown_time, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight when the time for stopping was over");
    }
}

fn connection(
    stream: TcpStream,
    router: NormalizePath<Router>,
    limits: &Limits,
) -> impl GracefulConnection + use<> {
    // Answers are written at once; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        router.clone().oneshot(request)
    });
    // hyper minds how long a client takes to ask, not how long it takes to listen.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_time));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}
