//! What has been committed of late, for whoever wants to hear of each change. The writer appends and waits for nobody: who
//! falls so far behind that the oldest commits are gone is told so.

use super::journal::{Mutation, Revision};
use super::record::Record;
use super::snapshot::Snapshot;
use crate::resource::Kind;
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// Commits that are kept at most, and what their texts may take together, in bytes.
const MOST: usize = 4096;
const MOST_BYTES: usize = 16 << 20;

/// What the texts of one commit may take. An import is beyond it: nobody wants to be told each of its records.
const COMMIT_BYTES: usize = 4 << 20;

/// A commit, as its followers see it.
pub struct Commit {
    /// Counts up by one from commit to commit, from the opening of the store.
    pub number: u64,
    /// The revision it made.
    pub revision: Revision,
    /// When, to the second.
    pub time: DateTime<Utc>,
    /// Who did it: [`Author::actor`](super::Author::actor).
    pub actor: String,
    /// What it did; none when that is too much to tell.
    pub changes: Option<Vec<Alteration>>,
    bytes: usize,
}

/// What a commit did to a record.
pub struct Alteration {
    /// The number of its resource.
    pub kind: usize,
    /// Its key.
    pub uuid: Uuid,
    /// As it was; none when it was not there.
    pub before: Option<Side>,
    /// As it is; none when it is gone.
    pub after: Option<Side>,
}

/// A record, and whose it was.
pub struct Side {
    /// The record.
    pub record: Record,
    /// The user it belonged to. That changes for a record, too, when another one that it belongs through moves.
    pub owner: Option<Uuid>,
}

/// The commits of late.
#[derive(Clone)]
pub(super) struct Feed(Arc<Shared>);

struct Shared {
    ring: Mutex<Ring>,
    /// The number of the newest commit.
    newest: watch::Sender<u64>,
}

struct Ring {
    commits: VecDeque<Arc<Commit>>,
    /// The revision before the oldest of them.
    before: Revision,
    /// The number of the newest, 0 when there has been none.
    newest: u64,
    bytes: usize,
}

/// Somebody who hears of every commit after a certain one.
pub struct Follower {
    feed: Feed,
    /// The number of the commit that comes next.
    next: u64,
    newest: watch::Receiver<u64>,
}

/// Why a [`Follower`] cannot go on, or not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the commits after that one are not known any more")]
pub struct TooOld;

impl Feed {
    /// Begins after this revision.
    pub fn after(revision: Revision) -> Self {
        let ring = Ring { commits: VecDeque::new(), before: revision, newest: 0, bytes: 0 };
        Self(Arc::new(Shared { ring: Mutex::new(ring), newest: watch::Sender::new(0) }))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of mutations, each with the tables before and after it, and the revision it made.
    pub fn push<'a>(
        &self,
        mutations: impl Iterator<Item = (&'a Mutation, &'a Snapshot, &'a Snapshot, &'a Revision)>,
    ) {
        let mut newest = 0;
        for (mutation, before, after, revision) in mutations {
            let (changes, bytes) = alterations(mutation, before, after);
            let mut ring = self.ring();
            ring.newest += 1;
            newest = ring.newest;
            ring.bytes += bytes;
            let actor = mutation.author.actor.clone();
            let commit = Commit {
                number: newest,
                revision: revision.clone(),
                time: mutation.time,
                actor,
                changes,
                bytes,
            };
            ring.commits.push_back(Arc::new(commit));
            while ring.commits.len() > MOST || ring.bytes > MOST_BYTES {
                let Some(oldest) = ring.commits.pop_front() else { break };
                ring.bytes -= oldest.bytes;
                ring.before = oldest.revision.clone();
            }
        }
        if newest > 0 {
            self.0.newest.send_replace(newest);
        }
    }

