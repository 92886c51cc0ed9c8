//! Dumps and storage folders of the 2017 server, with the mistakes that real ones hold.

use crate::operator::{failed, fine};
use crate::support::{Home, git};
use serde_json::{Value, json};

const OWNER: &str = "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0001";
const OTHER: &str = "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0002";
const KARANA: &str = "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0003";

/// `Hello world!`, of the specification of SHA-crypt.
pub const HASH: &str =
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";

fn old_user(uuid: &str, email: &str, karanas: &[&str]) -> Value {
    json!({"uuid": uuid, "name": "Micha ü", "email": email, "role": "admin", "password_influx": "AAAABBBBCCCC1111",
        "credentials": {"login": email, "password": HASH}, "created_at": "2017-03-02T15:26:11.767166+00:00",
        "karanas": karanas})
}

fn dump() -> Value {
    json!({
        "users": {OWNER: old_user(OWNER, "Micha@all.de", &[KARANA]), OTHER: old_user(OTHER, "other@all.de", &[])},
        "karanas": {KARANA: {"uuid": KARANA, "name": "K1", "note": "", "owner": OWNER,
            "created_at": "2017-03-03T15:26:11.767166+00:00",
            "config": {"series": "data", "password": "AAAABBBBCCCC2222", "signal": 10, "post_int": 30, "get_int": 6}}},
    })
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut dump = dump();
    change(&mut dump);
    dump
}

fn home_with(dump: &str) -> Home {
    let home = Home::new("");
    home.write("old/table_db.json", dump);
    home
}

#[tokio::test]
async fn a_dump_is_taken_over_as_it_is() {
    for running in [false, true] {
        let home = home_with(&dump().to_string());
        // In production, so that there is nobody yet.
        home.write("config.ini", "[api]\nmode = production\n");
        let mut server = running.then(|| home.serve());
        let rehearsed = fine(home.run(&["import", "--dry-run", "old"]));
        assert!(rehearsed.contains('3'), "how many: {rehearsed}");
        assert_eq!(fine(home.run(&["user", "list"])).trim(), "", "a rehearsal changes nothing");
        let commits = home.commits();
        fine(home.run(&["import", "old/table_db.json"]));
        assert_eq!(home.commits(), commits + 1, "all in one commit");

        let server = server.take().unwrap_or_else(|| home.serve());
        let micha = server.nobody.login("micha@ALL.de", "Hello world!").await;
        let mut expected = dump();
        for uuid in [OWNER, OTHER] {
            expected["users"][uuid]["credentials"]["password"] = "********".into();
        }
        for resource in ["users", "karanas"] {
            assert_eq!(micha.get(&format!("/v1/{resource}")).await.results(), expected[resource]);
        }
        let whole: Value = serde_json::from_str(&fine(home.run(&["export", "--secrets", "-"]))).unwrap();
        let made =
            [OWNER, OTHER].map(|uuid| whole["users"][uuid]["password_grafana"].as_str().unwrap().len());
        assert_eq!(made, [16, 16], "the old server had none");
        let again = home.run(&["import", "old"]);
        failed(&again, &["not empty"]);
    }
}

/// Signing in costs what it costs today: a hash of the old server, cheaper than ours, is renewed on the way.
#[tokio::test]
async fn a_hash_of_then_is_renewed_when_its_owner_signs_in() {
    let home = home_with(&dump().to_string()).env("KARANA_AUTH_HASH_ROUNDS", "6000");
    fine(home.run(&["import", "old"]));
    let server = home.serve();
    let token = server.nobody.login("micha@all.de", "Hello world!").await;
    let stored = crate::users::stored(&server, "users", OWNER);
    assert!(stored["credentials"]["password"].as_str().unwrap().starts_with("$6$rounds=6000$"));
    token.get("/v1/users").await.results();
    server.nobody.login("micha@all.de", "Hello world!").await;
}

