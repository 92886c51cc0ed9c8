//! The commits before the store was opened, for followers who come again after a restart: found by undoing them one by one,
//! so that it is known for each whose the records were.

use super::super::journal::{JournalError, Revision};
use super::super::record::Record;
use super::super::snapshot::{Links, Snapshot};
use super::super::{Mutation, Store};
use super::{Commit, Feed, MOST};
use std::ops::ControlFlow;
use uuid::Uuid;

/// Records of one commit that are undone at most. An import is not, nor is what came before it.
const RECORDS: usize = 1000;

/// Commits that are undone at most.
const COMMITS: usize = 2 * MOST;

/// Brings into the feed what came before it, as much as it has room for. Reads the disk.
pub fn recall(store: &Store, feed: &Feed) -> Result<(), JournalError> {
    let begin = feed.begin();
    let mut tables = (*store.read()).clone();
    let newest = tables.revision().clone();
    let (mut undone, mut reached, mut is_older) = (0, false, false);
    let (mut commits, mut before) = (Vec::new(), Revision::default());
    let walked = store.look_back(None, |mut mutation| {
        let version = mutation.version();
        // Others have been made since the tables were taken.
        reached |= version.revision == newest;
        if !reached {
            return Ok(ControlFlow::Continue(()));
        }
        is_older |= version.revision == begin;
        before = version.revision.clone();
        if undone == COMMITS || commits.len() == MOST {
            return Ok(ControlFlow::Break(()));
        }
        undone += 1;
        let Some(Before { tables: earlier, touched }) = undo(&mut mutation, &tables)? else {
            return Ok(ControlFlow::Break(()));
        };
        if is_older {
            let kinds = tables.kinds();
            let touched = touched.iter().map(|(index, uuid)| (kinds.at(*index), *uuid));
            let states = [&earlier, &tables];
            commits.push(Commit::new(version.revision, version.time, version.actor, touched, states));
            // Unless there is one before it.
            before = Revision::default();
        }
        tables = earlier;
        Ok(ControlFlow::Continue(()))
    });
    // What was found before it failed is right.
    if is_older {
        feed.prepend(&begin, commits, before);
    }
    walked
}

struct Before {
    tables: Snapshot,
    /// The numbers of resources, and keys.
    touched: Vec<(usize, Uuid)>,
}

/// The tables before a mutation; none when that is too much, or cannot be told.
fn undo(mutation: &mut Mutation<'_>, after: &Snapshot) -> Result<Option<Before>, JournalError> {
    let records = mutation.records()?;
    if records.len() > RECORDS {
        return Ok(None);
    }
    let kinds = after.kinds().clone();
    let mut tables = after.clone();
    let mut old = Vec::with_capacity(records.len());
    let mut touched = Vec::with_capacity(records.len());
    for (resource, uuid) in records {
        // A resource that is not enabled any more is nobody's to see.
        let Some(kind) = kinds.get(&resource) else { continue };
        let [before, _] = mutation.entries(kind, uuid)?;
        tables.remove(kind, uuid);
        touched.push((kind.index(), uuid));
        old.extend(before.map(|entry| (kind, uuid, entry)));
    }
    for (kind, uuid, mut entry) in old {
        kind.complete_stored(&mut entry);
        let record = Record::new(uuid, &entry, Default::default());
        if tables.put_record(kind, record, Links::of(kind, &entry)).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(Before { tables, touched }))
}
