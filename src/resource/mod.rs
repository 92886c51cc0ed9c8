//! Resources: what they are called, what an entry of theirs holds, and which rules its fields follow.
//!
//! A resource is a [`Definition`] (data, kept in the store as `resources.json`); compiled it is a [`Kind`].
//! Each built-in one is a file of this folder and one line in [`built_in`]. Everything else (routes, store,
//! policy, import, export) works from the `Kind` and names no resource.

mod change;
mod declared;
mod draft;
mod format;
mod karanas;
pub mod keys;
mod maintenances;
mod path;
pub mod payments;
mod schema;
mod users;

pub use change::{Patch, device_password, timestamp};
pub use draft::Draft;
pub use karanas::Karana;
pub use keys::Key;
pub use path::{field, field_mut, remove_field, set_field, uuid_at};
pub use payments::Payment;
pub use schema::Schema;
pub use users::{Role, State, User};

use crate::config::RESERVED_NAMES;
use crate::error::Finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// The fields of one record, as JSON.
pub type Entry = serde_json::Map<String, Value>;

/// What stands in the place of a secret that the reader may not see.
pub const MASK: &str = "********";

/// Path of the password in resources whose entries can sign in: sent in plain text, stored as a hash, never shown.
pub const PASSWORD: &str = "credentials.password";

/// Counts up with each change that ends an entry's tokens; in resources whose entries can sign in. Never shown.
pub const TOKEN_EPOCH: &str = "token_epoch";

/// A resource in the terms of the 2017 design: its schemas, unique fields and login field, and what we add to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Plural, as in the path: `users`.
    pub name: String,
    /// What a client must send to create an entry (JSON Schema).
    pub entry_create_schema: Value,
    /// What a stored entry must hold (JSON Schema).
    pub entry_import_schema: Value,
    /// Fields whose value no other entry of the resource may have. E-mail addresses compare without regard to case.
    pub unique_schema_fields: Vec<String>,
    /// Fields that are unique among the entries with the same value in another field: `(field, within)`.
    #[serde(default)]
    pub unique_within: Vec<(String, String)>,
    /// The field one signs in with; none where entries cannot sign in.
    pub credentials_login_field: Option<String>,
    /// Fields that hold the uuid of an entry of another resource.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// The reference through which an entry belongs to an owner; none where it belongs to nobody (or is one).
    #[serde(default)]
    pub belongs_through: Option<String>,
    /// Secrets that clients set: sealed in the repository, masked unless the policy shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_fields: Vec<String>,
    /// Secrets that the server makes and clients cannot set; masked unless the policy shows them.
    #[serde(default)]
    pub generated_secrets: Vec<GeneratedSecret>,
    /// Fields that `/v1` shows as a list of the entries that refer to this one: `(field, resource, reference)`.
    #[serde(default)]
    pub back_references: Vec<(String, String, String)>,
    /// Fields that there were once: entries that still have them lose them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped_fields: Vec<String>,
    /// Fields that the clients of 2017 do not know: not on `/v1`.
    #[serde(default)]
    pub not_on_v1: Vec<String>,
}

impl Definition {
    /// The paths of its secrets, which are sealed in the repository.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let password = self.credentials_login_field.as_ref().map(|_| PASSWORD);
        password.into_iter().chain(self.visible_secrets())
    }

    /// Those of them that the policy shows to some; the hash of a password is for nobody.
    fn visible_secrets(&self) -> impl Iterator<Item = &str> {
        let generated = self.generated_secrets.iter().map(|secret| &secret.field);
        generated.chain(&self.secret_fields).map(String::as_str)
    }
}

/// A field that holds the uuid of an entry elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The field that holds the uuid.
    pub field: String,
    /// The resource it refers to.
    pub to: String,
    /// What happens here when the entry referred to is deleted.
    pub on_delete: OnDelete,
}

/// What deleting an entry does to those that refer to it, unless the request says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    /// The reference becomes `null`.
    Release,
    /// The deletion is refused.
    Restrict,
    /// The entry that refers goes too: it is nothing without the other.
    Delete,
}

/// A secret of sixteen characters of A-Z and 0-9 that the server makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratedSecret {
    /// Path of the field.
    pub field: String,
    /// A new one is made when this field changes: a device that moves to another owner must not keep its password.
    #[serde(default)]
    pub renewed_with: Option<String>,
}

/// A compiled resource.
#[derive(Debug)]
pub struct Kind {
    definition: Definition,
    index: usize,
    create: Schema,
    patch: Schema,
    import: Schema,
    /// As `/v2` is strict about what it is sent.
    draft: Schema,
    /// The same for an entry that is there and has a password.
    redraft: Schema,
    unique: Vec<Unique>,
    /// Paths that nobody sees.
    private: Vec<String>,
    /// Those, and the secrets.
    hidden: Vec<String>,
}

