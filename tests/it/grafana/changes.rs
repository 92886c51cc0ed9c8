//! What becomes of Grafana when records change, or when somebody changes Grafana.

use super::*;

/// The dashboard with that name, as it is.
async fn dashboard(world: &World, owner: &Owner, uid: &str) -> Value {
    let id = world.seen(owner).await.id;
    let found = world.grafana.admin("GET", &format!("/api/dashboards/uid/{uid}"), Some(id), None).await;
    found["dashboard"].clone()
}

/// Saves a dashboard as a person does who changed something in it.
async fn save(world: &World, owner: &Owner, dashboard: &Value) {
    let id = world.seen(owner).await.id;
    let mut dashboard = dashboard.clone();
    dashboard["id"] = Value::Null;
    let body = json!({"dashboard": dashboard, "overwrite": false, "message": "by hand"});
    world.grafana.admin("POST", "/api/dashboards/db", Some(id), Some(body)).await;
}

#[tokio::test]
async fn a_karana_that_moves_takes_its_dashboard_along() {
    for depth in [Depth::Quick, Depth::Full] {
        let world = World::new(fleet()).await;
        let mut reconciler = world.reconciler();
        settle(&mut reconciler, Depth::Full).await;
        let Fleet { owners, devices } = world.fleet();
        let (roof, [one, two]) = (board(&devices[0]), [&owners[0], &owners[1]]);
        world.change(|fleet| fleet.devices[0].owner = Some(owners[1].uuid));
        settle(&mut reconciler, depth).await;
        assert!(!world.seen(one).await.dashboards.contains_key(&roof));
        assert!(world.seen(two).await.dashboards.contains_key(&roof));
        let text = dashboard(&world, two, &roof).await.to_string();
        assert!(text.contains(&format!("k-{}", two.uuid.simple())), "it asks the new owner's data source");
        assert!(!text.contains(&one.uuid.simple().to_string()), "{text}");
        // What is left in the old organization is one device: all points there are its own.
        assert!(!dashboard(&world, one, &board(&devices[1])).await.to_string().contains("KID"));
        assert!(dashboard(&world, two, &board(&devices[2])).await.to_string().contains("KID"));

        world.change(|fleet| fleet.devices[0].owner = None);
        settle(&mut reconciler, depth).await;
        assert!(!world.seen(two).await.dashboards.contains_key(&roof), "in stock");
    }
}

#[tokio::test]
async fn the_dashboard_of_a_deleted_karana_goes() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    world.change(|fleet| drop(fleet.devices.remove(0)));
    settle(&mut reconciler, Depth::Quick).await;
    let seen = world.seen(&owners[0]).await;
    assert_eq!(seen.dashboards.keys().collect::<Vec<_>>(), [&home(&owners[0]), &board(&devices[1])]);
    let home = dashboard(&world, &owners[0], &home(&owners[0])).await.to_string();
    assert!(home.contains(&board(&devices[1])) && !home.contains(&board(&devices[0])));
}

#[tokio::test]
async fn of_a_deleted_owner_nothing_is_left_and_of_the_others_everything() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, .. } = world.fleet();
    let other = world.seen(&owners[1]).await;
    world.change(|fleet| {
        fleet.owners.remove(0);
        fleet.devices.remove(0);
        fleet.devices[0].owner = None;
    });
    // It was not running when the records changed.
    let mut reconciler2 = world.reconciler();
    assert_eq!(
        planned(&reconciler2).await.iter().filter(|action| action.starts_with("users/")).count(),
        2,
        "{:?}",
        planned(&reconciler2).await
    );
    settle(&mut reconciler2, Depth::Quick).await;
    assert_eq!(world.grafana.seen(owners[0].uuid).await, None);
    assert!(world.grafana.user(&owners[0].email).await.is_none());
    assert_eq!(world.seen(&owners[1]).await, other);
    assert!(world.lets_in(&owners[1]).await);
    let state = std::fs::read_to_string(world.state_file()).unwrap();
    assert!(!state.contains(&owners[0].uuid.to_string()), "forgotten: {state}");
}

