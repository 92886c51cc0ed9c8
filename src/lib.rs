//! Karana: the management server of a monitoring system for small energy devices.
//!
//! Imports run one way: `main → cli → service → lib → {http, sync} → {auth, store} → resource → error`;
//! `backoff`, `config`, `histogram` and `telemetry` are among the leaves. This file puts the parts together.

pub mod auth;
mod backoff;
pub mod cli;
pub mod config;
mod control;
mod durable;
pub mod error;
mod histogram;
pub mod http;
mod operator;
pub mod resource;
mod service;
pub mod store;
pub mod sync;
pub mod telemetry;

use auth::{Credentials, KeyError, Limiter, Lives, Passwords, Rates};
use config::{Config, Mode};
use http::{About, App, Door, Limits, Networks, Parts};
use operator::{Command, Operator};
use resource::{Kinds, Role};
use sha2::{Digest, Sha256};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;
use store::{Backup, Clock, OpenError, Store};
use sync::Sync;
use sync::grafana::alerts::Webhook;
use sync::handover::{Handovers, Keeper};
use sync::presence::{self, Presence, Roster};
use sync::readings::Readings;
use sync::webhooks::{self, Webhooks};

/// Who signs in first in test mode, and with what.
const TEST_ADMIN: (&str, &str) = ("admin@example.com", "admin");

/// How long sync may take to stop, when requests have been finished.
const SYNC_STOPS_WITHIN: Duration = Duration::from_secs(2);

/// From one look at the devices to the next.
const LOOKS_AT_MOST: Duration = Duration::from_secs(5);
const LOOKS_AT_LEAST: Duration = Duration::from_secs(60);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The resources in the configuration do not fit together.
    #[error("{0}")]
    Resources(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// There is no usable key to sign tokens with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file or socket of ours cannot be made.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The first admin cannot be made.
    #[error("making the first admin: {0}")]
    Admin(String),
}

/// A server that is ready to answer: its store is open, sync runs, the operator is listened to.
pub struct Server {
    app: App,
    /// Removes its socket when it is dropped.
    control: control::Control,
    /// Takes no further step when it is dropped.
    keeper: Keeper,
}

impl Server {
    /// Opens the store and starts what runs beside the HTTP interface. On a tokio runtime.
    pub async fn start(config: &Config, clock: Clock, limits: Limits) -> Result<Self, StartError> {
        remarks(config).iter().for_each(|remark| tracing::warn!("{remark}"));
        let store = open_store(config, clock.clone())?;
        let key = auth::signing_key(config.credential(auth::TOKEN_KEY), &config.storage.path.join("keys"))?;
        let passwords = Passwords::new(config.auth.hash_rounds);
        let credentials = open_credentials(config, &key, &store, clock.clone())?;
        let limiter = Limiter::new(Rates::default(), clock.clone());
        credentials.introduce(&store.read(), &limiter);
        let terms = terms(config, clock.clone())?;
        let sync = start_sync(config, &store, terms.clone(), config.sync.on_change)?;
        let presence = start_presence(config, &store, clock.clone())?;
        let keeper = start_keeper(config, &store, &terms, &sync, &presence);
        let webhooks = start_webhooks(config, &store, (&presence, &sync), clock.clone())?;
        let readings = Readings::new(influx_settings(config).as_ref());
        let backup = Backup::start(&store, config.storage.remote.as_deref(), clock.clone());
        let operator = Operator {
            store: store.clone(),
            passwords: passwords.clone(),
            sync: sync.clone(),
            backup: Some(backup.clone()),
            clock: clock.clone(),
        };
        welcome(config, &operator).await?;
        let socket = control_socket(config);
        let control = control::listen(&socket, operator)
            .map_err(|e| StartError::File(socket.display().to_string(), e))?;
        let app = App::new(Parts {
            store,
            credentials,
            limiter,
            passwords,
            sync,
            terms,
            presence,
            readings,
            webhooks,
            backup,
            salt: Sha256::new().chain_update("requests").chain_update(&key).finalize().into(),
            clock,
            about: about(config),
            public_url: config.api.public_url.clone(),
            cors_origins: config.api.cors_origins.clone(),
            networks: Networks {
                trusted_proxies: config.api.trusted_proxies.clone(),
                metrics_from: config.api.metrics_from.clone(),
            },
            v1_deprecated: config.api.v1_deprecated,
            limits,
        });
        Ok(Self { app, control, keeper })
    }

    /// Its records.
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Serves until `stop` resolves, as it should when the store fails ([`Store::failed`]), then finishes what is in flight.
    /// Answers whether the store is still in order: when it is not, the process must be started anew.
    pub async fn serve(self, door: Door, stop: impl Future<Output = ()>) -> bool {
        let store = self.app.store.clone();
        http::serve(door, self.app.clone(), stop).await;
        drop(self.keeper);
        // The action under way may end by itself; an InfluxDB that hangs must not keep us. Sync survives a crash.
        let sync_stops = tokio::time::timeout(SYNC_STOPS_WITHIN, self.app.sync.clone().stop());
        let presence_stops = tokio::time::timeout(SYNC_STOPS_WITHIN, self.app.presence.clone().stop());
        let webhooks_stop = tokio::time::timeout(SYNC_STOPS_WITHIN, self.app.webhooks.clone().stop());
        let _ = tokio::join!(sync_stops, presence_stops, webhooks_stop, self.app.backup.stop());
        let in_order = store.takes_writes();
        // Before the lock: whoever takes the storage over has a socket of its own in this place.
        drop(self.control);
        let key_uses = self.app.credentials.key_uses.clone();
        let _ = tokio::task::spawn_blocking(move || key_uses.save()).await;
        store.close().await;
        in_order
    }
}

