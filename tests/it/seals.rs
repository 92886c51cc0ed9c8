//! Secrets at rest: a copy of the repository reveals none, and nothing is served without the key.

use crate::operator::{failed, fine};
use crate::support::{Home, Server, record, user};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A store with an owner and a device; their secrets.
async fn filled(home: &Home) -> (Server, String, Vec<String>) {
    let server = home.serve();
    let admin = server.admin().await;
    let owner = admin.create("users", &user("micha")).await;
    let device = admin.create("karanas", &json!({"name": "K1", "owner": owner, "config": {}})).await;
    admin.patch(&format!("/v1/karanas/{device}"), &json!({"name": "K2"})).await.entry(&device);
    let dump: Value = serde_json::from_str(&fine(home.run(&["export", "--secrets", "-"]))).unwrap();
    let secrets = [
        &dump["users"][&owner]["credentials"]["password"],
        &dump["users"][&owner]["password_influx"],
        &dump["karanas"][&device]["config"]["password"],
        &dump["users"][&owner]["password_grafana"],
    ];
    let secrets = secrets.map(|secret| secret.as_str().unwrap().to_owned()).into();
    (server, device, secrets)
}

/// Everything in the repository, uncompressed: every object that there is, whether it is reachable or not.
fn every_object(home: &Home) -> String {
    home.git(&["cat-file", "--batch-all-objects", "--batch", "--unordered"])
}

#[tokio::test]
async fn no_object_and_no_log_reveals_a_secret() {
    let home = Home::new("");
    let (server, _, secrets) = filled(&home).await;
    let key = fs::read_to_string(home.path("storage/keys/seal.keys")).unwrap();
    let key = key.lines().last().unwrap().split_once(' ').unwrap().1.to_owned();
    let look = |when: &str| {
        let objects = every_object(&home);
        assert!(objects.contains("micha@example.com"), "these are not the objects");
        let logs = [0, 1].map(|n| {
            String::from_utf8_lossy(&fs::read(home.path(&format!("storage/wal/{n}"))).unwrap()).into_owned()
        });
        assert!(logs.concat().contains("micha@example.com"), "this is not the log");
        for secret in secrets.iter().chain([&key]) {
            assert!(!objects.contains(secret), "{when}: an object holds a secret");
            assert!(!logs.concat().contains(secret), "{when}: the log holds a secret");
        }
    };
    look("beside the server");
    fine(home.run(&["key", "rotate"]));
    look("after a rotation");
    assert_eq!(server.stop().code, Some(0));
    look("afterwards");
    for (file, mode) in [("storage/keys", 0o700), ("storage/keys/seal.keys", 0o600)] {
        assert_eq!(fs::metadata(home.path(file)).unwrap().permissions().mode() & 0o777, mode, "{file}");
    }
}

/// Diffs stay quiet: what does not change keeps its bytes, also when the rest of the entry does not.
#[tokio::test]
async fn a_secret_that_stays_keeps_its_bytes() {
    let home = Home::new("");
    let (_server, device, _) = filled(&home).await;
    let path = record("karanas", &device);
    let diff = home.git(&["log", "-1", "-p", "--format=", "main", "--", &path]);
    let changed: Vec<_> = diff.lines().filter(|line| line.starts_with(['+', '-'])).skip(2).collect();
    assert_eq!(changed, ["-  \"name\": \"K1\",", "+  \"name\": \"K2\","]);
}

#[tokio::test]
async fn nothing_is_served_without_the_key() {
    let home = Home::new("");
    let (server, device, _) = filled(&home).await;
    assert!(server.log().contains("Keep a copy of this file"), "{}", server.log());
    assert_eq!(server.stop().code, Some(0));
    let commits = home.commits();
    let file = home.path("storage/keys/seal.keys");
    let keys = fs::read_to_string(&file).unwrap();
    let name = keys.lines().last().unwrap().split_once(' ').unwrap().0.to_owned();

    fs::remove_file(&file).unwrap();
    for command in [&[][..], &["check"], &["user", "list"]] {
        failed(&home.run(command), &["seal.keys", &name, "put back the copy"]);
    }
    assert!(!file.exists(), "another key would not help");
    let other = fine(home.run(&["key", "new"]));
    fs::write(&file, &other).unwrap();
    failed(&home.run(&[]), &["seal.keys", &name]);
    // A character is wrong.
    let (last, rest) = (keys.trim_end().chars().last().unwrap(), keys.trim_end());
    let wrong = if last == 'A' { 'E' } else { 'A' };
    fs::write(&file, format!("{}{wrong}\n", &rest[..rest.len() - 1])).unwrap();
    failed(&home.run(&[]), &["seal.keys, line 3"]);
    fs::write(&file, "").unwrap();
    failed(&home.run(&[]), &["at least one key"]);

    fs::write(&file, keys).unwrap();
    home.serve().admin().await.read("karanas", &device).await;
    assert_eq!(home.commits(), commits, "nothing was written on the way");
}

