//! API: HTTP, one file per resource: path, request, response, handler, in that order.
//!
//! May use every lower layer. Never: SQL, ticking, the sockets of players (those are in
//! `net::edge`). All routes are listed in [`routes`]; every refusal is an [`error::ApiError`].

use std::sync::Arc;

use crate::cluster::spaces::Spaces;
use crate::net::budget::{BudgetSettings, Budgets};
use crate::net::edge::word_filters::WordFilters;
use crate::net::session::rates::Rates;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::server_key::ServerKey;

mod access;
mod access_policy;
mod account;
mod address;
mod admin;
mod arrivals;
mod assets;
mod audit_log;
mod avatars;
mod background;
mod budgets;
mod check;
mod cluster;
mod decoding;
mod denials;
mod direct;
mod disk;
mod document;
mod drawn;
mod elements;
mod empty;
pub mod error;
mod extract;
mod files;
mod guesses;
mod guests;
pub mod health;
mod ice;
mod invite_state;
mod invites;
mod join_requests;
mod known;
mod layers;
mod limits;
mod lobby;
mod maps;
pub mod measurements;
mod members;
mod metadata;
mod moderation;
mod new_password;
mod passwords;
mod patch;
mod pictures;
mod policy;
mod proof;
mod report_context;
mod report_list;
mod reports;
pub mod routes;
mod sessions;
mod setup;
mod space_change;
mod space_chat;
mod space_elements;
mod space_export;
mod space_invites;
mod space_map;
mod space_messages;
mod space_settings;
mod spaces;
mod thumbnails;
mod transfers;
mod turns;
mod upload_folder;
mod uploading;
pub mod uploads;
pub mod web;
mod word_filter;

pub use assets::has_art;
pub use new_password::{Demands, new_password};
pub use passwords::Passwords;

/// State shared by all handlers. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Database.
    pub store: Store,
    /// Running spaces.
    pub spaces: Spaces,
    /// Settings of this server.
    pub settings: Arc<Settings>,
    /// Password hashing, with bounded concurrency.
    pub passwords: Passwords,
    /// Budgets of users and addresses, for HTTP and WebSockets together.
    pub budgets: Budgets,
    /// Rates of users in spaces, for HTTP and WebSockets together.
    pub rates: Arc<Rates>,
    /// Word filters, for HTTP and WebSockets together.
    pub filters: WordFilters,
    key: ServerKey,
    guesses: Arc<guesses::Guesses>,
    limits: Arc<limits::AuthLimits>,
    guests: Arc<limits::GuestLimits>,
    writes: Arc<limits::WriteLimits>,
    reports: Arc<limits::WriteLimits>,
    picture_hosts: Arc<policy::PictureHosts>,
    drawings: drawn::Drawings,
    arrivals: arrivals::UploadPlaces,
    decoding: decoding::Decoding,
    searches: limits::OneAtATime,
    exports: limits::OneAtATime,
    last_ping: health::LastPing,
}

impl AppState {
    /// The state of a server over this database and these spaces, with its key.
    pub fn new(store: Store, spaces: Spaces, settings: Arc<Settings>, key: ServerKey) -> Self {
        Self {
            key,
            passwords: Passwords::new(settings.password_cost),
            guesses: Arc::new(guesses::Guesses::new(
                settings.auth_rate,
                settings.max_guess_delay,
            )),
            limits: Arc::new(limits::AuthLimits::new(settings.auth_rate)),
            guests: Arc::new(limits::GuestLimits::new(settings.guests.per_hour)),
            writes: Arc::default(),
            reports: Arc::new(limits::WriteLimits::of_reports()),
            rates: Arc::default(),
            filters: WordFilters::new(store.clone(), &settings.word_filter),
            picture_hosts: Arc::default(),
            drawings: drawn::Drawings::default(),
            arrivals: arrivals::UploadPlaces::default(),
            decoding: decoding::Decoding::default(),
            last_ping: health::LastPing::default(),
            searches: limits::OneAtATime::default(),
            exports: limits::OneAtATime::default(),
            budgets: Budgets::new(&BudgetSettings {
                creations: settings.quotas.creations,
                ..settings.budgets
            }),
            store,
            spaces,
            settings,
        }
    }

    /// Key of the server.
    pub const fn key(&self) -> &ServerKey {
        &self.key
    }

    /// Requirements for new passwords.
    fn password_demands(&self) -> Demands {
        if self.settings.open_admin_signup {
            Demands::Few
        } else {
            Demands::Usual
        }
    }
}
