//! Grafana is away, broken, or refuses: what fails is named, and does not stop what can be done.

use super::*;
use karana::sync::GrafanaSettings;

async fn setback(world: &World) -> Setback {
    round(&mut world.reconciler(), Depth::Full).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_wrong_password_is_said_after_one_try() {
    let world = World::faked(fleet()).await;
    let settings = GrafanaSettings { pass: "wrong-canary".into(), ..world.grafana.settings() };
    let fleet = world.fleet.clone();
    let mut reconciler = Reconciler::new(
        settings,
        world.state_file(),
        Arc::new(move || fleet.lock().unwrap().clone()),
        chrono::Utc::now,
        world.stop.subscribe(),
    );
    let Err(Setback::Denied(reason)) = round(&mut reconciler, Depth::Full).await else { panic!("let in") };
    assert!(reason.contains("karanaadmin") && reason.contains("name or password"), "{reason}");
    assert!(!reason.contains("canary"));
    assert_eq!(world.grafana.requests(), Some(2), "{:?}", world.grafana.faked().log());
}

#[tokio::test]
async fn one_who_is_no_server_administrator_is_told_so() {
    let world = World::faked(fleet()).await;
    let body =
        json!({"login": "mere", "email": "mere@example.com", "name": "", "password": "abcdef", "OrgId": 1});
    world.grafana.admin("POST", "/api/admin/users", None, Some(body)).await;
    let settings = GrafanaSettings { user: "mere".into(), pass: "abcdef".into(), ..world.grafana.settings() };
    let fleet = world.fleet.clone();
    let source = Arc::new(move || fleet.lock().unwrap().clone());
    let (state, stop) = (world.state_file(), world.stop.subscribe());
    let mut reconciler = Reconciler::new(settings, state, source, chrono::Utc::now, stop);
    let Err(Setback::Denied(reason)) = round(&mut reconciler, Depth::Quick).await else { panic!("let in") };
    assert!(reason.contains("server administrator"), "{reason}");
}

#[tokio::test]
async fn a_server_that_is_away_or_no_grafana_is_unreachable() {
    let world = World::faked(fleet()).await;
    let fake = world.grafana.faked();
    for (fault, expected) in [
        (Fault::Away, "does not work"),
        (Fault::Garbage, "is no Grafana"),
        (Fault::Hang, "does not answer in time"),
        (Fault::Broken("/api/users"), "Internal Server Error"),
        (Fault::Half("/api/orgs"), "cannot be reached"),
    ] {
        fake.fail(fault);
        let setback = setback(&world).await;
        assert!(
            matches!(&setback, Setback::Unreachable(reason) if reason.contains(expected)),
            "{fault:?}: {setback}"
        );
    }
    fake.fail(Fault::None);
    settle(&mut world.reconciler(), Depth::Full).await;
    // Nobody there at all.
    let settings = GrafanaSettings { port: 1, ..world.grafana.settings() };
    let source = Arc::new(Fleet::default);
    let stop = world.stop.subscribe();
    let mut reconciler = Reconciler::new(settings, world.state_file(), source, chrono::Utc::now, stop);
    let result = round(&mut reconciler, Depth::Full).await;
    assert!(matches!(result, Err(Setback::Unreachable(reason)) if reason.contains("cannot be reached")));
}

#[tokio::test]
async fn what_fails_for_one_record_does_not_stop_the_others() {
    let world = World::faked(fleet()).await;
    let fake = world.grafana.faked();
    let Fleet { owners, devices } = world.fleet();
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    world.change(|fleet| fleet.devices.iter_mut().for_each(|device| device.name += "!"));
    let broken: &'static str = board(&devices[0]).leak();
    for fault in [Fault::Broken(broken), Fault::Half(broken)] {
        fake.fail(fault);
        let report = round(&mut reconciler, Depth::Quick).await.unwrap();
        assert!(report.retry);
        let failed: Vec<_> = report.failures.iter().map(|failure| failure.uuid).collect();
        assert_eq!(failed, [devices[0].uuid], "{:?}", report.failures);
        assert_eq!(report.records.len(), owners.len() + devices.len());
    }
    let seen = world.seen(&owners[1]).await;
    fake.fail(Fault::None);
    assert_eq!(seen.dashboards[&board(&devices[2])].1, "Roof!");
    assert_eq!(settle(&mut reconciler, Depth::Quick).await, 1, "what failed is in doubt, and nothing else");

    // An organization that cannot be looked at.
    let broken: &'static str = format!("/api/datasources/uid/k-{}", owners[0].uuid.simple()).leak();
    fake.fail(Fault::Broken(broken));
    let report = round(&mut reconciler, Depth::Full).await.unwrap();
    assert_eq!(report.failures.iter().map(|failure| failure.uuid).collect::<Vec<_>>(), [owners[0].uuid]);
    fake.fail(Fault::None);
    settle(&mut reconciler, Depth::Quick).await;
}

#[tokio::test]
async fn a_user_that_others_made_is_never_taken_over() {
    let world = World::new(fleet()).await;
    let Fleet { owners, .. } = world.fleet();
    let grafana = &world.grafana;
    // One is a server administrator, the other a member of some other organization.
    let mut ids = Vec::new();
    for (owner, is_admin) in [(&owners[0], true), (&owners[1], false)] {
        let body = json!({"login": owner.email, "email": owner.email, "name": "Someone", "password": "abcdef", "OrgId": 1});
        let id = grafana.admin("POST", "/api/admin/users", None, Some(body)).await["id"].clone();
        let body = json!({"isGrafanaAdmin": is_admin});
        grafana.admin("PUT", &format!("/api/admin/users/{id}/permissions"), None, Some(body)).await;
        ids.push(id);
    }
    let mut reconciler = world.reconciler();
    for depth in [Depth::Quick, Depth::Full, Depth::Quick] {
        let report = round(&mut reconciler, depth).await.unwrap();
        let mut reasons: Vec<_> =
            report.failures.iter().map(|failure| (failure.uuid, failure.reason.as_str())).collect();
        reasons.sort_by_key(|(uuid, _)| *uuid != owners[0].uuid);
        assert!(report.retry);
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(reasons[0].1.contains("is a server administrator"), "{reasons:?}");
        assert!(reasons[1].1.contains("is a member of other organizations"), "{reasons:?}");
    }
    for (owner, id) in owners.iter().zip(&ids) {
        assert_eq!(grafana.send((&owner.email, "abcdef"), "GET", "/api/user", None, None).await.0, 200);
        assert!(!world.lets_in(owner).await, "the password is theirs");
        let seen = world.seen(owner).await;
        assert_eq!(seen.members, []);
        assert!(!seen.dashboards.is_empty(), "all else is there");
        assert_eq!(&grafana.user(&owner.email).await.unwrap()["id"], id);
    }
    // Deleted records leave them alone, too.
    world.change(|fleet| *fleet = Fleet::default());
    settle(&mut reconciler, Depth::Full).await;
    for owner in &owners {
        assert!(grafana.user(&owner.email).await.is_some());
        assert_eq!(grafana.seen(owner.uuid).await, None);
    }
    for id in ids {
        grafana.admin("DELETE", &format!("/api/admin/users/{id}"), None, None).await;
    }
}

#[tokio::test]
async fn a_grafana_set_up_anew_at_the_same_address_loses_no_stranger() {
    let world = World::faked(fleet()).await;
    settle(&mut world.reconciler(), Depth::Full).await;
    // The numbers that we know belong to others now.
    let anew = World::faked(Fleet::default()).await;
    for n in 0..10 {
        let name = format!("stranger {n}");
        let id =
            anew.grafana.admin("POST", "/api/orgs", None, Some(json!({"name": name}))).await["orgId"].clone();
        let body = json!({"login": name, "email": format!("s{n}@example.com"), "name": "", "password": "abcdef", "OrgId": id});
        anew.grafana.admin("POST", "/api/admin/users", None, Some(body)).await;
    }
    let (old, new) = (world.grafana.settings(), anew.grafana.settings());
    let state = std::fs::read_to_string(world.state_file()).unwrap();
    std::fs::create_dir_all(anew.state_file().parent().unwrap()).unwrap();
    let state = state.replace(&format!(":{}", old.port), &format!(":{}", new.port));
    std::fs::write(anew.state_file(), state).unwrap();
    let sizes = anew.grafana.faked().sizes();
    settle(&mut anew.reconciler(), Depth::Full).await;
    assert_eq!(
        anew.grafana.faked().sizes(),
        sizes,
        "all of our records are deleted, and nothing of them is here"
    );
}
