//! What the store counts, for whoever watches it.

use crate::histogram::{Histogram, Reading};
use std::sync::atomic::AtomicU64;

/// How the store has been doing since it was opened.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Commits in each batch; their sum is the number of commits.
    pub batches: Reading,
    /// How long the disk took to take each batch, in nanoseconds.
    pub syncs: Reading,
    /// Writes that wait for the writer, which takes them in batches.
    pub queued: usize,
    /// Writes that were refused because the disk was full.
    pub refused_when_full: u64,
}

/// What the writer counts.
pub(super) struct Counts {
    pub batches: Histogram,
    pub refused_when_full: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        let batches = Histogram::new(&[1, 2, 4, 8, 16, 32, 64, 128, 256]);
        Self { batches, refused_when_full: AtomicU64::new(0) }
    }
}
