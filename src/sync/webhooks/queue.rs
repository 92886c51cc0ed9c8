//! The events that wait for one destination, and when each is tried. Pure: the time is passed in.
//!
//! Every event has its own tries, so that one which a destination refuses holds up no other. A destination that fails
//! whatever it is sent is asked less and less often, and gets all that waits once it is back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::event::{Event, Kind};

/// Events that wait at most.
pub const MOST: usize = 1000;

/// After so many failures in a row it is the destination that fails, not an event.
const STREAK: u32 = 3;

/// How the delivery of an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits, for its first try or another one.
    Pending,
    /// The destination has taken it.
    Delivered,
    /// It is not tried again.
    GivenUp,
}

/// The delivery of one event to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event's.
    pub id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The record it is about.
    pub record: Option<String>,
    /// Which destination.
    pub destination: String,
    /// How it stands.
    pub state: State,
    /// Tries so far.
    pub attempts: u32,
    /// Since when there is the event.
    pub created_at: DateTime<Utc>,
    /// When it was last tried.
    pub last_try: Option<DateTime<Utc>>,
    /// What it was last answered with.
    pub status: Option<u16>,
    /// Why it last failed, without any secret.
    pub reason: Option<String>,
    /// When it is tried again at the earliest.
    pub next_try: Option<DateTime<Utc>>,
}

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What was answered; none without an answer.
    pub status: Option<u16>,
    /// In words, without any secret.
    pub reason: String,
}

impl Trouble {
    /// Whether the destination says that it wants nothing more (410 Gone).
    fn is_final(&self) -> bool {
        self.status == Some(410)
    }
}

/// What there is to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nothing waits.
    Nothing,
    /// Nothing before.
    At(DateTime<Utc>),
    /// To send this.
    Send(Arc<Event>),
}

/// What has become of events since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that were taken.
    pub delivered: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Events that were given up.
    pub given_up: u64,
    /// Events that were dropped because too many waited.
    pub dropped: u64,
}

/// The last delivery that went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// When.
    pub at: DateTime<Utc>,
    /// With which answer.
    pub status: u16,
}

/// The last one that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, without any secret.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    event: Arc<Event>,
    attempts: u32,
    next_try: DateTime<Utc>,
    last_try: Option<DateTime<Utc>>,
    status: Option<u16>,
    reason: Option<String>,
}

/// What waits for one destination, and how that one has been doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    waiting: VecDeque<Waiting>,
    /// Failures in a row.
    streak: u32,
    /// Nothing is sent before, whatever waits.
    not_before: Option<DateTime<Utc>>,
    /// The last delivery that went well.
    pub success: Option<Success>,
    /// The last one that failed.
    pub failure: Option<Failure>,
    /// Since the start.
    #[serde(skip)]
    pub counts: Counts,
    /// The event that is being sent.
    #[serde(skip)]
    sending: Option<String>,
}

impl Queue {
    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Puts an event behind the others. The oldest one is dropped when too many wait: its delivery is answered, as it ends.
    pub fn push(&mut self, event: Arc<Event>, destination: &str, now: DateTime<Utc>) -> Option<Delivery> {
        let one = Waiting { event, attempts: 0, next_try: now, last_try: None, status: None, reason: None };
        self.waiting.push_back(one);
        if self.waiting.len() <= MOST {
            return None;
        }
        let sending = self.sending.as_deref();
        let oldest = self.waiting.iter().position(|one| Some(&*one.event.id) != sending)?;
        let dropped = self.waiting.remove(oldest)?;
        self.counts.dropped += 1;
        let reason = Some(format!("dropped: more than {MOST} events were waiting"));
        Some(Waiting { reason, ..dropped }.ended(destination, State::GivenUp))
    }

    /// What there is to do.
    pub fn next(&mut self, now: DateTime<Utc>) -> Next {
        // The one that has been due for longest, so that one which fails again and again lets the others by.
        let Some(first) = self.waiting.iter().min_by_key(|one| one.next_try) else { return Next::Nothing };
        let at = self.not_before.map_or(first.next_try, |not_before| first.next_try.max(not_before));
        if at > now {
            return Next::At(at);
        }
        self.sending = Some(first.event.id.clone());
        Next::Send(first.event.clone())
    }

