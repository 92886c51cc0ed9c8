//! The backup over ssh, to a real sshd.

use super::{Elsewhere, eventually, home, pushed};
use crate::operator::fine;
use crate::support::{Home, user};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Often not on the search path. It must be called by its full path.
const PROGRAMS: [&str; 2] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"];

/// Where an sshd of root wants an empty folder; the distribution makes it when its own service starts.
const EMPTY: &str = "/run/sshd";

/// An sshd on loopback that lets in whoever runs the tests, with a key of theirs.
struct Sshd {
    folder: TempDir,
    port: u16,
    _process: Process,
}

/// Killed and reaped when dropped, also when a test panics.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sshd {
    /// None where there is no sshd.
    fn start() -> Option<Self> {
        let program = PROGRAMS.iter().find(|path| Path::new(path).exists())?;
        let folder = TempDir::new().unwrap();
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join(key));
            assert!(keygen.status().expect("ssh-keygen, where sshd is").success());
        }
        // As docs/operations.md has it: this key is for git, and for nothing else.
        let key = fs::read_to_string(folder.path().join("user.pub")).unwrap();
        let only_git = r#"restrict,command="git-shell -c \"$SSH_ORIGINAL_COMMAND\"""#;
        fs::write(folder.path().join("authorized"), format!("{only_git} {key}")).unwrap();
        if rustix::process::geteuid().is_root() && !Path::new(EMPTY).exists() {
            fs::DirBuilder::new().mode(0o755).create(EMPTY).unwrap();
        }
        // A port that was free a moment ago may be taken: then sshd ends, and others are tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = Process(spawn(program, folder.path(), port));
            if answers(&mut process.0, port) {
                return Some(Self { folder, port, _process: process });
            }
        }
        panic!("sshd does not start: {}", fs::read_to_string(folder.path().join("log")).unwrap())
    }

    /// How git is to call ssh: with that key, for that host, and with nobody's settings.
    fn command(&self) -> String {
        let folder = self.folder.path().display();
        let host = fs::read_to_string(self.folder.path().join("host.pub")).unwrap();
        fs::write(self.folder.path().join("known"), format!("[127.0.0.1]:{} {host}", self.port)).unwrap();
        format!(
            "ssh -F none -i '{folder}/user' -oIdentitiesOnly=yes -oBatchMode=yes -oUserKnownHostsFile='{folder}/known'"
        )
    }

    fn url(&self, repository: &Path) -> String {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, repository.display())
    }
}

fn spawn(program: &str, folder: &Path, port: u16) -> Child {
    let in_folder = |key: &str, name: &str| format!("{key}={}", folder.join(name).display());
    let options = [
        in_folder("HostKey", "host"),
        in_folder("AuthorizedKeysFile", "authorized"),
        "ListenAddress=127.0.0.1".into(),
        "PidFile=none".into(),
        "StrictModes=no".into(),
        "UsePAM=no".into(),
        "PasswordAuthentication=no".into(),
        "KbdInteractiveAuthentication=no".into(),
        "PermitRootLogin=prohibit-password".into(),
    ];
    let mut sshd = Command::new(program);
    sshd.args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string()]);
    options.iter().for_each(|option| _ = sshd.args(["-o", option]));
    let log = fs::File::create(folder.join("log")).unwrap();
    sshd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn answers(sshd: &mut Child, port: u16) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) && sshd.try_wait().unwrap().is_none() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[tokio::test]
async fn over_ssh_it_goes_there_and_back() {
    let Some(sshd) = Sshd::start() else {
        eprintln!("skipped: there is no sshd here (on Debian the package openssh-server)");
        return;
    };
    let remote = Elsewhere::new();
    let url = sshd.url(remote.path());
    let old = home(&url).env("GIT_SSH_COMMAND", &sshd.command());
    let server = old.serve();
    server.admin().await.create("users", &user("ada")).await;
    let main = pushed(&server).await;
    assert_eq!(remote.references(), format!("{main} refs/heads/main"));
    server.stop();
    assert!(fine(old.run(&["check"])).contains("up to date"));

    let new = Home::new("").env("GIT_SSH_COMMAND", &sshd.command());
    new.write("the.keys", fs::read(old.storage().join("keys/seal.keys")).unwrap());
    let said = fine(new.run(&["restore", "--from", &url, "--key", "the.keys"]));
    assert!(said.contains(&main) && said.contains("2 users"), "{said}");
    assert_eq!(new.git(&["rev-parse", "main"]).trim(), main);
}

/// Whom nobody knows is not asked about: nobody is there who could answer.
#[tokio::test]
async fn ssh_asks_nothing() {
    let Some(sshd) = Sshd::start() else {
        eprintln!("skipped: there is no sshd here (on Debian the package openssh-server)");
        return;
    };
    let remote = Elsewhere::new();
    let server = home(&sshd.url(remote.path())).serve();
    let stands = eventually(&server, "failed", |stands| !stands["error"].is_null()).await;
    let reason = stands["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("Host key verification failed"), "{reason}");
    assert_eq!(remote.references(), "");
}
