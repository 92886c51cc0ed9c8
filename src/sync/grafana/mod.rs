//! Sync with Grafana 9 to 13: each owner has an organization of its own, with a user, a data source and dashboards.
//! API: <https://grafana.com/docs/grafana/latest/developers/http_api/>
//!
//! ```text
//! Fleet ──── desired ──► Desired ─┐
//! Grafana ── actual ───► Actual ──┼─ plan ──► Plan ── apply ──► Grafana
//! state file ──────────► Applied ─┘                        └──► Applied
//! ```
//!
//! Grafana isolates data by organization alone: whoever is a member of one may query all its data sources. So an owner is
//! in one organization and no other, and that holds one data source, which signs in to InfluxDB as this owner.
//!
//! What is not seen: passwords, of users as of data sources, which Grafana tells nobody. A fingerprint of what was sent
//! last says whether it must be sent again.

mod actual;
pub mod alerts;
mod applied;
mod apply;
mod change;
mod client;
mod dashboard;
mod desired;
mod plan;
mod round;

use std::fmt;

use alerts::AlertSettings;
pub use round::Reconciler;

/// A Grafana and a server administrator of it.
#[derive(Clone)]
pub struct GrafanaSettings {
    /// Name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// A server administrator.
    pub user: String,
    /// The administrator's password.
    pub pass: String,
    /// Whether to speak HTTPS.
    pub ssl: bool,
    /// Where Grafana reaches InfluxDB: scheme, host and port, as a URL begins.
    pub influx_url: String,
    /// Whether and whom it tells that a device is offline.
    pub alerts: Option<AlertSettings>,
}

impl GrafanaSettings {
    /// Scheme, host and port, as a URL begins.
    fn address(&self) -> String {
        url(self.ssl, &self.host, self.port)
    }
}

/// Where Grafana reaches an InfluxDB: scheme, host and port. `host` may name another port than `port`.
pub fn influx_url(ssl: bool, host: &str, port: u16) -> String {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        // Several colons without brackets are an IPv6 address.
        Some((name, port)) if is_port(port) && (name.ends_with(']') || !name.contains(':')) => {
            let scheme = if ssl { "https" } else { "http" };
            format!("{scheme}://{name}:{port}")
        }
        _ => url(ssl, host, port),
    }
}

fn url(ssl: bool, host: &str, port: u16) -> String {
    let scheme = if ssl { "https" } else { "http" };
    // An IPv6 address may be configured with or without its brackets.
    if host.contains(':') && !host.starts_with('[') {
        format!("{scheme}://[{host}]:{port}")
    } else {
        format!("{scheme}://{host}:{port}")
    }
}

impl fmt::Debug for GrafanaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrafanaSettings")
            .field("address", &self.address())
            .field("user", &self.user)
            .field("pass", &"********")
            .field("influx_url", &self.influx_url)
            .field("alerts", &self.alerts)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_influxdb_may_bring_its_own_port() {
        for (host, url) in [
            ("influx.lan", "http://influx.lan:8086"),
            ("influx.lan:80", "http://influx.lan:80"),
            ("[::1]", "http://[::1]:8086"),
            ("[::1]:80", "http://[::1]:80"),
            ("::1", "http://[::1]:8086"),
        ] {
            assert_eq!(influx_url(false, host, 8086), url);
        }
        assert_eq!(influx_url(true, "a", 1), "https://a:1");
    }
}
