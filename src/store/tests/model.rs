//! Whatever is done to a store, in whatever order, with crashes and clock jumps in between: it is what plain maps are after
//! the same, now and at every revision of its past.
//!
//! Plain strategies, not a state machine that draws each operation from the model's state: the model learns its revisions
//! from the store, and what must be refused is as welcome as what fits.

mod compare;
pub(super) mod crash;
mod operation;
mod tables;

use super::{author, settings};
use crate::resource::Kinds;
use crate::store::{Error, KeyFile, Moment, Revision, Settings, Store, check};
use chrono::DateTime;
use compare::compare_records;
use crash::{Log, copy_of_one_moment};
use operation::{InFlight, Operation, PowerCut, Sequence, Step, Torn, sequences};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::Poll;
use std::time::Duration;
use tables::{Deed, Key, Model, Refusal};
use tempfile::TempDir;

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// `LONG_TESTS` asks for the long form, `PROPTEST_CASES` for any number.
fn cases() -> u32 {
    let asked_for = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    asked_for.unwrap_or(if std::env::var_os("LONG_TESTS").is_some() { 10_000 } else { 100 })
}

#[test]
fn a_store_is_what_plain_maps_are_after_the_same() {
    // A store waits more than it works: for its threads, each for the others.
    let runners = std::thread::available_parallelism().map_or(1, usize::from).min(4) as u32;
    std::thread::scope(|scope| {
        for number in 0..runners {
            let cases = cases().div_ceil(runners);
            scope.spawn(move || try_sequences(cases, number));
        }
    });
}

fn try_sequences(cases: u32, number: u32) {
    let mut config = Config {
        cases,
        // What is found gets a test with a name.
        failure_persistence: None,
        max_shrink_iters: 2000,
        max_shrink_time: 180_000,
        ..Config::default()
    };
    if let RngSeed::Fixed(seed) = &mut config.rng_seed {
        *seed = seed.wrapping_add(number.into());
    }
    let outcome = TestRunner::new(config).run(&sequences(), |sequence| {
        let (done, is_done) = mpsc::channel();
        let run = std::thread::spawn(move || {
            run(&sequence);
            let _ = done.send(());
        });
        match is_done.recv_timeout(PATIENCE) {
            Err(mpsc::RecvTimeoutError::Timeout) => Err(TestCaseError::fail("it hangs")),
            _ => run.join().map_err(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                TestCaseError::fail(text.or(panic.downcast_ref().copied()).unwrap_or_default().to_owned())
            }),
        }
    });
    if let Err(TestError::Fail(reason, sequence)) = outcome {
        panic!("{reason}\n{sequence:?}");
    }
    outcome.unwrap();
}

fn run(sequence: &Sequence) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut store = Tried::new(sequence);
        for operation in &sequence.operations {
            store.operate(operation).await;
            store.compare();
        }
        store.end(sequence.fsck).await;
    });
}

/// A store, and what it must be.
struct Tried {
    /// Holds the storage, and its copies.
    folder: TempDir,
    storage: PathBuf,
    log_size: u64,
    clock: Arc<AtomicI64>,
    store: Store,
    model: Model,
}

