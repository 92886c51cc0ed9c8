//! The query string of a request on `/v2`. What is not known is refused: a misspelt filter must not show everything.

use super::reply::Failure;
use crate::error::{Error, Finding};
use crate::resource::Kind;
use crate::store::{Dependents, Filter, Order, Position, Selection};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Entries on a page, unless the request says otherwise.
pub const DEFAULT_LIMIT: usize = 50;

/// Entries on a page at most.
pub const MAX_LIMIT: usize = 500;

/// Conditions in one query at most; enough for every operator on every field of what comes with the program.
const MOST_FILTERS: usize = 128;

/// The parameters of a query, each of which must be asked for.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string. A parameter that comes twice is refused: nobody could say which one counts.
    pub fn new(query: Option<&str>) -> Result<Self, Failure> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Error::invalid(&short(&name), "twice", "is given twice").into());
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Refuses what nobody has asked for.
    pub fn end(self) -> Result<(), Failure> {
        let unknown = |(name, _): &(String, String)| {
            Finding::new(short(name), "unknown", "is not a parameter of this call")
        };
        let findings: Vec<_> = self.0.iter().map(unknown).collect();
        if findings.is_empty() { Ok(()) } else { Err(findings.into()) }
    }

    /// `limit`
    pub fn limit(&mut self) -> Result<usize, Failure> {
        let Some(text) = self.take("limit") else { return Ok(DEFAULT_LIMIT) };
        text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
            let message = format!("must be a whole number from 1 to {MAX_LIMIT}");
            Error::invalid("limit", "range", message).into()
        })
    }

    /// A uuid.
    pub fn uuid(&mut self, name: &str) -> Result<Option<Uuid>, Failure> {
        let uuid = self.take(name).map(|text| Uuid::try_parse(&text));
        uuid.transpose().map_err(|_| Error::invalid(name, "format", "must be a UUID").into())
    }

    /// A time. A `+` that was not written as `%2B` has become a space.
    pub fn time(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, Failure> {
        let time = self.take(name).map(|text| DateTime::parse_from_rfc3339(&text.replace(' ', "+")));
        let time = time.transpose().map_err(|_| {
            Error::invalid(
                name,
                "format",
                "must be a time as RFC 3339 writes it, such as 2017-03-02T15:26:11Z",
            )
        });
        Ok(time?.map(|time| time.to_utc()))
    }

    /// One of several words.
    pub fn one_of(&mut self, name: &str, words: &[&str]) -> Result<Option<String>, Failure> {
        let Some(text) = self.take(name) else { return Ok(None) };
        if words.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        Err(Error::invalid(name, "enum", format!("must be one of: {}", words.join(", "))).into())
    }

    /// `dependents`, as `/v2` has it: there must be none, unless it is said what becomes of them.
    pub fn dependents(&mut self) -> Result<Dependents, Failure> {
        Ok(match self.one_of("dependents", &["release", "delete"])?.as_deref() {
            None => Dependents::Refuse,
            Some("release") => Dependents::Release,
            Some(_) => Dependents::Delete,
        })
    }

    /// `fields`: the paths of those that are wanted.
    pub fn fields(&mut self, kind: &Kind) -> Result<Option<Vec<String>>, Failure> {
        let Some(text) = self.take("fields") else { return Ok(None) };
        let fields: Vec<_> = text.split(',').map(|field| field.trim().to_owned()).collect();
        let known =
            |field: &String| kind.import_schema().property(field).is_some() && !is_private(kind, field);
        match fields.iter().find(|field| !known(field)) {
            None => Ok(Some(fields)),
            Some(unknown) => {
                let message = format!("`{}` is not a field of {}", short(unknown), kind.name());
                Err(Error::invalid("fields", "unknown", message).into())
            }
        }
    }

    /// `filter[field][operator]`, `sort`, `after` and `limit`.
    pub fn selection(&mut self, kind: &Kind) -> Result<Selection, Failure> {
        let mut findings = Vec::new();
        let mut filters = Vec::new();
        let named: Vec<String> =
            self.0.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("filter[")).collect();
        for name in named {
            let value = self.take(&name).unwrap_or_default();
            match filter(kind, &name, &value) {
                Ok(filter) => filters.push(filter),
                Err(finding) => findings.push(Finding { field: short(&name), ..finding }),
            }
        }
        if filters.len() > MOST_FILTERS {
            findings.push(Finding::new("filter", "max_items", format!("at most {MOST_FILTERS} conditions")));
        }
        let sort_text = self.take("sort");
        let mut sort: Vec<Order> = Vec::new();
        for text in sort_text.iter().flat_map(|text| text.split(',')).map(str::trim) {
            match order(kind, text) {
                Ok(order) if sort.iter().any(|known| known.field() == order.field()) => {
                    findings.push(Finding::new("sort", "twice", "names a field twice"));
                }
                Ok(order) => sort.push(order),
                Err(finding) => findings.push(Finding { field: "sort".into(), ..finding }),
            }
        }
        if !findings.is_empty() {
            return Err(findings.into());
        }
        let limit = self.limit()?;
        let mut selection = Selection { filters, sort, limit, ..Selection::default() };
        if let Some(text) = self.take("after") {
            let after = Cursor::read(&text).filter(|cursor| cursor.sort == sort_text.unwrap_or_default());
            let after = after.map(|cursor| cursor.after).filter(|position| selection.knows(position));
            selection.after = Some(after.ok_or_else(|| {
                Error::invalid("after", "cursor", "must be the `next` of a page with the same `sort`")
            })?);
        }
        Ok(selection)
    }
}

/// Where the next page begins, as it goes over the wire. Opaque to clients.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    after: Position,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        postcard::from_bytes(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// The cursor for what comes after a position in a list that was asked for with this `sort`.
pub fn cursor(sort: &str, after: Position) -> Result<String, Error> {
    let bytes = postcard::to_stdvec(&Cursor { sort: sort.to_owned(), after });
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes.map_err(|e| Error::internal("writing a cursor", e))?))
}

/// `filter[field][operator]`; without an operator `eq`.
fn filter(kind: &Kind, name: &str, value: &str) -> Result<Filter, Finding> {
    let form = || Finding::new("", "form", "must be written as filter[field][operator]");
    let inner = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']')).ok_or_else(form)?;
    let (field, operator) = inner.split_once("][").unwrap_or((inner, "eq"));
    if field.is_empty() || field.contains(['[', ']']) || operator.contains(['[', ']']) {
        return Err(form());
    }
    may_select_by(kind, field)?;
    Filter::new(kind, field, operator, value)
}

fn order(kind: &Kind, text: &str) -> Result<Order, Finding> {
    may_select_by(kind, text.strip_prefix('-').unwrap_or(text))?;
    Order::new(kind, text)
}

/// A query is in every log on the way, and what is before or after a secret tells about it: nobody selects by one.
fn may_select_by(kind: &Kind, field: &str) -> Result<(), Finding> {
    if is_private(kind, field) {
        return Err(Finding::new("", "unknown", "is not a field of this resource"));
    }
    if kind.is_secret(field) {
        return Err(Finding::new("", "secret", "is a secret: lists are neither filtered nor sorted by one"));
    }
    Ok(())
}

fn is_private(kind: &Kind, field: &str) -> bool {
    kind.hidden(true).iter().any(|hidden| hidden == field)
}

/// What a client called something, fit for an answer.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
