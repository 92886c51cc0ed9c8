//! Killed at any moment, with or without what was never synced: what was answered is there, and nothing else.

use crate::support::oracle::{Oracle, Writers, karanas};
use crate::support::{Home, record, times};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

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

/// Kills on one storage. Then another is begun: to compare all there is takes the longer the more there is.
const KILLS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_every_kill() {
    let kills = times(12, 1000);
    for first in (0..kills).step_by(KILLS) {
        let rounds = first..kills.min(first + KILLS);
        let known = kill(rounds.clone()).await;
        eprintln!("{} kills, {known} records on this storage, nothing lost", rounds.end);
        assert!(known > 10 * rounds.len(), "too little was written to mean anything: {known}");
    }
}

/// Kills servers on one storage; answers how many records are there then.
async fn kill(rounds: Range<usize>) -> usize {
    let home = Home::new("");
    let mut oracle = Oracle::default();
    let mut server = home.serve();
    for round in rounds {
        let writers = Writers::start(&server.admin().await, round);
        tokio::time::sleep(Duration::from_millis(50 + (round as u64 * 7919) % 400)).await;
        server.kill();
        let told = writers.told().await;
        if round % 2 == 1 {
            lose_what_was_not_synced(&home.storage(), round / 2);
        }
        server = home.serve();
        oracle.compare(told, karanas(&server).await).unwrap_or_else(|wrong| panic!("round {round}: {wrong}"));
    }
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    home.git(&["fsck", "--full", "--strict"]);
    let known = oracle.known();
    // Asking git for one takes it as long as ten changes take the server.
    for (uuid, name) in known.iter().step_by(1 + known.len() / 100) {
        let stored = home.git(&["show", &format!("main:{}", record("karanas", uuid))]);
        assert_eq!(serde_json::from_str::<Value>(&stored).unwrap()["name"], **name);
    }
    known.len()
}

/// Damage to what was answered is found, not overlooked: the server does not start, and says where.
#[tokio::test]
async fn a_damaged_log_is_named() {
    let home = Home::new("");
    // Made anew until the first checkpoint is still there: it is written again a second later.
    let (server, first) = loop {
        let server = home.serve();
        let checkpoint = fs::read_to_string(home.path("storage/wal/checkpoint")).unwrap();
        if checkpoint.starts_with(r#"{"sequence":0,"#) {
            break (server, checkpoint);
        }
        server.kill();
        fs::remove_dir_all(home.storage()).unwrap();
    };
    let admin = server.admin().await;
    for n in 0..5 {
        admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
    }
    server.kill();
    // As if nothing of it had been synced to the repository yet.
    home.write("storage/wal/checkpoint", first);
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
