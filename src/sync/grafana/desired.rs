//! What Grafana should hold, worked out of the fleet. Names are the contract's.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::alerts::{AlertSettings, Alerts};
use super::dashboard::Dashboard;
use crate::sync::fleet::{Device, Fleet};
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// What every record asks of Grafana.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The owners that ask for anything.
    pub owners: BTreeMap<Uuid, Wish>,
    /// Every device, and its dashboard; none for a device in stock.
    pub devices: BTreeMap<Uuid, Option<Board>>,
    /// Owners that cannot be given what they ask for until their record changes, and why. What they have stays.
    pub refused: BTreeMap<Uuid, &'static str>,
}

/// What one owner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its user.
    pub account: Account,
    /// The user's password.
    pub password: Secret,
    /// Whether the user is kept out.
    pub suspended: bool,
    /// The only data source of its organization.
    pub datasource: Datasource,
    /// What its organization opens with.
    pub home: Dashboard,
    /// What tells it that a device is offline; none where the operator wants none.
    pub alerts: Option<Alerts>,
}

/// Who a Grafana user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The e-mail address: login and address alike.
    pub login: String,
    /// For people; may be empty.
    pub name: String,
}

/// How a Grafana organization reaches its owner's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datasource {
    /// Its name in Grafana.
    pub uid: String,
    /// Where InfluxDB is.
    pub url: String,
    /// The InfluxDB user, and the database alike: the owner's uuid.
    pub user: String,
    /// Password of that user.
    pub password: Secret,
}

/// The dashboard of a device, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Whose organization.
    pub owner: Uuid,
    /// The dashboard.
    pub dashboard: Dashboard,
}

/// The organization of an owner.
pub fn organization_name(owner: Uuid) -> String {
    format!("{ORGANIZATION}{owner}")
}

/// Whose organization bears a name, if it is one as we give them.
pub fn organization_owner(name: &str) -> Option<Uuid> {
    let owner = Uuid::try_parse(name.strip_prefix(ORGANIZATION)?).ok()?;
    (organization_name(owner) == name).then_some(owner)
}

/// How the name of each organization of ours begins.
const ORGANIZATION: &str = "karana-";

/// The login that a user has while another one still has the one it should get. Nobody receives mail there (RFC 2606).
pub fn parked_login(owner: Uuid) -> String {
    format!("{owner}@karana.invalid")
}

impl Datasource {
    /// The data source of `owner`.
    pub fn of(owner: Uuid, url: &str, password: Secret) -> Self {
        let uid = format!("k-{}", owner.simple());
        Self { uid, url: url.to_owned(), user: owner.to_string(), password }
    }
}

impl Desired {
    /// What `fleet` asks for. `influx_url`: where Grafana reaches InfluxDB.
    pub fn of(fleet: &Fleet, influx_url: &str, alerts: Option<&AlertSettings>) -> Self {
        let mut devices_of: BTreeMap<Uuid, Vec<&Device>> =
            fleet.owners.iter().map(|owner| (owner.uuid, Vec::new())).collect();
        for device in &fleet.devices {
            if let Some(devices) = device.owner.and_then(|owner| devices_of.get_mut(&owner)) {
                devices.push(device);
            }
        }
        let mut desired = Self::default();
        for owner in &fleet.owners {
            let refusal = match owner {
                owner if owner.password_grafana.is_empty() => "the record has no password for Grafana",
                // It would have no InfluxDB user either.
                owner if owner.password.is_empty() => "the record has no password for InfluxDB",
                _ => "",
            };
            if !refusal.is_empty() {
                desired.refused.insert(owner.uuid, refusal);
                continue;
            }
            let devices = devices_of.get_mut(&owner.uuid).map(std::mem::take).unwrap_or_default();
            let wish = Wish {
                account: Account { login: owner.email.clone(), name: owner.name.clone() },
                password: Secret::new(&*owner.password_grafana),
                suspended: owner.suspended,
                datasource: Datasource::of(owner.uuid, influx_url, Secret::new(&*owner.password)),
                home: Dashboard::home(owner.uuid, &devices),
                alerts: alerts.map(|settings| Alerts::of(settings, owner, &devices)),
            };
            for device in &devices {
                let suspended = owner.suspended || device.suspended;
                let dashboard = Dashboard::of_device(device, owner.uuid, devices.len() == 1, suspended);
                desired.devices.insert(device.uuid, Some(Board { owner: owner.uuid, dashboard }));
            }
            desired.owners.insert(owner.uuid, wish);
        }
        for device in &fleet.devices {
            let of_refused = device.owner.is_some_and(|owner| desired.refused.contains_key(&owner));
            if !of_refused {
                desired.devices.entry(device.uuid).or_insert(None);
            }
        }
        desired
    }

    /// Whether a record is there, whatever it asks for.
    pub fn knows_owner(&self, owner: Uuid) -> bool {
        self.owners.contains_key(&owner) || self.refused.contains_key(&owner)
    }

    /// Every record that asks for something.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let owners = self.owners.keys().chain(self.refused.keys()).map(|uuid| Record::owner(*uuid));
        owners.chain(self.devices.keys().map(|uuid| Record::device(*uuid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::Owner;
    use crate::sync::fleet::tests::{device, owner};

    fn desired(owners: Vec<Owner>, devices: Vec<Device>) -> Desired {
        Desired::of(&Fleet { owners, devices }, "http://influx:8086", None)
    }

    #[test]
    fn names_are_those_of_the_contract() {
        let uuid = Uuid::from_u128(1);
        let desired = desired(vec![owner(1)], vec![device(9, Some(1))]);
        let wish = &desired.owners[&uuid];
        assert_eq!(organization_name(uuid), "karana-00000000-0000-0000-0000-000000000001");
        assert_eq!(wish.datasource.uid, "k-00000000000000000000000000000001");
        assert_eq!(wish.datasource.user, uuid.to_string());
        assert_eq!(wish.datasource.password, Secret::new("P1"));
        assert_eq!((&*wish.account.login, &wish.password), ("o1@example.com", &Secret::new("G1")));
        assert_eq!(wish.home.uid, "h-00000000000000000000000000000001");
        let board = desired.devices[&Uuid::from_u128(9)].as_ref().unwrap();
        assert_eq!((board.owner, &*board.dashboard.uid), (uuid, "k-00000000000000000000000000000009"));
    }

    #[test]
    fn a_device_in_stock_or_of_an_unknown_owner_asks_for_nothing() {
        let desired = desired(vec![owner(1)], vec![device(8, None), device(9, Some(2))]);
        assert_eq!(desired.devices.values().collect::<Vec<_>>(), [&None, &None]);
    }

    #[test]
    fn an_owner_without_a_password_is_refused_and_so_are_its_dashboards() {
        let bare = Owner { password_grafana: String::new(), ..owner(1) };
        let desired = desired(vec![bare], vec![device(9, Some(1))]);
        assert!(desired.refused.contains_key(&Uuid::from_u128(1)));
        assert!(desired.owners.is_empty() && desired.devices.is_empty());
        assert!(desired.knows_owner(Uuid::from_u128(1)));
    }

    #[test]
    fn a_second_device_changes_the_dashboard_of_the_first() {
        let board = |devices| desired(vec![owner(1)], devices).devices[&Uuid::from_u128(8)].clone().unwrap();
        let alone = board(vec![device(8, Some(1))]);
        let one_of_two = board(vec![device(8, Some(1)), device(9, Some(1))]);
        assert_ne!(alone.dashboard.content, one_of_two.dashboard.content);
    }
}
