//! Carries out the steps of a plan.

mod alerts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::actual::{FoundDashboard, Tagged};
use super::change::{Action, Change, Doomed};
use super::client::{Answer, Client, Membership, Organization, Scope, User};
use super::dashboard::Dashboard;
use super::desired::{Account, Datasource, organization_name, parked_login};
use crate::sync::apply;
use crate::sync::link::Trouble;
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// The numbers that Grafana has given, by owner. Those of what is made are added as it is made.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Organizations.
    pub organizations: BTreeMap<Uuid, i64>,
    /// Users.
    pub users: BTreeMap<Uuid, i64>,
}

/// Changes a Grafana.
pub struct Executor {
    client: Arc<Client>,
    numbers: Arc<Mutex<Numbers>>,
}

impl apply::Executor<Change> for Executor {
    async fn carry_out(&self, action: &Action) -> Result<(), Trouble> {
        let owner = action.record.uuid;
        match &action.change {
            Change::CreateOrganization => self.create_organization(owner).await,
            Change::Join => self.join(owner).await,
            Change::CreateUser { account, password } => self.create_user(owner, account, password).await,
            Change::UpdateUser(account) => self.update_user(owner, account).await,
            Change::ParkUser => {
                // Nobody sees the name meanwhile; the update that follows brings it back.
                let account = Account { login: parked_login(owner), name: String::new() };
                self.update_user(owner, &account).await
            }
            Change::SetPassword(password) => self.set_password(owner, password).await,
            Change::Confine => self.confine(owner).await,
            Change::RevokeAdmin => {
                let path = format!("/api/admin/users/{}/permissions", self.user(owner)?);
                self.put(&path, Scope::Server, &json!({"isGrafanaAdmin": false})).await
            }
            Change::DisableUser => self.switch_user(owner, "disable").await,
            Change::EnableUser => self.switch_user(owner, "enable").await,
            Change::PutDatasource(datasource) => self.put_datasource(owner, datasource).await,
            Change::PutDashboard { owner, dashboard } => self.put_dashboard(*owner, dashboard).await,
            Change::SetHome(uid) => {
                let body = json!({"homeDashboardUID": uid});
                let scope = self.organization(owner)?;
                self.call(Method::PATCH, "/api/org/preferences", scope, Some(&body)).await?.done().map(drop)
            }
            Change::DeleteDashboard { owner, uid } => {
                self.delete(&format!("/api/dashboards/uid/{uid}"), self.organization(*owner)?).await
            }
            Change::PutContact(contact) => self.put_contact(owner, contact).await,
            Change::PutRule { device, rule } => self.put_rule(owner, *device, rule).await,
            Change::DeleteRule(device) => self.delete_rule(owner, *device).await,
            Change::DeleteContact => self.delete_contact(owner).await,
            Change::DeleteUser(doomed) => self.delete_user(owner, doomed).await,
            Change::DeleteOrganization => {
                let Scope::Organization(id) = self.organization(owner)? else { return Ok(()) };
                self.delete(&format!("/api/orgs/{id}"), Scope::Server).await
            }
        }
    }

    async fn ping(&self) -> Result<(), Trouble> {
        self.client.ping().await
    }
}

impl Executor {
    /// Adds the numbers of what it makes to `numbers`.
    pub fn new(client: Arc<Client>, numbers: Arc<Mutex<Numbers>>) -> Self {
        Self { client, numbers }
    }

    async fn create_organization(&self, owner: Uuid) -> Result<(), Trouble> {
        let name = organization_name(owner);
        let answer =
            self.call(Method::POST, "/api/orgs", Scope::Server, Some(&json!({"name": name}))).await?;
        if answer.is_taken() {
            // Made since it was looked for, or before a crash.
            let path = format!("/api/orgs/name/{name}");
            let found: Option<Organization> = self.client.read(&path, Scope::Server).await?;
            let found = found.ok_or_else(|| rejected("its organization is there and is not: try again"))?;
            self.numbers().organizations.insert(owner, found.id);
            return self.join(owner).await;
        }
        let id = number(&answer.done()?, "orgId")?;
        self.numbers().organizations.insert(owner, id);
        Ok(())
    }

    /// Whoever makes an organization is in it; of one that another administrator made, or that we left, it is not so.
    async fn join(&self, owner: Uuid) -> Result<(), Trouble> {
        let Scope::Organization(id) = self.organization(owner)? else { return Ok(()) };
        let administrator = self.client.administrator();
        let body = json!({"loginOrEmail": administrator, "role": "Admin"});
        let added =
            self.call(Method::POST, &format!("/api/orgs/{id}/users"), Scope::Server, Some(&body)).await?;
        if !added.is_taken() {
            return added.done().map(drop);
        }
        let us = self.look_up(administrator).await?;
        let us = us.ok_or_else(|| rejected("our administrator's own user cannot be found"))?;
        self.set_role(id, us.id, "Admin").await
    }

