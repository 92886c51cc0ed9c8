//! What commits hold, and what they changed.

use super::object::{Commit, Id, Item, Kind, items};
use super::odb::{Odb, Place, ReadError};
use crate::store::journal::{
    JournalError, Loaded, Look, Looker, Moment, Revision, Stored, StoredVersion, record_path,
};
use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// The branch that holds the tables.
pub const BRANCH: &str = "refs/heads/main";

/// Threads that read records.
const READERS: usize = 2;

/// Something that cannot be read, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {error}")]
pub struct Damage {
    /// The file, or folder, in the tables; or the commit.
    pub path: String,
    /// What is wrong.
    pub error: ReadError,
}

impl Damage {
    fn at(path: &str) -> impl FnOnce(ReadError) -> Self {
        let path = path.to_owned();
        |error| Self { path, error }
    }

    fn nonsense(path: &str, id: Id, reason: String) -> Self {
        let error = ReadError::Damaged { id, file: "its content".into(), reason };
        Self { path: path.to_owned(), error }
    }
}

impl From<Damage> for JournalError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage.to_string())
    }
}

/// What a commit holds: where it belongs, and its id.
#[derive(Default)]
pub struct Listing {
    pub commit: Option<Id>,
    pub documents: Vec<(String, Id)>,
    pub records: Vec<(Arc<str>, Uuid, Id)>,
    /// What does not belong there, with the reason.
    pub strangers: Vec<(String, String)>,
}

/// Reads a commit.
pub fn commit(odb: &mut Odb, id: Id) -> Result<Commit, Damage> {
    let path = format!("commit {id}");
    let content = odb.read(id, Kind::Commit).map_err(Damage::at(&path))?;
    Commit::parse(&content).map_err(|reason| Damage::nonsense(&path, id, reason))
}

fn tree(odb: &mut Odb, id: Id, path: &str) -> Result<Vec<Item>, Damage> {
    let shown = if path.is_empty() { "the top folder" } else { path.trim_end_matches('/') };
    let content = odb.read(id, Kind::Tree).map_err(Damage::at(shown))?;
    items(&content).map_err(|reason| Damage::nonsense(shown, id, reason))
}

/// Lists what a commit holds. Reads its trees, and no file.
pub fn list(odb: &mut Odb, id: Option<Id>) -> Result<Listing, Damage> {
    let mut listing = Listing { commit: id, ..Listing::default() };
    if let Some(id) = id {
        let top = commit(odb, id)?.tree;
        list_tree(odb, top, "", &mut listing)?;
    }
    Ok(listing)
}

fn list_tree(odb: &mut Odb, id: Id, above: &str, listing: &mut Listing) -> Result<(), Damage> {
    for item in tree(odb, id, above)? {
        let path = format!("{above}{}", item.name);
        match item.kind {
            Some(Kind::Tree) => list_tree(odb, item.id, &format!("{path}/"), listing)?,
            Some(_) if above.is_empty() => listing.documents.push((path, item.id)),
            Some(_) => match record_at(&path) {
                Ok((resource, uuid)) => {
                    // One text for all records of a resource.
                    let last = listing.records.last().map(|(last, _, _)| last.clone());
                    let resource = last.filter(|last| **last == *resource).unwrap_or_else(|| resource.into());
                    listing.records.push((resource, uuid, item.id));
                }
                Err(reason) => listing.strangers.push((path, reason.into())),
            },
            None => listing.strangers.push((path, "is neither a file nor a folder".into())),
        }
    }
    Ok(())
}

/// Where a record lies in the packs, and which it is.
type Placed<'a> = (Place, &'a (Arc<str>, Uuid, Id));

