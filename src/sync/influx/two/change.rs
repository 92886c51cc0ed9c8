//! Changes an organization.
//!
//! The rights of an authorization cannot be changed, so that it is dropped and made again with its password. It is made before it
//! has a password, and lets nobody in until then. A crash in between leaves a record whose password is in doubt.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Answer, Call, Nothing};
use super::listing::{Authorizations, BUCKETS, Bucket, Buckets, Legacy, Organization};
use crate::sync::influx::apply::write_config_line;
use crate::sync::influx::change::{Action, Change};
use crate::sync::influx::desired::{Grant, Privilege};
use crate::sync::influx::statement::shard_length;
use crate::sync::link::Trouble;
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// The retention policy that a 1.x client's database has by default.
const POLICY: &str = "autogen";

const AUTHORIZATIONS: &str = "/private/legacy/authorizations";

impl Organization {
    /// Does one action.
    ///
    /// # Errors
    /// [`Trouble::Rejected`] when this one cannot be done.
    pub async fn carry_out(&self, action: &Action, now: DateTime<Utc>) -> Result<(), Trouble> {
        let record = action.record;
        match &action.change {
            Change::CreateDatabase { database, retention } => {
                self.create_bucket(&database.to_string(), *retention).await
            }
            Change::SetRetention { database, lasts, .. } => {
                self.set_retention(&database.to_string(), *lasts).await
            }
            Change::Authorize { password, grants, active } => {
                self.authorize(record, password, grants, *active).await
            }
            Change::SetPassword(password) => {
                let id = self.authorization(&record.user())?;
                self.set_password(&id, password).await
            }
            Change::Activate(active) => {
                let path = format!("{AUTHORIZATIONS}/{}", self.authorization(&record.user())?);
                self.change(Method::PATCH, path, json!({"status": status(*active)})).await
            }
            Change::WriteConfigLine { line, after } => {
                let written = write_config_line(&self.client, record, line, *after, now).await;
                written.map_err(|trouble| match trouble {
                    Trouble::Rejected(reason) if reason.contains("no dbrp mapping") => {
                        Trouble::Rejected(format!(
                            "{reason} (the token must belong to the organization that [influxdb] org names)"
                        ))
                    }
                    trouble => trouble,
                })
            }
            Change::DropUser => self.drop_authorization(&record.user()).await,
            Change::DropDatabase(database) => self.drop_bucket(&database.to_string()).await,
            Change::CreateUser(_) | Change::Grant(_) | Change::Revoke(_) | Change::RevokeAdmin => {
                Err(Trouble::Rejected("InfluxDB 2 knows no users and grants".into()))
            }
        }
    }

    /// Fine when it is gone already.
    pub async fn drop_bucket(&self, name: &str) -> Result<(), Trouble> {
        let Some(id) = self.ids().buckets.remove(name) else { return Ok(()) };
        self.delete(format!("/api/v2/buckets/{id}")).await
    }

    /// Fine when it is gone already.
    pub async fn drop_authorization(&self, name: &str) -> Result<(), Trouble> {
        let Some(id) = self.ids().authorizations.remove(name) else { return Ok(()) };
        self.delete(format!("{AUTHORIZATIONS}/{id}")).await
    }

    async fn create_bucket(&self, name: &str, retention: Option<Duration>) -> Result<(), Trouble> {
        let known = self.ids().buckets.get(name).cloned();
        let id = match known {
            Some(id) => id,
            None => {
                // None: for ever. Without any, too, some versions take a default of their own.
                let body = json!({"orgID": self.org, "name": name, "retentionRules": self.rules(retention)});
                match self.client.call::<Bucket>(Call::change(Method::POST, "/api/v2/buckets", body)).await? {
                    Answer::Done(bucket) => bucket.id,
                    // Made by someone else since it was looked for.
                    Answer::Unfit(reason) => {
                        self.bucket_called(name).await?.ok_or(Trouble::Rejected(reason))?
                    }
                    Answer::Missing(reason) => return Err(Trouble::Rejected(reason)),
                }
            }
        };
        self.ids().buckets.insert(name.into(), id.clone());
        if self.version.needs_mappings() { self.map(name, &id).await } else { Ok(()) }
    }

    /// Makes a bucket a database.
    async fn map(&self, name: &str, bucket: &str) -> Result<(), Trouble> {
        let stale = self.ids().stale_mappings.remove(name).unwrap_or_default();
        for id in stale {
            let query = [("orgID", self.org.as_str())];
            let call = Call {
                query: &query,
                ..Call::change(Method::DELETE, format!("/api/v2/dbrps/{id}"), Value::Null)
            };
            match self.client.call::<Nothing>(call).await? {
                Answer::Missing(_) => {}
                answer => _ = answer.done()?,
            }
        }
        let body = json!({
            "orgID": self.org, "bucketID": bucket, "database": name, "retention_policy": POLICY, "default": true,
        });
        self.change(Method::POST, "/api/v2/dbrps".into(), body).await
    }

