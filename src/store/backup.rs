//! The backup: after a change the journal is pushed to a remote, behind everything else. A write never waits for it.

use super::journal::git::remote::{Remote, RemoteError, Standing};
use super::journal::{Journal, JournalError, Revision};
use super::{Clock, REPOSITORY, Snapshot, Store};
use crate::backoff::Backoff;
use chrono::{DateTime, Utc};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// From one push to the next, at least; also the wait after a first failure.
const EVERY: Duration = Duration::from_secs(5);

/// How long the last push may take when the server stops. The next start makes up for what it does not bring away.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// A handle on the backup; cheap to clone. None is configured: it does nothing and says so.
#[derive(Clone)]
pub struct Backup(Option<Handle>);

#[derive(Clone)]
struct Handle {
    status: Arc<Mutex<Status>>,
    stop: watch::Sender<bool>,
}

/// How the backup stands.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where it goes, without a password.
    pub remote: String,
    /// What was pushed last since the start, and when.
    pub pushed: Option<(Revision, DateTime<Utc>)>,
    /// Since when there is something that the remote is not known to hold.
    pub behind_since: Option<DateTime<Utc>>,
    /// The last push has failed.
    pub failure: Option<Failure>,
    /// Pushes that have failed since the start.
    pub failures: u64,
}

/// A push that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Why; never a password.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
    /// When it is tried again.
    pub next_try: DateTime<Utc>,
}

impl Backup {
    /// Starts to push the store to `remote` (a URL, `host:path` or a folder) on the current tokio runtime, if there is
    /// one.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(store: &Store, remote: Option<&str>, clock: Clock) -> Self {
        let Some(remote) = remote.map(Remote::new) else { return Self(None) };
        let status = Arc::new(Mutex::new(Status {
            remote: remote.to_string(),
            pushed: None,
            // What the remote holds is not known before the first push, which is made at once.
            behind_since: Some(clock()),
            failure: None,
            failures: 0,
        }));
        let (stop, stopping) = watch::channel(false);
        let pusher = Pusher {
            journal: store.0.journal.clone(),
            repository: store.0.settings.path.join(REPOSITORY),
            tables: store.subscribe(),
            remote,
            status: status.clone(),
            clock,
        };
        tokio::spawn(pusher.run(stopping));
        Self(Some(Handle { status, stop }))
    }

    /// How it stands; none when no remote is configured.
    pub fn status(&self) -> Option<Status> {
        self.0.as_ref().map(|handle| lock(&handle.status).clone())
    }

    /// Pushes what is left and ends, within a few seconds. Called before the store is closed.
    pub async fn stop(&self) {
        if let Some(Handle { stop, .. }) = &self.0 {
            stop.send_replace(true);
            // Its own bound is the shorter one; this holds when even that hangs.
            let _ = timeout(2 * LAST_PUSH, stop.closed()).await;
        }
    }

    /// How the remote stands while no server runs: in one sentence, or why that cannot be said. Asks it, and reads the
    /// repository.
    ///
    /// # Errors
    /// It cannot be reached, or what it holds is not ours.
    pub async fn compare(storage: &Path, remote: &str) -> Result<String, String> {
        let (remote, repository) = (Remote::new(remote), storage.join(REPOSITORY));
        if !repository.exists() {
            return Ok(format!("{remote}: there is nothing to back up yet"));
        }
        match remote.standing(&repository).await {
            Ok(Standing::UpToDate) => Ok(format!("{remote} is up to date")),
            Ok(Standing::Behind(commits)) => {
                let s = if commits == 1 { "" } else { "s" };
                Ok(format!("{remote} is {commits} commit{s} behind; the server pushes when it starts"))
            }
            Err(reason @ RemoteError::Diverged) => Err(format!("{remote}: {reason}")),
            Err(reason) => Err(format!("{remote} cannot be reached: {reason}")),
        }
    }
}

impl Status {
    /// How long there has been something that the remote is not known to hold; zero when it holds everything.
    pub fn behind(&self, now: DateTime<Utc>) -> Duration {
        self.behind_since.and_then(|since| (now - since).to_std().ok()).unwrap_or_default()
    }
}