/// What the store is opened with.
fn store_settings(config: &Config, clock: Clock) -> Result<store::Settings, StartError> {
    let resources = &config.resources;
    if resources.dir_is_named && !resources.dir.is_dir() {
        let dir = resources.dir.display();
        return Err(StartError::Resources(format!("[resources] dir: there is no such folder: {dir}")));
    }
    let kinds = Kinds::with_declared(&resources.enabled, &resources.dir).map_err(StartError::Resources)?;
    let tenant = (config.tenant.id.clone(), config.tenant.name.clone());
    let path = config.storage.path.clone();
    Ok(store::Settings { keys: seal_keys(config), path, tenant, kinds, clock, log_size: store::LOG_SIZE })
}

/// What clients are told of this server.
fn about(config: &Config) -> About {
    About {
        tenant: (config.tenant.id.clone(), config.tenant.name.clone()),
        influxdb: config
            .influxdb
            .as_ref()
            .map(|influxdb| (influxdb.device_host.clone(), influxdb.device_port)),
        grafana: config.grafana.as_ref().map(|grafana| grafana.public_url.clone()),
    }
}

/// The file with the keys that secrets are sealed with: handed in by systemd (`LoadCredential=seal.keys:…`), or ours.
fn seal_keys(config: &Config) -> store::KeyFile {
    const NAME: &str = "seal.keys";
    match config.credential(NAME) {
        Some(path) => store::KeyFile { path, is_ours: false },
        None => store::KeyFile { path: config.storage.path.join("keys").join(NAME), is_ours: true },
    }
}

fn open_store(config: &Config, clock: Clock) -> Result<Store, StartError> {
    Ok(Store::open(store_settings(config, clock)?)?)
}

fn control_socket(config: &Config) -> std::path::PathBuf {
    config.storage.path.join("control.sock")
}

/// The folder of what can be lost without loss of records; for our user alone.
fn state_folder(config: &Config) -> Result<std::path::PathBuf, StartError> {
    let state = config.storage.path.join("state");
    let made = std::fs::create_dir_all(&state)
        .and_then(|()| std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o700)));
    made.map_err(|e| StartError::File(state.display().to_string(), e))?;
    Ok(state)
}

fn open_credentials(
    config: &Config,
    key: &[u8],
    store: &Store,
    clock: Clock,
) -> Result<Credentials, StartError> {
    let state = state_folder(config)?;
    let auth = &config.auth;
    let lives = Lives { token: auth.token_ttl, access: auth.access_ttl, refresh: auth.refresh_ttl };
    Credentials::open(key, &config.tenant.id, lives, &state, clock, &store.read())
        .map_err(|e| StartError::File(state.display().to_string(), e))
}

fn terms(config: &Config, clock: Clock) -> Result<sync::Terms, StartError> {
    let handovers = Handovers::open(state_folder(config)?.join("handovers.json"), clock.clone());
    Ok(sync::Terms { suspend_unpaid: config.sync.suspend_unpaid, handovers, clock })
}

fn start_sync(
    config: &Config,
    store: &Store,
    terms: sync::Terms,
    on_change: bool,
) -> Result<Sync, StartError> {
    let state = state_folder(config)?;
    let settings = sync::Settings {
        influx: influx_settings(config),
        on_change,
        interval: config.sync.interval,
        drop_data: config.sync.drop_data,
        state_file: state.join("sync.json"),
        grafana: grafana_settings(config),
        grafana_state_file: state.join("grafana.json"),
    };
    let tables = store.clone();
    Ok(Sync::start(settings, Arc::new(move || terms.fleet(&tables.read())), store.subscribe()))
}

/// What the Grafana back end of sync is told. None when no Grafana is configured, or no InfluxDB that it could read: users
/// and data there are what its data sources are made for.
fn grafana_settings(config: &Config) -> Option<sync::GrafanaSettings> {
    let (grafana, influx) = (config.grafana.as_ref()?, config.influxdb.as_ref()?);
    let influx_host = grafana.influxdomain.as_ref().unwrap_or(&influx.host);
    Some(sync::GrafanaSettings {
        host: grafana.host.clone(),
        port: grafana.port,
        user: grafana.user.clone(),
        pass: grafana.pass.expose().to_owned(),
        ssl: grafana.ssl,
        influx_url: sync::grafana::influx_url(influx.ssl, influx_host, influx.port),
        alerts: grafana.alerts.then(|| sync::grafana::alerts::AlertSettings {
            webhook: grafana.alert_webhook.as_ref().map(|url| Webhook::new(url.expose())),
            post_int_unit: config.fleet.post_int_unit,
        }),
    })
}

