//! Which cells of the matrix each call of `/v2` is in. Which calls there are is asked of the program.

use super::{CELLS, ROLES, kinds};
use crate::support::Server;
use serde_json::json;
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
    ("get", "/v2/about", Elsewhere("about.rs")),
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

/// A call of `/v2`, as the description has it.
struct Call {
    method: String,
    path: String,
    /// The resource that its path begins with, and what follows.
    of: Option<(String, String)>,
}

impl Call {
    /// What is stated of it, and where in the list.
    fn stated(&self) -> Option<(usize, &'static Stated)> {
        let path = self.of.as_ref().map_or(&self.path, |(_, below)| below);
        let line = CALLS.iter().position(|call| call.0 == self.method && call.1 == path)?;
        Some((line, &CALLS[line].2))
    }
}

/// Every call of `/v2`.
fn calls() -> Vec<Call> {
    let kinds = kinds();
    let document = karana::http::document(&kinds);
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(rest) = path.strip_prefix("/v2/") else { continue };
        let (name, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_resource = kinds.public().any(|kind| kind.name() == name);
        let of = is_resource.then(|| (name.to_owned(), below.to_owned()));
        let methods = item.as_object().unwrap().keys().cloned();
        calls.extend(methods.map(|method| Call { method, path: path.clone(), of: of.clone() }));
    }
    calls
}

/// What the cells of a resource must be about, its fields aside: what its calls are about.
pub fn verbs(resource: &str) -> BTreeSet<String> {
    let of_it = |call: &Call| call.of.as_ref().is_some_and(|(name, _)| name == resource);
    let verb = |call: Call| match call.stated() {
        Some((_, Cell(verb))) => Some((*verb).to_owned()),
        _ => None,
    };
    calls().into_iter().filter(of_it).filter_map(verb).collect()
}

#[test]
fn of_every_call_it_is_stated_which_cells_it_is_in() {
    let mut lines = BTreeSet::new();
    for call in calls() {
        let stated = call.stated();
        let Call { method, path, of } = call;
        let (line, stated) = stated.unwrap_or_else(|| panic!("{method} {path} is not stated"));
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
