//! API keys: what a program shows instead of a user's password. The records are `resource::keys`.

use super::refresh::hash;
use super::scopes::Scopes;
use super::{Actor, Pass};
use crate::durable;
use crate::error::Error;
use crate::resource::{Key, keys, timestamp};
use crate::store::{Clock, Snapshot};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// How every key begins, so that it is known for what it is where it should not be: in a log, in a repository.
const PREFIX: &str = "karana_";

/// How much of a key is kept to tell it from others: the prefix and four characters of 43.
const HINT: usize = PREFIX.len() + 4;

/// Whether this is a key, and not a token.
pub fn is_key(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// What a new key is to be.
#[derive(Debug)]
pub struct Wish {
    /// For people.
    pub name: String,
    /// The user it acts for.
    pub owner: Uuid,
    /// What it is for.
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key: the record, and the text that is shown once.
pub fn make(wish: Wish, now: DateTime<Utc>) -> (Key, String) {
    let random: [u8; 32] = rand::random();
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let key = Key {
        uuid: Uuid::new_v4(),
        name: wish.name,
        owner: wish.owner,
        hint: text[..HINT].to_owned(),
        hash: hash(&text),
        scopes: wish.scopes,
        created_at: timestamp(now),
        expires_at: wish.expires_at.map(timestamp),
    };
    (key, text)
}

/// The actor that a key lets in, as the tables have it now.
pub fn actor(tables: &Snapshot, text: &str, now: DateTime<Utc>) -> Result<Actor, Error> {
    let wrong = || Error::BadCredentials("the key is not valid, or has ended".into());
    let kind = tables.kinds().get(keys::NAME).ok_or_else(wrong)?;
    let record = tables.by_unique(kind, "hash", &hash(text)).ok_or_else(wrong)?;
    let key: Key = record.parse().map_err(|e| Error::internal("reading a key", e))?;
    let expires = key.expires_at.as_deref().map(DateTime::parse_from_rfc3339).transpose();
    if expires.map_err(|e| Error::internal("reading when a key ends", e))?.is_some_and(|end| end <= now) {
        return Err(wrong());
    }
    let owner = &kind.references()[0];
    let users = tables.kinds().get(&owner.to).ok_or_else(wrong)?;
    let user = tables.get(users, key.owner).ok_or_else(wrong)?;
    let mut actor = Actor::of(users, user).map_err(|error| match error {
        Error::BadCredentials(_) => wrong(),
        other => other,
    })?;
    let scopes = Scopes::parse(&key.scopes)
        .ok_or_else(|| Error::Internal(format!("the key {} has a scope that is not understood", key.uuid)))?;
    actor.pass = Pass::Key { uuid: key.uuid, scopes: Arc::new(scopes) };
    Ok(actor)
}

/// Whether a key is there still.
pub fn stands(tables: &Snapshot, uuid: Uuid) -> bool {
    tables.kinds().get(keys::NAME).is_some_and(|kind| tables.get(kind, uuid).is_some())
}

/// How often it is written down when keys are used.
const WRITTEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// When each key was used last. In a file that is written now and then: lost, nobody knows.
#[derive(Clone)]
pub struct KeyUses(Arc<Uses>);

struct Uses {
    file: PathBuf,
    clock: Clock,
    state: Mutex<State>,
    /// Held by who writes the file.
    writing: Mutex<()>,
}

struct State {
    used: HashMap<Uuid, DateTime<Utc>>,
    /// Since when there is something that is not in the file.
    unwritten_since: Option<DateTime<Utc>>,
}

impl KeyUses {
    /// Reads the file, if there is one that can be read. Of keys that are no more nothing is kept.
    pub fn open(file: PathBuf, clock: Clock, tables: &Snapshot) -> Self {
        let text = std::fs::read(&file).unwrap_or_default();
        let mut used: HashMap<Uuid, _> = serde_json::from_slice(&text).unwrap_or_default();
        used.retain(|uuid, _| stands(tables, *uuid));
        let state = Mutex::new(State { used, unwritten_since: None });
        Self(Arc::new(Uses { file, clock, state, writing: Mutex::default() }))
    }

    /// When a key was used last.
    pub fn last(&self, key: Uuid) -> Option<DateTime<Utc>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).used.get(&key).copied()
    }

    /// Takes note that a key is used.
    pub(super) fn used(&self, key: Uuid) {
        let now = (self.0.clock)();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used.insert(key, now);
        let since = *state.unwritten_since.get_or_insert(now);
        if now - since >= WRITTEN_EVERY {
            state.unwritten_since = None;
            drop(state);
            let uses = self.0.clone();
            tokio::task::spawn_blocking(move || uses.write());
        }
    }

    /// Forgets a key.
    pub fn forget(&self, key: Uuid) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).used.remove(&key);
    }

    /// Writes down what is not in the file yet. Not for an async thread.
    pub fn save(&self) {
        let unwritten = self.0.state.lock().unwrap_or_else(PoisonError::into_inner).unwritten_since.take();
        if unwritten.is_some() {
            self.0.write();
        }
    }
}

