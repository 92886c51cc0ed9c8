//! What systemd is told (sd_notify(3)): how far a start or a stop is, and that we are alive. Nothing where nobody asked.

use crate::store::Vigil;
use sd_notify::NotifyState as State;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// From one request for more time to the next, and how much is asked for.
const MORE_TIME: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));

/// How long a stop may take, which waits for nothing but the disk in the end.
const STOP: Duration = Duration::from_secs(600);

/// How long to wait before looking again at a writer that does not move.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

fn tell(states: &[State]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the server stands");
    }
}

/// Asks for more time until it is dropped. A start ends by itself, or waits for the disk, as the next one would.
pub(super) struct Starting(JoinHandle<()>);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn starting() -> Starting {
    let begin = Instant::now();
    let step = move || {
        let seconds = begin.elapsed().as_secs();
        more_time(&if seconds == 0 {
            "loading the store".into()
        } else {
            format!("loading the store, {seconds} s")
        });
    };
    step();
    Starting(tokio::spawn(async move {
        loop {
            sleep(MORE_TIME.0).await;
            step();
        }
    }))
}

fn more_time(status: &str) {
    let time = u32::try_from(MORE_TIME.1.as_micros()).unwrap_or(u32::MAX);
    tell(&[State::Status(status), State::ExtendTimeoutUsec(time)]);
}

/// The socket is served.
pub(super) fn ready(address: SocketAddr) {
    tell(&[State::Ready, State::Status(&format!("serving http://{address}"))]);
}

/// No more connections are accepted.
pub(super) fn stopping() {
    tell(&[State::Stopping]);
    let begin = Instant::now();
    more_time("finishing what is in flight");
    tokio::spawn(async move {
        while begin.elapsed() < STOP {
            sleep(MORE_TIME.0).await;
            more_time("finishing what is in flight");
        }
    });
}

/// Feeds the watchdog for ever, if systemd has set one (`WatchdogSec=`).
pub(super) async fn watch(vigil: Vigil) -> Infallible {
    match sd_notify::watchdog_enabled() {
        Some(limit) => feed(vigil, limit, || tell(&[State::Watchdog])).await,
        None => std::future::pending().await,
    }
}

/// Calls `ping` twice in each `limit` while the server is alive, which is to say:
///
/// * Its tasks run. This one is polled with the one that accepts connections, and each ping waits for a task that the
///   runtime's threads have to run.
/// * The store's writer moves. It is given something to do, and has to have done so, or anything else, by the next look.
/// * A writer that waits for the disk counts as alive, for minutes: see [`Vigil::is_alive`]. Killing it would help nobody; the
///   next process waits for the same disk, and until then this one answers what needs no disk.
///
/// So a server that hangs is killed one to one and a half `limit`s later. `limit` has to be well beyond the longest decision
/// of the writer, such as an import.
async fn feed(mut vigil: Vigil, limit: Duration, ping: impl Fn()) -> Infallible {
    loop {
        ping();
        sleep(limit / 2).await;
        while !vigil.is_alive() {
            sleep(LOOK_AGAIN.min(limit / 8)).await;
        }
        // It panics never, and is cancelled only with the runtime.
        let _ = tokio::spawn(async {}).await;
    }
}

#[cfg(test)]
mod tests;
