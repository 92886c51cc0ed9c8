//! Role × verb × resource × own or another's × field on `/v2`. Which cells there are is asked of the program; what is in them
//! is written down here once more, from the contract. A cell that is not stated fails, and so does a call that is in none.

mod routes;

use crate::resources::EXAMPLES;
use crate::support::{Answer, Person, Server, Session, user};
use karana::resource::Kinds;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;

/// What a cell is about: a verb, or a field that is changed.
type About = &'static str;

/// Resource; what it is about; the roles that may do it to what is their own, and to what is another client's. `a`dmin,
/// `m`anager, `v`iewer, `c`lient; `-` where there is no such cell.
#[rustfmt::skip]
const CELLS: &[(&str, About, &str, &str)] = &[
    ("users",        "read",                 "amvc", "amv"),
    ("users",        "see secrets",          "amc",  "am"),
    ("users",        "create",               "-",    "am"),
    ("users",        "delete",               "",     "am"),
    ("users",        "restore",              "amvc", "am"),
    ("users",        "rotate",               "a",    "am"),
    ("users",        "import",               "-",    "am"),
    ("users",        "export",               "amvc", "amv"),
    ("users",        "password-link",        "a",    "am"),
    ("users",        "credentials.login",    "a",    "am"),
    ("users",        "credentials.password", "amvc", "am"),
    ("users",        "email",                "a",    "am"),
    ("users",        "name",                 "amvc", "am"),
    // Nobody their own; a manager only the state of clients: another role is not a client's any more.
    ("users",        "role",                 "",     "a"),
    ("users",        "state",                "",     "am"),

    ("karanas",      "read",                 "amvc", "amv"),
    ("karanas",      "see secrets",          "amc",  "am"),
    ("karanas",      "create",               "am",   "am"),
    ("karanas",      "delete",               "am",   "am"),
    ("karanas",      "restore",              "amc",  "am"),
    ("karanas",      "rotate",               "am",   "am"),
    ("karanas",      "import",               "am",   "am"),
    ("karanas",      "export",               "amvc", "amv"),
    ("karanas",      "config.get_int",       "amc",  "am"),
    ("karanas",      "config.post_int",      "amc",  "am"),
    ("karanas",      "config.series",        "amc",  "am"),
    ("karanas",      "config.signal",        "amc",  "am"),
    ("karanas",      "kid",                  "am",   "am"),
    ("karanas",      "name",                 "amc",  "am"),
    ("karanas",      "note",                 "amc",  "am"),
    ("karanas",      "owner",                "am",   "am"),
    ("karanas",      "state",                "am",   "am"),

    ("maintenances", "read",                 "amvc", "amv"),
    ("maintenances", "create",               "am",   "am"),
    ("maintenances", "delete",               "am",   "am"),
    ("maintenances", "restore",              "am",   "am"),
    ("maintenances", "import",               "am",   "am"),
    ("maintenances", "export",               "amvc", "amv"),
    ("maintenances", "date",                 "am",   "am"),
    ("maintenances", "description",          "am",   "am"),
    ("maintenances", "karana",               "am",   "am"),
    ("maintenances", "state",                "am",   "am"),
    ("maintenances", "technician",           "am",   "am"),

    ("payments",     "read",                 "amvc", "amv"),
    ("payments",     "create",               "am",   "am"),
    ("payments",     "delete",               "am",   "am"),
    ("payments",     "restore",              "am",   "am"),
    ("payments",     "import",               "am",   "am"),
    ("payments",     "export",               "amvc", "amv"),
    ("payments",     "amount",               "am",   "am"),
    ("payments",     "currency",             "am",   "am"),
    ("payments",     "karana",               "am",   "am"),
    ("payments",     "owner",                "am",   "am"),
    ("payments",     "paid_at",              "am",   "am"),
    ("payments",     "valid_until",          "am",   "am"),

    // Declared by the operator: for the admin alone, and to be read by those whom they concern.
    ("simcards",     "read",                 "amvc", "amv"),
    ("simcards",     "see secrets",          "amc",  "am"),
    ("simcards",     "create",               "a",    "a"),
    ("simcards",     "delete",               "a",    "a"),
    ("simcards",     "restore",              "a",    "a"),
    ("simcards",     "rotate",               "a",    "a"),
    ("simcards",     "import",               "a",    "a"),
    ("simcards",     "export",               "amvc", "amv"),
    ("simcards",     "iccid",                "a",    "a"),
    ("simcards",     "karana",               "a",    "a"),
    ("simcards",     "megabytes",            "a",    "a"),
    ("simcards",     "pin",                  "a",    "a"),
    ("simcards",     "provider",             "a",    "a"),
    ("simcards",     "state",                "a",    "a"),

    // Belongs to nobody.
    ("sites",        "read",                 "-",    "amv"),
    ("sites",        "create",               "-",    "a"),
    ("sites",        "delete",               "-",    "a"),
    ("sites",        "restore",              "-",    "a"),
    ("sites",        "import",               "-",    "a"),
    ("sites",        "export",               "-",    "amv"),
    ("sites",        "name",                 "-",    "a"),
    ("sites",        "part_of",              "-",    "a"),
    ("sites",        "position.latitude",    "-",    "a"),
    ("sites",        "position.longitude",   "-",    "a"),
];

