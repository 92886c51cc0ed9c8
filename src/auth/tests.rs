//! What the tests of this folder stand on.

use super::Actor;
use crate::resource::{Kinds, TOKEN_EPOCH};
use crate::store::{Author, Clock, KeyFile, Settings, Store};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A store with one user, and a clock that stands still until it is moved.
pub struct Stage {
    home: tempfile::TempDir,
    pub store: Store,
    pub user: Uuid,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl Stage {
    pub async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("storage");
        let kinds = Kinds::enabled(&[]).unwrap();
        let keys = KeyFile { path: path.join("seal.keys"), is_ours: true };
        let tenant = ("T".to_owned(), "Tenant".to_owned());
        let settings = Settings { path, tenant, kinds, keys, clock: Arc::new(Utc::now), log_size: 1 << 20 };
        let store = Store::open(settings).unwrap();
        let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
        let stage = Self { home, store, user: Uuid::from_u128(1), now };
        stage.write(0).await;
        stage
    }

    /// Writes the user, with that epoch.
    pub async fn write(&self, epoch: u64) {
        let kinds = self.store.kinds().clone();
        let user = self.user;
        let entry = json!({
            "uuid": user, "name": "Micha", "email": "micha@example.com", "role": "client", "state": "active",
            "password_influx": "0123456789ABCDEF", "created_at": "2017-03-02T15:26:11.767166+00:00",
            "credentials": {"login": "micha@example.com", "password": format!("$6$salt${}", "x".repeat(86))},
            TOKEN_EPOCH: epoch,
        });
        let written = self.store.write(Author::program("test"), move |transaction| {
            let (users, entry) = (kinds.get("users").unwrap(), entry.as_object().unwrap());
            let is_there = transaction.tables().get(users, user).is_some();
            if is_there { transaction.replace(users, entry) } else { transaction.insert(users, entry) }
        });
        written.await.unwrap();
    }

    pub fn actor(&self) -> Actor {
        let tables = self.store.read();
        let users = tables.kinds().get("users").unwrap();
        Actor::of(users, tables.get(users, self.user).unwrap()).unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += TimeDelta::seconds(seconds);
    }

    pub fn clock(&self) -> Clock {
        let now = self.now.clone();
        Arc::new(move || *now.lock().unwrap())
    }

    /// A place below the folder for what can be lost.
    pub fn state(&self, name: &str) -> PathBuf {
        self.home.path().join("state").join(name)
    }
}
