//! The web page, and what stands in its place where the program was built without it.

use crate::support::{Answer, Server};
use serde_json::Value;

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.nobody.send("GET", path, &Value::Null, headers).await
}

/// The files of the page that it names itself; none without a page.
fn assets(page: &str) -> Vec<&str> {
    let named = page.split(['"', '\'']).filter(|text| text.starts_with("/assets/"));
    named.collect()
}

#[tokio::test]
async fn the_page_runs_nothing_that_is_not_ours() {
    let server = Server::start();
    let page = get(&server, "/", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(policy.contains("; script-src 'self';") && policy.contains("; worker-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    for foreign in ["http:", "https:", "=\"//", "NONCE"] {
        assert!(!page.text().contains(foreign), "{}", page.text());
    }
}

#[tokio::test]
async fn each_answer_has_a_nonce_of_its_own() {
    let server = Server::start();
    let nonce = |page: &Answer| {
        let policy = page.header("content-security-policy").to_owned();
        policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    };
    let (one, other) = (get(&server, "/", &[]).await, get(&server, "/", &[]).await);
    assert_eq!(nonce(&one).len(), 32);
    assert_ne!(nonce(&one), nonce(&other));
    let built = !assets(&one.text()).is_empty();
    assert_eq!(one.text().contains(&nonce(&one)), built, "{}", one.text());
    assert!(built || one.text().contains("npm run build"), "{}", one.text());
}

#[tokio::test]
async fn its_files_are_packed_as_asked_for_and_kept() {
    let server = Server::start();
    let page = get(&server, "/", &[]).await.text();
    for path in assets(&page) {
        for (asked, coding) in [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("identity", "")] {
            let file = get(&server, path, &[("accept-encoding", asked)]).await;
            assert_eq!(file.status, 200, "{path}");
            // What is small goes as it is.
            if file.body.len() > 1024 {
                assert_eq!(file.header("content-encoding"), coding, "{path}");
                assert!(file.header("vary").contains("accept-encoding") || coding.is_empty(), "{path}");
            }
            assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(file.header("x-content-type-options"), "nosniff");
        }
        get(&server, &format!("{path}.br"), &[]).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_keeps_the_page_is_never_an_old_one_and_asks_nobody_else() {
    let server = Server::start();
    let built = !assets(&get(&server, "/", &[]).await.text()).is_empty();
    let worker = get(&server, "/worker.js", &[]).await;
    if !built {
        worker.problem(404, "not_found");
        return;
    }
    assert_eq!((worker.status, worker.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(worker.header("cache-control"), "no-cache");
    assert_eq!(worker.header("content-security-policy"), "default-src 'none'; connect-src 'self'");
    assert_eq!(worker.header("x-content-type-options"), "nosniff");
}

/// A policy of its own has what is a page; all else is nothing that a browser should run, guess at or show in a frame.
#[tokio::test]
async fn every_answer_says_how_a_browser_may_take_it() {
    let server = Server::start();
    let admin = server.admin().await;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/start.js", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/health/live", 200),
        ("GET", "/v2/me", 200),
        ("GET", "/v2/karanas/export.csv", 200),
        ("GET", "/v1/karanas", 200),
        ("GET", "/v1/karanas/x", 400),
        ("GET", "/v2/karanas/x", 404),
        ("GET", "/nothing", 404),
        ("GET", "/docs/nothing.js", 404),
        ("GET", "/assets/nothing.svg", 404),
        ("POST", "/v2/karanas", 400),
        ("POST", "/v2/me", 405),
        ("OPTIONS", "/v2/me", 204),
    ] {
        let answer = admin.send(method, path, &Value::Null, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        let policies: Vec<_> = answer.headers.get_all("content-security-policy").iter().collect();
        assert_eq!(policies.len(), 1, "{method} {path}");
        let is_page = ["/", "/docs"].contains(&path);
        let plain = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(answer.header("content-security-policy") != plain, is_page, "{method} {path}");
        assert_eq!(answer.header("referrer-policy"), if is_page { "no-referrer" } else { "" }, "{path}");
    }
    let refused = server.nobody.send("GET", "/v2/me", &Value::Null, &[]).await;
    assert_eq!((refused.status, refused.header("x-content-type-options")), (401, "nosniff"));
}

/// Also for a browser: what is missing is no page.
#[tokio::test]
async fn other_paths_are_the_apis() {
    let server = Server::start();
    for path in
        ["/assets/nothing.js", "/assets/..%2Findex.html", "/assets/%2Fetc%2Fpasswd", "/assets", "/index.html"]
    {
        get(&server, path, &[("accept", "text/html")]).await.problem(404, "not_found");
    }
    get(&server, "/v2/nothing/at/all/there", &[("accept", "text/html")]).await.problem(404, "not_found");
}
