//! The bytes of `/v1`: one JSON string around the JSON that Python writes.

use crate::import::HASH;
use crate::support::{Home, Server};
use serde_json::{Value, json};

/// JSON as `json.dumps` of Python writes it, from JSON however written; the order of keys stays.
fn as_python_writes(json: &str) -> String {
    let mut written = String::new();
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '"' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                length = end.expect("the string ends") + 2;
                written.push_str(&string(&serde_json::from_str::<String>(&rest[..length]).unwrap()));
            }
            ',' => written.push_str(", "),
            ':' => written.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => written.push(c),
        }
        rest = &rest[length..];
    }
    written
}

/// `json.dumps` of a str: CPython's `py_encode_basestring_ascii`, which leaves only `' '..='~'` as it is.
fn string(text: &str) -> String {
    let mut written = String::from('"');
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some('"') => written.push_str("\\\""),
            Some('\\') => written.push_str("\\\\"),
            Some('\n') => written.push_str("\\n"),
            Some('\r') => written.push_str("\\r"),
            Some('\t') => written.push_str("\\t"),
            Some('\u{8}') => written.push_str("\\b"),
            Some('\u{c}') => written.push_str("\\f"),
            Some(c @ ' '..='~') => written.push(c),
            _ => written.push_str(&format!("\\u{unit:04x}")),
        }
    }
    written + "\""
}

/// They come with an old dump: a name of today is one line.
async fn names_come_back_as_python_writes_them(names: &[&str]) {
    let uuid = |number: usize| format!("4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a{number:04}");
    let old = |(number, name): (usize, &&str)| {
        let (uuid, email) = (uuid(number), format!("user{number}@example.com"));
        let user = json!({"uuid": uuid, "name": name, "email": email, "role": "client",
            "password_influx": "AAAABBBBCCCC1111", "credentials": {"login": email, "password": HASH},
            "created_at": "2017-03-02T15:26:11.767166+00:00"});
        (uuid, user)
    };
    let users: serde_json::Map<_, _> = names.iter().enumerate().map(old).collect();
    let home = Home::new("");
    home.write("dump.json", json!({"users": users, "karanas": {}}).to_string());
    let imported = home.run(&["import", "dump.json"]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let admin = ["user", "add", "--role", "admin", "--email", "admin@example.com", "--password-stdin"];
    assert_eq!(home.run_with_input(&admin, "admin\n").code, Some(0));
    let server = home.serve();
    let admin = server.admin().await;
    for (number, name) in names.iter().enumerate() {
        let uuid = uuid(number);
        let answer = admin.get(&format!("/v1/users/{uuid}")).await;
        let inner = answer.inner();
        assert_eq!(inner, as_python_writes(&inner));
        assert_eq!(answer.text(), string(&inner), "the string around it");
        assert_eq!(answer.entry(&uuid)["name"], **name);
        let list = admin.get("/v1/users").await;
        assert_eq!(list.text(), string(&as_python_writes(&list.inner())));
        let gone = admin.delete(&format!("/v1/users/{uuid}")).await;
        assert_eq!(gone.text(), string(&as_python_writes(&gone.inner())));
    }
}

#[tokio::test]
async fn texts_of_all_kinds_are_written_as_python_writes_them() {
    let names = [
        "",
        "Bintumani e.V. ü",
        "😀 𝄞 surrogate pairs",
        "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}",
        "quotes \" and \\ backslashes \\\" / slash",
        "\n\r\t\u{8}\u{c}\u{1}\u{1f}",
        "{\"results\": [1, 2]}, a: b",
        "\u{80}\u{a0}\u{2028}\u{feff}",
        "<script>&amp;'",
    ];
    names_come_back_as_python_writes_them(&names).await;
}

/// Python escapes U+007F, too: `json.dumps("\x7f")` is `"\u007f"`.
#[tokio::test]
async fn delete_is_written_as_python_writes_it() {
    names_come_back_as_python_writes_them(&["a\u{7f}b"]).await;
}

/// A literal answer, down to the last byte.
#[tokio::test]
async fn a_literal_answer() {
    let home = Home::new("");
    let dump = json!({"users": {}, "karanas": {"4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0001": {
        "uuid": "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0001", "name": "Ü😀", "note": "a \"b\"\\\n", "owner": null,
        "created_at": "2017-03-02T15:26:11.767166+00:00",
        "config": {"series": "data", "password": "AAAABBBBCCCC0000", "signal": 10, "post_int": 30, "get_int": 6},
    }}});
    home.write("dump.json", dump.to_string());
    let imported = home.run(&["import", "dump.json"]);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let server = home.serve();
    let answer = server.admin().await.get("/v1/karanas").await;
    let literal = concat!(
        r#""{\"results\": [{\"4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0001\": {\"config\": {\"get_int\": 6, "#,
        r#"\"password\": \"AAAABBBBCCCC0000\", \"post_int\": 30, \"series\": \"data\", \"signal\": 10}, "#,
        r#"\"created_at\": \"2017-03-02T15:26:11.767166+00:00\", \"name\": \"\\u00dc\\ud83d\\ude00\", "#,
        r#"\"note\": \"a \\\"b\\\"\\\\\\n\", \"owner\": null, \"uuid\": \"4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0001\"}}]}""#,
    );
    assert_eq!(answer.text(), literal);
    assert_eq!(answer.header("content-length"), literal.len().to_string());
}

#[tokio::test]
async fn refusals_are_encoded_once() {
    let server = Server::start();
    let answer = server.nobody.get("/v1/users").await;
    let decoded: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(decoded["errors"]["Authentication Required"].is_string(), "{decoded}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("www-authenticate").is_empty());
    assert_eq!(answer.text(), as_python_writes(&answer.text()));
}

mod properties {
    use proptest::prelude::*;

    proptest! {
        /// The yardstick itself: what it writes reads as what it was, and is ASCII.
        #[test]
        fn the_yardstick_is_json(text in any::<String>()) {
            let written = super::string(&text);
            prop_assert!(written.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            prop_assert_eq!(super::as_python_writes(&written), written);
        }
    }
}
