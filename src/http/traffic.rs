//! What passes through the HTTP interface: counted by route, never by path, so that nobody outside decides how much is
//! kept.

use crate::histogram::{Histogram, Reading};
use axum::http::{Method, StatusCode};
use std::array;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// What is counted under the name of its own; all else is one.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];

/// The name of what is no route.
const NO_ROUTE: &str = "none";

/// Statuses have three digits and begin with 1 to 5.
const FIRST_STATUS: u16 = 100;
const STATUSES: usize = 500;

/// Counts what passes through.
pub struct Traffic {
    /// By route, then by method.
    calls: HashMap<&'static str, [OnceLock<Box<Calls>>; METHODS.len()]>,
    /// Requests that are being worked on.
    pub in_flight: Level,
    /// Connections that are open.
    pub connections: Level,
}

/// One method of a route.
struct Calls {
    durations: Histogram,
    statuses: [AtomicU64; STATUSES],
}

/// What is known of one method of a route.
pub struct Read {
    pub route: &'static str,
    pub method: &'static str,
    /// In nanoseconds, until the answer began.
    pub durations: Reading,
    /// The statuses that there have been, and how often.
    pub statuses: Vec<(u16, u64)>,
}

impl Traffic {
    /// For these routes, and all else.
    pub fn new(routes: impl Iterator<Item = &'static str>) -> Self {
        let calls = routes.chain([NO_ROUTE]).map(|route| (route, array::from_fn(|_| OnceLock::new())));
        Self { calls: calls.collect(), in_flight: Level::default(), connections: Level::default() }
    }

    /// Takes note of a request that has been answered.
    pub fn answered(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.and_then(|route| self.calls.get(route)).or_else(|| self.calls.get(NO_ROUTE));
        let Some(methods) = route else { return };
        let named = METHODS.iter().position(|name| *name == method.as_str());
        let calls = methods[named.unwrap_or(METHODS.len() - 1)].get_or_init(Box::default);
        calls.durations.observe_time(took);
        if let Some(count) = calls.statuses.get(usize::from(status.as_u16() - FIRST_STATUS)) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// What there has been so far, in the order of the routes' names.
    pub fn read(&self) -> Vec<Read> {
        let mut routes: Vec<_> = self.calls.iter().collect();
        routes.sort_by_key(|(route, _)| **route);
        let mut all = Vec::new();
        for (route, methods) in routes {
            for (method, calls) in METHODS.into_iter().zip(methods) {
                let Some(calls) = calls.get() else { continue };
                let statuses = (FIRST_STATUS..)
                    .zip(&calls.statuses)
                    .map(|(status, count)| (status, count.load(Relaxed)));
                all.push(Read {
                    route,
                    method,
                    durations: calls.durations.read(),
                    statuses: statuses.filter(|(_, count)| *count > 0).collect(),
                });
            }
        }
        all
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self { durations: Histogram::of_durations(), statuses: [const { AtomicU64::new(0) }; STATUSES] }
    }
}

/// How many there are of something at a time.
#[derive(Default)]
pub struct Level(AtomicUsize);

/// One of them, for as long as it lives: whoever leaves in the middle is gone as well.
pub struct Counted<'a>(&'a Level);

impl Level {
    /// One more.
    pub fn enter(&self) -> Counted<'_> {
        self.0.fetch_add(1, Relaxed);
        Counted(self)
    }

    /// How many there are now.
    pub fn now(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_route_of_ours_is_counted_as_one() {
        let traffic = Traffic::new(["/a/{id}"].into_iter());
        let took = Duration::from_millis(3);
        let call = |route, method: &str, status| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            traffic.answered(route, &method, StatusCode::from_u16(status).unwrap(), took);
        };
        call(Some("/a/{id}"), "GET", 200);
        call(Some("/a/{id}"), "GET", 404);
        call(Some("/a/{id}"), "GET", 200);
        call(None, "BREW", 404);
        call(Some("/made/up"), "STEEP", 999);
        let read: Vec<_> = traffic.read();
        let read: Vec<_> =
            read.iter().map(|of| (of.route, of.method, of.durations.count, of.statuses.as_slice())).collect();
        assert_eq!(
            read,
            [("/a/{id}", "GET", 3, &[(200, 2), (404, 1)][..]), ("none", "other", 2, &[(404, 1)][..])]
        );
    }

    #[test]
    fn whoever_leaves_is_no_longer_counted() {
        let level = Level::default();
        let (one, two) = (level.enter(), level.enter());
        assert_eq!(level.now(), 2);
        drop(one);
        assert_eq!(level.now(), 1);
        drop(two);
        assert_eq!(level.now(), 0);
    }
}
