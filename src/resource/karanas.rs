//! Karanas: the field devices.

use super::users::State;
use super::{Definition, GeneratedSecret, OnDelete, Reference, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) const NAME: &str = "karanas";

/// What a client sends to create a karana.
#[derive(Serialize, JsonSchema)]
struct KaranaSchema {
    #[schemars(length(min = 2, max = 128), extend("format" = "line"))]
    name: String,
    #[serde(default)]
    #[schemars(length(max = 4096), extend("format" = "text"))]
    note: String,
    config: ConfigSchema,
    // Must be there, but may be null: a device in stock.
    #[schemars(required, extend("type" = ["string", "null"]))]
    owner: Option<Uuid>,
    #[serde(default)]
    state: State,
    #[serde(default)]
    #[schemars(extend("format" = "kid"))]
    kid: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ConfigSchema {
    #[serde(default = "series")]
    #[schemars(extend("format" = "series"))]
    series: String,
    #[serde(default = "signal")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    signal: i64,
    #[serde(default = "post_int")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    post_int: i64,
    #[serde(default = "get_int")]
    #[schemars(range(min = 1, max = 2_147_483_647))]
    get_int: i64,
}

fn series() -> String {
    "data".into()
}

fn signal() -> i64 {
    10
}

fn post_int() -> i64 {
    30
}

fn get_int() -> i64 {
    6
}

/// What a stored karana must hold.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KaranaDbSchema")]
pub struct Karana {
    /// Its key, and the name of its InfluxDB user.
    pub uuid: Uuid,
    /// For people.
    #[schemars(length(min = 2, max = 128))]
    pub name: String,
    /// For people; may be empty.
    #[schemars(length(max = 4096))]
    pub note: String,
    /// What the device is told.
    pub config: Config,
    /// When it was created, UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// The user it belongs to; none: in stock.
    #[schemars(required, extend("type" = ["string", "null"]))]
    pub owner: Option<Uuid>,
    /// A suspended karana's InfluxDB user has no grants.
    #[serde(default)]
    pub state: State,
    /// A short name for the device's `KID` tag, unique in the owner.
    #[serde(default)]
    #[schemars(extend("format" = "kid"))]
    pub kid: Option<String>,
}

/// The configuration that the device polls.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigDbSchema")]
pub struct Config {
    /// The measurement the device writes to.
    #[schemars(extend("format" = "stored-series"))]
    pub series: String,
    /// Password of its InfluxDB user.
    #[schemars(extend("format" = "device-password"))]
    pub password: String,
    /// How often it measures, in `[fleet] signal_unit`.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub signal: i64,
    /// How often it posts, in `[fleet] post_int_unit`.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub post_int: i64,
    /// How often it polls its configuration, in `[fleet] get_int_unit`.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub get_int: i64,
}

pub(super) fn definition() -> Definition {
    Definition {
        name: NAME.into(),
        entry_create_schema: schema_of::<KaranaSchema>(),
        entry_import_schema: schema_of::<Karana>(),
        unique_schema_fields: vec!["uuid".into()],
        unique_within: vec![("kid".into(), "owner".into())],
        credentials_login_field: None,
        references: vec![Reference {
            field: "owner".into(),
            to: super::users::NAME.into(),
            on_delete: OnDelete::Release,
        }],
        belongs_through: Some("owner".into()),
        secret_fields: vec![],
        generated_secrets: vec![GeneratedSecret {
            field: "config.password".into(),
            renewed_with: Some("owner".into()),
        }],
        back_references: vec![],
        dropped_fields: vec![],
        not_on_v1: vec!["state".into(), "kid".into()],
    }
}
