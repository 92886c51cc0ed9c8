//! Resources that an operator declares: everything follows from their definition, and nothing that is stored is lost with it.

use crate::operator::{failed, fine};
use crate::resources::EXAMPLES;
use crate::support::{Home, Server, Session, record, user};
use serde_json::{Value, json};
use std::fs;

const MASK: &str = "********";
const PIN: &str = "47110815";
const ICCID: &str = "8949000000000000001";

/// A folder of one's own with the example definitions in it.
fn home() -> Home {
    let home = Home::new("");
    for file in ["simcards.toml", "sites.toml"] {
        home.write(&format!("resources.d/{file}"), fs::read(format!("{EXAMPLES}/{file}")).unwrap());
    }
    home
}

/// Changes a definition.
fn edit(home: &Home, file: &str, from: &str, to: &str) {
    let path = home.path("resources.d").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

async fn karana(admin: &Session, owner: &str) -> String {
    admin.create("karanas", &json!({"name": "K1", "owner": owner, "config": {}})).await
}

fn names(server: &Server) -> Vec<String> {
    let text = server.home().git(&["show", "main:resources.json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let all = document["resources"].as_array().unwrap().iter();
    all.map(|definition| definition["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_declared_resource_is_served_by_every_verb() {
    let server = home().serve();
    let admin = server.admin().await;
    let karana = karana(&admin, &admin.create("users", &user("micha")).await).await;

    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN, "karana": karana})).await;
    let first = admin.read("simcards", &card).await;
    assert_eq!(
        (&first["pin"], &first["state"], &first["megabytes"], &first["karana"]),
        (&json!(PIN), &json!("active"), &json!(500), &json!(karana))
    );
    let one = format!("/v1/simcards/{card}");
    let put = admin.put(&one, &json!({"state": "lost", "pin": "1234"})).await.entry(&card);
    assert_eq!(
        (&put["state"], &put["pin"], &put["access_code"]),
        (&json!("lost"), &json!("1234"), &first["access_code"])
    );
    let patched = admin.patch(&one, &json!({"karana": null})).await.entry(&card);
    assert_ne!(patched["access_code"], first["access_code"], "it is renewed with the karana");
    assert_eq!(admin.get("/v1/simcards").await.results()[&card], patched);

    // Rules, references and uniqueness, each with the field and without the value.
    let new = "/v1/simcards/new";
    for (data, status, rule) in [
        (json!({"iccid": "1"}), 400, "iccid: must match the pattern"),
        (json!({"iccid": "8949000000000000002", "pin": "secret"}), 400, "pin: must match the pattern"),
        (json!({"iccid": "8949000000000000002", "pin": MASK}), 400, "pin: "),
        (
            json!({"iccid": "8949000000000000002", "state": "sold"}),
            400,
            "state: must be one of: active, blocked, lost",
        ),
        (
            json!({"iccid": "8949000000000000002", "access_code": "A"}),
            400,
            "access_code: is set by the server alone",
        ),
        (
            json!({"iccid": "8949000000000000002", "karana": card}),
            400,
            "karana: refers to an entry of karanas that does not exist",
        ),
        (json!({"iccid": ICCID}), 409, "iccid: is taken by another entry of simcards"),
    ] {
        let reason = admin.post(new, &data).await.refused(status, "Create Resource Error");
        assert!(reason.contains(rule) && !reason.contains("secret\""), "{reason}");
    }
    assert_eq!(admin.delete(&one).await.entry(&card), patched);
    assert_eq!(admin.get("/v1/simcards").await.results(), json!({}));
    assert_eq!(names(&server), ["users", "karanas", "maintenances", "payments", "simcards", "sites"]);
}

#[tokio::test]
async fn deleting_follows_references_of_declared_resources() {
    let server = home().serve();
    let admin = server.admin().await;
    let karana = karana(&admin, &admin.create("users", &user("micha")).await).await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "karana": karana})).await;
    let commits = server.home().commits();
    admin.delete(&format!("/v1/karanas/{karana}")).await.results();
    assert_eq!(admin.read("simcards", &card).await["karana"], Value::Null, "released");
    assert_eq!(server.home().commits(), commits + 1);

    // Districts in districts, in a circle even; unique within each other.
    let site = |name: &str, part_of: Value| json!({"name": name, "part_of": part_of});
    let country = admin.create("sites", &site("Sierra Leone", Value::Null)).await;
    let district = admin.create("sites", &site("Kenema", json!(country))).await;
    let again = admin.post("/v1/sites/new", &site("Kenema", json!(country))).await;
    assert!(again.refused(409, "Create Resource Error").contains("name: is taken"));
    let inner = admin.create("sites", &site("Kenema", json!(district))).await;
    let refused = admin.delete(&format!("/v1/sites/{district}")).await.refused(409, "Delete Resource Error");
    assert!(refused.contains("1 in sites refer to it"), "{refused}");
    admin.patch(&format!("/v1/sites/{country}"), &json!({"part_of": inner})).await.results();
    admin.delete(&format!("/v1/sites/{country}?dependents=delete")).await.results();
    assert_eq!(admin.get("/v1/sites").await.results(), json!({}));
    // One that is part of itself.
    let itself = admin.create("sites", &site("Kenema", Value::Null)).await;
    admin.patch(&format!("/v1/sites/{itself}"), &json!({"part_of": itself})).await.results();
    admin.delete(&format!("/v1/sites/{itself}")).await.results();
}

