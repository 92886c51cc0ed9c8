mod cut_off;
mod feed;
mod model;
mod shared_uuid;

use super::*;
use crate::resource::{Entry, TOKEN_EPOCH, field, set_field};
use serde_json::{Value, json};
use std::process::Command;

fn settings(path: &std::path::Path) -> Settings {
    let enabled = ["maintenances", "payments"].map(String::from);
    Settings {
        path: path.to_owned(),
        tenant: ("T1".into(), "Tenant".into()),
        kinds: Kinds::enabled(&enabled).unwrap(),
        keys: KeyFile { path: path.join("keys/seal.keys"), is_ours: true },
        clock: Arc::new(|| DateTime::from_timestamp(1_700_000_000, 0).unwrap()),
        log_size: LOG_SIZE,
    }
}

fn open(path: &std::path::Path) -> Store {
    Store::open(settings(path)).unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(path: &std::path::Path) -> String {
    match Store::open(settings(path)) {
        Ok(_) => panic!("it opened"),
        Err(e) => e.to_string(),
    }
}

fn author() -> Author {
    Author {
        name: "Ada <x>\n".into(),
        email: "ada@example.com".into(),
        actor: "users/1".into(),
        request_id: Some("r1".into()),
    }
}

fn user(email: &str) -> Entry {
    let kinds = Kinds::enabled(&[]).unwrap();
    let kind = kinds.get("users").unwrap();
    let input = json!({"name": "Ada", "email": email, "credentials": {"login": email, "password": "12345"}});
    let mut entry = kind.new_entry(input.as_object().unwrap()).unwrap();
    set_field(&mut entry, crate::resource::PASSWORD, format!("$6$salt${}", "h".repeat(86)).into());
    kind.complete(&mut entry, Uuid::new_v4(), DateTime::UNIX_EPOCH);
    entry
}

/// An entry of before users had a secret for Grafana gets one that lasts; one of the past stays as it was.
#[tokio::test]
async fn a_secret_that_has_come_since_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut then = settings(folder.path());
    let mut definitions: Vec<_> = then.kinds.public().map(|kind| kind.definition().clone()).collect();
    let users = definitions.iter_mut().find(|definition| definition.name == "users").unwrap();
    users.generated_secrets.retain(|secret| secret.field != "password_grafana");
    users.entry_import_schema["properties"].as_object_mut().unwrap().remove("password_grafana");
    then.kinds = Kinds::compile(definitions).unwrap();
    let store = Store::open(then).unwrap_or_else(|e| panic!("{e}"));
    let mut ada = user("ada@example.com");
    ada.remove("password_grafana");
    let revision = insert(&store, "users", &ada).await.unwrap();
    store.close().await;
    drop(store);

    let secret = |store: &Store| {
        let kind = store.kinds().get("users").unwrap();
        store.read().get(kind, uuid(&ada)).unwrap().entry().get("password_grafana").cloned()
    };
    let store = open_again(folder.path()).await;
    let made = secret(&store).unwrap();
    assert_eq!(made.as_str().unwrap().len(), 16);
    let kind = store.kinds().get("users").unwrap();
    let past = store.record_at(kind, uuid(&ada), &Moment::Revision(revision.0)).unwrap().unwrap();
    assert_eq!(past, ada);
    store.close().await;
    drop(store);
    assert_eq!(secret(&open_again(folder.path()).await), Some(made));
}

fn entry(resource: &str, input: Value) -> Entry {
    let kinds = settings(std::path::Path::new("/")).kinds;
    let kind = kinds.get(resource).unwrap();
    let mut entry = kind.new_entry(input.as_object().unwrap()).unwrap();
    kind.complete(&mut entry, Uuid::new_v4(), DateTime::UNIX_EPOCH);
    entry
}

fn karana(owner: &Value) -> Entry {
    entry("karanas", json!({"name": "K1", "owner": owner, "config": {}}))
}

