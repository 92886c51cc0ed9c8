//! The file that what is known is kept in, over restarts.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::known::Known;
use crate::durable;

/// What is known of each device.
pub type All = HashMap<Uuid, Known>;

/// Where it is kept.
#[derive(Debug, Clone)]
pub struct Memory {
    path: PathBuf,
    /// Which InfluxDB: what was found in one says nothing about another.
    server: String,
}

#[derive(Serialize, Deserialize)]
struct Content<D> {
    server: String,
    devices: D,
}

impl Memory {
    /// The file at `path`, about the InfluxDB at the address `server`.
    pub fn new(path: PathBuf, server: String) -> Self {
        Self { path, server }
    }

    /// Reads what is known. Of a file that is missing or damaged that is nothing: most of it is found again.
    pub fn load(&self) -> All {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return All::new(),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the state of devices cannot be read: it begins anew");
                return All::new();
            }
        };
        match serde_json::from_slice::<Content<All>>(&text) {
            Ok(content) if content.server == self.server => content.devices,
            Ok(_) => All::new(),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the state of devices is damaged: it begins anew");
                All::new()
            }
        }
    }

    /// Writes what is known, to be found whole or not at all after a power cut. Readable by its owner only.
    pub fn save(&self, devices: &All) -> io::Result<()> {
        let content = Content { server: self.server.clone(), devices };
        durable::write(&self.path, &serde_json::to_vec(&content).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::sync::presence::known::{Asked, Found};

    #[test]
    fn what_is_known_comes_back_and_what_is_damaged_or_of_another_server_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/presence.json");
        let memory = Memory::new(path.clone(), "http://a:8086".into());
        assert_eq!(memory.load(), All::new());
        let now = DateTime::from_timestamp(1_800_000_000, 5).unwrap();
        let asked = Asked { database: Uuid::from_u128(7), alone: false, kid: Some("roof".into()) };
        let found = Found { newest: Some((now - TimeDelta::hours(9), "data".into())), ahead: Some(now) };
        let mut known = Known::first(asked, &found, now);
        known.count(now - TimeDelta::days(1), 12, now);
        let devices = All::from([(Uuid::from_u128(1), known)]);
        memory.save(&devices).unwrap();
        assert_eq!(memory.load(), devices);
        assert_eq!(Memory::new(path.clone(), "http://b:8086".into()).load(), All::new());
        std::fs::write(&path, "{").unwrap();
        assert_eq!(memory.load(), All::new());
    }
}
