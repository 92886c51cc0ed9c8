//! What is said of each call, one file a part of the API.

pub mod bulk;
pub mod events;
pub mod history;
pub mod keys;
pub mod server;
pub mod session;
pub mod status;
pub mod sync;
pub mod v1;
pub mod v2;
pub mod webhooks;

use crate::resource::Kind;

/// The chapters beside those that are named after resources.
pub const CHAPTERS: &[(&str, &str)] = &[
    ("sign-in", "Sessions and passwords."),
    ("keys", "What programs sign in with."),
    ("batch", "Many changes as one."),
    ("events", "Changes as they are committed."),
    ("history", "Who changed what, over all resources."),
    ("sync", "What the records have become in InfluxDB."),
    ("webhooks", "Telling other servers what happens."),
    ("v1", "The wire format of 2017."),
    ("server", "Of the server itself."),
];

/// The beginning of the names that a resource has in generated clients: its name, as far as it is one there.
fn word(kind: &Kind) -> String {
    kind.name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
