//! No secret is ever in the log, however much is logged.

use crate::support::{Answer, Home, user};
use serde_json::{Value, json};

const CANARIES: &[&str] = &["canary-of-creation", "canary-of-change", "canary-of-login", "canary-of-form"];

#[tokio::test]
async fn the_log_holds_no_secrets() {
    let config = "[influxdb]\nhost = 127.0.0.1\nport = 1\nuser = admin\npass = canary-of-influx\n";
    let home = Home::new(config).env("KARANA_LOG", "trace");
    let made = home.run_with_input(
        &["user", "add", "--role", "admin", "--email", "root@example.com", "--password-stdin"],
        "canary-of-stdin\n",
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let server = home.serve();
    let admin = server.nobody.login("root@example.com", "canary-of-stdin").await;
    let mut secrets: Vec<String> = CANARIES.iter().map(|text| (*text).to_owned()).collect();
    secrets.extend(["canary-of-influx", "canary-of-stdin", "canary-of-passwd"].map(str::to_owned));
    secrets.extend(admin.token.clone());

    // What is right …
    let mut data = user("micha");
    data["credentials"]["password"] = CANARIES[0].into();
    let uuid = admin.create("users", &data).await;
    let micha = server.nobody.login("micha@example.com", CANARIES[0]).await;
    secrets.extend(micha.token.clone());
    let karana = admin.create("karanas", &json!({"name": "K1", "owner": uuid, "config": {}})).await;
    let one = format!("/v1/users/{uuid}");
    for (session, pointer) in [(&admin, "password_influx"), (&micha, "password_influx")] {
        secrets.push(session.read("users", &uuid).await[pointer].as_str().unwrap().to_owned());
    }
    secrets.push(admin.read("karanas", &karana).await["config"]["password"].as_str().unwrap().to_owned());
    let change = json!({"name": "x", "credentials": {"password": CANARIES[1]}});
    admin.put(&one, &change).await.entry(&uuid);
    let passwd =
        home.run_with_input(&["user", "passwd", "micha@example.com", "--password-stdin"], "canary-of-passwd");
    assert_eq!(passwd.code, Some(0), "{}", passwd.stderr);
    admin.post("/v1/sync/all/db", &Value::Null).await.refused(503, "Sync DB error");

    // … and what is wrong.
    for canary in CANARIES {
        server.nobody.try_login("micha@example.com", canary).await;
        server.nobody.try_login(canary, canary).await;
        let login = server.nobody.request("POST", "/v1/users/login");
        Answer::to(login.body(format!("{{\"user\": \"{canary}\", {canary}"))).await;
        let login = server.nobody.request("POST", &format!("/v1/users/login?password={canary}"));
        Answer::to(login.form(&[("user", "x"), ("password", canary)])).await;
        let get = server.nobody.with_token(*canary).get(&format!("/v1/users?token={canary}")).await;
        get.refused(401, "Invalid Authentication");
        let broken = json!({"email": canary, "credentials": {"password": canary, "login": canary}});
        admin.post("/v1/users/new", &broken).await.refused(400, "Create Resource Error");
        admin.patch(&one, &json!({"password_influx": canary})).await.refused(400, "Modify Resource Error");
        admin.patch(&one, &json!({"role": canary})).await.refused(400, "Modify Resource Error");
    }
    admin.delete(&one).await.entry(&uuid);
    let key = std::fs::read(home.storage().join("keys/token.key")).unwrap();
    let ended = server.stop();
    assert_eq!(ended.code, Some(0));
    for secret in &secrets {
        assert!(!ended.stderr.contains(secret.as_str()), "{secret} is in the log");
    }
    assert!(!ended.stderr.contains("$6$"), "a hash is in the log");
    assert!(!ended.stderr.contains(&String::from_utf8_lossy(&key[..8]).into_owned()));
    // It is the log, and it does log.
    assert!(
        ended.stderr.contains("/v1/users/new") && ended.stderr.contains("status=200"),
        "{}",
        ended.stderr
    );

    // Nor are plain passwords and tokens in the history. (Generated ones are records, and belong there.)
    let history = home.git(&["log", "-p", "main"]);
    for secret in secrets.iter().filter(|secret| secret.starts_with("canary") || secret.starts_with("ey")) {
        assert!(!history.contains(secret.as_str()), "{secret} is in the history");
    }
}
