use super::*;
use crate::resource::{Entry, Kinds, MASK};
use serde_json::{Value, json};

const BUILT_IN: [&str; 2] = ["users", "karanas"];

/// What the program says of a folder with these files.
fn compiled(files: &[(&str, &str)]) -> Result<Kinds, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Kinds::with_declared(&BUILT_IN.map(String::from), folder.path())
}

fn things(text: &str) -> Result<Kinds, String> {
    compiled(&[("things.toml", text)])
}

fn samples() -> Kinds {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/resources.d");
    Kinds::with_declared(&BUILT_IN.map(String::from), &folder).unwrap_or_else(|e| panic!("{e}"))
}

fn entry(value: Value) -> Entry {
    value.as_object().unwrap().clone()
}

/// `[key, the definition with one thing wrong, what is said of it]`
#[rustfmt::skip]
const WRONG: &[[&str; 3]] = &[
    ["line 1", "colour = 1\n[entry_create_schema.properties.a]", "unknown field `colour`"],
    ["line 2", "secret_fields = []\nnot toml\n", "key with no value"],
    ["line 1", "secret_fields = []", "missing field `entry_create_schema`"],
    ["name", "name = 'stuff'\n[entry_create_schema.properties.a]", "must be `things`"],
    ["line 1", "references = [{field = 'a', to = 'users', on_delete = 'cascade'}]\n[entry_create_schema.properties.a]", "unknown variant `cascade`"],
    ["line 1", "references = [{field = 'a', too = 'users'}]\n[entry_create_schema.properties.a]", "unknown field `too`"],
    // Schemas.
    ["entry_create_schema", "entry_create_schema = 'a.yaml'", "the name of a .json file"],
    ["entry_create_schema", "entry_create_schema = '../a.json'", "the name of a .json file"],
    ["entry_create_schema", "entry_create_schema = 'absent.json'", "absent.json cannot be read"],
    ["entry_create_schema", "entry_create_schema = '{\"properties\": }'", "is not JSON (line 1, column 16)"],
    ["entry_create_schema", "entry_create_schema = 3", "must be an object"],
    ["entry_create_schema/properties/a/maximum", "[entry_create_schema.properties.a]\nmaximum = inf", "a number that JSON knows"],
    ["entry_create_schema/properties", "[entry_create_schema]", "must name the fields"],
    ["entry_create_schema/type", "[entry_create_schema]\ntype = 'array'\nproperties.a = {}", "must be object"],
    ["entry_create_schema/properties/a/type", "[entry_create_schema.properties.a]\ntype = 'text'", "no valid JSON Schema"],
    ["entry_create_schema/properties/a/minLength", "[entry_create_schema.properties.a]\nminLength = -1", "no valid JSON Schema"],
    ["entry_create_schema/properties/a/maxlength", "[entry_create_schema.properties.a]\nmaxlength = 3", "not a keyword"],
    ["entry_create_schema/properties/a/secret_fields", "[entry_create_schema.properties.a]\n[entry_create_schema.properties.a.secret_fields]", "above its first [table]"],
    ["entry_create_schema/properties/a/items/frmat", "[entry_create_schema.properties.a.items]\nfrmat = 'date'", "not a keyword"],
    ["entry_create_schema/$schema", "[entry_create_schema]\n'$schema' = 'http://json-schema.org/draft-07/schema#'\nproperties.a = {}", "must be https://json-schema.org/draft/2020-12/schema"],
    ["entry_create_schema/maxProperties", "[entry_create_schema]\nmaxProperties = 3\nproperties.a = {}", "says nothing of an entry"],
    ["entry_create_schema/additionalProperties", "[entry_create_schema]\nadditionalProperties = true\nproperties.a = {}", "must be false"],
    ["entry_create_schema/allOf/0/propertyNames", "[entry_create_schema]\nallOf = [{propertyNames = {maxLength = 3}}]\nproperties.a = {}", "says nothing of an entry"],
    ["entry_create_schema/required/0", "[entry_create_schema]\nrequired = ['b']\nproperties.a = {}", "not among the `properties`"],
    ["entry_create_schema/then/required/0", "[entry_create_schema]\nif.required = ['a']\nthen.required = ['b']\nproperties.a = {}", "not among the `properties`"],
    ["entry_create_schema/allOf/0/properties/b", "[entry_create_schema]\nallOf = [{properties = {b = {}}}]\nproperties.a = {}", "not among the `properties`"],
    ["entry_create_schema/properties/toString", "[entry_create_schema.properties.toString]", "every object has in JavaScript"],
    ["entry_create_schema/properties/__proto__", "[entry_create_schema.properties.__proto__]", "every object has in JavaScript"],
    ["entry_create_schema/properties/constructor", "[entry_create_schema.properties.constructor]", "every object has in JavaScript"],
    ["entry_create_schema/properties/a/properties/valueOf", "[entry_create_schema.properties.a.properties.valueOf]", "every object has in JavaScript"],
    ["entry_import_schema/properties/hasOwnProperty", "[entry_create_schema.properties.a]\n[entry_import_schema.properties]\na = {}\nhasOwnProperty = {}", "every object has in JavaScript"],
    ["generated_secrets", "generated_secrets = [{field = 'isPrototypeOf'}]\n[entry_create_schema.properties.a]", "every object has in JavaScript"],
    ["entry_create_schema/properties/a.b", "[entry_create_schema.properties.'a.b']", "no name of a field"],
    ["entry_create_schema/properties/a~1b", "[entry_create_schema.properties.'a/b']", "no name of a field"],
    ["entry_create_schema/properties/uuid", "[entry_create_schema.properties.uuid]", "the server sets"],
    ["entry_create_schema/properties/token_epoch", "[entry_create_schema.properties.token_epoch]", "the server sets"],
    ["entry_create_schema/properties/a/format", "[entry_create_schema.properties.a]\nformat = 'colour'", "must be a format that is known: email,"],
    ["entry_create_schema/properties/a/pattern", "[entry_create_schema.properties.a]\npattern = '^(?=.*b)'", "linear time"],
    ["entry_create_schema/properties/a/pattern", "[entry_create_schema.properties.a]\npattern = '(a)\\1'", "linear time"],
    ["entry_create_schema/properties/a/pattern", "[entry_create_schema.properties.a]\npattern = '((a{100}){100}){100}'", "linear time"],
    ["entry_create_schema/properties/a/patternProperties/(?!x)", "[entry_create_schema.properties.a.patternProperties.'(?!x)']", "linear time"],
    ["entry_create_schema/properties/a/default", "[entry_create_schema.properties.a]\ntype = 'integer'\ndefault = 'x'", "breaks the field's own rule: must be an integer"],
    ["entry_create_schema/properties/a/default", "[entry_create_schema.properties.a]\ndefault = {}\nrequired = ['b']\nproperties.b = {}", "(b): is required"],
    ["entry_create_schema/properties/a/properties/b/default", "[entry_create_schema.properties.a.properties.b]\nenum = ['x']\ndefault = 'y'", "must be one of: x"],
    ["entry_create_schema/properties/a/$ref", "[entry_create_schema.properties.a]\n'$ref' = 'https://example.org/a.json'", "nothing is fetched"],
    ["entry_create_schema/properties/a/$ref", "[entry_create_schema.properties.a]\n'$ref' = 'file:///etc/passwd'", "nothing is fetched"],
    ["entry_create_schema/properties/a/$ref", "[entry_create_schema.properties.a]\n'$ref' = '#/$defs/b'", "must lead to a schema"],
    ["entry_create_schema/properties/a/$ref", "[entry_create_schema.properties.a]\n'$ref' = '#'", "leads back to itself"],
    ["entry_create_schema/properties/a/items/$ref", "[entry_create_schema]\nproperties.a = {'$ref' = '#/$defs/b'}\n'$defs'.b = {items = {'$ref' = '#/$defs/b'}}", "leads back to itself"],
    ["entry_create_schema/properties/a/type", "[entry_create_schema]\nproperties.a = {'$ref' = '#/$defs/b', type = 'string'}\n'$defs'.b = {type = 'integer'}", "beside a $ref"],
    ["entry_create_schema/properties/a/$dynamicRef", "[entry_create_schema.properties.a]\n'$dynamicRef' = '#b'", "not a keyword"],
    ["entry_import_schema/properties/a", "entry_import_schema = '{\"properties\": {\"b\": {}}}'\n[entry_create_schema.properties.a]", "is in entry_create_schema"],
    ["entry_import_schema/properties/a/format", "[entry_create_schema.properties.a]\n[entry_import_schema.properties.a]\nformat = 'colour'", "must be a format that is known"],
    ["entry_import_schema/properties/a", "secret_fields = ['a']\n[entry_create_schema.properties]\na = {type = 'string'}\n[entry_import_schema.properties]\na = {}", "the type and the format that it has"],
    ["entry_import_schema/properties/a", "generated_secrets = [{field = 'a.b'}]\n[entry_create_schema.properties.a]\ntype = 'object'\nproperties.c = {}\n[entry_import_schema.properties]\na = true", "a generated secret lies in it"],
    // What the definition says of its fields.
    ["unique_schema_fields", "unique_schema_fields = ['b']\n[entry_create_schema.properties.a]", "`b` is not a field"],
    ["unique_schema_fields", "unique_schema_fields = ['a']\n[entry_create_schema.properties.a]\ntype = 'array'", "`a` must have the type string or integer"],
    ["unique_schema_fields", "unique_schema_fields = ['a', 'a']\n[entry_create_schema.properties.a]\ntype = 'string'", "must not name `a` twice"],
    ["unique_schema_fields", "unique_schema_fields = ['a']\nsecret_fields = ['a']\n[entry_create_schema.properties.a]\ntype = 'string'", "`a` is a secret"],
    ["unique_within", "unique_within = [{field = 'a', within = 'b'}]\n[entry_create_schema.properties.a]\ntype = 'string'", "`b` is not a field"],
    ["credentials_login_field", "credentials_login_field = 'a'\n[entry_create_schema.properties.a]\ntype = 'string'", "one signs in as one of `users`"],
    ["references", "references = [{field = 'b', to = 'users'}]\n[entry_create_schema.properties.a]", "`b` is not a field"],
    ["references", "references = [{field = 'a', to = 'cars'}]\n[entry_create_schema.properties.a]", "`cars`, and there is no such resource"],
    ["references", "references = [{field = 'a', to = 'payments'}]\n[entry_create_schema.properties.a]", "`payments`, which is not enabled"],
    ["references", "references = [{field = 'a', to = 'users'}]\n[entry_create_schema.properties.a]\nformat = 'date'", "`a` must have the format uuid"],
    ["references", "references = [{field = 'a', to = 'users', on_delete = 'release'}]\n[entry_create_schema.properties.a]\ntype = 'string'", "`a` must allow null"],
    ["references", "references = [{field = 'a.b', to = 'users'}]\n[entry_create_schema.properties.a.properties.b]", "`a.b` must be a field at the first level"],
    ["belongs_through", "belongs_through = 'a'\n[entry_create_schema.properties.a]", "`a` is not the field of one of the references"],
    ["belongs_through", "belongs_through = 'a'\nreferences = [{field = 'a', to = 'things'}]\n[entry_create_schema.properties.a]", "leads back"],
    ["secret_fields", "secret_fields = ['b']\n[entry_create_schema.properties.a]", "`b` is not a field"],
    ["secret_fields", "secret_fields = ['a']\n[entry_create_schema.properties.a]\ntype = 'integer'", "`a` must have the type string"],
    ["secret_fields", "secret_fields = ['a']\n[entry_create_schema.properties.a]\ntype = 'string'\ndefault = '0000'", "`a` must have no default"],
    ["dropped_fields", "dropped_fields = ['a']\n[entry_create_schema.properties.a]", "`a` is a field of this resource"],
    ["dropped_fields", "dropped_fields = ['uuid']\n[entry_create_schema.properties.a]", "`uuid` is a field of this resource"],
    ["generated_secrets", "generated_secrets = [{field = 'a'}]\n[entry_create_schema.properties.a]", "`a` is made by the server"],
    ["generated_secrets", "generated_secrets = [{field = 'b.c'}]\n[entry_create_schema.properties.a]", "`b.c` must be the name of a new field"],
    ["generated_secrets", "generated_secrets = [{field = 'b', renewed_with = 'c'}]\n[entry_create_schema.properties.a]", "`c` is not a field"],
];

