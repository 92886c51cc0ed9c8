//! The contract of `/v1` that every resource keeps, whichever there are.

use crate::support::{Server, Session, user};
use karana::resource::Kinds;
use serde_json::{Value, json};

/// Definitions of declared resources.
pub const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/resources.d");

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// How entries of a resource are made and changed.
struct Sample {
    create: Value,
    /// Two fields with new values.
    put: Value,
    /// One field with a new value.
    patch: Value,
    /// All keys that an entry has on `/v1`, sorted.
    keys: &'static [&'static str],
}

/// What the entries under test refer to.
struct Fleet {
    owner: String,
    karana: String,
}

impl Fleet {
    async fn new(admin: &Session) -> Self {
        let owner = admin.create("users", &user("owner")).await;
        let karana =
            admin.create("karanas", &json!({"name": "Of owner", "owner": owner, "config": {}})).await;
        Self { owner, karana }
    }

    /// A resource that has been added to the program gets its line here.
    fn sample(&self, resource: &str) -> Sample {
        match resource {
            "users" => Sample {
                create: user("micha"),
                put: json!({"name": "Micha ü😀", "email": "micha@all.de"}),
                patch: json!({"role": "viewer"}),
                keys: &[
                    "created_at",
                    "credentials",
                    "email",
                    "karanas",
                    "name",
                    "password_influx",
                    "role",
                    "uuid",
                ],
            },
            "karanas" => Sample {
                create: json!({"name": "K1", "owner": self.owner, "config": {"post_int": 15}}),
                put: json!({"name": "K1 ü😀", "note": "on the roof"}),
                patch: json!({"config": {"get_int": 12}}),
                keys: &["config", "created_at", "name", "note", "owner", "uuid"],
            },
            "maintenances" => Sample {
                create: json!({"karana": self.karana, "date": "2026-02-28", "technician": "Ada"}),
                put: json!({"technician": "Grace", "description": "new battery ü😀"}),
                patch: json!({"state": "done"}),
                keys: &["created_at", "date", "description", "karana", "state", "technician", "uuid"],
            },
            "payments" => Sample {
                create: json!({"owner": self.owner, "karana": self.karana, "amount": 250, "currency": "EUR",
                    "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2026-03-31T12:00:00Z"}),
                put: json!({"amount": -5, "currency": "SLE"}),
                patch: json!({"amount": "300"}),
                keys: &[
                    "amount",
                    "created_at",
                    "currency",
                    "karana",
                    "owner",
                    "paid_at",
                    "uuid",
                    "valid_until",
                ],
            },
            "simcards" => Sample {
                create: json!({"iccid": "8949000000000000001"}),
                put: json!({"state": "blocked", "provider": "Orange ü😀"}),
                patch: json!({"megabytes": "300"}),
                keys: &[
                    "access_code",
                    "created_at",
                    "iccid",
                    "karana",
                    "megabytes",
                    "pin",
                    "provider",
                    "state",
                    "uuid",
                ],
            },
            "sites" => Sample {
                create: json!({"name": "Kenema"}),
                put: json!({"name": "Kenema ü😀", "position": {"longitude": -11.19}}),
                patch: json!({"position": {"latitude": 7.88}}),
                keys: &["created_at", "name", "part_of", "position", "uuid"],
            },
            unknown => panic!("the resource `{unknown}` has no sample in tests/it/resources.rs: give it one"),
        }
    }
}

/// The names of all resources, from the server's own defaults.
pub fn all_resources() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.ini");
    std::fs::write(&file, "").unwrap();
    let config = karana::config::Config::load(Some(&file), []).unwrap();
    Kinds::enabled(&config.resources.enabled).unwrap().public().map(|kind| kind.name().to_owned()).collect()
}

/// Those, and the declared ones that come as examples.
fn served() -> Vec<String> {
    all_resources().into_iter().chain(["simcards", "sites"].map(String::from)).collect()
}

fn start() -> Server {
    Server::start_with("", &[("KARANA_RESOURCES_DIR", EXAMPLES)])
}

