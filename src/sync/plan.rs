//! What a plan is, for whatever back end: changes in the order of work, each for a record and with a reason.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use super::outlook::Step;
use super::record::Record;

/// What a back end can be made to change.
pub trait Change: Clone + Debug + PartialEq + Send + std::marker::Sync {
    /// Parts of a plan that follow each other, in their order. Sequences of one do not depend on each other; they may depend
    /// on those before.
    type Stage: Copy + Debug + Ord + Send + std::marker::Sync;

    /// Whose it is, as reports call it.
    const BACK_END: &'static str;

    /// What is done for `record`, in words and without secrets.
    fn words(&self, record: Record) -> String;

    /// Whether all it does is to end access. Such a change waits for no other, and is right even when the steps before it
    /// failed.
    fn ends_access(&self) -> bool;
}

/// One step towards what the records ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action<C> {
    /// The record it is done for.
    pub record: Record,
    /// What to do.
    pub change: C,
    /// Why, in words.
    pub reason: String,
    /// Whether this has been done before and was undone by hand since.
    pub drift: bool,
}

impl<C: Change> Action<C> {
    /// The same as every back end tells it.
    pub fn step(&self) -> Step {
        Step {
            backend: C::BACK_END,
            record: self.record,
            action: self.change.words(self.record),
            reason: self.reason.clone(),
            drift: self.drift,
        }
    }
}

impl<C: Change> fmt::Display for Action<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.record, self.change.words(self.record), self.reason)
    }
}

/// Actions for one record, to be done one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence<C> {
    /// The record.
    pub record: Record,
    /// What to do, in the order that is safe. Never empty.
    pub actions: Vec<Action<C>>,
}

/// All there is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<C: Change> {
    stages: BTreeMap<C::Stage, Vec<Sequence<C>>>,
}

impl<C: Change> Default for Plan<C> {
    fn default() -> Self {
        Self { stages: BTreeMap::new() }
    }
}

impl<C: Change> Plan<C> {
    /// Adds what is to be done for one record in a stage, if it is anything.
    pub fn file(&mut self, stage: C::Stage, record: Record, actions: Vec<Action<C>>) {
        if !actions.is_empty() {
            self.stages.entry(stage).or_default().push(Sequence { record, actions });
        }
    }

    /// The stages, in the order to apply them.
    pub fn into_stages(self) -> impl Iterator<Item = Vec<Sequence<C>>> {
        self.stages.into_values()
    }

    /// What belongs to one stage.
    #[cfg(test)]
    pub fn stage(&self, stage: C::Stage) -> &[Sequence<C>] {
        self.stages.get(&stage).map_or(&[], |sequences| sequences)
    }

    /// Every sequence, in order.
    pub fn sequences(&self) -> impl Iterator<Item = &Sequence<C>> {
        self.stages.values().flatten()
    }

    /// Every action, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action<C>> {
        self.sequences().flat_map(|sequence| &sequence.actions)
    }

    /// Every action, in order.
    pub fn actions_mut(&mut self) -> impl Iterator<Item = &mut Action<C>> {
        self.stages.values_mut().flatten().flat_map(|sequence| &mut sequence.actions)
    }

    /// Leaves out what is done for others.
    pub fn retain(&mut self, wanted: impl Fn(Record) -> bool) {
        for stage in self.stages.values_mut() {
            stage.retain(|sequence| wanted(sequence.record));
        }
        self.stages.retain(|_, stage| !stage.is_empty());
    }
}
