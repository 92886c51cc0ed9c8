//! Entries of several resources may have one uuid: nobody makes that, but a dump may hold it.

use super::*;

#[tokio::test]
async fn an_entry_with_the_uuid_of_what_it_refers_to_does_not_refer_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let device = karana(&Value::Null);
    let visit = |karana: &Value| {
        entry("maintenances", json!({"karana": karana, "date": "2026-01-31", "technician": "Bob"}))
    };
    let (mut same, other) = (visit(&device["uuid"]), visit(&device["uuid"]));
    same.insert("uuid".into(), device["uuid"].clone());
    insert(&store, "karanas", &device).await.unwrap();
    insert(&store, "maintenances", &same).await.unwrap();
    insert(&store, "maintenances", &other).await.unwrap();
    // Nobody refers to the visit: what refers to its uuid means the device.
    delete(&store, "maintenances", uuid(&same), Dependents::AsDeclared).await.unwrap();
    insert(&store, "maintenances", &same).await.unwrap();
    delete(&store, "karanas", uuid(&device), Dependents::Delete).await.unwrap();
    assert!(store.read().is_empty());
}
