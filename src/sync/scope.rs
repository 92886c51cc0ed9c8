//! Which records a round is about.

use super::action::{Record, Resource};
use super::desired::Desired;

/// Which records a round is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of one resource.
    Resource(Resource),
    /// One; for a device its owner as well, whose database it needs.
    Record(Record),
}

impl Scope {
    /// One that covers both.
    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::All }
    }

    /// Whether it is about that record.
    pub(super) fn covers(&self, record: Record, desired: &Desired) -> bool {
        match self {
            Self::All => true,
            Self::Resource(resource) => record.resource == *resource,
            Self::Record(one) => {
                let needs = |owner: Record| {
                    let wish = desired.wishes.get(one);
                    wish.is_some_and(|wish| wish.databases().contains(&owner.uuid))
                };
                record == *one || (record.resource == Resource::Users && needs(record))
            }
        }
    }
}
