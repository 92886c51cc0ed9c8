//! The command line. Exit codes: 0 fine, 1 failed, 2 usage.

use crate::config::Config;
use crate::operator::{Command, Operator};
use crate::resource::Role;
use crate::store::{Backup, Clock, OpenError};
use crate::{StartError, control, open_store, service, start_sync, store, store_settings, telemetry, terms};
use anyhow::{Context, Result, anyhow, bail};
use chrono::Utc;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// Management server of a monitoring system for small energy devices.
#[derive(Parser)]
#[command(name = "karana", version, about)]
struct Cli {
    /// The configuration [default: ./config.ini, then /etc/karana/config.ini; when there is none: test mode]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve the API (also without a command)
    Serve,
    /// Check configuration and storage with its whole history, name everything that is wrong
    Check {
        /// Show what can be done about damage that a start does not mend by itself; nothing is done
        #[arg(long)]
        repair: bool,
        /// With --repair: do it
        #[arg(long, requires = "repair")]
        yes: bool,
    },
    /// Take over a dump of the 2017 server (a `table_db.json`, or the folder it lies in); all or nothing
    Import {
        file: PathBuf,
        /// Say what would happen, change nothing
        #[arg(long)]
        dry_run: bool,
        /// Also into a store that is not empty
        #[arg(long)]
        merge: bool,
    },
    /// Write a dump in the 2017 server's format (`-`: standard output; a folder: with its `tablestate_db.json`)
    Export {
        file: PathBuf,
        /// As it was at this revision or time (RFC 3339)
        #[arg(long, value_name = "REV")]
        at: Option<String>,
        /// With passwords and hashes, for moving to another instance; otherwise they are masked
        #[arg(long)]
        secrets: bool,
    },
    /// Manage who can sign in
    User {
        #[command(subcommand)]
        verb: UserVerb,
    },
    /// Show what a sync would do, and do nothing
    Plan,
    /// Bring the records to InfluxDB and Grafana, and wait for the result
    Sync,
    /// Fill an empty storage from its backup, and check it
    Restore {
        /// The git remote that holds the backup: a URL, host:path, or a folder
        #[arg(long, value_name = "REMOTE")]
        from: String,
        /// The copy of the key of the store's secrets (storage/keys/seal.keys)
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// List all versions of one record
    Log {
        /// <resource>/<uuid>
        #[arg(value_parser = parse_record)]
        record: (String, Uuid),
    },
    /// Bring one record back to what it was, also a deleted one
    Revert {
        /// <resource>/<uuid>
        #[arg(value_parser = parse_record)]
        record: (String, Uuid),
        /// A revision (`karana log` lists them) or a time, such as 2017-03-02T15:26:11Z
        #[arg(long, value_name = "REV")]
        to: String,
    },
    /// Print the description of the API (OpenAPI 3.1), as a server with this configuration serves it
    Openapi,
    /// Print the manual page, for packages
    #[command(hide = true)]
    Man,
    /// Delete every entry of a declared resource, before its definition is taken away
    Clear { resource: String },
    /// The keys that secrets in the store are sealed with
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
}

#[derive(Subcommand)]
enum UserVerb {
    /// Add a user
    Add {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "")]
        name: String,
        /// admin, manager, viewer or client
        #[arg(long, default_value = "client", value_parser = parse_role)]
        role: Role,
        #[command(flatten)]
        password: Password,
    },
    /// Give a user a new password
    Passwd {
        email: String,
        #[command(flatten)]
        password: Password,
    },
    /// List the users
    List,
}

#[derive(Subcommand)]
enum KeyVerb {
    /// List their names, the one in force last
    List,
    /// Seal all secrets with a new key, in one commit; older keys go on opening what is older
    Rotate,
    /// Print a line with a new key, for a key file that systemd hands in
    New,
}

#[derive(Args)]
struct Password {
    /// Read the password from standard input; otherwise one is made and shown
    #[arg(long)]
    password_stdin: bool,
}

/// Runs the program.
pub fn run() -> ExitCode {
    // Before there are threads: it changes the environment.
    let handed = service::Handed::take();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("karana: {e}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(dispatch(cli, handed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("karana: {}", whole(&error));
            ExitCode::FAILURE
        }
    };
    // Hashing that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    code
}

/// An error with its causes; some tell their cause themselves, and it is said once.
fn whole(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A line on standard output. Whoever reads it may have seen enough (`karana log … | head`): that is no failure.
fn tell(line: impl std::fmt::Display) -> Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e).context("writing to standard output"),
        _ => Ok(()),
    }
}

