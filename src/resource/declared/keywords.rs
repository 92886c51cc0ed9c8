//! The keywords of JSON Schema 2020-12, and where schemas stand inside of a schema.

use serde_json::Value;

/// Keywords whose value is a schema.
const ONE: [&str; 11] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "if",
    "then",
    "else",
    "not",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];

/// Keywords whose value is a list of schemas.
const LIST: [&str; 4] = ["prefixItems", "allOf", "anyOf", "oneOf"];

/// Keywords whose value holds schemas by name. What `$defs` holds counts where it is referred to.
const MAP: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];

/// Keywords whose schemas speak of the very value that the schema speaks of.
const IN_PLACE: [&str; 8] = ["if", "then", "else", "not", "allOf", "anyOf", "oneOf", "dependentSchemas"];

/// Keywords without schemas inside.
const PLAIN: [&str; 35] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "definitions",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];

/// Whether there is such a keyword; `x-…` are notes for other programs.
pub fn is_known(keyword: &str) -> bool {
    keyword.starts_with("x-") || [&PLAIN[..], &ONE, &LIST, &MAP].concat().contains(&keyword)
}

/// Whether schemas below this keyword speak of the same value.
pub fn is_in_place(keyword: &str) -> bool {
    IN_PLACE.contains(&keyword)
}

/// A name as one step of a JSON pointer.
pub fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The schemas right below a schema: under which keyword, at which pointer from there.
pub fn below(schema: &Value) -> Vec<(&str, String, &Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let (name, at) = (keyword.as_str(), step(keyword));
        if ONE.contains(&name) {
            found.push((name, at, value));
        } else if LIST.contains(&name) {
            let items = value.as_array().into_iter().flatten().enumerate();
            found.extend(items.map(|(number, item)| (name, format!("{at}/{number}"), item)));
        } else if MAP.contains(&name) {
            let named = value.as_object().into_iter().flatten();
            found.extend(named.map(|(key, item)| (name, format!("{at}{}", step(key)), item)));
        }
    }
    found
}

/// The same, to change them.
pub fn below_mut(schema: &mut Value) -> Vec<(String, &mut Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object_mut().into_iter().flatten() {
        let (name, at) = (keyword.as_str(), step(keyword));
        if ONE.contains(&name) {
            found.push((at, value));
        } else if LIST.contains(&name) {
            let items = value.as_array_mut().into_iter().flatten().enumerate();
            found.extend(items.map(|(number, item)| (format!("{at}/{number}"), item)));
        } else if MAP.contains(&name) {
            let named = value.as_object_mut().into_iter().flatten();
            found.extend(named.map(|(key, item)| (format!("{at}{}", step(key)), item)));
        }
    }
    found
}
