//! How a content differs from another one: the instructions of a pack's differences (gitformat-pack(5)).

use std::collections::HashMap;
use std::ops::Range;

/// A copy costs up to seven bytes.
const WORTH_COPYING: usize = 8;

/// The instructions that turn `old` into `new`: what both begin with, what is new, what both end with.
pub fn difference(old: &[u8], new: &[u8]) -> Vec<u8> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut out = Vec::with_capacity(new.len() - start - end + 32);
    size(&mut out, old.len());
    size(&mut out, new.len());
    copy(&mut out, 0, start);
    insert(&mut out, &new[start..new.len() - end]);
    copy(&mut out, old.len() - end, end);
    out
}

/// How long the first part of a content is.
pub type Part = fn(&[u8]) -> usize;

/// The parts of a text.
pub fn line(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| end + 1)
}

/// The parts of a tree: mode, name, and an id after the zero.
pub fn item(tree: &[u8]) -> usize {
    tree.iter().position(|byte| *byte == 0).map_or(tree.len(), |end| (end + 21).min(tree.len()))
}

/// A content by its parts, for others to be told from.
pub struct Parts<'a> {
    content: &'a [u8],
    part: Part,
    /// Where each begins.
    places: HashMap<&'a [u8], usize>,
}

impl<'a> Parts<'a> {
    pub fn of(content: &'a [u8], part: Part) -> Self {
        let mut places = HashMap::new();
        let mut at = 0;
        while at < content.len() {
            let length = part(&content[at..]);
            places.insert(&content[at..at + length], at);
            at += length;
        }
        Self { content, part, places }
    }

    /// The instructions that turn this content into `new`: parts that are here are copied, of others what they begin with.
    pub fn difference(&self, new: &[u8]) -> Vec<u8> {
        let mut told = Told::default();
        // Where the part stands here that is likely to come next.
        let mut next = 0;
        let mut at = 0;
        while at < new.len() {
            let end = at + (self.part)(&new[at..]);
            let fresh = &new[at..end];
            if let Some(place) = self.places.get(fresh) {
                next = place + fresh.len();
                told.copy(*place..next);
            } else {
                let rest = &self.content[next..];
                let alike = rest.iter().zip(fresh).take_while(|(one, other)| one == other).count();
                let alike = if alike < WORTH_COPYING { 0 } else { alike };
                told.copy(next..next + alike);
                told.insert(at + alike..end);
                next += (self.part)(rest);
            }
            at = end;
        }
        let mut out = Vec::with_capacity(new.len() / 2 + 32);
        size(&mut out, self.content.len());
        size(&mut out, new.len());
        for part in told.0 {
            match part {
                Piece::Old(part) => copy(&mut out, part.start, part.len()),
                Piece::New(part) => insert(&mut out, &new[part]),
            }
        }
        out
    }
}

/// A content as pieces of an old and a new one; pieces that follow each other are one.
#[derive(Default)]
struct Told(Vec<Piece>);

enum Piece {
    Old(Range<usize>),
    New(Range<usize>),
}

impl Told {
    fn copy(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            _ if part.is_empty() => {}
            Some(Piece::Old(last)) if last.end == part.start => last.end = part.end,
            _ => self.0.push(Piece::Old(part)),
        }
    }

    fn insert(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            _ if part.is_empty() => {}
            Some(Piece::New(last)) => last.end = part.end,
            _ => self.0.push(Piece::New(part)),
        }
    }
}

/// Up to 127 bytes at a time.
fn insert(out: &mut Vec<u8>, new: &[u8]) {
    new.chunks(0x7f).for_each(|part| {
        out.push(part.len() as u8);
        out.extend_from_slice(part);
    });
}

fn size(out: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        out.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

/// Copies `length` bytes from `offset` of the base, at most 2^24 - 1 at a time; bytes that are zero are left out.
fn copy(out: &mut Vec<u8>, mut offset: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(0xff_ffff);
        let at = out.len();
        out.push(0x80);
        for (bit, byte) in (offset as u32)
            .to_le_bytes()
            .into_iter()
            .enumerate()
            .chain((4..).zip((part as u32).to_le_bytes()).take(3))
        {
            if byte != 0 {
                out[at] |= 1 << bit;
                out.push(byte);
            }
        }
        offset += part;
        length -= part;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::odb::apply;
    use super::*;
    use proptest::prelude::*;

    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            "[a-c]{0,3}\n",
            Just("  \"the same line\": 1,\n".to_owned()),
            Just("  \"another same line\": {\n".to_owned()),
            "  \"password\": \"sealed:[a-b]{1,40}\"\n",
            "x{0,300}\n",
            "no end",
            "100644 [a-c]\0[a-b]{20}",
        ];
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn following_the_instructions_gives_the_new_text(old in lines(), new in lines()) {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            prop_assert_eq!(apply(old, &difference(old, new)).unwrap(), new);
            prop_assert_eq!(apply(old, &Parts::of(old, line).difference(new)).unwrap(), new);
            prop_assert_eq!(apply(old, &Parts::of(old, item).difference(new)).unwrap(), new);
        }
    }

    #[test]
    fn what_two_records_share_is_not_told_again() {
        let record = |uuid: &str, name: &str| {
            format!(
                "{{\n  \"config\": {{\n    \"get_int\": 6,\n    \"series\": \"data\"\n  }},\n  \"name\": \"{name}\",\n  \"uuid\": \"{uuid}\"\n}}\n"
            )
        };
        let (one, other) =
            (record("0b8a4f6c", "Roof of the school"), record("4e1fcc06", "Roof of the church"));
        let told = Parts::of(one.as_bytes(), line).difference(other.as_bytes());
        assert!(told.len() < 50, "{}", told.len());
    }
}
