//! What devices have measured, for charts: bounded in points, in time and in number of readers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::InfluxSettings;
use super::influx::client::Client;
use super::influx::readings::{Span, aggregated, numeric_fields};
pub use super::influx::sightings::Place;
use super::link::Trouble;
use crate::error::Error;

/// Readers at a time: others wait, so that charts keep nothing else from InfluxDB.
const AT_A_TIME: usize = 4;

/// All of a reading takes no longer.
const WITHIN: Duration = Duration::from_secs(5);

/// Fields in one reading.
pub const MOST_FIELDS: usize = 50;

/// How the points of a step become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// Their mean.
    Mean,
    /// The least of them.
    Min,
    /// The greatest of them.
    Max,
    /// Their sum.
    Sum,
    /// How many there are.
    Count,
    /// The last of them.
    Last,
}

impl Aggregate {
    /// All there are.
    pub const ALL: [Self; 6] = [Self::Mean, Self::Min, Self::Max, Self::Sum, Self::Count, Self::Last];

    /// As it is written, here and in InfluxQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Last => "last",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// One field; none: all that are numbers.
    pub field: Option<String>,
    /// From then on.
    pub from: DateTime<Utc>,
    /// Before then.
    pub to: DateTime<Utc>,
    /// Length of a step, in seconds; not zero.
    pub every: u64,
    /// How the points of a step become one.
    pub aggregate: Aggregate,
}

/// A field, and its value in each step that has one, by when the step begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its name.
    pub field: String,
    /// In the order of time.
    pub points: Vec<(DateTime<Utc>, Value)>,
}

/// Reads what devices have measured. Cheap to clone.
#[derive(Clone)]
pub struct Readings {
    /// `None` when no InfluxDB is configured.
    client: Option<Arc<Result<Client, String>>>,
    at_a_time: Arc<Semaphore>,
}

impl Readings {
    /// Makes no connection yet.
    pub fn new(influx: Option<&InfluxSettings>) -> Self {
        let client = influx.map(|influx| Arc::new(Client::new(influx, Arc::default())));
        Self { client, at_a_time: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Reads at one place. A field that is not there has no points.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many fields; [`Error::Unavailable`] when InfluxDB is not
    /// configured, away or too slow, or has no such database yet.
    pub async fn read(&self, place: &Place, wanted: &Wanted) -> Result<Vec<Reading>, Error> {
        let client = self.client.as_deref();
        let client =
            client.ok_or_else(|| Error::NotFound("no InfluxDB is configured: nothing is measured".into()))?;
        let client = client.as_ref().map_err(|reason| Error::internal("readings", reason))?;
        let read = async {
            // Never closed.
            let _turn = self.at_a_time.acquire().await;
            read(client, place, wanted).await
        };
        tokio::time::timeout(WITHIN, read).await.map_err(|_| {
            Error::Unavailable("InfluxDB does not answer in time; ask for a shorter span".into())
        })?
    }
}

async fn read(client: &Client, place: &Place, wanted: &Wanted) -> Result<Vec<Reading>, Error> {
    let mut fields = numeric_fields(client, place).await.map_err(unavailable)?;
    if let Some(field) = &wanted.field {
        fields.retain(|known| known == field);
        if fields.is_empty() {
            return Ok(vec![Reading { field: field.clone(), points: Vec::new() }]);
        }
    }
    if fields.len() > MOST_FIELDS {
        let message = format!("must name one: there are more than {MOST_FIELDS}");
        return Err(Error::invalid("field", "required", message));
    }
    let span = Span { from: nanoseconds(wanted.from), to: nanoseconds(wanted.to), every: wanted.every };
    let columns = aggregated(client, place, wanted.aggregate.name(), &fields, &span).await;
    let readings = columns.map_err(unavailable)?.into_iter().map(|(field, points)| {
        let points = points.into_iter().map(|(time, value)| (DateTime::from_timestamp_nanos(time), value));
        Reading { field, points: points.collect() }
    });
    Ok(readings.collect())
}

/// The inside is for the log: it names hosts and users.
fn unavailable(trouble: Trouble) -> Error {
    let reason = match &trouble {
        Trouble::Rejected(reason) if reason.contains("database not found") => {
            "the owner's database is not in InfluxDB yet"
        }
        Trouble::Rejected(_) => "InfluxDB refuses to answer this",
        Trouble::Unreachable(_) | Trouble::Denied(_) => "InfluxDB cannot be asked now",
    };
    tracing::warn!(reason = %trouble, "points could not be read");
    Error::Unavailable(reason.into())
}

/// Since 1970; beyond what InfluxDB knows, its end.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    let end = if time.timestamp() < 0 { i64::MIN / 2 } else { i64::MAX / 2 };
    time.timestamp_nanos_opt().unwrap_or(end)
}
