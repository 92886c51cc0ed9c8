//! Signing in on `/v2`: sessions, what refreshes them, and what ends them.

use crate::support::{Answer, Home, PATIENCE, Person, Server, Session, record, user};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// Somebody with a session.
pub struct SignedIn {
    /// With the access token.
    pub session: Session,
    pub refresh_token: String,
}

impl SignedIn {
    /// What a sign-in or a refresh is answered with.
    pub fn of(session: &Session, answer: &Answer) -> Self {
        let body = answer.json(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &900.into()));
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name}: {body}")).to_owned();
        Self { session: session.with_token(text("access_token")), refresh_token: text("refresh_token") }
    }

    pub async fn refreshed(&self) -> Self {
        Self::of(&self.session, &refresh(&self.session, &self.refresh_token).await)
    }

    async fn sessions(&self) -> Vec<Value> {
        self.session.found("/v2/sessions").await["items"].as_array().unwrap().clone()
    }

    async fn ended(&self) {
        self.session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
        self.session.get("/v1/users").await.refused(401, "Invalid Authentication");
        refresh(&self.session, &self.refresh_token).await.problem(401, "bad_credentials");
    }

    async fn goes_on(&self) {
        self.session.found("/v2/me").await;
    }
}

pub async fn try_sign_in(session: &Session, email: &str, password: &str) -> Answer {
    let login = json!({"user": email, "password": password});
    session.send("POST", "/v2/users/login", &login, &[("user-agent", "a test")]).await
}

pub async fn sign_in(session: &Session, email: &str, password: &str) -> SignedIn {
    SignedIn::of(session, &try_sign_in(session, email, password).await)
}

async fn refresh(session: &Session, token: &str) -> Answer {
    session.send("POST", "/v2/refresh", &json!({"refresh_token": token}), &[]).await
}

/// A server, its admin, and a client with a session.
async fn stage() -> (Server, Session, Person, SignedIn) {
    let server = Server::start();
    let admin = server.admin().await;
    let micha = admin.person("client", "micha").await;
    let signed_in = sign_in(&server.nobody, &micha.email, &micha.password).await;
    (server, admin, micha, signed_in)
}

#[tokio::test]
async fn an_access_token_is_good_on_both_versions_and_says_who_one_is() {
    let (_server, _, micha, signed_in) = stage().await;
    let me = signed_in.session.found("/v2/me").await;
    let session = signed_in.sessions().await[0]["id"].clone();
    assert_eq!(
        me,
        json!({
            "uuid": micha.uuid, "resource": "users", "name": "micha", "email": micha.email, "role": "client",
            "state": "active", "credentials": {"type": "session", "session": session},
        })
    );
    signed_in.session.get(&format!("/v1/users/{}", micha.uuid)).await.entry(&micha.uuid);
    let old = micha.session.found("/v2/me").await;
    assert_eq!(old["credentials"], json!({"type": "token"}));
}

