//! Which commits touched which record: a table beside the repository, so that the history of one record is found without
//! reading that of all.
//!
//! One row for each record that a commit changed, oldest first: `commit | uuid | blob | check`, the blob all zeros where the
//! record was removed, the check a CRC-32 over them and the name of the resource. Half of a file that is there for speed is worth nothing, so the checkpoint says up to where
//! it is on the disk, and its checksum; what does not fit is made anew from the repository.

use super::object::Id;
use super::odb::Odb;
use super::read::{Changed, Walk, record_at};
use super::repo::from_io;
use crate::store::journal::JournalError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use uuid::Uuid;

const NAME: &str = "history";

const ROW: usize = 20 + 16 + 20 + 4;

/// What is read at a time.
const ROWS_READ: u64 = 1 << 14;

/// Up to where the table goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The newest commit it knows of.
    pub commit: Option<String>,
    /// How many rows it has.
    pub rows: u64,
    /// The CRC-32 of all of them.
    pub checksum: u32,
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row([u8; ROW]);

impl Row {
    pub fn new(commit: Id, resource: &str, uuid: Uuid, blob: Option<Id>) -> Self {
        let mut row = [0; ROW];
        row[..20].copy_from_slice(&commit.0);
        row[20..36].copy_from_slice(uuid.as_bytes());
        row[36..56].copy_from_slice(&blob.map_or([0; 20], |blob| blob.0));
        let mut check = crc32fast::Hasher::new();
        check.update(&row[..56]);
        check.update(resource.as_bytes());
        row[56..].copy_from_slice(&check.finalize().to_le_bytes());
        Self(row)
    }

    fn blob(&self) -> Option<Id> {
        let mut id = [0; 20];
        id.copy_from_slice(&self.0[36..56]);
        Some(Id(id)).filter(|id| id.0 != [0; 20])
    }

    fn commit(&self) -> Id {
        let mut id = [0; 20];
        id.copy_from_slice(&self.0[..20]);
        Id(id)
    }
}

/// The table, open for reading and writing.
pub struct History {
    file: File,
    extent: Extent,
}

impl History {
    /// Opens the table in `folder` as far as `extent` says that it is on the disk; empty when that is not so.
    pub fn open(folder: &Path, extent: &Extent) -> io::Result<Self> {
        let path = folder.join(NAME);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let mut history = Self { file, extent: Extent::default() };
        let mut checksum = crc32fast::Hasher::new();
        let read = history.scan(extent.rows, |rows| checksum.update(rows));
        if read.is_ok() && checksum.finalize() == extent.checksum {
            history.extent = extent.clone();
        }
        Ok(history)
    }

    /// Up to where it goes.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// The newest commit that it knows of.
    pub fn newest(&self) -> Option<Id> {
        self.extent.commit.as_deref()?.parse().ok()
    }

    /// Adds what was changed up to `newest`, read from the repository: all of it, or what came after the last row.
    pub fn catch_up(&mut self, odb: &mut Odb, newest: Id) -> Result<(), JournalError> {
        let known = self.newest();
        if known == Some(newest) {
            return Ok(());
        }
        let mut missing = Vec::new();
        let mut walk = Walk::from(odb, newest)?;
        let mut met = false;
        while let Some(step) = walk.step()? {
            // Newest first.
            missing.extend(rows(step.id, &step.changed).rev());
            met = known.is_some() && step.commit.parents.first() == known.as_ref();
            if met {
                break;
            }
        }
        if !met {
            self.extent = Extent::default();
        }
        missing.reverse();
        tracing::info!(rows = missing.len(), "read from the repository which commits touched which records");
        self.append(&missing, newest).map_err(|e| from_io("writing the table of changes", e))
    }

    /// Adds rows, of which the last belong to `newest`.
    pub fn append(&mut self, rows: &[Row], newest: Id) -> io::Result<()> {
        let bytes: Vec<u8> = rows.iter().flat_map(|row| row.0).collect();
        self.file.write_all_at(&bytes, self.extent.rows * ROW as u64)?;
        let mut checksum =
            crc32fast::Hasher::new_with_initial_len(self.extent.checksum, self.extent.rows * ROW as u64);
        checksum.update(&bytes);
        self.extent = Extent {
            commit: Some(newest.to_string()),
            rows: self.extent.rows + rows.len() as u64,
            checksum: checksum.finalize(),
        };
        Ok(())
    }

    /// Brings it to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The table in `folder` for a reader, up to where the writer says that it goes.
    pub fn reader(folder: &Path, extent: Extent) -> io::Result<Self> {
        Ok(Self { file: File::open(folder.join(NAME))?, extent })
    }

    /// The commits that touched a record, oldest first, and what it was afterwards.
    pub fn of_record(&self, resource: &str, uuid: Uuid) -> io::Result<Vec<(Id, Option<Id>)>> {
        let mut commits = Vec::new();
        self.scan(self.extent.rows, |rows| {
            for row in rows.as_chunks::<ROW>().0.iter().filter(|row| row[20..36] == *uuid.as_bytes()) {
                let (commit, blob) = (Row(*row).commit(), Row(*row).blob());
                // Another resource may have an entry of the same uuid.
                if Row::new(commit, resource, uuid, blob).0 == *row {
                    commits.push((commit, blob));
                }
            }
        })?;
        Ok(commits)
    }

    /// The `count` rows before row number `end`; none when there are not so many.
    pub fn rows_before(&self, end: u64, count: usize) -> io::Result<Option<Vec<Row>>> {
        let Some(first) = end.checked_sub(count as u64) else { return Ok(None) };
        let mut bytes = vec![0; count * ROW];
        self.file.read_exact_at(&mut bytes, first * ROW as u64)?;
        Ok(Some(bytes.as_chunks::<ROW>().0.iter().map(|row| Row(*row)).collect()))
    }

    /// The commit before one that it knows, as far as both changed records.
    pub fn commit_before(&self, commit: Id) -> io::Result<Option<Id>> {
        let (mut last, mut before) = (None, None);
        self.scan(self.extent.rows, |rows| {
            for row in rows.as_chunks::<ROW>().0.iter().map(|row| Row(*row).commit()) {
                if row == commit && last != Some(commit) {
                    before = last;
                }
                last = Some(row);
            }
        })?;
        Ok(before)
    }

    fn scan(&self, rows: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0; (rows.min(ROWS_READ) as usize) * ROW];
        for first in (0..rows).step_by(ROWS_READ as usize) {
            let length = (rows - first).min(ROWS_READ) as usize * ROW;
            self.file.read_exact_at(&mut buffer[..length], first * ROW as u64)?;
            each(&buffer[..length]);
        }
        Ok(())
    }
}

/// The rows of a commit that changed these files.
pub fn rows(commit: Id, changed: &[Changed]) -> impl DoubleEndedIterator<Item = Row> {
    changed.iter().filter_map(move |(path, blob)| {
        let (resource, uuid) = record_at(path).ok()?;
        Some(Row::new(commit, resource, uuid, *blob))
    })
}
