//! Lists on `/v2`: filters, order, pages.

use super::findings;
use crate::support::{Server, Session, user};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Thirty karanas, ten of each of two owners and ten of nobody.
async fn fleet(admin: &Session) -> (Vec<Value>, [String; 2]) {
    let mut owners = [String::new(), String::new()];
    for (owner, name) in owners.iter_mut().zip(["anna", "berta"]) {
        *owner = admin.made("users", &user(name)).await["uuid"].as_str().unwrap().to_owned();
    }
    let mut karanas = Vec::new();
    for number in 0..30 {
        let owner = owners.get(number % 3);
        let body = json!({
            "name": format!("{} {}", if number % 2 == 0 { "Roof" } else { "barn" }, number % 7),
            "note": if number % 5 == 0 { "a \"quoted\" ü\n" } else { "" },
            "owner": owner,
            "kid": owner.map(|_| format!("kid-{number}")),
            "config": {"post_int": 1 + number % 4},
        });
        karanas.push(admin.made("karanas", &body).await);
    }
    (karanas, owners)
}

fn uuids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["uuid"].as_str().unwrap().to_owned()).collect()
}

async fn all_pages(session: &Session, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page = session.found(&format!("{path}limit={limit}{after}")).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        assert!(items.len() <= page["total"].as_u64().unwrap() as usize);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let server = Server::start();
    let admin = server.admin().await;
    let (karanas, [anna, berta]) = fleet(&admin).await;
    let some = karanas[7]["uuid"].as_str().unwrap();
    let later = karanas[20]["created_at"].as_str().unwrap().replace('+', "%2B");
    type Fits = Box<dyn Fn(usize, &Value) -> bool>;
    let cases: Vec<(String, Fits)> = vec![
        (String::new(), Box::new(|_, _| true)),
        ("filter[name][eq]=Roof 2".into(), Box::new(|_, k| k["name"] == "Roof 2")),
        ("filter[name]=Roof 2".into(), Box::new(|_, k| k["name"] == "Roof 2")),
        ("filter[name][ne]=Roof 2".into(), Box::new(|_, k| k["name"] != "Roof 2")),
        ("filter[name][prefix]=ROOF".into(), Box::new(|n, _| n % 2 == 0)),
        ("filter[note][contains]=\"Quoted\" Ü".into(), Box::new(|n, _| n % 5 == 0)),
        ("filter[note][eq]=".into(), Box::new(|n, _| n % 5 != 0)),
        ("filter[config.post_int][gte]=3".into(), Box::new(|n, _| n % 4 >= 2)),
        ("filter[config.post_int][in]=1,4".into(), Box::new(|n, _| matches!(n % 4, 0 | 3))),
        ("filter[config.post_int][lt]=2.5".into(), Box::new(|n, _| n % 4 < 2)),
        (format!("filter[owner][eq]={anna}"), Box::new(|n, _| n % 3 == 0)),
        (format!("filter[owner][eq]={}", anna.to_uppercase()), Box::new(|n, _| n % 3 == 0)),
        (format!("filter[owner][in]={anna},{berta}"), Box::new(|n, _| n % 3 < 2)),
        (format!("filter[owner][ne]={anna}"), Box::new(|n, _| n % 3 != 0)),
        ("filter[owner][eq]=null".into(), Box::new(|n, _| n % 3 == 2)),
        (format!("filter[owner][in]=null,{anna}"), Box::new(|n, _| n % 3 != 1)),
        (format!("filter[owner]={anna}&filter[name][prefix]=barn"), Box::new(|n, _| n % 6 == 3)),
        ("filter[kid][gt]=kid-2".into(), Box::new(|_, k| k["kid"].as_str().is_some_and(|kid| kid > "kid-2"))),
        (format!("filter[uuid][in]={some},nonsense"), Box::new(|n, _| n == 7)),
        (format!("filter[created_at][gte]={later}"), Box::new(|n, _| n >= 20)),
        ("filter[state]=active".into(), Box::new(|_, _| true)),
    ];
    for (query, fits) in cases {
        let expected: BTreeSet<String> = karanas
            .iter()
            .enumerate()
            .filter(|(number, karana)| fits(*number, karana))
            .map(|(_, karana)| karana["uuid"].as_str().unwrap().to_owned())
            .collect();
        for sort in ["", "&sort=-created_at"] {
            let page = admin.found(&format!("/v2/karanas?{query}{sort}")).await;
            let found: BTreeSet<String> = uuids(page["items"].as_array().unwrap()).into_iter().collect();
            assert_eq!(found, expected, "{query}{sort}");
            assert_eq!(page["total"], expected.len(), "{query}");
            assert_eq!(page["next"], Value::Null, "{query}");
        }
    }
    let found = admin.found("/v2/users?filter[email]=ANNA@example.com&fields=uuid").await;
    assert_eq!(found["items"], json!([{"uuid": anna}]));
}

