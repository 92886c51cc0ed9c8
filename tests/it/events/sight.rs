//! Who sees what of a change.

use super::{Events, deeds, karana, patch, uuid};
use crate::support::{Person, Server, Session};
use serde_json::json;

async fn everybody(admin: &Session) -> (Person, Person, Person, Person) {
    let manager = admin.person("manager", "mia").await;
    let viewer = admin.person("viewer", "vic").await;
    let (ada, bob) = (admin.person("client", "ada").await, admin.person("client", "bob").await);
    (manager, viewer, ada, bob)
}

#[tokio::test]
async fn each_role_is_told_what_it_may_see() {
    let server = Server::start();
    let admin = server.admin().await;
    let (manager, viewer, ada, bob) = everybody(&admin).await;
    let mut all = Vec::new();
    for session in [&admin, &manager.session, &viewer.session] {
        all.push(Events::of(session, "/v2/events").await);
    }
    let mut to_ada = Events::of(&ada.session, "/v2/events").await;
    let mut to_bob = Events::of(&bob.session, "/v2/events").await;

    let of_ada = karana(&admin, "Hers", Some(&ada.uuid)).await;
    let of_bob = karana(&admin, "His", Some(&bob.uuid)).await;
    let stock = karana(&admin, "Nobody's", None).await;
    patch(&manager.session, &format!("/v2/users/{}", ada.uuid), json!({"name": "Ada L."})).await;
    patch(&bob.session, &format!("/v2/karanas/{of_bob}"), json!({"note": "mine"})).await;

    let told = [
        format!("create karanas/{of_ada}"),
        format!("create karanas/{of_bob}"),
        format!("create karanas/{stock}"),
        format!("update users/{}", ada.uuid),
        format!("update karanas/{of_bob}"),
    ];
    for events in &mut all {
        for deed in &told {
            let data = events.change().await;
            assert_eq!(deeds(&data), [deed.as_str()]);
        }
    }
    for (events, own) in [(&mut to_ada, [0, 3]), (&mut to_bob, [1, 4])] {
        for n in own {
            assert_eq!(events.next().await, [told[n].as_str()]);
        }
    }
    // Who did it.
    patch(&bob.session, &format!("/v2/karanas/{of_bob}"), json!({"note": "still mine"})).await;
    assert_eq!(to_bob.change().await["actor"], format!("users/{}", bob.uuid));
}

#[tokio::test]
async fn what_moves_out_of_sight_is_deleted_and_what_moves_in_is_created() {
    let server = Server::start_with("[resources]\nenabled = users, karanas, maintenances, payments\n", &[]);
    let admin = server.admin().await;
    let (_, _, ada, bob) = everybody(&admin).await;
    let roof = karana(&admin, "Roof", Some(&ada.uuid)).await;
    let visit =
        admin.made("maintenances", &json!({"karana": roof, "date": "2026-03-01", "technician": "Tim"})).await;
    let visit = uuid(&visit);
    let mut to_admin = Events::of(&admin, "/v2/events").await;
    let mut to_ada = Events::of(&ada.session, "/v2/events").await;
    let mut to_bob = Events::of(&bob.session, "/v2/events").await;
    let mut visits = Events::of(&bob.session, "/v2/events?resource=maintenances").await;

    patch(&admin, &format!("/v2/karanas/{roof}"), json!({"owner": bob.uuid})).await;
    let data = to_ada.change().await;
    assert_eq!(deeds(&data), [format!("delete karanas/{roof}"), format!("delete maintenances/{visit}")]);
    // Nothing of where it has gone.
    assert!(!data.to_string().contains(&bob.uuid), "{data}");
    assert!(data["changes"].as_array().unwrap().iter().all(|change| change["record"].is_null()), "{data}");
    let data = to_bob.change().await;
    assert_eq!(deeds(&data), [format!("create karanas/{roof}"), format!("create maintenances/{visit}")]);
    assert_eq!(data["changes"][0]["record"]["owner"], bob.uuid);
    assert_eq!(visits.next().await, [format!("create maintenances/{visit}")]);
    // For those who see both, one record has changed.
    assert_eq!(to_admin.next().await, [format!("update karanas/{roof}")]);

    patch(&admin, &format!("/v2/karanas/{roof}"), json!({"owner": null})).await;
    assert_eq!(
        to_bob.next().await,
        [format!("delete karanas/{roof}"), format!("delete maintenances/{visit}")]
    );
    assert_eq!(to_admin.next().await, [format!("update karanas/{roof}")]);
    // Ada has been told no more: what comes next is about her.
    patch(&admin, &format!("/v2/users/{}", ada.uuid), json!({"name": "A"})).await;
    assert_eq!(to_ada.next().await, [format!("update users/{}", ada.uuid)]);
}

#[tokio::test]
async fn no_secret_is_told_to_anybody() {
    let server = Server::start();
    let admin = server.admin().await;
    let (manager, viewer, ada, _) = everybody(&admin).await;
    let mut streams = Vec::new();
    for session in [&admin, &manager.session, &viewer.session, &ada.session] {
        streams.push(Events::of(session, "/v2/events").await);
    }
    let me = format!("/v2/users/{}", ada.uuid);
    let roof = karana(&admin, "Roof", Some(&ada.uuid)).await;
    let device = admin.found(&format!("/v2/karanas/{roof}")).await;
    let owner = admin.found(&me).await;
    let secrets = [
        device["config"]["password"].as_str().unwrap().to_owned(),
        owner["password_influx"].as_str().unwrap().to_owned(),
        owner["password_grafana"].as_str().unwrap().to_owned(),
        ada.password.clone(),
        "canary-of-change".to_owned(),
    ];
    patch(&admin, &me, json!({"name": "Ada L."})).await;
    patch(&admin, &format!("/v2/karanas/{roof}"), json!({"config": {"post_int": 7}})).await;
    for events in &mut streams {
        for _ in 0..3 {
            let data = events.change().await;
            let text = data.to_string();
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{secret} in {text}");
            }
            for name in ["password", "password_influx", "password_grafana", "token_epoch"] {
                assert!(!text.contains(&format!("\"{name}\"")), "{name} in {text}");
            }
        }
    }
    // A change of nothing but secrets is not told at all.
    patch(&admin, &me, json!({"credentials": {"password": secrets[3]}})).await;
    patch(&admin, &format!("/v2/karanas/{roof}"), json!({"name": "Roof 2"})).await;
    for events in &mut streams[..3] {
        assert_eq!(events.next().await, [format!("update karanas/{roof}")]);
    }
    let log = server.stop().stderr;
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
