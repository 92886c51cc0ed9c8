//! What no client should send. The server refuses it, names what is wrong and never the value, and goes on.

use crate::resources::all_resources;
use crate::support::{Answer, Server, Session, user};
use serde_json::{Value, json};

/// A server that has an admin signed in, and an entry to change.
struct Target {
    server: Server,
    admin: Session,
    one: String,
}

impl Target {
    async fn new() -> Self {
        let server = Server::start();
        let admin = server.admin().await;
        let one = format!("/v1/users/{}", admin.create("users", &user("target")).await);
        Self { server, admin, one }
    }

    /// Sends a body wherever there can be one; each must be refused so, in the old envelope.
    async fn refuses(&self, body: &[u8], content_type: &str, status: u16) {
        let commits = self.server.home().commits();
        for (method, path) in [
            ("POST", "/v1/users/new"),
            ("PUT", self.one.as_str()),
            ("PATCH", &self.one),
            ("POST", "/v1/users/login"),
        ] {
            let request = self.admin.request(method, path).header("content-type", content_type);
            let answer = Answer::to(request.body(body.to_vec())).await;
            let (title, reason) = answer.error();
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
            assert_eq!(answer.status, status, "{method} {path} {shown}: {title}: {reason}");
            assert!(!reason.contains("canary"), "{reason}");
        }
        assert_eq!(self.server.home().commits(), commits);
        // And it goes on.
        self.admin.get(&self.one).await.results();
    }
}

#[tokio::test]
async fn what_is_not_json() {
    let target = Target::new().await;
    for body in [
        "canary",
        "{",
        "}",
        "{\"data\":",
        "{\"data\": \"canary",
        "{'data': 'canary'}",
        "{\"data\": canary}",
        "[",
        "\u{feff}{}",
        "{} canary",
        "{\"a\": 1,}",
        "{\"a\": NaN}",
        "{\"a\": 1e999}",
        "\"canary\"",
        "[\"canary\"]",
        "3",
        "null",
        "true",
        "{\"data\": \"\\ud800 canary\"}",
        "\0",
    ] {
        target.refuses(body.as_bytes(), "application/json", 400).await;
    }
}

#[tokio::test]
async fn data_that_is_not_an_object() {
    let target = Target::new().await;
    for data in [
        json!("canary"),
        json!(""),
        json!("{"),
        json!("[]"),
        json!("\"canary\""),
        json!("null"),
        json!("{} canary"),
        json!(null),
        json!(3),
        json!([]),
        json!(["canary"]),
        json!(true),
        json!("{\"name\": canary}"),
    ] {
        for (method, path, title) in [
            ("POST", "/v1/users/new", "Create Resource Error"),
            ("PUT", &target.one, "Update Resource Error"),
            ("PATCH", &target.one, "Modify Resource Error"),
        ] {
            let answer = Answer::to(target.admin.request(method, path).json(&json!({"data": data}))).await;
            let reason = answer.refused(400, title);
            assert!(reason.contains("data") && !reason.contains("canary"), "{data}: {reason}");
        }
    }
}

#[tokio::test]
async fn deep_nesting() {
    let target = Target::new().await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let (lists, objects) = (deep("[", "]"), deep("{\"a\":", "}"));
    for nested in [&lists, &objects] {
        target.refuses(nested.as_bytes(), "application/json", 400).await;
        target.refuses(format!("{{\"data\": {nested}}}").as_bytes(), "application/json", 400).await;
        let inner = json!({"data": format!("{{\"name\": {nested}}}")}).to_string();
        for (method, path) in [("POST", "/v1/users/new"), ("PUT", &target.one), ("PATCH", &target.one)] {
            let request = target.admin.request(method, path).header("content-type", "application/json");
            assert_eq!(Answer::to(request.body(inner.clone())).await.status, 400);
        }
    }
    // Not deep enough to be refused by the parser.
    let shallow = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let data = json!({"data": format!("{{\"name\": {shallow}}}")});
    let reason = Answer::to(target.admin.request("PATCH", &target.one).json(&data)).await;
    assert!(reason.refused(400, "Modify Resource Error").contains("name"));
}

