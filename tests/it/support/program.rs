//! The real program, each in a folder of its own.
//!
//! `KARANA_TEST_PROGRAM` names another build of it: a release, which is what the long forms are worth the time for.

use super::Session;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far beyond what any of it takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A working folder with a `config.ini`; gone with the last one who holds it.
#[derive(Clone)]
pub struct Home {
    folder: Arc<TempDir>,
    env: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("config.ini"), config).unwrap();
        let env = [("KARANA_API_LISTEN", "127.0.0.1:0"), ("KARANA_AUTH_HASH_ROUNDS", "1000")];
        Self { folder: Arc::new(folder), env: env.map(|(k, v)| (k.to_owned(), v.to_owned())).into() }
    }

    /// With a variable in the environment; an empty value takes one of ours out.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn storage(&self) -> PathBuf {
        self.path("storage")
    }

    /// Writes a file below the folder, with the folders above it.
    pub fn write(&self, below: &str, content: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.prepare(command)
    }

    fn prepare(&self, mut command: Command) -> Command {
        let ours = |name: &str| name.starts_with("KARANA_") || name == "JOURNAL_STREAM";
        std::env::vars().filter(|(name, _)| ours(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.envs(self.env.iter().cloned()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Running::start(self.command(arguments)).end(PATIENCE)
    }

    /// Runs the program to its end, with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut running = Running::start(command);
        running.child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        running.end(PATIENCE)
    }

    /// Starts the program, and waits for nothing.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts the server as systemd does for a socket unit: the socket is open already, as descriptor 3 (and, where
    /// there are to be more, as those that follow).
    pub fn start_with_socket(&self, socket: impl Into<OwnedFd>, copies: usize) -> Running {
        let mut command = Command::new("sh");
        let copy = (3..3 + copies).map(|fd| format!("{fd}<&0 ")).collect::<String>();
        command.arg("-c").arg(format!(r#"exec {copy}</dev/null; LISTEN_PID=$$ exec "$0""#)).arg(program());
        let mut command = self.prepare(command);
        command.env("LISTEN_FDS", copies.to_string()).stdin(Stdio::from(socket.into()));
        Running::start(command)
    }

    /// Starts the server and waits until it is ready.
    pub fn serve(&self) -> Server {
        let ready = self.start(&[]).ready(self, PATIENCE);
        ready.unwrap_or_else(|ended| panic!("the server did not get ready: {}", ended.stderr))
    }

    /// Runs git on the repository of the store, which must work. It holds what was answered 100 ms ago.
    pub fn git(&self, arguments: &[&str]) -> String {
        std::thread::sleep(Duration::from_millis(100));
        git(&self.storage().join("tables.git"), arguments)
    }

    /// Changes the repository behind the server's back: in a clone, which is pushed.
    pub fn tamper(&self, change: impl FnOnce(&Path)) {
        std::thread::sleep(Duration::from_millis(100));
        let clone = TempDir::new().unwrap();
        let repository = self.storage().join("tables.git");
        git(clone.path(), &["clone", "-q", "-b", "main", repository.to_str().unwrap(), "."]);
        change(clone.path());
        git(clone.path(), &["add", "-A"]);
        git(clone.path(), &["commit", "-qm", "by hand"]);
        git(clone.path(), &["push", "-q", "origin", "main"]);
    }

    /// How many commits the store has.
    pub fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).trim().parse().unwrap()
    }
}

fn program() -> std::ffi::OsString {
    std::env::var_os("KARANA_TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_karana").into())
}

/// Where a record lies in the repository.
pub fn record(resource: &str, uuid: &str) -> String {
    format!("tables/{resource}/{}/{}/{}/{uuid}.json", &uuid[..1], &uuid[1..2], &uuid[2..3])
}

/// Runs git in a folder, with nobody's settings.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"])
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .output()
        .expect("git runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "git {arguments:?}: {out}{err}");
    out.into_owned()
}

/// A server that is ready; killed when it is dropped.
pub struct Server {
    home: Home,
    running: Option<Running>,
    /// `http://127.0.0.1:<port>`
    pub address: String,
    /// Somebody who is not signed in.
    pub nobody: Session,
}

impl Server {
    /// A server in test mode with the defaults.
    pub fn start() -> Self {
        Home::new("").serve()
    }

    /// A server with a configuration and an environment.
    pub fn start_with(config: &str, env: &[(&str, &str)]) -> Self {
        env.iter().fold(Home::new(config), |home, (name, value)| home.env(name, value)).serve()
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Host and port, for sockets of one's own.
    pub fn socket(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// The first admin of test mode.
    pub async fn admin(&self) -> Session {
        self.nobody.login("admin@example.com", "admin").await
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        self.running.as_ref().map(Running::log).unwrap_or_default()
    }

    /// Asks it to stop, and does not wait for that.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Its number among the processes.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("runs until it is stopped").child.id()
    }

    fn signal(&self, signal: Signal) {
        if let Some(running) = &self.running {
            kill_process(Pid::from_child(&running.child), signal).unwrap();
        }
    }

    /// Lets none of its threads go on. Each has finished what it had asked of the system when this returns: a thread
    /// in the middle of a sync stops only behind it.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let tasks = PathBuf::from(format!("/proc/{}/task", self.pid()));
        let begin = Instant::now();
        let stopped = |thread: PathBuf| {
            let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
            // The state comes behind the name, which is in parentheses and may hold any.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
        };
        while !fs::read_dir(&tasks).unwrap().all(|thread| stopped(thread.unwrap().path())) {
            assert!(begin.elapsed() < PATIENCE, "the server does not stand still");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets all of them go on again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Ended {
        self.terminate();
        self.running.take().expect("runs until it is stopped").end(PATIENCE)
    }

    /// Waits until it has ended by itself.
    pub fn wait(self) -> Ended {
        self.wait_for(PATIENCE)
    }

    /// Waits until it has ended by itself, which it must within `patience`.
    pub fn wait_for(mut self, patience: Duration) -> Ended {
        self.running.take().expect("runs until it is stopped").end(patience)
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        let mut running = self.running.take().expect("runs until it is stopped");
        running.child.kill().unwrap();
        running.end(PATIENCE);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let _ = running.child.kill();
        if !std::thread::panicking() {
            running.end(PATIENCE);
        } else {
            eprintln!("the server's log:\n{}", running.log());
        }
    }
}

/// A child of ours whose output is read while it runs.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    stderr: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let (line, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|text| {
                let _ = line.send(text);
            });
        });
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (child.stderr.take().unwrap(), stderr.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { child, lines, stderr, reader: Some(reader) }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// A server that is ready, or how it ended instead.
    pub fn ready(mut self, home: &Home, patience: Duration) -> Result<Server, Ended> {
        let line = match self.lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(self.end(patience)),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.kill();
                panic!("the server neither got ready nor ended: {}", self.log())
            }
        };
        let address = line.strip_prefix("karana listening on ").expect("the line of readiness").to_owned();
        let nobody = Session::new(&address);
        Ok(Server { home: home.clone(), running: Some(self), address, nobody })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end. Whatever a program is told to do, it must not panic.
    pub fn end(mut self, patience: Duration) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > patience {
                self.kill();
                panic!("the program did not end: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let stderr = self.log();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let stdout = self.lines.iter().map(|line| line + "\n").collect();
        Ended { code: status.code(), stdout, stderr }
    }
}