#[test]
fn the_resources_of_the_contract_are_enabled_by_default() {
    assert_eq!(all_resources(), ["users", "karanas", "maintenances", "payments"]);
}

/// Whatever of `change` was sent is now in `entry`, and nothing else differs from `before`. Numbers may be sent as text.
fn assert_changed(before: &Value, change: &Value, after: &Value) {
    let mut expected = before.clone();
    merge(&mut expected, change);
    assert_eq!(*after, expected);
}

fn merge(into: &mut Value, change: &Value) {
    for (name, value) in change.as_object().unwrap() {
        match (&mut into[name], value) {
            (inner @ Value::Object(_), Value::Object(_)) => merge(inner, value),
            (old @ Value::Number(_), Value::String(text)) => *old = text.parse::<i64>().unwrap().into(),
            (old, _) => *old = value.clone(),
        }
    }
}

#[tokio::test]
async fn every_resource_lives_from_create_to_delete() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        let all = format!("/v1/{resource}");

        let created = admin.post(&format!("{all}/new"), &sample.create).await.results();
        let uuid = created["uuid"].as_str().unwrap().to_owned();
        assert_eq!(created, json!({"uuid": uuid}));
        assert_eq!(uuid::Uuid::parse_str(&uuid).unwrap().hyphenated().to_string(), uuid);
        let one = format!("{all}/{uuid}");

        let first = admin.get(&one).await.entry(&uuid);
        assert_eq!(
            first.as_object().unwrap().keys().collect::<std::collections::BTreeSet<_>>(),
            sample.keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>().iter().collect()
        );
        assert_eq!(first["uuid"], uuid.as_str());
        assert_is_old_time(first["created_at"].as_str().unwrap());
        let listed = admin.get(&all).await.results();
        assert_eq!(listed[&uuid], first, "{resource}");

        let put = admin.put(&one, &sample.put).await.entry(&uuid);
        assert_changed(&first, &sample.put, &put);
        assert_eq!(admin.get(&one).await.entry(&uuid), put);

        let patched = admin.patch(&one, &sample.patch).await.entry(&uuid);
        assert_changed(&put, &sample.patch, &patched);
        assert_eq!(admin.get(&one).await.entry(&uuid), patched);

        assert_eq!(admin.delete(&one).await.entry(&uuid), patched, "the deleted entry");
        admin.get(&one).await.refused(404, "Get Resource Error");
        admin.put(&one, &sample.put).await.refused(404, "Update Resource Error");
        admin.patch(&one, &sample.patch).await.refused(404, "Modify Resource Error");
        admin.delete(&one).await.refused(404, "Delete Resource Error");
        assert_eq!(admin.get(&all).await.results()[&uuid], Value::Null);
    }
}

/// `2017-03-02T15:26:11.767166+00:00`, and now.
fn assert_is_old_time(text: &str) {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(), text);
    let age = chrono::Utc::now().signed_duration_since(time).num_seconds();
    assert!((-1..600).contains(&age), "{text} is not now");
}

#[tokio::test]
async fn an_empty_table_is_an_empty_object() {
    let server = start();
    let admin = server.admin().await;
    for resource in served().iter().filter(|name| *name != "users") {
        let answer = admin.get(&format!("/v1/{resource}")).await;
        assert_eq!(answer.text(), r#""{\"results\": [{}]}""#);
    }
}

#[tokio::test]
async fn a_put_has_two_fields_or_more_and_a_patch_exactly_one() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        let uuid = admin.create(&resource, &sample.create).await;
        let one = format!("/v1/{resource}/{uuid}");
        let before = admin.read(&resource, &uuid).await;
        let commits = server.home().commits();
        let mut unknown_too = sample.patch.clone();
        unknown_too["no_such_field"] = 1.into();

        for data in [json!({}), sample.patch.clone(), unknown_too.clone(), json!({"a": 1, "b": 2})] {
            admin.put(&one, &data).await.refused(400, "Update Resource Error");
        }
        for data in [json!({}), sample.put.clone(), json!({"no_such_field": 1})] {
            admin.patch(&one, &data).await.refused(400, "Modify Resource Error");
        }
        assert_eq!(admin.read(&resource, &uuid).await, before);
        assert_eq!(server.home().commits(), commits, "a refusal made a commit");

        // What the server does not know does not count, and does not harm.
        let patched = admin.patch(&one, &unknown_too).await.entry(&uuid);
        assert_changed(&before, &sample.patch, &patched);
    }
}