    async fn set_retention(&self, name: &str, retention: Option<Duration>) -> Result<(), Trouble> {
        let id = self.bucket(name)?;
        let body = json!({"retentionRules": self.rules(retention)});
        self.change(Method::PATCH, format!("/api/v2/buckets/{id}"), body).await
    }

    fn rules(&self, retention: Option<Duration>) -> Value {
        if retention.is_none() && !self.version.knows_zero() {
            return json!([]);
        }
        json!([{
            "type": "expire",
            "everySeconds": retention.map_or(0, |retention| retention.as_secs()),
            "shardGroupDurationSeconds": shard_length(retention).as_secs(),
        }])
    }

    async fn authorize(
        &self,
        record: Record,
        password: &Secret,
        grants: &BTreeSet<Grant>,
        active: bool,
    ) -> Result<(), Trouble> {
        let mut permissions = Vec::new();
        for Grant { database, privilege } in grants {
            let bucket = self.bucket(&database.to_string())?;
            let actions: &[&str] = match privilege {
                Privilege::Read => &["read"],
                Privilege::Write => &["write"],
                Privilege::All => &["read", "write"],
            };
            permissions.extend(actions.iter().map(|action| {
                json!({"action": action, "resource": {"type": BUCKETS, "id": bucket, "orgID": self.org}})
            }));
        }
        let body = json!({
            "token": record.user(),
            "description": record.to_string(),
            "orgID": self.org,
            "status": status(active),
            "permissions": permissions,
        });
        let create = || self.client.call::<Legacy>(Call::change(Method::POST, AUTHORIZATIONS, body.clone()));
        let made = match create().await? {
            Answer::Unfit(reason) => {
                self.make_way(&record.user(), reason).await?;
                create().await?.done()?
            }
            answer => answer.done()?,
        };
        self.ids().authorizations.insert(record.user(), made.id.clone());
        self.set_password(&made.id, password).await
    }

    /// Drops one of that name that was made by someone else since it was looked for.
    async fn make_way(&self, name: &str, reason: String) -> Result<(), Trouble> {
        let query = [("token", name)];
        let found = match self.client.call::<Authorizations>(Call::get(AUTHORIZATIONS, &query)).await? {
            Answer::Done(answer) => answer.authorizations,
            Answer::Missing(_) | Answer::Unfit(_) => Vec::new(),
        };
        match found.into_iter().find(|one| one.token == name) {
            Some(one) if one.org == self.org => self.delete(format!("{AUTHORIZATIONS}/{}", one.id)).await,
            Some(_) => Err(Trouble::Rejected(format!("{reason}, in another organization"))),
            // A token sees what its own user has made, and no more unless it is an operator's.
            None => Err(Trouble::Rejected(format!(
                "{reason}, and our token does not see it: another InfluxDB user may have made it"
            ))),
        }
    }

    async fn set_password(&self, id: &str, password: &Secret) -> Result<(), Trouble> {
        let path = format!("{AUTHORIZATIONS}/{id}/password");
        self.change(Method::POST, path, json!({"password": password.expose()})).await
    }

    async fn bucket_called(&self, name: &str) -> Result<Option<String>, Trouble> {
        let query = [("orgID", self.org.as_str()), ("name", name)];
        match self.client.call::<Buckets>(Call::get("/api/v2/buckets", &query)).await? {
            Answer::Done(answer) => {
                Ok(answer.buckets.into_iter().find(|bucket| bucket.name == name).map(|bucket| bucket.id))
            }
            Answer::Missing(_) | Answer::Unfit(_) => Ok(None),
        }
    }

    async fn change(&self, method: Method, path: String, body: Value) -> Result<(), Trouble> {
        self.client.call::<Nothing>(Call::change(method, path, body)).await?.done().map(drop)
    }

    async fn delete(&self, path: String) -> Result<(), Trouble> {
        match self.client.call::<Nothing>(Call::change(Method::DELETE, path, Value::Null)).await? {
            Answer::Missing(_) => Ok(()),
            answer => answer.done().map(drop),
        }
    }

    fn bucket(&self, name: &str) -> Result<String, Trouble> {
        let id = self.ids().buckets.get(name).cloned();
        id.ok_or_else(|| Trouble::Rejected(format!("the bucket {name} is missing")))
    }

    fn authorization(&self, name: &str) -> Result<String, Trouble> {
        let id = self.ids().authorizations.get(name).cloned();
        id.ok_or_else(|| Trouble::Rejected(format!("the authorization {name} is missing")))
    }
}

fn status(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}
