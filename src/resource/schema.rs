//! JSON Schema as the one way to state what an entry may hold (2020-12, the dialect of OpenAPI 3.1).
//!
//! Built-in resources derive theirs from a struct, declared ones bring it as JSON; from here on there is
//! no difference. Findings name the field and the rule, never the value.

use super::Entry;
use super::format::FORMATS;
use crate::error::Finding;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationOptions};
use serde_json::{Map, Value};

/// The size of a compiled regular expression at most, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// A compiled JSON Schema for one kind of object.
pub struct Schema {
    json: Value,
    validator: jsonschema::Validator,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Schema").field(&self.json["title"]).finish()
    }
}

impl Schema {
    /// Compiles `json`; fails when it is not a valid schema.
    pub fn new(mut json: Value) -> Result<Self, String> {
        tidy(&mut json);
        let validator = options().build(&json).map_err(|e| e.to_string())?;
        Ok(Self { json, validator })
    }

    /// Whether the `format` in a schema is one of ours or of JSON Schema.
    pub(super) fn knows_format(schema: &Value) -> bool {
        let of_number = has_type(schema, "integer") || has_type(schema, "number");
        let is_known = |name| options().is_known_format(Draft::Draft202012, name);
        of_number || schema["format"].as_str().is_some_and(is_known)
    }

    /// The names of formats that are most of use.
    pub(super) fn formats() -> impl Iterator<Item = &'static str> {
        let standard = ["time", "duration", "hostname", "ipv4", "ipv6", "uri", "regex"];
        // The others are for what the server makes.
        let ours = FORMATS.iter().map(|format| format.name);
        let made = ["series", "stored-series", "sha512-crypt", "device-password"];
        ours.filter(move |name| !made.contains(name)).chain(standard)
    }

    /// Whether a regular expression can be matched in linear time, by an automaton of a bounded size.
    pub(super) fn is_linear(pattern: &str) -> bool {
        options().build(&serde_json::json!({ "pattern": pattern })).is_ok()
    }

    /// The rules of a field that its own default breaks.
    pub(super) fn broken_by_default(property: &Value) -> Vec<Finding> {
        let Some(default) = property.get("default") else { return vec![] };
        match Self::new(property.clone()) {
            Ok(schema) => schema.check_value(&shape_value(property, default)),
            Err(reason) => vec![Finding::new("", "schema", reason)],
        }
    }

    /// The schema of a struct, nested structs written out in place.
    pub fn of<T: schemars::JsonSchema>() -> Self {
        Self::new(super::schema_of::<T>()).unwrap_or_else(|e| unreachable!("a derived schema is valid: {e}"))
    }

    /// The same rules for a partial object: nothing is required, no default is filled in.
    pub fn partial(&self) -> Result<Self, String> {
        let mut json = self.json.clone();
        relax(&mut json);
        Self::new(json)
    }

    /// The same rules, and no field beside those that are named.
    pub fn strict(&self) -> Result<Self, String> {
        let mut json = self.json.clone();
        close(&mut json);
        Self::new(json)
    }

    /// The same rules, but that the field at `path` may be missing.
    pub fn without_requiring(&self, path: &str) -> Result<Self, String> {
        let mut json = self.json.clone();
        let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut object = above.split('.').filter(|name| !name.is_empty());
        let object = object.try_fold(&mut json, |schema, name| schema.get_mut("properties")?.get_mut(name));
        if let Some(required) = object.and_then(|schema| schema.get_mut("required")?.as_array_mut()) {
            required.retain(|required| required != name);
        }
        Self::new(json)
    }

    /// The schema as JSON.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The schema's name, such as `UserSchema`.
    pub fn title(&self) -> &str {
        self.json["title"].as_str().unwrap_or_default()
    }

    /// The schema of one field, dots between levels.
    pub fn property(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.json, |schema, name| schema.get("properties")?.get(name))
    }

    /// Whether an object must hold the field at `path`, dots between levels.
    pub fn requires(&self, path: &str) -> bool {
        let (above, name) = path
            .rsplit_once('.')
            .map_or((Some(&self.json), path), |(above, name)| (self.property(above), name));
        let required = above.and_then(|schema| schema.get("required")?.as_array());
        required.is_some_and(|required| required.iter().any(|required| required == name))
    }

    /// Takes from `input` what the schema knows: unknown keys are left out at every level, integers that
    /// come as strings become integers (old clients send both), missing fields get their defaults.
    pub fn shape(&self, input: &Entry) -> Entry {
        shape_object(&self.json, input)
    }

    /// Whether [`Schema::shape`] would add or change nothing; what it leaves out does not count.
    pub fn is_shaped(&self, entry: &Entry) -> bool {
        is_shaped(&self.json, entry)
    }

    /// Every rule that `entry` breaks, at most one finding for a field.
    pub fn check(&self, entry: &Entry) -> Vec<Finding> {
        self.check_value(&Value::Object(entry.clone()))
    }

    /// [`Schema::check`] of an entry that is a value already.
    pub fn check_value(&self, value: &Value) -> Vec<Finding> {
        // To say that all is well takes a fraction of looking for what is not.
        if self.validator.is_valid(value) {
            return vec![];
        }
        let mut findings: Vec<Finding> = Vec::new();
        for error in self.validator.iter_errors(value) {
            for finding in explain(error.instance_path().as_str(), error.kind()) {
                if !findings.iter().any(|known| known.field == finding.field) {
                    findings.push(finding);
                }
            }
        }
        findings
    }
}

