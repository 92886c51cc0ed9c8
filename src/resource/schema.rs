//! JSON Schema as the one way to state what an entry may hold (2020-12, the dialect of OpenAPI 3.1).
//!
//! Built-in resources derive theirs from a struct, declared ones bring it as JSON; from here on there is
//! no difference. Findings name the field and the rule, never the value.

use super::Entry;
use crate::error::Finding;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value};

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

/// A `format` beyond JSON Schema's own, or one that we check more strictly.
struct Format {
    name: &'static str,
    check: fn(&str) -> bool,
    message: &'static str,
}

const FORMATS: &[Format] = &[
    Format { name: "email", check: is_email, message: "must be a valid e-mail address" },
    Format { name: "uuid", check: is_uuid, message: "must be a UUID in lower case with hyphens" },
    Format { name: "date", check: is_date, message: "must be a date as YYYY-MM-DD" },
    Format {
        name: "date-time",
        check: is_date_time,
        message: "must be a time as RFC 3339 writes it, such as 2017-03-02T15:26:11Z",
    },
    Format {
        name: "series",
        check: is_series,
        message: "must be 1 to 64 characters, without `%`, control characters, and not `config`",
    },
    Format { name: "sha512-crypt", check: is_sha512_crypt, message: "must be a sha512-crypt hash ($6$…)" },
    Format {
        name: "device-password",
        check: is_device_password,
        message: "must be 16 characters of A-Z and 0-9",
    },
    Format {
        name: "currency",
        check: is_currency,
        message: "must be a currency code of ISO 4217, such as EUR",
    },
    Format {
        name: "kid",
        check: is_kid,
        message: "must be 1 to 32 characters of A-Z, a-z, 0-9, `-` and `_`",
    },
];

impl Schema {
    /// Compiles `json`; fails when it is not a valid schema.
    pub fn new(mut json: Value) -> Result<Self, String> {
        tidy(&mut json);
        let mut options =
            jsonschema::options().should_validate_formats(true).should_ignore_unknown_formats(false);
        for format in FORMATS {
            options = options.with_format(format.name, format.check);
        }
        let validator = options.build(&json).map_err(|e| e.to_string())?;
        Ok(Self { json, validator })
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
            object.insert("type".into(), "string".into());
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

fn relax(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        // Only where they are keywords: a property may well be called `default`.
        if object.contains_key("properties") {
            object.remove("required");
        }
        object.remove("default");
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(relax);
        }
    }
}

fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.values_mut().for_each(close);
    object.entry("additionalProperties").or_insert(false.into());
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

fn is_email(text: &str) -> bool {
    validator::ValidateEmail::validate_email(&text)
}

fn is_uuid(text: &str) -> bool {
    // `try_parse` takes several spellings; a stored one is a file name and a key, so there is just one.
    uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .is_ok_and(|date| text.len() == 10 && date.to_string() == text)
}

fn is_date_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_series(text: &str) -> bool {
    // The config line the firmware splits at `%`, and the measurement that holds it, stay unambiguous.
    (1..=64).contains(&text.chars().count())
        && text != "config"
        && !text.chars().any(|c| c == '%' || c.is_control())
}

fn is_sha512_crypt(text: &str) -> bool {
    // $6$[rounds=N$]salt$hash: at most 16 characters of salt, 86 of hash.
    let Some(rest) = text.strip_prefix("$6$") else { return false };
    let rest = match rest.strip_prefix("rounds=") {
        None => rest,
        Some(rounds) => match rounds.split_once('$') {
            Some((number, rest))
                if (4..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                rest
            }
            _ => return false,
        },
    };
    let in_alphabet = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    rest.split_once('$').is_some_and(|(salt, hash)| {
        (1..=16).contains(&salt.len()) && hash.len() == 86 && in_alphabet(salt) && in_alphabet(hash)
    })
}

fn is_device_password(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_currency(text: &str) -> bool {
    iso_currency::Currency::from_code(text).is_some()
}

fn is_kid(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
