//! A pack and its index, read (gitformat-pack(5)). Nothing in them is believed: every place and length is checked.

use super::super::object::{Id, Kind};
use super::LARGEST;
use libdeflater::{DecompressionError, Decompressor};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Magic number, version, 256 counts.
const FANOUT: u64 = 8 + 256 * 4;
const ID: u64 = 20;
const CHECKSUM: u64 = 20;

/// How many ids to either side of where one should stand are looked at first.
const NEAR: u64 = 64;

/// A pack with its index.
pub struct PackFile {
    name: String,
    pack: File,
    /// Where the last entry ends at the latest.
    end: u64,
    index: Index,
    /// How many ids there are up to each first byte.
    counts: Vec<u32>,
}

enum Index {
    File(File),
    Memory(Vec<u8>),
}

/// What an entry of a pack holds.
pub enum Held {
    Whole(Kind, Vec<u8>),
    /// Where its base begins, and how it differs from that.
    Difference(u64, Vec<u8>),
}

impl PackFile {
    /// Opens `<name>.pack` and `<name>.idx` in a folder.
    pub fn open(folder: &Path, name: &str, in_memory: bool) -> Result<Self, String> {
        let path = |ending: &str| folder.join(format!("{name}.{ending}"));
        let open = |ending: &str| File::open(path(ending)).map_err(|e| format!("{name}.{ending}: {e}"));
        let length = |file: &File, ending: &str| {
            file.metadata().map(|data| data.len()).map_err(|e| format!("{name}.{ending}: {e}"))
        };
        let (pack, index) = (open("pack")?, open("idx")?);
        let end = length(&pack, "pack")?.saturating_sub(CHECKSUM);
        let size = length(&index, "idx")?;
        let broken = |what: &str| format!("{name}.idx {what}");
        let mut head = vec![0; FANOUT as usize];
        index.read_exact_at(&mut head, 0).map_err(|_| broken("is too short"))?;
        if head[..8] != *b"\xfftOc\0\0\0\x02" {
            return Err(broken("is not an index of version 2"));
        }
        let counts: Vec<u32> = head[8..].chunks_exact(4).map(number).collect();
        if !counts.is_sorted() {
            return Err(broken("counts backwards"));
        }
        let count = u64::from(counts[255]);
        // Ids, checksums and places, and the checksums of pack and index; eight bytes more for each place beyond 2 GiB.
        let least = FANOUT + count * (ID + 4 + 4) + 2 * CHECKSUM;
        if size < least || !(size - least).is_multiple_of(8) || (size - least) / 8 > count {
            return Err(broken("is not as long as it says"));
        }
        let index = if in_memory {
            let mut bytes = vec![0; size as usize];
            index.read_exact_at(&mut bytes, 0).map_err(|e| format!("{name}.idx: {e}"))?;
            Index::Memory(bytes)
        } else {
            Index::File(index)
        };
        Ok(Self { name: name.to_owned(), pack, end, index, counts })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many objects it holds.
    pub fn count(&self) -> u64 {
        u64::from(self.counts[255])
    }

    /// Where an object begins, if it is here.
    pub fn find(&self, id: Id) -> Option<Result<u64, String>> {
        match self.position(id) {
            Ok((_, false)) => None,
            Ok((position, true)) => Some(self.offset(position)),
            Err(e) => Some(Err(format!("{}.idx: {e}", self.name))),
        }
    }

    /// The ids that begin with these hexadecimal digits, at most two.
    pub fn beginning_with(&self, digits: &str) -> Vec<Id> {
        let Ok(least) = format!("{digits:0<40}").parse() else { return vec![] };
        let Ok((first, _)) = self.position(least) else { return vec![] };
        let ids = (first..self.count().min(first + 2)).filter_map(|at| self.id(at).ok());
        ids.filter(|id| id.to_string().starts_with(digits)).collect()
    }

    /// Where an id stands in the order of ids, or would stand; and whether it does.
    fn position(&self, id: Id) -> io::Result<(u64, bool)> {
        let first = usize::from(id.0[0]);
        let low = first.checked_sub(1).map_or(0, |before| u64::from(self.counts[before]));
        let high = u64::from(self.counts[first]);
        // Ids are evenly spread: it stands close to where its second byte and those behind say.
        let fraction = u64::from(number(&id.0[1..5]));
        let guess = low + (((high - low) * fraction) >> 32);
        let (from, to) = (low.max(guess.saturating_sub(NEAR)), high.min(guess + NEAR));
        let near = self.index.slice(FANOUT + from * ID, ((to - from) * ID) as usize)?;
        let near = near.as_chunks::<20>().0;
        let is_here = near.is_empty()
            || ((from == low || near[0] <= id.0) && (to == high || near[near.len() - 1] >= id.0));
        if is_here {
            let found = near.binary_search(&id.0);
            return Ok((from + found.unwrap_or_else(|at| at) as u64, found.is_ok()));
        }
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle)?.cmp(&id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok((middle, true)),
            }
        }
        Ok((low, false))
    }

    fn id(&self, position: u64) -> io::Result<Id> {
        Ok(Id(self.index.bytes(FANOUT + position * ID)?))
    }

    fn offset(&self, position: u64) -> Result<u64, String> {
        let failed = |e: io::Error| format!("{}.idx: {e}", self.name);
        let places = FANOUT + self.count() * (ID + 4);
        let place = number(&self.index.bytes::<4>(places + position * 4).map_err(failed)?);
        if place >> 31 == 0 {
            return Ok(u64::from(place));
        }
        let large = places + self.count() * 4 + u64::from(place & !(1 << 31)) * 8;
        Ok(u64::from_be_bytes(self.index.bytes(large).map_err(failed)?))
    }

    /// The entry that begins at `offset`.
    pub fn entry(&self, offset: u64, stream: &mut Decompressor) -> Result<Held, String> {
        // An entry's header has at most 10 bytes, what names its base 20 more.
        let mut head = [0; 32];
        let length = self.read(offset, &mut head)?;
        let mut bytes = head[..length].iter().copied();
        let mut next = || bytes.next().ok_or_else(|| "it has no end".to_owned());
        let mut byte = next()?;
        let kind = (byte >> 4) & 7;
        let mut size = u64::from(byte & 15);
        let mut shift = 4;
        while byte & 0x80 != 0 {
            byte = next()?;
            size |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(u64::MAX);
            shift += 7;
        }
        let size =
            usize::try_from(size).ok().filter(|size| *size <= LARGEST).ok_or("it says to be too long")?;
        let base = match kind {
            6 => {
                let mut byte = next()?;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    let more = back.checked_add(1).and_then(|back| back.checked_mul(128));
                    back = more.ok_or("its base is nowhere")? + u64::from(byte & 0x7f);
                }
                let base = offset.checked_sub(back).filter(|base| *base < offset);
                Some(base.ok_or("its base is nowhere")?)
            }
            7 => {
                let mut id = [0; 20];
                for byte in &mut id {
                    *byte = next()?;
                }
                Some(self.find(Id(id)).ok_or("its base is not in the pack")??)
            }
            _ => None,
        };
        // How long it is deflated is not said: at most a little longer than it is.
        let begin = offset + (length - bytes.len()) as u64;
        let most = (size + size / 1024 + 64) as u64;
        let mut deflated = vec![0; most.min(self.end.saturating_sub(begin)) as usize];
        self.read(begin, &mut deflated)?;
        let content = inflate(stream, &deflated, size)?;
        match (base, Kind::numbered(kind)) {
            (Some(base), _) => Ok(Held::Difference(base, content)),
            (None, Some(kind)) => Ok(Held::Whole(kind, content)),
            (None, None) => Err("it is of no kind that belongs here".into()),
        }
    }

    /// Reads what there is of the entries, from a place on.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, String> {
        let length = self.end.saturating_sub(offset).min(buffer.len() as u64) as usize;
        self.pack.read_exact_at(&mut buffer[..length], offset).map_err(|e| e.to_string())?;
        Ok(length)
    }
}