/// How every schema is compiled: formats are rules, nothing is fetched, and patterns cannot take long.
fn options() -> ValidationOptions<'static> {
    let mut options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE))
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false);
    for format in FORMATS {
        options = options.with_format(format.name, format.check);
    }
    options
}

fn is_shaped(schema: &Value, entry: &Entry) -> bool {
    let properties = schema["properties"].as_object();
    properties.into_iter().flatten().all(|(name, property)| match entry.get(name) {
        None => property.get("default").is_none(),
        Some(Value::Object(inner)) => is_shaped(property, inner),
        Some(Value::String(_)) => !has_type(property, "integer"),
        Some(Value::Number(number)) => !number.is_f64(),
        Some(_) => true,
    })
}

fn shape_object(schema: &Value, input: &Entry) -> Entry {
    let mut shaped = Map::new();
    let Some(properties) = schema["properties"].as_object() else { return shaped };
    for (name, property) in properties {
        match input.get(name) {
            Some(value) => {
                shaped.insert(name.clone(), shape_value(property, value));
            }
            None => {
                if let Some(default) = property.get("default") {
                    // A default object is completed from its own properties' defaults.
                    shaped.insert(name.clone(), shape_value(property, default));
                }
            }
        }
    }
    // Where a schema says what else there may be, that is kept.
    if schema.get("additionalProperties").is_some_and(|others| *others != false)
        || schema.get("patternProperties").is_some()
    {
        let others = input.iter().filter(|(name, _)| !properties.contains_key(*name));
        shaped.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    }
    shaped
}

fn shape_value(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(fields) if schema.get("properties").is_some() => {
            Value::Object(shape_object(schema, fields))
        }
        Value::String(text) if has_type(schema, "integer") && !has_type(schema, "string") => {
            text.trim().parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        // To JSON Schema 15.0 is an integer too; it is stored as what it is.
        Value::Number(number) if has_type(schema, "integer") => {
            whole(number).map_or_else(|| value.clone(), Value::from)
        }
        _ => value.clone(),
    }
}

/// The integer that a number written as a fraction is, as far as such a number is exact.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number.as_f64().filter(|_| number.is_f64())?;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

fn has_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::String(single) => single == name,
        Value::Array(several) => several.iter().any(|one| one == name),
        _ => false,
    }
}

