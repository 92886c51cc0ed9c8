//! The records that back ends are synced with, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The resource a record belongs to.
///
/// The order is the order of work: a device is granted rights on a database that its owner's record asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Owners.
    Users,
    /// Devices.
    Karanas,
}

impl Resource {
    /// The one of that name; none for resources that no back end knows.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Users, Self::Karanas].into_iter().find(|one| one.to_string() == name)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Karanas => "karanas",
        })
    }
}

/// A record, as other parts of the server and the log name it: `users/4e1fcc06-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Record {
    /// What it is.
    pub resource: Resource,
    /// Which one.
    pub uuid: Uuid,
}

impl Record {
    /// An owner's record.
    pub fn owner(uuid: Uuid) -> Self {
        Self { resource: Resource::Users, uuid }
    }

    /// A device's record.
    pub fn device(uuid: Uuid) -> Self {
        Self { resource: Resource::Karanas, uuid }
    }

    /// The name of the record's user in InfluxDB.
    pub fn user(&self) -> String {
        self.uuid.to_string()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource, self.uuid)
    }
}

/// A text that names no record.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} names no record")]
pub struct UnknownRecord(String);

impl FromStr for Record {
    type Err = UnknownRecord;

    fn from_str(text: &str) -> Result<Self, UnknownRecord> {
        let unknown = || UnknownRecord(text.to_owned());
        let (resource, uuid) = text.split_once('/').ok_or_else(unknown)?;
        let resource = [Resource::Users, Resource::Karanas]
            .into_iter()
            .find(|known| known.to_string() == resource)
            .ok_or_else(unknown)?;
        Ok(Self { resource, uuid: Uuid::try_parse(uuid).map_err(|_| unknown())? })
    }
}

/// A record as text, such as the key of a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Key(pub Record);

impl From<Key> for String {
    fn from(Key(record): Key) -> Self {
        record.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = UnknownRecord;

    fn try_from(text: String) -> Result<Self, UnknownRecord> {
        text.parse().map(Self)
    }
}
