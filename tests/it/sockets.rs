//! What no good client does on its connection. The program itself waits half a minute; here the library is served
//! with less patience.

use crate::support::{Home, Server, user};
use karana::config::Config;
use karana::http::{Door, Limits};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The patience of the server under test.
const SHORT: Duration = Duration::from_millis(400);

/// Long after that, also on a busy machine.
const LATE: Duration = Duration::from_secs(20);

/// The library, served by the test itself.
pub struct InProcess {
    _home: Home,
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<bool>,
}

impl InProcess {
    pub async fn serve(limits: Limits) -> Self {
        let home = Home::new("[auth]\nhash_rounds = 1000\n");
        let config = Config::load(Some(&home.path("config.ini")), []).unwrap();
        let server = karana::Server::start(&config, Arc::new(chrono::Utc::now), limits).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve(Door::Ours(listener), async move {
            let _ = stopped.await;
        }));
        Self { _home: home, address, stop, task }
    }

    async fn impatient() -> Self {
        Self::serve(Limits { header_time: SHORT, body_time: SHORT, write_time: SHORT, ..Limits::default() })
            .await
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Still serves, and stops in order.
    pub async fn ends_well(self) {
        let mut socket = self.connect().await;
        socket.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(rest(&mut socket).await.starts_with("HTTP/1.1 200"));
        self.stop.send(()).unwrap();
        assert!(tokio::time::timeout(LATE, self.task).await.unwrap().unwrap());
    }
}

/// All that comes until the server hangs up, which it must.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _ = tokio::time::timeout(LATE, socket.read_to_end(&mut bytes)).await.expect("the server hangs up");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer with its body, on a connection that stays open.
async fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return text;
            }
        }
        let byte = tokio::time::timeout(LATE, socket.read_u8()).await.expect("an answer").unwrap();
        bytes.push(byte);
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server = InProcess::impatient().await;
    let mut socket = server.connect().await;
    let begin = Instant::now();
    rest(&mut socket).await;
    assert!(begin.elapsed() >= SHORT / 2);
    server.ends_well().await;
}

#[tokio::test]
async fn a_connection_that_is_idle_after_an_answer_is_closed() {
    let server = InProcess::impatient().await;
    let mut socket = server.connect().await;
    for _ in 0..2 {
        socket.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(answer(&mut socket).await.starts_with("HTTP/1.1 200"));
    }
    rest(&mut socket).await;
    server.ends_well().await;
}

#[tokio::test]
async fn headers_that_trickle_are_cut_off() {
    let server = InProcess::impatient().await;
    let mut socket = server.connect().await;
    let begin = Instant::now();
    for byte in b"GET /v1/users HTTP/1.1\r\nhost: x\r\nx-slow: ".iter().chain([&b'a'; 10_000]) {
        if socket.write_all(&[*byte]).await.is_err() || begin.elapsed() > LATE {
            break;
        }
        tokio::time::sleep(SHORT / 20).await;
    }
    assert!(begin.elapsed() < LATE, "each byte bought more time");
    server.ends_well().await;
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let server = InProcess::impatient().await;
    for framing in ["content-length: 100000", "transfer-encoding: chunked"] {
        let mut socket = server.connect().await;
        let head = format!(
            "POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = socket.into_split();
        let trickle = tokio::spawn(async move {
            let byte = if framing.contains("chunked") { &b"1\r\nx\r\n"[..] } else { b"x" };
            while writing.write_all(byte).await.is_ok() {
                tokio::time::sleep(SHORT / 20).await;
            }
        });
        let begin = Instant::now();
        let mut text = Vec::new();
        let _ =
            tokio::time::timeout(LATE, reading.read_to_end(&mut text)).await.expect("the server hangs up");
        let text = String::from_utf8_lossy(&text).to_lowercase();
        assert!(text.starts_with("http/1.1 408") && text.contains("connection: close"), "{framing}: {text}");
        assert!(text.contains("create resource error"), "{text}");
        assert!(begin.elapsed() >= SHORT / 2);
        trickle.abort();
    }
    server.ends_well().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_does_no_harm() {
    let server = InProcess::serve(Limits::default()).await;
    for part in [
        "",
        "GE",
        "GET / HTTP/1.1\r\nhost",
        "POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{\"u",
    ] {
        let mut socket = server.connect().await;
        socket.write_all(part.as_bytes()).await.unwrap();
    }
    server.ends_well().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let server = InProcess::serve(Limits { connections: 2, ..Limits::default() }).await;
    let (one, two) = (server.connect().await, server.connect().await);
    let mut three = server.connect().await;
    three.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0];
    assert!(tokio::time::timeout(SHORT, three.read(&mut byte)).await.is_err(), "a third one was let in");
    drop((one, two));
    assert!(rest(&mut three).await.starts_with("HTTP/1.1 200"));
    server.ends_well().await;
}

/// When the time for stopping is over, what still runs is left alone.
#[tokio::test]
async fn a_client_without_end_does_not_hold_up_the_end() {
    let limits = Limits { shutdown_time: SHORT, ..Limits::default() };
    let server = InProcess::serve(limits).await;
    let mut socket = server.connect().await;
    let head = "POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(SHORT / 4).await;
    server.stop.send(()).unwrap();
    assert!(tokio::time::timeout(LATE, server.task).await.expect("it ends").unwrap());
}

async fn exchange(server: &Server, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.socket()).await.unwrap();
    let _ = socket.write_all(request).await;
    rest(&mut socket).await
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let server = Server::start();
    let many: String = (0..500).map(|i| format!("x-{i}: y\r\n")).collect();
    for headers in [format!("x: {}\r\n", "y".repeat(1 << 20)), many] {
        let request = format!("GET /v1/users HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let text = exchange(&server, request.as_bytes()).await;
        // The end of the connection may reach us before the answer does.
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 431"), "{text}");
    }
    let path = format!("GET /v1/{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    let text = exchange(&server, path.as_bytes()).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    server.admin().await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = Server::start();
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/users HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \0\r\n\r\n",
        b"GET /v1/\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /v1/users/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /v1/users/login HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(server.socket()).await.unwrap();
        let _ = socket.write_all(request).await;
        let _ = socket.shutdown().await;
        let text = rest(&mut socket).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    server.admin().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    let data = json!({"data": user("pipelined")}).to_string();
    let head = format!("host: x\r\nauthorization: Bearer {token}\r\n");
    let requests = format!(
        "POST /v1/users/new HTTP/1.1\r\n{head}content-length: {}\r\n\r\n{data}\
         GET /v1/users/no-uuid HTTP/1.1\r\n{head}\r\n\
         GET /v1/nothing HTTP/1.1\r\n{head}connection: close\r\n\r\n",
        data.len()
    );
    let text = exchange(&server, requests.as_bytes()).await;
    let statuses: Vec<_> = text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "400", "404"], "{text}");
}

