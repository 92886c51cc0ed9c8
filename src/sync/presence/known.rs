//! What is known of one device, how a look at its points changes that, and what is judged from it. Pure: the time is passed in.
//!
//! A device is *seen* when points of it arrive, whatever their timestamps. Two signs tell that:
//!
//! * the newest point that is not dated in the future has become a newer one;
//! * there are more points than at the look before. Counting is dear, so it is done only for devices which the first sign shows
//!   to be silent, or which have points dated in the future, over a window that does not move meanwhile.
//!
//! Points that were dated in the future, and whose time has come, are no sign of anything: they were there before.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Connection, Seen};

/// Clocks may differ so much before a point is one of the future.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// How far back every look goes. What is older is found by the one that goes back to the beginning.
pub const WINDOW: TimeDelta = TimeDelta::days(8);

/// Posts missed until a device is late, and until it is offline.
const LATE: i32 = 3;
const OFFLINE: i32 = 10;

/// No device is offline before.
const DAY: TimeDelta = TimeDelta::days(1);

/// How a device was asked for: what was found in another way says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The owner's.
    pub database: Uuid,
    /// Whether all points there are its.
    pub alone: bool,
    /// Its short name.
    pub kid: Option<String>,
}

/// What is known of a device that has been looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// How it was looked for.
    pub asked: Asked,
    /// When it was last looked for.
    pub checked: DateTime<Utc>,
    /// Of when its newest point is, those of the future left out.
    pub last: Option<DateTime<Utc>>,
    /// The measurement of that point.
    pub series: Option<String>,
    /// When points of it last arrived.
    pub seen: Option<DateTime<Utc>>,
    /// Of when its newest point is, if that is in the future.
    pub ahead: Option<DateTime<Utc>>,
    /// Whether it was looked for since the beginning of all time.
    pub searched: bool,
    /// When points arrived of late.
    posts: Posts,
    /// Its points, counted.
    watch: Option<Watch>,
}

/// What a look has found of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Of when the newest point is that is not of the future, and its measurement.
    pub newest: Option<(DateTime<Utc>, String)>,
    /// Of when the newest point is, if that is in the future.
    pub ahead: Option<DateTime<Utc>>,
}

/// The minutes of the last hour in which points arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Posts {
    /// The latest one, since 1970.
    minute: i64,
    /// It, and those before it.
    bits: u64,
}

/// A count of points, to be compared with the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Watch {
    /// Points since then.
    from: DateTime<Utc>,
    count: u64,
    /// As it was when they were counted.
    ahead: Option<DateTime<Utc>>,
    /// When they were counted.
    at: DateTime<Utc>,
}

impl Known {
    /// Of a device that was never looked for in this way.
    pub fn nothing(asked: Asked, now: DateTime<Utc>) -> Self {
        Self {
            asked,
            checked: now,
            last: None,
            series: None,
            seen: None,
            ahead: None,
            searched: false,
            posts: Posts::default(),
            watch: None,
        }
    }

    /// Takes note of a first look, at `now`: when its points arrived nobody knows, so it is as if they had in their time.
    pub fn first(asked: Asked, found: &Found, now: DateTime<Utc>) -> Self {
        let mut known = Self::nothing(asked, now);
        known.ahead = found.ahead;
        known.find(found, now);
        known
    }

    /// Takes note of what a look since the beginning has found.
    pub fn search(&mut self, found: &Found, now: DateTime<Utc>) {
        self.searched = true;
        if self.last.is_none() {
            self.find(found, now);
        }
    }

    fn find(&mut self, found: &Found, now: DateTime<Utc>) {
        if let Some((time, series)) = &found.newest {
            self.last = Some(*time);
            self.series = Some(series.clone());
            let seen = (*time).min(now);
            self.seen = self.seen.max(Some(seen));
            self.posts.mark(seen, now);
        }
    }

