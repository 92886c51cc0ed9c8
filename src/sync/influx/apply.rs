//! Carries out a plan.

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};

use super::client::{Client, Trouble};
use super::line::config_point;
use super::server::Server;
use super::statement::Statement;
use crate::sync::Clock;
use crate::sync::action::{Action, Change, Record};
use crate::sync::backend::Halt;
use crate::sync::desired::Line;
use crate::sync::plan::{Plan, Sequence};

/// Sequences at a time. InfluxDB, of either kind, spends its time on bcrypt, so that more would only wait there.
const AT_A_TIME: usize = 8;

/// The last moment that InfluxDB 1.x can store, in nanoseconds since 1970.
const END_OF_TIME: i64 = i64::MAX - 1;

/// What became of a sequence.
pub struct Outcome {
    /// The record it was for.
    pub record: Record,
    /// How many actions were done.
    pub done: usize,
    /// The actions that were not, each with the reason if it was tried.
    pub undone: Vec<(Action, Option<String>)>,
    /// Of when the config line is that was written, if one was.
    pub written: Option<DateTime<Utc>>,
}

/// Carries out `plan` stage by stage, as far as the stream is read, and goes on past what InfluxDB refuses.
/// As soon as `halt` says so, no further action is begun.
///
/// An error means that the server is gone, or lets us in no more: do not read on. Whether the actions under
/// way were done is unknown then.
pub fn apply<'a>(
    server: &'a Server,
    plan: Plan,
    clock: Clock,
    halt: &'a Halt<'a>,
) -> impl Stream<Item = Result<Outcome, Trouble>> {
    stream::iter(plan.into_stages()).flat_map(move |stage| {
        stream::iter(stage)
            .map(move |sequence| run(server, sequence, clock, halt))
            .buffer_unordered(AT_A_TIME)
    })
}

/// Runs one sequence. Once an action has failed, the later ones that build on it are left out; those that
/// only end access are still done.
async fn run(server: &Server, sequence: Sequence, clock: Clock, halt: &Halt<'_>) -> Result<Outcome, Trouble> {
    let mut outcome = Outcome { record: sequence.record, done: 0, undone: Vec::new(), written: None };
    for action in sequence.actions {
        let failed = !outcome.undone.is_empty();
        if halt() || (failed && !action.change.ends_access()) {
            outcome.undone.push((action, None));
            continue;
        }
        let now = clock();
        match server.carry_out(&action, now).await {
            Ok(()) => {
                tracing::info!(%action, "applied to InfluxDB");
                outcome.done += 1;
                if matches!(action.change, Change::WriteConfigLine { .. }) {
                    outcome.written = Some(now);
                }
            }
            Err(Trouble::Rejected(reason)) => outcome.undone.push((action, Some(reason))),
            Err(Trouble::Unreachable(reason)) => {
                // One request that got lost is this record's trouble; a server that is gone is everyone's.
                server.client().ping().await?;
                outcome.undone.push((action, Some(reason)));
            }
            Err(denied @ Trouble::Denied(_)) => return Err(denied),
        }
    }
    Ok(outcome)
}

/// Does one action in a 1.x.
pub async fn carry_out(client: &Client, action: &Action, now: DateTime<Utc>) -> Result<(), Trouble> {
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
        change @ (Change::Authorize { .. } | Change::Activate(_)) => {
            return Err(Trouble::Rejected(format!("InfluxDB 1 knows no way to {change}")));
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
