//! Rules that say that a karana is offline.

use std::collections::BTreeMap;

use super::*;

const RULES: &str = "/api/v1/provisioning/alert-rules";
const CONTACTS: &str = "/api/v1/provisioning/contact-points";

/// A world in which owners get mail.
async fn world() -> World {
    let world = World::new(fleet()).await;
    world.set_alerts(Some(None));
    world
}

async fn all(world: &World, owner: &Owner, path: &str) -> BTreeMap<String, Value> {
    let id = world.seen(owner).await.id;
    let all = world.grafana.admin("GET", path, Some(id), None).await;
    all.as_array().unwrap().iter().map(|one| (text(&one["uid"]), one.clone())).collect()
}

/// The rules of an owner's organization, by their names.
async fn rules(world: &World, owner: &Owner) -> BTreeMap<String, Value> {
    all(world, owner, RULES).await
}

/// Our contact point there.
async fn contact(world: &World, owner: &Owner) -> Option<Value> {
    all(world, owner, CONTACTS).await.remove("karana")
}

fn names<const N: usize>(devices: [&Device; N]) -> Vec<String> {
    let mut names = devices.map(board).to_vec();
    names.sort();
    names
}

/// Puts a rule in the place of another one, or makes it, as a person does.
async fn save(world: &World, owner: &Owner, rule: &Value) {
    let id = world.seen(owner).await.id;
    let path = format!("{RULES}/{}", text(&rule["uid"]));
    let (status, answer) = world.grafana.ask("PUT", &path, Some(id), Some(rule.clone())).await;
    if status != 404 {
        assert_eq!(status, 200, "{answer}");
        return;
    }
    let (status, answer) = world.grafana.ask("POST", RULES, Some(id), Some(rule.clone())).await;
    assert_eq!(status, 201, "{answer}");
}

#[tokio::test]
async fn there_is_a_rule_for_each_karana_and_its_owner_is_told() {
    let world = world().await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    for (owner, expected) in
        [(&owners[0], names([&devices[0], &devices[1]])), (&owners[1], names([&devices[2]]))]
    {
        let rules = rules(&world, owner).await;
        assert_eq!(rules.keys().cloned().collect::<Vec<_>>(), expected);
        let contact = contact(&world, owner).await.unwrap();
        assert_eq!(
            (text(&contact["type"]), text(&contact["settings"]["addresses"])),
            ("email".into(), owner.email.clone())
        );
        for rule in rules.values() {
            assert_eq!(
                (text(&rule["noDataState"]), &rule["notification_settings"]["receiver"]),
                ("Alerting".into(), &contact["name"])
            );
        }
    }
    let roof = &rules(&world, &owners[0]).await[&board(&devices[0])];
    assert!(text(&roof["title"]).starts_with("Roof is offline"), "{roof}");
    assert!(text(&roof["data"][0]["model"]["query"]).contains(&devices[0].uuid.to_string()), "{roof}");

    // Once more, and after a start, there is nothing to do.
    assert_eq!(settle(&mut reconciler, Depth::Full).await, 0);
    assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0);
}

#[tokio::test]
async fn a_rule_goes_with_its_karana_and_comes_back_when_it_may_post_again() {
    for depth in [Depth::Quick, Depth::Full] {
        let world = world().await;
        let mut reconciler = world.reconciler();
        settle(&mut reconciler, depth).await;
        let Fleet { owners, devices } = world.fleet();
        let [one, two] = [&owners[0], &owners[1]];
        let [roof, barn, other] = [&devices[0], &devices[1], &devices[2]];
        let have = async |of_one: Vec<String>, of_two: Vec<String>| {
            let found = [one, two].map(|owner| rules(&world, owner));
            let found = futures::future::join_all(found).await;
            let found: Vec<Vec<_>> = found.into_iter().map(|rules| rules.into_keys().collect()).collect();
            assert_eq!(found, [of_one, of_two]);
        };
        world.change(|fleet| fleet.devices[0].owner = Some(two.uuid));
        settle(&mut reconciler, depth).await;
        have(names([barn]), names([roof, other])).await;
        world.change(|fleet| fleet.devices[1].suspended = true);
        settle(&mut reconciler, depth).await;
        have(vec![], names([roof, other])).await;
        world.change(|fleet| {
            fleet.devices[1].suspended = false;
            fleet.owners[1].suspended = true;
        });
        settle(&mut reconciler, depth).await;
        have(names([barn]), vec![]).await;
        world.change(|fleet| {
            fleet.owners[1].suspended = false;
            fleet.devices[0].owner = None;
            fleet.devices.remove(2);
        });
        settle(&mut reconciler, depth).await;
        have(names([barn]), vec![]).await;
        world.change(|fleet| drop(fleet.owners.remove(1)));
        settle(&mut reconciler, depth).await;
        assert_eq!(world.grafana.seen(two.uuid).await, None);
    }
}

