//! Webhooks tell other servers what happens: that a device has fallen silent or is back, that a record cannot be brought to a
//! back end, or that a back end is away. By the Standard Webhooks specification (<https://www.standardwebhooks.com/>).
//!
//! ```text
//! Presence ─┐                          ┌─ Queue ── courier ──► destination
//! Sync ─────┴─ Told: what is news ─ Book ─ Queue ── courier ──► destination
//!                                      └──► state file
//! ```
//!
//! What is news is written to the disk, together with the note that it was told, before anything is sent: a restart neither
//! repeats nor loses an event. Each destination has a task of its own, so that none waits for another.

mod book;
mod courier;
mod event;
mod key;
mod news;
mod queue;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

pub use event::{Event, Kind};
pub use key::Key;
pub use news::About;
pub use queue::{Counts, Delivery, State};

use super::presence::Presence;
use super::report::Ended;
use crate::durable;
use crate::store::Clock;
use book::Book;
use courier::Client;
use queue::{Failure, Queue, Success, Trouble};

/// From one try of an event to the next; after the last one, about a day after the first, it is given up.
pub const WAITS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(8 * 60 * 60),
    Duration::from_secs(8 * 60 * 60),
];

/// How long a destination may take to answer.
pub const LIMIT: Duration = Duration::from_secs(15);

/// How long after a delivery its outcome is on the disk at the latest. A crash before that has the event come twice.
const SAVE_WITHIN: Duration = Duration::from_secs(1);

/// Whom to tell, and what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses. One that is no URL is left out.
    pub destinations: Vec<String>,
    /// What events are signed with.
    pub key: Key,
    /// Which are told.
    pub events: Vec<Kind>,
    /// Where is kept what was told and what waits.
    pub state_file: PathBuf,
    /// From one try to the next: [`WAITS`].
    pub waits: Vec<Duration>,
    /// How long a destination may take to answer: [`LIMIT`].
    pub limit: Duration,
}

/// Tells what events say of a device beside its state.
type Describe = Arc<dyn Fn(Uuid) -> About + Send + Sync>;

/// How one destination has been doing.
#[derive(Debug, Clone, Serialize)]
pub struct Destination {
    /// By which deliveries name it.
    pub id: String,
    /// Where it is, without what may be a secret: user, password, path, query.
    pub url: String,
    /// Events that wait.
    pub queue_length: usize,
    /// The last delivery.
    pub last_delivery: Option<Success>,
    /// The last try that failed.
    pub last_failure: Option<Failure>,
    /// When something is sent at the earliest; none when nothing waits.
    pub next_try: Option<DateTime<Utc>>,
    /// Since the start.
    pub counts: Counts,
}

/// A handle to the tasks. They end when it is stopped, or when the last handle is dropped.
#[derive(Clone)]
pub struct Webhooks(Option<Handle>);

#[derive(Clone)]
struct Handle {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What the tasks and those who ask share.
struct Shared {
    book: Mutex<Book>,
    /// As they are shown, by their numbers.
    shown: Vec<String>,
    /// By the number of the destination: something may have come.
    wake: Vec<Notify>,
    /// The book has changed, and is to be saved soon.
    dirty: Notify,
    /// One writer at a time, so that an older book does not replace a newer one.
    saving: tokio::sync::Mutex<()>,
    events: Vec<Kind>,
    waits: Vec<Duration>,
    file: PathBuf,
    clock: Clock,
}

impl Webhooks {
    /// Nobody is told anything.
    pub fn none() -> Self {
        Self(None)
    }

