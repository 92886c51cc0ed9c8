//! Who may do what: one table, checked in one place. The scopes of a key take away from it, and add nothing.

use super::{Actor, Pass};
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, PASSWORD, Role};
use crate::store::{Record, Snapshot};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Get one, list many.
    Read,
    /// Make a new one.
    Create,
    /// Change one.
    Update,
    /// Delete one.
    Delete,
}

/// On which records of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// On none.
    None,
    /// On those that belong to the actor, itself included.
    Own,
    /// On users whose role is client (for other resources: all).
    Clients,
    /// On all.
    All,
}

/// Which fields may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// Every one that clients set.
    Any,
    /// These, and what is inside of them.
    Only(&'static [&'static str]),
}

/// One line of the table.
struct Rule {
    resource: &'static str,
    role: Role,
    read: On,
    secrets: On,
    create: On,
    update: &'static [(On, Fields)],
    delete: On,
}

const NAME_AND_PASSWORD: Fields = Fields::Only(&["name", "credentials.password"]);
const ANY: &[(On, Fields)] = &[(On::All, Fields::Any)];
const NOTHING: &[(On, Fields)] = &[];
const ITSELF: &[(On, Fields)] = &[(On::Own, NAME_AND_PASSWORD)];

/// The first line that fits counts; `*` is every other resource.
#[rustfmt::skip]
const TABLE: &[Rule] = &[
    Rule { resource: "users",        role: Role::Admin,   read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "users",        role: Role::Manager, read: On::All,  secrets: On::All,  create: On::Clients, update: &[(On::Clients, Fields::Any), (On::Own, NAME_AND_PASSWORD)], delete: On::Clients },
    Rule { resource: "users",        role: Role::Viewer,  read: On::All,  secrets: On::None, create: On::None,    update: ITSELF,  delete: On::None },
    Rule { resource: "users",        role: Role::Client,  read: On::Own,  secrets: On::Own,  create: On::None,    update: ITSELF,  delete: On::None },

    Rule { resource: "karanas",      role: Role::Admin,   read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "karanas",      role: Role::Manager, read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "karanas",      role: Role::Viewer,  read: On::All,  secrets: On::None, create: On::None,    update: NOTHING, delete: On::None },
    Rule { resource: "karanas",      role: Role::Client,  read: On::Own,  secrets: On::Own,  create: On::None,    update: &[(On::Own, Fields::Only(&["name", "note", "config"]))], delete: On::None },

    Rule { resource: "maintenances", role: Role::Admin,   read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "maintenances", role: Role::Manager, read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "maintenances", role: Role::Viewer,  read: On::All,  secrets: On::None, create: On::None,    update: NOTHING, delete: On::None },
    Rule { resource: "maintenances", role: Role::Client,  read: On::Own,  secrets: On::Own,  create: On::None,    update: NOTHING, delete: On::None },

    Rule { resource: "payments",     role: Role::Admin,   read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "payments",     role: Role::Manager, read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "payments",     role: Role::Viewer,  read: On::All,  secrets: On::None, create: On::None,    update: NOTHING, delete: On::None },
    Rule { resource: "payments",     role: Role::Client,  read: On::Own,  secrets: On::Own,  create: On::None,    update: NOTHING, delete: On::None },

    Rule { resource: "keys",         role: Role::Admin,   read: On::All,  secrets: On::None, create: On::Own,     update: NOTHING, delete: On::All },
    Rule { resource: "keys",         role: Role::Manager, read: On::Own,  secrets: On::None, create: On::Own,     update: NOTHING, delete: On::Own },
    Rule { resource: "keys",         role: Role::Viewer,  read: On::Own,  secrets: On::None, create: On::Own,     update: NOTHING, delete: On::Own },
    Rule { resource: "keys",         role: Role::Client,  read: On::Own,  secrets: On::None, create: On::Own,     update: NOTHING, delete: On::Own },

    Rule { resource: "*",            role: Role::Admin,   read: On::All,  secrets: On::All,  create: On::All,     update: ANY,     delete: On::All },
    Rule { resource: "*",            role: Role::Manager, read: On::All,  secrets: On::All,  create: On::None,    update: NOTHING, delete: On::None },
    Rule { resource: "*",            role: Role::Viewer,  read: On::All,  secrets: On::None, create: On::None,    update: NOTHING, delete: On::None },
    Rule { resource: "*",            role: Role::Client,  read: On::Own,  secrets: On::Own,  create: On::None,    update: NOTHING, delete: On::None },
];

/// Roles that may start a sync.
pub const MAY_SYNC: &[Role] = &[Role::Admin, Role::Manager];