#[test]
fn everything_that_is_wrong_is_named_with_file_key_and_rule() {
    for [key, text, rule] in WRONG {
        let said = things(text).expect_err(text);
        let named =
            said.lines().any(|line| line.contains(&format!("things.toml: {key}: ")) && line.contains(rule));
        assert!(named, "{key}: {rule}\nis not said of\n{text}\nbut\n{said}");
    }
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let wrong = "secret_fields = ['b']\nunique_schema_fields = ['c']\n[entry_create_schema.properties.a]";
    let said = compiled(&[("cars.toml", wrong), ("things.toml", wrong)]).unwrap_err();
    let lines: Vec<_> = said.lines().map(|line| line.rsplit_once("/").unwrap().1).collect();
    assert_eq!(
        lines,
        [
            "cars.toml: unique_schema_fields: `c` is not a field of entry_create_schema",
            "cars.toml: secret_fields: `b` is not a field of entry_create_schema",
            "things.toml: unique_schema_fields: `c` is not a field of entry_create_schema",
            "things.toml: secret_fields: `b` is not a field of entry_create_schema",
        ]
    );
}

#[test]
fn names_that_cannot_be_are_refused() {
    let fine = "[entry_create_schema.properties.a]";
    let long = format!("{}.toml", "a".repeat(65));
    for (file, rule) in [
        ("users.toml", "that of a built-in resource"),
        ("payments.toml", "that of a built-in resource"),
        ("sync.toml", "taken by a route"),
        ("keys.toml", "taken by a route"),
        ("Cars.toml", "a lower-case letter"),
        ("1cars.toml", "a lower-case letter"),
        ("my cars.toml", "a lower-case letter"),
        (&long, "a lower-case letter"),
    ] {
        let said = compiled(&[(file, fine)]).unwrap_err();
        assert!(said.contains(&format!("{file}: name: ")) && said.contains(rule), "{said}");
    }
    assert!(compiled(&[(&format!("{}.toml", "a".repeat(64)), fine)]).is_ok());
    let unknown = Kinds::with_declared(&["cars".into()], Path::new("/nowhere")).unwrap_err();
    assert!(unknown.contains("no built-in resource `cars`"), "{unknown}");
}

