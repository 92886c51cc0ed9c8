//! Whether a definition fits its own schema, and whether all of them fit together.

use super::{Declared, Problem};
use crate::error::Finding;
use crate::resource::{Definition, OnDelete, TOKEN_EPOCH};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a definition says of fields that its schema does not bear out.
pub fn in_itself(definition: &Definition) -> Vec<Finding> {
    let mut check = Check { definition, findings: vec![] };
    check.reserved();
    check.unique();
    check.references();
    check.secrets();
    check.dropped();
    check.findings
}

/// Where a schema of stored entries does not go together with what is sent to create one.
pub fn with_import(definition: &Definition, import: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut refuse = |path: &str, code: &str, rule: &str| {
        let at = format!("entry_import_schema/properties/{}", path.replace('.', "/properties/"));
        findings.push(Finding::new(at, code, rule));
    };
    let create = &definition.entry_create_schema;
    for name in create["properties"].as_object().into_iter().flat_map(|fields| fields.keys()) {
        if property(import, name).is_none() {
            refuse(name, "required", "is in entry_create_schema: it must be here, too");
        }
    }
    // What the store does with these rests on what they are.
    let unique = definition.unique_schema_fields.iter().filter(|path| *path != "uuid");
    let within = definition.unique_within.iter().flat_map(|(path, within)| [path, within]);
    let references = definition.references.iter().map(|reference| &reference.field);
    for path in unique.chain(within).chain(references).chain(&definition.secret_fields) {
        let Some((here, there)) = property(import, path).zip(property(create, path)) else { continue };
        if here["type"] != there["type"] || here["format"] != there["format"] {
            refuse(path, "type", "must have the type and the format that it has in entry_create_schema");
        }
    }
    for secret in &definition.generated_secrets {
        let Some((parent, _)) = secret.field.rsplit_once('.') else { continue };
        if property(import, parent).is_none_or(|parent| parent.get("properties").is_none()) {
            refuse(parent, "type", "must be an object with `properties`: a generated secret lies in it");
        }
    }
    findings
}

fn property<'s>(schema: &'s Value, path: &str) -> Option<&'s Value> {
    path.split('.').try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

struct Check<'a> {
    definition: &'a Definition,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn refuse(&mut self, key: &str, code: &str, rule: impl Into<String>) {
        self.findings.push(Finding::new(key, code, rule));
    }

    /// The schema of a field, which must be there and hold nothing but these types, or null.
    fn field(&mut self, key: &str, path: &str, types: &[&str]) -> Option<&'a Value> {
        let Some(property) = property(&self.definition.entry_create_schema, path) else {
            self.refuse(key, "field", format!("`{path}` is not a field of entry_create_schema"));
            return None;
        };
        if !types.is_empty() && !holds_only(property, types) {
            let types = types.join(" or ");
            self.refuse(
                key,
                "type",
                format!("`{path}` must have the type {types} in entry_create_schema (and may be null)"),
            );
            return None;
        }
        Some(property)
    }

    fn twice<'n>(&mut self, key: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                self.refuse(key, "unique", format!("must not name `{name}` twice"));
            }
        }
    }

    fn reserved(&mut self) {
        for name in ["uuid", "created_at", TOKEN_EPOCH] {
            if self.definition.entry_create_schema["properties"].get(name).is_some() {
                let at = format!("entry_create_schema/properties/{name}");
                self.refuse(&at, "server_owned", "is a field that the server sets: leave it out");
            }
        }
    }

    fn unique(&mut self) {
        let Definition { unique_schema_fields, unique_within, .. } = self.definition;
        self.twice("unique_schema_fields", unique_schema_fields.iter().map(String::as_str));
        for path in unique_schema_fields.iter().filter(|path| *path != "uuid") {
            self.comparable("unique_schema_fields", path);
        }
        for (path, within) in unique_within {
            self.comparable("unique_within", path);
            self.comparable("unique_within", within);
        }
    }

    fn comparable(&mut self, key: &str, path: &str) {
        self.field(key, path, &["string", "integer"]);
        if self.definition.secrets().any(|secret| secret == path) {
            self.refuse(key, "secret", format!("`{path}` is a secret: that it is taken would tell of it"));
        }
    }

    fn references(&mut self) {
        let Definition { references, belongs_through, .. } = self.definition;
        self.twice("references", references.iter().map(|reference| reference.field.as_str()));
        for reference in references {
            let path = &reference.field;
            if path.contains('.') {
                self.refuse("references", "field", format!("`{path}` must be a field at the first level"));
                continue;
            }
            let Some(property) = self.field("references", path, &["string"]) else { continue };
            if property["format"] != "uuid" {
                self.refuse(
                    "references",
                    "format",
                    format!("`{path}` must have the format uuid in entry_create_schema"),
                );
            }
            let may_be_null = property["type"].is_array();
            if reference.on_delete == OnDelete::Release && !may_be_null {
                let rule = "must allow null in entry_create_schema: on_delete = \"release\" sets it so";
                self.refuse("references", "nullable", format!("`{path}` {rule}"));
            }
        }
        let is_reference = |path: &&String| references.iter().any(|reference| reference.field == **path);
        if let Some(through) = belongs_through.as_ref().filter(|path| !is_reference(path)) {
            let rule = format!("`{through}` is not the field of one of the references");
            self.refuse("belongs_through", "reference", rule);
        }
    }

    fn secrets(&mut self) {
        let Definition { secret_fields, generated_secrets, references, .. } = self.definition;
        self.twice("secret_fields", secret_fields.iter().map(String::as_str));
        for path in secret_fields {
            let Some(property) = self.field("secret_fields", path, &["string"]) else { continue };
            if property.get("default").is_some_and(|default| !default.is_null()) {
                self.refuse(
                    "secret_fields",
                    "default",
                    format!("`{path}` must have no default, which would lie open"),
                );
            }
            if references.iter().any(|reference| reference.field == *path) {
                self.refuse(
                    "secret_fields",
                    "reference",
                    format!("`{path}` is a reference, which cannot be secret"),
                );
            }
        }
        self.twice("generated_secrets", generated_secrets.iter().map(|secret| secret.field.as_str()));
        for secret in generated_secrets {
            self.generated(&secret.field);
            if let Some(with) = &secret.renewed_with {
                self.field("generated_secrets", with, &[]);
            }
        }
    }

    fn dropped(&mut self) {
        let Definition { dropped_fields, generated_secrets, entry_create_schema, .. } = self.definition;
        for path in dropped_fields {
            let is_generated = generated_secrets.iter().any(|secret| secret.field == *path);
            if is_generated
                || property(entry_create_schema, path).is_some()
                || ["uuid", "created_at"].contains(&&**path)
            {
                self.refuse("dropped_fields", "field", format!("`{path}` is a field of this resource"));
            }
        }
    }

    /// The server makes it, in an object that is always there.
    fn generated(&mut self, path: &str) {
        let mut schema = &self.definition.entry_create_schema;
        let names: Vec<_> = path.split('.').collect();
        for (level, name) in names.iter().enumerate() {
            if super::is_everywhere(name) {
                return self.refuse("generated_secrets", "name", format!("`{path}` {}", super::EVERYWHERE));
            }
            let inner = schema["properties"].get(*name);
            let is_last = level + 1 == names.len();
            match inner {
                None if is_last && is_plain(name) => return,
                Some(_) if is_last => {
                    let rule = "is made by the server: take it out of entry_create_schema";
                    return self.refuse("generated_secrets", "server_owned", format!("`{path}` {rule}"));
                }
                Some(inner) if inner["type"] == "object" && inner.get("properties").is_some() => {
                    schema = inner
                }
                _ => break,
            }
        }
        let rule = "must be the name of a new field, or lie in a field of the type object with `properties`";
        self.refuse("generated_secrets", "field", format!("`{path}` {rule}"));
    }
}

