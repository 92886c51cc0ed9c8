//! Users on `/v1`: signing in, what is unique, what is secret.

use crate::support::{Server, Session, user};
use serde_json::{Value, json};

const MASK: &str = "********";

fn is_device_password(value: &Value) -> bool {
    let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    value.as_str().is_some_and(|text| text.len() == 16 && text.bytes().all(allowed))
}

/// The entry as the store holds it, secrets and all.
pub fn stored(server: &Server, resource: &str, uuid: &str) -> Value {
    let exported = server.home().run(&["export", "--secrets", "-"]);
    serde_json::from_str::<Value>(&exported.stdout).unwrap()[resource][uuid].clone()
}

#[tokio::test]
async fn a_user_as_the_old_clients_know_it() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut data = user("micha");
    data["name"] = "".into();
    let uuid = admin.create("users", &data).await;
    let entry = admin.read("users", &uuid).await;
    assert_eq!(entry["role"], "client");
    assert_eq!(entry["name"], "");
    assert_eq!(entry["karanas"], json!([]));
    assert_eq!(entry["credentials"], json!({"login": "micha@example.com", "password": MASK}));
    assert!(is_device_password(&entry["password_influx"]), "{entry}");
    assert_eq!(stored(&server, "users", &uuid)["password_influx"], entry["password_influx"]);
    let hash = stored(&server, "users", &uuid)["credentials"]["password"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("$6$rounds=1000$"), "not sha512-crypt");

    // In every user of the list, for every reader: the old front end would crash without it.
    let people = [admin.clone(), admin.person("viewer", "viewer").await.session];
    for reader in people {
        for (_, entry) in reader.get("/v1/users").await.results().as_object().unwrap() {
            assert_eq!(entry["credentials"]["password"], MASK);
        }
    }
}

#[tokio::test]
async fn fields_of_a_user_have_rules() {
    let server = Server::start();
    let admin = server.admin().await;
    let long = "x".repeat(129);
    for (field, broken) in [
        ("name", json!({"name": 3})),
        ("name", json!({"name": null})),
        ("email", json!({"email": "canary"})),
        ("email", json!({"email": "canary@"})),
        ("email", json!({"email": ["canary@example.com"]})),
        ("role", json!({"role": "king-canary"})),
        ("credentials", json!({"credentials": "canary"})),
        ("credentials", json!({"credentials": null})),
        ("credentials.login", json!({"credentials": {"login": "canary", "password": "canary"}})),
        ("credentials.login", json!({"credentials": {"password": "canary"}})),
        ("credentials.password", json!({"credentials": {"login": "a@example.com"}})),
        ("credentials.password", json!({"credentials": {"login": "a@example.com", "password": "cana"}})),
        ("credentials.password", json!({"credentials": {"login": "a@example.com", "password": long}})),
        ("password_influx", json!({"password_influx": "CANARYCANARY0000"})),
        ("karanas", json!({"karanas": []})),
    ] {
        let mut data = user("somebody");
        let fields = broken.as_object().unwrap().clone();
        data.as_object_mut().unwrap().extend(fields);
        let reason = admin.post("/v1/users/new", &data).await.refused(400, "Create Resource Error");
        assert!(reason.contains(field), "`{field}` is not named: {reason}");
        assert!(!reason.to_lowercase().contains("cana") && !reason.contains(&long), "a value: {reason}");
    }
    for name in ["email", "name", "credentials"] {
        let mut data = user("somebody");
        data.as_object_mut().unwrap().remove(name);
        let reason = admin.post("/v1/users/new", &data).await.refused(400, "Create Resource Error");
        assert!(reason.contains(name), "{reason}");
    }
    for password in ["12345", &"x".repeat(128), "ü😀ß x", "     "] {
        let mut data = user("somebody");
        data["credentials"]["password"] = password.into();
        let uuid = admin.create("users", &data).await;
        server.nobody.login("somebody@example.com", password).await;
        admin.delete(&format!("/v1/users/{uuid}")).await.entry(&uuid);
    }
}

