//! Requests that a client, or a proxy on the way, may send again: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! What a request was answered is kept with its write, so a repeated one is known also after a crash. Kept is what the answer
//! is made of, not the answer: that may hold secrets. It is made anew from the revision of then.

use super::App;
use super::reply::Failure;
use crate::auth::Actor;
use crate::error::Error;
use crate::store::{Clock, Receipt, Revision, Snapshot, Transaction};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use chrono::SubsecRound;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Where the key stands.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that the answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const LONGEST: usize = 255;

/// The key that a request carries, if it does.
pub struct IdempotencyKey(Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let mut keys = parts.headers.get_all(&HEADER).iter();
        let Some(key) = keys.next() else { return Ok(Self(None)) };
        let text = key.to_str().unwrap_or_default().trim();
        // A structured string (RFC 9651), or what many clients send: the text as it is.
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if keys.next().is_some() || text.is_empty() || text.len() > LONGEST {
            let message = format!("must be one text of 1 to {LONGEST} visible characters, such as a UUID");
            return Err(Error::invalid("Idempotency-Key", "form", message).into());
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// What is to be done once.
#[derive(Clone)]
pub struct Claim {
    key: [u8; 32],
    request: [u8; 32],
    clock: Clock,
}

/// What became of it.
pub enum Done<T> {
    /// It has been done.
    Now(T),
    /// It had been done before.
    Before(Arc<Receipt>),
}

impl IdempotencyKey {
    /// What this request claims to do once; `asked` is all that makes it what it is.
    pub fn claim(&self, app: &App, actor: &Actor, asked: &impl Serialize) -> Result<Option<Claim>, Error> {
        let Some(key) = &self.0 else { return Ok(None) };
        let asked = serde_json::to_vec(asked).map_err(|e| Error::internal("reading a request again", e))?;
        // Keys are those of an actor: nobody meets the answer to somebody else.
        let key = format!("{}/{}\n{key}", actor.resource, actor.uuid);
        // A request may hold a password: who finds the hash shall not be able to try some.
        let hash = |bytes: &[u8]| Sha256::new().chain_update(app.salt).chain_update(bytes).finalize().into();
        Ok(Some(Claim { key: hash(key.as_bytes()), request: hash(&asked), clock: app.clock.clone() }))
    }
}

impl Claim {
    /// What it was answered before, if it was.
    pub fn before(&self, tables: &Snapshot) -> Result<Option<Arc<Receipt>>, Error> {
        match tables.receipts().get(&self.key, (self.clock)()) {
            Some(receipt) if receipt.request == self.request => Ok(Some(receipt.clone())),
            Some(_) => Err(Error::KeyReused),
            None => Ok(None),
        }
    }
}

/// Carries a decision out, unless its claim says that it has been carried out before.
pub fn once<T, O: Serialize>(
    transaction: &mut Transaction,
    claim: Option<Claim>,
    decide: impl FnOnce(&mut Transaction) -> Result<(T, O), Error>,
) -> Result<Done<T>, Error> {
    let Some(claim) = claim else {
        return decide(transaction).map(|(value, _)| Done::Now(value));
    };
    if let Some(receipt) = claim.before(transaction.tables())? {
        return Ok(Done::Before(receipt));
    }
    let (value, outcome) = decide(transaction)?;
    let outcome = serde_json::to_string(&outcome).map_err(|e| Error::internal("keeping an answer", e))?;
    let Claim { key, request, clock } = claim;
    let (time, revision) = (clock().trunc_subsecs(0), Revision::default());
    transaction.keep(Receipt { key, request, time, outcome, revision });
    Ok(Done::Now(value))
}

/// A receipt with the revision that holds the write, and what it was answered: after the write has been answered.
pub fn settled<O: DeserializeOwned>(app: &App, receipt: &Receipt) -> Result<(Revision, O), Error> {
    let tables = app.store.read();
    // One that was decided in the same batch had no revision then.
    let now = tables.receipts().get(&receipt.key, receipt.time);
    let revision = now.map_or_else(|| receipt.revision.clone(), |receipt| receipt.revision.clone());
    let outcome = serde_json::from_str(&receipt.outcome);
    Ok((revision, outcome.map_err(|e| Error::internal("reading a kept answer", e))?))
}

/// Marks the answer to a repeated request.
pub fn replayed(mut answer: Response) -> Response {
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}
