//! Whether the server is alive and ready, for whoever watches it.

use crate::support::{Answer, Home, Server};
use serde_json::{Value, json};

/// What `GET /metrics` answers somebody on this machine.
pub async fn metrics(server: &Server) -> String {
    let answer = server.nobody.get("/metrics").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4"));
    answer.text()
}

/// The value of a metric, with its labels.
pub fn metric(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name}: {metrics}")).parse().unwrap()
}

#[tokio::test]
async fn live_and_ready_are_for_everybody() {
    let server = Server::start();
    let live = server.nobody.get("/health/live").await;
    assert_eq!((live.status, live.header("content-type")), (200, "application/json"));
    let ready = server.nobody.get("/health/ready").await;
    assert_eq!(ready.status, 200);
    // From loopback, with the details.
    let body: Value = serde_json::from_slice(&ready.body).unwrap();
    assert_eq!(body["store"]["takes_writes"], true);
    assert_eq!(body["store"]["records"]["users"], 1);
    assert_eq!(body["store"]["revision"], server.home().git(&["rev-parse", "main"]).trim());
    assert!(body["sync"].to_string().contains("not_configured"), "{body}");
}

/// Behind a trusted proxy it is the client that counts, and this one is not of ours.
#[tokio::test]
async fn others_see_the_bare_state() {
    let server = Home::new("[api]\ntrusted_proxies = 127.0.0.1\nmetrics_from = 192.0.2.0/24\n").serve();
    for (client, details) in [("203.0.113.9", false), ("192.0.2.7", true), ("192.0.2.7, 203.0.113.9", false)]
    {
        let request = server.nobody.request("GET", "/health/ready").header("x-forwarded-for", client);
        let body: Value = serde_json::from_slice(&Answer::to(request).await.body).unwrap();
        assert_eq!(body.get("store").is_some(), details, "{client}: {body}");
        if !details {
            assert_eq!(body, json!({"status": "ready"}));
        }
    }
}

#[tokio::test]
async fn metrics_are_for_those_who_see_the_details() {
    let config = "[api]\ntrusted_proxies = 127.0.0.1\nmetrics_from = 192.0.2.0/24\n";
    let server = Home::new(config).serve();
    for (client, seen) in [("203.0.113.9", false), ("192.0.2.7", true), ("192.0.2.7, 203.0.113.9", false)] {
        let request = server.nobody.request("GET", "/metrics").header("x-forwarded-for", client);
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, if seen { 200 } else { 403 }, "{client}");
        if !seen {
            assert!(answer.problem(403, "forbidden")["detail"].as_str().unwrap().contains("metrics_from"));
        }
    }
    assert_eq!(server.nobody.post("/metrics", &Value::Null).await.status, 405);
}

#[tokio::test]
async fn metrics_say_what_runs_and_what_it_holds() {
    let metrics = metrics(&Server::start()).await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(metric(&metrics, &format!("karana_build_info{{version=\"{version}\"}}")), 1.0);
    assert_eq!(metric(&metrics, "karana_records{resource=\"users\"}"), 1.0);
    assert_eq!(metric(&metrics, "karana_records{resource=\"karanas\"}"), 0.0);
    assert_eq!(metric(&metrics, "karana_store_takes_writes"), 1.0);
    assert!(metrics.contains("# TYPE karana_records gauge\n"), "{metrics}");
}

/// Whoever is no proxy of ours cannot pretend to be somebody else.
#[tokio::test]
async fn a_forwarded_address_is_believed_of_proxies_only() {
    let server = Server::start();
    let request = server.nobody.request("GET", "/health/live").header("x-forwarded-for", "203.0.113.9");
    Answer::to(request).await;
    assert!(!server.stop().stderr.contains("203.0.113.9"));
}