#[tokio::test]
async fn an_email_is_unique_without_regard_to_case() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut data = user("micha");
    data["email"] = "Micha@Example.COM".into();
    let micha = admin.create("users", &data).await;
    let other = admin.create("users", &user("other")).await;
    assert_eq!(admin.read("users", &micha).await["email"], "Micha@Example.COM", "kept as written");

    for taken in ["Micha@Example.COM", "micha@example.com", "MICHA@EXAMPLE.COM"] {
        let mut data = user("third");
        data["email"] = taken.into();
        let reason = admin.post("/v1/users/new", &data).await.refused(409, "Create Resource Error");
        assert!(reason.contains("email") && !reason.contains(taken), "{reason}");
        let one = format!("/v1/users/{other}");
        let change = json!({"email": taken});
        admin.patch(&one, &change).await.refused(409, "Modify Resource Error");
        let change = json!({"email": taken, "name": "x"});
        admin.put(&one, &change).await.refused(409, "Update Resource Error");
    }
    assert_eq!(admin.read("users", &other).await["email"], "other@example.com");

    // One's own in another case is no contradiction, and a free one is free again.
    let own = json!({"email": "MICHA@example.com"});
    assert_eq!(
        admin.patch(&format!("/v1/users/{micha}"), &own).await.entry(&micha)["email"],
        "MICHA@example.com"
    );
    admin.patch(&format!("/v1/users/{micha}"), &json!({"email": "new@example.com"})).await.entry(&micha);
    admin.patch(&format!("/v1/users/{other}"), &json!({"email": "micha@example.com"})).await.entry(&other);
}

#[tokio::test]
async fn one_signs_in_with_the_email_in_any_case() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut data = user("micha");
    data["credentials"]["login"] = "elsewhere@example.com".into();
    admin.create("users", &data).await;
    for email in ["micha@example.com", "Micha@Example.com", "MICHA@EXAMPLE.COM"] {
        server.nobody.login(email, "password of micha").await;
    }
    // By `email`, not by `credentials.login`.
    let wrong = server.nobody.try_login("elsewhere@example.com", "password of micha").await;
    assert!((400..500).contains(&wrong.status));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let server = Server::start();
    let admin = server.admin().await;
    admin.create("users", &user("micha")).await;
    let wrong = server.nobody.try_login("micha@example.com", "wrong").await;
    let (_, reason) = wrong.error();
    assert!((400..500).contains(&wrong.status));
    wrong.refused(wrong.status, "Create Resource Error");
    for (user, password) in [
        ("nobody@example.com", "password of micha"),
        ("", ""),
        ("micha@example.com", ""),
        ("micha@example.com", "PASSWORD OF MICHA"),
        ("micha@example.com", &"x".repeat(100_000)),
        ("micha@example.com", "password of micha\0"),
        ("micha", "password of micha"),
    ] {
        let answer = server.nobody.try_login(user, password).await;
        assert_eq!((answer.status, answer.error().1), (wrong.status, reason.clone()));
    }
}

#[tokio::test]
async fn the_token_has_the_old_keys_and_ours() {
    let server = Server::start_with("[auth]\ntoken_ttl = 2h\n[tenant]\nid = TENANT\n", &[]);
    let micha = server.admin().await.person("viewer", "micha").await;
    let token = micha.session.token.clone().unwrap();
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let read = |part: &str| serde_json::from_slice::<Value>(&base64url(part)).unwrap();
    assert_eq!(read(parts[0])["alg"], "HS256");
    let payload = read(parts[1]);
    assert_eq!(payload["loginname"], micha.email);
    assert_eq!(payload["data"], json!({"role": "viewer"}));
    assert_eq!(payload["iss"], "TENANT");
    assert_eq!(payload["sub"], micha.uuid);
    assert_eq!(payload["res"], "users");
    let (iat, exp) = (payload["iat"].as_i64().unwrap(), payload["exp"].as_i64().unwrap());
    assert_eq!(exp - iat, 2 * 3600);
    assert!((chrono::Utc::now().timestamp() - iat).abs() < 60);
    assert!(!payload.to_string().contains("password"));
}

