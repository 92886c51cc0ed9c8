//! The whole history, read and hashed: what a start leaves to the background.

use super::history::{History, rows};
use super::object::{Id, Kind};
use super::odb::Odb;
use super::read::{self, Damage, Walk};
use crate::store::journal::{JournalError, failed};
use std::collections::{HashMap, HashSet};

/// Reads every commit up to `newest` and everything that it changed, and compares it with the table of changes. Answers
/// with the number of commits; none when `goes_on` said no.
pub fn verify(
    odb: &mut Odb,
    newest: Id,
    history: &History,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<u64>, JournalError> {
    let mut count = 0;
    let mut later = Vec::new();
    let mut seen = HashSet::new();
    let mut rows_left = history.extent().rows;
    let mut walk = Walk::from(odb, newest)?;
    while let Some(step) = walk.step()? {
        if !goes_on() {
            return Ok(None);
        }
        read_changed(walk.odb, &step)?;
        let wanted: Vec<_> = rows(step.id, &step.changed).collect();
        let held =
            history.rows_before(rows_left, wanted.len()).map_err(failed("reading the table of changes"))?;
        if held.is_none_or(|held| {
            held.iter().copied().collect::<HashSet<_>>() != wanted.iter().copied().collect()
        }) {
            let id = step.id;
            return Err(JournalError::Damaged(format!(
                "the table of changes does not say what commit {id} changed; remove wal/history and restart to make it anew"
            )));
        }
        rows_left -= wanted.len() as u64;
        later.extend(step.commit.parents.iter().skip(1).copied());
        seen.insert(step.id);
        count += 1;
    }
    // What somebody has merged with git.
    while let Some(id) = later.pop().filter(|_| goes_on()) {
        if seen.insert(id) {
            let mut walk = Walk::from(odb, id)?;
            if let Some(step) = walk.step()? {
                read_changed(walk.odb, &step)?;
                later.extend(step.commit.parents);
                count += 1;
            }
        }
    }
    Ok(Some(count))
}

fn read_changed(odb: &mut Odb, step: &read::Step) -> Result<(), Damage> {
    for (path, id) in &step.changed {
        if let Some(id) = id {
            let damage = |error| Damage { path: format!("{path} in commit {}", step.id), error };
            odb.read(*id, Kind::Blob).map_err(damage)?;
        }
    }
    Ok(())
}

/// The newest commit, going back from `from`, of which everything can be read. Where a commit itself cannot be, the table
/// of changes says which one came before it.
pub fn last_good(odb: &mut Odb, from: Id, history: &History) -> Option<Id> {
    let mut known = HashMap::new();
    let mut next = Some(from);
    let mut before = HashSet::new();
    while let Some(id) = next.filter(|id| before.insert(*id)) {
        next = match read::commit(odb, id) {
            Ok(commit) if is_whole(odb, commit.tree, Kind::Tree, &mut known) => return Some(id),
            Ok(commit) => commit.parents.first().copied(),
            Err(_) => history.commit_before(id).ok().flatten(),
        };
    }
    None
}

/// Whether an object and all that it holds can be read.
fn is_whole(odb: &mut Odb, id: Id, kind: Kind, known: &mut HashMap<Id, bool>) -> bool {
    if let Some(known) = known.get(&id) {
        return *known;
    }
    let content = odb.read(id, kind);
    let whole = match (kind, content) {
        (_, Err(_)) => false,
        (Kind::Tree, Ok(content)) => super::object::items(&content).is_ok_and(|items| {
            let held = items.iter().filter_map(|item| Some((item.id, item.kind?)));
            // All of them: those that are fine need not be read again for the commit before.
            held.fold(true, |whole, (id, kind)| is_whole(odb, id, kind, known) && whole)
        }),
        (_, Ok(_)) => true,
    };
    known.insert(id, whole);
    whole
}
