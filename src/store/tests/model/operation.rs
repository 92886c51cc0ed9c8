//! What may happen to a store, and how often.
//!
//! An operation names no record: it holds numbers, by which one is picked among those that are there when it is its turn.
//! So any part of a sequence is a sequence too, which is what makes shrinking work.

use super::tables::{Deed, Key, Model, RESOURCES, Resource};
use crate::resource::Entry;
use crate::store::Dependents;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// So many uuids are ever used, by all resources together: they come again, and meet.
pub const UUIDS: u8 = 9;

#[derive(Debug, Clone)]
pub struct Sequence {
    /// The size of the log's files.
    pub log_size: u64,
    pub begin: i64,
    pub operations: Vec<Operation>,
    pub fsck: bool,
}

#[derive(Debug, Clone)]
pub enum Operation {
    Write(Vec<Step>),
    /// By several at once; `one_batch`: they wait in the queue until all of them are in it.
    Together {
        writes: Vec<Vec<Step>>,
        one_batch: bool,
    },
    /// One after the other, each into a pack of its own.
    Many {
        steps: Vec<Step>,
        times: u8,
    },
    RotateKey,
    Restore {
        record: Pick,
        then: u16,
    },
    Reopen,
    Crash {
        in_flight: InFlight,
        torn: Torn,
        power: Option<PowerCut>,
    },
    /// Seconds, back or forth.
    Clock(i64),
    Flush,
    /// Milliseconds, in which the repository may catch up.
    Pause(u8),
    Check,
    At {
        then: u16,
    },
    AtTime {
        then: u16,
        seconds: i64,
    },
    History {
        record: Pick,
    },
    RecordAt {
        record: Pick,
        then: u16,
    },
}

/// A part of a write.
#[derive(Debug, Clone)]
pub struct Step {
    pub resource: Resource,
    pub record: Pick,
    pub act: Act,
}

#[derive(Debug, Clone)]
pub enum Act {
    /// Replaces what is there, otherwise inserts.
    Put(Content),
    Insert(Content),
    Replace(Content),
    Delete(Dependents),
}

/// Picks one of the records that are there; now and then one that may not be.
#[derive(Debug, Clone, Copy)]
pub struct Pick(pub u8);

#[derive(Debug, Clone)]
pub struct Content {
    address: u8,
    refers_to: (Pick, Pick),
    is_owned: bool,
    kid: u8,
    length: u16,
    secret: u8,
    broken: bool,
}

/// What was sent when the end came, and is not answered.
#[derive(Debug, Clone)]
pub enum InFlight {
    Nothing,
    Writes(Vec<Vec<Step>>),
    KeyRotation,
}

/// What of the log's last record is on the disk.
#[derive(Debug, Clone)]
pub enum Torn {
    Nothing,
    /// The first of so many thousandths.
    Beginning(u16),
    /// Some of its sectors.
    Sectors(u64),
    /// So many thousandths, then something else.
    Garbage(u16),
    /// All of it: only the answer is missing.
    Whole,
    /// All of it, and what was to be written behind it.
    Behind,
}

/// What a power cut does to files that were not synced. Each number is drawn from where there is something to choose.
#[derive(Debug, Clone)]
pub struct PowerCut {
    pub packs: Vec<u8>,
    pub branch: u8,
    pub history: u8,
    pub leftovers: u8,
}

pub fn uuid(number: u8) -> Uuid {
    let number = u128::from(number);
    // They share folders, one, two or three levels deep.
    let folders = (number % 2) << 8 | (number % 3) << 4 | (number / 4 % 2);
    Uuid::from_u128(folders << 116 | (0x4000_8000_0000_0000_0000 + number))
}

impl Pick {
    /// The record that is picked.
    fn of(self, model: &Model, resource: Resource) -> Uuid {
        let of_resource = model.newest().tables.keys().filter(|key| key.0 == resource);
        self.one_of(of_resource.map(|key| key.1).collect())
    }

    /// A record that there is, was, or never will be.
    pub fn any(self, model: &Model) -> Key {
        let resource = RESOURCES[usize::from(self.0) % 4];
        (resource, Pick(self.0 / 4).of(model, resource))
    }

