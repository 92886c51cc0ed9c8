//! The server dies between any two requests, and the next one goes on from what the state file holds.

use super::*;

/// Lets a round begin, and drops it with all it knows when InfluxDB has done the request with that number. Answers whether it
/// came to that.
async fn die_at(world: &World, request: usize) -> bool {
    let fake = world.influx.faked();
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
    fleet.devices[1].password = password();
    fleet.devices[2].suspended = true;
    fleet.devices[1].series = "other".into();
    fleet.owners[1].password = password();
    let new = owner();
    fleet.devices.push(device(&new));
    fleet.owners.push(new);
}

async fn is_as_it_should(world: &World, why: &str) {
    let Fleet { owners, devices } = world.fleet();
    for device in devices {
        let owner = owners.iter().find(|owner| Some(owner.uuid) == device.owner).unwrap();
        let stranger = owners.iter().find(|other| other.uuid != owner.uuid).unwrap();
        if device.suspended {
            assert!(!world.lets_in(device.uuid, &device.password, owner.uuid).await, "{why}");
        } else {
            world.works(&device, owner, stranger).await;
        }
    }
    assert_eq!(settle(&mut world.reconciler(), Depth::Full).await, 0, "{why}");
}

#[tokio::test]
async fn after_a_crash_at_any_request_the_next_round_ends_where_it_should() {
    for version in ["v2.7.1", "2.0.9"] {
        let mut world = World::with(Influx2::fake(version).await, Fleet::default());
        world.drop_data = true;
        world.settings.retention = Some(crate::support::influx2::DAY * 90);
        let mut requests = 1;
        loop {
            let mut before = fleet();
            before.devices.pop();
            let third = owner();
            before.devices.push(device(&third));
            before.owners.push(third);
            world.change(|live| *live = before.clone());
            let made = die_at(&world, requests).await;
            settle(&mut world.reconciler(), Depth::Quick).await;

            world.change(changed);
            let went = die_at(&world, requests).await;
            settle(&mut world.reconciler(), Depth::Quick).await;
            is_as_it_should(&world, &format!("{version}: died at request {requests} of the change")).await;
            assert_eq!(world.influx.seen(before.owners[2].uuid).await, None);

            world.change(|live| *live = Fleet::default());
            let dropped = die_at(&world, requests).await;
            settle(&mut world.reconciler(), Depth::Quick).await;
            assert_eq!(world.influx.faked().sizes(), [0, 0, 0], "died at request {requests} of the end");
            if !made && !went && !dropped {
                break;
            }
            requests += 1;
        }
        assert!(requests > 25, "died at {requests} requests only");
    }
}

/// The worst of them: made, and deleted before the server knew that it was.
#[tokio::test]
async fn what_was_made_before_a_crash_and_deleted_during_it_goes() {
    for version in ["v2.7.1", "2.3.0"] {
        let mut world = World::with(Influx2::fake(version).await, Fleet::default());
        world.drop_data = true;
        let mut requests = 1;
        loop {
            world.change(|live| *live = fleet());
            let died = die_at(&world, requests).await;
            world.change(|live| *live = Fleet::default());
            settle(&mut world.reconciler(), Depth::Quick).await;
            assert_eq!(world.influx.faked().sizes(), [0, 0, 0], "{version}: died at request {requests}");
            if !died {
                break;
            }
            requests += 1;
        }
    }
}
