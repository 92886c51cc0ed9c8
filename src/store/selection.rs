//! Which records of a resource are wanted, in which order, and which page of them.
//!
//! A page begins after a [`Position`], which is the place of a record and not a number: what is written between two pages
//! makes no record come twice, or not at all.

use super::record::Record;
use super::snapshot::Snapshot;
use super::text::string;
use crate::error::Finding;
use crate::resource::Kind;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use uuid::Uuid;

/// Which records are wanted, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// By what they are ordered; last by uuid.
    pub sort: Vec<Order>,
    /// Where the page begins.
    pub after: Option<Position>,
    /// How many records the page has at most.
    pub limit: usize,
    /// Only these; none: all.
    pub among: Option<BTreeSet<Uuid>>,
}

/// One condition on a field.
#[derive(Debug, Clone)]
pub struct Filter {
    field: String,
    scale: Scale,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Compares(fn(Ordering) -> bool, Key),
    /// One of these, in any order.
    Is(Vec<Key>),
    IsNot(Key),
    Contains(String),
    Begins(String),
}

/// By which field, and which way.
#[derive(Debug, Clone)]
pub struct Order {
    field: String,
    scale: Scale,
    descending: bool,
}

/// The place of a record in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    keys: Vec<Key>,
    uuid: Uuid,
}

/// How the values of a field compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Text,
    /// Without regard to case.
    Address,
    Number,
    Truth,
    Time,
}

/// A value as it compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Null,
    Truth(bool),
    Number(Float),
    /// Microseconds since 1970.
    Time(i64),
    /// As it compares first, and as it is.
    Text(String, String),
}

/// A number with an order: integers up to 2^53 are exact.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Float(f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// One page.
#[derive(Debug, Default)]
pub struct Page {
    /// Its records.
    pub records: Vec<Record>,
    /// How many there are on all pages.
    pub total: usize,
    /// Where the next page begins; none when this is the last one.
    pub next: Option<Position>,
}

