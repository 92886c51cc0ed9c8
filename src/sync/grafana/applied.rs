//! What is known to have been applied. Grafana tells no passwords, nor who made an organization or a user, so the server
//! remembers: the numbers of what it made, and a fingerprint of what it applied for each record.
//!
//! Knowledge is dropped before a change is tried and gained when it has succeeded. A crash in between leaves a record
//! that is known as ours and otherwise in doubt: it is looked at and applied again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::actual::Listing;
use super::change::Facet;
use super::client::User;
use super::desired::{Account, Board, Datasource, Desired, Wish, parked_login};
use crate::sync::record::{Record, Resource};

/// SHA-256, as lower-case hexadecimal digits.
type Fingerprint = String;

/// What is known of one owner. All `None`: ours, but in doubt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerTraces {
    /// The number of its organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<i64>,
    /// The number of its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    /// The logins that its user was given or was to be given: one of them it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datasource: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<Traced>,
    /// The alert rules, by device.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rules: BTreeMap<Uuid, Traced>,
}

/// What there is or may be of ours: as it was written last, or in doubt. A field of its own, so that what is in doubt is not
/// read back as what is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Traced {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Fingerprint>,
}

impl OwnerTraces {
    /// Whether there are, or may be, alerts of ours.
    pub fn has_alerts(&self) -> bool {
        self.contact.is_some() || !self.rules.is_empty()
    }
}

/// The records that have been applied to one Grafana, or tried. Those and no others are ours to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    #[serde(default)]
    owners: BTreeMap<Uuid, OwnerTraces>,
    /// By device, then by the owner in whose organization the dashboard is.
    #[serde(default)]
    dashboards: BTreeMap<Uuid, BTreeMap<Uuid, Option<Fingerprint>>>,
    /// Since when all that a record asks for has been so.
    #[serde(default)]
    since: BTreeMap<Uuid, DateTime<Utc>>,
}

impl Applied {
    /// What is known of an owner; `None` when it was never tried.
    pub fn owner(&self, owner: Uuid) -> Option<&OwnerTraces> {
        self.owners.get(&owner)
    }

    /// Every owner that has been tried.
    pub fn owners(&self) -> impl Iterator<Item = (Uuid, &OwnerTraces)> {
        self.owners.iter().map(|(owner, traces)| (*owner, traces))
    }

    /// Where a device has or may have a dashboard: owners.
    pub fn dashboards_of(&self, device: Uuid) -> impl Iterator<Item = Uuid> {
        self.dashboards.get(&device).into_iter().flatten().map(|(owner, _)| *owner)
    }

    /// Every device that has or may have a dashboard.
    pub fn devices(&self) -> impl Iterator<Item = Uuid> {
        self.dashboards.keys().copied()
    }

    /// The content of a device's dashboard in an owner's organization, as it was written last.
    pub fn dashboard(&self, device: Uuid, owner: Uuid) -> Option<&str> {
        self.dashboards.get(&device)?.get(&owner)?.as_deref()
    }

    /// The content of an owner's home dashboard, as it was written last.
    pub fn home(&self, owner: Uuid) -> Option<&str> {
        self.owners.get(&owner)?.home.as_deref()
    }