impl fmt::Display for Status {
    /// One sentence for the operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { remote, pushed, behind_since, failure, .. } = self;
        let time = |time: &DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        match (failure, behind_since, pushed) {
            (Some(failure), ..) => write!(
                f,
                "{remote} cannot be pushed to: {} (at {}; the next try is at {})",
                failure.reason,
                time(&failure.at),
                time(&failure.next_try)
            )?,
            (None, Some(since), _) => write!(f, "{remote} lacks what came since {}", time(since))?,
            (None, None, _) => write!(f, "{remote} is up to date")?,
        }
        match pushed {
            Some((revision, at)) => write!(f, "; {} was pushed at {}", revision.short(), time(at)),
            None => f.write_str("; nothing has been pushed since the server started"),
        }
    }
}

/// The task's own.
struct Pusher {
    journal: Arc<dyn Journal>,
    repository: PathBuf,
    tables: watch::Receiver<Arc<Snapshot>>,
    remote: Remote,
    status: Arc<Mutex<Status>>,
    clock: Clock,
}

impl Pusher {
    /// Runs until told to stop, or until nobody is left who could.
    async fn run(mut self, stopping: watch::Receiver<bool>) {
        let (mut told, mut out_of_time) = (stopping.clone(), stopping);
        let bound = async {
            let _ = out_of_time.wait_for(|stop| *stop).await;
            sleep(LAST_PUSH).await;
        };
        tokio::select! {
            () = self.push_what_comes(&mut told) => {}
            // With it ends the git that is under way.
            () = bound => tracing::warn!("the last push was not over in time; the next start makes up for it"),
        }
    }

    async fn push_what_comes(&mut self, stopping: &mut watch::Receiver<bool>) {
        let mut backoff = Backoff::from(EVERY);
        let mut not_before = Instant::now();
        loop {
            let stop = tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => true,
                () = self.due(not_before) => false,
            };
            if !self.is_behind() {
                return;
            }
            let begin = Instant::now();
            let outcome = self.push().await;
            let wait = match outcome {
                Ok(()) => {
                    backoff.reset();
                    EVERY.saturating_sub(begin.elapsed())
                }
                // Only a person can mend that.
                Err(RemoteError::Diverged) => Backoff::longest(rand::random()),
                Err(_) => backoff.next(rand::random()),
            };
            if let Err(reason) = outcome {
                self.note_failure(&reason, wait);
            }
            not_before = Instant::now() + wait;
            if stop {
                return;
            }
        }
    }

    /// Resolves when there is something to push, and it is time to.
    async fn due(&mut self, not_before: Instant) {
        while !self.is_behind() {
            if self.tables.changed().await.is_err() {
                // Nobody writes any more.
                std::future::pending::<()>().await;
            }
        }
        let now = (self.clock)();
        self.lock_status().behind_since.get_or_insert(now);
        sleep_until(not_before).await;
    }

    fn is_behind(&self) -> bool {
        let tables = self.tables.borrow();
        let status = self.lock_status();
        status.pushed.as_ref().is_none_or(|(pushed, _)| pushed != tables.revision())
    }

    async fn push(&mut self) -> Result<(), RemoteError> {
        let began = (self.clock)();
        let revision = self.tables.borrow_and_update().revision().clone();
        // What is published is in the log; git pushes what is in the repository.
        let journal = self.journal.clone();
        let flushed = tokio::task::spawn_blocking(move || journal.flush()).await;
        flushed.unwrap_or_else(|panic| {
            let step = "waiting for the repository".into();
            Err(JournalError::Failed { step, reason: panic.to_string() })
        })?;
        self.remote.push(&self.repository, &revision).await?;

        let now = (self.clock)();
        let newest = self.tables.borrow().revision().clone();
        let mut status = self.lock_status();
        if status.failure.take().is_some() {
            tracing::info!(remote = status.remote, %revision, "the backup works again");
        }
        // What came during the push came after its beginning.
        status.behind_since = (newest != revision).then_some(began);
        status.pushed = Some((revision, now));
        Ok(())
    }

    fn note_failure(&self, reason: &RemoteError, wait: Duration) {
        let at = (self.clock)();
        let mut status = self.lock_status();
        tracing::warn!(remote = status.remote, %reason, ?wait, "the backup failed");
        status.failures += 1;
        status.failure = Some(Failure { reason: reason.to_string(), at, next_try: at + wait });
    }

    fn lock_status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }
}

fn lock(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}