#[tokio::test]
async fn roles_see_and_do_with_declared_resources_what_the_table_says() {
    let server = home().serve();
    let admin = server.admin().await;
    let (manager, viewer) =
        (admin.person("manager", "manager").await, admin.person("viewer", "viewer").await);
    let (owner, other) = (admin.person("client", "owner").await, admin.person("client", "other").await);
    let karana = karana(&admin, &owner.uuid).await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN, "karana": karana})).await;
    let drawer = admin.create("simcards", &json!({"iccid": "8949000000000000002", "pin": "1234"})).await;
    let site = admin.create("sites", &json!({"name": "Kenema"})).await;
    let full = admin.read("simcards", &card).await;
    let mut masked = full.clone();
    (masked["pin"], masked["access_code"]) = (MASK.into(), MASK.into());

    for (person, sees) in [(&manager, &full), (&viewer, &masked), (&owner, &full)] {
        assert_eq!(person.session.read("simcards", &card).await, *sees, "{}", person.email);
    }
    let of = |person: &crate::support::Person| person.session.clone();
    for (session, all) in [(of(&manager), 2), (of(&viewer), 2), (of(&owner), 1), (of(&other), 0)] {
        assert_eq!(session.get("/v1/simcards").await.results().as_object().unwrap().len(), all);
    }
    of(&other).get(&format!("/v1/simcards/{card}")).await.refused(403, "Get Resource Error");
    of(&owner).get(&format!("/v1/simcards/{drawer}")).await.refused(403, "Get Resource Error");
    of(&owner).get(&format!("/v1/sites/{site}")).await.refused(403, "Get Resource Error");
    of(&viewer).read("sites", &site).await;
    for session in [of(&manager), of(&viewer), of(&owner)] {
        let new = json!({"iccid": "8949000000000000003"});
        session.post("/v1/simcards/new", &new).await.refused(403, "Create Resource Error");
        session
            .patch(&format!("/v1/simcards/{card}"), &json!({"state": "lost"}))
            .await
            .refused(403, "Modify Resource Error");
        session.delete(&format!("/v1/simcards/{card}")).await.refused(403, "Delete Resource Error");
    }
    // What somebody read masked, and an admin sends, changes no secret.
    assert_eq!(admin.put(&format!("/v1/simcards/{card}"), &masked).await.entry(&card), full);
    // With the karana it goes to another owner.
    admin.patch(&format!("/v1/karanas/{karana}"), &json!({"owner": other.uuid})).await.results();
    of(&owner).get(&format!("/v1/simcards/{card}")).await.refused(403, "Get Resource Error");
    of(&other).read("simcards", &card).await;
}