#[tokio::test]
async fn invalid_utf_8() {
    let target = Target::new().await;
    for bytes in [
        &b"\xff\xfe"[..],
        b"{\"data\": \"\xc3\x28\"}",
        b"{\"data\": \"\xed\xa0\x80\"}",
        b"{\"user\": \"\x80\", \"password\": \"x\"}",
    ] {
        target.refuses(bytes, "application/json", 400).await;
    }
    let form = b"data=%ff%fe";
    let request = target.admin.request("POST", "/v1/users/new").body(form.to_vec());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    Answer::to(request).await.refused(400, "Create Resource Error");
}

#[tokio::test]
async fn other_content_types() {
    let target = Target::new().await;
    let body = json!({"data": user("new").to_string(), "user": "canary", "password": "canary"}).to_string();
    for content_type in
        ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonx", "x"]
    {
        for (method, path) in [("POST", "/v1/users/new"), ("PUT", &target.one), ("POST", "/v1/users/login")] {
            let request = target.admin.request(method, path).header("content-type", content_type);
            let answer = Answer::to(request.body(body.clone())).await;
            let (_, reason) = answer.error();
            assert!(matches!(answer.status, 400 | 415), "{content_type}: {}", answer.status);
            assert!(reason.contains("application/json") && !reason.contains("canary"), "{reason}");
        }
    }
    // `curl -d` calls JSON a form.
    let curl = target.admin.request("POST", "/v1/users/new").body(body);
    let curl = curl.header("content-type", "application/x-www-form-urlencoded");
    let reason = Answer::to(curl).await.refused(400, "Create Resource Error");
    assert!(reason.contains("application/json"), "{reason}");
}

#[tokio::test]
async fn text_with_nul_and_control_characters() {
    let target = Target::new().await;
    for text in ["a\0b", "\0", "\u{1}\u{1b}[31m", "\u{fffe}\u{ffff}"] {
        let data = json!({"name": text});
        let entry = target.admin.patch(&target.one, &data).await;
        if entry.status == 200 {
            let uuid = target.one.rsplit('/').next().unwrap();
            assert_eq!(target.admin.get(&target.one).await.entry(uuid)["name"], text, "kept as it is");
        } else {
            assert!(entry.refused(400, "Modify Resource Error").contains("name"));
        }
        for address in [format!("{text}@example.com"), format!("a@{text}.com")] {
            let data = json!({"email": address});
            target.admin.patch(&target.one, &data).await.refused(400, "Modify Resource Error");
        }
    }
    target.server.home().git(&["fsck", "--full", "--strict"]);
}

#[tokio::test]
async fn paths_of_all_kinds() {
    let target = Target::new().await;
    let long = "x".repeat(10_000);
    for path in [
        "/v1/%00",
        "/v1/users/%00",
        "/v1/users/%2e%2e%2f%2e%2e",
        "/v1/users/%zz",
        "/v1//users",
        "/v1/users//new",
        "/v1/users/%F0%9F%98%80",
        "/v1/us%65rs/x",
        "/v1/users;x=1",
        &format!("/v1/{long}"),
        &format!("/v1/users/{long}"),
        "/v1/users/new/new",
        "/v1/users/00000000000040008000000000000000",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = target.admin.call(method, path, &json!({})).await;
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
            answer.error();
        }
    }
}

/// In the one envelope that `/v1` has, like every refusal.
#[tokio::test]
async fn a_path_that_is_not_utf_8() {
    let target = Target::new().await;
    for path in ["/v1/users/%ff", "/v1/%ff", "/v1/%ff/new", "/v1/%ff/login"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = target.admin.call(method, path, &json!({})).await;
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
            answer.error();
        }
    }
}

#[tokio::test]
async fn queries_of_all_kinds() {
    let target = Target::new().await;
    for query in
        ["?", "?&&&", "?=", "?%ff=%ff", "?a=%00", "?limit=-1", "?dependents=", "?x[y][z]=1&x=2", "?%"]
    {
        let answer = target.admin.get(&format!("/v1/users{query}")).await;
        assert!(answer.status < 500, "{query}: {}", answer.status);
        let answer = target.admin.delete(&format!("/v1/users/no-uuid{query}")).await;
        answer.refused(400, "Delete Resource Error");
    }
}

