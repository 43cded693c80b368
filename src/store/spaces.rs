//! Spaces: their owners, access, and placed elements.

use sqlx::AnyConnection;
use uuid::Uuid;

use super::membership::{RawEntry, read_roles};
use super::{Store, StoreError, Tx, id, natural, now_ms, tiles, uploads};
use crate::components::id::{ElementId, MapId, PlacementId, SpaceId, UserId};
use crate::components::membership::{AccessPolicy, EntryRules};
use crate::components::peers::ProximityRules;
use crate::components::permissions::PermissionRoles;
use crate::components::unit::Tile;

/// Value of `chat` for a space that saves its messages...
const KEPT: &str = "kept";

/// ...and for one that loses them when the last player leaves.
const EPHEMERAL: &str = "ephemeral";

/// Whether the lobby lists a space. Who may enter it is [`EntryRules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The lobby lists it.
    Public,
    /// People need its link.
    Unlisted,
}

/// Selects the columns of [`RawSpace`].
macro_rules! space_columns {
    () => {
        "select spaces.id, spaces.name, spaces.description, creator_id, map_id, access, \
         maps.thumbnail, spaces.width, spaces.height, plan_version, chat, chat_retention_days, \
         chat_slow_seconds, reach_tiles, most_voices, most_pictures, walls, spaces.created_at, \
         access_policy, guests, capacity, opens_at, closes_at, lockdown_until, permission_roles, \
         appeal from spaces left join maps on maps.id = spaces.map_id "
    };
}

impl Access {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
        }
    }
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    /// Id of the space.
    pub id: SpaceId,
    /// Name.
    pub name: String,
    /// What it is for, in a few sentences; may be empty.
    pub description: String,
    /// What people who are kept out are told about appeals; may be empty.
    pub appeal: String,
    /// Owner; `None` when it came from a seed.
    pub creator: Option<UserId>,
    /// Map from which it was made.
    pub map: Option<MapId>,
    /// Whether the lobby lists it.
    pub access: Access,
    /// Who may enter it.
    pub rules: EntryRules,
    /// Roles of the permissions that the owner hands out.
    pub roles: PermissionRoles,
    /// Address of its map's chosen thumbnail.
    pub thumbnail: Option<String>,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
    /// Version of the layout. Rises with every change of the map, the zones and the placed
    /// elements, in the same transaction.
    pub plan_version: u32,
    /// Whether messages are saved for ever; otherwise they are lost when the last player leaves.
    pub keeps_chat: bool,
    /// Days after which messages are deleted; `None` for never.
    pub retention_days: Option<u32>,
    /// Least number of seconds between two messages of the same user.
    pub slow_seconds: u32,
    /// Proximity rules outside zones.
    pub proximity: ProximityRules,
    /// Time of its creation, in Unix milliseconds.
    pub created_at: i64,
}

impl SpaceRow {
    /// Messages before this time, in Unix milliseconds, count as deleted, whether they were swept
    /// already or not.
    pub fn chat_since(&self) -> u64 {
        self.retention_days.map_or(0, |days| {
            natural(now_ms()).saturating_sub(u64::from(days) * 24 * 60 * 60 * 1_000)
        })
    }
}

/// A space to be created.
#[derive(Debug, Clone)]
pub struct NewSpace {
    /// Name.
    pub name: String,
    /// Owner.
    pub creator: UserId,
    /// Map from which its elements are copied.
    pub map: Option<MapId>,
    /// Whether the lobby lists it.
    pub access: Access,
    /// Who may enter it; guests may enter an open one.
    pub policy: AccessPolicy,
    /// Width, in tiles.
    pub width: u16,
    /// Height, in tiles.
    pub height: u16,
    /// Whether messages are saved for ever; otherwise they are lost when the last player leaves.
    pub keeps_chat: bool,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page<'a> {
    /// Only spaces with this text in their name, in any case; empty for all.
    pub search: &'a str,
    /// Only spaces after this one in the order of the list.
    pub after: Option<SpaceId>,
    /// Most spaces on the page.
    pub limit: u32,
    /// For public spaces: list what each owner has beyond the newest [`FRONT`], instead of those.
    pub is_behind: bool,
}

/// Newest public spaces of each owner that are listed before all others, so that a single owner
/// cannot fill the first page.
pub const FRONT: u32 = 5;

#[derive(sqlx::FromRow)]
struct RawSpace {
    id: String,
    name: String,
    description: String,
    creator_id: Option<String>,
    map_id: Option<String>,
    access: String,
    thumbnail: Option<String>,
    width: i64,
    height: i64,
    plan_version: i64,
    chat: String,
    chat_retention_days: Option<i64>,
    chat_slow_seconds: i64,
    reach_tiles: i64,
    most_voices: i64,
    most_pictures: i64,
    walls: Option<i64>,
    created_at: i64,
    permission_roles: String,
    appeal: String,
    #[sqlx(flatten)]
    entry: RawEntry,
}

