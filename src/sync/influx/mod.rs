//! InfluxDB, 1.x and 2.x: its language, its HTTP interface, reading it and changing it.
//! API: <https://docs.influxdata.com/influxdb/v1/tools/api/>, <https://docs.influxdata.com/influxdb/v2/api/>

pub mod actual;
pub mod apply;
pub mod client;
pub mod line;
pub mod readings;
pub mod server;
pub mod sightings;
pub mod statement;
pub mod two;
pub mod version;