    async fn create_user(&self, owner: Uuid, account: &Account, password: &Secret) -> Result<(), Trouble> {
        let Scope::Organization(organization) = self.organization(owner)? else { return Ok(()) };
        let Account { login, name } = account;
        let body = json!({
            "login": login, "email": login, "name": name, "password": password.expose(),
            // Without this it would land in the default organization, and see what is there.
            "OrgId": organization,
        });
        let answer = self.call(Method::POST, "/api/admin/users", Scope::Server, Some(&body)).await?;
        if !answer.is_taken() {
            let id = number(&answer.done()?, "id")?;
            self.numbers().users.insert(owner, id);
            return Ok(());
        }
        self.adopt(owner, login).await?;
        self.update_user(owner, account).await?;
        self.set_password(owner, password).await
    }

    /// Takes a user that is there already for the owner's, if it can only be one that we made before a crash.
    async fn adopt(&self, owner: Uuid, login: &str) -> Result<(), Trouble> {
        let user = self.look_up(login).await?;
        let user = user.ok_or_else(|| rejected("its Grafana user is there and is not: try again"))?;
        let theirs = self.numbers().users.iter().find(|(_, id)| **id == user.id).map(|(owner, _)| *owner);
        let refused = |what: &str| {
            rejected(&format!(
                "a Grafana user with its e-mail address is there already and {what}: it is not taken over. Give one of \
                 the two another address"
            ))
        };
        match theirs {
            Some(theirs) if theirs != owner => {
                return Err(refused(&format!("belongs to {}", Record::owner(theirs))));
            }
            _ if user.is_admin => return Err(refused("is a server administrator")),
            _ => {}
        }
        let foreign = self.foreign_memberships(owner, user.id).await?;
        if !foreign.is_empty() {
            return Err(refused("is a member of other organizations"));
        }
        self.numbers().users.insert(owner, user.id);
        Ok(())
    }

    async fn foreign_memberships(&self, owner: Uuid, user: i64) -> Result<Vec<Membership>, Trouble> {
        let mut memberships = self.memberships(user).await?;
        memberships.retain(|one| one.name != organization_name(owner));
        Ok(memberships)
    }

    async fn memberships(&self, user: i64) -> Result<Vec<Membership>, Trouble> {
        Ok(self.client.read(&format!("/api/users/{user}/orgs"), Scope::Server).await?.unwrap_or_default())
    }

    async fn look_up(&self, login: &str) -> Result<Option<User>, Trouble> {
        let login: String = form_urlencoded::byte_serialize(login.as_bytes()).collect();
        self.client.read(&format!("/api/users/lookup?loginOrEmail={login}"), Scope::Server).await
    }

    async fn update_user(&self, owner: Uuid, Account { login, name }: &Account) -> Result<(), Trouble> {
        let body = json!({"login": login, "email": login, "name": name});
        self.put(&format!("/api/users/{}", self.user(owner)?), Scope::Server, &body).await
    }

    async fn set_password(&self, owner: Uuid, password: &Secret) -> Result<(), Trouble> {
        let path = format!("/api/admin/users/{}/password", self.user(owner)?);
        self.put(&path, Scope::Server, &json!({"password": password.expose()})).await
    }

    async fn switch_user(&self, owner: Uuid, how: &str) -> Result<(), Trouble> {
        let path = format!("/api/admin/users/{}/{how}", self.user(owner)?);
        self.call(Method::POST, &path, Scope::Server, None).await?.done().map(drop)
    }

    /// In its own organization first, so that it is never in none, which some versions take for a reason to delete it.
    async fn confine(&self, owner: Uuid) -> Result<(), Trouble> {
        let Scope::Organization(own) = self.organization(owner)? else { return Ok(()) };
        let user = self.user(owner)?;
        let memberships = self.memberships(user).await?;
        match memberships.iter().find(|one| one.org_id == own) {
            Some(one) if one.role == "Viewer" => {}
            Some(_) => self.set_role(own, user, "Viewer").await?,
            None => {
                let profile: Option<User> =
                    self.client.read(&format!("/api/users/{user}"), Scope::Server).await?;
                let login = profile.ok_or_else(|| rejected("its Grafana user is gone: try again"))?.login;
                let body = json!({"loginOrEmail": login, "role": "Viewer"});
                let path = format!("/api/orgs/{own}/users");
                let added = self.call(Method::POST, &path, Scope::Server, Some(&body)).await?;
                if added.is_taken() {
                    self.set_role(own, user, "Viewer").await?;
                } else {
                    added.done()?;
                }
            }
        }
        for other in memberships.iter().filter(|one| one.org_id != own) {
            self.delete(&format!("/api/orgs/{}/users/{user}", other.org_id), Scope::Server).await?;
        }
        Ok(())
    }

