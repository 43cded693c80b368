//! Admin: commands on users and spaces in the database, each with a row in the audit log, and
//! commands to the processes of a cluster.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::options::{DataOptions, Reach};
use super::{accounts, cluster, print, reports, uploads};
use crate::api::{Demands, Passwords, new_password};
use crate::components::id::{SpaceId, UserId};
use crate::components::name;
use crate::components::utc::utc;
use crate::settings::PasswordCost;
use crate::store::administration::AdminOutcome;
use crate::store::audit_log::Actor;
use crate::store::suspension::{Suspension, is_reason};
use crate::store::token::new_token;
use crate::store::{Role, Store, now_ms};

/// Letters of a generated password: 96 random bits.
const MADE_UP: usize = 24;

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Create an admin, or make an existing user an admin
    Create(Account),
    /// Set a user's password and sign the user out everywhere
    ResetPassword(Account),
    /// List users, by name
    Users {
        /// Only users whose name contains this text, in any case
        #[arg(long, default_value = "", hide_default_value = true)]
        search: String,
        #[command(flatten)]
        place: DataOptions,
    },
    /// Suspend a user; open connections end within seconds
    Suspend(Suspend),
    /// Lift a user's suspension
    Unsuspend(Account),
    /// End every session of a user; open connections end within seconds
    SignOut(Account),
    /// Delete a space of any user; players in it are told within seconds
    DeleteSpace {
        /// Id of the space
        space: SpaceId,
        #[command(flatten)]
        place: DataOptions,
    },
    /// List uploaded pictures, the newest first, or delete one
    Uploads(uploads::Uploads),
    /// List reports of people for admins, the newest first, or answer one
    Reports(reports::Reports),
    /// Show actions of admins, the newest first
    AuditLog {
        /// The most rows to show
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        place: DataOptions,
    },
    /// Create a link that lets people sign up when an invite is required
    Invite(accounts::InviteArgs),
    /// List invites to the server, or revoke one
    Invites(accounts::InvitesArgs),
    /// Show the processes of a cluster
    Nodes(Reach),
    /// Show the running spaces and their processes
    Spaces(Reach),
    /// Move every space of a process to the others, and keep it from taking more
    Drain(NodeTarget),
    /// Let a process take spaces again
    Undrain(NodeTarget),
    /// Move a space to another process while people are in it
    Move {
        /// Id of the space
        space: SpaceId,
        #[command(flatten)]
        target: NodeTarget,
    },
}

#[derive(clap::Args)]
pub struct NodeTarget {
    /// Name of the process
    node: String,
    #[command(flatten)]
    reach: Reach,
}

#[derive(clap::Args)]
pub struct Suspend {
    /// Reason, shown to the user
    #[arg(long)]
    reason: String,
    /// Duration, as in 30m, 12h or 7d [default: until it is lifted]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<i64>,
    #[command(flatten)]
    account: Account,
}

#[derive(clap::Args)]
pub struct Account {
    /// Name of the user
    username: String,
    #[command(flatten)]
    place: DataOptions,
}

pub async fn run(command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Create(account) => create(account).await,
        AdminCommand::ResetPassword(account) => reset(account).await,
        AdminCommand::Users { search, place } => users(&search, &place).await,
        AdminCommand::Suspend(suspend) => suspend.run().await,
        AdminCommand::Unsuspend(account) => {
            let (store, user, name) = account.find().await?;
            done(store.unsuspend(&Actor::command_line(), user).await?)?;
            store.close().await;
            print::line(&format!("{name} may use the server again."));
            Ok(())
        }
        AdminCommand::SignOut(account) => {
            let (store, user, name) = account.find().await?;
            done(store.sign_out_by(&Actor::command_line(), user).await?)?;
            store.close().await;
            print::line(&format!("{name} is signed out everywhere."));
            Ok(())
        }
        AdminCommand::DeleteSpace { space, place } => {
            let store = place.open().await?;
            if !store.delete_space_by(&Actor::command_line(), space).await? {
                bail!("there is no such space");
            }
            store.close().await;
            print::line("The space is deleted.");
            Ok(())
        }
        AdminCommand::Uploads(uploads) => uploads.run().await,
        AdminCommand::Reports(reports) => reports.run().await,
        AdminCommand::AuditLog { limit, place } => audit_log(limit, &place).await,
        AdminCommand::Invite(invite) => accounts::invite(invite).await,
        AdminCommand::Invites(invites) => accounts::invites(invites).await,
        AdminCommand::Nodes(reach) => cluster::nodes(&reach.orders().await?).await,
        AdminCommand::Spaces(reach) => cluster::spaces(&reach.orders().await?).await,
        AdminCommand::Drain(target) => {
            cluster::drain(&target.reach.orders().await?, &target.node).await
        }
        AdminCommand::Undrain(target) => {
            cluster::undrain(&target.reach.orders().await?, &target.node).await
        }
        AdminCommand::Move { space, target } => {
            cluster::hand_over(&target.reach.orders().await?, space, &target.node).await
        }
    }
}

