//! Spaces: who made them, who may see them, and what stands in them.

use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Store, StoreError, Tx, id, now_ms, tiles, uploads};
use crate::components::id::{ElementId, MapId, PlacementId, SpaceId, UserId};
use crate::components::peers::ProximityRules;
use crate::components::unit::Tile;

/// The word for a space that keeps what is said...
const KEPT: &str = "kept";

/// ...and for one that forgets it when nobody is there.
const EPHEMERAL: &str = "ephemeral";

/// Who may see and enter a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; it is listed in the lobby.
    Public,
    /// Whoever has the link.
    Unlisted,
}

impl Access {
    const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
        }
    }
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    /// Which.
    pub id: SpaceId,
    /// What it is called.
    pub name: String,
    /// Who made it; nobody when it came from a seed.
    pub creator: Option<UserId>,
    /// The map it was made from.
    pub map: Option<MapId>,
    /// Who may see it.
    pub access: Access,
    /// The picture that was chosen for its map.
    pub thumbnail: Option<String>,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Rises with every change of the map, the zones and what stands there, in the same
    /// transaction.
    pub plan_version: u32,
    /// Whether what is said there is kept for ever, or forgotten when nobody is there any more.
    pub keeps_chat: bool,
    /// Days that what was said is kept; for ever when nothing.
    pub retention_days: Option<u32>,
    /// Seconds between two lines of the same user, at least.
    pub slow_seconds: u32,
    /// How people in the open hear and see each other.
    pub voices: ProximityRules,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl SpaceRow {
    /// What was said before that moment, in Unix milliseconds, is forgotten, whether it was swept
    /// already or not.
    pub fn chat_since(&self) -> u64 {
        self.retention_days.map_or(0, |days| {
            (now_ms() as u64).saturating_sub(u64::from(days) * 24 * 60 * 60 * 1_000)
        })
    }
}

/// A space that somebody makes.
#[derive(Debug, Clone)]
pub struct NewSpace {
    /// What it is called.
    pub name: String,
    /// Who makes it.
    pub creator: UserId,
    /// The map whose elements it starts with.
    pub map: Option<MapId>,
    /// Who may see it.
    pub access: Access,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// Whether what is said there is kept for ever, or forgotten when nobody is there any more.
    pub keeps_chat: bool,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page<'a> {
    /// Only names with this in them, in any case; empty for all.
    pub search: &'a str,
    /// Only what comes after this one.
    pub after: Option<SpaceId>,
    /// At most so many.
    pub limit: u32,
    /// Of public spaces: what each owner has beyond the newest [`FRONT`], in place of those.
    pub is_behind: bool,
}

/// Public spaces of one owner that come before what others have beyond as many: no one fills the
/// first page alone.
pub const FRONT: u32 = 5;

#[derive(sqlx::FromRow)]
struct RawSpace {
    id: String,
    name: String,
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
}

