//! Many records at once: made from a table or from lines of JSON, and written as a table.

mod table;

use super::App;
use super::body::Lines;
use super::context::Context;
use super::crud;
use super::path::Path;
use super::query::Query;
use super::reply::{self, Failure};
use super::{progress, v2};
use crate::auth::policy::{self, On, Subject, Verb};
use crate::auth::{Actor, NO_HASH};
use crate::error::{Error, Finding};
use crate::resource::{Entry, Kind, PASSWORD, set_field};
use crate::store::{Author, Revision, Transaction};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use table::Row;
use tokio::sync::watch;
use uuid::Uuid;

/// Rows in one request at most.
pub const MOST_ROWS: usize = 10_000;

/// What is read is CSV, or a JSON object a line.
pub const CSV: &str = "text/csv";
pub const JSON_LINES: &[&str] = &["application/x-ndjson", "application/jsonl"];

/// One import.
#[derive(Clone)]
struct Import {
    app: App,
    actor: Arc<Actor>,
    author: Author,
    /// The resource's place in the list.
    kind: usize,
    /// Whether the rows that can be made are made without the others.
    partial: bool,
}

/// A row that could be read.
#[derive(Clone)]
struct Wanted {
    line: usize,
    uuid: Uuid,
    entry: Entry,
}

/// A row that is refused, and why.
type Refusal = (usize, Error);

/// `POST /v2/{resource}/import`
pub async fn import(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Extension(context): Extension<Context>,
    Path(resource): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Lines { media, text }: Lines,
) -> Result<Response, Failure> {
    let kind = app.kind(&resource)?;
    policy::may(&actor, Verb::Create, kind)?;
    let mut parameters = Query::new(query.as_deref())?;
    let truth = &["true", "false"];
    let partial = parameters.one_of("partial", truth)?.is_some_and(|text| text == "true");
    let dry_run = parameters.one_of("dry_run", truth)?.is_some_and(|text| text == "true");
    parameters.end()?;
    let author = context.author(&actor);
    let import = Import { kind: kind.index(), app, actor, author, partial };
    let (sender, progress) = watch::channel((0, 0));
    let work = async move {
        let done = import.run(media, text, dry_run, &sender).await?;
        Ok::<_, Failure>(done)
    };
    if !progress::is_wanted(&headers) {
        let (report, revision) = work.await?;
        let answer = v2::json(StatusCode::OK, report.to_string(), false);
        return Ok(match revision {
            Some(revision) => reply::written(revision, answer),
            None => answer,
        });
    }
    let moved = move || {
        let mut progress = progress.clone();
        async move {
            if progress.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let (done, total) = *progress.borrow();
            json!({"done": done, "total": total})
        }
    };
    Ok(progress::told(async move { work.await.map(|(report, _)| report) }, context.id, moved))
}

impl Import {
    /// Makes what the rows ask for, in one commit. Answers with the report, and the revision if there is a new one.
    async fn run(
        self,
        media: String,
        text: Vec<u8>,
        dry_run: bool,
        progress: &watch::Sender<(usize, usize)>,
    ) -> Result<(Value, Option<Revision>), Failure> {
        let reader = self.clone();
        let read = tokio::task::spawn_blocking(move || reader.read(&media, &text));
        let (mut rows, mut refused) = read.await.map_err(|e| Error::internal("reading an import", e))??;
        if !refused.is_empty() && !self.partial {
            return Err(Failure::of_rows(refused));
        }
        progress.send_replace((0, rows.len()));
        if !dry_run {
            // A hash takes long to make: not for what is refused anyway.
            let kinds = self.app.store.kinds().clone();
            let total = rows.len();
            for (number, row) in rows.iter_mut().enumerate() {
                if let Some(password) = kinds.at(self.kind).password(&row.entry) {
                    let hash = self.app.passwords.hash(password).await?;
                    set_field(&mut row.entry, PASSWORD, hash.into());
                }
                progress.send_replace((number + 1, total));
            }
        }
        let made: Vec<(usize, Uuid)> = rows.iter().map(|row| (row.line, row.uuid)).collect();
        if dry_run || rows.is_empty() {
            return Ok((report(&made, refused, dry_run), None));
        }
        let (writer, author) = (self.clone(), self.author.clone());
        let written = self.app.store.write(author, move |transaction| {
            writer.actor.still_stands(transaction.tables())?;
            let (made, refused) = writer.put(transaction, &rows);
            if !refused.is_empty() && !writer.partial {
                return Err(Error::Refused(refused));
            }
            Ok((made, refused))
        });
        let written = match written.await {
            // Somebody was faster.
            Err(Error::Refused(rows)) => return Err(Failure::of_rows(rows)),
            written => written?,
        };
        let (made, late) = written.value;
        refused.extend(late);
        let revision = (!made.is_empty()).then_some(written.revision);
        Ok((report(&made, refused, false), revision))
    }

