//! Uploads: pictures that people bring, how much of their share they used, and how they free it
//! again.
//!
//! Bytes are set aside in the database before the first one is read: one upload at a time of each
//! user, whichever process it comes to. A body goes to a file, so that many slow ones take no
//! memory; few are decoded at the same time.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::account::Empty;
use super::error::{ApiError, Problem};
use super::extract::{Admin, Caller, Json, Path, Query};
use super::pictures::{self, FILE_LIMIT, Picture};
use super::upload_folder::UploadFolder;
use crate::components::id::UserId;
use crate::net::edge::CutBody;
use crate::store::Store;
use crate::store::audit_log::Actor;
use crate::store::sessions::hex;
use crate::store::uploads::{Reserved, Settled, Ticket, Upload, UploadRow, Uses};

/// Largest body: the picture and the multipart lines around it.
pub const BODY_LIMIT: usize = FILE_LIMIT + 16 * 1024;

/// How long a picture may take to arrive: the largest one on a line of 1.1 Mbit/s.
const ARRIVES_WITHIN: Duration = Duration::from_mins(1);

/// How long one that is refused may go on arriving.
const PASSES_WITHIN: Duration = Duration::from_secs(10);

/// How long one that arrived waits for its turn to be decoded.
const WAITS_FOR: Duration = Duration::from_secs(20);

/// Pictures that arrive at the same time. Each is a file of at most 8 MiB, and takes little memory.
const ARRIVING: usize = 64;

/// Pictures decoded at the same time, each within the memory limit.
const AT_ONCE: usize = 2;

/// Pictures of one page of the list.
const PAGE: u32 = 50;

static ARRIVALS: Semaphore = Semaphore::const_new(ARRIVING);
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// What a picture is for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// `avatar`, `element`, `thumbnail` or `chat`.
    #[param(inline)]
    kind: UploadKind,
}

/// What a picture is for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadKind {
    /// Somebody walks around as it.
    Avatar,
    /// It is placed in spaces.
    Element,
    /// It shows a map in a list.
    Thumbnail,
    /// It is shown to those in a space.
    Chat,
}

impl UploadKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Avatar => "avatar",
            Self::Element => "element",
            Self::Thumbnail => "thumbnail",
            Self::Chat => "chat",
        }
    }
}

/// The form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the form; the parts are read one by one"
)]
pub struct UploadForm {
    /// PNG, JPEG, WebP or GIF; at most 8 MiB, and 3840 × 2160 pixels, upright or not.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Where the picture is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// A path on this server.
    image_url: String,
}

/// Bring a picture
///
/// One at a time of each user. It is turned as its EXIF data says, which is removed; photos are
/// kept as JPEG, everything else as PNG. A picture that nothing shows is deleted after a day.
#[utoipa::path(
    post,
    path = "/upload",
    operation_id = "upload",
    tag = "files",
    security(("token" = [])),
    params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = UploadAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Query(UploadQuery { kind }): Query<UploadQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<UploadAnswer>, ApiError> {
    let quota = state.settings.upload_quota;
    let Ok(arrival) = ARRIVALS.try_acquire() else {
        return Err(ApiError::Unavailable(
            "Many pictures arrive at this moment. Try again in a few seconds.",
        ));
    };
    let ticket = match reserve(&state, caller.user(), &headers).await {
        Ok(ticket) => ticket,
        Err(refused) => {
            pass_over(request).await;
            return Err(refused);
        }
    };
    let folder = UploadFolder::of(&state.settings.data_dir);
    let mut arriving = Arriving {
        store: state.store.clone(),
        ticket: Some(ticket),
        draft: folder.draft().await.map_err(|error| unwritable(&error))?,
    };
    let received = tokio::time::timeout(ARRIVES_WITHIN, receive(request, &arriving.draft)).await;
    drop(arrival);
    let kept = match received {
        Ok(Ok(())) => arriving.keep(&folder, caller.user(), kind, quota).await,
        Ok(Err(refused)) => Err(refused),
        Err(_) => Err(ApiError::TooSlow("The picture did not arrive within 60 s.")),
    };
    // Who is answered may send the next one. A task of its own, as the request may be dropped at
    // any time.
    let ended = tokio::spawn(arriving.end());
    ended.await.map_err(|_| ApiError::Internal)?;
    Ok(Json(UploadAnswer { image_url: kept? }))
}

/// What of an upload must be given back however it ends, also when the client is gone.
struct Arriving {
    store: Store,
    ticket: Option<Ticket>,
    draft: PathBuf,
}