#[tokio::test]
async fn what_was_read_may_be_sent_back_and_changes_nothing() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        let uuid = admin.create(&resource, &sample.create).await;
        let one = format!("/v1/{resource}/{uuid}");
        let entry = admin.read(&resource, &uuid).await;
        let commits = server.home().commits();
        assert_eq!(admin.put(&one, &entry).await.entry(&uuid), entry, "{resource}");
        assert_eq!(server.home().commits(), commits, "{resource}: a change of nothing made a commit");

        let mut changed = entry.clone();
        merge(&mut changed, &sample.patch);
        assert_eq!(admin.put(&one, &changed).await.entry(&uuid), changed);
        assert_eq!(server.home().commits(), commits + 1);
    }
}

#[tokio::test]
async fn what_the_server_owns_is_not_for_clients() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        let mut create = sample.create.clone();
        merge(&mut create, &json!({"uuid": NOBODY, "created_at": "2001-01-01T00:00:00.000000+00:00"}));
        let uuid = admin.create(&resource, &create).await;
        assert_ne!(uuid, NOBODY);
        let one = format!("/v1/{resource}/{uuid}");
        let entry = admin.read(&resource, &uuid).await;
        assert_is_old_time(entry["created_at"].as_str().unwrap());

        for field in ["uuid", "created_at"] {
            let canary = create[field].as_str().unwrap();
            let reason =
                admin.patch(&one, &json!({field: canary})).await.refused(400, "Modify Resource Error");
            assert!(reason.contains(field) && !reason.contains(canary), "{reason}");
            let mut put = sample.put.clone();
            put[field] = canary.into();
            admin.put(&one, &put).await.refused(400, "Update Resource Error");
        }
        assert_eq!(admin.read(&resource, &uuid).await, entry);
    }
}

#[tokio::test]
async fn unknown_keys_are_ignored_at_creation_at_every_level() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        let mut create = sample.create.clone();
        create["no_such_field"] = json!({"deep": [1]});
        for (_, value) in create.as_object_mut().unwrap() {
            if let Some(inner) = value.as_object_mut() {
                inner.insert("no_such_field".into(), "here neither".into());
            }
        }
        let uuid = admin.create(&resource, &create).await;
        assert!(!admin.get(&format!("/v1/{resource}/{uuid}")).await.text().contains("no_such_field"));
        assert!(!server.home().git(&["grep", "-l", "-e", uuid.as_str(), "main"]).is_empty());
        assert!(!server.home().git(&["show", "main"]).contains("no_such_field"));
    }
}

#[tokio::test]
async fn ids_that_lead_nowhere_are_refused() {
    let server = start();
    let admin = server.admin().await;
    let fleet = Fleet::new(&admin).await;
    for resource in served() {
        let sample = fleet.sample(&resource);
        for (id, status) in
            [(NOBODY, 404), ("no-uuid", 400), ("1", 400), ("..%2f..%2fmeta", 400), ("%00", 400)]
        {
            let one = format!("/v1/{resource}/{id}");
            admin.get(&one).await.refused(status, "Get Resource Error");
            admin.put(&one, &sample.put).await.refused(status, "Update Resource Error");
            admin.patch(&one, &sample.patch).await.refused(status, "Modify Resource Error");
            admin.delete(&one).await.refused(status, "Delete Resource Error");
        }
        let reason = admin
            .post(&format!("/v1/{resource}/new"), &json!({}))
            .await
            .refused(400, "Create Resource Error");
        assert!(
            sample.create.as_object().unwrap().keys().all(|name| reason.contains(name)),
            "all that is missing is named: {reason}"
        );
    }
}
