//! Integration tests: one binary, a module per domain.

#![allow(
    clippy::unwrap_used,
    reason = "tests say what they expect by unwrapping"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "tests count in small numbers"
)]

mod abuse;
mod abuse_drill;
mod accounts;
mod administration;
mod architecture;
mod backup;
mod bad_input;
mod binary;
mod bots;
mod bubbles;
mod chat;
mod checkpoints;
mod clients;
mod closed;
mod cluster;
mod contract_http;
mod contract_ws;
mod declared;
mod drills;
mod entering;
mod forward;
mod ground;
mod guardian;
mod guests;
mod harness;
mod ice;
mod join_requests;
mod lobby;
mod members;
mod moderation;
mod movement;
mod moving;
mod nearby;
mod openapi;
mod operation;
mod overload;
mod permissions;
mod postgres;
mod quotas;
mod reports;
mod resume;
mod screen;
mod searching;
mod seed;
mod services;
mod sessions;
mod space;
mod store;
mod transfers;
mod uploads;
mod word_filter;
