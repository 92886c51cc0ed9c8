//! `GET /v2/events`: every change that the reader may see, as it is committed, as server-sent events.
//!
//! The text of an event is made once for all who see the same of a commit, and shared. A reader holds its place among the
//! commits and nothing else; one that does not keep up is cut off, and may resume where it was.

use super::App;
use super::context;
use super::reply::Failure;
use crate::auth::policy::{self, Subject, Verb};
use crate::auth::{Actor, Pass};
use crate::error::Error;
use crate::resource::Kind;
use crate::store::{Alteration, Commit, Follower, Revision, Shown, Side};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use futures::stream;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

/// How long a client is to wait before it comes again, in milliseconds.
const RETRY: u64 = 3000;

/// So many commits have the texts made for them kept. Readers that are further behind have them made again.
const KEPT: usize = 64;

/// Where the readers come together.
pub struct Events {
    room: Arc<Semaphore>,
    limit: usize,
    /// Becomes true when all shall end.
    stop: watch::Sender<bool>,
    told: Mutex<VecDeque<Arc<Told>>>,
}

/// A commit, prepared for being told.
struct Told {
    commit: Arc<Commit>,
    /// None when it is too much to tell.
    changes: Option<Vec<Change>>,
    /// What is sent, by what each change is to the reader.
    texts: Mutex<HashMap<Box<[Deed]>, Bytes>>,
}

/// What happened to a record, for anybody.
struct Change {
    kind: usize,
    before: Option<Subject>,
    after: Option<Subject>,
    /// Whether it shows, to those who saw it before and see it now.
    shows: bool,
    /// Its name, as JSON.
    resource: String,
    uuid: String,
    /// What is shown of it now, as JSON.
    record: String,
}

/// What happened to a record, for one reader.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Deed {
    None,
    Create,
    Update,
    Delete,
}

impl Events {
    /// For so many readers at a time.
    pub fn new(limit: usize) -> Self {
        let room = Arc::new(Semaphore::new(limit));
        Self { room, limit, stop: watch::Sender::new(false), told: Mutex::default() }
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.limit - self.room.available_permits()
    }

    /// How many there may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Ends all streams, and those to come.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn told(&self, app: &App, commit: Arc<Commit>) -> Arc<Told> {
        let mut kept = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = kept.iter().rev().find(|told| told.commit.number == commit.number) {
            return told.clone();
        }
        let told = Arc::new(Told::new(app, commit));
        kept.push_back(told.clone());
        if kept.len() > KEPT {
            kept.pop_front();
        }
        told
    }
}

impl Told {
    fn new(app: &App, commit: Arc<Commit>) -> Self {
        let changes = commit.changes.as_ref().map(|changes| {
            changes.iter().map(|change| Change::new(app.store.kinds().at(change.kind), change)).collect()
        });
        Self { commit, changes, texts: Mutex::default() }
    }

    /// What this reader is sent of it, if anything.
    fn text(&self, app: &App, view: &View) -> Option<Bytes> {
        let deeds: Box<[Deed]> = match &self.changes {
            Some(changes) => changes.iter().map(|change| view.deed(app, change)).collect(),
            None => Box::default(),
        };
        if self.changes.is_some() && deeds.iter().all(|deed| *deed == Deed::None) {
            return None;
        }
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.entry(deeds).or_insert_with_key(|deeds| self.write(deeds));
        Some(text.clone())
    }

    fn write(&self, deeds: &[Deed]) -> Bytes {
        let Commit { revision, time, actor, .. } = &*self.commit;
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let about = json!({"revision": revision.0, "time": time, "actor": actor}).to_string();
        let (event, data) = match &self.changes {
            None => ("reset", about),
            Some(changes) => {
                let changes = changes.iter().zip(deeds).filter_map(|(change, deed)| change.json(*deed));
                let changes = changes.collect::<Vec<_>>().join(",");
                ("change", format!("{},\"changes\":[{changes}]}}", about.trim_end_matches('}')))
            }
        };
        // JSON in one line: a newline in a text is written `\n`.
        format!("id: {revision}\nevent: {event}\ndata: {data}\n\n").into()
    }
}

