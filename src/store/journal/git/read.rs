//! Reading the repository, with libgit2.

use super::object::Id;
use crate::store::journal::{JournalError, Loaded, Revision, Stored, Version, failed};
use chrono::DateTime;
use git2::{Commit, ObjectType, Oid, Repository, Tree};
use std::path::Path;
use uuid::Uuid;

/// The branch that holds the tables.
pub const BRANCH: &str = "refs/heads/main";

/// The ids of what a commit holds, beside its content.
#[derive(Default)]
pub struct Ids {
    pub documents: Vec<(String, Id)>,
    pub records: Vec<(String, Uuid, Id)>,
}

/// The path of a record in the tree.
pub fn record_path(resource: &str, uuid: Uuid) -> String {
    let name = uuid.hyphenated().to_string();
    let [a, b, c] = [0, 1, 2].map(|i| &name[i..=i]);
    format!("tables/{resource}/{a}/{b}/{c}/{name}.json")
}

/// The commit that the branch names, if there is one.
pub fn head(repository: &Repository) -> Result<Option<Oid>, JournalError> {
    match repository.refname_to_id(BRANCH) {
        Ok(id) => Ok(Some(id)),
        Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(e) => Err(failed("reading the branch")(e)),
    }
}

/// Everything that a commit holds.
pub fn load(repository: &Repository, commit: Option<Oid>) -> Result<(Loaded, Ids), JournalError> {
    let mut loaded = Loaded { revision: None, records: vec![], documents: vec![], strangers: vec![] };
    let mut ids = Ids::default();
    if let Some(id) = commit {
        loaded.revision = Some(Revision(id.to_string()));
        let tree = repository
            .find_commit(id)
            .and_then(|commit| commit.tree())
            .map_err(failed(&format!("reading commit {id}")))?;
        read_tree(repository, &tree, "", &mut loaded, &mut ids)?;
    }
    Ok((loaded, ids))
}

fn read_tree(
    repository: &Repository,
    tree: &Tree<'_>,
    above: &str,
    loaded: &mut Loaded,
    ids: &mut Ids,
) -> Result<(), JournalError> {
    for item in tree {
        let path = format!("{above}{}", String::from_utf8_lossy(item.name_bytes()));
        let reading = |e| failed(&format!("reading {path} ({})", item.id()))(e);
        match item.kind() {
            Some(ObjectType::Tree) => {
                let inner = repository.find_tree(item.id()).map_err(reading)?;
                read_tree(repository, &inner, &format!("{path}/"), loaded, ids)?;
            }
            Some(ObjectType::Blob) => {
                let blob = repository.find_blob(item.id()).map_err(reading)?;
                let text = String::from_utf8(blob.content().to_vec()).ok();
                sort_in(path, text, item.id().into(), loaded, ids);
            }
            _ => loaded.strangers.push((path, "is neither a file nor a folder".into())),
        }
    }
    Ok(())
}

fn sort_in(path: String, text: Option<String>, id: Id, loaded: &mut Loaded, ids: &mut Ids) {
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        [_] => match text {
            Some(text) => {
                ids.documents.push((path.clone(), id));
                loaded.documents.push((path, text));
            }
            None => loaded.strangers.push((path, "is not UTF-8".into())),
        },
        ["tables", resource, _, _, _, name] => {
            let uuid = name.strip_suffix(".json").and_then(|name| Uuid::try_parse(name).ok());
            match uuid.filter(|uuid| record_path(resource, *uuid) == path) {
                Some(uuid) => {
                    let resource = resource.to_owned();
                    ids.records.push((resource.clone(), uuid, id));
                    loaded.records.push(Stored { path, resource, uuid, text });
                }
                None => loaded.strangers.push((path, "is not where a record with this name belongs".into())),
            }
        }
        _ => loaded.strangers.push((path, "does not belong here".into())),
    }
}

/// The commit that a revision, or an abbreviation of one, names.
pub fn find(repository: &Repository, revision: &str) -> Result<Oid, JournalError> {
    let unknown = || JournalError::NoSuchRevision(revision.to_owned());
    // Not every name that git understands: a revision is what we have given out.
    if revision.len() < 4 || !revision.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let object = repository.revparse_single(revision).map_err(|_| unknown())?;
    object.peel_to_commit().map(|commit| commit.id()).map_err(|_| unknown())
}

/// All commits that changed the file at `path`, the newest first.
pub fn history(repository: &Repository, path: &str) -> Result<Vec<Version>, git2::Error> {
    let blob_at =
        |commit: &Commit<'_>| commit.tree().ok()?.get_path(Path::new(path)).ok().map(|item| item.id());
    let mut versions = Vec::new();
    let mut walk = repository.revwalk()?;
    walk.push_ref(BRANCH)?;
    for id in walk {
        let commit = repository.find_commit(id?)?;
        let (now, before) = (blob_at(&commit), commit.parent(0).ok().and_then(|parent| blob_at(&parent)));
        if now == before {
            continue;
        }
        let text = now.map(|id| repository.find_blob(id)).transpose()?;
        versions.push(Version {
            revision: Revision(commit.id().to_string()),
            time: DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default(),
            author: commit.author().to_string(),
            summary: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
            text: text.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()),
        });
    }
    Ok(versions)
}
