//! A repository elsewhere that holds a copy of the store: pushed to, compared with, fetched from at a restore. Never
//! forced, never pulled.

use super::object::Id;
use super::odb::Odb;
use super::program::{self, Output, ProgramError, git_with_ssh};
use super::{read, recover, repo};
use crate::store::journal::{JournalError, Revision, failed};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// Longer than a remote that works says nothing, and than ssh takes to notice a dead connection.
const HANGS: Duration = Duration::from_secs(120);

/// How long a question of the operator's may take.
const QUESTION: Duration = Duration::from_secs(20);

/// As much of what git says as helps a person.
const REASON_LINES: usize = 4;
const REASON_LENGTH: usize = 500;

/// A repository elsewhere. It shows its address without what is secret in it.
#[derive(Clone)]
pub struct Remote {
    /// For git's command line, so without a password.
    address: String,
    shown: String,
    login: Option<Login>,
    /// What must not be shown wherever it turns up.
    secrets: Vec<String>,
}

/// What the address held for HTTP.
#[derive(Clone)]
struct Login {
    /// `credential.<scheme>://<host>.helper`: for that host alone, wherever it redirects to.
    key: String,
    user: String,
    password: String,
}

/// Why a remote is of no use.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// There is no git.
    #[error("the program `git` is not there; install it (on Debian the package git)")]
    NoGit,
    /// It belongs to another store, or to another past of this one.
    #[error(
        "the remote holds commits that are not ours, and it is never forced. Is it another store's, or was this one \
         restored from an older copy? Name an empty remote, or restore from this one (karana restore)"
    )]
    Diverged,
    /// It has no branch `main`.
    #[error("the remote holds no store: it has no branch main")]
    Empty,
    /// It did not answer.
    #[error("the remote hangs: no sign of life for {} s", .0.as_secs())]
    Hangs(Duration),
    /// Git failed, for a reason of its own.
    #[error("{0}")]
    Git(String),
    /// Our own repository cannot be read or made.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// How a remote compares with the store.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds the newest commit.
    UpToDate,
    /// It lacks so many commits.
    Behind(usize),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Remote {
    /// The remote at a URL, `host:path` or a folder, which may hold a password.
    pub fn new(configured: &str) -> Self {
        let plain = Self {
            address: configured.to_owned(),
            shown: configured.to_owned(),
            login: None,
            secrets: vec![],
        };
        let Some((scheme, rest)) = configured.split_once("://") else { return plain };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Some((userinfo, host)) = authority.rsplit_once('@') else { return plain };
        let is_http = matches!(scheme, "http" | "https");
        let bare = format!("{scheme}://{host}{path}");
        let Some((user, password)) = userinfo.split_once(':') else {
            // With HTTP it may be a token; git asks the operator's credential helpers for what belongs to it.
            let secrets = if is_http { vec![format!("{userinfo}@")] } else { vec![] };
            return if is_http { Self { shown: bare, secrets, ..plain } } else { plain };
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let secret = if password.is_empty() { user } else { password };
        let mut secrets = vec![userinfo.to_owned(), secret.to_owned(), decoded(secret)];
        secrets.retain(|secret| !secret.is_empty());
        if is_http {
            let key = format!("credential.{scheme}://{host}.helper");
            let login = Some(Login { key, user: decoded(user), password: decoded(password) });
            Self { address: bare.clone(), shown: bare, login, secrets }
        } else {
            // What ssh does with a password: nothing.
            let address = format!("{scheme}://{user}@{host}{path}");
            Self { address: address.clone(), shown: address, login: None, secrets }
        }
    }

    /// Brings the remote's `main` forward to a commit of ours.
    pub async fn push(&self, repository: &Path, revision: &Revision) -> Result<(), RemoteError> {
        let mut git = self.git(repository, HANGS).await?;
        git.args(["push", "--porcelain", "--progress", "--no-follow-tags", "--"]);
        git.arg(&self.address).arg(format!("{revision}:{}", read::BRANCH));
        let output = self.run(git, HANGS).await?;
        if output.success {
            return Ok(());
        }
        // git-push(1), "OUTPUT": <flag> \t <from>:<to> \t <summary> (<reason>)
        let refused = output.stdout.lines().find_map(|line| line.strip_prefix("!\t")?.split('\t').nth(1));
        let not_ours = ["fetch first", "non-fast-forward", "needs force"];
        match refused {
            Some(why) if not_ours.iter().any(|reason| why == format!("[rejected] ({reason})")) => {
                Err(RemoteError::Diverged)
            }
            Some(why) if why.starts_with("[remote rejected]") => {
                Err(RemoteError::Git(format!("the remote refuses: {why}; {}", self.reason(&output))))
            }
            _ => Err(RemoteError::Git(self.reason(&output))),
        }
    }

    /// Asks the remote how it compares with our repository. Reads that from the disk: not beside other async work.
    pub async fn standing(&self, repository: &Path) -> Result<Standing, RemoteError> {
        let mut git = self.git(repository, QUESTION).await?;
        git.args(["ls-remote", "--", &self.address, read::BRANCH]);
        let output = self.run(git, QUESTION).await?;
        if !output.success {
            return Err(RemoteError::Git(self.reason(&output)));
        }
        let theirs = output.stdout.split_whitespace().next().and_then(|id| id.parse::<Id>().ok());
        let head = repo::head(&recover::open(repository)?)?;
        let mut ours = Odb::open(repository, false).map_err(failed("listing the packs"))?;
        match (head, theirs) {
            (head, theirs) if head == theirs => Ok(Standing::UpToDate),
            (Some(head), None) => {
                Ok(Standing::Behind(read::distance(&mut ours, head, None).map_err(JournalError::from)?))
            }
            (Some(head), Some(theirs)) if read::follows(&mut ours, head, theirs) => Ok(Standing::Behind(
                read::distance(&mut ours, head, Some(theirs)).map_err(JournalError::from)?,
            )),
            _ => Err(RemoteError::Diverged),
        }
    }

    /// Makes, in an empty folder, a repository like that of a new store, with the remote's `main` in it and no trace of
    /// the remote.
    pub async fn clone_to(&self, repository: &Path) -> Result<(), RemoteError> {
        recover::create(repository)?;
        let mut git = self.git(repository, HANGS).await?;
        // As one pack, however small: the store's own packs are merged with it.
        git.args(["-c", "fetch.unpackLimit=1", "fetch", "--progress", "--no-tags", "--"]);
        git.arg(&self.address).arg(format!("{0}:{0}", read::BRANCH));
        let output = self.run(git, HANGS).await?;
        if !output.success {
            let absent = output.stderr.contains("couldn't find remote ref");
            return Err(if absent { RemoteError::Empty } else { RemoteError::Git(self.reason(&output)) });
        }
        let note = repository.join("FETCH_HEAD");
        match fs::remove_file(&note) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(failed(&format!("removing {}", note.display()))(e))?
            }
            _ => Ok(()),
        }
    }

    /// A password does not go on a command line, which every user of the machine can read.
    async fn git(&self, repository: &Path, patience: Duration) -> Result<Command, RemoteError> {
        let mut git = git_with_ssh(repository, patience).await.map_err(|error| self.without_output(error))?;
        if let Some(Login { key, user, password }) = &self.login {
            let says =
                r#"printf 'username=%s\npassword=%s\n' "$KARANA_REMOTE_USER" "$KARANA_REMOTE_PASSWORD""#;
            // The first one lets git forget those of the operator: no keeper of passwords is handed this one.
            git.args(["-c", "credential.helper=", "-c"]);
            git.arg(format!(r#"{key}=!f() {{ test "$1" = get && {says}; }}; f"#));
            git.env("KARANA_REMOTE_USER", user).env("KARANA_REMOTE_PASSWORD", password);
        }
        Ok(git)
    }

    async fn run(&self, git: Command, patience: Duration) -> Result<Output, RemoteError> {
        program::run(git, patience).await.map_err(|error| self.without_output(error))
    }

    fn without_output(&self, error: ProgramError) -> RemoteError {
        match error {
            ProgramError::Missing => RemoteError::NoGit,
            ProgramError::Io(error) => RemoteError::Git(format!("git cannot be run: {error}")),
            ProgramError::Silent(patience) => RemoteError::Hangs(patience),
        }
    }

    /// What git said, as far as it helps and nothing in it is secret.
    fn reason(&self, output: &Output) -> String {
        let lines = output.stderr.split(['\n', '\r']).map(str::trim).filter(|line| tells(line));
        let said = lines.take(REASON_LINES).collect::<Vec<_>>().join("; ");
        if said.is_empty() {
            return "git failed and did not say why".into();
        }
        self.redacted(&said).chars().take(REASON_LENGTH).collect()
    }

    /// Without the password, and without what would move about in a terminal.
    fn redacted(&self, text: &str) -> String {
        let shown =
            self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "********"));
        shown.replace(|c: char| c.is_control(), "\u{fffd}")
    }
}

