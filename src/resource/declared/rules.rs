//! What a schema that an operator wrote must keep, beyond being one: all of it can be looked at here (no network), checked
//! in linear time, and brought into shape field by field.

use super::keywords::{below, below_mut, is_in_place, is_known, step};
use super::{EVERYWHERE, KEYS, is_everywhere, is_name};
use crate::error::Finding;
use crate::resource::Schema;
use serde_json::{Map, Value};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Subschemas at most, references written out.
const MOST: usize = 4096;

/// How deep they may lie in each other.
const DEEPEST: usize = 32;

/// What may stand at the top of a schema of entries, or in schemas that speak of the whole entry: the server adds fields
/// of its own, so a rule about how many there are or what they are called would not mean what it says.
const AT_THE_TOP: [&str; 22] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "definitions",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "else",
    "examples",
    "if",
    "not",
    "oneOf",
    "properties",
    "required",
    "then",
    "title",
    "type",
];

/// Which value a schema speaks of.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// The entry.
    Entry,
    /// A field, or an item of a list.
    Field,
    /// Something that was described further up, whose fields those are.
    Same { fields: Option<&'a Map<String, Value>>, entry: bool },
    /// Anything else: a condition, a key of a free object.
    Other,
}

struct Walk<'a> {
    key: &'a str,
    findings: Vec<Finding>,
}

/// Checks the schema under `key` of a definition; answers with it, references written out.
pub fn checked(key: &str, schema: &Value) -> Result<Value, Vec<Finding>> {
    let mut walk = Walk { key, findings: vec![] };
    if schema
        .get("$schema")
        .is_some_and(|dialect| dialect.as_str().map(|d| d.trim_end_matches('#')) != Some(DIALECT))
    {
        walk.refuse("/$schema", "dialect", format!("must be {DIALECT}, or left out"));
    }
    for error in jsonschema::draft202012::meta::validator().iter_errors(schema) {
        walk.refuse(error.instance_path().as_str(), "schema", format!("is no valid JSON Schema: {error}"));
    }
    let mut whole = schema.clone();
    if walk.findings.is_empty() {
        let mut references = References { root: schema, trail: vec![], room: MOST };
        if let Err((pointer, code, message)) = references.write_out(&mut whole, "", 0) {
            walk.refuse(&pointer, code, message);
        }
    }
    if walk.findings.is_empty() {
        walk.visit(&whole, "", Of::Entry);
    }
    if walk.findings.is_empty() {
        walk.defaults(&whole, "");
    }
    for gone in ["$schema", "$id", "$defs", "definitions", "$comment"] {
        whole.as_object_mut().map(|whole| whole.remove(gone));
    }
    if walk.findings.is_empty() { Ok(whole) } else { Err(walk.findings) }
}

/// Writes out `$ref`s, so that everything after this sees plain schemas.
struct References<'a> {
    root: &'a Value,
    trail: Vec<String>,
    room: usize,
}

type Refusal = (String, &'static str, String);

impl References<'_> {
    fn write_out(&mut self, schema: &mut Value, pointer: &str, depth: usize) -> Result<(), Refusal> {
        let too_much = || {
            (pointer.to_owned(), "size", format!("must hold at most {MOST} schemas, {DEEPEST} levels deep"))
        };
        self.room = self.room.checked_sub(1).filter(|_| depth <= DEEPEST).ok_or_else(too_much)?;
        let target = schema.as_object_mut().and_then(|schema| schema.remove("$ref"));
        let entered = target.is_some();
        if let Some(target) = target {
            let at = format!("{pointer}/$ref");
            let target = target.as_str().unwrap_or_default().to_owned();
            let Some(inside) =
                target.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'))
            else {
                let rule =
                    "must point into this schema, such as #/$defs/name: nothing is fetched from elsewhere";
                return Err((at, "ref", rule.into()));
            };
            if inside.is_empty() || self.trail.contains(&target) {
                return Err((at, "recursion", "leads back to itself".into()));
            }
            let found = self.root.pointer(inside).filter(|found| found.is_object() || found.is_boolean());
            let mut found = found.ok_or_else(|| (at, "ref", "must lead to a schema".to_owned()))?.clone();
            for (name, value) in schema.as_object().into_iter().flatten() {
                let is_note =
                    ["title", "description", "default", "examples", "deprecated"].contains(&name.as_str());
                let Some(found) = found.as_object_mut() else { break };
                if !is_note && found.contains_key(name) {
                    let at = format!("{pointer}{}", step(name));
                    return Err((
                        at,
                        "ref",
                        "stands beside a $ref to a schema that has this keyword, too".into(),
                    ));
                }
                found.insert(name.clone(), value.clone());
            }
            *schema = found;
            self.trail.push(target);
        }
        if entered && schema.get("$ref").is_some() {
            self.write_out(schema, pointer, depth + 1)?;
        } else {
            for (step, child) in below_mut(schema) {
                self.write_out(child, &format!("{pointer}{step}"), depth + 1)?;
            }
        }
        if entered {
            self.trail.pop();
        }
        Ok(())
    }
}

