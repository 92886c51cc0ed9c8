//! Formats of our own, in terms that others know.

use super::properties::each_property_mut;
use iso_currency::Currency;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// As others can check them: what has the format keeps these rules.
const FORMATS: &[(&str, &str)] = &[
    ("device-password", r#"{"pattern": "^[A-Z0-9]{16}$"}"#),
    ("kid", r#"{"pattern": "^[A-Za-z0-9_-]{1,32}$"}"#),
    ("line", r#"{"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]*$"}"#),
    ("text", r#"{"pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"}"#),
    ("series", SERIES),
    (
        "stored-series",
        r#"{"pattern": "^[^%\\u0000-\\u001f\\u007f-\\u009f]{1,64}$", "not": {"const": "config"}}"#,
    ),
];

const SERIES: &str = r##"{
    "pattern": "^[^%\\\\\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]{1,64}$",
    "not": {"anyOf": [{"const": "config"}, {"pattern": "^[#@]"}]}
}"##;

/// Adds to the properties of a schema what their formats ask for.
pub fn explain(schema: &mut Value) {
    each_property_mut(schema, &mut |property| {
        let rules = rules(&property["format"]);
        if let (Some(rules), Some(property)) = (rules, property.as_object_mut()) {
            rules.into_iter().for_each(|(name, rule)| {
                property.entry(name).or_insert(rule);
            });
        }
    });
}

/// The rules of a format of our own.
fn rules(format: &Value) -> Option<Map<String, Value>> {
    if format == "currency" {
        return Some(Map::from_iter([("enum".to_owned(), CURRENCIES.as_slice().into())]));
    }
    let (_, rules) = FORMATS.iter().find(|(name, _)| format == name)?;
    Some(serde_json::from_str(rules).unwrap_or_else(|e| unreachable!("the rules of a format: {e}")))
}

/// The values of the format `currency`.
static CURRENCIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let letters = || 'A'..='Z';
    let pairs = letters().flat_map(|a| letters().map(move |b| (a, b)));
    let codes = pairs.flat_map(|(a, b)| letters().map(move |c| String::from_iter([a, b, c])));
    codes.filter(|code| Currency::from_code(code).is_some()).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi::properties::each_property;
    use crate::resource::{Kinds, Schema};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_format_of_ours_in_a_resource_has_rules() {
        let known = ["uuid", "email", "date", "date-time", "sha512-crypt"];
        let enabled = ["users", "karanas", "maintenances", "payments"].map(String::from);
        for kind in Kinds::enabled(&enabled).unwrap().public() {
            for schema in [kind.create_schema(), kind.import_schema()] {
                each_property(schema.json(), "", &mut |path, property| {
                    let format = property["format"].as_str().filter(|name| !known.contains(name));
                    assert!(format.is_none() || rules(&property["format"]).is_some(), "{path}: {format:?}");
                });
            }
        }
    }

    proptest! {
        #[test]
        fn the_rules_of_a_format_take_what_the_format_takes(
            text in concat!(
                "[ -~ü%\\n\\t\u{85}\u{200f}\u{2028}\u{202e}]{0,70}|[#@a]b|configs?",
                "|[A-Z0-9]{15,17}|[A-Za-z0-9_-]{1,33}|[A-Z]{3}",
            )
        ) {
            let of = |rules: Value| Schema::new(json!({"properties": {"x": rules}})).unwrap();
            let value = json!({"x": text});
            for format in ["currency", "device-password", "kid", "line", "text", "series", "stored-series"] {
                let rules = rules(&format.into()).unwrap();
                let by_rules = of(rules.into()).check_value(&value).is_empty();
                let by_format = of(json!({"format": format})).check_value(&value).is_empty();
                prop_assert_eq!(by_rules, by_format, "{}", format);
            }
        }
    }
}