impl RawSpace {
    fn read(self) -> Result<SpaceRow, StoreError> {
        let access = if self.access == Access::Public.word() {
            Access::Public
        } else {
            Access::Unlisted
        };
        Ok(SpaceRow {
            id: id(&self.id)?,
            name: self.name,
            description: self.description,
            appeal: self.appeal,
            creator: self.creator_id.as_deref().map(id).transpose()?,
            map: self.map_id.as_deref().map(id).transpose()?,
            rules: self.entry.read(access == Access::Public)?,
            access,
            roles: read_roles(&self.permission_roles),
            thumbnail: self.thumbnail,
            width: tiles(self.width)?,
            height: tiles(self.height)?,
            plan_version: u32::try_from(self.plan_version)
                .map_err(|_| StoreError::Corrupt("the version of a layout"))?,
            keeps_chat: self.chat == KEPT,
            retention_days: self.chat_retention_days.map(whole).transpose()?,
            slow_seconds: whole(self.chat_slow_seconds)?,
            proximity: ProximityRules {
                range_tiles: small(self.reach_tiles)?,
                max_audio: small(self.most_voices)?,
                max_video: small(self.most_pictures)?,
                walls_block: self.walls.map(|walls| walls != 0),
            },
            created_at: self.created_at,
        })
    }
}

fn whole(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Corrupt("a rule of the chat"))
}

fn small(number: i64) -> Result<u8, StoreError> {
    u8::try_from(number).map_err(|_| StoreError::Corrupt("a rule of voices"))
}

/// A search text as a `like` pattern that matches only the text itself.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.to_lowercase().chars() {
        match letter {
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            // PostgreSQL cannot query a NUL. Names contain neither of the two characters.
            '\0' => pattern.push('\u{1}'),
            _ => pattern.push(letter),
        }
    }
    pattern.push('%');
    pattern
}

/// Bound of the ids after this one in a list with the newest first.
fn before(after: Option<SpaceId>) -> String {
    after.map_or_else(|| "g".to_owned(), |space| space.to_string())
}

impl Store {
    /// One space.
    pub async fn space(&self, space: SpaceId) -> Result<Option<SpaceRow>, StoreError> {
        read_space(&mut *self.readers.acquire().await?, space).await
    }

