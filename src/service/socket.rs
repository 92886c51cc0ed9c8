//! The socket that is served: one that systemd has opened and keeps (`karana.socket`), or one of our own.

use crate::config::{Api, Mode};
use crate::http::Door;
use anyhow::{Context, Result, bail};
use listenfd::ListenFd;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Sockets that were handed in (sd_listen_fds(3)).
pub struct Handed(ListenFd);

impl Handed {
    /// Takes them out of the environment, so that no program that we start takes them for its own.
    pub fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// The one that is served, if there is any.
    fn socket(mut self) -> Result<Option<std::net::TcpListener>> {
        let wrong = "what systemd passed cannot be served";
        match self.0.len() {
            0 => return Ok(None),
            1 => {}
            n => bail!("{wrong}: {n} sockets; one ListenStream= is all that karana.socket may have"),
        }
        let wanted = "it must be a TCP socket: ListenStream= with an address and a port, and Accept=no";
        let socket = self.0.take_tcp_listener(0).with_context(|| format!("{wrong}: {wanted}"))?;
        let socket = socket.with_context(|| format!("{wrong}: {wanted}"))?;
        if !rustix::net::sockopt::socket_acceptconn(&socket).unwrap_or(false) {
            bail!("{wrong}: it does not listen; {wanted}");
        }
        socket.set_nonblocking(true).context(wrong)?;
        Ok(Some(socket))
    }
}

/// Opens the way in: the handed socket, or else one at the configured address. Answers with its true address, too.
pub(super) async fn open(api: &Api, handed: Handed) -> Result<(Door, SocketAddr)> {
    let configured = api.listen;
    if let Some(socket) = handed.socket()? {
        let address = socket.local_addr()?;
        if api.mode == Mode::Test && !address.ip().to_canonical().is_loopback() {
            bail!(
                "systemd passed a socket at {address}: must be a loopback address in test mode ([api] mode), which has a known password"
            );
        }
        tracing::info!(%address, "serving the socket that systemd passed; [api] listen has no effect");
        return Ok((Door::Kept(TcpListener::from_std(socket)?), address));
    }
    let listener = TcpListener::bind(configured)
        .await
        .with_context(|| format!("listening on {configured} ([api] listen)"))?;
    let address = listener.local_addr()?;
    Ok((Door::Ours(listener), address))
}
