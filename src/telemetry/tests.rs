use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tracing::subscriber::with_default;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Layer;

use super::settings::Format;
use super::*;

/// A folder with `toml` as its `logging.toml`.
fn folder(toml: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("logging.toml");
    std::fs::write(&file, toml).unwrap();
    (dir, file)
}

fn refusal(toml: &str, env_filter: Option<&str>) -> String {
    let (dir, file) = folder(toml);
    match Logger::new(Some(&file), env_filter, Stderr::default()) {
        Ok(_) => panic!("accepted: {toml}"),
        Err(errors) => errors.to_string().replace(dir.path().to_str().unwrap(), "…"),
    }
}

/// What ends up in the `a.log` that `toml` configures.
fn logged(toml: &str, env_filter: Option<&str>, events: impl FnOnce()) -> String {
    let (dir, file) = folder(toml);
    let Logger { subscriber, guard, .. } = Logger::new(Some(&file), env_filter, Stderr::default()).unwrap();
    with_default(subscriber, events);
    drop(guard);
    std::fs::read_to_string(dir.path().join("a.log")).unwrap()
}

/// One event for each level of three targets, named after both.
fn events_of_all_levels() {
    macro_rules! events {
        ($($target:literal),*) => {$(
            tracing::error!(target: $target, "{} error", $target);
            tracing::warn!(target: $target, "{} warn", $target);
            tracing::info!(target: $target, "{} info", $target);
            tracing::debug!(target: $target, "{} debug", $target);
            tracing::trace!(target: $target, "{} trace", $target);
        )*};
    }
    events!("karana::http", "karana::sync::plan", "hyper");
}

/// How many events of each target came through (5: all, 0: off).
#[track_caller]
fn assert_levels(toml: &str, env_filter: Option<&str>, [http, plan, hyper]: [usize; 3]) {
    let toml = format!("[handlers.file]\npath = \"a.log\"\nrotation = \"never\"\n{toml}");
    let text = logged(&toml, env_filter, events_of_all_levels);
    let count = |target: &str| text.matches(&format!("{target}: {target} ")).count();
    let counts = [count("karana::http"), count("karana::sync::plan"), count("hyper")];
    assert_eq!(counts, [http, plan, hyper], "{text}");
}

#[test]
fn levels_by_handler_and_target() {
    assert_levels("", None, [3, 3, 3]);
    assert_levels("level = \"error\"", None, [1, 1, 1]);
    assert_levels("level = \"trace\"", None, [5, 5, 5]);
    assert_levels("level = \"off\"", None, [0, 0, 0]);
    assert_levels("[targets]\nhyper = \"off\"\n\"karana::sync\" = \"debug\"", None, [3, 4, 0]);
    assert_levels(
        "level = \"warn\"\n[targets]\nkarana = \"trace\"\n\"karana::sync\" = \"error\"",
        None,
        [5, 1, 2],
    );
    assert_levels(
        "[handlers.file.targets]\nhyper = \"trace\"\n[targets]\nhyper = \"off\"\nkarana = \"warn\"",
        None,
        [2, 2, 5],
    );
}

#[test]
fn the_variable_overrides_all_levels() {
    let toml = "level = \"off\"\n[targets]\nhyper = \"trace\"";
    assert_levels(toml, Some("karana=debug,karana::sync=error"), [4, 1, 0]);
    assert_levels(toml, Some("warn"), [2, 2, 2]);
    assert_levels(toml, Some(" "), [0, 0, 5]);
}