#[tokio::test]
async fn version_2_follows_from_the_definition_too() {
    let home = home();
    edit(&home, "simcards.toml", "[\"iccid\"]", "[\"iccid\", \"megabytes\"]");
    let server = home.serve();
    let admin = server.admin().await;
    let viewer = admin.person("viewer", "viewer").await.session;
    let karana = karana(&admin, &admin.create("users", &user("micha")).await).await;
    let card = admin.made("simcards", &json!({"iccid": ICCID, "pin": PIN, "karana": karana})).await;
    admin.made("simcards", &json!({"iccid": "8949000000000000002", "megabytes": 7})).await;
    let one = format!("/v2/simcards/{}", card["uuid"].as_str().unwrap());
    assert_eq!(card["pin"], PIN);
    let mut seen = card.clone();
    for secret in ["pin", "access_code"] {
        seen.as_object_mut().unwrap().remove(secret);
    }
    assert_eq!(viewer.found(&one).await, seen, "secrets are absent");

    // What stands for a secret changes none, also in the whole of an entry.
    let tag = admin.get(&one).await.header("etag").to_owned();
    let mut masked = card.clone();
    (masked["pin"], masked["access_code"], masked["state"]) = (MASK.into(), MASK.into(), "lost".into());
    let put = admin.send("PUT", &one, &masked, &[("if-match", &tag)]).await.json(200);
    assert_eq!(
        (&put["pin"], &put["access_code"], &put["state"]),
        (&card["pin"], &card["access_code"], &json!("lost"))
    );
    let put = admin.send("PATCH", &one, &json!({"pin": MASK}), &[]).await.json(200);
    assert_eq!(put["pin"], PIN);
    let problem = admin.send("POST", "/v2/simcards", &json!({"iccid": "1", "colour": "red"}), &[]).await;
    let mut findings = crate::v2::findings(&problem.problem(400, "invalid"));
    findings.sort();
    assert_eq!(
        findings,
        [("colour", "unknown"), ("iccid", "pattern")].map(|(f, c)| (f.to_owned(), c.to_owned()))
    );

    // By an index over texts, over whole numbers however they are written, over references; never by a secret.
    for (filter, found) in [
        (format!("filter[iccid][eq]={ICCID}"), 1),
        ("filter[megabytes][eq]=7".into(), 1),
        ("filter[megabytes][in]=7.0,500".into(), 2),
        (format!("filter[karana][eq]={karana}"), 1),
        ("filter[state][eq]=lost".into(), 1),
    ] {
        let page = admin.found(&format!("/v2/simcards?{filter}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{filter}");
    }
    admin.get(&format!("/v2/simcards?filter[pin][eq]={PIN}")).await.problem(400, "invalid");
    let site = admin.made("sites", &json!({"name": "Kenema"})).await;
    let site = format!("/v2/sites/{}", site["uuid"].as_str().unwrap());
    let merged = admin.send("PATCH", &site, &json!({"position": {"latitude": 7.88}}), &[]).await.json(200);
    assert_eq!(merged["position"], json!({"latitude": 7.88, "longitude": null}));
}

#[tokio::test]
async fn no_object_and_no_log_reveals_a_secret_that_a_client_set() {
    let home = home();
    let server = home.serve();
    let admin = server.admin().await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN})).await;
    let empty = admin.create("simcards", &json!({"iccid": "8949000000000000002"})).await;
    admin.patch(&format!("/v1/simcards/{card}"), &json!({"provider": "Orange"})).await.results();
    let code = admin.read("simcards", &card).await["access_code"].as_str().unwrap().to_owned();
    assert_eq!(server.stop().code, Some(0));
    let objects = home.git(&["cat-file", "--batch-all-objects", "--batch", "--unordered"]);
    let logs: Vec<_> = [0, 1].map(|n| fs::read(home.path(&format!("storage/wal/{n}"))).unwrap()).concat();
    let logs = String::from_utf8_lossy(&logs).into_owned();
    for text in [&objects, &logs] {
        assert!(text.contains(ICCID), "this is not where it is looked for");
        assert!(!text.contains(PIN) && !text.contains(&code));
    }
    let diff = home.git(&["log", "-1", "-p", "--format=", "main", "--", &record("simcards", &card)]);
    assert_eq!(
        diff.lines().filter(|line| line.starts_with(['+', '-'])).count(),
        4,
        "only the provider changes: {diff}"
    );
    let server = home.serve();
    let admin = server.admin().await;
    assert_eq!(admin.read("simcards", &card).await["pin"], PIN);
    assert_eq!(admin.read("simcards", &empty).await["pin"], Value::Null);
    fine(home.run(&["key", "rotate"]));
    assert_eq!(admin.read("simcards", &card).await["pin"], PIN);
    fine(home.run(&["check"]));
}

