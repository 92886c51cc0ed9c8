//! What a client asks first: which server this is, and what one can do here.

use crate::support::Server;
use serde_json::{Value, json};

const SETTINGS: &str = "[tenant]\nid = SMNTYQIUB4YTC\nname = Bintumani e.V.\n\
    [influxdb]\nhost = 127.0.0.1\nport = 1\nuser = a\npass = b\ndevice_host = influx.example.org\ndevice_port = 80\n\
    [grafana]\nhost = 127.0.0.1\nport = 1\nuser = a\npass = b\npublic_url = https://grafana.example.org/\n";

#[tokio::test]
async fn it_says_where_devices_write_and_owners_look() {
    let server = Server::start_with(SETTINGS, &[]);
    let about = server.admin().await.found("/v2/about").await;
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["tenant"], json!({"id": "SMNTYQIUB4YTC", "name": "Bintumani e.V."}));
    assert_eq!(about["influxdb"], json!({"host": "influx.example.org", "port": 80}));
    assert_eq!(about["grafana"], json!({"url": "https://grafana.example.org"}));
    let bare = Server::start().admin().await.found("/v2/about").await;
    assert_eq!((&bare["influxdb"], &bare["grafana"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn it_says_what_the_role_can_do() {
    let server = Server::start_with("[resources]\nenabled = users, karanas, payments\n", &[]);
    let admin = server.admin().await;
    let anything = |name: &str| json!({"name": name, "create": true, "update": true, "delete": true});
    let nothing = |name: &str| json!({"name": name, "create": false, "update": false, "delete": false});
    let only =
        |name: &str, fields: Value| json!({"name": name, "create": false, "update": fields, "delete": false});
    let own = || json!(["name", "credentials.password"]);
    let all = json!([anything("users"), anything("karanas"), anything("payments")]);
    let looking = json!([only("users", own()), nothing("karanas"), nothing("payments")]);
    let owning = json!([
        only("users", own()),
        only("karanas", json!(["name", "note", "config"])),
        nothing("payments")
    ]);
    for (role, resources, syncs) in [
        ("admin", &all, true),
        ("manager", &all, true),
        ("viewer", &looking, false),
        ("client", &owning, false),
    ] {
        let person = admin.person(role, &format!("the-{role}")).await;
        let about = person.session.found("/v2/about").await;
        assert_eq!((&about["resources"], &about["sync"]), (resources, &json!(syncs)), "{role}");
        assert_eq!(about.get("health").is_some(), syncs, "{role}");
    }
}

/// The inside is for those who are answerable for it; a key says what it is for in its scopes.
#[tokio::test]
async fn the_inside_is_not_for_programs() {
    let server = Server::start();
    let admin = server.admin().await;
    let health = admin.found("/v2/about").await["health"].take();
    assert_eq!((&health["status"], &health["backup"]), (&json!("ready"), &json!("not configured")));
    assert_eq!(health["store"]["records"]["users"], 1);
    let key = json!({"name": "k", "scopes": ["karanas:read:all"]});
    let key = admin.send("POST", "/v2/keys", &key, &[]).await.json(201);
    let about = server.nobody.with_token(key["key"].as_str().unwrap()).found("/v2/about").await;
    assert_eq!(about.get("health"), None);
    let readable = json!([{"name": "karanas", "create": false, "update": false, "delete": false}]);
    assert_eq!((&about["resources"], &about["sync"]), (&readable, &json!(false)));
}

#[tokio::test]
async fn it_is_for_those_who_are_signed_in() {
    let server = Server::start();
    server.nobody.send("GET", "/v2/about", &Value::Null, &[]).await.problem(401, "unauthorized");
    server.admin().await.send("GET", "/v2/about?x=1", &Value::Null, &[]).await.problem(400, "invalid");
}
