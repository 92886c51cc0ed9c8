//! A disk that fails at one call of the system: each that a write makes once the server is ready, in turn.
//!
//! `strace` lets a call fail without making it. It is attached to one thread of the running server: calls are counted for
//! each thread, and those of the threads that write are to the storage alone, not to sockets or to the log of what happened.

use crate::support::oracle::{Oracle, Outside, karanas};
use crate::support::{Home, Server, Session, long_form};
use futures::FutureExt;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to end when its disk has failed.
const ENDS_WITHIN: Duration = Duration::from_secs(15);

/// Beyond the second after which the repository is synced.
const SETTLES_WITHIN: Duration = Duration::from_millis(2500);

/// How long the server may take to notice what a thread behind it was told.
const NOTICES_WITHIN: Duration = Duration::from_secs(5);

/// More calls than a run makes; a search that gets so far has no end.
const MOST_CALLS: usize = 400;

/// Where the disk fails, and how.
#[derive(Clone, Copy)]
struct Point {
    /// The one that writes the log and answers, or the one that writes the repository behind it.
    thread: &'static str,
    call: &'static str,
    error: &'static str,
    /// Which of these calls.
    number: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, call, error, number } = self;
        write!(f, "{error} at {call} number {number} of the thread `{thread}`")
    }
}

const fn at(thread: &'static str, call: &'static str, error: &'static str, number: usize) -> Point {
    Point { thread, call, error, number }
}

/// Spread over what a write does: the log, a pack, its index, the branch, the syncs, the checkpoint.
const SAMPLE: [Point; 11] = [
    at("store", "pwrite64", "EIO", 2),
    at("store", "fdatasync", "EIO", 3),
    at("flush", "openat", "EIO", 1),
    at("flush", "write", "EIO", 1),
    at("flush", "rename", "EIO", 3),
    at("flush", "fsync", "EIO", 1),
    at("flush", "fsync", "EIO", 4),
    at("flush", "fsync", "EIO", 7),
    at("flush", "write", "ENOSPC", 2),
    at("flush", "rename", "ENOSPC", 3),
    at("flush", "openat", "ENOSPC", 1),
];

/// All calls that change the disk. A full disk is no matter of the log, whose space is taken beforehand, nor of a sync,
/// behind which nobody knows what is lost: there it is an error like any other.
const ALL: [(&str, &str, &str); 14] = [
    ("store", "pwrite64", "EIO"),
    ("store", "fdatasync", "EIO"),
    ("store", "fsync", "EIO"),
    ("store", "rename", "EIO"),
    ("flush", "openat", "EIO"),
    ("flush", "write", "EIO"),
    ("flush", "pwrite64", "EIO"),
    ("flush", "fsync", "EIO"),
    ("flush", "fdatasync", "EIO"),
    ("flush", "rename", "EIO"),
    ("flush", "link", "EIO"),
    ("flush", "write", "ENOSPC"),
    ("flush", "rename", "ENOSPC"),
    ("flush", "openat", "ENOSPC"),
];

/// `strace` at work on one thread; it lets go when dropped.
struct Tracer {
    process: Child,
    calls: PathBuf,
    _messages: BufReader<ChildStderr>,
}