/// The record that something is done to, as far as the policy must know it.
pub struct Subject {
    uuid: Option<Uuid>,
    owner: Option<Uuid>,
    /// Of records that can sign in.
    role: Option<Role>,
}

impl Subject {
    /// What the policy must know of an entry that is in no table, or not yet.
    pub fn new(tables: &Snapshot, kind: &Kind, entry: &Entry) -> Self {
        let uuid = entry.get("uuid").and_then(|uuid| uuid.as_str()?.parse().ok());
        let role = kind.login_field().and_then(|_| Role::deserialize(entry.get("role")?).ok());
        Self { uuid, owner: tables.owner(kind, entry), role }
    }

    /// The same of a stored record.
    pub fn of(tables: &Snapshot, kind: &Kind, record: &Record) -> Self {
        Self::belonging_to(tables.owner_of(kind, record), kind, record)
    }

    /// The same of a record whose owner is known.
    pub fn belonging_to(owner: Option<Uuid>, kind: &Kind, record: &Record) -> Self {
        let role = kind.login_field().and_then(|_| serde_json::from_str(record.value_at("role")?).ok());
        Self { uuid: Some(record.uuid()), owner, role }
    }
}

/// What an actor sees of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Which records.
    pub records: On,
    /// The secrets of which records.
    pub secrets: On,
}

/// Whether the actor may use the verb on any record of the resource at all.
pub fn may(actor: &Actor, verb: Verb, kind: &Kind) -> Result<(), Error> {
    let rule = rule(actor.role, kind.name());
    let reach = match verb {
        Verb::Read => rule.read,
        Verb::Create => rule.create,
        Verb::Update => rule.update.first().map_or(On::None, |(on, _)| *on),
        Verb::Delete => rule.delete,
    };
    if reach == On::None || scope(actor, verb, kind) == On::None {
        return Err(refusal(actor, verb, kind));
    }
    Ok(())
}

/// Which fields the actor may change in some records of the resource: `true`, all; `false`, none; or their names.
pub fn changeable(actor: &Actor, kind: &Kind) -> Value {
    if may(actor, Verb::Update, kind).is_err() {
        return false.into();
    }
    match rule(actor.role, kind.name()).update.first() {
        None | Some((_, Fields::Any)) => true.into(),
        Some((_, Fields::Only(names))) => (*names).into(),
    }
}

/// Which records of the resource the actor may read, and of which of them the secrets.
pub fn sight(actor: &Actor, kind: &Kind) -> Result<Sight, Error> {
    may(actor, Verb::Read, kind)?;
    let rule = rule(actor.role, kind.name());
    let scope = scope(actor, Verb::Read, kind);
    Ok(Sight { records: narrowed(rule.read, scope), secrets: narrowed(rule.secrets, scope) })
}

/// Whether the actor may read the record.
pub fn may_read(actor: &Actor, kind: &Kind, subject: &Subject) -> Result<(), Error> {
    check(actor, Verb::Read, kind, subject, rule(actor.role, kind.name()).read)
}

/// The same as yes or no, for those who ask often.
pub fn reads(actor: &Actor, kind: &Kind, subject: &Subject) -> bool {
    allows(actor, Verb::Read, kind, subject, rule(actor.role, kind.name()).read)
}

/// Whether the actor may see the record's secrets. The hash of a password is for nobody.
pub fn sees_secrets(actor: &Actor, kind: &Kind, subject: &Subject) -> bool {
    covers(rule(actor.role, kind.name()).secrets, actor, subject)
        && covers(scope(actor, Verb::Read, kind), actor, subject)
}

/// Whether the actor may make the record.
pub fn may_create(actor: &Actor, kind: &Kind, subject: &Subject) -> Result<(), Error> {
    check(actor, Verb::Create, kind, subject, rule(actor.role, kind.name()).create)
}

/// Whether the actor may turn `before` into `after`, which differ in the fields `changed`.
pub fn may_update(
    actor: &Actor,
    kind: &Kind,
    before: &Subject,
    after: &Subject,
    changed: &[String],
) -> Result<(), Error> {
    let rules = || rule(actor.role, kind.name()).update.iter().filter(|(on, _)| covers(*on, actor, before));
    let scope = scope(actor, Verb::Update, kind);
    let in_scope = covers(scope, actor, before) && covers(scope, actor, after);
    if rules().next().is_none() || !in_scope {
        return Err(refusal(actor, Verb::Update, kind));
    }
    // Fields that follow from others are not the client's doing.
    let theirs = |path: &&String| path.as_str() != crate::resource::TOKEN_EPOCH && !is_generated(kind, path);
    let allowed =
        |path: &str| rules().any(|(on, fields)| covers(*on, actor, after) && includes(*fields, path));
    let refused: Vec<_> =
        changed.iter().filter(theirs).filter(|path| !allowed(path)).map(String::as_str).collect();
    if !refused.is_empty() {
        return Err(Error::Denied(format!(
            "the role {} may not change: {}",
            name(actor.role),
            refused.join(", ")
        )));
    }
    if is_self(actor, before) && changed.iter().any(|path| path == PASSWORD) {
        actor.is_a_person()?;
    }
    if is_self(actor, before) && (before.role != after.role || changed.iter().any(|path| path == "state")) {
        return Err(Error::Conflict(vec![Finding::new(
            "role",
            "self",
            "nobody changes the role or state of the account they are signed in with",
        )]));
    }
    Ok(())
}

