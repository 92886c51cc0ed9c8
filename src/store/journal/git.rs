//! The journal as a bare git repository with a write-ahead log before it.
//!
//! A batch of mutations is on the disk, in the log, before it is answered. Its commits are known by then: they follow from
//! the mutations alone. The repository gets them a moment later, and a start after a crash makes the very same ones anew
//! from the log.
//!
//! Layout of the tree: documents at the top, `tables/<resource>/<a>/<b>/<c>/<uuid>.json`.

mod flush;
mod history;
mod merge;
mod object;
mod odb;
mod pack;
mod program;
mod read;
mod receipts;
mod recover;
pub mod remote;
mod repair;
mod repo;
mod trees;
mod verify;
mod wal;

pub use repair::Repair;

use super::{
    Author, Change, Journal, JournalError, Loaded, Looker, Moment, Mutation, Receipt, Revision,
    StoredVersion, failed, record_path,
};
use crate::histogram::{self, Histogram};
use flush::{Flusher, Pushed};
use history::{History, Row};
use object::{Id, Kind, Object};
use odb::Odb;
use read::Listing;
use recover::Recovered;
use repo::Places;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use trees::Trees;
use uuid::Uuid;
use wal::{Room, Wal};

/// The id of the blob that holds a text.
pub fn blob_id(text: &str) -> String {
    object::id_of(Kind::Blob, text.as_bytes()).to_string()
}

/// A bare git repository with a write-ahead log before it.
pub struct GitJournal {
    places: Places,
    writer: Mutex<Writer>,
    flusher: Flusher,
    /// How long the log's syncs have taken: beside the writer, who holds its lock meanwhile.
    syncs: Arc<Histogram>,
    /// What was listed to open it, for whoever loads first.
    listing: Mutex<Option<Listing>>,
    /// Those of before the start, until they have been loaded.
    receipts: Mutex<Vec<Receipt>>,
}

struct Writer {
    trees: Trees,
    head: Option<Id>,
    log: Wal,
}

/// What a record of the log says beside the mutations: so that a replay is known to be right.
#[derive(Serialize, Deserialize)]
struct Frame {
    before: Option<[u8; 20]>,
    after: [u8; 20],
}

/// More than a [`Frame`] takes in the log.
const FRAME: usize = 64;

impl GitJournal {
    /// Opens the repository and its log, made anew when there are none, and brings to the repository what only the log
    /// holds. Each of the log's two files is `log_size` long, always. The caller holds the storage's lock.
    pub fn open(repository: &Path, log: &Path, log_size: u64) -> Result<Self, JournalError> {
        let places = Places { repository: repository.to_owned(), log: log.to_owned(), log_size };
        let Recovered { writer, repo, listing, receipts } = recover::recover(&places)?;
        let flusher =
            Flusher::start(repo, writer.log.last()).map_err(failed("starting to write to the repository"))?;
        let syncs = writer.log.syncs().clone();
        let (listing, receipts) = (Mutex::new(listing), Mutex::new(receipts));
        Ok(Self { places, writer: Mutex::new(writer), flusher, syncs, listing, receipts })
    }

    /// Readers get a handle of their own, on a repository that holds everything that was answered, and the table of
    /// changes as it is then. `in_memory`: they will read much.
    fn reader(&self, in_memory: bool) -> Result<(Odb, History), JournalError> {
        self.flusher.flush()?;
        let history = History::reader(&self.places.log, self.flusher.history());
        let history = history.map_err(failed("opening the table of changes"))?;
        Ok((recover::open_odb(&self.places, in_memory)?, history))
    }
}

