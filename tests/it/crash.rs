//! Killed at any moment, with or without what was never synced: what was answered is there, and nothing else.

use crate::support::{Home, Server, Session, record};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

const WRITERS: usize = 8;

/// What the writers were told, kept outside of the server.
#[derive(Default)]
struct Outside {
    /// Every record that was answered, with the name it was given last.
    answered: BTreeMap<String, String>,
    /// Changes that were sent and not answered: each may be there or not.
    unknown: BTreeMap<String, BTreeSet<String>>,
    /// Names sent with creations that were not answered.
    unknown_new: BTreeSet<String>,
}

/// Creates records and renames them until the server is gone.
async fn write_until_killed(session: Session, writer: usize, round: usize) -> Outside {
    let mut outside = Outside::default();
    let mut mine: Vec<String> = Vec::new();
    for n in 0.. {
        let name = format!("K {writer} {round} {n}");
        if n % 3 == 2 {
            let uuid = mine[n % mine.len()].clone();
            let input = json!({"data": {"name": name}});
            let sent = session.request("PATCH", &format!("/v1/karanas/{uuid}")).json(&input).send().await;
            match sent {
                Ok(answer) if answer.status() == 200 => _ = outside.answered.insert(uuid, name),
                _ => {
                    outside.unknown.entry(uuid).or_default().insert(name);
                    return outside;
                }
            }
        } else {
            let input = json!({"data": {"name": name, "owner": null, "config": {}}});
            let sent = session.request("POST", "/v1/karanas/new").json(&input).send().await;
            let Ok(Ok(body)) = async { Ok::<_, reqwest::Error>(sent?.json::<String>().await) }.await else {
                outside.unknown_new.insert(name);
                return outside;
            };
            let answer: Value = serde_json::from_str(&body).unwrap();
            let uuid = answer["results"][0]["uuid"].as_str().unwrap().to_owned();
            mine.push(uuid.clone());
            outside.answered.insert(uuid, name);
        }
    }
    outside
}

/// Does to the storage what a power cut does to files that were never synced.
fn lose_what_was_not_synced(storage: &Path, round: usize) {
    let checkpoint = fs::read(storage.join("wal/checkpoint")).unwrap();
    let checkpoint: Value = serde_json::from_slice(&checkpoint).unwrap();
    let synced: BTreeSet<&str> =
        checkpoint["packs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let packs = storage.join("tables.git/objects/pack");
    for file in fs::read_dir(&packs).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if synced.contains(name.split('.').next().unwrap()) {
            continue;
        }
        match round % 3 {
            0 => fs::remove_file(file.path()).unwrap(),
            // The size is there, the content is not.
            1 => fs::write(file.path(), vec![0; file.metadata().unwrap().len() as usize]).unwrap(),
            _ => fs::write(file.path(), "").unwrap(),
        }
    }
    let branch = storage.join("tables.git/refs/heads/main");
    match round % 3 {
        0 => fs::write(&branch, format!("{}\n", checkpoint["commit"].as_str().unwrap())).unwrap(),
        1 => fs::write(&branch, "").unwrap(),
        _ => fs::remove_file(&branch).unwrap(),
    }
}

async fn karanas(server: &Server) -> BTreeMap<String, String> {
    let all = server.admin().await.get("/v1/karanas").await.results();
    let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
    all.as_object().unwrap().iter().map(|(uuid, entry)| (uuid.clone(), name(entry))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_every_kill() {
    let rounds = if std::env::var_os("LONG_TESTS").is_some() { 1000 } else { 12 };
    let home = Home::new("");
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut server = home.serve();
    for round in 0..rounds {
        let session = server.admin().await;
        let writers =
            (0..WRITERS).map(|writer| tokio::spawn(write_until_killed(session.clone(), writer, round)));
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_millis(50 + (round as u64 * 7919) % 400)).await;
        server.kill();
        let mut outside = Outside::default();
        for writer in writers {
            let Outside { answered, unknown, unknown_new } = writer.await.unwrap();
            outside.answered.extend(answered);
            outside.unknown.extend(unknown);
            outside.unknown_new.extend(unknown_new);
        }
        if round % 2 == 1 {
            lose_what_was_not_synced(&home.storage(), round / 2);
        }
        server = home.serve();
        let there = karanas(&server).await;
        known.extend(outside.answered);
        for (uuid, name) in &known {
            let found =
                there.get(uuid).unwrap_or_else(|| panic!("round {round}: {uuid} was answered and is gone"));
            let maybe = outside.unknown.get(uuid).is_some_and(|names| names.contains(found));
            assert!(found == name || maybe, "round {round}: {uuid} is {found:?}, answered was {name:?}");
        }
        for (uuid, name) in &there {
            assert!(
                known.contains_key(uuid) || outside.unknown_new.contains(name),
                "round {round}: nobody made {uuid}"
            );
        }
        known = there;
    }
    assert!(known.len() > 10 * rounds, "too little was written to mean anything: {}", known.len());
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    home.git(&["fsck", "--full", "--strict"]);
    // Asking git for one takes it as long as ten changes take the server.
    for (uuid, name) in known.iter().step_by(1 + known.len() / 100) {
        let stored = home.git(&["show", &format!("main:{}", record("karanas", uuid))]);
        assert_eq!(serde_json::from_str::<Value>(&stored).unwrap()["name"], **name);
    }
}

/// Damage to what was answered is found, not overlooked: the server does not start, and says where.
#[tokio::test]
async fn a_damaged_log_is_named() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    for n in 0..5 {
        admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
    }
    server.kill();
    // As if nothing of it had been synced to the repository yet.
    home.write("storage/wal/checkpoint", r#"{"sequence": 0, "commit": null, "packs": []}"#);
    let path = home.path("storage/wal/0");
    let mut log = fs::read(&path).unwrap();
    log[600] ^= 1;
    fs::write(&path, log).unwrap();
    let ended = home.run(&[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("the record 1 is damaged or gone, though later ones are whole"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_clean_exit_leaves_nothing_to_the_log() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    for n in 0..20 {
        admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
    }
    assert_eq!(server.stop().code, Some(0));
    let commits = home.commits();
    fs::remove_dir_all(home.path("storage/wal")).unwrap();
    let server = home.serve();
    assert_eq!(karanas(&server).await.len(), 20);
    assert_eq!(home.commits(), commits);
}
