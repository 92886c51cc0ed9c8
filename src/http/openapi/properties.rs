//! The properties of a JSON schema, by their paths.

use serde_json::Value;

/// The types that a schema allows, by name.
pub fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema["type"].as_str();
    one.into_iter().chain(schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str))
}

/// Visits every property, at any depth, with its path.
pub fn each_property(schema: &Value, above: &str, see: &mut impl FnMut(&str, &Value)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        see(&path, property);
        each_property(property, &path, see);
    }
}

/// Changes every property, at any depth; the inner ones first.
pub fn each_property_mut(schema: &mut Value, change: &mut impl FnMut(&mut Value)) {
    each_direct_property(schema, &mut |_, property| {
        each_property_mut(property, change);
        change(property);
    });
}

/// Changes the properties of the object itself.
pub fn each_direct_property(schema: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(name, property)| change(name, property));
}

/// The schema at a path.
pub fn property<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

/// The same, to be changed; that of the whole for an empty path.
pub fn property_mut<'a>(schema: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let mut names = path.split('.').filter(|name| !name.is_empty());
    names.try_fold(schema, |schema, name| schema.get_mut("properties")?.get_mut(name))
}

/// Takes a property out.
pub fn remove_property(schema: &mut Value, path: &str) {
    require_not(schema, path);
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    if let Some(properties) =
        property_mut(schema, above).and_then(|object| object.get_mut("properties")?.as_object_mut())
    {
        properties.remove(name);
    }
}

/// Lets a property be left out.
pub fn require_not(schema: &mut Value, path: &str) {
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    if let Some(required) =
        property_mut(schema, above).and_then(|object| object.get_mut("required")?.as_array_mut())
    {
        required.retain(|required| required != name);
    }
}

/// Adds a sentence to a schema's description, once.
pub fn add_words(schema: &mut Value, words: &str) {
    let before = schema["description"].as_str().unwrap_or_default();
    if !before.contains(words) {
        schema["description"] = format!("{before} {words}").trim().into();
    }
}
