use super::*;
use serde_json::json;

fn kinds() -> Kinds {
    Kinds::enabled(&["users", "karanas", "maintenances", "payments"].map(String::from)).unwrap()
}

fn entry(value: Value) -> Entry {
    value.as_object().unwrap().clone()
}

fn rules(error: crate::error::Error) -> Vec<String> {
    match error {
        crate::error::Error::Invalid(findings) => {
            findings.iter().map(|f| format!("{}={}", f.field, f.code)).collect()
        }
        other => panic!("not a refusal of the input: {other:?}"),
    }
}

fn micha() -> Entry {
    entry(
        json!({"name": "Micha", "email": "micha@all.de", "credentials": {"login": "micha@all.de", "password": "12345"}}),
    )
}

fn stored(kind: &Kind, input: Entry) -> Entry {
    let mut new = kind.new_entry(&input).unwrap();
    if kind.password(&new).is_some() {
        set_field(&mut new, PASSWORD, format!("$6$salt${}", "h".repeat(86)).into());
    }
    kind.complete(&mut new, uuid::Uuid::from_u128(7), chrono::DateTime::UNIX_EPOCH);
    new
}

#[test]
fn what_is_created_passes_the_import_schema() {
    let kinds = kinds();
    let users = kinds.get("users").unwrap();
    let user = stored(users, micha());
    assert_eq!(users.check(&user), []);
    assert_eq!(user["role"], "client");
    assert_eq!(user["created_at"], "1970-01-01T00:00:00.000000+00:00");

    let karanas = kinds.get("karanas").unwrap();
    let karana =
        stored(karanas, entry(json!({"name": "K1", "owner": user["uuid"], "config": {"post_int": "15"}})));
    assert_eq!(karanas.check(&karana), []);
    assert_eq!(karana["config"]["post_int"], 15);
    assert_eq!(karana["config"]["series"], "data");
    assert_eq!(karana["kid"], Value::Null);
}

#[test]
fn every_broken_rule_is_named_once_and_without_its_value() {
    let kinds = kinds();
    let users = kinds.get("users").unwrap();
    let error = users
        .new_entry(&entry(
            json!({"name": 3, "email": "secret-value", "role": "king", "credentials": {"password": "1234"}}),
        ))
        .unwrap_err();
    assert!(!error.to_string().contains("secret-value"));
    assert_eq!(
        rules(error),
        [
            "credentials.login=required",
            "credentials.password=min_length",
            "email=format",
            "name=type",
            "role=enum"
        ]
    );
    let karanas = kinds.get("karanas").unwrap();
    let bad =
        json!({"name": "K", "owner": "nobody", "config": {"series": "a%b", "post_int": "x", "get_int": 0}});
    assert_eq!(
        rules(karanas.new_entry(&entry(bad)).unwrap_err()),
        [
            "config.get_int=minimum",
            "config.post_int=type",
            "config.series=format",
            "name=min_length",
            "owner=format"
        ]
    );
    let payments = kinds.get("payments").unwrap();
    let id = "4e1fcc06-7ccc-4b81-be93-e7bae73daf2a";
    let bad = json!({"owner": id, "karana": id, "amount": 2.5, "currency": "EURO", "paid_at": "today", "valid_until": "2026-01-01T00:00:00Z"});
    assert_eq!(
        rules(payments.new_entry(&entry(bad)).unwrap_err()),
        ["amount=type", "currency=format", "paid_at=format"]
    );
}

#[test]
fn server_owned_fields_are_refused_at_creation() {
    let kinds = kinds();
    let mut input = micha();
    input.insert("password_influx".into(), "ABCDEFGHIJKLMNOP".into());
    input.insert("uuid".into(), "ignored".into());
    input.insert("colour".into(), "ignored".into());
    assert_eq!(
        rules(kinds.get("users").unwrap().new_entry(&input).unwrap_err()),
        ["password_influx=server_owned"]
    );
}

#[test]
fn what_was_read_may_be_sent_back() {
    let kinds = kinds();
    let users = kinds.get("users").unwrap();
    let old = stored(users, micha());
    let mut shown = old.clone();
    shown.insert("karanas".into(), json!(["a"]));
    let mut sent = shown.clone();
    users.redact(&mut sent, false, Some(MASK));
    let patch = users.read_patch(&sent).unwrap();
    assert_eq!(users.apply(&old, &shown, &patch).unwrap(), old);

    sent.insert("karanas".into(), json!([]));
    sent.insert("password_influx".into(), "ABCDEFGHIJKLMNOP".into());
    let patch = users.read_patch(&sent).unwrap();
    assert_eq!(
        rules(users.apply(&old, &shown, &patch).unwrap_err()),
        ["password_influx=server_owned", "karanas=server_owned"]
    );
}