    /// The user that is known to be an owner's. A number alone does not make it so: of a Grafana that was set up anew
    /// it may be anyone's.
    pub fn user<'a>(&self, owner: Uuid, desired: &Desired, listing: &'a Listing) -> Option<&'a User> {
        let traces = self.owners.get(&owner)?;
        let user = listing.users.get(&traces.user?)?;
        let wanted = desired.owners.get(&owner).map(|wish| &wish.account.login);
        let logins = traces.logins.iter().chain(wanted);
        let is_it = |login: &str| same(login, &user.login) || same(login, &user.email);
        (logins.map(String::as_str).any(is_it) || is_it(&parked_login(owner))).then_some(user)
    }

    /// Whether the owner's facets are known to be as `wish` has them.
    pub fn is_settled(&self, owner: Uuid, wish: &Wish, facet: Facet) -> bool {
        let wanted = fingerprint(owner, wish, facet);
        let known = self.owners.get(&owner).and_then(|traces| match facet {
            Facet::Account => traces.account.as_ref(),
            Facet::Password => traces.password.as_ref(),
            Facet::Datasource => traces.datasource.as_ref(),
            Facet::Home => traces.home.as_ref(),
            Facet::Contact => traces.contact.as_ref()?.content.as_ref(),
            Facet::Rule(device) => traces.rules.get(&device)?.content.as_ref(),
            Facet::Organization | Facet::Dashboard(_) => None,
        });
        known.is_some() && known == wanted.as_ref()
    }

    /// Whether all that an owner asks for is known to be so, and nothing is left that it asked for once.
    pub fn has_settled(&self, owner: Uuid, wish: &Wish) -> bool {
        self.facets(owner, wish).into_iter().all(|facet| self.is_settled(owner, wish, facet))
    }

    /// The facets of an owner that are asked for, or of which something may be left.
    pub fn facets(&self, owner: Uuid, wish: &Wish) -> BTreeSet<Facet> {
        let mut facets: BTreeSet<Facet> =
            [Facet::Account, Facet::Password, Facet::Datasource, Facet::Home].into();
        if let Some(alerts) = &wish.alerts {
            facets.insert(Facet::Contact);
            facets.extend(alerts.rules.keys().map(|device| Facet::Rule(*device)));
        }
        if let Some(traces) = self.owners.get(&owner) {
            facets.extend(traces.contact.as_ref().map(|_| Facet::Contact));
            facets.extend(traces.rules.keys().map(|device| Facet::Rule(*device)));
        }
        facets
    }

    /// Whether a contact point or a rule was ever tried, and is not known to be gone: then it is ours.
    pub fn has_tried(&self, owner: Uuid, facet: Facet) -> bool {
        self.owners.get(&owner).is_some_and(|traces| match facet {
            Facet::Contact => traces.contact.is_some(),
            Facet::Rule(device) => traces.rules.contains_key(&device),
            _ => false,
        })
    }

    /// Whether a device's dashboard is known to be where it belongs, and nowhere else.
    pub fn has_written(&self, device: Uuid, board: Option<&Board>) -> bool {
        let is_written = board.is_none_or(|board| {
            self.dashboard(device, board.owner) == Some(board.dashboard.content.as_str())
        });
        let belongs = |place: Uuid| board.is_some_and(|board| board.owner == place);
        is_written && self.dashboards_of(device).all(belongs)
    }

    /// Whether a facet of a record is known to be as it is asked for.
    pub fn holds(&self, record: Record, desired: &Desired, facet: Facet) -> bool {
        match (record.resource, facet) {
            (Resource::Karanas, Facet::Dashboard(owner)) => {
                let board = desired.devices.get(&record.uuid).and_then(Option::as_ref);
                let board = board.filter(|board| board.owner == owner);
                board.is_some_and(|board| {
                    self.dashboard(record.uuid, owner) == Some(board.dashboard.content.as_str())
                })
            }
            (Resource::Users, facet) => {
                let wish = desired.owners.get(&record.uuid);
                wish.is_some_and(|wish| self.is_settled(record.uuid, wish, facet))
            }
            (Resource::Karanas, _) => false,
        }
    }

    /// Since when all that a record asks for has been so, as far as that is known.
    pub fn since(&self, record: Record) -> Option<DateTime<Utc>> {
        self.since.get(&record.uuid).copied()
    }

    /// Puts a facet of a record in doubt, and the record among those that are ours. To be saved before the change is
    /// tried.
    pub fn doubt(&mut self, record: Record, facet: Facet) {
        self.since.remove(&record.uuid);
        if let Facet::Dashboard(owner) = facet {
            self.dashboards.entry(record.uuid).or_default().insert(owner, None);
            return;
        }
        let traces = self.owners.entry(record.uuid).or_default();
        match facet {
            Facet::Organization => traces.organization = None,
            Facet::Account => traces.account = None,
            Facet::Password => traces.password = None,
            Facet::Datasource => traces.datasource = None,
            Facet::Home => traces.home = None,
            Facet::Contact => traces.contact = Some(Traced::default()),
            Facet::Rule(device) => _ = traces.rules.insert(device, Traced::default()),
            Facet::Dashboard(_) => {}
        }
    }

    /// Takes down a login that a user is about to get.
    pub fn expect_login(&mut self, owner: Uuid, login: &str) {
        let logins = &mut self.owners.entry(owner).or_default().logins;
        if !logins.iter().any(|known| same(known, login)) {
            logins.push(login.to_owned());
        }
    }

    /// Takes down the number of an owner's organization.
    pub fn set_organization(&mut self, owner: Uuid, id: i64) {
        self.owners.entry(owner).or_default().organization = Some(id);
    }

    /// Takes down the number of an owner's user.
    pub fn set_user(&mut self, owner: Uuid, id: i64) {
        self.owners.entry(owner).or_default().user = Some(id);
    }

    /// Takes note that at `now` Grafana holds what is asked for in `facet` of `record`; or that nothing is left of it,
    /// where nothing is asked for.
    pub fn settle(&mut self, record: Record, desired: &Desired, facet: Facet, now: DateTime<Utc>) {
        if !self.holds(record, desired, facet) {
            self.since.remove(&record.uuid);
        }
        self.settle_facet(record, desired, facet);
        let is_settled = match record.resource {
            Resource::Users => {
                let wish = desired.owners.get(&record.uuid);
                wish.is_some_and(|wish| self.has_settled(record.uuid, wish))
            }
            Resource::Karanas => {
                let board = desired.devices.get(&record.uuid).and_then(Option::as_ref);
                board.is_some() && self.has_written(record.uuid, board)
            }
        };
        if is_settled {
            self.since.entry(record.uuid).or_insert(now);
        }
    }

    fn settle_facet(&mut self, record: Record, desired: &Desired, facet: Facet) {
        let uuid = record.uuid;
        match (record.resource, facet) {
            (Resource::Karanas, Facet::Dashboard(owner)) => {
                let board = desired.devices.get(&uuid).and_then(Option::as_ref);
                let content =
                    board.filter(|board| board.owner == owner).map(|board| &board.dashboard.content);
                let places = self.dashboards.entry(uuid).or_default();
                match content {
                    Some(content) => places.insert(owner, Some(content.clone())),
                    None => places.remove(&owner),
                };
                if places.is_empty() {
                    self.dashboards.remove(&uuid);
                }
            }
            (Resource::Users, facet) => {
                let Some(wish) = desired.owners.get(&uuid) else { return };
                let wanted = fingerprint(uuid, wish, facet);
                let traces = self.owners.entry(uuid).or_default();
                match facet {
                    Facet::Account => {
                        traces.logins = vec![wish.account.login.clone()];
                        traces.account = wanted;
                    }
                    Facet::Password => traces.password = wanted,
                    Facet::Datasource => traces.datasource = wanted,
                    Facet::Home => traces.home = wanted,
                    Facet::Contact => {
                        traces.contact = wanted.map(|content| Traced { content: Some(content) })
                    }
                    Facet::Rule(device) => match wanted {
                        Some(content) => _ = traces.rules.insert(device, Traced { content: Some(content) }),
                        None => _ = traces.rules.remove(&device),
                    },
                    Facet::Organization | Facet::Dashboard(_) => {}
                }
            }
            (Resource::Karanas, _) => {}
        }
    }

    /// Forgets the user of a deleted owner, which is gone.
    pub fn forget_user(&mut self, owner: Uuid) {
        if let Some(traces) = self.owners.get_mut(&owner) {
            traces.user = None;
            traces.logins.clear();
        }
    }

    /// Forgets a deleted owner of which nothing is left.
    pub fn forget_owner(&mut self, owner: Uuid) {
        self.owners.remove(&owner);
        self.since.remove(&owner);
    }

    /// What an owner's organization held is gone with it: it has another number now.
    pub fn forget_contents(&mut self, owner: Uuid) {
        if let Some(traces) = self.owners.get_mut(&owner) {
            (traces.organization, traces.datasource, traces.home, traces.account) = (None, None, None, None);
            traces.contact = None;
            traces.rules.clear();
        }
        for content in self.dashboards.values_mut().filter_map(|places| places.get_mut(&owner)) {
            *content = None;
        }
    }
}

