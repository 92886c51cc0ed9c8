//! Webhooks over HTTP.

use super::*;
use crate::health::{metric, metrics};
use crate::support::{Home, Server, Session};
use tokio::io::{AsyncBufReadExt, BufReader};

fn serve(receiver: &Receiver) -> (Home, Server) {
    let config = format!(
        "[webhooks]\nurl = {}\nsecret = {}\nevents = sync.failed, karana.offline\n",
        receiver.url().replace("http://", "http://me:hunter2@"),
        Receiver::secret()
    );
    let home = Home::new(&config);
    let server = home.serve();
    (home, server)
}

async fn send(admin: &Session) -> String {
    let sent = admin.send("POST", "/v2/webhooks/test", &Value::Null, &[]).await.json(202);
    sent["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_admin_sends_an_event_to_see_that_it_arrives() {
    let receiver = Receiver::start().await;
    let (home, server) = serve(&receiver);
    let admin = server.admin().await;
    receiver.does(Manner::Answer(500));
    let id = send(&admin).await;
    eventually("it is tried", || !receiver.arrivals().is_empty()).await;
    let begin = Instant::now();
    let pending = loop {
        let page = admin.found("/v2/webhooks/deliveries").await;
        if page["items"][0]["attempts"] == 1 {
            break page["items"][0].clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{page}");
    };
    assert_eq!(
        (&pending["id"], &pending["type"], &pending["state"], &pending["status"], &pending["reason"]),
        (
            &json!(id),
            &json!("webhook.test"),
            &json!("pending"),
            &json!(500),
            &json!("HTTP 500 Internal Server Error")
        )
    );
    assert!(pending["next_try"].is_string());
    let overview = admin.found("/v2/webhooks").await;
    let destination = &overview["destinations"][0];
    assert_eq!(destination["url"], receiver.url().replace("/hook/t0ken-in-the-path", "/…"));
    assert_eq!((&destination["queue_length"], &destination["counts"]["failed"]), (&json!(1), &json!(1)));
    assert_eq!(destination["last_failure"]["reason"], pending["reason"]);
    assert_eq!(overview["events"], json!(["sync.failed", "karana.offline"]));
    let of = |text: &str, name: &str| {
        metric(text, &name.replace("{", &format!("{{destination={},", destination["id"])).replace(",}", "}"))
    };
    let shown = metrics(&server).await;
    assert_eq!(of(&shown, "karana_webhook_queue_length{}"), 1.0);
    assert_eq!(of(&shown, "karana_webhook_failures_total{}"), 1.0);

    // In the answers and in the log there is nothing of the address that may be a secret, nor of the key.
    receiver.does(Manner::Answer(200));
    let ended = server.stop();
    for shown in [overview.to_string(), pending.to_string(), ended.stderr] {
        for secret in ["hunter2", "t0ken", "whsec"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    // The wait of five seconds goes on over the restart.
    let server = home.serve();
    eventually("it is taken", || receiver.taken().iter().any(|one| one.id == id)).await;
    let admin = server.admin().await;
    let begin = Instant::now();
    while admin.found("/v2/webhooks/deliveries?limit=1").await["items"][0]["state"] != "delivered" {
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(of(&metrics(&server).await, "karana_webhook_deliveries_total{outcome=\"delivered\"}"), 1.0);
}

#[tokio::test]
async fn webhooks_are_seen_by_admins_and_managers_and_tested_by_admins() {
    let receiver = Receiver::start().await;
    let (_home, server) = serve(&receiver);
    let admin = server.admin().await;
    for (role, sees, tests) in
        [("admin", 200, 202), ("manager", 200, 403), ("viewer", 403, 403), ("client", 403, 403)]
    {
        let session = admin.person(role, &format!("{role}2")).await.session;
        for path in ["/v2/webhooks", "/v2/webhooks/deliveries"] {
            assert_eq!(session.get(path).await.status, sees, "{role} {path}");
        }
        let test = session.send("POST", "/v2/webhooks/test", &Value::Null, &[]).await;
        assert_eq!(test.status, tests, "{role}");
    }
    for path in ["/v2/webhooks?x=1", "/v2/webhooks/deliveries?limit=0", "/v2/webhooks/deliveries?limit=501"] {
        assert_eq!(admin.get(path).await.status, 400, "{path}");
    }
    assert_eq!(server.nobody.get("/v2/webhooks").await.status, 401);
    eventually("the admin's came", || receiver.kinds() == ["webhook.test"]).await;
}

#[tokio::test]
async fn without_a_destination_there_is_nothing_to_see_and_nothing_to_send() {
    let server = Server::start();
    let admin = server.admin().await;
    assert_eq!(admin.found("/v2/webhooks").await, json!({"destinations": [], "events": []}));
    assert_eq!(admin.found("/v2/webhooks/deliveries").await, json!({"items": []}));
    let refused = admin.send("POST", "/v2/webhooks/test", &Value::Null, &[]).await.problem(409, "conflict");
    assert!(refused.to_string().contains("[webhooks] url"), "{refused}");
    assert!(!metrics(&server).await.contains("karana_webhook"));
    assert!(!server.home().storage().join("state/webhooks.json").exists());
}

#[tokio::test]
async fn the_receiver_in_the_documentation_takes_what_is_signed_and_refuses_what_is_not() {
    let shown = include_str!("../../../docs/webhooks.md");
    let program = include_str!("../../../examples/webhook.py");
    assert!(shown.contains(&format!("```python\n{program}```\n")), "not what the page shows");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let mut python = tokio::process::Command::new("python3")
        .args(["-c", program, &port.to_string(), &Receiver::secret()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(30), "it does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server =
        Server::start_with(&format!("[webhooks]\nurl = {url}\nsecret = {}\n", Receiver::secret()), &[]);
    let id = send(&server.admin().await).await;
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.starts_with(&id) && line.contains("'type': 'webhook.test'"), "{line}");
    let forged = reqwest::Client::builder().no_proxy().build().unwrap();
    let forged = forged.post(&url).body("{}").header("webhook-id", "msg_1");
    let forged = forged.header("webhook-timestamp", Utc::now().timestamp());
    let answer = forged.header("webhook-signature", "v1,AAAA").send().await.unwrap();
    assert_eq!(answer.status(), 401);
}
