//! Git objects: their ids and their content (gitformat-pack(5), git-hash-object(1)).

use chrono::{DateTime, Utc};
use sha1::{Digest, Sha1};
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

/// The id of an object: the SHA-1 of its header and content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 20]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(DIGITS[usize::from(digit)])).try_for_each(|digit| f.write_char(digit))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(digits: &str) -> Result<Self, ()> {
        let digits: &[u8; 40] = digits.as_bytes().try_into().map_err(|_| ())?;
        let mut id = [0; 20];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8).ok_or(());
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Self(id))
    }
}

/// What an object is; the numbers are those of a pack's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
        }
    }

    /// The kind with that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob].into_iter().find(|kind| kind.name() == name)
    }

    /// The kind with that number.
    pub fn numbered(number: u8) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// The id of an object.
pub fn id_of(kind: Kind, content: &[u8]) -> Id {
    let mut hash = Sha1::new();
    hash.update(format!("{} {}\0", kind.name(), content.len()));
    hash.update(content);
    Id(hash.finalize().into())
}

/// An object, ready to be packed.
#[derive(Debug, Clone)]
pub struct Object {
    pub id: Id,
    pub kind: Kind,
    pub content: Arc<[u8]>,
    /// The version it follows: the same tree or record before. Told as a difference where both share a pack.
    pub before: Option<Id>,
}

impl Object {
    pub fn new(kind: Kind, content: impl Into<Arc<[u8]>>, before: Option<Id>) -> Self {
        let content = content.into();
        Self { id: id_of(kind, &content), kind, content, before }
    }

    /// A commit. Who writes it and who wrote what it holds are one here.
    pub fn commit(tree: Id, parent: Option<Id>, signature: &str, time: DateTime<Utc>, message: &str) -> Self {
        let mut text = format!("tree {tree}\n");
        if let Some(parent) = parent {
            text.push_str(&format!("parent {parent}\n"));
        }
        let at = time.timestamp();
        text.push_str(&format!(
            "author {signature} {at} +0000\ncommitter {signature} {at} +0000\n\n{message}"
        ));
        Self::new(Kind::Commit, text.into_bytes(), None)
    }
}

/// What stands in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub id: Id,
    /// A folder or a file; none for what is neither, such as a link.
    pub kind: Option<Kind>,
}

/// The items of a tree, in its order.
pub fn items(mut tree: &[u8]) -> Result<Vec<Item>, String> {
    let mut items = Vec::with_capacity(tree.len() / 32);
    while !tree.is_empty() {
        let end = tree.iter().position(|byte| *byte == 0).ok_or("an item of a tree has no end")?;
        let (head, rest) = (&tree[..end], &tree[end + 1..]);
        let space = head.iter().position(|byte| *byte == b' ').ok_or("an item of a tree has no name")?;
        let kind = match &head[..space] {
            b"40000" => Some(Kind::Tree),
            b"100644" | b"100755" | b"100664" => Some(Kind::Blob),
            _ => None,
        };
        let (id, rest) = rest.split_first_chunk().ok_or("an item of a tree has no id")?;
        items.push(Item {
            name: String::from_utf8_lossy(&head[space + 1..]).into_owned(),
            id: Id(*id),
            kind,
        });
        tree = rest;
    }
    Ok(items)
}

/// A commit, as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub tree: Id,
    pub parents: Vec<Id>,
    /// `Name <address>`
    pub author: String,
    pub time: DateTime<Utc>,
    pub message: String,
}

impl Commit {
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(content);
        let (head, message) = text.split_once("\n\n").ok_or("a commit has no message")?;
        let mut tree = None;
        let mut parents = Vec::new();
        let (mut author, mut time) = (String::new(), DateTime::UNIX_EPOCH);
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("tree", id)) => tree = id.parse().ok(),
                Some(("parent", id)) => parents.push(id.parse().map_err(|()| "a parent has no id")?),
                Some(("author", who)) => {
                    // Name <address> seconds zone
                    let mut parts = who.rsplitn(3, ' ');
                    let seconds = parts.nth(1).and_then(|seconds| seconds.parse().ok());
                    time = seconds.and_then(|at| DateTime::from_timestamp(at, 0)).unwrap_or(time);
                    author = parts.next().unwrap_or_default().to_owned();
                }
                _ => {}
            }
        }
        Ok(Self {
            tree: tree.ok_or("a commit has no tree")?,
            parents,
            author,
            time,
            message: message.to_owned(),
        })
    }

    /// The first line of its message.
    pub fn summary(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// What a line `<name>: …` at the end of its message says.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let lines = self.message.lines().rev().take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        // git hash-object -t blob /dev/null; git mktree < /dev/null
        assert_eq!(
            Object::new(Kind::Blob, *b"", None).id.to_string(),
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
        );
        assert_eq!(
            Object::new(Kind::Tree, *b"", None).id.to_string(),
            "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        );
    }
}
