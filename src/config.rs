//! `config.ini`, the environment and systemd's credentials -> [`Config`], one struct a section.
//!
//! All problems are collected, so that an operator repairs a file in one go; none of the messages
//! shows a value, because a value may be a password.

mod backends;
mod credentials;
mod ini;
mod network;
mod problems;
mod secret;
mod sections;
mod settings;
mod value;
mod webhooks;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use self::backends::{Grafana, InfluxDb};
use self::credentials::Credentials;
pub use self::network::Network;
pub use self::problems::ConfigErrors;
use self::problems::{Place, Problem};
pub use self::secret::Secret;
pub use self::sections::{Api, Auth, Fleet, Mode, RESERVED_NAMES, Resources, Storage, Sync, Tenant};
use self::settings::Settings;
pub use self::webhooks::{EVENTS, Webhooks};
use crate::error::Finding;

/// The file that is read when none is named and it exists.
const DEFAULT_FILE: &str = "config.ini";

/// The one that is read when that does not exist either: the package's.
const SYSTEM_FILE: &str = "/etc/karana/config.ini";

/// The whole configuration. Each part of the server gets its own section, never all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where and how the HTTP interface is served.
    pub api: Api,
    /// Whose server this is.
    pub tenant: Tenant,
    /// Where the records are kept.
    pub storage: Storage,
    /// How long tokens live and how passwords are hashed.
    pub auth: Auth,
    /// Which resources are served.
    pub resources: Resources,
    /// The InfluxDB to provision; `None` when `[influxdb] host` is not set.
    pub influxdb: Option<InfluxDb>,
    /// The Grafana to provision; `None` when `[grafana] host` is not set.
    pub grafana: Option<Grafana>,
    /// When the back ends are reconciled.
    pub sync: Sync,
    /// What the numbers in a device's configuration mean.
    pub fleet: Fleet,
    /// Who is told what happens; `None` when `[webhooks] url` is not set.
    pub webhooks: Option<Webhooks>,
    /// The folder of systemd's credentials, those that are no settings among them; see [`Config::credential`].
    credentials: Option<PathBuf>,
    /// Where it came from (absolute); `None` when the defaults are in force.
    pub file: Option<PathBuf>,
}

impl Config {
    /// Reads `file`, or `./config.ini` if that exists, or `/etc/karana/config.ini` if that does, or else takes the defaults
    /// (test mode).
    /// A variable `KARANA_<SECTION>_<KEY>` in `env` wins over the file, as does a file
    /// `<section>.<key>` in the folder that `CREDENTIALS_DIRECTORY` in `env` names; an empty value,
    /// in any, counts as not set.
    ///
    /// # Errors
    /// All that is wrong with the file and the variables, one problem each.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, ConfigErrors> {
        Self::read(file, env, false)
    }

    /// The same for a command that speaks to no back end: their passwords may be missing, since a service may have them
    /// as credentials, which nobody else is handed.
    ///
    /// # Errors
    /// As above.
    pub fn load_without_secrets(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, ConfigErrors> {
        Self::read(file, env, true)
    }

    /// A file that systemd has handed in, if it has.
    pub fn credential(&self, name: &str) -> Option<PathBuf> {
        self.credentials.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists())
    }

    fn read(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        lenient: bool,
    ) -> Result<Config, ConfigErrors> {
        let system =
            || file.is_none() && !Path::new(DEFAULT_FILE).exists() && Path::new(SYSTEM_FILE).exists();
        let file = if system() { Some(Path::new(SYSTEM_FILE)) } else { file };
        let unreadable = |error: io::Error| {
            let message = format!("cannot be read: {error}");
            let finding = Finding::new("", "readable", message);
            let shown = file.unwrap_or(Path::new(DEFAULT_FILE));
            ConfigErrors::new(Some(shown), vec![Problem { place: Place::File, finding }])
        };
        let text = match std::fs::read_to_string(file.unwrap_or(Path::new(DEFAULT_FILE))) {
            Ok(text) => Some(text),
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(error)),
        };
        let shown = text.is_some().then(|| file.unwrap_or(Path::new(DEFAULT_FILE)));
        // Also without a file: its folder is then the current one.
        let origin = std::path::absolute(shown.unwrap_or(Path::new(DEFAULT_FILE))).map_err(unreadable)?;
        let base = origin.parent().unwrap_or(&origin);

        let env: BTreeMap<_, _> = env.into_iter().collect();
        let credentials = env.get(credentials::FOLDER_VARIABLE).map(PathBuf::from);
        let handed = Credentials::in_folder(credentials.as_deref());
        let mut settings = Settings::new(text.as_deref().unwrap_or_default(), env, handed);
        if lenient {
            settings.be_lenient();
        }
        let resources = Resources::read(settings.section("resources"), base);
        let config = Config {
            api: Api::read(settings.section("api")),
            tenant: Tenant::read(settings.section("tenant")),
            storage: Storage::read(settings.section("storage"), base),
            auth: Auth::read(settings.section("auth")),
            influxdb: InfluxDb::read(settings.section("influxdb")),
            grafana: Grafana::read(settings.section("grafana")),
            sync: Sync::read(settings.section("sync"), &resources),
            fleet: Fleet::read(settings.section("fleet")),
            webhooks: Webhooks::read(settings.section("webhooks")),
            resources,
            credentials,
            file: shown.is_some().then(|| origin.clone()),
        };
        sections::skip_test(settings.section("test"));

        let problems = settings.finish();
        if problems.is_empty() { Ok(config) } else { Err(ConfigErrors::new(shown, problems)) }
    }
}
