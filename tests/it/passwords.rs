//! Links by which somebody who has forgotten the password sets another one.

use crate::sessions::{sign_in, try_sign_in};
use crate::support::{Answer, Person, Server, Session};
use crate::v2::findings;
use futures::future::join_all;
use serde_json::{Value, json};

async fn try_link(who: &Session, user: &str) -> Answer {
    who.send("POST", &format!("/v2/users/{user}/password-link"), &Value::Null, &[]).await
}

async fn link(who: &Session, user: &str) -> String {
    let answer = try_link(who, user).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json(200)["token"].as_str().unwrap().to_owned()
}

async fn set(server: &Server, token: &str, password: &str) -> Answer {
    server.nobody.send("POST", "/v2/password", &json!({"token": token, "password": password}), &[]).await
}

async fn stage() -> (Server, Session, Person) {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    (server, admin, micha)
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_ends_all_tokens() {
    let (server, admin, micha) = stage().await;
    let signed_in = sign_in(&server.nobody, &micha.email, &micha.password).await;
    let made = try_link(&admin, &micha.uuid).await.json(200);
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["url"], format!("/#/password?token={token}"));
    let ends = chrono::DateTime::parse_from_rfc3339(made["expires_at"].as_str().unwrap()).unwrap().to_utc();
    let life = (ends - chrono::Utc::now()).num_seconds();
    assert!((3500..=3600).contains(&life), "{life}");
    let file = server.home().storage().join("state/password_links.json");
    assert!(!std::fs::read_to_string(file).unwrap().contains(token), "its hash only");
    // Until it is used nothing changes.
    signed_in.session.found("/v2/me").await;

    for (password, code) in [("1234", "min_length"), ("********", "mask"), (&"x".repeat(129), "max_length")] {
        let problem = set(&server, token, password).await.problem(400, "invalid");
        assert_eq!(findings(&problem), [("password".to_owned(), code.to_owned())]);
    }
    let answer = set(&server, token, "another one").await;
    assert_eq!(answer.status, 204);
    let change = admin.found("/v2/history?limit=1").await["items"][0].clone();
    assert_eq!(change["revision"], answer.header("karana-revision"));
    assert_eq!(change["actor"], format!("users/{}", micha.uuid), "a change by the user");
    assert_eq!(change["changes"][0]["secrets"], json!(["credentials.password"]));
    signed_in.session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    micha.session.get("/v1/users").await.refused(401, "Invalid Authentication");
    try_sign_in(&server.nobody, &micha.email, &micha.password).await.problem(401, "bad_credentials");
    sign_in(&server.nobody, &micha.email, "another one").await;
    set(&server, token, "a third one").await.problem(401, "bad_credentials");
    sign_in(&server.nobody, &micha.email, "another one").await;
    assert!(!server.stop().stderr.contains(token));
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_sets_the_password() {
    let (server, admin, micha) = stage().await;
    let token = link(&admin, &micha.uuid).await;
    let passwords: Vec<_> = (0..8).map(|n| format!("password {n}")).collect();
    let answers = join_all(passwords.iter().map(|password| set(&server, &token, password))).await;
    let set: Vec<_> = answers.iter().zip(&passwords).filter(|(answer, _)| answer.status == 204).collect();
    assert_eq!(set.len(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 204 | 401)));
    sign_in(&server.nobody, &micha.email, set[0].1).await;
}

#[tokio::test]
async fn a_new_link_replaces_the_old_one_and_links_outlive_a_restart() {
    let (server, admin, micha) = stage().await;
    let (old, new) = (link(&admin, &micha.uuid).await, link(&admin, &micha.uuid).await);
    set(&server, &old, "another one").await.problem(401, "bad_credentials");
    let home = server.home().clone();
    server.kill();
    let server = home.serve();
    set(&server, &old, "another one").await.problem(401, "bad_credentials");
    assert_eq!(set(&server, &new, "another one").await.status, 204);
}

#[tokio::test]
async fn what_ends_a_users_tokens_ends_the_link() {
    let (server, admin, micha) = stage().await;
    let one = format!("/v2/users/{}", micha.uuid);
    for change in [json!({"state": "suspended"}), json!({"credentials": {"password": "chosen since"}})] {
        admin.send("PATCH", &one, &json!({"state": "active"}), &[]).await.json(200);
        let token = link(&admin, &micha.uuid).await;
        admin.send("PATCH", &one, &change, &[]).await.json(200);
        set(&server, &token, "another one").await.problem(401, "bad_credentials");
    }
    admin.send("PATCH", &one, &json!({"state": "suspended"}), &[]).await.json(200);
    try_link(&admin, &micha.uuid).await.problem(409, "conflict");
    let token = {
        let other = admin.person("client", "other").await;
        let token = link(&admin, &other.uuid).await;
        let path = format!("/v2/users/{}", other.uuid);
        assert_eq!(admin.send("DELETE", &path, &Value::Null, &[("if-match", "*")]).await.status, 204);
        token
    };
    set(&server, &token, "another one").await.problem(401, "bad_credentials");
}

#[tokio::test]
async fn admins_make_links_for_all_managers_for_clients_and_others_for_nobody() {
    let (server, admin, micha) = stage().await;
    let manager = admin.person("manager", "manager").await;
    let viewer = admin.person("viewer", "viewer").await;
    let own = admin.found("/v2/me").await["uuid"].as_str().unwrap().to_owned();
    for (who, user, allowed) in [
        (&admin, &micha.uuid, true),
        (&admin, &manager.uuid, true),
        (&admin, &own, true),
        (&manager.session, &micha.uuid, true),
        (&manager.session, &manager.uuid, false),
        (&manager.session, &viewer.uuid, false),
        (&manager.session, &own, false),
        (&viewer.session, &micha.uuid, false),
        (&viewer.session, &viewer.uuid, false),
        (&micha.session, &micha.uuid, false),
        (&micha.session, &own, false),
    ] {
        let answer = try_link(who, user).await;
        match allowed {
            true => drop(answer.json(200)),
            false => drop(answer.problem(403, "forbidden")),
        }
    }
    for (path, status) in [
        ("/v2/users/00000000-0000-4000-8000-000000000000/password-link", "not_found"),
        ("/v2/users/x/password-link", "not_found"),
        ("/v2/karanas/00000000-0000-4000-8000-000000000000/password-link", "not_found"),
    ] {
        admin.send("POST", path, &Value::Null, &[]).await.problem(404, status);
    }
    let nobody = server.nobody.send("POST", "/v2/password", &json!({"token": "x"}), &[]).await;
    assert_eq!(findings(&nobody.problem(400, "invalid")), [("password".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn a_link_begins_where_clients_reach_the_server() {
    let server = Server::start_with("[api]\npublic_url = https://karana.example.org\n", &[]);
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let made = try_link(&admin, &micha.uuid).await.json(200);
    let (url, token) = (made["url"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(url, format!("https://karana.example.org/#/password?token={token}"));
}