#[test]
fn resources_that_do_not_fit_together_are_refused() {
    let cars = |to: &str| {
        format!(
            "belongs_through = 'a'\nreferences = [{{field = 'a', to = '{to}'}}]\n[entry_create_schema.properties.a]"
        )
    };
    let places = "[entry_create_schema.properties.a]";
    let said = compiled(&[("cars.toml", &cars("places")), ("places.toml", places)]).unwrap_err();
    assert!(
        said.contains("cars.toml: belongs_through: leads to `places`, whose entries belong to nobody"),
        "{said}"
    );
    let said = compiled(&[("cars.toml", &cars("places")), ("places.toml", &cars("cars"))]).unwrap_err();
    assert_eq!(said.matches("leads back to where it began").count(), 2, "{said}");
    // Over several steps, and in whichever order the files are read.
    assert!(compiled(&[("cars.toml", &cars("places")), ("places.toml", &cars("karanas"))]).is_ok());
    // A file that is broken is no reason to blame those that refer to it.
    let said = compiled(&[("cars.toml", &cars("places")), ("places.toml", "x = 1")]).unwrap_err();
    assert!(!said.contains("cars.toml"), "{said}");
}

#[test]
fn a_file_that_is_too_large_and_a_folder_that_is_none_are_named() {
    let large = "#".repeat(LONGEST as usize + 1);
    assert!(things(&large).unwrap_err().contains("must have at most 256 KiB"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = Kinds::with_declared(&[], file.path()).unwrap_err();
    assert!(said.contains("[resources] dir: cannot be read"), "{said}");
    assert_eq!(Kinds::with_declared(&[], Path::new("/nowhere")).unwrap().public().count(), BUILT_IN.len());
}

#[test]
fn a_schema_that_blows_up_when_it_is_written_out_is_refused() {
    let mut text = String::from("[entry_create_schema.properties.a]\n'$ref' = '#/$defs/d0'\n");
    for n in 0..20 {
        let next = n + 1;
        text += &format!(
            "[entry_create_schema.'$defs'.d{n}]\nallOf = [{{'$ref' = '#/$defs/d{next}'}}, {{'$ref' = '#/$defs/d{next}'}}]\n"
        );
    }
    text += "[entry_create_schema.'$defs'.d20]\ntype = 'string'\n";
    assert!(things(&text).unwrap_err().contains("must hold at most 4096 schemas"));
}

#[test]
fn the_document_shows_the_example_as_it_is() {
    let read =
        |file: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let document = read("docs/resources.md");
    let shown = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let example: toml::Table = toml::from_str(&read("examples/resources.d/simcards.toml")).unwrap();
    assert_eq!(toml::from_str::<toml::Table>(shown).unwrap(), example);
    for key in KEYS {
        assert!(document.contains(&format!("| `{key}` |")), "{key} is not explained");
    }
}

#[test]
fn what_goes_without_saying_is_added() {
    let kinds = samples();
    let kind = kinds.get("simcards").unwrap();
    let definition = kind.definition();
    assert_eq!(definition.unique_schema_fields, ["uuid", "iccid"]);
    let create = &definition.entry_create_schema;
    assert_eq!(create["title"], "SimcardsSchema");
    assert_eq!(
        create["properties"]["karana"],
        json!({"type": ["string", "null"], "format": "uuid", "default": null})
    );
    let import = &definition.entry_import_schema;
    assert_eq!(import["title"], "SimcardsDbSchema");
    assert_eq!(import["additionalProperties"], false);
    assert_eq!(import["required"], json!(["iccid", "uuid", "created_at", "access_code"]));
    let sites = &kinds.get("sites").unwrap().definition().entry_import_schema;
    assert_eq!(sites["properties"]["position"]["additionalProperties"], false);
    // As the store keeps it.
    let text = serde_json::to_string(definition).unwrap();
    assert_eq!(&serde_json::from_str::<Definition>(&text).unwrap(), definition);
}

#[test]
fn an_entry_of_a_declared_resource_comes_into_being_as_any_other() {
    let kinds = samples();
    let kind = kinds.get("simcards").unwrap();
    let input =
        entry(json!({"iccid": "8949000000000000001", "pin": "4711", "megabytes": "250", "colour": "red"}));
    let mut made = kind.new_entry(&input).unwrap();
    kind.complete(&mut made, uuid::Uuid::from_u128(7), chrono::DateTime::UNIX_EPOCH);
    assert_eq!(kind.check(&made), []);
    assert_eq!(
        (&made["megabytes"], &made["state"], &made["karana"]),
        (&json!(250), &json!("active"), &Value::Null)
    );
    assert_eq!(made["access_code"].as_str().unwrap().len(), 16);
    assert!(!made.contains_key("colour"));
    assert_eq!(kind.secrets().collect::<Vec<_>>(), ["access_code", "pin"]);
    let mut seen = made.clone();
    kind.redact(&mut seen, false, Some(MASK));
    assert_eq!((&seen["pin"], &seen["access_code"]), (&json!(MASK), &json!(MASK)));
    // What was read may be sent back, and is no PIN.
    let patch = kind.read_patch(&seen).unwrap();
    assert_eq!(kind.apply(&made, &made, &patch).unwrap(), made);
    let refused = kind.new_entry(&entry(json!({"iccid": "8949000000000000001", "pin": MASK}))).unwrap_err();
    assert!(refused.to_string().contains("pin: is the mask"), "{refused}");
    kind.redact(&mut made, false, None);
    assert!(!made.contains_key("pin") && !made.contains_key("access_code"));
}

#[test]
fn schemas_come_as_tables_as_text_and_in_a_file_beside() {
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/things",
        "type": "object", "properties": {"a": {"$ref": "#/$defs/short", "description": "x"}, "b": {"$ref": "#/$defs/short"}},
        "$defs": {"short": {"$ref": "#/$defs/text", "maxLength": 3}, "text": {"type": "string"}}})
    .to_string();
    let definition = |files: &[(&str, &str)]| {
        let kinds = compiled(files).unwrap_or_else(|e| panic!("{e}"));
        kinds.get("things").unwrap().definition().clone()
    };
    let text = definition(&[("things.toml", &format!("entry_create_schema = '''\n{schema}'''"))]);
    let beside =
        definition(&[("things.toml", "entry_create_schema = 'things.json'"), ("things.json", &schema)]);
    let tables = definition(&[(
        "things.toml",
        "[entry_create_schema.properties]\na = {type = 'string', maxLength = 3, description = 'x'}\nb = {type = 'string', maxLength = 3}",
    )]);
    assert_eq!(text, beside);
    assert_eq!(text, tables);
}

