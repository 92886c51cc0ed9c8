//! One record on `/v2`.

use super::findings;
use crate::support::{Server, Session, record, user};
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn karana(admin: &Session, name: &str, owner: Option<&str>) -> Value {
    admin.made("karanas", &json!({"name": name, "owner": owner, "config": {}})).await
}

#[tokio::test]
async fn a_record_is_made_read_changed_replaced_and_deleted() {
    let server = Server::start();
    let admin = server.admin().await;
    let made = admin
        .send("POST", "/v2/karanas", &json!({"name": "K1", "owner": null, "config": {"post_int": 15}}), &[])
        .await;
    let entry = made.json(201);
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap()));
    assert_eq!(made.header("karana-revision").len(), 40);
    assert_eq!(entry["config"]["post_int"], 15);
    assert_eq!(
        (&entry["config"]["series"], &entry["state"], &entry["kid"]),
        (&"data".into(), &"active".into(), &Value::Null)
    );
    assert_eq!(entry["config"]["password"].as_str().unwrap().len(), 16);

    let read = admin.send("GET", &path, &Value::Null, &[]).await;
    assert_eq!(read.json(200), entry);
    let tag = read.header("etag").to_owned();
    assert_eq!(tag, made.header("etag"));
    let blob = server
        .home()
        .git(&["rev-parse", &format!("main:{}", record("karanas", entry["uuid"].as_str().unwrap()))]);
    assert_eq!(tag, format!("\"{}\"", blob.trim()), "the id of the stored blob");

    let patched =
        admin.send("PATCH", &path, &json!({"note": "on the roof", "config": {"get_int": 12}}), &[]).await;
    let mut expected = entry.clone();
    expected["note"] = "on the roof".into();
    expected["config"]["get_int"] = 12.into();
    assert_eq!(patched.json(200), expected);
    assert_ne!(patched.header("etag"), tag);
    assert_eq!(patched.header("karana-revision").len(), 40);

    // What was read is sent back, with the fields of the server in it; what is left out gets its default.
    let mut whole = expected.clone();
    whole["name"] = "K2".into();
    whole.as_object_mut().unwrap().remove("note");
    whole["config"].as_object_mut().unwrap().remove("get_int");
    let replaced = admin.send("PUT", &path, &whole, &[("if-match", patched.header("etag"))]).await.json(200);
    assert_eq!((&replaced["name"], &replaced["note"]), (&"K2".into(), &"".into()));
    assert_eq!((&replaced["config"]["get_int"], &replaced["config"]["post_int"]), (&6.into(), &15.into()));
    assert_eq!(replaced["config"]["password"], entry["config"]["password"]);

    let gone = admin.send("DELETE", &path, &Value::Null, &[("if-match", "*")]).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(gone.header("karana-revision").len(), 40);
    admin.send("GET", &path, &Value::Null, &[]).await.problem(404, "not_found");
}

