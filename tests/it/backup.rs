//! The backup: what is written comes to the remote, and a remote that is away, deaf or somebody else's harms nothing.

mod restore;
mod ssh;
mod trouble;

use crate::health::{metric, metrics};
use crate::operator::fine;
use crate::support::{Home, Server, git, user};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Pushes are five seconds apart; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A repository to push to.
struct Elsewhere(TempDir);

impl Elsewhere {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main"]);
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Its references with what they name; none while it is empty.
    fn references(&self) -> String {
        git(self.path(), &["for-each-ref", "--format=%(objectname) %(refname)"]).trim().to_owned()
    }

    /// Somebody else's commit, on its `main`.
    fn taken(self) -> Self {
        let clone = TempDir::new().unwrap();
        git(clone.path(), &["init", "-q", "-b", "main"]);
        git(clone.path(), &["commit", "-q", "--allow-empty", "-m", "somebody else's"]);
        git(clone.path(), &["push", "-q", self.path().to_str().unwrap(), "main"]);
        self
    }
}

/// A working folder with that remote, and nobody's settings of git.
fn home(remote: &str) -> Home {
    Home::new(&format!("[storage]\nremote = {remote}\n"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

/// What the server says of its backup.
async fn stands(server: &Server) -> Value {
    let ready = server.nobody.get("/health/ready").await;
    assert_eq!(ready.status, 200, "a backup that fails does not make it unready");
    serde_json::from_slice::<Value>(&ready.body).unwrap()["backup"].clone()
}

/// Waits until what the server says of its backup is as it should be.
async fn eventually(server: &Server, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let stands = stands(server).await;
        if is_so(&stands) {
            return stands;
        }
        assert!(begin.elapsed() < PATIENCE, "not {what}: {stands}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the remote holds what the server's store holds.
async fn pushed(server: &Server) -> String {
    let main = server.home().git(&["rev-parse", "main"]).trim().to_owned();
    eventually(server, "pushed", |stands| stands["pushed"]["revision"] == main.as_str()).await;
    main
}

#[tokio::test]
async fn what_is_written_is_at_the_remote_within_seconds() {
    let remote = Elsewhere::new();
    let pushes = remote.path().join("pushes");
    let hook = remote.path().join("hooks/post-receive");
    std::fs::write(&hook, format!("#!/bin/sh\ndate +%s%N >> '{}'\n", pushes.display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let home = home(&remote.url());
    let server = home.serve();
    let admin = server.admin().await;
    for name in ["ada", "micha"] {
        for n in 0..5 {
            admin.create("users", &user(&format!("{name}{n}"))).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let main = pushed(&server).await;
        assert_eq!(remote.references(), format!("{main} refs/heads/main"), "this, and nothing else");
    }
    let times = std::fs::read_to_string(pushes).unwrap();
    let times: Vec<u64> = times.lines().map(|line| line.parse().unwrap()).collect();
    // Five seconds from beginning to beginning; this is when each was over.
    assert!(times.windows(2).all(|two| two[1] - two[0] > 3_500_000_000), "{times:?}");
    let stands = stands(&server).await;
    assert_eq!(stands["remote"], remote.url());
    let nothing = [&stands["behind_since"], &stands["error"], &stands["failures"]];
    assert_eq!(nothing, [&Value::Null, &Value::Null, &0.into()], "{stands}");
    let metrics = metrics(&server).await;
    assert_eq!(metric(&metrics, "karana_backup_configured"), 1.0);
    assert_eq!(metric(&metrics, "karana_backup_failures_total"), 0.0);
    assert_eq!(metric(&metrics, "karana_backup_behind_seconds"), 0.0);
    assert!(metric(&metrics, "karana_backup_last_success_timestamp_seconds") > 1.7e9);
    assert!(fine(home.run(&["check"])).contains("up to date"));

    // The last change goes out at the end, not five seconds later; what comes without a server, at the next start.
    admin.create("users", &user("last")).await;
    assert_eq!(server.stop().code, Some(0));
    let main = home.git(&["rev-parse", "main"]);
    assert_eq!(remote.references(), format!("{} refs/heads/main", main.trim()));
    assert!(fine(home.run(&["check"])).contains("up to date"));
    fine(home.run(&["user", "add", "--email", "later@example.com"]));
    assert!(fine(home.run(&["check"])).contains("is 1 commit behind"));
    let server = home.serve();
    pushed(&server).await;
    git(remote.path(), &["fsck", "--full", "--strict"]);
}

#[tokio::test]
async fn without_a_remote_it_says_so() {
    let server = Server::start();
    assert_eq!(stands(&server).await, "not configured");
    let metrics = metrics(&server).await;
    assert_eq!(metric(&metrics, "karana_backup_configured"), 0.0);
    assert!(!metrics.contains("backup_behind"), "{metrics}");
    let home = server.home().clone();
    assert!(fine(home.run(&["check"])).contains("backup: not configured"));
    server.stop();
    assert!(fine(home.run(&["check"])).contains("backup: not configured"));
}