#[tokio::test]
async fn what_is_changed_by_hand_stays_until_something_else_is_asked_for() {
    let world = world().await;
    let mut reconciler = world.reconciler();
    settle(&mut reconciler, Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    let (owner, uid) = (&owners[1], board(&devices[2]));
    let mut rule = rules(&world, owner).await[&uid].clone();
    rule["for"] = "3h".into();
    save(&world, owner, &rule).await;
    assert_eq!(settle(&mut reconciler, Depth::Full).await, 0);
    assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0);
    assert_eq!(rules(&world, owner).await[&uid]["for"], "3h");

    world.change(|fleet| fleet.devices[2].name = "Mill".into());
    settle(&mut reconciler, Depth::Quick).await;
    let rule = rules(&world, owner).await[&uid].clone();
    assert!(rule["for"] != "3h" && text(&rule["title"]).starts_with("Mill"), "{rule}");

    // What was deleted by hand comes back with the next look at all of it, and is told as such.
    let id = world.seen(owner).await.id;
    for path in [format!("{RULES}/{uid}"), format!("{CONTACTS}/karana")] {
        world.grafana.ask("DELETE", &path, Some(id), None).await;
    }
    let steps = reconciler.outlook(Scope::All).await.unwrap().steps;
    assert!(steps.len() == 2 && steps.iter().all(|step| step.drift), "{steps:?}");
    settle(&mut reconciler, Depth::Full).await;
    assert!(contact(&world, owner).await.is_some() && rules(&world, owner).await.contains_key(&uid));
}

