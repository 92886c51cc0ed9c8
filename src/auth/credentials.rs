//! All that lets somebody in: tokens, sessions, keys, and links to a new password.

use super::keys::{self, KeyUses};
use super::refresh::RefreshTokens;
use super::{Account, Actor, Limiter, Pass, PasswordLinks, Sessions, Tokens, ended};
use crate::error::Error;
use crate::resource::Kind;
use crate::store::{Clock, Snapshot};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long what is handed out lasts.
#[derive(Debug, Clone, Copy)]
pub struct Lives {
    /// A token of `/v1`.
    pub token: Duration,
    /// A token in a session.
    pub access: Duration,
    /// A session that is not used.
    pub refresh: Duration,
}

/// What lets people and programs in.
pub struct Credentials {
    /// Issues and reads tokens.
    pub tokens: Tokens,
    /// Who has signed in on `/v2`.
    pub sessions: Sessions,
    /// When keys were used.
    pub key_uses: KeyUses,
    /// For those who have forgotten theirs.
    pub password_links: PasswordLinks,
    clock: Clock,
}

impl Credentials {
    /// Signs with `key`, for the tenant `issuer`; keeps what it must remember in `state`.
    pub fn open(
        key: &[u8],
        issuer: &str,
        lives: Lives,
        state: &Path,
        clock: Clock,
        tables: &Snapshot,
    ) -> io::Result<Self> {
        let refresh = RefreshTokens::new(key, issuer);
        let sessions = Sessions::open(state.join("sessions"), lives.refresh, refresh, clock.clone(), tables)?;
        Ok(Self {
            tokens: Tokens::new(key, issuer, lives.token, lives.access, clock.clone()),
            sessions,
            key_uses: KeyUses::open(state.join("key_uses.json"), clock.clone(), tables),
            password_links: PasswordLinks::open(state.join("password_links.json"), clock.clone()),
            clock,
        })
    }

    /// The actor that a bearer's token or key lets in, as the tables have it now.
    pub fn actor(&self, tables: &Snapshot, bearer: &str) -> Result<Arc<Actor>, Error> {
        let actor = if keys::is_key(bearer) {
            Arc::new(keys::actor(tables, bearer, (self.clock)())?)
        } else {
            self.tokens.actor(tables, bearer)?
        };
        match actor.pass {
            Pass::Token => {}
            Pass::Session(id) => self.sessions.used(id, actor.uuid).ok_or_else(ended)?,
            Pass::Key { uuid, .. } => self.key_uses.used(uuid),
        }
        Ok(actor)
    }

    /// How long a bearer's token is good, when nothing else ends it; none when its time is not known beforehand.
    pub fn life_left(&self, bearer: &str) -> Result<Option<Duration>, Error> {
        if keys::is_key(bearer) { Ok(None) } else { self.tokens.life_left(bearer).map(Some) }
    }

    /// Lets a limiter know from where people have been signing in.
    pub fn introduce(&self, tables: &Snapshot, limiter: &Limiter) {
        for session in self.sessions.all() {
            let Some(kind) = tables.kinds().get(&session.resource) else { continue };
            let Some(record) = tables.get(kind, session.user) else { continue };
            if let Some(account) = Account::of(kind, &record.entry()) {
                limiter.right(account, session.address);
            }
        }
    }
}

impl Account {
    /// The account that an entry is.
    pub fn of(kind: &Kind, entry: &crate::resource::Entry) -> Option<Self> {
        let name = crate::resource::field(entry, kind.login_field()?)?.as_str()?;
        Some(Self::named(kind, name))
    }

    /// The account that somebody signs in to as `name`, whether there is one or not.
    pub fn named(kind: &Kind, name: &str) -> Self {
        let rule = kind.unique().find(|(_, rule)| Some(rule.field.as_str()) == kind.login_field());
        Self::new(kind.name(), &rule.map_or_else(|| name.to_owned(), |(_, rule)| rule.fold(name)))
    }
}