impl Index {
    fn bytes<const N: usize>(&self, at: u64) -> io::Result<[u8; N]> {
        let slice = self.slice(at, N)?;
        slice.first_chunk().copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn slice(&self, at: u64, length: usize) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, at)?;
                Ok(bytes.into())
            }
            Self::Memory(all) => {
                let slice = usize::try_from(at).ok().and_then(|at| all.get(at..)?.get(..length));
                Ok(slice.ok_or(io::ErrorKind::UnexpectedEof)?.into())
            }
        }
    }
}

fn number(bytes: &(impl AsRef<[u8]> + ?Sized)) -> u32 {
    bytes.as_ref().iter().fold(0, |n, byte| n << 8 | u32::from(*byte))
}

/// Inflates a zlib stream whose content is so long; what comes after it does not matter.
pub fn inflate(stream: &mut Decompressor, deflated: &[u8], length: usize) -> Result<Vec<u8>, String> {
    // A broken length must not ask for memory that the stream cannot fill: it grows a thousandfold at most (RFC 1951).
    if length / 1100 > deflated.len() {
        return Err("it is not as long as it says".into());
    }
    match inflate_at_most(stream, deflated, length)? {
        Some(content) if content.len() == length => Ok(content),
        _ => Err("it is not as long as it says".into()),
    }
}