/// Whether the actor may have the server make the record's secrets anew: who may change every field of it.
pub fn may_rotate(actor: &Actor, kind: &Kind, subject: &Subject) -> Result<(), Error> {
    let mut rules = rule(actor.role, kind.name()).update.iter();
    let may = rules.any(|(on, fields)| *fields == Fields::Any && covers(*on, actor, subject));
    if may && covers(scope(actor, Verb::Update, kind), actor, subject) {
        return Ok(());
    }
    Err(refusal(actor, Verb::Update, kind))
}

/// Whether the actor may delete the record.
pub fn may_delete(actor: &Actor, kind: &Kind, subject: &Subject) -> Result<(), Error> {
    check(actor, Verb::Delete, kind, subject, rule(actor.role, kind.name()).delete)?;
    // So that there is always an admin left: whoever deletes one is another.
    if is_self(actor, subject) {
        return Err(Error::Conflict(vec![Finding::new(
            "",
            "self",
            "nobody deletes the account they are signed in with",
        )]));
    }
    Ok(())
}

/// What each role may do, in words, those left out that may do nothing: for the description of the API.
pub fn in_words(kind: &Kind, verb: Verb) -> Vec<(Role, String)> {
    let on = |on: On| match on {
        On::None => None,
        On::Own => Some("its own".to_owned()),
        On::Clients if kind.login_field().is_some() => Some("clients".to_owned()),
        On::Clients | On::All => Some("all".to_owned()),
    };
    let words = |role: Role| {
        let rule = rule(role, kind.name());
        match verb {
            Verb::Read if kind.has_secrets() && rule.secrets == On::None => {
                on(rule.read).map(|words| format!("{words}, without secrets"))
            }
            Verb::Read => on(rule.read),
            Verb::Create => on(rule.create),
            Verb::Delete => on(rule.delete),
            Verb::Update => {
                let parts = rule.update.iter().filter_map(|(records, fields)| match fields {
                    Fields::Any => on(*records),
                    Fields::Only(names) => {
                        on(*records).map(|words| format!("{words} ({})", names.join(", ")))
                    }
                });
                Some(parts.collect::<Vec<_>>().join(", ")).filter(|words| !words.is_empty())
            }
        }
    };
    let roles = [Role::Admin, Role::Manager, Role::Viewer, Role::Client];
    roles.into_iter().filter_map(|role| Some((role, words(role)?))).collect()
}

/// Whether the actor may make a link by which the entry's user sets another password. One for oneself is the admin's:
/// everybody else changes the password that they have signed in with.
pub fn may_make_password_link(actor: &Actor, kind: &Kind, subject: &Subject) -> Result<(), Error> {
    let covered = |(on, fields): &(On, Fields)| {
        *on != On::Own && covers(*on, actor, subject) && includes(*fields, PASSWORD)
    };
    if rule(actor.role, kind.name()).update.iter().any(covered) {
        return Ok(());
    }
    Err(Error::Denied(format!("the role {} may not make this link", name(actor.role))))
}

/// Whether the actor may see and end the sessions of that user.
pub fn may_end_sessions(actor: &Actor, user: Uuid) -> Result<(), Error> {
    if actor.uuid == user || actor.role == Role::Admin {
        return Ok(());
    }
    Err(Error::Denied(format!("the role {} may do this with its own sessions only", name(actor.role))))
}

/// Whether the actor may start a sync.
pub fn may_sync(actor: &Actor) -> Result<(), Error> {
    if !MAY_SYNC.contains(&actor.role) {
        return Err(Error::Denied(format!("the role {} may not sync", name(actor.role))));
    }
    match &actor.pass {
        Pass::Key { scopes, .. } if !scopes.sync() => {
            Err(Error::Denied("the key's scopes have no sync".into()))
        }
        _ => Ok(()),
    }
}

/// Whether the actor may drop what sync has found and no record asks for.
pub fn may_drop_orphans(actor: &Actor) -> Result<(), Error> {
    may_sync(actor)?;
    if actor.role != Role::Admin {
        return Err(Error::Denied(format!("the role {} may not drop this", name(actor.role))));
    }
    Ok(())
}

