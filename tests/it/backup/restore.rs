//! A store comes back from its backup, whole or not at all.

use super::{Elsewhere, PATIENCE, home, pushed};
use crate::operator::{failed, fine};
use crate::support::{Home, git, record, user};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The key that the tests restore with.
const KEY: &str = "seal.keys";

/// The key as it was kept elsewhere, in the folder of `home`.
fn keep_key(from: &Home, home: &Home) {
    let key = fs::read(from.storage().join("keys/seal.keys")).unwrap();
    home.write(KEY, key);
}

/// A store with something in it, and its backup.
async fn backed_up() -> (Home, Elsewhere, String) {
    let remote = Elsewhere::new();
    let home = home(&remote.url());
    let server = home.serve();
    let admin = server.admin().await;
    let ada = admin.create("users", &user("ada")).await;
    admin.create("karanas", &json!({"name": "K1", "owner": ada, "config": {}})).await;
    pushed(&server).await;
    assert_eq!(server.stop().code, Some(0));
    (home, remote, ada)
}

/// The names of all that lies below.
fn everything(home: &Home) -> Vec<String> {
    let output = Command::new("find").arg(home.storage()).output().unwrap();
    let mut names: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_very_same_store_comes_back() {
    let (old, remote, _) = backed_up().await;
    let new = Home::new("");
    keep_key(&old, &new);
    // What is shipped in the folder may lie there.
    new.write("storage/README.md", "What lies here");
    let said = fine(new.run(&["restore", "--from", &remote.url(), "--key", KEY]));
    let main = old.git(&["rev-parse", "main"]);
    assert!(said.contains(main.trim()) && said.contains("2 users, 1 karanas"), "{said}");
    assert!(said.contains("karana serve"), "it says what comes next: {said}");
    assert_eq!(new.git(&["rev-parse", "main"]), main);
    let export = |home: &Home| fine(home.run(&["export", "--secrets", "-"]));
    assert_eq!(export(&new), export(&old));

    // As if it had been made here: the same settings, no way back to the remote, everything in packs.
    let config = |home: &Home| fs::read_to_string(home.storage().join("tables.git/config")).unwrap();
    assert_eq!(config(&new), config(&old));
    assert!(!new.storage().join("tables.git/FETCH_HEAD").exists());
    assert!(new.git(&["count-objects"]).starts_with("0 objects"));
    let mode = |below: &str| new.storage().join(below).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys"), mode("keys/seal.keys"), mode("tables.git")), (0o700, 0o600, 0o700));
    assert_eq!(fs::read(new.storage().join("keys/seal.keys")).unwrap(), fs::read(new.path(KEY)).unwrap());

    let server = new.serve();
    server.nobody.login("ada@example.com", "password of ada").await;
    server.admin().await.create("users", &user("next")).await;
    new.git(&["fsck", "--full", "--strict"]);
}

#[tokio::test]
async fn a_storage_that_holds_something_is_refused_and_not_touched() {
    let (home, remote, _) = backed_up().await;
    home.write(KEY, "the key\n");
    let arguments = ["restore", "--from", &remote.url(), "--key", KEY];
    let before = everything(&home);
    failed(&home.run(&arguments), &["storage is not empty", "keys", "tables.git", "wal"]);
    assert_eq!(everything(&home), before);
    let server = home.serve();
    failed(&home.run(&arguments), &["storage is not empty"]);
    server.admin().await.create("users", &user("still-there")).await;

    let home = Home::new("");
    home.write(KEY, "the key\n");
    home.write("storage/table_db.json", "{}");
    failed(&home.run(&arguments), &["storage is not empty", "table_db.json"]);
    assert_eq!(everything(&home).len(), 2);
}

#[tokio::test]
async fn a_restore_that_fails_leaves_the_folder_as_it_was() {
    let (old, remote, ada) = backed_up().await;
    let absent = format!("{}/absent", remote.url());
    let (empty, broken) = (Elsewhere::new(), Elsewhere::new());
    let clone = TempDir::new().unwrap();
    git(clone.path(), &["clone", "-q", "-b", "main", &remote.url(), "."]);
    fs::write(clone.path().join(record("users", &ada)), "{}\n").unwrap();
    git(clone.path(), &["commit", "-qam", "by hand"]);
    git(clone.path(), &["push", "-q", &broken.url(), "main"]);
    let cases: [(&str, &str, &str, &[&str]); 9] = [
        ("", &absent, KEY, &[&absent, "does not appear to be a git repository"]),
        ("", "http://u:canary@127.0.0.1:1/a.git", KEY, &["http://127.0.0.1:1/a.git cannot be restored from"]),
        ("", &empty.url(), KEY, &["no branch main"]),
        ("", &broken.url(), KEY, &[&ada, "uuid"]),
        ("[tenant]\nid = OTHER\n", &remote.url(), KEY, &["OTHER", "[tenant] id"]),
        ("", &remote.url(), "absent.keys", &["absent.keys", "--key"]),
        ("", &remote.url(), "empty.keys", &["empty.keys", "is empty"]),
        ("", &remote.url(), "other.keys", &["sealed with the key", "seal.keys"]),
        ("", &remote.url(), "config.ini.keys", &["seal.keys, line 1"]),
    ];
    for (case, (config, from, key, named)) in cases.into_iter().enumerate() {
        let home = Home::new(config);
        keep_key(&old, &home);
        home.write("empty.keys", "");
        home.write("other.keys", fine(home.run(&["key", "new"])));
        home.write("config.ini.keys", "pass = canary\n");
        // There or not, and with the lock of an earlier try.
        match case % 3 {
            0 => {}
            1 => fs::create_dir(home.storage()).unwrap(),
            _ => home.write("storage/lock", ""),
        }
        let before = everything(&home);
        let ended = home.run(&["restore", "--from", from, "--key", key]);
        failed(&ended, named);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
        assert_eq!(everything(&home), before, "{from} {key}");
    }
}

/// The operator loses patience with a remote that hangs.
#[test]
fn a_restore_that_is_interrupted_leaves_the_folder_as_it_was() {
    let home = Home::new("");
    home.write(KEY, "the key\n");
    let (ssh, began) = (home.path("ssh"), home.path("began"));
    home.write("ssh", format!("touch '{}'\nsleep 300\n", began.display()));
    let mut restore = Command::new(env!("CARGO_BIN_EXE_karana"))
        .args(["restore", "--from", "nobody@host:karana.git", "--key", KEY])
        .current_dir(home.path(""))
        .env("GIT_SSH_COMMAND", format!("sh '{}'", ssh.display()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !began.exists() {
        assert!(begin.elapsed() < PATIENCE, "ssh was not started");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(home.storage().join("tables.git.unfinished").exists());
    kill_process(Pid::from_child(&restore), Signal::INT).unwrap();
    assert_eq!(restore.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    restore.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("interrupted"), "{said}");
    assert!(!home.storage().exists());
}

#[test]
fn both_the_remote_and_the_key_must_be_named() {
    let home = Home::new("");
    for arguments in [&["restore"][..], &["restore", "--from", "x"], &["restore", "--key", "x"]] {
        assert_eq!(home.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert!(!home.storage().exists());
}