impl Change {
    fn new(kind: &Kind, Alteration { uuid, before, after, .. }: &Alteration) -> Self {
        // Secrets are read where they are needed, not broadcast.
        let shown = |side: &Option<Side>| {
            let mut text = String::new();
            side.as_ref()?.record.show(Shown { hidden: kind.hidden(false), only: None }, &mut text);
            Some(text)
        };
        let subject = |side: &Option<Side>| {
            let Side { record, owner } = side.as_ref()?;
            Some(Subject::belonging_to(*owner, kind, record))
        };
        let (old, new) = (shown(before), shown(after));
        Self {
            kind: kind.index(),
            before: subject(before),
            after: subject(after),
            shows: old != new,
            resource: json!(kind.name()).to_string(),
            uuid: uuid.to_string(),
            record: new.unwrap_or_default(),
        }
    }

    fn json(&self, deed: Deed) -> Option<String> {
        let (action, record) = match deed {
            Deed::None => return None,
            Deed::Create => ("create", self.record.as_str()),
            Deed::Update => ("update", self.record.as_str()),
            Deed::Delete => ("delete", "null"),
        };
        let Self { resource, uuid, .. } = self;
        Some(format!(r#"{{"resource":{resource},"uuid":"{uuid}","action":"{action}","record":{record}}}"#))
    }
}

/// What a reader sees, and wants to see.
struct View {
    actor: Arc<Actor>,
    /// The numbers of resources; none: all.
    wanted: Option<Vec<usize>>,
}

impl View {
    fn deed(&self, app: &App, change: &Change) -> Deed {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&change.kind)) {
            return Deed::None;
        }
        let kind = app.store.kinds().at(change.kind);
        if kind.is_internal() {
            return Deed::None;
        }
        let sees = |subject: &Option<Subject>| {
            subject.as_ref().is_some_and(|subject| policy::reads(&self.actor, kind, subject))
        };
        match (sees(&change.before), sees(&change.after)) {
            (false, true) => Deed::Create,
            (true, false) => Deed::Delete,
            (true, true) if change.shows => Deed::Update,
            _ => Deed::None,
        }
    }

    /// Whether the commit is about the reader itself: its rights may have changed with it.
    fn is_touched_by(&self, app: &App, commit: &Commit) -> bool {
        let own_key = match self.actor.pass {
            Pass::Key { uuid, .. } => Some(uuid),
            _ => None,
        };
        let is_self = |change: &Alteration| {
            let kind = app.store.kinds().at(change.kind);
            (change.uuid == self.actor.uuid && kind.name() == self.actor.resource)
                || (Some(change.uuid) == own_key && kind.is_internal())
        };
        commit.changes.as_ref().is_none_or(|changes| changes.iter().any(is_self))
    }
}

/// Somebody who reads.
struct Reader {
    app: App,
    view: View,
    token: Box<str>,
    /// When the token ends, as far as that is known.
    ends: Option<Instant>,
    /// Tells when a session ends.
    sessions: watch::Receiver<()>,
    follower: Follower,
    stop: watch::Receiver<bool>,
    /// When it is to be told that we are still there.
    heartbeat: Instant,
    /// The revision up to which there is nothing to tell, where the reader does not know that yet.
    silent: Option<Revision>,
    greeting: Option<Bytes>,
    _place: OwnedSemaphorePermit,
}