#[tokio::test]
async fn history_and_export_hold_declared_resources() {
    let home = home();
    let server = home.serve();
    let admin = server.admin().await;
    let karana = karana(&admin, &admin.create("users", &user("micha")).await).await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN, "karana": karana})).await;
    let path = format!("simcards/{card}");
    let first = admin.read("simcards", &card).await;
    admin.put(&format!("/v1/{path}"), &json!({"pin": "1234", "state": "lost"})).await.results();
    let log = fine(home.run(&["log", &path]));
    assert!(log.contains("simcards: create") && log.contains("simcards: update"), "{log}");
    let revision = log.lines().last().unwrap().split(' ').next().unwrap().to_owned();
    fine(home.run(&["revert", &path, "--to", &revision]));
    assert_eq!(admin.read("simcards", &card).await, first);
    admin.delete(&format!("/v1/{path}")).await.results();
    fine(home.run(&["revert", &path, "--to", &revision]));
    assert_eq!(admin.read("simcards", &card).await, first);

    assert!(!fine(home.run(&["export", "-"])).contains(PIN));
    fs::create_dir(home.path("dump")).unwrap();
    fine(home.run(&["export", "--secrets", "dump"]));
    let state: Value =
        serde_json::from_str(&fs::read_to_string(home.path("dump/tablestate_db.json")).unwrap()).unwrap();
    assert_eq!(state["simcards"]["metadata"]["schema"]["entry_import_schema"], "SimcardsDbSchema");
    let dump = fs::read_to_string(home.path("dump/table_db.json")).unwrap();
    server.stop();

    let bare = Home::new("[api]\nmode = production\n");
    bare.write("table_db.json", &dump);
    failed(&bare.run(&["import", "table_db.json"]), &["simcards: is not a resource that is in force"]);
    let other = self::home().env("KARANA_API_MODE", "production");
    other.write("table_db.json", &dump);
    assert!(fine(other.run(&["import", "table_db.json"])).contains("imported 4 entries"));
    let admin = other.serve().nobody.login("admin@example.com", "admin").await;
    drop(admin);
    let again: Value = serde_json::from_str(&fine(other.run(&["export", "--secrets", "-"]))).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(&dump).unwrap());
    let sealed = other.git(&["show", &format!("main:{}", record("simcards", &card))]);
    assert!(sealed.contains("\"pin\": \"sealed:") && !sealed.contains(PIN), "{sealed}");
}

#[test]
fn a_start_and_a_check_name_what_is_wrong_with_a_definition() {
    let home = home();
    edit(&home, "simcards.toml", "pattern = \"^[0-9]{4,8}$\"", "pattern = \"^(?=4)\"");
    edit(&home, "sites.toml", "to = \"sites\"", "to = \"places\"");
    home.write("resources.d/users.toml", "");
    home.write("resources.d/notes.txt", "whatever");
    for command in [&[][..], &["check"], &["user", "list"], &["export", "-"]] {
        failed(
            &home.run(command),
            &[
                "resources.d/simcards.toml: entry_create_schema/properties/pin/pattern: must be a regular expression",
                "resources.d/sites.toml: references: `part_of` refers to `places`, and there is no such resource",
                "resources.d/users.toml: name: is that of a built-in resource",
            ],
        );
    }
    assert!(!home.storage().exists(), "nothing was made");
    let home = Home::new("[resources]\ndir = absent\n");
    failed(&home.run(&["check"]), &["[resources] dir", "there is no such folder"]);
}

#[tokio::test]
async fn a_changed_definition_that_fits_is_one_commit() {
    let home = home();
    let server = home.serve();
    let card = server.admin().await.create("simcards", &json!({"iccid": ICCID, "pin": PIN})).await;
    server.stop();
    let commits = home.commits();
    home.serve().stop();
    assert_eq!(home.commits(), commits, "nothing has changed");

    edit(
        &home,
        "simcards.toml",
        "megabytes =",
        "roaming = { type = \"boolean\", default = false }\nmegabytes =",
    );
    fine(home.run(&["check"]));
    assert_eq!(home.commits(), commits, "a check changes nothing");
    let server = home.serve();
    let admin = server.admin().await;
    assert_eq!(home.git(&["log", "-1", "--format=%s", "main"]).trim(), "store: describe (resources.json)");
    assert_eq!(home.commits(), commits + 1);
    assert_eq!(admin.read("simcards", &card).await["roaming"], false);
    assert!(home.git(&["show", "main:resources.json"]).contains("roaming"));
}

