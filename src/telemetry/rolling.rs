//! A log file that is begun anew every day or hour.
//!
//! tracing-appender has one, too, but what it deletes to keep the number of files is anything
//! whose name begins with the log's (a log called `log` would cost us `logging.toml`), and a
//! full disk silences it without a word.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::settings::Rotation;

impl Rotation {
    /// The suffix of the file that holds the lines of `time` (UTC, as in the lines).
    fn suffix(self, time: DateTime<Utc>) -> Option<String> {
        match self {
            Rotation::Daily => Some(time.format("%Y-%m-%d").to_string()),
            Rotation::Hourly => Some(time.format("%Y-%m-%d-%H").to_string()),
            Rotation::Never => None,
        }
    }

    /// The number of the period that `time` lies in.
    fn period(self, time: DateTime<Utc>) -> i64 {
        match self {
            Rotation::Daily => time.timestamp().div_euclid(24 * 60 * 60),
            Rotation::Hourly => time.timestamp().div_euclid(60 * 60),
            Rotation::Never => 0,
        }
    }
}

/// Whether `suffix` is one that [`Rotation::suffix`] makes.
fn is_suffix(suffix: &str) -> bool {
    let like = |pattern: &str| {
        suffix.len() == pattern.len()
            && suffix
                .bytes()
                .zip(pattern.bytes())
                .all(|(c, p)| if p == b'0' { c.is_ascii_digit() } else { c == p })
    };
    like("0000-00-00") || like("0000-00-00-00")
}

type Clock = Box<dyn Fn() -> DateTime<Utc> + Send>;

/// Writes to `karana.log.2026-01-31` and the like, or to `karana.log` itself when it never rotates.
///
/// Writing never fails: the lines that the disk does not take are lost, which is said on stderr
/// when it begins and when it ends.
pub(super) struct RollingFile {
    path: PathBuf,
    rotation: Rotation,
    keep: NonZeroUsize,
    clock: Clock,
    period: i64,
    file: File,
    /// Lines lost since the last good one.
    lost: u64,
}

impl RollingFile {
    /// Opens the file of the present period, to append to it; makes its folder if need be.
    pub(super) fn open(path: &Path, rotation: Rotation, keep: NonZeroUsize) -> io::Result<Self> {
        Self::open_at(path, rotation, keep, Box::new(Utc::now))
    }

    fn open_at(path: &Path, rotation: Rotation, keep: NonZeroUsize, clock: Clock) -> io::Result<Self> {
        let now = clock();
        let file = append(&named(path, rotation, now))?;
        let period = rotation.period(now);
        let rolling = Self { path: path.to_owned(), rotation, keep, clock, period, file, lost: 0 };
        rolling.prune();
        Ok(rolling)
    }

    /// Goes on with the file of the present period, if another one has begun. If that cannot be
    /// opened, the old one serves for this period, too, rather than that each line tries again.
    fn roll(&mut self) -> io::Result<()> {
        let now = (self.clock)();
        let period = self.rotation.period(now);
        if period != self.period {
            self.period = period;
            self.file = append(&named(&self.path, self.rotation, now))?;
            self.prune();
        }
        Ok(())
    }

    /// Deletes the oldest files, so that `keep` remain. Only what bears our name and a date is ours.
    fn prune(&self) {
        if let Err(error) = self.try_prune() {
            eprintln!("karana: old files of the log {} cannot be deleted: {error}", self.path.display());
        }
    }

    fn try_prune(&self) -> io::Result<()> {
        let (Some(name), false) = (self.path.file_name(), self.rotation == Rotation::Never) else {
            return Ok(());
        };
        let name = name.to_string_lossy();
        let mut ours = Vec::new();
        for entry in fs::read_dir(folder(&self.path))? {
            let entry = entry?;
            let file = entry.file_name();
            let suffix = file.to_str().and_then(|file| file.strip_prefix(&*name)?.strip_prefix('.'));
            if suffix.is_some_and(is_suffix) && entry.file_type()?.is_file() {
                ours.push(entry.path());
            }
        }
        // The order of the names is the order of the dates.
        ours.sort();
        let surplus = ours.len().saturating_sub(self.keep.get());
        ours[..surplus].iter().try_for_each(fs::remove_file)
    }
}