impl Uses {
    fn write(&self) {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.state.lock().unwrap_or_else(PoisonError::into_inner).used.clone();
        let written = serde_json::to_vec(&used).map_err(std::io::Error::other);
        if let Err(reason) = written.and_then(|text| durable::write(&self.file, &text)) {
            tracing::warn!(%reason, file = %self.file.display(), "when keys were used is not written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::Stage;
    use crate::store::Author;
    use std::time::{Duration, Instant};

    /// Puts a key for the stage's user into the store.
    async fn kept(stage: &Stage) -> (Uuid, String) {
        let wish = Wish {
            name: "a key".into(),
            owner: stage.user,
            scopes: vec!["*:read:own".into()],
            expires_at: Some((stage.clock())() + TimeDelta::hours(1)),
        };
        let (key, text) = make(wish, (stage.clock())());
        let (kinds, uuid) = (stage.store.kinds().clone(), key.uuid);
        let entry = serde_json::to_value(key).unwrap();
        let written = stage.store.write(Author::program("test"), move |transaction| {
            transaction.insert(kinds.get(keys::NAME).unwrap(), entry.as_object().unwrap())
        });
        written.await.unwrap();
        (uuid, text)
    }

    #[tokio::test]
    async fn a_key_lets_its_user_in_until_it_ends() {
        let stage = Stage::new().await;
        let (uuid, text) = kept(&stage).await;
        let come = |text: &str| actor(&stage.store.read(), text, (stage.clock())());
        let found = come(&text).unwrap();
        assert_eq!((found.uuid, stands(&stage.store.read(), uuid)), (stage.user, true));
        assert!(matches!(found.pass, Pass::Key { uuid: key, .. } if key == uuid));
        assert!(come(&text[..text.len() - 1]).is_err());
        stage.pass(3_599);
        assert!(come(&text).is_ok());
        stage.pass(1);
        assert!(matches!(come(&text), Err(Error::BadCredentials(_))));
    }

    #[tokio::test]
    async fn when_a_key_was_used_is_written_down_now_and_then() {
        let stage = Stage::new().await;
        let (uuid, _) = kept(&stage).await;
        let open = || KeyUses::open(stage.state("key_uses.json"), stage.clock(), &stage.store.read());
        let uses = open();
        let first = (stage.clock())();
        uses.used(uuid);
        stage.pass(59);
        uses.used(uuid);
        assert_eq!((uses.last(uuid), open().last(uuid)), (Some(first + TimeDelta::seconds(59)), None));
        stage.pass(1);
        uses.used(uuid);
        let begin = Instant::now();
        while open().last(uuid).is_none() {
            assert!(begin.elapsed() < Duration::from_secs(20), "nothing is written");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        uses.used(uuid);
        stage.pass(1);
        uses.used(uuid);
        uses.save();
        uses.used(Uuid::new_v4());
        uses.save();
        assert_eq!(open().last(uuid), Some(first + TimeDelta::seconds(61)));
        assert_eq!(open().0.state.lock().unwrap().used.len(), 1, "of keys that are no more nothing is kept");
    }
}
