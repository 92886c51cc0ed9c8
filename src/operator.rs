//! What the operator does at the command line: the same whether a server runs (asked over its control socket) or not.

use crate::auth::Passwords;
use crate::error::Error;
use crate::resource::{Definition, Entry, Kind, Kinds, PASSWORD, Role, device_password, set_field};
use crate::store::{Author, Backup, Clock, Import, Moment, Snapshot, Store, export, tablestate};
use crate::sync::{Orphan, Scope, Step, Sync};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Something the operator asks for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Check everything in the store again, and how its backup stands.
    Check {
        /// The resources that the next start would have.
        definitions: Vec<Definition>,
    },
    /// Delete every entry of a declared resource.
    Clear {
        /// Its name.
        resource: String,
    },
    /// Take over a dump of the old server.
    Import {
        /// Its text.
        dump: String,
        /// Only say what would happen.
        dry_run: bool,
        /// Also into a store that is not empty.
        merge: bool,
    },
    /// Write a dump.
    Export {
        /// At an earlier revision.
        at: Option<String>,
        /// With the secrets, for moving to another instance.
        secrets: bool,
    },
    /// Add somebody who can sign in.
    UserAdd {
        /// Where they are reached and what they sign in with.
        email: String,
        /// For people.
        name: String,
        /// What they may do.
        role: Role,
        /// None: one is made and shown.
        password: Option<String>,
    },
    /// Give somebody a new password.
    UserPasswd {
        /// Whom.
        email: String,
        /// None: one is made and shown.
        password: Option<String>,
    },
    /// List who can sign in.
    UserList,
    /// What a sync would do.
    Plan,
    /// Bring the records to the back ends.
    Sync,
    /// All versions of one record.
    Log {
        /// Its resource.
        resource: String,
        /// Its key.
        uuid: Uuid,
    },
    /// Bring one record back to what it was.
    Revert {
        /// Its resource.
        resource: String,
        /// Its key.
        uuid: Uuid,
        /// When: a revision or a time.
        to: String,
    },
    /// List the keys that secrets are sealed with.
    KeyList,
    /// Seal all secrets with a new key.
    KeyRotate,
}

/// What a command answers with: a text for people, or the reason why it failed.
pub type Answer = Result<String, String>;

/// Carries the commands out.
#[derive(Clone)]
pub struct Operator {
    pub store: Store,
    pub passwords: Passwords,
    pub sync: Sync,
    /// The server's; without one nothing is pushed.
    pub backup: Option<Backup>,
    pub clock: Clock,
}

impl Operator {
    pub async fn run(&self, command: Command) -> Answer {
        let done = match command {
            Command::Check { definitions } => return self.check(definitions).await,
            Command::Clear { resource } => self.clear(&resource).await,
            Command::Import { dump, dry_run, merge } => self.import(&dump, dry_run, merge).await,
            Command::Export { at, secrets } => return self.export(at, secrets).await,
            Command::UserAdd { email, name, role, password } => self.add(&email, &name, role, password).await,
            Command::UserPasswd { email, password } => self.passwd(&email, password).await,
            Command::UserList => self.list(),
            Command::Plan => self.plan().await,
            Command::Sync => self.sync().await,
            Command::Log { resource, uuid } => return self.log(resource, uuid).await,
            Command::Revert { resource, uuid, to } => return self.revert(&resource, uuid, to).await,
            Command::KeyList => Ok(self.key_list()),
            Command::KeyRotate => self.key_rotate().await,
        };
        done.map_err(|error| error.to_string())
    }

    async fn check(&self, definitions: Vec<Definition>) -> Answer {
        let store = self.store.clone();
        let kinds = Kinds::compile(definitions)?;
        blocking(move || store.check_with(&kinds)).await?.map_err(|e| e.to_string())?;
        let status = self.backup.as_ref().and_then(Backup::status);
        match status {
            None => Ok("the store is in order\nbackup: not configured ([storage] remote)".into()),
            Some(status) if status.failure.is_some() => {
                Err(format!("the store is in order\nbackup: {status}"))
            }
            Some(status) => Ok(format!("the store is in order\nbackup: {status}")),
        }
    }

    /// So that a resource can be taken out of force: what the program comes with cannot.
    async fn clear(&self, resource: &str) -> Result<String, Error> {
        let kinds = self.store.kinds().clone();
        let kind = kinds.get(resource).filter(|kind| !Kinds::are_built_in(kind.name()));
        let index = kind
            .ok_or_else(|| Error::NotFound(format!("there is no declared resource `{resource}`")))?
            .index();
        let written = self
            .store
            .write(Author::program("operator"), move |transaction| transaction.clear(kinds.at(index)));
        let written = written.await?;
        Ok(format!("deleted {} entries of {resource}; the change is {}", written.value, written.revision))
    }