    /// Follows from a revision on, or from now on; answers with the revision that the follower stands at, too.
    pub fn follow(&self, after: Option<&str>) -> Result<(Follower, Revision), TooOld> {
        let ring = self.ring();
        let current = ring.commits.back().map_or(&ring.before, |commit| &commit.revision);
        let (next, revision) = match after {
            None => (ring.newest + 1, current),
            Some(after) if *after == current.0 => (ring.newest + 1, current),
            Some(after) if *after == ring.before.0 => {
                (ring.newest + 1 - ring.commits.len() as u64, &ring.before)
            }
            Some(after) => {
                let known = ring.commits.iter().rev().find(|commit| commit.revision.0 == after);
                known.map(|commit| (commit.number + 1, &commit.revision)).ok_or(TooOld)?
            }
        };
        let follower = Follower { feed: self.clone(), next, newest: self.0.newest.subscribe() };
        Ok((follower, revision.clone()))
    }
}

impl Follower {
    /// The next commit, if there is one yet.
    pub fn take(&mut self) -> Result<Option<Arc<Commit>>, TooOld> {
        // Without the lock, for the many that have heard it all.
        if *self.newest.borrow_and_update() < self.next {
            return Ok(None);
        }
        let ring = self.feed.ring();
        let oldest = ring.newest + 1 - ring.commits.len() as u64;
        let place = self.next.checked_sub(oldest).ok_or(TooOld)?;
        let commit = ring.commits.get(usize::try_from(place).unwrap_or(usize::MAX)).cloned();
        drop(ring);
        self.next += u64::from(commit.is_some());
        Ok(commit)
    }

    /// Waits until there may be another one; never again when the store is gone.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What a mutation did to records, and how much text that is; nothing when it is too much.
fn alterations(mutation: &Mutation, before: &Snapshot, after: &Snapshot) -> (Option<Vec<Alteration>>, usize) {
    let kinds = after.kinds();
    let mut changes = Vec::with_capacity(mutation.changes.len());
    let touched =
        || mutation.changes.iter().filter_map(|change| Some((kinds.get(&change.resource)?, change.uuid)));
    let mut bytes = 0;
    let mut moved = Vec::new();
    for (kind, uuid) in touched() {
        let (old, new) = (before.get(kind, uuid), after.get(kind, uuid));
        // Sealed anew, for instance.
        if old.map(Record::text) == new.map(Record::text) {
            continue;
        }
        let side =
            |tables: &Snapshot, record: Option<&Record>| record.map(|record| Side::of(tables, kind, record));
        let (old, new) = (side(before, old), side(after, new));
        bytes += [&old, &new].into_iter().flatten().map(|side| side.record.text().len() + 64).sum::<usize>();
        if bytes > COMMIT_BYTES {
            return (None, 0);
        }
        if let (Some(old), Some(new)) = (&old, &new)
            && old.owner != new.owner
        {
            moved.push((kind, uuid));
        }
        changes.push(Alteration { kind: kind.index(), uuid, before: old, after: new });
    }
    if !moved.is_empty() {
        let mut known: BTreeSet<_> = touched().map(|(kind, uuid)| (kind.index(), uuid)).collect();
        while let Some((kind, uuid)) = moved.pop() {
            for (kind, uuid) in belonging_through(after, kind, uuid) {
                let (Some(old), Some(new)) = (before.get(kind, uuid), after.get(kind, uuid)) else {
                    continue;
                };
                if !known.insert((kind.index(), uuid)) {
                    continue;
                }
                bytes += 64;
                moved.push((kind, uuid));
                let (old, new) = (Side::of(before, kind, old), Side::of(after, kind, new));
                changes.push(Alteration { kind: kind.index(), uuid, before: Some(old), after: Some(new) });
            }
        }
    }
    (Some(changes), bytes)
}

/// The records that belong to whoever this one belongs to.
fn belonging_through<'a>(
    tables: &'a Snapshot,
    through: &'a Kind,
    uuid: Uuid,
) -> impl Iterator<Item = (&'a Kind, Uuid)> {
    let referrers = tables.referrers(uuid).filter(|referrer| referrer.reference.to == through.name());
    referrers
        .filter(|referrer| {
            referrer.kind.definition().belongs_through.as_ref() == Some(&referrer.reference.field)
        })
        .map(|referrer| (referrer.kind, referrer.uuid))
}

impl Side {
    fn of(tables: &Snapshot, kind: &Kind, record: &Record) -> Self {
        Self { record: record.clone(), owner: tables.owner_of(kind, record) }
    }
}
