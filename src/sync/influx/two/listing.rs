//! Reads all buckets and authorizations of an organization: a few requests, however many there are, that tell the rights, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::api::{Answer, Call};
use crate::sync::influx::client::Client;
use crate::sync::influx::desired::Privilege;
use crate::sync::influx::plan::{Authorization, Listing};
use crate::sync::influx::version::Version;
use crate::sync::link::Trouble;

/// Buckets in one answer; the most that the server gives.
const PAGE: usize = 100;

/// The kind of resource that rights on buckets are about.
pub const BUCKETS: &str = "buckets";

/// An organization as a round has found it. It keeps the ids, by which alone things can be changed.
pub struct Organization {
    /// The server.
    pub client: Arc<Client>,
    /// Which it is.
    pub version: Version,
    /// Id of the organization.
    pub org: String,
    ids: Mutex<Ids>,
}

/// Ids by name.
#[derive(Default)]
pub struct Ids {
    /// Of buckets.
    pub buckets: BTreeMap<String, String>,
    /// Of authorizations.
    pub authorizations: BTreeMap<String, String>,
    /// By database, of the mappings that lead to another bucket, or are not what is looked at by default.
    pub stale_mappings: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Orgs {
    #[serde(default)]
    orgs: Vec<Named>,
}

/// What has an id and a name.
#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

/// A page of buckets.
#[derive(Deserialize)]
pub struct Buckets {
    /// In the order of their names.
    #[serde(default)]
    pub buckets: Vec<Bucket>,
}

/// A bucket.
#[derive(Deserialize)]
pub struct Bucket {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    #[serde(default, rename = "retentionRules")]
    retention_rules: Vec<RetentionRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetentionRule {
    #[serde(default)]
    every_seconds: u64,
}

impl Bucket {
    /// How long it keeps points; none: for ever.
    fn retention(&self) -> Option<Duration> {
        self.retention_rules.iter().map(|rule| rule.every_seconds).find(|s| *s > 0).map(Duration::from_secs)
    }
}

/// Legacy authorizations.
#[derive(Deserialize)]
pub struct Authorizations {
    /// All of them.
    #[serde(default)]
    pub authorizations: Vec<Legacy>,
}

/// A legacy authorization: what a 1.x client signs in with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Legacy {
    /// Its id.
    pub id: String,
    /// Its name.
    pub token: String,
    /// The organization it is in.
    #[serde(rename = "orgID")]
    pub org: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Permission {
    action: String,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Mappings {
    #[serde(default)]
    content: Vec<Mapping>,
}

#[derive(Deserialize)]
struct Mapping {
    id: String,
    database: String,
    #[serde(default)]
    default: bool,
    #[serde(rename = "bucketID")]
    bucket: String,
}

impl Organization {
    /// Looks at the organization that is configured, or the only one that the token sees.
    ///
    /// # Errors
    /// [`Trouble::Denied`] where it is none, or not clear which.
    pub async fn visit(client: Arc<Client>, version: Version) -> Result<(Self, Listing), Trouble> {
        let org = organization(&client).await?;
        let (mut ids, mut listing) = (Ids::default(), Listing::default());
        for bucket in buckets(&client, &org).await? {
            listing.databases.insert(bucket.name.clone());
            listing.retentions.insert(bucket.name.clone(), bucket.retention());
            ids.buckets.insert(bucket.name, bucket.id);
        }
        if version.needs_mappings() {
            let answer: Answer<Mappings> =
                client.call(Call::get("/api/v2/dbrps", &[("orgID", &org)])).await?;
            listing.unmapped = unmapped(answer.done()?.content, &mut ids);
        }
        let path = "/private/legacy/authorizations";
        let answer: Answer<Authorizations> = client.call(Call::get(path, &[("orgID", &org)])).await?;
        let names: BTreeMap<&str, &str> =
            ids.buckets.iter().map(|(name, id)| (id.as_str(), name.as_str())).collect();
        let mut authorizations = BTreeMap::new();
        for one in answer.done()?.authorizations {
            // No administrators: those sign in with tokens of another kind.
            listing.users.insert(one.token.clone(), false);
            let grants = grants(&one.permissions, &names);
            authorizations
                .insert(one.token.clone(), Authorization { active: one.status != "inactive", grants });
            ids.authorizations.insert(one.token, one.id);
        }
        listing.authorizations = Some(authorizations);
        Ok((Self { client, version, org, ids: Mutex::new(ids) }, listing))
    }

    /// The ids, as of now.
    pub fn ids(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn organization(client: &Client) -> Result<String, Trouble> {
    let page = PAGE.to_string();
    let query: &[(&str, &str)] = match &client.org {
        Some(name) => &[("org", name)],
        None => &[("limit", &page)],
    };
    let orgs = match client.call::<Orgs>(Call::get("/api/v2/orgs", query)).await? {
        Answer::Done(answer) => answer.orgs,
        Answer::Missing(_) | Answer::Unfit(_) => Vec::new(),
    };
    let wanted = |org: &&Named| client.org.as_ref().is_none_or(|name| *name == org.name);
    let mut orgs = orgs.iter().filter(wanted);
    match (orgs.next(), orgs.next(), &client.org) {
        (Some(org), None, _) => Ok(org.id.clone()),
        (_, _, Some(name)) => {
            Err(client.denied_token(&format!("shows it no organization {name:?}: see [influxdb] org")))
        }
        (None, ..) => Err(client.denied_token("shows it no organization")),
        (Some(_), Some(_), None) => {
            Err(client.denied_token("shows it several organizations: name one in [influxdb] org"))
        }
    }
}

async fn buckets(client: &Client, org: &str) -> Result<Vec<Bucket>, Trouble> {
    let mut all: Vec<Bucket> = Vec::new();
    let mut seen = BTreeSet::new();
    for page in 0.. {
        let (limit, offset) = (PAGE.to_string(), (page * PAGE).to_string());
        let query = [("orgID", org), ("limit", &limit), ("offset", &offset)];
        let answer: Answer<Buckets> = client.call(Call::get("/api/v2/buckets", &query)).await?;
        let buckets = answer.done()?.buckets;
        let is_last = buckets.len() < PAGE;
        let new: Vec<Bucket> = buckets.into_iter().filter(|bucket| seen.insert(bucket.id.clone())).collect();
        // A server that turns no pages would go on for ever.
        if new.is_empty() {
            break;
        }
        all.extend(new);
        if is_last {
            break;
        }
    }
    Ok(all)
}

/// The buckets that no database of their name leads to. Takes note of the mappings that are in the way.
fn unmapped(mappings: Vec<Mapping>, ids: &mut Ids) -> BTreeSet<String> {
    let mut unmapped: BTreeSet<String> = ids.buckets.keys().cloned().collect();
    for mapping in mappings {
        if mapping.default && ids.buckets.get(&mapping.database) == Some(&mapping.bucket) {
            unmapped.remove(&mapping.database);
        } else {
            ids.stale_mappings.entry(mapping.database).or_default().push(mapping.id);
        }
    }
    unmapped
}

/// The rights as those on databases; none where some are of another kind, or on what is not there.
fn grants(permissions: &[Permission], names: &BTreeMap<&str, &str>) -> Option<BTreeMap<String, Privilege>> {
    let mut grants: BTreeMap<String, Privilege> = BTreeMap::new();
    for Permission { action, resource } in permissions {
        let name =
            resource.id.as_deref().and_then(|id| names.get(id)).filter(|_| resource.kind == BUCKETS)?;
        let privilege = match (action.as_str(), grants.get(*name)) {
            ("read", None | Some(Privilege::Read)) => Privilege::Read,
            ("write", None | Some(Privilege::Write)) => Privilege::Write,
            ("read" | "write", Some(_)) => Privilege::All,
            _ => return None,
        };
        grants.insert((*name).to_owned(), privilege);
    }
    Some(grants)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn permissions(of: &[(&str, &str, &str)]) -> Vec<Permission> {
        let one = |(action, kind, id): &(&str, &str, &str)| {
            let id = (!id.is_empty()).then_some(id);
            serde_json::from_value(json!({"action": action, "resource": {"type": kind, "id": id}})).unwrap()
        };
        of.iter().map(one).collect()
    }

    #[test]
    fn permissions_on_buckets_are_grants_and_any_other_is_none_of_ours() {
        let names = BTreeMap::from([("b1", "one"), ("b2", "two")]);
        let of = |list: &[_]| grants(&permissions(list), &names);
        let expected =
            BTreeMap::from([("one".to_owned(), Privilege::All), ("two".to_owned(), Privilege::Read)]);
        let both = [("write", "buckets", "b1"), ("read", "buckets", "b1"), ("read", "buckets", "b2")];
        assert_eq!(of(&both), Some(expected));
        assert_eq!(of(&[]), Some(BTreeMap::new()));
        for other in [
            ("read", "orgs", "b1"),
            ("read", "buckets", ""),
            ("read", "buckets", "gone"),
            ("own", "buckets", "b1"),
        ] {
            assert_eq!(of(&[("read", "buckets", "b1"), other]), None, "{other:?}");
        }
    }

    #[test]
    fn a_bucket_is_a_database_where_its_name_leads_to_it_by_default() {
        let mut ids = Ids::default();
        for name in ["a", "b", "c", "d"] {
            ids.buckets.insert(name.into(), format!("id-{name}"));
        }
        let mapping = |id: &str, database: &str, default: bool, bucket: &str| Mapping {
            id: id.into(),
            database: database.into(),
            default,
            bucket: bucket.into(),
        };
        let mappings = vec![
            mapping("1", "a", true, "id-a"),
            mapping("2", "b", false, "id-b"),
            mapping("3", "c", true, "id-of-old"),
            mapping("4", "other", true, "id-d"),
        ];
        assert_eq!(unmapped(mappings, &mut ids), ["b", "c", "d"].map(String::from).into());
        assert_eq!(ids.stale_mappings.keys().collect::<Vec<_>>(), ["b", "c", "other"]);
    }
}