    async fn import(&self, dump: &str, dry_run: bool, merge: bool) -> Result<String, Error> {
        let not_empty =
            || Error::conflict("", "not_empty", "the store is not empty; --merge imports all the same");
        if !merge && !self.store.read().is_empty() {
            return Err(not_empty());
        }
        let import = match Import::read(&self.store.read(), dump, (self.clock)()) {
            Ok(import) => import,
            Err(faults) => {
                let lines: Vec<_> = faults.iter().map(|fault| format!("  {fault}")).collect();
                return Err(Error::invalid(
                    "",
                    "dump",
                    format!(
                        "the dump breaks {} rules; nothing was imported:\n{}",
                        lines.len(),
                        lines.join("\n")
                    ),
                ));
            }
        };
        let notes: String = import.notes().iter().map(|note| format!("note: {note}\n")).collect();
        let put = move |transaction: &mut crate::store::Transaction| {
            if !merge && !transaction.tables().is_empty() {
                return Err(not_empty());
            }
            import.put(transaction)
        };
        if dry_run {
            let count = self.store.rehearse(put)?;
            return Ok(format!("{notes}{count} entries could be imported; nothing was changed"));
        }
        let written = self.store.write(Author::program("import"), put).await?;
        Ok(format!("{notes}imported {} entries as {}", written.value, written.revision))
    }

    async fn export(&self, at: Option<String>, secrets: bool) -> Answer {
        let store = self.store.clone();
        blocking(move || {
            let tables = match at {
                None => (*store.read()).clone(),
                Some(at) => store.at(&at.as_str().into()).map_err(|e| e.to_string())?,
            };
            let dump = json!({"tables": export(&tables, secrets), "tablestate": tablestate(tables.kinds())});
            Ok(dump.to_string())
        })
        .await?
    }

    async fn add(
        &self,
        email: &str,
        name: &str,
        role: Role,
        password: Option<String>,
    ) -> Result<String, Error> {
        let kinds = self.store.kinds().clone();
        let kind = login_kind(&self.store)?;
        let (password, shown) = given_or_made(password);
        let input = json!({"name": name, "email": email, "role": role, "credentials": {"login": email, "password": password}});
        let mut entry = kind.new_entry(input.as_object().unwrap_or(&Entry::new()))?;
        set_field(&mut entry, PASSWORD, self.passwords.hash(&password).await?.into());
        let uuid = Uuid::new_v4();
        kind.complete(&mut entry, uuid, (self.clock)());
        let index = kind.index();
        self.store
            .write(Author::program("operator"), move |transaction| {
                transaction.insert(kinds.at(index), &entry)
            })
            .await?;
        Ok(format!("added {email} as {uuid}{shown}"))
    }

    async fn passwd(&self, email: &str, password: Option<String>) -> Result<String, Error> {
        let kinds = self.store.kinds().clone();
        let kind = login_kind(&self.store)?;
        let record = find(&self.store.read(), kind, email)?;
        let (password, shown) = given_or_made(password);
        let input = json!({"credentials": {"password": password}});
        let mut patch = kind.read_patch(input.as_object().unwrap_or(&Entry::new()))?;
        patch.set_password_hash(self.passwords.hash(&password).await?);
        let index = kind.index();
        let change = move |transaction: &mut crate::store::Transaction| {
            let kind = kinds.at(index);
            let old = transaction.tables().find(kind, record)?.entry();
            transaction.replace(kind, &kind.apply(&old, &old, &patch)?)
        };
        self.store.write(Author::program("operator"), change).await?;
        Ok(format!("changed the password of {email}; all its tokens have ended{shown}"))
    }

    fn list(&self) -> Result<String, Error> {
        let kind = login_kind(&self.store)?;
        let tables = self.store.read();
        let mut lines: Vec<_> = tables
            .records(kind)
            .map(|record| {
                let entry = record.entry();
                // Names are anybody's choice, and this goes to a terminal.
                let text = |name: &str| {
                    let text = entry.get(name).and_then(|value| value.as_str()).unwrap_or_default();
                    text.replace(|c: char| c.is_control(), "\u{fffd}")
                };
                format!(
                    "{}  {:<8} {:<9} {}  {}",
                    record.uuid(),
                    text("role"),
                    text("state"),
                    text("email"),
                    text("name")
                )
            })
            .collect();
        lines.sort();
        Ok(lines.join("\n"))
    }

