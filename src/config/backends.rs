//! The sections of the back ends: optional as a whole, and decided by their host.

use std::time::Duration;

use validator::{Validate, ValidationError};

use super::Secret;
use super::settings::Section;
use super::value::{self, rule};

/// `[influxdb]`: the InfluxDB 1.x to provision.
#[derive(Debug, Clone, PartialEq, Eq, Validate)]
pub struct InfluxDb {
    /// Its host as it stands in a URL (IPv6 in brackets).
    pub host: String,
    /// Its port.
    pub port: u16,
    /// An admin there.
    pub user: String,
    /// The admin's password.
    pub pass: Secret,
    /// Whether to speak https.
    pub ssl: bool,
    /// The host that device config lines name.
    pub device_host: String,
    /// The port that device config lines name.
    pub device_port: u16,
    /// How long measurements are kept; `None`: for ever.
    #[validate(custom(function = at_least_an_hour))]
    pub retention: Option<Duration>,
}

/// InfluxDB refuses a retention policy of less (`ErrRetentionPolicyDurationTooLow`).
fn at_least_an_hour(retention: &Duration) -> Result<(), ValidationError> {
    if *retention < Duration::from_secs(60 * 60) { Err(rule("range", "must be at least 1h")) } else { Ok(()) }
}

impl InfluxDb {
    pub(super) fn read(mut s: Section<'_>) -> Option<InfluxDb> {
        // All keys are read even without a host, or they would be refused as unknown.
        let Login { host, user, pass } = Login::read(&mut s);
        let port = s.get("port", value::port).unwrap_or(8086);
        let ssl = s.get("ssl", value::boolean).unwrap_or(false);
        let device_host = s.get("device_host", value::host);
        let device_port = s.get("device_port", value::port).unwrap_or(port);
        let retention = s.get("retention", value::duration);
        let device_host = device_host.or_else(|| host.clone());
        let (host, device_host) = (host?, device_host?);
        let influxdb = InfluxDb { host, port, user, pass, ssl, device_host, device_port, retention };
        s.check(&influxdb);
        Some(influxdb)
    }
}

/// `[grafana]`: the Grafana to provision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grafana {
    /// Its host as it stands in a URL (IPv6 in brackets).
    pub host: String,
    /// Its port.
    pub port: u16,
    /// A server admin there.
    pub user: String,
    /// The admin's password.
    pub pass: Secret,
    /// Whether to speak https.
    pub ssl: bool,
    /// Where Grafana reaches InfluxDB, `host` or `host:port`; `None`: as `[influxdb]` says.
    pub influxdomain: Option<String>,
    /// Whether it tells that a karana is offline.
    pub alerts: bool,
    /// The URL that alerts go to, which may hold a secret; `None`: to the owner, by mail.
    pub alert_webhook: Option<Secret>,
}

impl Grafana {
    pub(super) fn read(mut s: Section<'_>) -> Option<Grafana> {
        let Login { host, user, pass } = Login::read(&mut s);
        let port = s.get("port", value::port).unwrap_or(3000);
        let ssl = s.get("ssl", value::boolean).unwrap_or(false);
        let influxdomain = s.get("influxdomain", value::host_and_port);
        let alerts = s.get("alerts", value::boolean).unwrap_or(false);
        let alert_webhook = s.get("alert_webhook", value::address_to_call).map(Secret::from);
        if alert_webhook.is_some() && !alerts {
            s.refuse("alert_webhook", rule("alerts", "has no effect without `alerts = true`"));
        }
        Some(Grafana { host: host?, port, user, pass, ssl, influxdomain, alerts, alert_webhook })
    }
}

/// How a back end is reached; the host decides whether it is configured at all.
struct Login {
    host: Option<String>,
    user: String,
    pass: Secret,
}

impl Login {
    fn read(s: &mut Section<'_>) -> Login {
        let host = s.get("host", value::host);
        let mut credential = |key| {
            let given = s.get(key, value::text);
            if given.is_none() && host.is_some() {
                s.refuse(key, rule("required", "must be set when host is"));
            }
            given.unwrap_or_default()
        };
        let (user, pass) = (credential("user"), Secret::from(credential("pass")));
        Login { host, user, pass }
    }
}
