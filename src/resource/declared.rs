//! Resources that an operator declares: `<name>.toml` in a folder, in the terms of a [`Definition`].
//!
//! From here on there is no difference to built-in ones. All that is wrong is named, with the file, the key and the rule.

mod file;
mod fit;
mod keywords;
mod rules;

use super::Definition;
use crate::config::RESERVED_NAMES;
use crate::error::Finding;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Declared resources at most.
const MOST: usize = 64;

/// Bytes of a file at most.
const LONGEST: u64 = 256 << 10;

/// The keys of a definition.
const KEYS: [&str; 11] = [
    "name",
    "entry_create_schema",
    "entry_import_schema",
    "unique_schema_fields",
    "unique_within",
    "credentials_login_field",
    "references",
    "belongs_through",
    "secret_fields",
    "generated_secrets",
    "dropped_fields",
];

/// Something that is wrong with a declared resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file it stands in, or the folder.
    pub file: PathBuf,
    /// The key, with a JSON pointer into a schema, and the rule.
    pub finding: Finding,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.finding)
    }
}

/// A file that has been read: its name, and the definition in it unless something is wrong.
struct Declared {
    file: PathBuf,
    name: String,
    definition: Option<Definition>,
}

/// The definitions in a folder, in the order of their names; none when there is no such folder. `built_in`: those of the
/// program; `enabled`: those of them that are in force, which the declared ones may refer to.
pub fn read(
    dir: &Path,
    built_in: &[Definition],
    enabled: &[Definition],
) -> Result<Vec<Definition>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for file in files(dir)? {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let parsed = name_of(&name, built_in).map_err(|finding| vec![finding]).and_then(|()| {
            let text = text_of(&file).map_err(|rule| vec![Finding::new("", "readable", rule)])?;
            file::parse(dir, &name, &text)
        });
        let definition = parsed.map_err(|findings| {
            problems.extend(findings.into_iter().map(|finding| Problem { file: file.clone(), finding }));
        });
        all.push(Declared { file, name, definition: definition.ok() });
    }
    problems.extend(fit::together(&all, built_in, enabled));
    if problems.is_empty() {
        Ok(all.into_iter().filter_map(|one| one.definition).collect())
    } else {
        Err(problems)
    }
}

/// The files that count, sorted.
fn files(dir: &Path) -> Result<Vec<PathBuf>, Vec<Problem>> {
    let refused = |code: &str, rule: String| {
        vec![Problem { file: dir.to_owned(), finding: Finding::new("[resources] dir", code, rule) }]
    };
    let unreadable = |e: io::Error| refused("readable", format!("cannot be read: {e}"));
    let listed = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        listed => listed.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for file in listed {
        let path = file.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    if files.len() > MOST {
        return Err(refused("size", format!("must hold at most {MOST} definitions")));
    }
    files.sort();
    Ok(files)
}

fn text_of(file: &Path) -> Result<String, String> {
    let unreadable = |e: io::Error| format!("cannot be read: {e}");
    let mut text = String::new();
    // A pipe would be waited for.
    if !std::fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err("must be a file".into());
    }
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        Err(format!("must have at most {} KiB", LONGEST >> 10))
    } else {
        Ok(text)
    }
}

/// Whether a resource may have this name.
fn name_of(name: &str, built_in: &[Definition]) -> Result<(), Finding> {
    let refused = |code: &str, rule: &str| Err(Finding::new("name", code, rule));
    let may_follow = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !is_name(name, |c| c.is_ascii_lowercase(), may_follow) {
        return refused(
            "format",
            "must be a lower-case letter, then such letters, digits, `_` and `-`, at most 64 (the file is called after it)",
        );
    }
    if RESERVED_NAMES.contains(&name) {
        return refused("reserved", "is taken by a route of the API");
    }
    if is_everywhere(name) {
        return refused("reserved", EVERYWHERE);
    }
    if built_in.iter().any(|definition| definition.name == name) {
        return refused("built_in", "is that of a built-in resource, which cannot be declared anew");
    }
    Ok(())
}

/// What every object has in JavaScript: who looks for a field of such a name, as the web page and clients of others do, finds
/// something where there is none.
fn is_everywhere(name: &str) -> bool {
    const MEMBERS: [&str; 12] = [
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    ];
    MEMBERS.contains(&name)
}

/// What is said of such a name.
const EVERYWHERE: &str =
    "is what every object has in JavaScript, where nobody could tell the two apart: choose another name";

fn is_name(name: &str, first: impl Fn(char) -> bool, others: impl Fn(char) -> bool) -> bool {
    name.len() <= 64 && name.starts_with(first) && name.chars().all(others)
}

#[cfg(test)]
mod tests;