/// `oneOf` over constants (what a documented enum derives to) becomes `enum`, which reads better in messages;
/// formats of numbers (`int64`) are notes for code generators, and no rule.
fn tidy(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        let constants: Option<Vec<Value>> = object
            .get("oneOf")
            .and_then(Value::as_array)
            .and_then(|cases| cases.iter().map(|case| case.get("const").cloned()).collect());
        if let Some(constants) = constants {
            object.remove("oneOf");
            if constants.iter().all(Value::is_string) {
                object.insert("type".into(), "string".into());
            }
            object.insert("enum".into(), Value::Array(constants));
        }
        if object.get("type").is_some_and(|name| name == "integer" || name == "number") {
            object.remove("format");
        }
        object.values_mut().for_each(tidy);
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(tidy);
    }
}

/// Keywords that a part of an object breaks although the whole of it does not.
const ACROSS_FIELDS: [&str; 11] = [
    "required",
    "minProperties",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "then",
    "else",
    "not",
    "allOf",
    "anyOf",
    "oneOf",
];

fn relax(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        // Only where they are keywords: a property may well be called `default`.
        if object.contains_key("properties") {
            // Rules that span fields: the other ones may be stored already, and the whole is checked when it is.
            object.retain(|keyword, _| !ACROSS_FIELDS.contains(&keyword.as_str()));
        }
        object.remove("default");
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(relax);
        }
    }
}

/// Refuses fields that nobody knows, at every level that does not say otherwise.
pub(super) fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(items) = object.get_mut("items") {
        close(items);
    }
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.values_mut().for_each(close);
    let is_open = object.contains_key("patternProperties") || object.contains_key("unevaluatedProperties");
    if !is_open {
        object.entry("additionalProperties").or_insert(false.into());
    }
}

/// What a broken rule says to a person.
fn explain(pointer: &str, kind: &ValidationErrorKind) -> Vec<Finding> {
    let field = pointer.trim_start_matches('/').replace('/', ".");
    let below = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
    let one = |code: &str, message: String| vec![Finding::new(field.clone(), code, message)];
    match kind {
        ValidationErrorKind::Required { property } => {
            vec![Finding::new(below(property.as_str().unwrap_or_default()), "required", "is required")]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| Finding::new(below(name), "unknown", "is not a field of this resource"))
            .collect(),
        ValidationErrorKind::Type { kind } => one("type", format!("must be {}", type_in_words(kind))),
        ValidationErrorKind::Format { format } => {
            let known = FORMATS.iter().find(|known| known.name == format);
            one(
                "format",
                known.map_or_else(|| format!("must be a valid {format}"), |known| known.message.to_owned()),
            )
        }
        ValidationErrorKind::MinLength { limit } => {
            one("min_length", format!("must have at least {limit} characters"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            one("max_length", format!("must have at most {limit} characters"))
        }
        ValidationErrorKind::Minimum { limit } => one("minimum", format!("must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => one("maximum", format!("must be at most {limit}")),
        ValidationErrorKind::MinItems { limit } => {
            one("min_items", format!("must have at least {limit} items"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            one("max_items", format!("must have at most {limit} items"))
        }
        ValidationErrorKind::Enum { options } => {
            let names: Vec<_> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned))
                .collect();
            one("enum", format!("must be one of: {}", names.join(", ")))
        }
        ValidationErrorKind::Pattern { pattern } => {
            one("pattern", format!("must match the pattern {pattern}"))
        }
        other => one(other.keyword(), format!("breaks the rule `{}`", other.keyword())),
    }
}

fn type_in_words(kind: &TypeKind) -> String {
    let article = |name: &str| match name {
        "object" | "integer" | "array" => format!("an {name}"),
        "null" => "null".to_owned(),
        _ => format!("a {name}"),
    };
    match kind {
        TypeKind::Single(one) => article(one.as_str()),
        TypeKind::Multiple(set) => {
            let mut names: Vec<_> = set.iter().map(|one| article(one.as_str())).collect();
            names.sort();
            names.join(" or ")
        }
    }
}
