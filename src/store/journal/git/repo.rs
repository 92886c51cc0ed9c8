//! Writing to the repository: packs, the branch, and the checkpoint that says what of them is on the disk.

use super::history::{Extent, History, Row};
use super::object::{Id, Object};
use super::odb::Odb;
use super::pack::Pack;
use super::read::BRANCH;
use super::receipts::ReceiptFile;
use crate::durable;
use crate::store::journal::{JournalError, Receipt, failed};
use git2::Repository;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Up to where the repository is on the disk for certain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The last record of the log that it holds.
    pub sequence: u64,
    /// The commit of that record.
    pub commit: Option<String>,
    /// The packs that were there, and whole.
    pub packs: BTreeSet<String>,
    /// How much of the table of changes.
    pub history: Extent,
    /// The CRC-32 of all that, as JSON with a zero here.
    checksum: u32,
}

impl Checkpoint {
    pub fn new(sequence: u64, commit: Option<Id>, packs: BTreeSet<String>, history: Extent) -> Self {
        let mut checkpoint =
            Self { sequence, commit: commit.map(|id| id.to_string()), packs, history, checksum: 0 };
        checkpoint.checksum = checkpoint.sum();
        checkpoint
    }

    fn sum(&self) -> u32 {
        let text = serde_json::to_vec(&Self { checksum: 0, ..self.clone() });
        crc32fast::hash(&text.unwrap_or_else(|e| unreachable!("names and numbers: {e}")))
    }
}

/// Where things lie.
#[derive(Debug, Clone)]
pub struct Places {
    pub repository: PathBuf,
    /// The folder of the write-ahead log.
    pub log: PathBuf,
    /// The size of each of its two files.
    pub log_size: u64,
}

impl Places {
    pub fn packs(&self) -> PathBuf {
        self.repository.join("objects/pack")
    }

    /// The file of receipts.
    fn receipts(&self) -> PathBuf {
        self.log.with_file_name("state").join("idempotency")
    }

    fn checkpoint(&self) -> PathBuf {
        self.log.join("checkpoint")
    }

    /// Reads the checkpoint. There is none where nothing was ever logged: the first is made before that.
    pub fn read_checkpoint(&self) -> io::Result<Option<Checkpoint>> {
        match fs::read(self.checkpoint()) {
            Ok(text) => {
                let damaged = |reason: String| {
                    let path = self.checkpoint().display().to_string();
                    io::Error::new(io::ErrorKind::InvalidData, format!("{path} is damaged: {reason}"))
                };
                let read: Checkpoint = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
                if read.sum() == read.checksum { Ok(Some(read)) } else { Err(damaged("its checksum".into())) }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Notes a checkpoint; it is on the disk when this answers.
    pub fn write_checkpoint(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        durable::write(&self.checkpoint(), &serde_json::to_vec(checkpoint)?)
    }

    /// The names of the packs, without their endings.
    pub fn pack_names(&self) -> io::Result<BTreeSet<String>> {
        self.names(".pack")
    }

    /// The names of the indexes of packs, without their endings.
    pub fn index_names(&self) -> io::Result<BTreeSet<String>> {
        self.names(".idx")
    }

    fn names(&self, ending: &str) -> io::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for file in fs::read_dir(self.packs())? {
            let name = file?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(ending).map(str::to_owned));
        }
        Ok(names)
    }
}

/// Where an error means that nobody knows what is on the disk, also that it is full: what could not be synced may be
/// dropped by the system, and a second try would not see it.
const SYNCING: &str = "syncing the repository";

/// Writes to the repository, step by step. All but [`Repo::sync`] leave the syncing to the system.
pub struct Repo {
    places: Places,
    repository: Repository,
    history: History,
    receipts: ReceiptFile,
    /// What the branch names, as we left it.
    head: Option<Id>,
    /// Packs since the last checkpoint.
    unsynced: Vec<PathBuf>,
}

impl Repo {
    /// And the receipts that are there.
    pub fn new(
        places: Places,
        repository: Repository,
        history: History,
    ) -> Result<(Self, Vec<Receipt>), JournalError> {
        let head = head(&repository)?;
        let (file, receipts) = ReceiptFile::open(&places.receipts())?;
        Ok((Self { places, repository, history, receipts: file, head, unsynced: Vec::new() }, receipts))
    }