impl Journal for GitJournal {
    fn load(&self) -> Result<Loaded, JournalError> {
        let listing = self.listing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (mut odb, history) = self.reader(true)?;
        // As it is on the disk, whoever has written it.
        let head = repo::head(&recover::open(&self.places.repository)?)?;
        let known = listing.filter(|listing| listing.commit == head);
        let listing = known.map_or_else(|| read::list(&mut odb, head), Ok);
        let loaded = listing.map_err(|damage| vec![damage]).and_then(|listing| read::load(&mut odb, listing));
        let mut loaded = loaded.map_err(|damages| recover::damaged(&damages, &mut odb, head, &history))?;
        loaded.receipts = std::mem::take(&mut *self.receipts.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(loaded)
    }

    fn at(&self, moment: &Moment) -> Result<Loaded, JournalError> {
        let (mut odb, history) = self.reader(true)?;
        let commit = read::find(&mut odb, history.newest(), moment)?;
        let listing = read::list(&mut odb, Some(commit))?;
        read::load(&mut odb, listing).map_err(|damages| JournalError::Damaged(damages[0].to_string()))
    }

    fn append(&self, batch: &[Mutation]) -> Result<Vec<Revision>, JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mutations = postcard::to_stdvec(batch).map_err(failed("encoding a batch"))?;
        // Everything that may be refused comes before the trees are touched: a full disk leaves no trace.
        self.flusher.ready()?;
        let fits = loop {
            match writer.log.room(mutations.len() + FRAME, self.flusher.synced_up_to()) {
                Room::Enough => break true,
                Room::After(sequence) => self.flusher.sync(sequence)?,
                Room::Never => break false,
            }
        };
        let before = writer.head.map(|id| id.0);
        let (mut objects, mut changed) = (Vec::new(), Vec::new());
        let commits = writer.commit(batch, &mut objects, &mut changed);
        let Some(newest) = commits.last().copied() else { return Ok(vec![]) };
        let pushed = Pushed { objects, changed, receipts: settled(batch, &commits), newest };
        if fits {
            let mut body = postcard::to_stdvec(&Frame { before, after: newest.0 })
                .map_err(failed("encoding a batch"))?;
            body.extend_from_slice(&mutations);
            writer.log.append(&body).map_err(failed("writing to the write-ahead log"))?;
            self.flusher.push(pushed, writer.log.last());
        } else {
            // A large import: straight to the repository.
            self.flusher.push(pushed, writer.log.last());
            self.flusher.sync_all().map_err(failed("writing a large mutation"))?;
        }
        Ok(commits.into_iter().map(|id| Revision(id.to_string())).collect())
    }

    fn history(
        &self,
        resource: &str,
        uuid: Uuid,
        after: Option<&Revision>,
        limit: usize,
    ) -> Result<Vec<StoredVersion>, JournalError> {
        let (mut odb, history) = self.reader(false)?;
        let commits = history.of_record(resource, uuid).map_err(failed("reading the table of changes"))?;
        let newest_first = || commits.iter().rev();
        let first = match after {
            None => 0,
            Some(after) => {
                let place = newest_first().position(|(id, _)| id.to_string() == after.0);
                1 + place.ok_or_else(|| JournalError::NoSuchRevision(Moment::Revision(after.0.clone())))?
            }
        };
        let path = record_path(resource, uuid);
        newest_first()
            .skip(first)
            .take(limit)
            .map(|(id, blob)| Ok(read::version(&mut odb, *id, *blob, &path)?))
            .collect()
    }

    fn look_back(&self, before: Option<&Revision>, each: &mut Looker<'_>) -> Result<(), JournalError> {
        let (mut odb, history) = self.reader(false)?;
        let newest = match before {
            None => history.newest(),
            Some(before) => {
                let before = Moment::Revision(before.0.clone());
                let id = read::find(&mut odb, history.newest(), &before)?;
                read::commit(&mut odb, id)?.parents.first().copied()
            }
        };
        read::look_back(&mut odb, newest, each)
    }

    fn revision_at(&self, moment: &Moment) -> Result<Revision, JournalError> {
        let (mut odb, history) = self.reader(false)?;
        Ok(Revision(read::find(&mut odb, history.newest(), moment)?.to_string()))
    }