    /// Starts the tasks on the current tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        settings: Settings,
        presence: &Presence,
        sync: &super::Sync,
        describe: Arc<dyn Fn(Uuid) -> About + Send + Sync>,
        clock: Clock,
    ) -> Self {
        let urls: Vec<Url> = settings.destinations.iter().filter_map(|url| Url::parse(url).ok()).collect();
        let ids: Vec<String> = urls.iter().map(id).collect();
        let book = Book::load(&settings.state_file, &ids, &settings.waits, clock());
        let shared = Arc::new(Shared {
            book: Mutex::new(book),
            shown: urls.iter().map(shown).collect(),
            wake: urls.iter().map(|_| Notify::new()).collect(),
            dirty: Notify::new(),
            saving: tokio::sync::Mutex::default(),
            events: settings.events,
            waits: settings.waits,
            file: settings.state_file,
            clock,
        });
        let (stop, stopping) = watch::channel(false);
        let mut running: Vec<JoinHandle<()>> = Vec::new();
        for (place, url) in urls.into_iter().enumerate() {
            let client = Client::new(url, settings.key.clone(), settings.limit);
            running.push(tokio::spawn(courier::run(shared.clone(), place, client, stopping.clone())));
        }
        let clerk = Clerk {
            shared: shared.clone(),
            presence: presence.clone(),
            rounds: sync.rounds(),
            describe,
            stopping,
        };
        running.push(tokio::spawn(clerk.run()));
        Self(Some(Handle { shared, stop, running: Arc::new(Mutex::new(running)) }))
    }

    /// The events that are told.
    pub fn events(&self) -> Vec<Kind> {
        self.0.as_ref().map(|handle| handle.shared.events.clone()).unwrap_or_default()
    }

    /// How each destination has been doing. Never waits.
    pub fn destinations(&self) -> Vec<Destination> {
        let Some(Handle { shared, .. }) = &self.0 else { return Vec::new() };
        let book = shared.book();
        let destination = |((id, queue), url): ((&str, &Queue), &String)| Destination {
            id: id.to_owned(),
            url: url.clone(),
            queue_length: queue.len(),
            last_delivery: queue.success.clone(),
            last_failure: queue.failure.clone(),
            next_try: queue.next_try(),
            counts: queue.counts,
        };
        book.queues().zip(&shared.shown).map(destination).collect()
    }

    /// The latest deliveries, those of the newest events first. Never waits.
    pub fn latest(&self, limit: usize) -> Vec<Delivery> {
        self.0.as_ref().map(|handle| handle.shared.book().latest(limit)).unwrap_or_default()
    }

    /// Sends an event to every destination, and answers with its id; none when there is no destination.
    pub fn test(&self) -> Option<String> {
        let shared = self.0.as_ref().map(|handle| &handle.shared).filter(|shared| !shared.wake.is_empty())?;
        let now = (shared.clock)();
        let event = Event::new(Kind::Test, None, json!({}), now);
        let id = event.id.clone();
        shared.book().post(event, now);
        shared.dirty.notify_one();
        shared.wake_all();
        Some(id)
    }

