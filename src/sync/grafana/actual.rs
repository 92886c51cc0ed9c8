//! Reads what a Grafana holds.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use serde::Deserialize;
use uuid::Uuid;

use super::alerts::NAME;
use super::applied::{Applied, OwnerTraces};
use super::client::{Client, Membership, Scope, User};
use super::dashboard::{TAG, device_of, uid_of_device, uid_of_home};
use super::desired::{Datasource, Desired, organization_name};
use crate::sync::link::Trouble;

/// Requests at a time.
const AT_A_TIME: usize = 8;

/// What a search answers with at most.
const SEARCH: usize = 5000;

/// The organizations and users of a Grafana: cheap to read, however many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Numbers of all organizations, by name.
    pub organizations: BTreeMap<String, i64>,
    /// All users, by number.
    pub users: BTreeMap<i64, User>,
}

impl Listing {
    /// The number of an owner's organization.
    pub fn organization(&self, owner: Uuid) -> Option<i64> {
        self.organizations.get(&organization_name(owner)).copied()
    }

    /// The user that has a login or an address.
    pub fn holder(&self, login: &str) -> Option<&User> {
        let is_it = |text: &str| text.to_lowercase() == login.to_lowercase();
        self.users.values().find(|user| is_it(&user.login) || is_it(&user.email))
    }
}

/// What was found of one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether our administrator is one of the organization.
    pub joined: bool,
    /// Where its user is a member; none when no user of it is known.
    pub memberships: Option<Vec<Membership>>,
    /// Its data source.
    pub datasource: Option<FoundDatasource>,
    /// Our dashboards in its organization, by name, each with its tags.
    pub dashboards: BTreeMap<String, Vec<String>>,
    /// Which dashboard the organization opens with.
    pub home: Option<String>,
    /// Its alerts.
    pub alerts: FoundAlerts,
}

/// What there is of ours that tells of devices; not how it is, which people may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundAlerts {
    /// Whether there is our contact point.
    pub contact: bool,
    /// The devices that have a rule.
    pub rules: BTreeSet<Uuid>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    uid: String,
}

/// Reads the alerts of an organization. Lists only: what is not there is a 404 without a body in some versions.
pub async fn look_at_alerts(client: &Client, scope: Scope) -> Result<FoundAlerts, Trouble> {
    let names = async |path| {
        let all: Vec<Named> = client.read(path, scope).await?.unwrap_or_default();
        Ok::<_, Trouble>(all.into_iter().map(|one| one.uid).collect::<Vec<_>>())
    };
    let contact = names("/api/v1/provisioning/contact-points").await?.iter().any(|uid| uid == NAME);
    let rules = names("/api/v1/provisioning/alert-rules").await?;
    Ok(FoundAlerts { contact, rules: rules.iter().filter_map(|uid| device_of(uid)).collect() })
}

/// A data source, without what Grafana does not tell. `GET /api/datasources/uid/:uid`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundDatasource {
    r#type: String,
    #[serde(default)]
    access: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    database: String,
    #[serde(default)]
    json_data: JsonData,
    #[serde(default)]
    secure_json_fields: BTreeMap<String, bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonData {
    #[serde(default)]
    db_name: String,
}

impl FoundDatasource {
    /// Whether it is `wanted`, as far as Grafana tells: not its password, only that there is one.
    pub fn is(&self, wanted: &Datasource) -> bool {
        let Datasource { url, user, .. } = wanted;
        self.r#type == "influxdb"
            && self.access == "proxy"
            && (&self.url, &self.user) == (url, user)
            // Versions that read `dbName` may leave the other one out.
            && (self.database.is_empty() || self.database == *user)
            && self.json_data.db_name == *user
            && self.secure_json_fields.get("password") == Some(&true)
    }
}

