//! Refresh tokens: each can be used once, and buys the next one.
//!
//! A token says which session it is of and the how-many-th. Its secret follows from the token before it and the server's
//! key, so that the same token buys the same next one: a client whose answer was lost asks again. The server keeps only
//! the hash of the newest; whoever comes with an older one that carries our signature has used it before.

use super::ended;
use super::token::validation;
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Signs refresh tokens and reads them.
pub struct RefreshTokens {
    issuer: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// What a token says of itself. Lacks what an access token has, so that neither passes for the other.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sid: Uuid,
    n: u32,
    exp: i64,
    secret: String,
}

/// A refresh token of ours, new or old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Its session.
    pub session: Uuid,
    /// The how-many-th of the session.
    pub number: u32,
    /// The second in which it ends.
    pub expires: i64,
}

impl RefreshTokens {
    /// `issuer` is the tenant.
    pub fn new(key: &[u8], issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation: validation(issuer, &["iss", "exp"]),
        }
    }

    /// The first token of a session.
    pub fn first(&self, session: Uuid, expires: i64) -> Result<String, Error> {
        let random: [u8; 32] = rand::random();
        self.sign(Read { session, number: 0, expires }, URL_SAFE_NO_PAD.encode(random))
    }

    /// What `token` buys.
    pub fn next(&self, token: &str, next: Read) -> Result<String, Error> {
        // No JWT begins like that: nothing that is signed elsewhere tells a secret.
        let message = format!("next\n{token}");
        let secret = crypto::sign(message.as_bytes(), &self.encoding, Algorithm::HS256);
        self.sign(next, secret.map_err(|e| Error::internal("deriving a refresh token", e))?)
    }

    fn sign(&self, read: Read, secret: String) -> Result<String, Error> {
        let Read { session, number, expires } = read;
        let claims = Claims { iss: self.issuer.clone(), sid: session, n: number, exp: expires, secret };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|e| Error::internal("signing a refresh token", e))
    }

    /// Reads a token that carries our signature.
    pub fn read(&self, token: &str) -> Result<Read, Error> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| ended())?.claims;
        Ok(Read { session: claims.sid, number: claims.n, expires: claims.exp })
    }
}

/// What is kept of a secret: SHA-256, in hexadecimal digits.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
