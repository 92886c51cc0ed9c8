//! What the conditions on a field of a list compare.

use super::properties::types;
use crate::store::OPERATORS;
use serde_json::{Map, Value, json};

/// What the conditions on a field compare.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    values: Values,
    nullable: bool,
}

#[derive(Debug, Clone, Copy)]
enum Values {
    Text,
    Number,
    Truth,
    Time,
}

impl Scale {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let values = [Values::Text, Values::Number, Values::Truth, Values::Time].into_iter();
        values.flat_map(|values| [false, true].map(|nullable| Self { values, nullable }))
    }

    /// That of the values that a schema allows.
    pub fn of(schema: &Value) -> Self {
        let has = |name: &str| types(schema).any(|one| one == name);
        let values = match schema["format"].as_str() {
            _ if has("integer") || has("number") => Values::Number,
            _ if has("boolean") => Values::Truth,
            Some("date-time") => Values::Time,
            _ => Values::Text,
        };
        // As a text, `null` is one that may be asked for anyway.
        let nullable = has("null") && !matches!(values, Values::Text);
        Self { values, nullable }
    }

    /// Among the components.
    pub fn name(self) -> String {
        format!("Filter.{:?}{}", self.values, if self.nullable { "OrNull" } else { "" })
    }

    /// The object of conditions.
    pub fn schema(self) -> Value {
        let one = match self.values {
            Values::Text => json!({"type": "string"}),
            Values::Number => json!({"type": "number"}),
            Values::Truth => json!({"type": "boolean"}),
            Values::Time => json!({"type": "string", "format": "date-time"}),
        };
        let one = if self.nullable { json!({"anyOf": [one, {"const": "null"}]}) } else { one };
        let mut several = json!({"type": "string", "description": "One of several, with commas between."});
        match self.values {
            Values::Number => several["pattern"] = self.list_of("-?[0-9]+(\\.[0-9]+)?").into(),
            Values::Truth => several["pattern"] = self.list_of("(true|false)").into(),
            Values::Text | Values::Time => {}
        }
        let condition = |operator: &str| match operator {
            "in" => several.clone(),
            _ => one.clone(),
        };
        let fits = |operator: &&&str| match self.values {
            Values::Text => true,
            // Several points in time are asked for by none; it is possible, but for a pattern that is hard to read.
            Values::Time => !matches!(**operator, "contains" | "prefix" | "in"),
            Values::Number | Values::Truth => !matches!(**operator, "contains" | "prefix"),
        };
        let conditions: Map<_, _> = OPERATORS
            .iter()
            .filter(fits)
            .map(|operator| ((*operator).to_owned(), condition(operator)))
            .collect();
        json!({
            "title": self.name(),
            "description": "Conditions, all of which must hold.",
            "type": "object",
            "properties": conditions,
            "additionalProperties": false,
        })
    }

    fn list_of(self, one: &str) -> String {
        let one = if self.nullable { format!("({one}|null)") } else { one.to_owned() };
        format!("^{one}(,{one})*$")
    }
}
