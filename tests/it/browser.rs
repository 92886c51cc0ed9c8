//! The web page in a real browser: `frontend/e2e/` drives it, with servers of its own that provision a real InfluxDB and a
//! Grafana, for each scene new ones. `tests/browser.sh` runs them: they want Chromium, Node.js and the built page.

use crate::support::grafana::Grafana;
use crate::support::influx::RealInflux;
use serde_json::json;
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test]
#[ignore = "wants a browser: tests/browser.sh"]
async fn an_operators_first_ten_minutes() {
    play("operator").await;
}

#[tokio::test]
#[ignore = "wants a browser: tests/browser.sh"]
async fn what_goes_wrong() {
    play("trouble").await;
}

#[tokio::test]
#[ignore = "wants a browser: tests/browser.sh"]
async fn the_page_in_the_browser() {
    play("kept").await;
}

#[tokio::test]
#[ignore = "wants a browser: tests/browser.sh"]
async fn every_page() {
    play("look").await;
}

#[tokio::test]
#[ignore = "measures: tests/browser.sh speed"]
async fn speed() {
    play("speed").await;
}

async fn play(scene: &str) {
    let influx = RealInflux::start().await;
    let at = influx.settings();
    let grafana = Grafana::start(&format!("http://{}:{}", at.host, at.port)).await.settings();
    let program =
        std::env::var("KARANA_TEST_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_karana").into());
    let influx = json!({"host": at.host, "port": at.port, "user": at.user, "pass": at.pass});
    let grafana =
        json!({"host": grafana.host, "port": grafana.port, "user": grafana.user, "pass": grafana.pass});
    let mut browser = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/frontend/e2e/page.mjs"))
        .arg(scene)
        .env("PROGRAM", program)
        .env("INFLUXDB", influx.to_string())
        .env("GRAFANA", grafana.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(browser.wait().await.unwrap().success(), "see above");
}