#[tokio::test]
async fn records_come_in_the_order_asked_for() {
    let server = Server::start();
    let admin = server.admin().await;
    let (mut karanas, _) = fleet(&admin).await;
    let key = |karana: &Value, name: &str| karana[name].as_str().map(str::to_lowercase);
    for limit in [1, 7, 30, 31] {
        karanas.sort_by_key(|karana| key(karana, "uuid"));
        assert_eq!(uuids(&all_pages(&admin, "/v2/karanas?", limit).await), uuids(&karanas));
        karanas.sort_by_key(|karana| (key(karana, "name"), karana["name"].as_str().map(str::to_owned)));
        assert_eq!(uuids(&all_pages(&admin, "/v2/karanas?sort=name&", limit).await), uuids(&karanas));
        karanas.sort_by(|a, b| {
            let post = |karana: &Value| karana["config"]["post_int"].as_i64();
            post(b)
                .cmp(&post(a))
                .then(key(a, "kid").cmp(&key(b, "kid")))
                .then(key(a, "uuid").cmp(&key(b, "uuid")))
        });
        let found = all_pages(&admin, "/v2/karanas?sort=-config.post_int,kid&", limit).await;
        assert_eq!(uuids(&found), uuids(&karanas), "pages of {limit}");
    }
}

/// What is there all the time comes exactly once, whatever is made, changed and deleted meanwhile.
#[tokio::test]
async fn pages_are_stable_under_writes() {
    let server = Server::start();
    let admin = server.admin().await;
    let (karanas, _) = fleet(&admin).await;
    for sort in ["", "sort=name&", "sort=-created_at&"] {
        let mut seen = Vec::new();
        let mut after = String::new();
        let mut fleeting = Vec::new();
        loop {
            let page = admin.found(&format!("/v2/karanas?{sort}limit=4{after}")).await;
            seen.extend(uuids(page["items"].as_array().unwrap()));
            for uuid in fleeting.drain(..) {
                let path = format!("/v2/karanas/{uuid}");
                admin.send("DELETE", &path, &Value::Null, &[("if-match", "*")]).await;
            }
            for name in ["Aaa", "Zzz"] {
                let made = admin.made("karanas", &json!({"name": name, "owner": null, "config": {}})).await;
                fleeting.push(made["uuid"].as_str().unwrap().to_owned());
            }
            match page["next"].as_str() {
                Some(next) if seen.len() < 200 => after = format!("&after={next}"),
                _ => break,
            }
        }
        for uuid in uuids(&karanas) {
            assert_eq!(seen.iter().filter(|known| **known == uuid).count(), 1, "{sort}: {uuid}");
        }
    }
}