#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let server = Server::start();
    let admin = server.admin().await;
    let entry = karana(&admin, "K1", None).await;
    let path = format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap());
    let old = admin.send("GET", &path, &Value::Null, &[]).await.header("etag").to_owned();
    let new = admin.send("PATCH", &path, &json!({"name": "K2"}), &[("if-match", &old)]).await;
    let new = new.header("etag").to_owned();

    for method in ["PUT", "PATCH", "DELETE"] {
        for stale in [&old, "\"\"", &format!("W/{new}")] {
            let body = if method == "DELETE" {
                Value::Null
            } else {
                json!({"name": "K3", "owner": null, "config": {}})
            };
            let answer = admin.send(method, &path, &body, &[("if-match", stale)]).await;
            answer.problem(412, "precondition_failed");
        }
    }
    let body = json!({"name": "K3", "owner": null, "config": {}});
    admin.send("PUT", &path, &body, &[]).await.problem(428, "precondition_required");
    admin.send("DELETE", &path, &Value::Null, &[]).await.problem(428, "precondition_required");
    let wrong = admin.send("PUT", &path, &body, &[("if-match", "nonsense")]).await.problem(400, "invalid");
    assert_eq!(findings(&wrong), [("if-match".into(), "form".into())]);
    assert_eq!(admin.found(&path).await["name"], "K2");

    for (known, status) in
        [(&new, 304), (&format!("\"x\", W/{new}"), 304), (&"*".to_owned(), 304), (&old, 200)]
    {
        let answer = admin.send("GET", &path, &Value::Null, &[("if-none-match", known)]).await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.header("etag"), new);
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    admin.send("PUT", &path, &body, &[("if-match", &format!("{old}, {new}"))]).await.json(200);
    for (method, path) in
        [("PUT", format!("/v2/karanas/{NOBODY}")), ("DELETE", "/v2/karanas/nonsense".into())]
    {
        admin.send(method, &path, &json!({}), &[("if-match", "*")]).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_by_field_and_rule() {
    let server = Server::start();
    let admin = server.admin().await;
    let entry = karana(&admin, "K1", None).await;
    let one = format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap());
    let canary = "canary-value";
    for (method, body, expected) in [
        ("POST", json!({}), &[("config", "required"), ("name", "required"), ("owner", "required")][..]),
        ("POST", json!({"name": "K", "owner": null, "config": {}}), &[("name", "min_length")]),
        (
            "POST",
            json!({"name": "K1", "owner": canary, "config": {"post_int": "15"}}),
            &[("config.post_int", "type"), ("owner", "format")],
        ),
        (
            "POST",
            json!({"name": "K1", "owner": null, "config": {"colour": canary}, "size": canary}),
            &[("config.colour", "unknown"), ("size", "unknown")],
        ),
        (
            "POST",
            json!({"name": "K1", "owner": null, "config": {"password": canary}}),
            &[("config.password", "server_owned")],
        ),
        (
            "POST",
            json!({"name": "K1", "owner": null, "config": {}, "uuid": NOBODY}),
            &[("uuid", "server_owned")],
        ),
        ("POST", json!({"name": "K1", "owner": NOBODY, "config": {}}), &[("owner", "reference")]),
        ("PATCH", json!({"config": {"password": canary}}), &[("config.password", "server_owned")]),
        ("PATCH", json!({"created_at": canary}), &[("created_at", "server_owned")]),
        ("PATCH", json!({"name": null}), &[("name", "required")]),
        ("PATCH", json!({"size": null}), &[("size", "unknown")]),
        ("PATCH", json!({"config": {"colour": null}}), &[("config.colour", "unknown")]),
        (
            "PATCH",
            json!({"config": {"get_int": 0}, "state": canary}),
            &[("config.get_int", "minimum"), ("state", "enum")],
        ),
        ("PATCH", json!({"size": canary}), &[("size", "unknown")]),
        ("PUT", json!({"name": "K1"}), &[("config", "required"), ("owner", "required")]),
    ] {
        let path = if method == "POST" { "/v2/karanas" } else { &one };
        let answer = admin.send(method, path, &body, &[("if-match", "*")]).await;
        let mut found = findings(&answer.problem(400, "invalid"));
        found.sort();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected, "{method} {body}");
        assert!(!answer.text().contains(canary), "{}", answer.text());
    }
    assert_eq!(admin.found(&one).await, entry);

    for (body, kind, status, code) in [
        ("{", "application/json", 400, "bad_request"),
        ("[]", "application/json", 400, "bad_request"),
        ("name=K1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ] {
        let request = admin.request("POST", "/v2/karanas").header("content-type", kind).body(body);
        crate::support::Answer::to(request).await.problem(status, code);
    }
    let packed = admin.request("POST", "/v2/karanas").header("content-type", "application/json");
    let packed = packed.header("content-encoding", "gzip").body("\u{1f}");
    crate::support::Answer::to(packed).await.problem(415, "unsupported_media_type");
    admin.made("users", &user("taken")).await;
    let taken = admin.send("POST", "/v2/users", &user("TAKEN"), &[]).await.problem(409, "conflict");
    assert_eq!(findings(&taken), [("email".into(), "unique".into())]);
}