    /// Leaves what is on its way, saves what waits, and stops.
    pub async fn stop(self) {
        let Some(Handle { shared, stop, running }) = self.0 else { return };
        stop.send_replace(true);
        let running = std::mem::take(&mut *running.lock().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(running).await;
        shared.save().await;
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        self.wake.iter().for_each(Notify::notify_one);
    }

    /// Takes note of how a try has ended.
    fn ended(&self, place: usize, event: &Event, result: Result<u16, Trouble>) {
        let now = (self.clock)();
        let destination = &self.shown[place];
        let mut book = self.book();
        let id = book.id(place);
        match result {
            Ok(status) => {
                let delivery = book.queue(place).delivered(&event.id, status, &id, now);
                delivery.into_iter().for_each(|delivery| book.keep(delivery));
            }
            Err(trouble) => {
                tracing::warn!(destination, event = event.id, kind = %event.kind, reason = trouble.reason, "an event is not delivered");
                for delivery in book.queue(place).failed(&event.id, &trouble, &id, &self.waits, now) {
                    tracing::error!(destination, event = delivery.id, kind = %delivery.kind, attempts = delivery.attempts, "an event is given up");
                    book.keep(delivery);
                }
            }
        }
        drop(book);
        self.dirty.notify_one();
    }

    /// Writes the book to the disk. What cannot be written is sent all the same.
    async fn save(&self) {
        let _alone = self.saving.lock().await;
        let (book, file) = (self.book().clone(), self.file.clone());
        let saved = tokio::task::spawn_blocking(move || durable::write(&file, &book.content()?)).await;
        if let Err(error) = saved.unwrap_or_else(|panic| Err(std::io::Error::other(panic))) {
            tracing::error!(%error, "the state of webhooks cannot be saved: events may be lost, or come twice");
        }
    }
}

/// Hears what the other parts find out, and keeps the book.
struct Clerk {
    shared: Arc<Shared>,
    presence: Presence,
    rounds: Vec<(&'static str, watch::Receiver<Ended>)>,
    describe: Describe,
    stopping: watch::Receiver<bool>,
}

/// What the clerk has waited for.
enum Due {
    Stop,
    Hear,
    SaveSoon,
    Save,
}

impl Clerk {
    async fn run(mut self) {
        let (mut looks, mut stopping) = (self.presence.looks(), self.stopping.clone());
        let mut save_at: Option<Instant> = None;
        // As things stand.
        self.hear().await;
        loop {
            let due = async {
                match save_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let due = tokio::select! {
                // An error means that every handle is gone.
                _ = stopping.wait_for(|stop| *stop) => Due::Stop,
                () = changed(&mut looks) => Due::Hear,
                () = any_changed(&mut self.rounds) => Due::Hear,
                () = self.shared.dirty.notified() => Due::SaveSoon,
                () = due => Due::Save,
            };
            match due {
                Due::Stop => break,
                Due::Hear => self.hear().await,
                Due::SaveSoon => save_at = save_at.or_else(|| Some(Instant::now() + SAVE_WITHIN)),
                Due::Save => {
                    save_at = None;
                    self.shared.save().await;
                }
            }
        }
    }

    /// Writes down what is news before it is sent.
    async fn hear(&mut self) {
        let now = (self.shared.clock)();
        let mut told = self.shared.book().told.clone();
        let mut news = Vec::new();
        // What is known from before the start is of no look.
        if self.presence.stats().is_some_and(|stats| stats.last_look.is_some()) {
            news.extend(told.look(&self.presence.all(), &*self.describe, now));
        }
        for (backend, ended) in &mut self.rounds {
            let ended = ended.borrow_and_update().clone();
            news.extend(told.round(backend, &ended, now));
        }
        {
            let mut book = self.shared.book();
            if book.told == told {
                return;
            }
            book.told = told;
            for event in news {
                if book::is_wanted(event.kind, &self.shared.events) {
                    tracing::info!(event = event.id, kind = %event.kind, record = event.record, "an event for the webhooks");
                    book.post(event, now);
                }
            }
        }
        self.shared.save().await;
        self.shared.wake_all();
    }
}

async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        // Whoever told has ended: nothing more will come.
        std::future::pending::<()>().await;
    }
}

async fn any_changed(rounds: &mut [(&'static str, watch::Receiver<Ended>)]) {
    if rounds.is_empty() {
        return std::future::pending().await;
    }
    futures::future::select_all(rounds.iter_mut().map(|(_, ended)| Box::pin(changed(ended)))).await;
}

/// The name of a destination: it tells two apart, and nothing of what is in the address.
fn id(url: &Url) -> String {
    Sha256::digest(url.as_str()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Many services have their tokens in the path.
fn shown(url: &Url) -> String {
    let more = if url.path() == "/" && url.query().is_none() { "/" } else { "/…" };
    format!("{}{more}", url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_a_secret() {
        let url = |text: &str| Url::parse(text).unwrap();
        let secret = url("https://me:hunter2@hooks.example:8443/services/hunter2?token=hunter2");
        assert_eq!(shown(&secret), "https://hooks.example:8443/…");
        assert_eq!(shown(&url("http://[::1]:80/")), "http://[::1]/");
        assert_eq!(id(&secret).len(), 8);
        assert_ne!(id(&secret), id(&url("https://hooks.example/")));
    }
}
