//! What writers were told, kept outside of the server, and compared with what a later server on its storage holds.

use super::{Server, Session};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinHandle;

const WRITERS: usize = 8;

/// What writers were told by one server.
#[derive(Default)]
pub struct Outside {
    /// Every record that was answered, with the name it was given last.
    answered: BTreeMap<String, String>,
    /// Changes that were sent and not answered, or with an outcome unknown: each may be there or not.
    unknown: BTreeMap<String, BTreeSet<String>>,
    /// Names sent with creations of that kind.
    unknown_new: BTreeSet<String>,
}

impl Outside {
    /// Creates a record, and keeps what came of it. Answers with the status, when there was one, and with the record's
    /// uuid, when it was created.
    pub async fn create(&mut self, session: &Session, name: &str) -> (Option<u16>, Option<String>) {
        let input = json!({"data": {"name": name, "owner": null, "config": {}}});
        let sent = session.request("POST", "/v1/karanas/new").json(&input).send().await;
        let answer = async {
            let answer = sent?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
        };
        let Ok((status, body)) = answer.await else {
            self.unknown_new.insert(name.to_owned());
            return (None, None);
        };
        match status {
            200 => {
                let body: String = serde_json::from_str(&body).unwrap();
                let answer: Value = serde_json::from_str(&body).unwrap();
                let uuid = answer["results"][0]["uuid"].as_str().unwrap().to_owned();
                self.answered.insert(uuid.clone(), name.to_owned());
                return (Some(status), Some(uuid));
            }
            503 => _ = self.unknown_new.insert(name.to_owned()),
            // Nothing was written, and nothing of it may ever be seen.
            507 => {}
            _ => panic!("creating {name}: {status} {body}"),
        }
        (Some(status), None)
    }

    /// Renames a record that nobody else renames; says whether it was answered.
    async fn rename(&mut self, session: &Session, uuid: &str, name: String) -> bool {
        let input = json!({"data": {"name": name}});
        let sent = session.request("PATCH", &format!("/v1/karanas/{uuid}")).json(&input).send().await;
        let answered = sent.is_ok_and(|answer| answer.status() == 200);
        if answered {
            self.answered.insert(uuid.to_owned(), name);
        } else {
            self.unknown.entry(uuid.to_owned()).or_default().insert(name);
        }
        answered
    }

    /// Takes over what another writer on the same server was told.
    pub fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.unknown.extend(other.unknown);
        self.unknown_new.extend(other.unknown_new);
    }
}

/// Writers at work on one server, until it is gone.
pub struct Writers(Vec<JoinHandle<Outside>>);

impl Writers {
    pub fn start(session: &Session, round: usize) -> Self {
        Self((0..WRITERS).map(|writer| tokio::spawn(write(session.clone(), writer, round))).collect())
    }

    /// Waits until all have noticed that the server is gone.
    pub async fn told(self) -> Outside {
        let mut told = Outside::default();
        for writer in self.0 {
            told.add(writer.await.unwrap());
        }
        told
    }
}

/// Creates records and renames them until the server is gone.
async fn write(session: Session, writer: usize, round: usize) -> Outside {
    let mut outside = Outside::default();
    let mut mine: Vec<String> = Vec::new();
    for n in 0.. {
        let name = format!("K {writer} {round} {n}");
        let gone = if n % 3 == 2 {
            !outside.rename(&session, &mine[n % mine.len()], name).await
        } else {
            let (_, uuid) = outside.create(&session, &name).await;
            let gone = uuid.is_none();
            mine.extend(uuid);
            gone
        };
        if gone {
            break;
        }
    }
    outside
}

/// What is there for certain, over one server after another on the same storage.
#[derive(Default)]
pub struct Oracle {
    known: BTreeMap<String, String>,
}

impl Oracle {
    /// Everything that was answered must be there, and nothing that nobody sent. What is there is known from now on:
    /// the server has shown it.
    pub fn compare(&mut self, told: Outside, there: BTreeMap<String, String>) -> Result<(), String> {
        self.known.extend(told.answered);
        for (uuid, name) in &self.known {
            let found = there.get(uuid).ok_or_else(|| format!("{uuid} was answered and is gone"))?;
            let maybe = told.unknown.get(uuid).is_some_and(|names| names.contains(found));
            if found != name && !maybe {
                return Err(format!("{uuid} is {found:?}, answered was {name:?}"));
            }
        }
        for (uuid, name) in &there {
            if !self.known.contains_key(uuid) && !told.unknown_new.contains(name) {
                return Err(format!("nobody made {uuid}, {name:?}"));
            }
        }
        self.known = there;
        Ok(())
    }

    /// Every record with its name.
    pub fn known(&self) -> &BTreeMap<String, String> {
        &self.known
    }
}

/// The names of all records that the writers write.
pub async fn karanas(server: &Server) -> BTreeMap<String, String> {
    let all = server.admin().await.get("/v1/karanas").await.results();
    let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
    all.as_object().unwrap().iter().map(|(uuid, entry)| (uuid.clone(), name(entry))).collect()
}