    fn one_of(self, there: Vec<Uuid>) -> Uuid {
        let number = usize::from(self.0 / 8);
        match there.len() {
            0 => uuid(self.0 % UUIDS),
            _ if self.0.is_multiple_of(8) => uuid(number as u8 % UUIDS),
            count => there[number % count],
        }
    }
}

impl Step {
    /// The same again, but not quite.
    pub fn varied(&self, by: u8) -> Self {
        let mut step = self.clone();
        step.record.0 = step.record.0.wrapping_add(by.wrapping_mul(8));
        if let Act::Put(content) | Act::Insert(content) | Act::Replace(content) = &mut step.act {
            content.address = content.address.wrapping_add(by);
            content.length += u16::from(by);
            content.length %= 4096;
        }
        step
    }

    /// What it does, given what there is.
    pub fn deed(&self, model: &Model) -> Deed {
        let resource = self.resource;
        let fresh = (resource, uuid(self.record.0 % UUIDS));
        let there = (resource, self.record.of(model, resource));
        match &self.act {
            Act::Delete(dependents) => Deed::Delete(there, *dependents),
            Act::Insert(content) => Deed::Insert(fresh, content.entry(model, fresh)),
            Act::Replace(content) => Deed::Replace(there, content.entry(model, there)),
            Act::Put(content) if model.newest().tables.contains_key(&fresh) => {
                Deed::Replace(fresh, content.entry(model, fresh))
            }
            Act::Put(content) => Deed::Insert(fresh, content.entry(model, fresh)),
        }
    }
}

impl Content {
    fn entry(&self, model: &Model, (resource, uuid): Key) -> Entry {
        let refers_to = |pick: Pick, resource| pick.of(model, resource).to_string();
        let text = "a line\nand \"an\" ö ".chars().cycle();
        let text: String = text.skip(usize::from(self.kid)).take(usize::from(self.length)).collect();
        let password = format!("{:A>16}", self.secret % 3);
        let mut entry = match resource {
            Resource::Users => {
                let number = self.address % 8;
                let address = if self.address < 128 { "u{}@example.com" } else { "U{}@Example.COM" };
                let address = address.replace("{}", &number.to_string());
                json!({
                    "name": text.chars().take(256).collect::<String>(), "email": address, "role": "client",
                    "password_influx": password, "password_grafana": password, "state": "active", "token_epoch": self.kid,
                    "credentials": {"login": address, "password": format!("$6$salt${}", "h".repeat(85)) + &(self.secret % 2).to_string()},
                })
            }
            Resource::Karanas => {
                let owner = self.is_owned.then(|| refers_to(self.refers_to.0, Resource::Users));
                let kid = (self.kid < 3).then(|| format!("k{}", self.kid));
                json!({
                    "name": "K1", "note": text, "owner": owner, "kid": kid, "state": "active",
                    "config": {"series": "data", "password": password, "signal": 1, "post_int": 2, "get_int": 1 + u16::from(self.address)},
                })
            }
            Resource::Maintenances => json!({
                "karana": refers_to(self.refers_to.1, Resource::Karanas), "date": "2026-01-31",
                "technician": "Bob", "description": text, "state": "open",
            }),
            Resource::Payments => json!({
                "owner": refers_to(self.refers_to.0, Resource::Users),
                "karana": refers_to(self.refers_to.1, Resource::Karanas),
                "amount": i64::from(self.length) - 100, "currency": "EUR",
                "paid_at": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z",
            }),
        };
        entry["uuid"] = uuid.to_string().into();
        if !self.broken {
            entry["created_at"] = "2026-01-01T00:00:00.000000+00:00".into();
        }
        let Value::Object(entry) = entry else { unreachable!() };
        entry
    }
}

prop_compose! {
    fn content()(
        address in any::<u8>(),
        refers_to in (picks(), picks()),
        is_owned in prop::bool::weighted(0.7),
        kid in 0..6_u8,
        length in prop_oneof![6 => 0..60_u16, 2 => 60..600_u16, 2 => 600..4097_u16],
        secret in any::<u8>(),
        broken in prop::bool::weighted(0.05),
    ) -> Content {
        Content { address, refers_to, is_owned, kid, length, secret, broken }
    }
}

