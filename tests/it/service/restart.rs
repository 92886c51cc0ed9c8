//! A stop finishes what has come in; with a socket that is kept, a restart refuses nobody.

use crate::support::{Home, PATIENCE, Server, Session, times};
use serde_json::json;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const GET: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

/// A stop that waits for nobody takes less, one that waits for a connection to end by itself much more.
const SOON: Duration = Duration::from_secs(5);

fn with_socket(home: &Home, socket: &TcpListener) -> Server {
    let running = home.start_with_socket(socket.try_clone().unwrap(), 1);
    running.ready(home, PATIENCE).unwrap_or_else(|ended| panic!("{}", ended.stderr))
}

/// All that comes until the server hangs up. A reset is an error.
fn rest(mut socket: TcpStream) -> String {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("an end in order");
    text
}

fn asked(server: &Server, request: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(server.socket()).unwrap();
    socket.write_all(request).unwrap();
    socket
}

#[test]
fn who_has_connected_before_the_stop_is_answered() {
    let server = Server::start();
    // It stands still, so that they wait to be accepted, each with a request.
    server.freeze();
    let waiting: Vec<_> = (0..20).map(|_| asked(&server, GET)).collect();
    server.terminate();
    server.thaw();
    for socket in waiting {
        let answer = rest(socket);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer:?}");
    }
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn with_a_socket_that_is_kept_they_are_answered_by_the_next_process() {
    let (home, socket) = (Home::new(""), TcpListener::bind("127.0.0.1:0").unwrap());
    let server = with_socket(&home, &socket);
    server.freeze();
    let waiting: Vec<_> = (0..20).map(|_| asked(&server, GET)).collect();
    server.terminate();
    server.thaw();
    assert_eq!(server.wait().code, Some(0));
    let next = with_socket(&home, &socket);
    let late = asked(&next, GET);
    // Whoever is not accepted by then waits for the one after it: those who came before this one have been.
    assert!(late.peek(&mut [0; 64]).unwrap() > 0);
    next.terminate();
    for socket in waiting.into_iter().chain([late]) {
        assert!(rest(socket).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(next.wait().code, Some(0));
}

/// A client that keeps its connection and asks again while the server stops is told that this was the last answer.
#[test]
fn a_client_that_asks_on_is_answered_and_one_that_is_silent_holds_nothing_up() {
    let server = Server::start();
    let (mut asking, silent) = (asked(&server, GET), asked(&server, GET));
    let unused = TcpStream::connect(server.socket()).unwrap();
    let mut head = [0; 64];
    assert!(asking.read(&mut head).unwrap() > 0 && silent.peek(&mut head).unwrap() > 0);
    let begin = Instant::now();
    server.terminate();
    std::thread::sleep(Duration::from_millis(100));
    asking.write_all(GET).unwrap();
    let last = rest(asking);
    assert!(last.contains("HTTP/1.1 200") && last.contains("connection: close"), "{last:?}");
    assert!(rest(silent).starts_with("HTTP/1.1 200"));
    assert_eq!(rest(unused), "");
    assert_eq!(server.wait().code, Some(0));
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn an_open_event_stream_does_not_hold_the_stop_up() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    let request = format!("GET /v2/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let stream = asked(&server, request.as_bytes());
    assert!(stream.peek(&mut [0; 64]).unwrap() > 0);
    let begin = Instant::now();
    assert_eq!(server.stop().code, Some(0));
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    assert!(rest(stream).ends_with("0\r\n\r\n"), "the stream was cut off");
}

/// Somebody who asks without a pause, half of it changes; each answer must be a good one.
async fn ask(
    session: Session,
    name: usize,
    kept: bool,
    done: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
) -> (HashSet<String>, Vec<String>) {
    let (mut made, mut failures) = (HashSet::new(), Vec::new());
    for n in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let request = match n % 2 {
            0 => session.request("GET", "/v2/about"),
            _ => {
                let karana = json!({"name": format!("K{name}-{n}"), "owner": null, "config": {}});
                session.request("POST", "/v2/karanas").json(&karana)
            }
        };
        let request = if kept { request } else { request.header("connection", "close") };
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                answers.fetch_add(1, Ordering::Relaxed);
                if n % 2 == 1 {
                    let body: serde_json::Value = answer.json().await.expect("a whole answer");
                    made.insert(body["uuid"].as_str().expect("a uuid").to_owned());
                }
            }
            Ok(answer) => failures.push(answer.status().to_string()),
            Err(error) => failures.push(format!("{error:?}")),
        }
    }
    (made, failures)
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_under_load_refuse_and_lose_nothing() {
    let (home, socket) = (Home::new(""), TcpListener::bind("127.0.0.1:0").unwrap());
    let mut server = with_socket(&home, &socket);
    let admin = server.nobody.login("admin@example.com", "admin").await;
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking: Vec<_> = (0..8)
        .map(|name| tokio::spawn(ask(admin.clone(), name, name % 2 == 0, done.clone(), answers.clone())))
        .collect();
    for _ in 0..times(4, 40) {
        let before = answers.load(Ordering::Relaxed);
        let begin = Instant::now();
        while answers.load(Ordering::Relaxed) < before + 100 && begin.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(tokio::task::spawn_blocking(|| server.stop()).await.unwrap().code, Some(0));
        server = with_socket(&home, &socket);
    }
    done.store(true, Ordering::Relaxed);
    let mut made = HashSet::new();
    for task in asking {
        let (uuids, failures) = task.await.unwrap();
        assert!(failures.is_empty(), "{} failed: {:?}", failures.len(), failures.first());
        made.extend(uuids);
    }
    assert_eq!(tokio::task::spawn_blocking(|| server.stop()).await.unwrap().code, Some(0));
    let files = home.git(&["ls-tree", "-r", "--name-only", "main", "tables/karanas"]);
    let uuid = |file: &str| file.rsplit('/').next().unwrap().trim_end_matches(".json").to_owned();
    let there: HashSet<_> = files.lines().map(uuid).collect();
    assert!(there == made, "{} karanas for {} good answers", there.len(), made.len());
    println!("{} answers, none failed, over the restarts", answers.load(Ordering::Relaxed));
}
