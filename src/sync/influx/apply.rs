//! Carries out the steps of a plan.

use chrono::{DateTime, Utc};

use super::change::{Action, Change};
use super::client::Client;
use super::desired::Line;
use super::line::config_point;
use super::server::Server;
use super::statement::Statement;
use crate::sync::link::Trouble;
use crate::sync::record::Record;
use crate::sync::{Clock, apply};

/// The last moment that InfluxDB 1.x can store, in nanoseconds since 1970.
const END_OF_TIME: i64 = i64::MAX - 1;

/// Changes an InfluxDB.
pub struct Executor {
    /// Which one.
    pub server: Server,
    /// The time, for config points.
    pub clock: Clock,
}

impl apply::Executor<Change> for Executor {
    async fn carry_out(&self, action: &Action) -> Result<(), Trouble> {
        let now = (self.clock)();
        match &self.server {
            Server::One(client) => carry_out(client, action, now).await,
            Server::Two(organization) => organization.carry_out(action, now).await,
        }
    }

    async fn ping(&self) -> Result<(), Trouble> {
        self.server.client().ping().await.map(drop)
    }
}

/// Does one action in a 1.x.
async fn carry_out(client: &Client, action: &Action, now: DateTime<Utc>) -> Result<(), Trouble> {
    let user = action.record.user();
    let statement = match &action.change {
        Change::CreateDatabase { database, retention } => {
            Statement::create_database(&database.to_string(), *retention)
        }
        Change::SetRetention { database, policy, lasts } => {
            Statement::set_retention(&database.to_string(), policy, *lasts)
        }
        Change::CreateUser(password) => {
            let created = client.execute(&Statement::create_user(&user, password)).await;
            // Made by someone else since it was looked for, with another password.
            if !refused_as(&created, "user already exists") {
                return created;
            }
            Statement::set_password(&user, password)
        }
        Change::SetPassword(password) => Statement::set_password(&user, password),
        Change::Grant(grant) => Statement::grant(grant.privilege, &grant.database.to_string(), &user),
        Change::Revoke(database) => {
            let revoked = client.execute(&Statement::revoke(database, &user)).await;
            // Dropped since it was looked at, and the rights with it.
            return if refused_as(&revoked, "database not found") { Ok(()) } else { revoked };
        }
        Change::RevokeAdmin => Statement::revoke_admin(&user),
        Change::WriteConfigLine { line, after } => {
            return write_config_line(client, action.record, line, *after, now).await;
        }
        Change::DropUser => {
            let dropped = client.execute(&Statement::drop_user(&user)).await;
            return if refused_as(&dropped, "user not found") { Ok(()) } else { dropped };
        }
        Change::DropDatabase(database) => Statement::drop_database(&database.to_string()),
        Change::Authorize { .. } | Change::Activate(_) => {
            return Err(Trouble::Rejected("InfluxDB 1 knows no authorizations".into()));
        }
    };
    client.execute(&statement).await
}

/// Writes a config line behind the point that answers the device so far.
pub async fn write_config_line(
    client: &Client,
    record: Record,
    line: &Line,
    after: Option<i64>,
    now: DateTime<Utc>,
) -> Result<(), Trouble> {
    let time = time_of_point(now, after)?;
    client.write(line.database, config_point(line.text.expose(), record.uuid, time)).await
}

/// InfluxDB tells failures apart by their text alone.
fn refused_as(result: &Result<(), Trouble>, text: &str) -> bool {
    matches!(result, Err(Trouble::Rejected(reason)) if reason.starts_with(text))
}

/// The time for a config point: now, but always after the point that answers the device so far, be it
/// because our clock went back or because that one was written ahead of time.
fn time_of_point(now: DateTime<Utc>, after: Option<i64>) -> Result<i64, Trouble> {
    let now = now.timestamp_nanos_opt().unwrap_or(END_OF_TIME);
    match after {
        Some(after) if after >= END_OF_TIME => Err(Trouble::Rejected(
            "a point at the end of time hides the config line: delete it from series config".into(),
        )),
        Some(after) => Ok(now.max(after + 1)),
        None => Ok(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_point_is_always_the_last_one() {
        let now = DateTime::from_timestamp_nanos(1_000);
        assert_eq!(time_of_point(now, None), Ok(1_000));
        assert_eq!(time_of_point(now, Some(10)), Ok(1_000));
        assert_eq!(time_of_point(now, Some(1_000)), Ok(1_001), "two changes within the clock's step");
        assert_eq!(time_of_point(now, Some(5_000)), Ok(5_001), "the clock went back");
        assert!(time_of_point(now, Some(END_OF_TIME)).is_err());
    }
}
