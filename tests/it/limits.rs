//! How often one may be wrong.

use crate::support::{Answer, Home, Server};
use serde_json::{Value, json};

/// Behind a proxy, so that clients can come from anywhere.
fn server() -> Server {
    Home::new("[api]\ntrusted_proxies = 127.0.0.1\n").serve()
}

const EMAIL: &str = "admin@example.com";

async fn login(server: &Server, version: u8, from: &str, user: &str, password: &str) -> Answer {
    let path = format!("/v{version}/users/login");
    let body = json!({"user": user, "password": password});
    server.nobody.send("POST", &path, &body, &[("x-forwarded-for", from)]).await
}

/// How often in a row one can be wrong.
async fn failures(server: &Server, version: u8, from: &str, user: &str) -> usize {
    for count in 0..1_000 {
        let answer = login(server, version, from, user, "wrong").await;
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=3600).contains(&seconds), "{seconds}");
            return count;
        }
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    panic!("no limit")
}

#[tokio::test]
async fn an_outsider_locks_out_nobody_but_the_outsider() {
    let server = server();
    assert_eq!(failures(&server, 2, "203.0.113.1", EMAIL).await, 10);
    let blocked = login(&server, 2, "203.0.113.1", EMAIL, "admin").await;
    let problem = blocked.problem(429, "too_many_requests");
    assert!(problem["detail"].as_str().unwrap().contains("seconds"), "{problem}");
    login(&server, 1, "203.0.113.1", EMAIL, "admin").await.refused(429, "Create Resource Error");
    // Nor does another spelling help.
    login(&server, 2, "203.0.113.1", "ADMIN@Example.com", "admin").await.problem(429, "too_many_requests");
    login(&server, 2, "203.0.113.2", EMAIL, "admin").await.json(200);
    login(&server, 1, "203.0.113.2", EMAIL, "admin").await.results();
    // What a client writes into the header itself is not where it comes from.
    let forged = login(&server, 2, "203.0.113.2, 203.0.113.1", EMAIL, "admin").await;
    forged.problem(429, "too_many_requests");
}

#[tokio::test]
async fn both_versions_count_together_and_unknown_users_as_known_ones() {
    let server = server();
    for _ in 0..5 {
        assert_eq!(login(&server, 1, "203.0.113.1", EMAIL, "wrong").await.status, 401);
    }
    assert_eq!(failures(&server, 2, "203.0.113.1", EMAIL).await, 5);
    assert_eq!(failures(&server, 2, "203.0.113.1", "nobody@example.com").await, 10);
}

#[tokio::test]
async fn right_sign_ins_cost_nothing() {
    let server = server();
    for _ in 0..30 {
        login(&server, 2, "203.0.113.1", EMAIL, "admin").await.json(200);
        login(&server, 1, "203.0.113.1", EMAIL, "admin").await.results();
    }
    assert_eq!(failures(&server, 2, "203.0.113.1", EMAIL).await, 10);
}

/// One who was right before is let through by the limit of the account, after a restart too.
#[tokio::test]
async fn guessing_from_everywhere_does_not_lock_out_those_who_are_known() {
    let server = server();
    login(&server, 2, "198.51.100.7", EMAIL, "admin").await.json(200);
    let home = server.home().clone();
    server.stop();
    let server = home.serve();
    let mut tried = 0;
    for n in 1..=12 {
        tried += failures(&server, 2, &format!("203.0.113.{n}"), EMAIL).await;
    }
    assert!((100..=105).contains(&tried), "{tried}");
    login(&server, 2, "192.0.2.1", EMAIL, "admin").await.problem(429, "too_many_requests");
    login(&server, 2, "198.51.100.7", EMAIL, "admin").await.json(200);
}

#[tokio::test]
async fn tokens_are_not_guessed_without_end_either() {
    let server = server();
    let from = [("x-forwarded-for", "203.0.113.1")];
    let mut tried = 0;
    loop {
        let (path, body) = match tried % 2 {
            0 => ("/v2/refresh", json!({"refresh_token": "guessed"})),
            _ => ("/v2/password", json!({"token": "guessed", "password": "another one"})),
        };
        let answer = server.nobody.send("POST", path, &body, &from).await;
        if answer.status == 429 {
            answer.problem(429, "too_many_requests");
            break;
        }
        assert_eq!(answer.status, 401);
        tried += 1;
        assert!(tried < 200, "no limit");
    }
    assert!(tried >= 100, "{tried}");
    // Others go on, and so does somebody who comes from there with a session.
    let refresh = json!({"refresh_token": "guessed"});
    let other = [("x-forwarded-for", "203.0.113.2")];
    server.nobody.send("POST", "/v2/refresh", &refresh, &other).await.problem(401, "bad_credentials");
    let session = server.admin().await;
    assert_eq!(session.send("GET", "/v2/me", &Value::Null, &from).await.status, 200);
}

/// Tries until it has to wait.
async fn held_back(call: impl AsyncFn() -> Answer) {
    for _ in 0..200 {
        match call().await.status {
            429 => return,
            status => assert_eq!(status, 401),
        }
    }
    panic!("no limit")
}

/// Others behind the same address, or a page that the browser has open, have tried too much.
#[tokio::test]
async fn who_has_a_token_is_not_held_back_by_what_others_at_the_address_tried() {
    let server = server();
    let admin = server.admin().await;
    let from = [("x-forwarded-for", "203.0.113.1")];
    let sign_in = json!({"user": EMAIL, "password": "admin"});
    let grant = server.nobody.send("POST", "/v2/users/login", &sign_in, &from).await.json(200);
    let in_cookie = json!({"user": EMAIL, "password": "admin", "cookie": true});
    let by_cookie = server.nobody.send("POST", "/v2/users/login", &in_cookie, &from).await;
    let cookie = by_cookie.header("set-cookie").split(';').next().unwrap().to_owned();
    let micha = admin.person("client", "micha").await;
    let link =
        admin.send("POST", &format!("/v2/users/{}/password-link", micha.uuid), &Value::Null, &[]).await;
    let link = link.json(200)["token"].clone();

    let refresh = async |token: &Value| {
        server.nobody.send("POST", "/v2/refresh", &json!({"refresh_token": token}), &from).await
    };
    let set = async |token: &Value| {
        let new = json!({"token": token, "password": "another one"});
        server.nobody.send("POST", "/v2/password", &new, &from).await
    };
    held_back(async || refresh(&json!("guessed")).await).await;
    held_back(async || set(&json!("guessed")).await).await;
    let next = refresh(&grant["refresh_token"]).await.json(200);
    refresh(&next["refresh_token"]).await.json(200);
    let headers = [from[0], ("cookie", cookie.as_str())];
    server.nobody.send("POST", "/v2/refresh", &Value::Null, &headers).await.json(200);
    assert_eq!(set(&link).await.status, 204);
    // A link is for one use, and a token of a session that has ended is like any other wrong one.
    held_back(async || set(&link).await).await;
    let access = server.nobody.with_token(next["access_token"].as_str().unwrap());
    assert_eq!(access.send("POST", "/v2/logout", &Value::Null, &[]).await.status, 204);
    held_back(async || refresh(&next["refresh_token"]).await).await;
    // A password can be guessed.
    held_back(async || login(&server, 2, "203.0.113.1", "nobody@example.com", "x").await).await;
}
