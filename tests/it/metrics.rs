//! What an operator's Prometheus sees, and whether the rules and the dashboard for it ask for what there is.

use crate::health::{metric, metrics};
use crate::support::influx::RealInflux;
use crate::support::{Home, PATIENCE, Server, user};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status() {
    let server = Server::start();
    let admin = server.admin().await;
    for n in 0..30 {
        assert_eq!(server.nobody.get(&format!("/made/up/{n}")).await.status, 404);
        assert_eq!(admin.get(&format!("/v1/karanas/{:036}", n)).await.status, 400);
        assert_eq!(
            server.nobody.request("BREW", &format!("/v1/made-up-{n}")).send().await.unwrap().status(),
            405
        );
    }
    admin.create("karanas", &json!({"name": "Roof", "config": {}, "owner": null})).await;
    let metrics = metrics(&server).await;
    let count = |labels: &str| metric(&metrics, &format!("karana_http_requests_total{{{labels}}}"));
    assert_eq!(count(r#"method="GET",route="none",status="404""#), 30.0);
    assert_eq!(count(r#"method="GET",route="/v1/{resource}/{id}",status="400""#), 30.0);
    assert_eq!(count(r#"method="other",route="/v1/{resource}",status="405""#), 30.0);
    assert_eq!(count(r#"method="POST",route="/v1/{resource}/new",status="200""#), 1.0);
    // Nothing that a client makes up is kept.
    for made_up in ["made", "BREW"] {
        assert!(!metrics.contains(made_up), "{metrics}");
    }
    let create = r#"method="POST",route="/v1/{resource}/new""#;
    let took = |of: &str, more: &str| {
        metric(&metrics, &format!("karana_http_request_duration_seconds_{of}{{{create}{more}}}"))
    };
    assert_eq!((took("count", ""), took("bucket", r#",le="+Inf""#)), (1.0, 1.0));
    let sum = took("sum", "");
    // Not beneath what the disk took for it, and in seconds.
    assert!(sum > 0.00005 && sum < PATIENCE.as_secs_f64(), "{sum}");
    assert_eq!(took("bucket", r#",le="0.00005""#), 0.0);
    assert_eq!(metric(&metrics, "karana_http_requests_in_flight"), 1.0);
}

#[tokio::test]
async fn whoever_leaves_is_neither_connected_nor_in_flight() {
    let server = Server::start();
    let token = server.admin().await.token.unwrap();
    let begin = format!(
        "POST /v1/users/new HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut leaving = Vec::new();
    for _ in 0..10 {
        let mut socket = TcpStream::connect(server.socket()).await.unwrap();
        socket.write_all(begin.as_bytes()).await.unwrap();
        leaving.push(socket);
    }
    until(&server, "ten are in flight", |of| of("karana_http_requests_in_flight") == 11.0).await;
    assert!(metric(&metrics(&server).await, "karana_http_connections") >= 11.0);
    let connected = metric(&metrics(&server).await, "karana_http_connections");
    drop(leaving);
    until(&server, "they have left", |of| {
        of("karana_http_requests_in_flight") == 1.0 && of("karana_http_connections") == connected - 10.0
    })
    .await;
}

#[tokio::test]
async fn commits_and_their_syncs_are_counted() {
    let server = Server::start();
    let admin = server.admin().await;
    let before = commits(&metrics(&server).await);
    let creates = (0..40).map(|n| {
        let admin = &admin;
        async move { admin.create("users", &user(&format!("u{n}"))).await }
    });
    futures::future::join_all(creates).await;
    let metrics = metrics(&server).await;
    assert_eq!(commits(&metrics) - before, 40.0);
    let of = |name: &str| metric(&metrics, &format!("karana_store_{name}"));
    assert_eq!(of("batch_size_sum"), of("commits_total"));
    // One sync a batch, and each took its time. The start has made some that were no batches.
    let (batches, syncs) = (of("batch_size_count"), of("sync_duration_seconds_count"));
    assert!(syncs >= batches && batches > 1.0, "{batches} batches, {syncs} syncs");
    assert!(of("sync_duration_seconds_sum") > 0.0);
    assert_eq!((of("queue_length"), of("full_total")), (0.0, 0.0));
}

fn commits(metrics: &str) -> f64 {
    metric(metrics, "karana_store_commits_total")
}

#[tokio::test]
async fn the_process_is_described() {
    let server = Server::start();
    let metrics = metrics(&server).await;
    let of = |name: &str| metric(&metrics, &format!("process_{name}"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - of("start_time_seconds");
    assert!((-1.0..PATIENCE.as_secs_f64()).contains(&age), "{age}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: f64 = resident.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0;
    let ratio = of("resident_memory_bytes") / resident;
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
    assert!(of("threads") >= 3.0);
    assert!(of("open_fds") > 5.0 && of("max_fds") > of("open_fds"));
    assert!(of("cpu_seconds_total") >= 0.0);
}

#[tokio::test]
async fn records_are_pending_while_influxdb_is_away_and_synced_when_it_is_back() {
    let mut influx = RealInflux::start().await;
    let server = with_back_end(&influx);
    let admin = server.admin().await;
    admin.create("users", &user("ada")).await;
    let state = |resource: &str, state: &str| {
        format!("karana_sync_records{{resource=\"{resource}\",state=\"{state}\"}}")
    };
    until(&server, "both users are synced", |of| {
        (of(&state("users", "synced")), of(&state("users", "pending"))) == (2.0, 0.0)
    })
    .await;
    let shown = metrics(&server).await;
    let rounds =
        |outcome: &str| format!("karana_sync_rounds_total{{backend=\"influxdb\",outcome=\"{outcome}\"}}");
    let requests = |kind: &str, outcome: &str| {
        format!("karana_backend_requests_total{{backend=\"influxdb\",kind=\"{kind}\",outcome=\"{outcome}\"}}")
    };
    assert!(metric(&shown, &rounds("done")) >= 1.0);
    assert!(metric(&shown, "karana_sync_last_round_timestamp_seconds{backend=\"influxdb\"}") > 1.5e9);
    // For each of them a database, a user and a grant.
    assert_eq!(metric(&shown, "karana_sync_actions_total{backend=\"influxdb\"}"), 6.0);
    assert_eq!(metric(&shown, &requests("change", "ok")), 6.0);
    assert!(
        metric(&shown, &requests("ping", "ok")) >= 1.0 && metric(&shown, &requests("query", "ok")) >= 1.0
    );
    let took = "karana_backend_request_duration_seconds_count{backend=\"influxdb\",kind=\"change\"}";
    assert_eq!(metric(&shown, took), 6.0);

    influx.stop();
    let bob = admin.create("users", &user("bob")).await;
    admin.create("karanas", &json!({"name": "Roof", "owner": bob, "config": {}})).await;
    until(&server, "a user and a device wait", |of| {
        of(&state("users", "pending")) == 1.0
            && of(&state("karanas", "pending")) == 1.0
            && of(&state("users", "synced")) == 2.0
            && of(&rounds("failed")) >= 1.0
            && of(&requests("ping", "unreachable")) >= 1.0
    })
    .await;
    influx.resume().await;
    admin.post("/v1/sync/all/db", &Value::Null).await.results();
    until(&server, "all are synced", |of| {
        of(&state("users", "synced")) == 3.0
            && of(&state("karanas", "synced")) == 1.0
            && of(&state("users", "pending")) == 0.0
    })
    .await;
}

fn with_back_end(influx: &RealInflux) -> Server {
    let to = influx.settings();
    let config = format!(
        "[influxdb]\nhost = {}\nport = {}\nuser = {}\npass = {}\n",
        to.host, to.port, to.user, to.pass
    );
    Server::start_with(&config, &[])
}

/// Asks until what is shown is as wanted.
async fn until(server: &Server, what: &str, done: impl Fn(&dyn Fn(&str) -> f64) -> bool) {
    let begin = Instant::now();
    loop {
        let shown = metrics(server).await;
        if done(&|name| metric(&shown, name)) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "not within a minute: {what}: {shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that can be shown: by a server with a back end and a backup, which has been asked before.
async fn everything() -> (Server, String) {
    let config = "[influxdb]\nhost = 127.0.0.1\nport = 1\nuser = admin\npass = canary\n[storage]\nremote = nowhere.git\n";
    let server = Home::new(config).serve();
    server.admin().await.create("users", &user("ada")).await;
    metrics(&server).await;
    let shown = metrics(&server).await;
    (server, shown)
}

/// The names that are shown, as rules call them, each with the names of its labels.
fn shown_names(metrics: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        names.entry(name.to_owned()).or_default().extend(label_names(labels));
    }
    names
}

/// The names before `=` outside of quotes.
fn label_names(labels: &str) -> Vec<String> {
    let names = labels.split('"').step_by(2);
    names
        .map(|text| text.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The metrics of ours that an expression asks for, each with the labels it selects by.
fn asked_for(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut asked = Vec::new();
    for prefix in ["karana_", "process_"] {
        for (at, _) in expression.match_indices(prefix) {
            if expression[..at].ends_with(is_word) {
                continue;
            }
            let rest = &expression[at..];
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            let selector = rest[name.len()..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            asked.push((name, selector.map(|(labels, _)| label_names(labels)).unwrap_or_default()));
        }
    }
    asked
}

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring")
}

#[tokio::test]
async fn rules_and_dashboard_ask_for_what_is_shown() {
    let (_server, metrics) = everything().await;
    let shown = shown_names(&metrics);
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(monitoring().join("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut expressions: Vec<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    assert!(expressions.len() > 30, "{expressions:?}");
    let rules = std::fs::read_to_string(monitoring().join("rules.yml")).unwrap();
    expressions.extend(
        rules.split("expr:").skip(1).map(|rule| rule.split("annotations:").next().unwrap().to_owned()),
    );
    let mut wrong = Vec::new();
    for expression in &expressions {
        for (name, labels) in asked_for(expression) {
            let Some(known) = shown.get(&name) else {
                wrong.push(format!("{name} is not shown: {expression}"));
                continue;
            };
            // Those are Prometheus' own.
            let ours = labels.iter().filter(|label| !["instance", "job"].contains(&label.as_str()));
            wrong.extend(
                ours.filter(|label| !known.contains(*label))
                    .map(|label| format!("{name} has no label {label}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Grafana takes panels by their number, and one source for all of them.
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
    let rows: Vec<_> =
        panels.iter().filter(|panel| panel["type"] == "row").map(|row| &row["title"]).collect();
    assert_eq!(rows, ["Requests", "Store", "Sync", "Backup", "Process"]);
}

#[tokio::test]
async fn everything_that_is_shown_is_explained() {
    let (_server, metrics) = everything().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let explained = std::fs::read_to_string(path).unwrap();
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let missing: Vec<_> =
        families.filter(|(name, _)| !explained.contains(&format!("`{name}"))).map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "docs/operations.md does not explain {missing:?}");
}

#[tokio::test]
async fn prometheus_takes_the_metrics_and_the_rules() {
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!("skipped: there is no promtool here (on Debian in the package prometheus)");
        return;
    }
    let (_server, metrics) = everything().await;
    promtool(&["check", "metrics"], &metrics);
    promtool(&["check", "rules", "rules.yml"], "");
    promtool(&["check", "config", "--syntax-only", "prometheus.yml"], "");
    promtool(&["test", "rules", "rules.test.yml"], "");
}

fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(monitoring())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}
