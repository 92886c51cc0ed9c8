//! What is changed in an InfluxDB, step by step.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

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
    /// Makes the user with all its rights (2.x, where a user's rights cannot be changed).
    Authorize {
        /// Its password.
        password: Secret,
        /// Its rights, at least one.
        grants: BTreeSet<Grant>,
        /// Whether it may use them.
        active: bool,
    },
    /// Lets the user use its rights, or not (2.x).
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
    pub fn facet(&self) -> Facet {
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
}

impl plan::Change for Change {
    type Stage = Stage;

    const BACK_END: &'static str = crate::sync::INFLUXDB;

    fn words(&self, _: Record) -> String {
        match self {
            Self::CreateDatabase { database, retention: None } => format!("create database {database}"),
            Self::CreateDatabase { database, retention: Some(lasts) } => {
                format!("create database {database}, which keeps points for {}", span(*lasts))
            }
            Self::SetRetention { database, lasts: None, .. } => {
                format!("have database {database} keep all points")
            }
            Self::SetRetention { database, lasts: Some(lasts), .. } => {
                format!("have database {database} drop points that are older than {}", span(*lasts))
            }
            Self::Authorize { grants, active: true, .. } => {
                let right = |Grant { database, privilege }: &Grant| format!("{privilege} on {database}");
                format!("create the user with {}", grants.iter().map(right).collect::<Vec<_>>().join(", "))
            }
            Self::Authorize { active: false, .. } => "create the user, inactive".into(),
            Self::Activate(true) => "make the user active".into(),
            Self::Activate(false) => "make the user inactive".into(),
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
        matches!(self, Self::Revoke(_) | Self::Activate(false) | Self::RevokeAdmin | Self::DropUser)
    }
}

/// A length of time in the largest unit that it is a whole number of.
pub fn span(lasts: Duration) -> String {
    let seconds = lasts.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "s"));
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
        let grants = [Grant { database: uuid, privilege: Privilege::Read }].into();
        for change in [
            Change::Authorize { password: Secret::new("S3CRET"), grants, active: true },
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
