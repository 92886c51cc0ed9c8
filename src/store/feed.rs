//! What has been committed of late, for whoever wants to hear of each change. The writer appends and waits for nobody: who
//! falls so far behind that the oldest commits are gone is told so.

mod commit;
mod recall;

pub use commit::{Alteration, Commit, Side};
pub(super) use recall::recall;

use super::journal::{Mutation, Revision};
use super::snapshot::Snapshot;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Commits that are kept at most, and what their texts may take together, in bytes.
const MOST: usize = 4096;
const MOST_BYTES: usize = 16 << 20;

/// Commits after the opening of the store have higher numbers; those before it, as far as they are recalled, lower ones.
const FIRST: u64 = MOST as u64;

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
    /// The number of the newest, [`FIRST`] when there has been none.
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
        let ring = Ring { commits: VecDeque::new(), before: revision, newest: FIRST, bytes: 0 };
        Self(Arc::new(Shared { ring: Mutex::new(ring), newest: watch::Sender::new(FIRST) }))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of mutations, each with the tables before and after it, and the revision it made.
    pub fn push<'a>(&self, mutations: impl Iterator<Item = (&'a Mutation, [&'a Snapshot; 2], &'a Revision)>) {
        let mut newest = 0;
        for (Mutation { author, time, changes, .. }, tables, revision) in mutations {
            let kinds = tables[1].kinds();
            let touched =
                changes.iter().filter_map(|change| Some((kinds.get(&change.resource)?, change.uuid)));
            let mut commit = Commit::new(revision.clone(), *time, author.actor.clone(), touched, tables);
            let mut ring = self.ring();
            ring.newest += 1;
            newest = ring.newest;
            commit.number = newest;
            ring.bytes += commit.bytes;
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

    /// The revision before the oldest commit that is known.
    fn begin(&self) -> Revision {
        self.ring().before.clone()
    }

    /// Takes older commits, the newest first, as far as there is room; they end with the revision `begin`. The revision
    /// before them all is `before`.
    fn prepend(&self, begin: &Revision, commits: Vec<Commit>, before: Revision) {
        let mut ring = self.ring();
        if ring.before != *begin {
            // It has become full meanwhile, and has let go of some.
            return;
        }
        let mut number = ring.oldest();
        for mut commit in commits {
            if ring.commits.len() == MOST || ring.bytes + commit.bytes > MOST_BYTES {
                ring.before = commit.revision;
                return;
            }
            number -= 1;
            commit.number = number;
            ring.bytes += commit.bytes;
            ring.commits.push_front(Arc::new(commit));
        }
        ring.before = before;
    }

    /// Follows from a revision on, or from now on; answers with the revision that the follower stands at, too.
    pub fn follow(&self, after: Option<&str>) -> Result<(Follower, Revision), TooOld> {
        let ring = self.ring();
        let current = ring.commits.back().map_or(&ring.before, |commit| &commit.revision);
        let (next, revision) = match after {
            None => (ring.newest + 1, current),
            Some(after) if *after == current.0 => (ring.newest + 1, current),
            Some(after) if *after == ring.before.0 => (ring.oldest(), &ring.before),
            Some(after) => {
                let known = ring.commits.iter().rev().find(|commit| commit.revision.0 == after);
                known.map(|commit| (commit.number + 1, &commit.revision)).ok_or(TooOld)?
            }
        };
        let follower = Follower { feed: self.clone(), next, newest: self.0.newest.subscribe() };
        Ok((follower, revision.clone()))
    }
}

impl Ring {
    /// The number of the oldest commit that is known, or else of the next.
    fn oldest(&self) -> u64 {
        self.newest + 1 - self.commits.len() as u64
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
        let place = self.next.checked_sub(ring.oldest()).ok_or(TooOld)?;
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

#[cfg(test)]
mod tests {
    use super::super::journal::Author;
    use super::super::seal::{KeyFile, Keyring};
    use super::*;
    use crate::resource::Kinds;
    use chrono::DateTime;

    fn tables() -> Snapshot {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile { path: folder.path().join("seal.keys"), is_ours: true };
        Snapshot::empty(Kinds::enabled(&[]).unwrap(), Arc::new(Keyring::open(&file, None).unwrap()))
    }

    fn push(feed: &Feed, tables: &Snapshot, names: impl Iterator<Item = usize>) {
        let mutation = Mutation {
            author: Author::program("test"),
            time: DateTime::UNIX_EPOCH,
            summary: "nothing".into(),
            receipt: None,
            changes: vec![],
            documents: vec![],
        };
        let revisions: Vec<_> = names.map(|n| Revision(n.to_string())).collect();
        feed.push(revisions.iter().map(|revision| (&mutation, [tables, tables], revision)));
    }

    #[test]
    fn who_falls_too_far_behind_is_told_so() {
        let tables = tables();
        let feed = Feed::after(Revision("0".into()));
        let (mut slow, _) = feed.follow(None).unwrap();
        push(&feed, &tables, 1..=3);
        assert_eq!(slow.take().unwrap().unwrap().revision.0, "1");
        // The one that comes next is the oldest that is kept.
        push(&feed, &tables, 4..=MOST + 1);
        assert_eq!(slow.take().unwrap().unwrap().revision.0, "2");
        let (_, from) = feed.follow(Some("1")).unwrap();
        assert_eq!(from.0, "1");
        push(&feed, &tables, MOST + 2..=MOST + 4);
        assert_eq!(slow.take().err(), Some(TooOld));
        assert_eq!(feed.follow(Some("1")).err(), Some(TooOld));
        let (mut last, from) = feed.follow(Some(&(MOST + 4).to_string())).unwrap();
        assert_eq!((from.0, last.take().unwrap().is_none()), ((MOST + 4).to_string(), true));
    }

    #[test]
    fn older_commits_come_before_the_others_or_not_at_all() {
        let tables = tables();
        let commit = |n: i32| {
            let nothing = std::iter::empty();
            Commit::new(Revision(n.to_string()), DateTime::UNIX_EPOCH, "test".into(), nothing, [&tables; 2])
        };
        let begin = Revision("3".into());
        let feed = Feed::after(begin.clone());
        push(&feed, &tables, 4..=5);
        let (mut follower, _) = feed.follow(Some("4")).unwrap();
        feed.prepend(&Revision("2".into()), vec![commit(2)], Revision("1".into()));
        assert_eq!(feed.follow(Some("1")).err(), Some(TooOld));
        feed.prepend(&begin, vec![commit(3), commit(2)], Revision("1".into()));
        let (mut old, _) = feed.follow(Some("1")).unwrap();
        let told: Vec<_> =
            std::iter::from_fn(|| old.take().unwrap()).map(|of| of.revision.0.clone()).collect();
        assert_eq!(told, ["2", "3", "4", "5"]);
        // Who was there before is where it was.
        assert_eq!(follower.take().unwrap().unwrap().revision.0, "5");
    }
}
