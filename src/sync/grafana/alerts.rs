//! Alerts: for each device a rule that says when it is offline, and a contact point that is told.
//!
//! A rule counts the points of a long time, so that one query says it all, and fires when there are none (`noDataState`). One
//! rule for all devices of an owner would not do: it groups by what was found, and of a device that is silent nothing is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::dashboard::{is_of_device, title, uid_of_device};
use crate::sync::fleet::{Device, Owner};
use crate::sync::influx::statement::identifier;
use crate::sync::secret::Secret;

/// The contact point and the folder of the rules, in every organization of ours.
pub const NAME: &str = "karana";

/// Grafana takes no longer title.
const LONGEST_TITLE: usize = 190;

/// A device is offline when it has missed so many posts, and has been silent for a day.
const MISSED: u64 = 10;
const DAY: u64 = 24 * 60 * 60;

/// No device is asked about more than a year.
const YEAR: u64 = 365 * DAY;

/// Whether and whom Grafana tells that a device is offline.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Calls this URL; without one a mail goes to the owner.
    pub webhook: Option<Webhook>,
    /// What one unit of `post_int` is.
    pub post_int_unit: Duration,
}

/// A URL that alerts are sent to. It may hold a secret, which `Debug` hides.
#[derive(Debug, Clone)]
pub struct Webhook(Secret);

impl Webhook {
    /// Hides `url`.
    pub fn new(url: &str) -> Self {
        Self(Secret::new(url))
    }
}

/// What an owner's organization is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// Who is told.
    pub contact: Contact,
    /// A rule for each device that may post.
    pub rules: BTreeMap<Uuid, Rule>,
}

/// A contact point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    kind: &'static str,
    to: Secret,
}

/// An alert rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name in Grafana.
    pub uid: String,
    /// What of it tells it from what was made before: the first digits of a hash over all of it.
    pub content: String,
    json: Value,
}

impl Alerts {
    /// Those of an owner. A device that is suspended cannot post: nobody need be told.
    pub fn of(settings: &AlertSettings, owner: &Owner, devices: &[&Device]) -> Self {
        let contact = match &settings.webhook {
            Some(Webhook(url)) => Contact { kind: "webhook", to: url.clone() },
            None => Contact { kind: "email", to: Secret::new(&*owner.email) },
        };
        let alone = devices.len() == 1;
        let may_post = devices.iter().filter(|device| !owner.suspended && !device.suspended);
        let rules = may_post
            .map(|device| (device.uuid, Rule::of(device, owner.uuid, alone, settings.post_int_unit)))
            .collect();
        Self { contact, rules }
    }
}

impl Contact {
    /// A hash of what it is: it is kept, and may hold a secret.
    pub fn content(&self) -> String {
        digits(&format!("{} {}", self.kind, self.to.expose()))
    }

    /// As it is sent.
    pub fn json(&self) -> Value {
        let settings = match self.kind {
            "email" => json!({"addresses": self.to.expose(), "singleEmail": true}),
            _ => json!({"url": self.to.expose(), "httpMethod": "POST"}),
        };
        json!({"uid": NAME, "name": NAME, "type": self.kind, "settings": settings, "disableResolveMessage": false})
    }
}

impl Rule {
    fn of(device: &Device, owner: Uuid, alone: bool, unit: Duration) -> Self {
        let is_it = is_of_device(device, alone).map(|is_it| format!("{is_it} AND ")).unwrap_or_default();
        let query = format!("SELECT count(*) FROM {} WHERE {is_it}$timeFilter", identifier(&device.series));
        let silent = silent(device, unit);
        let datasource = format!("k-{}", owner.simple());
        let uid = uid_of_device(device.uuid);
        let range = json!({"from": silent, "to": 0});
        let expression = |id: &str, model: Value| {
            let mut model = model;
            model["refId"] = id.into();
            model["datasource"] = json!({"type": "__expr__", "uid": "__expr__"});
            json!({"refId": id, "queryType": "", "relativeTimeRange": range, "datasourceUid": "__expr__", "model": model})
        };
        let name = title(&device.name);
        // A title is one rule's alone in its folder, and names of karanas need not be.
        let digits_of_it: String = device.uuid.simple().to_string().chars().take(8).collect();
        let end = format!(" is offline ({digits_of_it})");
        let title: String = name.chars().take(LONGEST_TITLE - end.len()).collect::<String>() + &end;
        let json = json!({
            "uid": uid,
            "title": title,
            "folderUID": NAME,
            "ruleGroup": NAME,
            "condition": "C",
            "data": [
                {
                    "refId": "A", "queryType": "", "relativeTimeRange": range, "datasourceUid": datasource,
                    "model": {
                        "refId": "A", "datasource": {"type": "influxdb", "uid": datasource}, "rawQuery": true,
                        "query": query, "resultFormat": "time_series", "intervalMs": 60_000, "maxDataPoints": 100,
                    },
                },
                // How many rows came for each field: one where there is any, whatever it counts.
                expression("B", json!({"type": "reduce", "expression": "A", "reducer": "count"})),
                expression("C", json!({
                    "type": "threshold", "expression": "B",
                    "conditions": [{"type": "query", "evaluator": {"type": "lt", "params": [1]}}],
                })),
            ],
            "noDataState": "Alerting",
            // An InfluxDB that is away is the operator's trouble: nobody knows of any karana then.
            "execErrState": "OK",
            "for": "5m",
            "annotations": {
                // Grafana takes it for a template, and a name is whatever an owner wants.
                "summary": format!("{name} has posted nothing for {}", words(silent)).replace('{', "(").replace('}', ")"),
                "__dashboardUid__": uid,
                "__panelId__": "1",
            },
            "labels": {"karana": device.uuid},
            "isPaused": false,
            "notification_settings": {"receiver": NAME},
        });
        Self { uid, content: digits(&json.to_string()), json }
    }

