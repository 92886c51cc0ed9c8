//! What the fake holds, and what each call does to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, Who, problem};

/// What a change means for the points.
pub enum Effect {
    None,
    Created(String),
    Dropped(String),
}

struct Bucket {
    name: String,
    org: String,
    every_seconds: u64,
}

struct Authorization {
    token: String,
    org: String,
    status: String,
    permissions: Value,
    password: Option<String>,
}

struct Mapping {
    database: String,
    policy: String,
    org: String,
    bucket: String,
    default: bool,
}

pub struct World {
    minor: u32,
    organizations: BTreeMap<String, String>,
    buckets: BTreeMap<String, Bucket>,
    authorizations: BTreeMap<String, Authorization>,
    mappings: BTreeMap<String, Mapping>,
    last_id: u64,
}

type Query = BTreeMap<String, String>;

impl World {
    pub fn new(minor: u32, organization: &str) -> Self {
        let mut world = Self {
            minor,
            organizations: BTreeMap::new(),
            buckets: BTreeMap::new(),
            authorizations: BTreeMap::new(),
            mappings: BTreeMap::new(),
            last_id: 0x0a00_0000_0000_0000,
        };
        world.add_organization(organization);
        world
    }

    pub fn add_organization(&mut self, name: &str) {
        let id = self.new_id();
        for system in ["_monitoring", "_tasks"] {
            let bucket = Bucket { name: system.into(), org: id.clone(), every_seconds: 604_800 };
            let bucket_id = self.new_id();
            self.buckets.insert(bucket_id, bucket);
        }
        self.organizations.insert(id, name.into());
    }

    pub fn sizes(&self) -> [usize; 3] {
        let ours = self.buckets.values().filter(|bucket| !bucket.name.starts_with('_'));
        [ours.count(), self.authorizations.len(), self.mappings.len()]
    }

    fn new_id(&mut self) -> String {
        self.last_id += 1;
        format!("{:016x}", self.last_id)
    }

    /// The organization that the token belongs to.
    fn home(&self) -> &str {
        self.organizations.keys().next().unwrap()
    }

