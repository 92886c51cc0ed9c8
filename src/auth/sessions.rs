//! Sessions: who has signed in on `/v2`, with what, and until when.
//!
//! Each is a file in `storage/state/sessions/`, on the disk before it is answered for. Lost, everybody signs in again.
//! A session ends with its time, when it is signed out, and when the password, role or state of its user changes.

use super::refresh::{Read, RefreshTokens, hash};
use super::{Actor, Pass, ended};
use crate::durable;
use crate::error::Error;
use crate::store::{Clock, Snapshot};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

/// Of one user at most; the one unused for longest makes room.
const OF_ONE_USER: usize = 50;

/// Of all at most; the same.
const OF_ALL: usize = 20_000;

/// A refresh token that was used so short a time ago may come again: its answer was lost on the way.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// Changes that wait for the disk at most; more are told to come back.
const WAITING: usize = 256;

/// How much of a user agent is kept.
const USER_AGENT: usize = 200;

/// Where somebody signs in from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// As the client calls itself.
    pub user_agent: String,
    /// Its address.
    pub address: Option<IpAddr>,
}

/// Somebody who has signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its name, also in its tokens.
    pub id: Uuid,
    /// The resource that was signed in with.
    pub resource: String,
    /// The entry that was signed in with.
    pub user: Uuid,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it was used last. On the disk: when it was refreshed last.
    pub used_at: DateTime<Utc>,
    /// When it ends, unless it is refreshed.
    pub expires_at: DateTime<Utc>,
    /// As the client calls itself, shortened.
    pub user_agent: String,
    /// Where it was signed in or refreshed from.
    pub address: Option<IpAddr>,
    /// The user's [`TOKEN_EPOCH`](crate::resource::TOKEN_EPOCH) at the beginning.
    epoch: u64,
    /// How many refresh tokens there have been, the newest not counted.
    number: u32,
    /// When the newest was made.
    refreshed_at: DateTime<Utc>,
    /// [`hash`] of the newest.
    refresh: String,
}

/// What signing in and refreshing is answered with.
#[derive(Debug)]
pub struct Grant {
    /// The session's user, acting in the session.
    pub actor: Actor,
    /// Good for one use.
    pub refresh_token: String,
}

/// All sessions; cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    life: Duration,
    clock: Clock,
    tokens: RefreshTokens,
    sessions: Mutex<HashMap<Uuid, Session>>,
    /// Held by who changes sessions, from the look at them to the end of the write: the disk gets the changes of a
    /// session in their order.
    changing: Mutex<()>,
    /// Told when one ends before its time.
    ended: watch::Sender<()>,
    room: Semaphore,
}

