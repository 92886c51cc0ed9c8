//! From what a crash left behind to a repository and a log that agree.

use super::history::{History, Row};
use super::object::{Id, Object};
use super::odb::{Odb, ReadError};
use super::read::{self, Damage, Listing};
use super::repair::is_whole;
use super::repo::{self, Checkpoint, Places, Repo, from_io};
use super::trees::Trees;
use super::wal::{Record, Wal, WalError};
use super::{Frame, Writer, settled, verify};
use crate::durable;
use crate::store::journal::{JournalError, Mutation, Receipt, failed};
use git2::{Repository, RepositoryInitOptions};
use std::fs;
use std::path::Path;
use std::sync::Once;

/// What `HEAD` says.
pub const HEAD: &str = "ref: refs/heads/main\n";

/// What a journal begins with.
pub struct Recovered {
    pub writer: Writer,
    pub repo: Repo,
    /// What the newest commit holds.
    pub listing: Option<Listing>,
    /// The newest receipts, oldest first.
    pub receipts: Vec<Receipt>,
}

/// Opens the repository and its log, and brings to the repository what only the log holds: the very commits that were
/// made before, or it says what is damaged.
pub fn recover(places: &Places) -> Result<Recovered, JournalError> {
    fs::create_dir_all(&places.log).map_err(failed("creating the folder of the write-ahead log"))?;
    let repository = open_repository(places)?;
    let checkpoint =
        places.read_checkpoint().map_err(failed("reading the checkpoint of the write-ahead log"))?;
    let logged_before = checkpoint.is_some();
    let checkpoint = checkpoint.unwrap_or_default();
    if !logged_before {
        Wal::make(&places.log, places.log_size).map_err(|e| from_io("making the write-ahead log", e))?;
    }
    let (log, records) =
        Wal::open(&places.log, places.log_size, checkpoint.sequence).map_err(|error| match error {
            WalError::Io(error) => failed("reading the write-ahead log")(error),
            damaged => {
                JournalError::Damaged(format!("{damaged}. `karana check --repair` shows what can be done"))
            }
        })?;
    if !logged_before && !records.is_empty() {
        let folder = places.log.display();
        return Err(JournalError::Damaged(format!(
            "{folder} holds mutations, but not the checkpoint they follow"
        )));
    }
    set_broken_packs_aside(places, &checkpoint)?;
    let synced = checkpoint.commit.as_deref().and_then(|id| id.parse().ok());
    let mut odb = open_odb(places, true)?;
    let named = named(&repository, places, logged_before.then_some(synced), &mut odb)?;
    let base = if records.is_empty() { newer(&mut odb, places, synced, named)? } else { synced };
    let mut history =
        History::open(&places.log, &checkpoint.history).map_err(failed("opening the table of changes"))?;
    let mut listing =
        read::list(&mut odb, base).map_err(|damage| damaged(&[damage], &mut odb, base, &history))?;
    if let Some(base) = base {
        history.catch_up(&mut odb, base)?;
    }
    let mut writer = Writer { trees: trees_of(&listing), head: base, log };
    let Replayed { mut made, objects, mut changed, receipts: replayed } = replay(&mut writer, &records)?;
    let (mut repo, mut receipts) = Repo::new(places.clone(), repository, history)?;
    repo.keep(&replayed)?;
    receipts.extend(replayed);
    repo.pack(&objects).map_err(|e| from_io("writing a pack", e))?;

    if let Some(named) = named.filter(|named| !records.is_empty() && !made.contains(named)) {
        // With what has just been made anew: the branch may lead there.
        let mut odb = open_odb(places, true)?;
        let is_behind = newer(&mut odb, places, synced, Some(named)).is_ok_and(|newer| newer == synced);
        if !is_behind {
            // Somebody with git has added to what we had made, or a large mutation was cut off before it was answered;
            // otherwise it is not what we left.
            let newest = newer(&mut odb, places, writer.head, Some(named))?;
            listing = read::list(&mut odb, newest)?;
            writer.trees = trees_of(&listing);
            if let (Some(made), Some(newest)) = (writer.head, newest) {
                repo.catch_up(&std::mem::take(&mut changed), made, &mut odb, newest)?;
            }
            writer.head = newest;
            made.clear();
        }
    }
    if let Some(head) = writer.head.filter(|head| repo.head() != Some(*head) || !made.is_empty()) {
        repo.advance(head, &changed)?;
        let batches = records.len();
        tracing::info!(batches, "brought to the repository what only the write-ahead log held");
    }
    // From here on there is a checkpoint that the log follows.
    if !logged_before || checkpoint.commit != writer.head.map(|id| id.to_string()) {
        repo.sync(writer.log.last())?;
    }
    let listing = Some(listing).filter(|listing| listing.commit == writer.head);
    Ok(Recovered { writer, repo, listing, receipts })
}