#[test]
fn nested_objects_are_merged_and_sessions_end_with_the_password() {
    let kinds = kinds();
    let users = kinds.get("users").unwrap();
    let old = stored(users, micha());
    let mut patch =
        users.read_patch(&entry(json!({"credentials": {"password": "abcdef"}, "unknown": 1}))).unwrap();
    assert_eq!(patch.named, 1);
    assert_eq!(patch.password(users), Some("abcdef"));
    patch.set_password_hash("$6$other".into());
    let new = users.apply(&old, &old, &patch).unwrap();
    assert_eq!(new["credentials"]["login"], "micha@all.de");
    assert_eq!(new[TOKEN_EPOCH], 1);
    assert_eq!(users.changed(&old, &new), ["credentials.password", TOKEN_EPOCH]);
}

#[test]
fn a_device_that_moves_gets_a_new_password() {
    let kinds = kinds();
    let karanas = kinds.get("karanas").unwrap();
    let old = stored(karanas, entry(json!({"name": "K1", "owner": null, "config": {}})));
    let patch = karanas.read_patch(&entry(json!({"owner": "4e1fcc06-7ccc-4b81-be93-e7bae73daf2a"}))).unwrap();
    let new = karanas.apply(&old, &old, &patch).unwrap();
    assert_ne!(field(&old, "config.password"), field(&new, "config.password"));
    assert_eq!(karanas.check(&new), []);
}

#[test]
fn secrets_are_masked_and_hashes_never_shown() {
    let kinds = kinds();
    let users = kinds.get("users").unwrap();
    let stored = stored(users, micha());
    let mut seen = stored.clone();
    users.redact(&mut seen, true, Some(MASK));
    assert_eq!(seen["credentials"]["password"], MASK);
    assert_eq!(seen["password_influx"], stored["password_influx"]);
    assert!(!seen.contains_key(TOKEN_EPOCH));
    let mut hidden = stored.clone();
    users.redact(&mut hidden, false, None);
    assert!(
        !hidden.contains_key("password_influx")
            && !hidden["credentials"].as_object().unwrap().contains_key("password")
    );
}

#[test]
fn a_definition_survives_json() {
    for definition in kinds().definitions() {
        let text = serde_json::to_string(definition).unwrap();
        assert_eq!(&serde_json::from_str::<Definition>(&text).unwrap(), definition);
    }
}

#[test]
fn whole_numbers_are_stored_as_such_however_they_are_written() {
    let kinds = kinds();
    let karanas = kinds.get("karanas").unwrap();
    let input =
        r#"{"name": "K1", "owner": null, "config": {"post_int": 15.0, "signal": 1e2, "get_int": "7"}}"#;
    let karana = stored(karanas, entry(serde_json::from_str(input).unwrap()));
    assert_eq!(karana["config"].to_string().matches('.').count(), 0, "{}", karana["config"]);
    serde_json::from_value::<Karana>(Value::Object(karana)).unwrap();
    let input =
        r#"{"name": "K1", "owner": null, "config": {"post_int": 15.5, "signal": 1e300, "get_int": -0.0}}"#;
    let refused = karanas.new_entry(&entry(serde_json::from_str(input).unwrap())).unwrap_err();
    assert_eq!(rules(refused), ["config.get_int=minimum", "config.post_int=type", "config.signal=maximum"]);
}

#[test]
fn the_mask_is_no_password() {
    let kinds = kinds();
    let mut input = micha();
    set_field(&mut input, PASSWORD, MASK.into());
    assert_eq!(
        rules(kinds.get("users").unwrap().new_entry(&input).unwrap_err()),
        ["credentials.password=mask"]
    );
}

#[test]
fn one_mailbox_is_one_address() {
    let kinds = kinds();
    let (_, rule) = kinds.get("users").unwrap().unique().next().unwrap();
    for same in [
        "Admin@EXAMPLE.com",
        "admin@exam\u{ad}ple.com",
        "admin@example\u{3002}com",
        "admin@\u{ff45}xample.com",
    ] {
        assert_eq!(rule.fold(same), "admin@example.com");
    }
    assert_eq!(rule.fold("a@ex\u{e4}mple.de"), rule.fold("a@xn--exmple-cua.de"));
    assert_ne!(rule.fold("a@example.de"), rule.fold("b@example.de"));
}
