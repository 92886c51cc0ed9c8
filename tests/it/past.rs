//! The past: what a record was, who changed it, and how it comes back.

use crate::operator::{failed, fine};
use crate::support::{Home, user};
use serde_json::{Value, json};

fn revisions(log: &str) -> Vec<&str> {
    log.lines().map(|line| line.split_whitespace().next().unwrap()).collect()
}

#[tokio::test]
async fn a_record_comes_back_as_it_was() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let device = admin.create("karanas", &json!({"name": "K1", "owner": null, "config": {}})).await;
    let first = admin.read("karanas", &device).await;
    let one = format!("/v1/karanas/{device}");
    admin.patch(&one, &json!({"name": "K2"})).await.entry(&device);
    admin.delete(&one).await.entry(&device);

    let name = format!("karanas/{device}");
    let log = fine(home.run(&["log", &name]));
    let (deleted, created) = (revisions(&log)[0], revisions(&log)[2]);
    assert!(log.lines().next().unwrap().contains("karanas: delete"), "{log}");
    failed(&home.run(&["revert", &name, "--to", deleted]), &["there was no entry"]);
    failed(&home.run(&["revert", &name, "--to", "ffffffff"]), &["no revision"]);
    let commits = home.commits();
    fine(home.run(&["revert", &name, "--to", created]));
    assert_eq!(admin.read("karanas", &device).await, first, "secrets and all");
    assert_eq!(home.commits(), commits + 1);
    // It is as it is to be: nothing to do.
    fine(home.run(&["revert", &name, "--to", created]));
    assert_eq!(home.commits(), commits + 1);
    assert_eq!(revisions(&fine(home.run(&["log", &name]))).len(), 4);
}

/// An old password may come back, a token that has ended may not.
#[tokio::test]
async fn ended_tokens_stay_ended() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let micha = admin.create("users", &user("micha")).await;
    let session = server.nobody.login("micha@example.com", "password of micha").await;
    let one = format!("/v1/users/{micha}");
    admin.patch(&one, &json!({"credentials": {"password": "another one"}})).await.entry(&micha);
    session.get(&one).await.refused(401, "Invalid Authentication");
    let name = format!("users/{micha}");
    let log = fine(home.run(&["log", &name]));
    fine(home.run(&["revert", &name, "--to", revisions(&log)[1]]));
    session.get(&one).await.refused(401, "Invalid Authentication");
    server.nobody.login("micha@example.com", "password of micha").await.get(&one).await.entry(&micha);
}

/// The answer to a change names the commit that holds it, before git has it.
#[tokio::test]
async fn every_change_names_its_revision() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let made = admin.post("/v1/karanas/new", &json!({"name": "K1", "owner": null, "config": {}})).await;
    let one = format!("/v1/karanas/{}", made.results()["uuid"].as_str().unwrap());
    let mut told = vec![made.header("karana-revision").to_owned()];
    for name in ["K2", "K3", "K3"] {
        told.push(admin.patch(&one, &json!({"name": name})).await.header("karana-revision").to_owned());
    }
    assert_eq!(told[2], told[3], "what changes nothing makes no commit");
    told.pop();
    told.push(admin.delete(&one).await.header("karana-revision").to_owned());
    assert_eq!(admin.get("/v1/karanas").await.header("karana-revision"), "");
    let commits = home.git(&["log", "--reverse", "-4", "--format=%H", "main"]);
    assert_eq!(commits.lines().collect::<Vec<_>>(), told);
}

#[tokio::test]
async fn tables_are_asked_for_by_time() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    admin.create("karanas", &json!({"name": "K1", "owner": null, "config": {}})).await;
    let then = home.git(&["log", "-1", "--format=%cI", "main"]).trim().to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    admin.create("karanas", &json!({"name": "K2", "owner": null, "config": {}})).await;
    let count = |at: &[&str]| {
        let dump = fine(home.run(&[&["export", "-"], at].concat()));
        serde_json::from_str::<Value>(&dump).unwrap()["karanas"].as_object().unwrap().len()
    };
    assert_eq!((count(&[]), count(&["--at", &then])), (2, 1));
    failed(&home.run(&["export", "-", "--at", "2017-03-02T15:26:11Z"]), &["no revision", "2017-03-02"]);
}

/// Losing the table of changes, or a part of it, costs time and nothing else.
#[tokio::test]
async fn the_history_is_found_without_its_table() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let device = admin.create("karanas", &json!({"name": "K0", "owner": null, "config": {}})).await;
    for n in 1..6 {
        admin.patch(&format!("/v1/karanas/{device}"), &json!({"name": format!("K{n}")})).await.entry(&device);
    }
    let name = format!("karanas/{device}");
    let log = fine(home.run(&["log", &name]));
    assert_eq!(log.lines().count(), 6);
    server.stop();
    let table = home.path("storage/wal/history");
    let whole = std::fs::read(&table).unwrap();
    let mut flipped = whole.clone();
    flipped[45] ^= 4;
    for damaged in [&[][..], &whole[..whole.len() - 40], &flipped] {
        std::fs::write(&table, damaged).unwrap();
        assert_eq!(fine(home.run(&["log", &name])), log);
        assert_eq!(std::fs::read(&table).unwrap(), whole, "it is made anew, the same");
    }
}