/// One rule of uniqueness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// The field whose value is unique.
    pub field: String,
    /// … among the entries that share this field's value; none: in the whole resource.
    pub within: Option<String>,
    is_address: bool,
}

impl Unique {
    /// The text that no two entries may share; none when the entry leaves the field empty.
    pub fn key(&self, entry: &Entry) -> Option<String> {
        let value = comparable(field(entry, &self.field)?)?;
        let value = self.fold(&value);
        match &self.within {
            None => Some(value),
            Some(within) => Some(format!("{}\n{value}", comparable(field(entry, within)?)?)),
        }
    }

    /// `value` as it is compared.
    pub fn fold(&self, value: &str) -> String {
        if !self.is_address {
            return value.to_owned();
        }
        // Ways to write one domain (UTS 46): full-width letters, soft hyphens, punycode.
        let (local, domain) = value.rsplit_once('@').unwrap_or((value, ""));
        let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_lowercase());
        format!("{}@{domain}", local.to_lowercase())
    }
}

/// The text of a value that can be compared: a text or a number.
fn comparable(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

impl Kind {
    fn compile(definition: Definition, index: usize) -> Result<Self, String> {
        let create = Schema::new(definition.entry_create_schema.clone())?;
        let patch = create.partial()?;
        let import = Schema::new(definition.entry_import_schema.clone())?;
        let draft = create.strict()?;
        let redraft = draft.without_requiring(PASSWORD)?;
        let mut private: Vec<String> = match (definition.name.as_str(), &definition.credentials_login_field) {
            (keys::NAME, _) => vec!["hash".into()],
            (_, Some(_)) => vec![PASSWORD.into(), TOKEN_EPOCH.into()],
            (_, None) => vec![TOKEN_EPOCH.into()],
        };
        // As they were once, in an entry of the past; a secret among them is nobody's business.
        private.extend(definition.dropped_fields.iter().cloned());
        let secrets = definition.visible_secrets().map(str::to_owned);
        let hidden = private.iter().cloned().chain(secrets).collect();
        let is_address = |path: &str| import.property(path).is_some_and(|schema| schema["format"] == "email");
        let whole = definition.unique_schema_fields.iter().map(|field| (field, None));
        let within = definition.unique_within.iter().map(|(field, within)| (field, Some(within.clone())));
        let unique = whole
            .chain(within)
            .map(|(field, within)| Unique { field: field.clone(), within, is_address: is_address(field) })
            .collect();
        Ok(Self { definition, index, create, patch, import, draft, redraft, unique, private, hidden })
    }

    /// The definition it was made from.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The resource's name, as in the path.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Whether it is one of the server's own, which has neither generic routes nor a place in dumps.
    pub fn is_internal(&self) -> bool {
        RESERVED_NAMES.contains(&self.name())
    }

    /// Its place in the list of kinds: dense, stable while the program runs.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The create schema.
    pub fn create_schema(&self) -> &Schema {
        &self.create
    }

    /// The import schema.
    pub fn import_schema(&self) -> &Schema {
        &self.import
    }

    /// The rules of uniqueness, `uuid` left out: it is the key.
    pub fn unique(&self) -> impl Iterator<Item = (usize, &Unique)> {
        self.unique.iter().enumerate().filter(|(_, rule)| rule.field != "uuid")
    }

    /// The references to other resources.
    pub fn references(&self) -> &[Reference] {
        &self.definition.references
    }

    /// The field one signs in with.
    pub fn login_field(&self) -> Option<&str> {
        self.definition.credentials_login_field.as_deref()
    }

    /// The paths of its secrets, which are sealed in the repository.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.definition.secrets()
    }

    /// The paths that a reader does not see on `/v2`.
    pub fn hidden(&self, sees_secrets: bool) -> &[String] {
        if sees_secrets { &self.private } else { &self.hidden }
    }

    /// Whether an entry holds secrets that some readers see.
    pub fn has_secrets(&self) -> bool {
        self.hidden.len() > self.private.len()
    }

    /// Whether the field at `path`, or part of it, is or was one of the secrets.
    pub fn is_secret(&self, path: &str) -> bool {
        let below = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.hidden.iter().any(|hidden| below(path, hidden))
    }

    /// Checks an entry as it is (to be) stored.
    pub fn check(&self, entry: &Entry) -> Vec<Finding> {
        self.import.check(entry)
    }

    /// Whether only the server sets the field: generated secrets, `uuid`, `created_at`, derived lists.
    fn is_server_owned(&self, path: &str) -> bool {
        matches!(path, "uuid" | "created_at" | TOKEN_EPOCH)
            || self.definition.generated_secrets.iter().any(|secret| secret.field == path)
            || self.definition.back_references.iter().any(|(name, _, _)| name == path)
    }

    /// Masks or removes what the reader may not see. The password's hash is for nobody.
    pub fn redact(&self, entry: &mut Entry, sees_secrets: bool, mask: Option<&str>) {
        let mut hide = |path: &str| match mask {
            Some(mask) => {
                if let Some(value) = field_mut(entry, path) {
                    *value = mask.into();
                }
            }
            None => remove_field(entry, path),
        };
        if self.login_field().is_some() {
            hide(PASSWORD);
        }
        if !sees_secrets {
            self.definition.visible_secrets().for_each(hide);
        }
        self.definition.dropped_fields.iter().for_each(|path| remove_field(entry, path));
        entry.remove(TOKEN_EPOCH);
    }
}

