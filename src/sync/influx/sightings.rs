//! What devices have left in an InfluxDB: of when their newest points are, and how many there are.
//!
//! Each statement reads ONE database, and many statements share a request. One statement could read many databases, but it
//! would put rows with equal tags together: what a device writes in its own database could then pass for the points of
//! another owner's device. So what is found is always found in the database that the question names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::client::{Client, Series};
use super::statement::Points;
use crate::sync::link::Trouble;

/// How long a request may take: several times what a fleet of thousands takes altogether.
const WITHIN: Duration = Duration::from_secs(15);

/// Before this nothing was measured: a device whose clock has lost the time begins at 1970 or 2000. 2010, in nanoseconds.
const ANCIENT: i64 = 1_262_304_000_000_000_000;

/// How often what is left of a batch is asked for again, in one round.
const RESUMES: usize = 3;

/// Where the points of some devices of one owner lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The owner's database.
    pub database: Uuid,
    /// The measurements they write to.
    pub series: Vec<String>,
    /// The values of their tag `KID`; none: every point counts.
    pub kids: Option<Vec<String>>,
}

/// What is asked about a place. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The newest point of each device.
    Newest {
        /// Not before this.
        from: Option<i64>,
        /// Before this.
        to: Option<i64>,
    },
    /// How many values there are of each device, from this time on, and from before anything was measured.
    Count(i64),
}

/// What was found for one value of the tag `KID`; the empty one where they are not told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The tag's value.
    pub kid: String,
    /// The measurement.
    pub series: String,
    /// When the newest point is of, in nanoseconds; of a count, nothing.
    pub time: i64,
    /// How many values there are; of the newest point, nothing.
    pub values: u64,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was answered.
    Found(Vec<Sighting>),
    /// It alone cannot be answered.
    Refused,
    /// It was not come to.
    Missed,
}

/// Why a batch of questions has no answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setback {
    /// No question will have one now.
    Away(Trouble),
    /// One of these questions is too much; which one, nobody knows.
    TooMuch(String),
}

/// The databases that there are.
pub async fn databases(client: &Client) -> Result<BTreeSet<String>, Trouble> {
    let series = client.query("SHOW DATABASES").await?;
    let names = series.iter().flat_map(|series| series.column("name"));
    Ok(names.filter_map(|name| Some(name.as_str()?.to_owned())).collect())
}

/// Asks about several places, in one request as long as all goes well. An answer stands where its question does.
pub async fn look(client: &Client, asked: &[(&Place, Question)]) -> Result<Vec<Answer>, Setback> {
    let mut answers = Vec::with_capacity(asked.len());
    for _ in 0..=RESUMES {
        let rest = &asked[answers.len()..];
        if rest.is_empty() {
            break;
        }
        let statements: Vec<String> = rest.iter().flat_map(|(place, question)| question.put(place)).collect();
        let results = match client.query_together(&statements, WITHIN).await {
            Ok(results) => results,
            Err(Trouble::Rejected(reason)) => return Err(Setback::TooMuch(reason)),
            Err(trouble @ Trouble::Denied(_)) => return Err(Setback::Away(trouble)),
            Err(trouble @ Trouble::Unreachable(_)) => {
                // Whether InfluxDB is away, or this is what keeps it busy.
                client.ping().await.map_err(Setback::Away)?;
                return Err(Setback::TooMuch(trouble.to_string()));
            }
        };
        let mut results = results.into_iter();
        for (_, question) in rest {
            let parts: Result<Vec<_>, _> =
                results.by_ref().take(question.statements()).collect::<Result<_, Trouble>>();
            match parts {
                Ok(parts) if parts.len() == question.statements() => {
                    answers.push(Answer::Found(question.read(parts.into_iter().flatten())));
                }
                // Those behind it were not carried out.
                _ => {
                    answers.push(Answer::Refused);
                    break;
                }
            }
        }
    }
    answers.resize(asked.len(), Answer::Missed);
    Ok(answers)
}

impl Question {
    fn statements(self) -> usize {
        match self {
            Self::Newest { .. } => 1,
            Self::Count(_) => 2,
        }
    }

    fn put(self, place: &Place) -> Vec<String> {
        let database = place.database.to_string();
        let points = |from, to| Points {
            database: &database,
            series: &place.series,
            kids: place.kids.as_deref(),
            from,
            to,
        };
        match self {
            Self::Newest { from, to } => vec![points(from, to).newest()],
            Self::Count(from) => {
                vec![points(Some(from), None).count(), points(None, Some(ANCIENT.min(from))).count()]
            }
        }
    }

    fn read(self, series: impl Iterator<Item = Series>) -> Vec<Sighting> {
        match self {
            Self::Newest { .. } => series.filter_map(|series| newest(&series)).collect(),
            Self::Count(_) => {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for series in series {
                    *counts.entry(kid(&series)).or_default() += values(&series);
                }
                let sighting = |(kid, values)| Sighting { kid, series: String::new(), time: 0, values };
                counts.into_iter().map(sighting).collect()
            }
        }
    }
}

fn kid(series: &Series) -> String {
    series.tags.get("KID").cloned().unwrap_or_default()
}

fn newest(series: &Series) -> Option<Sighting> {
    let time = series.column("time").filter_map(Value::as_i64).max()?;
    Some(Sighting { kid: kid(series), series: series.name.clone(), time, values: 0 })
}

/// The sum of all columns but the time.
fn values(series: &Series) -> u64 {
    let at = series.columns.iter().position(|name| name == "time");
    let counts = series.values.iter().flat_map(|row| row.iter().enumerate());
    counts.filter(|(column, _)| Some(*column) != at).filter_map(|(_, count)| count.as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn series(value: Value) -> Vec<Series> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_newest_point_is_read_by_its_tag_and_measurement() {
        let answer = series(json!([
            {"name": "data", "tags": {"KID": "k1"}, "columns": ["time", "v"], "values": [[7, null]]},
            {"name": "data", "columns": ["time", "v"], "values": [[9, 1]]},
            {"name": "data", "tags": {"KID": "k2"}, "columns": ["time", "v"]},
        ]));
        let found = Question::Newest { from: None, to: None }.read(answer.into_iter());
        let found: Vec<_> = found.iter().map(|s| (s.kid.as_str(), s.series.as_str(), s.time)).collect();
        assert_eq!(found, [("k1", "data", 7), ("", "data", 9)]);
    }

    #[test]
    fn values_are_counted_over_all_fields_and_measurements() {
        let answer = series(json!([
            {"name": "a", "tags": {"KID": "k1"}, "columns": ["time", "count_v", "count_p"], "values": [[7, 2, 3]]},
            {"name": "b", "tags": {"KID": "k1"}, "columns": ["time", "count_v"], "values": [[7, 4]]},
        ]));
        let found = Question::Count(0).read(answer.into_iter());
        assert_eq!(found.iter().map(|s| (s.kid.as_str(), s.values)).collect::<Vec<_>>(), [("k1", 9)]);
    }

    #[test]
    fn a_statement_reads_one_database() {
        let place = Place {
            database: Uuid::from_u128(7),
            series: vec!["data".into()],
            kids: Some(vec!["k1".into()]),
        };
        for question in [Question::Newest { from: Some(1), to: None }, Question::Count(5)] {
            let statements = question.put(&place);
            assert_eq!(statements.len(), question.statements());
            for statement in statements {
                assert_eq!(statement.matches(&place.database.to_string()).count(), 1, "{statement}");
            }
        }
    }
}