    /// Spaces of an owner, newest first.
    pub async fn spaces_of(
        &self,
        creator: UserId,
        page: Page<'_>,
    ) -> Result<Vec<SpaceRow>, StoreError> {
        let rows: Vec<RawSpace> = sqlx::query_as(concat!(
            space_columns!(),
            "where creator_id = $1 and search like $2 escape '\\' and spaces.id < $3 order by \
             spaces.id desc limit $4"
        ))
        .bind(creator.to_string())
        .bind(pattern(page.search))
        .bind(before(page.after))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawSpace::read).collect()
    }

    /// Public spaces of owners other than `but`, newest first: the newest few of each owner, or the
    /// ones beyond those.
    pub async fn public_spaces(
        &self,
        but: UserId,
        page: Page<'_>,
    ) -> Result<Vec<SpaceRow>, StoreError> {
        let rows: Vec<RawSpace> = sqlx::query_as(concat!(
            space_columns!(),
            "where access = 'public' and (creator_id is null or creator_id <> $1) \
             and search like $2 escape '\\' and spaces.id < $3 \
             and (select count(*) from (select 1 from spaces as newer where newer.creator_id = \
             spaces.creator_id \
             and newer.access = 'public' and newer.id > spaces.id limit $5) as few) / $5 = $6 \
             order by spaces.id desc limit $4"
        ))
        .bind(but.to_string())
        .bind(pattern(page.search))
        .bind(before(page.after))
        .bind(i64::from(page.limit))
        .bind(i64::from(FRONT))
        .bind(i64::from(page.is_behind))
        .fetch_all(if page.search.is_empty() {
            &self.readers
        } else {
            &self.searchers
        })
        .await?;
        rows.into_iter().map(RawSpace::read).collect()
    }

    /// Creates a space with the elements of its map.
    pub async fn add_space(&self, new: &NewSpace) -> Result<SpaceId, StoreError> {
        let space = self.add_space_within(new, u32::MAX).await?;
        space.ok_or(StoreError::Corrupt("the number of spaces"))
    }

    /// Creates a space unless its owner has reached the limit; then `None`.
    pub async fn add_space_within(
        &self,
        new: &NewSpace,
        most: u32,
    ) -> Result<Option<SpaceId>, StoreError> {
        let space = SpaceId(Uuid::now_v7());
        let mut tx = match new.map {
            Some(_) => self.begin_alone().await?,
            None => self.begin().await?,
        };
        // Locks the owner's row, so that a concurrent creation is counted.
        sqlx::query("update users set created_at = created_at where id = $1")
            .bind(new.creator.to_string())
            .execute(&mut *tx)
            .await?;
        let (has,): (i64,) = sqlx::query_as("select count(*) from spaces where creator_id = $1")
            .bind(new.creator.to_string())
            .fetch_one(&mut *tx)
            .await?;
        if has >= i64::from(most) {
            return Ok(None);
        }
        sqlx::query(
            "insert into spaces (id, name, search, creator_id, map_id, access, width, height, \
            plan_version, chat, created_at, access_policy, guests) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12)",
        )
        .bind(space.to_string())
        .bind(&new.name)
        .bind(new.name.to_lowercase())
        .bind(new.creator.to_string())
        .bind(new.map.map(|map| map.to_string()))
        .bind(new.access.word())
        .bind(i64::from(new.width))
        .bind(i64::from(new.height))
        .bind(if new.keeps_chat { KEPT } else { EPHEMERAL })
        .bind(now_ms())
        .bind(new.policy.word())
        .bind(i64::from(new.policy == AccessPolicy::Open))
        .execute(&mut *tx)
        .await?;
        if let Some(map) = new.map {
            copy_map_elements(&mut tx, map, space).await?;
        }
        tx.commit().await?;
        Ok(Some(space))
    }

    /// Deletes a space and everything in it; returns whether it existed.
    pub async fn delete_space(&self, space: SpaceId) -> Result<bool, StoreError> {
        self.empty_chat(space).await?;
        let mut tx = self.begin().await?;
        let shown = uploads::shown_in_space(&mut tx, space).await?;
        let deleted = sqlx::query("delete from spaces where id = $1")
            .bind(space.to_string())
            .execute(&mut *tx)
            .await?;
        uploads::free_own(&mut tx, &shown).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Places an element unless `limit` are placed already; returns the placement and the new
    /// version of the layout.
    pub async fn place(
        &self,
        space: SpaceId,
        element: ElementId,
        corner: Tile,
        limit: u32,
    ) -> Result<Option<(PlacementId, u32)>, StoreError> {
        let placement = PlacementId(Uuid::now_v7());
        let mut tx = self.begin_alone().await?;
        let Some(version) = raise_layout_version(&mut tx, space).await? else {
            return Ok(None);
        };
        let placed = sqlx::query(
            "insert into space_elements (id, space_id, element_id, x, y, from_map) \
             select $1, spaces.id, elements.id, $4, $5, 0 from spaces, elements where spaces.id = \
             $2 and elements.id = $3 \
             and (select count(*) from space_elements where space_id = $2) < $6",
        )
        .bind(placement.to_string())
        .bind(space.to_string())
        .bind(element.to_string())
        .bind(i64::from(corner.x))
        .bind(i64::from(corner.y))
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        if placed.rows_affected() == 0 {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some((placement, version)))
    }

    /// The space of a placement.
    pub async fn space_of_placement(
        &self,
        placement: PlacementId,
    ) -> Result<Option<SpaceId>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("select space_id from space_elements where id = $1")
                .bind(placement.to_string())
                .fetch_optional(&self.readers)
                .await?;
        row.map(|(space,)| id(&space)).transpose()
    }

    /// Removes a placement; returns the new version of the layout, or `None` when it was removed
    /// already.
    pub async fn unplace(
        &self,
        space: SpaceId,
        placement: PlacementId,
    ) -> Result<Option<u32>, StoreError> {
        let mut tx = self.begin_alone().await?;
        let Some(version) = raise_layout_version(&mut tx, space).await? else {
            return Ok(None);
        };
        let removed = sqlx::query("delete from space_elements where id = $1 and space_id = $2")
            .bind(placement.to_string())
            .bind(space.to_string())
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some(version))
    }
}

/// One space, over a given connection.
pub(super) async fn read_space(
    connection: &mut AnyConnection,
    space: SpaceId,
) -> Result<Option<SpaceRow>, StoreError> {
    let row: Option<RawSpace> = sqlx::query_as(concat!(space_columns!(), "where spaces.id = $1"))
        .bind(space.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(RawSpace::read).transpose()
}

/// Raises the version of a layout; `None` when there is no such space. Done before any change of
/// the space's content, as deleting a space locks its row first, too.
async fn raise_layout_version(tx: &mut Tx, space: SpaceId) -> Result<Option<u32>, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "update spaces set plan_version = plan_version + 1 where id = $1 returning plan_version",
    )
    .bind(space.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(version,)| {
        u32::try_from(version).map_err(|_| StoreError::Corrupt("the version of a layout"))
    })
    .transpose()
}

/// Copies the placed elements of a map into a space.
pub(super) async fn copy_map_elements(
    tx: &mut Tx,
    map: MapId,
    space: SpaceId,
) -> Result<(), StoreError> {
    let standing: Vec<(String, i64, i64)> =
        sqlx::query_as("select element_id, x, y from map_elements where map_id = $1 order by id")
            .bind(map.to_string())
            .fetch_all(&mut **tx)
            .await?;
    for (element, x, y) in standing {
        sqlx::query(
            "insert into space_elements (id, space_id, element_id, x, y, from_map) values ($1, $2, \
            $3, $4, $5, 1)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(space.to_string())
        .bind(element)
        .bind(x)
        .bind(y)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn wildcards_in_a_search_match_only_themselves() {
        assert_eq!(pattern("50%_Off\\"), "%50\\%\\_off\\\\%");
        assert_eq!(pattern("\0"), "%\u{1}%");
    }
}
