//! Records as a table: CSV (RFC 4180), a column for each field, named by its path (`config.post_int`).
//!
//! Spreadsheets take a cell that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it: such a text gets an
//! apostrophe in front, which is taken off when the table is read again.

use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, field, set_field};
use serde_json::Value;
use std::borrow::Cow;

/// A row of a table, as an entry; or what is wrong with it.
pub type Row = Result<Entry, Vec<Finding>>;

/// Reads a table: each row with the number of its line. A cell that is empty is null where the field can be, and otherwise a
/// field that is not given.
pub fn read(kind: &Kind, text: &[u8]) -> Result<Vec<(usize, Row)>, Error> {
    // As spreadsheets write it, and nobody sees it.
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.headers().map_err(|e| not_csv(&e))?.clone();
    let mut columns: Vec<(&str, &Value)> = Vec::with_capacity(header.len());
    let mut findings = Vec::new();
    for name in &header {
        let name = name.trim();
        if columns.iter().any(|(known, _)| *known == name) {
            findings.push(Finding::new(short(name), "twice", "names a column twice"));
        }
        match kind.import_schema().property(name) {
            Some(schema) => columns.push((name, schema)),
            None => findings.push(Finding::new(
                short(name),
                "unknown",
                format!("is a column, and no field of {}", kind.name()),
            )),
        }
    }
    if !findings.is_empty() {
        return Err(Error::Invalid(findings));
    }
    // A cell has no way to say that there is one, and that all in it has its default.
    let objects = kind.draft_schema().json()["properties"].as_object().into_iter().flatten();
    let objects = objects.filter(|(_, schema)| schema["properties"].is_object());
    let empty: Entry = objects.map(|(name, _)| (name.clone(), Value::Object(Entry::new()))).collect();
    let mut rows = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.into_records() {
        let record = record.map_err(|e| not_csv(&e))?;
        // The reader counts a line that ends in CR LF only with the record after it.
        let at = record.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(counted);
        let begin = at + text[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += text[counted..begin].iter().filter(|byte| **byte == b'\n').count();
        counted = begin;
        rows.push((line, row(&empty, &columns, &record)));
    }
    Ok(rows)
}

fn row(empty: &Entry, columns: &[(&str, &Value)], record: &csv::StringRecord) -> Row {
    if record.len() > columns.len() {
        let message = format!("has {} cells, and there are {} columns", record.len(), columns.len());
        return Err(vec![Finding::new("", "cells", message)]);
    }
    let mut entry = empty.clone();
    let mut findings = Vec::new();
    for ((path, schema), cell) in columns.iter().zip(record) {
        if cell.is_empty() {
            if allows(schema, "null") {
                set_field(&mut entry, path, Value::Null);
            }
            continue;
        }
        match value(schema, cell) {
            Ok(value) => set_field(&mut entry, path, value),
            Err(message) => findings.push(Finding::new(*path, "type", message)),
        }
    }
    if findings.is_empty() { Ok(entry) } else { Err(findings) }
}

fn allows(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == name),
        one => one == name,
    }
}

/// A cell as the value that its field can have.
fn value(schema: &Value, cell: &str) -> Result<Value, &'static str> {
    let is = |name: &str| allows(schema, name);
    if is("string") || schema["type"].is_null() {
        return Ok(plain(cell).into());
    }
    let value = serde_json::from_str::<Value>(cell.trim());
    match value {
        Ok(value) if value.is_number() && (is("integer") || is("number")) => Ok(value),
        Ok(value) if value.is_boolean() && is("boolean") => Ok(value),
        Ok(value) if value.is_array() && is("array") => Ok(value),
        Ok(value) if value.is_object() && is("object") => Ok(value),
        _ if is("integer") || is("number") => Err("must be a number"),
        _ if is("boolean") => Err("must be true or false"),
        _ => Err("must be JSON: this field is a list or an object"),
    }
}

