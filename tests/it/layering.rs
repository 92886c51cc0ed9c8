//! Imports run one way, and each foreign part has one user.

use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the crate from the bottom up: each uses only those above it in this list. `operator` and `control`
/// belong to the composition in `lib.rs`.
const ORDER: &[&str] = &[
    "error", "resource", "store", "auth", "sync", "http", "operator", "control", "lib", "service", "cli",
    "main",
];

/// They use nothing of ours but `error`, and everybody may use them.
const LEAVES: &[&str] = &["backoff", "config", "durable", "histogram", "telemetry"];

/// Foreign crates, and the beginnings of the paths that may use them.
const FOREIGN: &[(&str, &[&str])] = &[
    ("axum", &["http/", "lib.rs"]),
    ("tower_http", &["http/", "lib.rs"]),
    ("hyper", &["http/"]),
    ("rust_embed", &["http/page.rs"]),
    ("git2", &["store/journal/"]),
    ("libgit2_sys", &["store/journal/"]),
    ("chacha20poly1305", &["store/seal.rs"]),
    ("prometheus", &["http/metrics"]),
    ("procfs", &["http/metrics"]),
    ("reqwest", &["sync/"]),
    ("jsonwebtoken", &["auth/"]),
    ("sha_crypt", &["auth/"]),
    ("anyhow", &["cli.rs", "service"]),
    ("listenfd", &["service/"]),
    ("sd_notify", &["service/"]),
    ("clap", &["cli.rs"]),
    ("clap_mangen", &["cli.rs"]),
];

struct Source {
    /// Below `src/`.
    path: String,
    /// The part of the crate it belongs to.
    part: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let source = |file: PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let part = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        Source { path, part, code: code(&fs::read_to_string(&file).unwrap()) }
    };
    let is_test = |path: &str| path.split('/').any(|name| matches!(name, "tests" | "tests.rs"));
    files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "rs"))
        .map(source)
        .filter(|source| !is_test(&source.path))
        .collect()
}

/// The program text without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The first names of all paths that begin with `prefix`: `crate::store::…`, and `use crate::{store, auth::…}`.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = |text: &str| text.trim_start().split(|c| !is_word(c)).next().unwrap().to_owned();
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let ends = |c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth < 0
                };
                let group = &group[..group.find(ends).expect("the group ends")];
                let mut depth = 0;
                let items = group.split(|c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                });
                names.extend(items.map(word));
            }
        }
    }
    names
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    let place = |part: &str| ORDER.iter().position(|name| *name == part);
    for source in sources() {
        let is_leaf = LEAVES.contains(&source.part.as_str());
        let Some(own) = place(&source.part).or(is_leaf.then_some(0)) else {
            wrong.push(format!("{}: `{}` has no place in the order of this test", source.path, source.part));
            continue;
        };
        for prefix in ["crate::", "karana::"] {
            for name in names_after(&source.code, prefix) {
                let allowed = match place(&name) {
                    _ if name == source.part => true,
                    // Leaves stand below all but the error.
                    None if LEAVES.contains(&name.as_str()) => !is_leaf && source.part != "error",
                    Some(other) => other < own || (is_leaf && name == "error"),
                    // What lib.rs itself defines, such as `crate::Server`.
                    None => own >= place("lib").unwrap(),
                };
                if !allowed {
                    wrong.push(format!("{}: uses {prefix}{name}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "against the order of the layers:\n{}", wrong.join("\n"));
}

#[test]
fn each_foreign_part_has_one_user() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (foreign, users) in FOREIGN {
            let allowed = users.iter().any(|user| source.path.starts_with(user));
            if !allowed && !names_after(&source.code, &format!("{foreign}::")).is_empty() {
                wrong.push(format!("{}: uses {foreign}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_part_gets_its_own_section_of_the_configuration() {
    for source in sources() {
        if ["error", "resource", "store", "auth", "sync", "http"].contains(&source.part.as_str()) {
            for whole in ["config::Config", "config::Config,", "config::{Config"] {
                let found = source.code.match_indices(whole).any(|(at, _)| {
                    !source.code[at + whole.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
                });
                assert!(!found, "{}: uses the whole configuration", source.path);
            }
        }
    }
}

#[test]
fn the_scan_sees_what_it_looks_for() {
    let code = "use crate::{store::{A, b}, auth};\nfn f() { crate::http::g(); xcrate::no(); }";
    assert_eq!(names_after(code, "crate::"), ["store", "auth", "http"]);
    assert!(sources().len() > 30);
}