impl Write for RollingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.roll() {
            eprintln!(
                "karana: no new file for the log {}, going on with the old one: {error}",
                self.path.display()
            );
        }
        // What was lost last may have left a part of its line.
        let written = if self.lost > 0 { self.file.write_all(b"\n") } else { Ok(()) };
        match written.and_then(|()| self.file.write_all(line)) {
            Ok(()) if self.lost > 0 => {
                eprintln!("karana: {} lines for the log {} were lost", self.lost, self.path.display());
                self.lost = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    eprintln!("karana: the log {} cannot be written: {error}", self.path.display());
                }
                self.lost += 1;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn named(path: &Path, rotation: Rotation, now: DateTime<Utc>) -> PathBuf {
    match rotation.suffix(now) {
        Some(suffix) => {
            let mut name = path.as_os_str().to_owned();
            name.push(".");
            name.push(suffix);
            name.into()
        }
        None => path.to_owned(),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Readable by the group, which is how administrators read logs, and by nobody else: a log names
/// people.
fn append(path: &Path) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::create_dir_all(folder(path)).map_err(named)?;
    OpenOptions::new().append(true).create(true).mode(0o640).open(path).map_err(named)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn at(time: &str) -> i64 {
        DateTime::parse_from_rfc3339(time).unwrap().timestamp()
    }

    /// A file whose clock can be set.
    fn open(path: &Path, rotation: Rotation, keep: usize, time: &str) -> (RollingFile, Arc<AtomicI64>) {
        let seconds = Arc::new(AtomicI64::new(at(time)));
        let clock = {
            let seconds = seconds.clone();
            Box::new(move || DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).unwrap())
        };
        (RollingFile::open_at(path, rotation, NonZeroUsize::new(keep).unwrap(), clock).unwrap(), seconds)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn begins_a_file_each_day_and_keeps_some() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/log");
        let (mut file, clock) = open(&path, Rotation::Daily, 2, "2026-01-30T23:59:59Z");
        // Not ours, though their names begin with the log's.
        for other in
            ["logs/logging.toml", "logs/log", "logs/log.txt", "logs/log.2026-01-29.gz", "logs/log2026-01-01"]
        {
            fs::write(dir.path().join(other), "").unwrap();
        }
        file.write_all(b"first\n").unwrap();
        for time in ["2026-01-31T00:00:00Z", "2026-01-31T23:59:59Z", "2026-02-01T12:00:00Z"] {
            clock.store(at(time), Ordering::SeqCst);
            file.write_all(format!("{time}\n").as_bytes()).unwrap();
        }
        assert_eq!(
            names(&dir.path().join("logs")),
            [
                "log",
                "log.2026-01-29.gz",
                "log.2026-01-31",
                "log.2026-02-01",
                "log.txt",
                "log2026-01-01",
                "logging.toml"
            ]
        );
        let kept = fs::read_to_string(dir.path().join("logs/log.2026-01-31")).unwrap();
        assert_eq!(kept, "2026-01-31T00:00:00Z\n2026-01-31T23:59:59Z\n");
    }

    #[test]
    fn begins_a_file_each_hour_and_appends_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("karana.log");
        for line in ["one\n", "two\n"] {
            let (mut file, clock) = open(&path, Rotation::Hourly, 14, "2026-01-31T09:10:00Z");
            file.write_all(line.as_bytes()).unwrap();
            clock.store(at("2026-01-31T10:00:00Z"), Ordering::SeqCst);
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(names(dir.path()), ["karana.log.2026-01-31-09", "karana.log.2026-01-31-10"]);
        assert_eq!(fs::read_to_string(dir.path().join("karana.log.2026-01-31-10")).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn never_means_one_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("karana.log");
        let (mut file, clock) = open(&path, Rotation::Never, 1, "2026-01-31T09:10:00Z");
        fs::write(dir.path().join("karana.log.2026-01-30"), "").unwrap();
        clock.store(at("2027-01-31T09:10:00Z"), Ordering::SeqCst);
        file.write_all(b"one\n").unwrap();
        assert_eq!(names(dir.path()), ["karana.log", "karana.log.2026-01-30"]);
    }

    #[test]
    fn goes_on_in_the_old_file_when_the_new_one_cannot_be_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("karana.log");
        let (mut file, clock) = open(&path, Rotation::Daily, 14, "2026-01-30T12:00:00Z");
        fs::create_dir(dir.path().join("karana.log.2026-01-31")).unwrap();
        clock.store(at("2026-01-31T12:00:00Z"), Ordering::SeqCst);
        file.write_all(b"one\n").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("karana.log.2026-01-30")).unwrap(), "one\n");
    }

    #[test]
    fn a_full_disk_costs_lines_only() {
        let (mut file, _) = open(Path::new("/dev/full"), Rotation::Never, 1, "2026-01-31T09:10:00Z");
        file.write_all(b"one\n").unwrap();
        file.write_all(b"two\n").unwrap();
        assert_eq!(file.lost, 2);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("karana.log");
        file.file = append(&path).unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!((file.lost, fs::read_to_string(path).unwrap().as_str()), (0, "\nthree\n"));
    }
}
