//! The file of receipts: what the write-ahead log held of them, when it is written over.
//!
//! A sequence of rows, each `length | CRC-32 | receipt`. It is synced before the checkpoint moves on; a row that is not whole
//! is the end, and what came after it is in the log.

use super::repo::from_io;
use crate::durable;
use crate::store::journal::{JournalError, Receipt};
use crate::store::receipts::MOST;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file is written anew when it holds so many times what is kept.
const SLACK: usize = 2;

/// The file, open for adding to it.
pub struct ReceiptFile {
    path: PathBuf,
    file: File,
    end: u64,
    rows: usize,
    synced: bool,
}

impl ReceiptFile {
    /// Opens the file, made when there is none, and reads what it holds.
    pub fn open(path: &Path) -> Result<(Self, Vec<Receipt>), JournalError> {
        let opened = || -> io::Result<(File, Vec<u8>)> {
            if !path.exists() {
                durable::write(path, b"")?;
            }
            let file = OpenOptions::new().read(true).write(true).mode(0o600).open(path)?;
            Ok((file, fs::read(path)?))
        };
        let (file, bytes) = opened().map_err(|e| from_io("opening the file of receipts", e))?;
        let (receipts, end) = parse(&bytes);
        if end < bytes.len() {
            tracing::warn!(file = %path.display(), "the end of the file of receipts is not whole, and left out");
        }
        let rows = receipts.len();
        Ok((Self { path: path.to_owned(), file, end: end as u64, rows, synced: true }, receipts))
    }

    /// Adds receipts.
    pub fn keep(&mut self, receipts: &[Receipt]) -> io::Result<()> {
        if receipts.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = receipts.iter().flat_map(row).collect();
        self.synced = false;
        // What a failure leaves behind the end is written over.
        self.file.write_all_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        self.rows += receipts.len();
        Ok(())
    }

    /// Brings it to the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.synced {
            return Ok(());
        }
        self.file.set_len(self.end)?;
        self.file.sync_data()?;
        self.synced = true;
        if self.rows > SLACK * MOST {
            let (receipts, _) = parse(&fs::read(&self.path)?);
            let kept = &receipts[receipts.len().saturating_sub(MOST)..];
            let bytes: Vec<u8> = kept.iter().flat_map(row).collect();
            durable::write(&self.path, &bytes)?;
            self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
            (self.end, self.rows) = (bytes.len() as u64, kept.len());
        }
        Ok(())
    }
}

fn row(receipt: &Receipt) -> Vec<u8> {
    let body = postcard::to_stdvec(receipt).unwrap_or_else(|e| unreachable!("texts and numbers: {e}"));
    let length = u32::try_from(body.len()).unwrap_or_else(|e| unreachable!("less than a body of HTTP: {e}"));
    let mut row = Vec::with_capacity(8 + body.len());
    row.extend_from_slice(&length.to_le_bytes());
    row.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    row.extend_from_slice(&body);
    row
}

/// The rows that are whole, and where they end.
fn parse(bytes: &[u8]) -> (Vec<Receipt>, usize) {
    let mut receipts = Vec::new();
    let mut rest = bytes;
    while let Some((receipt, after)) = first(rest) {
        receipts.push(receipt);
        rest = after;
    }
    (receipts, bytes.len() - rest.len())
}

fn first(bytes: &[u8]) -> Option<(Receipt, &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    let (check, bytes) = bytes.split_first_chunk()?;
    let (body, rest) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*check) {
        return None;
    }
    Some((postcard::from_bytes(body).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;
    use chrono::DateTime;

    fn receipt(key: u8) -> Receipt {
        let (time, revision) = (DateTime::UNIX_EPOCH, Revision("abc".into()));
        Receipt { key: [key; 32], request: [0; 32], time, outcome: "x".repeat(100), revision }
    }

    #[test]
    fn what_is_whole_is_read_and_what_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/receipts");
        let (mut file, none) = ReceiptFile::open(&path).unwrap();
        assert!(none.is_empty());
        file.keep(&[receipt(1), receipt(2)]).unwrap();
        file.sync().unwrap();
        let whole = fs::read(&path).unwrap();
        let keys = |receipts: &[Receipt]| receipts.iter().map(|receipt| receipt.key[0]).collect::<Vec<_>>();
        assert_eq!(keys(&ReceiptFile::open(&path).unwrap().1), [1, 2]);
        for cut in [1, whole.len() / 2 - 1, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut file, left) = ReceiptFile::open(&path).unwrap();
            assert_eq!(left.len(), 2 * cut / whole.len());
            file.keep(&[receipt(3)]).unwrap();
            file.sync().unwrap();
            assert_eq!(keys(&ReceiptFile::open(&path).unwrap().1).last(), Some(&3));
        }
        let mut flipped = whole.clone();
        flipped[20] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(ReceiptFile::open(&path).unwrap().1.is_empty());
    }
}
