//! The `git` program, for all that goes over a network: unlike libgit2 it honours the operator's ssh configuration and
//! credential helpers. It asks nobody anything, and a run that hangs is ended.

use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Of what a run says, the end of this many bytes is kept.
const KEPT: usize = 16 << 10;

/// How long a run that is told to end may tidy up, such as remove its locks from the repository.
const TIDY_UP: Duration = Duration::from_millis(500);

/// How long the pipes of a run that has ended are still read. Whatever it left in the background, such as ssh's shared
/// connection, may hold them open for hours.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Would lead git to another repository than the one it is told; from `git rev-parse --local-env-vars`.
const OF_ANOTHER_REPOSITORY: [&str; 8] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// What a run left behind.
#[derive(Debug)]
pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Why there is no output.
#[derive(Debug)]
pub enum ProgramError {
    /// There is no such program.
    Missing,
    /// It cannot be run.
    Io(io::Error),
    /// It has been ended since it said nothing for so long.
    Silent(Duration),
}

impl From<io::Error> for ProgramError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A git that works on a repository, asks nobody and speaks English.
pub fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    for name in OF_ANOTHER_REPOSITORY {
        git.env_remove(name);
    }
    git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    git.arg("--git-dir").arg(repository);
    git
}

/// The same for going over a network. With ssh it gives up rather than ask or wait, unless the operator has set another
/// command for ssh.
pub async fn git_with_ssh(repository: &Path, patience: Duration) -> Result<Command, ProgramError> {
    let mut git = git(repository);
    let set_by_variable = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| std::env::var_os(name).is_some());
    if !set_by_variable && !is_configured(repository, "core.sshCommand", patience).await? {
        git.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=10");
    }
    Ok(git)
}

async fn is_configured(
    repository: &Path,
    key: impl AsRef<OsStr>,
    patience: Duration,
) -> Result<bool, ProgramError> {
    let mut config = git(repository);
    config.args(["config", "--get"]).arg(key);
    Ok(run(config, patience).await?.success)
}

/// Runs a program to its end, or until it has said nothing for as long as `patience`: then, and when this is dropped, it
/// is ended with all that it started.
pub async fn run(mut command: Command, patience: Duration) -> Result<Output, ProgramError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProgramError::Missing,
        _ => ProgramError::Io(error),
    })?;
    let mut group = Group(child);
    let (mut stdout, mut stderr) = (Said::by(group.0.stdout.take()), Said::by(group.0.stderr.take()));
    let status = loop {
        tokio::select! {
            status = group.0.wait() => break status?,
            () = stdout.hear() => {}
            () = stderr.hear() => {}
            () = sleep(patience) => {
                group.end().await?;
                return Err(ProgramError::Silent(patience));
            }
        }
    };
    let rest = async { tokio::join!(stdout.hear_out(), stderr.hear_out()) };
    let _ = timeout(LAST_WORDS, rest).await;
    Ok(Output { success: status.success(), stdout: stdout.text(), stderr: stderr.text() })
}

/// A child with all that it starts, as a process group.
struct Group(Child);

impl Group {
    async fn end(&mut self) -> io::Result<()> {
        self.signal(Signal::TERM);
        // Not waited for before the last signal: until then the system gives its id to nobody else.
        sleep(TIDY_UP).await;
        self.signal(Signal::KILL);
        self.0.wait().await.map(|_| ())
    }

    fn signal(&self, signal: Signal) {
        // No id: it has ended and was waited for.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = id {
            // That there is none left of them is fine.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
    }
}

/// What comes through a pipe.
struct Said<R> {
    pipe: Option<R>,
    kept: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Said<R> {
    fn by(pipe: Option<R>) -> Self {
        Self { pipe, kept: Vec::new() }
    }

    /// Resolves when something has come; never again once the pipe has ended. May be dropped without loss.
    async fn hear(&mut self) {
        let mut buffer = [0; 4096];
        let Some(pipe) = &mut self.pipe else { return std::future::pending().await };
        match pipe.read(&mut buffer).await {
            Ok(length @ 1..) => {
                self.kept.extend_from_slice(&buffer[..length]);
                let too_much = self.kept.len().saturating_sub(KEPT);
                self.kept.drain(..too_much);
            }
            Ok(0) | Err(_) => self.pipe = None,
        }
    }

    async fn hear_out(&mut self) {
        while self.pipe.is_some() {
            self.hear().await;
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[tokio::test]
    async fn what_a_run_says_is_kept_up_to_a_bound() {
        let output = run(shell("echo out; echo err >&2; exit 3"), Duration::from_secs(20)).await.unwrap();
        assert_eq!((output.success, output.stdout.trim(), output.stderr.trim()), (false, "out", "err"));
        let long = run(shell("yes | head -c 100000; echo end"), Duration::from_secs(20)).await.unwrap();
        assert!(long.success && long.stdout.len() == KEPT && long.stdout.ends_with("end\n"));
        let missing = run(Command::new("no-such-program"), Duration::from_secs(20)).await;
        assert!(matches!(missing, Err(ProgramError::Missing)));
    }

    /// A sign of life now and then is enough; without one a run is ended with what it started.
    #[tokio::test]
    async fn a_run_that_hangs_is_ended() {
        let slow = shell("for i in 1 2 3 4 5; do echo $i; sleep 0.2; done");
        assert!(run(slow, Duration::from_millis(800)).await.unwrap().success);
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let hangs = format!("(sleep 2; touch {}) & trap '' TERM; wait; wait", mark.display());
        let begin = Instant::now();
        let ended = run(shell(&hangs), Duration::from_millis(100)).await;
        assert!(matches!(ended, Err(ProgramError::Silent(_))), "{ended:?}");
        assert!(begin.elapsed() < Duration::from_millis(1900), "{:?}", begin.elapsed());
        sleep(Duration::from_secs(2).saturating_sub(begin.elapsed()) + Duration::from_millis(100)).await;
        assert!(!mark.exists(), "what it started went on");
    }

    #[tokio::test]
    async fn what_is_left_in_the_background_is_not_waited_for() {
        let begin = Instant::now();
        let output = run(shell("sleep 20 & echo done"), Duration::from_secs(30)).await.unwrap();
        assert_eq!(output.stdout, "done\n");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}
