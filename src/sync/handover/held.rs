//! What is held of one device while it is handed over, and when its time for the next step has come. Pure: the time is passed
//! in.
//!
//! ```text
//!            it posts in its       its posts pause:           it posts:
//! Moving ──── new database ──► Offered ── it knows more? ──► Tried ────► over
//!                                 ▲                            │
//!                                 └──── it posts nothing ──────┘
//! ```
//!
//! The firmware has one password, for its posts and to poll its configuration; InfluxDB keeps one a user. So a device that
//! has read the new line is refused, and keeps its points until it is not. That shows as a pause in its posts, and so does a
//! bad connection: then the new password is tried in vain, and the old one put back. Both come in turn until it posts with
//! the new one; whichever the device has, it gets in again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::sync::fleet::{Device, Handover};
use crate::sync::presence::Seen;

/// Posts missed until it is a pause, and until a try was in vain.
const PAUSE: i32 = 3;

/// What is held of one device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The password that the device has.
    password: String,
    /// The owner that it comes from, if it moves.
    from: Option<Uuid>,
    /// The owner that it belongs to when it is handed over.
    to: Uuid,
    /// A fingerprint of the password that it is to have; none until that is on record.
    wanted: Option<String>,
    /// When it was asked for.
    begun: DateTime<Utc>,
    step: Step,
    /// When this step began.
    since: DateTime<Utc>,
    tries: u32,
}

/// How far a handover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It is told where to post now, and posts there with the password it has.
    Moving,
    /// It is told its new password, and posts with the one it has.
    Offered,
    /// The new password is set. Then: from when on a post shows that the device has it.
    Tried(Option<DateTime<Utc>>),
}

/// What is seen of a device that is being handed over.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Since when InfluxDB holds what the step asks for; none: not yet.
    pub settled: Option<DateTime<Utc>>,
    /// Whether it posts.
    pub seen: Seen,
    /// From one post to the next.
    pub interval: TimeDelta,
}

/// What follows from a sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Wait,
    /// Something to be remembered.
    Noted,
    /// Another step: InfluxDB is to be brought to it.
    Step,
    /// The device has its new password.
    Over,
}

impl Held {
    /// Of a device that has `password` still; `from` is the owner that it is moved from to `to`.
    pub fn new(password: String, from: Option<Uuid>, to: Uuid, now: DateTime<Utc>) -> Self {
        let step = if from.is_some() { Step::Moving } else { Step::Offered };
        Self { password, from, to, wanted: None, begun: now, step, since: now, tries: 0 }
    }

    /// When it was asked for.
    pub fn begun(&self) -> DateTime<Utc> {
        self.begun
    }

    /// How far it is, since when, and how often the new password has been tried.
    pub fn step(&self) -> (Step, DateTime<Utc>, u32) {
        (self.step, self.since, self.tries)
    }

    /// Takes down what the record says now, if nothing was taken down yet.
    pub fn want(&mut self, device: &Device) {
        self.wanted.get_or_insert_with(|| fingerprint(device));
    }

    /// Whether it is about what the record says. It is not once the device has been given another password or owner without
    /// being handed over; nor when it was to be and never was, as before a crash.
    pub fn is_of(&self, device: &Device) -> bool {
        device.owner == Some(self.to)
            && match &self.wanted {
                Some(wanted) => *wanted == fingerprint(device),
                None => device.password != self.password,
            }
    }

    /// Whether what was taken down has been changed since. Not before it is: then its record is about to change.
    pub fn is_over(&self, device: &Device) -> bool {
        self.wanted.is_some() && !self.is_of(device)
    }

    /// What the device goes by, if it is not its record.
    pub fn in_force(&self) -> Option<Handover> {
        let handover = |from| Some(Handover { password: self.password.clone(), from });
        match self.step {
            Step::Moving => handover(self.from),
            Step::Offered => handover(None),
            Step::Tried(_) => None,
        }
    }

    /// Goes on as far as `sight` allows.
    pub fn go_on(&mut self, sight: &Sight, now: DateTime<Utc>) -> Next {
        let (Some(settled), Some(checked)) = (sight.settled, sight.seen.checked_at) else {
            return Next::Wait;
        };
        let begin = settled.max(self.since);
        // What a look from before shows may have been posted before.
        if checked <= begin {
            return Next::Wait;
        }
        let last = sight.seen.last_seen;
        let pause = sight.interval * PAUSE;
        match self.step {
            Step::Moving if last > Some(begin) => self.take(Step::Offered, now),
            Step::Moving => Next::Wait,
            Step::Offered => {
                let silent = last.map_or(begin, |last| last.max(begin));
                if checked - silent < pause {
                    return Next::Wait;
                }
                self.tries = self.tries.saturating_add(1);
                self.take(Step::Tried(None), now)
            }
            // Points that came just before the password was set may show in the first look after it.
            Step::Tried(None) => {
                self.step = Step::Tried(Some(checked));
                Next::Noted
            }
            Step::Tried(from) if last > from => Next::Over,
            Step::Tried(_) if checked - begin >= pause => self.take(Step::Offered, now),
            Step::Tried(_) => Next::Wait,
        }
    }

    fn take(&mut self, step: Step, now: DateTime<Utc>) -> Next {
        (self.step, self.since) = (step, now);
        Next::Step
    }
}

