//! The write-ahead log: a batch of mutations is on the disk before any of them is answered, with one sync.
//!
//! Two files of a fixed size, filled with zeros beforehand, so that a write changes no metadata and cannot run out of
//! space. One is written; when it is full, the other one is, if everything in that has reached the repository. A record,
//! one a batch, is `length u32 | crc32 u32 | sequence u64 | body`, little-endian, the checksum over sequence and body.
//! What was there before is told from what belongs there by its sequence numbers. A record is written only after the one
//! before it is on the disk, so a power cut can damage the last one alone; damage before a whole record is a broken disk.

use crate::histogram::Histogram;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const HEADER: usize = 16;

/// The two files.
pub const NAMES: [&str; 2] = ["0", "1"];

/// No log gets that far. What lies beyond is text that was taken for a number, and its checksum, over what seems to be its
/// length, is not worth the time.
const BEYOND: u64 = 1 << 40;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// The disk says so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A file is missing, or not as long as it was made: nobody knows what it held.
    #[error("{path} is missing or not as long as it was made")]
    Length {
        /// Which.
        path: String,
    },
    /// A record is damaged, and it is not the last one.
    #[error("{folder}: the record {sequence} is damaged or gone, though later ones are whole")]
    Damaged {
        /// Where the log lies.
        folder: String,
        /// Which record.
        sequence: u64,
    },
}

/// A record of the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Counts up by one from record to record, over both files.
    pub sequence: u64,
    /// What was logged.
    pub body: Vec<u8>,
}

/// The write-ahead log.
pub struct Wal {
    files: [File; 2],
    size: u64,
    /// The file that is written, and where its next record goes.
    current: usize,
    offset: u64,
    /// The highest sequence in each file.
    newest: [u64; 2],
    next: u64,
    buffer: Vec<u8>,
    syncs: Arc<Histogram>,
}

/// What a batch does to the log.
#[derive(Debug, PartialEq, Eq)]
pub enum Room {
    /// It fits.
    Enough,
    /// Not until everything up to this sequence is in the repository.
    After(u64),
    /// It never will: it is larger than a file.
    Never,
}

impl Wal {
    /// Makes the files of a log in `folder`, where they are missing or not as long as they should be.
    pub fn make(folder: &Path, size: u64) -> io::Result<()> {
        NAMES.iter().try_for_each(|name| make(&folder.join(name), size))?;
        File::open(folder)?.sync_all()
    }

    /// Opens the log in `folder` and reads the records after `checkpoint`, in order.
    pub fn open(folder: &Path, size: u64, checkpoint: u64) -> Result<(Self, Vec<Record>), WalError> {
        let files = [open(&folder.join(NAMES[0]), size)?, open(&folder.join(NAMES[1]), size)?];
        let contents = [read(&files[0], size)?, read(&files[1], size)?];
        let [first, second] = contents.each_ref().map(|content| records(content));
        let newest = [&first, &second].map(|(records, _)| records.last().map_or(0, |record| record.sequence));
        let (older, newer) = if newest[0] > newest[1] { (second, first) } else { (first, second) };

        let mut held: Vec<Record> =
            older.0.into_iter().chain(newer.0).filter(|record| record.sequence > checkpoint).collect();
        let whole = (checkpoint + 1..)
            .zip(&held)
            .take_while(|(expected, record)| *expected == record.sequence)
            .count();
        let last = checkpoint + whole as u64;
        // Beyond them there may be half a record, or what an earlier round left; a later record, never.
        if whole < held.len() || contents.iter().any(|content| holds_later(content, last)) {
            return Err(WalError::Damaged { folder: folder.display().to_string(), sequence: last + 1 });
        }
        held.truncate(whole);

        let current = usize::from(newest[1] > newest[0]);
        let offset = if newest[current] == last { newer.1 } else { 0 };
        let syncs = Arc::new(Histogram::of_durations());
        let wal = Self { files, size, current, offset, newest, next: last + 1, buffer: Vec::new(), syncs };
        Ok((wal, held))
    }

