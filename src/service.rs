//! The server as a process: where its socket comes from, when it is told to stop, what the service manager is told.

mod notify;
mod socket;

pub use socket::Handed;

use crate::Server;
use crate::config::Config;
use crate::http::Limits;
use crate::store::Clock;
use anyhow::{Result, bail};
use std::io;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until it is told to stop. `say_ready` is called with the address once it does.
pub async fn run(
    config: &Config,
    clock: Clock,
    handed: Handed,
    say_ready: impl FnOnce(SocketAddr) -> Result<()>,
) -> Result<()> {
    if config.file.is_none() {
        tracing::info!(mode = ?config.api.mode, "no config.ini: the defaults, but for what the environment sets");
    }
    // First the port: requests wait there while the store is loaded.
    let (door, address) = socket::open(&config.api, handed).await?;
    let starting = notify::starting();
    let server = Server::start(config, clock, Limits::default()).await?;
    drop(starting);
    let (told, store) = (told_to_stop()?, server.store().clone());
    let watching = notify::watch(store.vigil());
    let stop = async {
        tokio::select! {
            () = told => tracing::info!("stopping"),
            () = store.failed() => {}
        }
        notify::stopping();
    };
    say_ready(address)?;
    tracing::info!(%address, "listening");
    notify::ready(address);
    let in_order = tokio::select! {
        in_order = server.serve(door, stop) => in_order,
        never = watching => match never {},
    };
    if in_order {
        tracing::info!("stopped");
        Ok(())
    } else {
        bail!("stopped because the store failed; the log says why")
    }
}

/// Resolves at SIGTERM or SIGINT.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
