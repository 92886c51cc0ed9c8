//! The journal as a bare git repository with a write-ahead log before it.
//!
//! A batch of mutations is on the disk, in the log, before it is answered. Its commits are known by then: they follow from
//! the mutations alone. The repository gets them a moment later, and a start after a crash makes the very same ones anew
//! from the log.
//!
//! Layout of the tree: documents at the top, `tables/<resource>/<a>/<b>/<c>/<uuid>.json`.

mod flush;
mod merge;
mod object;
mod pack;
mod read;
mod repo;
mod trees;
mod wal;

use super::{Author, Change, Journal, JournalError, Loaded, Mutation, Revision, Version, failed};
use flush::Flusher;
use git2::{Oid, Repository, RepositoryInitOptions};
use object::{Id, Kind, Object};
use repo::{Checkpoint, Places, Repo, from_io};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use trees::Trees;
use uuid::Uuid;
use wal::{Room, Wal};

/// The size of each of the log's two files: room for some ten thousand mutations.
const LOG_SIZE: u64 = 8 << 20;

/// A bare git repository with a write-ahead log before it.
pub struct GitJournal {
    places: Places,
    writer: Mutex<Writer>,
    flusher: Flusher,
    /// What was read to open it, for whoever loads first: reading a large repository takes its time.
    read: Mutex<Option<Loaded>>,
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
    /// holds. The caller holds the storage's lock.
    pub fn open(repository: &Path, log: &Path) -> Result<Self, JournalError> {
        sync_what_git_writes();
        let places = Places { repository: repository.to_owned(), log: log.to_owned() };
        fs::create_dir_all(log).map_err(failed("creating the folder of the write-ahead log"))?;
        let repo = if repository.join("HEAD").exists() {
            remove_leftovers(repository)?;
            Repository::open_bare(repository).map_err(failed("opening the repository"))?
        } else {
            create(repository)?
        };
        let checkpoint =
            places.read_checkpoint().map_err(failed("reading the checkpoint of the write-ahead log"))?;
        let logged_before = checkpoint.is_some();
        let checkpoint = checkpoint.unwrap_or_default();
        let (log, records) = Wal::open(log, LOG_SIZE, checkpoint.sequence).map_err(|error| match error {
            wal::WalError::Io(error) => failed("reading the write-ahead log")(error),
            damaged @ wal::WalError::Damaged { .. } => JournalError::Damaged(damaged.to_string()),
        })?;
        if !logged_before && !records.is_empty() {
            let folder = places.log.display();
            return Err(JournalError::Damaged(format!(
                "{folder} holds mutations, but not the checkpoint they follow"
            )));
        }
        set_broken_packs_aside(&places, &checkpoint)?;
        let synced = checkpoint.commit.as_deref().and_then(|id| Oid::from_str(id).ok());
        let named = named(&repo, &places, logged_before)?;
        let base = if records.is_empty() { newer(&repo, &places, synced, named)? } else { synced };
        let (loaded, ids) = read::load(&repo, base)?;
        let mut writer =
            Writer { trees: Trees::load(ids.documents, ids.records), head: base.map(Id::from), log };

        let mut objects = Vec::new();
        let mut made_anew = Vec::new();
        for record in &records {
            let damaged = |what: &str| {
                JournalError::Damaged(format!("record {} of the write-ahead log {what}", record.sequence))
            };
            let (frame, mutations): (Frame, _) =
                postcard::take_from_bytes(&record.body).map_err(|_| damaged("cannot be read"))?;
            let mutations: Vec<Mutation> =
                postcard::from_bytes(mutations).map_err(|_| damaged("cannot be read"))?;
            if writer.head.map(|id| id.0) != frame.before {
                return Err(damaged("does not follow the commit before it"));
            }
            let commits = writer.commit(&mutations, &mut objects);
            if commits.last().map(|id| id.0) != Some(frame.after) {
                return Err(damaged("leads to another commit than it did"));
            }
            made_anew.extend(commits);
        }
        if let Some(named) =
            named.filter(|named| !records.is_empty() && !made_anew.contains(&(*named).into()))
        {
            let made = writer.head.and_then(|id| Oid::from_bytes(&id.0).ok());
            let is_behind = newer(&repo, &places, synced, Some(named)).is_ok_and(|newer| newer == synced);
            if !is_behind {
                // Somebody with git has added to what we had made; otherwise it is not what we left.
                let newest = newer(&repo, &places, made, Some(named))?;
                let (_, ids) = read::load(&repo, newest)?;
                writer.trees = Trees::load(ids.documents, ids.records);
                writer.head = newest.map(Id::from);
            }
        }
        let sequence = writer.log.last();
        let mut repo = Repo::new(places.clone(), repo)?;
        if let Some(head) = writer.head.filter(|head| repo.head() != Some(*head)) {
            repo.pack(&objects).map_err(|e| from_io("writing a pack", e))?;
            repo.advance(head)?;
            let batches = records.len();
            tracing::info!(batches, "brought to the repository what only the write-ahead log held");
        }
        // From here on there is a checkpoint that the log follows.
        if !logged_before || checkpoint.commit != writer.head.map(|id| id.to_string()) {
            repo.sync(sequence).map_err(|e| from_io("syncing the repository", e))?;
        }
        let flusher =
            Flusher::start(repo, sequence).map_err(failed("starting to write to the repository"))?;
        let read = Some(loaded).filter(|_| writer.head == base.map(Id::from));
        Ok(Self { places, writer: Mutex::new(writer), flusher, read: Mutex::new(read) })
    }