/// The columns of a resource: its fields, those with fields of their own by these.
pub fn columns(kind: &Kind, hidden: &[String]) -> Vec<String> {
    let mut columns = Vec::new();
    add_columns(kind.import_schema().json(), "", hidden, &mut columns);
    columns
}

fn add_columns(schema: &Value, above: &str, hidden: &[String], columns: &mut Vec<String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        if hidden.contains(&path) {
            continue;
        }
        if schema["properties"].is_object() {
            add_columns(schema, &path, hidden, columns);
        } else {
            columns.push(path);
        }
    }
}

/// Rows as CSV.
pub fn write<'a>(rows: impl Iterator<Item = Vec<Cow<'a, str>>>) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let row = row.iter().map(|cell| cell.as_bytes());
        writer.write_record(row).map_err(|e| Error::internal("writing a table", e))?;
    }
    writer.into_inner().map_err(|e| Error::internal("writing a table", e))
}

/// An entry as a row.
pub fn cells(entry: &Entry, columns: &[String]) -> Vec<Cow<'static, str>> {
    let cell = |path: &String| match field(entry, path) {
        None | Some(Value::Null) => "".into(),
        Some(Value::String(text)) if looks_like_a_formula(text) => format!("'{text}").into(),
        Some(Value::String(text)) => text.clone().into(),
        Some(other) => other.to_string().into(),
    };
    columns.iter().map(cell).collect()
}

fn looks_like_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The text in a cell, without the apostrophe that keeps it from being a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| looks_like_a_formula(text)).unwrap_or(cell)
}

fn not_csv(error: &csv::Error) -> Error {
    let line = error.position().map(|at| format!(" in line {}", at.line())).unwrap_or_default();
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "there is text that is not UTF-8",
        _ => "it cannot be read",
    };
    Error::invalid("", "csv", format!("is no CSV: {what}{line}"))
}

/// What a client called something, fit for an answer.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kinds;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &[u8]) -> Result<Vec<(usize, Row)>, Error> {
        super::read(Kinds::enabled(&[]).unwrap().get("karanas").unwrap(), text)
    }

    #[test]
    fn cells_become_what_their_fields_can_be() {
        let text = "\u{feff}name,config.post_int,owner\r\n\"Roof, south\",15,\r\n'=1+1,x,\r\na,1,,b\r\n";
        let rows = read(text.as_bytes()).unwrap();
        assert_eq!(
            rows[0],
            (
                2,
                Ok(json!({"name": "Roof, south", "config": {"post_int": 15}, "owner": null})
                    .as_object()
                    .unwrap()
                    .clone())
            )
        );
        let findings = rows[1].1.as_ref().unwrap_err();
        assert_eq!(
            (rows[1].0, &*findings[0].field, &*findings[0].message),
            (3, "config.post_int", "must be a number")
        );
        assert_eq!(rows[2].1.as_ref().unwrap_err()[0].code, "cells");
    }

    #[test]
    fn columns_that_are_no_fields_are_named() {
        let Err(Error::Invalid(findings)) = read(b"name,nmae,name\n") else { panic!() };
        let named: Vec<_> = findings.iter().map(|f| (&*f.field, &*f.code)).collect();
        assert_eq!(named, [("nmae", "unknown"), ("name", "twice")]);
        assert!(read(b"name\n\xff\n").is_err());
    }

    proptest! {
        #[test]
        fn a_text_comes_back_as_it_was_and_never_as_a_formula(text in "['=+@,\"\n\r a-]{1,8}") {
            let mut entry = Entry::new();
            entry.insert("name".into(), text.clone().into());
            let columns = ["name".to_owned()];
            let row = cells(&entry, &columns);
            prop_assert!(!row[0].starts_with(['=', '+', '-', '@']));
            let header = vec![Cow::from("name")];
            let written = write([header, row].into_iter()).unwrap();
            let rows = read(&written).unwrap();
            prop_assert_eq!(&rows[0].1.as_ref().unwrap()["name"], &entry["name"]);
        }
    }
}