/// `GET /v2/events`
pub async fn events(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let wanted = wanted(&app, &actor, query.as_deref())?;
    let token = context::bearer(&headers)?;
    let life = app.credentials.life_left(token)?;
    let place = app.events().room.clone().try_acquire_owned();
    let place = place.map_err(|_| Error::Unavailable("there are as many event streams as may be".into()))?;
    let after = last_event(&headers)?;
    let (follower, revision) = app.store.follow(after).await.map_err(|_| {
        let reason = "what came after that event is not known any more: read the lists, and follow without Last-Event-ID";
        Failure::new(StatusCode::GONE, reason)
    })?;
    let now = Instant::now();
    let reader = Reader {
        view: View { actor, wanted },
        token: token.into(),
        ends: life.map(|life| now + life),
        sessions: app.credentials.sessions.ended(),
        follower,
        stop: app.events().stop.subscribe(),
        heartbeat: now + app.limits.heartbeat,
        silent: None,
        greeting: Some(format!("retry: {RETRY}\nid: {revision}\n\n").into()),
        _place: place,
        app,
    };
    // It is told of the end of its rights from here on; they may have ended just before.
    if !reader.stands() {
        return Err(Error::BadCredentials("the token has ended; sign in again".into()).into());
    }
    let events = stream::unfold(reader, async |mut reader| {
        let text = reader.next().await?;
        Some((Ok::<_, Infallible>(text), reader))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx gathers answers otherwise.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// `?resource=users&resource=karanas`: their numbers.
fn wanted(app: &App, actor: &Actor, query: Option<&str>) -> Result<Option<Vec<usize>>, Failure> {
    let mut wanted = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "resource" {
            let name: String = name.chars().take(100).collect();
            return Err(Error::invalid(&name, "unknown", "is not a parameter of this call").into());
        }
        let kind =
            app.kind(&value).map_err(|_| Error::invalid("resource", "unknown", "must name a resource"))?;
        policy::may(actor, Verb::Read, kind)?;
        wanted.push(kind.index());
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok((!wanted.is_empty()).then_some(wanted))
}

fn last_event(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let value = value.to_str().map_err(|_| Error::invalid("Last-Event-ID", "type", "must be a revision"))?;
    // As a client sends it that has seen no event.
    Ok(Some(value.trim()).filter(|value| !value.is_empty()))
}

impl Reader {
    /// What is to be sent next; none when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        // Looked at before each commit, too: a reader that always has a next one never waits.
        let mut has_doubts = false;
        loop {
            let is_due = self.due() <= Instant::now();
            has_doubts |= is_due || self.sessions.has_changed().unwrap_or(true);
            if *self.stop.borrow() || (has_doubts && !self.stands()) {
                return None;
            }
            self.sessions.mark_unchanged();
            has_doubts = false;
            if is_due {
                self.heartbeat = Instant::now() + self.app.limits.heartbeat;
                // An id without data is no event; it is where the client resumes.
                let id = self.silent.take().map(|revision| format!("id: {revision}\n")).unwrap_or_default();
                return Some(format!(":\n{id}\n").into());
            }
            // Whoever has fallen behind comes again, and learns what it has missed, or that it is too much.
            if let Some(commit) = self.follower.take().ok()? {
                if self.view.is_touched_by(&self.app, &commit) && !self.stands() {
                    return None;
                }
                let told = self.app.events().told(&self.app, commit);
                if let Some(text) = told.text(&self.app, &self.view) {
                    self.silent = None;
                    return Some(text);
                }
                self.silent = Some(told.commit.revision.clone());
                continue;
            }
            let due = self.due();
            tokio::select! {
                () = stopped(&mut self.stop) => {}
                () = self.follower.changed() => {}
                _ = self.sessions.changed() => has_doubts = true,
                () = sleep_until(due) => {}
            }
        }
    }

    /// When it is next to be told something, or to be seen whether its token still stands.
    fn due(&self) -> Instant {
        self.ends.map_or(self.heartbeat, |ends| ends.min(self.heartbeat))
    }

    /// Whether the reader would still be let in, with the same rights.
    fn stands(&self) -> bool {
        let actor = self.app.credentials.actor(&self.app.store.read(), &self.token);
        actor.is_ok_and(|actor| actor.role == self.view.actor.role)
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The app holds the other end.
    let _ = stop.wait_for(|stop| *stop).await;
}
