//! Report context: what the server adds to a report. Quoted messages are checked, against the chat
//! of the space or by their signature; roles, zones and who was within hearing are looked up.

use serde::Deserialize;
use utoipa::ToSchema;

use super::AppState;
use super::access::{Entered, layout};
use super::error::ApiError;
use crate::components::chat::ChatMessage;
use crate::components::fact::Snapshot;
use crate::components::id::{ChatId, PlayerId, SpaceId, UserId};
use crate::components::membership::Membership;
use crate::components::unit::Tile;
use crate::components::zone::{Zone, ZoneKind};
use crate::store::reports::{QuotedMessage, ReportContext, ReportPerson};
use crate::store::server_key::{MessageKey, SaidWords};
use crate::store::token::unhex;

/// Most quoted messages.
const MOST_QUOTES: usize = 20;
/// Most names of people within hearing.
const MOST_HEARERS: usize = 50;

/// A message that a report quotes. With `mac`, text and time are as the client was sent them; then
/// it need not be stored. Without, the space has it.
#[derive(Deserialize, ToSchema)]
pub struct QuoteRequest {
    /// Id of the message.
    id: String,
    /// Text, with `mac`.
    #[serde(default)]
    text: String,
    /// Time, in Unix milliseconds, with `mac`.
    #[serde(default)]
    at: u64,
    /// Signature of the message in the binary protocol, as 32 hexadecimal digits.
    #[serde(default)]
    mac: String,
}

/// Checks the quoted messages of a user.
pub async fn quoted(
    state: &AppState,
    (space, about): (SpaceId, UserId),
    quotes: &[QuoteRequest],
) -> Result<Vec<QuotedMessage>, ApiError> {
    if quotes.len() > MOST_QUOTES {
        return Err(ApiError::bad(format!(
            "A report quotes at most {MOST_QUOTES} messages."
        )));
    }
    if quotes.is_empty() {
        return Ok(Vec::new());
    }
    let ids = quotes.iter().map(|quote| quote.id.parse().ok());
    let ids: Vec<ChatId> = ids.collect::<Option<_>>().ok_or_else(no_message)?;
    let stored = state.store.lines_by_id(space, &ids).await?;
    let key = MessageKey::new(state.key().clone(), space);
    let mut checked: Vec<QuotedMessage> = Vec::with_capacity(ids.len());
    for (quote, id) in quotes.iter().zip(ids) {
        let stored = stored.iter().find(|message| message.id == id);
        let message = if quote.mac.is_empty() {
            of_stored(about, stored)?
        } else {
            let said = SaidWords {
                id,
                user: about,
                text: &quote.text,
                at: quote.at,
            };
            of_signed(&key, said, &quote.mac, stored)?
        };
        if checked.iter().all(|other| other.id != message.id) {
            checked.push(message);
        }
    }
    Ok(checked)
}

fn no_message() -> ApiError {
    ApiError::bad("There is no such message in this space. It may have been deleted.")
}

fn of_stored(about: UserId, stored: Option<&ChatMessage>) -> Result<QuotedMessage, ApiError> {
    let message = stored.filter(|message| !message.is_deleted);
    let message = message.ok_or_else(no_message)?;
    if message.user != about {
        return Err(ApiError::bad(
            "A report quotes messages of the person whom it is about, and no others.",
        ));
    }
    Ok(QuotedMessage {
        id: message.id.to_string(),
        text: message.text.clone(),
        at: message.at,
        is_stored: true,
        later: None,
    })
}

fn of_signed(
    key: &MessageKey,
    said: SaidWords<'_>,
    mac: &str,
    stored: Option<&ChatMessage>,
) -> Result<QuotedMessage, ApiError> {
    if !unhex(mac).is_some_and(|mac| key.verify(said, &mac)) {
        return Err(ApiError::bad(
            "A quoted message was not said like this, by this person and in this space.",
        ));
    }
    let later = stored.filter(|message| message.text != said.text);
    Ok(QuotedMessage {
        id: said.id.to_string(),
        text: said.text.to_owned(),
        at: said.at,
        is_stored: stored.is_some(),
        later: later.map(|message| message.text.clone()),
    })
}

/// What the server knows about two people in a space now.
pub async fn of_people(
    state: &AppState,
    found: &Entered,
    (by, by_name): (UserId, String),
    (about, theirs): (UserId, &Membership),
) -> Result<ReportContext, ApiError> {
    let space = found.row.id;
    let about_name = state.store.name_of_user(about).await?;
    let mut context = ReportContext {
        by: person(by_name, &found.membership),
        about: person(about_name.unwrap_or_default(), theirs),
        ..ReportContext::default()
    };
    let Some(snapshot) = state.spaces.snapshot_here(space).await else {
        return Ok(context);
    };
    let zones = layout(state, space).await?.document.zones();
    context.by.zone = place_of(&snapshot, by).and_then(|(_, tile)| zone_at(&zones, tile));
    let place = place_of(&snapshot, about);
    context.was_inside = Some(place.is_some());
    context.hearers = place.map(|(player, _)| hearers(&snapshot, player));
    context.about.zone = place.and_then(|(_, tile)| zone_at(&zones, tile));
    Ok(context)
}

fn person(name: String, membership: &Membership) -> ReportPerson {
    ReportPerson {
        name,
        role: membership.standing.role().word().to_owned(),
        zone: None,
    }
}

fn place_of(snapshot: &Snapshot, user: UserId) -> Option<(PlayerId, Tile)> {
    let mut players = snapshot.players.iter();
    let (card, stance, _) = players.find(|(card, ..)| card.user == user)?;
    Some((card.player, stance.position.tile()))
}

/// Name of the smallest zone at a tile; zones in which people only arrive, and those without a
/// name, say nothing.
fn zone_at(zones: &[Zone], tile: Tile) -> Option<String> {
    let here = zones.iter().filter(|zone| zone.area.contains(tile));
    let named = here.filter(|zone| zone.kind != ZoneKind::Spawn && !zone.name.is_empty());
    let size = |zone: &&Zone| u32::from(zone.area.width) * u32::from(zone.area.height);
    named.min_by_key(size).map(|zone| zone.name.clone())
}

/// Names of those who hear a player.
fn hearers(snapshot: &Snapshot, player: PlayerId) -> Vec<String> {
    let mut all = snapshot.peers.iter();
    let peers = all.find(|(own, _)| *own == player);
    let peers = peers.map_or(&[][..], |(_, peers)| peers.as_slice());
    let heard = peers.iter().filter(|peer| peer.heard);
    let name = |other: PlayerId| {
        let mut players = snapshot.players.iter();
        let (card, ..) = players.find(|(card, ..)| card.player == other)?;
        Some(card.name.clone())
    };
    heard
        .filter_map(|peer| name(peer.player))
        .take(MOST_HEARERS)
        .collect()
}
