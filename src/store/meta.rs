//! What a store says of itself, in the repository: its format, whose it is, and which resources it holds.

use super::Settings;
use super::journal::Loaded;
use super::open::OpenError;
use super::seal::Keyring;
use super::text::canonical;
use crate::error::Finding;
use serde_json::{Value, json};

/// The layout of the repository. A store of an older one is brought up to date, one of a newer one is refused.
const FORMAT: u64 = 2;

/// The first one in which secrets are sealed.
const SEALED: u64 = 2;

const META: &str = "meta.json";
pub const RESOURCES: &str = "resources.json";

/// What the store says of itself.
pub struct Meta {
    format: u64,
    tenant: Option<String>,
    /// The name of the key that was in force.
    pub sealed_with: Option<String>,
}

impl Meta {
    pub fn parse(loaded: &Loaded) -> Result<Self, serde_json::Error> {
        let document = loaded.documents.iter().find(|(name, _)| name == META);
        let meta: Value = document.map_or(Ok(Value::Null), |(_, text)| serde_json::from_str(text))?;
        Ok(Self {
            format: meta["format"].as_u64().unwrap_or(FORMAT),
            tenant: meta["tenant"]["id"].as_str().map(str::to_owned),
            sealed_with: meta["sealed_with"].as_str().map(str::to_owned),
        })
    }

    /// Reads it, if the store is one of ours.
    pub fn read(loaded: &Loaded, settings: &Settings) -> Result<Self, OpenError> {
        let meta = Self::parse(loaded).map_err(|e| {
            let message = format!("is not JSON (line {}, column {})", e.line(), e.column());
            OpenError::fault(META, Finding::new("", "json", message))
        })?;
        let path = settings.path.display();
        if meta.format > FORMAT {
            let format = meta.format;
            return Err(OpenError::NotOurs(format!(
                "{path} is in format {format}, made by a newer karana; this one knows {FORMAT}"
            )));
        }
        match &meta.tenant {
            Some(id) if *id != settings.tenant.0 => Err(OpenError::NotOurs(format!(
                "{path} belongs to the tenant `{id}`, but the configuration says `{}` ([tenant] id)",
                settings.tenant.0
            ))),
            _ => Ok(meta),
        }
    }

    /// Whether secrets are sealed in a store of this format.
    pub fn is_sealed(&self) -> bool {
        self.format >= SEALED
    }

    /// From which format to which it is brought, for people.
    pub fn migration(&self) -> String {
        format!("from format {} to {FORMAT}", self.format)
    }
}

/// What the store says of itself today, for a reader of the repository: format, tenant, the definitions in force.
pub fn documents(settings: &Settings, keys: &Keyring) -> [(String, String); 2] {
    let resources = json!({"resources": settings.kinds.definitions()});
    [document(settings, keys), (RESOURCES.to_owned(), canonical_document(resources))]
}

/// The one of them that says which key is in force.
pub fn document(settings: &Settings, keys: &Keyring) -> (String, String) {
    let (id, name) = &settings.tenant;
    let meta = json!({"format": FORMAT, "sealed_with": keys.newest(), "tenant": {"id": id, "name": name}});
    (META.to_owned(), canonical_document(meta))
}

fn canonical_document(value: Value) -> String {
    value.as_object().map(canonical).unwrap_or_default()
}