#[tokio::test]
async fn a_definition_that_breaks_entries_is_refused_with_the_entries_named() {
    let home = home();
    let server = home.serve();
    let admin = server.admin().await;
    let mut cards = Vec::new();
    for n in 10..35 {
        let card = json!({"iccid": format!("89490000000000000{n}"), "provider": "Orange", "pin": PIN});
        cards.push(admin.create("simcards", &card).await);
    }
    let fits = admin.create("simcards", &json!({"iccid": ICCID, "provider": "O2"})).await;
    edit(&home, "simcards.toml", "maxLength = 64", "maxLength = 5");
    // Beside the running server, which goes on with the old definition, and at the next start.
    let look = |refused: &crate::support::Ended| {
        failed(
            refused,
            &[
                "the store breaks 25 rules",
                "… and 5 more",
                "provider: must have at most 5 characters",
                "the definition of `simcards` has changed since these entries were written: put the old one back",
            ],
        );
        assert_eq!(refused.stderr.matches("tables/simcards/").count(), 20);
        assert!(!refused.stderr.contains(&fits) && !refused.stderr.contains("Orange"), "{}", refused.stderr);
    };
    look(&home.run(&["check"]));
    admin.read("simcards", &cards[0]).await;
    server.stop();
    let commits = home.commits();
    look(&home.run(&["check"]));
    look(&home.run(&[]));

    // A secret does not become open, nor a field go that has values.
    edit(&home, "simcards.toml", "maxLength = 5", "maxLength = 64");
    edit(&home, "simcards.toml", "secret_fields = [\"pin\"]", "secret_fields = []");
    failed(
        &home.run(&[]),
        &["resources.json: simcards: pin: `pin` is a secret in the entries that there are"],
    );
    edit(&home, "simcards.toml", "secret_fields = []", "secret_fields = [\"pin\"]");
    edit(&home, "simcards.toml", "provider =", "supplier =");
    failed(&home.run(&[]), &["provider: is not a field of this resource"]);
    edit(&home, "simcards.toml", "supplier =", "provider =");
    edit(&home, "simcards.toml", "[\"iccid\"]", "[\"provider\"]");
    failed(&home.run(&[]), &["provider: is taken by another entry of simcards"]);
    edit(&home, "simcards.toml", "[\"provider\"]", "[\"iccid\"]");
    home.serve().admin().await.read("simcards", &fits).await;
    assert_eq!(home.commits(), commits, "nothing was written on the way");
}

#[tokio::test]
async fn a_field_is_dropped_where_the_definition_says_so() {
    let home = home();
    let server = home.serve();
    let admin = server.admin().await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN, "provider": "Orange"})).await;
    server.stop();
    edit(&home, "simcards.toml", "secret_fields = [\"pin\"]", "");
    edit(&home, "simcards.toml", "pin =", "#pin =");
    edit(&home, "simcards.toml", "provider =", "#provider =");
    failed(&home.run(&[]), &["pin: is not a field of this resource", "dropped_fields"]);
    edit(
        &home,
        "simcards.toml",
        "belongs_through",
        "dropped_fields = [\"pin\", \"provider\"]\nbelongs_through",
    );
    let server = home.serve();
    let admin = server.admin().await;
    let entry = admin.read("simcards", &card).await;
    assert!(entry.get("pin").is_none() && entry.get("provider").is_none(), "{entry}");
    let after = admin.patch(&format!("/v1/simcards/{card}"), &json!({"megabytes": 1})).await.entry(&card);
    let path = record("simcards", &card);
    let stored = home.git(&["show", &format!("main:{path}")]);
    assert!(!stored.contains("pin") && !stored.contains("Orange"), "{stored}");
    let commits = home.git(&["log", "--format=%H", "main", "--", &path]);
    fine(home.run(&["revert", &format!("simcards/{card}"), "--to", commits.lines().last().unwrap()]));
    assert_eq!(admin.read("simcards", &card).await, entry);
    assert_ne!(after, entry);
}