    /// Readers get a handle of their own, on a repository that holds everything that was answered.
    fn reader(&self) -> Result<Repository, JournalError> {
        self.flusher.flush()?;
        Repository::open_bare(&self.places.repository).map_err(failed("opening the repository"))
    }
}

impl Journal for GitJournal {
    fn load(&self) -> Result<Loaded, JournalError> {
        if let Some(read) = self.read.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(read);
        }
        let repository = self.reader()?;
        let head = read::head(&repository)?;
        Ok(read::load(&repository, head)?.0)
    }

    fn at(&self, revision: &str) -> Result<Loaded, JournalError> {
        let repository = self.reader()?;
        let commit = read::find(&repository, revision)?;
        Ok(read::load(&repository, Some(commit))?.0)
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
        let mut objects = Vec::new();
        let commits = writer.commit(batch, &mut objects);
        let Some(newest) = commits.last().copied() else { return Ok(vec![]) };
        if fits {
            let mut body = postcard::to_stdvec(&Frame { before, after: newest.0 })
                .map_err(failed("encoding a batch"))?;
            body.extend_from_slice(&mutations);
            writer.log.append(&body).map_err(failed("writing to the write-ahead log"))?;
            self.flusher.push(objects, newest, writer.log.last());
        } else {
            // A large import: straight to the repository.
            self.flusher.push(objects, newest, writer.log.last());
            self.flusher.sync_all().map_err(failed("writing a large mutation"))?;
        }
        Ok(commits.into_iter().map(|id| Revision(id.to_string())).collect())
    }

    fn history(&self, resource: &str, uuid: Uuid) -> Result<Vec<Version>, JournalError> {
        let repository = self.reader()?;
        read::history(&repository, &read::record_path(resource, uuid)).map_err(failed("walking the history"))
    }

    fn close(&self) -> Result<(), JournalError> {
        self.flusher.stop()
    }
}

