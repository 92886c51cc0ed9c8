//! Which records a round is about.

use std::collections::BTreeSet;

use super::fleet::Fleet;
use super::record::{Record, Resource};

/// Which records a round is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of one resource.
    Resource(Resource),
    /// One; for a device its owner as well, in whose database and organization it is.
    Record(Record),
}

/// The records in a scope.
#[derive(Debug)]
pub enum Covered {
    /// All.
    All,
    /// Those of one resource.
    Resource(Resource),
    /// These.
    These(BTreeSet<Record>),
}

impl Scope {
    /// One that covers both.
    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::All }
    }

    /// The records in it.
    pub(super) fn of(self, fleet: &Fleet) -> Covered {
        match self {
            Self::All => Covered::All,
            Self::Resource(resource) => Covered::Resource(resource),
            Self::Record(record) => {
                let device = fleet.devices.iter().find(|device| Record::device(device.uuid) == record);
                let owner = device.and_then(|device| device.owner).map(Record::owner);
                Covered::These([Some(record), owner].into_iter().flatten().collect())
            }
        }
    }
}

impl Covered {
    /// Whether a record is one of them.
    pub(super) fn has(&self, record: Record) -> bool {
        match self {
            Self::All => true,
            Self::Resource(resource) => record.resource == *resource,
            Self::These(records) => records.contains(&record),
        }
    }
}