    async fn set_role(&self, organization: i64, user: i64, role: &str) -> Result<(), Trouble> {
        let path = format!("/api/orgs/{organization}/users/{user}");
        self.call(Method::PATCH, &path, Scope::Server, Some(&json!({"role": role}))).await?.done().map(drop)
    }

    async fn put_datasource(&self, owner: Uuid, datasource: &Datasource) -> Result<(), Trouble> {
        let scope = self.organization(owner)?;
        let Datasource { uid, url, user, password } = datasource;
        let body = json!({
            "uid": uid, "name": "karana", "type": "influxdb", "access": "proxy", "url": url,
            "user": user,
            // Older versions read the one, newer ones the other.
            "database": user,
            "jsonData": {"dbName": user, "httpMode": "POST"},
            "secureJsonData": {"password": password.expose()},
        });
        let path = format!("/api/datasources/uid/{uid}");
        let put = self.call(Method::PUT, &path, scope, Some(&body)).await?;
        if !put.is_missing() {
            return put.done().map(drop);
        }
        let made = self.call(Method::POST, "/api/datasources", scope, Some(&body)).await?;
        if made.is_taken() {
            return Err(rejected(
                "its organization has another data source named karana: delete or rename that one",
            ));
        }
        made.done().map(drop)
    }

    async fn put_dashboard(&self, owner: Uuid, dashboard: &Dashboard) -> Result<(), Trouble> {
        let scope = self.organization(owner)?;
        let path = format!("/api/dashboards/uid/{}", dashboard.uid);
        let present: Option<FoundDashboard> = self.client.read(&path, scope).await?;
        let version = match present.map(|present| present.dashboard) {
            Some(Tagged { tags, .. }) if tags.contains(&dashboard.tag()) => return Ok(()),
            Some(Tagged { version, .. }) => Some(version),
            None => None,
        };
        let answer = self.post_dashboard(scope, dashboard.json(version, false)).await?;
        let answer = match answer.is_name_taken() {
            true => self.post_dashboard(scope, dashboard.json(version, true)).await?,
            false => answer,
        };
        answer.done().map(drop)
    }

    /// Never `overwrite`: that takes a dashboard with the same title, whosever it is, and any version.
    async fn post_dashboard(&self, scope: Scope, dashboard: Value) -> Result<Answer, Trouble> {
        let body = json!({"dashboard": dashboard, "overwrite": false, "message": "by karana"});
        self.call(Method::POST, "/api/dashboards/db", scope, Some(&body)).await
    }

    async fn delete_user(&self, owner: Uuid, doomed: &Doomed) -> Result<(), Trouble> {
        if !doomed.known {
            let memberships = self.memberships(doomed.id).await?;
            let is_ours = matches!(&memberships[..], [one] if one.name == organization_name(owner));
            if !is_ours {
                tracing::warn!(owner = %Record::owner(owner), "a Grafana user with the address of this deleted record is not known to be its own, and stays");
                return Ok(());
            }
        }
        self.delete(&format!("/api/admin/users/{}", doomed.id), Scope::Server).await
    }

    async fn put(&self, path: &str, scope: Scope, body: &Value) -> Result<(), Trouble> {
        self.call(Method::PUT, path, scope, Some(body)).await?.done().map(drop)
    }

    async fn delete(&self, path: &str, scope: Scope) -> Result<(), Trouble> {
        self.call(Method::DELETE, path, scope, None).await?.done_or_missing().map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        scope: Scope,
        body: Option<&Value>,
    ) -> Result<Answer, Trouble> {
        self.client.call(method, path, scope, body).await
    }

    fn organization(&self, owner: Uuid) -> Result<Scope, Trouble> {
        let id = self.numbers().organizations.get(&owner).copied();
        id.map(Scope::Organization).ok_or_else(|| rejected("its organization is missing"))
    }

    fn user(&self, owner: Uuid) -> Result<i64, Trouble> {
        self.numbers().users.get(&owner).copied().ok_or_else(|| rejected("its Grafana user is missing"))
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rejected(reason: &str) -> Trouble {
    Trouble::Rejected(reason.to_owned())
}

fn number(body: &Value, name: &str) -> Result<i64, Trouble> {
    body[name].as_i64().ok_or_else(|| rejected(&format!("Grafana names no {name} for what it made")))
}