    async fn plan(&self) -> Result<String, Error> {
        let outlook = self.sync.plan(Scope::All).await?;
        let step = |step: &Step| match step.drift {
            true => format!("{step} (changed by hand)"),
            false => step.to_string(),
        };
        let orphan = |orphan: &Orphan| format!("{orphan}: belongs to no record; it is left alone");
        let mut lines: Vec<_> = outlook.steps.iter().map(step).collect();
        lines.extend(outlook.orphans.iter().map(orphan));
        lines.push(format!("{} actions, {} orphans", outlook.steps.len(), outlook.orphans.len()));
        Ok(self.or_not_configured(lines.join("\n")))
    }

    async fn sync(&self) -> Result<String, Error> {
        let report = self.sync.run(Scope::All).await?;
        let failures =
            report.failures.iter().map(|f| format!("{}: {}\n", f.record(), f.reason)).collect::<String>();
        let count = |name: &str, count: &crate::sync::Count| {
            format!("{name}: {} synced, {} failed", count.synced, count.failed)
        };
        let text =
            format!("{failures}{}\n{}", count("users", &report.users), count("karanas", &report.karanas));
        if report.failures.is_empty() {
            Ok(self.or_not_configured(text))
        } else {
            Err(Error::Unavailable(text))
        }
    }

    fn or_not_configured(&self, text: String) -> String {
        if self.sync.is_configured() {
            text
        } else {
            "not configured ([influxdb] host): there is nothing to sync with".into()
        }
    }

    fn key_list(&self) -> String {
        let mut names = self.store.keys();
        if let Some(newest) = names.last_mut() {
            newest.push_str("  in force");
        }
        names.join("\n")
    }

    async fn key_rotate(&self) -> Result<String, Error> {
        let written = self.store.rotate_key(Author::program("operator")).await?;
        let (name, revision) = (written.value, written.revision);
        Ok(format!(
            "sealed all secrets with the key {name}, as {revision}; keep a new copy of the key file, the old one does not open them"
        ))
    }

    async fn revert(&self, resource: &str, uuid: Uuid, to: String) -> Answer {
        let store = self.store.clone();
        let kinds = store.kinds().clone();
        let index = kinds.get(resource).ok_or_else(|| format!("there is no resource `{resource}`"))?.index();
        let moment = Moment::from(to.as_str());
        let (kinds_then, at) = (kinds.clone(), moment.clone());
        let past = blocking(move || store.record_at(kinds_then.at(index), uuid, &at)).await?;
        let past = past.map_err(|e| e.to_string())?;
        let past = past.ok_or_else(|| format!("there was no entry {uuid} in {resource} at {moment}"))?;
        let reverted = self.store.write(Author::program("operator"), move |transaction| {
            let kind = kinds.at(index);
            let now = transaction.tables().get(kind, uuid).map(|record| record.entry());
            let entry = kind.restored(&past, now.as_ref());
            if now.is_some() { transaction.replace(kind, &entry) } else { transaction.insert(kind, &entry) }
        });
        let revision = reverted.await.map_err(|e| e.to_string())?.revision;
        Ok(format!("{resource}/{uuid} is as it was at {moment}; the change is {revision}"))
    }

    async fn log(&self, resource: String, uuid: Uuid) -> Answer {
        let store = self.store.clone();
        blocking(move || {
            let kind =
                store.kinds().get(&resource).ok_or_else(|| format!("there is no resource `{resource}`"))?;
            let versions = store.history(kind, uuid).map_err(|e| e.to_string())?;
            if versions.is_empty() {
                return Err(format!("there has never been an entry {uuid} in {resource}"));
            }
            let line = |version: &crate::store::Version| {
                let time = version.time.format("%Y-%m-%d %H:%M:%S");
                format!("{}  {time} UTC  {}  {}", version.revision.short(), version.author, version.summary)
            };
            Ok(versions.iter().map(line).collect::<Vec<_>>().join("\n"))
        })
        .await?
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())
}

/// The resource whose entries sign in.
fn login_kind(store: &Store) -> Result<&Kind, Error> {
    let mut kinds = store.kinds().iter();
    kinds
        .find(|kind| kind.login_field().is_some())
        .ok_or_else(|| Error::NotFound("no resource has a login field".into()))
}

fn find(tables: &Snapshot, kind: &Kind, login: &str) -> Result<Uuid, Error> {
    let record = tables.by_unique(kind, kind.login_field().unwrap_or_default(), login);
    record
        .map(|record| record.uuid())
        .ok_or_else(|| Error::NotFound(format!("there is no {login} in {}", kind.name())))
}

/// A password, and what is shown of it: nothing of one that was given.
fn given_or_made(password: Option<String>) -> (String, String) {
    match password {
        Some(password) => (password, String::new()),
        None => {
            let made = device_password();
            let shown = format!("\npassword: {made}");
            (made, shown)
        }
    }
}