    /// Adds receipts to their file.
    pub fn keep(&mut self, receipts: &[Receipt]) -> Result<(), JournalError> {
        self.receipts.keep(receipts).map_err(|e| from_io("writing the file of receipts", e))
    }

    /// Where it lies.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// What the branch names, as we left it.
    pub fn head(&self) -> Option<Id> {
        self.head
    }

    /// Up to where the table of changes goes.
    pub fn history(&self) -> &Extent {
        self.history.extent()
    }

    /// Writes objects as one pack.
    pub fn pack(&mut self, objects: &[Object]) -> io::Result<()> {
        if objects.is_empty() {
            return Ok(());
        }
        let Pack { name, pack, index } = Pack::new(objects);
        let path = |ending: &str| self.places.packs().join(format!("pack-{name}.{ending}"));
        // The index last: without one, git takes no notice of a pack.
        for (ending, content) in [("pack", &pack), ("idx", &index)] {
            let unfinished = self.places.packs().join(format!("tmp_karana.{ending}"));
            let mut file = File::create(&unfinished)?;
            file.write_all(content)?;
            fs::rename(&unfinished, path(ending))?;
            self.unsynced.push(path(ending));
        }
        Ok(())
    }

    /// Lets the branch name a commit, unless somebody else has moved it; notes what has changed up to there.
    pub fn advance(&mut self, commit: Id, changed: &[Row]) -> Result<(), JournalError> {
        let here = self.places.repository.display();
        if head(&self.repository)? != self.head {
            return Err(JournalError::Foreign(here.to_string()));
        }
        let path = self.places.repository.join(BRANCH);
        let lock = path.with_extension("lock");
        let write = || -> io::Result<()> {
            // As git does, so that no other program writes it at the same time.
            let mut file = OpenOptions::new().write(true).create_new(true).open(&lock)?;
            file.write_all(format!("{commit}\n").as_bytes())?;
            fs::rename(&lock, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&lock);
            from_io("moving the branch", error)
        })?;
        self.head = Some(commit);
        self.history.append(changed, commit).map_err(|e| from_io("writing the table of changes", e))
    }

    /// Notes what has changed up to `commit`, and reads from the repository what has since, up to `newest`.
    pub fn catch_up(
        &mut self,
        changed: &[Row],
        commit: Id,
        odb: &mut Odb,
        newest: Id,
    ) -> Result<(), JournalError> {
        let noted = self.history.append(changed, commit);
        noted.map_err(|e| from_io("writing the table of changes", e))?;
        self.history.catch_up(odb, newest)
    }

    /// Syncs everything since the last checkpoint, and notes the new one. After [`JournalError::Full`] it may be tried
    /// again.
    pub fn sync(&mut self, sequence: u64) -> Result<(), JournalError> {
        let branch = self.places.repository.join(BRANCH);
        let folders = [self.places.packs(), branch.clone(), self.places.repository.join("refs/heads")];
        for path in self.unsynced.iter().chain(&folders) {
            match File::open(path) {
                Ok(file) => file.sync_all().map_err(failed(SYNCING))?,
                // A pack that has been merged meanwhile into another one, which is synced; a branch that is not there yet.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(from_io(SYNCING, e)),
            }
        }
        self.unsynced.clear();
        self.history.sync().map_err(failed(SYNCING))?;
        self.receipts.sync().map_err(failed(SYNCING))?;

        let noting = |e| from_io("writing the checkpoint", e);
        let packs = self.places.pack_names().map_err(noting)?;
        let checkpoint = Checkpoint::new(sequence, self.head, packs, self.history.extent().clone());
        self.places.write_checkpoint(&checkpoint).map_err(noting)
    }
}

/// The commit that the branch names, if there is one.
pub fn head(repository: &Repository) -> Result<Option<Id>, JournalError> {
    match repository.refname_to_id(BRANCH) {
        Ok(oid) => Ok(oid.as_bytes().first_chunk().map(|bytes| Id(*bytes))),
        Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(e) => Err(failed("reading the branch")(e)),
    }
}

/// What an error of the system means for the store.
pub fn from_io(step: &str, error: io::Error) -> JournalError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full,
        _ => JournalError::Failed { step: step.to_owned(), reason: error.to_string() },
    }
}
