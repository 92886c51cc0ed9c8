//! systemd's journal.

use std::io;
use std::os::fd::AsFd;

use tracing_journald::{Priority, PriorityMappings};

/// Whether `stderr` is the very stream that `JOURNAL_STREAM` (device and inode) names. The
/// variable alone proves nothing: it is inherited by processes whose stderr goes elsewhere
/// (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
pub(super) fn is_stream(stderr: impl AsFd, journal_stream: &str) -> bool {
    let Some((device, inode)) = journal_stream.split_once(':') else { return false };
    let Ok(stat) = rustix::fs::fstat(stderr) else { return false };
    device.parse() == Ok(stat.st_dev) && inode.parse() == Ok(stat.st_ino)
}

/// The connection to journald.
///
/// An event's fields become journal fields of the same names in upper case (`REQUEST_ID`, `ACTOR`,
/// `STATUS`, `DURATION_MS`), those of its spans, too. They need no prefix: journald's trusted
/// fields begin with `_`, which is stripped here and refused there, so no event can forge one.
/// What the layer itself writes is `MESSAGE`, `PRIORITY`, `SYSLOG_IDENTIFIER`, `TARGET`,
/// `CODE_FILE`, `CODE_LINE`, and `SPAN_NAME` for each span; events must not use these names.
///
/// # Errors
/// When no journald listens on its socket.
pub(super) fn connect() -> io::Result<tracing_journald::Layer> {
    // The names that journalctl and operators use: `-p info` shows what we log as info. By default
    // the crate says `notice` for info and `info` for debug, so as to keep trace and debug apart.
    let priorities = PriorityMappings {
        error: Priority::Error,
        warn: Priority::Warning,
        info: Priority::Informational,
        debug: Priority::Debug,
        trace: Priority::Debug,
    };
    let layer = tracing_journald::layer().map_err(|error| {
        io::Error::new(error.kind(), format!("journald does not answer on its socket: {error}"))
    })?;
    Ok(layer
        .with_field_prefix(None)
        .with_syslog_identifier("karana".to_owned())
        .with_priority_mappings(priorities))
}
