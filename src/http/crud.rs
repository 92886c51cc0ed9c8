//! Create, read, update, delete: once, for every resource and every version of the API.
//!
//! A version passes its own way to show an entry ([`View`]); what is shown is made from the very tables that the
//! answer stands for.

use super::App;
use super::context::Context;
use super::once::{Claim, Done, once};
use crate::auth::Actor;
use crate::auth::policy::{self, On, Subject, Verb};
use crate::error::Error;
use crate::resource::{Draft, Entry, Kind, Kinds, PASSWORD, Patch, set_field, uuid_at};
use crate::store::{Dependents, Page, Record, Selection, Snapshot, Transaction, Written};
use serde::Serialize;
use uuid::Uuid;

/// How a version of the API shows a record; the flag says whether its secrets are for this reader.
pub type View<T> = fn(&Snapshot, &Kind, &Record, bool) -> T;

/// One request on a resource.
pub struct Call<'a, T> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub context: &'a Context,
    pub resource: &'a str,
    pub view: View<T>,
}

/// What is to become of a record.
#[derive(Clone)]
pub enum Change {
    /// As `/v1` has it.
    Patch(Patch),
    /// As `/v2` has it.
    Draft(Draft),
}

/// What must be true of a record for a change to be made (RFC 9110, 13.1.1).
#[derive(Debug, Clone, Default)]
pub enum Condition {
    /// That there is one.
    #[default]
    None,
    /// It is one of these versions: [`Record::content_id`].
    Is(Vec<String>),
}

impl Condition {
    fn check(&self, kind: &Kind, record: &Record) -> Result<(), Error> {
        match self {
            Self::Is(versions) if !versions.iter().any(|version| version == record.content_id(kind)) => {
                Err(Error::Changed)
            }
            _ => Ok(()),
        }
    }
}

impl Change {
    /// The new password in plain text, if there is one.
    pub fn password<'a>(&'a self, kind: &Kind) -> Option<&'a str> {
        match self {
            Self::Patch(patch) => patch.password(kind),
            Self::Draft(draft) => draft.password(kind),
        }
    }

    /// The entry that `old` becomes, with the hash of the new password, if it has one.
    fn apply(&self, tables: &Snapshot, kind: &Kind, old: &Entry, hash: Option<&str>) -> Result<Entry, Error> {
        match self {
            Self::Patch(patch) => {
                let mut shown = old.clone();
                if let Some(uuid) = uuid_at(old, "uuid") {
                    tables.add_back_references(kind, uuid, &mut shown);
                }
                let mut patch = patch.clone();
                if let Some(hash) = hash.or_else(|| kind.password(old)) {
                    patch.set_password_hash(hash.to_owned());
                }
                kind.apply(old, &shown, &patch)
            }
            Self::Draft(draft) => kind.redrafted(old, draft, hash),
        }
    }
}

impl<T: Send + 'static> Call<'_, T> {
    /// All entries that the actor may read, ordered by uuid.
    pub fn list(&self) -> Result<Vec<(Uuid, T)>, Error> {
        let kind = self.kind(Verb::Read)?;
        let tables = self.app.store.read();
        let mut shown = Vec::with_capacity(tables.len(kind));
        for record in tables.records(kind) {
            let subject = Subject::of(&tables, kind, record);
            if policy::may_read(self.actor, kind, &subject).is_ok() {
                let secrets = policy::sees_secrets(self.actor, kind, &subject);
                shown.push((record.uuid(), (self.view)(&tables, kind, record, secrets)));
            }
        }
        Ok(shown)
    }

    /// One page of the entries that the actor may read, and the revision it stands for.
    pub fn page(&self, tables: &Snapshot, mut wanted: Selection) -> Result<(Page, Vec<T>), Error> {
        let kind = self.kind(Verb::Read)?;
        let sight = policy::sight(self.actor, kind)?;
        if sight.records != On::All {
            wanted.narrow(tables.belonging_to(kind, self.actor.uuid));
        }
        let page = tables.select(kind, &wanted);
        let shown = page.records.iter().map(|record| {
            let secrets = match sight.secrets {
                On::All => true,
                On::None => false,
                // Who reads only its own sees the secrets of all that it reads.
                On::Own if sight.records == On::Own => true,
                _ => policy::sees_secrets(self.actor, kind, &Subject::of(tables, kind, record)),
            };
            (self.view)(tables, kind, record, secrets)
        });
        let shown = shown.collect();
        Ok((page, shown))
    }

    /// One entry.
    pub fn read(&self, uuid: Uuid) -> Result<T, Error> {
        self.read_in(&self.app.store.read(), uuid)
    }