impl Step {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Offered => "offered",
            Self::Tried(_) => "tried",
        }
    }

    /// All names.
    pub const NAMES: [&'static str; 3] = ["moving", "offered", "tried"];
}

/// The uuid goes in, so that equal passwords of two devices do not show as equal.
fn fingerprint(device: &Device) -> String {
    let hash = Sha256::new().chain_update(device.uuid.as_bytes()).chain_update(&device.password).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::tests::device;

    const MINUTE: TimeDelta = TimeDelta::minutes(1);

    fn at(minutes: i32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + MINUTE * minutes
    }

    /// Of a device that posts each ten minutes: what a look `checked` minutes after the beginning shows.
    fn sight(settled: i32, checked: i32, last: Option<i32>) -> Sight {
        let seen = Seen { checked_at: Some(at(checked)), last_seen: last.map(at), ..Seen::default() };
        Sight { settled: Some(at(settled)), seen, interval: MINUTE * 10 }
    }

    fn rotation() -> Held {
        Held::new("OLD".into(), None, Uuid::from_u128(1), at(0))
    }

    #[test]
    fn a_pause_in_its_posts_has_the_new_password_tried_and_a_post_ends_it() {
        let mut held = rotation();
        assert_eq!(held.in_force().map(|handover| handover.password).as_deref(), Some("OLD"));
        for (checked, last) in [(5, Some(-2)), (29, Some(-2)), (50, Some(45)), (74, Some(45))] {
            assert_eq!(held.go_on(&sight(1, checked, last), at(checked)), Next::Wait, "at {checked}");
        }
        assert_eq!(held.go_on(&sight(1, 75, Some(45)), at(75)), Next::Step);
        assert!(held.in_force().is_none());
        assert_eq!(
            held.go_on(&sight(1, 76, Some(45)), at(76)),
            Next::Noted,
            "settled before the step: still it is"
        );
        assert_eq!(held.go_on(&sight(76, 77, Some(45)), at(77)), Next::Wait);
        assert_eq!(held.go_on(&sight(76, 79, Some(78)), at(79)), Next::Over);
    }

    #[test]
    fn a_try_in_vain_puts_the_old_password_back_and_is_made_again() {
        let mut held = rotation();
        assert_eq!(held.go_on(&sight(1, 31, None), at(31)), Next::Step);
        assert_eq!(held.go_on(&sight(32, 33, None), at(33)), Next::Noted);
        assert_eq!(held.go_on(&sight(32, 61, None), at(61)), Next::Wait);
        assert_eq!(held.go_on(&sight(32, 62, None), at(62)), Next::Step);
        assert_eq!(held.step(), (Step::Offered, at(62), 1));
        assert_eq!(held.go_on(&sight(63, 92, None), at(92)), Next::Wait);
        assert_eq!(
            held.go_on(&sight(63, 93, None), at(93)),
            Next::Step,
            "it may have the new one, and be refused"
        );
        assert_eq!(held.step(), (Step::Tried(None), at(93), 2));
    }

    #[test]
    fn points_that_came_before_the_new_password_do_not_end_it() {
        let mut held = rotation();
        assert_eq!(held.go_on(&sight(1, 31, None), at(31)), Next::Step);
        assert_eq!(
            held.go_on(&sight(32, 33, Some(33)), at(33)),
            Next::Noted,
            "posted at 31, and first seen now"
        );
        assert_eq!(held.go_on(&sight(32, 34, Some(33)), at(34)), Next::Wait);
    }

    #[test]
    fn a_device_that_moves_is_offered_its_password_once_it_posts_where_it_belongs() {
        let mut held = Held::new("OLD".into(), Some(Uuid::from_u128(2)), Uuid::from_u128(1), at(0));
        assert_eq!(held.in_force().unwrap().from, Some(Uuid::from_u128(2)));
        assert_eq!(held.go_on(&sight(1, 500, None), at(500)), Next::Wait, "however long it takes");
        assert_eq!(held.go_on(&sight(1, 502, Some(501)), at(502)), Next::Step);
        assert_eq!(held.in_force().unwrap().from, None);
    }

    #[test]
    fn nothing_is_concluded_while_influxdb_does_not_hold_it_or_is_away() {
        let mut held = rotation();
        let unsettled = Sight { settled: None, ..sight(1, 500, None) };
        assert_eq!(held.go_on(&unsettled, at(500)), Next::Wait);
        assert_eq!(held.go_on(&sight(490, 480, None), at(900)), Next::Wait, "the last look was before");
        let never = Sight { seen: Seen::default(), ..sight(1, 500, None) };
        assert_eq!(held.go_on(&never, at(500)), Next::Wait);
    }

    #[test]
    fn it_is_of_the_record_until_that_changes_in_another_way() {
        let new = device(9, Some(1));
        let mut held = rotation();
        assert!(held.is_of(&new));
        assert!(!held.is_of(&Device { password: "OLD".into(), ..new.clone() }), "never rotated");
        held.want(&new);
        assert!(held.is_of(&new));
        assert!(!held.is_of(&Device { password: "OTHER".into(), ..new.clone() }));
        assert!(!held.is_of(&Device { owner: None, ..new.clone() }));
        assert!(!held.is_over(&new) && held.is_over(&Device { owner: None, ..new.clone() }));
        assert!(
            !rotation().is_over(&Device { password: "OLD".into(), ..new }),
            "the record is about to be changed"
        );
    }
}
