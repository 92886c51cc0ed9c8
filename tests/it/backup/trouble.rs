//! Remotes that are away, deaf, locked or somebody else's, and a machine without git.

use super::{Elsewhere, eventually, home, pushed, stands};
use crate::health::{metric, metrics};
use crate::operator::{failed, fine};
use crate::support::{Ended, Server, user};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

fn has_failed(stands: &Value) -> bool {
    !stands["error"].is_null()
}

/// The check has found that the store is fine and its backup is not.
#[track_caller]
fn found(ended: &Ended, named: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for text in named {
        assert!(ended.stderr.contains(text), "`{text}` is not named: {}", ended.stderr);
    }
}

/// How long fifty changes, one after the other, take.
async fn fifty_writes(server: &Server) -> Duration {
    let admin = server.admin().await;
    let begin = Instant::now();
    for n in 0..50 {
        admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
    }
    begin.elapsed()
}

/// With room for a machine that is busier now than a moment ago.
#[track_caller]
fn not_slower(with: Duration, without: Duration) {
    assert!(with < 3 * without + Duration::from_secs(2), "{with:?}, without the remote {without:?}");
}

#[tokio::test]
async fn a_dead_remote_slows_no_write_and_its_password_is_not_shown() {
    // Nobody listens at port 1.
    let home = home("http://ada:canary-of-the-remote@127.0.0.1:1/karana.git");
    let server = home.serve();
    eventually(&server, "failed", has_failed).await;
    let without = fifty_writes(&Server::start()).await;
    not_slower(fifty_writes(&server).await, without);

    let stands = stands(&server).await;
    assert_eq!(
        (&stands["remote"], &stands["pushed"]),
        (&"http://127.0.0.1:1/karana.git".into(), &Value::Null)
    );
    assert!(stands["error"]["reason"].as_str().unwrap().contains("127.0.0.1"), "{stands}");
    assert!(stands["error"]["next_try"].as_str() > stands["error"]["at"].as_str(), "{stands}");
    let metrics = metrics(&server).await;
    assert!(metric(&metrics, "karana_backup_failures_total") >= 1.0);
    assert!(metric(&metrics, "karana_backup_behind_seconds") > 0.0);
    assert_eq!(metric(&metrics, "karana_backup_last_success_timestamp_seconds"), 0.0);
    let beside = home.run(&["check"]);
    failed(&beside, &["the store is in order", "backup: http://127.0.0.1:1/karana.git cannot be pushed to"]);
    let log = server.stop();
    assert_eq!(log.code, Some(0));
    let alone = home.run(&["check"]);
    found(&alone, &["backup: http://127.0.0.1:1/karana.git cannot be reached"]);
    for shown in [stands.to_string(), metrics, beside.stderr, log.stderr, alone.stderr, alone.stdout] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

/// A remote over HTTP that lets nobody in. Answers with the credentials it was given, and with what the processes of
/// this machine show everybody of theirs at that time.
fn doorkeeper(listener: TcpListener) -> (String, String) {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let given = head.iter().find_map(|line| line.strip_prefix("Authorization: Basic "));
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let command_lines: String = processes
            .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).into_owned() + "\n")
            .collect();
        let answer = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        if let Some(given) = given {
            return (given.to_owned(), command_lines);
        }
    }
}

#[tokio::test]
async fn a_password_reaches_the_remote_and_no_command_line() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let given = tokio::task::spawn_blocking(move || doorkeeper(listener));
    let server = home(&format!("http://ada:canary%20o%40r@127.0.0.1:{port}/karana.git")).serve();
    let (given, command_lines) = given.await.unwrap();
    assert_eq!(given, "YWRhOmNhbmFyeSBvQHI=", "ada:canary o@r");
    assert!(command_lines.contains(&format!("http://127.0.0.1:{port}/karana.git")), "{command_lines}");
    assert!(!command_lines.contains("canary"), "{command_lines}");
    let stands = eventually(&server, "failed", has_failed).await;
    assert!(!stands.to_string().contains("canary") && !server.stop().stderr.contains("canary"));
}

