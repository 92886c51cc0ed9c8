//! The operator's commands: the same whether a server runs or not.

use crate::support::{Ended, Home, Server, user};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// Ended well; its standard output.
#[track_caller]
pub fn fine(ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// Failed for a reason on stderr.
#[track_caller]
pub fn failed(ended: &Ended, named: &[&str]) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    for text in named {
        assert!(ended.stderr.contains(text), "`{text}` is not named: {}", ended.stderr);
    }
}

/// Runs `test` without a server and beside one.
fn both_ways(test: impl Fn(&Home)) {
    let home = Home::new("");
    test(&home);
    assert!(!home.storage().join("control.sock").exists());
    let home = Home::new("");
    let _server = home.serve();
    test(&home);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let home = Home::new("");
    let script = "set -o pipefail; \"$0\" openapi | head -c 1";
    let program = env!("CARGO_BIN_EXE_karana");
    let mut bash = std::process::Command::new("bash");
    let ended = bash.args(["-c", script, program]).current_dir(home.path(".")).output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"{"[..]), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn the_cause_of_a_failure_is_said_once() {
    let ended = Home::new("").run(&["restore", "--from", "nowhere", "--key", "no-such-file"]);
    failed(&ended, &["no-such-file is to be the key"]);
    assert_eq!(ended.stderr.matches("No such file").count(), 1, "{ended:?}");
}

#[test]
fn wrong_usage_ends_with_2() {
    let home = Home::new("");
    for arguments in [
        &["nonsense"][..],
        &["--nonsense"],
        &["import"],
        &["export"],
        &["user"],
        &["user", "add"],
        &["user", "passwd"],
        &["user", "add", "--email", "a@example.com", "--role", "king"],
        &["log"],
        &["log", "users"],
        &["log", "users/no-uuid"],
        &["plan", "x"],
        &["--config"],
    ] {
        let ended = home.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty());
    }
    assert!(!home.storage().exists(), "nothing is made before the usage is right");
    for arguments in [&["--help"][..], &["--version"], &["help", "user"], &["import", "--help"]] {
        assert!(!fine(home.run(arguments)).is_empty());
    }
}

#[test]
fn users_are_added_listed_and_given_passwords() {
    both_ways(|home| {
        let add = |email: &str, more: &[&str], input: &str| {
            home.run_with_input(&[&["user", "add", "--email", email], more].concat(), input)
        };
        fine(add(
            "ada@example.com",
            &["--role", "admin", "--name", "Ada", "--password-stdin"],
            "password of ada\n",
        ));
        let made = fine(add("micha@example.com", &[], ""));
        assert!(
            made.contains("micha@example.com") && made.contains("password"),
            "one is made and shown: {made}"
        );

        let list = fine(home.run(&["user", "list"]));
        let line = |email: &str| list.lines().find(|line| line.contains(email)).unwrap().to_owned();
        assert!(
            line("ada@example.com").contains("admin") && line("ada@example.com").contains("Ada"),
            "{list}"
        );
        assert!(line("micha@example.com").contains("client"), "{list}");
        assert!(!list.contains("$6$") && !list.contains("password"), "{list}");

        failed(&add("ADA@example.com", &["--password-stdin"], "password of ada"), &["email"]);
        failed(&add("canary", &["--password-stdin"], "password of ada"), &["email"]);
        let short = add("third@example.com", &["--password-stdin"], "cana");
        failed(&short, &["password"]);
        assert!(!short.stderr.contains("cana"), "{}", short.stderr);

        let passwd = |email: &str, input: &str| {
            home.run_with_input(&["user", "passwd", email, "--password-stdin"], input)
        };
        fine(passwd("Ada@Example.com", "another one\n"));
        failed(&passwd("nobody@example.com", "another one\n"), &["nobody@example.com"]);
        failed(&passwd("ada@example.com", "four\n"), &["password"]);
        assert!(fine(home.run(&["user", "passwd", "micha@example.com"])).contains("password"));
        home.git(&["fsck", "--full", "--strict"]);
    });
}

