//! `logging.toml` -> tracing: the console, a file and the journal, each with levels of its own.

mod handlers;
mod journal;
mod rolling;
mod settings;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::{ErrorCounter, WorkerGuard};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layered, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use self::handlers::{Filters, Handler};
use self::settings::{Console, Journal, Logging};

/// Starts logging for the whole process. `file` is `logging.toml`; when it is `None`, does not
/// exist or names no handler, the journal is used if the service manager connected it to stderr,
/// else stderr itself: nothing is ever silent by accident. `env_filter` is the value of
/// `KARANA_LOG` in the syntax of [`EnvFilter`]; unless empty, it replaces the levels of all
/// handlers.
///
/// # Errors
/// All that is wrong with the file and the filter, and the handlers that cannot be opened.
pub fn init(file: Option<&Path>, env_filter: Option<String>) -> Result<Guard, TelemetryErrors> {
    let logger = Logger::new(file, env_filter.as_deref(), Stderr::of_this_process())?;
    let started = logger.subscriber.try_init();
    started.map_err(|error| TelemetryErrors(vec![format!("logging cannot be started: {error}")]))?;
    if let Some(error) = logger.journal_missing {
        tracing::warn!(%error, "the log goes to stderr instead of the journal");
    }
    Ok(logger.guard)
}

/// Checks `file` without starting anything.
///
/// # Errors
/// What is wrong with it.
pub fn check(file: &Path) -> Result<(), TelemetryErrors> {
    Logging::read(file).map(|_| ()).map_err(|error| TelemetryErrors(vec![error]))
}

/// Keeps the writer of the log file running. When it is dropped, the lines that still wait are
/// written (for at most about a second), so it must outlive all that logs.
#[derive(Debug, Default)]
#[must_use = "log files are written only while the guard lives"]
pub struct Guard {
    file: Option<FileWriter>,
}

#[derive(Debug)]
struct FileWriter {
    path: PathBuf,
    worker: WorkerGuard,
    dropped: ErrorCounter,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(FileWriter { path, worker, dropped }) = self.file.take() else { return };
        drop(worker);
        let lines = dropped.dropped_lines();
        if lines > 0 {
            eprintln!("karana: {lines} log lines for {} were dropped, the disk was too slow", path.display());
        }
    }
}

/// All that keeps logging from being started, one problem after the other, each prefixed with the
/// file or `KARANA_LOG`.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct TelemetryErrors(Vec<String>);

/// What stderr is connected to.
#[derive(Debug, Clone, Copy, Default)]
struct Stderr {
    is_journal: bool,
    colours: bool,
}

impl Stderr {
    fn of_this_process() -> Self {
        // https://no-color.org
        let colours_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        Self {
            is_journal: journal::is_stream(io::stderr(), &stream),
            colours: colours_wanted && io::stderr().is_terminal(),
        }
    }
}

/// A subscriber with all its handlers, not yet in force.
struct Logger {
    subscriber: Layered<Vec<Handler>, Registry>,
    guard: Guard,
    /// Why stderr stands in for the journal.
    journal_missing: Option<io::Error>,
}

impl Logger {
    fn new(file: Option<&Path>, env_filter: Option<&str>, stderr: Stderr) -> Result<Self, TelemetryErrors> {
        let mut errors = Vec::new();
        let logging = file.map_or_else(|| Ok(Logging::default()), Logging::read).unwrap_or_else(|error| {
            errors.push(error);
            Logging::default()
        });
        let override_all = env_filter.filter(|text| !text.trim().is_empty()).and_then(|text| {
            let parsed = EnvFilter::builder().parse(text);
            parsed.map_err(|error| errors.push(format!("KARANA_LOG: {error}"))).ok()
        });
        if !errors.is_empty() {
            return Err(TelemetryErrors(errors));
        }

        let filters = Filters { override_all, targets: logging.targets };
        let mut handlers = Vec::new();
        let mut guard = Guard::default();
        let mut refuse = |handler: &str, error: io::Error| {
            let file = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
            errors.push(format!("{file}handlers.{handler}: {error}"));
        };
        if let Some(console) = &logging.handlers.console {
            handlers.push(handlers::console(console, stderr.colours, &filters));
        }
        if let Some(settings) = &logging.handlers.file {
            let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
            match handlers::file(settings, folder, &filters) {
                Ok((handler, writer)) => {
                    handlers.push(handler);
                    guard.file = Some(writer);
                }
                Err(error) => refuse("file", error),
            }
        }
        if let Some(settings) = &logging.handlers.journal {
            match handlers::journal(settings, &filters) {
                Ok(handler) => handlers.push(handler),
                Err(error) => refuse("journal", error),
            }
        }
        if !errors.is_empty() {
            return Err(TelemetryErrors(errors));
        }

        let mut journal_missing = None;
        if handlers.is_empty() && stderr.is_journal {
            match handlers::journal(&Journal::default(), &filters) {
                Ok(handler) => handlers.push(handler),
                Err(error) => journal_missing = Some(error),
            }
        }
        if handlers.is_empty() {
            handlers.push(handlers::console(&Console::default(), stderr.colours, &filters));
        }
        Ok(Self { subscriber: tracing_subscriber::registry().with(handlers), guard, journal_missing })
    }
}
