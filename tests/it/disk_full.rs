//! A disk that fills up and is freed again. Needs to be root, for a small file system of its own.

use crate::support::{Home, Mounted};
use serde_json::json;
use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_full_disk_refuses_changes_until_there_is_room() {
    let home = Home::new("");
    let storage = home.storage();
    let Some(_mounted) = Mounted::memory(&storage, "24m") else {
        eprintln!("skipped: a file system cannot be mounted here");
        return;
    };
    let server = home.serve();
    let admin = server.admin().await;
    let new = |n: usize| json!({"name": format!("K{n}"), "owner": null, "config": {}});
    let first = admin.create("karanas", &new(0)).await;

    let ballast = storage.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    let mut answered = vec![first.clone()];
    let refused = loop {
        let answer = admin.post("/v1/karanas/new", &new(answered.len())).await;
        if answer.status != 200 {
            break answer;
        }
        // What fits into the log is durable, and answered as such.
        answered.push(answer.results()["uuid"].as_str().unwrap().to_owned());
        assert!(answered.len() < 1000, "the disk is full, and everything is taken");
    };
    refused.refused(507, "Create Resource Error");
    admin.read("karanas", &first).await;
    assert!(server.nobody.get("/health/live").await.status == 200);

    fs::remove_file(&ballast).unwrap();
    let freed = Instant::now();
    while admin.post("/v1/karanas/new", &new(5000)).await.status != 200 {
        assert!(freed.elapsed() < Duration::from_secs(1), "no changes a second after there is room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.stop().code, Some(0));
    home.git(&["fsck", "--full", "--strict"]);
    let server = home.serve();
    let admin = server.admin().await;
    for uuid in answered {
        admin.read("karanas", &uuid).await;
    }
}
