//! Uploads: commands on uploaded pictures.

use anyhow::{Context, bail};
use clap::Args;

use super::cluster::show;
use super::options::DataOptions;
use super::print;
use crate::components::id::UserId;
use crate::components::utc::utc;
use crate::store::Store;
use crate::store::audit_log::Actor;
use crate::store::uploads::UploadRow;

/// Rows of one query.
const PAGE: u32 = 500;

/// Options of `admin uploads`.
#[derive(Args)]
pub struct Uploads {
    /// Only uploads of this user
    #[arg(long, value_name = "USERNAME")]
    of: Option<String>,
    /// Delete this upload; messages that contained it say so
    #[arg(long, value_name = "NAME", conflicts_with = "of")]
    delete: Option<String>,
    #[command(flatten)]
    place: DataOptions,
}

impl Uploads {
    pub async fn run(self) -> anyhow::Result<()> {
        let store = self.place.open().await?;
        match self.delete {
            Some(name) => delete(&store, name.trim()).await?,
            None => list(&store, self.of.as_deref()).await?,
        }
        store.close().await;
        Ok(())
    }
}

async fn list(store: &Store, owner: Option<&str>) -> anyhow::Result<()> {
    let owner = match owner {
        Some(name) => Some(user_named(store, name.trim()).await?),
        None => None,
    };
    let mut table = vec![
        [
            "name", "kind", "pixels", "bytes", "brought", "by", "shown in",
        ]
        .map(str::to_owned),
    ];
    let mut after: Option<String> = None;
    loop {
        let page = store.uploads(owner, after.as_deref(), PAGE).await?;
        table.extend(page.iter().map(row));
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.hash.clone()),
            _ => break,
        }
    }
    if table.len() == 1 {
        print::line("There are no uploads.");
    } else {
        show(&table);
    }
    Ok(())
}

async fn user_named(store: &Store, name: &str) -> anyhow::Result<UserId> {
    let known = store.credentials(name).await?;
    Ok(known
        .with_context(|| format!("there is no user {name}"))?
        .user)
}

fn row(upload: &UploadRow) -> [String; 7] {
    let uses = upload.uses;
    let shown = [
        (uses.lines, "messages"),
        (uses.directs, "direct messages"),
        (uses.avatars, "avatars"),
        (uses.elements, "elements"),
        (uses.maps, "maps"),
    ];
    let shown: Vec<_> = shown
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, place)| format!("{place} {count}"))
        .collect();
    [
        upload.name(),
        upload.kind.clone(),
        format!("{}×{}", upload.width, upload.height),
        upload.size.to_string(),
        utc(upload.created_at.cast_unsigned()),
        upload
            .owner
            .as_ref()
            .map_or_else(|| "-".to_owned(), |(_, name)| name.clone()),
        shown.join(", "),
    ]
}

async fn delete(store: &Store, name: &str) -> anyhow::Result<()> {
    let hash = name.split('.').next().unwrap_or_default();
    let row = store.upload(hash).await?;
    let row = row.with_context(|| format!("there is no upload {name}"))?;
    if row.uses.is_in_the_world() {
        bail!("an avatar, an element or a map uses this picture; give that another picture first");
    }
    store
        .delete_upload(hash, Some(&Actor::command_line()))
        .await?;
    print::line("The picture is deleted.");
    Ok(())
}
