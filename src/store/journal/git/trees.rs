//! The tree of a commit, kept in memory: a mutation rewrites one path, and nothing is ever read back.
//!
//! Documents at the top, `tables/<resource>/<a>/<b>/<c>/<uuid>.json` below: three levels by the uuid's first three
//! hexadecimal digits, so that the trees on a path stay small at any number of records.

use super::object::{Id, Kind, Object};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Levels of folders between a resource's and its records'.
const LEVELS: usize = 3;

/// All trees at one commit.
#[derive(Debug, Default)]
pub struct Trees {
    root: Option<Id>,
    documents: BTreeMap<String, Id>,
    tables: Option<Id>,
    resources: BTreeMap<String, Folder>,
}

/// A folder of a resource: its id, once written, and what it holds.
#[derive(Debug, Default)]
struct Folder {
    id: Option<Id>,
    changed: bool,
    holds: Holds,
}

#[derive(Debug)]
enum Holds {
    /// Folders by their digit.
    Folders(Box<[Option<Box<Folder>>; 16]>),
    /// Records, ordered by uuid.
    Records(Vec<(Uuid, Id)>),
}

impl Default for Holds {
    fn default() -> Self {
        Self::Folders(Box::default())
    }
}

impl Trees {
    /// Takes over what a commit already holds; nothing is written for it.
    pub fn load(
        documents: impl IntoIterator<Item = (String, Id)>,
        records: impl IntoIterator<Item = (impl AsRef<str>, Uuid, Id)>,
    ) -> Self {
        let mut trees = Self { documents: documents.into_iter().collect(), ..Self::default() };
        for (resource, uuid, blob) in records {
            trees.put_record(resource.as_ref(), uuid, Some(blob));
        }
        // Ids are a matter of content: computed here, they are those of the trees that are there.
        trees.write(&mut Vec::new());
        trees
    }

    /// The id of a record's blob.
    pub fn record(&self, resource: &str, uuid: Uuid) -> Option<Id> {
        self.resources.get(resource)?.get(uuid, 0)
    }

    /// Sets a record, or removes it.
    pub fn put_record(&mut self, resource: &str, uuid: Uuid, blob: Option<Id>) {
        match self.resources.get_mut(resource) {
            Some(folder) => folder.put(uuid, 0, blob),
            None if blob.is_none() => {}
            None => self.resources.entry(resource.to_owned()).or_default().put(uuid, 0, blob),
        }
    }

    /// The id of a document's blob.
    pub fn document(&self, name: &str) -> Option<Id> {
        self.documents.get(name).copied()
    }

    /// Sets a document.
    pub fn put_document(&mut self, name: &str, blob: Id) {
        self.documents.insert(name.to_owned(), blob);
    }

    /// Appends the trees that have changed since the last time to `objects`; answers with the root.
    pub fn write(&mut self, objects: &mut Vec<Object>) -> Id {
        let mut items = Vec::with_capacity(self.resources.len());
        self.resources.retain(|_, folder| !folder.is_empty());
        for (name, folder) in &mut self.resources {
            items.push(Item { name: name.clone(), folder: true, id: folder.write(objects) });
        }
        let tables = (!items.is_empty()).then(|| write_tree(items, &mut self.tables, objects));
        if tables.is_none() {
            self.tables = None;
        }
        let documents =
            self.documents.iter().map(|(name, id)| Item { name: name.clone(), folder: false, id: *id });
        let tables = tables.map(|id| Item { name: "tables".into(), folder: true, id });
        write_tree(documents.chain(tables).collect(), &mut self.root, objects)
    }
}

impl Folder {
    fn leaf() -> Self {
        Self { holds: Holds::Records(Vec::new()), ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        match &self.holds {
            Holds::Folders(folders) => folders.iter().all(Option::is_none),
            Holds::Records(records) => records.is_empty(),
        }
    }

    fn get(&self, uuid: Uuid, level: usize) -> Option<Id> {
        match &self.holds {
            Holds::Folders(folders) => folders[digit(uuid, level)].as_ref()?.get(uuid, level + 1),
            Holds::Records(records) => {
                records.binary_search_by_key(&uuid, |(uuid, _)| *uuid).ok().map(|i| records[i].1)
            }
        }
    }

    fn put(&mut self, uuid: Uuid, level: usize, blob: Option<Id>) {
        match &mut self.holds {
            Holds::Folders(folders) => {
                let place = &mut folders[digit(uuid, level)];
                if blob.is_none() && place.is_none() {
                    return;
                }
                let below = place.get_or_insert_with(|| {
                    Box::new(if level + 1 == LEVELS { Self::leaf() } else { Self::default() })
                });
                below.put(uuid, level + 1, blob);
                // Git knows no empty folders.
                if below.is_empty() {
                    *place = None;
                }
            }
            Holds::Records(records) => match (records.binary_search_by_key(&uuid, |(uuid, _)| *uuid), blob) {
                (Ok(at), Some(blob)) => records[at].1 = blob,
                (Ok(at), None) => {
                    records.remove(at);
                }
                (Err(at), Some(blob)) => records.insert(at, (uuid, blob)),
                (Err(_), None) => return,
            },
        }
        self.changed = true;
    }

    fn write(&mut self, objects: &mut Vec<Object>) -> Id {
        if let (Some(id), false) = (self.id, self.changed) {
            return id;
        }
        self.changed = false;
        let items = match &mut self.holds {
            Holds::Folders(folders) => folders
                .iter_mut()
                .zip("0123456789abcdef".chars())
                .filter_map(|(folder, digit)| {
                    Some(Item { name: digit.into(), folder: true, id: folder.as_mut()?.write(objects) })
                })
                .collect(),
            Holds::Records(records) => records
                .iter()
                .map(|(uuid, id)| Item {
                    name: format!("{}.json", uuid.hyphenated()),
                    folder: false,
                    id: *id,
                })
                .collect(),
        };
        write_tree(items, &mut self.id, objects)
    }
}

struct Item {
    name: String,
    folder: bool,
    id: Id,
}

/// Appends the tree with these items to `objects` unless `id` says it is there; notes its id.
fn write_tree(mut items: Vec<Item>, id: &mut Option<Id>, objects: &mut Vec<Object>) -> Id {
    // Git's order: folders as if their names ended in a slash.
    items.sort_by(|one, other| key(one).cmp(key(other)));
    let mut content = Vec::with_capacity(items.len() * 72);
    for item in &items {
        content.extend_from_slice(if item.folder { b"40000 " } else { b"100644 " });
        content.extend_from_slice(item.name.as_bytes());
        content.push(0);
        content.extend_from_slice(&item.id.0);
    }
    let tree = Object::new(Kind::Tree, content, *id);
    let new = tree.id;
    if id.replace(new) != Some(new) {
        objects.push(tree);
    }
    new
}

fn key(item: &Item) -> impl Iterator<Item = u8> {
    item.name.bytes().chain(item.folder.then_some(b'/'))
}

fn digit(uuid: Uuid, level: usize) -> usize {
    let byte = uuid.as_bytes()[level / 2];
    usize::from(if level.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
}
