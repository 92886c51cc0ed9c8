//! Who may do what, as the contract states it: written down here once more, from the contract and not from the program.

use crate::support::{Answer, Person, Server, Session, user};
use serde_json::{Value, json};

const MASK: &str = "********";

const ROLES: [&str; 4] = ["admin", "manager", "viewer", "client"];

/// Whose record it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Whose {
    /// The actor's: itself, or what belongs to it.
    Own,
    /// Another client's.
    Clients,
    /// A manager's.
    Managers,
    /// An admin's.
    Admins,
    /// Nobody's: in stock.
    Stock,
}
use Whose::{Admins, Clients, Managers, Own, Stock};

#[derive(Debug, Clone, Copy)]
enum Deed {
    Read,
    /// A new entry that belongs to …; of users: with the role of.
    Create,
    Change(&'static str),
    Delete,
}
use Deed::{Change, Create, Delete, Read};

const YES: u16 = 200;
const NO: u16 = 403;

/// Deed, resource, whose, and what the roles (in their order) are answered.
///
/// The contract does not say whether managers and viewers change their own name; all change their own password.
#[rustfmt::skip]
const MATRIX: &[(Deed, &str, Whose, [u16; 4])] = &[
    (Read,   "users",        Own,      [YES, YES, YES, YES]),
    (Read,   "users",        Clients,  [YES, YES, YES, NO]),
    (Read,   "users",        Managers, [YES, YES, YES, NO]),
    (Read,   "users",        Admins,   [YES, YES, YES, NO]),
    (Read,   "karanas",      Own,      [YES, YES, YES, YES]),
    (Read,   "karanas",      Clients,  [YES, YES, YES, NO]),
    (Read,   "karanas",      Stock,    [YES, YES, YES, NO]),
    (Read,   "maintenances", Own,      [YES, YES, YES, YES]),
    (Read,   "maintenances", Clients,  [YES, YES, YES, NO]),
    (Read,   "payments",     Own,      [YES, YES, YES, YES]),
    (Read,   "payments",     Clients,  [YES, YES, YES, NO]),

    (Create, "users",        Clients,  [YES, YES, NO,  NO]),
    (Create, "users",        Managers, [YES, NO,  NO,  NO]),
    (Create, "users",        Admins,   [YES, NO,  NO,  NO]),
    (Create, "karanas",      Own,      [YES, YES, NO,  NO]),
    (Create, "karanas",      Clients,  [YES, YES, NO,  NO]),
    (Create, "maintenances", Own,      [YES, YES, NO,  NO]),
    (Create, "maintenances", Clients,  [YES, YES, NO,  NO]),
    (Create, "payments",     Own,      [YES, YES, NO,  NO]),
    (Create, "payments",     Clients,  [YES, YES, NO,  NO]),

    (Change("name"),        "users", Clients,  [YES, YES, NO,  NO]),
    (Change("name"),        "users", Managers, [YES, NO,  NO,  NO]),
    (Change("name"),        "users", Admins,   [YES, NO,  NO,  NO]),
    (Change("email"),       "users", Own,      [YES, NO,  NO,  NO]),
    (Change("email"),       "users", Clients,  [YES, YES, NO,  NO]),
    (Change("email"),       "users", Managers, [YES, NO,  NO,  NO]),
    (Change("login"),       "users", Clients,  [YES, YES, NO,  NO]),
    (Change("login"),       "users", Own,      [YES, NO,  NO,  NO]),
    (Change("password"),    "users", Own,      [YES, YES, YES, YES]),
    (Change("password"),    "users", Clients,  [YES, YES, NO,  NO]),
    (Change("password"),    "users", Managers, [YES, NO,  NO,  NO]),
    (Change("password"),    "users", Admins,   [YES, NO,  NO,  NO]),
    (Change("role"),        "users", Clients,  [YES, NO,  NO,  NO]),
    (Change("role"),        "users", Managers, [YES, NO,  NO,  NO]),
    (Change("role"),        "users", Admins,   [YES, NO,  NO,  NO]),

    (Change("name"),        "karanas", Own,     [YES, YES, NO, YES]),
    (Change("note"),        "karanas", Own,     [YES, YES, NO, YES]),
    (Change("config"),      "karanas", Own,     [YES, YES, NO, YES]),
    (Change("owner"),       "karanas", Own,     [YES, YES, NO, NO]),
    (Change("name"),        "karanas", Clients, [YES, YES, NO, NO]),
    (Change("config"),      "karanas", Clients, [YES, YES, NO, NO]),
    (Change("owner"),       "karanas", Clients, [YES, YES, NO, NO]),
    (Change("name"),        "karanas", Stock,   [YES, YES, NO, NO]),
    (Change("owner"),       "karanas", Stock,   [YES, YES, NO, NO]),
    (Change("description"), "maintenances", Own,     [YES, YES, NO, NO]),
    (Change("description"), "maintenances", Clients, [YES, YES, NO, NO]),
    (Change("amount"),      "payments",     Own,     [YES, YES, NO, NO]),
    (Change("amount"),      "payments",     Clients, [YES, YES, NO, NO]),

    (Delete, "users",        Clients,  [YES, YES, NO,  NO]),
    (Delete, "users",        Managers, [YES, NO,  NO,  NO]),
    (Delete, "users",        Admins,   [YES, NO,  NO,  NO]),
    (Delete, "karanas",      Own,      [YES, YES, NO,  NO]),
    (Delete, "karanas",      Clients,  [YES, YES, NO,  NO]),
    (Delete, "karanas",      Stock,    [YES, YES, NO,  NO]),
    (Delete, "maintenances", Own,      [YES, YES, NO,  NO]),
    (Delete, "maintenances", Clients,  [YES, YES, NO,  NO]),
    (Delete, "payments",     Own,      [YES, YES, NO,  NO]),
    (Delete, "payments",     Clients,  [YES, YES, NO,  NO]),
];

/// The admin, and a counter for what must be unique.
struct Stage {
    admin: Session,
    number: std::cell::Cell<u32>,
}

impl Stage {
    fn fresh(&self, word: &str) -> String {
        self.number.set(self.number.get() + 1);
        format!("{word}-{}", self.number.get())
    }

