//! The objects of the repository as they lie on the disk. Each is inflated within bounds and hashed before anybody
//! sees it.
//!
//! libgit2 believes what it reads: a truncated object sends it into an endless loop, and a wrong one is passed on. What
//! the tables are made from is read here instead; libgit2 makes and configures the repository, and reads no object of it.

mod pack;

pub use pack::{apply, inflate};

use super::object::{Id, Kind, id_of};
use libdeflater::Decompressor;
use pack::{Held, PackFile};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No object of ours comes near; a broken length must not ask for all memory.
const LARGEST: usize = 1 << 30;

/// How often a pack that cannot be opened is tried, if nothing else changes: it may be on its way out.
const TRIES: u32 = 5;

/// Content kept because differences are told from it, in bytes.
const CACHED: usize = 8 << 20;

/// Why an object cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No pack holds it, and no file of its own.
    #[error("object {0} is missing")]
    Missing(Id),
    /// It is there, and it is not what it should be.
    #[error("object {id} is damaged, in {file}: {reason}")]
    Damaged {
        /// Which.
        id: Id,
        /// Where it lies, below the repository.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// Where an object lies: in which pack, and where in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pack: usize,
    offset: u64,
}

/// A content and what it is.
type Content = (Kind, Arc<[u8]>);

/// The objects of a repository. Knows the packs that were there when it was opened.
pub struct Odb {
    objects: PathBuf,
    packs: Vec<Arc<PackFile>>,
    /// Packs that cannot be used at all, with the reason.
    unusable: Vec<(String, String)>,
    inflate: Decompressor,
    bases: Bases,
}

impl Odb {
    /// Opens the objects below a repository. `in_memory`: the packs' indexes are read as a whole, which pays when many
    /// objects are looked for.
    pub fn open(repository: &Path, in_memory: bool) -> io::Result<Self> {
        let objects = repository.join("objects");
        let folder = objects.join("pack");
        let (mut packs, mut unusable): (Vec<Arc<PackFile>>, _) = (Vec::new(), Vec::new());
        // Not what is being written, under another name.
        let list = || {
            let mut listed = names(&folder, ".idx")?;
            listed.retain(|name| name.starts_with("pack-"));
            io::Result::Ok(listed)
        };
        let mut listed = list()?;
        let mut tries = 0;
        loop {
            packs.retain(|pack| listed.iter().any(|name| name == pack.name()));
            unusable.clear();
            for name in &listed {
                if packs.iter().all(|pack| pack.name() != name) {
                    match PackFile::open(&folder, name, in_memory) {
                        Ok(pack) => packs.push(Arc::new(pack)),
                        Err(reason) => unusable.push((name.clone(), reason)),
                    }
                }
            }
            // Packs may be merged meanwhile: some are gone before they are opened, and what they have become was not
            // there to be listed. Whoever is open stays readable.
            let now = list()?;
            tries = if now == listed { tries + 1 } else { 0 };
            if tries >= if unusable.is_empty() { 1 } else { TRIES } {
                break;
            }
            listed = now;
        }
        // Most objects are in the largest ones.
        packs.sort_by_key(|pack| std::cmp::Reverse(pack.count()));
        Ok(Self { objects, packs, unusable, inflate: Decompressor::new(), bases: Bases::default() })
    }

    /// The same objects for another thread.
    pub fn fork(&self) -> Self {
        Self {
            objects: self.objects.clone(),
            packs: self.packs.clone(),
            unusable: self.unusable.clone(),
            inflate: Decompressor::new(),
            bases: Bases::default(),
        }
    }

    /// Packs that cannot be used, with the reason: `(pack-….idx, reason)`.
    pub fn unusable(&self) -> &[(String, String)] {
        &self.unusable
    }