    fn record_at(&self, resource: &str, uuid: Uuid, moment: &Moment) -> Result<Option<String>, JournalError> {
        let (mut odb, history) = self.reader(false)?;
        let commit = read::find(&mut odb, history.newest(), moment)?;
        Ok(read::file(&mut odb, commit, &record_path(resource, uuid))?)
    }

    fn syncs(&self) -> histogram::Reading {
        self.syncs.read()
    }

    fn on_failure(&self, alarm: Box<dyn FnOnce() + Send>) {
        self.flusher.on_failure(alarm);
    }

    fn verify(&self, goes_on: &dyn Fn() -> bool) -> Result<Option<u64>, JournalError> {
        let (mut odb, history) = self.reader(true)?;
        let Some(head) = history.newest() else { return Ok(Some(0)) };
        let count = verify::verify(&mut odb, head, &history, goes_on)?;
        if count.is_some() {
            recover::remove_what_was_set_aside(&self.places);
        }
        Ok(count)
    }

    fn flush(&self) -> Result<(), JournalError> {
        self.flusher.flush()
    }

    fn close(&self) -> Result<(), JournalError> {
        self.flusher.stop()
    }
}

impl Writer {
    /// Makes the commits of a batch: their objects are appended, and what they changed; their ids are the answer.
    fn commit(&mut self, batch: &[Mutation], objects: &mut Vec<Object>, changed: &mut Vec<Row>) -> Vec<Id> {
        let mut commits = Vec::with_capacity(batch.len());
        for mutation in batch {
            let mut touched = Vec::with_capacity(mutation.changes.len());
            for Change { resource, uuid, text } in &mutation.changes {
                let before = self.trees.record(resource, *uuid);
                let blob = text.as_ref().map(|text| Object::new(Kind::Blob, text.as_bytes(), before));
                let after = blob.as_ref().map(|blob| blob.id);
                if before != after {
                    self.trees.put_record(resource, *uuid, after);
                    touched.push((resource, *uuid, after));
                }
                objects.extend(blob);
            }
            for (name, text) in &mutation.documents {
                let blob = Object::new(Kind::Blob, text.as_bytes(), self.trees.document(name));
                self.trees.put_document(name, blob.id);
                objects.push(blob);
            }
            let tree = self.trees.write(objects);
            let commit = Object::commit(
                tree,
                self.head,
                &signature(&mutation.author),
                mutation.time,
                &message(mutation),
            );
            let rows = touched.into_iter();
            changed.extend(rows.map(|(resource, uuid, blob)| Row::new(commit.id, resource, uuid, blob)));
            self.head = Some(commit.id);
            commits.push(commit.id);
            objects.push(commit);
        }
        commits
    }
}

/// The receipts of a batch, with the revisions that hold them.
fn settled(batch: &[Mutation], commits: &[Id]) -> Vec<Receipt> {
    let receipts = batch.iter().zip(commits).filter_map(|(mutation, commit)| {
        let revision = Revision(commit.to_string());
        mutation.receipt.clone().map(|receipt| Receipt { revision, ..receipt })
    });
    receipts.collect()
}

fn message(mutation: &Mutation) -> String {
    let mut message = format!("{}\n\nActor: {}\n", mutation.summary, mutation.author.actor);
    if let Some(id) = &mutation.author.request_id {
        message.push_str(&format!("Request-Id: {id}\n"));
    }
    message
}

fn signature(author: &Author) -> String {
    // Git allows neither angle brackets nor line breaks here, no empty name, and no punctuation at its ends.
    let plain = |text: &str| {
        let text: String = text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect();
        text.trim_matches(|c: char| c.is_whitespace() || ".,:;\"\\'".contains(c)).to_owned()
    };
    let (name, email) = (plain(&author.name), plain(&author.email));
    format!("{} <{email}>", if name.is_empty() { &email } else { &name })
}
