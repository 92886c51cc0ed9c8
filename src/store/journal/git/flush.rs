//! The thread behind the write-ahead log: what was answered reaches the repository a moment later, and is synced now and
//! then.

use super::history::{Extent, Row};
use super::merge;
use super::object::{Id, Object};
use super::read::BRANCH;
use super::repo::{Places, Repo, from_io};
use crate::store::journal::{JournalError, Receipt};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long mutations gather before they are packed. Under a lasting load larger packs are worth the wait; a few changes
/// by hand or script are in the repository when somebody looks.
const GATHER: Duration = Duration::from_millis(50);
const GATHER_AT_FIRST: Duration = Duration::from_millis(3);

/// A load lasts when it has gone on for so long, with no pause of that length.
const LASTING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

/// So many objects wait at most, some thousand mutations: a writer that is faster than the repository waits for it. What
/// waits is packed in less than a tenth of a second.
const WAITING: usize = 20_000;

/// How long packs go unsynced when nobody asks. The log holds what they hold.
const UNSYNCED: Duration = Duration::from_secs(1);

/// How soon a full disk is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// What a record of the log is in the repository.
pub struct Pushed {
    pub objects: Vec<Object>,
    /// What those changed.
    pub changed: Vec<Row>,
    /// What those were answered.
    pub receipts: Vec<Receipt>,
    /// The newest commit.
    pub newest: Id,
}

/// The thread that writes to the repository.
pub struct Flusher {
    places: Places,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do.
    wake: Condvar,
    /// Something has been done, or has failed.
    done: Condvar,
}

#[derive(Default)]
struct State {
    pending: Vec<Object>,
    /// What those changed.
    changed: Vec<Row>,
    /// What those were answered.
    receipts: Vec<Receipt>,
    /// The newest commit, and the record of the log that holds it.
    newest: Option<Id>,
    sequence: u64,
    /// How often something was handed over; up to which of these the repository holds it; and is synced.
    pushed: u64,
    flushed: u64,
    synced: u64,
    /// The record of the log up to which the repository is synced.
    synced_sequence: u64,
    /// Somebody waits for this to be flushed, or synced.
    flush_wanted: u64,
    sync_wanted: u64,
    /// Up to where the table of changes goes.
    history: Extent,
    /// What the branch names: before and after the move that is under way, or was the last.
    named: [Option<Id>; 2],
    stop: bool,
    /// Packs have been merged since the last checkpoint, which does not name the new ones.
    merged: bool,
    /// The disk was full the last time.
    full: bool,
    failed: Option<String>,
    /// Told when that happens.
    alarm: Option<Alarm>,
}

/// Told that nothing can be written any more.
pub type Alarm = Box<dyn FnOnce() + Send>;