    /// An object that must be of a kind, from the first place that holds it whole.
    pub fn read(&mut self, id: Id, wanted: Kind) -> Result<Arc<[u8]>, ReadError> {
        let mut damage = None;
        for number in 0..self.packs.len() {
            let Some(offset) = self.packs[number].find(id) else { continue };
            let found = offset.and_then(|offset| self.unpack(number, offset));
            match found.and_then(|content| checked(content, id, wanted)) {
                Ok(content) => return Ok(content),
                Err(reason) => {
                    let file = format!("objects/pack/{}.pack", self.packs[number].name());
                    damage.get_or_insert(ReadError::Damaged { id, file, reason });
                }
            }
        }
        match self.loose(id).map(|content| content.and_then(|content| checked(content, id, wanted))) {
            Some(Ok(content)) => return Ok(content),
            Some(Err(reason)) => {
                let file = format!("objects/{}", loose_name(id));
                damage.get_or_insert(ReadError::Damaged { id, file, reason });
            }
            None => {}
        }
        Err(damage.unwrap_or(ReadError::Missing(id)))
    }

    /// Where an object lies, for reading many in the order in which they lie.
    pub fn place(&self, id: Id) -> Place {
        let places = self.packs.iter().enumerate();
        let mut found = places.filter_map(|(pack, held)| Some(Place { pack, offset: held.find(id)?.ok()? }));
        found.next().unwrap_or(Place { pack: usize::MAX, offset: 0 })
    }

    /// [`Odb::read`], looking at a place first.
    pub fn read_at(&mut self, place: Place, id: Id, wanted: Kind) -> Result<Arc<[u8]>, ReadError> {
        if place.pack < self.packs.len() {
            let content = self.unpack(place.pack, place.offset);
            if let Ok(content) = content.and_then(|content| checked(content, id, wanted)) {
                return Ok(content);
            }
        }
        self.read(id, wanted)
    }

    /// The ids that begin with these hexadecimal digits, at most two of them.
    pub fn beginning_with(&self, digits: &str) -> Vec<Id> {
        let mut ids: Vec<Id> = self.packs.iter().flat_map(|pack| pack.beginning_with(digits)).collect();
        let (folder, rest) = digits.split_at(2);
        let loose = names(&self.objects.join(folder), "").unwrap_or_default();
        let loose = loose.into_iter().filter(|name| name.starts_with(rest));
        ids.extend(loose.filter_map(|name| format!("{folder}{name}").parse::<Id>().ok()));
        ids.sort();
        ids.dedup();
        ids.truncate(2);
        ids
    }

    /// The content of an entry, put together from the differences it is told by.
    fn unpack(&mut self, number: usize, offset: u64) -> Result<Content, String> {
        let pack = self.packs[number].clone();
        let mut differences = Vec::new();
        let mut at = offset;
        let (kind, mut content) = loop {
            if let Some(known) = self.bases.get(number, at) {
                break known;
            }
            // A base that lies earlier cannot lead back here, one that is named by its id can.
            if differences.len() > 4096 {
                return Err("its differences have no end".into());
            }
            match pack.entry(at, &mut self.inflate)? {
                Held::Whole(kind, content) => {
                    let content: Content = (kind, content.into());
                    // What nothing is told from is not worth keeping.
                    if !differences.is_empty() || kind == Kind::Tree {
                        self.bases.put(number, at, &content);
                    }
                    break content;
                }
                Held::Difference(base, difference) => {
                    differences.push((at, difference));
                    at = base;
                }
            }
        };
        for (at, difference) in differences.into_iter().rev() {
            content = pack::apply(&content, &difference)?.into();
            self.bases.put(number, at, &(kind, content.clone()));
        }
        Ok((kind, content))
    }

    /// An object in a file of its own.
    fn loose(&mut self, id: Id) -> Option<Result<Content, String>> {
        let deflated = match fs::read(self.objects.join(loose_name(id))) {
            Ok(deflated) => deflated,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
            Err(e) => return Some(Err(e.to_string())),
        };
        Some(self.read_loose(&deflated))
    }

    fn read_loose(&mut self, deflated: &[u8]) -> Result<Content, String> {
        // How long it is stands in front of it: `blob 123`, then a zero.
        let mut length = (deflated.len() * 4).max(256);
        let mut whole = loop {
            match pack::inflate_at_most(&mut self.inflate, deflated, length)? {
                Some(whole) => break whole,
                None if length > LARGEST => return Err("it says to be too long".into()),
                None => length *= 4,
            }
        };
        let end = whole.iter().take(32).position(|byte| *byte == 0).ok_or("it has no header")?;
        let header = String::from_utf8_lossy(&whole[..end]).into_owned();
        let (name, size) = header.split_once(' ').ok_or("it has no header")?;
        let kind = Kind::named(name).ok_or("it is of no kind that belongs here")?;
        whole.drain(..=end);
        if size.parse() != Ok(whole.len()) {
            return Err("it is not as long as it says".into());
        }
        Ok((kind, whole.into()))
    }
}

