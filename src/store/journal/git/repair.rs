//! What can be done about a damage that a start does not mend by itself: looked for, shown, and only then done.
//!
//! A damage can hide others, so it is done in rounds: what is found first is mended first, and then it is looked again.

use super::history::{Extent, History};
use super::object::Id;
use super::read::{self, record_at};
use super::recover::{self, HEAD, open_odb, open_repository, read_record, trees_of};
use super::repo::{Checkpoint, Places, Repo, from_io};
use super::wal::{self, Wal, WalError};
use super::{GitJournal, Writer, verify};
use crate::store::journal::{Author, Change, Journal, JournalError, Mutation, failed};
use chrono::{DateTime, Utc};
use git2::Repository;
use sha1::{Digest, Sha1};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// What is to be done, in its order.
pub struct Repair {
    places: Places,
    steps: Vec<Step>,
}

/// One thing to do.
enum Step {
    /// `HEAD` says something else than that the branch is main.
    Head,
    /// The repository's configuration cannot be read.
    Config { reason: String },
    /// The branch is packed, and what it is packed in cannot be read.
    References { reason: String, commit: String },
    /// The index of a pack that is whole.
    Index { pack: PathBuf },
    /// Up to where the repository was on the disk is not known any more.
    Checkpoint { reason: String, checkpoint: Checkpoint, drops: usize },
    /// The log is damaged in the middle.
    Log { reason: String, keeps: Vec<Vec<u8>>, first: u64 },
    /// Trees or the commit itself cannot be read.
    Back { reason: String, to: Id, time: DateTime<Utc> },
    /// Records cannot be read.
    Records(Vec<Lost>),
}

/// A record that cannot be read.
struct Lost {
    path: String,
    reason: String,
    /// Its newest version that can be, and of when it is.
    instead: Option<(Arc<str>, DateTime<Utc>)>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD: let it name the branch main (nothing is lost)"),
            Self::Config { reason } => {
                write!(f, "config: set it aside and write it anew (nothing is lost): {reason}")
            }
            Self::References { reason, commit } => write!(
                f,
                "packed-refs: set it aside and let main name {commit}, which was synced last (LOST: what was added with git since, and other references): {reason}"
            ),
            Self::Index { pack } => {
                let name = pack.file_name().unwrap_or_default().to_string_lossy();
                write!(f, "{name}: make its index anew (nothing is lost)")
            }
            Self::Checkpoint { reason, checkpoint, drops } => {
                let commit = checkpoint.commit.as_deref().unwrap_or("nothing");
                write!(f, "wal/checkpoint: begin at {commit}, which main names: {reason}")?;
                match drops {
                    0 => f.write_str(" (nothing is lost)"),
                    n => write!(f, " (LOST: {n} batches of the log, which do not follow from there)"),
                }
            }
            Self::Log { reason, keeps, .. } => write!(
                f,
                "wal: keep the {} batches before the damage, set the files aside (LOST: what was answered after them and is not in the repository): {reason}",
                keeps.len()
            ),
            Self::Back { reason, to, time } => write!(
                f,
                "main: go back to {to} of {time}, the last good commit, and make what the log holds anew from there (LOST: what was changed in between): {reason}"
            ),
            Self::Records(lost) => {
                for (number, Lost { path, reason, instead }) in lost.iter().enumerate() {
                    let instead = match instead {
                        Some((_, time)) => {
                            format!("bring back its version of {time} (LOST: what was changed since)")
                        }
                        None => {
                            "take it out of the tables (LOST: there is no version of it that can be read)"
                                .into()
                        }
                    };
                    let line = if number == 0 { "" } else { "\n" };
                    write!(f, "{line}{path}: {instead}: {reason}")?;
                }
                Ok(())
            }
        }
    }
}

impl Repair {
    /// Looks for what is damaged. The caller holds the storage's lock. What a start mends by itself is mended.
    pub fn plan(repository: &Path, log: &Path, log_size: u64) -> Result<Self, JournalError> {
        let places = Places { repository: repository.to_owned(), log: log.to_owned(), log_size };
        let mut steps = files(&places)?;
        if steps.is_empty() {
            steps.extend(branch(&places)?);
        }
        if steps.is_empty() {
            steps.extend(records(&places)?);
        }
        Ok(Self { places, steps })
    }

    /// What there is to do, one line or more each.
    pub fn steps(&self) -> Vec<String> {
        self.steps.iter().map(ToString::to_string).collect()
    }

    /// Does it.
    pub fn apply(self, now: DateTime<Utc>) -> Result<(), JournalError> {
        self.steps.into_iter().try_for_each(|step| step.apply(&self.places, now))
    }
}

