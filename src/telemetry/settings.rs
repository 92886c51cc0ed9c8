//! What `logging.toml` may say; `logging.toml.sample` explains it to operators.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tracing_subscriber::filter::LevelFilter;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Logging {
    pub(super) handlers: Handlers,
    /// For all handlers.
    pub(super) targets: Levels,
}

impl Logging {
    /// Reads `file`; one that does not exist says nothing. The error names the file and the line.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| format!("{}: {}", file.display(), error.to_string().trim_end())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: cannot be read: {error}", file.display())),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Handlers {
    pub(super) console: Option<Console>,
    pub(super) file: Option<File>,
    pub(super) journal: Option<Journal>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Console {
    pub(super) level: Level,
    pub(super) format: Format,
    pub(super) targets: Levels,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) path: PathBuf,
    #[serde(default)]
    pub(super) rotation: Rotation,
    #[serde(default = "two_weeks")]
    pub(super) keep: NonZeroUsize,
    #[serde(default)]
    pub(super) level: Level,
    #[serde(default)]
    pub(super) format: Format,
    #[serde(default)]
    pub(super) targets: Levels,
}

fn two_weeks() -> NonZeroUsize {
    const { NonZeroUsize::new(14).expect("not zero") }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Journal {
    pub(super) level: Level,
    pub(super) targets: Levels,
}

/// Levels by target; a target covers all whose names begin with it.
pub(super) type Levels = BTreeMap<String, Level>;

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rotation {
    #[default]
    Daily,
    Hourly,
    Never,
}