/// Whether a line of git's says more than how far it is, or what it says at every failure.
fn tells(line: &str) -> bool {
    let beginnings = [
        "Enumerating objects",
        "Delta compression",
        "Total ",
        "Please make sure you have the correct access rights",
        "and the repository exists.",
        "hint:",
    ];
    !line.is_empty()
        && !line.contains("% (")
        && !line.ends_with(", done.")
        && !beginnings.iter().any(|beginning| line.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(remote: &str, stderr: &str) -> String {
        let output = Output { success: false, stdout: String::new(), stderr: stderr.into() };
        Remote::new(remote).reason(&output)
    }

    #[test]
    fn what_is_secret_in_an_address_is_not_shown() {
        for (configured, shown) in [
            ("https://ada:can%40ry@host:8443/a@b.git", "https://host:8443/a@b.git"),
            ("https://canary@host/a.git", "https://host/a.git"),
            ("http://host/a.git", "http://host/a.git"),
            ("https://canary:@host/a.git", "https://host/a.git"),
            ("ssh://git:canary@host:22/~/a.git", "ssh://git@host:22/~/a.git"),
            ("ssh://git@host/a.git", "ssh://git@host/a.git"),
            ("git@host:a.git", "git@host:a.git"),
            ("file:///srv/a@b.git", "file:///srv/a@b.git"),
            ("/srv/a:b@c.git", "/srv/a:b@c.git"),
        ] {
            let remote = Remote::new(configured);
            assert_eq!(remote.to_string(), shown);
            for secret in ["ada:can%40ry", "can%40ry", "can@ry", "canary@", "canary:"] {
                let told = remote.redacted(&format!("{shown} {configured} {secret}"));
                assert!(!configured.contains(secret) || !told.contains(secret), "{told}");
            }
        }
        let login = Remote::new("https://ada:can%40ry@host:8443/a.git").login.unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("ada", "can@ry"));
        assert_eq!(login.key, "credential.https://host:8443.helper");
        assert_eq!(Remote::new("ssh://git:canary@host/a.git").address, "ssh://git@host/a.git");
        // As git has it: whose password a credential helper of the operator's knows.
        let helped = Remote::new("https://ada@host/a.git");
        assert!(helped.login.is_none() && helped.address == "https://ada@host/a.git");
    }

    #[test]
    fn a_reason_is_short_and_says_what_helps() {
        let ssh = "ssh: connect to host 127.0.0.1 port 1: Connection refused\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        let said = "ssh: connect to host 127.0.0.1 port 1: Connection refused; fatal: Could not read from remote repository.";
        assert_eq!(reason("ssh://127.0.0.1:1/a", ssh), said);
        let progress = "Enumerating objects: 5, done.\nCounting objects:  20% (1/5)\rCounting objects: 100% (5/5), done.\nDelta compression using up to 2 threads\nTotal 5 (delta 0), reused 0 (delta 0), pack-reused 0\nremote: \u{1b}[31mno room\n";
        assert_eq!(reason("host:a", progress), "remote: \u{fffd}[31mno room");
        assert_eq!(
            reason("https://u:canary@host/a", "fatal: https://u:canary@host/a: canary"),
            "fatal: https://********@host/a: ********"
        );
        assert_eq!(reason("host:a", "\n").as_str(), "git failed and did not say why");
        assert_eq!(reason("host:a", &"x".repeat(9999)).len(), REASON_LENGTH);
    }
}
