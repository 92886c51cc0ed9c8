//! What the fake holds, and what each call does to it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Answer, Organization, User, World, alerting, message};

impl World {
    fn new_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn sign_in(&self, headers: &HeaderMap) -> Result<(i64, &User), Answer> {
        let basic =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let basic = basic.ok_or_else(|| message(401, "Unauthorized"))?;
        let text = String::from_utf8(BASE64_STANDARD.decode(basic).unwrap()).unwrap();
        let (login, password) = text.split_once(':').unwrap();
        let found = self.holder(login).map(|id| (id, &self.users[&id]));
        let found = found.filter(|(_, user)| user.password == password && !user.disabled);
        found.ok_or_else(|| message(401, "Invalid username or password"))
    }

    fn holder(&self, login: &str) -> Option<i64> {
        let login = login.to_lowercase();
        let is_it = |user: &User| user.login.to_lowercase() == login || user.email.to_lowercase() == login;
        self.users.iter().find(|(_, user)| is_it(user)).map(|(id, _)| *id)
    }

    /// The organization that a request is made in, and the role there; none for one that the user is no member of.
    pub fn place(&self, id: i64, user: &User, headers: &HeaderMap) -> Option<(i64, String)> {
        let asked = headers.get("X-Grafana-Org-Id").and_then(|value| value.to_str().ok()?.parse().ok());
        let organization = asked.unwrap_or(user.current);
        let role = self.organizations.get(&organization)?.members.get(&id)?;
        Some((organization, role.clone()))
    }

    pub fn respond(&mut self, method: &str, uri: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        if (method, &parts[..]) == ("GET", &["health"]) {
            return (200, json!({"database": "ok", "version": "11.4.0", "commit": "fake"}));
        }
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        let (id, user) = match self.sign_in(headers) {
            Ok((id, user)) => (id, user.clone()),
            Err(refusal) => return refusal,
        };
        match &parts[..] {
            ["user"] => (200, self.profile(id)),
            ["user", "orgs"] => (200, self.memberships(id)),
            ["orgs", ..] | ["admin", ..] | ["users", ..] if !user.admin => {
                message(403, "You'll need additional permissions to perform this action.")
            }
            ["orgs", rest @ ..] => self.organizations(method, rest, &query, &body, &user, id),
            ["admin", "users", rest @ ..] => self.admin_users(method, rest, &body),
            ["users", rest @ ..] => self.all_users(method, rest, &query, &body),
            rest => match self.place(id, &user, headers) {
                Some((organization, role)) => {
                    self.in_organization(method, rest, &query, &body, organization, &role)
                }
                None => message(403, "You'll need additional permissions to perform this action."),
            },
        }
    }

    fn organizations(
        &mut self,
        method: &str,
        rest: &[&str],
        query: &BTreeMap<String, String>,
        body: &Value,
        admin: &User,
        admin_id: i64,
    ) -> Answer {
        let missing = || message(404, "Organization not found");
        match (method, rest) {
            ("GET", []) => {
                // Counted from zero.
                let all = self.organizations.iter().map(|(id, one)| json!({"id": id, "name": one.name}));
                (200, page(all.collect(), query, 0))
            }
            ("POST", []) => {
                let name = body["name"].as_str().unwrap_or_default();
                if self.organizations.values().any(|one| one.name == name) {
                    return message(409, "Organization name taken");
                }
                let id = self.new_id();
                self.organizations.insert(id, Organization::new(name, admin_id));
                (200, json!({"orgId": id, "message": "Organization created"}))
            }
            ("GET", ["name", name]) => {
                let found = self.organizations.iter().find(|(_, one)| one.name == *name);
                found.map_or_else(missing, |(id, one)| {
                    (200, json!({"id": id, "name": one.name, "address": {}}))
                })
            }
            ("DELETE", [id]) => {
                let id: i64 = id.parse().unwrap();
                if admin.current == id {
                    return message(400, "Can not delete org for current user");
                }
                self.organizations.remove(&id).map_or_else(missing, |_| message(200, "Organization deleted"))
            }
            (_, [id, "users", rest @ ..]) => {
                let id: i64 = id.parse().unwrap();
                if !self.organizations.contains_key(&id) {
                    return missing();
                }
                self.members(method, id, rest, body)
            }
            _ => message(404, "Not found"),
        }
    }

