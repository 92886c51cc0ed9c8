//! What was told, what waits, and what has become of it; and the file that keeps it over restarts.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::event::{Event, Kind};
use super::news::Told;
use super::queue::{Delivery, Queue};

/// Deliveries that have ended, and are still told of.
const ENDED: usize = 200;

/// All that is to outlive a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Book {
    /// What was last told.
    pub told: Told,
    /// By the number of the destination.
    queues: Vec<(String, Queue)>,
    ended: VecDeque<Delivery>,
}

/// As it is written, with destinations by their names.
#[derive(Default, Serialize, Deserialize)]
struct Content {
    told: Told,
    destinations: BTreeMap<String, Queue>,
    ended: VecDeque<Delivery>,
}

impl Book {
    /// Reads the file. What waits for a destination that is none any more is forgotten. Of a file that is missing or damaged
    /// there is nothing: how things stand then is no news.
    pub fn load(path: &Path, destinations: &[String], waits: &[Duration], now: DateTime<Utc>) -> Self {
        let content = match std::fs::read(path) {
            Ok(text) => serde_json::from_slice::<Content>(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Content::default()),
            Err(error) => Err(error),
        };
        let mut content = content.unwrap_or_else(|error| {
            tracing::error!(path = %path.display(), %error, "the state of webhooks cannot be read: it begins anew, and events may be lost");
            Content::default()
        });
        let queues = destinations.iter().map(|id| {
            let mut queue = content.destinations.remove(id).unwrap_or_default();
            queue.wake(waits, now);
            (id.clone(), queue)
        });
        let queues = queues.collect();
        for (id, queue) in content.destinations.iter().filter(|(_, queue)| queue.len() > 0) {
            tracing::warn!(
                destination = id,
                events = queue.len(),
                "events are dropped: they waited for a destination that is not configured any more"
            );
        }
        Self { told: content.told, queues, ended: content.ended }
    }

    /// As [`Book::load`] reads it.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        let content = Content {
            told: self.told.clone(),
            destinations: self.queues.iter().cloned().collect(),
            ended: self.ended.clone(),
        };
        serde_json::to_vec(&content).map_err(io::Error::other)
    }

    /// What waits for the destination with that number.
    pub fn queue(&mut self, place: usize) -> &mut Queue {
        &mut self.queues[place].1
    }

    /// The name of the destination with that number.
    pub fn id(&self, place: usize) -> String {
        self.queues[place].0.clone()
    }

    /// The destinations' names, and what waits for each.
    pub fn queues(&self) -> impl Iterator<Item = (&str, &Queue)> {
        self.queues.iter().map(|(id, queue)| (&**id, queue))
    }

    /// Has an event wait for every destination.
    pub fn post(&mut self, event: Event, now: DateTime<Utc>) {
        let event = Arc::new(event);
        for (id, queue) in &mut self.queues {
            if let Some(dropped) = queue.push(event.clone(), id, now) {
                tracing::warn!(destination = id, event = dropped.id, kind = %dropped.kind, "an event is dropped: too many wait");
                keep(&mut self.ended, dropped);
            }
        }
    }

    /// Takes note of a delivery that has ended.
    pub fn keep(&mut self, delivery: Delivery) {
        keep(&mut self.ended, delivery);
    }

    /// The latest deliveries, those of the newest events first.
    pub fn latest(&self, limit: usize) -> Vec<Delivery> {
        let pending = self.queues.iter().flat_map(|(id, queue)| queue.pending(id));
        let mut all: Vec<Delivery> = pending.chain(self.ended.iter().cloned()).collect();
        all.sort_by(|one, other| {
            other.created_at.cmp(&one.created_at).then_with(|| one.destination.cmp(&other.destination))
        });
        all.truncate(limit);
        all
    }
}

fn keep(ended: &mut VecDeque<Delivery>, delivery: Delivery) {
    if ended.len() == ENDED {
        ended.pop_front();
    }
    ended.push_back(delivery);
}

/// Whether an event of that kind goes to those who asked for these.
pub fn is_wanted(kind: Kind, wanted: &[Kind]) -> bool {
    kind == Kind::Test || wanted.contains(&kind)
}
