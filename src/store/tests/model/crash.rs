//! What a crash leaves of a storage folder.
//!
//! **A kill** leaves the folder as the system has it at one moment. A copy that is made file by file beside the threads
//! that write is of no moment at all: it may hold the branch of later and the packs of before. No write is under way when
//! it is made, so the log stands still; packs, branch, table of changes and checkpoint may move. All of these change by a
//! file that comes, goes, grows or is replaced. So the copy is made again until names, inodes and lengths before and after
//! it are the same.
//!
//! **A write that is under way** has to do with the log alone, until it is on the disk there. It is made for real, after
//! the copy: what it has changed in the log's files is its record, of which any part may be on the disk when the answer is
//! not given yet. The rest of the copy is a state in which it may have been written if the checkpoint has not moved
//! meanwhile: it moves before a file of the log is overwritten.
//!
//! **A power cut** takes from that what was never synced. The checkpoint names the packs that are, the commit that the
//! branch named then, and up to where the table of changes is. What was written since may be there, or not, or in part.

use super::operation::{PowerCut, Torn};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Every file below a folder, with what tells that it has changed.
fn state(folder: &Path, below: &Path, files: &mut BTreeMap<PathBuf, (u64, u64)>) -> io::Result<()> {
    for item in fs::read_dir(folder.join(below))? {
        let item = item?;
        let path = below.join(item.file_name());
        if item.file_type()?.is_dir() {
            state(folder, &path, files)?;
        } else {
            let metadata = item.metadata()?;
            files.insert(path, (metadata.ino(), metadata.len()));
        }
    }
    Ok(())
}

/// Copies a storage folder as it is at one moment. No write is under way.
pub fn copy_of_one_moment(from: &Path, to: &Path) {
    let copy = || -> io::Result<bool> {
        let mut before = BTreeMap::new();
        state(from, Path::new(""), &mut before)?;
        for file in before.keys() {
            let path = to.join(file);
            fs::create_dir_all(path.parent().unwrap())?;
            fs::copy(from.join(file), path)?;
        }
        // Git takes a folder without these for no repository.
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            fs::create_dir_all(to.join("tables.git").join(folder))?;
        }
        let mut after = BTreeMap::new();
        state(from, Path::new(""), &mut after)?;
        Ok(before == after)
    };
    loop {
        fs::create_dir(to).unwrap();
        match copy() {
            Ok(true) => return,
            // It came to move meanwhile.
            Ok(false) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => panic!("copying the storage: {e}"),
        }
        fs::remove_dir_all(to).unwrap();
    }
}

/// The log as it lies on the disk.
#[derive(PartialEq)]
pub struct Log {
    files: [Vec<u8>; 2],
    checkpoint: Vec<u8>,
}

impl Log {
    pub fn read(storage: &Path) -> Self {
        let read = |name: &str| fs::read(storage.join("wal").join(name)).unwrap();
        Self { files: [read("0"), read("1")], checkpoint: read("checkpoint") }
    }

    pub fn has_the_records_of(&self, other: &Self) -> bool {
        self.files == other.files
    }

    pub fn has_the_checkpoint_of(&self, other: &Self) -> bool {
        self.checkpoint == other.checkpoint
    }

    /// Writes to a storage what a write has added to this log when it was cut off. Says whether all of it is there.
    pub fn tear(&self, after: &Self, torn: &Torn, storage: &Path) -> bool {
        let mut files = self.files.clone();
        for (file, after) in files.iter_mut().zip(&after.files) {
            let differs = |at: &usize| file[*at] != after[*at];
            let Some(first) = (0..file.len()).find(differs) else { continue };
            let end = 1 + (0..file.len()).rfind(differs).unwrap();
            let part = |thousandths: u16| first + (end - first) * usize::from(thousandths) / 1000;
            match torn {
                Torn::Nothing | Torn::Behind => {}
                Torn::Whole => file[first..end].copy_from_slice(&after[first..end]),
                Torn::Beginning(length) => {
                    file[first..part(*length)].copy_from_slice(&after[first..part(*length)])
                }
                Torn::Garbage(length) => {
                    file[first..part(*length)].copy_from_slice(&after[first..part(*length)]);
                    file[part(*length)..end]
                        .iter_mut()
                        .zip((7..=251_u8).cycle())
                        .for_each(|(to, from)| *to = from);
                }
                Torn::Sectors(some) => {
                    const SECTOR: usize = 512;
                    for (number, start) in (first / SECTOR * SECTOR..end).step_by(SECTOR).enumerate() {
                        let sector = start.max(first)..(start + SECTOR).min(end);
                        if some >> (number % 64) & 1 == 1 {
                            file[sector.clone()].copy_from_slice(&after[sector]);
                        }
                    }
                }
            }
        }
        for (name, content) in ["0", "1"].iter().zip(&files) {
            fs::write(storage.join("wal").join(name), content).unwrap();
        }
        files == after.files
    }