#[tokio::test]
async fn who_was_added_signs_in_and_a_new_password_ends_tokens() {
    let home = Home::new("[api]\nmode = production\n");
    let add = ["user", "add", "--role", "admin", "--email", "ada@example.com"];
    let made = fine(home.run(&add));
    let password = made.rsplit(' ').next().unwrap().trim().to_owned();
    let server = home.serve();
    let ada = server.nobody.login("ada@example.com", &password).await;
    assert_eq!(ada.get("/v1/users").await.results().as_object().unwrap().len(), 1);
    fine(home.run_with_input(&["user", "passwd", "ada@example.com", "--password-stdin"], "another one"));
    ada.get("/v1/users").await.refused(401, "Invalid Authentication");
    server.nobody.login("ada@example.com", "another one").await;
    let trailers = home.git(&["log", "-1", "--format=%(trailers:key=Actor,valueonly)", "main"]);
    assert!(!trailers.trim().is_empty(), "whose doing it was");
}

/// In production nobody gets a known password.
#[tokio::test]
async fn production_makes_no_admin() {
    let home = Home::new("[api]\nmode = production\n");
    let server = home.serve();
    assert_eq!(fine(home.run(&["user", "list"])).trim(), "");
    assert!(server.nobody.try_login("admin@example.com", "admin").await.status >= 400);
    assert!(server.log().contains("karana user add"), "it says how: {}", server.log());
}

#[tokio::test]
async fn test_mode_makes_its_admin_only_where_there_is_nobody() {
    let home = Home::new("");
    fine(home.run(&["user", "add", "--role", "viewer", "--email", "ada@example.com"]));
    let server = home.serve();
    assert!(server.nobody.try_login("admin@example.com", "admin").await.status >= 400);
    assert_eq!(fine(home.run(&["user", "list"])).lines().count(), 1);
}

#[tokio::test]
async fn check_names_what_there_is() {
    let home = Home::new("");
    fine(home.run(&["check"]));
    assert!(!home.storage().exists(), "checking makes nothing");
    fine(home.run(&["user", "add", "--email", "ada@example.com"]));
    let commits = home.commits();
    assert!(fine(home.run(&["check"])).contains("1 users"));
    let _server = home.serve();
    fine(home.run(&["check"]));
    assert_eq!(home.commits(), commits);

    home.write("logging.toml", "[console]\nlevel = \"canary-level\"\n");
    assert_eq!(home.run(&["check"]).code, Some(1));
    home.write("logging.toml", "");
    home.write("config.ini", "[api]\ncolour = red\n");
    failed(&home.run(&["check"]), &["colour"]);
}

/// By the group the server may read what root alone may write.
#[test]
fn check_says_how_to_close_a_configuration_that_others_can_read() {
    let home = Home::new("[influxdb]\nhost = 127.0.0.1\nport = 1\nuser = u\npass = p\n");
    for (mode, is_open) in [(0o644, true), (0o660, true), (0o640, false), (0o600, false)] {
        let file = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(home.path("config.ini"), file).unwrap();
        let said = home.run(&["check"]).stderr;
        assert_eq!(said.contains("other users can read it: chmod 640"), is_open, "{mode:o}: {said}");
    }
}

/// A running server checks what lies on the disk, not what it remembers.
#[tokio::test]
async fn check_beside_a_server_finds_what_is_corrupt() {
    let home = Home::new("");
    let server = home.serve();
    let uuid = server.admin().await.create("users", &user("micha")).await;
    home.tamper(|clone| std::fs::write(clone.join(crate::support::record("users", &uuid)), "{}").unwrap());
    failed(&home.run(&["check"]), &[&uuid]);
}

