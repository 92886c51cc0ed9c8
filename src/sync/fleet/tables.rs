//! From the store's tables to what their records ask for.

use std::collections::BTreeSet;

use super::dues::Dues;
use super::{Device, Fleet, Owner, Terms};
use crate::resource::payments::NAME as PAYMENTS;
use crate::resource::{Karana, Kind, State, User};
use crate::store::{Record, Snapshot};
use crate::sync::record::Resource;
use serde::de::DeserializeOwned;
use uuid::Uuid;

impl Terms {
    /// What the records ask for. Every user has a database, whatever its role: any may be given a device.
    pub fn fleet(&self, tables: &Snapshot) -> Fleet {
        let dues = self.dues(tables, |kind| tables.records(kind).collect());
        let [users, karanas] = ["users", "karanas"].map(|name| tables.kinds().get(name).into_iter());
        self.handovers.overlay(Fleet {
            owners: users
                .flat_map(|kind| tables.records(kind).map(|record| owner(kind, record, &dues)))
                .collect(),
            devices: karanas
                .flat_map(|kind| tables.records(kind).map(|record| device(kind, record, &dues)))
                .collect(),
        })
    }

    /// What one record of a device says, whatever the device goes by.
    pub fn device(tables: &Snapshot, uuid: Uuid) -> Option<Device> {
        let kind = tables.kinds().get("karanas")?;
        Some(device(kind, tables.get(kind, uuid)?, &Dues::default()))
    }

    /// The part of it that some records are in: what they ask for follows from their owners and from all the devices of
    /// these.
    pub fn around(
        &self,
        tables: &Snapshot,
        resource: Resource,
        records: impl Iterator<Item = Uuid>,
    ) -> Fleet {
        let (Some(users), Some(karanas)) = (tables.kinds().get("users"), tables.kinds().get("karanas"))
        else {
            return Fleet::default();
        };
        let (mut owners, mut devices) = (BTreeSet::new(), BTreeSet::new());
        for uuid in records {
            match resource {
                Resource::Users => _ = owners.insert(uuid),
                Resource::Karanas => {
                    devices.insert(uuid);
                    let record = tables.get(karanas, uuid);
                    owners.extend(record.and_then(|record| tables.owner_of(karanas, record)));
                    owners.extend(self.handovers.former_owner(uuid));
                }
            }
        }
        owners.iter().for_each(|owner| devices.extend(tables.belonging_to(karanas, *owner)));
        let dues = self.dues(tables, |kind| {
            let paid = owners.iter().flat_map(|owner| tables.belonging_to(kind, *owner));
            paid.filter_map(|uuid| tables.get(kind, uuid)).collect()
        });
        let owners = owners.into_iter().filter_map(|uuid| tables.get(users, uuid));
        let devices = devices.into_iter().filter_map(|uuid| tables.get(karanas, uuid));
        self.handovers.overlay(Fleet {
            owners: owners.map(|record| owner(users, record, &dues)).collect(),
            devices: devices.map(|record| device(karanas, record, &dues)).collect(),
        })
    }

    /// What some of the payments say, if anything depends on them.
    fn dues<'a>(&self, tables: &'a Snapshot, some: impl FnOnce(&'a Kind) -> Vec<&'a Record>) -> Dues {
        let Some(kind) = tables.kinds().get(PAYMENTS).filter(|_| self.suspend_unpaid) else {
            return Dues::default();
        };
        Dues::of(some(kind).into_iter().map(|record| parsed(kind, record)), (self.clock)())
    }
}

fn owner(kind: &Kind, record: &Record, dues: &Dues) -> Owner {
    let user: User = parsed(kind, record);
    let unpaid_since = dues.owner(user.uuid);
    Owner {
        uuid: user.uuid,
        suspended: user.state == State::Suspended || unpaid_since.is_some(),
        unpaid_since,
        password: user.password_influx,
        email: user.email,
        name: user.name,
        password_grafana: user.password_grafana.unwrap_or_default(),
    }
}

fn device(kind: &Kind, record: &Record, dues: &Dues) -> Device {
    let karana: Karana = parsed(kind, record);
    let unpaid_since = dues.device(karana.owner, karana.uuid);
    Device {
        uuid: karana.uuid,
        owner: karana.owner,
        suspended: karana.state == State::Suspended || unpaid_since.is_some(),
        unpaid_since,
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
