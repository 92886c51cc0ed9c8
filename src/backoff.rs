//! How long to wait before trying again.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(300);

/// Doubles the wait with each failure in a row, up to five minutes.
#[derive(Debug)]
pub struct Backoff {
    shortest: Duration,
    failures: u32,
}

impl Backoff {
    /// Begins with a wait of `shortest`.
    pub fn from(shortest: Duration) -> Self {
        Self { shortest, failures: 0 }
    }

    /// The wait after one more failure. `random` lies between 0 and 1 and takes off up to a quarter, so that
    /// servers which lost the same back end do not come back all at once.
    pub fn next(&mut self, random: f64) -> Duration {
        let wait = self.shortest.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        scattered(wait, random)
    }

    /// The wait after a failure that only a person can mend.
    pub fn longest(random: f64) -> Duration {
        scattered(LONGEST, random)
    }

    /// Begins again at the shortest wait.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

fn scattered(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_five_minutes() {
        let mut backoff = Backoff::from(Duration::from_secs(1));
        let waits: Vec<u64> = (0..11).map(|_| backoff.next(0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(1.0), Duration::from_secs(225));
        backoff.reset();
        assert_eq!(backoff.next(1.0), Duration::from_millis(750));
    }
}