#[tokio::test]
async fn plan_and_sync_without_back_ends() {
    both_ways(|home| {
        for command in ["plan", "sync"] {
            assert!(fine(home.run(&[command])).contains("not configured"));
        }
    });
    // Nobody listens at port 1.
    let home = Home::new("[influxdb]\nhost = 127.0.0.1\nport = 1\nuser = admin\npass = canary\n");
    fine(home.run(&["user", "add", "--email", "ada@example.com"]));
    for command in ["plan", "sync"] {
        let ended = home.run(&[command]);
        failed(&ended, &["InfluxDB"]);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn log_lists_all_versions_of_a_record() {
    let server = Server::start();
    let (home, ada) = (server.home().clone(), server.admin().await.person("manager", "ada").await.session);
    let uuid = ada.create("users", &user("micha")).await;
    let one = format!("/v1/users/{uuid}");
    ada.patch(&one, &json!({"name": "Another"})).await.entry(&uuid);
    ada.delete(&one).await.entry(&uuid);
    let record = format!("users/{uuid}");
    let running = fine(home.run(&["log", &record]));
    let deeds: Vec<_> =
        running.lines().map(|line| line.split("users: ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(deeds, ["delete", "update", "create"].map(|deed| format!("{deed} {uuid}")));
    assert!(running.lines().all(|line| line.contains("ada")), "{running}");
    for (record, named) in [
        (format!("nothing/{uuid}"), "nothing"),
        ("users/00000000-0000-4000-8000-000000000000".to_owned(), "00000000-0000-4000-8000-000000000000"),
    ] {
        failed(&home.run(&["log", &record]), &[named]);
    }
    server.stop();
    assert_eq!(fine(home.run(&["log", &record])), running);
}

/// A fleet with secrets: `(home, server, admin's view of users and karanas)`.
async fn fleet() -> (Server, [Value; 2]) {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.create("users", &user("owner")).await;
    admin.create("karanas", &json!({"name": "K1 ü", "owner": owner, "config": {}})).await;
    let shown = [admin.get("/v1/users").await.results(), admin.get("/v1/karanas").await.results()];
    (server, shown)
}

#[tokio::test]
async fn an_export_is_masked() {
    let (server, shown) = fleet().await;
    let home = server.home().clone();
    fine(home.run(&["export", "dump.json"]));
    let text = std::fs::read_to_string(home.path("dump.json")).unwrap();
    let dump: Value = serde_json::from_str(&text).unwrap();
    assert!(!text.contains("$6$"));
    for (resource, shown) in ["users", "karanas"].iter().zip(&shown) {
        for (uuid, entry) in shown.as_object().unwrap() {
            let exported = &dump[resource][uuid];
            for (name, value) in entry.as_object().unwrap() {
                match name.as_str() {
                    "password_influx" => assert_eq!(exported[name], "********"),
                    "config" => assert_eq!(exported[name]["password"], "********"),
                    _ => assert_eq!(exported[name], *value, "{name}"),
                }
            }
        }
    }
    let beside = fine(home.run(&["export", "-"]));
    assert_eq!(serde_json::from_str::<Value>(&beside).unwrap(), dump, "to standard output");
    server.stop();
    assert_eq!(fine(home.run(&["export", "-"])), beside, "the same without a server");
    // A masked dump cannot be taken for a whole one.
    let other = Home::new("");
    other.write("dump.json", &text);
    failed(&other.run(&["import", "dump.json"]), &["password"]);
}

#[tokio::test]
async fn an_export_with_secrets_moves_to_another_instance() {
    let (server, shown) = fleet().await;
    let home = server.home().clone();
    std::fs::create_dir(home.path("out")).unwrap();
    fine(home.run(&["export", "--secrets", "out"]));
    for name in ["out/table_db.json", "out/tablestate_db.json"] {
        assert_eq!(home.path(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let text = std::fs::read_to_string(home.path("out/table_db.json")).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "on one line, as the old server writes it");
    let state: Value =
        serde_json::from_slice(&std::fs::read(home.path("out/tablestate_db.json")).unwrap()).unwrap();
    assert_eq!(
        state["users"],
        json!({"metadata": {"res_table_id": 1, "schema": {"entry_create_schema": "UserSchema",
            "entry_import_schema": "UserDbSchema"}, "name": "users", "unique_schema_fields": ["uuid", "email"],
            "credentials_login_field": "email"}})
    );
    assert_eq!(state["karanas"]["metadata"]["res_table_id"], 2);
    assert_eq!(state["karanas"]["metadata"]["credentials_login_field"], Value::Null);

    let other = Home::new("");
    other.write("dump/table_db.json", &text);
    fine(other.run(&["import", "dump"]));
    let server = other.serve();
    let admin = server.admin().await;
    let moved = [admin.get("/v1/users").await.results(), admin.get("/v1/karanas").await.results()];
    assert_eq!(moved, shown);
    server.nobody.login("owner@example.com", "password of owner").await;
}

#[tokio::test]
async fn an_export_as_it_was_then() {
    let (server, shown) = fleet().await;
    let (home, admin) = (server.home().clone(), server.admin().await);
    let then = home.git(&["rev-parse", "main"]).trim().to_owned();
    for uuid in shown[1].as_object().unwrap().keys() {
        admin.delete(&format!("/v1/karanas/{uuid}")).await.entry(uuid);
    }
    let karanas = |arguments: &[&str]| -> usize {
        let dump: Value = serde_json::from_str(&fine(home.run(arguments))).unwrap();
        dump["karanas"].as_object().unwrap().len()
    };
    assert_eq!(karanas(&["export", "-"]), 0);
    assert_eq!(karanas(&["export", "--at", &then, "-"]), 1);
    assert_eq!(karanas(&["export", "--at", &then[..12], "-"]), 1);
    for revision in
        ["0123456789012345678901234567890123456789", "main@{yesterday}", "--upload-pack=x", "../x", ""]
    {
        let ended = home.run(&["export", &format!("--at={revision}"), "-"]);
        assert!(matches!(ended.code, Some(1 | 2)) && ended.stdout.is_empty(), "{revision}: {ended:?}");
    }
    assert_eq!(home.run(&["export", "absent/folder/x"]).code, Some(1));
}

/// What root made in it, the server could not open any more.
#[test]
fn root_does_not_write_to_the_storage_of_a_service() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let home = Home::new("");
    home.serve().stop();
    let nobody = 65534;
    std::os::unix::fs::chown(home.storage(), Some(nobody), None).unwrap();
    let ended = home.run(&["user", "list"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("belongs to the user 65534, and root must not write there"),
        "{}",
        ended.stderr
    );
    // Nor does it make one where only the service can have it.
    let (storage, aside) = (home.storage(), home.storage().with_extension("aside"));
    std::fs::rename(&storage, &aside).unwrap();
    let parent = storage.parent().unwrap();
    let (daemon, person) = (1, 1000);
    std::os::unix::fs::chown(parent, Some(daemon), None).unwrap();
    let ended = home.run(&["user", "list"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("`runuser -u daemon -- karana …`"), "{}", ended.stderr);
    assert!(!storage.exists());
    std::os::unix::fs::chown(parent, Some(person), None).unwrap();
    let ended = home.run(&["user", "list"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    std::fs::remove_dir_all(&storage).unwrap();
    std::os::unix::fs::chown(parent, Some(0), None).unwrap();
    std::fs::rename(&aside, &storage).unwrap();
    // But it may ask one that runs.
    std::os::unix::fs::chown(home.storage(), Some(0), None).unwrap();
    let server = home.serve();
    std::os::unix::fs::chown(home.storage(), Some(nobody), None).unwrap();
    for command in [&["user", "list"][..], &["check"]] {
        let ended = home.run(command);
        assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
    }
    server.stop();
}