fn is_plain(name: &str) -> bool {
    let reserved = ["uuid", "created_at", TOKEN_EPOCH];
    let may_follow = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    super::is_name(name, |c| c.is_ascii_alphabetic() || c == '_', may_follow) && !reserved.contains(&name)
}

fn holds_only(property: &Value, types: &[&str]) -> bool {
    match &property["type"] {
        Value::String(one) => types.contains(&one.as_str()),
        // One of them: text and numbers that look alike would be told apart.
        Value::Array(several) => {
            let mut others = several.iter().filter(|one| *one != "null");
            others.next().is_some_and(|one| types.iter().any(|name| one == name)) && others.next().is_none()
        }
        _ => false,
    }
}

/// What the definitions say of each other that is not so.
pub fn together(all: &[Declared], built_in: &[Definition], enabled: &[Definition]) -> Vec<Problem> {
    let definition = |name: &str| {
        let declared = all.iter().filter_map(|one| one.definition.as_ref());
        enabled.iter().chain(declared).find(|definition| definition.name == name)
    };
    let is_broken = |name: &str| all.iter().any(|one| one.name == name && one.definition.is_none());
    let mut problems = Vec::new();
    for (file, one) in all.iter().filter_map(|one| Some((&one.file, one.definition.as_ref()?))) {
        let mut refuse = |key: &str, code: &str, rule: String| {
            problems.push(Problem { file: file.clone(), finding: Finding::new(key, code, rule) });
        };
        for reference in &one.references {
            let (field, to) = (&reference.field, &reference.to);
            if definition(to).is_some() || is_broken(to) {
            } else if built_in.iter().any(|definition| definition.name == *to) {
                let rule = format!("`{field}` refers to `{to}`, which is not enabled ([resources] enabled)");
                refuse("references", "enabled", rule);
            } else {
                refuse(
                    "references",
                    "resource",
                    format!("`{field}` refers to `{to}`, and there is no such resource"),
                );
            }
        }
        match owner_of(one, definition) {
            Owner::Found => {}
            Owner::Circle => refuse("belongs_through", "circle", "leads back to where it began".into()),
            Owner::Nobody(name) => {
                refuse(
                    "belongs_through",
                    "owner",
                    format!("leads to `{name}`, whose entries belong to nobody"),
                );
            }
        }
    }
    problems
}

enum Owner {
    /// Somebody who can sign in; or what is missing is told elsewhere.
    Found,
    Circle,
    Nobody(String),
}

/// Where the entries of a resource lead that belong to somebody.
fn owner_of<'a>(one: &'a Definition, definition: impl Fn(&str) -> Option<&'a Definition>) -> Owner {
    let (mut at, mut seen) = (one, BTreeSet::new());
    loop {
        if at.credentials_login_field.is_some() {
            return Owner::Found;
        }
        if !seen.insert(&at.name) {
            return Owner::Circle;
        }
        let Some(through) = &at.belongs_through else {
            let begins_here = at.name == one.name;
            return if begins_here { Owner::Found } else { Owner::Nobody(at.name.clone()) };
        };
        let reference = at.references.iter().find(|reference| reference.field == *through);
        let Some(next) = reference.and_then(|reference| definition(&reference.to)) else {
            return Owner::Found;
        };
        at = next;
    }
}
