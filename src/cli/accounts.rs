//! Accounts: commands that make, list and revoke invite links.

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::bots::duration;
use super::cluster::show;
use super::options::{DataOptions, PageOptions};
use super::print;
use crate::store::invites::{Invite as InviteRow, InviteState, NewInvite};
use crate::store::now_ms;

/// Longest label, in characters.
const LABEL_CHARS: usize = 100;

/// Options of `admin invite`.
#[derive(Args)]
pub struct InviteArgs {
    /// How long it is valid, as in 12h or 30d; `never` for no end
    #[arg(long = "for", default_value = "7d", value_name = "TIME")]
    length: Length,
    /// How many people it admits [default: any number]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    uses: Option<i64>,
    /// A label, shown by `admin invites` only
    #[arg(long, default_value = "", value_name = "TEXT")]
    label: String,
    #[command(flatten)]
    page: PageOptions,
    #[command(flatten)]
    place: DataOptions,
}

/// Options of `admin invites`.
#[derive(Args)]
pub struct InvitesArgs {
    /// Revoke this invite; people who joined with it stay
    #[arg(long, value_name = "ID")]
    revoke: Option<String>,
    #[command(flatten)]
    place: DataOptions,
}

#[derive(Clone, Copy)]
struct Length(Option<Duration>);

impl std::str::FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        match duration(text)? {
            Duration::ZERO => Err("an invite must be valid for some time".into()),
            length => Ok(Self(Some(length))),
        }
    }
}

pub async fn invite(options: InviteArgs) -> anyhow::Result<()> {
    let label = options.label.trim();
    if label.chars().count() > LABEL_CHARS || label.chars().any(char::is_control) {
        bail!("a label has at most {LABEL_CHARS} characters and no control characters");
    }
    let url = options.place.page_url(options.page)?;
    let length = options
        .length
        .0
        .map(|length| i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    let store = options.place.open().await?;
    let new = NewInvite {
        label: label.to_owned(),
        expires_at: length.map(|length| now_ms().saturating_add(length)),
        max_uses: options.uses,
        by: None,
    };
    let (id, token) = store.add_invite(&new).await?;
    store.close().await;
    print::line(&format!("{url}/i/{token}"));
    let people = match options.uses {
        None => "any number of people".to_owned(),
        Some(1) => "one person".to_owned(),
        Some(uses) => format!("{uses} people"),
    };
    let end = length.map_or_else(
        || "until it is revoked".to_owned(),
        |length| format!("for {}", span(length)),
    );
    print::line(&format!(
        "It is shown this once, and admits {people} {end}. To take it back: plaza admin invites \
        --revoke {id}"
    ));
    Ok(())
}

pub async fn invites(options: InvitesArgs) -> anyhow::Result<()> {
    let store = options.place.open().await?;
    if let Some(id) = options.revoke {
        let is_revoked = store.revoke_invite(id.trim()).await?;
        store.close().await;
        if !is_revoked {
            bail!("there is no valid invite {id} to revoke");
        }
        print::line("The invite is revoked.");
        return Ok(());
    }
    let (all, now) = (store.invites().await?, now_ms());
    store.close().await;
    if all.is_empty() {
        print::line("There are no invites. To make one: plaza admin invite");
        return Ok(());
    }
    let mut table = vec![["id", "state", "used", "ends", "made", "label"].map(str::to_owned)];
    table.extend(all.iter().map(|invite| row(invite, now)));
    show(&table);
    Ok(())
}

fn row(invite: &InviteRow, now: i64) -> [String; 6] {
    let state = match invite.state(now) {
        InviteState::Good => "good",
        InviteState::Expired => "expired",
        InviteState::Used => "used up",
        InviteState::Revoked => "taken back",
    };
    let used = match invite.max_uses {
        None => invite.uses.to_string(),
        Some(most) => format!("{} of {most}", invite.uses),
    };
    let ends = match invite.expires_at {
        None => "never".to_owned(),
        Some(end) if end > now => format!("in {}", span(end - now)),
        Some(end) => ago(end, now),
    };
    [
        invite.id.clone(),
        state.to_owned(),
        used,
        ends,
        ago(invite.at, now),
        invite.label.clone(),
    ]
}

fn ago(then: i64, now: i64) -> String {
    format!("{} ago", span(now - then))
}

/// A duration in its largest whole unit.
fn span(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    let (count, unit) = match minutes {
        0 => return "less than a minute".into(),
        1..=59 => (minutes, "minute"),
        60..=2879 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_whole_units() {
        let minute = 60_000;
        for (ms, said) in [
            (0, "less than a minute"),
            (minute, "1 minute"),
            (119 * minute, "1 hour"),
            (47 * 60 * minute, "47 hours"),
            (7 * 1440 * minute, "7 days"),
        ] {
            assert_eq!(span(ms), said);
        }
    }
}