#[tokio::test]
async fn a_client_sees_its_own_and_counts_no_others() {
    let server = Server::start();
    let admin = server.admin().await;
    fleet(&admin).await;
    let owner = admin.person("client", "owner").await;
    let karana = admin.made("karanas", &json!({"name": "Mine", "owner": owner.uuid, "config": {}})).await;
    let repair = json!({"karana": karana["uuid"], "date": "2026-02-28", "technician": "Ada"});
    admin.made("maintenances", &repair).await;
    let other = admin.made("karanas", &json!({"name": "Mine", "owner": null, "config": {}})).await;
    admin
        .made("maintenances", &json!({"karana": other["uuid"], "date": "2026-02-28", "technician": "Bob"}))
        .await;
    for query in ["", "?sort=name", "?filter[name]=Mine", "?filter[name][prefix]=m"] {
        let page = owner.session.found(&format!("/v2/karanas{query}")).await;
        assert_eq!((&page["items"], &page["total"]), (&json!([karana]), &1.into()), "{query}");
    }
    let other = other["uuid"].as_str().unwrap();
    let page = owner.session.found(&format!("/v2/karanas?filter[uuid]={other}")).await;
    assert_eq!((&page["items"], &page["total"]), (&json!([]), &0.into()));
    let page = owner.session.found("/v2/maintenances").await;
    assert_eq!((&page["items"][0]["technician"], &page["total"]), (&"Ada".into(), &1.into()));
    let page = owner.session.found("/v2/users").await;
    assert_eq!((&page["items"][0]["uuid"], &page["total"]), (&owner.uuid.clone().into(), &1.into()));
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let server = Server::start();
    let admin = server.admin().await;
    let list = admin.send("GET", "/v2/karanas", &Value::Null, &[]).await;
    let tag = list.header("etag").to_owned();
    let again = admin.send("GET", "/v2/karanas", &Value::Null, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    admin.made("karanas", &json!({"name": "New", "owner": null, "config": {}})).await;
    let again = admin.send("GET", "/v2/karanas", &Value::Null, &[("if-none-match", &tag)]).await;
    assert_eq!(again.json(200)["total"], 1);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_named() {
    let server = Server::start();
    let admin = server.admin().await;
    fleet(&admin).await;
    let named = admin.found("/v2/karanas?limit=1&sort=name").await["next"].as_str().unwrap().to_owned();
    for (query, field, code) in [
        ("limit=0", "limit", "range"),
        ("limit=501", "limit", "range"),
        ("limit=ten", "limit", "range"),
        ("limit=1&limit=2", "limit", "twice"),
        ("size=1", "size", "unknown"),
        ("filter[nome]=x", "filter[nome]", "unknown"),
        ("filter[name][like]=x", "filter[name][like]", "operator"),
        ("filter[name=x", "filter[name", "form"),
        ("filter[][eq]=x", "filter[][eq]", "form"),
        ("filter[config]=x", "filter[config]", "type"),
        ("filter[config.post_int]=x", "filter[config.post_int]", "type"),
        ("filter[config.post_int][contains]=1", "filter[config.post_int][contains]", "operator"),
        ("filter[created_at][gt]=yesterday", "filter[created_at][gt]", "type"),
        ("filter[config.password][prefix]=A", "filter[config.password][prefix]", "secret"),
        ("sort=config.password", "sort", "secret"),
        ("sort=nome", "sort", "unknown"),
        ("sort=", "sort", "unknown"),
        ("sort=name,-name", "sort", "twice"),
        ("after=nonsense", "after", "cursor"),
        (&format!("after={named}"), "after", "cursor"),
        (&format!("sort=note&after={named}"), "after", "cursor"),
    ] {
        let answer = admin.send("GET", &format!("/v2/karanas?{query}"), &Value::Null, &[]).await;
        assert_eq!(findings(&answer.problem(400, "invalid")), [(field.into(), code.into())], "{query}");
    }
    for field in ["credentials.password", "token_epoch"] {
        for query in [format!("filter[{field}][prefix]=1"), format!("sort={field}")] {
            let answer = admin.send("GET", &format!("/v2/users?{query}"), &Value::Null, &[]).await;
            assert_eq!(findings(&answer.problem(400, "invalid"))[0].1, "unknown");
        }
    }
}
