//! Maintenances: visits of a technician to a karana.

use super::{Definition, OnDelete, Reference, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whether the work is done.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
enum Progress {
    #[default]
    Open,
    Done,
}

/// What a client sends to create a maintenance.
#[derive(Serialize, JsonSchema)]
struct MaintenanceSchema {
    karana: Uuid,
    #[schemars(extend("format" = "date"))]
    date: String,
    #[schemars(length(min = 1, max = 128), extend("format" = "line"))]
    technician: String,
    #[serde(default)]
    #[schemars(length(max = 4096), extend("format" = "text"))]
    description: String,
    #[serde(default)]
    state: Progress,
}

/// What a stored maintenance must hold.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MaintenanceDbSchema {
    uuid: Uuid,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    karana: Uuid,
    #[schemars(extend("format" = "date"))]
    date: String,
    #[schemars(length(min = 1, max = 128))]
    technician: String,
    #[schemars(length(max = 4096))]
    description: String,
    state: Progress,
}

pub(super) fn definition() -> Definition {
    Definition {
        name: "maintenances".into(),
        entry_create_schema: schema_of::<MaintenanceSchema>(),
        entry_import_schema: schema_of::<MaintenanceDbSchema>(),
        unique_schema_fields: vec!["uuid".into()],
        unique_within: vec![],
        credentials_login_field: None,
        references: vec![Reference {
            field: "karana".into(),
            to: super::karanas::NAME.into(),
            on_delete: OnDelete::Restrict,
        }],
        belongs_through: Some("karana".into()),
        secret_fields: vec![],
        generated_secrets: vec![],
        back_references: vec![],
        dropped_fields: vec![],
        not_on_v1: vec![],
    }
}
