//! Users: the owners of karanas, and the people who run the project.

use super::{Definition, GeneratedSecret, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) const NAME: &str = "users";

/// What a user may do; the table is in `auth::policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs the fleet: devices, owners, their credentials.
    Manager,
    /// Sees all but secrets.
    Viewer,
    /// An owner: what is its own.
    #[default]
    Client,
}

/// Whether tokens and InfluxDB users work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Yes.
    #[default]
    Active,
    /// Not until it is active again.
    Suspended,
}

/// What a client sends to create a user.
#[derive(Serialize, JsonSchema)]
struct UserSchema {
    #[schemars(length(max = 256), extend("format" = "line"))]
    name: String,
    #[schemars(email, length(max = 254))]
    email: String,
    #[serde(default)]
    role: Role,
    credentials: CredentialsSchema,
    #[serde(default)]
    state: State,
}

#[derive(Serialize, JsonSchema)]
struct CredentialsSchema {
    #[schemars(email, length(max = 254))]
    login: String,
    #[schemars(length(min = 5, max = 128))]
    password: String,
}

/// What a stored user must hold.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserDbSchema")]
pub struct User {
    /// Its key, and the name of its InfluxDB user and database.
    pub uuid: Uuid,
    /// For people; may be empty.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Unique without regard to case; one signs in with it.
    #[schemars(email, length(max = 254))]
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// Password of its InfluxDB user.
    #[schemars(extend("format" = "device-password"))]
    pub password_influx: String,
    /// Password of its Grafana user. Entries of before there was one lack it; it is made when they are taken over.
    #[schemars(extend("type" = "string", "format" = "device-password"))]
    pub password_grafana: Option<String>,
    /// Login and password hash.
    pub credentials: Credentials,
    /// When it was created, UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// A suspended user's tokens end, its InfluxDB users have no grants, its Grafana user is disabled.
    #[serde(default)]
    pub state: State,
    /// See [`super::TOKEN_EPOCH`].
    #[serde(default)]
    #[schemars(range(max = 2_147_483_647))]
    pub token_epoch: u32,
}

/// Login and password hash of a stored user.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CredentialsDbSchema")]
pub struct Credentials {
    /// An e-mail address, as it was given; signing in goes by `email`.
    #[schemars(email, length(max = 254))]
    pub login: String,
    /// sha512-crypt.
    #[schemars(extend("format" = "sha512-crypt"))]
    pub password: String,
}

pub(super) fn definition() -> Definition {
    Definition {
        name: NAME.into(),
        entry_create_schema: schema_of::<UserSchema>(),
        entry_import_schema: schema_of::<User>(),
        unique_schema_fields: vec!["uuid".into(), "email".into()],
        unique_within: vec![],
        credentials_login_field: Some("email".into()),
        references: vec![],
        belongs_through: None,
        secret_fields: vec![],
        generated_secrets: ["password_influx", "password_grafana"]
            .map(|field| GeneratedSecret { field: field.into(), renewed_with: None })
            .into(),
        back_references: vec![("karanas".into(), super::karanas::NAME.into(), "owner".into())],
        dropped_fields: vec![],
        not_on_v1: vec!["state".into(), "password_grafana".into()],
    }
}
