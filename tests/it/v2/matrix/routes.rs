//! Which cells of the matrix each call of `/v2` is in. Which calls there are is asked of the program.

use super::{CELLS, ROLES, kinds};
use crate::support::Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the matrix states of a call.
enum Stated {
    /// Cells about this, of every resource that has the call.
    Cell(&'static str),
    /// A cell for each field.
    Fields,
    /// It is about no record: the roles that may call it.
    Roles(&'static str),
    /// Everybody for themselves, or narrowed to what the caller may read: these tests hold it.
    Elsewhere(&'static str),
}

use Stated::{Cell, Elsewhere, Fields, Roles};

/// Method, path and what is stated; of paths that begin with the name of a resource, what follows it. The first line counts.
const CALLS: &[(&str, &str, Stated)] = &[
    ("get", "/v2/sync", Roles("am")),
    ("post", "/v2/sync", Roles("am")),
    ("get", "/v2/sync/plan", Roles("am")),
    ("delete", "/v2/sync/orphans", Roles("a")),
    ("get", "/v2/webhooks", Roles("am")),
    ("get", "/v2/webhooks/deliveries", Roles("am")),
    ("post", "/v2/webhooks/test", Roles("a")),
    ("get", "/v2/events", Elsewhere("events/sight.rs")),
    ("get", "/v2/history", Elsewhere("v2/history.rs")),
    ("post", "/v2/batch", Elsewhere("v2/batches.rs")),
    ("get", "/v2/me", Elsewhere("sessions.rs")),
    ("post", "/v2/refresh", Elsewhere("sessions.rs")),
    ("post", "/v2/logout", Elsewhere("sessions.rs")),
    ("post", "/v2/logout-all", Elsewhere("sessions.rs")),
    ("get", "/v2/sessions", Elsewhere("sessions.rs")),
    ("delete", "/v2/sessions/{id}", Elsewhere("sessions.rs")),
    ("post", "/v2/password", Elsewhere("passwords.rs")),
    ("get", "/v2/keys", Elsewhere("keys.rs")),
    ("post", "/v2/keys", Elsewhere("keys.rs")),
    ("get", "/v2/keys/{id}", Elsewhere("keys.rs")),
    ("delete", "/v2/keys/{id}", Elsewhere("keys.rs")),
    ("get", "", Cell("read")),
    ("post", "", Cell("create")),
    ("get", "/{id}", Cell("read")),
    ("put", "/{id}", Fields),
    ("patch", "/{id}", Fields),
    ("delete", "/{id}", Cell("delete")),
    ("get", "/{id}/history", Cell("read")),
    ("get", "/{id}/status", Cell("read")),
    ("get", "/{id}/series", Cell("read")),
    ("post", "/{id}/restore", Cell("restore")),
    ("post", "/{id}/rotate", Cell("rotate")),
    ("post", "/{id}/password-link", Cell("password-link")),
    ("post", "/import", Cell("import")),
    ("get", "/export.csv", Cell("export")),
    ("post", "/login", Elsewhere("sessions.rs")),
];

/// The resource that a path begins with, and what follows.
type OfResource = (String, String);

/// Every call of `/v2`: method, path, and what of it is a resource's.
fn calls() -> Vec<(String, String, Option<OfResource>)> {
    let kinds = kinds();
    let document = karana::http::document(&kinds);
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v2/"));
    let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let calls = paths.flat_map(|(path, item)| methods(item).into_iter().map(|method| (method, path.clone())));
    calls
        .map(|(method, path)| {
            let rest = path.strip_prefix("/v2/").unwrap();
            let (name, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let of = kinds.public().any(|kind| kind.name() == name);
            let of = of.then(|| (name.to_owned(), below.to_owned()));
            (method, path, of)
        })
        .collect()
}

/// What is stated of a call, and where in the list.
fn stated(method: &str, path: &str, of: Option<&(String, String)>) -> Option<(usize, &'static Stated)> {
    let path = of.map_or(path, |(_, below)| below);
    let line = CALLS.iter().position(|call| (call.0, call.1) == (method, path))?;
    Some((line, &CALLS[line].2))
}

/// What the cells of a resource must be about, its fields aside: what its calls are about.
pub fn verbs(resource: &str) -> BTreeSet<String> {
    let mut verbs = BTreeSet::new();
    for (method, path, of) in calls() {
        if of.as_ref().is_some_and(|(name, _)| name == resource)
            && let Some((_, Cell(verb))) = stated(&method, &path, of.as_ref())
        {
            verbs.insert((*verb).to_owned());
        }
    }
    verbs
}

#[test]
fn of_every_call_it_is_stated_which_cells_it_is_in() {
    let mut lines = BTreeSet::new();
    for (method, path, of) in calls() {
        let (line, stated) =
            stated(&method, &path, of.as_ref()).unwrap_or_else(|| panic!("{method} {path} is not stated"));
        lines.insert(line);
        match stated {
            Cell(verb) => {
                let (resource, _) = of.unwrap();
                let cell = CELLS.iter().find(|cell| cell.0 == resource && cell.1 == *verb);
                assert!(cell.is_some(), "{method} {path}: no cell is about `{verb}`");
            }
            Fields => assert!(of.is_some(), "{method} {path}"),
            Roles(_) => assert!(of.is_none(), "{method} {path}"),
            Elsewhere(file) => {
                let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(file);
                assert!(file.exists(), "{}", file.display());
            }
        }
    }
    assert_eq!(lines.len(), CALLS.len(), "no line is about a call that there is not");
}

#[tokio::test]
async fn calls_about_no_record_are_for_the_roles_that_are_stated() {
    let server = Server::start();
    let admin = server.admin().await;
    for (role, letter) in ROLES {
        let session = admin.person(role, &format!("a-{role}")).await.session;
        for (method, path, stated) in CALLS {
            let Roles(roles) = stated else { continue };
            // Without a back end there is nothing to drop, and without a destination nobody to tell.
            let (query, allowed) = match *path {
                "/v2/webhooks/test" => ("", 409),
                "/v2/sync/orphans" => ("?backend=influxdb&kind=database&name=x", 404),
                _ => ("", 200),
            };
            let method = method.to_uppercase();
            let answer = session.send(&method, &format!("{path}{query}"), &json!(null), &[]).await;
            let expected = if roles.contains(letter) { allowed } else { 403 };
            assert_eq!(answer.status, expected, "{role}: {method} {path}: {}", answer.text());
            // Those who may not are not told what is wrong with their question.
            if !roles.contains(letter) {
                let answer = session.send(&method, &format!("{path}?nonsense=1"), &json!(null), &[]).await;
                assert_eq!(answer.status, 403, "{role}: {method} {path}: {}", answer.text());
            }
        }
    }
}
