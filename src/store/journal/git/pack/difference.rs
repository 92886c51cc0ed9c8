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

/// A text by its lines, for others to be told from.
pub struct Lines<'a> {
    text: &'a [u8],
    /// Where a line begins.
    places: HashMap<&'a [u8], usize>,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        let mut at = 0;
        let lines = text.split_inclusive(|byte| *byte == b'\n').map(|line| {
            at += line.len();
            (line, at - line.len())
        });
        Self { text, places: lines.collect() }
    }

    /// The instructions that turn this text into `new`: lines that are here are copied, of others what they begin with.
    pub fn difference(&self, new: &[u8]) -> Vec<u8> {
        let mut told = Told::default();
        // Where the line stands here that is likely to come next.
        let mut next = 0;
        let mut at = 0;
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            let end = at + line.len();
            if let Some(place) = self.places.get(line) {
                next = place + line.len();
                told.copy(*place..next);
            } else {
                let rest = &self.text[next..];
                let alike = rest.iter().zip(line).take_while(|(one, other)| one == other).count();
                let alike = if alike < WORTH_COPYING { 0 } else { alike };
                told.copy(next..next + alike);
                told.insert(at + alike..end);
                next += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            }
            at = end;
        }
        let mut out = Vec::with_capacity(new.len() / 2 + 32);
        size(&mut out, self.text.len());
        size(&mut out, new.len());
        for part in told.0 {
            match part {
                Part::Old(part) => copy(&mut out, part.start, part.len()),
                Part::New(part) => insert(&mut out, &new[part]),
            }
        }
        out
    }
}

/// A text as parts of an old and a new one; parts that follow each other are one.
#[derive(Default)]
struct Told(Vec<Part>);

enum Part {
    Old(Range<usize>),
    New(Range<usize>),
}

impl Told {
    fn copy(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            _ if part.is_empty() => {}
            Some(Part::Old(last)) if last.end == part.start => last.end = part.end,
            _ => self.0.push(Part::Old(part)),
        }
    }

    fn insert(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            _ if part.is_empty() => {}
            Some(Part::New(last)) => last.end = part.end,
            _ => self.0.push(Part::New(part)),
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
        ];
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn following_the_instructions_gives_the_new_text(old in lines(), new in lines()) {
            let (old, new) = (old.as_bytes(), new.as_bytes());
            prop_assert_eq!(apply(old, &difference(old, new)).unwrap(), new);
            prop_assert_eq!(apply(old, &Lines::of(old).difference(new)).unwrap(), new);
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
        let told = Lines::of(one.as_bytes()).difference(other.as_bytes());
        assert!(told.len() < 50, "{}", told.len());
    }
}