    fn members(&mut self, method: &str, organization: i64, rest: &[&str], body: &Value) -> Answer {
        let role = body["role"].as_str().unwrap_or_default().to_owned();
        let is_role = ["Viewer", "Editor", "Admin", "None"].contains(&role.as_str());
        let holder = body["loginOrEmail"].as_str().and_then(|login| self.holder(login));
        let users = self.users.clone();
        let Some(one) = self.organizations.get_mut(&organization) else { unreachable!() };
        match (method, rest) {
            ("GET", []) => {
                let members = one.members.iter().map(|(id, role)| {
                    let user = &users[id];
                    json!({"orgId": organization, "userId": id, "login": user.login, "email": user.email, "role": role})
                });
                (200, members.collect())
            }
            ("POST", []) if !is_role => message(400, "Invalid role specified"),
            ("POST", []) => match holder {
                None => message(404, "User not found"),
                Some(id) if one.members.contains_key(&id) => {
                    message(409, "User is already member of this organization")
                }
                Some(id) => {
                    one.members.insert(id, role);
                    message(200, "User added to organization")
                }
            },
            ("PATCH", [id]) if is_role => match one.members.get_mut(&id.parse().unwrap()) {
                Some(member) => {
                    *member = role;
                    message(200, "Organization user updated")
                }
                None => message(404, "user not found in organization"),
            },
            ("DELETE", [id]) => match one.members.remove(&id.parse().unwrap()) {
                Some(_) => message(200, "User removed from organization"),
                None => message(404, "user not found in organization"),
            },
            _ => message(400, "bad request data"),
        }
    }

    fn admin_users(&mut self, method: &str, rest: &[&str], body: &Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let short = |password: &str| password.len() < 4;
        let missing = || message(404, "user not found");
        if let ("POST", []) = (method, rest) {
            let (login, email) = (text("login").to_lowercase(), text("email").to_lowercase());
            if self.holder(&login).is_some() || self.holder(&email).is_some() {
                return message(
                    412,
                    &format!("User with email '{email}' or username '{login}' already exists"),
                );
            }
            if short(&text("password")) {
                return message(400, "Password is missing or too short");
            }
            let organization = body["OrgId"].as_i64().unwrap_or(1);
            let id = self.new_id();
            let role = self.new_role.clone();
            let Some(one) = self.organizations.get_mut(&organization) else {
                return message(400, "Organization not found");
            };
            one.members.insert(id, role);
            let user = User {
                login,
                email,
                name: text("name"),
                password: text("password"),
                admin: false,
                disabled: false,
                current: organization,
            };
            self.users.insert(id, user);
            return (200, json!({"id": id, "message": "User created"}));
        }
        let Some(id) = rest.first().and_then(|id| id.parse::<i64>().ok()) else { return missing() };
        let Some(user) = self.users.get_mut(&id) else { return missing() };
        match (method, &rest[1..]) {
            ("PUT", ["password"]) if short(&text("password")) => message(400, "New password too short"),
            ("PUT", ["password"]) => {
                user.password = text("password");
                message(200, "User password updated")
            }
            ("PUT", ["permissions"]) => {
                user.admin = body["isGrafanaAdmin"] == true;
                message(200, "User permissions updated")
            }
            ("POST", ["disable"]) => {
                user.disabled = true;
                message(200, "User disabled")
            }
            ("POST", ["enable"]) => {
                user.disabled = false;
                message(200, "User enabled")
            }
            ("DELETE", []) => {
                self.users.remove(&id);
                for one in self.organizations.values_mut() {
                    one.members.remove(&id);
                }
                message(200, "User deleted")
            }
            _ => message(404, "Not found"),
        }
    }

