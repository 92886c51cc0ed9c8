//! A commit, as its followers see it: what it did to records, and whose they were.

use super::super::journal::Revision;
use super::super::record::Record;
use super::super::snapshot::Snapshot;
use crate::resource::Kind;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

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
    /// Who did it: [`Author::actor`](crate::store::Author::actor).
    pub actor: String,
    /// What it did; none when that is too much to tell.
    pub changes: Option<Vec<Alteration>>,
    /// What its texts take.
    pub(super) bytes: usize,
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

impl Commit {
    /// What a mutation that touched these records has made of the tables before it.
    pub(super) fn new<'a>(
        revision: Revision,
        time: DateTime<Utc>,
        actor: String,
        touched: impl Iterator<Item = (&'a Kind, Uuid)> + Clone,
        [before, after]: [&'a Snapshot; 2],
    ) -> Self {
        let (changes, bytes) = alterations(touched, before, after);
        Self { number: 0, revision, time, actor, changes, bytes }
    }
}

/// What a mutation that touched these records did to them, and how much text that is; nothing when it is too much.
fn alterations<'a>(
    touched: impl Iterator<Item = (&'a Kind, Uuid)> + Clone,
    before: &Snapshot,
    after: &'a Snapshot,
) -> (Option<Vec<Alteration>>, usize) {
    let mut changes = Vec::new();
    let mut bytes = 0;
    let mut moved = Vec::new();
    for (kind, uuid) in touched.clone() {
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
        let mut known: BTreeSet<_> = touched.map(|(kind, uuid)| (kind.index(), uuid)).collect();
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