/// The resources in force, in their order.
#[derive(Debug, Clone)]
pub struct Kinds(Arc<[Kind]>);

impl Kinds {
    /// The built-in resources named in `enabled`; `users` and `karanas` are always there.
    pub fn enabled(enabled: &[String]) -> Result<Self, String> {
        Self::compile(enabled_of(built_in(), enabled)?)
    }

    /// The same, and those that are declared in the folder `dir`.
    pub fn with_declared(enabled: &[String], dir: &Path) -> Result<Self, String> {
        let built_in = built_in();
        let mut definitions = enabled_of(built_in.clone(), enabled)?;
        let declared = declared::read(dir, &built_in, &definitions).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            problems.join("\n")
        })?;
        definitions.extend(declared);
        Self::compile(definitions)
    }

    /// Compiles definitions and checks that they fit together.
    pub fn compile(mut definitions: Vec<Definition>) -> Result<Self, String> {
        if let Some(taken) = definitions.iter().find(|one| RESERVED_NAMES.contains(&one.name.as_str())) {
            return Err(format!("resource `{}`: the name is taken by a route of the API", taken.name));
        }
        // Last, so that the others have the places they are listed in.
        if definitions.iter().any(|definition| definition.name == users::NAME) {
            definitions.push(keys::definition());
        }
        let mut kinds = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let name = definition.name.clone();
            kinds.push(
                Kind::compile(definition, kinds.len())
                    .map_err(|reason| format!("resource `{name}`: {reason}"))?,
            );
        }
        let kinds = Self(kinds.into());
        for kind in kinds.iter() {
            for reference in kind.references() {
                if kinds.get(&reference.to).is_none() {
                    let (name, field, to) = (kind.name(), &reference.field, &reference.to);
                    return Err(format!(
                        "resource `{name}`: `{field}` refers to `{to}`, which is not enabled"
                    ));
                }
            }
        }
        Ok(kinds)
    }

    /// The resource of that name.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.iter().find(|kind| kind.name() == name)
    }

    /// The resource at that place in the list.
    pub fn at(&self, index: usize) -> &Kind {
        &self.0[index]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.0.iter()
    }

    /// Those that have routes, and a place in dumps.
    pub fn public(&self) -> impl Iterator<Item = &Kind> {
        self.iter().filter(|kind| !kind.is_internal())
    }

    /// Whether a resource of that name comes with the program, in force or not.
    pub fn are_built_in(name: &str) -> bool {
        built_in().iter().any(|definition| definition.name == name)
    }

    /// The definitions, as the store keeps them in `resources.json`.
    pub fn definitions(&self) -> Vec<&Definition> {
        self.iter().map(Kind::definition).collect()
    }
}

/// The resources that come with the program, in the order in which they are listed everywhere.
fn built_in() -> Vec<Definition> {
    vec![users::definition(), karanas::definition(), maintenances::definition(), payments::definition()]
}

/// Those of the program that the configuration enables.
fn enabled_of(built_in: Vec<Definition>, enabled: &[String]) -> Result<Vec<Definition>, String> {
    if let Some(unknown) = enabled.iter().find(|name| !built_in.iter().any(|one| one.name == **name)) {
        let names: Vec<_> = built_in.iter().map(|definition| definition.name.as_str()).collect();
        return Err(format!(
            "[resources] enabled: there is no built-in resource `{unknown}`; there are {} (what is declared in [resources] \
             dir is in force by its file alone)",
            names.join(", ")
        ));
    }
    let is_enabled =
        |name: &String| [users::NAME, karanas::NAME].contains(&name.as_str()) || enabled.contains(name);
    Ok(built_in.into_iter().filter(|definition| is_enabled(&definition.name)).collect())
}

/// The JSON Schema of a struct, nested structs written out in place.
fn schema_of<T: schemars::JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests;