fn checked((kind, content): Content, id: Id, wanted: Kind) -> Result<Arc<[u8]>, String> {
    if id_of(kind, &content) != id {
        return Err("its content is another one".into());
    }
    if kind != wanted {
        return Err(format!("it is a {kind:?}, not a {wanted:?}").to_lowercase());
    }
    Ok(content)
}

/// The names of the files in a folder that end so, without that ending; none when there is no such folder.
fn names(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for file in files {
        let name = file?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn loose_name(id: Id) -> String {
    let digits = id.to_string();
    format!("{}/{}", &digits[..2], &digits[2..])
}

/// What differences are told from: the last ones that were needed, in two halves of which the older one is dropped.
#[derive(Default)]
struct Bases {
    young: HashMap<(usize, u64), Content>,
    old: HashMap<(usize, u64), Content>,
    size: usize,
}

impl Bases {
    fn get(&mut self, pack: usize, offset: u64) -> Option<Content> {
        if let Some(known) = self.young.get(&(pack, offset)) {
            return Some(known.clone());
        }
        let known = self.old.remove(&(pack, offset))?;
        self.put(pack, offset, &known);
        Some(known)
    }

    fn put(&mut self, pack: usize, offset: u64, content: &Content) {
        self.size += content.1.len() + 64;
        if self.size > CACHED / 2 {
            self.old = std::mem::take(&mut self.young);
            self.size = content.1.len();
        }
        self.young.insert((pack, offset), content.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::Object;
    use super::super::pack::Pack;
    use super::*;
    use proptest::prelude::*;

    /// A pack with wholes and differences, and its objects.
    fn packed(folder: &Path) -> (Vec<Object>, [PathBuf; 2]) {
        let mut before = None;
        let objects: Vec<_> = (0..40)
            .map(|n| {
                let text = format!("{{\n  \"n\": {n},\n  \"long\": \"{}\"\n}}\n", "x".repeat(n * 37 % 400));
                let object = Object::new(Kind::Blob, text.into_bytes(), before);
                before = Some(object.id);
                object
            })
            .collect();
        let Pack { name, pack, index } = Pack::new(&objects);
        let paths = ["pack", "idx"].map(|ending| folder.join(format!("objects/pack/pack-{name}.{ending}")));
        fs::create_dir_all(folder.join("objects/pack")).unwrap();
        fs::write(&paths[0], pack).unwrap();
        fs::write(&paths[1], index).unwrap();
        (objects, paths)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// Whatever is done to a pack: an object is what it was, or it is refused.
        #[test]
        fn damage_is_never_passed_on(
            file in 0..2_usize,
            at in any::<prop::sample::Index>(),
            change in prop_oneof![(1..=255_u8).prop_map(Some), Just(None)],
            in_memory: bool,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (objects, paths) = packed(folder.path());
            let mut content = fs::read(&paths[file]).unwrap();
            let at = at.index(content.len());
            match change {
                Some(bits) => content[at] ^= bits,
                None => content.truncate(at),
            }
            fs::write(&paths[file], content).unwrap();
            let mut odb = Odb::open(folder.path(), in_memory).unwrap();
            for object in objects {
                if let Ok(content) = odb.read(object.id, Kind::Blob) {
                    prop_assert_eq!(content, object.content);
                }
            }
        }
    }

    #[test]
    fn what_is_whole_is_read_and_what_is_not_there_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (objects, _) = packed(folder.path());
        for in_memory in [false, true] {
            let mut odb = Odb::open(folder.path(), in_memory).unwrap();
            for object in &objects {
                assert_eq!(odb.read(object.id, Kind::Blob).unwrap(), object.content);
                assert_eq!(odb.beginning_with(&object.id.to_string()[..12]), [object.id]);
                let wrong = odb.read(object.id, Kind::Tree).unwrap_err().to_string();
                assert!(wrong.contains("it is a blob, not a tree"), "{wrong}");
            }
            assert_eq!(odb.read(Id([7; 20]), Kind::Blob), Err(ReadError::Missing(Id([7; 20]))));
        }
    }
}
