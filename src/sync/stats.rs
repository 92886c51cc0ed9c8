//! What sync counts, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::backend::Setback;
use super::link::Trouble;
use crate::histogram::{Histogram, Reading};

/// How sync has been doing since the start.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Rounds that could compare, whatever failed for single records.
    pub rounds_done: u64,
    /// Rounds that failed as a whole.
    pub rounds_failed: u64,
    /// Actions that were done.
    pub actions: u64,
    /// The requests to InfluxDB.
    pub requests: Vec<Requests>,
}

/// Requests of one kind.
#[derive(Debug, Clone)]
pub struct Requests {
    /// `ping`, `query`, `change` or `write`.
    pub kind: &'static str,
    /// How many had which outcome: `ok`, `rejected`, `denied` or `unreachable`.
    pub outcomes: Vec<(&'static str, u64)>,
    /// How long they took, in nanoseconds.
    pub durations: Reading,
}

/// The kinds of requests that sync makes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Is it there?
    Ping,
    /// Looks.
    Query,
    /// Changes users, databases, rights.
    Change,
    /// Writes points.
    Write,
}

const KINDS: [&str; 4] = ["ping", "query", "change", "write"];
const OUTCOMES: [&str; 4] = ["ok", "rejected", "denied", "unreachable"];

/// What is counted while sync works.
#[derive(Default)]
pub struct Counts {
    rounds_done: AtomicU64,
    rounds_failed: AtomicU64,
    actions: AtomicU64,
    requests: [OfKind; KINDS.len()],
}

struct OfKind {
    outcomes: [AtomicU64; OUTCOMES.len()],
    durations: Histogram,
}

impl Default for OfKind {
    fn default() -> Self {
        Self { outcomes: Default::default(), durations: Histogram::of_durations() }
    }
}

impl Counts {
    /// Takes note of a request that took so long and ended so.
    pub fn request<T>(&self, kind: Kind, took: Duration, result: &Result<T, Trouble>) {
        let outcome = match result {
            Ok(_) => 0,
            Err(Trouble::Rejected(_)) => 1,
            Err(Trouble::Denied(_)) => 2,
            Err(Trouble::Unreachable(_)) => 3,
        };
        let counts = &self.requests[kind as usize];
        counts.outcomes[outcome].fetch_add(1, Relaxed);
        counts.durations.observe_time(took);
    }

    /// Takes note of an action that was done.
    pub fn actions(&self, done: usize) {
        self.actions.fetch_add(done as u64, Relaxed);
    }

    /// Takes note of a round that has ended.
    pub fn round<T>(&self, result: &Result<T, Setback>) {
        match result {
            Ok(_) => self.rounds_done.fetch_add(1, Relaxed),
            Err(Setback::Stopping) => 0,
            Err(_) => self.rounds_failed.fetch_add(1, Relaxed),
        };
    }

    /// What has been counted so far.
    pub fn read(&self) -> Stats {
        let requests = KINDS.into_iter().zip(&self.requests).map(|(kind, counts)| {
            let outcomes = OUTCOMES.into_iter().zip(&counts.outcomes);
            let outcomes = outcomes.map(|(outcome, count)| (outcome, count.load(Relaxed))).collect();
            Requests { kind, outcomes, durations: counts.durations.read() }
        });
        Stats {
            rounds_done: self.rounds_done.load(Relaxed),
            rounds_failed: self.rounds_failed.load(Relaxed),
            actions: self.actions.load(Relaxed),
            requests: requests.collect(),
        }
    }
}
