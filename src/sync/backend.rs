//! What the task asks of a back end, and what it is told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::fleet::Fleet;
use super::link::Trouble;
use super::outlook::{Orphan, Outlook};
use super::record::Record;
use super::report::{Failure, Progress};
use super::scope::Scope;

/// How closely a round looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// At the names that are there, and at records that changed or were left undone.
    Quick,
    /// At all that there is of every record.
    Full,
}

/// Tells whether to begin no further action.
pub type Halt<'a> = dyn Fn() -> bool + Send + std::marker::Sync + 'a;

/// Why a round failed as a whole.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Setback {
    /// The back end is away.
    #[error("{0}")]
    Unreachable(String),
    /// The back end does not let us in, which no number of tries will change.
    #[error("{0}")]
    Denied(String),
    /// What was asked for is not possible; nothing was done.
    #[error("{0}")]
    Refused(String),
    /// A fault on our side.
    #[error("{0}")]
    Fault(String),
    /// The server is shutting down.
    #[error("sync is stopping")]
    Stopping,
}

/// What a round that could compare has brought.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// The records that it was about.
    pub records: BTreeSet<Record>,
    /// What failed, in the order of the records.
    pub failures: Vec<Failure>,
    /// How many actions were done.
    pub actions_done: usize,
    /// Whether some of the failures may pass when tried again.
    pub retry: bool,
}

impl Round {
    /// One that did so many actions. `failures` may pass when tried again; what is `refused` does not until its record
    /// changes.
    pub fn of<'a>(
        records: BTreeSet<Record>,
        actions_done: usize,
        mut failures: Vec<Failure>,
        refused: impl Iterator<Item = (Record, &'a str)>,
    ) -> Self {
        let retry = !failures.is_empty();
        failures.extend(refused.map(|(record, reason)| Failure::new(record, reason)));
        failures.sort();
        Self { records, failures, actions_done, retry }
    }
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Denied(reason) => Self::Denied(reason),
            // Of a single request it would be a record's failure; here it stood for the whole.
            Trouble::Unreachable(reason) | Trouble::Rejected(reason) => Self::Unreachable(reason),
        }
    }
}

/// A server that is to hold what the records ask for.
pub trait BackEnd: Send + std::marker::Sync + 'static {
    /// For the log.
    const NAME: &'static str;

    /// What a full round would do now. Changes nothing.
    fn outlook(&self, scope: Scope) -> impl Future<Output = Result<Outlook, Setback>> + Send;

    /// Makes the back end hold what the fleet, as it is now, asks for; gives way to a newer fleet when `newer` says so.
    fn round(
        &mut self,
        depth: Depth,
        scope: Scope,
        newer: &Halt<'_>,
        progress: &watch::Sender<Progress>,
    ) -> impl Future<Output = Result<Round, Setback>> + Send;

    /// Drops what is an orphan still.
    fn drop_orphan(&mut self, orphan: &Orphan) -> impl Future<Output = Result<(), Setback>> + Send;
}

/// What a back end is known to hold, for those who ask while it is at work.
pub trait Settled: Send + std::marker::Sync {
    /// For each record of the fleet: since when all that it asks for has been so, as far as that is known; none where it
    /// is not.
    fn settled(&self, fleet: &Fleet) -> BTreeMap<Record, Option<Option<DateTime<Utc>>>>;

    /// The records for which something was made: what is none of the fleet any more has left something.
    fn touched(&self) -> BTreeSet<Record>;
}
