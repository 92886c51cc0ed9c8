//! What systemd is told.

use crate::support::{Home, Mounted, PATIENCE, Server, user};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Long beside what a server needs between two steps, also on a busy machine.
const WHILE: Duration = Duration::from_secs(2);

/// A watchdog that is to be fed twice in this time.
const WATCHDOG: Duration = Duration::from_millis(1600);

/// The other end of `NOTIFY_SOCKET`.
struct Manager(UnixDatagram);

impl Manager {
    /// Answers with a home whose server tells this one.
    fn of(home: Home) -> (Self, Home) {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let watchdog = WATCHDOG.as_micros().to_string();
        let home = home.env("NOTIFY_SOCKET", path.to_str().unwrap()).env("WATCHDOG_USEC", &watchdog);
        (Self(socket), home)
    }

    /// What is said next, if anything is within this time.
    fn next(&self, patience: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(patience)).unwrap();
        let mut bytes = [0; 4096];
        self.0.recv(&mut bytes).ok().map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// All that is said until somebody says this; with it.
    fn until(&self, wanted: &str) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(message) = self.next(PATIENCE) {
            said.push(message);
            if said.last().unwrap().contains(wanted) {
                return said;
            }
        }
        panic!("nobody said {wanted:?}: {said:?}");
    }

    /// How often the watchdog is fed in this time.
    fn pings_in(&self, time: Duration) -> usize {
        let begin = Instant::now();
        let mut pings = 0;
        while let Some(left) = time.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) {
            pings += usize::from(self.next(left).is_some_and(|message| message.contains("WATCHDOG=1")));
        }
        pings
    }
}

fn started(home: &Home) -> Server {
    home.start(&[]).ready(home, PATIENCE).unwrap_or_else(|ended| panic!("{}", ended.stderr))
}

/// The store is open and the port, too, but the key to sign tokens with is a pipe that nobody has written to yet.
#[tokio::test]
async fn ready_is_said_when_the_server_serves_and_stopping_when_it_stops() {
    let (manager, home) = Manager::of(Home::new(""));
    home.write("storage/keys/x", "");
    let pipe = home.storage().join("keys/token.key");
    assert!(Command::new("mkfifo").arg("--mode=600").arg(&pipe).status().unwrap().success());
    let starting = home.start(&[]);
    let first = manager.next(PATIENCE).expect("word of the start");
    assert!(first.contains("STATUS=loading the store") && first.contains("EXTEND_TIMEOUT_USEC="), "{first}");
    assert_eq!(manager.next(WHILE), None, "said while it cannot serve");

    std::fs::write(&pipe, [7; 64]).unwrap();
    let said = manager.until("READY=1");
    assert!(said.last().unwrap().contains("STATUS=serving http://127.0.0.1:"), "{said:?}");
    let server = starting.ready(&home, PATIENCE).unwrap_or_else(|ended| panic!("{}", ended.stderr));
    assert_eq!(server.nobody.get("/health/ready").await.status, 200);

    server.terminate();
    let said = manager.until("STOPPING=1").concat();
    assert!(!said.contains("READY=1"), "{said}");
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn a_start_that_fails_is_never_ready() {
    let (manager, home) = Manager::of(Home::new("[resources]\ndir = nowhere\n"));
    let ended = home.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    while let Some(message) = manager.next(Duration::from_millis(1)) {
        assert!(!message.contains("READY"), "{message}");
    }
}

#[test]
fn the_watchdog_is_fed_by_a_server_that_runs_and_not_by_one_that_is_stuck() {
    let (manager, home) = Manager::of(Home::new(""));
    let server = started(&home);
    manager.until("READY=1");
    let pings = manager.pings_in(WATCHDOG * 4);
    assert!((6..=9).contains(&pings), "{pings} pings in four times the limit");
    server.freeze();
    // What was said before that.
    while manager.next(Duration::from_millis(1)).is_some() {}
    assert_eq!(manager.pings_in(WATCHDOG * 2), 0, "by a server that stands still");
    server.thaw();
    manager.until("WATCHDOG=1");
    assert_eq!(server.stop().code, Some(0));
}

fn fsfreeze(option: &str, at: &Path) {
    assert!(Command::new("fsfreeze").arg(option).arg(at).status().unwrap().success());
}

/// A file system that takes nothing for a while, as one does whose disk recovers from an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_its_disk_goes_on_feeding_the_watchdog() {
    let (manager, home) = Manager::of(Home::new(""));
    let image = home.path("disk");
    std::fs::File::create(&image).unwrap().set_len(96 << 20).unwrap();
    let made = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
    let mounted = Mounted::image(&image, &home.storage(), "noatime");
    let (true, Some(_mounted)) = (made.is_ok_and(|status| status.success()), mounted) else {
        eprintln!("skipped: needs root, mkfs.ext4 and a loop device");
        return;
    };
    let server = started(&home);
    let admin = server.admin().await;
    manager.until("READY=1");
    fsfreeze("--freeze", &home.storage());
    let writing = tokio::spawn({
        let admin = admin.clone();
        async move { admin.post("/v1/users/new", &user("slow")).await.status }
    });
    tokio::time::sleep(WATCHDOG).await;
    let pings = manager.pings_in(WATCHDOG * 3);
    let read = admin.get("/v1/users").await.status;
    let was_waiting = !writing.is_finished();
    fsfreeze("--unfreeze", &home.storage());
    assert!(was_waiting, "the disk did not hold the write up");
    assert!(pings >= 4, "{pings} pings in three times the limit");
    assert_eq!((read, writing.await.unwrap()), (200, 200));
    assert_eq!(server.stop().code, Some(0));
}