fn uuid(entry: &Entry) -> Uuid {
    entry["uuid"].as_str().unwrap().parse().unwrap()
}

async fn insert(store: &Store, resource: &'static str, entry: &Entry) -> Result<Revision, Error> {
    let entry = entry.clone();
    let kinds = store.kinds().clone();
    store.write(author(), move |t| t.insert(kinds.get(resource).unwrap(), &entry)).await.map(|w| w.revision)
}

async fn delete(
    store: &Store,
    resource: &'static str,
    uuid: Uuid,
    dependents: Dependents,
) -> Result<Revision, Error> {
    let kinds = store.kinds().clone();
    store
        .write(author(), move |t| t.delete(kinds.get(resource).unwrap(), uuid, dependents))
        .await
        .map(|w| w.revision)
}

/// What git says of the repository, once it holds what was answered.
fn git(path: &std::path::Path, args: &[&str]) -> String {
    std::thread::sleep(std::time::Duration::from_millis(100));
    let output =
        Command::new("git").arg("--git-dir").arg(path.join("tables.git")).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_and_in_git() {
    let folder = tempfile::tempdir().unwrap();
    let ada = user("ada@example.com");
    let store = open(folder.path());
    let before = store.read();
    let revision = insert(&store, "users", &ada).await.unwrap();
    let kinds = store.kinds().clone();
    assert_eq!(before.len(kinds.get("users").unwrap()), 0, "a snapshot does not move");
    drop(store);

    let store = open_again(folder.path()).await;
    let kind = store.kinds().get("users").unwrap();
    assert_eq!(store.read().revision(), &revision);
    assert_eq!(store.read().get(kind, uuid(&ada)).unwrap().entry(), ada);
    assert_eq!(store.read().by_unique(kind, "email", "ADA@example.COM").unwrap().uuid(), uuid(&ada));

    assert_eq!(git(folder.path(), &["fsck", "--full", "--strict"]), "");
    let name = uuid(&ada).to_string();
    let path = format!("tables/users/{}/{}/{}/{name}.json", &name[..1], &name[1..2], &name[2..3]);
    let stored: Entry =
        serde_json::from_str(&git(folder.path(), &["show", &format!("main:{path}")])).unwrap();
    assert_eq!((&stored["name"], &stored["email"]), (&ada["name"], &ada["email"]));
    for secret in kind.secrets() {
        assert!(
            field(&stored, secret).unwrap().as_str().unwrap().starts_with("sealed:"),
            "{secret} lies open"
        );
    }
    assert_eq!(
        git(folder.path(), &["log", "-1", "--format=%an <%ae> %at%n%B", "main"]).trim_end(),
        format!("Ada x <ada@example.com> 1700000000\nusers: create {name}\n\nActor: users/1\nRequest-Id: r1")
    );
    let history = store.history(kind, uuid(&ada)).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].entry.as_ref(), Some(&ada));
    assert_eq!(history[0].actor, "users/1");
    assert_eq!(store.at(&Moment::Revision(revision.0[..8].into())).unwrap().len(kind), 1);
    assert!(store.at(&Moment::Revision("ffffffff".into())).is_err());
}

/// The writer lets go of the lock a moment after the last handle is dropped.
async fn open_again(path: &std::path::Path) -> Store {
    for _ in 0..500 {
        match Store::open(settings(path)) {
            Err(OpenError::Locked { .. }) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            other => return other.unwrap_or_else(|e| panic!("{e}")),
        }
    }
    panic!("the lock is still held");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_concurrent_creates_with_one_email_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let before = git(folder.path(), &["rev-list", "--count", "main"]).trim().parse::<usize>().unwrap();
    let tries = (0..64).map(|i| {
        let entry = user(if i % 2 == 0 { "ada@example.com" } else { "Ada@Example.com" });
        let store = store.clone();
        tokio::spawn(async move { insert(&store, "users", &entry).await })
    });
    let outcomes = futures::future::join_all(tries).await;
    let written = outcomes.iter().filter(|o| o.as_ref().unwrap().is_ok()).count();
    let refused = outcomes.iter().filter(|o| matches!(o.as_ref().unwrap(), Err(Error::Conflict(_)))).count();
    assert_eq!((written, refused), (1, 63));
    assert_eq!(git(folder.path(), &["rev-list", "--count", "main"]).trim(), (before + 1).to_string());
    assert_eq!(git(folder.path(), &["fsck", "--full"]), "");
}