    /// The sequence of the record that was written last.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// How long the syncs have taken.
    pub fn syncs(&self) -> &Arc<Histogram> {
        &self.syncs
    }

    /// Whether a body of this size can be appended, when everything up to `checkpoint` is in the repository.
    pub fn room(&self, body: usize, checkpoint: u64) -> Room {
        let needed = (HEADER + body) as u64;
        if self.offset + needed <= self.size {
            return Room::Enough;
        }
        match self.newest[1 - self.current] {
            _ if needed > self.size => Room::Never,
            newest if newest > checkpoint => Room::After(newest),
            _ => Room::Enough,
        }
    }

    /// Appends a record and syncs it. The caller has asked for [`Wal::room`].
    pub fn append(&mut self, body: &[u8]) -> io::Result<()> {
        let mut checked = crc32fast::Hasher::new();
        checked.update(&self.next.to_le_bytes());
        checked.update(body);
        self.buffer.clear();
        self.buffer.extend_from_slice(&(body.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&checked.finalize().to_le_bytes());
        self.buffer.extend_from_slice(&self.next.to_le_bytes());
        self.buffer.extend_from_slice(body);
        if self.offset + self.buffer.len() as u64 > self.size {
            self.current = 1 - self.current;
            self.offset = 0;
        }
        let file = &self.files[self.current];
        file.write_all_at(&self.buffer, self.offset)?;
        let begin = Instant::now();
        file.sync_data()?;
        self.syncs.observe_time(begin.elapsed());
        self.offset += self.buffer.len() as u64;
        self.newest[self.current] = self.next;
        self.next += 1;
        Ok(())
    }
}

fn make(path: &Path, size: u64) -> io::Result<()> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.len() == size {
        return Ok(());
    }
    // Written, not only reserved: turning reserved blocks into written ones would cost each write a metadata update.
    let zeros = vec![0; 1 << 20];
    file.set_len(0)?;
    for at in (0..size).step_by(zeros.len()) {
        let part = zeros.len().min((size - at) as usize);
        file.write_all_at(&zeros[..part], at)?;
    }
    file.sync_all()
}

fn open(path: &Path, size: u64) -> Result<File, WalError> {
    let wrong = || WalError::Length { path: path.display().to_string() };
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) if file.metadata()?.len() == size => Ok(file),
        Ok(_) => Err(wrong()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(wrong()),
        Err(e) => Err(e.into()),
    }
}

fn read(file: &File, size: u64) -> io::Result<Vec<u8>> {
    let mut content = vec![0; size as usize];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}

/// All whole records that are in the files of a log, in their order: what can be saved of a damaged one.
pub fn records_of(folder: &Path) -> io::Result<Vec<Record>> {
    let mut found = Vec::new();
    for name in NAMES {
        // As much as there is of it.
        let content = std::fs::read(folder.join(name)).or_else(|e| match e.kind() {
            io::ErrorKind::NotFound => Ok(vec![]),
            _ => Err(e),
        })?;
        found.extend(records(&content).0);
    }
    found.sort_by_key(|record| record.sequence);
    Ok(found)
}

/// The records from the beginning of a file, as far as they are whole and count up; and where they end.
fn records(content: &[u8]) -> (Vec<Record>, u64) {
    let mut records: Vec<Record> = Vec::new();
    let mut at = 0;
    while let Some((record, end)) = parse(content, at, records.last().map_or(0, |last| last.sequence)) {
        if records.last().is_some_and(|last| last.sequence + 1 != record.sequence) {
            break;
        }
        records.push(record);
        at = end;
    }
    (records, at as u64)
}

/// Whether a whole record after `sequence` begins anywhere.
fn holds_later(content: &[u8], sequence: u64) -> bool {
    const PAGE: usize = 4096;
    let pages = content.chunks(PAGE).enumerate();
    // Where nothing was ever written there is nothing to find; a record's first byte, its length, may be zero.
    let written = pages.filter(|(number, page)| {
        let next = content.get((number + 1) * PAGE..).and_then(|rest| rest.first_chunk::<HEADER>());
        **page != [0; PAGE][..page.len()] || next.is_some_and(|next| *next != [0; HEADER])
    });
    written
        .flat_map(|(number, page)| number * PAGE..number * PAGE + page.len())
        .any(|at| parse(content, at, sequence).is_some())
}

