//! What becomes of records and of what was changed by hand, as devices and owners meet it.

use karana::sync::{Handover, Orphan};
use reqwest::Method;

use super::*;

#[tokio::test]
async fn what_is_suspended_gets_in_no_more_until_it_is_active_again() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    world.change(|fleet| {
        fleet.owners[0].suspended = true;
        fleet.devices[2].suspended = true;
    });
    assert_eq!(settle(&mut reconciler, Depth::Quick).await, 4);
    for (user, pass, database) in [
        (owners[0].uuid, &owners[0].password, owners[0].uuid),
        (devices[0].uuid, &devices[0].password, owners[0].uuid),
        (devices[2].uuid, &devices[2].password, owners[1].uuid),
    ] {
        assert!(!world.lets_in(user, pass, database).await);
        assert!(!world.influx.seen(user).await.unwrap().active);
        assert_ne!(world.influx.write(user, pass, database, "data t=1i").await, 204);
    }
    world.works(&devices[3], &owners[1], &owners[0]).await;
    world.change(|fleet| {
        fleet.owners[0].suspended = false;
        fleet.devices[2].suspended = false;
    });
    assert_eq!(settle(&mut reconciler, Depth::Quick).await, 4, "made active, and nothing else");
    world.works(&devices[0], &owners[0], &owners[1]).await;
    world.works(&devices[2], &owners[1], &owners[0]).await;
    // Made while it is suspended.
    let new = Device { suspended: true, ..device(&owners[0]) };
    world.change(|fleet| fleet.devices.push(new.clone()));
    settle(&mut reconciler, Depth::Quick).await;
    assert!(!world.lets_in(new.uuid, &new.password, owners[0].uuid).await);
    world.change(|fleet| fleet.devices[4].suspended = false);
    assert_eq!(settle(&mut reconciler, Depth::Quick).await, 1);
    world.works(&new, &owners[0], &owners[1]).await;
}

#[tokio::test]
async fn a_karana_moves_with_its_rights_and_a_new_password_takes_the_place_of_the_old_one() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    let old = devices[0].clone();
    let moved = Device { owner: Some(owners[1].uuid), password: password(), ..old.clone() };
    world.change(|fleet| fleet.devices[0] = moved.clone());
    settle(&mut reconciler, Depth::Quick).await;
    world.works(&moved, &owners[1], &owners[0]).await;
    assert!(!world.lets_in(old.uuid, &old.password, owners[1].uuid).await);

    let changed = Device { password: password(), series: "other".into(), ..moved.clone() };
    world.change(|fleet| fleet.devices[0] = changed.clone());
    assert_eq!(settle(&mut reconciler, Depth::Quick).await, 2, "its password, and its line");
    assert!(!world.lets_in(old.uuid, &moved.password, owners[1].uuid).await);
    world.works(&changed, &owners[1], &owners[0]).await;

    world.change(|fleet| fleet.devices[0].owner = None);
    settle(&mut reconciler, Depth::Quick).await;
    assert_eq!(world.influx.seen(old.uuid).await, None, "in stock");
    world.change(|fleet| fleet.devices[0] = old.clone());
    settle(&mut reconciler, Depth::Quick).await;
    world.works(&old, &owners[0], &owners[1]).await;
}

#[tokio::test]
async fn a_karana_that_is_handed_over_gets_at_both_buckets_until_it_has_moved() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    let old = devices[0].clone();
    let handover = Some(Handover { password: old.password.clone(), from: Some(owners[0].uuid) });
    let moving = Device { owner: Some(owners[1].uuid), password: password(), handover, ..old.clone() };
    world.change(|fleet| fleet.devices[0] = moving.clone());
    settle(&mut reconciler, Depth::Quick).await;
    for owner in &owners {
        assert!(world.lets_in(old.uuid, &old.password, owner.uuid).await);
        assert_eq!(world.influx.write(old.uuid, &old.password, owner.uuid, "data t=1i").await, 204);
    }
    let moved = Device { handover: None, ..moving };
    world.change(|fleet| fleet.devices[0] = moved.clone());
    settle(&mut reconciler, Depth::Quick).await;
    world.works(&moved, &owners[1], &owners[0]).await;
    assert!(!world.lets_in(old.uuid, &old.password, owners[1].uuid).await);
}

