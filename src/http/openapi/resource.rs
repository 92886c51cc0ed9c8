//! What is sent and answered about the records of one resource: schemas and parameters, made from its [`Kind`].

use super::about::status;
use super::formats;
use super::operation::{bare, component};
use super::properties::{
    add_words, each_direct_property, each_property, each_property_mut, property, property_mut,
    remove_property, require_not, types,
};
use super::scale::Scale;
use crate::resource::{Kind, MASK, PASSWORD, TOKEN_EPOCH};
use crate::store::Filter;
use serde_json::{Value, json};

/// What a schema of a resource is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A record as it is answered.
    Record,
    /// Some fields of one.
    Fields,
    /// A page of a list.
    Page,
    /// What makes a new one.
    New,
    /// What replaces one.
    Replacement,
    /// What is to be different in one.
    Patch,
    /// An entry as `/v1` answers it.
    V1Entry,
    /// What makes a new one on `/v1`.
    V1New,
    /// What changes one on `/v1`.
    V1Change,
}

const PARTS: &[Part] = &[
    Part::Record,
    Part::Fields,
    Part::Page,
    Part::New,
    Part::Replacement,
    Part::Patch,
    Part::V1Entry,
    Part::V1New,
    Part::V1Change,
];

/// A reference to a schema of the resource. The dot keeps the names apart, whatever resources are called.
pub fn part(kind: &Kind, part: Part) -> Value {
    component(&name(kind, part))
}

fn name(kind: &Kind, part: Part) -> String {
    format!("{}.{part:?}", kind.name())
}

/// The schemas of a resource, by name.
pub fn schemas(kind: &Kind) -> Vec<(String, Value)> {
    let schema = |part| {
        let mut schema = match part {
            Part::Record => with_status(kind, record(kind)),
            Part::Fields => with_nothing_required(with_status(kind, record(kind))),
            Part::Page => page(kind),
            Part::New => new(kind),
            Part::Replacement => replacement(kind),
            Part::Patch => patch(kind),
            Part::V1Entry => v1_entry(kind),
            Part::V1New => v1_new(kind),
            Part::V1Change => with_nothing_required(v1_new(kind)),
        };
        schema["title"] = name(kind, part).into();
        schema["description"] = words(kind, part).into();
        (name(kind, part), schema)
    };
    PARTS.iter().copied().map(schema).collect()
}

fn words(kind: &Kind, part: Part) -> String {
    let of = kind.name();
    match part {
        Part::Record => format!("One of {of}."),
        Part::Fields => format!("Those fields of one of {of} that were asked for."),
        Part::Page => format!("A page of {of}."),
        Part::New => format!("What makes a new one of {of}."),
        Part::Replacement => format!("What replaces one of {of}."),
        Part::Patch => format!("What is to be different in one of {of}."),
        Part::V1Entry => format!("One of {of}, as /v1 has it."),
        Part::V1New => format!("What makes a new one of {of}, as /v1 has it."),
        Part::V1Change => format!("What changes one of {of}, as /v1 has it."),
    }
}

/// The fields that a client can ask for.
pub fn readable(kind: &Kind) -> Vec<String> {
    let mut fields = Vec::new();
    each_property(&record(kind), "", &mut |path, _| fields.push(path.to_owned()));
    fields
}

/// The fields by which a list is ordered, and the same with `-`.
pub fn sortable(kind: &Kind) -> Vec<String> {
    comparable(kind).into_iter().flat_map(|(field, _)| [field.clone(), format!("-{field}")]).collect()
}

/// The parameters that choose records of a list: one for each field, an object of conditions.
pub fn filters(kind: &Kind) -> Vec<Value> {
    let filter = |(field, scale): (String, Scale)| {
        json!({
            "name": format!("filter[{field}]"),
            "in": "query",
            "style": "deepObject",
            "explode": true,
            "schema": component(&scale.name()),
        })
    };
    comparable(kind).into_iter().map(filter).collect()
}

/// The fields that compare, and how.
fn comparable(kind: &Kind) -> Vec<(String, Scale)> {
    let mut fields = Vec::new();
    each_property(&record(kind), "", &mut |path, schema| {
        if Filter::compares(kind, path) && !kind.is_secret(path) {
            fields.push((path.to_owned(), Scale::of(schema)));
        }
    });
    fields
}

fn record(kind: &Kind) -> Value {
    let mut schema = bare(kind.import_schema().json());
    kind.hidden(true).iter().for_each(|path| remove_property(&mut schema, path));
    require_what_has_a_default(&mut schema);
    for path in kind.hidden(false) {
        require_not(&mut schema, path);
        if let Some(secret) = property_mut(&mut schema, path) {
            add_words(secret, "A secret: absent for those who may not see it.");
        }
    }
    mark(kind, &mut schema);
    schema
}

/// Beside the fields of the record, for those who ask for it.
fn with_status(kind: &Kind, mut record: Value) -> Value {
    if let Some(mut status) = status::schema(kind) {
        status["readOnly"] = true.into();
        record["properties"]["status"] = status;
    }
    record
}

fn page(kind: &Kind) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next", "total"],
        "additionalProperties": false,
        "properties": {
            "items": {"type": "array", "items": {"anyOf": [part(kind, Part::Record), part(kind, Part::Fields)]}},
            "next": {
                "type": ["string", "null"],
                "description": "`after` of the next page; null on the last one.",
            },
            "total": {"type": "integer", "minimum": 0, "description": "Records on all pages."},
        },
    })
}

fn new(kind: &Kind) -> Value {
    let mut schema = bare(kind.draft_schema().json());
    copy_words(&record(kind), &mut schema);
    mark(kind, &mut schema);
    schema
}

