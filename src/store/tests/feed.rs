//! Followers of the commits.

use super::*;
use crate::store::feed::Commit;

/// A commit, as far as it is to be the same whoever tells of it.
fn told(store: &Store, commit: &Commit) -> String {
    let changes = commit.changes.as_ref().unwrap().iter().map(|change| {
        let side = |side: &Option<Side>| side.as_ref().map(|side| (side.owner, side.record.entry()));
        let kind = store.kinds().at(change.kind).name();
        format!("{kind}/{}: {:?} -> {:?}", change.uuid, side(&change.before), side(&change.after))
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort();
    format!("{} {} {} {changes:#?}", commit.revision, commit.time, commit.actor)
}

fn all(store: &Store, follower: &mut Follower) -> Vec<String> {
    std::iter::from_fn(|| follower.take().unwrap()).map(|commit| told(store, &commit)).collect()
}

async fn put(store: &Store, resource: &str, entry: &Entry) {
    let (resource, entry) = (resource.to_owned(), entry.clone());
    let write = store.write(author(), move |transaction| {
        let kinds = transaction.kinds();
        let kind = kinds.get(&resource).unwrap();
        let uuid = entry["uuid"].as_str().unwrap().parse().unwrap();
        if transaction.tables().get(kind, uuid).is_some() {
            transaction.replace(kind, &entry)
        } else {
            transaction.insert(kind, &entry)
        }
    });
    write.await.unwrap();
}

async fn delete(store: &Store, resource: &str, entry: &Entry, dependents: Dependents) {
    let (resource, uuid) = (resource.to_owned(), entry["uuid"].as_str().unwrap().parse().unwrap());
    let write = store.write(author(), move |transaction| {
        let kinds = transaction.kinds();
        transaction.delete(kinds.get(&resource).unwrap(), uuid, dependents).map(|_| ())
    });
    write.await.unwrap();
}

/// Owners, devices that move between them, and what belongs to those.
async fn live(store: &Store) {
    let (ada, bob) = (user("ada@example.com"), user("bob@example.com"));
    put(store, "users", &ada).await;
    put(store, "users", &bob).await;
    let mut roof = karana(&ada["uuid"]);
    put(store, "karanas", &roof).await;
    let visit = json!({"karana": roof["uuid"], "date": "2026-03-01", "technician": "Tim"});
    let visit = entry("maintenances", visit);
    put(store, "maintenances", &visit).await;
    for owner in [&bob["uuid"], &Value::Null, &ada["uuid"]] {
        roof.insert("owner".into(), owner.clone());
        put(store, "karanas", &roof).await;
    }
    // Who had an address gives it to another, in one commit.
    let (mut one, mut other) = (ada.clone(), bob.clone());
    for (entry, name) in [(&mut one, "bob"), (&mut other, "ada")] {
        entry.insert("email".into(), format!("{name}@example.com").into());
        set_field(entry, "credentials.login", format!("{name}@example.com").into());
    }
    let swap = store.write(author(), move |transaction| {
        let kinds = transaction.kinds();
        let users = kinds.get("users").unwrap();
        let mut between = one.clone();
        between.insert("email".into(), "between@example.com".into());
        set_field(&mut between, "credentials.login", "between@example.com".into());
        transaction.replace(users, &between)?;
        transaction.replace(users, &other)?;
        transaction.replace(users, &one)
    });
    swap.await.unwrap();
    delete(store, "users", &bob, Dependents::Release).await;
    delete(store, "users", &ada, Dependents::Delete).await;
}

#[tokio::test]
async fn what_came_before_the_start_is_told_as_it_was_told_then() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let begin = store.read().revision().clone();
    let (mut follower, from) = store.follow(None).await.unwrap();
    assert_eq!(from, begin);
    live(&store).await;
    let then = all(&store, &mut follower);
    assert_eq!(then.len(), 10);
    // The visit moves with the device, and is gone with its last owner.
    assert_eq!(then.iter().filter(|text| text.contains("maintenances/")).count(), 5, "{then:#?}");
    store.close().await;
    drop((store, follower));

    let store = open(folder.path());
    store
        .write(author(), |transaction| {
            let kinds = transaction.kinds();
            transaction.insert(kinds.get("users").unwrap(), &user("new@example.com"))
        })
        .await
        .unwrap();
    let (mut follower, from) = store.follow(Some(&begin.0)).await.unwrap();
    assert_eq!(from, begin);
    let now = all(&store, &mut follower);
    assert_eq!(now.len(), 11);
    assert_eq!(now[..10], then);
    assert!(now[10].contains("new@example.com"));
    // From the middle, and from nowhere.
    let middle = &then[4][..40];
    let (mut follower, _) = store.follow(Some(middle)).await.unwrap();
    assert_eq!(all(&store, &mut follower), now[5..]);
    assert_eq!(store.follow(Some(&"0".repeat(40))).await.err(), Some(TooOld));
}

#[tokio::test]
async fn a_commit_that_is_too_much_is_told_without_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (mut follower, _) = store.follow(None).await.unwrap();
    let input = json!({"name": "Roof", "owner": null, "note": "x".repeat(4000), "config": {}});
    let one = entry("karanas", input);
    let write = store.write(author(), move |transaction| {
        let kinds = transaction.kinds();
        for _ in 0..1100 {
            let mut another = one.clone();
            another.insert("uuid".into(), Uuid::new_v4().to_string().into());
            transaction.insert(kinds.get("karanas").unwrap(), &another)?;
        }
        Ok(())
    });
    let revision = write.await.unwrap().revision;
    let commit = follower.take().unwrap().unwrap();
    assert!(commit.changes.is_none());
    assert_eq!(commit.revision, revision);
    // Sealed anew, every record is in a commit and none has changed.
    store.rotate_key(author()).await.unwrap();
    assert_eq!(follower.take().unwrap().unwrap().changes.as_ref().unwrap().len(), 0);
    assert!(follower.take().unwrap().is_none());
}

#[tokio::test]
async fn a_follower_waits_and_hears_of_a_commit_before_its_writer_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (mut follower, _) = store.follow(None).await.unwrap();
    let waiting = tokio::spawn(async move {
        follower.changed().await;
        follower.take().unwrap().unwrap().revision.clone()
    });
    tokio::task::yield_now().await;
    let write = store.write(author(), |transaction| {
        let kinds = transaction.kinds();
        transaction.insert(kinds.get("users").unwrap(), &user("ada@example.com"))
    });
    let revision = write.await.unwrap().revision;
    assert_eq!(waiting.await.unwrap(), revision);
    assert!(store.follow(Some(&revision.0)).await.unwrap().0.take().unwrap().is_none());
}