/// Reads everything that is listed; what cannot be read, all of it.
pub fn load(odb: &mut Odb, listing: Listing) -> Result<Loaded, Vec<Damage>> {
    let revision = listing.commit.map(|id| Revision(id.to_string()));
    let strangers = listing.strangers;
    let mut loaded = Loaded { revision, records: vec![], documents: vec![], strangers, receipts: vec![] };
    let mut damages = Vec::new();
    for (name, id) in listing.documents {
        match odb.read(id, Kind::Blob) {
            Ok(content) => match str::from_utf8(&content) {
                Ok(text) => loaded.documents.push((name, text.to_owned())),
                Err(_) => loaded.strangers.push((name, "is not UTF-8".into())),
            },
            Err(error) => damages.push(Damage { path: name, error }),
        }
    }
    // In the order in which they lie: what one is told from is then still at hand for the next.
    let mut order: Vec<_> = listing.records.iter().map(|record| (odb.place(record.2), record)).collect();
    order.sort_unstable_by_key(|(place, _)| *place);
    let part = order.len().div_ceil(READERS).max(1);
    let parts: Vec<_> = order.chunks(part).map(|part| (odb.fork(), part)).collect();
    let read = std::thread::scope(|scope| {
        let read_part = |(mut odb, part): (Odb, &[Placed<'_>])| {
            let (mut records, mut damages) = (Vec::with_capacity(part.len()), Vec::new());
            for (place, (resource, uuid, id)) in part {
                match odb.read_at(*place, *id, Kind::Blob) {
                    Ok(content) => {
                        let text = str::from_utf8(&content).ok().map(Into::into);
                        records.push(Stored { resource: resource.clone(), uuid: *uuid, text });
                    }
                    Err(error) => damages.push(Damage { path: record_path(resource, *uuid), error }),
                }
            }
            (records, damages)
        };
        let readers: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || read_part(part))).collect();
        readers.into_iter().map(|reader| reader.join()).collect::<Vec<_>>()
    });
    for part in read {
        let (records, damaged) = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        loaded.records.extend(records);
        damages.extend(damaged);
    }
    damages.sort_by(|one, other| one.path.cmp(&other.path));
    if damages.is_empty() { Ok(loaded) } else { Err(damages) }
}

/// The record that a path belongs to.
pub fn record_at(path: &str) -> Result<(&str, Uuid), &'static str> {
    let parts: Vec<_> = path.split('/').collect();
    let ["tables", resource, _, _, _, name] = parts[..] else { return Err("does not belong here") };
    let uuid = name.strip_suffix(".json").and_then(|name| Uuid::try_parse(name).ok());
    let uuid = uuid.filter(|uuid| record_path(resource, *uuid) == path);
    Ok((resource, uuid.ok_or("is not where a record with this name belongs")?))
}

/// The id of what lies at a path in a commit's tree.
pub fn find_file(odb: &mut Odb, top: Id, path: &str) -> Result<Option<Id>, Damage> {
    let mut folder = top;
    let mut above = String::new();
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let found = tree(odb, folder, &above)?.into_iter().find(|item| item.name == name);
        let wanted = if names.peek().is_some() { Kind::Tree } else { Kind::Blob };
        match found.filter(|item| item.kind == Some(wanted)) {
            Some(item) if wanted == Kind::Blob => return Ok(Some(item.id)),
            Some(item) => folder = item.id,
            None => return Ok(None),
        }
        above.push_str(name);
        above.push('/');
    }
    Ok(None)
}

/// What happened to a file: its path, and its content's id; none when it was removed.
pub type Changed = (String, Option<Id>);

/// The files that differ between two trees.
pub fn difference(odb: &mut Odb, before: Option<Id>, after: Option<Id>) -> Result<Vec<Changed>, Damage> {
    let mut changed = Vec::new();
    differ(odb, before, after, "", &mut changed)?;
    Ok(changed)
}

