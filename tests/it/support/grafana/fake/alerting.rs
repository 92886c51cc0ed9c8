//! Folders, contact points and alert rules of an organization, in the fake.

use serde_json::{Value, json};

use super::{Answer, Organization, message};

/// `/api/folders`
pub fn folders(one: &mut Organization, method: &str, rest: &[&str], body: &Value) -> Answer {
    match (method, rest) {
        ("GET", [uid]) => {
            let missing = || message(404, "folder not found");
            one.folders.get(*uid).map_or_else(missing, |folder| (200, folder.clone()))
        }
        ("POST", []) => {
            if one.folders.values().any(|folder| folder["title"] == body["title"]) {
                return message(409, "a folder with the same name already exists in the current location");
            }
            let uid = body["uid"].as_str().unwrap().to_owned();
            if one.folders.contains_key(&uid) {
                return message(412, "a folder/dashboard with the same uid already exists");
            }
            one.folders.insert(uid, body.clone());
            (200, body.clone())
        }
        _ => message(404, "Not found"),
    }
}

/// `/api/v1/provisioning/contact-points`
pub fn contacts(one: &mut Organization, method: &str, rest: &[&str], body: &Value) -> Answer {
    let has = |name: &str| body["settings"][name].as_str().is_some_and(|text| !text.is_empty());
    let is_whole = match body["type"].as_str() {
        Some("email") => has("addresses"),
        Some("webhook") => has("url"),
        _ => false,
    };
    match (method, rest) {
        // A new organization has one from the beginning.
        ("GET", []) => {
            let own = json!({"uid": "", "name": "email receiver", "type": "email",
                "settings": {"addresses": "<example@email.com>"}});
            (200, one.contacts.values().cloned().chain([own]).collect())
        }
        ("POST" | "PUT", _) if !is_whole => message(400, "invalid receiver"),
        ("POST", []) => {
            let uid = body["uid"].as_str().unwrap().to_owned();
            if one.contacts.contains_key(&uid) {
                return message(400, "receiver configuration with the same UID already exists");
            }
            one.contacts.insert(uid, body.clone());
            (202, body.clone())
        }
        ("PUT", [uid]) => match one.contacts.get_mut(*uid) {
            Some(contact) => {
                *contact = body.clone();
                (202, json!({"message": "contactpoint updated"}))
            }
            None => message(404, "contact point not found"),
        },
        ("DELETE", [uid]) => {
            let name = one.contacts.get(*uid).map(|contact| contact["name"].clone());
            let names_it = |rule: &Value| Some(&rule["notification_settings"]["receiver"]) == name.as_ref();
            if one.rules.values().any(names_it) {
                return message(409, "contact point is used by alert rules");
            }
            one.contacts.remove(*uid);
            (202, json!({"message": "contactpoint deleted"}))
        }
        _ => message(404, "Not found"),
    }
}

/// `/api/v1/provisioning/alert-rules`. One that is missing is told without a body.
pub fn rules(
    one: &mut Organization,
    method: &str,
    rest: &[&str],
    body: &Value,
    organization: i64,
    no_receivers: bool,
) -> Answer {
    let mut rule = body.clone();
    if matches!(method, "POST" | "PUT") {
        if let Some(refusal) = refusal(one, body, organization, no_receivers) {
            return refusal;
        }
        if no_receivers {
            rule.as_object_mut().unwrap().remove("notification_settings");
        }
    }
    match (method, rest) {
        ("GET", []) => (200, one.rules.values().cloned().collect()),
        ("POST", []) => {
            let uid = body["uid"].as_str().unwrap().to_owned();
            if one.rules.contains_key(&uid) {
                return message(
                    409,
                    "a conflicting alert rule is found: rule UID under the same organisation",
                );
            }
            one.rules.insert(uid, rule.clone());
            (201, rule)
        }
        ("PUT", [uid]) => match one.rules.get_mut(*uid) {
            Some(present) => {
                *present = rule.clone();
                (200, rule)
            }
            None => (404, Value::Null),
        },
        ("DELETE", [uid]) => {
            one.rules.remove(*uid);
            (204, Value::Null)
        }
        _ => (404, Value::Null),
    }
}

/// Why a rule is not taken, if it is not.
fn refusal(one: &Organization, rule: &Value, organization: i64, no_receivers: bool) -> Option<Answer> {
    let text = |name: &str| rule[name].as_str().unwrap_or_default();
    let required = ["folderUID", "ruleGroup", "title", "condition", "noDataState", "execErrState", "for"];
    let title = text("title").chars().count();
    let receiver = &rule["notification_settings"]["receiver"];
    let known = no_receivers || one.contacts.values().any(|contact| contact["name"] == *receiver);
    let same = |other: &Value| {
        other["uid"] != rule["uid"]
            && other["title"] == rule["title"]
            && other["folderUID"] == rule["folderUID"]
    };
    let queries = rule["data"].as_array()?;
    let asks = |query: &Value| {
        let uid = query["datasourceUid"].as_str().unwrap_or_default();
        uid == "__expr__" || one.datasources.contains_key(uid)
    };
    let reason = match () {
        () if required.iter().any(|name| text(name).is_empty()) => "invalid alert rule",
        () if rule["orgID"] != organization => "invalid alert rule: another organization",
        () if !(1..=190).contains(&title) => "invalid alert rule: title",
        () if text("uid").len() > 40 => "invalid alert rule: uid",
        () if !one.folders.contains_key(text("folderUID")) => "folder does not exist",
        () if !known => "receiver does not exist",
        () if !queries.iter().all(asks) => "data source not found",
        () if one.rules.values().any(same) => {
            return Some(message(
                409,
                "a conflicting alert rule is found: rule title under the same organisation and folder should be unique",
            ));
        }
        () => return None,
    };
    Some(message(400, reason))
}
