//! Links by which somebody who has forgotten the password sets another one: made by an admin or a manager, good for
//! one use and an hour. Only hashes of their tokens are kept, in `storage/state/`.

use super::Actor;
use super::refresh::hash;
use crate::durable;
use crate::error::Error;
use crate::store::{Clock, Snapshot};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// How long a link is good.
const LIFE: TimeDelta = TimeDelta::hours(1);

/// How many there are at a time; the oldest makes room.
const MOST: usize = 1_000;

/// Whose password a link sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Link {
    resource: String,
    user: Uuid,
    /// The user's [`TOKEN_EPOCH`](crate::resource::TOKEN_EPOCH) when the link was made: a link that was used is over
    /// with the very change it makes, and so is one of a user who was suspended since.
    epoch: u64,
    expires_at: DateTime<Utc>,
    /// [`hash`] of its token.
    hash: String,
}

/// The links that are out; cheap to clone.
#[derive(Clone)]
pub struct PasswordLinks(Arc<Inner>);

struct Inner {
    file: PathBuf,
    clock: Clock,
    links: Mutex<Vec<Link>>,
    /// Held by who changes them, until they are in the file.
    changing: Mutex<()>,
}

impl PasswordLinks {
    /// Reads the file, if there is one that can be read.
    pub fn open(file: PathBuf, clock: Clock) -> Self {
        let links = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self(Arc::new(Inner {
            file,
            clock,
            links: Mutex::new(links.unwrap_or_default()),
            changing: Mutex::default(),
        }))
    }

    /// Makes a link for `user`, in the place of one that is out; answers with its token and when it ends.
    pub async fn make(&self, user: &Actor) -> Result<(String, DateTime<Utc>), Error> {
        let random: [u8; 32] = rand::random();
        let token = URL_SAFE_NO_PAD.encode(random);
        let link = Link {
            resource: user.resource.clone(),
            user: user.uuid,
            epoch: user.epoch,
            expires_at: (self.0.clock)() + LIFE,
            hash: hash(&token),
        };
        let expires_at = link.expires_at;
        self.change(move |links| {
            links.retain(|one| one.user != link.user || one.resource != link.resource);
            if links.len() >= MOST {
                links.remove(0);
            }
            links.push(link);
        })
        .await?;
        Ok((token, expires_at))
    }

    /// Whom a token's link is for, as the tables have them now. Where it is used the tables must say the same again.
    pub fn user(&self, tables: &Snapshot, token: &str) -> Result<Actor, Error> {
        let (now, hash) = ((self.0.clock)(), hash(token));
        let links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        let link = links.iter().find(|link| link.hash == hash && link.expires_at > now).cloned();
        drop(links);
        let over =
            || Error::BadCredentials("the link has been used, or has ended; ask for another one".into());
        let link = link.ok_or_else(over)?;
        Actor::find(tables, &link.resource, link.user, link.epoch).map_err(|error| match error {
            Error::BadCredentials(_) => over(),
            other => other,
        })
    }

    /// Forgets the link for `user`.
    pub async fn forget(&self, user: &Actor) -> Result<(), Error> {
        let (resource, uuid) = (user.resource.clone(), user.uuid);
        self.change(move |links| links.retain(|one| one.user != uuid || one.resource != resource)).await
    }

    async fn change(&self, change: impl FnOnce(&mut Vec<Link>) + Send + 'static) -> Result<(), Error> {
        let inner = self.0.clone();
        let changed = tokio::task::spawn_blocking(move || {
            let now = (inner.clock)();
            let _alone = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut changed = inner.links.lock().unwrap_or_else(PoisonError::into_inner).clone();
            changed.retain(|link| link.expires_at > now);
            change(&mut changed);
            let text = serde_json::to_vec(&changed).map_err(std::io::Error::other)?;
            durable::write(&inner.file, &text)?;
            *inner.links.lock().unwrap_or_else(PoisonError::into_inner) = changed;
            Ok::<_, std::io::Error>(())
        });
        let changed = changed.await.map_err(|e| Error::internal("keeping a password link", e))?;
        changed.map_err(|e| match e.kind() {
            std::io::ErrorKind::StorageFull => Error::StorageFull,
            _ => Error::internal("keeping a password link", e),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::Stage;

    #[tokio::test]
    async fn a_link_is_good_for_an_hour_and_until_its_user_changes() {
        let stage = Stage::new().await;
        let open = || PasswordLinks::open(stage.state("links.json"), stage.clock());
        let links = open();
        let (token, _) = links.make(&stage.actor()).await.unwrap();
        stage.pass(3_599);
        for links in [&links, &open()] {
            assert_eq!(links.user(&stage.store.read(), &token).unwrap().uuid, stage.user);
            assert!(links.user(&stage.store.read(), "another").is_err());
        }
        stage.pass(1);
        assert!(links.user(&stage.store.read(), &token).is_err());

        let (token, _) = links.make(&stage.actor()).await.unwrap();
        stage.write(1).await;
        assert!(links.user(&stage.store.read(), &token).is_err());
        let (token, _) = links.make(&stage.actor()).await.unwrap();
        links.forget(&stage.actor()).await.unwrap();
        assert!(links.user(&stage.store.read(), &token).is_err());
    }

    #[tokio::test]
    async fn there_are_so_many_links_and_the_oldest_makes_room() {
        let stage = Stage::new().await;
        let links = PasswordLinks::open(stage.state("links.json"), stage.clock());
        let first = links.make(&stage.actor()).await.unwrap().0;
        let others = (1..MOST).map(|_| Link {
            resource: "users".into(),
            user: Uuid::new_v4(),
            epoch: 0,
            expires_at: (stage.clock())() + LIFE,
            hash: String::new(),
        });
        let others: Vec<_> = others.collect();
        links.change(move |links| links.extend(others)).await.unwrap();
        assert!(links.user(&stage.store.read(), &first).is_ok());
        let other = Actor { uuid: Uuid::new_v4(), ..stage.actor() };
        links.make(&other).await.unwrap();
        assert!(links.user(&stage.store.read(), &first).is_err());
        assert_eq!(links.0.links.lock().unwrap().len(), MOST);
    }
}
