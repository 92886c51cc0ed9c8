//! What a foreign web page has the browser of somebody send: refused before it does or costs anything.

use crate::support::{Answer, Home, Server, Session};
use serde_json::{Value, json};

const FOREIGN: &[&[(&str, &str)]] = &[
    &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
    // As browsers do by plain http, where they say no more.
    &[("origin", "https://evil.example")],
    // Another port of the same host.
    &[("origin", "http://127.0.0.1:1")],
    &[("origin", "http://127.0.0.1:1"), ("sec-fetch-site", "same-site")],
    &[("origin", "null")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
];

/// As a page sends it without asking first: a body that is not called anything.
async fn untyped(who: &Session, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = who.request("POST", path).body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::to(request).await
}

fn login(password: &str) -> Value {
    json!({"user": "admin@example.com", "password": password, "cookie": true})
}

#[tokio::test]
async fn a_foreign_page_signs_nobody_in_and_nobody_out() {
    let server = Server::start();
    let admin = server.admin().await;
    let nobody = &server.nobody;
    let commits = server.home().commits();
    for headers in FOREIGN {
        let answer = untyped(nobody, "/v2/users/login", &login("admin"), headers).await;
        let problem = answer.problem(403, "foreign_origin");
        assert!(problem["detail"].as_str().unwrap().contains("[api] cors_origins"), "{problem}");
        assert_eq!((answer.header("set-cookie"), answer.header("access-control-allow-origin")), ("", ""));
        let old = json!({"user": "admin@example.com", "password": "admin"});
        untyped(nobody, "/v1/users/login", &old, headers).await.refused(403, "Create Resource Error");
        untyped(nobody, "/v2/refresh", &json!({}), headers).await.problem(403, "foreign_origin");
        untyped(nobody, "/v2/logout", &Value::Null, headers).await.problem(403, "foreign_origin");
        // Whoever it is that asks, and wherever.
        for path in ["/v2/karanas", "/v2/sync", "/v2/nothing/at/all/there"] {
            untyped(&admin, path, &json!({}), headers).await.problem(403, "foreign_origin");
        }
        admin.send("DELETE", "/v2/karanas/x", &Value::Null, headers).await.problem(403, "foreign_origin");
        // What changes nothing is kept from the page by the browser, for want of an `Access-Control-Allow-Origin`.
        let list = admin.send("GET", "/v2/karanas", &Value::Null, headers).await;
        assert_eq!((list.status, list.header("access-control-allow-origin")), (200, ""));
    }
    assert_eq!(server.home().commits(), commits);
}

/// Nor does it lock anybody out.
#[tokio::test]
async fn what_a_foreign_page_tries_does_not_count_for_the_address() {
    let server = Server::start();
    for _ in 0..12 {
        let wrong = untyped(&server.nobody, "/v2/users/login", &login("wrong"), FOREIGN[0]).await;
        assert_eq!(wrong.status, 403);
    }
    for _ in 0..130 {
        let bogus = json!({"refresh_token": "bogus"});
        assert_eq!(untyped(&server.nobody, "/v2/refresh", &bogus, FOREIGN[1]).await.status, 403);
    }
    server.nobody.send("POST", "/v2/users/login", &login("admin"), &[]).await.json(200);
}

#[tokio::test]
async fn our_own_page_and_those_that_are_named_go_on() {
    let config = "[api]\npublic_url = https://karana.example.org/here\ncors_origins = https://page.example\n";
    let server = Server::start_with(config, &[]);
    let own = server.address.as_str();
    for headers in [
        &[("origin", own), ("sec-fetch-site", "same-origin")][..],
        &[("origin", own)],
        // A proxy that gives requests another `Host`.
        &[("origin", "https://karana.example.org")],
        &[("origin", "https://elsewhere.example"), ("sec-fetch-site", "same-origin")],
        &[("origin", "https://page.example"), ("sec-fetch-site", "cross-site")],
        // No browser.
        &[],
    ] {
        untyped(&server.nobody, "/v2/users/login", &login("admin"), headers).await.json(200);
        let made = json!({"name": "Roof", "owner": null, "config": {}});
        server.admin().await.send("POST", "/v2/karanas", &made, headers).await.json(201);
    }
}

/// The page of 2017, from its development server.
#[tokio::test]
async fn the_old_page_goes_on_in_test_mode() {
    let server = Server::start();
    let old = [("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")];
    let login = json!({"user": "admin@example.com", "password": "admin"});
    let answer = server.nobody.send("POST", "/v1/users/login", &login, &old).await;
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    let admin = server.nobody.with_token(answer.results()["token"].as_str().unwrap());
    let data = json!({"data": json!({"name": "K1", "owner": null, "config": {}}).to_string()});
    admin.send("POST", "/v1/karanas/new", &data, &old).await.results();
}

#[tokio::test]
async fn behind_a_proxy_the_page_is_where_the_proxy_says() {
    let origin = ("origin", "https://karana.example.org");
    let from_there = [origin, ("x-forwarded-host", "karana.example.org"), ("x-forwarded-proto", "https")];
    let by_http = [origin, ("x-forwarded-host", "karana.example.org"), ("x-forwarded-proto", "http")];
    let server = Home::new("[api]\ntrusted_proxies = 127.0.0.1\n").serve();
    untyped(&server.nobody, "/v2/users/login", &login("admin"), &from_there).await.json(200);
    untyped(&server.nobody, "/v2/users/login", &login("admin"), &by_http)
        .await
        .problem(403, "foreign_origin");
    // Anybody else may say what they like.
    let server = Server::start();
    let answer = untyped(&server.nobody, "/v2/users/login", &login("admin"), &from_there).await;
    answer.problem(403, "foreign_origin");
}