impl Flusher {
    pub fn start(mut repo: Repo, sequence: u64) -> io::Result<Self> {
        let places = repo.places().clone();
        let state = State {
            sequence,
            synced_sequence: sequence,
            named: [repo.head(); 2],
            history: repo.history().clone(),
            ..State::default()
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), ..Shared::default() });
        let for_thread = shared.clone();
        let thread =
            std::thread::Builder::new().name("flush".into()).spawn(move || for_thread.run(&mut repo))?;
        Ok(Self { places, shared, thread: Mutex::new(Some(thread)) })
    }

    /// Whether more may be written to the log: the repository must be writable, and nobody else have written to it.
    pub fn ready(&self) -> Result<(), JournalError> {
        let named =
            || fs::read_to_string(self.places.repository.join(BRANCH)).ok()?.trim().parse::<Id>().ok();
        // Before the lock is taken, which the thread needs. It may have moved the branch meanwhile, more than once.
        let seen = named();
        let mut state = self.shared.lock();
        state.trouble()?;
        while state.pending.len() > WAITING {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.trouble()?;
        }
        let is_ours = |named: Option<Id>| named.is_none() || state.named.contains(&named);
        // None: the operator has packed the references. It is looked at more closely before the branch is moved.
        if !is_ours(seen) && !is_ours(named()) {
            return Err(JournalError::Foreign(self.places.repository.display().to_string()));
        }
        Ok(())
    }

    /// Up to which record of the log the repository is on the disk.
    pub fn synced_up_to(&self) -> u64 {
        self.shared.lock().synced_sequence
    }

    /// Hands over the objects of a record that is in the log.
    pub fn push(&self, mut pushed: Pushed, sequence: u64) {
        let mut state = self.shared.lock();
        state.pending.append(&mut pushed.objects);
        state.changed.append(&mut pushed.changed);
        state.receipts.append(&mut pushed.receipts);
        state.newest = Some(pushed.newest);
        state.sequence = sequence;
        state.pushed += 1;
        drop(state);
        self.shared.wake.notify_one();
    }

    /// Who is to be told when nothing can be written any more; at once, if it is so.
    pub fn on_failure(&self, alarm: Alarm) {
        let mut state = self.shared.lock();
        if state.failed.is_none() {
            state.alarm = Some(alarm);
        } else {
            drop(state);
            alarm();
        }
    }

    /// Up to where the table of changes goes.
    pub fn history(&self) -> Extent {
        self.shared.lock().history.clone()
    }

    /// Waits until the repository holds everything that has been handed over.
    pub fn flush(&self) -> Result<(), JournalError> {
        let mut state = self.shared.lock();
        let wanted = state.pushed;
        state.flush_wanted = wanted;
        self.shared.wait(state, |state| state.flushed >= wanted)
    }

    /// Waits until everything that has been handed over is on the disk.
    pub fn sync_all(&self) -> Result<(), JournalError> {
        let mut state = self.shared.lock();
        let wanted = state.pushed;
        state.sync_wanted = wanted;
        self.shared.wait(state, |state| state.synced >= wanted)
    }

    /// Waits until the record `sequence` of the log is on the disk in the repository.
    pub fn sync(&self, sequence: u64) -> Result<(), JournalError> {
        let mut state = self.shared.lock();
        state.sync_wanted = state.pushed;
        self.shared.wait(state, |state| state.synced_sequence >= sequence)
    }

    /// Brings everything to the disk and ends the thread.
    pub fn stop(&self) -> Result<(), JournalError> {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            return Err(JournalError::Damaged("the thread that writes to the repository panicked".into()));
        }
        let state = self.shared.lock();
        state.trouble()?;
        if state.synced == state.pushed { Ok(()) } else { Err(JournalError::Full) }
    }
}

/// Merges packs on a thread of its own. Joined when dropped: nobody may open the repository while packs are replaced.
#[derive(Default)]
struct Merging(Option<JoinHandle<()>>);

impl Merging {
    /// Begins to merge if that is due and not under way.
    fn look(&mut self, packs: &Path, shared: &Arc<Shared>) {
        if self.0.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (packs, shared) = (packs.to_owned(), shared.clone());
        let work = move || {
            let merged = merge::due(&packs).and_then(|due| match due {
                Some(names) => merge::merge(&packs, &names).map(|()| true),
                None => Ok(false),
            });
            match merged {
                Ok(false) => {}
                Ok(true) => {
                    shared.lock().merged = true;
                    shared.wake.notify_one();
                }
                Err(reason) => tracing::warn!(%reason, "packs were not merged; they are fine as they are"),
            }
        };
        self.0 = std::thread::Builder::new().name("merge".into()).spawn(work).ok();
    }
}

impl Drop for Merging {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        if let Err(reason) = self.stop() {
            tracing::warn!(%reason, "the repository lags behind the write-ahead log; the next start makes up for it");
        }
    }
}

