//! What sync counts, for whoever watches it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::action::{Record, Resource};
use super::applied::{Applied, Traces};
use super::desired::Desired;
use super::influx::client::Trouble;
use super::round::Setback;
use crate::histogram::{Histogram, Reading};

/// How sync has been doing since the start.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Where the records stand, as far as was known when they were last looked at or changed.
    pub records: Vec<(Resource, Records)>,
    /// Rounds that could compare, whatever failed for single records.
    pub rounds_done: u64,
    /// Rounds that failed as a whole.
    pub rounds_failed: u64,
    /// Actions that were done.
    pub actions: u64,
    /// The requests to InfluxDB.
    pub requests: Vec<Requests>,
}

/// How many records of a resource stand how. A deleted record counts until nothing of it is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Records {
    /// InfluxDB is not known to hold what they ask for, yet.
    pub pending: usize,
    /// InfluxDB holds what they ask for.
    pub synced: usize,
    /// Something failed for them in the last round.
    pub failed: usize,
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
    records: Mutex<[Records; 2]>,
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

    /// Takes note of where the records stand.
    pub fn records(&self, desired: &Desired, applied: &Applied, failed: &BTreeSet<Record>) {
        *self.records.lock().unwrap_or_else(PoisonError::into_inner) = stand(desired, applied, failed);
    }

    /// The same, where another back end has counted them.
    pub fn stand(&self, stand: [Records; 2]) {
        *self.records.lock().unwrap_or_else(PoisonError::into_inner) = stand;
    }

    /// What has been counted so far.
    pub fn read(&self) -> Stats {
        let records = *self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = KINDS.into_iter().zip(&self.requests).map(|(kind, counts)| {
            let outcomes = OUTCOMES.into_iter().zip(&counts.outcomes);
            let outcomes = outcomes.map(|(outcome, count)| (outcome, count.load(Relaxed))).collect();
            Requests { kind, outcomes, durations: counts.durations.read() }
        });
        Stats {
            records: [Resource::Users, Resource::Karanas].into_iter().zip(records).collect(),
            rounds_done: self.rounds_done.load(Relaxed),
            rounds_failed: self.rounds_failed.load(Relaxed),
            actions: self.actions.load(Relaxed),
            requests: requests.collect(),
        }
    }
}

/// Owners, then devices.
fn stand(desired: &Desired, applied: &Applied, failed: &BTreeSet<Record>) -> [Records; 2] {
    let mut stand = [Records::default(); 2];
    let of = |record: Record| usize::from(record.resource == Resource::Karanas);
    for (record, wish) in &desired.wishes {
        let counts = &mut stand[of(*record)];
        let traces = applied.traces(*record);
        let as_wished = traces == Some(&Traces::of(*record, wish));
        match wish.password {
            _ if wish.refusal.is_some() || failed.contains(record) => counts.failed += 1,
            _ if as_wished => counts.synced += 1,
            // Of a record that asks for no user nothing need be known.
            None if traces.is_none() => counts.synced += 1,
            _ => counts.pending += 1,
        }
    }
    for record in applied.records().filter(|record| !desired.wishes.contains_key(record)) {
        let counts = &mut stand[of(record)];
        if failed.contains(&record) { counts.failed += 1 } else { counts.pending += 1 }
    }
    stand
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Secret;
    use crate::sync::desired::Wish;
    use uuid::Uuid;

    #[test]
    fn a_record_is_pending_until_it_is_known_to_be_as_wished() {
        let [asks, idle, gone] = [1, 2, 3].map(|n| Record::owner(Uuid::from_u128(n)));
        let wish = Wish { password: Some(Secret::new("a")), ..Wish::default() };
        let mut desired = Desired::default();
        desired.wishes.insert(asks, wish.clone());
        desired.wishes.insert(idle, Wish::default());
        let mut applied = Applied::default();
        let none = BTreeSet::new();
        let counts = |pending, synced, failed| Records { pending, synced, failed };

        assert_eq!(stand(&desired, &applied, &none), [counts(1, 1, 0), counts(0, 0, 0)]);
        applied.settle(asks, Some(&wish), &[]);
        assert_eq!(stand(&desired, &applied, &none)[0], counts(0, 2, 0));
        applied.doubt(gone, crate::sync::applied::Facet::Access);
        assert_eq!(stand(&desired, &applied, &none)[0], counts(1, 2, 0));
        assert_eq!(stand(&desired, &applied, &BTreeSet::from([asks, gone]))[0], counts(0, 1, 2));
        // Its user is to go.
        applied.settle(idle, Some(&wish), &[]);
        assert_eq!(stand(&desired, &applied, &none)[0], counts(2, 1, 0));
    }
}
