//! What sync tells about its work.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::action::{Record, Resource};

/// The result of a full comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Owners.
    pub users: Count,
    /// Devices.
    pub karanas: Count,
    /// Every failure; a record may have several.
    pub failures: Vec<Failure>,
    /// What became of InfluxDB as a whole.
    pub influxdb: BackEnd,
    /// How many actions were done; none when all was as it should be.
    pub actions_done: usize,
}

/// Records of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Those whose wish InfluxDB now holds.
    pub synced: usize,
    /// Those for which something failed, deleted ones that could not be removed among them.
    pub failed: usize,
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

/// A back end, as a round left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackEnd {
    /// None is configured: nothing was done.
    NotConfigured,
    /// It was reached and compared.
    Synced,
}

/// How sync stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// When the last round that could compare ended.
    pub last_round: Option<DateTime<Utc>>,
    /// What failed in that round.
    pub failures: Vec<OpenFailure>,
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

/// What sync is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No InfluxDB is configured.
    NotConfigured,
    /// The last round went through; waiting for the next one.
    Idle,
    /// In a round.
    Running,
    /// The last round failed as a whole: InfluxDB is away, is one we cannot work with, or does not let us in.
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
