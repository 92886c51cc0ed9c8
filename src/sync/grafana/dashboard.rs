//! Dashboards, made from templates. What is made is told apart by its content: equal content is never written again, so
//! that what somebody changed by hand stays until the template or the record changes.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::sync::fleet::Device;
use crate::sync::influx::statement::{identifier, string};

const OF_DEVICE: &str = include_str!("device.json");
const HOME: &str = include_str!("home.json");

/// Every dashboard of ours has this tag.
pub const TAG: &str = "karana";

/// … and one that begins like this and names the content it was made with.
const CONTENT: &str = "content-";

/// A dashboard as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// Its name in Grafana.
    pub uid: String,
    /// What of it tells it from what was made before: the first digits of a hash over all of it.
    pub content: String,
    title: String,
    json: Value,
}

impl Dashboard {
    /// The dashboard of `device`. `alone`: it is its owner's only one, so that all points in the series are its own.
    pub fn of_device(device: &Device, owner: Uuid, alone: bool, suspended: bool) -> Self {
        // Text panels and titles know variables, too (`$name`, `[[name]]`); there are none here, so they stay as they are.
        let of_device = is_of_device(device, alone);
        let uid = uid_of_device(device.uuid);
        let series = identifier(&device.series);
        Self::made(
            OF_DEVICE,
            &uid,
            &title(&device.name),
            &[
                ("home", uid_of_home(owner).as_str()),
                ("datasource", &format!("k-{}", owner.simple())),
                ("series", &series),
                ("where", &of_device.as_ref().map(|is_it| format!(" WHERE {is_it}")).unwrap_or_default()),
                ("filter", &of_device.map(|is_it| format!("{is_it} AND ")).unwrap_or_default()),
                ("state", &state(device, suspended)),
            ],
        )
    }

    /// What an owner's organization opens with: its devices, with links.
    pub fn home(owner: Uuid, devices: &[&Device]) -> Self {
        let mut devices: Vec<_> = devices.iter().map(|device| (title(&device.name), *device)).collect();
        devices.sort_by(|(a, one), (b, other)| (a, one.uuid).cmp(&(b, other.uuid)));
        let mut list = String::from("| Karana | State |\n|---|---|\n");
        for (name, device) in &devices {
            // Relative to the root of Grafana, which may lie below that of its host.
            let (name, uid) = (markdown(name), uid_of_device(device.uuid));
            let state = if device.suspended { "suspended" } else { "active" };
            list.push_str(&format!("| [{name}](d/{uid}) | {state} |\n"));
        }
        if devices.is_empty() {
            list = "There is no karana yet.".into();
        }
        Self::made(HOME, &uid_of_home(owner), "Karanas", &[("karanas", &list)])
    }

    fn made(template: &str, uid: &str, title: &str, values: &[(&str, &str)]) -> Self {
        let mut json: Value = serde_json::from_str(template)
            .unwrap_or_else(|error| unreachable!("a template is no JSON: {error}"));
        let own = [("uid", uid), ("title", title)];
        let values: Vec<_> = own.iter().chain(values).copied().collect();
        fill(&mut json, &values);
        let hash = Sha256::digest(json.to_string());
        let content = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut dashboard = Self { uid: uid.to_owned(), content, title: title.to_owned(), json };
        let tag = dashboard.tag();
        dashboard.json["tags"] = json!([TAG, tag]);
        dashboard
    }

    /// The tag that names the content.
    pub fn tag(&self) -> String {
        format!("{CONTENT}{}", self.content)
    }

    /// The dashboard as it is sent, in the place of the one with that version. Grafana takes a title but once in older
    /// versions: where another dashboard has it, `distinct` tells the two apart.
    pub fn json(&self, version: Option<i64>, distinct: bool) -> Value {
        let mut json = self.json.clone();
        json["id"] = Value::Null;
        if let Some(version) = version {
            json["version"] = version.into();
        }
        if distinct {
            let digits: String = self.uid.chars().skip(2).take(8).collect();
            json["title"] = format!("{} ({digits})", self.title).into();
        }
        json
    }
}

/// The condition that tells its points from those of its owner's other devices; none where there are no others.
pub fn is_of_device(device: &Device, alone: bool) -> Option<String> {
    (!alone).then(|| {
        let ids = [Some(device.uuid.to_string()), device.kid.clone()];
        let is_it: Vec<_> = ids.iter().flatten().map(|id| format!("\"KID\" = {}", string(id))).collect();
        format!("({})", is_it.join(" OR "))
    })
}

/// The name of a device's dashboard.
pub fn uid_of_device(device: Uuid) -> String {
    format!("k-{}", device.simple())
}

/// The name of an owner's home dashboard.
pub fn uid_of_home(owner: Uuid) -> String {
    format!("h-{}", owner.simple())
}

/// The device whose dashboard has that name.
pub fn device_of(uid: &str) -> Option<Uuid> {
    let device = Uuid::try_parse(uid.strip_prefix("k-")?).ok()?;
    (uid_of_device(device) == uid).then_some(device)
}

/// Grafana takes no empty title, and cuts none.
pub fn title(name: &str) -> String {
    let title: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let title = title.trim();
    if title.is_empty() { "Karana".into() } else { title.to_owned() }
}

fn state(device: &Device, suspended: bool) -> String {
    let state = if suspended { "Suspended: it is not let in to post." } else { "Active" };
    let Device { signal, post_int, get_int, .. } = device;
    format!(
        "**{state}**\n\n| signal | post_int | get_int |\n|---|---|---|\n| {signal} | {post_int} | {get_int} |\n"
    )
}

/// Text that means in Markdown what it says.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Puts the values in the place of their names, `@name@`, in every text of a template. What is put in is not looked at
/// again.
fn fill(json: &mut Value, values: &[(&str, &str)]) {
    match json {
        Value::String(text) => *text = filled(text, values),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, values)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, values)),
        _ => {}
    }
}

fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        filled.push_str(before);
        let value = values
            .iter()
            .find_map(|(name, value)| Some((value, after.strip_prefix(name)?.strip_prefix('@')?)));
        match value {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('@');
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests;
