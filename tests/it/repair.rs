//! Damage that a start does not mend: named, shown what can be done, and done only then.

use crate::operator::{failed, fine};
use crate::support::{Home, record};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A stopped store of git's own making: every object in a file of its own, so that each can be hurt alone.
async fn stopped() -> (Home, Vec<String>) {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let mut uuids = Vec::new();
    for n in 0..12 {
        let uuid =
            admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
        uuids.push(uuid);
    }
    for uuid in &uuids {
        admin.patch(&format!("/v1/karanas/{uuid}"), &json!({"note": "second"})).await.entry(uuid);
    }
    server.stop();
    let packs = home.path("storage/tables.git/objects/pack");
    let aside = home.path("packs");
    fs::rename(&packs, &aside).unwrap();
    fs::create_dir(&packs).unwrap();
    for pack in fs::read_dir(&aside).unwrap().map(|file| file.unwrap().path()) {
        if pack.extension().is_some_and(|ending| ending == "pack") {
            let script = format!("git unpack-objects -q < {}", pack.display());
            let done = std::process::Command::new("sh")
                .args(["-c", &script])
                .env("GIT_DIR", home.path("storage/tables.git"))
                .status();
            assert!(done.unwrap().success());
        }
    }
    fs::remove_dir_all(&aside).unwrap();
    fine(home.run(&["check"]));
    (home, uuids)
}

fn object(home: &Home, name: &str) -> PathBuf {
    let id = home.git(&["rev-parse", name]);
    home.path(&format!("storage/tables.git/objects/{}/{}", &id[..2], id[2..].trim()))
}

fn hurt(path: &PathBuf) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0x10;
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

fn notes(home: &Home) -> BTreeMap<String, String> {
    let dump: Value = serde_json::from_str(&fine(home.run(&["export", "-"]))).unwrap();
    let entries = dump["karanas"].as_object().unwrap();
    entries.iter().map(|(uuid, entry)| (uuid.clone(), entry["note"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_brought_back_to_its_version_before() {
    let (home, uuids) = stopped().await;
    let path = record("karanas", &uuids[3]);
    let file = object(&home, &format!("main:{path}"));
    let good = home.git(&["rev-list", "-1", "--skip=9", "main"]).trim().to_owned();
    hurt(&file);
    let id = file.to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for command in [&[][..], &["check"]] {
        failed(&home.run(command), &[&path, &id, &good, "the last good commit", "karana check --repair"]);
    }
    let before = home.commits();
    let shown = home.run(&["check", "--repair"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stdout.contains(&path) && shown.stdout.contains("bring back its version of"), "{shown:?}");
    failed(&home.run(&["check"]), &[&path]);
    assert_eq!(home.commits(), before, "nothing was done yet");

    fine(home.run(&["check", "--repair", "--yes"]));
    let notes = notes(&home);
    assert_eq!(notes[&uuids[3]], "");
    assert_eq!(notes.values().filter(|note| *note == "second").count(), 11);
    assert_eq!(home.commits(), before + 1);
    let server = home.serve();
    assert_eq!(server.admin().await.read("karanas", &uuids[3]).await["note"], "");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_leads_back_to_the_last_good_commit() {
    let (home, uuids) = stopped().await;
    let good = home.git(&["rev-parse", "main~1"]).trim().to_owned();
    hurt(&object(&home, "main^{tree}"));
    failed(&home.run(&[]), &["the top folder", &good]);
    let shown = home.run(&["check", "--repair"]);
    assert!(
        shown.code == Some(1) && shown.stdout.contains(&good) && shown.stdout.contains("LOST"),
        "{shown:?}"
    );
    fine(home.run(&["check", "--repair", "--yes"]));
    assert_eq!(home.git(&["rev-parse", "main"]).trim(), good);
    let notes = notes(&home);
    assert_eq!(notes[uuids.last().unwrap()], "");
    assert_eq!(notes.values().filter(|note| *note == "second").count(), 11);
    fine(home.run(&["check"]));
}

#[tokio::test]
async fn a_damage_in_the_past_does_not_stop_the_present() {
    let (home, uuids) = stopped().await;
    let id = home.git(&["rev-parse", "main~5^{tree}"]);
    hurt(&object(&home, "main~5^{tree}"));
    let server = home.serve();
    server.admin().await.read("karanas", &uuids[0]).await;
    let damaged = || async {
        let ready = server.nobody.get("/health/ready").await;
        ready.text().contains("\"damaged\"") && ready.status == 200
    };
    let mut tries = 0;
    while !damaged().await {
        tries += 1;
        assert!(tries < 200, "it is never found");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    failed(&home.run(&["check"]), &["the top folder", id.trim()]);
}

#[tokio::test]
async fn what_can_be_made_anew_is_made_anew() {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    for n in 0..12 {
        admin.create("karanas", &json!({"name": format!("K{n}"), "owner": null, "config": {}})).await;
    }
    server.stop();
    let main = home.git(&["rev-parse", "main"]);
    let files = |ending: &str| -> Vec<PathBuf> {
        let files = fs::read_dir(home.path("storage/tables.git/objects/pack")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
    };
    files("idx").iter().for_each(|index| fs::write(index, "nonsense").unwrap());
    fs::write(home.path("storage/tables.git/HEAD"), "nonsense").unwrap();
    fs::write(home.path("storage/tables.git/config"), "[nonsense").unwrap();
    fs::write(home.path("storage/wal/checkpoint"), "nonsense").unwrap();
    assert_eq!(home.run(&[]).code, Some(1));
    let shown = home.run(&["check", "--repair"]);
    assert!(shown.code == Some(1) && !shown.stdout.contains("LOST"), "{shown:?}");
    let done = fine(home.run(&["check", "--repair", "--yes"]));
    for what in ["HEAD", "config", "make its index anew", "wal/checkpoint"] {
        assert!(done.contains(what), "{what}: {done}");
    }
    assert_eq!(fine(home.run(&["check", "--repair"])), "there is nothing to repair\n");
    assert_eq!(home.git(&["rev-parse", "main"]), main);
    assert_eq!(notes(&home).len(), 12);
    home.git(&["fsck", "--full", "--strict"]);
}