    /// As it is sent to the organization with that number.
    pub fn json(&self, organization: i64) -> Value {
        let mut json = self.json.clone();
        json["orgID"] = organization.into();
        json
    }
}

/// For how many seconds a device that is offline has been silent.
fn silent(device: &Device, unit: Duration) -> u64 {
    let interval = u64::try_from(device.post_int).unwrap_or_default().saturating_mul(unit.as_secs());
    interval.saturating_mul(MISSED).clamp(DAY, YEAR)
}

fn words(seconds: u64) -> String {
    match seconds / 3600 {
        hours if seconds.is_multiple_of(DAY) && hours > 24 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    }
}

fn digits(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fleet::tests::{device, owner};

    fn settings(webhook: Option<&str>) -> AlertSettings {
        AlertSettings { webhook: webhook.map(Webhook::new), post_int_unit: Duration::from_secs(60) }
    }

    fn rule(device: &Device, others: &[&Device]) -> Value {
        let devices: Vec<_> = [device].into_iter().chain(others.iter().copied()).collect();
        Alerts::of(&settings(None), &owner(1), &devices).rules[&device.uuid].json(7)
    }

    #[test]
    fn a_rule_asks_for_points_of_its_device_alone_and_names_it() {
        let (one, other) = (Device { name: "Roof".into(), ..device(8, Some(1)) }, device(9, Some(1)));
        let asked = |rule: &Value| rule["data"][0]["model"]["query"].as_str().unwrap().to_owned();
        assert_eq!(asked(&rule(&one, &[])), "SELECT count(*) FROM \"data\" WHERE $timeFilter");
        let both = rule(&one, &[&other]);
        assert!(asked(&both).contains("\"KID\" = '00000000-0000-0000-0000-000000000008'"));
        assert_eq!(both["data"][0]["datasourceUid"], "k-00000000000000000000000000000001");
        assert_eq!(both["annotations"]["summary"], "Roof has posted nothing for 24 hours");
        assert_eq!(both["title"], "Roof is offline (00000000)");
        let rule = rule(&Device { name: "{{{x}} $y".into(), ..device(8, Some(1)) }, &[]);
        assert_eq!(rule["annotations"]["summary"], "(((x)) $y has posted nothing for 24 hours");
        assert_eq!((&both["noDataState"], &both["orgID"]), (&json!("Alerting"), &json!(7)));
    }

    #[test]
    fn a_device_is_offline_after_ten_posts_or_a_day_whichever_is_longer() {
        for (post_int, from, words) in [
            (1, DAY, "24 hours"),
            (144, DAY, "24 hours"),
            (180, 108_000, "30 hours"),
            (432, 3 * DAY, "3 days"),
            (i64::from(i32::MAX), YEAR, "365 days"),
        ] {
            let rule = rule(&Device { post_int, ..device(8, Some(1)) }, &[]);
            assert_eq!(rule["data"][0]["relativeTimeRange"]["from"], from, "{post_int}");
            assert!(rule["annotations"]["summary"].as_str().unwrap().ends_with(words), "{post_int}");
        }
    }

    #[test]
    fn who_is_suspended_is_not_missed() {
        let (active, suspended) = (device(8, Some(1)), Device { suspended: true, ..device(9, Some(1)) });
        let rules = |owner: &Owner| Alerts::of(&settings(None), owner, &[&active, &suspended]).rules;
        assert_eq!(rules(&owner(1)).keys().collect::<Vec<_>>(), [&active.uuid]);
        assert!(rules(&Owner { suspended: true, ..owner(1) }).is_empty());
    }

    #[test]
    fn the_owner_gets_mail_or_a_url_is_called() {
        let contact = |webhook| Alerts::of(&settings(webhook), &owner(1), &[]).contact;
        let (mail, call) = (contact(None), contact(Some("https://hooks.example/S3CRET")));
        assert_eq!(
            (&mail.json()["type"], &mail.json()["settings"]["addresses"]),
            (&json!("email"), &json!("o1@example.com"))
        );
        assert_eq!(call.json()["settings"]["url"], "https://hooks.example/S3CRET");
        assert_ne!(mail.content(), call.content());
        assert!(!format!("{call:?} {:?}", settings(Some("S3CRET"))).contains("S3CRET"));
    }

    #[test]
    fn a_long_name_leaves_a_title_that_grafana_takes() {
        let rule = rule(&Device { name: "ü".repeat(300), ..device(8, Some(1)) }, &[]);
        let title = rule["title"].as_str().unwrap();
        assert!(title.chars().count() <= 190 && title.ends_with(" is offline (00000000)"), "{title}");
    }
}