fn differ(
    odb: &mut Odb,
    before: Option<Id>,
    after: Option<Id>,
    above: &str,
    changed: &mut Vec<Changed>,
) -> Result<(), Damage> {
    if before == after {
        return Ok(());
    }
    let mut read = |id: Option<Id>| id.map_or(Ok(vec![]), |id| tree(odb, id, above));
    let (before, after) = (read(before)?, read(after)?);
    let folder = |item: &Item| (item.kind == Some(Kind::Tree)).then_some(item.id);
    let file = |item: &Item| (item.kind == Some(Kind::Blob)).then_some(item.id);
    // Both are in git's order, and nearly equal: what both hold at the same place from either end is passed over.
    let start = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    let mut names: Vec<&str> = before.iter().chain(after).map(|item| item.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let at = |items: &[Item]| items.iter().find(|item| item.name == name).cloned();
        let (old, new) = (at(before), at(after));
        if old == new {
            continue;
        }
        let path = format!("{above}{name}");
        let (was, is) = (old.as_ref().and_then(folder), new.as_ref().and_then(folder));
        if was != is {
            differ(odb, was, is, &format!("{path}/"), changed)?;
        }
        let (was, is) = (old.as_ref().and_then(file), new.as_ref().and_then(file));
        if was != is {
            changed.push((path, is));
        }
    }
    Ok(())
}

/// A commit, and what it changed since its first parent.
pub struct Step {
    pub id: Id,
    pub commit: Commit,
    pub changed: Vec<Changed>,
}

/// The history of a branch as a sequence of changes: a commit, its first parent, and so on.
pub struct Walk<'a> {
    pub odb: &'a mut Odb,
    next: Option<(Id, Commit)>,
}

impl<'a> Walk<'a> {
    pub fn from(odb: &'a mut Odb, newest: Id) -> Result<Self, Damage> {
        let next = Some((newest, commit(odb, newest)?));
        Ok(Self { odb, next })
    }

    /// The next commit; none after the first one of all.
    pub fn step(&mut self) -> Result<Option<Step>, Damage> {
        let Some((id, commit)) = self.next.take() else { return Ok(None) };
        let parent = match commit.parents.first() {
            Some(parent) => Some((*parent, self::commit(self.odb, *parent)?)),
            None => None,
        };
        let before = parent.as_ref().map(|(_, parent)| parent.tree);
        let changed = difference(self.odb, before, Some(commit.tree))
            .map_err(|damage| Damage { path: format!("{} up to commit {id}", damage.path), ..damage })?;
        self.next = parent;
        Ok(Some(Step { id, commit, changed }))
    }
}

/// Whether `older` is `newer` or one of the commits before it. What cannot be read leads nowhere: it is met, and named,
/// when it is needed.
pub fn follows(odb: &mut Odb, newer: Id, older: Id) -> bool {
    let mut seen = HashSet::new();
    let mut next = vec![newer];
    while let Some(id) = next.pop() {
        if id == older {
            return true;
        }
        if seen.insert(id) {
            next.extend(commit(odb, id).map(|commit| commit.parents).unwrap_or_default());
        }
    }
    false
}

/// How many commits there are from `newest` back to `base`, without that, or to the first one.
pub fn distance(odb: &mut Odb, newest: Id, base: Option<Id>) -> Result<usize, Damage> {
    let (mut count, mut next) = (0, Some(newest));
    while let Some(id) = next.filter(|id| Some(*id) != base) {
        next = commit(odb, id)?.parents.first().copied();
        count += 1;
    }
    Ok(count)
}

/// The commit of that moment, on the way to `newest`.
pub fn find(odb: &mut Odb, newest: Option<Id>, moment: &Moment) -> Result<Id, JournalError> {
    let unknown = || JournalError::NoSuchRevision(moment.clone());
    match moment {
        Moment::Time(time) => {
            let mut next = newest;
            while let Some(id) = next {
                let commit = commit(odb, id)?;
                if commit.time <= *time {
                    return Ok(id);
                }
                next = commit.parents.first().copied();
            }
            Err(unknown())
        }
        Moment::Revision(digits) => {
            // Not every name that git understands: a revision is what we have given out.
            if !(4..=40).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(unknown());
            }
            let digits = digits.to_ascii_lowercase();
            let found = match Id::from_str(&digits) {
                Ok(id) => vec![id],
                Err(()) => odb.beginning_with(&digits),
            };
            let commits: Vec<_> = found.into_iter().filter(|id| commit(odb, *id).is_ok()).collect();
            match commits[..] {
                [id] => Ok(id),
                _ => Err(unknown()),
            }
        }
    }
}