/// What is sealed is bound to its place: one entry's secret is not another's, and none can be written in plain text.
#[tokio::test]
async fn a_secret_that_is_moved_is_refused() {
    let home = Home::new("");
    let (server, device, _) = filled(&home).await;
    let other =
        server.admin().await.create("karanas", &json!({"name": "K3", "owner": null, "config": {}})).await;
    server.stop();
    let paths = [record("karanas", &device), record("karanas", &other)];
    let edit = |change: &dyn Fn(&mut Value, &Value)| {
        home.tamper(|clone| {
            let read = |path: &str| {
                serde_json::from_str::<Value>(&fs::read_to_string(clone.join(path)).unwrap()).unwrap()
            };
            let (mut entry, from) = (read(&paths[0]), read(&paths[1]));
            change(&mut entry, &from);
            fs::write(clone.join(&paths[0]), serde_json::to_string_pretty(&entry).unwrap() + "\n").unwrap();
        });
    };
    edit(&|entry, from| entry["config"]["password"] = from["config"]["password"].clone());
    failed(&home.run(&["check"]), &[&device, "config.password", "moved from elsewhere"]);
    edit(&|entry, _| entry["config"]["password"] = "ABCDEFGHIJKLMNOP".into());
    let refused = home.run(&["check"]);
    failed(&refused, &[&device, "config.password: is not sealed"]);
    assert!(!refused.stderr.contains("ABCDEFGHIJKLMNOP"));
}

/// A rotation is one commit; the past stays readable, with the retired key.
#[tokio::test]
async fn keys_are_rotated_and_retired_ones_open_the_past() {
    let home = Home::new("");
    let (server, device, secrets) = filled(&home).await;
    let before = home.git(&["rev-parse", "main"]).trim().to_owned();
    let commits = home.commits();
    let old = fine(home.run(&["key", "list"]));
    let said = fine(home.run(&["key", "rotate"]));
    assert_eq!(home.commits(), commits + 1);
    let names = fine(home.run(&["key", "list"]));
    let newest = names.lines().last().unwrap().split_whitespace().next().unwrap();
    assert!(
        names.lines().count() == 2 && names.contains(&old[..8]) && said.contains(newest),
        "{names}{said}"
    );
    let sealed = home.git(&["grep", "-h", "sealed:", "main", "--", "tables"]);
    assert!(sealed.lines().all(|line| line.contains(&format!("sealed:{newest}:"))), "{sealed}");
    let meta = home.git(&["show", "main:meta.json"]);
    assert!(meta.contains(newest), "{meta}");

    let admin = server.admin().await;
    assert_eq!(admin.read("karanas", &device).await["config"]["password"], secrets[2]);
    server.stop();
    let _server = home.serve();
    for at in [&[][..], &["--at", &before]] {
        let dump = fine(home.run(&[&["export", "--secrets", "-"], at].concat()));
        assert!(secrets.iter().all(|secret| dump.contains(secret)), "{at:?}");
    }
}

/// systemd hands a key file in, which the server does not write.
#[tokio::test]
async fn a_key_file_that_is_handed_in_is_read_and_not_written() {
    let home = Home::new("");
    let line = fine(home.run(&["key", "new"]));
    home.write("credentials/seal.keys", &line);
    let folder = home.path("credentials");
    let home = home.env("CREDENTIALS_DIRECTORY", folder.to_str().unwrap());
    let (server, device, secrets) = filled(&home).await;
    assert!(!home.path("storage/keys/seal.keys").exists());
    failed(&home.run(&["key", "rotate"]), &["karana key new"]);
    server.stop();
    let more = format!("{line}{}", fine(home.run(&["key", "new"])));
    home.write("credentials/seal.keys", &more);
    let server = home.serve();
    fine(home.run(&["key", "rotate"]));
    failed(&home.run(&["key", "rotate"]), &["karana key new"]);
    assert_eq!(server.admin().await.read("karanas", &device).await["config"]["password"], secrets[2]);
    assert_eq!(fs::read_to_string(home.path("credentials/seal.keys")).unwrap(), more);
}

/// A store of format 1, in which secrets lay open, is brought to this one in one commit.
#[tokio::test]
async fn an_older_format_is_migrated_in_one_commit() {
    let home = Home::new("");
    let (server, device, secrets) = filled(&home).await;
    server.stop();
    let dump: Value = serde_json::from_str(&fine(home.run(&["export", "--secrets", "-"]))).unwrap();
    home.tamper(|clone| {
        for (resource, entries) in dump.as_object().unwrap() {
            for (uuid, entry) in entries.as_object().unwrap() {
                let mut entry = entry.clone();
                entry.as_object_mut().unwrap().remove("karanas");
                let text = serde_json::to_string_pretty(&entry).unwrap() + "\n";
                fs::write(clone.join(record(resource, uuid)), text).unwrap();
            }
        }
        let meta = fs::read_to_string(clone.join("meta.json")).unwrap();
        let mut meta: Value = serde_json::from_str(&meta).unwrap();
        meta["format"] = 1.into();
        meta.as_object_mut().unwrap().remove("sealed_with");
        fs::write(clone.join("meta.json"), meta.to_string()).unwrap();
    });
    let commits = home.commits();
    let open = home.git(&["rev-parse", "main"]).trim().to_owned();
    let server = home.serve();
    assert!(server.log().contains("from format 1 to 2"), "{}", server.log());
    assert_eq!(home.commits(), commits + 1);
    assert_eq!(server.admin().await.read("karanas", &device).await["config"]["password"], secrets[2]);
    let now = home.git(&["grep", "-h", "password", "main", "--", "tables"]);
    assert!(secrets.iter().all(|secret| !now.contains(secret)), "{now}");
    // The past is what it was.
    let past = fine(home.run(&["export", "--secrets", "--at", &open, "-"]));
    assert!(secrets.iter().all(|secret| past.contains(secret)));
}
