//! What the records ask for, free of the store's types, so that sync can be read and tested without a store.

mod dues;
mod tables;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::handover::Handovers;
use super::record::Record;
use crate::store::Clock;

/// By which terms the records are read.
#[derive(Clone)]
pub struct Terms {
    /// Whether owners and devices are suspended that are not paid for any more.
    pub suspend_unpaid: bool,
    /// Which devices go by something else than their records for now.
    pub handovers: Handovers,
    /// Tells until when something is paid.
    pub clock: Clock,
}

/// Every owner and every device on record, at one moment.
///
/// None of these types implements `Debug`: they hold passwords in plain text.
#[derive(Clone, Default)]
pub struct Fleet {
    /// The owners: records of the resource `users`.
    pub owners: Vec<Owner>,
    /// The devices: records of the resource `karanas`.
    pub devices: Vec<Device>,
}

impl Fleet {
    /// Every record in it.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let owners = self.owners.iter().map(|owner| Record::owner(owner.uuid));
        owners.chain(self.devices.iter().map(|device| Record::device(device.uuid)))
    }

    /// The records that are suspended because they are not paid for, and since when.
    pub fn unpaid(&self) -> BTreeMap<Record, DateTime<Utc>> {
        let owners: BTreeMap<Uuid, DateTime<Utc>> =
            self.owners.iter().filter_map(|owner| Some((owner.uuid, owner.unpaid_since?))).collect();
        let devices = self.devices.iter().filter_map(|device| {
            let of_owner = || owners.get(&device.owner?).copied();
            Some((Record::device(device.uuid), device.unpaid_since.or_else(of_owner)?))
        });
        owners.iter().map(|(owner, since)| (Record::owner(*owner), *since)).chain(devices).collect()
    }
}

/// An owner: has a database and a user that reads it; in Grafana an organization and a user that looks at it.
#[derive(Clone)]
pub struct Owner {
    /// Names the record, the database and the InfluxDB user.
    pub uuid: Uuid,
    /// `password_influx` of the record.
    pub password: String,
    /// A suspended owner, and every device of it, is granted nothing, and does not get into Grafana.
    pub suspended: bool,
    /// Since when it is suspended for want of a payment.
    pub unpaid_since: Option<DateTime<Utc>>,
    /// `email` of the record: the login of its Grafana user.
    pub email: String,
    /// `name` of the record; may be empty.
    pub name: String,
    /// `password_grafana` of the record; empty when it has none.
    pub password_grafana: String,
}

/// A device: has a user that reads and writes its owner's database, and a configuration line in there.
#[derive(Clone)]
pub struct Device {
    /// Names the record and the InfluxDB user.
    pub uuid: Uuid,
    /// The owner's record; a device without one is in stock and has no user.
    pub owner: Option<Uuid>,
    /// `config.password` of the record.
    pub password: String,
    /// `config.series`: the measurement that the device writes to.
    pub series: String,
    /// `config.signal`, in the unit that the firmware takes it for.
    pub signal: i64,
    /// `config.post_int`, in the unit that the firmware takes it for.
    pub post_int: i64,
    /// `config.get_int`, in the unit that the firmware takes it for.
    pub get_int: i64,
    /// A suspended device is granted nothing.
    pub suspended: bool,
    /// Since when it is suspended for want of a payment for it.
    pub unpaid_since: Option<DateTime<Utc>>,
    /// `name` of the record: the title of its dashboard.
    pub name: String,
    /// Set while the device in the field is being handed over to what its record says.
    pub handover: Option<Handover>,
    /// `kid` of the record: how the device may call itself in the tag `KID`, beside its uuid.
    pub kid: Option<String>,
}

/// What a device in the field still goes by, while it learns what its record says.
#[derive(Clone)]
pub struct Handover {
    /// The password that it has, and that InfluxDB takes for the time being.
    pub password: String,
    /// The owner in whose database it polls its configuration until it posts to its new owner's; none when it does not move.
    pub from: Option<Uuid>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sync::InfluxSettings;

    pub fn owner(n: u128) -> Owner {
        Owner {
            uuid: Uuid::from_u128(n),
            password: format!("P{n}"),
            suspended: false,
            unpaid_since: None,
            email: format!("o{n}@example.com"),
            name: format!("Owner {n}"),
            password_grafana: format!("G{n}"),
        }
    }

    pub fn device(n: u128, owner: Option<u128>) -> Device {
        Device {
            uuid: Uuid::from_u128(n),
            owner: owner.map(Uuid::from_u128),
            password: format!("P{n}"),
            series: "data".into(),
            signal: 10,
            post_int: 30,
            get_int: 6,
            suspended: false,
            unpaid_since: None,
            name: format!("K{n}"),
            kid: None,
            handover: None,
        }
    }

    pub fn influx() -> InfluxSettings {
        InfluxSettings {
            host: "127.0.0.1".into(),
            port: 8086,
            user: "admin".into(),
            pass: "secret".into(),
            ssl: false,
            device_host: "influx.test".into(),
            device_port: 8086,
        }
    }
}