/// The file at a path, as it was at a commit.
pub fn file(odb: &mut Odb, id: Id, path: &str) -> Result<Option<String>, Damage> {
    let top = commit(odb, id)?.tree;
    let blob = find_file(odb, top, path)?;
    blob.map(|blob| text(odb, blob, path)).transpose()
}

/// The version of a file that a commit made: the one with this content, or none.
pub fn version(odb: &mut Odb, id: Id, blob: Option<Id>, path: &str) -> Result<StoredVersion, Damage> {
    let text = blob.map(|blob| text(odb, blob, path)).transpose()?;
    Ok(StoredVersion { text, ..head(id, &commit(odb, id)?) })
}

/// What a commit says of itself.
fn head(id: Id, commit: &Commit) -> StoredVersion {
    StoredVersion {
        revision: Revision(id.to_string()),
        time: commit.time,
        author: commit.author.clone(),
        actor: commit.trailer("Actor").unwrap_or_default().to_owned(),
        summary: commit.summary().to_owned(),
        request_id: commit.trailer("Request-Id").map(str::to_owned),
        text: None,
    }
}

/// Goes back from `newest`, which is the first one, until `each` has had enough.
pub fn look_back(odb: &mut Odb, newest: Option<Id>, each: &mut Looker<'_>) -> Result<(), JournalError> {
    let mut next = newest;
    while let Some(id) = next {
        let commit = commit(odb, id)?;
        next = commit.parents.first().copied();
        let version = head(id, &commit);
        if each(&mut Seen { odb, version, commit, trees: None })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// A commit that is looked at.
struct Seen<'a> {
    odb: &'a mut Odb,
    version: StoredVersion,
    commit: Commit,
    /// The tree before it, once it is asked for.
    trees: Option<Option<Id>>,
}

impl Seen<'_> {
    fn before(&mut self) -> Result<Option<Id>, Damage> {
        if let Some(before) = self.trees {
            return Ok(before);
        }
        let parent = self.commit.parents.first().copied();
        let before = parent.map(|parent| commit(self.odb, parent).map(|commit| commit.tree)).transpose()?;
        Ok(*self.trees.insert(before))
    }
}

impl Look for Seen<'_> {
    fn version(&self) -> &StoredVersion {
        &self.version
    }

    fn records(&mut self) -> Result<Vec<(String, Uuid)>, JournalError> {
        let before = self.before()?;
        let changed = difference(self.odb, before, Some(self.commit.tree))?;
        let records = changed.iter().filter_map(|(path, _)| record_at(path).ok());
        Ok(records.map(|(resource, uuid)| (resource.to_owned(), uuid)).collect())
    }

    fn texts(&mut self, resource: &str, uuid: Uuid) -> Result<[Option<String>; 2], JournalError> {
        let path = record_path(resource, uuid);
        let before = self.before()?;
        let mut texts = [None, None];
        for (place, tree) in texts.iter_mut().zip([before, Some(self.commit.tree)]) {
            let Some(tree) = tree else { continue };
            if let Some(blob) = find_file(self.odb, tree, &path)? {
                *place = Some(text(self.odb, blob, &path)?);
            }
        }
        Ok(texts)
    }
}

fn text(odb: &mut Odb, blob: Id, path: &str) -> Result<String, Damage> {
    let content = odb.read(blob, Kind::Blob).map_err(Damage::at(path))?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}
