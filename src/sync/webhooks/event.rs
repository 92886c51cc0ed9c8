//! What is told.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sync::presence::Connection;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A device posts again, or for the first time.
    #[serde(rename = "karana.online")]
    Online,
    /// It has missed some posts.
    #[serde(rename = "karana.late")]
    Late,
    /// It has missed many, and has posted nothing for a day.
    #[serde(rename = "karana.offline")]
    Offline,
    /// A record cannot be brought to a back end; or, without a record, the back end is away.
    #[serde(rename = "sync.failed")]
    Failed,
    /// What was told of by the one before is over.
    #[serde(rename = "sync.recovered")]
    Recovered,
    /// Somebody tries whether events arrive.
    #[serde(rename = "webhook.test")]
    Test,
}

impl Kind {
    /// All that can be asked for; that of a test goes to every destination.
    pub const ALL: [Self; 5] = [Self::Online, Self::Late, Self::Offline, Self::Failed, Self::Recovered];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "karana.online",
            Self::Late => "karana.late",
            Self::Offline => "karana.offline",
            Self::Failed => "sync.failed",
            Self::Recovered => "sync.recovered",
            Self::Test => "webhook.test",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What tells that a device stands so.
    pub(super) fn of(connection: Connection) -> Option<Self> {
        match connection {
            Connection::Online => Some(Self::Online),
            Connection::Late => Some(Self::Late),
            Connection::Offline => Some(Self::Offline),
            Connection::Unknown => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One event, the same for every destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same in each attempt, by which a receiver knows one that it has had.
    pub id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was found out.
    pub timestamp: DateTime<Utc>,
    /// The record, as other parts of the server name it: `karanas/4e1fcc06-…`.
    pub record: Option<String>,
    /// More, which differs by kind. Holds no secret.
    pub data: Value,
}

impl Event {
    pub(super) fn new(kind: Kind, record: Option<String>, data: Value, timestamp: DateTime<Utc>) -> Self {
        Self { id: format!("msg_{}", Uuid::new_v4().simple()), kind, timestamp, record, data }
    }

    /// As it is sent.
    pub(super) fn body(&self) -> String {
        let timestamp = self.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({"type": self.kind.name(), "timestamp": timestamp, "data": self.data}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration_and_of_the_state_file() {
        assert_eq!(Kind::ALL.map(Kind::name), crate::config::EVENTS);
        for kind in Kind::ALL.into_iter().chain([Kind::Test]) {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::named("webhook.test"), None);
    }
}
