//! Writes that a client may send again without having them done again: what was asked for, and what it was answered.
//!
//! A receipt is part of the mutation that it belongs to, so it is durable exactly when that is. It is not in git: it is
//! worth something for a day.

use super::journal::{Receipt, Revision};
use chrono::{DateTime, TimeDelta, Utc};
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// How long a receipt counts.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// How many are kept: beyond that the oldest goes.
pub const MOST: usize = 100_000;

/// The receipts of the last day: immutable, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Receipts {
    by_key: OrdMap<[u8; 32], Arc<Receipt>>,
    by_time: OrdSet<(DateTime<Utc>, [u8; 32])>,
}

impl Receipts {
    /// The one for a key, if it still counts.
    pub fn get(&self, key: &[u8; 32], now: DateTime<Utc>) -> Option<&Arc<Receipt>> {
        self.by_key.get(key).filter(|receipt| receipt.time + LIFE > now)
    }

    /// Adds one, and lets go of those that are too old.
    pub fn put(&mut self, receipt: Receipt) {
        let (key, now) = (receipt.key, receipt.time);
        if let Some(before) = self.by_key.insert(key, Arc::new(receipt)) {
            self.by_time.remove(&(before.time, key));
        }
        self.by_time.insert((now, key));
        while let Some(oldest) = self.by_time.get_min().copied() {
            if oldest.0 + LIFE > now && self.by_time.len() <= MOST {
                break;
            }
            self.by_time.remove(&oldest);
            self.by_key.remove(&oldest.1);
        }
    }

    /// Notes which revision holds the write.
    pub fn settle(&mut self, key: &[u8; 32], revision: &Revision) {
        if let Some(receipt) = self.by_key.get_mut(key) {
            Arc::make_mut(receipt).revision = revision.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(key: u8, hour: i64) -> Receipt {
        let time = DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        Receipt {
            key: [key; 32],
            request: [0; 32],
            time,
            outcome: String::new(),
            revision: Revision::default(),
        }
    }

    #[test]
    fn receipts_count_for_a_day() {
        let mut receipts = Receipts::default();
        let at = |hour: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        receipts.put(receipt(1, 0));
        receipts.put(receipt(2, 20));
        assert!(receipts.get(&[1; 32], at(23)).is_some());
        assert!(receipts.get(&[1; 32], at(24)).is_none());
        receipts.put(receipt(3, 25));
        assert_eq!((receipts.by_key.len(), receipts.by_time.len()), (2, 2));
        receipts.put(receipt(2, 30));
        assert_eq!((receipts.by_key.len(), receipts.by_time.len()), (2, 2));
        receipts.settle(&[2; 32], &Revision("abc".into()));
        assert_eq!(receipts.get(&[2; 32], at(31)).unwrap().revision.0, "abc");
    }
}
