//! Small packs become large ones, beside readers and the writer.
//!
//! Entries are copied as they are, but for whole trees, which are told from each other, and how far back a difference finds
//! its base. An object that several packs hold is left out. A pack is removed when the one that holds all of its objects
//! is on the disk.

mod versions;

use super::object::{Id, Kind};
use super::pack::{OFS_DELTA, distance, index_of};
use sha1::{Digest, Sha1};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;
use versions::Versions;

/// So many packs of a size make one of the next: `(smaller than, packs)`.
const TIERS: [(u64, usize); 3] = [(1 << 20, 32), (16 << 20, 16), (128 << 20, 8)];

const HEADER: usize = 12;
const CHECKSUM: usize = 20;

/// The names of the packs that should become one, if there are enough of a size.
pub fn due(folder: &Path) -> io::Result<Option<Vec<String>>> {
    let mut files: HashMap<String, Vec<(String, u64, SystemTime)>> = HashMap::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if let Some((stem, ending)) = name.split_once('.').filter(|(stem, _)| stem.starts_with("pack-")) {
            let (size, time) = file.metadata().and_then(|data| Ok((data.len(), data.modified()?)))?;
            files.entry(stem.to_owned()).or_default().push((ending.to_owned(), size, time));
        }
    }
    // Ours are a pack and an index. What git itself has made, or somebody wants kept, has more to it.
    let ours = files.into_iter().filter_map(|(stem, parts)| {
        let (_, size, time) = *parts.iter().find(|(ending, ..)| ending == "pack")?;
        (parts.len() == 2 && parts.iter().any(|(ending, ..)| ending == "idx")).then_some((time, size, stem))
    });
    // In the order in which they were written: neighbours hold versions of the same trees.
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    let mut smallest = 0;
    for (limit, enough) in TIERS {
        let names: Vec<_> = ours
            .iter()
            .filter(|(_, size, _)| (smallest..limit).contains(size))
            .map(|(_, _, name)| name.clone())
            .collect();
        if names.len() >= enough {
            return Ok(Some(names));
        }
        smallest = limit;
    }
    Ok(None)
}

/// Makes one pack of several, and removes them.
pub fn merge(folder: &Path, names: &[String]) -> io::Result<()> {
    let mut unique = HashSet::new();
    for name in names {
        let index = fs::read(folder.join(format!("{name}.idx")))?;
        unique.extend(entries(&index)?.into_iter().map(|(id, _)| id));
    }
    let count = u32::try_from(unique.len()).map_err(|_| broken("too many objects for one pack"))?;
    let unfinished = [folder.join("tmp_karana_merge.pack"), folder.join("tmp_karana_merge.idx")];
    let mut merged = Merged::begin(&unfinished[0], count)?;
    for name in names {
        let pack = fs::read(folder.join(format!("{name}.pack")))?;
        let index = fs::read(folder.join(format!("{name}.idx")))?;
        merged.take(&pack, entries(&index)?)?;
    }
    let (checksum, index) = merged.finish()?;
    let mut file = File::create(&unfinished[1])?;
    file.write_all(&index)?;
    file.sync_all()?;
    for (unfinished, ending) in unfinished.iter().zip(["pack", "idx"]) {
        fs::rename(unfinished, folder.join(format!("pack-{checksum}.{ending}")))?;
    }
    File::open(folder)?.sync_all()?;
    // The index first: a pack without one is not looked at, an index without its pack is a fault.
    for ending in ["idx", "pack"] {
        for name in names.iter().filter(|name| **name != format!("pack-{checksum}")) {
            fs::remove_file(folder.join(format!("{name}.{ending}")))?;
        }
    }
    Ok(())
}

/// A pack that is being written.
struct Merged {
    file: BufWriter<File>,
    hash: Sha1,
    length: usize,
    /// Each object's place, and the checksum of its entry.
    places: HashMap<Id, (usize, u32)>,
    versions: Versions,
}

