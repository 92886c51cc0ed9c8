//! API keys: what they open, what they do not, and what ends them.

use crate::sessions::sign_in;
use crate::support::{Answer, Home, Person, Server, Session, record, user};
use crate::v2::findings;
use serde_json::{Value, json};

/// A key that was just made.
struct ApiKey {
    uuid: String,
    text: String,
    session: Session,
}

async fn try_make(who: &Session, body: &Value) -> Answer {
    who.send("POST", "/v2/keys", body, &[]).await
}

async fn make(who: &Session, scopes: &[&str]) -> ApiKey {
    let answer = try_make(who, &json!({"name": "a key", "scopes": scopes})).await;
    let key = answer.json(201);
    let (uuid, text) = (key["uuid"].as_str().unwrap().to_owned(), key["key"].as_str().unwrap().to_owned());
    ApiKey { session: who.with_token(&text), uuid, text }
}

async fn status(session: &Session, method: &str, path: &str) -> u16 {
    session.send(method, path, &Value::Null, &[]).await.status
}

/// A server, its admin, and a client with a karana.
async fn stage() -> (Server, Session, Person, String) {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let karana = json!({"name": "K1", "owner": micha.uuid, "config": {}});
    let karana = admin.made("karanas", &karana).await["uuid"].as_str().unwrap().to_owned();
    (server, admin, micha, karana)
}

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_hash_is_kept() {
    let (server, _, micha, _) = stage().await;
    let body =
        json!({"name": "station", "scopes": ["karanas:read:own"], "expires_at": "2999-01-01T00:00:00Z"});
    let answer = try_make(&micha.session, &body).await;
    let mut made = answer.json(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("karana-revision").len(), 40);
    let text = made.as_object_mut().unwrap().remove("key").unwrap();
    let text = text.as_str().unwrap();
    assert!(text.starts_with("karana_") && text.len() == 7 + 43, "{text}");
    assert_eq!(made["hint"], text[..11]);
    let path = format!("/v2/keys/{}", made["uuid"].as_str().unwrap());
    assert_eq!(answer.header("location"), path);
    assert_eq!(made["used_at"], Value::Null);
    assert_eq!(micha.session.found(&path).await, made);
    assert_eq!(micha.session.found("/v2/keys").await, json!({"items": [made], "next": null, "total": 1}));

    let stored =
        server.home().git(&["show", &format!("main:{}", record("keys", made["uuid"].as_str().unwrap()))]);
    assert!(
        stored.contains("\"hash\": ") && !stored.contains(text) && !stored.contains(&text[11..]),
        "{stored}"
    );
    let session = micha.session.with_token(text);
    session.found("/v2/me").await;
    let used = micha.session.found(&path).await["used_at"].as_str().unwrap().to_owned();
    chrono::DateTime::parse_from_rfc3339(&used).unwrap();
    let home = server.home().clone();
    assert!(!server.stop().stderr.contains(text));
    // Both the key and when it was used outlive a restart.
    let server = home.serve();
    let micha = server.nobody.login(&micha.email, &micha.password).await;
    assert_eq!(micha.found(&path).await["used_at"].as_str().unwrap(), used);
    server.nobody.with_token(text).found("/v2/me").await;
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_name_on_both_versions() {
    let (_server, admin, micha, karana) = stage().await;
    let other = admin.made("karanas", &json!({"name": "K2", "owner": null, "config": {}})).await;
    let other = other["uuid"].as_str().unwrap();
    let (own, others) = (format!("/v2/karanas/{karana}"), format!("/v2/karanas/{other}"));

    let key = make(&admin, &["karanas:read:all"]).await.session;
    assert_eq!(key.found("/v2/karanas").await["total"], 2);
    assert!(key.found(&own).await["config"]["password"].is_string(), "as its admin");
    assert_eq!(key.get("/v1/karanas").await.results().as_object().unwrap().len(), 2);
    for (method, path) in [("GET", "/v2/users"), ("GET", "/v2/payments"), ("POST", "/v2/karanas")] {
        let body =
            if method == "POST" { json!({"name": "K3", "owner": null, "config": {}}) } else { Value::Null };
        key.send(method, path, &body, &[]).await.problem(403, "forbidden");
    }
    key.send("PATCH", &own, &json!({"note": "x"}), &[]).await.problem(403, "forbidden");
    key.send("DELETE", &own, &Value::Null, &[("if-match", "*")]).await.problem(403, "forbidden");
    key.post("/v1/karanas/new", &json!({"name": "K3", "owner": null, "config": {}}))
        .await
        .refused(403, "Create Resource Error");
    key.get("/v1/users").await.refused(403, "Get Resource Error");
    key.post("/v1/sync/all/db", &Value::Null).await.refused(403, "Sync DB error");

    let key = make(&micha.session, &["*:read:own", "karanas:update:own"]).await.session;
    assert_eq!(key.found("/v2/karanas").await["total"], 1);
    assert_eq!(key.send("PATCH", &own, &json!({"note": "x"}), &[]).await.json(200)["note"], "x");
    key.send("GET", &others, &Value::Null, &[]).await.problem(403, "forbidden");

    let key = make(&admin, &["sync"]).await.session;
    key.post("/v1/sync/all/db", &Value::Null).await.results();
    assert_eq!(status(&key, "GET", "/v2/karanas").await, 403);
}

/// `own` narrows an admin to what belongs to the admin; nothing widens a client.
#[tokio::test]
async fn own_means_own_and_all_is_never_more_than_the_role_allows_now() {
    let (_server, admin, micha, karana) = stage().await;
    let one = format!("/v2/karanas/{karana}");
    let key = make(&admin, &["karanas:*:own", "users:*:own"]).await.session;
    assert_eq!(key.found("/v2/karanas").await["total"], 0);
    assert_eq!(key.found("/v2/users").await["total"], 1);
    for method in ["GET", "DELETE"] {
        key.send(method, &one, &Value::Null, &[("if-match", "*")]).await.problem(403, "forbidden");
    }
    key.send("PATCH", &one, &json!({"note": "x"}), &[]).await.problem(403, "forbidden");
    key.send("POST", "/v2/users", &user("x"), &[]).await.problem(403, "forbidden");

    let key = make(&micha.session, &["*:*:all", "sync", "metrics"]).await.session;
    assert_eq!(key.found("/v2/karanas").await["total"], 1);
    assert_eq!(key.found("/v2/users").await["total"], 1);
    key.send("DELETE", &one, &Value::Null, &[("if-match", "*")]).await.problem(403, "forbidden");
    key.post("/v1/sync/all/db", &Value::Null).await.refused(403, "Sync DB error");
    let promoted = json!({"role": "admin"});
    admin.send("PATCH", &format!("/v2/users/{}", micha.uuid), &promoted, &[]).await.json(200);
    assert_eq!(key.found("/v2/users").await["total"], 2, "keys outlive a change of the role, and follow it");
    admin
        .send("PATCH", &format!("/v2/users/{}", micha.uuid), &json!({"role": "client"}), &[])
        .await
        .json(200);
    assert_eq!(key.found("/v2/users").await["total"], 1);
}

#[tokio::test]
async fn a_key_makes_no_keys_signs_nobody_out_and_changes_no_password_of_its_user() {
    let (server, admin, ..) = stage().await;
    let key = make(&admin, &["*:*:all", "sync", "metrics"]).await;
    let me = key.session.found("/v2/me").await;
    assert_eq!(
        me["credentials"],
        json!({"type": "key", "key": key.uuid, "name": "a key", "scopes": ["*:*:all", "sync", "metrics"], "expires_at": null})
    );
    let uuid = me["uuid"].as_str().unwrap();
    let link = format!("/v2/users/{uuid}/password-link");
    let one = format!("/v2/keys/{}", key.uuid);
    for (method, path) in [
        ("POST", "/v2/keys"),
        ("GET", "/v2/keys"),
        ("DELETE", one.as_str()),
        ("POST", "/v2/logout"),
        ("POST", "/v2/logout-all"),
        ("GET", "/v2/sessions"),
        ("POST", link.as_str()),
    ] {
        key.session.send(method, path, &Value::Null, &[]).await.problem(403, "forbidden");
    }
    let password = json!({"credentials": {"password": "another one"}});
    let user = format!("/v2/users/{uuid}");
    key.session.send("PATCH", &user, &password, &[]).await.problem(403, "forbidden");
    key.session.patch(&format!("/v1/users/{uuid}"), &password).await.refused(403, "Modify Resource Error");
    key.session.send("PATCH", &user, &json!({"name": "Another"}), &[]).await.json(200);
    server.nobody.login("admin@example.com", "admin").await;
}

#[tokio::test]
async fn a_key_ends_when_it_is_deleted_or_expired_or_its_user_suspended_or_gone() {
    let (server, admin, micha, _) = stage().await;
    let ended = |session: Session| async move {
        session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
        session.get("/v1/users").await.refused(401, "Invalid Authentication");
    };
    let key = make(&micha.session, &["*:read:own"]).await;
    // What signs its user out is not about keys.
    micha.session.send("POST", "/v2/logout-all", &Value::Null, &[]).await;
    key.session.found("/v2/me").await;
    let signed_in = sign_in(&server.nobody, &micha.email, &micha.password).await.session;
    let gone = signed_in.send("DELETE", &format!("/v2/keys/{}", key.uuid), &Value::Null, &[]).await;
    assert_eq!((gone.status, gone.header("karana-revision").len()), (204, 40));
    ended(key.session).await;

    let soon = (chrono::Utc::now() + chrono::TimeDelta::seconds(2)).to_rfc3339();
    let body = json!({"name": "short", "scopes": ["*:read:own"], "expires_at": soon});
    let short = try_make(&signed_in, &body).await.json(201);
    let short = server.nobody.with_token(short["key"].as_str().unwrap());
    let begin = std::time::Instant::now();
    while status(&short, "GET", "/v2/me").await == 200 {
        assert!(begin.elapsed().as_secs() < 20, "the key does not end");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    ended(short).await;

    let key = make(&signed_in, &["*:read:own"]).await;
    let one = format!("/v2/users/{}", micha.uuid);
    admin.send("PATCH", &one, &json!({"state": "suspended"}), &[]).await.json(200);
    ended(key.session.clone()).await;
    admin.send("PATCH", &one, &json!({"state": "active"}), &[]).await.json(200);
    key.session.found("/v2/me").await;

    // The client's karana is released; the keys go with it, asked for or not.
    let path = format!("{one}?dependents=release");
    assert_eq!(status_if_match(&admin, &path).await, 204);
    let last = &admin.found("/v2/history?limit=1").await["items"][0]["changes"];
    let touched: Vec<_> = last.as_array().unwrap().iter().map(|change| &change["resource"]).collect();
    assert!(["users", "karanas", "keys"].iter().all(|name| touched.contains(&&Value::from(*name))), "{last}");
    ended(key.session).await;
    assert_eq!(admin.found("/v2/keys").await["total"], 0);
    // They do not stand in the way of a deletion either.
    let other = admin.person("client", "other").await;
    make(&other.session, &["*:read:own"]).await;
    assert_eq!(status_if_match(&admin, &format!("/v2/users/{}", other.uuid)).await, 204);
}

async fn status_if_match(session: &Session, path: &str) -> u16 {
    session.send("DELETE", path, &Value::Null, &[("if-match", "*")]).await.status
}

#[tokio::test]
async fn keys_are_their_users_and_admins_see_and_delete_all() {
    let (_server, admin, micha, _) = stage().await;
    let manager = admin.person("manager", "manager").await;
    let (of_micha, of_manager) =
        (make(&micha.session, &["*:read:own"]).await, make(&manager.session, &["*:read:all"]).await);
    let path = format!("/v2/keys/{}", of_micha.uuid);
    for method in ["GET", "DELETE"] {
        manager.session.send(method, &path, &Value::Null, &[]).await.problem(404, "not_found");
    }
    assert_eq!(manager.session.found("/v2/keys").await["total"], 1);
    assert_eq!(admin.found("/v2/keys").await["total"], 2);
    let page = admin.found("/v2/keys?limit=1&sort=-name").await;
    let next = format!("/v2/keys?limit=1&sort=-name&after={}", page["next"].as_str().unwrap());
    assert_ne!(admin.found(&next).await["items"][0]["uuid"], page["items"][0]["uuid"]);
    let by_owner = format!("/v2/keys?filter[owner][eq]={}", manager.uuid);
    assert_eq!(admin.found(&by_owner).await["items"][0]["uuid"], of_manager.uuid);
    let by_hash = admin.send("GET", "/v2/keys?filter[hash][prefix]=0", &Value::Null, &[]).await;
    by_hash.problem(400, "invalid");
    assert_eq!(status(&admin, "DELETE", &path).await, 204);
    assert_eq!(status(&of_micha.session, "GET", "/v2/me").await, 401);
    assert_eq!(status(&admin, "DELETE", &path).await, 404);
    assert_eq!(status(&admin, "GET", "/v2/keys/nonsense").await, 404);
}

#[tokio::test]
async fn what_makes_no_key_is_refused_by_its_field() {
    let (_server, _, micha, _) = stage().await;
    for (change, field, code) in [
        (json!({"name": ""}), "name", "min_length"),
        (json!({"name": null}), "name", "type"),
        (json!({"scopes": []}), "scopes", "min_items"),
        (json!({"scopes": ["karanas:write:own"]}), "scopes.0", "pattern"),
        (json!({"scopes": ["karanas:read:own", "nothing:read:own"]}), "scopes", "resource"),
        (json!({"scopes": ["keys:read:own"]}), "scopes", "resource"),
        (json!({"expires_at": "tomorrow"}), "expires_at", "format"),
        (json!({"expires_at": "2001-01-01T00:00:00Z"}), "expires_at", "date-time"),
        (json!({"role": "admin"}), "role", "unknown"),
        (json!({"owner": micha.uuid}), "owner", "unknown"),
    ] {
        let mut body = json!({"name": "a key", "scopes": ["*:read:own"]});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let problem = try_make(&micha.session, &body).await.problem(400, "invalid");
        assert_eq!(findings(&problem), [(field.to_owned(), code.to_owned())], "{change}");
    }
    for text in ["karana_", "karana_x", &format!("karana_{}", "A".repeat(43))] {
        let session = micha.session.with_token(text);
        session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    }
}

#[tokio::test]
async fn a_user_has_so_many_keys_and_no_more() {
    let (_server, _, micha, _) = stage().await;
    for _ in 0..100 {
        make(&micha.session, &["*:read:own"]).await;
    }
    let body = json!({"name": "a key", "scopes": ["*:read:own"]});
    try_make(&micha.session, &body).await.problem(409, "conflict");
}

/// Keys are the server's own: not served like other records, not in dumps, but in the history and in the backup.
#[tokio::test]
async fn keys_are_no_resource_like_others() {
    let (server, admin, ..) = stage().await;
    let key = make(&admin, &["*:*:all"]).await;
    for path in ["/v1/keys".to_owned(), format!("/v1/keys/{}", key.uuid)] {
        admin.get(&path).await.refused(404, "Get Resource Error");
    }
    let home: Home = server.home().clone();
    let dump = home.run(&["export", "--secrets", "-"]);
    assert_eq!(dump.code, Some(0), "{}", dump.stderr);
    let text = dump.stdout;
    assert!(
        text.contains("\"karanas\"") && !text.contains(&key.uuid) && !text.contains("\"keys\""),
        "{text}"
    );
    let change = &admin.found("/v2/history").await["items"][0]["changes"][0];
    assert_eq!((&change["resource"], &change["uuid"]), (&"keys".into(), &key.uuid.as_str().into()));
    assert!(
        change["patch"][0]["value"]["hint"].is_string() && !change.to_string().contains("hash"),
        "{change}"
    );
    let log = home.run(&["log", &format!("keys/{}", key.uuid)]);
    assert!(log.stdout.contains("keys: create"), "{log:?}");
    home.write("keys.json", json!({"keys": {key.uuid.clone(): {}}}).to_string());
    let imported = home.run(&["import", "--merge", "keys.json"]);
    assert_eq!(imported.code, Some(1));
    assert!(imported.stderr.contains("keys"), "{}", imported.stderr);
    assert!(!key.text.is_empty());
}

#[tokio::test]
async fn an_admins_key_with_the_scope_sees_metrics_and_details_from_anywhere() {
    let server = Server::start_with("[api]\ntrusted_proxies = 127.0.0.1\n", &[]);
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let key = make(&admin, &["metrics"]).await.session;
    let without = make(&admin, &["*:*:all"]).await.session;
    let clients = make(&micha.session, &["metrics"]).await.session;
    let from_afar = [("x-forwarded-for", "203.0.113.9")];
    for (who, sees) in
        [(&key, true), (&without, false), (&clients, false), (&admin, false), (&server.nobody, false)]
    {
        let metrics = who.send("GET", "/metrics", &Value::Null, &from_afar).await;
        assert_eq!(metrics.status, if sees { 200 } else { 403 });
        let ready = who.send("GET", "/health/ready", &Value::Null, &from_afar).await.json(200);
        assert_eq!(ready.get("store").is_some(), sees);
    }
    assert_eq!(status(&key, "GET", "/v2/users").await, 403);
}