#[tokio::test]
async fn a_suspended_owner_does_not_get_in_until_it_is_active_again() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, .. } = world.fleet();
    for suspended in [true, false] {
        world.change(|fleet| fleet.owners[0].suspended = suspended);
        settle(&mut reconciler, Depth::Quick).await;
        assert_eq!(world.lets_in(&owners[0]).await, !suspended);
        assert!(world.lets_in(&owners[1]).await);
        // Somebody lets it in, or keeps it out, by hand: seen by a quick round.
        let id = &world.grafana.user(&owners[0].email).await.unwrap()["id"];
        let by_hand = if suspended { "enable" } else { "disable" };
        world.grafana.admin("POST", &format!("/api/admin/users/{id}/{by_hand}"), None, None).await;
        settle(&mut reconciler, Depth::Quick).await;
        assert_eq!(world.lets_in(&owners[0]).await, !suspended);
    }
    // One that is suspended from the start.
    let new = Owner { suspended: true, ..owner() };
    world.change(|fleet| fleet.owners.push(new.clone()));
    settle(&mut reconciler, Depth::Quick).await;
    assert!(!world.lets_in(&new).await);
}

#[tokio::test]
async fn an_owner_keeps_its_user_when_address_name_or_passwords_change() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let old = world.fleet().owners[0].clone();
    let id = world.grafana.user(&old.email).await.unwrap()["id"].clone();
    let new = Owner {
        email: format!("New.{}@Example.com", old.uuid.simple()),
        name: "Ada L.".into(),
        password_grafana: password(),
        ..old.clone()
    };
    world.change(|fleet| fleet.owners[0] = new.clone());
    settle(&mut reconciler, Depth::Quick).await;
    let user = world.grafana.user(&new.email.to_lowercase()).await.unwrap();
    assert_eq!((&user["id"], &user["name"]), (&id, &"Ada L.".into()));
    assert!(world.lets_in(&new).await && !world.lets_in(&old).await);
    assert!(!world.lets_in(&Owner { password_grafana: old.password_grafana, ..new.clone() }).await);

    // The InfluxDB password is sent again when it changes, and only then.
    world.change(|fleet| fleet.owners[0].password = password());
    let actions = planned(&reconciler).await;
    let name = format!("k-{}", old.uuid.simple());
    assert!(actions.len() == 1 && actions[0].contains(&format!("write data source {name}")), "{actions:?}");
    settle(&mut reconciler, Depth::Quick).await;
}

#[tokio::test]
async fn owners_that_change_addresses_with_each_other_do_not_wait_for_each_other() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    world.change(|fleet| {
        let emails = [fleet.owners[1].email.clone(), fleet.owners[0].email.clone()];
        fleet.owners.iter_mut().zip(emails).for_each(|(owner, email)| owner.email = email);
    });
    settle(&mut reconciler, Depth::Quick).await;
    for owner in world.fleet().owners {
        assert!(world.lets_in(&owner).await);
        assert_eq!(world.seen(&owner).await.members, [(owner.email, "Viewer".to_owned())]);
    }
}

#[tokio::test]
async fn a_dashboard_changed_by_hand_stays_until_its_karana_changes() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    let (one, uid) = (&owners[0], board(&devices[0]));
    let mut edited = dashboard(&world, one, &uid).await;
    edited["panels"][3]["title"] = "By hand".into();
    save(&world, one, &edited).await;
    // Also when the tags are gone, and when only the tags know.
    for tags in [edited["tags"].clone(), json!([])] {
        let mut now = dashboard(&world, one, &uid).await;
        now["tags"] = tags;
        save(&world, one, &now).await;
        assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0);
    }
    let mut now = dashboard(&world, one, &uid).await;
    now["tags"] = edited["tags"].clone();
    save(&world, one, &now).await;
    std::fs::remove_file(world.state_file()).unwrap();
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    assert_eq!(dashboard(&world, one, &uid).await["panels"][3]["title"], "By hand");

    world.change(|fleet| fleet.devices[0].name = "New roof".into());
    settle(&mut reconciler, Depth::Quick).await;
    let now = dashboard(&world, one, &uid).await;
    assert_eq!((&now["title"], &now["panels"][3]["title"]), (&"New roof".into(), &"Measurements".into()));
}

