//! What sync would do, and what it has found that no record asks for: told alike for every back end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::record::Record;

/// What a round would do now, in order, and what it would leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The steps towards what the records ask for.
    pub steps: Vec<Step>,
    /// What bears a name as we give them, and belongs to no record.
    pub orphans: Vec<Orphan>,
}

impl Outlook {
    /// Adds what another back end would do.
    pub fn add(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.orphans.extend(other.orphans);
    }
}

/// One step, in words and without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Where.
    pub backend: &'static str,
    /// For which record.
    #[serde(flatten)]
    pub record: Record,
    /// What is done.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Whether it puts right what was changed by hand: it had been done before, and no record has changed since.
    #[serde(skip)]
    pub drift: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.record, self.action, self.reason)
    }
}

/// What bears a name as we give them, and belongs to no record. It is dropped when somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Where.
    pub backend: String,
    /// What it is there: `database`, `user`, …
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.backend, self.kind, self.name)
    }
}