impl Merged {
    fn begin(path: &Path, count: u32) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut merged = Self {
            file,
            hash: Sha1::new(),
            length: 0,
            places: HashMap::with_capacity(count as usize),
            versions: Versions::new(),
        };
        merged.write(b"PACK\0\0\0\x02")?;
        merged.write(&count.to_be_bytes())?;
        Ok(merged)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.length += bytes.len();
        self.file.write_all(bytes)
    }

    /// Copies the entries of a pack that are not here yet.
    fn take(&mut self, pack: &[u8], mut entries: Vec<(Id, usize)>) -> io::Result<()> {
        entries.sort_by_key(|(_, offset)| *offset);
        let ends =
            entries.iter().skip(1).map(|(_, offset)| *offset).chain([pack.len().saturating_sub(CHECKSUM)]);
        let by_offset: HashMap<usize, Id> = entries.iter().map(|(id, offset)| (*offset, *id)).collect();
        for ((id, offset), end) in entries.iter().zip(ends) {
            if self.places.contains_key(id) {
                continue;
            }
            let entry = pack
                .get(*offset..end)
                .filter(|entry| !entry.is_empty())
                .ok_or_else(|| broken("an entry lies outside of its pack"))?;
            let place = self.length;
            let mut head = 1 + entry.iter().take_while(|byte| **byte & 0x80 != 0).count();
            let mut copy = entry.get(..head).ok_or_else(|| broken("an entry has no end"))?.to_vec();
            if (entry[0] >> 4) & 7 == OFS_DELTA {
                let (back, length) =
                    read_distance(&entry[head..]).ok_or_else(|| broken("a difference has no base"))?;
                let base = offset
                    .checked_sub(back)
                    .and_then(|at| by_offset.get(&at))
                    .and_then(|id| self.places.get(id));
                let (base, _) = base.ok_or_else(|| broken("a difference comes before its base"))?;
                distance(&mut copy, place - base);
                head += length;
            }
            let whole_tree = ((entry[0] >> 4) & 7 == Kind::Tree as u8).then(|| size(&entry[..head]));
            let retold =
                whole_tree.and_then(|size| self.versions.retell(*id, size, entry, &entry[head..], place));
            match retold {
                Some(retold) => copy = retold,
                None => copy.extend_from_slice(&entry[head..]),
            }
            self.places.insert(*id, (place, crc32fast::hash(&copy)));
            self.write(&copy)?;
        }
        Ok(())
    }

    /// Completes and syncs the pack; answers with its checksum and its index.
    fn finish(mut self) -> io::Result<(Id, Vec<u8>)> {
        let checksum: [u8; CHECKSUM] = self.hash.clone().finalize().into();
        self.file.write_all(&checksum)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let entries = self.places.into_iter().map(|(id, (offset, crc))| (id, offset, crc)).collect();
        Ok((Id(checksum), index_of(entries, &checksum)))
    }
}

/// Ids and offsets from an index of version 2.
fn entries(index: &[u8]) -> io::Result<Vec<(Id, usize)>> {
    let number = |at: usize| {
        index.get(at..at + 4).map(|bytes| bytes.iter().fold(0_usize, |n, byte| n << 8 | usize::from(*byte)))
    };
    let short = || broken("an index is too short");
    if index.get(..8) != Some(b"\xfftOc\0\0\0\x02") {
        return Err(broken("an index is not of version 2"));
    }
    let count = number(8 + 255 * 4).ok_or_else(short)?;
    let ids = 8 + 256 * 4;
    let offsets = ids + count * (20 + 4);
    (0..count)
        .map(|i| {
            let id = index.get(ids + i * 20..).and_then(|rest| rest.first_chunk::<20>()).ok_or_else(short)?;
            let offset = number(offsets + i * 4)
                .filter(|offset| *offset >= HEADER && offset >> 31 == 0)
                .ok_or_else(short)?;
            Ok((Id(*id), offset))
        })
        .collect()
}

/// The size in the header of an entry: four bits of it in the first byte, seven in each further one.
fn size(header: &[u8]) -> usize {
    let rest = header.iter().skip(1).zip((4..).step_by(7));
    rest.fold(usize::from(header[0] & 15), |size, (byte, shift)| {
        size | usize::from(byte & 0x7f).checked_shl(shift).unwrap_or_default()
    })
}