#[tokio::test]
async fn a_sign_in_is_refused_alike_whatever_is_wrong() {
    let (server, admin, micha, _) = stage().await;
    let mut suspended = user("suspended");
    suspended["state"] = "suspended".into();
    admin.made("users", &suspended).await;
    let mut problems = Vec::new();
    for (email, password) in [
        (micha.email.as_str(), "wrong"),
        ("nobody@example.com", "wrong"),
        ("suspended@example.com", "password of suspended"),
        ("", ""),
    ] {
        let mut problem = try_sign_in(&server.nobody, email, password).await.problem(401, "bad_credentials");
        problem["request_id"] = Value::Null;
        problems.push(problem);
    }
    assert!(problems.iter().all(|problem| *problem == problems[0]), "{problems:?}");
    for (body, field, code) in [
        (json!({"user": "x"}), "password", "required"),
        (json!({"user": "x", "password": 7}), "password", "type"),
        (json!({"user": "x", "password": "y", "remember": true}), "remember", "unknown"),
        (json!({"user": "x", "password": "y".repeat(513)}), "password", "max_length"),
    ] {
        let problem = server.nobody.send("POST", "/v2/users/login", &body, &[]).await.problem(400, "invalid");
        assert_eq!(crate::v2::findings(&problem), [(field.to_owned(), code.to_owned())]);
    }
    let in_query = format!("/v2/users/login?user={}&password=canary", micha.email);
    let login = json!({"user": micha.email, "password": micha.password});
    let refused = server.nobody.send("POST", &in_query, &login, &[]).await;
    assert!(!refused.problem(400, "invalid").to_string().contains("canary"));
    for resource in ["karanas", "nothing"] {
        let path = format!("/v2/{resource}/login");
        server.nobody.send("POST", &path, &login, &[]).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_refresh_token_is_for_one_use_and_the_session_goes_on() {
    let (_server, _, _, first) = stage().await;
    let second = first.refreshed().await;
    assert_ne!(first.refresh_token, second.refresh_token);
    second.goes_on().await;
    // Its answer was lost on the way, and the client asks again.
    let again = first.refreshed().await;
    assert_eq!(again.refresh_token, second.refresh_token);
    let third = second.refreshed().await;
    assert_eq!(third.sessions().await.len(), 1);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_for_both() {
    let (server, _, micha, stolen) = stage().await;
    let other = sign_in(&server.nobody, &micha.email, &micha.password).await;
    let second = stolen.refreshed().await;
    let third = second.refreshed().await;
    refresh(&server.nobody, &stolen.refresh_token).await.problem(401, "bad_credentials");
    third.ended().await;
    other.goes_on().await;
    let log = server.stop().stderr;
    assert!(log.contains("came again"), "{log}");
    assert!(!log.contains(&stolen.refresh_token));
}

#[tokio::test]
async fn what_is_no_refresh_token_refreshes_nothing() {
    let (server, _, _, signed_in) = stage().await;
    let access = signed_in.session.token.clone().unwrap();
    for token in ["", "nonsense", access.as_str()] {
        refresh(&server.nobody, token).await.problem(401, "bad_credentials");
    }
    let none = server.nobody.send("POST", "/v2/refresh", &json!({}), &[]).await.problem(400, "invalid");
    assert_eq!(crate::v2::findings(&none), [("refresh_token".to_owned(), "required".to_owned())]);
    // Nor does a refresh token let anybody in.
    let with_refresh = server.nobody.with_token(&signed_in.refresh_token);
    with_refresh.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    signed_in.goes_on().await;
}

#[tokio::test]
async fn logging_out_ends_this_session_and_no_other_across_a_power_cut_too() {
    let (server, _, micha, one) = stage().await;
    let other = sign_in(&server.nobody, &micha.email, &micha.password).await;
    let answer = one.session.send("POST", "/v2/logout", &Value::Null, &[]).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    one.ended().await;
    other.goes_on().await;
    let home = server.home().clone();
    server.kill();
    let server = home.serve();
    let moved = |who: &SignedIn| SignedIn {
        session: server.nobody.with_token(who.session.token.clone().unwrap()),
        refresh_token: who.refresh_token.clone(),
    };
    moved(&one).ended().await;
    moved(&other).goes_on().await;
    moved(&other).refreshed().await.goes_on().await;
}

#[tokio::test]
async fn logging_out_everywhere_ends_all_tokens_in_one_commit() {
    let (server, admin, micha, one) = stage().await;
    let other = sign_in(&server.nobody, &micha.email, &micha.password).await;
    let before = admin.found("/v2/history?limit=1").await["items"][0]["revision"].clone();
    let answer = one.session.send("POST", "/v2/logout-all", &Value::Null, &[]).await;
    assert_eq!(answer.status, 204);
    let now = admin.found("/v2/history?limit=2").await;
    assert_eq!(now["items"][0]["revision"], answer.header("karana-revision"));
    assert_eq!(now["items"][1]["revision"], before, "one commit");
    one.ended().await;
    other.ended().await;
    micha.session.get("/v1/users").await.refused(401, "Invalid Authentication");
    admin.get("/v1/users").await.results();
    sign_in(&server.nobody, &micha.email, &micha.password).await.goes_on().await;
    // A token of /v1 is of no session, and ends with all.
    let old = server.nobody.login(&micha.email, &micha.password).await;
    old.send("POST", "/v2/logout", &Value::Null, &[]).await.problem(409, "conflict");
    assert_eq!(old.send("POST", "/v2/logout-all", &Value::Null, &[]).await.status, 204);
    old.get("/v1/users").await.refused(401, "Invalid Authentication");
}

#[tokio::test]
async fn another_password_role_or_state_and_deletion_end_the_sessions() {
    let (server, admin, micha, first) = stage().await;
    let one = format!("/v2/users/{}", micha.uuid);
    let mut signed_in = first;
    for change in [
        json!({"credentials": {"password": micha.password}}),
        json!({"role": "viewer"}),
        json!({"state": "suspended"}),
    ] {
        signed_in.goes_on().await;
        admin.send("PATCH", &one, &change, &[]).await.json(200);
        signed_in.ended().await;
        admin.send("PATCH", &one, &json!({"state": "active"}), &[]).await.json(200);
        signed_in.ended().await;
        signed_in = sign_in(&server.nobody, &micha.email, &micha.password).await;
    }
    admin.send("PATCH", &one, &json!({"name": "Another"}), &[]).await.json(200);
    signed_in.goes_on().await;
    assert_eq!(admin.send("DELETE", &one, &Value::Null, &[("if-match", "*")]).await.status, 204);
    signed_in.ended().await;
}

#[tokio::test]
async fn sessions_are_listed_to_their_user_and_to_admins_and_end_one_by_one() {
    let (server, admin, micha, one) = stage().await;
    let other = sign_in(&server.nobody, &micha.email, &micha.password).await;
    let listed = one.sessions().await;
    assert_eq!(listed.len(), 2);
    let current: Vec<_> = listed.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!((&current[0]["user_agent"], &current[0]["address"]), (&"a test".into(), &"127.0.0.1".into()));
    for name in ["started_at", "used_at", "expires_at"] {
        chrono::DateTime::parse_from_rfc3339(current[0][name].as_str().unwrap()).unwrap();
    }
    let keys: Vec<_> = current[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys.len(), 7, "no hash, no epoch: {keys:?}");
    let of_other = listed.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/v2/sessions/{}", of_other["id"].as_str().unwrap());

    let viewer = admin.person("viewer", "viewer").await;
    let by_user = format!("/v2/sessions?user={}", micha.uuid);
    viewer.session.send("GET", &by_user, &Value::Null, &[]).await.problem(403, "forbidden");
    viewer.session.send("DELETE", &path, &Value::Null, &[]).await.problem(404, "not_found");
    assert_eq!(admin.found(&by_user).await["total"], 2);
    assert_eq!(admin.found("/v2/sessions").await["items"], json!([]));
    one.session.send("GET", "/v2/sessions?user=x", &Value::Null, &[]).await.problem(400, "invalid");
    other.goes_on().await;
    assert_eq!(admin.send("DELETE", &path, &Value::Null, &[]).await.status, 204);
    other.ended().await;
    one.session.send("DELETE", &path, &Value::Null, &[]).await.problem(404, "not_found");
    one.session.send("DELETE", "/v2/sessions/x", &Value::Null, &[]).await.problem(404, "not_found");
    let own = format!("/v2/sessions/{}", current[0]["id"].as_str().unwrap());
    assert_eq!(one.session.send("DELETE", &own, &Value::Null, &[]).await.status, 204);
    one.ended().await;
}

#[tokio::test]
async fn nothing_of_a_session_is_for_those_who_are_not_signed_in() {
    let server = Server::start();
    for (method, path) in [
        ("GET", "/v2/me"),
        ("GET", "/v2/sessions"),
        ("DELETE", "/v2/sessions/00000000-0000-4000-8000-000000000000"),
        ("POST", "/v2/logout-all"),
        ("GET", "/v2/keys"),
        ("POST", "/v2/keys"),
        ("POST", "/v2/users/00000000-0000-4000-8000-000000000000/password-link"),
    ] {
        server.nobody.send(method, path, &Value::Null, &[]).await.problem(401, "unauthorized");
    }
    for (method, path) in [("GET", "/v2/refresh"), ("GET", "/v2/users/login"), ("DELETE", "/v2/me")] {
        server.nobody.send(method, path, &Value::Null, &[]).await.problem(405, "method_not_allowed");
    }
}

/// Of both cookies, the refresh token's first, name and value, and the attributes, sorted.
fn both_cookies(answer: &Answer) -> [(String, Vec<String>); 2] {
    let texts: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|text| text.to_str().unwrap()).collect();
    [texts[0], texts[1]].map(parsed)
}

fn cookie(answer: &Answer) -> (String, Vec<String>) {
    parsed(answer.header("set-cookie"))
}

fn parsed(cookie: &str) -> (String, Vec<String>) {
    let mut parts = cookie.split("; ").map(str::to_owned);
    let pair = parts.next().unwrap();
    let mut attributes: Vec<_> = parts.collect();
    attributes.sort();
    (pair, attributes)
}

#[tokio::test]
async fn a_refresh_token_in_a_cookie_is_out_of_a_pages_reach() {
    let server = Server::start_with("[api]\npublic_url = https://karana.example.org\n", &[]);
    let login = json!({"user": "admin@example.com", "password": "admin", "cookie": true});
    let answer = server.nobody.send("POST", "/v2/users/login", &login, &[]).await;
    let body = answer.json(200);
    assert!(body.get("refresh_token").is_none());
    let (pair, attributes) = cookie(&answer);
    assert_eq!(attributes, ["HttpOnly", "Max-Age=2592000", "Path=/v2/", "SameSite=Strict", "Secure"]);
    // A page sees that there is one, and nothing of it.
    let (sign, attributes) = both_cookies(&answer)[1].clone();
    assert_eq!(sign, "karana_signed_in=1");
    assert_eq!(attributes, ["Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"]);

    let session = server.nobody.with_token(body["access_token"].as_str().unwrap());
    let cookies = format!("theme=dark; {pair}");
    let refreshed = server.nobody.send("POST", "/v2/refresh", &Value::Null, &[("cookie", &cookies)]).await;
    assert!(refreshed.json(200).get("refresh_token").is_none());
    assert_ne!(cookie(&refreshed).0, pair);
    let gone = session.send("POST", "/v2/logout", &Value::Null, &[("cookie", &cookies)]).await;
    assert_eq!(gone.status, 204);
    for (pair, attributes) in both_cookies(&gone) {
        assert!(pair.ends_with('=') && attributes.contains(&"Max-Age=0".to_owned()), "{pair} {attributes:?}");
    }
}

#[tokio::test]
async fn who_signs_in_is_told_who_they_are_and_what_they_may_do() {
    let (server, _, micha, _) = stage().await;
    for (email, password) in [("admin@example.com", "admin"), (&micha.email, &micha.password)] {
        let begun = try_sign_in(&server.nobody, email, password).await.json(200);
        let session = server.nobody.with_token(begun["access_token"].as_str().unwrap());
        let goes_on = refresh(&session, begun["refresh_token"].as_str().unwrap()).await.json(200);
        for mut answer in [begun, goes_on] {
            let [mut me, mut about] = [session.found("/v2/me").await, session.found("/v2/about").await];
            assert_eq!(answer["me"], me.take());
            // It goes on meanwhile.
            let health = |about: &mut Value| about.as_object_mut().unwrap().remove("health").is_some();
            assert_eq!(health(&mut answer["about"]), health(&mut about));
            assert_eq!(answer["about"], about.take());
        }
    }
}

/// A page that has been loaded anew has nothing but the cookie.
#[tokio::test]
async fn the_cookie_alone_ends_its_session_and_is_taken_back() {
    let server = Server::start_with("[api]\npublic_url = https://karana.example.org\n", &[]);
    let login = json!({"user": "admin@example.com", "password": "admin", "cookie": true});
    let begin = async || {
        let answer = server.nobody.send("POST", "/v2/users/login", &login, &[]).await;
        (server.nobody.with_token(answer.json(200)["access_token"].as_str().unwrap()), cookie(&answer).0)
    };
    let logout = async |who: &Session, cookie: Option<&str>| {
        let headers: Vec<_> = cookie.map(|cookie| ("cookie", cookie)).into_iter().collect();
        who.send("POST", "/v2/logout", &Value::Null, &headers).await
    };
    let taken_back = |answer: &Answer| {
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
        let (pair, attributes) = cookie(answer);
        assert_eq!(pair, "karana_refresh=");
        assert_eq!(attributes, ["HttpOnly", "Max-Age=0", "Path=/v2/", "SameSite=Strict", "Secure"]);
    };
    let refused = async |cookie: &str| {
        let answer = server.nobody.send("POST", "/v2/refresh", &Value::Null, &[("cookie", cookie)]).await;
        answer.problem(401, "bad_credentials");
    };

    let (other, _) = begin().await;
    let (session, pair) = begin().await;
    taken_back(&logout(&server.nobody, Some(&pair)).await);
    session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    refused(&pair).await;
    // Again, as often as it takes: also with what is no token, and with nothing.
    for cookie in [Some(pair.as_str()), Some("karana_refresh=nonsense"), Some("theme=dark"), None] {
        taken_back(&logout(&server.nobody, cookie).await);
    }
    other.found("/v2/me").await;

    // A token that has been used since is of the session all the same.
    let (session, old) = begin().await;
    let answer = server.nobody.send("POST", "/v2/refresh", &Value::Null, &[("cookie", &old)]).await;
    let new = cookie(&answer).0;
    taken_back(&logout(&server.nobody, Some(&old)).await);
    session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    refused(&new).await;

    // With an access token that has ended the cookie counts, and without one that is so.
    let (session, pair) = begin().await;
    taken_back(&logout(&server.nobody.with_token("ended"), Some(&pair)).await);
    session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    logout(&session, None).await.problem(401, "bad_credentials");
    // Of two sessions neither is left, for the other's cookie is gone, too.
    let ((one, _), (two, pair)) = (begin().await, begin().await);
    taken_back(&logout(&one, Some(&pair)).await);
    two.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
    // Who signs out by the access token alone is told of no cookie.
    let (session, _) = begin().await;
    assert_eq!(logout(&session, None).await.header("set-cookie"), "");
    // A key is of no session, whoever's cookie comes with it.
    let new = json!({"name": "k", "scopes": ["*:read:all"]});
    let key = other.send("POST", "/v2/keys", &new, &[]).await.json(201)["key"].as_str().unwrap().to_owned();
    logout(&server.nobody.with_token(key), Some(&pair)).await.problem(403, "forbidden");
    // What the cookie ended is so on the disk.
    let (session, pair) = begin().await;
    taken_back(&logout(&server.nobody, Some(&pair)).await);
    let (home, token) = (server.home().clone(), session.token.unwrap());
    server.kill();
    let server = home.serve();
    let session = server.nobody.with_token(token);
    session.send("GET", "/v2/me", &Value::Null, &[]).await.problem(401, "bad_credentials");
}

#[tokio::test]
async fn a_cookie_without_https_is_sent_without_it() {
    let server = Server::start();
    let login = json!({"user": "admin@example.com", "password": "admin", "cookie": true});
    let answer = server.nobody.send("POST", "/v2/users/login", &login, &[]).await;
    assert!(!cookie(&answer).1.contains(&"Secure".to_owned()));
}

#[tokio::test]
async fn access_tokens_are_as_short_as_configured_and_the_session_outlives_them() {
    let server = Server::start_with("[auth]\naccess_ttl = 1s\nrefresh_ttl = 1h\n", &[]);
    let login = json!({"user": "admin@example.com", "password": "admin"});
    let body = server.nobody.send("POST", "/v2/users/login", &login, &[]).await.json(200);
    assert_eq!(body["expires_in"], 1);
    let session = server.nobody.with_token(body["access_token"].as_str().unwrap());
    let begin = std::time::Instant::now();
    while session.send("GET", "/v2/me", &Value::Null, &[]).await.status == 200 {
        assert!(begin.elapsed().as_secs() < 10, "the token does not end");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let token = body["refresh_token"].as_str().unwrap();
    refresh(&session, token).await.json(200);
}

#[tokio::test]
async fn what_is_kept_of_sessions_is_for_our_user_alone_and_holds_no_token() {
    let (server, _, micha, signed_in) = stage().await;
    let folder = server.home().storage().join("state/sessions");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(text.contains(&micha.uuid));
    for token in [&signed_in.refresh_token, signed_in.session.token.as_ref().unwrap()] {
        assert!(token.split('.').skip(1).all(|part| !text.contains(part)), "{text}");
    }
    // Nor is any of it in the repository.
    let tree = server.home().git(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(tree.contains(&record("users", &micha.uuid)) && !tree.contains("session"), "{tree}");
}

/// Sessions can be lost without loss of records: everybody signs in again.
#[tokio::test]
async fn without_its_state_the_server_starts_and_everybody_signs_in_again() {
    let (server, _, micha, signed_in) = stage().await;
    let home: Home = server.home().clone();
    server.stop();
    std::fs::remove_dir_all(home.storage().join("state")).unwrap();
    let server = home.serve();
    let again = SignedIn {
        session: server.nobody.with_token(signed_in.session.token.unwrap()),
        refresh_token: signed_in.refresh_token,
    };
    again.ended().await;
    sign_in(&server.nobody, &micha.email, &micha.password).await.goes_on().await;
}

/// The calls in docs/sign-in.md, as they stand there.
#[tokio::test]
async fn the_examples_of_the_documentation_work() {
    let page = include_str!("../../docs/sign-in.md");
    let blocks: Vec<_> =
        page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 3);
    let server = Server::start();
    let mut shell = tokio::process::Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &blocks.concat()]).env("api", &server.address).kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, shell.output()).await.expect("curl ends").unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    for shown in ["\"role\":\"admin\"", "\"current\":true", "\"hint\":\"karana_", "\"access_token\":\""] {
        assert!(out.contains(shown), "{shown}: {out}{err}");
    }
}
