//! When a token is good, and what ends it.

use crate::support::{Answer, Home, Server, Session, record, user};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::Duration;

async fn ended(session: &Session) {
    for (method, path) in [("GET", "/v1/users"), ("POST", "/v1/users/new"), ("POST", "/v1/sync/all/db")] {
        let answer = session.call(method, path, &Value::Null).await;
        answer.refused(401, "Invalid Authentication");
        assert!(!answer.header("www-authenticate").is_empty());
    }
}

#[tokio::test]
async fn a_deleted_users_tokens_end() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("admin", "micha").await;
    micha.session.get("/v1/users").await.results();
    admin.delete(&format!("/v1/users/{}", micha.uuid)).await.entry(&micha.uuid);
    ended(&micha.session).await;
    assert!(server.nobody.try_login(&micha.email, &micha.password).await.status >= 400);
    // Nor does a new user of that name inherit them.
    admin.person("admin", "micha").await;
    ended(&micha.session).await;
}

#[tokio::test]
async fn another_role_ends_the_tokens() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("admin", "micha").await;
    for role in ["viewer", "admin"] {
        let session = micha.session.login(&micha.email, &micha.password).await;
        session.get("/v1/users").await.results();
        admin.patch(&format!("/v1/users/{}", micha.uuid), &json!({"role": role})).await.entry(&micha.uuid);
        ended(&session).await;
    }
    // Back in the old role: the token of then is not good again.
    ended(&micha.session).await;
    micha.session.login(&micha.email, &micha.password).await.get("/v1/users").await.results();
}

#[tokio::test]
async fn another_password_ends_the_tokens() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let elsewhere = micha.session.login(&micha.email, &micha.password).await;
    let one = format!("/v1/users/{}", micha.uuid);
    let change = json!({"credentials": {"password": "another one"}});
    micha.session.patch(&one, &change).await.entry(&micha.uuid);
    ended(&micha.session).await;
    ended(&elsewhere).await;

    let session = micha.session.login(&micha.email, "another one").await;
    // The same one again counts, too: whoever has lost a device must be able to end its token.
    admin.patch(&one, &change).await.entry(&micha.uuid);
    ended(&session).await;
}

#[tokio::test]
async fn other_changes_do_not_end_them() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let one = format!("/v1/users/{}", micha.uuid);
    admin.patch(&one, &json!({"name": "Another"})).await.entry(&micha.uuid);
    admin.patch(&one, &json!({"email": "another@example.com"})).await.entry(&micha.uuid);
    admin.patch(&one, &json!({"credentials": {"password": "********"}})).await.entry(&micha.uuid);
    assert_eq!(micha.session.get(&one).await.entry(&micha.uuid)["name"], "Another");
}