pub fn trees_of(listing: &Listing) -> Trees {
    Trees::load(listing.documents.iter().cloned(), listing.records.iter().cloned())
}

/// What a log led to.
struct Replayed {
    made: Vec<Id>,
    objects: Vec<Object>,
    changed: Vec<Row>,
    receipts: Vec<Receipt>,
}

/// Makes the commits of the log anew.
fn replay(writer: &mut Writer, records: &[Record]) -> Result<Replayed, JournalError> {
    let mut replayed = Replayed { made: vec![], objects: vec![], changed: vec![], receipts: vec![] };
    for record in records {
        let damaged = |what: &str| {
            JournalError::Damaged(format!("record {} of the write-ahead log {what}", record.sequence))
        };
        let (frame, mutations) = read_record(record).ok_or_else(|| damaged("cannot be read"))?;
        if writer.head.map(|id| id.0) != frame.before {
            return Err(damaged("does not follow the commit before it"));
        }
        let commits = writer.commit(&mutations, &mut replayed.objects, &mut replayed.changed);
        if commits.last().map(|id| id.0) != Some(frame.after) {
            return Err(damaged("leads to another commit than it did"));
        }
        replayed.receipts.extend(settled(&mutations, &commits));
        replayed.made.extend(commits);
    }
    Ok(replayed)
}

/// What a record of the log says.
pub fn read_record(record: &Record) -> Option<(Frame, Vec<Mutation>)> {
    let (frame, mutations) = postcard::take_from_bytes(&record.body).ok()?;
    Some((frame, postcard::from_bytes(mutations).ok()?))
}

/// What cannot be read of a commit, with the way out of it.
pub fn damaged(damages: &[Damage], odb: &mut Odb, commit: Option<Id>, history: &History) -> JournalError {
    let mut text = damages.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if damages.len() > 10 {
        text.push_str(&format!("; and {} more", damages.len() - 10));
    }
    for (pack, reason) in odb.unusable() {
        text.push_str(&format!("; the pack {pack} cannot be used: {reason}"));
    }
    match commit.and_then(|commit| verify::last_good(odb, commit, history)) {
        Some(good) => text.push_str(&format!("; the last good commit is {good}")),
        None => text.push_str("; there is no good commit"),
    }
    text.push_str(". `karana check --repair` shows what can be done");
    JournalError::Damaged(text)
}

pub fn open_odb(places: &Places, in_memory: bool) -> Result<Odb, JournalError> {
    let odb = Odb::open(&places.repository, in_memory).map_err(failed("listing the packs"))?;
    for (pack, reason) in odb.unusable() {
        tracing::error!(pack, reason, "a pack cannot be used");
    }
    Ok(odb)
}

/// Opens the repository, made anew when there is none.
pub fn open_repository(places: &Places) -> Result<Repository, JournalError> {
    sync_what_git_writes();
    let path = &places.repository;
    if is_begun(path) {
        remove_leftovers(path)?;
        return open(path);
    }
    let making = || failed("making the repository");
    // What a crash left of a first start: no more than git's own scaffold.
    for item in fs::read_dir(path).map_err(|e| making()(e))? {
        let item = item.map_err(|e| making()(e))?.path();
        let removed = if item.is_dir() { fs::remove_dir_all(&item) } else { fs::remove_file(&item) };
        removed.map_err(|e| making()(e))?;
    }
    let repository = create(path)?;
    durable::sync_folder(path).map_err(|e| making()(e))?;
    Ok(repository)
}