#[tokio::test]
async fn deleting_an_owner_releases_its_karanas_in_the_same_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (users, karanas) = (store.kinds().get("users").unwrap(), store.kinds().get("karanas").unwrap());
    let ada = user("ada@example.com");
    let device = karana(&ada["uuid"]);
    insert(&store, "users", &ada).await.unwrap();
    insert(&store, "karanas", &device).await.unwrap();
    assert_eq!(store.read().owner(karanas, &device), Some(uuid(&ada)));

    delete(&store, "users", uuid(&ada), Dependents::AsDeclared).await.unwrap();
    let tables = store.read();
    assert!(tables.get(users, uuid(&ada)).is_none());
    assert_eq!(tables.get(karanas, uuid(&device)).unwrap().entry()["owner"], Value::Null);
    assert_eq!(tables.referrers(uuid(&ada)).count(), 0);
    assert_eq!(
        git(folder.path(), &["log", "-1", "--format=%B", "main"]).lines().take(3).collect::<Vec<_>>(),
        [
            format!("users: delete {} (and 1 more)", uuid(&ada)),
            String::new(),
            format!("karanas: update {}", uuid(&device))
        ]
    );
    assert_eq!(git(folder.path(), &["fsck", "--full", "--strict"]), "");
}

#[tokio::test]
async fn what_hangs_on_a_karana_keeps_it_unless_it_shall_go_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let ada = user("ada@example.com");
    let device = karana(&ada["uuid"]);
    let visit =
        entry("maintenances", json!({"karana": device["uuid"], "date": "2026-01-31", "technician": "Bob"}));
    let payment = entry(
        "payments",
        json!({"owner": ada["uuid"], "karana": device["uuid"], "amount": 250, "currency": "SLE",
               "paid_at": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"}),
    );
    for (resource, entry) in
        [("users", &ada), ("karanas", &device), ("maintenances", &visit), ("payments", &payment)]
    {
        insert(&store, resource, entry).await.unwrap();
    }
    assert_eq!(store.read().owner(store.kinds().get("maintenances").unwrap(), &visit), Some(uuid(&ada)));
    for dependents in [Dependents::AsDeclared, Dependents::Release] {
        let refusal = delete(&store, "karanas", uuid(&device), dependents).await.unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "1 in maintenances and 1 in payments refer to it; delete them first, or ask for dependents=delete"
        );
    }
    let before = git(folder.path(), &["rev-list", "--count", "main"]);
    delete(&store, "users", uuid(&ada), Dependents::Delete).await.unwrap();
    assert!(store.read().is_empty());
    assert!(
        !git(folder.path(), &["ls-tree", "-r", "-t", "--name-only", "main"]).contains("tables/"),
        "no empty folders"
    );
    let after = git(folder.path(), &["rev-list", "--count", "main"]);
    assert_eq!(after.trim().parse::<u32>().unwrap(), before.trim().parse::<u32>().unwrap() + 1);
    assert_eq!(git(folder.path(), &["fsck", "--full", "--strict"]), "");
}

#[tokio::test]
async fn a_refused_or_panicking_mutation_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let revision = store.read().revision().clone();
    let nobody: Value = Uuid::new_v4().to_string().into();
    let refused = insert(&store, "karanas", &karana(&nobody)).await.unwrap_err();
    assert_eq!(refused.to_string(), "owner: refers to an entry of users that does not exist");
    let mut broken = user("ada@example.com");
    broken.remove("email");
    assert_eq!(insert(&store, "users", &broken).await.unwrap_err().to_string(), "email: is required");
    let panicked = store.write::<(), _>(author(), |_| panic!("a bug")).await.unwrap_err();
    assert!(matches!(panicked, Error::Internal(_)));
    assert_eq!(store.read().revision(), &revision);
    insert(&store, "users", &user("ada@example.com")).await.unwrap();
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(folder.path());
    let refusal = refusal(folder.path());
    assert!(refusal.contains("is in use by another process"), "{refusal}");
}

