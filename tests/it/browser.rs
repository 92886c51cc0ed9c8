//! The web page in a real browser: `frontend/e2e/` drives it, with a server of its own that provisions a real InfluxDB and a
//! Grafana. `tests/browser.sh` runs it: it wants Chromium, Node.js and the built page.

use crate::support::grafana::Grafana;
use crate::support::influx::RealInflux;
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test]
#[ignore = "wants a browser: tests/browser.sh"]
async fn the_page_does_its_work() {
    let influx = RealInflux::start().await;
    let at = influx.settings();
    let grafana = Grafana::start(&format!("http://{}:{}", at.host, at.port)).await.settings();
    let program =
        std::env::var("KARANA_TEST_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_karana").into());
    let what = std::env::var("BROWSER_TEST").unwrap_or_else(|_| "page.mjs".into());
    let mut browser = Command::new("node")
        .arg(format!("{}/frontend/e2e/{what}", env!("CARGO_MANIFEST_DIR")))
        .env("PROGRAM", program)
        .env("INFLUXDB", serde_json::json!({"host": at.host, "port": at.port, "user": at.user, "pass": at.pass}).to_string())
        .env(
            "GRAFANA",
            serde_json::json!({"host": grafana.host, "port": grafana.port, "user": grafana.user, "pass": grafana.pass})
                .to_string(),
        )
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(browser.wait().await.unwrap().success(), "see above");
}
