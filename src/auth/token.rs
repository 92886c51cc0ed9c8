//! JSON Web Tokens (RFC 7519) as the clients of 2017 know them: HS256, `loginname`, `data.role`. Those of `/v2` live
//! shorter, and name the session they are of.

use super::{Actor, Pass};
use crate::error::Error;
use crate::resource::Role;
use crate::store::{Clock, Snapshot};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Issues tokens and finds the actor behind them.
pub struct Tokens {
    issuer: String,
    /// Of one without a session.
    life: Duration,
    /// Of one in a session.
    access_life: Duration,
    clock: Clock,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// What tokens say whose signature is right: to see to that takes longer than most of what they are shown for.
    known: Cache<String, Arc<Known>>,
}

/// What is remembered of a token.
struct Known {
    claims: Claims,
    /// The actor, and the text of the record that it was made from.
    seen: Mutex<Option<(Arc<str>, Arc<Actor>)>>,
}

/// Tokens whose signature is remembered.
const KNOWN: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    /// The resource that was signed in with.
    res: String,
    iat: i64,
    exp: i64,
    /// The entry's [`TOKEN_EPOCH`](crate::resource::TOKEN_EPOCH) when the token was issued.
    epoch: u64,
    /// The session; none on `/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    // What the old front end reads; we never do.
    loginname: String,
    data: Data,
}

#[derive(Serialize, Deserialize)]
struct Data {
    role: Role,
}

/// What must be true of a token of ours. Its time is looked at by the caller, against our own clock.
pub(super) fn validation(issuer: &str, claims: &[&str]) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(claims);
    validation.validate_exp = false;
    validation
}

impl Tokens {
    /// `issuer` is the tenant: a token of another tenant is not valid here.
    pub fn new(key: &[u8], issuer: &str, life: Duration, access_life: Duration, clock: Clock) -> Self {
        Self {
            issuer: issuer.to_owned(),
            life,
            access_life,
            clock,
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation: validation(issuer, &["iss", "sub", "exp"]),
            known: Cache::new(KNOWN),
        }
    }

    /// How long a token that is issued in a session is good.
    pub fn access_life(&self) -> Duration {
        self.access_life
    }

    /// A token for an actor that has just signed in or refreshed.
    pub fn issue(&self, actor: Actor) -> Result<String, Error> {
        let now = (self.clock)().timestamp();
        let (sid, life) = match actor.pass {
            Pass::Session(id) => (Some(id), self.access_life),
            _ => (None, self.life),
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: actor.uuid,
            res: actor.resource,
            iat: now,
            exp: now.saturating_add_unsigned(life.as_secs()),
            epoch: actor.epoch,
            sid,
            loginname: actor.email,
            data: Data { role: actor.role },
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|e| Error::internal("signing a token", e))
    }

    /// The actor a token stands for, as the tables have it now. Whether its session goes on is not looked at.
    pub fn actor(&self, tables: &Snapshot, token: &str) -> Result<Arc<Actor>, Error> {
        let known = self.known(token)?;
        let claims = &known.claims;
        if claims.exp <= (self.clock)().timestamp() {
            return Err(super::ended());
        }
        let (_, record) = Actor::record(tables, &claims.res, claims.sub)?;
        let mut seen = known.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, actor)) = &*seen
            && Arc::ptr_eq(text, record.text())
        {
            return Ok(actor.clone());
        }
        let mut actor = Actor::find(tables, &claims.res, claims.sub, claims.epoch)?;
        actor.pass = claims.sid.map_or(Pass::Token, Pass::Session);
        let actor = Arc::new(actor);
        *seen = Some((record.text().clone(), actor.clone()));
        Ok(actor)
    }

    /// How long the token stands yet, when nothing else ends it.
    pub fn life_left(&self, token: &str) -> Result<Duration, Error> {
        let left = self.known(token)?.claims.exp - (self.clock)().timestamp();
        Ok(Duration::from_secs(u64::try_from(left).unwrap_or_default()))
    }

    fn known(&self, token: &str) -> Result<Arc<Known>, Error> {
        if let Some(known) = self.known.get(token) {
            return Ok(known);
        }
        let decoded = decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.map_err(|_| Error::BadCredentials("the token is not valid".into()))?.claims;
        let known = Arc::new(Known { claims, seen: Mutex::default() });
        self.known.insert(token.to_owned(), known.clone());
        Ok(known)
    }
}
