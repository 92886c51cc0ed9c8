//! One file: from TOML to a complete definition.

use super::keywords::step;
use super::{fit, rules, text_of};
use crate::error::Finding;
use crate::resource::{self, Definition, OnDelete};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    entry_create_schema: toml::Value,
    entry_import_schema: Option<toml::Value>,
    #[serde(default)]
    unique_schema_fields: Vec<String>,
    #[serde(default)]
    unique_within: Vec<Within>,
    credentials_login_field: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    belongs_through: Option<String>,
    #[serde(default)]
    secret_fields: Vec<String>,
    #[serde(default)]
    generated_secrets: Vec<GeneratedSecret>,
    #[serde(default)]
    dropped_fields: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    field: String,
    within: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    field: String,
    to: String,
    on_delete: Option<OnDelete>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GeneratedSecret {
    field: String,
    renewed_with: Option<String>,
}

/// Reads the definition of the resource `name`.
pub fn parse(dir: &Path, name: &str, text: &str) -> Result<Definition, Vec<Finding>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let line = line.map(|line| format!("line {line}")).unwrap_or_default();
        vec![Finding::new(line, "toml", error.message())]
    })?;
    let mut findings = Vec::new();
    if file.name.as_ref().is_some_and(|given| given != name) {
        findings.push(Finding::new(
            "name",
            "file",
            format!("must be `{name}`, as the file is called, or left out"),
        ));
    }
    if file.credentials_login_field.is_some() {
        let rule =
            "must be left out: one signs in as one of `users`, and a declared resource may refer to those";
        findings.push(Finding::new("credentials_login_field", "sign_in", rule));
    }
    let mut schema = |key: &str, value: toml::Value| {
        let read = json_of(dir, key, value).and_then(|json| rules::checked(key, &json));
        read.map_err(|broken| findings.extend(broken)).ok()
    };
    let create = schema("entry_create_schema", file.entry_create_schema);
    let import = file.entry_import_schema.map(|value| schema("entry_import_schema", value));
    let (Some(create), None | Some(Some(_))) = (create, &import) else { return Err(findings) };

    let unique = file.unique_schema_fields.into_iter().filter(|field| field != "uuid");
    let references = file.references.into_iter().map(|reference| resource::Reference {
        field: reference.field,
        to: reference.to,
        on_delete: reference.on_delete.unwrap_or(OnDelete::Restrict),
    });
    let secrets = file.generated_secrets.into_iter();
    let mut definition = Definition {
        name: name.to_owned(),
        entry_create_schema: create,
        entry_import_schema: Value::Null,
        unique_schema_fields: std::iter::once("uuid".to_owned()).chain(unique).collect(),
        unique_within: file.unique_within.into_iter().map(|rule| (rule.field, rule.within)).collect(),
        credentials_login_field: None,
        references: references.collect(),
        belongs_through: file.belongs_through,
        secret_fields: file.secret_fields,
        generated_secrets: secrets
            .map(|secret| resource::GeneratedSecret {
                field: secret.field,
                renewed_with: secret.renewed_with,
            })
            .collect(),
        back_references: vec![],
        dropped_fields: file.dropped_fields,
        not_on_v1: vec![],
    };
    let title = titled(name);
    complete(&mut definition.entry_create_schema, &definition.references);
    set_title(&mut definition.entry_create_schema, format!("{title}Schema"));
    findings.extend(fit::in_itself(&definition));
    definition.entry_import_schema = match import.flatten() {
        None => {
            let mut derived = definition.entry_create_schema.clone();
            derived.as_object_mut().map(|schema| schema.remove("title"));
            derived
        }
        Some(mut given) => {
            complete(&mut given, &definition.references);
            findings.extend(fit::with_import(&definition, &given));
            given
        }
    };
    set_title(&mut definition.entry_import_schema, format!("{title}DbSchema"));
    if findings.is_empty() {
        add_what_the_server_sets(&mut definition);
    }
    if findings.is_empty() { Ok(definition) } else { Err(findings) }
}

