//! From the store's tables to what their records ask for.

use std::collections::BTreeSet;

use super::{Device, Fleet, Owner};
use crate::resource::{Karana, Kind, State, User};
use crate::store::{Record, Snapshot};
use crate::sync::record::Resource;
use serde::de::DeserializeOwned;
use uuid::Uuid;

impl Fleet {
    /// What the records ask for. Every user has a database, whatever its role: any may be given a device.
    pub fn of(tables: &Snapshot) -> Self {
        let [users, karanas] = ["users", "karanas"].map(|name| tables.kinds().get(name).into_iter());
        Self {
            owners: users.flat_map(|kind| tables.records(kind).map(|record| owner(kind, record))).collect(),
            devices: karanas
                .flat_map(|kind| tables.records(kind).map(|record| device(kind, record)))
                .collect(),
        }
    }

    /// The part of it that some records are in: what they ask for follows from their owners and from all the devices of
    /// these.
    pub fn around(tables: &Snapshot, resource: Resource, records: impl Iterator<Item = Uuid>) -> Self {
        let (Some(users), Some(karanas)) = (tables.kinds().get("users"), tables.kinds().get("karanas"))
        else {
            return Self::default();
        };
        let (mut owners, mut devices) = (BTreeSet::new(), BTreeSet::new());
        for uuid in records {
            match resource {
                Resource::Users => _ = owners.insert(uuid),
                Resource::Karanas => {
                    devices.insert(uuid);
                    let record = tables.get(karanas, uuid);
                    owners.extend(record.and_then(|record| tables.owner_of(karanas, record)));
                }
            }
        }
        owners.iter().for_each(|owner| devices.extend(tables.belonging_to(karanas, *owner)));
        let owners = owners.into_iter().filter_map(|uuid| tables.get(users, uuid));
        let devices = devices.into_iter().filter_map(|uuid| tables.get(karanas, uuid));
        Self {
            owners: owners.map(|record| owner(users, record)).collect(),
            devices: devices.map(|record| device(karanas, record)).collect(),
        }
    }
}

fn owner(kind: &Kind, record: &Record) -> Owner {
    let user: User = parsed(kind, record);
    Owner {
        uuid: user.uuid,
        suspended: user.state == State::Suspended,
        password: user.password_influx,
        email: user.email,
        name: user.name,
        password_grafana: user.password_grafana.unwrap_or_default(),
    }
}

fn device(kind: &Kind, record: &Record) -> Device {
    let karana: Karana = parsed(kind, record);
    Device {
        uuid: karana.uuid,
        owner: karana.owner,
        suspended: karana.state == State::Suspended,
        password: karana.config.password,
        series: karana.config.series,
        signal: karana.config.signal,
        post_int: karana.config.post_int,
        get_int: karana.config.get_int,
        name: karana.name,
        kid: karana.kid,
        handover: None,
    }
}

/// Every record has passed the import schema that is derived from the struct. Were one left out here, sync would take it
/// for deleted: better that the round fails as a whole (it catches this).
fn parsed<T: DeserializeOwned>(kind: &Kind, record: &Record) -> T {
    record.parse().unwrap_or_else(|reason: serde_json::Error| {
        // Not the reason's text: it quotes values.
        let (uuid, line) = (record.uuid(), reason.line());
        unreachable!("{}/{uuid} passed its schema and cannot be read (line {line})", kind.name())
    })
}