impl Arriving {
    /// Makes a picture of what arrived; answers its address.
    async fn keep(
        &mut self,
        folder: &UploadFolder,
        user: UserId,
        kind: UploadKind,
        quota: u64,
    ) -> Result<String, ApiError> {
        let picture = decode(&self.draft).await?;
        let hash = name_of(user, &picture.bytes);
        let name = format!("{hash}.{}", picture.format);
        self.store.expect_file(&name).await?;
        let written = folder.write(&name, &picture.bytes).await;
        written.map_err(|error| unwritable(&error))?;
        let upload = Upload {
            hash: &hash,
            format: picture.format,
            kind: kind.word(),
            width: picture.width,
            height: picture.height,
            size: picture.bytes.len() as u64,
        };
        let ticket = self.ticket.as_ref().ok_or(ApiError::Internal)?;
        match self.store.add_upload(ticket, upload, quota).await? {
            Settled::Added => {
                self.ticket = None;
                Ok(format!("/files/{name}"))
            }
            Settled::Full(taken) => Err(full(taken, quota)),
            Settled::Expired => Err(ApiError::bad("The picture took too long. Send it again.")),
        }
    }

    /// Gives everything back that did not become a picture.
    fn end(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (store, ticket, draft) = (
            self.store.clone(),
            self.ticket.take(),
            std::mem::take(&mut self.draft),
        );
        async move {
            // A refused one may never have been written.
            let _ = tokio::fs::remove_file(draft).await;
            if let Some(ticket) = ticket
                && let Err(error) = store.release_upload(&ticket).await
            {
                tracing::debug!(%error, "bytes of an upload stay set aside until they expire");
            }
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // Its client is gone, in the middle of it.
        if !self.draft.as_os_str().is_empty() {
            tokio::spawn(self.end());
        }
    }
}

async fn reserve(state: &AppState, user: UserId, headers: &HeaderMap) -> Result<Ticket, ApiError> {
    let quota = state.settings.upload_quota;
    match state
        .store
        .reserve_upload(user, declared_length(headers)?, quota)
        .await?
    {
        Reserved::Ours(ticket) => Ok(ticket),
        Reserved::Busy => Err(ApiError::OneAtATime(
            "Another picture of yours is on its way. Send one at a time.",
        )),
        Reserved::Full(taken) => Err(full(taken, quota)),
    }
}

/// Lets a refused body go by unread, as long as it is no longer than one that is taken: a browser
/// that is answered before it has sent everything shows no answer at all.
async fn pass_over(request: Request) {
    let passing = async {
        let mut pieces = request.into_body().into_data_stream();
        let mut passed = 0;
        while let Some(Ok(piece)) = pieces.next().await
            && passed <= 2 * BODY_LIMIT
        {
            passed += piece.len();
        }
    };
    // One that takes longer is cut off.
    let _ = tokio::time::timeout(PASSES_WITHIN, passing).await;
}

/// How many bytes the body says it has; as many as there may be when it does not say.
fn declared_length(headers: &HeaderMap) -> Result<u64, ApiError> {
    let Some(value) = headers.get(CONTENT_LENGTH) else {
        return Ok(BODY_LIMIT as u64);
    };
    let length = value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    match length {
        Some(length) if length <= BODY_LIMIT as u64 => Ok(length),
        _ => Err(ApiError::TooLarge(FILE_LIMIT)),
    }
}

fn full(used: u64, quota: u64) -> ApiError {
    const MIB: f64 = 1024.0 * 1024.0;
    ApiError::bad(format!(
        "Your pictures take {:.1} of the {:.0} MiB that one person has. Delete some under \"My \
        pictures\" first.",
        used as f64 / MIB,
        quota as f64 / MIB
    ))
}

fn unwritable(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "an upload could not be written");
    ApiError::Internal
}

/// Writes the form's file to the draft, piece by piece.
async fn receive(request: Request, draft: &FilePath) -> Result<(), ApiError> {
    let malformed = || ApiError::bad("Send a form with the picture in `file`.");
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed())?;
    let refused = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::TooLarge(FILE_LIMIT)
        } else {
            CutBody::behind(&error).map_or_else(malformed, ApiError::from)
        }
    };
    while let Some(mut part) = form.next_field().await.map_err(refused)? {
        if part.name() != Some("file") {
            continue;
        }
        let mut file = tokio::fs::File::create(draft)
            .await
            .map_err(|error| unwritable(&error))?;
        let mut size = 0;
        while let Some(piece) = part.chunk().await.map_err(refused)? {
            size += piece.len();
            if size > FILE_LIMIT {
                return Err(ApiError::TooLarge(FILE_LIMIT));
            }
            file.write_all(&piece)
                .await
                .map_err(|error| unwritable(&error))?;
        }
        return file.flush().await.map_err(|error| unwritable(&error));
    }
    Err(malformed())
}