fn start_presence(config: &Config, store: &Store, clock: Clock) -> Result<Presence, StartError> {
    let unit = config.fleet.post_int_unit;
    let settings = presence::Settings {
        influx: influx_settings(config),
        post_int_unit: unit,
        interval: look_interval(unit),
        state_file: state_folder(config)?.join("presence.json"),
    };
    let tables = store.clone();
    Ok(Presence::start(settings, Arc::new(move || Roster::of(&tables.read())), clock))
}

fn start_keeper(
    config: &Config,
    store: &Store,
    terms: &sync::Terms,
    sync: &Sync,
    presence: &Presence,
) -> Keeper {
    let (tables, by) = (store.clone(), terms.clone());
    let around =
        move |devices: Vec<_>| by.around(&tables.read(), sync::Resource::Karanas, devices.into_iter());
    let (unit, handovers) = (config.fleet.post_int_unit, terms.handovers.clone());
    Keeper::start(handovers, sync.clone(), presence.clone(), around, unit, look_interval(unit))
}

/// A device posts at most once a unit.
fn look_interval(post_int_unit: Duration) -> Duration {
    post_int_unit.clamp(LOOKS_AT_MOST, LOOKS_AT_LEAST)
}

/// Without a destination, what waited for one is forgotten: how things stand is no news when there is one again.
fn start_webhooks(
    config: &Config,
    store: &Store,
    (presence, sync): (&Presence, &Sync),
    clock: Clock,
) -> Result<Webhooks, StartError> {
    let state_file = state_folder(config)?.join("webhooks.json");
    let Some(settings) = &config.webhooks else {
        durable::remove(&state_file).map_err(|e| StartError::File(state_file.display().to_string(), e))?;
        return Ok(Webhooks::none());
    };
    let settings = webhooks::Settings {
        destinations: settings.urls.clone(),
        key: webhooks::Key::new(settings.key.clone()),
        events: settings.events.iter().filter_map(|name| webhooks::Kind::named(name)).collect(),
        state_file,
        waits: webhooks::WAITS.to_vec(),
        limit: webhooks::LIMIT,
    };
    let tables = store.clone();
    let describe = Arc::new(move |uuid| webhooks::About::device(&tables.read(), uuid));
    Ok(Webhooks::start(settings, presence, sync, describe, clock))
}

fn influx_settings(config: &Config) -> Option<sync::InfluxSettings> {
    config.influxdb.as_ref().map(|influx| sync::InfluxSettings {
        host: influx.host.clone(),
        port: influx.port,
        user: influx.user.clone(),
        pass: influx.pass.expose().to_owned(),
        token: influx.token.as_ref().map(|token| token.expose().to_owned()),
        org: influx.org.clone(),
        ssl: influx.ssl,
        device_host: influx.device_host.clone(),
        device_port: influx.device_port,
        retention: influx.retention,
    })
}

/// What an operator should know of the configuration, and cannot see: keys that have no effect, or do not go together, a file
/// that others can read.
fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    if config.grafana.is_some() && config.influxdb.is_none() {
        remarks.push("[grafana] without [influxdb] is set, and has no effect in this version".into());
    }
    let retention = config.influxdb.as_ref().and_then(|influx| influx.retention);
    // A config line is written again when half of its life is over: by the first round after that.
    if retention.is_some_and(|retention| config.sync.interval > retention / 4) {
        remarks.push("[sync] interval is more than a quarter of [influxdb] retention: config lines may expire before they are written again".into());
    }
    if let Some(file) =
        config.file.as_deref().filter(|_| config.influxdb.is_some() || config.webhooks.is_some())
    {
        // The group of a service is its own: /etc/karana/config.ini is root's, and the server reads it by its group. Root
        // cannot tell which one that is.
        if let Ok(data) = std::fs::metadata(file) {
            let is_ours =
                rustix::process::getegid().as_raw() == data.gid() || rustix::process::geteuid().is_root();
            let wanted = if is_ours { 0o640 } else { 0o600 };
            if data.mode() & 0o077 & !wanted != 0 {
                let file = file.display();
                remarks
                    .push(format!("{file} holds passwords, and other users can read it: chmod {wanted:o}"));
            }
        }
    }
    remarks
}

/// Somebody must be able to sign in.
async fn welcome(config: &Config, operator: &Operator) -> Result<(), StartError> {
    let tables = operator.store.read();
    let Some(users) = tables.kinds().iter().find(|kind| kind.login_field().is_some()) else { return Ok(()) };
    if tables.len(users) > 0 {
        return Ok(());
    }
    match config.api.mode {
        Mode::Test => {
            let (email, password) = TEST_ADMIN;
            let add = Command::UserAdd {
                email: email.into(),
                name: "Admin".into(),
                role: Role::Admin,
                password: Some(password.into()),
            };
            operator.run(add).await.map_err(StartError::Admin)?;
            tracing::warn!("test mode: made the admin {email} with the password `{password}`");
        }
        Mode::Production => {
            tracing::warn!("nobody can sign in yet: karana user add --role admin --email <address>");
        }
    }
    Ok(())
}