    async fn user(&self, role: &str) -> String {
        let mut data = user(&self.fresh(role));
        data["role"] = role.into();
        self.admin.create("users", &data).await
    }

    async fn owner(&self, whose: Whose, actor: &Person) -> String {
        match whose {
            Own => actor.uuid.clone(),
            _ => self.user("client").await,
        }
    }

    async fn karana(&self, owner: &str) -> String {
        self.admin.create("karanas", &json!({"name": "K1", "owner": owner, "config": {}})).await
    }

    /// What creates an entry that belongs to `owner`.
    async fn data(&self, resource: &str, owner: &str) -> Value {
        match resource {
            "karanas" => json!({"name": "K1", "owner": owner, "config": {}}),
            "maintenances" => {
                json!({"karana": self.karana(owner).await, "date": "2026-02-28", "technician": "Ada"})
            }
            "payments" => {
                json!({"karana": self.karana(owner).await, "owner": owner, "amount": 1, "currency": "EUR",
                "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2026-03-31T12:00:00Z"})
            }
            unknown => panic!("the matrix has no entry of {unknown}"),
        }
    }

    /// A record to try the deed on.
    async fn subject(&self, resource: &str, whose: Whose, actor: &Person) -> String {
        match (resource, whose) {
            ("users", Own) => actor.uuid.clone(),
            ("users", Clients) => self.user("client").await,
            ("users", Managers) => self.user("manager").await,
            ("users", Admins) => self.user("admin").await,
            ("karanas", Stock) => {
                let former = self.user("client").await;
                let karana = self.karana(&former).await;
                self.admin.delete(&format!("/v1/users/{former}")).await.entry(&former);
                karana
            }
            _ => {
                let data = self.data(resource, &self.owner(whose, actor).await).await;
                self.admin.create(resource, &data).await
            }
        }
    }