impl Writer {
    /// Makes the commits of a batch: their objects are appended, their ids are the answer.
    fn commit(&mut self, batch: &[Mutation], objects: &mut Vec<Object>) -> Vec<Id> {
        let mut commits = Vec::with_capacity(batch.len());
        for mutation in batch {
            for Change { resource, uuid, text } in &mutation.changes {
                let blob = text
                    .as_ref()
                    .map(|text| Object::new(Kind::Blob, text.as_bytes(), self.trees.record(resource, *uuid)));
                self.trees.put_record(resource, *uuid, blob.as_ref().map(|blob| blob.id));
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
            self.head = Some(commit.id);
            commits.push(commit.id);
            objects.push(commit);
        }
        commits
    }
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

/// What the branch names. One that a power cut has left broken is removed: what it should name is in the log.
fn named(repo: &Repository, places: &Places, logged_before: bool) -> Result<Option<Oid>, JournalError> {
    let reason = match read::head(repo) {
        Ok(named) => return Ok(named),
        Err(reason) if logged_before => reason,
        Err(reason) => return Err(reason),
    };
    tracing::warn!(%reason, "the branch cannot be read; going back to what was synced last");
    fs::remove_file(places.repository.join(read::BRANCH)).map_err(failed("removing a broken branch"))?;
    Ok(None)
}

/// Of what was synced last and what the branch names, the one that follows the other.
fn newer(
    repo: &Repository,
    places: &Places,
    synced: Option<Oid>,
    named: Option<Oid>,
) -> Result<Option<Oid>, JournalError> {
    let (Some(synced), Some(named)) = (synced, named) else { return Ok(named.or(synced)) };
    let follows = |newer, older| newer == older || repo.graph_descendant_of(newer, older).unwrap_or(false);
    if follows(synced, named) {
        // A power cut took the branch back.
        Ok(Some(synced))
    } else if follows(named, synced) {
        // Somebody with git has added to it while we were away.
        Ok(Some(named))
    } else {
        let path = places.repository.display();
        let message =
            format!("{path}: main names {named}, which does not follow {synced}, the last commit made here");
        Err(JournalError::Damaged(message))
    }
}

/// A pack that was not synced may be half there after a power cut. What it held is in the log.
fn set_broken_packs_aside(places: &Places, checkpoint: &Checkpoint) -> Result<(), JournalError> {
    let names = places.pack_names().map_err(failed("listing the packs"))?;
    for name in names.difference(&checkpoint.packs) {
        let path = |ending: &str| places.packs().join(format!("{name}.{ending}"));
        let whole = |ending: &str| {
            fs::read(path(ending)).is_ok_and(|content| {
                content
                    .split_last_chunk::<20>()
                    .is_some_and(|(content, checksum)| Sha1::digest(content).as_slice() == checksum)
            })
        };
        if whole("pack") && whole("idx") {
            continue;
        }
        tracing::warn!(pack = name, "set aside a pack that a crash left unfinished");
        for ending in ["idx", "pack"] {
            match fs::rename(path(ending), path(&format!("{ending}.broken"))) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("setting a broken pack aside")(e));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn create(path: &Path) -> Result<Repository, JournalError> {
    let mut options = RepositoryInitOptions::new();
    options
        .bare(true)
        .initial_head("main")
        .external_template(false)
        .description("The tables of a Karana server");
    let repository = Repository::init_opts(path, &options).map_err(failed("creating the repository"))?;
    let configure = || {
        let mut config = repository.config()?;
        // A collection beside a live writer can drop objects it has not yet named.
        config.set_i32("gc.auto", 0)?;
        config.set_bool("gc.packRefs", false)?;
        config.set_bool("core.logAllRefUpdates", false)
    };
    configure().map_err(failed("configuring the repository"))?;
    // Not everything that libgit2 makes here is synced, in spite of the switch; without a HEAD git sees no repository.
    for name in ["HEAD", "."] {
        let synced = fs::File::open(path.join(name)).and_then(|file| file.sync_all());
        synced.map_err(failed("syncing the new repository"))?;
    }
    Ok(repository)
}

/// A power cut leaves locks and unfinished files behind. The storage's own lock says that nobody needs them.
fn remove_leftovers(path: &Path) -> Result<(), JournalError> {
    let mut leftovers: Vec<_> = ["HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/main.lock"]
        .map(|name| path.join(name))
        .into();
    for file in fs::read_dir(path.join("objects/pack")).into_iter().flatten().flatten() {
        if file.file_name().to_string_lossy().starts_with("tmp_") {
            leftovers.push(file.path());
        }
    }
    for file in leftovers {
        match fs::remove_file(&file) {
            Ok(()) => tracing::warn!(file = %file.display(), "removed what a crash left behind"),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(&format!("removing {}", file.display()))(e)),
        }
    }
    Ok(())
}

/// libgit2 does not sync to the disk by itself, and git2 has no switch for it.
fn sync_what_git_writes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[expect(
            unsafe_code,
            reason = "the only way to the option; it sets a process-wide flag before the first use"
        )]
        let code = unsafe { libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR as _, 1) };
        assert!(code == 0, "libgit2 refuses to sync to the disk");
    });
}