impl Sessions {
    /// Reads the sessions in `folder` that still stand. `life` is how long one lasts that is not used.
    pub fn open(
        folder: PathBuf,
        life: Duration,
        tokens: RefreshTokens,
        clock: Clock,
        tables: &Snapshot,
    ) -> io::Result<Self> {
        let now = clock();
        let mut sessions = HashMap::new();
        for path in files(&folder)? {
            let session = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Session>(&text).ok());
            match session {
                Some(session)
                    if path == file(&folder, session.id)
                        && session.expires_at > now
                        && session.actor(tables).is_ok() =>
                {
                    sessions.insert(session.id, session);
                }
                // What ended, and what a crash or a hand has left.
                _ => remove(&path),
            }
        }
        Ok(Self(Arc::new(Inner {
            folder,
            life,
            clock,
            tokens,
            sessions: Mutex::new(sessions),
            changing: Mutex::default(),
            ended: watch::Sender::new(()),
            room: Semaphore::new(WAITING),
        })))
    }

    /// How long one lasts that is not used.
    pub fn life(&self) -> Duration {
        self.0.life
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.sessions().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sees it each time that one ends before its time.
    pub fn ended(&self) -> watch::Receiver<()> {
        self.0.ended.subscribe()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Session> {
        self.0.sessions().values().cloned().collect()
    }

    /// A session, if there is one.
    pub fn get(&self, id: Uuid) -> Option<Session> {
        self.0.sessions().get(&id).cloned()
    }

    /// The sessions that an actor could go on with now, the one used last first.
    pub fn of(&self, user: Uuid, tables: &Snapshot) -> Vec<Session> {
        let now = (self.0.clock)();
        let mut own: Vec<_> = self.0.sessions().values().filter(|one| one.user == user).cloned().collect();
        own.retain(|session| session.expires_at > now && session.actor(tables).is_ok());
        own.sort_by_key(|session| std::cmp::Reverse((session.used_at, session.id)));
        own
    }

    /// Takes note that a session is used. None when it has ended.
    pub(super) fn used(&self, id: Uuid, user: Uuid) -> Option<()> {
        let now = (self.0.clock)();
        let mut sessions = self.0.sessions();
        let session = sessions.get_mut(&id).filter(|one| one.user == user && one.expires_at > now)?;
        session.used_at = now;
        Some(())
    }

    /// Begins a session for an actor that has shown its password.
    pub async fn begin(&self, actor: Actor, origin: Origin) -> Result<Grant, Error> {
        self.change(move |inner| inner.begin(actor, origin)).await
    }

    /// The session that a refresh token is of, also one that has been used.
    fn by_token(&self, token: &str) -> Option<Session> {
        self.get(self.0.tokens.read(token).ok()?.session)
    }

    /// Whether a refresh token is one of ours, of a session that stands; perhaps one that has been used. A cheap look.
    pub fn knows(&self, token: &str) -> bool {
        self.by_token(token).is_some_and(|session| session.expires_at > (self.0.clock)())
    }

    /// Takes a refresh token for a new one.
    pub async fn refresh(
        &self,
        tables: Arc<Snapshot>,
        token: String,
        origin: Origin,
    ) -> Result<Grant, Error> {
        self.change(move |inner| inner.refresh(&tables, &token, origin)).await
    }

    /// Ends a session. On the disk when this answers.
    pub async fn end(&self, id: Uuid) -> Result<(), Error> {
        self.change(move |inner| inner.end(id)).await
    }

    /// Ends the session that a refresh token is of, a used one as well. There may be none any more.
    pub async fn end_by(&self, token: &str) -> Result<(), Error> {
        match self.by_token(token) {
            Some(session) => self.end(session.id).await,
            None => Ok(()),
        }
    }

    /// Ends all sessions of a user.
    pub async fn end_all(&self, user: Uuid) -> Result<(), Error> {
        let of_user = move |inner: &Inner| -> Vec<Uuid> {
            inner.sessions().values().filter(|one| one.user == user).map(|one| one.id).collect()
        };
        self.change(move |inner| of_user(inner).into_iter().try_for_each(|id| inner.end(id))).await
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.0.clone();
        let _room = self.0.room.try_acquire().map_err(|_| {
            Error::Unavailable("too many are signing in or out; try again in a few seconds".into())
        })?;
        let changed = tokio::task::spawn_blocking(move || {
            let _alone = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            change(&inner)
        });
        changed.await.map_err(|e| Error::internal("changing a session", e))?
    }
}

impl Session {
    /// Its user, unless something has ended the session's claim to be that.
    fn actor(&self, tables: &Snapshot) -> Result<Actor, Error> {
        let mut actor = Actor::find(tables, &self.resource, self.user, self.epoch)?;
        actor.pass = Pass::Session(self.id);
        Ok(actor)
    }
}

impl Inner {
    fn sessions(&self) -> MutexGuard<'_, HashMap<Uuid, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, mut actor: Actor, origin: Origin) -> Result<Grant, Error> {
        let now = (self.clock)();
        self.make_room(&actor, now);
        let (id, expires_at) = (Uuid::new_v4(), self.expires(now));
        let refresh_token = self.tokens.first(id, expires_at.timestamp())?;
        let session = Session {
            id,
            resource: actor.resource.clone(),
            user: actor.uuid,
            started_at: now,
            used_at: now,
            expires_at,
            user_agent: origin.user_agent.chars().take(USER_AGENT).collect(),
            address: origin.address,
            epoch: actor.epoch,
            number: 0,
            refreshed_at: now,
            refresh: hash(&refresh_token),
        };
        self.keep(session)?;
        actor.pass = Pass::Session(id);
        Ok(Grant { actor, refresh_token })
    }

    fn refresh(&self, tables: &Snapshot, token: &str, origin: Origin) -> Result<Grant, Error> {
        let now = (self.clock)();
        let read = self.tokens.read(token)?;
        let session = self.sessions().get(&read.session).cloned();
        let session = session.filter(|one| one.expires_at > now).ok_or_else(ended)?;
        let actor = match session.actor(tables) {
            Ok(actor) => actor,
            Err(reason) => {
                self.end(session.id)?;
                return Err(reason);
            }
        };
        if session.refresh == hash(token) {
            let number = session.number.checked_add(1).ok_or_else(ended)?;
            let expires_at = self.expires(now);
            let next = Read { session: session.id, number, expires: expires_at.timestamp() };
            let refresh_token = self.tokens.next(token, next)?;
            let refresh = hash(&refresh_token);
            self.keep(Session {
                used_at: now,
                expires_at,
                user_agent: origin.user_agent.chars().take(USER_AGENT).collect(),
                address: origin.address,
                number,
                refreshed_at: now,
                refresh,
                ..session
            })?;
            return Ok(Grant { actor, refresh_token });
        }
        if now - session.refreshed_at <= GRACE {
            let expires = session.expires_at.timestamp();
            let newest = Read { session: session.id, number: session.number, expires };
            let refresh_token = self.tokens.next(token, newest)?;
            if session.refresh == hash(&refresh_token) {
                return Ok(Grant { actor, refresh_token });
            }
        }
        // RFC 9700, 4.14.2: two have it, and one of them is not the client.
        tracing::warn!(
            session = %session.id,
            user = %session.user,
            client = origin.address.map(|ip| ip.to_string()).unwrap_or_default(),
            "a refresh token that was used before came again: its session has been ended"
        );
        self.end(session.id)?;
        Err(ended())
    }

    /// Writes a session, and lets it count.
    fn keep(&self, session: Session) -> Result<(), Error> {
        let text = serde_json::to_vec(&session).map_err(|e| Error::internal("writing a session", e))?;
        durable::write(&self.file(session.id), &text).map_err(failed)?;
        self.sessions().insert(session.id, session);
        Ok(())
    }

    fn end(&self, id: Uuid) -> Result<(), Error> {
        // First of all for us: if the disk fails, at least until the next start.
        self.sessions().remove(&id);
        self.ended.send_replace(());
        durable::remove(&self.file(id)).map_err(failed)
    }

    /// Lets go of what has ended, and of what was not used for longest.
    fn make_room(&self, actor: &Actor, now: DateTime<Utc>) {
        let mut sessions = self.sessions();
        let mut gone = Vec::new();
        let is_own = |one: &Session| one.user == actor.uuid && one.resource == actor.resource;
        sessions.retain(|_, one| {
            let ended = one.expires_at <= now || (is_own(one) && one.epoch != actor.epoch);
            if ended {
                gone.push(one.id);
            }
            !ended
        });
        let mut oldest = |which: &dyn Fn(&Session) -> bool, most: usize| {
            let those = sessions.values().filter(|one| which(one));
            let mut those: Vec<_> = those.map(|one| (one.used_at, one.id)).collect();
            let surplus = (those.len() + 1).saturating_sub(most);
            if surplus > 0 {
                those.sort_unstable();
            }
            for (_, id) in those.into_iter().take(surplus) {
                sessions.remove(&id);
                gone.push(id);
            }
        };
        oldest(&is_own, OF_ONE_USER);
        oldest(&|_| true, OF_ALL);
        drop(sessions);
        for id in gone {
            // A file that stays is an old session that comes back after a restart, for as long as it would have lasted.
            remove(&self.file(id));
        }
    }

    fn file(&self, id: Uuid) -> PathBuf {
        file(&self.folder, id)
    }

    fn expires(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let life = TimeDelta::from_std(self.life).ok();
        life.and_then(|life| now.checked_add_signed(life)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

fn failed(reason: io::Error) -> Error {
    match reason.kind() {
        io::ErrorKind::StorageFull => Error::StorageFull,
        _ => Error::internal("a session on the disk", reason),
    }
}

fn remove(path: &Path) {
    if let Err(reason) = fs::remove_file(path) {
        tracing::warn!(%reason, file = %path.display(), "what is left of an ended session cannot be removed");
    }
}

fn file(folder: &Path, id: Uuid) -> PathBuf {
    folder.join(format!("{id}.json"))
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        items => items?.map(|item| item.map(|item| item.path())).collect(),
    }
}

#[cfg(test)]
mod tests;