#[tokio::test]
async fn what_was_removed_or_bent_by_hand_is_put_right() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    let (one, grafana) = (&owners[0], &world.grafana);
    let before = world.seen(one).await;
    let (id, uid) = (before.id, format!("k-{}", one.uuid.simple()));
    let user = grafana.user(&one.email).await.unwrap()["id"].clone();
    let source = json!({"uid": uid, "name": "karana", "type": "influxdb", "access": "proxy", "url": "http://elsewhere:1",
        "user": "root", "database": "x", "jsonData": {"dbName": "x"}});
    let role = json!({"role": "Editor"});
    let admin = json!({"isGrafanaAdmin": true});
    let add = json!({"loginOrEmail": one.email, "role": "Viewer"});
    let other = format!("/api/orgs/{}/users", world.seen(&owners[1]).await.id);
    for (method, path, organization, body) in [
        ("DELETE", format!("/api/dashboards/uid/{}", board(&devices[0])), Some(id), None),
        ("DELETE", format!("/api/datasources/uid/{uid}"), Some(id), None),
        ("PUT", format!("/api/datasources/uid/{uid}"), Some(id), Some(source)),
        ("PATCH", format!("/api/orgs/{id}/users/{user}"), None, Some(role)),
        ("PUT", format!("/api/admin/users/{user}/permissions"), None, Some(admin)),
        ("POST", other, None, Some(add)),
        ("DELETE", format!("/api/orgs/{id}/users/{user}"), None, None),
        (
            "PATCH",
            "/api/org/preferences".into(),
            Some(id),
            Some(json!({"homeDashboardUID": board(&devices[1])})),
        ),
    ] {
        grafana.admin(method, &path, organization, body).await;
        assert_ne!(planned(&reconciler).await, [""; 0], "{method} {path}");
        settle(&mut reconciler, Depth::Full).await;
        let after = world.seen(one).await;
        assert_eq!((&after.members, &after.home), (&before.members, &before.home), "{method} {path}");
        assert_eq!(after.datasources[0]["url"], before.datasources[0]["url"]);
        assert!(after.dashboards.keys().eq(before.dashboards.keys()));
        let orgs = grafana.admin("GET", &format!("/api/users/{user}/orgs"), None, None).await;
        assert_eq!(orgs.as_array().unwrap().len(), 1, "{method} {path}: {orgs}");
    }
}

#[tokio::test]
async fn an_organization_or_user_that_is_gone_is_made_again_by_a_quick_round() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, .. } = world.fleet();
    let before = world.seen(&owners[0]).await;
    let user = world.grafana.user(&owners[0].email).await.unwrap()["id"].clone();
    world.grafana.admin("DELETE", &format!("/api/admin/users/{user}"), None, None).await;
    settle(&mut reconciler, Depth::Quick).await;
    assert!(world.lets_in(&owners[0]).await);
    world.grafana.admin("DELETE", &format!("/api/orgs/{}", before.id), None, None).await;
    settle(&mut reconciler, Depth::Quick).await;
    let after = world.seen(&owners[0]).await;
    assert_ne!(after.id, before.id);
    assert!(after.dashboards.keys().eq(before.dashboards.keys()));
    assert_eq!((&after.members, &after.home), (&before.members, &before.home));
    assert!(world.lets_in(&owners[0]).await);
}

#[tokio::test]
async fn an_organization_that_does_not_know_our_administrator_is_joined() {
    let world = World::new(fleet()).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, .. } = world.fleet();
    let before = world.seen(&owners[0]).await;
    let us = world.grafana.admin("GET", "/api/user", None, None).await["id"].clone();
    for how in ["DELETE", "PATCH"] {
        let path = format!("/api/orgs/{}/users/{us}", before.id);
        world.grafana.admin(how, &path, None, Some(json!({"role": "Viewer"}))).await;
        settle(&mut reconciler, Depth::Full).await;
        assert_eq!(world.seen(&owners[0]).await.dashboards, before.dashboards, "nothing is written twice");
    }
}

#[tokio::test]
async fn karanas_of_one_name_have_a_dashboard_each() {
    let mut fleet = fleet();
    fleet.devices[1].name = "Roof".into();
    // And one that is called as the home is.
    fleet.devices.push(device(&fleet.owners[0], "karanas"));
    let world = World::new(fleet).await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    let seen = world.seen(&owners[0]).await;
    assert_eq!(seen.dashboards.len(), 4);
    for device in devices.iter().filter(|device| device.owner == Some(owners[0].uuid)) {
        let title = &seen.dashboards[&board(device)].1;
        assert!(title.starts_with(&device.name), "{title}");
    }
    // Two that change names with each other do not wait for each other, either.
    world.change(|fleet| {
        fleet.devices[0].name = "karanas".into();
        fleet.devices[3].name = "Roof".into();
    });
    settle(&mut reconciler, Depth::Quick).await;
}

#[tokio::test]
async fn a_user_is_a_viewer_whatever_role_grafana_gives_new_ones() {
    let world = World::faked(fleet()).await;
    world.grafana.faked().set_new_role("Admin");
    settle(&mut world.reconciler(), Depth::Quick).await;
    for owner in world.fleet().owners {
        assert_eq!(world.seen(&owner).await.members, [(owner.email, "Viewer".to_owned())]);
    }
}
