//! Reads what an InfluxDB holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use uuid::Uuid;

use super::client::{Client, Series};
use super::desired::{Desired, Privilege};
use super::plan::{Actual, Found, Listing, Point, Policy};
use super::statement;
use crate::sync::link::Trouble;
use crate::sync::record::Record;

/// Queries in one request, and requests at a time: a few thousand records take about a second.
const BATCH: usize = 50;
const AT_A_TIME: usize = 4;
/// Devices in one query.
const DEVICES: usize = 100;

/// Reads the names of all databases and users of a 1.x.
pub async fn list(client: &Client) -> Result<Listing, Trouble> {
    let mut answers = client.query_each(&["SHOW DATABASES".into(), "SHOW USERS".into()]).await?.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Ok(Vec::new()));
    let (databases, users) = (next()?, next()?);
    Ok(Listing {
        databases: databases.iter().flat_map(|series| series.column("name")).filter_map(text).collect(),
        users: users
            .iter()
            .flat_map(|series| series.column("user").zip(series.column("admin")))
            .filter_map(|(user, admin)| Some((text(user)?, *admin == Value::Bool(true))))
            .collect(),
        ..Listing::default()
    })
}

/// Looks at `records`: the points that answer their devices, and what the listing does not tell of: the rights of their users, and
/// how long their databases keep points.
///
/// A record whose part of the server cannot be read is left out, and listed with the reason.
pub async fn look(
    client: &Client,
    listing: Listing,
    desired: &Desired,
    records: &BTreeSet<Record>,
) -> Result<(Actual, Vec<(Record, String)>), Trouble> {
    let questions = questions(&listing, desired, records);
    let told = |record: &Record| {
        let database = desired.wishes.get(record)?.database?;
        let lasts = *listing.retentions.get(&database.to_string())?;
        Some(Policy { name: String::new(), lasts })
    };
    let asked: Vec<_> = questions.chunks(BATCH).map(|batch| ask(client, batch)).collect();
    let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_A_TIME).try_collect().await?;

    let mut found: BTreeMap<Record, Found> =
        records.iter().map(|one| (*one, Found { policy: told(one), ..Found::default() })).collect();
    let mut unread = Vec::new();
    for (question, answer) in answers.into_iter().flatten() {
        match answer.and_then(|series| question.note(&series, &mut found)) {
            Ok(()) => {}
            // Gone since it was listed: nothing was found there, which is the default.
            Err(trouble) if trouble.to_string().contains("not found") => {}
            Err(trouble) => {
                unread.extend(question.about.iter().map(|record| (*record, trouble.to_string())));
            }
        }
    }
    for (record, _) in &unread {
        found.remove(record);
    }
    Ok((Actual { listing, found }, unread))
}

/// One query, and the records it is asked about.
struct Question {
    query: String,
    about: Vec<Record>,
    kind: Kind,
}

enum Kind {
    Grants,
    /// In this database.
    Points(Uuid),
    Policy,
}

/// Asks a batch of questions; each comes back with its answer.
async fn ask<'a>(
    client: &Client,
    batch: &'a [Question],
) -> Result<Vec<(&'a Question, Result<Vec<Series>, Trouble>)>, Trouble> {
    let queries: Vec<String> = batch.iter().map(|question| question.query.clone()).collect();
    let answers = client.query_each(&queries).await?;
    Ok(batch.iter().zip(answers).collect())
}

/// Only what is listed is asked about: a query for anything else is an error.
///
/// Points are asked for one database at a time. One query could read many, but would mix them up: what a
/// device wrote in its own database could then pass for a line in another owner's.
fn questions(listing: &Listing, desired: &Desired, records: &BTreeSet<Record>) -> Vec<Question> {
    let tells_rights = listing.authorizations.is_some();
    let users = records.iter().filter(|record| !tells_rights && listing.users.contains_key(&record.user()));
    let mut questions: Vec<Question> = users
        .map(|record| Question {
            query: statement::show_grants(&record.user()),
            about: vec![*record],
            kind: Kind::Grants,
        })
        .collect();

    for record in records {
        let database = desired.wishes.get(record).and_then(|wish| wish.database).map(|uuid| uuid.to_string());
        if let Some(database) = database
            && listing.databases.contains(&database)
            && !listing.retentions.contains_key(&database)
        {
            let query = statement::show_retention(&database);
            questions.push(Question { query, about: vec![*record], kind: Kind::Policy });
        }
    }

    let mut devices: BTreeMap<Uuid, Vec<Record>> = BTreeMap::new();
    for record in records {
        for line in desired.wishes.get(record).into_iter().flat_map(|wish| &wish.lines) {
            devices.entry(line.database).or_default().push(*record);
        }
    }
    for (uuid, devices) in devices {
        let database = uuid.to_string();
        if !listing.databases.contains(&database) || listing.unmapped.contains(&database) {
            continue;
        }
        for about in devices.chunks(DEVICES) {
            let ids: Vec<String> = about.iter().map(Record::user).collect();
            let query = statement::last_config_points(&database, ids.iter().map(String::as_str));
            questions.push(Question { query, about: about.to_vec(), kind: Kind::Points(uuid) });
        }
    }
    questions
}