/// Decodes a draft when it is its turn, and writes it again within the same turn: both take memory.
async fn decode(draft: &FilePath) -> Result<Picture, ApiError> {
    let turn = tokio::time::timeout(WAITS_FOR, TURNS.acquire());
    let turn = turn
        .await
        .map_err(|_| {
            ApiError::Unavailable(
                "Many pictures are worked on at this moment. Try again in a few seconds.",
            )
        })?
        .map_err(|_| ApiError::Internal)?;
    let bytes = tokio::fs::read(draft)
        .await
        .map_err(|error| unwritable(&error))?;
    // The turn goes along: a client that leaves does not end the work, and must not begin more of
    // it.
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        pictures::rewrite(&bytes)
    })
    .await
    .map_err(|_| ApiError::Internal)?
}

/// The same picture of the same user has the same name. Two users have two: each may delete their
/// own.
fn name_of(user: UserId, bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(user.0.as_bytes());
    hash.update(bytes);
    hex(&hash.finalize())
}

/// What comes after which picture.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadsQuery {
    /// Where the last page ended: its `after`.
    #[serde(default)]
    after: String,
}

/// My pictures.
#[derive(Serialize, ToSchema)]
pub struct UploadList {
    /// Newest first.
    uploads: Vec<UploadEntry>,
    /// For the next page; null when there is none.
    #[schema(required)]
    after: Option<String>,
    /// Bytes that my pictures take.
    used: u64,
    /// Bytes that they may take; null for as many as there is room for.
    #[schema(required)]
    quota: Option<u64>,
}

/// One picture.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadEntry {
    /// For deleting it.
    name: String,
    /// A path on this server.
    image_url: String,
    /// What it was brought for.
    kind: String,
    /// Pixels across.
    width: u32,
    /// Pixels down.
    height: u32,
    /// Bytes.
    size: u64,
    /// Unix milliseconds.
    created_at: i64,
    /// In how many places it is shown.
    uses: UploadUses,
}

/// In how many places a picture is shown.
#[derive(Serialize, ToSchema)]
pub struct UploadUses {
    /// Messages in spaces.
    lines: u32,
    /// Direct messages.
    directs: u32,
    /// Avatars.
    avatars: u32,
    /// Elements.
    elements: u32,
    /// Maps.
    maps: u32,
}

impl From<Uses> for UploadUses {
    fn from(uses: Uses) -> Self {
        Self {
            lines: uses.lines,
            directs: uses.directs,
            avatars: uses.avatars,
            elements: uses.elements,
            maps: uses.maps,
        }
    }
}

impl From<UploadRow> for UploadEntry {
    fn from(row: UploadRow) -> Self {
        Self {
            image_url: format!("/files/{}", row.name()),
            name: row.name(),
            kind: row.kind,
            width: row.width,
            height: row.height,
            size: row.size,
            created_at: row.created_at,
            uses: row.uses.into(),
        }
    }
}

