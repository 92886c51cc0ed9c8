//! A power cut in the middle of a mutation that is too large for the log: it goes straight to the repository, and is
//! answered when it is synced there.

use super::model::crash::{Log, copy_of_one_moment};
use super::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LOG: u64 = 4096;

fn open_small(path: &Path) -> Store {
    Store::open(Settings { log_size: LOG, ..settings(path) }).unwrap_or_else(|e| panic!("{e}"))
}

fn packs(storage: &Path) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(storage.join("tables.git/objects/pack")).unwrap();
    files.map(|file| file.unwrap().file_name().into()).collect()
}

/// A storage as it is when all of a large mutation is written, and nothing of it synced; what was answered before; and
/// the packs of that, and of the mutation.
async fn cut_off(folder: &Path) -> (PathBuf, Revision, [BTreeSet<PathBuf>; 2]) {
    let (storage, before, after) = (folder.join("storage"), folder.join("before"), folder.join("after"));
    let store = open_small(&storage);
    let first = packs(&storage);
    let answered = insert(&store, "users", &user("ada@example.com")).await.unwrap();
    store.0.journal.flush().unwrap();
    copy_of_one_moment(&storage, &before);
    let mut large = karana(&Value::Null);
    large.insert("note".into(), "x".repeat(4096).into());
    let revision = insert(&store, "karanas", &large).await.unwrap();
    copy_of_one_moment(&storage, &after);
    let log = Log::read(&before);
    assert!(log.has_the_records_of(&Log::read(&after)), "it is in the log");
    log.write_checkpoint(&after);
    let named = fs::read_to_string(after.join("tables.git/refs/heads/main")).unwrap();
    assert_eq!(named.trim(), revision.0);
    let logged = packs(&before).difference(&first).cloned().collect();
    let large = packs(&after).difference(&packs(&before)).cloned().collect();
    (after, answered, [logged, large])
}

fn lose(storage: &Path, lost: &BTreeSet<PathBuf>) {
    assert!(!lost.is_empty());
    lost.iter().for_each(|name| fs::remove_file(storage.join("tables.git/objects/pack").join(name)).unwrap());
}

#[tokio::test]
async fn a_branch_that_names_a_commit_that_a_power_cut_took_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, answered, [logged, large]) = cut_off(folder.path()).await;
    lose(&storage, &large);
    lose(&storage, &logged);
    let store = open_small(&storage);
    assert_eq!(*store.read().revision(), answered);
    insert(&store, "users", &user("bob@example.com")).await.unwrap();
    store.check().unwrap();
}

#[tokio::test]
async fn a_large_mutation_stands_on_what_only_the_log_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, answered, [logged, _]) = cut_off(folder.path()).await;
    lose(&storage, &logged);
    let store = open_small(&storage);
    let karanas = store.kinds().get("karanas").unwrap();
    assert_eq!(store.read().len(karanas), 1);
    assert_eq!(store.at(&Moment::Revision(answered.0)).unwrap().len(karanas), 0);
    store.check().unwrap();
}
