//! The one writer: a thread that takes what waits in the queue as a batch.

use super::feed::Feed;
use super::journal::{Author, Journal, Mutation, Revision};
use super::pulse::Pulse;
use super::snapshot::Snapshot;
use super::stats::Counts;
use super::transaction::Transaction;
use super::{Clock, Written};
use crate::error::Error;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, oneshot, watch};

/// Writers that wait beyond this many wait outside the queue.
pub(super) const QUEUE: usize = 1024;

/// Mutations in a batch at most: bounds the time until its first one is answered.
const BATCH: usize = 256;

/// A mutation in the queue.
pub(super) trait Job: Send {
    fn author(&self) -> Author;
    fn decide(&mut self, transaction: &mut Transaction) -> Result<(), Error>;
    fn answer(self: Box<Self>, outcome: Result<Revision, Error>);
}

pub(super) struct Write<T, F> {
    author: Author,
    decide: Option<F>,
    value: Option<T>,
    answer: oneshot::Sender<Result<Written<T>, Error>>,
}

impl<T, F> Write<T, F> {
    pub fn new(author: Author, decide: F, answer: oneshot::Sender<Result<Written<T>, Error>>) -> Self {
        Self { author, decide: Some(decide), value: None, answer }
    }
}

impl<T: Send, F: FnOnce(&mut Transaction) -> Result<T, Error> + Send> Job for Write<T, F> {
    fn author(&self) -> Author {
        self.author.clone()
    }

