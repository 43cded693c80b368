//! Uploading: receives a picture of a user, and saves it within the user's quota.
//!
//! The bytes of an upload are reserved in the database before the first one is read: one upload at
//! a time per user, in whichever process. A body goes to a file, and is read again when it is the
//! user's turn: few are decoded at the same time. `uploads` lists and deletes pictures.

use std::path::{Path as FilePath, PathBuf};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::address::Address;
use super::arrivals::{BODY_LIMIT, pass_over, receive, unwritable};
use super::disk::leave_room;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Query};
use super::pictures::{self, FILE_LIMIT, Picture};
use super::upload_folder::UploadFolder;
use crate::components::id::UserId;
use crate::net::budget::{Slowed, Spender};
use crate::store::Store;
use crate::store::token::hex;
use crate::store::uploads::{Reserved, Settled, Ticket, Upload};

/// Query of an upload.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Kind of the picture: `avatar`, `element`, `thumbnail` or `chat`.
    #[param(inline)]
    kind: UploadKind,
}

/// What a picture is for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadKind {
    /// The picture of a player.
    Avatar,
    /// The picture of an element.
    Element,
    /// The thumbnail of a map.
    Thumbnail,
    /// A picture in a message.
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

/// Multipart form of an upload.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the form; the parts are read one by one"
)]
pub struct UploadForm {
    /// A PNG, JPEG, WebP or GIF; at most 8 MiB, and 3840 × 2160 pixels, upright or not.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The uploaded picture.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// A path on this server.
    image_url: String,
}

/// Upload a picture
///
/// One at a time per user. The picture is turned as its EXIF data says, and that data is removed;
/// photos are saved as JPEG, everything else as PNG. A picture that is not shown anywhere is
/// deleted after a day.
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
    address: Address,
    Query(UploadQuery { kind }): Query<UploadQuery>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<UploadAnswer>, ApiError> {
    caller.require_account()?;
    let arrival = state.arrivals.enter(address)?;
    let ticket = match reserve(&state, caller.user(), &headers).await {
        Ok(ticket) => ticket,
        Err(refused) => {
            // What is refused takes no place from others while it goes on arriving.
            drop(arrival);
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
    let received = receive(request, &arriving.draft, hash_for(caller.user())).await;
    drop(arrival);
    let sender = UploadSender {
        state: &state,
        user: caller.user(),
        address,
    };
    let kept = match received {
        Ok(source) => {
            let source = hex(&source.finalize());
            arriving.keep(&folder, sender, kind, &source).await
        }
        Err(refused) => Err(refused),
    };
    // A client that has its answer may send the next upload, so the reservation ends before. A task
    // of its own, as the request may be dropped at any time.
    let ended = tokio::spawn(arriving.end());
    ended.await.map_err(|_| ApiError::Internal)?;
    Ok(Json(UploadAnswer { image_url: kept? }))
}

/// Resources of a running upload, released however it ends, also when the client is gone.
struct Arriving {
    store: Store,
    ticket: Option<Ticket>,
    draft: PathBuf,
}

/// Who uploads, and with whose budgets.
#[derive(Clone, Copy)]
struct UploadSender<'a> {
    state: &'a AppState,
    user: UserId,
    address: Address,
}

impl UploadSender<'_> {
    /// Decodes a picture and encodes it again, within the sender's budget of pixels.
    async fn decode(self, draft: &FilePath) -> Result<Picture, ApiError> {
        let spender = Spender {
            user: Some(self.user),
            address: self.address.key(),
        };
        let file = draft.to_owned();
        let pixels = tokio::task::spawn_blocking(move || pictures::pixels(&file));
        let pixels = pixels.await.map_err(|_| ApiError::Internal)??;
        let taken = self.state.budgets.take_pixels(spender, pixels);
        taken.map_err(|Slowed { seconds }| ApiError::Later {
            detail: format!("You have sent many large pictures. Try again in {seconds} s."),
            seconds,
        })?;
        let decoding = &self.state.decoding;
        decoding.picture(self.user, self.address, draft).await
    }
}

impl Arriving {
    /// Saves the uploaded picture; returns its address.
    async fn keep(
        &mut self,
        folder: &UploadFolder,
        sender: UploadSender<'_>,
        kind: UploadKind,
        source: &str,
    ) -> Result<String, ApiError> {
        let (user, quota) = (sender.user, sender.state.settings.upload_quota);
        if let Some(name) = self.store.uploaded_before(user, source).await? {
            return Ok(format!("/files/{name}"));
        }
        let picture = sender.decode(&self.draft).await?;
        let hash = hex(&hash_for(user).chain_update(&picture.bytes).finalize());
        let name = format!("{hash}.{}", picture.format);
        let (length, reserve) = (
            picture.bytes.len() as u64,
            sender.state.settings.min_free_disk,
        );
        leave_room(folder.path(), length, reserve).await?;
        self.store.expect_file(&name).await?;
        let written = folder.write(&name, &picture.bytes).await;
        written.map_err(|error| unwritable(&error))?;
        let upload = Upload {
            hash: &hash,
            source,
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

    /// Releases what did not become a picture.
    fn end(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (store, ticket, draft) = (
            self.store.clone(),
            self.ticket.take(),
            std::mem::take(&mut self.draft),
        );
        async move {
            // The draft of a refused upload may not exist.
            let _ = tokio::fs::remove_file(draft).await;
            if let Some(ticket) = ticket
                && let Err(error) = store.release_upload(&ticket).await
            {
                tracing::debug!(%error, "failed to release bytes of an upload; they expire");
            }
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // The request was dropped before its end.
        if !self.draft.as_os_str().is_empty() {
            tokio::spawn(self.end());
        }
    }
}

async fn reserve(state: &AppState, user: UserId, headers: &HeaderMap) -> Result<Ticket, ApiError> {
    let quota = state.settings.upload_quota;
    let length = declared_length(headers)?;
    let folder = UploadFolder::of(&state.settings.data_dir);
    let arriving = state.arrivals.arriving_bytes();
    leave_room(folder.path(), arriving, state.settings.min_free_disk).await?;
    match state.store.reserve_upload(user, length, quota).await? {
        Reserved::Ours(ticket) => Ok(ticket),
        Reserved::Busy => Err(ApiError::OneAtATime(
            "Another picture of yours is on its way. Send one at a time.",
        )),
        Reserved::Full(taken) => Err(full(taken, quota)),
    }
}

/// Declared length of the body, in bytes; the largest possible one when it is not declared.
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

#[expect(
    clippy::cast_precision_loss,
    reason = "a person reads one digit after the point"
)]
fn full(used: u64, quota: u64) -> ApiError {
    const MIB: f64 = 1024.0 * 1024.0;
    ApiError::bad(format!(
        "Your pictures take {:.1} of the {:.0} MiB that one person has. Delete some under \"My \
        pictures\" first.",
        used as f64 / MIB,
        quota as f64 / MIB
    ))
}

/// Start of the hash that names a picture, from its content and owner. The same picture of two
/// users has two names: each may delete their own.
fn hash_for(user: UserId) -> Sha256 {
    Sha256::new_with_prefix(user.0.as_bytes())
}