impl Tracer {
    /// None where it cannot attach.
    fn attach(server: &Server, point: Point) -> Option<Self> {
        let calls = server.home().path("calls");
        let Point { call, error, number, .. } = point;
        let mut process = Command::new("strace")
            .args(["-e", &format!("trace={call}"), "-e", "signal=none"])
            .args(["-e", &format!("inject={call}:error={error}:when={number}")])
            .arg("-o")
            .arg(&calls)
            .args(["-p", &thread(server.pid(), point.thread)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut messages = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        messages.read_line(&mut line).unwrap();
        let tracer = Self { process, calls, _messages: messages };
        line.trim_end().ends_with(" attached").then_some(tracer)
    }

    /// The call that was made to fail, once it has been.
    fn injected(&self) -> Option<String> {
        let calls = fs::read_to_string(&self.calls).unwrap_or_default();
        calls.lines().find(|line| line.ends_with("(INJECTED)")).map(str::to_owned)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The number of a thread, by its name.
fn thread(pid: u32, name: &str) -> String {
    let tasks = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).unwrap();
    let mut tasks = tasks.map(|task| task.unwrap().path());
    let named =
        |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let task = tasks.find(named).unwrap_or_else(|| panic!("the server has no thread `{name}`"));
    task.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What became of a point.
#[derive(PartialEq)]
enum Tried {
    /// The call failed, and all went as it should.
    Failed,
    /// There is no such call.
    NoSuchCall,
    CannotAttach,
}

async fn try_point(point: Point) -> Tried {
    let home = Home::new("");
    let server = home.serve();
    let session = server.admin().await;
    let Some(tracer) = Tracer::attach(&server, point) else { return Tried::CannotAttach };
    let mut told = Outside::default();
    for n in 0..3 {
        told.create(&session, &format!("one after the other {n}")).await;
    }
    let together = |n: usize| {
        let session = session.clone();
        tokio::spawn(async move {
            let mut told = Outside::default();
            told.create(&session, &format!("together {n}")).await;
            told
        })
    };
    for writer in (0..8).map(together).collect::<Vec<_>>() {
        told.add(writer.await.unwrap());
    }
    let begin = Instant::now();
    let injected = loop {
        match tracer.injected() {
            None if begin.elapsed() < SETTLES_WITHIN => tokio::time::sleep(Duration::from_millis(10)).await,
            injected => break injected,
        }
    };
    let Some(call) = injected else { return Tried::NoSuchCall };
    if point.call == "openat" && !call.contains("O_CREAT") {
        // Something could not be read. The server may have another way, or end.
        told.create(&session, "after something was not read").await;
        drop(tracer);
        server.kill();
    } else if point.error == "ENOSPC" {
        until_there_is_room(&session, &mut told).await;
        drop(tracer);
        let ended = server.stop();
        assert_eq!(ended.code, Some(0), "{call}: {}", ended.stderr);
    } else {
        ends_by_itself(server, &session, &mut told, &call, point.number.is_multiple_of(2)).await;
        drop(tracer);
    }

    let server = home.serve();
    Oracle::default().compare(told, karanas(&server).await).unwrap_or_else(|wrong| panic!("{call}: {wrong}"));
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    home.git(&["fsck", "--full", "--strict"]);
    Tried::Failed
}

/// Only one call failed, so there is room at once; the server may look again a moment later.
async fn until_there_is_room(session: &Session, told: &mut Outside) {
    let begin = Instant::now();
    for n in 0.. {
        match told.create(session, &format!("when there is room {n}")).await {
            (Some(200), _) => return,
            (Some(507), _) if begin.elapsed() < NOTICES_WITHIN => {
                tokio::time::sleep(Duration::from_millis(20)).await
            }
            (status, _) => panic!("{status:?} after {:?}, when there was room again", begin.elapsed()),
        }
    }
}

/// Nobody needs to tell a server that its disk has failed: it takes no more, answers readers while it lasts, and ends. With
/// `writers` it is also asked to write, which must not make it think otherwise.
async fn ends_by_itself(server: Server, session: &Session, told: &mut Outside, call: &str, writers: bool) {
    let begin = Instant::now();
    let mut refused = false;
    for n in 0.. {
        let read = session.request("GET", "/v1/karanas").send().await;
        // It may have ended meanwhile, or just be about to.
        let Ok(read) = read else { break };
        assert_eq!(read.status(), 200, "{call}: a reader was refused");
        if writers {
            let (status, _) = told.create(session, &format!("after the error {n}")).await;
            refused |= status != Some(200);
            assert!(!refused || status != Some(200), "{call}: a write was taken after one had been refused");
            assert!(refused || begin.elapsed() < NOTICES_WITHIN, "{call}: writes go on");
        }
        if begin.elapsed() > ENDS_WITHIN {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = server.wait_for(ENDS_WITHIN.saturating_sub(begin.elapsed()));
    assert_eq!(ended.code, Some(1), "{call}: {}", ended.stderr);
}

/// The points to try: a sample, or one call after the other until there is no such call.
async fn try_points(points: impl Iterator<Item = Point>, failures: &mut Vec<String>) -> Option<usize> {
    let mut tried = 0;
    for point in points {
        eprintln!("{point}");
        match AssertUnwindSafe(try_point(point)).catch_unwind().await {
            Ok(Tried::Failed) => tried += 1,
            Ok(Tried::NoSuchCall) => break,
            Ok(Tried::CannotAttach) => {
                eprintln!("skipped: strace cannot attach to a process here");
                return None;
            }
            Err(_) => failures.push(point.to_string()),
        }
    }
    Some(tried)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_the_disk_fails_nothing_answered_is_lost() {
    let mut failures = Vec::new();
    let mut tried = 0;
    let sample = SAMPLE.map(|point| vec![point]);
    let numbers = |&(thread, call, error): &_| (1..MOST_CALLS).map(|n| at(thread, call, error, n)).collect();
    let long: Vec<Vec<Point>> = ALL.iter().map(numbers).collect();
    for points in if long_form() { long } else { sample.to_vec() } {
        let Some(more) = try_points(points.into_iter(), &mut failures).await else { return };
        tried += more;
    }
    assert!(failures.is_empty(), "{} points went wrong:\n  {}", failures.len(), failures.join("\n  "));
    assert!(tried >= SAMPLE.len() - 2, "only {tried} calls were there to fail");
}
