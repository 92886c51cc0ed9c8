//! API keys: what programs sign in with. A record like any other (in the store, its history and the backup), but without
//! routes of its own making, and no part of dumps in the old format.

use super::{Definition, OnDelete, Reference, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The resource's name.
pub const NAME: &str = "keys";

/// A stored key.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyDbSchema")]
pub struct Key {
    /// Names it; no secret.
    pub uuid: Uuid,
    /// For people.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// The user it acts for.
    pub owner: Uuid,
    /// How the key begins, to tell it from others.
    #[schemars(length(max = 32))]
    pub hint: String,
    /// SHA-256 of the key, in hexadecimal digits.
    #[schemars(length(min = 64, max = 64))]
    pub hash: String,
    /// What it is for, as `auth` reads it.
    #[schemars(length(max = 100))]
    pub scopes: Vec<String>,
    /// When it was made, UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// When it ends; none: when it is deleted.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
}

pub(super) fn definition() -> Definition {
    Definition {
        name: NAME.into(),
        entry_create_schema: schema_of::<Key>(),
        entry_import_schema: schema_of::<Key>(),
        unique_schema_fields: vec!["uuid".into(), "hash".into()],
        unique_within: vec![],
        credentials_login_field: None,
        references: vec![Reference {
            field: "owner".into(),
            to: super::users::NAME.into(),
            on_delete: OnDelete::Delete,
        }],
        belongs_through: Some("owner".into()),
        secret_fields: vec![],
        generated_secrets: vec![],
        back_references: vec![],
        dropped_fields: vec![],
        not_on_v1: vec![],
    }
}
