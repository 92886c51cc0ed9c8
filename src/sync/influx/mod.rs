//! Sync with InfluxDB, 1.x or 2.x: its language, its HTTP interface, what it should hold, and how it gets there.
//! API: <https://docs.influxdata.com/influxdb/v1/tools/api/>, <https://docs.influxdata.com/influxdb/v2/api/>
//!
//! ```text
//! Fleet ── desired ──► Desired ─┐
//! InfluxDB ─ actual ─► Actual ──┼─ plan ──► Plan ── apply ──► InfluxDB
//! state file ────────► Applied ─┘                        └──► Applied
//! ```
//!
//! The two kinds are told apart when they are met ([`server`]), and planned alike: a bucket is a database, an authorization a user
//! whose rights cannot be changed ([`two`]).
//!
//! What neither a quick nor a full round shows is a password that was changed by hand in InfluxDB: it tells no passwords, and
//! trying each would cost a bcrypt. Deleting the state file has every password set again.

mod actual;
mod applied;
mod apply;
mod change;
pub mod client;
mod desired;
pub mod line;
mod plan;
pub mod readings;
mod round;
mod server;
pub mod sightings;
pub mod statement;
mod two;
mod version;

pub use round::Reconciler;