const ROLES: [(&str, char); 4] = [("admin", 'a'), ("manager", 'm'), ("viewer", 'v'), ("client", 'c')];

fn kinds() -> Kinds {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.ini");
    std::fs::write(&file, "").unwrap();
    let config = karana::config::Config::load(Some(&file), []).unwrap();
    Kinds::with_declared(&config.resources.enabled, std::path::Path::new(EXAMPLES)).unwrap()
}

/// The fields that clients set, as paths.
fn leaves(schema: &Value, above: &str, found: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().unwrap() {
        let path = format!("{above}{name}");
        match property.get("properties") {
            Some(_) => leaves(property, &format!("{path}."), found),
            None => {
                found.insert(path);
            }
        }
    }
}

#[test]
fn every_cell_is_stated_once() {
    for kind in kinds().public() {
        let mut expected = routes::verbs(kind.name());
        if kind.has_secrets() {
            expected.insert("see secrets".into());
        }
        leaves(kind.draft_schema().json(), "", &mut expected);
        let stated = || CELLS.iter().filter(|cell| cell.0 == kind.name());
        let found: BTreeSet<String> = stated().map(|cell| cell.1.to_owned()).collect();
        assert_eq!(found, expected, "{}", kind.name());
        assert_eq!(stated().count(), expected.len(), "{}", kind.name());
    }
}

struct Stage {
    role: &'static str,
    admin: Session,
    number: Cell<u32>,
}