#[derive(Deserialize)]
struct Hit {
    uid: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preferences {
    #[serde(default, rename = "homeDashboardUID")]
    home_dashboard_uid: String,
}

/// A dashboard as far as we look at it. `GET /api/dashboards/uid/:uid`
#[derive(Deserialize)]
pub struct FoundDashboard {
    /// The dashboard itself.
    pub dashboard: Tagged,
}

/// Version and tags of a dashboard.
#[derive(Deserialize)]
pub struct Tagged {
    /// Counts up with each change.
    #[serde(default)]
    pub version: i64,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Reads the names of all organizations and users.
pub async fn list(client: &Client) -> Result<Listing, Trouble> {
    let organizations = client.organizations().await?;
    let users = client.users().await?;
    Ok(Listing {
        organizations: organizations.into_iter().map(|one| (one.name, one.id)).collect(),
        users: users.into_iter().map(|user| (user.id, user)).collect(),
    })
}

/// Looks at the organizations and users of `owners`. Those that cannot be read are left out, and listed with the reason.
pub async fn look(
    client: &Client,
    listing: &Listing,
    desired: &Desired,
    applied: &Applied,
    owners: &BTreeSet<Uuid>,
) -> Result<(BTreeMap<Uuid, Found>, Vec<(Uuid, String)>), Trouble> {
    let mut found = BTreeMap::new();
    let mut unread = Vec::new();
    if owners.is_empty() {
        return Ok((found, unread));
    }
    let ours: Vec<Membership> = client.read("/api/user/orgs", Scope::Server).await?.unwrap_or_default();
    let administered: BTreeSet<i64> =
        ours.into_iter().filter(|one| one.role == "Admin").map(|one| one.org_id).collect();
    let mut boards: BTreeMap<Uuid, Vec<String>> =
        owners.iter().map(|owner| (*owner, vec![uid_of_home(*owner)])).collect();
    for (device, board) in &desired.devices {
        if let Some(boards) = board.as_ref().and_then(|board| boards.get_mut(&board.owner)) {
            boards.push(uid_of_device(*device));
        }
    }
    let looks: Vec<_> = boards
        .into_iter()
        .map(|(owner, boards)| {
            let organization = listing.organization(owner);
            let user = applied.user(owner, desired, listing).map(|user| user.id);
            let administered = organization.is_some_and(|id| administered.contains(&id));
            let wished = desired.owners.get(&owner).is_some_and(|wish| wish.alerts.is_some());
            let alerts = wished || applied.owner(owner).is_some_and(OwnerTraces::has_alerts);
            async move {
                let looked = async {
                    let mut found = look_at(client, owner, organization, administered, user, boards).await?;
                    if let Some(id) = organization.filter(|_| administered && alerts) {
                        found.alerts = look_at_alerts(client, Scope::Organization(id)).await?;
                    }
                    Ok(found)
                };
                (owner, looked.await)
            }
        })
        .collect();
    let mut looks = stream::iter(looks).buffer_unordered(AT_A_TIME);
    while let Some((owner, result)) = looks.next().await {
        match result {
            Ok(one) => {
                found.insert(owner, one);
            }
            Err(Trouble::Rejected(reason)) => unread.push((owner, reason)),
            Err(Trouble::Unreachable(reason)) => {
                // One request that got lost is this record's trouble; a server that is gone is everyone's.
                client.ping().await?;
                unread.push((owner, reason));
            }
            Err(denied) => return Err(denied),
        }
    }
    Ok((found, unread))
}

async fn look_at(
    client: &Client,
    owner: Uuid,
    organization: Option<i64>,
    joined: bool,
    user: Option<i64>,
    boards: Vec<String>,
) -> Result<Found, Trouble> {
    let mut found = Found { joined, ..Found::default() };
    if let Some(user) = user {
        found.memberships = client.read(&format!("/api/users/{user}/orgs"), Scope::Server).await?;
    }
    // Into an organization that we are not in we cannot look; all of it is written then, or found to be there.
    let Some(scope) = organization.filter(|_| joined).map(Scope::Organization) else { return Ok(found) };
    found.datasource = client.read(&format!("/api/datasources/uid/k-{}", owner.simple()), scope).await?;
    let path = format!("/api/search?type=dash-db&tag={TAG}&limit={SEARCH}");
    let hits: Vec<Hit> = client.read(&path, scope).await?.unwrap_or_default();
    found.dashboards = hits.into_iter().map(|hit| (hit.uid, hit.tags)).collect();
    // A search may trail what was just written, and does not find what has lost its tag.
    for uid in boards {
        if !found.dashboards.contains_key(&uid) {
            let one: Option<FoundDashboard> =
                client.read(&format!("/api/dashboards/uid/{uid}"), scope).await?;
            found.dashboards.extend(one.map(|one| (uid, one.dashboard.tags)));
        }
    }
    let preferences: Option<Preferences> = client.read("/api/org/preferences", scope).await?;
    found.home = preferences.map(|preferences| preferences.home_dashboard_uid);
    Ok(found)
}