#[test]
fn a_storage_of_another_tenant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    std::thread::sleep(std::time::Duration::from_millis(100));
    let mut other = settings(folder.path());
    other.tenant.0 = "T2".into();
    let refusal = Store::open(other).err().unwrap().to_string();
    assert!(refusal.contains("belongs to the tenant `T1`"), "{refusal}");
}

/// Writes files straight into the repository, as an operator with git would.
fn tamper(path: &std::path::Path, files: &[(&str, &str)]) {
    let work = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let status = Command::new("git").current_dir(work.path()).args(args).output().unwrap();
        assert!(status.status.success(), "{args:?}: {}", String::from_utf8_lossy(&status.stderr));
    };
    run(&["clone", "-q", path.join("tables.git").to_str().unwrap(), "."]);
    for (name, text) in files {
        let file = work.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    run(&["add", "-A"]);
    run(&["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "by hand"]);
    run(&["push", "-q", "origin", "HEAD:main"]);
}

#[tokio::test]
async fn every_bad_entry_is_named_and_nothing_is_served() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let id = |n: u8| format!("{n}{n}{n}00000-0000-4000-8000-000000000000");
    let path = |n: u8| format!("tables/users/{n}/{n}/{n}/{}.json", id(n));
    let mut bad = user("mallory@example.com");
    bad.insert("email".into(), "not-an-address".into());
    bad.insert("uuid".into(), id(2).into());
    bad.insert(TOKEN_EPOCH.into(), "x".into());
    let mut stray = user("eve@example.com");
    stray.insert("uuid".into(), id(4).into());
    tamper(
        folder.path(),
        &[
            (&path(1), "{\"uuid\": "),
            (&path(2), &canonical(&bad)),
            (&path(3), &canonical(&user("bob@example.com"))),
            ("tables/users/4/4/4/note.txt", "hello"),
            ("tables/cars/5/5/5/55500000-0000-4000-8000-000000000000.json", "{}"),
        ],
    );
    std::thread::sleep(std::time::Duration::from_millis(100));
    let refusal = refusal(folder.path());
    for line in [
        &format!("  {}: is not a JSON object (line 1, column 9)", path(1)),
        &format!("  {}: email: must be a valid e-mail address", path(2)),
        &format!("  {}: uuid: must be the uuid in the file's name", path(3)),
        "  tables/users/4/4/4/note.txt: is not where a record with this name belongs",
        "  tables/cars/5/5/5/55500000-0000-4000-8000-000000000000.json: the resource `cars` is not in force ([resources] enabled, dir), but has entries",
    ] {
        assert!(refusal.contains(line), "{line}\nis not in\n{refusal}");
    }
    assert!(!refusal.contains("not-an-address"));
}

#[tokio::test]
async fn the_past_is_shown_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    drop(open_again(folder.path()).await);
    let path = "tables/cars/5/5/5/55500000-0000-4000-8000-000000000000.json";
    std::thread::sleep(std::time::Duration::from_millis(100));
    tamper(folder.path(), &[(path, "{}")]);
    let then = git(folder.path(), &["rev-parse", "main"]);
    // Taken out again by hand: today everything is in order.
    let before = git(folder.path(), &["rev-parse", "main^^{tree}"]);
    let author = ["-c", "user.name=x", "-c", "user.email=x@y"];
    let commit = git(
        folder.path(),
        &[&author[..], &["commit-tree", before.trim(), "-p", then.trim(), "-m", "mended"]].concat(),
    );
    git(folder.path(), &["update-ref", "refs/heads/main", commit.trim()]);
    let store = open_again(folder.path()).await;
    let refused = store.at(&Moment::Revision(then.trim().into())).err().unwrap().to_string();
    assert!(refused.contains(path) && refused.contains("breaks 1 of today's rules"), "{refused}");
    assert!(store.at(&Moment::Revision(commit.trim().into())).is_ok());
}

