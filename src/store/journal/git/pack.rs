//! Objects as a pack and its index (gitformat-pack(5)), written in one go.
//!
//! Compressing costs more than all the rest of a write, and most of what is written is random: ids, sealed secrets. So
//! little is compressed. A record or tree is told as the difference to its version before, where that is in the same pack;
//! a new record, and a commit, as what its lines share with another one of its kind. libgit2's own pack builder looks for
//! similar objects; here it is known which are, and one pass suffices.

pub mod difference;

use super::object::{Id, Kind, Object};
use difference::{Parts, difference, line};
use libdeflater::{CompressionLvl, Compressor};
use sha1::{Digest, Sha1};
use std::collections::HashMap;

/// A longer chain of differences costs readers more than it saves.
const DEEPEST: usize = 24;

/// Getting ready to compress costs as much as compressing some thousand bytes.
const WORTH_COMPRESSING: usize = 96;

/// What is new in a difference is mostly random.
const DIFFERENCE_WORTH_COMPRESSING: usize = 600;

/// The entry type of a difference to an entry earlier in the same pack.
pub const OFS_DELTA: u8 = 6;

/// A pack and its index.
pub struct Pack {
    /// The name that git gives such a pack: the SHA-1 of the pack.
    pub name: String,
    /// The content of `pack-<name>.pack`.
    pub pack: Vec<u8>,
    /// The content of `pack-<name>.idx`.
    pub index: Vec<u8>,
}

struct Entry<'a> {
    object: &'a Object,
    offset: usize,
    crc: u32,
    depth: usize,
}

impl Pack {
    /// Packs objects; one that comes twice is packed once. The version `before` one must come before it to count.
    pub fn new(objects: &[Object]) -> Self {
        let mut deflate = Compressor::new(CompressionLvl::fastest());
        let mut places: HashMap<Id, usize> = HashMap::with_capacity(objects.len());
        let mut entries: Vec<Entry<'_>> = Vec::with_capacity(objects.len());
        // For each kind of text one that is there as a whole, for others to be told from.
        let mut samples: HashMap<&[u8], (usize, Parts<'_>)> = HashMap::new();
        let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
        for object in objects {
            if places.contains_key(&object.id) {
                continue;
            }
            let offset = pack.len();
            let base = object.before.and_then(|id| places.get(&id)).map(|place| &entries[*place]);
            let base = base.filter(|base| base.depth < DEEPEST && base.object.kind == object.kind);
            let told = base.map(|base| (base, difference(&base.object.content, &object.content)));
            let text = told.is_none().then(|| kind_of_text(object)).flatten();
            let sample = text.and_then(|text| samples.get(text));
            let told = told.or_else(|| {
                sample.map(|(place, parts)| (&entries[*place], parts.difference(&object.content)))
            });
            // Where nearly everything differs, a difference saves nothing.
            let told = told.filter(|(_, difference)| difference.len() < object.content.len() / 4 * 3);
            let depth = match told {
                Some((base, difference)) => {
                    difference_entry(&mut deflate, offset - base.offset, &difference, &mut pack);
                    base.depth + 1
                }
                None => {
                    entry_header(&mut pack, object.kind as u8, object.content.len());
                    compress(&mut deflate, &object.content, WORTH_COMPRESSING, &mut pack);
                    if let Some(text) = text {
                        samples.insert(text, (entries.len(), Parts::of(&object.content, line)));
                    }
                    0
                }
            };
            places.insert(object.id, entries.len());
            entries.push(Entry { object, offset, crc: crc32fast::hash(&pack[offset..]), depth });
        }
        let count = u32::try_from(entries.len()).unwrap_or_else(|_| unreachable!("a batch is far smaller"));
        pack[8..12].copy_from_slice(&count.to_be_bytes());
        let checksum: [u8; 20] = Sha1::digest(&pack).into();
        pack.extend_from_slice(&checksum);
        let entries = entries.into_iter().map(|entry| (entry.object.id, entry.offset, entry.crc));
        let index = index_of(entries.collect(), &checksum);
        Self { name: Id(checksum).to_string(), pack, index }
    }
}

/// What texts of a kind have in common: how they begin. The records of a resource have the same first field.
fn kind_of_text(object: &Object) -> Option<&[u8]> {
    match object.kind {
        Kind::Commit => Some(b"commit"),
        Kind::Tree => None,
        Kind::Blob => {
            let end = object.content.iter().position(|byte| *byte == b':')?;
            Some(&object.content[..end])
        }
    }
}

/// The index of a pack: each object's id, place, and checksum of its entry.
pub fn index_of(mut entries: Vec<(Id, usize, u32)>, pack_checksum: &[u8; 20]) -> Vec<u8> {
    entries.sort_by_key(|(id, _, _)| *id);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    let mut counted = 0;
    for first in 0..=255_u8 {
        counted += entries[counted..].iter().take_while(|(id, _, _)| id.0[0] == first).count();
        index.extend_from_slice(&(counted as u32).to_be_bytes());
    }
    entries.iter().for_each(|(id, _, _)| index.extend_from_slice(&id.0));
    entries.iter().for_each(|(_, _, crc)| index.extend_from_slice(&crc.to_be_bytes()));
    entries.iter().for_each(|(_, offset, _)| index.extend_from_slice(&(*offset as u32).to_be_bytes()));
    index.extend_from_slice(pack_checksum);
    let checksum: [u8; 20] = Sha1::digest(&index).into();
    index.extend_from_slice(&checksum);
    index
}

/// The entry of an object that is told by its difference to the one `back` bytes before it.
pub fn difference_entry(deflate: &mut Compressor, back: usize, difference: &[u8], out: &mut Vec<u8>) {
    entry_header(out, OFS_DELTA, difference.len());
    distance(out, back);
    compress(deflate, difference, DIFFERENCE_WORTH_COMPRESSING, out);
}

/// Type and size: four bits of the size in the first byte, seven in each further one.
fn entry_header(out: &mut Vec<u8>, kind: u8, size: usize) {
    let mut byte = (kind << 4) | (size & 15) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}

/// How far back the base lies: most significant first, each further byte adding one so that no length is ambiguous.
pub fn distance(out: &mut Vec<u8>, mut back: usize) {
    let mut bytes = vec![(back & 0x7f) as u8];
    while back > 0x7f {
        back = (back >> 7) - 1;
        bytes.push((back & 0x7f) as u8 | 0x80);
    }
    out.extend(bytes.iter().rev());
}

/// As a zlib stream (RFC 1950). What is shorter than `worth` would hardly get smaller: it goes as it is.
fn compress(deflate: &mut Compressor, content: &[u8], worth: usize, out: &mut Vec<u8>) {
    if content.len() < worth {
        let length = content.len() as u16;
        out.extend_from_slice(&[0x78, 0x01, 0x01]);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(content);
        out.extend_from_slice(&adler32(content).to_be_bytes());
        return;
    }
    let begin = out.len();
    out.resize(begin + deflate.zlib_compress_bound(content.len()), 0);
    let length = deflate.zlib_compress(content, &mut out[begin..]);
    out.truncate(begin + length.unwrap_or_else(|e| unreachable!("there is room for the longest: {e}")));
}

/// The checksum at the end of a zlib stream, of short content.
fn adler32(content: &[u8]) -> u32 {
    let (a, b) = content.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::super::object::Kind;
    use super::super::trees::Trees;
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;
    use uuid::Uuid;

    /// What git makes of a pack in an empty repository.
    fn read_by_git(objects: &[Object]) -> Vec<(Id, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git").current_dir(folder.path()).args(args).output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        git(&["init", "-q", "--bare", "."]);
        let pack = Pack::new(objects);
        let path = |ending: &str| folder.path().join(format!("objects/pack/pack-{}.{ending}", pack.name));
        std::fs::write(path("pack"), &pack.pack).unwrap();
        std::fs::write(path("idx"), &pack.index).unwrap();
        git(&["verify-pack", path("idx").to_str().unwrap()]);
        objects
            .iter()
            .map(|o| (o.id, git(&["cat-file", &format!("{:?}", o.kind).to_lowercase(), &o.id.to_string()])))
            .collect()
    }

    fn contents(objects: &[Object]) -> Vec<(Id, Vec<u8>)> {
        objects.iter().map(|object| (object.id, object.content.to_vec())).collect()
    }

    #[test]
    fn git_reads_back_what_was_packed() {
        let mut objects = Vec::new();
        let mut before = None;
        for i in 0..60_u32 {
            let text =
                format!("{{\"n\": {i}, \"long\": \"{}\"}}", "x".repeat(300 + (i as usize * 977) % 70_000));
            let blob = Object::new(Kind::Blob, text.into_bytes(), before);
            before = Some(blob.id);
            objects.push(blob.clone());
            objects.push(blob);
        }
        assert_eq!(read_by_git(&objects), contents(&objects));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn any_content_survives(versions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..8)) {
            let mut before = None;
            let mut objects = Vec::new();
            for content in versions {
                let object = Object::new(Kind::Blob, content, before);
                before = Some(object.id);
                objects.push(object);
            }
            prop_assert_eq!(read_by_git(&objects), contents(&objects));
        }
    }

