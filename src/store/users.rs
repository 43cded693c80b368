//! Users: names, password hashes, roles and chosen avatars.

use uuid::Uuid;

use super::suspension::Suspension;
use super::{Store, StoreError, Tx, id, now_ms, unless_gone};
use crate::components::id::{AvatarId, UserId};
use crate::components::likeness::{LOOSE_RULE, NameKeys, normal};
use crate::components::player::Avatar;

/// What a user may do beyond their own things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// No further permissions.
    User,
    /// May manage pictures, maps, users and every space.
    Admin,
}

impl Role {
    /// Its name in the table and over HTTP.
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// Whether it administers the server.
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Admin)
    }

    /// The role with that name, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::User, Self::Admin]
            .into_iter()
            .find(|role| role.word().eq_ignore_ascii_case(word))
    }
}

/// Data of a user for sign-in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Id of the user.
    pub user: UserId,
    /// Argon2id hash, in PHC form.
    pub password_hash: String,
    /// Suspension, if any.
    pub suspension: Option<Suspension>,
}

/// A user as shown in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLook {
    /// Id of the user.
    pub user: UserId,
    /// Chosen avatar, if any.
    pub avatar: Option<Avatar>,
}

/// A user to be added.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// Name, in normal form.
    pub username: &'a str,
    /// Argon2id hash, in PHC form.
    pub password_hash: &'a str,
    /// Role.
    pub role: Role,
}

/// Id, name, hash, end of a suspension and its reason.
type CredentialColumns = (String, String, String, Option<i64>, Option<String>);

impl Store {
    /// Adds a user; `None` when the name is taken, or looks like one that is.
    pub async fn add_user(
        &self,
        username: &str,
        password_hash: &str,
        role: Role,
    ) -> Result<Option<UserId>, StoreError> {
        let new = NewUser {
            username,
            password_hash,
            role,
        };
        let mut tx = self.begin().await?;
        let Some(user) = add_user_within(&mut tx, &new).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        Ok(Some(user))
    }

    /// Credentials of the user with that name; otherwise of the user whose name looks the same.
    pub async fn credentials(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        // PostgreSQL cannot query a NUL.
        if username.contains('\0') {
            return Ok(None);
        }
        let normal = normal(username);
        // One query, whether the user exists or not, so that its duration reveals nothing.
        let rows: Vec<CredentialColumns> = sqlx::query_as(
            "select id, username, password_hash, suspended_until, suspended_reason from users \
             where username = $1 or username = $2 or name_key = $3",
        )
        .bind(username)
        .bind(&normal)
        .bind(NameKeys::of(username).folded)
        .fetch_all(&self.readers)
        .await?;
        let exact = [username, &normal]
            .iter()
            .find_map(|exact| rows.iter().position(|(_, name, ..)| name == exact));
        rows.into_iter()
            .nth(exact.unwrap_or(0))
            .map(|(user, _, password_hash, until, reason)| {
                Ok(Credentials {
                    user: id(&user)?,
                    password_hash,
                    suspension: Suspension::of_row(until, reason),
                })
            })
            .transpose()
    }

    /// Saves a new hash of the same password, unless the password was changed since.
    pub async fn renew_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("update users set password_hash = $1 where id = $2 and password_hash = $3")
            .bind(new)
            .bind(user.to_string())
            .bind(old)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Sets a password and ends every session of the user but the one given.
    pub async fn set_password(
        &self,
        user: UserId,
        hash: &str,
        keep_token: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        change_password(&mut tx, user, hash, keep_token).await?;
        Ok(tx.commit().await?)
    }

    /// Whether there is an admin.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("select cast(1 as bigint) from users where role = 'admin' limit 1")
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.is_some())
    }

    /// Chooses an avatar; `None` when there is no such avatar or user.
    pub async fn choose_avatar(
        &self,
        user: UserId,
        avatar: AvatarId,
    ) -> Result<Option<Avatar>, StoreError> {
        let chosen: Result<Option<(String,)>, sqlx::Error> = sqlx::query_as(
            "update users set avatar_id = $1 where id = $2 and exists (select 1 from avatars where \
            id = $1) \
             returning (select image_url from avatars where id = $1)",
        )
        .bind(avatar.to_string())
        .bind(user.to_string())
        .fetch_optional(&self.writer)
        .await;
        let image = unless_gone(chosen)?.flatten();
        Ok(image.map(|(image_url,)| Avatar {
            id: avatar,
            image_url,
        }))
    }

    /// Avatars of users, in the order asked; unknown users are left out.
    pub async fn looks(&self, users: &[UserId]) -> Result<Vec<UserLook>, StoreError> {
        let mut looks = Vec::with_capacity(users.len());
        for user in users {
            let row: Option<(Option<String>, Option<String>)> = sqlx::query_as(
                "select avatars.id, avatars.image_url from users left join avatars on avatars.id = \
                users.avatar_id \
                 where users.id = $1",
            )
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await?;
            if let Some((avatar, image_url)) = row {
                looks.push(UserLook {
                    user: *user,
                    avatar: avatar_of(avatar, image_url)?,
                });
            }
        }
        Ok(looks)
    }
}

/// Sets a password and ends every session of the user but the one given.
pub(super) async fn change_password(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    keep_token: Option<&str>,
) -> Result<(), StoreError> {
    let keep = keep_token.map(super::token::hash_token).unwrap_or_default();
    sqlx::query("update users set password_hash = $1 where id = $2")
        .bind(hash)
        .bind(user.to_string())
        .execute(&mut **tx)
        .await?;
    sqlx::query("delete from sessions where user_id = $1 and token_hash <> $2")
        .bind(user.to_string())
        .bind(keep)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds a user within a transaction; `None` when the name is taken, or looks like one that is.
pub(super) async fn add_user_within(
    tx: &mut Tx,
    new: &NewUser<'_>,
) -> Result<Option<UserId>, StoreError> {
    let user = UserId(Uuid::now_v7());
    let keys = NameKeys::of(new.username);
    let added = sqlx::query(
        "insert into users (id, username, password_hash, role, created_at, name_key, name_look, \
         name_key_loose, name_look_loose, name_checked, name_loosely_checked, \
         name_loosely_rule) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 1, $10) \
         on conflict do nothing",
    )
    .bind(user.to_string())
    .bind(new.username)
    .bind(new.password_hash)
    .bind(new.role.word())
    .bind(now_ms())
    .bind(keys.folded)
    .bind(keys.seen)
    .bind(keys.folded_loosely)
    .bind(keys.seen_loosely)
    .bind(LOOSE_RULE)
    .execute(&mut **tx)
    .await?;
    Ok((added.rows_affected() > 0).then_some(user))
}

/// The avatar of a row of a left join.
pub(super) fn avatar_of(
    avatar: Option<String>,
    image_url: Option<String>,
) -> Result<Option<Avatar>, StoreError> {
    avatar
        .zip(image_url)
        .map(|(avatar, image_url)| {
            Ok(Avatar {
                id: id(&avatar)?,
                image_url,
            })
        })
        .transpose()
}
