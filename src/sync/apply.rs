//! Carries out a plan, whatever the back end.

use futures::{Stream, StreamExt, stream};

use super::backend::Halt;
use super::link::Trouble;
use super::plan::{Action, Change, Plan, Sequence};
use super::record::Record;

/// Sequences at a time. InfluxDB spends its time on bcrypt, Grafana on its database: more would only wait there.
const AT_A_TIME: usize = 8;

/// Does what a plan asks for, one action at a time.
pub trait Executor<C: Change>: std::marker::Sync {
    /// Does it. [`Trouble::Rejected`]: the back end refuses this one; others may pass.
    fn carry_out(&self, action: &Action<C>) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Whether the back end is there at all.
    fn ping(&self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// What became of a sequence.
pub struct Outcome<C> {
    /// The record it was for.
    pub record: Record,
    /// What was done.
    pub done: Vec<Action<C>>,
    /// The actions that were not, each with the reason if it was tried.
    pub undone: Vec<(Action<C>, Option<String>)>,
}

/// Carries out `plan` stage by stage, as far as the stream is read, and goes on past what the back end refuses. As soon as
/// `halt` says so, no further action is begun.
///
/// An error means that the server is gone, or lets us in no more: do not read on. Whether the actions under way were done is
/// unknown then.
pub fn apply<'a, C: Change + 'a>(
    executor: &'a impl Executor<C>,
    plan: Plan<C>,
    halt: &'a Halt<'a>,
) -> impl Stream<Item = Result<Outcome<C>, Trouble>> + 'a {
    let stages: Vec<_> = plan.into_stages().collect();
    stream::iter(stages).flat_map(move |stage| {
        stream::iter(stage).map(move |sequence| run(executor, sequence, halt)).buffer_unordered(AT_A_TIME)
    })
}

/// Runs one sequence. Once an action has failed, the later ones that build on it are left out; those that only end access
/// are still done.
async fn run<C: Change>(
    executor: &impl Executor<C>,
    sequence: Sequence<C>,
    halt: &Halt<'_>,
) -> Result<Outcome<C>, Trouble> {
    let mut outcome = Outcome { record: sequence.record, done: Vec::new(), undone: Vec::new() };
    for action in sequence.actions {
        let failed = !outcome.undone.is_empty();
        if halt() || (failed && !action.change.ends_access()) {
            outcome.undone.push((action, None));
            continue;
        }
        match executor.carry_out(&action).await {
            Ok(()) => {
                tracing::info!(%action, "applied to {}", C::BACK_END);
                outcome.done.push(action);
            }
            Err(Trouble::Rejected(reason)) => outcome.undone.push((action, Some(reason))),
            Err(Trouble::Unreachable(reason)) => {
                // One request that got lost is this record's trouble; a server that is gone is everyone's.
                executor.ping().await?;
                outcome.undone.push((action, Some(reason)));
            }
            Err(denied @ Trouble::Denied(_)) => return Err(denied),
        }
    }
    Ok(outcome)
}
