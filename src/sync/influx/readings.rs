//! What one device has measured, put together for a chart.

use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::sightings::Place;
use super::statement::{Points, show_field_keys};
use crate::sync::link::Trouble;

/// How long a request may take: somebody waits for it.
const WITHIN: Duration = Duration::from_secs(4);

/// What is wanted of a device's points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// From then on, in nanoseconds.
    pub from: i64,
    /// Before then, in nanoseconds.
    pub to: i64,
    /// Length of a step, in seconds.
    pub every: u64,
}

/// A field and its value in each step that has one: of when the step begins (nanoseconds), and the value.
pub type Column = (String, Vec<(i64, Value)>);

/// The numeric fields of a place, in the order of their names.
///
/// # Errors
/// As of [`Client::query`]; a database that is missing is [`Trouble::Rejected`].
pub async fn numeric_fields(client: &Client, place: &Place) -> Result<Vec<String>, Trouble> {
    let database = place.database.to_string();
    let statements: Vec<String> =
        place.series.iter().map(|series| show_field_keys(&database, series)).collect();
    let mut fields = Vec::new();
    for series in client.query_together(&statements, WITHIN).await? {
        for series in series? {
            let types = series.column("fieldType").map(Value::as_str);
            let named = series.column("fieldKey").filter_map(Value::as_str).zip(types);
            let numeric = named.filter(|(_, kind)| matches!(kind, Some("float" | "integer" | "unsigned")));
            fields.extend(numeric.map(|(name, _)| name.to_owned()));
        }
    }
    fields.sort_unstable();
    fields.dedup();
    Ok(fields)
}

/// `function` of each of `fields` over each step.
///
/// # Errors
/// As of [`Client::query`].
pub async fn aggregated(
    client: &Client,
    place: &Place,
    function: &str,
    fields: &[String],
    span: &Span,
) -> Result<Vec<Column>, Trouble> {
    let mut columns: Vec<Column> = fields.iter().map(|field| (field.clone(), Vec::new())).collect();
    if fields.is_empty() {
        return Ok(columns);
    }
    let database = place.database.to_string();
    let points = Points {
        database: &database,
        series: &place.series,
        kids: place.kids.as_deref(),
        from: Some(span.from),
        to: Some(span.to),
    };
    let statement = points.aggregated(function, fields, span.every);
    let results = client.query_together(&[statement], WITHIN).await?;
    for series in results.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        for row in &series.values {
            let Some((time, values)) = row.split_first() else { continue };
            let Some(time) = time.as_i64() else { continue };
            for ((_, points), value) in columns.iter_mut().zip(values).filter(|(_, value)| !value.is_null()) {
                points.push((time, value.clone()));
            }
        }
    }
    Ok(columns)
}
