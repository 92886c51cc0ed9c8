//! Pages of other origins: those in the configuration, and no other.

use crate::support::{Answer, Server};

const ORIGIN: &str = "https://page.example";
const SECOND: &str = "http://localhost:5173";

fn server() -> Server {
    Server::start_with(&format!("[api]\ncors_origins = {ORIGIN}, {SECOND}\n"), &[])
}

async fn preflight(server: &Server, path: &str, origin: &str, method: &str) -> Answer {
    let request = server.nobody.request("OPTIONS", path).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    Answer::to(request.header("access-control-request-headers", "authorization,content-type")).await
}

#[tokio::test]
async fn a_preflight_is_answered_204() {
    let server = server();
    for path in
        ["/v1/users", "/v1/users/", "/v1/users/new", "/v1/users/login", "/v1/sync/all/db", "/v1/karanas/x"]
    {
        for origin in [ORIGIN, SECOND] {
            for method in ["POST", "PUT", "GET", "PATCH", "DELETE"] {
                let answer = preflight(&server, path, origin, method).await;
                assert_eq!((answer.status, answer.text().as_str()), (204, ""));
                assert_eq!(answer.header("access-control-allow-origin"), origin);
                let methods = answer.header("access-control-allow-methods").to_uppercase();
                let mut methods: Vec<_> = methods.split(',').map(str::trim).collect();
                methods.sort_unstable();
                assert_eq!(methods, ["DELETE", "GET", "PATCH", "POST", "PUT"]);
                let headers = answer.header("access-control-allow-headers").to_lowercase();
                for name in ["content-type", "authorization"] {
                    assert!(headers.split(',').any(|header| header.trim() == name), "{headers}");
                }
            }
        }
    }
}

#[tokio::test]
async fn answers_carry_the_header_refusals_too() {
    let server = server();
    let admin = server.admin().await;
    for (session, method, path, status) in [
        (&admin, "GET", "/v1/users", 200),
        (&server.nobody, "GET", "/v1/users", 401),
        (&admin, "POST", "/v1/users/new", 400),
        (&admin, "GET", "/v1/users/no-uuid", 400),
        (&admin, "GET", "/v1/nothing", 404),
        (&admin, "GET", "/v9/users", 404),
        (&admin, "PUT", "/v1/users", 405),
    ] {
        let answer = Answer::to(session.request(method, path).header("origin", ORIGIN)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{method} {path}");
        assert!(answer.header("vary").to_lowercase().contains("origin"), "caches must tell origins apart");
    }
}

#[tokio::test]
async fn other_origins_get_none() {
    let server = server();
    let admin = server.admin().await;
    for origin in ["https://evil.example", "http://page.example", "https://page.example:8443", "null", "*"] {
        let answer = Answer::to(admin.request("GET", "/v1/users").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        let answer = preflight(&server, "/v1/users", origin, "GET").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn in_production_there_are_none_by_default() {
    let server = Server::start_with("[api]\nmode = production\n", &[]);
    let answer = preflight(&server, "/v1/users", "http://localhost:3000", "GET").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let server = Server::start();
    let answer = preflight(&server, "/v1/users", "http://localhost:3000", "GET").await;
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
}
