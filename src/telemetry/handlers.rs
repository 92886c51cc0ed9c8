//! One layer for each handler, with its own filter.

use std::io;
use std::path::Path;

use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{self, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Filter, Layer};
use tracing_subscriber::registry::Registry;

use super::rolling::RollingFile;
use super::settings::{Console, File, Format, Journal, Level, Levels};
use super::{FileWriter, journal};

/// How many lines may wait for the disk. Further ones are dropped and counted: a log on a disk
/// that hangs must not hold up the server.
const WAITING_LINES: usize = 16_384;

pub(super) type Handler = Box<dyn Layer<Registry> + Send + Sync>;

/// What decides on the levels beside a handler's own settings.
pub(super) struct Filters {
    /// Takes the place of all levels.
    pub(super) override_all: Option<EnvFilter>,
    /// For all handlers, unless they have their own for the same target.
    pub(super) targets: Levels,
}

impl Filters {
    fn of(&self, level: Level, own_targets: &Levels) -> Box<dyn Filter<Registry> + Send + Sync> {
        if let Some(filter) = &self.override_all {
            return Box::new(filter.clone());
        }
        let mut targets = self.targets.clone();
        targets.extend(own_targets.clone());
        Box::new(Targets::new().with_default(LevelFilter::from(level)).with_targets(targets))
    }
}

/// To stderr: stdout belongs to the output of the commands.
pub(super) fn console(settings: &Console, colours: bool, filters: &Filters) -> Handler {
    let filter = filters.of(settings.level, &settings.targets);
    lines(settings.format, colours, io::stderr).with_filter(filter).boxed()
}

/// To a file, by a thread of its own.
pub(super) fn file(settings: &File, folder: &Path, filters: &Filters) -> io::Result<(Handler, FileWriter)> {
    let path = folder.join(&settings.path);
    let file = RollingFile::open(&path, settings.rotation, settings.keep)?;
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log-file")
        .finish(file);
    let dropped = writer.error_counter();
    let filter = filters.of(settings.level, &settings.targets);
    let handler = lines(settings.format, false, writer).with_filter(filter).boxed();
    Ok((handler, FileWriter { path, worker, dropped }))
}

/// To journald.
pub(super) fn journal(settings: &Journal, filters: &Filters) -> io::Result<Handler> {
    let filter = filters.of(settings.level, &settings.targets);
    Ok(journal::connect()?.with_filter(filter).boxed())
}

/// One line per event, as text or as a JSON object with the event's fields at its top level and
/// its spans, outermost first, in `spans`.
pub(super) fn lines<W>(format: Format, colours: bool, writer: W) -> Handler
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_ansi(colours);
    match format {
        Format::Json => layer.json().flatten_event(true).with_current_span(false).boxed(),
        Format::Text if colours => layer.boxed(),
        Format::Text => layer.fmt_fields(PlainFields(DefaultFields::new())).boxed(),
    }
}

/// [`DefaultFields`] as a type of its own: layers share the formatted fields of a span by the type
/// of their formatter, so that a file would get the console's colours.
struct PlainFields(DefaultFields);

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> std::fmt::Result {
        self.0.format_fields(writer, fields)
    }
}
