//! Paths, methods, authentication and bodies of `/v1`.

use crate::resources::all_resources;
use crate::support::{Answer, Server, user};
use serde_json::{Value, json};

const TOO_LARGE: usize = 2 << 20;

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let server = Server::start();
    let admin = server.admin().await;
    let uuid =
        admin.post("/v1/users/new/", &user("slash")).await.results()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(admin.get("/v1/users/").await.body, admin.get("/v1/users").await.body);
    let one = format!("/v1/users/{uuid}");
    assert_eq!(admin.get(&format!("{one}/")).await.body, admin.get(&one).await.body);
    admin.put(&format!("{one}/"), &json!({"name": "a", "role": "viewer"})).await.entry(&uuid);
    admin.patch(&format!("{one}/"), &json!({"name": "b"})).await.entry(&uuid);
    admin.delete(&format!("{one}/")).await.entry(&uuid);
    let login = server.nobody.request("POST", "/v1/users/login/");
    let body = json!({"user": "admin@example.com", "password": "admin"});
    assert!(Answer::to(login.json(&body)).await.results()["token"].is_string());
    admin.post("/v1/sync/all/db/", &Value::Null).await.results();
}

#[tokio::test]
async fn the_word_bearer_is_taken_in_any_case() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    let get =
        |value: String| Answer::to(server.nobody.request("GET", "/v1/users").header("authorization", value));
    for word in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        get(format!("{word} {token}")).await.results();
    }
    for value in ["Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "x", ""] {
        let answer = get(value.to_owned()).await;
        answer.refused(401, "Invalid Authentication");
        assert!(!answer.header("www-authenticate").is_empty());
    }
    get(token.clone()).await.refused(401, "Invalid Authentication");
    get(format!("Bearer {token}x")).await.refused(401, "Invalid Authentication");
}

#[tokio::test]
async fn a_token_in_the_query_string_is_none() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    for name in ["token", "access_token", "authorization"] {
        let answer = server.nobody.get(&format!("/v1/users?{name}={token}")).await;
        answer.refused(401, "Authentication Required");
    }
}

#[tokio::test]
async fn authentication_comes_before_the_body() {
    let server = Server::start();
    let uuid = "00000000-0000-4000-8000-000000000000";
    for resource in all_resources() {
        for (method, path) in
            [("POST", "new"), ("PUT", uuid), ("PATCH", uuid), ("DELETE", uuid), ("PUT", "no-uuid")]
        {
            let path = format!("/v1/{resource}/{path}");
            for body in ["", "{", "not json", "{\"data\": \"{}\"}"] {
                let request = server.nobody.request(method, &path).header("content-type", "application/json");
                Answer::to(request.body(body)).await.refused(401, "Authentication Required");
            }
            let session = server.nobody.with_token("wrong");
            Answer::to(session.request(method, &path).body("{")).await.refused(401, "Invalid Authentication");
        }
    }
}

/// On a socket of its own: the server may answer and hang up before all of it has been sent.
#[tokio::test]
async fn a_huge_body_of_a_stranger_is_not_read() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start();
    for path in ["users/new", "karanas/new"] {
        let mut socket = tokio::net::TcpStream::connect(server.socket()).await.unwrap();
        let head = format!("POST /v1/{path} HTTP/1.1\r\nhost: x\r\ncontent-length: {TOO_LARGE}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        // Not one byte of the body is sent: the answer comes all the same.
        let mut start = [0; 12];
        socket.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 401");
    }
}

#[tokio::test]
async fn data_comes_as_text_as_object_and_in_a_form() {
    let server = Server::start();
    let admin = server.admin().await;
    let post = || admin.request("POST", "/v1/users/new");
    let data = |name: &str| user(name).to_string();

    let text = json!({"data": data("text"), "extra": {"ignored": true}});
    Answer::to(post().json(&text)).await.results();
    let object = json!({"data": user("object"), "token": "ignored"});
    Answer::to(post().json(&object)).await.results();
    Answer::to(post().form(&[("data", data("form").as_str()), ("extra", "ignored")])).await.results();
    let charset = post().header("content-type", "Application/JSON; charset=utf-8");
    Answer::to(charset.body(json!({"data": data("charset")}).to_string())).await.results();
    for name in ["text", "object", "form", "charset"] {
        server.nobody.login(&format!("{name}@example.com"), &format!("password of {name}")).await;
    }

    let login = server.nobody.request("POST", "/v1/users/login");
    let answer = Answer::to(login.form(&[("user", "admin@example.com"), ("password", "admin")])).await;
    assert!(answer.results()["token"].is_string());
}

