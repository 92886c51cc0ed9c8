//! The server as a service of systemd: its socket comes from outside and stays, and it tells how it stands.

mod restart;
mod told;

use crate::support::{Ended, Home, PATIENCE};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

/// Starts a server with such a socket, which it must refuse.
#[track_caller]
fn refusal(home: &Home, socket: impl Into<OwnedFd>, copies: usize) -> String {
    match home.start_with_socket(socket, copies).ready(home, PATIENCE) {
        Ok(server) => panic!("it serves {}", server.address),
        Err(Ended { code, stderr, .. }) => {
            assert_eq!(code, Some(1));
            stderr
        }
    }
}

#[test]
fn what_cannot_be_served_is_refused_by_name() {
    let home = Home::new("");
    let local = || TcpListener::bind("127.0.0.1:0").unwrap();
    let two = refusal(&home, local(), 2);
    assert!(two.contains("what systemd passed cannot be served: 2 sockets; one ListenStream="), "{two}");
    let unix = refusal(&home, UnixListener::bind(home.path("socket")).unwrap(), 1);
    assert!(unix.contains("it must be a TCP socket: ListenStream= with an address and a port"), "{unix}");
    let udp = refusal(&home, UdpSocket::bind("127.0.0.1:0").unwrap(), 1);
    assert!(udp.contains("it must be a TCP socket"), "{udp}");
    let listener = local();
    let connected = refusal(&home, std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap(), 1);
    assert!(
        connected.contains("it does not listen; it must be a TCP socket") && connected.contains("Accept=no")
    );
    let open = refusal(&home, TcpListener::bind("0.0.0.0:0").unwrap(), 1);
    assert!(open.contains("must be a loopback address in test mode"), "{open}");
    assert!(!home.storage().exists(), "something was done first");
}

#[test]
fn the_socket_that_was_passed_is_served_instead_of_the_configured_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // A port of its own cannot be had: it is in use.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new("").env("KARANA_API_LISTEN", &taken.local_addr().unwrap().to_string());
    let running = home.start_with_socket(listener, 1);
    let server = running.ready(&home, PATIENCE).unwrap_or_else(|ended| panic!("{}", ended.stderr));
    assert_eq!(server.address, address);
    let log = server.log();
    assert!(log.contains("serving the socket that systemd passed; [api] listen has no effect"), "{log}");
    assert_eq!(server.stop().code, Some(0));
}
