//! Admin: makes admins and sets passwords, for whoever may write the database; and tells the processes of a cluster what to do.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::options::{Place, Reach};
use super::{cluster, print};
use crate::api::Passwords;
use crate::components::id::SpaceId;
use crate::settings::PasswordCost;
use crate::store::Role;
use crate::store::sessions::new_token;

/// Letters of a password that is made up: 96 bits of chance.
const MADE_UP: usize = 24;

#[derive(Subcommand)]
pub enum Admin {
    /// Make an admin, or make a user one
    Create(Account),
    /// Set somebody's password; they are signed out everywhere
    ResetPassword(Account),
    /// Show the processes of a cluster
    Nodes(Reach),
    /// Show the spaces that are run, and by whom
    Spaces(Reach),
    /// Hand every space of a process to the others, and let it take no more
    Drain(Target),
    /// Let a process take spaces again
    Undrain(Target),
    /// Hand a space to another process while people are in it
    Move {
        /// The space's id
        space: SpaceId,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(clap::Args)]
pub struct Target {
    /// The name of a process
    node: String,
    #[command(flatten)]
    reach: Reach,
}

#[derive(clap::Args)]
pub struct Account {
    /// Whose
    username: String,
    #[command(flatten)]
    place: Place,
}

pub async fn run(command: Admin) -> anyhow::Result<()> {
    match command {
        Admin::Create(account) => create(account).await,
        Admin::ResetPassword(account) => reset(account).await,
        Admin::Nodes(reach) => cluster::nodes(&reach.orders().await?).await,
        Admin::Spaces(reach) => cluster::spaces(&reach.orders().await?).await,
        Admin::Drain(target) => cluster::drain(&target.reach.orders().await?, &target.node).await,
        Admin::Undrain(target) => cluster::undrain(&target.reach.orders().await?, &target.node).await,
        Admin::Move { space, target } => cluster::hand_over(&target.reach.orders().await?, space, &target.node).await,
    }
}

async fn create(account: Account) -> anyhow::Result<()> {
    let name = account.username.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        bail!("a name has 1 to 64 letters and no control characters");
    }
    let store = account.place.open().await?;
    if let Some(known) = store.credentials(name).await? {
        store.set_role(known.user, Role::Admin).await?;
        print::line(&format!(
            "{name} was a user and is an admin now; the password is as it was."
        ));
    } else {
        let hash = new_hash().await?;
        store
            .add_user(name, &hash, Role::Admin)
            .await?
            .context("the name was taken meanwhile")?;
        print::line(&format!("{name} is an admin now."));
    }
    store.close().await;
    Ok(())
}

async fn reset(account: Account) -> anyhow::Result<()> {
    let store = account.place.open().await?;
    let name = account.username.trim();
    let known = store
        .credentials(name)
        .await?
        .with_context(|| format!("there is no user {name}"))?;
    store.set_password(known.user, &new_hash().await?, None).await?;
    store.close().await;
    print::line(&format!("{name} has a new password and is signed out everywhere."));
    Ok(())
}

/// The hash of a password from standard input; of one that is made up and shown once when nothing comes.
async fn new_hash() -> anyhow::Result<String> {
    let password = match given_password()? {
        Some(given) => given,
        None => made_up(),
    };
    let hash = Passwords::new(PasswordCost::Full).hash(&password).await;
    hash.map_err(|_| anyhow::anyhow!("the password could not be hashed"))
}

fn given_password() -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    let input = std::io::stdin();
    if input.is_terminal() {
        print::line("New password (it is shown while you type; leave it empty to have one made up):");
        input.read_line(&mut text)?;
    } else {
        input.lock().take(64 * 1024).read_to_string(&mut text)?;
    }
    let password = text.trim_end_matches(['\r', '\n']);
    if password.len() > 1024 {
        bail!("a password has 1 to 1024 bytes");
    }
    Ok((!password.is_empty()).then(|| password.to_owned()))
}

fn made_up() -> String {
    let mut password = new_token();
    password.truncate(MADE_UP);
    print::line(&format!("Password, shown this once: {password}"));
    password
}
