//! Karana: the management server of a monitoring system for small energy devices.
//!
//! Imports run one way: `main → cli → lib → {http, sync} → {auth, store} → resource → error`;
//! `config` and `telemetry` are leaves.

pub mod auth;
pub mod config;
pub mod error;
pub mod resource;
pub mod store;
pub mod telemetry;
