//! Every file of a storage, damaged in turn: the server has exactly what was answered, or says what is damaged and ends.
//!
//! Never fewer records, never other ones, no panic, and no waiting for ever.
//!
//! One loss cannot be told from what is no damage at all: the last record of a log from which a server was killed. Cut off
//! or changed, it looks like a record that a power cut left half written, and that was never answered. It may be missing,
//! it alone, and only where the log's own files are damaged.

use crate::support::oracle::karanas;
use crate::support::{Dice, Ended, Home, git, record, times};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A storage as small as these is read in a moment.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

const SEED: u64 = 1;

type Names = BTreeMap<String, String>;

/// A storage to damage copies of.
struct Sample {
    title: &'static str,
    home: Home,
    answered: Names,
    /// The record that was created last, when it may be in the log alone.
    last: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Shortened { to: u64 },
    Flipped { byte: u64, bit: u8 },
}

impl Damage {
    fn inflict(self, path: &Path) {
        let mut content = fs::read(path).unwrap();
        match self {
            Self::Shortened { to } => content.truncate(to as usize),
            Self::Flipped { byte, bit } => content[byte as usize] ^= 1 << bit,
        }
        // Git makes its packs and objects read-only, which does not keep a disk from damaging them.
        fs::remove_file(path).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// One file, damaged in one way.
struct Case<'a> {
    sample: &'a Sample,
    file: PathBuf,
    damage: Damage,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {:?}", self.sample.title, self.file.display(), self.damage)
    }
}

async fn create(session: &crate::support::Session, n: usize, names: &mut Names) -> String {
    let name = format!("K{n}");
    let uuid = session.create("karanas", &json!({"name": name, "owner": null, "config": {}})).await;
    names.insert(uuid.clone(), name);
    uuid
}

fn packs(home: &Home) -> usize {
    let files = fs::read_dir(home.path("storage/tables.git/objects/pack")).unwrap();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "pack"))
        .count()
}

/// A few hundred commits, most of them in one pack that was merged of many, some in small ones behind it.
async fn stopped() -> Sample {
    let home = Home::new("");
    let server = home.serve();
    let admin = server.admin().await;
    let mut answered = Names::new();
    let begin = Instant::now();
    let mut before = 0;
    // Each is a pack of its own, until they are merged.
    while packs(&home) >= before || answered.len() < 200 {
        before = packs(&home);
        create(&admin, answered.len(), &mut answered).await;
        assert!(begin.elapsed() < Duration::from_secs(60), "packs are not merged");
    }
    for _ in 0..5 {
        create(&admin, answered.len(), &mut answered).await;
        home.git(&["rev-parse", "main"]);
    }
    assert_eq!(server.stop().code, Some(0));
    Sample { title: "stopped", home, answered, last: None }
}

fn copy(from: &Home) -> Home {
    let to = Home::new("");
    let copied =
        Command::new("cp").args(["-a", "--reflink=auto"]).args([from.storage(), to.storage()]).status();
    assert!(copied.unwrap().success());
    to
}

/// The same, gone on from, and killed before the repository was synced: the log counts.
async fn killed(stopped: &Sample) -> Sample {
    let home = copy(&stopped.home);
    let server = home.serve();
    let admin = server.admin().await;
    let mut answered = stopped.answered.clone();
    let mut last = None;
    for _ in 0..20 {
        last = Some(create(&admin, answered.len(), &mut answered).await);
    }
    server.kill();
    let checkpoint: Value =
        serde_json::from_slice(&fs::read(home.path("storage/wal/checkpoint")).unwrap()).unwrap();
    let branch = fs::read_to_string(home.path("storage/tables.git/refs/heads/main")).unwrap();
    assert_ne!(checkpoint["commit"], branch.trim(), "nothing is left to the log");
    Sample { title: "killed", home, answered, last }
}

/// The same, in the hands of somebody with git: changes pushed as loose objects, before and after a collection, which makes
/// a pack of git's own, and the branch among the packed references.
fn with_git(stopped: &Sample) -> Sample {
    let home = copy(&stopped.home);
    let mut answered = stopped.answered.clone();
    let uuids: Vec<String> = answered.keys().step_by(40).cloned().collect();
    let mut push = |uuids: &[String], name: &str| {
        home.tamper(|clone| {
            for uuid in uuids {
                let path = clone.join(record("karanas", uuid));
                let mut entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                entry["name"] = format!("{name} {uuid}").into();
                fs::write(path, serde_json::to_string_pretty(&entry).unwrap() + "\n").unwrap();
                answered.insert(uuid.clone(), format!("{name} {uuid}"));
            }
        });
    };
    let (early, late) = uuids.split_at(uuids.len() / 2);
    push(early, "early");
    git(&home.path("storage/tables.git"), &["gc", "-q"]);
    push(late, "late");
    git(&home.path("storage/tables.git"), &["pack-refs", "--all"]);
    // From now on it is the server's, too.
    assert_eq!(home.serve().stop().code, Some(0));
    Sample { title: "with git", home, answered, last: None }
}

