//! What crosses a socket: the real program, spoken to from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic where it stands")]

mod backup;
mod bad_input;
mod bad_storage;
mod concurrency;
mod corruption;
mod cors;
mod crash;
mod declared;
mod disk_errors;
mod disk_full;
mod encoding;
mod events;
mod examples;
mod grafana;
mod health;
mod import;
mod karanas;
mod keys;
mod layering;
mod limits;
mod metrics;
mod openapi;
mod operator;
mod passwords;
mod past;
mod power_cut;
mod presence;
mod provisioning;
mod races;
mod repair;
mod resources;
mod roles;
mod routes;
mod seals;
mod secrets;
mod sessions;
mod sockets;
mod support;
mod sync;
mod sync_api;
mod tokens;
mod users;
mod v2;
mod webhooks;
