//! The description of the API: complete, valid, and true.

use crate::support::{Answer, Server, Session, user};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const EVERYTHING: &str = "[resources]\nenabled = users, karanas, maintenances, payments\n";

async fn document(server: &Server) -> Value {
    server.nobody.send("GET", "/openapi.json", &Value::Null, &[]).await.json(200)
}

/// Every path that is described, with its methods.
fn described(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A path with something in its variable parts.
fn filled(path: &str) -> String {
    path.replace("{id}", "00000000-0000-4000-8000-000000000000").replace("{file}", "start.js")
}

/// Without a description a route does not compile. Here from outside: what the router says of each path is what is
/// described, and the routes that the program is known for are there.
#[tokio::test]
async fn what_is_described_is_what_the_router_has() {
    let server = Server::start_with(EVERYTHING, &[]);
    let document = document(&server).await;
    let described = described(&document);
    for (path, methods) in &described {
        let options = server.nobody.send("OPTIONS", &filled(path), &Value::Null, &[]).await;
        assert_eq!(options.status, 204, "{path}");
        let allowed: BTreeSet<String> =
            options.header("allow").split(',').map(str::to_owned).filter(|name| name != "HEAD").collect();
        assert_eq!(&allowed, methods, "{path}");
    }
    for resource in ["users", "karanas", "maintenances", "payments"] {
        for path in ["/v1/{}", "/v1/{}/new", "/v1/{}/{id}", "/v2/{}", "/v2/{}/{id}"] {
            let path = path.replace("{}", resource);
            assert!(described.contains_key(&path), "{path}");
        }
    }
    for path in
        ["/v1/users/login", "/v1/sync/all/db", "/v1/sync/db/all", "/health/live", "/metrics", "/openapi.json"]
    {
        assert!(described.contains_key(path), "{path}");
    }
    for resource in ["users", "karanas", "maintenances", "payments"] {
        let has = |path: &str| described.contains_key(&format!("/v2/{resource}/{{id}}/{path}"));
        assert_eq!(has("status"), matches!(resource, "users" | "karanas"), "{resource}");
        assert_eq!(has("series"), resource == "karanas", "{resource}");
    }
    assert!(!described.contains_key("/v2/karanas/login"), "one does not sign in with karanas");
    assert!(!described.contains_key("/v1/keys"), "keys have no such routes");
}

#[tokio::test]
async fn resources_that_are_not_enabled_are_not_described() {
    let server = Server::start_with("[resources]\nenabled = users, karanas\n", &[]);
    let paths = described(&document(&server).await);
    assert!(paths.contains_key("/v2/karanas") && !paths.contains_key("/v2/payments"));
}

/// Under a name of its own, with its secret, and by the rules of its file.
#[tokio::test]
async fn declared_resources_are_described_as_the_built_in_ones() {
    let home = crate::support::Home::new("");
    home.write("resources.d/simcards.toml", include_str!("../../examples/resources.d/simcards.toml"));
    let server = home.serve();
    let admin = server.admin().await;
    let description = Description { document: document(&server).await };
    let paths = described(&description.document);
    assert!(paths.contains_key("/v1/simcards/new") && paths.contains_key("/v2/simcards/{id}/restore"));
    let new = &description.document["components"]["schemas"]["simcards.New"];
    assert!(new["properties"]["karana"]["x-references"] == "karanas", "{new}");
    let list = ("/v2/simcards", "/v2/simcards");
    let refused = description.holds(&admin, "POST", list, &json!({}), &[]).await.problem(400, "invalid");
    let required: Vec<_> =
        new["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(crate::v2::findings(&refused).len(), required.len(), "{refused}");
    description.holds(&admin, "GET", list, &Value::Null, &[]).await.json(200);
}

#[tokio::test]
async fn the_command_prints_what_the_server_serves() {
    let server = Server::start_with(EVERYTHING, &[]);
    let printed = server.home().run(&["openapi"]);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(printed, document(&server).await);
    let alone = crate::support::Home::new(EVERYTHING).run(&["openapi"]);
    assert_eq!(serde_json::from_str::<Value>(&alone.stdout).unwrap(), printed);
}

#[tokio::test]
async fn the_document_is_sent_once() {
    let server = Server::start();
    let first = server.nobody.send("GET", "/openapi.json", &Value::Null, &[]).await;
    let tag = first.header("etag").to_owned();
    let again = server.nobody.send("GET", "/openapi.json", &Value::Null, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

/// Looks answers up in the document.
struct Description {
    document: Value,
}

impl Description {
    /// Sends a request and holds its answer against what is said of it.
    async fn holds(
        &self,
        session: &Session,
        method: &str,
        (template, path): (&str, &str),
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let answer = session.send(method, path, body, headers).await;
        let operation = &self.document["paths"][template][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {template} is not described");
        let said = self.resolved(&operation["responses"][answer.status.to_string()]);
        assert!(said.is_object(), "{method} {path}: {} is not described", answer.status);
        for (name, header) in said["headers"].as_object().unwrap() {
            let required = self.resolved(header)["required"] == true;
            assert!(!required || !answer.header(name).is_empty(), "{method} {path}: {name} is missing");
        }
        let media = answer.header("content-type").split(';').next().unwrap().to_owned();
        match said.get("content") {
            None => assert!(answer.body.is_empty(), "{method} {path}: {}", answer.text()),
            Some(content) => {
                let schema = &content[&media]["schema"];
                assert!(schema.is_object(), "{method} {path}: {media} is not described");
                let value = match media.ends_with("json") {
                    true => serde_json::from_slice(&answer.body).unwrap(),
                    false => Value::from(answer.text()),
                };
                self.fits(schema, &value, &format!("{method} {path}: {}", answer.status));
                // One JSON string that holds JSON: the inner one, too.
                if let Some(inner) = schema.get("contentSchema") {
                    let value = serde_json::from_str(value.as_str().unwrap()).unwrap();
                    self.fits(inner, &value, &format!("{method} {path}, inside"));
                }
            }
        }
        answer
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    fn fits(&self, schema: &Value, value: &Value, what: &str) {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.document["components"],
        });
        let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{what}: {errors:#?}\n{value}");
    }
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let server = Server::start_with(EVERYTHING, &[]);
    let admin = server.admin().await;
    let description = Description { document: document(&server).await };
    let owner = admin.person("client", "owner").await;
    let viewer = admin.person("viewer", "viewer").await.session;
    let karana = admin.made("karanas", &json!({"name": "K1", "owner": owner.uuid, "config": {}})).await;
    let samples = [
        ("users", user("somebody"), json!({"name": "Somebody"})),
        (
            "karanas",
            json!({"name": "K2", "owner": owner.uuid, "kid": "k-2", "config": {"series": "ü"}}),
            json!({"kid": null}),
        ),
        (
            "maintenances",
            json!({"karana": karana["uuid"], "date": "2026-02-28", "technician": "Ada"}),
            json!({"state": "done"}),
        ),
        (
            "payments",
            json!({"karana": karana["uuid"], "owner": owner.uuid, "amount": 250, "currency": "EUR",
                   "paid_at": "2026-02-28T12:00:00Z", "valid_until": "2027-02-28T12:00:00Z"}),
            json!({"amount": -1}),
        ),
    ];
    for (resource, new, change) in &samples {
        let list = format!("/v2/{resource}");
        let (one, any) = (format!("/v2/{resource}/{{id}}"), [("if-match", "*")]);
        let made = description.holds(&admin, "POST", (&list, &list), new, &[]).await;
        let path = made.header("location").to_owned();
        let tag = made.header("etag").to_owned();
        for session in [&admin, &viewer] {
            description.holds(session, "GET", (&one, &path), &Value::Null, &[]).await;
            description.holds(session, "GET", (&list, &list), &Value::Null, &[]).await;
            let some = format!("{list}?fields=uuid&limit=1&sort=-created_at");
            description.holds(session, "GET", (&list, &some), &Value::Null, &[]).await;
        }
        let (status, measured) = (format!("{path}/status"), format!("{path}/series"));
        if matches!(*resource, "users" | "karanas") {
            for (template, path) in [
                (&list, &format!("{list}?include=status&limit=1")),
                (&one, &format!("{path}?include=status&fields=name")),
                (&format!("{one}/status"), &status),
            ] {
                description.holds(&admin, "GET", (template, path), &Value::Null, &[]).await.json(200);
            }
        }
        if *resource == "karanas" {
            description.holds(&viewer, "GET", (&format!("{one}/series"), &measured), &Value::Null, &[]).await;
            let offline = format!("{list}?connection=offline");
            description.holds(&viewer, "GET", (&list, &offline), &Value::Null, &[]).await.json(200);
        }
        let known = [("if-none-match", tag.as_str())];
        description.holds(&admin, "GET", (&one, &path), &Value::Null, &known).await;
        description.holds(&owner.session, "GET", (&list, &list), &Value::Null, &[]).await;
        description.holds(&admin, "PATCH", (&one, &path), change, &[]).await;
        let whole = admin.found(&path).await;
        description.fits(
            &json!({"$ref": format!("#/components/schemas/{resource}.Replacement")}),
            &whole,
            "what was read",
        );
        description.holds(&admin, "PUT", (&one, &path), &whole, &any).await;

        let v1 = format!("/v1/{resource}");
        description.holds(&admin, "GET", (&v1, &v1), &Value::Null, &[]).await;
        description.holds(&viewer, "GET", (&v1, &v1), &Value::Null, &[]).await;
        let v1_one = format!("/v1/{resource}/{{id}}");
        description.holds(&admin, "GET", (&v1_one, &path.replace("/v2/", "/v1/")), &Value::Null, &[]).await;
        description
            .holds(&admin, "PATCH", (&v1_one, &path.replace("/v2/", "/v1/")), &json!({"data": change}), &[])
            .await;

        // What is refused.
        for (session, method, template, path, body, headers, status) in [
            (&server.nobody, "GET", &list, &list, &Value::Null, &[][..], 401),
            (&viewer, "POST", &list, &list, new, &[], 403),
            (&admin, "POST", &list, &list, &json!({"size": 1}), &[], 400),
            (&admin, "POST", &list, &list, new, &[("content-type", "text/plain")], 415),
            (&admin, "PUT", &one, &path, &whole, &[], 428),
            (&admin, "PUT", &one, &path, &whole, &[("if-match", "\"\"")], 412),
            (&admin, "GET", &one, &filled(&one), &Value::Null, &[], 404),
            (&server.nobody, "GET", &v1, &v1, &Value::Null, &[], 401),
            (&viewer, "GET", &v1_one, &filled(&v1_one), &Value::Null, &[], 404),
        ] {
            let answer = description.holds(session, method, (template, path), body, headers).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
        description.holds(&admin, "DELETE", (&one, &path), &Value::Null, &any).await;
    }
    let taken = description.holds(&admin, "POST", ("/v2/users", "/v2/users"), &user("owner"), &[]).await;
    assert_eq!(taken.status, 409);
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/", "/docs"] {
        description.holds(&server.nobody, "GET", (path, path), &Value::Null, &[]).await;
    }
    for file in ["start.js", "swagger-ui.css", "swagger-ui-bundle.js", "nothing"] {
        description
            .holds(&server.nobody, "GET", ("/docs/{file}", &format!("/docs/{file}")), &Value::Null, &[])
            .await;
    }
    let sign_in = json!({"user": "admin@example.com", "password": "admin"});
    let login = ("/v1/users/login", "/v1/users/login");
    description.holds(&server.nobody, "POST", login, &sign_in, &[]).await;
    description.holds(&server.nobody, "POST", login, &json!({"user": "a", "password": "b"}), &[]).await;
    let sync = ("/v1/sync/all/db", "/v1/sync/all/db");
    description.holds(&admin, "POST", sync, &Value::Null, &[]).await;
    description.holds(&viewer, "POST", sync, &Value::Null, &[]).await;
}

#[tokio::test]
async fn real_answers_about_webhooks_are_as_described() {
    use crate::support::receiver::Receiver;
    let receiver = Receiver::start().await;
    let (taken, refused) = (receiver.url(), "http://127.0.0.1:1/");
    let secret = Receiver::secret();
    let server =
        Server::start_with(&format!("[webhooks]\nurl = {taken}, {refused}\nsecret = {secret}\n"), &[]);
    let admin = server.admin().await;
    let description = Description { document: document(&server).await };
    let manager = admin.person("manager", "manager").await.session;
    let test = ("/v2/webhooks/test", "/v2/webhooks/test");
    description.holds(&admin, "POST", test, &Value::Null, &[]).await;
    description.holds(&manager, "POST", test, &Value::Null, &[]).await;
    for _ in 0..2 {
        for path in ["/v2/webhooks", "/v2/webhooks/deliveries"] {
            description.holds(&manager, "GET", (path, path), &Value::Null, &[]).await;
        }
        // Again, once one is delivered and one has failed.
        let all = |overview: &Value, count: &str| {
            overview["destinations"].as_array().unwrap().iter().any(|one| one["counts"][count] == 1)
        };
        loop {
            let overview = manager.found("/v2/webhooks").await;
            if all(&overview, "delivered") && all(&overview, "failed") {
                break;
            }
        }
    }
    let none = Server::start();
    let test = none.admin().await.send("POST", test.0, &Value::Null, &[]).await;
    assert_eq!(test.status, 409);
}

#[tokio::test]
async fn real_answers_about_sessions_keys_batches_and_the_past_are_as_described() {
    let server = Server::start();
    let admin = server.admin().await;
    let description = Description { document: document(&server).await };
    let same = |path: &'static str| (path, path);
    let sign_in = json!({"user": "admin@example.com", "password": "admin"});
    for (body, status) in [
        (&sign_in, 200),
        (&json!({"user": "admin@example.com", "password": "admin", "cookie": true}), 200),
        (&json!({"user": "admin@example.com", "password": "wrong"}), 401),
        (&json!({"user": "admin@example.com"}), 400),
    ] {
        let answer = description.holds(&server.nobody, "POST", same("/v2/users/login"), body, &[]).await;
        assert_eq!(answer.status, status);
    }
    let grant = server.nobody.send("POST", "/v2/users/login", &sign_in, &[]).await.json(200);
    let refresh = json!({"refresh_token": grant["refresh_token"]});
    let grant = description.holds(&server.nobody, "POST", same("/v2/refresh"), &refresh, &[]).await.json(200);
    description.holds(&server.nobody, "POST", same("/v2/refresh"), &json!({"refresh_token": "x"}), &[]).await;
    let session = server.nobody.with_token(grant["access_token"].as_str().unwrap());
    for who in [&session, &admin, &server.nobody] {
        description.holds(who, "GET", same("/v2/me"), &Value::Null, &[]).await;
        description.holds(who, "GET", same("/v2/about"), &Value::Null, &[]).await;
        description.holds(who, "GET", same("/v2/sessions"), &Value::Null, &[]).await;
    }

    let new_key = json!({"name": "k", "scopes": ["*:read:all"]});
    let key = description.holds(&session, "POST", same("/v2/keys"), &new_key, &[]).await;
    let program = server.nobody.with_token(key.json(201)["key"].as_str().unwrap());
    let key = key.header("location").to_owned();
    description.holds(&program, "GET", same("/v2/me"), &Value::Null, &[]).await;
    assert_eq!(description.holds(&program, "GET", same("/v2/keys"), &Value::Null, &[]).await.status, 403);
    let query = "/v2/keys?sort=-created_at&limit=1&filter[name][prefix]=k";
    description.holds(&session, "GET", ("/v2/keys", query), &Value::Null, &[]).await.json(200);
    description.holds(&session, "GET", ("/v2/keys/{id}", &key), &Value::Null, &[]).await;
    description.holds(&session, "DELETE", ("/v2/keys/{id}", &key), &Value::Null, &[]).await;
    description.holds(&session, "DELETE", ("/v2/keys/{id}", &key), &Value::Null, &[]).await;

    let data = json!({"name": "K1", "owner": null, "config": {}});
    let operations = json!({"operations": [
        {"op": "create", "resource": "karanas", "local_id": "k", "data": data},
        {"op": "update", "resource": "karanas", "uuid": "$k", "data": {"note": "x"}},
    ]});
    let once = [("idempotency-key", "one")];
    let done = description.holds(&admin, "POST", same("/v2/batch"), &operations, &once).await;
    description.holds(&admin, "POST", same("/v2/batch"), &operations, &once).await;
    let wrong = json!({"operations": [{"op": "delete", "resource": "karanas"}]});
    assert_eq!(description.holds(&admin, "POST", same("/v2/batch"), &wrong, &[]).await.status, 422);
    let path = format!("/v2/karanas/{}", done.json(200)["results"][0]["uuid"].as_str().unwrap());
    let one = "/v2/karanas/{id}";
    let revision = done.header("karana-revision").to_owned();
    let (of_record, then) = (format!("{path}/history"), format!("{path}?at={revision}"));
    admin.send("DELETE", &path, &Value::Null, &[("if-match", "*")]).await;
    description
        .holds(&admin, "GET", ("/v2/karanas/{id}/history", &of_record), &Value::Null, &[])
        .await
        .json(200);
    description.holds(&admin, "GET", (one, &then), &Value::Null, &[]).await.json(200);
    let list_then = format!("/v2/karanas?at={revision}");
    description.holds(&admin, "GET", ("/v2/karanas", &list_then), &Value::Null, &[]).await.json(200);
    let restore = ("/v2/karanas/{id}/restore", format!("{path}/restore"));
    let back = json!({"revision": revision});
    description.holds(&admin, "POST", (restore.0, &restore.1), &back, &[]).await.json(200);
    for query in ["", "?limit=1", "?resource=karanas&action=delete", "?action=nothing", "?resource=nothing"] {
        description
            .holds(&admin, "GET", ("/v2/history", &format!("/v2/history{query}")), &Value::Null, &[])
            .await;
    }

    let user = admin.made("users", &user("somebody")).await["uuid"].as_str().unwrap().to_owned();
    let link = format!("/v2/users/{user}/password-link");
    let link =
        description.holds(&admin, "POST", ("/v2/users/{id}/password-link", &link), &Value::Null, &[]).await;
    let set = json!({"token": link.json(200)["token"], "password": "another one"});
    for status in [204, 401] {
        let answer = description.holds(&server.nobody, "POST", same("/v2/password"), &set, &[]).await;
        assert_eq!(answer.status, status);
    }
    let me = session.found("/v2/me").await;
    let own = format!("/v2/sessions/{}", me["credentials"]["session"].as_str().unwrap());
    assert_eq!(description.holds(&admin, "POST", same("/v2/logout"), &Value::Null, &[]).await.status, 409);
    description.holds(&admin, "DELETE", ("/v2/sessions/{id}", &own), &Value::Null, &[]).await;
    description.holds(&session, "POST", same("/v2/logout"), &Value::Null, &[]).await;
    description.holds(&admin, "POST", same("/v2/logout-all"), &Value::Null, &[]).await;
}

/// What the schema of a body refuses, the server refuses; and the other way round.
#[tokio::test]
async fn bodies_are_refused_and_taken_as_described() {
    let server = Server::start();
    let admin = server.admin().await;
    let document = document(&server).await;
    let whole = json!({"$ref": "#/components/schemas/karanas.New", "components": document["components"]});
    let schema = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    for (body, fits) in [
        (json!({"name": "K1", "owner": null, "config": {}}), true),
        (
            json!({"name": "K1", "owner": null, "config": {"post_int": 1, "series": "a b"}, "state": "suspended"}),
            true,
        ),
        (json!({"name": "K", "owner": null, "config": {}}), false),
        (json!({"name": "K1", "config": {}}), false),
        (json!({"name": "K1", "owner": "x", "config": {}}), false),
        (json!({"name": "K1", "owner": null, "config": {"post_int": 0}}), false),
        (json!({"name": "K1", "owner": null, "config": {"post_int": "1"}}), false),
        (json!({"name": "K1", "owner": null, "config": {"series": "config"}}), false),
        (json!({"name": "K1", "owner": null, "config": {"series": "50%"}}), false),
        (json!({"name": "K1", "owner": null, "config": {"password": "ABCDEFGHIJKLMNOP"}}), false),
        (json!({"name": "K1", "owner": null, "config": {}, "kid": "a b"}), false),
        (json!({"name": "K1", "owner": null, "config": {}, "size": 1}), false),
    ] {
        let status = admin.send("POST", "/v2/karanas", &body, &[]).await.status;
        assert_eq!((schema.is_valid(&body), status == 201), (fits, fits), "{body}: {status}");
    }
}

#[tokio::test]
async fn the_page_asks_no_other_host() {
    let server = Server::start();
    for path in ["/docs", "/docs/"] {
        let page = server.nobody.send("GET", path, &Value::Null, &[]).await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for foreign in ["http:", "https:", "//", "=\"/"] {
            assert!(!page.text().contains(foreign), "{}", page.text());
        }
    }
    // As a browser resolves them from either.
    for file in ["/docs/swagger-ui-bundle.js", "/docs/docs/swagger-ui-bundle.js"] {
        let script = server.nobody.send("GET", file, &Value::Null, &[("accept-encoding", "gzip")]).await;
        assert_eq!((script.status, script.header("content-encoding")), (200, "gzip"));
    }
    for path in ["/docs/..%2Fopenapi.json", "/docs/Cargo.toml"] {
        server.nobody.send("GET", path, &Value::Null, &[]).await.problem(404, "not_found");
    }
}
