//! A real InfluxDB 1.x for one test: its own ports, its own folder, gone when dropped.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use karana::sync::InfluxSettings;
use serde_json::Value;
use tempfile::TempDir;

const ADMIN: (&str, &str) = ("admin", r#"raw: "pass' \n word"#);

pub struct RealInflux {
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

/// Killed and reaped when dropped, also when a test panics.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RealInflux {
    /// An empty server with authentication and an administrator whose password needs quoting.
    pub async fn start() -> Self {
        let mut server = Self::start_without_admin().await;
        server.create_admin().await;
        server
    }

    /// As `influxd` is on the first day: authentication is on and there is no user at all.
    pub async fn start_without_admin() -> Self {
        let mut server = Self { folder: tempfile::tempdir().unwrap(), port: 0, process: None };
        server.launch(None).await;
        server
    }

    /// Ends the server; its data stay.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Holds the server still: it takes connections and answers nothing. Or lets it go on.
    pub fn freeze(&self, still: bool) {
        let signal = if still { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        let Some(Process(process)) = &self.process else { panic!("no server to freeze") };
        rustix::process::kill_process(rustix::process::Pid::from_child(process), signal).unwrap();
    }

    /// Starts the server again on its data, at the same port.
    pub async fn resume(&mut self) {
        self.launch(Some(self.port)).await;
    }

    /// Starts the server again, without its data but with an administrator, at the same port.
    pub async fn wipe(&mut self) {
        self.stop();
        for part in ["meta", "data", "wal"] {
            std::fs::remove_dir_all(self.folder.path().join(part)).unwrap();
        }
        self.launch(Some(self.port)).await;
        self.create_admin().await;
    }

    pub fn settings(&self) -> InfluxSettings {
        InfluxSettings {
            host: "127.0.0.1".into(),
            port: self.port,
            user: ADMIN.0.into(),
            pass: ADMIN.1.into(),
            token: None,
            org: None,
            ssl: false,
            device_host: "influx.test".into(),
            device_port: 8086,
            retention: None,
        }
    }

    /// Runs a statement as the administrator; panics when it fails.
    pub async fn admin(&self, statement: &str) -> Value {
        let (status, answer) = self.query(ADMIN.0, ADMIN.1, "", statement).await;
        assert_eq!((status, &answer["results"][0]["error"]), (200, &Value::Null), "{statement}: {answer}");
        answer
    }

    /// The rows that a statement of the administrator answers with, those of all series.
    pub async fn rows(&self, statement: &str) -> Vec<Value> {
        let answer = self.admin(statement).await;
        let series = answer["results"][0]["series"].as_array().cloned().unwrap_or_default();
        series.iter().filter_map(|series| series["values"].as_array().cloned()).flatten().collect()
    }

    /// Runs a query in `database` as someone: the status and the answer.
    pub async fn query(&self, user: &str, pass: &str, database: &str, query: &str) -> (u16, Value) {
        let request = client()
            .post(format!("http://127.0.0.1:{}/query", self.port))
            .query(&[("db", database)])
            .basic_auth(user, Some(pass))
            .form(&[("q", query)]);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Writes a point as a device does, credentials in the URL: the status.
    pub async fn write(&self, user: &str, pass: &str, database: &str, point: &str) -> u16 {
        let request = client()
            .post(format!("http://127.0.0.1:{}/write", self.port))
            .query(&[("db", database), ("u", user), ("p", pass), ("precision", "s")])
            .body(point.to_owned());
        request.send().await.unwrap().status().as_u16()
    }

    /// Points that another server was given, as the administrator: the status and the answer.
    pub async fn pass_on(&self, database: &str, precision: &str, points: &str) -> (u16, Value) {
        let request = client()
            .post(format!("http://127.0.0.1:{}/write", self.port))
            .query(&[("db", database), ("precision", precision)])
            .basic_auth(ADMIN.0, Some(ADMIN.1))
            .body(points.to_owned());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// A query that another server was asked, as the administrator: the status and the answer.
    pub async fn ask(&self, database: &str, epoch: &str, query: &str) -> (u16, Value) {
        let request = client()
            .post(format!("http://127.0.0.1:{}/query", self.port))
            .query(&[("db", database), ("epoch", epoch)])
            .basic_auth(ADMIN.0, Some(ADMIN.1))
            .form(&[("q", query)]);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn create_admin(&mut self) {
        let quoted = ADMIN.1.replace('\\', r"\\").replace('\'', r"\'");
        self.admin(&format!("CREATE USER {} WITH PASSWORD '{quoted}' WITH ALL PRIVILEGES", ADMIN.0)).await;
    }

    /// A port that was free a moment ago may be taken: then `influxd` ends, and others are tried.
    async fn launch(&mut self, port: Option<u16>) {
        for _ in 0..10 {
            self.port = port.unwrap_or_else(free_port);
            self.process = Some(Process(self.spawn(free_port())));
            if self.answers().await {
                return;
            }
        }
        panic!("influxd does not start; its log: {}", std::fs::read_to_string(self.path("log")).unwrap());
    }

    fn spawn(&self, rpc_port: u16) -> Child {
        let folder = self.folder.path().display();
        // The inmem index takes half the memory and open files of tsi1.
        let config = format!(
            r#"
            reporting-disabled = true
            bind-address = "127.0.0.1:{rpc_port}"
            [meta]
            dir = "{folder}/meta"
            [data]
            dir = "{folder}/data"
            wal-dir = "{folder}/wal"
            index-version = "inmem"
            [http]
            bind-address = "127.0.0.1:{}"
            auth-enabled = true
            [monitor]
            store-enabled = false
            "#,
            self.port
        );
        std::fs::write(self.path("influxdb.conf"), config).unwrap();
        let log = std::fs::File::create(self.path("log")).unwrap();
        let spawned = Command::new("influxd")
            .arg("-config")
            .arg(self.path("influxdb.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        spawned.unwrap_or_else(|error| {
            panic!("cannot run influxd ({error}): install InfluxDB 1.x, Debian package influxdb")
        })
    }

    async fn answers(&mut self) -> bool {
        let Some(Process(process)) = &mut self.process else { return false };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
            let ping = client().get(format!("http://127.0.0.1:{}/ping", self.port)).send().await;
            if ping.is_ok_and(|answer| answer.status() == 204) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// One a request, since a pool of connections dies with its test; without certificates, which take longer to read than it all.
fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
