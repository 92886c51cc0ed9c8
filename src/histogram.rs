//! How values are spread: counted by size, without a lock. What it is shown as is the reader's business.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// From 50 µs, which is less than anything that leaves the process takes, to what nobody waits for. In nanoseconds.
const DURATIONS: &[u64] = {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000 * MICRO;
    const SECOND: u64 = 1_000 * MILLI;
    &[
        50 * MICRO,
        100 * MICRO,
        250 * MICRO,
        500 * MICRO,
        MILLI,
        2 * MILLI + 500 * MICRO,
        5 * MILLI,
        10 * MILLI,
        25 * MILLI,
        50 * MILLI,
        100 * MILLI,
        250 * MILLI,
        500 * MILLI,
        SECOND,
        2 * SECOND + 500 * MILLI,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
    ]
};

/// Values counted by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: what lies beyond them all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `(bound, how many values were at most that)`, in order.
    pub buckets: Vec<(u64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// All of them added up.
    pub sum: u64,
}

impl Histogram {
    /// Counts values by these bounds, which rise.
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts durations, in nanoseconds.
    pub fn of_durations() -> Self {
        Self::new(DURATIONS)
    }

    /// Takes note of a value.
    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// Takes note of a duration, where durations are counted.
    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What has been observed so far.
    pub fn read(&self) -> Reading {
        let mut count = 0;
        let mut rising = self.counts.iter().map(|own| {
            count += own.load(Relaxed);
            count
        });
        let buckets = self.bounds.iter().copied().zip(&mut rising).collect();
        // What lies beyond the bounds.
        let count = rising.last().unwrap_or_default();
        Reading { buckets, count, sum: self.sum.load(Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_every_bound_that_it_does_not_pass() {
        let histogram = Histogram::new(&[1, 2, 4]);
        for value in [0, 1, 2, 3, 4, 5, 100] {
            histogram.observe(value);
        }
        assert_eq!(histogram.read(), Reading { buckets: vec![(1, 2), (2, 3), (4, 5)], count: 7, sum: 115 });
    }

    #[test]
    fn durations_are_counted_in_nanoseconds() {
        let histogram = Histogram::of_durations();
        histogram.observe_time(Duration::from_micros(50));
        histogram.observe_time(Duration::from_secs(31));
        let reading = histogram.read();
        assert_eq!((reading.buckets[0], reading.count), ((50_000, 1), 2));
        assert_eq!(reading.buckets.last(), Some(&(30_000_000_000, 1)));
        assert_eq!(reading.sum, 31_000_050_000);
        assert!(DURATIONS.is_sorted());
    }
}