    /// Takes note of another look.
    pub fn note(&mut self, found: &Found, now: DateTime<Utc>) {
        let before = std::mem::replace(&mut self.checked, now);
        let expected = std::mem::replace(&mut self.ahead, found.ahead);
        let Some((time, series)) = &found.newest else { return };
        if self.last.is_some_and(|last| *time <= last) {
            return;
        }
        self.last = Some(*time);
        self.series = Some(series.clone());
        if expected.is_none_or(|expected| *time > expected) {
            // Dated before the last look, it came after it all the same.
            self.arrived(if *time >= before { (*time).min(now) } else { now }, now);
        }
    }

    fn arrived(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) {
        self.seen = self.seen.max(Some(at));
        self.posts.mark(now, now);
    }

    /// From when on its points are to be counted now, if they are.
    pub fn count_from(&mut self, interval: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let silent = self.last.is_none_or(|last| now - last > interval + interval / 2);
        if !silent && self.ahead.is_none() {
            self.watch = None;
            return None;
        }
        let window = (interval * OFFLINE).clamp(TimeDelta::hours(1), DAY);
        let start = self.last.map_or(now - TimeDelta::days(366), |last| last.min(now) - window);
        // A window that has grown long is dear.
        if self.watch.as_ref().is_some_and(|watch| self.ahead.is_some() && start - watch.from > DAY * 2) {
            self.watch = None;
        }
        let pause = (interval / 4).min(TimeDelta::minutes(10));
        match &self.watch {
            Some(watch) if now - watch.at < pause => None,
            Some(watch) => Some(watch.from),
            None => Some(start),
        }
    }

    /// When its points were last counted.
    pub fn counted(&self) -> Option<DateTime<Utc>> {
        self.watch.as_ref().map(|watch| watch.at)
    }

    /// Takes note of a count of the points since `from`.
    pub fn count(&mut self, from: DateTime<Utc>, count: u64, now: DateTime<Utc>) {
        let watch = Watch { from, count, ahead: self.ahead, at: now };
        if let Some(before) = self.watch.replace(watch) {
            let more = before.from == from && before.count < count;
            // Where points of the future become more, it may be those alone.
            if more && self.ahead <= before.ahead {
                self.arrived(now, now);
            }
        }
    }

    /// What is to be told, of a device that posts at this interval.
    pub fn judge(&self, interval: TimeDelta) -> Seen {
        Seen {
            connection: connection(self.seen, interval, self.checked),
            last_seen: self.seen,
            posts_per_hour: Some(self.posts.of_the_last_hour(self.checked)),
            clock_ahead: self.ahead.is_some(),
            checked_at: Some(self.checked),
        }
    }
}

/// How a device stands at `now` that was last seen then.
fn connection(seen: Option<DateTime<Utc>>, interval: TimeDelta, now: DateTime<Utc>) -> Connection {
    let Some(seen) = seen else { return Connection::Unknown };
    let silent = now - seen;
    if silent > (interval * OFFLINE).max(DAY) {
        Connection::Offline
    } else if silent > interval * LATE {
        Connection::Late
    } else {
        Connection::Online
    }
}

impl Posts {
    fn mark(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) {
        let minute = |time: DateTime<Utc>| time.timestamp().div_euclid(60);
        self.bits = self.shifted(minute(now));
        self.minute = self.minute.max(minute(now));
        let age = u32::try_from(self.minute - minute(at)).ok();
        self.bits |= age.and_then(|age| 1_u64.checked_shl(age)).unwrap_or_default();
    }

    fn of_the_last_hour(self, now: DateTime<Utc>) -> u32 {
        const HOUR: u64 = (1 << 60) - 1;
        (self.shifted(now.timestamp().div_euclid(60)) & HOUR).count_ones()
    }

    /// As they are seen from a later minute.
    fn shifted(self, minute: i64) -> u64 {
        let by = u32::try_from((minute - self.minute).max(0)).unwrap_or(u32::MAX);
        self.bits.checked_shl(by).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
