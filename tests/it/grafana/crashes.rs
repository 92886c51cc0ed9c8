//! The server dies between any two requests, and the next one goes on from what the state file holds.

use super::*;

/// Lets a round begin, and drops it with all it knows when Grafana has done the request with that number. Answers
/// whether it came to that.
pub async fn die_at(world: &World, request: usize) -> bool {
    let fake = world.grafana.faked();
    fake.fail(Fault::DieAfter(request));
    let mut reconciler = world.reconciler();
    let died = tokio::select! {
        biased;
        () = fake.died() => true,
        result = round(&mut reconciler, Depth::Quick) => {
            result.unwrap();
            false
        }
    };
    fake.fail(Fault::None);
    died
}

/// Every kind of change at once: owners and devices come, go, move and change.
fn changed(fleet: &mut Fleet) {
    let gone = fleet.owners.remove(2);
    fleet.devices.retain(|device| device.owner != Some(gone.uuid));
    fleet.devices[0].owner = Some(fleet.owners[1].uuid);
    fleet.devices[2].name = "Other".into();
    fleet.owners[0].suspended = true;
    fleet.owners[1].email = format!("new-{}", fleet.owners[1].email);
    fleet.owners[1].password_grafana = password();
    fleet.owners[1].password = password();
    let new = owner();
    fleet.devices.push(device(&new, "Cellar"));
    fleet.owners.push(new);
}

#[tokio::test]
async fn after_a_crash_at_any_request_the_next_round_ends_where_it_should() {
    let mut before = fleet();
    let third = owner();
    before.devices.push(device(&third, "Shed"));
    before.owners.push(third);
    let mut requests = 1;
    loop {
        let world = World::faked(before.clone()).await;
        let made = die_at(&world, requests).await;
        settle(&mut world.reconciler(), Depth::Quick).await;
        // The administrator, and one each; a source each; a dashboard for each device, and a home.
        assert_eq!(world.grafana.faked().sizes(), [4, 4, 3, 7], "died at request {requests}");

        world.change(changed);
        let gone = before.owners[2].uuid;
        let went = die_at(&world, requests).await;
        settle(&mut world.reconciler(), Depth::Quick).await;
        assert_eq!(world.grafana.faked().sizes(), [4, 4, 3, 7], "died at request {requests} of the change");
        assert_eq!(world.grafana.seen(gone).await, None);
        for owner in world.fleet().owners {
            assert_eq!(world.lets_in(&owner).await, !owner.suspended);
            assert_eq!(world.seen(&owner).await.members, [(owner.email, "Viewer".to_owned())]);
        }
        if !made && !went {
            break;
        }
        requests += 1;
    }
    assert!(requests > 30, "died at {requests} requests only");
}

/// The worst of them: made, and deleted before the server knew that it was.
#[tokio::test]
async fn what_was_made_before_a_crash_and_deleted_during_it_goes() {
    let mut requests = 1;
    loop {
        let world = World::faked(fleet()).await;
        let died = die_at(&world, requests).await;
        world.change(|fleet| *fleet = Fleet::default());
        settle(&mut world.reconciler(), Depth::Quick).await;
        assert_eq!(world.grafana.faked().sizes(), [1, 1, 0, 0], "died at request {requests}");
        if !died {
            break;
        }
        requests += 1;
    }
}
