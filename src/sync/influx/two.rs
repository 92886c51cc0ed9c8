//! What only an InfluxDB 2.x has: an organization with buckets, and authorizations that 1.x clients sign in with.
//!
//! A bucket stands for a database, an authorization for a user: its name is what a device gives as `u`, its password what it gives
//! as `p`. So devices and owners meet what they meet in a 1.x.
//! API: <https://docs.influxdata.com/influxdb/v2/api/>, legacy authorizations: <https://docs.influxdata.com/influxdb/v2/api/v1-compatibility/>

mod api;
mod change;
mod listing;

pub use listing::Organization;