/// Inflates a zlib stream; none when its content is longer than `most`.
pub fn inflate_at_most(
    stream: &mut Decompressor,
    deflated: &[u8],
    most: usize,
) -> Result<Option<Vec<u8>>, String> {
    let mut content = vec![0; most];
    match stream.zlib_decompress(deflated, &mut content) {
        Ok(length) => {
            content.truncate(length);
            Ok(Some(content))
        }
        Err(DecompressionError::InsufficientSpace) => Ok(None),
        Err(DecompressionError::BadData) => Err("it cannot be inflated".into()),
    }
}

/// Puts a content together from its base and how it differs.
pub fn apply(base: &[u8], difference: &[u8]) -> Result<Vec<u8>, String> {
    follow(base, difference).ok_or_else(|| "a difference makes no sense".into())
}

fn follow(base: &[u8], mut orders: &[u8]) -> Option<Vec<u8>> {
    let from = size(&mut orders)?;
    let to = size(&mut orders)?;
    if from != base.len() || to > LARGEST {
        return None;
    }
    let mut out = Vec::with_capacity(to.min(1 << 20));
    while let Some(order) = orders.split_off_first() {
        if order & 0x80 == 0 {
            out.extend_from_slice(orders.split_off(..usize::from(*order)).filter(|new| !new.is_empty())?);
        } else {
            // Only the bytes that are not zero are there: four of the place in the base, three of the length.
            let mut number = |bits: std::ops::Range<u8>| {
                bits.enumerate()
                    .filter(|(_, bit)| order & (1 << bit) != 0)
                    .try_fold(0_usize, |sum, (at, _)| {
                        Some(sum | usize::from(*orders.split_off_first()?) << (8 * at))
                    })
            };
            let (offset, length) = (number(0..4)?, number(4..7)?);
            let length = if length == 0 { 0x10000 } else { length };
            out.extend_from_slice(base.get(offset..offset + length)?);
        }
        if out.len() > to {
            return None;
        }
    }
    (out.len() == to).then_some(out)
}

/// A length, seven bits in a byte, the least significant first.
fn size(orders: &mut &[u8]) -> Option<usize> {
    let (mut size, mut shift) = (0_usize, 0);
    loop {
        let byte = orders.split_off_first()?;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
}
