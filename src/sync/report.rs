//! What sync tells about its work.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::backend::Round;
use super::record::{Record, Resource};

/// The result of a full comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Owners.
    pub users: Count,
    /// Devices.
    pub karanas: Count,
    /// Every failure; a record may have several.
    pub failures: Vec<Failure>,
    /// What became of each back end.
    pub backends: Vec<(&'static str, BackEndResult)>,
    /// How many actions were done; none when all was as it should be.
    pub actions_done: usize,
}

/// Records of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Those whose wish every back end now holds.
    pub synced: usize,
    /// Those for which something failed, deleted ones that could not be removed among them.
    pub failed: usize,
}

/// A back end, as a round left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum BackEndResult {
    /// None is configured: nothing was done.
    NotConfigured,
    /// It was reached and compared.
    Synced,
    /// The round failed as a whole.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Something that could not be done for a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Failure {
    /// The record's resource.
    pub resource: Resource,
    /// The record.
    pub uuid: Uuid,
    /// Why, without any secret.
    pub reason: String,
}

impl Failure {
    pub(super) fn new(record: Record, reason: impl Into<String>) -> Self {
        Self { resource: record.resource, uuid: record.uuid, reason: reason.into() }
    }

    /// The record it is about.
    pub fn record(&self) -> Record {
        Record { resource: self.resource, uuid: self.uuid }
    }
}

impl Report {
    /// Of what the back ends' rounds have brought.
    pub(super) fn of(rounds: Vec<(&'static str, BackEndResult, Round)>) -> Self {
        let mut report = Self::default();
        let mut records = BTreeSet::new();
        for (name, result, round) in rounds {
            report.backends.push((name, result));
            report.failures.extend(round.failures);
            report.actions_done += round.actions_done;
            records.extend(round.records);
        }
        report.failures.sort();
        let failed: BTreeSet<Record> = report.failures.iter().map(Failure::record).collect();
        let count = |resource| {
            let of = |record: &&Record| record.resource == resource;
            Count {
                synced: records.difference(&failed).filter(of).count(),
                failed: failed.iter().filter(of).count(),
            }
        };
        report.users = count(Resource::Users);
        report.karanas = count(Resource::Karanas);
        report
    }
}

/// How far a round is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Actions that were done or given up.
    pub done: usize,
    /// Actions that there are to do.
    pub total: usize,
    /// The record that was last worked on.
    pub item: Option<String>,
}

impl Progress {
    pub(super) fn advance(&mut self, actions: usize, record: Record) {
        self.done += actions;
        self.item = Some(record.to_string());
    }
}

/// How a back end stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What is being done with it.
    #[serde(flatten)]
    pub state: State,
    /// When the last round that could compare ended.
    pub last_round: Option<DateTime<Utc>>,
    /// What failed in that round.
    pub failures: Vec<OpenFailure>,
}

impl Status {
    /// Whether there is such a back end.
    pub fn is_configured(&self) -> bool {
        self.state != State::NotConfigured
    }
}

/// A failure that waits for another try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenFailure {
    /// What failed.
    #[serde(flatten)]
    pub failure: Failure,
    /// When it is tried again at the latest; a change to any record makes it sooner.
    pub next_try: DateTime<Utc>,
}

/// How the last round with a back end has ended, for those who tell others of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended {
    /// Rounds so far.
    pub rounds: u64,
    /// What failed for single records; as it was before, when the round as a whole failed.
    pub failures: Vec<Failure>,
    /// Whether it came to every record: what is not among the failures is in order.
    pub is_whole: bool,
    /// That the back end could not be worked with.
    pub away: Option<Away>,
}

/// A back end that cannot be worked with.
#[derive(Debug, Clone)]
pub(super) struct Away {
    /// Why, without any secret.
    pub reason: String,
    /// Rounds in a row that found it so.
    pub tries: u32,
    /// Whether no number of tries will change it.
    pub is_final: bool,
}

/// What sync is doing with a back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// None is configured.
    NotConfigured,
    /// The last round went through; waiting for the next one.
    Idle,
    /// In a round.
    Running,
    /// The last round failed as a whole: the back end is away, is one we cannot work with, or does not let us in.
    Unreachable {
        /// Why, without any secret.
        reason: String,
        /// When the next round begins at the latest.
        next_try: DateTime<Utc>,
    },
    /// The last round failed as a whole, through a fault on our side.
    Faulty {
        /// Why; for the log and administrators only.
        reason: String,
        /// When the next round begins at the latest.
        next_try: DateTime<Utc>,
    },
}

/// How a record stands with one back end, or with all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Something failed in the last round.
    Failed {
        /// What.
        reason: String,
        /// When it is tried again at the latest.
        next_try: DateTime<Utc>,
    },
    /// Not known to be as the record asks for, yet.
    Pending,
    /// As the record asks for.
    Synced {
        /// Since when; none when it has always asked for nothing.
        at: Option<DateTime<Utc>>,
    },
}

impl Standing {
    /// With all back ends together. Where there is none there is nothing to wait for; but a record that is gone, of
    /// which a back end still holds something, is pending: see [`Sync::leftovers`](super::Sync::leftovers).
    pub fn of_all(standings: &BTreeMap<&'static str, Self>) -> Self {
        standings.values().cloned().reduce(Self::and).unwrap_or(Self::Pending)
    }

    /// Of both, the one that matters more: a failure, then what is pending, then the later time.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (failed @ Self::Failed { .. }, _) | (_, failed @ Self::Failed { .. }) => failed,
            (Self::Pending, _) | (_, Self::Pending) => Self::Pending,
            (Self::Synced { at: one }, Self::Synced { at: other }) => Self::Synced { at: one.max(other) },
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::Pending => "pending",
            Self::Synced { .. } => "synced",
        }
    }
}