    /// One entry as these tables have it.
    pub fn read_in(&self, tables: &Snapshot, uuid: Uuid) -> Result<T, Error> {
        let kind = self.kind(Verb::Read)?;
        let record = tables.find(kind, uuid)?;
        let sight = policy::sight(self.actor, kind)?;
        let secrets = match (sight.records, sight.secrets) {
            (On::All, On::All) => true,
            (On::All, On::None) => false,
            _ => {
                let subject = Subject::of(tables, kind, record);
                policy::may_read(self.actor, kind, &subject)?;
                policy::sees_secrets(self.actor, kind, &subject)
            }
        };
        Ok((self.view)(tables, kind, record, secrets))
    }

    /// Reads what creates an entry on `/v1`.
    pub fn read_new(&self, input: &Entry) -> Result<Entry, Error> {
        self.kind(Verb::Create)?.new_entry(input)
    }

    /// Reads what creates an entry on `/v2`.
    pub fn read_new_draft(&self, input: &Entry) -> Result<Entry, Error> {
        self.kind(Verb::Create)?.new_from_draft(input)
    }

    /// Makes an entry of what was read; once, if it is claimed. What is kept then is the answer of `kept`.
    pub async fn create<O: Serialize + 'static>(
        &self,
        mut entry: Entry,
        claim: Option<Claim>,
        kept: fn(&Kind, &T) -> O,
    ) -> Result<Written<Done<T>>, Error> {
        let kind = self.kind(Verb::Create)?;
        // Outside the writer: it takes its time.
        if let Some(password) = kind.password(&entry) {
            let hash = self.app.passwords.hash(password).await?;
            set_field(&mut entry, PASSWORD, hash.into());
        }
        let uuid = Uuid::new_v4();
        kind.complete(&mut entry, uuid, (self.app.clock)());
        let (actor, kinds, index, view) = self.for_the_writer(kind);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            once(transaction, claim, |transaction| {
                create(transaction, &actor, kind, &entry)?;
                let seen = seen(transaction.tables(), &actor, kind, uuid, view)?;
                let kept = kept(kind, &seen);
                Ok((seen, kept))
            })
        });
        written.await
    }

    /// Reads a change of an entry on `/v1`, to be looked at before it is made.
    pub fn read_patch(&self, input: &Entry) -> Result<Patch, Error> {
        self.kind(Verb::Update)?.read_patch(input)
    }

    /// Changes an entry; answers with the whole of it afterwards.
    pub async fn update(
        &self,
        uuid: Uuid,
        change: Change,
        condition: Condition,
    ) -> Result<Written<T>, Error> {
        let kind = self.kind(Verb::Update)?;
        let mut hash = None;
        {
            let tables = self.app.store.read();
            tables.find(kind, uuid)?;
        }
        if let Some(password) = change.password(kind) {
            // A hash takes long to make: not for what is refused anyway, nor for a password that is too long.
            let rehearsed = self.app.store.rehearse(|transaction| {
                update(transaction, self.actor, kind, uuid, &change, None, &condition)
            });
            rehearsed?;
            hash = Some(self.app.passwords.hash(password).await?);
        }
        let (actor, kinds, index, view) = self.for_the_writer(kind);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            update(transaction, &actor, kind, uuid, &change, hash.as_deref(), &condition)?;
            seen(transaction.tables(), &actor, kind, uuid, view)
        });
        written.await
    }

    /// Makes the secrets of an entry anew that the server makes; answers with the whole of it afterwards.
    pub async fn rotate(&self, uuid: Uuid, condition: Condition) -> Result<Written<T>, Error> {
        let kind = self.kind(Verb::Update)?;
        let (actor, kinds, index, view) = self.for_the_writer(kind);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            rotate(transaction, &actor, kind, uuid, &condition)?;
            seen(transaction.tables(), &actor, kind, uuid, view)
        });
        written.await
    }

    /// Deletes an entry; answers with what it was.
    pub async fn delete(
        &self,
        uuid: Uuid,
        dependents: Dependents,
        condition: Condition,
    ) -> Result<Written<T>, Error> {
        let kind = self.kind(Verb::Delete)?;
        let (actor, kinds, index, view) = self.for_the_writer(kind);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            let shown = seen(transaction.tables(), &actor, kind, uuid, view)?;
            delete(transaction, &actor, kind, uuid, dependents, &condition)?;
            Ok(shown)
        });
        written.await
    }

    /// Brings an entry back to what it was.
    pub async fn restore<O: Serialize + 'static>(
        &self,
        uuid: Uuid,
        past: Entry,
        condition: Condition,
        claim: Option<Claim>,
        kept: fn(&Kind, &T) -> O,
    ) -> Result<Written<Done<T>>, Error> {
        let kind = self.kind(Verb::Update)?;
        let (actor, kinds, index, view) = self.for_the_writer(kind);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            once(transaction, claim, |transaction| {
                match transaction.tables().get(kind, uuid).cloned() {
                    None => create(transaction, &actor, kind, &kind.restored(&past, None))?,
                    Some(now) => {
                        condition.check(kind, &now)?;
                        let now = now.entry();
                        exchange(transaction, &actor, kind, &now, &kind.restored_over(&past, &now))?;
                    }
                }
                let seen = seen(transaction.tables(), &actor, kind, uuid, view)?;
                let kept = kept(kind, &seen);
                Ok((seen, kept))
            })
        });
        written.await
    }

    fn for_the_writer(&self, kind: &Kind) -> (Actor, Kinds, usize, View<T>) {
        (self.actor.clone(), self.app.store.kinds().clone(), kind.index(), self.view)
    }

    /// The resource, if there is one of that name and the actor may use the verb on any of its entries.
    fn kind(&self, verb: Verb) -> Result<&Kind, Error> {
        let kind = self.app.kind(self.resource)?;
        policy::may(self.actor, verb, kind)?;
        Ok(kind)
    }
}