#[tokio::test]
async fn deleted_records_lose_their_users_and_their_data_only_when_asked() {
    let mut world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    world.change(|fleet| {
        fleet.owners.remove(0);
        fleet.devices.drain(..2);
    });
    settle(&mut reconciler, Depth::Quick).await;
    for gone in [owners[0].uuid, devices[0].uuid, devices[1].uuid] {
        assert_eq!(world.influx.seen(gone).await, None);
    }
    assert!(world.influx.bucket(owners[0].uuid).await.is_some(), "data stay");
    let orphan =
        Orphan { backend: "influxdb".into(), kind: "database".into(), name: owners[0].uuid.to_string() };
    assert!(reconciler.outlook(Scope::All).await.unwrap().orphans.contains(&orphan));
    reconciler.drop_orphan(&orphan).await.unwrap();
    assert!(world.influx.bucket(owners[0].uuid).await.is_none());
    assert!(matches!(reconciler.drop_orphan(&orphan).await, Err(Setback::Refused(_))), "no orphan any more");

    world.drop_data = true;
    world.change(|fleet| *fleet = Fleet::default());
    settle(&mut world.reconciler(), Depth::Quick).await;
    assert!(world.influx.bucket(owners[1].uuid).await.is_none());
    assert_eq!(world.influx.seen(owners[1].uuid).await, None);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_put_right_by_the_next_quick_round() {
    let world = World::new(fleet()).await;
    settle(&mut world.reconciler(), Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    let influx = &world.influx;
    let path = |authorization: &Value| {
        format!("/private/legacy/authorizations/{}", authorization["id"].as_str().unwrap())
    };

    // Made active though suspended would be the worst; here one is made inactive,
    let one = influx.authorization(devices[0].uuid).await.unwrap();
    influx.call(Method::PATCH, &path(&one), Some(json!({"status": "inactive"}))).await;
    // another one gets at the other owner's bucket, and at all of a kind,
    let org = influx.org().await;
    let foreign = influx.bucket(owners[1].uuid).await.unwrap()["id"].clone();
    for (device, resource) in [
        (&devices[1], json!({"type": "buckets", "id": foreign, "orgID": org})),
        (&devices[2], json!({"type": "buckets", "orgID": org})),
    ] {
        let one = influx.authorization(device.uuid).await.unwrap();
        influx.call(Method::DELETE, &path(&one), None).await;
        let permissions = [one["permissions"][0].clone(), json!({"action": "write", "resource": resource})];
        let body = json!({"token": device.uuid, "orgID": org, "permissions": permissions});
        let (status, made) = influx.call(Method::POST, "/private/legacy/authorizations", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let password = json!({"password": device.password});
        influx.call(Method::POST, &format!("{}/password", path(&made)), Some(password)).await;
    }
    assert_eq!(influx.write(devices[1].uuid, &devices[1].password, owners[1].uuid, "data t=1i").await, 204);
    // and one is gone.
    let gone = influx.authorization(owners[1].uuid).await.unwrap();
    influx.call(Method::DELETE, &path(&gone), None).await;

    assert_eq!(settle(&mut world.reconciler(), Depth::Quick).await, 1 + 2 + 2 + 1);
    world.works(&devices[0], &owners[0], &owners[1]).await;
    world.works(&devices[1], &owners[0], &owners[1]).await;
    world.works(&devices[2], &owners[1], &owners[0]).await;

    // With the bucket go the data and the lines; the rights on it are worth nothing then.
    let id = influx.bucket(owners[0].uuid).await.unwrap()["id"].as_str().unwrap().to_owned();
    influx.call(Method::DELETE, &format!("/api/v2/buckets/{id}"), None).await;
    settle(&mut world.reconciler(), Depth::Quick).await;
    world.works(&devices[0], &owners[0], &owners[1]).await;
    world.works(&devices[1], &owners[0], &owners[1]).await;

    // A forged config line shows in a full round, as in a 1.x.
    let point = format!("config,data=forged,id={} v=0 4000000000", devices[0].uuid);
    assert_eq!(influx.write(devices[0].uuid, &devices[0].password, owners[0].uuid, &point).await, 204);
    assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 1);
    world.works(&devices[0], &owners[0], &owners[1]).await;
}

#[tokio::test]
async fn what_the_server_never_made_is_left_alone() {
    let world = World::new(Fleet::default()).await;
    let (influx, stranger) = (&world.influx, Uuid::new_v4());
    let org = influx.org().await;
    let body = json!({"orgID": org, "name": stranger, "retentionRules": []});
    let (_, bucket) = influx.call(Method::POST, "/api/v2/buckets", Some(body)).await;
    let permission =
        json!({"action": "read", "resource": {"type": "buckets", "id": bucket["id"], "orgID": org}});
    let body = json!({"token": stranger, "orgID": org, "permissions": [permission]});
    influx.call(Method::POST, "/private/legacy/authorizations", Some(body)).await;
    settle(&mut world.reconciler(), Depth::Full).await;
    assert!(influx.bucket(stranger).await.is_some() && influx.seen(stranger).await.is_some());
    let orphans = world.reconciler().outlook(Scope::All).await.unwrap().orphans;
    assert_eq!(orphans.iter().filter(|orphan| orphan.name == stranger.to_string()).count(), 2);
    // For a test server that is not ours.
    for orphan in orphans.iter().filter(|orphan| orphan.name == stranger.to_string()) {
        world.reconciler().drop_orphan(orphan).await.unwrap();
    }
}