/// The operators that a filter knows, as they are written.
pub const OPERATORS: &[&str] = &["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "prefix"];

impl Filter {
    /// Whether there can be a condition on a field.
    pub fn compares(kind: &Kind, field: &str) -> bool {
        kind.import_schema().property(field).and_then(Scale::of).is_some()
    }

    /// Reads a condition on a field that the resource has. The findings name no field: the caller knows what it was called.
    pub fn new(kind: &Kind, field: &str, operator: &str, text: &str) -> Result<Self, Finding> {
        let wrong = |code: &str, message: String| Finding::new("", code, message);
        let schema = kind.import_schema().property(field);
        let schema = schema.ok_or_else(|| wrong("unknown", "is not a field of this resource".into()))?;
        let scale = Scale::of(schema)
            .ok_or_else(|| wrong("type", "cannot be compared: it is an object or a list".into()))?;
        let key = |text: &str| scale.read(schema, text).map_err(|message| wrong("type", message));
        let test = match operator {
            "eq" => Test::Is(vec![key(text)?]),
            "in" => Test::Is(text.split(',').map(key).collect::<Result<_, _>>()?),
            "ne" => Test::IsNot(key(text)?),
            "lt" => Test::Compares(Ordering::is_lt, key(text)?),
            "lte" => Test::Compares(Ordering::is_le, key(text)?),
            "gt" => Test::Compares(Ordering::is_gt, key(text)?),
            "gte" => Test::Compares(Ordering::is_ge, key(text)?),
            "contains" | "prefix" if !matches!(scale, Scale::Text | Scale::Address) => {
                return Err(wrong("operator", format!("`{operator}` is for texts only")));
            }
            "contains" => Test::Contains(text.to_lowercase()),
            "prefix" => Test::Begins(text.to_lowercase()),
            _ => return Err(wrong("operator", format!("must be one of: {}", OPERATORS.join(", ")))),
        };
        Ok(Self { field: field.to_owned(), scale, test })
    }

    fn holds(&self, record: &Record) -> bool {
        let key = self.scale.key(record.value_at(&self.field));
        match &self.test {
            Test::Is(keys) => keys.contains(&key),
            Test::IsNot(other) => key != *other,
            // As in SQL: what is not there is neither more nor less than anything.
            Test::Compares(..) if key == Key::Null => false,
            Test::Compares(fits, bound) => fits(key.cmp(bound)),
            Test::Contains(part) => matches!(key, Key::Text(text, _) if text.contains(part.as_str())),
            Test::Begins(part) => matches!(key, Key::Text(text, _) if text.starts_with(part.as_str())),
        }
    }

    /// The records that can fit, where an index knows them; and whether all of them do.
    fn candidates(&self, tables: &Snapshot, kind: &Kind) -> Option<(BTreeSet<Uuid>, bool)> {
        let Test::Is(keys) = &self.test else { return None };
        let texts = || {
            keys.iter().filter_map(|key| match key {
                Key::Text(_, text) => Some(text.as_str()),
                _ => None,
            })
        };
        if keys.contains(&Key::Null) {
            return None;
        }
        let uuids = || texts().filter_map(|text| Uuid::try_parse(text).ok());
        if self.field == "uuid" {
            return Some((uuids().collect(), true));
        }
        if let Some(reference) = kind.references().iter().position(|reference| reference.field == self.field)
        {
            return Some((uuids().flat_map(|to| tables.referring(kind, reference, to)).collect(), true));
        }
        kind.unique().find(|(_, rule)| rule.field == self.field && rule.within.is_none())?;
        // The index knows numbers by their text, and there are several for one.
        if texts().count() < keys.len() {
            return None;
        }
        let holders = texts().filter_map(|text| Some(tables.by_unique(kind, &self.field, text)?.uuid()));
        // The index may take texts for the same that the filter tells apart.
        Some((holders.collect(), false))
    }
}

impl Order {
    /// Reads `field` or `-field`.
    pub fn new(kind: &Kind, text: &str) -> Result<Self, Finding> {
        let (descending, field) = match text.strip_prefix('-') {
            Some(field) => (true, field),
            None => (false, text),
        };
        let schema = kind.import_schema().property(field);
        let scale = schema.and_then(Scale::of);
        let scale = scale.ok_or_else(|| {
            Finding::new("", "unknown", "is not a field of this resource that can be compared")
        })?;
        Ok(Self { field: field.to_owned(), scale, descending })
    }

    /// The field's path.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl Scale {
    fn of(schema: &Value) -> Option<Self> {
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            // An `enum` may stand for itself.
            _ if schema["enum"].is_array() => vec!["string"],
            _ => return None,
        };
        let is = |name: &str| types.iter().all(|one| *one == name || *one == "null");
        let number = types.iter().all(|one| matches!(*one, "integer" | "number" | "null"));
        match schema["format"].as_str() {
            Some("date-time") if is("string") => Some(Self::Time),
            Some("email" | "uuid") if is("string") => Some(Self::Address),
            _ if is("string") => Some(Self::Text),
            _ if is("boolean") => Some(Self::Truth),
            _ if number => Some(Self::Number),
            _ => None,
        }
    }

    /// A value in a query.
    fn read(self, schema: &Value, text: &str) -> Result<Key, String> {
        let nullable = schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == "null"));
        if nullable && text == "null" {
            return Ok(Key::Null);
        }
        match self {
            Self::Text | Self::Address => Ok(self.text(text.to_owned())),
            Self::Number => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(|number| Key::Number(Float(number + 0.0)))
                .ok_or_else(|| "must be a number".into()),
            Self::Truth => text.parse().map(Key::Truth).map_err(|_| "must be true or false".into()),
            // In a query a `+` that was not written as `%2B` has become a space.
            Self::Time => time(&text.replace(' ', "+"))
                .ok_or_else(|| "must be a time as RFC 3339 writes it, such as 2017-03-02T15:26:11Z".into()),
        }
    }

    /// A stored value.
    fn key(self, raw: Option<&str>) -> Key {
        let raw = match raw {
            None | Some("null") => return Key::Null,
            Some(raw) => raw,
        };
        match self {
            Self::Number => raw.parse().map_or(Key::Null, |number: f64| Key::Number(Float(number + 0.0))),
            Self::Truth => Key::Truth(raw == "true"),
            Self::Text | Self::Address => self.text(string(raw).into_owned()),
            Self::Time => time(&string(raw)).unwrap_or(Key::Null),
        }
    }

    fn text(self, text: String) -> Key {
        let folded = text.to_lowercase();
        match self {
            // Addresses are the same in any case.
            Self::Address => Key::Text(folded.clone(), folded),
            _ => Key::Text(folded, text),
        }
    }
}

fn time(text: &str) -> Option<Key> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| Key::Time(time.timestamp_micros()))
}