/// What is left of a refused body must not pass for the next request.
#[tokio::test]
async fn a_chunked_body_of_two_mebibytes_is_413_and_ends_the_connection() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    for framing in ["transfer-encoding: chunked", "content-length: 2097152"] {
        let socket = TcpStream::connect(server.socket()).await.unwrap();
        let (mut reading, mut writing) = socket.into_split();
        let head = format!(
            "POST /v1/users/new HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{framing}\r\n\r\n"
        );
        let sent = tokio::spawn(async move {
            writing.write_all(head.as_bytes()).await?;
            for _ in 0..32 {
                if framing.contains("chunked") {
                    writing.write_all(b"10000\r\n").await?;
                    writing.write_all(&[b' '; 65536]).await?;
                    writing.write_all(b"\r\n").await?;
                } else {
                    writing.write_all(&[b' '; 65536]).await?;
                }
            }
            writing.write_all(b"0\r\n\r\n").await
        });
        // As much as there is room for: the reset may overtake the rest of the answer, but not its beginning.
        let mut bytes = vec![0; 4096];
        let length =
            tokio::time::timeout(LATE, reading.read(&mut bytes)).await.expect("an answer").unwrap_or(0);
        let text = String::from_utf8_lossy(&bytes[..length]).to_lowercase();
        assert!(text.starts_with("http/1.1 413") && text.contains("connection: close"), "{framing}: {text}");
        assert!(text.contains("create resource error"), "{text}");
        let _ = sent.await;
    }
    server.admin().await.get("/v1/users").await.results();
}

/// Whoever asks and does not listen is cut off: the answers would pile up.
#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let server = InProcess::impatient().await;
    let session = crate::support::Session::new(&format!("http://{}", server.address));
    let admin = session.login("admin@example.com", "admin").await;
    let note = "x".repeat(4096);
    for n in 0..16 {
        let name = format!("K{n}");
        admin.create("karanas", &json!({"name": name, "owner": null, "note": note, "config": {}})).await;
    }
    let token = session.try_login("admin@example.com", "admin").await.results()["token"].clone();
    let mut socket = server.connect().await;
    let ask = format!(
        "GET /v1/karanas HTTP/1.1\r\nhost: x\r\nauthorization: bearer {}\r\n\r\n",
        token.as_str().unwrap()
    );
    // So many answers that no buffer on the way takes them all; and we read only when the server's patience is over.
    const ANSWERS: usize = 1000;
    let mut read = 0;
    let talk = async {
        for _ in 0..ANSWERS {
            socket.write_all(ask.as_bytes()).await?;
        }
        // It takes a busy machine a while to fill the buffers, and only then patience counts.
        tokio::time::sleep(SHORT * 12).await;
        let mut bytes = vec![0; 1 << 20];
        loop {
            match socket.read(&mut bytes).await? {
                0 => return Ok::<_, std::io::Error>(()),
                length => read += length,
            }
        }
    };
    // How it ends, with an end or a reset, is the system's choice.
    let _ = tokio::time::timeout(LATE, talk).await.expect("the server hangs up");
    assert!(read < ANSWERS * note.len() * 16 / 2, "the server went on answering: {read} bytes");
    server.ends_well().await;
}