/// Whether there is a repository, or was one: a power cut during the very first start may leave a scaffold whose files are
/// without content.
fn is_begun(path: &Path) -> bool {
    const SCAFFOLD: [&str; 3] = ["HEAD", "config", "description"];
    fn holds_more(folder: &Path) -> bool {
        fs::read_dir(folder).into_iter().flatten().flatten().any(|item| {
            let is_folder = item.file_type().is_ok_and(|kind| kind.is_dir());
            let name = item.file_name();
            if is_folder { holds_more(&item.path()) } else { SCAFFOLD.iter().all(|known| name != *known) }
        })
    }
    fs::read_to_string(path.join("HEAD")).is_ok_and(|head| head == HEAD) || holds_more(path)
}

/// Opens a repository that is there.
pub fn open(path: &Path) -> Result<Repository, JournalError> {
    Repository::open_bare(path).map_err(|error| match error.class() {
        git2::ErrorClass::Config => {
            let (config, reason) = (path.join("config"), error.message());
            JournalError::Damaged(format!(
                "{}: {reason}. `karana check --repair` shows what can be done",
                config.display()
            ))
        }
        _ => failed("opening the repository")(error),
    })
}

/// What the branch names. One that a power cut has left broken, or without the commit it names, is removed: what it should
/// name is in the log. `logged`: what was synced last, of a repository that has a log.
fn named(
    repository: &Repository,
    places: &Places,
    logged: Option<Option<Id>>,
    odb: &mut Odb,
) -> Result<Option<Id>, JournalError> {
    let reason = match (repo::head(repository), logged) {
        (Ok(Some(named)), Some(synced)) if synced != Some(named) => match read::commit(odb, named) {
            // Not in a pack that is damaged, but gone.
            Err(lost) if matches!(lost.error, ReadError::Missing(_)) => lost.to_string(),
            _ => return Ok(Some(named)),
        },
        (Err(reason), Some(_)) => reason.to_string(),
        (named, _) => return named,
    };
    match fs::remove_file(places.repository.join(read::BRANCH)) {
        Ok(()) => {
            tracing::warn!(%reason, "the branch cannot be read; going back to what was synced last");
            Ok(None)
        }
        // It is packed, as git does it, and we do not write there.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(JournalError::Damaged(format!(
            "packed-refs: {reason}. `karana check --repair` shows what can be done"
        ))),
        Err(e) => Err(failed("removing a broken branch")(e)),
    }
}

/// Of what was synced last and what the branch names, the one that follows the other.
fn newer(
    odb: &mut Odb,
    places: &Places,
    synced: Option<Id>,
    named: Option<Id>,
) -> Result<Option<Id>, JournalError> {
    let (Some(synced), Some(named)) = (synced, named) else { return Ok(named.or(synced)) };
    if read::follows(odb, synced, named) {
        // A power cut took the branch back.
        Ok(Some(synced))
    } else if read::follows(odb, named, synced) {
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
    let (packs, indexes) = (places.pack_names(), places.index_names());
    let listing = || failed("listing the packs");
    let names = &packs.map_err(|e| listing()(e))? | &indexes.map_err(|e| listing()(e))?;
    for name in names.difference(&checkpoint.packs) {
        let path = |ending: &str| places.packs().join(format!("{name}.{ending}"));
        if is_whole(&path("pack")) && is_whole(&path("idx")) {
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

/// Everything can be read: what was set aside on the way there is not needed.
pub fn remove_what_was_set_aside(places: &Places) {
    for file in fs::read_dir(places.packs()).into_iter().flatten().flatten() {
        let path = file.path();
        if path.extension().is_some_and(|ending| ending == "broken")
            && let Err(reason) = fs::remove_file(&path)
        {
            tracing::warn!(%reason, path = %path.display(), "a broken pack could not be removed");
        }
    }
}

pub fn create(path: &Path) -> Result<Repository, JournalError> {
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