    #[test]
    fn trees_are_those_that_git_makes_of_the_same_files() {
        let blob = Object::new(Kind::Blob, *b"{}\n", None);
        let mut trees = Trees::default();
        let mut objects = vec![blob.clone()];
        trees.put_document("meta.json", blob.id);
        let uuids: Vec<Uuid> = (0..300_u128)
            .map(|i| Uuid::from_u128(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)))
            .collect();
        for (i, uuid) in uuids.iter().enumerate() {
            trees.put_record(if i % 3 == 0 { "users" } else { "karanas" }, *uuid, Some(blob.id));
            trees.write(&mut objects);
        }
        for (i, uuid) in uuids.iter().enumerate().filter(|(i, _)| i % 2 == 0) {
            trees.put_record(if i % 3 == 0 { "users" } else { "karanas" }, *uuid, None);
        }
        let root = trees.write(&mut objects);

        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git").current_dir(folder.path()).args(args).output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "-q", "."]);
        std::fs::write(folder.path().join("meta.json"), "{}\n").unwrap();
        for (i, uuid) in uuids.iter().enumerate().filter(|(i, _)| i % 2 == 1) {
            let name = uuid.to_string();
            let table = if i % 3 == 0 { "users" } else { "karanas" };
            let path = folder.path().join(format!(
                "tables/{table}/{}/{}/{}/{name}.json",
                &name[..1],
                &name[1..2],
                &name[2..3]
            ));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{}\n").unwrap();
        }
        git(&["add", "-A"]);
        assert_eq!(git(&["write-tree"]), root.to_string());

        // And the very same trees come from loading that state.
        let records = uuids.iter().enumerate().filter(|(i, _)| i % 2 == 1);
        let records = records
            .map(|(i, uuid)| ((if i % 3 == 0 { "users" } else { "karanas" }).to_owned(), *uuid, blob.id));
        let mut loaded = Trees::load([("meta.json".to_owned(), blob.id)], records);
        let mut nothing = Vec::new();
        assert_eq!(loaded.write(&mut nothing), root);
        assert!(nothing.is_empty());
        assert_eq!(read_by_git(&objects), contents(&objects));
    }
}
