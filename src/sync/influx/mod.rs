//! InfluxDB 1.x: its language, its HTTP interface, reading it and changing it.
//! API: <https://docs.influxdata.com/influxdb/v1/tools/api/>

pub mod actual;
pub mod apply;
pub mod client;
pub mod line;
pub mod readings;
pub mod sightings;
pub mod statement;