#[tokio::test]
async fn missing_parameters_are_named_as_the_old_server_names_them() {
    let server = Server::start();
    let admin = server.admin().await;
    let uuid = admin.create("users", &user("somebody")).await;
    for (method, path) in [("POST", "new"), ("PUT", uuid.as_str()), ("PATCH", uuid.as_str())] {
        for body in ["", "{}", "{\"Data\": \"{}\"}"] {
            let request = admin
                .request(method, &format!("/v1/users/{path}"))
                .header("content-type", "application/json");
            let answer = Answer::to(request.body(body)).await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.text(), r#"{"errors": {"data": "Required parameter 'data' not supplied"}}"#);
        }
    }
    for (body, name) in [("{}", "user"), (r#"{"user": "x"}"#, "password"), (r#"{"password": "x"}"#, "user")] {
        let login =
            server.nobody.request("POST", "/v1/users/login").header("content-type", "application/json");
        let reason = Answer::to(login.body(body)).await.refused(400, name);
        assert_eq!(reason, format!("Required parameter '{name}' not supplied"));
    }
}

#[tokio::test]
async fn parameters_in_the_query_string_are_refused_and_not_repeated() {
    let server = Server::start();
    let admin = server.admin().await;
    let uuid = admin.create("users", &user("somebody")).await;
    let commits = server.home().commits();
    let canary = "canary-in-the-query";
    for (method, path) in [
        ("POST", "/v1/users/new".to_owned()),
        ("PUT", format!("/v1/users/{uuid}")),
        ("PATCH", format!("/v1/users/{uuid}")),
        ("DELETE", format!("/v1/users/{uuid}")),
        ("POST", "/v1/users/login".to_owned()),
    ] {
        let names: &[&str] = if path.ends_with("login") { &["user", "password"] } else { &["data"] };
        for name in names {
            let answer = Answer::to(admin.request(method, &format!("{path}?{name}={canary}"))).await;
            let (_, reason) = answer.error();
            assert_eq!(answer.status, 400, "{method} {path}: {reason}");
            assert!(reason.contains(name) && !answer.text().contains(canary), "{reason}");
        }
    }
    assert_eq!(server.home().commits(), commits);
    assert!(!server.log().contains(canary));
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_is_not_possible_405() {
    let server = Server::start();
    let admin = server.admin().await;
    for (method, title) in [
        ("GET", "Get Resource Error"),
        ("POST", "Create Resource Error"),
        ("PUT", "Update Resource Error"),
        ("PATCH", "Modify Resource Error"),
        ("DELETE", "Delete Resource Error"),
    ] {
        for path in ["/v1", "/v1/users/a/b/c"] {
            admin.call(method, path, &Value::Null).await.refused(404, title);
        }
        for path in ["/v3/users", "/v3/users/new", "/v17", "/V1/users", "/nothing"] {
            admin.call(method, path, &Value::Null).await.problem(404, "not_found");
        }
    }
    let uuid = "00000000-0000-4000-8000-000000000000";
    admin.get("/v1/nothing").await.refused(404, "Get Resource Error");
    admin.get("/v1/Users").await.refused(404, "Get Resource Error");
    admin.get(&format!("/v1/nothing/{uuid}")).await.refused(404, "Get Resource Error");
    admin.post("/v1/nothing/new", &json!({})).await.refused(404, "Create Resource Error");
    admin.put(&format!("/v1/nothing/{uuid}"), &json!({})).await.refused(404, "Update Resource Error");
    admin.patch(&format!("/v1/nothing/{uuid}"), &json!({})).await.refused(404, "Modify Resource Error");
    admin.delete(&format!("/v1/nothing/{uuid}")).await.refused(404, "Delete Resource Error");
    for resource in ["nothing", "karanas"] {
        let login = admin.request("POST", &format!("/v1/{resource}/login"));
        Answer::to(login.json(&json!({"user": "a", "password": "b"})))
            .await
            .refused(404, "Create Resource Error");
    }

    for (method, path, title, allowed) in [
        ("PUT", "/v1/users", "Update Resource Error", &["GET"][..]),
        ("DELETE", "/v1/users", "Delete Resource Error", &["GET"]),
        ("POST", &format!("/v1/users/{uuid}"), "Create Resource Error", &["GET", "PUT", "PATCH", "DELETE"]),
        ("GET", "/v1/users/new", "Get Resource Error", &["POST"]),
        ("GET", "/v1/users/login", "Get Resource Error", &["POST"]),
        ("GET", "/v1/sync/all/db", "Sync DB error", &["POST"]),
        ("BREW", "/v1/users", "Get Resource Error", &["GET"]),
    ] {
        let answer = admin.call(method, path, &Value::Null).await;
        answer.refused(405, title);
        let allow = answer.header("allow").to_owned();
        assert!(allowed.iter().all(|name| allow.contains(name)), "{method} {path}: allow: {allow}");
    }
}

#[tokio::test]
async fn sync_without_back_ends_says_so_on_both_paths() {
    let server = Server::start();
    let admin = server.admin().await;
    for path in ["/v1/sync/all/db", "/v1/sync/db/all"] {
        for body in [None, Some("")] {
            let mut request = admin.request("POST", path).header("content-type", "application/json");
            if let Some(body) = body {
                request = request.body(body);
            }
            let answer = Answer::to(request).await;
            let results = answer.results();
            for resource in ["users", "karanas"] {
                assert_eq!(results[resource], json!({"synced": 0, "failed": 0}));
            }
            assert!(answer.text().contains("not configured"), "{}", answer.text());
        }
        server.nobody.post(path, &Value::Null).await.refused(401, "Authentication Required");
    }
}

/// Nobody listens at port 1.
#[tokio::test]
async fn sync_with_a_back_end_that_is_away_is_503() {
    let config = "[influxdb]\nhost = 127.0.0.1\nport = 1\nuser = admin\npass = canary-of-influx\n";
    let server = Server::start_with(config, &[]);
    let admin = server.admin().await;
    admin.create("users", &user("somebody")).await;
    for path in ["/v1/sync/all/db", "/v1/sync/db/all"] {
        admin.post(path, &Value::Null).await.refused(503, "Sync DB error");
    }
    assert!(!server.stop().stderr.contains("canary-of-influx"));
}