#[tokio::test]
async fn a_field_that_becomes_secret_is_sealed_in_the_commit_that_says_so() {
    let home = home();
    edit(&home, "simcards.toml", "secret_fields = [\"pin\"]", "");
    let server = home.serve();
    let admin = server.admin().await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "pin": PIN})).await;
    admin.create("simcards", &json!({"iccid": "8949000000000000002"})).await;
    let code = admin.read("simcards", &card).await["access_code"].clone();
    server.stop();
    let path = format!("main:{}", record("simcards", &card));
    let before = home.git(&["show", &path]);
    assert!(before.contains(PIN));
    let commits = home.commits();

    edit(&home, "simcards.toml", "belongs_through", "secret_fields = [\"pin\"]\nbelongs_through");
    fine(home.run(&["check"]));
    let server = home.serve();
    assert!(server.log().contains("lies open in the history"), "{}", server.log());
    assert_eq!(home.commits(), commits + 1);
    let after = home.git(&["show", &path]);
    assert!(!after.contains(PIN) && after.contains("\"pin\": \"sealed:"), "{after}");
    let sealed_code = |text: &str| text.lines().find(|line| line.contains("access_code")).unwrap().to_owned();
    assert_eq!(sealed_code(&after), sealed_code(&before), "what was sealed keeps its bytes");
    let changed = home.git(&["diff", "--name-only", "main~1", "main"]);
    assert_eq!(changed.lines().count(), 2, "resources.json and the card with a PIN: {changed}");
    let entry = server.admin().await.read("simcards", &card).await;
    assert_eq!((&entry["pin"], &entry["access_code"]), (&json!(PIN), &code));
    // The history from before can still be read, and brought back.
    let log = fine(home.run(&["log", &format!("simcards/{card}")]));
    let first = log.lines().last().unwrap().split(' ').next().unwrap().to_owned();
    fine(home.run(&["revert", &format!("simcards/{card}"), "--to", &first]));
    fine(home.run(&["export", "--at", &first, "-"]));
    assert!(home.git(&["show", &path]).contains("\"pin\": \"sealed:"));
    server.stop();
    home.serve().stop();
}

#[tokio::test]
async fn a_resource_that_is_gone_with_entries_is_refused_and_there_is_a_way() {
    let home = home();
    let server = home.serve();
    let admin = server.admin().await;
    let karana = karana(&admin, &admin.create("users", &user("micha")).await).await;
    let card = admin.create("simcards", &json!({"iccid": ICCID, "karana": karana})).await;
    let country = admin.create("sites", &json!({"name": "Sierra Leone"})).await;
    admin.create("sites", &json!({"name": "Kenema", "part_of": country})).await;
    server.stop();

    let file = home.path("resources.d/simcards.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let path = record("simcards", &card);
    for command in [&[][..], &["check"], &["clear", "simcards"]] {
        failed(
            &home.run(command),
            &[&path, "is not in force", "put simcards.toml back", "karana clear simcards"],
        );
    }
    fs::write(&file, text).unwrap();
    failed(&home.run(&["clear", "karanas"]), &["there is no declared resource `karanas`"]);
    failed(&home.run(&["clear", "cars"]), &["there is no declared resource `cars`"]);
    // Without a server and beside one; also where its entries refer to each other.
    assert!(fine(home.run(&["clear", "simcards"])).contains("deleted 1 entries of simcards"));
    let server = home.serve();
    let commits = home.commits();
    assert!(fine(home.run(&["clear", "sites"])).contains("deleted 2 entries of sites"));
    assert_eq!(home.commits(), commits + 1);
    assert_eq!(server.admin().await.get("/v1/sites").await.results(), json!({}));
    server.stop();

    fs::remove_dir_all(home.path("resources.d")).unwrap();
    let server = home.serve();
    let admin = server.admin().await;
    admin.get("/v1/simcards").await.refused(404, "Get Resource Error");
    admin.read("karanas", &karana).await;
    assert_eq!(names(&server), ["users", "karanas", "maintenances", "payments"]);
    server.stop();
    fine(home.run(&["check"]));
}