#[test]
fn merge_imports_into_what_is_there() {
    let home = home_with(&dump().to_string());
    fine(home.run(&["user", "add", "--email", "ada@example.com"]));
    failed(&home.run(&["import", "old"]), &["not empty", "--merge"]);
    fine(home.run(&["import", "--merge", "--dry-run", "old"]));
    assert_eq!(fine(home.run(&["user", "list"])).lines().count(), 1);
    fine(home.run(&["import", "--merge", "old"]));
    assert_eq!(fine(home.run(&["user", "list"])).lines().count(), 3);
    // The same again: every entry is there already, and named.
    failed(&home.run(&["import", "--merge", "old"]), &[OWNER, OTHER, KARANA]);

    let home = home_with(&dump().to_string());
    fine(home.run(&["user", "add", "--email", "MICHA@all.de"]));
    failed(&home.run(&["import", "--merge", "old"]), &[OWNER, "email"]);
    assert_eq!(fine(home.run(&["user", "list"])).lines().count(), 1, "all or nothing");
}

/// Each mistake is named by entry and field, never with its value; nothing is imported.
#[test]
fn mistakes_are_named_and_nothing_is_imported() {
    let user = |field: &'static str, value: Value| {
        with(|dump| {
            *dump["users"][OWNER].pointer_mut(field).unwrap() = value;
        })
    };
    let config = |field: &'static str, value: Value| {
        with(|dump| {
            *dump["karanas"][KARANA].pointer_mut(field).unwrap() = value;
        })
    };
    for (mistake, dump, named) in [
        (
            "a plain-text password",
            user("/credentials/password", json!("canary-password")),
            &[OWNER, "credentials.password"][..],
        ),
        ("no login", user("/credentials", json!({"password": HASH})), &[OWNER, "credentials.login"]),
        (
            "no credentials",
            with(|dump| {
                dump["users"][OWNER].as_object_mut().unwrap().remove("credentials");
            }),
            &[OWNER, "credentials"],
        ),
        ("an email twice", user("/email", json!("OTHER@all.de")), &["users/4e1fcc06", "email"]),
        ("an email that is none", user("/email", json!("canary")), &[OWNER, "email"]),
        ("a role that is none", user("/role", json!("canary")), &[OWNER, "role"]),
        ("a time that is none", user("/created_at", json!("canary")), &[OWNER, "created_at"]),
        (
            "another uuid inside",
            user("/uuid", json!("4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0009")),
            &[OWNER, "uuid"],
        ),
        (
            "an unknown field",
            with(|dump| dump["users"][OWNER]["nickname"] = "canary".into()),
            &[OWNER, "nickname"],
        ),
        (
            "an owner that is gone",
            with(|dump| {
                dump["users"].as_object_mut().unwrap().remove(OWNER);
            }),
            &[KARANA, "owner"],
        ),
        ("an owner that is none", config("/owner", json!("canary")), &[KARANA, "owner"]),
        ("a series with %", config("/config/series", json!("canary%")), &[KARANA, "config.series"]),
        (
            "no device password",
            config("/config", json!({"series": "data", "signal": 1, "post_int": 1, "get_int": 1})),
            &[KARANA, "config.password"],
        ),
        ("an entry that is none", with(|dump| dump["karanas"][KARANA] = "canary".into()), &[KARANA]),
        ("a table that is none", with(|dump| dump["karanas"] = json!(["canary"])), &["karanas"]),
        ("an unknown table", with(|dump| dump["windmills"] = json!({"canary": {}})), &["windmills"]),
    ] {
        let home = home_with(&dump.to_string());
        for arguments in
            [&["import", "--dry-run", "old"][..], &["import", "old"], &["import", "--merge", "old"]]
        {
            let ended = home.run(arguments);
            assert_eq!(ended.code, Some(1), "{mistake}: {ended:?}");
            for text in named {
                let said = &ended.stderr;
                assert!(said.contains(text), "{mistake}: `{text}` is not named: {said}");
            }
            let shown = ended.stderr.replace("karana: ", "");
            assert!(!shown.contains("canary") && !shown.contains("$6$salt"), "{mistake}: a value: {shown}");
        }
        assert_eq!(fine(home.run(&["user", "list"])).trim(), "", "{mistake}");
    }
}

/// Also those that only show when entries are compared: who repairs a dump wants to do so in one go.
#[test]
fn all_mistakes_are_named_at_once() {
    let dump = with(|dump| {
        dump["users"][OWNER]["email"] = "other@all.de".into();
        dump["users"][OTHER]["role"] = "canary".into();
        dump["karanas"][KARANA]["owner"] = "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0009".into();
        dump["karanas"][KARANA]["config"]["post_int"] = json!("often");
    });
    let ended = home_with(&dump.to_string()).run(&["import", "old"]);
    failed(&ended, &["email", "role", "owner", "config.post_int", KARANA, OTHER]);
}

