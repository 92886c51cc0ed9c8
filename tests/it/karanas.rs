//! Karanas on `/v1`: configuration, owner, and what happens to them when others go.

use crate::support::{Server, Session, record, user};
use crate::users::stored;
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

struct Stock {
    server: Server,
    admin: Session,
    owner: String,
}

impl Stock {
    async fn new() -> Self {
        let server = Server::start();
        let admin = server.admin().await;
        let owner = admin.create("users", &user("owner")).await;
        Self { server, admin, owner }
    }

    async fn karana(&self) -> String {
        self.admin.create("karanas", &json!({"name": "K1", "owner": self.owner, "config": {}})).await
    }

    async fn read(&self, uuid: &str) -> Value {
        self.admin.read("karanas", uuid).await
    }

    async fn listed(&self) -> Value {
        self.admin.read("users", &self.owner).await["karanas"].clone()
    }
}

#[tokio::test]
async fn a_karana_as_the_old_clients_know_it() {
    let stock = Stock::new().await;
    let uuid = stock.karana().await;
    let entry = stock.read(&uuid).await;
    assert_eq!(entry["note"], "");
    assert_eq!(entry["owner"], stock.owner.as_str());
    let password = entry["config"]["password"].as_str().unwrap();
    assert!(password.len() == 16 && password.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    let config = json!({"series": "data", "password": password, "signal": 10, "post_int": 30, "get_int": 6});
    assert_eq!(entry["config"], config);
    assert_ne!(stock.read(&stock.karana().await).await["config"]["password"], password);
}

#[tokio::test]
async fn integers_may_come_as_text() {
    let stock = Stock::new().await;
    let config = json!({"post_int": "15", "get_int": 12, "signal": " 0 "});
    let data = json!({"name": "K1", "owner": stock.owner, "config": config});
    let uuid = stock.admin.create("karanas", &data).await;
    let entry = stock.read(&uuid).await;
    let numbers = |entry: &Value| ["post_int", "get_int", "signal"].map(|name| entry["config"][name].clone());
    assert_eq!(numbers(&entry), [json!(15), json!(12), json!(0)]);
    let one = format!("/v1/karanas/{uuid}");
    let entry = stock.admin.patch(&one, &json!({"config": {"post_int": "45"}})).await.entry(&uuid);
    assert_eq!(numbers(&entry), [json!(45), json!(12), json!(0)]);
    let entry = stock.admin.put(&one, &json!({"name": "K2", "config": {"get_int": "7"}})).await.entry(&uuid);
    assert_eq!(numbers(&entry), [json!(45), json!(7), json!(0)]);
    assert_eq!(stored(&stock.server, "karanas", &uuid)["config"], entry["config"]);
}

#[tokio::test]
async fn fields_of_a_karana_have_rules() {
    let stock = Stock::new().await;
    let uuid = stock.karana().await;
    let before = stock.read(&uuid).await;
    for (field, broken) in [
        ("name", json!({"name": "K"})),
        ("name", json!({"name": "x".repeat(129)})),
        ("note", json!({"note": 7})),
        ("owner", json!({"owner": NOBODY})),
        ("owner", json!({"owner": "canary"})),
        ("owner", json!({"owner": 5})),
        ("config", json!({"config": "canary"})),
        ("config", json!({"config": []})),
        ("config.series", json!({"config": {"series": "canary%"}})),
        ("config.series", json!({"config": {"series": "canary\n"}})),
        ("config.series", json!({"config": {"series": "config"}})),
        ("config.series", json!({"config": {"series": "#canary"}})),
        ("config.series", json!({"config": {"series": "@canary"}})),
        ("config.series", json!({"config": {"series": "can\\ary"}})),
        ("config.series", json!({"config": {"series": "canary\u{202e}"}})),
        ("config.series", json!({"config": {"series": 1}})),
        ("config.post_int", json!({"config": {"post_int": "canary"}})),
        ("config.post_int", json!({"config": {"post_int": 1.5}})),
        ("config.post_int", json!({"config": {"post_int": null}})),
        ("config.get_int", json!({"config": {"get_int": -1}})),
        ("config.signal", json!({"config": {"signal": "99999999999999999999"}})),
        ("config.password", json!({"config": {"password": "CANARYCANARY0000"}})),
    ] {
        let mut data = json!({"name": "K1", "owner": stock.owner, "config": {}});
        data.as_object_mut().unwrap().extend(broken.as_object().unwrap().clone());
        let created = stock.admin.post("/v1/karanas/new", &data).await;
        let one = format!("/v1/karanas/{uuid}");
        let patched = stock.admin.patch(&one, &broken).await;
        for (answer, title) in [(created, "Create Resource Error"), (patched, "Modify Resource Error")] {
            let reason = answer.refused(400, title);
            assert!(reason.contains(field), "`{field}` is not named: {reason}");
            let value = broken.to_string();
            assert!(!reason.to_lowercase().contains("canary"), "a value of {value}: {reason}");
        }
    }
    for name in ["name", "owner", "config"] {
        let mut data = json!({"name": "K1", "owner": stock.owner, "config": {}});
        data.as_object_mut().unwrap().remove(name);
        let reason = stock.admin.post("/v1/karanas/new", &data).await.refused(400, "Create Resource Error");
        assert!(reason.contains(name), "{reason}");
    }
    assert_eq!(stock.read(&uuid).await, before);
}

/// Old: PATCH replaced a nested object as a whole. Ours: it merges, as PUT does.
#[tokio::test]
async fn nested_objects_are_merged() {
    let stock = Stock::new().await;
    let uuid = stock.karana().await;
    let one = format!("/v1/karanas/{uuid}");
    let mut expected = stock.read(&uuid).await;
    expected["config"]["signal"] = 3.into();
    assert_eq!(stock.admin.patch(&one, &json!({"config": {"signal": 3}})).await.entry(&uuid), expected);
    expected["config"]["series"] = "wind, of \"day\" = 1".into();
    expected["name"] = "K2".into();
    let put = json!({"name": "K2", "config": {"series": "wind, of \"day\" = 1"}});
    assert_eq!(stock.admin.put(&one, &put).await.entry(&uuid), expected);

    let commits = stock.server.home().commits();
    for config in
        [json!({}), json!({"password": "********"}), json!({"password": expected["config"]["password"]})]
    {
        assert_eq!(stock.admin.patch(&one, &json!({"config": config})).await.entry(&uuid), expected);
    }
    assert_eq!(stock.server.home().commits(), commits);
}

#[tokio::test]
async fn an_owner_lists_its_karanas_and_they_are_not_stored_there() {
    let stock = Stock::new().await;
    let (one, two) = (stock.karana().await, stock.karana().await);
    let mut both = [one.clone(), two.clone()];
    both.sort();
    let mut listed: Vec<String> = serde_json::from_value(stock.listed().await).unwrap();
    listed.sort();
    assert_eq!(listed, both);
    let stored = stock.server.home().git(&["show", &format!("main:{}", record("users", &stock.owner))]);
    assert!(!stored.contains("karanas"), "{stored}");

    let other = stock.admin.create("users", &user("other")).await;
    let moved = stock.admin.patch(&format!("/v1/karanas/{one}"), &json!({"owner": other})).await.entry(&one);
    assert_eq!(moved["owner"], other.as_str());
    assert_eq!(stock.listed().await, json!([two]));
    assert_eq!(stock.admin.read("users", &other).await["karanas"], json!([one]));
    stock.admin.delete(&format!("/v1/karanas/{two}")).await.entry(&two);
    assert_eq!(stock.listed().await, json!([]));
}

/// Old clients delete the user first, then its karanas, and expect 200 both times.
#[tokio::test]
async fn a_user_with_karanas_can_be_deleted() {
    let stock = Stock::new().await;
    let karanas = [stock.karana().await, stock.karana().await];
    let commits = stock.server.home().commits();
    let one = format!("/v1/users/{}", stock.owner);
    let gone = stock.admin.delete(&one).await.entry(&stock.owner);
    assert_eq!(gone["email"], "owner@example.com");
    assert_eq!(stock.server.home().commits(), commits + 1, "owner and karanas change in one commit");
    for karana in karanas {
        assert_eq!(stock.read(&karana).await["owner"], Value::Null);
        let gone = stock.admin.delete(&format!("/v1/karanas/{karana}")).await.entry(&karana);
        assert_eq!(gone["owner"], Value::Null);
    }
    assert_eq!(stock.admin.get("/v1/karanas").await.results(), json!({}));
}

#[tokio::test]
async fn dependents_can_be_deleted_with_their_owner() {
    let stock = Stock::new().await;
    let karana = stock.karana().await;
    let visit = json!({"karana": karana, "date": "2026-02-28", "technician": "Ada"});
    let visit = stock.admin.create("maintenances", &visit).await;
    let one = format!("/v1/users/{}", stock.owner);
    let reason =
        stock.admin.delete(&format!("{one}?dependents=canary")).await.refused(400, "Delete Resource Error");
    assert!(reason.contains("dependents") && !reason.contains("canary"), "{reason}");

    let commits = stock.server.home().commits();
    stock.admin.delete(&format!("{one}?dependents=delete")).await.entry(&stock.owner);
    assert_eq!(stock.server.home().commits(), commits + 1);
    for (resource, uuid) in [("karanas", karana), ("maintenances", visit)] {
        stock.admin.get(&format!("/v1/{resource}/{uuid}")).await.refused(404, "Get Resource Error");
    }
}

#[tokio::test]
async fn a_karana_with_a_history_is_not_deleted_by_accident() {
    let stock = Stock::new().await;
    for resource in ["maintenances", "payments"] {
        let karana = stock.karana().await;
        let data = match resource {
            "maintenances" => json!({"karana": karana, "date": "2026-02-28", "technician": "Ada"}),
            _ => json!({"karana": karana, "owner": stock.owner, "amount": 1, "currency": "EUR",
                "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2026-03-31T12:00:00Z"}),
        };
        let dependent = stock.admin.create(resource, &data).await;
        let one = format!("/v1/karanas/{karana}");
        let reason = stock.admin.delete(&one).await.refused(409, "Delete Resource Error");
        assert!(reason.contains(resource) && reason.contains('1'), "how many of what: {reason}");
        stock.read(&karana).await;
        stock.admin.delete(&format!("{one}?dependents=delete")).await.entry(&karana);
        stock.admin.get(&format!("/v1/{resource}/{dependent}")).await.refused(404, "Get Resource Error");
    }
}

#[tokio::test]
async fn a_karana_in_stock_can_get_an_owner_again() {
    let stock = Stock::new().await;
    let karana = stock.karana().await;
    stock.admin.delete(&format!("/v1/users/{}", stock.owner)).await.entry(&stock.owner);
    let other = stock.admin.create("users", &user("other")).await;
    let one = format!("/v1/karanas/{karana}");
    let entry = stock.admin.patch(&one, &json!({"owner": other})).await.entry(&karana);
    assert_eq!(entry["owner"], other.as_str());
    assert_eq!(stock.admin.read("users", &other).await["karanas"], json!([karana]));
}

#[tokio::test]
async fn a_karana_in_stock_may_be_sent_back_as_it_was_read() {
    let stock = Stock::new().await;
    let karana = stock.karana().await;
    stock.admin.delete(&format!("/v1/users/{}", stock.owner)).await.entry(&stock.owner);
    let mut entry = stock.read(&karana).await;
    entry["name"] = "Another".into();
    assert_eq!(stock.admin.put(&format!("/v1/karanas/{karana}"), &entry).await.entry(&karana), entry);
}

/// All or nothing: what refers to an owner and cannot be without one keeps it, and its karanas with it.
#[tokio::test]
async fn a_deletion_that_is_refused_changes_nothing() {
    let stock = Stock::new().await;
    let karana = stock.karana().await;
    let payment = json!({"karana": karana, "owner": stock.owner, "amount": 1, "currency": "EUR",
        "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2026-03-31T12:00:00Z"});
    stock.admin.create("payments", &payment).await;
    let commits = stock.server.home().commits();
    let one = format!("/v1/users/{}", stock.owner);
    for query in ["", "?dependents=release"] {
        let reason = stock.admin.delete(&format!("{one}{query}")).await.refused(409, "Delete Resource Error");
        assert!(reason.contains("1 in payments"), "{reason}");
    }
    assert_eq!(stock.listed().await, json!([karana]));
    assert_eq!(stock.server.home().commits(), commits);
}