impl Walk<'_> {
    fn refuse(&mut self, pointer: &str, code: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(format!("{}{pointer}", self.key), code, message));
    }

    fn visit(&mut self, schema: &Value, pointer: &str, of: Of<'_>) {
        let Some(keywords) = schema.as_object() else { return };
        let of_entry = matches!(of, Of::Entry | Of::Same { entry: true, .. });
        for (keyword, value) in keywords {
            let at = format!("{pointer}{}", step(keyword));
            if !is_known(keyword) || (keyword == "$id" && !pointer.is_empty()) {
                let hint = if KEYS.contains(&keyword.as_str()) {
                    "; keys of the definition stand above its first [table]"
                } else {
                    ""
                };
                self.refuse(
                    &at,
                    "keyword",
                    format!("is not a keyword of JSON Schema that is supported here{hint}"),
                );
            } else if of_entry && !AT_THE_TOP.contains(&keyword.as_str()) && !keyword.starts_with("x-") {
                self.refuse(
                    &at,
                    "keyword",
                    "says nothing of an entry, which has fields of the server's, too",
                );
            }
            match keyword.as_str() {
                "pattern" => self.pattern(&at, value.as_str().unwrap_or_default()),
                "patternProperties" => {
                    for name in value.as_object().into_iter().flat_map(Map::keys) {
                        self.pattern(&format!("{at}{}", step(name)), name);
                    }
                }
                "format" if !Schema::knows_format(schema) => {
                    let known = Schema::formats().collect::<Vec<_>>().join(", ");
                    self.refuse(&at, "format", format!("must be a format that is known: {known}"));
                }
                "additionalProperties" if of_entry && value != false => {
                    self.refuse(
                        &at,
                        "closed",
                        "must be false or left out: an entry's fields stand in `properties`",
                    );
                }
                _ => {}
            }
        }
        let own = schema["properties"].as_object();
        match of {
            Of::Entry => {
                if own.is_none_or(Map::is_empty) {
                    self.refuse(
                        &format!("{pointer}/properties"),
                        "required",
                        "must name the fields of an entry",
                    );
                }
                if schema.get("type").is_some_and(|name| name != "object") {
                    self.refuse(&format!("{pointer}/type"), "type", "must be object");
                }
                self.names(schema, pointer, own);
            }
            Of::Field if own.is_some() => self.names(schema, pointer, own),
            Of::Same { fields: Some(fields), .. } => self.names(schema, pointer, Some(fields)),
            _ => {}
        }
        for (keyword, step, child) in below(schema) {
            let of_child = match of {
                _ if is_in_place(keyword) => match of {
                    Of::Entry | Of::Field => Of::Same { fields: own, entry: of_entry },
                    same => same,
                },
                Of::Entry | Of::Field if matches!(keyword, "properties" | "items") => Of::Field,
                _ => Of::Other,
            };
            self.visit(child, &format!("{pointer}{step}"), of_child);
        }
    }

    /// The names of fields: well-formed, and declared where the value is described.
    fn names(&mut self, schema: &Value, pointer: &str, fields: Option<&Map<String, Value>>) {
        let is_field = |name: &str| fields.is_some_and(|fields| fields.contains_key(name));
        let properties = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        let mut unknown = Vec::new();
        for name in properties {
            let at = format!("{pointer}/properties{}", step(name));
            if !is_name(
                name,
                |c| c.is_ascii_alphabetic() || c == '_',
                |c| c.is_ascii_alphanumeric() || "_-".contains(c),
            ) {
                let rule =
                    "is no name of a field: a letter or `_`, then letters, digits, `_` and `-`, at most 64";
                self.refuse(&at, "name", rule);
            } else if is_everywhere(name) {
                self.refuse(&at, "name", EVERYWHERE);
            } else if !is_field(name) {
                unknown.push(at);
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().enumerate();
        let required = required.filter(|(_, name)| !name.as_str().is_some_and(is_field));
        unknown.extend(required.map(|(number, _)| format!("{pointer}/required/{number}")));
        for at in unknown {
            self.refuse(&at, "field", "is not among the `properties` of what this schema describes");
        }
    }

    fn pattern(&mut self, at: &str, pattern: &str) {
        if !Schema::is_linear(pattern) {
            let rule = "must be a regular expression without look-around and back-references, and not too large: \
                        it has to be matched in linear time";
            self.refuse(at, "pattern", rule);
        }
    }

    /// Each default must keep the rules of its field.
    fn defaults(&mut self, schema: &Value, pointer: &str) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{pointer}/properties{}", step(name));
            for broken in Schema::broken_by_default(property) {
                let below =
                    if broken.field.is_empty() { String::new() } else { format!(" ({})", broken.field) };
                self.refuse(
                    &format!("{at}/default"),
                    "default",
                    format!("breaks the field's own rule{below}: {}", broken.message),
                );
            }
            self.defaults(property, &at);
        }
    }
}