/// RFC 4648, 5, without padding.
fn base64url(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|c| *c == byte).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// One change of credentials: what is sent, by whom.
async fn change(session: &Session, uuid: &str, credentials: &Value) -> Value {
    session.patch(&format!("/v1/users/{uuid}"), &json!({"credentials": credentials})).await.entry(uuid)
}

#[tokio::test]
async fn a_password_that_is_changed_is_hashed() {
    let server = Server::start();
    let admin = server.admin().await;
    let uuid = admin.create("users", &user("micha")).await;
    let before = stored(&server, "users", &uuid);

    // The rest of the credentials stays: with PATCH as with PUT, a nested object is merged.
    let entry = change(&admin, &uuid, &json!({"password": "another one"})).await;
    assert_eq!(entry["credentials"], json!({"login": "micha@example.com", "password": MASK}));
    let hash = &stored(&server, "users", &uuid)["credentials"]["password"];
    assert!(hash.as_str().unwrap().starts_with("$6$") && *hash != before["credentials"]["password"]);
    server.nobody.login("micha@example.com", "another one").await;
    assert!(server.nobody.try_login("micha@example.com", "password of micha").await.status >= 400);

    let put = json!({"name": "x", "credentials": {"password": "a third one"}});
    admin.put(&format!("/v1/users/{uuid}"), &put).await.entry(&uuid);
    server.nobody.login("micha@example.com", "a third one").await;
    change(&admin, &uuid, &json!({"login": "new@example.com"})).await;
    server.nobody.login("micha@example.com", "a third one").await;

    for bad in [json!("four"), json!(null), json!(12345), json!("x".repeat(129))] {
        let data = json!({"credentials": {"password": bad}});
        let reason =
            admin.patch(&format!("/v1/users/{uuid}"), &data).await.refused(400, "Modify Resource Error");
        assert!(reason.contains("credentials.password"), "{reason}");
    }
    server.nobody.login("micha@example.com", "a third one").await;
}

#[tokio::test]
async fn empty_credentials_and_the_mask_change_nothing() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let one = format!("/v1/users/{}", micha.uuid);
    let before = admin.read("users", &micha.uuid).await;
    let commits = server.home().commits();
    for credentials in [
        json!({}),
        json!({"password": MASK}),
        json!({"login": micha.email, "password": MASK}),
        json!({"no_such_field": 1}),
    ] {
        assert_eq!(change(&admin, &micha.uuid, &credentials).await, before);
        let put = json!({"name": "micha", "credentials": credentials});
        assert_eq!(admin.put(&one, &put).await.entry(&micha.uuid), before);
        assert_eq!(change(&micha.session, &micha.uuid, &credentials).await, before);
    }
    for secret in [json!(MASK), before["password_influx"].clone()] {
        let put = json!({"name": "micha", "password_influx": secret});
        assert_eq!(admin.put(&one, &put).await.entry(&micha.uuid), before);
    }
    let reason = admin
        .put(&one, &json!({"name": "x", "password_influx": "CANARYCANARY0000"}))
        .await
        .refused(400, "Update Resource Error");
    assert!(reason.contains("password_influx") && !reason.contains("CANARY"), "{reason}");
    admin
        .put(&one, &json!({"name": "x", "karanas": [micha.uuid]}))
        .await
        .refused(400, "Update Resource Error");
    assert_eq!(server.home().commits(), commits, "a change of nothing made a commit");
    assert_eq!(admin.read("users", &micha.uuid).await, before);
    server.nobody.login(&micha.email, &micha.password).await;
}

/// Somebody who sees masks sends back what they read.
#[tokio::test]
async fn a_client_may_send_back_what_it_read() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    admin.create("karanas", &json!({"name": "K1", "owner": micha.uuid, "config": {}})).await;
    let one = format!("/v1/users/{}", micha.uuid);
    let mut entry = micha.session.get(&one).await.entry(&micha.uuid);
    entry["name"] = "Another".into();
    assert_eq!(micha.session.put(&one, &entry).await.entry(&micha.uuid), entry);
    assert_eq!(admin.get(&one).await.entry(&micha.uuid), entry);
}
