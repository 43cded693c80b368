//! Cli: flags, environment and settings file; prompts, signals and exit codes.
//!
//! May use every module. Never: what a command does, beyond calling the module that does it. A
//! mistake of the operator is reported in one line, with exit code 2.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use options::DataOptions;

use crate::store::seed::{Folder, SeedError};

#[cfg(unix)]
mod abuse;
mod accounts;
mod admin;
mod backup;
mod bots;
#[cfg(unix)]
mod chaos;
mod cluster;
#[cfg(unix)]
mod guardian;
mod options;
mod print;
mod reports;
mod serve;
mod signals;
mod uploads;

/// A self-hosted 2D world server.
#[derive(Parser)]
#[command(name = "plaza", version, about)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Run the server
    Serve(Box<options::Serve>),
    /// Load-test a server with many players and report what they saw
    Bots(Box<bots::Bots>),
    /// Cause every failure that a cluster is built to survive, and report what clients saw
    #[cfg(unix)]
    Chaos(chaos::Chaos),
    /// Attack a server on this machine, as a hostile client would, and report what it refused
    #[cfg(unix)]
    Abuse(abuse::Abuse),
    /// Manage admins, invites, users and spaces, and control the processes of a cluster
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Copy all data of the server into one file, while people play
    Backup(backup::Backup),
    /// Restore a backup into an empty data folder
    Restore(backup::Restore),
    /// Migrate the database to this version and exit
    Migrate(DataOptions),
    /// Print the OpenAPI document
    Openapi,
    /// Load maps, elements, avatars and spaces from a folder
    ///
    /// A running server lists them at once; a space that is open changes within a second.
    Seed {
        /// Folder with `avatars.json`, `elements.json`, `maps/*.tmj` and `spaces.json`
        folder: PathBuf,
        /// Only check whether the folder could be loaded; nothing is changed
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        place: DataOptions,
    },
}

#[cfg(unix)]
impl CliCommand {
    /// Whether the command may write into a data folder.
    const fn touches_data(&self) -> bool {
        match self {
            Self::Serve(_)
            | Self::Admin(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Migrate(_)
            | Self::Seed { .. } => true,
            Self::Bots(_) | Self::Abuse(_) | Self::Chaos(_) | Self::Openapi => false,
        }
    }
}

/// Runs the command of the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("cannot start: {error}")),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// Runs a command; returns its exit code.
async fn run(command: CliCommand) -> anyhow::Result<ExitCode> {
    #[cfg(unix)]
    if command.touches_data() {
        // Files that are created from now on are readable by this user only.
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    }
    match command {
        CliCommand::Bots(options) => {
            let is_fine = bots::run(*options).await?;
            return Ok(if is_fine {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        #[cfg(unix)]
        CliCommand::Chaos(options) => {
            let is_fine = chaos::run(options).await?;
            return Ok(if is_fine {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        #[cfg(unix)]
        CliCommand::Abuse(options) => {
            let is_fine = abuse::run(options).await?;
            return Ok(if is_fine {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        #[cfg(unix)]
        CliCommand::Serve(options) if options.is_guarded() => {
            return guardian::guard(&options).await;
        }
        CliCommand::Serve(options) => serve::serve(&options).await?,
        CliCommand::Admin(admin) => admin::run(admin).await?,
        CliCommand::Backup(backup) => backup.run().await?,
        CliCommand::Restore(restore) => restore.run().await?,
        CliCommand::Migrate(place) => {
            place.open().await?.close().await;
            print::line("The database is up to date.");
        }
        CliCommand::Openapi => {
            print::line(&crate::api::routes::openapi().to_pretty_json()?);
        }
        CliCommand::Seed {
            folder,
            check,
            place,
        } => {
            let seed = Folder::read(&folder)?.drawn_with(crate::api::has_art);
            if check {
                seed.check()?;
                print::line(&format!("The seed in {} can be loaded.", folder.display()));
                return Ok(ExitCode::SUCCESS);
            }
            let store = place.open().await?;
            let report = store.seed(&seed).await?;
            store.close().await;
            print::line(&report.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref() {
        // A report with a line for each problem.
        Some(SeedError::Invalid(problems)) => print::note(&format!("plaza: {problems}")),
        _ => print::complain(&format!("plaza: {error:#}")),
    }
    ExitCode::from(2)
}
