//! Uploads: pictures that people bring, really decoded within limits and written anew as PNG.

use std::io::Cursor;
use std::path::Path as FilePath;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use image::{ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::{ApiError, Problem};
use super::extract::{Caller, Json, Query};
use crate::store::sessions::hex;
use crate::store::uploads::Upload;

/// Largest picture, in bytes.
const FILE_LIMIT: usize = 2 * 1024 * 1024;
/// Largest body: the picture and the multipart lines around it.
pub const BODY_LIMIT: usize = FILE_LIMIT + 16 * 1024;
/// Longest side, in pixels.
const SIDE_LIMIT: u32 = 2048;
/// Most memory for decoding, in bytes: twice a picture of the largest size.
const MEMORY_LIMIT: u64 = 2 * 4 * (SIDE_LIMIT as u64) * (SIDE_LIMIT as u64);

/// Most bytes that one user may bring in all.
const USER_LIMIT: u64 = 64 * 1024 * 1024;
/// Pictures decoded at the same time, each within the memory limit.
const AT_ONCE: usize = 2;

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
#[expect(dead_code, reason = "it describes the form; the parts are read one by one")]
pub struct UploadForm {
    /// PNG, JPEG, WebP or GIF; at most 2 MiB and 2048 pixels a side.
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

struct Picture {
    png: Vec<u8>,
    width: u32,
    height: u32,
}

/// Bring a picture
#[utoipa::path(post, path = "/upload", operation_id = "upload", tag = "files", security(("token" = [])), params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
        (status = 200, body = UploadAnswer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Query(UploadQuery { kind }): Query<UploadQuery>,
    request: Request,
) -> Result<Json<UploadAnswer>, ApiError> {
    if state.store.uploaded_bytes(caller.user()).await? >= USER_LIMIT {
        return Err(ApiError::bad("You have brought as many pictures as one person may."));
    }
    let bytes = file_of(request).await?;
    let turn = TURNS.acquire().await.map_err(|_| ApiError::Internal)?;
    let picture = tokio::task::spawn_blocking(move || decode(&bytes))
        .await
        .map_err(|_| ApiError::Internal)??;
    drop(turn);
    let hash = hex(&Sha256::digest(&picture.png));
    write(&state.settings.data_dir.join("uploads"), &hash, &picture.png)
        .await
        .map_err(|error| {
            tracing::error!(%error, "an upload could not be written");
            ApiError::Internal
        })?;
    let Picture { width, height, ref png } = picture;
    let upload = Upload {
        hash: &hash,
        kind: kind.word(),
        width,
        height,
        size: png.len(),
    };
    state.store.add_upload(caller.user(), upload).await?;
    Ok(Json(UploadAnswer {
        image_url: format!("/files/{hash}.png"),
    }))
}

/// The form's file.
async fn file_of(request: Request) -> Result<Bytes, ApiError> {
    let malformed = || ApiError::bad("Send a form with the picture in `file`.");
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let refused = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::TooLarge
        } else {
            malformed()
        }
    };
    while let Some(part) = form.next_field().await.map_err(refused)? {
        if part.name() == Some("file") {
            let bytes = part.bytes().await.map_err(refused)?;
            return if bytes.len() > FILE_LIMIT {
                Err(ApiError::TooLarge)
            } else {
                Ok(bytes)
            };
        }
    }
    Err(malformed())
}

/// Decodes a picture within the limits and writes it anew: whatever hid in the file is gone.
fn decode(bytes: &[u8]) -> Result<Picture, ApiError> {
    let refused = || ApiError::bad("This is not a PNG, JPEG, WebP or GIF of at most 2048 pixels a side.");
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_LIMIT);
    limits.max_image_height = Some(SIDE_LIMIT);
    limits.max_alloc = Some(MEMORY_LIMIT);
    let reader = || {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|_| refused())?;
        reader.limits(limits.clone());
        Ok::<_, ApiError>(reader)
    };
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];
    if !reader()?.format().is_some_and(|format| known.contains(&format)) {
        return Err(refused());
    }
    // Not every decoder holds the limits before it reserves memory, so the size is read first.
    let (width, height) = reader()?.into_dimensions().map_err(|_| refused())?;
    if !(1..=SIDE_LIMIT).contains(&width) || !(1..=SIDE_LIMIT).contains(&height) {
        return Err(refused());
    }
    let image = reader()?.decode().map_err(|_| refused())?.into_rgba8();
    let mut png = Vec::new();
    image
        .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|_| refused())?;
    Ok(Picture {
        width: image.width(),
        height: image.height(),
        png,
    })
}

/// Writes a file under its hash; nobody ever sees half of it.
async fn write(folder: &FilePath, hash: &str, png: &[u8]) -> std::io::Result<()> {
    let file = folder.join(format!("{hash}.png"));
    if tokio::fs::try_exists(&file).await? {
        return Ok(());
    }
    tokio::fs::create_dir_all(folder).await?;
    let draft = folder.join(format!(".{hash}.{}", uuid::Uuid::new_v4()));
    tokio::fs::write(&draft, png).await?;
    tokio::fs::rename(&draft, &file).await
}