#[test]
fn a_schema_of_stored_entries_may_be_given() {
    let kinds = things(
        "references = [{field = 'owner', to = 'users', on_delete = 'release'}]\ngenerated_secrets = [{field = 'code.door'}]\n\
         entry_import_schema = '{\"properties\": {\"owner\": {}, \"name\": {\"maxLength\": 9}, \"code\": {\"type\": \"object\", \"properties\": {}}}}'\n\
         [entry_create_schema]\nrequired = ['name', 'code']\n[entry_create_schema.properties]\nowner = {}\nname = {maxLength = 3}\n\
         code = {type = 'object', properties = {}}",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let kind = kinds.get("things").unwrap();
    let mut made = kind.new_entry(&entry(json!({"name": "abc", "code": {}}))).unwrap();
    kind.complete(&mut made, uuid::Uuid::from_u128(7), chrono::DateTime::UNIX_EPOCH);
    assert_eq!(made["code"]["door"].as_str().unwrap().len(), 16);
    assert_eq!(kind.check(&made), []);
    // Looser than what is sent today, and closed all the same.
    made["name"] = "abcdefghi".into();
    assert_eq!(kind.check(&made), []);
    made.insert("colour".into(), "red".into());
    assert_eq!(kind.check(&made)[0].field, "colour");
}

#[test]
fn rules_across_fields_are_checked_on_the_whole_entry() {
    let kinds = things(
        "[entry_create_schema]\nif = {properties = {state = {const = 'lost'}}, required = ['state']}\nthen = {required = ['lost_at']}\n\
         [entry_create_schema.properties]\nstate = {enum = ['here', 'lost'], default = 'here'}\nlost_at = {type = 'string', format = 'date'}",
    )
    .unwrap();
    let kind = kinds.get("things").unwrap();
    assert!(
        kind.new_entry(&entry(json!({"state": "lost"})))
            .unwrap_err()
            .to_string()
            .contains("lost_at: is required")
    );
    let mut old = kind.new_entry(&entry(json!({"lost_at": "2026-01-01"}))).unwrap();
    kind.complete(&mut old, uuid::Uuid::from_u128(7), chrono::DateTime::UNIX_EPOCH);
    let patch = kind.read_patch(&entry(json!({"state": "lost"}))).unwrap();
    assert_eq!(kind.check(&kind.apply(&old, &old, &patch).unwrap()), []);
    old.remove("lost_at");
    assert_eq!(kind.check(&kind.apply(&old, &old, &patch).unwrap()).len(), 1);
}

#[test]
fn free_objects_keep_their_keys_and_closed_ones_do_not() {
    let kinds = things(
        "[entry_create_schema.properties.free]\nadditionalProperties = {type = 'integer'}\nproperties.a = {}\n\
         [entry_create_schema.properties.closed]\nproperties.a = {}",
    )
    .unwrap();
    let kind = kinds.get("things").unwrap();
    let made = kind.new_entry(&entry(json!({"free": {"a": 1, "b": 2}, "closed": {"a": 1, "b": 2}}))).unwrap();
    assert_eq!(Value::Object(made), json!({"free": {"a": 1, "b": 2}, "closed": {"a": 1}}));
    let refused = kind.new_entry(&entry(json!({"free": {"b": "x"}}))).unwrap_err();
    assert!(refused.to_string().contains("free.b: must be an integer"), "{refused}");
}

#[test]
fn numbers_can_be_unique() {
    let kinds =
        things("unique_schema_fields = ['a']\n[entry_create_schema.properties.a]\ntype = 'integer'").unwrap();
    let (_, rule) = kinds.get("things").unwrap().unique().next().unwrap();
    assert_eq!(rule.key(&entry(json!({"a": 7}))).as_deref(), Some("7"));
    assert_eq!(rule.key(&entry(json!({"a": null}))), None);
}
