//! Avatars: the pictures that players can choose for themselves.

use uuid::Uuid;

use super::{Store, StoreError, id, now_ms, uploads};
use crate::components::id::AvatarId;

/// An avatar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvatarRow {
    /// Id of the avatar.
    pub id: AvatarId,
    /// Name.
    pub name: String,
    /// Address of the picture.
    pub image_url: String,
}

impl Store {
    /// All avatars, oldest first.
    pub async fn avatars(&self) -> Result<Vec<AvatarRow>, StoreError> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("select id, name, image_url from avatars order by id")
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter()
            .map(|(avatar, name, image_url)| {
                Ok(AvatarRow {
                    id: id(&avatar)?,
                    name,
                    image_url,
                })
            })
            .collect()
    }

    /// Addresses of pictures on other servers that admins entered, for avatars and elements.
    pub async fn pictures_elsewhere(&self) -> Result<Vec<String>, StoreError> {
        let sql = "select image_url from avatars where image_url like 'http%' \
                   union select image_url from elements where image_url like 'http%'";
        Ok(sqlx::query_scalar(sql).fetch_all(&self.readers).await?)
    }

    /// Adds an avatar.
    pub async fn add_avatar(&self, name: &str, image_url: &str) -> Result<AvatarId, StoreError> {
        let avatar = AvatarId(Uuid::now_v7());
        sqlx::query(
            "insert into avatars (id, name, image_url, created_at) values ($1, $2, $3, $4)",
        )
        .bind(avatar.to_string())
        .bind(name)
        .bind(image_url)
        .bind(now_ms())
        .execute(&self.writer)
        .await?;
        Ok(avatar)
    }

    /// Deletes an avatar, and its picture when nothing else shows it; users who chose it have none
    /// then. Returns whether it existed.
    pub async fn delete_avatar(&self, avatar: AvatarId) -> Result<bool, StoreError> {
        let mut tx = self.begin_alone().await?;
        let deleted: Option<(String,)> =
            sqlx::query_as("delete from avatars where id = $1 returning image_url")
                .bind(avatar.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        let is_there = deleted.is_some();
        let (image_url,) = deleted.unwrap_or_default();
        let shown = uploads::pictures_in(&image_url)
            .into_iter()
            .map(str::to_owned)
            .collect();
        uploads::free(&mut tx, &shown).await?;
        tx.commit().await?;
        Ok(is_there)
    }
}