    /// When something is sent at the earliest; none when nothing waits.
    pub fn next_try(&self) -> Option<DateTime<Utc>> {
        let earliest = self.waiting.iter().map(|one| one.next_try).min()?;
        Some(self.not_before.map_or(earliest, |not_before| earliest.max(not_before)))
    }

    /// Takes note that an event was taken.
    pub fn delivered(
        &mut self,
        id: &str,
        status: u16,
        destination: &str,
        now: DateTime<Utc>,
    ) -> Option<Delivery> {
        self.sending = None;
        self.success = Some(Success { at: now, status });
        self.not_before = None;
        if std::mem::take(&mut self.streak) >= STREAK {
            // It is back: whatever waits need not wait any longer.
            self.waiting.iter_mut().for_each(|one| one.next_try = now);
        }
        let place = self.waiting.iter().position(|one| one.event.id == id)?;
        let mut one = self.waiting.remove(place)?;
        self.counts.delivered += 1;
        one.attempts += 1;
        (one.status, one.reason, one.last_try) = (Some(status), None, Some(now));
        Some(one.ended(destination, State::Delivered))
    }

    /// Takes note that a try has failed, with the waits between tries. Answers what is given up.
    pub fn failed(
        &mut self,
        id: &str,
        trouble: &Trouble,
        destination: &str,
        waits: &[Duration],
        now: DateTime<Utc>,
    ) -> Vec<Delivery> {
        self.sending = None;
        self.failure = Some(Failure { at: now, reason: trouble.reason.clone() });
        self.counts.failed += 1;
        self.streak = self.streak.saturating_add(1);
        let pause = waits.get(self.streak.min(STREAK) as usize - 1).or(waits.last());
        self.not_before = pause.map(|pause| later(now, *pause));
        if let Some(one) = self.waiting.iter_mut().find(|one| one.event.id == id) {
            one.attempts += 1;
            one.last_try = Some(now);
            (one.status, one.reason) = (trouble.status, Some(trouble.reason.clone()));
            let wait = waits.get(one.attempts as usize - 1).copied().unwrap_or_default();
            one.next_try = later(now, wait);
        }
        let patience: Duration = waits.iter().sum();
        let is_over = |one: &Waiting| {
            let is_this = one.event.id == id;
            (is_this && (trouble.is_final() || one.attempts as usize > waits.len()))
                || later(one.event.timestamp, patience) <= now
        };
        let (over, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(is_over);
        self.waiting = waiting;
        let over: VecDeque<Waiting> = over;
        self.counts.given_up += over.len() as u64;
        let never_tried = || Some("the destination has not answered for too long".to_owned());
        over.into_iter()
            .map(|one| Waiting { reason: one.reason.clone().or_else(never_tried), ..one })
            .map(|one| one.ended(destination, State::GivenUp))
            .collect()
    }

    /// Takes what was saved by a server whose clock may have been another one: nothing waits longer than the longest wait.
    pub fn wake(&mut self, waits: &[Duration], now: DateTime<Utc>) {
        let latest = later(now, waits.iter().max().copied().unwrap_or_default());
        self.waiting.iter_mut().for_each(|one| one.next_try = one.next_try.min(latest));
        self.not_before = self.not_before.map(|not_before| not_before.min(latest));
    }

    /// The deliveries that wait.
    pub fn pending(&self, destination: &str) -> impl Iterator<Item = Delivery> {
        self.waiting.iter().map(|one| {
            let next_try = Some(self.not_before.map_or(one.next_try, |at| one.next_try.max(at)));
            Delivery { next_try, ..one.delivery(destination, State::Pending) }
        })
    }
}

impl Waiting {
    fn delivery(&self, destination: &str, state: State) -> Delivery {
        Delivery {
            id: self.event.id.clone(),
            kind: self.event.kind,
            record: self.event.record.clone(),
            destination: destination.to_owned(),
            state,
            attempts: self.attempts,
            created_at: self.event.timestamp,
            last_try: self.last_try,
            status: self.status,
            reason: self.reason.clone(),
            next_try: None,
        }
    }

    fn ended(self, destination: &str, state: State) -> Delivery {
        self.delivery(destination, state)
    }
}

fn later(time: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    time.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
