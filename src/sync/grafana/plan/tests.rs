use super::*;
use crate::sync::fleet::tests::{device, owner};
use crate::sync::fleet::{Device, Fleet, Owner};
use crate::sync::grafana::client::Membership;

const ONE: Uuid = Uuid::from_u128(1);

fn desired(owners: Vec<Owner>, devices: Vec<Device>) -> Desired {
    Desired::of(&Fleet { owners, devices }, "http://influx:8086", None)
}

fn user(id: i64, login: &str) -> User {
    User {
        id,
        login: login.into(),
        email: login.into(),
        name: "Owner 1".into(),
        is_admin: false,
        is_disabled: false,
    }
}

fn listing(organizations: &[(Uuid, i64)], users: &[User]) -> Listing {
    let name = super::super::desired::organization_name;
    Listing {
        organizations: organizations.iter().map(|(owner, id)| (name(*owner), *id)).collect(),
        users: users.iter().map(|user| (user.id, user.clone())).collect(),
    }
}

fn changes(plan: &Plan) -> Vec<String> {
    plan.actions()
        .map(|action| action.to_string().replace("00000000-0000-0000-0000-0000000000", "…"))
        .collect()
}

/// What is known of an owner whose user has that number, and nothing else.
fn knows_user(owner: Uuid, id: i64, login: &str) -> Applied {
    let mut applied = Applied::default();
    applied.expect_login(owner, login);
    applied.set_user(owner, id);
    applied
}

fn look(owners: &[Uuid]) -> BTreeMap<Uuid, Found> {
    owners.iter().map(|owner| (*owner, Found::default())).collect()
}

#[test]
fn a_new_owner_asks_for_everything_in_an_order_that_is_safe() {
    let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let plan = plan(&desired, &Listing::default(), &look(&[ONE]), &Applied::default());
    insta::assert_snapshot!(changes(&plan).join("\n"), @r"
    users/…01: create organization karana-…01 (it is missing)
    users/…01: create the Grafana user in karana-…01 (it is missing)
    users/…01: make the Grafana user a Viewer of karana-…01 and of nothing else (Grafana gives a new user a role of its own choice)
    users/…01: write data source k-00000000000000000000000000000001 in karana-…01 (it is missing)
    users/…01: write dashboard h-00000000000000000000000000000001 in karana-…01 (it is missing)
    users/…01: make h-00000000000000000000000000000001 the home dashboard of karana-…01 (it is not)
    karanas/…09: write dashboard k-00000000000000000000000000000009 in karana-…01 (it is missing)
    ");
}

#[test]
fn a_record_that_was_not_looked_at_is_not_planned_for() {
    let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
    let plan = plan(&desired, &Listing::default(), &BTreeMap::new(), &Applied::default());
    assert_eq!(plan, Plan::default());
    assert_eq!(doubtful(&desired, &Listing::default(), &Applied::default()), [ONE].into());
}

#[test]
fn a_password_is_set_before_the_user_gets_further_and_a_suspended_one_is_kept_out_first() {
    let desired = desired(vec![Owner { suspended: true, ..owner(1) }], vec![]);
    let listing = listing(&[(ONE, 5)], &[user(7, "old@example.com")]);
    let mut found = look(&[ONE]);
    let one = found.get_mut(&ONE).unwrap();
    one.joined = true;
    one.memberships = Some(vec![Membership { org_id: 5, name: String::new(), role: "Editor".into() }]);
    let plan = plan(&desired, &listing, &found, &knows_user(ONE, 7, "old@example.com"));
    insta::assert_snapshot!(changes(&plan)[..4].join("\n"), @r"
    users/…01: disable the Grafana user (the owner is suspended)
    users/…01: set the Grafana user's password (it is not known to be the one on record)
    users/…01: change the Grafana user's login or name (the record has others)
    users/…01: make the Grafana user a Viewer of karana-…01 and of nothing else (it is not that, or more)
    ");
}

#[test]
fn of_a_deleted_owner_only_what_is_known_as_ours_goes() {
    let (two, none) = (Uuid::from_u128(2), desired(vec![], vec![]));
    let listing = listing(&[(ONE, 5), (two, 6)], &[user(7, "one@example.com"), user(8, "two@example.com")]);
    let applied = knows_user(ONE, 7, "one@example.com");
    let plan_of = |applied: &Applied| changes(&plan(&none, &listing, &BTreeMap::new(), applied));
    insta::assert_snapshot!(plan_of(&applied).join("\n"), @r"
    users/…01: delete the Grafana user (the record is deleted)
    users/…01: delete organization karana-…01 with all that is in it (the record is deleted)
    ");
    // The number belongs to somebody else now.
    assert_eq!(plan_of(&knows_user(ONE, 8, "one@example.com")).len(), 1);
    assert_eq!(plan_of(&Applied::default()), [""; 0]);
}

#[test]
fn what_a_refused_owner_has_stays() {
    let (nine, bare) = (Uuid::from_u128(9), Owner { password_grafana: String::new(), ..owner(1) });
    let desired = desired(vec![bare], vec![device(9, Some(1))]);
    let mut applied = knows_user(ONE, 7, "o1@example.com");
    applied.doubt(Record::device(nine), Facet::Dashboard(ONE));
    let listing = listing(&[(ONE, 5)], &[user(7, "o1@example.com")]);
    assert_eq!(plan(&desired, &listing, &BTreeMap::new(), &applied), Plan::default());
}

#[test]
fn a_login_that_another_owner_wants_is_given_up_first() {
    let swapped = |n: u128, email: &str| Owner { email: email.into(), name: "Owner 1".into(), ..owner(n) };
    let (two, desired) =
        (Uuid::from_u128(2), desired(vec![swapped(1, "b@x.org"), swapped(2, "a@x.org")], vec![]));
    let listing = listing(&[(ONE, 5), (two, 6)], &[user(7, "A@x.org"), user(8, "b@x.org")]);
    let mut applied = knows_user(ONE, 7, "a@x.org");
    applied.expect_login(two, "b@x.org");
    applied.set_user(two, 8);
    let plan = plan(&desired, &listing, &look(&[ONE, two]), &applied);
    let parked = plan.stage(Stage::Withdrawals).iter().flat_map(|sequence| &sequence.actions);
    assert!(parked.clone().all(|action| action.change == Change::ParkUser) && parked.count() == 2);
}
