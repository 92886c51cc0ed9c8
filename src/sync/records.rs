//! From the store's records to what they ask for.

use super::fleet::{Device, Fleet, Owner};
use crate::resource::{Karana, State, User};
use crate::store::Snapshot;
use serde::de::DeserializeOwned;

impl Fleet {
    /// What the records ask for. Every user has a database, whatever its role: any may be given a device.
    pub fn of(tables: &Snapshot) -> Self {
        let owners = parsed::<User>(tables, "users")
            .map(|user| Owner {
                uuid: user.uuid,
                suspended: user.state == State::Suspended,
                password: user.password_influx,
                email: user.email,
                name: user.name,
                password_grafana: user.password_grafana.unwrap_or_default(),
            })
            .collect();
        let devices = parsed::<Karana>(tables, "karanas")
            .map(|karana| Device {
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
            })
            .collect();
        Self { owners, devices }
    }
}

fn parsed<'a, T: DeserializeOwned>(tables: &'a Snapshot, resource: &'a str) -> impl Iterator<Item = T> {
    let records = tables.kinds().get(resource).into_iter().flat_map(|kind| tables.records(kind));
    // Every record has passed the import schema that is derived from the struct. Were one left out here, sync would
    // take it for deleted: better that the round fails as a whole (it catches this).
    records.map(move |record| {
        record.parse().unwrap_or_else(|reason: serde_json::Error| {
            // Not the reason's text: it quotes values.
            let (uuid, line) = (record.uuid(), reason.line());
            unreachable!("{resource}/{uuid} passed its schema and cannot be read (line {line})")
        })
    })
}
