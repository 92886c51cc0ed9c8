//! `[webhooks]`: which other servers are told what happens.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use url::Url;
use validator::ValidationError;

use super::settings::Section;
use super::value::{self, rule};

/// What can be told. Nobody names the event of a test: it goes to every destination.
pub const EVENTS: [&str; 5] =
    ["karana.online", "karana.late", "karana.offline", "sync.failed", "sync.recovered"];

/// How long a key may be, in bytes: as the Standard Webhooks specification has it.
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// `[webhooks]`
#[derive(Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// Where the events go. An address may hold a password or a token, which `Debug` hides.
    pub urls: Vec<String>,
    /// What they are signed with.
    pub key: Vec<u8>,
    /// Names of those that are told, of [`EVENTS`].
    pub events: Vec<String>,
}

impl Webhooks {
    pub(super) fn read(mut s: Section<'_>) -> Option<Webhooks> {
        let urls = s.get("url", urls).filter(|urls| !urls.is_empty());
        let key = s.get("secret", key);
        if urls.is_some() && !s.is_set("secret") {
            s.refuse("secret", rule("required", "must be set when url is"));
        }
        let events = s.get("events", events);
        let events = events.unwrap_or_else(|| EVENTS.map(str::to_owned).to_vec());
        Some(Webhooks { urls: urls?, key: key?, events })
    }
}

fn urls(value: &str) -> Result<Vec<String>, ValidationError> {
    let urls = value::list(value, |text| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        match url.filter(|url| url.fragment().is_none()) {
            Some(url) => Ok(url.into()),
            None => Err(rule("format", "must hold http or https URLs without a fragment")),
        }
    })?;
    if (1..urls.len()).any(|i| urls[..i].contains(&urls[i])) {
        return Err(rule("unique", "must not hold an address twice"));
    }
    Ok(urls)
}

fn key(value: &str) -> Result<Vec<u8>, ValidationError> {
    let key = value.strip_prefix("whsec_").and_then(|text| BASE64_STANDARD.decode(text).ok());
    key.filter(|key| KEY.contains(&key.len())).ok_or_else(|| {
        let wanted = "must be whsec_ and 24 to 64 random bytes in base64: \
                      echo whsec_$(head -c 32 /dev/urandom | base64)";
        rule("format", wanted)
    })
}

fn events(value: &str) -> Result<Vec<String>, ValidationError> {
    let events = value::list(value, event)?;
    if events.is_empty() {
        return Err(rule("required", "must hold an event: without the key all are told"));
    }
    Ok(events)
}

fn event(name: &str) -> Result<String, ValidationError> {
    if EVENTS.contains(&name) {
        return Ok(name.to_owned());
    }
    // Not a secret, and an operator looks for the one that is wrong.
    let shown: String = name.chars().filter(|c| !c.is_control()).take(50).collect();
    Err(rule("enum", format!("must hold events that there are, not {shown:?}: {}", EVENTS.join(", "))))
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("urls", &self.urls.len())
            .field("key", &"********")
            .field("events", &self.events)
            .finish()
    }
}