/// The record at `at`, if it is whole and comes after `sequence`.
fn parse(content: &[u8], at: usize, after: u64) -> Option<(Record, usize)> {
    let header = content.get(at..at + HEADER)?;
    let number = |range: std::ops::Range<usize>| {
        header[range].iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte))
    };
    let (length, checksum, sequence) = (number(0..4) as usize, number(4..8), number(8..16));
    let end = at + HEADER + length;
    if length == 0
        || !(after + 1..BEYOND).contains(&sequence)
        || end > content.len()
        || u64::from(crc32fast::hash(&content[at + 8..end])) != checksum
    {
        return None;
    }
    Some((Record { sequence, body: content[at + HEADER..end].to_vec() }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 4096;

    fn open(folder: &Path, checkpoint: u64) -> (Wal, Vec<u64>) {
        Wal::make(folder, SIZE).unwrap();
        let (wal, records) = Wal::open(folder, SIZE, checkpoint).unwrap();
        assert!(
            records.iter().all(|record| record.body == body(record.sequence)),
            "a body is another record's"
        );
        (wal, records.into_iter().map(|record| record.sequence).collect())
    }

    fn body(sequence: u64) -> Vec<u8> {
        format!("record {sequence} {}", "x".repeat(sequence as usize % 300)).into_bytes()
    }

    #[test]
    fn what_was_appended_is_read_in_order_over_many_rounds() {
        let folder = tempfile::tempdir().unwrap();
        let (mut wal, held) = open(folder.path(), 0);
        assert!(held.is_empty());
        for sequence in 1..500 {
            // All but the last record is in the repository.
            assert_eq!(wal.room(body(sequence).len(), sequence - 1), Room::Enough);
            wal.append(&body(sequence)).unwrap();
            if sequence % 37 == 0 {
                let (again, held) = open(folder.path(), sequence - 5);
                assert_eq!(held, (sequence - 4..=sequence).collect::<Vec<_>>());
                wal = again;
            }
        }
        assert_eq!(wal.room(5000, 499), Room::Never);
    }

    #[test]
    fn a_file_is_not_overwritten_before_the_repository_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut wal, _) = open(folder.path(), 0);
        let mut sequence = 1;
        let blocked = loop {
            match wal.room(body(sequence).len(), 0) {
                Room::Enough => wal.append(&body(sequence)).unwrap(),
                other => break other,
            }
            sequence += 1;
        };
        let Room::After(needed) = blocked else { panic!("{blocked:?}") };
        assert!(needed < sequence - 1);
        assert_eq!(open(folder.path(), 0).1, (1..sequence).collect::<Vec<_>>());
        assert_eq!(wal.room(10, needed), Room::Enough);
    }

    #[test]
    fn a_torn_last_record_is_left_out_and_damage_before_it_is_named() {
        for damage in 0..200 {
            let folder = tempfile::tempdir().unwrap();
            let (mut wal, _) = open(folder.path(), 0);
            (1..=9).for_each(|sequence| wal.append(&body(sequence)).unwrap());
            let length = |sequence| HEADER + body(sequence).len();
            let (before_last, end): (usize, usize) = ((1..=8).map(length).sum(), (1..=9).map(length).sum());
            let at = damage * end / 200;
            let path = folder.path().join("0");
            let mut content = std::fs::read(&path).unwrap();
            content[at] ^= 1 << (damage % 8);
            std::fs::write(&path, content).unwrap();
            match Wal::open(folder.path(), SIZE, 0) {
                Ok((_, held)) => assert!(at >= before_last && held.len() == 8, "{at}: {}", held.len()),
                Err(WalError::Damaged { .. }) => assert!(at < before_last, "{at}"),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
