//! What is changed in an InfluxDB, step by step.

use std::fmt;

use uuid::Uuid;

use super::applied::Facet;
use super::desired::{Grant, Line, Privilege};
use crate::sync::plan;
use crate::sync::record::Record;
use crate::sync::secret::Secret;

/// A step for one record.
pub type Action = plan::Action<Change>;

/// All there is to do.
pub type Plan = plan::Plan<Change>;

/// The parts of a plan, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What only takes away. First, and never behind the making of users, which takes InfluxDB a while: access should end no
    /// later than it must.
    Withdrawals,
    /// What owners ask for: the databases above all.
    Owners,
    /// What devices ask for, in the owners' databases.
    Devices,
}

/// What an [`Action`] changes in InfluxDB. "The user" is the InfluxDB user of the action's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes a database.
    CreateDatabase(Uuid),
    /// Makes the user, without any right.
    CreateUser(Secret),
    /// Gives the user another password.
    SetPassword(Secret),
    /// Gives the user a right on a database, in place of the one it may have there.
    Grant(Grant),
    /// Takes all rights on a database from the user. The name is whatever the server told.
    Revoke(String),
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
    pub fn facet(&self) -> Facet {
        match self {
            Self::CreateUser(_) | Self::SetPassword(_) | Self::DropUser => Facet::Password,
            // Rights live and die with their database.
            Self::CreateDatabase(_) | Self::DropDatabase(_) => Facet::Access,
            Self::Grant(_) | Self::Revoke(_) | Self::RevokeAdmin => Facet::Access,
            Self::WriteConfigLine { .. } => Facet::Line,
        }
    }
}

impl plan::Change for Change {
    type Stage = Stage;

    const BACK_END: &'static str = crate::sync::INFLUXDB;

    fn words(&self, _: Record) -> String {
        match self {
            Self::CreateDatabase(database) => format!("create database {database}"),
            Self::CreateUser(_) => "create the user".into(),
            Self::SetPassword(_) => "set the user's password".into(),
            Self::Grant(Grant { database, privilege }) => format!("grant the user {privilege} on {database}"),
            Self::Revoke(database) => format!("revoke the user's rights on {database:?}"),
            Self::RevokeAdmin => "revoke the user's rights as administrator".into(),
            Self::WriteConfigLine { line, .. } => format!("write the config line into {}", line.database),
            Self::DropUser => "drop the user".into(),
            Self::DropDatabase(database) => format!("drop database {database} with all its data"),
        }
    }

    fn ends_access(&self) -> bool {
        matches!(self, Self::Revoke(_) | Self::RevokeAdmin | Self::DropUser)
    }
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
        let line = Line { database: uuid, text: Secret::new("%host:8086%data%S3CRET%") };
        for change in [
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