#[tokio::test]
async fn null_in_a_patch_is_the_value_where_it_is_one_and_else_the_default() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.made("users", &user("owner")).await["uuid"].as_str().unwrap().to_owned();
    let body = json!({"name": "K1", "owner": owner, "kid": "roof", "note": "x", "state": "suspended", "config": {"signal": 5}});
    let entry = admin.made("karanas", &body).await;
    let path = format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap());
    let patch = json!({"owner": null, "kid": null, "note": null, "state": null, "config": {"signal": null}});
    let patched = admin
        .send("PATCH", &path, &patch, &[("content-type", "application/merge-patch+json")])
        .await
        .json(200);
    assert_eq!(
        (&patched["owner"], &patched["kid"], &patched["note"]),
        (&Value::Null, &Value::Null, &"".into())
    );
    assert_eq!((&patched["state"], &patched["config"]["signal"]), (&"active".into(), &10.into()));
    assert_ne!(patched["config"]["password"], entry["config"]["password"], "it has another owner");
}

#[tokio::test]
async fn a_password_is_set_and_kept_and_never_seen() {
    let server = Server::start();
    let admin = server.admin().await;
    let entry = admin.made("users", &user("micha")).await;
    assert_eq!(entry["credentials"], json!({"login": "micha@example.com"}));
    assert!(entry.get("karanas").is_none() && entry.get("token_epoch").is_none());
    let path = format!("/v2/users/{}", entry["uuid"].as_str().unwrap());

    // Without a password in it the old one stays, and so do the tokens.
    let session = server.nobody.login("micha@example.com", "password of micha").await;
    let mut whole = entry.clone();
    whole["name"] = "Micha".into();
    admin.send("PUT", &path, &whole, &[("if-match", "*")]).await.json(200);
    session.found(&path).await;
    for short in ["1234", &"x".repeat(129)] {
        let body = json!({"credentials": {"password": short}});
        let problem = session.send("PATCH", &path, &body, &[]).await.problem(400, "invalid");
        assert_eq!(findings(&problem)[0].0, "credentials.password");
    }
    let body = json!({"credentials": {"password": "another one"}});
    session.send("PATCH", &path, &body, &[]).await.json(200);
    session.send("GET", &path, &Value::Null, &[]).await.problem(401, "bad_credentials");
    server.nobody.login("micha@example.com", "another one").await;
    assert_eq!(server.nobody.try_login("micha@example.com", "password of micha").await.status, 401);
}

#[tokio::test]
async fn secrets_are_absent_for_those_who_may_not_see_them() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.person("client", "owner").await;
    let viewer = admin.person("viewer", "viewer").await.session;
    let manager = admin.person("manager", "manager").await.session;
    let other = admin.person("client", "other").await.session;
    let entry = karana(&admin, "K1", Some(&owner.uuid)).await;
    let path = format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap());
    for session in [&admin, &manager, &owner.session] {
        let answer = session.send("GET", &path, &Value::Null, &[]).await;
        assert_eq!(answer.json(200), entry);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer = viewer.send("GET", &path, &Value::Null, &[]).await;
    let mut seen = entry.clone();
    seen["config"].as_object_mut().unwrap().remove("password");
    assert_eq!(answer.json(200), seen);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "authorization"));
    other.send("GET", &path, &Value::Null, &[]).await.problem(403, "forbidden");
    server.nobody.send("GET", &path, &Value::Null, &[]).await.problem(401, "unauthorized");
    owner.session.send("PATCH", &path, &json!({"owner": null}), &[]).await.problem(403, "forbidden");
    owner.session.send("PATCH", &path, &json!({"note": "mine"}), &[]).await.json(200);
}

