//! Contact points and alert rules, by what Grafana calls provisioning (`/api/v1/provisioning`).
//!
//! What is made so cannot be changed in Grafana's pages, unless it is made with `X-Disable-Provenance`: people may, as they may
//! change dashboards.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Executor, rejected};
use crate::sync::grafana::actual::{FoundAlerts, look_at_alerts};
use crate::sync::grafana::alerts::{Contact, NAME, Rule};
use crate::sync::grafana::client::Scope;
use crate::sync::grafana::dashboard::uid_of_device;
use crate::sync::link::Trouble;

const CONTACTS: &str = "/api/v1/provisioning/contact-points";
const RULES: &str = "/api/v1/provisioning/alert-rules";

impl Executor {
    pub(super) async fn put_contact(&self, owner: Uuid, contact: &Contact) -> Result<(), Trouble> {
        let (scope, found) = self.found(owner).await?;
        self.put_or_post(scope, CONTACTS, NAME, found.contact, &contact.json()).await.map(drop)
    }

    pub(super) async fn put_rule(&self, owner: Uuid, device: Uuid, rule: &Rule) -> Result<(), Trouble> {
        let (scope, found) = self.found(owner).await?;
        let Scope::Organization(id) = scope else { return Ok(()) };
        self.need_folder(scope).await?;
        let is_there = found.rules.contains(&device);
        let made = self.put_or_post(scope, RULES, &rule.uid, is_there, &rule.json(id)).await?;
        if made["notification_settings"]["receiver"] != NAME {
            // It was taken all the same, and tells whom the organization tells by default.
            return Err(rejected("this Grafana lets no rule name its contact point: alerts need version 11"));
        }
        Ok(())
    }

    pub(super) async fn delete_rule(&self, owner: Uuid, device: Uuid) -> Result<(), Trouble> {
        let (scope, found) = self.found(owner).await?;
        if !found.rules.contains(&device) {
            return Ok(());
        }
        self.delete(&format!("{RULES}/{}", uid_of_device(device)), scope).await
    }

    pub(super) async fn delete_contact(&self, owner: Uuid) -> Result<(), Trouble> {
        let (scope, found) = self.found(owner).await?;
        if !found.contact {
            return Ok(());
        }
        self.delete(&format!("{CONTACTS}/{NAME}"), scope).await
    }

    async fn found(&self, owner: Uuid) -> Result<(Scope, FoundAlerts), Trouble> {
        let scope = self.organization(owner)?;
        Ok((scope, look_at_alerts(&self.client, scope).await?))
    }

    async fn put_or_post(
        &self,
        scope: Scope,
        path: &str,
        uid: &str,
        is_there: bool,
        body: &Value,
    ) -> Result<Value, Trouble> {
        let (method, path) = match is_there {
            true => (Method::PUT, format!("{path}/{uid}")),
            false => (Method::POST, path.to_owned()),
        };
        self.call(method, &path, scope, Some(body)).await?.done()
    }

    /// The folder stays when the alerts go: it may hold what others have made.
    async fn need_folder(&self, scope: Scope) -> Result<(), Trouble> {
        let present: Option<Value> = self.client.read(&format!("/api/folders/{NAME}"), scope).await?;
        if present.is_some() {
            return Ok(());
        }
        let body = json!({"uid": NAME, "title": "Karana alerts"});
        let made = self.call(Method::POST, "/api/folders", scope, Some(&body)).await?;
        if made.is_taken() {
            return Err(rejected(
                "its organization has another folder named Karana alerts: delete or rename that one",
            ));
        }
        made.done().map(drop)
    }
}