fn replacement(kind: &Kind) -> Value {
    let mut schema = bare(kind.redraft_schema().json());
    let record = record(kind);
    for path in kind.server_owned() {
        let Some(server_owned) = property(&record, path) else { continue };
        let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
        if let Some(object) = property_mut(&mut schema, above) {
            object["properties"][name] = server_owned.clone();
        }
    }
    copy_words(&record, &mut schema);
    mark(kind, &mut schema);
    schema
}

fn patch(kind: &Kind) -> Value {
    let mut schema = replacement(kind);
    allow_null_where_it_brings_a_default(&mut schema);
    with_nothing_required(schema)
}

fn v1_entry(kind: &Kind) -> Value {
    let mut schema = bare(kind.import_schema().json());
    let unknown = kind.definition().not_on_v1.iter().map(String::as_str);
    unknown.chain([TOKEN_EPOCH]).for_each(|path| remove_property(&mut schema, path));
    require_what_has_a_default(&mut schema);
    for path in kind.hidden(false) {
        if let Some(secret) = property_mut(&mut schema, path) {
            let mask = json!({"const": MASK});
            *secret = if path == PASSWORD { mask } else { json!({"anyOf": [secret.take(), mask]}) };
        }
    }
    for (name, resource, _) in &kind.definition().back_references {
        schema["properties"][name] = json!({
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "description": format!("Those of {resource} that refer to it."),
        });
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.push(name.as_str().into());
        }
    }
    mark(kind, &mut schema);
    schema
}

fn v1_new(kind: &Kind) -> Value {
    let mut schema = bare(kind.create_schema().json());
    kind.definition().not_on_v1.iter().for_each(|path| remove_property(&mut schema, path));
    each_property_mut(&mut schema, &mut |property| {
        if property["type"] == "integer" {
            let number = property.take();
            let text = json!({"type": "string", "pattern": "^\\s*[+-]?[0-9]+\\s*$"});
            *property = json!({"anyOf": [number, text]});
        }
    });
    mark(kind, &mut schema);
    schema
}

/// Says of fields what their schemas do not: whose they are, what they refer to, what their formats are.
fn mark(kind: &Kind, schema: &mut Value) {
    for path in kind.server_owned() {
        if let Some(field) = property_mut(schema, path) {
            field["readOnly"] = true.into();
        }
    }
    if let Some(password) = property_mut(schema, PASSWORD).filter(|_| kind.login_field().is_some()) {
        password["writeOnly"] = true.into();
    }
    for reference in kind.references() {
        if let Some(field) = property_mut(schema, &reference.field) {
            add_words(field, &format!("The uuid of one of {}.", reference.to));
            field["x-references"] = reference.to.as_str().into();
        }
    }
    formats::explain(schema);
}

/// What a field is for stands in one of its schemas.
fn copy_words(from: &Value, to: &mut Value) {
    each_direct_property(to, &mut |name, to| {
        let Some(from) = from["properties"].get(name) else { return };
        if to.get("description").is_none() && from.get("description").is_some() {
            to["description"] = from["description"].clone();
        }
        copy_words(from, to);
    });
}

/// A stored record has them.
fn require_what_has_a_default(schema: &mut Value) {
    if schema.get("properties").is_none() {
        return;
    }
    let mut defaults = Vec::new();
    each_direct_property(schema, &mut |name, property| {
        if property.as_object_mut().is_some_and(|property| property.remove("default").is_some()) {
            defaults.push(name.to_owned());
        }
        require_what_has_a_default(property);
    });
    let mut required: Vec<String> = serde_json::from_value(schema["required"].take()).unwrap_or_default();
    required.extend(defaults);
    required.sort();
    required.dedup();
    schema["required"] = required.into();
}

fn with_nothing_required(mut schema: Value) -> Value {
    relax(&mut schema);
    schema
}

fn relax(schema: &mut Value) {
    let Some(object) = schema.as_object_mut().filter(|object| object.contains_key("properties")) else {
        return;
    };
    object.remove("required");
    each_direct_property(schema, &mut |_, property| {
        // It is filled in for whole records only.
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
        relax(property);
    });
}

/// A field that need not be there can be taken out.
fn allow_null_where_it_brings_a_default(schema: &mut Value) {
    let required = schema["required"].clone();
    let is_required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
    each_direct_property(schema, &mut |name, property| {
        allow_null_where_it_brings_a_default(property);
        if !is_required(name) && property["readOnly"] != true {
            allow_null(property);
        }
    });
}

fn allow_null(schema: &mut Value) {
    match types(schema).map(Value::from).collect::<Vec<_>>() {
        types if types.is_empty() => *schema = json!({"anyOf": [schema.take(), {"type": "null"}]}),
        types if types.contains(&"null".into()) => {}
        mut types => {
            types.push("null".into());
            schema["type"] = types.into();
            if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
                values.push(Value::Null);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kinds;

    #[test]
    fn null_is_offered_only_where_it_does_something() {
        let kinds = Kinds::enabled(&[]).unwrap();
        let patch = patch(kinds.get("karanas").unwrap());
        let allows_null = |path: &str| types(property(&patch, path).unwrap()).any(|one| one == "null");
        for (path, allowed) in [
            ("name", false),
            ("note", true),
            ("owner", true),
            ("config", false),
            ("config.signal", true),
            ("state", true),
        ] {
            assert_eq!(allows_null(path), allowed, "{path}");
        }
        assert!(
            patch.get("required").is_none() && property(&patch, "config").unwrap().get("required").is_none()
        );
    }
}