impl Question {
    /// Takes down what the answer says.
    fn note(&self, series: &[Series], found: &mut BTreeMap<Record, Found>) -> Result<(), Trouble> {
        for record in &self.about {
            let found = found.entry(*record).or_default();
            match self.kind {
                Kind::Grants => found.grants = grants(series)?,
                Kind::Points(database) => {
                    found.points.extend(point(series, &record.user()).map(|point| (database, point)));
                }
                Kind::Policy => found.policy = policy(series)?,
            }
        }
        Ok(())
    }
}

fn grants(series: &[Series]) -> Result<BTreeMap<String, Privilege>, Trouble> {
    let mut grants = BTreeMap::new();
    for (database, privilege) in
        series.iter().flat_map(|series| series.column("database").zip(series.column("privilege")))
    {
        let privilege = match privilege.as_str() {
            Some("NO PRIVILEGES") => continue,
            Some("READ") => Privilege::Read,
            Some("WRITE") => Privilege::Write,
            Some("ALL PRIVILEGES") => Privilege::All,
            _ => return Err(Trouble::Rejected(format!("SHOW GRANTS tells an unknown right: {privilege}"))),
        };
        grants.extend(text(database).map(|database| (database, privilege)));
    }
    Ok(grants)
}

/// The policy that is the default.
fn policy(series: &[Series]) -> Result<Option<Policy>, Trouble> {
    let rows = series.iter().flat_map(|series| {
        series.column("name").zip(series.column("duration")).zip(series.column("default"))
    });
    for ((name, lasts), is_default) in rows {
        if *is_default != Value::Bool(true) {
            continue;
        }
        let lasts = lasts.as_str().and_then(span).ok_or_else(|| {
            Trouble::Rejected(format!("SHOW RETENTION POLICIES tells an unknown duration: {lasts}"))
        })?;
        return Ok(
            text(name).map(|name| Policy { name, lasts: Some(lasts).filter(|lasts| !lasts.is_zero()) })
        );
    }
    Ok(None)
}

/// A duration as Go writes it in whole seconds: `8736h0m0s`.
fn span(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = match behind.chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = &behind[1..];
    }
    Some(Duration::from_secs(seconds))
}

fn point(series: &[Series], id: &str) -> Option<Point> {
    let series = series.iter().find(|series| series.tags.get("id").is_some_and(|of| of == id))?;
    let time = series.column("time").next()?.as_i64()?;
    Some(Point { line: series.column("data").next().and_then(text), time })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_privileges_is_no_grant_and_an_unknown_right_is_an_error() {
        let answer = |rows: Value| -> Vec<Series> {
            serde_json::from_value(json!([{"columns": ["database", "privilege"], "values": rows}])).unwrap()
        };
        let read = grants(&answer(json!([["a", "READ"], ["b", "NO PRIVILEGES"], ["c", "ALL PRIVILEGES"]])));
        let expected = [("a", Privilege::Read), ("c", Privilege::All)];
        assert_eq!(read, Ok(expected.map(|(name, privilege)| (name.to_owned(), privilege)).into()));
        assert!(grants(&answer(json!([["a", "OWN"]]))).is_err());
        assert_eq!(grants(&[]), Ok(BTreeMap::new()));
    }

    #[test]
    fn the_default_policy_tells_how_long_points_are_kept() {
        let answer = |rows: Value| -> Vec<Series> {
            let columns = json!(["name", "duration", "shardGroupDuration", "replicaN", "default"]);
            serde_json::from_value(json!([{"columns": columns, "values": rows}])).unwrap()
        };
        let rows = json!([["a", "1h0m0s", "1h0m0s", 1, false], ["b", "8736h0m1s", "168h0m0s", 1, true]]);
        let lasts = Some(Duration::from_secs(8736 * 3600 + 1));
        assert_eq!(policy(&answer(rows)), Ok(Some(Policy { name: "b".into(), lasts })));
        let for_ever = Policy { name: "autogen".into(), lasts: None };
        assert_eq!(policy(&answer(json!([["autogen", "0s", "168h0m0s", 1, true]]))), Ok(Some(for_ever)));
        assert_eq!(policy(&answer(json!([]))), Ok(None));
        assert!(policy(&answer(json!([["autogen", "1.5s", "1h0m0s", 1, true]]))).is_err());
    }

    #[test]
    fn the_point_of_a_device_is_the_one_of_its_group() {
        let series: Vec<Series> = serde_json::from_value(json!([
            {"name": "config", "tags": {"id": "k1"}, "columns": ["time", "last", "data"], "values": [[3, 0, "A"]]},
            {"name": "config", "tags": {"id": "k2"}, "columns": ["time", "last", "data"], "values": [[4, 0, null]]},
        ]))
        .unwrap();
        assert_eq!(point(&series, "k1"), Some(Point { line: Some("A".into()), time: 3 }));
        assert_eq!(point(&series, "k2"), Some(Point { line: None, time: 4 }));
        assert_eq!(point(&series, "k3"), None);
    }
}