async fn create(account: Account) -> anyhow::Result<()> {
    let name = account.username.trim();
    let store = account.place.open().await?;
    if let Some(known) = store.credentials(name).await? {
        done(store.make_admin(&Actor::command_line(), known.user).await?)?;
        print::line(&format!(
            "{name} is an admin now; the password is unchanged."
        ));
    } else {
        let name = &name::username(name)?;
        let hash = new_hash(name).await?;
        let user = store.add_user(name, &hash, Role::User).await?;
        let user = user.context("the name was just taken, or looks like one that is")?;
        done(store.make_admin(&Actor::command_line(), user).await?)?;
        print::line(&format!("{name} is an admin now."));
    }
    store.close().await;
    Ok(())
}

async fn reset(account: Account) -> anyhow::Result<()> {
    let (store, user, name) = account.find().await?;
    let hash = new_hash(name).await?;
    done(
        store
            .reset_password(&Actor::command_line(), user, &hash)
            .await?,
    )?;
    store.close().await;
    print::line(&format!(
        "{name} has a new password and is signed out everywhere."
    ));
    Ok(())
}

impl Account {
    async fn find(&self) -> anyhow::Result<(Store, UserId, &str)> {
        let store = self.place.open().await?;
        let name = self.username.trim();
        let known = store.credentials(name).await?;
        let known = known.with_context(|| format!("there is no user {name}"))?;
        Ok((store, known.user, name))
    }
}

impl Suspend {
    async fn run(self) -> anyhow::Result<()> {
        let reason = self.reason.trim().to_owned();
        if !is_reason(&reason) {
            bail!("a reason has 1 to 500 characters and no control characters");
        }
        let until = self.time.map(|time| now_ms().saturating_add(time));
        let (store, user, name) = self.account.find().await?;
        let suspension = Suspension { until, reason };
        done(
            store
                .suspend(&Actor::command_line(), user, &suspension)
                .await?,
        )?;
        store.close().await;
        print::line(&match until {
            Some(until) => format!("{name} is suspended until {}.", utc(until.cast_unsigned())),
            None => format!("{name} is suspended until you lift it: plaza admin unsuspend {name}"),
        });
        Ok(())
    }
}

/// Parses `30m`, `12h` or `7d`; returns milliseconds.
fn duration(text: &str) -> Result<i64, String> {
    let unit = match text.chars().last() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => 0,
    };
    let number = text
        .get(..text.len().saturating_sub(1))
        .and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number @ 1..=36_500) if unit > 0 => Ok(i64::from(number) * unit),
        _ => Err("a time is a number followed by m, h or d, as in 30m, 12h or 7d".into()),
    }
}

fn done(outcome: AdminOutcome) -> anyhow::Result<()> {
    match outcome {
        AdminOutcome::Done => Ok(()),
        refused => bail!("{refused}"),
    }
}

async fn users(search: &str, place: &DataOptions) -> anyhow::Result<()> {
    const PAGE: u32 = 500;
    let store = place.open().await?;
    let mut after: Option<String> = None;
    loop {
        let page = store.users(search.trim(), after.as_deref(), PAGE).await?;
        for user in &page {
            let used = user
                .used_at
                .map_or_else(|| "never".into(), |at| utc(at.cast_unsigned()));
            let suspended = match &user.suspension {
                Some(Suspension {
                    until: Some(until),
                    reason,
                }) => {
                    format!("  suspended until {}: {reason}", utc(until.cast_unsigned()))
                }
                Some(Suspension {
                    until: None,
                    reason,
                }) => format!("  suspended: {reason}"),
                None => String::new(),
            };
            let mark = if user.looks_alike {
                "  looks like an earlier name"
            } else {
                ""
            };
            let (role, sessions) = (user.role.word(), user.sessions);
            print::line(&format!(
                "{}  {role:5}  sessions {sessions}, last used {used}  {}{mark}{suspended}",
                user.user, user.name
            ));
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.name.clone()),
            _ => break,
        }
    }
    store.close().await;
    Ok(())
}

async fn audit_log(limit: u32, place: &DataOptions) -> anyhow::Result<()> {
    let store = place.open().await?;
    for row in store.audit_log(None, limit).await? {
        let at = utc(row.at.cast_unsigned());
        let what = row.target_id.unwrap_or_default();
        let detail = if row.detail.is_empty() {
            String::new()
        } else {
            format!("  {}", row.detail)
        };
        print::line(&format!(
            "{at}  {}  {}  {} ({what}){detail}",
            row.actor, row.action, row.target
        ));
    }
    store.close().await;
    Ok(())
}

/// The hash of the password on standard input; when the input is empty, of a generated password,
/// which is printed once.
async fn new_hash(username: &str) -> anyhow::Result<String> {
    let password = match given_password()? {
        Some(given) => new_password(&given, username, Demands::Usual)
            .map_err(|refused| anyhow::anyhow!(refused.detail()))?,
        None => made_up(),
    };
    let hash = Passwords::new(PasswordCost::Full)
        .hash(None, &password)
        .await;
    hash.map_err(|_| anyhow::anyhow!("the password could not be hashed"))
}

fn given_password() -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    let input = std::io::stdin();
    if input.is_terminal() {
        print::line(
            "New password, 8 characters at least (it is shown while you type; leave it empty to \
            have one made up):",
        );
        input.read_line(&mut text)?;
    } else {
        input.lock().take(64 * 1024).read_to_string(&mut text)?;
    }
    let password = text.trim_end_matches(['\r', '\n']);
    Ok((!password.is_empty()).then(|| password.to_owned()))
}

fn made_up() -> String {
    let mut password = new_token();
    password.truncate(MADE_UP);
    print::line(&format!("Password, shown this once: {password}"));
    password
}
