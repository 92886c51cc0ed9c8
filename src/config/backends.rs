//! The sections of the back ends: optional as a whole, and decided by their host.

use std::time::Duration;

use validator::{Validate, ValidationError};

use super::Secret;
use super::settings::Section;
use super::value::{self, rule};

/// `[influxdb]`: the InfluxDB to provision. A 1.x is signed in to with user and password, a 2.x with a token; which of them it is
/// shows when it is met, so that both may be set.
#[derive(Debug, Clone, PartialEq, Eq, Validate)]
pub struct InfluxDb {
    /// Its host as it stands in a URL (IPv6 in brackets).
    pub host: String,
    /// Its port.
    pub port: u16,
    /// An admin there (1.x); empty when a token is set instead.
    pub user: String,
    /// The admin's password (1.x).
    pub pass: Secret,
    /// A token with all rights in its organization (2.x).
    pub token: Option<Secret>,
    /// The name of that organization (2.x); `None`: the only one that the token sees.
    pub org: Option<String>,
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

/// InfluxDB refuses a retention policy of less (`ErrRetentionPolicyDurationTooLow`), and 2.x one of more than it can tell in
/// nanoseconds; the latter is beyond what a duration may be here.
fn at_least_an_hour(retention: &Duration) -> Result<(), ValidationError> {
    if *retention < Duration::from_secs(60 * 60) { Err(rule("range", "must be at least 1h")) } else { Ok(()) }
}

impl InfluxDb {
    pub(super) fn read(mut s: Section<'_>) -> Option<InfluxDb> {
        // All keys are read even without a host, or they would be refused as unknown.
        let token = s.get("token", value::text).map(Secret::from);
        let org = s.get("org", value::text);
        let Login { host, user, pass } = Login::read(&mut s, token.is_some());
        if org.is_some() && token.is_none() {
            s.refuse("org", rule("unused", "is of an InfluxDB 2: set token, too"));
        }
        let port = s.get("port", value::port).unwrap_or(8086);
        let ssl = s.get("ssl", value::boolean).unwrap_or(false);
        let device_host = s.get("device_host", value::host);
        let device_port = s.get("device_port", value::port).unwrap_or(port);
        let retention = s.get("retention", value::duration);
        let device_host = device_host.or_else(|| host.clone());
        let (host, device_host) = (host?, device_host?);
        let influxdb =
            InfluxDb { host, port, user, pass, token, org, ssl, device_host, device_port, retention };
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
    /// Where owners find it.
    pub public_url: String,
    /// Where Grafana reaches InfluxDB, `host` or `host:port`; `None`: as `[influxdb]` says.
    pub influxdomain: Option<String>,
    /// Whether it tells that a karana is offline.
    pub alerts: bool,
    /// The URL that alerts go to, which may hold a secret; `None`: to the owner, by mail.
    pub alert_webhook: Option<Secret>,
}

impl Grafana {
    pub(super) fn read(mut s: Section<'_>) -> Option<Grafana> {
        let Login { host, user, pass } = Login::read(&mut s, false);
        let port = s.get("port", value::port).unwrap_or(3000);
        let ssl = s.get("ssl", value::boolean).unwrap_or(false);
        let influxdomain = s.get("influxdomain", value::host_and_port);
        let alerts = s.get("alerts", value::boolean).unwrap_or(false);
        let alert_webhook = s.get("alert_webhook", value::address_to_call).map(Secret::from);
        if alert_webhook.is_some() && !alerts {
            s.refuse("alert_webhook", rule("alerts", "has no effect without `alerts = true`"));
        }
        let public_url = s.get("public_url", value::web_address);
        let host = host?;
        let public_url =
            public_url.unwrap_or_else(|| format!("{}://{host}:{port}", if ssl { "https" } else { "http" }));
        Some(Grafana { host, port, user, pass, ssl, public_url, influxdomain, alerts, alert_webhook })
    }
}

/// How a back end is reached; the host decides whether it is configured at all.
struct Login {
    host: Option<String>,
    user: String,
    pass: Secret,
}

impl Login {
    /// With a token `instead`, user and password may be left out, both of them.
    fn read(s: &mut Section<'_>, instead: bool) -> Login {
        let host = s.get("host", value::host);
        let (user, pass) = (s.get("user", value::text), s.get("pass", value::text));
        let neither = user.is_none() && pass.is_none();
        let needed = host.is_some() && !(instead && neither);
        for (key, given) in [("user", &user), ("pass", &pass)] {
            if given.is_none() && needed {
                s.refuse(key, rule("required", "must be set when host is"));
            }
        }
        Login { host, user: user.unwrap_or_default(), pass: Secret::from(pass.unwrap_or_default()) }
    }
}
