//! Configurations and storage folders that the server cannot work with: it says what is wrong, and changes nothing.

use crate::support::{Ended, Home, record, user};
use serde_json::json;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

/// Failed, with all of this in the reason and nothing of that.
fn failed(ended: &Ended, named: &[&str], not_shown: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "", "nothing is ready");
    for text in named {
        assert!(ended.stderr.contains(text), "`{text}` is not named: {}", ended.stderr);
    }
    for text in not_shown {
        assert!(!ended.stderr.contains(text), "`{text}` is shown: {}", ended.stderr);
    }
}

#[test]
fn unknown_keys_and_sections_are_named() {
    let config = "[api]\nmode = test\nlisten_on = canary\n[nonsense]\nx = canary\n[influxdb]\nhost = h\nuser = u\npass = canary\npasss = canary\n";
    let home = Home::new(config);
    for arguments in [&[][..], &["serve"], &["check"], &["export", "-"], &["user", "list"]] {
        failed(&home.run(arguments), &["config.ini", "listen_on", "nonsense", "passs"], &["canary"]);
    }
    assert!(!home.storage().exists());
    let home = Home::new("").env("KARANA_API_LISTENN", "canary");
    failed(&home.run(&[]), &["KARANA_API_LISTENN"], &["canary"]);
}

#[test]
fn bad_values_are_named_and_not_shown() {
    let home = Home::new(
        "[api]\nmode = canary\n[auth]\ntoken_ttl = canary\n[resources]\nenabled = new\n[sync]\non_change = canary\n",
    );
    failed(&home.run(&[]), &["mode", "token_ttl", "enabled", "on_change"], &["canary"]);
    let home = Home::new("[resources]\nenabled = users, karanas, windmills\n");
    failed(&home.run(&[]), &["enabled", "windmills"], &[]);
    let home = Home::new("[tenant]\nid = a\nid = b\n");
    failed(&home.run(&[]), &["id", "twice"], &[]);
}

#[test]
fn a_config_that_is_not_there() {
    let home = Home::new("");
    failed(&home.run(&["--config", "absent.ini"]), &["absent.ini"], &[]);
    failed(&home.run(&["--config", "."]), &["."], &[]);
}

#[test]
fn test_mode_serves_loopback_only() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let home = Home::new("").env("KARANA_API_LISTEN", listen);
        failed(&home.run(&[]), &["LISTEN", "loopback"], &[]);
    }
}

#[test]
fn a_port_that_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let home = Home::new("").env("KARANA_API_LISTEN", &address);
    failed(&home.run(&[]), &[&address, "listen"], &[]);
}

#[tokio::test]
async fn a_storage_that_another_process_has() {
    let home = Home::new("");
    let server = home.serve();
    let commits = home.commits();
    failed(&home.run(&[]), &["storage", "another process"], &[]);
    assert_eq!(home.commits(), commits);
    // The first one does not mind, and its socket is still its own.
    server.admin().await.get("/v1/users").await.results();
    assert_eq!(home.run(&["user", "list"]).code, Some(0));
}

#[test]
fn a_storage_that_cannot_be_written() {
    for path in ["config.ini/x", "/proc/karana", "/dev/null/x"] {
        let home = Home::new(&format!("[storage]\npath = {path}\n"));
        failed(&home.run(&[]), &[path], &[]);
    }
    let home = Home::new("[storage]\npath = config.ini\n");
    failed(&home.run(&[]), &["config.ini"], &[]);
}

#[test]
fn storage_of_another_tenant_or_a_newer_program() {
    let home = Home::new("[tenant]\nid = ONE\n");
    assert_eq!(home.serve().stop().code, Some(0));
    home.write("config.ini", "[tenant]\nid = TWO\n");
    failed(&home.run(&[]), &["ONE", "TWO"], &[]);
    home.write("config.ini", "[tenant]\nid = ONE\n");
    home.tamper(|clone| std::fs::write(clone.join("meta.json"), "{\"format\": 99}\n").unwrap());
    failed(&home.run(&[]), &["99"], &[]);
}

#[test]
fn a_repository_that_is_none() {
    let home = Home::new("");
    home.write("storage/tables.git", "not a repository");
    failed(&home.run(&[]), &["tables.git"], &[]);
    failed(&home.run(&["check"]), &["tables.git"], &[]);
}