    async fn attempt(&self, actor: &Person, deed: Deed, resource: &str, whose: Whose) -> Answer {
        let session = &actor.session;
        if let Create = deed {
            let role = match whose {
                Managers => "manager",
                Admins => "admin",
                _ => "client",
            };
            let data = if resource == "users" {
                let mut data = user(&self.fresh("new"));
                data["role"] = role.into();
                data
            } else {
                self.data(resource, &self.owner(whose, actor).await).await
            };
            return session.post(&format!("/v1/{resource}/new"), &data).await;
        }
        let uuid = self.subject(resource, whose, actor).await;
        let one = format!("/v1/{resource}/{uuid}");
        match deed {
            Read => session.get(&one).await,
            Delete => session.delete(&one).await,
            Change(field) => {
                let value = match field {
                    "email" => json!({"email": format!("{}@example.com", self.fresh("moved"))}),
                    "login" => {
                        json!({"credentials": {"login": format!("{}@example.com", self.fresh("login"))}})
                    }
                    "password" => json!({"credentials": {"password": "another password"}}),
                    "role" => json!({"role": "viewer"}),
                    "owner" => json!({"owner": self.user("client").await}),
                    "config" => json!({"config": {"post_int": 77}}),
                    "amount" => json!({"amount": 77}),
                    text => json!({text: "changed"}),
                };
                let before = self.admin.get(&one).await.entry(&uuid);
                let answer = session.patch(&one, &value).await;
                let after = self.admin.get(&one).await.entry(&uuid);
                let hidden = field == "password";
                assert_eq!(before != after, answer.status == YES && !hidden, "{deed:?}: {before} {after}");
                answer
            }
            Create => unreachable!("above"),
        }
    }
}

async fn the_matrix(role: &str) {
    let server = Server::start();
    let stage = Stage { admin: server.admin().await, number: 0.into() };
    let column = ROLES.iter().position(|name| *name == role).unwrap();
    let mut wrong = Vec::new();
    for (deed, resource, whose, expected) in MATRIX {
        // Afresh each time: some deeds end the actor's token.
        let actor = stage.admin.person(role, &stage.fresh("actor")).await;
        let answer = stage.attempt(&actor, *deed, resource, *whose).await;
        let (got, expected, text) = (answer.status, expected[column], answer.text());
        if got != expected {
            wrong.push(format!("{deed:?} {resource} of {whose:?}: {got} instead of {expected}: {text}"));
        }
        if got == NO {
            assert!(answer.error().1.contains(role), "the reason names the role: {text}");
        }
    }
    assert!(wrong.is_empty(), "{} times wrong for {role}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn the_matrix_for_admins() {
    the_matrix("admin").await;
}

#[tokio::test]
async fn the_matrix_for_managers() {
    the_matrix("manager").await;
}

#[tokio::test]
async fn the_matrix_for_viewers() {
    the_matrix("viewer").await;
}

#[tokio::test]
async fn the_matrix_for_clients() {
    the_matrix("client").await;
}

#[tokio::test]
async fn admins_and_managers_sync() {
    let server = Server::start();
    let admin = server.admin().await;
    for (role, expected) in ROLES.iter().zip([YES, YES, NO, NO]) {
        let actor = admin.person(role, &format!("a-{role}")).await;
        for path in ["/v1/sync/all/db", "/v1/sync/db/all"] {
            let answer = actor.session.post(path, &Value::Null).await;
            assert_eq!(answer.status, expected, "{role}: {}", answer.text());
            if expected == NO {
                answer.refused(NO, "Sync DB error");
            }
        }
    }
}

#[tokio::test]
async fn lists_hold_what_the_reader_may_read() {
    let server = Server::start();
    let stage = Stage { admin: server.admin().await, number: 0.into() };
    let client = stage.admin.person("client", "a-client").await;
    let mut own = Vec::new();
    for resource in ["karanas", "maintenances", "payments"] {
        let other = stage.user("client").await;
        stage.admin.create(resource, &stage.data(resource, &other).await).await;
        let data = stage.data(resource, &client.uuid).await;
        own.push((resource, stage.admin.create(resource, &data).await));
    }
    let count = |results: Value| results.as_object().unwrap().len();
    for resource in ["users", "karanas", "maintenances", "payments"] {
        let path = format!("/v1/{resource}");
        let all = count(stage.admin.get(&path).await.results());
        for role in ["manager", "viewer"] {
            let reader = stage.admin.person(role, &stage.fresh("reader")).await;
            let seen = count(reader.session.get(&path).await.results());
            assert_eq!(seen, all + usize::from(resource == "users"), "{role} in {resource}");
            stage.admin.delete(&format!("/v1/users/{}", reader.uuid)).await.entry(&reader.uuid);
        }
    }
    let seen = client.session.get("/v1/users").await.results();
    assert_eq!(seen.as_object().unwrap().keys().collect::<Vec<_>>(), [&client.uuid]);
    for (resource, uuid) in own {
        let seen = client.session.get(&format!("/v1/{resource}")).await.results();
        assert!(seen.get(&uuid).is_some(), "{resource}");
        let owned: Vec<_> = match resource {
            // Those under the maintenance and the payment, too.
            "karanas" => seen.as_object().unwrap().values().map(|entry| &entry["owner"]).collect(),
            _ => seen.as_object().unwrap().keys().map(|_| &Value::Null).collect(),
        };
        match resource {
            "karanas" => assert!(owned.len() == 3 && owned.iter().all(|owner| **owner == client.uuid)),
            _ => assert_eq!(owned.len(), 1),
        }
    }
}

fn is_shown(secret: &Value) -> bool {
    assert_ne!(*secret, Value::Null, "the keys stay");
    *secret != MASK
}

#[tokio::test]
async fn secrets_are_for_admins_managers_and_the_owner() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let karana = admin.create("karanas", &json!({"name": "K1", "owner": owner.uuid, "config": {}})).await;
    let manager = admin.person("manager", "a-manager").await;
    let viewer = admin.person("viewer", "a-viewer").await;
    let secrets =
        [("users", owner.uuid.as_str(), "/password_influx"), ("karanas", &karana, "/config/password")];
    for (reader, shown) in
        [(&admin, true), (&manager.session, true), (&owner.session, true), (&viewer.session, false)]
    {
        for (resource, uuid, secret) in secrets {
            let all = reader.get(&format!("/v1/{resource}")).await.results();
            let one = reader.read(resource, uuid).await;
            assert_eq!(all[uuid], one);
            assert_eq!(is_shown(one.pointer(secret).unwrap()), shown, "{resource}");
        }
    }
    // Also where an answer shows an entry after a change.
    let change = json!({"config": {"post_int": 5}});
    let one = format!("/v1/karanas/{karana}");
    for session in [&admin, &manager.session, &owner.session] {
        assert!(is_shown(&session.patch(&one, &change).await.entry(&karana)["config"]["password"]));
    }
    let own = format!("/v1/users/{}", viewer.uuid);
    let change = json!({"credentials": {"password": "another one"}});
    let entry = viewer.session.patch(&own, &change).await.entry(&viewer.uuid);
    assert!(!is_shown(&entry["password_influx"]), "a viewer sees no secrets");
    assert!(is_shown(&manager.session.delete(&one).await.entry(&karana)["config"]["password"]));
}

/// The clients of 2017 do not know it.
#[tokio::test]
async fn the_password_for_grafana_is_on_v2_for_those_who_see_secrets() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let manager = admin.person("manager", "a-manager").await;
    let viewer = admin.person("viewer", "a-viewer").await;
    let path = format!("/v2/users/{}", owner.uuid);
    let made = admin.found(&path).await["password_grafana"].clone();
    assert_eq!(made.as_str().unwrap().len(), 16);
    for (reader, sees) in
        [(&admin, true), (&manager.session, true), (&owner.session, true), (&viewer.session, false)]
    {
        assert_eq!(reader.found(&path).await.get("password_grafana"), sees.then_some(&made));
        assert_eq!(reader.read("users", &owner.uuid).await.get("password_grafana"), None);
    }
    let other = json!({"password_grafana": "CANARYCANARY0000"});
    let answer = admin.send("PATCH", &path, &other, &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("password_grafana") && !answer.text().contains("CANARY"));
}

/// What somebody may change is what they name, not what they send along unchanged.
#[tokio::test]
async fn an_owner_may_send_back_the_whole_karana() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let karana = admin.create("karanas", &json!({"name": "K1", "owner": owner.uuid, "config": {}})).await;
    let mut entry = owner.session.read("karanas", &karana).await;
    entry["config"]["post_int"] = "12".into();
    let one = format!("/v1/karanas/{karana}");
    let after = owner.session.put(&one, &entry).await.entry(&karana);
    assert_eq!(after["config"]["post_int"], 12);
    entry["owner"] = admin.person("client", "other").await.uuid.into();
    let reason = owner.session.put(&one, &entry).await.refused(403, "Update Resource Error");
    assert!(reason.contains("owner"), "{reason}");
    assert_eq!(owner.session.read("karanas", &karana).await, after);
}