#[test]
fn files_that_are_no_dump() {
    for text in ["", " \n", "{", "[]", "null", "\"canary\"", "{\"users\": {canary", "{} canary"] {
        let ended = home_with(text).run(&["import", "old"]);
        failed(&ended, &["dump"]);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
    let home = Home::new("");
    home.write("latin1/table_db.json", b"{\"users\": \"\xe4\"}");
    failed(&home.run(&["import", "latin1"]), &["latin1"]);
    failed(&home.run(&["import", "absent.json"]), &["absent.json"]);
    std::fs::create_dir(home.path("empty")).unwrap();
    failed(&home.run(&["import", "empty"]), &["table_db.json"]);
}

/// The old server lost entries of these lists; the karanas' own `owner` counts, and the difference is told.
#[tokio::test]
async fn a_list_that_misses_karanas_is_noted() {
    for list in [json!([]), json!([OTHER]), json!(null), json!([KARANA, OTHER])] {
        let home = home_with(&with(|dump| dump["users"][OWNER]["karanas"] = list).to_string());
        let ended = home.run(&["import", "old"]);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(0), "{said}");
        assert!(said.contains(OWNER) && said.contains("karanas"), "{said}");
        let server = home.serve();
        let micha = server.nobody.login("micha@all.de", "Hello world!").await;
        assert_eq!(micha.read("users", OWNER).await["karanas"], json!([KARANA]));
    }
}

/// The old server wrote its local time and called it UTC: east of Greenwich, that lies in the future.
#[test]
fn a_local_time_labelled_utc_is_noted() {
    let future =
        (chrono::Utc::now() + chrono::Duration::hours(2)).format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
    let home = home_with(&with(|dump| dump["users"][OWNER]["created_at"] = future.into()).to_string());
    let ended = home.run(&["import", "old"]);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains(OWNER) && said.contains("created_at"), "the import does not name it: {said}");
}

/// An old server's storage folder: taken over at the start, its own files left as they are.
#[tokio::test]
async fn an_old_storage_folder_is_taken_over_at_the_start() {
    let home = Home::new("");
    let text = dump().to_string();
    home.write("storage/table_db.json", &text);
    home.write("storage/tablestate_db.json", "{}");
    git(&home.storage(), &["init", "-q", "-b", "master", "."]);
    git(&home.storage(), &["add", "-A"]);
    git(&home.storage(), &["commit", "-qm", "old"]);
    let before = git(&home.storage(), &["rev-parse", "HEAD"]);
    for _ in 0..2 {
        let server = home.serve();
        let micha = server.nobody.login("micha@all.de", "Hello world!").await;
        assert_eq!(micha.get("/v1/karanas").await.results(), dump()["karanas"]);
        assert!(
            server.nobody.try_login("admin@example.com", "admin").await.status >= 400,
            "there is somebody"
        );
        server.stop();
    }
    assert_eq!(std::fs::read_to_string(home.path("storage/table_db.json")).unwrap(), text);
    assert_eq!(git(&home.storage(), &["rev-parse", "HEAD"]), before);
    assert_eq!(git(&home.storage(), &["status", "--porcelain", "--untracked-files=no"]), "");
    assert_eq!(git(&home.storage(), &["log", "--format=%s"]).trim(), "old");
}

#[test]
fn an_old_storage_folder_with_mistakes_keeps_the_server_from_starting() {
    for (text, named) in [
        (with(|dump| dump["users"][OWNER]["role"] = "canary".into()).to_string(), &[OWNER, "role"][..]),
        (
            with(|dump| dump["users"][OWNER]["email"] = "other@all.de".into()).to_string(),
            &["table_db.json", "email"],
        ),
        (String::new(), &["empty"]),
    ] {
        let home = Home::new("");
        home.write("storage/table_db.json", &text);
        let ended = home.run(&[]);
        failed(&ended, named);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
        // Twice: the first attempt leaves nothing behind that hides the dump from the second.
        failed(&home.run(&[]), named);
        assert_eq!(std::fs::read_to_string(home.path("storage/table_db.json")).unwrap(), text);
        home.write("storage/table_db.json", dump().to_string());
        home.serve().stop();
        assert_eq!(fine(home.run(&["user", "list"])).lines().count(), 2);
    }
}
