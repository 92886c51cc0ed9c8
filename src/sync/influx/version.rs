//! Which InfluxDB it is: what it says of itself on `/ping`.

use std::sync::atomic::{AtomicU64, Ordering};

/// An InfluxDB that we can work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.x: users, grants and databases by InfluxQL.
    One,
    /// 2.x, with its minor version: authorizations and buckets by an API.
    Two(u32),
}

/// The first 2.x where a bucket is a database by its name, without a mapping of its own.
const MAPS_BY_NAME: u32 = 4;

/// The first 2.x that is told for ever as a retention of zero; before that, as no rule at all.
const KNOWS_ZERO: u32 = 1;

impl Version {
    /// From the header `X-Influxdb-Version`: `1.6.7~rc0`, `v2.7.1`, `2.7.10`.
    ///
    /// # Errors
    /// Why we cannot work with it, to be put behind "the server at …".
    pub fn read(header: &str) -> Result<Self, String> {
        let mut numbers = header.strip_prefix('v').unwrap_or(header).split(|c: char| !c.is_ascii_digit());
        let major = numbers.next().and_then(|number| number.parse::<u32>().ok());
        let minor = numbers.next().and_then(|number| number.parse::<u32>().ok());
        let shown: String = header.chars().take(20).filter(|c| !c.is_control()).collect();
        match major {
            Some(1) => Ok(Self::One),
            Some(2) => Ok(Self::Two(minor.unwrap_or(0))),
            Some(3) => Err(format!("is InfluxDB {shown}. {THREE}")),
            _ => Err(format!("is InfluxDB {shown}, which is not supported: only 1.x and 2.x are")),
        }
    }

    /// Whether a bucket must be mapped before it is a database.
    pub fn needs_mappings(self) -> bool {
        matches!(self, Self::Two(minor) if minor < MAPS_BY_NAME)
    }

    /// Whether for ever is a retention of zero seconds.
    pub fn knows_zero(self) -> bool {
        matches!(self, Self::Two(minor) if minor >= KNOWS_ZERO)
    }
}

/// Why not 3.x.
pub const THREE: &str = "InfluxDB 3 is not supported: its Core has five databases at most and tokens that reach all of them, so that \
     owners could not be kept apart; use 1.x or 2.x";

/// The version that was met last.
#[derive(Default)]
pub struct Met(AtomicU64);

impl Met {
    /// None before the first meeting, and after [`Met::forget`].
    pub fn get(&self) -> Option<Version> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Version::One),
            two => Some(Version::Two(u32::try_from(two - 2).unwrap_or(u32::MAX))),
        }
    }

    /// Takes note of a meeting.
    pub fn set(&self, version: Version) {
        let number = match version {
            Version::One => 1,
            Version::Two(minor) => 2 + u64::from(minor),
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// It may be another one by now.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_the_header_begins_with() {
        for one in ["1.6.7~rc0", "1.8.10", "v1.11.5", "1"] {
            assert_eq!(Version::read(one), Ok(Version::One), "{one}");
        }
        for (two, minor) in [("v2.7.1", 7), ("2.0.9", 0), ("2.10.0-nightly", 10), ("v2", 0)] {
            assert_eq!(Version::read(two), Ok(Version::Two(minor)), "{two}");
        }
        assert!(Version::read("3.0.1").unwrap_err().contains("five databases"));
        for other in ["", "vv1.2", "nightly", "12.3", "v0.9.6", "4.0"] {
            assert!(Version::read(other).unwrap_err().contains("only 1.x and 2.x"), "{other}");
        }
        assert!(Version::Two(3).needs_mappings() && !Version::Two(4).needs_mappings());
        assert!(!Version::One.needs_mappings());
    }

    #[test]
    fn what_was_met_is_remembered_until_it_is_forgotten() {
        let met = Met::default();
        assert_eq!(met.get(), None);
        for version in [Version::One, Version::Two(0), Version::Two(7)] {
            met.set(version);
            assert_eq!(met.get(), Some(version));
        }
        met.forget();
        assert_eq!(met.get(), None);
    }
}