/// Without regard to case, as Grafana compares logins and addresses.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn fingerprint(owner: Uuid, wish: &Wish, facet: Facet) -> Option<Fingerprint> {
    // The uuid goes in, so that equal passwords of two records do not show as equal.
    let hash = |parts: &[&str]| {
        let mut hash = Sha256::new();
        for part in [&*owner.to_string()].iter().chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let Account { login, name } = &wish.account;
    let Datasource { url, user, password, .. } = &wish.datasource;
    match facet {
        Facet::Account => Some(hash(&[login, name, if wish.suspended { "suspended" } else { "active" }])),
        Facet::Password => Some(hash(&[wish.password.expose()])),
        Facet::Datasource => Some(hash(&[url, user, password.expose()])),
        Facet::Home => Some(wish.home.content.clone()),
        Facet::Contact => wish.alerts.as_ref().map(|alerts| alerts.contact.content()),
        Facet::Rule(device) => Some(wish.alerts.as_ref()?.rules.get(&device)?.content.clone()),
        Facet::Organization | Facet::Dashboard(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::Fleet;
    use crate::sync::fleet::tests::{device, owner};

    const FACETS: [Facet; 4] = [Facet::Account, Facet::Password, Facet::Datasource, Facet::Home];

    fn desired() -> Desired {
        let fleet = Fleet { owners: vec![owner(1)], devices: vec![device(9, Some(1))] };
        Desired::of(&fleet, "http://influx:8086", None)
    }

    fn settled() -> Applied {
        let (mut applied, one) = (Applied::default(), Uuid::from_u128(1));
        for facet in FACETS {
            applied.settle(Record::owner(one), &desired(), facet, DateTime::UNIX_EPOCH);
        }
        applied.settle(
            Record::device(Uuid::from_u128(9)),
            &desired(),
            Facet::Dashboard(one),
            DateTime::UNIX_EPOCH,
        );
        applied
    }

    #[test]
    fn it_is_kept_without_a_password() {
        let kept = serde_json::to_string(&settled()).unwrap();
        assert!(!kept.contains("P1") && !kept.contains("G1"), "{kept}");
        assert_eq!(serde_json::from_str::<Applied>(&kept).unwrap(), settled());
    }

    #[test]
    fn a_facet_in_doubt_is_not_settled_and_the_record_still_ours() {
        let (mut applied, one, nine) = (settled(), Uuid::from_u128(1), Uuid::from_u128(9));
        let wish = &desired().owners[&one];
        for facet in FACETS {
            assert!(applied.is_settled(one, wish, facet));
            applied.doubt(Record::owner(one), facet);
            assert!(!applied.is_settled(one, wish, facet));
        }
        applied.doubt(Record::device(nine), Facet::Dashboard(one));
        assert_eq!(applied.dashboard(nine, one), None);
        assert_eq!(applied.dashboards_of(nine).collect::<Vec<_>>(), [one]);
        applied.settle(
            Record::device(nine),
            &Desired::default(),
            Facet::Dashboard(one),
            DateTime::UNIX_EPOCH,
        );
        assert_eq!(applied.devices().count(), 0);
    }

    #[test]
    fn a_number_alone_does_not_make_a_user_ours() {
        let (mut applied, one) = (settled(), Uuid::from_u128(1));
        applied.set_user(one, 7);
        let user = |login: &str| User {
            id: 7,
            login: login.into(),
            email: login.into(),
            name: String::new(),
            is_admin: false,
            is_disabled: false,
        };
        let listing = |login: &str| Listing { users: [(7, user(login))].into(), ..Listing::default() };
        assert!(applied.user(one, &desired(), &listing("O1@Example.com")).is_some());
        assert!(applied.user(one, &desired(), &listing(&parked_login(one))).is_some());
        assert!(applied.user(one, &desired(), &listing("root")).is_none());
    }
}
