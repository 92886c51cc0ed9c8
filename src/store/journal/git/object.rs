//! Git objects: their ids and their content (gitformat-pack(5), git-hash-object(1)).

use chrono::{DateTime, Utc};
use sha1::{Digest, Sha1};
use std::fmt;
use std::sync::Arc;

/// The id of an object: the SHA-1 of its header and content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 20]);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<git2::Oid> for Id {
    fn from(oid: git2::Oid) -> Self {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&oid.as_bytes()[..20]);
        Self(bytes)
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
        let mut hash = Sha1::new();
        hash.update(format!("{} {}\0", kind.name(), content.len()));
        hash.update(&content);
        Self { id: Id(hash.finalize().into()), kind, content, before }
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