    fn all_users(
        &mut self,
        method: &str,
        rest: &[&str],
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> Answer {
        let missing = || message(404, "user not found");
        let number = |id: &str| id.parse::<i64>().ok().filter(|id| self.users.contains_key(id));
        match (method, rest) {
            ("GET", []) => {
                let all = self.users.iter().map(|(id, user)| {
                    json!({"id": id, "login": user.login, "email": user.email, "name": user.name,
                        "isAdmin": user.admin, "isDisabled": user.disabled, "authLabels": []})
                });
                (200, page(all.collect(), query, 1))
            }
            ("GET", ["lookup"]) => {
                let found = query.get("loginOrEmail").and_then(|login| self.holder(login));
                found.map_or_else(missing, |id| (200, self.profile(id)))
            }
            ("GET", [id]) => number(id).map_or_else(missing, |id| (200, self.profile(id))),
            ("GET", [id, "orgs"]) => number(id).map_or_else(missing, |id| (200, self.memberships(id))),
            ("PUT", [id]) => {
                let Some(id) = number(id) else { return missing() };
                let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                let (login, email) = (text("login").to_lowercase(), text("email").to_lowercase());
                if [&login, &email].iter().any(|text| self.holder(text).is_some_and(|holder| holder != id)) {
                    return message(409, "Login or email already in use");
                }
                let user = self.users.get_mut(&id).unwrap();
                (user.login, user.email, user.name) = (login, email, text("name"));
                message(200, "User updated")
            }
            _ => message(404, "Not found"),
        }
    }

    fn profile(&self, id: i64) -> Value {
        let user = &self.users[&id];
        json!({"id": id, "login": user.login, "email": user.email, "name": user.name, "orgId": user.current,
            "isGrafanaAdmin": user.admin, "isDisabled": user.disabled})
    }

    fn memberships(&self, id: i64) -> Value {
        let all = self.organizations.iter().filter_map(|(number, one)| {
            Some(json!({"orgId": number, "name": one.name, "role": one.members.get(&id)?}))
        });
        all.collect()
    }

    fn in_organization(
        &mut self,
        method: &str,
        rest: &[&str],
        query: &BTreeMap<String, String>,
        body: &Value,
        organization: i64,
        role: &str,
    ) -> Answer {
        let forbidden = || message(403, "You'll need additional permissions to perform this action.");
        let may = match (method, rest) {
            // What a Viewer may: find and read dashboards, and see which is the home.
            ("GET", ["search"] | ["dashboards", ..]) => true,
            (_, ["dashboards", ..]) => ["Editor", "Admin"].contains(&role),
            _ => role == "Admin",
        };
        if !may {
            return forbidden();
        }
        let id = self.new_id();
        let (unique_titles, no_receivers) = (self.unique_titles, self.no_receivers);
        let Some(one) = self.organizations.get_mut(&organization) else { return forbidden() };
        match (method, rest) {
            (_, ["datasources", rest @ ..]) => datasources(one, method, rest, body, id),
            ("GET", ["search"]) => {
                let has_tag = |dashboard: &&Value| match query.get("tag") {
                    Some(tag) => {
                        dashboard["tags"].as_array().is_some_and(|tags| tags.iter().any(|one| one == tag))
                    }
                    None => true,
                };
                let hits = one.dashboards.values().filter(has_tag).map(|dashboard| {
                    json!({"uid": dashboard["uid"], "title": dashboard["title"], "tags": dashboard["tags"], "type": "dash-db"})
                });
                (200, hits.collect())
            }
            ("GET", ["dashboards", "home"]) => match one.preferences["homeDashboardUID"].as_str() {
                Some(uid) => (200, json!({"redirectUri": format!("/d/{uid}/home")})),
                None => (200, json!({"meta": {}, "dashboard": {"title": "Home"}})),
            },
            ("GET", ["dashboards", "uid", uid]) => match one.dashboards.get(*uid) {
                Some(dashboard) => {
                    (200, json!({"dashboard": dashboard, "meta": {"version": dashboard["version"]}}))
                }
                None => message(404, "Dashboard not found"),
            },
            ("DELETE", ["dashboards", "uid", uid]) => match one.dashboards.remove(*uid) {
                Some(_) => message(200, "Dashboard deleted"),
                None => message(404, "Dashboard not found"),
            },
            ("POST", ["dashboards", "db"]) => save_dashboard(one, body, id, unique_titles),
            (_, ["folders", rest @ ..]) => alerting::folders(one, method, rest, body),
            (_, ["v1", "provisioning", "contact-points", rest @ ..]) => {
                alerting::contacts(one, method, rest, body)
            }
            (_, ["v1", "provisioning", "alert-rules", rest @ ..]) => {
                alerting::rules(one, method, rest, body, organization, no_receivers)
            }
            ("GET", ["org", "preferences"]) => (200, one.preferences.clone()),
            ("PATCH", ["org", "preferences"]) => {
                let uid = body["homeDashboardUID"].as_str().unwrap_or_default();
                if !one.dashboards.contains_key(uid) {
                    return message(404, "Dashboard not found");
                }
                one.preferences["homeDashboardUID"] = uid.into();
                message(200, "Preferences updated")
            }
            _ => message(404, "Not found"),
        }
    }
}

/// What comes back is without secrets.
fn shown(source: &Value) -> Value {
    let mut shown = source.clone();
    let secrets = shown.as_object_mut().unwrap().remove("secureJsonData").unwrap_or_default();
    let names = secrets.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), true));
    shown["secureJsonFields"] = Value::Object(names.map(|(name, set)| (name, set.into())).collect());
    shown
}