#[tokio::test]
async fn an_old_storage_folder_is_taken_over_as_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let mut ada = user("ada@example.com");
    let device = karana(&ada["uuid"]);
    for field in ["state", TOKEN_EPOCH] {
        ada.remove(field);
    }
    ada.insert("karanas".into(), json!([]));
    let mut old_device = device.clone();
    for field in ["state", "kid"] {
        old_device.remove(field);
    }
    old_device["config"]["post_int"] = "30".into();
    let dump = json!({"users": {ada["uuid"].as_str().unwrap(): ada}, "karanas": {device["uuid"].as_str().unwrap(): old_device}});
    std::fs::write(folder.path().join("table_db.json"), dump.to_string()).unwrap();

    let store = open(folder.path());
    assert_eq!(
        store.read().get(store.kinds().get("karanas").unwrap(), uuid(&device)).unwrap().entry(),
        device
    );
    let log = git(folder.path(), &["log", "--format=%s", "main"]);
    assert_eq!(log, "import of 2 entries from table_db.json\nstore: describe (meta.json, resources.json)\n");
    assert!(folder.path().join("table_db.json").exists());

    // What is exported can be imported again.
    let exported = export(&store.read(), true);
    assert_eq!(exported["users"][ada["uuid"].as_str().unwrap()]["karanas"], json!([device["uuid"]]));
    assert!(
        Import::read(
            &Snapshot::empty(store.kinds().clone(), store.read().keys().clone()),
            &exported.to_string(),
            DateTime::UNIX_EPOCH
        )
        .is_ok()
    );
    assert_eq!(
        tablestate(store.kinds())["users"]["metadata"]["schema"]["entry_import_schema"],
        "UserDbSchema"
    );
}

#[test]
fn mistakes_of_old_dumps_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("table_db.json"), "").unwrap();
    assert!(refusal(folder.path()).contains("dump: is empty"), "{}", refusal(folder.path()));

    let mut plain = user("a@example.com");
    set_field(&mut plain, crate::resource::PASSWORD, "plaintext".into());
    let mut headless = user("b@example.com");
    headless["credentials"].as_object_mut().unwrap().remove("login");
    let (one, two) = (user("same@example.com"), user("Same@example.com"));
    let orphan = karana(&Uuid::new_v4().to_string().into());
    let by_uuid = |entries: &[&Entry]| -> Value {
        entries
            .iter()
            .map(|e| (e["uuid"].as_str().unwrap().to_owned(), Value::Object((*e).clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    std::fs::write(
        folder.path().join("table_db.json"),
        json!({"users": by_uuid(&[&plain, &headless])}).to_string(),
    )
    .unwrap();
    let text = refusal(folder.path());
    assert!(text.contains("credentials.password: must be a sha512-crypt hash ($6$…); what stands there may be the password itself"), "{text}");
    assert!(text.contains("credentials.login: is required"), "{text}");
    assert!(!text.contains("plaintext"));

    let dump = json!({"users": by_uuid(&[&one, &two]), "karanas": by_uuid(&[&orphan])});
    std::fs::write(folder.path().join("table_db.json"), dump.to_string()).unwrap();
    let text = refusal(folder.path());
    assert!(text.contains("email: is taken by another entry of users"), "{text}");
    assert!(
        text.contains(&format!(
            "karanas/{}: owner: refers to an entry of users that does not exist",
            uuid(&orphan)
        )),
        "{text}"
    );
    assert!(
        git(folder.path(), &["log", "--format=%s", "main"]).starts_with("store: describe"),
        "nothing was imported"
    );
}
