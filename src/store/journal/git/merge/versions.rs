//! Which tree in a pack is a version of another one.
//!
//! A pack that is written in a moment holds each tree on a changed path once as a whole, and most of what packs take is
//! that. Where packs become one, it is told from the version before: the tree that holds most of the same children.

use super::super::object::{Id, Kind, id_of, items};
use super::super::odb::{apply, inflate};
use super::super::pack::difference::{Parts, item};
use super::super::pack::difference_entry;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use std::collections::HashMap;
use std::sync::Arc;

/// A longer chain of differences costs readers more than it saves; behind it there may be one of the pack it came from.
const DEEPEST: usize = 12;

/// Trees that are kept to tell others from, in bytes.
const KEPT: usize = 32 << 20;

/// The whole trees of a pack that is being written.
pub struct Versions {
    /// By children that few other trees hold.
    by_child: HashMap<Id, Arc<Version>>,
    kept: usize,
    deflate: Compressor,
    inflate: Decompressor,
}

struct Version {
    place: usize,
    depth: usize,
    content: Vec<u8>,
}

impl Versions {
    pub fn new() -> Self {
        let (deflate, inflate) = (Compressor::new(CompressionLvl::fastest()), Decompressor::new());
        Self { by_child: HashMap::new(), kept: 0, deflate, inflate }
    }

    /// The entry of a whole tree that is to be written at `place`: told from a version of it, where that is shorter.
    /// `deflated` is what follows the header of the `entry`. None: as it is.
    pub fn retell(
        &mut self,
        id: Id,
        length: usize,
        entry: &[u8],
        deflated: &[u8],
        place: usize,
    ) -> Option<Vec<u8>> {
        let content = inflate(&mut self.inflate, deflated, length).ok()?;
        // What is damaged is copied as it is, for whoever comes to mend it.
        let items = items(&content).ok().filter(|_| id_of(Kind::Tree, &content) == id)?;
        // The smallest ones: most likely the same ones for two versions.
        let mut children: Vec<Id> = items.into_iter().map(|item| item.id).collect();
        children.sort_unstable();
        children.truncate(3);
        let before = children.iter().find_map(|child| self.by_child.get(child)).cloned();
        let told = before.filter(|before| before.depth < DEEPEST).and_then(|before| {
            let difference = Parts::of(&before.content, item).difference(&content);
            let is_right = apply(&before.content, &difference).is_ok_and(|made| made == content);
            let mut told = Vec::new();
            difference_entry(&mut self.deflate, place - before.place, &difference, &mut told);
            (is_right && told.len() < entry.len()).then_some((told, before.depth + 1))
        });
        let (told, depth) = told.map_or((None, 0), |(told, depth)| (Some(told), depth));
        self.kept += content.len();
        if self.kept > KEPT {
            self.by_child.clear();
            self.kept = content.len();
        }
        let version = Arc::new(Version { place, depth, content });
        self.by_child.extend(children.into_iter().map(|child| (child, version.clone())));
        told
    }
}