#[tokio::test]
async fn switched_off_all_goes_that_was_made_and_nothing_else() {
    let world = world().await;
    settle(&mut world.reconciler(), Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    let mut own = rules(&world, &owners[0]).await[&board(&devices[0])].clone();
    own["uid"] = "by-hand".into();
    own["title"] = "By hand".into();
    own["notification_settings"] = json!({"receiver": "email receiver"});
    let id = world.seen(&owners[0]).await.id;
    let point = json!({"uid": "theirs", "name": "email receiver", "type": "email", "settings": {"addresses": "a@example.com"}});
    assert_eq!(world.grafana.ask("POST", CONTACTS, Some(id), Some(point)).await.0, 202);
    save(&world, &owners[0], &own).await;

    world.set_alerts(None);
    settle(&mut world.reconciler(), Depth::Quick).await;
    assert_eq!(rules(&world, &owners[0]).await.into_keys().collect::<Vec<_>>(), ["by-hand"]);
    assert!(all(&world, &owners[0], CONTACTS).await.contains_key("theirs"));
    for owner in &owners {
        assert_eq!(contact(&world, owner).await, None);
    }
    let state = std::fs::read_to_string(world.state_file()).unwrap();
    assert!(!state.contains("contact") && !state.contains("rules"), "forgotten: {state}");
    world.set_alerts(Some(None));
    settle(&mut world.reconciler(), Depth::Quick).await;
    assert_eq!(rules(&world, &owners[0]).await.len(), 3);
}

#[tokio::test]
async fn another_address_or_a_url_is_told_instead() {
    let world = world().await;
    settle(&mut world.reconciler(), Depth::Full).await;
    world.change(|fleet| fleet.owners[0].email = format!("new-{}", fleet.owners[0].email));
    settle(&mut world.reconciler(), Depth::Quick).await;
    let owners = world.fleet().owners;
    let found = contact(&world, &owners[0]).await.unwrap();
    assert_eq!(text(&found["settings"]["addresses"]), owners[0].email);

    world.set_alerts(Some(Some("https://hooks.example/canary-of-a-hook")));
    settle(&mut world.reconciler(), Depth::Quick).await;
    for owner in &owners {
        let found = contact(&world, owner).await.unwrap();
        assert_eq!(found["type"], "webhook");
        assert_eq!(found["settings"]["url"], "https://hooks.example/canary-of-a-hook");
    }
    assert!(!std::fs::read_to_string(world.state_file()).unwrap().contains("canary"));
}

#[tokio::test]
async fn without_its_memory_what_is_there_is_found_to_be_there() {
    let world = world().await;
    settle(&mut world.reconciler(), Depth::Full).await;
    std::fs::remove_file(world.state_file()).unwrap();
    settle(&mut world.reconciler(), Depth::Full).await;
    let Fleet { owners, devices } = world.fleet();
    assert_eq!(rules(&world, &owners[0]).await.len(), 2);
    // A rule of a device that is known to be elsewhere now goes.
    std::fs::remove_file(world.state_file()).unwrap();
    world.change(|fleet| fleet.devices[0].owner = Some(owners[1].uuid));
    settle(&mut world.reconciler(), Depth::Full).await;
    assert_eq!(rules(&world, &owners[0]).await.into_keys().collect::<Vec<_>>(), names([&devices[1]]));
}

#[tokio::test]
async fn a_grafana_that_would_tell_somebody_else_is_named() {
    let world = World::faked(fleet()).await;
    world.set_alerts(Some(None));
    world.grafana.faked().forget_receivers();
    let round = round(&mut world.reconciler(), Depth::Quick).await.unwrap();
    assert_eq!(round.failures.len(), 2);
    assert!(
        round.failures.iter().all(|failure| failure.reason.contains("need version 11")),
        "{:?}",
        round.failures
    );
    // All else is there.
    let owner = &world.fleet().owners[0];
    assert!(world.lets_in(owner).await && !world.seen(owner).await.home.is_empty());
}

#[tokio::test]
async fn an_organization_whose_alerts_cannot_be_read_is_one_failure_and_is_tried_again() {
    let world = World::faked(fleet()).await;
    world.set_alerts(Some(None));
    // As of an organization that is so new that it has no configuration of its alerts.
    world.grafana.faked().fail(Fault::Broken("contact-points"));
    let mut reconciler = world.reconciler();
    assert_eq!(round(&mut reconciler, Depth::Quick).await.unwrap().failures.len(), 2);
    assert!(world.lets_in(&world.fleet().owners[0]).await);
    world.grafana.faked().fail(Fault::None);
    settle(&mut reconciler, Depth::Quick).await;
    assert!(contact(&world, &world.fleet().owners[1]).await.is_some());
}

/// With a real InfluxDB, asked as Grafana asks it.
#[tokio::test]
async fn what_a_rule_asks_finds_points_of_its_karana_and_of_no_other() {
    let influx = crate::support::influx::RealInflux::start().await;
    let world = world().await;
    settle(&mut world.reconciler(), Depth::Quick).await;
    let Fleet { owners, devices } = world.fleet();
    influx.admin("CREATE DATABASE a").await;
    let query = text(&rules(&world, &owners[0]).await[&board(&devices[0])]["data"][0]["model"]["query"]);
    // Numbers for each field that has points, or no series at all.
    let found = async || {
        let rows = influx
            .rows(&query.replace("$timeFilter", "time > now() - 1d").replace("FROM ", "FROM a.."))
            .await;
        rows.first().map(|row| row.as_array().unwrap()[1..].to_vec())
    };
    assert_eq!(found().await, None, "nothing at all");
    let to = influx.settings();
    let write = |point: String| influx.write(&to.user, &to.pass, "a", point.leak());
    let ago = |hours: i64| chrono::Utc::now().timestamp() - hours * 3600;
    write(format!("data,KID={} v=1,text=\"x\" {}", devices[0].uuid, ago(30))).await;
    write(format!("data,KID={} v=1 {}", devices[1].uuid, ago(1))).await;
    assert_eq!(found().await, None, "of another, and of the day before");
    write(format!("data,KID={} text=\"x\" {}", devices[0].uuid, ago(2))).await;
    let counts = found().await.unwrap();
    assert!(counts.contains(&json!(1)), "{counts:?}");
}

/// As [`crashes`](super::crashes), with the setting switched as well.
#[tokio::test]
async fn after_a_crash_at_any_request_all_rules_are_where_they_should_be() {
    let mut requests = 1;
    loop {
        let world = World::faked(fleet()).await;
        world.set_alerts(Some(None));
        let made = super::crashes::die_at(&world, requests).await;
        settle(&mut world.reconciler(), Depth::Quick).await;
        let Fleet { owners, devices } = world.fleet();
        assert_eq!(rules(&world, &owners[0]).await.len(), 2, "died at request {requests}");

        world.set_alerts(Some(Some("https://hooks.example/x")));
        world.change(|fleet| {
            fleet.devices[0].owner = Some(owners[1].uuid);
            fleet.devices[1].suspended = true;
            fleet.devices[2].name = "Other".into();
        });
        let moved = super::crashes::die_at(&world, requests).await;
        settle(&mut world.reconciler(), Depth::Quick).await;
        assert!(rules(&world, &owners[0]).await.is_empty(), "died at request {requests} of the change");
        let rules_of_other = rules(&world, &owners[1]).await;
        assert_eq!(rules_of_other.keys().cloned().collect::<Vec<_>>(), names([&devices[0], &devices[2]]));
        assert_eq!(contact(&world, &owners[0]).await.unwrap()["type"], "webhook");

        world.set_alerts(None);
        let off = super::crashes::die_at(&world, requests).await;
        settle(&mut world.reconciler(), Depth::Quick).await;
        for owner in &owners {
            assert!(rules(&world, owner).await.is_empty(), "died at request {requests} of the end");
            assert_eq!(contact(&world, owner).await, None, "died at request {requests} of the end");
        }
        if !made && !moved && !off {
            break;
        }
        requests += 1;
    }
    assert!(requests > 30, "died at {requests} requests only");
}
