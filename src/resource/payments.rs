//! Payments of owners for the use of a karana (pay-as-you-go).

use super::{Definition, OnDelete, Reference, schema_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of the resource.
pub const NAME: &str = "payments";

/// What a client sends to create a payment.
#[derive(Serialize, JsonSchema)]
struct PaymentSchema {
    owner: Uuid,
    karana: Uuid,
    // In the currency's minor unit: 250 is 2.50 EUR. Negative: paid back. Whole numbers that JavaScript keeps exactly.
    #[schemars(range(min = -9_007_199_254_740_991_i64, max = 9_007_199_254_740_991_i64))]
    amount: i64,
    #[schemars(extend("format" = "currency"))]
    currency: String,
    #[schemars(extend("format" = "date-time"))]
    paid_at: String,
    #[schemars(extend("format" = "date-time"))]
    valid_until: String,
}

/// What a stored payment must hold.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PaymentDbSchema")]
pub struct Payment {
    /// Its key.
    pub uuid: Uuid,
    /// When it was recorded, UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// The user who has paid.
    pub owner: Uuid,
    /// What was paid for.
    pub karana: Uuid,
    /// In the currency's minor unit; negative: paid back.
    #[schemars(range(min = -9_007_199_254_740_991_i64, max = 9_007_199_254_740_991_i64))]
    pub amount: i64,
    /// By its code (ISO 4217).
    #[schemars(extend("format" = "currency"))]
    pub currency: String,
    /// When it was paid.
    #[schemars(extend("format" = "date-time"))]
    pub paid_at: String,
    /// Until when the karana is paid for.
    #[schemars(extend("format" = "date-time"))]
    pub valid_until: String,
}

pub(super) fn definition() -> Definition {
    let reference = |field: &str, to: &str| Reference {
        field: field.into(),
        to: to.into(),
        on_delete: OnDelete::Restrict,
    };
    Definition {
        name: NAME.into(),
        entry_create_schema: schema_of::<PaymentSchema>(),
        entry_import_schema: schema_of::<Payment>(),
        unique_schema_fields: vec!["uuid".into()],
        unique_within: vec![],
        credentials_login_field: None,
        references: vec![reference("owner", super::users::NAME), reference("karana", super::karanas::NAME)],
        belongs_through: Some("owner".into()),
        secret_fields: vec![],
        generated_secrets: vec![],
        back_references: vec![],
        dropped_fields: vec![],
        not_on_v1: vec![],
    }
}