async fn dispatch(cli: Cli, handed: service::Handed) -> Result<()> {
    // Other programs' variables may be anything; ours are text.
    let env = || {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
    };
    let verb = cli.verb.unwrap_or(Verb::Serve);
    let config = match verb {
        Verb::Serve => Config::load(cli.config.as_deref(), env()),
        // A service may have it right all the same.
        Verb::Check { .. } => Config::load(cli.config.as_deref(), env()).or_else(|wrong| {
            let Ok(config) = Config::load_without_secrets(cli.config.as_deref(), env()) else {
                return Err(wrong);
            };
            eprintln!("note: unless a credential of the service holds it: {wrong}");
            Ok(config)
        }),
        _ => Config::load_without_secrets(cli.config.as_deref(), env()),
    }?;
    let clock: Clock = Arc::new(Utc::now);
    match verb {
        Verb::Serve => serve(&config, clock, handed).await,
        Verb::Check { repair: true, yes } => repair(&config, clock, yes),
        Verb::Check { .. } => check(&config, clock).await,
        Verb::Import { file, dry_run, merge } => {
            let file = if file.is_dir() { file.join("table_db.json") } else { file };
            let dump = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            say(&config, clock, Command::Import { dump, dry_run, merge }).await
        }
        Verb::Export { file, at, secrets } => {
            let dump = ask(&config, clock, Command::Export { at, secrets }).await?;
            write_dump(&file, &dump)
        }
        Verb::User { verb: UserVerb::Add { email, name, role, password } } => {
            let password = password.read()?;
            say(&config, clock, Command::UserAdd { email, name, role, password }).await
        }
        Verb::User { verb: UserVerb::Passwd { email, password } } => {
            let password = password.read()?;
            say(&config, clock, Command::UserPasswd { email, password }).await
        }
        Verb::User { verb: UserVerb::List } => say(&config, clock, Command::UserList).await,
        Verb::Plan => say(&config, clock, Command::Plan).await,
        Verb::Sync => say(&config, clock, Command::Sync).await,
        Verb::Restore { from, key } => restore(&config, clock, &from, &key).await,
        Verb::Log { record: (resource, uuid) } => say(&config, clock, Command::Log { resource, uuid }).await,
        Verb::Revert { record: (resource, uuid), to } => {
            say(&config, clock, Command::Revert { resource, uuid, to }).await
        }
        // It follows from the configuration alone.
        Verb::Openapi => {
            let document = crate::http::document(&store_settings(&config, clock)?.kinds);
            tell(serde_json::to_string_pretty(&document)?)
        }
        Verb::Man => {
            let page = clap_mangen::Man::new(Cli::command());
            page.render(&mut io::stdout()).context("writing to standard output")
        }
        Verb::Clear { resource } => say(&config, clock, Command::Clear { resource }).await,
        Verb::Key { verb: KeyVerb::List } => say(&config, clock, Command::KeyList).await,
        Verb::Key { verb: KeyVerb::Rotate } => say(&config, clock, Command::KeyRotate).await,
        Verb::Key { verb: KeyVerb::New } => tell(store::Keyring::new_line()),
    }
}

async fn serve(config: &Config, clock: Clock, handed: service::Handed) -> Result<()> {
    let logging = logging_file(config);
    let _logging = telemetry::init(logging.as_deref(), std::env::var("KARANA_LOG").ok())?;
    // The one line on standard output: whoever started us may wait for it.
    service::run(config, clock, handed, |address| tell(format_args!("karana listening on http://{address}")))
        .await
}

async fn check(config: &Config, clock: Clock) -> Result<()> {
    if let Some(file) = &logging_file(config) {
        telemetry::check(file)?;
    }
    crate::remarks(config).iter().for_each(|remark| eprintln!("note: {remark}"));
    let settings = store_settings(config, clock)?;
    match store::check(&settings) {
        Ok(None) => tell("the configuration is in order; there is no store yet"),
        Ok(Some(tables)) => {
            let counts = tables.kinds().iter().map(|kind| format!("{} {}", tables.len(kind), kind.name()));
            let counts = counts.collect::<Vec<_>>().join(", ");
            tell(format_args!("configuration and storage are in order: {counts}"))?;
            check_backup(config).await
        }
        // A running server has it: that one checks.
        Err(locked @ OpenError::Locked { .. }) => {
            let definitions = settings.kinds.public().map(|kind| kind.definition().clone()).collect();
            let check = Command::Check { definitions };
            let answer = control::ask(&crate::control_socket(config), &check).ok_or(locked)?;
            let answer = answer.context("asking the running server")?;
            tell(answer.map_err(|reason| anyhow!(reason))?)
        }
        Err(e) => Err(e.into()),
    }
}

