//! Integration tests: one binary, a module per domain.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

mod architecture;
mod bad_input;
mod binary;
mod bots;
mod clients;
mod contract_http;
mod contract_ws;
mod harness;
mod lobby;
mod movement;
mod openapi;
mod operation;
mod resume;
mod seed;
mod space;
mod store;
mod uploads;