// The decisions, on the writer's thread: against tables that nothing changes meanwhile.

/// Adds a complete entry.
pub fn create(transaction: &mut Transaction, actor: &Actor, kind: &Kind, entry: &Entry) -> Result<(), Error> {
    policy::may_create(actor, kind, &Subject::new(transaction.tables(), kind, entry))?;
    transaction.insert(kind, entry)
}

/// Changes an entry.
pub fn update(
    transaction: &mut Transaction,
    actor: &Actor,
    kind: &Kind,
    uuid: Uuid,
    change: &Change,
    hash: Option<&str>,
    condition: &Condition,
) -> Result<(), Error> {
    let record = transaction.tables().find(kind, uuid)?;
    let old = record.entry();
    let before = Subject::new(transaction.tables(), kind, &old);
    policy::may_read(actor, kind, &before)?;
    // Whether it may be changed at all, before anything is said about what was sent.
    policy::may_update(actor, kind, &before, &before, &[])?;
    condition.check(kind, record)?;
    let new = change.apply(transaction.tables(), kind, &old, hash)?;
    exchange(transaction, actor, kind, &old, &new)
}

/// Makes the secrets of an entry anew that the server makes.
pub fn rotate(
    transaction: &mut Transaction,
    actor: &Actor,
    kind: &Kind,
    uuid: Uuid,
    condition: &Condition,
) -> Result<(), Error> {
    let record = transaction.tables().find(kind, uuid)?;
    let subject = Subject::of(transaction.tables(), kind, record);
    policy::may_read(actor, kind, &subject)?;
    policy::may_rotate(actor, kind, &subject)?;
    condition.check(kind, record)?;
    let mut entry = record.entry();
    kind.rotate(&mut entry);
    transaction.replace(kind, &entry)
}

/// Puts one entry in the place of another.
fn exchange(
    transaction: &mut Transaction,
    actor: &Actor,
    kind: &Kind,
    old: &Entry,
    new: &Entry,
) -> Result<(), Error> {
    let [before, after] = [old, new].map(|entry| Subject::new(transaction.tables(), kind, entry));
    policy::may_update(actor, kind, &before, &after, &kind.changed(old, new))?;
    transaction.replace(kind, new)
}

/// Deletes an entry.
pub fn delete(
    transaction: &mut Transaction,
    actor: &Actor,
    kind: &Kind,
    uuid: Uuid,
    dependents: Dependents,
    condition: &Condition,
) -> Result<(), Error> {
    let record = transaction.tables().find(kind, uuid)?;
    policy::may_delete(actor, kind, &Subject::of(transaction.tables(), kind, record))?;
    condition.check(kind, record)?;
    transaction.delete(kind, uuid, dependents).map(|_| ())
}

/// An entry as the actor sees it.
pub fn seen<T>(tables: &Snapshot, actor: &Actor, kind: &Kind, uuid: Uuid, view: View<T>) -> Result<T, Error> {
    let record = tables.find(kind, uuid)?;
    let subject = Subject::of(tables, kind, record);
    Ok(view(tables, kind, record, policy::sees_secrets(actor, kind, &subject)))
}