fn picks() -> impl Strategy<Value = Pick> {
    any::<u8>().prop_map(Pick)
}

fn step() -> impl Strategy<Value = Step> {
    let resource = prop_oneof![
        3 => Just(Resource::Users),
        4 => Just(Resource::Karanas),
        2 => Just(Resource::Maintenances),
        2 => Just(Resource::Payments),
    ];
    let dependents =
        prop_oneof![Just(Dependents::AsDeclared), Just(Dependents::Release), Just(Dependents::Delete)];
    let act = prop_oneof![
        5 => content().prop_map(Act::Put),
        3 => content().prop_map(Act::Insert),
        3 => content().prop_map(Act::Replace),
        2 => dependents.prop_map(Act::Delete),
    ];
    (resource, picks(), act).prop_map(|(resource, record, act)| Step { resource, record, act })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![5 => vec(step(), 1), 2 => vec(step(), 2..5), 1 => vec(step(), 5..12)]
}

fn writes() -> impl Strategy<Value = Vec<Vec<Step>>> {
    vec(steps(), 1..8)
}

fn crash() -> impl Strategy<Value = Operation> {
    let in_flight = prop_oneof![
        3 => Just(InFlight::Nothing),
        6 => writes().prop_map(InFlight::Writes),
        1 => Just(InFlight::KeyRotation),
    ];
    let torn = prop_oneof![
        1 => Just(Torn::Nothing),
        2 => (0..1000_u16).prop_map(Torn::Beginning),
        2 => any::<u64>().prop_map(Torn::Sectors),
        1 => (0..1000_u16).prop_map(Torn::Garbage),
        2 => Just(Torn::Whole),
        3 => Just(Torn::Behind),
    ];
    let power = (vec(any::<u8>(), 8), any::<u8>(), any::<u8>(), any::<u8>())
        .prop_map(|(packs, branch, history, leftovers)| PowerCut { packs, branch, history, leftovers });
    (in_flight, torn, prop::option::weighted(0.7, power))
        .prop_map(|(in_flight, torn, power)| Operation::Crash { in_flight, torn, power })
}

fn operation() -> impl Strategy<Value = Operation> {
    const YEARS: i64 = 3 * 365 * 24 * 3600;
    let seconds = prop_oneof![-100..100_i64, -YEARS..YEARS];
    prop_oneof![
        16 => steps().prop_map(Operation::Write),
        6 => (writes(), any::<bool>())
            .prop_map(|(writes, one_batch)| Operation::Together { writes, one_batch }),
        1 => (steps(), 2..48_u8).prop_map(|(steps, times)| Operation::Many { steps, times }),
        1 => Just(Operation::RotateKey),
        2 => (picks(), any::<u16>()).prop_map(|(record, then)| Operation::Restore { record, then }),
        1 => Just(Operation::Reopen),
        5 => crash(),
        4 => seconds.prop_map(Operation::Clock),
        2 => Just(Operation::Flush),
        1 => (1..8_u8).prop_map(Operation::Pause),
        1 => Just(Operation::Check),
        2 => any::<u16>().prop_map(|then| Operation::At { then }),
        2 => (any::<u16>(), -2..3_i64).prop_map(|(then, seconds)| Operation::AtTime { then, seconds }),
        2 => picks().prop_map(|record| Operation::History { record }),
        2 => (picks(), any::<u16>()).prop_map(|(record, then)| Operation::RecordAt { record, then }),
    ]
}

pub fn sequences() -> impl Strategy<Value = Sequence> {
    let log_size = prop_oneof![Just(4_u64), Just(8), Just(16), Just(64), Just(256)].prop_map(|kib| kib << 10);
    let begin = prop_oneof![4 => Just(1_700_000_000_i64), 1 => 0..5_000_000_000_i64];
    let operations = vec(operation(), 1..40);
    (log_size, begin, operations, prop::bool::weighted(0.01))
        .prop_map(|(log_size, begin, operations, fsck)| Sequence { log_size, begin, operations, fsck })
}