/// Where one wrong value stands in for every field of every resource.
#[tokio::test]
async fn wrong_types_and_huge_values_everywhere() {
    let target = Target::new().await;
    let fields: &[(&str, &[&str])] = &[
        ("users", &["name", "email", "role", "credentials", "credentials.login", "credentials.password"]),
        (
            "karanas",
            &[
                "name",
                "note",
                "owner",
                "config",
                "config.series",
                "config.signal",
                "config.post_int",
                "config.get_int",
            ],
        ),
        ("maintenances", &["karana", "date", "technician", "description", "state"]),
        ("payments", &["owner", "karana", "amount", "currency", "paid_at", "valid_until"]),
    ];
    assert_eq!(fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), all_resources());
    let huge = format!("canary{}", "x".repeat(100_000));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("canary"),
        json!("99999999999999999999999"),
        json!("1e9"),
        json!(huge),
        json!([]),
        json!(["canary"]),
        json!({}),
        json!({"canary": {"canary": []}}),
        json!([[[{}]]]),
    ];
    for (resource, names) in fields {
        for name in *names {
            for value in &values {
                let data = match name.split_once('.') {
                    Some((outer, inner)) => json!({outer: {inner: value}}),
                    None => json!({*name: value}),
                };
                let answer = target.admin.post(&format!("/v1/{resource}/new"), &data).await;
                let reason = answer.refused(400, "Create Resource Error");
                // What no field may be is named, beside what is missing.
                if *value == json!(true) || *value == json!([[[{}]]]) {
                    let names = [*name, name.split('.').next().unwrap()];
                    assert!(
                        names.iter().any(|name| reason.contains(&format!("{name}: must"))),
                        "{name}: {reason}"
                    );
                }
                assert!(!reason.contains("canary") && reason.len() < 2000, "{resource} {name}: {reason}");
            }
        }
    }
    let numbers = |n: &str| format!("{{\"data\": {{\"config\": {{\"post_int\": {n}}}}}}}");
    for number in
        [&"9".repeat(5000), "-9223372036854775809", "1e400", "1E+99999999999", "-0.0000000000000001"]
    {
        let request =
            target.admin.request("POST", "/v1/karanas/new").header("content-type", "application/json");
        Answer::to(request.body(numbers(number))).await.refused(400, "Create Resource Error");
    }
    for value in [json!(null), json!(3), json!(["canary"]), json!({"canary": 1})] {
        let login = target.admin.request("POST", "/v1/users/login");
        for body in [json!({"user": value, "password": "x"}), json!({"user": "x", "password": value})] {
            let answer = Answer::to(login.try_clone().unwrap().json(&body)).await;
            assert!(answer.status == 400 && !answer.error().1.contains("canary"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_413() {
    let target = Target::new().await;
    let body = format!("{{\"data\": \"{}\"}}", "x".repeat(2 << 20));
    for (method, path) in [("POST", "/v1/users/new"), ("PUT", &target.one), ("POST", "/v1/users/login")] {
        let request = target.admin.request(method, path).header("content-type", "application/json");
        // Announced, and refused before it is read: some of it may never be sent.
        let head = request.header("expect", "100-continue").body(body.clone());
        if let Ok(response) = head.send().await {
            assert_eq!(response.status(), 413);
        }
    }
    target.admin.get(&target.one).await.results();
    // Just below the limit it is read, and refused for what it holds.
    let body = json!({"data": json!({"name": "x".repeat(1_000_000)})}).to_string();
    let request = target.admin.request("PATCH", &target.one).header("content-type", "application/json");
    let reason = Answer::to(request.body(body)).await.refused(400, "Modify Resource Error");
    assert!(reason.contains("name"));
}

#[tokio::test]
async fn head_and_options() {
    let target = Target::new().await;
    for path in ["/v1/users", target.one.as_str()] {
        let (head, get) = (target.admin.call("HEAD", path, &Value::Null).await, target.admin.get(path).await);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
    let head = target.server.nobody.call("HEAD", "/v1/users", &Value::Null).await;
    assert_eq!((head.status, head.body.len()), (401, 0));
    for path in ["/v1/users", "/v1/nothing", "*", "/"] {
        let path = if path == "*" { "/v1/users/new" } else { path };
        let answer = target.server.nobody.call("OPTIONS", path, &Value::Null).await;
        assert!(answer.status < 500 && answer.body.len() < 500, "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}
