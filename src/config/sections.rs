//! The sections, their defaults and their rules.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use validator::{Validate, ValidationError};

use super::Network;
use super::settings::Section;
use super::value::{self, rule};

/// The resource that says who has paid.
const PAYMENTS: &str = "payments";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the server is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To try it out: an empty store gets an admin with a known password, so it serves loopback only.
    Test,
    /// For real: users are made by the operator.
    Production,
}

/// `[api]`: where and how the HTTP interface is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// What the server is run for.
    pub mode: Mode,
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Origins of other web pages that may call the API, as browsers send them. When not set: the
    /// page's development server in test mode, none in production.
    pub cors_origins: Vec<String>,
    /// Proxies whose `Forwarded` and `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Where clients reach the server, without `/` at the end.
    pub public_url: Option<String>,
    /// Who may read the metrics and the details of the readiness, besides loopback.
    pub metrics_from: Vec<Network>,
    /// Since when clients are told to leave `/v1` for `/v2` (RFC 9745); not at all when not set.
    pub v1_deprecated: Option<NaiveDate>,
}

impl Api {
    pub(super) fn read(mut s: Section<'_>) -> Api {
        let mode = s.get("mode", |value| match value {
            "test" => Ok(Mode::Test),
            "production" => Ok(Mode::Production),
            _ => Err(rule("enum", "must be test or production")),
        });
        // A mode that cannot be read is one problem; what it would rule out is not another.
        let surely_test = mode == Some(Mode::Test) || !s.is_set("mode");
        let mode = mode.unwrap_or(Mode::Test);
        let api = Api {
            mode,
            listen: s
                .get("listen", |value| {
                    let wanted = "must be an address and a port, such as 127.0.0.1:8000 or [::1]:8000";
                    value.parse().map_err(|_| rule("format", wanted))
                })
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000))),
            cors_origins: s.get("cors_origins", |v| value::list(v, value::origin)).unwrap_or_else(|| {
                match mode {
                    Mode::Test => vec!["http://localhost:3000".to_owned()],
                    Mode::Production => Vec::new(),
                }
            }),
            trusted_proxies: s.get("trusted_proxies", |v| value::list(v, value::parsed)).unwrap_or_default(),
            public_url: s.get("public_url", value::web_address),
            metrics_from: s.get("metrics_from", |v| value::list(v, value::parsed)).unwrap_or_default(),
            v1_deprecated: s.get("v1_deprecated", |value| {
                value.parse().map_err(|_| rule("format", "must be a date as YYYY-MM-DD"))
            }),
        };
        if surely_test && !api.listen.ip().to_canonical().is_loopback() {
            s.refuse(
                "listen",
                rule("loopback", "must be a loopback address in test mode, which has a known password"),
            );
        }
        api
    }
}

/// `[tenant]`: whose server this is.
#[derive(Debug, Clone, PartialEq, Eq, Validate)]
pub struct Tenant {
    /// Its short name in answers and dumps.
    #[validate(length(max = 64, message = "must be at most 64 characters long"))]
    pub id: String,
    /// Its name for people.
    #[validate(length(max = 200, message = "must be at most 200 characters long"))]
    pub name: String,
}

impl Tenant {
    pub(super) fn read(mut s: Section<'_>) -> Tenant {
        let tenant = Tenant {
            id: s.get("id", value::text).unwrap_or_else(|| "SMNTYQIUB4YTC".to_owned()),
            name: s.get("name", value::text).unwrap_or_else(|| "Bintumani e.V.".to_owned()),
        };
        s.check(&tenant);
        tenant
    }
}

/// `[storage]`: where the records are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Storage {
    /// The folder, absolute.
    pub path: PathBuf,
    /// The git remote that gets the backup: a URL, `host:path`, or an absolute path. It may hold
    /// a password, which `Debug` hides.
    pub remote: Option<String>,
}

impl Storage {
    pub(super) fn read(mut s: Section<'_>, base: &Path) -> Storage {
        Storage {
            path: s.get("path", |value| folder(base, value)).unwrap_or_else(|| base.join("storage")),
            remote: s.get("remote", |value| {
                // As git tells them apart: a colon before any slash makes it a host.
                let is_path = value.find(':').is_none_or(|colon| value[..colon].contains('/'));
                if !is_path {
                    return Ok(value.to_owned());
                }
                Ok(folder(base, value)?.to_string_lossy().into_owned())
            }),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remote = self.remote.as_deref().map(|remote| match remote.split_once("://") {
            Some((scheme, rest)) => match rest.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://********@{host}"),
                None => remote.to_owned(),
            },
            None => remote.to_owned(),
        });
        f.debug_struct("Storage").field("path", &self.path).field("remote", &remote).finish()
    }
}

fn folder(base: &Path, value: &str) -> Result<PathBuf, ValidationError> {
    std::path::absolute(base.join(value)).map_err(|_| rule("format", "must be a path"))
}