/// Whether the actor sees how the server itself does.
pub fn may_see_health(actor: &Actor) -> Result<(), Error> {
    if actor.role == Role::Admin || actor.role == Role::Manager {
        return actor.is_a_person();
    }
    Err(Error::Denied(format!("the role {} may not see this", name(actor.role))))
}

/// Whether the actor sees which other servers are told what happens, and what has become of it.
pub fn may_see_webhooks(actor: &Actor) -> Result<(), Error> {
    if !MAY_SYNC.contains(&actor.role) {
        return Err(Error::Denied(format!("the role {} may not see webhooks", name(actor.role))));
    }
    // They tell what sync does.
    may_sync(actor)
}

/// Whether the actor may have an event sent that nothing has happened for.
pub fn may_test_webhooks(actor: &Actor) -> Result<(), Error> {
    may_see_webhooks(actor)?;
    if actor.role != Role::Admin {
        return Err(Error::Denied(format!("the role {} may not test webhooks", name(actor.role))));
    }
    Ok(())
}

/// Whether the actor sees metrics, and details of the inside, from wherever it asks: an admin's key, made for that.
pub fn sees_inside(actor: &Actor) -> bool {
    matches!(&actor.pass, Pass::Key { scopes, .. } if scopes.metrics()) && actor.role == Role::Admin
}

fn rule(role: Role, resource: &str) -> &'static Rule {
    TABLE
        .iter()
        .find(|rule| rule.role == role && (rule.resource == resource || rule.resource == "*"))
        .unwrap_or_else(|| unreachable!("the table ends with a line for every role"))
}

/// How far what the actor signed in with reaches.
fn scope(actor: &Actor, verb: Verb, kind: &Kind) -> On {
    match &actor.pass {
        Pass::Key { scopes, .. } => scopes.reach(verb, kind.name()),
        _ => On::All,
    }
}

/// What is left of `on`. A scope reaches to all, to one's own, or to nothing.
fn narrowed(on: On, scope: On) -> On {
    match (on, scope) {
        (On::None, _) | (_, On::None) => On::None,
        (on, On::All) => on,
        _ => On::Own,
    }
}

fn covers(on: On, actor: &Actor, subject: &Subject) -> bool {
    match on {
        On::None => false,
        On::Own => subject.owner == Some(actor.uuid),
        On::Clients => subject.role.is_none_or(|role| role == Role::Client),
        On::All => true,
    }
}

fn includes(fields: Fields, path: &str) -> bool {
    match fields {
        Fields::Any => true,
        Fields::Only(names) => names
            .iter()
            .any(|name| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))),
    }
}

fn is_generated(kind: &Kind, path: &str) -> bool {
    kind.definition().generated_secrets.iter().any(|secret| secret.field == path)
}

fn is_self(actor: &Actor, subject: &Subject) -> bool {
    subject.role.is_some() && subject.uuid == Some(actor.uuid)
}

fn check(actor: &Actor, verb: Verb, kind: &Kind, subject: &Subject, on: On) -> Result<(), Error> {
    if allows(actor, verb, kind, subject, on) { Ok(()) } else { Err(refusal(actor, verb, kind)) }
}

fn allows(actor: &Actor, verb: Verb, kind: &Kind, subject: &Subject, on: On) -> bool {
    covers(on, actor, subject) && covers(scope(actor, verb, kind), actor, subject)
}

/// The refusal of a verb on a record of the resource.
pub fn refusal(actor: &Actor, verb: Verb, kind: &Kind) -> Error {
    let verb = match verb {
        Verb::Read => "read",
        Verb::Create => "create",
        Verb::Update => "change",
        Verb::Delete => "delete",
    };
    let who = match actor.pass {
        Pass::Key { .. } => format!("this key of the role {}", name(actor.role)),
        _ => format!("the role {}", name(actor.role)),
    };
    Error::Denied(format!("{who} may not {verb} this in {}", kind.name()))
}

/// The role's name.
pub fn name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Manager => "manager",
        Role::Viewer => "viewer",
        Role::Client => "client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kinds;

    #[test]
    fn every_role_is_stated_for_every_built_in_resource_and_for_the_rest() {
        let enabled = ["users", "karanas", "maintenances", "payments"].map(String::from);
        let kinds = Kinds::enabled(&enabled).unwrap();
        for resource in kinds.iter().map(Kind::name).chain(["*"]) {
            for role in [Role::Admin, Role::Manager, Role::Viewer, Role::Client] {
                let lines =
                    TABLE.iter().filter(|rule| rule.resource == resource && rule.role == role).count();
                assert_eq!(lines, 1, "{resource} for {role:?}");
            }
        }
    }
}
