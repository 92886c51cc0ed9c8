//! Texts that people read: a name is one line and says what it seems to say, a note may have several lines. What was stored
//! before there were these rules stays as it is.

use crate::operator::fine;
use crate::support::{Home, Server, Session, user};
use crate::v2::findings;
use serde_json::{Value, json};

const KARANA: &str = "4e1fcc06-29f5-4b0c-a3a9-1a5a4b7a0003";

/// No line; of some, no text either.
const BROKEN: &[(&str, bool)] = &[
    ("two\nlines", false),
    ("two\r\nlines", false),
    ("a\ttab", false),
    ("line\u{2028}separator", false),
    ("right\u{202e}to left", false),
    ("embedded\u{202a}", false),
    ("isolated\u{2066}", false),
    ("isolated\u{2069}", false),
    ("nothing\u{0}", true),
    ("bell\u{7}", true),
    ("escape\u{1b}[2J", true),
    ("delete\u{7f}", true),
    ("next\u{85}line", true),
    ("C1\u{9b}2J", true),
];

/// Letters of all kinds, and the marks that Arabic, Hebrew and emoji need.
const FINE: &[&str] =
    &["Bintumani e.V. ü", "شمسي \u{200f}(1)", "שמש\u{200e}", "👩\u{200d}🔧", "\u{a0}x \\ ' \" <b>", "日本"];

async fn refused(who: &Session, method: &str, path: &str, body: &Value, field: &str) {
    let problem = who.send(method, path, body, &[("if-match", "*")]).await.problem(400, "invalid");
    assert_eq!(findings(&problem), [(field.to_owned(), "format".to_owned())], "{method} {path} {body}");
    let rule = problem["errors"][0]["message"].as_str().unwrap();
    assert!(rule.contains("control characters"), "{rule}");
}

#[tokio::test]
async fn names_are_one_line_and_notes_may_be_more() {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let karana = json!({"name": "Roof", "owner": micha.uuid, "config": {}});
    let one = admin.made("karanas", &karana).await["uuid"].as_str().unwrap().to_owned();
    let (own, roof) = (format!("/v2/users/{}", micha.uuid), format!("/v2/karanas/{one}"));
    let visit = json!({"karana": one, "date": "2026-02-28", "technician": "Ada"});
    let with = |base: &Value, field: &str, text: &str| {
        let mut body = base.clone();
        body[field] = text.into();
        body
    };
    let commits = server.home().commits();
    for (text, breaks_a_note) in BROKEN {
        refused(&admin, "POST", "/v2/users", &with(&user("x"), "name", text), "name").await;
        refused(&admin, "POST", "/v2/karanas", &with(&karana, "name", text), "name").await;
        refused(&admin, "POST", "/v2/maintenances", &with(&visit, "technician", text), "technician").await;
        let key = json!({"name": text, "scopes": ["*:read:all"]});
        refused(&admin, "POST", "/v2/keys", &key, "name").await;
        for who in [&admin, &micha.session] {
            refused(who, "PATCH", &own, &json!({"name": text}), "name").await;
            refused(who, "PATCH", &roof, &json!({"name": text}), "name").await;
        }
        refused(&admin, "PUT", &roof, &with(&karana, "name", text), "name").await;
        let reason = admin.patch(&format!("/v1/karanas/{one}"), &json!({"name": text})).await;
        assert!(reason.refused(400, "Modify Resource Error").contains("name: must be one line"));
        if *breaks_a_note {
            refused(&micha.session, "PATCH", &roof, &json!({"note": text}), "note").await;
            refused(&admin, "POST", "/v2/karanas", &with(&karana, "note", text), "note").await;
            let visit = with(&visit, "description", text);
            refused(&admin, "POST", "/v2/maintenances", &visit, "description").await;
        }
    }
    assert_eq!(server.home().commits(), commits);
    for (text, breaks_a_note) in BROKEN {
        if !breaks_a_note {
            let changed = micha.session.send("PATCH", &roof, &json!({"note": text}), &[]).await.json(200);
            assert_eq!(changed["note"], *text);
        }
    }
    for text in FINE {
        let change = json!({"name": text});
        assert_eq!(micha.session.send("PATCH", &own, &change, &[]).await.json(200)["name"], *text);
        assert_eq!(micha.session.send("PATCH", &roof, &change, &[]).await.json(200)["name"], *text);
    }
    // Rows of a table, and the operator, by the same rule.
    let table = "name,owner,config.post_int\n\"two\nlines\",,15\n";
    let import = admin.request("POST", "/v2/karanas/import").header("content-type", "text/csv").body(table);
    let problem = crate::support::Answer::to(import).await.problem(422, "import_refused");
    assert_eq!(problem["rows"][0]["errors"][0]["field"], "name", "{problem}");
    let added = server.home().run(&["user", "add", "--email", "eve@example.com", "--name", "Eve\u{1b}[2J"]);
    assert!(added.code != Some(0) && added.stderr.contains("name: must be one line"), "{}", added.stderr);
}

#[tokio::test]
async fn what_was_stored_before_stays_and_can_be_changed_elsewhere() {
    let (name, note, series) = ("two\nlines\u{202e}", "bell\u{7}", "#a\\");
    let home = Home::new("");
    let old = json!({"uuid": KARANA, "name": name, "note": note, "owner": null, "created_at": "2017-03-03T15:26:11.767166+00:00",
        "config": {"series": series, "password": "AAAABBBBCCCC2222", "signal": 10, "post_int": 30, "get_int": 6}});
    home.write("dump.json", json!({"users": {}, "karanas": {KARANA: old}}).to_string());
    fine(home.run(&["import", "dump.json"]));
    fine(home.run(&["check"]));
    let server = home.serve();
    let admin = server.admin().await;
    let path = format!("/v2/karanas/{KARANA}");
    let changed = admin.send("PATCH", &path, &json!({"config": {"post_int": 15}}), &[]).await.json(200);
    assert_eq!(changed["config"]["post_int"], 15);
    // The whole of it, as it was read.
    let mut whole = admin.found(&path).await;
    whole["config"]["get_int"] = 7.into();
    let put = admin.send("PUT", &path, &whole, &[("if-match", "*")]).await.json(200);
    for seen in [changed, put, admin.found(&path).await] {
        assert_eq!((&seen["name"], &seen["note"]), (&name.into(), &note.into()));
        assert_eq!(seen["config"]["series"], series);
    }
    admin.patch(&format!("/v1/karanas/{KARANA}"), &json!({"config": {"post_int": 20}})).await.entry(KARANA);
    // What is changed keeps the rule, and there is no way back to what breaks it but the history.
    refused(&admin, "PATCH", &path, &json!({"name": "other\nlines"}), "name").await;
    let revision = admin.found("/v2/history?limit=1").await["items"][0]["revision"].clone();
    admin.send("PATCH", &path, &json!({"name": "One line", "config": {"series": "a"}}), &[]).await.json(200);
    refused(&admin, "PATCH", &path, &json!({"name": name}), "name").await;
    let back = json!({"revision": revision});
    let back = admin.send("POST", &format!("{path}/restore"), &back, &[("if-match", "*")]).await.json(200);
    assert_eq!((&back["name"], &back["config"]["series"]), (&name.into(), &series.into()));
    // And into another server.
    server.stop();
    fine(home.run(&["export", "--secrets", "again.json"]));
    let other = Home::new("");
    other.write("again.json", std::fs::read(home.path("again.json")).unwrap());
    fine(other.run(&["import", "again.json"]));
}