    pub fn write_checkpoint(&self, storage: &Path) {
        fs::write(storage.join("wal/checkpoint"), &self.checkpoint).unwrap();
    }
}

impl PowerCut {
    /// Takes from a copy of a storage what was not synced.
    pub fn take(&self, storage: &Path) {
        let checkpoint = fs::read(storage.join("wal/checkpoint")).unwrap();
        let checkpoint: Value = serde_json::from_slice(&checkpoint).unwrap();
        self.take_packs(&checkpoint, &storage.join("tables.git/objects/pack"));
        self.take_branch(&checkpoint, &storage.join("tables.git/refs/heads/main"));
        self.take_history(&checkpoint, &storage.join("wal/history"));
        self.leave(storage);
    }

    fn take_packs(&self, checkpoint: &Value, folder: &Path) {
        let synced: BTreeSet<&str> =
            checkpoint["packs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let files =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = files.collect();
        let is_there =
            |name: &&str| ["pack", "idx"].iter().all(|ending| files.contains(&format!("{name}.{ending}")));
        if !synced.iter().all(is_there) {
            // They are being removed, one file after the other: the pack that they have become was synced before that.
            return;
        }
        let packs = files.iter().filter_map(|name| name.strip_suffix(".pack"));
        let unsynced = packs.filter(|name| !synced.contains(name));
        for (name, fate) in unsynced.zip(self.packs.iter().cycle()) {
            let files = ["pack", "idx"].map(|ending| folder.join(format!("{name}.{ending}")));
            for (file, fate) in files.iter().zip([fate % 16, fate / 16]).filter(|(file, _)| file.exists()) {
                let mut content = fs::read(file).unwrap();
                let middle = content.len() / 2;
                match fate {
                    0..=5 => continue,
                    6..=8 => {
                        fs::remove_file(file).unwrap();
                        continue;
                    }
                    // The size is there, the content is not.
                    9 | 10 => content.fill(0),
                    11 => content.clear(),
                    12 => content.truncate(middle),
                    13 => content[middle..].fill(0),
                    14 => content[..middle].fill(0),
                    _ => content.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1),
                }
                fs::write(file, content).unwrap();
            }
        }
    }

    fn take_branch(&self, checkpoint: &Value, branch: &Path) {
        // None: of a store whose first commit was not synced yet.
        let synced = checkpoint["commit"].as_str().map(|commit| format!("{commit}\n"));
        if fs::read_to_string(branch).ok() == synced {
            return;
        }
        match self.branch % 8 {
            0..=2 => {}
            3 | 4 if synced.is_some() => fs::write(branch, synced.unwrap()).unwrap(),
            5 => fs::write(branch, "").unwrap(),
            6 => fs::write(branch, [0; 41]).unwrap(),
            _ => {
                let _ = fs::remove_file(branch);
            }
        }
    }

    fn take_history(&self, checkpoint: &Value, table: &Path) {
        const ROW: usize = 40;
        let synced = checkpoint["history"]["rows"].as_u64().unwrap() as usize * ROW;
        let mut content = fs::read(table).unwrap();
        match self.history % 4 {
            0 => {}
            1 => content.truncate(synced),
            2 => content[synced..].fill(0),
            _ => content.truncate((synced + content.len()) / 2),
        }
        fs::write(table, content).unwrap();
    }

    /// What was in the making.
    fn leave(&self, storage: &Path) {
        let unfinished = [
            "tables.git/refs/heads/main.lock",
            "tables.git/objects/pack/tmp_karana.pack",
            "tables.git/objects/pack/tmp_karana.idx",
            "tables.git/objects/pack/tmp_karana_merge.pack",
            "tables.git/objects/pack/pack-0000000000000000000000000000000000000001.pack.broken",
            "tables.git/objects/pack/pack-0000000000000000000000000000000000000002.pack",
            "wal/checkpoint.new",
            "keys/seal.keys.new",
        ];
        for (number, name) in
            unfinished.iter().enumerate().filter(|(number, _)| self.leftovers >> number & 1 == 1)
        {
            fs::write(storage.join(name), vec![b'x'; number * 7]).unwrap();
        }
    }
}