    /// Reads the rows, and sees which of them could be made now.
    fn read(&self, media: &str, text: &[u8]) -> Result<(Vec<Wanted>, Vec<Refusal>), Error> {
        let kinds = self.app.store.kinds().clone();
        let kind = kinds.at(self.kind);
        let rows = if media == CSV { table::read(kind, text)? } else { lines(text) };
        if rows.len() > MOST_ROWS {
            let message = format!("has {} rows, and {MOST_ROWS} are taken at a time", rows.len());
            return Err(Error::invalid("", "max_items", message));
        }
        let now = (self.app.clock)();
        let (mut wanted, mut refused) = (Vec::with_capacity(rows.len()), Vec::new());
        for (line, row) in rows {
            match row.map_err(Error::Invalid).and_then(|draft| kind.new_from_draft(&draft)) {
                Ok(mut entry) => {
                    let uuid = Uuid::new_v4();
                    kind.complete(&mut entry, uuid, now);
                    wanted.push(Wanted { line, uuid, entry });
                }
                Err(error) => refused.push((line, error)),
            }
        }
        let impossible = self.app.store.rehearse(|transaction| {
            let rows: Vec<_> = wanted.iter().map(|row| row.with_some_hash(kind)).collect();
            Ok(self.put(transaction, &rows).1)
        })?;
        wanted.retain(|row| impossible.iter().all(|(line, _)| *line != row.line));
        refused.extend(impossible);
        refused.sort_by_key(|(line, _)| *line);
        Ok((wanted, refused))
    }

    /// Makes what can be made.
    fn put(&self, transaction: &mut Transaction, rows: &[Wanted]) -> (Vec<(usize, Uuid)>, Vec<Refusal>) {
        let kinds = transaction.kinds();
        let kind = kinds.at(self.kind);
        let (mut made, mut refused) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            // Nothing of a row that is refused must be left.
            let possible = transaction.check_references_of(kind, &row.entry);
            match possible.and_then(|()| crud::create(transaction, &self.actor, kind, &row.entry)) {
                Ok(()) => made.push((row.line, row.uuid)),
                Err(error) => refused.push((row.line, error)),
            }
        }
        (made, refused)
    }
}

impl Wanted {
    /// With a hash in the place of its password, which is not made yet.
    fn with_some_hash(&self, kind: &Kind) -> Self {
        let mut row = self.clone();
        if kind.password(&row.entry).is_some() {
            set_field(&mut row.entry, PASSWORD, NO_HASH.into());
        }
        row
    }
}

/// A JSON object a line.
fn lines(text: &[u8]) -> Vec<(usize, Row)> {
    let read = |line: &[u8]| match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(entry)) => Ok(entry),
        Ok(_) => Err(vec![Finding::new("", "type", "must be a JSON object")]),
        Err(e) => Err(vec![Finding::new("", "json", format!("is not JSON (column {})", e.column()))]),
    };
    let lines = (1..).zip(text.split(|byte| *byte == b'\n'));
    let filled = lines.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
    filled.map(|(number, line)| (number, read(line))).collect()
}

/// What became of each row.
fn report(made: &[(usize, Uuid)], refused: Vec<Refusal>, dry_run: bool) -> Value {
    let count = (made.len(), refused.len());
    let made = made.iter().map(|(line, uuid)| match dry_run {
        true => (*line, json!({"line": line, "status": 201})),
        false => (*line, json!({"line": line, "status": 201, "uuid": uuid})),
    });
    let refused = refused.into_iter().map(|(line, error)| (line, reply::problem_of_row(line, error)));
    let mut rows: Vec<_> = made.chain(refused).collect();
    rows.sort_by_key(|(line, _)| *line);
    let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    json!({"created": count.0, "refused": count.1, "dry_run": dry_run, "rows": rows})
}

/// `GET /v2/{resource}/export.csv`: all that a list would show, on one page.
pub async fn export(
    State(app): State<App>,
    Extension(actor): Extension<Arc<Actor>>,
    Path(resource): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let kind = app.kind(&resource)?;
    let sight = policy::sight(&actor, kind)?;
    let mut parameters = Query::new(query.as_deref())?;
    // Those of a page: this is all of it.
    for name in ["limit", "after"] {
        if parameters.take(name).is_some() {
            return Err(Error::invalid(name, "unknown", "is not a parameter of this call").into());
        }
    }
    let mut wanted = parameters.selection(kind)?;
    let fields = parameters.fields(kind)?;
    parameters.end()?;
    wanted.limit = usize::MAX - 1;
    let tables = app.store.read();
    wanted.look_up(&tables, kind);
    if sight.records != On::All {
        wanted.narrow(tables.belonging_to(kind, actor.uuid));
    }
    let (index, name) = (kind.index(), kind.name().to_owned());
    let write = move || -> Result<Vec<u8>, Error> {
        let kinds = tables.kinds().clone();
        let kind = kinds.at(index);
        let columns = table::columns(kind, kind.hidden(true));
        let below = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let columns: Vec<_> = match &fields {
            None => columns,
            Some(fields) => fields
                .iter()
                .flat_map(|field| columns.iter().filter(|path| below(path, field)).cloned())
                .collect(),
        };
        let page = tables.select(kind, &wanted);
        let rows = page.records.iter().map(|record| {
            let mut entry = record.entry();
            let secrets = policy::sees_secrets(&actor, kind, &Subject::of(&tables, kind, record));
            kind.redact(&mut entry, secrets, None);
            table::cells(&entry, &columns)
        });
        let header: Vec<Cow<str>> = columns.iter().map(|name| name.as_str().into()).collect();
        table::write(std::iter::once(header).chain(rows))
    };
    let text =
        tokio::task::spawn_blocking(write).await.map_err(|e| Error::internal("writing a table", e))??;
    let mut answer = ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}.csv\"")) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}