#[test]
fn a_signing_key_that_is_too_short() {
    let home = Home::new("");
    home.serve().stop();
    home.write("storage/keys/token.key", "canary");
    failed(&home.run(&[]), &["token.key"], &["canary"]);
}

#[test]
fn what_holds_secrets_is_for_the_owner_alone() {
    let home = Home::new("");
    let _server = home.serve();
    let mode = |below: &str| home.path(below).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("storage"), 0o700);
    assert_eq!(mode("storage/keys"), 0o700);
    assert_eq!(mode("storage/keys/token.key"), 0o600);
    assert_eq!(mode("storage/control.sock"), 0o600);

    // A folder of the operator's stays as it is; what is made in it is closed.
    let home = Home::new("");
    std::fs::create_dir(home.storage()).unwrap();
    std::fs::set_permissions(home.storage(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let _server = home.serve();
    let mode = |below: &str| home.path(below).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("storage"), 0o755);
    for below in ["storage/tables.git", "storage/wal", "storage/keys", "storage/state"] {
        assert_eq!(mode(below), 0o700, "{below}");
    }
}

/// Every entry that breaks a rule is named with the rule, none is guessed, and nothing is changed.
#[tokio::test]
async fn corrupt_entries_in_the_repository() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let mut uuids = Vec::new();
    for i in 0..8 {
        uuids.push(admin.create("users", &user(&format!("u{i}"))).await);
    }
    let karana = admin.create("karanas", &json!({"name": "K1", "owner": uuids[0], "config": {}})).await;
    server.stop();

    let file = |i: usize| record("users", &uuids[i]);
    home.tamper(|clone| {
        let change = |i: usize, from: &str, to: &str| {
            let path = clone.join(file(i));
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(path, text.replace(from, to)).unwrap();
        };
        std::fs::remove_file(clone.join(file(0))).unwrap();
        std::fs::write(clone.join(file(1)), "{\"canary\": ").unwrap();
        std::fs::write(clone.join(file(2)), b"\xff canary").unwrap();
        change(3, "\"role\": \"client\"", "\"role\": \"canary\"");
        change(4, "u4@example.com", "u5@example.com");
        change(6, &uuids[6], &uuids[7]);
        change(7, "\"name\": \"u7\"", "\"nickname\": \"canary\"");
        std::fs::write(clone.join("tables/users/stray.json"), "{}").unwrap();
    });
    let commits = home.commits();
    let stray = "tables/users/stray.json".to_owned();
    let mut named: Vec<&str> = vec![&karana, "owner", "role", "email", "nickname", "name", &stray];
    named.extend([1, 2, 3, 6, 7].map(|i| uuids[i].as_str()));
    for arguments in [&[][..], &["check"], &["user", "list"], &["export", "-"]] {
        failed(&home.run(arguments), &named, &["canary"]);
    }
    let refused = home.run(&["check"]).stderr;
    assert!(refused.contains(&uuids[4]) || refused.contains(&uuids[5]), "the e-mail's entry: {refused}");
    assert_eq!(home.commits(), commits);
    home.git(&["fsck", "--full"]);
}

/// Somebody pushes into the repository of a running server: its next write must not lose that.
#[tokio::test]
async fn a_repository_that_was_changed_while_the_server_runs() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let uuid = admin.create("users", &user("before")).await;
    home.tamper(|clone| {
        let path = clone.join(record("users", &uuid));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("\"before\"", "\"by hand\"")).unwrap();
    });
    let tip = home.git(&["rev-parse", "main"]);
    let answer = admin.post("/v1/users/new", &user("after")).await;
    answer.refused(503, "Create Resource Error");
    assert_eq!(home.git(&["rev-parse", "main"]), tip);
    // The process ends by itself, so that a supervisor starts it anew; with a failure.
    let ended = server.wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let server = home.serve();
    let admin = server.admin().await;
    assert_eq!(admin.read("users", &uuid).await["name"], "by hand");
}

/// A socket's name has room for 107 bytes, a storage's path has more.
#[tokio::test]
async fn a_storage_deep_down() {
    let home = Home::new(&format!("[storage]\npath = {}/storage\n", "a-folder-with-a-name/".repeat(10)));
    let server = home.serve();
    server.admin().await;
    let list = home.run(&["user", "list"]);
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    assert!(list.stdout.contains("admin@example.com"));
}