impl Tried {
    fn new(sequence: &Sequence) -> Self {
        // In memory, where there is such a place.
        let in_memory = tempfile::tempdir_in("/dev/shm");
        let folder = in_memory.or_else(|_| tempfile::tempdir()).unwrap();
        let storage = folder.path().join("0");
        let clock = Arc::new(AtomicI64::new(sequence.begin));
        let store = Store::open(settings_of(&storage, &clock, sequence.log_size)).unwrap();
        let mut model = Model::default();
        model.keep(store.read().revision().clone(), sequence.begin, Default::default());
        Self { folder, storage, log_size: sequence.log_size, clock, store, model }
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn open(&mut self) {
        let settings = settings_of(&self.storage, &self.clock, self.log_size);
        self.store = Store::open(settings).unwrap_or_else(|e| panic!("it does not open: {e}"));
    }

    async fn operate(&mut self, operation: &Operation) {
        match operation {
            Operation::Write(steps) => self.write(std::slice::from_ref(steps), false).await,
            Operation::Together { writes, one_batch } => self.write(writes, *one_batch).await,
            Operation::Many { steps, times } => {
                for (number, step) in (0..*times).zip(steps.iter().cycle()) {
                    self.write(&[vec![step.varied(number)]], false).await;
                    self.store.0.journal.flush().unwrap();
                }
            }
            Operation::RotateKey => self.rotate_key().await,
            Operation::Restore { record, then } => {
                let (key, then) = (record.any(&self.model), *then);
                let past = self.record_at(key, then);
                let restored = self.model.restored(key, self.kept(then));
                assert_eq!(past, restored.is_some());
                if let Some(deed) = restored {
                    self.restore(key, then, deed).await;
                }
            }
            Operation::Reopen => {
                self.store.close().await;
                self.open();
            }
            Operation::Crash { in_flight, torn, power } => self.crash(in_flight, torn, power.as_ref()).await,
            Operation::Clock(seconds) => {
                // A clock before 1970 has no commits.
                self.clock.store((self.now() + seconds).max(0), Ordering::Relaxed);
            }
            Operation::Flush => self.store.0.journal.flush().unwrap(),
            Operation::Pause(milliseconds) => {
                std::thread::sleep(Duration::from_millis((*milliseconds).into()))
            }
            Operation::Check => self.store.check().unwrap(),
            Operation::At { then } => self.at(self.kept(*then)),
            Operation::AtTime { then, seconds } => self.at_time(self.kept(*then).time + seconds),
            Operation::History { record } => self.history(record.any(&self.model)),
            Operation::RecordAt { record, then } => {
                self.record_at(record.any(&self.model), *then);
            }
        }
    }

    /// One of the revisions, the newest ones more often.
    fn kept(&self, number: u16) -> &tables::Kept {
        let count = self.model.kept.len();
        let back = usize::from(number / 2) % if number.is_multiple_of(2) { count } else { count.min(5) };
        &self.model.kept[count - 1 - back]
    }

    /// Writes at once, each with steps of its own.
    async fn write(&mut self, writes: &[Vec<Step>], one_batch: bool) {
        let deeds = |steps: &Vec<Step>| steps.iter().map(|step| step.deed(&self.model)).collect();
        let writes: Vec<Vec<Deed>> = writes.iter().map(deeds).collect();
        self.write_deeds(writes, one_batch).await;
    }

    async fn write_deeds(&mut self, writes: Vec<Vec<Deed>>, one_batch: bool) {
        // One that waits before them, in a batch of its own: what is in the queue when it goes on is one batch.
        let (go, gone) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel::<()>();
        let gate = async {
            if one_batch {
                let wait = move |_: &mut _| {
                    let _ = begin.send(());
                    Ok(_ = gone.recv())
                };
                self.store.write(author(), wait).await.unwrap();
            }
        };
        let answers = writes.iter().map(|deeds| {
            let (deeds, kinds) = (deeds.clone(), kinds());
            self.store.write(author(), move |transaction| {
                for deed in deeds {
                    let kind = |key: Key| kinds.get(key.0.name()).unwrap();
                    match deed {
                        Deed::Insert(key, entry) => transaction.insert(kind(key), &entry)?,
                        Deed::Replace(key, entry) => transaction.replace(kind(key), &entry)?,
                        Deed::Delete(key, dependents) => {
                            transaction.delete(kind(key), key.1, dependents)?;
                        }
                    }
                }
                Ok(())
            })
        });
        let answers = async {
            if one_batch {
                begun.await.unwrap();
            }
            let mut answers = pin!(futures::future::join_all(answers));
            // The first time they are asked to go on they get into the queue.
            let first = futures::poll!(&mut answers);
            drop(go);
            match first {
                Poll::Ready(answers) => answers,
                Poll::Pending => answers.await,
            }
        };
        let ((), answers) = futures::join!(gate, answers);
        for (deeds, answer) in writes.iter().zip(answers) {
            let answer = answer.map(|written| written.revision);
            match (self.model.decide(deeds), answer) {
                (Ok(None), Ok(revision)) => assert_eq!(revision, self.model.newest().revision),
                (Ok(Some(tables)), Ok(revision)) => self.model.keep(revision, self.now(), tables),
                (Err(Refusal::Invalid), Err(Error::Invalid(_)))
                | (Err(Refusal::NotFound), Err(Error::NotFound(_)))
                | (Err(Refusal::Conflict), Err(Error::Conflict(_))) => {}
                (expected, answer) => {
                    let expected = expected.map(|tables| tables.is_some());
                    panic!("{deeds:?} was answered with {answer:?}, expected {expected:?}")
                }
            }
        }
    }

    async fn rotate_key(&mut self) {
        let written = self.store.rotate_key(author()).await.unwrap();
        assert_eq!(self.store.keys().last(), Some(&written.value));
        let tables = self.model.sealed_anew();
        self.model.keep(written.revision, self.now(), tables);
    }

    /// What the operator's command does.
    async fn restore(&mut self, key: Key, then: u16, expected: Deed) {
        let moment = Moment::Revision(self.kept(then).revision.0.clone());
        let kinds = kinds();
        let kind = kinds.get(key.0.name()).unwrap();
        let past = self.store.record_at(kind, key.1, &moment).unwrap().unwrap();
        let now = self.store.read().get(kind, key.1).map(|record| record.entry());
        let entry = kind.restored(&past, now.as_ref());
        let (Deed::Insert(_, wanted) | Deed::Replace(_, wanted)) = &expected else { unreachable!() };
        assert_eq!(entry, *wanted);
        self.write_deeds(vec![vec![expected]], false).await;
    }

    async fn crash(&mut self, in_flight: &InFlight, torn: &Torn, power: Option<&PowerCut>) {
        let copy = self.folder.path().join(self.model.kept.len().to_string());
        let copy = (0..).map(|n| copy.with_extension(n.to_string())).find(|path| !path.exists()).unwrap();
        copy_of_one_moment(&self.storage, &copy);
        let before = Log::read(&copy);
        let answered = self.model.kept.len();
        match in_flight {
            InFlight::Nothing => {}
            InFlight::Writes(writes) => self.write(writes, true).await,
            InFlight::KeyRotation => self.rotate_key().await,
        }
        let after = Log::read(&self.storage);
        let sent = self.model.kept.len();
        let is_logged = !after.has_the_records_of(&before);
        let mut left = answered..=sent;
        if is_logged && after.has_the_checkpoint_of(&before) && !matches!(torn, Torn::Behind) {
            let is_whole = before.tear(&after, torn, &copy);
            left = if is_whole { sent..=sent } else { answered..=answered };
        } else if matches!(torn, Torn::Whole | Torn::Behind) {
            fs::remove_dir_all(&copy).unwrap();
            copy_of_one_moment(&self.storage, &copy);
            if is_logged || matches!(torn, Torn::Whole) {
                left = sent..=sent;
            } else {
                // Too large for the log: straight to the repository, and not synced yet.
                before.write_checkpoint(&copy);
            }
        } else {
            left = answered..=answered;
        }
        // A new key is on the disk before anything is sealed with it.
        let seal_keys = "keys/seal.keys";
        fs::copy(self.storage.join(seal_keys), copy.join(seal_keys)).unwrap();
        if let Some(power) = power {
            power.take(&copy);
        }

        let old = std::mem::replace(&mut self.storage, copy);
        self.store.close().await;
        fs::remove_dir_all(old).unwrap();
        self.open();
        let tables = self.store.read();
        let is_left = |count: usize| self.model.kept[count - 1].revision == *tables.revision();
        if matches!(in_flight, InFlight::KeyRotation) && left.contains(&answered) && !is_left(sent) {
            // A start makes up for the new key with a commit that seals nothing anew.
            self.model.kept.truncate(answered);
            let same = self.model.newest().tables.clone();
            self.model.keep(tables.revision().clone(), self.now(), same);
            return;
        }
        let found = left.clone().find(|count| is_left(*count));
        let known = self.model.kept.iter().position(|kept| kept.revision == *tables.revision());
        let found =
            found.unwrap_or_else(|| panic!("revision {known:?} of {} is left, expected {left:?}", sent));
        self.model.kept.truncate(found);
    }

    async fn end(self, fsck: bool) {
        self.store.check().unwrap_or_else(|e| panic!("{e}"));
        let ever: BTreeSet<Key> =
            self.model.kept.iter().flat_map(|kept| kept.tables.keys().copied()).collect();
        ever.into_iter().for_each(|key| self.history(key));
        self.model.kept.iter().step_by(7).for_each(|kept| self.at(kept));
        self.store.close().await;
        let checked = check(&settings_of(&self.storage, &self.clock, self.log_size)).unwrap().unwrap();
        assert_eq!(*checked.revision(), self.model.newest().revision);
        compare_records(&checked, &self.model.newest().tables);
        let git = |arguments: &[&str]| {
            let git = Command::new("git")
                .arg("--git-dir")
                .arg(self.storage.join("tables.git"))
                .args(arguments)
                .output();
            let git = git.unwrap();
            assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
            String::from_utf8(git.stdout).unwrap() + &String::from_utf8(git.stderr).unwrap()
        };
        if fsck {
            // What dangles is a mutation that was cut off: its pack was left, the branch that named it was not.
            assert_eq!(git(&["fsck", "--full", "--strict", "--no-dangling"]), "");
            let revisions: Vec<_> = self.model.kept.iter().rev().map(|kept| kept.revision.clone()).collect();
            let log: Vec<_> =
                git(&["log", "--format=%H", "main"]).lines().map(|line| Revision(line.into())).collect();
            assert_eq!(log, revisions);
        }
    }
}

fn settings_of(storage: &Path, clock: &Arc<AtomicI64>, log_size: u64) -> Settings {
    let clock = clock.clone();
    let now = move || DateTime::from_timestamp(clock.load(Ordering::Relaxed), 0).unwrap();
    Settings {
        path: storage.to_owned(),
        tenant: ("T1".into(), "Tenant".into()),
        kinds: kinds(),
        keys: KeyFile { path: storage.join("keys/seal.keys"), is_ours: true },
        clock: Arc::new(now),
        log_size,
    }
}

/// Made once: compiling their schemas takes longer than a write.
fn kinds() -> Kinds {
    static KINDS: OnceLock<Kinds> = OnceLock::new();
    KINDS.get_or_init(|| settings(Path::new("/")).kinds).clone()
}