    fn decide(&mut self, transaction: &mut Transaction) -> Result<(), Error> {
        if let Some(decide) = self.decide.take() {
            self.value = Some(decide(transaction)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<Revision, Error>) {
        let Self { value, answer, .. } = *self;
        let written = outcome.and_then(|revision| {
            let value = value.ok_or_else(|| Error::Internal("a write without a decision".into()))?;
            Ok(Written { value, revision })
        });
        // Whoever asked may have gone; the write stands.
        let _ = answer.send(written);
    }
}

/// What the queue holds.
pub(super) enum Order {
    Write(Box<dyn Job>),
    /// Take no more; answered when everything is in its final place and the storage is let go of.
    Close(oneshot::Sender<()>),
    /// The journal has found out by itself that it cannot write any more.
    Failed,
    /// Nothing to do: to see that it is taken.
    Nudge,
}

/// What a write is told once the journal has failed.
pub(super) fn refusal() -> Error {
    Error::Unavailable(
        "the store takes no more writes since one of them failed; the server must be restarted".into(),
    )
}

pub(super) struct Writer {
    pub journal: Arc<dyn Journal>,
    pub tables: watch::Sender<Arc<Snapshot>>,
    pub queue: mpsc::Receiver<Order>,
    pub clock: Clock,
    pub counts: Arc<Counts>,
    pub pulse: Arc<Pulse>,
    pub feed: Feed,
    /// Set when it ends.
    pub closing: Arc<AtomicBool>,
    /// Let go of at the very end: no second process may write before.
    pub lock: File,
}

impl Writer {
    /// Runs until it is told to close, every handle on the store is gone, or the journal fails.
    pub fn run(mut self) {
        let closed = self.work();
        self.closing.store(true, Ordering::Relaxed);
        // Closing the queue refuses the writes to come, draining it those that wait.
        self.queue.close();
        let mut waiting: Vec<_> = closed.into_iter().collect();
        while let Ok(order) = self.queue.try_recv() {
            match order {
                Order::Write(job) => job.answer(Err(refusal())),
                Order::Close(done) => waiting.push(done),
                Order::Failed | Order::Nudge => {}
            }
        }
        if let Err(reason) = self.journal.close() {
            tracing::error!(%reason, "the journal was not closed in order; the next start puts that right");
        }
        // Not only closed: a program that is being started at this moment has a copy of everything that is open.
        if let Err(reason) = rustix::fs::flock(&self.lock, rustix::fs::FlockOperation::Unlock) {
            tracing::warn!(%reason, "the storage was not unlocked; that goes with the process");
        }
        drop(self);
        for done in waiting {
            let _ = done.send(());
        }
    }

    fn work(&mut self) -> Option<oneshot::Sender<()>> {
        loop {
            let order = self.queue.blocking_recv()?;
            self.pulse.step();
            let mut jobs = match order {
                Order::Write(job) => vec![job],
                Order::Close(done) => return Some(done),
                Order::Failed => return None,
                Order::Nudge => continue,
            };
            let mut close = None;
            while jobs.len() < BATCH && close.is_none() {
                match self.queue.try_recv() {
                    Ok(Order::Write(job)) => jobs.push(job),
                    Ok(Order::Close(done)) => close = Some(done),
                    Ok(Order::Nudge) => {}
                    // The write that comes next is told so by the journal.
                    Ok(Order::Failed) | Err(_) => break,
                }
            }
            if let Err(reason) = self.write(jobs) {
                tracing::error!(%reason, "a write failed: its outcome is unknown, no more are taken");
                // Never again after an error: the system may have dropped the very pages that would be synced next.
                return close;
            }
            if close.is_some() {
                return close;
            }
        }
    }

    fn write(&self, jobs: Vec<Box<dyn Job>>) -> Result<(), super::JournalError> {
        let before = self.tables.borrow().clone();
        let mut tables = (*before).clone();
        let mut batch = Vec::new();
        // The tables before each mutation of the batch.
        let mut earlier = Vec::new();
        let mut decided = Vec::with_capacity(jobs.len());
        for mut job in jobs {
            let mut transaction = Transaction::new(tables.clone());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                job.decide(&mut transaction)?;
                transaction.finish()
            }))
            .unwrap_or_else(|_| Err(Error::Internal("a decision panicked".into())));
            let outcome = outcome.map(|changed| {
                if let Some(changed) = changed {
                    let (after, mutation) = changed.mutation(job.author(), (self.clock)());
                    earlier.push(std::mem::replace(&mut tables, after));
                    batch.push(mutation);
                }
                // How much of the batch this answer rests on.
                batch.len()
            });
            decided.push((job, outcome));
        }
        let revisions = match self.append(&batch) {
            Ok(revisions) => revisions,
            Err(super::JournalError::Full) => {
                self.counts.refused_when_full.fetch_add(decided.len() as u64, Ordering::Relaxed);
                decided.into_iter().for_each(|(job, _)| job.answer(Err(Error::StorageFull)));
                return Ok(());
            }
            Err(reason) => {
                decided.into_iter().for_each(|(job, _)| job.answer(Err(Error::OutcomeUnknown)));
                return Err(reason);
            }
        };
        if let Some(newest) = revisions.last() {
            self.counts.batches.observe(batch.len() as u64);
            tables.set_revision(newest.clone());
            for (mutation, revision) in batch.iter().zip(&revisions) {
                if let Some(receipt) = &mutation.receipt {
                    tables.receipts_mut().settle(&receipt.key, revision);
                }
            }
            let tables = Arc::new(tables);
            self.tables.send_replace(tables.clone());
            // Before the answers: whoever has one can follow from there on.
            let later = earlier.iter().skip(1).chain([&*tables]);
            let states = earlier.iter().zip(later).map(|(before, after)| [before, after]);
            let mutations = batch.iter().zip(states).zip(&revisions);
            self.feed.push(mutations.map(|((mutation, states), revision)| (mutation, states, revision)));
        }
        for (job, outcome) in decided {
            job.answer(outcome.map(|written| match written {
                0 => before.revision().clone(),
                n => revisions[n - 1].clone(),
            }));
        }
        Ok(())
    }

    fn append(&self, batch: &[Mutation]) -> Result<Vec<Revision>, super::JournalError> {
        if batch.is_empty() { Ok(vec![]) } else { self.pulse.at_the_disk(|| self.journal.append(batch)) }
    }
}