/// `state` is not on `/v1`; here it is set in the repository.
#[tokio::test]
async fn a_suspended_user_is_let_in_no_more() {
    let server = Server::start();
    let micha = server.admin().await.person("client", "micha").await;
    let (home, token) = (server.home().clone(), micha.session.token.clone().unwrap());
    server.stop();
    home.tamper(|clone| {
        let file = clone.join(record("users", &micha.uuid));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(r#""state": "active""#), "{text}");
        std::fs::write(file, text.replace(r#""state": "active""#, r#""state": "suspended""#)).unwrap();
    });
    let server = home.serve();
    ended(&server.nobody.with_token(token)).await;
    let suspended = server.nobody.try_login(&micha.email, &micha.password).await;
    let wrong = server.nobody.try_login(&micha.email, "wrong").await;
    assert_eq!((suspended.status, suspended.error()), (wrong.status, wrong.error()));
    let admin = server.admin().await;
    assert_eq!(admin.read("users", &micha.uuid).await.get("state"), None, "not a key of /v1");
}

#[tokio::test]
async fn nobody_deletes_or_demotes_the_account_they_are_signed_in_with() {
    let server = Server::start();
    let admin = server.admin().await;
    for role in ["admin", "manager", "viewer", "client"] {
        let micha = admin.person(role, &format!("a-{role}")).await;
        let one = format!("/v1/users/{}", micha.uuid);
        let refused = |answer: Answer| {
            assert!(matches!(answer.status, 403 | 409), "{role}: {} {}", answer.status, answer.text());
            answer.error()
        };
        assert_eq!(refused(micha.session.delete(&one).await).0, "Delete Resource Error");
        for other in ["admin", "manager", "viewer", "client"].into_iter().filter(|other| *other != role) {
            refused(micha.session.patch(&one, &json!({"role": other})).await);
            refused(micha.session.put(&one, &json!({"role": other, "name": "x"})).await);
        }
        assert_eq!(micha.session.read("users", &micha.uuid).await["role"], role);
    }
}

#[tokio::test]
async fn a_token_ends_in_time() {
    let server = Server::start_with("[auth]\ntoken_ttl = 1s\n", &[]);
    let admin = server.admin().await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    ended(&admin).await;
}

#[tokio::test]
async fn tokens_that_we_did_not_sign_are_refused() {
    let server = Server::start_with("[tenant]\nid = OURS\n", &[]);
    let admin = server.admin().await;
    let micha = admin.person("admin", "micha").await;
    let key = std::fs::read(server.home().storage().join("keys/token.key")).unwrap();
    let now = chrono::Utc::now().timestamp();
    let claims = |change: Value| {
        let mut claims = json!({
            "iss": "OURS", "sub": micha.uuid, "res": "users", "iat": now, "exp": now + 600, "epoch": 0,
            "loginname": micha.email, "data": {"role": "admin"},
        });
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    };
    let signed = |claims: &Value, algorithm, key: &[u8]| {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
    };
    let try_token = |token: String| server.nobody.with_token(token);

    // The forger's tool works, when it has the key.
    let good = signed(&claims(json!({})), Algorithm::HS256, &key);
    try_token(good.clone()).get("/v1/users").await.results();

    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
    for token in [
        signed(&claims(json!({})), Algorithm::HS256, b"another key, which is also long enough"),
        signed(&claims(json!({})), Algorithm::HS256, b""),
        signed(&claims(json!({})), Algorithm::HS512, &key),
        signed(&claims(json!({"iss": "THEIRS"})), Algorithm::HS256, &key),
        signed(&claims(json!({"iss": null})), Algorithm::HS256, &key),
        signed(&claims(json!({"exp": now - 1})), Algorithm::HS256, &key),
        signed(&claims(json!({"exp": null})), Algorithm::HS256, &key),
        signed(&claims(json!({"epoch": 7})), Algorithm::HS256, &key),
        signed(&claims(json!({"sub": "00000000-0000-4000-8000-000000000000"})), Algorithm::HS256, &key),
        signed(&claims(json!({"sub": "admin"})), Algorithm::HS256, &key),
        signed(&claims(json!({"res": "karanas"})), Algorithm::HS256, &key),
        signed(&claims(json!({"res": "nothing"})), Algorithm::HS256, &key),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}..{signature}"),
        "..".into(),
        "x".repeat(5000),
    ] {
        ended(&try_token(token)).await;
    }
}

/// The role is the store's, whatever the token says.
#[tokio::test]
async fn the_role_in_a_token_counts_for_nothing() {
    let server = Server::start();
    let micha = server.admin().await.person("client", "micha").await;
    let key = std::fs::read(server.home().storage().join("keys/token.key")).unwrap();
    let now = chrono::Utc::now().timestamp();
    let claims = json!({
        "iss": "SMNTYQIUB4YTC", "sub": micha.uuid, "res": "users", "iat": now, "exp": now + 600, "epoch": 0,
        "loginname": "admin@example.com", "data": {"role": "admin"},
    });
    let token = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&key)).unwrap();
    let session = server.nobody.with_token(token);
    session.post("/v1/users/new", &user("x")).await.refused(403, "Create Resource Error");
    assert_eq!(session.get("/v1/users").await.results().as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_of_another_instance_is_refused_and_ours_outlive_a_restart() {
    let (one, two) = (Server::start(), Server::start());
    let token = one.admin().await.token.unwrap();
    ended(&two.nobody.with_token(token.clone())).await;
    let home: Home = one.home().clone();
    assert_eq!(one.stop().code, Some(0));
    let again = home.serve();
    again.nobody.with_token(token).get("/v1/users").await.results();
}
