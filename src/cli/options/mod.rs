//! Options of `serve`, and where other commands find the data and the cluster. A flag takes
//! precedence over the environment, the environment over the settings file, and the file over the
//! default.
//!
//! `flags` has every option of `serve`, `values` reads what is written for one, and `settings`
//! makes the settings.

mod file;
mod flags;
mod reach;
mod settings;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use self::file::file;
use self::flags::ServeArgs;
pub use self::reach::{DataOptions, DatabaseLocation, PageOptions, Reach};
use crate::settings::Settings;

/// Default data folder.
const DATA_DIR: &str = "./data";
/// Default listen address.
const LISTEN: &str = "127.0.0.1:8080";
/// Whether links are encrypted by default.
const LINK_TLS: bool = true;

#[cfg(test)]
const MADE: &str = "0b9d1c3f5a7e2846d0f1b3a59c7e8d6240719f8e6d5c4b3a2918f7e6d5c4b3a2";

/// Options of `serve`.
#[derive(Args)]
pub struct Serve {
    /// A settings file in TOML, with the names of the flags [default: plaza.toml, if it exists]
    #[arg(long, env = "PLAZA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run the server itself, without a guardian process that restarts it after a crash; for
    /// containers and systemd
    #[arg(long, env = "PLAZA_NO_GUARDIAN", value_parser = clap::builder::FalseyValueParser::new())]
    no_guardian: bool,
    /// Nonce that the guardian gave this run of the server
    #[arg(long, hide = true)]
    life: Option<u32>,
    #[command(flatten)]
    said: ServeArgs,
}

/// Configuration of `serve`.
#[derive(Debug)]
pub struct ServeConfig {
    /// Listen address.
    pub listen: SocketAddr,
    /// Log filter.
    pub log: String,
    /// Settings of the server.
    pub settings: Settings,
}

impl Serve {
    /// Combines flags, environment, file and defaults.
    pub fn serve_config(&self) -> anyhow::Result<ServeConfig> {
        let mut config = self
            .said
            .clone()
            .or(file(self.config.as_deref())?)
            .serve_config()?;
        config.settings.life = self.life;
        Ok(config)
    }

    /// Whether this process is to start a guardian, which runs the server.
    pub const fn is_guarded(&self) -> bool {
        !self.no_guardian
    }

    /// Whether a guardian started this process.
    pub const fn has_guardian(&self) -> bool {
        self.life.is_some()
    }
}