/// A schema as tables, as JSON text, or in a file beside.
fn json_of(dir: &Path, key: &str, value: toml::Value) -> Result<Value, Vec<Finding>> {
    let refused = |code: &str, rule: String| vec![Finding::new(key, code, rule)];
    let parse = |what: &str, text: &str| {
        // `serde_json` may quote; the place is what helps.
        let place =
            |e: serde_json::Error| format!("{what} is not JSON (line {}, column {})", e.line(), e.column());
        serde_json::from_str(text).map_err(|e| refused("json", place(e)))
    };
    let json: Value = match value {
        toml::Value::String(text) if text.trim_start().starts_with('{') => parse("the text", &text)?,
        toml::Value::String(name) => {
            if !name.ends_with(".json") || name.contains('/') {
                let rule =
                    "must be a table, a text with JSON in it, or the name of a .json file in the same folder";
                return Err(refused("schema", rule.into()));
            }
            let text =
                text_of(&dir.join(&name)).map_err(|rule| refused("readable", format!("{name} {rule}")))?;
            parse(&name, &text)?
        }
        other => from_toml(other, "")
            .map_err(|(pointer, rule)| vec![Finding::new(format!("{key}{pointer}"), "toml", rule)])?,
    };
    if !json.is_object() {
        return Err(refused("type", "must be an object".into()));
    }
    Ok(json)
}

fn from_toml(value: toml::Value, pointer: &str) -> Result<Value, (String, &'static str)> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(yes) => yes.into(),
        // JSON has no times: as text, the way they are written.
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => number.into(),
            None => return Err((pointer.to_owned(), "must be a number that JSON knows")),
        },
        toml::Value::Array(items) => {
            let items = items.into_iter().enumerate();
            let items = items.map(|(number, item)| from_toml(item, &format!("{pointer}/{number}")));
            items.collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = from_toml(value, &format!("{pointer}{}", step(&name)))?;
                Ok((name, value))
            });
            Value::Object(fields.collect::<Result<Map<_, _>, _>>()?)
        }
    })
}

/// Adds what goes without saying of the fields.
fn complete(schema: &mut Value, references: &[resource::Reference]) {
    for reference in references {
        let property = schema["properties"].get_mut(&reference.field).and_then(Value::as_object_mut);
        let Some(property) = property else { continue };
        let types = match reference.on_delete {
            OnDelete::Release => json!(["string", "null"]),
            OnDelete::Restrict | OnDelete::Delete => json!("string"),
        };
        property.entry("type").or_insert(types);
        property.entry("format").or_insert_with(|| "uuid".into());
    }
    empty_is_null(schema);
    schema["type"] = "object".into();
}

fn set_title(schema: &mut Value, title: String) {
    if schema.get("title").is_none() {
        schema["title"] = title.into();
    }
}

fn titled(name: &str) -> String {
    name.split(['-', '_'])
        .map(|word| word[..1.min(word.len())].to_uppercase() + &word[1.min(word.len())..])
        .collect()
}

/// A field that may be null, and left out, is null then: TOML has no way to write that default.
fn empty_is_null(schema: &mut Value) {
    let required = schema["required"].clone();
    let is_required = |name: &str| required.as_array().into_iter().flatten().any(|one| one == name);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        empty_is_null(property);
        let may_be_null =
            property["type"].as_array().is_some_and(|types| types.iter().any(|one| one == "null"));
        if let Some(property) = property.as_object_mut().filter(|_| may_be_null && !is_required(name)) {
            property.entry("default").or_insert(Value::Null);
        }
    }
}

/// A stored entry holds more than what was sent to create it, and nothing that nobody knows.
fn add_what_the_server_sets(definition: &mut Definition) {
    let Definition { entry_import_schema: schema, generated_secrets, .. } = definition;
    add(schema, "uuid", json!({"type": "string", "format": "uuid"}));
    add(schema, "created_at", json!({"type": "string", "format": "date-time"}));
    for secret in generated_secrets {
        add(schema, &secret.field, json!({"type": "string", "format": "device-password"}));
    }
    resource::schema::close(schema);
}

/// Adds a field that must be there.
fn add(schema: &mut Value, path: &str, property: Value) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    if !rest.is_empty() {
        return add(&mut schema["properties"][name], rest, property);
    }
    schema["properties"][name] = property;
    let Some(schema) = schema.as_object_mut() else { return };
    let required = schema.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut().filter(|required| !required.iter().any(|one| one == name))
    {
        required.push(name.into());
    }
}