fn files(below: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every file of the sample with every damage.
fn cases<'a>(sample: &'a Sample, dice: &mut Dice) -> Vec<Case<'a>> {
    let mut found = Vec::new();
    for below in ["storage/tables.git", "storage/wal"] {
        files(&sample.home.path(below), &mut found);
    }
    // Names of packs and uuids differ from run to run; sizes nearly do not.
    found.sort_by_key(|path| (path.extension().map(ToOwned::to_owned), path.metadata().unwrap().len()));
    let mut cases = Vec::new();
    for path in found {
        let content = fs::read(&path).unwrap();
        let length = content.len();
        if length == 0 {
            continue;
        }
        // The log is mostly zeros: damage is to hit what was written.
        let written = content.iter().rposition(|byte| *byte != 0).map_or(length, |last| last + 1);
        let file = path.strip_prefix(sample.home.storage()).unwrap().to_owned();
        let shortened = [0, written / 2, length - 1].map(|to| Damage::Shortened { to: to as u64 });
        let flipped = (0..times(12, 40))
            .map(|_| Damage::Flipped { byte: dice.below(written) as u64, bit: dice.below(8) as u8 });
        let damages: Vec<_> = shortened.into_iter().chain(flipped).collect();
        cases.extend(damages.into_iter().map(|damage| Case { sample, file: file.clone(), damage }));
    }
    cases
}

/// What a message may call the damaged thing: the file, the object that it is, or one that it holds.
fn names_of(case: &Case<'_>) -> BTreeSet<String> {
    let path = case.sample.home.storage().join(&case.file);
    let name = case.file.file_name().unwrap().to_str().unwrap();
    let folder = case.file.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
    let mut names = BTreeSet::from([case.file.display().to_string()]);
    if folder == "wal" {
        // A record is named by its number, and the folder.
        names.insert(if name.len() == 1 { "wal: the record".into() } else { name.to_owned() });
    } else if folder.len() == 2 {
        names.insert(format!("{folder}{name}"));
    } else if let Some((stem, _)) = name.split_once('.').filter(|_| folder == "pack") {
        names.insert(stem.to_owned());
        let index = path.with_file_name(format!("{stem}.idx"));
        let listed = git(&case.sample.home.storage(), &["verify-pack", "-v", index.to_str().unwrap()]);
        let ids = listed.lines().filter_map(|line| line.split(' ').next()).filter(|word| word.len() == 40);
        names.extend(ids.map(str::to_owned));
    } else {
        names.insert(name.to_owned());
        names.extend((folder == "heads").then(|| "the branch".to_owned()));
    }
    names
}

/// What a program on the damaged storage has to show, or how it ended.
async fn shown(home: &Home, serve: bool) -> Result<Names, Ended> {
    if serve {
        let server = home.start(&[]).ready(home, ANSWERS_WITHIN)?;
        return Ok(karanas(&server).await);
    }
    for arguments in [&["check"][..], &["export", "-"]] {
        let ended = home.start(arguments).end(ANSWERS_WITHIN);
        if ended.code != Some(0) {
            return Err(ended);
        }
        if let Ok(dump) = serde_json::from_str::<Value>(&ended.stdout) {
            let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
            let table = dump["karanas"].as_object().unwrap();
            return Ok(table.iter().map(|(uuid, entry)| (uuid.clone(), name(entry))).collect());
        }
    }
    panic!("the export is no dump");
}

/// Says what is wrong with how a damage was met.
async fn trial(case: &Case<'_>, serve: bool) -> Result<(), String> {
    let home = copy(&case.sample.home);
    case.damage.inflict(&home.storage().join(&case.file));
    match shown(&home, serve).await {
        Ok(there) => {
            let answered = &case.sample.answered;
            let log = ["wal/0", "wal/1"].iter().any(|log| case.file == Path::new(log));
            let mut without_last = answered.clone();
            case.sample.last.iter().filter(|_| log).for_each(|last| _ = without_last.remove(last));
            if there == *answered || there == without_last {
                return Ok(());
            }
            let gone = answered.keys().filter(|uuid| !there.contains_key(*uuid)).count();
            let more = there.keys().filter(|uuid| !answered.contains_key(*uuid)).count();
            Err(format!("in silence {gone} records are gone, {more} have come, or some are others"))
        }
        Err(Ended { code: Some(1), stderr, .. }) => {
            let said =
                stderr.lines().filter(|line| line.starts_with("karana: ")).collect::<Vec<_>>().join(" ");
            if names_of(case).iter().any(|name| stderr.contains(name)) {
                Ok(())
            } else {
                Err(format!("what is damaged is not named: {said}"))
            }
        }
        Err(ended) => Err(format!("it ended with {:?}: {}", ended.code, ended.stderr)),
    }
}

#[test]
fn damage_is_named_or_harms_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stopped = runtime.block_on(stopped());
    let killed = runtime.block_on(killed(&stopped));
    let samples = [with_git(&stopped), killed, stopped];
    let mut dice = Dice::new(SEED);
    // Each storage has its share, and each kind of file its place in that, however many there are of it.
    let share = times(60, 2000) / samples.len();
    let mut failures = Vec::new();
    let mut tried = 0;
    for sample in &samples {
        let all = cases(sample, &mut dice);
        let count = share.min(all.len());
        for (number, case) in (0..count).map(|n| (n, &all[n * all.len() / count])) {
            // A server that hangs and a program that panics fail the case, not the search for others.
            let serve = number % 2 == 0;
            let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(trial(case, serve))));
            tried += 1;
            let wrong = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(wrong)) => wrong,
                Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_default(),
            };
            let failure = format!("{case}, serve {serve}: {wrong}");
            eprintln!("{failure}");
            failures.push(failure);
        }
    }
    let all = failures.join("\n");
    assert!(failures.is_empty(), "seed {SEED}: {} of {tried} cases went wrong:\n{all}", failures.len());
}