fn datasources(one: &mut Organization, method: &str, rest: &[&str], body: &Value, id: i64) -> Answer {
    let missing = || message(404, "Data source not found");
    match (method, rest) {
        ("GET", []) => (200, one.datasources.values().map(shown).collect()),
        ("POST", []) => {
            let uid = body["uid"].as_str().unwrap().to_owned();
            let same = |source: &Value| source["name"] == body["name"] || source["uid"] == body["uid"];
            if one.datasources.values().any(same) {
                return message(409, "data source with the same name already exists");
            }
            let mut source = body.clone();
            source["id"] = id.into();
            one.datasources.insert(uid, source.clone());
            (
                200,
                json!({"id": id, "message": "Datasource added", "name": body["name"], "datasource": shown(&source)}),
            )
        }
        ("GET", ["uid", uid]) => {
            one.datasources.get(*uid).map_or_else(missing, |source| (200, shown(source)))
        }
        ("PUT", ["uid", uid]) => {
            let Some(source) = one.datasources.get_mut(*uid) else { return missing() };
            let kept = source["secureJsonData"].clone();
            *source = body.clone();
            if source.get("secureJsonData").is_none() {
                source["secureJsonData"] = kept;
            }
            (200, json!({"message": "Datasource updated", "datasource": shown(source)}))
        }
        ("DELETE", ["uid", uid]) => {
            one.datasources.remove(*uid).map_or_else(missing, |_| message(200, "Data source deleted"))
        }
        _ => message(404, "Not found"),
    }
}

fn save_dashboard(one: &mut Organization, body: &Value, id: i64, unique_titles: bool) -> Answer {
    let mut dashboard = body["dashboard"].clone();
    let uid = dashboard["uid"].as_str().unwrap_or_default().to_owned();
    if dashboard["title"].as_str().unwrap_or_default().is_empty() {
        return message(400, "Dashboard title cannot be empty");
    }
    if uid.is_empty() || uid.len() > 40 || !dashboard["id"].is_null() {
        return message(400, "uid too long, or an id");
    }
    let title = dashboard["title"].as_str().map(str::to_lowercase);
    let has_title = |other: &Value| {
        other["uid"] != dashboard["uid"] && other["title"].as_str().map(str::to_lowercase) == title
    };
    if unique_titles && one.dashboards.values().any(has_title) {
        let text = "A dashboard with the same name in the folder already exists";
        return (412, json!({"status": "name-exists", "message": text}));
    }
    let present = one.dashboards.get(&uid);
    let version = present.map_or(0, |present| present["version"].as_i64().unwrap());
    if present.is_some() && body["overwrite"] != true && dashboard["version"].as_i64().unwrap_or(0) != version
    {
        let text = "The dashboard has been changed by someone else";
        return (412, json!({"status": "version-mismatch", "message": text}));
    }
    dashboard["id"] = present.map_or(id.into(), |present| present["id"].clone());
    dashboard["version"] = (version + 1).into();
    one.dashboards.insert(uid.clone(), dashboard);
    (
        200,
        json!({"id": id, "uid": uid, "status": "success", "version": version + 1, "url": format!("/d/{uid}/x")}),
    )
}

fn page(all: Vec<Value>, query: &BTreeMap<String, String>, first: usize) -> Value {
    let number = |name: &str, default| query.get(name).map_or(default, |value| value.parse().unwrap());
    let size = number("perpage", 1000);
    all.into_iter().skip((number("page", first) - first) * size).take(size).collect()
}
