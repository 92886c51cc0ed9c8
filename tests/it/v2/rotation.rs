//! New secrets in the place of those that the server has made.

use crate::support::Server;
use crate::support::{Session, user};
use serde_json::{Value, json};

async fn rotate(session: &Session, path: &str, headers: &[(&str, &str)]) -> crate::support::Answer {
    session.send("POST", &format!("{path}/rotate"), &Value::Null, headers).await
}

#[tokio::test]
async fn a_record_gets_new_secrets_in_one_commit_and_nothing_else_changes() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.made("users", &user("ada")).await;
    let karana = admin.made("karanas", &json!({"name": "Roof", "owner": owner["uuid"], "config": {}})).await;
    let path = format!("/v2/karanas/{}", karana["uuid"].as_str().unwrap());
    let answer = rotate(&admin, &path, &[]).await;
    let mut after = answer.json(200);
    assert_eq!(answer.header("karana-revision").len(), 40);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_ne!(after["config"]["password"], karana["config"]["password"]);
    assert_eq!(admin.found(&path).await, after);
    after["config"]["password"] = karana["config"]["password"].clone();
    assert_eq!(after, karana, "nothing else");

    let path = format!("/v2/users/{}", owner["uuid"].as_str().unwrap());
    let after = rotate(&admin, &path, &[]).await.json(200);
    for secret in ["password_influx", "password_grafana"] {
        assert_ne!(after[secret], owner[secret], "{secret}");
    }
    admin.login("ada@example.com", "password of ada").await;
}

#[tokio::test]
async fn only_who_may_change_all_of_a_record_rotates_and_conditions_hold() {
    let server = Server::start();
    let admin = server.admin().await;
    let ada = admin.person("client", "ada").await;
    let karana = admin.made("karanas", &json!({"name": "Roof", "owner": ada.uuid, "config": {}})).await;
    let path = format!("/v2/karanas/{}", karana["uuid"].as_str().unwrap());
    let stranger = admin.person("client", "bob").await.session;
    let viewer = admin.person("viewer", "vera").await.session;
    for session in [&ada.session, &stranger, &viewer] {
        assert_eq!(rotate(session, &path, &[]).await.status, 403);
    }
    let manager = admin.person("manager", "max").await.session;
    rotate(&manager, &path, &[]).await.json(200);
    let users = format!("/v2/users/{}", ada.uuid);
    rotate(&manager, &users, &[]).await.json(200);
    assert_eq!(rotate(&ada.session, &users, &[]).await.status, 403);
    assert_eq!(rotate(&admin, &path, &[("if-match", "\"0\"")]).await.status, 412);
    assert_eq!(rotate(&admin, "/v2/payments/4e1fcc06-0a0e-4b0e-8f0a-3a1f0a3a1f0a", &[]).await.status, 404);
    assert_eq!(rotate(&admin, &path, &[]).await.status, 200);
}
