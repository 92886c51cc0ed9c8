//! What can go wrong in the domain. Nothing here knows an HTTP status code:
//! `http::reply` maps each variant to one.

use std::fmt;
use std::time::Duration;

/// One broken rule in the input: which field, which rule, and a sentence for a person.
/// None of them ever holds the refused value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field, dots between levels (`config.post_int`); empty for the entry as a whole.
    pub field: String,
    /// The rule as one word, stable for programs: `required`, `type`, `format`, `unique`, …
    pub code: String,
    /// The rule as a sentence.
    pub message: String,
}

impl Finding {
    /// A finding about `field`.
    pub fn new(field: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// The domain's error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input breaks a rule.
    #[error("{}", Findings(.0))]
    Invalid(Vec<Finding>),
    /// No such resource or record; the text says which.
    #[error("{0}")]
    NotFound(String),
    /// The change contradicts what is stored: a value that must be unique is taken, or records depend on this one.
    #[error("{}", Findings(.0))]
    Conflict(Vec<Finding>),
    /// Nobody is signed in.
    #[error("sign in first and send the token as `Authorization: Bearer <token>`")]
    NoCredentials,
    /// The credentials are wrong or have ended.
    #[error("{0}")]
    BadCredentials(String),
    /// Operations of a batch that are refused, by their place; none of the batch was done.
    #[error("operations are refused: {}; nothing was changed", .0.len())]
    Refused(Vec<(usize, Error)>),
    /// The actor's role does not allow it.
    #[error("{0}")]
    Denied(String),
    /// The record is not what the client has read: somebody has changed it since, or deleted it.
    #[error("the record has been changed since you read it; read it again")]
    Changed,
    /// The key of a request that is to be done once was used for another one.
    #[error("this Idempotency-Key was used for another request in the last 24 hours")]
    KeyReused,
    /// The disk failed in the middle of a write.
    #[error(
        "outcome unknown: the disk failed while this was written, and it may or may not be there after the restart"
    )]
    OutcomeUnknown,
    /// Too many failures: the next try is after this time.
    #[error("too many failed attempts; try again in {} seconds", seconds(.0))]
    TooMany(Duration),
    /// Not now: a back end is away, a queue is full, or the store takes no more writes.
    #[error("{0}")]
    Unavailable(String),
    /// The disk is full: nothing was changed, and it may be tried again when there is room.
    #[error("the server's disk is full; nothing was changed")]
    StorageFull,
    /// A fault of ours or of the machine. The text is for the log only.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// One broken rule about one field.
    pub fn invalid(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Finding::new(field, code, message)])
    }

    /// One contradiction about one field.
    pub fn conflict(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::Conflict(vec![Finding::new(field, code, message)])
    }

    /// A fault with the step that failed, for the log.
    pub fn internal(step: &str, source: impl fmt::Display) -> Self {
        Self::Internal(format!("{step}: {source}"))
    }
}

/// Whole ones, never too few of them.
pub fn seconds(wait: &Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

struct Findings<'a>(&'a [Finding]);

impl fmt::Display for Findings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}