#[tokio::test]
async fn a_remote_that_hangs_slows_neither_writes_nor_the_end() {
    let home = home("ssh://nobody@127.0.0.1/karana.git");
    let ssh = home.path("ssh");
    home.write("ssh", format!("echo $$ > '{}.pid'\nsleep 300\n", ssh.display()));
    let server = home.env("GIT_SSH_COMMAND", &format!("sh '{}'", ssh.display())).serve();
    let begin = Instant::now();
    let pid = loop {
        let pid = fs::read_to_string(ssh.with_extension("pid")).unwrap_or_default();
        if pid.ends_with('\n') {
            break pid.trim().to_owned();
        }
        assert!(begin.elapsed() < super::PATIENCE, "ssh was not started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let without = fifty_writes(&Server::start()).await;
    not_slower(fifty_writes(&server).await, without);
    let stands = stands(&server).await;
    assert!(stands["pushed"].is_null() && !stands["behind_since"].is_null(), "{stands}");

    let begin = Instant::now();
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    // Nobody is left behind; a zombie waits for init.
    let begin = Instant::now();
    while fs::read_to_string(Path::new("/proc").join(&pid).join("status"))
        .is_ok_and(|status| !status.contains("State:\tZ"))
    {
        assert!(begin.elapsed() < super::PATIENCE, "its ssh runs on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_goes_on_when_the_remote_is_back() {
    let remote = Elsewhere::new();
    let away = remote.path().with_extension("away");
    fs::rename(remote.path(), &away).unwrap();
    let home = home(remote.path().to_str().unwrap());
    let server = home.serve();
    eventually(&server, "failed", has_failed).await;
    failed(&home.run(&["check"]), &["cannot be pushed to"]);
    server.admin().await.create("users", &user("ada")).await;
    fs::rename(&away, remote.path()).unwrap();
    let main = pushed(&server).await;
    assert_eq!(remote.references(), format!("{main} refs/heads/main"));
    let stands = stands(&server).await;
    assert!(stands["error"].is_null() && stands["failures"].as_u64() >= Some(1), "{stands}");
    assert!(fine(home.run(&["check"])).contains("up to date"));
    assert!(server.stop().stderr.contains("works again"));
}

#[tokio::test]
async fn a_remote_of_somebody_else_is_never_forced() {
    let remote = Elsewhere::new().taken();
    let before = remote.references();
    let home = home(&remote.url());
    let server = home.serve();
    let stands = eventually(&server, "failed", has_failed).await;
    assert!(stands["error"]["reason"].as_str().unwrap().contains("commits that are not ours"), "{stands}");
    failed(&home.run(&["check"]), &["commits that are not ours"]);
    assert_eq!(server.stop().code, Some(0));
    found(&home.run(&["check"]), &["commits that are not ours"]);
    assert_eq!(remote.references(), before);
}

/// An older copy of the store was restored: the remote's newer commits stay.
#[tokio::test]
async fn a_remote_that_is_ahead_is_never_forced() {
    let remote = Elsewhere::new();
    let home = home(&remote.url());
    let server = home.serve();
    pushed(&server).await;
    server.stop();
    let old = home.path("old");
    assert!(
        std::process::Command::new("cp").arg("-a").arg(home.storage()).arg(&old).status().unwrap().success()
    );
    fine(home.run(&["user", "add", "--email", "newer@example.com"]));
    let server = home.serve();
    pushed(&server).await;
    server.stop();
    let before = remote.references();
    fs::remove_dir_all(home.storage()).unwrap();
    fs::rename(&old, home.storage()).unwrap();
    found(&home.run(&["check"]), &["commits that are not ours"]);
    let server = home.serve();
    eventually(&server, "failed", has_failed).await;
    assert_eq!(remote.references(), before);
}

#[tokio::test]
async fn without_git_the_program_is_named() {
    let home = home("file:///nowhere").env("PATH", "/nonexistent");
    let server = home.serve();
    let stands = eventually(&server, "failed", has_failed).await;
    assert!(stands["error"]["reason"].as_str().unwrap().contains("`git` is not there"), "{stands}");
    assert_eq!(server.stop().code, Some(0));
    found(&home.run(&["check"]), &["`git` is not there"]);
}
