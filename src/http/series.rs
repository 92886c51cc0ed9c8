//! What a device has measured, as a bounded series for a chart.

use super::App;
use super::context::Context;
use super::path::Path;
use super::query::Query;
use super::reply::Failure;
use super::{status, v2};
use crate::auth::Actor;
use crate::error::{Error, Finding};
use crate::sync::presence::place_of;
use crate::sync::readings::{Aggregate, Reading, Wanted};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// Steps of a series at most, and about how many there are unless the request says otherwise.
pub const MOST_STEPS: i64 = 1000;
const USUAL_STEPS: i64 = 200;

/// The span, unless the request says otherwise.
const USUAL_SPAN: TimeDelta = TimeDelta::days(1);

/// Lengths of steps that people can read on an axis, in seconds; beyond them whole days.
const STEPS: &[i64] =
    &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY];
const DAY: i64 = 86_400;
const UNITS: &[(&str, i64)] = &[("d", DAY), ("h", 3600), ("m", 60), ("s", 1)];

/// `GET /v2/{resource}/{id}/series`
pub async fn of_record(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path((resource, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let kind = app.kind(&resource)?;
    if !status::is_about_devices(kind) {
        return Err(Error::NotFound(format!("{resource} are no devices: they measure nothing")).into());
    }
    let wanted = wanted(Query::new(query.as_deref())?, (app.clock)())?;
    let uuid = v2::uuid(kind, &id)?;
    let tables = app.store.read();
    // Whoever may read the record.
    v2::call(&app, &actor, &context, &resource).read_in(&tables, uuid)?;
    let place = place_of(&tables, uuid)?;
    drop(tables);
    let readings = app.readings.read(&place, &wanted).await?;
    Ok(v2::json(StatusCode::OK, shown(&wanted, &readings).to_string(), false))
}

fn wanted(mut parameters: Query, now: DateTime<Utc>) -> Result<Wanted, Failure> {
    let field = parameters.take("field");
    let to = parameters.time("to")?.unwrap_or(now);
    let from = parameters.time("from")?;
    let every = parameters.take("every");
    let aggregate = parameters.one_of("aggregate", &Aggregate::ALL.map(Aggregate::name))?;
    parameters.end()?;
    let mut findings = Vec::new();
    if field.as_ref().is_some_and(|field| field.is_empty() || field.len() > 255) {
        findings.push(Finding::new("field", "length", "must be a name of 1 to 255 bytes"));
    }
    let from = from.or_else(|| to.checked_sub_signed(USUAL_SPAN)).unwrap_or(to);
    for (name, time) in [("from", from), ("to", to)] {
        if time.timestamp_nanos_opt().is_none() {
            findings.push(Finding::new(name, "range", "must be a year from 1678 to 2261"));
        }
    }
    if from >= to {
        findings.push(Finding::new("from", "range", "must be before `to`"));
    }
    let every = match every.as_deref().map(duration) {
        None => Some(usual_step((to - from).num_seconds())),
        Some(Some(every)) => Some(every),
        Some(None) => {
            let message = "must be a whole number with the unit s, m, h or d, such as 5m; at most 36500d";
            findings.push(Finding::new("every", "format", message));
            None
        }
    };
    if let Some(every) = every.filter(|every| findings.is_empty() && steps(from, to, *every) > MOST_STEPS) {
        let message = format!(
            "must be longer: from `from` to `to` there would be {} steps of {}, at most {MOST_STEPS} are answered",
            steps(from, to, every),
            spelled(every)
        );
        findings.push(Finding::new("every", "range", message));
    }
    if !findings.is_empty() {
        return Err(findings.into());
    }
    let aggregate = Aggregate::ALL.into_iter().find(|one| aggregate.as_deref() == Some(one.name()));
    Ok(Wanted {
        field,
        from,
        to,
        every: every.and_then(|every| every.try_into().ok()).unwrap_or(1),
        aggregate: aggregate.unwrap_or(Aggregate::Mean),
    })
}

/// A whole number with a unit, in seconds.
fn duration(text: &str) -> Option<i64> {
    let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let total = number.parse::<i64>().ok().filter(|_| digits)?.checked_mul(*seconds)?;
    (1..=36_500 * DAY).contains(&total).then_some(total)
}

/// In the longest unit that it is whole in.
fn spelled(seconds: i64) -> String {
    let (unit, length) = UNITS.iter().find(|(_, length)| seconds % length == 0).unwrap_or(&("s", 1));
    format!("{}{unit}", seconds / length)
}

fn usual_step(span: i64) -> i64 {
    let least = (span + USUAL_STEPS - 1).div_euclid(USUAL_STEPS).max(1);
    let days = (least + DAY - 1).div_euclid(DAY) * DAY;
    STEPS.iter().copied().find(|step| *step >= least).unwrap_or(days)
}

/// How many steps a span touches: they begin at whole multiples of their length since 1970.
fn steps(from: DateTime<Utc>, to: DateTime<Utc>, every: i64) -> i64 {
    let last = to - TimeDelta::nanoseconds(1);
    last.timestamp().div_euclid(every) - from.timestamp().div_euclid(every) + 1
}

fn shown(wanted: &Wanted, readings: &[Reading]) -> Value {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let series = |reading: &Reading| {
        let points = reading.points.iter().map(|(at, value)| json!([time(*at), value]));
        json!({"field": reading.field, "points": points.collect::<Vec<_>>()})
    };
    json!({
        "from": time(wanted.from),
        "to": time(wanted.to),
        "every": spelled(i64::try_from(wanted.every).unwrap_or(i64::MAX)),
        "aggregate": wanted.aggregate.name(),
        "series": readings.iter().map(series).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_123, 456).unwrap()
    }

    fn of(query: &str) -> Result<Wanted, Failure> {
        wanted(Query::new(Some(query)).unwrap(), now())
    }

    #[test]
    fn by_default_it_is_the_mean_of_the_last_day_in_about_two_hundred_steps() {
        let day = of("").unwrap();
        assert_eq!((day.to, day.to - day.from), (now(), TimeDelta::days(1)));
        assert_eq!((day.every, day.aggregate, day.field), (600, Aggregate::Mean, None));
        let mut span = 1;
        while span < 200 * 365 * DAY {
            let steps = steps(now() - TimeDelta::seconds(span), now(), usual_step(span));
            assert!(steps <= USUAL_STEPS + 2, "{span}: {steps}");
            span = span * 3 / 2 + 1;
        }
    }

    #[test]
    fn lengths_are_whole_numbers_with_a_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", DAY)] {
            assert_eq!(duration(text), Some(seconds));
        }
        for text in
            ["", "m", "5", "0s", "-5m", "+5m", "1.5h", "5 m", "5M", "5min", "99999999999999999999s", "40000d"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!([90, 300, 7200, DAY].map(spelled), ["90s", "5m", "2h", "1d"]);
    }

    #[test]
    fn more_steps_than_a_thousand_are_refused() {
        let span = "from=2027-01-01T00:00:00Z&to=2027-01-01T00:16:40Z&every=";
        assert!(of(&format!("{span}1s")).is_ok());
        assert!(of(&format!("{}1s", span.replace("16:40", "16:41"))).is_err());
        for wrong in [
            "to=2027-01-01T00:00:00Z&from=2027-01-01T00:00:00Z",
            "every=x",
            "from=0001-01-01T00:00:00Z",
            "field=",
            "aggregate=median",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