impl Snapshot {
    /// One page of the records that are wanted.
    pub fn select(&self, kind: &Kind, wanted: &Selection) -> Page {
        let fits = |record: &Record| wanted.filters.iter().all(|filter| filter.holds(record));
        if wanted.sort.is_empty() {
            let all_fit = wanted.filters.is_empty();
            return match &wanted.among {
                None if all_fit => {
                    page_by_uuid(wanted, self.len(kind), self.records_after(kind, wanted.start()))
                }
                None => {
                    let total = self.records(kind).filter(|record| fits(record)).count();
                    let after = self.records_after(kind, wanted.start()).filter(|record| fits(record));
                    page_by_uuid(wanted, total, after)
                }
                Some(uuids) => {
                    let records: Vec<_> = uuids
                        .iter()
                        .filter_map(|uuid| self.get(kind, *uuid))
                        .filter(|record| fits(record))
                        .collect();
                    let total = records.len();
                    let begin = records.partition_point(|r| wanted.start().is_some_and(|at| r.uuid() <= at));
                    page_by_uuid(wanted, total, records.into_iter().skip(begin))
                }
            };
        }
        let found: Vec<_> = match &wanted.among {
            None => self.records(kind).filter(|record| fits(record)).collect(),
            Some(uuids) => {
                uuids.iter().filter_map(|uuid| self.get(kind, *uuid)).filter(|record| fits(record)).collect()
            }
        };
        sorted_page(wanted, found)
    }
}

fn page_by_uuid<'a>(wanted: &Selection, total: usize, records: impl Iterator<Item = &'a Record>) -> Page {
    let mut records: Vec<Record> = records.take(wanted.limit + 1).cloned().collect();
    let more = records.len() > wanted.limit;
    records.truncate(wanted.limit);
    let next = records.last().filter(|_| more);
    let next = next.map(|record| Position { keys: vec![], uuid: record.uuid() });
    Page { records, total, next }
}

fn sorted_page(wanted: &Selection, found: Vec<&Record>) -> Page {
    let total = found.len();
    let position = |record: &Record| Position {
        keys: wanted.sort.iter().map(|by| by.scale.key(record.value_at(&by.field))).collect(),
        uuid: record.uuid(),
    };
    let compare = |a: &Position, b: &Position| {
        let keys = a.keys.iter().zip(&b.keys).zip(&wanted.sort).map(|((a, b), by)| {
            let order = a.cmp(b);
            if by.descending { order.reverse() } else { order }
        });
        keys.fold(Ordering::Equal, Ordering::then).then(a.uuid.cmp(&b.uuid))
    };
    let mut places: Vec<(Position, &Record)> = found
        .into_iter()
        .map(|record| (position(record), record))
        .filter(|(place, _)| wanted.after.as_ref().is_none_or(|after| compare(place, after).is_gt()))
        .collect();
    let more = places.len() > wanted.limit;
    if more {
        // Only the page itself is put in order.
        places.select_nth_unstable_by(wanted.limit, |(a, _), (b, _)| compare(a, b));
        places.truncate(wanted.limit);
    }
    places.sort_unstable_by(|(a, _), (b, _)| compare(a, b));
    let next = places.last().filter(|_| more).map(|(place, _)| place.clone());
    Page { records: places.into_iter().map(|(_, record)| record.clone()).collect(), total, next }
}

impl Selection {
    fn start(&self) -> Option<Uuid> {
        self.after.as_ref().map(|after| after.uuid)
    }

    /// Looks up what the indexes know, so that only those records are looked at.
    pub fn look_up(&mut self, tables: &Snapshot, kind: &Kind) {
        for filter in std::mem::take(&mut self.filters) {
            let all_fit = filter.candidates(tables, kind).map(|(found, all_fit)| {
                self.narrow(found);
                all_fit
            });
            if all_fit != Some(true) {
                self.filters.push(filter);
            }
        }
    }

    /// Wants none but these.
    pub fn narrow(&mut self, among: BTreeSet<Uuid>) {
        self.among = Some(match self.among.take() {
            None => among,
            Some(known) => known.intersection(&among).copied().collect(),
        });
    }

    /// Whether many records must be looked at to find those that are wanted.
    pub fn scans(&self) -> bool {
        const FEW: usize = 500;
        let orders_or_filters = !self.sort.is_empty() || !self.filters.is_empty();
        orders_or_filters && self.among.as_ref().is_none_or(|among| among.len() > FEW)
    }

    /// Whether a position is one in this order.
    pub fn knows(&self, position: &Position) -> bool {
        let fits = |(by, key): (&Order, &Key)| match key {
            Key::Null => true,
            Key::Truth(_) => by.scale == Scale::Truth,
            Key::Number(_) => by.scale == Scale::Number,
            Key::Time(_) => by.scale == Scale::Time,
            Key::Text(..) => matches!(by.scale, Scale::Text | Scale::Address),
        };
        position.keys.len() == self.sort.len() && self.sort.iter().zip(&position.keys).all(fits)
    }
}

/// Where the records after one begin.
pub(super) fn after(uuid: Option<Uuid>) -> (Bound<Uuid>, Bound<Uuid>) {
    (uuid.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}