#[test]
fn handlers_have_levels_of_their_own() {
    let [quiet, verbose] = [Buffer::default(), Buffer::default()];
    let handlers: Vec<Handler> = vec![
        handlers::lines(Format::Text, true, quiet.clone()).with_filter(LevelFilter::ERROR).boxed(),
        handlers::lines(Format::Text, false, verbose.clone()).with_filter(LevelFilter::TRACE).boxed(),
    ];
    with_default(tracing_subscriber::registry().with(handlers), events_of_all_levels);
    assert_eq!((quiet.text().lines().count(), verbose.text().lines().count()), (3, 15));
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Buffer {
    type Writer = Buffer;

    fn make_writer(&'w self) -> Buffer {
        self.clone()
    }
}

#[test]
fn colours_stay_on_the_console() {
    let [console, file] = [Buffer::default(), Buffer::default()];
    let handlers: Vec<Handler> = vec![
        handlers::lines(Format::Text, true, console.clone()),
        handlers::lines(Format::Text, false, file.clone()),
    ];
    with_default(tracing_subscriber::registry().with(handlers), || {
        let span = tracing::info_span!("request", request_id = "r1", status = tracing::field::Empty);
        span.record("status", 200);
        span.in_scope(|| tracing::info!(actor = "a@example.com", "answered\x1b[31m"));
    });
    assert!(console.text().contains("\x1b["));
    let line = file.text();
    assert!(
        line.contains(r#"request{request_id="r1" status=200}: karana::telemetry::tests: answered"#),
        "{line}"
    );
    assert!(!line.contains('\x1b'), "{line:?}");
}

#[test]
fn json_has_the_fields_at_its_top_level() {
    let toml = "[handlers.file]\npath = \"a.log\"\nrotation = \"never\"\nformat = \"json\"";
    let text = logged(toml, None, || {
        let span = tracing::info_span!("request", request_id = "r1");
        span.in_scope(|| tracing::warn!(status = 503, duration_ms = 12, "line\nbreak"));
        tracing::info!("second");
    });
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["message"], "line\nbreak");
    assert_eq!((&lines[0]["status"], &lines[0]["duration_ms"]), (&503.into(), &12.into()));
    assert_eq!(lines[0]["target"], "karana::telemetry::tests");
    assert_eq!(lines[0]["spans"][0]["request_id"], "r1");
    assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn the_file_lies_beside_logging_toml_and_rotates() {
    let (dir, file) = folder("[handlers.file]\npath = \"logs/karana.log\"\nkeep = 2");
    let Logger { subscriber, guard, .. } = Logger::new(Some(&file), None, Stderr::default()).unwrap();
    with_default(subscriber, || (0..2000).for_each(|i| tracing::info!(i)));
    drop(guard);
    let names: Vec<_> =
        std::fs::read_dir(dir.path().join("logs")).unwrap().map(|entry| entry.unwrap()).collect();
    let [log] = &names[..] else { panic!("{names:?}") };
    let date = log.file_name().into_string().unwrap().strip_prefix("karana.log.").map(str::len);
    assert_eq!(date, Some("2026-01-31".len()));
    assert_eq!(log.metadata().unwrap().mode() & 0o007, 0, "others may read the log");
    assert_eq!(
        std::fs::read_to_string(log.path()).unwrap().lines().count(),
        2000,
        "lines were lost at the end"
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (toml, named) in [
        ("[handlers.console]\nlevel = \"loud\"", "unknown variant `loud`, expected one of `off`, `error`"),
        ("[handlers.console]\nlvl = \"info\"", "unknown field `lvl`"),
        ("[handlers.syslog]", "unknown field `syslog`, expected one of `console`, `file`, `journal`"),
        ("[handler.console]", "unknown field `handler`"),
        ("[handlers.console]\nformat = \"xml\"", "unknown variant `xml`"),
        ("[handlers.journal]\nformat = \"json\"", "unknown field `format`"),
        ("[handlers.file]\nlevel = \"info\"", "missing field `path`"),
        ("[handlers.file]\npath = \"a\"\nkeep = 0", "expected a nonzero usize"),
        ("[handlers.file]\npath = \"a\"\nrotation = \"weekly\"", "unknown variant `weekly`"),
        ("[targets]\nhyper = \"WARN\"", "unknown variant `WARN`"),
        ("[handlers.console]\n[handlers.console]", "duplicate key"),
        ("level", "line 1"),
    ] {
        let refusal = refusal(toml, None);
        assert!(refusal.starts_with("…/logging.toml: TOML parse error at line "), "{refusal}");
        assert!(refusal.contains(named), "{refusal}");
    }
}

#[test]
fn a_bad_filter_is_refused_together_with_the_file() {
    let both = refusal("level", Some("karana=loud"));
    assert!(both.starts_with("…/logging.toml: ") && both.contains("\nKARANA_LOG: "), "{both}");
    assert!(refusal("", Some("karana=debug,,=")).starts_with("KARANA_LOG: "));
}

#[test]
fn handlers_that_cannot_be_opened_are_named() {
    let refusal = refusal("[handlers.file]\npath = \"logging.toml/a.log\"\n[handlers.console]", None);
    assert!(refusal.starts_with("…/logging.toml: handlers.file: …/logging.toml/a.log."), "{refusal}");
}

#[test]
fn the_samples_load() {
    let sample = include_str!("../../logging.toml.sample");
    let logging: Logging = toml::from_str(sample).unwrap();
    assert!(logging.handlers.console.is_some() && logging.handlers.file.is_none());
    // And with all that is commented out: lines that begin with `#` and no space.
    let all: Vec<&str> =
        sample.lines().map(|l| l.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(l)).collect();
    let logging: Logging = toml::from_str(&all.join("\n")).unwrap();
    assert!(logging.handlers.file.is_some() && logging.handlers.journal.is_some());
    assert_eq!((logging.targets.len(), logging.handlers.console.unwrap().targets.len()), (2, 1));
}

#[test]
fn without_a_file_or_a_handler_stderr_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("logging.toml");
    assert!(Logger::new(Some(&absent), None, Stderr::default()).is_ok());
    assert!(Logger::new(None, Some("debug"), Stderr::default()).is_ok());
    let (_dir, file) = folder("[targets]\nhyper = \"warn\"");
    let logger = Logger::new(Some(&file), None, Stderr::default()).unwrap();
    assert!(logger.journal_missing.is_none() && logger.guard.file.is_none());
}

#[test]
fn journal_stream_must_be_this_stderr() {
    let file = tempfile::tempfile().unwrap();
    let stat = file.metadata().unwrap();
    assert!(journal::is_stream(&file, &format!("{}:{}", stat.dev(), stat.ino())));
    for other in [format!("{}:{}", stat.dev(), stat.ino() + 1), "".into(), "1".into(), "a:b".into()] {
        assert!(!journal::is_stream(&file, &other), "{other}");
    }
}

/// Runs `test` of this file again where `/run` is an empty folder of its own: journald's path is
/// fixed, and the machine's true journal is none of our business. Returns whether this is that
/// second run; the first one ends with its result.
fn in_own_run_folder(test: &str) -> bool {
    const INSIDE: &str = "OWN_RUN_FOLDER";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        command.arg(format!("mount -t tmpfs tmpfs /run; {script}"));
        command
    };
    if !namespace("exit 0").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {test} needs a mount namespace, which this machine does not give");
        return false;
    }
    let mut rerun = namespace(r#"mkdir -p /run/systemd/journal; exec "$0" "$@""#);
    rerun.arg(std::env::current_exe().unwrap());
    rerun.args(["--exact", &format!("telemetry::tests::{test}"), "--nocapture"]).env(INSIDE, "1");
    let output = rerun.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
    false
}

/// The fields of one datagram, https://systemd.io/JOURNAL_NATIVE_PROTOCOL: `NAME=value\n`, or
/// `NAME\n`, the length as 64 bits little-endian, the value, `\n`.
fn journal_fields(mut datagram: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    while let Some(end) = datagram.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8(datagram[..end].to_vec()).unwrap();
        datagram = &datagram[end + 1..];
        if let Some((name, value)) = head.split_once('=') {
            fields.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let mut length = [0; 8];
        datagram.read_exact(&mut length).unwrap();
        let (value, rest) = datagram.split_at(u64::from_le_bytes(length) as usize);
        fields.push((head, String::from_utf8(value.to_vec()).unwrap()));
        datagram = &rest[1..];
    }
    fields
}

#[test]
fn journal_entries() {
    if !in_own_run_folder("journal_entries") {
        return;
    }
    let journald = UnixDatagram::bind("/run/systemd/journal/socket").unwrap();
    let (_dir, file) = folder("[handlers.journal]\nlevel = \"debug\"");
    let explicit = Logger::new(Some(&file), None, Stderr::default()).unwrap().subscriber;
    let automatic = Logger::new(None, None, Stderr { is_journal: true, colours: false }).unwrap().subscriber;

    let mut buffer = [0; 4096];
    let mut entry = || {
        let length = journald.recv(&mut buffer).unwrap();
        journal_fields(&buffer[..length])
    };
    // Both probe the socket when they are made.
    assert_eq!((entry(), entry()), (vec![], vec![]));
    for subscriber in [explicit, automatic] {
        with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r1");
            span.in_scope(|| {
                tracing::info!(actor = "a", status = 200, duration_ms = 12, _uid = 0, "two\nlines")
            });
        });
        let fields = entry();
        for (name, value) in [
            ("MESSAGE", "two\nlines"),
            ("PRIORITY", "6"),
            ("SYSLOG_IDENTIFIER", "karana"),
            ("TARGET", "karana::telemetry::tests"),
            ("SPAN_NAME", "request"),
            ("REQUEST_ID", "r1"),
            ("ACTOR", "a"),
            ("STATUS", "200"),
            ("DURATION_MS", "12"),
            // journald would drop a trusted name; ours is no trusted one.
            ("UID", "0"),
        ] {
            assert!(fields.contains(&(name.into(), value.into())), "no {name}={value} in {fields:?}");
        }
    }
}

#[test]
fn without_journald() {
    if !in_own_run_folder("without_journald") {
        return;
    }
    let refusal = refusal("[handlers.journal]", None);
    assert!(refusal.starts_with("…/logging.toml: handlers.journal: journald does not answer"), "{refusal}");
    let automatic = Logger::new(None, None, Stderr { is_journal: true, colours: false }).unwrap();
    assert!(automatic.journal_missing.is_some());
}