impl State {
    fn trouble(&self) -> Result<(), JournalError> {
        match &self.failed {
            Some(reason) => {
                Err(JournalError::Failed { step: "writing to the repository".into(), reason: reason.clone() })
            }
            None if self.full => Err(JournalError::Full),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        until: impl Fn(&State) -> bool,
    ) -> Result<(), JournalError> {
        self.wake.notify_one();
        while !until(&state) {
            state.trouble()?;
            if state.stop {
                return Err(JournalError::Damaged("the store is closed".into()));
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    fn run(self: &Arc<Self>, repo: &mut Repo) {
        let mut last_sync = Instant::now();
        let mut last_write = Instant::now();
        let mut busy_since = Instant::now();
        let mut merging = Merging::default();
        loop {
            let gather = if busy_since.elapsed() < LASTING { GATHER_AT_FIRST } else { GATHER };
            let stop = self.gather(last_sync, last_write + gather);
            if last_write.elapsed() > PAUSE {
                busy_since = Instant::now();
            }
            last_write = Instant::now();
            if let Err(error) = self.write(repo, &mut last_sync, stop) {
                let mut state = self.lock();
                match error {
                    JournalError::Full if !stop => {
                        if !state.full {
                            tracing::error!("the disk is full: no changes until there is room");
                        }
                        state.full = true;
                    }
                    JournalError::Full => {}
                    other => {
                        tracing::error!(reason = %other, "the repository cannot be written");
                        state.failed = Some(other.to_string());
                    }
                }
                let over = stop || state.failed.is_some();
                let alarm = state.alarm.take_if(|_| over);
                drop(state);
                self.done.notify_all();
                if let Some(alarm) = alarm {
                    alarm();
                }
                if over {
                    return;
                }
                std::thread::sleep(AGAIN);
                continue;
            }
            if stop {
                return;
            }
            if last_sync >= last_write {
                merging.look(&repo.places().packs(), self);
            }
        }
    }

    /// Waits for something to do, and for more of it until `gathered`. Says whether it is time to stop.
    fn gather(&self, last_sync: Instant, gathered: Instant) -> bool {
        let mut state = self.lock();
        let urgent = |state: &State| {
            state.stop
                || state.full
                || state.merged
                || state.flush_wanted > state.flushed
                || state.sync_wanted > state.synced
        };
        while !urgent(&state) && state.pending.is_empty() {
            let rest = UNSYNCED.saturating_sub(last_sync.elapsed());
            if state.synced < state.flushed && rest.is_zero() {
                return false;
            }
            let rest = if state.synced < state.flushed { rest } else { Duration::from_secs(3600) };
            state = self.wake.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        loop {
            let rest = gathered.saturating_duration_since(Instant::now());
            if urgent(&state) || rest.is_zero() {
                return state.stop;
            }
            state = self.wake.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write(&self, repo: &mut Repo, last_sync: &mut Instant, stop: bool) -> Result<(), JournalError> {
        let (objects, changed, receipts, newest, sequence, pushed) = {
            let mut state = self.lock();
            state.named = [repo.head(), state.newest.or(repo.head())];
            let objects = std::mem::take(&mut state.pending);
            let (changed, receipts) =
                (std::mem::take(&mut state.changed), std::mem::take(&mut state.receipts));
            (objects, changed, receipts, state.newest, state.sequence, state.pushed)
        };
        if let (false, Some(newest)) = (objects.is_empty(), newest) {
            let written = repo
                .pack(&objects)
                .map_err(|e| from_io("writing a pack", e))
                .and_then(|()| repo.advance(newest, &changed))
                .and_then(|()| repo.keep(&receipts));
            if let Err(error) = written {
                // Kept for the next try, before what has come meanwhile.
                let mut state = self.lock();
                let later = std::mem::replace(&mut state.pending, objects);
                state.pending.extend(later);
                let later = std::mem::replace(&mut state.changed, changed);
                state.changed.extend(later);
                let later = std::mem::replace(&mut state.receipts, receipts);
                state.receipts.extend(later);
                return Err(error);
            }
        }
        let mut state = self.lock();
        state.flushed = pushed;
        state.history = repo.history().clone();
        let due = stop || state.sync_wanted > state.synced || last_sync.elapsed() >= UNSYNCED;
        let merged = std::mem::take(&mut state.merged);
        let due = (due && state.synced < pushed) || merged;
        drop(state);
        self.done.notify_all();
        if due {
            if let Err(error) = repo.sync(sequence) {
                self.lock().merged |= merged;
                return Err(error);
            }
            *last_sync = Instant::now();
        }
        let mut state = self.lock();
        if due {
            (state.synced, state.synced_sequence) = (pushed, sequence);
        }
        if std::mem::take(&mut state.full) {
            tracing::info!("there is room on the disk again");
        }
        drop(state);
        self.done.notify_all();
        Ok(())
    }
}