/// `[auth]`: how long tokens live and how passwords are hashed.
#[derive(Debug, Clone, PartialEq, Eq, Validate)]
pub struct Auth {
    /// Life of a token of `/v1`.
    pub token_ttl: Duration,
    /// Life of an access token of `/v2`.
    pub access_ttl: Duration,
    /// Life of a refresh token of `/v2`.
    pub refresh_ttl: Duration,
    /// Rounds of sha512-crypt.
    #[validate(range(min = 1000, max = 1_000_000, message = "must be from 1000 to 1000000"))]
    pub hash_rounds: u32,
}

impl Auth {
    pub(super) fn read(mut s: Section<'_>) -> Auth {
        let auth = Auth {
            token_ttl: s.get("token_ttl", value::duration).unwrap_or(12 * HOUR),
            access_ttl: s.get("access_ttl", value::duration).unwrap_or(15 * MINUTE),
            refresh_ttl: s.get("refresh_ttl", value::duration).unwrap_or(30 * DAY),
            hash_rounds: s.get("hash_rounds", value::whole).unwrap_or(100_000),
        };
        s.check(&auth);
        auth
    }
}

/// Those that every server has, in their order.
const CORE_RESOURCES: [&str; 2] = ["users", "karanas"];

/// Words that stand where a resource's name or a record's id stands in a path: no resource may be called so.
pub const RESERVED_NAMES: [&str; 16] = [
    "sync",
    "keys",
    "me",
    "about",
    "events",
    "batch",
    "history",
    "login",
    "logout",
    "logout-all",
    "password",
    "refresh",
    "resources",
    "sessions",
    "webhooks",
    "new",
];

/// `[resources]`: which resources are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Their names; `users` and `karanas` first, named or not, then the others as listed.
    pub enabled: Vec<String>,
    /// The folder with the definitions of further resources, absolute.
    pub dir: PathBuf,
    /// Whether it was named: then it must be there.
    pub dir_is_named: bool,
}

impl Resources {
    pub(super) fn read(mut s: Section<'_>, base: &Path) -> Resources {
        let named = s.get("enabled", resource_names);
        let named = named.unwrap_or_else(|| vec!["maintenances".to_owned(), "payments".to_owned()]);
        let dir = s.get("dir", |value| folder(base, value));
        let others = named.into_iter().filter(|name| !CORE_RESOURCES.contains(&name.as_str()));
        Resources {
            enabled: CORE_RESOURCES.map(str::to_owned).into_iter().chain(others).collect(),
            dir_is_named: dir.is_some(),
            dir: dir.unwrap_or_else(|| base.join("resources.d")),
        }
    }
}

fn resource_names(value: &str) -> Result<Vec<String>, ValidationError> {
    let names = value::list(value, |name| {
        let well_formed = name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if !well_formed {
            return Err(rule(
                "format",
                "must hold names of lower-case letters, digits, `_` and `-`, a letter first, at most 63 characters",
            ));
        }
        if RESERVED_NAMES.contains(&name) {
            let reserved = RESERVED_NAMES.join(", ");
            return Err(rule(
                "reserved",
                format!("must not hold a name that paths use otherwise: {reserved}"),
            ));
        }
        Ok(name.to_owned())
    })?;
    if (1..names.len()).any(|i| names[..i].contains(&names[i])) {
        return Err(rule("unique", "must not hold a name twice"));
    }
    Ok(names)
}

/// `[sync]`: when the back ends are reconciled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// At once after a change.
    pub on_change: bool,
    /// And every so often, to find drift.
    pub interval: Duration,
    /// Whether the database of a deleted owner goes, too.
    pub drop_data: bool,
    /// Whether owners and karanas are suspended that are not paid for any more.
    pub suspend_unpaid: bool,
}

impl Sync {
    pub(super) fn read(mut s: Section<'_>, resources: &Resources) -> Sync {
        let sync = Sync {
            on_change: s.get("on_change", value::boolean).unwrap_or(true),
            interval: s.get("interval", value::duration).unwrap_or(5 * MINUTE),
            drop_data: s.get("drop_data", value::boolean).unwrap_or(false),
            suspend_unpaid: s.get("suspend_unpaid", value::boolean).unwrap_or(false),
        };
        if sync.suspend_unpaid && !resources.enabled.iter().any(|name| name == PAYMENTS) {
            s.refuse(
                "suspend_unpaid",
                rule("resource", "needs the resource payments, which [resources] enabled leaves out"),
            );
        }
        sync
    }
}

/// `[fleet]`: what one unit of the numbers in a device's configuration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// Of the interval between signals of life.
    pub signal_unit: Duration,
    /// Of the interval between posts of measurements.
    pub post_int_unit: Duration,
    /// Of the interval between reads of the device's configuration.
    pub get_int_unit: Duration,
}

impl Fleet {
    pub(super) fn read(mut s: Section<'_>) -> Fleet {
        Fleet {
            signal_unit: s.get("signal_unit", value::unit).unwrap_or(Duration::from_secs(1)),
            post_int_unit: s.get("post_int_unit", value::unit).unwrap_or(MINUTE),
            get_int_unit: s.get("get_int_unit", value::unit).unwrap_or(HOUR),
        }
    }
}

/// `[test]`: read by nothing but tests against a running server; known, so that old files load.
pub(super) fn skip_test(mut s: Section<'_>) {
    for key in ["host", "port", "user", "pass"] {
        s.get(key, value::text);
    }
}