/// Shows what can be done about damage, or does it.
fn repair(config: &Config, clock: Clock, yes: bool) -> Result<()> {
    let steps = store::repair(&store_settings(config, clock)?, yes)?;
    steps.iter().try_for_each(tell)?;
    match steps.len() {
        0 => tell("there is nothing to repair"),
        n if yes => tell(format_args!("done: {n}; karana check looks at all of it again")),
        n => bail!("{n} to do, and nothing was done; karana check --repair --yes does it"),
    }
}

/// No server runs that could be asked: so the remote is.
async fn check_backup(config: &Config) -> Result<()> {
    let Some(remote) = &config.storage.remote else {
        return tell("backup: not configured ([storage] remote)");
    };
    let stands = tokio::select! {
        stands = Backup::compare(&config.storage.path, remote) => stands,
        () = service::told_to_stop()? => bail!("interrupted"),
    };
    let stands = stands.map_err(|reason| anyhow!("backup: {reason}"))?;
    tell(format_args!("backup: {stands}"))
}

async fn restore(config: &Config, clock: Clock, from: &str, key: &Path) -> Result<()> {
    let settings = store_settings(config, clock)?;
    let tables = tokio::select! {
        restored = store::restore(settings, from, key) => restored?,
        () = service::told_to_stop()? => bail!("interrupted; nothing was restored"),
    };
    let counts = tables.kinds().iter().map(|kind| format!("{} {}", tables.len(kind), kind.name()));
    let counts = counts.collect::<Vec<_>>().join(", ");
    tell(format_args!("restored revision {}: {counts}", tables.revision()))?;
    tell(
        "Next: see to it that the old server runs no more, and start this one (karana serve). It goes on where the backup \
         ends; everybody signs in again. Then `karana check` says how its own backup stands.",
    )
}

/// Lets a running server carry the command out, or does it here when none runs.
async fn ask(config: &Config, clock: Clock, command: Command) -> Result<String> {
    let answer = match control::ask(&crate::control_socket(config), &command) {
        Some(answer) => answer.context("asking the running server")?,
        None => alone(config, clock, command).await?,
    };
    answer.map_err(|reason| anyhow!(reason))
}

async fn say(config: &Config, clock: Clock, command: Command) -> Result<()> {
    tell(ask(config, clock, command).await?)
}

async fn alone(
    config: &Config,
    clock: Clock,
    command: Command,
) -> Result<crate::operator::Answer, StartError> {
    let store = open_store(config, clock.clone())?;
    let sync = start_sync(config, &store, terms(config, clock.clone())?, false)?;
    let passwords = crate::auth::Passwords::new(config.auth.hash_rounds);
    let operator = Operator { store: store.clone(), passwords, sync: sync.clone(), backup: None, clock };
    let answer = operator.run(command).await;
    sync.stop().await;
    store.close().await;
    Ok(answer)
}

/// `logging.toml` beside `config.ini`, if there is one.
fn logging_file(config: &Config) -> Option<PathBuf> {
    let folder = config.file.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
    Some(folder.join("logging.toml")).filter(|file| file.exists())
}

fn write_dump(file: &Path, dump: &str) -> Result<()> {
    let dump: serde_json::Value = serde_json::from_str(dump)?;
    if file == Path::new("-") {
        return tell(&dump["tables"]);
    }
    if file.is_dir() {
        write_private(&file.join("table_db.json"), &dump["tables"].to_string())?;
        return write_private(&file.join("tablestate_db.json"), &dump["tablestate"].to_string());
    }
    write_private(file, &dump["tables"].to_string())
}

/// It may hold secrets: for the owner alone.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        // The mode above counts only for a new file.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| path.display().to_string())
}

impl Password {
    fn read(&self) -> Result<Option<String>> {
        if !self.password_stdin {
            return Ok(None);
        }
        if io::stdin().is_terminal() {
            eprint!("password (shown while you type), then Ctrl-D: ");
        }
        let mut password = String::new();
        io::stdin().read_to_string(&mut password).context("reading the password")?;
        Ok(Some(password.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn parse_role(text: &str) -> Result<Role, String> {
    serde_json::from_value(text.into()).map_err(|_| "must be one of: admin, manager, viewer, client".into())
}

fn parse_record(text: &str) -> Result<(String, Uuid), String> {
    let wrong = || "must be <resource>/<uuid>".to_owned();
    let (resource, uuid) = text.split_once('/').ok_or_else(wrong)?;
    Ok((resource.to_owned(), uuid.parse().map_err(|_| wrong())?))
}
