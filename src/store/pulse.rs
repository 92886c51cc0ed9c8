//! Whether the writer's thread still moves. A thread that hangs takes the whole store with it, and nobody else would notice.

use super::writer::Order;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long the writer may wait for the disk before that counts as hanging, too. A disk that recovers from errors takes
/// minutes, and a new process would have to wait for it just as well; after this long it is our own journal that hangs.
const DISK_PATIENCE: Duration = Duration::from_secs(600);

/// What the writer shows of itself while it works.
#[derive(Default)]
pub(super) struct Pulse {
    steps: AtomicU64,
    at_the_disk: Mutex<Option<Instant>>,
}

impl Pulse {
    /// The writer has got on.
    pub fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Does what waits for the disk.
    pub fn at_the_disk<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.set(Some(Instant::now()));
        let done = wait();
        self.set(None);
        done
    }

    fn set(&self, since: Option<Instant>) {
        *self.at_the_disk.lock().unwrap_or_else(PoisonError::into_inner) = since;
        self.step();
    }

    /// How long the writer has been waiting for the disk, if it is.
    fn waits(&self) -> Option<Duration> {
        self.at_the_disk.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed())
    }
}

/// Watches the writer from outside.
pub struct Vigil {
    pulse: Arc<Pulse>,
    queue: mpsc::Sender<Order>,
    seen: u64,
}

impl Vigil {
    pub(super) fn new(pulse: Arc<Pulse>, queue: mpsc::Sender<Order>) -> Self {
        let vigil = Self { seen: pulse.steps.load(Ordering::Relaxed), pulse, queue };
        vigil.nudge();
        vigil
    }

    /// Whether the writer is alive: it has done something since the last look, of which there is always something to do,
    /// or it waits for the disk and has not done so for too long, or it has ended in order.
    pub fn is_alive(&mut self) -> bool {
        let steps = self.pulse.steps.load(Ordering::Relaxed);
        if steps != self.seen {
            self.seen = steps;
            self.nudge();
            return true;
        }
        self.queue.is_closed() || self.pulse.waits().is_some_and(|time| time < DISK_PATIENCE)
    }

    /// An idle writer would have nothing to show. Where the queue is full it has enough to do.
    fn nudge(&self) {
        let _ = self.queue.try_send(Order::Nudge);
    }
}
