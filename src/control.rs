//! The control socket: how commands of the operator reach a running server.
//!
//! One command as a line of JSON, one [`Answer`] as JSON, and the connection ends. Only the storage's owner gets in.

use crate::operator::{Answer, Command, Operator};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// A dump of a hundred thousand entries fits in.
const LONGEST_COMMAND: u64 = 256 << 20;

/// Listens as long as it lives.
pub struct Control {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens for commands. The caller holds the storage's lock, so a socket that is there is a dead server's.
pub fn listen(path: &Path, operator: Operator) -> io::Result<Control> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let (_folder, short) = short(path)?;
    let listener = UnixListener::bind(short)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let operator = operator.clone();
                    tokio::spawn(async move {
                        if let Err(reason) = answer(stream, operator).await {
                            tracing::warn!(%reason, "a command on the control socket broke off");
                        }
                    });
                }
                Err(reason) => {
                    tracing::warn!(%reason, "the control socket does not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(Control { path: path.to_owned(), task })
}

/// A name for the socket by way of its open folder: the system allows 107 bytes, and a storage may lie deep.
fn short(path: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(path.parent().unwrap_or(Path::new(".")))?;
    let name = path.file_name().unwrap_or_default();
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, short))
}

async fn answer(stream: tokio::net::UnixStream, operator: Operator) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reading.take(LONGEST_COMMAND)).read_line(&mut line).await?;
    let answer: Answer = match serde_json::from_str(&line) {
        Ok(command) => operator.run(command).await,
        Err(e) => Err(format!("the command is not understood; are both programs of one version? ({e})")),
    };
    writing.write_all(&serde_json::to_vec(&answer).map_err(io::Error::other)?).await?;
    writing.shutdown().await
}

/// Asks the server that listens at `path`; none when there is no such server.
pub fn ask(path: &Path, command: &Command) -> Option<io::Result<Answer>> {
    let (_folder, short) = short(path).ok()?;
    let stream = UnixStream::connect(short).ok()?;
    Some(exchange(stream, command))
}

fn exchange(mut stream: UnixStream, command: &Command) -> io::Result<Answer> {
    let mut line = serde_json::to_vec(command).map_err(io::Error::other)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    serde_json::from_str(&answer)
        .map_err(|e| io::Error::other(format!("the server's answer is not understood: {e}")))
}