/// What is wrong with files that are looked at by themselves.
fn files(places: &Places) -> Result<Vec<Step>, JournalError> {
    let mut steps = Vec::new();
    if !fs::read_to_string(places.repository.join("HEAD")).is_ok_and(|head| head == HEAD) {
        return Ok(vec![Step::Head]);
    }
    let repository = match Repository::open_bare(&places.repository) {
        Ok(repository) => repository,
        Err(reason) => return Ok(vec![Step::Config { reason: reason.message().to_owned() }]),
    };
    let known = places.read_checkpoint();
    if let (Err(reason), Ok(Some(Checkpoint { commit: Some(commit), .. }))) =
        (super::repo::head(&repository), &known)
        && !places.repository.join(read::BRANCH).exists()
    {
        steps.push(Step::References { reason: reason.to_string(), commit: commit.clone() });
    }
    for name in places.pack_names().map_err(failed("listing the packs"))? {
        let path = |ending: &str| places.packs().join(format!("{name}.{ending}"));
        if is_whole(&path("pack")) && !is_whole(&path("idx")) {
            steps.push(Step::Index { pack: path("pack") });
        }
    }
    match known {
        Err(reason) => steps.push(checkpoint(places, &repository, reason.to_string())?),
        Ok(known) => {
            let logged_before = known.is_some();
            let known = known.unwrap_or_default();
            match Wal::open(&places.log, places.log_size, known.sequence) {
                Err(WalError::Io(error)) => return Err(failed("reading the write-ahead log")(error)),
                Err(damage) if logged_before => {
                    let held = wal::records_of(&places.log).map_err(failed("reading the log"))?;
                    let follow = held.into_iter().filter(|record| record.sequence > known.sequence);
                    let follow = (known.sequence + 1..).zip(follow);
                    let keeps = follow.take_while(|(wanted, record)| *wanted == record.sequence);
                    let keeps = keeps.map(|(_, record)| record.body).collect();
                    steps.push(Step::Log { reason: damage.to_string(), keeps, first: known.sequence });
                }
                // A start makes one.
                Err(_) | Ok(_) => {}
            }
        }
    }
    Ok(steps)
}

/// Whether a pack or index ends in the checksum of what comes before.
pub fn is_whole(path: &Path) -> bool {
    fs::read(path).is_ok_and(|content| {
        content
            .split_last_chunk::<20>()
            .is_some_and(|(content, checksum)| Sha1::digest(content).as_slice() == checksum)
    })
}

/// Where the log goes on from what the branch names.
fn checkpoint(places: &Places, repository: &Repository, reason: String) -> Result<Step, JournalError> {
    let head = super::repo::head(repository)?;
    let held = wal::records_of(&places.log).map_err(failed("reading the log"))?;
    let of = |record: &wal::Record| read_record(record).map(|(frame, _)| frame);
    let after = held.iter().find(|record| of(record).is_some_and(|frame| Some(Id(frame.after)) == head));
    let before = held.iter().find(|record| of(record).is_some_and(|frame| frame.before.map(Id) == head));
    let last = held.last().map_or(0, |record| record.sequence);
    let sequence = after.map(|record| record.sequence).or(before.map(|record| record.sequence - 1));
    let drops = if sequence.is_some() { 0 } else { held.len() };
    let packs = places.pack_names().map_err(failed("listing the packs"))?;
    let whole = packs.into_iter().filter(|name| is_whole(&places.packs().join(format!("{name}.pack"))));
    let checkpoint = Checkpoint::new(sequence.unwrap_or(last), head, whole.collect(), Extent::default());
    Ok(Step::Checkpoint { reason, checkpoint, drops })
}

/// Whether what the branch names, or the checkpoint, can be listed.
fn branch(places: &Places) -> Result<Option<Step>, JournalError> {
    let checkpoint = places.read_checkpoint().map_err(failed("reading the checkpoint"))?.unwrap_or_default();
    let repository = open_repository(places)?;
    let synced = checkpoint.commit.as_deref().and_then(|id| id.parse().ok());
    let Some(base) = synced.or(super::repo::head(&repository).ok().flatten()) else { return Ok(None) };
    let mut odb = open_odb(places, true)?;
    let Err(damage) = read::list(&mut odb, Some(base)) else { return Ok(None) };
    let history =
        History::open(&places.log, &checkpoint.history).map_err(failed("opening the table of changes"))?;
    let Some(to) = verify::last_good(&mut odb, base, &history) else {
        return Err(JournalError::Damaged(format!(
            "{damage}; and there is no commit that can be read as a whole: restore the backup (karana restore)"
        )));
    };
    let time = read::commit(&mut odb, to)?.time;
    Ok(Some(Step::Back { reason: damage.to_string(), to, time }))
}