impl RawSpace {
    fn read(self) -> Result<SpaceRow, StoreError> {
        Ok(SpaceRow {
            id: id(&self.id)?,
            name: self.name,
            creator: self.creator_id.as_deref().map(id).transpose()?,
            map: self.map_id.as_deref().map(id).transpose()?,
            access: if self.access == Access::Public.word() {
                Access::Public
            } else {
                Access::Unlisted
            },
            thumbnail: self.thumbnail,
            width: tiles(self.width)?,
            height: tiles(self.height)?,
            plan_version: u32::try_from(self.plan_version)
                .map_err(|_| StoreError::Corrupt("a plan's version"))?,
            keeps_chat: self.chat == KEPT,
            retention_days: self.chat_retention_days.map(whole).transpose()?,
            slow_seconds: whole(self.chat_slow_seconds)?,
            voices: ProximityRules {
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

/// A search text as a `like` pattern in which nothing but itself matches.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.to_lowercase().chars() {
        match letter {
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            // PostgreSQL cannot even be asked for it. No name has either of the two.
            '\0' => pattern.push('\u{1}'),
            _ => pattern.push(letter),
        }
    }
    pattern.push('%');
    pattern
}

/// What comes after this id in a list with the newest first.
fn before(after: Option<SpaceId>) -> String {
    after.map_or_else(|| "g".to_owned(), |space| space.to_string())
}

impl Store {
    /// One space.
    pub async fn space(&self, space: SpaceId) -> Result<Option<SpaceRow>, StoreError> {
        read_space(&mut *self.readers.acquire().await?, space).await
    }

    /// What somebody made, newest first.
    pub async fn spaces_of(
        &self,
        creator: UserId,
        page: Page<'_>,
    ) -> Result<Vec<SpaceRow>, StoreError> {
        let rows: Vec<RawSpace> = sqlx::query_as(
            "select spaces.id, spaces.name, creator_id, map_id, access, maps.thumbnail, \
            spaces.width, spaces.height, \
             plan_version, chat, chat_retention_days, \
             chat_slow_seconds, reach_tiles, most_voices, most_pictures, walls, spaces.created_at \
             from spaces left join maps on maps.id = spaces.map_id \
             where creator_id = $1 and search like $2 escape '\\' and spaces.id < $3 order by \
             spaces.id desc limit $4",
        )
        .bind(creator.to_string())
        .bind(pattern(page.search))
        .bind(before(page.after))
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(RawSpace::read).collect()
    }

    /// Public spaces that others than `but` made, newest first: of each owner the newest few, or
    /// what is behind those.
    pub async fn public_spaces(
        &self,
        but: UserId,
        page: Page<'_>,
    ) -> Result<Vec<SpaceRow>, StoreError> {
        let rows: Vec<RawSpace> = sqlx::query_as(
            "select spaces.id, spaces.name, creator_id, map_id, access, maps.thumbnail, \
            spaces.width, spaces.height, \
             plan_version, chat, chat_retention_days, \
             chat_slow_seconds, reach_tiles, most_voices, most_pictures, walls, spaces.created_at \
             from spaces left join maps on maps.id = spaces.map_id \
             where access = 'public' and (creator_id is null or creator_id <> $1) \
             and search like $2 escape '\\' and spaces.id < $3 \
             and (select count(*) from (select 1 from spaces as newer where newer.creator_id = \
             spaces.creator_id \
             and newer.access = 'public' and newer.id > spaces.id limit $5) as few) / $5 = $6 \
             order by spaces.id desc limit $4",
        )
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

    /// Makes a space, with the elements of its map.
    pub async fn add_space(&self, new: &NewSpace) -> Result<SpaceId, StoreError> {
        let space = self.add_space_within(new, u32::MAX).await?;
        space.ok_or(StoreError::Corrupt("the number of spaces"))
    }

    /// The same, unless its creator has as many already; then `None`.
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
        // The lock of the creator: who makes two at once has the first one counted before the
        // second.
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
            plan_version, chat, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)",
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
        .execute(&mut *tx)
        .await?;
        if let Some(map) = new.map {
            copy_map_elements(&mut tx, map, space).await?;
        }
        tx.commit().await?;
        Ok(Some(space))
    }

    /// Deletes a space and all that stands in it; answers whether it was there.
    pub async fn delete_space(&self, space: SpaceId) -> Result<bool, StoreError> {
        self.empty_chat(space).await?;
        let mut tx = self.begin().await?;
        let shown = uploads::shown_in_space(&mut tx, space).await?;
        let deleted = sqlx::query("delete from spaces where id = $1")
            .bind(space.to_string())
            .execute(&mut *tx)
            .await?;
        uploads::free(&mut tx, &shown).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Places an element unless `limit` stand there already; answers the placement and the plan's
    /// version with it.
    pub async fn place(
        &self,
        space: SpaceId,
        element: ElementId,
        corner: Tile,
        limit: u32,
    ) -> Result<Option<(PlacementId, u32)>, StoreError> {
        let placement = PlacementId(Uuid::now_v7());
        let mut tx = self.begin_alone().await?;
        let Some(version) = bump_plan(&mut tx, space).await? else {
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

    /// The space in which a placement stands.
    pub async fn space_of_placement(
        &self,
        placement: PlacementId,
    ) -> Result<Option<SpaceRow>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("select space_id from space_elements where id = $1")
                .bind(placement.to_string())
                .fetch_optional(&self.readers)
                .await?;
        match row {
            Some((space,)) => self.space(id(&space)?).await,
            None => Ok(None),
        }
    }

    /// Removes a placement; answers the plan's version without it, `None` when it was gone already.
    pub async fn unplace(
        &self,
        space: SpaceId,
        placement: PlacementId,
    ) -> Result<Option<u32>, StoreError> {
        let mut tx = self.begin_alone().await?;
        let Some(version) = bump_plan(&mut tx, space).await? else {
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

/// One space, over that connection.
pub(super) async fn read_space(
    connection: &mut AnyConnection,
    space: SpaceId,
) -> Result<Option<SpaceRow>, StoreError> {
    let row: Option<RawSpace> = sqlx::query_as(
        "select spaces.id, spaces.name, creator_id, map_id, access, maps.thumbnail, spaces.width, \
        spaces.height, \
         plan_version, chat, chat_retention_days, \
         chat_slow_seconds, reach_tiles, most_voices, most_pictures, walls, spaces.created_at from \
         spaces left join maps on maps.id = spaces.map_id where spaces.id = $1",
    )
    .bind(space.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(RawSpace::read).transpose()
}

/// The next version of a plan; `None` when there is no such space. Comes before any change of what
/// stands in the space: who deletes a space takes its row first, too.
async fn bump_plan(tx: &mut Tx, space: SpaceId) -> Result<Option<u32>, StoreError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "update spaces set plan_version = plan_version + 1 where id = $1 returning plan_version",
    )
    .bind(space.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(version,)| {
        u32::try_from(version).map_err(|_| StoreError::Corrupt("a plan's version"))
    })
    .transpose()
}

/// Gives a space its own copy of what stands on a map.
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
