//! The real program, each in a folder of its own.

use super::Session;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far beyond what any of it takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let mut command = Command::new(env!("CARGO_BIN_EXE_karana"));
        let ours = |name: &str| name.starts_with("KARANA_") || name == "JOURNAL_STREAM";
        std::env::vars().filter(|(name, _)| ours(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.envs(self.env.iter().cloned()).args(arguments).current_dir(self.folder.path());
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

    /// Starts the server and waits until it is ready.
    pub fn serve(&self) -> Server {
        let mut running = Running::start(self.command(&[]));
        let line = running.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = running.child.kill();
            panic!("the server did not get ready: {}", running.log())
        });
        let address = line.strip_prefix("karana listening on ").expect("the line of readiness").to_owned();
        let nobody = Session::new(&address);
        Server { home: self.clone(), running: Some(running), address, nobody }
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
        if let Some(running) = &self.running {
            rustix::process::kill_process(
                rustix::process::Pid::from_child(&running.child),
                rustix::process::Signal::TERM,
            )
            .unwrap();
        }
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Ended {
        self.terminate();
        self.running.take().expect("runs until it is stopped").end(PATIENCE)
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> Ended {
        self.running.take().expect("runs until it is stopped").end(PATIENCE)
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
struct Running {
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

    /// Waits for the end. Whatever a program is told to do, it must not panic.
    fn end(mut self, patience: Duration) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > patience {
                let _ = self.child.kill();
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