impl Stage {
    fn number(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    fn fresh(&self, word: &str) -> String {
        format!("{word}-{}", self.number())
    }

    async fn made(&self, resource: &str, body: &Value) -> Value {
        self.admin.made(resource, body).await
    }

    async fn client(&self) -> String {
        self.made("users", &user(&self.fresh("client"))).await["uuid"].as_str().unwrap().to_owned()
    }

    /// What creates an entry that belongs to `owner`.
    async fn body(&self, resource: &str, owner: &str) -> Value {
        let karana = async || {
            let karana = json!({"name": "K1", "owner": owner, "config": {}});
            self.made("karanas", &karana).await["uuid"].clone()
        };
        match resource {
            "users" => user(&self.fresh("new")),
            "karanas" => json!({"name": "K1", "owner": owner, "config": {}}),
            "maintenances" => json!({"karana": karana().await, "date": "2026-02-28", "technician": "Ada"}),
            "payments" => json!({"karana": karana().await, "owner": owner, "amount": 1, "currency": "EUR",
                "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2026-03-31T12:00:00Z"}),
            "simcards" => json!({"karana": karana().await, "iccid": self.iccid(), "pin": "1234"}),
            "sites" => json!({"name": self.fresh("site"), "position": {"latitude": 1.0, "longitude": 1.0}}),
            unknown => panic!("no sample of {unknown}"),
        }
    }

    fn iccid(&self) -> String {
        format!("89{:016}", self.number())
    }

    /// One record as a table, as far as it is seen.
    async fn table(&self, session: &Session, resource: &str, uuid: &str) -> Answer {
        let path = format!("/v2/{resource}/export.csv?filter[uuid]={uuid}");
        session.send("GET", &path, &Value::Null, &[]).await
    }

    /// Another value for a field.
    async fn value(&self, resource: &str, field: &str, owner: &str) -> Value {
        match (resource, field) {
            ("users", "email" | "credentials.login") => format!("{}@example.com", self.fresh("moved")).into(),
            ("users", "role") => if self.role == "viewer" { "manager" } else { "viewer" }.into(),
            (_, "owner") => self.client().await.into(),
            ("maintenances" | "payments" | "simcards", "karana") => {
                self.body("maintenances", owner).await["karana"].clone()
            }
            ("users" | "karanas", "state") => "suspended".into(),
            ("maintenances", "state") => "done".into(),
            ("simcards", "state") => "lost".into(),
            ("simcards", "iccid") => self.iccid().into(),
            ("simcards", "pin") => "9876".into(),
            ("sites", "part_of") => {
                self.made("sites", &self.body("sites", owner).await).await["uuid"].clone()
            }
            (_, "date") => "2026-03-01".into(),
            (_, "paid_at" | "valid_until") => "2026-04-01T12:00:00Z".into(),
            (_, "currency") => "SLE".into(),
            (_, "amount" | "megabytes") => 77.into(),
            (_, field) if field.starts_with("position.") => 2.0.into(),
            (_, "config.series") => "other".into(),
            (_, field) if field.starts_with("config.") => 7.into(),
            _ => "changed".into(),
        }
    }

    /// Whether `actor` may do it, as far as one record tells.
    async fn may(&self, actor: &Person, resource: &str, about: &str, own: bool) -> u16 {
        let session = &actor.session;
        let owner = if own { actor.uuid.clone() } else { self.client().await };
        if about == "create" {
            let body = self.body(resource, &owner).await;
            return session.send("POST", &format!("/v2/{resource}"), &body, &[]).await.status;
        }
        if about == "import" {
            let lines = self.body(resource, &owner).await.to_string();
            let request = session.request("POST", &format!("/v2/{resource}/import"));
            let request = request.header("content-type", "application/x-ndjson").body(lines);
            return Answer::to(request).await.status;
        }
        let uuid = match (resource, own) {
            ("users", true) => actor.uuid.clone(),
            ("users", false) => owner.clone(),
            _ => {
                let body = self.body(resource, &owner).await;
                self.made(resource, &body).await["uuid"].as_str().unwrap().to_owned()
            }
        };
        let path = format!("/v2/{resource}/{uuid}");
        let read = || session.send("GET", &path, &Value::Null, &[]);
        match about {
            "read" => {
                let one = read().await;
                // A list holds what may be read, its history and its past are for the same people.
                let list = format!("/v2/{resource}?filter[uuid]={uuid}");
                let list = session.send("GET", &list, &Value::Null, &[]).await;
                let listed = if list.status == 200 { list.json(200)["total"] == 1 } else { false };
                assert_eq!(listed, one.status == 200, "{resource}: {}", list.text());
                for more in ["/history", "?at=2999-01-01T00:00:00Z"] {
                    let answer = session.send("GET", &format!("{path}{more}"), &Value::Null, &[]).await;
                    assert_eq!(answer.status, one.status, "{resource}{more}: {}", answer.text());
                }
                // So is its state, where there is any; what it has measured would be, were there an InfluxDB.
                let status = if matches!(resource, "users" | "karanas") { one.status } else { 404 };
                let series = match resource {
                    "karanas" if one.status == 200 => 404,
                    "karanas" => one.status,
                    _ => 404,
                };
                for (more, expected) in [("/status", status), ("/series", series)] {
                    let answer = session.send("GET", &format!("{path}{more}"), &Value::Null, &[]).await;
                    assert_eq!(answer.status, expected, "{resource}{more}: {}", answer.text());
                }
                one.status
            }
            "see secrets" => {
                let one = read().await;
                let text = one.text();
                let seen = ["\"password_influx\":", "\"password_grafana\":", "\"password\":", "\"pin\":"]
                    .iter()
                    .any(|name| text.contains(name));
                // A table shows what the record does.
                let table = self.table(session, resource, &uuid).await.text();
                let full = self.admin.found(&path).await;
                let secrets = ["/password_influx", "/password_grafana", "/config/password", "/pin"];
                for secret in secrets.iter().filter_map(|secret| full.pointer(secret)?.as_str()) {
                    assert_eq!(table.contains(secret), seen, "{resource}");
                }
                if seen { 200 } else { 403 }
            }
            "export" => {
                let table = self.table(session, resource, &uuid).await;
                let rows = csv::Reader::from_reader(table.body.as_slice()).records().count();
                if table.status == 200 && rows == 0 { 403 } else { table.status }
            }
            "rotate" | "password-link" => {
                session.send("POST", &format!("{path}/{about}"), &Value::Null, &[]).await.status
            }
            "delete" => {
                session
                    .send("DELETE", &format!("{path}?dependents=delete"), &Value::Null, &[("if-match", "*")])
                    .await
                    .status
            }
            "restore" => {
                // Back to another name, or whatever every role that may change anything may change.
                let field = ["name", "technician", "amount", "provider"];
                let field = field
                    .iter()
                    .find(|field| CELLS.iter().any(|cell| cell.0 == resource && cell.1 == **field));
                let field = *field.unwrap();
                let revision =
                    self.admin.found(&format!("{path}/history")).await["items"][0]["revision"].clone();
                let patch = json!({field: self.value(resource, field, &owner).await});
                self.admin.send("PATCH", &path, &patch, &[]).await.json(200);
                session
                    .send("POST", &format!("{path}/restore"), &json!({"revision": revision}), &[])
                    .await
                    .status
            }
            field => {
                let value = self.value(resource, field, &owner).await;
                let patch = field.rsplit('.').fold(value, |value, name| json!({name: value}));
                let before = self.admin.send("GET", &path, &Value::Null, &[]).await;
                let answer = session.send("PATCH", &path, &patch, &[]).await;
                let after = self.admin.send("GET", &path, &Value::Null, &[]).await;
                let changed = before.header("etag") != after.header("etag");
                assert_eq!(changed, answer.status == 200, "{resource} {field}: {}", answer.text());
                answer.status
            }
        }
    }
}

async fn the_cells_of(role: &'static str, letter: char) {
    let server = Server::start_with("", &[("KARANA_RESOURCES_DIR", EXAMPLES)]);
    let stage = Stage { role, admin: server.admin().await, number: 0.into() };
    let mut wrong = Vec::new();
    for (resource, about, own, others) in CELLS {
        for (is_own, roles) in [(true, *own), (false, *others)] {
            if roles == "-" {
                continue;
            }
            // Afresh each time: some deeds end the actor's tokens.
            let actor = stage.admin.person(role, &stage.fresh("actor")).await;
            let status = stage.may(&actor, resource, about, is_own).await;
            let expected = roles.contains(letter);
            // Nobody changes the role or state of the account they are signed in with, or deletes it: 409.
            let is_right = if expected { (200..300).contains(&status) } else { matches!(status, 403 | 409) };
            if !is_right {
                let whose = if is_own { "own" } else { "another's" };
                wrong.push(format!("{about} {whose} in {resource}: {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} times wrong for {role}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn the_cells_of_admins() {
    the_cells_of(ROLES[0].0, ROLES[0].1).await;
}

#[tokio::test]
async fn the_cells_of_managers() {
    the_cells_of(ROLES[1].0, ROLES[1].1).await;
}

#[tokio::test]
async fn the_cells_of_viewers() {
    the_cells_of(ROLES[2].0, ROLES[2].1).await;
}

#[tokio::test]
async fn the_cells_of_clients() {
    the_cells_of(ROLES[3].0, ROLES[3].1).await;
}