/// The distance that [`distance`] writes, and in how many bytes.
fn read_distance(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut back = usize::from(bytes.first()? & 0x7f);
    let mut length = 1;
    while bytes.get(length - 1)? & 0x80 != 0 {
        back = ((back + 1) << 7) | usize::from(bytes.get(length)? & 0x7f);
        length += 1;
    }
    Some((back, length))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::object::{Kind, Object};
    use super::super::odb::Odb;
    use super::super::pack::Pack;
    use super::super::trees::Trees;
    use super::*;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use uuid::Uuid;

    fn git(folder: &Path, args: &[&str]) -> Vec<u8> {
        let output = Command::new("git").current_dir(folder).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Each pack holds the trees on the paths of a few records as wholes; together they are versions of each other.
    #[test]
    fn trees_of_many_packs_are_told_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| git(folder.path(), args);
        git(&["init", "-q", "--bare", "."]);
        let packs = folder.path().join("objects/pack");
        let mut trees = Trees::default();
        let mut add = |n: u32, objects: &mut Vec<Object>| {
            let id = Id(Sha1::digest(n.to_be_bytes()).into());
            let blob = Object::new(Kind::Blob, id.to_string().into_bytes(), None);
            let uuid = Uuid::from_slice(&id.0[..16]).unwrap();
            trees.put_record("karanas", uuid, Some(blob.id));
            objects.push(blob);
            trees.write(objects);
        };
        (0..2000).for_each(|n| add(n, &mut Vec::new()));
        let (mut all, mut size) = (Vec::new(), 0);
        for number in 0..40 {
            let mut objects = Vec::new();
            (0..5).for_each(|n| add(10_000 + number * 5 + n, &mut objects));
            let Pack { name, pack, index } = Pack::new(&objects);
            size += pack.len();
            fs::write(packs.join(format!("pack-{name}.pack")), pack).unwrap();
            fs::write(packs.join(format!("pack-{name}.idx")), index).unwrap();
            all.extend(objects);
        }
        merge(&packs, &due(&packs).unwrap().expect("there are enough")).unwrap();
        let merged = fs::read_dir(&packs).unwrap().map(|file| file.unwrap().path());
        let merged: Vec<_> = merged.filter(|path| path.extension().is_some_and(|e| e == "pack")).collect();
        let now = fs::metadata(&merged[0]).unwrap().len() as usize;
        assert!(merged.len() == 1 && now < size * 2 / 3, "{size} bytes have become {now}");
        git(&["verify-pack", merged[0].with_extension("idx").to_str().unwrap()]);
        for object in all {
            let kind = if object.kind == Kind::Tree { "tree" } else { "blob" };
            assert_eq!(git(&["cat-file", kind, &object.id.to_string()]), *object.content);
        }
    }

    #[test]
    fn nothing_is_lost_of_packs_that_share_objects() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| git(folder.path(), args);
        git(&["init", "-q", "--bare", "."]);
        let packs = folder.path().join("objects/pack");
        let text = |n: usize| {
            format!("{}{n}{}", "a long beginning ".repeat(40), "and a long end ".repeat(40)).into_bytes()
        };
        let mut all = Vec::new();
        let mut before = None;
        for number in 0..32 {
            // Every version is there twice, in packs of their own, once as a difference and once as a base.
            let objects: Vec<_> = (number..number + 40)
                .map(|n| {
                    let object = Object::new(Kind::Blob, text(n % 50), before);
                    before = Some(object.id);
                    object
                })
                .collect();
            let Pack { name, pack, index } = Pack::new(&objects);
            fs::write(packs.join(format!("pack-{name}.pack")), pack).unwrap();
            fs::write(packs.join(format!("pack-{name}.idx")), index).unwrap();
            all.extend(objects);
        }
        let names = due(&packs).unwrap().expect("there are enough");
        assert_eq!(names.len(), 32);
        merge(&packs, &names).unwrap();
        let files: Vec<_> = fs::read_dir(&packs)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files.len(), 2, "{files:?}");
        git(&[
            "verify-pack",
            packs.join(files.iter().find(|name| name.ends_with("idx")).unwrap()).to_str().unwrap(),
        ]);
        for object in all {
            assert_eq!(git(&["cat-file", "blob", &object.id.to_string()]), *object.content);
        }
        assert_eq!(due(&packs).unwrap(), None);
    }

    #[test]
    fn whoever_opens_packs_while_they_are_merged_finds_everything() {
        let repository = tempfile::tempdir().unwrap();
        let packs = repository.path().join("objects/pack");
        fs::create_dir_all(&packs).unwrap();
        let objects: Vec<_> =
            (0..32).map(|n| Object::new(Kind::Blob, n.to_string().into_bytes(), None)).collect();
        let write = |objects: &[Object]| {
            let Pack { name, pack, index } = Pack::new(objects);
            fs::write(packs.join(format!("pack-{name}.pack")), pack).unwrap();
            fs::write(packs.join("unfinished"), index).unwrap();
            fs::rename(packs.join("unfinished"), packs.join(format!("pack-{name}.idx"))).unwrap();
        };
        write(&objects);
        let merging = AtomicBool::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while merging.load(Ordering::Relaxed) {
                    objects.iter().for_each(|object| write(std::slice::from_ref(object)));
                    merge(&packs, &due(&packs).unwrap().unwrap()).unwrap();
                }
            });
            let missing = (0..500).filter(|_| {
                let mut odb = Odb::open(repository.path(), false).unwrap();
                !odb.unusable().is_empty()
                    || objects.iter().any(|object| odb.read(object.id, Kind::Blob).is_err())
            });
            let missing = missing.count();
            merging.store(false, Ordering::Relaxed);
            assert_eq!(missing, 0);
        });
    }
}
