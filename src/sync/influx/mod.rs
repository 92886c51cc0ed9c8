//! Sync with InfluxDB 1.x: its language, its HTTP interface, what it should hold, and how it gets there.
//! API: <https://docs.influxdata.com/influxdb/v1/tools/api/>
//!
//! ```text
//! Fleet ── desired ──► Desired ─┐
//! InfluxDB ─ actual ─► Actual ──┼─ plan ──► Plan ── apply ──► InfluxDB
//! state file ────────► Applied ─┘                        └──► Applied
//! ```
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
pub mod sightings;
pub mod statement;

pub use round::Reconciler;
