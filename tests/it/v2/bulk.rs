//! Many records at once: from a table or lines of JSON, and as a table.

use crate::support::{Answer, Server, Session};
use serde_json::{Value, json};

async fn import(session: &Session, path: &str, media: &str, text: &str) -> Answer {
    let request = session.request("POST", path).header("content-type", media).body(text.to_owned());
    Answer::to(request).await
}

fn lines(problem: &Value) -> Vec<(u64, String)> {
    let rows = problem["rows"].as_array().unwrap();
    let refused = rows.iter().filter(|row| row["status"] != 201);
    refused
        .map(|row| {
            (row["line"].as_u64().unwrap(), row["errors"][0]["field"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_table_is_imported_as_a_whole_and_each_wrong_row_is_named() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.made("users", &crate::support::user("ada")).await;
    let commits = server.home().commits();
    let owner = owner["uuid"].as_str().unwrap();
    let stranger = uuid::Uuid::new_v4();
    let table = format!(
        "name,owner,config.post_int,kid,note\n\
         Roof,{owner},15,K1,\n\
         Barn,{owner},often,K2,\n\
         Mill,{owner},,K3,\"Old, at the\nriver\"\n\
         Hut,{stranger},15,,\n\
         Shed,{owner},15,K1,\n"
    );
    let problem =
        import(&admin, "/v2/karanas/import", "text/csv", &table).await.problem(422, "import_refused");
    let expected = [(3, "config.post_int"), (6, "owner"), (7, "kid")];
    assert_eq!(lines(&problem), expected.map(|(line, field)| (line, field.to_owned())), "{problem}");
    assert_eq!(admin.found("/v2/karanas").await["total"], 0);
    assert_eq!(server.home().commits(), commits);

    let tried =
        import(&admin, "/v2/karanas/import?partial=true&dry_run=true", "text/csv", &table).await.json(200);
    assert_eq!(
        (&tried["created"], &tried["refused"], &tried["dry_run"]),
        (&json!(2), &json!(3), &json!(true))
    );
    assert_eq!(admin.found("/v2/karanas").await["total"], 0);

    let done = import(&admin, "/v2/karanas/import?partial=true", "text/csv", &table).await;
    let report = done.json(200);
    assert_eq!(lines(&report), expected.map(|(line, field)| (line, field.to_owned())));
    assert_eq!((&report["created"], &report["rows"][2]["line"]), (&json!(2), &json!(4)));
    assert_eq!(done.header("karana-revision").len(), 40);
    assert_eq!(server.home().commits(), commits + 1, "one commit");
    let uuid = report["rows"][2]["uuid"].as_str().unwrap();
    let karana = admin.found(&format!("/v2/karanas/{uuid}")).await;
    assert_eq!((&karana["note"], &karana["config"]["post_int"]), (&json!("Old, at the\nriver"), &json!(30)));
    assert_eq!(karana["config"]["password"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn lines_of_json_are_imported_and_people_can_sign_in() {
    let server = Server::start();
    let admin = server.admin().await;
    let user = |name: &str| crate::support::user(name).to_string();
    let text = format!("{}\n\n{}\n", user("ada"), user("bob"));
    let report = import(&admin, "/v2/users/import", "application/x-ndjson", &text).await.json(200);
    assert_eq!((&report["created"], &report["rows"][1]["line"]), (&json!(2), &json!(3)));
    admin.login("bob@example.com", "password of bob").await;

    let wrong = "[1]\n{\"name\": \n";
    let problem =
        import(&admin, "/v2/users/import", "application/jsonl", wrong).await.problem(422, "import_refused");
    assert_eq!(lines(&problem), [(1, String::new()), (2, String::new())]);
    assert_eq!(import(&admin, "/v2/users/import", "application/json", "{}").await.status, 415);
    let unknown = import(&admin, "/v2/users/import", "text/csv", "name,shoe_size\n").await;
    assert_eq!(super::findings(&unknown.problem(400, "invalid")), [("shoe_size".into(), "unknown".into())]);
    // Nothing of a password is ever told.
    let secret = "name,email,credentials.login,credentials.password\nCara,cara@example.com,cara@example.com,S3CRETS3CRET\nDan,no address,x,S3CRETS3CRET\n";
    let refused = import(&admin, "/v2/users/import", "text/csv", secret).await;
    assert_eq!(refused.status, 422);
    assert!(!refused.text().contains("S3CRET") && !server.log().contains("S3CRET"));
}

#[tokio::test]
async fn whoever_may_not_create_may_not_import() {
    let server = Server::start();
    let admin = server.admin().await;
    let viewer = admin.person("viewer", "vera").await.session;
    assert_eq!(import(&viewer, "/v2/karanas/import", "text/csv", "name\nRoof\n").await.status, 403);
    // A manager makes clients, and nobody else.
    let manager = admin.person("manager", "max").await.session;
    let user = |name: &str, role: &str| {
        let mut user = crate::support::user(name);
        user["role"] = role.into();
        user.to_string()
    };
    let text = format!("{}\n{}\n", user("carl", "client"), user("adam", "admin"));
    let report =
        import(&manager, "/v2/users/import?partial=true", "application/x-ndjson", &text).await.json(200);
    assert_eq!((&report["created"], &report["rows"][1]["status"]), (&json!(1), &json!(403)));
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let server = Server::start();
    let admin = server.admin().await;
    let owner = admin.person("client", "ada").await;
    for name in ["=SUM(A1)", "Roof, south", "\"Mill\""] {
        let body = json!({"name": name, "owner": owner.uuid, "note": "a\nb", "config": {}});
        admin.made("karanas", &body).await;
    }
    admin.made("karanas", &json!({"name": "In stock", "owner": null, "config": {}})).await;
    let table =
        Answer::to(admin.request("GET", "/v2/karanas/export.csv?fields=name,note,config&sort=name")).await;
    assert_eq!((table.status, table.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = table.text();
    assert!(text.starts_with("name,note,config."), "{text}");
    assert!(text.contains("\n\"Roof, south\",\"a\nb\",") && text.contains("\n'=SUM(A1),"), "{text}");

    // Without the secrets, of which each new one has its own.
    let table =
        Answer::to(admin.request("GET", "/v2/karanas/export.csv?fields=name,note,owner,config.post_int"))
            .await
            .text();
    let report = import(&admin, "/v2/karanas/import", "text/csv", &table).await.json(200);
    assert_eq!(report["created"], 4);
    let same = admin.found("/v2/karanas?filter[name]==SUM(A1)").await;
    assert_eq!((&same["total"], &same["items"][0]["note"]), (&json!(2), &json!("a\nb")));

    // A role sees of the table what it sees of the list.
    let own = Answer::to(owner.session.request("GET", "/v2/karanas/export.csv")).await.text();
    assert_eq!(own.matches(&owner.uuid).count(), 6, "{own}");
    let viewer = admin.person("viewer", "vera").await.session;
    let seen =
        Answer::to(viewer.request("GET", "/v2/karanas/export.csv?filter[name][prefix]=Roof")).await.text();
    let password =
        admin.found("/v2/karanas?filter[name][prefix]=Roof").await["items"][0]["config"]["password"].clone();
    assert!(seen.contains("Roof, south") && !seen.contains("In stock"));
    assert!(!seen.contains(password.as_str().unwrap()));
}

#[tokio::test]
async fn thousands_of_rows_are_imported_and_progress_is_told() {
    let server = Server::start();
    let admin = server.admin().await;
    let mut table = "name,owner,config.post_int\n".to_owned();
    (0..5000).for_each(|n| table.push_str(&format!("Karana {n},,15\n")));
    let request = admin.request("POST", "/v2/karanas/import").header("content-type", "text/csv");
    let request = request.header("accept", "text/event-stream").body(table);
    let events = Answer::to(request).await.text();
    let last = events.trim_end().rsplit("\n\n").next().unwrap();
    let report: Value = serde_json::from_str(last.strip_prefix("event: report\ndata: ").unwrap()).unwrap();
    assert_eq!(report["created"], 5000);
    assert!(events.starts_with("event: progress\ndata: {\"done\":"), "{}", &events[..100]);
    assert_eq!(admin.found("/v2/karanas?limit=1").await["total"], 5000);
    assert_eq!(server.stop().code, Some(0));
}