/// Which records of the newest commit cannot be read.
fn records(places: &Places) -> Result<Option<Step>, JournalError> {
    let journal = GitJournal::open(&places.repository, &places.log, places.log_size)?;
    let (mut odb, table) = journal.reader(true)?;
    let listing = read::list(&mut odb, table.newest())?;
    let Err(damages) = read::load(&mut odb, listing) else { return Ok(None) };
    let mut lost = Vec::new();
    for damage in damages {
        let mut instead = None;
        if let Ok((resource, uuid)) = record_at(&damage.path) {
            let commits = table.of_record(resource, uuid).map_err(failed("reading the table of changes"))?;
            let mut versions = commits
                .into_iter()
                .rev()
                .filter_map(|(id, blob)| read::version(&mut odb, id, blob, &damage.path).ok());
            instead = versions.find_map(|version| Some((version.text?.into(), version.time)));
        }
        lost.push(Lost { path: damage.path, reason: damage.error.to_string(), instead });
    }
    Ok(Some(Step::Records(lost)))
}

impl Step {
    fn apply(self, places: &Places, now: DateTime<Utc>) -> Result<(), JournalError> {
        let mending = |what: &str| failed::<io::Error>(&format!("mending {what}"));
        match self {
            Self::Head => fs::write(places.repository.join("HEAD"), HEAD).map_err(mending("HEAD")),
            Self::Config { .. } => {
                aside(&places.repository.join("config"), now).map_err(mending("the configuration"))?;
                recover::create(&places.repository).map(|_| ())
            }
            Self::References { commit, .. } => {
                aside(&places.repository.join("packed-refs"), now).map_err(mending("packed-refs"))?;
                fs::write(places.repository.join(read::BRANCH), format!("{commit}\n"))
                    .map_err(mending("the branch"))
            }
            Self::Index { pack } => {
                let index = pack.with_extension("idx");
                aside(&index, now).map_err(mending("an index"))?;
                let made = Command::new("git").arg("index-pack").arg("-o").arg(&index).arg(&pack).output();
                let made = made.map_err(failed("running git index-pack"))?;
                let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
                if made.status.success() { Ok(()) } else { Err(failed("making an index anew")(said)) }
            }
            Self::Checkpoint { checkpoint, .. } => {
                places.write_checkpoint(&checkpoint).map_err(mending("the checkpoint"))
            }
            Self::Log { keeps, first, .. } => {
                for name in wal::NAMES {
                    aside(&places.log.join(name), now).map_err(mending("the log"))?;
                }
                Wal::make(&places.log, places.log_size).map_err(mending("the log"))?;
                let (mut log, _) =
                    Wal::open(&places.log, places.log_size, first).map_err(failed("making a new log"))?;
                keeps.iter().try_for_each(|body| log.append(body)).map_err(mending("the log"))
            }
            Self::Back { to, .. } => go_back(places, to),
            Self::Records(lost) => {
                let journal = GitJournal::open(&places.repository, &places.log, places.log_size)?;
                let (mut changes, mut documents) = (Vec::new(), Vec::new());
                for Lost { path, instead, .. } in lost {
                    match record_at(&path) {
                        Ok((resource, uuid)) => {
                            let text = instead.map(|(text, _)| text);
                            changes.push(Change { resource: resource.to_owned(), uuid, text });
                        }
                        // A start writes it anew.
                        Err(_) => documents.push((path, "{}\n".to_owned())),
                    }
                }
                let summary = format!("store: repair {} records", changes.len());
                let author = Author::program("repair");
                journal.append(&[Mutation {
                    author,
                    time: now,
                    summary,
                    changes,
                    documents,
                    receipt: None,
                }])?;
                journal.close()
            }
        }
    }
}

/// Lets the branch name an older commit, and makes what the log holds anew from there.
fn go_back(places: &Places, to: Id) -> Result<(), JournalError> {
    let checkpoint = places.read_checkpoint().map_err(failed("reading the checkpoint"))?.unwrap_or_default();
    let (log, records) =
        Wal::open(&places.log, places.log_size, checkpoint.sequence).map_err(failed("reading the log"))?;
    let repository = open_repository(places)?;
    let mut odb = open_odb(places, true)?;
    let mut writer = Writer { trees: trees_of(&read::list(&mut odb, Some(to))?), head: Some(to), log };
    let mut history =
        History::open(&places.log, &Extent::default()).map_err(failed("opening the table of changes"))?;
    history.catch_up(&mut odb, to)?;
    let (mut objects, mut changed) = (Vec::new(), Vec::new());
    for (_, mutations) in records.iter().filter_map(read_record) {
        writer.commit(&mutations, &mut objects, &mut changed);
    }
    let (mut repo, _) = Repo::new(places.clone(), repository, history)?;
    repo.pack(&objects).map_err(|e| from_io("writing a pack", e))?;
    repo.advance(writer.head.unwrap_or(to), &changed)?;
    repo.sync(writer.log.last())
}

/// Keeps a file under another name.
fn aside(path: &Path, now: DateTime<Utc>) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{}", now.timestamp()));
    match fs::rename(path, name) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
