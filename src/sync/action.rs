//! The steps a plan is made of.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::applied::Facet;
use super::desired::{Grant, Line, Privilege};
use super::outlook::Step;
use super::secret::Secret;

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

    /// The name of the record's InfluxDB user.
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

/// One step towards what the records ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The record it is done for; its InfluxDB user bears the same uuid.
    pub record: Record,
    /// What to do.
    pub change: Change,
    /// Why, in words.
    pub reason: String,
    /// Whether this has been done before and was undone by hand since.
    pub drift: bool,
}

impl Action {
    /// The same in words.
    pub(super) fn step(&self) -> Step {
        Step {
            backend: super::INFLUXDB,
            record: self.record,
            action: self.change.to_string(),
            reason: self.reason.clone(),
            drift: self.drift,
        }
    }
}

/// What an [`Action`] changes in InfluxDB. "The user" is the InfluxDB user of the action's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes a database.
    CreateDatabase {
        /// Its name.
        database: Uuid,
        /// How long it keeps points; none: for ever.
        retention: Option<Duration>,
    },
    /// Makes a database keep its points so long from now on, and drop those that are older.
    SetRetention {
        /// The database.
        database: Uuid,
        /// The retention policy that it has by default (1.x).
        policy: String,
        /// How long; none: for ever.
        lasts: Option<Duration>,
    },
    /// Makes the user, without any right.
    CreateUser(Secret),
    /// Gives the user another password.
    SetPassword(Secret),
    /// Gives the user a right on a database, in place of the one it may have there.
    Grant(Grant),
    /// Takes all rights on a database from the user. The name is whatever the server told.
    Revoke(String),
    /// Makes the user with its only right (2.x, where a user's rights cannot be changed).
    Authorize {
        /// Its password.
        password: Secret,
        /// Its right.
        grant: Grant,
        /// Whether it may use it.
        active: bool,
    },
    /// Lets the user use its right, or not (2.x).
    Activate(bool),
    /// Takes from the user the rights of an administrator.
    RevokeAdmin,
    /// Writes the line that the device polls its configuration from.
    WriteConfigLine {
        /// The line and where it goes.
        line: Line,
        /// Time of the point that answers the device now, in nanoseconds: the new one must be later.
        after: Option<i64>,
    },
    /// Removes the user.
    DropUser,
    /// Removes a database and all data in it.
    DropDatabase(Uuid),
}

impl Change {
    /// The part of what is known about the record that this change makes true.
    pub(super) fn facet(&self) -> Facet {
        match self {
            Self::CreateUser(_) | Self::SetPassword(_) | Self::Authorize { .. } | Self::DropUser => {
                Facet::Password
            }
            // Rights live and die with their database.
            Self::CreateDatabase { .. } | Self::DropDatabase(_) => Facet::Access,
            Self::Grant(_) | Self::Revoke(_) | Self::Activate(_) | Self::RevokeAdmin => Facet::Access,
            Self::SetRetention { .. } => Facet::Retention,
            Self::WriteConfigLine { .. } => Facet::Line,
        }
    }

    /// Whether all it does is to end access. Such a change waits for no other, and is right even when the
    /// steps before it failed.
    pub(super) fn ends_access(&self) -> bool {
        matches!(self, Self::Revoke(_) | Self::Activate(false) | Self::RevokeAdmin | Self::DropUser)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.record, self.change, self.reason)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateDatabase { database, retention: None } => write!(f, "create database {database}"),
            Self::CreateDatabase { database, retention: Some(lasts) } => {
                write!(f, "create database {database}, which keeps points for {}", span(*lasts))
            }
            Self::SetRetention { database, lasts: None, .. } => {
                write!(f, "have database {database} keep all points")
            }
            Self::SetRetention { database, lasts: Some(lasts), .. } => {
                write!(f, "have database {database} drop points that are older than {}", span(*lasts))
            }
            Self::Authorize { grant: Grant { database, privilege }, active: true, .. } => {
                write!(f, "create the user with {privilege} on {database}")
            }
            Self::Authorize { active: false, .. } => f.write_str("create the user, inactive"),
            Self::Activate(true) => f.write_str("make the user active"),
            Self::Activate(false) => f.write_str("make the user inactive"),
            Self::CreateUser(_) => f.write_str("create the user"),
            Self::SetPassword(_) => f.write_str("set the user's password"),
            Self::Grant(Grant { database, privilege }) => {
                write!(f, "grant the user {privilege} on {database}")
            }
            Self::Revoke(database) => write!(f, "revoke the user's rights on {database:?}"),
            Self::RevokeAdmin => f.write_str("revoke the user's rights as administrator"),
            Self::WriteConfigLine { line, .. } => {
                write!(f, "write the config line into {}", line.database)
            }
            Self::DropUser => f.write_str("drop the user"),
            Self::DropDatabase(database) => write!(f, "drop database {database} with all its data"),
        }
    }
}

/// A length of time in the largest unit that it is a whole number of.
pub(super) fn span(lasts: Duration) -> String {
    let seconds = lasts.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(unit, _)| seconds % unit == 0).unwrap_or((1, "s"));
    format!("{}{}", seconds / unit.0, unit.1)
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::All => "ALL",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_shown_without_its_password() {
        let uuid = Uuid::from_u128(7);
        let line = Line { database: uuid, text: Secret::new("%host:8086%data%S3CRET%"), lasts: None };
        let grant = Grant { database: uuid, privilege: Privilege::Read };
        for change in [
            Change::Authorize { password: Secret::new("S3CRET"), grant, active: true },
            Change::CreateUser(Secret::new("S3CRET")),
            Change::SetPassword(Secret::new("S3CRET")),
            Change::WriteConfigLine { line, after: None },
        ] {
            let action = Action { record: Record::device(uuid), change, reason: "new".into(), drift: false };
            assert!(!format!("{action} {action:?}").contains("S3CRET"));
            assert!(action.to_string().starts_with("karanas/00000000-0000-0000-0000-000000000007: "));
        }
    }
}
