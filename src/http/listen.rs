//! Connections: accepted, bounded in number and time, and finished before the server stops.

use super::App;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_util::io::InspectReader;
use tower::ServiceExt;
use tower_http::normalize_path::NormalizePath;

/// How long a connection must have been quiet to be hung up on when the server stops: a client that is about to ask again has
/// done so by then, also over a modem.
const QUIET: Duration = Duration::from_millis(500);

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

/// Where connections come from.
pub enum Door {
    /// A socket of our own. It goes with us, and with it whoever still waits there: they are let in first.
    Ours(TcpListener),
    /// One that somebody else keeps: who waits there when we stop is served by the process that comes next.
    Kept(TcpListener),
}

impl Door {
    fn listener(&self) -> &TcpListener {
        match self {
            Self::Ours(listener) | Self::Kept(listener) => listener,
        }
    }
}

/// Serves until `stop` resolves, then finishes what is in flight.
pub async fn serve(door: Door, app: App, stop: impl Future<Output = ()>) {
    let room = Arc::new(Semaphore::new(app.limits.connections));
    let (tell, stopping) = watch::channel(false);
    let (router, limits) = (super::router(app.clone()), &app.limits);
    let open = |stream: TcpStream, place: OwnedSemaphorePermit| {
        let connection = connection(stream, router.clone(), limits, stopping.clone());
        let app = app.clone();
        tokio::spawn(async move {
            let _open = app.traffic().connections.enter();
            connection.await;
            drop(place);
        });
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = room.clone().acquire_owned().await;
            (place, door.listener().accept().await)
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accepted => match accepted {
                (Ok(place), Ok((stream, _))) => open(stream, place),
                // Never: nobody closes the semaphore.
                (Err(_), _) => break,
                (_, Err(reason)) => {
                    // Too many open files, most likely: do not spin while others finish.
                    tracing::warn!(%reason, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    // They would never end by themselves.
    app.events().stop();
    tell.send_replace(true);
    if let Door::Ours(listener) = &door {
        // Connected, as far as they know, and with a request under way.
        while let Ok(place) = room.clone().try_acquire_owned()
            && let Some(Ok((stream, _))) = listener.accept().now_or_never()
        {
            open(stream, place);
        }
    }
    drop(door);
    // All places are free when all connections have ended.
    let ended = room.acquire_many(limits.connections.try_into().unwrap_or(u32::MAX));
    if tokio::time::timeout(limits.shutdown_time, ended).await.is_err() {
        tracing::warn!("requests were still in flight when the time for stopping was over");
    }
}

/// Serves a connection to its end.
fn connection(
    stream: TcpStream,
    router: NormalizePath<Router>,
    limits: &Limits,
    mut stopping: watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    // Answers are written at once; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok();
    let stops = stopping.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let (answer, stops) = (router.clone().oneshot(request), stops.clone());
        async move {
            let mut answer = answer.await?;
            if *stops.borrow() {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let received = Arc::new(AtomicU64::new(0));
    let counted = received.clone();
    let stream = InspectReader::new(stream, move |bytes| {
        counted.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    // hyper minds how long a client takes to ask, not how long it takes to listen.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_time));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    async move {
        let mut connection = std::pin::pin!(connection);
        // Broken connections are the network's daily business, not ours.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        // A client that has just had an answer may have its next request on the way already. It gets an answer, and is
        // told that this was the last one; who is quiet is hung up on.
        let mut before = received.load(Ordering::Relaxed);
        loop {
            tokio::select! {
                // First: it may be about to read what has come.
                biased;
                _ = connection.as_mut() => return,
                () = tokio::time::sleep(QUIET) => {}
            }
            match received.load(Ordering::Relaxed) {
                // Somebody who connects in advance, and has nothing to ask yet.
                0 => return,
                now if now == before => break,
                now => before = now,
            }
        }
        // Ends at once unless a request is being worked on.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
