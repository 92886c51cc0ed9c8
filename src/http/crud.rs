//! Create, read, update, delete: once, for every resource and every version of the API.
//!
//! A version passes its own way to show an entry ([`View`]); what is shown is made from the very tables that the
//! answer stands for.

use super::App;
use super::context::Context;
use crate::auth::Actor;
use crate::auth::policy::{self, Subject, Verb};
use crate::error::Error;
use crate::resource::{Entry, Kind, PASSWORD, Patch, set_field};
use crate::store::{Dependents, Snapshot, Written};
use uuid::Uuid;

/// How a version of the API shows an entry; the flag says whether its secrets are for this reader.
pub type View = fn(&Snapshot, &Kind, Entry, bool) -> Entry;

/// One request on a resource.
pub struct Call<'a> {
    pub app: &'a App,
    pub actor: &'a Actor,
    pub context: &'a Context,
    pub resource: &'a str,
    pub view: View,
}

impl Call<'_> {
    /// All entries that the actor may read, ordered by uuid.
    pub fn list(&self) -> Result<Vec<(Uuid, Entry)>, Error> {
        let kind = self.kind(Verb::Read)?;
        let tables = self.app.store.read();
        let mut shown = Vec::with_capacity(tables.len(kind));
        for record in tables.records(kind) {
            let entry = record.entry();
            let subject = Subject::new(&tables, kind, &entry);
            if policy::may_read(self.actor, kind, &subject).is_ok() {
                let secrets = policy::sees_secrets(self.actor, kind, &subject);
                shown.push((record.uuid(), (self.view)(&tables, kind, entry, secrets)));
            }
        }
        Ok(shown)
    }

    /// One entry.
    pub fn read(&self, uuid: Uuid) -> Result<Entry, Error> {
        let kind = self.kind(Verb::Read)?;
        let tables = self.app.store.read();
        let entry = tables.find(kind, uuid)?.entry();
        let subject = Subject::new(&tables, kind, &entry);
        policy::may_read(self.actor, kind, &subject)?;
        Ok((self.view)(&tables, kind, entry, policy::sees_secrets(self.actor, kind, &subject)))
    }

    /// Makes an entry; answers with its uuid.
    pub async fn create(&self, input: &Entry) -> Result<Written<Uuid>, Error> {
        let kind = self.kind(Verb::Create)?;
        let mut entry = kind.new_entry(input)?;
        // Outside the writer: it takes its time.
        if let Some(password) = kind.password(&entry) {
            let hash = self.app.passwords.hash(password).await?;
            set_field(&mut entry, PASSWORD, hash.into());
        }
        let uuid = Uuid::new_v4();
        kind.complete(&mut entry, uuid, (self.app.clock)());
        let (actor, kinds, index) = (self.actor.clone(), self.app.store.kinds().clone(), kind.index());
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            policy::may_create(&actor, kind, &Subject::new(transaction.tables(), kind, &entry))?;
            transaction.insert(kind, &entry)?;
            Ok(uuid)
        });
        written.await
    }

    /// Reads a change of an entry, to be looked at before it is made.
    pub fn read_patch(&self, input: &Entry) -> Result<Patch, Error> {
        self.kind(Verb::Update)?.read_patch(input)
    }

    /// Changes an entry; answers with the whole of it afterwards.
    pub async fn update(&self, uuid: Uuid, mut patch: Patch) -> Result<Written<Entry>, Error> {
        let kind = self.kind(Verb::Update)?;
        self.app.store.read().find(kind, uuid)?;
        if let Some(password) = patch.password(kind) {
            let hash = self.app.passwords.hash(password).await?;
            patch.set_password_hash(hash);
        }
        let (actor, kinds, index, view) =
            (self.actor.clone(), self.app.store.kinds().clone(), kind.index(), self.view);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            let old = transaction.tables().find(kind, uuid)?.entry();
            let before = Subject::new(transaction.tables(), kind, &old);
            policy::may_read(&actor, kind, &before)?;
            // Whether it may be changed at all, before anything is said about what was sent.
            policy::may_update(&actor, kind, &before, &before, &[])?;
            let mut shown = old.clone();
            transaction.tables().add_back_references(kind, uuid, &mut shown);
            let new = kind.apply(&old, &shown, &patch)?;
            let after = Subject::new(transaction.tables(), kind, &new);
            policy::may_update(&actor, kind, &before, &after, &kind.changed(&old, &new))?;
            transaction.replace(kind, &new)?;
            let secrets = policy::sees_secrets(&actor, kind, &after);
            Ok(view(transaction.tables(), kind, new, secrets))
        });
        written.await
    }

    /// Deletes an entry; answers with what it was.
    pub async fn delete(&self, uuid: Uuid, dependents: Dependents) -> Result<Written<Entry>, Error> {
        let kind = self.kind(Verb::Delete)?;
        let (actor, kinds, index, view) =
            (self.actor.clone(), self.app.store.kinds().clone(), kind.index(), self.view);
        let written = self.app.store.write(self.context.author(self.actor), move |transaction| {
            let kind = kinds.at(index);
            actor.still_stands(transaction.tables())?;
            let entry = transaction.tables().find(kind, uuid)?.entry();
            let subject = Subject::new(transaction.tables(), kind, &entry);
            policy::may_delete(&actor, kind, &subject)?;
            let secrets = policy::sees_secrets(&actor, kind, &subject);
            let shown = view(transaction.tables(), kind, entry, secrets);
            transaction.delete(kind, uuid, dependents)?;
            Ok(shown)
        });
        written.await
    }

    /// The resource, if there is one of that name and the actor may use the verb on any of its entries.
    fn kind(&self, verb: Verb) -> Result<&Kind, Error> {
        let kind = self.app.kind(self.resource)?;
        policy::may(self.actor, verb, kind)?;
        Ok(kind)
    }
}