#[tokio::test]
async fn an_owner_with_karanas_is_deleted_only_when_it_is_said_what_becomes_of_them() {
    let server = Server::start();
    let admin = server.admin().await;
    for (how, left) in [("release", true), ("delete", false)] {
        let owner = admin.made("users", &user(how)).await["uuid"].as_str().unwrap().to_owned();
        let device = karana(&admin, "K1", Some(&owner)).await["uuid"].as_str().unwrap().to_owned();
        let path = format!("/v2/users/{owner}");
        let delete = async |query: &str| {
            admin.send("DELETE", &format!("{path}{query}"), &Value::Null, &[("if-match", "*")]).await
        };
        let problem = delete("").await.problem(409, "conflict");
        assert!(problem["detail"].as_str().unwrap().contains("1 in karanas"), "{problem}");
        delete("?dependents=keep").await.problem(400, "invalid");
        let commits = server.home().commits();
        assert_eq!(delete(&format!("?dependents={how}")).await.status, 204);
        assert_eq!(server.home().commits(), commits + 1);
        let answer = admin.send("GET", &format!("/v2/karanas/{device}"), &Value::Null, &[]).await;
        if left {
            assert_eq!(answer.json(200)["owner"], Value::Null);
        } else {
            answer.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn fields_are_chosen_and_unknown_parameters_refused() {
    let server = Server::start();
    let admin = server.admin().await;
    let entry = karana(&admin, "K1", None).await;
    let path = format!("/v2/karanas/{}", entry["uuid"].as_str().unwrap());
    let some = admin.found(&format!("{path}?fields=name,config.series")).await;
    assert_eq!(some, json!({"name": "K1", "config": {"series": "data"}}));
    for query in ["fields=nome", "fields=", "fields=name&fields=note", "feilds=name", "at"] {
        for path in [&path, "/v2/karanas"] {
            admin.send("GET", &format!("{path}?{query}"), &Value::Null, &[]).await.problem(400, "invalid");
        }
    }
    admin
        .send("GET", "/v2/users?fields=credentials.password", &Value::Null, &[])
        .await
        .problem(400, "invalid");
}

#[tokio::test]
async fn v1_is_said_to_be_deprecated_only_when_the_operator_wants_it() {
    for (config, header) in [("", ""), ("[api]\nv1_deprecated = 2027-01-01\n", "@1798761600")] {
        let server = Server::start_with(config, &[]);
        let admin = server.admin().await;
        assert_eq!(admin.get("/v1/users").await.header("deprecation"), header);
        assert_eq!(admin.get("/v1/nothing").await.header("deprecation"), header);
        assert_eq!(admin.get("/v2/users").await.header("deprecation"), "");
    }
}

#[tokio::test]
async fn head_options_and_compression_are_as_http_has_them() {
    let server = Server::start();
    let admin = server.admin().await;
    for number in 0..20 {
        karana(&admin, &format!("Number {number}"), None).await;
    }
    let list = admin.send("GET", "/v2/karanas", &Value::Null, &[]).await;
    let head = admin.send("HEAD", "/v2/karanas", &Value::Null, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), list.body.len().to_string());
    for (path, methods) in [("/v2/karanas", "GET,HEAD,POST"), ("/v1/karanas", "GET,HEAD")] {
        let options = admin.send("OPTIONS", path, &Value::Null, &[]).await;
        assert_eq!((options.status, options.header("allow")), (204, methods));
    }
    admin.send("PUT", "/v2/karanas", &json!({}), &[]).await.problem(405, "method_not_allowed");
    for encoding in ["gzip", "br"] {
        let packed = admin.send("GET", "/v2/karanas", &Value::Null, &[("accept-encoding", encoding)]).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(packed.body.len() < list.body.len() / 3, "{encoding}: {}", packed.body.len());
    }
    let small = admin.send("GET", "/health/live", &Value::Null, &[("accept-encoding", "gzip")]).await;
    assert_eq!(small.header("content-encoding"), "");
}