    pub fn sign_in(&self, user: &str, pass: &str) -> Option<Who> {
        let one = self.authorizations.values().find(|one| one.token == user)?;
        if one.status != "active" || one.password.as_deref() != Some(pass) {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let permissions = one.permissions.as_array().unwrap().iter();
        let on_buckets = permissions.filter(|one| one["resource"]["type"] == "buckets");
        Some(Who::Client(
            on_buckets.map(|one| (text(&one["action"]), text(&one["resource"]["id"]))).collect(),
        ))
    }

    /// The bucket that a database leads to, for one who asks for no retention policy.
    fn bucket_of(&self, database: &str) -> Option<&str> {
        let mapped = self.mappings.values().find(|one| one.database == database && one.default);
        if let Some(mapping) = mapped {
            return Some(&mapping.bucket).filter(|id| self.buckets.contains_key(*id)).map(String::as_str);
        }
        let mut by_name = self.buckets.iter().filter(|_| self.minor >= 4);
        by_name.find(|(_, one)| one.name == database && one.org == self.home()).map(|(id, _)| id.as_str())
    }

    /// Whether somebody may read and write a database.
    pub fn may(&self, who: &Who, database: &str) -> (bool, bool) {
        let Some(id) = self.bucket_of(database) else { return (false, false) };
        match who {
            Who::Operator => (true, true),
            Who::Client(rights) => {
                let has = |action: &str| rights.iter().any(|(one, on)| one == action && on == id);
                (has("read"), has("write"))
            }
        }
    }

    pub fn databases(&self, who: &Who) -> BTreeSet<String> {
        let names = self.buckets.values().map(|one| one.name.clone());
        names.filter(|name| self.may(who, name).0).collect()
    }

    pub fn respond(&mut self, method: &str, path: &str, query: &Query, body: &Value) -> (Answer, Effect) {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let answer = match &parts[..] {
            ["api", "v2", "buckets", rest @ ..] => return self.buckets(method, rest, query, body),
            ["api", "v2", "orgs"] => self.list_organizations(query),
            ["api", "v2", "dbrps", rest @ ..] => self.mappings(method, rest, query, body),
            ["private", "legacy", "authorizations", rest @ ..] => {
                self.authorizations(method, rest, query, body)
            }
            _ => problem(404, "not found", "path not found"),
        };
        (answer, Effect::None)
    }

    fn list_organizations(&self, query: &Query) -> Answer {
        let wanted = |name: &str| query.get("org").is_none_or(|org| org == name);
        let found = self.organizations.iter().filter(|(_, name)| wanted(name));
        let orgs: Vec<Value> = found.map(|(id, name)| json!({"id": id, "name": name})).collect();
        if orgs.is_empty() {
            return problem(404, "not found", "organization name not found");
        }
        (200, json!({"orgs": orgs}))
    }

    fn buckets(&mut self, method: &str, rest: &[&str], query: &Query, body: &Value) -> (Answer, Effect) {
        let show = |id: &str, one: &Bucket| {
            let rules = if one.every_seconds == 0 {
                json!([])
            } else {
                json!([{"type": "expire", "everySeconds": one.every_seconds}])
            };
            json!({"id": id, "orgID": one.org, "name": one.name, "type": "user", "retentionRules": rules})
        };
        let missing = || problem(404, "not found", "bucket not found");
        // Before 2.1 there is no rule of zero seconds.
        let rules = body["retentionRules"].as_array().cloned().unwrap_or_default();
        let every_seconds = rules.first().map_or(0, |rule| rule["everySeconds"].as_u64().unwrap());
        let is_zero = !rules.is_empty() && every_seconds == 0;
        if is_zero && self.minor < 1 || (1..3600).contains(&every_seconds) {
            return (problem(422, "unprocessable entity", "expiration seconds are too few"), Effect::None);
        }
        match (method, rest) {
            ("GET", []) => {
                let number = |name: &str, other| query.get(name).map_or(other, |text| text.parse().unwrap());
                let (limit, offset) = (number("limit", 20).min(100), number("offset", 0));
                let is_it = |one: &Bucket| {
                    query.get("name").is_none_or(|name| *name == one.name)
                        && query.get("orgID").is_none_or(|org| *org == one.org)
                };
                let mut all: Vec<_> = self.buckets.iter().filter(|(_, one)| is_it(one)).collect();
                all.sort_by_key(|(_, one)| &one.name);
                let page: Vec<Value> =
                    all.into_iter().skip(offset).take(limit).map(|(id, one)| show(id, one)).collect();
                if page.is_empty() && query.contains_key("name") {
                    return (missing(), Effect::None);
                }
                ((200, json!({"buckets": page})), Effect::None)
            }
            ("POST", []) => {
                let (name, org) = (body["name"].as_str().unwrap(), body["orgID"].as_str().unwrap());
                if self.buckets.values().any(|one| one.name == name && one.org == org) {
                    let text = format!("bucket with name {name} already exists");
                    return (problem(422, "conflict", &text), Effect::None);
                }
                let id = self.new_id();
                let bucket = Bucket { name: name.into(), org: org.into(), every_seconds };
                let shown = show(&id, &bucket);
                self.buckets.insert(id, bucket);
                ((201, shown), Effect::Created(name.into()))
            }
            ("PATCH", [id]) => match self.buckets.get_mut(*id) {
                Some(bucket) => {
                    bucket.every_seconds = every_seconds;
                    ((200, show(id, bucket)), Effect::None)
                }
                None => (missing(), Effect::None),
            },
            ("DELETE", [id]) => match self.buckets.remove(*id) {
                Some(bucket) => {
                    self.mappings.retain(|_, one| one.bucket != *id);
                    ((204, Value::Null), Effect::Dropped(bucket.name))
                }
                None => (missing(), Effect::None),
            },
            _ => (problem(405, "method not allowed", "allow: GET, POST"), Effect::None),
        }
    }

    fn mappings(&mut self, method: &str, rest: &[&str], query: &Query, body: &Value) -> Answer {
        match (method, rest) {
            ("GET", []) => {
                let show = |(id, one): (&String, &Mapping)| {
                    json!({"id": id, "database": one.database, "retention_policy": one.policy,
                        "default": one.default, "orgID": one.org, "bucketID": one.bucket})
                };
                let ours = self.mappings.iter().filter(|(_, one)| one.org == query["orgID"]);
                (200, json!({"content": ours.map(show).collect::<Vec<_>>()}))
            }
            ("POST", []) => {
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                let mapping = Mapping {
                    database: text("database"),
                    policy: text("retention_policy"),
                    org: text("orgID"),
                    bucket: text("bucketID"),
                    default: true,
                };
                let is_same =
                    |one: &Mapping| (&one.database, &one.policy) == (&mapping.database, &mapping.policy);
                if self.mappings.values().any(is_same) {
                    return problem(
                        422,
                        "conflict",
                        "another DBRP mapping with same orgID, db, and rp exists",
                    );
                }
                let id = self.new_id();
                self.mappings.insert(id.clone(), mapping);
                (201, json!({"id": id}))
            }
            ("DELETE", [id]) if query.contains_key("orgID") => {
                self.mappings.remove(*id);
                (204, Value::Null)
            }
            _ => problem(400, "invalid", "invalid request"),
        }
    }

    fn authorizations(&mut self, method: &str, rest: &[&str], query: &Query, body: &Value) -> Answer {
        let show = |id: &str, one: &Authorization| {
            json!({"id": id, "token": one.token, "status": one.status, "orgID": one.org,
                "permissions": one.permissions})
        };
        let missing = || problem(404, "not found", "authorization not found");
        let invalid = |text: &str| problem(400, "invalid", text);
        match (method, rest) {
            ("GET", []) => {
                let is_it = |one: &Authorization| {
                    query.get("orgID").is_none_or(|org| *org == one.org)
                        && query.get("token").is_none_or(|token| *token == one.token)
                };
                let found = self.authorizations.iter().filter(|(_, one)| is_it(one));
                let found: Vec<Value> = found.map(|(id, one)| show(id, one)).collect();
                if found.is_empty() && query.contains_key("token") {
                    return missing();
                }
                (200, json!({"authorizations": found}))
            }
            ("POST", []) => {
                if body["permissions"].as_array().is_none_or(Vec::is_empty) {
                    return invalid("authorization must include permissions");
                }
                let Some(token) = body["token"].as_str().filter(|token| !token.is_empty()) else {
                    return invalid("token required for v1 user authorization type");
                };
                let org = body["orgID"].as_str().unwrap();
                if !self.organizations.contains_key(org) {
                    return invalid("unable to create token");
                }
                if self.authorizations.values().any(|one| one.token == token) {
                    return problem(422, "conflict", "token already exists");
                }
                let one = Authorization {
                    token: token.into(),
                    org: org.into(),
                    status: body["status"].as_str().unwrap_or("active").into(),
                    permissions: body["permissions"].clone(),
                    password: None,
                };
                let id = self.new_id();
                let shown = show(&id, &one);
                self.authorizations.insert(id, one);
                (201, shown)
            }
            (_, [id, rest @ ..]) => {
                let Some(one) = self.authorizations.get_mut(*id) else { return missing() };
                match (method, rest) {
                    ("PATCH", []) => {
                        let status = body["status"].as_str().unwrap();
                        if !["active", "inactive"].contains(&status) {
                            return invalid("unknown authorization status");
                        }
                        one.status = status.into();
                        (200, show(id, one))
                    }
                    ("DELETE", []) => {
                        self.authorizations.remove(*id);
                        (204, Value::Null)
                    }
                    ("POST", ["password"]) => {
                        let password = body["password"].as_str().unwrap();
                        if !(8..=72).contains(&password.len()) {
                            return invalid("passwords must be between 8 and 72 characters long");
                        }
                        one.password = Some(password.into());
                        (204, Value::Null)
                    }
                    _ => problem(405, "method not allowed", "allow: GET, PATCH, DELETE"),
                }
            }
            _ => problem(405, "method not allowed", "allow: GET, POST"),
        }
    }
}