/// My pictures
///
/// With what they take of my share, and in how many places each is shown.
#[utoipa::path(
    get,
    path = "/upload",
    operation_id = "uploads",
    tag = "files",
    security(("token" = [])),
    params(UploadsQuery),
    responses(
        (status = 200, body = UploadList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn mine(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<UploadsQuery>,
) -> Result<Json<UploadList>, ApiError> {
    let (rows, after) = page(&state, Some(caller.user()), &query.after).await?;
    Ok(Json(UploadList {
        after,
        uploads: rows.into_iter().map(UploadEntry::from).collect(),
        used: state.store.uploaded_bytes(caller.user()).await?,
        quota: Some(state.settings.upload_quota).filter(|quota| *quota < u64::MAX),
    }))
}

/// The name without its ending.
fn hash_of(name: &str) -> Option<&str> {
    let hash = name.split('.').next().unwrap_or_default();
    (!hash.is_empty()).then_some(hash)
}

/// Delete a picture of mine
///
/// It goes from every message that shows it; they say so in its place. One that is an avatar, an
/// element or a map's picture stays until that has another one. Admins delete pictures of others
/// too, which the audit log keeps.
#[utoipa::path(
    delete,
    path = "/upload/{name}",
    operation_id = "deleteUpload",
    tag = "files",
    security(("token" = [])),
    params(("name" = String, Path, description = "The picture")),
    responses(
        (status = 200, body = Empty),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Empty>, ApiError> {
    let unknown = || ApiError::bad("There is no such picture.");
    let row = state
        .store
        .upload(hash_of(&name).unwrap_or_default())
        .await?;
    let row = row.ok_or_else(unknown)?;
    let is_mine = row
        .owner
        .as_ref()
        .is_some_and(|(owner, _)| *owner == caller.user());
    if !is_mine && !caller.is_admin() {
        return Err(ApiError::Forbidden("This picture belongs to another user."));
    }
    if row.uses.is_in_the_world() {
        return Err(ApiError::bad(
            "This picture is an avatar, an element or a map's picture. Give that another one first.",
        ));
    }
    let operator = (!is_mine).then(|| Actor::from(&caller.who));
    state
        .store
        .delete_upload(&row.hash, operator.as_ref())
        .await?;
    Ok(Json(Empty {}))
}

/// Which pictures.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllUploadsQuery {
    /// Only those of this user: an id.
    owner: Option<String>,
    /// Where the last page ended: its `after`.
    #[serde(default)]
    after: String,
}

/// Pictures of everyone.
#[derive(Serialize, ToSchema)]
pub struct AllUploadList {
    /// Newest first.
    uploads: Vec<OwnedUpload>,
    /// For the next page; null when there is none.
    #[schema(required)]
    after: Option<String>,
}

/// One picture and its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedUpload {
    /// Who brought it; null when the user is gone.
    #[schema(required)]
    owner_id: Option<String>,
    /// Their name.
    #[schema(required)]
    owner: Option<String>,
    #[serde(flatten)]
    upload: UploadEntry,
}

/// Pictures of all users
///
/// `DELETE /upload/{name}` deletes one.
#[utoipa::path(
    get,
    path = "/admin/uploads",
    operation_id = "allUploads",
    tag = "admin",
    security(("token" = [])),
    params(AllUploadsQuery),
    responses(
        (status = 200, body = AllUploadList),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn all(
    State(state): State<AppState>,
    _admin: Admin,
    Query(query): Query<AllUploadsQuery>,
) -> Result<Json<AllUploadList>, ApiError> {
    let owner = query.owner.map(|owner| owner.parse::<UserId>()).transpose();
    let owner = owner.map_err(|_| ApiError::bad("An owner is the id of a user."))?;
    let (rows, after) = page(&state, owner, &query.after).await?;
    let uploads = rows.into_iter().map(|mut row| {
        let (owner_id, owner) = row.owner.take().unzip();
        OwnedUpload {
            owner_id: owner_id.map(|owner| owner.to_string()),
            owner,
            upload: row.into(),
        }
    });
    Ok(Json(AllUploadList {
        uploads: uploads.collect(),
        after,
    }))
}

/// One page of pictures, and where the next one begins.
async fn page(
    state: &AppState,
    owner: Option<UserId>,
    after: &str,
) -> Result<(Vec<UploadRow>, Option<String>), ApiError> {
    // One more than is shown tells whether there is more.
    let mut rows = state.store.uploads(owner, hash_of(after), PAGE + 1).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let after = rows.last().filter(|_| has_more).map(UploadRow::name);
    Ok((rows, after))
}

/// Removes what nothing shows any more, forever: files of deleted pictures every minute, the rest
/// every hour.
pub async fn sweep(store: Store, data_dir: PathBuf) {
    let folder = UploadFolder::of(&data_dir);
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    for minute in 0_u64.. {
        minutes.tick().await;
        if minute.is_multiple_of(60) {
            match store.sweep_uploads().await {
                Ok(0) => {}
                Ok(pictures) => {
                    tracing::info!(pictures, "pictures that nothing shows were deleted")
                }
                Err(error) => {
                    tracing::warn!(%error, "unused pictures are not deleted yet; the next try is in an hour")
                }
            }
            if let Err(error) = folder.remove_old_drafts().await {
                tracing::warn!(%error, "the uploads folder cannot be swept; the next try is in an hour");
            }
        }
        if let Err(error) = folder.remove_dead_files(&store).await {
            tracing::warn!(%error, "files of deleted pictures are not removed yet; the next try is \
                in a minute");
        }
    }
}
